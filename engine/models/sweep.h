/* X/Y sheets: the same sample under every combination of two settings, such as seeds down and
 * truncation thresholds across. What the Generate view shows as "Sheet" and `limen-cli sweep`
 * writes.
 *
 * Values are written as texts, because they are typed: "0.04, 0.5, 1", "1..6" (whole steps),
 * "0..2:0.5" (steps of that size), and for settings with named choices their names. */
#pragma once

#include "models/generator.h"

#define LIM_SWEEP_SIDE 64 /* most values of one axis; rows x columns is at most LIM_SAMPLES_MAX */

typedef struct LimSweep {
    LimSampleRequest request; /* everything but the two settings; its count has no meaning */
    int rows, columns;        /* index into lim_sweep_axis(), not the same */
    char row_values[LIM_TEXT_MAX], column_values[LIM_TEXT_MAX]; /* "": lim_sweep_values() */
} LimSweep;

extern const LimParamSpec lim_sweep_schema[]; /* over LimSweep: all but the request */

/* The settings that can be an axis: all of lim_sample_schema but the number of samples; NULL from
 * the end of the list on. */
const LimParamSpec *lim_sweep_axis(int i);
int lim_sweep_find(const char *name); /* the index of that setting; -1: cannot be an axis */

/* What an axis shows when no values are given: the next seeds, the usual thresholds, all classes,
 * ... as a text that can be typed. */
void lim_sweep_values(const LimGenerator *g, const LimSampleRequest *r, int axis,
                      char text[LIM_TEXT_MAX]);

/* A sweep in full. Picture [row][column] is samples[row * columns + column].
 *
 * With all classes in turn (label -1) and seeds on an axis, the k-th seed shows its sample k, so
 * that the classes appear in turn; otherwise every picture is sample 0 of its request. */
typedef struct LimSweepSheet {
    int rows, columns;
    LimSample *samples;
    const LimParamSpec *axis[2];    /* of rows, of columns */
    char (*row_text)[LIM_TEXT_MAX]; /* what stands beside each row: "3", "Sneaker", "0.5" */
    char (*column_text)[LIM_TEXT_MAX];
} LimSweepSheet;

/* NULL and err (LIM_E_PARAM) for values that cannot be read or are out of range, for too many, and
 * for a setting that changes nothing under the others (a blend without a second class). */
LimSweepSheet *lim_sweep_expand(const LimGenerator *g, const LimSweep *s, LimError *err);
void lim_sweep_sheet_free(LimSweepSheet *sheet); /* NULL is fine */

/* Writes the pictures image [rows * columns][c][h][w] with the names of rows and columns around
 * them, each of their pixels a square of `scale`, and the settings inside: a text chunk "limen" as
 * in samplefile.h, whose object has a further member "sweep" with the values of lim_sweep_schema.
 * Atomic. */
LimStatus lim_sweep_write(const char *path, const LimTensor *image, const LimSweepSheet *sheet,
                          const char *model_path, const LimSweep *s, int scale, LimError *err);
/* Reads the settings back. LIM_E_FORMAT when the picture carries none of a sheet. */
LimStatus lim_sweep_read(const char *path, LimSweep *s, char model[LIM_TEXT_MAX], LimError *err);
