/* Ops on one value at a time, and the sums over all values. */
#include "ops/ops.h"
#include "kernels/params.h"
#include "ops/run.h"

#include <math.h>

LIM_REF_DECLARE(add);
LIM_REF_DECLARE(sub);
LIM_REF_DECLARE(mul);
LIM_REF_DECLARE(affine);
LIM_REF_DECLARE(fill_like);
LIM_REF_DECLARE(relu);
LIM_REF_DECLARE(relu_grad);
LIM_REF_DECLARE(tanh);
LIM_REF_DECLARE(tanh_grad);
LIM_REF_DECLARE(abs);
LIM_REF_DECLARE(abs_grad);
LIM_REF_DECLARE(sum);
LIM_REF_DECLARE(dot);
LIM_REF_DECLARE(scale_by);
LIM_REF_DECLARE(expand_like);
LIM_REF_DECLARE(lerp);

extern const LimOpDef lim_op_add, lim_op_sub, lim_op_mul, lim_op_affine, lim_op_fill_like,
    lim_op_relu, lim_op_relu_grad, lim_op_tanh, lim_op_tanh_grad, lim_op_abs, lim_op_abs_grad,
    lim_op_sum, lim_op_dot, lim_op_scale_by, lim_op_expand_like, lim_op_lerp;

/* ---- shape rules ----------------------------------------------------------------------------- */

static LimStatus
infer_same1(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = in[0];
    return LIM_OK;
}

static LimStatus
infer_same2(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = in[0];
    return lim_want(lim_shape_equal(in[0], in[1]), err, "the two shapes differ");
}

static LimStatus
infer_sum1(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = LIM_SHAPE1(1);
    return LIM_OK;
}

static LimStatus
infer_sum2(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = LIM_SHAPE1(1);
    return lim_want(lim_shape_equal(in[0], in[1]), err, "the two shapes differ");
}

static LimStatus
infer_scale(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = in[0];
    return lim_want(lim_shape_size(in[1]) == 1, err, "the factor is not one element");
}

static LimStatus
infer_expand(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = in[1];
    return lim_want(lim_shape_size(in[0]) == 1, err, "the value is not one element");
}

static LimStatus
infer_lerp(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = in[0];
    return lim_want(lim_shape_equal(in[0], in[1]) && lim_shape_size(in[2]) == 1, err,
                    "needs two equal shapes and one element");
}

/* ---- fast runs: simple loops that the compiler vectorises ----------------------------------- */

#define RUN(name, expression)                                                              \
    static void name##_chunk(const void *ctx, int64_t from, int64_t to)                    \
    {                                                                                      \
        const LimNodeRun *n = ctx;                                                         \
        const float *a = n->in[0], *b = n->in[1];                                          \
        float *y = n->out[0];                                                              \
        (void)b;                                                                           \
        for (int64_t i = from; i < to; i++)                                                \
            y[i] = (expression);                                                           \
    }                                                                                      \
    static void name##_run(const LimNodeRun *n, const LimExec *exec)                       \
    {                                                                                      \
        lim_each_chunk(exec, lim_shape_size(n->out_shape[0]), LIM_CHUNK, name##_chunk, n); \
    }

RUN(sub, a[i] - b[i])
RUN(mul, a[i] * b[i])
RUN(tanh, tanhf(a[i]))
RUN(tanh_grad, b[i] * (1 - a[i] * a[i]))
RUN(abs, fabsf(a[i]))
RUN(scale_by, a[i] * b[0])
RUN(expand_like, a[0])

#define RUN_PARAM(name, type, setup, expression)                                           \
    static void name##_chunk(const void *ctx, int64_t from, int64_t to)                    \
    {                                                                                      \
        const LimNodeRun *n = ctx;                                                         \
        const type *p = n->params;                                                         \
        const float *a = n->in[0], *b = n->in[1];                                          \
        float *y = n->out[0];                                                              \
        setup;                                                                             \
        (void)b;                                                                           \
        for (int64_t i = from; i < to; i++)                                                \
            y[i] = (expression);                                                           \
    }                                                                                      \
    static void name##_run(const LimNodeRun *n, const LimExec *exec)                       \
    {                                                                                      \
        lim_each_chunk(exec, lim_shape_size(n->out_shape[0]), LIM_CHUNK, name##_chunk, n); \
    }

RUN_PARAM(affine, LimAffineParams, const float scale = (float)p->scale;
          const float shift = (float)p->shift, a[i] * scale + shift)

/* ---- fast runs over the row kernels --------------------------------------------------------- */

typedef struct RowRun {
    const LimNodeRun *n;
    const LimRowKernels *rows;
} RowRun;

#define RUN_ROWS(name, call)                                                                  \
    static void name##_chunk(const void *ctx, int64_t from, int64_t to)                       \
    {                                                                                         \
        const LimNodeRun *n = ((const RowRun *)ctx)->n;                                       \
        const LimRowKernels *rows = ((const RowRun *)ctx)->rows;                              \
        const float *a = (const float *)n->in[0] + from, *b = (const float *)n->in[1] + from; \
        float *y = (float *)n->out[0] + from;                                                 \
        (void)b;                                                                              \
        call;                                                                                 \
    }                                                                                         \
    static void name##_run(const LimNodeRun *n, const LimExec *exec)                          \
    {                                                                                         \
        lim_each_chunk(exec, lim_shape_size(n->out_shape[0]), LIM_CHUNK, name##_chunk,        \
                       &(RowRun){n, exec->kernels->rows});                                    \
    }

RUN_ROWS(add, rows->add(a, b, y, to - from))
RUN_ROWS(relu, rows->relu(a, y, to - from, (float)((const LimReluParams *)n->params)->slope))
RUN_ROWS(relu_grad,
         rows->relu_grad(a, b, y, to - from, (float)((const LimReluParams *)n->params)->slope))

/* Sums over everything: one partial sum per chunk, in scratch, then in order. */
static size_t
partials(const LimNodeRun *n, const LimExec *exec)
{
    return (size_t)(lim_shape_size(n->in_shape[0]) / LIM_CHUNK + 1) * sizeof(double);
}

static void
sum_chunk(const void *ctx, int64_t from, int64_t to)
{
    const LimNodeRun *n = ((const RowRun *)ctx)->n;
    ((double *)n->scratch)[from / LIM_CHUNK] =
        ((const RowRun *)ctx)->rows->sum((const float *)n->in[0] + from, to - from);
}

static void
dot_chunk(const void *ctx, int64_t from, int64_t to)
{
    const LimNodeRun *n = ((const RowRun *)ctx)->n;
    ((double *)n->scratch)[from / LIM_CHUNK] =
        ((const RowRun *)ctx)
            ->rows->dot((const float *)n->in[0] + from, (const float *)n->in[1] + from, to - from);
}

static void
reduce(const LimNodeRun *n, const LimExec *exec,
       void (*fn)(const void *ctx, int64_t from, int64_t to))
{
    const int64_t total = lim_shape_size(n->in_shape[0]);
    lim_each_chunk(exec, total, LIM_CHUNK, fn, &(RowRun){n, exec->kernels->rows});
    double s = 0;
    for (int64_t from = 0; from < total; from += LIM_CHUNK)
        s += ((double *)n->scratch)[from / LIM_CHUNK];
    *(float *)n->out[0] = (float)s;
}

static void
sum_run(const LimNodeRun *n, const LimExec *exec)
{
    reduce(n, exec, sum_chunk);
}

static void
dot_run(const LimNodeRun *n, const LimExec *exec)
{
    reduce(n, exec, dot_chunk);
}

/* ---- gradients ------------------------------------------------------------------------------- */

#define GRAD(name)                                                                         \
    static void name(LimGraph *g, const LimVal *in, const LimVal *out, const LimVal *dout, \
                     const bool *wanted, LimVal *din, const void *params)

GRAD(add_grad)
{
    din[0] = dout[0];
    din[1] = dout[0];
}

GRAD(sub_grad)
{
    din[0] = dout[0];
    if (wanted[1])
        din[1] = lim_affine(g, dout[0], -1, 0);
}

GRAD(mul_grad)
{
    if (wanted[0])
        din[0] = lim_mul(g, dout[0], in[1]);
    if (wanted[1])
        din[1] = lim_mul(g, dout[0], in[0]);
}

GRAD(affine_grad)
{
    din[0] = lim_affine(g, dout[0], ((const LimAffineParams *)params)->scale, 0);
}

GRAD(no_grad)
{
}

GRAD(relu_grad_of)
{
    din[0] = lim_graph_add(g, &lim_op_relu_grad, (LimVal[]){out[0], dout[0]}, params, NULL);
}

/* linear in dy; its derivative in the mask is zero almost everywhere */
GRAD(relu_grad_grad)
{
    if (wanted[1])
        din[1] = lim_graph_add(g, &lim_op_relu_grad, (LimVal[]){in[0], dout[0]}, params, NULL);
}

GRAD(tanh_grad_of)
{
    din[0] = lim_graph_add(g, &lim_op_tanh_grad, (LimVal[]){out[0], dout[0]}, NULL, NULL);
}

/* t = dy (1 - y^2): d/dy = -2 y dy, d/d(dy) = 1 - y^2 */
GRAD(tanh_grad_grad)
{
    if (wanted[0])
        din[0] = lim_affine(g, lim_mul(g, dout[0], lim_mul(g, in[0], in[1])), -2, 0);
    if (wanted[1])
        din[1] = lim_graph_add(g, &lim_op_tanh_grad, (LimVal[]){in[0], dout[0]}, NULL, NULL);
}

GRAD(abs_grad_of)
{
    din[0] = lim_graph_add(g, &lim_op_abs_grad, (LimVal[]){in[0], dout[0]}, NULL, NULL);
}

GRAD(abs_grad_grad)
{
    if (wanted[1])
        din[1] = lim_graph_add(g, &lim_op_abs_grad, (LimVal[]){in[0], dout[0]}, NULL, NULL);
}

GRAD(sum_grad)
{
    din[0] = lim_expand_like(g, dout[0], in[0]);
}

GRAD(dot_grad)
{
    if (wanted[0])
        din[0] = lim_scale_by(g, in[1], dout[0]);
    if (wanted[1])
        din[1] = lim_scale_by(g, in[0], dout[0]);
}

GRAD(scale_by_grad)
{
    if (wanted[0])
        din[0] = lim_scale_by(g, dout[0], in[1]);
    if (wanted[1])
        din[1] = lim_dot(g, dout[0], in[0]);
}

GRAD(expand_grad)
{
    if (wanted[0])
        din[0] = lim_sum(g, dout[0]);
}

/* ---- tables ---------------------------------------------------------------------------------- */

static const LimParamSpec affine_schema[] = {{.name = "scale",
                                              .label = "Scale",
                                              .help = "Factor.",
                                              .kind = LIM_REAL,
                                              .offset = offsetof(LimAffineParams, scale),
                                              .min = -1e30,
                                              .max = 1e30,
                                              .def = 1},
                                             {.name = "shift",
                                              .label = "Shift",
                                              .help = "Summand.",
                                              .kind = LIM_REAL,
                                              .offset = offsetof(LimAffineParams, shift),
                                              .min = -1e30,
                                              .max = 1e30,
                                              .def = 0},
                                             {0}};
static const LimParamSpec fill_schema[] = {{.name = "scale",
                                            .label = "Value",
                                            .help = "The value.",
                                            .kind = LIM_REAL,
                                            .offset = offsetof(LimScaleParams, scale),
                                            .min = -1e30,
                                            .max = 1e30,
                                            .def = 1},
                                           {0}};
static const LimParamSpec relu_schema[] = {{.name = "slope",
                                            .label = "Slope",
                                            .help = "Of the negative side.",
                                            .kind = LIM_REAL,
                                            .offset = offsetof(LimReluParams, slope),
                                            .min = 0,
                                            .max = 1,
                                            .def = 0},
                                           {0}};

/* One shape, a large one that spans several chunks, and one element. */
static const LimOpCase cases1[] = {{.in = {LIM_SHAPE4(2, 3, 5, 7)}, .fill = {LIM_FILL_DISTINCT}},
                                   {.in = {LIM_SHAPE2(3, 13000)}, .fill = {LIM_FILL_DISTINCT}},
                                   {.in = {LIM_SHAPE1(1)}, .fill = {LIM_FILL_DISTINCT}},
                                   {.in = {LIM_SHAPE4(16, 128, 32, 32)}, .bench = true}};
static const LimOpCase cases2[] = {
    {.in = {LIM_SHAPE4(2, 3, 5, 7), LIM_SHAPE4(2, 3, 5, 7)}, .fill = {LIM_FILL_DISTINCT}},
    {.in = {LIM_SHAPE2(3, 13000), LIM_SHAPE2(3, 13000)}, .fill = {LIM_FILL_DISTINCT}},
    {.in = {LIM_SHAPE1(1), LIM_SHAPE1(1)}, .fill = {LIM_FILL_DISTINCT}},
    {.in = {LIM_SHAPE4(16, 128, 32, 32), LIM_SHAPE4(16, 128, 32, 32)}, .bench = true}};
static const LimOpCase cases_sum[] = {{.in = {LIM_SHAPE4(2, 3, 5, 7)}, .fill = {LIM_FILL_POSITIVE}},
                                      {.in = {LIM_SHAPE2(3, 13000)}, .fill = {LIM_FILL_POSITIVE}}};
static const LimOpCase cases_affine[] = {{.in = {LIM_SHAPE2(3, 5)}, .params = "scale=-1.5 shift=2"},
                                         {.in = {LIM_SHAPE2(3, 13000)}, .params = "scale=0.25"}};
static const LimOpCase cases_relu[] = {
    {.in = {LIM_SHAPE4(2, 3, 5, 7)}, .fill = {LIM_FILL_DISTINCT}},
    {.in = {LIM_SHAPE2(3, 13000)}, .fill = {LIM_FILL_DISTINCT}, .params = "slope=0.2"},
    {.in = {LIM_SHAPE4(16, 128, 32, 32)}, .bench = true}};
static const LimOpCase cases_relu_grad[] = {{.in = {LIM_SHAPE2(5, 7), LIM_SHAPE2(5, 7)},
                                             .fill = {LIM_FILL_DISTINCT}},
                                            {.in = {LIM_SHAPE2(3, 13000), LIM_SHAPE2(3, 13000)},
                                             .fill = {LIM_FILL_DISTINCT},
                                             .params = "slope=0.2"}};
static const LimOpCase cases_scale[] = {{.in = {LIM_SHAPE4(2, 3, 5, 7), LIM_SHAPE1(1)}},
                                        {.in = {LIM_SHAPE2(3, 13000), LIM_SHAPE1(1)}}};
static const LimOpCase cases_expand[] = {{.in = {LIM_SHAPE1(1), LIM_SHAPE4(2, 3, 5, 7)}}};
static const LimOpCase cases_lerp[] = {{.in = {LIM_SHAPE1(7), LIM_SHAPE1(7), LIM_SHAPE1(1)}}};

#define CASES(c) .cases = c, .n_cases = sizeof c / sizeof *c
#define OP(op, ins, rule, gradient, ...)            \
    const LimOpDef lim_op_##op = {.name = #op,      \
                                  .n_in = ins,      \
                                  .n_out = 1,       \
                                  .infer = rule,    \
                                  LIM_REF(op),      \
                                  .grad = gradient, \
                                  __VA_ARGS__};

OP(add, 2, infer_same2, add_grad, .run = add_run, .flags = LIM_OP_INPLACE, CASES(cases2))
OP(sub, 2, infer_same2, sub_grad, .run = sub_run, .flags = LIM_OP_INPLACE, CASES(cases2))
OP(mul, 2, infer_same2, mul_grad, .run = mul_run, .flags = LIM_OP_INPLACE, CASES(cases2))
OP(affine, 1, infer_same1, affine_grad, .run = affine_run, .flags = LIM_OP_INPLACE,
   .params = affine_schema, .params_size = sizeof(LimAffineParams), CASES(cases_affine))
OP(fill_like, 1, infer_same1, no_grad, .params = fill_schema, .params_size = sizeof(LimScaleParams),
   CASES(cases1))
OP(relu, 1, infer_same1, relu_grad_of, .run = relu_run, .flags = LIM_OP_INPLACE,
   .params = relu_schema, .params_size = sizeof(LimReluParams), CASES(cases_relu))
OP(relu_grad, 2, infer_same2, relu_grad_grad, .run = relu_grad_run, .flags = LIM_OP_INPLACE,
   .params = relu_schema, .params_size = sizeof(LimReluParams), CASES(cases_relu_grad))
OP(tanh, 1, infer_same1, tanh_grad_of, .run = tanh_run, .flags = LIM_OP_INPLACE, CASES(cases1))
OP(tanh_grad, 2, infer_same2, tanh_grad_grad, .run = tanh_grad_run, .flags = LIM_OP_INPLACE,
   CASES(cases2))
OP(abs, 1, infer_same1, abs_grad_of, .run = abs_run, .flags = LIM_OP_INPLACE, CASES(cases1))
OP(abs_grad, 2, infer_same2, abs_grad_grad, CASES(cases2))
OP(sum, 1, infer_sum1, sum_grad, .run = sum_run, .scratch = partials, CASES(cases_sum))
OP(dot, 2, infer_sum2, dot_grad, .run = dot_run, .scratch = partials, CASES(cases2))
OP(scale_by, 2, infer_scale, scale_by_grad, .run = scale_by_run, .flags = LIM_OP_INPLACE,
   CASES(cases_scale))
OP(expand_like, 2, infer_expand, expand_grad, .run = expand_like_run, CASES(cases_expand))
OP(lerp, 3, infer_lerp, NULL, .flags = LIM_OP_INPLACE, CASES(cases_lerp))

/* ---- builders -------------------------------------------------------------------------------- */

LimVal
lim_add(LimGraph *g, LimVal a, LimVal b)
{
    return lim_graph_add(g, &lim_op_add, (LimVal[]){a, b}, NULL, NULL);
}

LimVal
lim_sub(LimGraph *g, LimVal a, LimVal b)
{
    return lim_graph_add(g, &lim_op_sub, (LimVal[]){a, b}, NULL, NULL);
}

LimVal
lim_mul(LimGraph *g, LimVal a, LimVal b)
{
    return lim_graph_add(g, &lim_op_mul, (LimVal[]){a, b}, NULL, NULL);
}

LimVal
lim_affine(LimGraph *g, LimVal x, double scale, double shift)
{
    return lim_graph_add(g, &lim_op_affine, &x, &(LimAffineParams){scale, shift}, NULL);
}

LimVal
lim_fill_like(LimGraph *g, LimVal like, double value)
{
    return lim_graph_add(g, &lim_op_fill_like, &like, &(LimScaleParams){value}, NULL);
}

LimVal
lim_relu(LimGraph *g, LimVal x, double slope)
{
    return lim_graph_add(g, &lim_op_relu, &x, &(LimReluParams){slope}, NULL);
}

LimVal
lim_tanh(LimGraph *g, LimVal x)
{
    return lim_graph_add(g, &lim_op_tanh, &x, NULL, NULL);
}

LimVal
lim_abs(LimGraph *g, LimVal x)
{
    return lim_graph_add(g, &lim_op_abs, &x, NULL, NULL);
}

LimVal
lim_sum(LimGraph *g, LimVal x)
{
    return lim_graph_add(g, &lim_op_sum, &x, NULL, NULL);
}

LimVal
lim_mean(LimGraph *g, LimVal x)
{
    return lim_affine(g, lim_sum(g, x), 1.0 / (double)lim_shape_size(lim_graph_shape(g, x)), 0);
}

LimVal
lim_dot(LimGraph *g, LimVal a, LimVal b)
{
    return lim_graph_add(g, &lim_op_dot, (LimVal[]){a, b}, NULL, NULL);
}

LimVal
lim_scale_by(LimGraph *g, LimVal x, LimVal s)
{
    return lim_graph_add(g, &lim_op_scale_by, (LimVal[]){x, s}, NULL, NULL);
}

LimVal
lim_expand_like(LimGraph *g, LimVal s, LimVal like)
{
    return lim_graph_add(g, &lim_op_expand_like, (LimVal[]){s, like}, NULL, NULL);
}

LimVal
lim_lerp(LimGraph *g, LimVal a, LimVal b, LimVal m)
{
    return lim_graph_add(g, &lim_op_lerp, (LimVal[]){a, b, m}, NULL, NULL);
}

/* with a = |x|: r = max(0, a - 1), and the rest of a squared */
LimVal
lim_smooth_l1(LimGraph *g, LimVal x)
{
    LimVal a = lim_abs(g, x);
    LimVal r = lim_relu(g, lim_affine(g, a, 1, -1), 0);
    LimVal c = lim_sub(g, a, r);
    return lim_add(g, lim_affine(g, lim_mul(g, c, c), 0.5, 0), r);
}
