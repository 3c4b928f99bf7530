/* What the Scenes view computes on the worker: an attack step by step, what all networks see at one
 * of its steps or of a weighted sum of perturbations, perturbations on all networks, and how they
 * transfer over many scenes. */
#pragma once

#include "panes/scenes/stage.h"
#include "run/task.h"

typedef enum LimScenesSource { LIM_SCENES_TEST, LIM_SCENES_OWN } LimScenesSource;

/* What the form says beside the attack and the scenes. */
typedef struct LimScenesSetup {
    int source;     /* LimScenesSource */
    int scene, net; /* number of the scene; network attacked */
    uint64_t seed;
    double overlay; /* opacity */
} LimScenesSetup;
extern const LimParamSpec lim_scenes_setup_schema[];

/* An attack; what is pointed at is borrowed. */
typedef struct LimScenesPlan {
    LimScenesPlace place;
    LimDagParams dag;
    int net;
    uint64_t seed;
    const int32_t *wanted; /* [size][size] that a segmenter should see; NULL: as dag says */
    int wanted_size;       /* size of wanted; 0: none */
} LimScenesPlan;
gboolean lim_scenes_plan_equal(const LimScenesPlan *a, const LimScenesPlan *b);
void lim_scenes_plan_copy(LimScenesPlan *to, const LimScenesPlan *from);
void lim_scenes_plan_clear(LimScenesPlan *p); /* of a copy */

/* ---- an attack ---- */

/* The picture after an iteration; the first is the clean one. */
typedef struct LimScenesFrame {
    int active;                  /* targets that are still right; -1: not known yet */
    double largest, perceptible; /* of [0,1] */
    const float *r;              /* [3][size][size]; borrowed from the run */
} LimScenesFrame;

/* Reference-counted (atomically). */
typedef struct LimScenesRun LimScenesRun;
LimScenesRun *lim_scenes_run_ref(LimScenesRun *r);
void lim_scenes_run_unref(LimScenesRun *r);                      /* NULL is fine */
LimScenesStage *lim_scenes_run_stage(const LimScenesRun *r);     /* borrowed */
const LimScenesPlan *lim_scenes_run_plan(const LimScenesRun *r); /* borrowed */
int lim_scenes_run_targets(const LimScenesRun *r);
/* What a segmenter should see, [size][size], borrowed; NULL: a detector is attacked. */
const int32_t *lim_scenes_run_wanted(const LimScenesRun *r);
/* Any thread. */
int lim_scenes_run_n(LimScenesRun *r);
LimScenesFrame lim_scenes_run_frame(LimScenesRun *r, int i);
gboolean lim_scenes_run_ended(LimScenesRun *r);

/* The scene, and the attack on it. Where the network attacked is missing there is a scene without
 * an attack. old: the stage that is taken over when it is of the same place, or NULL. */
typedef struct LimScenesBeginTask {
    LimTask base;
    LimScenesBench *bench;
    LimScenesPlan plan; /* a copy */
    int at;
    LimScenesStage *stage; /* after LIM_STEP_DONE; steal with g_steal_pointer() */
    LimScenesRun *run;     /* the same, or NULL: no network */
} LimScenesBeginTask;
LimTask *lim_scenes_begin_task_new(LimScenesBench *b, const LimScenesPlan *plan,
                                   LimScenesStage *old);
/* Goes on until there are so many frames, or the end. */
LimTask *lim_scenes_advance_task_new(LimScenesRun *run, int frames);

/* ---- looks ---- */

/* What all networks see in x + sum weight[i] r[i], rounded to bytes. */
typedef struct LimScenesLookTask {
    LimTask base;
    LimScenesStage *stage;
    int n, at, frame; /* frame: of the run that r[0] is of, or -1 */
    float *r[LIM_SCENES_NETS];
    double weight[LIM_SCENES_NETS];
    gboolean permute; /* rows in another order */
    uint64_t seed;
    /* after LIM_STEP_DONE */
    float *y; /* [3][size][size] */
    LimSeen seen[LIM_SCENES_NETS];
    double largest, perceptible;
} LimScenesLookTask;
/* r [n] are copied. */
LimTask *lim_scenes_look_task_new(LimScenesStage *stage, const float *const *r,
                                  const double *weight, int n, gboolean permute, uint64_t seed,
                                  int frame);

/* ---- files ---- */

/* What to write, as `limen-cli attack dag` writes it. */
typedef struct LimScenesOut {
    guint judges;     /* bits: the networks whose look at it is shown */
    gboolean permute; /* rows in another order */
    char *path;       /* of the PNG */
    char *painting;   /* the file that the command names with --wanted, or NULL */
    char *command;
} LimScenesOut;
void lim_scenes_out_clear(LimScenesOut *o);
/* Worker thread: writes the scene with sum weight[i] r[i] added. */
LimStatus lim_scenes_write(const LimScenesOut *o, LimScenesStage *s, const LimScenesPlan *plan,
                           const float *const *r, const double *weight, int n, const LimExec *exec,
                           LimError *err);
/* How far an attack on network net is that has made `step` steps of at most `most`. */
void lim_scenes_tell(LimProgress *progress, int net, int step, int most);
/* Goes on to the end of the attack, and writes it. What out points at is taken. */
LimTask *lim_scenes_save_task_new(LimScenesRun *run, const LimScenesOut *out);
/* Writes the painting of a plan, as `limen-cli attack dag --wanted` reads it, into a
 * folder that holds the latest LIM_SCENES_PAINTINGS of them; the file's name is that of its
 * content, so that a command goes on meaning what it meant. */
#define LIM_SCENES_PAINTINGS 64
char *lim_scenes_painting_dup_path(const LimScenesPlan *plan, const char *folder);
LimTask *lim_scenes_paint_task_new(const LimScenesPlan *plan, const char *path);
