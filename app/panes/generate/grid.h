/* The mode "Grid": the samples of one request. */
#pragma once

#include "panes/generate/part.h"

#define LIM_TYPE_GENERATE_GRID (lim_generate_grid_get_type())
G_DECLARE_FINAL_TYPE(LimGenerateGrid, lim_generate_grid, LIM, GENERATE_GRID, LimGeneratePart)
