/* A table of pictures, and the floats. */
#include "attacks/dag-sheet.h"

#include "data/scene-sheet.h"
#include "tensor/npy.h"
#include "tensor/png.h"
#include "tensor/table.h"

#include <math.h>
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
draw_judge(const LimDagSheet *s, const LimTable *table, LimImageView picture, int row)
{
    const LimDagJudge *j = &s->judge[row - 1];
    LimSceneMark marks[LIM_SCENE_GARMENTS];
    for (int i = 0; i < j->scene->n; i++) {
        marks[i] = (LimSceneMark){.label = j->scene->object[i].label, .score = -1};
        memcpy(marks[i].box, j->scene->object[i].box, sizeof marks[i].box);
    }
    lim_scene_overlay(lim_table_tile(table, picture, row, 0), s->size, s->scale, s->x, j->mask,
                      marks, j->scene->n, s->naming);
    draw_seen(s, &j->before, s->x, lim_table_tile(table, picture, row, 1));
    draw_seen(s, &j->after, s->y, lim_table_tile(table, picture, row, 2));
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
    const double largest = lim_dag_largest(s->r, s->size);
    const double gain = largest > 0 ? 1 / (2 * largest) : 1;
    const int side = s->size * s->scale, n = 3 * s->size * s->size;
    const char *captions[3 * (1 + LIM_DAG_JUDGES)], *names[1 + LIM_DAG_JUDGES] = {""};
    char title[64];
    LIM_ASSERT(s->judges <= LIM_DAG_JUDGES);
    snprintf(title, sizeof title, "perturbation x %.0f", gain);
    captions[0] = "scene";
    captions[1] = "attacked";
    captions[2] = title;
    for (int i = 1; i <= s->judges; i++) {
        captions[3 * i] = s->truth ? "what is there" : "taken for right";
        captions[3 * i + 1] = "seen before";
        captions[3 * i + 2] = "seen after";
        names[i] = s->judge[i - 1].name;
    }
    const LimTable table = {.rows = 1 + s->judges,
                            .columns = 3,
                            .tile_w = side,
                            .tile_h = side,
                            .gap = 8,
                            .letter = 1,
                            .row_labels = s->judges > 1 ? names : NULL,
                            .captions = captions};
    LimImageView picture = lim_table_new(&table, LIM_PIXEL_RGB8, err);
    if (!picture.data)
        return LIM_E_SHAPE;
    float *shown = lim_alloc((size_t)n, sizeof *shown);
    for (int i = 0; i < n; i++)
        shown[i] = (float)(gain * (double)s->r[i]);
    const float *top[3] = {s->x, s->y, shown};
    for (int k = 0; k < 3; k++)
        lim_scene_overlay(lim_table_tile(&table, picture, 0, k), s->size, s->scale, top[k], NULL,
                          NULL, 0, s->naming);
    for (int row = 1; row <= s->judges; row++)
        draw_judge(s, &table, picture, row);
    const LimPngText text = {"limen", s->command};
    LimStatus status = lim_png_write(path, picture, &text, 1, err);
    if (status == LIM_OK)
        status = write_floats(path, s, err);
    free(shown);
    free(picture.data);
    return status;
}
