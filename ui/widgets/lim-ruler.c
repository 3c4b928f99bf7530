/* LimRuler: a GtkScale below a strip that is as long as its trough. */
#include "widgets/lim-ruler.h"

#include "widgets/class-colors.h"

#define STRIP_H 28
#define MARK_H  18
#define TROUGH  12 /* of the slider, from its ends: the theme's padding */

struct _LimRuler {
    GtkWidget parent_instance;
    GtkWidget *box, *strip, *scale;
    char *name;
    int *label;
    float *confidence;
    int n;
    GPtrArray *names; /* of the pieces */
    double *flips;
    int n_flips;
};

static guint moved_signal;

G_DEFINE_FINAL_TYPE(LimRuler, lim_ruler, GTK_TYPE_WIDGET)

double
lim_ruler_get_place(LimRuler *self)
{
    return gtk_range_get_value(GTK_RANGE(self->scale));
}

void
lim_ruler_set_place(LimRuler *self, double place)
{
    gtk_range_set_value(GTK_RANGE(self->scale), place);
}

static void
describe(LimRuler *self)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (int i = 0; i <= self->n_flips && self->n; i++) {
        double from = i ? self->flips[i - 1] : 0, to = i < self->n_flips ? self->flips[i] : 1;
        g_string_append_printf(text, "%s%s from %.1f %% to %.1f %%", i ? ", " : "",
                               (const char *)g_ptr_array_index(self->names, i), 100 * from,
                               100 * to);
    }
    gtk_accessible_update_property(GTK_ACCESSIBLE(self->strip), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   "Classes along the line", GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                   self->n ? text->str : "Not known yet", -1);
}

/* The class in the middle of piece i. */
static int
piece_label(LimRuler *self, int i)
{
    double from = i ? self->flips[i - 1] : 0, to = i < self->n_flips ? self->flips[i] : 1;
    int at = (int)((from + to) / 2 * (self->n - 1) + 0.5);

    /* A piece shorter than the sampling: the place after its beginning. */
    if (at / (double)(self->n - 1) < from)
        at++;
    return self->label[CLAMP(at, 0, self->n - 1)];
}

void
lim_ruler_set(LimRuler *self, const int *label, const float *confidence, int n,
              const char *const *names, const double *flips, int n_flips)
{
    g_free(self->label);
    g_free(self->confidence);
    g_free(self->flips);
    self->label = g_memdup2(label, (gsize)n * sizeof *label);
    self->confidence = g_memdup2(confidence, (gsize)n * sizeof *confidence);
    self->flips = g_memdup2(flips, (gsize)n_flips * sizeof *flips);
    self->n = n;
    self->n_flips = n_flips;
    g_ptr_array_set_size(self->names, 0);
    for (int i = 0; i <= n_flips && n; i++)
        g_ptr_array_add(self->names, g_strdup(names[piece_label(self, i)]));
    gtk_scale_clear_marks(GTK_SCALE(self->scale));
    for (int i = 0; i < n_flips; i++)
        gtk_scale_add_mark(GTK_SCALE(self->scale), flips[i], GTK_POS_TOP, NULL);
    describe(self);
    gtk_widget_queue_draw(self->strip);
}

static void
draw(GtkDrawingArea *area, cairo_t *cr, int width, int height, gpointer data)
{
    LimRuler *self = data;
    GtkStyleContext *style = gtk_widget_get_style_context(GTK_WIDGET(area));
    GdkRGBA color;
    double rgb[3];

    gtk_style_context_get_color(style, &color);
    for (int x = 0; x < width && self->n; x++) {
        double place = width > 1 ? x / (width - 1.0) : 0;
        int piece = 0;
        while (piece < self->n_flips && self->flips[piece] <= place)
            piece++;
        int at = (int)(place * (self->n - 1) + 0.5);
        lim_class_color(piece_label(self, piece), (double)self->confidence[at], rgb);
        cairo_set_source_rgb(cr, rgb[0], rgb[1], rgb[2]);
        cairo_rectangle(cr, x, 0, 1, STRIP_H);
        cairo_fill(cr);
    }
    for (int i = 0; i <= self->n_flips && self->n; i++) {
        double from = i ? self->flips[i - 1] : 0, to = i < self->n_flips ? self->flips[i] : 1;
        g_autoptr(PangoLayout) text =
            gtk_widget_create_pango_layout(GTK_WIDGET(area), g_ptr_array_index(self->names, i));
        int w, h;
        pango_layout_get_pixel_size(text, &w, &h);
        if (w + 6 < (to - from) * width) {
            cairo_set_source_rgb(cr, 0, 0, 0);
            cairo_move_to(cr, (from + to) / 2 * width - w / 2.0, (STRIP_H - h) / 2.0);
            pango_cairo_show_layout(cr, text);
        }
        if (i == self->n_flips)
            break;
        double x = to * width;
        gdk_cairo_set_source_rgba(cr, &color);
        cairo_rectangle(cr, x - 1, 0, 2, STRIP_H + 4);
        cairo_fill(cr);
        g_autofree char *percent = g_strdup_printf("%.1f %%", 100 * to);
        g_autoptr(PangoLayout) number = gtk_widget_create_pango_layout(GTK_WIDGET(area), percent);
        pango_layout_get_pixel_size(number, &w, &h);
        if (i > 0 && (to - from) * width < w + 6)
            continue;
        cairo_move_to(cr, CLAMP(x - w / 2.0, 0, MAX(width - w, 0)), STRIP_H + 4);
        pango_cairo_show_layout(cr, number);
    }
}

static void
scaled(LimRuler *self)
{
    g_signal_emit(self, moved_signal, 0, lim_ruler_get_place(self));
}

static void
dispose(GObject *object)
{
    LimRuler *self = LIM_RULER(object);

    g_clear_pointer(&self->box, gtk_widget_unparent);
    G_OBJECT_CLASS(lim_ruler_parent_class)->dispose(object);
}

static void
finalize(GObject *object)
{
    LimRuler *self = LIM_RULER(object);

    g_free(self->name);
    g_free(self->label);
    g_free(self->confidence);
    g_free(self->flips);
    g_ptr_array_unref(self->names);
    G_OBJECT_CLASS(lim_ruler_parent_class)->finalize(object);
}

static void
lim_ruler_class_init(LimRulerClass *klass)
{
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = dispose;
    G_OBJECT_CLASS(klass)->finalize = finalize;
    moved_signal = g_signal_new("moved", LIM_TYPE_RULER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                G_TYPE_NONE, 1, G_TYPE_DOUBLE);
    gtk_widget_class_set_css_name(widget_class, "ruler");
    gtk_widget_class_set_layout_manager_type(widget_class, GTK_TYPE_BIN_LAYOUT);
    gtk_widget_class_set_accessible_role(widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
lim_ruler_init(LimRuler *self)
{
    self->names = g_ptr_array_new_with_free_func(g_free);
}

GtkWidget *
lim_ruler_new(const char *name, const char *low_end, const char *high_end)
{
    LimRuler *self = g_object_new(LIM_TYPE_RULER, NULL);
    GtkWidget *ends = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);
    GtkWidget *low = gtk_label_new(low_end), *title = gtk_label_new(name);
    GtkWidget *high = gtk_label_new(high_end);

    self->box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);
    self->strip =
        g_object_new(GTK_TYPE_DRAWING_AREA, "accessible-role", GTK_ACCESSIBLE_ROLE_IMG, NULL);
    gtk_drawing_area_set_content_height(GTK_DRAWING_AREA(self->strip), STRIP_H + MARK_H + 4);
    gtk_widget_set_margin_start(self->strip, TROUGH);
    gtk_widget_set_margin_end(self->strip, TROUGH);
    gtk_drawing_area_set_draw_func(GTK_DRAWING_AREA(self->strip), draw, self, NULL);
    self->scale = gtk_scale_new_with_range(GTK_ORIENTATION_HORIZONTAL, 0, 1, 0.01);
    gtk_scale_set_draw_value(GTK_SCALE(self->scale), FALSE);
    gtk_range_set_round_digits(GTK_RANGE(self->scale), -1);
    gtk_range_set_value(GTK_RANGE(self->scale), 1);
    gtk_accessible_update_property(GTK_ACCESSIBLE(self->scale), GTK_ACCESSIBLE_PROPERTY_LABEL, name,
                                   -1);
    g_signal_connect_object(self->scale, "value-changed", G_CALLBACK(scaled), self,
                            G_CONNECT_SWAPPED);
    gtk_widget_set_hexpand(title, TRUE);
    gtk_label_set_ellipsize(GTK_LABEL(title), PANGO_ELLIPSIZE_END);
    gtk_widget_set_hexpand(ends, FALSE);
    gtk_box_append(GTK_BOX(ends), low);
    gtk_box_append(GTK_BOX(ends), title);
    gtk_box_append(GTK_BOX(ends), high);
    gtk_box_append(GTK_BOX(self->box), self->strip);
    gtk_box_append(GTK_BOX(self->box), self->scale);
    gtk_box_append(GTK_BOX(self->box), ends);
    gtk_widget_set_parent(self->box, GTK_WIDGET(self));
    describe(self);
    return GTK_WIDGET(self);
}
