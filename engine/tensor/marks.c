/* Shapes as gauges: a function that is 1 on the outline and grows in proportion, so that one
 * comparison fills a shape of any size and its rims. Colours are the colour-blind-safe set of Okabe
 * and Ito (2008); a dark and a light rim keep a mark visible on any picture. */
#include "tensor/marks.h"

#include "tensor/glyphs.h"

#include <math.h>

static const uint8_t colour[LIM_MARKS][3] = {
    {230, 158, 0}, {87, 181, 232}, {240, 227, 66}, {0, 184, 135}, {230, 148, 194}};

static double
gauge(int which, double x, double y)
{
    x = fabs(x);
    switch (which) {
    case 0: /* circle */
        return hypot(x, y);
    case 1: /* square */
        return fmax(x, fabs(y)) / 0.88;
    case 3: /* diamond */
        return (x + fabs(y)) / 1.25;
    case 4: /* triangle on its point */
        y = -y;
        break;
    default:
        break;
    }
    return fmax(y, (2.3 * x - 1.35 * y) / 1.755); /* corners (0, -1.3), (+-1.35, 1) */
}

void
lim_mark_draw(LimImageView dst, int which, double x, double y, int size)
{
    LIM_ASSERT(which >= 0 && which < LIM_MARKS && dst.format == LIM_PIXEL_RGB8);
    enum { SUB = 4 };
    const double r = size / 2.0 - 2, rim = fmax(1, size / 14.0);
    const int reach = size + 2;
    for (int py = (int)y - reach; py <= (int)y + reach; py++)
        for (int px = (int)x - reach; px <= (int)x + reach; px++) {
            if (px < 0 || py < 0 || px >= dst.w || py >= dst.h)
                continue;
            uint8_t *pixel = dst.data + (size_t)py * dst.stride + (size_t)px * 3;
            double sum[3] = {0, 0, 0};
            for (int s = 0; s < SUB * SUB; s++) {
                const double d =
                    gauge(which, px + (s % SUB + 0.5) / SUB - x, py + (s / SUB + 0.5) / SUB - y);
                for (int c = 0; c < 3; c++)
                    sum[c] += d <= r             ? colour[which][c]
                              : d <= r + rim     ? 26
                              : d <= r + 2 * rim ? 255
                                                 : pixel[c];
            }
            for (int c = 0; c < 3; c++)
                pixel[c] = (uint8_t)lrint(sum[c] / (SUB * SUB));
        }
    if (size < 13)
        return;
    const char letter[] = {(char)('A' + which), '\0'};
    const uint8_t black[] = {0, 0, 0, 255};
    const int scale = size >= 26 ? size / 13 : 1;
    const double down = which == 2 ? 0.25 * r : which == 4 ? -0.25 * r : 0;
    lim_glyphs_draw(dst, (int)lrint(x - 2.5 * scale), (int)lrint(y + down - 3.5 * scale), letter,
                    size, scale, black);
}
