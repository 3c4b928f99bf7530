/* LimSeedRow: 64-bit seeds do not fit a GtkSpinButton (double), so this is an entry of digits. */
#include "widgets/lim-seed-row.h"

#include <inttypes.h>

#define DRAWN_BELOW 1000000

struct _LimSeedRow {
    LimFormRow parent_instance;
    GtkWidget *entry;
    guint64 seed;
};

G_DEFINE_FINAL_TYPE(LimSeedRow, lim_seed_row, LIM_TYPE_FORM_ROW)

static GVariant *
get_value(LimFormRow *row)
{
    return g_variant_new_uint64(LIM_SEED_ROW(row)->seed);
}

static void
show_seed(LimSeedRow *self)
{
    g_autofree char *text = g_strdup_printf("%" PRIu64, self->seed);

    if (!g_str_equal(text, gtk_editable_get_text(GTK_EDITABLE(self->entry))))
        gtk_editable_set_text(GTK_EDITABLE(self->entry), text);
    gtk_widget_remove_css_class(self->entry, "error");
}

static void
set_value(LimFormRow *row, GVariant *value)
{
    LIM_SEED_ROW(row)->seed = g_variant_get_uint64(value);
    show_seed(LIM_SEED_ROW(row));
}

static void
text_changed(LimSeedRow *self)
{
    const char *text = gtk_editable_get_text(GTK_EDITABLE(self->entry));

    if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, &self->seed, NULL)) {
        gtk_widget_add_css_class(self->entry, "error");
        return;
    }
    gtk_widget_remove_css_class(self->entry, "error");
    lim_form_row_control_changed(LIM_FORM_ROW(self), FALSE);
}

/* Leaves no text behind that is not the seed. */
static void
finish(LimSeedRow *self)
{
    show_seed(self);
    lim_form_row_flush(LIM_FORM_ROW(self));
}

void
lim_seed_row_step(LimSeedRow *self, int by)
{
    self->seed += (guint64)(gint64)by; /* wraps round at both ends */
    show_seed(self);
}

static void
previous(LimSeedRow *self)
{
    lim_seed_row_step(self, -1);
}

static void
next(LimSeedRow *self)
{
    lim_seed_row_step(self, 1);
}

static gboolean
key_pressed(LimSeedRow *self, guint keyval, guint code, GdkModifierType state)
{
    if (state & (GDK_CONTROL_MASK | GDK_ALT_MASK))
        return GDK_EVENT_PROPAGATE;
    switch (keyval) {
    case GDK_KEY_Up:
        lim_seed_row_step(self, 1);
        return GDK_EVENT_STOP;
    case GDK_KEY_Down:
        lim_seed_row_step(self, -1);
        return GDK_EVENT_STOP;
    case GDK_KEY_Page_Up:
        lim_seed_row_step(self, 10);
        return GDK_EVENT_STOP;
    case GDK_KEY_Page_Down:
        lim_seed_row_step(self, -10);
        return GDK_EVENT_STOP;
    default:
        return GDK_EVENT_PROPAGATE;
    }
}

void
lim_seed_row_draw(LimSeedRow *self)
{
    guint64 was = self->seed;

    lim_form_row_flush(LIM_FORM_ROW(self));
    while (self->seed == was)
        self->seed = (guint64)g_random_int_range(0, DRAWN_BELOW);
    show_seed(self);
    lim_form_row_flush(LIM_FORM_ROW(self));
}

static void
lim_seed_row_class_init(LimSeedRowClass *klass)
{
    LIM_FORM_ROW_CLASS(klass)->get_value = get_value;
    LIM_FORM_ROW_CLASS(klass)->set_value = set_value;
}

static void
lim_seed_row_init(LimSeedRow *self)
{
}

static GtkWidget *
neighbour_button(LimSeedRow *self, const char *icon, const char *label,
                 void (*clicked)(LimSeedRow *self))
{
    GtkWidget *button = gtk_button_new_from_icon_name(icon);

    gtk_widget_add_css_class(button, "flat");
    gtk_widget_add_css_class(button, "neighbour");
    gtk_widget_set_tooltip_text(button, label);
    gtk_accessible_update_property(GTK_ACCESSIBLE(button), GTK_ACCESSIBLE_PROPERTY_LABEL, label,
                                   -1);
    g_signal_connect_swapped(button, "clicked", G_CALLBACK(clicked), self);
    return button;
}

GtkWidget *
lim_seed_row_new(const char *key, const char *label, const char *help, guint64 def)
{
    LimSeedRow *self =
        g_object_new(LIM_TYPE_SEED_ROW, "key", key, "label", label, "help", help, NULL);
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 3);
    GtkEventController *c;

    self->entry = gtk_entry_new();
    gtk_entry_set_input_purpose(GTK_ENTRY(self->entry), GTK_INPUT_PURPOSE_DIGITS);
    gtk_editable_set_width_chars(GTK_EDITABLE(self->entry), 8);
    gtk_widget_set_hexpand(self->entry, TRUE);
    gtk_widget_add_css_class(self->entry, "numeric");
    c = gtk_event_controller_key_new();
    g_signal_connect_swapped(c, "key-pressed", G_CALLBACK(key_pressed), self);
    gtk_event_controller_set_propagation_phase(c, GTK_PHASE_CAPTURE);
    gtk_widget_add_controller(self->entry, c);
    c = gtk_event_controller_focus_new();
    g_signal_connect_swapped(c, "leave", G_CALLBACK(finish), self);
    gtk_widget_add_controller(self->entry, c);
    g_signal_connect_swapped(self->entry, "changed", G_CALLBACK(text_changed), self);
    g_signal_connect_swapped(self->entry, "activate", G_CALLBACK(finish), self);

    gtk_box_append(GTK_BOX(box), self->entry);
    gtk_box_append(GTK_BOX(box),
                   neighbour_button(self, "go-previous-symbolic", "Previous seed", previous));
    gtk_box_append(GTK_BOX(box), neighbour_button(self, "go-next-symbolic", "Next seed", next));
    GtkWidget *draw = gtk_button_new_with_label("New seed");
    gtk_widget_set_tooltip_text(draw, "Draw another seed at random");
    g_signal_connect_swapped(draw, "clicked", G_CALLBACK(lim_seed_row_draw), self);
    gtk_box_append(GTK_BOX(box), draw);
    lim_form_row_set_control(LIM_FORM_ROW(self), box, self->entry);
    lim_form_row_set_default(LIM_FORM_ROW(self), g_variant_new_uint64(def));
    return GTK_WIDGET(self);
}
