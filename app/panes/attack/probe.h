/* What lies between and around the pictures of an attack: the straight line from the clean picture
 * to the one that is shown, and the plane through clean, start and shown. */
#pragma once

#include "panes/attack/run.h"

#define LIM_STRIP      129 /* places on the line, ends included */
#define LIM_STRIP_MAX  16  /* flips that are told apart */
#define LIM_SLICE_PATH 512 /* places of the path at most */

/* The line: place t of 0 .. 1 is clean + t (shown - clean). */
typedef struct LimStripTask {
    LimTask base;
    LimAttackRun *run;
    int frame;
    /* After LIM_STEP_DONE: */
    int label[LIM_STRIP];
    float confidence[LIM_STRIP];
    int n_flips;
    double flip[LIM_STRIP_MAX]; /* where the class changes, by bisection to 1e-5 of the line */
} LimStripTask;
LimTask *lim_strip_task_new(LimAttackRun *run, int frame);

/* One place on it, or in a plane (below). */
typedef struct LimPlaceTask {
    LimTask base;
    LimAttackRun *run;
    int frame;
    double t;
    float *axis[2]; /* [size]; NULL: on the line */
    double x, y;    /* in the plane */
    /* After LIM_STEP_DONE: */
    float *picture;     /* [c][h][w] */
    float *probability; /* [classes] */
    int label;
    double l2; /* from the clean picture */
} LimPlaceTask;
LimTask *lim_place_task_new(LimAttackRun *run, int frame, double t);

/* The plane, in l2 distances: the clean picture at 0, 0; the shown one on the first axis; the start
 * (the first picture that fooled) anywhere in it. Where these three are on one line, the second
 * axis is a random direction that the seed gives. */
typedef struct LimSliceTask {
    LimTask base;
    LimAttackRun *run;
    int frame, grid, row;
    float *axis[2]; /* [size], of length 1 */
    /* After LIM_STEP_DONE: */
    double x0, y0, side; /* the square that is seen; y upwards */
    int *label;          /* [grid][grid], rows from the top */
    float *confidence;   /* [grid][grid] */
    double shown[2], start[2];
    int n_path;
    double path[LIM_SLICE_PATH][2]; /* of frames along the recording, projected on the plane */
    int path_frame[LIM_SLICE_PATH];
} LimSliceTask;
LimTask *lim_slice_task_new(LimAttackRun *run, int frame, int grid);
/* The place x, y of the plane with these axes, which are copied. */
LimTask *lim_plane_place_task_new(LimAttackRun *run, const float *const axis[2], double x,
                                  double y);

/* The relative error of every layer: of the shown picture, and of what each denoiser makes of it.
 */
#define LIM_LAYERS_CURVES 13

typedef struct LimLayersCurve {
    const char *denoiser; /* path, borrowed from the bench; NULL: the shown picture as it is */
    double ratio[LIM_AMPLIFICATION_LAYERS];
} LimLayersCurve;

typedef struct LimLayersTask {
    LimTask base;
    LimAttackRun *run;
    int frame;
    /* After LIM_STEP_DONE: */
    int n; /* layers */
    char name[LIM_AMPLIFICATION_LAYERS][16];
    int n_curves; /* the first is that of the shown picture; the chosen denoiser is always there */
    int chosen;   /* curve of the defence that was chosen; 0: none was */
    LimLayersCurve curve[LIM_LAYERS_CURVES];
} LimLayersTask;
LimTask *lim_layers_task_new(LimAttackRun *run, int frame);
