/* RoI align (He et al. 2017): what a map of features holds inside a box, as bins x bins values per
 * channel. Each bin is the mean of 2 x 2 bilinear samples; nothing is rounded to cells, unlike RoI
 * pooling. Linear in the map; the two ops are each other's adjoint. Boxes are fixed: no gradient
 * reaches them (as in Faster R-CNN).
 *
 * The mean of samples on a grid is separable: bins = Y map X^T with few non-zero weights in a row
 * of Y and X. The fast runs use that; the references do not. */
#include "kernels/params.h"
#include "ops/ops.h"
#include "ops/run.h"

#include <math.h>

LIM_REF_DECLARE(roi_align);
LIM_REF_DECLARE(roi_align_grad);

extern const LimOpDef lim_op_roi_align, lim_op_roi_align_grad;

enum { MAX_BINS = 8, MAX_SIDE = 64, SAMPLES = 2 };

static LimStatus
infer_roi_align(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    const LimRoiParams *p = params;
    out[0] = LIM_SHAPE4(in[1].d[0], in[0].d[1], p->bins, p->bins);
    return lim_want(in[0].nd == 4 && in[0].d[2] <= MAX_SIDE && in[0].d[3] <= MAX_SIDE &&
                        in[1].nd == 2 && in[1].d[1] == 4 &&
                        lim_shape_equal(in[2], LIM_SHAPE1(in[1].d[0])),
                    err, "needs a map [n][c][h][w] of at most 64x64, boxes [r][4] and index [r]");
}

static LimStatus
infer_roi_align_grad(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    const LimRoiParams *p = params;
    out[0] = LIM_SHAPE4(p->n, in[0].d[1], p->h, p->w);
    return lim_want(in[0].nd == 4 && in[0].d[2] == p->bins && in[0].d[3] == p->bins &&
                        p->h <= MAX_SIDE && p->w <= MAX_SIDE && in[1].nd == 2 &&
                        in[1].d[0] == in[0].d[0] && in[1].d[1] == 4 &&
                        lim_shape_equal(in[2], LIM_SHAPE1(in[0].d[0])),
                    err, "needs dy [r][c][bins][bins], boxes [r][4] and index [r]");
}

/* The weights of one axis: row b of the matrix is weight[b][from[b] .. to[b]). */
typedef struct Axis {
    int from[MAX_BINS], to[MAX_BINS];
    int first, end; /* over all rows */
    float weight[MAX_BINS][MAX_SIDE];
} Axis;

static void
axis_of(Axis *a, float from, float to, const LimRoiParams *p, int size)
{
    a->first = size;
    a->end = 0;
    for (int b = 0; b < p->bins; b++) {
        a->from[b] = size;
        a->to[b] = 0;
        for (int i = 0; i < size; i++)
            a->weight[b][i] = 0;
        for (int i = 0; i < SAMPLES; i++) {
            const double step = ((double)to - (double)from) / (p->bins * SAMPLES);
            double t = ((double)from + (b * SAMPLES + i + 0.5) * step) * p->scale - 0.5;
            t = fmin(fmax(t, 0), size - 1);
            const int at = (int)t, next = at + (at < size - 1);
            a->weight[b][at] += (float)((1 - (t - at)) / SAMPLES);
            a->weight[b][next] += (float)((t - at) / SAMPLES);
            a->from[b] = at < a->from[b] ? at : a->from[b];
            a->to[b] = next + 1 > a->to[b] ? next + 1 : a->to[b];
        }
        a->first = a->from[b] < a->first ? a->from[b] : a->first;
        a->end = a->to[b] > a->end ? a->to[b] : a->end;
    }
}

static void
roi_align_rois(const void *ctx, int64_t from, int64_t to)
{
    const LimNodeRun *n = ctx;
    const LimRoiParams *p = n->params;
    const int c = n->in_shape[0].d[1], h = n->in_shape[0].d[2], w = n->in_shape[0].d[3];
    const int bins = p->bins;
    Axis ax, ay;
    for (int64_t r = from; r < to; r++) {
        const float *box = (const float *)n->in[1] + 4 * r;
        const float *x =
            (const float *)n->in[0] + (int64_t)((const int32_t *)n->in[2])[r] * c * h * w;
        float *y = (float *)n->out[0] + r * c * bins * bins;
        axis_of(&ax, box[0], box[2], p, w);
        axis_of(&ay, box[1], box[3], p, h);
        const int left = ax.first, right = ax.end;
        for (int k = 0; k < c; k++, x += h * w, y += bins * bins)
            for (int by = 0; by < bins; by++) {
                float row[MAX_SIDE];
                for (int i = left; i < right; i++)
                    row[i] = 0;
                for (int j = ay.from[by]; j < ay.to[by]; j++)
                    for (int i = left; i < right; i++)
                        row[i] += ay.weight[by][j] * x[j * w + i];
                for (int bx = 0; bx < bins; bx++) {
                    float sum = 0;
                    for (int i = ax.from[bx]; i < ax.to[bx]; i++)
                        sum += ax.weight[bx][i] * row[i];
                    y[by * bins + bx] = sum;
                }
            }
    }
}

static void
roi_align_run(const LimNodeRun *n, const LimExec *exec)
{
    lim_each_chunk(exec, n->in_shape[1].d[0], 4, roi_align_rois, n);
}

/* Planes of one picture and 8 channels at a time: its boxes come one after the other. */
enum { CHANNELS = 8 };

static void
roi_align_grad_planes(const void *ctx, int64_t from, int64_t to)
{
    const LimNodeRun *n = ctx;
    const LimRoiParams *p = n->params;
    const int rois = n->in_shape[0].d[0], c = n->in_shape[0].d[1], bins = p->bins;
    const int h = p->h, w = p->w, groups = (c + CHANNELS - 1) / CHANNELS;
    Axis ax, ay;
    for (int64_t g = from; g < to; g++) {
        const int picture = (int)(g / groups), first = (int)(g % groups) * CHANNELS;
        const int last = first + CHANNELS < c ? first + CHANNELS : c;
        float *dx = (float *)n->out[0] + (int64_t)picture * c * h * w;
        for (int64_t i = (int64_t)first * h * w; i < (int64_t)last * h * w; i++)
            dx[i] = 0;
        for (int64_t r = 0; r < rois; r++) {
            if (((const int32_t *)n->in[2])[r] != picture)
                continue;
            const float *box = (const float *)n->in[1] + 4 * r;
            axis_of(&ax, box[0], box[2], p, w);
            axis_of(&ay, box[1], box[3], p, h);
            const int left = ax.first, right = ax.end;
            for (int k = first; k < last; k++)
                for (int by = 0; by < bins; by++) {
                    const float *dy = (const float *)n->in[0] + ((r * c + k) * bins + by) * bins;
                    float row[MAX_SIDE];
                    for (int i = left; i < right; i++)
                        row[i] = 0;
                    for (int bx = 0; bx < bins; bx++)
                        for (int i = ax.from[bx]; i < ax.to[bx]; i++)
                            row[i] += ax.weight[bx][i] * dy[bx];
                    for (int j = ay.from[by]; j < ay.to[by]; j++)
                        for (int i = left; i < right; i++)
                            dx[((int64_t)k * h + j) * w + i] += ay.weight[by][j] * row[i];
                }
        }
    }
}

static void
roi_align_grad_run(const LimNodeRun *n, const LimExec *exec)
{
    const LimShape s = n->out_shape[0];
    lim_each_chunk(exec, (int64_t)s.d[0] * ((s.d[1] + CHANNELS - 1) / CHANNELS), 1,
                   roi_align_grad_planes, n);
}

#define GRAD(name)                                                                         \
    static void name(LimGraph *g, const LimVal *in, const LimVal *out, const LimVal *dout, \
                     const bool *wanted, LimVal *din, const void *params)

GRAD(roi_align_grad_of)
{
    const LimShape s = lim_graph_shape(g, in[0]);
    LimRoiParams p = *(const LimRoiParams *)params;
    p.n = s.d[0];
    p.h = s.d[2];
    p.w = s.d[3];
    if (wanted[0])
        din[0] =
            lim_graph_add(g, &lim_op_roi_align_grad, (LimVal[]){dout[0], in[1], in[2]}, &p, NULL);
}

GRAD(roi_align_grad_grad)
{
    if (wanted[0])
        din[0] =
            lim_graph_add(g, &lim_op_roi_align, (LimVal[]){dout[0], in[1], in[2]}, params, NULL);
}

#define INT(field, flag, text, teach, hi, value)                                   \
    {                                                                              \
        .name = flag, .label = text, .help = teach, .unit = "", .kind = LIM_INT,   \
        .offset = offsetof(LimRoiParams, field), .min = 1, .max = hi, .def = value \
    }

static const LimParamSpec schema[] = {INT(bins, "bins", "Bins",
                                          "Values along each side of the result.", MAX_BINS, 4),
                                      {.name = "scale",
                                       .label = "Scale",
                                       .help = "Cells of the map per pixel of the boxes.",
                                       .kind = LIM_REAL,
                                       .offset = offsetof(LimRoiParams, scale),
                                       .min = 1e-6,
                                       .max = 1e6,
                                       .def = 1},
                                      INT(n, "n", "Maps", "Of the gradient.", 1 << 16, 1),
                                      INT(h, "h", "Height", "Of the gradient.", MAX_SIDE, 1),
                                      INT(w, "w", "Width", "Of the gradient.", MAX_SIDE, 1),
                                      {0}};

/* boxes with corners of 0.5 .. 1.5 pixels in any order at a scale of 4: inside, outside, mirrored
 */
static const LimOpCase roi_align_cases[] = {
    {.in = {LIM_SHAPE4(2, 3, 6, 7), LIM_SHAPE2(5, 4), LIM_SHAPE1(5)},
     .fill = {LIM_FILL_NORMAL, LIM_FILL_POSITIVE, LIM_FILL_LABEL},
     .params = "bins=3 scale=4",
     .label_below = 2},
    {.in = {LIM_SHAPE4(1, 9, 1, 3), LIM_SHAPE2(2, 4), LIM_SHAPE1(2)},
     .fill = {LIM_FILL_NORMAL, LIM_FILL_NORMAL, LIM_FILL_LABEL},
     .params = "bins=2 scale=2",
     .label_below = 1}};
static const LimOpCase roi_align_grad_cases[] = {
    {.in = {LIM_SHAPE4(5, 3, 3, 3), LIM_SHAPE2(5, 4), LIM_SHAPE1(5)},
     .fill = {LIM_FILL_NORMAL, LIM_FILL_POSITIVE, LIM_FILL_LABEL},
     .params = "bins=3 scale=4 n=2 h=6 w=7",
     .label_below = 2}};

#define OP(op, rule, gradient, list)                                   \
    const LimOpDef lim_op_##op = {.name = #op,                         \
                                  .n_in = 3,                           \
                                  .n_out = 1,                          \
                                  .int_inputs = 4,                     \
                                  .params = schema,                    \
                                  .params_size = sizeof(LimRoiParams), \
                                  .infer = rule,                       \
                                  .run = op##_run,                     \
                                  LIM_REF(op),                         \
                                  .grad = gradient,                    \
                                  .cases = list,                       \
                                  .n_cases = sizeof list / sizeof *list};

OP(roi_align, infer_roi_align, roi_align_grad_of, roi_align_cases)
OP(roi_align_grad, infer_roi_align_grad, roi_align_grad_grad, roi_align_grad_cases)

LimVal
lim_roi_align(LimGraph *g, LimVal x, LimVal boxes, LimVal index, int bins, double scale)
{
    return lim_graph_add(g, &lim_op_roi_align, (LimVal[]){x, boxes, index},
                         &(LimRoiParams){.bins = bins, .scale = scale, .n = 1, .h = 1, .w = 1},
                         NULL);
}
