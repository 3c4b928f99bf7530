/* For the scalar references only: `real` is float or double (-Dreal=...), REF(foo) opens the
 * function lim_ref_foo_f32 or lim_ref_foo_f64. Sums run in double in both. The references are
 * written from the definitions, for reading; nothing here is tuned. */
#pragma once

#include "kernels/node.h"

#include <tgmath.h>

#define REF_PASTE3(a, b, c) a##b##_##c
#define REF_PASTE(a, b, c)  REF_PASTE3(a, b, c)
#define RN(name)            REF_PASTE(lim_ref_, name, REAL_SUFFIX)
/* void lim_ref_name_f32(const LimNodeRun *n), with its prototype */
#define REF(name)                       \
    void RN(name)(const LimNodeRun *n); \
    void RN(name)(const LimNodeRun *n)

#define IN(i)   ((const real *)n->in[i])
#define OUT(i)  ((real *)n->out[i])
#define SIZE(s) lim_shape_size(s)
