/* Strips: the steps of an interpolation (models/request.h) as a picture file, one row per pair of
 * samples. What the window exports and `limen-cli interpolate` writes. */
#pragma once

#include "models/generator.h"

/* Writes the pictures of lim_interpolation_task_new() with the classes of the ends beside each row,
 * each of their pixels a square of `scale`, and the settings inside: a text chunk "limen" as in
 * samplefile.h, whose "settings" are those of the first sample, with the members "to" (settings of
 * the last sample) and "interpolation" (lim_interpolation_schema). Atomic. */
LimStatus lim_strip_write(const char *path, const LimTensor *image, const LimGenerator *g,
                          const char *model_path, const LimInterpolation *p, int scale,
                          LimError *err);
/* Reads the settings back. LIM_E_FORMAT when the picture carries none of a strip. */
LimStatus lim_strip_read(const char *path, LimInterpolation *p, char model[LIM_TEXT_MAX],
                         LimError *err);
