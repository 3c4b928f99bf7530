/* Softmax over the last axis and its logarithm; the cross-entropy, by rows or by pixels, and the
 * margin of logits. */
#include "ops/ops.h"
#include "ops/run.h"

#include <math.h>

LIM_REF_DECLARE(softmax);
LIM_REF_DECLARE(softmax_grad);
LIM_REF_DECLARE(log_softmax);
LIM_REF_DECLARE(cross_entropy);
LIM_REF_DECLARE(cross_entropy_grad);
LIM_REF_DECLARE(pixel_cross_entropy);
LIM_REF_DECLARE(pixel_cross_entropy_grad);
LIM_REF_DECLARE(margin);
LIM_REF_DECLARE(margin_grad);

extern const LimOpDef lim_op_softmax, lim_op_softmax_grad, lim_op_log_softmax, lim_op_cross_entropy,
    lim_op_cross_entropy_grad, lim_op_pixel_cross_entropy, lim_op_pixel_cross_entropy_grad,
    lim_op_margin, lim_op_margin_grad;

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

static bool
labels_pixels(const LimShape *in)
{
    return in[0].nd == 4 && lim_shape_equal(in[1], LIM_SHAPE3(in[0].d[0], in[0].d[2], in[0].d[3]));
}

static LimStatus
infer_pixels(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = in[1];
    return lim_want(labels_pixels(in), err, "needs logits [n][k][h][w] and labels [n][h][w]");
}

static LimStatus
infer_pixels_grad(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = in[0];
    return lim_want(labels_pixels(in) && lim_shape_equal(in[2], in[1]), err,
                    "needs logits [n][k][h][w], labels [n][h][w] and dloss [n][h][w]");
}

static LimStatus
infer_margin(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    return lim_want(in[0].nd == 2 && in[0].d[1] >= 2, err, "needs at least two classes") == LIM_OK
               ? infer_cross_entropy(in, params, out, err)
               : LIM_E_SHAPE;
}

typedef struct RowRun {
    const LimNodeRun *n;
    const LimRowKernels *rows;
    int k; /* values in a row */
} RowRun;

static void
softmax_rows(const void *ctx, int64_t from, int64_t to)
{
    const RowRun *r = ctx;
    for (int64_t i = from; i < to; i++)
        r->rows->softmax((const float *)r->n->in[0] + i * r->k, (float *)r->n->out[0] + i * r->k,
                         r->k);
}

static void
softmax_grad_rows(const void *ctx, int64_t from, int64_t to)
{
    const RowRun *r = ctx;
    for (int64_t i = from; i < to; i++)
        r->rows->softmax_grad((const float *)r->n->in[0] + i * r->k,
                              (const float *)r->n->in[1] + i * r->k,
                              (float *)r->n->out[0] + i * r->k, r->k);
}

static void
each_row(const LimNodeRun *n, const LimExec *exec,
         void (*fn)(const void *ctx, int64_t from, int64_t to))
{
    const LimShape s = n->in_shape[0];
    const RowRun r = {n, exec->kernels->rows, s.d[s.nd - 1]};
    lim_each_chunk(exec, lim_shape_size(s) / r.k, r.k >= LIM_CHUNK / 4 ? 1 : LIM_CHUNK / 4 / r.k,
                   fn, &r);
}

static void
softmax_run(const LimNodeRun *n, const LimExec *exec)
{
    each_row(n, exec, softmax_rows);
}

static void
softmax_grad_run(const LimNodeRun *n, const LimExec *exec)
{
    each_row(n, exec, softmax_grad_rows);
}

/* Rows of pixels, w at a time: loss and, where out is wanted, the gradient. */
static void
pixel_rows(const LimNodeRun *n, int64_t from, int64_t to, bool gradient)
{
    const LimShape s = n->in_shape[0];
    const int k = s.d[1], h = s.d[2], w = s.d[3];
    const int64_t area = (int64_t)h * w;
    const int32_t *label = n->in[1];
    float *out = n->out[0];
    for (int64_t r = from; r < to; r++)
        for (int i = 0; i < w; i++) {
            const int64_t at = r / h * k * area + r % h * w + i, pixel = r * w + i;
            const float *x = (const float *)n->in[0] + at;
            float top = x[0], sum = 0;
            for (int c = 1; c < k; c++)
                top = x[c * area] > top ? x[c * area] : top;
            for (int c = 0; c < k; c++)
                sum += expf(x[c * area] - top);
            if (!gradient) {
                out[pixel] = logf(sum) - (x[label[pixel] * area] - top);
                continue;
            }
            const float scale = ((const float *)n->in[2])[pixel];
            for (int c = 0; c < k; c++)
                out[at + c * area] =
                    (expf(x[c * area] - top) / sum - (float)(c == label[pixel])) * scale;
        }
}

static void
pixel_loss_rows(const void *ctx, int64_t from, int64_t to)
{
    pixel_rows(ctx, from, to, false);
}

static void
pixel_gradient_rows(const void *ctx, int64_t from, int64_t to)
{
    pixel_rows(ctx, from, to, true);
}

static void
pixel_cross_entropy_run(const LimNodeRun *n, const LimExec *exec)
{
    const LimShape s = n->in_shape[1];
    lim_each_chunk(exec, (int64_t)s.d[0] * s.d[1], 1 + 1024 / s.d[2], pixel_loss_rows, n);
}

static void
pixel_cross_entropy_grad_run(const LimNodeRun *n, const LimExec *exec)
{
    const LimShape s = n->in_shape[1];
    lim_each_chunk(exec, (int64_t)s.d[0] * s.d[1], 1 + 1024 / s.d[2], pixel_gradient_rows, n);
}

#define GRAD(name)                                                                         \
    static void name(LimGraph *g, const LimVal *in, const LimVal *out, const LimVal *dout, \
                     const bool *wanted, LimVal *din, const void *params)

GRAD(softmax_grad_of)
{
    din[0] = lim_graph_add(g, &lim_op_softmax_grad, (LimVal[]){out[0], dout[0]}, NULL, NULL);
}

/* t = y (dy - <y, dy>), row by row. In dy it is its own adjoint; in y, for a seed d:
 * d dy - d <y, dy> - dy <d, y>. */
GRAD(softmax_grad_grad)
{
    const LimShape s = lim_graph_shape(g, in[0]);
    const int32_t k = s.d[s.nd - 1];
    const LimShape rows = LIM_SHAPE2((int32_t)(lim_shape_size(s) / k), k);
    if (wanted[1])
        din[1] = lim_graph_add(g, &lim_op_softmax_grad, (LimVal[]){in[0], dout[0]}, NULL, NULL);
    if (!wanted[0])
        return;
    LimVal y = lim_reshape(g, in[0], rows), dy = lim_reshape(g, in[1], rows);
    LimVal d = lim_reshape(g, dout[0], rows);
    LimVal t = lim_sub(g, lim_mul(g, d, dy), lim_row_scale(g, d, lim_row_dot(g, y, dy)));
    din[0] = lim_reshape(g, lim_sub(g, t, lim_row_scale(g, dy, lim_row_dot(g, d, y))), s);
}

/* dx = dy - softmax(x) sum(dy), row by row. */
GRAD(log_softmax_grad_of)
{
    const LimShape s = lim_graph_shape(g, in[0]);
    const int32_t k = s.d[s.nd - 1];
    const LimShape rows = LIM_SHAPE2((int32_t)(lim_shape_size(s) / k), k);
    LimVal dy = lim_reshape(g, dout[0], rows);
    LimVal p = lim_reshape(g, lim_softmax(g, in[0]), rows);
    LimVal sum = lim_row_dot(g, dy, lim_fill_like(g, dy, 1));
    din[0] = lim_reshape(g, lim_sub(g, dy, lim_row_scale(g, p, sum)), s);
}

GRAD(cross_entropy_grad_of)
{
    if (wanted[0])
        din[0] = lim_graph_add(g, &lim_op_cross_entropy_grad, (LimVal[]){in[0], in[1], dout[0]},
                               NULL, NULL);
}

GRAD(pixel_cross_entropy_grad_of)
{
    if (wanted[0])
        din[0] = lim_graph_add(g, &lim_op_pixel_cross_entropy_grad,
                               (LimVal[]){in[0], in[1], dout[0]}, NULL, NULL);
}

GRAD(margin_grad_of)
{
    if (wanted[0])
        din[0] =
            lim_graph_add(g, &lim_op_margin_grad, (LimVal[]){in[0], in[1], dout[0]}, NULL, NULL);
}

static const LimOpCase softmax_cases[] = {{.in = {LIM_SHAPE2(5, 7)}},
                                          {.in = {LIM_SHAPE3(2, 16, 64)}},
                                          {.in = {LIM_SHAPE1(1)}},
                                          {.in = {LIM_SHAPE3(16, 256, 64)}, .bench = true}};
static const LimOpCase softmax_grad_cases[] = {
    {.in = {LIM_SHAPE2(5, 7), LIM_SHAPE2(5, 7)}},
    {.in = {LIM_SHAPE3(16, 256, 64), LIM_SHAPE3(16, 256, 64)}, .bench = true}};
static const LimOpCase log_softmax_cases[] = {{.in = {LIM_SHAPE2(5, 7)}},
                                              {.in = {LIM_SHAPE3(2, 3, 64)}},
                                              {.in = {LIM_SHAPE1(1)}}};
static const LimOpCase cross_entropy_cases[] = {{.in = {LIM_SHAPE2(9, 10), LIM_SHAPE1(9)},
                                                 .fill = {LIM_FILL_NORMAL, LIM_FILL_LABEL},
                                                 .label_below = 10}};
static const LimOpCase cross_entropy_grad_cases[] = {
    {.in = {LIM_SHAPE2(9, 10), LIM_SHAPE1(9), LIM_SHAPE1(9)},
     .fill = {LIM_FILL_NORMAL, LIM_FILL_LABEL},
     .label_below = 10}};

static const LimOpCase pixel_cross_entropy_cases[] = {
    {.in = {LIM_SHAPE4(2, 4, 3, 5), LIM_SHAPE3(2, 3, 5)},
     .fill = {LIM_FILL_NORMAL, LIM_FILL_LABEL},
     .label_below = 4},
    {.in = {LIM_SHAPE4(3, 2, 1, 1), LIM_SHAPE3(3, 1, 1)},
     .fill = {LIM_FILL_NORMAL, LIM_FILL_LABEL},
     .label_below = 2},
    {.in = {LIM_SHAPE4(16, 8, 64, 64), LIM_SHAPE3(16, 64, 64)},
     .fill = {LIM_FILL_NORMAL, LIM_FILL_LABEL},
     .label_below = 8,
     .bench = true}};
static const LimOpCase pixel_cross_entropy_grad_cases[] = {
    {.in = {LIM_SHAPE4(2, 4, 3, 5), LIM_SHAPE3(2, 3, 5), LIM_SHAPE3(2, 3, 5)},
     .fill = {LIM_FILL_NORMAL, LIM_FILL_LABEL},
     .label_below = 4}};

static const LimOpCase margin_cases[] = {{.in = {LIM_SHAPE2(9, 10), LIM_SHAPE1(9)},
                                          .fill = {LIM_FILL_DISTINCT, LIM_FILL_LABEL},
                                          .label_below = 10},
                                         {.in = {LIM_SHAPE2(3, 2), LIM_SHAPE1(3)},
                                          .fill = {LIM_FILL_DISTINCT, LIM_FILL_LABEL},
                                          .label_below = 2}};
static const LimOpCase margin_grad_cases[] = {
    {.in = {LIM_SHAPE2(9, 10), LIM_SHAPE1(9), LIM_SHAPE1(9)},
     .fill = {LIM_FILL_DISTINCT, LIM_FILL_LABEL},
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
OP(softmax_grad, 2, infer_softmax_grad, softmax_grad_grad, .run = softmax_grad_run,
   CASES(softmax_grad_cases))
OP(log_softmax, 1, infer_softmax, log_softmax_grad_of, CASES(log_softmax_cases))
OP(cross_entropy, 2, infer_cross_entropy, cross_entropy_grad_of, .int_inputs = 2,
   CASES(cross_entropy_cases))
OP(cross_entropy_grad, 3, infer_cross_entropy_grad, NULL, .int_inputs = 2,
   CASES(cross_entropy_grad_cases))
OP(pixel_cross_entropy, 2, infer_pixels, pixel_cross_entropy_grad_of,
   .run = pixel_cross_entropy_run, .int_inputs = 2, CASES(pixel_cross_entropy_cases))
OP(pixel_cross_entropy_grad, 3, infer_pixels_grad, NULL, .run = pixel_cross_entropy_grad_run,
   .int_inputs = 2, CASES(pixel_cross_entropy_grad_cases))
OP(margin, 2, infer_margin, margin_grad_of, .int_inputs = 2, CASES(margin_cases))
OP(margin_grad, 3, infer_cross_entropy_grad, NULL, .int_inputs = 2, CASES(margin_grad_cases))

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

LimVal
lim_pixel_cross_entropy(LimGraph *g, LimVal logits, LimVal label)
{
    return lim_graph_add(g, &lim_op_pixel_cross_entropy, (LimVal[]){logits, label}, NULL, NULL);
}

LimVal
lim_margin(LimGraph *g, LimVal logits, LimVal label)
{
    return lim_graph_add(g, &lim_op_margin, (LimVal[]){logits, label}, NULL, NULL);
}

LimVal
lim_log_softmax(LimGraph *g, LimVal x)
{
    return lim_graph_add(g, &lim_op_log_softmax, &x, NULL, NULL);
}

LimVal
lim_soft_cross_entropy(LimGraph *g, LimVal logits, LimVal target)
{
    LimVal each = lim_row_dot(g, target, lim_log_softmax(g, logits));
    return lim_reshape(g, lim_affine(g, each, -1, 0), LIM_SHAPE1(lim_graph_shape(g, logits).d[0]));
}
