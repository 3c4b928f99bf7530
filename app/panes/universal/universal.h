/* The Universal view: one perturbation that grows picture by picture, how many pictures it fools,
 * and what it does to them. */
#pragma once

#include "lim-form-pane.h"
#include "panes/universal/pages.h"

#define LIM_TYPE_UNIVERSAL_PANE (lim_universal_pane_get_type())
G_DECLARE_FINAL_TYPE(LimUniversalPane, lim_universal_pane, LIM, UNIVERSAL_PANE, LimFormPane)

/* ---- for tests ---- */

LimUniversalRun *lim_universal_pane_get_run(LimUniversalPane *self); /* borrowed; NULL: none yet */
const char *lim_universal_pane_get_verdict(LimUniversalPane *self);
/* Whether it has come to its end, and all that is shown belongs to it and to the settings. */
gboolean lim_universal_pane_get_current(LimUniversalPane *self);
