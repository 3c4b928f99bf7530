/* Fast gradient sign method (Goodfellow et al. 2015): x + epsilon sign(d loss / d x), one step in
 * l-infinity; targeted: against the gradient of the target's loss. sign(0) is 0, so a gradient that
 * vanishes (a distilled model) changes nothing and fails.
 *
 * As a minimal attack (the form in which the papers compare it) it looks along that one direction
 * for the smallest epsilon that fools: a hundred places in order, for the line may cross other
 * classes and come back, and bisection behind the first that does. */
#include "attacks/params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACES     100
#define BISECTIONS 10

typedef struct Params {
    double epsilon, temperature;
    int loss;
    bool minimal;
} Params;

static const LimParamSpec schema[] = {
    LIM_ATTACK_EPSILON(Params),
    {.name = "minimal",
     .label = "Smallest epsilon",
     .help = "Look for the smallest epsilon that fools, up to the one given.",
     .unit = "",
     .kind = LIM_BOOL,
     .offset = offsetof(Params, minimal),
     .max = 1},
    LIM_ATTACK_LOSS(Params),
    {0}};

typedef struct Fgsm {
    LimAttack attack;
    bool directed;
    float *sign;        /* [n][size] */
    double *low, *high; /* [n] shares of epsilon; high: the place to ask about or that fools */
    int *tried;         /* [n] places, then bisections */
} Fgsm;

static LimNorm
norm(const void *params)
{
    return LIM_NORM_LINF;
}

static void
begin(LimAttack *a)
{
    Fgsm *f = (Fgsm *)a;
    const size_t n = (size_t)a->n;
    f->sign = lim_alloc(n * a->size, sizeof *f->sign);
    f->low = lim_alloc(n, sizeof *f->low);
    f->high = lim_alloc(n, sizeof *f->high);
    f->tried = lim_alloc(n, sizeof *f->tried);
}

static void
clear(LimAttack *a)
{
    Fgsm *f = (Fgsm *)a;
    free(f->sign);
    free(f->low);
    free(f->high);
    free(f->tried);
}

static LimStatus
find_directions(Fgsm *f, const LimExec *exec, LimError *err)
{
    LimAttack *a = &f->attack;
    const Params *p = a->params;
    float *x = lim_alloc((size_t)a->n * a->size, sizeof *x);
    int *rows = lim_alloc((size_t)a->n, sizeof *rows), m = 0;
    int32_t *label = lim_alloc((size_t)a->n, sizeof *label);
    for (int i = 0; i < a->n; i++) {
        f->tried[i] = -1;
        if (a->status[i] != LIM_ATTACK_RUNNING || lim_attack_left(a, i) < 2)
            continue;
        memcpy(x + (size_t)m * a->size, a->image + (size_t)i * a->size, a->size * sizeof *x);
        label[m] = a->target ? a->target[i] : a->label[i];
        rows[m++] = i;
    }
    float *g = lim_alloc((size_t)m * a->size + 1, sizeof *g);
    const LimStatus status =
        lim_victim_loss_gradient(a->victim, exec, (LimVictimLoss)p->loss, p->temperature, x, rows,
                                 label, m, NULL, NULL, g, err);
    const float direction = lim_attack_direction(p->loss, a->target);
    for (int k = 0; k < m && status == LIM_OK; k++) {
        const int i = rows[k];
        f->tried[i] = 0;
        f->high[i] = p->minimal ? 1.0 / PLACES : 1;
        float *sign = f->sign + (size_t)i * a->size;
        lim_signs(g + (size_t)k * a->size, sign, a->size);
        for (size_t j = 0; j < a->size; j++)
            sign[j] *= direction;
    }
    free(g);
    free(label);
    free(rows);
    free(x);
    return status;
}

/* The share of epsilon to ask about next; below 0: finished. */
static double
next(const Fgsm *f, int i)
{
    const LimAttack *a = &f->attack;
    if (f->tried[i] < 0 || lim_attack_left(a, i) < 1)
        return -1;
    return a->status[i] == LIM_ATTACK_FOOLED ? (f->low[i] + f->high[i]) / 2 : f->high[i];
}

static void
answer(Fgsm *f, int i, double share, bool first, bool fools)
{
    const Params *p = f->attack.params;
    f->tried[i]++;
    if (!p->minimal) {
        f->tried[i] = -1;
    } else if (first && fools) {
        f->high[i] = share;
        f->tried[i] = 0;
    } else if (first) {
        f->low[i] = share;
        f->high[i] = (f->tried[i] + 1.0) / PLACES;
        if (f->tried[i] == PLACES)
            f->tried[i] = -1;
    } else {
        *(fools ? &f->high[i] : &f->low[i]) = share;
        if (f->tried[i] == BISECTIONS)
            f->tried[i] = -1;
    }
}

static LimStep
step(LimAttack *a, const LimExec *exec, LimProgress *progress, LimError *err)
{
    Fgsm *f = (Fgsm *)a;
    const Params *p = a->params;
    if (!f->directed) {
        const LimStatus status = find_directions(f, exec, err);
        f->directed = status == LIM_OK;
        return status == LIM_OK ? LIM_STEP_MORE : LIM_STEP_FAILED;
    }
    float *x = lim_alloc((size_t)a->n * a->size, sizeof *x);
    int *rows = lim_alloc((size_t)a->n, sizeof *rows), m = 0;
    int32_t *label = lim_alloc((size_t)a->n, sizeof *label);
    double *share = lim_alloc((size_t)a->n, sizeof *share);
    for (int i = 0; i < a->n; i++) {
        share[m] = next(f, i);
        if (share[m] < 0)
            continue;
        const float epsilon = (float)(share[m] * p->epsilon);
        for (size_t j = 0; j < a->size; j++) {
            const size_t at = (size_t)i * a->size + j;
            const float y = a->image[at] + epsilon * f->sign[at];
            x[(size_t)m * a->size + j] = y < 0 ? 0 : y > 1 ? 1 : y;
        }
        rows[m++] = i;
    }
    const LimStatus status = lim_victim_labels(a->victim, exec, x, rows, m, label, err);
    for (int k = 0; k < m && status == LIM_OK; k++) {
        const bool first = a->status[rows[k]] == LIM_ATTACK_RUNNING;
        lim_attack_offer(a, rows[k], x + (size_t)k * a->size, label[k]);
        answer(f, rows[k], share[k], first, lim_attack_fools(a, rows[k], label[k]));
    }
    if (progress) {
        progress->fraction = -1;
        snprintf(progress->text, sizeof progress->text, "%d pictures", m);
    }
    free(share);
    free(label);
    free(rows);
    free(x);
    return status != LIM_OK ? LIM_STEP_FAILED : m > 0 ? LIM_STEP_MORE : LIM_STEP_DONE;
}

const LimAttackClass lim_attack_fgsm = {
    .name = "fgsm",
    .label = "FGSM",
    .help = "Fast gradient sign method: every value moves by the same small step in the direction "
            "that raises the loss. One gradient, no search.",
    .access = LIM_ACCESS_GRADIENT,
    .targeted = true,
    .schema = schema,
    .params_size = sizeof(Params),
    .norm = norm,
    .size = sizeof(Fgsm),
    .begin = begin,
    .step = step,
    .clear = clear};
