/* safetensors: what is written is read, in the layout the format demands; what is wrong is named.
 */
#include "tensor/half.h"
#include "tensor/safetensors.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

static char *folder;

static char *
in_folder(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

static void
test_round_trip(void)
{
    g_autofree char *path = in_folder("a.safetensors"), *again = in_folder("b.safetensors");
    uint8_t u8[3] = {0, 128, 255};
    float f32[6] = {0, -0.0f, 1e-40f, INFINITY, NAN, 3.25f}, half[4] = {0.1f, -2, 65504, 1e-7f};
    int32_t i32[2] = {INT32_MIN, INT32_MAX};
    double f64[1] = {M_PI};
    for (int pass = 0; pass < 2; pass++) {
        LimStWriter *w = lim_st_writer_new();
        lim_st_writer_metadata(w, "format", "pt");
        lim_st_writer_metadata(w, "title", "na\xc3\xafve \"quotes\"\nline two");
        lim_st_writer_add(w, "bytes", LIM_U8, LIM_SHAPE1(3), u8, false);
        lim_st_writer_add(w, "conv.weight", LIM_F32, LIM_SHAPE2(2, 3), f32, false);
        lim_st_writer_add(w, "half", LIM_F32, LIM_SHAPE4(1, 2, 2, 1), half, true);
        lim_st_writer_add(w, "count", LIM_I32, LIM_SHAPE1(2), i32, false);
        lim_st_writer_add(w, "pi", LIM_F64, LIM_SHAPE0, f64, false);
        LimError err = LIM_ERROR_INIT;
        g_assert_cmpint(lim_st_writer_finish(w, pass ? again : path, &err), ==, LIM_OK);
    }
    g_autofree char *bytes = NULL, *bytes2 = NULL;
    gsize size, size2;
    g_assert_true(g_file_get_contents(path, &bytes, &size, NULL));
    g_assert_true(g_file_get_contents(again, &bytes2, &size2, NULL));
    g_assert_cmpmem(bytes, size, bytes2, size2);
    guint64 head;
    memcpy(&head, bytes, 8);
    g_assert_cmpuint(head % 8, ==, 0);
    g_assert_cmpuint(size, ==, 8 + head + 8 + 24 + 8 + 8 + 3);
    g_assert_cmpint(memcmp(bytes + 8 + head, f64, 8), ==, 0); /* the widest type comes first */

    LimError err = LIM_ERROR_INIT;
    LimStFile *f = lim_st_open(path, &err);
    g_assert_nonnull(f);
    g_assert_cmpuint(lim_st_count(f), ==, 5);
    g_assert_cmpstr(lim_st_name(f, 0), ==, "bytes"); /* as added */
    g_assert_cmpstr(lim_st_name(f, 4), ==, "pi");
    g_assert_true(lim_shape_equal(lim_st_shape(f, 2), LIM_SHAPE4(1, 2, 2, 1)));
    g_assert_cmpstr(lim_st_metadata(f, "format"), ==, "pt");
    g_assert_cmpstr(lim_st_metadata(f, "title"), ==, "na\xc3\xafve \"quotes\"\nline two");
    g_assert_null(lim_st_metadata(f, "absent"));

    LimTensor *t = lim_st_get(f, "conv.weight", &err);
    g_assert_cmpint(memcmp(lim_tensor_f32(t), f32, sizeof f32), ==, 0);
    lim_tensor_unref(t);
    t = lim_st_get(f, "bytes", &err);
    g_assert_cmpint(lim_tensor_type(t), ==, LIM_U8);
    g_assert_cmpmem(lim_tensor_data(t), 3, u8, 3);
    lim_tensor_unref(t);
    t = lim_st_get(f, "count", &err);
    g_assert_cmpint(memcmp(lim_tensor_i32(t), i32, sizeof i32), ==, 0);
    lim_tensor_unref(t);
    t = lim_st_get(f, "pi", &err);
    g_assert_cmpint(lim_tensor_type(t), ==, LIM_F64);
    g_assert_cmpint(lim_tensor_shape(t).nd, ==, 0);
    g_assert_cmpint(memcmp(lim_tensor_data(t), f64, 8), ==, 0);
    lim_tensor_unref(t);
    t = lim_st_get(f, "half", &err);
    for (int i = 0; i < 4; i++)
        g_assert_cmpfloat(lim_tensor_f32(t)[i], ==, lim_half_to_f32(lim_half_from_f32(half[i])));
    lim_st_free(f); /* the tensor is a copy */
    g_assert_cmpfloat(lim_tensor_f32(t)[2], ==, 65504);
    lim_tensor_unref(t);
    g_assert_cmpint(err.code, ==, LIM_OK);
}

static void
test_writer_errors(void)
{
    g_autofree char *path = in_folder("c.safetensors");
    g_autofree char *nowhere = in_folder("no/such/folder.safetensors");
    float large[2] = {1, 70000};
    struct {
        const char *path, *metadata, *name, *says;
        LimStatus code;
    } cases[] = {
        {path, "ok", "w", "70000", LIM_E_NUMERIC},
        {path, "\xff", "w", "UTF-8", LIM_E_PARAM},
        {path, "ok", "\xc3(", "UTF-8", LIM_E_PARAM},
        {nowhere, "ok", "w", "folder.safetensors", LIM_E_IO},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        LimStWriter *w = lim_st_writer_new();
        lim_st_writer_metadata(w, "key", cases[i].metadata);
        lim_st_writer_add(w, cases[i].name, LIM_F32, LIM_SHAPE1(2), large, i == 0);
        LimError err = LIM_ERROR_INIT;
        g_assert_cmpint(lim_st_writer_finish(w, cases[i].path, &err), ==, cases[i].code);
        g_assert_cmpint(err.code, ==, cases[i].code);
        g_assert_nonnull(strstr(err.text, cases[i].says));
        g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS)); /* nothing is left behind */
    }
}

static LimStFile *
parse(const char *json, size_t data_size, LimError *err)
{
    guint64 length = strlen(json);
    g_autofree uint8_t *bytes = g_malloc0(8 + length + data_size);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, json, length);
    for (size_t i = 0; i < data_size; i++)
        bytes[8 + length + i] = (uint8_t)(i * 37);
    return lim_st_parse(bytes, 8 + length + data_size, "t.st", err);
}

static void
test_foreign(void)
{
    /* As other writers do it: spaces, unaligned data, dtypes that are only skipped, I64. */
    LimError err = LIM_ERROR_INIT;
    LimStFile *f = parse(" {\"x\" : {\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]},"
                         "\"b\":{\"shape\":[1],\"data_offsets\":[0,2],\"dtype\":\"BF16\"},"
                         "\"n\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[6,14]}}  ",
                         14, &err);
    g_assert_nonnull(f);
    LimTensor *t = lim_st_get(f, "x", &err);
    const uint8_t want[4] = {74, 111, 148, 185};
    g_assert_cmpmem(lim_tensor_data(t), 4, want, 4);
    lim_tensor_unref(t);
    g_assert_null(lim_st_get(f, "b", &err));
    g_assert_cmpint(err.code, ==, LIM_E_UNSUPPORTED);
    err.code = LIM_OK;
    g_assert_null(lim_st_get(f, "n", &err)); /* does not fit 32 bits */
    g_assert_cmpint(err.code, ==, LIM_E_UNSUPPORTED);
    err.code = LIM_OK;
    g_assert_null(lim_st_get(f, "gone", &err));
    g_assert_cmpint(err.code, ==, LIM_E_FORMAT);
    g_assert_nonnull(strstr(err.text, "'gone'"));
    lim_st_free(f);

    guint64 head = 56;
    uint8_t small[8 + 56 + 8];
    memcpy(small, &head, 8);
    memset(small + 8, ' ', 56);
    memcpy(small + 8, "{\"n\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]}}", 53);
    const gint64 values[] = {
        -7,        INT32_MAX, INT32_MIN, (gint64)INT32_MAX + 1, (gint64)INT32_MIN - 1,
        INT64_MAX, INT64_MIN};
    for (int i = 0; i < 7; i++) {
        memcpy(small + 64, &values[i], 8);
        f = lim_st_parse(small, sizeof small, "t.st", NULL);
        t = lim_st_get(f, "n", NULL);
        g_assert_true((t != NULL) == (i < 3));
        if (t)
            g_assert_cmpint(lim_tensor_i32(t)[0], ==, values[i]);
        lim_tensor_unref(t);
        lim_st_free(f);
    }
    /* A head that claims some of the data, all of it (both are no JSON then), and up to 8 bytes
     * more than there are. */
    for (head = 57; head <= sizeof small; head++) {
        memcpy(small, &head, 8);
        err = (LimError)LIM_ERROR_INIT;
        g_assert_null(lim_st_parse(small, sizeof small, "t.st", &err));
        g_assert_nonnull(strstr(err.text, head > sizeof small - 8 ? "header claims" : "JSON"));
    }
}

#define ENTRY(dtype, shape, range) \
    "{\"w\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" range "}}"

static void
test_hostile(void)
{
    static const struct {
        const char *json;
        size_t data;
        const char *says;
        LimStatus code;
    } cases[] = {
        {"", 0, "JSON", LIM_E_FORMAT},
        {"[1]", 0, "JSON", LIM_E_FORMAT},
        {"{\"w\":", 0, "JSON", LIM_E_FORMAT},
        {"{\"w\":3}", 0, "'w' lacks", LIM_E_FORMAT},
        {"{\"w\":{},\"w\":{}}", 0, "JSON", LIM_E_FORMAT},
        {"{\"__metadata__\":{\"a\":1}}", 0, "map of strings", LIM_E_FORMAT},
        {"{\"__metadata__\":[]}", 0, "map of strings", LIM_E_FORMAT},
        {"{}", 4, "belong to no tensor", LIM_E_FORMAT},
        {ENTRY("\"F99\"", "[1]", "[0,4]"), 4, "'F99'", LIM_E_UNSUPPORTED},
        {ENTRY("7", "[1]", "[0,4]"), 4, "lacks", LIM_E_FORMAT},
        {ENTRY("\"F32\"", "[1,1,1,1,1]", "[0,4]"), 4, "5 dimensions", LIM_E_UNSUPPORTED},
        {ENTRY("\"F32\"", "[0]", "[0,0]"), 0, "shape 0", LIM_E_SHAPE},
        {ENTRY("\"F32\"", "[-1]", "[0,4]"), 4, "whole number", LIM_E_FORMAT},
        {ENTRY("\"F32\"", "[1.5]", "[0,4]"), 4, "whole number", LIM_E_FORMAT},
        {ENTRY("\"F32\"", "[4294967297]", "[0,4]"), 4, "whole number", LIM_E_FORMAT},
        {ENTRY("\"F32\"", "[99999999999999999999]", "[0,4]"), 4, "JSON", LIM_E_FORMAT},
        {ENTRY("\"F32\"", "[2147483647,2147483647,2147483647,2147483647]", "[0,4]"), 4, "product",
         LIM_E_SHAPE},
        {ENTRY("\"F32\"", "[2]", "[0,4]"), 4, "needs 8", LIM_E_FORMAT},
        {ENTRY("\"F32\"", "[1]", "[0,8]"), 4, "outside", LIM_E_FORMAT},
        {ENTRY("\"F32\"", "[1]", "[-4,0]"), 4, "outside", LIM_E_FORMAT},
        {ENTRY("\"F32\"", "[1]", "[4,0]"), 4, "outside", LIM_E_FORMAT},
        {ENTRY("\"F32\"", "[1]", "[4]"), 8, "lacks", LIM_E_FORMAT},
        {ENTRY("\"F32\"", "[1]", "[4,8]"), 8, "gap", LIM_E_FORMAT},
        {ENTRY("\"F32\"", "[1]", "[0,4]"), 5, "1 bytes belong", LIM_E_FORMAT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"b\\n\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
         4, "overlaps", LIM_E_FORMAT},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        LimError err = LIM_ERROR_INIT;
        g_assert_null(parse(cases[i].json, cases[i].data, &err));
        g_test_message("%s", err.text);
        g_assert_cmpint(err.code, ==, cases[i].code);
        g_assert_nonnull(strstr(err.text, cases[i].says));
        g_assert_nonnull(strstr(err.text, "t.st"));
        g_assert_null(strchr(err.text, '\n'));
    }
    const uint8_t claims[10] = {255, 255, 255, 255, 255, 255, 255, 255, '{', '}'};
    for (size_t n = 0; n <= sizeof claims; n++) {
        LimError err = LIM_ERROR_INIT;
        g_assert_null(lim_st_parse(claims, n, "t.st", &err));
        g_assert_cmpint(err.code, ==, LIM_E_FORMAT);
    }
    LimError err = LIM_ERROR_INIT;
    g_assert_null(lim_st_open("/no/such/file", &err));
    g_assert_cmpint(err.code, ==, LIM_E_IO);
}

/* Deep nesting must meet the parser's limit, not the end of the stack. */
static void
test_nesting(void)
{
    g_autoptr(GString) s = g_string_new("{\"w\":");
    for (int i = 0; i < 200000; i++)
        g_string_append_c(s, '[');
    LimError err = LIM_ERROR_INIT;
    g_assert_null(parse(s->str, 0, &err));
    g_assert_cmpint(err.code, ==, LIM_E_FORMAT);
}

/* A reader and writer from the format's description alone, in Python with NumPy: it reads our file
 * and writes the values, doubled, into one of its own. */
static void
test_numpy(void)
{
    static const char script[] =
        "import json, struct, sys, numpy as n\n"
        "types = {'F64': '<f8', 'F32': '<f4', 'F16': '<f2', 'I64': '<i8', 'I32': '<i4', 'U8': "
        "'|u1'}\n"
        "data = open(sys.argv[1], 'rb').read()\n"
        "size, = struct.unpack('<Q', data[:8])\n"
        "head, data = json.loads(data[8:8 + size]), data[8 + size:]\n"
        "assert head.pop('__metadata__') == {'k': 'v'}\n"
        "out, entries = b'', {'__metadata__': {'by': 'numpy'}}\n"
        "for name, e in head.items():\n"
        "    a, b = e['data_offsets']\n"
        "    assert a % n.dtype(types[e['dtype']]).itemsize == 0\n"
        "    x = n.frombuffer(data[a:b], types[e['dtype']]).reshape(e['shape']) * 2\n"
        "    if e['dtype'] == 'I32': x, e['dtype'] = x.astype('<i8'), 'I64'\n"
        "    raw = x.tobytes()\n"
        "    entries[name] = dict(dtype=e['dtype'], shape=x.shape,\n"
        "                         data_offsets=[len(out), len(out) + len(raw)])\n"
        "    out += raw\n"
        "head = json.dumps(entries).encode()\n"
        "open(sys.argv[2], 'wb').write(struct.pack('<Q', len(head)) + head + out)\n";
    g_autofree char *ours = in_folder("a.safetensors"), *theirs = in_folder("b.safetensors");
    const char *argv[] = {"/usr/bin/python3", "-c", script, ours, theirs, NULL};
    const char *probe[] = {"/usr/bin/python3", "-c", "import numpy", NULL};
    int status = 1;
    if (!g_spawn_sync(NULL, (char **)(uintptr_t)probe, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL,
                      NULL, NULL, &status, NULL) ||
        status != 0) {
        g_test_skip("python3 with numpy is not installed");
        return;
    }
    float f32[6] = {0.1f, -2, 3, 1e30f, 5, -6}, half[3] = {0.1f, -7, 1e-7f};
    uint8_t u8[3] = {1, 2, 100};
    int32_t i32[2] = {-5, 1 << 29};
    LimStWriter *w = lim_st_writer_new();
    lim_st_writer_metadata(w, "k", "v");
    lim_st_writer_add(w, "u8", LIM_U8, LIM_SHAPE1(3), u8, false);
    lim_st_writer_add(w, "f32", LIM_F32, LIM_SHAPE3(1, 2, 3), f32, false);
    lim_st_writer_add(w, "half", LIM_F32, LIM_SHAPE1(3), half, true);
    lim_st_writer_add(w, "i32", LIM_I32, LIM_SHAPE1(2), i32, false);
    g_assert_cmpint(lim_st_writer_finish(w, ours, NULL), ==, LIM_OK);
    g_assert_true(g_spawn_sync(NULL, (char **)(uintptr_t)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL,
                               NULL, NULL, &status, NULL));
    g_assert_cmpint(status, ==, 0);

    LimError err = LIM_ERROR_INIT;
    LimStFile *f = lim_st_open(theirs, &err);
    g_assert_cmpstr(err.text, ==, "");
    g_assert_cmpstr(lim_st_metadata(f, "by"), ==, "numpy");
    LimTensor *t = lim_st_get(f, "f32", &err);
    g_assert_true(lim_shape_equal(lim_tensor_shape(t), LIM_SHAPE3(1, 2, 3)));
    for (int i = 0; i < 6; i++)
        g_assert_cmpfloat(lim_tensor_f32(t)[i], ==, 2 * f32[i]);
    lim_tensor_unref(t);
    t = lim_st_get(f, "half", &err);
    for (int i = 0; i < 3; i++)
        g_assert_cmpfloat(lim_tensor_f32(t)[i], ==,
                          2 * lim_half_to_f32(lim_half_from_f32(half[i])));
    lim_tensor_unref(t);
    t = lim_st_get(f, "i32", &err);
    g_assert_cmpint(lim_tensor_i32(t)[0], ==, -10);
    g_assert_cmpint(lim_tensor_i32(t)[1], ==, 1 << 30);
    lim_tensor_unref(t);
    t = lim_st_get(f, "u8", &err);
    g_assert_cmpint(((const uint8_t *)lim_tensor_data(t))[2], ==, 200);
    lim_tensor_unref(t);
    lim_st_free(f);
}

/* Every golden file opens and every tensor in it can be had. */
static void
test_golden(void)
{
    const char *source = g_getenv("LIMEN_SOURCE");
    g_assert_nonnull(source);
    g_autofree char *path = g_build_filename(source, "tests", "golden", NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    g_assert_nonnull(dir);
    int files = 0;
    for (const char *name; (name = g_dir_read_name(dir));) {
        if (!g_str_has_suffix(name, ".safetensors"))
            continue;
        g_autofree char *file = g_build_filename(path, name, NULL);
        LimError err = LIM_ERROR_INIT;
        LimStFile *f = lim_st_open(file, &err);
        for (size_t i = 0; f && i < lim_st_count(f); i++)
            lim_tensor_unref(lim_st_get(f, lim_st_name(f, i), &err));
        lim_st_free(f);
        g_assert_cmpstr(err.text, ==, "");
        files++;
    }
    g_assert_cmpint(files, >, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("limen-st-XXXXXX", NULL);
    g_test_add_func("/safetensors/round-trip", test_round_trip);
    g_test_add_func("/safetensors/writer-errors", test_writer_errors);
    g_test_add_func("/safetensors/foreign", test_foreign);
    g_test_add_func("/safetensors/hostile", test_hostile);
    g_test_add_func("/safetensors/nesting", test_nesting);
    g_test_add_func("/safetensors/numpy", test_numpy);
    g_test_add_func("/safetensors/golden", test_golden);
    int failed = g_test_run();
    for (const char *const *n = (const char *[]){"a.safetensors", "b.safetensors", NULL}; *n; n++) {
        g_autofree char *path = in_folder(*n);
        g_unlink(path);
    }
    g_rmdir(folder);
    g_free(folder);
    return failed;
}
