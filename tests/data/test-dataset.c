/* Data sets: IDX in every packing, class folders, batches, and what is wrong with a damaged file.
 */
#include "data/dataset.h"
#include "tensor/png.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <stdlib.h>
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

/* The number of classes is one more than the largest label, in whatever order they come. */
static void
test_classes(void)
{
    static const uint8_t orders[][3] = {{0, 1, 2}, {2, 1, 0}, {0, 0, 0}, {0, 0, 255}, {5, 5, 6}};
    for (size_t i = 0; i < G_N_ELEMENTS(orders); i++) {
        uint8_t l[sizeof labels], most = 0;
        memcpy(l, labels, 8);
        memcpy(l + 8, orders[i], 3);
        for (int k = 0; k < 3; k++)
            most = MAX(most, orders[i][k]);
        LimDataset *d = parse(images, sizeof images, l, sizeof l, NULL);
        g_assert_cmpint(d->classes, ==, most + 1);
        g_assert_cmpint(atoi(d->class_names[most]), ==, most);
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
    int promised = 0;
    for (size_t n = 0; n < zi->len; n++) {
        err = (LimError)LIM_ERROR_INIT;
        g_assert_null(parse(zi->data, n, labels, sizeof labels, &err));
        promised += strstr(err.text, "promises 18 bytes but") != NULL;
    }
    g_assert_cmpint(promised, >, 5); /* the cuts within the pixels */
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
    g_assert_cmpfloat(fabs(sum / (10000.0 * 784 * 255) - 0.2868), <, 0.0001);
    lim_dataset_free(d);
}

static void
remove_tree(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        g_autofree char *child = g_build_filename(path, name, NULL);
        if (g_file_test(child, G_FILE_TEST_IS_DIR))
            remove_tree(child);
        else
            g_unlink(child);
    }
    g_rmdir(path);
}

/* A picture of one colour. */
static void
put_png(const char *root, const char *path, LimPixel format, int w, int h, const uint8_t rgba[4])
{
    g_autofree char *full = g_build_filename(root, path, NULL), *parent = g_path_get_dirname(full);
    g_assert_cmpint(g_mkdir_with_parents(parent, 0700), ==, 0);
    LimImageView v = lim_image_alloc(w, h, format, NULL);
    lim_image_fill(v, rgba);
    g_assert_cmpint(lim_png_write(full, v, NULL, 0, NULL), ==, LIM_OK);
    free(v.data);
}

static void
put_bytes(const char *root, const char *path, const void *data, size_t size)
{
    g_autofree char *full = g_build_filename(root, path, NULL);
    g_assert_true(g_file_set_contents(full, data, (gssize)size, NULL));
}

static const uint8_t dark[4] = {10, 10, 10, 255}, light[4] = {200, 200, 200, 255},
                     red[4] = {255, 0, 0, 255}, clear[4] = {100, 200, 50, 51};

static void
test_folder(void)
{
    g_autofree char *root = g_dir_make_tmp("limen-data-XXXXXX", NULL);
    put_png(root, "b cat/2.png", LIM_PIXEL_GREY8, 3, 2, dark);
    put_png(root, "b cat/10.PNG", LIM_PIXEL_RGB24, 3, 2, light);
    put_png(root, "a\xff/x.png", LIM_PIXEL_GREY8, 3, 2, light);
    put_png(root, ".hidden/x.png", LIM_PIXEL_GREY8, 3, 2, dark);
    put_bytes(root, "b cat/notes.txt", "x", 1);
    put_bytes(root, "readme", "x", 1);
    LimError err = LIM_ERROR_INIT;
    LimDataset *d = lim_dataset_folder(root, &err);
    g_assert_cmpstr(err.text, ==, "");
    g_assert_cmpint(d->n, ==, 3);
    g_assert_cmpint(d->c, ==, 3); /* one file is RGB, though its pixels are grey */
    g_assert_cmpint(d->classes, ==, 2);
    g_assert_cmpstr(d->class_names[0], ==, "a?");
    g_assert_cmpstr(d->class_names[1], ==, "b cat");
    g_assert_cmpint(d->labels[0], ==, 0);
    g_assert_cmpint(d->labels[2], ==, 1);
    g_assert_cmpint(d->pixels[18 + 5], ==, 200); /* 10.PNG sorts before 2.png */
    g_assert_cmpint(d->pixels[36 + 17], ==, 10);
    g_assert_cmpstr(d->split, ==, "all");
    g_autofree char *base = g_path_get_basename(root);
    g_assert_cmpstr(d->name, ==, base);
    lim_dataset_free(d);

    /* Without that file, one plane. */
    g_autofree char *rgb = g_build_filename(root, "b cat", "10.PNG", NULL);
    g_unlink(rgb);
    put_png(root, "b cat/3.png", LIM_PIXEL_GREY8, 3, 2, red); /* luma 76 */
    d = lim_dataset_folder(root, &err);
    g_assert_cmpint(d->c, ==, 1);
    const uint8_t want[18] = {200, 200, 200, 200, 200, 200, 10, 10, 10,
                              10,  10,  10,  76,  76,  76,  76, 76, 76};
    g_assert_cmpmem(d->pixels, 18, want, 18);
    lim_dataset_free(d);

    /* Colour and alpha: planes, on black. */
    put_png(root, "b cat/4.png", LIM_PIXEL_RGBA8, 3, 2, clear);
    d = lim_dataset_folder(root, &err);
    g_assert_cmpint(d->c, ==, 3);
    for (int i = 0; i < 6; i++) {
        g_assert_cmpint(d->pixels[3 * 18 + i], ==, 20);
        g_assert_cmpint(d->pixels[3 * 18 + 6 + i], ==, 40);
        g_assert_cmpint(d->pixels[3 * 18 + 12 + i], ==, 10);
    }
    lim_dataset_free(d);

    /* What can be wrong, each with the path in the sentence. */
    put_png(root, "b cat/5.png", LIM_PIXEL_GREY8, 2, 2, dark);
    g_assert_null(lim_dataset_folder(root, &err));
    g_assert_cmpint(err.code, ==, LIM_E_SHAPE);
    g_assert_nonnull(strstr(err.text, "5.png has 2 x 2 pixels"));
    put_bytes(root, "b cat/5.png", "no picture", 10);
    err = (LimError)LIM_ERROR_INIT;
    g_assert_null(lim_dataset_folder(root, &err));
    g_assert_nonnull(strstr(err.text, "5.png is not a PNG"));
    g_autofree char *empty = g_build_filename(root, "empty", NULL);
    g_mkdir(empty, 0700);
    err = (LimError)LIM_ERROR_INIT;
    g_assert_null(lim_dataset_folder(root, &err));
    g_assert_nonnull(strstr(err.text, "empty has no PNG"));
    err = (LimError)LIM_ERROR_INIT;
    g_assert_null(lim_dataset_folder(empty, &err));
    g_assert_nonnull(strstr(err.text, "0 sub-folders"));
    err = (LimError)LIM_ERROR_INIT;
    g_assert_null(lim_dataset_folder("/no/such", &err));
    g_assert_cmpint(err.code, ==, LIM_E_IO);
    remove_tree(root);
}

static void
test_open(void)
{
    g_autofree char *root = g_dir_make_tmp("limen-data-XXXXXX", NULL);
    g_autofree char *base = g_path_get_basename(root);
    LimError err = LIM_ERROR_INIT;
    g_assert_null(lim_dataset_open(root, "train", &err));
    g_assert_cmpint(err.code, ==, LIM_E_FORMAT);

    /* Class folders, first without and then with halves. */
    put_png(root, "one/x.png", LIM_PIXEL_GREY8, 1, 1, dark);
    LimDataset *d = lim_dataset_open(root, "test", NULL);
    g_assert_cmpstr(d->split, ==, "all");
    g_assert_cmpstr(d->class_names[0], ==, "one");
    lim_dataset_free(d);
    put_png(root, "train/two/x.png", LIM_PIXEL_GREY8, 1, 1, light);
    d = lim_dataset_open(root, "train", NULL);
    g_assert_cmpstr(d->name, ==, base);
    g_assert_cmpstr(d->split, ==, "train");
    g_assert_cmpstr(d->class_names[0], ==, "two");
    lim_dataset_free(d);
    err = (LimError)LIM_ERROR_INIT;
    g_assert_null(lim_dataset_open(root, "test", &err)); /* never the training half instead */
    g_assert_cmpint(err.code, ==, LIM_E_IO);

    /* IDX comes first; plain labels beside gz pictures; names from classes.txt. */
    g_autoptr(GByteArray) zi = gz(images, sizeof images);
    put_bytes(root, "t10k-images-idx3-ubyte.gz", zi->data, zi->len);
    g_assert_null(lim_dataset_open(root, "test", NULL)); /* no labels yet */
    put_bytes(root, "t10k-labels-idx1-ubyte", labels, sizeof labels);
    d = lim_dataset_open(root, "test", &err);
    g_assert_cmpint(d->n, ==, 3);
    g_assert_cmpstr(d->name, ==, base);
    g_assert_cmpstr(d->split, ==, "test");
    g_assert_cmpstr(d->class_names[1], ==, "1");
    lim_dataset_free(d);
    put_bytes(root, "classes.txt", "caf\xc3\xa9\n\nthird\nfourth", 20);
    d = lim_dataset_open(root, "test", NULL);
    g_assert_cmpint(d->classes, ==, 4);
    g_assert_cmpstr(d->class_names[0], ==, "caf\xc3\xa9");
    g_assert_cmpstr(d->class_names[1], ==, "");
    g_assert_cmpstr(d->class_names[3], ==, "fourth");
    lim_dataset_free(d);
    put_bytes(root, "classes.txt", "one\ntwo\n", 8);
    err = (LimError)LIM_ERROR_INIT;
    g_assert_null(lim_dataset_open(root, "test", &err));
    g_assert_nonnull(strstr(err.text, "names 2 classes"));
    err = (LimError)LIM_ERROR_INIT;
    g_assert_null(lim_dataset_fashion_mnist(root, "test", &err));
    remove_tree(root);
}

/* The set that comes with the program: 20 pictures of each class in turn, taken from the test half.
 */
static void
test_samples(void)
{
    g_autofree char *dir =
        g_build_filename(g_getenv("LIMEN_SOURCE"), "resources", "samples", "fashion-mnist", NULL);
    LimError err = LIM_ERROR_INIT;
    LimDataset *d = lim_dataset_open(dir, "sample", &err);
    g_assert_cmpstr(err.text, ==, "");
    g_assert_cmpstr(d->name, ==, "fashion-mnist");
    g_assert_cmpstr(d->split, ==, "sample");
    g_assert_cmpint(d->n, ==, 200);
    g_assert_cmpint(d->h, ==, 28);
    g_assert_cmpint(d->w, ==, 28);
    g_assert_cmpint(d->classes, ==, 10);
    for (int i = 0; i < 200; i++)
        g_assert_cmpint(d->labels[i], ==, i % 10);
    LimDataset *all = lim_dataset_open(NULL, "test", NULL);
    for (int k = 0; all && k < 10; k++) {
        g_assert_cmpstr(d->class_names[k], ==, all->class_names[k]);
        for (int i = 0, from = 0; i < 20; i++, from++) {
            while (all->labels[from] != k)
                from++;
            g_assert_cmpmem(d->pixels + (i * 10 + k) * 784, 784, all->pixels + from * 784, 784);
        }
    }
    lim_dataset_free(all);
    lim_dataset_free(d);
}

static void
test_of_classes(void)
{
    uint8_t six[] = {3, 0, 1, 3, 2, 0};
    LimDataset d = {.name = "six", .n = 6, .classes = 5, .labels = six};
    const struct {
        const char *classes;
        int n;
        uint32_t index[6];
    } known[] = {{"", 6, {0, 1, 2, 3, 4, 5}},
                 {"0", 2, {1, 5}},
                 {"0-4", 6, {0, 1, 2, 3, 4, 5}},
                 {"1-2,0", 4, {1, 2, 4, 5}},
                 {"3,3-4", 2, {0, 3}}};
    LimError err = LIM_ERROR_INIT;
    int n;
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        uint32_t *index = lim_dataset_of_classes(&d, known[i].classes, &n, &err);
        g_assert_cmpstr(err.text, ==, "");
        g_assert_cmpmem(index, (size_t)n * sizeof *index, known[i].index,
                        (size_t)known[i].n * sizeof *index);
        free(index);
    }
    const char *const wrong[] = {
        "5", "4", "-1", "1-", "2-1", "1,", ",1", "a", "1 2", "1-2-3", "99999999999999999999"};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        err = (LimError)LIM_ERROR_INIT;
        g_assert_null(lim_dataset_of_classes(&d, wrong[i], &n, &err));
        g_assert_cmpint(err.code, ==, LIM_E_PARAM);
        g_assert_null(lim_dataset_of_classes(&d, wrong[i], &n, NULL));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dataset/idx", test_idx);
    g_test_add_func("/dataset/classes", test_classes);
    g_test_add_func("/dataset/of-classes", test_of_classes);
    g_test_add_func("/dataset/batch", test_batch);
    g_test_add_func("/dataset/damage", test_damage);
    g_test_add_func("/dataset/bombs", test_bombs);
    g_test_add_func("/dataset/fashion-mnist", test_fashion_mnist);
    g_test_add_func("/dataset/folder", test_folder);
    g_test_add_func("/dataset/open", test_open);
    g_test_add_func("/dataset/samples", test_samples);
    return g_test_run();
}
