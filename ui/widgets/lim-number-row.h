/* A whole number in a spin button. Variant type "i". */
#pragma once

#include "widgets/lim-form-row.h"

#define LIM_TYPE_NUMBER_ROW (lim_number_row_get_type())
G_DECLARE_FINAL_TYPE(LimNumberRow, lim_number_row, LIM, NUMBER_ROW, LimFormRow)

GtkWidget *lim_number_row_new(const char *key, const char *label, const char *help,
                              const char *unit, int min, int max, int def);
