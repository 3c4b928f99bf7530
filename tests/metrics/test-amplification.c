/* Relative errors layer by layer: the picture's and the logits' against the classifier's own
 * answers, 0 for equal pictures, one by one as in a batch. */
#include "base/rng.h"
#include "metrics/amplification.h"
#include "small.h"

#include <glib.h>
#include <math.h>

enum { N = 37, PIXELS = 32 * 32 };

static double
relative(const float *a, const float *b, int n)
{
    double d = 0, sum = 0;
    for (int i = 0; i < n; i++) {
        d += fabs((double)a[i] - (double)b[i]);
        sum += fabs((double)b[i]);
    }
    return d / sum;
}

static void
test_layers(void)
{
    const LimExec exec = {.kernels = lim_kernels_best()};
    LimPredictor *c = small_predictor(false);
    const int classes = lim_predictor_classes(c);
    LimAmplifier *a = lim_amplifier_new(c);
    float *x = g_new(float, 2 * N * PIXELS), *z = g_new(float, 2 * N * classes);
    double *ratio = g_new(double, N *LIM_AMPLIFICATION_LAYERS);
    double one[LIM_AMPLIFICATION_LAYERS];
    LimError err = LIM_ERROR_INIT;
    lim_rng_uniform(5, LIM_STREAM_TEST, 0, x, 2 * N * PIXELS);
    lim_predictor_run(c, &exec, x, 2 * N, z, NULL, &err);
    g_assert_cmpint(lim_amplifier_run(a, &exec, x, x + N * PIXELS, N, ratio, &err), ==, LIM_OK);
    const int layers = lim_amplifier_layers(a);
    g_assert_cmpint(layers, ==, 6); /* residual: picture, stem, three blocks, logits */
    g_assert_cmpstr(lim_amplifier_layer(a, 0), ==, "picture");
    g_assert_cmpstr(lim_amplifier_layer(a, 4), ==, "blocks.2");
    g_assert_cmpstr(lim_amplifier_layer(a, layers - 1), ==, "linear");
    for (int i = 0; i < N; i++) {
        const float *clean = x + i * PIXELS, *other = clean + N * PIXELS;
        const double picture = relative(other, clean, PIXELS);
        const double logits = relative(z + (N + i) * classes, z + i * classes, classes);
        g_assert_cmpfloat_with_epsilon(ratio[i * layers], picture, 1e-9);
        g_assert_cmpfloat_with_epsilon(ratio[i * layers + layers - 1], logits, 1e-3 * (1 + logits));
        g_assert_cmpint(lim_amplifier_run(a, &exec, clean, other, 1, one, &err), ==, LIM_OK);
        for (int l = 0; l < layers; l++)
            g_assert_cmpfloat_with_epsilon(one[l], ratio[i * layers + l], 1e-3 * (1 + one[l]));
    }
    g_assert_cmpint(lim_amplifier_run(a, &exec, x, x, 2, ratio, NULL), ==, LIM_OK);
    for (int i = 0; i < 2 * layers; i++)
        g_assert_cmpfloat(ratio[i], ==, 0);
    lim_amplifier_free(a);
    lim_predictor_free(c);
    g_free(x);
    g_free(z);
    g_free(ratio);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/amplification/layers", test_layers);
    return g_test_run();
}
