/* LimNumberRow: a GtkSpinButton that leaves the wheel to the panel around it. */
#include "widgets/lim-number-row.h"

struct _LimNumberRow {
    LimFormRow parent_instance;
    GtkWidget *spin;
};

G_DEFINE_FINAL_TYPE(LimNumberRow, lim_number_row, LIM_TYPE_FORM_ROW)

static GVariant *
get_value(LimFormRow *row)
{
    return g_variant_new_int32(
        gtk_spin_button_get_value_as_int(GTK_SPIN_BUTTON(LIM_NUMBER_ROW(row)->spin)));
}

static void
set_value(LimFormRow *row, GVariant *value)
{
    gtk_spin_button_set_value(GTK_SPIN_BUTTON(LIM_NUMBER_ROW(row)->spin),
                              g_variant_get_int32(value));
}

static void
value_changed(LimNumberRow *self)
{
    lim_form_row_control_changed(LIM_FORM_ROW(self), FALSE);
}

static void
lim_number_row_class_init(LimNumberRowClass *klass)
{
    LIM_FORM_ROW_CLASS(klass)->get_value = get_value;
    LIM_FORM_ROW_CLASS(klass)->set_value = set_value;
}

static void
lim_number_row_init(LimNumberRow *self)
{
}

GtkWidget *
lim_number_row_new(const char *key, const char *label, const char *help, const char *unit, int min,
                   int max, int def)
{
    LimNumberRow *self =
        g_object_new(LIM_TYPE_NUMBER_ROW, "key", key, "label", label, "help", help, NULL);

    self->spin = gtk_spin_button_new_with_range(min, max, 1);
    gtk_widget_add_css_class(self->spin, "numeric");
    lim_form_row_mute_wheel(self->spin);
    g_signal_connect_swapped(self->spin, "value-changed", G_CALLBACK(value_changed), self);
    lim_form_row_set_control(LIM_FORM_ROW(self), self->spin, self->spin);
    for (GtkWidget *c = gtk_widget_get_first_child(self->spin); c;
         c = gtk_widget_get_next_sibling(c)) {
        if (!GTK_IS_BUTTON(c))
            continue;
        gboolean up =
            g_strcmp0(gtk_button_get_icon_name(GTK_BUTTON(c)), "value-increase-symbolic") == 0;
        g_autofree char *name = g_strdup_printf("%s %s", up ? "Increase" : "Decrease", label);
        gtk_accessible_update_property(GTK_ACCESSIBLE(c), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
    }
    if (unit && *unit) {
        GtkWidget *text = gtk_label_new(unit);
        gtk_widget_add_css_class(text, "dim-label");
        lim_form_row_set_value_widget(LIM_FORM_ROW(self), text);
    }
    lim_form_row_set_default(LIM_FORM_ROW(self), g_variant_new_int32(def));
    return GTK_WIDGET(self);
}
