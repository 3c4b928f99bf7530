/* Attention of samples as a picture file: per sample a row with the picture, marked, and one tile
 * per place with the map of that place over the picture. What the window exports and `limen-cli
 * attention` writes. */
#pragma once

#include "models/attention-map.h"
#include "tensor/marks.h"

typedef struct LimPoint {
    int x, y; /* picture pixels, from the upper left */
} LimPoint;

typedef struct LimAttentionSheet {
    LimSampleRequest request; /* its samples are the rows */
    char at[LIM_TEXT_MAX];    /* up to LIM_MARKS places "x,y,x,y,..."; "": chosen */
    int sense;                /* LimSense, or LIM_SENSE_BOTH: two rows per sample */
    double opacity;           /* of the maps over the pictures, 0 .. 1 */
} LimAttentionSheet;
enum { LIM_SENSE_BOTH = LIM_SENSE_COLUMN + 1 };

/* Over LimAttentionSheet: all but the request, and of that the number of samples. */
extern const LimParamSpec lim_attention_schema[];

/* Samples with their maps: then image and maps of the task are what lim_attention_write() takes.
 * NULL and err (LIM_E_PARAM) for settings out of range, and a generator without attention. */
LimTask *lim_attention_task_new(LimGenerator *g, const LimAttentionSheet *s, LimError *err);

/* The places that `at` names, in pictures of size x size pixels; how many (1 .. LIM_MARKS), or 0
 * and err (LIM_E_PARAM). */
int lim_attention_points(const char *at, int size, LimPoint points[LIM_MARKS], LimError *err);
/* Chooses LIM_MARKS places whose maps differ most over n samples (each next one is the place whose
 * nearest chosen one is farthest; the border is left out). maps as in attention-map.h. */
void lim_attention_choose(const LimAttentionInfo *a, int size, const float *maps, int n,
                          LimPoint points[LIM_MARKS]);
/* "x,y,x,y" */
void lim_attention_text(const LimPoint *points, int n, char at[LIM_TEXT_MAX]);

/* Writes the sheet, each of the pictures' pixels a square of `scale`, with the settings inside: a
 * text chunk "limen" as in samplefile.h, with the member "attention" (lim_attention_schema), and a
 * sentence "Description" with gamma. Places that were chosen are written into s->at, so that
 * settings and file say all. Atomic. */
LimStatus lim_attention_write(const char *path, const LimTask *task, const LimGenerator *g,
                              const char *model_path, LimAttentionSheet *s, int scale,
                              LimError *err);
/* Reads the settings back. LIM_E_FORMAT when the picture carries none of an attention sheet. */
LimStatus lim_attention_read(const char *path, LimAttentionSheet *s, char model[LIM_TEXT_MAX],
                             LimError *err);
