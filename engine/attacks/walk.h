/* The Boundary Attack on one picture, as a dialogue: lim_walk_next() gives the picture to ask
 * about, lim_walk_answer() takes what the model said. Private to boundary.c.
 *
 * A walk is a pure function of its setup and the answers. Its random numbers come from positions of
 * a stream, a proposal each, so a walk that is copied goes on like the original. */
#pragma once

#include "attacks/boundary.h"
#include "kernels/kernels.h"

enum { LIM_WALK_LIMEN, LIM_WALK_ORIGINAL, LIM_WALK_FOOLBOX };

typedef struct LimWalkParams {
    int bookkeeping;
    double delta, epsilon, adaptation;
    double distance; /* stops here; 0: never */
    int steps;       /* and after so many questions; 0: never */
    char restarts[LIM_TEXT_MAX];
} LimWalkParams;

/* After the answer to that step the walk takes its random numbers from another stream. */
typedef struct LimWalkRestart {
    int step;
    uint32_t way;
} LimWalkRestart;
#define LIM_WALK_RESTARTS 24 /* their text fits into LIM_TEXT_MAX */
/* "120:1,300:2" -> restart [LIM_WALK_RESTARTS], *n. LIM_E_PARAM: not of that form. */
LimStatus lim_walk_parse_restarts(const char *text, LimWalkRestart *restart, int *n, LimError *err);

/* What does not change; everything is borrowed. */
typedef struct LimWalkSetup {
    LimWalkParams params;
    LimWalkRestart restart[LIM_WALK_RESTARTS]; /* of the params */
    int n_restarts;
    int h, w;
    size_t size;           /* c h w */
    const float *original; /* [size] */
    int32_t label, target; /* the right class; target -1: none */
    const float *start;    /* [size] or NULL */
    const float *pool;     /* [n_pool][size] */
    const int32_t *pool_label;
    int n_pool;
    uint64_t seed;
} LimWalkSetup;

/* Outcomes of the last questions, as many as fit. */
typedef struct LimWalkQueue {
    int n, next;
    bool outcome[100];
} LimWalkQueue;

#define LIM_WALK_BUFFERS 6
typedef struct LimWalk {
    const LimWalkSetup *setup;
    const LimStepKernels *steps;
    uint64_t stream;
    int restarts;         /* that were made */
    LimBoundaryStep step; /* what is known; the last question */
    int tried;            /* starts, then places on the line, then candidates of a proposal */
    int questions;        /* answered */
    int64_t draw;         /* proposals drawn */
    double low, high;     /* shares of the start on the line towards it: refused, accepted */
    LimWalkQueue orthogonal, source;
    double orthogonal_mean, source_mean; /* moving averages of "limen" */
    int refused;                         /* proposals in a row */
    int32_t current_label;
    bool converged, done;
    bool pending; /* asked, not answered */
    bool both;    /* this proposal's orthogonal step is asked about too */
    /* LIM_WALK_BUFFERS of them: */
    float *start, *current, *asked, *sphere, *memory, *eta; /* [size] each */
} LimWalk;

void lim_walk_init(LimWalk *w, const LimWalkSetup *setup, uint64_t stream);
void lim_walk_clear(LimWalk *w);
void lim_walk_copy(LimWalk *to, const LimWalk *from); /* `to` is initialised; it
                                                       * keeps its setup */
/* Prepares w->asked and w->step.kind; false: there is nothing more to ask (w->done). */
bool lim_walk_next(LimWalk *w);
/* Fills in w->step. */
void lim_walk_answer(LimWalk *w, int32_t label);
