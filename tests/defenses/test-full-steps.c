/* Steps of a known length: a linear classifier whose gradient has known signs, so that every value
 * of every result is known; the count; equal to the signs of the exact gradient. */
#include "attacks/toy.h"
#include "defenses/full_steps.h"

#include <glib.h>
#include <math.h>

enum { SIZE = 6, N = 3 };

static void
test_known(void)
{
    static const float weight[2 * SIZE] = {1, -1, 2, 0, 3, -2, 0, 0, 0, 0, 0, 0},
                                  bias[2] = {0, 0.1f};
    /* the first two are of class 0, the last of class 1: the steps of both lead across and on */
    static const float clean[N * SIZE] = {0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.02f, 0.99f, 1,
                                          0.3f, 1,    0,    0,    1,    0,    0.7f,  0,     1};
    static const float away[SIZE] = {-1, 1, -1, 0, -1, 1};
    const LimExec exec = {.kernels = lim_kernels_best()};
    LimVictim *v = toy_new(2, SIZE, weight, bias);
    for (int steps = 1; steps <= 8; steps *= 2) {
        const double epsilon = 0.25;
        float out[N * SIZE];
        LimError err = LIM_ERROR_INIT;
        g_assert_cmpint(lim_full_steps(v, &exec, epsilon, steps, clean, N, out, &err), ==, LIM_OK);
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < SIZE; j++) {
                const double d = epsilon * (double)away[j] * (i < 2 ? 1 : -1);
                const double want = fmin(fmax((double)clean[i * SIZE + j] + d, 0), 1);
                g_assert_cmpfloat_with_epsilon((double)out[i * SIZE + j], want, 1e-6);
            }
            g_assert_cmpint(v->queries[i], ==, 1 + steps);
            g_assert_cmpint(v->gradients[i], ==, steps);
        }
    }
    float same[N * SIZE];
    g_assert_cmpint(lim_full_steps(v, &exec, 0, 3, clean, N, same, NULL), ==, LIM_OK);
    g_assert_cmpmem(clean, sizeof clean, same, sizeof same);
    lim_victim_free(v);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/full-steps/known", test_known);
    return g_test_run();
}
