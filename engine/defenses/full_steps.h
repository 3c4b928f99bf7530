/* Adversarial pictures as the test sets of Liao et al. 2018 (section 5) have them: FGSM or its
 * iteration with a fixed number of steps of epsilon / steps, all of which are taken whether the
 * picture fools already or not, away from what the attacked model says of the clean picture. Where
 * an attack looks for the closest picture that fools its own victim, these use the whole epsilon,
 * which is what a denoiser, and another classifier, are tested with. */
#pragma once

#include "attacks/victim.h"

/* clean and out [n][c][h][w] in [0,1] (out is not clean); steps >= 1. The victim must give
 * gradients and count this as an attack on n pictures: 1 query for the label, then a query and a
 * gradient for each step. */
LimStatus lim_full_steps(LimVictim *v, const LimExec *exec, double epsilon, int steps,
                         const float *clean, int n, float *out, LimError *err);
