/* The parameter store. Entries are few (hundreds), so a linear list with a search by name is
 * enough; building a graph touches each once. */
#include "nn/store.h"

#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Entry {
    char *name;
    LimShape shape;
    bool trained;
    float *data;
} Entry;

struct LimStore {
    uint64_t seed;
    Entry *entries;
    int n, cap;
    const LimStFile *source; /* where new entries come from, or NULL */
};

LimStore *
lim_store_new(uint64_t seed)
{
    LimStore *s = lim_alloc(1, sizeof *s);
    s->seed = seed;
    return s;
}

void
lim_store_free(LimStore *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->n; i++) {
        free(s->entries[i].name);
        free(s->entries[i].data);
    }
    free(s->entries);
    free(s);
}

int
lim_store_find(const LimStore *s, const char *name)
{
    for (int i = 0; i < s->n; i++)
        if (strcmp(s->entries[i].name, name) == 0)
            return i;
    return -1;
}

/* Rows of [rows][cols] with rows <= cols made orthonormal by modified Gram-Schmidt, twice for
 * accuracy. */
static void
orthonormal_rows(double *a, int rows, int cols)
{
    for (int i = 0; i < rows; i++)
        for (int pass = 0; pass < 2; pass++) {
            double norm = 0;
            for (int j = 0; j < i; j++) {
                double dot = 0;
                for (int k = 0; k < cols; k++)
                    dot += a[(size_t)i * cols + k] * a[(size_t)j * cols + k];
                for (int k = 0; k < cols; k++)
                    a[(size_t)i * cols + k] -= dot * a[(size_t)j * cols + k];
            }
            for (int k = 0; k < cols; k++)
                norm += a[(size_t)i * cols + k] * a[(size_t)i * cols + k];
            norm = 1 / sqrt(norm);
            for (int k = 0; k < cols; k++)
                a[(size_t)i * cols + k] *= norm;
        }
}

static void
fill(const LimStore *s, const char *name, LimShape shape, LimInit init, float *out)
{
    const size_t n = (size_t)lim_shape_size(shape);
    const uint64_t stream = lim_rng_stream(LIM_STREAM_INIT, name, 0);
    const int rows = shape.nd ? shape.d[0] : 1, cols = (int)(n / (size_t)rows);
    const double receptive = shape.nd == 4 ? (double)shape.d[2] * shape.d[3] : 1;
    switch (init.kind) {
    case LIM_INIT_ZERO:
        return; /* new memory is zeroed */
    case LIM_INIT_ONE:
        for (size_t i = 0; i < n; i++)
            out[i] = 1;
        return;
    case LIM_INIT_NORMAL:
    case LIM_INIT_HE: {
        const double std = init.kind == LIM_INIT_HE ? init.gain * sqrt(2.0 / cols) : init.gain;
        lim_rng_normal(s->seed, stream, 0, out, n);
        for (size_t i = 0; i < n; i++)
            out[i] = (float)(std * (double)out[i]);
        return;
    }
    case LIM_INIT_XAVIER: {
        const double a = init.gain * sqrt(6.0 / (cols + rows * receptive));
        lim_rng_uniform(s->seed, stream, 0, out, n);
        for (size_t i = 0; i < n; i++)
            out[i] = (float)(a * (2.0 * (double)out[i] - 1.0));
        return;
    }
    case LIM_INIT_UNIT:
    case LIM_INIT_ORTHOGONAL: {
        const bool unit = init.kind == LIM_INIT_UNIT;
        const int r = unit ? 1 : rows, c = unit ? (int)n : cols;
        const bool tall = r > c; /* then the columns are made orthonormal */
        const int a = tall ? c : r, b = tall ? r : c;
        double *m = lim_alloc((size_t)a * (size_t)b, sizeof *m);
        lim_rng_normal(s->seed, stream, 0, out, n);
        for (size_t i = 0; i < n; i++)
            m[i] = (double)out[i];
        orthonormal_rows(m, a, b);
        for (int i = 0; i < a; i++)
            for (int j = 0; j < b; j++)
                out[tall ? (size_t)j * c + i : (size_t)i * c + j] =
                    (float)((unit ? 1 : init.gain) * m[(size_t)i * b + j]);
        free(m);
        return;
    }
    }
}

static size_t
entry_bytes(const Entry *e)
{
    return (size_t)lim_shape_size(e->shape) * sizeof(float);
}

/* A tensor of a file, if it is float and has this shape. */
static LimTensor *
file_values(const LimStFile *f, const char *name, LimShape shape, LimError *err)
{
    LimTensor *t = lim_st_get(f, name, err);
    if (!t || (lim_tensor_type(t) == LIM_F32 && lim_shape_equal(lim_tensor_shape(t), shape)))
        return t;
    char have[64], need[64];
    lim_fail(err, LIM_E_FORMAT, "%s is %s in the file, but the network needs %s", name,
             lim_shape_text(lim_tensor_shape(t), have), lim_shape_text(shape, need));
    lim_tensor_unref(t);
    return NULL;
}

float *
lim_store_entry(LimStore *s, const char *name, LimShape shape, LimInit init, bool trained,
                LimError *err)
{
    const int at = lim_store_find(s, name);
    if (at >= 0) {
        if (lim_shape_equal(s->entries[at].shape, shape))
            return s->entries[at].data;
        char have[64], need[64];
        lim_fail(err, LIM_E_SHAPE, "%s is %s, but this network needs %s", name,
                 lim_shape_text(s->entries[at].shape, have), lim_shape_text(shape, need));
        return NULL;
    }
    LimTensor *given = NULL;
    if (s->source && !(given = file_values(s->source, name, shape, err)))
        return NULL;
    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 64;
        s->entries = realloc(s->entries, (size_t)s->cap * sizeof *s->entries);
        LIM_ASSERT(s->entries);
    }
    Entry *e = &s->entries[s->n++];
    *e = (Entry){lim_strdup(name), shape, trained,
                 lim_alloc((size_t)lim_shape_size(shape), sizeof(float))};
    if (given)
        memcpy(e->data, lim_tensor_f32(given), entry_bytes(e));
    else
        fill(s, name, shape, init, e->data);
    lim_tensor_unref(given);
    return e->data;
}

void
lim_store_source(LimStore *s, const LimStFile *f)
{
    s->source = f;
}

int
lim_store_count(const LimStore *s)
{
    return s->n;
}

const char *
lim_store_name(const LimStore *s, int i)
{
    return s->entries[i].name;
}

LimShape
lim_store_shape(const LimStore *s, int i)
{
    return s->entries[i].shape;
}

bool
lim_store_trained(const LimStore *s, int i)
{
    return s->entries[i].trained;
}

float *
lim_store_data(LimStore *s, int i)
{
    return s->entries[i].data;
}

int64_t
lim_store_parameters(const LimStore *s)
{
    int64_t n = 0;
    for (int i = 0; i < s->n; i++)
        n += s->entries[i].trained ? lim_shape_size(s->entries[i].shape) : 0;
    return n;
}

LimStore *
lim_store_dup(const LimStore *s)
{
    LimStore *d = lim_store_new(s->seed);
    for (int i = 0; i < s->n; i++) {
        const Entry *e = &s->entries[i];
        float *data =
            lim_store_entry(d, e->name, e->shape, (LimInit){LIM_INIT_ZERO, 0}, e->trained, NULL);
        memcpy(data, e->data, entry_bytes(e));
    }
    return d;
}

void
lim_store_copy(LimStore *to, const LimStore *from)
{
    LIM_ASSERT(to->n == from->n);
    for (int i = 0; i < to->n; i++) {
        LIM_ASSERT(strcmp(to->entries[i].name, from->entries[i].name) == 0);
        memcpy(to->entries[i].data, from->entries[i].data, entry_bytes(&to->entries[i]));
    }
}

uint64_t
lim_store_hash(const LimStore *s)
{
    uint64_t h = LIM_HASH_BEGIN;
    for (int i = 0; i < s->n; i++) {
        h = lim_hash(h, s->entries[i].name, strlen(s->entries[i].name) + 1);
        h = lim_hash(h, s->entries[i].data, entry_bytes(&s->entries[i]));
    }
    return h;
}

void
lim_store_write(LimStore *s, LimStWriter *w, const char *prefix, bool as_f16)
{
    for (int i = 0; i < s->n; i++) {
        char name[256];
        snprintf(name, sizeof name, "%s%s", prefix, s->entries[i].name);
        lim_st_writer_add(w, name, LIM_F32, s->entries[i].shape, s->entries[i].data, as_f16);
    }
}

LimStatus
lim_store_read(LimStore *s, const LimStFile *f, const char *prefix, LimError *err)
{
    for (int i = 0; i < s->n; i++) {
        Entry *e = &s->entries[i];
        char name[256];
        snprintf(name, sizeof name, "%s%s", prefix, e->name);
        LimTensor *t = file_values(f, name, e->shape, err);
        if (!t)
            return err ? err->code : LIM_E_FORMAT;
        memcpy(e->data, lim_tensor_f32(t), entry_bytes(e));
        lim_tensor_unref(t);
    }
    return LIM_OK;
}
