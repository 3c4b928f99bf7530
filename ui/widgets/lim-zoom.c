/* LimZoom: a model without a widget, so that panes need not know each other. */
#include "widgets/lim-zoom.h"

struct _LimZoom {
    GObject parent_instance;
    int factor;
    double x, y; /* of the middle */
    int pixel_x, pixel_y;
};

static guint changed_signal;

G_DEFINE_FINAL_TYPE(LimZoom, lim_zoom, G_TYPE_OBJECT)

int
lim_zoom_get_factor(LimZoom *self)
{
    return self->factor;
}

void
lim_zoom_get_centre(LimZoom *self, double *x, double *y)
{
    *x = self->x;
    *y = self->y;
}

static void
move_to(LimZoom *self, int factor, double x, double y)
{
    double edge = 0.5 / factor;

    x = CLAMP(x, edge, 1 - edge);
    y = CLAMP(y, edge, 1 - edge);
    if (factor == self->factor && x == self->x && y == self->y)
        return;
    self->factor = factor;
    self->x = x;
    self->y = y;
    g_signal_emit(self, changed_signal, 0);
}

void
lim_zoom_set_factor(LimZoom *self, int factor, double x, double y)
{
    factor = CLAMP(factor, 1, LIM_ZOOM_MAX);
    double shrink = (double)self->factor / factor;
    move_to(self, factor, x + (self->x - x) * shrink, y + (self->y - y) * shrink);
}

void
lim_zoom_pan(LimZoom *self, double dx, double dy)
{
    move_to(self, self->factor, self->x + dx, self->y + dy);
}

void
lim_zoom_set_pixel(LimZoom *self, int x, int y)
{
    if (x < 0)
        x = y = -1;
    if (x == self->pixel_x && y == self->pixel_y)
        return;
    self->pixel_x = x;
    self->pixel_y = y;
    g_signal_emit(self, changed_signal, 0);
}

gboolean
lim_zoom_get_pixel(LimZoom *self, int *x, int *y)
{
    *x = self->pixel_x;
    *y = self->pixel_y;
    return self->pixel_x >= 0;
}

static void
lim_zoom_class_init(LimZoomClass *klass)
{
    changed_signal = g_signal_new("changed", LIM_TYPE_ZOOM, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                  G_TYPE_NONE, 0);
}

static void
lim_zoom_init(LimZoom *self)
{
    self->factor = 1;
    self->x = self->y = 0.5;
    self->pixel_x = self->pixel_y = -1;
}

LimZoom *
lim_zoom_new(void)
{
    return g_object_new(LIM_TYPE_ZOOM, NULL);
}
