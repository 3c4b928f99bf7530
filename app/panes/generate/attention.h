/* The side part "Attention": pins and their maps, and the map of the place under the pointer, which
 * it lays over the pictures of the grid. */
#pragma once

#include "panes/generate/part.h"

#define LIM_TYPE_GENERATE_ATTENTION (lim_generate_attention_get_type())
G_DECLARE_FINAL_TYPE(LimGenerateAttention, lim_generate_attention, LIM, GENERATE_ATTENTION,
                     LimGeneratePart)
