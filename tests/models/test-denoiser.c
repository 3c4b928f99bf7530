/* The two denoisers: how many parameters they have, that DUNET begins as the identity and takes
 * every size, the gradient of each whole network in double, files, and predictors made of others: a
 * classifier behind a denoiser, several together. */
#include "base/rng.h"
#include "graph/plan.h"
#include "models/denoiser.h"
#include "models/predictor.h"
#include "support.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 2, N = 3, H = 17, W = 19, SIZE = H * W };

static LimExec
serial(void)
{
    return (LimExec){.kernels = lim_kernels_best()};
}

static LimDenoiserParams
params(gconstpointer architecture)
{
    LimDenoiserParams p;
    lim_params_init(lim_denoiser_schema, &p);
    g_assert_cmpint(p.architecture, ==, LIM_DENOISER_DUNET);
    p.architecture = GPOINTER_TO_INT(architecture);
    p.width = WIDTH;
    return p;
}

/* A store with every entry; `varied`: no weight has the value that training starts from. */
static LimStore *
store_new(const LimDenoiserParams *p, bool varied)
{
    LimStore *s = lim_store_new(3);
    LimGraph *g = lim_graph_new();
    LimBuild b;
    LimError err = LIM_ERROR_INIT;
    lim_build_init(&b, g, s, LIM_MODE_EVAL);
    lim_denoiser_network(&b, p, lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE4(1, p->channels, 8, 8)));
    g_assert_cmpint(lim_graph_status(g, &err), ==, LIM_OK);
    lim_graph_free(g);
    for (int i = 0; varied && i < lim_store_count(s); i++) {
        float *x = lim_store_data(s, i);
        for (int64_t k = 0; k < lim_shape_size(lim_store_shape(s, i)); k++)
            x[k] += 0.05f * (float)((k * 7 + i) % 5) - 0.05f;
    }
    return s;
}

static void
test_parameters(void)
{
    const struct {
        LimDenoiserArchitecture architecture;
        int channels, width;
        int64_t count;
    } known[] = {{LIM_DENOISER_DUNET, 3, 64, 11033984}, /* the paper's */
                 {LIM_DENOISER_DUNET, 1, 16, 691488},
                 {LIM_DENOISER_DAE, 1, 16, 2358 * 256 + 162 * 16}};
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        const LimDenoiserParams p = {known[i].architecture, known[i].channels, known[i].width};
        LimStore *s = store_new(&p, false);
        g_assert_cmpint(lim_store_parameters(s), ==, known[i].count);
        lim_store_free(s);
    }
}

static void
test_identity(void)
{
    const LimExec exec = serial();
    const int sizes[][2] = {{1, 1}, {1, 2}, {3, 1}, {7, 5}, {28, 28}, {32, 32}, {33, 31}};
    LimDenoiserParams p = params(GINT_TO_POINTER(LIM_DENOISER_DUNET));
    p.channels = 2;
    LimStore *s = store_new(&p, false), *varied = store_new(&p, true);
    LimDenoiser *d = lim_denoiser_new(&p, s), *other = lim_denoiser_new(&p, varied);
    LimError err = LIM_ERROR_INIT;
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        const int h = sizes[i][0], w = sizes[i][1], n = 67 * 2 * h * w;
        float *x = g_new(float, n), *y = g_new(float, n);
        lim_rng_normal(5, LIM_STREAM_TEST, 0, x, (size_t)n);
        g_assert_cmpint(lim_denoiser_run(d, &exec, x, 67, h, w, y, &err), ==, LIM_OK);
        g_assert_cmpmem(x, (size_t)n * sizeof *x, y, (size_t)n * sizeof *y);
        g_assert_cmpint(lim_denoiser_run(other, &exec, x, 67, h, w, y, &err), ==, LIM_OK);
        g_assert_cmpint(memcmp(x, y, (size_t)n * sizeof *x), !=, 0);
        g_free(x);
        g_free(y);
    }
    lim_denoiser_free(d);
    lim_denoiser_free(other);
    lim_store_free(s);
    lim_store_free(varied);
}

/* ---- gradient: central differences in double ---------------------------------------------------
 */

static double
loss_at(LimPlan *plan, LimVal loss)
{
    const LimExec exec = serial();
    LimError err = LIM_ERROR_INIT;
    lim_plan_run(plan, &exec, &err);
    g_assert_cmpstr(err.text, ==, "");
    return *(const double *)lim_plan_get(plan, loss);
}

static void
test_gradient(gconstpointer data)
{
    const LimExec exec = serial();
    const LimDenoiserParams p = params(data);
    float x32[N * SIZE];
    double x[N * SIZE], momentum = 0.1;
    lim_rng_normal(5, LIM_STREAM_TEST, 0, x32, G_N_ELEMENTS(x32));
    for (int i = 0; i < N * SIZE; i++)
        x[i] = 0.5 * (double)x32[i];
    LimStore *s = store_new(&p, true);
    LimGraph *g = lim_graph_new();
    LimBuild b;
    lim_build_init(&b, g, s, LIM_MODE_TRAIN);
    LimVal m = lim_graph_feed(g, "momentum", LIM_F32, LIM_SHAPE1(1));
    b.bn_momentum = m;
    LimVal vx = lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE4(N, 1, H, W));
    LimVal y = lim_denoiser_network(&b, &p, vx);
    LimVal loss = lim_mean(g, lim_mul(g, y, y));
    LimVal by[128], d[129];
    int count = 0;
    for (; count < b.n_params; count++)
        by[count] = b.param[count];
    g_assert_cmpint(count, ==, 3 * 25 + 1);
    by[count++] = vx;
    lim_graph_grad(g, loss, LIM_NOVAL, by, d, count);
    d[count] = loss;
    LimError err = LIM_ERROR_INIT;
    LimPlan *plan = lim_plan_new(g, d, count + 1, LIM_PLAN_F64, &exec, &err);
    g_assert_cmpstr(err.text, ==, "");
    lim_plan_bind(plan, vx, x);
    lim_plan_bind(plan, m, &momentum);
    loss_at(plan, loss);
    double *got[128];
    for (int i = 0; i < count; i++)
        got[i] = g_memdup2(lim_plan_get(plan, d[i]),
                           (size_t)lim_shape_size(lim_graph_shape(g, d[i])) * sizeof(double));
    int moved = 0;
    for (int i = 0; i < count; i++) {
        const bool picture = i == count - 1;
        const int64_t size = lim_shape_size(lim_graph_shape(g, by[i]));
        float *w = picture ? NULL : lim_store_data(s, b.param_entry[i]);
        double scale = 1e-2; /* below it a ReLU that switches within the step would count */
        for (int64_t k = 0; k < size; k++)
            scale = fmax(scale, fabs(got[i][k]));
        for (int64_t k = size / 7; k < size; k += size / 3 + 1) {
            const double step = 0x1p-20;
            double up, down, width = 2 * step;
            if (picture) {
                const double keep = x[k];
                x[k] = keep + step;
                up = loss_at(plan, loss);
                x[k] = keep - step;
                down = loss_at(plan, loss);
                x[k] = keep;
            } else {
                const float keep = w[k], high = keep + (float)step, low = keep - (float)step;
                w[k] = high;
                up = loss_at(plan, loss);
                w[k] = low;
                down = loss_at(plan, loss);
                w[k] = keep;
                width = (double)high - (double)low;
            }
            g_assert_cmpfloat_with_epsilon((up - down) / width, got[i][k], 1e-5 * scale);
            moved += fabs(got[i][k]) > 1e-3;
        }
        g_free(got[i]);
    }
    g_assert_cmpint(moved, >, 20);
    lim_plan_free(plan);
    lim_store_free(s);
}

/* ---- files ------------------------------------------------------------------------------------
 */

static LimModelInfo
info(const LimDenoiserParams *p)
{
    static const char *const names[] = {"a", "b", "c"};
    return (LimModelInfo){.model = "denoiser",
                          .schema = lim_denoiser_schema,
                          .params = p,
                          .classes = 3,
                          .class_names = names,
                          .training = "{\"loss\": \"lgd\"}"};
}

static void
test_file(gconstpointer data)
{
    const LimExec exec = serial();
    const LimDenoiserParams p = params(data);
    LimStore *s = store_new(&p, true);
    LimDenoiser *d = lim_denoiser_new(&p, s);
    char *path = model_path("denoiser");
    LimModelInfo i = info(&p);
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(lim_modelfile_save(path, &i, s, false, &err), ==, LIM_OK);
    LimDenoiser *loaded = lim_denoiser_load(path, &err);
    g_assert_cmpstr(err.text, ==, "");
    g_assert_true(lim_denoiser_hash(loaded) == lim_denoiser_hash(d));
    g_assert_cmpint(lim_denoiser_params(loaded)->architecture, ==, p.architecture);
    g_assert_cmpint(lim_denoiser_params(loaded)->width, ==, WIDTH);
    g_assert_cmpstr(lim_denoiser_training(loaded), ==, "{\"loss\": \"lgd\"}");
    float x[N * SIZE], a[N * SIZE];
    lim_rng_normal(5, LIM_STREAM_TEST, 0, x, N * SIZE);
    g_assert_cmpint(lim_denoiser_run(d, &exec, x, N, H, W, a, &err), ==, LIM_OK);
    g_assert_cmpint(lim_denoiser_run(loaded, &exec, x, N, H, W, x, &err), ==, LIM_OK);
    g_assert_cmpmem(a, sizeof a, x, sizeof x);
    lim_denoiser_free(loaded);

    /* what is not one: a part missing, another shape, another kind, another architecture */
    const ModelFault faults[] = {{.missing = 1},
                                 {.missing = lim_store_count(s)},
                                 {.reshaped = 2},
                                 {.as_integer = 3},
                                 {.key = "limen.model", .value = "classifier"},
                                 {.key = "limen.params", .value = "{}"},
                                 {.key = "limen.params", .value = "{\"width\": 4000}"}};
    for (size_t k = 0; k < G_N_ELEMENTS(faults); k++) {
        err = (LimError)LIM_ERROR_INIT;
        model_write(path, &i, s, &faults[k]);
        g_assert_null(lim_denoiser_load(path, &err));
        model_assert_sentence(&err);
    }
    err = (LimError)LIM_ERROR_INIT;
    g_assert_null(lim_denoiser_load("/no/such/denoiser", &err));
    g_assert_cmpint(err.code, ==, LIM_E_IO);
    g_free(path);
    lim_denoiser_free(d);
    lim_store_free(s);
}

/* ---- before a classifier ----------------------------------------------------------------------
 */

enum { PIXELS = 32 * 32 };

typedef struct Pair {
    LimStore *stores[2];
    LimDenoiser *denoiser;
    LimPredictor *classifier, *behind;
} Pair;

static void
pair_init(Pair *p)
{
    const LimDenoiserParams dp = params(GINT_TO_POINTER(LIM_DENOISER_DUNET));
    LimClassifierParams cp;
    LimError err = LIM_ERROR_INIT;
    p->stores[0] = store_new(&dp, true);
    p->stores[1] = model_store_classifier(&cp);
    p->denoiser = lim_denoiser_new(&dp, p->stores[0]);
    p->classifier = lim_predictor_new(&cp, p->stores[1]);
    p->behind = lim_predictor_behind(p->denoiser, p->classifier, &err);
    g_assert_cmpstr(err.text, ==, "");
}

static void
pair_clear(Pair *p)
{
    lim_predictor_free(p->behind);
    lim_predictor_free(p->classifier);
    lim_denoiser_free(p->denoiser);
    lim_store_free(p->stores[0]);
    lim_store_free(p->stores[1]);
}

/* What the classifier says of the denoised picture, and its features. */
static void
test_behind(void)
{
    enum { N_PICTURES = 67 }; /* more than a batch */
    const LimExec exec = serial();
    Pair p;
    pair_init(&p);
    const int nf = lim_predictor_features(p.classifier), nk = lim_predictor_classes(p.classifier);
    g_assert_cmpint(lim_predictor_features(p.behind), ==, nf);
    g_assert_cmpint(lim_predictor_classes(p.behind), ==, nk);
    g_assert_true(lim_predictor_hash(p.behind) != lim_predictor_hash(p.classifier));
    float *x = g_new(float, N_PICTURES *PIXELS), *y = g_new(float, N_PICTURES *PIXELS);
    float *z = g_new(float, N_PICTURES *nk), *want = g_new(float, N_PICTURES *nk);
    float *f = g_new(float, N_PICTURES *nf), *want_f = g_new(float, N_PICTURES *nf);
    LimError err = LIM_ERROR_INIT;
    lim_rng_normal(5, LIM_STREAM_TEST, 0, x, N_PICTURES * PIXELS);
    lim_denoiser_run(p.denoiser, &exec, x, N_PICTURES, 32, 32, y, &err);
    lim_predictor_run(p.classifier, &exec, y, N_PICTURES, want, want_f, &err);
    lim_predictor_run(p.behind, &exec, x, N_PICTURES, z, f, &err);
    g_assert_cmpstr(err.text, ==, "");
    for (int i = 0; i < N_PICTURES * nk; i++)
        g_assert_cmpfloat_with_epsilon(z[i], want[i], 1e-4f);
    for (int i = 0; i < N_PICTURES * nf; i++)
        g_assert_cmpfloat_with_epsilon(f[i], want_f[i], 1e-4f);
    g_free(x);
    g_free(y);
    g_free(z);
    g_free(want);
    g_free(f);
    g_free(want_f);

    const LimDenoiserParams wide = {LIM_DENOISER_DUNET, 3, WIDTH};
    LimStore *s = store_new(&wide, true);
    LimDenoiser *colour = lim_denoiser_new(&wide, s);
    g_assert_null(lim_predictor_behind(colour, p.classifier, &err));
    g_assert_cmpint(err.code, ==, LIM_E_SHAPE);
    model_assert_sentence(&err);
    g_assert_null(lim_predictor_behind(colour, p.classifier, NULL));
    lim_denoiser_free(colour);
    lim_store_free(s);
    pair_clear(&p);
}

/* The margin of the label by the picture, through both, in double against central differences:
 * what an attack through the denoiser walks along. */
static void
test_behind_gradient(void)
{
    const LimExec exec = serial();
    const int32_t label = 1;
    float x32[PIXELS];
    double x[PIXELS], got[PIXELS], largest = 0;
    Pair p;
    pair_init(&p);
    lim_rng_normal(5, LIM_STREAM_TEST, 0, x32, PIXELS);
    for (int i = 0; i < PIXELS; i++)
        x[i] = 0.5 * (double)x32[i];
    LimGraph *g = lim_graph_new();
    LimVal vx = lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE4(1, 1, 32, 32)), dx;
    LimVal vl = lim_graph_feed(g, "label", LIM_I32, LIM_SHAPE1(1));
    LimVal loss = lim_margin(g, lim_predictor_build(p.behind, g, vx), vl);
    LimVal plain = lim_margin(g, lim_predictor_build(p.classifier, g, vx), vl), other;
    lim_graph_grad(g, loss, LIM_NOVAL, &vx, &dx, 1);
    lim_graph_grad(g, plain, LIM_NOVAL, &vx, &other, 1);
    LimError err = LIM_ERROR_INIT;
    LimPlan *plan = lim_plan_new(g, (LimVal[]){loss, dx, other}, 3, LIM_PLAN_F64, &exec, &err);
    g_assert_cmpstr(err.text, ==, "");
    lim_plan_bind(plan, vx, x);
    lim_plan_bind(plan, vl, &label);
    loss_at(plan, loss);
    memcpy(got, lim_plan_get(plan, dx), sizeof got);
    const double *alone = lim_plan_get(plan, other);
    double apart = 0;
    for (int i = 0; i < PIXELS; i++) {
        largest = fmax(largest, fabs(got[i]));
        apart = fmax(apart, fabs(got[i] - alone[i]));
    }
    g_assert_cmpfloat(largest, >, 1e-4);
    g_assert_cmpfloat(apart, >, 0.01 * largest); /* not the classifier's own */
    for (int k = 3; k < PIXELS; k += 37) {
        const double keep = x[k], step = 0x1p-20;
        x[k] = keep + step;
        const double up = loss_at(plan, loss);
        x[k] = keep - step;
        const double down = loss_at(plan, loss);
        x[k] = keep;
        g_assert_cmpfloat_with_epsilon((up - down) / (2 * step), got[k], 1e-5 * largest);
    }
    lim_plan_free(plan);
    pair_clear(&p);
}

/* The mean of the logits, whatever the parts are. */
static void
test_ensemble(void)
{
    const LimExec exec = serial();
    Pair p;
    pair_init(&p);
    LimClassifierParams vgg;
    LimStore *s = model_store_family(LIM_CLASSIFIER_VGG, &vgg);
    LimPredictor *other = lim_predictor_new(&vgg, s);
    LimError err = LIM_ERROR_INIT;
    LimPredictor *all =
        lim_predictor_ensemble((LimPredictor *[]){p.classifier, other, p.behind}, 3, &err);
    g_assert_cmpstr(err.text, ==, "");
    const int nk = lim_predictor_classes(p.classifier);
    float x[2 * PIXELS], *z = g_new0(float, 4 * 2 * nk);
    lim_rng_normal(5, LIM_STREAM_TEST, 0, x, 2 * PIXELS);
    lim_predictor_run(p.classifier, &exec, x, 2, z, NULL, &err);
    lim_predictor_run(other, &exec, x, 2, z + 2 * nk, NULL, &err);
    lim_predictor_run(p.behind, &exec, x, 2, z + 4 * nk, NULL, &err);
    lim_predictor_run(all, &exec, x, 2, z + 6 * nk, NULL, &err);
    g_assert_cmpstr(err.text, ==, "");
    for (int i = 0; i < 2 * nk; i++) {
        const float want = (z[i] + z[2 * nk + i] + z[4 * nk + i]) / 3;
        g_assert_cmpfloat_with_epsilon(z[6 * nk + i], want, 1e-6f * (1 + fabsf(want)));
    }
    g_assert_true(lim_predictor_hash(all) != lim_predictor_hash(p.classifier));
    g_free(z);
    lim_predictor_free(all);
    lim_predictor_free(other);
    lim_store_free(s);
    pair_clear(&p);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/denoiser/parameters", test_parameters);
    g_test_add_func("/denoiser/identity", test_identity);
    g_test_add_data_func("/denoiser/gradient/dunet", GINT_TO_POINTER(LIM_DENOISER_DUNET),
                         test_gradient);
    g_test_add_data_func("/denoiser/gradient/dae", GINT_TO_POINTER(LIM_DENOISER_DAE),
                         test_gradient);
    g_test_add_data_func("/denoiser/file/dunet", GINT_TO_POINTER(LIM_DENOISER_DUNET), test_file);
    g_test_add_data_func("/denoiser/file/dae", GINT_TO_POINTER(LIM_DENOISER_DAE), test_file);
    g_test_add_func("/denoiser/behind", test_behind);
    g_test_add_func("/denoiser/behind/gradient", test_behind_gradient);
    g_test_add_func("/denoiser/ensemble", test_ensemble);
    const int failed = g_test_run();
    model_clear();
    return failed;
}
