/* Products of matrices and rows, table look-up, and spectral normalisation. */
#include "ops/ops.h"
#include "kernels/params.h"
#include "ops/run.h"

#include <string.h>

LIM_REF_DECLARE(matmul);
LIM_REF_DECLARE(row_dot);
LIM_REF_DECLARE(row_scale);
LIM_REF_DECLARE(gather_rows);
LIM_REF_DECLARE(scatter_rows);
LIM_REF_DECLARE(spectral_norm);
LIM_REF_DECLARE(spectral_norm_grad);

extern const LimOpDef lim_op_matmul, lim_op_row_dot, lim_op_row_scale, lim_op_gather_rows,
    lim_op_scatter_rows, lim_op_spectral_norm, lim_op_spectral_norm_grad;

static LimStatus
infer_matmul(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    const LimMatmulParams *p = params;
    const int nd = in[0].nd;
    if ((nd != 2 && nd != 3) || in[1].nd != nd || (nd == 3 && in[0].d[0] != in[1].d[0]))
        return lim_fail(err, LIM_E_SHAPE, "needs two matrices, or two equal batches of them");
    const int *a = in[0].d + nd - 2, *b = in[1].d + nd - 2;
    if (a[p->ta ? 0 : 1] != b[p->tb ? 1 : 0])
        return lim_fail(err, LIM_E_SHAPE, "the inner sizes differ");
    out[0] = in[0];
    out[0].d[nd - 2] = a[p->ta ? 1 : 0];
    out[0].d[nd - 1] = b[p->tb ? 0 : 1];
    return LIM_OK;
}

static LimStatus
infer_row_dot(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = LIM_SHAPE2(in[0].d[0], 1);
    return lim_want(in[0].nd == 2 && lim_shape_equal(in[0], in[1]), err, "needs two equal [n][d]");
}

static LimStatus
infer_row_scale(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = in[0];
    return lim_want(in[0].nd == 2 && lim_shape_equal(in[1], LIM_SHAPE2(in[0].d[0], 1)), err,
                    "needs [n][d] and [n][1]");
}

static LimStatus
infer_gather(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = LIM_SHAPE2(in[1].d[0], in[0].d[1]);
    return lim_want(in[0].nd == 2 && in[1].nd == 1, err, "needs a table [k][d] and an index [n]");
}

static LimStatus
infer_scatter(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = LIM_SHAPE2(((const LimSizeParams *)params)->rows, in[0].d[1]);
    return lim_want(in[0].nd == 2 && in[1].nd == 1 && in[0].d[0] == in[1].d[0], err,
                    "needs rows [n][d] and an index [n]");
}

static LimStatus
infer_spectral(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    if (in[0].nd < 2 || in[1].nd != 1 || in[1].d[0] != in[0].d[0])
        return lim_fail(err, LIM_E_SHAPE, "needs W [o][..] and u [o]");
    out[0] = in[0];
    out[1] = in[1];
    out[2] = LIM_SHAPE1(1);
    out[3] = LIM_SHAPE1((int)(lim_shape_size(in[0]) / in[0].d[0]));
    return LIM_OK;
}

static LimStatus
infer_spectral_grad(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = in[0];
    return lim_want(lim_shape_equal(in[0], in[1]) &&
                        lim_shape_size(in[3]) * lim_shape_size(in[4]) == lim_shape_size(in[0]),
                    err, "needs G, W / sigma, sigma, u [o] and v [rest]");
}

typedef struct Sides {
    int m, n, k;
} Sides;

static Sides
sides(const LimNodeRun *n)
{
    const LimMatmulParams *p = n->params;
    const int nd = n->out_shape[0].nd;
    return (Sides){n->out_shape[0].d[nd - 2], n->out_shape[0].d[nd - 1],
                   n->in_shape[0].d[nd - (p->ta ? 2 : 1)]};
}

/* Weights that change are used once: gemm packs them on the way. */
static size_t
matmul_prepared(const LimNodeRun *n, const LimExec *exec)
{
    const Sides s = sides(n);
    if (!n->constant_weights || n->out_shape[0].nd != 2)
        return 0;
    return exec->kernels->gemm_packed_size(s.m, s.n, s.k);
}

static void
matmul_prepare(const LimNodeRun *n, const LimExec *exec)
{
    const LimMatmulParams *p = n->params;
    const Sides s = sides(n);
    exec->kernels->gemm_pack(p->tb, s.n, s.k, n->in[1], p->tb ? s.k : s.n, n->prepared);
}

static void
matmul_run(const LimNodeRun *n, const LimExec *exec)
{
    const LimMatmulParams *p = n->params;
    const int nd = n->out_shape[0].nd;
    const Sides s = sides(n);
    const int m = s.m, cols = s.n, k = s.k;
    const LimKernels *f = exec->kernels;
    if (n->prepared)
        f->gemm_packed(exec->pool, p->ta, m, cols, k, 1, n->in[0], p->ta ? m : k, n->prepared,
                       n->out[0], cols);
    else if (nd == 2)
        f->gemm(exec->pool, p->ta, p->tb, m, cols, k, 1, n->in[0], p->ta ? m : k, n->in[1],
                p->tb ? k : cols, 0, n->out[0], cols);
    else
        f->gemm_batch(exec->pool, n->out_shape[0].d[0], p->ta, p->tb, m, cols, k, 1, n->in[0],
                      (int64_t)m * k, n->in[1], (int64_t)k * cols, 0, n->out[0], (int64_t)m * cols);
}

static void
gather_rows_chunk(const void *ctx, int64_t from, int64_t to)
{
    const LimNodeRun *n = ctx;
    const int32_t *index = n->in[1];
    const int64_t d = n->in_shape[0].d[1];
    for (int64_t i = from; i < to; i++)
        memcpy((float *)n->out[0] + i * d, (const float *)n->in[0] + index[i] * d,
               (size_t)d * sizeof(float));
}

static void
gather_rows_run(const LimNodeRun *n, const LimExec *exec)
{
    const int64_t d = n->in_shape[0].d[1];
    lim_each_chunk(exec, n->in_shape[1].d[0], d >= LIM_CHUNK ? 1 : LIM_CHUNK / d, gather_rows_chunk,
                   n);
}

#define GRAD(name)                                                                         \
    static void name(LimGraph *g, const LimVal *in, const LimVal *out, const LimVal *dout, \
                     const bool *wanted, LimVal *din, const void *params)

/* C = op(A) op(B): dop(A) = dC op(B)^T, dop(B) = op(A)^T dC */
GRAD(matmul_grad)
{
    const LimMatmulParams *p = params;
    if (wanted[0])
        din[0] = p->ta ? lim_matmul(g, in[1], dout[0], p->tb, true)
                       : lim_matmul(g, dout[0], in[1], false, !p->tb);
    if (wanted[1])
        din[1] = p->tb ? lim_matmul(g, dout[0], in[0], true, p->ta)
                       : lim_matmul(g, in[0], dout[0], !p->ta, false);
}

GRAD(row_dot_grad)
{
    if (wanted[0])
        din[0] = lim_row_scale(g, in[1], dout[0]);
    if (wanted[1])
        din[1] = lim_row_scale(g, in[0], dout[0]);
}

GRAD(row_scale_grad)
{
    if (wanted[0])
        din[0] = lim_row_scale(g, dout[0], in[1]);
    if (wanted[1])
        din[1] = lim_row_dot(g, dout[0], in[0]);
}

GRAD(gather_grad)
{
    LimSizeParams p = {.rows = lim_graph_shape(g, in[0]).d[0]};
    if (wanted[0])
        din[0] = lim_graph_add(g, &lim_op_scatter_rows, (LimVal[]){dout[0], in[1]}, &p, NULL);
}

GRAD(scatter_grad)
{
    if (wanted[0])
        din[0] = lim_gather_rows(g, dout[0], in[1]);
}

GRAD(spectral_grad)
{
    if (lim_val_ok(dout[1]) || lim_val_ok(dout[3]))
        lim_graph_fail(g, LIM_E_UNSUPPORTED, "spectral_norm: u and v carry no gradient");
    if (lim_val_ok(dout[2]))
        lim_graph_fail(g, LIM_E_UNSUPPORTED, "spectral_norm: sigma carries no gradient");
    if (wanted[0] && lim_val_ok(dout[0]))
        din[0] = lim_graph_add(g, &lim_op_spectral_norm_grad,
                               (LimVal[]){dout[0], out[0], out[2], out[1], out[3]}, NULL, NULL);
}

static const LimParamSpec matmul_schema[] = {{.name = "ta",
                                              .label = "Transpose a",
                                              .help = "a is stored [k][m].",
                                              .kind = LIM_BOOL,
                                              .offset = offsetof(LimMatmulParams, ta),
                                              .max = 1},
                                             {.name = "tb",
                                              .label = "Transpose b",
                                              .help = "b is stored [n][k].",
                                              .kind = LIM_BOOL,
                                              .offset = offsetof(LimMatmulParams, tb),
                                              .max = 1},
                                             {0}};
static const LimParamSpec rows_schema[] = {{.name = "rows",
                                            .label = "Rows",
                                            .help = "Of the table.",
                                            .kind = LIM_INT,
                                            .offset = offsetof(LimSizeParams, rows),
                                            .min = 1,
                                            .max = 1 << 24,
                                            .def = 1},
                                           {0}};
static const LimParamSpec eps_schema[] = {{.name = "eps",
                                           .label = "Epsilon",
                                           .help = "Smallest norm divided by.",
                                           .kind = LIM_REAL,
                                           .offset = offsetof(LimEpsParams, eps),
                                           .min = 0,
                                           .max = 1,
                                           .def = 1e-4},
                                          {0}};

static const LimOpCase matmul_cases[] = {
    {.in = {LIM_SHAPE2(5, 7), LIM_SHAPE2(7, 3)}},
    {.in = {LIM_SHAPE2(7, 5), LIM_SHAPE2(7, 3)}, .params = "ta=true"},
    {.in = {LIM_SHAPE2(5, 7), LIM_SHAPE2(3, 7)}, .params = "tb=true"},
    {.in = {LIM_SHAPE2(7, 5), LIM_SHAPE2(3, 7)}, .params = "ta=true tb=true"},
    {.in = {LIM_SHAPE3(2, 5, 7), LIM_SHAPE3(2, 7, 3)}},
    {.in = {LIM_SHAPE3(3, 7, 5), LIM_SHAPE3(3, 3, 7)}, .params = "ta=true tb=true"},
    {.in = {LIM_SHAPE3(3, 16, 64), LIM_SHAPE3(3, 16, 13)}, .params = "ta=true"},
    {.in = {LIM_SHAPE2(64, 160), LIM_SHAPE2(128, 160)}, .params = "tb=true", .bench = true}};
static const LimOpCase row_dot_cases[] = {{.in = {LIM_SHAPE2(5, 7), LIM_SHAPE2(5, 7)}}};
static const LimOpCase row_scale_cases[] = {{.in = {LIM_SHAPE2(5, 7), LIM_SHAPE2(5, 1)}}};
static const LimOpCase gather_cases[] = {{.in = {LIM_SHAPE2(4, 7), LIM_SHAPE1(9)},
                                          .fill = {LIM_FILL_NORMAL, LIM_FILL_LABEL},
                                          .label_below = 4},
                                         {.in = {LIM_SHAPE2(3, 20000), LIM_SHAPE1(5)},
                                          .fill = {LIM_FILL_NORMAL, LIM_FILL_LABEL},
                                          .label_below = 3}};
static const LimOpCase scatter_cases[] = {{.in = {LIM_SHAPE2(9, 7), LIM_SHAPE1(9)},
                                           .fill = {LIM_FILL_NORMAL, LIM_FILL_LABEL},
                                           .label_below = 4,
                                           .params = "rows=5"}};
static const LimOpCase spectral_cases[] = {{.in = {LIM_SHAPE4(5, 3, 2, 2), LIM_SHAPE1(5)}},
                                           {.in = {LIM_SHAPE2(1, 7), LIM_SHAPE1(1)}},
                                           {.in = {LIM_SHAPE2(64, 33), LIM_SHAPE1(64)}}};
static const LimOpCase spectral_grad_cases[] = {
    {.in = {LIM_SHAPE2(5, 6), LIM_SHAPE2(5, 6), LIM_SHAPE1(1), LIM_SHAPE1(5), LIM_SHAPE1(6)},
     .fill = {LIM_FILL_NORMAL, LIM_FILL_NORMAL, LIM_FILL_POSITIVE}}};

#define CASES(c) .cases = c, .n_cases = sizeof c / sizeof *c
#define OP(op, ins, rule, gradient, ...) \
    const LimOpDef lim_op_##op = {       \
        .name = #op, .n_in = ins, .infer = rule, LIM_REF(op), .grad = gradient, __VA_ARGS__};

OP(matmul, 2, infer_matmul, matmul_grad, .n_out = 1, .prepared = matmul_prepared,
   .prepare = matmul_prepare, .run = matmul_run, .params = matmul_schema,
   .params_size = sizeof(LimMatmulParams), CASES(matmul_cases))
OP(row_dot, 2, infer_row_dot, row_dot_grad, .n_out = 1, CASES(row_dot_cases))
OP(row_scale, 2, infer_row_scale, row_scale_grad, .n_out = 1, CASES(row_scale_cases))
OP(gather_rows, 2, infer_gather, gather_grad, .n_out = 1, .int_inputs = 2, .run = gather_rows_run,
   CASES(gather_cases))
OP(scatter_rows, 2, infer_scatter, scatter_grad, .n_out = 1, .int_inputs = 2, .params = rows_schema,
   .params_size = sizeof(LimSizeParams), CASES(scatter_cases))
OP(spectral_norm, 2, infer_spectral, spectral_grad, .n_out = 4, .params = eps_schema,
   .params_size = sizeof(LimEpsParams), CASES(spectral_cases))
OP(spectral_norm_grad, 5, infer_spectral_grad, NULL, .n_out = 1, CASES(spectral_grad_cases))

LimVal
lim_matmul(LimGraph *g, LimVal a, LimVal b, bool ta, bool tb)
{
    return lim_graph_add(g, &lim_op_matmul, (LimVal[]){a, b}, &(LimMatmulParams){ta, tb}, NULL);
}

LimVal
lim_linear(LimGraph *g, LimVal x, LimVal w, LimVal b)
{
    LimVal y = lim_matmul(g, x, w, false, true);
    return lim_val_ok(b) ? lim_bias_add(g, y, b) : y;
}

LimVal
lim_row_dot(LimGraph *g, LimVal a, LimVal b)
{
    return lim_graph_add(g, &lim_op_row_dot, (LimVal[]){a, b}, NULL, NULL);
}

LimVal
lim_row_scale(LimGraph *g, LimVal x, LimVal s)
{
    return lim_graph_add(g, &lim_op_row_scale, (LimVal[]){x, s}, NULL, NULL);
}

LimVal
lim_gather_rows(LimGraph *g, LimVal table, LimVal index)
{
    return lim_graph_add(g, &lim_op_gather_rows, (LimVal[]){table, index}, NULL, NULL);
}

LimVal
lim_spectral_norm(LimGraph *g, LimVal w, LimVal u, double eps, LimVal *u2, LimVal *sigma)
{
    LimVal out[LIM_OP_MAX_OUT];
    lim_graph_add(g, &lim_op_spectral_norm, (LimVal[]){w, u}, &(LimEpsParams){eps}, out);
    if (u2)
        *u2 = out[1];
    if (sigma)
        *sigma = out[2];
    return out[0];
}
