/* Attention for the record: which places, their maps over the pictures, and what scale they have.
 */
#include "models/attention-sheet.h"

#include "models/samplefile.h"
#include "tensor/colormap.h"
#include "tensor/png.h"
#include "tensor/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMBER "attention"
#define MARK   17 /* pixels */
#define TEXT   200

static const char *const senses[] = {"row", "column", "both", NULL};

const LimParamSpec lim_attention_schema[] = {
    {.name = "samples",
     .label = "Samples",
     .help = "How many samples to look at.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(LimAttentionSheet, request.count),
     .min = 1,
     .max = 256,
     .def = 3},
    {.name = "at",
     .label = "Places",
     .help = "Up to five places, in picture pixels from the upper left corner: x,y,x,y,... Empty: "
             "five whose maps differ most.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(LimAttentionSheet, at)},
    {.name = "sense",
     .label = "Sense",
     .help = "row: where a place looks, the row of the attention matrix. column: who looks at it. "
             "both: one after the other.",
     .unit = "",
     .kind = LIM_CHOICE,
     .offset = offsetof(LimAttentionSheet, sense),
     .max = LIM_SENSE_BOTH,
     .choices = senses},
    {.name = "opacity",
     .label = "Opacity",
     .help = "How much the colours of a map cover the picture, from 0 to 1.",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(LimAttentionSheet, opacity),
     .max = 1,
     .def = 0.6},
    {0}};

LimTask *
lim_attention_task_new(LimGenerator *g, const LimAttentionSheet *s, LimError *err)
{
    LimAttentionInfo info;
    LimPoint points[LIM_MARKS];
    if (!lim_generator_attention(g, &info)) {
        lim_fail(err, LIM_E_PARAM, "this generator has no attention to show");
        return NULL;
    }
    if (lim_params_check(lim_attention_schema, s, err) != LIM_OK ||
        lim_generator_check(g, &s->request, err) != LIM_OK ||
        (*s->at && !lim_attention_points(s->at, lim_generator_image_shape(g).d[1], points, err)))
        return NULL;
    const int n = s->request.count;
    LimSample *list = lim_alloc((size_t)n, sizeof *list);
    for (int i = 0; i < n; i++)
        list[i] = (LimSample){s->request, i};
    LimTask *task = lim_samples_task_new(g, list, n, true);
    free(list);
    return task;
}

/* ---- places ------------------------------------------------------------------------------------
 */

int
lim_attention_points(const char *at, int size, LimPoint points[LIM_MARKS], LimError *err)
{
    int n = 0; /* numbers so far */
    for (const char *s = at;; s++) {
        char *end;
        const long value = strtol(s, &end, 10);
        if (end == s || (end[strspn(end, " ")] && end[strspn(end, " ")] != ',')) {
            lim_fail(err, LIM_E_PARAM, "--at: %.60s is no list of places; write x,y,x,y", at);
            return 0;
        }
        if (value < 0 || value >= size) {
            lim_fail(err, LIM_E_PARAM, "--at: %ld is outside 0 to %d", value, size - 1);
            return 0;
        }
        if (n == 2 * LIM_MARKS) {
            lim_fail(err, LIM_E_PARAM, "--at: no more than %d places", LIM_MARKS);
            return 0;
        }
        *(n % 2 ? &points[n / 2].y : &points[n / 2].x) = (int)value;
        n++;
        s = end + strspn(end, " ");
        if (!*s)
            break;
    }
    if (n % 2) {
        lim_fail(err, LIM_E_PARAM, "--at: the last place has no y; write x,y,x,y");
        return 0;
    }
    return n / 2;
}

/* How differently two queries look, over n samples: the sum of absolute differences. */
static double
difference(const LimAttentionInfo *a, const float *maps, int n, int p, int q)
{
    const int keys = a->key * a->key, queries = a->query * a->query;
    double sum = 0;
    for (int i = 0; i < n; i++) {
        const float *map = maps + (size_t)i * (size_t)queries * (size_t)keys;
        for (int k = 0; k < keys; k++)
            sum += fabs((double)map[p * keys + k] - (double)map[q * keys + k]);
    }
    return sum;
}

void
lim_attention_choose(const LimAttentionInfo *a, int size, const float *maps, int n,
                     LimPoint points[LIM_MARKS])
{
    const int side = a->query, queries = side * side, cell = size / side;
    double *nearest = lim_alloc((size_t)queries, sizeof *nearest);
    /* the first is the one farthest from the middle */
    for (int q = 0; q < queries; q++)
        nearest[q] = difference(a, maps, n, side / 2 * side + side / 2, q);
    for (int k = 0; k < LIM_MARKS; k++) {
        int best = side + 1;
        for (int y = 1; y < side - 1; y++)
            for (int x = 1; x < side - 1; x++)
                if (nearest[y * side + x] > nearest[best])
                    best = y * side + x;
        points[k] = (LimPoint){best % side * cell + cell / 2, best / side * cell + cell / 2};
        for (int q = 0; q < queries; q++) {
            const double d = difference(a, maps, n, best, q);
            nearest[q] = k == 0 ? d : fmin(nearest[q], d);
        }
        nearest[best] = -1; /* not twice, even where all maps are alike */
    }
    free(nearest);
}

void
lim_attention_text(const LimPoint *points, int n, char at[LIM_TEXT_MAX])
{
    int length = 0;
    at[0] = '\0';
    for (int i = 0; i < n; i++)
        length += snprintf(at + length, (size_t)(LIM_TEXT_MAX - length), "%s%d,%d", i ? "," : "",
                           points[i].x, points[i].y);
}

/* ---- the sheet ---------------------------------------------------------------------------------
 */

typedef struct Sheet {
    const LimGenerator *g;
    const LimAttentionSheet *s;
    LimAttentionInfo info;
    const float *pictures, *maps; /* [sample][c][h][w], [sample][query][key] */
    int c, h, w, scale;
    LimPoint point[LIM_MARKS];
    int n_points;
    int rows, columns;
    char (*words)[TEXT]; /* row labels, column labels, captions, notes */
    uint8_t table[256][3];
} Sheet;

static LimSense
sense_of(const Sheet *t, int row)
{
    if (t->s->sense == LIM_SENSE_BOTH)
        return row % 2 ? LIM_SENSE_COLUMN : LIM_SENSE_ROW;
    return (LimSense)t->s->sense;
}

static int
sample_of(const Sheet *t, int row)
{
    return t->s->sense == LIM_SENSE_BOTH ? row / 2 : row;
}

static LimAttentionMap
map_of(const Sheet *t, int row, int point)
{
    const int cells = lim_attention_cells(&t->info, sense_of(t, row));
    LimAttentionMap m;
    lim_attention_map_init(&m, &t->info, t->maps, sample_of(t, row),
                           t->point[point].x * cells / t->w, t->point[point].y * cells / t->h,
                           sense_of(t, row));
    return m;
}

/* v rounded to `decimals`, whatever the locale. */
static void
number(double v, int decimals, char out[32])
{
    static const LimParamSpec real = {.name = "", .kind = LIM_REAL};
    const double unit = pow(10, decimals), rounded = round(v * unit) / unit;
    lim_params_get(&real, &rounded, out, 32);
}

static void
describe(const Sheet *t, const char *file, char out[TEXT])
{
    char gamma[32];
    number(t->info.gamma, 3, gamma);
    snprintf(out, TEXT,
             "Attention of %.40s, %dx%d places over %dx%d: gamma %s times its output is "
             "added.",
             file, t->info.query, t->info.query, t->info.key, t->info.key, gamma);
}

static void
write_words(const Sheet *t)
{
    char(*out)[TEXT] = t->words;
    for (int r = 0; r < t->rows; r++)
        snprintf(*out++, TEXT, "%s",
                 lim_generator_class_name(t->g, lim_generator_label(t->g, &t->s->request,
                                                                    sample_of(t, r))));
    snprintf(*out++, TEXT, "Sample");
    for (int k = 0; k < t->n_points; k++)
        snprintf(*out++, TEXT, "%c %d,%d", 'A' + k, t->point[k].x, t->point[k].y);
    for (int r = 0; r < t->rows; r++) {
        snprintf(*out++, TEXT, "%s",
                 sense_of(t, r) == LIM_SENSE_ROW ? "where they look:" : "who looks there:");
        for (int k = 0; k < t->n_points; k++) {
            char most[32];
            LimAttentionMap m = map_of(t, r, k);
            number(100 * m.most, 1, most);
            snprintf(*out++, TEXT, "brightest: %s%%", most);
            lim_attention_map_clear(&m);
        }
    }
    char even[32];
    number(100.0 / (t->info.key * t->info.key), 1, even);
    snprintf(*out++, TEXT,
             "Each map is as bright as its largest value. Spread evenly, all values "
             "would be %s%%.",
             even);
}

static void
draw_tile(const Sheet *t, int row, int point, LimImageView tile)
{
    const size_t size = (size_t)t->w * (size_t)t->h, stride = (size_t)t->w * 3;
    uint8_t *picture = lim_alloc(size, 3), *covered = lim_alloc(size, 3);
    LimImageView small = lim_image_view(picture, t->w, t->h, stride, LIM_PIXEL_RGB8);
    lim_image_put_f32(small, t->c, LIM_RANGE_SIGNED,
                      t->pictures + (size_t)sample_of(t, row) * size * (size_t)t->c);
    if (point >= 0) {
        LimAttentionMap m = map_of(t, row, point);
        lim_attention_map_cover(&m, t->table, picture, t->w, t->h, 3, t->s->opacity, covered);
        lim_attention_map_clear(&m);
        small.data = covered;
    }
    lim_image_copy(small, t->scale, tile);
    for (int k = 0; k < t->n_points; k++)
        if (point < 0 || point == k)
            lim_mark_draw(tile, k, (t->point[k].x + 0.5) * t->scale,
                          (t->point[k].y + 0.5) * t->scale, MARK);
    free(picture);
    free(covered);
}

static LimImageView
draw(const Sheet *t, const char *description, LimError *err)
{
    const int n = t->rows + t->columns + t->rows * t->columns + 1;
    const char **words = lim_alloc((size_t)n, sizeof *words);
    for (int i = 0; i < n; i++)
        words[i] = t->words[i];
    const char *notes[] = {description, words[n - 1]};
    const LimTable table = {.rows = t->rows,
                            .columns = t->columns,
                            .tile_w = t->w * t->scale,
                            .tile_h = t->h * t->scale,
                            .gap = LIM_SAMPLE_GAP,
                            .letter = t->scale < 2       ? 1
                                      : t->scale / 2 < 3 ? t->scale / 2
                                                         : 2,
                            .row_labels = words,
                            .column_labels = words + t->rows,
                            .captions = words + t->rows + t->columns,
                            .notes = notes,
                            .n_notes = 2};
    LimImageView view = lim_table_new(&table, LIM_PIXEL_RGB8, err);
    for (int i = 0; view.data && i < t->rows * t->columns; i++)
        draw_tile(t, i / t->columns, i % t->columns - 1,
                  lim_table_tile(&table, view, i / t->columns, i % t->columns));
    free(words);
    return view;
}

LimStatus
lim_attention_write(const char *path, const LimTask *task, const LimGenerator *g,
                    const char *model_path, LimAttentionSheet *s, int scale, LimError *err)
{
    const LimTensor *image = lim_sample_task_image(task);
    const LimShape shape = lim_tensor_shape(image);
    Sheet t = {.g = g,
               .s = s,
               .pictures = lim_tensor_f32(image),
               .maps = lim_tensor_f32(lim_sample_task_maps(task)),
               .c = shape.d[1],
               .h = shape.d[2],
               .w = shape.d[3],
               .scale = scale};
    lim_generator_attention(g, &t.info);
    lim_colormap_amount(t.table);
    if (*s->at) {
        t.n_points = lim_attention_points(s->at, t.w, t.point, err);
        if (!t.n_points)
            return LIM_E_PARAM;
    } else {
        t.n_points = LIM_MARKS;
        lim_attention_choose(&t.info, t.w, t.maps, shape.d[0], t.point);
        lim_attention_text(t.point, t.n_points, s->at);
    }
    t.rows = shape.d[0] * (s->sense == LIM_SENSE_BOTH ? 2 : 1);
    t.columns = 1 + t.n_points;
    t.words = lim_alloc((size_t)(t.rows + t.columns + t.rows * t.columns + 1), sizeof *t.words);
    write_words(&t);
    char description[TEXT];
    const char *slash = strrchr(model_path, '/');
    describe(&t, slash ? slash + 1 : model_path, description);
    LimImageView view = draw(&t, description, err);
    free(t.words);
    if (!view.data)
        return err ? err->code : LIM_E_NOMEM;
    const LimSampleMember members[] = {{MEMBER, lim_attention_schema, s}, {0}};
    char *settings = lim_samplefile_text(model_path, &s->request, members);
    const LimPngText texts[] = {{"Software", "Limen"},
                                {"Description", description},
                                {LIM_SAMPLE_KEY, settings}};
    const LimStatus status = lim_png_write(path, view, texts, 3, err);
    free(settings);
    free(view.data);
    return status;
}

LimStatus
lim_attention_read(const char *path, LimAttentionSheet *s, char model[LIM_TEXT_MAX], LimError *err)
{
    const LimSampleMember members[] = {{MEMBER, lim_attention_schema, s}, {0}};
    return lim_samplefile_read_with(path, &s->request, members, model, err);
}
