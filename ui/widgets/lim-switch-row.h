/* Yes or no. Variant type "b". */
#pragma once

#include "widgets/lim-form-row.h"

#define LIM_TYPE_SWITCH_ROW (lim_switch_row_get_type())
G_DECLARE_FINAL_TYPE(LimSwitchRow, lim_switch_row, LIM, SWITCH_ROW, LimFormRow)

GtkWidget *lim_switch_row_new(const char *key, const char *label, const char *help, gboolean def);
