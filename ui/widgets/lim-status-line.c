/* LimStatusLine: text on the left, numbers on the right, and nothing that moves when they change:
 * the numbers have tabular figures and a fixed width, the clock keeps its place when hidden.
 * A job takes the place of the numbers, so that the line needs no more room for it. */
#include "widgets/lim-status-line.h"

#define FLASH_MS    4000
#define WIDTH       44 /* characters of the numbers */
#define WIDTH_SHORT 28 /* of two of them */

struct _LimStatusLine {
    GtkWidget parent_instance;
    GtkWidget *box;
    GtkWidget *text;
    GtkWidget *bar, *cancel; /* of a job */
    GtkWidget *clock;
    GtkWidget *timing;
    char *lasting, *job;
    guint flash_source;
};

G_DEFINE_FINAL_TYPE(LimStatusLine, lim_status_line, GTK_TYPE_WIDGET)

static void
show(LimStatusLine *self)
{
    const char *text = self->job ? self->job : self->lasting;

    gtk_widget_set_tooltip_text(self->text, text); /* it may be longer than the line */
    if (!self->flash_source)
        gtk_label_set_text(GTK_LABEL(self->text), text ? text : "");
}

void
lim_status_line_set_text(LimStatusLine *self, const char *text)
{
    g_free(self->lasting);
    self->lasting = g_strdup(text);
    show(self);
}

void
lim_status_line_set_job(LimStatusLine *self, const char *text, double fraction, const char *action)
{
    g_free(self->job);
    self->job = g_strdup(text);
    gtk_actionable_set_action_name(GTK_ACTIONABLE(self->cancel), action);
    gtk_progress_bar_set_fraction(GTK_PROGRESS_BAR(self->bar), CLAMP(fraction, 0, 1));
    gtk_widget_set_visible(self->bar, text != NULL);
    gtk_widget_set_visible(self->cancel, text != NULL);
    gtk_widget_set_visible(self->timing, text == NULL);
    show(self);
}

static gboolean
flash_over(gpointer data)
{
    LimStatusLine *self = data;

    self->flash_source = 0;
    show(self);
    return G_SOURCE_REMOVE;
}

void
lim_status_line_flash(LimStatusLine *self, const char *text)
{
    g_clear_handle_id(&self->flash_source, g_source_remove);
    gtk_label_set_text(GTK_LABEL(self->text), text);
    self->flash_source = g_timeout_add(FLASH_MS, flash_over, self);
}

const char *
lim_status_line_get_shown(LimStatusLine *self)
{
    return gtk_label_get_text(GTK_LABEL(self->text));
}

void
lim_status_line_set_timing(LimStatusLine *self, double queued, double ran, double shown)
{
    g_autofree char *last = shown > 0 ? g_strdup_printf("   shown %.1f ms", shown) : g_strdup("");
    g_autofree char *text = g_strdup_printf("queued %.1f ms   ran %.1f ms%s", queued, ran, last);

    gtk_label_set_width_chars(GTK_LABEL(self->timing), shown > 0 ? WIDTH : WIDTH_SHORT);
    gtk_label_set_text(GTK_LABEL(self->timing), text);
}

void
lim_status_line_set_stale(LimStatusLine *self, gboolean stale)
{
    gtk_widget_set_opacity(self->clock, stale ? 1 : 0);
    gtk_accessible_update_state(GTK_ACCESSIBLE(self->clock), GTK_ACCESSIBLE_STATE_HIDDEN, !stale,
                                -1);
}

static void
dispose(GObject *object)
{
    LimStatusLine *self = LIM_STATUS_LINE(object);

    g_clear_handle_id(&self->flash_source, g_source_remove);
    g_clear_pointer(&self->box, gtk_widget_unparent);
    G_OBJECT_CLASS(lim_status_line_parent_class)->dispose(object);
}

static void
finalize(GObject *object)
{
    g_free(LIM_STATUS_LINE(object)->lasting);
    g_free(LIM_STATUS_LINE(object)->job);
    G_OBJECT_CLASS(lim_status_line_parent_class)->finalize(object);
}

static void
lim_status_line_class_init(LimStatusLineClass *klass)
{
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = dispose;
    G_OBJECT_CLASS(klass)->finalize = finalize;
    gtk_widget_class_set_css_name(widget_class, "statusline");
    gtk_widget_class_set_layout_manager_type(widget_class, GTK_TYPE_BIN_LAYOUT);
    gtk_widget_class_set_accessible_role(widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
lim_status_line_init(LimStatusLine *self)
{
    self->text =
        g_object_new(GTK_TYPE_LABEL, "accessible-role", GTK_ACCESSIBLE_ROLE_STATUS, "xalign", 0.0,
                     "ellipsize", PANGO_ELLIPSIZE_END, "hexpand", TRUE, NULL);

    self->bar = gtk_progress_bar_new();
    gtk_widget_set_valign(self->bar, GTK_ALIGN_CENTER);
    gtk_accessible_update_property(GTK_ACCESSIBLE(self->bar), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   "Progress", -1);
    self->cancel = gtk_button_new_with_label("Cancel");
    gtk_widget_set_tooltip_text(self->cancel, "Stops it; nothing is saved");

    self->clock = gtk_image_new_from_icon_name("content-loading-symbolic");
    gtk_widget_set_tooltip_text(self->clock, "The pictures are behind the settings: computing");
    gtk_accessible_update_property(GTK_ACCESSIBLE(self->clock), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   "Computing", -1);

    self->timing = gtk_label_new(NULL);
    gtk_label_set_xalign(GTK_LABEL(self->timing), 1);
    gtk_label_set_width_chars(GTK_LABEL(self->timing), WIDTH);
    gtk_widget_add_css_class(self->timing, "numeric");
    gtk_widget_set_tooltip_text(self->timing,
                                "The last request: how long it waited for the worker, how long it "
                                "was computed, and how long until it was on the screen");

    self->box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 12);
    gtk_box_append(GTK_BOX(self->box), self->text);
    gtk_box_append(GTK_BOX(self->box), self->clock);
    gtk_box_append(GTK_BOX(self->box), self->bar);
    gtk_box_append(GTK_BOX(self->box), self->cancel);
    gtk_box_append(GTK_BOX(self->box), self->timing);
    gtk_widget_set_parent(self->box, GTK_WIDGET(self));
    lim_status_line_set_job(self, NULL, 0, NULL);
    lim_status_line_set_stale(self, FALSE);
}

GtkWidget *
lim_status_line_new(void)
{
    return g_object_new(LIM_TYPE_STATUS_LINE, NULL);
}
