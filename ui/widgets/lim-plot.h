/* A plot of one or more series of points over two numeric axes.
 *
 * With the focus on it, Left and Right move a cursor along the points of a series, Up and Down to
 * another series, Home and End to the ends; Enter or Space activates the point. The pointer reads
 * out the point it is near. Points of series with LIM_PLOT_DRAG also follow a drag: a position
 * between two points is then written as a fraction (2.5: half-way from point 2 to point 3).
 *
 * Signals:
 *   "point-activated" (int series, double position): a click, Enter, or the end of a drag
 *   "point-dragged" (int series, double position): at every motion of a drag, "point-activated"
 *                   or "drag-cancelled" follows
 *   "drag-cancelled": Escape during a drag */
#pragma once

#include <gtk/gtk.h>

#define LIM_TYPE_PLOT (lim_plot_get_type())
G_DECLARE_FINAL_TYPE(LimPlot, lim_plot, LIM, PLOT, GtkWidget)

typedef enum LimPlotFlags {
    LIM_PLOT_LINE = 1 << 0,
    LIM_PLOT_POINTS = 1 << 1,
    LIM_PLOT_DRAG = 1 << 2,
} LimPlotFlags;

typedef struct LimPlotPoint {
    double x, y;            /* a NaN leaves a gap */
    double x_minus, x_plus; /* lengths of the error bars; 0: none */
    double y_minus, y_plus;
} LimPlotPoint;

/* label: what the plot is called, for assistive technology. */
GtkWidget *lim_plot_new(const char *label);
/* title: such as "Fidelity: asked class recognised (%)" or "Loss, mean of 100 steps". The read-out
 * says what stands before the first colon or comma, and the unit in parentheses; all of these may
 * be missing. log: decades. */
void lim_plot_set_axis(LimPlot *self, GtkOrientation axis, const char *title, gboolean log);
/* Names of the places 0, 1, ... n - 1 of an axis, which stand there instead of numbers and are read
 * out; n 0: none. */
void lim_plot_set_names(LimPlot *self, GtkOrientation axis, const char *const *names, int n);
/* The axis counts something: it is marked at whole numbers only, and they are read out as such. */
void lim_plot_set_whole(LimPlot *self, GtkOrientation axis, gboolean whole);
/* Ends of an axis; NaN (at first both): the data decide. */
void lim_plot_set_range(LimPlot *self, GtkOrientation axis, double lo, double hi);
/* Shown in the middle while there are no points. */
void lim_plot_set_empty_text(LimPlot *self, const char *text);
/* Returns the number of the series: 0, 1, ... The names are in the legend when there are two. */
int lim_plot_add_series(LimPlot *self, const char *name, LimPlotFlags flags);
/* Copies n points. labels: NULL, or n texts that name the points in the read-out. */
void lim_plot_set_points(LimPlot *self, int series, const LimPlotPoint *points, int n,
                         const char *const *labels);
/* The series that matters most is drawn thicker, the others thinner; -1 (at first): all alike. */
void lim_plot_set_stressed(LimPlot *self, int series);
int lim_plot_get_stressed(LimPlot *self);
int lim_plot_get_n_points(LimPlot *self, int series);
/* A ring on the series at a position (as in "point-dragged"), with a text beside it; a NaN removes
 * it. */
void lim_plot_set_marker(LimPlot *self, int series, double position, const char *text);
double lim_plot_get_marker(LimPlot *self); /* NaN: none */
/* A thin bar while the points are being computed: 0 .. 1; 1 or more: done. */
void lim_plot_set_progress(LimPlot *self, double fraction);
double lim_plot_get_progress(LimPlot *self);
/* The point under the keyboard cursor; series and point are -1 before the first key. */
void lim_plot_get_cursor(LimPlot *self, int *series, int *point);
/* Marks of an axis. */
int lim_plot_get_n_ticks(LimPlot *self, GtkOrientation axis);
/* Where a value lies in the widget, in pixels. For a plot that has been given its size. */
void lim_plot_locate(LimPlot *self, double x, double y, double *widget_x, double *widget_y);
/* The read-out of a point, g_free(). */
char *lim_plot_dup_readout(LimPlot *self, int series, int point);
