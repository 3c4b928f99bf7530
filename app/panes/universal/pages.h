/* What is seen of a series: its perturbations side by side, and a table of numbers that fills in
 * while they are made. */
#pragma once

#include <gtk/gtk.h>

#include "lim-session.h"
#include "panes/universal/series.h"

#define LIM_TYPE_SERIES_PAGE (lim_series_page_get_type())
G_DECLARE_FINAL_TYPE(LimSeriesPage, lim_series_page, LIM, SERIES_PAGE, GtkWidget)

GtkWidget *lim_series_page_new(LimSession *session, LimSeriesKind kind);
/* The run that it belongs to; NULL: none. Drops what was made for another. */
void lim_series_page_set_run(LimSeriesPage *self, LimUniversalRun *run);
/* For tests: the text of the table at a row and column, borrowed; "" while it is not known. */
const char *lim_series_page_get_text(LimSeriesPage *self, int row, int column);
gboolean lim_series_page_get_busy(LimSeriesPage *self);
