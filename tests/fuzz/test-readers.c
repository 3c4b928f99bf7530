/* Every reader of files against mutated files. A new reader is one FuzzReader in the list. */
#include "attacks/answers.h"
#include "attacks/universalfile.h"
#include "data/dataset.h"
#include "fuzz.h"
#include "tensor/npy.h"
#include "tensor/png.h"
#include "tensor/safetensors.h"

#include <glib/gstdio.h>
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
        fuzz_add_file(seeds, path);
    }
    static const char foreign[] =
        "{\"a\":{\"dtype\":\"I64\",\"shape\":[2],\"data_offsets\":[0,16]},"
        "\"b\":{\"dtype\":\"I32\",\"shape\":[],\"data_offsets\":[16,20]}}";
    guint64 length = sizeof foreign - 1;
    guint8 bytes[8 + sizeof foreign - 1 + 20] = {0};
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, foreign, length);
    fuzz_add_bytes(seeds, bytes, sizeof bytes);
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
    fuzz_add_bytes(seeds, images, sizeof images);
    for (int level = 0; level <= 9; level += 3)
        g_ptr_array_add(seeds, squeeze(images, sizeof images, level));
}

static void
idx_label_seeds(GPtrArray *seeds)
{
    fuzz_add_bytes(seeds, labels, sizeof labels);
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
            fuzz_add_file(seeds, path);
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
    fuzz_add_file(seeds, path);
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
        fuzz_add_bytes(seeds, text, sizeof text - 1 - cut);
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
    {"png", fuzz_png_seeds, png_read, fuzz_repair_png},
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
