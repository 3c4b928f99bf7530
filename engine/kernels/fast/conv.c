/* Which way a convolution goes. 3x3 with enough channels on both sides: Winograd. Few
 * channels of input: along its rows. Otherwise a
 * product over pixels, in which the side with fewer channels is the one that is unrolled: a
 * stride-1 convolution is the adjoint of the one with x and y exchanged and the filters turned by
 * 180 degrees, so each pass can be computed either way. */
#include "kernels/fast/direct.h"
#include "kernels/fast/shallow.h"
#include "kernels/fast/vec.h"
#include "kernels/fast/winograd.h"

#include <string.h>

static size_t
weight_count(const LimConvDims *d)
{
    return (size_t)d->oc * (size_t)(d->c * d->kh * d->kw);
}

static bool
can_exchange(const LimConvDims *d)
{
    return d->stride == 1 && d->kh == d->kw && d->pad < d->kh;
}

/* The convolution with x and y exchanged. */
static LimConvDims
exchanged(const LimConvDims *d)
{
    return (LimConvDims){.n = d->n,
                         .c = d->oc,
                         .h = d->oh,
                         .w = d->ow,
                         .oc = d->c,
                         .kh = d->kh,
                         .kw = d->kw,
                         .stride = 1,
                         .pad = d->kh - 1 - d->pad,
                         .oh = d->h,
                         .ow = d->w};
}

/* Few output channels: the forward pass and the weight gradient unroll y, not x. */
static bool
unroll_y(const LimConvDims *d)
{
    return can_exchange(d) && d->kh > 1 && d->oc < d->c;
}

/* The input gradient as a convolution of dy. */
static bool
dx_as_conv(const LimConvDims *d)
{
    return can_exchange(d) && (d->kh == 1 || d->oc <= d->c);
}

typedef struct Turn {
    const LimConvDims *d;
    const float *w;
    float *out;
} Turn;

static void
turn_item(void *ctx, int c, int thread)
{
    const Turn *t = ctx;
    int oc = t->d->oc, k = t->d->kh * t->d->kw;
    float *out = t->out + (ptrdiff_t)c * oc * k;

    for (int o = 0; o < oc; o++) {
        const float *w = t->w + ((ptrdiff_t)o * t->d->c + c) * k;
        for (int i = k - 1; i >= 0; i--)
            *out++ = w[i];
    }
}

/* out [c][oc][kh][kw]: what the weights are in the exchanged convolution. */
static void
turn_weights(LimPool *pool, const LimConvDims *d, const float *w, float *out)
{
    Turn t = {d, w, out};

    lim_pool_for(pool, d->c, turn_item, &t);
}

size_t
lim_fast_conv_prepared_size(const LimConvDims *d)
{
    return sizeof(float) * (lim_wino_fits(d) ? lim_wino_prepared_floats(d) : weight_count(d));
}

void
lim_fast_conv_prepare(LimPool *pool, const LimConvDims *d, const float *w, void *prepared)
{
    if (lim_wino_fits(d))
        lim_wino_prepare(pool, d, w, prepared);
    else if (d->blocked_y)
        lim_shallow_prepare(d, w, prepared);
    else if (unroll_y(d) && !lim_shallow_fits(d))
        turn_weights(pool, d, w, prepared);
    else
        memcpy(prepared, w, sizeof *w * weight_count(d));
}

size_t
lim_fast_conv_scratch(const LimConvDims *d, int threads)
{
    if (lim_wino_fits(d))
        return sizeof(float) * lim_wino_scratch_floats(d, threads);
    if (lim_shallow_fits(d))
        return sizeof(float) * lim_shallow_scratch_floats(d, threads);
    if (unroll_y(d)) {
        LimConvDims e = exchanged(d);
        return sizeof(float) * lim_roll_scratch_floats(&e, threads);
    }
    return sizeof(float) * lim_unroll_scratch_floats(d, threads);
}

bool
lim_fast_conv_does(const LimConvDims *d)
{
    if ((d->blocked_x && d->c % LIM_VEC != 0) || (d->blocked_y && d->oc % LIM_VEC != 0))
        return false;
    if (lim_wino_fits(d))
        return true;
    if (d->pool || d->blocked_x)
        return false;
    if (lim_shallow_fits(d))
        return !d->blocked_y || lim_shallow_blocks(d);
    return !d->relu && !d->blocked_y;
}

void
lim_fast_conv(LimPool *pool, const LimConvDims *d, const float *x, const void *prepared,
              const float *bias, float *y, void *scratch)
{
    if (lim_wino_fits(d)) {
        lim_wino_conv(pool, d, x, prepared, bias, y, scratch);
    } else if (lim_shallow_fits(d)) {
        lim_shallow_conv(pool, d, x, prepared, bias, y, scratch);
    } else if (unroll_y(d)) {
        LimConvDims e = exchanged(d);
        lim_roll_conv(pool, &e, x, prepared, bias, y, scratch);
    } else {
        lim_unroll_conv(pool, d, x, prepared, d->c * d->kh * d->kw, 1, bias, y, scratch);
    }
}

size_t
lim_fast_conv_dx_scratch(const LimConvDims *d, int threads)
{
    if (lim_wino_fits(d))
        return sizeof(float) * lim_wino_dx_scratch_floats(d, threads);
    if (dx_as_conv(d)) {
        LimConvDims e = exchanged(d);
        return sizeof(float) *
               (lim_line_floats(weight_count(d)) + lim_unroll_scratch_floats(&e, threads));
    }
    return sizeof(float) * lim_roll_scratch_floats(d, threads);
}

void
lim_fast_conv_dx(LimPool *pool, const LimConvDims *d, const float *dy, const float *w, float *dx,
                 void *scratch)
{
    if (lim_wino_fits(d)) {
        lim_wino_dx(pool, d, dy, w, dx, scratch);
    } else if (dx_as_conv(d)) {
        LimConvDims e = exchanged(d);
        float *turned = scratch, *rest = turned + lim_line_floats(weight_count(d));
        if (d->kh == 1) {
            lim_unroll_conv(pool, &e, dy, w, 1, d->c, NULL, dx, rest);
        } else {
            turn_weights(pool, d, w, turned);
            lim_unroll_conv(pool, &e, dy, turned, d->oc * d->kh * d->kw, 1, NULL, dx, rest);
        }
    } else {
        lim_roll_conv(pool, d, dy, w, NULL, dx, scratch);
    }
}

size_t
lim_fast_conv_dw_scratch(const LimConvDims *d, int threads)
{
    LimConvDims e = *d;

    if (lim_wino_fits(d))
        return sizeof(float) * lim_wino_dw_scratch_floats(d, threads);
    if (unroll_y(d))
        e = exchanged(d);
    return sizeof(float) * lim_unroll_dw_scratch_floats(&e, threads);
}

void
lim_fast_conv_dw(LimPool *pool, const LimConvDims *d, const float *x, const float *dy, float *dw,
                 void *scratch)
{
    if (lim_wino_fits(d)) {
        lim_wino_dw(pool, d, x, dy, dw, scratch);
    } else if (unroll_y(d)) {
        LimConvDims e = exchanged(d);
        lim_unroll_dw(pool, &e, dy, x, dw, true, scratch);
    } else {
        lim_unroll_dw(pool, d, x, dy, dw, false, scratch);
    }
}
