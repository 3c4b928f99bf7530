/* The live trade-off: every point is what the measures say of the same samples taken at once. */
#include "../models/support.h"
#include "metrics/asked_class.h"
#include "metrics/density_coverage.h"
#include "metrics/precision_recall.h"
#include "metrics/samples.h"
#include "metrics/tradeoff.h"
#include "metrics/variety.h"
#include "small.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static LimExec exec;
static LimGenerator *g;
static LimPredictor *c;
static LimFeatures *real;
static const double thresholds[] = {1, 0.04, 0};

static LimFeatures *
features(const LimDataset *d)
{
    LimError err = LIM_ERROR_INIT;
    LimTask *t = lim_features_task_new(c, d, NULL, d->n, &err);
    small_run(t, &exec);
    LimFeatures *f = lim_features_task_steal(t);
    lim_task_free(t);
    return f;
}

static LimFeatures *
samples(int n, int label, double threshold, int truncation, uint64_t seed)
{
    const LimSampleRequest r = lim_plain_request(label, seed, threshold, truncation);
    LimTask *t = lim_draw_task_new(g, &r, n);
    small_run(t, &exec);
    LimDataset *d = lim_draw_task_steal(t);
    lim_task_free(t);
    LimFeatures *f = features(d);
    lim_dataset_free(d);
    return f;
}

static void
check(int label, int truncation)
{
    LimError err = LIM_ERROR_INIT;
    LimFeatures *of = label < 0 ? NULL : lim_features_class(real, label);
    const LimFeatures *r = of ? of : real;
    const LimTradeoffSettings s = {.samples = 61,
                                   .label = label,
                                   .truncation = truncation,
                                   .seed = 5};
    LimTask *t = lim_tradeoff_new(g, c, real, &s, thresholds, 3, &err);
    g_assert_cmpstr(err.text, ==, "");
    LimMeasure unit, precision, recall, density, coverage, variety;
    LimPoints p, q;
    g_assert_cmpint(lim_variety(&exec, r, NULL, &unit, &err), ==, LIM_OK);
    lim_points_init(&p, r->x, r->n, r->size);
    int n, seen = 0;
    g_assert_null(t->klass->preview(t));
    for (LimStep step = LIM_STEP_MORE; step == LIM_STEP_MORE;) {
        step = lim_task_step(t, &exec, NULL, &err);
        g_assert_cmpstr(err.text, ==, "");
        const LimTradeoffPoint *point = lim_tradeoff_points(t, &n);
        if (n == seen)
            continue;
        g_assert_cmpint(n, ==, ++seen); /* one at a time */
        LimTensor *preview = t->klass->preview(t);
        int in_preview;
        const LimTradeoffPoint *copy = lim_tradeoff_preview_points(preview, &in_preview);
        g_assert_cmpmem(point, (gsize)n * sizeof *point, copy, (gsize)in_preview * sizeof *copy);
        g_assert_true(point != copy);
        lim_tensor_unref(preview);
        point += n - 1;
        LimFeatures *f = samples(61, label, thresholds[n - 1], truncation, 5);
        lim_points_init(&q, f->x, f->n, f->size);
        g_assert_cmpint(lim_precision_recall(&exec, &q, &p, &precision, &recall, &err), ==, LIM_OK);
        g_assert_cmpint(lim_density_coverage(&exec, &q, &p, &density, &coverage, &err), ==, LIM_OK);
        g_assert_cmpint(lim_variety(&exec, f, NULL, &variety, &err), ==, LIM_OK);
        const LimMeasure asked = lim_asked_class_count(f, NULL);
        g_assert_cmpfloat(point->threshold, ==, thresholds[n - 1]);
        g_assert_cmpfloat(point->fidelity, ==, precision.value);
        g_assert_cmpfloat(point->fidelity_low, ==, precision.low);
        g_assert_cmpfloat(point->fidelity_high, ==, precision.high);
        g_assert_cmpfloat(point->density, ==, density.value);
        g_assert_cmpfloat(point->density_low, ==, density.low);
        g_assert_cmpfloat(point->density_high, ==, density.high);
        g_assert_cmpfloat(point->asked, ==, asked.value);
        g_assert_cmpfloat(point->asked_high, ==, asked.high);
        g_assert_cmpfloat_with_epsilon(point->variety, variety.value / unit.value, 1e-5);
        g_assert_cmpfloat_with_epsilon(point->variety_low, fmax(0, variety.low / unit.value), 1e-5);
        g_assert_cmpfloat(point->variety_high, >, point->variety);
        lim_points_clear(&q);
        lim_features_free(f);
    }
    g_assert_cmpint(seen, ==, 3);
    const LimTradeoffPoint *point = lim_tradeoff_points(t, &n);
    /* 0.04 against the others (of an untrained network no more can be said) */
    g_assert_cmpfloat(point[1].variety, <, 0.1 * point[0].variety);
    g_assert_cmpfloat(point[1].variety, <, 0.1 * point[2].variety);
    g_assert_cmpint(lim_task_step(t, &exec, NULL, &err), ==, LIM_STEP_DONE);
    lim_points_clear(&p);
    lim_features_free(of);
    lim_task_free(t);
}

static void
test_points(void)
{
    check(-1, LIM_TRUNC_INVERSE_CDF);
    check(2, LIM_TRUNC_RESAMPLE);
}

static void
test_threads(void)
{
    const LimTradeoffSettings s = {.samples = 50, .label = -1, .seed = 1};
    LimTradeoffPoint first[3];
    for (int threads = 1; threads <= 3; threads++) {
        LimExec e = {.kernels = exec.kernels, .pool = lim_pool_new(threads)};
        /* models of their own: plans are made for a number of threads */
        LimGenerator *h = small_generator();
        LimPredictor *p = small_predictor(false);
        LimTask *t = lim_tradeoff_new(h, p, real, &s, thresholds, 3, NULL);
        int n;
        small_run(t, &e);
        const LimTradeoffPoint *point = lim_tradeoff_points(t, &n);
        if (threads == 1)
            memcpy(first, point, sizeof first);
        g_assert_cmpmem(point, (gsize)n * sizeof *point, first, sizeof first);
        lim_task_free(t);
        lim_generator_free(h);
        lim_predictor_free(p);
        lim_pool_free(e.pool);
    }
}

static void
test_cancel(void)
{
    const LimTradeoffSettings s = {.samples = 50, .label = -1, .seed = 1};
    LimCancel cancel = {0};
    LimExec e = {.kernels = exec.kernels, .cancel = &cancel};
    LimError err = LIM_ERROR_INIT;
    LimTask *t = lim_tradeoff_new(g, c, real, &s, thresholds, 3, NULL);
    int n = 0;
    while (n == 0) {
        g_assert_cmpint(lim_task_step(t, &e, NULL, &err), ==, LIM_STEP_MORE);
        lim_tradeoff_points(t, &n);
    }
    lim_cancel(&cancel);
    while (lim_task_step(t, &e, NULL, &err) == LIM_STEP_MORE)
        ;
    g_assert_cmpint(err.code, ==, LIM_CANCELLED);
    lim_tradeoff_points(t, &n);
    g_assert_cmpint(n, ==, 1); /* what is there stays */
    lim_task_free(t);
}

static void
refused(const LimFeatures *bank, int count, int label)
{
    const LimTradeoffSettings s = {.samples = count, .label = label, .seed = 1};
    LimError err = LIM_ERROR_INIT;
    g_assert_null(lim_tradeoff_new(g, c, bank, &s, thresholds, 3, &err));
    model_assert_sentence(&err);
}

static void
test_refused(void)
{
    refused(real, 49, -1);
    refused(real, 100, 3);
    LimFeatures *other = lim_features_new(40, real->size + 1, 3);
    refused(other, 100, -1);
    lim_features_free(other);
    other = lim_features_new(40, real->size, 3); /* all of class 0 */
    refused(other, 100, 1);
    /* no variety at all to compare with: known only when it is measured */
    const LimTradeoffSettings s = {.samples = 50, .label = -1, .seed = 1};
    LimError err = LIM_ERROR_INIT;
    LimTask *t = lim_tradeoff_new(g, c, other, &s, thresholds, 3, &err);
    while (lim_task_step(t, &exec, NULL, &err) == LIM_STEP_MORE)
        ;
    model_assert_sentence(&err);
    lim_task_free(t);
    lim_features_free(other);
}

/* The list for the slider: inside its range, no value twice, the ends of the paper's row first. */
static void
test_list(void)
{
    const double *t = lim_tradeoff_thresholds;
    g_assert_cmpfloat(t[0], ==, 2);
    g_assert_cmpfloat(t[1], ==, 0.04);
    for (int i = 0; i < LIM_TRADEOFF_THRESHOLDS; i++) {
        g_assert_cmpfloat(t[i], >=, LIM_THRESHOLD_MIN);
        g_assert_cmpfloat(t[i], <=, LIM_THRESHOLD_MAX);
        for (int j = 0; j < i; j++)
            g_assert_cmpfloat(t[i], !=, t[j]);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    exec = (LimExec){.kernels = lim_kernels_best()};
    g = small_generator();
    c = small_predictor(false);
    LimDataset *d = small_dataset(90, 32, 3);
    real = features(d);
    lim_dataset_free(d);
    /* half of them like samples, so that some samples are near */
    LimFeatures *near = samples(90, -1, 1, LIM_TRUNC_INVERSE_CDF, 6);
    memcpy(real->x, near->x, (size_t)(45 * near->size) * sizeof *near->x);
    memcpy(real->label, near->label, 45 * sizeof *near->label);
    lim_features_free(near);
    g_test_add_func("/tradeoff/points", test_points);
    g_test_add_func("/tradeoff/threads", test_threads);
    g_test_add_func("/tradeoff/cancel", test_cancel);
    g_test_add_func("/tradeoff/refused", test_refused);
    g_test_add_func("/tradeoff/list", test_list);
    const int failed = g_test_run();
    lim_features_free(real);
    lim_generator_free(g);
    lim_predictor_free(c);
    model_clear();
    return failed;
}
