/* Features: computing, cutting, files. */
#include "metrics/features.h"

#include "tensor/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 32

LimFeatures *
lim_features_new(int n, int size, int classes)
{
    LimFeatures *f = lim_alloc(1, sizeof *f);
    f->n = n;
    f->size = size;
    f->classes = classes;
    f->x = lim_alloc((size_t)n * (size_t)size, sizeof *f->x);
    f->probability = lim_alloc((size_t)n * (size_t)classes, sizeof *f->probability);
    f->label = lim_alloc((size_t)n, sizeof *f->label);
    return f;
}

void
lim_features_free(LimFeatures *f)
{
    if (!f)
        return;
    free(f->x);
    free(f->probability);
    free(f->label);
    free(f);
}

LimFeatures *
lim_features_class(const LimFeatures *f, int label)
{
    const size_t size = (size_t)f->size, classes = (size_t)f->classes;
    int n = 0;
    for (int i = 0; i < f->n; i++)
        n += f->label[i] == label;
    LimFeatures *c = lim_features_new(n, f->size, f->classes);
    memcpy(c->name, f->name, sizeof c->name);
    memcpy(c->split, f->split, sizeof c->split);
    if (!f->probability) {
        free(c->probability);
        c->probability = NULL;
    }
    size_t to = 0;
    for (size_t i = 0; i < (size_t)f->n; i++) {
        if (f->label[i] != label)
            continue;
        memcpy(c->x + to * size, f->x + i * size, size * sizeof *c->x);
        if (f->probability)
            memcpy(c->probability + to * classes, f->probability + i * classes,
                   classes * sizeof *c->probability);
        c->label[to++] = label;
    }
    return c;
}

/* ---- the task ----------------------------------------------------------------------------------
 */

typedef struct FeaturesTask {
    LimTask base;
    LimPredictor *c;
    const LimDataset *d;
    const uint32_t *index;
    float *pictures;
    LimFeatures *f;
    int done;
} FeaturesTask;

static LimStep
features_step(LimTask *task, const LimExec *exec, LimProgress *progress, LimError *err)
{
    FeaturesTask *t = (FeaturesTask *)task;
    LimFeatures *f = t->f;
    const int n = f->n - t->done < BATCH ? f->n - t->done : BATCH;
    uint32_t index[BATCH];
    for (int i = 0; i < n; i++)
        index[i] = t->index ? t->index[t->done + i] : (uint32_t)(t->done + i);
    lim_dataset_batch(t->d, index, n, lim_predictor_image_shape(t->c).d[1], t->pictures,
                      f->label + t->done);
    if (lim_predictor_judge(t->c, exec, t->pictures, n,
                            f->probability + (size_t)t->done * (size_t)f->classes,
                            f->x + (size_t)t->done * (size_t)f->size, err) != LIM_OK)
        return LIM_STEP_FAILED;
    t->done += n;
    if (progress) {
        progress->fraction = f->n ? (double)t->done / f->n : 1;
        snprintf(progress->text, sizeof progress->text, "features of %d of %d pictures", t->done,
                 f->n);
    }
    return t->done == f->n ? LIM_STEP_DONE : LIM_STEP_MORE;
}

static void
features_free(LimTask *task)
{
    FeaturesTask *t = (FeaturesTask *)task;
    lim_features_free(t->f);
    free(t->pictures);
    free(t);
}

static const LimTaskClass features_class = {"features", features_step, NULL, features_free};

LimTask *
lim_features_task_new(LimPredictor *c, const LimDataset *d, const uint32_t *index, int n,
                      LimError *err)
{
    const LimShape s = lim_predictor_image_shape(c);
    const int classes = lim_predictor_classes(c);
    if (d->c != s.d[0] || d->h > s.d[1] || d->w > s.d[2] || d->classes != classes) {
        lim_fail(err, LIM_E_SHAPE,
                 "the classifier knows %d classes of %dx%dx%d pictures, and the data has %d of "
                 "%dx%dx%d; choose two that belong together",
                 classes, s.d[0], s.d[1], s.d[2], d->classes, d->c, d->h, d->w);
        return NULL;
    }
    LIM_ASSERT(n >= 0 && (index || n <= d->n));
    FeaturesTask *t = lim_alloc(1, sizeof *t);
    t->base.klass = &features_class;
    t->c = c;
    t->d = d;
    t->index = index;
    t->pictures = lim_alloc((size_t)BATCH * (size_t)lim_shape_size(s), sizeof *t->pictures);
    t->f = lim_features_new(n, lim_predictor_features(c), classes);
    snprintf(t->f->name, sizeof t->f->name, "%s", d->name);
    snprintf(t->f->split, sizeof t->f->split, "%s", d->split);
    return &t->base;
}

LimFeatures *
lim_features_task_steal(LimTask *task)
{
    FeaturesTask *t = (FeaturesTask *)task;
    LimFeatures *f = t->f;
    t->f = NULL;
    return f;
}

/* ---- files -------------------------------------------------------------------------------------
 */

LimStatus
lim_features_save(const LimFeatures *f, const LimPredictor *c, const char *command,
                  const char *path, LimError *err)
{
    char hash[20];
    snprintf(hash, sizeof hash, "%016" PRIx64, lim_predictor_hash(c));
    json_t *about = json_pack("{s:s, s:s, s:s, s:i, s:s}", "classifier", hash, "data", f->name,
                              "split", f->split, "classes", f->classes, "command", command);
    char *text = json_dumps(about, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(about);
    uint8_t *label = lim_alloc((size_t)f->n, 1);
    for (int i = 0; i < f->n; i++)
        label[i] = (uint8_t)f->label[i];
    LimStWriter *w = lim_st_writer_new();
    lim_st_writer_metadata(w, "limen.features", text);
    lim_st_writer_add(w, "features", LIM_F32, LIM_SHAPE2(f->n, f->size), f->x, true);
    lim_st_writer_add(w, "label", LIM_U8, LIM_SHAPE1(f->n), label, false);
    const LimStatus status = lim_st_writer_finish(w, path, err);
    free(text);
    free(label);
    return status;
}

/* Every value is what a file of this classifier may hold? */
static LimStatus
check(const LimFeatures *f, const char *path, LimError *err)
{
    for (size_t i = 0; i < (size_t)f->n * (size_t)f->size; i++)
        if (!isfinite(f->x[i]))
            return lim_fail(err, LIM_E_FORMAT, "%s: a feature is not a finite number", path);
    for (int i = 0; i < f->n; i++)
        if (f->label[i] < 0 || f->label[i] >= f->classes)
            return lim_fail(err, LIM_E_FORMAT, "%s: there is no class %d", path, f->label[i]);
    return LIM_OK;
}

static LimFeatures *
read_tensors(const LimStFile *file, const LimPredictor *c, const char *path, LimError *err)
{
    LimTensor *x = lim_st_get(file, "features", err);
    LimTensor *label = x ? lim_st_get(file, "label", err) : NULL;
    LimFeatures *f = NULL;
    if (label) {
        const LimShape s = lim_tensor_shape(x), l = lim_tensor_shape(label);
        if (lim_tensor_type(x) != LIM_F32 || s.nd != 2 || s.d[1] != lim_predictor_features(c) ||
            lim_tensor_type(label) != LIM_U8 || l.nd != 1 || l.d[0] != s.d[0])
            lim_fail(err, LIM_E_FORMAT, "%s: the features have another shape than its classifier's",
                     path);
        else {
            const uint8_t *bytes = lim_tensor_data(label);
            f = lim_features_new(s.d[0], s.d[1], lim_predictor_classes(c));
            free(f->probability);
            f->probability = NULL;
            memcpy(f->x, lim_tensor_f32(x), (size_t)lim_tensor_size(x) * sizeof *f->x);
            for (int i = 0; i < f->n; i++)
                f->label[i] = bytes[i];
        }
    }
    lim_tensor_unref(x);
    lim_tensor_unref(label);
    if (f && check(f, path, err) != LIM_OK) {
        lim_features_free(f);
        f = NULL;
    }
    return f;
}

LimFeatures *
lim_features_load(const char *path, const LimPredictor *c, LimError *err)
{
    LimStFile *file = lim_st_open(path, err);
    if (!file)
        return NULL;
    const char *text = lim_st_metadata(file, "limen.features");
    json_t *about = text ? json_loads(text, 0, NULL) : NULL;
    const char *made = json_string_value(json_object_get(about, "classifier"));
    const char *name = json_string_value(json_object_get(about, "data"));
    const char *split = json_string_value(json_object_get(about, "split"));
    LimFeatures *f = NULL;
    char hash[20];
    snprintf(hash, sizeof hash, "%016" PRIx64, lim_predictor_hash(c));
    if (!made || !name || !split)
        lim_fail(err, LIM_E_FORMAT, "%s holds no features; `limen-cli features` writes such files",
                 path);
    else if (strcmp(made, hash) != 0)
        lim_fail(err, LIM_E_FORMAT,
                 "%s was made with another classifier; make it again with `limen-cli features`",
                 path);
    else
        f = read_tensors(file, c, path, err);
    if (f) {
        lim_text_clean(name, strlen(name), f->name, sizeof f->name);
        lim_text_clean(split, strlen(split), f->split, sizeof f->split);
    }
    json_decref(about);
    lim_st_free(file);
    return f;
}
