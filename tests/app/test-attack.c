/* The Attack view on the real engine and a classifier that comes with the program. */
#include "make-model.h"
#include "support-app.h"

#include "data/dataset.h"
#include "panes/attack/attack.h"
#include "panes/attack/page.h"
#include "panes/attack/probe.h"
#include "shipped.h"
#include "tensor/png.h"
#include "widgets/lim-class-bars.h"
#include "widgets/lim-picture-view.h"
#include "widgets/lim-plot.h"
#include "widgets/lim-ruler.h"
#include "widgets/lim-slice.h"

#include <glib/gstdio.h>

#include <math.h>

typedef struct {
    TestApp *t;
    LimAttackPane *pane;
    LimTransport *transport;
} Attack;

static Attack
find_view(TestApp *t)
{
    test_take_view(t, "attack");
    LimAttackPane *pane = LIM_ATTACK_PANE(t->pane);
    return (Attack){.t = t, .pane = pane, .transport = lim_attack_pane_get_transport(pane)};
}

/* In front, and its classifiers and denoisers can be chosen. */
static Attack
open_view(TestApp *t)
{
    test_show_view(t, "attack");
    Attack a = find_view(t);
    TEST_WAIT(lim_attack_pane_get_run(a.pane), 30);
    return a;
}

static void
wait_current(Attack *a)
{
    const guint source = test_wake();

    g_main_context_iteration(NULL, TRUE);
    g_source_remove(source);
    TEST_WAIT(lim_attack_pane_get_current(a->pane), 30);
}

static void
set_int(Attack *a, const char *key, int value)
{
    test_set(a->t, key, g_variant_new_int32(value));
    test_spin(60); /* a frame: the settings are read there */
}

static const char *
note(Attack *a, const char *key)
{
    return lim_form_row_get_note(lim_form_get_row(a->t->form, key));
}

static void
press(Attack *a, const char *label)
{
    GtkWidget *button = test_find_labelled(GTK_WIDGET(a->pane), label);

    g_assert_nonnull(button);
    g_assert_true(gtk_widget_get_sensitive(button));
    g_signal_emit_by_name(button, "clicked");
}

static const LimRecording *
recording(Attack *a)
{
    return lim_attack_run_recording(lim_attack_pane_get_run(a->pane));
}

static int
method(const char *name)
{
    for (size_t i = 0; i < lim_attack_count(); i++)
        if (g_str_equal(lim_attack_at(i)->name, name))
            return (int)i;
    g_assert_not_reached();
}

/* Without a click an attack has been made, and words say how it went. */
static void
body_first(TestApp *t)
{
    Attack a = open_view(t);

    wait_current(&a);
    LimAttackRun *run = lim_attack_pane_get_run(a.pane);
    g_assert_true(lim_attack_run_ended(run));
    g_assert_true(g_str_has_prefix(lim_attack_pane_get_verdict(a.pane), "✔ Fools the classifier"));
    g_assert_nonnull(strstr(lim_attack_pane_get_verdict(a.pane), "8 bit"));
    g_assert_cmpint(lim_timeline_get_n(lim_attack_pane_get_timeline(a.pane)), ==,
                    lim_recording_n(recording(&a)));
    const LimFrame *last = lim_recording_frame(recording(&a), lim_recording_n(recording(&a)) - 1);
    g_assert_cmpint(last->queries, <=, lim_attack_run_plan(run)->setup.queries);
    GtkWidget *empty = test_find_labelled(GTK_WIDGET(a.pane), "Denoised");
    g_assert_nonnull(empty);
}

static void
test_first(void)
{
    test_app_run(NULL, body_first);
}

/* The film: its first step does not fool, its last does; scrubbing shows a picture at once. */
static void
body_scrub(TestApp *t)
{
    Attack a = open_view(t);

    set_int(&a, "method", method("fgsm"));
    wait_current(&a);
    press(&a, "First step");
    g_assert_cmpint(lim_transport_get_step(a.transport), ==, 0);
    wait_current(&a);
    g_assert_true(g_str_has_prefix(lim_attack_pane_get_verdict(a.pane), "○ Does not fool"));
    press(&a, "Last step");
    wait_current(&a);
    g_assert_true(g_str_has_prefix(lim_attack_pane_get_verdict(a.pane), "✔ Fools"));
    int last = lim_transport_get_step(a.transport);
    press(&a, "Back");
    g_assert_cmpint(lim_transport_get_step(a.transport), ==, last - 1);
    g_assert_cmpint(lim_timeline_get_step(lim_attack_pane_get_timeline(a.pane)), ==, last - 1);
}

static void
test_scrub(void)
{
    test_app_run(NULL, body_scrub);
}

/* A defence: the third picture is what the denoiser makes of the second, with bars of its own; an
 * attack through it is another attack; undo takes it away. */
static void
body_defence(TestApp *t)
{
    Attack a = open_view(t);
    const LimExec exec = {.kernels = lim_kernels_best()};
    LimError err = LIM_ERROR_INIT;
    g_autofree char *path = test_model_path("fashion-denoiser-lgd-0-6.safetensors");
    LimDenoiser *d = lim_denoiser_load(path, &err);
    float x[32 * 32];

    g_assert_nonnull(d);
    set_int(&a, "method", method("bim"));
    wait_current(&a);
    GtkWidget *column = test_find_labelled(GTK_WIDGET(a.pane), "Denoised");
    LimPictureView *view = LIM_PICTURE_VIEW(test_find_type(column, LIM_TYPE_PICTURE_VIEW));
    GtkWidget *bars = test_find_type(column, LIM_TYPE_CLASS_BARS);
    g_assert_null(lim_picture_view_get_pixel(view, 0, 0));
    set_int(&a, "denoiser", 1);
    wait_current(&a);
    LimAttackRun *run = lim_attack_pane_get_run(a.pane);
    g_assert_cmpstr(lim_attack_run_plan(run)->denoiser, ==, path);
    g_assert_nonnull(strstr(lim_attack_pane_get_verdict(a.pane), "enoise"));
    for (int step = 0; step < lim_recording_n(recording(&a)); step++) {
        lim_transport_move(a.transport, step);
        wait_current(&a);
        const float *shown = lim_recording_picture(recording(&a), step);
        for (int i = 0; i < 32 * 32; i++)
            x[i] = 2 * shown[i] - 1;
        g_assert_cmpint(lim_denoiser_run(d, &exec, x, 1, 32, 32, x, &err), ==, LIM_OK);
        for (int i = 0; i < 32 * 32; i++) {
            const int want = (int)lrintf(CLAMP(255 * (x[i] + 1) / 2, 0, 255));
            g_assert_cmpint(ABS(*lim_picture_view_get_pixel(view, i % 32, i / 32) - want), <=, 1);
        }
        g_assert_cmpint(lim_class_bars_get_predicted(LIM_CLASS_BARS(bars)), >=, 0);
    }
    GtkWidget *remainder = test_find_labelled(GTK_WIDGET(a.pane), "Denoised − clean");
    g_assert_true(gtk_widget_get_mapped(remainder));
    g_assert_nonnull(lim_picture_view_get_pixel(LIM_PICTURE_VIEW(remainder), 3, 3));
    int least;
    gtk_widget_measure(GTK_WIDGET(t->window), GTK_ORIENTATION_HORIZONTAL, -1, &least, NULL, NULL,
                       NULL);
    g_assert_cmpint(least, <=, 1000); /* all pictures of a defence fit a small screen */

    const int64_t before =
        lim_recording_frame(recording(&a), lim_recording_n(recording(&a)) - 1)->queries;
    test_set(t, "through", g_variant_new_boolean(TRUE));
    test_spin(60);
    wait_current(&a);
    run = lim_attack_pane_get_run(a.pane);
    g_assert_true(lim_attack_run_plan(run)->setup.through);
    g_test_message("%" G_GINT64_FORMAT " queries, then: %s", before,
                   lim_attack_pane_get_verdict(a.pane));
    g_assert_null(strstr(lim_attack_pane_get_verdict(a.pane), "Denoised:"));
    set_int(&a, "denoiser", 0);
    wait_current(&a);
    run = lim_attack_pane_get_run(a.pane);
    g_assert_false(lim_attack_run_plan(run)->setup.through); /* means nothing without */
    g_assert_null(lim_picture_view_get_pixel(view, 0, 0));
    g_assert_false(gtk_widget_get_mapped(remainder));
    lim_denoiser_free(d);
}

static void
test_defence(void)
{
    test_app_run(NULL, body_defence);
}

static void
wait_layers(Attack *a, LimPlot *plot, int stressed)
{
    wait_current(a);
    for (int i = 0; i < 200 && lim_plot_get_stressed(plot) != stressed; i++)
        test_spin(50);
    g_assert_cmpint(lim_plot_get_stressed(plot), ==, stressed);
}

/* The value that the plot reads out for the last layer of a series. */
static double
logits_error(LimPlot *plot, int series)
{
    g_autofree char *text = lim_plot_dup_readout(plot, series, 5);
    const char *at = strstr(text, "Relative error ");

    g_assert_nonnull(strstr(text, "Layer linear"));
    g_assert_nonnull(at);
    return g_ascii_strtod(at + strlen("Relative error "), NULL);
}

/* The relative error of x against the clean picture in the logits, from the networks alone. */
static double
wanted_error(LimAttackRun *run, LimDenoiser *d, const float *shown)
{
    const LimExec exec = {.kernels = lim_kernels_best()};
    LimError err = LIM_ERROR_INIT;
    LimPredictor *p = lim_attack_run_predictor(run);
    float x[32 * 32], clean[32 * 32], z[2][10];
    double error = 0, whole = 0;

    for (int i = 0; i < 32 * 32; i++) {
        x[i] = 2 * shown[i] - 1;
        clean[i] = 2 * lim_attack_run_clean(run)[i] - 1;
    }
    if (d)
        g_assert_cmpint(lim_denoiser_run(d, &exec, x, 1, 32, 32, x, &err), ==, LIM_OK);
    g_assert_cmpint(lim_predictor_run(p, &exec, clean, 1, z[0], NULL, &err), ==, LIM_OK);
    g_assert_cmpint(lim_predictor_run(p, &exec, x, 1, z[1], NULL, &err), ==, LIM_OK);
    for (int k = 0; k < 10; k++) {
        error += fabs((double)z[1][k] - (double)z[0][k]);
        whole += fabs((double)z[0][k]);
    }
    return error / whole;
}

/* Layers: the picture as it is and behind every denoiser of the folder, from the picture to the
 * logits, whatever defence is chosen; the chosen one is stressed; scrubbing changes the values. */
static void
body_layers(TestApp *t)
{
    static const char *const series[] = {"Adversarial", "LGD-0-6", "PGD"};
    Attack a = open_view(t);
    LimError err = LIM_ERROR_INIT;
    g_autofree char *path = test_model_path("fashion-denoiser-pgd.safetensors");
    LimDenoiser *pgd = lim_denoiser_load(path, &err);

    g_assert_nonnull(pgd);
    set_int(&a, "method", method("bim"));
    set_int(&a, "denoiser", 0);
    wait_current(&a);
    GtkWidget *stack =
        gtk_widget_get_ancestor(GTK_WIDGET(lim_attack_pane_get_timeline(a.pane)), GTK_TYPE_STACK);
    gtk_stack_set_visible_child_name(GTK_STACK(stack), "layers");
    LimPlot *plot = LIM_PLOT(test_find_labelled(stack, "Error amplification"));
    wait_layers(&a, plot, 0);
    for (gsize i = 0; i < G_N_ELEMENTS(series); i++) {
        g_autofree char *text = lim_plot_dup_readout(plot, (int)i, 0);
        g_autofree char *start = g_strdup_printf("%s\nLayer picture\n", series[i]);
        g_assert_true(g_str_has_prefix(text, start));
    }

    set_int(&a, "denoiser", 2);
    wait_layers(&a, plot, 2);
    LimAttackRun *run = lim_attack_pane_get_run(a.pane);
    g_assert_cmpstr(lim_attack_run_plan(run)->denoiser, ==, path);
    for (int step = 0; step < 4; step++) {
        const float *shown = lim_recording_picture(recording(&a), step);
        const double as_is = wanted_error(run, NULL, shown), behind = wanted_error(run, pgd, shown);
        lim_transport_move(a.transport, step);
        for (int i = 0; i < 200 && fabs(logits_error(plot, 2) - behind) > 0.01; i++)
            test_spin(50);
        g_assert_cmpfloat_with_epsilon(logits_error(plot, 0), as_is, 0.01);
        g_assert_cmpfloat_with_epsilon(logits_error(plot, 2), behind, 0.01);
    }
    lim_denoiser_free(pgd);
}

static void
test_layers(void)
{
    test_app_run(NULL, body_layers);
}

/* The figures that the page tells are those of the table. */
static void
test_layers_text(void)
{
    static const char start[] = "| fashion-denoiser-lgd | 8 | ";
    g_autofree char *path =
        g_build_filename(g_getenv("LIMEN_SOURCE"), "resources", "results", "defenses.md", NULL);
    g_autofree char *table = NULL;
    g_autofree char *ifgsm = g_strconcat(start, "I-FGSM-4 | 500 | ", NULL);
    g_autofree char *pgd = g_strconcat(start, "PGD-40, restarts: 3 | 500 | - | ", NULL);
    GtkWidget *page = g_object_ref_sink(g_object_new(lim_attack_layers_get_type(), NULL));
    const char *text = lim_attack_page_get_text(LIM_ATTACK_PAGE(page)), *row;
    char *rest;

    g_assert_true(g_file_get_contents(path, &table, NULL, NULL));
    g_assert_nonnull(row = strstr(table, ifgsm));
    const double oblivious = g_ascii_strtod(row + strlen(ifgsm), &rest);
    const double adaptive = g_ascii_strtod(rest + strlen(" | "), NULL);
    g_assert_nonnull(row = strstr(table, pgd));
    const double restarts = g_ascii_strtod(row + strlen(pgd), NULL);
    g_autofree char *says = g_strdup_printf("keeps %.0f %% right under I-FGSM of 8/255 that does "
                                            "not know of it, %.0f %% when it goes through the "
                                            "denoiser, %.0f %% under PGD with restarts",
                                            oblivious, adaptive, restarts);
    g_assert_nonnull(strstr(text, says));
    g_object_unref(page);
}

/* Other pictures, other attacks, other budgets: the attack belongs to the settings; undo. */
static void
body_settings(TestApp *t)
{
    Attack a = open_view(t);
    LimError err = LIM_ERROR_INIT;
    g_autofree char *folder = lim_shipped_samples();
    LimDataset *d = lim_dataset_open(folder, "sample", &err);
    float picture[32 * 32];
    int32_t label;

    g_assert_nonnull(d);
    wait_current(&a);
    for (uint32_t i = 3; i < 6; i++) {
        set_int(&a, "picture", (int)i);
        wait_current(&a);
        LimAttackRun *run = lim_attack_pane_get_run(a.pane);
        lim_dataset_batch(d, &i, 1, 32, picture, &label);
        g_assert_cmpint(lim_attack_run_right(run), ==, label);
        for (int k = 0; k < 32 * 32; k++)
            g_assert_cmpfloat_with_epsilon((double)lim_attack_run_clean(run)[k],
                                           (double)(picture[k] + 1) / 2, 1e-6);
    }
    lim_dataset_free(d);
    /* Another classifier of the folder. */
    set_int(&a, "model", 1);
    wait_current(&a);
    g_assert_true(g_str_has_suffix(lim_attack_run_model(lim_attack_pane_get_run(a.pane)),
                                   "fashion-plain.safetensors"));
    test_action(t, "reset-all", NULL);
    set_int(&a, "queries", 1); /* all that is left is to ask about the picture itself */
    wait_current(&a);
    g_assert_true(g_str_has_prefix(lim_attack_pane_get_verdict(a.pane), "✘ Not tried: of the"));
    g_assert_nonnull(strstr(note(&a, "lattice"), "the budget is 1,"));
    set_int(&a, "lattice", 0); /* it is the budget then */
    g_assert_null(note(&a, "lattice"));
    g_assert_nonnull(strstr(note(&a, "queries"), "the checks take 3."));
    set_int(&a, "lattice", 200);
    g_assert_null(note(&a, "queries"));
    set_int(&a, "queries", 203); /* one more would be a try */
    wait_current(&a);
    g_assert_nonnull(
        strstr(lim_attack_pane_get_verdict(a.pane), "keeps 200 and the checks take 3"));
    g_assert_nonnull(strstr(note(&a, "lattice"), "the budget is 203,"));
    set_int(&a, "queries", 204);
    g_assert_null(note(&a, "lattice"));
    wait_current(&a);
    g_assert_null(strstr(lim_attack_pane_get_verdict(a.pane), "Not tried"));
    set_int(&a, "lattice", 20);
    for (size_t i = 0; i < lim_attack_count(); i++) {
        set_int(&a, "queries", 200);
        set_int(&a, "method", (int)i);
        wait_current(&a);
        LimAttackRun *run = lim_attack_pane_get_run(a.pane);
        g_assert_true(lim_attack_run_plan(run)->method == lim_attack_at(i));
        g_assert_true(lim_attack_run_ended(run));
    }
}

static void
test_settings(void)
{
    test_app_run(NULL, body_settings);
}

/* A picture of one's own; one that is too large is refused in a sentence. */
static void
body_own(TestApp *t)
{
    Attack a = open_view(t);
    LimError err = LIM_ERROR_INIT;
    uint8_t pixels[40 * 40];
    g_autofree char *path = g_build_filename(test_folder(), "own.png", NULL);
    g_autofree char *large = g_build_filename(test_folder(), "large.png", NULL);

    for (int i = 0; i < 40 * 40; i++)
        pixels[i] = (uint8_t)(i * 7);
    g_assert_cmpint(lim_png_write(path, lim_image_view(pixels, 28, 28, 28, LIM_PIXEL_GREY8), NULL,
                                  0, &err),
                    ==, LIM_OK);
    g_assert_cmpint(lim_png_write(large, lim_image_view(pixels, 40, 40, 40, LIM_PIXEL_GREY8), NULL,
                                  0, &err),
                    ==, LIM_OK);
    wait_current(&a);
    lim_window_open_path(t->window, path);
    for (int i = 0;
         i < 100 && !g_str_equal(lim_attack_run_what(lim_attack_pane_get_run(a.pane)), "own.png");
         i++)
        test_spin(50);
    wait_current(&a);
    LimAttackRun *run = lim_attack_pane_get_run(a.pane);
    g_assert_cmpstr(lim_attack_run_what(run), ==, "own.png");
    g_assert_cmpfloat_with_epsilon((double)lim_attack_run_clean(run)[2 * 32 + 3], 7 / 255.0, 1e-6);
    lim_window_open_path(t->window, large);
    LimMessage *message = t->message;
    for (int i = 0; i < 100 && !lim_message_get_text(message); i++)
        test_spin(50);
    test_spin(200);
    g_assert_nonnull(strstr(lim_message_get_text(message), "40x40"));
    set_int(&a, "source", LIM_ATTACK_SAMPLES);
    wait_current(&a);
}

static void
test_own(void)
{
    test_app_run(NULL, body_own);
}

/* What is exported is what the copied command writes, both files, byte for byte. made: how the
 * command calls its files. */
static void
check_command(Attack *a, const char *made)
{
    g_autofree char *png = g_build_filename(test_folder(), "exported.png", NULL);
    g_autofree char *npy = g_build_filename(test_folder(), "exported.npy", NULL);
    g_autofree char *made_png = g_strdup_printf("%s/attack/%s.png", test_folder(), made);
    g_autofree char *made_npy = g_strdup_printf("%s/attack/%s.npy", test_folder(), made);

    g_unlink(npy);
    g_unlink(made_png);
    test_action(a->t, "export-to", g_variant_new_string(png));
    while (lim_form_pane_exports(LIM_FORM_PANE(a->pane)))
        g_main_context_iteration(NULL, TRUE);
    test_action(a->t, "copy-command", NULL);
    g_autofree char *command = test_dup_copied(a->t);
    g_free(test_run_command(command));
    test_same_files(png, made_png);
    test_same_files(npy, made_npy);
}

static void
body_command(TestApp *t)
{
    Attack a = open_view(t);
    LimError err = LIM_ERROR_INIT;
    uint8_t pixels[28 * 28];
    g_autofree char *own = g_build_filename(test_folder(), "a 'picture'.png", NULL);
    g_autofree char *png = g_build_filename(test_folder(), "exported.png", NULL);

    set_int(&a, "queries", 300);
    set_int(&a, "lattice", 50);
    for (size_t i = 0; i < lim_attack_count(); i++) {
        g_autofree char *made = g_strdup_printf("%s-%05u", lim_attack_at(i)->name, (guint)(2 + i));
        set_int(&a, "picture", (int)(2 + i));
        set_int(&a, "target", i % 2 && lim_attack_at(i)->targeted ? 5 : -1);
        set_int(&a, "method", (int)i);
        set_int(&a, "denoiser", i < 2); /* the first attack through it, the second not */
        test_set(t, "through", g_variant_new_boolean(i == 0));
        wait_current(&a);
        check_command(&a, made);
    }
    /* Dropping the file on the window, whatever view is in front, brings the settings back. */
    set_int(&a, "method", method("fgsm"));
    set_int(&a, "picture", 7);
    test_set(t, "fgsm-epsilon", g_variant_new_double(0.07));
    test_set(t, "seed", g_variant_new_uint64(G_MAXUINT64));
    wait_current(&a);
    check_command(&a, "fgsm-00007");
    set_int(&a, "method", method("pgd"));
    set_int(&a, "picture", 1);
    test_action(t, "reset-all", NULL);
    wait_current(&a);
    test_show_view(t, "generate");
    lim_window_open_path(t->window, png);
    for (int i = 0; i < 100; i++) {
        test_spin(50);
        if (lim_attack_run_plan(lim_attack_pane_get_run(a.pane))->setup.picture == 7)
            break;
    }
    g_assert_cmpint(lim_attack_run_plan(lim_attack_pane_get_run(a.pane))->setup.picture, ==, 7);
    g_assert_true(gtk_widget_get_mapped(GTK_WIDGET(a.pane)));
    wait_current(&a);
    check_command(&a, "fgsm-00007");

    for (int i = 0; i < 28 * 28; i++)
        pixels[i] = (uint8_t)(i * 3);
    g_assert_cmpint(lim_png_write(own, lim_image_view(pixels, 28, 28, 28, LIM_PIXEL_GREY8), NULL, 0,
                                  &err),
                    ==, LIM_OK);
    lim_window_open_path(t->window, own);
    for (int i = 0; i < 100; i++) {
        test_spin(50);
        if (lim_attack_run_plan(lim_attack_pane_get_run(a.pane))->setup.source == LIM_ATTACK_OWN)
            break;
    }
    g_assert_cmpint(lim_attack_run_plan(lim_attack_pane_get_run(a.pane))->setup.source, ==,
                    LIM_ATTACK_OWN);
    wait_current(&a);
    check_command(&a, "fgsm-00000");
}

/* Taken back to a step and gone on another way: the same up to there, then not; the command makes
 * the same bytes from the beginning; undo brings the earlier recording back, as it was. */
static void
body_restart(TestApp *t)
{
    Attack a = open_view(t);
    GtkWidget *button = test_find_labelled(GTK_WIDGET(a.pane), "Restart from here");

    set_int(&a, "queries", 300);
    set_int(&a, "lattice", 50);
    set_int(&a, "picture", 2);
    wait_current(&a);
    g_signal_emit_by_name(t->form, "settled"); /* as a person's hand would have */
    LimAttackRun *before = lim_attack_run_ref(lim_attack_pane_get_run(a.pane));
    const LimRecording *was = lim_attack_run_recording(before);
    g_assert_false(gtk_widget_get_sensitive(button)); /* there is nothing after the last step */
    lim_transport_move(a.transport, 120);
    wait_current(&a);
    press(&a, "Restart from here");
    test_spin(60);
    wait_current(&a);
    LimAttackRun *run = lim_attack_pane_get_run(a.pane);
    const LimRecording *r = recording(&a);
    g_assert_true(run != before);
    g_assert_true(lim_attack_run_ended(run));
    g_assert_cmpstr(lim_attack_plan_restarts(lim_attack_run_plan(run)), ==, "118:1");
    for (int i = 0; i <= 120; i++) {
        g_assert_cmpint(lim_recording_frame(r, i)->queries, ==,
                        lim_recording_frame(was, i)->queries);
        g_assert_cmpmem(lim_recording_picture(r, i), 4096, lim_recording_picture(was, i), 4096);
    }
    const int last = lim_recording_n(r) - 1;
    g_assert_cmpint(lim_recording_frame(r, last)->queries, ==, 300);
    g_assert_true(memcmp(lim_recording_picture(r, last),
                         lim_recording_picture(was, lim_recording_n(was) - 1), 4096) != 0);
    check_command(&a, "boundary-00002");
    test_action(t, "undo", NULL);
    test_spin(60);
    wait_current(&a);
    g_assert_true(lim_attack_pane_get_run(a.pane) == before);
    check_command(&a, "boundary-00002");
    test_action(t, "redo", NULL);
    test_spin(60);
    wait_current(&a);
    g_assert_true(lim_attack_pane_get_run(a.pane) == run);
    /* More for the 8-bit search: less is walked. */
    set_int(&a, "lattice", 80);
    wait_current(&a);
    check_command(&a, "boundary-00002");
    set_int(&a, "lattice", 50);
    wait_current(&a);
    /* A larger budget goes on, and ends where it would have without the stop. */
    set_int(&a, "queries", 400);
    wait_current(&a);
    g_assert_cmpint(lim_recording_n(recording(&a)), >, last + 50);
    check_command(&a, "boundary-00002");
    /* The key does it too, from a restart as well. */
    lim_transport_move(a.transport, 200);
    test_action(t, "restart", NULL);
    test_spin(60);
    wait_current(&a);
    g_assert_cmpstr(lim_attack_plan_restarts(lim_attack_run_plan(lim_attack_pane_get_run(a.pane))),
                    ==, "118:1,198:2");
    check_command(&a, "boundary-00002");
    set_int(&a, "method", method("fgsm"));
    wait_current(&a);
    g_assert_false(gtk_widget_get_visible(button));
    lim_attack_run_unref(before);
}

static void
test_restart(void)
{
    test_app_run(NULL, body_restart);
}

static gboolean
says(LimMessage *message, const char *text)
{
    return lim_message_get_text(message) && strstr(lim_message_get_text(message), text);
}

/* A program from outside: nothing is started while its command is typed; then it is attacked, and
 * only what it says is known; the copied command attacks it the same way. */
static void
body_oracle(TestApp *t)
{
    static const char program[] =
        "import sys\n"
        "sys.stdin.readline()\n"
        "print('ready 10 floats', flush=True)\n"
        "open(sys.argv[1], 'w').close()\n"
        "import struct\n"
        "for line in sys.stdin:\n"
        "    mean = sum(struct.unpack('>1024f', bytes.fromhex(line.strip()))) / 1024\n"
        "    print(3 if mean > 0.5 else 9, flush=True)\n";
    Attack a = open_view(t);
    g_autofree char *script = g_build_filename(test_folder(), "oracle.py", NULL);
    g_autofree char *started = g_build_filename(test_folder(), "started", NULL);
    g_autofree char *command = g_strdup_printf("python3 %s %s", script, started);

    g_assert_true(g_file_set_contents(script, program, -1, NULL));
    wait_current(&a);
    const int right = lim_attack_run_right(lim_attack_pane_get_run(a.pane));
    LimMessage *message = t->message;
    LimFormRow *row = lim_form_get_row(t->form, "oracle");
    g_assert_false(gtk_widget_get_visible(GTK_WIDGET(row)));
    set_int(&a, "method", method("fgsm"));
    set_int(&a, "queries", 200);
    set_int(&a, "lattice", 20);
    set_int(&a, "model", LIM_ATTACK_EXTERNAL);
    g_assert_true(gtk_widget_get_visible(GTK_WIDGET(row)));
    /* FGSM needs gradients. */
    g_autoptr(GVariant) chosen = test_value(t, "method");
    g_assert_cmpint(g_variant_get_int32(chosen), ==, method("boundary"));
    for (int i = 0; i < 200 && !says(message, "press Enter"); i++)
        test_spin(50);
    g_assert_true(says(message, "press Enter"));
    GtkWidget *entry = test_find_type(GTK_WIDGET(row), GTK_TYPE_ENTRY);
    gtk_editable_set_text(GTK_EDITABLE(entry), command);
    test_spin(500);
    g_assert_false(g_file_test(started, G_FILE_TEST_EXISTS));
    g_signal_emit_by_name(entry, "activate");
    for (int i = 0; i < 200 && !lim_attack_run_external(lim_attack_pane_get_run(a.pane)); i++)
        test_spin(50);
    wait_current(&a);
    LimAttackRun *run = lim_attack_pane_get_run(a.pane);
    g_assert_true(g_file_test(started, G_FILE_TEST_EXISTS));
    g_assert_true(lim_attack_run_external(run));
    g_assert_cmpint(lim_attack_run_right(run), ==, right);
    g_assert_true(g_str_has_prefix(lim_attack_pane_get_verdict(a.pane),
                                   right == 9 ? "✔ Fools the program: " : "● Already"));
    g_assert_null(strstr(lim_attack_pane_get_verdict(a.pane), "%"));
    check_command(&a, "boundary-00000");
    lim_transport_move(a.transport, 1);
    wait_current(&a);
    /* A program that is none is refused in a sentence. */
    lim_form_row_set_value(row, g_variant_new_string("false"));
    for (int i = 0; i < 200 && !says(message, "status 1"); i++)
        test_spin(50);
    g_assert_true(says(message, "status 1"));
    set_int(&a, "model", 0);
    wait_current(&a);
    g_assert_false(lim_attack_run_external(lim_attack_pane_get_run(a.pane)));
}

static void
test_oracle(void)
{
    test_app_run(NULL, body_oracle);
}

/* A sample of the generator goes to the attack, and the copied command attacks the same. */
static void
body_send(TestApp *t)
{
    test_wait_current(t);
    lim_image_grid_set_cursor(t->grid, 2);
    test_set(t, "samples", g_variant_new_int32(4));
    test_set(t, "seed", g_variant_new_uint64(77));
    test_wait_current(t);
    test_action(t, "send-to-attack", NULL);
    Attack a = open_view(t);
    set_int(&a, "method", method("pgd"));
    set_int(&a, "queries", 100);
    set_int(&a, "lattice", 30);
    wait_current(&a);
    LimAttackRun *run = lim_attack_pane_get_run(a.pane);
    g_assert_cmpint(lim_attack_run_plan(run)->setup.source, ==, LIM_ATTACK_OWN);
    g_assert_cmpuint(lim_attack_run_plan(run)->setup.seed, ==, 77);
    const guint8 *shown = g_bytes_get_data(lim_image_grid_get_pixels(t->grid), NULL);
    for (int i = 0; i < 32 * 32; i++)
        g_assert_cmpint(lrintf(255 * lim_attack_run_clean(run)[i]), ==, shown[2 * 32 * 32 + i]);
    check_command(&a, "pgd-00002");
}

static void
test_send(void)
{
    test_app_run(NULL, body_send);
}

static void
set_bool(Attack *a, const char *key, gboolean value)
{
    test_set(a->t, key, g_variant_new_boolean(value));
    test_spin(60);
}

static void
set_text(Attack *a, const char *key, const char *value)
{
    test_set(a->t, key, g_variant_new_string(value));
    test_spin(60);
}

static void
undo_step(Attack *a, const char *name)
{
    test_action(a->t, name, NULL);
    test_spin(60);
    wait_current(a);
}

static const LimAttackPlan *
plan_of(Attack *a)
{
    return lim_attack_run_plan(lim_attack_pane_get_run(a->pane));
}

/* The choice of a defence and the switch below it are steps of undo of their own. */
static void
body_defence_undo(TestApp *t)
{
    Attack a = open_view(t);

    set_int(&a, "method", method("fgsm"));
    wait_current(&a);
    g_signal_emit_by_name(t->form, "settled"); /* as a person's hand would have */
    set_int(&a, "denoiser", 2);
    wait_current(&a);
    g_signal_emit_by_name(t->form, "settled");
    set_bool(&a, "through", TRUE);
    wait_current(&a);
    g_signal_emit_by_name(t->form, "settled");
    g_assert_cmpint(plan_of(&a)->setup.denoiser, ==, 2);
    g_assert_true(plan_of(&a)->setup.through);
    undo_step(&a, "undo");
    g_assert_cmpint(plan_of(&a)->setup.denoiser, ==, 2);
    g_assert_false(plan_of(&a)->setup.through);
    undo_step(&a, "undo");
    g_assert_cmpint(plan_of(&a)->setup.denoiser, ==, 0);
    g_assert_null(plan_of(&a)->denoiser);
    undo_step(&a, "redo");
    undo_step(&a, "redo");
    g_assert_true(g_str_has_suffix(plan_of(&a)->denoiser, "fashion-denoiser-pgd.safetensors"));
    g_assert_true(plan_of(&a)->setup.through);
}

static void
test_defence_undo(void)
{
    test_app_run(NULL, body_defence_undo);
}

static void
wait_message(LimMessage *message, const char *text)
{
    for (int i = 0; i < 200 && !says(message, text); i++)
        test_spin(50);
    g_assert_cmpstr(lim_message_get_text(message), !=, NULL);
    g_assert_nonnull(strstr(lim_message_get_text(message), text));
}

/* A denoiser outside the folder of models; g_free(). */
static char *
make_denoiser(void)
{
    char *path = g_build_filename(test_folder(), "my denoiser.safetensors", NULL);
    g_autofree char *shipped = test_model_path("fashion-denoiser-pgd.safetensors");
    g_autofree char *data = NULL;
    gsize size;

    g_assert_true(g_file_get_contents(shipped, &data, &size, NULL));
    g_assert_true(g_file_set_contents(path, data, (gssize)size, NULL));
    return path;
}

/* A denoiser of one's own: asked for, refused in a sentence when it is none, taken from the field
 * or from the window, and named in the command. */
static void
body_denoiser_file(TestApp *t)
{
    Attack a = open_view(t);
    g_autofree char *path = make_denoiser();
    g_autofree char *other = test_model_path("fashion-plain.safetensors");

    set_int(&a, "method", method("fgsm"));
    set_int(&a, "queries", 100);
    set_int(&a, "lattice", 20);
    wait_current(&a);
    LimMessage *message = t->message;
    GtkWidget *row = GTK_WIDGET(lim_form_get_row(t->form, "denoiser-file"));
    g_assert_false(gtk_widget_get_visible(row));
    set_int(&a, "denoiser", LIM_ATTACK_FILE);
    g_assert_true(gtk_widget_get_visible(row));
    wait_message(message, "hoose the file of a denoiser");
    GtkWidget *entry = test_find_type(row, GTK_TYPE_ENTRY);
    gtk_editable_set_text(GTK_EDITABLE(entry), "/nowhere/denoiser.safetensors");
    g_signal_emit_by_name(entry, "activate");
    wait_message(message, "/nowhere/denoiser.safetensors");
    set_text(&a, "denoiser-file", other);
    wait_message(message, "This is a classifier");
    g_assert_null(strchr(lim_message_get_text(message), '\n'));
    gtk_editable_set_text(GTK_EDITABLE(entry), path);
    g_signal_emit_by_name(entry, "activate");
    test_spin(60);
    wait_current(&a);
    g_assert_cmpstr(plan_of(&a)->denoiser, ==, path);
    g_assert_nonnull(strstr(lim_attack_pane_get_verdict(a.pane), "enoise"));
    check_command(&a, "fgsm-00000");

    /* Opened as a file of the window, from another view. */
    set_int(&a, "denoiser", 0);
    set_text(&a, "denoiser-file", "");
    wait_current(&a);
    test_show_view(t, "generate");
    lim_window_open_path(t->window, path);
    for (int i = 0; i < 100 && !plan_of(&a)->denoiser; i++)
        test_spin(50);
    wait_current(&a);
    g_assert_cmpstr(plan_of(&a)->denoiser, ==, path);
    g_assert_true(gtk_widget_get_mapped(GTK_WIDGET(a.pane)));
}

static void
test_denoiser_file(void)
{
    test_app_run(NULL, body_denoiser_file);
}

static char *left; /* path of the denoiser that was chosen when the window was closed */

static void
body_leave(TestApp *t)
{
    Attack a = open_view(t);

    set_int(&a, "method", method("fgsm"));
    set_int(&a, "picture", 3);
    set_int(&a, "model", 1);
    if (left) {
        set_int(&a, "denoiser", LIM_ATTACK_FILE);
        set_text(&a, "denoiser-file", left);
    } else {
        set_int(&a, "denoiser", 1);
    }
    set_bool(&a, "through", !left);
    wait_current(&a);
    g_free(left);
    left = g_strdup(plan_of(&a)->denoiser);
    g_assert_nonnull(left);
}

/* Nothing is pressed: the view that was in front is there, with what it had. */
static void
body_come_back(TestApp *t)
{
    Attack a = find_view(t);
    const gboolean file = g_str_has_suffix(left, "my denoiser.safetensors");

    wait_current(&a);
    g_assert_true(gtk_widget_get_mapped(GTK_WIDGET(a.pane)));
    g_assert_cmpstr(plan_of(&a)->denoiser, ==, left);
    g_assert_true(plan_of(&a)->setup.through == !file);
    g_assert_true(plan_of(&a)->method == lim_attack_find("fgsm"));
    g_assert_cmpint(plan_of(&a)->setup.picture, ==, 3);
    g_assert_true(g_str_has_suffix(lim_attack_run_model(lim_attack_pane_get_run(a.pane)),
                                   "fashion-plain.safetensors"));
    undo_step(&a, "undo"); /* to what a first start shows */
    g_assert_null(plan_of(&a)->denoiser);
    undo_step(&a, "redo");
    g_assert_cmpstr(plan_of(&a)->denoiser, ==, left);
}

/* A view that is not looked at keeps what it had for the start after that. */
static void
body_elsewhere(TestApp *t)
{
    test_show_view(t, "generate");
    test_spin(100);
    test_show_view(t, "attack");
}

/* The defence that is gone is left out; damaged files begin anew. */
static void
body_without(TestApp *t)
{
    Attack a = open_view(t);

    wait_current(&a);
    g_assert_null(plan_of(&a)->denoiser);
}

static void
test_session(void)
{
    g_autofree char *session = g_build_filename(test_folder(), "limen", "session", NULL);
    g_autofree char *text = NULL, *changed = NULL;
    g_auto(GStrv) parts = NULL;

    test_app_run(NULL, body_leave);
    test_app_resume();
    test_app_run(NULL, body_come_back);
    test_app_resume();
    test_app_run(NULL, body_elsewhere);
    test_app_resume();
    test_app_run(NULL, body_come_back);
    g_clear_pointer(&left, g_free);

    left = make_denoiser();
    test_app_run(NULL, body_leave);
    test_app_resume();
    test_app_run(NULL, body_come_back);
    g_clear_pointer(&left, g_free);

    test_app_run(NULL, body_leave);
    g_assert_true(g_file_get_contents(session, &text, NULL, NULL));
    g_assert_nonnull(strstr(text, "fashion-denoiser-lgd-0-6.safetensors"));
    parts = g_strsplit(text, "fashion-denoiser-lgd-0-6.safetensors", -1);
    changed = g_strjoinv("gone.safetensors", parts);
    g_assert_true(g_file_set_contents(session, changed, -1, NULL));
    test_app_resume();
    test_app_run(NULL, body_without);
    g_assert_true(g_file_set_contents(session, "{'attack': <{'denoiser': <'x'>", -1, NULL));
    test_app_resume();
    test_app_run(NULL, body_without);
    g_assert_true(g_file_set_contents(session,
                                      "{'view': <5>, 'generate': <{'class': <'x'>}>, 'attack': "
                                      "<{'denoiser': <'x'>, 'method': <77>, 'queries': <-5>, "
                                      "'source': <2>, 'own-file': <'/nowhere'>}>}",
                                      -1, NULL));
    test_app_resume();
    test_app_run(NULL, body_without);
    g_clear_pointer(&left, g_free);
}

static void
test_command(void)
{
    test_app_run(NULL, body_command);
}

static void
run_task(LimTask *t)
{
    LimError err = LIM_ERROR_INIT;
    LimPool *pool = lim_pool_new(1);
    LimExec exec = {.kernels = lim_kernels_best(), .pool = pool};
    LimStep step;

    while ((step = lim_task_step(t, &exec, NULL, &err)) == LIM_STEP_MORE)
        ;
    g_assert_cmpstr(err.text, ==, "");
    g_assert_cmpint(step, ==, LIM_STEP_DONE);
    lim_pool_free(pool);
}

static LimAttackRun *
make_run(const char *method, int picture)
{
    g_autofree char *models = lim_shipped_model("");
    g_autofree char *samples = lim_shipped_samples();
    LimBench *bench = lim_bench_new(models, samples);
    LimAttackPlan plan = {.method = lim_attack_find(method)};

    lim_params_init(lim_attack_setup_schema, &plan.setup);
    plan.setup.picture = picture;
    plan.params = lim_alloc(1, plan.method->params_size);
    lim_params_init(plan.method->schema, plan.params);
    LimTask *t = lim_begin_task_new(bench, &plan, NULL);
    run_task(t);
    LimAttackRun *run = lim_begin_task_steal(t);
    lim_task_free(t);
    t = lim_advance_task_new(run, G_MAXINT, FALSE);
    run_task(t);
    lim_task_free(t);
    g_assert_true(lim_attack_run_ended(run));
    lim_attack_plan_clear(&plan);
    lim_bench_unref(bench);
    return run;
}

/* The line between the pictures: its ends are they, and the class changes where the marks are. */
static void
test_line(void)
{
    LimAttackRun *run = make_run("fgsm", 0);
    const int last = lim_recording_n(lim_attack_run_recording(run)) - 1;
    LimTask *t = lim_strip_task_new(run, last);

    run_task(t);
    LimStripTask *strip = (LimStripTask *)t;
    g_assert_cmpint(strip->label[0], ==, lim_attack_run_right(run));
    g_assert_cmpint(strip->label[LIM_STRIP - 1], !=, lim_attack_run_right(run));
    g_assert_cmpint(strip->n_flips, >=, 1);
    for (int side = 0; side < 2; side++) {
        LimTask *p = lim_place_task_new(run, last, strip->flip[0] + (side ? 1e-4 : -1e-4));
        run_task(p);
        g_assert_cmpint(((LimPlaceTask *)p)->label == lim_attack_run_right(run), ==, !side);
        lim_task_free(p);
    }
    LimTask *p = lim_place_task_new(run, last, 1);
    run_task(p);
    g_assert_cmpmem(((LimPlaceTask *)p)->picture, 32 * 32 * sizeof(float),
                    lim_recording_picture(lim_attack_run_recording(run), last),
                    32 * 32 * sizeof(float));
    lim_task_free(p);
    lim_task_free(t);
    lim_attack_run_unref(run);
}

static int
slice_label(const LimSliceTask *s, double x, double y)
{
    int column = (int)((x - s->x0) / s->side * s->grid);
    int row = (int)((1 - (y - s->y0) / s->side) * s->grid);

    g_assert_true(row >= 0 && row < s->grid && column >= 0 && column < s->grid);
    return s->label[row * s->grid + column];
}

/* The plane holds the pictures it is made of, at their distances. */
static void
test_plane(void)
{
    LimAttackRun *run = make_run("fgsm", 0);
    const LimRecording *r = lim_attack_run_recording(run);
    const int last = lim_recording_n(r) - 1;
    LimTask *t = lim_slice_task_new(run, last, 31);

    run_task(t);
    LimSliceTask *s = (LimSliceTask *)t;
    g_assert_cmpint(slice_label(s, 0, 0), ==, lim_attack_run_right(run));
    g_assert_cmpint(slice_label(s, s->shown[0], s->shown[1]), !=, lim_attack_run_right(run));
    g_assert_cmpfloat_with_epsilon(s->shown[0], lim_recording_frame(r, last)->l2, 1e-3);
    g_assert_cmpfloat_with_epsilon(s->shown[1], 0, 1e-3);
    double dot = 0, one = 0;
    for (int i = 0; i < 32 * 32; i++) {
        dot += (double)s->axis[0][i] * (double)s->axis[1][i];
        one += (double)s->axis[1][i] * (double)s->axis[1][i];
    }
    g_assert_cmpfloat_with_epsilon(dot, 0, 1e-4);
    g_assert_cmpfloat_with_epsilon(one, 1, 1e-4);
    lim_task_free(t);
    lim_attack_run_unref(run);
}

/* All pages show something for the attack that is there. */
static void
body_pages(TestApp *t)
{
    Attack a = open_view(t);
    static const char *const pages[] = {"slice", "ruler", "race", "timeline"};

    set_int(&a, "method", method("fgsm"));
    set_int(&a, "queries", 60);
    set_int(&a, "lattice", 10);
    wait_current(&a);
    GtkWidget *stack =
        gtk_widget_get_ancestor(GTK_WIDGET(lim_attack_pane_get_timeline(a.pane)), GTK_TYPE_STACK);
    for (gsize i = 0; i < G_N_ELEMENTS(pages); i++) {
        gtk_stack_set_visible_child_name(GTK_STACK(stack), pages[i]);
        test_spin(700);
    }
    LimSlice *slice = LIM_SLICE(test_find_type(stack, LIM_TYPE_SLICE));
    LimRuler *ruler = LIM_RULER(test_find_type(stack, LIM_TYPE_RULER));
    LimPlot *race = LIM_PLOT(test_find_type(stack, LIM_TYPE_PLOT));
    LimAttackRun *run = lim_attack_pane_get_run(a.pane);
    for (int i = 0; i < 100 && lim_slice_get_label(slice, 0, 0) < 0; i++)
        test_spin(50);
    g_assert_cmpint(lim_slice_get_label(slice, 0, 0), ==, lim_attack_run_right(run));
    for (int i = 0; i < 100 && !lim_plot_get_n_points(race, 0); i++)
        test_spin(50);
    g_assert_cmpint(lim_plot_get_n_points(race, 0), >, 0);
    gtk_stack_set_visible_child_name(GTK_STACK(stack), "slice");
    const int n = lim_recording_n(lim_attack_run_recording(run));
    GtkWidget *there = test_find_labelled(stack, "Picture at the place");
    g_assert_cmpint(lim_transport_get_step(a.transport), ==, n - 1);
    g_signal_emit_by_name(slice, "place-moved", 0.0, 0.0); /* the clean picture */
    for (int i = 0; i < 100 && !lim_picture_view_get_pixel(LIM_PICTURE_VIEW(there), 16, 16); i++)
        test_spin(50);
    for (int y = 0; y < 32; y++)
        for (int x = 0; x < 32; x++)
            g_assert_cmpint(*lim_picture_view_get_pixel(LIM_PICTURE_VIEW(there), x, y), ==,
                            (int)lrintf(255 * lim_attack_run_clean(run)[y * 32 + x]));
    g_signal_emit_by_name(slice, "place-activated", 0.0, 0.0);
    g_assert_cmpint(lim_transport_get_step(a.transport), ==, 0);
    lim_transport_move(a.transport, n - 1);
    wait_current(&a);
    gtk_stack_set_visible_child_name(GTK_STACK(stack), "ruler");
    lim_ruler_set_place(ruler, 0);
    GtkWidget *picture = test_find_labelled(stack, "Picture on the line");
    for (int i = 0; i < 100; i++) {
        const guint8 *p = lim_picture_view_get_pixel(LIM_PICTURE_VIEW(picture), 16, 16);
        test_spin(50);
        if (p && *p == (guint8)lrintf(255 * lim_attack_run_clean(run)[16 * 32 + 16]))
            return;
    }
    g_assert_not_reached();
}

/* A place on a curve of the race: the pictures are those of that attack after so many queries, the
 * form is set to it, and the race goes on as it was; so back, and with undo. */
static void
body_race(TestApp *t)
{
    Attack a = open_view(t);

    set_int(&a, "method", method("ddn"));
    set_int(&a, "queries", 60);
    set_int(&a, "lattice", 10);
    wait_current(&a);
    GtkWidget *stack =
        gtk_widget_get_ancestor(GTK_WIDGET(lim_attack_pane_get_timeline(a.pane)), GTK_TYPE_STACK);
    gtk_stack_set_visible_child_name(GTK_STACK(stack), "race");
    GtkWidget *page = gtk_stack_get_visible_child(GTK_STACK(stack));
    LimPlot *race = LIM_PLOT(test_find_type(page, LIM_TYPE_PLOT));
    const int fgsm = method("fgsm"), bim = method("bim"), last = (int)lim_attack_count() - 1;
    for (int i = 0; i < 200 && !lim_plot_get_n_points(race, last); i++)
        test_spin(50);
    g_assert_cmpint(lim_plot_get_n_points(race, last), >, 0);
    const int points = lim_plot_get_n_points(race, fgsm);
    const int chosen[] = {bim, fgsm, method("ddn")};
    for (gsize k = 0; k < G_N_ELEMENTS(chosen); k++) {
        const int at = lim_plot_get_n_points(race, chosen[k]) / 2;
        g_autofree char *said = lim_plot_dup_readout(race, chosen[k], at);
        g_signal_emit_by_name(race, "point-activated", chosen[k], at + 0.4);
        test_spin(60);
        wait_current(&a);
        LimAttackRun *run = lim_attack_pane_get_run(a.pane);
        g_assert_true(lim_attack_run_plan(run)->method == lim_attack_at((size_t)chosen[k]));
        const int step = lim_transport_get_step(a.transport);
        const LimFrame *f = lim_recording_frame(recording(&a), step);
        g_autofree char *queries = g_strdup_printf("Queries %.1f\n", (double)f->queries);
        g_test_message("%s", said);
        g_assert_nonnull(strstr(said, queries));
        g_assert_cmpfloat(lim_plot_get_marker(race), ==, at);
        g_assert_cmpint(lim_plot_get_n_points(race, fgsm), ==, points); /* not raced again */
    }
    g_autoptr(GVariant) now = test_value(t, "method");
    g_assert_cmpint(g_variant_get_int32(now), ==, method("ddn"));
    test_action(t, "undo", NULL);
    wait_current(&a);
    g_assert_true(lim_attack_run_plan(lim_attack_pane_get_run(a.pane))->method ==
                  lim_attack_find("fgsm"));
}

static void
test_race(void)
{
    test_app_run(NULL, body_race);
}

static void
test_pages(void)
{
    test_app_run(NULL, body_pages);
}

static void
test_gain(void)
{
    g_assert_cmpfloat(lim_difference_gain(1), ==, 1);
    g_assert_cmpfloat(lim_difference_gain(0.6), ==, 1);
    g_assert_cmpfloat(lim_difference_gain(0.5), ==, 2);
    g_assert_cmpfloat(lim_difference_gain(0.1), ==, 10);
    g_assert_cmpfloat(lim_difference_gain(0.11), ==, 5);
    g_assert_cmpfloat(lim_difference_gain(0), ==, 5000);
}

int
main(int argc, char **argv)
{
    test_app_init(&argc, &argv);
    static const char *const files[] = {"fashion-classifier.safetensors",
                                        "fashion-plain.safetensors",
                                        "fashion-denoiser-lgd-0-6.safetensors",
                                        "fashion-denoiser-pgd.safetensors"};
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++)
        test_ship_model(files[i]);
    LimError err = LIM_ERROR_INIT;
    g_autofree char *gan = test_model_path("fashion-gan.safetensors");
    if (test_make_model(gan, 8, &err) != LIM_OK)
        g_error("%s", err.text);
    g_test_add_func("/attack/first-state", test_first);
    g_test_add_func("/attack/scrub", test_scrub);
    g_test_add_func("/attack/defence", test_defence);
    g_test_add_func("/attack/defence-undo", test_defence_undo);
    g_test_add_func("/attack/denoiser-file", test_denoiser_file);
    g_test_add_func("/attack/session", test_session);
    g_test_add_func("/attack/layers", test_layers);
    g_test_add_func("/attack/layers-text", test_layers_text);
    g_test_add_func("/attack/settings", test_settings);
    g_test_add_func("/attack/own", test_own);
    g_test_add_func("/attack/gain", test_gain);
    g_test_add_func("/attack/command", test_command);
    g_test_add_func("/attack/restart", test_restart);
    g_test_add_func("/attack/oracle", test_oracle);
    g_test_add_func("/attack/send", test_send);
    g_test_add_func("/attack/line", test_line);
    g_test_add_func("/attack/plane", test_plane);
    g_test_add_func("/attack/pages", test_pages);
    g_test_add_func("/attack/race", test_race);
    return g_test_run();
}
