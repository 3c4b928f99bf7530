/* Hand and keyboard: the X server is given real motions, buttons, wheel and keys (by xdotool), and
 * the window must do what a person expects. */
#include "support-app.h"

#include "widgets/lim-slider-row.h"

#define MODEL "double 10 32 32 1 1"

/* Runs xdotool with these arguments while the window keeps going. */
static void G_GNUC_PRINTF(1, 2) xdo(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *line = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *command = g_strdup_printf("xdotool %s", line);
    g_auto(GStrv) argv = NULL;
    g_autoptr(GSubprocess) process = NULL;

    g_assert_true(g_shell_parse_argv(command, NULL, &argv, NULL));
    process = g_subprocess_newv((const char *const *)argv, G_SUBPROCESS_FLAGS_NONE, NULL);
    g_assert_nonnull(process);
    while (g_subprocess_get_identifier(process)) { /* NULL once it has ended */
        g_main_context_iteration(NULL, FALSE);
        g_usleep(1000);
    }
    g_assert_true(g_subprocess_get_successful(process));
    test_spin(60);
}

/* Where a point of a widget is on the screen: the window is alone on it, at the top left. */
static void
at(TestApp *t, GtkWidget *widget, double x, double y, int *rx, int *ry)
{
    double dx, dy, wx, wy;

    gtk_native_get_surface_transform(GTK_NATIVE(t->window), &dx, &dy);
    g_assert_true(gtk_widget_translate_coordinates(widget, GTK_WIDGET(t->window), x, y, &wx, &wy));
    *rx = (int)(wx + dx);
    *ry = (int)(wy + dy);
}

static GtkWidget *
scale_of(TestApp *t)
{
    LimFormRow *row = lim_form_get_row(t->form, "threshold");

    return lim_slider_row_get_scale(LIM_SLIDER_ROW(row));
}

static double
threshold(TestApp *t)
{
    g_autoptr(GVariant) v = test_value(t, "threshold");

    return g_variant_get_double(v);
}

/* The middle of the thumb. */
static void
thumb(TestApp *t, int *x, int *y)
{
    GtkWidget *scale = scale_of(t);
    GtkAdjustment *a = gtk_range_get_adjustment(GTK_RANGE(scale));
    double low = gtk_adjustment_get_lower(a), high = gtk_adjustment_get_upper(a);
    GdkRectangle trough;

    gtk_range_get_range_rect(GTK_RANGE(scale), &trough);
    at(t, scale, trough.x + trough.width * (threshold(t) - low) / (high - low),
       trough.y + trough.height / 2.0, x, y);
}

static void
body_drag(TestApp *t)
{
    int x, y;

    test_wait_current(t);
    gtk_test_widget_wait_for_draw(GTK_WIDGET(t->window));
    thumb(t, &x, &y);
    xdo("mousemove %d %d mousedown 1", x, y);
    for (int i = 1; i <= 6; i++)
        xdo("mousemove %d %d", x + 10 * i, y);
    double dragged = threshold(t);
    g_assert_cmpfloat(dragged, >, 1.2);

    /* Escape: as if nothing had happened, also when the mouse still moves. */
    xdo("key Escape");
    g_assert_cmpfloat(threshold(t), ==, 1);
    xdo("mousemove %d %d", x + 90, y);
    g_assert_cmpfloat(threshold(t), ==, 1);
    xdo("mouseup 1");
    g_assert_cmpfloat(threshold(t), ==, 1);
    g_assert_false(test_can(t, "undo"));
    test_spin(500);
    g_assert_false(test_can(t, "undo"));

    /* Without Escape: one step, settled by the release. */
    thumb(t, &x, &y);
    xdo("mousemove %d %d mousedown 1", x, y);
    for (int i = 1; i <= 6; i++)
        xdo("mousemove %d %d", x - 8 * i, y);
    g_assert_false(test_can(t, "undo"));
    xdo("mouseup 1");
    g_assert_true(test_can(t, "undo"));
    g_assert_cmpfloat(threshold(t), <, 0.9);
    xdo("key ctrl+z");
    g_assert_cmpfloat(threshold(t), ==, 1);
    g_assert_false(test_can(t, "undo"));
    xdo("key ctrl+shift+z");
    g_assert_cmpfloat(threshold(t), <, 0.9);
}

static void
test_drag(void)
{
    test_app_run(MODEL, body_drag);
}

static void
body_wheel(TestApp *t)
{
    int x, y;

    test_wait_current(t);
    gtk_test_widget_wait_for_draw(GTK_WIDGET(t->window));
    thumb(t, &x, &y);
    xdo("mousemove %d %d click 4 click 4 click 5", x, y);
    g_assert_cmpfloat(threshold(t), ==, 1);
    xdo("keydown ctrl click 4 keyup ctrl");
    g_assert_cmpfloat_with_epsilon(threshold(t), 1.05, 1e-9);
    xdo("keydown ctrl keydown shift click 5 click 5 keyup shift keyup ctrl");
    g_assert_cmpfloat_with_epsilon(threshold(t), 1.03, 1e-9);
}

static void
test_wheel(void)
{
    test_app_run(MODEL, body_wheel);
}

static void
body_keys(TestApp *t)
{
    int x, y;
    GtkWidget *seed = test_find_labelled(GTK_WIDGET(t->window), "Seed");
    GtkWidget *value = test_find_labelled(GTK_WIDGET(t->window), "Truncation threshold value");

    test_wait_current(t);
    gtk_test_widget_wait_for_draw(GTK_WIDGET(t->window));
    /* The slider by its access key, then its keys. */
    xdo("key alt+t");
    g_assert_true(gtk_widget_is_focus(scale_of(t)));
    xdo("key Right");
    g_assert_cmpfloat_with_epsilon(threshold(t), 1.05, 1e-9);
    xdo("key shift+Left shift+Left");
    g_assert_cmpfloat_with_epsilon(threshold(t), 1.03, 1e-9);
    xdo("key Prior");
    g_assert_cmpfloat_with_epsilon(threshold(t), 1.28, 1e-9);
    xdo("key Home");
    g_assert_cmpfloat_with_epsilon(threshold(t), 0.02, 1e-9);
    xdo("key End");
    g_assert_cmpfloat_with_epsilon(threshold(t), 2.5, 1e-9);
    test_spin(500);
    xdo("key Left Left Left ctrl+z"); /* one step, or more where the machine is slow */
    g_assert_cmpfloat(threshold(t), >, 2.36);
    for (int i = 0; i < 2 && threshold(t) < 2.5; i++)
        xdo("key ctrl+z");
    g_assert_cmpfloat(threshold(t), ==, 2.5);

    /* Typing a seed; Ctrl+Z in the field is the window's undo, not the field's. */
    at(t, seed, 20, gtk_widget_get_height(seed) / 2.0, &x, &y);
    xdo("mousemove 3 3"); /* no tooltip lies over it */
    xdo("mousemove %d %d click 1", x, y);
    xdo("key ctrl+a");
    xdo("type --delay 20 4711");
    g_autoptr(GVariant) typed = test_value(t, "seed");
    g_assert_cmpuint(g_variant_get_uint64(typed), ==, 4711);
    for (int i = 0; i < 4; i++) {
        g_autoptr(GVariant) undone = test_value(t, "seed");
        if (g_variant_get_uint64(undone) == 1)
            break;
        xdo("key ctrl+z");
    }
    g_autoptr(GVariant) first = test_value(t, "seed");
    g_assert_cmpuint(g_variant_get_uint64(first), ==, 1);
    xdo("key Up Up Prior");
    g_autoptr(GVariant) up = test_value(t, "seed");
    g_assert_cmpuint(g_variant_get_uint64(up), ==, 13);

    at(t, value, 10, gtk_widget_get_height(value) / 2.0, &x, &y);
    xdo("mousemove 3 3"); /* no tooltip lies over it */
    xdo("mousemove %d %d click 1", x, y);
    xdo("key ctrl+a");
    xdo("type --delay 20 0.3");
    xdo("key Return");
    g_assert_cmpfloat(threshold(t), ==, 0.3);
    xdo("key ctrl+n");
    g_autoptr(GVariant) drawn = test_value(t, "seed");
    g_assert_cmpuint(g_variant_get_uint64(drawn), !=, 13);

    xdo("key F9");
    test_spin(100);
    g_assert_false(gtk_widget_get_mapped(GTK_WIDGET(t->form)));
    xdo("key F9");
    test_spin(100);
    g_assert_true(gtk_widget_get_mapped(GTK_WIDGET(t->form)));
}

static void
test_keys(void)
{
    test_app_run(MODEL, body_keys);
}

static void
body_pictures(TestApp *t)
{
    GtkWidget *grid = GTK_WIDGET(t->grid);
    int x, y;

    test_wait_current(t);
    gtk_test_widget_wait_for_draw(GTK_WIDGET(t->window));
    at(t, grid, gtk_widget_get_width(grid) / 2.0 - 20, gtk_widget_get_height(grid) / 2.0 - 40, &x,
       &y);
    xdo("mousemove %d %d", x, y);
    g_assert_true(
        g_str_has_prefix(lim_status_line_get_shown(t->status), "Picture 6 of 16: Class F"));
    xdo("click --repeat 2 --delay 50 1");
    g_assert_true(lim_image_grid_get_enlarged(t->grid));
    g_assert_cmpint(lim_image_grid_get_cursor(t->grid), ==, 5);
    xdo("key Right");
    g_assert_cmpint(lim_image_grid_get_cursor(t->grid), ==, 6);
    xdo("key Escape");
    g_assert_false(lim_image_grid_get_enlarged(t->grid));
    xdo("key Down Return");
    g_assert_true(lim_image_grid_get_enlarged(t->grid));
    g_assert_cmpint(lim_image_grid_get_cursor(t->grid), ==, 10);
    xdo("mousemove 3 3");
    g_assert_true(g_str_has_prefix(lim_status_line_get_shown(t->status), "16 samples"));
}

static void
test_pictures(void)
{
    test_app_run(MODEL, body_pictures);
}

static double
value(TestApp *t, const char *key)
{
    g_autoptr(GVariant) v = test_value(t, key);
    return g_variant_get_double(v);
}

/* Dragging a picture walks: one step of undo, and Escape takes it back. */
static void
body_walk(TestApp *t)
{
    int x, y;

    test_wait_current(t);
    gtk_test_widget_wait_for_draw(GTK_WIDGET(t->window));
    LimGridLayout l = lim_image_grid_get_layout(t->grid);
    at(t, GTK_WIDGET(t->grid), l.x + l.cell_w / 2.0, l.y + l.cell_h / 2.0, &x, &y);
    xdo("mousemove %d %d mousedown 1", x, y);
    xdo("mousemove %d %d", x + 3, y); /* a click that trembles */
    g_assert_cmpfloat(value(t, "walk-x"), ==, 0);
    for (int i = 1; i <= 5; i++)
        xdo("mousemove %d %d", x + i * l.cell_w / 5, y + i * l.cell_w / 10);
    g_assert_cmpfloat_with_epsilon(value(t, "walk-x"), 5, 0.1);
    g_assert_cmpfloat_with_epsilon(value(t, "walk-y"), -2.5, 0.1);
    g_assert_false(test_can(t, "undo"));
    xdo("key Escape");
    g_assert_cmpfloat(value(t, "walk-x"), ==, 0);
    xdo("mousemove %d %d mouseup 1", x, y);
    g_assert_cmpfloat(value(t, "walk-x"), ==, 0);
    g_assert_false(test_can(t, "undo"));
    g_assert_false(lim_image_grid_get_enlarged(t->grid));

    xdo("mousemove %d %d mousedown 1", x, y);
    for (int i = 1; i <= 5; i++)
        xdo("mousemove %d %d", x, y - i * l.cell_w / 5);
    xdo("mouseup 1");
    g_assert_cmpfloat_with_epsilon(value(t, "walk-y"), 5, 0.1);
    g_assert_true(test_can(t, "undo"));
    xdo("key ctrl+z");
    g_assert_cmpfloat(value(t, "walk-y"), ==, 0);
    g_assert_false(test_can(t, "undo"));
}

/* While C is held the kept samples stand in the grid. */
static void
body_compare(TestApp *t)
{
    int x, y;

    test_wait_current(t);
    gtk_test_widget_wait_for_draw(GTK_WIDGET(t->window));
    LimGridLayout l = lim_image_grid_get_layout(t->grid);
    at(t, GTK_WIDGET(t->grid), l.x + l.cell_w / 2.0, l.y + l.cell_h / 2.0, &x, &y);
    xdo("mousemove %d %d click 1", x, y);
    xdo("key ctrl+d");
    test_set(t, "threshold", g_variant_new_double(0.5));
    test_wait_current(t);
    const guint8 now = *(const guint8 *)g_bytes_get_data(lim_image_grid_get_pixels(t->grid), NULL);
    xdo("keydown c");
    guint8 kept = *(const guint8 *)g_bytes_get_data(lim_image_grid_get_pixels(t->grid), NULL);
    g_assert_cmpint(kept, ==, (now + 50) % 256); /* of threshold 1: see double.c */
    xdo("keyup c");
    g_assert_cmpint(*(const guint8 *)g_bytes_get_data(lim_image_grid_get_pixels(t->grid), NULL), ==,
                    now);
}

static void
test_compare(void)
{
    test_app_run(MODEL, body_compare);
}

static void
test_walk(void)
{
    test_app_run(MODEL, body_walk);
}

/* The pointer asks, the button pins. */
static void
body_attention(TestApp *t)
{
    int x, y;

    test_wait_current(t);
    test_set(t, "attention", g_variant_new_boolean(TRUE));
    test_wait_current(t);
    gtk_test_widget_wait_for_draw(GTK_WIDGET(t->window));
    LimGridLayout l = lim_image_grid_get_layout(t->grid);
    LimImageGrid *maps =
        LIM_IMAGE_GRID(test_find_labelled(GTK_WIDGET(t->window), "Maps of the pinned places"));
    at(t, GTK_WIDGET(t->grid), l.x + 9.5 * l.factor, l.y + 18.5 * l.factor, &x, &y);
    xdo("mousemove %d %d", x, y);
    g_assert_true(g_str_has_prefix(lim_status_line_get_shown(t->status),
                                   "Class A 1, place 8, 16: looks most at"));
    xdo("click 1");
    g_assert_cmpint(lim_image_grid_get_n(maps), ==, 1);
    xdo("key Down Return");
    g_assert_cmpint(lim_image_grid_get_n(maps), ==, 2);
    xdo("key Delete");
    g_assert_cmpint(lim_image_grid_get_n(maps), ==, 1);
    g_assert_cmpfloat(value(t, "walk-x"), ==, 0);
    xdo("mousemove 3 3"); /* what the keys have put somewhere stays there ... */
    g_assert_cmpint(lim_image_grid_get_probe(t->grid).picture, ==, 0);
    xdo("mousemove %d %d", x + 1, y); /* ... and what the pointer has goes with it */
    xdo("mousemove 3 3");
    g_assert_cmpint(lim_image_grid_get_probe(t->grid).picture, ==, -1);
}

static void
test_attention(void)
{
    test_app_run("double 10 32 32 1 2 0.5", body_attention);
}

int
main(int argc, char **argv)
{
    g_autofree char *tool = g_find_program_in_path("xdotool");

    if (!tool) {
        g_print("1..0 # SKIP needs xdotool\n");
        return 0;
    }
    test_app_init(&argc, &argv);
    g_test_add_func("/input/drag", test_drag);
    g_test_add_func("/input/wheel", test_wheel);
    g_test_add_func("/input/keys", test_keys);
    g_test_add_func("/input/pictures", test_pictures);
    g_test_add_func("/input/walk", test_walk);
    g_test_add_func("/input/compare", test_compare);
    g_test_add_func("/input/attention", test_attention);
    return g_test_run();
}
