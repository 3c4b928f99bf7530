/* What the widgets that show small pictures have in common. */
#pragma once

#include <gtk/gtk.h>

/* Writes a picture of [height][width][channels] bytes, channels 1 (grey) or 3 (RGB), to the place
 * x, y of an image surface of CAIRO_FORMAT_RGB24 that is large enough. */
void lim_pictures_put(cairo_surface_t *surface, int x, int y, const guint8 *pixels, int width,
                      int height, int channels);
/* Whether a widget's pictures are behind the settings: for the eye (style class "stale") and for
 * assistive technology (busy). */
void lim_pictures_show_stale(GtkWidget *widget, gboolean stale);
/* A frame of 2 px whose outer edge lies `room` px outside of the area. */
void lim_pictures_frame(GtkSnapshot *snapshot, const graphene_rect_t *area, float room,
                        const GdkRGBA *color);
