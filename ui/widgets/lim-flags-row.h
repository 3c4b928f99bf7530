/* A few things that are each in or out: a row of buttons that stay down. Variant type "i": bit k is
 * the k-th. */
#pragma once

#include "widgets/lim-form-row.h"

#define LIM_TYPE_FLAGS_ROW (lim_flags_row_get_type())
G_DECLARE_FINAL_TYPE(LimFlagsRow, lim_flags_row, LIM, FLAGS_ROW, LimFormRow)

/* texts: at most 16, NULL-terminated. */
GtkWidget *lim_flags_row_new(const char *key, const char *label, const char *help,
                             const char *const *texts, int def);
