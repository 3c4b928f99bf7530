/* Adversarial attacks on classifiers, many pictures at once.
 *
 * An attack is a task (run/task.h): its step does a bounded piece of work for all its pictures, and
 * the best so far of each can be read between steps. Pictures are float [n][c][h][w] in [0,1];
 * distances are in that scale. One attack is one file with a schema and one row in attacks.c.
 *
 * Success. Untargeted: the label is not the right one. Targeted: it is the target. A result is the
 * closest picture (in the attack's norm) for which the model itself said so; a picture that starts
 * out misclassified returns at once at distance 0; what does not fool is never handed out as if it
 * did: it is the best try, with that status.
 *
 * Randomness of picture i is a function of (seed, index[i]), so a result does not depend on what
 * else is in the batch. Every query, that of the start included, is counted by the victim
 * (victim.h); the two last ones judge the stored float picture again and its 8-bit picture, and
 * every attack leaves them in the budget (lim_attack_left()).
 *
 * 8 bit. A PNG of the result is another picture, and the closest ones lie so near to the boundary
 * that rounding to round(255 x) / 255 mostly undoes them. With `lattice_queries` the attack ends
 * with a search (lattice.c) for the nearest 8-bit picture that still fools. */
#pragma once

#include "attacks/victim.h"
#include "base/param.h"
#include "run/task.h"

typedef enum LimNorm { LIM_NORM_L2, LIM_NORM_LINF } LimNorm;

typedef enum LimAttackStatus {
    LIM_ATTACK_RUNNING,  /* nothing that fools was found yet */
    LIM_ATTACK_FOOLED,   /* result.image fools */
    LIM_ATTACK_ALREADY,  /* misclassified (or of the target class) before any change */
    LIM_ATTACK_NO_START, /* no picture on the other side to start from */
    LIM_ATTACK_FAILED    /* ended without: result.image is the best try */
} LimAttackStatus;
extern const char *const lim_attack_status_names[]; /* as files say it; ends with NULL */

/* What to attack. All arrays are copied by lim_attack_new(). */
typedef struct LimAttackInput {
    int n;
    const float *image;    /* [n][c][h][w] */
    const int32_t *label;  /* [n], the right classes */
    const int32_t *target; /* [n], or NULL: untargeted */
    const float *start; /* [n][c][h][w] that fool already, or NULL; for those that can use them */
    /* Pictures with their classes to fall back to as starts: [n_pool] */
    const float *pool;
    const int32_t *pool_label;
    int n_pool;
    const uint32_t *index; /* [n] names of the pictures for the random streams; NULL: 0, 1, ... */
    uint64_t seed;
    int64_t budget;          /* queries per picture; 0: no bound */
    int64_t lattice_queries; /* of the budget, kept for the 8-bit picture; 0: it is only rounded */
} LimAttackInput;

typedef struct LimAttackResult {
    LimAttackStatus status;
    const float *image;   /* [c][h][w], borrowed; the original while there is no try */
    int32_t label;        /* what the model says to image; -1: not asked */
    double l2, linf, mse; /* of image - original, from the stored floats; mse: per value */
    int64_t queries, gradients;
    /* The 8-bit picture of it: rounded, and after a lattice search the nearest that fools. */
    const float *image8; /* [c][h][w], multiples of 1/255, borrowed */
    int32_t label8;      /* -1: not asked (still running, or no budget left) */
    bool fools8;
    double l2_8, linf_8;
} LimAttackResult;

typedef struct LimAttack LimAttack;

typedef struct LimAttackClass {
    const char *name;  /* "deepfool" */
    const char *label; /* "DeepFool" */
    const char *help;  /* one or two sentences that teach */
    LimAccess access;  /* what it needs */
    bool targeted;     /* can it aim at a class? */
    const LimParamSpec *schema;
    size_t params_size;
    LimNorm (*norm)(const void *params); /* in which it looks for the closest */
    size_t size;                         /* of its LimAttack struct */
    /* What a schema cannot say of params: LIM_E_PARAM and a sentence. Optional. */
    LimStatus (*check)(const void *params, LimError *err);
    /* Called once, input and params are in place. Optional. */
    void (*begin)(LimAttack *a);
    /* One bounded piece of work over all pictures that are LIM_ATTACK_RUNNING or may get closer.
     * LIM_STEP_DONE: nothing more to do. */
    LimStep (*step)(LimAttack *a, const LimExec *exec, LimProgress *progress, LimError *err);
    void (*clear)(LimAttack *a); /* frees what begin() made; optional */
} LimAttackClass;

/* The first member of every attack's struct. */
struct LimAttack {
    LimTask task;
    const LimAttackClass *klass;
    LimVictim *victim; /* borrowed */
    void *params;      /* its own copy */
    int n;
    size_t size; /* values of a picture */
    uint64_t seed;
    float *image;            /* [n][size] */
    int32_t *label, *target; /* target NULL: untargeted */
    float *start;            /* or NULL */
    float *pool;             /* or NULL */
    int32_t *pool_label;
    int n_pool;
    uint32_t *index;
    /* the best so far */
    LimAttackStatus *status; /* [n] */
    float *best;             /* [n][size] */
    int32_t *best_label;     /* [n] */
    double *best_distance;   /* [n], in klass->norm; INFINITY: none fools */
    float *best8;            /* [n][size] */
    int32_t *label8;         /* [n] */
    int64_t lattice_queries;
    struct LimLattice *lattice; /* while that search runs */
    int stage;                  /* of the common beginning and end, see attack.c */
};

/* LIM_E_PARAM when the attack cannot be done on this victim or with these values; one sentence.
 * params: of klass->schema, copied. The victim is borrowed and serves one attack at a time. */
LimAttack *lim_attack_new(const LimAttackClass *klass, const void *params,
                          const LimAttackInput *input, LimVictim *victim, LimError *err);
static inline LimTask *
lim_attack_task(LimAttack *a)
{
    return &a->task;
}
/* Ends the search where it is: the few steps that remain judge the best so far. For a person who
 * has seen enough; the steps need an exec whose cancel flag is not raised. */
void lim_attack_stop(LimAttack *a);
/* Between steps and after the last. */
void lim_attack_result(const LimAttack *a, int picture, LimAttackResult *result);

/* The list, in the order of a menu. */
size_t lim_attack_count(void);
const LimAttackClass *lim_attack_at(size_t i);
const LimAttackClass *lim_attack_find(const char *name); /* or NULL */

/* ---- for attacks ------------------------------------------------------------------------------
 */

/* Does this label count as success for that picture? */
bool lim_attack_fools(const LimAttack *a, int picture, int32_t label);
/* Offers x, which the model gave that label: kept when it fools and is closer than what is kept, or
 * (until anything fools) as the latest try. True when it was kept as the closest that fools. */
bool lim_attack_offer(LimAttack *a, int picture, const float *x, int32_t label);
/* Takes a picture back to the search: x [c][h][w] fools and has that label, or NULL: nothing was
 * found yet; queries: what it had asked then. */
void lim_attack_rewind(LimAttack *a, int picture, const float *x, int32_t label, int64_t queries);
/* Queries that picture may still ask, the closing two taken off. */
int64_t lim_attack_left(const LimAttack *a, int picture);
/* Streams for lim_rng_...: `name` tells uses within the attack apart. */
uint64_t lim_attack_stream(const LimAttack *a, const char *name, int picture);
/* Distance from the original in the attack's norm. */
double lim_attack_distance(const LimAttack *a, int picture, const float *x);
/* The sign of every value of a gradient. What is below 1e-6 of the largest is rounding (a
 * convolution may leave it where the true value is 0) and has sign 0. */
void lim_signs(const float *gradient, float *sign, size_t n);
/* Norms of x - y over n values, summed in double. */
double lim_l2(const float *x, const float *y, size_t n);
double lim_linf(const float *x, const float *y, size_t n);
/* out = x rounded to 8 bit: round(255 x) / 255, in [0,1]. */
void lim_round8(const float *x, float *out, size_t n);
