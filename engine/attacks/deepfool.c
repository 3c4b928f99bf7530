/* DeepFool (Moosavi-Dezfooli et al. 2016): pretends that the classifier is linear, goes to the
 * nearest of its boundaries, and repeats until the label changes.
 *
 * With f_k = z_k - z_y and w_k its gradient, the nearest boundary is that of the smallest |f_k| /
 * |w_k| (l2; for l-infinity |w_k| is the l1 norm), and the step |f_k| w_k / |w_k|^2 (sign(w_k)).
 * A little more than that, 1e-4, so that a tie (f_k = 0) does not stop it. The overshoot lengthens
 * the whole way from the original, x + (1 + overshoot) sum r, and every place is brought into the
 * range of pictures before it is judged and differentiated: pictures that are clipped only in the
 * end do not fool. The candidates are the classes with the largest logits of the original. */
#include "attacks/deepfool.h"

#include "attacks/params.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEYOND 1e-4

typedef struct Params {
    int norm, steps, candidates;
    double overshoot;
} Params;

static const LimParamSpec schema[] = {
    LIM_ATTACK_NORM(Params),
    {.name = "steps",
     .label = "Steps",
     .help = "Linearisations at most; most pictures need two to five.",
     .unit = "steps",
     .kind = LIM_INT,
     .offset = offsetof(Params, steps),
     .min = 1,
     .max = 10000,
     .def = 50,
     .ui_min = 1,
     .ui_max = 100},
    {.name = "candidates",
     .label = "Candidates",
     .help = "How many classes are looked at as neighbours, those with the largest logits first.",
     .unit = "classes",
     .kind = LIM_INT,
     .offset = offsetof(Params, candidates),
     .min = 2,
     .max = 1000,
     .def = 10,
     .ui_min = 2,
     .ui_max = 10},
    {.name = "overshoot",
     .label = "Overshoot",
     .help = "The way from the original is lengthened by this share, to end behind the boundary.",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(Params, overshoot),
     .max = 1,
     .def = 0.02,
     .ui_max = 0.1},
    {0}};

void
lim_deepfool_candidates(const float *logits, int classes, int label, int most, bool *candidate)
{
    for (int k = 0; k < classes; k++) {
        int before = 0; /* classes with larger logits, the first of equals in front */
        for (int q = 0; q < classes; q++)
            before += logits[q] > logits[k] || (logits[q] == logits[k] && q < k);
        candidate[k] = before < most && k != label;
    }
}

bool
lim_deepfool_step(LimNorm norm, const float *logits, const float *jacobian, const bool *candidate,
                  int classes, int label, size_t size, double *way)
{
    const float *own = jacobian + (size_t)label * size;
    const bool l2 = norm == LIM_NORM_L2;
    double nearest = (double)INFINITY, length = 0;
    int to = -1;
    for (int k = 0; k < classes; k++) {
        if (!candidate[k])
            continue;
        const float *other = jacobian + (size_t)k * size;
        double sum = 0;
        for (size_t j = 0; j < size; j++) {
            const double w = (double)other[j] - (double)own[j];
            sum += l2 ? w * w : fabs(w);
        }
        const double w = l2 ? sqrt(sum) : sum;
        const double distance = fabs((double)logits[k] - (double)logits[label]) / (w + 1e-12);
        if (w > 0 && distance < nearest) {
            nearest = distance;
            length = w;
            to = k;
        }
    }
    if (to < 0)
        return false;
    const float *other = jacobian + (size_t)to * size;
    for (size_t j = 0; j < size; j++) {
        const double w = (double)other[j] - (double)own[j];
        way[j] += (nearest + BEYOND) * (l2 ? w / length : (w > 0) - (w < 0));
    }
    return true;
}

void
lim_deepfool_place(const float *from, const double *way, double overshoot, size_t size, float *to)
{
    for (size_t j = 0; j < size; j++)
        to[j] = (float)fmax(0, fmin(1, (double)from[j] + (1 + overshoot) * way[j]));
}

typedef struct DeepFool {
    LimAttack attack;
    int at;
    int walked;            /* pictures of the step whose labels are still to be asked; 0: none */
    bool *candidate;       /* [n][classes], without the right one */
    double *way;           /* [n][size]: sum of the steps */
    float *x;              /* [n][size]: where each is */
    float *row, *jacobian; /* [n][size], [n][classes][size] of those asked about */
    float *logits;         /* [n][classes] */
    int *rows;             /* [n] */
    int32_t *label;        /* [n] */
} DeepFool;

static LimNorm
norm(const void *params)
{
    return ((const Params *)params)->norm == LIM_NORM_LINF ? LIM_NORM_LINF : LIM_NORM_L2;
}

static void
begin(LimAttack *a)
{
    DeepFool *d = (DeepFool *)a;
    const size_t n = (size_t)a->n, classes = (size_t)a->victim->classes;
    d->candidate = lim_alloc(n * classes, sizeof *d->candidate);
    d->way = lim_alloc(n * a->size, sizeof *d->way);
    d->x = lim_alloc(n * a->size, sizeof *d->x);
    memcpy(d->x, a->image, n * a->size * sizeof *d->x);
    d->row = lim_alloc(n * a->size, sizeof *d->row);
    d->jacobian = lim_alloc(n * classes * a->size, sizeof *d->jacobian);
    d->logits = lim_alloc(n * classes, sizeof *d->logits);
    d->rows = lim_alloc(n, sizeof *d->rows);
    d->label = lim_alloc(n, sizeof *d->label);
}

static void
clear(LimAttack *a)
{
    DeepFool *d = (DeepFool *)a;
    free(d->candidate);
    free(d->way);
    free(d->x);
    free(d->row);
    free(d->jacobian);
    free(d->logits);
    free(d->rows);
    free(d->label);
}

/* Adds the step to the nearest boundary to the way and puts x there, within the range. */
static void
walk(DeepFool *d, int i, const float *logits, const float *jacobian)
{
    LimAttack *a = &d->attack;
    const Params *p = a->params;
    const int classes = a->victim->classes;
    const size_t at = (size_t)i * a->size;
    if (lim_deepfool_step((LimNorm)p->norm, logits, jacobian, d->candidate + i * classes, classes,
                          a->label[i], a->size, d->way + at))
        lim_deepfool_place(a->image + at, d->way + at, p->overshoot, a->size, d->x + at);
}

static LimStatus
ask_labels(DeepFool *d, const LimExec *exec, LimError *err)
{
    LimAttack *a = &d->attack;
    int m = 0;
    for (int i = 0; i < a->n; i++)
        if (a->status[i] == LIM_ATTACK_RUNNING && lim_attack_left(a, i) > 0) {
            memcpy(d->row + (size_t)m * a->size, d->x + (size_t)i * a->size,
                   a->size * sizeof *d->row);
            d->rows[m++] = i;
        }
    const LimStatus status = lim_victim_labels(a->victim, exec, d->row, d->rows, m, d->label, err);
    for (int k = 0; k < m && status == LIM_OK; k++)
        lim_attack_offer(a, d->rows[k], d->row + (size_t)k * a->size, d->label[k]);
    return status;
}

/* One step of every picture that may still ask twice; their number is d->walked. */
static LimStatus
walk_all(DeepFool *d, const LimExec *exec, LimError *err)
{
    LimAttack *a = &d->attack;
    const Params *p = a->params;
    const size_t classes = (size_t)a->victim->classes;
    int m = 0;
    for (int i = 0; i < a->n; i++)
        if (a->status[i] == LIM_ATTACK_RUNNING && lim_attack_left(a, i) >= 2) {
            memcpy(d->row + (size_t)m * a->size, d->x + (size_t)i * a->size,
                   a->size * sizeof *d->row);
            d->rows[m++] = i;
        }
    const LimStatus status =
        lim_victim_jacobian(a->victim, exec, d->row, d->rows, m, d->logits, d->jacobian, err);
    if (status != LIM_OK)
        return status;
    for (int k = 0; k < m; k++) {
        const float *z = d->logits + (size_t)k * classes;
        if (d->at == 0)
            lim_deepfool_candidates(z, (int)classes, a->label[d->rows[k]], p->candidates,
                                    d->candidate + (size_t)d->rows[k] * classes);
        walk(d, d->rows[k], z, d->jacobian + (size_t)k * classes * a->size);
    }
    d->at++;
    d->walked = m;
    return LIM_OK;
}

static LimStep
step(LimAttack *a, const LimExec *exec, LimProgress *progress, LimError *err)
{
    DeepFool *d = (DeepFool *)a;
    const Params *p = a->params;
    if (d->walked == 0 && walk_all(d, exec, err) != LIM_OK)
        return LIM_STEP_FAILED;
    const int m = d->walked;
    if (m > 0 && ask_labels(d, exec, err) != LIM_OK)
        return LIM_STEP_FAILED; /* the walk is made; only this question is asked again */
    d->walked = 0;
    if (progress) {
        progress->fraction = (double)d->at / p->steps;
        snprintf(progress->text, sizeof progress->text, "step %d, %d pictures", d->at, m);
    }
    return m == 0 || d->at == p->steps ? LIM_STEP_DONE : LIM_STEP_MORE;
}

const LimAttackClass lim_attack_deepfool = {
    .name = "deepfool",
    .label = "DeepFool",
    .help = "Treats the classifier as linear, steps to the nearest boundary of that, and repeats. "
            "A few gradients give a picture close to the smallest change.",
    .access = LIM_ACCESS_GRADIENT,
    .schema = schema,
    .params_size = sizeof(Params),
    .norm = norm,
    .size = sizeof(DeepFool),
    .begin = begin,
    .step = step,
    .clear = clear};
