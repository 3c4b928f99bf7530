/* Where things stand in a table of pictures: computed from the words, for size and drawing alike.
 */
#include "tensor/table.h"

#include "tensor/glyphs.h"

#define MARGIN     8
#define NAME_CHARS 32                /* of a row label at most */
#define SMALL      (LIM_GLYPH_H + 2) /* a line of small letters */

typedef struct Layout {
    int names;          /* width of the row labels */
    int line;           /* from one line of labels to the next */
    int left, top;      /* of the first tile */
    int step_x, step_y; /* from tile to tile */
    int w, h;
} Layout;

static int
widest(const char *const *texts, int n, int scale)
{
    int w = 0;
    for (int i = 0; i < n; i++) {
        const int one = lim_glyphs_width(texts[i], scale);
        w = one > w ? one : w;
    }
    return w;
}

static Layout
lay_out(const LimTable *t)
{
    LIM_ASSERT(t->rows >= 1 && t->columns >= 1 && t->tile_w >= 1 && t->tile_h >= 1 && t->gap >= 0 &&
               t->letter >= 1);
    const int most = NAME_CHARS * LIM_GLYPH_W * t->letter;
    Layout l = {.line = (LIM_GLYPH_H + 2) * t->letter,
                .step_x = t->tile_w + t->gap,
                .step_y = t->tile_h + (t->captions ? SMALL + 2 : 0) + t->gap};
    if (t->row_labels)
        l.names = widest(t->row_labels, t->rows, t->letter);
    if (t->row_title) {
        const int w = lim_glyphs_width(t->row_title, t->letter);
        l.names = w > l.names ? w : l.names;
    }
    l.names = l.names < most ? l.names : most;
    l.left = MARGIN + (l.names ? l.names + MARGIN : 0);
    l.top =
        MARGIN + (t->column_title ? l.line : 0) + (t->column_labels || t->row_title ? l.line : 0);
    l.w = l.left + t->columns * l.step_x - t->gap + MARGIN;
    l.h = l.top + t->rows * l.step_y - t->gap + MARGIN;
    if (t->n_notes) {
        const int w = widest(t->notes, t->n_notes, 1) + 2 * MARGIN;
        l.w = w > l.w ? w : l.w;
        l.h += t->n_notes * SMALL;
    }
    return l;
}

LimImageView
lim_table_new(const LimTable *t, LimPixel format, LimError *err)
{
    const uint8_t black[] = {0, 0, 0, 255}, white[] = {255, 255, 255, 255};
    const Layout l = lay_out(t);
    LimImageView p = lim_image_alloc(l.w, l.h, format, err);
    if (!p.data)
        return p;
    lim_image_fill(p, white);
    if (t->column_title)
        lim_glyphs_draw(p, l.left, MARGIN, t->column_title, l.w - l.left, t->letter, black);
    if (t->row_title)
        lim_glyphs_draw(p, MARGIN, l.top - l.line, t->row_title, l.names, t->letter, black);
    for (int c = 0; t->column_labels && c < t->columns; c++) {
        const int w = lim_glyphs_width(t->column_labels[c], t->letter);
        const int room = t->tile_w > w ? (t->tile_w - w) / 2 : 0;
        lim_glyphs_draw(p, l.left + c * l.step_x + room, l.top - l.line, t->column_labels[c],
                        t->tile_w, t->letter, black);
    }
    for (int r = 0; r < t->rows; r++) {
        const int y = l.top + r * l.step_y;
        if (t->row_labels)
            lim_glyphs_draw(p, MARGIN, y + (t->tile_h - 7 * t->letter) / 2, t->row_labels[r],
                            l.names, t->letter, black);
        for (int c = 0; t->captions && c < t->columns; c++)
            lim_glyphs_draw(p, l.left + c * l.step_x, y + t->tile_h + 3,
                            t->captions[r * t->columns + c], t->tile_w, 1, black);
    }
    for (int i = 0; i < t->n_notes; i++)
        lim_glyphs_draw(p, MARGIN, l.h - MARGIN - (t->n_notes - i) * SMALL + 2, t->notes[i], l.w, 1,
                        black);
    return p;
}

LimImageView
lim_table_tile(const LimTable *t, LimImageView picture, int row, int column)
{
    const Layout l = lay_out(t);
    LIM_ASSERT(row >= 0 && row < t->rows && column >= 0 && column < t->columns);
    return lim_image_sub(picture, l.left + column * l.step_x, l.top + row * l.step_y, t->tile_w,
                         t->tile_h);
}

void
lim_table_fill(const LimTable *t, LimImageView picture, const float *batch, int c, int h, int w,
               int scale)
{
    const LimSheet one = {.n = 1, .c = c, .h = h, .w = w, .scale = scale};
    for (int i = 0; i < t->rows * t->columns; i++)
        lim_sheet_draw(&one, batch + (size_t)i * (size_t)(c * h * w), LIM_RANGE_SIGNED,
                       lim_table_tile(t, picture, i / t->columns, i % t->columns));
}
