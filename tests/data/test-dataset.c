/* Data sets: IDX in every packing, batches, and what is wrong with a damaged file. */
#include "data/dataset.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <zlib.h>

/* Three pictures of 2x3 with the bytes 0..17, labels 0 2 1. */
static const uint8_t images[16 + 18] = {0, 0, 8, 3, 0, 0, 0, 3, 0, 0,  0,  2,  0,  0,  0,  3,  0,
                                        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 255};
static const uint8_t labels[8 + 3] = {0, 0, 8, 1, 0, 0, 0, 3, 0, 2, 1};

static GByteArray *
gz(const uint8_t *data, size_t size)
{
    z_stream z = {0};
    g_assert_cmpint(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), ==, Z_OK);
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

static LimDataset *
parse(const uint8_t *i, size_t ni, const uint8_t *l, size_t nl, LimError *err)
{
    return lim_dataset_idx_parse(i, ni, "img", l, nl, "lab", err);
}

static void
test_idx(void)
{
    g_autoptr(GByteArray) zi = gz(images, sizeof images), zl = gz(labels, sizeof labels);
    for (int packed = 0; packed < 4; packed++) {
        LimError err = LIM_ERROR_INIT;
        LimDataset *d =
            parse(packed & 1 ? zi->data : images, packed & 1 ? zi->len : sizeof images,
                  packed & 2 ? zl->data : labels, packed & 2 ? zl->len : sizeof labels, &err);
        g_assert_nonnull(d);
        g_assert_cmpint(d->n, ==, 3);
        g_assert_cmpint(d->c, ==, 1);
        g_assert_cmpint(d->h, ==, 2);
        g_assert_cmpint(d->w, ==, 3);
        g_assert_cmpint(d->classes, ==, 3);
        g_assert_cmpstr(d->class_names[2], ==, "2");
        g_assert_cmpmem(d->pixels, 18, images + 16, 18);
        g_assert_cmpmem(d->labels, 3, labels + 8, 3);
        lim_dataset_free(d);
    }
}

static void
test_batch(void)
{
    LimDataset *d = parse(images, sizeof images, labels, sizeof labels, NULL);
    uint32_t index[4] = {2, 0, 0, 1};
    float out[4 * 25];
    int32_t y[4];
    for (int size = 3; size <= 5; size++) {
        memset(out, 0x7f, sizeof out);
        lim_dataset_batch(d, index, 4, size, out, y);
        int top = (size - 2) / 2, left = (size - 3) / 2;
        for (int i = 0; i < 4; i++) {
            g_assert_cmpint(y[i], ==, labels[8 + index[i]]);
            for (int r = 0; r < size; r++)
                for (int c = 0; c < size; c++) {
                    bool inside = r >= top && r < top + 2 && c >= left && c < left + 3;
                    int byte =
                        inside ? images[16 + index[i] * 6 + (size_t)((r - top) * 3 + c - left)] : 0;
                    g_assert_cmpfloat(out[(i * size + r) * size + c], ==,
                                      (float)byte / 127.5f - 1.0f);
                }
        }
    }
    lim_dataset_batch(d, index, 2, 3, out, NULL);
    lim_dataset_free(d);
}

/* Every field of the head, every cut, and bytes at the end. */
static void
test_damage(void)
{
    LimError err;
    uint8_t bad[sizeof images + 4];
    g_autoptr(GByteArray) zi = gz(images, sizeof images);

    for (size_t n = 0; n < sizeof images; n++) {
        err = (LimError)LIM_ERROR_INIT;
        g_assert_null(parse(images, n, labels, sizeof labels, &err));
        g_assert_cmpint(err.code, ==, LIM_E_FORMAT);
        g_assert_true(g_str_has_prefix(err.text, "img"));
    }
    for (size_t n = 0; n < zi->len; n++)
        g_assert_null(parse(zi->data, n, labels, sizeof labels, NULL));
    for (size_t n = 0; n < sizeof labels; n++) {
        err = (LimError)LIM_ERROR_INIT;
        g_assert_null(parse(images, sizeof images, labels, n, &err));
        g_assert_true(g_str_has_prefix(err.text, "lab"));
    }
    memcpy(bad, images, sizeof images);
    bad[sizeof images] = 0;
    g_assert_null(parse(bad, sizeof images + 1, labels, sizeof labels, NULL));
    g_byte_array_append(zi, bad, 1);
    g_assert_null(parse(zi->data, zi->len, labels, sizeof labels, NULL));
    g_byte_array_set_size(zi, zi->len - 1);
    zi->data[zi->len - 6] ^= 1; /* the checksum */
    g_assert_null(parse(zi->data, zi->len, labels, sizeof labels, NULL));

    const struct {
        size_t at;
        uint8_t value;
        const char *says;
    } fields[] = {
        {0, 1, "not an IDX"},   {2, 13, "not an IDX"},   {3, 1, "not an IDX"},
        {7, 4, "promises"},     {7, 2, "goes on"},       {7, 0, "dimension 1"},
        {4, 255, "dimension"},  {8, 255, "dimension 2"}, {13, 255, "dimension 3"},
        {15, 0, "dimension 3"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        err = (LimError)LIM_ERROR_INIT;
        memcpy(bad, images, sizeof images);
        bad[fields[i].at] = fields[i].value;
        g_assert_null(parse(bad, sizeof images, labels, sizeof labels, &err));
        g_test_message("%s", err.text);
        g_assert_cmpint(err.code, ==, LIM_E_FORMAT);
        g_assert_nonnull(strstr(err.text, fields[i].says));
    }
    /* Pictures given as labels; one label too few. */
    g_assert_null(parse(images, sizeof images, images, sizeof images, NULL));
    uint8_t two[10];
    memcpy(two, labels, 10);
    two[7] = 2;
    err = (LimError)LIM_ERROR_INIT;
    g_assert_null(parse(images, sizeof images, two, 10, &err));
    g_assert_nonnull(strstr(err.text, "3 pictures"));
}

/* A gz of a few hundred kilobytes that inflates to far more than its head promises, and a head that
 * promises a gigabyte over a few bytes: neither may cost memory or time. */
static void
test_bombs(void)
{
    size_t size = 64 << 20;
    uint8_t *zeros = g_malloc0(size);
    memcpy(zeros, images, 16);
    g_autoptr(GByteArray) bomb = gz(zeros, size);
    LimError err = LIM_ERROR_INIT;
    g_assert_null(parse(bomb->data, bomb->len, labels, sizeof labels, &err));
    g_assert_nonnull(strstr(err.text, "goes on"));
    g_free(zeros);

    uint8_t head[16] = {0, 0, 8, 3, 0, 0, 0, 64, 0, 0, 16, 0, 0, 0, 16, 0};
    g_autoptr(GByteArray) claim = gz(head, sizeof head);
    err = (LimError)LIM_ERROR_INIT;
    g_assert_null(parse(claim->data, claim->len, labels, sizeof labels, &err));
    g_assert_nonnull(strstr(err.text, "promises 1073741824"));
}

static void
test_fashion_mnist(void)
{
    LimError err = LIM_ERROR_INIT;
    g_assert_null(lim_dataset_fashion_mnist("/no/such/folder", "train", &err));
    g_assert_cmpint(err.code, ==, LIM_E_IO);
    g_assert_nonnull(strstr(err.text, "dataset-fashion-mnist"));

    err = (LimError)LIM_ERROR_INIT;
    LimDataset *d = lim_dataset_fashion_mnist(NULL, "test", &err);
    if (!d && err.code == LIM_E_IO) {
        g_test_skip("the package dataset-fashion-mnist is not installed");
        return;
    }
    g_assert_nonnull(d);
    g_assert_cmpint(d->n, ==, 10000);
    g_assert_cmpint(d->h, ==, 28);
    g_assert_cmpstr(d->class_names[9], ==, "Ankle boot");
    g_assert_cmpstr(d->name, ==, "fashion-mnist");
    g_assert_cmpstr(d->split, ==, "test");
    int count[10] = {0};
    double sum = 0;
    for (int i = 0; i < d->n; i++)
        count[d->labels[i]]++;
    for (size_t i = 0; i < 10000 * 784; i++)
        sum += d->pixels[i];
    for (int k = 0; k < 10; k++)
        g_assert_cmpint(count[k], ==, 1000);
    g_assert_cmpfloat_with_epsilon(sum / (10000.0 * 784 * 255), 0.2868, 0.0001);
    lim_dataset_free(d);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dataset/idx", test_idx);
    g_test_add_func("/dataset/batch", test_batch);
    g_test_add_func("/dataset/damage", test_damage);
    g_test_add_func("/dataset/bombs", test_bombs);
    g_test_add_func("/dataset/fashion-mnist", test_fashion_mnist);
    return g_test_run();
}
