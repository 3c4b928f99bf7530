/* LimTextRow: a GtkEntry. */
#include "widgets/lim-text-row.h"

struct _LimTextRow {
    LimFormRow parent_instance;
    GtkWidget *entry;
    int max_bytes;
    gboolean on_enter;
    char *entered;
};

G_DEFINE_FINAL_TYPE(LimTextRow, lim_text_row, LIM_TYPE_FORM_ROW)

static GVariant *
get_value(LimFormRow *row)
{
    LimTextRow *self = LIM_TEXT_ROW(row);
    const char *text =
        self->on_enter ? self->entered : gtk_editable_get_text(GTK_EDITABLE(self->entry));
    const char *end = text;

    /* Cut at a character, not inside one. */
    while (*end && g_utf8_next_char(end) - text <= self->max_bytes)
        end = g_utf8_next_char(end);
    return g_variant_new_take_string(g_strndup(text, (gsize)(end - text)));
}

static void
set_value(LimFormRow *row, GVariant *value)
{
    LimTextRow *self = LIM_TEXT_ROW(row);

    g_free(self->entered);
    self->entered = g_variant_dup_string(value, NULL);
    gtk_editable_set_text(GTK_EDITABLE(self->entry), self->entered);
}

static void
text_changed(LimTextRow *self)
{
    if (self->on_enter)
        return;
    lim_form_row_control_changed(LIM_FORM_ROW(self), FALSE);
}

static void
finish(LimTextRow *self)
{
    if (self->on_enter) {
        g_free(self->entered);
        self->entered = g_strdup(gtk_editable_get_text(GTK_EDITABLE(self->entry)));
        lim_form_row_control_changed(LIM_FORM_ROW(self), TRUE);
        return;
    }
    lim_form_row_flush(LIM_FORM_ROW(self));
}

static void
finalize(GObject *object)
{
    g_free(LIM_TEXT_ROW(object)->entered);
    G_OBJECT_CLASS(lim_text_row_parent_class)->finalize(object);
}

static void
lim_text_row_class_init(LimTextRowClass *klass)
{
    G_OBJECT_CLASS(klass)->finalize = finalize;
    LIM_FORM_ROW_CLASS(klass)->get_value = get_value;
    LIM_FORM_ROW_CLASS(klass)->set_value = set_value;
}

static void
lim_text_row_init(LimTextRow *self)
{
}

GtkWidget *
lim_text_row_new(const char *key, const char *label, const char *help, const char *def,
                 int max_bytes)
{
    LimTextRow *self =
        g_object_new(LIM_TYPE_TEXT_ROW, "key", key, "label", label, "help", help, NULL);

    self->max_bytes = max_bytes;
    self->entry = gtk_entry_new();
    g_signal_connect_swapped(self->entry, "changed", G_CALLBACK(text_changed), self);
    g_signal_connect_swapped(self->entry, "activate", G_CALLBACK(finish), self);
    lim_form_row_set_control(LIM_FORM_ROW(self), self->entry, self->entry);
    lim_form_row_set_default(LIM_FORM_ROW(self), g_variant_new_string(def ? def : ""));
    return GTK_WIDGET(self);
}

void
lim_text_row_set_placeholder(LimTextRow *self, const char *text)
{
    gtk_entry_set_placeholder_text(GTK_ENTRY(self->entry), text);
}

void
lim_text_row_set_on_enter(LimTextRow *self, const char *tooltip)
{
    self->on_enter = TRUE;
    g_free(self->entered);
    self->entered = g_strdup(gtk_editable_get_text(GTK_EDITABLE(self->entry)));
    gtk_entry_set_icon_from_icon_name(GTK_ENTRY(self->entry), GTK_ENTRY_ICON_SECONDARY,
                                      "media-playback-start-symbolic");
    gtk_entry_set_icon_tooltip_text(GTK_ENTRY(self->entry), GTK_ENTRY_ICON_SECONDARY, tooltip);
    g_signal_connect_swapped(self->entry, "icon-press", G_CALLBACK(finish), self);
}

void
lim_text_row_set_width_chars(LimTextRow *self, int chars)
{
    gtk_editable_set_width_chars(GTK_EDITABLE(self->entry), chars);
    gtk_editable_set_max_width_chars(GTK_EDITABLE(self->entry), chars);
}
