/* Pictures as bytes and as floats. */
#include "tensor/image.h"

#include <string.h>

void
lim_f32_from_u8(const uint8_t *src, size_t n, LimRange range, float *dst)
{
    if (range == LIM_RANGE_UNIT)
        for (size_t i = 0; i < n; i++)
            dst[i] = (float)src[i] / 255.0f;
    else
        for (size_t i = 0; i < n; i++)
            dst[i] = (float)src[i] / 127.5f - 1.0f;
}

/* v in byte units. The comparison with a NaN is false, so NaN takes the 0. Adding 1.5 * 2^23 makes
 * the last place of the sum 1, so the addition itself rounds to nearest even, and the low byte of
 * the sum is the answer: no call, no branch, and it vectorises. */
static inline uint8_t
round_byte(float v)
{
    v = v > 0.0f ? v : 0.0f;
    v = v < 255.0f ? v : 255.0f;
    v += 0x1.8p23f;
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return (uint8_t)bits;
}

void
lim_u8_from_f32(const float *src, size_t n, LimRange range, uint8_t *dst)
{
    if (range == LIM_RANGE_UNIT)
        for (size_t i = 0; i < n; i++)
            dst[i] = round_byte(src[i] * 255.0f);
    else
        for (size_t i = 0; i < n; i++)
            dst[i] = round_byte((src[i] + 1.0f) * 127.5f);
}
