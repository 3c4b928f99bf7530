/* Kind, settings and counters of checkpoints. Settings are compared as JSON values, because a file
 * that knows fewer of them than this program is still the same training when the others are at
 * their defaults. */
#include "train/checkpoint.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* {every setting, "model": {every setting}} */
static json_t *
settings(const LimCheckpoint *c)
{
    json_t *all = lim_params_to_json(c->schema, c->params);
    json_object_set_new(all, "model", lim_params_to_json(c->model_schema, c->model));
    return all;
}

static json_t *
defaults(const LimParamSpec *schema)
{
    size_t end = 0;
    for (const LimParamSpec *s = schema; s->name; s++)
        end = s->offset > end ? s->offset : end;
    void *params = lim_alloc(end + LIM_TEXT_MAX, 1);
    lim_params_init(schema, params);
    json_t *j = lim_params_to_json(schema, params);
    free(params);
    return j;
}

void
lim_settings_complete(json_t *have, const LimParamSpec *schema)
{
    json_t *d = defaults(schema);
    if (json_is_object(have))
        json_object_update_missing(have, d);
    json_decref(d);
}

LimStWriter *
lim_checkpoint_writer(const LimCheckpoint *c)
{
    LimStWriter *w = lim_st_writer_new();
    json_t *all = settings(c);
    char *text = json_dumps(all, JSON_COMPACT | JSON_PRESERVE_ORDER);
    lim_st_writer_metadata(w, "limen.checkpoint", c->kind);
    lim_st_writer_metadata(w, "limen.settings", text);
    free(text);
    json_decref(all);
    return w;
}

LimStatus
lim_settings_same(const char *path, json_t *have, json_t *need, LimError *err)
{
    const char *key;
    json_t *value;
    if (json_equal(have, need))
        return LIM_OK;
    json_object_foreach(need, key, value)
    {
        json_t *other = json_object_get(have, key);
        if (json_equal(value, other))
            continue;
        if (json_is_object(value) && json_is_object(other))
            return lim_settings_same(path, other, value, err);
        char *was = json_dumps(other, JSON_ENCODE_ANY), *is = json_dumps(value, JSON_ENCODE_ANY);
        lim_fail(err, LIM_E_PARAM,
                 "%s was written with other settings (%s was %.60s and is now %.60s); use those "
                 "again, or another file",
                 path, key, was ? was : "not there", is);
        free(was);
        free(is);
        return LIM_E_PARAM;
    }
    return lim_fail(err, LIM_E_PARAM,
                    "%s was written with settings that this program does not know; use the program "
                    "that wrote it, or another file",
                    path);
}

LimStFile *
lim_checkpoint_open(const LimCheckpoint *c, const char *path, LimError *err)
{
    LimStFile *f = lim_st_open(path, err);
    if (!f)
        return NULL;
    const char *kind = lim_st_metadata(f, "limen.checkpoint");
    const char *text = lim_st_metadata(f, "limen.settings");
    json_t *have = text ? json_loads(text, 0, NULL) : NULL, *need = settings(c);
    LimStatus status = LIM_OK;
    if (!kind || strcmp(kind, c->kind) != 0 || !json_is_object(have)) {
        status = lim_fail(err, LIM_E_FORMAT, "%s is not a checkpoint of %s", path, c->training);
    } else {
        lim_settings_complete(have, c->schema);
        lim_settings_complete(json_object_get(have, "model"), c->model_schema);
        status = lim_settings_same(path, have, need, err);
    }
    json_decref(have);
    json_decref(need);
    if (status == LIM_OK)
        return f;
    lim_st_free(f);
    return NULL;
}

LimStatus
lim_checkpoint_numbers(const LimStFile *f, const char *path, const char *name, LimType type, int n,
                       void *out, LimError *err)
{
    LimTensor *t = lim_st_get(f, name, err);
    if (!t)
        return err ? err->code : LIM_E_FORMAT;
    LimStatus status = LIM_OK;
    if (lim_tensor_type(t) != type || lim_tensor_size(t) != n)
        status = lim_checkpoint_lost(path, err);
    else
        memcpy(out, lim_tensor_data(t), (size_t)n * lim_type_size(type));
    lim_tensor_unref(t);
    return status;
}

LimStatus
lim_checkpoint_lost(const char *path, LimError *err)
{
    return lim_fail(err, LIM_E_FORMAT, "%s does not say how far the training was", path);
}
