/* Radio buttons in the colours of the classes. */
#include "panes/scenes/paint-page.h"

#include "data/scene-sheet.h"

#include <string.h>

#define BRUSH_MAX 16

struct _LimPaintPage {
    GtkWidget parent_instance;
    GtkWidget *box, *classes, *size, *start, *forget, *said;
    GPtrArray *buttons; /* borrowed */
    int label;
};

enum { TOOL_CHANGED, START_WANTED, FORGET_WANTED, N_SIGNALS };
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE(LimPaintPage, lim_paint_page, GTK_TYPE_WIDGET)

int
lim_paint_page_get_class(LimPaintPage *self)
{
    return self->label;
}

void
lim_paint_page_set_class(LimPaintPage *self, int label)
{
    if (label < (int)self->buttons->len)
        gtk_check_button_set_active(g_ptr_array_index(self->buttons, label), TRUE);
}

void
lim_paint_page_dab(LimPaintPage *self, int32_t *mask, int size, int x, int y)
{
    const double across = gtk_spin_button_get_value(GTK_SPIN_BUTTON(self->size)), r = across / 2;
    const double shift = (int)across % 2 ? 0 : 0.5; /* an even brush has its middle on a corner */
    const int reach = BRUSH_MAX;

    for (int j = MAX(y - reach, 0); j <= MIN(y + reach, size - 1); j++)
        for (int i = MAX(x - reach, 0); i <= MIN(x + reach, size - 1); i++) {
            const double dx = i - x + shift, dy = j - y + shift;
            if (dx * dx + dy * dy < r * r)
                mask[j * size + i] = self->label;
        }
}

static void
toggled(GtkCheckButton *button, LimPaintPage *self)
{
    guint at;

    if (!gtk_check_button_get_active(button) || !g_ptr_array_find(self->buttons, button, &at))
        return;
    self->label = (int)at;
    g_signal_emit(self, signals[TOOL_CHANGED], 0);
}

static void
fill_classes(LimPaintPage *self, const LimScenesStage *stage)
{
    GtkWidget *child;

    while ((child = gtk_widget_get_first_child(self->classes)))
        gtk_grid_remove(GTK_GRID(self->classes), child);
    g_ptr_array_set_size(self->buttons, 0);
    for (int k = 0; k < stage->classes; k++) {
        guint8 rgb[3];
        lim_scene_colour(k, rgb);
        GtkWidget *button = gtk_check_button_new_with_label(stage->names[k]);
        g_autofree char *markup =
            g_markup_printf_escaped("<span color='#%02x%02x%02x'>%s</span> %s", rgb[0], rgb[1],
                                    rgb[2], k ? "■" : "□", stage->names[k]);
        GtkWidget *label = gtk_widget_get_last_child(button);
        if (GTK_IS_LABEL(label))
            gtk_label_set_markup(GTK_LABEL(label), markup);
        g_autofree char *tooltip = g_strdup_printf("Paint %s", stage->names[k]);
        gtk_widget_set_tooltip_text(button, tooltip);
        if (k)
            gtk_check_button_set_group(GTK_CHECK_BUTTON(button),
                                       g_ptr_array_index(self->buttons, 0));
        g_signal_connect_object(button, "toggled", G_CALLBACK(toggled), self, 0);
        gtk_grid_attach(GTK_GRID(self->classes), button, k % 4, k / 4, 1, 1);
        g_ptr_array_add(self->buttons, button);
    }
    lim_paint_page_set_class(self, MIN(1, stage->classes - 1));
}

void
lim_paint_page_set(LimPaintPage *self, const LimScenesStage *stage, gboolean usable,
                   gboolean painted)
{
    if ((int)self->buttons->len != stage->classes)
        fill_classes(self, stage);
    gtk_widget_set_sensitive(self->classes, usable);
    gtk_widget_set_sensitive(self->size, usable);
    gtk_widget_set_sensitive(self->start, usable);
    gtk_widget_set_sensitive(self->forget, usable && painted);
    gtk_label_set_text(GTK_LABEL(self->said),
                       !usable
                           ? "A detector sees boxes: choose a segmenter to paint what it should "
                             "see."
                       : painted ? "The network is made to see the painting."
                                 : "Nothing is painted: the setting Target of pixels is in force.");
}

/* ---- construction ---- */

static void
start(LimPaintPage *self)
{
    g_signal_emit(self, signals[START_WANTED], 0);
}

static void
forget(LimPaintPage *self)
{
    g_signal_emit(self, signals[FORGET_WANTED], 0);
}

static GtkWidget *
button_new(LimPaintPage *self, const char *label, const char *tooltip,
           void (*clicked)(LimPaintPage *))
{
    GtkWidget *button = gtk_button_new_with_label(label);

    gtk_widget_set_tooltip_text(button, tooltip);
    g_signal_connect_object(button, "clicked", G_CALLBACK(clicked), self, G_CONNECT_SWAPPED);
    return button;
}

static void
dispose(GObject *object)
{
    LimPaintPage *self = LIM_PAINT_PAGE(object);

    g_clear_pointer(&self->box, gtk_widget_unparent);
    g_clear_pointer(&self->buttons, g_ptr_array_unref);
    G_OBJECT_CLASS(lim_paint_page_parent_class)->dispose(object);
}

static void
lim_paint_page_class_init(LimPaintPageClass *klass)
{
    static const char *const names[] = {"tool-changed", "start-wanted", "forget-wanted"};

    G_OBJECT_CLASS(klass)->dispose = dispose;
    for (int i = 0; i < N_SIGNALS; i++)
        signals[i] = g_signal_new(names[i], LIM_TYPE_PAINT_PAGE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                  NULL, G_TYPE_NONE, 0);
    gtk_widget_class_set_layout_manager_type(GTK_WIDGET_CLASS(klass), GTK_TYPE_BIN_LAYOUT);
    gtk_widget_class_set_accessible_role(GTK_WIDGET_CLASS(klass), GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
lim_paint_page_init(LimPaintPage *self)
{
    GtkWidget *row = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 12);
    GtkWidget *name = gtk_label_new("Brush");

    self->buttons = g_ptr_array_new();
    self->box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);
    self->said =
        g_object_new(GTK_TYPE_LABEL, "xalign", 0.0, "ellipsize", PANGO_ELLIPSIZE_END, NULL);
    self->classes = gtk_grid_new();
    gtk_grid_set_column_homogeneous(GTK_GRID(self->classes), TRUE);
    gtk_grid_set_column_spacing(GTK_GRID(self->classes), 12);
    self->size = gtk_spin_button_new_with_range(1, BRUSH_MAX, 1);
    gtk_spin_button_set_value(GTK_SPIN_BUTTON(self->size), 5);
    gtk_widget_set_tooltip_text(self->size, "How broad the brush is, in pixels of the scene");
    gtk_accessible_update_property(GTK_ACCESSIBLE(self->size), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   "Brush", -1);
    self->start =
        button_new(self, "From what it sees",
                   "Begins a painting with what the network sees in the clean picture", start);
    self->forget = button_new(self, "Forget the painting",
                              "The setting Target of pixels is in force again (Ctrl+Z brings the "
                              "painting back)",
                              forget);
    gtk_box_append(GTK_BOX(row), name);
    gtk_box_append(GTK_BOX(row), self->size);
    gtk_box_append(GTK_BOX(row), self->start);
    gtk_box_append(GTK_BOX(row), self->forget);
    gtk_box_append(GTK_BOX(self->box), self->classes);
    gtk_box_append(GTK_BOX(self->box), row);
    gtk_box_append(GTK_BOX(self->box), self->said);
    gtk_widget_set_parent(self->box, GTK_WIDGET(self));
    gtk_accessible_update_property(GTK_ACCESSIBLE(self), GTK_ACCESSIBLE_PROPERTY_LABEL, "Paint",
                                   -1);
}

GtkWidget *
lim_paint_page_new(void)
{
    return g_object_new(LIM_TYPE_PAINT_PAGE, NULL);
}
