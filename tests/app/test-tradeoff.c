/* The trade-off plot of the Generate view, on the real engine with random weights: what it shows is
 * what the engine measures, and moving along the curve moves the slider. */
#include "make-model.h"
#include "support-app.h"

#include "judge.h"
#include "metrics/tradeoff.h"
#include "panes/generate/tradeoff.h"
#include "widgets/lim-slider-row.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

static LimPlot *
plot_of(TestApp *t)
{
    GtkWidget *part = test_find_type(GTK_WIDGET(t->pane), LIM_TYPE_GENERATE_TRADEOFF);

    return lim_generate_tradeoff_get_plot(LIM_GENERATE_TRADEOFF(part));
}

static void
wait_points(LimPlot *plot, int n)
{
    for (int i = 0; i < 6000 && lim_plot_get_n_points(plot, 0) < n; i++)
        test_spin(10);
    g_assert_cmpint(lim_plot_get_n_points(plot, 0), >=, n);
}

static double
threshold_of(TestApp *t)
{
    g_autoptr(GVariant) v = test_value(t, "threshold");

    return g_variant_get_double(v);
}

/* What the engine alone measures for one class, in order of thresholds. */
static void
measure(int label, LimTradeoffPoint points[LIM_TRADEOFF_THRESHOLDS])
{
    LimError err = LIM_ERROR_INIT;
    g_autofree char *model = lim_session_dup_default_path();
    g_autofree char *classifier = lim_session_dup_model_path("fashion-classifier.safetensors");
    g_autofree char *features = lim_session_dup_model_path("fashion-features.safetensors");
    LimGenerator *g = lim_generator_load(model, &err);
    LimJudge *judge = lim_judge_new(classifier, features);
    LimPool *pool = lim_pool_new(1);
    LimExec exec = {.kernels = lim_kernels_best(), .pool = pool};
    LimTradeoffSettings settings;
    LimStep step;
    int n;

    g_assert_cmpint(lim_judge_load(judge, &err), ==, LIM_OK);
    lim_params_init(lim_tradeoff_schema, &settings);
    settings.label = label;
    LimTask *task =
        lim_tradeoff_new(g, lim_judge_predictor(judge), lim_judge_real(judge), &settings,
                         lim_tradeoff_thresholds, LIM_TRADEOFF_THRESHOLDS, &err);
    g_assert_cmpstr(err.text, ==, "");
    while ((step = lim_task_step(task, &exec, NULL, &err)) == LIM_STEP_MORE)
        ;
    g_assert_cmpint(step, ==, LIM_STEP_DONE);
    const LimTradeoffPoint *all = lim_tradeoff_points(task, &n);
    g_assert_cmpint(n, ==, LIM_TRADEOFF_THRESHOLDS);
    for (int i = 0; i < n; i++) {
        int before = 0;
        for (int k = 0; k < n; k++)
            before += all[k].threshold < all[i].threshold;
        points[before] = all[i];
    }
    lim_task_free(task);
    lim_judge_unref(judge);
    lim_generator_free(g);
    lim_pool_free(pool);
}

static char *
read_out(double threshold, double variety, double asked)
{
    return g_strdup_printf("threshold %g: %.2f, %.0f", threshold, variety, asked);
}

static void
body_values(TestApp *t)
{
    LimPlot *plot = plot_of(t);
    LimTradeoffPoint want[LIM_TRADEOFF_THRESHOLDS];

    test_wait_current(t);
    test_set(t, "class", g_variant_new_int32(1));
    test_wait_current(t);
    gtk_drop_down_set_selected(GTK_DROP_DOWN(
                                   test_find_labelled(GTK_WIDGET(t->window), "Fidelity measure")),
                               2);
    g_assert_true(test_can(t, "undo"));
    gtk_test_accessible_assert_state(plot, GTK_ACCESSIBLE_STATE_BUSY, TRUE);
    wait_points(plot, 1);
    wait_points(plot, LIM_TRADEOFF_THRESHOLDS);
    measure(1, want);
    for (int i = 0; i < LIM_TRADEOFF_THRESHOLDS; i++) {
        double variety, asked, threshold;
        g_autofree char *text = lim_plot_dup_readout(plot, 0, i);
        g_assert_cmpint(sscanf(text, "threshold %lf\nVariety %lf", &threshold, &variety), ==, 2);
        const char *fidelity = strstr(text, "Fidelity");
        g_assert_cmpint(sscanf(fidelity, "Fidelity %lf %%", &asked), ==, 1);
        g_autofree char *got = read_out(threshold, variety, asked);
        g_autofree char *expected =
            read_out(want[i].threshold, want[i].variety, 100 * want[i].asked);
        g_assert_cmpstr(got, ==, expected);
    }
    for (int i = 0; i < 500 && lim_plot_get_progress(plot) < 1; i++)
        test_spin(10);
    gtk_test_accessible_assert_state(plot, GTK_ACCESSIBLE_STATE_BUSY, FALSE);

    /* Another class has another curve; the first one is not measured again. */
    test_set(t, "class", g_variant_new_int32(2));
    test_wait_current(t);
    g_assert_cmpint(lim_plot_get_n_points(plot, 0), <, LIM_TRADEOFF_THRESHOLDS);
    g_assert_cmpfloat(lim_plot_get_progress(plot), <, 1);
    test_set(t, "class", g_variant_new_int32(1));
    test_wait_current(t);
    g_assert_cmpint(lim_plot_get_n_points(plot, 0), ==, LIM_TRADEOFF_THRESHOLDS);
    g_assert_cmpfloat(lim_plot_get_progress(plot), ==, 1);

    /* The threshold is where it belongs, between the points as well. */
    g_assert_cmpfloat(lim_plot_get_marker(plot), ==, 7); /* .02 .04 .1 .2 .35 .5 .75 1 */
    GtkRange *scale =
        GTK_RANGE(lim_slider_row_get_scale(LIM_SLIDER_ROW(lim_form_get_row(t->form, "threshold"))));
    gtk_range_set_value(scale, 1.1);
    test_wait_current(t);
    g_assert_cmpfloat_with_epsilon(lim_plot_get_marker(plot), 7.4, 1e-6);
    gtk_range_set_value(scale, 2.5);
    test_wait_current(t);
    g_assert_cmpfloat(lim_plot_get_marker(plot), ==, 12);

    /* The measure of fidelity is undone like any other setting. */
    test_action(t, "reset-all", NULL);
    while (test_can(t, "undo"))
        test_action(t, "undo", NULL);
    g_assert_cmpuint(gtk_drop_down_get_selected(GTK_DROP_DOWN(
                         test_find_labelled(GTK_WIDGET(t->window), "Fidelity measure"))),
                     ==, 0);
}

static void
test_values(void)
{
    test_app_run(NULL, body_values);
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

/* Clicks, keys and drags on the curve are one step of undo each. */
static void
body_move(TestApp *t)
{
    LimPlot *plot = plot_of(t);

    test_wait_current(t);
    wait_points(plot, 3); /* .04 .5 2 and perhaps more */
    g_assert_true(test_key(GTK_WIDGET(plot), GDK_KEY_End, 0));
    g_assert_true(test_key(GTK_WIDGET(plot), GDK_KEY_Return, 0));
    double most = threshold_of(t);
    g_assert_cmpfloat(most, >=, 2);
    g_assert_true(test_can(t, "undo"));
    test_action(t, "undo", NULL);
    g_assert_cmpfloat(threshold_of(t), ==, 1);
    g_assert_false(test_can(t, "undo"));

    g_signal_emit_by_name(plot, "point-dragged", 0, 0.5);
    g_signal_emit_by_name(plot, "point-dragged", 0, 1.0);
    double at = threshold_of(t);
    g_assert_cmpfloat(at, <, 1);
    g_assert_false(test_can(t, "undo")); /* still under way */
    g_signal_emit_by_name(plot, "point-activated", 0, 0.0);
    g_assert_cmpfloat(threshold_of(t), <, at);
    g_assert_true(test_can(t, "undo"));
    test_action(t, "undo", NULL);
    g_assert_cmpfloat(threshold_of(t), ==, 1);
    g_assert_false(test_can(t, "undo"));

    /* Escape puts the value back. */
    g_signal_emit_by_name(plot, "point-dragged", 0, 1.0);
    g_signal_emit_by_name(plot, "drag-cancelled");
    g_assert_cmpfloat(threshold_of(t), ==, 1);
    g_assert_false(test_can(t, "undo"));

    /* By hand, from the mark. */
    GtkEventController *drag = drag_of(GTK_WIDGET(plot));
    double x = 0, y = 0;
    for (int i = 0; i < 200 && isnan(lim_plot_get_marker(plot)); i++)
        test_spin(10);
    g_autofree char *text = lim_plot_dup_readout(plot, 0, 0);
    double variety, fidelity, threshold;
    g_assert_cmpint(sscanf(text, "threshold %lf\nVariety %lf", &threshold, &variety), ==, 2);
    g_assert_cmpint(sscanf(strstr(text, "Fidelity"), "Fidelity %lf", &fidelity), ==, 1);
    lim_plot_locate(plot, variety, fidelity, &x, &y);
    g_signal_emit_by_name(drag, "drag-begin", x, y);
    g_signal_emit_by_name(drag, "drag-end", 0.0, 0.0);
    g_assert_cmpfloat(threshold_of(t), !=, 1);
    g_assert_true(test_can(t, "undo"));
}

static void
test_move(void)
{
    test_app_run(NULL, body_move);
}

/* An export does not wait for the curve, and closing the window does not either. */
static void
body_export(TestApp *t)
{
    LimPlot *plot = plot_of(t);
    g_autofree char *path = g_build_filename(test_folder(), "meanwhile.png", NULL);

    test_wait_current(t);
    wait_points(plot, 1);
    test_action(t, "export-to", g_variant_new_string(path));
    test_wait_status(t, "Saved meanwhile.png");
    g_assert_cmpint(lim_plot_get_n_points(plot, 0), <, LIM_TRADEOFF_THRESHOLDS);
}

static void
test_export(void)
{
    test_app_run(NULL, body_export);
}

/* Without a classifier the plot says so, and everything else goes on. */
static void
body_missing(TestApp *t)
{
    LimPlot *plot = plot_of(t);

    test_wait_current(t);
    for (int i = 0; i < 1000 && lim_plot_get_progress(plot) < 1; i++)
        test_spin(10);
    g_assert_cmpfloat(lim_plot_get_progress(plot), ==, 1);
    g_assert_cmpint(lim_plot_get_n_points(plot, 0), ==, 0);
    test_set(t, "class", g_variant_new_int32(1));
    test_wait_current(t);
}

static void
test_missing(void)
{
    g_autofree char *path = lim_session_dup_model_path("fashion-classifier.safetensors");

    g_assert_cmpint(g_unlink(path), ==, 0); /* the last test */
    test_app_run(NULL, body_missing);
}

int
main(int argc, char **argv)
{
    LimError err = LIM_ERROR_INIT;

    test_app_init(&argc, &argv);
    g_autofree char *model = lim_session_dup_default_path();
    g_autofree char *classifier = lim_session_dup_model_path("fashion-classifier.safetensors");
    g_autofree char *features = lim_session_dup_model_path("fashion-features.safetensors");
    if (test_make_model(model, 4, &err) != LIM_OK ||
        test_make_judge(classifier, features, &err) != LIM_OK)
        g_error("%s", err.text);
    g_test_add_func("/tradeoff/values", test_values);
    g_test_add_func("/tradeoff/move", test_move);
    g_test_add_func("/tradeoff/export", test_export);
    g_test_add_func("/tradeoff/missing", test_missing);
    return g_test_run();
}
