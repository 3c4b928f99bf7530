/* Every kernel of every table against the definition, written out here in double precision and
 * sharing no code with the engine. "wide16" is the 16-float source that AVX-512 machines run,
 * compiled without AVX-512 instructions, so its logic is tested on any machine. */
#include "kernels/kernels.h"

#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef LIM_TEST_WIDE16
extern const LimKernels lim_kernels_wide16;
#endif

/* Largest error allowed, relative to the largest output. Winograd F(4x4,3x3) needs most of it. */
#define TOLERANCE 2e-5

static LimPool *pools[4]; /* NULL, then 1, 2, 3 threads */
static GRand *rnd;

/* Outputs and scratch lie between guard bytes and start as NaN. Inputs end where a forbidden page
 * begins, so that reading past them ends the program. */
typedef struct Buf {
    float *data;
    size_t n;
    void *mem;
    size_t mapped; /* bytes of mem when it is an input */
} Buf;

static Buf
buf_new(size_t n)
{
    Buf b = {.n = n};
    size_t bytes = n * sizeof(float);

    b.mem = aligned_alloc(64, 128 + (bytes + 63) / 64 * 64);
    memset(b.mem, 0xff, 128 + (bytes + 63) / 64 * 64);
    b.data = (float *)((char *)b.mem + 64);
    return b;
}

static Buf
buf_random(size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = n * sizeof(float) / page + 1;
    Buf b = {.n = n, .mapped = (pages + 1) * page};

    b.mem = mmap(NULL, b.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert_true(b.mem != MAP_FAILED);
    g_assert_cmpint(mprotect((char *)b.mem + pages * page, page, PROT_NONE), ==, 0);
    b.data = (float *)((char *)b.mem + pages * page) - n;
    /* Sum of uniforms: near normal, unit variance. */
    for (size_t i = 0; i < n; i++)
        b.data[i] = (float)(2 * (g_rand_double(rnd) + g_rand_double(rnd) + g_rand_double(rnd)) - 3);
    return b;
}

static void
buf_free(Buf b)
{
    const unsigned char *p = b.mem;
    size_t bytes = b.n * sizeof(float);

    if (b.mapped) {
        munmap(b.mem, b.mapped);
        return;
    }
    for (size_t i = 0; i < 64; i++) {
        g_assert_cmphex(p[i], ==, 0xff);
        g_assert_cmphex(p[64 + bytes + i], ==, 0xff);
    }
    free(b.mem);
}

static double *
zeros(size_t n)
{
    return g_new0(double, n);
}

static void
assert_close(const float *got, const double *want, size_t n, const char *what)
{
    double scale = 1e-3, worst = 0;
    size_t at = 0;

    for (size_t i = 0; i < n; i++)
        scale = MAX(scale, fabs(want[i]));
    for (size_t i = 0; i < n; i++) {
        double e = fabs((double)got[i] - want[i]);
        if (!(e <= worst)) { /* also catches NaN */
            worst = e;
            at = i;
            if (isnan(e))
                break;
        }
    }
    if (!(worst <= TOLERANCE * scale))
        g_error("%s: element %zu is %g, should be %g (largest %g)", what, at, (double)got[at],
                want[at], scale);
}

/* Convolution from its definition, and the two gradients as sums over the same index set. */
static void
oracle_conv(const LimConvDims *d, const float *x, const float *w, const float *bias,
            const float *dy, double *y, double *dx, double *dw)
{
    for (int n = 0; n < d->n; n++)
        for (int o = 0; o < d->oc; o++)
            for (int r = 0; r < d->oh; r++)
                for (int s = 0; s < d->ow; s++) {
                    size_t at = (((size_t)n * d->oc + o) * d->oh + r) * d->ow + s;
                    double sum = bias ? (double)bias[o] : 0.0;
                    for (int c = 0; c < d->c; c++)
                        for (int i = 0; i < d->kh; i++)
                            for (int j = 0; j < d->kw; j++) {
                                int yy = r * d->stride + i - d->pad;
                                int xx = s * d->stride + j - d->pad;
                                if (yy < 0 || yy >= d->h || xx < 0 || xx >= d->w)
                                    continue;
                                size_t ix = (((size_t)n * d->c + c) * d->h + yy) * d->w + xx;
                                size_t iw = (((size_t)o * d->c + c) * d->kh + i) * d->kw + j;
                                sum += (double)x[ix] * (double)w[iw];
                                dx[ix] += (double)dy[at] * (double)w[iw];
                                dw[iw] += (double)dy[at] * (double)x[ix];
                            }
                    y[at] = sum;
                }
}

static LimConvDims
dims(int n, int c, int h, int w, int oc, int k, int stride, int pad)
{
    return (LimConvDims){.n = n,
                         .c = c,
                         .h = h,
                         .w = w,
                         .oc = oc,
                         .kh = k,
                         .kw = k,
                         .stride = stride,
                         .pad = pad,
                         .oh = (h + 2 * pad - k) / stride + 1,
                         .ow = (w + 2 * pad - k) / stride + 1};
}

typedef struct Sizes {
    size_t x, w, y;
} Sizes;

static Sizes
sizes(const LimConvDims *d)
{
    return (Sizes){(size_t)d->n * d->c * d->h * d->w, (size_t)d->oc * d->c * d->kh * d->kw,
                   (size_t)d->n * d->oc * (d->oh >> d->pool) * (d->ow >> d->pool)};
}

static Buf
run_conv(const LimKernels *k, LimPool *pool, const LimConvDims *d, const float *x, const float *w,
         const float *bias)
{
    int threads = pool ? lim_pool_threads(pool) : 1;
    Buf y = buf_new(sizes(d).y);
    Buf prepared = buf_new(k->conv_prepared_size(d) / sizeof(float));
    Buf scratch = buf_new(k->conv_scratch(d, threads) / sizeof(float));

    k->conv_prepare(pool, d, w, prepared.data);
    k->conv(pool, d, x, prepared.data, bias, y.data, scratch.data);
    buf_free(prepared);
    buf_free(scratch);
    return y;
}

static Buf
run_dx(const LimKernels *k, LimPool *pool, const LimConvDims *d, const float *dy, const float *w)
{
    Buf dx = buf_new(sizes(d).x);
    Buf scratch = buf_new(k->conv_dx_scratch(d, pool ? lim_pool_threads(pool) : 1) / sizeof(float));

    k->conv_dx(pool, d, dy, w, dx.data, scratch.data);
    buf_free(scratch);
    return dx;
}

static Buf
run_dw(const LimKernels *k, LimPool *pool, const LimConvDims *d, const float *x, const float *dy)
{
    Buf dw = buf_new(sizes(d).w);
    Buf scratch = buf_new(k->conv_dw_scratch(d, pool ? lim_pool_threads(pool) : 1) / sizeof(float));

    k->conv_dw(pool, d, x, dy, dw.data, scratch.data);
    buf_free(scratch);
    return dw;
}

static void
assert_same(Buf a, Buf b, const char *what)
{
    if (memcmp(a.data, b.data, a.n * sizeof(float)) != 0)
        g_error("%s: depends on the number of threads", what);
}

/* ReLU and pooling on the way out, where the kernel offers them, give what they give afterwards. */
static void
check_ends(const LimKernels *k, LimConvDims d, const float *x, const float *w, const float *bias,
           Buf y, const char *what)
{
    const size_t planes = (size_t)d.n * d.oc, oh = d.oh, ow = d.ow;
    Buf relu = buf_new(y.n), pool = buf_new(planes * (oh / 2) * (ow / 2));

    for (size_t i = 0; i < y.n; i++)
        relu.data[i] = fmaxf(y.data[i], 0);
    for (size_t p = 0, i = 0; p < planes; p++)
        for (size_t r = 0; r < oh / 2; r++)
            for (size_t s = 0; s < ow / 2; s++, i++) {
                const float *at = relu.data + (p * oh + 2 * r) * ow + 2 * s;
                pool.data[i] = fmaxf(fmaxf(at[0], at[1]), fmaxf(at[ow], at[ow + 1]));
            }
    d.relu = true;
    for (int end = 0; end < 2; end++) {
        Buf want = end ? pool : relu;
        d.pool = end;
        if (!k->conv_does(&d) || want.n == 0)
            continue;
        for (guint i = 0; i < G_N_ELEMENTS(pools); i++) {
            Buf got = run_conv(k, pools[i], &d, x, w, bias);
            for (size_t j = 0; j < want.n; j++)
                if (got.data[j] != want.data[j])
                    g_error("%s, %s: element %zu is %g, should be %g", what, end ? "pool" : "relu",
                            j, (double)got.data[j], (double)want.data[j]);
            buf_free(got);
        }
    }
    buf_free(relu);
    buf_free(pool);
}

/* [n][c][plane] to blocks of channels, or back. */
static void
change_layout(bool to_blocks, size_t n, size_t c, size_t plane, size_t lanes, const float *in,
              float *out)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < c; j++)
            for (size_t p = 0; p < plane; p++) {
                const size_t planar = (i * c + j) * plane + p;
                const size_t blocked =
                    ((i * c + j) / lanes * plane + p) * lanes + (i * c + j) % lanes;
                out[to_blocks ? blocked : planar] = in[to_blocks ? planar : blocked];
            }
}

/* Reading and writing blocks of channels, where the kernel offers it, gives the same numbers; it
 * must not offer what does not fill blocks. */
static void
check_blocks(const LimKernels *k, LimConvDims d, const float *planes, const float *w,
             const float *bias, const char *what)
{
    const size_t lanes = (size_t)k->lanes, n = (size_t)d.n, c = (size_t)d.c, oc = (size_t)d.oc;
    Buf x = buf_random(sizes(&d).x);
    if (c % lanes == 0)
        change_layout(true, n, c, (size_t)d.h * d.w, lanes, planes, x.data);
    for (int form = 0; form < 16; form++) {
        d.blocked_x = d.blocked_y = false;
        d.relu = form & 8;
        d.pool = form & 4;
        if (form < 4 || !k->conv_does(&d) || sizes(&d).y == 0)
            d.relu = d.pool = false;
        Buf want = run_conv(k, NULL, &d, planes, w, bias);
        d.blocked_x = form & 1;
        d.blocked_y = form & 2;
        if (k->conv_does(&d)) {
            g_assert_true((!d.blocked_x || c % lanes == 0) && (!d.blocked_y || oc % lanes == 0));
            for (guint i = 0; i < G_N_ELEMENTS(pools); i++) {
                Buf got = run_conv(k, pools[i], &d, d.blocked_x ? x.data : planes, w, bias);
                Buf turned = buf_new(got.n);
                memcpy(turned.data, got.data, got.n * sizeof(float));
                if (d.blocked_y)
                    change_layout(false, n, oc, got.n / (n * oc), lanes, got.data, turned.data);
                if (memcmp(turned.data, want.data, want.n * sizeof(float)) != 0)
                    g_error("%s: other numbers with%s%s in blocks", what, d.blocked_x ? " x" : "",
                            d.blocked_y ? " y" : "");
                buf_free(got);
                buf_free(turned);
            }
        }
        buf_free(want);
    }
    buf_free(x);
}

static void
check_conv(const LimKernels *k, LimConvDims d, bool with_bias)
{
    Sizes s = sizes(&d);
    Buf x = buf_random(s.x), w = buf_random(s.w), dy = buf_random(s.y);
    Buf bias = buf_random((size_t)d.oc);
    const float *b = with_bias ? bias.data : NULL;
    double *y = zeros(s.y), *dx = zeros(s.x), *dw = zeros(s.w);
    g_autofree char *name =
        g_strdup_printf("%s: batch %d, %dx%dx%d to %dx%dx%d, kernel %dx%d, stride %d, pad %d",
                        k->name, d.n, d.c, d.h, d.w, d.oc, d.oh, d.ow, d.kh, d.kw, d.stride, d.pad);
    g_autofree char *in_y = g_strconcat("conv ", name, NULL);
    g_autofree char *in_dx = g_strconcat("conv_dx ", name, NULL);
    g_autofree char *in_dw = g_strconcat("conv_dw ", name, NULL);

    oracle_conv(&d, x.data, w.data, b, dy.data, y, dx, dw);
    Buf y0 = run_conv(k, pools[0], &d, x.data, w.data, b);
    Buf dx0 = run_dx(k, pools[0], &d, dy.data, w.data);
    Buf dw0 = run_dw(k, pools[0], &d, x.data, dy.data);
    assert_close(y0.data, y, s.y, in_y);
    assert_close(dx0.data, dx, s.x, in_dx);
    assert_close(dw0.data, dw, s.w, in_dw);
    for (guint i = 1; i < G_N_ELEMENTS(pools); i++) {
        Buf y1 = run_conv(k, pools[i], &d, x.data, w.data, b);
        Buf dx1 = run_dx(k, pools[i], &d, dy.data, w.data);
        Buf dw1 = run_dw(k, pools[i], &d, x.data, dy.data);
        assert_same(y0, y1, in_y);
        assert_same(dx0, dx1, in_dx);
        assert_same(dw0, dw1, in_dw);
        buf_free(y1);
        buf_free(dx1);
        buf_free(dw1);
    }
    check_ends(k, d, x.data, w.data, b, y0, in_y);
    check_blocks(k, d, x.data, w.data, b, in_y);
    buf_free(x);
    buf_free(w);
    buf_free(dy);
    buf_free(bias);
    buf_free(y0);
    buf_free(dx0);
    buf_free(dw0);
    g_free(y);
    g_free(dx);
    g_free(dw);
}

static void
test_conv_shapes(gconstpointer table)
{
    static const LimConvDims fixed[] = {
        /* n, c, h, w, oc, kh, kw, stride, pad, oh, ow */
        {1, 128, 8, 8, 128, 3, 3, 1, 1, 8, 8},    {1, 128, 4, 4, 128, 3, 3, 1, 1, 4, 4},
        {5, 128, 4, 4, 64, 3, 3, 1, 1, 4, 4},     {2, 64, 16, 16, 64, 3, 3, 1, 1, 16, 16},
        {1, 64, 16, 16, 128, 3, 3, 1, 1, 16, 16}, {1, 32, 32, 32, 64, 3, 3, 1, 1, 32, 32},
        {2, 3, 32, 32, 128, 3, 3, 1, 1, 32, 32},  {1, 1, 32, 32, 128, 3, 3, 1, 1, 32, 32},
        {1, 128, 32, 32, 3, 3, 3, 1, 1, 32, 32},  {2, 3, 32, 32, 128, 1, 1, 1, 0, 32, 32},
        {2, 128, 16, 16, 16, 1, 1, 1, 0, 16, 16}, {1, 64, 16, 16, 128, 1, 1, 1, 0, 16, 16},
        {2, 17, 7, 7, 128, 3, 3, 1, 1, 7, 7},     {2, 64, 13, 13, 17, 3, 3, 1, 1, 13, 13},
        {1, 64, 28, 28, 64, 3, 3, 1, 1, 28, 28},  {2, 64, 7, 13, 33, 3, 3, 1, 1, 7, 13},
        {33, 64, 4, 4, 64, 3, 3, 1, 1, 4, 4},     {2, 64, 5, 1, 64, 3, 3, 1, 1, 5, 1},
        {2, 64, 1, 6, 64, 3, 3, 1, 1, 1, 6},      {17, 48, 8, 8, 40, 3, 3, 1, 1, 8, 8},
        {9, 16, 16, 16, 17, 3, 3, 1, 1, 16, 16},  {31, 17, 15, 17, 16, 3, 3, 1, 0, 13, 15},
        {2, 16, 5, 130, 16, 3, 3, 1, 2, 7, 132},  {2, 5, 9, 11, 6, 3, 2, 2, 1, 5, 6},
        {2, 5, 9, 11, 6, 1, 5, 1, 2, 13, 11},     {3, 1, 32, 32, 13, 3, 3, 1, 0, 30, 30},
        {1, 3, 7, 17, 25, 3, 3, 1, 2, 9, 19},     {2, 2, 16, 33, 12, 4, 4, 1, 0, 13, 30},
        {9, 3, 5, 16, 30, 1, 5, 1, 2, 9, 16},
    };

    for (guint i = 0; i < G_N_ELEMENTS(fixed); i++)
        check_conv(table, fixed[i], i % 2);
}

/* The convolutions of networks do offer it. */
static void
test_conv_blocks(gconstpointer table)
{
    const LimKernels *k = table;
    LimConvDims first = dims(3, 1, 32, 32, 32, 3, 1, 0), odd = dims(1, 3, 11, 17, 16, 3, 1, 1);
    LimConvDims inner = dims(3, 32, 30, 30, 48, 3, 1, 0), padded = dims(2, 16, 7, 9, 32, 3, 1, 1);
    LimConvDims wide = dims(1, 16, 6, 5, 16, 3, 1, 2), ragged = dims(1, 33, 8, 8, 33, 3, 1, 1);
    LimConvDims edges = dims(2, 32, 12, 11, 16, 3, 1, 0),
                long_rows = dims(1, 16, 5, 130, 16, 3, 1, 0);
    LimConvDims *all[] = {&first, &odd, &inner, &padded, &wide, &ragged, &edges, &long_rows};

    for (guint i = 0; i < G_N_ELEMENTS(all); i++) {
        check_conv(k, *all[i], i % 2);
        all[i]->relu = all[i]->blocked_y = true;
        g_assert_cmpint(k->conv_does(all[i]), ==, all[i] != &ragged);
        all[i]->blocked_y = false;
        all[i]->pool = all[i]->blocked_x = true;
        g_assert_cmpint(k->conv_does(all[i]), ==, i >= 2 && all[i] != &ragged);
    }
}

/* A fixed sample of the product of all awkward sizes. */
static void
test_conv_sample(gconstpointer table)
{
    static const int size[] = {1, 3, 7, 13, 28}, batch[] = {1, 2, 5};
    static const int channels[] = {1, 3, 5, 17, 64, 128};
    int done = 0;

    while (done < 150) {
        LimConvDims d =
            dims(batch[g_rand_int_range(rnd, 0, 3)], channels[g_rand_int_range(rnd, 0, 6)],
                 size[g_rand_int_range(rnd, 0, 5)], size[g_rand_int_range(rnd, 0, 5)],
                 channels[g_rand_int_range(rnd, 0, 6)], g_rand_int_range(rnd, 1, 6),
                 g_rand_int_range(rnd, 1, 3), g_rand_int_range(rnd, 0, 3));
        bool fits = d.h + 2 * d.pad >= d.kh && d.w + 2 * d.pad >= d.kw;
        if (!fits || (double)sizes(&d).y * d.c * d.kh * d.kw > 4e6)
            continue;
        check_conv(table, d, done % 2);
        done++;
    }
}

/* Transposing image and weights transposes the result; a wrong axis somewhere would show. */
static void
transpose_planes(const float *in, float *out, size_t planes, int h, int w)
{
    for (size_t p = 0; p < planes; p++)
        for (int i = 0; i < h; i++)
            for (int j = 0; j < w; j++)
                out[(p * (size_t)w + (size_t)j) * (size_t)h + (size_t)i] =
                    in[(p * (size_t)h + (size_t)i) * (size_t)w + (size_t)j];
}

static void
test_conv_symmetry(gconstpointer table)
{
    const LimKernels *k = table;
    static const int sides[][2] = {{8, 12}, {7, 13}, {32, 16}};

    for (guint i = 0; i < G_N_ELEMENTS(sides); i++) {
        LimConvDims d = dims(2, 32, sides[i][0], sides[i][1], 32, 3, 1, 1);
        LimConvDims t = dims(2, 32, sides[i][1], sides[i][0], 32, 3, 1, 1);
        Sizes s = sizes(&d);
        Buf x = buf_random(s.x), w = buf_random(s.w), xt = buf_new(s.x), wt = buf_new(s.w);
        transpose_planes(x.data, xt.data, 64, d.h, d.w);
        transpose_planes(w.data, wt.data, 32 * 32, 3, 3);
        Buf y = run_conv(k, pools[2], &d, x.data, w.data, NULL);
        Buf yt = run_conv(k, pools[2], &t, xt.data, wt.data, NULL);
        Buf back = buf_new(s.y);
        transpose_planes(yt.data, back.data, 64, t.oh, t.ow);
        double *want = zeros(s.y);
        for (size_t e = 0; e < s.y; e++)
            want[e] = (double)y.data[e];
        assert_close(back.data, want, s.y, "transposed convolution");
        g_free(want);
        buf_free(x);
        buf_free(w);
        buf_free(xt);
        buf_free(wt);
        buf_free(y);
        buf_free(yt);
        buf_free(back);
    }
}

static double
dot(const float *a, const float *b, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* <conv(x), dy> = <x, conv_dx(dy)> = <w, conv_dw(x, dy)> */
static void
test_conv_adjoint(gconstpointer table)
{
    const LimKernels *k = table;
    const LimConvDims cases[] = {
        dims(2, 128, 32, 32, 128, 3, 1, 1), dims(3, 64, 14, 14, 96, 3, 1, 1),
        dims(4, 3, 32, 32, 128, 3, 1, 1),   dims(4, 128, 32, 32, 3, 3, 1, 1),
        dims(3, 32, 31, 31, 48, 4, 2, 1),   dims(3, 128, 16, 16, 64, 1, 1, 0),
        dims(20, 128, 8, 8, 128, 3, 1, 1),
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        const LimConvDims *d = &cases[i];
        Sizes s = sizes(d);
        Buf x = buf_random(s.x), w = buf_random(s.w), dy = buf_random(s.y);
        Buf y = run_conv(k, pools[2], d, x.data, w.data, NULL);
        Buf dx = run_dx(k, pools[2], d, dy.data, w.data);
        Buf dw = run_dw(k, pools[2], d, x.data, dy.data);
        double one = dot(y.data, dy.data, s.y), two = dot(x.data, dx.data, s.x);
        double three = dot(w.data, dw.data, s.w);
        double scale = sqrt(dot(y.data, y.data, s.y) * dot(dy.data, dy.data, s.y));
        g_assert_cmpfloat(fabs(one - two), <=, 1e-6 * scale);
        g_assert_cmpfloat(fabs(one - three), <=, 1e-6 * scale);
        buf_free(x);
        buf_free(w);
        buf_free(dy);
        buf_free(y);
        buf_free(dx);
        buf_free(dw);
    }
}

static void
oracle_gemm(bool ta, bool tb, int m, int n, int k, double alpha, const float *a, int lda,
            const float *b, int ldb, double beta, const float *c, int ldc, double *out)
{
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            double sum = 0;
            for (int l = 0; l < k; l++)
                sum += (double)(ta ? a[(size_t)l * lda + i] : a[(size_t)i * lda + l]) *
                       (double)(tb ? b[(size_t)j * ldb + l] : b[(size_t)l * ldb + j]);
            out[(size_t)i * n + j] = alpha * sum;
            if (beta != 0)
                out[(size_t)i * n + j] += beta * (double)c[(size_t)i * ldc + j];
        }
}

static void
check_gemm(const LimKernels *kernels, int m, int n, int k, bool ta, bool tb, float alpha,
           float beta, int gap)
{
    int lda = (ta ? m : k) + gap, ldb = (tb ? k : n) + gap, ldc = n + gap;
    Buf a = buf_random((size_t)(ta ? k : m) * lda), b = buf_random((size_t)(tb ? n : k) * ldb);
    Buf c = beta == 0 ? buf_new((size_t)m * ldc) : buf_random((size_t)m * ldc), first = {0};
    double *want = zeros((size_t)m * n);
    float *got = g_new(float, (size_t)m *n);

    oracle_gemm(ta, tb, m, n, k, (double)alpha, a.data, lda, b.data, ldb, (double)beta, c.data, ldc,
                want);
    for (guint p = 0; p < G_N_ELEMENTS(pools); p++) {
        Buf out = buf_new(c.n);
        memcpy(out.data, c.data, c.n * sizeof(float));
        kernels->gemm(pools[p], ta, tb, m, n, k, alpha, a.data, lda, b.data, ldb, beta, out.data,
                      ldc);
        for (int i = 0; i < m; i++) {
            memcpy(got + (size_t)i * n, out.data + (size_t)i * ldc, sizeof(float) * (size_t)n);
            /* What lies between the rows stays. */
            g_assert_cmpmem(out.data + (size_t)i * ldc + n, sizeof(float) * (size_t)gap,
                            c.data + (size_t)i * ldc + n, sizeof(float) * (size_t)gap);
        }
        g_autofree char *name =
            g_strdup_printf("gemm %s: %dx%dx%d, ta %d, tb %d", kernels->name, m, n, k, ta, tb);
        assert_close(got, want, (size_t)m * n, name);
        if (p == 0) {
            first = out;
        } else {
            assert_same(first, out, name);
            buf_free(out);
        }
    }
    buf_free(first);
    buf_free(a);
    buf_free(b);
    buf_free(c);
    g_free(want);
    g_free(got);
}

/* The same product with B brought into the kernel's form before. */
static void
test_gemm_packed(gconstpointer table)
{
    static const int size[] = {1, 2, 7, 16, 31, 33, 100, 200, 257, 1600};
    const LimKernels *kernels = table;

    for (int done = 0; done < 100;) {
        int m = size[g_rand_int_range(rnd, 0, 10)], n = size[g_rand_int_range(rnd, 0, 10)];
        int k = size[g_rand_int_range(rnd, 0, 10)];
        bool ta = g_rand_boolean(rnd), tb = g_rand_boolean(rnd);
        const size_t bytes = kernels->gemm_packed_size(m, n, k);
        if ((double)m * n * k > 8e6 || bytes == 0)
            continue;
        Buf a = buf_random((size_t)m * k), b = buf_random((size_t)n * k);
        Buf packed = buf_new(bytes / sizeof(float)), first = {0};
        double *want = zeros((size_t)m * n);
        oracle_gemm(ta, tb, m, n, k, 1.5, a.data, ta ? m : k, b.data, tb ? k : n, 0, NULL, n, want);
        kernels->gemm_pack(tb, n, k, b.data, tb ? k : n, packed.data);
        for (guint p = 0; p < G_N_ELEMENTS(pools); p++) {
            Buf out = buf_new((size_t)m * n);
            kernels->gemm_packed(pools[p], ta, m, n, k, 1.5f, a.data, ta ? m : k, packed.data,
                                 out.data, n);
            assert_close(out.data, want, out.n, "gemm_packed");
            if (p == 0) {
                first = out;
            } else {
                assert_same(first, out, "gemm_packed");
                buf_free(out);
            }
        }
        buf_free(first);
        buf_free(a);
        buf_free(b);
        buf_free(packed);
        g_free(want);
        done++;
    }
}

static void
test_gemm(gconstpointer table)
{
    static const int size[] = {1, 2, 3, 7, 16, 17, 31, 64, 100, 129, 257, 600};
    int done = 0;

    check_gemm(table, 64, 2048, 130, false, false, 1, 0, 0);
    check_gemm(table, 1, 1030, 513, false, true, 1, 0, 0);
    check_gemm(table, 1030, 1, 513, true, false, 1, 1, 0);
    check_gemm(table, 260, 300, 1100, true, true, 2, 1, 0);
    check_gemm(table, 512, 520, 530, false, true, 1, 0, 3);
    while (done < 150) {
        int m = size[g_rand_int_range(rnd, 0, 12)], n = size[g_rand_int_range(rnd, 0, 12)];
        int k = size[g_rand_int_range(rnd, 0, 12)], bits = g_rand_int_range(rnd, 0, 4);
        if ((double)m * n * k > 4e6)
            continue;
        check_gemm(table, m, n, k, bits & 1, bits & 2, done % 3 ? 1.0f : -0.5f,
                   (float)(done % 4) * 0.5f, done % 2 ? 5 : 0);
        done++;
    }
}

static void
test_gemm_batch(gconstpointer table)
{
    const LimKernels *kernels = table;

    for (int bits = 0; bits < 4; bits++) {
        int m = 33, n = 20, k = 50, batch = 7;
        Buf a = buf_random((size_t)(m * k * batch)), b = buf_random((size_t)(k * n));
        Buf c = buf_new((size_t)(m * n * batch));
        double *want = zeros(c.n);
        for (int i = 0; i < batch; i++)
            oracle_gemm(bits & 1, bits & 2, m, n, k, 1.5, a.data + i * m * k, bits & 1 ? m : k,
                        b.data, bits & 2 ? k : n, 0, NULL, n, want + i * m * n);
        /* Stride 0: the same matrix for all. */
        kernels->gemm_batch(pools[2], batch, bits & 1, bits & 2, m, n, k, 1.5f, a.data, m * k,
                            b.data, 0, 0, c.data, m * n);
        assert_close(c.data, want, c.n, "gemm_batch");
        buf_free(a);
        buf_free(b);
        buf_free(c);
        g_free(want);
    }
}

static double
clip(double v)
{
    return (double)(float)fmin(fmax(v, 0), 1);
}

/* Two floats of about 1 that were rounded from nearly the same double. */
static void
assert_near(float got, double want)
{
    g_assert_cmpfloat(fabs((double)got - want), <=, 1e-7 * fmax(fabs(want), 1));
}

/* One by one in double. */
static void
test_steps(gconstpointer table)
{
    const LimStepKernels *k = ((const LimKernels *)table)->steps;
    static const size_t sizes_of[] = {1, 3, 15, 16, 17, 64, 1000, 1024};

    for (guint s = 0; s < G_N_ELEMENTS(sizes_of); s++) {
        const size_t n = sizes_of[s];
        Buf o = buf_random(n), x = buf_random(n), v = buf_random(n), out = buf_new(n);
        double dot = 0, difference = 0, square = 0, left = 0, far = 0;
        for (size_t i = 0; i < n; i++) {
            o.data[i] = (float)clip((double)o.data[i]);
            x.data[i] = (float)clip((double)x.data[i]);
            const double d = (double)o.data[i] - (double)x.data[i], e = (double)v.data[i];
            dot += (double)o.data[i] * e;
            difference += e * d;
            square += d * d;
        }
        const double scale = (double)n;
        g_assert_cmpfloat(fabs(k->dot(o.data, v.data, n) - dot), <, 1e-12 * scale);
        g_assert_cmpfloat(fabs(k->dot_difference(v.data, o.data, x.data, n) - difference), <,
                          1e-12 * scale);
        g_assert_cmpfloat(fabs(k->square_distance(o.data, x.data, n) - square), <, 1e-12 * scale);

        const double around = k->around(o.data, x.data, v.data, 0.7, 0.8, out.data, n);
        for (size_t i = 0; i < n; i++) {
            const double c = (double)o.data[i], d = c - (double)x.data[i];
            assert_near(out.data[i], clip(c + (0.7 * (double)v.data[i] - d) * 0.8));
            far += (c - (double)out.data[i]) * (c - (double)out.data[i]);
        }
        g_assert_cmpfloat(fabs(around - far), <, 1e-12 * scale);

        k->towards(o.data, v.data, 0.3, out.data, n);
        for (size_t i = 0; i < n; i++)
            assert_near(out.data[i], clip((double)o.data[i] * 0.7 + (double)v.data[i] * 0.3));

        memcpy(out.data, v.data, n * sizeof(float));
        const double after = k->subtract_difference(out.data, 0.4, o.data, x.data, n);
        for (size_t i = 0; i < n; i++) {
            assert_near(out.data[i],
                        (double)v.data[i] - 0.4 * ((double)o.data[i] - (double)x.data[i]));
            left += (double)out.data[i] * (double)out.data[i];
        }
        g_assert_cmpfloat(fabs(after - left), <, 1e-12 * scale);

        memcpy(out.data, v.data, n * sizeof(float));
        k->mix(out.data, 0.25f, x.data, -2, n);
        for (size_t i = 0; i < n; i++)
            assert_near(out.data[i], 0.25 * (double)v.data[i] - 2 * (double)x.data[i]);
        buf_free(o);
        buf_free(x);
        buf_free(v);
        buf_free(out);
    }
}

static void
test_tables(void)
{
    const LimKernels *const *all = lim_kernels_all();
    const char *wish = g_getenv("LIMEN_ISA");
    guint n = 0;

    while (all[n])
        n++;
    g_assert_cmpuint(n, >=, 1);
    g_assert_cmpstr(all[n - 1]->name, ==, "portable");
    if (!wish)
        g_assert_true(lim_kernels_best() == all[0]);
}

static void
add(const LimKernels *k)
{
    static const struct {
        const char *name;
        GTestDataFunc run;
    } tests[] = {
        {"conv-shapes", test_conv_shapes},
        {"conv-sample", test_conv_sample},
        {"conv-blocks", test_conv_blocks},
        {"conv-symmetry", test_conv_symmetry},
        {"conv-adjoint", test_conv_adjoint},
        {"gemm", test_gemm},
        {"gemm-packed", test_gemm_packed},
        {"gemm-batch", test_gemm_batch},
        {"steps", test_steps},
    };

    for (guint i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strdup_printf("/kernels/%s/%s", k->name, tests[i].name);
        g_test_add_data_func(path, k, tests[i].run);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    rnd = g_rand_new_with_seed(1);
    for (int i = 1; i < (int)G_N_ELEMENTS(pools); i++)
        pools[i] = lim_pool_new(i);
    g_test_add_func("/kernels/tables", test_tables);
    for (const LimKernels *const *k = lim_kernels_all(); *k; k++)
        add(*k);
#ifdef LIM_TEST_WIDE16
    add(&lim_kernels_wide16);
#endif
    int failed = g_test_run();
    for (guint i = 1; i < G_N_ELEMENTS(pools); i++)
        lim_pool_free(pools[i]);
    g_rand_free(rnd);
    return failed;
}
