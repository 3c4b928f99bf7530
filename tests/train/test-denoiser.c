/* The denoiser's trainer on a width of two channels and a handful of pictures: the four losses are
 * what they say and differentiate through the frozen classifier, training lowers them, continues to
 * the last bit from any step, can be stopped inside a step, and refuses what does not belong
 * together. */
#include "train/denoiser.h"
#include "base/rng.h"
#include "graph/plan.h"
#include "models/modelfile.h"
#include "toy.h"
#include "train/classifier.h"

#include <glib/gstdio.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PIXELS = 32 * 32 };

static LimExec
serial(void)
{
    return (LimExec){.kernels = lim_kernels_best()};
}

/* A classifier file after a few steps of training. */
static char *
classifier(const char *name, int classes, uint64_t seed)
{
    const LimExec exec = serial();
    LimClassifierTraining p;
    lim_params_init(lim_classifier_training_schema, &p);
    lim_params_init(lim_classifier_schema, &p.model);
    p.model.classes = classes;
    p.model.width = 4;
    p.seed = seed;
    p.batch = 9;
    p.epochs = 12;
    p.lr = 0.05;
    p.checkpoint_every = 0;
    LimDataset *d = toy_dataset(9, 1, 28, classes, 5);
    LimError err = LIM_ERROR_INIT;
    LimTask *t = lim_classifier_trainer_new(&p, d, d, NULL, toy_log(NULL), &exec, &err);
    g_assert_cmpstr(err.text, ==, "");
    while (lim_task_step(t, &exec, NULL, &err) == LIM_STEP_MORE)
        continue;
    char *path = toy_path(name);
    g_assert_cmpint(lim_classifier_trainer_save(t, path, "a test", &exec, &err), ==, LIM_OK);
    lim_task_free(t);
    lim_dataset_free(d);
    return path;
}

static LimDenoiserTraining
settings(void)
{
    LimDenoiserTraining p;
    lim_params_init(lim_denoiser_training_schema, &p);
    lim_params_init(lim_denoiser_schema, &p.model);
    g_assert_cmpint(p.loss, ==, LIM_DENOISER_LGD);
    p.model.width = 2;
    p.epochs = 3;
    p.batch = 4;
    p.checkpoint_every = 0;
    char *path = classifier("guide", 3, 1);
    g_strlcpy(p.classifier, path, sizeof p.classifier);
    g_free(path);
    return p;
}

/* Noise as a stand-in for attacks: a function of the pair's number. */
static LimStatus
fill(void *ctx, const LimExec *exec, const float *clean, const int32_t *label, int n,
     uint64_t first, float *adversarial, LimError *err)
{
    lim_rng_normal(3, LIM_STREAM_TEST, first * PIXELS, adversarial, (size_t)n * PIXELS);
    for (int i = 0; i < n * PIXELS; i++)
        adversarial[i] = clean[i] + 0.3f * adversarial[i];
    return LIM_OK;
}

static LimPairSource
noise(uint64_t identity)
{
    return (LimPairSource){.fill = fill, .identity = identity, .description = "{\"noise\": 0.3}"};
}

static LimTask *
trainer(const LimDenoiserTraining *p, const LimDataset *d, const char *path, GPtrArray *lines,
        const LimExec *exec)
{
    const LimPairSource source = noise(1);
    LimError err = LIM_ERROR_INIT;
    LimTask *t = lim_denoiser_trainer_new(p, &source, d, d, path, toy_log(lines), exec, &err);
    g_assert_cmpstr(err.text, ==, "");
    g_assert_nonnull(t);
    return t;
}

static LimStep
run(LimTask *t, int steps, const LimExec *exec)
{
    LimStep step = LIM_STEP_MORE;
    for (int i = 0; i < steps && step == LIM_STEP_MORE; i++) {
        LimError err = LIM_ERROR_INIT;
        step = lim_task_step(t, exec, NULL, &err);
        g_assert_cmpstr(err.text, ==, "");
    }
    return step;
}

static double
logged(const GPtrArray *lines, guint i, const char *key)
{
    json_t *line = json_loads(lines->pdata[i], 0, NULL);
    g_assert_true(json_is_number(json_object_get(line, key)));
    const double value = json_number_value(json_object_get(line, key));
    json_decref(line);
    return value;
}

/* ---- losses -----------------------------------------------------------------------------------
 */

/* Against the classifier's own answers; 0 for two equal pictures. */
static void
test_losses(void)
{
    const LimExec exec = serial();
    char *path = classifier("guide", 3, 1);
    LimError err = LIM_ERROR_INIT;
    LimPredictor *c = lim_predictor_load(path, &err);
    float x[4 * PIXELS], logits[4 * 3];
    int32_t label[2] = {2, 0};
    lim_rng_normal(5, LIM_STREAM_TEST, 0, x, G_N_ELEMENTS(x));
    g_assert_cmpint(lim_predictor_run(c, &exec, x, 4, logits, NULL, &err), ==, LIM_OK);
    double pgd = 0, lgd = 0, cgd = 0;
    for (int i = 0; i < 2 * PIXELS; i++)
        pgd += fabs((double)x[i] - (double)x[2 * PIXELS + i]) / (2 * PIXELS);
    for (int i = 0; i < 6; i++)
        lgd += fabs((double)logits[i] - (double)logits[6 + i]) / 6;
    for (int i = 0; i < 2; i++) {
        double sum = 0;
        for (int k = 0; k < 3; k++)
            sum += exp((double)logits[i * 3 + k]);
        cgd += (log(sum) - (double)logits[i * 3 + label[i]]) / 2;
    }
    for (int loss = LIM_DENOISER_PGD; loss <= LIM_DENOISER_CGD; loss++)
        for (int same = 0; same < 2; same++) {
            LimGraph *g = lim_graph_new();
            LimVal a = lim_graph_feed(g, "a", LIM_F32, LIM_SHAPE4(2, 1, 32, 32));
            LimVal b = lim_graph_feed(g, "b", LIM_F32, LIM_SHAPE4(2, 1, 32, 32));
            LimVal l = lim_graph_feed(g, "l", LIM_I32, LIM_SHAPE1(2));
            LimVal y = lim_denoiser_loss(g, (LimDenoiserLoss)loss, c, a, b, l);
            LimPlan *plan = lim_plan_new(g, &y, 1, 0, &exec, &err);
            g_assert_cmpstr(err.text, ==, "");
            lim_plan_bind(plan, a, x);
            lim_plan_bind(plan, b, same ? x : x + 2 * PIXELS);
            lim_plan_bind(plan, l, label);
            g_assert_cmpint(lim_plan_run(plan, &exec, &err), ==, LIM_OK);
            const double got = (double)*lim_plan_f32(plan, y);
            if (loss == LIM_DENOISER_CGD)
                g_assert_cmpfloat_with_epsilon(got, cgd, 1e-4);
            else if (same)
                g_assert_cmpfloat(got, ==, 0);
            else if (loss == LIM_DENOISER_FGD)
                g_assert_cmpfloat(got, >, 1e-3);
            else
                g_assert_cmpfloat_with_epsilon(got, loss == LIM_DENOISER_PGD ? pgd : lgd, 1e-4);
            lim_plan_free(plan);
        }
    lim_predictor_free(c);
    g_free(path);
}

/* Denoiser and frozen classifier in one graph, in double: every parameter tensor of the denoiser in
 * some places against central differences; and nothing of the classifier is asked for. */
static void
test_gradient(gconstpointer data)
{
    enum { N = 2 };
    const LimExec exec = serial();
    const LimDenoiserTraining p = settings();
    LimError err = LIM_ERROR_INIT;
    LimPredictor *c = lim_predictor_load(p.classifier, &err);
    const uint64_t frozen = lim_predictor_hash(c);
    float draw[2 * N * PIXELS];
    double x[N * PIXELS], clean[N * PIXELS], momentum = 0.1;
    int32_t label[N] = {2, 0};
    lim_rng_normal(5, LIM_STREAM_TEST, 0, draw, G_N_ELEMENTS(draw));
    for (int i = 0; i < N * PIXELS; i++) {
        clean[i] = 0.5 * (double)draw[i];
        x[i] = clean[i] + 0.2 * (double)draw[N * PIXELS + i];
    }
    LimStore *s = lim_store_new(3);
    LimGraph *g = lim_graph_new();
    LimBuild b;
    lim_build_init(&b, g, s, LIM_MODE_TRAIN);
    LimVal m = lim_graph_feed(g, "momentum", LIM_F32, LIM_SHAPE1(1));
    b.bn_momentum = m;
    LimVal vx = lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE4(N, 1, 32, 32));
    LimVal vc = lim_graph_feed(g, "clean", LIM_F32, LIM_SHAPE4(N, 1, 32, 32));
    LimVal vl = lim_graph_feed(g, "label", LIM_I32, LIM_SHAPE1(N));
    LimVal y = lim_denoiser_network(&b, &p.model, vx);
    float *last = lim_store_data(s, lim_store_find(s, "final.weight"));
    last[0] = 0.3f; /* 0 lets no gradient through */
    last[1] = -0.2f;
    LimVal loss = lim_denoiser_loss(g, (LimDenoiserLoss)GPOINTER_TO_INT(data), c, y, vc, vl);
    LimVal d[129];
    const int count = b.n_params;
    lim_graph_grad(g, loss, LIM_NOVAL, b.param, d, count);
    d[count] = loss;
    LimPlan *plan = lim_plan_new(g, d, count + 1, LIM_PLAN_F64, &exec, &err);
    g_assert_cmpstr(err.text, ==, "");
    lim_plan_bind(plan, vx, x);
    lim_plan_bind(plan, vc, clean);
    lim_plan_bind(plan, vl, label);
    lim_plan_bind(plan, m, &momentum);
    g_assert_cmpint(lim_plan_run(plan, &exec, &err), ==, LIM_OK);
    double worst = 0, largest = 0, got[128];
    for (int i = 0; i < count; i++) /* before the plan runs again */
        got[i] = ((const double *)lim_plan_get(plan, d[i]))[0];
    for (int i = 0; i < count; i++) {
        float *w = lim_store_data(s, b.param_entry[i]);
        const float keep = w[0], high = keep + 0x1p-20f, low = keep - 0x1p-20f;
        w[0] = high;
        g_assert_cmpint(lim_plan_run(plan, &exec, &err), ==, LIM_OK);
        const double up = *(const double *)lim_plan_get(plan, loss);
        w[0] = low;
        g_assert_cmpint(lim_plan_run(plan, &exec, &err), ==, LIM_OK);
        const double down = *(const double *)lim_plan_get(plan, loss);
        w[0] = keep;
        worst = fmax(worst, fabs((up - down) / ((double)high - (double)low) - got[i]));
        largest = fmax(largest, fabs(got[i]));
    }
    g_test_message("worst %g of %g", worst, largest);
    g_assert_cmpfloat(largest, >, 1e-3);
    g_assert_cmpfloat(worst, <, 1e-3 * largest);
    g_assert_true(lim_predictor_hash(c) == frozen);
    lim_plan_free(plan);
    lim_store_free(s);
    lim_predictor_free(c);
}

/* ---- training ---------------------------------------------------------------------------------
 */

static void
test_learns(gconstpointer data)
{
    const LimExec exec = serial();
    LimDenoiserTraining p = settings();
    p.loss = GPOINTER_TO_INT(data);
    p.batch = 9;
    p.epochs = 100;
    p.lr = 0.01;
    LimDataset *d = toy_dataset(9, 1, 28, 3, 1);
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    LimTask *t = trainer(&p, d, NULL, lines, &exec);
    LimDenoiserMeasure before, after;
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(lim_denoiser_trainer_measure(t, &exec, &before, &err), ==, LIM_OK);
    g_assert_cmpfloat_with_epsilon(before.distance, before.distance_denoised, 1e-9); /* identity */
    g_assert_cmpint(run(t, 1000, &exec), ==, LIM_STEP_DONE);
    g_assert_cmpint(lim_supervised_steps(t), ==, 100);
    g_assert_cmpuint(lines->len, ==, 5);
    g_assert_cmpfloat(logged(lines, 4, "loss"), <, 0.9 * logged(lines, 0, "loss"));
    g_assert_cmpint(lim_denoiser_trainer_measure(t, &exec, &after, &err), ==, LIM_OK);
    g_assert_cmpint(after.pictures, ==, 9);
    g_assert_cmpfloat_with_epsilon(after.distance, before.distance, 1e-12);
    if (p.loss == LIM_DENOISER_PGD)
        g_assert_cmpfloat(after.distance_denoised, <, 0.9 * before.distance);

    char *path = toy_path("denoiser");
    g_assert_cmpint(lim_denoiser_trainer_save(t, path, "a test", &exec, &err), ==, LIM_OK);
    LimDenoiser *loaded = lim_denoiser_load(path, &err);
    g_assert_cmpstr(err.text, ==, "");
    json_t *made = json_loads(lim_denoiser_training(loaded), 0, NULL);
    g_assert_cmpstr(json_string_value(json_object_get(made, "classifier")), ==, "guide");
    g_assert_true(json_is_object(json_object_get(made, "pairs")));
    g_assert_cmpfloat(json_number_value(json_object_get(made, "accuracy_adversarial_denoised")), ==,
                      after.adversarial_denoised);
    json_decref(made);
    lim_denoiser_free(loaded);
    lim_task_free(t);
    g_ptr_array_unref(lines);
    lim_dataset_free(d);
    g_free(path);
}

/* Stopped after some steps, saved, loaded into a new trainer and continued: the same checkpoint,
 * byte for byte, and the same log. */
static void
test_continues(gconstpointer data)
{
    const LimExec exec = serial();
    LimDenoiserTraining p = settings();
    p.loss = GPOINTER_TO_INT(data);
    p.epochs = 12; /* 24 steps: one line of the log in the middle, one at the end */
    LimDataset *d = toy_dataset(10, 1, 28, 3, 1);
    char *whole = toy_path("whole"), *parts = toy_path("parts");
    g_remove(whole);
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    LimTask *t = trainer(&p, d, whole, lines, &exec);
    g_assert_cmpint(run(t, 1000, &exec), ==, LIM_STEP_DONE);
    g_assert_cmpint(lim_supervised_steps(t), ==, 24);
    lim_task_free(t);
    g_assert_cmpuint(lines->len, ==, 2);
    const int stops[] = {0, 1, 7, 20, 23, 24};
    for (size_t i = 0; i < G_N_ELEMENTS(stops); i++) {
        GPtrArray *more = g_ptr_array_new_with_free_func(g_free);
        g_remove(parts);
        t = trainer(&p, d, parts, more, &exec);
        run(t, stops[i], &exec);
        LimError err = LIM_ERROR_INIT;
        g_assert_cmpint(lim_supervised_checkpoint(t, &err), ==, LIM_OK);
        lim_task_free(t);
        t = trainer(&p, d, parts, more, &exec);
        g_assert_cmpint(lim_supervised_steps(t), ==, stops[i]);
        g_assert_cmpint(run(t, 1000, &exec), ==, LIM_STEP_DONE);
        lim_task_free(t);
        toy_assert_same_file(whole, parts);
        g_assert_cmpuint(more->len, ==, lines->len);
        for (guint k = 0; k < lines->len; k++)
            g_assert_cmpstr(more->pdata[k], ==, lines->pdata[k]);
        g_ptr_array_unref(more);
    }
    g_ptr_array_unref(lines);
    lim_dataset_free(d);
    g_free(whole);
    g_free(parts);
}

static uint64_t
trained_hash(const LimDenoiserTraining *p, const LimDataset *d, const LimExec *exec)
{
    LimTask *t = trainer(p, d, NULL, NULL, exec);
    g_assert_cmpint(run(t, 1000, exec), ==, LIM_STEP_DONE);
    const uint64_t hash = lim_store_hash(lim_supervised_store(t));
    lim_task_free(t);
    return hash;
}

static void
test_same_bytes(void)
{
    LimExec exec = serial();
    const LimDenoiserTraining p = settings();
    LimDataset *d = toy_dataset(10, 1, 28, 3, 1);
    const uint64_t hash = trained_hash(&p, d, &exec);
    for (int threads = 2; threads <= 3; threads++) {
        exec.pool = lim_pool_new(threads);
        g_assert_true(trained_hash(&p, d, &exec) == hash);
        lim_pool_free(exec.pool);
    }
    LimDenoiserTraining q = p;
    exec.pool = NULL;
    q.seed = 2;
    g_assert_true(trained_hash(&q, d, &exec) != hash);
    lim_dataset_free(d);
}

/* On some classes: as if the data had no others. */
static void
test_classes(void)
{
    const LimExec exec = serial();
    LimDenoiserTraining p = settings();
    LimDataset *d = toy_dataset(12, 1, 28, 3, 1), *part = toy_dataset(12, 1, 28, 3, 1);
    const uint64_t whole = trained_hash(&p, d, &exec);
    part->n = 0;
    for (int i = 0; i < d->n; i++)
        if (d->labels[i] != 1) {
            memcpy(part->pixels + part->n * 28 * 28, d->pixels + i * 28 * 28, 28 * 28);
            part->labels[part->n++] = d->labels[i];
        }
    g_assert_cmpint(part->n, >, p.batch);
    g_assert_cmpint(part->n, <, d->n);
    const uint64_t wanted = trained_hash(&p, part, &exec);
    g_strlcpy(p.classes, "0,2", sizeof p.classes);
    g_assert_true(trained_hash(&p, d, &exec) == wanted);
    g_assert_true(wanted != whole);
    lim_dataset_free(d);
    lim_dataset_free(part);
}

/* Cancelled in the middle of a step: nothing has happened, and the step is done again. */
static void
test_cancelled(void)
{
    LimCancel cancel = {false};
    const LimExec plain = serial();
    const LimExec exec = {.kernels = toy_tripping_kernels(&cancel), .cancel = &cancel};
    const LimDenoiserTraining p = settings();
    LimDataset *d = toy_dataset(10, 1, 28, 3, 1);
    const uint64_t whole = trained_hash(&p, d, &plain);
    LimTask *t = trainer(&p, d, NULL, NULL, &exec);
    int stopped = 0;
    for (int place = 1;; place += 11) {
        const uint64_t before = lim_store_hash(lim_supervised_store(t));
        LimError err = LIM_ERROR_INIT;
        toy_trip_after(place);
        const LimStep step = lim_task_step(t, &exec, NULL, &err);
        toy_trip_after(0);
        atomic_store(&cancel.flag, false);
        if (step == LIM_STEP_DONE)
            break;
        if (step == LIM_STEP_FAILED) {
            g_assert_cmpint(err.code, ==, LIM_CANCELLED);
            g_assert_true(lim_store_hash(lim_supervised_store(t)) == before);
            stopped++;
        } else {
            place = -10; /* the step has fewer kernels than that */
        }
    }
    g_assert_cmpint(stopped, >, 10);
    g_assert_true(lim_store_hash(lim_supervised_store(t)) == whole);
    lim_task_free(t);
    lim_dataset_free(d);
}

static void
refused(const LimDenoiserTraining *p, const LimPairSource *source, const LimDataset *d,
        const char *path, LimStatus code)
{
    const LimExec exec = serial();
    LimError err = LIM_ERROR_INIT;
    g_assert_null(lim_denoiser_trainer_new(p, source, d, d, path, toy_log(NULL), &exec, &err));
    g_assert_cmpint(err.code, ==, code);
    toy_assert_sentence(&err);
}

/* A checkpoint goes on with the same settings, the same classifier wherever it is, and the same
 * pairs only. */
static void
test_refuses(void)
{
    const LimExec exec = serial();
    const LimDenoiserTraining p = settings();
    const LimPairSource source = noise(1), other_source = noise(2);
    LimDataset *d = toy_dataset(10, 1, 28, 3, 1);
    char *path = toy_path("refused"), *moved = classifier("moved", 3, 1);
    char *other = classifier("other", 3, 2), *wide = classifier("wide", 4, 1);
    LimTask *t = trainer(&p, d, path, NULL, &exec);
    run(t, 2, &exec);
    g_assert_cmpint(lim_supervised_checkpoint(t, NULL), ==, LIM_OK);
    lim_task_free(t);
    LimDenoiserTraining q = p;
    g_strlcpy(q.classifier, moved, sizeof q.classifier);
    t = trainer(&q, d, path, NULL, &exec);
    g_assert_cmpint(lim_supervised_steps(t), ==, 2);
    lim_task_free(t);
    refused(&p, &other_source, d, path, LIM_E_PARAM);
    g_strlcpy(q.classifier, other, sizeof q.classifier);
    refused(&q, &source, d, path, LIM_E_PARAM);
    q = p;
    q.loss = LIM_DENOISER_PGD;
    refused(&q, &source, d, path, LIM_E_PARAM);
    q = p;
    q.model.width = 3;
    refused(&q, &source, d, path, LIM_E_PARAM);
    q = p;
    q.classifier[0] = '\0';
    refused(&q, &source, d, NULL, LIM_E_PARAM);
    g_strlcpy(q.classifier, wide, sizeof q.classifier);
    refused(&q, &source, d, NULL, LIM_E_PARAM);
    g_strlcpy(q.classifier, path, sizeof q.classifier); /* a checkpoint is no model */
    refused(&q, &source, d, NULL, LIM_E_FORMAT);
    refused(&p, &source, d, p.classifier, LIM_E_FORMAT); /* and a model no checkpoint */
    q = p;
    g_strlcpy(q.classes, "3", sizeof q.classes);
    refused(&q, &source, d, NULL, LIM_E_PARAM);
    q = p;
    q.batch = 11;
    refused(&q, &source, d, NULL, LIM_E_PARAM);
    lim_dataset_free(d);
    g_free(path);
    g_free(moved);
    g_free(other);
    g_free(wide);
}

int
main(int argc, char **argv)
{
    static const char *const names[] = {"pgd", "fgd", "lgd", "cgd"};
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/denoiser/losses", test_losses);
    for (int i = 0; i < 4; i++) {
        char *path = g_strconcat("/denoiser/gradient/", names[i], NULL);
        g_test_add_data_func(path, GINT_TO_POINTER(i), test_gradient);
        g_free(path);
        path = g_strconcat("/denoiser/learns/", names[i], NULL);
        g_test_add_data_func(path, GINT_TO_POINTER(i), test_learns);
        g_free(path);
    }
    g_test_add_data_func("/denoiser/continues/lgd", GINT_TO_POINTER(LIM_DENOISER_LGD),
                         test_continues);
    g_test_add_data_func("/denoiser/continues/cgd", GINT_TO_POINTER(LIM_DENOISER_CGD),
                         test_continues);
    g_test_add_func("/denoiser/same-bytes", test_same_bytes);
    g_test_add_func("/denoiser/classes", test_classes);
    g_test_add_func("/denoiser/cancelled", test_cancelled);
    g_test_add_func("/denoiser/refuses", test_refuses);
    const int failed = g_test_run();
    toy_clear();
    return failed;
}
