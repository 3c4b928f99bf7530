/* Ablations of tiny networks on toy pictures: every variant differs from the base in what its name
 * says and in nothing else; stopped at any step and resumed they end with the same numbers;
 * finished runs are not repeated. */
#include "../train/toy.h"
#include "jobs/ablation.h"

#include <glib/gstdio.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

static LimStore *store;
static LimPredictor *judge;
static LimDataset *data;
static LimFeatures *real;

static LimExec
serial(void)
{
    return (LimExec){.kernels = lim_kernels_best()};
}

static void
make_judge(void)
{
    static LimClassifierParams p;
    lim_params_init(lim_classifier_schema, &p);
    p.channels = 1;
    p.classes = 3;
    p.width = 2;
    store = lim_store_new(1);
    LimGraph *g = lim_graph_new();
    LimBuild b;
    lim_build_init(&b, g, store, LIM_MODE_EVAL);
    lim_classifier(&b, &p, lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE4(1, 1, 32, 32)), NULL);
    lim_graph_free(g);
    judge = lim_predictor_new(&p, store);
    data = toy_dataset(60, 1, 28, 3, 1);
    const LimExec exec = serial();
    LimTask *t = lim_features_task_new(judge, data, NULL, 60, NULL);
    while (lim_task_step(t, &exec, NULL, NULL) == LIM_STEP_MORE)
        ;
    real = lim_features_task_steal(t);
    lim_task_free(t);
}

static LimAblationSettings
settings(const char *group)
{
    LimAblationSettings s;
    lim_params_init(lim_ablation_schema, &s);
    g_assert_cmpint(lim_params_set(lim_ablation_schema, &s, "group", group, NULL), ==, LIM_OK);
    s.seeds = 1;
    s.iterations = 3;
    s.measures = 2;
    s.width = 2;
    s.batch = 4;
    s.standing = 1;
    s.samples = 60;
    return s;
}

static char *
new_folder(void)
{
    char *folder = g_dir_make_tmp("limen-ablation-XXXXXX", NULL);
    g_assert_nonnull(folder);
    return folder;
}

/* Removes the folder; the number of files it held. */
static int
remove_folder(char *folder)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *name;
    int n = 0;
    while ((name = g_dir_read_name(dir))) {
        char *path = g_build_filename(folder, name, NULL);
        g_assert_cmpint(g_remove(path), ==, 0);
        g_free(path);
        n++;
    }
    g_dir_close(dir);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
    g_free(folder);
    return n;
}

static LimTask *
ablation(const LimAblationSettings *s, const char *folder)
{
    LimError err = LIM_ERROR_INIT;
    LimTask *t = lim_ablation_new(s, data, judge, real, folder, &err);
    g_assert_cmpstr(err.text, ==, "");
    return t;
}

/* Steps taken until the end. */
static int
finish(LimTask *t)
{
    const LimExec exec = serial();
    int steps = 0;
    for (LimStep step = LIM_STEP_MORE; step != LIM_STEP_DONE; steps++) {
        LimError err = LIM_ERROR_INIT;
        LimProgress progress = {0};
        step = lim_task_step(t, &exec, &progress, &err);
        g_assert_cmpstr(err.text, ==, "");
        g_assert_cmpfloat(progress.fraction, >=, 0);
        g_assert_cmpfloat(progress.fraction, <=, 1);
    }
    return steps;
}

static const json_t *
run_of(const json_t *results, const char *id)
{
    return json_array_get(json_object_get(json_object_get(results, "runs"), id), 0);
}

static void
test_rates(void)
{
    const LimAblationSettings s = settings("rates");
    char *folder = new_folder();
    LimTask *t = ablation(&s, folder);
    const int steps = finish(t);
    json_t *results = lim_ablation_results(t);
    lim_task_free(t);
    g_assert_cmpint(json_object_size(json_object_get(results, "runs")), ==, 2);
    g_assert_cmpuint(json_array_size(json_object_get(results, "groups")), ==, 1);
    const char *ids[] = {"base", "equal-rates"};
    for (int i = 0; i < 2; i++) {
        const json_t *run = run_of(results, ids[i]);
        const json_t *points = json_object_get(run, "points"), *point;
        g_assert_true(json_is_true(json_object_get(run, "finished")));
        g_assert_cmpint(json_integer_value(json_object_get(run, "generator_parameters")), >, 1000);
        g_assert_cmpuint(json_array_size(points), ==, 2);
        for (size_t k = 0; k < 2; k++) {
            point = json_array_get(points, k);
            g_assert_cmpint(json_integer_value(json_object_get(point, "iteration")), ==, k ? 3 : 1);
            const char *keys[] = {"asked",           "frechet",          "coverage",
                                  "d_loss",          "variety",          "g_singular_value",
                                  "asked_truncated", "frechet_truncated"};
            for (int j = 0; j < 8; j++)
                g_assert_true(json_is_real(json_object_get(point, keys[j])) == (k == 1 || j < 6));
            const double asked = json_real_value(json_object_get(point, "asked"));
            g_assert_true(asked >= 0 && asked <= 1);
        }
    }

    /* again: nothing is trained, the results are the same; also from a record that a program wrote
     * which did not know a setting */
    char *record = g_build_filename(folder, "base-1.json", NULL), *text;
    g_assert_true(g_file_get_contents(record, &text, NULL, NULL));
    char *at = strstr(text, "\"held-out\"");
    g_assert_nonnull(at);
    memmove(at, strchr(at, ',') + 1, strlen(strchr(at, ',') + 1) + 1);
    toy_write(record, text, strlen(text));
    g_free(record);
    g_free(text);
    t = ablation(&s, folder);
    g_assert_cmpint(finish(t), ==, 2);
    json_t *again = lim_ablation_results(t);
    g_assert_true(json_equal(results, again));
    lim_task_free(t);
    json_decref(again);
    g_assert_cmpint(remove_folder(folder), ==, 6); /* record, log, model of two runs */

    /* stopped after any number of steps */
    for (int stop = 1; stop < steps; stop += 1 + steps / 12) {
        folder = new_folder();
        const LimExec exec = serial();
        for (int part = 0; part < 2; part++) {
            LimCancel cancel = {false};
            t = ablation(&s, folder);
            for (int i = 0; i < (stop + part) / 2; i++)
                g_assert_cmpint(lim_task_step(t, &exec, NULL, NULL), ==, LIM_STEP_MORE);
            const LimExec cancelled = {.kernels = exec.kernels, .cancel = &cancel};
            LimError err = LIM_ERROR_INIT;
            lim_cancel(&cancel);
            if (lim_task_step(t, &cancelled, NULL, &err) == LIM_STEP_FAILED)
                g_assert_cmpint(err.code, ==, LIM_CANCELLED);
            lim_task_free(t);
        }
        t = ablation(&s, folder);
        finish(t);
        again = lim_ablation_results(t);
        g_assert_true(json_equal(results, again));
        json_decref(again);
        lim_task_free(t);
        g_assert_cmpint(remove_folder(folder), ==, 6);
    }
    json_decref(results);
}

/* All runs of all groups, and in what their settings differ from the base's. */
static void
test_variants(void)
{
    static const struct {
        const char *id, *differs;
    } expected[] = {
        {"residual", "model.attention=\"residual\" "},
        {"no-attention", "model.g-attention=false model.d-attention=false "},
        {"sn-d", "model.spectral-norm=\"d\" "},
        {"sn-none", "model.spectral-norm=\"none\" "},
        {"equal-rates", "g-lr=0.0014142 d-lr=0.0014142 "},
        {"batch-half", "batch=2 "},
        {"batch-x2", "batch=8 "},
        {"batch-x4", "batch=16 "},
        {"ortho", "ortho=0.0001 "},
    };
    LimAblationSettings s = settings("all");
    s.iterations = s.measures = 1;
    char *folder = new_folder();
    LimTask *t = ablation(&s, folder);
    finish(t);
    json_t *results = lim_ablation_results(t);
    const json_t *base =
        json_object_get(json_object_get(run_of(results, "base"), "settings"), "training");
    g_assert_cmpint(json_object_size(json_object_get(results, "runs")), ==,
                    G_N_ELEMENTS(expected) + 1);
    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++) {
        const json_t *run = run_of(results, expected[i].id);
        const json_t *training = json_object_get(json_object_get(run, "settings"), "training");
        GString *differs = g_string_new(NULL);
        for (int part = 0; part < 2; part++) {
            const char *key;
            json_t *value;
            json_t *of = part ? json_object_get(training, "model") : (json_t *)(uintptr_t)training;
            const json_t *other = part ? json_object_get(base, "model") : base;
            json_object_foreach(of, key, value)
            {
                if (json_equal(value, json_object_get(other, key)) || json_is_object(value))
                    continue;
                char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(5));
                g_string_append_printf(differs, "%s%s=%s ", part ? "model." : "", key, text);
                free(text);
            }
        }
        g_assert_cmpstr(differs->str, ==, expected[i].differs);
        g_string_free(differs, TRUE);
    }
    /* every run of a group exists */
    size_t k, m;
    json_t *group, *member;
    json_array_foreach(json_object_get(results, "groups"), k, group)
    {
        g_assert_cmpuint(json_array_size(json_object_get(group, "runs")), >=, 2);
        json_array_foreach(json_object_get(group, "runs"), m, member)
            g_assert_nonnull(run_of(results, json_string_value(json_object_get(member, "run"))));
    }
    json_decref(results);
    lim_task_free(t);
    remove_folder(folder);
}

/* Sets the first number of a tensor in a safetensors file to NaN. */
static void
spoil(const char *path, const char *tensor)
{
    char *bytes;
    gsize size;
    uint64_t head;
    const float nan_value = (float)NAN;
    g_assert_true(g_file_get_contents(path, &bytes, &size, NULL));
    memcpy(&head, bytes, 8);
    const char *at =
        strstr(strstr(bytes + 8, tensor), "data_offsets\":[") + strlen("data_offsets\":[");
    memcpy(bytes + 8 + head + g_ascii_strtoull(at, NULL, 10), &nan_value, sizeof nan_value);
    toy_write(path, bytes, size);
    g_free(bytes);
}

/* A run that breaks down is recorded as that, and the next one is trained. */
static void
test_collapsed(void)
{
    const LimAblationSettings s = settings("rates");
    const LimExec exec = serial();
    char *folder = new_folder(), *checkpoint = g_build_filename(folder, "base-1.checkpoint", NULL);
    LimTask *t = ablation(&s, folder);
    while (!g_file_test(checkpoint, G_FILE_TEST_EXISTS))
        g_assert_cmpint(lim_task_step(t, &exec, NULL, NULL), ==, LIM_STEP_MORE);
    lim_task_free(t);
    spoil(checkpoint, "\"d.linear.bias\"");
    t = ablation(&s, folder);
    finish(t);
    json_t *results = lim_ablation_results(t);
    const json_t *run = run_of(results, "base");
    g_assert_cmpint(json_integer_value(json_object_get(run, "collapsed")), ==, 1);
    g_assert_true(json_is_true(json_object_get(run, "finished")));
    g_assert_cmpuint(json_array_size(json_object_get(run, "points")), ==, 1);
    run = run_of(results, "equal-rates");
    g_assert_null(json_object_get(run, "collapsed"));
    g_assert_cmpuint(json_array_size(json_object_get(run, "points")), ==, 2);
    lim_task_free(t);
    t = ablation(&s, folder);
    g_assert_cmpint(finish(t), ==, 2); /* not tried again */
    lim_task_free(t);
    json_decref(results);
    g_free(checkpoint);
    remove_folder(folder);
}

static void
test_refused(void)
{
    LimAblationSettings s = settings("rates");
    const LimExec exec = serial();
    char *folder = new_folder();
    LimTask *t = ablation(&s, folder);
    finish(t);
    lim_task_free(t);
    s.samples = 61;
    t = ablation(&s, folder);
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(lim_task_step(t, &exec, NULL, &err), ==, LIM_STEP_FAILED);
    g_assert_cmpint(err.code, ==, LIM_E_PARAM);
    toy_assert_sentence(&err);
    lim_task_free(t);

    s = settings("rates");
    s.measures = 4;
    err = (LimError)LIM_ERROR_INIT;
    g_assert_null(lim_ablation_new(&s, data, judge, real, folder, &err));
    g_assert_cmpint(err.code, ==, LIM_E_PARAM);
    s = settings("rates");
    LimDataset *other = toy_dataset(8, 1, 28, 2, 1);
    err = (LimError)LIM_ERROR_INIT;
    g_assert_null(lim_ablation_new(&s, other, judge, real, folder, &err));
    g_assert_cmpint(err.code, ==, LIM_E_SHAPE);
    lim_dataset_free(other);
    remove_folder(folder);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    make_judge();
    g_test_add_func("/ablation/rates", test_rates);
    g_test_add_func("/ablation/variants", test_variants);
    g_test_add_func("/ablation/collapsed", test_collapsed);
    g_test_add_func("/ablation/refused", test_refused);
    const int failed = g_test_run();
    lim_predictor_free(judge);
    lim_store_free(store);
    lim_dataset_free(data);
    lim_features_free(real);
    return failed;
}
