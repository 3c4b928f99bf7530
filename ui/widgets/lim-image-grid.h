/* Small pictures in a grid, every pixel a sharp square.
 *
 * The grid takes the largest whole factor (in device pixels) at which all pictures fit, and the
 * number of columns that allows it; it prefers rows that are all full. With the focus on it, arrow
 * keys, Home and End move a cursor; Enter, Space or a double click show the picture under the
 * cursor alone, Escape shows all again.
 *
 * Properties: "cursor" (int, -1 without pictures), "enlarged" (boolean), "stale" (boolean: the
 * settings have moved on, the pictures have not yet), "pointed" (int, read only: the picture under
 * the pointer, -1 for none). */
#pragma once

#include <gtk/gtk.h>

#define LIM_TYPE_IMAGE_GRID (lim_image_grid_get_type())
G_DECLARE_FINAL_TYPE(LimImageGrid, lim_image_grid, LIM, IMAGE_GRID, GtkWidget)

GtkWidget *lim_image_grid_new(void);
/* pixels: n pictures of [height][width][channels] bytes, channels 1 (grey) or 3 (RGB); a reference
 * is kept. labels: NULL, or n texts that name the pictures. n 0 empties the grid. */
void lim_image_grid_set_pictures(LimImageGrid *self, GBytes *pixels, int n, int width, int height,
                                 int channels, const char *const *labels);
/* Whether the labels are also written under the pictures. */
void lim_image_grid_set_captions(LimImageGrid *self, gboolean captions);
GBytes *lim_image_grid_get_pixels(LimImageGrid *self); /* what is shown; borrowed, may be NULL */
int lim_image_grid_get_n(LimImageGrid *self);
/* The label of a picture, borrowed; NULL when there is none. */
const char *lim_image_grid_get_label(LimImageGrid *self, int i);
/* Counts set_pictures() calls. */
guint lim_image_grid_get_serial(LimImageGrid *self);
int lim_image_grid_get_cursor(LimImageGrid *self);
void lim_image_grid_set_cursor(LimImageGrid *self, int cursor);
gboolean lim_image_grid_get_enlarged(LimImageGrid *self);
void lim_image_grid_set_enlarged(LimImageGrid *self, gboolean enlarged);
gboolean lim_image_grid_get_stale(LimImageGrid *self);
void lim_image_grid_set_stale(LimImageGrid *self, gboolean stale);

/* Where pictures go, in device pixels. The cell of picture i is at column i % columns, row
 * i / columns; cells are (cell_w + gap) and (cell_h + caption + gap) apart. */
typedef struct LimGridLayout {
    int columns, rows;
    int factor; /* picture pixels are factor x factor device pixels */
    int x, y;   /* of the first picture */
    int cell_w, cell_h;
    int gap, caption;
} LimGridLayout;

/* n >= 1 pictures of width x height into an area of area_w x area_h device pixels; gap and caption
 * (0: none) in device pixels. The factor is at least 1, even when that does not fit. The
 * columns give the largest factor, or a grid without empty cells at no less than 4/5 of it. */
LimGridLayout lim_grid_layout(int n, int width, int height, int area_w, int area_h, int gap,
                              int caption);
