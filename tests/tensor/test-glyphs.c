/* Words in pictures: each character its own dots, nothing outside its place. */
#include "tensor/glyphs.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t black[4] = {0, 0, 0, 255}, white[4] = {255, 255, 255, 255};

static LimImageView
page(int w, int h)
{
    LimImageView view = lim_image_alloc(w, h, LIM_PIXEL_GREY8, NULL);
    lim_image_fill(view, white);
    return view;
}

static int
ink(LimImageView v, int x0, int y0, int x1, int y1)
{
    int n = 0;
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
            n += v.data[(size_t)y * v.stride + (size_t)x] == 0;
    return n;
}

/* All printable characters differ, have ink except for the space, and leave the gap free. */
static void
test_all(void)
{
    LimImageView seen['~' + 1];
    for (char c = ' '; c <= '~'; c++) {
        const char text[] = {c, 0};
        LimImageView v = seen[(int)c] = page(LIM_GLYPH_W, LIM_GLYPH_H);
        lim_glyphs_draw(v, 0, 0, text, 100, 1, black);
        g_assert_cmpint(ink(v, 0, 0, 5, LIM_GLYPH_H) > 0, ==, c != ' ');
        g_assert_cmpint(ink(v, 5, 0, 6, LIM_GLYPH_H), ==, 0);
        for (char d = ' '; d < c; d++)
            g_assert_cmpint(memcmp(v.data, seen[(int)d].data, v.stride * LIM_GLYPH_H), !=, 0);
    }
    for (char c = ' '; c <= '~'; c++)
        free(seen[(int)c].data);
}

static void
test_place(void)
{
    LimImageView v = page(60, 40);
    lim_glyphs_draw(v, 20, 10, "HI", 100, 2, black);
    g_assert_cmpint(lim_glyphs_width("HI", 2), ==, 22);
    int all = ink(v, 0, 0, 60, 40);
    g_assert_cmpint(all, ==, ink(v, 20, 10, 42, 24));
    g_assert_cmpint(all, ==, 4 * (17 + 11)); /* dots of H and I */

    /* Cut by the width that is given, and by the picture. */
    lim_image_fill(v, white);
    lim_glyphs_draw(v, 20, 10, "HI", 21, 2, black);
    g_assert_cmpint(ink(v, 0, 0, 60, 40), ==, 4 * 17);
    lim_image_fill(v, white);
    lim_glyphs_draw(v, -4, -2, "HI", 100, 2, black);
    g_assert_cmpint(ink(v, 0, 0, 60, 40), >, 0);
    lim_glyphs_draw(v, 58, 35, "HIHIHI", 1000, 3, black);
    free(v.data);
}

static void
test_utf8(void)
{
    g_assert_cmpint(lim_glyphs_width("", 3), ==, 0);
    g_assert_cmpint(lim_glyphs_width("\303\251t\303\251", 1), ==, lim_glyphs_width("?t?", 1));
    LimImageView a = page(40, 9), b = page(40, 9);
    lim_glyphs_draw(a, 0, 0, "\342\202\254 \001", 40, 1, black);
    lim_glyphs_draw(b, 0, 0, "? ?", 40, 1, black);
    g_assert_cmpmem(a.data, a.stride * 9, b.data, b.stride * 9);
    free(a.data);
    free(b.data);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/glyphs/all", test_all);
    g_test_add_func("/glyphs/place", test_place);
    g_test_add_func("/glyphs/utf8", test_utf8);
    return g_test_run();
}
