/* With one to three channels a sum has so few terms that putting pixels together for a matrix
 * product costs more than the product. Here each vector runs along a row of pixels: a few output
 * channels times two vectors of the row stay in registers while the taps go by, and what they read
 * of x is consecutive as it is. The last two vectors of a row overlap the ones before, so nothing
 * is read or written outside. When y is wanted in blocks of channels, a vector is a block and as
 * many pixels of the row stay in registers. */
#include "kernels/fast/shallow.h"

#include "kernels/fast/vec.h"

#include <string.h>

#define MAX_TAPS 32
#define ITEMS    8 /* cut a small batch into about as many */
/* Output channels at a time: with two vectors each they leave registers for the picture. */
#if LIM_VEC == 16
#define CHANNELS 12
#else
#define CHANNELS 6
#endif

/* Pixels at a time when y is blocked: together they hide the latency of their additions. */
#define PIXELS 10

typedef struct Shallow {
    const LimConvDims *d;
    const float *x, *w, *bias;
    float *y, *scratch;
    size_t per_thread;         /* floats of a padded strip */
    int step, strips;          /* rows of y per strip, strips per image */
    ptrdiff_t tap[MAX_TAPS];   /* where a tap lies, from the first */
    ptrdiff_t plane_at, width; /* of the padded strip, or of x */
} Shallow;

static int
taps(const LimConvDims *d)
{
    return d->c * d->kh * d->kw;
}

static int
strip_height(const LimConvDims *d, int rows)
{
    return rows + d->kh - 1;
}

bool
lim_shallow_fits(const LimConvDims *d)
{
    return d->stride == 1 && taps(d) <= MAX_TAPS && d->kh * d->kw > 1 && d->ow >= LIM_VEC &&
           d->oc >= CHANNELS;
}

static void
init(Shallow *s, const LimConvDims *d)
{
    s->d = d;
    s->step = lim_pieces(d->oh, lim_min_int(d->oh, lim_pieces(ITEMS, d->n)));
    s->strips = lim_pieces(d->oh, s->step);
    s->width = d->w + 2 * d->pad;
    s->plane_at = d->pad ? strip_height(d, s->step) * s->width : (ptrdiff_t)d->h * d->w;
    s->per_thread = d->pad ? lim_line_floats((size_t)(d->c * s->plane_at)) : 0;
    for (int c = 0, t = 0; c < d->c; c++)
        for (int i = 0; i < d->kh; i++)
            for (int j = 0; j < d->kw; j++)
                s->tap[t++] = c * s->plane_at + i * s->width + j;
}

size_t
lim_shallow_scratch_floats(const LimConvDims *d, int threads)
{
    Shallow s;

    init(&s, d);
    return s.per_thread * (size_t)threads;
}

bool
lim_shallow_blocks(const LimConvDims *d)
{
    return d->ow >= PIXELS;
}

void
lim_shallow_prepare(const LimConvDims *d, const float *w, float *out)
{
    const int n = taps(d);

    for (int o = 0; o < d->oc; o++)
        for (int t = 0; t < n; t++)
            out[(o / LIM_VEC * n + t) * LIM_VEC + o % LIM_VEC] = w[o * n + t];
}

/* Adds one tap, w of which lies n floats apart from channel to channel. */
LIM_INLINE void
add_tap(const int channels, const float *x, int a, int b, const float *w, int n,
        Vec acc[CHANNELS][2])
{
    Vec xa = vec_load(x + a), xb = vec_load(x + b);

#pragma GCC unroll 16
    for (int o = 0; o < channels; o++) {
        Vec f = vec_all(w[o * n]);
        acc[o][0] += f * xa;
        acc[o][1] += f * xb;
    }
}

/* `channels` output channels of the 2 LIM_VEC pixels at a and b. */
LIM_INLINE void
pixels(const int channels, const bool nine, const Shallow *s, const float *x, int a, int b,
       const float *w, const float *bias, float *y, ptrdiff_t plane)
{
    Vec acc[CHANNELS][2];

#pragma GCC unroll 16
    for (int o = 0; o < channels; o++)
        acc[o][0] = acc[o][1] = vec_all(bias ? bias[o] : 0);
    if (nine) {
#pragma GCC unroll 9
        for (int t = 0; t < 9; t++)
            add_tap(channels, x + s->tap[t], a, b, w + t, 9, acc);
    } else {
        const int n = taps(s->d);
        for (int t = 0; t < n; t++)
            add_tap(channels, x + s->tap[t], a, b, w + t, n, acc);
    }
#pragma GCC unroll 16
    for (int o = 0; o < channels; o++) {
        if (s->d->relu) {
            acc[o][0] = vec_max(acc[o][0], (Vec){0});
            acc[o][1] = vec_max(acc[o][1], (Vec){0});
        }
        vec_store(y + o * plane + a, acc[o][0]);
        vec_store(y + o * plane + b, acc[o][1]);
    }
}

/* Output channels from o on of one row, as many as fill blocks of `channels`; returns the next. */
LIM_INLINE int
row_of(const int channels, const bool nine, const Shallow *s, const float *x, int o, float *y)
{
    const LimConvDims *d = s->d;
    const ptrdiff_t plane = (ptrdiff_t)d->oh * d->ow;

    for (; o + channels <= d->oc; o += channels)
        for (int p = 0; p < d->ow; p += 2 * LIM_VEC)
            pixels(channels, nine, s, x, lim_min_int(p, d->ow - LIM_VEC),
                   lim_min_int(p + LIM_VEC, d->ow - LIM_VEC), s->w + (ptrdiff_t)o * taps(d),
                   s->bias ? s->bias + o : NULL, y + o * plane, plane);
    return o;
}

/* All output channels of one row: what is left over in smaller blocks, which hide less of the
 * latency of the additions. nine: taps() is 9. */
LIM_INLINE void
row(const bool nine, const Shallow *s, const float *x, float *y)
{
    int o = row_of(CHANNELS, nine, s, x, 0, y);

    if (CHANNELS > 8)
        o = row_of(8, nine, s, x, o, y);
    o = row_of(4, nine, s, x, o, y);
    row_of(1, nine, s, x, o, y);
}

/* One block of channels of PIXELS pixels from p on, to y [PIXELS][LIM_VEC]. */
LIM_INLINE void
block_pixels(const int n, const Shallow *s, const float *x, const float *w, Vec bias, float *y)
{
    Vec acc[PIXELS];

#pragma GCC unroll 16
    for (int p = 0; p < PIXELS; p++)
        acc[p] = bias;
#pragma GCC unroll 9
    for (int t = 0; t < n; t++) {
        const float *at = x + s->tap[t];
        Vec f = vec_load(w + t * LIM_VEC);
#pragma GCC unroll 16
        for (int p = 0; p < PIXELS; p++)
            acc[p] += f * vec_all(at[p]);
    }
#pragma GCC unroll 16
    for (int p = 0; p < PIXELS; p++)
        vec_store(y + p * LIM_VEC, s->d->relu ? vec_max(acc[p], (Vec){0}) : acc[p]);
}

/* One row of all blocks of channels. */
LIM_INLINE void
block_row(const int n, const Shallow *s, const float *x, float *y)
{
    const LimConvDims *d = s->d;
    const ptrdiff_t plane = (ptrdiff_t)d->oh * d->ow;

    for (int o = 0; o < d->oc; o += LIM_VEC)
        for (int i = 0; i < d->ow; i += PIXELS) {
            const int p = lim_min_int(i, d->ow - PIXELS);
            block_pixels(n, s, x + p, s->w + (ptrdiff_t)o * n,
                         s->bias ? vec_load(s->bias + o) : (Vec){0},
                         y + o * plane + (ptrdiff_t)p * LIM_VEC);
        }
}

static void
pad_strip(const Shallow *s, const float *x, int y0, int rows, float *out)
{
    const LimConvDims *d = s->d;

    for (int c = 0; c < d->c; c++, x += (ptrdiff_t)d->h * d->w)
        for (int i = 0; i < rows; i++) {
            float *to = out + c * s->plane_at + i * s->width;
            memset(to, 0, sizeof *to * (size_t)s->width);
            if (y0 + i >= 0 && y0 + i < d->h)
                memcpy(to + d->pad, x + (ptrdiff_t)(y0 + i) * d->w, sizeof *to * (size_t)d->w);
        }
}

static void
strip_item(void *ctx, int item, int thread)
{
    const Shallow *s = ctx;
    const LimConvDims *d = s->d;
    const int img = item / s->strips, y0 = item % s->strips * s->step;
    const int rows = lim_min_int(s->step, d->oh - y0);
    const float *x = s->x + (ptrdiff_t)img * d->c * d->h * d->w;
    const int step = d->blocked_y ? d->ow * LIM_VEC : d->ow;
    float *y = s->y + (ptrdiff_t)img * d->oc * d->oh * d->ow + (ptrdiff_t)y0 * step;

    if (d->pad) {
        float *strip = s->scratch + (size_t)thread * s->per_thread;
        pad_strip(s, x, y0 - d->pad, strip_height(d, rows), strip);
        x = strip;
    } else {
        x += (ptrdiff_t)y0 * d->w;
    }
    for (int r = 0; r < rows; r++, x += s->width, y += step) {
        if (d->blocked_y && taps(d) == 9)
            block_row(9, s, x, y);
        else if (d->blocked_y)
            block_row(taps(d), s, x, y);
        else if (taps(d) == 9)
            row(true, s, x, y);
        else
            row(false, s, x, y);
    }
}

void
lim_shallow_conv(LimPool *pool, const LimConvDims *d, const float *x, const float *w,
                 const float *bias, float *y, float *scratch)
{
    Shallow s = {.x = x, .w = w, .bias = bias, .y = y, .scratch = scratch};

    init(&s, d);
    lim_pool_for(pool, d->n * s.strips, strip_item, &s);
}
