/* What a kernel of an op sees of one node of a graph. */
#pragma once

#include "tensor/tensor.h"

#include <stdbool.h>

#define LIM_OP_MAX_IN  6
#define LIM_OP_MAX_OUT 5

/* What run() sees. Pointers are float (or double in the f64 reference), int32_t for LIM_I32 values.
 * in[i] is NULL for an absent optional input; every out[i] has memory. */
typedef struct LimNodeRun {
    LimShape in_shape[LIM_OP_MAX_IN];
    LimShape out_shape[LIM_OP_MAX_OUT];
    const void *in[LIM_OP_MAX_IN];
    void *out[LIM_OP_MAX_OUT];
    const void *params;
    void *scratch;                /* scratch() bytes */
    void *prepared;               /* prepared() bytes; NULL when there are none */
    bool constant_weights;        /* in[1] stays the same from run to run */
    bool relu, pool;              /* what follows and is done on the way out, see LimOpDef.fuse */
    bool blocked_in, blocked_out; /* in[0], out[0] lie in blocks of channels, see LimOpDef.block */
} LimNodeRun;

/* The two compilations of the reference in kernels/ref. */
#define LIM_REF_DECLARE(name)                       \
    void lim_ref_##name##_f32(const LimNodeRun *n); \
    void lim_ref_##name##_f64(const LimNodeRun *n)
