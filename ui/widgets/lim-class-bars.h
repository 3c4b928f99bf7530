/* How sure a classifier is of each class: a bar, a name and a percentage a line.
 *
 * The right class carries a tick, the class that is predicted is bold and drawn in the accent
 * colour, so neither is told by colour alone. */
#pragma once

#include <gtk/gtk.h>

#define LIM_TYPE_CLASS_BARS (lim_class_bars_get_type())
G_DECLARE_FINAL_TYPE(LimClassBars, lim_class_bars, LIM, CLASS_BARS, GtkWidget)

/* name: "Classes of the clean picture", for assistive technology. */
GtkWidget *lim_class_bars_new(const char *name);
/* The lines, copied. */
void lim_class_bars_set_names(LimClassBars *self, const char *const *names, int n);
/* confidence [n] of 0 .. 1, one per line, copied; NULL: not known. right: the right class, -1: not
 * known. */
void lim_class_bars_set(LimClassBars *self, const float *confidence, int right);
/* A decision without confidences: the class that was said, -1: not known. */
void lim_class_bars_set_decision(LimClassBars *self, int said, int right);
/* The class with the largest confidence, or that was said; -1: not known. */
int lim_class_bars_get_predicted(LimClassBars *self);
