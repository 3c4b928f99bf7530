/* Bilinear resizing to any size, and its adjoint. Where a pixel's neighbours are and how they are
 * weighted is the same for every plane: two small tables, made once per run, leave nothing but
 * loads and multiplications. The adjoint scatters through the same tables, plane by plane, so its
 * sums have one order whatever the number of threads.
 */
#include "ops/ops.h"
#include "kernels/params.h"
#include "ops/run.h"

LIM_REF_DECLARE(resize_bilinear);
LIM_REF_DECLARE(resize_bilinear_grad);

extern const LimOpDef lim_op_resize_bilinear, lim_op_resize_bilinear_grad;

static LimStatus
infer(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    const LimSizeParams *p = params;
    out[0] = LIM_SHAPE4(in[0].d[0], in[0].d[1], p->h, p->w);
    return lim_want(in[0].nd == 4, err, "needs [n][c][h][w]");
}

/* Pixel i of the larger or smaller picture is a + weight (b - a). */
typedef struct Tap {
    int32_t a, b;
    float weight;
} Tap;

static void
make_taps(Tap *taps, int in, int out)
{
    for (int i = 0; i < out; i++) {
        double at = (i + 0.5) * in / out - 0.5; /* centres on centres */
        at = at < 0 ? 0 : at > in - 1 ? in - 1 : at;
        const int a = (int)at;
        taps[i] = (Tap){a, a + 1 < in ? a + 1 : a, (float)(at - a)};
    }
}

/* [rows of y][columns of y] */
static size_t
taps_size(LimShape y)
{
    return (size_t)(y.d[2] + y.d[3]) * sizeof(Tap);
}

static size_t
scratch(const LimNodeRun *n, const LimExec *exec)
{
    return taps_size(n->out_shape[0]);
}

static size_t
grad_scratch(const LimNodeRun *n, const LimExec *exec)
{
    return taps_size(n->in_shape[0]);
}

static void
resize_planes(const void *ctx, int64_t from, int64_t to)
{
    const LimNodeRun *n = ctx;
    const int h = n->in_shape[0].d[2], w = n->in_shape[0].d[3];
    const int oh = n->out_shape[0].d[2], ow = n->out_shape[0].d[3];
    const Tap *rows = n->scratch, *columns = rows + oh;
    for (int64_t k = from; k < to; k++)
        for (int y = 0; y < oh; y++) {
            const float *restrict a = (const float *)n->in[0] + (k * h + rows[y].a) * w;
            const float *restrict b = (const float *)n->in[0] + (k * h + rows[y].b) * w;
            float *restrict out = (float *)n->out[0] + (k * oh + y) * ow;
            const float v = rows[y].weight;
            for (int x = 0; x < ow; x++) {
                const Tap t = columns[x];
                const float top = a[t.a] + t.weight * (a[t.b] - a[t.a]);
                const float low = b[t.a] + t.weight * (b[t.b] - b[t.a]);
                out[x] = top + v * (low - top);
            }
        }
}

static void
gather_planes(const void *ctx, int64_t from, int64_t to)
{
    const LimNodeRun *n = ctx;
    const int h = n->out_shape[0].d[2], w = n->out_shape[0].d[3];
    const int oh = n->in_shape[0].d[2], ow = n->in_shape[0].d[3];
    const Tap *rows = n->scratch, *columns = rows + oh;
    for (int64_t k = from; k < to; k++) {
        float *dx = (float *)n->out[0] + k * h * w;
        for (int64_t i = 0; i < (int64_t)h * w; i++)
            dx[i] = 0;
        for (int y = 0; y < oh; y++) {
            const float *restrict dy = (const float *)n->in[0] + (k * oh + y) * ow;
            float *a = dx + (int64_t)rows[y].a * w, *b = dx + (int64_t)rows[y].b * w;
            const float v = rows[y].weight;
            for (int x = 0; x < ow; x++) {
                const Tap t = columns[x];
                const float low = v * dy[x], top = dy[x] - low;
                const float top_b = t.weight * top, low_b = t.weight * low;
                a[t.a] += top - top_b;
                a[t.b] += top_b;
                b[t.a] += low - low_b;
                b[t.b] += low_b;
            }
        }
    }
}

static void
each_plane(const LimNodeRun *n, const LimExec *exec, LimShape x, LimShape y,
           void (*fn)(const void *ctx, int64_t from, int64_t to))
{
    Tap *taps = n->scratch;
    make_taps(taps, x.d[2], y.d[2]);
    make_taps(taps + y.d[2], x.d[3], y.d[3]);
    const int64_t hw = (int64_t)x.d[2] * x.d[3] + (int64_t)y.d[2] * y.d[3];
    lim_each_chunk(exec, (int64_t)x.d[0] * x.d[1], hw >= LIM_CHUNK ? 1 : LIM_CHUNK / hw, fn, n);
}

static void
resize_run(const LimNodeRun *n, const LimExec *exec)
{
    each_plane(n, exec, n->in_shape[0], n->out_shape[0], resize_planes);
}

static void
resize_grad_run(const LimNodeRun *n, const LimExec *exec)
{
    each_plane(n, exec, n->out_shape[0], n->in_shape[0], gather_planes);
}

/* Each is the other's adjoint, back to the size of its input. */
static LimVal
back(LimGraph *g, const LimOpDef *op, LimVal in, LimVal dout)
{
    const LimShape s = lim_graph_shape(g, in);
    return lim_graph_add(g, op, &dout, &(LimSizeParams){.h = s.d[2], .w = s.d[3]}, NULL);
}

static void
resize_grad(LimGraph *g, const LimVal *in, const LimVal *out, const LimVal *dout,
            const bool *wanted, LimVal *din, const void *params)
{
    din[0] = back(g, &lim_op_resize_bilinear_grad, in[0], dout[0]);
}

static void
resize_grad_grad(LimGraph *g, const LimVal *in, const LimVal *out, const LimVal *dout,
                 const bool *wanted, LimVal *din, const void *params)
{
    din[0] = back(g, &lim_op_resize_bilinear, in[0], dout[0]);
}

static const LimParamSpec schema[] = {{.name = "h",
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
                                      {0}};

static const LimOpCase cases[] = {{.in = {LIM_SHAPE4(2, 3, 4, 6)}, .params = "h=8 w=12"},
                                  {.in = {LIM_SHAPE4(2, 3, 4, 3)}, .params = "h=7 w=5"},
                                  {.in = {LIM_SHAPE4(2, 3, 7, 13)}, .params = "h=3 w=4"},
                                  {.in = {LIM_SHAPE4(3, 2, 1, 1)}, .params = "h=2 w=3"},
                                  {.in = {LIM_SHAPE4(3, 2, 5, 2)}, .params = "h=1 w=1"},
                                  {.in = {LIM_SHAPE4(1, 40, 13, 7)}, .params = "h=13 w=14"},
                                  {.in = {LIM_SHAPE4(32, 64, 16, 16)},
                                   .params = "h=32 w=32",
                                   .bench = true}};
static const LimOpCase grad_cases[] = {{.in = {LIM_SHAPE4(2, 3, 8, 12)}, .params = "h=4 w=6"},
                                       {.in = {LIM_SHAPE4(2, 3, 7, 5)}, .params = "h=4 w=3"},
                                       {.in = {LIM_SHAPE4(2, 3, 3, 4)}, .params = "h=7 w=13"},
                                       {.in = {LIM_SHAPE4(3, 2, 2, 3)}, .params = "h=1 w=1"},
                                       {.in = {LIM_SHAPE4(1, 40, 13, 14)}, .params = "h=13 w=7"},
                                       {.in = {LIM_SHAPE4(32, 64, 32, 32)},
                                        .params = "h=16 w=16",
                                        .bench = true}};

#define OP(op, fast, bytes, gradient, list)                             \
    const LimOpDef lim_op_##op = {.name = #op,                          \
                                  .n_in = 1,                            \
                                  .n_out = 1,                           \
                                  .params = schema,                     \
                                  .params_size = sizeof(LimSizeParams), \
                                  .infer = infer,                       \
                                  .scratch = bytes,                     \
                                  .run = fast,                          \
                                  LIM_REF(op),                          \
                                  .grad = gradient,                     \
                                  .cases = list,                        \
                                  .n_cases = sizeof list / sizeof *list};

OP(resize_bilinear, resize_run, scratch, resize_grad, cases)
OP(resize_bilinear_grad, resize_grad_run, grad_scratch, resize_grad_grad, grad_cases)

LimVal
lim_resize_bilinear(LimGraph *g, LimVal x, int h, int w)
{
    return lim_graph_add(g, &lim_op_resize_bilinear, &x, &(LimSizeParams){.h = h, .w = w}, NULL);
}
