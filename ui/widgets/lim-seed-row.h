/* A random seed: a field for a whole number, buttons to its neighbours, and one that draws another.
 * Variant type "t". Up and Down in the field step by one, Page Up and Page Down by ten. */
#pragma once

#include "widgets/lim-form-row.h"

#define LIM_TYPE_SEED_ROW (lim_seed_row_get_type())
G_DECLARE_FINAL_TYPE(LimSeedRow, lim_seed_row, LIM, SEED_ROW, LimFormRow)

GtkWidget *lim_seed_row_new(const char *key, const char *label, const char *help, guint64 def);
/* Draws a seed of at most six digits, as the button does: one undo step. */
void lim_seed_row_draw(LimSeedRow *self);
/* To the seed that lies by so many further, as the buttons do; a burst of them is one undo step. */
void lim_seed_row_step(LimSeedRow *self, int by);
