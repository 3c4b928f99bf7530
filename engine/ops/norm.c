/* Batch normalisation with an optional ReLU, and per-channel sums.
 *
 * The fast runs work channel by channel: a channel of a batch of 64 at 32x32 is 256 KB and stays in
 * the second-level cache between the pass that sums and the pass that writes. Sums are taken around
 * a first guess of the mean (shifted data), so that one pass gives mean and variance without
 * cancellation. */
#include "ops/ops.h"
#include "kernels/params.h"
#include "ops/run.h"

#include <math.h>

LIM_REF_DECLARE(batch_norm);
LIM_REF_DECLARE(batch_norm_grad);
LIM_REF_DECLARE(norm_affine);
LIM_REF_DECLARE(norm_affine_grad);
LIM_REF_DECLARE(bias_add);
LIM_REF_DECLARE(channel_sum);

extern const LimOpDef lim_op_batch_norm, lim_op_batch_norm_grad, lim_op_norm_affine,
    lim_op_norm_affine_grad, lim_op_bias_add, lim_op_channel_sum;

/* [c] or [n][c] for x [n][c][h][w] */
static bool
per_channel(LimShape s, LimShape x)
{
    return (s.nd == 1 && s.d[0] == x.d[1]) || (s.nd == 2 && s.d[0] == x.d[0] && s.d[1] == x.d[1]);
}

static LimStatus
infer_norm(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    if (in[0].nd != 4 || !per_channel(in[1], in[0]) || !lim_shape_equal(in[1], in[2]))
        return lim_fail(err, LIM_E_SHAPE, "needs x [n][c][h][w], gain and bias both [c] or [n][c]");
    out[0] = in[0];
    out[1] = out[2] = LIM_SHAPE1(in[0].d[1]);
    return LIM_OK;
}

static LimStatus
infer_norm_grad(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    LimShape c = LIM_SHAPE1(in[0].d[1]);
    out[0] = in[0];
    out[1] = out[2] = in[1];
    return lim_want(in[0].nd == 4 && per_channel(in[1], in[0]) && lim_shape_equal(in[1], in[2]) &&
                        lim_shape_equal(in[3], c) && lim_shape_equal(in[4], c) &&
                        lim_shape_equal(in[5], in[0]),
                    err, "needs x, gain, bias, mean [c], var [c] and dy");
}

static LimStatus
infer_affine(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    LimShape c = LIM_SHAPE1(in[0].d[1]);
    out[0] = in[0];
    return lim_want(in[0].nd == 4 && per_channel(in[1], in[0]) && lim_shape_equal(in[1], in[2]) &&
                        lim_shape_equal(in[3], c) && lim_shape_equal(in[4], c),
                    err, "needs x [n][c][h][w], gain and bias [c] or [n][c], mean [c] and var [c]");
}

static LimStatus
infer_affine_grad(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = in[0];
    return lim_want(in[0].nd == 4 && per_channel(in[1], in[0]) &&
                        lim_shape_equal(in[2], LIM_SHAPE1(in[0].d[1])) &&
                        lim_shape_equal(in[3], in[0]),
                    err, "needs y, gain [c] or [n][c], var [c] and dy");
}

static LimStatus
infer_bias(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = in[0];
    return lim_want(in[0].nd >= 2 && lim_shape_equal(in[1], LIM_SHAPE1(in[0].d[1])), err,
                    "the bias does not have one value per channel");
}

static LimStatus
infer_channel_sum(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = LIM_SHAPE1(in[0].d[1]);
    return lim_want(in[0].nd >= 2, err, "needs [n][c]..");
}

/* A channel of sample b in [n][c][hw]. */
typedef struct Layout {
    int n, c;
    int64_t hw;
} Layout;

static Layout
layout(LimShape s)
{
    return (Layout){s.d[0], s.d[1], lim_shape_size(s) / s.d[0] / s.d[1]};
}

static float
gain_at(const LimNodeRun *n, const LimNormParams *p, int input, int b, int c)
{
    const LimShape s = n->in_shape[input];
    return ((const float *)n->in[input])[s.nd == 2 ? b * s.d[1] + c : c];
}

/* A node and what it runs on, for functions on the pool. */
typedef struct NormRun {
    const LimNodeRun *n;
    const LimRowKernels *rows;
} NormRun;

static void
norm_channel(void *ctx, int c, int thread)
{
    const LimNodeRun *n = ((const NormRun *)ctx)->n;
    const LimRowKernels *rows = ((const NormRun *)ctx)->rows;
    const LimNormParams *p = n->params;
    const Layout l = layout(n->in_shape[0]);
    const float *x = n->in[0];
    const float guess = (float)(rows->sum(x + c * l.hw, l.hw) / (double)l.hw);
    double s = 0, s2 = 0;
    for (int b = 0; b < l.n; b++)
        rows->moments(x + ((int64_t)b * l.c + c) * l.hw, l.hw, guess, &s, &s2);
    const double count = (double)l.n * (double)l.hw, off = s / count;
    const double mean = (double)guess + off, var = fmax(s2 / count - off * off, 0);
    const float inv = (float)(1 / sqrt(var + p->eps));
    ((float *)n->out[1])[c] = (float)mean;
    ((float *)n->out[2])[c] = (float)var;
    for (int b = 0; b < l.n; b++) {
        const float scale = ((float)p->gain_offset + gain_at(n, p, 1, b, c)) * inv;
        const float shift = gain_at(n, p, 2, b, c) - (float)mean * scale;
        const int64_t at = ((int64_t)b * l.c + c) * l.hw;
        rows->scale_shift(x + at, (float *)n->out[0] + at, l.hw, scale, shift, p->relu);
    }
}

static void
batch_norm_run(const LimNodeRun *n, const LimExec *exec)
{
    lim_pool_for(exec->pool, n->in_shape[0].d[1], norm_channel, &(NormRun){n, exec->kernels->rows});
}

static void
norm_grad_channel(void *ctx, int c, int thread)
{
    const LimNodeRun *n = ((const NormRun *)ctx)->n;
    const LimRowKernels *rows = ((const NormRun *)ctx)->rows;
    const LimNormParams *p = n->params;
    const Layout l = layout(n->in_shape[0]);
    const float *x = n->in[0], *dy = n->in[5];
    float *dx = n->out[0], *dgain = n->out[1], *dbias = n->out[2];
    const double mean = (double)((const float *)n->in[3])[c];
    const double inv = 1 / sqrt((double)((const float *)n->in[4])[c] + p->eps);
    const double count = (double)l.n * (double)l.hw;
    const bool conditional = n->in_shape[1].nd == 2;
    double mean_t = 0, mean_tx = 0, all_g = 0, all_gx = 0;
    for (int b = 0; b < l.n; b++) {
        const int64_t at = ((int64_t)b * l.c + c) * l.hw;
        const float gain = (float)p->gain_offset + gain_at(n, p, 1, b, c);
        const float scale = gain * (float)inv;
        const float shift = gain_at(n, p, 2, b, c) - (float)mean * scale;
        double sg, sgx;
        rows->norm_grad_sums(x + at, dy + at, l.hw, scale, shift, p->relu, &sg, &sgx);
        sgx = (sgx - sg * mean) * inv; /* sum of g xhat */
        if (conditional) {
            dgain[b * l.c + c] = (float)sgx;
            dbias[b * l.c + c] = (float)sg;
        }
        all_g += sg;
        all_gx += sgx;
        mean_t += sg * (double)gain / count;
        mean_tx += sgx * (double)gain / count;
    }
    if (!conditional) {
        dgain[c] = (float)all_gx;
        dbias[c] = (float)all_g;
    }
    /* dx = inv (g gain - mean_t - xhat mean_tx) = g scale - (A x + B) */
    const float A = (float)(inv * inv * mean_tx);
    const float B = (float)(inv * mean_t - mean * inv * inv * mean_tx);
    for (int b = 0; b < l.n; b++) {
        const int64_t at = ((int64_t)b * l.c + c) * l.hw;
        const float scale = ((float)p->gain_offset + gain_at(n, p, 1, b, c)) * (float)inv;
        const float shift = gain_at(n, p, 2, b, c) - (float)mean * scale;
        rows->norm_grad(x + at, dy + at, dx + at, l.hw, scale, shift, p->relu, A, B);
    }
}

static void
batch_norm_grad_run(const LimNodeRun *n, const LimExec *exec)
{
    lim_pool_for(exec->pool, n->in_shape[0].d[1], norm_grad_channel,
                 &(NormRun){n, exec->kernels->rows});
}

static void
affine_planes(const void *ctx, int64_t from, int64_t to)
{
    const LimNodeRun *n = ((const NormRun *)ctx)->n;
    const LimRowKernels *rows = ((const NormRun *)ctx)->rows;
    const LimNormParams *p = n->params;
    const Layout l = layout(n->in_shape[0]);
    for (int64_t k = from; k < to; k++) {
        const int b = (int)(k / l.c), c = (int)(k % l.c);
        const float inv = (float)(1 / sqrt((double)((const float *)n->in[4])[c] + p->eps));
        const float scale = ((float)p->gain_offset + gain_at(n, p, 1, b, c)) * inv;
        const float shift = gain_at(n, p, 2, b, c) - ((const float *)n->in[3])[c] * scale;
        rows->scale_shift((const float *)n->in[0] + k * l.hw, (float *)n->out[0] + k * l.hw, l.hw,
                          scale, shift, p->relu);
    }
}

/* planes per chunk, so that a chunk is about LIM_CHUNK elements */
static int64_t
planes(Layout l)
{
    return l.hw >= LIM_CHUNK ? 1 : LIM_CHUNK / l.hw;
}

static void
norm_affine_run(const LimNodeRun *n, const LimExec *exec)
{
    const Layout l = layout(n->in_shape[0]);
    lim_each_chunk(exec, (int64_t)l.n * l.c, planes(l), affine_planes,
                   &(NormRun){n, exec->kernels->rows});
}

static void
affine_grad_planes(const void *ctx, int64_t from, int64_t to)
{
    const LimNodeRun *n = ctx;
    const LimNormParams *p = n->params;
    const Layout l = layout(n->in_shape[0]);
    for (int64_t k = from; k < to; k++) {
        const int b = (int)(k / l.c), c = (int)(k % l.c);
        const float inv = (float)(1 / sqrt((double)((const float *)n->in[2])[c] + p->eps));
        const float scale = ((float)p->gain_offset + gain_at(n, p, 1, b, c)) * inv;
        const float *y = (const float *)n->in[0] + k * l.hw,
                    *dy = (const float *)n->in[3] + k * l.hw;
        float *dx = (float *)n->out[0] + k * l.hw;
        for (int64_t i = 0; i < l.hw; i++)
            dx[i] = !p->relu || y[i] > 0 ? dy[i] * scale : 0;
    }
}

static void
norm_affine_grad_run(const LimNodeRun *n, const LimExec *exec)
{
    const Layout l = layout(n->in_shape[0]);
    lim_each_chunk(exec, (int64_t)l.n * l.c, planes(l), affine_grad_planes, n);
}

static void
bias_planes(const void *ctx, int64_t from, int64_t to)
{
    const LimNodeRun *n = ctx;
    const Layout l = layout(n->in_shape[0]);
    for (int64_t k = from; k < to; k++) {
        const float b = ((const float *)n->in[1])[k % l.c];
        const float *x = (const float *)n->in[0] + k * l.hw;
        float *y = (float *)n->out[0] + k * l.hw;
        for (int64_t i = 0; i < l.hw; i++)
            y[i] = x[i] + b;
    }
}

/* Planes of one value: whole samples. */
static void
bias_samples(const void *ctx, int64_t from, int64_t to)
{
    const LimNodeRun *n = ((const NormRun *)ctx)->n;
    const LimRowKernels *rows = ((const NormRun *)ctx)->rows;
    const int64_t c = layout(n->in_shape[0]).c;
    for (int64_t k = from; k < to; k++)
        rows->add((const float *)n->in[0] + k * c, n->in[1], (float *)n->out[0] + k * c, c);
}

static void
bias_add_run(const LimNodeRun *n, const LimExec *exec)
{
    const Layout l = layout(n->in_shape[0]);
    if (l.hw == 1) {
        lim_each_chunk(exec, l.n, (LIM_CHUNK + l.c - 1) / l.c, bias_samples,
                       &(NormRun){n, exec->kernels->rows});
        return;
    }
    lim_each_chunk(exec, (int64_t)l.n * l.c, planes(l), bias_planes, n);
}

/* In memory order: the sums of one sample's channels, then over the samples. */
static void
sum_sample(void *ctx, int b, int thread)
{
    const LimNodeRun *n = ((const NormRun *)ctx)->n;
    const LimRowKernels *rows = ((const NormRun *)ctx)->rows;
    const Layout l = layout(n->in_shape[0]);
    for (int64_t k = (int64_t)b * l.c; k < (int64_t)(b + 1) * l.c; k++)
        ((double *)n->scratch)[k] = rows->sum((const float *)n->in[0] + k * l.hw, l.hw);
}

static size_t
channel_sum_scratch(const LimNodeRun *n, const LimExec *exec)
{
    return (size_t)n->in_shape[0].d[0] * (size_t)n->in_shape[0].d[1] * sizeof(double);
}

static void
channel_sum_run(const LimNodeRun *n, const LimExec *exec)
{
    const Layout l = layout(n->in_shape[0]);
    lim_pool_for(exec->pool, l.n, sum_sample, &(NormRun){n, exec->kernels->rows});
    for (int c = 0; c < l.c; c++) {
        double s = 0;
        for (int b = 0; b < l.n; b++)
            s += ((const double *)n->scratch)[(int64_t)b * l.c + c];
        ((float *)n->out[0])[c] = (float)s;
    }
}

#define GRAD(name)                                                                         \
    static void name(LimGraph *g, const LimVal *in, const LimVal *out, const LimVal *dout, \
                     const bool *wanted, LimVal *din, const void *params)

GRAD(norm_grad)
{
    LimVal d[LIM_OP_MAX_OUT];
    if (lim_val_ok(dout[1]) || lim_val_ok(dout[2]))
        lim_graph_fail(g, LIM_E_UNSUPPORTED, "batch_norm: mean and var carry no gradient");
    if (!lim_val_ok(dout[0]))
        return;
    lim_graph_add(g, &lim_op_batch_norm_grad,
                  (LimVal[]){in[0], in[1], in[2], out[1], out[2], dout[0]}, params, d);
    for (int i = 0; i < 3; i++)
        din[i] = d[i];
}

GRAD(affine_grad)
{
    if (wanted[1] || wanted[2] || wanted[3] || wanted[4])
        lim_graph_fail(g, LIM_E_UNSUPPORTED,
                       "norm_affine: only the picture carries a gradient; train with batch_norm");
    if (wanted[0])
        din[0] = lim_graph_add(g, &lim_op_norm_affine_grad,
                               (LimVal[]){out[0], in[1], in[4], dout[0]}, params, NULL);
}

/* linear in dy */
GRAD(affine_grad_grad)
{
    if (wanted[3])
        din[3] = lim_graph_add(g, &lim_op_norm_affine_grad,
                               (LimVal[]){in[0], in[1], in[2], dout[0]}, params, NULL);
}

GRAD(bias_grad)
{
    din[0] = dout[0];
    if (wanted[1])
        din[1] = lim_channel_sum(g, dout[0]);
}

/* the adjoint of a sum repeats it: 0 x + b */
GRAD(channel_sum_grad)
{
    if (wanted[0])
        din[0] = lim_bias_add(g, lim_fill_like(g, in[0], 0), dout[0]);
}

static const LimParamSpec schema[] = {{.name = "eps",
                                       .label = "Epsilon",
                                       .help = "Added to the variance.",
                                       .kind = LIM_REAL,
                                       .offset = offsetof(LimNormParams, eps),
                                       .min = 1e-12,
                                       .max = 1,
                                       .def = 1e-4},
                                      {.name = "gain-offset",
                                       .label = "Gain offset",
                                       .help = "Added to the gain.",
                                       .kind = LIM_REAL,
                                       .offset = offsetof(LimNormParams, gain_offset),
                                       .min = 0,
                                       .max = 1,
                                       .def = 0},
                                      {.name = "relu",
                                       .label = "ReLU",
                                       .help = "Clamp at zero.",
                                       .kind = LIM_BOOL,
                                       .offset = offsetof(LimNormParams, relu),
                                       .max = 1},
                                      {0}};

#define X  LIM_SHAPE4(3, 5, 4, 7)
#define C  LIM_SHAPE1(5)
#define NC LIM_SHAPE2(3, 5)
#define POSITIVE3                     \
    {                                 \
        0, 0, 0, 0, LIM_FILL_POSITIVE \
    }
static const LimOpCase norm_cases[] = {
    {.in = {X, C, C}},
    {.in = {X, NC, NC}, .params = "gain-offset=1"},
    {.in = {X, NC, NC}, .params = "gain-offset=1 relu=true"},
    {.in = {LIM_SHAPE4(2, 1, 1, 1), LIM_SHAPE1(1), LIM_SHAPE1(1)}},
    {.in = {LIM_SHAPE4(16, 128, 32, 32), LIM_SHAPE2(16, 128), LIM_SHAPE2(16, 128)},
     .params = "gain-offset=1 relu=true",
     .tolerance = 1e-4,
     .bench = true}};
static const LimOpCase norm_grad_cases[] = {
    {.in = {X, C, C, C, C, X}, .fill = POSITIVE3},
    {.in = {X, NC, NC, C, C, X}, .fill = POSITIVE3, .params = "gain-offset=1 relu=true"},
    {.in = {LIM_SHAPE4(16, 128, 32, 32), LIM_SHAPE2(16, 128), LIM_SHAPE2(16, 128), LIM_SHAPE1(128),
            LIM_SHAPE1(128), LIM_SHAPE4(16, 128, 32, 32)},
     .fill = POSITIVE3,
     .params = "gain-offset=1 relu=true",
     .tolerance = 1e-4,
     .bench = true}};
static const LimOpCase affine_cases[] = {
    {.in = {X, C, C, C, C}, .fill = POSITIVE3},
    {.in = {X, NC, NC, C, C}, .fill = POSITIVE3, .params = "gain-offset=1 relu=true"},
    {.in = {LIM_SHAPE4(1, 128, 32, 32), LIM_SHAPE2(1, 128), LIM_SHAPE2(1, 128), LIM_SHAPE1(128),
            LIM_SHAPE1(128)},
     .fill = POSITIVE3,
     .params = "gain-offset=1 relu=true",
     .bench = true}};
static const LimOpCase affine_grad_cases[] = {{.in = {X, C, C, X},
                                               .fill = {LIM_FILL_DISTINCT, 0, LIM_FILL_POSITIVE}},
                                              {.in = {X, NC, C, X},
                                               .fill = {LIM_FILL_DISTINCT, 0, LIM_FILL_POSITIVE},
                                               .params = "gain-offset=1 relu=true"}};
static const LimOpCase bias_cases[] = {{.in = {X, C}},
                                       {.in = {LIM_SHAPE2(7, 5), C}},
                                       {.in = {LIM_SHAPE4(4, 5, 64, 64), C}}};
static const LimOpCase sum_cases[] = {{.in = {X}},
                                      {.in = {LIM_SHAPE2(7, 5)}},
                                      {.in = {LIM_SHAPE4(4, 5, 64, 64)}}};
#undef X
#undef C
#undef NC

#define CASES(c) .cases = c, .n_cases = sizeof c / sizeof *c
#define OP(op, ins, rule, gradient, ...)            \
    const LimOpDef lim_op_##op = {.name = #op,      \
                                  .n_in = ins,      \
                                  .infer = rule,    \
                                  .run = op##_run,  \
                                  LIM_REF(op),      \
                                  .grad = gradient, \
                                  __VA_ARGS__};
#define NORM .params = schema, .params_size = sizeof(LimNormParams)

OP(batch_norm, 3, infer_norm, norm_grad, .n_out = 3, NORM, CASES(norm_cases))
OP(batch_norm_grad, 6, infer_norm_grad, NULL, .n_out = 3, NORM, CASES(norm_grad_cases))
OP(norm_affine, 5, infer_affine, affine_grad, .n_out = 1, NORM, CASES(affine_cases))
OP(norm_affine_grad, 4, infer_affine_grad, affine_grad_grad, .n_out = 1, NORM,
   CASES(affine_grad_cases))
OP(bias_add, 2, infer_bias, bias_grad, .n_out = 1, .flags = LIM_OP_INPLACE, CASES(bias_cases))
OP(channel_sum, 1, infer_channel_sum, channel_sum_grad, .n_out = 1, .scratch = channel_sum_scratch,
   CASES(sum_cases))

LimVal
lim_bias_add(LimGraph *g, LimVal x, LimVal b)
{
    return lim_graph_add(g, &lim_op_bias_add, (LimVal[]){x, b}, NULL, NULL);
}

LimVal
lim_channel_sum(LimGraph *g, LimVal x)
{
    return lim_graph_add(g, &lim_op_channel_sum, &x, NULL, NULL);
}

LimVal
lim_batch_norm(LimGraph *g, LimVal x, LimVal gain, LimVal bias, double gain_offset, double eps,
               bool relu, LimVal *mean, LimVal *var)
{
    LimVal out[LIM_OP_MAX_OUT];
    LimNormParams p = {eps, gain_offset, relu};
    lim_graph_add(g, &lim_op_batch_norm, (LimVal[]){x, gain, bias}, &p, out);
    if (mean)
        *mean = out[1];
    if (var)
        *var = out[2];
    return out[0];
}

LimVal
lim_norm_affine(LimGraph *g, LimVal x, LimVal gain, LimVal bias, LimVal mean, LimVal var,
                double gain_offset, double eps, bool relu)
{
    LimNormParams p = {eps, gain_offset, relu};
    return lim_graph_add(g, &lim_op_norm_affine, (LimVal[]){x, gain, bias, mean, var}, &p, NULL);
}
