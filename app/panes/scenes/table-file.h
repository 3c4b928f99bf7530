/* A table of how perturbations transfer, as files: the figures that it has at that moment. */
#pragma once

#include "panes/scenes/many.h"

/* Writes path, a PNG of the table with the command that makes it inside (key "limen"), and beside
 * it the figures as .csv: a row for each perturbation, in order and with its rows in another order,
 * a column for each network, from 0 to 1, empty where nothing is known. Of a table that is still
 * being made, what is there: at least one scene is done. */
LimTask *lim_transfer_save_task_new(LimTransfer *t, const char *path, const char *command);
