/* The step of DeepFool, for the attack of that name and for those that have it inside. */
#pragma once

#include "attacks/attack.h"

/* The classes that are looked at as neighbours: candidate [classes] receives the `most` classes
 * with the largest logits (the first of equals), less the label's own. */
void lim_deepfool_candidates(const float *logits, int classes, int label, int most,
                             bool *candidate);
/* Adds to way [size] the step from a place with these logits [classes] and gradients jacobian
 * [classes][size] to the nearest boundary of the linear model, measured in the norm. False, and
 * the way as it was, where the gradients are 0. */
bool lim_deepfool_step(LimNorm norm, const float *logits, const float *jacobian,
                       const bool *candidate, int classes, int label, size_t size, double *way);
/* to = from + (1 + overshoot) way, within the range of pictures; [size]. */
void lim_deepfool_place(const float *from, const double *way, double overshoot, size_t size,
                        float *to);
