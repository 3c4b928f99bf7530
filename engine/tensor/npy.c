/* .npy: a magic, a Python dictionary in ASCII, and the values.
 *
 * The dictionary is written by NumPy in one way, but the format only asks for a literal with three
 * keys; the small scanner here takes them in any order with any spacing, and nothing else. */
#include "tensor/npy.h"
#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)8 << 30)

static const char magic[6] = {'\x93', 'N', 'U', 'M', 'P', 'Y'};

static const struct {
    const char *descr;
    LimType type;
} types[] = {{"<f4", LIM_F32}, {"<f8", LIM_F64}, {"<i4", LIM_I32}, {"|u1", LIM_U8}};

typedef struct Scan {
    const char *p, *end;
} Scan;

static void
skip_space(Scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n'))
        s->p++;
}

static bool
take_char(Scan *s, char c)
{
    skip_space(s);
    if (s->p == s->end || *s->p != c)
        return false;
    s->p++;
    return true;
}

static bool
take_word(Scan *s, const char *word)
{
    size_t n = strlen(word);
    if (!take_char(s, word[0]) || (size_t)(s->end - s->p) < n - 1 || memcmp(s->p, word + 1, n - 1))
        return false;
    s->p += n - 1;
    return true;
}

/* 'text' or "text", at most size - 1 bytes. */
static bool
take_string(Scan *s, char *out, size_t size)
{
    char quote = take_char(s, '\'') ? '\'' : take_char(s, '"') ? '"' : 0;
    size_t n = 0;
    if (!quote)
        return false;
    while (s->p < s->end && *s->p != quote && n + 1 < size)
        out[n++] = *s->p++;
    out[n] = 0;
    return take_char(s, quote);
}

/* 0 .. 2^31 - 1. */
static bool
take_number(Scan *s, int32_t *out)
{
    int64_t v = -1;
    skip_space(s);
    for (; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++) {
        v = (v < 0 ? 0 : v) * 10 + (*s->p - '0');
        if (v > INT32_MAX)
            return false;
    }
    *out = (int32_t)v;
    return v >= 0;
}

typedef struct Head {
    char descr[16];
    bool fortran, too_many;
    LimShape shape;
    unsigned seen; /* a bit per key */
} Head;

static bool
take_shape(Scan *s, Head *h)
{
    if (!take_char(s, '('))
        return false;
    while (!take_char(s, ')')) {
        int32_t d;
        if (!take_number(s, &d))
            return false;
        if (h->shape.nd == LIM_MAX_DIM)
            h->too_many = true;
        else
            h->shape.d[h->shape.nd++] = d;
        if (!take_char(s, ',')) /* the last one may go without */
            return take_char(s, ')');
    }
    return true;
}

static bool
take_head(Scan *s, Head *h)
{
    if (!take_char(s, '{'))
        return false;
    bool more = true;
    while (more && !take_char(s, '}')) {
        char key[20];
        unsigned bit;
        if (!take_string(s, key, sizeof key) || !take_char(s, ':'))
            return false;
        if (strcmp(key, "descr") == 0) {
            bit = 1;
            if (!take_string(s, h->descr, sizeof h->descr))
                return false;
        } else if (strcmp(key, "fortran_order") == 0) {
            bit = 2;
            h->fortran = take_word(s, "True");
            if (!h->fortran && !take_word(s, "False"))
                return false;
        } else if (strcmp(key, "shape") == 0) {
            bit = 4;
            if (!take_shape(s, h))
                return false;
        } else {
            return false;
        }
        if (h->seen & bit)
            return false;
        h->seen |= bit;
        more = take_char(s, ',');
    }
    if (!more && !take_char(s, '}'))
        return false;
    skip_space(s); /* the padding */
    return h->seen == 7 && s->p == s->end;
}

LimTensor *
lim_npy_parse(const uint8_t *data, size_t size, const char *name, LimError *err)
{
    if (size < 10 || memcmp(data, magic, sizeof magic) != 0 || data[6] < 1 || data[6] > 3) {
        lim_fail(err, LIM_E_FORMAT, "%s is not a .npy file; write it with numpy.save()", name);
        return NULL;
    }
    size_t before = data[6] == 1 ? 10 : 12, length = data[8] | (size_t)data[9] << 8;
    if (data[6] > 1 && size >= 12)
        length |= (size_t)data[10] << 16 | (size_t)data[11] << 24;
    if (size < before || length > size - before) {
        lim_fail(err, LIM_E_FORMAT, "%s is cut short or damaged: its head claims %zu bytes", name,
                 length);
        return NULL;
    }
    Scan s = {(const char *)data + before, (const char *)data + before + length};
    Head h = {.seen = 0};
    if (!take_head(&s, &h)) {
        lim_fail(err, LIM_E_FORMAT, "%s has a damaged head; write it again with numpy.save()",
                 name);
        return NULL;
    }
    int kind = -1;
    for (int i = 0; i < (int)(sizeof types / sizeof *types); i++)
        if (strcmp(h.descr, types[i].descr) == 0)
            kind = i;
    if (kind < 0 || h.fortran || h.too_many) {
        lim_fail(
            err, LIM_E_UNSUPPORTED,
            "%s holds '%s'%s%s; only float32, float64, int32 and uint8 in C order with at most "
            "%d dimensions are read",
            name, h.descr, h.fortran ? " in Fortran order" : "",
            h.too_many ? " with more dimensions" : "", LIM_MAX_DIM);
        return NULL;
    }
    size_t room = size - before - length;
    if (lim_shape_valid(h.shape) &&
        (size_t)lim_shape_size(h.shape) * lim_type_size(types[kind].type) != room) {
        char text[64];
        lim_fail(err, LIM_E_FORMAT,
                 "%s is cut short or damaged: %s of '%s' are not the %zu bytes there", name,
                 lim_shape_text(h.shape, text), h.descr, room);
        return NULL;
    }
    LimTensor *t = lim_tensor_try_new(types[kind].type, h.shape, name, err);
    if (t)
        memcpy(lim_tensor_edit(t), data + before + length, room);
    return t;
}

LimTensor *
lim_npy_read(const char *path, LimError *err)
{
    uint8_t *data;
    size_t size;
    if (lim_file_read(path, FILE_MAX, &data, &size, err) != LIM_OK)
        return NULL;
    LimTensor *t = lim_npy_parse(data, size, path, err);
    free(data);
    return t;
}

LimStatus
lim_npy_write(const char *path, const LimTensor *t, LimError *err)
{
    LimShape s = lim_tensor_shape(t);
    char head[192], shape[64] = "";
    const char *descr = NULL;
    int at = 0;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].type == lim_tensor_type(t))
            descr = types[i].descr;
    for (int i = 0; i < s.nd; i++)
        at += snprintf(shape + at, sizeof shape - (size_t)at, i ? ", %d" : "%d", s.d[i]);
    int n = snprintf(head + 10, sizeof head - 10,
                     "{'descr': '%s', 'fortran_order': False, 'shape': (%s%s), }", descr, shape,
                     s.nd == 1 ? "," : "");
    /* Padded with spaces to a multiple of 64, a line feed last: the values are aligned when mapped.
     */
    int total = (10 + n + 1 + 63) / 64 * 64;
    LIM_ASSERT(descr && total <= (int)sizeof head);
    memset(head + 10 + n, ' ', (size_t)(total - 10 - n));
    head[total - 1] = '\n';
    memcpy(head, magic, sizeof magic);
    head[6] = 1;
    head[7] = 0;
    head[8] = (char)(total - 10);
    head[9] = (char)((total - 10) >> 8);
    LimFileWriter *w = lim_file_writer_new(path, err);
    if (!w)
        return LIM_E_IO;
    lim_file_writer_put(w, head, (size_t)total);
    lim_file_writer_put(w, lim_tensor_data(t),
                        (size_t)lim_tensor_size(t) * lim_type_size(lim_tensor_type(t)));
    return lim_file_writer_finish(w, err);
}

LimStatus
lim_npy_write_f32(const char *path, LimShape shape, const float *values, LimError *err)
{
    LimTensor *t = lim_tensor_new(LIM_F32, shape);
    memcpy(lim_tensor_edit(t), values, (size_t)lim_shape_size(shape) * sizeof *values);
    const LimStatus status = lim_npy_write(path, t, err);
    lim_tensor_unref(t);
    return status;
}
