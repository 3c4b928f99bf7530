/* What is built on safetensors: model files and checkpoints, through the real loaders, which take a
 * path. What loads is used: a picture is drawn or classified, a step is trained. */
#include "fuzz.h"
#include "metrics/features.h"
#include "models/denoiser.h"
#include "models/generator.h"
#include "models/predictor.h"
#include "models/support.h"
#include "train/classifier.h"
#include "train/gan.h"
#include "train/toy.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

static const LimExec *
exec(void)
{
    static LimExec e;
    e.kernels = lim_kernels_best();
    return &e;
}

/* Adds the file at path. */
static void
add_file(GPtrArray *seeds, const char *path)
{
    g_autofree char *data = NULL;
    gsize size;
    g_assert_true(g_file_get_contents(path, &data, &size, NULL));
    GByteArray *b = g_byte_array_new();
    g_byte_array_append(b, (const guint8 *)data, (guint)size);
    g_ptr_array_add(seeds, b);
}

static void
put(const char *path, const guint8 *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    g_assert_nonnull(f);
    g_assert_cmpuint(fwrite(data, 1, size, f), ==, size);
    g_assert_cmpint(fclose(f), ==, 0);
}

static void
touch_names(const char *(*name)(const void *, int), const void *of, int n)
{
    for (int i = 0; i < n; i++)
        g_assert_true(g_utf8_validate(name(of, i), -1, NULL));
}

/* ---- generators ---- */

static void
generator_seeds(GPtrArray *seeds)
{
    g_autofree char *path = model_path("seed");
    LimBigganParams p;
    LimStore *s = model_store_generator(&p);
    LimModelInfo info = model_info_generator(&p);
    for (int half = 0; half < 2; half++) {
        g_assert_cmpint(lim_modelfile_save(path, &info, s, half, NULL), ==, LIM_OK);
        add_file(seeds, path);
    }
    lim_store_free(s);
}

static const char *
generator_name(const void *g, int k)
{
    return lim_generator_class_name(g, k);
}

static bool
generator_read(const guint8 *data, size_t size, LimError *err)
{
    g_autofree char *path = model_path("mutated");
    put(path, data, size);
    LimGenerator *g = lim_generator_load(path, err);
    if (!g)
        return false;
    touch_names(generator_name, g, lim_generator_classes(g));
    const LimShape s = lim_generator_image_shape(g);
    g_autofree float *z = g_new0(float, lim_generator_latent_size(g));
    g_autofree float *picture = g_new(float, lim_shape_size(s));
    const gint32 label = lim_generator_classes(g) - 1;
    g_assert_cmpint(lim_generator_run(g, exec(), z, &label, 1, picture, err), ==, LIM_OK);
    lim_generator_free(g);
    return true;
}

/* ---- classifiers ---- */

static void
classifier_seeds(GPtrArray *seeds)
{
    g_autofree char *path = model_path("seed");
    LimClassifierParams p;
    LimStore *s = model_store_classifier(&p);
    LimModelInfo info = model_info_classifier(&p);
    for (int half = 0; half < 2; half++) {
        g_assert_cmpint(lim_modelfile_save(path, &info, s, half, NULL), ==, LIM_OK);
        add_file(seeds, path);
    }
    lim_store_free(s);
}

static const char *
classifier_name(const void *c, int k)
{
    return lim_predictor_class_name(c, k);
}

static bool
classifier_read(const guint8 *data, size_t size, LimError *err)
{
    g_autofree char *path = model_path("mutated");
    put(path, data, size);
    LimPredictor *c = lim_predictor_load(path, err);
    if (!c)
        return false;
    touch_names(classifier_name, c, lim_predictor_classes(c));
    g_autofree float *x = g_new0(float, lim_shape_size(lim_predictor_image_shape(c)));
    g_autofree float *logits = g_new(float, lim_predictor_classes(c));
    g_assert_cmpint(lim_predictor_run(c, exec(), x, 1, logits, NULL, err), ==, LIM_OK);
    lim_predictor_free(c);
    return true;
}

/* ---- denoisers ---- */

static void
denoiser_seeds(GPtrArray *seeds)
{
    static const char *const names[] = {"a", "b"};
    g_autofree char *path = model_path("seed");
    for (int architecture = LIM_DENOISER_DUNET; architecture <= LIM_DENOISER_DAE; architecture++) {
        const LimDenoiserParams p = {.architecture = architecture, .channels = 1, .width = 2};
        const LimModelInfo info = {.model = "denoiser",
                                   .schema = lim_denoiser_schema,
                                   .params = &p,
                                   .classes = 2,
                                   .class_names = names,
                                   .training = "{}"};
        LimStore *s = lim_store_new(3);
        LimGraph *g = lim_graph_new();
        LimBuild b;
        lim_build_init(&b, g, s, LIM_MODE_EVAL);
        lim_denoiser_network(&b, &p, lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE4(1, 1, 8, 8)));
        lim_graph_free(g);
        g_assert_cmpint(lim_modelfile_save(path, &info, s, true, NULL), ==, LIM_OK);
        add_file(seeds, path);
        lim_store_free(s);
    }
}

static bool
denoiser_read(const guint8 *data, size_t size, LimError *err)
{
    g_autofree char *path = model_path("mutated");
    put(path, data, size);
    LimDenoiser *d = lim_denoiser_load(path, err);
    if (!d)
        return false;
    g_autofree float *x = g_new0(float, lim_denoiser_params(d)->channels * 9 * 7);
    g_assert_cmpint(lim_denoiser_run(d, exec(), x, 1, 9, 7, x, err), ==, LIM_OK);
    lim_denoiser_free(d);
    return true;
}

/* ---- features ---- */

static LimPredictor *
features_classifier(void)
{
    static LimPredictor *c; /* lives as long as the program */
    if (!c) {
        LimClassifierParams p;
        c = lim_predictor_new(&p, model_store_classifier(&p));
    }
    return c;
}

static void
features_seeds(GPtrArray *seeds)
{
    g_autofree char *path = model_path("seed");
    LimFeatures *f = lim_features_new(5, lim_predictor_features(features_classifier()), 3);
    for (int i = 0; i < f->n * f->size; i++)
        f->x[i] = (float)i;
    g_assert_cmpint(lim_features_save(f, features_classifier(), "make", path, NULL), ==, LIM_OK);
    add_file(seeds, path);
    lim_features_free(f);
}

static bool
features_read(const guint8 *data, size_t size, LimError *err)
{
    g_autofree char *path = model_path("mutated");
    put(path, data, size);
    LimFeatures *f = lim_features_load(path, features_classifier(), err);
    if (!f)
        return false;
    g_assert_true(g_utf8_validate(f->name, -1, NULL) && g_utf8_validate(f->split, -1, NULL));
    for (int k = 0; k < f->classes; k++)
        lim_features_free(lim_features_class(f, k));
    lim_features_free(f);
    return true;
}

/* ---- checkpoints ---- */

static LimTask *
gan_trainer(const LimDataset *d, const char *path, LimError *err)
{
    LimGanTraining p;
    lim_params_init(lim_gan_training_schema, &p);
    lim_params_init(lim_biggan_schema, &p.model);
    p.model.classes = 3;
    p.model.g_ch = p.model.d_ch = 2;
    p.model.latent = 8;
    p.model.shared = 4;
    p.batch = 2;
    p.log_every = 1;
    return lim_gan_trainer_new(&p, d, NULL, path, toy_log(NULL), exec(), err);
}

static LimTask *
classifier_trainer(const LimDataset *d, const char *path, LimError *err)
{
    LimClassifierTraining p;
    lim_params_init(lim_classifier_training_schema, &p);
    lim_params_init(lim_classifier_schema, &p.model);
    p.model.classes = 3;
    p.model.width = 4;
    p.batch = 2;
    p.checkpoint_every = 0;
    return lim_classifier_trainer_new(&p, d, d, path, toy_log(NULL), exec(), err);
}

typedef LimTask *(*Make)(const LimDataset *d, const char *path, LimError *err);

static void
checkpoint_seeds(GPtrArray *seeds, Make make, LimStatus (*checkpoint)(LimTask *t, LimError *err))
{
    g_autofree char *path = model_path("seed");
    LimDataset *d = toy_dataset(5, 1, 28, 3, 1);
    g_remove(path);
    LimTask *t = make(d, path, NULL);
    for (int i = 0; i < 3; i++) {
        g_assert_cmpint(lim_task_step(t, exec(), NULL, NULL), ==, LIM_STEP_MORE);
        g_assert_cmpint(checkpoint(t, NULL), ==, LIM_OK);
        add_file(seeds, path);
    }
    lim_task_free(t);
    lim_dataset_free(d);
}

static bool
checkpoint_read(const guint8 *data, size_t size, Make make, LimError *err)
{
    g_autofree char *path = model_path("mutated");
    LimDataset *d = toy_dataset(5, 1, 28, 3, 1);
    put(path, data, size);
    LimTask *t = make(d, path, err);
    if (t) { /* what loads can go on, or says why not */
        LimError step = LIM_ERROR_INIT;
        if (lim_task_step(t, exec(), NULL, &step) == LIM_STEP_FAILED)
            g_assert_cmpstr(step.text, !=, "");
        lim_task_free(t);
    }
    lim_dataset_free(d);
    return t != NULL;
}

static void
gan_seeds(GPtrArray *seeds)
{
    checkpoint_seeds(seeds, gan_trainer, lim_gan_trainer_checkpoint);
}

static bool
gan_read(const guint8 *data, size_t size, LimError *err)
{
    return checkpoint_read(data, size, gan_trainer, err);
}

static void
classifier_checkpoint_seeds(GPtrArray *seeds)
{
    checkpoint_seeds(seeds, classifier_trainer, lim_supervised_checkpoint);
}

static bool
classifier_checkpoint_read(const guint8 *data, size_t size, LimError *err)
{
    return checkpoint_read(data, size, classifier_trainer, err);
}

static const FuzzReader readers[] = {
    {"generator", generator_seeds, generator_read, fuzz_repair_safetensors, 10},
    {"classifier", classifier_seeds, classifier_read, fuzz_repair_safetensors, 10},
    {"denoiser", denoiser_seeds, denoiser_read, fuzz_repair_safetensors, 10},
    {"features", features_seeds, features_read, fuzz_repair_safetensors, 0},
    {"gan-checkpoint", gan_seeds, gan_read, fuzz_repair_safetensors, 50},
    {"classifier-checkpoint", classifier_checkpoint_seeds, classifier_checkpoint_read,
     fuzz_repair_safetensors, 50},
};

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(readers); i++)
        fuzz_add(&readers[i]);
    const int failed = g_test_run();
    model_clear();
    return failed;
}
