/* Sums of perturbations that were made on several networks (Xie et al. 2017, fused perturbations):
 * what fools each of them alone is added, with a weight for each. */
#pragma once

#include "attacks/dag.h"

#define LIM_DAG_WEIGHT_MAX 10

typedef struct LimDagFusion {
    char weights[LIM_TEXT_MAX]; /* "1,0.5": of each network; "": 1 each */
    bool permuted;              /* the control: rows in another order */
} LimDagFusion;
extern const LimParamSpec lim_dag_fusion_schema[];

/* The weights of n networks, of any locale. LIM_E_PARAM for another number of them, or what is no
 * number from 0 to LIM_DAG_WEIGHT_MAX. */
LimStatus lim_dag_weights(const char *text, int n, double *weight, LimError *err);
/* out = sum weight[i] r[i] [3][size][size], as floats; n may be 0. */
void lim_dag_sum(const float *const *r, const double *weight, int n, int size, float *out);
