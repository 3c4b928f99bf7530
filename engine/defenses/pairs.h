/* Adversarial pictures for training a denoiser, made as the training goes (Liao et al. 2018,
 * section 4.1: clean, noise, FGSM and iterated FGSM on single networks and on an ensemble).
 *
 * Of every batch one eighth stays clean, one eighth gets uniform noise, three eighths FGSM, one
 * eighth I-FGSM with 2 and two eighths with 4 steps; a batch that does not divide gives the rest to
 * the clean ones. Each attacked picture is attacked on one of the networks or on all of them (the
 * mean of their logits), drawn at random with equal chances. Its epsilon is drawn uniformly up to
 * the given one, a step is epsilon / steps, and the label that the loss moves away from is what the
 * attacked networks say of the clean picture, not the true one. */
#pragma once

#include "base/param.h"
#include "train/denoiser.h"

typedef struct LimPairSettings {
    double epsilon;          /* largest, in [0,1] */
    char nets[LIM_TEXT_MAX]; /* classifier files, separated by commas */
    uint64_t seed;
} LimPairSettings;

extern const LimParamSpec lim_pair_schema[];
#define LIM_PAIR_NETS 8

typedef struct LimPairs LimPairs;

/* channels and classes: what the networks must know. NULL and err on failure. */
LimPairs *lim_pairs_new(const LimPairSettings *p, int channels, int classes, LimError *err);
void lim_pairs_free(LimPairs *m); /* NULL is fine */
/* For the trainer; valid as long as the pairs. */
LimPairSource lim_pairs_source(LimPairs *m);

/* What becomes of row i of a batch of n: 0 clean, -1 noise, else the number of FGSM's steps. */
int lim_pairs_steps(int i, int n);
/* The epsilon of that pair of the training, above 0 and up to p->epsilon. */
double lim_pairs_epsilon(const LimPairSettings *p, uint64_t pair);
