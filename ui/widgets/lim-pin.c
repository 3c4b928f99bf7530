/* The colours are the colour-blind-safe set of Okabe and Ito (2008); black letters can be read on
 * all of them. A dark and a light rim keep a mark visible on any picture. */
#include "widgets/lim-pin.h"

typedef enum { CIRCLE, SQUARE, DIAMOND, TRIANGLE, POINTER } Shape;

static const struct {
    const char *letter;
    Shape shape;
    double r, g, b;
} pins[LIM_PIN_MAX] = {
    {"A", CIRCLE, 0.90, 0.62, 0.00},   {"B", SQUARE, 0.34, 0.71, 0.91},
    {"C", TRIANGLE, 0.94, 0.89, 0.26}, {"D", DIAMOND, 0.00, 0.72, 0.53},
    {"E", POINTER, 0.90, 0.58, 0.76},
};

const char *
lim_pin_letter(int which)
{
    return pins[which].letter;
}

/* Around the origin, of radius r; the letter's place is (0, *y). */
static void
outline(cairo_t *cr, Shape shape, double r, double *y)
{
    *y = 0;
    switch (shape) {
    case CIRCLE:
        cairo_arc(cr, 0, 0, r, 0, 2 * G_PI);
        break;
    case SQUARE:
        cairo_rectangle(cr, -0.88 * r, -0.88 * r, 1.76 * r, 1.76 * r);
        break;
    case DIAMOND:
        cairo_move_to(cr, 0, -1.25 * r);
        cairo_line_to(cr, 1.25 * r, 0);
        cairo_line_to(cr, 0, 1.25 * r);
        cairo_line_to(cr, -1.25 * r, 0);
        break;
    case TRIANGLE:
        cairo_move_to(cr, 0, -1.3 * r);
        cairo_line_to(cr, 1.35 * r, 1.0 * r);
        cairo_line_to(cr, -1.35 * r, 1.0 * r);
        *y = 0.25 * r;
        break;
    case POINTER:
        cairo_move_to(cr, 0, 1.3 * r);
        cairo_line_to(cr, 1.35 * r, -1.0 * r);
        cairo_line_to(cr, -1.35 * r, -1.0 * r);
        *y = -0.25 * r;
        break;
    }
    cairo_close_path(cr);
}

void
lim_pin_draw(cairo_t *cr, int which, double x, double y, double size, gboolean strong)
{
    cairo_text_extents_t e;
    double r = size / 2 - 2, letter_y;

    g_return_if_fail(which >= 0 && which < LIM_PIN_MAX);
    cairo_save(cr);
    cairo_translate(cr, x, y);
    cairo_new_path(cr);
    outline(cr, pins[which].shape, r, &letter_y);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_set_line_width(cr, strong ? size / 3 : size / 5);
    cairo_stroke_preserve(cr);
    cairo_set_source_rgb(cr, 0.1, 0.1, 0.1);
    cairo_set_line_width(cr, size / 9);
    cairo_stroke_preserve(cr);
    cairo_set_source_rgb(cr, pins[which].r, pins[which].g, pins[which].b);
    cairo_fill(cr);

    cairo_select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_BOLD);
    cairo_set_font_size(cr, 0.62 * size);
    cairo_text_extents(cr, pins[which].letter, &e);
    cairo_set_source_rgb(cr, 0, 0, 0);
    cairo_move_to(cr, -e.x_bearing - e.width / 2, letter_y - e.y_bearing - e.height / 2);
    cairo_show_text(cr, pins[which].letter);
    cairo_restore(cr);
}
