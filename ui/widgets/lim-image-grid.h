/* Small pictures in a grid, every pixel a sharp square.
 *
 * The grid takes the largest whole factor (in device pixels) at which all pictures fit, and the
 * number of columns that allows it; it prefers rows that are all full. With the focus on it, arrow
 * keys, Home and End move a cursor; Enter, Space or a double click show the picture under the
 * cursor alone, Escape shows all again.
 *
 * Two more things can be done to pictures, when they are switched on:
 *
 *   Probing asks about single places. A probe, a square of some picture pixels, follows the
 *   pointer and the arrow keys (Page Up and Page Down take it to another picture). Signals:
 *   "probe-moved"; "probe-pin" after a click or Enter, "probe-unpin" after Delete or Backspace.
 *
 *   Dragging a picture. Signals: "walk-begin" (int picture), "walk" (double dx, double dy: from
 *   where the drag began, in widths of the picture), "walk-end" (boolean: keep what was done;
 *   FALSE after Escape).
 *
 * Properties: "cursor" (int, -1 without pictures), "enlarged" (boolean), "stale" (boolean: the
 * settings have moved on, the pictures have not yet), "pointed" (int, read only: the picture under
 * the pointer, -1 for none). */
#pragma once

#include <gtk/gtk.h>

#include "widgets/grid-layout.h"

#define LIM_TYPE_IMAGE_GRID (lim_image_grid_get_type())
G_DECLARE_FINAL_TYPE(LimImageGrid, lim_image_grid, LIM, IMAGE_GRID, GtkWidget)

GtkWidget *lim_image_grid_new(void);
/* pixels: n pictures of [height][width][channels] bytes, channels 1 (grey) or 3 (RGB); a reference
 * is kept. labels: NULL, or n texts that name the pictures. n 0 empties the grid. */
void lim_image_grid_set_pictures(LimImageGrid *self, GBytes *pixels, int n, int width, int height,
                                 int channels, const char *const *labels);
/* What the pictures are, for assistive technology; "Pictures" at first. */
void lim_image_grid_set_name(LimImageGrid *self, const char *name);
/* Places the pictures as if there were so many of them, so that they stay where they are while
 * their number changes; 0 (at first): as many as there are. */
void lim_image_grid_set_room(LimImageGrid *self, int n);
/* In pixels; -1: as it was (240 at first). */
void lim_image_grid_set_min_size(LimImageGrid *self, int width, int height);
/* Whether the labels are also written under the pictures; a line break in all of them makes two
 * lines. */
void lim_image_grid_set_captions(LimImageGrid *self, gboolean captions);
GBytes *lim_image_grid_get_pixels(LimImageGrid *self); /* what is shown; borrowed, may be NULL */
int lim_image_grid_get_n(LimImageGrid *self);
/* The label of a picture, borrowed; NULL when there is none. */
const char *lim_image_grid_get_label(LimImageGrid *self, int i);
/* Counts set_pictures() calls. */
guint lim_image_grid_get_serial(LimImageGrid *self);
int lim_image_grid_get_cursor(LimImageGrid *self);
void lim_image_grid_set_cursor(LimImageGrid *self, int cursor);
int lim_image_grid_get_pointed(LimImageGrid *self);
gboolean lim_image_grid_get_enlarged(LimImageGrid *self);
void lim_image_grid_set_enlarged(LimImageGrid *self, gboolean enlarged);
gboolean lim_image_grid_get_stale(LimImageGrid *self);
void lim_image_grid_set_stale(LimImageGrid *self, gboolean stale);
/* Where the pictures are now; there is at least one. Enlarged: of the one at the cursor. */
LimGridLayout lim_image_grid_get_layout(LimImageGrid *self);

/* Whether pictures can be dragged. */
void lim_image_grid_set_walking(LimImageGrid *self, gboolean walking);

typedef struct LimPlace {
    int picture; /* -1: none */
    int x, y;    /* picture pixels */
} LimPlace;

/* Probes are squares of cell x cell picture pixels on a grid of such squares; 0: no probing. */
void lim_image_grid_set_probing(LimImageGrid *self, int cell);
LimPlace lim_image_grid_get_probe(LimImageGrid *self);             /* x, y: the upper left pixel */
void lim_image_grid_set_probe(LimImageGrid *self, LimPlace probe); /* x, y: any pixel within */

/* Colours over a picture: rgb is [height][width][3] bytes, a reference is kept; opacity 0 .. 1.
 * picture -1: none. */
void lim_image_grid_set_overlay(LimImageGrid *self, int picture, GBytes *rgb, int width, int height,
                                double opacity);

/* Marks on pictures. x, y: their middle, in picture pixels; which: of lim-pin.h. */
typedef struct LimGridPin {
    int picture, which;
    double x, y;
    gboolean strong;
} LimGridPin;
void lim_image_grid_set_pins(LimImageGrid *self, const LimGridPin *pins, int n); /* copied */
