/* X/Y sheets: from typed values to samples, and the picture of them.
 *
 * A list of values is read one by one with lim_params_set() into a copy of the request, so that
 * ranges, names of choices and error sentences are those of every other setting. */
#include "models/sweep.h"

#include "models/samplefile.h"
#include "tensor/png.h"
#include "tensor/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMBER "sweep"

static const char *const axes[] = {"class",       "seed",        "threshold",   "truncation",
                                   "blend-class", "blend",       "walk-x",      "walk-y",
                                   "threshold-0", "threshold-1", "threshold-2", "threshold-3",
                                   "mix-seed",    "mix-slots",   NULL};
enum { CLASS, SEED, THRESHOLD };

const LimParamSpec lim_sweep_schema[] = {
    {.name = "rows",
     .label = "Rows",
     .help = "The setting that changes from row to row.",
     .unit = "",
     .kind = LIM_CHOICE,
     .offset = offsetof(LimSweep, rows),
     .max = sizeof axes / sizeof *axes - 2,
     .def = SEED,
     .choices = axes},
    {.name = "row-values",
     .label = "Row values",
     .help = "The values of the rows: 1, 2, 3 or 1..6 or 0..2:0.5 (steps of 0.5). Empty: the usual "
             "ones.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(LimSweep, row_values)},
    {.name = "columns",
     .label = "Columns",
     .help = "The setting that changes from column to column.",
     .unit = "",
     .kind = LIM_CHOICE,
     .offset = offsetof(LimSweep, columns),
     .max = sizeof axes / sizeof *axes - 2,
     .def = THRESHOLD,
     .choices = axes},
    {.name = "column-values",
     .label = "Column values",
     .help = "The values of the columns: 1, 2, 3 or 1..6 or 0..2:0.5 (steps of 0.5). Empty: the "
             "usual ones.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(LimSweep, column_values)},
    {0}};

const LimParamSpec *
lim_sweep_axis(int i)
{
    return i >= 0 && i < (int)(sizeof axes / sizeof *axes) - 1
               ? lim_params_find(lim_sample_schema, axes[i])
               : NULL;
}

int
lim_sweep_find(const char *name)
{
    for (int i = 0; axes[i]; i++)
        if (strcmp(axes[i], name) == 0)
            return i;
    return -1;
}

void
lim_sweep_values(const LimGenerator *g, const LimSampleRequest *r, int axis,
                 char text[LIM_TEXT_MAX])
{
    const LimParamSpec *spec = lim_sweep_axis(axis);
    const char *name = spec->name;
    int classes = lim_generator_classes(g);

    if (spec->kind == LIM_SEED) {
        uint64_t seed = *(const uint64_t *)((const char *)r + spec->offset);
        if (seed > UINT64_MAX - 4)
            seed = UINT64_MAX - 4;
        snprintf(text, LIM_TEXT_MAX, "%llu..%llu", (unsigned long long)seed,
                 (unsigned long long)seed + 4);
    } else if (strcmp(name, "class") == 0 || strcmp(name, "blend-class") == 0) {
        snprintf(text, LIM_TEXT_MAX, "0..%d", (classes < 16 ? classes : 16) - 1);
    } else {
        const char *usual = spec->kind == LIM_CHOICE             ? "inverse-cdf, resample, scale"
                            : strncmp(name, "threshold", 9) == 0 ? "0.04, 0.5, 1, 1.5, 2"
                            : strcmp(name, "blend") == 0         ? "0..1:0.25"
                            : strncmp(name, "walk", 4) == 0      ? "-6..6:3"
                                                                 : "0, 1, 2, 4, 8, 15";
        snprintf(text, LIM_TEXT_MAX, "%s", usual);
    }
}

/* ---- values ---- */

/* The requests along one axis: copies of a base that differ in one setting. */
typedef struct Values {
    const LimParamSpec *spec;
    LimSampleRequest list[LIM_SWEEP_SIDE];
    int n;
} Values;

static LimStatus
add(Values *v, const LimSampleRequest *r, LimError *err)
{
    if (v->n == LIM_SWEEP_SIDE)
        return lim_fail(err, LIM_E_PARAM, "%s: more than %d values", v->spec->label,
                        LIM_SWEEP_SIDE);
    v->list[v->n++] = *r;
    return LIM_OK;
}

static LimStatus
set(const LimParamSpec *spec, LimSampleRequest *r, const char *text, LimError *err)
{
    return lim_params_set(lim_sample_schema, r, spec->name, text, err);
}

static LimStatus
read_step(const char *text, double *step, LimError *err)
{
    static const LimParamSpec schema[] = {{.name = "step",
                                           .label = "Step",
                                           .help = "",
                                           .unit = "",
                                           .kind = LIM_REAL,
                                           .min = 1e-6,
                                           .max = 1e6,
                                           .def = 1},
                                          {0}};
    return text ? lim_params_set(schema, step, "step", text, err) : LIM_OK;
}

/* "first..last" and "first..last:step". */
static LimStatus
add_range(Values *v, const LimSampleRequest *base, const char *first, const char *last,
          const char *step_text, LimError *err)
{
    const LimParamSpec *spec = v->spec;
    LimSampleRequest a = *base, b = *base;
    double step = 1;
    LimStatus status = set(spec, &a, first, err);
    if (status == LIM_OK)
        status = set(spec, &b, last, err);
    if (status == LIM_OK)
        status = read_step(step_text, &step, err);
    if (status != LIM_OK)
        return status;
    if (spec->kind != LIM_REAL && step != floor(step))
        return lim_fail(err, LIM_E_PARAM, "%s: steps are whole numbers, not %s", spec->label,
                        step_text);

    void *at = (char *)&a + spec->offset;
    const void *end = (const char *)&b + spec->offset;
    if (spec->kind == LIM_SEED) {
        uint64_t from = *(uint64_t *)at, to = *(const uint64_t *)end, by = (uint64_t)step;
        for (uint64_t s = from; s <= to && status == LIM_OK; s += by) {
            *(uint64_t *)at = s;
            status = add(v, &a, err);
            if (s > UINT64_MAX - by)
                break;
        }
    } else if (spec->kind == LIM_REAL) {
        double from = *(double *)at, to = *(const double *)end;
        for (int k = 0; status == LIM_OK && from + k * step <= to + 1e-9; k++) {
            *(double *)at = round((from + k * step) * 1e9) / 1e9; /* 0.3, not 0.30000000000000004 */
            status = add(v, &a, err);
        }
    } else {
        int from = *(int *)at, to = *(const int *)end;
        for (int k = from; k <= to && status == LIM_OK; k += (int)step) {
            *(int *)at = k;
            status = add(v, &a, err);
        }
    }
    return status;
}

static LimStatus
add_item(Values *v, const LimSampleRequest *base, char *item, LimError *err)
{
    char *dots = strstr(item, "..");
    if (!dots) {
        LimSampleRequest r = *base;
        LimStatus status = set(v->spec, &r, item, err);
        return status == LIM_OK ? add(v, &r, err) : status;
    }
    char *colon = strchr(dots, ':');
    *dots = 0;
    if (colon)
        *colon = 0;
    return add_range(v, base, item, dots + 2, colon ? colon + 1 : NULL, err);
}

static char *
trim(char *text)
{
    text += strspn(text, " \t");
    for (size_t n = strlen(text); n && strchr(" \t", text[n - 1]); n--)
        text[n - 1] = 0;
    return text;
}

static LimStatus
read_values(Values *v, const LimSampleRequest *base, const char *list, LimError *err)
{
    char text[LIM_TEXT_MAX];
    LimStatus status = LIM_OK;

    snprintf(text, sizeof text, "%s", list);
    for (char *at = text, *comma; at && status == LIM_OK; at = comma) {
        comma = strchr(at, ',');
        if (comma)
            *comma++ = 0;
        at = trim(at);
        if (*at || comma || v->n == 0) /* a comma at the end is still being typed */
            status = add_item(v, base, at, err);
    }
    if (status == LIM_OK && v->n == 0)
        status = lim_fail(err, LIM_E_PARAM,
                          "%s: %s names no value; the first must not be larger "
                          "than the last",
                          v->spec->label, list);
    return status;
}

static LimStatus
read_axis(Values *v, const LimGenerator *g, const LimSampleRequest *base, int axis,
          const char *list, LimError *err)
{
    char usual[LIM_TEXT_MAX];

    v->spec = lim_sweep_axis(axis);
    v->n = 0;
    if (!list[strspn(list, " \t")]) {
        lim_sweep_values(g, base, axis, usual);
        list = usual;
    }
    return read_values(v, base, list, err);
}

/* ---- the sheet ---- */

static void
name_value(const LimGenerator *g, const Values *v, int k, const LimSample *sample,
           char text[LIM_TEXT_MAX])
{
    const LimSampleRequest *r = &v->list[k];
    int n = lim_params_get(v->spec, r, text, LIM_TEXT_MAX);

    if (strcmp(v->spec->name, "class") == 0)
        snprintf(text, LIM_TEXT_MAX, "%s",
                 r->label < 0 ? "All classes" : lim_generator_class_name(g, r->label));
    else if (strcmp(v->spec->name, "blend-class") == 0)
        snprintf(text, LIM_TEXT_MAX, "%s",
                 r->blend_label < 0 ? "none" : lim_generator_class_name(g, r->blend_label));
    else if (strcmp(v->spec->name, "seed") == 0 && sample->request.label < 0)
        snprintf(text + n, LIM_TEXT_MAX - (size_t)n, ", %s",
                 lim_generator_class_name(g, lim_generator_label(g, r, sample->index)));
}

static void
fill(LimSweepSheet *sheet, const LimGenerator *g, const Values *rows, const Values *columns)
{
    const LimParamSpec *across = columns->spec;
    size_t size = across->kind == LIM_REAL   ? sizeof(double)
                  : across->kind == LIM_SEED ? sizeof(uint64_t)
                                             : sizeof(int);
    bool down = rows->spec->offset == offsetof(LimSampleRequest, seed);
    bool aside = across->offset == offsetof(LimSampleRequest, seed);

    for (int y = 0; y < rows->n; y++) {
        for (int x = 0; x < columns->n; x++) {
            LimSample *s = &sheet->samples[y * columns->n + x];
            s->request = rows->list[y];
            memcpy((char *)&s->request + across->offset,
                   (const char *)&columns->list[x] + across->offset, size);
            if (s->request.label < 0)
                s->index = down ? y : aside ? x : 0;
        }
        name_value(g, rows, y, &sheet->samples[y * columns->n], sheet->row_text[y]);
    }
    for (int x = 0; x < columns->n; x++)
        name_value(g, columns, x, &sheet->samples[x], sheet->column_text[x]);
}

/* An axis along which nothing would change, because another setting takes its meaning away. */
static LimStatus
check_meaning(const LimSweep *s, LimError *err)
{
    const LimSampleRequest *r = &s->request;
    const struct {
        size_t axis, needs; /* settings, by their offsets */
        bool given;         /* the needed one has a value that gives the axis a meaning */
        const char *sentence;
    } rules[] = {
        {offsetof(LimSampleRequest, blend), offsetof(LimSampleRequest, blend_label),
         r->blend_label >= 0,
         "Blend changes nothing without a second class; choose one to blend with (--blend-class)"},
        {offsetof(LimSampleRequest, blend_label), offsetof(LimSampleRequest, blend), r->blend > 0,
         "Blend with changes nothing while the blend is 0; raise it (--blend)"},
        {offsetof(LimSampleRequest, mix_seed), offsetof(LimSampleRequest, mix_slots),
         r->mix_slots != 0,
         "Mix seed changes nothing while no slots are mixed; choose some (--mix-slots)"}};
    const LimParamSpec *axis[2] = {lim_sweep_axis(s->rows), lim_sweep_axis(s->columns)};

    for (int a = 0; a < 2; a++)
        for (size_t k = 0; k < sizeof rules / sizeof *rules; k++)
            if (axis[a]->offset == rules[k].axis && axis[!a]->offset != rules[k].needs &&
                !rules[k].given)
                return lim_fail(err, LIM_E_PARAM, "%s", rules[k].sentence);
    return LIM_OK;
}

LimSweepSheet *
lim_sweep_expand(const LimGenerator *g, const LimSweep *s, LimError *err)
{
    LimSampleRequest base = s->request;
    Values *v = lim_alloc(2, sizeof *v);
    LimSweepSheet *sheet = NULL;
    LimStatus status = LIM_OK;

    base.count = 1;
    if (s->rows == s->columns)
        status = lim_fail(err, LIM_E_PARAM,
                          "rows and columns are both %s; choose two different settings",
                          lim_sweep_axis(s->rows)->label);
    if (status == LIM_OK)
        status = check_meaning(s, err);
    if (status == LIM_OK)
        status = read_axis(&v[0], g, &base, s->rows, s->row_values, err);
    if (status == LIM_OK)
        status = read_axis(&v[1], g, &base, s->columns, s->column_values, err);
    if (status == LIM_OK && v[0].n * v[1].n > LIM_SAMPLES_MAX)
        status = lim_fail(err, LIM_E_PARAM, "%d rows of %d columns are more than %d pictures",
                          v[0].n, v[1].n, LIM_SAMPLES_MAX);
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < v[k].n && status == LIM_OK; i++)
            status = lim_generator_check(g, &v[k].list[i], err);
    if (status == LIM_OK) {
        sheet = lim_alloc(1, sizeof *sheet);
        sheet->rows = v[0].n;
        sheet->columns = v[1].n;
        sheet->axis[0] = v[0].spec;
        sheet->axis[1] = v[1].spec;
        sheet->samples = lim_alloc((size_t)(v[0].n * v[1].n), sizeof *sheet->samples);
        sheet->row_text = lim_alloc((size_t)v[0].n, sizeof *sheet->row_text);
        sheet->column_text = lim_alloc((size_t)v[1].n, sizeof *sheet->column_text);
        fill(sheet, g, &v[0], &v[1]);
    }
    free(v);
    return sheet;
}

void
lim_sweep_sheet_free(LimSweepSheet *sheet)
{
    if (!sheet)
        return;
    free(sheet->samples);
    free(sheet->row_text);
    free(sheet->column_text);
    free(sheet);
}

/* ---- the file ---- */

static const char **
pointers(char (*texts)[LIM_TEXT_MAX], int n)
{
    const char **p = lim_alloc((size_t)n, sizeof *p);
    for (int i = 0; i < n; i++)
        p[i] = texts[i];
    return p;
}

LimStatus
lim_sweep_write(const char *path, const LimTensor *image, const LimSweepSheet *sheet,
                const char *model_path, const LimSweep *s, int scale, LimError *err)
{
    const LimShape shape = lim_tensor_shape(image);
    LIM_ASSERT(shape.nd == 4 && shape.d[0] == sheet->rows * sheet->columns);
    const char **rows = pointers(sheet->row_text, sheet->rows);
    const char **columns = pointers(sheet->column_text, sheet->columns);
    const LimTable table = {.rows = sheet->rows,
                            .columns = sheet->columns,
                            .tile_w = shape.d[3] * scale,
                            .tile_h = shape.d[2] * scale,
                            .gap = LIM_SAMPLE_GAP,
                            .letter = scale < 2 ? 1 : scale / 2,
                            .row_title = sheet->axis[0]->label,
                            .column_title = sheet->axis[1]->label,
                            .row_labels = rows,
                            .column_labels = columns};
    LimImageView view =
        lim_table_new(&table, shape.d[1] == 1 ? LIM_PIXEL_GREY8 : LIM_PIXEL_RGB8, err);
    if (view.data)
        lim_table_fill(&table, view, lim_tensor_f32(image), shape.d[1], shape.d[2], shape.d[3],
                       scale);
    free(rows);
    free(columns);
    if (!view.data)
        return err ? err->code : LIM_E_NOMEM;

    LimSweep values = *s;
    const LimSampleMember members[] = {{MEMBER, lim_sweep_schema, &values}, {0}};
    char *settings = lim_samplefile_text(model_path, &s->request, members);
    const LimPngText texts[] = {{"Software", "Limen"}, {LIM_SAMPLE_KEY, settings}};
    const LimStatus status = lim_png_write(path, view, texts, 2, err);
    free(settings);
    free(view.data);
    return status;
}

LimStatus
lim_sweep_read(const char *path, LimSweep *s, char model[LIM_TEXT_MAX], LimError *err)
{
    const LimSampleMember members[] = {{MEMBER, lim_sweep_schema, s}, {0}};
    return lim_samplefile_read_with(path, &s->request, members, model, err);
}
