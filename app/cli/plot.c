/* A small SVG writer: axes with round numbers, lines, marks, error bars, a legend per panel. */
#include "plot.h"

#include "base/file.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 400, PLOT = 220, TOP = 34, LEFT = 60, RIGHT = 14, AXIS = 42, ROW = 17, HEAD = 40 };

/* Okabe & Ito 2008 */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                      "#e69f00", "#56b4e9", "#000000"};
enum { COLOURS = sizeof colours / sizeof *colours };

typedef struct Axis {
    double min, max, step; /* of the labels */
    double from, length;   /* in the picture; length is negative upwards */
} Axis;

static double
place(const Axis *a, double v)
{
    return a->from + a->length * (v - a->min) / (a->max - a->min);
}

/* Widens [min, max] to what can be labelled in about five round steps. */
static void
round_axis(Axis *a, bool widen)
{
    if (!(a->max > a->min)) {
        const double half = fabs(a->min) > 0 ? 0.5 * fabs(a->min) : 0.5;
        a->min -= half;
        a->max += half;
    }
    const double raw = (a->max - a->min) / 5, ten = pow(10, floor(log10(raw)));
    a->step = ten * (raw / ten > 5 ? 10 : raw / ten > 2 ? 5 : raw / ten > 1 ? 2 : 1);
    if (widen) {
        a->min = a->step * floor(a->min / a->step + 1e-9);
        a->max = a->step * ceil(a->max / a->step - 1e-9);
    }
}

static void
fit(const CliPanel *p, Axis *x, Axis *y)
{
    const bool fixed_x = p->x_min < p->x_max, fixed_y = p->y_min < p->y_max;
    *x = (Axis){.min = INFINITY, .max = -INFINITY};
    *y = *x;
    for (int s = 0; s < p->n; s++)
        for (int i = 0; i < p->series[s].n; i++) {
            const CliSeries *c = &p->series[s];
            if (!isfinite(c->y[i]) || !isfinite(c->x[i]))
                continue;
            x->min = fmin(x->min, c->x[i]);
            x->max = fmax(x->max, c->x[i]);
            y->min = fmin(y->min, c->low ? c->low[i] : c->y[i]);
            y->max = fmax(y->max, c->high ? c->high[i] : c->y[i]);
        }
    if (!(x->min <= x->max)) /* nothing to show */
        *x = *y = (Axis){.min = 0, .max = 1};
    if (fixed_x)
        *x = (Axis){.min = p->x_min, .max = p->x_max};
    if (fixed_y)
        *y = (Axis){.min = p->y_min, .max = p->y_max};
    round_axis(x, !fixed_x);
    round_axis(y, !fixed_y);
}

static void
put_text(FILE *out, double x, double y, const char *anchor, const char *more, const char *text)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>", x, y, anchor, more);
    for (; *text; text++)
        switch (*text) {
        case '<':
            fputs("&lt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        default:
            fputc(*text, out);
        }
    fputs("</text>\n", out);
}

static void
put_mark(FILE *out, int which, double x, double y)
{
    const char *c = colours[which % COLOURS];
    switch (which % 4) {
    case 0:
        fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"%s\"/>\n", x, y, c);
        break;
    case 1:
        fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"7\" height=\"7\" fill=\"%s\"/>\n",
                x - 3.5, y - 3.5, c);
        break;
    case 2:
        fprintf(out, "<path d=\"M%.1f %.1fl4.4 7.6h-8.8z\" fill=\"%s\"/>\n", x, y - 5, c);
        break;
    default:
        fprintf(out, "<path d=\"M%.1f %.1fl4.6 4.6l-4.6 4.6l-4.6-4.6z\" fill=\"%s\"/>\n", x,
                y - 4.6, c);
    }
}

static void
put_axes(FILE *out, const CliPanel *p, const Axis *x, const Axis *y)
{
    char text[64];
    const double right = x->from + x->length, top = y->from + y->length;
    put_text(out, x->from, top - 12, "start", " font-weight=\"bold\"", p->title);
    for (int i = 0; i <= (int)((y->max - y->min) / y->step + 1e-6); i++) {
        const double v = y->step * (ceil(y->min / y->step - 1e-9) + i), at = place(y, v);
        if (v > y->max * (1 + 1e-9) + 1e-300)
            break;
        fprintf(out, "<path d=\"M%.1f %.1fH%.1f\" stroke=\"#ddd\"/>\n", x->from, at, right);
        snprintf(text, sizeof text, "%.6g", fabs(v) < 1e-9 * y->step ? 0 : v);
        put_text(out, x->from - 6, at + 4, "end", "", text);
    }
    for (int i = 0; i <= (int)((x->max - x->min) / x->step + 1e-6); i++) {
        const double v = x->step * (ceil(x->min / x->step - 1e-9) + i), at = place(x, v);
        if (v > x->max * (1 + 1e-9) + 1e-300)
            break;
        fprintf(out, "<path d=\"M%.1f %.1fv4\" stroke=\"#555\"/>\n", at, y->from);
        snprintf(text, sizeof text, "%.6g", fabs(v) < 1e-9 * x->step ? 0 : v);
        put_text(out, at, y->from + 17, "middle", "", text);
    }
    fprintf(out, "<path d=\"M%.1f %.1fV%.1fH%.1f\" stroke=\"#555\" fill=\"none\"/>\n", x->from, top,
            y->from, right);
    put_text(out, x->from + x->length / 2, y->from + 34, "middle", "", p->x_label);
    snprintf(text, sizeof text, " transform=\"rotate(-90 %.1f %.1f)\"", x->from - 44,
             y->from + y->length / 2);
    put_text(out, x->from - 44, y->from + y->length / 2, "middle", text, p->y_label);
}

static void
put_series(FILE *out, const CliSeries *s, int which, const Axis *x, const Axis *y)
{
    const char *c = colours[which % COLOURS];
    bool drawing = false;
    fputs("<path d=\"", out);
    for (int i = 0; i < s->n; i++) {
        const bool there = isfinite(s->x[i]) && isfinite(s->y[i]);
        if (there)
            fprintf(out, "%c%.1f %.1f", drawing ? 'L' : 'M', place(x, s->x[i]), place(y, s->y[i]));
        drawing = there;
    }
    fprintf(out, "\" stroke=\"%s\" stroke-width=\"1.6\" fill=\"none\"%s/>\n", c,
            which < COLOURS ? "" : " stroke-dasharray=\"5 3\"");
    for (int i = 0; i < s->n; i++) {
        if (!isfinite(s->x[i]) || !isfinite(s->y[i]))
            continue;
        const double px = place(x, s->x[i]), py = place(y, s->y[i]);
        if (s->low && s->high)
            fprintf(out, "<path d=\"M%.1f %.1fV%.1f\" stroke=\"%s\"/>\n", px, place(y, s->low[i]),
                    place(y, s->high[i]), c);
        put_mark(out, which, px, py);
        if (s->labels && s->labels[i])
            put_text(out, px + 7, py - 5, "start", "", s->labels[i]);
    }
}

static void
put_panel(FILE *out, const CliPanel *p, double left, double top)
{
    Axis x, y;
    fit(p, &x, &y);
    x.from = left + LEFT;
    x.length = WIDTH - LEFT - RIGHT;
    y.from = top + TOP + PLOT;
    y.length = -PLOT;
    put_axes(out, p, &x, &y);
    for (int s = 0; s < p->n; s++) {
        put_series(out, &p->series[s], s, &x, &y);
        const double at = y.from + AXIS + ROW * s + 8;
        put_mark(out, s, left + LEFT + 8, at - 4);
        put_text(out, left + LEFT + 20, at, "start", "", p->series[s].name);
    }
}

LimStatus
cli_plot_write(const char *path, const char *title, const CliPanel *panels, int n, int columns,
               LimError *err)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    LIM_ASSERT(out && columns > 0);
    int legend = 0;
    for (int i = 0; i < n; i++)
        legend = panels[i].n > legend ? panels[i].n : legend;
    const int height = TOP + PLOT + AXIS + legend * ROW + 12;
    const int rows = (n + columns - 1) / columns, across = n < columns ? n : columns;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
            across * WIDTH, HEAD + rows * height);
    put_text(out, LEFT, 26, "start", " font-size=\"16\" font-weight=\"bold\"", title);
    for (int i = 0; i < n; i++)
        put_panel(out, &panels[i], i % columns * WIDTH, HEAD + i / columns * height);
    fputs("</svg>\n", out);
    fclose(out);
    LimStatus status = lim_file_write(path, text, size, err);
    free(text);
    return status;
}
