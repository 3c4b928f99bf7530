/* The generator for use: latents under a truncation threshold, one plan per batch size (and a
 * second one where attention maps are wanted, so that drawing without them keeps its speed). */
#include "models/generator.h"

#include "base/rng.h"
#include "graph/plan.h"
#include "models/biggan.h"
#include "models/modelfile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 64

typedef struct BatchPlan {
    LimPlan *plan;
    LimVal z, classes, image, maps;
} BatchPlan;

struct LimGenerator {
    LimBigganParams params;
    LimStore *store;
    float *plane[2]; /* [latent] each */
    LimAttentionInfo attention;
    char (*class_names)[32];
    BatchPlan plans[2][BATCH + 1]; /* without and with maps, by number of pictures */
};

static LimStatus
plan_batch(LimGenerator *g, int n, bool maps, const LimExec *exec, LimError *err)
{
    BatchPlan *b = &g->plans[maps][n];
    if (b->plan)
        return LIM_OK;
    LimGraph *graph = lim_graph_new();
    LimBuild build;
    lim_build_init(&build, graph, g->store, LIM_MODE_EVAL);
    b->z = lim_graph_feed(graph, "z", LIM_F32, LIM_SHAPE2(n, g->params.latent));
    b->classes = lim_graph_feed(graph, "classes", LIM_F32, LIM_SHAPE2(n, g->params.classes));
    b->image = lim_biggan_generator(&build, &g->params, b->z, b->classes, &b->maps);
    if (lim_val_ok(b->maps)) { /* [n][queries][keys] of square grids */
        const LimShape s = lim_graph_shape(graph, b->maps);
        g->attention.query = (int)lrint(sqrt(s.d[1]));
        g->attention.key = (int)lrint(sqrt(s.d[2]));
    }
    b->plan = lim_plan_new(graph, (LimVal[]){b->image, b->maps}, maps ? 2 : 1, 0, exec, err);
    return b->plan ? LIM_OK : LIM_E_SHAPE;
}

/* Two random directions at a right angle, of length 1. */
static void
make_plane(LimGenerator *g)
{
    const size_t n = (size_t)g->params.latent;
    const uint64_t stream = lim_rng_stream(LIM_STREAM_LATENT, "plane", 0);
    for (int axis = 0; axis < 2; axis++) {
        float *v = g->plane[axis] = lim_alloc(n, sizeof *v);
        lim_rng_normal(0, stream, (uint64_t)axis * 4096, v, n);
        double along = 0, length = 0;
        for (size_t k = 0; k < n && axis; k++)
            along += (double)v[k] * (double)g->plane[0][k];
        for (size_t k = 0; k < n && axis; k++)
            v[k] = (float)((double)v[k] - along * (double)g->plane[0][k]);
        for (size_t k = 0; k < n; k++)
            length += (double)v[k] * (double)v[k];
        for (size_t k = 0; k < n; k++)
            v[k] = (float)((double)v[k] / sqrt(length));
    }
}

/* Building the network reads its weights. */
static void
load_weights(LimGenerator *g, const LimStFile *st, LimError *err)
{
    const LimExec none = {.kernels = lim_kernels_best()};
    lim_store_source(g->store, st);
    plan_batch(g, 1, false, &none, err);
    lim_store_source(g->store, NULL);
    lim_plan_free(g->plans[0][1].plan); /* was planned for no particular number of threads */
    g->plans[0][1].plan = NULL;
    static const char gamma[] = "attention.gamma";
    for (int i = 0; i < lim_store_count(g->store); i++) {
        const char *name = lim_store_name(g->store, i);
        const size_t length = strlen(name);
        if (length >= strlen(gamma) && strcmp(name + length - strlen(gamma), gamma) == 0)
            g->attention.gamma = (double)*lim_store_data(g->store, i);
    }
}

LimGenerator *
lim_generator_load(const char *path, LimError *err)
{
    LimError local = LIM_ERROR_INIT;
    if (!err)
        err = &local;
    LimModelFile *f = lim_modelfile_open(path, err);
    if (!f)
        return NULL;
    LimGenerator *g = lim_alloc(1, sizeof *g);
    g->store = lim_store_new(0);
    if (lim_modelfile_params(f, "biggan-generator", lim_biggan_schema, &g->params, err) == LIM_OK) {
        if (g->params.classes != f->classes)
            lim_fail(err, LIM_E_FORMAT, "%s: %d class names for %d classes", path, f->classes,
                     g->params.classes);
        else {
            load_weights(g, f->st, err);
            make_plane(g);
        }
    }
    g->class_names = f->class_names;
    f->class_names = NULL;
    lim_modelfile_free(f);
    if (err->code != LIM_OK) {
        lim_generator_free(g);
        return NULL;
    }
    return g;
}

void
lim_generator_free(LimGenerator *g)
{
    if (!g)
        return;
    for (int i = 0; i <= BATCH; i++) {
        lim_plan_free(g->plans[0][i].plan);
        lim_plan_free(g->plans[1][i].plan);
    }
    lim_store_free(g->store);
    free(g->plane[0]);
    free(g->plane[1]);
    free(g->class_names);
    free(g);
}

int
lim_generator_classes(const LimGenerator *g)
{
    return g->params.classes;
}

const char *
lim_generator_class_name(const LimGenerator *g, int k)
{
    return k >= 0 && k < g->params.classes ? g->class_names[k] : "";
}

const LimBigganParams *
lim_generator_params(const LimGenerator *g)
{
    return &g->params;
}

LimStore *
lim_generator_store(LimGenerator *g)
{
    return g->store;
}

int
lim_generator_latent_size(const LimGenerator *g)
{
    return g->params.latent;
}

int
lim_generator_slots(const LimGenerator *g)
{
    return lim_biggan_slots(&g->params);
}

LimShape
lim_generator_image_shape(const LimGenerator *g)
{
    return LIM_SHAPE3(g->params.channels, LIM_BIGGAN_SIZE, LIM_BIGGAN_SIZE);
}

bool
lim_generator_attention(const LimGenerator *g, LimAttentionInfo *a)
{
    *a = g->attention;
    return a->query > 0;
}

const float *
lim_generator_plane(const LimGenerator *g, int axis)
{
    LIM_ASSERT(axis == 0 || axis == 1);
    return g->plane[axis];
}

/* ---- latents -----------------------------------------------------------------------------------
 */

/* In every mode z = scale w, with w a normal value cut at +-bound. */
typedef struct Cut {
    double scale, bound;
} Cut;

static Cut
cut_of(const LimSampleRequest *r, int slot)
{
    const double t = lim_sample_threshold(r, slot);
    return r->truncation == LIM_TRUNC_SCALE ? (Cut){t, 2} : (Cut){1, t};
}

/* From N(0,1) to the same quantile of the cut normal and back. Both work on the negative side,
 * where the distribution function is precise, and are odd. */
static double
cut_from_normal(double x, double bound)
{
    const double low = lim_normal_cdf(-bound);
    const double w = lim_normal_quantile(low + lim_normal_cdf(-fabs(x)) * (1 - 2 * low));
    return copysign(fmin(fabs(w), bound), x);
}

static double
normal_from_cut(double w, double bound)
{
    const double low = lim_normal_cdf(-bound);
    const double p = (lim_normal_cdf(-fabs(w)) - low) / (1 - 2 * low);
    return copysign(lim_normal_quantile(fmax(p, 1e-300)), w);
}

static double
uniform(uint64_t seed, uint64_t stream, uint64_t k)
{
    return ((double)(lim_rng_u64(seed, stream, k) >> 11) + 0.5) * 0x1p-53;
}

/* Value k of the latent block of a seed, cut, with the Gaussian under it moved by `shift`. */
static double
latent_value(uint64_t seed, uint64_t k, Cut cut, LimTruncation how, double shift)
{
    const double t = cut.bound;
    if (how == LIM_TRUNC_INVERSE_CDF) {
        /* z = Q(Phi(-t) + u (Phi(t) - Phi(-t))); for t beyond about 8 this is N(0,1) itself */
        const double u = uniform(seed, LIM_STREAM_LATENT, k);
        if (shift != 0)
            return cut_from_normal(lim_normal_quantile(u) + shift, t);
        const double low = lim_normal_cdf(-t);
        return lim_normal_quantile(low + u * (1 - 2 * low));
    }
    /* draw again until inside; each draw has a stream of its own */
    for (uint64_t draw = 0;; draw++) {
        const double w =
            lim_normal_quantile(uniform(seed, lim_rng_stream(LIM_STREAM_LATENT, "draw", draw), k));
        if (fabs(w) > t)
            continue;
        /* drawing a moved value again could take for ever, and would jump; its quantile does not */
        return cut.scale * (shift != 0 ? cut_from_normal(normal_from_cut(w, t) + shift, t) : w);
    }
}

static int
slot_of(const LimGenerator *g, int k)
{
    return k * lim_generator_slots(g) / g->params.latent;
}

int
lim_generator_label(const LimGenerator *g, const LimSampleRequest *r, int index)
{
    return r->label < 0 ? index % g->params.classes : r->label;
}

/* out = (1 - s) a + s b, exactly a at 0 and b at 1. */
static void
mix(const float *a, const float *b, double s, int n, float *out)
{
    for (int k = 0; k < n; k++)
        out[k] = (float)((1 - s) * (double)a[k] + s * (double)b[k]);
}

void
lim_generator_input(const LimGenerator *g, const LimSampleRequest *r, int index, float *z,
                    float *classes)
{
    for (int k = 0; k < g->params.latent && z; k++) {
        const int slot = slot_of(g, k);
        const double shift =
            r->walk_x * (double)g->plane[0][k] + r->walk_y * (double)g->plane[1][k];
        z[k] = (float)latent_value(r->mix_slots >> slot & 1 ? r->mix_seed : r->seed,
                                   (uint64_t)index * 4096 + (uint64_t)k, cut_of(r, slot),
                                   (LimTruncation)r->truncation, shift);
    }
    if (!classes)
        return;
    const int label = lim_generator_label(g, r, index);
    const double blend = r->blend_label < 0 ? 0 : r->blend;
    memset(classes, 0, (size_t)g->params.classes * sizeof *classes);
    classes[label] = (float)(1 - blend);
    if (blend > 0)
        classes[r->blend_label] += (float)blend;
}

void
lim_generator_latents(const LimGenerator *g, const LimSampleRequest *r, float *z)
{
    for (int i = 0; i < r->count; i++)
        lim_generator_input(g, r, i, z + (size_t)i * (size_t)g->params.latent, NULL);
}

LimStatus
lim_generator_check(const LimGenerator *g, const LimSampleRequest *r, LimError *err)
{
    LimStatus status = lim_sample_check(r, err);
    const int largest = r->label > r->blend_label ? r->label : r->blend_label;
    if (status == LIM_OK && largest >= g->params.classes)
        status = lim_fail(err, LIM_E_PARAM, "class %d does not exist; this generator has 0 to %d",
                          largest, g->params.classes - 1);
    return status;
}

/* The point at s of the great circle from the Gaussian under a to the one under b, cut like them
 * (lengths that differ change in proportion). */
static void
great_circle(const LimGenerator *g, const LimInterpolation *p, const float *a, const float *b,
             double s, float *out)
{
    const int n = g->params.latent;
    double *x = lim_alloc((size_t)n * 2, sizeof *x), *y = x + n, xx = 0, yy = 0, xy = 0;
    for (int k = 0; k < n; k++) {
        const Cut from = cut_of(&p->from.request, slot_of(g, k));
        const Cut to = cut_of(&p->to.request, slot_of(g, k));
        x[k] = normal_from_cut((double)a[k] / from.scale, from.bound);
        y[k] = normal_from_cut((double)b[k] / to.scale, to.bound);
        xx += x[k] * x[k];
        yy += y[k] * y[k];
        xy += x[k] * y[k];
    }
    const double angle = acos(fmax(-1, fmin(1, xy / sqrt(xx * yy))));
    /* nearly the same or opposite directions have no plane between them */
    const bool flat = sin(angle) < 1e-6;
    const double u = flat ? 1 - s : sin((1 - s) * angle) / sin(angle);
    const double v = flat ? s : sin(s * angle) / sin(angle);
    for (int k = 0; k < n; k++) {
        const Cut from = cut_of(&p->from.request, slot_of(g, k));
        const Cut to = cut_of(&p->to.request, slot_of(g, k));
        out[k] = (float)(((1 - s) * from.scale + s * to.scale) *
                         cut_from_normal(u * x[k] + v * y[k], (1 - s) * from.bound + s * to.bound));
    }
    free(x);
}

static void
interpolate_row(const LimGenerator *g, const LimInterpolation *p, int row, float *z, float *classes)
{
    const int latent = g->params.latent, n = g->params.classes;
    float *a = lim_alloc((size_t)(latent + n) * 2, sizeof *a), *b = a + latent + n;
    lim_generator_input(g, &p->from.request, p->from.index + row, a, a + latent);
    lim_generator_input(g, &p->to.request, p->to.index + row, b, b + latent);
    for (int i = 0; i < p->steps; i++) {
        const double s = (double)i / (p->steps - 1);
        const double sz = p->what == LIM_TRAVEL_CLASS ? 0 : s;
        if (p->path == LIM_PATH_SPHERICAL && sz > 0 && sz < 1)
            great_circle(g, p, a, b, sz, z);
        else
            mix(a, b, sz, latent, z);
        mix(a + latent, b + latent, p->what == LIM_TRAVEL_LATENT ? 0 : s, n, classes);
        z += latent;
        classes += n;
    }
    free(a);
}

void
lim_generator_interpolate(const LimGenerator *g, const LimInterpolation *p, float *z,
                          float *classes)
{
    for (int k = 0; k < p->rows; k++)
        interpolate_row(g, p, k, z + (size_t)k * (size_t)p->steps * (size_t)g->params.latent,
                        classes + (size_t)k * (size_t)p->steps * (size_t)g->params.classes);
}

/* ---- pictures ----------------------------------------------------------------------------------
 */

static size_t
image_size(const LimGenerator *g)
{
    return (size_t)lim_shape_size(lim_generator_image_shape(g));
}

static size_t
map_size(const LimGenerator *g)
{
    const size_t side = (size_t)g->attention.query * (size_t)g->attention.key;
    return side * side;
}

/* At most BATCH pictures with the plan of their number. */
static LimStatus
run_batch(LimGenerator *g, const LimExec *exec, const float *z, const float *classes, int n,
          float *pictures, float *maps, LimError *err)
{
    LimStatus status = plan_batch(g, n, maps != NULL, exec, err);
    if (status != LIM_OK)
        return status;
    BatchPlan *b = &g->plans[maps != NULL][n];
    lim_plan_bind(b->plan, b->z, z);
    lim_plan_bind(b->plan, b->classes, classes);
    status = lim_plan_run(b->plan, exec, err);
    if (status != LIM_OK)
        return status;
    memcpy(pictures, lim_plan_f32(b->plan, b->image), (size_t)n * image_size(g) * sizeof(float));
    if (maps)
        memcpy(maps, lim_plan_f32(b->plan, b->maps), (size_t)n * map_size(g) * sizeof(float));
    return LIM_OK;
}

LimStatus
lim_generator_draw(LimGenerator *g, const LimExec *exec, const float *z, const float *classes,
                   int n, float *pictures, float *maps, LimError *err)
{
    LIM_ASSERT(!maps || g->attention.query > 0);
    LimStatus status = LIM_OK;
    for (int i = 0; i < n && status == LIM_OK; i += BATCH) {
        const size_t at = (size_t)i;
        status =
            run_batch(g, exec, z + at * (size_t)g->params.latent,
                      classes + at * (size_t)g->params.classes, n - i < BATCH ? n - i : BATCH,
                      pictures + at * image_size(g), maps ? maps + at * map_size(g) : NULL, err);
    }
    return status;
}

LimStatus
lim_generator_run(LimGenerator *g, const LimExec *exec, const float *z, const int32_t *label, int n,
                  float *pictures, LimError *err)
{
    const size_t classes = (size_t)g->params.classes;
    float *weight = lim_alloc((size_t)n * classes, sizeof *weight);
    for (int i = 0; i < n; i++) {
        LIM_ASSERT(label[i] >= 0 && label[i] < g->params.classes);
        weight[(size_t)i * classes + (size_t)label[i]] = 1;
    }
    const LimStatus status = lim_generator_draw(g, exec, z, weight, n, pictures, NULL, err);
    free(weight);
    return status;
}

/* ---- the tasks ---------------------------------------------------------------------------------
 */

typedef struct SampleTask {
    LimTask base;
    LimGenerator *g;
    LimSampleRequest r; /* with samples NULL and way.steps 0: all of this one */
    LimSample *samples;
    LimInterpolation way;
    bool want_maps;
    int n, done;
    float *z, *classes;
    LimTensor *image, *maps;
} SampleTask;

static LimStatus
check_sample(const LimGenerator *g, const LimSample *s, LimError *err)
{
    if (s->index < 0 || s->index > LIM_INDEX_MAX)
        return lim_fail(err, LIM_E_PARAM, "sample %d is outside 0 to %d", s->index, LIM_INDEX_MAX);
    return lim_generator_check(g, &s->request, err);
}

static LimStatus
check(SampleTask *t, LimError *err)
{
    const LimGenerator *g = t->g;
    LimStatus status = LIM_OK;
    if (t->want_maps && !g->attention.query)
        return lim_fail(err, LIM_E_PARAM, "this generator has no attention to show");
    if (t->way.steps) {
        status = lim_params_check(lim_interpolation_schema, &t->way, err);
        if (status == LIM_OK)
            status = check_sample(g, &t->way.from, err);
        return status == LIM_OK ? check_sample(g, &t->way.to, err) : status;
    }
    if (!t->samples)
        return lim_generator_check(g, &t->r, err);
    for (int i = 0; i < t->n && status == LIM_OK; i++)
        status = check_sample(g, &t->samples[i], err);
    return status;
}

static LimStatus
prepare(SampleTask *t, LimError *err)
{
    LimGenerator *g = t->g;
    const size_t latent = (size_t)g->params.latent, classes = (size_t)g->params.classes;
    const LimShape s = lim_generator_image_shape(g);
    const int queries = g->attention.query * g->attention.query;
    const LimStatus status = check(t, err);
    if (status != LIM_OK)
        return status;
    t->n = t->way.steps ? t->way.rows * t->way.steps : t->samples ? t->n : t->r.count;
    t->z = lim_alloc((size_t)t->n * latent, sizeof *t->z);
    t->classes = lim_alloc((size_t)t->n * classes, sizeof *t->classes);
    if (t->way.steps)
        lim_generator_interpolate(g, &t->way, t->z, t->classes);
    else
        for (int i = 0; i < t->n; i++)
            lim_generator_input(g, t->samples ? &t->samples[i].request : &t->r,
                                t->samples ? t->samples[i].index : i, t->z + (size_t)i * latent,
                                t->classes + (size_t)i * classes);
    t->image = lim_tensor_new(LIM_F32, LIM_SHAPE4(t->n, s.d[0], s.d[1], s.d[2]));
    if (t->want_maps)
        t->maps =
            lim_tensor_new(LIM_F32, LIM_SHAPE3(t->n, queries, g->attention.key * g->attention.key));
    return LIM_OK;
}

/* One batch. */
static LimStep
sample_step(LimTask *task, const LimExec *exec, LimProgress *progress, LimError *err)
{
    SampleTask *t = (SampleTask *)task;
    LimGenerator *g = t->g;
    if (!t->image && prepare(t, err) != LIM_OK)
        return LIM_STEP_FAILED;
    const int batch = t->n - t->done < BATCH ? t->n - t->done : BATCH;
    const size_t at = (size_t)t->done;
    if (run_batch(g, exec, t->z + at * (size_t)g->params.latent,
                  t->classes + at * (size_t)g->params.classes, batch,
                  (float *)lim_tensor_edit(t->image) + at * image_size(g),
                  t->maps ? (float *)lim_tensor_edit(t->maps) + at * map_size(g) : NULL,
                  err) != LIM_OK)
        return LIM_STEP_FAILED;
    t->done += batch;
    if (progress) {
        progress->fraction = (double)t->done / t->n;
        progress->text[0] = '\0';
    }
    return t->done == t->n ? LIM_STEP_DONE : LIM_STEP_MORE;
}

static void
sample_free(LimTask *task)
{
    SampleTask *t = (SampleTask *)task;
    lim_tensor_unref(t->image);
    lim_tensor_unref(t->maps);
    free(t->samples);
    free(t->z);
    free(t->classes);
    free(t);
}

static const LimTaskClass sample_class = {"sample", sample_step, NULL, sample_free};

static SampleTask *
task_new(LimGenerator *g, bool maps)
{
    SampleTask *t = lim_alloc(1, sizeof *t);
    t->base.klass = &sample_class;
    t->g = g;
    t->want_maps = maps;
    return t;
}

LimTask *
lim_sample_task_new(LimGenerator *g, const LimSampleRequest *r)
{
    SampleTask *t = task_new(g, false);
    t->r = *r;
    return &t->base;
}

LimTask *
lim_samples_task_new(LimGenerator *g, const LimSample *samples, int n, bool maps)
{
    LIM_ASSERT(n >= 1 && n <= LIM_SAMPLES_MAX);
    SampleTask *t = task_new(g, maps);
    t->samples = lim_alloc((size_t)n, sizeof *samples);
    memcpy(t->samples, samples, (size_t)n * sizeof *samples);
    t->n = n;
    return &t->base;
}

LimTask *
lim_interpolation_task_new(LimGenerator *g, const LimInterpolation *i, bool maps)
{
    LIM_ASSERT(i->steps != 0);
    SampleTask *t = task_new(g, maps);
    t->way = *i;
    return &t->base;
}

const LimTensor *
lim_sample_task_image(const LimTask *t)
{
    return ((const SampleTask *)t)->image;
}

const LimTensor *
lim_sample_task_maps(const LimTask *t)
{
    return ((const SampleTask *)t)->maps;
}

const LimSampleRequest *
lim_sample_task_request(const LimTask *t)
{
    return &((const SampleTask *)t)->r;
}
