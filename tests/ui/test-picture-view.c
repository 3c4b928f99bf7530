/* LimPictureView: sharp pixels at every zoom, and views that move together. */
#include "support.h"

#include "widgets/lim-picture-view.h"

#define W 8
#define H 6

/* Inside the seen part, every device pixel is that of the picture. */
static int
check_drawn(LimPictureView *v, const guint8 *picture, int scale)
{
    int w, h, n = 0;
    g_autofree guint8 *rgb = test_render(GTK_WIDGET(v), scale, &w, &h);
    graphene_rect_t a;

    lim_picture_view_get_area(v, &a);
    double cell = (double)(a.size.width / W);
    g_assert_cmpfloat(cell, ==, floor(cell));
    int fit = MIN(w / scale / W, h / scale / H);
    int x0 = (w / scale - fit * W) / 2 * scale, y0 = (h / scale - fit * H) / 2 * scale;
    for (int y = y0; y < y0 + fit * H * scale; y++)
        for (int x = x0; x < x0 + fit * W * scale; x++) {
            int px = (int)(((x + 0.5) / scale - (double)a.origin.x) / cell);
            int py = (int)(((y + 0.5) / scale - (double)a.origin.y) / cell);
            g_assert_true(px >= 0 && px < W && py >= 0 && py < H);
            for (int c = 0; c < 3; c++)
                g_assert_cmpint(rgb[(y * w + x) * 3 + c], ==, picture[(py * W + px) * 3 + c]);
            n++;
        }
    g_assert_cmpint(rgb[0], !=, 300);
    return n;
}

static guint8 *
noise(void)
{
    guint8 *p = g_malloc(W * H * 3);
    g_autoptr(GRand) rand = g_rand_new_with_seed(5);

    for (int i = 0; i < W * H * 3; i++)
        p[i] = (guint8)g_rand_int_range(rand, 0, 256);
    return p;
}

static void
test_pixels(void)
{
    g_autoptr(LimZoom) zoom = lim_zoom_new();
    LimPictureView *v = LIM_PICTURE_VIEW(lim_picture_view_new("Clean", zoom));
    GtkWindow *window = test_show(GTK_WIDGET(v), 203, 150);
    g_autofree guint8 *p = noise();

    lim_picture_view_set_picture(v, p, W, H, 3);
    for (int factor = 1; factor <= 4; factor *= 2)
        for (int at = 0; at < 4; at++) {
            lim_zoom_set_factor(zoom, 1, 0.5, 0.5);
            lim_zoom_set_factor(zoom, factor, at * 0.33, 1 - at * 0.33);
            g_assert_cmpint(check_drawn(v, p, 1), >, 10000);
        }
    lim_picture_view_set_picture(v, NULL, 0, 0, 0);
    g_assert_null(lim_picture_view_get_pixel(v, 0, 0));
    test_spin(30);
    gtk_window_destroy(window);
}

/* A large picture may be shown at a half, evenly up to its rim; a small one never. */
static void
test_half(void)
{
    g_autoptr(LimZoom) zoom = lim_zoom_new();
    LimPictureView *v = LIM_PICTURE_VIEW(lim_picture_view_new("Clean", zoom));
    GtkWindow *window = test_show(GTK_WIDGET(v), 200, 210);
    g_autofree guint8 *grey = g_malloc(128 * 128);
    graphene_rect_t a;
    int w, h;

    g_assert_cmpfloat(lim_picture_fit(32, 200), ==, 6);
    g_assert_cmpfloat(lim_picture_fit(128, 200), ==, 1.5);
    g_assert_cmpfloat(lim_picture_fit(128, 256), ==, 2);
    g_assert_cmpfloat(lim_picture_fit(128, 50), ==, 1);
    memset(grey, 77, 128 * 128);
    lim_picture_view_set_picture(v, grey, 128, 128, 1);
    lim_picture_view_get_area(v, &a);
    g_assert_true(graphene_rect_equal(&a, &GRAPHENE_RECT_INIT(4, 9, 192, 192)));
    g_autofree guint8 *rgb = test_render(GTK_WIDGET(v), 1, &w, &h);
    for (int y = 9; y < 9 + 192; y++)
        for (int x = 4; x < 4 + 192; x++)
            g_assert_cmpint(rgb[(y * w + x) * 3], ==, 77);
    lim_zoom_set_factor(zoom, 2, 0.5, 0.5);
    lim_picture_view_get_area(v, &a);
    g_assert_cmpfloat((double)a.size.width, ==, 384);
    gtk_window_destroy(window);
}

/* Two views of one zoom: what one does, the other shows. */
static void
test_together(void)
{
    g_autoptr(LimZoom) zoom = lim_zoom_new();
    LimPictureView *one = LIM_PICTURE_VIEW(lim_picture_view_new("Clean", zoom));
    LimPictureView *two = LIM_PICTURE_VIEW(lim_picture_view_new("Adversarial", zoom));
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);
    g_autofree guint8 *p = noise();
    int x, y, w, h;

    gtk_box_set_homogeneous(GTK_BOX(box), TRUE);
    gtk_box_append(GTK_BOX(box), GTK_WIDGET(one));
    gtk_box_append(GTK_BOX(box), GTK_WIDGET(two));
    GtkWindow *window = test_show(box, 400, 200);
    lim_picture_view_set_picture(one, p, W, H, 3);
    lim_picture_view_set_picture(two, p, W, H, 3);
    g_autofree guint8 *before = test_render(GTK_WIDGET(two), 1, &w, &h);
    g_assert_true(test_key(GTK_WIDGET(one), GDK_KEY_plus, 0));
    g_assert_cmpint(lim_zoom_get_factor(zoom), ==, 2);
    g_autofree guint8 *after = test_render(GTK_WIDGET(two), 1, &w, &h);
    g_autofree guint8 *same = test_render(GTK_WIDGET(one), 1, &w, &h);
    g_assert_cmpint(memcmp(before, after, (gsize)(w * h * 3)), !=, 0);
    g_assert_cmpmem(after, (gsize)(w * h * 3), same, (gsize)(w * h * 3));

    g_assert_false(lim_zoom_get_pixel(zoom, &x, &y));
    test_key(GTK_WIDGET(one), GDK_KEY_Right, 0); /* the middle first */
    g_assert_true(lim_zoom_get_pixel(zoom, &x, &y));
    g_assert_cmpint(x, ==, W / 2);
    test_key(GTK_WIDGET(two), GDK_KEY_Right, 0);
    test_key(GTK_WIDGET(two), GDK_KEY_Up, 0);
    lim_zoom_get_pixel(zoom, &x, &y);
    g_assert_cmpint(x, ==, W / 2 + 1);
    g_assert_cmpint(y, ==, H / 2 - 1);
    const guint8 *pixel = lim_picture_view_get_pixel(two, x, y);
    g_assert_cmpmem(pixel, 3, p + (y * W + x) * 3, 3);
    gtk_test_accessible_assert_property(two, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                        "8 by 6 pixels. Pixel column 5, row 2");
    test_key(GTK_WIDGET(two), GDK_KEY_0, 0);
    g_assert_cmpint(lim_zoom_get_factor(zoom), ==, 1);
    g_assert_false(test_key(GTK_WIDGET(two), GDK_KEY_plus, GDK_CONTROL_MASK));
    gtk_window_destroy(window);
}

/* The middle of a picture pixel as it is drawn; edge: its right end instead. */
static void
check_colour(LimPictureView *v, int px, int py, gboolean edge, int r, int g, int b)
{
    int w, h;
    g_autofree guint8 *rgb = test_render(GTK_WIDGET(v), 1, &w, &h);
    graphene_rect_t a;

    lim_picture_view_get_area(v, &a);
    const double cell = (double)(a.size.width / W);
    const int x = (int)((double)a.origin.x + (px + (edge ? 1 : 0.5)) * cell);
    const int y = (int)((double)a.origin.y + (py + 0.5) * cell);
    const guint8 *at = rgb + (y * w + x) * 3;
    g_assert_cmpint(abs(at[0] - r), <=, 2);
    g_assert_cmpint(abs(at[1] - g), <=, 2);
    g_assert_cmpint(abs(at[2] - b), <=, 2);
}

/* Colours lie over the picture, with a line where they meet, and go with it; boxes lie on top. */
static void
test_overlay(void)
{
    g_autoptr(LimZoom) zoom = lim_zoom_new();
    LimPictureView *v = LIM_PICTURE_VIEW(lim_picture_view_new("Seen", zoom));
    GtkWindow *window = test_show(GTK_WIDGET(v), 203, 150);
    guint8 grey[W * H * 3], rgba[W * H * 4] = {0};
    const LimPictureMark mark = {
        .x0 = 5, .y0 = 1, .x1 = 8, .y1 = 5, .rgb = {0, 255, 0}, .strong = TRUE};

    memset(grey, 100, sizeof grey);
    for (int i = 0; i < W * H; i++)
        if (i % W < 4) {
            rgba[4 * i] = 250;
            rgba[4 * i + 3] = 255;
        }
    lim_picture_view_set_picture(v, grey, W, H, 3);
    lim_picture_view_set_overlay(v, rgba, 0.5);
    check_colour(v, 1, 2, FALSE, 175, 50, 50);
    check_colour(v, 6, 0, FALSE, 100, 100, 100);
    check_colour(v, 1, 2, TRUE, 175, 50, 50); /* of one colour: no line */
    g_autofree guint8 *with = NULL, *without = NULL;
    int w, h;
    with = test_render(GTK_WIDGET(v), 1, &w, &h);
    lim_picture_view_set_opacity(v, 0);
    without = test_render(GTK_WIDGET(v), 1, &w, &h);
    check_colour(v, 1, 2, FALSE, 100, 100, 100);
    int full = 0, left = 0;
    for (int i = 0; i < w * h; i++) {
        full += with[3 * i] > 240 || (with[3 * i] > 200 && with[3 * i + 1] < 45);
        left += without[3 * i] > 240 && without[3 * i + 1] < 45;
    }
    g_assert_cmpint(full, >, 50); /* the line */
    g_assert_cmpint(left, ==, 0);
    lim_picture_view_set_marks(v, &mark, 1);
    g_autofree guint8 *marked = test_render(GTK_WIDGET(v), 1, &w, &h);
    int green = 0;
    for (int i = 0; i < w * h; i++)
        green += marked[3 * i + 1] > 200 && marked[3 * i] < 60;
    g_assert_cmpint(green, >, 200);
    lim_picture_view_set_marks(v, NULL, 0);
    lim_picture_view_set_opacity(v, 1);
    lim_picture_view_set_picture(v, NULL, 0, 0, 0); /* takes the colours along */
    lim_picture_view_set_picture(v, grey, W, H, 3);
    check_colour(v, 1, 2, FALSE, 100, 100, 100);
    gtk_window_destroy(window);
}

static int calls[3], last_x, last_y;

static void
picked(LimPictureView *v, int x, int y)
{
    calls[0]++;
    last_x = x;
    last_y = y;
}

static void
brushed(LimPictureView *v, int x, int y)
{
    calls[1]++;
    last_x = x;
    last_y = y;
}

static void
brush_ended(LimPictureView *v)
{
    calls[2]++;
}

static int
count_red(LimPictureView *v)
{
    int w, h, red = 0;
    g_autofree guint8 *drawn = test_render(GTK_WIDGET(v), 1, &w, &h);

    for (int i = 0; i < w * h; i++)
        red += drawn[3 * i] > 200 && drawn[3 * i + 1] < 60;
    return red;
}

/* Texts of boxes at the same place stand beside each other, and in the part of the picture that is
 * seen while anything of their box is. */
static void
test_texts(void)
{
    g_autoptr(LimZoom) zoom = lim_zoom_new();
    LimPictureView *v = LIM_PICTURE_VIEW(lim_picture_view_new("Seen", zoom));
    GtkWindow *window = test_show(GTK_WIDGET(v), 203, 150);
    const LimPictureMark marks[] = {
        {.x0 = 1, .y0 = 2, .x1 = 7, .y1 = 5, .rgb = {0, 255, 0}, .text = "boot"},
        {.x0 = 1, .y0 = 2, .x1 = 7, .y1 = 5, .rgb = {255, 0, 0}, .text = "boot"}};
    LimPictureMark plain[] = {marks[0], marks[1]};
    guint8 grey[W * H * 3];

    memset(grey, 100, sizeof grey);
    lim_picture_view_set_picture(v, grey, W, H, 3);
    plain[1].text[0] = '\0';
    lim_picture_view_set_marks(v, plain, 2);
    const int lines = count_red(v);
    lim_picture_view_set_marks(v, marks, 2);
    g_assert_cmpint(count_red(v), >, lines + 100);
    lim_zoom_set_factor(zoom, 4, 0.5, 0.6); /* in the box: no edge of it is seen */
    g_assert_cmpint(count_red(v), >, 100);
    lim_zoom_set_factor(zoom, 1, 0.5, 0.5);
    lim_zoom_set_factor(zoom, 8, 0, 0); /* beside it */
    g_assert_cmpint(count_red(v), ==, 0);
    gtk_window_destroy(window);
}

/* Enter at the marked pixel picks or paints, as the view is used. */
static void
test_use(void)
{
    g_autoptr(LimZoom) zoom = lim_zoom_new();
    LimPictureView *v = LIM_PICTURE_VIEW(lim_picture_view_new("Seen", zoom));
    GtkWindow *window = test_show(GTK_WIDGET(v), 203, 150);
    g_autofree guint8 *p = noise();

    g_signal_connect(v, "picked", G_CALLBACK(picked), NULL);
    g_signal_connect(v, "brushed", G_CALLBACK(brushed), NULL);
    g_signal_connect(v, "brush-end", G_CALLBACK(brush_ended), NULL);
    lim_picture_view_set_picture(v, p, W, H, 3);
    lim_zoom_set_pixel(zoom, 3, 4);
    g_assert_false(test_key(GTK_WIDGET(v), GDK_KEY_Return, 0));
    lim_picture_view_set_use(v, LIM_PICTURE_PICK);
    g_assert_true(test_key(GTK_WIDGET(v), GDK_KEY_Return, 0));
    g_assert_cmpint(calls[0], ==, 1);
    g_assert_cmpint(last_x, ==, 3);
    g_assert_cmpint(last_y, ==, 4);
    lim_picture_view_set_use(v, LIM_PICTURE_CANVAS);
    test_key(GTK_WIDGET(v), GDK_KEY_Right, 0);
    g_assert_true(test_key(GTK_WIDGET(v), GDK_KEY_Return, 0));
    g_assert_cmpint(calls[0], ==, 1);
    g_assert_cmpint(calls[1], ==, 1);
    g_assert_cmpint(calls[2], ==, 1);
    g_assert_cmpint(last_x, ==, 4);
    gtk_window_destroy(window);
}

int
main(int argc, char **argv)
{
    test_ui_init(&argc, &argv);
    g_test_add_func("/picture-view/pixels", test_pixels);
    g_test_add_func("/picture-view/half", test_half);
    g_test_add_func("/picture-view/together", test_together);
    g_test_add_func("/picture-view/overlay", test_overlay);
    g_test_add_func("/picture-view/texts", test_texts);
    g_test_add_func("/picture-view/use", test_use);
    return g_test_run();
}
