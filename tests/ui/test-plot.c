/* LimPlot: the arithmetic of its axes, and what a person sees, hears and does. */
#include "support.h"

#include "widgets/lim-plot.h"
#include "widgets/plot-axis.h"

#include <math.h>
#include <string.h>

/* ---- arithmetic ---- */

static gboolean
is_round(double v)
{
    double lead = fabs(v) / pow(10, floor(log10(fabs(v)) + 1e-9));

    return fabs(lead - 1) < 1e-6 || fabs(lead - 2) < 1e-6 || fabs(lead - 5) < 1e-6;
}

/* A function, because the macro makes a format of its argument's text. */
static void
assert_description(LimPlot *plot, const char *text)
{
    gtk_test_accessible_assert_property(plot, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, text);
}

static void
test_linear_ticks(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(5);
    double ticks[LIM_PLOT_MAX_TICKS];
    int decimals[LIM_PLOT_MAX_TICKS];

    for (int k = 0; k < 5000; k++) {
        double span = pow(10, g_rand_double_range(rand, -6, 6));
        double lo = span * g_rand_double_range(rand, -3, 3);
        int want = g_rand_int_range(rand, 2, LIM_PLOT_MAX_TICKS + 1);
        LimPlotAxis a = lim_plot_axis(lo, lo + span, FALSE, NAN, NAN, want);
        g_assert_cmpfloat(a.lo, <=, lo + 1e-9 * span);
        g_assert_cmpfloat(a.hi, >=, lo + span - 1e-9 * span);
        /* No more than one step of room at each end, so at least a third is used. */
        g_assert_cmpfloat(a.hi - a.lo, <=, 10 * span);

        LimPlotAxis exact = {lo, lo + span, FALSE};
        int n = lim_plot_ticks(&exact, want, ticks, decimals);
        g_assert_cmpint(n, <=, want);
        g_assert_cmpint(n, >=, want >= 6 ? 2 : 0);
        for (int i = 0; i < n; i++) {
            g_assert_cmpfloat(ticks[i], >=, lo - 1e-6 * span);
            g_assert_cmpfloat(ticks[i], <=, lo + span + 1e-6 * span);
            if (i) {
                g_assert_true(is_round(ticks[i] - ticks[i - 1]));
                g_autofree char *before = lim_plot_format(ticks[i - 1], decimals[i]);
                g_autofree char *here = lim_plot_format(ticks[i], decimals[i]);
                g_assert_cmpstr(before, !=, here);
            }
        }
    }
}

static void
test_given_ticks(void)
{
    static const double want[] = {0, 0.2, 0.4, 0.6, 0.8, 1};
    double ticks[LIM_PLOT_MAX_TICKS];
    int decimals[LIM_PLOT_MAX_TICKS];
    LimPlotAxis a = lim_plot_axis(0.03, 0.97, FALSE, NAN, NAN, 6);

    g_assert_cmpfloat_with_epsilon(a.lo, 0, 1e-12);
    g_assert_cmpfloat_with_epsilon(a.hi, 1, 1e-12);
    g_assert_cmpint(lim_plot_ticks(&a, 6, ticks, decimals), ==, 6);
    for (int i = 0; i < 6; i++) {
        g_assert_cmpint(decimals[i], ==, 1);
        g_assert_cmpfloat_with_epsilon(ticks[i], want[i], 1e-12);
    }

    /* Given ends stay; no data and single values give an axis, too. */
    a = lim_plot_axis(3, 8, FALSE, 0, 100, 5);
    g_assert_cmpfloat(a.lo, ==, 0);
    g_assert_cmpfloat(a.hi, ==, 100);
    a = lim_plot_axis(INFINITY, -INFINITY, FALSE, NAN, NAN, 5);
    g_assert_cmpfloat(a.lo, ==, 0);
    g_assert_cmpfloat(a.hi, ==, 1);
    static const double single[] = {0, 7, -7, 1e-8, 123456};
    for (gsize i = 0; i < G_N_ELEMENTS(single); i++) {
        a = lim_plot_axis(single[i], single[i], FALSE, NAN, NAN, 5);
        g_assert_cmpfloat(a.lo, <, a.hi);
        g_assert_cmpfloat(a.lo, <=, single[i]);
        g_assert_cmpfloat(a.hi, >=, single[i]);
        a = lim_plot_axis(single[i], single[i], FALSE, single[i], NAN, 5);
        g_assert_cmpfloat(a.lo, <, a.hi);
        g_assert_cmpfloat(a.lo, ==, single[i]);
    }
}

static void
test_log_ticks(void)
{
    double ticks[LIM_PLOT_MAX_TICKS];
    int decimals[LIM_PLOT_MAX_TICKS];
    LimPlotAxis a = lim_plot_axis(0.04, 2, TRUE, NAN, NAN, 12);

    g_assert_cmpfloat_with_epsilon(a.lo, 0.01, 1e-12);
    g_assert_cmpfloat_with_epsilon(a.hi, 10, 1e-12);
    g_assert_cmpint(lim_plot_ticks(&a, 12, ticks, decimals), ==, 10);
    g_assert_cmpfloat_with_epsilon(ticks[1], 0.02, 1e-12);
    g_assert_cmpint(decimals[1], ==, 2);
    g_assert_cmpint(decimals[9], ==, 0);
    g_assert_cmpint(lim_plot_ticks(&a, 5, ticks, decimals), ==, 4);
    g_assert_cmpfloat_with_epsilon(ticks[3], 10, 1e-12);
    a = lim_plot_axis(1e-12, 1e12, TRUE, NAN, NAN, 8);
    g_assert_cmpint(lim_plot_ticks(&a, 8, ticks, decimals), ==, 7);
    a = lim_plot_axis(-3, 5, TRUE, NAN, NAN, 8); /* what a log axis cannot show is left out */
    g_assert_cmpfloat(a.lo, >, 0);
    g_assert_true(isnan(lim_plot_to_unit(&a, -3)));
    for (double v = 0.5; v < 5; v += 0.7)
        g_assert_cmpfloat_with_epsilon(lim_plot_from_unit(&a, lim_plot_to_unit(&a, v)), v, 1e-9);
}

static void
test_format(void)
{
    static const struct {
        double value;
        int decimals;
        const char *text;
    } cases[] = {
        {0, 0, "0"},
        {0, 2, "0.00"},
        {-0.5, 1, "\342\210\2220.5"},
        {-0.001, 1, "0.0"},
        {9999, 0, "9999"},
        {25000, 0, "25\342\200\211000"},
        {-1234567, 0, "\342\210\2221\342\200\211234\342\200\211567"},
        {12345.25, 2, "12\342\200\211345.25"},
        {1e-8, 9, "1e\342\210\2228"},
        {-2.5e12, 0, "\342\210\2222.5e12"},
        {0, 9, "0"},
        {(double)INFINITY, 2, "\342\210\236"},
        {-(double)INFINITY, 0, "\342\210\222\342\210\236"},
        {(double)NAN, 1, "no number"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = lim_plot_format(cases[i].value, cases[i].decimals);
        g_assert_cmpstr(text, ==, cases[i].text);
    }
    g_assert_cmpint(lim_plot_read_decimals(&(LimPlotAxis){0, 1, FALSE}, 0.5), ==, 2);
    g_assert_cmpint(lim_plot_read_decimals(&(LimPlotAxis){0, 100, FALSE}, 50), ==, 0);
    g_assert_cmpint(lim_plot_read_decimals(&(LimPlotAxis){0.01, 100, TRUE}, 0.05), ==, 4);
    g_assert_cmpint(lim_plot_read_decimals(&(LimPlotAxis){0, 25000, FALSE}, 50), ==, 0);
}

static void
test_nearest(void)
{
    const double xy[] = {0, 0, 10, 0, NAN, 5, 20, 10, 20, 10};

    g_assert_cmpint(lim_plot_nearest(xy, 5, 9, 1, 5), ==, 1);
    g_assert_cmpint(lim_plot_nearest(xy, 5, 9, 9, 5), ==, -1);
    g_assert_cmpint(lim_plot_nearest(xy, 0, 0, 0, 5), ==, -1);
    g_assert_cmpfloat_with_epsilon(lim_plot_nearest_on_line(xy, 5, 2.5, 3, 5), 0.25, 1e-12);
    g_assert_cmpfloat_with_epsilon(lim_plot_nearest_on_line(xy, 5, -3, 0, 5), 0, 1e-12);
    g_assert_true(isnan(lim_plot_nearest_on_line(xy, 5, 5, 6, 5)));
    g_assert_cmpfloat(lim_plot_nearest_on_line(xy, 5, 14, 5, 100), ==, 1); /* not over the gap */
    g_assert_cmpfloat(lim_plot_nearest_on_line(xy, 1, 50, 50, INFINITY), ==, 0);
    g_assert_true(isnan(lim_plot_nearest_on_line(xy, 0, 0, 0, INFINITY)));

    double x, y;
    lim_plot_place(xy, 2, 0.3, &x, &y);
    g_assert_cmpfloat_with_epsilon(x, 3, 1e-12);
    lim_plot_place(xy, 5, 1, &x, &y); /* a point beside a gap */
    g_assert_cmpfloat(x, ==, 10);
    lim_plot_place(xy, 5, 3, &x, &y);
    g_assert_cmpfloat(x, ==, 20);
    lim_plot_place(xy, 5, 99, &x, &y);
    g_assert_cmpfloat(y, ==, 10);
    lim_plot_place(xy, 5, 1.5, &x, &y);
    g_assert_true(isnan(x));
    lim_plot_place(xy, 0, 0, &x, &y);
    g_assert_true(isnan(x));
    lim_plot_place(xy, 1, 0.5, &x, &y);
    g_assert_cmpfloat(x, ==, 0);
}

/* ---- the widget ---- */

static const LimPlotPoint points[] = {
    {.x = 0.1, .y = 90, .y_minus = 2, .y_plus = 1},
    {.x = 0.4, .y = 70, .x_minus = 0.05, .x_plus = 0.05},
    {.x = 0.8, .y = 40},
};
static const char *const labels[] = {"threshold 0.04", "threshold 0.5", "threshold 1"};

static LimPlot *
make_plot(void)
{
    LimPlot *plot = LIM_PLOT(lim_plot_new("Trade-off"));

    lim_plot_set_axis(plot, GTK_ORIENTATION_HORIZONTAL, "Variety", FALSE);
    lim_plot_set_axis(plot, GTK_ORIENTATION_VERTICAL, "Fidelity: asked class recognised (%)",
                      FALSE);
    lim_plot_set_empty_text(plot, "Nothing measured yet");
    g_assert_cmpint(lim_plot_add_series(plot, "curve",
                                        LIM_PLOT_LINE | LIM_PLOT_POINTS | LIM_PLOT_DRAG),
                    ==, 0);
    return plot;
}

static void
test_accessible(void)
{
    LimPlot *plot = g_object_ref_sink(make_plot());

    gtk_test_accessible_assert_role(plot, GTK_ACCESSIBLE_ROLE_IMG);
    gtk_test_accessible_assert_property(plot, GTK_ACCESSIBLE_PROPERTY_LABEL, "Trade-off");
    assert_description(plot, "Variety across, Fidelity: asked class recognised (%) upwards. "
                             "Nothing measured yet");
    lim_plot_set_points(plot, 0, points, 2, labels);
    lim_plot_set_marker(plot, 0, 0.5, "now 0.25");
    assert_description(
        plot, "Variety across, Fidelity: asked class recognised (%) upwards. curve: 2 points; "
              "threshold 0.04, Variety 0.100, Fidelity 90.0 % (88.0 \342\200\223 91.0); "
              "threshold 0.5, Variety 0.400 (0.350 \342\200\223 0.450), Fidelity 70.0 %. "
              "Marked: now 0.25");
    lim_plot_set_progress(plot, 0.5);
    gtk_test_accessible_assert_state(plot, GTK_ACCESSIBLE_STATE_BUSY, TRUE);
    lim_plot_set_progress(plot, 1);
    gtk_test_accessible_assert_state(plot, GTK_ACCESSIBLE_STATE_BUSY, FALSE);

    /* Long series are not read out point by point. */
    LimPlotPoint many[500];
    for (int i = 0; i < 500; i++)
        many[i] = (LimPlotPoint){.x = i, .y = i};
    lim_plot_set_points(plot, 0, many, 500, NULL);
    lim_plot_set_marker(plot, 0, NAN, NULL);
    assert_description(
        plot, "Variety across, Fidelity: asked class recognised (%) upwards. curve: 500 points; "
              "Variety 0, Fidelity 0 %; Variety 499, Fidelity 499 %");
    g_assert_finalize_object(plot);
}

/* What is counted is read out in whole numbers, other values of it are not rounded. */
static void
test_whole(void)
{
    static const LimPlotPoint passes[] = {{.x = 0, .y = 1}, {.x = 2, .y = 2}, {.x = 2.5, .y = 3}};
    LimPlot *plot = make_plot();
    GtkWindow *window = test_show(GTK_WIDGET(plot), 600, 240);

    lim_plot_set_axis(plot, GTK_ORIENTATION_HORIZONTAL, "Pass", FALSE);
    lim_plot_set_axis(plot, GTK_ORIENTATION_VERTICAL, "Fooled (%)", FALSE);
    lim_plot_set_points(plot, 0, passes, 3, NULL);
    g_autofree char *before = lim_plot_dup_readout(plot, 0, 1);
    g_assert_cmpstr(before, ==, "Pass 2.00\nFooled 2.00 %");
    g_assert_cmpint(lim_plot_get_n_ticks(plot, GTK_ORIENTATION_HORIZONTAL), >, 3);
    lim_plot_set_whole(plot, GTK_ORIENTATION_HORIZONTAL, TRUE);
    g_autofree char *whole = lim_plot_dup_readout(plot, 0, 1);
    g_assert_cmpstr(whole, ==, "Pass 2\nFooled 2.00 %");
    g_autofree char *between = lim_plot_dup_readout(plot, 0, 2);
    g_assert_cmpstr(between, ==, "Pass 2.50\nFooled 3.00 %");
    g_assert_cmpint(lim_plot_get_n_ticks(plot, GTK_ORIENTATION_HORIZONTAL), ==, 3); /* 0, 1, 2 */
    gtk_window_destroy(window);
}

/* Names in place of numbers; the stressed series is said to be. */
static void
test_names(void)
{
    static const char *const names[] = {"picture", "conv", "linear"};
    static const LimPlotPoint places[] = {{.x = 0, .y = 1}, {.x = 1, .y = 2}, {.x = 2, .y = 3}};
    LimPlot *plot = make_plot();
    GtkWindow *window = test_show(GTK_WIDGET(plot), 300, 240);
    double x[3], y;

    lim_plot_set_axis(plot, GTK_ORIENTATION_HORIZONTAL, "Layer, upwards", FALSE);
    lim_plot_set_axis(plot, GTK_ORIENTATION_VERTICAL, "Error", FALSE);
    lim_plot_add_series(plot, "other", LIM_PLOT_LINE);
    lim_plot_set_points(plot, 0, places, 3, NULL);
    g_autofree char *number = lim_plot_dup_readout(plot, 0, 1);
    g_assert_cmpstr(number, ==, "curve\nLayer 1.00\nError 2.00");
    lim_plot_set_names(plot, GTK_ORIENTATION_HORIZONTAL, names, 3);
    g_autofree char *named = lim_plot_dup_readout(plot, 0, 1);
    g_assert_cmpstr(named, ==, "curve\nLayer conv\nError 2.00");
    for (int i = 0; i < 3; i++)
        lim_plot_locate(plot, i, 1, &x[i], &y);
    g_assert_cmpfloat_with_epsilon(x[2] - x[1], x[1] - x[0], 1e-6);
    g_assert_cmpfloat(x[0], >, 20);
    g_assert_cmpfloat(x[2], <, 280);

    g_assert_cmpint(lim_plot_get_stressed(plot), ==, -1);
    lim_plot_set_stressed(plot, 1);
    assert_description(plot, "Layer, upwards across, Error upwards. curve: 3 points; "
                             "curve, Layer picture, Error 1.00; curve, Layer conv, Error 2.00; "
                             "curve, Layer linear, Error 3.00. other: 0 points. Stressed: other");
    lim_plot_set_names(plot, GTK_ORIENTATION_HORIZONTAL, NULL, 0);
    g_autofree char *again = lim_plot_dup_readout(plot, 0, 1);
    g_assert_cmpstr(again, ==, number);
    gtk_window_destroy(window);
}

typedef struct Seen {
    int activated, dragged, cancelled, series;
    double position;
} Seen;

static void
on_activated(LimPlot *plot, int series, double position, Seen *seen)
{
    seen->activated++;
    seen->series = series;
    seen->position = position;
}

static void
on_dragged(LimPlot *plot, int series, double position, Seen *seen)
{
    seen->dragged++;
    seen->series = series;
    seen->position = position;
}

static void
on_cancelled(LimPlot *plot, Seen *seen)
{
    seen->cancelled++;
}

static void
watch(LimPlot *plot, Seen *seen)
{
    g_signal_connect(plot, "point-activated", G_CALLBACK(on_activated), seen);
    g_signal_connect(plot, "point-dragged", G_CALLBACK(on_dragged), seen);
    g_signal_connect(plot, "drag-cancelled", G_CALLBACK(on_cancelled), seen);
}

static void
test_keys(void)
{
    LimPlot *plot = make_plot();
    GtkWidget *w = GTK_WIDGET(plot);
    GtkWindow *window = test_show(w, 300, 240);
    Seen seen = {0};
    int s, i;

    watch(plot, &seen);
    g_assert_false(test_key(w, GDK_KEY_Right, 0)); /* nothing to move along */
    lim_plot_set_points(plot, 0, points, 3, labels);
    lim_plot_set_marker(plot, 0, 1.4, "now");
    g_assert_false(test_key(w, GDK_KEY_Return, 0)); /* nothing chosen yet */
    g_assert_true(test_key(w, GDK_KEY_Right, 0));
    lim_plot_get_cursor(plot, &s, &i);
    g_assert_cmpint(s, ==, 0);
    g_assert_cmpint(i, ==, 1); /* begins at the marker */
    g_assert_true(test_key(w, GDK_KEY_Right, 0));
    g_assert_true(test_key(w, GDK_KEY_Right, 0)); /* stays at the end */
    g_assert_true(test_key(w, GDK_KEY_Return, 0));
    g_assert_cmpint(seen.activated, ==, 1);
    g_assert_cmpfloat(seen.position, ==, 2);
    g_assert_true(test_key(w, GDK_KEY_Home, 0));
    assert_description(
        plot, "Point 1: threshold 0.04, Variety 0.100, Fidelity 90.0 % (88.0 \342\200\223 91.0). "
              "Variety across, Fidelity: asked class recognised (%) upwards. curve: 3 points; "
              "threshold 0.04, Variety 0.100, Fidelity 90.0 % (88.0 \342\200\223 91.0); "
              "threshold 0.5, Variety 0.400 (0.350 \342\200\223 0.450), Fidelity 70.0 %; "
              "threshold 1, Variety 0.800, Fidelity 40.0 %. Marked: now");

    /* Down goes to the next series that has points. */
    lim_plot_add_series(plot, "empty", LIM_PLOT_LINE);
    int third = lim_plot_add_series(plot, "other", LIM_PLOT_POINTS);
    lim_plot_set_points(plot, third, points, 1, NULL);
    g_assert_true(test_key(w, GDK_KEY_End, 0));
    g_assert_true(test_key(w, GDK_KEY_Down, 0));
    lim_plot_get_cursor(plot, &s, &i);
    g_assert_cmpint(s, ==, third);
    g_assert_cmpint(i, ==, 0);
    g_autofree char *text = lim_plot_dup_readout(plot, third, 0);
    g_assert_cmpstr(text, ==, "other\nVariety 0.100\nFidelity 90.0 % (88.0 \342\200\223 91.0)");
    g_assert_true(test_key(w, GDK_KEY_Up, 0));
    lim_plot_get_cursor(plot, &s, &i);
    g_assert_cmpint(s, ==, 0);
    g_assert_false(test_key(w, GDK_KEY_Right, GDK_CONTROL_MASK));
    g_assert_false(test_key(w, GDK_KEY_Escape, 0)); /* left to the window */

    /* The cursor survives losing its points. */
    g_assert_true(test_key(w, GDK_KEY_End, 0));
    lim_plot_set_points(plot, 0, points, 1, labels);
    lim_plot_get_cursor(plot, &s, &i);
    g_assert_cmpint(i, ==, 0);
    lim_plot_set_points(plot, 0, NULL, 0, NULL);
    lim_plot_get_cursor(plot, &s, &i);
    g_assert_cmpint(s, ==, -1);
    test_spin(30);
    gtk_window_destroy(window);
}

static GtkEventController *
drag_of(GtkWidget *w)
{
    g_autoptr(GListModel) controllers = gtk_widget_observe_controllers(w);

    for (guint i = 0; i < g_list_model_get_n_items(controllers); i++) {
        g_autoptr(GtkEventController) c = g_list_model_get_item(controllers, i);
        if (GTK_IS_GESTURE_DRAG(c))
            return c; /* the widget keeps it */
    }
    g_assert_not_reached();
}

static void
test_drag(void)
{
    LimPlot *plot = make_plot();
    GtkWidget *w = GTK_WIDGET(plot);
    GtkWindow *window = test_show(w, 300, 240);
    GtkEventController *drag = drag_of(w);
    Seen seen = {0};
    double x[3], y[3];

    watch(plot, &seen);
    lim_plot_set_points(plot, 0, points, 3, labels);
    for (int i = 0; i < 3; i++) {
        lim_plot_locate(plot, points[i].x, points[i].y, &x[i], &y[i]);
        g_assert_cmpfloat(x[i], >, i ? x[i - 1] : 0);
        g_assert_cmpfloat(y[i], >, i ? y[i - 1] : 0); /* falls */
        g_assert_cmpfloat(y[i], <, 240);
    }

    /* A click near a point is that point; between points it is the place on the line. */
    g_signal_emit_by_name(drag, "drag-begin", x[1] + 4, y[1] - 3);
    g_signal_emit_by_name(drag, "drag-update", 1.0, 1.0);
    g_signal_emit_by_name(drag, "drag-end", 1.0, 1.0);
    g_assert_cmpint(seen.dragged, ==, 0);
    g_assert_cmpint(seen.activated, ==, 1);
    g_assert_cmpfloat(seen.position, ==, 1);
    g_signal_emit_by_name(drag, "drag-begin", (x[0] + x[1]) / 2, (y[0] + y[1]) / 2);
    g_signal_emit_by_name(drag, "drag-end", 0.0, 0.0);
    g_assert_cmpint(seen.activated, ==, 2);
    g_assert_cmpfloat_with_epsilon(seen.position, 0.5, 1e-6);

    /* A drag follows the line and ends with one activation. */
    g_signal_emit_by_name(drag, "drag-begin", x[1], y[1]);
    for (int k = 1; k <= 10; k++)
        g_signal_emit_by_name(drag, "drag-update", (x[2] - x[1]) * k / 10, (y[2] - y[1]) * k / 10);
    g_assert_cmpint(seen.dragged, ==, 10);
    g_assert_cmpfloat_with_epsilon(seen.position, 2, 1e-6);
    g_signal_emit_by_name(drag, "drag-update", (x[2] - x[1]) / 4, (y[2] - y[1]) / 4);
    g_signal_emit_by_name(drag, "drag-end", (x[2] - x[1]) / 4, (y[2] - y[1]) / 4);
    g_assert_cmpint(seen.activated, ==, 3);
    g_assert_cmpfloat_with_epsilon(seen.position, 1.25, 1e-6);

    /* Escape takes it back, and the release after it does nothing. */
    g_signal_emit_by_name(drag, "drag-begin", x[1], y[1]);
    g_signal_emit_by_name(drag, "drag-update", 40.0, 20.0);
    g_assert_true(test_key(w, GDK_KEY_Escape, 0));
    g_assert_cmpint(seen.cancelled, ==, 1);
    g_signal_emit_by_name(drag, "drag-update", 60.0, 20.0);
    g_signal_emit_by_name(drag, "drag-end", 60.0, 20.0);
    g_assert_cmpint(seen.activated, ==, 3);

    /* Beside everything: nothing. */
    int before = seen.dragged;
    g_signal_emit_by_name(drag, "drag-begin", x[2], y[0]);
    g_signal_emit_by_name(drag, "drag-update", 30.0, 30.0);
    g_signal_emit_by_name(drag, "drag-end", 30.0, 30.0);
    g_assert_cmpint(seen.dragged, ==, before);
    g_assert_cmpint(seen.activated, ==, 3);

    /* The points may go away during a drag. */
    g_signal_emit_by_name(drag, "drag-begin", x[1], y[1]);
    g_signal_emit_by_name(drag, "drag-update", 40.0, 20.0);
    lim_plot_set_points(plot, 0, NULL, 0, NULL);
    g_signal_emit_by_name(drag, "drag-update", 50.0, 20.0);
    g_signal_emit_by_name(drag, "drag-end", 50.0, 20.0);
    g_assert_cmpint(seen.cancelled, ==, 2);
    gtk_window_destroy(window);
}

static guint
count_differing(const guint8 *a, const guint8 *b, int w, int x0, int y0, int x1, int y1)
{
    guint n = 0;

    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
            n += memcmp(a + 3 * (y * w + x), b + 3 * (y * w + x), 3) != 0;
    return n;
}

/* Points, bars and marker are where lim_plot_locate() says. */
static void
test_drawn(void)
{
    LimPlot *plot = make_plot();
    GtkWidget *widget = GTK_WIDGET(plot);
    GtkWindow *window = test_show(widget, 300, 240);
    int w, h;

    /* The ends are fixed, so that nothing but what is added changes. */
    lim_plot_set_range(plot, GTK_ORIENTATION_HORIZONTAL, 0, 1);
    lim_plot_set_range(plot, GTK_ORIENTATION_VERTICAL, 0, 100);
    lim_plot_set_empty_text(plot, "");
    g_autofree guint8 *empty = test_render(widget, 1, &w, &h);
    lim_plot_set_points(plot, 0, points + 2, 1, NULL);
    g_autofree guint8 *one = test_render(widget, 1, &w, &h);
    double px, py;
    lim_plot_locate(plot, points[2].x, points[2].y, &px, &py);
    int x = (int)px, y = (int)py;
    guint all = count_differing(empty, one, w, 0, 0, w, h);
    g_assert_cmpuint(all, >, 25);
    g_assert_cmpuint(all, <, 100);
    g_assert_cmpuint(count_differing(empty, one, w, x - 5, y - 5, x + 6, y + 6), ==, all);

    lim_plot_set_marker(plot, 0, 0, NULL);
    g_autofree guint8 *marked = test_render(widget, 1, &w, &h);
    all = count_differing(one, marked, w, 0, 0, w, h);
    g_assert_cmpuint(all, >, 80);
    g_assert_cmpuint(count_differing(one, marked, w, x - 9, y - 9, x + 10, y + 10), ==, all);
    lim_plot_set_marker(plot, 0, NAN, NULL);
    g_autofree guint8 *again = test_render(widget, 1, &w, &h);
    g_assert_cmpmem(again, 3 * w * h, one, 3 * w * h);

    /* Too small for anything, log axes, no finite point: drawn without complaint. */
    LimPlotPoint odd[] = {{.x = NAN, .y = 1}, {.x = -1, .y = 0}, {.x = 1, .y = INFINITY}};
    lim_plot_set_range(plot, GTK_ORIENTATION_HORIZONTAL, NAN, NAN);
    lim_plot_set_axis(plot, GTK_ORIENTATION_HORIZONTAL, "Variety", TRUE);
    lim_plot_set_points(plot, 0, odd, 3, NULL);
    lim_plot_set_marker(plot, 0, 1.5, "nowhere");
    g_autofree guint8 *strange = test_render(widget, 2, &w, &h);
    gtk_window_destroy(window);
}

/* Lines of one logical pixel are not smeared over two at either scale. */
static void
test_crisp(void)
{
    LimPlot *plot = make_plot();
    GtkWindow *window = test_show(GTK_WIDGET(plot), 301, 237);
    int w, h;
    g_autofree guint8 *rgb = test_render(GTK_WIDGET(plot), 1, &w, &h);

    /* Along a row through the middle: what differs from the background are columns one pixel wide.
     */
    const guint8 *row = rgb + 3 * w * (h / 2 + 7);
    const guint8 *back = row + 3 * (w - 1);
    int lines = 0;
    for (int x = 60; x < w - 1; x++) {
        if (!memcmp(row + 3 * x, back, 3))
            continue;
        lines++;
        g_assert_true(!memcmp(row + 3 * (x + 1), back, 3));
    }
    g_assert_cmpint(lines, >=, 2);
    gtk_window_destroy(window);
}

int
main(int argc, char **argv)
{
    test_ui_init(&argc, &argv);
    g_test_add_func("/plot/linear-ticks", test_linear_ticks);
    g_test_add_func("/plot/given-ticks", test_given_ticks);
    g_test_add_func("/plot/log-ticks", test_log_ticks);
    g_test_add_func("/plot/format", test_format);
    g_test_add_func("/plot/nearest", test_nearest);
    g_test_add_func("/plot/whole", test_whole);
    g_test_add_func("/plot/names", test_names);
    g_test_add_func("/plot/accessible", test_accessible);
    g_test_add_func("/plot/keys", test_keys);
    g_test_add_func("/plot/drag", test_drag);
    g_test_add_func("/plot/drawn", test_drawn);
    g_test_add_func("/plot/crisp", test_crisp);
    return g_test_run();
}
