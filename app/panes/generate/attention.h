/* The side part "Attention": pins and their maps, and the map of the place under the pointer, which
 * it lays over the pictures of the grid. */
#pragma once

#include "models/attention-sheet.h"
#include "panes/generate/part.h"
#include "widgets/lim-pin.h"

#define LIM_TYPE_GENERATE_ATTENTION (lim_generate_attention_get_type())
G_DECLARE_FINAL_TYPE(LimGenerateAttention, lim_generate_attention, LIM, GENERATE_ATTENTION,
                     LimGeneratePart)

/* The places that are pinned, without the pictures they are pinned on; how many. */
int lim_generate_attention_get_places(LimGenerateAttention *self, LimPoint places[LIM_PIN_MAX]);
/* Pins these instead, all on the first picture; the caller settles. */
void lim_generate_attention_set_places(LimGenerateAttention *self, const LimPoint *places, int n);
