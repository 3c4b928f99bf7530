/* Marks for places that are pinned: each has a shape, a colour and a letter of its own, so that no
 * one needs to see colours or fine shapes to tell them apart. */
#pragma once

#include <gtk/gtk.h>

#define LIM_PIN_MAX 5

/* "A" .. "E" */
const char *lim_pin_letter(int which);
/* Draws a mark of about size x size pixels around (x, y). strong: with a second rim. */
void lim_pin_draw(cairo_t *cr, int which, double x, double y, double size, gboolean strong);
