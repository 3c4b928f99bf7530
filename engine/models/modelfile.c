/* Reading and writing the description in a model file. */
#include "models/modelfile.h"

#include "tensor/text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CLASSES 1000

static void
put_json(LimStWriter *w, const char *key, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_PRESERVE_ORDER);
    LIM_ASSERT(text);
    lim_st_writer_metadata(w, key, text);
    free(text);
    json_decref(value);
}

LimStatus
lim_modelfile_save(const char *path, const LimModelInfo *info, LimStore *store, bool as_f16,
                   LimError *err)
{
    LimStWriter *w = lim_st_writer_new();
    lim_st_writer_metadata(w, "format", "pt");
    lim_st_writer_metadata(w, "limen.model", info->model);
    put_json(w, "limen.params", lim_params_to_json(info->schema, info->params));
    json_t *names = json_array();
    for (int i = 0; i < info->classes; i++)
        json_array_append_new(names, json_string(info->class_names[i]));
    put_json(w, "limen.classes", names);
    if (info->training)
        lim_st_writer_metadata(w, "limen.training", info->training);
    lim_store_write(store, w, "", as_f16);
    return lim_st_writer_finish(w, path, err);
}

/* The class names: at most MAX_CLASSES strings. */
static LimStatus
read_classes(LimModelFile *f, LimError *err)
{
    const char *text = lim_st_metadata(f->st, "limen.classes");
    json_t *names = text ? json_loads(text, 0, NULL) : NULL;
    LimStatus status = LIM_OK;
    const size_t n = json_array_size(names);
    if (!json_is_array(names) || n < 1 || n > MAX_CLASSES) {
        status = lim_fail(err, LIM_E_FORMAT, "the model file lists no class names; train it again");
    } else {
        f->classes = (int)n;
        f->class_names = lim_alloc(n, sizeof *f->class_names);
        for (size_t i = 0; i < n; i++) {
            const char *s = json_string_value(json_array_get(names, i));
            lim_text_clean(s ? s : "?", s ? strlen(s) : 1, f->class_names[i],
                           sizeof f->class_names[i]);
        }
    }
    json_decref(names);
    return status;
}

static LimModelFile *
open_st(LimStFile *st, const char *name, LimError *err)
{
    if (!st)
        return NULL;
    LimModelFile *f = lim_alloc(1, sizeof *f);
    f->st = st;
    const char *model = lim_st_metadata(st, "limen.model");
    if (!model) {
        lim_fail(err, LIM_E_FORMAT,
                 "%s holds tensors but does not say which model they belong to; choose a file "
                 "written by limen-cli train",
                 name);
        lim_modelfile_free(f);
        return NULL;
    }
    snprintf(f->model, sizeof f->model, "%s", model);
    if (read_classes(f, err) != LIM_OK) {
        lim_modelfile_free(f);
        return NULL;
    }
    const char *training = lim_st_metadata(st, "limen.training");
    f->training = training ? lim_strdup(training) : NULL;
    return f;
}

LimModelFile *
lim_modelfile_open(const char *path, LimError *err)
{
    return open_st(lim_st_open(path, err), path, err);
}

LimModelFile *
lim_modelfile_parse(const uint8_t *data, size_t size, const char *name, LimError *err)
{
    return open_st(lim_st_parse(data, size, name, err), name, err);
}

void
lim_modelfile_free(LimModelFile *f)
{
    if (!f)
        return;
    lim_st_free(f->st);
    free(f->class_names);
    free(f->training);
    free(f);
}

LimStatus
lim_modelfile_params(const LimModelFile *f, const char *model, const LimParamSpec *schema,
                     void *params, LimError *err)
{
    if (strcmp(f->model, model) != 0)
        return lim_fail(err, LIM_E_FORMAT, "this is a %s, but a %s is needed here", f->model,
                        model);
    const char *text = lim_st_metadata(f->st, "limen.params");
    json_t *object = text ? json_loads(text, 0, NULL) : NULL;
    lim_params_init(schema, params);
    LimStatus status;
    if (!json_is_object(object))
        status = lim_fail(err, LIM_E_FORMAT, "the model file does not describe its architecture");
    else
        status = lim_params_from_json(schema, params, object, err);
    json_decref(object);
    return status;
}
