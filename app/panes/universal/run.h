/* A universal perturbation that grows on the worker and is looked at from the window. */
#pragma once

#include <glib.h>

#include "attacks/universalfile.h"
#include "panes/attack/bench.h"

typedef struct LimUniversalSetup {
    int model;               /* place in the list of classifiers */
    int pictures;            /* of X */
    char file[LIM_TEXT_MAX]; /* a v that is looked at, "": it is made */
} LimUniversalSetup;
extern const LimParamSpec lim_universal_setup_schema[]; /* over LimUniversalSetup */

/* The pictures of all runs. Reference-counted (atomically); filled on the worker thread. */
typedef struct LimUniversalPictures LimUniversalPictures;
LimUniversalPictures *lim_universal_pictures_new(const char *samples); /* folder */
LimUniversalPictures *lim_universal_pictures_ref(LimUniversalPictures *p);
void lim_universal_pictures_unref(LimUniversalPictures *p); /* NULL is fine */

#define LIM_UNIVERSAL_SHOWN 200 /* of the unseen pictures that the scale slider flips */

/* What a perturbation is made from; everything is copied. */
typedef struct LimUniversalPlan {
    LimUniversalParams params;
    int pictures;
    char *model; /* path */
    char *file;  /* path of a v to look at, NULL: it is made; then params are those of the file */
} LimUniversalPlan;
/* With a file, params do not matter. */
gboolean lim_universal_plan_equal(const LimUniversalPlan *a, const LimUniversalPlan *b);

/* Reference-counted (atomically). What is declared first never changes after the making. */
typedef struct LimUniversalRun LimUniversalRun;
LimUniversalRun *lim_universal_run_ref(LimUniversalRun *r);
void lim_universal_run_unref(LimUniversalRun *r); /* NULL is fine */
const LimUniversalPlan *lim_universal_run_plan(const LimUniversalRun *r);
LimBench *lim_universal_run_bench(const LimUniversalRun *r);
LimUniversalPictures *lim_universal_run_pictures(const LimUniversalRun *r);
LimShape lim_universal_run_shape(const LimUniversalRun *r);
int lim_universal_run_classes(const LimUniversalRun *r);
const char *lim_universal_run_class_name(const LimUniversalRun *r, int k);
int lim_universal_run_x(const LimUniversalRun *r);      /* pictures in X: maybe fewer than wanted */
int lim_universal_run_unseen(const LimUniversalRun *r); /* pictures that are only measured on */
const char *lim_universal_run_data(const LimUniversalRun *r); /* folder of --data, or NULL */
const float *lim_universal_run_image(const LimUniversalRun *r, int i); /* of X */
const float *lim_universal_run_unseen_image(const LimUniversalRun *r, int i);
const int32_t *lim_universal_run_own(const LimUniversalRun *r); /* labels of the unseen ones */
/* Fooling ratios of noise: of random vectors of the norm, and (in a snap that has ended) of v with
 * its values in random places. */
double lim_universal_run_random(const LimUniversalRun *r);
double lim_universal_run_permuted(const LimUniversalRun *r);

/* A copy of how far it is; any thread. */
typedef struct LimUniversalSnap {
    int n_passes, best_pass;
    LimUniversalPass *pass; /* [n_passes] */
    LimUniversalNow now;
    gboolean ended;
    float *v, *best; /* [c][h][w] */
} LimUniversalSnap;
void lim_universal_run_snap(LimUniversalRun *r, LimUniversalSnap *out);
void lim_universal_snap_clear(LimUniversalSnap *s);

/* ---- tasks ---- */

LimTask *lim_universal_begin_task_new(LimBench *bench, LimUniversalPictures *pictures,
                                      const LimUniversalPlan *plan);
LimUniversalRun *lim_universal_begin_task_steal(LimTask *t); /* after LIM_STEP_DONE, once */
/* Goes on to the end; for a run without a file. */
LimTask *lim_universal_grow_task_new(LimUniversalRun *run);

/* The labels of all unseen pictures at clip(x + scale v). */
typedef struct LimUniversalScaleTask {
    LimTask base;
    LimUniversalRun *run;
    float *v;
    double scale;
    int at;
    int32_t *label; /* [unseen]; after LIM_STEP_DONE */
} LimUniversalScaleTask;
LimTask *lim_universal_scale_task_new(LimUniversalRun *run, const float *v, double scale);

/* Writes the best v: path.safetensors, path.png, path.npy; or (picture >= 0) the unseen picture at
 * clip(x + scale v) as a PNG. path: without an ending, or with .png. */
typedef struct LimUniversalSaveTask {
    LimTask base;
    LimUniversalRun *run;
    char *path, *command; /* path: of the PNG */
    int picture;
    double scale;
} LimUniversalSaveTask;
LimTask *lim_universal_save_task_new(LimUniversalRun *run, const char *path, const char *command,
                                     int picture, double scale);
