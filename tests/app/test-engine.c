/* The whole window on the real engine: what is shown and exported is what the engine computes. */
#include "make-model.h"
#include "support-app.h"

#include "schema-form.h"

#include "models/samplefile.h"
#include "models/sweep.h"
#include "panes/generate/kept.h"
#include "tensor/image.h"
#include "widgets/lim-slider-row.h"

#include <glib/gstdio.h>

/* The samples of a request, by the engine alone: float [count][1][32][32]. */
static LimTensor *
compute(const LimSampleRequest *r)
{
    LimError err = LIM_ERROR_INIT;
    g_autofree char *path = lim_session_dup_default_path();
    LimGenerator *g = lim_generator_load(path, &err);
    LimPool *pool = lim_pool_new(1); /* the window has more threads; the bytes are the same */
    LimExec exec = {.kernels = lim_kernels_best(), .pool = pool};

    g_assert_cmpstr(err.text, ==, "");
    LimTask *task = lim_sample_task_new(g, r);
    LimStep step;
    while ((step = lim_task_step(task, &exec, NULL, &err)) == LIM_STEP_MORE)
        ;
    g_assert_cmpint(step, ==, LIM_STEP_DONE);
    LimTensor *image = lim_tensor_dup(lim_sample_task_image(task));
    lim_task_free(task);
    lim_generator_free(g);
    lim_pool_free(pool);
    return image;
}

static void
check_pictures(TestApp *t, const LimSampleRequest *r)
{
    LimTensor *image = compute(r);
    gsize n = (gsize)lim_tensor_size(image), size;
    g_autofree guint8 *want = g_malloc(n);

    lim_u8_from_f32(lim_tensor_f32(image), n, LIM_RANGE_SIGNED, want); /* one channel: no reorder */
    const guint8 *got = g_bytes_get_data(lim_image_grid_get_pixels(t->grid), &size);
    g_assert_cmpmem(got, size, want, n);
    lim_tensor_unref(image);
}

static void
body_samples(TestApp *t)
{
    static const int truncations[] = {LIM_TRUNC_INVERSE_CDF, LIM_TRUNC_RESAMPLE, LIM_TRUNC_SCALE};
    LimSampleRequest r = {.count = 16, .label = -1, .seed = 1, .threshold = 1};

    test_wait_current(t);
    check_pictures(t, &r);
    for (gsize i = 0; i < G_N_ELEMENTS(truncations); i++) {
        lim_params_init(lim_sample_schema, &r);
        r.count = 9;
        r.label = (int)i;
        r.seed = 123456789012345 + i;
        r.threshold = 0.5;
        r.truncation = truncations[i];
        test_set(t, "samples", g_variant_new_int32(r.count));
        test_set(t, "class", g_variant_new_int32(r.label));
        test_set(t, "seed", g_variant_new_uint64(r.seed));
        test_set(t, "threshold", g_variant_new_double(r.threshold));
        test_set(t, "truncation", g_variant_new_int32(r.truncation));
        test_wait_current(t);
        check_pictures(t, &r);
    }

    /* The exported file is the engine's, byte for byte. */
    g_autofree char *path = g_build_filename(test_folder(), "window.png", NULL);
    g_autofree char *want = g_build_filename(test_folder(), "engine.png", NULL);
    g_autofree char *model = lim_session_dup_default_path();
    LimError err = LIM_ERROR_INIT;
    test_action(t, "export-to", g_variant_new_string(path));
    test_wait_status(t, "Saved window.png");
    LimTensor *image = compute(&r);
    g_assert_cmpint(lim_samplefile_write(want, image, model, &r, &err), ==, LIM_OK);
    lim_tensor_unref(image);
    test_same_files(path, want);
}

/* "Copy as command" is a command that writes the file that "Export PNG" writes. */
static void
body_command(TestApp *t)
{
    test_wait_current(t);
    test_set(t, "class", g_variant_new_int32(1));
    test_set(t, "seed", g_variant_new_uint64(G_MAXUINT64));
    test_set(t, "threshold", g_variant_new_double(0.123456789));
    test_set(t, "samples", g_variant_new_int32(25));
    test_check_command(t);

    /* All that can be set. */
    LimSampleRequest r;
    lim_params_init(lim_sample_schema, &r);
    r.count = 4;
    r.label = 2;
    r.truncation = LIM_TRUNC_RESAMPLE;
    r.blend_label = 0;
    r.blend = 0.35;
    r.walk_x = -2.25;
    r.walk_y = 7;
    r.slot_threshold[0] = 0.5;
    r.slot_threshold[3] = 2.1;
    r.mix_seed = 77;
    r.mix_slots = 10;
    lim_form_set_values(t->form, lim_schema_values(lim_sample_schema, &r));
    test_wait_current(t);
    check_pictures(t, &r);
    test_check_command(t);

    /* And of the maps of five places, pinned on three samples. */
    test_set(t, "attention", g_variant_new_boolean(TRUE));
    test_set(t, "opacity", g_variant_new_double(0.8));
    test_wait_current(t);
    for (int i = 0; i < 5; i++) {
        lim_image_grid_set_probe(t->grid, (LimPlace){i % 3, 6 + 5 * i, 28 - 4 * i});
        test_key(GTK_WIDGET(t->grid), GDK_KEY_Return, 0);
    }
    test_check_command(t);
}

static void
test_command(void)
{
    test_app_run(NULL, body_command);
}

static void
set_mode(TestApp *t, const char *mode)
{
    g_action_group_change_action_state(G_ACTION_GROUP(lim_pane_get_actions(t->pane)), "mode",
                                       g_variant_new_string(mode));
}

static void
set_text(TestApp *t, const char *label, const char *text)
{
    GtkWidget *entry = test_find_labelled(GTK_WIDGET(t->window), label);

    gtk_editable_set_text(GTK_EDITABLE(entry), text);
    g_signal_emit_by_name(entry, "activate");
}

/* The same of a sheet: with the usual values, and with others. */
static void
body_sheet_command(TestApp *t)
{
    test_wait_current(t);
    set_mode(t, "sheet");
    test_wait_current(t);
    test_check_command(t);
    test_set(t, "class", g_variant_new_int32(1));
    test_set(t, "samples", g_variant_new_int32(25));
    gtk_drop_down_set_selected(GTK_DROP_DOWN(test_find_labelled(GTK_WIDGET(t->window), "Rows")),
                               (guint)lim_sweep_find("walk-x"));
    set_text(t, "Row values", "-1..1:0.5");
    set_text(t, "Column values", "0.5, 1 , 2");
    test_wait_current(t);
    test_check_command(t);
}

static void
test_sheet_command(void)
{
    test_app_run(NULL, body_sheet_command);
}

static void
test_samples(void)
{
    test_app_run(NULL, body_samples);
}

/* A drag of two seconds, the slider changed sixty times a second: pictures follow while it lasts,
 * and the last ones belong to where it ended. How many came is a figure, not a condition. */
typedef struct {
    TestApp *t;
    int left;
} Drag;

static gboolean
drag_on(gpointer data)
{
    Drag *drag = data;
    LimSliderRow *row = LIM_SLIDER_ROW(lim_form_get_row(drag->t->form, "threshold"));

    gtk_range_set_value(GTK_RANGE(lim_slider_row_get_scale(row)), 0.04 + 0.02 * drag->left);
    return --drag->left > 0;
}

static void
body_drag(TestApp *t)
{
    LimFormRow *row = lim_form_get_row(t->form, "threshold");
    Drag drag = {t, 120};

    test_wait_current(t);
    guint before = lim_image_grid_get_serial(t->grid);
    gint64 start = g_get_monotonic_time();
    lim_form_row_begin_drag(row);
    g_timeout_add(1000 / 60, drag_on, &drag);
    while (drag.left > 0)
        g_main_context_iteration(NULL, TRUE);
    lim_form_row_end_drag(row);
    gint64 released = g_get_monotonic_time();
    guint during = lim_image_grid_get_serial(t->grid) - before;
    test_wait_current(t);
    g_test_message("%u grids of 16 in %.2f s of dragging; the last one %.0f ms after the release",
                   during, (double)(released - start) / 1e6,
                   (double)(g_get_monotonic_time() - released) / 1e3);

    g_autoptr(GVariant) v = lim_form_row_dup_value(row);
    LimSampleRequest r = {.count = 16,
                          .label = -1,
                          .seed = 1,
                          .threshold = g_variant_get_double(v)};
    g_assert_cmpfloat_with_epsilon(r.threshold, 0.06, 1e-9);
    check_pictures(t, &r);
    g_assert_true(test_can(t, "undo"));
    test_action(t, "undo", NULL); /* one step for all of it */
    g_assert_false(test_can(t, "undo"));
}

static void
test_drag(void)
{
    test_app_run(NULL, body_drag);
}

/* And of an interpolation: from sample to sample, and between kept ones with other settings. */
static void
body_way_command(TestApp *t)
{
    LimGenerateKept *kept =
        LIM_GENERATE_KEPT(test_find_type(GTK_WIDGET(t->pane), LIM_TYPE_GENERATE_KEPT));

    test_wait_current(t);
    set_mode(t, "interpolation");
    test_wait_current(t);
    test_check_command(t);
    set_mode(t, "grid");
    test_wait_current(t);
    lim_generate_kept_add(kept, 2);
    test_set(t, "class", g_variant_new_int32(1));
    test_set(t, "threshold", g_variant_new_double(0.25));
    test_set(t, "seed", g_variant_new_uint64(77));
    test_set(t, "samples", g_variant_new_int32(4));
    test_wait_current(t);
    lim_generate_kept_add(kept, 3);
    set_mode(t, "interpolation");
    gtk_drop_down_set_selected(GTK_DROP_DOWN(test_find_labelled(GTK_WIDGET(t->window), "From")), 1);
    gtk_drop_down_set_selected(GTK_DROP_DOWN(test_find_labelled(GTK_WIDGET(t->window), "To")), 2);
    gtk_drop_down_set_selected(GTK_DROP_DOWN(test_find_labelled(GTK_WIDGET(t->window), "Path")), 1);
    test_wait_current(t);
    test_check_command(t);
}

static void
test_way_command(void)
{
    test_app_run(NULL, body_way_command);
}

int
main(int argc, char **argv)
{
    LimError err = LIM_ERROR_INIT;

    test_app_init(&argc, &argv);
    g_autofree char *path = test_model_path("fashion-gan.safetensors");
    if (test_make_model(path, 16, &err) != LIM_OK)
        g_error("%s", err.text);
    g_test_add_func("/engine/samples", test_samples);
    g_test_add_func("/engine/command", test_command);
    g_test_add_func("/engine/sheet-command", test_sheet_command);
    g_test_add_func("/engine/way-command", test_way_command);
    g_test_add_func("/engine/drag", test_drag);
    return g_test_run();
}
