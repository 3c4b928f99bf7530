/* safetensors files, read as if somebody wanted to break the reader.
 *
 * The whole file is in memory before anything is believed, so no length can reach past it. The
 * header goes through jansson (which checks UTF-8, nesting and duplicate keys); then every entry
 * must have a known dtype, a shape with one to four positive dimensions (or none: a scalar), and a
 * byte range that is exactly as long as dtype and shape say. Sorted by position the ranges must
 * tile the data without gap or overlap, as the format demands; this also rules out a small file
 * that expands into many tensors sharing the same bytes.
 *
 * The writer sorts the data by element size, largest first, so that every tensor is naturally
 * aligned in a file that is mapped, and lists the names in the order they were added. */
#include "tensor/safetensors.h"
#include "tensor/half.h"
#include "base/file.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX   ((size_t)8 << 30)
#define HEADER_MAX ((size_t)16 << 20) /* JSON grows some 20-fold as a tree */

typedef enum Kind { K_F32, K_F16, K_F64, K_I32, K_U8, K_I64, K_OTHER } Kind;

static const struct {
    const char *dtype;
    size_t size;
    Kind kind;
    LimType type; /* what lim_st_get() makes of it */
} kinds[] = {
    {"F32", 4, K_F32, LIM_F32},   {"F16", 2, K_F16, LIM_F32},      {"F64", 8, K_F64, LIM_F64},
    {"I32", 4, K_I32, LIM_I32},   {"U8", 1, K_U8, LIM_U8},         {"I64", 8, K_I64, LIM_I32},
    {"BF16", 2, K_OTHER, LIM_U8}, {"BOOL", 1, K_OTHER, LIM_U8},    {"I8", 1, K_OTHER, LIM_U8},
    {"I16", 2, K_OTHER, LIM_U8},  {"U16", 2, K_OTHER, LIM_U8},     {"U32", 4, K_OTHER, LIM_U8},
    {"U64", 8, K_OTHER, LIM_U8},  {"F8_E4M3", 1, K_OTHER, LIM_U8}, {"F8_E5M2", 1, K_OTHER, LIM_U8},
};

typedef struct Entry {
    const char *name; /* belongs to the JSON tree */
    int kind;         /* index into kinds */
    LimShape shape;
    size_t begin, end; /* bytes behind the header */
} Entry;

struct LimStFile {
    uint8_t *bytes; /* owned: the file */
    const uint8_t *data;
    char *name; /* of the file, for error texts */
    json_t *header;
    json_t *metadata; /* borrowed from header, or NULL */
    size_t count;
    Entry *entries; /* in the order of the header */
};

void
lim_st_free(LimStFile *f)
{
    if (!f)
        return;
    json_decref(f->header);
    free(f->entries);
    free(f->name);
    free(f->bytes);
    free(f);
}

/* A whole number within [0, max], or false. */
static bool
whole(const json_t *v, json_int_t max, json_int_t *out)
{
    if (!json_is_integer(v))
        return false;
    *out = json_integer_value(v);
    return *out >= 0 && *out <= max;
}

static bool
parse_entry(const LimStFile *f, const char *name, json_t *v, size_t data_size, Entry *e,
            LimError *err)
{
    const char *file = f->name;
    const char *dtype = json_string_value(json_object_get(v, "dtype"));
    json_t *shape = json_object_get(v, "shape"), *range = json_object_get(v, "data_offsets");
    if (!dtype || !json_is_array(shape) || !json_is_array(range) || json_array_size(range) != 2) {
        lim_fail(err, LIM_E_FORMAT,
                 "%s: tensor '%.60s' lacks a dtype, a shape or two data offsets; the "
                 "file is damaged or not a safetensors file",
                 file, name);
        return false;
    }
    e->name = name;
    e->kind = -1;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(dtype, kinds[i].dtype) == 0)
            e->kind = (int)i;
    if (e->kind < 0) {
        lim_fail(err, LIM_E_UNSUPPORTED,
                 "%s: tensor '%.60s' has the unknown dtype '%.20s'; save it as F32", file, name,
                 dtype);
        return false;
    }
    size_t nd = json_array_size(shape);
    if (nd > LIM_MAX_DIM) {
        lim_fail(err, LIM_E_UNSUPPORTED,
                 "%s: tensor '%.60s' has %zu dimensions; at most %d can be read", file, name, nd,
                 LIM_MAX_DIM);
        return false;
    }
    e->shape.nd = (int32_t)nd;
    for (size_t i = 0; i < nd; i++) {
        json_int_t d;
        if (!whole(json_array_get(shape, i), INT32_MAX, &d)) {
            lim_fail(err, LIM_E_FORMAT,
                     "%s: tensor '%.60s' has a dimension that is not a whole number "
                     "below 2^31; the file is damaged",
                     file, name);
            return false;
        }
        e->shape.d[i] = (int32_t)d;
    }
    if (!lim_shape_valid(e->shape)) {
        char text[64];
        lim_fail(err, LIM_E_SHAPE,
                 "%s: tensor '%.60s' has the shape %s; every dimension must be at least "
                 "1 and the product at most %lld",
                 file, name, lim_shape_text(e->shape, text), (long long)LIM_MAX_ELEMENTS);
        return false;
    }
    json_int_t begin, end;
    if (!whole(json_array_get(range, 0), (json_int_t)data_size, &begin) ||
        !whole(json_array_get(range, 1), (json_int_t)data_size, &end) || end < begin) {
        lim_fail(err, LIM_E_FORMAT,
                 "%s: tensor '%.60s' lies outside the %zu data bytes of the file; the "
                 "file is cut short or damaged",
                 file, name, data_size);
        return false;
    }
    e->begin = (size_t)begin;
    e->end = (size_t)end;
    size_t want = (size_t)lim_shape_size(e->shape) * kinds[e->kind].size;
    if (e->end - e->begin != want) {
        char text[64];
        lim_fail(err, LIM_E_FORMAT,
                 "%s: tensor '%.60s' has %zu bytes, but %s of %s needs %zu; the file "
                 "is damaged",
                 file, name, e->end - e->begin, lim_shape_text(e->shape, text), dtype, want);
        return false;
    }
    return true;
}

static int
by_position(const void *a, const void *b)
{
    const Entry *x = *(const Entry *const *)a, *y = *(const Entry *const *)b;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

static bool
check_tiling(const LimStFile *f, size_t data_size, LimError *err)
{
    const Entry **order = lim_alloc(f->count + 1, sizeof *order);
    for (size_t i = 0; i < f->count; i++)
        order[i] = &f->entries[i];
    if (f->count)
        qsort(order, f->count, sizeof *order, by_position);
    size_t at = 0;
    bool ok = true;
    for (size_t i = 0; ok && i < f->count; i++) {
        ok = order[i]->begin == at;
        at = order[i]->end;
        if (!ok) {
            lim_fail(err, LIM_E_FORMAT,
                     "%s: tensor '%.60s' overlaps another one or leaves a gap before "
                     "it; the file is damaged",
                     f->name, order[i]->name);
        }
    }
    free(order);
    if (ok && at != data_size) {
        lim_fail(err, LIM_E_FORMAT, "%s: %zu bytes belong to no tensor; the file is damaged",
                 f->name, data_size - at);
        ok = false;
    }
    return ok;
}

static bool
parse(LimStFile *f, size_t size, LimError *err)
{
    if (size < 8) {
        lim_fail(err, LIM_E_FORMAT, "%s has %zu bytes; a safetensors file has at least 10", f->name,
                 size);
        return false;
    }
    uint64_t length;
    memcpy(&length, f->bytes, 8);
    if (length > size - 8 || length > HEADER_MAX) {
        lim_fail(err, LIM_E_FORMAT,
                 "%s: the header claims %llu bytes, the file has %zu (and at most "
                 "%zu are read); the file is cut short or not a safetensors file",
                 f->name, (unsigned long long)length, size - 8, HEADER_MAX);
        return false;
    }
    json_error_t where;
    f->header =
        json_loadb((const char *)f->bytes + 8, (size_t)length, JSON_REJECT_DUPLICATES, &where);
    if (!json_is_object(f->header)) {
        lim_fail(err, LIM_E_FORMAT,
                 "%s: the header is not a JSON object (byte %d); the file is "
                 "damaged or not a safetensors file",
                 f->name, f->header ? 0 : where.position);
        return false;
    }
    f->data = f->bytes + 8 + length;
    size_t data_size = size - 8 - (size_t)length;
    f->entries = lim_alloc(json_object_size(f->header) + 1, sizeof *f->entries);
    const char *key;
    json_t *value;
    json_object_foreach(f->header, key, value)
    {
        if (strcmp(key, "__metadata__") == 0) {
            const char *k;
            json_t *v;
            f->metadata = value;
            bool strings = json_is_object(value);
            json_object_foreach(value, k, v) strings = strings && json_is_string(v);
            if (!strings) {
                lim_fail(err, LIM_E_FORMAT,
                         "%s: __metadata__ is not a map of strings; the file is "
                         "damaged",
                         f->name);
                return false;
            }
        } else if (parse_entry(f, key, value, data_size, &f->entries[f->count], err)) {
            f->count++;
        } else {
            return false;
        }
    }
    return check_tiling(f, data_size, err);
}

/* Takes bytes (malloc'd). */
static LimStFile *
take(uint8_t *bytes, size_t size, const char *name, LimError *err)
{
    LimStFile *f = lim_alloc(1, sizeof *f);
    f->bytes = bytes;
    f->name = lim_strdup(name);
    if (parse(f, size, err))
        return f;
    lim_st_free(f);
    return NULL;
}

LimStFile *
lim_st_parse(const uint8_t *data, size_t size, const char *name, LimError *err)
{
    /* Exactly as large as the file, so that a memory checker sees the first byte read behind it. */
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy) {
        lim_fail(err, LIM_E_NOMEM, "not enough memory for %s (%zu bytes)", name, size);
        return NULL;
    }
    if (size)
        memcpy(copy, data, size);
    return take(copy, size, name, err);
}

LimStFile *
lim_st_open(const char *path, LimError *err)
{
    uint8_t *bytes;
    size_t size;
    if (lim_file_read(path, FILE_MAX, &bytes, &size, err) != LIM_OK)
        return NULL;
    return take(bytes, size, path, err);
}

size_t
lim_st_count(const LimStFile *f)
{
    return f->count;
}

const char *
lim_st_name(const LimStFile *f, size_t i)
{
    LIM_ASSERT(i < f->count);
    return f->entries[i].name;
}

LimShape
lim_st_shape(const LimStFile *f, size_t i)
{
    LIM_ASSERT(i < f->count);
    return f->entries[i].shape;
}

const char *
lim_st_metadata(const LimStFile *f, const char *key)
{
    return json_string_value(json_object_get(f->metadata, key));
}

LimTensor *
lim_st_get(const LimStFile *f, const char *name, LimError *err)
{
    char what[80];
    const Entry *e = NULL;
    for (size_t i = 0; i < f->count && !e; i++)
        if (strcmp(f->entries[i].name, name) == 0)
            e = &f->entries[i];
    if (!e) {
        lim_fail(err, LIM_E_FORMAT,
                 "%s holds no tensor '%.60s'; it was written for another network", f->name, name);
        return NULL;
    }
    if (kinds[e->kind].kind == K_OTHER) {
        lim_fail(err, LIM_E_UNSUPPORTED,
                 "%s: tensor '%.60s' has the dtype %s, which cannot be read here; "
                 "save it as F32",
                 f->name, name, kinds[e->kind].dtype);
        return NULL;
    }
    snprintf(what, sizeof what, "tensor '%.60s'", name);
    LimTensor *t = lim_tensor_try_new(kinds[e->kind].type, e->shape, what, err);
    if (!t)
        return NULL;
    const uint8_t *src = f->data + e->begin;
    size_t n = (size_t)lim_shape_size(e->shape);
    if (kinds[e->kind].kind == K_F16) {
        lim_half_widen(src, lim_tensor_edit(t), n);
    } else if (kinds[e->kind].kind == K_I64) {
        int32_t *dst = lim_tensor_edit(t);
        for (size_t i = 0; i < n; i++) {
            int64_t v;
            memcpy(&v, src + 8 * i, 8);
            if (v < INT32_MIN || v > INT32_MAX) {
                lim_fail(err, LIM_E_UNSUPPORTED,
                         "%s: tensor '%.60s' holds %lld, which does not fit 32 "
                         "bits",
                         f->name, name, (long long)v);
                lim_tensor_unref(t);
                return NULL;
            }
            dst[i] = (int32_t)v;
        }
    } else {
        memcpy(lim_tensor_edit(t), src, e->end - e->begin);
    }
    return t;
}

typedef struct Item {
    char *name;
    LimType type;
    LimShape shape;
    const void *data;
    bool f16;
    size_t begin; /* where the data starts, behind the header */
} Item;

struct LimStWriter {
    json_t *metadata;
    Item *items;
    size_t count, room;
    LimError error; /* the first thing that went wrong; reported by finish */
};

LimStWriter *
lim_st_writer_new(void)
{
    LimStWriter *w = lim_alloc(1, sizeof *w);
    w->metadata = json_object();
    return w;
}

void
lim_st_writer_metadata(LimStWriter *w, const char *key, const char *value)
{
    if (json_object_set_new(w->metadata, key, json_string(value)) != 0) {
        lim_fail(&w->error, LIM_E_PARAM, "the metadata '%.60s' is not valid UTF-8 text", key);
    }
}

void
lim_st_writer_add(LimStWriter *w, const char *name, LimType type, LimShape shape, const void *data,
                  bool as_f16)
{
    LIM_ASSERT(lim_shape_valid(shape) && (!as_f16 || type == LIM_F32));
    if (w->count == w->room) {
        w->room = w->room ? 2 * w->room : 64;
        Item *bigger = lim_alloc(w->room, sizeof *bigger);
        if (w->count)
            memcpy(bigger, w->items, w->count * sizeof *bigger);
        free(w->items);
        w->items = bigger;
    }
    w->items[w->count] = (Item){lim_strdup(name), type, shape, data, as_f16, 0};
    w->count++;
}

static size_t
item_element(const Item *it)
{
    return it->f16 ? 2 : lim_type_size(it->type);
}

static int
by_element(const void *a, const void *b)
{
    const Item *x = *(Item *const *)a, *y = *(Item *const *)b;
    size_t sx = item_element(x), sy = item_element(y);
    if (sx != sy)
        return sx < sy ? 1 : -1;
    return (x > y) - (x < y); /* one array: as added */
}

static const char *
item_dtype(const Item *it)
{
    switch (it->type) {
    case LIM_F32:
        return it->f16 ? "F16" : "F32";
    case LIM_F64:
        return "F64";
    case LIM_I32:
        return "I32";
    case LIM_U8:
        return "U8";
    }
    LIM_ASSERT(!"a LimType");
    return NULL;
}

/* The JSON header with its length before it, padded with spaces to a multiple of eight bytes. */
static char *
make_header(LimStWriter *w, size_t *size)
{
    json_t *root = json_object();
    if (json_object_size(w->metadata))
        json_object_set(root, "__metadata__", w->metadata);
    for (size_t i = 0; i < w->count; i++) {
        const Item *it = &w->items[i];
        size_t bytes = (size_t)lim_shape_size(it->shape) * item_element(it);
        json_t *shape = json_array();
        for (int d = 0; d < it->shape.nd; d++)
            json_array_append_new(shape, json_integer(it->shape.d[d]));
        json_t *entry =
            json_pack("{s:s, s:o, s:[I, I]}", "dtype", item_dtype(it), "shape", shape,
                      "data_offsets", (json_int_t)it->begin, (json_int_t)(it->begin + bytes));
        LIM_ASSERT(entry && !json_object_get(root, it->name)); /* names are unique */
        if (json_object_set_new(root, it->name, entry) != 0) {
            lim_fail(&w->error, LIM_E_PARAM, "the tensor name '%.60s' is not valid UTF-8 text",
                     it->name);
        }
    }
    size_t length = json_dumpb(root, NULL, 0, JSON_COMPACT);
    size_t padded = (length + 7) / 8 * 8;
    char *out = lim_alloc(8 + padded, 1);
    uint64_t le = padded;
    memcpy(out, &le, 8);
    memset(out + 8, ' ', padded);
    json_dumpb(root, out + 8, length, JSON_COMPACT);
    json_decref(root);
    *size = 8 + padded;
    return out;
}

static void
put_f16(LimStWriter *w, LimFileWriter *out, const Item *it)
{
    uint16_t half[4096];
    const float *src = it->data;
    size_t n = (size_t)lim_shape_size(it->shape);
    for (size_t i = 0; i < n; i += 4096) {
        size_t m = n - i < 4096 ? n - i : 4096;
        for (size_t k = 0; k < m; k++) {
            half[k] = lim_half_from_f32(src[i + k]);
            if ((half[k] & 0x7fff) == 0x7c00 && isfinite(src[i + k])) {
                lim_fail(&w->error, LIM_E_NUMERIC,
                         "tensor '%.60s' holds %g, too large for float16 (at "
                         "most 65504); store it as float32",
                         it->name, (double)src[i + k]);
            }
        }
        lim_file_writer_put(out, half, 2 * m);
    }
}

LimStatus
lim_st_writer_finish(LimStWriter *w, const char *path, LimError *err)
{
    Item **placed = lim_alloc(w->count + 1, sizeof *placed);
    for (size_t i = 0; i < w->count; i++)
        placed[i] = &w->items[i];
    if (w->count)
        qsort(placed, w->count, sizeof *placed, by_element);
    size_t at = 0;
    for (size_t i = 0; i < w->count; i++) {
        placed[i]->begin = at;
        at += (size_t)lim_shape_size(placed[i]->shape) * item_element(placed[i]);
    }
    size_t head_size;
    char *head = make_header(w, &head_size);
    LimFileWriter *out = NULL;
    if (w->error.code == LIM_OK)
        out = lim_file_writer_new(path, &w->error);
    if (out) {
        lim_file_writer_put(out, head, head_size);
        for (size_t i = 0; i < w->count; i++) {
            const Item *it = placed[i];
            if (it->f16)
                put_f16(w, out, it);
            else
                lim_file_writer_put(out, it->data,
                                    (size_t)lim_shape_size(it->shape) * lim_type_size(it->type));
        }
        if (w->error.code == LIM_OK)
            lim_file_writer_finish(out, &w->error);
        else
            lim_file_writer_abandon(out);
    }
    LimStatus status = w->error.code;
    if (status != LIM_OK)
        lim_fail(err, status, "%s", w->error.text);
    for (size_t i = 0; i < w->count; i++)
        free(w->items[i].name);
    free(placed);
    free(w->items);
    free(head);
    json_decref(w->metadata);
    free(w);
    return status;
}
