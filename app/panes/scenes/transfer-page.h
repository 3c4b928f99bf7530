/* How perturbations transfer: a table of what every network still gets right under perturbations
 * made on each of the others, over many scenes. It fills in while they are made.
 *
 * Signal "cell-opened" (int made, int judge, boolean permuted): to see one scene of that cell. */
#pragma once

#include <gtk/gtk.h>

#include "lim-session.h"
#include "panes/scenes/many.h"

#define LIM_TYPE_TRANSFER_PAGE (lim_transfer_page_get_type())
G_DECLARE_FINAL_TYPE(LimTransferPage, lim_transfer_page, LIM, TRANSFER_PAGE, GtkWidget)

GtkWidget *lim_transfer_page_new(LimSession *session);
/* What they are made with, from that scene on (plan is copied); drops what was made with other
 * settings. */
void lim_transfer_page_set(LimTransferPage *self, LimScenesBench *bench, const LimScenesPlan *plan);
/* For tests: the text at a row (0: no perturbation) and a column; borrowed, "" while unknown. */
const char *lim_transfer_page_get_text(LimTransferPage *self, int row, int column);
gboolean lim_transfer_page_get_busy(LimTransferPage *self);
