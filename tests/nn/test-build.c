/* What the golden values do not show of layers: labels and weights of classes say the same. */
#include "base/rng.h"
#include "graph/plan.h"
#include "models/biggan.h"

#include <glib.h>
#include <string.h>

static const LimExec *
serial(void)
{
    static LimExec exec;
    exec.kernels = lim_kernels_best();
    return &exec;
}

static float *
run(LimGraph *g, LimVal of, LimVal feed, const void *data, LimVal z, const float *latents)
{
    LimError err = LIM_ERROR_INIT;
    const size_t n = (size_t)lim_shape_size(lim_graph_shape(g, of));
    LimPlan *plan = lim_plan_new(g, &of, 1, 0, serial(), &err);
    g_assert_cmpstr(err.text, ==, "");
    lim_plan_bind(plan, feed, data);
    if (lim_val_ok(z))
        lim_plan_bind(plan, z, latents);
    g_assert_cmpint(lim_plan_run(plan, serial(), &err), ==, LIM_OK);
    float *y = g_memdup2(lim_plan_f32(plan, of), n * sizeof *y);
    lim_plan_free(plan);
    return y;
}

static void
test_embedding(void)
{
    const float weights[] = {0, 0, 1, 0.5f, 0.25f, 0.25f};
    LimStore *s = lim_store_new(1);
    LimGraph *g = lim_graph_new();
    LimBuild b;
    lim_build_init(&b, g, s, LIM_MODE_EVAL);
    LimVal w = lim_graph_feed(g, "weights", LIM_F32, LIM_SHAPE2(2, 3));
    LimVal y = lim_layer_embedding(&b, "e", w, 3, 4, false, (LimInit){LIM_INIT_NORMAL, 1});
    float *have = run(g, y, w, weights, LIM_NOVAL, NULL);
    const float *row = lim_store_data(s, lim_store_find(s, "e.weight"));
    g_assert_cmpmem(have, 4 * sizeof *have, row + 8, 4 * sizeof *row);
    for (int k = 0; k < 4; k++)
        g_assert_cmpfloat_with_epsilon(have[4 + k],
                                       0.5f * row[k] + 0.25f * row[4 + k] + 0.25f * row[8 + k],
                                       1e-6);
    g_free(have);
    lim_store_free(s);
}

/* A whole generator, with the shared embedding and with tables. */
static void
test_generator(void)
{
    LimBigganParams p;
    lim_params_init(lim_biggan_schema, &p);
    p.classes = 3;
    p.g_ch = 2;
    p.latent = 8;
    const int32_t label[] = {2, 0};
    const float weights[] = {0, 0, 1, 1, 0, 0}, half[] = {0.5f, 0, 0.5f, 1, 0, 0};
    float z[16];
    lim_rng_normal(1, LIM_STREAM_TEST, 0, z, 16);
    for (int shared = 0; shared < 2; shared++) {
        p.shared_embedding = shared;
        LimStore *s = lim_store_new(1);
        float *y[3];
        for (int i = 0; i < 3; i++) {
            LimGraph *g = lim_graph_new();
            LimBuild b;
            lim_build_init(&b, g, s, LIM_MODE_EVAL);
            LimVal latents = lim_graph_feed(g, "z", LIM_F32, LIM_SHAPE2(2, 8));
            LimVal classes = i ? lim_graph_feed(g, "weights", LIM_F32, LIM_SHAPE2(2, 3))
                               : lim_graph_feed(g, "label", LIM_I32, LIM_SHAPE1(2));
            LimVal out = lim_biggan_generator(&b, &p, latents, classes, NULL);
            for (int e = 0; e < lim_store_count(s); e++) /* tables start at zero */
                if (strstr(lim_store_name(s, e), "class_"))
                    lim_rng_normal((uint64_t)e, LIM_STREAM_TEST, 0, lim_store_data(s, e),
                                   (size_t)lim_shape_size(lim_store_shape(s, e)));
            y[i] = run(g, out, classes,
                       i == 2 ? (const void *)half
                       : i    ? weights
                              : (void *)label,
                       latents, z);
        }
        const size_t image = 1024 * sizeof(float);
        g_assert_cmpmem(y[0], 2 * image, y[1], 2 * image);
        g_assert_cmpmem(y[0] + 1024, image, y[2] + 1024, image);
        g_assert_true(memcmp(y[0], y[2], image) != 0);
        for (int i = 0; i < 3; i++)
            g_free(y[i]);
        lim_store_free(s);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/build/embedding", test_embedding);
    g_test_add_func("/build/generator", test_generator);
    return g_test_run();
}
