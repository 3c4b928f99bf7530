/* LimImageTable: every picture at its place, sharp; names, cursor and marks. */
#include "support.h"

#include "widgets/lim-image-table.h"

#include <string.h>

#define W 5
#define H 4

static const char *const seeds[] = {"1", "2", "3"};
static const char *const thresholds[] = {"0.5", "1", "1.5", "2"};

static gboolean above;

static LimImageTable *
make_table(void)
{
    LimImageTable *t = LIM_IMAGE_TABLE(lim_image_table_new("Sheet"));

    lim_image_table_set_names_above(t, above);

    lim_image_table_set_names(t, "Seed", 3, seeds, "Truncation threshold", 4, thresholds);
    return t;
}

static guint8 *
noise(int n, int channels, guint32 seed)
{
    guint8 *p = g_malloc((gsize)(n * W * H * channels));
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);

    for (int i = 0; i < n * W * H * channels; i++)
        p[i] = (guint8)g_rand_int_range(rand, 0, 256);
    return p;
}

/* The device pixels of a place are those of the picture, each a square. */
static void
check_drawn(LimImageTable *t, int row, int column, const guint8 *picture, int channels, int scale)
{
    int w, h;
    g_autofree guint8 *rgb = test_render(GTK_WIDGET(t), scale, &w, &h);
    graphene_rect_t area;

    lim_image_table_get_area(t, row, column, &area);
    int x0 = (int)area.origin.x * scale, y0 = (int)area.origin.y * scale;
    int cw = (int)area.size.width * scale, ch = (int)area.size.height * scale;
    g_assert_cmpint(cw % W, ==, 0);
    g_assert_cmpint(ch % H, ==, 0);
    g_assert_cmpint(x0 + cw, <=, w);
    g_assert_cmpint(y0 + ch, <=, h);
    for (int y = 0; y < ch; y++)
        for (int x = 0; x < cw; x++) {
            const guint8 *want = picture + ((y * H / ch) * W + x * W / cw) * channels;
            const guint8 *got = rgb + ((y0 + y) * w + x0 + x) * 3;
            for (int c = 0; c < 3; c++)
                g_assert_cmpint(got[c], ==, want[channels == 3 ? c : 0]);
        }
}

static void
test_pictures(void)
{
    LimImageTable *t = make_table();
    GtkWindow *window = test_show(GTK_WIDGET(t), 420, 300);

    g_assert_null(lim_image_table_dup_picture(t, 0, 0));
    for (int channels = 1; channels <= 3; channels += 2) {
        g_autofree guint8 *p = noise(12, channels, (guint32)channels);
        lim_image_table_clear_pictures(t);
        lim_image_table_set_pictures(t, 0, 5, p, W, H, channels); /* one by one */
        g_assert_null(lim_image_table_dup_picture(t, 1, 1));
        lim_image_table_set_pictures(t, 5, 7, p + 5 * W * H * channels, W, H, channels);
        for (int scale = 1; scale <= 2; scale++)
            for (int i = 0; i < 12; i++)
                check_drawn(t, i / 4, i % 4, p + i * W * H * channels, channels, scale);
        g_autofree guint8 *copy = lim_image_table_dup_picture(t, 2, 1);
        for (int k = 0; k < W * H * 3; k++)
            g_assert_cmpint(copy[k], ==, p[9 * W * H * channels + (channels == 3 ? k : k / 3)]);
    }

    /* Other names: the pictures stay; another shape: they go. */
    lim_image_table_set_names(t, "Class", 3, seeds, "Walk x", 4, thresholds);
    g_autofree guint8 *kept = lim_image_table_dup_picture(t, 0, 0);
    g_assert_nonnull(kept);
    lim_image_table_set_names(t, "Class", 2, seeds, "Walk x", 4, thresholds);
    g_assert_null(lim_image_table_dup_picture(t, 0, 0));
    lim_image_table_set_names(t, "Class", 0, NULL, "Walk x", 4, thresholds);
    int rows, columns;
    lim_image_table_get_size(t, &rows, &columns);
    g_assert_cmpint(rows, ==, 0);
    g_assert_cmpint(columns, ==, 0);
    lim_image_table_get_cursor(t, &rows, &columns);
    g_assert_cmpint(rows, ==, -1);
    test_spin(30);
    gtk_window_destroy(window);
}

typedef struct Seen {
    int activated, opened, row, column;
} Seen;

static void
on_activated(LimImageTable *t, int row, int column, Seen *seen)
{
    seen->activated++;
    seen->row = row;
    seen->column = column;
}

static void
on_opened(LimImageTable *t, int row, int column, Seen *seen)
{
    seen->opened++;
    seen->row = row;
    seen->column = column;
}

static void
check_cursor(LimImageTable *t, int row, int column)
{
    int r, c;

    lim_image_table_get_cursor(t, &r, &c);
    g_assert_cmpint(r, ==, row);
    g_assert_cmpint(c, ==, column);
}

static void
test_keys(void)
{
    LimImageTable *t = LIM_IMAGE_TABLE(lim_image_table_new("Sheet"));
    GtkWidget *w = GTK_WIDGET(t);
    GtkWindow *window = test_show(w, 400, 300);
    Seen seen = {0};
    int pointed;

    g_signal_connect(t, "cell-activated", G_CALLBACK(on_activated), &seen);
    g_signal_connect(t, "cell-opened", G_CALLBACK(on_opened), &seen);
    g_assert_false(test_key(w, GDK_KEY_Right, 0));
    lim_image_table_set_names(t, "Seed", 3, seeds, "Truncation threshold", 4, thresholds);
    check_cursor(t, 0, 0);
    g_assert_true(test_key(w, GDK_KEY_Left, 0)); /* stays */
    check_cursor(t, 0, 0);
    test_key(w, GDK_KEY_Right, 0);
    test_key(w, GDK_KEY_Down, 0);
    check_cursor(t, 1, 1);
    g_object_get(t, "pointed", &pointed, NULL);
    g_assert_cmpint(pointed, ==, 5);
    test_key(w, GDK_KEY_End, 0);
    test_key(w, GDK_KEY_Page_Down, 0);
    check_cursor(t, 2, 3);
    test_key(w, GDK_KEY_Right, 0);
    test_key(w, GDK_KEY_Down, 0);
    check_cursor(t, 2, 3);
    g_assert_true(test_key(w, GDK_KEY_Return, 0));
    g_assert_cmpint(seen.activated, ==, 1);
    g_assert_cmpint(seen.row * 10 + seen.column, ==, 23);
    test_key(w, GDK_KEY_Home, 0);
    test_key(w, GDK_KEY_Page_Up, 0);
    check_cursor(t, 0, 0);
    g_assert_true(test_key(w, GDK_KEY_space, 0));
    g_assert_cmpint(seen.activated, ==, 2);
    g_assert_true(test_key(w, GDK_KEY_Return, GDK_CONTROL_MASK));
    g_assert_cmpint(seen.opened, ==, 1);
    g_assert_false(test_key(w, GDK_KEY_Right, GDK_CONTROL_MASK));
    check_cursor(t, 0, 0);

    /* Fewer places: the cursor stays inside. */
    lim_image_table_set_cursor(t, 2, 3);
    lim_image_table_set_marked(t, 2, 3);
    lim_image_table_set_names(t, "Seed", 2, seeds, "Truncation threshold", 1, thresholds);
    check_cursor(t, 1, 0);
    int row, column;
    lim_image_table_get_marked(t, &row, &column);
    g_assert_cmpint(row, ==, -1);
    gtk_window_destroy(window);
}

static void
test_accessible(void)
{
    LimImageTable *t = g_object_ref_sink(LIM_IMAGE_TABLE(lim_image_table_new("Sheet")));
    guint *stale = test_count(t, "notify::stale");

    gtk_test_accessible_assert_role(t, GTK_ACCESSIBLE_ROLE_IMG);
    gtk_test_accessible_assert_property(t, GTK_ACCESSIBLE_PROPERTY_LABEL, "Sheet");
    gtk_test_accessible_assert_property(t, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, "No pictures yet");
    lim_image_table_set_names(t, "Seed", 3, seeds, "Truncation threshold", 4, thresholds);
    lim_image_table_set_cursor(t, 2, 1);
    lim_image_table_set_marked(t, 2, 1);
    gtk_test_accessible_assert_property(t, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                        "Seed 3, Truncation threshold 1, the settings now. "
                                        "3 rows: Seed. 4 columns: Truncation threshold");
    lim_image_table_set_stale(t, TRUE);
    lim_image_table_set_stale(t, TRUE);
    gtk_test_accessible_assert_state(t, GTK_ACCESSIBLE_STATE_BUSY, TRUE);
    g_assert_cmpuint(*stale, ==, 1);
    g_assert_finalize_object(t);
}

/* A frame around the marked place and nothing else changes. */
static void
test_marked(void)
{
    LimImageTable *t = make_table();
    GtkWindow *window = test_show(GTK_WIDGET(t), 420, 300);
    g_autofree guint8 *p = noise(12, 1, 9);
    int w, h;
    graphene_rect_t area;

    lim_image_table_set_pictures(t, 0, 12, p, W, H, 1);
    g_autofree guint8 *before = test_render(GTK_WIDGET(t), 1, &w, &h);
    lim_image_table_set_marked(t, 2, 3); /* in the corner */
    g_autofree guint8 *after = test_render(GTK_WIDGET(t), 1, &w, &h);
    lim_image_table_get_area(t, 2, 3, &area);
    int x0 = (int)area.origin.x - 2, y0 = (int)area.origin.y - 2;
    int x1 = x0 + (int)area.size.width + 4, y1 = y0 + (int)area.size.height + 4, n = 0;
    g_assert_cmpint(x1, <=, w);
    g_assert_cmpint(y1, <=, h);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            gboolean frame = x >= x0 && x < x1 && y >= y0 && y < y1 &&
                             !(x >= x0 + 2 && x < x1 - 2 && y >= y0 + 2 && y < y1 - 2);
            gboolean differs = memcmp(before + 3 * (y * w + x), after + 3 * (y * w + x), 3) != 0;
            g_assert_cmpint(differs, ==, frame);
            n += differs;
        }
    g_assert_cmpint(n, >, 0);
    gtk_window_destroy(window);
}

/* Names above the rows move the pictures, and nothing else. */
static void
test_above(void)
{
    LimImageTable *t = make_table();
    GtkWindow *window = test_show(GTK_WIDGET(t), 420, 300);
    g_autofree guint8 *p = noise(12, 1, 9);
    graphene_rect_t beside, over, next;

    lim_image_table_set_pictures(t, 0, 12, p, W, H, 1);
    lim_image_table_get_area(t, 0, 0, &beside);
    gtk_window_destroy(window);
    above = TRUE;
    test_pictures();
    test_marked();
    t = make_table();
    window = test_show(GTK_WIDGET(t), 420, 300);
    lim_image_table_set_pictures(t, 0, 12, p, W, H, 1);
    lim_image_table_get_area(t, 0, 0, &over);
    lim_image_table_get_area(t, 1, 0, &next);
    g_assert_cmpfloat(over.origin.x, <, beside.origin.x);
    g_assert_cmpfloat(next.origin.y - over.origin.y, >, over.size.height + 12);
    gtk_window_destroy(window);

    /* Without titles. */
    t = g_object_ref_sink(make_table());
    lim_image_table_set_names(t, NULL, 3, seeds, NULL, 4, thresholds);
    g_autofree char *place = lim_image_table_dup_place(t, 1, 2);
    g_assert_cmpstr(place, ==, "2, 1.5");
    gtk_test_accessible_assert_property(t, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                        "1, 0.5. 3 rows. 4 columns");
    g_assert_finalize_object(t);
    above = FALSE;
}

/* Between once and twice their size pictures fill the room, and none bleeds into its neighbours. */
static void
test_between(void)
{
    enum { SIDE = 80 };
    LimImageTable *t = LIM_IMAGE_TABLE(lim_image_table_new("Sheet"));
    g_autofree guint8 *pixels = g_malloc0(4 * SIDE * SIDE);
    int w, h;

    lim_image_table_set_names(t, NULL, 2, seeds, NULL, 2, thresholds);
    for (int i = 0; i < 4; i++)
        memset(pixels + i * SIDE * SIDE, i == 0 || i == 3 ? 0 : 255, SIDE * SIDE);
    lim_image_table_set_pictures(t, 0, 4, pixels, SIDE, SIDE, 1);
    GtkWindow *window = test_show(GTK_WIDGET(t), 320, 320);
    g_autofree guint8 *rgb = test_render(GTK_WIDGET(t), 1, &w, &h);
    for (int i = 0; i < 4; i++) {
        graphene_rect_t area;
        lim_image_table_get_area(t, i / 2, i % 2, &area);
        int cw = (int)area.size.width, ch = (int)area.size.height;
        g_assert_cmpint(cw, >, 5 * SIDE / 4);
        g_assert_cmpint(cw, <, 2 * SIDE);
        g_assert_cmpint(cw, ==, ch);
        for (int y = 0; y < ch; y++)
            for (int x = 0; x < cw; x++)
                g_assert_cmpint(rgb[(((int)area.origin.y + y) * w + (int)area.origin.x + x) * 3],
                                ==, pixels[i * SIDE * SIDE]);
    }
    gtk_window_destroy(window);
}

int
main(int argc, char **argv)
{
    test_ui_init(&argc, &argv);
    g_test_add_func("/image-table/pictures", test_pictures);
    g_test_add_func("/image-table/keys", test_keys);
    g_test_add_func("/image-table/accessible", test_accessible);
    g_test_add_func("/image-table/marked", test_marked);
    g_test_add_func("/image-table/above", test_above);
    g_test_add_func("/image-table/between", test_between);
    return g_test_run();
}
