/* Draws masks and boxes over pictures. */
#include "data/scene-sheet.h"

#include "tensor/glyphs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
lim_scene_colour(int label, uint8_t rgb[3])
{
    /* Okabe and Ito (2008), without black */
    static const uint8_t set[8][3] = {{230, 158, 0},   {87, 181, 232}, {0, 158, 115},
                                      {240, 227, 66},  {0, 115, 178},  {214, 94, 0},
                                      {204, 120, 168}, {200, 200, 200}};
    for (int c = 0; c < 3; c++)
        rgb[c] = label <= 0 ? 0 : (uint8_t)(set[(label - 1) % 8][c] / (1 + (label - 1) / 8));
}

static uint8_t *
pixel(LimImageView v, int x, int y)
{
    return v.data + (size_t)y * v.stride + 3 * (size_t)x;
}

static bool
meets_other(const int32_t *mask, int size, int x, int y)
{
    const int32_t own = mask[y * size + x];
    return (x && mask[y * size + x - 1] != own) || (y && mask[(y - 1) * size + x] != own) ||
           (x < size - 1 && mask[y * size + x + 1] != own) ||
           (y < size - 1 && mask[(y + 1) * size + x] != own);
}

static void
tint(LimImageView dst, int size, int scale, const int32_t *mask)
{
    for (int y = 0; y < size * scale; y++)
        for (int x = 0; x < size * scale; x++) {
            const int32_t k = mask[y / scale * size + x / scale];
            if (!k)
                continue;
            uint8_t rgb[3], *p = pixel(dst, x, y);
            lim_scene_colour(k, rgb);
            const int part = meets_other(mask, size, x / scale, y / scale) ? 9 : 6;
            for (int c = 0; c < 3; c++)
                p[c] = (uint8_t)((rgb[c] * part + p[c] * (10 - part)) / 10);
        }
}

static void
frame(LimImageView dst, int x0, int y0, int x1, int y1, int thick, const uint8_t rgb[3])
{
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
            if (x >= 0 && y >= 0 && x < dst.w && y < dst.h &&
                (x < x0 + thick || y < y0 + thick || x >= x1 - thick || y >= y1 - thick))
                memcpy(pixel(dst, x, y), rgb, 3);
}

static void
mark(LimImageView dst, int scale, const LimSceneMark *m, const char *name)
{
    uint8_t rgb[3];
    lim_scene_colour(m->label, rgb);
    const int x0 = (int)(m->box[0] * (float)scale), y0 = (int)(m->box[1] * (float)scale);
    const int x1 = (int)(m->box[2] * (float)scale), y1 = (int)(m->box[3] * (float)scale);
    frame(dst, x0, y0, x1, y1, 2, rgb);
    char text[48];
    if (m->score >= 0)
        snprintf(text, sizeof text, "%s %.0f%%", name, 100 * (double)m->score);
    else
        snprintf(text, sizeof text, "%s", name);
    const int w = lim_glyphs_width(text, 1) + 4, h = LIM_GLYPH_H + 3;
    const int tx = x0 + w > dst.w ? dst.w - w : x0 < 0 ? 0 : x0;
    const int ty = y0 >= h ? y0 - h : y0 + 2;
    static const uint8_t ink[2][4] = {{0, 0, 0, 255}, {255, 255, 255, 255}};
    frame(dst, tx, ty, tx + w, ty + h, h, rgb);
    const bool dark = 299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] < 110000;
    lim_glyphs_draw(dst, tx + 2, ty + 2, text, w, 1, ink[dark]);
}

void
lim_scene_overlay(LimImageView dst, int size, int scale, const float *x, const int32_t *mask,
                  const LimSceneMark *marks, int n_marks, const LimDataset *naming)
{
    LIM_ASSERT(dst.format == LIM_PIXEL_RGB8 && dst.w == size * scale && dst.h == size * scale);
    const LimSheet sheet = {.n = 1, .c = 3, .h = size, .w = size, .columns = 1, .scale = scale};
    lim_sheet_draw(&sheet, x, LIM_RANGE_SIGNED, dst);
    if (mask)
        tint(dst, size, scale, mask);
    for (int i = 0; i < n_marks; i++)
        mark(dst, scale, &marks[i], naming->class_names[marks[i].label]);
}
