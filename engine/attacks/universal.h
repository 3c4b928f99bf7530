/* Universal adversarial perturbations: one v, with |v| <= xi in l2 or l-infinity, that makes a
 * classifier change its mind about most pictures (Moosavi-Dezfooli et al. 2017).
 *
 * A task (run/task.h) that goes over a set X of pictures, in another order in every pass, and
 * changes v after each batch; between passes it measures the fooling ratios on X and on pictures
 * that it does not learn from. The ratio is the share of pictures whose label at clip(x + v), to
 * [0,1], is not the model's own label at x; what is right plays no part. The best v, by the ratio
 * on X, is kept. It ends at the wanted ratio, after so many passes, or when X has not got better
 * for some of them.
 *
 * Two methods. "deepfool" is the paper's algorithm 1: a picture that v does not fool is taken over
 * the boundary by DeepFool in l2, with a step and overshoot limit of its own, and that way is added
 * to v, which is then projected. "gradient" descends on v itself: on a
 * sigmoid of the margins of the own labels.
 *
 * It can be stopped and resumed at any step with the same result, byte for byte, and the number of
 * threads does not matter. */
#pragma once

#include "attacks/attack.h"

typedef enum LimUniversalMethod {
    LIM_UNIVERSAL_DEEPFOOL,
    LIM_UNIVERSAL_GRADIENT,
    LIM_UNIVERSAL_METHODS
} LimUniversalMethod;

typedef struct LimUniversalParams {
    int method;   /* LimUniversalMethod */
    int norm;     /* LimNorm */
    double xi;    /* the bound, on the scale from 0 to 1 */
    double delta; /* ends at a ratio of 1 - delta on X */
    int passes, patience, batch;
    int steps; /* of DeepFool for one picture */
    double overshoot;
    double
        rate; /* of the gradient method: first step, as a share of xi, of v or (linf) of each value
               */
    uint64_t seed;
} LimUniversalParams;
extern const LimParamSpec lim_universal_schema[];
extern const char *const lim_universal_methods[]; /* as files say it; ends with NULL */
extern const double lim_universal_bounds[];       /* [LimNorm], what xi is unless it is said */

/* Everything is borrowed for the task's life. Pictures are [n][c][h][w] in [0,1]. */
typedef struct LimUniversalInput {
    LimVictim *victim; /* with gradients; serves nobody else meanwhile */
    uint64_t identity; /* of the model, for checkpoints: lim_predictor_hash() */
    int n;
    const float *image; /* X */
    int n_unseen;       /* 0: none */
    const float *unseen;
} LimUniversalInput;

/* After a pass; number 0 is before the first, with v = 0. */
typedef struct LimUniversalPass {
    double ratio, unseen; /* fooling ratios; unseen: NaN without such pictures */
    double l2, linf;      /* of v */
    int additions;        /* pictures that changed v in this pass */
} LimUniversalPass;

#define LIM_UNIVERSAL_RECENT 32
typedef struct LimUniversalNow {
    int pass;            /* passes that are over */
    int visited, fooled; /* pictures of this pass, and those of them that v fooled already */
    int additions;       /* of all passes: a picture changed v */
    int n_recent;        /* the last that did, newest first: numbers in X */
    int32_t recent[LIM_UNIVERSAL_RECENT];
    int64_t queries, gradients; /* asked of the model; not part of a checkpoint */
} LimUniversalNow;

typedef struct LimUniversal LimUniversal;
/* LIM_E_PARAM and one sentence when it cannot be done. */
LimUniversal *lim_universal_new(const LimUniversalParams *p, const LimUniversalInput *in,
                                LimError *err);
LimTask *lim_universal_task(LimUniversal *u);
LimShape lim_universal_shape(const LimUniversal *u); /* {c, h, w} */
/* ---- between steps and after the last ---- */
const float *lim_universal_v(const LimUniversal *u);    /* as it is now, [c][h][w] */
const float *lim_universal_best(const LimUniversal *u); /* of the pass with the highest ratio */
int lim_universal_best_pass(const LimUniversal *u);
int lim_universal_passes(const LimUniversal *u); /* entries of the history */
const LimUniversalPass *lim_universal_pass(const LimUniversal *u, int i);
LimUniversalNow lim_universal_now(const LimUniversal *u);

/* Everything that the next step depends on, back to the last whole batch. Atomic. */
LimStatus lim_universal_checkpoint(const LimUniversal *u, const char *path, LimError *err);
/* Goes on from there; before the first step. LIM_E_PARAM when it was written with other settings,
 * another model or other pictures, LIM_E_FORMAT when it is none. */
LimStatus lim_universal_resume(LimUniversal *u, const char *path, LimError *err);

/* ---- for everybody who has a v ---- */

/* Brings v [size] into the ball: l2 scales, l-infinity cuts each value. */
void lim_universal_project(LimNorm norm, double xi, float *v, size_t size);
/* v of norm xi: l-infinity +-xi, l2 a normal direction. */
void lim_universal_random(LimNorm norm, double xi, uint64_t seed, float *v, size_t size);
/* The values of v in random places: noise that has both of its norms. out may not be v. */
void lim_universal_permute(const float *v, size_t size, uint64_t seed, float *out);
/* out = clip(x + scale v) to [0,1]; [size]. out may be x. */
void lim_universal_apply(const float *x, const float *v, double scale, size_t size, float *out);
/* label [n] at clip(x + scale v); v NULL: at x. The victim's counters are begun anew. */
LimStatus lim_universal_labels(LimVictim *victim, const LimExec *exec, const float *image, int n,
                               const float *v, double scale, int32_t *label, LimError *err);
/* The share of labels that differ. */
double lim_universal_ratio(const int32_t *own, const int32_t *label, int n);

/* What noise does to the pictures that a v is measured on; everything is borrowed. */
typedef struct LimUniversalNoise {
    LimVictim *victim; /* serves nobody else during a step; its counters are begun anew */
    int n;
    const float *image; /* [n][c][h][w] */
    const int32_t *own; /* [n] labels of the clean pictures */
    const float *v;     /* permuted; NULL: random vectors of this norm: */
    LimNorm norm;
    double xi;
    uint64_t seed;
} LimUniversalNoise;
/* A task; after LIM_STEP_DONE the mean fooling ratio of five noises. */
LimTask *lim_universal_noise_new(const LimUniversalNoise *in);
double lim_universal_noise_ratio(const LimTask *task);
