/* An attack that can be gone on with, step by step, and is recorded; and the tasks that make one,
 * go on with it, and look at what it has found. */
#pragma once

#include "attacks/attackfile.h"
#include "metrics/amplification.h"
#include "panes/attack/bench.h"
#include "panes/attack/plan.h"
#include "panes/attack/recording.h"

/* Reference-counted (atomically). What is declared here never changes after the making. */
typedef struct LimAttackRun LimAttackRun;
LimAttackRun *lim_attack_run_ref(LimAttackRun *r);
void lim_attack_run_unref(LimAttackRun *r); /* NULL is fine */
LimBench *lim_attack_run_bench(const LimAttackRun *r);
const LimAttackPlan *lim_attack_run_plan(const LimAttackRun *r);
const char *lim_attack_run_model(const LimAttackRun *r); /* path; external: as a file says it */
/* Is a program from outside attacked? Nobody but the attack asks it then, and only labels are
 * known. */
bool lim_attack_run_external(const LimAttackRun *r);
LimPredictor *lim_attack_run_predictor(const LimAttackRun *r); /* the classifier alone */
LimShape lim_attack_run_shape(const LimAttackRun *r);          /* {c, h, w} */
const float *lim_attack_run_clean(const LimAttackRun *r);      /* [c][h][w] in [0,1] */
int lim_attack_run_classes(const LimAttackRun *r);
const char *lim_attack_run_class_name(const LimAttackRun *r, int k);
int lim_attack_run_right(const LimAttackRun *r);        /* the right class */
const char *lim_attack_run_what(const LimAttackRun *r); /* "sample picture 3" */
int lim_attack_run_pictures(const LimAttackRun *r);     /* in the data set; 0: own */
LimNorm lim_attack_run_norm(const LimAttackRun *r);
const LimRecording *lim_attack_run_recording(const LimAttackRun *r); /* any thread */
/* The step of the Boundary Attack that a frame shows, of *n so far; -1: none. Any thread. */
int lim_attack_run_step(const LimAttackRun *r, int frame, int *n);
size_t lim_attack_run_bytes(const LimAttackRun *r);           /* that its film takes */
bool lim_attack_run_ended(const LimAttackRun *r);             /* any thread */
LimAttackStatus lim_attack_run_status(const LimAttackRun *r); /* any thread */
/* The 8-bit picture of the result: what an exported PNG shows. */
typedef struct LimNearest8 {
    bool asked, fools;
    int label; /* -1: not asked */
    double l2;
    const float *image; /* [c][h][w], borrowed; NULL while the attack has not ended */
} LimNearest8;
LimNearest8 lim_attack_run_nearest8(const LimAttackRun *r); /* any thread */

/* On the worker thread: the classes and their confidences for pictures [n][c][h][w], any n; not
 * counted. What is asked is what is attacked: with setup.through the classifier behind the
 * denoiser. probability [n][classes] may be NULL. */
LimStatus lim_attack_run_ask(LimAttackRun *r, const LimExec *exec, const float *x, int n,
                             int *label, float *confidence, float *probability, LimError *err);

/* Has the run a denoiser? */
bool lim_attack_run_defended(const LimAttackRun *r); /* any thread */
/* On the worker thread: x [c][h][w] in [0,1] denoised, not clipped, to out (may be x); by: the
 * run's denoiser, or any other of the bench. */
LimStatus lim_attack_run_denoise(const LimAttackRun *r, LimDenoiser *by, const LimExec *exec,
                                 const float *x, float *out, LimError *err);
/* On the worker thread: the relative error of every layer of the classifier alone, of each picture
 * of x [n][c][h][w] against the clean one; ratio has room for LIM_AMPLIFICATION_LAYERS a picture,
 * and gets as many as the amplifier has layers, without gaps. */
LimStatus lim_attack_run_amplification(LimAttackRun *r, const LimExec *exec, const float *x, int n,
                                       double *ratio, LimError *err);
/* Its layers; borrowed. */
const LimAmplifier *lim_attack_run_amplifier(const LimAttackRun *r);

/* ---- tasks ---- */

/* Lists classifiers. */
typedef struct LimListTask {
    LimTask base;
    LimBench *bench;
    /* After LIM_STEP_DONE; borrowed from the bench: */
    const char *const *paths, *const *denoisers;
    int n, n_denoisers;
} LimListTask;
LimTask *lim_list_task_new(LimBench *bench);

/* Loads model and picture, and begins the attack. from: another attack or NULL; what both have in
 * common (before a restart, or before a larger budget) is taken from there, not made again. */
LimTask *lim_begin_task_new(LimBench *bench, const LimAttackPlan *plan, LimAttackRun *from);
LimAttackRun *lim_begin_task_steal(LimTask *t); /* after LIM_STEP_DONE, once */

/* Goes on until there are `frames` frames, or (accepted) until a proposal is accepted, or the
 * attack ends. */
LimTask *lim_advance_task_new(LimAttackRun *run, int frames, bool accepted);

/* A picture judged as a float picture and after rounding to 8 bit. */
typedef struct LimJudged {
    float *probability; /* [classes]; NULL: only the label is known */
    int label;          /* -1: not known */
    bool fools;
    double l2, linf, mse; /* from the clean picture */
} LimJudged;

typedef struct LimLookTask {
    LimTask base;
    LimAttackRun *run;
    int frame;
    /* After LIM_STEP_DONE: */
    float *clean;    /* [classes]; NULL: only the label is known */
    int clean_label; /* -1: not known */
    LimJudged as_is, rounded;
    float *picture;     /* denoised, [c][h][w] in [0,1] and a little beyond; NULL: no denoiser */
    LimJudged denoised; /* what the classifier says of it; its distances are from the clean one */
} LimLookTask;
LimTask *lim_look_task_new(LimAttackRun *run, int frame);

/* Goes on to the end of the attack and writes its result: path.png, path.npy. */
LimTask *lim_save_task_new(LimAttackRun *run, const char *path);

/* Reads what a PNG says of the attack that made it. */
typedef struct LimReadTask {
    LimTask base;
    char *path;
    LimAttackRead read; /* after LIM_STEP_DONE */
} LimReadTask;
LimTask *lim_read_task_new(const char *path);
