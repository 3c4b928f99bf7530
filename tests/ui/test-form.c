/* Rows of a form: values there and back, the default, undo steps, keys, names. */
#include "support.h"

#include "lim-undo.h"
#include "widgets/lim-choice-row.h"
#include "widgets/lim-flags-row.h"
#include "widgets/lim-form.h"
#include "widgets/lim-number-row.h"
#include "widgets/lim-seed-row.h"
#include "widgets/lim-slider-row.h"
#include "widgets/lim-switch-row.h"
#include "widgets/lim-text-row.h"

static const double marks[] = {0.5, 1};
static const char *const texts[] = {"One", "Four", "Nine", NULL};
static const int values[] = {1, 4, 9};
static const char *const flags[] = {"A", "B", "C", "D", NULL};

/* One row of each kind with another value than its default. */
static GtkWidget *
make(int kind)
{
    switch (kind) {
    case 0:
        return lim_slider_row_new("slider", "Slider", "Help.", "px", 0.02, 2.5, 1, 2, marks, 2);
    case 1:
        return lim_choice_row_new("choice", "Choice", "Help.", texts, values, 4);
    case 2:
        return lim_seed_row_new("seed", "Seed", "Help.", 1);
    case 3:
        return lim_number_row_new("number", "Number", "Help.", "steps", -5, 100, 7);
    case 4:
        return lim_switch_row_new("switch", "Switch", "Help.", FALSE);
    case 6:
        return lim_flags_row_new("flags", "Flags", "Help.", flags, 4);
    case 5:
        return lim_text_row_new("text", "Text", "Help.", "abc", 7);
    default:
        return NULL;
    }
}

static GVariant *
other(int kind)
{
    switch (kind) {
    case 0:
        return g_variant_new_double(0.37);
    case 1:
        return g_variant_new_int32(9);
    case 2:
        return g_variant_new_uint64(G_MAXUINT64);
    case 3:
        return g_variant_new_int32(-5);
    case 4:
        return g_variant_new_boolean(TRUE);
    case 6:
        return g_variant_new_int32(9);
    default:
        return g_variant_new_string("d\303\244f");
    }
}

static void
test_rows(void)
{
    GtkWidget *widget;

    for (int kind = 0; (widget = make(kind)); kind++) {
        LimFormRow *row = LIM_FORM_ROW(g_object_ref_sink(widget));
        guint *changed = test_count(row, "changed"), *settled = test_count(row, "settled");
        g_autoptr(GVariant) def = lim_form_row_dup_value(row);
        g_autoptr(GVariant) set = g_variant_ref_sink(other(kind));
        g_autofree char *name = g_strdup_printf("Reset %s", lim_form_row_get_label(row));
        GtkWidget *reset = test_find_labelled(widget, name);

        GtkWidget *named = test_find_labelled(widget, lim_form_row_get_label(row));
        g_assert_nonnull(named);
        g_assert_false(gtk_test_accessible_has_relation(GTK_ACCESSIBLE(named),
                                                        GTK_ACCESSIBLE_RELATION_LABELLED_BY));
        g_assert_nonnull(reset);
        g_assert_false(gtk_widget_get_sensitive(reset));
        lim_form_row_set_value(row, set);
        g_autoptr(GVariant) got = lim_form_row_dup_value(row);
        g_assert_true(g_variant_equal(set, got));
        g_assert_cmpuint(*changed, ==, 1);
        g_assert_cmpuint(*settled, ==, 0);
        lim_form_row_set_value(row, set);
        g_assert_cmpuint(*changed, ==, 1);
        lim_form_row_set_value(row, g_variant_new_byte(3)); /* another type: ignored */
        g_assert_cmpuint(*changed, ==, 1);

        g_assert_true(gtk_widget_get_sensitive(reset));
        g_signal_emit_by_name(reset, "clicked");
        g_autoptr(GVariant) back = lim_form_row_dup_value(row);
        g_assert_true(g_variant_equal(back, def));
        g_assert_cmpuint(*changed, ==, 2);
        g_assert_cmpuint(*settled, ==, 1);
        g_assert_false(gtk_widget_get_sensitive(reset));
        g_assert_finalize_object(row);
    }
}

static double
slider_value(LimFormRow *row)
{
    g_autoptr(GVariant) v = lim_form_row_dup_value(row);
    return g_variant_get_double(v);
}

static void
test_slider(void)
{
    LimFormRow *row = LIM_FORM_ROW(g_object_ref_sink(make(0)));
    GtkWidget *scale = lim_slider_row_get_scale(LIM_SLIDER_ROW(row));
    GtkWidget *entry = test_find_labelled(GTK_WIDGET(row), "Slider value");
    guint *changed = test_count(row, "changed"), *settled = test_count(row, "settled");

    gtk_test_accessible_assert_role(scale, GTK_ACCESSIBLE_ROLE_SLIDER);
    gtk_test_accessible_assert_property(scale, GTK_ACCESSIBLE_PROPERTY_LABEL, "Slider");
    g_assert_cmpstr(gtk_editable_get_text(GTK_EDITABLE(entry)), ==, "1.00");

    /* A drag of many motions is one step. */
    lim_form_row_begin_drag(row);
    for (int i = 0; i < 20; i++)
        gtk_range_set_value(GTK_RANGE(scale), 0.5 + 0.01 * i);
    g_assert_cmpuint(*changed, ==, 20);
    g_assert_cmpuint(*settled, ==, 0);
    g_assert_false(lim_form_row_is_open(row)); /* it ends by itself */
    lim_form_row_end_drag(row);
    g_assert_cmpuint(*settled, ==, 1);
    g_assert_cmpstr(gtk_editable_get_text(GTK_EDITABLE(entry)), ==, "0.69");

    /* Escape during a drag restores and is no step. */
    lim_form_row_begin_drag(row);
    gtk_range_set_value(GTK_RANGE(scale), 2);
    test_key(scale, GDK_KEY_Escape, 0);
    g_assert_cmpfloat_with_epsilon(slider_value(row), 0.69, 1e-12);
    lim_form_row_end_drag(row);
    g_assert_cmpuint(*settled, ==, 1);

    /* A burst of keys is one step, after a pause. */
    for (int i = 0; i < 5; i++)
        test_key(scale, GDK_KEY_Right, GDK_SHIFT_MASK);
    g_assert_cmpfloat_with_epsilon(slider_value(row), 0.74, 1e-9);
    g_assert_cmpuint(*settled, ==, 1);
    test_spin(600);
    g_assert_cmpuint(*settled, ==, 2);

    /* Typing: comma or point; what is no number changes nothing and is marked. */
    gtk_editable_set_text(GTK_EDITABLE(entry), " 1,25 ");
    g_signal_emit_by_name(entry, "activate");
    g_assert_cmpfloat(slider_value(row), ==, 1.25);
    g_assert_cmpuint(*settled, ==, 3);
    gtk_editable_set_text(GTK_EDITABLE(entry), "much");
    g_signal_emit_by_name(entry, "activate");
    g_assert_true(gtk_widget_has_css_class(entry, "error"));
    g_assert_cmpfloat(slider_value(row), ==, 1.25);
    test_key(entry, GDK_KEY_Escape, 0);
    g_assert_false(gtk_widget_has_css_class(entry, "error"));
    g_assert_cmpstr(gtk_editable_get_text(GTK_EDITABLE(entry)), ==, "1.25");

    /* Values beyond the ends stop there; digits that the value has are shown. */
    gtk_editable_set_text(GTK_EDITABLE(entry), "1e9");
    g_signal_emit_by_name(entry, "activate");
    g_assert_cmpfloat(slider_value(row), ==, 2.5);
    lim_form_row_set_value(row, g_variant_new_double(0.12345));
    g_assert_cmpstr(gtk_editable_get_text(GTK_EDITABLE(entry)), ==, "0.12345");
    g_assert_finalize_object(row);
}

/* The wheel scrolls the panel: no controller of the control itself listens to it. */
static void
test_wheel(void)
{
    for (int kind = 0; kind < 4; kind += 3) {
        GtkWidget *row = g_object_ref_sink(make(kind));
        GtkWidget *control = test_find_type(row, kind == 0 ? GTK_TYPE_SCALE : GTK_TYPE_SPIN_BUTTON);
        g_autoptr(GListModel) controllers = gtk_widget_observe_controllers(control);
        guint muted = 0;

        for (guint i = 0; i < g_list_model_get_n_items(controllers); i++) {
            g_autoptr(GtkEventController) c = g_list_model_get_item(controllers, i);
            if (!GTK_IS_EVENT_CONTROLLER_SCROLL(c))
                continue;
            if (gtk_event_controller_get_propagation_phase(c) == GTK_PHASE_NONE)
                muted++;
            else
                g_assert_cmpint(gtk_event_controller_get_propagation_phase(c), ==,
                                GTK_PHASE_CAPTURE); /* ours, which wants Ctrl */
        }
        g_assert_cmpuint(muted, ==, 1);
        g_clear_object(&controllers);
        g_assert_finalize_object(row);
    }
}

static guint64
seed_value(LimFormRow *row)
{
    g_autoptr(GVariant) v = lim_form_row_dup_value(row);
    return g_variant_get_uint64(v);
}

static void
test_seed(void)
{
    LimFormRow *row = LIM_FORM_ROW(g_object_ref_sink(make(2)));
    GtkWidget *entry = test_find_labelled(GTK_WIDGET(row), "Seed");
    guint *settled = test_count(row, "settled");

    gtk_editable_set_text(GTK_EDITABLE(entry), "18446744073709551615");
    g_assert_true(seed_value(row) == G_MAXUINT64);
    test_key(entry, GDK_KEY_Up, 0);
    g_assert_true(seed_value(row) == 0);
    gtk_editable_set_text(GTK_EDITABLE(entry), "18446744073709551616");
    g_assert_true(gtk_widget_has_css_class(entry, "error"));
    g_assert_true(seed_value(row) == 0);
    gtk_editable_set_text(GTK_EDITABLE(entry), "-3");
    g_assert_true(gtk_widget_has_css_class(entry, "error"));
    g_signal_emit_by_name(entry, "activate");
    g_assert_cmpstr(gtk_editable_get_text(GTK_EDITABLE(entry)), ==, "0");
    g_assert_false(gtk_widget_has_css_class(entry, "error"));

    *settled = 0;
    lim_seed_row_draw(LIM_SEED_ROW(row));
    g_assert_cmpuint(*settled, ==, 1);
    g_assert_true(seed_value(row) != 0 && seed_value(row) < 1000000);
    g_assert_finalize_object(row);
}

static void
test_choices(void)
{
    LimFormRow *row = LIM_FORM_ROW(g_object_ref_sink(make(1)));
    static const char *const fewer[] = {"Four", "Two", NULL};
    static const int fewer_values[] = {4, 2};
    guint *changed = test_count(row, "changed");

    lim_form_row_set_value(row, g_variant_new_int32(5)); /* no such choice */
    g_assert_cmpuint(*changed, ==, 0);
    lim_choice_row_set_choices(LIM_CHOICE_ROW(row), fewer, fewer_values);
    g_assert_cmpuint(*changed, ==, 0); /* the value still exists */
    lim_form_row_set_value(row, g_variant_new_int32(2));
    lim_choice_row_set_choices(LIM_CHOICE_ROW(row), texts, values);
    g_autoptr(GVariant) v = lim_form_row_dup_value(row);
    g_assert_cmpint(g_variant_get_int32(v), ==, 4); /* back to the default */
    g_assert_cmpuint(*changed, ==, 2);

    /* Open to others, within a range; they find their place. */
    lim_choice_row_set_range(LIM_CHOICE_ROW(row), 0, 100);
    lim_form_row_set_value(row, g_variant_new_int32(101));
    lim_form_row_set_value(row, g_variant_new_int32(6));
    g_autoptr(GVariant) six = lim_form_row_dup_value(row);
    g_assert_cmpint(g_variant_get_int32(six), ==, 6);
    g_assert_cmpuint(*changed, ==, 3);
    GtkDropDown *drop_down = GTK_DROP_DOWN(lim_choice_row_get_drop_down(LIM_CHOICE_ROW(row)));
    g_assert_cmpuint(gtk_drop_down_get_selected(drop_down), ==, 2);
    GListModel *list = gtk_drop_down_get_model(drop_down);
    g_assert_cmpuint(g_list_model_get_n_items(list), ==, 4);
    g_assert_cmpstr(gtk_string_list_get_string(GTK_STRING_LIST(list), 2), ==, "6");
    gtk_drop_down_set_selected(drop_down, 3);
    g_autoptr(GVariant) nine = lim_form_row_dup_value(row);
    g_assert_cmpint(g_variant_get_int32(nine), ==, 9);
    lim_form_row_set_value(row, g_variant_new_int32(6));
    g_assert_cmpuint(g_list_model_get_n_items(list), ==, 4);
    g_assert_finalize_object(row);
}

static void
test_text(void)
{
    LimFormRow *row = LIM_FORM_ROW(g_object_ref_sink(make(5)));

    /* Cut at seven bytes, between characters. */
    lim_form_row_set_value(row, g_variant_new_string("abcdef\303\244"));
    g_autoptr(GVariant) v = lim_form_row_dup_value(row);
    g_assert_cmpstr(g_variant_get_string(v, NULL), ==, "abcdef");
    g_assert_finalize_object(row);
}

static void
record(LimForm *form, LimUndo *undo)
{
    g_autoptr(GVariant) state = lim_form_dup_settled(form);
    lim_undo_push(undo, state);
}

static void
test_form_undo(void)
{
    LimForm *form = LIM_FORM(g_object_ref_sink(lim_form_new()));
    g_autoptr(LimUndo) undo = lim_undo_new();
    GtkWidget *row;

    for (int kind = 0; (row = make(kind)); kind++)
        lim_form_add(form, LIM_FORM_ROW(row));
    record(form, undo);
    g_signal_connect(form, "settled", G_CALLBACK(record), undo);
    g_autoptr(GVariant) start = lim_form_dup_values(form);
    g_assert_cmpuint(g_variant_n_children(start), ==, 7);

    /* One person's change per row, then all the way back and forth. */
    GPtrArray *states = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
    g_ptr_array_add(states, g_variant_ref(start));
    gtk_range_set_value(GTK_RANGE(test_find_type(GTK_WIDGET(form), GTK_TYPE_SCALE)), 0.3);
    lim_form_flush(form);
    g_ptr_array_add(states, lim_form_dup_values(form));
    gtk_drop_down_set_selected(GTK_DROP_DOWN(test_find_type(GTK_WIDGET(form), GTK_TYPE_DROP_DOWN)),
                               2);
    g_ptr_array_add(states, lim_form_dup_values(form));
    lim_seed_row_draw(LIM_SEED_ROW(lim_form_get_row(form, "seed")));
    g_ptr_array_add(states, lim_form_dup_values(form));
    gtk_switch_set_active(GTK_SWITCH(test_find_type(GTK_WIDGET(form), GTK_TYPE_SWITCH)), TRUE);
    g_ptr_array_add(states, lim_form_dup_values(form));
    lim_form_reset(form); /* four rows, one step */
    g_ptr_array_add(states, lim_form_dup_values(form));
    g_assert_true(g_variant_equal(g_ptr_array_index(states, 5), start));

    guint *changed = test_count(form, "changed");
    for (int i = 4; i >= 0; i--) {
        lim_form_set_values(form, lim_undo_undo(undo));
        g_autoptr(GVariant) now = lim_form_dup_values(form);
        g_assert_true(g_variant_equal(now, g_ptr_array_index(states, i)));
    }
    g_assert_false(lim_undo_can_undo(undo));
    g_assert_cmpuint(*changed, ==, 5);
    for (int i = 1; i < 6; i++) {
        lim_form_set_values(form, lim_undo_redo(undo));
        g_autoptr(GVariant) now = lim_form_dup_values(form);
        g_assert_true(g_variant_equal(now, g_ptr_array_index(states, i)));
    }
    g_assert_false(lim_undo_can_redo(undo));
    g_ptr_array_unref(states);
    g_assert_finalize_object(form);
}

/* What a closed group hides is counted in its title. */
static void
test_group(void)
{
    LimForm *form = LIM_FORM(g_object_ref_sink(lim_form_new()));
    g_autoptr(GVariant) start = NULL;

    lim_form_add(form, LIM_FORM_ROW(make(0)));
    lim_form_begin_group(form, "Layers");
    lim_form_add(form, LIM_FORM_ROW(make(4)));
    lim_form_add(form, LIM_FORM_ROW(make(2)));
    lim_form_end_group(form);
    lim_form_add(form, LIM_FORM_ROW(make(3)));
    GtkWidget *group = test_find_type(GTK_WIDGET(form), GTK_TYPE_EXPANDER);
    g_assert_nonnull(group);
    g_assert_false(gtk_expander_get_expanded(GTK_EXPANDER(group)));
    for (guint i = 0; i < 4; i++) {
        GtkWidget *row = GTK_WIDGET(lim_form_get_nth(form, i));
        gboolean inside = i == 1 || i == 2;
        gtk_expander_set_expanded(GTK_EXPANDER(group), TRUE);
        g_assert_cmpint(gtk_widget_is_ancestor(row, group), ==, inside);
        gtk_expander_set_expanded(GTK_EXPANDER(group), FALSE);
        g_assert_cmpint(gtk_widget_is_ancestor(row, GTK_WIDGET(form)), ==, !inside);
    }
    start = lim_form_dup_values(form);

    GtkWidget *row = GTK_WIDGET(lim_form_get_nth(form, 1));
    gtk_switch_set_active(GTK_SWITCH(test_find_type(row, GTK_TYPE_SWITCH)), TRUE);
    gtk_test_accessible_assert_property(group, GTK_ACCESSIBLE_PROPERTY_LABEL, "Layers (1 changed)");
    lim_seed_row_step(LIM_SEED_ROW(lim_form_get_row(form, "seed")), 2);
    gtk_range_set_value(GTK_RANGE(test_find_type(GTK_WIDGET(form), GTK_TYPE_SCALE)), 0.3);
    g_assert_cmpstr(gtk_label_get_text(
                        GTK_LABEL(gtk_expander_get_label_widget(GTK_EXPANDER(group)))),
                    ==, "Layers (2 changed)");
    lim_form_set_values(form, g_variant_ref(start));
    gtk_test_accessible_assert_property(group, GTK_ACCESSIBLE_PROPERTY_LABEL, "Layers");
    g_assert_finalize_object(form);
}

/* Whatever can take the focus has a name, and no two rows share an access key. */
static void
check_named(GtkWidget *widget, guint *focusable)
{
    if (gtk_widget_get_focusable(widget) && GTK_IS_ACCESSIBLE(widget) && !GTK_IS_TEXT(widget) &&
        !g_str_equal(G_OBJECT_TYPE_NAME(widget), "GtkListItemWidget")) {
        if (!gtk_test_accessible_has_property(GTK_ACCESSIBLE(widget),
                                              GTK_ACCESSIBLE_PROPERTY_LABEL) &&
            !(GTK_IS_BUTTON(widget) && gtk_button_get_label(GTK_BUTTON(widget))))
            g_error("%s has no accessible name", G_OBJECT_TYPE_NAME(widget));
        ++*focusable;
    }
    for (GtkWidget *c = gtk_widget_get_first_child(widget); c; c = gtk_widget_get_next_sibling(c))
        if (!GTK_IS_POPOVER(c))
            check_named(c, focusable);
}

static void
test_names(void)
{
    GtkWidget *form = lim_form_new(), *row;
    GtkWindow *window;
    guint focusable = 0, keys = 0;

    for (int kind = 0; (row = make(kind)); kind++)
        lim_form_add(LIM_FORM(form), LIM_FORM_ROW(row));
    window = test_show(form, 300, 600);
    check_named(form, &focusable);
    g_assert_cmpuint(focusable, >=, 12);
    for (guint i = 0; i < lim_form_get_n_rows(LIM_FORM(form)); i++) {
        GtkWidget *r = GTK_WIDGET(lim_form_get_nth(LIM_FORM(form), i));
        GtkLabel *caption = GTK_LABEL(test_find_type(r, GTK_TYPE_LABEL));
        guint key = gdk_keyval_to_lower(gtk_label_get_mnemonic_keyval(caption));
        g_assert_cmpuint(key, >=, 'a');
        g_assert_cmpuint(key, <=, 'z');
        g_assert_false(keys & 1u << (key - 'a'));
        keys |= 1u << (key - 'a');
    }
    g_assert_nonnull(test_find_labelled(form, "Increase Number"));
    g_assert_nonnull(test_find_labelled(form, "Decrease Number"));
    gtk_window_destroy(window);
}

static GtkWidget *
find_text(GtkWidget *root, const char *text)
{
    if (GTK_IS_LABEL(root) && g_str_equal(gtk_label_get_text(GTK_LABEL(root)), text))
        return root;
    for (GtkWidget *w = gtk_widget_get_first_child(root); w; w = gtk_widget_get_next_sibling(w)) {
        GtkWidget *found = find_text(w, text);
        if (found)
            return found;
    }
    return NULL;
}

/* A note is read below the control, and by assistive technology with the help. */
static void
test_note(void)
{
    for (int kind = 0; make(kind); kind++) {
        LimFormRow *row = LIM_FORM_ROW(g_object_ref_sink(make(kind)));
        GtkWidget *control = test_find_labelled(GTK_WIDGET(row), lim_form_row_get_label(row));

        g_assert_null(lim_form_row_get_note(row));
        g_assert_null(find_text(GTK_WIDGET(row), "Too much."));
        lim_form_row_set_note(row, "Too little.");
        lim_form_row_set_note(row, "Too much.");
        g_assert_cmpstr(lim_form_row_get_note(row), ==, "Too much.");
        g_assert_nonnull(find_text(GTK_WIDGET(row), "Too much."));
        g_assert_null(find_text(GTK_WIDGET(row), "Too little."));
        gtk_test_accessible_assert_property(control, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                            "Help. Too much.");
        lim_form_row_set_note(row, NULL);
        g_assert_null(lim_form_row_get_note(row));
        gtk_test_accessible_assert_property(control, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, "Help.");
        g_object_unref(row);
    }
}

int
main(int argc, char **argv)
{
    test_ui_init(&argc, &argv);
    g_test_add_func("/form/rows", test_rows);
    g_test_add_func("/form/slider", test_slider);
    g_test_add_func("/form/wheel", test_wheel);
    g_test_add_func("/form/seed", test_seed);
    g_test_add_func("/form/choices", test_choices);
    g_test_add_func("/form/text", test_text);
    g_test_add_func("/form/undo", test_form_undo);
    g_test_add_func("/form/group", test_group);
    g_test_add_func("/form/names", test_names);
    g_test_add_func("/form/note", test_note);
    return g_test_run();
}
