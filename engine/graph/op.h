/* Everything an op is, in one struct.
 *
 * An op is a pure function from input tensors to output tensors with a shape rule, a scalar
 * reference (compiled for float and for double), a fast run over the kernels, and a gradient that
 * appends nodes to the graph. One op family per file in engine/ops; its cases are what the tests
 * and the benchmark run it on. */
#pragma once

#include "base/param.h"
#include "graph/graph.h"
#include "kernels/node.h"
#include "run/exec.h"

enum {
    LIM_OP_INPLACE = 1 << 0, /* out[0] may be in[0]'s memory */
    LIM_OP_VIEW = 1 << 1     /* out[0] is in[0]'s memory with another shape; run is never called */
};

/* A case for the harness: shapes (nd < 0: absent), parameters as "key=value key=value", and what to
 * fill the inputs with. */
typedef enum LimFill {
    LIM_FILL_NORMAL = 0,
    LIM_FILL_POSITIVE, /* 0.5 .. 1.5 */
    LIM_FILL_LABEL,    /* int32 in [0, label_below) */
    LIM_FILL_DISTINCT  /* normal, but no two values close: for max and kinks */
} LimFill;
typedef struct LimOpCase {
    LimShape in[LIM_OP_MAX_IN];
    LimFill fill[LIM_OP_MAX_IN];
    const char *params; /* NULL: defaults */
    int label_below;
    double tolerance; /* fast against reference, relative; 0: 2e-5 */
    bool bench;       /* also timed */
} LimOpCase;
#define LIM_ABSENT ((LimShape){-1, {0}})

struct LimOpDef {
    const char *name;
    int n_in, n_out;     /* maxima; trailing inputs may be absent if optional_from <= index */
    int optional_from;   /* 0: none optional */
    uint32_t int_inputs; /* bit i: input i is int32 */
    uint32_t flags;
    const LimParamSpec *params; /* NULL: none */
    size_t params_size;
    /* Shape rule; says what does not fit. */
    LimStatus (*infer)(const LimShape *in, const void *params, LimShape *out, LimError *err);
    /* Optional: scratch bytes. */
    size_t (*scratch)(const LimNodeRun *n, const LimExec *exec);
    /* Optional: a form of input 1 (weights), made once when they are constant and before each run
     * otherwise; bytes, 0 for none, and filler. */
    size_t (*prepared)(const LimNodeRun *n, const LimExec *exec);
    void (*prepare)(const LimNodeRun *n, const LimExec *exec);
    /* Optional: can run() also do what follows, `next`, whose only input is this op's output? Says
     * so in n. Asked for one after the other along a chain; out_shape is then the last one's.
     * Numbers must be those of the ops one by one. */
    bool (*fuse)(LimNodeRun *n, const LimOpDef *next, const void *params, const LimExec *exec);
    /* Optional: can run() write out[0] (out), or read in[0], in blocks of channels (LimConvDims)?
     * Says so in n. Asked when nobody but the op that is handed it sees the value. */
    bool (*block)(LimNodeRun *n, bool out, const LimExec *exec);
    void (*run)(const LimNodeRun *n, const LimExec *exec); /* NULL: the reference is fast enough */
    void (*ref_f32)(const LimNodeRun *n);
    void (*ref_f64)(const LimNodeRun *n);
    /* Appends nodes for d/d(in) given d/d(out): dout[i] may be invalid (nobody depends on it);
     * leave din[i] invalid where wanted[i] is false or the derivative is zero. NULL: not
     * differentiable. */
    void (*grad)(LimGraph *g, const LimVal *in, const LimVal *out, const LimVal *dout,
                 const bool *wanted, LimVal *din, const void *params);
    const LimOpCase *cases;
    size_t n_cases;
};

const LimOpDef *lim_op_find(const char *name);
size_t lim_op_count(void);
const LimOpDef *lim_op_at(size_t i);

/* Names both compilations of a reference. */
#define LIM_REF(name) .ref_f32 = lim_ref_##name##_f32, .ref_f64 = lim_ref_##name##_f64
