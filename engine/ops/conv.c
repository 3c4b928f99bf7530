/* Convolution and its two derivatives. All three are bilinear in the same three tensors (x, w, dy),
 * so the derivative of each is made of the other two. */
#include "ops/ops.h"
#include "kernels/params.h"
#include "ops/run.h"

LIM_REF_DECLARE(conv2d);
LIM_REF_DECLARE(conv2d_dx);
LIM_REF_DECLARE(conv2d_dw);

extern const LimOpDef lim_op_conv2d, lim_op_conv2d_dx, lim_op_conv2d_dw, lim_op_relu,
    lim_op_max_pool2;

static LimConvDims
dims(LimShape x, LimShape w, LimShape y, const LimConvParams *p)
{
    return (LimConvDims){.n = x.d[0],
                         .c = x.d[1],
                         .h = x.d[2],
                         .w = x.d[3],
                         .oc = w.d[0],
                         .kh = w.d[2],
                         .kw = w.d[3],
                         .stride = p->stride,
                         .pad = p->pad,
                         .oh = y.d[2],
                         .ow = y.d[3]};
}

static int
out_size(int size, int kernel, const LimConvParams *p)
{
    return (size + 2 * p->pad - kernel) / p->stride + 1;
}

/* Before pooling. */
static LimConvDims
dims_conv(const LimNodeRun *n)
{
    const LimShape x = n->in_shape[0], w = n->in_shape[1];
    const LimConvParams *p = n->params;
    LimConvDims d =
        dims(x, w,
             LIM_SHAPE4(x.d[0], w.d[0], out_size(x.d[2], w.d[2], p), out_size(x.d[3], w.d[3], p)),
             p);
    d.relu = n->relu;
    d.pool = n->pool;
    d.blocked_x = n->blocked_in;
    d.blocked_y = n->blocked_out;
    return d;
}

static LimConvDims
dims_dx(const LimNodeRun *n)
{
    return dims(n->out_shape[0], n->in_shape[1], n->in_shape[0], n->params);
}

static LimConvDims
dims_dw(const LimNodeRun *n)
{
    return dims(n->in_shape[0], n->out_shape[0], n->in_shape[1], n->params);
}

static LimStatus
infer_conv(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    const LimConvParams *p = params;
    if (in[0].nd != 4 || in[1].nd != 4 || in[0].d[1] != in[1].d[1])
        return lim_fail(err, LIM_E_SHAPE, "needs x [n][c][h][w] and w [oc][c][kh][kw]");
    if (in[2].nd >= 0 && (in[2].nd != 1 || in[2].d[0] != in[1].d[0]))
        return lim_fail(err, LIM_E_SHAPE, "the bias does not have one value per output channel");
    if (in[0].d[2] + 2 * p->pad < in[1].d[2] || in[0].d[3] + 2 * p->pad < in[1].d[3])
        return lim_fail(err, LIM_E_SHAPE, "the kernel is larger than the padded picture");
    out[0] = LIM_SHAPE4(in[0].d[0], in[1].d[0], out_size(in[0].d[2], in[1].d[2], p),
                        out_size(in[0].d[3], in[1].d[3], p));
    return LIM_OK;
}

/* in: dy, w; params h, w: the size of x */
static LimStatus
infer_dx(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    const LimConvParams *p = params;
    if (in[0].nd != 4 || in[1].nd != 4 || in[0].d[1] != in[1].d[0] ||
        out_size(p->h, in[1].d[2], p) != in[0].d[2] || out_size(p->w, in[1].d[3], p) != in[0].d[3])
        return lim_fail(err, LIM_E_SHAPE, "dy, w and the size of x do not belong together");
    out[0] = LIM_SHAPE4(in[0].d[0], in[1].d[1], p->h, p->w);
    return LIM_OK;
}

/* in: x, dy; params h, w: the size of the kernel */
static LimStatus
infer_dw(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    const LimConvParams *p = params;
    if (in[0].nd != 4 || in[1].nd != 4 || in[0].d[0] != in[1].d[0] ||
        out_size(in[0].d[2], p->h, p) != in[1].d[2] || out_size(in[0].d[3], p->w, p) != in[1].d[3])
        return lim_fail(err, LIM_E_SHAPE,
                        "x, dy and the size of the kernel do not belong together");
    out[0] = LIM_SHAPE4(in[1].d[1], in[0].d[1], p->h, p->w);
    return LIM_OK;
}

static size_t
conv_prepared(const LimNodeRun *n, const LimExec *exec)
{
    LimConvDims d = dims_conv(n);
    return exec->kernels->conv_prepared_size(&d);
}

static void
conv_prepare(const LimNodeRun *n, const LimExec *exec)
{
    LimConvDims d = dims_conv(n);
    exec->kernels->conv_prepare(exec->pool, &d, n->in[1], n->prepared);
}

static size_t
conv_scratch(const LimNodeRun *n, const LimExec *exec)
{
    LimConvDims d = dims_conv(n);
    return exec->kernels->conv_scratch(&d, exec->pool ? lim_pool_threads(exec->pool) : 1);
}

/* ReLU, and pooling after it. */
static bool
conv_fuse(LimNodeRun *n, const LimOpDef *next, const void *params, const LimExec *exec)
{
    LimNodeRun with = *n;
    if (next == &lim_op_relu && !n->relu && ((const LimReluParams *)params)->slope == 0)
        with.relu = true;
    else if (next == &lim_op_max_pool2 && n->relu && !n->pool)
        with.pool = true;
    else
        return false;
    const LimConvDims d = dims_conv(&with);
    if (!exec->kernels->conv_does(&d))
        return false;
    *n = with;
    return true;
}

static bool
conv_block(LimNodeRun *n, bool out, const LimExec *exec)
{
    LimNodeRun with = *n;
    *(out ? &with.blocked_out : &with.blocked_in) = true;
    const LimConvDims d = dims_conv(&with);
    if (!exec->kernels->conv_does(&d))
        return false;
    *n = with;
    return true;
}

static void
conv_run(const LimNodeRun *n, const LimExec *exec)
{
    LimConvDims d = dims_conv(n);
    exec->kernels->conv(exec->pool, &d, n->in[0], n->prepared, n->in[2], n->out[0], n->scratch);
}

static size_t
dx_scratch(const LimNodeRun *n, const LimExec *exec)
{
    LimConvDims d = dims_dx(n);
    return exec->kernels->conv_dx_scratch(&d, exec->pool ? lim_pool_threads(exec->pool) : 1);
}

static void
dx_run(const LimNodeRun *n, const LimExec *exec)
{
    LimConvDims d = dims_dx(n);
    exec->kernels->conv_dx(exec->pool, &d, n->in[0], n->in[1], n->out[0], n->scratch);
}

static size_t
dw_scratch(const LimNodeRun *n, const LimExec *exec)
{
    LimConvDims d = dims_dw(n);
    return exec->kernels->conv_dw_scratch(&d, exec->pool ? lim_pool_threads(exec->pool) : 1);
}

static void
dw_run(const LimNodeRun *n, const LimExec *exec)
{
    LimConvDims d = dims_dw(n);
    exec->kernels->conv_dw(exec->pool, &d, n->in[0], n->in[1], n->out[0], n->scratch);
}

/* x from (dy, w), and w from (x, dy) */
static LimVal
add_dx(LimGraph *g, LimVal dy, LimVal w, const LimConvParams *p, LimShape x)
{
    LimConvParams q = {p->stride, p->pad, x.d[2], x.d[3]};
    return lim_graph_add(g, &lim_op_conv2d_dx, (LimVal[]){dy, w}, &q, NULL);
}

static LimVal
add_dw(LimGraph *g, LimVal x, LimVal dy, const LimConvParams *p, LimShape w)
{
    LimConvParams q = {p->stride, p->pad, w.d[2], w.d[3]};
    return lim_graph_add(g, &lim_op_conv2d_dw, (LimVal[]){x, dy}, &q, NULL);
}

#define GRAD(name)                                                                         \
    static void name(LimGraph *g, const LimVal *in, const LimVal *out, const LimVal *dout, \
                     const bool *wanted, LimVal *din, const void *params)

GRAD(conv_grad)
{
    if (wanted[0])
        din[0] = add_dx(g, dout[0], in[1], params, lim_graph_shape(g, in[0]));
    if (wanted[1])
        din[1] = add_dw(g, in[0], dout[0], params, lim_graph_shape(g, in[1]));
    if (wanted[2])
        din[2] = lim_channel_sum(g, dout[0]);
}

GRAD(dx_grad)
{
    const LimConvParams *p = params;
    if (wanted[0])
        din[0] = lim_conv2d(g, dout[0], in[1], LIM_NOVAL, p->stride, p->pad);
    if (wanted[1])
        din[1] = add_dw(g, dout[0], in[0], p, lim_graph_shape(g, in[1]));
}

GRAD(dw_grad)
{
    const LimConvParams *p = params;
    if (wanted[0])
        din[0] = add_dx(g, in[1], dout[0], p, lim_graph_shape(g, in[0]));
    if (wanted[1])
        din[1] = lim_conv2d(g, in[0], dout[0], LIM_NOVAL, p->stride, p->pad);
}

static const LimParamSpec schema[] = {{.name = "stride",
                                       .label = "Stride",
                                       .help = "Step of the kernel.",
                                       .kind = LIM_INT,
                                       .offset = offsetof(LimConvParams, stride),
                                       .min = 1,
                                       .max = 8,
                                       .def = 1},
                                      {.name = "pad",
                                       .label = "Padding",
                                       .help = "Zeros around the picture.",
                                       .kind = LIM_INT,
                                       .offset = offsetof(LimConvParams, pad),
                                       .min = 0,
                                       .max = 16,
                                       .def = 0},
                                      {.name = "h",
                                       .label = "Height",
                                       .help = "Of the result.",
                                       .kind = LIM_INT,
                                       .offset = offsetof(LimConvParams, h),
                                       .min = 0,
                                       .max = 1 << 20,
                                       .def = 0},
                                      {.name = "w",
                                       .label = "Width",
                                       .help = "Of the result.",
                                       .kind = LIM_INT,
                                       .offset = offsetof(LimConvParams, w),
                                       .min = 0,
                                       .max = 1 << 20,
                                       .def = 0},
                                      {0}};

static const LimOpCase conv_cases[] = {
    {.in = {LIM_SHAPE4(2, 3, 5, 7), LIM_SHAPE4(4, 3, 3, 3), LIM_SHAPE1(4)}, .params = "pad=1"},
    {.in = {LIM_SHAPE4(1, 1, 1, 1), LIM_SHAPE4(1, 1, 1, 1), LIM_ABSENT}},
    {.in = {LIM_SHAPE4(2, 2, 7, 13), LIM_SHAPE4(3, 2, 3, 3), LIM_ABSENT},
     .params = "stride=2 pad=1"},
    {.in = {LIM_SHAPE4(1, 3, 6, 5), LIM_SHAPE4(2, 3, 5, 4), LIM_SHAPE1(2)}, .params = "pad=2"},
    {.in = {LIM_SHAPE4(3, 5, 4, 4), LIM_SHAPE4(7, 5, 1, 1), LIM_SHAPE1(7)}},
    {.in = {LIM_SHAPE4(2, 16, 13, 9), LIM_SHAPE4(17, 16, 3, 3), LIM_SHAPE1(17)}, .params = "pad=1"},
    {.in = {LIM_SHAPE4(16, 128, 16, 16), LIM_SHAPE4(128, 128, 3, 3), LIM_SHAPE1(128)},
     .params = "pad=1",
     .bench = true},
    {.in = {LIM_SHAPE4(1, 128, 32, 32), LIM_SHAPE4(128, 128, 3, 3), LIM_SHAPE1(128)},
     .params = "pad=1",
     .bench = true}};
static const LimOpCase dx_cases[] = {
    {.in = {LIM_SHAPE4(2, 4, 5, 7), LIM_SHAPE4(4, 3, 3, 3)}, .params = "pad=1 h=5 w=7"},
    {.in = {LIM_SHAPE4(2, 3, 4, 7), LIM_SHAPE4(3, 2, 3, 3)}, .params = "stride=2 pad=1 h=7 w=13"},
    {.in = {LIM_SHAPE4(1, 2, 6, 6), LIM_SHAPE4(2, 3, 5, 4)}, .params = "pad=2 h=6 w=5"},
    {.in = {LIM_SHAPE4(2, 17, 13, 9), LIM_SHAPE4(17, 16, 3, 3)}, .params = "pad=1 h=13 w=9"},
    {.in = {LIM_SHAPE4(16, 128, 16, 16), LIM_SHAPE4(128, 128, 3, 3)},
     .params = "pad=1 h=16 w=16",
     .bench = true}};
static const LimOpCase dw_cases[] = {
    {.in = {LIM_SHAPE4(2, 3, 5, 7), LIM_SHAPE4(2, 4, 5, 7)}, .params = "pad=1 h=3 w=3"},
    {.in = {LIM_SHAPE4(2, 2, 7, 13), LIM_SHAPE4(2, 3, 4, 7)}, .params = "stride=2 pad=1 h=3 w=3"},
    {.in = {LIM_SHAPE4(1, 3, 6, 5), LIM_SHAPE4(1, 2, 6, 6)}, .params = "pad=2 h=5 w=4"},
    {.in = {LIM_SHAPE4(2, 16, 13, 9), LIM_SHAPE4(2, 17, 13, 9)}, .params = "pad=1 h=3 w=3"},
    {.in = {LIM_SHAPE4(16, 128, 16, 16), LIM_SHAPE4(16, 128, 16, 16)},
     .params = "pad=1 h=3 w=3",
     .bench = true}};

#define COMMON   .n_out = 1, .params = schema, .params_size = sizeof(LimConvParams)
#define CASES(c) .cases = c, .n_cases = sizeof c / sizeof *c

const LimOpDef lim_op_conv2d = {.name = "conv2d",
                                .n_in = 3,
                                .optional_from = 2,
                                COMMON,
                                .infer = infer_conv,
                                .scratch = conv_scratch,
                                .prepared = conv_prepared,
                                .prepare = conv_prepare,
                                .fuse = conv_fuse,
                                .block = conv_block,
                                .run = conv_run,
                                LIM_REF(conv2d),
                                .grad = conv_grad,
                                CASES(conv_cases)};
const LimOpDef lim_op_conv2d_dx = {.name = "conv2d_dx",
                                   .n_in = 2,
                                   COMMON,
                                   .infer = infer_dx,
                                   .scratch = dx_scratch,
                                   .run = dx_run,
                                   LIM_REF(conv2d_dx),
                                   .grad = dx_grad,
                                   CASES(dx_cases)};
const LimOpDef lim_op_conv2d_dw = {.name = "conv2d_dw",
                                   .n_in = 2,
                                   COMMON,
                                   .infer = infer_dw,
                                   .scratch = dw_scratch,
                                   .run = dw_run,
                                   LIM_REF(conv2d_dw),
                                   .grad = dw_grad,
                                   CASES(dw_cases)};

LimVal
lim_conv2d(LimGraph *g, LimVal x, LimVal w, LimVal b, int stride, int pad)
{
    LimConvParams p = {stride, pad, 0, 0};
    return lim_graph_add(g, &lim_op_conv2d, (LimVal[]){x, w, b}, &p, NULL);
}
