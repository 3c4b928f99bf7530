/* One picture, every pixel a sharp square, that can be enlarged and moved together with others. (A
 * picture of 96 pixels and more may also be enlarged by a half, smoothly, to fill its place
 * better.)
 *
 * Views that are given the same LimZoom show the same part of their pictures and mark the same
 * pixel. The wheel enlarges at the pointer, dragging moves, the pointer marks a pixel. With the
 * focus on it: + and - enlarge and shrink, 0 shows the whole picture, arrow keys move the marked
 * pixel and what is seen with it. Without a picture a text stands in its place.
 *
 * Over the picture there may be colours (a segmentation) and marks (boxes with a text).
 *
 * Signals: "picked" (int x, int y): a click on a pixel, or Enter at the marked one, when the view
 * is for picking. When it is a canvas, dragging does not move the picture but paints: "brushed"
 * (int x, int y) for every pixel on the way, "brush-end" when the button is released. */
#pragma once

#include <gtk/gtk.h>

#include "widgets/lim-zoom.h"

#define LIM_TYPE_PICTURE_VIEW (lim_picture_view_get_type())
G_DECLARE_FINAL_TYPE(LimPictureView, lim_picture_view, LIM, PICTURE_VIEW, GtkWidget)

/* name: what the picture is, for assistive technology; zoom: a reference is kept. */
GtkWidget *lim_picture_view_new(const char *name, LimZoom *zoom);
/* pixels [height][width][channels] bytes, channels 1 (grey) or 3 (RGB); copied. NULL: none. */
void lim_picture_view_set_picture(LimPictureView *self, const guint8 *pixels, int width, int height,
                                  int channels);
/* The smallest width and height, and those that the view would like to have (at first 96, 192); it
 * fills what it is given. */
void lim_picture_view_set_side(LimPictureView *self, int least, int wanted);
/* What stands in the place of a picture. */
void lim_picture_view_set_empty_text(LimPictureView *self, const char *text);
/* What can be said of the picture, for assistive technology: "Coat, 62 %". */
void lim_picture_view_set_description(LimPictureView *self, const char *text);
/* Counts set_picture() calls. */
guint lim_picture_view_get_serial(LimPictureView *self);
/* The bytes at a pixel, channels of them, borrowed; NULL outside. */
const guint8 *lim_picture_view_get_pixel(LimPictureView *self, int x, int y);
/* By how much a view enlarges a picture of `size` pixels to fill `room`, at least 1. */
double lim_picture_fit(int size, int room);
/* Where the whole picture lies in the widget, in logical pixels; parts of it may be outside. */
void lim_picture_view_get_area(LimPictureView *self, graphene_rect_t *area);

/* Colours over the picture: rgba [height][width][4] bytes of the picture's size, straight alpha;
 * copied. Painted that opaque, 0 .. 1, with a thin line of full colour where two of them meet.
 * NULL: none. A picture of another size takes them away. */
void lim_picture_view_set_overlay(LimPictureView *self, const guint8 *rgba, double opacity);
void lim_picture_view_set_opacity(LimPictureView *self, double opacity);

/* A box in picture pixels, with a text ("": none); strong: a broad line. Texts stand as
 * label-places.h says. */
typedef struct LimPictureMark {
    double x0, y0, x1, y1;
    guint8 rgb[3];
    gboolean strong;
    char text[48];
} LimPictureMark;
void lim_picture_view_set_marks(LimPictureView *self, const LimPictureMark *marks, int n);

typedef enum LimPictureUse { LIM_PICTURE_LOOK, LIM_PICTURE_PICK, LIM_PICTURE_CANVAS } LimPictureUse;
void lim_picture_view_set_use(LimPictureView *self, LimPictureUse use);
