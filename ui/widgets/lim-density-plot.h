/* The normal distribution, and the part of it that is used: a bell with everything between two
 * bounds filled. Below it the values of one sample, as ticks. */
#pragma once

#include <gtk/gtk.h>

#define LIM_TYPE_DENSITY_PLOT (lim_density_plot_get_type())
G_DECLARE_FINAL_TYPE(LimDensityPlot, lim_density_plot, LIM, DENSITY_PLOT, GtkWidget)

GtkWidget *lim_density_plot_new(void);
/* Values are sigma times a standard normal value, and lie within [-bound, bound]. Both above 0. */
void lim_density_plot_set(LimDensityPlot *self, double sigma, double bound);
/* The values of a sample that is called `of` ("Picture 3"), in `rows` parts of equal size, one
 * below the other, each with its bound [rows]. n 0: no sample. */
void lim_density_plot_set_ticks(LimDensityPlot *self, const char *of, const float *values, int n,
                                const double *bounds, int rows);
