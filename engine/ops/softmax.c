/* Softmax over the last axis, and the cross-entropy of logits. */
#include "ops/ops.h"
#include "ops/run.h"

#include <math.h>

LIM_REF_DECLARE(softmax);
LIM_REF_DECLARE(softmax_grad);
LIM_REF_DECLARE(cross_entropy);
LIM_REF_DECLARE(cross_entropy_grad);

extern const LimOpDef lim_op_softmax, lim_op_softmax_grad, lim_op_cross_entropy,
    lim_op_cross_entropy_grad;

static LimStatus
infer_softmax(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = in[0];
    return lim_want(in[0].nd >= 1, err, "needs at least one axis");
}

static LimStatus
infer_softmax_grad(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = in[0];
    return lim_want(in[0].nd >= 1 && lim_shape_equal(in[0], in[1]), err, "the two shapes differ");
}

static LimStatus
infer_cross_entropy(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = LIM_SHAPE1(in[0].d[0]);
    return lim_want(in[0].nd == 2 && lim_shape_equal(in[1], LIM_SHAPE1(in[0].d[0])), err,
                    "needs logits [n][k] and labels [n]");
}

static LimStatus
infer_cross_entropy_grad(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = in[0];
    return lim_want(in[0].nd == 2 && lim_shape_equal(in[1], LIM_SHAPE1(in[0].d[0])) &&
                        lim_shape_equal(in[2], in[1]),
                    err, "needs logits [n][k], labels [n] and dloss [n]");
}

/* exp(x) for x <= 0 by 2^i times a polynomial (relative error below 2e-7), so that the loop over a
 * row vectorises; results below about 1e-38 become 0. */
static inline float
exp_negative(float x)
{
    const float t = (x < -87.0f ? -87.0f : x) * 1.44269504f;
    const float k = (float)(int)(t - 0.5f); /* round towards nearest for t <= 0 */
    const float f = (t - k) * 0.693147181f; /* |f| <= ln(2) / 2 */
    const float p =
        1 + f * (1 + f * (0.5f + f * (1.0f / 6 + f * (1.0f / 24 + f * (1.0f / 120 + f / 720)))));
    union {
        int32_t i;
        float f;
    } two_k = {.i = ((int32_t)k + 127) << 23};
    return x < -87.0f ? 0 : p * two_k.f;
}

static void
softmax_rows(const void *ctx, int64_t from, int64_t to)
{
    const LimNodeRun *n = ctx;
    const LimShape s = n->in_shape[0];
    const int k = s.d[s.nd - 1];
    for (int64_t r = from; r < to; r++) {
        const float *x = (const float *)n->in[0] + r * k;
        float *y = (float *)n->out[0] + r * k, top = x[0], sum = 0;
        for (int i = 1; i < k; i++)
            top = x[i] > top ? x[i] : top;
        for (int i = 0; i < k; i++)
            y[i] = exp_negative(x[i] - top);
        for (int i = 0; i < k; i++)
            sum += y[i];
        const float scale = 1 / sum;
        for (int i = 0; i < k; i++)
            y[i] *= scale;
    }
}

static void
softmax_run(const LimNodeRun *n, const LimExec *exec)
{
    const LimShape s = n->in_shape[0];
    const int k = s.d[s.nd - 1];
    lim_each_chunk(exec, lim_shape_size(s) / k, k >= LIM_CHUNK / 4 ? 1 : LIM_CHUNK / 4 / k,
                   softmax_rows, n);
}

static void
softmax_grad_rows(const void *ctx, int64_t from, int64_t to)
{
    const LimNodeRun *n = ctx;
    const LimShape s = n->in_shape[0];
    const int k = s.d[s.nd - 1];
    for (int64_t r = from; r < to; r++) {
        const float *restrict y = (const float *)n->in[0] + r * k;
        const float *restrict dy = (const float *)n->in[1] + r * k;
        float *restrict dx = (float *)n->out[0] + r * k;
        float lanes[8] = {0}, dot = 0;
        int i = 0;
        for (; i + 8 <= k; i += 8)
            for (int l = 0; l < 8; l++)
                lanes[l] += y[i + l] * dy[i + l];
        for (; i < k; i++)
            dot += y[i] * dy[i];
        for (int l = 0; l < 8; l++)
            dot += lanes[l];
        for (i = 0; i < k; i++)
            dx[i] = y[i] * (dy[i] - dot);
    }
}

static void
softmax_grad_run(const LimNodeRun *n, const LimExec *exec)
{
    const LimShape s = n->in_shape[0];
    const int k = s.d[s.nd - 1];
    lim_each_chunk(exec, lim_shape_size(s) / k, k >= LIM_CHUNK ? 1 : LIM_CHUNK / k,
                   softmax_grad_rows, n);
}

#define GRAD(name)                                                                         \
    static void name(LimGraph *g, const LimVal *in, const LimVal *out, const LimVal *dout, \
                     const bool *wanted, LimVal *din, const void *params)

GRAD(softmax_grad_of)
{
    din[0] = lim_graph_add(g, &lim_op_softmax_grad, (LimVal[]){out[0], dout[0]}, NULL, NULL);
}

GRAD(cross_entropy_grad_of)
{
    if (wanted[0])
        din[0] = lim_graph_add(g, &lim_op_cross_entropy_grad, (LimVal[]){in[0], in[1], dout[0]},
                               NULL, NULL);
}

static const LimOpCase softmax_cases[] = {{.in = {LIM_SHAPE2(5, 7)}},
                                          {.in = {LIM_SHAPE3(2, 16, 64)}},
                                          {.in = {LIM_SHAPE1(1)}},
                                          {.in = {LIM_SHAPE3(16, 256, 64)}, .bench = true}};
static const LimOpCase softmax_grad_cases[] = {
    {.in = {LIM_SHAPE2(5, 7), LIM_SHAPE2(5, 7)}},
    {.in = {LIM_SHAPE3(16, 256, 64), LIM_SHAPE3(16, 256, 64)}, .bench = true}};
static const LimOpCase cross_entropy_cases[] = {{.in = {LIM_SHAPE2(9, 10), LIM_SHAPE1(9)},
                                                 .fill = {LIM_FILL_NORMAL, LIM_FILL_LABEL},
                                                 .label_below = 10}};
static const LimOpCase cross_entropy_grad_cases[] = {
    {.in = {LIM_SHAPE2(9, 10), LIM_SHAPE1(9), LIM_SHAPE1(9)},
     .fill = {LIM_FILL_NORMAL, LIM_FILL_LABEL},
     .label_below = 10}};

#define CASES(c) .cases = c, .n_cases = sizeof c / sizeof *c
#define OP(op, ins, rule, gradient, ...)            \
    const LimOpDef lim_op_##op = {.name = #op,      \
                                  .n_in = ins,      \
                                  .n_out = 1,       \
                                  .infer = rule,    \
                                  LIM_REF(op),      \
                                  .grad = gradient, \
                                  __VA_ARGS__};

OP(softmax, 1, infer_softmax, softmax_grad_of, .run = softmax_run, CASES(softmax_cases))
OP(softmax_grad, 2, infer_softmax_grad, NULL, .run = softmax_grad_run, CASES(softmax_grad_cases))
OP(cross_entropy, 2, infer_cross_entropy, cross_entropy_grad_of, .int_inputs = 2,
   CASES(cross_entropy_cases))
OP(cross_entropy_grad, 3, infer_cross_entropy_grad, NULL, .int_inputs = 2,
   CASES(cross_entropy_grad_cases))

LimVal
lim_softmax(LimGraph *g, LimVal x)
{
    return lim_graph_add(g, &lim_op_softmax, &x, NULL, NULL);
}

LimVal
lim_cross_entropy(LimGraph *g, LimVal logits, LimVal label)
{
    return lim_graph_add(g, &lim_op_cross_entropy, (LimVal[]){logits, label}, NULL, NULL);
}
