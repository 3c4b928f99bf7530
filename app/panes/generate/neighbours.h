/* A strip below the samples: the first samples of the seed before and of the seed after. Computed
 * when the view has come to rest. */
#pragma once

#include "models/generator.h"
#include "panes/generate/part.h"

#define LIM_TYPE_GENERATE_NEIGHBOURS (lim_generate_neighbours_get_type())
G_DECLARE_FINAL_TYPE(LimGenerateNeighbours, lim_generate_neighbours, LIM, GENERATE_NEIGHBOURS,
                     LimGeneratePart)

/* Other samples are shown: their neighbours follow after a while. */
void lim_generate_neighbours_soon(LimGenerateNeighbours *self);
