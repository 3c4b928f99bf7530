/* Maps and strips of classes: LimSlice, LimRuler, the colours they share, and texts with terms. */
#include "support.h"

#include "widgets/class-colors.h"
#include "widgets/lim-explain.h"
#include "widgets/lim-ruler.h"
#include "widgets/lim-slice.h"

static const char *const names[] = {"Coat", "Bag", "Boot"};

/* A place of the plane has the colour of its class on the screen. */
static void
test_map(void)
{
    LimSlice *s = LIM_SLICE(lim_slice_new("Decision slice"));
    GtkWindow *window = test_show(GTK_WIDGET(s), 260, 200);
    int label[64], w, h;
    float sure[64];
    double x, y, rgb[3];

    gtk_test_accessible_assert_property(s, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, "Not known yet");
    for (int i = 0; i < 64; i++) {
        label[i] = i % 8 < 4 ? 0 : i / 8 < 4 ? 1 : 2; /* left, right above, right below */
        sure[i] = 1;
    }
    lim_slice_set_map(s, label, sure, 8, -1, -2, 4, names, 3);
    g_assert_cmpint(lim_slice_get_label(s, -0.9, 0), ==, 0);
    g_assert_cmpint(lim_slice_get_label(s, 2.9, 1.9), ==, 1);
    g_assert_cmpint(lim_slice_get_label(s, 2.9, -1.9), ==, 2);
    g_assert_cmpint(lim_slice_get_label(s, 3.1, 0), ==, -1);
    const LimSlicePoint points[] = {{0, 0, "clean"}, {2, 1, "shown"}};
    lim_slice_set_points(s, points, 2);
    const char *all = "Of the area: Coat 50 %, Bag 25 %, Boot 25 %. clean in "
                      "Coat. shown in Bag";
    gtk_test_accessible_assert_property(s, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, all);
    g_autofree guint8 *drawn = test_render(GTK_WIDGET(s), 1, &w, &h);
    static const double corners[3][2] = {{-0.9, -1.9}, {2.9, 1.9}, {2.9, -1.9}};
    for (int k = 0; k < 3; k++) {
        lim_slice_locate(s, corners[k][0], corners[k][1], &x, &y);
        lim_class_color(k, 1, rgb);
        for (int c = 0; c < 3; c++)
            g_assert_cmpint(ABS(drawn[((int)y * w + (int)x) * 3 + c] - (int)(255 * rgb[c] + 0.5)),
                            <=, 1);
    }
    lim_slice_clear(s);
    g_assert_cmpint(lim_slice_get_label(s, 0, 0), ==, -1);
    test_spin(30);
    gtk_window_destroy(window);
}

typedef struct {
    int moved, activated;
    double x, y;
} Seen;

static void
on_place(LimSlice *s, double x, double y, Seen *seen)
{
    seen->moved++;
    seen->x = x;
    seen->y = y;
}

static void
on_activated(LimSlice *s, double x, double y, Seen *seen)
{
    seen->activated++;
}

/* Texts stay inside the map and cover neither each other nor the points, wherever these lie. */
static void
test_texts(void)
{
    LimSlice *s = LIM_SLICE(lim_slice_new("Decision slice"));
    GtkWindow *window = test_show(GTK_WIDGET(s), 220, 200);
    g_autoptr(GRand) random = g_rand_new_with_seed(3);
    static int label[400];
    static float sure[400];
    graphene_rect_t box[20];
    int w, h;

    for (int i = 0; i < 400; i++) {
        label[i] = i % 20 < 10 ? 0 : i / 20 < 10 ? 1 : 2;
        sure[i] = 1;
    }
    lim_slice_set_map(s, label, sure, 20, 0, 0, 1, names, 3);
    for (int run = 0; run < 20; run++) {
        LimSlicePoint points[] = {{0, 0, "clean"}, {0, 0, "start"}, {0, 0, "shown"}};
        for (int i = 0; i < 3; i++) { /* in the middle, where names of classes stand; or together */
            points[i].x = run == 0 ? 0.5 : g_rand_double_range(random, 0.1, 0.9);
            points[i].y = run == 0 ? 0.5 : g_rand_double_range(random, 0.1, 0.9);
        }
        lim_slice_set_points(s, points, 3);
        g_free(test_render(GTK_WIDGET(s), 1, &w, &h));
        const int n = lim_slice_get_texts(s, box, 20);
        g_assert_cmpint(n, >=, 3);
        for (int i = 0; i < n; i++) {
            g_assert_cmpfloat((double)box[i].origin.x, >=, 10);
            g_assert_cmpfloat((double)box[i].origin.x + (double)box[i].size.width, <=, 210);
            for (int k = 0; k < i; k++)
                g_assert_false(graphene_rect_intersection(&box[i], &box[k], NULL));
            for (int k = 0; k < 3 && i < 3; k++) {
                double x, y;
                lim_slice_locate(s, points[k].x, points[k].y, &x, &y);
                g_assert_false(
                    graphene_rect_contains_point(&box[i],
                                                 &GRAPHENE_POINT_INIT((float)x, (float)y)));
            }
        }
    }
    gtk_window_destroy(window);
}

/* The arrow keys point at places of the map, at first from the first point; Enter activates. */
static void
test_place(void)
{
    LimSlice *s = LIM_SLICE(lim_slice_new("Decision slice"));
    GtkWindow *window = test_show(GTK_WIDGET(s), 200, 200);
    const int label[4] = {0, 1, 2, 2};
    const float sure[4] = {1, 1, 1, 1};
    const LimSlicePoint point = {1, 3, "clean"};
    Seen seen = {0};
    int w, h;

    g_signal_connect(s, "place-moved", G_CALLBACK(on_place), &seen);
    g_signal_connect(s, "place-activated", G_CALLBACK(on_activated), &seen);
    g_assert_false(test_key(GTK_WIDGET(s), GDK_KEY_Left, 0)); /* no map yet */
    lim_slice_set_map(s, label, sure, 2, 0, 0, 4, names, 3);
    lim_slice_set_points(s, &point, 1);
    g_assert_true(test_key(GTK_WIDGET(s), GDK_KEY_Return, 0));
    g_assert_cmpint(seen.activated, ==, 0); /* nothing is pointed at */
    g_assert_true(test_key(GTK_WIDGET(s), GDK_KEY_Right, 0));
    g_assert_cmpfloat(seen.x, >, 1);
    g_assert_cmpfloat(seen.y, ==, 3);
    for (int i = 0; i < 100; i++)
        test_key(GTK_WIDGET(s), GDK_KEY_Right, GDK_SHIFT_MASK);
    g_assert_cmpfloat(seen.x, ==, 4); /* the rim */
    for (int i = 0; i < 25; i++)
        test_key(GTK_WIDGET(s), GDK_KEY_Down, GDK_SHIFT_MASK);
    g_assert_cmpfloat(seen.y, ==, 0);
    g_assert_cmpint(seen.moved, ==, 126);
    g_assert_true(test_key(GTK_WIDGET(s), GDK_KEY_Return, 0));
    g_assert_cmpint(seen.activated, ==, 1);
    g_assert_false(test_key(GTK_WIDGET(s), GDK_KEY_z, GDK_CONTROL_MASK));
    lim_slice_set_place(s, 1, 3);
    g_assert_cmpint(seen.moved, ==, 126);
    const char *all = "Of the area: Coat 25 %, Bag 25 %, Boot 50 %. clean in Coat. The place is in "
                      "Coat";
    gtk_test_accessible_assert_property(s, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, all);
    g_free(test_render(GTK_WIDGET(s), 1, &w, &h));
    gtk_window_destroy(window);
}

static void
on_moved(LimRuler *r, double place, double *seen)
{
    *seen = place;
}

static void
test_ruler(void)
{
    LimRuler *r = LIM_RULER(lim_ruler_new("Between", "Clean", "Adversarial"));
    GtkWindow *window = test_show(GTK_WIDGET(r), 300, 120);
    int label[11] = {0, 0, 0, 0, 0, 2, 2, 2, 1, 1, 1};
    float sure[11] = {0};
    double seen = -1;

    g_signal_connect(r, "moved", G_CALLBACK(on_moved), &seen);
    lim_ruler_set(r, label, sure, 11, names, (const double[]){0.43, 0.78}, 2);
    GtkWidget *strip = test_find_labelled(GTK_WIDGET(r), "Classes along the line");
    const char *parts = "Coat from 0.0 % to 43.0 %, Boot from 43.0 % to 78.0 %, "
                        "Bag from 78.0 % to 100.0 %";
    gtk_test_accessible_assert_property(strip, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, parts);
    g_assert_cmpfloat(lim_ruler_get_place(r), ==, 1);
    lim_ruler_set_place(r, 0.25);
    g_assert_cmpfloat(seen, ==, 0.25);
    GtkWidget *scale = test_find_labelled(GTK_WIDGET(r), "Between");
    g_assert_true(GTK_IS_SCALE(scale));
    lim_ruler_set(r, NULL, NULL, 0, NULL, NULL, 0);
    test_spin(30);
    gtk_window_destroy(window);
}

/* Ten classes have ten colours, paler when less sure. */
static void
test_colors(void)
{
    double a[3], b[3];

    for (int i = 0; i < LIM_CLASS_COLORS; i++)
        for (int k = 0; k < i; k++) {
            lim_class_color(i, 1, a);
            lim_class_color(k, 1, b);
            g_assert_cmpfloat(ABS(a[0] - b[0]) + ABS(a[1] - b[1]) + ABS(a[2] - b[2]), >, 0.15);
        }
    lim_class_color(3, 0, b);
    lim_class_color(3, 1, a);
    for (int c = 0; c < 3; c++)
        g_assert_cmpfloat(b[c], >, a[c]);
}

static void
test_terms(void)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0), *other = gtk_label_new("Other");
    LimExplain *e = LIM_EXPLAIN(lim_explain_new());
    gboolean taken = FALSE;

    gtk_box_append(GTK_BOX(box), other);
    gtk_box_append(GTK_BOX(box), GTK_WIDGET(e));
    GtkWindow *window = test_show(box, 200, 100);
    lim_explain_add_term(e, "other", other);
    lim_explain_set_text(e, "See the <a href='other'>other</a>");
    GtkWidget *label = test_find_type(GTK_WIDGET(e), GTK_TYPE_LABEL);
    g_signal_emit_by_name(label, "activate-link", "other", &taken);
    g_assert_true(taken); /* leads nowhere else */
    g_assert_true(gtk_widget_has_css_class(other, "lit"));
    g_assert_cmpstr(lim_explain_get_lit(e), ==, "other");
    lim_explain_light(e, NULL);
    g_assert_false(gtk_widget_has_css_class(other, "lit"));
    lim_explain_light(e, "nothing");
    g_assert_null(lim_explain_get_lit(e));
    gtk_window_destroy(window);
}

int
main(int argc, char **argv)
{
    test_ui_init(&argc, &argv);
    g_test_add_func("/slice/map", test_map);
    g_test_add_func("/slice/texts", test_texts);
    g_test_add_func("/slice/place", test_place);
    g_test_add_func("/slice/ruler", test_ruler);
    g_test_add_func("/slice/colors", test_colors);
    g_test_add_func("/slice/terms", test_terms);
    return g_test_run();
}
