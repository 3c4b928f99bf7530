/* Samples as a picture file: what "Export PNG" in the window and `limen-cli sample` both write, so
 * that the same settings give the same bytes.
 *
 * The samples stand on one sheet, as square as possible, each of their pixels a square of
 * LIM_SAMPLE_SCALE. The settings are inside, as a text chunk with the keyword "limen": a JSON
 * object
 *
 *   {"view": "generate", "model": "fashion-gan.safetensors", "settings": {"class": -1, ...}}
 *
 * with the names and values of lim_sample_schema. */
#pragma once

#include "models/generator.h"

#define LIM_SAMPLE_KEY   "limen"
#define LIM_SAMPLE_SCALE 4 /* file pixels per picture pixel */
#define LIM_SAMPLE_GAP   4 /* file pixels between pictures, white */

/* image: float [count][c][h][w] in [-1,1], as lim_sample_task_image() gives it. model_path: only
 * its last part is written. Atomic. */
LimStatus lim_samplefile_write(const char *path, const LimTensor *image, const char *model_path,
                               const LimSampleRequest *request, LimError *err);
/* The same with `scale` file pixels per picture pixel and `columns` samples in a row (0: as square
 * as possible); neither is part of the settings. */
LimStatus lim_samplefile_write_sheet(const char *path, const LimTensor *image,
                                     const char *model_path, const LimSampleRequest *request,
                                     int scale, int columns, LimError *err);

/* Reads the settings back; model (may be NULL) is the file name that was written, cut to
 * LIM_TEXT_MAX. LIM_E_FORMAT for pictures without settings of ours, LIM_E_PARAM for values out of
 * range. */
LimStatus lim_samplefile_read(const char *path, LimSampleRequest *request, char model[LIM_TEXT_MAX],
                              LimError *err);

/* For other arrangements of samples: the text with more members, each an object with the values of
 * a schema; the caller frees it. And back: LIM_E_FORMAT when the picture lacks one of them. */
typedef struct LimSampleMember {
    const char *name;
    const LimParamSpec *schema;
    void *values;
} LimSampleMember;
char *lim_samplefile_text(const char *model_path, const LimSampleRequest *request,
                          const LimSampleMember *members); /* ended by {0} */
LimStatus lim_samplefile_read_with(const char *path, LimSampleRequest *request,
                                   const LimSampleMember *members, char model[LIM_TEXT_MAX],
                                   LimError *err);
