/* Marks for places in pictures. Each differs from the others in shape, colour and letter, so that
 * nobody needs to see colours to tell them apart: A orange circle, B blue square, C yellow
 * triangle, D green diamond, E pink triangle on its point. */
#pragma once

#include "tensor/image.h"

#define LIM_MARKS 5

/* Mark `which` (0 .. LIM_MARKS - 1) of about size x size pixels with its middle at x, y in pixels
 * of dst, an LIM_PIXEL_RGB8 view; what lies outside is cut off. The letter needs a size of 13. */
void lim_mark_draw(LimImageView dst, int which, double x, double y, int size);
