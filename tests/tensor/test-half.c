/* float16 over all 65,536 values, and at every boundary between two of them. */
#include "tensor/half.h"

#include <glib.h>
#include <math.h>
#include <string.h>

/* An independent reading of the format: sign * fraction * 2^exponent in double. */
static double
value_of(unsigned half)
{
    int sign = half & 0x8000 ? -1 : 1, exponent = half >> 10 & 31;
    double fraction = half & 0x3ff;
    if (exponent == 31)
        return fraction != 0 ? (double)NAN : sign * (double)INFINITY;
    return exponent ? sign * ldexp(1024 + fraction, exponent - 25) : sign * ldexp(fraction, -24);
}

static void
test_every_half(void)
{
    for (unsigned h = 0; h < 65536; h++) {
        double want = value_of(h);
        float got = lim_half_to_f32((uint16_t)h);
        if (isnan(want)) {
            g_assert_true(isnan(got));
            unsigned back = lim_half_from_f32(got);
            g_assert_cmphex(back, ==, h | 0x200); /* the payload stays, quiet */
        } else {
            g_assert_cmpfloat((double)got, ==, want);
            g_assert_cmpint(!!signbit(got), ==, h >> 15);
            g_assert_cmphex(lim_half_from_f32(got), ==, h);
        }
    }
}

/* Between each pair of neighbours: the middle goes to the even one, one float below it down, one
 * float above it up. Above the largest half lies 65536, which stands for infinity here. */
static void
test_every_boundary(void)
{
    for (unsigned h = 0; h < 0x7c00; h++) {
        double low = value_of(h), high = h == 0x7bff ? 65536 : value_of(h + 1);
        float middle = (float)((low + high) / 2);
        g_assert_cmpfloat((double)middle, ==, (low + high) / 2);
        unsigned even = h & 1 ? h + 1 : h;
        for (unsigned sign = 0; sign < 2; sign++) {
            float s = sign ? -1.0f : 1.0f;
            g_assert_cmphex(lim_half_from_f32(s * middle), ==, sign << 15 | even);
            g_assert_cmphex(lim_half_from_f32(s * nextafterf(middle, 0)), ==, sign << 15 | h);
            g_assert_cmphex(lim_half_from_f32(s * nextafterf(middle, INFINITY)), ==,
                            sign << 15 | (h + 1));
        }
    }
    g_assert_cmphex(lim_half_from_f32(3e38f), ==, 0x7c00);
    g_assert_cmphex(lim_half_from_f32(-INFINITY), ==, 0xfc00);
    g_assert_cmphex(lim_half_from_f32(1e-45f), ==, 0);
    g_assert_cmphex(lim_half_from_f32(-1e-45f), ==, 0x8000);
    g_assert_cmphex(lim_half_from_f32(NAN) & 0x7e00, ==, 0x7e00);
}

static void
test_arrays(void)
{
    float in[5] = {0, -1.5f, 0.1f, 65504, 1e-7f}, out[5];
    uint16_t half[5];
    unsigned char bytes[11];
    lim_half_narrow(in, half, 5);
    memcpy(bytes + 1, half, 10); /* unaligned, as in a file */
    lim_half_widen(bytes + 1, out, 5);
    for (int i = 0; i < 5; i++) {
        g_assert_cmphex(half[i], ==, lim_half_from_f32(in[i]));
        g_assert_cmpfloat(out[i], ==, lim_half_to_f32(half[i]));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/half/every-value", test_every_half);
    g_test_add_func("/half/every-boundary", test_every_boundary);
    g_test_add_func("/half/arrays", test_arrays);
    return g_test_run();
}
