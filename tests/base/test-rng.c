/* Random numbers: published answers, positions, distributions. */
#include "base/rng.h"

#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The known answers for philox4x32-10 that come with Random123 (kat_vectors). */
static void
test_known_answers(void)
{
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } kat[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(kat); i++) {
        const uint32_t *c = kat[i].counter, *k = kat[i].key;
        uint32_t out[4];
        lim_rng_block((uint64_t)k[1] << 32 | k[0], (uint64_t)c[3] << 32 | c[2],
                      (uint64_t)c[1] << 32 | c[0], out);
        for (int j = 0; j < 4; j++)
            g_assert_cmphex(out[j], ==, kat[i].out[j]);
    }
}

typedef void (*Fill)(uint64_t seed, uint64_t stream, uint64_t first, float *out, size_t n);

static void
check_positions(Fill fill)
{
    enum { N = 2000 };
    static float whole[N], part[N];
    static const uint64_t starts[] = {0, 1, 2, 3, 254, 255, 256, 257, (UINT64_C(1) << 33) + 5};
    for (size_t s = 0; s < G_N_ELEMENTS(starts); s++) {
        fill(42, 7, starts[s], whole, N);
        for (size_t step = 1; step < 600; step = step * 2 + 1) {
            memset(part, 0, sizeof part);
            for (size_t i = 0; i < N; i += step)
                fill(42, 7, starts[s] + i, part + i, step < N - i ? step : N - i);
            g_assert_cmpmem(part, sizeof part, whole, sizeof whole);
        }
        float other[8];
        fill(43, 7, starts[s], other, 8);
        g_assert_cmpint(memcmp(other, whole, sizeof other), !=, 0);
        fill(42, 8, starts[s], other, 8);
        g_assert_cmpint(memcmp(other, whole, sizeof other), !=, 0);
    }
}

static void
test_positions(void)
{
    check_positions(lim_rng_uniform);
    check_positions(lim_rng_normal);
}

/* Moments and a chi-square over 64 cells of equal probability; 103 is the 99.9 % point for 63
 * degrees of freedom, and the values are always the same. */
static void
check_cells(const double *u, size_t n)
{
    double cell[64] = {0}, chi = 0, expect = (double)n / 64;
    for (size_t i = 0; i < n; i++) {
        g_assert_true(u[i] >= 0 && u[i] < 1);
        cell[(int)(u[i] * 64)]++;
    }
    for (int k = 0; k < 64; k++)
        chi += (cell[k] - expect) * (cell[k] - expect) / expect;
    g_assert_cmpfloat(chi, <, 103);
    g_assert_cmpfloat(chi, >, 30);
}

enum { SAMPLES = 200000 };
static float values[SAMPLES];
static double cells[SAMPLES];

static void
test_uniform(void)
{
    lim_rng_uniform(1, 2, 3, values, SAMPLES);
    for (size_t i = 0; i < SAMPLES; i++)
        cells[i] = (double)values[i];
    check_cells(cells, SAMPLES);
}

static void
test_normal(void)
{
    lim_rng_normal(1, 2, 3, values, SAMPLES);
    double m[5] = {0};
    int beyond3 = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        double z = (double)values[i];
        g_assert_cmpfloat(fabs(z), <, 6.5);
        for (int k = 1; k <= 4; k++)
            m[k] += pow(z, k) / SAMPLES;
        beyond3 += fabs(z) > 3;
        cells[i] = lim_normal_cdf(z);
    }
    check_cells(cells, SAMPLES);
    g_assert_cmpfloat(fabs(m[1]), <, 0.01);
    g_assert_cmpfloat(fabs(m[2] - 1), <, 0.015);
    g_assert_cmpfloat(fabs(m[3]), <, 0.03);
    g_assert_cmpfloat(fabs(m[4] - 3), <, 0.1);
    g_assert_cmpfloat(fabs(beyond3 - 0.0026998 * SAMPLES), <, 80);

    /* Neighbours are independent: one word per value. */
    double lag = 0;
    for (size_t i = 1; i < SAMPLES; i++)
        lag += (double)values[i] * (double)values[i - 1] / SAMPLES;
    g_assert_cmpfloat(fabs(lag), <, 0.01);
}

/* A uniform value is the top 24 bits of its word, a normal one the quantile of its word. */
static void
test_words(void)
{
    float u[4], z[4];
    for (uint64_t b = 0; b < 500; b++) {
        uint32_t w[4];
        lim_rng_block(5, 6, b, w);
        lim_rng_uniform(5, 6, 4 * b, u, 4);
        lim_rng_normal(5, 6, 4 * b, z, 4);
        for (int k = 0; k < 4; k++) {
            g_assert_cmpfloat((double)u[k], ==, (w[k] >> 8) / 16777216.0);
            double p = (w[k] + 0.5) / 4294967296.0;
            g_assert_cmpfloat((double)z[k], ==, (double)(float)lim_normal_quantile(p));
        }
    }
}

/* Blocks drawn together are those drawn one by one, also where the low word of the counter ends. */
static void
test_blocks(void)
{
    enum { N = 43 };
    static const uint64_t starts[] = {0, 5, UINT64_C(0xfffffff0), UINT64_MAX - 20};
    for (size_t s = 0; s < G_N_ELEMENTS(starts); s++)
        for (size_t n = 0; n <= N; n++) {
            uint32_t together[4 * N + 1], one[4];
            together[4 * n] = 12345;
            lim_rng_blocks(UINT64_C(0x123456789abcdef0), 7, starts[s], n, together);
            g_assert_cmpuint(together[4 * n], ==, 12345);
            for (size_t i = 0; i < n; i++) {
                lim_rng_block(UINT64_C(0x123456789abcdef0), 7, starts[s] + i, one);
                g_assert_cmpmem(together + 4 * i, sizeof one, one, sizeof one);
            }
        }
}

static void
test_integers(void)
{
    enum { N = 60000 };
    int seen[6] = {0};
    for (uint64_t i = 0; i < N; i++) {
        uint32_t k = lim_rng_below(9, 1, i, 6);
        g_assert_cmpuint(k, <, 6);
        seen[k]++;
        g_assert_cmpuint(lim_rng_below(9, 1, i, 1), ==, 0);
    }
    for (int k = 0; k < 6; k++)
        g_assert_cmpint(abs(seen[k] - N / 6), <, 400); /* 4.4 standard deviations */
    /* below(2^31) is the top 31 bits of the 64. */
    for (uint64_t i = 0; i < 100; i++)
        g_assert_cmpuint(lim_rng_below(9, 1, i, 1u << 31), ==, lim_rng_u64(9, 1, i) >> 33);
}

static void
test_permutation(void)
{
    static uint32_t p[1000];
    static gboolean seen[1000];
    for (uint32_t n = 0; n <= 1000; n += n < 10 ? 1 : 330) {
        memset(seen, 0, sizeof seen);
        lim_rng_permutation(3, LIM_STREAM_SHUFFLE, p, n);
        for (uint32_t i = 0; i < n; i++) {
            g_assert_cmpuint(p[i], <, n);
            g_assert_false(seen[p[i]]);
            seen[p[i]] = TRUE;
        }
    }
    /* All 24 orders of four things are about equally likely. */
    int orders[256] = {0}, found = 0;
    for (uint64_t seed = 0; seed < 24000; seed++) {
        lim_rng_permutation(seed, 1, p, 4);
        orders[p[0] | p[1] << 2 | p[2] << 4 | p[3] << 6]++;
    }
    for (int k = 0; k < 256; k++)
        if (orders[k]) {
            found++;
            g_assert_cmpint(abs(orders[k] - 1000), <, 150); /* 4.8 standard deviations */
        }
    g_assert_cmpint(found, ==, 24);
}

static void
test_streams(void)
{
    uint64_t a = lim_rng_stream(LIM_STREAM_INIT, "conv1.weight", 0);
    g_assert_cmphex(a, ==, lim_rng_stream(LIM_STREAM_INIT, "conv1.weight", 0));
    g_assert_cmphex(a, !=, lim_rng_stream(LIM_STREAM_INIT, "conv1.weight", 1));
    g_assert_cmphex(a, !=, lim_rng_stream(LIM_STREAM_INIT, "conv2.weight", 0));
    g_assert_cmphex(a, !=, lim_rng_stream(LIM_STREAM_LATENT, "conv1.weight", 0));
    g_assert_cmphex(lim_rng_stream(1, NULL, 2), ==, lim_rng_stream(1, "", 2));
    g_assert_cmphex(lim_rng_stream(1, "", 2), !=, lim_rng_stream(2, "", 1));
}

/* Values from an arbitrary-precision computation (mpmath, 60 digits). */
static void
test_normal_distribution(void)
{
    static const struct {
        double x, cdf;
    } known[] = {
        {-37.5, 4.605353009581955e-308},  {-30.0, 4.906713927148187e-198},
        {-20.0, 2.7536241186062337e-89},  {-10.0, 7.619853024160525e-24},
        {-8.25, 7.919726314642477e-17},   {-6.5, 4.016000583859118e-11},
        {-5.5, 1.8989562465887718e-08},   {-5.0, 2.866515718791939e-07},
        {-4.0, 3.1671241833119924e-05},   {-3.0, 0.0013498980316300946},
        {-2.25, 0.012224472655044703},    {-1.5, 0.06680720126885807},
        {-1.4375, 0.0752879864124234},    {-1.0, 0.15865525393145705},
        {-0.5, 0.3085375387259869},       {-0.125, 0.4502617751698871},
        {-0.0078125, 0.4968832951391574}, {0.0078125, 0.5031167048608426},
        {0.125, 0.5497382248301129},      {0.5, 0.6914624612740131},
        {0.875, 0.8092130471474894},      {1.0, 0.8413447460685429},
        {2.0, 0.9772498680518208},        {3.0, 0.9986501019683699},
        {5.0, 0.9999997133484281},        {8.0, 0.9999999999999993},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        double cdf = lim_normal_cdf(known[i].x);
        g_assert_cmpfloat(fabs(cdf - known[i].cdf), <=, 1e-12 * known[i].cdf);
        if (known[i].x < 1) { /* above, 1 - cdf has lost the digits of x */
            double x = lim_normal_quantile(known[i].cdf);
            g_assert_cmpfloat(fabs(x - known[i].x), <=, 1e-14 * fabs(known[i].x));
        }
    }
    g_assert_cmpfloat(lim_normal_cdf(0), ==, 0.5);
    g_assert_cmpfloat(lim_normal_quantile(0.5), ==, 0);
    g_assert_cmpfloat(lim_normal_cdf(-HUGE_VAL), ==, 0);
    g_assert_cmpfloat(lim_normal_cdf(HUGE_VAL), ==, 1);
    /* Odd, and increasing, over the seams of the approximation too. */
    double last = -HUGE_VAL;
    for (int i = 1; i < 4096; i++) {
        double p = i / 4096.0, z = lim_normal_quantile(p);
        g_assert_cmpfloat(z, ==, -lim_normal_quantile(1 - p));
        g_assert_cmpfloat(z, >, last);
        last = z;
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rng/known-answers", test_known_answers);
    g_test_add_func("/rng/positions", test_positions);
    g_test_add_func("/rng/uniform", test_uniform);
    g_test_add_func("/rng/normal", test_normal);
    g_test_add_func("/rng/words", test_words);
    g_test_add_func("/rng/blocks", test_blocks);
    g_test_add_func("/rng/integers", test_integers);
    g_test_add_func("/rng/permutation", test_permutation);
    g_test_add_func("/rng/streams", test_streams);
    g_test_add_func("/rng/normal-distribution", test_normal_distribution);
    return g_test_run();
}
