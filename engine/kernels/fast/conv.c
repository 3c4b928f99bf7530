/* Convolution by im2col and matrix products: correct for every size, and the path for whatever has
 * no kernel of its own. The input is unrolled a strip at a time so that the strip stays in L2. */
#include "kernels/fast/blas.h"
#include "kernels/fast/fast.h"
#include "kernels/fast/winograd.h"

#include <string.h>

/* Floats of unrolled input per strip. */
#define STRIP_FLOATS (64 * 1024)
/* Images are summed into at most this many partial weight gradients; a constant, because the order
 * of summation must not depend on the number of threads. */
#define DW_GROUPS 8

typedef struct Conv {
    const LimConvDims *d;
    const float *x;    /* [n][c][h][w] */
    const float *w;    /* [oc][c][kh][kw] */
    const float *bias; /* [oc] or NULL */
    const float *dy;   /* [n][oc][oh][ow] */
    float *out;
    float *col;      /* one strip per thread */
    float *partials; /* [groups][oc][c][kh][kw] */
    size_t col_size;
    int step;   /* rows or channels per strip */
    int strips; /* strips per image */
    int groups;
} Conv;

/* 1x1, stride 1, no padding: the image already is its own unrolled form. */
static bool
is_pointwise(const LimConvDims *d)
{
    return d->kh == 1 && d->kw == 1 && d->stride == 1 && d->pad == 0;
}

/* First and last+1 output position for which position*stride + offset lies in [0, size). */
static void
valid_range(int offset, int stride, int size, int count, int *first, int *end)
{
    int lo = offset < 0 ? (-offset + stride - 1) / stride : 0;
    int hi = size - offset > 0 ? (size - offset + stride - 1) / stride : 0;

    *first = lim_min_int(lo, count);
    *end = lim_max_int(*first, lim_min_int(hi, count));
}

/* col [c1-c0][kh][kw][y1-y0][ow] from one image x [c][h][w]. */
static void
unroll(const LimConvDims *d, const float *x, int c0, int c1, int y0, int y1, float *col)
{
    for (int c = c0; c < c1; c++)
        for (int i = 0; i < d->kh; i++)
            for (int j = 0; j < d->kw; j++) {
                int first, end;
                valid_range(j - d->pad, d->stride, d->w, d->ow, &first, &end);
                for (int y = y0; y < y1; y++, col += d->ow) {
                    int iy = y * d->stride + i - d->pad;
                    if (iy < 0 || iy >= d->h) {
                        memset(col, 0, sizeof *col * (size_t)d->ow);
                        continue;
                    }
                    const float *row = x + ((ptrdiff_t)c * d->h + iy) * d->w;
                    for (int o = 0; o < first; o++)
                        col[o] = 0;
                    for (int o = first; o < end; o++)
                        col[o] = row[o * d->stride + j - d->pad];
                    for (int o = end; o < d->ow; o++)
                        col[o] = 0;
                }
            }
}

/* The adjoint of unroll over all rows: adds col [c1-c0][kh][kw][oh][ow] into x [c][h][w]. */
static void
roll_add(const LimConvDims *d, const float *col, int c0, int c1, float *x)
{
    for (int c = c0; c < c1; c++)
        for (int i = 0; i < d->kh; i++)
            for (int j = 0; j < d->kw; j++) {
                int first, end;
                valid_range(j - d->pad, d->stride, d->w, d->ow, &first, &end);
                for (int y = 0; y < d->oh; y++, col += d->ow) {
                    int iy = y * d->stride + i - d->pad;
                    if (iy < 0 || iy >= d->h)
                        continue;
                    float *row = x + ((ptrdiff_t)c * d->h + iy) * d->w;
                    for (int o = first; o < end; o++)
                        row[o * d->stride + j - d->pad] += col[o];
                }
            }
}

static int
taps(const LimConvDims *d)
{
    return d->c * d->kh * d->kw;
}

static ptrdiff_t
in_size(const LimConvDims *d)
{
    return (ptrdiff_t)d->c * d->h * d->w;
}

static ptrdiff_t
out_size(const LimConvDims *d)
{
    return (ptrdiff_t)d->oc * d->oh * d->ow;
}

size_t
lim_fast_conv_prepared_size(const LimConvDims *d)
{
    if (lim_wino_fits(d))
        return sizeof(float) * lim_wino_prepared_floats(d);
    return sizeof(float) * (size_t)d->oc * (size_t)taps(d);
}

void
lim_fast_conv_prepare(LimPool *pool, const LimConvDims *d, const float *w, void *prepared)
{
    if (lim_wino_fits(d)) {
        lim_wino_prepare(pool, d, w, prepared);
        return;
    }
    memcpy(prepared, w, lim_fast_conv_prepared_size(d));
}

/* Output rows per strip. */
static int
row_step(const LimConvDims *d)
{
    return lim_max_int(1, lim_min_int(d->oh, STRIP_FLOATS / (taps(d) * d->ow)));
}

/* Input channels per strip, for the two gradients. */
static int
channel_step(const LimConvDims *d)
{
    return lim_max_int(1, lim_min_int(d->c, STRIP_FLOATS / (d->kh * d->kw * d->oh * d->ow)));
}

static size_t
row_strip_floats(const LimConvDims *d)
{
    if (is_pointwise(d))
        return 0;
    return lim_line_floats((size_t)taps(d) * (size_t)row_step(d) * (size_t)d->ow);
}

static size_t
channel_strip_floats(const LimConvDims *d)
{
    if (is_pointwise(d))
        return 0;
    return lim_line_floats((size_t)channel_step(d) * (size_t)(d->kh * d->kw * d->oh * d->ow));
}

size_t
lim_fast_conv_scratch(const LimConvDims *d, int threads)
{
    if (lim_wino_fits(d))
        return sizeof(float) * lim_wino_scratch_floats(d, threads);
    return sizeof(float) * row_strip_floats(d) * (size_t)threads;
}

static void
forward_strip(void *ctx, int item, int thread)
{
    const Conv *v = ctx;
    const LimConvDims *d = v->d;
    int img = item / v->strips, y0 = item % v->strips * v->step;
    int y1 = lim_min_int(d->oh, y0 + v->step), plane = d->oh * d->ow, len = (y1 - y0) * d->ow;
    const float *x = v->x + img * in_size(d);
    float *y = v->out + img * out_size(d) + (ptrdiff_t)y0 * d->ow;
    const float *col = x + (ptrdiff_t)y0 * d->ow;
    int ldcol = plane;

    if (!is_pointwise(d)) {
        float *strip = v->col + (size_t)thread * v->col_size;
        unroll(d, x, 0, d->c, y0, y1, strip);
        col = strip;
        ldcol = len;
    }
    for (int o = 0; v->bias && o < d->oc; o++)
        for (int p = 0; p < len; p++)
            y[(ptrdiff_t)o * plane + p] = v->bias[o];
    lim_blas_gemm(false, false, d->oc, len, taps(d), 1, v->w, taps(d), col, ldcol,
                  v->bias ? 1.0f : 0.0f, y, plane);
}

void
lim_fast_conv(LimPool *pool, const LimConvDims *d, const float *x, const void *prepared,
              const float *bias, float *y, void *scratch)
{
    Conv v = {.d = d, .x = x, .w = prepared, .bias = bias, .out = y, .col = scratch};

    if (lim_wino_fits(d)) {
        lim_wino_conv(pool, d, x, prepared, bias, y, scratch);
        return;
    }
    v.step = row_step(d);
    v.strips = lim_pieces(d->oh, v.step);
    v.col_size = row_strip_floats(d);
    lim_pool_for(pool, d->n * v.strips, forward_strip, &v);
}

size_t
lim_fast_conv_dx_scratch(const LimConvDims *d, int threads)
{
    if (lim_wino_fits_dx(d))
        return sizeof(float) * lim_wino_dx_scratch_floats(d, threads);
    return sizeof(float) * channel_strip_floats(d) * (size_t)threads;
}

static void
dx_strip(void *ctx, int item, int thread)
{
    const Conv *v = ctx;
    const LimConvDims *d = v->d;
    int img = item / v->strips, c0 = item % v->strips * v->step;
    int c1 = lim_min_int(d->c, c0 + v->step), plane = d->oh * d->ow, k = d->kh * d->kw;
    float *dx = v->out + img * in_size(d);
    float *out = dx + (ptrdiff_t)c0 * d->h * d->w;
    float *col = is_pointwise(d) ? out : v->col + (size_t)thread * v->col_size;

    lim_blas_gemm(true, false, (c1 - c0) * k, plane, d->oc, 1, v->w + (ptrdiff_t)c0 * k, taps(d),
                  v->dy + img * out_size(d), plane, 0, col, plane);
    if (is_pointwise(d))
        return;
    memset(out, 0, sizeof *out * (size_t)(c1 - c0) * (size_t)(d->h * d->w));
    roll_add(d, col, c0, c1, dx);
}

void
lim_fast_conv_dx(LimPool *pool, const LimConvDims *d, const float *dy, const float *w, float *dx,
                 void *scratch)
{
    Conv v = {.d = d, .dy = dy, .w = w, .out = dx, .col = scratch};

    if (lim_wino_fits_dx(d)) {
        lim_wino_dx(pool, d, dy, w, dx, scratch);
        return;
    }
    v.step = channel_step(d);
    v.strips = lim_pieces(d->c, v.step);
    v.col_size = channel_strip_floats(d);
    lim_pool_for(pool, d->n * v.strips, dx_strip, &v);
}

static int
dw_groups(const LimConvDims *d)
{
    return lim_min_int(d->n, DW_GROUPS);
}

static size_t
dw_partial_floats(const LimConvDims *d)
{
    return lim_line_floats((size_t)d->oc * (size_t)taps(d));
}

size_t
lim_fast_conv_dw_scratch(const LimConvDims *d, int threads)
{
    if (lim_wino_fits_dw(d))
        return sizeof(float) * lim_wino_dw_scratch_floats(d, threads);
    return sizeof(float) * (channel_strip_floats(d) * (size_t)threads +
                            dw_partial_floats(d) * (size_t)dw_groups(d));
}

static void
dw_strip(void *ctx, int item, int thread)
{
    const Conv *v = ctx;
    const LimConvDims *d = v->d;
    int group = item / v->strips, c0 = item % v->strips * v->step;
    int c1 = lim_min_int(d->c, c0 + v->step), plane = d->oh * d->ow, k = d->kh * d->kw;
    float *col = v->col + (size_t)thread * v->col_size;
    float *out = v->partials + (size_t)group * dw_partial_floats(d) + (ptrdiff_t)c0 * k;
    float beta = 0;

    for (int img = group; img < d->n; img += v->groups) {
        const float *x = v->x + img * in_size(d);
        const float *b = col;
        if (is_pointwise(d))
            b = x + (ptrdiff_t)c0 * plane;
        else
            unroll(d, x, c0, c1, 0, d->oh, col);
        lim_blas_gemm(false, true, d->oc, (c1 - c0) * k, plane, 1, v->dy + img * out_size(d), plane,
                      b, plane, beta, out, taps(d));
        beta = 1;
    }
}

/* One output channel's rows of the partial gradients, added up. */
static void
dw_sum(void *ctx, int o, int thread)
{
    const Conv *v = ctx;
    int len = taps(v->d);
    const float *p = v->partials + (ptrdiff_t)o * len;
    float *out = v->out + (ptrdiff_t)o * len;

    memcpy(out, p, sizeof *out * (size_t)len);
    for (int g = 1; g < v->groups; g++) {
        p += dw_partial_floats(v->d);
        for (int i = 0; i < len; i++)
            out[i] += p[i];
    }
}

void
lim_fast_conv_dw(LimPool *pool, const LimConvDims *d, const float *x, const float *dy, float *dw,
                 void *scratch)
{
    Conv v = {.d = d, .x = x, .dy = dy, .out = dw, .partials = scratch};

    if (lim_wino_fits_dw(d)) {
        lim_wino_dw(pool, d, x, dy, dw, scratch);
        return;
    }
    v.groups = dw_groups(d);
    v.col = v.partials + dw_partial_floats(d) * (size_t)v.groups;
    v.step = channel_step(d);
    v.strips = lim_pieces(d->c, v.step);
    v.col_size = channel_strip_floats(d);
    lim_pool_for(pool, v.groups * v.strips, dw_strip, &v);
    lim_pool_for(pool, d->oc, dw_sum, &v);
}
