/* What the Scenes view looks at: a scene, four networks, and what they see in it.
 *
 * Everything here is filled on the worker thread, and never changes once the window has it. */
#pragma once

#include <glib.h>

#include "attacks/dag.h"

#define LIM_SCENES_NETS 4

/* "Segmenter VGG" and so on: what network i is called, and the end of its file's name. */
const char *lim_scenes_net_name(int i);
const char *lim_scenes_net_file(int i); /* "scenes-segmenter-vgg.safetensors" */
gboolean lim_scenes_net_segments(int i);
/* The command that trains it into that file; g_free(). */
char *lim_scenes_net_dup_command(int i, const char *path);

/* The networks and the scenes of all stages; reference-counted (atomically). */
typedef struct LimScenesBench LimScenesBench;
/* models: their folder; samples: pictures that take the place of Fashion-MNIST where that is not
 * installed. */
LimScenesBench *lim_scenes_bench_new(const char *models, const char *samples);
LimScenesBench *lim_scenes_bench_ref(LimScenesBench *b);
void lim_scenes_bench_unref(LimScenesBench *b); /* NULL is fine */
/* Of network i, borrowed. */
const char *lim_scenes_bench_path(const LimScenesBench *b, int i);
/* Worker thread: network i, loaded at the first call. NULL and err on failure. */
LimSceneNet *lim_scenes_bench_net(LimScenesBench *b, int i, LimError *err);

/* What a network sees in a picture. */
typedef struct LimSeen {
    gboolean there; /* it was asked */
    int32_t *label; /* [size][size] of a segmenter */
    int n;          /* of a detector */
    LimDetection found[LIM_DETECTIONS];
    double score; /* mean IoU or mAP at 0.5 of this picture alone; NaN: nothing to compare with */
} LimSeen;
void lim_seen_clear(LimSeen *s);

/* Which scene. */
typedef struct LimScenesPlace {
    LimSceneSettings scenes;
    int number;
    char *own; /* path of a person's own picture in its place, or NULL; borrowed */
} LimScenesPlace;
gboolean lim_scenes_place_equal(const LimScenesPlace *a, const LimScenesPlace *b);

/* Reference-counted (atomically). Where there is no truth (an own picture), what each network sees
 * in the clean picture stands in for it: a detector's boxes of 0.5 and more. */
typedef struct LimScenesStage {
    gint refs;
    LimScenesBench *bench;
    LimScenesPlace place; /* own is the stage's */
    int size, area, classes;
    char (*names)[32]; /* [classes] */
    gboolean sampled;  /* of the pictures that come with the program */
    float *x;          /* [3][size][size] in [-1,1] */
    gboolean truth;
    int32_t *mask[LIM_SCENES_NETS]; /* [size][size], for network i */
    LimScene scene[LIM_SCENES_NETS];
    LimSeen clean[LIM_SCENES_NETS];
    char *why[LIM_SCENES_NETS]; /* why network i is not there; NULL: it is */
} LimScenesStage;
LimScenesStage *lim_scenes_stage_ref(LimScenesStage *s);
void lim_scenes_stage_unref(LimScenesStage *s); /* NULL is fine */

/* ---- worker thread ---- */

/* The scene, without what networks see. NULL and err on failure. */
LimScenesStage *lim_scenes_stage_new(LimScenesBench *b, const LimScenesPlace *place, LimError *err);
/* The classes by name, as pictures for people want them; borrowed until another stage is made. */
const LimDataset *lim_scenes_stage_naming(const LimScenesStage *s, LimError *err);
/* Asks network i about the stage's own picture; a network that is missing is no error. */
LimStatus lim_scenes_stage_look(LimScenesStage *s, int i, const LimExec *exec, LimError *err);
/* What network i sees in y [3][size][size]; a missing one sees nothing. */
LimStatus lim_scenes_see(const LimScenesStage *s, int i, const float *y, const LimExec *exec,
                         LimSeen *seen, LimError *err);
