/* The mode "Sheet": one sample under every combination of two settings (models/sweep.h). */
#pragma once

#include "models/sweep.h"
#include "panes/generate/part.h"
#include "widgets/lim-image-table.h"

#define LIM_TYPE_GENERATE_SHEET (lim_generate_sheet_get_type())
G_DECLARE_FINAL_TYPE(LimGenerateSheet, lim_generate_sheet, LIM, GENERATE_SHEET, LimGeneratePart)

/* Takes rows, columns and their values from a sweep; the caller settles. */
void lim_generate_sheet_set_sweep(LimGenerateSheet *self, const LimSweep *sweep);
