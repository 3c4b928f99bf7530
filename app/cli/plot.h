/* Plots for results: one SVG file of panels with lines. Colours are safe for the colour-blind, and
 * every series has a mark of its own as well; white behind, so that it reads on any page. */
#pragma once

#include "base/status.h"

typedef struct CliSeries {
    const char *name;
    int n;
    const double *x, *y;       /* [n]; a y that is not finite leaves a gap */
    const double *low, *high;  /* [n] bars around y, or NULL */
    const char *const *labels; /* [n] beside the marks, or NULL; NULL entries: none */
} CliSeries;

typedef struct CliPanel {
    const char *title, *x_label, *y_label;
    const CliSeries *series;
    int n;
    double x_min, x_max, y_min, y_max; /* both 0: from the data */
} CliPanel;

/* n panels, `columns` in a row, below a title. */
LimStatus cli_plot_write(const char *path, const char *title, const CliPanel *panels, int n,
                         int columns, LimError *err);
