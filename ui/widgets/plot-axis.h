/* Arithmetic of plots: ticks, scales, nearest points. Pure functions, no widget. */
#pragma once

#include <glib.h>

#define LIM_PLOT_MAX_TICKS 24

/* What one axis shows. log: decades; then lo and hi are above 0. */
typedef struct LimPlotAxis {
    double lo, hi; /* lo < hi */
    gboolean log;
} LimPlotAxis;

/* An axis over the values lo .. hi (the other way round: no values yet) that begins and ends at
 * round numbers, with about `want` ticks. lo == hi is widened. fixed_lo, fixed_hi: ends that are
 * given; NaN: free. */
LimPlotAxis lim_plot_axis(double lo, double hi, gboolean log, double fixed_lo, double fixed_hi,
                          int want);
/* At most `want` (2 .. LIM_PLOT_MAX_TICKS) round values within the axis, ascending, 1, 2 or 5 times
 * a power of ten apart (log: at powers of ten, and 2 and 5 of them when there is room); returns how
 * many. decimals[i]: what the text of ticks[i] needs. */
int lim_plot_ticks(const LimPlotAxis *axis, int want, double *ticks, int *decimals);
/* Text of a value: a real minus sign, groups of three digits from 10,000 on (thin spaces), an
 * exponent where decimals would not do, a sign for infinity. g_free(). */
char *lim_plot_format(double value, int decimals);
/* Decimals worth reading out: about 1/300 of the axis (log: three digits of this value). */
int lim_plot_read_decimals(const LimPlotAxis *axis, double value);

/* Value to 0 (lo) .. 1 (hi), also beyond; a value that a log axis does not have: NaN. */
double lim_plot_to_unit(const LimPlotAxis *axis, double value);
double lim_plot_from_unit(const LimPlotAxis *axis, double unit);

/* Points as x, y pairs; those with a NaN count as absent. */

/* Index of the point nearest to (x, y) and not farther than reach, or -1. */
int lim_plot_nearest(const double *xy, int n, double x, double y, double reach);
/* Position on the line through the points that is nearest to (x, y) and not farther than
 * reach: 1.25 is a quarter of the way from point 1 to point 2. NaN when there is none. */
double lim_plot_nearest_on_line(const double *xy, int n, double x, double y, double reach);
/* The place at a position of that kind, clamped to 0 .. n - 1; NaN when n is 0. */
void lim_plot_place(const double *xy, int n, double position, double *x, double *y);
