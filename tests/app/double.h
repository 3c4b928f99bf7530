/* What tests know about the stand-in generator of double.c. */
#pragma once

#include "models/generator.h"

#include <stdint.h>

#define DOUBLE_BAD_SEED 666 /* requests with this seed fail */

uint8_t double_byte(const LimSampleRequest *r, int classes, int i, int c, int y, int x);
