/* How perturbations transfer: a table of what every network still gets right under perturbations
 * made on each of the others, over many scenes. It fills in while they are made.
 *
 * Signal "cell-opened" (int made, int judge): to see a scene of that cell, which is then framed. */
#pragma once

#include <gtk/gtk.h>

#include "lim-session.h"
#include "panes/scenes/many.h"

#define LIM_TYPE_TRANSFER_PAGE (lim_transfer_page_get_type())
G_DECLARE_FINAL_TYPE(LimTransferPage, lim_transfer_page, LIM, TRANSFER_PAGE, GtkWidget)

GtkWidget *lim_transfer_page_new(LimSession *session);
/* A cell of the table, and the scene that stands for it: of all in the table that whose own measure
 * is nearest to the figure of the cell. */
typedef struct LimTransferCell {
    int made, judge, scene;
    gboolean permuted;   /* rows in another order */
    int scenes;          /* in the figure */
    double value, alone; /* the figure; the measure of that scene */
} LimTransferCell;

/* What tables are made with, from that scene on (plan is copied). A table that is there stays until
 * it would be made with other settings. */
void lim_transfer_page_set(LimTransferPage *self, LimScenesBench *bench, const LimScenesPlan *plan);
/* The cell that a person has opened; FALSE: it has no figure any more. */
gboolean lim_transfer_page_get_cell(LimTransferPage *self, LimTransferCell *cell);
void lim_transfer_page_close_cell(LimTransferPage *self);
/* The table that is there, or is being made; borrowed, NULL: none. */
LimTransfer *lim_transfer_page_get_table(LimTransferPage *self);
/* For tests: the text at a row (0: no perturbation) and a column; borrowed, "–" while unknown. */
const char *lim_transfer_page_get_text(LimTransferPage *self, int row, int column);
const char *lim_transfer_page_get_said(LimTransferPage *self); /* how far it is; borrowed */
gboolean lim_transfer_page_get_busy(LimTransferPage *self);
/* While an attack goes on in the pictures, the table waits. */
void lim_transfer_page_hold(LimTransferPage *self, gboolean hold);
