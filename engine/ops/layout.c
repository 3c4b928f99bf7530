/* Moving values without changing them. Axes count from the outermost. */
#include "ops/ops.h"
#include "kernels/params.h"
#include "ops/run.h"

#include <string.h>

LIM_REF_DECLARE(reshape);
LIM_REF_DECLARE(concat);
LIM_REF_DECLARE(slice);
LIM_REF_DECLARE(place);

extern const LimOpDef lim_op_reshape, lim_op_concat, lim_op_slice, lim_op_place;

static LimStatus
infer_reshape(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    const LimReshapeParams *p = params;
    out[0] = (LimShape){p->nd, {p->d0, p->d1, p->d2, p->d3}};
    return lim_want(lim_shape_valid(out[0]) && lim_shape_size(out[0]) == lim_shape_size(in[0]), err,
                    "the two shapes hold different numbers of elements");
}

static LimStatus
infer_concat(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    const int axis = ((const LimAxisParams *)params)->axis;
    bool fits = in[0].nd == in[1].nd && axis < in[0].nd;
    for (int i = 0; fits && i < in[0].nd; i++)
        fits = i == axis || in[0].d[i] == in[1].d[i];
    if (!fits)
        return lim_fail(err, LIM_E_SHAPE, "the shapes differ outside axis %d", axis);
    out[0] = in[0];
    out[0].d[axis] += in[1].d[axis];
    return LIM_OK;
}

static LimStatus
infer_slice(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    const LimAxisParams *p = params;
    if (p->axis >= in[0].nd || p->size < 1 || p->start + p->size > in[0].d[p->axis])
        return lim_fail(err, LIM_E_SHAPE, "%d .. %d lies outside axis %d", p->start,
                        p->start + p->size, p->axis);
    out[0] = in[0];
    out[0].d[p->axis] = p->size;
    return LIM_OK;
}

static LimStatus
infer_place(const LimShape *in, const void *params, LimShape *out, LimError *err)
{
    const LimAxisParams *p = params;
    if (p->axis >= in[0].nd || p->start + in[0].d[p->axis] > p->size)
        return lim_fail(err, LIM_E_SHAPE, "the part does not fit into axis %d", p->axis);
    out[0] = in[0];
    out[0].d[p->axis] = p->size;
    return LIM_OK;
}

/* [outer][axis][inner] around one axis */
static int64_t
inner_of(LimShape s, int axis)
{
    int64_t n = 1;
    for (int i = axis + 1; i < s.nd; i++)
        n *= s.d[i];
    return n;
}

static int64_t
outer_of(LimShape s, int axis)
{
    int64_t n = 1;
    for (int i = 0; i < axis; i++)
        n *= s.d[i];
    return n;
}

static void
concat_run(const LimNodeRun *n, const LimExec *exec)
{
    const int axis = ((const LimAxisParams *)n->params)->axis;
    const int64_t a = inner_of(n->in_shape[0], axis) * n->in_shape[0].d[axis];
    const int64_t b = inner_of(n->in_shape[1], axis) * n->in_shape[1].d[axis];
    for (int64_t o = 0; o < outer_of(n->in_shape[0], axis); o++) {
        float *y = (float *)n->out[0] + o * (a + b);
        memcpy(y, (const float *)n->in[0] + o * a, (size_t)a * sizeof *y);
        memcpy(y + a, (const float *)n->in[1] + o * b, (size_t)b * sizeof *y);
    }
}

static void
slice_run(const LimNodeRun *n, const LimExec *exec)
{
    const LimAxisParams *p = n->params;
    const int64_t inner = inner_of(n->in_shape[0], p->axis);
    for (int64_t o = 0; o < outer_of(n->in_shape[0], p->axis); o++)
        memcpy((float *)n->out[0] + o * p->size * inner,
               (const float *)n->in[0] + (o * n->in_shape[0].d[p->axis] + p->start) * inner,
               (size_t)(p->size * inner) * sizeof(float));
}

static void
place_run(const LimNodeRun *n, const LimExec *exec)
{
    const LimAxisParams *p = n->params;
    const int64_t inner = inner_of(n->in_shape[0], p->axis), size = n->in_shape[0].d[p->axis];
    memset(n->out[0], 0, (size_t)lim_shape_size(n->out_shape[0]) * sizeof(float));
    for (int64_t o = 0; o < outer_of(n->in_shape[0], p->axis); o++)
        memcpy((float *)n->out[0] + (o * p->size + p->start) * inner,
               (const float *)n->in[0] + o * size * inner, (size_t)(size * inner) * sizeof(float));
}

#define GRAD(name)                                                                         \
    static void name(LimGraph *g, const LimVal *in, const LimVal *out, const LimVal *dout, \
                     const bool *wanted, LimVal *din, const void *params)

GRAD(reshape_grad)
{
    din[0] = lim_reshape(g, dout[0], lim_graph_shape(g, in[0]));
}

GRAD(concat_grad)
{
    const int axis = ((const LimAxisParams *)params)->axis;
    const int a = lim_graph_shape(g, in[0]).d[axis], b = lim_graph_shape(g, in[1]).d[axis];
    if (wanted[0])
        din[0] = lim_slice(g, dout[0], axis, 0, a);
    if (wanted[1])
        din[1] = lim_slice(g, dout[0], axis, a, b);
}

GRAD(slice_grad)
{
    const LimAxisParams *p = params;
    LimAxisParams q = {p->axis, p->start, lim_graph_shape(g, in[0]).d[p->axis]};
    din[0] = lim_graph_add(g, &lim_op_place, &dout[0], &q, NULL);
}

GRAD(place_grad)
{
    const LimAxisParams *p = params;
    din[0] = lim_slice(g, dout[0], p->axis, p->start, lim_graph_shape(g, in[0]).d[p->axis]);
}

#define SIZE_ROW(field, text)                                                           \
    {                                                                                   \
        .name = #field, .label = text, .help = text ".", .kind = LIM_INT,               \
        .offset = offsetof(LimReshapeParams, field), .min = 0, .max = 1 << 30, .def = 0 \
    }
static const LimParamSpec reshape_schema[] = {
    SIZE_ROW(nd, "Number of dimensions"), SIZE_ROW(d0, "Dimension 0"), SIZE_ROW(d1, "Dimension 1"),
    SIZE_ROW(d2, "Dimension 2"),          SIZE_ROW(d3, "Dimension 3"), {0}};
#define AXIS_ROW(field, text)                                                        \
    {                                                                                \
        .name = #field, .label = text, .help = text ".", .kind = LIM_INT,            \
        .offset = offsetof(LimAxisParams, field), .min = 0, .max = 1 << 30, .def = 0 \
    }
static const LimParamSpec axis_schema[] = {AXIS_ROW(axis, "Axis"),
                                           AXIS_ROW(start, "Start"),
                                           AXIS_ROW(size, "Size"),
                                           {0}};

static const LimOpCase reshape_cases[] = {
    {.in = {LIM_SHAPE4(2, 3, 4, 5)}, .params = "nd=2 d0=6 d1=20"}};
static const LimOpCase concat_cases[] = {{.in = {LIM_SHAPE2(3, 4), LIM_SHAPE2(3, 5)},
                                          .params = "axis=1"},
                                         {.in = {LIM_SHAPE4(2, 3, 4, 5), LIM_SHAPE4(1, 3, 4, 5)},
                                          .params = "axis=0"}};
static const LimOpCase slice_cases[] = {{.in = {LIM_SHAPE4(2, 5, 3, 4)},
                                         .params = "axis=1 start=1 size=3"},
                                        {.in = {LIM_SHAPE2(7, 3)},
                                         .params = "axis=0 start=2 size=4"}};
static const LimOpCase place_cases[] = {
    {.in = {LIM_SHAPE4(2, 3, 3, 4)}, .params = "axis=1 start=1 size=5"}};

#define CASES(c) .cases = c, .n_cases = sizeof c / sizeof *c
#define OP(op, ins, rule, gradient, ...)            \
    const LimOpDef lim_op_##op = {.name = #op,      \
                                  .n_in = ins,      \
                                  .n_out = 1,       \
                                  .infer = rule,    \
                                  LIM_REF(op),      \
                                  .grad = gradient, \
                                  __VA_ARGS__};
#define AXIS .params = axis_schema, .params_size = sizeof(LimAxisParams)

OP(reshape, 1, infer_reshape, reshape_grad, .flags = LIM_OP_VIEW, .params = reshape_schema,
   .params_size = sizeof(LimReshapeParams), CASES(reshape_cases))
OP(concat, 2, infer_concat, concat_grad, .run = concat_run, AXIS, CASES(concat_cases))
OP(slice, 1, infer_slice, slice_grad, .run = slice_run, AXIS, CASES(slice_cases))
OP(place, 1, infer_place, place_grad, .run = place_run, AXIS, CASES(place_cases))

LimVal
lim_reshape(LimGraph *g, LimVal x, LimShape s)
{
    LimReshapeParams p = {s.nd, s.d[0], s.d[1], s.d[2], s.d[3]};
    return lim_graph_add(g, &lim_op_reshape, &x, &p, NULL);
}

LimVal
lim_concat(LimGraph *g, LimVal a, LimVal b, int axis)
{
    return lim_graph_add(g, &lim_op_concat, (LimVal[]){a, b}, &(LimAxisParams){.axis = axis}, NULL);
}

LimVal
lim_slice(LimGraph *g, LimVal x, int axis, int start, int size)
{
    return lim_graph_add(g, &lim_op_slice, &x, &(LimAxisParams){axis, start, size}, NULL);
}
