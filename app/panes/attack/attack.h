/* The Attack view: a form on the left, four pictures with what the classifier says of them, the
 * attack as a film below. */
#pragma once

#include "lim-form-pane.h"
#include "panes/attack/panes.h"
#include "widgets/lim-timeline.h"
#include "widgets/lim-transport.h"

#define LIM_TYPE_ATTACK_PANE (lim_attack_pane_get_type())
G_DECLARE_FINAL_TYPE(LimAttackPane, lim_attack_pane, LIM, ATTACK_PANE, LimFormPane)

/* ---- for tests ---- */

LimAttackRun *lim_attack_pane_get_run(LimAttackPane *self); /* borrowed; NULL: none yet */
LimTransport *lim_attack_pane_get_transport(LimAttackPane *self);
LimTimeline *lim_attack_pane_get_timeline(LimAttackPane *self);
const char *lim_attack_pane_get_verdict(LimAttackPane *self);
/* Whether what is shown, bars and words included, belongs to the settings and the step. */
gboolean lim_attack_pane_get_current(LimAttackPane *self);
