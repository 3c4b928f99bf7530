/* The side part "Kept samples": samples that were put aside with the settings they had, to be
 * compared with the present ones and to go back to.
 *
 * Signal "changed": other samples are kept, or others than before can be shown. */
#pragma once

#include "model.h"
#include "panes/generate/part.h"

#define LIM_TYPE_GENERATE_KEPT (lim_generate_kept_get_type())
G_DECLARE_FINAL_TYPE(LimGenerateKept, lim_generate_kept, LIM, GENERATE_KEPT, LimGeneratePart)

#define LIM_KEPT_MAX 6

typedef struct LimKeptSample {
    LimSample sample;
    LimModel *model; /* that drew it */
    char *title;     /* "Coat" */
    GBytes *pixels;  /* [h][w][c] */
    int w, h, c;
} LimKeptSample;

int lim_generate_kept_get_n(LimGenerateKept *self);
/* Borrowed; i from 0, in the order in which they were kept. */
const LimKeptSample *lim_generate_kept_get(LimGenerateKept *self, int i);
/* Puts a sample of the grid aside, as one step of undo. */
void lim_generate_kept_add(LimGenerateKept *self, int picture);
/* Whether the kept samples stand in the grid in place of those with the same number. */
void lim_generate_kept_set_compare(LimGenerateKept *self, gboolean compare);
