/* The tasks that put the measures together: comparison, a generator's metrics, classification
 * accuracy score. Each against the same thing done by hand. */
#include "../models/support.h"
#include "metrics/asked_class.h"
#include "metrics/cas.h"
#include "metrics/density_coverage.h"
#include "metrics/frechet.h"
#include "metrics/gan_metrics.h"
#include "metrics/inception_score.h"
#include "metrics/precision_recall.h"
#include "metrics/samples.h"
#include "metrics/variety.h"
#include "small.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static LimExec exec;
static LimDataset *pictures;

static LimFeatures *
features(LimPredictor *c, const LimDataset *d)
{
    LimTask *t = lim_features_task_new(c, d, NULL, d->n, NULL);
    small_run(t, &exec);
    LimFeatures *f = lim_features_task_steal(t);
    lim_task_free(t);
    return f;
}

static LimDataset *
draw(LimGenerator *g, int n, double threshold, uint64_t seed)
{
    const LimSampleRequest r = lim_plain_request(-1, seed, threshold, LIM_TRUNC_INVERSE_CDF);
    LimTask *t = lim_draw_task_new(g, &r, n);
    small_run(t, &exec);
    LimDataset *d = lim_draw_task_steal(t);
    lim_task_free(t);
    return d;
}

#define SAME(a, b) g_assert_cmpmem(&(a), sizeof(LimMeasure), &(b), sizeof(LimMeasure))

/* Everything but asked and variety, which a class shares with the whole set. */
static void
check_measures(const LimMeasures *m, const LimFeatures *samples, const LimFeatures *real)
{
    LimMeasure a, b;
    LimPoints s, r;
    g_assert_cmpint(m->samples, ==, samples->n);
    g_assert_cmpint(m->pictures, ==, real->n);
    lim_points_init(&s, samples->x, samples->n, samples->size);
    lim_points_init(&r, real->x, real->n, real->size);
    g_assert_cmpint(lim_frechet(&exec, samples, real, &a, NULL), ==, LIM_OK);
    SAME(m->frechet, a);
    g_assert_cmpint(lim_precision_recall(&exec, &s, &r, &a, &b, NULL), ==, LIM_OK);
    SAME(m->precision, a);
    SAME(m->recall, b);
    g_assert_cmpint(lim_density_coverage(&exec, &s, &r, &a, &b, NULL), ==, LIM_OK);
    SAME(m->density, a);
    SAME(m->coverage, b);
    a = lim_asked_class_count(samples, NULL);
    SAME(m->asked, a);
    lim_points_clear(&s);
    lim_points_clear(&r);
}

static void
check_comparison(const LimComparison *c, const LimFeatures *samples, const LimFeatures *real)
{
    int right = 0, total = 0;
    double sd;
    LimMeasure of_samples[3], of_real[3], a, b;
    check_measures(&c->all, samples, real);
    a = lim_inception_score(samples->probability, samples->n, 3, &sd);
    SAME(c->inception, a);
    g_assert_cmpfloat(c->inception_sd, ==, sd);
    g_assert_cmpint(lim_variety(&exec, samples, of_samples, &a, NULL), ==, LIM_OK);
    g_assert_cmpint(lim_variety(&exec, real, of_real, &b, NULL), ==, LIM_OK);
    g_assert_cmpfloat(c->real_variety, ==, b.value);
    g_assert_cmpfloat(c->all.variety.value, ==, a.value / b.value);
    g_assert_cmpfloat(c->all.variety.high, ==, a.high / b.value);
    for (int k = 0; k < 3; k++) {
        LimFeatures *s = lim_features_class(samples, k), *r = lim_features_class(real, k);
        check_measures(&c->of[k], s, r);
        g_assert_cmpfloat(c->of[k].variety.value, ==, of_samples[k].value / of_real[k].value);
        right += c->confusion[k * 3 + k];
        for (int i = 0; i < 3; i++)
            total += c->confusion[k * 3 + i];
        lim_features_free(s);
        lim_features_free(r);
    }
    g_assert_cmpint(total, ==, samples->n);
    g_assert_cmpfloat(c->all.asked.value, ==, (double)right / total);
}

static void
test_compare(void)
{
    LimGenerator *g = small_generator();
    LimPredictor *c = small_predictor(false);
    LimDataset *d = draw(g, 75, 1, 4);
    LimFeatures *samples = features(c, d), *real = features(c, pictures);
    LimTask *t = lim_compare_new(samples, real);
    small_run(t, &exec);
    check_comparison(lim_compare_result(t), samples, real);
    lim_task_free(t);
    lim_dataset_free(d);

    /* too few for most: no number instead of a wrong one */
    d = draw(g, 7, 1, 4);
    LimFeatures *few = features(c, d);
    t = lim_compare_new(few, real);
    small_run(t, &exec);
    const LimComparison *r = lim_compare_result(t);
    g_assert_true(isnan(r->inception.value) && isnan(r->all.frechet.value));
    g_assert_true(isnan(r->all.precision.value) && isnan(r->of[2].coverage.value));
    g_assert_true(isfinite(r->all.asked.value));
    lim_task_free(t);
    lim_dataset_free(d);
    lim_features_free(few);

    /* pictures against themselves */
    t = lim_compare_new(real, real);
    small_run(t, &exec);
    r = lim_compare_result(t);
    g_assert_cmpfloat(fabs(r->all.frechet.value), <, 1e-6);
    g_assert_cmpfloat(r->all.precision.value, ==, 1);
    g_assert_cmpfloat(r->all.recall.value, ==, 1);
    g_assert_cmpfloat(r->all.coverage.value, ==, 1);
    g_assert_cmpfloat(r->all.variety.value, ==, 1);
    lim_task_free(t);
    lim_features_free(samples);
    lim_features_free(real);
    lim_predictor_free(c);
    lim_generator_free(g);
}

static void
test_gan_metrics(void)
{
    LimMeasures first = {0};
    const LimGanMetricsSettings s = {.samples = 66, .threshold = 0.7, .seed = 11};
    for (int threads = 1; threads <= 3; threads++) {
        LimGenerator *g = small_generator();
        LimPredictor *c = small_predictor(false);
        LimFeatures *real = features(c, pictures);
        lim_predictor_free(c);
        c = small_predictor(false); /* planned for these threads */
        LimExec e = {.kernels = exec.kernels, .pool = lim_pool_new(threads)};
        LimTask *t = lim_gan_metrics_new(g, c, real, &s, NULL);
        g_assert_null(lim_gan_metrics_result(t));
        small_run(t, &e);
        const LimComparison *r = lim_gan_metrics_result(t);
        if (threads == 1) {
            LimGenerator *h = small_generator();
            LimPredictor *p = small_predictor(false);
            LimDataset *d = draw(h, 66, 0.7, 11);
            LimFeatures *samples = features(p, d);
            check_comparison(r, samples, real);
            first = r->all;
            lim_features_free(samples);
            lim_dataset_free(d);
            lim_predictor_free(p);
            lim_generator_free(h);
        }
        g_assert_cmpmem(&r->all, sizeof first, &first, sizeof first);
        lim_task_free(t);
        lim_features_free(real);
        lim_predictor_free(c);
        lim_generator_free(g);
        lim_pool_free(e.pool);
    }
}

/* Pictures as a person would see them: 8 bit; sample i is the same however many are drawn. */
static void
test_samples(void)
{
    LimGenerator *g = small_generator();
    LimDataset *d = draw(g, 40, 0.5, 3);
    LimSampleRequest r;
    memset(&r, 0, sizeof r);
    lim_params_init(lim_sample_schema, &r);
    r.count = 40;
    r.seed = 3;
    r.threshold = 0.5;
    LimTask *t = lim_sample_task_new(g, &r);
    small_run(t, &exec);
    const float *x = lim_tensor_f32(lim_sample_task_image(t));
    for (int i = 0; i < 40 * 1024; i++)
        g_assert_cmpint(d->pixels[i], ==, (int)lroundf((x[i] + 1) * 127.5f));
    for (int i = 0; i < 40; i++)
        g_assert_cmpint(d->labels[i], ==, i % 3);
    g_assert_cmpstr(d->class_names[1], ==, lim_generator_class_name(g, 1));
    lim_task_free(t);
    lim_dataset_free(d);
    lim_generator_free(g);
}

static void
test_cas(void)
{
    LimGenerator *g = small_generator();
    LimCasSettings s = {.samples = 48, .threshold = 1, .seed = 2};
    LimError err = LIM_ERROR_INIT;
    lim_params_init(lim_classifier_schema, &s.training.model);
    lim_params_init(lim_classifier_training_schema, &s.training);
    s.training.epochs = 2;
    s.training.batch = 16;
    s.training.model.width = 4;
    LimTask *t = lim_cas_new(g, pictures, &s, &err);
    g_assert_null(lim_cas_result(t));
    small_run(t, &exec);
    const LimCas *r = lim_cas_result(t);
    g_assert_cmpint(r->samples, ==, 48);
    g_assert_cmpint(r->steps, ==, 6);
    g_assert_cmpint(r->pictures, ==, pictures->n);

    LimDataset *d = draw(g, 48, 1, 2);
    LimTrainLog log;
    double accuracy;
    int right = 0, total = 0;
    lim_train_log_open(&log, NULL, NULL);
    s.training.model.channels = 1;
    s.training.model.classes = 3;
    LimTask *train = lim_classifier_trainer_new(&s.training, d, pictures, NULL, log, &exec, &err);
    small_run(train, &exec);
    g_assert_cmpint(lim_classifier_trainer_accuracy(train, &exec, &accuracy, &err), ==, LIM_OK);
    g_assert_cmpfloat(r->accuracy.value, ==, accuracy);
    g_assert_cmpfloat(r->accuracy.low, <, accuracy);
    for (int i = 0; i < 9; i++) {
        total += r->confusion[i];
        right += i % 4 == 0 ? r->confusion[i] : 0;
    }
    g_assert_cmpint(total, ==, pictures->n);
    g_assert_cmpfloat(accuracy, ==, (double)right / total);
    lim_task_free(train);
    lim_task_free(t);
    lim_dataset_free(d);

    /* data of other classes; fewer samples than a batch */
    d = small_dataset(4, 32, 2);
    g_assert_null(lim_cas_new(g, d, &s, &err));
    model_assert_sentence(&err);
    lim_dataset_free(d);
    err = (LimError)LIM_ERROR_INIT;
    s.samples = 5;
    t = lim_cas_new(g, pictures, &s, &err);
    while (lim_task_step(t, &exec, NULL, &err) == LIM_STEP_MORE)
        ;
    model_assert_sentence(&err);
    lim_task_free(t);
    lim_generator_free(g);
}

/* Asked to stop at any step, the next one says so. */
static void
test_cancel(void)
{
    LimGenerator *g = small_generator();
    LimPredictor *c = small_predictor(false);
    LimFeatures *real = features(c, pictures);
    const LimGanMetricsSettings s = {.samples = 40, .threshold = 0, .seed = 1};
    for (int after = 0; after < 11; after++) {
        LimCancel cancel = {0};
        LimExec e = {.kernels = exec.kernels, .cancel = &cancel};
        LimError err = LIM_ERROR_INIT;
        LimTask *t = lim_gan_metrics_new(g, c, real, &s, NULL);
        for (int i = 0; i < after; i++)
            g_assert_cmpint(lim_task_step(t, &e, NULL, &err), ==, LIM_STEP_MORE);
        lim_cancel(&cancel);
        LimStep step = LIM_STEP_MORE;
        for (int i = 0; i < 2 && step == LIM_STEP_MORE; i++) /* one may be too small to stop */
            step = lim_task_step(t, &e, NULL, &err);
        g_assert_cmpint(step, ==, LIM_STEP_FAILED);
        g_assert_cmpint(err.code, ==, LIM_CANCELLED);
        lim_task_free(t);
    }
    LimError err = LIM_ERROR_INIT;
    LimFeatures *other = lim_features_new(20, real->size, 4); /* other classes */
    g_assert_null(lim_gan_metrics_new(g, c, other, &s, &err));
    model_assert_sentence(&err);
    lim_features_free(other);
    lim_features_free(real);
    lim_predictor_free(c);
    lim_generator_free(g);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    exec = (LimExec){.kernels = lim_kernels_best()};
    pictures = small_dataset(90, 32, 3);
    g_test_add_func("/compare/sets", test_compare);
    g_test_add_func("/compare/gan", test_gan_metrics);
    g_test_add_func("/compare/samples", test_samples);
    g_test_add_func("/compare/cas", test_cas);
    g_test_add_func("/compare/cancel", test_cancel);
    const int failed = g_test_run();
    lim_dataset_free(pictures);
    model_clear();
    return failed;
}
