/* The grid shows the bytes it was given: every one of them a square of whole device pixels. */
#include "support.h"

#include <math.h>

#include "widgets/lim-image-grid.h"
#include "widgets/lim-pin.h"

static GBytes *
noise(int n, int w, int h, int channels, guint32 seed)
{
    gsize size = (gsize)n * (gsize)w * (gsize)h * (gsize)channels;
    guint8 *p = g_malloc(size);
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);

    for (gsize i = 0; i < size; i++)
        p[i] = (guint8)g_rand_int_range(rand, 0, 256);
    return g_bytes_new_take(p, size);
}

/* Every device pixel of every picture, against the given bytes. */
static void
check_drawn(GtkWidget *grid, GBytes *pixels, int n, int w, int h, int channels, int scale,
            const LimGridLayout *l)
{
    int width, height;
    g_autofree guint8 *rgb = test_render(grid, scale, &width, &height);
    const guint8 *p = g_bytes_get_data(pixels, NULL);

    for (int i = 0; i < n; i++) {
        int x0 = (l->x + i % l->columns * (l->cell_w + l->gap)) * scale;
        int y0 = (l->y + i / l->columns * (l->cell_h + l->caption + l->gap)) * scale;
        for (int y = 0; y < l->cell_h * scale; y++) {
            for (int x = 0; x < l->cell_w * scale; x++) {
                int sx = x / (l->factor * scale), sy = y / (l->factor * scale);
                const guint8 *want = p + ((i * h + sy) * w + sx) * channels;
                const guint8 *got = rgb + ((y0 + y) * width + x0 + x) * 3;
                for (int c = 0; c < 3; c++)
                    g_assert_cmpint(got[c], ==, want[channels == 3 ? c : 0]);
            }
        }
    }
}

static void
test_pixels(void)
{
    static const struct {
        int n, w, h, channels, area_w, area_h;
    } cases[] = {{1, 28, 28, 1, 300, 280},
                 {16, 32, 32, 3, 640, 600},
                 {5, 7, 13, 3, 333, 251},
                 {36, 32, 32, 1, 517, 411}};

    for (gsize k = 0; k < G_N_ELEMENTS(cases); k++) {
        int n = cases[k].n, w = cases[k].w, h = cases[k].h, c = cases[k].channels;
        GtkWidget *grid = lim_image_grid_new();
        GtkWindow *window = test_show(grid, cases[k].area_w, cases[k].area_h);
        for (int scale = 1; scale <= 2; scale++) {
            g_autoptr(GBytes) pixels = noise(n, w, h, c, (guint32)(k * 2) + (guint32)scale);
            lim_image_grid_set_pictures(LIM_IMAGE_GRID(grid), pixels, n, w, h, c, NULL);
            g_assert_cmpint(lim_image_grid_get_n(LIM_IMAGE_GRID(grid)), ==, n);
            LimGridLayout l = lim_grid_layout(n, w, h, gtk_widget_get_width(grid),
                                              gtk_widget_get_height(grid), 6, 0);
            check_drawn(grid, pixels, n, w, h, c, scale, &l);
        }
        gtk_window_destroy(window);
    }
}

static void
test_enlarged(void)
{
    GtkWidget *grid = lim_image_grid_new();
    GtkWindow *window = test_show(grid, 400, 360);
    g_autoptr(GBytes) pixels = noise(9, 32, 32, 3, 7);
    g_autoptr(GBytes) fifth = g_bytes_new_from_bytes(pixels, 4 * 32 * 32 * 3, 32 * 32 * 3);
    const char *labels[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};

    lim_image_grid_set_pictures(LIM_IMAGE_GRID(grid), pixels, 9, 32, 32, 3, NULL);
    g_assert_cmpint(lim_image_grid_get_cursor(LIM_IMAGE_GRID(grid)), ==, 0);
    lim_image_grid_set_cursor(LIM_IMAGE_GRID(grid), 4);
    g_assert_true(test_key(grid, GDK_KEY_Return, 0));
    g_assert_true(lim_image_grid_get_enlarged(LIM_IMAGE_GRID(grid)));
    LimGridLayout l = lim_grid_layout(1, 32, 32, 400, 360, 6, 0);
    g_assert_cmpint(l.factor, ==, 11);
    check_drawn(grid, fifth, 1, 32, 32, 3, 1, &l);

    g_assert_true(test_key(grid, GDK_KEY_Right, 0));
    g_assert_cmpint(lim_image_grid_get_cursor(LIM_IMAGE_GRID(grid)), ==, 5);
    g_assert_true(test_key(grid, GDK_KEY_Escape, 0));
    g_assert_false(lim_image_grid_get_enlarged(LIM_IMAGE_GRID(grid)));
    g_assert_false(test_key(grid, GDK_KEY_Escape, 0)); /* left to the window */

    /* Fewer pictures: the cursor stays inside; none: nothing is enlarged. */
    lim_image_grid_set_cursor(LIM_IMAGE_GRID(grid), 8);
    g_autoptr(GBytes) four = g_bytes_new_from_bytes(pixels, 0, 4 * 32 * 32 * 3);
    lim_image_grid_set_pictures(LIM_IMAGE_GRID(grid), four, 4, 32, 32, 3, labels);
    g_assert_cmpint(lim_image_grid_get_cursor(LIM_IMAGE_GRID(grid)), ==, 3);
    lim_image_grid_set_enlarged(LIM_IMAGE_GRID(grid), TRUE);
    lim_image_grid_set_pictures(LIM_IMAGE_GRID(grid), NULL, 0, 0, 0, 1, NULL);
    g_assert_false(lim_image_grid_get_enlarged(LIM_IMAGE_GRID(grid)));
    g_assert_cmpint(lim_image_grid_get_cursor(LIM_IMAGE_GRID(grid)), ==, -1);
    test_spin(30);
    gtk_window_destroy(window);
}

static void
test_layout(void)
{
    /* The factor is the largest that fits for any number of columns, or nearly that and full. */
    for (int n = 1; n <= 64; n++) {
        for (int aw = 100; aw <= 1600; aw += 250) {
            for (int ah = 100; ah <= 1000; ah += 225) {
                LimGridLayout l = lim_grid_layout(n, 32, 28, aw, ah, 6, 17);
                int best = 1, full = 0;
                for (int c = 1; c <= n; c++)
                    for (int f = 1; f < 60; f++) {
                        int r = (n + c - 1) / c;
                        if (c * 32 * f + (c - 1) * 6 > aw || r * (28 * f + 17) + (r - 1) * 6 > ah)
                            break;
                        best = MAX(best, f);
                        if (r * c == n)
                            full = MAX(full, f);
                    }
                full = MAX(full, 1);
                if (full * 5 >= best * 4)
                    best = full;
                g_assert_cmpint(l.factor, ==, best);
                g_assert_cmpint(l.columns * l.rows, >=, n);
                g_assert_cmpint(l.columns * (l.rows - 1), <, n);
                g_assert_cmpint(l.x, >=, 0);
                g_assert_cmpint(l.y, >=, 0);
            }
        }
    }
    g_assert_cmpint(lim_grid_layout(16, 32, 32, 900, 700, 6, 0).columns, ==, 4);
    g_assert_cmpint(lim_grid_layout(16, 32, 32, 1560, 920, 6, 18).columns, ==, 4);
    g_assert_cmpint(lim_grid_layout(7, 32, 32, 900, 700, 6, 0).columns, ==, 3);
    /* A row, where only a row fits. */
    g_assert_cmpint(lim_grid_layout(6, 32, 32, 300, 34, 6, 0).columns, ==, 6);
}

/* Every device pixel of an area belongs to the picture whose square it lies in, or to none. */
static void
test_find(void)
{
    LimGridLayout l = lim_grid_layout(5, 7, 9, 203, 181, 6, 17);
    int count[5] = {0};

    for (int py = 0; py < 181; py++)
        for (int px = 0; px < 203; px++) {
            double x = px + 0.5, y = py + 0.5;
            int i = lim_grid_layout_find(&l, 5, &x, &y);
            if (i < 0)
                continue;
            int x0 = l.x + i % l.columns * (l.cell_w + 6),
                y0 = l.y + i / l.columns * (l.cell_h + 23);
            g_assert_cmpint(px - x0, >=, 0);
            g_assert_cmpint(px - x0, <, l.cell_w);
            g_assert_cmpint((int)x, ==, (px - x0) / l.factor);
            g_assert_cmpint((int)y, ==, MIN(py - y0, l.cell_h - 1) / l.factor);
            count[i]++;
        }
    for (int i = 0; i < 5; i++)
        g_assert_cmpint(count[i], ==, l.cell_w * (l.cell_h + 17));
}

static void
assert_probe(LimImageGrid *g, int picture, int x, int y)
{
    LimPlace p = lim_image_grid_get_probe(g);

    g_assert_cmpint(p.picture, ==, picture);
    if (picture >= 0) {
        g_assert_cmpint(p.x, ==, x);
        g_assert_cmpint(p.y, ==, y);
    }
}

static void
test_probe(void)
{
    GtkWidget *grid = lim_image_grid_new();
    GtkWindow *window = test_show(grid, 400, 400);
    LimImageGrid *g = LIM_IMAGE_GRID(grid);
    g_autoptr(GBytes) pixels = noise(4, 8, 8, 1, 3);
    guint *moved = test_count(grid, "probe-moved"), *pin = test_count(grid, "probe-pin"),
          *unpin = test_count(grid, "probe-unpin");

    lim_image_grid_set_pictures(g, pixels, 4, 8, 8, 1, NULL);
    lim_image_grid_set_probe(g, (LimPlace){0, 1, 1}); /* not probing */
    assert_probe(g, -1, 0, 0);
    lim_image_grid_set_probing(g, 2);
    test_key(grid, GDK_KEY_Return, 0); /* nothing to pin yet */
    g_assert_cmpuint(*pin, ==, 0);
    g_assert_false(lim_image_grid_get_enlarged(g));
    test_key(grid, GDK_KEY_Right, 0); /* appears in the middle of the picture at the cursor */
    assert_probe(g, 0, 4, 4);
    test_key(grid, GDK_KEY_Right, 0);
    test_key(grid, GDK_KEY_Up, 0);
    assert_probe(g, 0, 6, 2);
    gtk_test_accessible_assert_property(
        grid, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
        "4 pictures of 8 by 8 pixels. Picture 1, pixel column 6, row 2");
    test_key(grid, GDK_KEY_Right, 0); /* over the edge */
    assert_probe(g, 1, 0, 2);
    g_assert_cmpint(lim_image_grid_get_cursor(g), ==, 1);
    test_key(grid, GDK_KEY_Page_Down, 0);
    test_key(grid, GDK_KEY_Page_Down, 0);
    assert_probe(g, 3, 0, 2);
    test_key(grid, GDK_KEY_Page_Down, 0); /* no further */
    assert_probe(g, 3, 0, 2);
    test_key(grid, GDK_KEY_Return, 0);
    test_key(grid, GDK_KEY_Delete, 0);
    g_assert_cmpuint(*pin, ==, 1);
    g_assert_cmpuint(*unpin, ==, 1);
    test_key(grid, GDK_KEY_space, 0); /* one picture alone, and the probe on it */
    g_assert_true(lim_image_grid_get_enlarged(g));
    test_key(grid, GDK_KEY_Left, 0);
    assert_probe(g, 2, 6, 2);
    g_assert_cmpint(lim_image_grid_get_cursor(g), ==, 2);
    test_key(grid, GDK_KEY_Escape, 0);

    lim_image_grid_set_probing(g, 4); /* the cell of a coarser grid */
    assert_probe(g, 2, 4, 0);
    guint before = *moved;
    lim_image_grid_set_probe(g, (LimPlace){2, 7, 3});
    g_assert_cmpuint(*moved, ==, before); /* the same cell */
    g_autoptr(GBytes) two = g_bytes_new_from_bytes(pixels, 0, 2 * 64);
    lim_image_grid_set_pictures(g, two, 2, 8, 8, 1, NULL);
    assert_probe(g, -1, 0, 0);
    lim_image_grid_set_probing(g, 0);
    g_assert_cmpint(lim_image_grid_get_cursor(g), ==, 1);
    gtk_window_destroy(window);
}

static int
blend(int below, int above, double opacity)
{
    return (int)(below * (1 - opacity) + above * opacity + 0.5);
}

/* Colours over one picture, cell by cell; and marks on top of them. */
static void
test_overlay(void)
{
    GtkWidget *grid = lim_image_grid_new();
    GtkWindow *window = test_show(grid, 400, 360);
    LimImageGrid *g = LIM_IMAGE_GRID(grid);
    g_autoptr(GBytes) pixels = noise(2, 32, 32, 3, 5), map = noise(1, 8, 8, 3, 6);
    const guint8 *p = g_bytes_get_data(pixels, NULL), *m = g_bytes_get_data(map, NULL);
    const double opacity = 0.6;
    int width, height;

    lim_image_grid_set_pictures(g, pixels, 2, 32, 32, 3, NULL);
    lim_image_grid_set_overlay(g, 1, map, 8, 8, opacity);
    LimGridLayout l = lim_image_grid_get_layout(g);
    g_autofree guint8 *rgb = test_render(grid, 1, &width, &height);
    for (int i = 0; i < 2; i++)
        for (int y = 0; y < l.cell_h; y++)
            for (int x = 0; x < l.cell_w; x++) {
                int sx = x / l.factor, sy = y / l.factor;
                int at = ((l.y + i / l.columns * (l.cell_h + l.gap) + y) * width + l.x +
                          i % l.columns * (l.cell_w + l.gap) + x) *
                         3;
                for (int c = 0; c < 3; c++) {
                    int below = p[((i * 32 + sy) * 32 + sx) * 3 + c];
                    int want = i ? blend(below, m[(sy / 4 * 8 + sx / 4) * 3 + c], opacity) : below;
                    g_assert_cmpint(ABS(rgb[at + c] - want), <=, i ? 2 : 0);
                }
            }

    /* Transparent colours are no colours; no picture, no colours. */
    lim_image_grid_set_overlay(g, 1, map, 8, 8, 0);
    check_drawn(grid, pixels, 2, 32, 32, 3, 1, &l);
    lim_image_grid_set_overlay(g, -1, NULL, 0, 0, 1);
    check_drawn(grid, pixels, 2, 32, 32, 3, 1, &l);

    for (int which = 0; which < LIM_PIN_MAX; which++) {
        lim_image_grid_set_pins(g, &(LimGridPin){0, which, 16, 16, FALSE}, 1);
        g_autofree guint8 *with = test_render(grid, 1, &width, &height);
        int differs = 0, far = 0;
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                if (memcmp(with + (y * width + x) * 3, rgb + (y * width + x) * 3, 3) &&
                    x < l.x + l.cell_w) {
                    differs++;
                    far += hypot(x - l.x - 16 * l.factor, y - l.y - 16 * l.factor) > 16;
                }
        g_assert_cmpint(differs, >, 100);
        g_assert_cmpint(far, ==, 0);
    }
    /* A pin on a picture that is not shown. */
    lim_image_grid_set_pins(g, &(LimGridPin){7, 0, 16, 16, FALSE}, 1);
    check_drawn(grid, pixels, 2, 32, 32, 3, 1, &l);
    gtk_window_destroy(window);
}

static void
test_keys(void)
{
    GtkWidget *grid = lim_image_grid_new();
    GtkWindow *window = test_show(grid, 400, 400);
    LimImageGrid *g = LIM_IMAGE_GRID(grid);
    g_autoptr(GBytes) pixels = noise(16, 8, 8, 1, 3);
    guint *moved = test_count(grid, "notify::cursor");

    g_assert_false(test_key(grid, GDK_KEY_Right, 0)); /* nothing to move in */
    lim_image_grid_set_pictures(g, pixels, 16, 8, 8, 1, NULL);
    *moved = 0;
    test_key(grid, GDK_KEY_Down, 0);
    g_assert_cmpint(lim_image_grid_get_cursor(g), ==, 4);
    test_key(grid, GDK_KEY_Right, 0);
    g_assert_cmpint(lim_image_grid_get_cursor(g), ==, 5);
    test_key(grid, GDK_KEY_Up, 0);
    g_assert_cmpint(lim_image_grid_get_cursor(g), ==, 1);
    test_key(grid, GDK_KEY_Up, 0); /* stays */
    g_assert_cmpint(lim_image_grid_get_cursor(g), ==, 1);
    test_key(grid, GDK_KEY_End, 0);
    g_assert_cmpint(lim_image_grid_get_cursor(g), ==, 15);
    test_key(grid, GDK_KEY_Home, 0);
    g_assert_cmpint(lim_image_grid_get_cursor(g), ==, 0);
    g_assert_cmpuint(*moved, ==, 5);
    gtk_widget_set_direction(grid, GTK_TEXT_DIR_RTL);
    test_key(grid, GDK_KEY_Left, 0);
    g_assert_cmpint(lim_image_grid_get_cursor(g), ==, 1);
    g_assert_false(test_key(grid, GDK_KEY_Right, GDK_CONTROL_MASK));
    gtk_window_destroy(window);
}

static void
test_accessible(void)
{
    GtkWidget *grid = g_object_ref_sink(lim_image_grid_new());
    g_autoptr(GBytes) pixels = noise(2, 8, 8, 1, 3);
    const char *labels[] = {"Coat", "Bag"};
    guint *stale = test_count(grid, "notify::stale");

    gtk_test_accessible_assert_role(grid, GTK_ACCESSIBLE_ROLE_IMG);
    gtk_test_accessible_assert_property(grid, GTK_ACCESSIBLE_PROPERTY_LABEL, "Pictures");
    gtk_test_accessible_assert_property(grid, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                        "No pictures yet");
    lim_image_grid_set_pictures(LIM_IMAGE_GRID(grid), pixels, 2, 8, 8, 1, labels);
    lim_image_grid_set_cursor(LIM_IMAGE_GRID(grid), 1);
    gtk_test_accessible_assert_property(grid, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                        "2 pictures of 8 by 8 pixels. Picture 2: Bag");
    lim_image_grid_set_stale(LIM_IMAGE_GRID(grid), TRUE);
    lim_image_grid_set_stale(LIM_IMAGE_GRID(grid), TRUE);
    gtk_test_accessible_assert_state(grid, GTK_ACCESSIBLE_STATE_BUSY, TRUE);
    g_assert_cmpuint(*stale, ==, 1);
    g_assert_finalize_object(grid);
}

int
main(int argc, char **argv)
{
    test_ui_init(&argc, &argv);
    g_test_add_func("/image-grid/layout", test_layout);
    g_test_add_func("/image-grid/pixels", test_pixels);
    g_test_add_func("/image-grid/enlarged", test_enlarged);
    g_test_add_func("/image-grid/find", test_find);
    g_test_add_func("/image-grid/probe", test_probe);
    g_test_add_func("/image-grid/overlay", test_overlay);
    g_test_add_func("/image-grid/keys", test_keys);
    g_test_add_func("/image-grid/accessible", test_accessible);
    return g_test_run();
}
