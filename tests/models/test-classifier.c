/* The three classifiers: what their taps are, that dropout acts in training only, that the feature
 * vector is what the last layer sees, and the gradient of each whole network in double. */
#include "base/rng.h"
#include "graph/plan.h"
#include "models/classifier.h"

#include <glib.h>
#include <math.h>
#include <string.h>

enum { WIDTH = 4, HIDDEN = 6, CLASSES = 3, N = 2, PIXELS = 32 * 32 };

static const char *const names[] = {"residual", "plain", "vgg"};

static LimClassifierParams
params(gconstpointer data)
{
    LimClassifierParams p;
    lim_params_init(lim_classifier_schema, &p);
    g_assert_cmpint(p.architecture, ==, LIM_CLASSIFIER_RESIDUAL);
    p.architecture = GPOINTER_TO_INT(data);
    p.classes = CLASSES;
    p.width = WIDTH;
    p.hidden = HIDDEN;
    return p;
}

static LimExec
serial(void)
{
    return (LimExec){.kernels = lim_kernels_best()};
}

typedef struct Net {
    LimStore *store;
    LimGraph *g; /* the plan's once there is one */
    LimBuild b;
    LimVal x, logits, momentum;
    LimClassifierTaps taps;
    LimPlan *plan;
} Net;

static void
net_record(Net *n, gconstpointer data, LimMode mode, LimStore *store)
{
    const LimClassifierParams p = params(data);
    *n = (Net){.store = store, .g = lim_graph_new()};
    lim_build_init(&n->b, n->g, store, mode);
    n->momentum = lim_graph_feed(n->g, "momentum", LIM_F32, LIM_SHAPE1(1));
    n->b.bn_momentum = n->momentum;
    n->x = lim_graph_feed(n->g, "x", LIM_F32, LIM_SHAPE4(N, 1, 32, 32));
    n->logits = lim_classifier(&n->b, &p, n->x, &n->taps);
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(lim_graph_status(n->g, &err), ==, LIM_OK);
}

static void
net_plan(Net *n, const LimVal *want, int n_want, unsigned flags)
{
    const LimExec exec = serial();
    LimError err = LIM_ERROR_INIT;
    n->plan = lim_plan_new(n->g, want, n_want, flags, &exec, &err);
    g_assert_cmpstr(err.text, ==, "");
}

static void
net_run(Net *n)
{
    const LimExec exec = serial();
    LimError err = LIM_ERROR_INIT;
    lim_plan_run(n->plan, &exec, &err);
    g_assert_cmpstr(err.text, ==, "");
}

static void
test_taps(gconstpointer data)
{
    static const struct {
        const char *names;
        LimShape map;
        int features;
    } expected[] = {
        {"conv blocks.0 blocks.1 blocks.2 linear", {4, {N, 4 * WIDTH, 4, 4}}, 4 * WIDTH},
        {"conv1 conv2 conv3 conv4 fc1 fc2 linear", {4, {N, 2 * WIDTH, 10, 10}}, HIDDEN},
        {"conv1 conv2 conv3 conv4 conv5 conv6 fc linear", {4, {N, 4 * WIDTH, 8, 8}}, HIDDEN}};
    const LimClassifierParams p = params(data);
    LimStore *s = lim_store_new(3);
    Net n;
    net_record(&n, data, LIM_MODE_EVAL, s);
    GString *line = g_string_new(NULL);
    for (int i = 0; i < n.taps.n; i++) {
        g_string_append_printf(line, "%s%s", i ? " " : "", n.taps.name[i]);
        g_assert_cmpint(lim_graph_shape(n.g, n.taps.value[i]).d[0], ==, N);
    }
    g_assert_cmpstr(line->str, ==, expected[p.architecture].names);
    g_string_free(line, TRUE);
    g_assert_cmpint(n.taps.value[n.taps.n - 1].id, ==, n.logits.id);
    g_assert_true(lim_shape_equal(lim_graph_shape(n.g, n.taps.map), expected[p.architecture].map));
    g_assert_cmpint(lim_classifier_features(&p), ==, expected[p.architecture].features);
    g_assert_true(lim_shape_equal(lim_graph_shape(n.g, n.taps.features),
                                  LIM_SHAPE2(N, expected[p.architecture].features)));
    g_assert_cmpint(n.b.n_masks, ==, 0);

    /* the last layer sees the features and nothing else */
    float x[N * PIXELS];
    lim_rng_normal(5, LIM_STREAM_TEST, 0, x, G_N_ELEMENTS(x));
    net_plan(&n, (LimVal[]){n.logits, n.taps.features}, 2, 0);
    lim_plan_bind(n.plan, n.x, x);
    net_run(&n);
    const float *f = lim_plan_f32(n.plan, n.taps.features), *z = lim_plan_f32(n.plan, n.logits);
    const float *w = lim_store_data(s, lim_store_find(s, "linear.weight"));
    const float *bias = lim_store_data(s, lim_store_find(s, "linear.bias"));
    const int width = expected[p.architecture].features;
    for (int i = 0; i < N * CLASSES; i++) {
        double sum = (double)bias[i % CLASSES];
        for (int k = 0; k < width; k++)
            sum += (double)w[i % CLASSES * width + k] * (double)f[i / CLASSES * width + k];
        g_assert_cmpfloat_with_epsilon(sum, (double)z[i], 1e-4);
    }
    lim_plan_free(n.plan);
    lim_store_free(s);
}

/* A mask of ones changes nothing, a mask of zeros leaves the last bias (plain: through fc2). */
static void
test_dropout(void)
{
    float x[N * PIXELS], ones[N * HIDDEN], zeros[N * HIDDEN] = {0}, momentum = 0.1f;
    lim_rng_normal(5, LIM_STREAM_TEST, 0, x, G_N_ELEMENTS(x));
    for (int i = 0; i < N * HIDDEN; i++)
        ones[i] = 1;
    const gconstpointer plain = GINT_TO_POINTER(LIM_CLASSIFIER_PLAIN);
    LimStore *s = lim_store_new(3);
    Net train, eval;
    net_record(&train, plain, LIM_MODE_TRAIN, s);
    net_record(&eval, plain, LIM_MODE_EVAL, s);
    g_assert_cmpint(train.b.n_masks, ==, 1);
    g_assert_cmpfloat(train.b.mask_rate[0], ==, 0.5);
    net_plan(&train, &train.logits, 1, 0);
    net_plan(&eval, &eval.logits, 1, 0);
    lim_plan_bind(train.plan, train.x, x);
    lim_plan_bind(train.plan, train.momentum, &momentum);
    lim_plan_bind(eval.plan, eval.x, x);
    lim_plan_bind(train.plan, train.b.mask[0], ones);
    net_run(&train);
    net_run(&eval);
    const float *a = lim_plan_f32(train.plan, train.logits);
    const float *b = lim_plan_f32(eval.plan, eval.logits);
    for (int i = 0; i < N * CLASSES; i++)
        g_assert_cmpfloat_with_epsilon(a[i], b[i], 1e-4f);
    g_assert_cmpfloat(fabsf(a[0]), >, 1e-2f);
    lim_plan_bind(train.plan, train.b.mask[0], zeros);
    net_run(&train);
    a = lim_plan_f32(train.plan, train.logits);
    for (int i = 0; i < N * CLASSES; i++)
        g_assert_cmpfloat(a[i], ==, 0); /* every bias begins as 0 */
    lim_plan_free(train.plan);
    lim_plan_free(eval.plan);
    lim_store_free(s);
}

/* Central differences of the soft cross-entropy, in double: every parameter tensor in some places,
 * and the picture. Weights are floats; the step is what float makes of it. */
static double
loss_at(Net *n, LimVal loss)
{
    net_run(n);
    return *(const double *)lim_plan_get(n->plan, loss);
}

static void
test_gradient(gconstpointer data)
{
    float x32[N * PIXELS];
    double x[N * PIXELS], momentum = 0.1, mask[N * HIDDEN];
    double target[N * CLASSES] = {0.7, 0.1, 0.2, 0, 0.4, 0.6};
    lim_rng_normal(5, LIM_STREAM_TEST, 0, x32, G_N_ELEMENTS(x32));
    for (int i = 0; i < N * PIXELS; i++)
        x[i] = 0.5 * (double)x32[i];
    for (int i = 0; i < N * HIDDEN; i++)
        mask[i] = i % 3 ? 2 : 0;
    LimStore *s = lim_store_new(3);
    Net n;
    net_record(&n, data, LIM_MODE_TRAIN, s);
    LimVal t = lim_graph_feed(n.g, "target", LIM_F32, LIM_SHAPE2(N, CLASSES));
    LimVal loss = lim_mean(n.g, lim_soft_cross_entropy(n.g, n.logits, t));
    LimVal by[64], d[65];
    int count = 0;
    for (; count < n.b.n_params; count++)
        by[count] = n.b.param[count];
    by[count++] = n.x;
    lim_graph_grad(n.g, loss, LIM_NOVAL, by, d, count);
    d[count] = loss;
    net_plan(&n, d, count + 1, LIM_PLAN_F64);
    lim_plan_bind(n.plan, n.x, x);
    lim_plan_bind(n.plan, t, target);
    lim_plan_bind(n.plan, n.momentum, &momentum);
    if (n.b.n_masks)
        lim_plan_bind(n.plan, n.b.mask[0], mask);
    net_run(&n);
    double *got[64];
    for (int i = 0; i < count; i++) {
        const size_t size = (size_t)lim_shape_size(lim_graph_shape(n.g, d[i])) * sizeof(double);
        got[i] = g_memdup2(lim_plan_get(n.plan, d[i]), size);
    }
    int moved = 0;
    for (int i = 0; i < count; i++) {
        const bool picture = i == count - 1;
        const int64_t size = lim_shape_size(lim_graph_shape(n.g, by[i]));
        float *w = picture ? NULL : lim_store_data(s, n.b.param_entry[i]);
        double scale = 1e-3;
        for (int64_t k = 0; k < size; k++)
            scale = fmax(scale, fabs(got[i][k]));
        for (int64_t k = size / 7; k < size; k += size / 3 + 1) {
            const double step = 0x1p-20;
            double up, down, width;
            if (picture) {
                const double keep = x[k];
                x[k] = keep + step;
                up = loss_at(&n, loss);
                x[k] = keep - step;
                down = loss_at(&n, loss);
                x[k] = keep;
                width = 2 * step;
            } else {
                const float keep = w[k], high = keep + (float)step, low = keep - (float)step;
                w[k] = high;
                up = loss_at(&n, loss);
                w[k] = low;
                down = loss_at(&n, loss);
                w[k] = keep;
                width = (double)high - (double)low;
            }
            g_assert_cmpfloat_with_epsilon((up - down) / width, got[i][k], 1e-6 * scale + 1e-9);
            moved += fabs(got[i][k]) > 1e-3;
        }
        g_free(got[i]);
    }
    g_assert_cmpint(moved, >, 10);
    lim_plan_free(n.plan);
    lim_store_free(s);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (int i = 0; i < (int)G_N_ELEMENTS(names); i++) {
        char *path = g_strdup_printf("/classifiers/taps/%s", names[i]);
        g_test_add_data_func(path, GINT_TO_POINTER(i), test_taps);
        g_free(path);
        path = g_strdup_printf("/classifiers/gradient/%s", names[i]);
        g_test_add_data_func(path, GINT_TO_POINTER(i), test_gradient);
        g_free(path);
    }
    g_test_add_func("/classifiers/dropout", test_dropout);
    return g_test_run();
}
