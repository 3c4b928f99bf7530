/* 3x3 convolution with a quarter of the multiplications: F(4x4,3x3) of Lavin & Gray, "Fast
 * Algorithms for Convolutional Neural Networks" (2016, arXiv 1509.09308, section 4.3).
 *
 * With U = G g G^T for each filter and V = B^T d B for each 6x6 input tile, a 4x4 output tile is
 * A^T [sum_c U . V] A. The sum over channels is 36 matrix products, M = V U, one for each position
 * in the tile. The weight gradient is the adjoint, dg = G^T [sum_tiles V . (A dY A^T)] G, and the
 * input gradient the same convolution with the filters turned by 180 degrees and c, oc exchanged.
 *
 * Vectors run over channels everywhere: a strip of rows is transposed to [pixel][channel], and from
 * there on all transforms are plain vertical arithmetic for any image size, and the products read V
 * and U in the order in which they lie. What comes in blocks of channels is that already.
 *
 * Error for normal data, 128 channels, relative to the largest output: at most 9e-6 forward, 7e-6
 * dx, 4e-6 dw; relative to the RMS output, 2e-6 RMS in each. It grows like the root of the number
 * of channels: 1.3e-5 at 512. */
#include "kernels/fast/winograd.h"

#include "kernels/fast/product.h"

#include <string.h>

#define POINTS 36 /* positions in a 6x6 tile */

/* Channels, in and out together, times the tiles of a chunk: V and M of a chunk should stay in L2
 * or close to it, while enough tiles share each pass over U, or over the sums of the weight
 * gradient. Few channels do not need more tiles than CHUNK_MOST for that. */
#define CHUNK_WORK    6144
#define CHUNK_MOST    24
#define DW_CHUNK_WORK 12288

/* Vectors of channels that a transform takes at a time: as many as fill a cache line, so that each
 * line of V and M moves once between the caches. */
#define GROUP       (LIM_VEC < 16 ? 16 / LIM_VEC : 1)
#define GROUP_WIDTH (GROUP * LIM_VEC)

/* One pass over tiles: input planes [c][h][w], output planes [oc][oh][ow]. */
typedef struct Wino {
    int c, h, w, oc, oh, ow, pad;
    int th, tw;            /* tiles per image, vertically and horizontally */
    int tiles;             /* of the whole batch */
    int chunk;             /* tiles at a time */
    ptrdiff_t ldv, vplane; /* V [36][chunk][c], rows and planes padded */
    ptrdiff_t ldm, mplane; /* M or Z [36][chunk][oc], likewise */
    ptrdiff_t uplane;      /* U [36][oc/NR][c][NR] */
    size_t stage_floats;   /* per thread */
    const float *x, *u, *bias, *dy;
    float *y, *v, *m, *stage;
    float *sums;           /* dw: [36][c][oc], planes padded */
    ptrdiff_t ldw, wplane; /* rows and planes of sums */
    int first, count;      /* the chunk being worked on */
    int split_c, split_oc; /* channels per item */
    bool by_chunks;
    bool relu, pool, blocked_x, blocked_y; /* as in LimConvDims */
    bool add;                              /* to sums */
} Wino;

/* Row length for n channels. An odd number of cache lines, so that the rows of a column do not all
 * fall into the same few sets of the L1 cache; likewise for planes. */
static ptrdiff_t
odd_lines(size_t n)
{
    return (ptrdiff_t)(((n + 15) / 16 | 1) * 16);
}

static int
panels(int oc)
{
    return lim_pieces(oc, LIM_NR);
}

static ptrdiff_t
u_plane(int c, int oc)
{
    return odd_lines((size_t)panels(oc) * (size_t)c * LIM_NR);
}

static void
wino_init(Wino *z, int n, int c, int h, int w, int oc, int oh, int ow, int pad, int chunk,
          int threads)
{
    int tiles = n * lim_pieces(oh, 4) * lim_pieces(ow, 4);

    *z = (Wino){.c = c, .h = h, .w = w, .oc = oc, .oh = oh, .ow = ow, .pad = pad};
    z->th = lim_pieces(oh, 4);
    z->tw = lim_pieces(ow, 4);
    z->tiles = tiles;
    if (chunk == 0) {
        chunk = lim_max_int(12, lim_min_int(CHUNK_MOST, CHUNK_WORK / (c + oc)));
        /* Many tiles: each thread takes whole chunks. Few: all threads share one. A sum does not
         * depend on that. */
        z->by_chunks = lim_pieces(tiles, chunk) >= 2 * threads;
        if (!z->by_chunks)
            chunk *= 4;
    }
    /* Whole rows of tiles where possible. */
    z->chunk = lim_min_int(z->tiles, z->tw < chunk ? chunk / z->tw * z->tw : chunk);
    z->ldv = odd_lines((size_t)c);
    z->ldm = odd_lines((size_t)(panels(oc) * LIM_NR));
    z->vplane = odd_lines((size_t)z->chunk * (size_t)z->ldv);
    z->mplane = odd_lines((size_t)z->chunk * (size_t)z->ldm);
    z->uplane = u_plane(c, oc);
    /* Six rows with their margins for each vector, and one without when rows are short. */
    z->stage_floats =
        lim_line_floats((size_t)(6 * (GROUP * (4 * z->tw + 2) + lim_max_int(w, ow)) * LIM_VEC));
}

/* --- Transforms. Each works on LIM_VEC channels at once. --- */

/* One dimension of B^T d B: six values in, six out. */
LIM_INLINE void
input_6(const Vec d[6], Vec t[6])
{
    Vec a = d[4] - 4 * d[2], b = d[3] - 4 * d[1], e = d[4] - d[2], f = 2 * (d[3] - d[1]);

    t[0] = 4 * d[0] + (d[4] - 5 * d[2]);
    t[1] = a + b;
    t[2] = a - b;
    t[3] = e + f;
    t[4] = e - f;
    t[5] = 4 * d[1] + (d[5] - 5 * d[3]);
}

/* d: 6x6 pixels, rows `row` floats apart; out: position p at out + p*plane. */
LIM_INLINE void
input_tile(const float *d, ptrdiff_t row, float *out, ptrdiff_t plane)
{
    Vec t[6][6];

#pragma GCC unroll 6
    for (int j = 0; j < 6; j++) {
        Vec in[6], res[6];
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++)
            in[i] = vec_load(d + i * row + j * LIM_VEC);
        input_6(in, res);
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++)
            t[i][j] = res[i];
    }
#pragma GCC unroll 6
    for (int i = 0; i < 6; i++) {
        Vec res[6];
        input_6(t[i], res);
#pragma GCC unroll 6
        for (int j = 0; j < 6; j++)
            vec_store(out + (6 * i + j) * plane, res[j]);
    }
}

/* One dimension of A^T m A: six values in, four out. */
LIM_INLINE void
output_4(const Vec m[6], Vec y[4])
{
    Vec s1 = m[1] + m[2], d1 = m[1] - m[2], s2 = m[3] + m[4], d2 = m[3] - m[4];

    y[0] = m[0] + s1 + s2;
    y[1] = d1 + 2 * d2;
    y[2] = s1 + 4 * s2;
    y[3] = d1 + 8 * d2 + m[5];
}

LIM_INLINE void
output_tile(const float *m, ptrdiff_t plane, Vec bias, Vec y[4][4])
{
    Vec t[4][6];

#pragma GCC unroll 6
    for (int j = 0; j < 6; j++) {
        Vec in[6], res[4];
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++)
            in[i] = vec_load(m + (6 * i + j) * plane);
        output_4(in, res);
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++)
            t[i][j] = res[i];
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        output_4(t[i], y[i]);
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++)
            y[i][j] += bias;
    }
}

/* One dimension of A dY A^T, the adjoint of output_4. */
LIM_INLINE void
output_adjoint_6(const Vec y[4], Vec z[6])
{
    Vec s = y[0] + y[2], d = y[1] + y[3], e = y[0] + 4 * y[2], f = 2 * y[1] + 8 * y[3];

    z[0] = y[0];
    z[1] = s + d;
    z[2] = s - d;
    z[3] = e + f;
    z[4] = e - f;
    z[5] = y[3];
}

LIM_INLINE void
output_adjoint_tile(const float *dy, ptrdiff_t row, float *out, ptrdiff_t plane)
{
    Vec t[6][4];

#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        Vec in[4], res[6];
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++)
            in[i] = vec_load(dy + i * row + j * LIM_VEC);
        output_adjoint_6(in, res);
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++)
            t[i][j] = res[i];
    }
#pragma GCC unroll 6
    for (int i = 0; i < 6; i++) {
        Vec res[6];
        output_adjoint_6(t[i], res);
#pragma GCC unroll 6
        for (int j = 0; j < 6; j++)
            vec_store(out + (6 * i + j) * plane, res[j]);
    }
}

/* One dimension of G g G^T: three values in, six out. */
LIM_INLINE void
filter_6(const Vec g[3], Vec u[6])
{
    Vec s = g[0] + g[2], e = g[0] + 4 * g[2];

    u[0] = 0.25f * g[0];
    u[1] = (-1.0f / 6) * (s + g[1]);
    u[2] = (-1.0f / 6) * (s - g[1]);
    u[3] = (1.0f / 24) * (e + 2 * g[1]);
    u[4] = (1.0f / 24) * (e - 2 * g[1]);
    u[5] = g[2];
}

LIM_INLINE void
filter_tile(const Vec g[9], float *out, ptrdiff_t plane)
{
    Vec t[6][3];

#pragma GCC unroll 3
    for (int j = 0; j < 3; j++) {
        Vec in[3] = {g[j], g[3 + j], g[6 + j]}, res[6];
        filter_6(in, res);
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++)
            t[i][j] = res[i];
    }
#pragma GCC unroll 6
    for (int i = 0; i < 6; i++) {
        Vec res[6];
        filter_6(t[i], res);
#pragma GCC unroll 6
        for (int j = 0; j < 6; j++)
            vec_store(out + (6 * i + j) * plane, res[j]);
    }
}

/* One dimension of G^T w G, the adjoint of filter_6. */
LIM_INLINE void
filter_adjoint_3(const Vec w[6], Vec g[3])
{
    Vec s1 = w[1] + w[2], d1 = w[2] - w[1], s2 = w[3] + w[4], d2 = w[3] - w[4];

    g[0] = 0.25f * w[0] - (1.0f / 6) * s1 + (1.0f / 24) * s2;
    g[1] = (1.0f / 6) * d1 + (1.0f / 12) * d2;
    g[2] = (1.0f / 6) * (s2 - s1) + w[5];
}

LIM_INLINE void
filter_adjoint_tile(const float *w, ptrdiff_t plane, float *out)
{
    Vec t[3][6];

#pragma GCC unroll 6
    for (int j = 0; j < 6; j++) {
        Vec in[6], res[3];
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++)
            in[i] = vec_load(w + (6 * i + j) * plane);
        filter_adjoint_3(in, res);
#pragma GCC unroll 3
        for (int i = 0; i < 3; i++)
            t[i][j] = res[i];
    }
#pragma GCC unroll 3
    for (int i = 0; i < 3; i++) {
        Vec res[3];
        filter_adjoint_3(t[i], res);
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++)
            vec_store(out + (3 * i + j) * LIM_VEC, res[j]);
    }
}

/* --- From planes to tiles and back. --- */

/* A horizontal run of tiles inside one row of tiles of one image. */
typedef struct Run {
    int img, ty, tx, count;
} Run;

static Run
run_at(const Wino *z, int tile, int end)
{
    int row = tile / z->tw;
    Run r = {.img = row / z->th, .ty = row % z->th, .tx = tile % z->tw};

    r.count = lim_min_int(z->tw - r.tx, end - tile);
    return r;
}

/* Zeroes what stage_rows() leaves alone: rows above and below the image, margins left and right. */
static void
stage_margins(int h, int w, int y0, int rows, int left, int width, float *stage)
{
    for (int i = 0; i < rows; i++) {
        float *row = stage + (ptrdiff_t)i * width * LIM_VEC;
        if (y0 + i < 0 || y0 + i >= h) {
            memset(row, 0, sizeof *row * (size_t)(width * LIM_VEC));
        } else {
            memset(row, 0, sizeof *row * (size_t)(left * LIM_VEC));
            for (int j = (left + w) * LIM_VEC; j < width * LIM_VEC; j++)
                row[j] = 0;
        }
    }
}

/* stage [rows][width][LIM_VEC] from the rows y0.. of LIM_VEC planes; the image's left edge comes
 * `left` pixels into a row. flat: room for all rows without margins. */
LIM_INLINE void
stage_rows(const float *planes, int h, int w, int y0, int rows, int left, int width, float *stage,
           float *flat)
{
    int first = lim_max_int(0, -y0), end = lim_min_int(rows, h - y0);
    const float *src = planes + (ptrdiff_t)(y0 + first) * w;
    float *dst = stage + (ptrdiff_t)(first * width + left) * LIM_VEC;
    int used = lim_min_int(w, width - left);
    ptrdiff_t ahead = (ptrdiff_t)GROUP_WIDTH * h * w;

    if (end <= first)
        return;
    if (w >= LIM_VEC) {
        for (int i = first; i < end; i++, src += w, dst += (ptrdiff_t)width * LIM_VEC)
            vec_gather(src, (ptrdiff_t)h * w, used, dst, LIM_VEC, ahead);
        return;
    }
    /* Short rows: several at once, then put each where it belongs. */
    vec_gather(src, (ptrdiff_t)h * w, (end - first) * w, flat, LIM_VEC, ahead);
    for (int i = first; i < end; i++, flat += w * LIM_VEC, dst += (ptrdiff_t)width * LIM_VEC)
        for (int j = 0; j < used; j++)
            vec_store(dst + j * LIM_VEC, vec_load(flat + j * LIM_VEC));
}

/* Do all tiles of a run lie inside the image? */
static bool
inside(const Wino *z, Run r)
{
    int y0 = 4 * r.ty - z->pad, x0 = 4 * r.tx - z->pad;

    return y0 >= 0 && y0 + 6 <= z->h && x0 >= 0 && x0 + 4 * r.count + 2 <= z->w;
}

/* stage_rows() of a block of channels. */
static void
stage_block(const float *block, int h, int w, int y0, int rows, int left, int width, float *stage)
{
    int first = lim_max_int(0, -y0), end = lim_min_int(rows, h - y0);
    size_t used = (size_t)(lim_min_int(w, width - left) * LIM_VEC);

    for (int i = first; i < end; i++)
        memcpy(stage + ((ptrdiff_t)i * width + left) * LIM_VEC,
               block + (ptrdiff_t)(y0 + i) * w * LIM_VEC, sizeof *stage * used);
}

/* V rows of tiles [first, first+count), channels [c0, c1), from x. */
static void
transform_input(const Wino *z, int first, int count, int c0, int c1, float *v, float *stage)
{
    int width = 4 * z->tw + 2, end = first + count;
    ptrdiff_t plane = (ptrdiff_t)z->h * z->w;
    ptrdiff_t size = (ptrdiff_t)6 * width * LIM_VEC;
    float *flat = stage + GROUP * size;

    for (int tile = first; tile < end;) {
        Run r = run_at(z, tile, end);
        int y0 = 4 * r.ty - z->pad;
        const float *x = z->x + r.img * z->c * plane;
        const bool direct = z->blocked_x && inside(z, r);
        for (int g = 0; g < GROUP && !direct; g++)
            stage_margins(z->h, z->w, y0, 6, z->pad, width, stage + g * size);
        for (int c = c0; c < c1; c += GROUP_WIDTH) {
            c = lim_min_int(c, c1 - GROUP_WIDTH);
            /* The run's image row: rows and groups lie `row` pixels and `group` floats apart. */
            const float *from = stage;
            ptrdiff_t row = width, group = size;
            for (int g = 0; g < GROUP && !direct; g++) {
                const float *planes = x + (c + g * LIM_VEC) * plane;
                if (z->blocked_x)
                    stage_block(planes, z->h, z->w, y0, 6, z->pad, width, stage + g * size);
                else
                    stage_rows(planes, z->h, z->w, y0, 6, z->pad, width, stage + g * size, flat);
            }
            if (direct) {
                from = x + c * plane + ((ptrdiff_t)y0 * z->w - z->pad) * LIM_VEC;
                row = z->w;
                group = plane * LIM_VEC;
            }
            float *out = v + (tile - first) * z->ldv + c;
            for (int t = 0; t < r.count; t++, out += z->ldv)
                for (int g = 0; g < GROUP; g++)
                    input_tile(from + g * group + (ptrdiff_t)4 * (r.tx + t) * LIM_VEC,
                               row * LIM_VEC, out + g * LIM_VEC, z->vplane);
        }
        tile += r.count;
    }
}

/* Z rows of tiles [first, first+count), output channels [o0, o1), from dy. */
static void
transform_dy(const Wino *z, int first, int count, int o0, int o1, float *m, float *stage)
{
    int width = 4 * z->tw, end = first + count;
    ptrdiff_t plane = (ptrdiff_t)z->oh * z->ow;
    ptrdiff_t size = (ptrdiff_t)4 * width * LIM_VEC;
    float *flat = stage + GROUP * size;

    for (int tile = first; tile < end;) {
        Run r = run_at(z, tile, end);
        int y0 = 4 * r.ty;
        const float *dy = z->dy + r.img * z->oc * plane;
        for (int g = 0; g < GROUP; g++)
            stage_margins(z->oh, z->ow, y0, 4, 0, width, stage + g * size);
        for (int o = o0; o < o1; o += GROUP_WIDTH) {
            o = lim_min_int(o, o1 - GROUP_WIDTH);
            for (int g = 0; g < GROUP; g++)
                stage_rows(dy + (o + g * LIM_VEC) * plane, z->oh, z->ow, y0, 4, 0, width,
                           stage + g * size, flat);
            float *out = m + (tile - first) * z->ldm + o;
            for (int t = 0; t < r.count; t++, out += z->ldm)
                for (int g = 0; g < GROUP; g++)
                    output_adjoint_tile(stage + g * size + (ptrdiff_t)4 * (r.tx + t) * LIM_VEC,
                                        (ptrdiff_t)width * LIM_VEC, out + g * LIM_VEC, z->mplane);
        }
        tile += r.count;
    }
}

/* ReLU, and of each 2x2 the largest, into the first places of y. */
LIM_INLINE void
finish_tile(const bool pool, Vec y[4][4])
{
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++)
            y[i][j] = vec_max(y[i][j], (Vec){0});
    if (!pool)
        return;
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++)
#pragma GCC unroll 2
        for (int j = 0; j < 2; j++) {
            const int r = 2 * i, c = 2 * j;
            y[i][j] = vec_max(vec_max(y[r][c], y[r][c + 1]), vec_max(y[r + 1][c], y[r + 1][c + 1]));
        }
}

/* The part of a tile that lies inside the image, into rows `row` floats apart. */
LIM_INLINE void
store_tile(const int side, const Vec y[4][4], int rows, int cols, float *to, ptrdiff_t row)
{
    if (rows == side && cols == side) {
#pragma GCC unroll 4
        for (int i = 0; i < side; i++)
#pragma GCC unroll 4
            for (int j = 0; j < side; j++)
                vec_store(to + i * row + j * LIM_VEC, y[i][j]);
        return;
    }
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++)
            vec_store(to + i * row + j * LIM_VEC, y[i][j]);
}

/* y of tiles [first, first+count), output channels [o0, o1), from M. */
LIM_INLINE void
transform_output_as(const bool relu, const bool pool, const Wino *z, int first, int count, int o0,
                    int o1, const float *m, float *stage)
{
    const int side = pool ? 2 : 4, shrink = pool ? 2 : 1; /* of a tile that is left */
    const int oh = z->oh / shrink, ow = z->ow / shrink;
    int end = first + count;
    ptrdiff_t plane = (ptrdiff_t)oh * ow;

    for (int tile = first; tile < end;) {
        Run r = run_at(z, tile, end);
        int x0 = side * r.tx, cols = lim_min_int(side * r.count, ow - x0);
        int rows = lim_min_int(side, oh - side * r.ty);
        ptrdiff_t size = (ptrdiff_t)rows * cols * LIM_VEC;
        float *y = z->y + r.img * z->oc * plane;
        ptrdiff_t at = (ptrdiff_t)side * r.ty * ow + x0;
        for (int o = o0; o < o1; o += GROUP_WIDTH) {
            o = lim_min_int(o, o1 - GROUP_WIDTH);
            const float *in = m + (tile - first) * z->ldm + o;
            for (int t = 0; t < r.count; t++, in += z->ldm)
                for (int g = 0; g < GROUP; g++) {
                    Vec bias = z->bias ? vec_load(z->bias + o + g * LIM_VEC) : (Vec){0};
                    Vec out[4][4];
                    float *to = z->blocked_y ? y + (o + g * LIM_VEC) * plane + at * LIM_VEC
                                             : stage + g * size;
                    output_tile(in + g * LIM_VEC, z->mplane, bias, out);
                    if (relu)
                        finish_tile(pool, out);
                    store_tile(side, out, rows, lim_min_int(side, cols - side * t),
                               to + (ptrdiff_t)side * t * LIM_VEC,
                               (ptrdiff_t)(z->blocked_y ? ow : cols) * LIM_VEC);
                }
            for (int g = 0; g < GROUP && !z->blocked_y; g++) {
                float *to = y + (o + g * LIM_VEC) * plane + at;
                if (cols == ow)
                    vec_scatter(stage + g * size, plane, rows * cols, to, GROUP_WIDTH * plane);
                for (int i = 0; cols < ow && i < rows; i++)
                    vec_scatter(stage + g * size + (ptrdiff_t)i * cols * LIM_VEC, plane, cols,
                                to + (ptrdiff_t)i * ow, GROUP_WIDTH * plane);
            }
        }
        tile += r.count;
    }
}

static void
transform_output(const Wino *z, int first, int count, int o0, int o1, const float *m, float *stage)
{
    if (z->pool)
        transform_output_as(true, true, z, first, count, o0, o1, m, stage);
    else if (z->relu)
        transform_output_as(true, false, z, first, count, o0, o1, m, stage);
    else
        transform_output_as(false, false, z, first, count, o0, o1, m, stage);
}

/* M = V U for one position and a range of panels: rows are tiles, columns output channels. */
static void
multiply(const Wino *z, int p, int panel0, int panel1, int count, const float *v, float *m)
{
    v += p * z->vplane;
    m += p * z->mplane;
    for (int panel = panel0; panel < panel1; panel++)
        lim_panel(count, LIM_NR, z->c, 1, v, z->ldv, 1,
                  z->u + p * z->uplane + (ptrdiff_t)panel * z->c * LIM_NR, LIM_NR, 0,
                  m + panel * LIM_NR, z->ldm, NULL);
}

/* --- Filters. --- */

typedef struct Filters {
    const float *w;
    float *u;
    int c, oc;                     /* as the pass sees them */
    ptrdiff_t stride_c, stride_oc; /* in w, floats */
    bool turn;                     /* by 180 degrees */
} Filters;

#define FILTER_CHANNELS 16 /* of c per item */

/* U for one panel of output channels and some of c. */
LIM_INLINE void
filter_panel(const Filters *f, int panel, int c0, int c1, const bool turn)
{
    float *u = f->u + ((ptrdiff_t)panel * f->c + c0) * LIM_NR;
    ptrdiff_t plane = u_plane(f->c, f->oc);
    float taps[2][9 * FILTER_CHANNELS * LIM_VEC] __attribute__((aligned(64)));

    for (int half = 0; half < 2; half++) {
        int o = panel * LIM_NR + half * LIM_VEC, lanes = lim_min_int(LIM_VEC, f->oc - o);
        const float *w = f->w + o * f->stride_oc + c0 * f->stride_c;
        float *to = taps[half];
        if (lanes < LIM_VEC) {
            for (int c = 0; c < c1 - c0; c++)
                for (int i = 0; i < 9; i++)
                    for (int l = 0; l < LIM_VEC; l++)
                        to[(9 * c + i) * LIM_VEC + l] =
                            l < lanes ? w[l * f->stride_oc + c * f->stride_c + i] : 0;
        } else if (f->stride_c == 9) {
            vec_gather(w, f->stride_oc, 9 * (c1 - c0), to, LIM_VEC, 0);
        } else {
            for (int c = 0; c < c1 - c0; c++)
                vec_gather(w + c * f->stride_c, f->stride_oc, 9, to + 9 * c * LIM_VEC, LIM_VEC, 0);
        }
    }
    for (int c = 0; c < c1 - c0; c++)
        for (int half = 0; half < 2; half++) {
            const float *from = taps[half] + 9 * c * LIM_VEC;
            Vec g[9];
#pragma GCC unroll 9
            for (int i = 0; i < 9; i++)
                g[i] = vec_load(from + (turn ? 8 - i : i) * LIM_VEC);
            filter_tile(g, u + (ptrdiff_t)c * LIM_NR + half * LIM_VEC, plane);
        }
}

static void
filter_item(void *ctx, int item, int thread)
{
    const Filters *f = ctx;
    int pieces = lim_pieces(f->c, FILTER_CHANNELS), c0 = item % pieces * FILTER_CHANNELS;
    int c1 = lim_min_int(f->c, c0 + FILTER_CHANNELS);

    if (f->turn)
        filter_panel(f, item / pieces, c0, c1, true);
    else
        filter_panel(f, item / pieces, c0, c1, false);
}

static void
transform_filters(LimPool *pool, Filters *f)
{
    lim_pool_for(pool, panels(f->oc) * lim_pieces(f->c, FILTER_CHANNELS), filter_item, f);
}

/* --- The passes. --- */

static size_t
pass_floats(const Wino *z, int threads)
{
    size_t buffers = (size_t)POINTS * (size_t)(z->vplane + z->mplane);

    return (z->by_chunks ? buffers * (size_t)threads : buffers) + z->stage_floats * (size_t)threads;
}

static void
chunk_item(void *ctx, int item, int thread)
{
    const Wino *z = ctx;
    int first = item * z->chunk, count = lim_min_int(z->chunk, z->tiles - first);
    float *v = z->v + (ptrdiff_t)thread * POINTS * (z->vplane + z->mplane);
    float *m = v + POINTS * z->vplane, *stage = z->stage + (size_t)thread * z->stage_floats;

    transform_input(z, first, count, 0, z->c, v, stage);
    for (int p = 0; p < POINTS; p++)
        multiply(z, p, 0, panels(z->oc), count, v, m);
    transform_output(z, first, count, 0, z->oc, m, stage);
}

/* Items of the shared steps: a row of tiles times a range of channels. The last range takes what is
 * left over, so that every range holds at least one vector. */
static void
range_of(int channels, int split, int i, int *from, int *to)
{
    int n = lim_max_int(1, channels / split);

    *from = i * split;
    *to = i == n - 1 ? channels : *from + split;
}

static void
input_item(void *ctx, int item, int thread)
{
    const Wino *z = ctx;
    int ranges = lim_max_int(1, z->c / z->split_c), c0, c1, row = item / ranges * z->tw;

    range_of(z->c, z->split_c, item % ranges, &c0, &c1);
    transform_input(z, z->first + row, lim_min_int(z->tw, z->count - row), c0, c1,
                    z->v + row * z->ldv, z->stage + (size_t)thread * z->stage_floats);
}

static void
dy_item(void *ctx, int item, int thread)
{
    const Wino *z = ctx;
    int ranges = lim_max_int(1, z->oc / z->split_oc), o0, o1, row = item / ranges * z->tw;

    range_of(z->oc, z->split_oc, item % ranges, &o0, &o1);
    transform_dy(z, z->first + row, lim_min_int(z->tw, z->count - row), o0, o1, z->m + row * z->ldm,
                 z->stage + (size_t)thread * z->stage_floats);
}

static void
multiply_item(void *ctx, int p, int thread)
{
    const Wino *z = ctx;

    multiply(z, p, 0, panels(z->oc), z->count, z->v, z->m);
}

static void
output_item(void *ctx, int item, int thread)
{
    const Wino *z = ctx;
    int ranges = lim_max_int(1, z->oc / z->split_oc), o0, o1, row = item / ranges * z->tw;

    range_of(z->oc, z->split_oc, item % ranges, &o0, &o1);
    transform_output(z, z->first + row, lim_min_int(z->tw, z->count - row), o0, o1,
                     z->m + row * z->ldm, z->stage + (size_t)thread * z->stage_floats);
}

static void
pass_run(LimPool *pool, Wino *z, float *scratch)
{
    int threads = lim_threads_of(pool);

    z->stage = scratch;
    z->v = scratch + z->stage_floats * (size_t)threads;
    z->m = z->v + POINTS * z->vplane;
    if (z->by_chunks) {
        lim_pool_for(pool, lim_pieces(z->tiles, z->chunk), chunk_item, z);
        return;
    }
    z->split_c = z->split_oc = 32;
    for (z->first = 0; z->first < z->tiles; z->first += z->chunk) {
        z->count = lim_min_int(z->chunk, z->tiles - z->first);
        int rows = lim_pieces(z->count, z->tw);
        lim_pool_for(pool, rows * lim_max_int(1, z->c / z->split_c), input_item, z);
        lim_pool_for(pool, POINTS, multiply_item, z);
        lim_pool_for(pool, rows * lim_max_int(1, z->oc / z->split_oc), output_item, z);
    }
}

static void
forward_init(Wino *z, const LimConvDims *d, int threads)
{
    wino_init(z, d->n, d->c, d->h, d->w, d->oc, d->oh, d->ow, d->pad, 0, threads);
}

bool
lim_wino_fits(const LimConvDims *d)
{
    return d->kh == 3 && d->kw == 3 && d->stride == 1 && d->pad <= 2 && d->c >= 16 && d->oc >= 16;
}

size_t
lim_wino_prepared_floats(const LimConvDims *d)
{
    return (size_t)POINTS * (size_t)u_plane(d->c, d->oc);
}

void
lim_wino_prepare(LimPool *pool, const LimConvDims *d, const float *w, float *u)
{
    Filters f = {.w = w, .u = u, .c = d->c, .oc = d->oc, .stride_c = 9, .stride_oc = 9 * d->c};

    transform_filters(pool, &f);
}

size_t
lim_wino_scratch_floats(const LimConvDims *d, int threads)
{
    Wino z;

    forward_init(&z, d, threads);
    return pass_floats(&z, threads);
}

void
lim_wino_conv(LimPool *pool, const LimConvDims *d, const float *x, const float *u,
              const float *bias, float *y, float *scratch)
{
    Wino z;

    forward_init(&z, d, lim_threads_of(pool));
    z.x = x;
    z.u = u;
    z.bias = bias;
    z.y = y;
    z.relu = d->relu;
    z.pool = d->pool;
    z.blocked_x = d->blocked_x;
    z.blocked_y = d->blocked_y;
    pass_run(pool, &z, scratch);
}

/* The input gradient is a convolution of dy with the turned filters, padded by what is missing to
 * two. */
static void
dx_init(Wino *z, const LimConvDims *d, int threads)
{
    wino_init(z, d->n, d->oc, d->oh, d->ow, d->c, d->h, d->w, 2 - d->pad, 0, threads);
}

size_t
lim_wino_dx_scratch_floats(const LimConvDims *d, int threads)
{
    Wino z;

    dx_init(&z, d, threads);
    return (size_t)POINTS * (size_t)z.uplane + pass_floats(&z, threads);
}

void
lim_wino_dx(LimPool *pool, const LimConvDims *d, const float *dy, const float *w, float *dx,
            float *scratch)
{
    Filters f = {.w = w,
                 .u = scratch,
                 .c = d->oc,
                 .oc = d->c,
                 .stride_c = 9 * d->c,
                 .stride_oc = 9,
                 .turn = true};
    Wino z;

    transform_filters(pool, &f);
    dx_init(&z, d, lim_threads_of(pool));
    z.x = dy;
    z.u = scratch;
    z.y = dx;
    pass_run(pool, &z, scratch + POINTS * z.uplane);
}

/* --- The weight gradient. --- */

static void
dw_init(Wino *z, const LimConvDims *d)
{
    wino_init(z, d->n, d->c, d->h, d->w, d->oc, d->oh, d->ow, d->pad,
              lim_max_int(24, lim_min_int(128, DW_CHUNK_WORK / (d->c + d->oc))), 1);
    z->ldw = panels(d->oc) * LIM_NR;
    z->wplane = odd_lines((size_t)d->c * (size_t)z->ldw);
}

/* Per thread: the staging area, which also holds one output channel group's filters. */
static size_t
dw_stage_floats(const Wino *z)
{
    size_t filters = lim_line_floats((size_t)(9 * z->c * LIM_VEC));

    return z->stage_floats > filters ? z->stage_floats : filters;
}

size_t
lim_wino_dw_scratch_floats(const LimConvDims *d, int threads)
{
    Wino z;

    dw_init(&z, d);
    return (size_t)POINTS * (size_t)(z.vplane + z.mplane + z.wplane) +
           dw_stage_floats(&z) * (size_t)threads;
}

/* sums[p][c][oc] += sum over the chunk's tiles of V[p][tile][c] Z[p][tile][oc]. */
static void
dw_multiply_item(void *ctx, int p, int thread)
{
    const Wino *z = ctx;
    const float *v = z->v + p * z->vplane, *m = z->m + p * z->mplane;
    float *sums = z->sums + p * z->wplane;

    for (int o = 0; o < z->ldw; o += LIM_NR)
        lim_panel(z->c, LIM_NR, z->count, 1, v, 1, z->ldv, m + o, z->ldm, z->add ? 1.0f : 0.0f,
                  sums + o, z->ldw, NULL);
}

/* dw of LIM_VEC output channels. */
static void
dw_filter_item(void *ctx, int item, int thread)
{
    const Wino *z = ctx;
    int o = item * LIM_VEC, lanes = lim_min_int(LIM_VEC, z->oc - o), n = 9 * z->c;
    float *stage = z->stage + (size_t)thread * z->stage_floats;
    float *dw = z->y + (ptrdiff_t)o * n;

    for (int c = 0; c < z->c; c++)
        filter_adjoint_tile(z->sums + c * z->ldw + o, z->wplane, stage + 9 * c * LIM_VEC);
    if (lanes == LIM_VEC) {
        vec_scatter(stage, n, n, dw, 0);
    } else {
        for (int l = 0; l < lanes; l++)
            for (int i = 0; i < n; i++)
                dw[l * n + i] = stage[i * LIM_VEC + l];
    }
}

void
lim_wino_dw(LimPool *pool, const LimConvDims *d, const float *x, const float *dy, float *dw,
            float *scratch)
{
    int threads = lim_threads_of(pool);
    Wino z;

    dw_init(&z, d);
    z.stage_floats = dw_stage_floats(&z);
    z.x = x;
    z.dy = dy;
    z.y = dw;
    z.stage = scratch;
    z.v = scratch + z.stage_floats * (size_t)threads;
    z.m = z.v + POINTS * z.vplane;
    z.sums = z.m + POINTS * z.mplane;
    z.split_c = z.split_oc = 32;
    /* Columns of Z that fill the last panel. */
    for (ptrdiff_t row = 0; z.ldw > z.oc && row < (ptrdiff_t)POINTS * z.chunk; row++)
        memset(z.m + row / z.chunk * z.mplane + row % z.chunk * z.ldm + z.oc, 0,
               sizeof *z.m * (size_t)(z.ldw - z.oc));
    for (z.first = 0; z.first < z.tiles; z.first += z.chunk) {
        z.count = lim_min_int(z.chunk, z.tiles - z.first);
        int rows = lim_pieces(z.count, z.tw);
        lim_pool_for(pool, rows * lim_max_int(1, z.c / z.split_c), input_item, &z);
        lim_pool_for(pool, rows * lim_max_int(1, z.oc / z.split_oc), dy_item, &z);
        lim_pool_for(pool, POINTS, dw_multiply_item, &z);
        z.add = true;
    }
    lim_pool_for(pool, lim_pieces(z.oc, LIM_VEC), dw_filter_item, &z);
}
