/* The Universal view on the real engine and a classifier that comes with the program. */
#include "support-app.h"

#include "panes/universal/universal.h"
#include "tensor/npy.h"
#include "widgets/lim-plot.h"
#include "widgets/lim-slider-row.h"

#include <glib/gstdio.h>

typedef struct {
    TestApp *t;
    LimUniversalPane *pane;
} Universal;

static void
wait_for(gboolean (*is)(Universal *u), Universal *u)
{
    TEST_WAIT(is(u), 60);
}

static gboolean
is_current(Universal *u)
{
    return lim_universal_pane_get_current(u->pane);
}

static gboolean
has_begun(Universal *u)
{
    return lim_universal_pane_get_run(u->pane) != NULL;
}

/* A view with a small perturbation of the plain classifier. */
static Universal
open_view(TestApp *t)
{
    test_take_view(t, "universal");
    Universal u = {.t = t, .pane = LIM_UNIVERSAL_PANE(t->pane)};

    test_set(t, "pictures", g_variant_new_int32(30));
    test_set(t, "passes", g_variant_new_int32(2));
    test_show_view(t, "universal");
    wait_for(has_begun, &u);
    test_spin(60);
    return u;
}

static GtkWidget *
find(Universal *u, const char *label)
{
    GtkWidget *widget = test_find_labelled(GTK_WIDGET(u->pane), label);

    g_assert_nonnull(widget);
    return widget;
}

/* Without a click one grows, its curves follow, and words say how it went. */
static void
body_grows(TestApp *t)
{
    Universal u = open_view(t);

    wait_for(is_current, &u);
    LimUniversalSnap snap;
    lim_universal_run_snap(lim_universal_pane_get_run(u.pane), &snap);
    g_assert_cmpint(snap.n_passes, ==, 3);
    g_assert_true(g_str_has_prefix(lim_universal_pane_get_verdict(u.pane), "✔ Fools "));
    g_assert_nonnull(strstr(lim_universal_pane_get_verdict(u.pane), ", v permuted "));
    LimPlot *plot = LIM_PLOT(test_find_type(GTK_WIDGET(u.pane), LIM_TYPE_PLOT));
    g_assert_cmpint(lim_plot_get_n_points(plot, 0), ==, 3);
    g_assert_cmpint(lim_plot_get_n_points(plot, 1), ==, 3);
    LimImageGrid *strip = LIM_IMAGE_GRID(find(&u, "Pictures that contributed last"));
    g_assert_cmpint(lim_image_grid_get_n(strip), ==, MIN(12, snap.now.additions));
    lim_universal_snap_clear(&snap);
    g_assert_nonnull(test_find_labelled(GTK_WIDGET(u.pane), "Perturbation"));

    /* at scale 0 nothing flips; at 3 more than at 1 */
    LimImageGrid *flips = LIM_IMAGE_GRID(find(&u, "Pictures that flip"));
    GtkWidget *scale = find(&u, "Scale");
    const int at_one = lim_image_grid_get_n(flips);
    g_assert_cmpint(at_one, >, 0);
    g_assert_nonnull(strstr(lim_image_grid_get_label(flips, 0), "→"));
    gtk_range_set_value(GTK_RANGE(scale), 0);
    wait_for(is_current, &u);
    g_assert_cmpint(lim_image_grid_get_n(flips), ==, 0);
    gtk_range_set_value(GTK_RANGE(scale), 3);
    wait_for(is_current, &u);
    g_assert_cmpint(lim_image_grid_get_n(flips), >=, at_one);
}

static gboolean
flips_in_the_first_pass(Universal *u)
{
    return g_str_has_prefix(lim_universal_pane_get_verdict(u->pane), "○ Pass 1:") &&
           lim_image_grid_get_n(LIM_IMAGE_GRID(find(u, "Pictures that flip"))) > 0;
}

/* What v does can be seen before a pass is over; it is no result yet that goes elsewhere. */
static void
body_first_pass(TestApp *t)
{
    Universal u = open_view(t);

    test_set(t, "pictures", g_variant_new_int32(400));
    test_spin(60);
    wait_for(flips_in_the_first_pass, &u);
    g_assert_false(gtk_widget_get_sensitive(find(&u, "Apply in Attack")));
}

/* Paused and gone on with, it is the same; a change of the settings begins another. */
static void
body_pauses(TestApp *t)
{
    Universal u = open_view(t);
    LimUniversalRun *first = lim_universal_pane_get_run(u.pane);
    LimUniversalSnap snap, again;

    g_signal_emit_by_name(find(&u, "Pause"), "clicked");
    test_spin(100);
    g_signal_emit_by_name(find(&u, "Go on"), "clicked");
    wait_for(is_current, &u);
    g_assert_true(lim_universal_pane_get_run(u.pane) == first);
    lim_universal_run_snap(first, &snap);
    test_set(t, "norm", g_variant_new_int32(LIM_NORM_L2));
    test_spin(60);
    wait_for(is_current, &u);
    const LimUniversalPlan *plan = lim_universal_run_plan(lim_universal_pane_get_run(u.pane));
    g_assert_cmpint(plan->params.norm, ==, LIM_NORM_L2);
    g_assert_cmpfloat(plan->params.xi, ==, 2);
    g_assert_true(lim_form_row_is_default(lim_form_get_row(t->form, "xi"))); /* of this norm */
    test_action(t, "undo", NULL);
    test_spin(60);
    test_action(t, "undo", NULL);
    test_spin(60);
    test_set(t, "norm", g_variant_new_int32(LIM_NORM_LINF));
    test_spin(60);
    wait_for(is_current, &u);
    lim_universal_run_snap(lim_universal_pane_get_run(u.pane), &again);
    const gsize size =
        (gsize)lim_shape_size(lim_universal_run_shape(lim_universal_pane_get_run(u.pane)));
    g_assert_cmpmem(snap.best, size * sizeof *snap.best, again.best, size * sizeof *again.best);
    lim_universal_snap_clear(&snap);
    lim_universal_snap_clear(&again);
}

/* The files are there, and the command makes the same v. */
static void
body_exports(TestApp *t)
{
    Universal u = open_view(t);
    g_autofree char *png = g_build_filename(test_folder(), "v.png", NULL);
    g_autofree char *npy = g_build_filename(test_folder(), "v.npy", NULL);
    g_autofree char *file = g_build_filename(test_folder(), "v.safetensors", NULL);
    LimUniversalFile f;
    LimError err = LIM_ERROR_INIT;

    test_set(t, "norm", g_variant_new_int32(LIM_NORM_L2));
    test_spin(60);
    test_set(t, "xi", g_variant_new_double(0.1)); /* the bound of the other norm has to be said */
    test_spin(60);
    wait_for(is_current, &u);
    test_action(t, "export-to", g_variant_new_string(png));
    test_wait_status(t, "");
    for (int i = 0; i < 200 && !g_file_test(npy, G_FILE_TEST_EXISTS); i++)
        test_spin(20);
    g_assert_true(g_file_test(png, G_FILE_TEST_EXISTS));
    g_assert_cmpint(lim_universalfile_read(file, &f, &err), ==, LIM_OK);
    LimTensor *v = lim_npy_read(npy, &err);
    g_assert_nonnull(v);
    const gsize bytes = (gsize)lim_tensor_size(v) * sizeof(float);
    g_assert_cmpmem(lim_tensor_data(v), bytes, f.v, bytes);
    g_assert_true(g_str_has_prefix(f.command, "limen-cli universal make "));

    g_autofree char *made = g_build_filename(test_folder(), "universal.safetensors", NULL);
    g_autofree char *line = g_strconcat(g_getenv("LIMEN_CLI"), strchr(f.command, ' '), NULL);
    g_auto(GStrv) argv = NULL;
    int status;
    g_assert_true(g_shell_parse_argv(line, NULL, &argv, NULL));
    g_assert_true(g_spawn_sync(test_folder(), argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL,
                               NULL, NULL, &status, NULL));
    g_assert_cmpint(status, ==, 0);
    LimUniversalFile g;
    g_assert_cmpint(lim_universalfile_read(made, &g, &err), ==, LIM_OK);
    g_assert_cmpmem(f.v, bytes, g.v, bytes);
    lim_universalfile_clear(&f);
    lim_universalfile_clear(&g);
    lim_tensor_unref(v);
}

static gboolean
looks_at_file(Universal *u)
{
    LimUniversalRun *run = lim_universal_pane_get_run(u->pane);

    return run && lim_universal_run_plan(run)->file && is_current(u);
}

static LimMessage *message;

static gboolean
refused(Universal *u)
{
    return lim_message_get_text(message) &&
           strstr(lim_message_get_text(message), "fashion-plain") &&
           gtk_widget_get_mapped(GTK_WIDGET(message));
}

/* A v that was saved is looked at: opened as a file of the window, from another view; the form
 * tells how it was made; another file is refused in a sentence; without the file v is made again.
 */
static void
body_opens(TestApp *t)
{
    Universal u = open_view(t);
    g_autofree char *png = g_build_filename(test_folder(), "kept.png", NULL);
    g_autofree char *file = g_build_filename(test_folder(), "kept.safetensors", NULL);
    g_autofree char *npy = g_build_filename(test_folder(), "kept.npy", NULL);
    g_autofree char *model = test_model_path("fashion-plain.safetensors");
    LimUniversalSnap made, opened;

    test_set(t, "method", g_variant_new_int32(LIM_UNIVERSAL_GRADIENT));
    test_spin(60);
    wait_for(is_current, &u);
    lim_universal_run_snap(lim_universal_pane_get_run(u.pane), &made);
    g_autofree char *verdict = g_strdup(lim_universal_pane_get_verdict(u.pane));
    test_action(t, "export-to", g_variant_new_string(png));
    for (int i = 0; i < 200 && !g_file_test(npy, G_FILE_TEST_EXISTS); i++)
        test_spin(20);
    test_set(t, "method", g_variant_new_int32(LIM_UNIVERSAL_DEEPFOOL));
    test_set(t, "norm", g_variant_new_int32(LIM_NORM_L2));
    test_spin(60);
    test_show_view(t, "generate");
    lim_window_open_path(t->window, file);
    wait_for(looks_at_file, &u);
    g_assert_true(gtk_widget_get_mapped(GTK_WIDGET(u.pane)));
    lim_universal_run_snap(lim_universal_pane_get_run(u.pane), &opened);
    const gsize size =
        (gsize)lim_shape_size(lim_universal_run_shape(lim_universal_pane_get_run(u.pane)));
    g_assert_cmpmem(made.best, size * sizeof *made.best, opened.best, size * sizeof *opened.best);
    g_assert_cmpfloat(opened.pass[1].unseen, ==, made.pass[made.best_pass].unseen);
    g_assert_cmpstr(lim_universal_pane_get_verdict(u.pane), ==, verdict);
    g_autoptr(GVariant) norm = test_value(t, "norm");
    g_assert_cmpint(g_variant_get_int32(norm), ==, LIM_NORM_LINF);
    lim_universal_snap_clear(&made);
    lim_universal_snap_clear(&opened);
    g_assert_cmpint(lim_image_grid_get_n(LIM_IMAGE_GRID(find(&u, "Pictures that flip"))), >, 0);

    message = LIM_MESSAGE(test_find_type(GTK_WIDGET(u.pane), LIM_TYPE_MESSAGE));
    test_set(t, "file", g_variant_new_string(model));
    wait_for(refused, &u);
    test_set(t, "file", g_variant_new_string(""));
    test_spin(60);
    wait_for(is_current, &u);
    g_assert_null(lim_universal_run_plan(lim_universal_pane_get_run(u.pane))->file);
}

/* The bound's slider has the range and the steps of the norm; both are there at the next start. */
static void
body_bound(TestApp *t)
{
    Universal u = open_view(t);
    GtkWidget *scale = lim_slider_row_get_scale(LIM_SLIDER_ROW(lim_form_get_row(t->form, "xi")));
    GtkAdjustment *a = gtk_range_get_adjustment(GTK_RANGE(scale));

    g_assert_cmpfloat(gtk_adjustment_get_upper(a), ==, 0.3);
    g_assert_cmpfloat_with_epsilon(gtk_adjustment_get_step_increment(a), 0.005, 1e-9);
    test_set(t, "norm", g_variant_new_int32(LIM_NORM_L2));
    g_assert_cmpfloat(gtk_adjustment_get_upper(a), ==, 4);
    g_assert_cmpfloat(gtk_adjustment_get_value(a), ==, 2);
    g_assert_cmpfloat_with_epsilon(gtk_adjustment_get_step_increment(a), 0.05, 1e-9);
    test_set(t, "xi", g_variant_new_double(1.5));
    test_set(t, "norm", g_variant_new_int32(LIM_NORM_LINF)); /* what does not fit is kept */
    g_assert_cmpfloat(gtk_adjustment_get_value(a), ==, 1.5);
    test_set(t, "norm", g_variant_new_int32(LIM_NORM_L2));
    test_set(t, "passes", g_variant_new_int32(1));
    test_spin(60);
    wait_for(is_current, &u);
}

static void
body_again(TestApp *t)
{
    Universal u = {.t = t, .pane = LIM_UNIVERSAL_PANE(lim_window_get_pane(t->window, "universal"))};

    wait_for(is_current, &u);
    const LimUniversalPlan *plan = lim_universal_run_plan(lim_universal_pane_get_run(u.pane));
    g_assert_true(gtk_widget_get_mapped(GTK_WIDGET(u.pane)));
    g_assert_cmpint(plan->params.norm, ==, LIM_NORM_L2);
    g_assert_cmpfloat(plan->params.xi, ==, 1.5);
    g_assert_cmpint(plan->pictures, ==, 30);
}

static void
test_opens(void)
{
    test_app_run(NULL, body_opens);
}

static void
test_session(void)
{
    test_app_run(NULL, body_bound);
    test_app_resume();
    test_app_run(NULL, body_again);
}

static LimSeriesPage *waited;

static gboolean
series_over(Universal *u)
{
    return !lim_series_page_get_busy(waited);
}

/* Five shuffles: a table of inner products with ones on its diagonal. */
static void
body_shuffles(TestApp *t)
{
    Universal u = open_view(t);

    wait_for(is_current, &u);
    waited = LIM_SERIES_PAGE(find(&u, "Five shuffles"));
    g_signal_emit_by_name(test_find_labelled(GTK_WIDGET(waited), "Make them"), "clicked");
    g_assert_true(lim_series_page_get_busy(waited));
    wait_for(series_over, &u);
    for (int i = 0; i < 5; i++) {
        g_assert_cmpstr(lim_series_page_get_text(waited, i, i), ==, "1.000");
        for (int k = 0; k < i; k++) {
            g_assert_cmpstr(lim_series_page_get_text(waited, i, k), ==,
                            lim_series_page_get_text(waited, k, i));
            g_assert_cmpstr(lim_series_page_get_text(waited, i, k), !=, "1.000");
        }
    }
}

static gboolean
attack_in_front(Universal *u)
{
    g_autoptr(GVariant) view =
        g_action_group_get_action_state(G_ACTION_GROUP(u->t->window), "view");

    return g_str_equal(g_variant_get_string(view, NULL), "attack") ||
           gtk_widget_get_mapped(GTK_WIDGET(lim_window_get_pane(u->t->window, "attack")));
}

static void
body_applies(TestApp *t)
{
    Universal u = open_view(t);

    wait_for(is_current, &u);
    test_action(t, "apply-in-attack", NULL);
    wait_for(attack_in_front, &u);
}

#define TEST(name)                       \
    static void test_##name(void)        \
    {                                    \
        test_app_run(NULL, body_##name); \
    }
TEST(grows)
TEST(first_pass)
TEST(pauses)
TEST(exports)
TEST(shuffles)
TEST(applies)

int
main(int argc, char **argv)
{
    test_app_init(&argc, &argv);
    test_ship_model("fashion-plain.safetensors");
    g_test_add_func("/universal-view/grows", test_grows);
    g_test_add_func("/universal-view/first-pass", test_first_pass);
    g_test_add_func("/universal-view/pauses", test_pauses);
    g_test_add_func("/universal-view/exports", test_exports);
    g_test_add_func("/universal-view/opens", test_opens);
    g_test_add_func("/universal-view/session", test_session);
    g_test_add_func("/universal-view/shuffles", test_shuffles);
    g_test_add_func("/universal-view/applies", test_applies);
    return g_test_run();
}
