/* The mode "Interpolation": the steps from one sample to another, between samples of the grid or
 * kept ones (models/request.h, models/strip.h). */
#pragma once

#include "models/generator.h"
#include "panes/generate/part.h"

#define LIM_TYPE_GENERATE_INTERPOLATION (lim_generate_interpolation_get_type())
G_DECLARE_FINAL_TYPE(LimGenerateInterpolation, lim_generate_interpolation, LIM,
                     GENERATE_INTERPOLATION, LimGeneratePart)

/* Takes the way of an opened picture, its ends included; the caller settles, and has put the
 * settings of the first sample into the form. */
void lim_generate_interpolation_set_way(LimGenerateInterpolation *self,
                                        const LimInterpolation *way);
