/* A row of small pictures, one device pixel per pixel (more on dense screens), to recognise and not
 * to look at: they give no answer to pointer or keys. As many are shown as there is room for. */
#pragma once

#include <gtk/gtk.h>

#define LIM_TYPE_THUMBS (lim_thumbs_get_type())
G_DECLARE_FINAL_TYPE(LimThumbs, lim_thumbs, LIM, THUMBS, GtkWidget)

GtkWidget *lim_thumbs_new(void);
/* n pictures of [height][width][channels] bytes, channels 1 or 3; copied. */
void lim_thumbs_set(LimThumbs *self, const guint8 *pixels, int n, int width, int height,
                    int channels);
/* The place that pictures of this size need, before there are any. */
void lim_thumbs_set_height(LimThumbs *self, int height);
