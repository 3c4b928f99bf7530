/* binary16 <-> binary32 by integer operations.
 *
 * Both formats are sign, biased exponent, fraction, so a normal number moves by shifting the
 * fraction 13 places and changing the bias from 15 to 127 (a difference of 112). Subnormal halves
 * are whole multiples of 2^-24, which float arithmetic represents exactly: there the floating-point
 * unit does the rounding. */
#include "tensor/half.h"

#include <math.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "files are little-endian, and so is this");

static float
float_of(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static uint32_t
bits_of(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

float
lim_half_to_f32(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t rest = half & 0x7fff;
    if (rest >= 0x7c00) /* infinity, NaN */
        return float_of(sign | 0x7f800000 | (rest & 0x3ff) << 13);
    if (rest >= 0x0400) /* normal */
        return float_of(sign | ((rest << 13) + (112u << 23)));
    return copysignf((float)rest * 0x1p-24f, float_of(sign));
}

uint16_t
lim_half_from_f32(float value)
{
    uint32_t bits = bits_of(value);
    uint32_t sign = bits >> 16 & 0x8000;
    uint32_t rest = bits & 0x7fffffff;
    uint32_t half;
    if (rest > 0x7f800000) { /* NaN: keep the top of the payload, make it quiet */
        half = 0x7e00 | (rest >> 13 & 0x3ff);
    } else if (rest >= 0x477ff000) { /* 65520, half way between 65504 and the next, and above */
        half = 0x7c00;
    } else if (rest >= 0x38800000) { /* 2^-14: normal halves */
        /* Adding just below half of the last place, plus one when the kept part is odd, carries
         * exactly when nearest-even rounds up; the carry may run into the exponent, which is right.
         */
        rest += 0xfff + (rest >> 13 & 1);
        half = (rest - (112u << 23)) >> 13;
    } else {
        /* The last place of floats in [0.5, 1) is 2^-24, so this addition rounds to it. */
        half = bits_of(float_of(rest) + 0.5f) - bits_of(0.5f);
    }
    return (uint16_t)(sign | half);
}

void
lim_half_widen(const void *src, float *dst, size_t n)
{
    const unsigned char *p = src;
    for (size_t i = 0; i < n; i++) {
        uint16_t half;
        memcpy(&half, p + 2 * i, 2);
        dst[i] = lim_half_to_f32(half);
    }
}

void
lim_half_narrow(const float *src, uint16_t *dst, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = lim_half_from_f32(src[i]);
}
