/* LimSwitchRow: a GtkSwitch. */
#include "widgets/lim-switch-row.h"

struct _LimSwitchRow {
    LimFormRow parent_instance;
    GtkWidget *toggle;
};

G_DEFINE_FINAL_TYPE(LimSwitchRow, lim_switch_row, LIM_TYPE_FORM_ROW)

static GVariant *
get_value(LimFormRow *row)
{
    return g_variant_new_boolean(gtk_switch_get_active(GTK_SWITCH(LIM_SWITCH_ROW(row)->toggle)));
}

static void
set_value(LimFormRow *row, GVariant *value)
{
    gtk_switch_set_active(GTK_SWITCH(LIM_SWITCH_ROW(row)->toggle), g_variant_get_boolean(value));
}

static void
toggled(LimSwitchRow *self)
{
    lim_form_row_control_changed(LIM_FORM_ROW(self), TRUE);
}

static void
lim_switch_row_class_init(LimSwitchRowClass *klass)
{
    LIM_FORM_ROW_CLASS(klass)->get_value = get_value;
    LIM_FORM_ROW_CLASS(klass)->set_value = set_value;
}

static void
lim_switch_row_init(LimSwitchRow *self)
{
}

GtkWidget *
lim_switch_row_new(const char *key, const char *label, const char *help, gboolean def)
{
    LimSwitchRow *self =
        g_object_new(LIM_TYPE_SWITCH_ROW, "key", key, "label", label, "help", help, NULL);

    self->toggle = gtk_switch_new();
    gtk_widget_set_valign(self->toggle, GTK_ALIGN_CENTER);
    g_signal_connect_swapped(self->toggle, "notify::active", G_CALLBACK(toggled), self);
    lim_form_row_set_control(LIM_FORM_ROW(self), NULL, self->toggle);
    lim_form_row_set_default(LIM_FORM_ROW(self), g_variant_new_boolean(def));
    return GTK_WIDGET(self);
}
