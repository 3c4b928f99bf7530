/* Optimisers over the trained entries of a store. State is named tensors, so that checkpoints hold
 * it. Gradients are borrowed pointers in the order of the entries. */
#pragma once

#include "base/pool.h"
#include "nn/store.h"

typedef enum LimOptimKind { LIM_OPTIM_ADAM, LIM_OPTIM_SGD } LimOptimKind;

typedef struct LimOptimParams {
    LimOptimKind kind;
    double lr;
    double beta1, beta2, eps; /* Adam (Kingma & Ba 2015), eps outside the root as in PyTorch */
    double momentum;          /* SGD */
    bool nesterov;
    double weight_decay; /* L2 added to the gradient */
} LimOptimParams;

typedef struct LimOptim LimOptim;

/* For the given entries of the store (borrowed), in this order. */
LimOptim *lim_optim_new(LimStore *store, const int *entries, int n);
void lim_optim_free(LimOptim *o);
/* One step; grad[i] may be NULL (left alone). Increments the step count. */
void lim_optim_step(LimOptim *o, const LimOptimParams *p, const float *const *grad, LimPool *pool);
int64_t lim_optim_steps(const LimOptim *o);
void lim_optim_write(LimOptim *o, LimStWriter *w, const char *prefix);
LimStatus lim_optim_read(LimOptim *o, const LimStFile *f, const char *prefix, LimError *err);

/* average = average + (value - average) (1 - decay), over all entries (parameters and buffers). */
void lim_store_average(LimStore *average, LimStore *value, double decay);
