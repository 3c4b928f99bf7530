/* Convolution as matrix products over pixels. What "unrolled" means is im2col, but nothing is
 * stored unrolled: a few panels of LIM_NR pixels at a time are put together from a padded strip of
 * rows, used by all output channels while they are in L1, and overwritten. The cuts are functions
 * of the dimensions, so results do not depend on the number of threads. */
#include "kernels/fast/direct.h"

#include "kernels/fast/product.h"

#include <string.h>

#define PANELS    4           /* put together at a time: whole cache lines of the source */
#define KC        384         /* longest sum in one go: a panel of it stays in L1 */
#define STRIP     (64 * 1024) /* floats of a strip of the source: stays in L2 */
#define ITEMS     8           /* cut a small batch into about as many */
#define FEW_ROWS  32          /* up to which a 1x1 convolution reads its input in place */
#define DW_PIXELS 256         /* pixels summed in one go by the weight gradient */
#define DW_GROUPS 8           /* partial sums of the weight gradient */
#define PANEL_BUF (PANELS * KC * LIM_NR)

typedef struct Pass {
    const LimConvDims *d;
    const float *x, *w, *dy, *bias;
    ptrdiff_t ws, wt;
    float *out, *partials;
    float *scratch;    /* of all threads */
    size_t per_thread; /* floats */
    int step, strips;  /* rows per strip, strips per image */
    int parts;         /* parts of the output channels */
    int groups;
    bool turn, in_place;
} Pass;

static int
taps(const LimConvDims *d)
{
    return d->c * d->kh * d->kw;
}

static ptrdiff_t
in_plane(const LimConvDims *d)
{
    return (ptrdiff_t)d->h * d->w;
}

static ptrdiff_t
out_plane(const LimConvDims *d)
{
    return (ptrdiff_t)d->oh * d->ow;
}

/* 1x1, stride 1, no padding: the image already is its own unrolled form. */
static bool
is_pointwise(const LimConvDims *d)
{
    return d->kh == 1 && d->kw == 1 && d->stride == 1 && d->pad == 0;
}

/* --- Panels of pixels. --- */

/* Rows of LIM_NR pixels each: pixel j of row l comes from the source at tap l plus base[j]. */
typedef struct Source {
    const float *at; /* [c][rows][width], one tap is (c, i, j) */
    ptrdiff_t plane, width;
    int kh, kw;
} Source;

LIM_INLINE void
copy_run(const int len, const float *from, float *to)
{
    if (len == LIM_VEC)
        vec_store(to, vec_load(from));
    else
        for (int i = 0; i < len; i++)
            to[i] = from[i];
}

LIM_INLINE void
fill_runs(const int len, const Source *s, const int *base, int panels, int t0, int t1, float *out)
{
    int j = t0 % s->kw, i = t0 / s->kw % s->kh, c = t0 / (s->kw * s->kh);
    ptrdiff_t size = (ptrdiff_t)(t1 - t0) * LIM_NR;

    for (int t = t0; t < t1; t++, out += LIM_NR) {
        const float *tap = s->at + c * s->plane + i * s->width + j;
        for (int p = 0; p < panels; p++)
#pragma GCC unroll 8
            for (int q = 0; q < LIM_NR; q += len)
                copy_run(len, tap + base[p * LIM_NR + q], out + p * size + q);
        if (len == LIM_VEC)
            for (int p = 0; p < panels; p++)
                for (int q = 0; q < LIM_NR; q += 16)
                    __builtin_prefetch(tap + base[p * LIM_NR + q] + PANELS * LIM_NR, 0, 2);
        if (++j == s->kw) {
            j = 0;
            if (++i == s->kh) {
                i = 0;
                c++;
            }
        }
    }
}

/* out [panel][t1-t0][LIM_NR]. */
static void
fill_panels(const Source *s, const int *base, int panels, int t0, int t1, float *out)
{
    int len = LIM_VEC;

    /* Consecutive pixels are consecutive in memory up to the end of a row. */
    for (int q = 0; q < panels * LIM_NR; q++)
        if (q % len > 0 && base[q] != base[q - 1] + 1)
            len = len > 4 && q % 4 == 0 ? 4 : 1;
    if (len == LIM_VEC)
        fill_runs(LIM_VEC, s, base, panels, t0, t1, out);
    else if (len == 4)
        fill_runs(4, s, base, panels, t0, t1, out);
    else
        fill_runs(1, s, base, panels, t0, t1, out);
}

/* base[] of n output pixels from `first` on, counted along rows of ow pixels; the panels' unused
 * end repeats pixels. */
static void
find_pixels(int first, int n, int panels, int ow, int stride, ptrdiff_t width, int *base)
{
    for (int q = 0; q < panels * LIM_NR; q++) {
        int pixel = first + (q < n ? q : n % 4 == 0 ? n - 4 + q % 4 : n - 1);
        base[q] = (int)(pixel / ow * stride * width) + pixel % ow * stride;
    }
}

/* out [c][rows][width] = rows y0.. of x [c][h][w] with pad columns and rows of zeros around. */
static void
pad_strip(const LimConvDims *d, const float *x, int y0, int rows, int width, float *out)
{
    for (int c = 0; c < d->c; c++, x += in_plane(d))
        for (int i = 0; i < rows; i++, out += width) {
            int y = y0 + i;
            memset(out, 0, sizeof *out * (size_t)width);
            if (y >= 0 && y < d->h)
                memcpy(out + d->pad, x + (ptrdiff_t)y * d->w, sizeof *out * (size_t)d->w);
        }
}

/* --- Forward. --- */

static int
strip_rows(const LimConvDims *d, int rows)
{
    return (rows - 1) * d->stride + d->kh;
}

static void
unroll_init(Pass *v, const LimConvDims *d, int threads)
{
    int width = d->w + 2 * d->pad, wanted = lim_pieces(ITEMS, d->n);
    int rows = lim_max_int(lim_pieces(d->oh, wanted), lim_pieces(2 * LIM_NR, d->ow));

    rows = lim_min_int(rows, d->oh);
    while (rows > 1 && d->c * strip_rows(d, rows) * width > STRIP)
        rows = lim_pieces(rows, 2);
    v->d = d;
    v->step = rows;
    v->strips = lim_pieces(d->oh, rows);
    v->parts = lim_min_int(lim_pieces(ITEMS, d->n * v->strips), d->oc / (2 * LIM_MR));
    v->parts = lim_max_int(v->parts, 1);
    v->in_place = is_pointwise(d) && d->ow % LIM_NR == 0 && d->oc <= FEW_ROWS * v->parts;
    v->per_thread = PANEL_BUF;
    if (d->pad > 0)
        v->per_thread += lim_line_floats((size_t)d->c * (size_t)(strip_rows(d, rows) * width));
}

size_t
lim_unroll_scratch_floats(const LimConvDims *d, int threads)
{
    Pass v = {0};

    unroll_init(&v, d, threads);
    return v.per_thread * (size_t)threads;
}

static void
unroll_item(void *ctx, int item, int thread)
{
    const Pass *v = ctx;
    const LimConvDims *d = v->d;
    int part = item % v->parts, strip = item / v->parts % v->strips;
    int img = item / v->parts / v->strips;
    int o0 = d->oc * part / v->parts, o1 = d->oc * (part + 1) / v->parts;
    int y0 = strip * v->step, y1 = lim_min_int(d->oh, y0 + v->step);
    int pixels = (y1 - y0) * d->ow, base[PANELS * LIM_NR];
    const float *x = v->x + img * d->c * in_plane(d);
    float *y = v->out + (img * (ptrdiff_t)d->oc + o0) * out_plane(d) + (ptrdiff_t)y0 * d->ow;
    float *panels = v->scratch + (size_t)thread * v->per_thread, *padded = panels + PANEL_BUF;
    Source s = {.kh = d->kh, .kw = d->kw, .width = d->w + 2 * d->pad};

    if (d->pad > 0) {
        int rows = strip_rows(d, y1 - y0);
        s.at = padded;
        s.plane = rows * s.width;
        pad_strip(d, x, y0 * d->stride - d->pad, rows, (int)s.width, padded);
    } else {
        s.at = x + (ptrdiff_t)y0 * d->stride * d->w;
        s.plane = in_plane(d);
    }
    for (int p = 0; v->in_place && p < pixels; p += LIM_NR)
        lim_panel(o1 - o0, LIM_NR, d->c, 1, v->w + o0 * v->ws, v->ws, v->wt, s.at + p, s.plane, 0,
                  y + p, out_plane(d), v->bias ? v->bias + o0 : NULL);
    for (int p0 = 0; !v->in_place && p0 < pixels; p0 += PANELS * LIM_NR) {
        int n = lim_min_int(PANELS * LIM_NR, pixels - p0), count = lim_pieces(n, LIM_NR);
        find_pixels(p0, n, count, d->ow, d->stride, s.width, base);
        for (int t = 0; t < taps(d); t += KC) {
            int kc = lim_min_int(KC, taps(d) - t);
            fill_panels(&s, base, count, t, t + kc, panels);
            for (int p = 0; p < n; p += LIM_NR)
                lim_panel(o1 - o0, lim_min_int(LIM_NR, n - p), kc, 1, v->w + o0 * v->ws + t * v->wt,
                          v->ws, v->wt, panels + (ptrdiff_t)p * kc, LIM_NR, t > 0, y + p0 + p,
                          out_plane(d), v->bias && t == 0 ? v->bias + o0 : NULL);
        }
    }
}

void
lim_unroll_conv(LimPool *pool, const LimConvDims *d, const float *x, const float *w, ptrdiff_t ws,
                ptrdiff_t wt, const float *bias, float *y, float *scratch)
{
    Pass v = {.x = x, .w = w, .ws = ws, .wt = wt, .bias = bias, .out = y, .scratch = scratch};

    unroll_init(&v, d, lim_threads_of(pool));
    lim_pool_for(pool, d->n * v.strips * v.parts, unroll_item, &v);
}

/* --- The adjoint. --- */

/* Rows of y that reach into rows [r0, r1) of x. */
static void
reaching_rows(const LimConvDims *d, int r0, int r1, int *q0, int *q1)
{
    int first = r0 + d->pad - d->kh + 1, last = r1 - 1 + d->pad;

    *q0 = first > 0 ? lim_pieces(first, d->stride) : 0;
    *q1 = lim_max_int(*q0, lim_min_int(d->oh, last / d->stride + 1));
}

static int
most_reaching_rows(const LimConvDims *d, int rows)
{
    return lim_min_int(d->oh, (rows + d->kh - 2) / d->stride + 1);
}

static void
roll_init(Pass *v, const LimConvDims *d)
{
    int rows = lim_pieces(d->h, lim_pieces(ITEMS, d->n));

    /* Strips overlap by kh - 1 rows, so not too many of them. */
    rows = lim_min_int(d->h, lim_max_int(rows, 2 * d->kh));
    while (rows > 1 && taps(d) * most_reaching_rows(d, rows) * d->ow > 2 * STRIP)
        rows = lim_pieces(rows, 2);
    v->d = d;
    v->step = rows;
    v->strips = lim_pieces(d->h, rows);
    v->per_thread =
        PANEL_BUF + (size_t)taps(d) *
                        (size_t)(lim_pieces(most_reaching_rows(d, rows) * d->ow, LIM_NR) * LIM_NR);
    v->per_thread = lim_line_floats(v->per_thread);
}

size_t
lim_roll_scratch_floats(const LimConvDims *d, int threads)
{
    Pass v = {0};

    roll_init(&v, d);
    return v.per_thread * (size_t)threads;
}

/* First and last+1 output position for which position*stride + offset lies in [0, size). */
static void
valid_range(int offset, int stride, int size, int count, int *first, int *end)
{
    int lo = offset < 0 ? lim_pieces(-offset, stride) : 0;
    int hi = size > offset ? lim_pieces(size - offset, stride) : 0;

    *first = lim_min_int(lo, count);
    *end = lim_max_int(*first, lim_min_int(hi, count));
}

/* x rows [r0, r1) += col [c][kh][kw], rows `ld` floats apart, each holding rows [q0, q1) of y. */
static void
roll_add(const LimConvDims *d, const float *col, ptrdiff_t ld, int q0, int q1, int r0, int r1,
         float *x)
{
    for (int c = 0; c < d->c; c++)
        for (int i = 0; i < d->kh; i++)
            for (int j = 0; j < d->kw; j++, col += ld) {
                int first, end;
                valid_range(j - d->pad, d->stride, d->w, d->ow, &first, &end);
                for (int q = q0; q < q1; q++) {
                    int r = q * d->stride + i - d->pad;
                    if (r < r0 || r >= r1)
                        continue;
                    const float *from = col + (ptrdiff_t)(q - q0) * d->ow;
                    float *row = x + ((ptrdiff_t)c * d->h + r) * d->w + j - d->pad;
                    if (d->stride == 1)
                        for (int o = first; o < end; o++)
                            row[o] += from[o];
                    else
                        for (int o = first; o < end; o++)
                            row[o * d->stride] += from[o];
                }
            }
}

static void
roll_item(void *ctx, int item, int thread)
{
    const Pass *v = ctx;
    const LimConvDims *d = v->d;
    int img = item / v->strips, r0 = item % v->strips * v->step, q0, q1;
    int r1 = lim_min_int(d->h, r0 + v->step), base[PANELS * LIM_NR];
    float *x = v->out + img * d->c * in_plane(d);
    float *panels = v->scratch + (size_t)thread * v->per_thread, *col = panels + PANEL_BUF;

    reaching_rows(d, r0, r1, &q0, &q1);
    int pixels = (q1 - q0) * d->ow, ld = lim_pieces(pixels, LIM_NR) * LIM_NR;
    Source s = {.at = v->dy + img * d->oc * out_plane(d) + (ptrdiff_t)q0 * d->ow,
                .plane = out_plane(d),
                .width = d->ow,
                .kh = 1,
                .kw = 1};
    for (int p0 = 0; p0 < pixels; p0 += PANELS * LIM_NR) {
        int n = lim_min_int(PANELS * LIM_NR, pixels - p0), count = lim_pieces(n, LIM_NR);
        find_pixels(p0, n, count, d->ow, 1, d->ow, base);
        for (int o = 0; o < d->oc; o += KC) {
            int kc = lim_min_int(KC, d->oc - o);
            fill_panels(&s, base, count, o, o + kc, panels);
            for (int p = 0; p < n; p += LIM_NR)
                lim_panel(taps(d), LIM_NR, kc, 1, v->w + (ptrdiff_t)o * taps(d), 1, taps(d),
                          panels + (ptrdiff_t)p * kc, LIM_NR, o > 0, col + p0 + p, ld, NULL);
        }
    }
    for (int c = 0; c < d->c; c++) {
        float *rows = x + c * in_plane(d) + (ptrdiff_t)r0 * d->w;
        for (int i = 0; i < (r1 - r0) * d->w; i++)
            rows[i] = v->bias ? v->bias[c] : 0;
    }
    roll_add(d, col, ld, q0, q1, r0, r1, x);
}

void
lim_roll_conv(LimPool *pool, const LimConvDims *d, const float *y, const float *w,
              const float *bias, float *x, float *scratch)
{
    Pass v = {.dy = y, .w = w, .bias = bias, .out = x, .scratch = scratch};

    roll_init(&v, d);
    lim_pool_for(pool, d->n * v.strips, roll_item, &v);
}

/* --- The weight gradient: partials [group][taps][oc], rows padded to whole panels. --- */

static ptrdiff_t
dw_row(const LimConvDims *d)
{
    return (ptrdiff_t)lim_pieces(d->oc, LIM_NR) * LIM_NR;
}

static void
dw_init(Pass *v, const LimConvDims *d)
{
    int rows = lim_max_int(1, lim_min_int(d->oh, DW_PIXELS / d->ow)), pixels;

    while (rows > 1 && taps(d) * rows * d->ow > STRIP)
        rows = lim_pieces(rows, 2);
    pixels = rows * d->ow;
    v->d = d;
    v->step = rows;
    v->strips = lim_pieces(d->oh, rows);
    v->groups = lim_min_int(d->n, DW_GROUPS);
    v->parts = lim_min_int(lim_pieces(ITEMS, v->groups), lim_pieces(d->oc, LIM_NR));
    /* A panel of dy and the strip unrolled; or, for the last step, one vector of filters. */
    v->per_thread = lim_line_floats((size_t)(pixels * LIM_NR));
    if (!is_pointwise(d))
        v->per_thread += lim_line_floats((size_t)taps(d) * (size_t)pixels);
    if (v->per_thread < (size_t)taps(d) * LIM_VEC)
        v->per_thread = lim_line_floats((size_t)taps(d) * LIM_VEC);
}

size_t
lim_unroll_dw_scratch_floats(const LimConvDims *d, int threads)
{
    Pass v = {0};

    dw_init(&v, d);
    return v.per_thread * (size_t)threads + (size_t)v.groups * (size_t)taps(d) * (size_t)dw_row(d);
}

/* col [c][kh][kw][y1-y0][ow] from one image. */
static void
unroll(const LimConvDims *d, const float *x, int y0, int y1, float *col)
{
    for (int c = 0; c < d->c; c++)
        for (int i = 0; i < d->kh; i++)
            for (int j = 0; j < d->kw; j++) {
                int first, end;
                valid_range(j - d->pad, d->stride, d->w, d->ow, &first, &end);
                for (int y = y0; y < y1; y++, col += d->ow) {
                    int iy = y * d->stride + i - d->pad;
                    const float *row = x + ((ptrdiff_t)c * d->h + iy) * d->w + j - d->pad;
                    bool inside = iy >= 0 && iy < d->h;
                    for (int o = 0; o < (inside ? first : d->ow); o++)
                        col[o] = 0;
                    if (!inside)
                        continue;
                    if (d->stride == 1)
                        memcpy(col + first, row + first, sizeof *col * (size_t)(end - first));
                    else
                        for (int o = first; o < end; o++)
                            col[o] = row[o * d->stride];
                    for (int o = end; o < d->ow; o++)
                        col[o] = 0;
                }
            }
}

/* out [pixels][LIM_NR] from n planes of dy, the rest zero. */
static void
turn_panel(const float *dy, ptrdiff_t plane, int n, int pixels, float *out)
{
    for (int half = 0; half < LIM_NR; half += LIM_VEC, dy += LIM_VEC * plane) {
        if (half + LIM_VEC <= n) {
            vec_gather(dy, plane, pixels, out + half, LIM_NR, 0);
            continue;
        }
        for (int p = 0; p < pixels; p++)
            for (int l = 0; l < LIM_VEC; l++)
                out[p * LIM_NR + half + l] = half + l < n ? dy[l * plane + p] : 0;
    }
}

static void
dw_item(void *ctx, int item, int thread)
{
    const Pass *v = ctx;
    const LimConvDims *d = v->d;
    int group = item / v->parts, part = item % v->parts, panels = lim_pieces(d->oc, LIM_NR);
    int from = panels * part / v->parts, to = panels * (part + 1) / v->parts;
    float *panel = v->scratch + (size_t)thread * v->per_thread;
    float *col = panel + lim_line_floats((size_t)(v->step * d->ow * LIM_NR));
    float *sums = v->partials + group * taps(d) * dw_row(d), beta = 0;

    for (int img = group; img < d->n; img += v->groups)
        for (int y0 = 0; y0 < d->oh; y0 += v->step, beta = 1) {
            int y1 = lim_min_int(d->oh, y0 + v->step), pixels = (y1 - y0) * d->ow;
            const float *x = v->x + img * d->c * in_plane(d), *a = col;
            const float *dy = v->dy + img * d->oc * out_plane(d) + (ptrdiff_t)y0 * d->ow;
            ptrdiff_t ars = pixels;
            if (is_pointwise(d)) {
                a = x + (ptrdiff_t)y0 * d->w;
                ars = in_plane(d);
            } else {
                unroll(d, x, y0, y1, col);
            }
            for (int p = from; p < to; p++) {
                int o = p * LIM_NR;
                turn_panel(dy + o * out_plane(d), out_plane(d), d->oc - o, pixels, panel);
                lim_panel(taps(d), LIM_NR, pixels, 1, a, ars, 1, panel, LIM_NR, beta, sums + o,
                          dw_row(d), NULL);
            }
        }
}

/* The partial sums of LIM_VEC output channels, added up. */
LIM_INLINE Vec
dw_sum(const Pass *v, int tap, int o)
{
    ptrdiff_t size = taps(v->d) * dw_row(v->d);
    const float *p = v->partials + tap * dw_row(v->d) + o;
    Vec sum = vec_load(p);

    for (int g = 1; g < v->groups; g++)
        sum += vec_load(p + g * size);
    return sum;
}

/* The filters of LIM_VEC output channels. */
static void
dw_filter_item(void *ctx, int item, int thread)
{
    const Pass *v = ctx;
    const LimConvDims *d = v->d;
    int o = item * LIM_VEC, lanes = lim_min_int(LIM_VEC, d->oc - o), k = d->kh * d->kw;
    float *stage = v->scratch + (size_t)thread * v->per_thread; /* [taps][LIM_VEC] */
    /* Without turn a filter's taps follow each other; with turn they do so one channel at a time.
     */
    int runs = v->turn ? d->c : 1, n = v->turn ? k : taps(d);

    for (int t = 0; t < taps(d); t++) {
        int at = v->turn ? t / k * k + k - 1 - t % k : t;
        vec_store(stage + at * LIM_VEC, dw_sum(v, t, o));
    }
    for (int r = 0; r < runs; r++) {
        float *to = v->out + (ptrdiff_t)r * d->oc * k + (ptrdiff_t)o * n;
        const float *in = stage + r * n * LIM_VEC;
        if (lanes == LIM_VEC)
            vec_scatter(in, n, n, to, 0);
        else
            for (int l = 0; l < lanes; l++)
                for (int i = 0; i < n; i++)
                    to[l * n + i] = in[i * LIM_VEC + l];
    }
}

void
lim_unroll_dw(LimPool *pool, const LimConvDims *d, const float *x, const float *dy, float *dw,
              bool turn, float *scratch)
{
    Pass v = {.x = x, .dy = dy, .out = dw, .turn = turn, .scratch = scratch};

    dw_init(&v, d);
    v.partials = scratch + v.per_thread * (size_t)lim_threads_of(pool);
    lim_pool_for(pool, v.groups * v.parts, dw_item, &v);
    lim_pool_for(pool, lim_pieces(d->oc, LIM_VEC), dw_filter_item, &v);
}
