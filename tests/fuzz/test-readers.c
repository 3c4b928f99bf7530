/* Every reader of files against mutated files. A new reader is one FuzzReader in the list. */
#include "attacks/answers.h"
#include "attacks/universalfile.h"
#include "data/dataset.h"
#include "fuzz.h"
#include "tensor/npy.h"
#include "tensor/png.h"
#include "tensor/safetensors.h"

#include <glib/gstdio.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Uses each byte, in a way that the compiler cannot leave out and memory checkers see. */
static void
touch(const void *data, size_t n)
{
    guint64 sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += ((const guint8 *)data)[i];
    g_assert_cmpuint(sum, <=, 255 * (guint64)n);
}

static void
touch_tensor(LimTensor *t)
{
    g_assert_true(lim_shape_valid(lim_tensor_shape(t)));
    touch(lim_tensor_data(t), (size_t)lim_tensor_size(t) * lim_type_size(lim_tensor_type(t)));
    lim_tensor_unref(t);
}

static void
add_bytes(GPtrArray *seeds, const void *data, size_t size)
{
    GByteArray *b = g_byte_array_new();
    g_byte_array_append(b, data, (guint)size);
    g_ptr_array_add(seeds, b);
}

/* Writers write files; the bytes go into the seeds. */
static void
add_file(GPtrArray *seeds, const char *path)
{
    g_autofree char *data = NULL;
    gsize size;
    g_assert_true(g_file_get_contents(path, &data, &size, NULL));
    add_bytes(seeds, data, size);
    g_unlink(path);
}

static char *
temporary(void)
{
    g_autofree char *name = g_strdup_printf("limen-fuzz-%d", (int)getpid());
    return g_build_filename(g_get_tmp_dir(), name, NULL);
}

/* ---- safetensors ---- */

static void
st_seeds(GPtrArray *seeds)
{
    g_autofree char *path = temporary();
    float f32[24] = {1, 2, 3};
    gint32 i32[4] = {1, -1};
    guint8 u8[5] = {1, 2, 3, 4, 5};
    double f64[2] = {0.5, -2};
    for (int k = 0; k < 3; k++) {
        LimStWriter *w = lim_st_writer_new();
        if (k > 0) {
            lim_st_writer_metadata(w, "format", "limen");
            lim_st_writer_metadata(w, "model", "{\"kind\": \"toy\", \"width\": 8}");
        }
        lim_st_writer_add(w, "layers.0.weight", LIM_F32, LIM_SHAPE4(2, 3, 2, 2), f32, false);
        if (k == 2) {
            lim_st_writer_add(w, "half", LIM_F32, LIM_SHAPE2(4, 6), f32, true);
            lim_st_writer_add(w, "step", LIM_I32, LIM_SHAPE1(4), i32, false);
            lim_st_writer_add(w, "bytes", LIM_U8, LIM_SHAPE1(5), u8, false);
            lim_st_writer_add(w, "double", LIM_F64, LIM_SHAPE1(2), f64, false);
        }
        g_assert_cmpint(lim_st_writer_finish(w, path, NULL), ==, LIM_OK);
        add_file(seeds, path);
    }
    static const char foreign[] =
        "{\"a\":{\"dtype\":\"I64\",\"shape\":[2],\"data_offsets\":[0,16]},"
        "\"b\":{\"dtype\":\"I32\",\"shape\":[],\"data_offsets\":[16,20]}}";
    guint64 length = sizeof foreign - 1;
    guint8 bytes[8 + sizeof foreign - 1 + 20] = {0};
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, foreign, length);
    add_bytes(seeds, bytes, sizeof bytes);
}

static bool
st_read(const guint8 *data, size_t size, LimError *err)
{
    LimStFile *f = lim_st_parse(data, size, "file", err);
    if (!f)
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < lim_st_count(f); i++) {
        g_assert_true(lim_shape_valid(lim_st_shape(f, i)));
        LimTensor *t = lim_st_get(f, lim_st_name(f, i), err);
        ok = t != NULL;
        if (t) {
            g_assert_true(lim_shape_equal(lim_tensor_shape(t), lim_st_shape(f, i)));
            touch_tensor(t);
        }
    }
    const char *model = lim_st_metadata(f, "model");
    if (model)
        touch(model, strlen(model));
    lim_st_free(f);
    return ok;
}

/* ---- IDX ---- */

static GByteArray *
squeeze(const guint8 *data, size_t size, int level)
{
    z_stream z = {0};
    g_assert_cmpint(deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), ==, Z_OK);
    GByteArray *out = g_byte_array_new();
    g_byte_array_set_size(out, (guint)deflateBound(&z, size) + 32);
    z.next_in = (Bytef *)(uintptr_t)data;
    z.avail_in = (uInt)size;
    z.next_out = out->data;
    z.avail_out = out->len;
    g_assert_cmpint(deflate(&z, Z_FINISH), ==, Z_STREAM_END);
    g_byte_array_set_size(out, (guint)z.total_out);
    deflateEnd(&z);
    return out;
}

static const guint8 images[16 + 24] = {0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 3, 9, 8, 7};
static const guint8 labels[8 + 4] = {0, 0, 8, 1, 0, 0, 0, 4, 0, 2, 1, 3};

static void
idx_image_seeds(GPtrArray *seeds)
{
    add_bytes(seeds, images, sizeof images);
    for (int level = 0; level <= 9; level += 3)
        g_ptr_array_add(seeds, squeeze(images, sizeof images, level));
}

static void
idx_label_seeds(GPtrArray *seeds)
{
    add_bytes(seeds, labels, sizeof labels);
    g_ptr_array_add(seeds, squeeze(labels, sizeof labels, 9));
}

static bool
idx_use(LimDataset *d)
{
    if (!d)
        return false;
    touch(d->pixels, (size_t)d->n * (size_t)d->c * (size_t)d->h * (size_t)d->w);
    for (int i = 0; i < d->n; i++)
        g_assert_cmpint(d->labels[i], <, d->classes);
    for (int i = 0; i < d->n; i++)
        touch(d->class_names[d->labels[i]], strlen(d->class_names[d->labels[i]]));
    int size = MAX(d->h, d->w);
    if (size <= 64) {
        guint32 last = (guint32)d->n - 1;
        g_autofree float *x = g_new(float, (gsize)(d->c * size * size));
        lim_dataset_batch(d, &last, 1, size, x, NULL);
    }
    lim_dataset_free(d);
    return true;
}

static bool
idx_read_images(const guint8 *data, size_t size, LimError *err)
{
    return idx_use(
        lim_dataset_idx_parse(data, size, "images", labels, sizeof labels, "labels", err));
}

static bool
idx_read_labels(const guint8 *data, size_t size, LimError *err)
{
    return idx_use(
        lim_dataset_idx_parse(images, sizeof images, "images", data, size, "labels", err));
}

/* The trailer of a gz: checksum and length of what comes out of the damaged stream. */
static void
gz_repair(GByteArray *f)
{
    z_stream z = {0};
    guint8 out[4096];
    if (f->len < 18 || f->data[0] != 0x1f || f->data[1] != 0x8b || f->data[3] != 0)
        return;
    z.next_in = f->data + 10;
    z.avail_in = f->len - 10;
    z.next_out = out;
    z.avail_out = sizeof out;
    g_assert_cmpint(inflateInit2(&z, -15), ==, Z_OK);
    if (inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_in >= 8) {
        guint32 trailer[2] = {(guint32)crc32(0, out, (uInt)z.total_out), (guint32)z.total_out};
        memcpy(z.next_in, trailer, 8);
    }
    inflateEnd(&z);
}

/* ---- PNG ---- */

static void
png_append(png_structp png, png_bytep data, size_t size)
{
    g_byte_array_append(png_get_io_ptr(png), data, (guint)size);
}

static void
png_no_flush(png_structp png)
{
}

static void
png_seed(GPtrArray *seeds, int type, int depth, bool interlaced, int level)
{
    enum { W = 9, H = 7 };
    GByteArray *out = g_byte_array_new();
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_set_write_fn(png, out, png_append, png_no_flush);
    png_set_compression_level(png, level); /* 0: the samples lie open to mutations */
    png_set_IHDR(png, info, W, H, depth, type, interlaced ? PNG_INTERLACE_ADAM7 : 0, 0, 0);
    png_color colours[16] = {{1, 2, 3}, {40, 50, 60}};
    png_byte alpha[3] = {0, 100, 200};
    png_color_16 key = {.gray = 1, .red = 1, .green = 2, .blue = 3};
    if (type == PNG_COLOR_TYPE_PALETTE) {
        png_set_PLTE(png, info, colours, 1 << depth);
        png_set_tRNS(png, info, alpha, 2, NULL);
    } else if (!(type & PNG_COLOR_MASK_ALPHA)) {
        png_set_tRNS(png, info, NULL, 0, &key);
    }
    png_text texts[3] = {
        {.compression = PNG_TEXT_COMPRESSION_NONE, .key = (char *)"a", .text = (char *)"Andr\xe9"},
        {.compression = PNG_TEXT_COMPRESSION_zTXt, .key = (char *)"b", .text = (char *)"zzzzzzzzz"},
        {.compression = PNG_ITXT_COMPRESSION_zTXt, .key = (char *)"c", .text = (char *)"\xc3\xa4"},
    };
    texts[2].lang = texts[2].lang_key = (char *)"de";
    png_set_text(png, info, texts, 3);
    png_set_gAMA(png, info, 0.5);
    png_write_info(png, info);
    png_set_interlace_handling(png);
    png_bytep rows[H];
    for (int y = 0; y < H; y++) {
        rows[y] = g_malloc(W * 8);
        for (int i = 0; i < W * 8; i++)
            rows[y][i] = (png_byte)(type == PNG_COLOR_TYPE_PALETTE ? 0x11 : i * 31 + y * 77);
    }
    png_write_image(png, rows);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    for (int y = 0; y < H; y++)
        g_free(rows[y]);
    g_ptr_array_add(seeds, out);
}

static void
png_seeds(GPtrArray *seeds)
{
    png_seed(seeds, PNG_COLOR_TYPE_GRAY, 8, false, 0);
    png_seed(seeds, PNG_COLOR_TYPE_GRAY, 1, true, 9);
    png_seed(seeds, PNG_COLOR_TYPE_GRAY, 16, false, 9);
    png_seed(seeds, PNG_COLOR_TYPE_GRAY_ALPHA, 8, true, 0);
    png_seed(seeds, PNG_COLOR_TYPE_PALETTE, 4, false, 0);
    png_seed(seeds, PNG_COLOR_TYPE_PALETTE, 2, true, 9);
    png_seed(seeds, PNG_COLOR_TYPE_RGB, 8, false, 9);
    png_seed(seeds, PNG_COLOR_TYPE_RGB, 16, true, 0);
    png_seed(seeds, PNG_COLOR_TYPE_RGB_ALPHA, 8, false, 0);
    png_seed(seeds, PNG_COLOR_TYPE_RGB_ALPHA, 16, true, 9);
}

static bool
png_read(const guint8 *data, size_t size, LimError *err)
{
    static const int counts[] = {0, 1, 3, 4};
    LimPng *png = lim_png_parse(data, size, "picture", counts[size % 4], err);
    if (!png)
        return false;
    touch(png->image.data, png->image.stride * (size_t)png->image.h);
    for (int i = 0; i < png->n_texts; i++) {
        g_assert_true(g_utf8_validate(png->texts[i].key, -1, NULL));
        g_assert_true(g_utf8_validate(png->texts[i].value, -1, NULL));
    }
    lim_png_free(png);
    return true;
}

/* Where the chunk that starts at `at` ends: where the next known name has its length field, or -1.
 */
static gssize
png_chunk_end(const GByteArray *f, size_t at)
{
    static const char names[] = "IHDRPLTEtRNSIDATIENDtEXtzTXtiTXtgAMA";
    for (size_t next = at + 12; next + 8 <= f->len; next++)
        for (size_t k = 0; k < sizeof names - 1; k += 4)
            if (memcmp(f->data + next + 4, names + k, 4) == 0)
                return (gssize)next;
    return -1;
}

/* Length and checksum of every chunk, and an end: whatever was cut, moved or put between, the
 * reader meets a file of whole chunks, so that it is their contents and order that are wrong. */
static void
png_repair(GByteArray *f)
{
    static const guint8 iend[12] = {0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82};
    static const guint8 signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    if (f->len < 20)
        return;
    memcpy(f->data, signature, 8);
    for (size_t at = 8; at + 12 <= f->len;) {
        gssize end = png_chunk_end(f, at);
        if (end < 0) {
            if (memcmp(f->data + at + 4, "IEND", 4) == 0)
                g_byte_array_set_size(f, (guint)at);
            g_byte_array_append(f, iend, sizeof iend);
            end = (gssize)f->len - (gssize)sizeof iend;
            if ((size_t)end == at)
                return;
        }
        guint32 length = GUINT32_TO_BE((guint32)((size_t)end - at - 12));
        memcpy(f->data + at, &length, 4);
        guint32 crc =
            GUINT32_TO_BE((guint32)crc32(0, f->data + at + 4, (uInt)((size_t)end - at - 8)));
        memcpy(f->data + (size_t)end - 4, &crc, 4);
        at = (size_t)end;
    }
}

/* ---- npy ---- */

static void
npy_seeds(GPtrArray *seeds)
{
    g_autofree char *path = temporary();
    for (LimType type = LIM_F32; type <= LIM_U8; type++)
        for (int nd = 0; nd <= 4; nd += 2) {
            LimTensor *t = lim_tensor_new(type, (LimShape){nd, {2, 3, 2, 1}});
            g_assert_cmpint(lim_npy_write(path, t, NULL), ==, LIM_OK);
            lim_tensor_unref(t);
            add_file(seeds, path);
        }
}

static bool
npy_read(const guint8 *data, size_t size, LimError *err)
{
    LimTensor *t = lim_npy_parse(data, size, "array", err);
    if (!t)
        return false;
    touch_tensor(t);
    return true;
}

/* Sets the length of the head to where its line ends. */
static void
npy_repair(GByteArray *f)
{
    if (f->len < 10)
        return;
    guint8 *end = memchr(f->data, '\n', f->len);
    if (end) {
        size_t length = (size_t)(end + 1 - f->data) - 10;
        f->data[8] = (guint8)length;
        f->data[9] = (guint8)(length >> 8);
    }
}

/* ---- universal perturbations ---- */

static void
universal_seeds(GPtrArray *seeds)
{
    g_autofree char *path = temporary();
    const float v[12] = {0.1f, -0.1f};
    static const char about[] =
        "{\"settings\": {\"method\": \"gradient\", \"norm\": \"linf\", \"xi\": 0.1, \"seed\": "
        "\"1\"}, "
        "\"model\": \"m.safetensors\", \"hash\": \"0123456789abcdef\", \"data\": \"d\", "
        "\"pictures\": 10, \"first\": 0, \"unseen\": 4, \"best\": 1, \"passes\": [{\"ratio\": 0, "
        "\"unseen\": null}, {\"ratio\": 0.5, \"unseen\": 0.4}], \"command\": \"limen-cli\"}";
    LimStWriter *w = lim_st_writer_new();
    lim_st_writer_metadata(w, LIM_UNIVERSALFILE_KEY, about);
    lim_st_writer_add(w, "v", LIM_F32, LIM_SHAPE3(3, 2, 2), v, false);
    g_assert_cmpint(lim_st_writer_finish(w, path, NULL), ==, LIM_OK);
    add_file(seeds, path);
}

static bool
universal_read(const guint8 *data, size_t size, LimError *err)
{
    LimUniversalFile f;
    if (lim_universalfile_parse(data, size, "perturbation", &f, err) != LIM_OK)
        return false;
    touch(f.v, (size_t)lim_shape_size(f.shape) * sizeof *f.v);
    g_assert_true(g_utf8_validate(f.model, -1, NULL) && g_utf8_validate(f.command, -1, NULL));
    g_assert_false(f.ratio < 0 || f.ratio > 1);
    lim_universalfile_clear(&f);
    return true;
}

/* ---- answers of a model ---- */

static void
answer_seeds(GPtrArray *seeds)
{
    static const char text[] = "{\"format\":\"limen-answers 1\",\"classes\":10,\"run\":"
                               "{\"attack\":\"boundary\",\"seed\":1}}\n"
                               "0123456789abcdef 000003\n"
                               "fedcba9876543210 000009\n";
    for (size_t cut = 0; cut <= 2 * LIM_ANSWER_BYTES; cut += 7)
        add_bytes(seeds, text, sizeof text - 1 - cut);
}

static bool
answer_read(const guint8 *data, size_t size, LimError *err)
{
    LimAnswers a;
    if (lim_answers_parse(data, size, "answers", &a, err) != LIM_OK)
        return false;
    touch(a.answer, a.n * sizeof *a.answer);
    for (size_t i = 0; i < a.n; i++)
        g_assert_true(a.answer[i].label >= 0 && a.answer[i].label < a.classes);
    g_assert_cmpuint(a.begin + a.n * LIM_ANSWER_BYTES, <=, size);
    lim_answers_clear(&a);
    return true;
}

static const FuzzReader readers[] = {
    {"safetensors", st_seeds, st_read, fuzz_repair_safetensors},
    {"idx-images", idx_image_seeds, idx_read_images, gz_repair},
    {"idx-labels", idx_label_seeds, idx_read_labels, gz_repair},
    {"png", png_seeds, png_read, png_repair},
    {"npy", npy_seeds, npy_read, npy_repair},
    {"answers", answer_seeds, answer_read, NULL},
    {"universal", universal_seeds, universal_read, fuzz_repair_safetensors},
};

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(readers); i++)
        fuzz_add(&readers[i]);
    return g_test_run();
}
