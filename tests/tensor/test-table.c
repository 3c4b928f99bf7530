/* Tables of pictures: tiles where they belong, words beside them and nowhere else; marks that
 * differ. */
#include "tensor/marks.h"
#include "tensor/table.h"

#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const rows[] = {"one", "two, a longer name"}, *const columns[] = {"a", "b", "c"};
static const char *const captions[] = {"1", "2", "3", "4", "5", "6"}, *const notes[] = {"Note."};

/* Pixels that are not white. */
static int
ink(LimImageView v)
{
    const int bytes = lim_pixel_bytes(v.format);
    int n = 0;
    for (int y = 0; y < v.h; y++)
        for (int x = 0; x < v.w; x++) {
            const uint8_t *p = v.data + (size_t)y * v.stride + (size_t)(x * bytes);
            n += p[0] != 255 || p[bytes - 1] != 255;
        }
    return n;
}

/* Without words: the tiles, a margin, and nothing else. With more and more of them: never a dot in
 * a tile, and more ink each time. */
static void
test_words(void)
{
    LimTable t = {.rows = 2, .columns = 3, .tile_w = 20, .tile_h = 16, .gap = 4, .letter = 1};
    int before = -1;
    for (int k = 0; k < 7; k++) {
        if (k == 1)
            t.row_labels = rows;
        if (k == 2)
            t.column_labels = columns;
        if (k == 3)
            t.row_title = "Rows";
        if (k == 4)
            t.column_title = "Columns";
        if (k == 5)
            t.captions = captions;
        if (k == 6) {
            t.notes = notes;
            t.n_notes = 1;
        }
        for (int colour = 0; colour < 2; colour++) {
            LimError err = LIM_ERROR_INIT;
            LimImageView p = lim_table_new(&t, colour ? LIM_PIXEL_RGB8 : LIM_PIXEL_GREY8, &err);
            g_assert_nonnull(p.data);
            if (k == 0) {
                g_assert_cmpint(p.w, ==, 8 + 3 * 20 + 2 * 4 + 8);
                g_assert_cmpint(p.h, ==, 8 + 2 * 16 + 4 + 8);
                g_assert_cmpint(ink(p), ==, 0);
            }
            if (!colour) {
                g_assert_cmpint(ink(p), >, before);
                before = ink(p);
            }
            for (int r = 0; r < 2; r++)
                for (int c = 0; c < 3; c++) {
                    LimImageView tile = lim_table_tile(&t, p, r, c);
                    g_assert_cmpint(tile.w, ==, 20);
                    g_assert_cmpint(tile.h, ==, 16);
                    g_assert_cmpint(ink(tile), ==, 0);
                }
            free(p.data);
        }
    }
}

/* Tiles do not overlap, and the batch goes into them in order. */
static void
test_fill(void)
{
    const LimTable t = {.rows = 2,
                        .columns = 3,
                        .tile_w = 8,
                        .tile_h = 6,
                        .letter = 1,
                        .row_labels = rows,
                        .captions = captions};
    float batch[6 * 3 * 4];
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < 12; k++)
            batch[i * 12 + k] = (float)(i * 40 + k) / 127.5f - 1;
    LimImageView p = lim_table_new(&t, LIM_PIXEL_GREY8, NULL);
    const int words = ink(p);
    lim_table_fill(&t, p, batch, 1, 3, 4, 2);
    g_assert_cmpint(ink(p), ==, words + 6 * 48);
    for (int i = 0; i < 6; i++) {
        LimImageView tile = lim_table_tile(&t, p, i / 3, i % 3);
        for (int y = 0; y < 6; y++)
            for (int x = 0; x < 8; x++)
                g_assert_cmpint(tile.data[(size_t)y * tile.stride + (size_t)x], ==,
                                i * 40 + y / 2 * 4 + x / 2);
    }
    free(p.data);
}

static void
test_too_large(void)
{
    LimTable t = {.rows = 1, .columns = 3, .tile_w = 20000, .tile_h = 16, .letter = 1};
    LimError err = LIM_ERROR_INIT;
    g_assert_null(lim_table_new(&t, LIM_PIXEL_GREY8, &err).data);
    g_assert_cmpint(err.code, !=, LIM_OK);
    g_assert_cmpuint(strlen(err.text), >, 10);
}

/* Each mark stands around its place, can be told from the others by shape alone and by colour
 * alone, and is cut off at the border. */
static void
test_marks(void)
{
    LimImageView seen[LIM_MARKS];
    for (int k = 0; k < LIM_MARKS; k++) {
        LimImageView v = seen[k] = lim_image_alloc(40, 40, LIM_PIXEL_RGB8, NULL);
        memset(v.data, 77, v.stride * 40);
        lim_mark_draw(v, k, 20, 20, 17);
        double x_sum = 0, y_sum = 0, n = 0;
        for (int y = 0; y < 40; y++)
            for (int x = 0; x < 40; x++)
                if (v.data[(size_t)y * v.stride + (size_t)x * 3] != 77) {
                    x_sum += x + 0.5;
                    y_sum += y + 0.5;
                    n++;
                }
        g_assert_cmpfloat(n, >, 150);
        g_assert_cmpfloat(n, <, 500);
        g_assert_cmpfloat_with_epsilon(x_sum / n, 20, 0.5);
        g_assert_cmpfloat_with_epsilon(y_sum / n, 20, 2);
        for (int other = 0; other < k; other++) {
            int shape = 0, colour = 0;
            for (int y = 0; y < 40; y++)
                for (int x = 0; x < 40; x++) {
                    const uint8_t *a = v.data + (size_t)y * v.stride + (size_t)x * 3;
                    const uint8_t *b = seen[other].data + (size_t)y * v.stride + (size_t)x * 3;
                    const bool on = a[0] != 77 || a[1] != 77 || a[2] != 77;
                    shape += on != (b[0] != 77 || b[1] != 77 || b[2] != 77);
                    colour += on && abs(a[0] - b[0]) + abs(a[1] - b[1]) + abs(a[2] - b[2]) > 60;
                }
            g_assert_cmpint(shape, >, 15);
            g_assert_cmpint(colour, >, 40);
        }
        LimImageView border = lim_image_alloc(20, 20, LIM_PIXEL_RGB8, NULL);
        lim_mark_draw(border, k, 0, 0, 17);
        lim_mark_draw(border, k, 19.5, 25, 17);
        lim_mark_draw(border, k, -30, 20, 5);
        free(border.data);
    }
    for (int k = 0; k < LIM_MARKS; k++)
        free(seen[k].data);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/table/words", test_words);
    g_test_add_func("/table/fill", test_fill);
    g_test_add_func("/table/too-large", test_too_large);
    g_test_add_func("/table/marks", test_marks);
    return g_test_run();
}
