/* What the files of the Scenes view share: its fields, and what one asks of another.
 *
 *   settings.c   a change of the form, or an opened cell of the table, begins another attack
 *   shown.c      the step that is shown, in words, pictures and the plot; the player
 *   painting.c   the painting of what a segmenter is to see
 *   state.c      undo, the next start, settings that come with a picture
 *   export.c     the command and the files
 *   scenes.c     what the view is built of
 *
 * Each sets its functions of the class, and connects its signals and actions, itself. */
#pragma once

#include "panes/scenes/fusion-page.h"
#include "panes/scenes/paint-page.h"
#include "panes/scenes/scenes.h"
#include "panes/scenes/transfer-page.h"
#include "widgets/lim-explain.h"
#include "widgets/lim-plot.h"

#define LIM_SCENES_SLOT_BEGIN 10 /* on the worker's live lane, apart from those of other views */
#define LIM_SCENES_SLOT_LOOK  11
#define LIM_SCENES_SLOT_PAINT 12

struct _LimScenesPane {
    LimFormPane parent_instance;
    LimForm *form;
    LimSceneBoard *board;
    LimTransport *transport;
    LimPlot *plot;
    LimExplain *explain;
    GtkWidget *pages, *verdict;
    LimPaintPage *paint;
    LimFusionPage *fusion;
    LimTransferPage *transfer;
    LimStatusLine *status;

    LimScenesBench *bench;
    gboolean seen; /* the view was looked at */
    guint tick;

    char *own;       /* path of a picture of one's own, or NULL */
    int32_t *wanted; /* [wanted_size][wanted_size], painted, or NULL */
    int wanted_size;
    int32_t *canvas; /* the same while it is painted on */
    gboolean stroke; /* the brush is down */

    LimScenesPlan posted; /* a copy */
    gboolean any_posted;
    guint64 serial, looks;
    LimScenesStage *stage;
    LimScenesRun *run;
    gboolean stepping; /* the job makes one step, which is then shown */
    int shown;         /* frame, -1: none */
    gboolean looking;
    gboolean permuted;    /* a cell of the control was opened: rows in another order */
    int judge;            /* a cell was opened: the network that judges there; -1: none */
    LimTransferCell cell; /* as it was then */
    gboolean was_fused;   /* the page with sums was in front */
};

LimWorker *lim_scenes_pane_worker(LimScenesPane *self); /* borrowed */

/* ---- settings.c ---- */

void lim_scenes_settings_class_init(LimFormPaneClass *klass);
void lim_scenes_settings_connect(LimScenesPane *self);
/* Something may be set anew: with the next frame it is looked at, and attacked. */
void lim_scenes_pane_update_soon(LimScenesPane *self);
/* The cell of the table that was opened is open no more. */
void lim_scenes_pane_leave_cell(LimScenesPane *self);

/* ---- shown.c ---- */

void lim_scenes_shown_class_init(LimFormPaneClass *klass);
void lim_scenes_shown_connect(LimScenesPane *self);
gboolean lim_scenes_pane_is_fused(LimScenesPane *self); /* a sum is shown, not a step */
void lim_scenes_pane_look(LimScenesPane *self);         /* asks what all networks see */
void lim_scenes_pane_show_position(LimScenesPane *self);
void lim_scenes_pane_show_frame(LimScenesPane *self, int frame);
void lim_scenes_pane_pull(LimScenesPane *self); /* the steps that the worker has added */
void lim_scenes_pane_halt(LimScenesPane *self); /* no further steps */

/* ---- painting.c ---- */

void lim_scenes_painting_connect(LimScenesPane *self);
/* Whether there is something to paint on, and what is painted. */
void lim_scenes_pane_show_canvas(LimScenesPane *self);
/* wanted [size][size] (copied) is what a segmenter is to see; NULL: as the form says. */
void lim_scenes_pane_set_wanted(LimScenesPane *self, const int32_t *wanted, int size);

/* ---- state.c ---- */

void lim_scenes_state_class_init(LimFormPaneClass *klass);
void lim_scenes_state_connect(LimScenesPane *self);

/* ---- export.c ---- */

void lim_scenes_export_class_init(LimFormPaneClass *klass);
