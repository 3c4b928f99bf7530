/* Perturbations on all four networks: of one scene, to be added up; and of many scenes, to see what
 * they do to networks that they were not made on. */
#pragma once

#include "panes/scenes/run.h"

/* ---- one scene ---- */

/* A copy of how far it is; r is borrowed from the fusion and does not change once it is there. */
typedef struct LimFusionNow {
    const float *r[LIM_SCENES_NETS]; /* [3][size][size]; NULL: not yet, or no such network */
    int iterations[LIM_SCENES_NETS], active[LIM_SCENES_NETS], targets[LIM_SCENES_NETS];
    int at; /* the network that is attacked now; LIM_SCENES_NETS: all are over */
} LimFusionNow;

/* Reference-counted (atomically). */
typedef struct LimFusion LimFusion;
/* With the settings of plan (copied), whatever network that names. */
LimFusion *lim_fusion_new(LimScenesStage *stage, const LimScenesPlan *plan);
LimFusion *lim_fusion_ref(LimFusion *f);
void lim_fusion_unref(LimFusion *f);                  /* NULL is fine */
void lim_fusion_now(LimFusion *f, LimFusionNow *out); /* any thread */
/* Makes them one after the other. Cancelled, another task goes on where it was. */
LimTask *lim_fusion_task_new(LimFusion *f);
LimScenesStage *lim_fusion_stage(const LimFusion *f);     /* borrowed */
const LimScenesPlan *lim_fusion_plan(const LimFusion *f); /* borrowed */
/* Goes on to the end, and writes the sum. What out points at is taken. */
LimTask *lim_fusion_save_task_new(LimFusion *f, const double weight[LIM_SCENES_NETS],
                                  const LimScenesOut *out);

/* ---- many scenes ---- */

/* Rows: no perturbation; made on network 0, 1, ...; the same with their rows in another order. */
#define LIM_TRANSFER_MADE     1
#define LIM_TRANSFER_PERMUTED (LIM_TRANSFER_MADE + LIM_SCENES_NETS)
#define LIM_TRANSFER_ROWS     (LIM_TRANSFER_PERMUTED + LIM_SCENES_NETS)

typedef struct LimTransferNow {
    int done, scenes; /* scenes that are in the values, and that there will be */
    /* Mean IoU or mAP of network `column` over the scenes that are done, before that of the first;
     * NaN: not known. */
    double value[LIM_TRANSFER_ROWS][LIM_SCENES_NETS];
} LimTransferNow;

/* Reference-counted (atomically). */
typedef struct LimTransfer LimTransfer;
/* Scenes from that of the plan on; of its settings all but the chosen garments, the painted
 * segmentation and the own picture, which belong to one scene. */
LimTransfer *lim_transfer_new(LimScenesBench *bench, const LimScenesPlan *plan, int scenes);
LimTransfer *lim_transfer_ref(LimTransfer *t);
void lim_transfer_unref(LimTransfer *t);                      /* NULL is fine */
void lim_transfer_now(LimTransfer *t, LimTransferNow *out);   /* any thread */
const LimScenesPlan *lim_transfer_plan(const LimTransfer *t); /* borrowed */
/* Of the scenes that are done, the number of that whose own measure is nearest to the figure of a
 * cell, and its measure; -1: there is none. Any thread. */
int lim_transfer_typical(LimTransfer *t, int row, int column, double *measure);
LimTask *lim_transfer_task_new(LimTransfer *t);
