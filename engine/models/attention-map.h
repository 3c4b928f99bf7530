/* One map out of the attention of a batch of samples (Zhang et al., ICML 2019, section 4 and figure
 * 5), as numbers and as colours. */
#pragma once

#include "models/generator.h"

typedef enum LimSense {
    LIM_SENSE_ROW,   /* where a place looks: one query, all keys */
    LIM_SENSE_COLUMN /* who looks at a place: one key, all queries */
} LimSense;

typedef struct LimAttentionMap {
    int side;     /* of the square map */
    float *value; /* [side][side]; free() */
    double most;  /* the largest of them */
    int most_x, most_y;
    double total; /* their sum: 1 for a row */
} LimAttentionMap;

/* The sides of the square grid that a place of this sense lies on. */
int lim_attention_cells(const LimAttentionInfo *a, LimSense sense);
/* maps: [picture][query y][query x][key y][key x]; cell_x, cell_y on the grid of the sense. */
void lim_attention_map_init(LimAttentionMap *m, const LimAttentionInfo *a, const float *maps,
                            int picture, int cell_x, int cell_y, LimSense sense);
void lim_attention_map_clear(LimAttentionMap *m);
/* Colours from 0 (table[0]) to the largest value (table[255]) -> rgb [side][side][3]. */
void lim_attention_map_paint(const LimAttentionMap *m, const uint8_t table[256][3], uint8_t *rgb);
/* rgb [h][w][3]: a picture [h][w][channels] with the colours of the map over it, opacity 0 .. 1. */
void lim_attention_map_cover(const LimAttentionMap *m, const uint8_t table[256][3],
                             const uint8_t *picture, int w, int h, int channels, double opacity,
                             uint8_t *rgb);
