/* The Scenes view: several garments in a picture, what two segmenters and two detectors see in it,
 * and dense adversary generation that turns all of it wrong, step by step. */
#pragma once

#include "lim-form-pane.h"
#include "panes/scenes/board.h"
#include "widgets/lim-transport.h"

#define LIM_TYPE_SCENES_PANE (lim_scenes_pane_get_type())
G_DECLARE_FINAL_TYPE(LimScenesPane, lim_scenes_pane, LIM, SCENES_PANE, LimFormPane)

/* For tests; borrowed. */
LimScenesRun *lim_scenes_pane_get_run(LimScenesPane *self); /* NULL before the first */
LimSceneBoard *lim_scenes_pane_get_board(LimScenesPane *self);
LimTransport *lim_scenes_pane_get_transport(LimScenesPane *self);
const char *lim_scenes_pane_get_verdict(LimScenesPane *self);
/* Nothing is under way, and what is shown belongs to the settings. */
gboolean lim_scenes_pane_get_current(LimScenesPane *self);
