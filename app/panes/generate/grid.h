/* The mode "Grid": the samples of one request.
 *
 * Signal "drawn": other samples are shown, or the same with maps. */
#pragma once

#include "model.h"
#include "panes/generate/part.h"
#include "widgets/lim-image-grid.h"

#define LIM_TYPE_GENERATE_GRID (lim_generate_grid_get_type())
G_DECLARE_FINAL_TYPE(LimGenerateGrid, lim_generate_grid, LIM, GENERATE_GRID, LimGeneratePart)

LimImageGrid *lim_generate_grid_get_images(LimGenerateGrid *self); /* borrowed */
/* Of one picture, in pixels. */
void lim_generate_grid_get_size(LimGenerateGrid *self, int *w, int *h);
/* Attention of the samples shown, [n][query y][query x][key y][key x], and what it is; NULL when
 * they were drawn without. Borrowed. */
const LimTensor *lim_generate_grid_get_maps(LimGenerateGrid *self, LimAttentionInfo *a);
/* The side of a probe's cell in picture pixels; 0: no probing. */
int lim_generate_grid_get_cell(LimGenerateGrid *self);
/* Sample i as it was drawn, [h][w][c]; NULL: it is not among those shown. Borrowed. */
const guint8 *lim_generate_grid_get_picture(LimGenerateGrid *self, int i, int *w, int *h, int *c);
/* The request that is shown and the model that drew it (borrowed, NULL: nothing yet). */
LimModel *lim_generate_grid_get_shown(LimGenerateGrid *self, LimSampleRequest *request);
/* Pictures [n] that stand in the place of samples, where these are shown and of the same kind. */
typedef struct LimGenerateOther {
    int index;
    GBytes *pixels; /* [h][w][c] */
    int w, h, c;
} LimGenerateOther;
void lim_generate_grid_set_others(LimGenerateGrid *self, const LimGenerateOther *others, int n);
/* What the status line says in place of the grid's own words; NULL: those. */
void lim_generate_grid_set_note(LimGenerateGrid *self, const char *note);
