/* FGSM's fixed steps through a victim, which may be anything that gives gradients. */
#include "defenses/full_steps.h"

#include "attacks/attack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

LimStatus
lim_full_steps(LimVictim *v, const LimExec *exec, double epsilon, int steps, const float *clean,
               int n, float *out, LimError *err)
{
    const size_t size = (size_t)lim_shape_size(v->image), all = (size_t)n * size;
    float *gradient = lim_alloc(all, sizeof *gradient);
    int32_t *label = lim_alloc((size_t)n, sizeof *label);
    memcpy(out, clean, all * sizeof *out);
    lim_victim_begin(v, n, 0);
    LimStatus status = lim_victim_labels(v, exec, clean, NULL, n, label, err);
    for (int k = 0; k < steps && status == LIM_OK; k++) {
        status = lim_victim_loss_gradient(v, exec, LIM_LOSS_CROSS_ENTROPY, 1, out, NULL, label, n,
                                          NULL, NULL, gradient, err);
        for (int i = 0; i < n && status == LIM_OK; i++)
            lim_signs(gradient + (size_t)i * size, gradient + (size_t)i * size, size);
        for (size_t j = 0; j < all && status == LIM_OK; j++) {
            const double from = (double)clean[j];
            const double y = (double)out[j] + epsilon / steps * (double)gradient[j];
            out[j] = (float)fmin(fmax(fmin(fmax(y, from - epsilon), from + epsilon), 0), 1);
        }
    }
    free(label);
    free(gradient);
    return status;
}
