/* IEEE 754 binary16 ("half", F16) <-> binary32.
 *
 * Widening is exact. Narrowing rounds to nearest, ties to even; magnitudes from 65520 up become
 * infinity, those up to 2^-25 become zero with the sign kept; a NaN stays a (quiet) NaN. Written
 * with integer operations because the baseline x86-64 has no instruction for it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define LIM_HALF_MAX 65504.0f

float lim_half_to_f32(uint16_t half);
uint16_t lim_half_from_f32(float value);
/* src may be unaligned bytes of a file (little-endian). */
void lim_half_widen(const void *src, float *dst, size_t n);
void lim_half_narrow(const float *src, uint16_t *dst, size_t n);
