/* LimMessage: the empty and the error state of a view. */
#include "widgets/lim-message.h"

struct _LimMessage {
    GtkWidget parent_instance;
    GtkWidget *box;
    GtkWidget *icon;
    GtkWidget *title;
    GtkWidget *text;
    GtkWidget *button;
};

G_DEFINE_FINAL_TYPE(LimMessage, lim_message, GTK_TYPE_WIDGET)

void
lim_message_set(LimMessage *self, const char *icon_name, const char *title, const char *text,
                const char *button, const char *action_name)
{
    gtk_image_set_from_icon_name(GTK_IMAGE(self->icon), icon_name);
    gtk_label_set_text(GTK_LABEL(self->title), title);
    g_autofree char *first = g_utf8_strup(text, g_utf8_next_char(text) - text);
    g_autofree char *sentence = g_strconcat(first, *text ? g_utf8_next_char(text) : "",
                                            *text && !g_str_has_suffix(text, ".") ? "." : "", NULL);

    gtk_label_set_text(GTK_LABEL(self->text), sentence);
    gtk_widget_set_visible(self->button, button != NULL);
    gtk_button_set_label(GTK_BUTTON(self->button), button ? button : "");
    gtk_actionable_set_action_name(GTK_ACTIONABLE(self->button), action_name);
}

const char *
lim_message_get_text(LimMessage *self)
{
    return gtk_label_get_text(GTK_LABEL(self->text));
}

static void
dispose(GObject *object)
{
    g_clear_pointer(&LIM_MESSAGE(object)->box, gtk_widget_unparent);
    G_OBJECT_CLASS(lim_message_parent_class)->dispose(object);
}

static void
lim_message_class_init(LimMessageClass *klass)
{
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = dispose;
    gtk_widget_class_set_css_name(widget_class, "message");
    gtk_widget_class_set_layout_manager_type(widget_class, GTK_TYPE_BIN_LAYOUT);
    gtk_widget_class_set_accessible_role(widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
lim_message_init(LimMessage *self)
{
    self->icon = gtk_image_new();
    gtk_image_set_pixel_size(GTK_IMAGE(self->icon), 64);
    gtk_widget_add_css_class(self->icon, "dim-label");

    self->title = gtk_label_new(NULL);
    gtk_widget_add_css_class(self->title, "title-2");
    gtk_label_set_wrap(GTK_LABEL(self->title), TRUE);

    self->text = g_object_new(GTK_TYPE_LABEL, "accessible-role", GTK_ACCESSIBLE_ROLE_STATUS, "wrap",
                              TRUE, "wrap-mode", PANGO_WRAP_WORD_CHAR, "max-width-chars", 60,
                              "justify", GTK_JUSTIFY_CENTER, "selectable", FALSE, NULL);

    self->button = gtk_button_new_with_label("");
    gtk_widget_set_halign(self->button, GTK_ALIGN_CENTER);
    gtk_widget_add_css_class(self->button, "pill");

    self->box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 12);
    gtk_widget_set_halign(self->box, GTK_ALIGN_CENTER);
    gtk_widget_set_valign(self->box, GTK_ALIGN_CENTER);
    gtk_box_append(GTK_BOX(self->box), self->icon);
    gtk_box_append(GTK_BOX(self->box), self->title);
    gtk_box_append(GTK_BOX(self->box), self->text);
    gtk_box_append(GTK_BOX(self->box), self->button);
    gtk_widget_set_parent(self->box, GTK_WIDGET(self));
}

GtkWidget *
lim_message_new(void)
{
    return g_object_new(LIM_TYPE_MESSAGE, NULL);
}
