/* A number on a slider, with the value printed in a field that takes typing. Variant type "d".
 *
 * Keys on the slider: arrows step, Shift+arrows fine, Page Up/Down far, Home/End. Ctrl+wheel steps
 * (with Shift: fine); the plain wheel scrolls the panel. Shift while dragging slows the thumb.
 * Escape during a drag puts the old value back. The thumb snaps to the marks. */
#pragma once

#include "widgets/lim-form-row.h"

#define LIM_TYPE_SLIDER_ROW (lim_slider_row_get_type())
G_DECLARE_FINAL_TYPE(LimSliderRow, lim_slider_row, LIM, SLIDER_ROW, LimFormRow)

/* digits: decimals to which dragging rounds. unit: shown after the field, may be empty. marks:
 * n_marks values within [min, max]. */
GtkWidget *lim_slider_row_new(const char *key, const char *label, const char *help,
                              const char *unit, double min, double max, double def, int digits,
                              const double *marks, int n_marks);
/* A part of the range for the slider, and decimals that suit it; values outside are still taken
 * where they are typed or set, and the slider then has its whole range again. */
void lim_slider_row_set_range(LimSliderRow *self, double min, double max, int digits);
GtkWidget *lim_slider_row_get_scale(LimSliderRow *self); /* borrowed */
