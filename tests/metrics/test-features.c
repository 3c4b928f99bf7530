/* Feature banks: computed as the predictor computes, cut by class, written and read again. */
#include "../models/support.h"
#include "metrics/features.h"
#include "small.h"
#include "tensor/half.h"

#include <glib/gstdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static LimExec exec;

static LimFeatures *
compute(LimPredictor *c, const LimDataset *d, const uint32_t *index, int n)
{
    LimError err = LIM_ERROR_INIT;
    LimTask *t = lim_features_task_new(c, d, index, n, &err);
    g_assert_cmpstr(err.text, ==, "");
    small_run(t, &exec);
    LimFeatures *f = lim_features_task_steal(t);
    lim_task_free(t);
    return f;
}

static void
test_compute(void)
{
    LimPredictor *c = small_predictor(false);
    LimDataset *d = small_dataset(70, 28, 3);
    uint32_t index[67];
    float x[1024], features[16], logits[3];
    for (uint32_t i = 0; i < 67; i++)
        index[i] = 69 - i;
    LimFeatures *f = compute(c, d, index, 67);
    g_assert_cmpstr(f->name, ==, "toy");
    g_assert_cmpstr(f->split, ==, "test");
    g_assert_cmpint(f->n, ==, 67);
    g_assert_cmpint(f->size, ==, 16);
    for (int i = 0; i < 67; i += 11) {
        double sum = 0, top = -1e9;
        lim_dataset_batch(d, &index[i], 1, 32, x, NULL);
        g_assert_cmpint(lim_predictor_run(c, &exec, x, 1, logits, features, NULL), ==, LIM_OK);
        g_assert_cmpint(f->label[i], ==, (69 - i) % 3);
        for (int k = 0; k < 16; k++)
            g_assert_cmpfloat_with_epsilon(f->x[i * 16 + k], features[k], 1e-5f);
        for (int k = 0; k < 3; k++)
            top = fmax(top, (double)logits[k]);
        for (int k = 0; k < 3; k++)
            sum += exp((double)logits[k] - top);
        for (int k = 0; k < 3; k++)
            g_assert_cmpfloat_with_epsilon((double)f->probability[i * 3 + k],
                                           exp((double)logits[k] - top) / sum, 1e-5);
    }
    LimFeatures *of = lim_features_class(f, 1);
    int n = 0;
    for (int i = 0; i < 67; i++)
        if (f->label[i] == 1) {
            g_assert_cmpmem(of->x + n * 16, 64, f->x + i * 16, 64);
            g_assert_cmpmem(of->probability + n * 3, 12, f->probability + i * 3, 12);
            g_assert_cmpint(of->label[n], ==, 1);
            n++;
        }
    g_assert_cmpint(of->n, ==, n);
    lim_features_free(of);
    lim_features_free(f);
    lim_dataset_free(d);

    LimError err = LIM_ERROR_INIT;
    d = small_dataset(4, 28, 2); /* other classes */
    g_assert_null(lim_features_task_new(c, d, NULL, 4, &err));
    model_assert_sentence(&err);
    lim_dataset_free(d);
    lim_predictor_free(c);
}

static void
test_file(void)
{
    LimPredictor *c = small_predictor(false), *other = small_predictor(true);
    LimDataset *d = small_dataset(30, 32, 3);
    LimFeatures *f = compute(c, d, NULL, 30);
    g_autofree char *path = model_path("features.safetensors");
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(lim_features_save(f, c, "how", path, &err), ==, LIM_OK);
    LimFeatures *again = lim_features_load(path, c, &err);
    g_assert_cmpstr(err.text, ==, "");
    g_assert_cmpstr(again->name, ==, "toy");
    g_assert_cmpstr(again->split, ==, "test");
    g_assert_cmpint(again->n, ==, 30);
    g_assert_null(again->probability);
    for (int i = 0; i < 30 * 16; i++)
        g_assert_cmpfloat(again->x[i], ==, lim_half_to_f32(lim_half_from_f32(f->x[i])));
    g_assert_cmpmem(again->label, 30 * sizeof(int32_t), f->label, 30 * sizeof(int32_t));
    LimFeatures *of = lim_features_class(again, 2);
    g_assert_cmpint(of->n, ==, 10);
    g_assert_null(of->probability);
    lim_features_free(of);
    lim_features_free(again);

    g_assert_null(lim_features_load(path, other, &err));
    g_assert_nonnull(strstr(err.text, "another classifier"));
    model_assert_sentence(&err);
    err = (LimError)LIM_ERROR_INIT;
    f->label[3] = 200; /* no such class */
    g_assert_cmpint(lim_features_save(f, c, "how", path, &err), ==, LIM_OK);
    g_assert_null(lim_features_load(path, c, &err));
    model_assert_sentence(&err);
    err = (LimError)LIM_ERROR_INIT;
    f->label[3] = 0;
    f->x[7] = NAN;
    g_assert_cmpint(lim_features_save(f, c, "how", path, &err), ==, LIM_OK);
    g_assert_null(lim_features_load(path, c, &err));
    model_assert_sentence(&err);
    /* a model is no bank of features; nor is nothing */
    g_autofree char *model = model_path("classifier.safetensors");
    err = (LimError)LIM_ERROR_INIT;
    g_assert_null(lim_features_load(model, c, &err));
    g_assert_nonnull(strstr(err.text, "limen-cli features"));
    err = (LimError)LIM_ERROR_INIT;
    g_assert_null(lim_features_load("/nonexistent", c, &err));
    model_assert_sentence(&err);
    lim_features_free(f);
    lim_dataset_free(d);
    lim_predictor_free(c);
    lim_predictor_free(other);
}

/* What the window needs is there, and belongs to the classifier beside it. */
static void
test_shipped(void)
{
    const char *source = g_getenv("LIMEN_SOURCE");
    g_autofree char *model =
        g_build_filename(source, "resources", "models", "fashion-classifier.safetensors", NULL);
    g_autofree char *bank =
        g_build_filename(source, "resources", "models", "fashion-features.safetensors", NULL);
    LimError err = LIM_ERROR_INIT;
    LimPredictor *c = lim_predictor_load(model, &err);
    g_assert_cmpstr(err.text, ==, "");
    LimFeatures *f = lim_features_load(bank, c, &err);
    g_assert_cmpstr(err.text, ==, "");
    g_assert_cmpint(f->n, ==, 5000);
    int count[10] = {0};
    for (int i = 0; i < f->n; i++)
        count[f->label[i]]++;
    for (int k = 0; k < 10; k++)
        g_assert_cmpint(count[k], ==, 500);

    /* the sample pictures that ship are among them, first of each class */
    g_autofree char *folder =
        g_build_filename(source, "resources", "samples", "fashion-mnist", NULL);
    LimDataset *d = lim_dataset_open(folder, "sample", &err);
    g_assert_cmpstr(err.text, ==, "");
    LimFeatures *some = compute(c, d, NULL, 10);
    for (int i = 0; i < 10; i++) {
        int j = 0;
        while (f->label[j] != some->label[i])
            j++;
        for (int k = 0; k < f->size; k++)
            g_assert_cmpfloat_with_epsilon(some->x[i * f->size + k], f->x[j * f->size + k],
                                           2e-3f * (1 + fabsf(f->x[j * f->size + k])));
    }
    lim_features_free(some);
    lim_features_free(f);
    lim_dataset_free(d);
    lim_predictor_free(c);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    exec = (LimExec){.kernels = lim_kernels_best()};
    g_test_add_func("/features/compute", test_compute);
    g_test_add_func("/features/file", test_file);
    g_test_add_func("/features/shipped", test_shipped);
    const int failed = g_test_run();
    model_clear();
    return failed;
}
