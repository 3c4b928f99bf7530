/* What several panes with pictures of one size share: how much they are enlarged, which part is
 * seen, and which pixel is pointed at.
 *
 * Signal "changed" after any of these. */
#pragma once

#include <glib-object.h>

#define LIM_ZOOM_MAX 16

#define LIM_TYPE_ZOOM (lim_zoom_get_type())
G_DECLARE_FINAL_TYPE(LimZoom, lim_zoom, LIM, ZOOM, GObject)

LimZoom *lim_zoom_new(void);
/* 1: the whole picture is seen; otherwise that many times as large, up to LIM_ZOOM_MAX. */
int lim_zoom_get_factor(LimZoom *self);
/* The middle of what is seen, 0 .. 1 across and down the picture. */
void lim_zoom_get_centre(LimZoom *self, double *x, double *y);
/* Enlarges so that the place at x, y (0 .. 1 of the picture) stays where it is on the screen. */
void lim_zoom_set_factor(LimZoom *self, int factor, double x, double y);
/* Moves what is seen; stays within the picture. */
void lim_zoom_pan(LimZoom *self, double dx, double dy);
/* A pixel of the picture; x below 0: none. */
void lim_zoom_set_pixel(LimZoom *self, int x, int y);
gboolean lim_zoom_get_pixel(LimZoom *self, int *x, int *y); /* FALSE: none */
