/* Pictures as bytes and as floats. */
#pragma once

#include "tensor/tensor.h"

/* What floats stand for: UNIT v = byte / 255 in [0,1]; SIGNED v = byte / 127.5 - 1 in [-1,1].
 * Back: clamped to the range, rounded to nearest (ties to even), NaN becomes 0. Every one of the
 * 256 bytes survives the way there and back in both ranges. */
typedef enum LimRange { LIM_RANGE_UNIT, LIM_RANGE_SIGNED } LimRange;

void lim_f32_from_u8(const uint8_t *src, size_t n, LimRange range, float *dst);
void lim_u8_from_f32(const float *src, size_t n, LimRange range, uint8_t *dst);
