/* A plane of pictures as a map of classes, with a path in it.
 *
 * Colours say which class the classifier sees, paler where it is less sure; the name of a class
 * stands in its largest part, where it covers no other text.
 *
 * One place can be pointed at: by a click or a drag, or with the arrow keys (with Shift in larger
 * steps), which at first move it from the first of the points.
 *
 * Signals:
 *   "place-moved" (double x, double y): another place is pointed at
 *   "place-activated" (double x, double y): a double click, or Enter */
#pragma once

#include <gtk/gtk.h>

#define LIM_TYPE_SLICE (lim_slice_get_type())
G_DECLARE_FINAL_TYPE(LimSlice, lim_slice, LIM, SLICE, GtkWidget)

typedef struct LimSlicePoint {
    double x, y;
    const char *name; /* written beside it; borrowed for good */
} LimSlicePoint;

GtkWidget *lim_slice_new(const char *name);
/* label, confidence [grid][grid], rows from the top; the square from x0, y0 (lower left) to x0 +
 * side, y0 + side; names [n_names] of the classes. Copied. */
void lim_slice_set_map(LimSlice *self, const int *label, const float *confidence, int grid,
                       double x0, double y0, double side, const char *const *names, int n_names);
void lim_slice_set_path(LimSlice *self, const double (*xy)[2], int n);         /* copied */
void lim_slice_set_points(LimSlice *self, const LimSlicePoint *points, int n); /* copied; <= 4 */
/* Points at a place, without a signal; a NaN: at none. */
void lim_slice_set_place(LimSlice *self, double x, double y);
void lim_slice_clear(LimSlice *self);
/* The class at a place, -1 outside or before there is a map. */
int lim_slice_get_label(LimSlice *self, double x, double y);
/* Where a place of the plane lies in the widget, in logical pixels. */
void lim_slice_locate(LimSlice *self, double x, double y, double *widget_x, double *widget_y);
/* The places where the texts of the last drawing stand, in logical pixels; returns how many, at
 * most n. For tests. */
int lim_slice_get_texts(LimSlice *self, graphene_rect_t *boxes, int n);
