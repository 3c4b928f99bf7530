/* A curve through OKLab, walked at constant speed.
 *
 * Lightness rises evenly while the hue turns from blue over red to yellow and the colour is fullest
 * in the middle. The curve stays within sRGB, so nothing is clipped, which would bend it. Its
 * parameter is not its length; hence a fine polyline first, and then equal pieces of that. */
#include "tensor/colormap.h"

#include <math.h>
#include <string.h>

#define FINE 4096

/* L, a, b at s in [0,1] */
static void
curve(double s, double lab[3])
{
    const double pi = 3.14159265358979323846;
    const double hue = (270 + 200 * s) * pi / 180, chroma = 0.19 * sin(pi * (0.08 + 0.86 * s));

    lab[0] = 0.16 + 0.81 * s;
    lab[1] = chroma * cos(hue);
    lab[2] = chroma * sin(hue);
}

static uint8_t
byte(double linear)
{
    double v = linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055;

    return (uint8_t)lrint(255 * fmin(fmax(v, 0), 1));
}

static void
rgb(const double lab[3], uint8_t out[3])
{
    double l = pow(lab[0] + 0.3963377774 * lab[1] + 0.2158037573 * lab[2], 3);
    double m = pow(lab[0] - 0.1055613458 * lab[1] - 0.0638541728 * lab[2], 3);
    double s = pow(lab[0] - 0.0894841775 * lab[1] - 1.2914855480 * lab[2], 3);

    out[0] = byte(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s);
    out[1] = byte(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s);
    out[2] = byte(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s);
}

void
lim_colormap_amount(uint8_t table[256][3])
{
    static const int last = 255;
    double total = 0, before[3], now[3];

    for (int pass = 0; pass < 2; pass++) { /* its length, then the pieces */
        double length = 0;
        int k = 1;
        curve(0, before);
        if (pass)
            rgb(before, table[0]);
        for (int i = 1; i <= FINE; i++) {
            curve((double)i / FINE, now);
            length += sqrt(pow(now[0] - before[0], 2) + pow(now[1] - before[1], 2) +
                           pow(now[2] - before[2], 2));
            while (pass && k < last && length >= total * k / last)
                rgb(now, table[k++]);
            memcpy(before, now, sizeof now);
        }
        total = length;
    }
    rgb(now, table[last]);
}
