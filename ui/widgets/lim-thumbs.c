/* Like LimImageGrid it paints with the nearest-pixel filter at a whole factor. */
#include "widgets/lim-thumbs.h"

#include "widgets/pictures.h"

#define GAP 3

struct _LimThumbs {
    GtkWidget parent_instance;
    cairo_surface_t *surface; /* the pictures, one below the other */
    int n, width, height;
};

G_DEFINE_FINAL_TYPE(LimThumbs, lim_thumbs, GTK_TYPE_WIDGET)

void
lim_thumbs_set(LimThumbs *self, const guint8 *pixels, int n, int width, int height, int channels)
{
    g_clear_pointer(&self->surface, cairo_surface_destroy);
    self->n = n;
    self->width = width;
    self->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, MAX(n * height, 1));
    lim_pictures_put(self->surface, 0, 0, pixels, width, n * height, channels);
    self->height = height;
    gtk_widget_queue_resize(GTK_WIDGET(self));
}

void
lim_thumbs_set_height(LimThumbs *self, int height)
{
    self->height = height;
    gtk_widget_queue_resize(GTK_WIDGET(self));
}

static void
snapshot(GtkWidget *widget, GtkSnapshot *snapshot)
{
    LimThumbs *self = LIM_THUMBS(widget);
    float w = (float)gtk_widget_get_width(widget), h = (float)gtk_widget_get_height(widget);
    int n = self->surface ? MIN(self->n, ((int)w + GAP) / (self->width + GAP)) : 0;

    if (n < 1)
        return;
    /* At the end of the row that is nearer to its label. */
    double x0 = gtk_widget_get_halign(widget) == GTK_ALIGN_END
                    ? (double)w - n * (self->width + GAP) + GAP
                    : 0;
    cairo_t *cr = gtk_snapshot_append_cairo(snapshot, &GRAPHENE_RECT_INIT(0, 0, w, h));
    for (int i = 0; i < n; i++) {
        double x = x0 + i * (self->width + GAP);
        cairo_rectangle(cr, x, 0, self->width, self->height);
        cairo_set_source_surface(cr, self->surface, x, -i * self->height);
        cairo_pattern_set_filter(cairo_get_source(cr), CAIRO_FILTER_NEAREST);
        cairo_fill(cr);
    }
    cairo_destroy(cr);
}

static void
measure(GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
        int *minimum_baseline, int *natural_baseline)
{
    LimThumbs *self = LIM_THUMBS(widget);

    if (orientation == GTK_ORIENTATION_VERTICAL) {
        *minimum = *natural = self->height;
    } else {
        *minimum = 0;
        *natural = MAX(self->n * (self->width + GAP) - GAP, 0);
    }
}

static void
finalize(GObject *object)
{
    g_clear_pointer(&LIM_THUMBS(object)->surface, cairo_surface_destroy);
    G_OBJECT_CLASS(lim_thumbs_parent_class)->finalize(object);
}

static void
lim_thumbs_class_init(LimThumbsClass *klass)
{
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->finalize = finalize;
    widget_class->snapshot = snapshot;
    widget_class->measure = measure;
    gtk_widget_class_set_css_name(widget_class, "thumbs");
    gtk_widget_class_set_accessible_role(widget_class, GTK_ACCESSIBLE_ROLE_PRESENTATION);
}

static void
lim_thumbs_init(LimThumbs *self)
{
}

GtkWidget *
lim_thumbs_new(void)
{
    return g_object_new(LIM_TYPE_THUMBS, NULL);
}
