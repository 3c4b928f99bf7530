/* A classifier under attack: the only way from an attack to a model, and the exact count of what
 * was asked of it.
 *
 * Pictures are float [n][c][h][w] in [0,1]. What is asked belongs to a picture of the attack: owner
 * [n] says which (NULL: row i belongs to picture i), and its query counter rises by one for every
 * row whose output was computed, its gradient counter by one for every backward pass. Nothing is
 * counted when a call fails. A budget is a bound on the queries of each picture; asking beyond it
 * is a bug (asserted), so an attack looks at lim_victim_left() first.
 *
 * Access says how much an attack is told: the decision only, all logits, or gradients too. */
#pragma once

#include "models/predictor.h"
#include "run/exec.h"

typedef enum LimAccess {
    LIM_ACCESS_LABEL,   /* lim_victim_labels() */
    LIM_ACCESS_LOGITS,  /* ... and lim_victim_logits() */
    LIM_ACCESS_GRADIENT /* ... and the gradients */
} LimAccess;

/* The functions to differentiate; label [n] names the class they are about. */
typedef enum LimVictimLoss {
    LIM_LOSS_CROSS_ENTROPY, /* -log softmax(z)[label] */
    LIM_LOSS_MARGIN,        /* z[label] - max of the others */
    LIM_LOSSES
} LimVictimLoss;

typedef struct LimVictim LimVictim;

/* How a kind of model answers; see victim.c (a network of ours) and oracle.c (a program). What a
 * model cannot do is NULL. n is at most LIM_VICTIM_BATCH. */
#define LIM_VICTIM_BATCH 64
typedef struct LimVictimClass {
    LimStatus (*labels)(LimVictim *v, const LimExec *exec, const float *x, int n, int32_t *label,
                        LimError *err);
    LimStatus (*logits)(LimVictim *v, const LimExec *exec, const float *x, int n, float *logits,
                        LimError *err);
    LimStatus (*loss_gradient)(LimVictim *v, const LimExec *exec, LimVictimLoss loss,
                               double temperature, const float *x, const int32_t *label, int n,
                               float *value, float *logits, float *gradient, LimError *err);
    LimStatus (*jacobian)(LimVictim *v, const LimExec *exec, const float *x, int n, float *logits,
                          float *jacobian, LimError *err);
    void (*free)(LimVictim *v);
    /* Its labels come one by one, each told to LimVictim.heard, and do not depend on what else is
     * asked with them. Otherwise those of a batch come together. */
    bool one_by_one;
} LimVictimClass;

/* The first member of every kind. */
struct LimVictim {
    const LimVictimClass *klass;
    LimAccess access;
    LimShape image; /* {c, h, w} */
    int classes;
    int pictures;                 /* of the running attack */
    int64_t budget;               /* queries per picture; 0: no bound */
    int64_t *queries, *gradients; /* [pictures] */
    int64_t recalled; /* rows that a record answered and no model: they say nothing of its speed */
    bool stopped;     /* a person ended the attack early: what is asked now is not of its search */
    void (*heard)(void *ctx, int row, int32_t label); /* see one_by_one; or NULL */
    void *heard_ctx;
};

/* A network of ours; the predictor is borrowed. With LIM_ACCESS_LABEL it is as mute as a program
 * from outside. */
LimVictim *lim_victim_new(LimPredictor *predictor, LimAccess access);
void lim_victim_free(LimVictim *v); /* NULL is fine */

/* Begins an attack on that many pictures: all counters are 0. */
void lim_victim_begin(LimVictim *v, int pictures, int64_t budget);
/* Queries that picture may still ask; INT64_MAX without a budget. */
int64_t lim_victim_left(const LimVictim *v, int picture);

/* The class with the largest logit, the first of equals. */
int32_t lim_victim_seen(const LimVictim *v, const float *logits);
/* label [n] receives the class with the largest logit (the first of equals). */
LimStatus lim_victim_labels(LimVictim *v, const LimExec *exec, const float *x, const int *owner,
                            int n, int32_t *label, LimError *err);
/* logits [n][classes] */
LimStatus lim_victim_logits(LimVictim *v, const LimExec *exec, const float *x, const int *owner,
                            int n, float *logits, LimError *err);
/* gradient [n][c][h][w] of the loss of logits / temperature by the picture in [0,1]; value [n] and
 * logits [n][classes] may be NULL. One query and one gradient a row. temperature 1: the loss as the
 * model has it; a distilled model's gradients come back at its own (papers: defensive
 * distillation). */
LimStatus lim_victim_loss_gradient(LimVictim *v, const LimExec *exec, LimVictimLoss loss,
                                   double temperature, const float *x, const int *owner,
                                   const int32_t *label, int n, float *value, float *logits,
                                   float *gradient, LimError *err);
/* jacobian [n][classes][c][h][w]: the gradient of every logit. One query and `classes` gradients a
 * row. */
LimStatus lim_victim_jacobian(LimVictim *v, const LimExec *exec, const float *x, const int *owner,
                              int n, float *logits, float *jacobian, LimError *err);
