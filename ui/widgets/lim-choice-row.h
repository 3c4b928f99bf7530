/* One of several named values, in a drop-down. Variant type "i". */
#pragma once

#include "widgets/lim-form-row.h"

#define LIM_TYPE_CHOICE_ROW (lim_choice_row_get_type())
G_DECLARE_FINAL_TYPE(LimChoiceRow, lim_choice_row, LIM, CHOICE_ROW, LimFormRow)

/* texts: NULL-terminated. values[i] belongs to texts[i]; NULL: 0, 1, 2, ... def is a value. */
GtkWidget *lim_choice_row_new(const char *key, const char *label, const char *help,
                              const char *const *texts, const int *values, int def);
/* Other choices; keeps the value where it still exists, otherwise takes the default. */
void lim_choice_row_set_choices(LimChoiceRow *self, const char *const *texts, const int *values);
/* Values from min to max that are not among the choices join them, as numbers, once they are set
 * (by a file that was made elsewhere). At first there are none. */
void lim_choice_row_set_range(LimChoiceRow *self, int min, int max);
/* Choices that cannot be chosen now: usable [n of the choices], or NULL: all can. why: their
 * tooltip. The list greys them. */
void lim_choice_row_set_usable(LimChoiceRow *self, const gboolean *usable, const char *why);
GtkWidget *lim_choice_row_get_drop_down(LimChoiceRow *self); /* borrowed */
