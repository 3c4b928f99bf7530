/* The grid shows the bytes it was given: every one of them a square of whole device pixels. */
#include "support.h"

#include "widgets/lim-image-grid.h"

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
    g_test_add_func("/image-grid/keys", test_keys);
    g_test_add_func("/image-grid/accessible", test_accessible);
    return g_test_run();
}
