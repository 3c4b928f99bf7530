/* Colours of classes: Paul Tol's "muted" set, which colour-blind people can tell apart. There are
 * more classes than safe colours, so a name always stands beside a colour. */
#pragma once

#include <gtk/gtk.h>

#define LIM_CLASS_COLORS 10

/* The colour of class k (repeats after LIM_CLASS_COLORS); sure 0 .. 1: paler when less sure. */
void lim_class_color(int k, double sure, double rgb[3]);
