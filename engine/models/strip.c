/* Interpolations as labelled pictures that carry their settings. */
#include "models/strip.h"

#include "models/samplefile.h"
#include "tensor/png.h"
#include "tensor/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TEXT 80

static void
name_row(const LimGenerator *g, const LimInterpolation *p, int row, char out[TEXT])
{
    const LimSample *to = p->what == LIM_TRAVEL_LATENT ? &p->from : &p->to;
    const char *a =
        lim_generator_class_name(g, lim_generator_label(g, &p->from.request, p->from.index + row));
    const char *b =
        lim_generator_class_name(g, lim_generator_label(g, &to->request, to->index + row));
    snprintf(out, TEXT, "%.36s - %.36s", a, b);
}

LimStatus
lim_strip_write(const char *path, const LimTensor *image, const LimGenerator *g,
                const char *model_path, const LimInterpolation *p, int scale, LimError *err)
{
    const LimShape s = lim_tensor_shape(image);
    LIM_ASSERT(s.nd == 4 && s.d[0] == p->rows * p->steps);
    char(*text)[TEXT] = lim_alloc((size_t)(p->rows + p->steps), sizeof *text);
    const char **rows = lim_alloc((size_t)(p->rows + p->steps), sizeof *rows);
    const char **columns = rows + p->rows;
    for (int k = 0; k < p->rows + p->steps; k++)
        rows[k] = text[k];
    for (int k = 0; k < p->rows; k++)
        name_row(g, p, k, text[k]);
    for (int i = 0; i < p->steps; i++)
        snprintf(text[p->rows + i], TEXT, "%ld%%", lround(100.0 * i / (p->steps - 1)));
    const LimTable table = {.rows = p->rows,
                            .columns = p->steps,
                            .tile_w = s.d[3] * scale,
                            .tile_h = s.d[2] * scale,
                            .gap = LIM_SAMPLE_GAP,
                            .letter = scale < 2 ? 1 : scale / 2,
                            .row_labels = rows,
                            .column_labels = columns};
    LimImageView view = lim_table_new(&table, s.d[1] == 1 ? LIM_PIXEL_GREY8 : LIM_PIXEL_RGB8, err);
    LimStatus status = view.data ? LIM_OK : err ? err->code : LIM_E_NOMEM;
    if (view.data) {
        LimInterpolation way = *p;
        const LimSampleMember members[] = {{"to", lim_sample_schema, &way.to.request},
                                           {"interpolation", lim_interpolation_schema, &way},
                                           {0}};
        char *settings = lim_samplefile_text(model_path, &p->from.request, members);
        const LimPngText texts[] = {{"Software", "Limen"}, {LIM_SAMPLE_KEY, settings}};
        lim_table_fill(&table, view, lim_tensor_f32(image), s.d[1], s.d[2], s.d[3], scale);
        status = lim_png_write(path, view, texts, 2, err);
        free(settings);
    }
    free(view.data);
    free(text);
    free(rows);
    return status;
}

LimStatus
lim_strip_read(const char *path, LimInterpolation *p, char model[LIM_TEXT_MAX], LimError *err)
{
    const LimSampleMember members[] = {{"to", lim_sample_schema, &p->to.request},
                                       {"interpolation", lim_interpolation_schema, p},
                                       {0}};
    return lim_samplefile_read_with(path, &p->from.request, members, model, err);
}
