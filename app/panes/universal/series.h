/* Several universal perturbations with the settings of one that is there: with five shuffles, or on
 * every classifier; and what they do to each other's pictures. */
#pragma once

#include "panes/universal/run.h"

#define LIM_SERIES_MAX 8

typedef enum LimSeriesKind { LIM_SERIES_SHUFFLES, LIM_SERIES_CLASSIFIERS } LimSeriesKind;

/* A copy of how far it is; clear v with free(). */
typedef struct LimSeriesNow {
    int n, done; /* perturbations that there will be, and are */
    char name[LIM_SERIES_MAX][64];
    float *v; /* [n][c][h][w] */
    /* Shuffles: normalised inner products of i and k. Classifiers: the fooling ratio of v number i
     * on classifier k, unseen pictures. NaN: not yet. */
    double value[LIM_SERIES_MAX][LIM_SERIES_MAX];
    double ratio[LIM_SERIES_MAX]; /* on the unseen pictures of its own classifier */
} LimSeriesNow;

/* Reference-counted (atomically). */
typedef struct LimSeries LimSeries;
LimSeries *lim_series_new(LimUniversalRun *run, LimSeriesKind kind);
LimSeries *lim_series_ref(LimSeries *s);
void lim_series_unref(LimSeries *s);                  /* NULL is fine */
LimUniversalRun *lim_series_run(LimSeries *s);        /* borrowed */
void lim_series_now(LimSeries *s, LimSeriesNow *out); /* any thread */

/* Makes it. One that is cancelled begins anew with the perturbation that it was at. */
LimTask *lim_series_task_new(LimSeries *series);
