/* Dense adversary generation. */
#include "attacks/dag.h"

#include "base/rng.h"
#include "graph/plan.h"
#include "models/boxes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NEAR     0.1  /* a target overlaps its true box by more */
#define SURE     0.1f /* ... and has its class with more */
#define SUPPRESS 0.9

static const char *const targets[] = {"permuted", "painted", NULL};

const LimParamSpec lim_dag_schema[] = {
    {.name = "gamma",
     .label = "Gamma",
     .help = "Largest change of a value in one iteration, in steps of 1 of 255.",
     .unit = "of 255",
     .kind = LIM_REAL,
     .offset = offsetof(LimDagParams, gamma),
     .min = 1e-3,
     .max = 255,
     .def = 0.5,
     .ui_min = 0.1,
     .ui_max = 5},
    {.name = "target",
     .label = "Target of pixels",
     .help = "What a segmenter should see: every class as another one (permuted), or a shape that "
             "is not there (painted).",
     .unit = "",
     .kind = LIM_CHOICE,
     .offset = offsetof(LimDagParams, target),
     .max = 1,
     .choices = targets,
     .def = LIM_DAG_PERMUTED},
    {.name = "only",
     .label = "Only garments",
     .help =
         "Numbers of the garments to attack, from 1, with commas between them; the last garment "
         "of a scene lies on top. Empty: everything.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(LimDagParams, only)},
    {.name = "iterations",
     .label = "Iterations",
     .help = "The most there may be; the paper takes 200 for segmentation and 150 for detection.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(LimDagParams, iterations),
     .min = 0,
     .max = 100000,
     .def = 200,
     .ui_max = 500},
    {.name = "remaining",
     .label = "Remaining",
     .help = "The attack is over when no more than this part of the targets has its true class.",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(LimDagParams, remaining),
     .max = 1,
     .def = 0.01},
    {.name = "left",
     .label = "Left of the true class",
     .help = "A detector's target stays active while its true class has more than this "
             "probability. Detectors report every class above 0.05, also of boxes proposed anew "
             "beside the targets; at 0.5 it is enough that another class is more probable, as in "
             "the paper's text.",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(LimDagParams, left),
     .max = 0.5,
     .def = 0.02},
    {.name = "clip",
     .label = "Stay a picture",
     .help = "Keep values between black and white in every iteration; the original does not.",
     .unit = "",
     .kind = LIM_BOOL,
     .offset = offsetof(LimDagParams, clip),
     .max = 1,
     .def = 1},
    {.name = "epsilon",
     .label = "Epsilon",
     .help =
         "Greatest change of a value on the scale from 0 to 1; 0: no bound, as in the original.",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(LimDagParams, epsilon),
     .max = 1,
     .def = 0},
    {0}};

struct LimDag {
    LimSceneNet *net;
    LimDagParams p;
    uint64_t seed;
    int size, area, classes;
    /* Scores of target i and class c lie at i * step + c * class_step. */
    int n, most, step, class_step;
    LimPlan *judge, *push;
    LimVal judge_x, scores, push_x, seed_feed, dx;
    LimVal judge_boxes, judge_index, push_boxes, push_index; /* of a detector */
    LimDetector *proposer;                                   /* of a detector */
    float (*box)[4];                                         /* [most] */
    int32_t *index;                                          /* [most], zeros */
    int32_t *right, *wrong;                                  /* [most]; right -1: no target */
    int32_t *wanted;                                         /* [area] of the caller, or NULL */
    uint32_t only;                                           /* garments; 0: everything */
    bool painted;      /* targets are active until they have their wrong class */
    float *direction;  /* of the scores: the seed */
    float *x0, *x, *r; /* [3][size][size] */
    int iteration, targets, active;
};

/* ---- plans ------------------------------------------------------------------------------------
 */

/* The network from x (and boxes) to scores, in a new graph. */
static LimVal
build_scores(LimDag *d, LimGraph *g, LimVal *x, LimVal *boxes, LimVal *index)
{
    LimBuild b;
    lim_build_init(&b, g, d->net->store, LIM_MODE_EVAL);
    *x = lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE4(1, 3, d->size, d->size));
    if (d->net->kind == LIM_SCENE_SEGMENTER)
        return lim_segmenter_network(&b, &d->net->params, *x);
    *boxes = lim_graph_feed(g, "boxes", LIM_F32, LIM_SHAPE2(d->most, 4));
    *index = lim_graph_feed(g, "index", LIM_I32, LIM_SHAPE1(d->most));
    LimVal scores, offsets;
    LimVal features = lim_detector_features(&b, &d->net->params, *x);
    lim_detector_head(&b, &d->net->params, features, *boxes, *index, &scores, &offsets);
    return scores;
}

static bool
plan(LimDag *d, const LimExec *exec, LimError *err)
{
    LimGraph *g = lim_graph_new();
    d->scores = build_scores(d, g, &d->judge_x, &d->judge_boxes, &d->judge_index);
    d->judge = lim_plan_new(g, &d->scores, 1, 0, exec, err);
    g = lim_graph_new();
    LimVal scores = build_scores(d, g, &d->push_x, &d->push_boxes, &d->push_index);
    d->seed_feed = lim_graph_feed(g, "direction", LIM_F32, lim_graph_shape(g, scores));
    lim_graph_grad(g, scores, d->seed_feed, &d->push_x, &d->dx, 1);
    d->push = lim_plan_new(g, &d->dx, 1, 0, exec, err);
    if (!d->judge || !d->push)
        return false;
    lim_plan_bind(d->judge, d->judge_x, d->x);
    lim_plan_bind(d->push, d->push_x, d->x);
    lim_plan_bind(d->push, d->seed_feed, d->direction);
    if (d->net->kind == LIM_SCENE_DETECTOR) {
        lim_plan_bind(d->judge, d->judge_boxes, d->box);
        lim_plan_bind(d->push, d->push_boxes, d->box);
        lim_plan_bind(d->judge, d->judge_index, d->index);
        lim_plan_bind(d->push, d->push_index, d->index);
    }
    return true;
}

LimStatus
lim_dag_garments(const char *only, uint32_t *bits, LimError *err)
{
    *bits = 0;
    for (const char *at = only; *at;) {
        char *end;
        const long k = strtol(at, &end, 10);
        if (end == at || k < 1 || k > LIM_SCENE_GARMENTS || (*end && *end != ',') ||
            (*end && !end[1]))
            return lim_fail(
                err, LIM_E_PARAM,
                "\"%s\" does not number garments; give numbers from 1 to %d with commas "
                "between them, such as 1,3",
                only, LIM_SCENE_GARMENTS);
        *bits |= 1u << (k - 1);
        at = *end ? end + 1 : end;
    }
    return LIM_OK;
}

void
lim_scene_of_boxes(const LimDetection *found, int n, LimScene *scene)
{
    memset(scene, 0, sizeof *scene);
    for (int i = 0; i < n && scene->n < LIM_SCENE_GARMENTS && found[i].score >= 0.5f; i++) {
        LimSceneObject *o = &scene->object[scene->n++];
        o->label = found[i].label;
        memcpy(o->box, found[i].box, sizeof o->box);
    }
}

LimDag *
lim_dag_new(LimSceneNet *net, int size, const LimDagParams *p, uint64_t seed, const LimExec *exec,
            LimError *err)
{
    uint32_t only;
    if (lim_params_check(lim_dag_schema, p, err) != LIM_OK ||
        lim_dag_garments(p->only, &only, err) != LIM_OK)
        return NULL;
    LimDag *d = lim_alloc(1, sizeof *d);
    const bool pixels = net->kind == LIM_SCENE_SEGMENTER;
    d->net = net;
    d->p = *p;
    d->only = only;
    d->seed = seed;
    d->size = size;
    d->area = size * size;
    d->classes = net->params.classes;
    d->most = pixels ? d->area : LIM_DAG_PROPOSALS;
    d->step = pixels ? 1 : d->classes;
    d->class_step = pixels ? d->area : 1;
    const size_t most = (size_t)d->most, image = 3 * (size_t)d->area;
    d->box = lim_alloc(most, sizeof *d->box);
    d->index = lim_alloc(most, sizeof *d->index);
    d->right = lim_alloc(most, sizeof *d->right);
    d->wrong = lim_alloc(most, sizeof *d->wrong);
    d->direction = lim_alloc(most * (size_t)d->classes, sizeof *d->direction);
    d->x0 = lim_alloc(image, sizeof *d->x0);
    d->x = lim_alloc(image, sizeof *d->x);
    d->r = lim_alloc(image, sizeof *d->r);
    if (!pixels)
        d->proposer = lim_detector_new(net, size, exec, err);
    if ((pixels || d->proposer) && plan(d, exec, err))
        return d;
    lim_dag_free(d);
    return NULL;
}

void
lim_dag_free(LimDag *d)
{
    if (!d)
        return;
    lim_plan_free(d->judge);
    lim_plan_free(d->push);
    lim_detector_free(d->proposer);
    void *owned[] = {d->box,       d->index, d->right, d->wrong, d->wanted,
                     d->direction, d->x0,    d->x,     d->r,     d};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
}

void
lim_dag_want(LimDag *d, const int32_t *wanted)
{
    free(d->wanted);
    d->wanted = wanted ? lim_memdup(wanted, (size_t)d->area, sizeof *wanted) : NULL;
}

/* ---- targets ----------------------------------------------------------------------------------
 */

static uint64_t
stream(const char *name, uint64_t number)
{
    return lim_rng_stream(LIM_STREAM_ATTACK, name, number);
}

/* One cycle through all classes has no fixed point. */
static void
permute_classes(LimDag *d, uint64_t number, const int32_t *mask)
{
    uint32_t order[256];
    int32_t to[256];
    LIM_ASSERT(d->classes <= 256);
    lim_rng_permutation(d->seed, stream("dag classes", number), order, (uint32_t)d->classes);
    for (int i = 0; i < d->classes; i++)
        to[order[i]] = (int32_t)order[(i + 1) % d->classes];
    for (int i = 0; i < d->area; i++)
        d->wrong[i] = to[mask[i]];
}

/* A class other than background that is not among those of the scene, or any other than `but`. */
static int
absent_class(const LimDag *d, const LimScene *scene, int but, uint64_t number, uint64_t draw)
{
    bool there[256] = {true};
    int n = 0;
    for (int i = 0; i < scene->n; i++)
        there[scene->object[i].label] = true;
    for (int k = 1; k < d->classes; k++)
        n += !there[k];
    if (!n) { /* all are there: only the one itself is out */
        memset(there + 1, 0, sizeof there - 1);
        there[but] = true;
        for (int k = 1; k < d->classes; k++)
            n += !there[k];
    }
    if (!n)
        return 0;
    int left = (int)lim_rng_below(d->seed, stream("dag absent", number), draw, (uint32_t)n);
    for (int k = 1; k < d->classes; k++)
        if (!there[k] && left-- == 0)
            return k;
    return 0;
}

static void
paint(LimDag *d, uint64_t number, const LimScene *scene)
{
    const int shape = (int)lim_rng_below(d->seed, stream("dag shape", number), 0, 3);
    const int label = absent_class(d, scene, 0, number, 0);
    const double reach = 0.3 * d->size, middle = 0.5 * (d->size - 1);
    for (int i = 0; i < d->area; i++) {
        const double x = fabs(i % d->size - middle), y = fabs(i / d->size - middle);
        const bool inside = shape == 0   ? hypot(x, y) <= reach
                            : shape == 1 ? fmax(x, y) <= reach
                                         : y <= 0.5 * reach;
        d->wrong[i] = inside ? label : 0;
    }
}

/* Which true box proposal number i is to be kept from, or -1. p: its probabilities. */
static int
belongs_to(const LimDag *d, int i, const LimScene *scene, const float *p)
{
    int best = -1;
    double most = NEAR;
    for (int k = 0; k < scene->n; k++) {
        const double o = lim_box_overlap(d->box[i], scene->object[k].box);
        if (d->only && !(d->only >> k & 1))
            continue;
        if (o > most && p[scene->object[k].label] > SURE) {
            most = o;
            best = k;
        }
    }
    return best;
}

static void
softmax(const float *score, int k, float *p)
{
    float top = score[0], sum = 0;
    for (int c = 1; c < k; c++)
        top = fmaxf(top, score[c]);
    for (int c = 0; c < k; c++)
        sum += p[c] = expf(score[c] - top);
    for (int c = 0; c < k; c++)
        p[c] /= sum;
}

static LimStatus
target_boxes(LimDag *d, uint64_t number, const LimScene *scene, const LimExec *exec, LimError *err)
{
    int n;
    memset(d->box, 0, (size_t)d->most * sizeof *d->box);
    LimStatus status =
        lim_detector_proposals(d->proposer, exec, d->x, SUPPRESS, d->most, d->box, &n, err);
    if (status == LIM_OK)
        status = lim_plan_run(d->judge, exec, err);
    if (status != LIM_OK)
        return status;
    const float *scores = lim_plan_f32(d->judge, d->scores);
    for (int i = 0; i < n; i++) {
        float p[256];
        softmax(scores + i * d->classes, d->classes, p);
        const int k = belongs_to(d, i, scene, p);
        d->right[i] = k < 0 ? -1 : scene->object[k].label;
        if (k >= 0)
            d->wrong[i] =
                absent_class(d, scene, d->right[i], number, (uint64_t)scene->object[k].label);
    }
    d->n = n;
    return LIM_OK;
}

LimStatus
lim_dag_begin(LimDag *d, uint64_t number, const float *x, const int32_t *mask,
              const LimScene *scene, const LimExec *exec, LimError *err)
{
    const size_t image = 3 * (size_t)d->area;
    memcpy(d->x0, x, image * sizeof *x);
    memcpy(d->x, x, image * sizeof *x);
    memset(d->r, 0, image * sizeof *d->r);
    d->iteration = 0;
    d->targets = 0;
    if (d->net->kind == LIM_SCENE_DETECTOR) {
        const LimStatus status = target_boxes(d, number, scene, exec, err);
        if (status != LIM_OK)
            return status;
    } else {
        d->n = d->area;
        memcpy(d->right, mask, (size_t)d->area * sizeof *mask);
        d->painted = d->wanted || d->p.target == LIM_DAG_PAINTED;
        if (d->wanted)
            memcpy(d->wrong, d->wanted, (size_t)d->area * sizeof *d->wanted);
        else if (d->painted)
            paint(d, number, scene);
        else
            permute_classes(d, number, mask);
        for (int i = 0; i < d->area && d->only; i++) {
            const int k = lim_scene_garment_at(scene, mask, d->size, i % d->size, i / d->size);
            if (k < 0 || !(d->only >> k & 1))
                d->right[i] = -1;
        }
    }
    for (int i = 0; i < d->n; i++)
        d->targets += d->right[i] >= 0;
    d->active = d->targets;
    return LIM_OK;
}

/* ---- iterations -------------------------------------------------------------------------------
 */

static int
class_of(const LimDag *d, const float *score)
{
    int best = 0;
    for (int c = 1; c < d->classes; c++)
        if (score[c * d->class_step] > score[best * d->class_step])
            best = c;
    return best;
}

/* Whether target i of a detector still has its true class, or so much of it that a detector would
 * report it. */
static bool
reported(const LimDag *d, int i, int now)
{
    float p[256];
    softmax(lim_plan_f32(d->judge, d->scores) + i * d->classes, d->classes, p);
    return now == d->right[i] || (double)p[d->right[i]] > d->p.left;
}

/* The active set of the present picture, as the direction in which to move the scores. */
static void
find_active(LimDag *d)
{
    const bool boxes = d->net->kind == LIM_SCENE_DETECTOR;
    const float *scores = lim_plan_f32(d->judge, d->scores);
    memset(d->direction, 0, (size_t)d->most * (size_t)d->classes * sizeof *d->direction);
    d->active = 0;
    for (int i = 0; i < d->n; i++) {
        if (d->right[i] < 0)
            continue;
        const int now = class_of(d, scores + (size_t)i * (size_t)d->step);
        if (boxes ? !reported(d, i, now) : d->painted ? now == d->wrong[i] : now != d->right[i])
            continue;
        float *at = d->direction + (size_t)i * (size_t)d->step;
        at[d->wrong[i] * d->class_step] += 1;
        at[(boxes ? d->right[i] : now) * d->class_step] -= 1;
        d->active++;
    }
}

/* Moves x by the gradient, its largest value being gamma; false when there is none. */
static bool
move(LimDag *d)
{
    const float *dx = lim_plan_f32(d->push, d->dx);
    const int n = 3 * d->area;
    float top = 0;
    for (int i = 0; i < n; i++)
        top = fmaxf(top, fabsf(dx[i]));
    if (!(top > 0) || !isfinite(top))
        return false;
    const float scale = (float)(2 * d->p.gamma / 255) / top, bound = (float)(2 * d->p.epsilon);
    for (int i = 0; i < n; i++) {
        float r = d->r[i] + scale * dx[i];
        if (bound > 0)
            r = fminf(fmaxf(r, -bound), bound);
        if (d->p.clip)
            r = fminf(fmaxf(d->x0[i] + r, -1), 1) - d->x0[i];
        d->r[i] = r;
        d->x[i] = d->x0[i] + r;
    }
    return true;
}

LimStep
lim_dag_step(LimDag *d, const LimExec *exec, LimError *err)
{
    if (lim_plan_run(d->judge, exec, err) != LIM_OK)
        return LIM_STEP_FAILED;
    find_active(d);
    if (d->active <= d->p.remaining * d->targets || d->iteration >= d->p.iterations)
        return LIM_STEP_DONE;
    if (lim_plan_run(d->push, exec, err) != LIM_OK)
        return LIM_STEP_FAILED;
    if (!move(d))
        return LIM_STEP_DONE;
    d->iteration++;
    return LIM_STEP_MORE;
}

LimDagResult
lim_dag_result(const LimDag *d)
{
    LimDagResult result = {.iterations = d->iteration,
                           .targets = d->targets,
                           .active = d->active,
                           .r = d->r,
                           .perceptible = lim_dag_perceptibility(d->x0, d->x, d->size),
                           .wrong = d->wrong};
    for (int i = 0; i < 3 * d->area; i++)
        result.largest = fmax(result.largest, fabs((double)d->x[i] - (double)d->x0[i]) / 2);
    return result;
}

/* ---- what becomes of perturbations ------------------------------------------------------------
 */

void
lim_dag_picture(const float *x, const float *const *r, const double *weight, int n, int size,
                float *out)
{
    for (int i = 0; i < 3 * size * size; i++) {
        double v = (double)x[i];
        for (int k = 0; k < n; k++)
            v += weight[k] * (double)r[k][i];
        v = v < -1 ? -1 : v > 1 ? 1 : v;
        out[i] = (float)rint((v + 1) * 127.5) / 127.5f - 1;
    }
}

void
lim_dag_permute_rows(const float *r, int size, uint64_t seed, uint64_t number, float *out)
{
    uint32_t order[LIM_SCENE_SIDE];
    LIM_ASSERT(size <= LIM_SCENE_SIDE);
    lim_rng_permutation(seed, stream("dag rows", number), order, (uint32_t)size);
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < size; y++)
            memcpy(out + ((size_t)c * (size_t)size + (size_t)y) * (size_t)size,
                   r + ((size_t)c * (size_t)size + order[y]) * (size_t)size,
                   (size_t)size * sizeof *r);
}

double
lim_dag_perceptibility(const float *x, const float *y, int size)
{
    double sum = 0;
    for (int i = 0; i < 3 * size * size; i++) {
        const double d = ((double)y[i] - (double)x[i]) / 2;
        sum += d * d;
    }
    return sqrt(sum / ((double)size * size));
}

double
lim_dag_largest(const float *r, int size)
{
    double largest = 0;
    for (int i = 0; i < 3 * size * size; i++)
        largest = fmax(largest, fabs((double)r[i]) / 2);
    return largest;
}
