/* A table of pictures with words around them: sweeps, strips, attention. Words are black on white;
 * the tiles are left white for the caller to draw into. */
#pragma once

#include "tensor/image.h"

typedef struct LimTable {
    int rows, columns;                /* at least 1 */
    int tile_w, tile_h;               /* pixels */
    int gap;                          /* pixels between tiles */
    int letter;                       /* pixels per dot of the letters (tensor/glyphs.h) */
    const char *row_title;            /* above the row labels, or NULL */
    const char *column_title;         /* above the column labels, or NULL */
    const char *const *row_labels;    /* [rows], left of the tiles, or NULL */
    const char *const *column_labels; /* [columns], above the tiles, or NULL */
    const char *const *captions; /* [rows][columns], below each tile, in small letters; or NULL */
    const char *const *notes;    /* [n_notes], below everything, in small letters */
    int n_notes;
} LimTable;

/* The picture with its words, LIM_PIXEL_GREY8 or LIM_PIXEL_RGB8; the caller ends it with
 * free(view.data). data is NULL on error (larger than LIM_IMAGE_MAX_SIDE, or memory). */
LimImageView lim_table_new(const LimTable *t, LimPixel format, LimError *err);
/* The tile in that row and column: part of the picture that lim_table_new() made. */
LimImageView lim_table_tile(const LimTable *t, LimImageView picture, int row, int column);
/* Draws the batch [rows * columns][c][h][w] into all tiles, a value as scale x scale pixels. */
void lim_table_fill(const LimTable *t, LimImageView picture, const float *batch, int c, int h,
                    int w, int scale);
