/* The inside of a run, for run.c, begin.c, look.c and file.c.
 *
 * The attack itself is touched by the worker thread only; what the window sees of it is the
 * recording.
 *
 * Pictures are looked at through a victim of their own, so that looking is not counted; it asks
 * one picture at a time, as the attack does, because the last bits of logits differ between
 * batches. */
#pragma once

#include "attacks/boundary.h"
#include "panes/attack/run.h"

#include <stdatomic.h>

struct LimAttackRun {
    atomic_int refs;
    LimBench *bench; /* keeps the predictor alive */
    LimAttackPlan plan;
    char *model;
    LimPredictor *predictor;
    LimDenoiser *denoiser;   /* of the bench, or NULL */
    LimPredictor *behind;    /* the predictor behind it */
    LimAmplifier *amplifier; /* of the predictor, made when it is asked for */
    LimShape shape;
    size_t size;
    float *clean;       /* [size] */
    float *probability; /* [classes], of the clean picture */
    int classes, right, pictures;
    char what[128];
    LimNorm norm;

    LimVictim *victim, *eye; /* the eye looks at what is attacked, */
    LimVictim *plain, *last; /* these at the classifier alone and behind the denoiser */
    LimAttack *attack;
    LimRecording *recording;
    LimBoundaryTrace *trace; /* of the Boundary Attack, or NULL; the recording shows its pictures */
    int traced;              /* steps of it that are recorded */
    atomic_bool ended;
    atomic_int status;
    LimNearest8 nearest8; /* once it has ended */
};

#define BEFORE_TRACE 2 /* queries when the trace has its step 0: the original came first */

/* One picture: its class, or -1. */
int lim_attack_run_look(LimAttackRun *r, LimVictim *eye, const LimExec *exec, const float *x,
                        float *probability, LimError *err);
/* What the attack has now becomes a frame; of the Boundary Attack, every step since. */
void lim_attack_run_record(LimAttackRun *r);
/* The number of its picture among those that it comes from. */
uint32_t lim_attack_run_index(const LimAttackRun *r);
