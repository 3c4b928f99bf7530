/* LimTextRow: a GtkEntry, and for files a button that lets one choose. */
#include "widgets/lim-text-row.h"

#include "widgets/file-dialog.h"

struct _LimTextRow {
    LimFormRow parent_instance;
    GtkWidget *box, *entry;
    char *title, *suffix; /* of the files to choose from, or NULL */
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
chosen(gpointer owner, const char *path)
{
    LimTextRow *self = owner;

    gtk_editable_set_text(GTK_EDITABLE(self->entry), path);
    finish(self);
}

void
lim_text_row_browse(LimTextRow *self)
{
    g_autofree char *name = g_strdup_printf("*.%s", self->suffix);
    const LimFileKind kind = {name, self->suffix, TRUE};

    lim_file_dialog_open(GTK_WIDGET(self), self->title, &kind, chosen);
}

static void
finalize(GObject *object)
{
    g_free(LIM_TEXT_ROW(object)->entered);
    g_free(LIM_TEXT_ROW(object)->title);
    g_free(LIM_TEXT_ROW(object)->suffix);
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
    self->box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);
    self->entry = gtk_entry_new();
    gtk_widget_set_hexpand(self->entry, TRUE);
    gtk_box_append(GTK_BOX(self->box), self->entry);
    g_signal_connect_swapped(self->entry, "changed", G_CALLBACK(text_changed), self);
    g_signal_connect_swapped(self->entry, "activate", G_CALLBACK(finish), self);
    lim_form_row_set_control(LIM_FORM_ROW(self), self->box, self->entry);
    lim_form_row_set_default(LIM_FORM_ROW(self), g_variant_new_string(def ? def : ""));
    return GTK_WIDGET(self);
}

void
lim_text_row_set_placeholder(LimTextRow *self, const char *text)
{
    gtk_entry_set_placeholder_text(GTK_ENTRY(self->entry), text);
}

static void
wait_for_enter(LimTextRow *self)
{
    self->on_enter = TRUE;
    g_free(self->entered);
    self->entered = g_strdup(gtk_editable_get_text(GTK_EDITABLE(self->entry)));
}

void
lim_text_row_set_on_enter(LimTextRow *self, const char *tooltip)
{
    wait_for_enter(self);
    gtk_entry_set_icon_from_icon_name(GTK_ENTRY(self->entry), GTK_ENTRY_ICON_SECONDARY,
                                      "media-playback-start-symbolic");
    gtk_entry_set_icon_tooltip_text(GTK_ENTRY(self->entry), GTK_ENTRY_ICON_SECONDARY, tooltip);
    g_signal_connect_swapped(self->entry, "icon-press", G_CALLBACK(finish), self);
}

void
lim_text_row_set_file(LimTextRow *self, const char *title, const char *suffix)
{
    GtkWidget *button = gtk_button_new_from_icon_name("document-open-symbolic");

    wait_for_enter(self);
    self->title = g_strdup(title);
    self->suffix = g_strdup(suffix);
    lim_text_row_set_placeholder(self, "Path, then Enter");
    gtk_widget_set_tooltip_text(button, title);
    gtk_accessible_update_property(GTK_ACCESSIBLE(button), GTK_ACCESSIBLE_PROPERTY_LABEL, title,
                                   -1);
    g_signal_connect_swapped(button, "clicked", G_CALLBACK(lim_text_row_browse), self);
    gtk_box_append(GTK_BOX(self->box), button);
}

void
lim_text_row_set_width_chars(LimTextRow *self, int chars)
{
    gtk_editable_set_width_chars(GTK_EDITABLE(self->entry), chars);
    gtk_editable_set_max_width_chars(GTK_EDITABLE(self->entry), chars);
}
