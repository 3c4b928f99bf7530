/* What tests know about the stand-in generator of double.c. */
#pragma once

#include "models/generator.h"

#include <stdint.h>

#define DOUBLE_BAD_SEED 666 /* requests with this seed fail */
#define DOUBLE_QUERY    8   /* sides of the grids of attention */
#define DOUBLE_KEY      4

uint8_t double_byte(const LimSampleRequest *r, int classes, int i, int c, int y, int x);
/* Value i of the latent of sample `sample`. */
float double_latent(const LimSampleRequest *r, int sample, int i);
float double_attention(const LimSampleRequest *r, int i, int query, int key);
/* Picture (row, step) of an interpolation. */
uint8_t double_way_byte(const LimInterpolation *p, int classes, int row, int step, int c, int y,
                        int x);
