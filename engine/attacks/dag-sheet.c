/* A table of six pictures, and the floats. */
#include "attacks/dag-sheet.h"

#include "data/scene-sheet.h"
#include "tensor/npy.h"
#include "tensor/png.h"
#include "tensor/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
draw_seen(const LimDagSheet *s, const LimDagSeen *seen, const float *x, LimImageView tile)
{
    LimSceneMark marks[LIM_DETECTIONS];
    int shown = 0;
    for (int i = 0; i < seen->n; i++)
        if (seen->found[i].score >= 0.5f) {
            marks[shown] =
                (LimSceneMark){.label = seen->found[i].label, .score = seen->found[i].score};
            memcpy(marks[shown++].box, seen->found[i].box, sizeof seen->found[i].box);
        }
    lim_scene_overlay(tile, s->size, s->scale, x, seen->label, marks, shown, s->naming);
}

static void
draw(const LimDagSheet *s, const LimTable *table, LimImageView picture, const float *y,
     const float *shown)
{
    const float *top[3] = {s->x, y, shown};
    LimSceneMark marks[LIM_SCENE_GARMENTS];
    for (int i = 0; i < s->scene->n; i++) {
        marks[i] = (LimSceneMark){.label = s->scene->object[i].label, .score = -1};
        memcpy(marks[i].box, s->scene->object[i].box, sizeof marks[i].box);
    }
    for (int k = 0; k < 3; k++)
        lim_scene_overlay(lim_table_tile(table, picture, 0, k), s->size, s->scale, top[k], NULL,
                          NULL, 0, s->naming);
    lim_scene_overlay(lim_table_tile(table, picture, 1, 0), s->size, s->scale, s->x, s->mask, marks,
                      s->scene->n, s->naming);
    draw_seen(s, &s->before, s->x, lim_table_tile(table, picture, 1, 1));
    draw_seen(s, &s->after, y, lim_table_tile(table, picture, 1, 2));
}

static LimStatus
write_floats(const char *png, const LimDagSheet *s, LimError *err)
{
    char path[LIM_TEXT_MAX + 8];
    const char *dot = strrchr(png, '.');
    const int stem = dot && !strchr(dot, '/') ? (int)(dot - png) : (int)strlen(png);
    snprintf(path, sizeof path, "%.*s.npy", stem, png);
    return lim_npy_write_f32(path, LIM_SHAPE3(3, s->size, s->size), s->r, err);
}

LimStatus
lim_dag_sheet_write(const char *path, const LimDagSheet *s, LimError *err)
{
    const double gain = s->largest > 0 ? 1 / (2 * s->largest) : 1;
    const int side = s->size * s->scale;
    const size_t n = 3 * (size_t)s->size * (size_t)s->size;
    char title[64];
    snprintf(title, sizeof title, "perturbation x %.0f", gain);
    const char *captions[] = {"scene",       "attacked",
                              title,         s->truth ? "what is there" : "taken for right",
                              "seen before", "seen after"};
    const LimTable table = {.rows = 2,
                            .columns = 3,
                            .tile_w = side,
                            .tile_h = side,
                            .gap = 8,
                            .letter = 1,
                            .captions = captions};
    LimImageView picture = lim_table_new(&table, LIM_PIXEL_RGB8, err);
    if (!picture.data)
        return LIM_E_SHAPE;
    float *y = lim_alloc(n, sizeof *y), *shown = lim_alloc(n, sizeof *shown);
    for (size_t i = 0; i < n; i++)
        shown[i] = (float)(gain * (double)s->r[i]);
    lim_dag_picture(s->x, &s->r, (double[]){1}, 1, s->size, y);
    draw(s, &table, picture, y, shown);
    const LimPngText text = {"limen", s->command};
    LimStatus status = lim_png_write(path, picture, &text, 1, err);
    if (status == LIM_OK)
        status = write_floats(path, s, err);
    free(y);
    free(shown);
    free(picture.data);
    return status;
}
