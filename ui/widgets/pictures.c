/* Pictures reach the screen as Cairo surfaces, painted with the nearest-pixel filter. */
#include "widgets/pictures.h"

void
lim_pictures_put(cairo_surface_t *surface, int x, int y, const guint8 *pixels, int width,
                 int height, int channels)
{
    cairo_surface_flush(surface);
    unsigned char *data = cairo_image_surface_get_data(surface);
    gsize stride = (gsize)cairo_image_surface_get_stride(surface);

    for (int i = 0; i < height; i++) {
        guint32 *row = (guint32 *)(void *)(data + (gsize)(y + i) * stride) + x;
        for (int k = 0; k < width; k++, pixels += channels)
            row[k] = (guint32)pixels[0] << 16 | (guint32)pixels[channels / 2] << 8 |
                     (guint32)pixels[channels - 1];
    }
    cairo_surface_mark_dirty(surface);
}

void
lim_pictures_show_stale(GtkWidget *widget, gboolean stale)
{
    gtk_accessible_update_state(GTK_ACCESSIBLE(widget), GTK_ACCESSIBLE_STATE_BUSY, stale, -1);
    if (stale)
        gtk_widget_add_css_class(widget, "stale");
    else
        gtk_widget_remove_css_class(widget, "stale");
}

void
lim_pictures_frame(GtkSnapshot *snapshot, const graphene_rect_t *area, float room,
                   const GdkRGBA *color)
{
    GskRoundedRect outline;
    graphene_rect_t outer = *area;

    graphene_rect_inset(&outer, -room, -room);
    gsk_rounded_rect_init_from_rect(&outline, &outer, 0);
    gtk_snapshot_append_border(snapshot, &outline, (float[4]){2, 2, 2, 2},
                               (GdkRGBA[4]){*color, *color, *color, *color});
}
