/* Adversarial pairs: the shares of the kinds, pictures in their ball and range, the same bytes for
 * any number of threads, steps that raise the attacked network's loss, one network or all of them,
 * and files that do not fit. */
#include "defenses/pairs.h"
#include "base/rng.h"
#include "models/support.h"

#include <math.h>
#include <string.h>

enum { N = 16, PIXELS = 32 * 32, CLASSES = 3 };

static char *
write_net(const char *name, LimClassifierArchitecture architecture)
{
    LimClassifierParams p;
    LimStore *s = model_store_family(architecture, &p);
    const int entry = lim_store_find(s, "linear.weight");
    float *w = lim_store_data(s, entry);
    for (int64_t k = 0; k < lim_shape_size(lim_store_shape(s, entry)); k++)
        w[k] *= 0.01f; /* arbitrary weights give logits that saturate the softmax */
    char *path = model_path(name);
    LimModelInfo info = model_info_classifier(&p);
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(lim_modelfile_save(path, &info, s, false, &err), ==, LIM_OK);
    lim_store_free(s);
    return path;
}

/* One network, or two. */
static LimPairSettings
settings(int nets)
{
    char *a = write_net("residual", LIM_CLASSIFIER_RESIDUAL);
    char *b = write_net("vgg", LIM_CLASSIFIER_VGG);
    LimPairSettings p;
    lim_params_init(lim_pair_schema, &p);
    g_snprintf(p.nets, sizeof p.nets, nets == 1 ? "%s" : "%s,%s", a, b);
    g_free(a);
    g_free(b);
    return p;
}

static void
clean_pictures(float *x, int32_t *label)
{
    lim_rng_uniform(5, LIM_STREAM_TEST, 0, x, N * PIXELS);
    for (int i = 0; i < N * PIXELS; i++)
        x[i] = i % 3 ? 2 * x[i] - 1 : -1; /* many at the border of the range */
    for (int i = 0; i < N; i++)
        label[i] = i % CLASSES;
}

static void
fill(const LimPairSettings *p, const LimExec *exec, uint64_t first, const float *x,
     const int32_t *label, float *y)
{
    LimError err = LIM_ERROR_INIT;
    LimPairs *m = lim_pairs_new(p, 1, CLASSES, &err);
    g_assert_cmpstr(err.text, ==, "");
    const LimPairSource s = lim_pairs_source(m);
    for (int twice = 0; twice < 2; twice++) /* plans that were made are used again */
        g_assert_cmpint(s.fill(s.ctx, exec, x, label, N, first, y, &err), ==, LIM_OK);
    lim_pairs_free(m);
}

static void
test_shares(void)
{
    int counts[3][6] = {{0}};
    const int sizes[3] = {8, 64, 5};
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < sizes[k]; i++)
            counts[k][lim_pairs_steps(i, sizes[k]) + 1]++;
    for (int k = 0; k < 2; k++) { /* noise, clean, FGSM, two steps, three, four */
        const int share[6] = {1, 1, 3, 1, 0, 2};
        for (int s = 0; s < 6; s++)
            g_assert_cmpint(counts[k][s] * 8, ==, share[s] * sizes[k]);
    }
    g_assert_cmpint(counts[2][1], ==, 5);
}

static void
test_ball(gconstpointer nets)
{
    LimExec exec = {.kernels = lim_kernels_best()};
    LimPairSettings p = settings(GPOINTER_TO_INT(nets));
    static float x[N * PIXELS], y[N * PIXELS], z[N * PIXELS];
    int32_t label[N];
    clean_pictures(x, label);
    fill(&p, &exec, 32, x, label, y);
    double first_epsilon = 0;
    int differ = 0;
    for (int i = 0; i < N; i++) {
        double largest = 0;
        for (int k = 0; k < PIXELS; k++) {
            const double v = (double)y[i * PIXELS + k];
            g_assert_true(v >= -1 && v <= 1);
            largest = fmax(largest, fabs(v - (double)x[i * PIXELS + k]));
        }
        const double epsilon = 2 * lim_pairs_epsilon(&p, 32 + (uint64_t)i);
        g_assert_cmpfloat(epsilon, <=, 2 * p.epsilon);
        g_assert_cmpfloat(largest, <=, epsilon + 1e-6);
        if (lim_pairs_steps(i, N) > 0) /* a value that moved the same way every time */
            g_assert_cmpfloat(largest, >=, epsilon - 1e-6);
        if (lim_pairs_steps(i, N) == 0)
            g_assert_cmpmem(x + i * PIXELS, sizeof *x * PIXELS, y + i * PIXELS, sizeof *y * PIXELS);
        else
            g_assert_cmpfloat(largest, >, 0);
        if (i == 0)
            first_epsilon = largest;
        differ += fabs(largest - first_epsilon) > 1e-3;
        if (lim_pairs_steps(i, N) == 1) /* one length for every value that the range lets move */
            for (int k = 0; k < PIXELS; k++) {
                const double move = fabs((double)y[i * PIXELS + k] - (double)x[i * PIXELS + k]);
                const double v = fabs((double)y[i * PIXELS + k]);
                g_assert_true(move < 1e-6 || fabs(move - largest) < 1e-6 || v > 1 - 1e-6);
            }
    }
    g_assert_cmpint(differ, >, N / 2);

    /* a function of the pair's number, the settings and nothing else */
    for (int threads = 2; threads <= 3; threads++) {
        exec.pool = lim_pool_new(threads);
        fill(&p, &exec, 32, x, label, z);
        g_assert_cmpmem(y, sizeof y, z, sizeof z);
        lim_pool_free(exec.pool);
    }
    exec.pool = NULL;
    fill(&p, &exec, 33, x, label, z);
    g_assert_cmpint(memcmp(y, z, sizeof y), !=, 0);
    p.seed++;
    fill(&p, &exec, 32, x, label, z);
    g_assert_cmpint(memcmp(y, z, sizeof y), !=, 0);
    p.epsilon = 0;
    fill(&p, &exec, 32, x, label, z);
    g_assert_cmpmem(x, sizeof x, z, sizeof z);
}

/* What the class that was said first is ahead of the next. */
static double
lead(const float *logits, int said)
{
    double other = -1e9;
    for (int k = 0; k < CLASSES; k++)
        if (k != said)
            other = fmax(other, (double)logits[k]);
    return (double)logits[said] - other;
}

/* Against one network: what it said first loses ground. */
static void
test_attacks(void)
{
    const LimExec exec = {.kernels = lim_kernels_best()};
    LimPairSettings p = settings(1);
    p.epsilon = 0.01;
    static float x[N * PIXELS], y[N * PIXELS];
    float before[N * CLASSES], after[N * CLASSES];
    int32_t label[N];
    LimError err = LIM_ERROR_INIT;
    int fell = 0, attacked = 0;
    clean_pictures(x, label);
    fill(&p, &exec, 0, x, label, y);
    LimPredictor *c = lim_predictor_load(p.nets, &err);
    g_assert_cmpint(lim_predictor_run(c, &exec, x, N, before, NULL, &err), ==, LIM_OK);
    g_assert_cmpint(lim_predictor_run(c, &exec, y, N, after, NULL, &err), ==, LIM_OK);
    for (int i = 0; i < N; i++) {
        int said = 0;
        for (int k = 1; k < CLASSES; k++)
            if (before[i * CLASSES + k] > before[i * CLASSES + said])
                said = k;
        if (lim_pairs_steps(i, N) <= 0)
            continue;
        attacked++;
        fell += lead(after + i * CLASSES, said) < lead(before + i * CLASSES, said);
    }
    g_test_message("%d of %d fell", fell, attacked);
    g_assert_cmpint(attacked, ==, 12);
    g_assert_cmpint(fell, >=, 11);
    lim_predictor_free(c);
}

static void
test_identity(void)
{
    LimPairSettings p = settings(2), q = settings(1), r = p;
    r.epsilon = 0.05;
    const LimPairSettings all[] = {p, q, r};
    uint64_t id[3];
    for (int i = 0; i < 3; i++) {
        LimPairs *m = lim_pairs_new(&all[i], 1, CLASSES, NULL);
        id[i] = lim_pairs_source(m).identity;
        g_assert_nonnull(strstr(lim_pairs_source(m).description, "epsilon"));
        g_assert_null(strstr(lim_pairs_source(m).description, "/")); /* no paths */
        lim_pairs_free(m);
    }
    g_assert_true(id[0] != id[1] && id[0] != id[2] && id[1] != id[2]);
}

static void
test_refuses(void)
{
    const LimPairSettings good = settings(1);
    const struct {
        const char *nets;
        int channels, classes;
        LimStatus code;
    } bad[] = {{"", 1, CLASSES, LIM_E_PARAM},
               {"/no/such/net", 1, CLASSES, LIM_E_IO},
               {good.nets, 3, CLASSES, LIM_E_PARAM},
               {good.nets, 1, CLASSES + 1, LIM_E_PARAM}};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        LimPairSettings p = good;
        LimError err = LIM_ERROR_INIT;
        if (bad[i].nets != good.nets)
            g_strlcpy(p.nets, bad[i].nets, sizeof p.nets);
        g_assert_null(lim_pairs_new(&p, bad[i].channels, bad[i].classes, &err));
        g_assert_cmpint(err.code, ==, bad[i].code);
        model_assert_sentence(&err);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pairs/shares", test_shares);
    g_test_add_data_func("/pairs/ball/one", GINT_TO_POINTER(1), test_ball);
    g_test_add_data_func("/pairs/ball/ensemble", GINT_TO_POINTER(2), test_ball);
    g_test_add_func("/pairs/attacks", test_attacks);
    g_test_add_func("/pairs/identity", test_identity);
    g_test_add_func("/pairs/refuses", test_refuses);
    const int failed = g_test_run();
    model_clear();
    return failed;
}
