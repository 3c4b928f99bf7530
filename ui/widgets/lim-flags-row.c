/* LimFlagsRow: GtkToggleButtons side by side. */
#include "widgets/lim-flags-row.h"

#define MAX_FLAGS 16

struct _LimFlagsRow {
    LimFormRow parent_instance;
    GtkWidget *buttons[MAX_FLAGS];
    int n;
};

G_DEFINE_FINAL_TYPE(LimFlagsRow, lim_flags_row, LIM_TYPE_FORM_ROW)

static GVariant *
get_value(LimFormRow *row)
{
    LimFlagsRow *self = LIM_FLAGS_ROW(row);
    int flags = 0;

    for (int k = 0; k < self->n; k++)
        flags |= gtk_toggle_button_get_active(GTK_TOGGLE_BUTTON(self->buttons[k])) << k;
    return g_variant_new_int32(flags);
}

static void
set_value(LimFormRow *row, GVariant *value)
{
    LimFlagsRow *self = LIM_FLAGS_ROW(row);
    int flags = g_variant_get_int32(value);

    for (int k = 0; k < self->n; k++)
        gtk_toggle_button_set_active(GTK_TOGGLE_BUTTON(self->buttons[k]), flags >> k & 1);
}

static void
toggled(LimFlagsRow *self)
{
    lim_form_row_control_changed(LIM_FORM_ROW(self), TRUE);
}

static void
lim_flags_row_class_init(LimFlagsRowClass *klass)
{
    LIM_FORM_ROW_CLASS(klass)->get_value = get_value;
    LIM_FORM_ROW_CLASS(klass)->set_value = set_value;
}

static void
lim_flags_row_init(LimFlagsRow *self)
{
}

GtkWidget *
lim_flags_row_new(const char *key, const char *label, const char *help, const char *const *texts,
                  int def)
{
    LimFlagsRow *self =
        g_object_new(LIM_TYPE_FLAGS_ROW, "key", key, "label", label, "help", help, NULL);
    GtkWidget *box = g_object_new(GTK_TYPE_BOX, "accessible-role", GTK_ACCESSIBLE_ROLE_GROUP, NULL);

    gtk_widget_add_css_class(box, "linked");
    for (; texts[self->n] && self->n < MAX_FLAGS; self->n++) {
        GtkWidget *button = gtk_toggle_button_new_with_label(texts[self->n]);
        self->buttons[self->n] = button;
        gtk_widget_set_hexpand(button, TRUE);
        gtk_box_append(GTK_BOX(box), button);
    }
    lim_form_row_set_control(LIM_FORM_ROW(self), box, box);
    for (int k = 0; k < self->n; k++) {
        g_autofree char *name = g_strdup_printf("%s: %s", label, texts[k]);
        lim_form_row_name_widget(LIM_FORM_ROW(self), self->buttons[k], name);
        g_signal_connect_swapped(self->buttons[k], "toggled", G_CALLBACK(toggled), self);
    }
    lim_form_row_set_default(LIM_FORM_ROW(self), g_variant_new_int32(def));
    return GTK_WIDGET(self);
}
