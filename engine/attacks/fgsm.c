/* Fast gradient sign method (Goodfellow et al. 2015): x + epsilon sign(d loss / d x), one step in
 * l-infinity; targeted: against the gradient of the target's loss. sign(0) is 0, so a gradient that
 * vanishes (a distilled model) changes nothing and fails. */
#include "attacks/params.h"

#include <stdlib.h>
#include <string.h>

typedef struct Params {
    double epsilon, temperature;
    int loss;
} Params;

static const LimParamSpec schema[] = {LIM_ATTACK_EPSILON(Params), LIM_ATTACK_LOSS(Params), {0}};

typedef struct Fgsm {
    LimAttack attack;
} Fgsm;

static LimNorm
norm(const void *params)
{
    return LIM_NORM_LINF;
}

static LimStep
step(LimAttack *a, const LimExec *exec, LimProgress *progress, LimError *err)
{
    const Params *p = a->params;
    const size_t n = (size_t)a->n;
    float *x = lim_alloc(n * a->size, sizeof *x), *g = lim_alloc(n * a->size, sizeof *g);
    int *rows = lim_alloc(n, sizeof *rows), m = 0;
    int32_t *label = lim_alloc(n, sizeof *label);
    for (int i = 0; i < a->n; i++)
        if (a->status[i] == LIM_ATTACK_RUNNING && lim_attack_left(a, i) >= 2) {
            memcpy(x + (size_t)m * a->size, a->image + (size_t)i * a->size, a->size * sizeof *x);
            label[m] = a->target ? a->target[i] : a->label[i];
            rows[m++] = i;
        }
    const float direction = lim_attack_direction(p->loss, a->target);
    LimStatus status =
        lim_victim_loss_gradient(a->victim, exec, (LimVictimLoss)p->loss, p->temperature, x, rows,
                                 label, m, NULL, NULL, g, err);
    for (size_t i = 0; i < (size_t)m * a->size && status == LIM_OK; i++) {
        const float sign = g[i] > 0 ? 1 : g[i] < 0 ? -1 : 0;
        const float y = x[i] + (float)p->epsilon * direction * sign;
        x[i] = y < 0 ? 0 : y > 1 ? 1 : y;
    }
    if (status == LIM_OK)
        status = lim_victim_labels(a->victim, exec, x, rows, m, label, err);
    for (int i = 0; i < m && status == LIM_OK; i++)
        lim_attack_offer(a, rows[i], x + (size_t)i * a->size, label[i]);
    free(label);
    free(rows);
    free(g);
    free(x);
    return status == LIM_OK ? LIM_STEP_DONE : LIM_STEP_FAILED;
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
    .step = step};
