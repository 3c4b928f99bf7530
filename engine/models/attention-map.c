/* A row of the attention matrix is a distribution over the keys; a column says how much each query
 * takes from one key. Their grids differ (the keys are pooled), so the map of one sense is coarser
 * than that of the other. */
#include "models/attention-map.h"

#include <math.h>
#include <stdlib.h>

int
lim_attention_cells(const LimAttentionInfo *a, LimSense sense)
{
    return sense == LIM_SENSE_ROW ? a->query : a->key;
}

void
lim_attention_map_init(LimAttentionMap *m, const LimAttentionInfo *a, const float *maps,
                       int picture, int cell_x, int cell_y, LimSense sense)
{
    const size_t queries = (size_t)(a->query * a->query), keys = (size_t)(a->key * a->key);
    const float *map = maps + (size_t)picture * queries * keys; /* [query][key] */
    const size_t cell = (size_t)(cell_y * lim_attention_cells(a, sense) + cell_x);

    m->side = sense == LIM_SENSE_ROW ? a->key : a->query;
    m->value = lim_alloc((size_t)(m->side * m->side), sizeof *m->value);
    m->most = m->total = 0;
    m->most_x = m->most_y = 0;
    for (int i = 0; i < m->side * m->side; i++) {
        float v =
            sense == LIM_SENSE_ROW ? map[cell * keys + (size_t)i] : map[(size_t)i * keys + cell];
        m->value[i] = v;
        m->total += (double)v;
        if ((double)v > m->most) {
            m->most = (double)v;
            m->most_x = i % m->side;
            m->most_y = i / m->side;
        }
    }
}

void
lim_attention_map_clear(LimAttentionMap *m)
{
    free(m->value);
    m->value = NULL;
}

static const uint8_t *
colour(const LimAttentionMap *m, const uint8_t table[256][3], int i)
{
    return table[m->most > 0 ? lrint(255 * (double)m->value[i] / m->most) : 0];
}

void
lim_attention_map_paint(const LimAttentionMap *m, const uint8_t table[256][3], uint8_t *rgb)
{
    for (int i = 0; i < m->side * m->side; i++)
        for (int c = 0; c < 3; c++)
            *rgb++ = colour(m, table, i)[c];
}

void
lim_attention_map_cover(const LimAttentionMap *m, const uint8_t table[256][3],
                        const uint8_t *picture, int w, int h, int channels, double opacity,
                        uint8_t *rgb)
{
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++, picture += channels) {
            const uint8_t *above = colour(m, table, y * m->side / h * m->side + x * m->side / w);
            for (int c = 0; c < 3; c++)
                *rgb++ = (uint8_t)lrint((1 - opacity) * picture[channels == 3 ? c : 0] +
                                        opacity * above[c]);
        }
}
