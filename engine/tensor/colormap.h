/* The colours of amounts (attention, density): one table for windows and files, so that a colour
 * means the same everywhere. */
#pragma once

#include <stdint.h>

/* Colours of the amounts k / 255 as RGB bytes (sRGB), from near black over purple, red and orange
 * to light yellow: brighter is more. Neighbours are equally far apart to the eye (equal steps in
 * OKLab, Ottosson 2020), and the lightness alone tells the order, so the map can be read in grey
 * and by the colour-blind. */
void lim_colormap_amount(uint8_t table[256][3]);
