/* The Boundary Attack (Brendel, Rauber, Bethge: "Decision-Based Adversarial Attacks", ICLR 2018),
 * in the list of attacks as "boundary", and its trace: everything that happened to one picture.
 *
 * It needs the decision only. From a picture that fools it walks along the boundary: a proposal is
 * an orthogonal step of relative length delta on the sphere around the original, then a source step
 * of relative length epsilon towards it; a proposal that fools and is strictly closer is accepted.
 * delta and epsilon follow the rates of success (boundary.c: three kinds of bookkeeping).
 *
 * The trace has one step for each question asked about the picture, in the order of asking; the
 * question about the original, which comes first, is not among them. So a picture that was asked
 * about for the trace's step i has cost i + 2 queries. Nothing of the walk depends on anything but
 * the input, the parameters and the answers; therefore the trace can show the picture of any
 * question again, and a walk that is taken back to a step goes on exactly as it did.
 *
 * Threads. The thread that steps the attack appends; any other thread may read at the same time,
 * without a lock. A step, once counted by lim_boundary_trace_n(), never changes nor moves, and
 * neither does its picture, as long as a reference to the trace is held (also after the attack is
 * freed). Going back makes a new trace and leaves the old one as it is.
 *
 * Restarts. The parameter "restarts", such as "120:1,300:2", makes the walk leave its way: after
 * step 120 its random numbers are those of way 1, after step 300 those of way 2. Up to there a walk
 * with restarts is the walk without them, which is why the trace of one can begin the other.
 *
 * Memory: 64 bytes a step, one picture for each accepted one, six for every 64th step: 25,000 steps
 * of 32 x 32 take less than 125 MB. */
#pragma once

#include "attacks/attack.h"

#define LIM_BOUNDARY_STEPS 1048576 /* a trace has at most; further ones are left out */

typedef enum LimBoundaryKind {
    /* Looking for a picture to start from: */
    LIM_BOUNDARY_GIVEN, /* the one given as the start */
    LIM_BOUNDARY_NOISE, /* uniform noise */
    LIM_BOUNDARY_BLEND, /* noise of any grain, blended with the original */
    LIM_BOUNDARY_POOL,  /* a picture of another class, or of the target's */
    /* From there towards the original: */
    LIM_BOUNDARY_SEARCH, /* on the line from the start to the original */
    /* The walk: */
    LIM_BOUNDARY_ORTHOGONAL, /* a proposal's orthogonal step alone, to know how often it fools */
    LIM_BOUNDARY_PROPOSAL,   /* orthogonal and source step */
    LIM_BOUNDARY_KINDS
} LimBoundaryKind;
extern const char *const lim_boundary_kind_names[]; /* "noise", ...; ends with NULL */

/* One question, and what was known after its answer. */
typedef struct LimBoundaryStep {
    double delta, epsilon; /* of the proposal; 0 before the walk */
    double proposed;       /* l2 distance of the picture asked about */
    double distance;       /* ... of the current picture; INFINITY: no start yet */
    /* Shares of success, over the questions since the step size last changed ("limen": moving
     * averages); NaN: none yet. orthogonal: the orthogonal step alone fools; source: the whole
     * proposal does ("original": where its orthogonal step was seen to fool). */
    float orthogonal_rate, source_rate;
    int32_t picture; /* number of the current picture: 0 is the start; -1: none yet */
    int16_t label;   /* what the model said */
    uint8_t kind;    /* LimBoundaryKind */
    bool fools;      /* the picture asked about */
    bool accepted;   /* it became the current one */
} LimBoundaryStep;

typedef struct LimBoundaryTrace LimBoundaryTrace;

/* Records that picture from now on: call it before the attack's first step. */
void lim_boundary_record(LimAttack *a, int picture);
/* Its trace, a new reference; NULL when it is not recorded (or `a` is another attack). By the
 * thread that steps. */
LimBoundaryTrace *lim_boundary_dup_trace(LimAttack *a, int picture);
LimBoundaryTrace *lim_boundary_trace_ref(LimBoundaryTrace *t);
void lim_boundary_trace_unref(LimBoundaryTrace *t); /* NULL is fine */

/* Any thread: */
int lim_boundary_trace_n(const LimBoundaryTrace *t);
const LimBoundaryStep *lim_boundary_trace_step(const LimBoundaryTrace *t, int step); /* borrowed */
/* The current picture after that step, [c][h][w], borrowed; NULL: no start yet. */
const float *lim_boundary_trace_picture(const LimBoundaryTrace *t, int step);
/* Computes the picture that step asked about, the same bytes as then, into out [c][h][w]. About a
 * millisecond. */
void lim_boundary_trace_asked(const LimBoundaryTrace *t, int step, float *out);
/* The nearest accepted step after (direction 1) or before (-1) step; -1: none. */
int lim_boundary_trace_accepted(const LimBoundaryTrace *t, int step, int direction);
size_t lim_boundary_trace_bytes(const LimBoundaryTrace *t); /* that it holds */

/* Takes a new attack on one recorded picture to where the trace t was after that step, without
 * asking again; its count of queries says what the way there has cost. t: of an attack with the
 * same input and the same parameters, except for restarts after the step, the budget and
 * lattice_queries. It stays as it is, and the new trace shares what it holds. By the thread that
 * steps. */
void lim_boundary_resume(LimAttack *a, const LimBoundaryTrace *t, int step);
/* For how many steps walks with these restarts are the same: INT_MAX when they never part. Texts
 * that are no restarts count as none. */
int lim_boundary_common(const char *restarts, const char *others);
/* out [LIM_TEXT_MAX] := restarts, and then another one after that step: those from the step on
 * are left out. LIM_E_PARAM: there are too many. */
LimStatus lim_boundary_add_restart(const char *restarts, int step, uint32_t way, char *out,
                                   LimError *err);
