/* What is built on safetensors: model files, checkpoints and states of attacks, through the real
 * loaders, which take a path. What loads is used: a picture is drawn or classified, a step is
 * trained. */
#include "attacks/toy.h"
#include "attacks/universal.h"
#include "fuzz.h"
#include "metrics/features.h"
#include "models/denoiser.h"
#include "models/detector.h"
#include "models/generator.h"
#include "models/predictor.h"
#include "models/segmenter.h"
#include "models/support.h"
#include "train/classifier.h"
#include "train/denoiser.h"
#include "train/gan.h"
#include "train/scenes.h"
#include "train/toy.h"

#include <glib/gstdio.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const LimExec *
exec(void)
{
    static LimExec e;
    e.kernels = lim_kernels_best();
    return &e;
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
        fuzz_add_file(seeds, path);
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
    fuzz_write(path, data, size);
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
        fuzz_add_file(seeds, path);
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
    fuzz_write(path, data, size);
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
        fuzz_add_file(seeds, path);
        lim_store_free(s);
    }
}

static bool
denoiser_read(const guint8 *data, size_t size, LimError *err)
{
    g_autofree char *path = model_path("mutated");
    fuzz_write(path, data, size);
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
    fuzz_add_file(seeds, path);
    lim_features_free(f);
}

static bool
features_read(const guint8 *data, size_t size, LimError *err)
{
    g_autofree char *path = model_path("mutated");
    fuzz_write(path, data, size);
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
        fuzz_add_file(seeds, path);
    }
    lim_task_free(t);
    lim_dataset_free(d);
}

static bool
checkpoint_read(const guint8 *data, size_t size, Make make, LimError *err)
{
    /* Most are no safetensors any more, which is for fuzz/readers to see: the networks of a
     * training are not built for them. */
    LimStFile *f = lim_st_parse(data, size, "mutated", err);
    if (!f)
        return false;
    lim_st_free(f);
    g_autofree char *path = model_path("mutated");
    LimDataset *d = toy_dataset(5, 1, 28, 3, 1);
    fuzz_write(path, data, size);
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

/* The classifier that guides the denoiser's training; made once. */
static const char *
guide(void)
{
    static char *path;
    if (!path) {
        LimClassifierParams p;
        LimStore *s = model_store_classifier(&p);
        const LimModelInfo info = model_info_classifier(&p);
        path = model_path("guide");
        g_assert_cmpint(lim_modelfile_save(path, &info, s, false, NULL), ==, LIM_OK);
        lim_store_free(s);
    }
    return path;
}

static LimStatus
no_attack(void *ctx, const LimExec *e, const float *clean, const int32_t *label, int n,
          uint64_t first, float *adversarial, LimError *err)
{
    memcpy(adversarial, clean, (size_t)n * 32 * 32 * sizeof *clean);
    return LIM_OK;
}

static LimTask *
denoiser_trainer(const LimDataset *d, const char *path, LimError *err)
{
    const LimPairSource source = {.fill = no_attack, .identity = 5, .description = "{}"};
    LimDenoiserTraining p;
    lim_params_init(lim_denoiser_training_schema, &p);
    lim_params_init(lim_denoiser_schema, &p.model);
    p.model.width = 2;
    p.batch = 2;
    p.checkpoint_every = 0;
    g_strlcpy(p.classifier, guide(), sizeof p.classifier);
    return lim_denoiser_trainer_new(&p, &source, d, d, path, toy_log(NULL), exec(), err);
}

static void
denoiser_checkpoint_seeds(GPtrArray *seeds)
{
    checkpoint_seeds(seeds, denoiser_trainer, lim_supervised_checkpoint);
}

static bool
denoiser_checkpoint_read(const guint8 *data, size_t size, LimError *err)
{
    return checkpoint_read(data, size, denoiser_trainer, err);
}

/* ---- networks for scenes ---- */

static const LimScenes *scenes; /* live as long as the program */

static LimTask *
scene_trainer(LimSceneNetKind kind, const char *path, LimError *err)
{
    LimSceneTraining p;
    lim_params_init(lim_scene_training_schema, &p);
    lim_params_init(lim_scene_net_schema, &p.model);
    lim_params_init(lim_scene_schema, &p.scenes);
    p.scenes.size = 48;
    p.model.classes = 4;
    p.model.width = 2;
    p.batch = 1;
    p.checkpoint_every = 0;
    if (!scenes)
        scenes = lim_scenes_new(&p.scenes, toy_dataset(12, 1, 28, 3, 5), LIM_SCENE_TRAIN, err);
    return lim_scene_trainer_new(kind, &p, scenes, path, toy_log(NULL), exec(), err);
}

static LimTask *
segmenter_trainer(const LimDataset *d, const char *path, LimError *err)
{
    return scene_trainer(LIM_SCENE_SEGMENTER, path, err);
}

static LimTask *
detector_trainer(const LimDataset *d, const char *path, LimError *err)
{
    return scene_trainer(LIM_SCENE_DETECTOR, path, err);
}

static void
segmenter_checkpoint_seeds(GPtrArray *seeds)
{
    checkpoint_seeds(seeds, segmenter_trainer, lim_supervised_checkpoint);
}

static bool
segmenter_checkpoint_read(const guint8 *data, size_t size, LimError *err)
{
    return checkpoint_read(data, size, segmenter_trainer, err);
}

static void
detector_checkpoint_seeds(GPtrArray *seeds)
{
    checkpoint_seeds(seeds, detector_trainer, lim_supervised_checkpoint);
}

static bool
detector_checkpoint_read(const guint8 *data, size_t size, LimError *err)
{
    return checkpoint_read(data, size, detector_trainer, err);
}

static void
scene_net_seeds(GPtrArray *seeds)
{
    g_autofree char *path = model_path("seed");
    for (int kind = LIM_SCENE_SEGMENTER; kind <= LIM_SCENE_DETECTOR; kind++) {
        LimTask *t = scene_trainer((LimSceneNetKind)kind, NULL, NULL);
        g_assert_cmpint(lim_scene_trainer_save(t, path, "make", json_object(), NULL), ==, LIM_OK);
        fuzz_add_file(seeds, path);
        lim_task_free(t);
    }
}

static bool
scene_net_read(const guint8 *data, size_t size, LimError *err)
{
    enum { SIDE = 48 };
    g_autofree char *path = model_path("mutated");
    fuzz_write(path, data, size);
    LimSceneNet *net = lim_scene_net_load(path, err);
    if (!net)
        return false;
    for (int k = 0; k < net->params.classes; k++)
        g_assert_true(g_utf8_validate(net->class_names[k], -1, NULL));
    g_autofree float *x = g_new0(float, 3 * SIDE * SIDE);
    if (net->kind == LIM_SCENE_SEGMENTER) {
        g_autofree gint32 *label = g_new(gint32, SIDE * SIDE);
        LimSegmenter *s = lim_segmenter_new(net, SIDE, exec(), err);
        g_assert_nonnull(s);
        g_assert_cmpint(lim_segmenter_run(s, exec(), x, label, err), ==, LIM_OK);
        for (int i = 0; i < SIDE * SIDE; i++)
            g_assert_true(label[i] >= 0 && label[i] < net->params.classes);
        lim_segmenter_free(s);
    } else {
        LimDetection found[LIM_DETECTIONS];
        int n = 0;
        LimDetector *d = lim_detector_new(net, SIDE, exec(), err);
        g_assert_nonnull(d);
        g_assert_cmpint(lim_detector_run(d, exec(), x, found, &n, err), ==, LIM_OK);
        for (int i = 0; i < n; i++)
            g_assert_true(found[i].label > 0 && found[i].label < net->params.classes);
        lim_detector_free(d);
    }
    lim_scene_net_free(net);
    return true;
}

/* ---- states of universal perturbations ---- */

enum { TOY = 6, TOY_CLASSES = 3, TOY_PICTURES = 5 };

static LimUniversal *
universal(LimVictim **victim, int method)
{
    static const float weight[TOY_CLASSES * TOY] = {1, -1, 0.5f,  0.25f, -2, 1, -1, 2, 0.5f,
                                                    1, -1, -0.5f, 1,     1,  0, -3, 0, 1};
    static const float bias[TOY_CLASSES] = {0.1f, -0.1f};
    static const float x[TOY_PICTURES * TOY] = {0.5f,  0.25f, 0.75f, 0.5f, 0.5f, 0.4f, 0.1f, 0.9f,
                                                0.5f,  0.3f,  0.2f,  0.6f, 0.7f, 0.8f, 0.2f, 0.4f,
                                                0.35f, 0.55f, 0.45f, 0.9f, 0.1f, 0.2f, 0.6f, 0.3f};
    LimUniversalParams p;
    lim_params_init(lim_universal_schema, &p);
    p.method = method;
    p.batch = 2;
    p.passes = 4;
    p.xi = 0.2;
    *victim = toy_new(TOY_CLASSES, TOY, weight, bias);
    const LimUniversalInput in = {.victim = *victim, .identity = 7, .n = TOY_PICTURES, .image = x};
    LimUniversal *u = lim_universal_new(&p, &in, NULL);
    g_assert_nonnull(u);
    return u;
}

static void
universal_seeds(GPtrArray *seeds, int method)
{
    g_autofree char *path = model_path("seed");
    LimVictim *victim;
    LimUniversal *u = universal(&victim, method);
    for (int i = 0; i < 6; i++) {
        g_assert_cmpint(lim_universal_checkpoint(u, path, NULL), ==, LIM_OK);
        fuzz_add_file(seeds, path);
        lim_task_step(lim_universal_task(u), exec(), NULL, NULL);
    }
    lim_task_free(lim_universal_task(u));
    lim_victim_free(victim);
}

static bool
universal_read(const guint8 *data, size_t size, int method, LimError *err)
{
    g_autofree char *path = model_path("mutated");
    fuzz_write(path, data, size);
    LimVictim *victim;
    LimUniversal *u = universal(&victim, method);
    const bool ok = lim_universal_resume(u, path, err) == LIM_OK;
    if (ok) {
        LimError step = LIM_ERROR_INIT;
        for (int i = 0; i < 3; i++)
            if (lim_task_step(lim_universal_task(u), exec(), NULL, &step) == LIM_STEP_FAILED)
                g_assert_cmpstr(step.text, !=, "");
        g_assert_cmpint(lim_universal_best_pass(u), <, lim_universal_passes(u));
    }
    lim_task_free(lim_universal_task(u));
    lim_victim_free(victim);
    return ok;
}

static void
universal_deepfool_seeds(GPtrArray *seeds)
{
    universal_seeds(seeds, LIM_UNIVERSAL_DEEPFOOL);
}

static bool
universal_deepfool_read(const guint8 *data, size_t size, LimError *err)
{
    return universal_read(data, size, LIM_UNIVERSAL_DEEPFOOL, err);
}

static void
universal_gradient_seeds(GPtrArray *seeds)
{
    universal_seeds(seeds, LIM_UNIVERSAL_GRADIENT);
}

static bool
universal_gradient_read(const guint8 *data, size_t size, LimError *err)
{
    return universal_read(data, size, LIM_UNIVERSAL_GRADIENT, err);
}

static const FuzzReader readers[] = {
    {"generator", generator_seeds, generator_read, fuzz_repair_safetensors},
    {"classifier", classifier_seeds, classifier_read, fuzz_repair_safetensors},
    {"denoiser", denoiser_seeds, denoiser_read, fuzz_repair_safetensors},
    {"features", features_seeds, features_read, fuzz_repair_safetensors},
    {"gan-checkpoint", gan_seeds, gan_read, fuzz_repair_safetensors, 10},
    {"classifier-checkpoint", classifier_checkpoint_seeds, classifier_checkpoint_read,
     fuzz_repair_safetensors, 10},
    {"denoiser-checkpoint", denoiser_checkpoint_seeds, denoiser_checkpoint_read,
     fuzz_repair_safetensors, 10},
    {"segmenter-checkpoint", segmenter_checkpoint_seeds, segmenter_checkpoint_read,
     fuzz_repair_safetensors, 10},
    {"detector-checkpoint", detector_checkpoint_seeds, detector_checkpoint_read,
     fuzz_repair_safetensors, 10},
    {"scene-net", scene_net_seeds, scene_net_read, fuzz_repair_safetensors},
    {"universal-deepfool", universal_deepfool_seeds, universal_deepfool_read,
     fuzz_repair_safetensors},
    {"universal-gradient", universal_gradient_seeds, universal_gradient_read,
     fuzz_repair_safetensors},
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
