/* Pooling and upsampling by two, and global pooling. sum_pool2 and upsample2 are each other's
 * adjoint, as are spatial_sum and spatial_broadcast; each carries a factor, so averages are sums.
 */
#include "ops/ops.h"
#include "kernels/params.h"
#include "ops/run.h"

#include <string.h>

LIM_REF_DECLARE(sum_pool2);
LIM_REF_DECLARE(upsample2);
LIM_REF_DECLARE(max_pool2);
LIM_REF_DECLARE(max_pool2_grad);
LIM_REF_DECLARE(spatial_sum);
LIM_REF_DECLARE(spatial_broadcast);

extern const LimOpDef lim_op_sum_pool2, lim_op_upsample2, lim_op_max_pool2, lim_op_max_pool2_grad,
    lim_op_spatial_sum, lim_op_spatial_broadcast;

static LimStatus
infer_sum_pool(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = LIM_SHAPE4(in[0].d[0], in[0].d[1], in[0].d[2] / 2, in[0].d[3] / 2);
    return lim_want(in[0].nd == 4 && in[0].d[2] % 2 == 0 && in[0].d[3] % 2 == 0, err,
                    "needs [n][c][h][w] with even h and w");
}

static LimStatus
infer_upsample(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = LIM_SHAPE4(in[0].d[0], in[0].d[1], in[0].d[2] * 2, in[0].d[3] * 2);
    return lim_want(in[0].nd == 4, err, "needs [n][c][h][w]");
}

static LimStatus
infer_max_pool(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = LIM_SHAPE4(in[0].d[0], in[0].d[1], in[0].d[2] / 2, in[0].d[3] / 2);
    return lim_want(in[0].nd == 4 && in[0].d[2] >= 2 && in[0].d[3] >= 2, err,
                    "needs [n][c][h][w] of at least 2x2");
}

static LimStatus
infer_max_pool_grad(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = in[0];
    return lim_want(in[0].nd == 4 && in[1].nd == 4 && in[1].d[2] == in[0].d[2] / 2 &&
                        in[1].d[3] == in[0].d[3] / 2 && in[1].d[1] == in[0].d[1] &&
                        in[1].d[0] == in[0].d[0],
                    err, "x and dy do not belong together");
}

static LimStatus
infer_spatial_sum(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    out[0] = LIM_SHAPE2(in[0].d[0], in[0].d[1]);
    return lim_want(in[0].nd == 4, err, "needs [n][c][h][w]");
}

static LimStatus
infer_spatial_broadcast(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    const LimSizeParams *p = params;
    out[0] = LIM_SHAPE4(in[0].d[0], in[0].d[1], p->h, p->w);
    return lim_want(in[0].nd == 2, err, "needs [n][c]");
}

/* ---- fast runs: planes of n c in chunks ------------------------------------------------------ */

static void
each_plane(const LimNodeRun *n, const LimExec *exec, LimShape larger,
           void (*fn)(const void *ctx, int64_t from, int64_t to))
{
    const int64_t hw = (int64_t)larger.d[2] * larger.d[3];
    lim_each_chunk(exec, (int64_t)larger.d[0] * larger.d[1], hw >= LIM_CHUNK ? 1 : LIM_CHUNK / hw,
                   fn, n);
}

static void
sum_pool_planes(const void *ctx, int64_t from, int64_t to)
{
    const LimNodeRun *n = ctx;
    const float scale = (float)((const LimScaleParams *)n->params)->scale;
    const int h = n->out_shape[0].d[2], w = n->out_shape[0].d[3];
    for (int64_t r = from * h; r < to * h; r++) {
        const float *restrict a = (const float *)n->in[0] + r * 4 * w, *restrict b = a + 2 * w;
        float *restrict y = (float *)n->out[0] + r * w;
        for (int x = 0; x < w; x++)
            y[x] = scale * (a[2 * x] + a[2 * x + 1] + b[2 * x] + b[2 * x + 1]);
    }
}

static void
sum_pool2_run(const LimNodeRun *n, const LimExec *exec)
{
    each_plane(n, exec, n->in_shape[0], sum_pool_planes);
}

static void
upsample_planes(const void *ctx, int64_t from, int64_t to)
{
    const LimNodeRun *n = ctx;
    const float scale = (float)((const LimScaleParams *)n->params)->scale;
    const int h = n->in_shape[0].d[2], w = n->in_shape[0].d[3];
    for (int64_t r = from * h; r < to * h; r++) {
        const float *restrict a = (const float *)n->in[0] + r * w;
        float *restrict y = (float *)n->out[0] + r * 4 * w, *restrict z = y + 2 * w;
        for (int x = 0; x < w; x++)
            y[2 * x] = y[2 * x + 1] = z[2 * x] = z[2 * x + 1] = scale * a[x];
    }
}

static void
upsample2_run(const LimNodeRun *n, const LimExec *exec)
{
    each_plane(n, exec, n->out_shape[0], upsample_planes);
}

static void
max_pool_planes(const void *ctx, int64_t from, int64_t to)
{
    const LimNodeRun *n = ctx;
    const int w = n->in_shape[0].d[3], oh = n->out_shape[0].d[2], ow = n->out_shape[0].d[3];
    const int64_t in_plane = (int64_t)n->in_shape[0].d[2] * w;
    for (int64_t k = from; k < to; k++)
        for (int y = 0; y < oh; y++) {
            const float *restrict a = (const float *)n->in[0] + k * in_plane + 2 * y * w;
            const float *restrict b = a + w;
            float *restrict o = (float *)n->out[0] + (k * oh + y) * ow;
            for (int x = 0; x < ow; x++) {
                const float p = a[2 * x] > a[2 * x + 1] ? a[2 * x] : a[2 * x + 1];
                const float q = b[2 * x] > b[2 * x + 1] ? b[2 * x] : b[2 * x + 1];
                o[x] = p > q ? p : q;
            }
        }
}

static void
max_pool2_run(const LimNodeRun *n, const LimExec *exec)
{
    each_plane(n, exec, n->in_shape[0], max_pool_planes);
}

/* ---- the gradient of max pooling, four windows at a time --------------------------------------
 */

typedef float Four __attribute__((vector_size(16)));
typedef int Mask __attribute__((vector_size(16)));
typedef float FourAt __attribute__((vector_size(16), aligned(4), may_alias));

static inline Four
where(Mask m, Four yes, Four no)
{
    return (Four)((m & (Mask)yes) | (~m & (Mask)no));
}

/* Windows side by side: a and b are the two rows of x, da and db those of dx. */
static inline void
four_windows(const float *a, const float *b, const float *dy, float *da, float *db)
{
    const Four a0 = *(const FourAt *)a, a1 = *(const FourAt *)(a + 4);
    const Four b0 = *(const FourAt *)b, b1 = *(const FourAt *)(b + 4);
    const Four al = __builtin_shufflevector(a0, a1, 0, 2, 4, 6);
    const Four ar = __builtin_shufflevector(a0, a1, 1, 3, 5, 7);
    const Four bl = __builtin_shufflevector(b0, b1, 0, 2, 4, 6);
    const Four br = __builtin_shufflevector(b0, b1, 1, 3, 5, 7);
    const Mask right_a = ar > al, right_b = br > bl;
    const Mask lower = where(right_b, br, bl) > where(right_a, ar, al);
    const Four t = *(const FourAt *)dy;
    const Mask ta = (Mask)t & ~lower, tb = (Mask)t & lower;
    const Four dal = (Four)(ta & ~right_a), dar = (Four)(ta & right_a);
    const Four dbl = (Four)(tb & ~right_b), dbr = (Four)(tb & right_b);
    *(FourAt *)da = __builtin_shufflevector(dal, dar, 0, 4, 1, 5);
    *(FourAt *)(da + 4) = __builtin_shufflevector(dal, dar, 2, 6, 3, 7);
    *(FourAt *)db = __builtin_shufflevector(dbl, dbr, 0, 4, 1, 5);
    *(FourAt *)(db + 4) = __builtin_shufflevector(dbl, dbr, 2, 6, 3, 7);
}

static inline void
one_window(const float *x, const float *y, float t, float *dx, float *dy)
{
    const bool right_x = x[1] > x[0], right_y = y[1] > y[0], lower = y[right_y] > x[right_x];
    dx[0] = !lower && !right_x ? t : 0;
    dx[1] = !lower && right_x ? t : 0;
    dy[0] = lower && !right_y ? t : 0;
    dy[1] = lower && right_y ? t : 0;
}

static void
max_pool_grad_planes(const void *ctx, int64_t from, int64_t to)
{
    const LimNodeRun *n = ctx;
    const int h = n->in_shape[0].d[2], w = n->in_shape[0].d[3];
    const int oh = n->in_shape[1].d[2], ow = n->in_shape[1].d[3];
    for (int64_t k = from; k < to; k++) {
        const float *x = (const float *)n->in[0] + k * h * w;
        const float *dy = (const float *)n->in[1] + k * oh * ow;
        float *dx = (float *)n->out[0] + k * h * w;
        if ((h | w) & 1)
            memset(dx, 0, (size_t)h * (size_t)w * sizeof *dx);
        for (int y = 0; y < oh; y++, x += 2 * w, dx += 2 * w, dy += ow) {
            for (int j = 0; j < ow && ow < 4; j++)
                one_window(x + 2 * j, x + w + 2 * j, dy[j], dx + 2 * j, dx + w + 2 * j);
            for (int i = 0; i < ow && ow >= 4; i += 4) {
                const int j = i < ow - 4 ? i : ow - 4; /* the last ones a second time */
                four_windows(x + 2 * j, x + w + 2 * j, dy + j, dx + 2 * j, dx + w + 2 * j);
            }
        }
    }
}

static void
max_pool2_grad_run(const LimNodeRun *n, const LimExec *exec)
{
    each_plane(n, exec, n->in_shape[0], max_pool_grad_planes);
}

/* ---- gradients --------------------------------------------------------------------------------
 */

#define GRAD(name)                                                                         \
    static void name(LimGraph *g, const LimVal *in, const LimVal *out, const LimVal *dout, \
                     const bool *wanted, LimVal *din, const void *params)

GRAD(sum_pool_grad)
{
    din[0] = lim_graph_add(g, &lim_op_upsample2, &dout[0], params, NULL);
}

GRAD(upsample_grad)
{
    din[0] = lim_graph_add(g, &lim_op_sum_pool2, &dout[0], params, NULL);
}

GRAD(max_pool_grad)
{
    din[0] = lim_graph_add(g, &lim_op_max_pool2_grad, (LimVal[]){in[0], dout[0]}, NULL, NULL);
}

/* linear in dy: mask * upsample(dy) with a mask that is 1 at each maximum; its adjoint sums the
 * masked seed over the windows */
GRAD(max_pool_grad_grad)
{
    if (!wanted[1])
        return;
    LimVal ones = lim_fill_like(g, in[1], 1);
    LimVal mask = lim_graph_add(g, &lim_op_max_pool2_grad, (LimVal[]){in[0], ones}, NULL, NULL);
    LimVal d = lim_mul(g, mask, dout[0]);
    const LimShape s = lim_graph_shape(g, d);
    if (s.d[2] % 2)
        d = lim_slice(g, d, 2, 0, s.d[2] - 1);
    if (s.d[3] % 2)
        d = lim_slice(g, d, 3, 0, s.d[3] - 1);
    din[1] = lim_graph_add(g, &lim_op_sum_pool2, &d, &(LimScaleParams){1}, NULL);
}

GRAD(spatial_sum_grad)
{
    const LimShape s = lim_graph_shape(g, in[0]);
    LimSizeParams p = {.h = s.d[2], .w = s.d[3], .scale = ((const LimScaleParams *)params)->scale};
    din[0] = lim_graph_add(g, &lim_op_spatial_broadcast, &dout[0], &p, NULL);
}

GRAD(spatial_broadcast_grad)
{
    LimScaleParams p = {((const LimSizeParams *)params)->scale};
    din[0] = lim_graph_add(g, &lim_op_spatial_sum, &dout[0], &p, NULL);
}

static const LimParamSpec scale_schema[] = {{.name = "scale",
                                             .label = "Scale",
                                             .help = "Factor of the result.",
                                             .kind = LIM_REAL,
                                             .offset = offsetof(LimScaleParams, scale),
                                             .min = -1e30,
                                             .max = 1e30,
                                             .def = 1},
                                            {0}};
static const LimParamSpec size_schema[] = {{.name = "h",
                                            .label = "Height",
                                            .help = "Of the result.",
                                            .kind = LIM_INT,
                                            .offset = offsetof(LimSizeParams, h),
                                            .min = 1,
                                            .max = 1 << 16,
                                            .def = 1},
                                           {.name = "w",
                                            .label = "Width",
                                            .help = "Of the result.",
                                            .kind = LIM_INT,
                                            .offset = offsetof(LimSizeParams, w),
                                            .min = 1,
                                            .max = 1 << 16,
                                            .def = 1},
                                           {.name = "scale",
                                            .label = "Scale",
                                            .help = "Factor of the result.",
                                            .kind = LIM_REAL,
                                            .offset = offsetof(LimSizeParams, scale),
                                            .min = -1e30,
                                            .max = 1e30,
                                            .def = 1},
                                           {0}};

static const LimOpCase even_cases[] = {{.in = {LIM_SHAPE4(2, 3, 4, 6)}, .params = "scale=0.25"},
                                       {.in = {LIM_SHAPE4(16, 128, 32, 32)}, .bench = true}};
static const LimOpCase any_cases[] = {{.in = {LIM_SHAPE4(2, 3, 5, 7)}, .params = "scale=0.25"},
                                      {.in = {LIM_SHAPE4(16, 128, 16, 16)}, .bench = true}};
static const LimOpCase max_cases[] = {{.in = {LIM_SHAPE4(2, 3, 4, 6)}, .fill = {LIM_FILL_DISTINCT}},
                                      {.in = {LIM_SHAPE4(2, 3, 5, 7)}, .fill = {LIM_FILL_DISTINCT}},
                                      {.in = {LIM_SHAPE4(16, 64, 32, 32)},
                                       .fill = {LIM_FILL_DISTINCT},
                                       .bench = true}};
static const LimOpCase max_grad_cases[] = {
    {.in = {LIM_SHAPE4(2, 3, 4, 6), LIM_SHAPE4(2, 3, 2, 3)}, .fill = {LIM_FILL_DISTINCT}},
    {.in = {LIM_SHAPE4(2, 3, 5, 7), LIM_SHAPE4(2, 3, 2, 3)}, .fill = {LIM_FILL_DISTINCT}},
    {.in = {LIM_SHAPE4(2, 3, 4, 8), LIM_SHAPE4(2, 3, 2, 4)}, .fill = {LIM_FILL_DISTINCT}},
    {.in = {LIM_SHAPE4(1, 2, 5, 15), LIM_SHAPE4(1, 2, 2, 7)}, .fill = {LIM_FILL_DISTINCT}},
    {.in = {LIM_SHAPE4(16, 64, 32, 32), LIM_SHAPE4(16, 64, 16, 16)},
     .fill = {LIM_FILL_DISTINCT},
     .bench = true}};
static const LimOpCase broadcast_cases[] = {
    {.in = {LIM_SHAPE2(2, 3)}, .params = "h=4 w=5 scale=0.5"}};

#define CASES(c) .cases = c, .n_cases = sizeof c / sizeof *c
#define OP(op, ins, rule, gradient, ...)            \
    const LimOpDef lim_op_##op = {.name = #op,      \
                                  .n_in = ins,      \
                                  .n_out = 1,       \
                                  .infer = rule,    \
                                  LIM_REF(op),      \
                                  .grad = gradient, \
                                  __VA_ARGS__};
#define SCALE .params = scale_schema, .params_size = sizeof(LimScaleParams)

OP(sum_pool2, 1, infer_sum_pool, sum_pool_grad, .run = sum_pool2_run, SCALE, CASES(even_cases))
OP(upsample2, 1, infer_upsample, upsample_grad, .run = upsample2_run, SCALE, CASES(any_cases))
OP(max_pool2, 1, infer_max_pool, max_pool_grad, .run = max_pool2_run, CASES(max_cases))
OP(max_pool2_grad, 2, infer_max_pool_grad, max_pool_grad_grad, .run = max_pool2_grad_run,
   CASES(max_grad_cases))
OP(spatial_sum, 1, infer_spatial_sum, spatial_sum_grad, SCALE, CASES(any_cases))
OP(spatial_broadcast, 1, infer_spatial_broadcast, spatial_broadcast_grad, .params = size_schema,
   .params_size = sizeof(LimSizeParams), CASES(broadcast_cases))

LimVal
lim_avg_pool2(LimGraph *g, LimVal x)
{
    return lim_graph_add(g, &lim_op_sum_pool2, &x, &(LimScaleParams){0.25}, NULL);
}

LimVal
lim_max_pool2(LimGraph *g, LimVal x)
{
    return lim_graph_add(g, &lim_op_max_pool2, &x, NULL, NULL);
}

LimVal
lim_upsample2(LimGraph *g, LimVal x)
{
    return lim_graph_add(g, &lim_op_upsample2, &x, &(LimScaleParams){1}, NULL);
}

LimVal
lim_spatial_sum(LimGraph *g, LimVal x)
{
    return lim_graph_add(g, &lim_op_spatial_sum, &x, &(LimScaleParams){1}, NULL);
}

LimVal
lim_spatial_mean(LimGraph *g, LimVal x)
{
    const LimShape s = lim_graph_shape(g, x);
    return lim_graph_add(g, &lim_op_spatial_sum, &x,
                         &(LimScaleParams){1.0 / ((double)s.d[2] * s.d[3])}, NULL);
}
