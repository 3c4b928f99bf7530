/* What the files of the Universal view share: its fields, and what one asks of another.
 *
 *   settings.c    a change of the form begins another perturbation at once, or takes it from a file
 *   shown.c       what v is and does by now: words, pictures, curves; pausing, the scale
 *   export.c      the command, the files, a flipped picture for the Attack view
 *   universal.c   what the view is built of
 *
 * v grows in a long job while everything can be looked at; pausing cancels the job and keeps what
 * there is. Each file sets its functions of the class, and connects its signals and actions,
 * itself.
 */
#pragma once

#include "panes/universal/universal.h"
#include "widgets/lim-explain.h"
#include "widgets/lim-image-grid.h"
#include "widgets/lim-picture-view.h"
#include "widgets/lim-plot.h"

/* On the worker's live lane, apart from those of other views. */
#define LIM_UNIVERSAL_SLOT_BEGIN 8
#define LIM_UNIVERSAL_SLOT_SCALE 9

#define LIM_UNIVERSAL_STRIP   12 /* pictures that contributed last */
#define LIM_UNIVERSAL_FLIPPED 16 /* of the pictures that flip; large enough for captions */

struct _LimUniversalPane {
    LimFormPane parent_instance;
    LimForm *form;
    LimPictureView *view;
    LimZoom *zoom;
    LimPlot *plot;
    LimImageGrid *strip, *flips;
    GtkWidget *verdict, *gain, *pause, *scale, *said, *graph;
    LimSeriesPage *transfer, *shuffles;
    LimExplain *explain;
    GtkWidget *pages;
    LimStatusLine *status;

    LimBench *bench;
    LimUniversalPictures *pictures;
    gboolean listed;
    char *opened;              /* a file that waits for that, or NULL */
    const char *const *models; /* [n_models], of the bench */
    int n_models, norm;        /* norm: of the form, as it was last */
    guint tick;

    char file[LIM_TEXT_MAX]; /* of v, as the form has it */
    LimUniversalPlan posted; /* its model is borrowed from the bench, its file kept here: */
    char posted_file[LIM_TEXT_MAX];
    gboolean any_posted;
    guint64 serial, looks;
    LimUniversalRun *run;
    LimUniversalSnap snap;
    int looked_passes, looked_visited; /* of the v that the flips belong to */
    gboolean looking;
    int n_flipped, flipped[LIM_UNIVERSAL_FLIPPED]; /* unseen pictures in the grid */
};

LimWorker *lim_universal_pane_worker(LimUniversalPane *self); /* borrowed */

/* ---- settings.c ---- */

void lim_universal_settings_class_init(LimFormPaneClass *klass);
void lim_universal_settings_connect(LimUniversalPane *self);
/* The view is seen: lists the classifiers, once, and then makes the first perturbation. */
void lim_universal_pane_list(LimUniversalPane *self);

/* ---- shown.c ---- */

void lim_universal_shown_class_init(LimFormPaneClass *klass);
void lim_universal_shown_connect(LimUniversalPane *self, GtkWidget *view);
double lim_universal_pane_scale(LimUniversalPane *self); /* that v is multiplied by */
void lim_universal_pane_pull(LimUniversalPane *self);    /* what the worker has added since */
void lim_universal_pane_halt(LimUniversalPane *self);
void lim_universal_pane_go_on(LimUniversalPane *self);

/* ---- export.c ---- */

void lim_universal_export_class_init(LimFormPaneClass *klass);
void lim_universal_export_connect(LimUniversalPane *self);
/* There is a picture to take to the Attack view, of a v that is a result. */
void lim_universal_pane_allow_apply(LimUniversalPane *self, gboolean yes);
