/* Scenes of one's own: pictures of any size, masks as files, garments of a mask. */
#include "data/scene-own.h"
#include "tensor/png.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <stdlib.h>

enum { SIZE = 64, AREA = SIZE * SIZE };

static char *folder;

static char *
write_picture(const char *name, int w, int h, int (*value)(int x, int y))
{
    char *path = g_build_filename(folder, name, NULL);
    LimError err = LIM_ERROR_INIT;
    LimImageView v = lim_image_alloc(w, h, LIM_PIXEL_RGB8, &err);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            for (int c = 0; c < 3; c++)
                v.data[(size_t)y * v.stride + 3 * (size_t)x + (size_t)c] = (uint8_t)value(x, y);
    g_assert_cmpint(lim_png_write(path, v, NULL, 0, &err), ==, LIM_OK);
    free(v.data);
    return path;
}

static int
slope(int x, int y)
{
    return (3 * x + y) % 256;
}

static int
middle(int x, int y) /* of 200 x 100: black outside of the middle square, and 40 or 80 in turn */
{
    return x < 50 || x >= 150 ? 0 : x % 2 ? 40 : 80;
}

/* A picture of the size is taken byte by byte; a wide one loses its sides and is averaged; a small
 * one is repeated. */
static void
test_read(void)
{
    LimError err = LIM_ERROR_INIT;
    float x[3 * AREA];
    g_autofree char *same = write_picture("same.png", SIZE, SIZE, slope);
    g_autofree char *wide = write_picture("wide.png", 200, 100, middle);
    g_autofree char *small = write_picture("small.png", 2, 3, slope);
    g_assert_cmpint(lim_scene_read(same, SIZE, x, &err), ==, LIM_OK);
    for (int i = 0; i < 3 * AREA; i++)
        g_assert_cmpfloat_with_epsilon(((double)x[i] + 1) * 127.5, slope(i % SIZE, i % AREA / SIZE),
                                       1e-3);
    g_assert_cmpint(lim_scene_read(wide, SIZE, x, &err), ==, LIM_OK);
    double sum = 0;
    for (int i = 0; i < 3 * AREA; i++) {
        const double v = ((double)x[i] + 1) * 127.5;
        g_assert_true(v > 40 && v < 80);
        sum += v / (3 * AREA);
    }
    g_assert_cmpfloat_with_epsilon(sum, 60, 0.5);
    g_assert_cmpint(lim_scene_read(small, SIZE, x, &err), ==, LIM_OK);
    g_assert_cmpfloat_with_epsilon(((double)x[0] + 1) * 127.5, slope(0, 0), 1e-3);
    g_assert_cmpfloat_with_epsilon(((double)x[AREA - 1] + 1) * 127.5, slope(1, 1), 1e-3);
    g_assert_cmpint(lim_scene_read("/nowhere.png", SIZE, x, &err), !=, LIM_OK);
    g_assert_nonnull(strstr(err.text, "/nowhere.png"));
}

static void
fill(int32_t *mask, int label, int x0, int y0, int x1, int y1)
{
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
            mask[y * SIZE + x] = label;
}

/* Connected parts of at least 40 pixels, the largest first; corners do not connect. */
static void
test_of_mask(void)
{
    int32_t mask[AREA] = {0};
    LimScene s;
    lim_scene_of_mask(mask, SIZE, &s);
    g_assert_cmpint(s.n, ==, 0);
    fill(mask, 2, 0, 0, 8, 8);
    fill(mask, 2, 8, 8, 20, 20); /* touches it with a corner */
    fill(mask, 1, 20, 8, 30, 20);
    fill(mask, 3, 40, 40, 45, 47); /* 35 pixels */
    lim_scene_of_mask(mask, SIZE, &s);
    g_assert_cmpint(s.n, ==, 3);
    g_assert_cmpint(s.object[0].label, ==, 2);
    g_assert_cmpint(s.object[0].pixels, ==, 144);
    g_assert_cmpfloat(s.object[0].box[0], ==, 8);
    g_assert_cmpfloat(s.object[0].box[3], ==, 20);
    g_assert_cmpint(s.object[1].label, ==, 1);
    g_assert_cmpint(s.object[2].pixels, ==, 64);
    /* no more than there is room for */
    fill(mask, 0, 0, 0, SIZE, SIZE);
    for (int k = 0; k < 9; k++)
        fill(mask, 1 + k % 2, 8 + 6 * k % 48, 8 * (k / 4) * 2, 13 + 6 * k % 48,
             8 * (k / 4) * 2 + 9);
    lim_scene_of_mask(mask, SIZE, &s);
    g_assert_cmpint(s.n, <=, LIM_SCENE_GARMENTS);
    for (int k = 1; k < s.n; k++)
        g_assert_cmpint(s.object[k].pixels, <=, s.object[k - 1].pixels);
}

static void
test_masks(void)
{
    LimError err = LIM_ERROR_INIT;
    g_autofree char *path = g_build_filename(folder, "mask.png", NULL);
    int32_t mask[AREA] = {0}, back[AREA];
    fill(mask, 7, 3, 4, 30, 50);
    g_assert_cmpint(lim_scene_write_mask(path, SIZE, mask, &err), ==, LIM_OK);
    g_assert_cmpint(lim_scene_read_mask(path, SIZE, 8, back, &err), ==, LIM_OK);
    g_assert_cmpmem(mask, sizeof mask, back, sizeof back);
    g_assert_cmpint(lim_scene_read_mask(path, SIZE, 7, back, &err), ==, LIM_E_PARAM);
    g_assert_nonnull(strstr(err.text, "column 3, row 4"));
    err = (LimError)LIM_ERROR_INIT;
    g_assert_cmpint(lim_scene_read_mask(path, 48, 8, back, &err), ==, LIM_E_SHAPE);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("limen-test-XXXXXX", NULL);
    g_test_add_func("/data/scene-own/read", test_read);
    g_test_add_func("/data/scene-own/of-mask", test_of_mask);
    g_test_add_func("/data/scene-own/masks", test_masks);
    const int status = g_test_run();
    const char *const names[] = {"same.png", "wide.png", "small.png", "mask.png"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(folder, names[i], NULL);
        g_unlink(path);
    }
    g_rmdir(folder);
    g_free(folder);
    return status;
}
