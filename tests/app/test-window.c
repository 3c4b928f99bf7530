/* The whole window in this process, on the stand-in generator. */
#include "double.h"
#include "support-app.h"

#include "models/samplefile.h"
#include "panes/generate/kept.h"
#include "preferences.h"
#include "schema-form.h"
#include "shortcuts.h"
#include "tensor/png.h"
#include "widgets/lim-density-plot.h"
#include "widgets/lim-slider-row.h"
#include "widgets/lim-thumbs.h"

#include <dlfcn.h>
#include <math.h>

#define MODEL "double 10 32 32 1 2"

static LimSampleRequest
request(int label, guint64 seed, double threshold, int count)
{
    LimSampleRequest r;

    lim_params_init(lim_sample_schema, &r);
    r.label = label;
    r.seed = seed;
    r.threshold = threshold;
    r.count = count;
    return r;
}

/* The bytes in the grid are those of the request. */
static void
check_pictures(TestApp *t, LimSampleRequest r, int classes, int h, int w, int channels)
{
    gsize size;
    GBytes *pixels = lim_image_grid_get_pixels(t->grid);

    g_assert_nonnull(pixels);
    const guint8 *p = g_bytes_get_data(pixels, &size);
    g_assert_cmpint(lim_image_grid_get_n(t->grid), ==, r.count);
    g_assert_cmpuint(size, ==, (gsize)(r.count * h * w * channels));
    for (int i = 0; i < r.count; i++)
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                for (int c = 0; c < channels; c++)
                    g_assert_cmpint(*p++, ==, double_byte(&r, classes, i, c, y, x));
}

static void
set_slider(TestApp *t, double value)
{
    GtkWidget *scale = test_find_labelled(GTK_WIDGET(t->window), "Truncation threshold");

    g_assert_true(GTK_IS_SCALE(scale));
    gtk_range_set_value(GTK_RANGE(scale), value);
}

static void
body_first_state(TestApp *t)
{
    test_wait_current(t);
    check_pictures(t, request(-1, 1, 1, 16), 10, 32, 32, 1); /* 16 samples without a click */
    g_assert_nonnull(test_find_labelled(GTK_WIDGET(t->window), "Class"));
    g_assert_nonnull(test_find_labelled(GTK_WIDGET(t->window), "Seed"));
    g_assert_nonnull(test_find_labelled(GTK_WIDGET(t->window), "Truncation mode"));
    g_assert_nonnull(test_find_labelled(GTK_WIDGET(t->window), "Samples"));
    g_assert_true(g_str_has_prefix(lim_status_line_get_shown(t->status), "16 samples of 32"));
    /* The latent of the picture at the cursor stands under the density. */
    GtkWidget *density = test_find_type(GTK_WIDGET(t->pane), LIM_TYPE_DENSITY_PLOT);
    for (int i = 0; i < 16; i += 9) {
        LimSampleRequest r = request(-1, 1, 1, 16);
        double most = 0;
        for (int k = 0; k < 8; k++)
            most = MAX(most, fabs((double)double_latent(&r, i, k)));
        lim_image_grid_set_cursor(t->grid, i);
        g_autofree char *want =
            g_strdup_printf(". Picture %d: 8 values, the largest %.2f from zero", i + 1, most);
        g_assert_true(g_str_has_suffix(gtk_widget_get_tooltip_text(density), want));
    }

    test_set(t, "class", g_variant_new_int32(3));
    test_set(t, "samples", g_variant_new_int32(4));
    test_set(t, "seed", g_variant_new_uint64(77));
    set_slider(t, 0.5);
    test_wait_current(t);
    check_pictures(t, request(3, 77, 0.5, 4), 10, 32, 32, 1);
}

static void
test_first_state(void)
{
    test_app_run(MODEL, body_first_state);
}

static void
body_colour(TestApp *t)
{
    test_wait_current(t);
    check_pictures(t, request(-1, 1, 1, 16), 3, 8, 5, 3);
}

static void
test_colour(void)
{
    test_app_run("double 3 8 5 3 0", body_colour);
}

/* Many changes between two frames are one request; equal settings are none. */
static void
body_frames(TestApp *t)
{
    test_wait_current(t);
    guint before = lim_image_grid_get_serial(t->grid);

    for (int i = 0; i < 200; i++)
        set_slider(t, 0.3 + 0.01 * i);
    test_wait_current(t);
    g_assert_cmpuint(lim_image_grid_get_serial(t->grid), ==, before + 1);
    check_pictures(t, request(-1, 1, 2.29, 16), 10, 32, 32, 1);

    set_slider(t, 1);
    set_slider(t, 2.29);
    test_spin(150);
    g_assert_cmpuint(lim_image_grid_get_serial(t->grid), ==, before + 1);
}

static void
test_frames(void)
{
    test_app_run(MODEL, body_frames);
}

static void
body_undo(TestApp *t)
{
    test_wait_current(t);
    g_autoptr(GVariant) start = lim_form_dup_values(t->form);

    g_assert_false(test_can(t, "undo"));
    set_slider(t, 0.04);
    test_action(t, "new-seed", NULL);
    g_autoptr(GVariant) seed = test_value(t, "seed");
    g_assert_true(test_can(t, "undo"));
    set_slider(t, 2); /* still an open burst when undo comes */
    test_action(t, "undo", NULL);
    test_action(t, "undo", NULL);
    test_wait_current(t);
    check_pictures(t, request(-1, 1, 0.04, 16), 10, 32, 32, 1);
    test_action(t, "undo", NULL);
    g_autoptr(GVariant) now = lim_form_dup_values(t->form);
    g_assert_true(g_variant_equal(start, now));
    g_assert_false(test_can(t, "undo"));
    test_action(t, "redo", NULL);
    test_action(t, "redo", NULL);
    test_action(t, "redo", NULL);
    g_assert_false(test_can(t, "redo"));
    test_wait_current(t);
    check_pictures(t, request(-1, g_variant_get_uint64(seed), 2, 16), 10, 32, 32, 1);

    test_action(t, "reset-all", NULL);
    g_autoptr(GVariant) reset = lim_form_dup_values(t->form);
    g_assert_true(g_variant_equal(start, reset));
    test_action(t, "undo", NULL); /* all of it in one step */
    test_wait_current(t);
    check_pictures(t, request(-1, g_variant_get_uint64(seed), 2, 16), 10, 32, 32, 1);
}

static void
test_undo(void)
{
    test_app_run(MODEL, body_undo);
}

static double
threshold(TestApp *t)
{
    g_autoptr(GVariant) v = test_value(t, "threshold");

    return g_variant_get_double(v);
}

static void
body_undo_at_once(TestApp *t)
{

    test_wait_current(t);
    g_assert_false(test_can(t, "undo"));
    set_slider(t, 0.5);
    test_action(t, "undo", NULL);
    g_assert_cmpfloat(threshold(t), ==, 1);
    g_assert_false(test_can(t, "undo"));
    test_action(t, "redo", NULL);
    g_assert_cmpfloat(threshold(t), ==, 0.5);
    test_action(t, "undo", NULL);
    set_slider(t, 0.25); /* there is another way now */
    g_assert_false(test_can(t, "redo"));
    set_slider(t, 1);
    g_assert_false(test_can(t, "undo"));
    g_assert_true(test_can(t, "redo"));
}

/* The very first change is undone while it is still under way. */
static void
test_undo_at_once(void)
{
    test_app_run(MODEL, body_undo_at_once);
}

static void
body_export(TestApp *t)
{
    g_autofree char *path = g_build_filename(test_folder(), "sheet.png", NULL);
    g_autofree char *again = g_build_filename(test_folder(), "again.png", NULL);
    g_autofree char *nowhere = g_build_filename(test_folder(), "no such folder", "x.png", NULL);
    LimError err = LIM_ERROR_INIT;

    test_wait_current(t);
    test_set(t, "class", g_variant_new_int32(2));
    test_set(t, "samples", g_variant_new_int32(9));
    test_set(t, "seed", g_variant_new_uint64(G_MAXUINT64));
    set_slider(t, 0.12);
    test_action(t, "export-to", g_variant_new_string(path));
    test_wait_status(t, "Saved sheet.png");

    /* The same through the engine alone. */
    LimSampleRequest r = request(2, G_MAXUINT64, 0.12, 9);
    LimTensor *image = lim_tensor_new(LIM_F32, LIM_SHAPE4(9, 1, 32, 32));
    float *out = lim_tensor_edit(image);
    for (int i = 0; i < 9; i++)
        for (int y = 0; y < 32; y++)
            for (int x = 0; x < 32; x++) {
                uint8_t byte = double_byte(&r, 10, i, 0, y, x);
                lim_f32_from_u8(&byte, 1, LIM_RANGE_SIGNED, out++);
            }
    g_assert_cmpint(lim_samplefile_write(again, image, "/models/fashion-gan.safetensors", &r, &err),
                    ==, LIM_OK);
    lim_tensor_unref(image);
    test_same_files(path, again);

    /* The picture brings its settings back, as one step. */
    test_action(t, "reset-all", NULL);
    test_wait_current(t);
    lim_window_open_path(t->window, path);
    test_wait_status(t, "Settings restored from the picture");
    test_wait_current(t);
    check_pictures(t, r, 10, 32, 32, 1);
    test_action(t, "undo", NULL);
    test_wait_current(t);
    check_pictures(t, request(-1, 1, 1, 16), 10, 32, 32, 1);

    /* What cannot be written or read is said. */
    test_action(t, "export-to", g_variant_new_string(nowhere));
    test_wait_status(t, "Not saved: ");
    g_autofree char *text = test_file("text.png", "this is no picture");
    lim_window_open_path(t->window, text);
    test_wait_status(t, "This picture has no settings");
    LimImageView plain = lim_image_alloc(2, 2, LIM_PIXEL_GREY8, &err);
    g_assert_cmpint(lim_png_write(again, plain, NULL, 0, &err), ==, LIM_OK);
    free(plain.data);
    lim_window_open_path(t->window, again);
    test_wait_status(t, "This picture has no settings");
    check_pictures(t, request(-1, 1, 1, 16), 10, 32, 32, 1);
}

static void
test_export(void)
{
    test_app_run(MODEL, body_export);
}

/* Every setting of the samples comes back from a picture, and the picture of that is the same. */
static void
body_restore(TestApp *t)
{
    g_autofree char *path = g_build_filename(test_folder(), "all.png", NULL);
    g_autofree char *again = g_build_filename(test_folder(), "all-again.png", NULL);
    LimSampleRequest r = request(3, 12345678901234567, 0.7, 10); /* 10 is none of the choices */

    r.truncation = LIM_TRUNC_SCALE;
    r.blend_label = 7;
    r.blend = 0.25;
    r.walk_x = -3.5;
    r.walk_y = 1.25;
    r.slot_threshold[1] = 0.5;
    r.slot_threshold[3] = 2;
    r.mix_seed = 99;
    r.mix_slots = 9;
    test_wait_current(t);
    lim_form_set_values(t->form, lim_schema_values(lim_sample_schema, &r));
    g_autoptr(GVariant) want = lim_form_dup_values(t->form);
    test_wait_current(t);
    check_pictures(t, r, 10, 32, 32, 1);
    test_action(t, "export-to", g_variant_new_string(path));
    test_wait_status(t, "Saved all.png");
    test_action(t, "reset-all", NULL);
    test_wait_current(t);
    check_pictures(t, request(-1, 1, 1, 16), 10, 32, 32, 1);
    lim_window_open_path(t->window, path);
    test_wait_status(t, "Settings restored");
    test_wait_current(t);
    check_pictures(t, r, 10, 32, 32, 1);
    g_autoptr(GVariant) got = lim_form_dup_values(t->form);
    g_assert_true(g_variant_equal(want, got));
    test_action(t, "export-to", g_variant_new_string(again));
    test_wait_status(t, "Saved all-again.png");
    test_same_files(path, again);
}

static void
test_restore(void)
{
    test_app_run(MODEL, body_restore);
}

static int claims_lost; /* so many claims of the clipboard come to nothing from now on */

/* In place of the one that GTK calls: another client is always faster, or never. */
int XSetSelectionOwner(void *display, unsigned long selection, unsigned long window,
                       unsigned long time);
int
XSetSelectionOwner(void *display, unsigned long selection, unsigned long window, unsigned long time)
{
    int (*claim)(void *, unsigned long, unsigned long, unsigned long) = NULL;

    *(void **)&claim = dlsym(RTLD_NEXT, "XSetSelectionOwner");
    g_assert_nonnull(claim);
    return claim(display, selection, claims_lost > 0 && claims_lost-- ? 0 : window, time);
}

/* The clipboard holds the command of that threshold. */
static void
check_copied(TestApp *t, const char *threshold)
{
    g_autofree char *text = test_dup_copied(t);
    g_autofree char *want =
        g_strdup_printf("limen-cli sample '%s/models/fashion-gan.safetensors' --threshold %s "
                        "--out sheet.png",
                        test_folder(), threshold);
    g_assert_cmpstr(text, ==, want);
}

/* Also when another program claims the clipboard in the same moment; and it is told when that one
 * does not give way. */
static void
body_copy(TestApp *t)
{
    test_wait_current(t);
    set_slider(t, 0.5);
    test_action(t, "copy-command", NULL);
    check_copied(t, "0.5");
    set_slider(t, 0.25);
    claims_lost = 2;
    test_action(t, "copy-command", NULL);
    g_assert_cmpint(claims_lost, ==, 0);
    check_copied(t, "0.25");
    test_wait_status(t, "The command for these pictures is on the clipboard");
    claims_lost = 1000;
    test_action(t, "copy-command", NULL);
    test_wait_status(t, "Not copied: another program took the clipboard");
    claims_lost = 0;
}

static void
test_copy(void)
{
    test_app_run(MODEL, body_copy);
}

static const char *
message_shown(TestApp *t)
{
    return gtk_widget_get_mapped(GTK_WIDGET(t->message)) ? lim_message_get_text(t->message) : NULL;
}

static void
wait_message(TestApp *t)
{
    for (int i = 0; i < 500 && !message_shown(t); i++)
        test_spin(10);
    g_assert_nonnull(message_shown(t));
}

static void
body_no_model(TestApp *t)
{
    g_autofree char *good = test_file("good.safetensors", "double 4 8 8 1 1");

    wait_message(t);
    g_assert_nonnull(strstr(message_shown(t), "fashion-gan.safetensors"));
    set_slider(t, 0.2); /* the window stays usable */
    test_action(t, "copy-command", NULL);
    test_action(t, "export", NULL);
    lim_window_open_path(t->window, good);
    test_wait_current(t);
    g_assert_null(message_shown(t));
    check_pictures(t, request(-1, 1, 0.2, 16), 4, 8, 8, 1);
}

static void
test_no_model(void)
{
    test_app_run("", body_no_model);
}

static void
body_bad_model(TestApp *t)
{
    g_autofree char *bad = test_file("bad.safetensors", "rubbish");

    test_wait_current(t);
    lim_window_open_path(t->window, bad);
    wait_message(t);
    g_assert_nonnull(strstr(message_shown(t), "bad.safetensors"));
    test_action(t, "back", NULL); /* the open model is still there */
    test_settle();
    g_assert_null(message_shown(t));
    set_slider(t, 0.2);
    test_wait_current(t);
    check_pictures(t, request(-1, 1, 0.2, 16), 10, 32, 32, 1);

    /* A request that fails says so where the pictures were, and the next one works. */
    test_set(t, "seed", g_variant_new_uint64(DOUBLE_BAD_SEED));
    wait_message(t);
    test_set(t, "seed", g_variant_new_uint64(2));
    for (int i = 0; i < 500 && message_shown(t); i++)
        test_spin(10);
    check_pictures(t, request(-1, 2, 0.2, 16), 10, 32, 32, 1);
}

static void
test_bad_model(void)
{
    test_app_run(MODEL, body_bad_model);
}

/* Another model with fewer classes: a class that it lacks becomes the default. */
static LimFormRow *
row(TestApp *t, const char *key)
{
    return lim_form_get_row(t->form, key);
}

/* The caption of a small map, "A  0–0.12". */
static void
check_small_map(TestApp *t, LimImageGrid *maps, int i, const char *letter, int picture, int query,
                guint64 seed)
{
    LimSampleRequest r = request(-1, seed, 1, 16);
    double most = 0;

    for (int k = 0; k < DOUBLE_KEY * DOUBLE_KEY; k++)
        most = MAX(most, (double)double_attention(&r, picture, query, k));
    g_autofree char *want = g_strdup_printf("%s  0–%.3f", letter, most);
    g_assert_cmpstr(lim_image_grid_get_label(maps, i), ==, want);
}

static void
body_attention(TestApp *t)
{
    GtkWidget *grid = GTK_WIDGET(t->grid);

    test_wait_current(t);
    GtkWidget *toggle = test_find_labelled(GTK_WIDGET(t->window), "Attention");
    g_assert_true(GTK_IS_SWITCH(toggle));
    GtkWidget *opacity = test_find_labelled(GTK_WIDGET(t->window), "Opacity");
    g_assert_false(gtk_widget_is_sensitive(opacity));
    gtk_switch_set_active(GTK_SWITCH(toggle), TRUE);
    test_wait_current(t);
    g_assert_true(gtk_widget_is_sensitive(opacity));
    check_pictures(t, request(-1, 1, 1, 16), 10, 32, 32, 1); /* the same pictures with maps */
    LimImageGrid *maps =
        LIM_IMAGE_GRID(test_find_labelled(GTK_WIDGET(t->window), "Maps of the pinned places"));

    /* A probe says what it sees: cells are 4 pixels wide here, keys 8. */
    lim_image_grid_set_probe(t->grid, (LimPlace){2, 13, 6}); /* query (3, 1) */
    LimSampleRequest r = request(-1, 1, 1, 16);
    int most = 0;
    for (int k = 0; k < 16; k++)
        if (double_attention(&r, 2, 11, k) > double_attention(&r, 2, 11, most))
            most = k;
    g_autofree char *note =
        g_strdup_printf("Class C 3, place 12, 4: looks most at %d, %d (%.2f;", most % 4 * 8,
                        most / 4 * 8, (double)double_attention(&r, 2, 11, most));
    /* At once: wherever the mouse is, it may take the probe with the next event. */
    g_assert_true(g_str_has_prefix(lim_status_line_get_shown(t->status), note));

    /* Pins, with the keys. */
    test_key(grid, GDK_KEY_Return, 0);
    test_key(grid, GDK_KEY_Return, 0); /* the same place is no second pin */
    g_assert_cmpint(lim_image_grid_get_n(maps), ==, 1);
    check_small_map(t, maps, 0, "A", 2, 11, 1);
    test_key(grid, GDK_KEY_Right, 0);
    test_key(grid, GDK_KEY_Return, 0);
    g_assert_cmpint(lim_image_grid_get_n(maps), ==, 2);
    check_small_map(t, maps, 1, "B", 2, 12, 1);

    /* They stay while the seed moves, with the maps of the new samples. */
    lim_form_row_set_value(row(t, "seed"), g_variant_new_uint64(9));
    test_wait_current(t);
    g_assert_cmpint(lim_image_grid_get_n(maps), ==, 2);
    check_small_map(t, maps, 0, "A", 2, 11, 9);
    check_small_map(t, maps, 1, "B", 2, 12, 9);
    lim_form_row_set_value(row(t, "seed"), g_variant_new_uint64(1));
    test_wait_current(t);

    /* One after the other until there is no letter left. */
    for (int i = 0; i < 4; i++) {
        test_key(grid, GDK_KEY_Down, 0);
        test_key(grid, GDK_KEY_Return, 0);
    }
    g_assert_cmpint(lim_image_grid_get_n(maps), ==, 5);
    test_wait_status(t, "Five places are pinned");

    /* Delete on a small map takes that one away; undo brings it back. */
    lim_image_grid_set_cursor(maps, 0);
    test_key(GTK_WIDGET(maps), GDK_KEY_Delete, 0);
    g_assert_cmpint(lim_image_grid_get_n(maps), ==, 4);
    check_small_map(t, maps, 0, "B", 2, 12, 1);
    test_action(t, "undo", NULL);
    g_assert_cmpint(lim_image_grid_get_n(maps), ==, 5);
    check_small_map(t, maps, 0, "A", 2, 11, 1);
    for (int i = 0; i < 4; i++)
        test_action(t, "undo", NULL);
    g_assert_cmpint(lim_image_grid_get_n(maps), ==, 1);
    test_action(t, "redo", NULL);
    g_assert_cmpint(lim_image_grid_get_n(maps), ==, 2);

    /* Fewer samples than before: a pin waits for its picture. */
    lim_form_row_set_value(row(t, "samples"), g_variant_new_int32(1));
    test_wait_current(t);
    g_assert_cmpstr(lim_image_grid_get_label(maps, 0), ==, "A  picture 3");
    lim_form_row_set_value(row(t, "samples"), g_variant_new_int32(16));
    test_wait_current(t);
    check_small_map(t, maps, 0, "A", 2, 11, 1);

    /* Who looks at it: the place is a key now, and cells are 8 pixels wide. */
    lim_form_row_set_value(row(t, "attention-sense"), g_variant_new_int32(1));
    test_wait_current(t);
    while (g_str_has_prefix(lim_status_line_get_shown(t->status), "Five places"))
        test_spin(50);
    lim_image_grid_set_probe(t->grid, (LimPlace){0, 31, 9}); /* key (3, 1) */
    most = 0;
    for (int q = 0; q < 64; q++)
        if (double_attention(&r, 0, q, 7) > double_attention(&r, 0, most, 7))
            most = q;
    g_autofree char *column =
        g_strdup_printf("Class A 1, place 24, 8: most looked at from %d, %d (%.2f;", most % 8 * 4,
                        most / 8 * 4, (double)double_attention(&r, 0, most, 7));
    g_assert_true(g_str_has_prefix(lim_status_line_get_shown(t->status), column));

    /* Off: arrows move between pictures again, and the panel is gone. */
    gtk_switch_set_active(GTK_SWITCH(toggle), FALSE);
    test_wait_current(t);
    g_assert_cmpint(lim_image_grid_get_probe(t->grid).picture, ==, -1);
    g_assert_false(gtk_widget_get_mapped(GTK_WIDGET(maps)));
}

/* With pins, what is exported are their maps; and the picture brings all of it back. */
static void
body_attention_export(TestApp *t)
{
    g_autofree char *path = g_build_filename(test_folder(), "maps.png", NULL);
    g_autofree char *again = g_build_filename(test_folder(), "maps-again.png", NULL);
    const LimPlace places[] = {{0, 12, 20}, {0, 4, 8}};

    test_wait_current(t);
    lim_form_row_set_value(row(t, "samples"), g_variant_new_int32(4));
    lim_form_row_set_value(row(t, "attention"), g_variant_new_boolean(TRUE));
    lim_form_row_set_value(row(t, "attention-sense"), g_variant_new_int32(1));
    lim_form_row_set_value(row(t, "opacity"), g_variant_new_double(0.25));
    test_wait_current(t);
    LimImageGrid *maps =
        LIM_IMAGE_GRID(test_find_labelled(GTK_WIDGET(t->window), "Maps of the pinned places"));
    for (int i = 0; i < 2; i++) {
        lim_image_grid_set_probe(t->grid, places[i]);
        test_key(GTK_WIDGET(t->grid), GDK_KEY_Return, 0);
    }
    g_autofree char *first = g_strdup(lim_image_grid_get_label(maps, 0));
    g_autofree char *second = g_strdup(lim_image_grid_get_label(maps, 1));
    test_action(t, "export-to", g_variant_new_string(path));
    test_wait_status(t, "Saved maps.png");

    while (test_can(t, "undo"))
        test_action(t, "undo", NULL);
    test_action(t, "reset-all", NULL);
    test_wait_current(t);
    g_assert_false(gtk_widget_get_mapped(GTK_WIDGET(maps)));
    lim_window_open_path(t->window, path);
    test_wait_status(t, "Settings restored");
    test_wait_current(t);
    g_assert_cmpint(lim_image_grid_get_n(t->grid), ==, 4);
    g_assert_cmpint(lim_image_grid_get_n(maps), ==, 2);
    g_assert_cmpstr(lim_image_grid_get_label(maps, 0), ==, first);
    g_assert_cmpstr(lim_image_grid_get_label(maps, 1), ==, second);
    test_action(t, "export-to", g_variant_new_string(again));
    test_wait_status(t, "Saved maps-again.png");
    test_same_files(path, again);

    /* Pictures that are too small for a place: it waits. */
    g_autofree char *small = test_file("small.safetensors", "double 10 16 16 1 0 0.5");
    lim_window_open_path(t->window, small);
    for (int i = 0; i < 500 && g_bytes_get_size(lim_image_grid_get_pixels(t->grid)) != 1024; i++)
        test_spin(10);
    test_spin(50);
    g_assert_cmpstr(lim_image_grid_get_label(maps, 0), ==, "A  picture 1");
}

static void
test_attention_export(void)
{
    test_app_run("double 10 32 32 1 2 0.5", body_attention_export);
}

static void
test_attention(void)
{
    test_app_run("double 10 32 32 1 2 0.5", body_attention);
}

/* The neighbouring seeds stand below the samples, as they look when one goes there. */
static void
body_neighbours(TestApp *t)
{
    test_wait_current(t);
    GtkWidget *next = test_find_labelled(GTK_WIDGET(t->window), "Samples of the next seed");
    GtkWidget *before = test_find_labelled(GTK_WIDGET(t->window), "Samples of the previous seed");
    for (int i = 0; i < 500 && gtk_widget_get_opacity(next) < 1; i++)
        test_spin(10);
    g_assert_cmpfloat(gtk_widget_get_opacity(before), ==, 1);
    g_assert_cmpstr(gtk_label_get_text(GTK_LABEL(test_find_type(next, GTK_TYPE_LABEL))), ==,
                    "Seed 2");
    g_assert_cmpstr(gtk_label_get_text(GTK_LABEL(test_find_type(before, GTK_TYPE_LABEL))), ==,
                    "Seed 0");
    int width, height;
    GtkWidget *thumbs = test_find_type(next, LIM_TYPE_THUMBS);
    g_autofree guint8 *rgb = test_render(thumbs, 1, &width, &height);
    LimSampleRequest r = request(-1, 2, 1, 16);
    g_assert_cmpint(height, ==, 32);
    g_assert_cmpint(width, >=, 2 * 35 - 3); /* as many as there is room for */
    for (int i = 0; i < MIN((width + 3) / 35, 8); i++)
        for (int y = 0; y < 32; y++)
            for (int x = 0; x < 32; x++)
                g_assert_cmpint(ABS(rgb[(y * width + 35 * i + x) * 3] -
                                    6 * double_byte(&r, 10, i, 0, y, x) / 10),
                                <=, 2);
    test_action(t, "next-seed", NULL);
    test_wait_current(t);
    check_pictures(t, r, 10, 32, 32, 1);
    test_action(t, "previous-seed", NULL);
    test_action(t, "previous-seed", NULL);
    test_action(t, "previous-seed", NULL); /* before the first comes the last */
    g_autoptr(GVariant) seed = test_value(t, "seed");
    g_assert_cmpuint(g_variant_get_uint64(seed), ==, G_MAXUINT64);
}

static void
test_neighbours(void)
{
    test_app_run(MODEL, body_neighbours);
}

/* The grid's bytes are those of r, but for picture `other`, which is that of o. */
static void
check_other(TestApp *t, LimSampleRequest r, int other, LimSampleRequest o)
{
    const guint8 *p = g_bytes_get_data(lim_image_grid_get_pixels(t->grid), NULL);

    for (int i = 0; i < r.count; i++)
        for (int y = 0; y < 32; y++)
            for (int x = 0; x < 32; x++)
                g_assert_cmpint(*p++, ==, double_byte(i == other ? &o : &r, 10, i, 0, y, x));
}

static void
body_kept(TestApp *t)
{
    LimSampleRequest then = request(-1, 1, 1, 16), now = request(-1, 1, 0.5, 16);

    test_wait_current(t);
    GtkWidget *part = test_find_type(GTK_WIDGET(t->window), LIM_TYPE_GENERATE_KEPT);
    LimGenerateKept *kept = LIM_GENERATE_KEPT(part);
    g_assert_false(gtk_widget_get_visible(part));
    lim_image_grid_set_cursor(t->grid, 2);
    test_action(t, "keep-sample", NULL);
    test_wait_status(t, "Kept picture 3, Class C");
    g_assert_cmpint(lim_generate_kept_get_n(kept), ==, 1);
    g_assert_true(gtk_widget_get_visible(part));

    /* Beside the present one, and in its place for as long as C is held. */
    set_slider(t, 0.5);
    test_wait_current(t);
    LimImageGrid *pair = LIM_IMAGE_GRID(
        test_find_labelled(GTK_WIDGET(t->window), "The selected sample and its present form"));
    const guint8 *p = g_bytes_get_data(lim_image_grid_get_pixels(pair), NULL);
    g_assert_cmpint(lim_image_grid_get_n(pair), ==, 2);
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < 32 * 32; i++, p += 3)
            g_assert_cmpint(*p, ==, double_byte(k ? &now : &then, 10, 2, 0, i / 32, i % 32));
    check_pictures(t, now, 10, 32, 32, 1);
    lim_generate_kept_set_compare(kept, TRUE);
    check_other(t, now, 2, then);
    set_slider(t, 0.7); /* also while the samples change */
    test_wait_current(t);
    check_other(t, request(-1, 1, 0.7, 16), 2, then);
    lim_generate_kept_set_compare(kept, FALSE);
    check_pictures(t, request(-1, 1, 0.7, 16), 10, 32, 32, 1);

    /* Removing is a step of undo; so is going back to the settings of a sample. */
    GtkWidget *strip = test_find_labelled(part, "Kept samples");
    g_assert_true(LIM_IS_IMAGE_GRID(strip));
    lim_image_grid_set_cursor(t->grid, 5);
    test_action(t, "keep-sample", NULL);
    lim_image_grid_set_cursor(LIM_IMAGE_GRID(strip), 0);
    test_key(strip, GDK_KEY_Delete, 0);
    g_assert_cmpint(lim_generate_kept_get_n(kept), ==, 1);
    g_assert_cmpint(lim_generate_kept_get(kept, 0)->sample.index, ==, 5);
    test_action(t, "undo", NULL);
    g_assert_cmpint(lim_generate_kept_get_n(kept), ==, 2);
    g_assert_cmpint(lim_generate_kept_get(kept, 0)->sample.index, ==, 2);
    lim_image_grid_set_cursor(LIM_IMAGE_GRID(strip), 1);
    lim_image_grid_set_cursor(LIM_IMAGE_GRID(strip), 0);
    GtkWidget *button = test_find_type(part, GTK_TYPE_TOGGLE_BUTTON);
    g_signal_emit_by_name(gtk_widget_get_next_sibling(button), "clicked");
    test_wait_current(t);
    check_pictures(t, then, 10, 32, 32, 1);
    test_action(t, "undo", NULL);
    test_wait_current(t);
    check_pictures(t, request(-1, 1, 0.7, 16), 10, 32, 32, 1);

    /* All of them, and no more. */
    for (int i = 0; i < LIM_KEPT_MAX; i++)
        test_action(t, "keep-sample", NULL);
    g_assert_cmpint(lim_generate_kept_get_n(kept), ==, LIM_KEPT_MAX);
    test_wait_status(t, "Six samples are kept");
    while (test_can(t, "undo"))
        test_action(t, "undo", NULL);
    g_assert_false(gtk_widget_get_visible(part));

    /* What is kept survives its model. */
    test_action(t, "keep-sample", NULL);
    g_autofree char *other = test_file("other.safetensors", "double 2 8 8 1 0");
    lim_window_open_path(t->window, other);
    for (int i = 0; i < 500 && g_bytes_get_size(lim_image_grid_get_pixels(t->grid)) != 1024; i++)
        test_spin(10);
    lim_generate_kept_set_compare(kept, TRUE); /* pictures of another size stay out */
    check_pictures(t, request(-1, 1, 1, 16), 2, 8, 8, 1);
    g_assert_cmpint(lim_image_grid_get_n(pair), ==, 1);
}

static void
test_kept(void)
{
    test_app_run(MODEL, body_kept);
}

static const char *
attention_says(TestApp *t)
{
    GtkWidget *part = test_find_labelled(GTK_WIDGET(t->window), "Attention maps");
    GtkWidget *head = gtk_widget_get_first_child(gtk_widget_get_first_child(part));
    GtkWidget *message = gtk_widget_get_next_sibling(gtk_widget_get_next_sibling(head));

    return gtk_widget_get_mapped(message) ? gtk_label_get_text(GTK_LABEL(message)) : "";
}

static void
body_no_attention(TestApp *t)
{
    g_autofree char *faint = test_file("faint.safetensors", "double 10 32 32 1 2 0.001");

    test_wait_current(t);
    lim_form_row_set_value(row(t, "attention"), g_variant_new_boolean(TRUE));
    test_wait_current(t);
    test_spin(50);
    g_assert_nonnull(strstr(attention_says(t), "no attention"));
    test_key(GTK_WIDGET(t->grid), GDK_KEY_Right, 0); /* moves the cursor as ever */
    g_assert_cmpint(lim_image_grid_get_cursor(t->grid), ==, 1);
    lim_window_open_path(t->window, faint);
    for (int i = 0; i < 500 && !strstr(attention_says(t), "near zero"); i++)
        test_spin(10);
    g_assert_nonnull(strstr(attention_says(t), "near zero"));
}

static void
test_no_attention(void)
{
    test_app_run(MODEL, body_no_attention);
}

static void
body_other_model(TestApp *t)
{
    g_autofree char *other = test_file("other.safetensors", "double 2 8 8 1 0");

    test_wait_current(t);
    test_set(t, "class", g_variant_new_int32(7));
    test_wait_current(t);
    check_pictures(t, request(7, 1, 1, 16), 10, 32, 32, 1);
    lim_window_open_path(t->window, other);
    for (int i = 0; i < 500 && g_bytes_get_size(lim_image_grid_get_pixels(t->grid)) != 1024; i++)
        test_spin(10);
    check_pictures(t, request(-1, 1, 1, 16), 2, 8, 8, 1);
}

static void
test_other_model(void)
{
    test_app_run(MODEL, body_other_model);
}

/* While the worker is behind for longer than 150 ms the grid says so, and stops saying so. */
static void
body_stale(TestApp *t)
{
    guint *told = test_count(t->grid, "notify::stale");

    test_wait_current(t);
    set_slider(t, 0.5);
    for (int i = 0; i < 100 && !lim_image_grid_get_stale(t->grid); i++)
        test_spin(10);
    g_assert_true(lim_image_grid_get_stale(t->grid));
    test_wait_current(t);
    g_assert_false(lim_image_grid_get_stale(t->grid));
    g_assert_cmpuint(*told, >=, 2);
    set_slider(t, 0.6); /* closing the window during a request */
    test_spin(50);
}

static void
test_stale(void)
{
    test_app_run("double 10 32 32 1 300", body_stale);
}

/* Closing at any time leaves nothing behind. */
static void
body_close(TestApp *t)
{
}

static void
test_close(void)
{
    test_app_run("double 10 32 32 1 40", body_close);
}

static gboolean
action_exists(TestApp *t, const char *prefix, const char *name)
{
    guint i = 0;
    GType owner;
    const char *installed, *property;
    const GVariantType *type;
    g_autofree char *full = g_strdup_printf("%s.%s", prefix, name);

    if (g_str_equal(prefix, "app"))
        return g_action_group_has_action(G_ACTION_GROUP(t->app), name);
    for (int k = 0; g_str_equal(prefix, "view") && k < lim_n_panes; k++) {
        LimPane *pane = lim_window_get_pane(t->window, lim_panes[k]->name);
        if (g_action_group_has_action(G_ACTION_GROUP(lim_pane_get_actions(pane)), name))
            return TRUE;
    }
    if (g_str_equal(prefix, "win") && g_action_group_has_action(G_ACTION_GROUP(t->window), name))
        return TRUE;
    while (gtk_widget_class_query_action(GTK_WIDGET_GET_CLASS(t->window), i++, &owner, &installed,
                                         &type, &property))
        if (g_str_equal(installed, full))
            return TRUE;
    return FALSE;
}

static void
check_action(TestApp *t, const char *detailed)
{
    g_autofree char *name = NULL;
    g_autoptr(GVariant) target = NULL;

    g_assert_true(g_action_parse_detailed_name(detailed, &name, &target, NULL));
    char *dot = strchr(name, '.');
    g_assert_nonnull(dot);
    *dot = '\0';
    if (!action_exists(t, name, dot + 1))
        g_error("no action %s", detailed);
}

static void
check_menu(TestApp *t, GMenuModel *menu, int *items)
{
    for (int i = 0; i < g_menu_model_get_n_items(menu); i++) {
        g_autoptr(GMenuModel) section = g_menu_model_get_item_link(menu, i, G_MENU_LINK_SECTION);
        g_autofree char *action = NULL;
        if (section)
            check_menu(t, section, items);
        else if (g_menu_model_get_item_attribute(menu, i, "action", "s", &action)) {
            check_action(t, action);
            ++*items;
        }
    }
}

static void
body_actions(TestApp *t)
{
    g_auto(GStrv) described = gtk_application_list_action_descriptions(GTK_APPLICATION(t->app));
    int items = 0;

    test_wait_current(t);
    g_assert_cmpuint(g_strv_length(described), >=, 12);
    for (int i = 0; described[i]; i++)
        check_action(t, described[i]);
    for (const LimShortcut *s = lim_shortcuts; s->group; s++) {
        g_auto(GStrv) accels = g_strsplit(s->accels, " ", -1);
        for (int i = 0; accels[i]; i++) {
            guint key;
            GdkModifierType mods;
            g_assert_true(gtk_accelerator_parse(accels[i], &key, &mods));
            g_assert_cmpuint(key, !=, 0);
            if (!s->action)
                continue;
            g_auto(GStrv) actions =
                gtk_application_get_actions_for_accel(GTK_APPLICATION(t->app), accels[i]);
            g_assert_cmpuint(g_strv_length(actions), ==, 1); /* no key means two things */
            g_assert_cmpstr(actions[0], ==, s->action);
        }
    }
    GtkWidget *menu = test_find_type(GTK_WIDGET(t->window), GTK_TYPE_MENU_BUTTON);
    check_menu(t, gtk_menu_button_get_menu_model(GTK_MENU_BUTTON(menu)), &items);
    g_assert_cmpint(items, >=, 11);
    /* The ones that change the window. */
    GtkWidget *scroller = test_find_labelled(GTK_WIDGET(t->window), "Settings");
    g_assert_true(gtk_widget_get_mapped(scroller));
    gtk_widget_activate_action(GTK_WIDGET(t->window), "win.show-form", NULL);
    test_spin(50);
    g_assert_false(gtk_widget_get_mapped(scroller));
    gtk_widget_activate_action(GTK_WIDGET(t->window), "win.show-form", NULL);
    gtk_widget_activate_action(GTK_WIDGET(t->window), "win.menu", NULL);
    test_spin(50);
    gtk_menu_button_popdown(GTK_MENU_BUTTON(menu));
    gtk_widget_activate_action(GTK_WIDGET(t->window), "win.show-help-overlay", NULL);
    g_assert_nonnull(gtk_application_window_get_help_overlay(GTK_APPLICATION_WINDOW(t->window)));
    gtk_widget_activate_action(GTK_WIDGET(t->window), "win.show-help-overlay", NULL);
    gtk_widget_activate_action(GTK_WIDGET(t->window), "app.about", NULL);
    test_spin(200);
    g_autoptr(GListModel) windows = g_object_ref(gtk_window_get_toplevels());
    g_assert_cmpuint(g_list_model_get_n_items(windows), >=, 3);
    for (guint i = g_list_model_get_n_items(windows); i-- > 0;) {
        g_autoptr(GtkWindow) window = g_list_model_get_item(windows, i);
        if (window != GTK_WINDOW(t->window))
            gtk_window_close(window);
    }
    test_spin(50);
}

static void
test_actions(void)
{
    test_app_run(MODEL, body_actions);
}

/* Everything that can take the focus has a name that assistive technology can read. */
static void
check_named(GtkWidget *widget, int *n)
{
    if (GTK_IS_POPOVER(widget) || g_str_equal(G_OBJECT_TYPE_NAME(widget), "GtkListItemWidget"))
        return;
    if (gtk_widget_get_focusable(widget) && gtk_widget_get_mapped(widget) && !GTK_IS_TEXT(widget) &&
        !GTK_IS_WINDOW(widget)) {
        gboolean named = gtk_test_accessible_has_property(GTK_ACCESSIBLE(widget),
                                                          GTK_ACCESSIBLE_PROPERTY_LABEL) ||
                         (GTK_IS_BUTTON(widget) && gtk_button_get_label(GTK_BUTTON(widget)));
        if (!named && !gtk_widget_get_ancestor(widget, GTK_TYPE_WINDOW_CONTROLS) &&
            !gtk_widget_get_ancestor(widget, GTK_TYPE_MENU_BUTTON))
            g_error("%s has no accessible name", G_OBJECT_TYPE_NAME(widget));
        ++*n;
    }
    for (GtkWidget *c = gtk_widget_get_first_child(widget); c; c = gtk_widget_get_next_sibling(c))
        check_named(c, n);
}

static void
body_names(TestApp *t)
{
    int n = 0;

    test_wait_current(t);
    check_named(GTK_WIDGET(t->window), &n);
    g_assert_cmpint(n, >=, 15);
    gtk_test_accessible_assert_role(GTK_WIDGET(t->grid), GTK_ACCESSIBLE_ROLE_IMG);
}

static void
test_names(void)
{
    test_app_run(MODEL, body_names);
}

static void
body_style(TestApp *t)
{
    gboolean dark;

    g_action_group_activate_action(G_ACTION_GROUP(t->app), "style", g_variant_new_string("dark"));
    g_object_get(gtk_settings_get_default(), "gtk-application-prefer-dark-theme", &dark, NULL);
    g_assert_true(dark);
    g_assert_cmpint(lim_preferences_load().style, ==, LIM_STYLE_DARK);
    gtk_window_set_default_size(GTK_WINDOW(t->window), 1000, 700);
    test_spin(100);
}

static void
body_style_again(TestApp *t)
{
    int w, h;
    gboolean dark;

    g_object_get(gtk_settings_get_default(), "gtk-application-prefer-dark-theme", &dark, NULL);
    g_assert_true(dark);
    gtk_window_get_default_size(GTK_WINDOW(t->window), &w, &h);
    g_assert_cmpint(w, ==, 1000);
    g_assert_cmpint(h, ==, 700);
    g_action_group_activate_action(G_ACTION_GROUP(t->app), "style", g_variant_new_string("light"));
}

static void
test_preferences(void)
{
    g_autofree char *path = g_build_filename(test_folder(), "limen", "window.ini", NULL);
    g_autofree char *folder = g_path_get_dirname(path);

    test_app_run(MODEL, body_style);
    test_app_run(MODEL, body_style_again);

    /* A damaged file gives the defaults. */
    g_mkdir_with_parents(folder, 0700);
    g_assert_true(
        g_file_set_contents(path, "[window]\nwidth=-3\nheight=1e99\nstyle=\377", -1, NULL));
    LimPreferences p = lim_preferences_load();
    g_assert_cmpint(p.width, >=, 800);
    g_assert_cmpint(p.height, >=, 600);
    g_assert_cmpint(p.style, ==, LIM_STYLE_SYSTEM);
    test_app_run(MODEL, body_close);
}

static void
body_leave(TestApp *t)
{
    test_wait_current(t);
    test_set(t, "threshold", g_variant_new_double(0.35));
    test_set(t, "class", g_variant_new_int32(4));
    test_set(t, "samples", g_variant_new_int32(9));
    test_wait_current(t);
}

/* The next start shows what was there, and undo what a first start would show. */
static void
body_come_back(TestApp *t)
{
    test_wait_current(t);
    check_pictures(t, request(4, 1, 0.35, 9), 10, 32, 32, 1);
    test_action(t, "undo", NULL);
    test_wait_current(t);
    check_pictures(t, request(-1, 1, 1, 16), 10, 32, 32, 1);
}

static void
test_session(void)
{
    test_app_run(MODEL, body_leave);
    test_app_resume();
    test_app_run(MODEL, body_come_back);
    test_app_run(MODEL, body_first_state);
}

/* A seeded walk over all controls and actions: no criticals, and the last pictures are right. */
static void
body_monkey(TestApp *t)
{
    static const char *const actions[] = {"undo",      "redo",         "new-seed",
                                          "reset-all", "copy-command", "back",
                                          "next-seed", "keep-sample",  "previous-seed"};
    static const char *const modes[] = {"grid", "grid", "sheet"};
    static const int counts[] = {1, 4, 9, 16, 25, 36, 64};
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    g_autofree char *bad = test_file("bad.safetensors", "rubbish");
    g_autofree char *small = test_file("small.safetensors", "double 3 8 8 3 1 0.5");
    g_autofree char *path = lim_session_dup_default_path();
    LimGenerateKept *kept =
        LIM_GENERATE_KEPT(test_find_type(GTK_WIDGET(t->window), LIM_TYPE_GENERATE_KEPT));
    GtkWidget *strip = GTK_WIDGET(test_find_labelled(GTK_WIDGET(kept), "Kept samples"));
    GtkWidget *maps = test_find_labelled(GTK_WIDGET(t->window), "Maps of the pinned places");

    for (int i = 0; i < 1200; i++) {
        switch (g_rand_int_range(rand, 0, 20)) {
        case 0:
            set_slider(t, g_rand_double_range(rand, -1, 4));
            break;
        case 1:
            test_set(t, "class", g_variant_new_int32(g_rand_int_range(rand, -3, 14)));
            break;
        case 2:
            test_set(t, "samples", g_variant_new_int32(counts[g_rand_int_range(rand, 0, 7)]));
            break;
        case 3:
            test_key(GTK_WIDGET(t->grid), GDK_KEY_Return, 0);
            break;
        case 4:
            test_key(GTK_WIDGET(t->grid), GDK_KEY_Right, 0);
            break;
        case 5:
            lim_window_open_path(t->window, i % 3 == 0 ? bad : i % 3 == 1 ? small : path);
            break;
        case 6:
            test_spin((guint)g_rand_int_range(rand, 0, 30));
            break;
        case 7:
            lim_form_row_set_value(row(t, "attention"),
                                   g_variant_new_boolean(g_rand_int_range(rand, 0, 4) > 0));
            break;
        case 8:
            lim_form_row_set_value(row(t, "attention-sense"), g_variant_new_int32(i % 2));
            break;
        case 9:
            lim_image_grid_set_probe(t->grid, (LimPlace){g_rand_int_range(rand, -1, 20),
                                                         g_rand_int_range(rand, 0, 40),
                                                         g_rand_int_range(rand, 0, 40)});
            test_key(GTK_WIDGET(t->grid), GDK_KEY_Return, 0);
            break;
        case 10:
            test_key(i % 2 ? GTK_WIDGET(t->grid) : maps, GDK_KEY_Delete, 0);
            break;
        case 11:
            lim_generate_kept_set_compare(kept, i % 2);
            break;
        case 12:
            if (lim_generate_kept_get_n(kept))
                test_key(strip, i % 2 ? GDK_KEY_Delete : GDK_KEY_Right, 0);
            break;
        case 13: {
            LimFormRow *any = lim_form_get_nth(
                t->form, (guint)g_rand_int_range(rand, 0, (int)lim_form_get_n_rows(t->form)));
            lim_form_row_set_value(any, g_variant_new_double(g_rand_double_range(rand, -3, 3)));
            lim_form_row_set_value(any, g_variant_new_int32(g_rand_int_range(rand, -3, 17)));
            break;
        }
        case 14:
            g_action_group_change_action_state(
                G_ACTION_GROUP(lim_pane_get_actions(t->pane)), "mode",
                g_variant_new_string(modes[g_rand_int_range(rand, 0, G_N_ELEMENTS(modes))]));
            break;
        default:
            test_action(t, actions[g_rand_int_range(rand, 0, G_N_ELEMENTS(actions))], NULL);
            break;
        }
    }
    lim_window_open_path(t->window, path);
    lim_generate_kept_set_compare(kept, FALSE);
    g_action_group_change_action_state(G_ACTION_GROUP(lim_pane_get_actions(t->pane)), "mode",
                                       g_variant_new_string("grid"));
    test_action(t, "reset-all", NULL);
    test_spin(200);
    test_wait_current(t);
    check_pictures(t, request(-1, 1, 1, 16), 10, 32, 32, 1);
}

static void
test_monkey(void)
{
    test_app_run("double 10 32 32 1 2 0.5", body_monkey);
}

int
main(int argc, char **argv)
{
    test_app_init(&argc, &argv);
    g_test_add_func("/window/first-state", test_first_state);
    g_test_add_func("/window/colour", test_colour);
    g_test_add_func("/window/frames", test_frames);
    g_test_add_func("/window/undo", test_undo);
    g_test_add_func("/window/undo-at-once", test_undo_at_once);
    g_test_add_func("/window/export", test_export);
    g_test_add_func("/window/restore", test_restore);
    g_test_add_func("/window/copy", test_copy);
    g_test_add_func("/window/no-model", test_no_model);
    g_test_add_func("/window/bad-model", test_bad_model);
    g_test_add_func("/window/attention", test_attention);
    g_test_add_func("/window/attention-export", test_attention_export);
    g_test_add_func("/window/neighbours", test_neighbours);
    g_test_add_func("/window/kept", test_kept);
    g_test_add_func("/window/no-attention", test_no_attention);
    g_test_add_func("/window/other-model", test_other_model);
    g_test_add_func("/window/stale", test_stale);
    g_test_add_func("/window/close", test_close);
    g_test_add_func("/window/actions", test_actions);
    g_test_add_func("/window/names", test_names);
    g_test_add_func("/window/preferences", test_preferences);
    g_test_add_func("/window/session", test_session);
    g_test_add_func("/window/monkey", test_monkey);
    return g_test_run();
}
