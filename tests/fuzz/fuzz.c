/* The driver: mutations, and what is asserted about every run. */
#include "fuzz.h"
#include "base/rng.h"

#include <glib/gstdio.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

typedef struct Dice {
    guint64 stream, at;
} Dice;

static guint32
roll(Dice *d, size_t below)
{
    return lim_rng_below(1, d->stream, d->at++, (guint32)MAX(below, 1));
}

/* Numbers at which size arithmetic goes wrong. */
static guint64
nasty(Dice *d, size_t size)
{
    static const guint64 list[] = {0,
                                   1,
                                   0x7f,
                                   0x80,
                                   0xff,
                                   0x7fff,
                                   0x8000,
                                   0xffff,
                                   0x10000,
                                   0x7fffffff,
                                   0x80000000,
                                   0xffffffff,
                                   0x100000000,
                                   0x7fffffffffffffff,
                                   0x8000000000000000,
                                   0xffffffffffffffff,
                                   0xfffffffffffffff8};
    guint32 k = roll(d, G_N_ELEMENTS(list) + 4);
    if (k < G_N_ELEMENTS(list))
        return list[k];
    k -= (guint32)G_N_ELEMENTS(list);
    return k == 0 ? size : k == 1 ? size - 1 : k == 2 ? size + 1 : roll(d, size);
}

/* Pieces of the texts that heads are made of. */
static const char *const words[] = {"0",
                                    "-1",
                                    "1e999",
                                    "2147483647",
                                    "2147483648",
                                    "4294967296",
                                    "99999999999999999999",
                                    "null",
                                    "true",
                                    "[]",
                                    "{}",
                                    "[",
                                    "{",
                                    "]",
                                    "}",
                                    ",",
                                    ":",
                                    "\"",
                                    "'",
                                    "(",
                                    ")",
                                    "\\u0000",
                                    "\\ud800",
                                    "\xff",
                                    "__metadata__",
                                    "F16",
                                    "I64",
                                    "<f8",
                                    "True",
                                    "\"data_offsets\":[0,4]",
                                    "'shape': (1,)"};

static void
replace(GByteArray *f, size_t at, size_t remove, const void *insert, size_t n)
{
    g_autofree guint8 *tail = g_memdup2(f->data + at + remove, f->len - at - remove);
    size_t rest = f->len - at - remove;
    g_byte_array_set_size(f, (guint)(at + n + rest));
    if (n)
        memcpy(f->data + at, insert, n);
    if (rest)
        memcpy(f->data + at + n, tail, rest);
}

static void
mutate(GByteArray *f, const GByteArray *other, Dice *d)
{
    size_t at = roll(d, f->len), room = f->len - at;
    switch (roll(d, 11)) {
    case 0: /* a bit */
        if (room)
            f->data[at] ^= (guint8)(1u << roll(d, 8));
        break;
    case 1: /* a byte */
        if (room)
            f->data[at] = (guint8)roll(d, 256);
        break;
    case 2: /* several bytes near each other */
        for (guint32 i = 0, n = roll(d, 8); i < n && room; i++)
            f->data[at + roll(d, MIN(room, 32))] = (guint8)roll(d, 256);
        break;
    case 3: { /* an integer of any width, either way round */
        guint64 v = nasty(d, f->len);
        size_t width = (size_t)1 << roll(d, 4);
        bool big = roll(d, 2);
        at = roll(d, 2) ? roll(d, MIN(f->len, 64)) : at; /* heads more often */
        for (size_t i = 0; i < width && at + i < f->len; i++)
            f->data[at + i] = (guint8)(v >> 8 * (big ? width - 1 - i : i));
        break;
    }
    case 4: /* cut short */
        g_byte_array_set_size(f, (guint)at);
        break;
    case 5: { /* goes on */
        guint8 more[64];
        size_t n = roll(d, sizeof more);
        for (size_t i = 0; i < n; i++)
            more[i] = (guint8)roll(d, 256);
        g_byte_array_append(f, more, (guint)n);
        break;
    }
    case 6: /* a piece is missing */
        replace(f, at, roll(d, MIN(room, 64) + 1), NULL, 0);
        break;
    case 7: { /* a piece twice */
        size_t n = roll(d, MIN(room, 256) + 1);
        g_autofree guint8 *piece = g_memdup2(f->data + at, n);
        replace(f, roll(d, f->len + 1), 0, piece, n);
        break;
    }
    case 8: { /* a piece of another sound file, in place of as much or put between */
        size_t from = roll(d, other->len), n = roll(d, MIN(other->len - from, 256) + 1);
        g_autofree guint8 *piece = g_memdup2(other->data + from, n);
        replace(f, at, roll(d, 2) ? MIN(n, room) : 0, piece, n);
        break;
    }
    case 9: { /* a word */
        const char *word = words[roll(d, G_N_ELEMENTS(words))];
        size_t n = roll(d, MIN(room, 4) + 1);
        replace(f, at, n, word, strlen(word));
        break;
    }
    default: /* a digit of a text becomes another, or a sign */
        for (size_t i = 0; i < f->len; i++) {
            guint8 *p = f->data + (at + i) % f->len;
            if (g_ascii_isdigit(*p)) {
                *p = (guint8) "0123456789-.e"[roll(d, 13)];
                break;
            }
        }
        break;
    }
}

void
fuzz_add_bytes(GPtrArray *seeds, const void *data, size_t size)
{
    GByteArray *b = g_byte_array_new();
    g_byte_array_append(b, data, (guint)size);
    g_ptr_array_add(seeds, b);
}

void
fuzz_add_file(GPtrArray *seeds, const char *path)
{
    g_autofree char *data = NULL;
    gsize size;
    g_assert_true(g_file_get_contents(path, &data, &size, NULL));
    fuzz_add_bytes(seeds, data, size);
    g_unlink(path);
}

void
fuzz_write(const char *path, const guint8 *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    g_assert_nonnull(f);
    g_assert_cmpuint(fwrite(data, 1, size, f), ==, size);
    g_assert_cmpint(fclose(f), ==, 0);
}

/* To where the braces of the head close, and the spaces behind them; 0: they do not. */
static guint64
head_length(const GByteArray *f)
{
    int depth = 0;
    bool text = false;
    for (guint i = 8; i < f->len; i++) {
        guint8 c = f->data[i];
        if (c == '"' && f->data[i - 1] != '\\')
            text = !text;
        depth += text ? 0 : c == '{' ? 1 : c == '}' ? -1 : 0;
        if (depth == 0 && c == '}') {
            guint64 length = i + 1 - 8;
            while (length % 8 && 8 + length < f->len && f->data[8 + length] == ' ')
                length++;
            return length;
        }
    }
    return 0;
}

typedef struct Tile {
    json_t *entry;
    json_int_t begin, bytes;
} Tile;

/* False for an entry that a reader refuses whatever its offsets are, or would be too large here. */
static bool
measure(json_t *entry, Tile *t)
{
    static const struct {
        const char *dtype;
        int size;
    } kinds[] = {{"F32", 4}, {"F16", 2}, {"F64", 8}, {"I32", 4}, {"I64", 8}, {"U8", 1}};
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    const json_t *shape = json_object_get(entry, "shape");
    *t = (Tile){entry,
                json_integer_value(json_array_get(json_object_get(entry, "data_offsets"), 0)), 0};
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (g_strcmp0(dtype, kinds[i].dtype) == 0)
            t->bytes = kinds[i].size;
    for (size_t i = 0; i < json_array_size(shape); i++) {
        const json_int_t n = json_integer_value(json_array_get(shape, i));
        t->bytes = n < 1 || n > 1 << 16 ? 0 : t->bytes * n;
        if (t->bytes > 1 << 16)
            return false;
    }
    return t->bytes > 0;
}

static int
by_begin(const void *a, const void *b)
{
    const Tile *x = a, *y = b;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

/* As many tiles as there are tensors; -1: at least one has no size. */
static int
measure_all(json_t *head, Tile *tiles)
{
    const char *name;
    json_t *entry;
    int n = 0;
    json_object_foreach(head, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0)
            continue;
        if (!measure(entry, &tiles[n++]))
            return -1;
    }
    return n;
}

/* Tensors get the bytes that their dtypes and shapes say, in the order in which they lay. */
static void
tile(GByteArray *f, guint64 length, json_t *head)
{
    g_autofree Tile *tiles = g_new(Tile, json_object_size(head) + 1);
    const int n = measure_all(head, tiles);
    if (n < 0)
        return;
    qsort(tiles, (size_t)n, sizeof *tiles, by_begin);
    json_int_t at = 0;
    for (int i = 0; i < n; i++) {
        json_object_set_new(tiles[i].entry, "data_offsets",
                            json_pack("[I, I]", at, at + tiles[i].bytes));
        at += tiles[i].bytes;
    }
    char *text = json_dumps(head, JSON_COMPACT);
    const guint64 size = strlen(text);
    replace(f, 8, length, text, size);
    free(text);
    memcpy(f->data, &size, 8);
    const guint have = f->len, want = (guint)(8 + size) + (guint)at;
    g_byte_array_set_size(f, want);
    if (want > have)
        memset(f->data + have, 0, want - have);
}

void
fuzz_repair_safetensors(GByteArray *f)
{
    const guint64 length = head_length(f);
    if (!length)
        return;
    memcpy(f->data, &length, 8);
    json_t *head = json_loadb((const char *)f->data + 8, length, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(head))
        tile(f, length, head);
    json_decref(head);
}

/* The contract of a reader. Returns the status. */
static LimStatus
read_once(const FuzzReader *r, const GByteArray *file)
{
    guint8 *exact = malloc(file->len ? file->len : 1);
    if (file->len)
        memcpy(exact, file->data, file->len);
    LimError err = LIM_ERROR_INIT;
    bool accepted = r->read(exact, file->len, &err);
    free(exact);
    size_t n = strlen(err.text);
    if (accepted) {
        g_assert_cmpstr(err.text, ==, "");
        g_assert_cmpint(err.code, ==, LIM_OK);
    } else {
        g_assert_cmpint(err.code, !=, LIM_OK);
        g_assert_cmpuint(n, >, 10);
        g_assert_true(g_utf8_validate(err.text, (gssize)n, NULL));
        for (size_t i = 0; i < n; i++)
            g_assert_false(g_ascii_iscntrl(err.text[i]));
    }
    return err.code;
}

static LimStatus
run_one(const FuzzReader *r, const GPtrArray *seeds, guint64 i)
{
    Dice d = {lim_rng_stream(LIM_STREAM_TEST, r->name, i), 0};
    const GByteArray *seed = seeds->pdata[roll(&d, seeds->len)];
    g_autoptr(GByteArray) file = g_byte_array_new();
    g_byte_array_append(file, seed->data, seed->len);
    for (guint32 k = 0, n = 1 + roll(&d, 4); k < n; k++)
        mutate(file, seeds->pdata[roll(&d, seeds->len)], &d);
    if (roll(&d, 2) && r->repair)
        r->repair(file);
    return read_once(r, file);
}

static GPtrArray *
make_seeds(const FuzzReader *r)
{
    GPtrArray *seeds = g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref);
    r->seeds(seeds);
    g_assert_cmpuint(seeds->len, >, 0);
    for (guint i = 0; i < seeds->len; i++) {
        g_assert_cmpint(read_once(r, seeds->pdata[i]), ==, LIM_OK);
        if (r->repair) { /* sound files stay sound */
            g_autoptr(GByteArray) copy = g_byte_array_new();
            g_byte_array_append(copy, ((GByteArray *)seeds->pdata[i])->data,
                                ((GByteArray *)seeds->pdata[i])->len);
            r->repair(copy);
            g_assert_cmpint(read_once(r, copy), ==, LIM_OK);
        }
    }
    return seeds;
}

static guint64
runs(const FuzzReader *r)
{
    const char *text = g_getenv("LIMEN_FUZZ_RUNS");
    return (text ? g_ascii_strtoull(text, NULL, 10) : 2000) / MAX(r->slow, 1);
}

static void
fuzz(gconstpointer data)
{
    const FuzzReader *r = data;
    g_autoptr(GPtrArray) seeds = make_seeds(r);
    guint64 count[LIM_E_UNSUPPORTED + 1] = {0}, n = runs(r);
    /* Cut at every byte, once. */
    for (guint s = 0; s < seeds->len; s++) {
        const GByteArray *seed = seeds->pdata[s];
        for (guint cut = 0; cut < MIN(seed->len, 1024); cut++) {
            g_autoptr(GByteArray) file = g_byte_array_new();
            g_byte_array_append(file, seed->data, cut);
            read_once(r, file);
        }
    }
    for (guint64 i = 0; i < n; i++) {
        if (g_test_verbose())
            g_printerr("/fuzz/%s/%" G_GUINT64_FORMAT "\n", r->name, i);
        count[run_one(r, seeds, i)]++;
    }
    /* The files have a few hundred bytes: none may make a reader take memory out of proportion. The
     * bound leaves room for what the sanitizers keep. */
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    g_assert_cmpint(usage.ru_maxrss, <, 768 << 10); /* KiB */

    g_autoptr(GString) s = g_string_new(NULL);
    for (int k = 0; k <= LIM_E_UNSUPPORTED; k++)
        if (count[k])
            g_string_append_printf(s, ", %" G_GUINT64_FORMAT " %s", count[k],
                                   lim_status_name((LimStatus)k));
    g_test_message("%s: %" G_GUINT64_FORMAT " mutations%s", r->name, n, s->str);
    /* A driver whose files are all refused at the first byte, or all accepted, tests nothing. */
    if (n >= 1000) {
        g_assert_cmpuint(count[LIM_OK], >, n / 200);
        g_assert_cmpuint(count[LIM_OK], <, n - n / 20);
    }
}

void
fuzz_add(const FuzzReader *reader)
{
    g_autofree char *path = g_strconcat("/fuzz/", reader->name, NULL);
    g_test_add_data_func(path, reader, fuzz);
}
