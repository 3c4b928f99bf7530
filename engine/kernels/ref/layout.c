/* References: moving values without changing them. */
#include "kernels/ref/ref.h"
#include "kernels/params.h"

/* A tensor around one axis: [outer][axis][inner] */
typedef struct Around {
    int64_t outer, axis, inner;
} Around;

static Around
around(LimShape s, int axis)
{
    Around a = {1, s.d[axis], 1};
    for (int i = 0; i < axis; i++)
        a.outer *= s.d[i];
    for (int i = axis + 1; i < s.nd; i++)
        a.inner *= s.d[i];
    return a;
}

static void
copy_part(const real *from, int64_t from_axis, int64_t from_start, real *to, int64_t to_axis,
          int64_t to_start, int64_t outer, int64_t count, int64_t inner)
{
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < count * inner; i++)
            to[(o * to_axis + to_start) * inner + i] =
                from[(o * from_axis + from_start) * inner + i];
}

REF(concat)
{
    const LimAxisParams *p = n->params;
    int64_t at = 0;
    const Around y = around(n->out_shape[0], p->axis);
    for (int k = 0; k < 2; k++) {
        const Around x = around(n->in_shape[k], p->axis);
        copy_part(IN(k), x.axis, 0, OUT(0), y.axis, at, y.outer, x.axis, y.inner);
        at += x.axis;
    }
}

REF(slice)
{
    const LimAxisParams *p = n->params;
    const Around x = around(n->in_shape[0], p->axis);
    copy_part(IN(0), x.axis, p->start, OUT(0), p->size, 0, x.outer, p->size, x.inner);
}

/* the adjoint of slice: zeros around */
REF(place)
{
    const LimAxisParams *p = n->params;
    const Around x = around(n->in_shape[0], p->axis);
    for (int64_t i = 0; i < SIZE(n->out_shape[0]); i++)
        OUT(0)[i] = 0;
    copy_part(IN(0), x.axis, 0, OUT(0), p->size, p->start, x.outer, x.axis, x.inner);
}

/* a view: the planner never calls it, the harness does */
REF(reshape)
{
    for (int64_t i = 0; i < SIZE(n->out_shape[0]); i++)
        OUT(0)[i] = IN(0)[i];
}
