/* What the methods see of a universal perturbation that is being made. */
#pragma once

#include "attacks/universal.h"
#include "tensor/safetensors.h"

/* How v is changed by a batch of pictures. */
typedef struct LimUniversalRule {
    void *(*new)(const LimUniversal *u);
    /* A bounded piece of work on the batch u->rows. LIM_STEP_DONE: it is over, and v was changed.
     */
    LimStep (*step)(void *rule, LimUniversal *u, const LimExec *exec, LimError *err);
    /* What the next batch depends on besides v; NULL: nothing. */
    void (*write)(const void *rule, const LimUniversal *u, LimStWriter *w);
    LimStatus (*read)(void *rule, const LimUniversal *u, const LimStFile *f, const char *path,
                      LimError *err);
    void (*free)(void *rule);
} LimUniversalRule;
extern const LimUniversalRule lim_universal_deepfool, lim_universal_gradient;

struct LimUniversal {
    LimTask task;
    LimUniversalParams p;
    LimUniversalInput in;
    size_t size; /* values of a picture */
    const LimUniversalRule *rule;
    void *state;
    int32_t *own; /* [n + n_unseen]: labels of the clean pictures */
    float *v;
    int *rows; /* [batch]: numbers of the pictures of the batch */
    int n_rows;
    float *x;       /* [batch][size], clip(x + v) of the batch */
    int32_t *label; /* [batch] */

    int stage;
    int measured, changed; /* of the stage: pictures asked, and labels that differ */
    double ratio;          /* on X, while the unseen ones are measured */
    uint32_t *order;       /* [n], of the pass */
    int order_pass;
    int pass, at; /* passes that are over; pictures of this one that are done */
    int fooled, additions, pass_additions;
    int32_t recent[LIM_UNIVERSAL_RECENT]; /* a ring: addition i is at i % its length */
    float *best;
    int best_pass;
    LimUniversalPass *history; /* [capacity] */
    int n_history;
    int64_t batches; /* done */
};

/* Asks for the labels of the batch at clip(x + v): fills x and label, and counts those that are
 * fooled. */
LimStatus lim_universal_visit(LimUniversal *u, const LimExec *exec, LimError *err);
/* Row k of the batch changed v. */
void lim_universal_added(LimUniversal *u, int k);
/* Steps of one pass, and of all. */
int lim_universal_batches(const LimUniversal *u);
