/* limen-cli info: what this build is and finds; what a file is. */
#include "cli.h"
#include "base/file.h"
#include "data/dataset.h"
#include "tensor/npy.h"
#include "tensor/png.h"
#include "tensor/safetensors.h"

#include <stdlib.h>
#include <string.h>

#define MAX_FILE ((size_t)1 << 30)

static json_t *
describe_data(const CliRun *run)
{
    static const char *const splits[] = {"train", "test"};
    json_t *data = json_object();
    for (int i = 0; i < 2; i++) {
        LimError err = LIM_ERROR_INIT;
        LimDataset *d = lim_dataset_open(cli_data(run), splits[i], &err);
        if (d) {
            char text[160];
            snprintf(text, sizeof text, "%s: %d pictures of %dx%dx%d in %d classes", d->name, d->n,
                     d->c, d->h, d->w, d->classes);
            json_object_set_new(data, splits[i], json_string(text));
        } else {
            json_object_set_new(data, splits[i], json_string(err.text));
        }
        lim_dataset_free(d);
    }
    return data;
}

static json_t *
describe_build(const CliRun *run)
{
    json_t *tables = json_array();
    for (const LimKernels *const *k = lim_kernels_all(); *k; k++)
        json_array_append_new(tables, json_string((*k)->name));
    return json_pack("{s:s, s:s, s:s, s:o, s:i, s:o}", "version", LIMEN_VERSION, "compiler",
                     __VERSION__, "kernels", run->exec.kernels->name, "kernels_available", tables,
                     "threads", lim_pool_threads(run->exec.pool), "data", describe_data(run));
}

/* Metadata that is a JSON object itself is shown as one. */
static json_t *
metadata_value(const char *text)
{
    json_t *object = json_loads(text, 0, NULL);
    if (json_is_object(object))
        return object;
    json_decref(object);
    return json_string(text);
}

/* The engine's reader has checked every length before this looks at the header again, for the types
 * and the metadata. */
static json_t *
describe_safetensors(const char *path, const uint8_t *bytes, size_t size, LimError *err)
{
    LimStFile *file = lim_st_parse(bytes, size, path, err);
    if (!file)
        return NULL;
    uint64_t length = 0;
    for (int i = 7; i >= 0; i--)
        length = length << 8 | bytes[i];
    json_t *header = json_loadb((const char *)bytes + 8, length, 0, NULL);
    json_t *tensors = json_array(), *metadata = json_object(), *value;
    const char *key;
    int64_t total = 0;
    for (size_t i = 0; i < lim_st_count(file); i++) {
        const char *name = lim_st_name(file, i);
        const json_t *dtype = json_object_get(json_object_get(header, name), "dtype");
        LimShape s = lim_st_shape(file, i);
        char shape[64];
        total += lim_shape_size(s);
        json_array_append_new(tensors, json_pack("{s:s, s:s, s:s}", "name", name, "type",
                                                 json_string_value(dtype), "shape",
                                                 s.nd ? lim_shape_text(s, shape) : "scalar"));
    }
    json_object_foreach(json_object_get(header, "__metadata__"), key, value)
        json_object_set_new(metadata, key, metadata_value(json_string_value(value)));
    json_t *result =
        json_pack("{s:s, s:I, s:I, s:I, s:o, s:o}", "kind", "safetensors", "bytes",
                  (json_int_t)size, "tensor_count", (json_int_t)lim_st_count(file), "values",
                  (json_int_t)total, "metadata", metadata, "tensors", tensors);
    json_decref(header);
    lim_st_free(file);
    return result;
}

static json_t *
describe_png(const char *path, const uint8_t *bytes, size_t size, LimError *err)
{
    LimPng *png = lim_png_parse(bytes, size, path, 0, err);
    if (!png)
        return NULL;
    json_t *texts = json_object();
    for (int i = 0; i < png->n_texts; i++)
        json_object_set_new(texts, png->texts[i].key, metadata_value(png->texts[i].value));
    json_t *result = json_pack("{s:s, s:I, s:i, s:i, s:i, s:i, s:o}", "kind", "png", "bytes",
                               (json_int_t)size, "width", png->image.w, "height", png->image.h,
                               "channels", png->channels, "bits", png->depth, "texts", texts);
    lim_png_free(png);
    return result;
}

static json_t *
describe_npy(const char *path, const uint8_t *bytes, size_t size, LimError *err)
{
    static const char *const types[] = {"float32", "float64", "int32", "uint8"};
    char shape[64];
    LimTensor *t = lim_npy_parse(bytes, size, path, err);
    if (!t)
        return NULL;
    json_t *result =
        json_pack("{s:s, s:I, s:s, s:s}", "kind", "npy", "bytes", (json_int_t)size, "type",
                  types[lim_tensor_type(t)], "shape", lim_shape_text(lim_tensor_shape(t), shape));
    lim_tensor_unref(t);
    return result;
}

static bool
begins(const uint8_t *bytes, size_t size, const char *magic)
{
    return size >= strlen(magic) && memcmp(bytes, magic, strlen(magic)) == 0;
}

static json_t *
describe_file(const char *path, LimError *err)
{
    uint8_t *bytes;
    size_t size;
    if (lim_file_read(path, MAX_FILE, &bytes, &size, err) != LIM_OK)
        return NULL;
    json_t *result;
    if (begins(bytes, size, "\x89PNG"))
        result = describe_png(path, bytes, size, err);
    else if (begins(bytes, size, "\x93NUMPY"))
        result = describe_npy(path, bytes, size, err);
    else
        result = describe_safetensors(path, bytes, size, err);
    free(bytes);
    return result;
}

static json_t *
run_info(CliRun *run, LimError *err)
{
    return run->args.n_operands ? describe_file(run->args.operand[0], err) : describe_build(run);
}

const CliCommand cli_info = {
    .name = "info",
    .summary = "Shows what this build runs on and which data it finds, or what a file holds",
    .operands = "[FILE]",
    .max_operands = 1,
    .run = run_info,
};
