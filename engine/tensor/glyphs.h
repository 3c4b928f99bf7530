/* Words in pictures that are written to files. */
#pragma once

#include "tensor/image.h"

#define LIM_GLYPH_W 6 /* dots from one character to the next */
#define LIM_GLYPH_H 9 /* two of them below the line */

/* Pixels that a text takes, each dot a square of scale x scale. ASCII; every other character, of
 * however many bytes of UTF-8, becomes one '?'. */
int lim_glyphs_width(const char *text, int scale);
/* Draws with the upper left corner at x, y; what lies outside dst is not drawn, nor are characters
 * that would end beyond x + max_width. */
void lim_glyphs_draw(LimImageView dst, int x, int y, const char *text, int max_width, int scale,
                     const uint8_t rgba[4]);
