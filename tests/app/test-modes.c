/* The modes of the Generate view beside the grid, on the stand-in generator. */
#include "double.h"
#include "support-app.h"

#include "models/sweep.h"
#include "panes/generate/generate.h"
#include "panes/generate/interpolation.h"
#include "panes/generate/kept.h"
#include "panes/generate/sheet.h"
#include "widgets/lim-slider-row.h"

#include <string.h>

#define MODEL "double 10 8 8 1 0"

static void
set_mode(TestApp *t, const char *mode)
{
    g_action_group_change_action_state(G_ACTION_GROUP(lim_pane_get_actions(t->pane)), "mode",
                                       g_variant_new_string(mode));
    test_settle();
}

static const char *
mode_of(TestApp *t)
{
    g_autoptr(GVariant) state =
        g_action_group_get_action_state(G_ACTION_GROUP(lim_pane_get_actions(t->pane)), "mode");
    return g_intern_string(g_variant_get_string(state, NULL));
}

static LimImageTable *
table_of(TestApp *t, GType part)
{
    GtkWidget *mode = test_find_type(GTK_WIDGET(t->pane), part);

    return LIM_IMAGE_TABLE(test_find_type(mode, LIM_TYPE_IMAGE_TABLE));
}

/* The picture in the table is sample `index` of that request. */
static void
check_cell(LimImageTable *table, int row, int column, const LimSampleRequest *r, int index)
{
    g_autofree guint8 *rgb = lim_image_table_dup_picture(table, row, column);

    g_assert_nonnull(rgb);
    for (int y = 0; y < 8; y++)
        for (int x = 0; x < 8; x++)
            g_assert_cmpint(rgb[3 * (8 * y + x)], ==, double_byte(r, 10, index, 0, y, x));
}

static void
check_size(LimImageTable *table, int rows, int columns)
{
    int r, c;

    lim_image_table_get_size(table, &r, &c);
    g_assert_cmpint(r, ==, rows);
    g_assert_cmpint(c, ==, columns);
}

static void
check_marked(LimImageTable *table, int row, int column)
{
    int r, c;

    lim_image_table_get_marked(table, &r, &c);
    g_assert_cmpint(r, ==, row);
    g_assert_cmpint(c, ==, column);
}

static GtkWidget *
control(TestApp *t, const char *label)
{
    GtkWidget *found = test_find_labelled(GTK_WIDGET(t->window), label);

    g_assert_nonnull(found);
    return found;
}

/* Types into the field with this label and leaves it with Enter. */
static void
type(TestApp *t, const char *label, const char *text)
{
    GtkWidget *entry = control(t, label);

    gtk_editable_set_text(GTK_EDITABLE(entry), text);
    g_signal_emit_by_name(entry, "activate");
    test_settle();
}

static void
choose(TestApp *t, const char *label, int which)
{
    gtk_drop_down_set_selected(GTK_DROP_DOWN(control(t, label)), (guint)which);
    test_settle();
}

static const char *
text_of(TestApp *t, const char *label)
{
    return gtk_editable_get_text(GTK_EDITABLE(control(t, label)));
}

static LimSampleRequest
request(int label, guint64 seed, double threshold)
{
    LimSampleRequest r;

    lim_params_init(lim_sample_schema, &r);
    r.label = label;
    r.seed = seed;
    r.threshold = threshold;
    return r;
}

/* The sentence about what is wrong. */
static GtkWidget *
find_fault(GtkWidget *mode)
{
    GtkWidget *overlay = test_find_type(mode, GTK_TYPE_OVERLAY);

    return gtk_widget_get_last_child(overlay);
}

static void
body_sheet(TestApp *t)
{
    static const double usual[] = {0.04, 0.5, 1, 1.5, 2};
    LimImageTable *table = table_of(t, LIM_TYPE_GENERATE_SHEET);

    test_wait_current(t);
    set_mode(t, "sheet");
    test_wait_current(t);
    check_size(table, 5, 5); /* something to see without a click */
    for (int y = 0; y < 5; y++)
        for (int x = 0; x < 5; x++) {
            LimSampleRequest r = request(-1, (guint64)(1 + y), usual[x]);
            check_cell(table, y, x, &r, y); /* the classes in turn */
        }
    check_marked(table, 0, 2);
    g_assert_true(g_str_has_prefix(lim_status_line_get_shown(t->status), "25 samples of 8"));

    type(t, "Row values", "7, 9");
    type(t, "Column values", "0.5..2.5:0.5");
    test_wait_current(t);
    check_size(table, 2, 5);
    LimSampleRequest r = request(-1, 9, 2.5);
    check_cell(table, 1, 4, &r, 1);

    /* More pictures than one request draws. */
    type(t, "Row values", "1..40");
    test_wait_current(t);
    check_size(table, 40, 5);
    for (int i = 0; i < 200; i++) {
        r = request(-1, (guint64)(1 + i / 5), 0.5 * (1 + i % 5));
        check_cell(table, i / 5, i % 5, &r, i / 5);
    }

    /* Everything else follows the form. */
    test_set(t, "class", g_variant_new_int32(4));
    test_set(t, "walk-x", g_variant_new_double(1.5));
    test_wait_current(t);
    r = request(4, 40, 2.5);
    r.walk_x = 1.5;
    check_cell(table, 39, 4, &r, 0);

    /* Classes down, seeds across. */
    choose(t, "Rows", lim_sweep_find("class"));
    choose(t, "Columns", lim_sweep_find("seed"));
    g_assert_cmpstr(text_of(t, "Row values"), ==, "");
    test_wait_current(t);
    check_size(table, 10, 5);
    r = request(9, 5, 1);
    r.walk_x = 1.5;
    check_cell(table, 9, 4, &r, 0);

    /* Back in the grid with the settings as they are. */
    set_mode(t, "grid");
    test_wait_current(t);
    g_assert_cmpint(lim_image_grid_get_n(t->grid), ==, 16);
}

static void
test_sheet(void)
{
    test_app_run(MODEL, body_sheet);
}

/* Enter takes the settings of a picture over, in one step. */
static void
body_take_over(TestApp *t)
{
    LimImageTable *table = table_of(t, LIM_TYPE_GENERATE_SHEET);

    test_wait_current(t);
    g_autoptr(GVariant) start = lim_form_dup_values(t->form);
    set_mode(t, "sheet");
    test_wait_current(t);
    lim_image_table_set_cursor(table, 2, 4);
    g_assert_true(test_key(GTK_WIDGET(table), GDK_KEY_Return, 0));
    test_wait_current(t);
    g_autoptr(GVariant) seed = test_value(t, "seed");
    g_autoptr(GVariant) threshold = test_value(t, "threshold");
    g_autoptr(GVariant) count = test_value(t, "samples");
    g_assert_cmpuint(g_variant_get_uint64(seed), ==, 3);
    g_assert_cmpfloat(g_variant_get_double(threshold), ==, 2);
    g_assert_cmpint(g_variant_get_int32(count), ==, 16);
    check_marked(table, 2, 4);
    check_size(table, 5, 5);
    LimSampleRequest r = request(-1, 1, 0.04);
    check_cell(table, 0, 0, &r, 0); /* the sheet has not moved */
    g_assert_cmpstr(text_of(t, "Row values"), ==, "1..5");

    g_assert_true(test_can(t, "undo"));
    test_action(t, "undo", NULL);
    g_autoptr(GVariant) now = lim_form_dup_values(t->form);
    g_assert_true(g_variant_equal(start, now));
    g_assert_cmpstr(text_of(t, "Row values"), ==, "");
    g_assert_false(test_can(t, "undo"));
    test_wait_current(t);
    check_marked(table, 0, 2);

    /* A double click goes to the grid with them. */
    g_signal_emit_by_name(table, "cell-opened", 4, 0);
    g_assert_cmpstr(mode_of(t), ==, "grid");
    test_wait_current(t);
    g_autoptr(GVariant) opened = test_value(t, "seed");
    g_assert_cmpuint(g_variant_get_uint64(opened), ==, 5);
}

static void
test_take_over(void)
{
    test_app_run(MODEL, body_take_over);
}

/* Every control of the sheet is undone; values go with their axis. */
static void
body_undo(TestApp *t)
{
    LimImageTable *table = table_of(t, LIM_TYPE_GENERATE_SHEET);

    test_wait_current(t);
    set_mode(t, "sheet");
    type(t, "Row values", "3, 4");
    type(t, "Column values", "1, 2, 0.5");
    choose(t, "Rows", lim_sweep_find("threshold")); /* what the columns have: swapped */
    g_assert_cmpstr(text_of(t, "Row values"), ==, "1, 2, 0.5");
    g_assert_cmpstr(text_of(t, "Column values"), ==, "3, 4");
    test_wait_current(t);
    check_size(table, 3, 2);
    LimSampleRequest r = request(-1, 4, 0.5);
    check_cell(table, 2, 1, &r, 1);
    choose(t, "Columns", lim_sweep_find("walk-y"));
    g_assert_cmpstr(text_of(t, "Column values"), ==, "");
    test_wait_current(t);
    check_size(table, 3, 5);

    test_action(t, "undo", NULL);
    g_assert_cmpstr(text_of(t, "Column values"), ==, "3, 4");
    test_action(t, "undo", NULL);
    g_assert_cmpstr(text_of(t, "Row values"), ==, "3, 4");
    test_wait_current(t);
    check_size(table, 2, 3);
    test_action(t, "undo", NULL);
    g_assert_cmpstr(text_of(t, "Column values"), ==, "");
    gtk_editable_set_text(GTK_EDITABLE(control(t, "Column values")), "2"); /* still open */
    test_action(t, "undo", NULL);
    g_assert_cmpstr(text_of(t, "Column values"), ==, "");
    g_assert_cmpstr(text_of(t, "Row values"), ==, "3, 4");
    test_action(t, "redo", NULL);
    g_assert_cmpstr(text_of(t, "Column values"), ==, "2");
}

static void
test_undo(void)
{
    test_app_run(MODEL, body_undo);
}

/* What cannot be read is said, and what was there stays. */
static void
body_error(TestApp *t)
{
    LimImageTable *table = table_of(t, LIM_TYPE_GENERATE_SHEET);
    g_autofree char *path = g_build_filename(test_folder(), "bad.png", NULL);

    test_wait_current(t);
    set_mode(t, "sheet");
    test_wait_current(t);
    type(t, "Row values", "1, x");
    test_wait_current(t);
    check_size(table, 5, 5);
    GtkWidget *mode = test_find_type(GTK_WIDGET(t->pane), LIM_TYPE_GENERATE_SHEET);
    GtkWidget *error = find_fault(mode);
    g_assert_true(gtk_widget_get_visible(error));
    g_assert_true(g_str_has_prefix(gtk_label_get_text(GTK_LABEL(error)), "Seed: x is not"));
    test_action(t, "export-to", g_variant_new_string(path));
    test_wait_status(t, "Not saved");
    type(t, "Row values", "1, 2");
    test_wait_current(t);
    check_size(table, 2, 5);
    g_assert_false(gtk_widget_get_visible(error));

    /* A picture that cannot be computed is an error of the view. */
    type(t, "Row values", "1, " G_STRINGIFY(DOUBLE_BAD_SEED));
    for (int i = 0; i < 500 && !gtk_widget_get_mapped(GTK_WIDGET(t->message)); i++)
        test_spin(10);
    g_assert_true(gtk_widget_get_mapped(GTK_WIDGET(t->message)));
    test_action(t, "undo", NULL);
    test_wait_current(t);
    LimSampleRequest r = request(-1, 2, 2);
    check_cell(table, 1, 4, &r, 1);
}

static void
test_error(void)
{
    test_app_run(MODEL, body_error);
}

/* An exported sheet restores the sheet, an exported grid the grid. */
static void
body_restore(TestApp *t)
{
    LimImageTable *table = table_of(t, LIM_TYPE_GENERATE_SHEET);
    g_autofree char *sheet = g_build_filename(test_folder(), "one.png", NULL);
    g_autofree char *grid = g_build_filename(test_folder(), "two.png", NULL);

    test_wait_current(t);
    test_action(t, "export-to", g_variant_new_string(grid));
    test_wait_status(t, "Saved two.png");
    set_mode(t, "sheet");
    choose(t, "Rows", lim_sweep_find("walk-x"));
    type(t, "Row values", "-1..1");
    test_set(t, "class", g_variant_new_int32(6));
    test_wait_current(t);
    test_action(t, "export-to", g_variant_new_string(sheet));
    test_wait_status(t, "Saved one.png");

    g_assert_true(lim_pane_open_file(t->pane, grid));
    test_wait_status(t, "Settings restored");
    g_assert_cmpstr(mode_of(t), ==, "grid");
    test_action(t, "reset-all", NULL);
    set_mode(t, "sheet");
    type(t, "Row values", "0, 5");
    set_mode(t, "grid");
    test_spin(4200); /* the message goes */
    g_assert_true(lim_pane_open_file(t->pane, sheet));
    test_wait_status(t, "Settings restored");
    g_assert_cmpstr(mode_of(t), ==, "sheet");
    g_assert_cmpstr(text_of(t, "Row values"), ==, "-1..1");
    test_wait_current(t);
    check_size(table, 3, 5);
    LimSampleRequest r = request(6, 1, 2);
    r.walk_x = 1;
    check_cell(table, 2, 4, &r, 0);
    test_action(t, "undo", NULL); /* one step */
    g_assert_cmpstr(text_of(t, "Row values"), ==, "0, 5");
}

static void
test_restore(void)
{
    test_app_run(MODEL, body_restore);
}

/* While a slider moves, every row gets its turn. */
static void
body_drag(TestApp *t)
{
    LimImageTable *table = table_of(t, LIM_TYPE_GENERATE_SHEET);
    GtkWidget *scale =
        lim_slider_row_get_scale(LIM_SLIDER_ROW(lim_form_get_row(t->form, "walk-x")));
    guint8 *before[40];

    test_wait_current(t);
    set_mode(t, "sheet");
    type(t, "Row values", "1..40");
    test_wait_current(t);
    for (int y = 0; y < 40; y++)
        before[y] = lim_image_table_dup_picture(table, y, 0);
    gboolean moved[40] = {FALSE};
    int still = 40;
    for (int k = 1; k < 1000 && still; k++) { /* never at rest */
        gtk_range_set_value(GTK_RANGE(scale), (k % 99 + 1) * 0.05);
        test_spin(5);
        for (int y = 0; y < 40; y++) {
            g_autofree guint8 *now = lim_image_table_dup_picture(table, y, 0);
            if (!moved[y] && memcmp(now, before[y], 8 * 8 * 3) != 0) {
                moved[y] = TRUE;
                still--;
            }
        }
    }
    g_assert_cmpint(still, ==, 0);
    for (int y = 0; y < 40; y++)
        g_clear_pointer(&before[y], g_free);
}

static void
test_drag(void)
{
    test_app_run("double 10 8 8 1 3", body_drag);
}

static LimInterpolation
way_of(LimSampleRequest from, LimSampleRequest to, int steps, int rows)
{
    return (LimInterpolation){.from = {from, 0}, .to = {to, 1}, .steps = steps, .rows = rows};
}

/* The table shows exactly that way. */
static void
check_way(LimImageTable *table, const LimInterpolation *p)
{
    check_size(table, p->rows, p->steps);
    for (int row = 0; row < p->rows; row++)
        for (int step = 0; step < p->steps; step++) {
            g_autofree guint8 *rgb = lim_image_table_dup_picture(table, row, step);
            g_assert_nonnull(rgb);
            for (int y = 0; y < 8; y++)
                for (int x = 0; x < 8; x++)
                    g_assert_cmpint(rgb[3 * (8 * y + x)], ==,
                                    double_way_byte(p, 10, row, step, 0, y, x));
        }
}

static void
set_number(TestApp *t, const char *label, int value)
{
    gtk_spin_button_set_value(GTK_SPIN_BUTTON(control(t, label)), value);
    test_settle();
}

static GtkWidget *
find_button(GtkWidget *root, const char *label)
{
    if (GTK_IS_BUTTON(root) && !g_strcmp0(gtk_button_get_label(GTK_BUTTON(root)), label))
        return root;
    for (GtkWidget *c = gtk_widget_get_first_child(root); c; c = gtk_widget_get_next_sibling(c)) {
        GtkWidget *found = find_button(c, label);
        if (found)
            return found;
    }
    return NULL;
}

static void
body_interpolation(TestApp *t)
{
    LimImageTable *table = table_of(t, LIM_TYPE_GENERATE_INTERPOLATION);
    LimGenerateKept *kept =
        LIM_GENERATE_KEPT(test_find_type(GTK_WIDGET(t->pane), LIM_TYPE_GENERATE_KEPT));
    LimSampleRequest r = request(-1, 1, 1);

    test_wait_current(t);
    set_mode(t, "interpolation");
    test_wait_current(t);
    LimInterpolation way = way_of(r, r, 8, 5); /* something to see without a click */
    check_way(table, &way);
    set_number(t, "Steps", 20); /* longer than a piece of a sheet */
    set_number(t, "Strips", 16);
    choose(t, "Path", LIM_PATH_SPHERICAL);
    choose(t, "Interpolate", LIM_TRAVEL_CLASS);
    test_wait_current(t);
    way.steps = 20;
    way.rows = 16;
    way.path = LIM_PATH_SPHERICAL;
    way.what = LIM_TRAVEL_CLASS;
    check_way(table, &way);

    /* The form moves the ends. */
    test_set(t, "seed", g_variant_new_uint64(9));
    test_wait_current(t);
    way.from.request.seed = way.to.request.seed = 9;
    check_way(table, &way);

    /* Between two kept samples: one strip, which stays while the form moves. */
    set_mode(t, "grid");
    test_wait_current(t);
    lim_generate_kept_add(kept, 3);
    test_set(t, "seed", g_variant_new_uint64(4));
    test_set(t, "threshold", g_variant_new_double(0.5));
    test_wait_current(t);
    lim_generate_kept_add(kept, 7);
    set_mode(t, "interpolation");
    test_wait_current(t);
    choose(t, "From", 1);
    choose(t, "To", 2);
    test_set(t, "threshold", g_variant_new_double(2));
    lim_generate_settle(LIM_GENERATE(t->pane));
    test_wait_current(t);
    way.rows = 1;
    way.from = (LimSample){request(-1, 9, 1), 3};
    way.to = (LimSample){request(-1, 4, 0.5), 7};
    check_way(table, &way);
    g_assert_false(gtk_widget_get_sensitive(control(t, "Strips")));

    /* An end can be taken over, what lies between cannot. */
    g_signal_emit_by_name(table, "cell-activated", 0, 5);
    g_autoptr(GVariant) still = test_value(t, "threshold");
    g_assert_cmpfloat(g_variant_get_double(still), ==, 2);
    g_signal_emit_by_name(table, "cell-activated", 0, 19);
    g_autoptr(GVariant) taken = test_value(t, "threshold");
    g_assert_cmpfloat(g_variant_get_double(taken), ==, 0.5);
    test_action(t, "undo", NULL);

    /* A kept sample that goes takes the choice of it along; undo brings both back. */
    g_signal_emit_by_name(find_button(GTK_WIDGET(kept), "Remove"), "clicked");
    test_wait_current(t);
    g_assert_cmpint(lim_generate_kept_get_n(kept), ==, 1);
    int rows, columns;
    lim_image_table_get_size(table, &rows, &columns);
    g_assert_cmpint(rows, ==, 1);
    test_action(t, "undo", NULL);
    g_assert_cmpint(lim_generate_kept_get_n(kept), ==, 2);
    test_wait_current(t);
    check_way(table, &way);
}

static void
test_interpolation(void)
{
    test_app_run(MODEL, body_interpolation);
}

static void
body_interpolation_undo(TestApp *t)
{
    LimImageTable *table = table_of(t, LIM_TYPE_GENERATE_INTERPOLATION);
    g_autofree char *path = g_build_filename(test_folder(), "way.png", NULL);
    LimSampleRequest r = request(-1, 1, 1);
    LimInterpolation way = way_of(r, r, 8, 5);

    test_wait_current(t);
    set_mode(t, "interpolation");
    set_number(t, "Steps", 4);
    test_action(t, "undo", NULL); /* at once: the first change of all */
    test_wait_current(t);
    check_way(table, &way);
    choose(t, "Path", LIM_PATH_SPHERICAL);
    choose(t, "Interpolate", LIM_TRAVEL_LATENT);
    set_number(t, "Steps", 4);
    set_number(t, "Strips", 2);
    test_wait_current(t);
    test_action(t, "export-to", g_variant_new_string(path));
    test_wait_status(t, "Saved way.png");
    test_action(t, "undo", NULL); /* keys that are still open are the step */
    test_action(t, "undo", NULL);
    test_action(t, "undo", NULL);
    test_wait_current(t);
    way.path = LIM_PATH_SPHERICAL;
    check_way(table, &way);
    test_action(t, "undo", NULL);
    test_wait_current(t);
    way.path = LIM_PATH_LINEAR;
    check_way(table, &way);
    g_assert_false(test_can(t, "undo"));

    /* The picture brings it all back. */
    set_mode(t, "grid");
    test_spin(4200); /* the message goes */
    g_assert_true(lim_pane_open_file(t->pane, path));
    test_wait_status(t, "Settings restored");
    g_assert_cmpstr(mode_of(t), ==, "interpolation");
    test_wait_current(t);
    way.path = LIM_PATH_SPHERICAL;
    way.what = LIM_TRAVEL_LATENT;
    way.steps = 4;
    way.rows = 2;
    check_way(table, &way);
}

static void
test_interpolation_undo(void)
{
    test_app_run(MODEL, body_interpolation_undo);
}

/* A kept sample of another model is no end, and the reason is said. */
static void
body_other_model(TestApp *t)
{
    GtkWidget *mode = test_find_type(GTK_WIDGET(t->pane), LIM_TYPE_GENERATE_INTERPOLATION);
    LimGenerateKept *kept =
        LIM_GENERATE_KEPT(test_find_type(GTK_WIDGET(t->pane), LIM_TYPE_GENERATE_KEPT));
    g_autofree char *other = test_file("other.safetensors", "double 4 8 8 1 0");

    test_wait_current(t);
    lim_generate_kept_add(kept, 0);
    set_mode(t, "interpolation");
    test_wait_current(t);
    choose(t, "To", 1);
    test_wait_current(t);
    lim_session_open(lim_pane_get_session(t->pane), other);
    GtkWidget *error = find_fault(mode);
    for (int i = 0; i < 500 && !gtk_widget_get_visible(error); i++)
        test_spin(10);
    g_assert_true(gtk_widget_get_visible(error));
    choose(t, "To", 0);
    test_wait_current(t);
    g_assert_false(gtk_widget_get_visible(error));
}

static void
test_other_model(void)
{
    test_app_run(MODEL, body_other_model);
}

int
main(int argc, char **argv)
{
    test_app_init(&argc, &argv);
    g_test_add_func("/modes/sheet", test_sheet);
    g_test_add_func("/modes/take-over", test_take_over);
    g_test_add_func("/modes/undo", test_undo);
    g_test_add_func("/modes/error", test_error);
    g_test_add_func("/modes/restore", test_restore);
    g_test_add_func("/modes/drag", test_drag);
    g_test_add_func("/modes/interpolation", test_interpolation);
    g_test_add_func("/modes/interpolation-undo", test_interpolation_undo);
    g_test_add_func("/modes/other-model", test_other_model);
    return g_test_run();
}
