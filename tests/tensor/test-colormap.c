/* What the colour map promises, measured in CIELAB: another colour space than the one it was made
 * in. */
#include "tensor/colormap.h"

#include <glib.h>
#include <math.h>

static double
linear(uint8_t byte)
{
    double v = byte / 255.0;
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static double
f(double t)
{
    return t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116;
}

static void
lab(const uint8_t c[3], double out[3])
{
    double r = linear(c[0]), g = linear(c[1]), b = linear(c[2]);
    double x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
    double y = f(0.2126729 * r + 0.7151522 * g + 0.0721750 * b);
    double z = f((0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883);

    out[0] = 116 * y - 16;
    out[1] = 500 * (x - y);
    out[2] = 200 * (y - z);
}

static void
test_amount(void)
{
    uint8_t table[256][3];
    double at[256][3];

    lim_colormap_amount(table);
    for (int k = 0; k < 256; k++)
        lab(table[k], at[k]);
    g_assert_cmpfloat(at[0][0], <, 5);
    g_assert_cmpfloat(at[255][0], >, 92);
    /* Brighter is more: over any 4 steps for certain, never back by more than bytes round. */
    for (int k = 1; k < 256; k++)
        g_assert_cmpfloat(at[k][0], >, at[k - 1][0] - 0.25);
    for (int k = 4; k < 256; k++)
        g_assert_cmpfloat(at[k][0], >, at[k - 4][0]);
    /* Nobody's eye finds an edge or a flat: 16 steps are nowhere twice as far as elsewhere, but for
     * the darkest, where CIELAB itself is uneven. */
    double nearest = INFINITY, farthest = 0;
    for (int k = 32; k + 16 < 256; k++) {
        double d = 0;
        for (int j = 0; j < 3; j++)
            d += pow(at[k + 16][j] - at[k][j], 2);
        nearest = fmin(nearest, sqrt(d));
        farthest = fmax(farthest, sqrt(d));
    }
    g_test_message("16 steps: %.1f to %.1f", nearest, farthest);
    g_assert_cmpfloat(nearest, >, 5);
    g_assert_cmpfloat(farthest, <, 2 * nearest);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/colormap/amount", test_amount);
    return g_test_run();
}
