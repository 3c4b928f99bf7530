/* A slider over a strip that says, place by place, which class a line of pictures has.
 *
 * Marks stand where the class changes. Signal "moved" (double place, 0 .. 1). */
#pragma once

#include <gtk/gtk.h>

#define LIM_TYPE_RULER (lim_ruler_get_type())
G_DECLARE_FINAL_TYPE(LimRuler, lim_ruler, LIM, RULER, GtkWidget)

/* name: the visible label and accessible name of the slider; ends: what stands at 0 and at 1. */
GtkWidget *lim_ruler_new(const char *name, const char *low_end, const char *high_end);
/* label, confidence [n] at equal distances from 0 to 1; names of the classes; flips [n_flips]:
 * where the class changes. Copied. n 0 empties the strip. */
void lim_ruler_set(LimRuler *self, const int *label, const float *confidence, int n,
                   const char *const *names, const double *flips, int n_flips);
double lim_ruler_get_place(LimRuler *self);
void lim_ruler_set_place(LimRuler *self, double place); /* with "moved" */
