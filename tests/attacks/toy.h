/* A classifier whose boundary is known: logits W x + b. The distance of x to the boundary between
 * the classes i and k is |(w_i - w_k) x + b_i - b_k| / |w_i - w_k|. */
#pragma once

#include "attacks/victim.h"

/* weight [classes][size] and bias [classes] are borrowed; pictures are {1, 1, size}. */
LimVictim *toy_new(int classes, int size, const float *weight, const float *bias);
