/* LimPlot: the one way in which the program draws numbers over numbers.
 *
 * The title of the upright axis stands level above it: turned text is slow to read and takes the
 * width that a side panel does not have. Everything that is read out (pointer, keyboard cursor,
 * description for assistive technology) comes from one function, so that all three say the same. */
#include "widgets/lim-plot.h"

#include "widgets/plot-axis.h"

#include <math.h>
#include <string.h>

#define REACH    14.0 /* of the pointer, in pixels */
#define DRAG_MIN 3.0  /* shorter drags are clicks */
#define RADIUS   3.5
#define LINE     1.5
#define MARKER   6.5
#define PAD      6
#define SAMPLE   24 /* of a line, in the legend */
#define SPOKEN   16 /* points that the description lists one by one */

typedef struct Series {
    char *name;
    LimPlotFlags flags;
    LimPlotPoint *points; /* [n] */
    char **labels;        /* n texts, or NULL */
    int n;
} Series;

typedef struct Axis {
    char *title;
    char **names; /* [n_names] of the places 0, 1, ..., or NULL: a scale */
    int n_names;
    gboolean log, whole;
    double fixed_lo, fixed_hi; /* NaN: free */
    /* Of the layout: */
    LimPlotAxis range;
    double ticks[LIM_PLOT_MAX_TICKS];
    int decimals[LIM_PLOT_MAX_TICKS], n_ticks;
} Axis;

struct _LimPlot {
    GtkWidget parent_instance;
    char *label, *empty_text;
    Axis axis[2]; /* x, y */
    GPtrArray *series;

    gboolean laid_out;
    double left, right, top, bottom; /* of the area with the points */
    double line;                     /* height of a line of text */

    int stressed; /* series, or -1 */
    int marker_series;
    double marker;
    char *marker_text;
    double progress;
    int cursor_series, cursor_point;
    int pointed_series, pointed_point;

    GtkGesture *drag;
    int grabbed; /* series under the pressed button, or -1 */
    gboolean dragging;
    double press_x, press_y;
};

enum { ACTIVATED, DRAGGED, CANCELLED, N_SIGNALS };
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE(LimPlot, lim_plot, GTK_TYPE_WIDGET)

static Series *
get_series(LimPlot *self, int i)
{
    return g_ptr_array_index(self->series, i);
}

static int
n_series(LimPlot *self)
{
    return (int)self->series->len;
}

static gboolean
has_points(LimPlot *self)
{
    for (int s = 0; s < n_series(self); s++)
        if (get_series(self, s)->n)
            return TRUE;
    return FALSE;
}

/* ---- layout ---- */

static PangoLayout *
make_text(LimPlot *self, const char *text, gboolean bold)
{
    PangoLayout *layout = gtk_widget_create_pango_layout(GTK_WIDGET(self), text);
    g_autoptr(PangoAttrList) attrs = pango_attr_list_new();

    pango_attr_list_insert(attrs, pango_attr_font_features_new("tnum"));
    if (bold)
        pango_attr_list_insert(attrs, pango_attr_weight_new(PANGO_WEIGHT_BOLD));
    pango_layout_set_attributes(layout, attrs);
    return layout;
}

static double
text_width(LimPlot *self, const char *text, gboolean bold)
{
    g_autoptr(PangoLayout) layout = make_text(self, text, bold);
    int w, h;

    pango_layout_get_pixel_size(layout, &w, &h);
    return w;
}

/* Extent of the data along an axis, error bars included; lo > hi when there are none. */
static void
extent(LimPlot *self, int axis, double *lo, double *hi)
{
    *lo = INFINITY;
    *hi = -INFINITY;
    for (int s = 0; s < n_series(self); s++) {
        const Series *series = get_series(self, s);
        for (int i = 0; i < series->n; i++) {
            const LimPlotPoint *p = &series->points[i];
            if (!isfinite(p->x) || !isfinite(p->y))
                continue;
            *lo = fmin(*lo, axis ? p->y - p->y_minus : p->x - p->x_minus);
            *hi = fmax(*hi, axis ? p->y + p->y_plus : p->x + p->x_plus);
        }
    }
}

/* Named places stand a little inside the ends; where the names would touch, every second or third
 * of them is written. */
static void
fit_names(Axis *a, double length, double spacing)
{
    a->range = (LimPlotAxis){-0.4, a->n_names - 0.6, FALSE};
    const double unit = length / (a->range.hi - a->range.lo);
    const int step = MAX((int)ceil(spacing / MAX(unit, 1)),
                         (a->n_names + LIM_PLOT_MAX_TICKS - 1) / LIM_PLOT_MAX_TICKS);

    a->n_ticks = 0;
    for (int i = 0; i < a->n_names; i += step)
        a->ticks[a->n_ticks++] = i;
}

static gboolean
is_whole(double value)
{
    return fabs(value - round(value)) < 1e-6;
}

static void
keep_whole(Axis *a)
{
    const int n = a->n_ticks;

    a->n_ticks = 0;
    for (int i = 0; i < n; i++)
        if (is_whole(a->ticks[i])) {
            a->ticks[a->n_ticks] = a->ticks[i];
            a->decimals[a->n_ticks++] = 0;
        }
}

static void
fit_axis(LimPlot *self, int axis, double length, double spacing)
{
    Axis *a = &self->axis[axis];
    int want = CLAMP((int)(length / spacing) + 1, 2, LIM_PLOT_MAX_TICKS);
    double lo, hi;

    if (a->names) {
        fit_names(a, length, spacing);
        return;
    }
    extent(self, axis, &lo, &hi);
    a->range = lim_plot_axis(lo, hi, a->log, a->fixed_lo, a->fixed_hi, want);
    a->n_ticks = lim_plot_ticks(&a->range, want, a->ticks, a->decimals);
    if (a->whole)
        keep_whole(a);
}

static char *
dup_tick(const Axis *a, int i)
{
    return a->names ? g_strdup(a->names[(int)a->ticks[i]])
                    : lim_plot_format(a->ticks[i], a->decimals[i]);
}

static double
widest_tick(LimPlot *self, const Axis *a)
{
    double widest = 0;

    for (int i = 0; i < a->n_ticks; i++) {
        g_autofree char *text = dup_tick(a, i);
        widest = fmax(widest, text_width(self, text, FALSE));
    }
    return widest;
}

/* Places the names of the series in rows; draw: NULL, or called for each. Returns the rows. */
static int
flow_legend(LimPlot *self, void (*draw)(LimPlot *, int series, double x, double y, gpointer),
            gpointer data)
{
    double x = 0, width = gtk_widget_get_width(GTK_WIDGET(self));
    int rows = 1;

    if (n_series(self) < 2)
        return 0;
    for (int s = 0; s < n_series(self); s++) {
        double w = SAMPLE + PAD + text_width(self, get_series(self, s)->name, s == self->stressed);
        if (x > 0 && x + w > width) {
            x = 0;
            rows++;
        }
        if (draw)
            draw(self, s, x, (rows - 1) * self->line, data);
        x += w + 2 * PAD;
    }
    return rows;
}

static void
lay_out(LimPlot *self)
{
    double w = gtk_widget_get_width(GTK_WIDGET(self)), h = gtk_widget_get_height(GTK_WIDGET(self));

    if (self->laid_out)
        return;
    g_autoptr(PangoLayout) sample = make_text(self, "0", FALSE);
    int tw, th;
    pango_layout_get_pixel_size(sample, &tw, &th);
    self->line = th;
    self->top = (flow_legend(self, NULL, NULL) + 1) * self->line + 2 * PAD;
    self->bottom = h - 2 * self->line - PAD;
    fit_axis(self, 1, self->bottom - self->top, 2.2 * self->line);
    self->left = ceil(widest_tick(self, &self->axis[1])) + PAD;
    /* Ticks must not touch: their number depends on their width, which depends on their number. */
    double spacing = 3 * self->line;
    for (int attempt = 0; attempt < 3; attempt++) {
        fit_axis(self, 0, w - self->left, spacing);
        double widest = widest_tick(self, &self->axis[0]);
        self->right = w - ceil(widest / 2) - 1;
        if (widest + 2 * PAD <= spacing)
            break;
        spacing = widest + 2 * PAD;
    }
    self->laid_out = w > 0 && h > 0;
}

static void
changed(LimPlot *self)
{
    self->laid_out = FALSE;
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

static double
pixel_x(LimPlot *self, double x)
{
    return self->left + lim_plot_to_unit(&self->axis[0].range, x) * (self->right - self->left);
}

static double
pixel_y(LimPlot *self, double y)
{
    return self->bottom - lim_plot_to_unit(&self->axis[1].range, y) * (self->bottom - self->top);
}

/* The points of a series in pixels, x and y alternating; g_free(). */
static double *
pixels(LimPlot *self, const Series *series)
{
    double *xy = g_new(double, MAX(2 * series->n, 1));

    lay_out(self);
    for (int i = 0; i < series->n; i++) {
        xy[2 * i] = pixel_x(self, series->points[i].x);
        xy[2 * i + 1] = pixel_y(self, series->points[i].y);
    }
    return xy;
}

void
lim_plot_locate(LimPlot *self, double x, double y, double *widget_x, double *widget_y)
{
    lay_out(self);
    *widget_x = pixel_x(self, x);
    *widget_y = pixel_y(self, y);
}

/* ---- what is read out ---- */

/* "Fidelity 97.1 % (95.9 – 98.0)" for the title "Fidelity: asked class recognised (%)". */
static void
read_value(GString *out, const Axis *a, double v, double minus, double plus)
{
    const char *paren = strstr(a->title, " (");
    const char *end = paren ? strchr(paren, ')') : NULL;
    const int decimals = a->whole && is_whole(v) ? 0 : lim_plot_read_decimals(&a->range, v);
    const gboolean named = a->names && v >= 0 && v < a->n_names;
    g_autofree char *value = named ? g_strdup(a->names[(int)v]) : lim_plot_format(v, decimals);

    gsize name = strcspn(a->title, ":,(");
    while (name && a->title[name - 1] == ' ')
        name--;
    g_string_append_len(out, a->title, (gssize)name);
    g_string_append_printf(out, " %s", value);
    if (end)
        g_string_append_printf(out, " %.*s", (int)(end - paren - 2), paren + 2);
    if (minus != 0 || plus != 0) {
        g_autofree char *lo = lim_plot_format(v - minus, decimals);
        g_autofree char *hi = lim_plot_format(v + plus, decimals);
        g_string_append_printf(out, " (%s \342\200\223 %s)", lo, hi);
    }
}

static char *
readout(LimPlot *self, int s, int i, const char *separator)
{
    const Series *series = get_series(self, s);
    const LimPlotPoint *p = &series->points[i];
    GString *out = g_string_new(NULL);

    lay_out(self);
    if (n_series(self) > 1)
        g_string_append_printf(out, "%s%s", series->name, series->labels ? ", " : separator);
    if (series->labels)
        g_string_append_printf(out, "%s%s", series->labels[i], separator);
    read_value(out, &self->axis[0], p->x, p->x_minus, p->x_plus);
    g_string_append(out, separator);
    read_value(out, &self->axis[1], p->y, p->y_minus, p->y_plus);
    return g_string_free(out, FALSE);
}

char *
lim_plot_dup_readout(LimPlot *self, int series, int point)
{
    g_return_val_if_fail(series >= 0 && series < n_series(self), NULL);
    g_return_val_if_fail(point >= 0 && point < get_series(self, series)->n, NULL);
    return readout(self, series, point, "\n");
}

static void
describe_series(LimPlot *self, GString *text, int s)
{
    const Series *series = get_series(self, s);

    g_string_append_printf(text, ". %s: %d %s", series->name, series->n,
                           series->n == 1 ? "point" : "points");
    for (int i = 0; i < series->n; i++) {
        if (series->n > SPOKEN && i > 0 && i < series->n - 1)
            continue;
        g_autofree char *point = readout(self, s, i, ", ");
        g_string_append_printf(text, "; %s", point);
    }
}

static void
describe(LimPlot *self)
{
    g_autoptr(GString) text = g_string_new(NULL);

    lay_out(self);
    if (self->cursor_series >= 0) {
        g_autofree char *point = readout(self, self->cursor_series, self->cursor_point, ", ");
        g_string_append_printf(text, "Point %d: %s. ", self->cursor_point + 1, point);
    }
    g_string_append_printf(text, "%s across, %s upwards", self->axis[0].title, self->axis[1].title);
    if (has_points(self)) {
        for (int s = 0; s < n_series(self); s++)
            describe_series(self, text, s);
        if (self->stressed >= 0)
            g_string_append_printf(text, ". Stressed: %s", get_series(self, self->stressed)->name);
        if (self->marker_text && !isnan(self->marker))
            g_string_append_printf(text, ". Marked: %s", self->marker_text);
    } else if (self->empty_text) {
        g_string_append_printf(text, ". %s", self->empty_text);
    }
    gtk_accessible_update_property(GTK_ACCESSIBLE(self), GTK_ACCESSIBLE_PROPERTY_LABEL, self->label,
                                   GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, text->str, -1);
}

/* ---- drawing ---- */

typedef struct Pen {
    GtkSnapshot *snapshot;
    cairo_t *cr;
    GdkRGBA text, faint, back, accent;
    int scale;
} Pen;

static void
mix(GdkRGBA *c, const GdkRGBA *with, float part)
{
    c->red += part * (with->red - c->red);
    c->green += part * (with->green - c->green);
    c->blue += part * (with->blue - c->blue);
}

/* The accent, then colours that stay apart for colour-blind people (Okabe and Ito), moved towards
 * the text's colour for contrast in both styles, then the text's own. The shape of the points
 * differs as well, and from the fourth series on the dashes of the lines. */
#define COLORS 6
static GdkRGBA
series_color(const Pen *pen, int s)
{
    static const GdkRGBA colors[COLORS - 1] = {
        {0.84F, 0.37F, 0.00F, 1}, {0.00F, 0.62F, 0.45F, 1}, {0.80F, 0.47F, 0.65F, 1},
        {0.90F, 0.62F, 0.00F, 1}, {0.34F, 0.71F, 0.91F, 1},
    };

    if (s == 0)
        return pen->accent;
    const int k = (s - 1) % COLORS;
    if (k == COLORS - 1)
        return pen->text;
    GdkRGBA c = colors[k];
    mix(&c, &pen->text, 0.2F);
    return c;
}

/* Strokes the path as a line of that series. */
static void
stroke_series(const Pen *pen, int s, double width)
{
    /* lengths of line and gap, in widths; no two series of one colour have the same */
    static const double dashes[][4] = {{4, 2}, {1, 2}, {6, 2, 1, 2}, {8, 3}};
    static const int parts[] = {2, 2, 4, 2};
    const int k = (s - 3) % (int)G_N_ELEMENTS(dashes);
    double lengths[4];

    if (s >= 3) {
        for (int i = 0; i < parts[k]; i++)
            lengths[i] = dashes[k][i] * MAX(width, 1.5);
        cairo_set_dash(pen->cr, lengths, parts[k], 0);
    }
    cairo_set_line_width(pen->cr, width);
    cairo_stroke(pen->cr);
    cairo_set_dash(pen->cr, NULL, 0, 0);
}

/* The middle of the line of device pixels nearest to v, for a line one logical pixel wide. */
static double
crisp(const Pen *pen, double v)
{
    return (floor(v * pen->scale) + (pen->scale % 2 ? 0.5 : 0)) / pen->scale;
}

static void
draw_text(Pen *pen, PangoLayout *layout, double x, double y, const GdkRGBA *color)
{
    gtk_snapshot_save(pen->snapshot);
    gtk_snapshot_translate(pen->snapshot, &GRAPHENE_POINT_INIT((float)round(x), (float)round(y)));
    gtk_snapshot_append_layout(pen->snapshot, layout, color);
    gtk_snapshot_restore(pen->snapshot);
}

/* Axes and grid into the Cairo picture, texts into the snapshot above it. */
static void
draw_axes(LimPlot *self, Pen *pen)
{
    GdkRGBA grid = pen->text;

    grid.alpha *= 0.12F;
    gdk_cairo_set_source_rgba(pen->cr, &grid);
    cairo_set_line_width(pen->cr, 1);
    for (int i = 0; i < self->axis[0].n_ticks; i++) {
        double x = crisp(pen, pixel_x(self, self->axis[0].ticks[i]));
        cairo_move_to(pen->cr, x, self->top);
        cairo_line_to(pen->cr, x, self->bottom);
    }
    for (int i = 0; i < self->axis[1].n_ticks; i++) {
        double y = crisp(pen, pixel_y(self, self->axis[1].ticks[i]));
        cairo_move_to(pen->cr, self->left, y);
        cairo_line_to(pen->cr, self->right, y);
    }
    cairo_stroke(pen->cr);
    gdk_cairo_set_source_rgba(pen->cr, &pen->faint);
    cairo_move_to(pen->cr, crisp(pen, self->left), self->top);
    cairo_line_to(pen->cr, crisp(pen, self->left), crisp(pen, self->bottom));
    cairo_line_to(pen->cr, self->right, crisp(pen, self->bottom));
    cairo_stroke(pen->cr);
}

static void
draw_axis_texts(LimPlot *self, Pen *pen)
{
    int w, h;

    for (int axis = 0; axis < 2; axis++) {
        const Axis *a = &self->axis[axis];
        for (int i = 0; i < a->n_ticks; i++) {
            g_autofree char *tick = dup_tick(a, i);
            g_autoptr(PangoLayout) text = make_text(self, tick, FALSE);
            pango_layout_get_pixel_size(text, &w, &h);
            if (axis == 0)
                draw_text(pen, text, pixel_x(self, a->ticks[i]) - w / 2.0, self->bottom + 2,
                          &pen->faint);
            else
                draw_text(pen, text, self->left - PAD - w, pixel_y(self, a->ticks[i]) - h / 2.0,
                          &pen->faint);
        }
        g_autoptr(PangoLayout) title = make_text(self, a->title, FALSE);
        int width = gtk_widget_get_width(GTK_WIDGET(self));
        pango_layout_set_width(title, width * PANGO_SCALE);
        pango_layout_set_ellipsize(title, PANGO_ELLIPSIZE_END);
        pango_layout_set_alignment(title, axis ? PANGO_ALIGN_LEFT : PANGO_ALIGN_RIGHT);
        draw_text(pen, title, 0,
                  axis ? self->top - self->line - PAD
                       : gtk_widget_get_height(GTK_WIDGET(self)) - self->line,
                  &pen->text);
    }
}

static void
shape(cairo_t *cr, int s, double x, double y, double r)
{
    cairo_new_sub_path(cr);
    switch (s % 4) {
    case 0:
        cairo_arc(cr, x, y, r, 0, 2 * G_PI);
        break;
    case 1:
        cairo_rectangle(cr, x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r);
        break;
    case 2:
        cairo_move_to(cr, x, y - 1.2 * r);
        cairo_line_to(cr, x + 1.1 * r, y + 0.8 * r);
        cairo_line_to(cr, x - 1.1 * r, y + 0.8 * r);
        cairo_close_path(cr);
        break;
    default:
        cairo_move_to(cr, x, y - 1.3 * r);
        cairo_line_to(cr, x + 1.3 * r, y);
        cairo_line_to(cr, x, y + 1.3 * r);
        cairo_line_to(cr, x - 1.3 * r, y);
        cairo_close_path(cr);
        break;
    }
}

static void
draw_error_bars(LimPlot *self, Pen *pen, const LimPlotPoint *p)
{
    double x = crisp(pen, pixel_x(self, p->x)), y = crisp(pen, pixel_y(self, p->y));

    if (p->x_minus != 0 || p->x_plus != 0) {
        cairo_move_to(pen->cr, pixel_x(self, p->x - p->x_minus), y);
        cairo_line_to(pen->cr, pixel_x(self, p->x + p->x_plus), y);
    }
    if (p->y_minus != 0 || p->y_plus != 0) {
        cairo_move_to(pen->cr, x, pixel_y(self, p->y - p->y_minus));
        cairo_line_to(pen->cr, x, pixel_y(self, p->y + p->y_plus));
    }
}

/* How thick a series is drawn, as a part of what is usual. */
static double
weight(LimPlot *self, int s)
{
    return self->stressed < 0 ? 1 : s == self->stressed ? 1.6 : 0.7;
}

/* Whose line it has: a stressed one is whole, for dots would make it the faintest. */
static int
line_of(LimPlot *self, int s)
{
    return s == self->stressed ? 0 : s;
}

static void
draw_line(LimPlot *self, const Series *series, Pen *pen, int s, const double *xy, double width)
{
    gboolean on = FALSE;

    for (int i = 0; i < series->n; i++) {
        gboolean there = isfinite(xy[2 * i]) && isfinite(xy[2 * i + 1]);
        if (there && on)
            cairo_line_to(pen->cr, xy[2 * i], xy[2 * i + 1]);
        else if (there)
            cairo_move_to(pen->cr, xy[2 * i], xy[2 * i + 1]);
        on = there;
    }
    cairo_set_line_join(pen->cr, CAIRO_LINE_JOIN_ROUND);
    stroke_series(pen, line_of(self, s), width);
}

static void
draw_series(LimPlot *self, Pen *pen, int s)
{
    const Series *series = get_series(self, s);
    g_autofree double *xy = pixels(self, series);
    GdkRGBA color = series_color(pen, s), bars = color;

    bars.alpha *= 0.45F;
    gdk_cairo_set_source_rgba(pen->cr, &bars);
    cairo_set_line_width(pen->cr, 1);
    for (int i = 0; i < series->n; i++)
        if (isfinite(xy[2 * i]) && isfinite(xy[2 * i + 1]))
            draw_error_bars(self, pen, &series->points[i]);
    cairo_stroke(pen->cr);
    gdk_cairo_set_source_rgba(pen->cr, &color);
    if (series->flags & LIM_PLOT_LINE)
        draw_line(self, series, pen, s, xy, LINE * weight(self, s));
    for (int i = 0; i < series->n && series->flags & LIM_PLOT_POINTS; i++)
        if (isfinite(xy[2 * i]) && isfinite(xy[2 * i + 1]))
            shape(pen->cr, s, xy[2 * i], xy[2 * i + 1], RADIUS * sqrt(weight(self, s)));
    cairo_fill(pen->cr);
}

static void
draw_legend_entry(LimPlot *self, int s, double x, double y, gpointer data)
{
    Pen *pen = data;
    const Series *series = get_series(self, s);
    GdkRGBA color = series_color(pen, s);
    g_autoptr(PangoLayout) name = make_text(self, series->name, s == self->stressed);
    double middle = crisp(pen, y + self->line / 2);

    gdk_cairo_set_source_rgba(pen->cr, &color);
    if (series->flags & LIM_PLOT_LINE) {
        cairo_move_to(pen->cr, x, middle);
        cairo_line_to(pen->cr, x + SAMPLE, middle);
        stroke_series(pen, line_of(self, s), LINE * weight(self, s));
    }
    if (series->flags & LIM_PLOT_POINTS) {
        shape(pen->cr, s, x + SAMPLE / 2.0, middle, RADIUS * sqrt(weight(self, s)));
        cairo_fill(pen->cr);
    }
    draw_text(pen, name, x + SAMPLE + PAD, y, &pen->text);
}

/* How much of the curves a box would hide: points, and places on the lines between them. */
static int
hidden_by(LimPlot *self, const graphene_rect_t *box)
{
    int n = 0;

    for (int s = 0; s < n_series(self); s++) {
        const Series *series = get_series(self, s);
        g_autofree double *xy = pixels(self, series);
        int parts = series->flags & LIM_PLOT_LINE ? CLAMP(200 / MAX(series->n, 1), 1, 8) : 1;
        for (int i = 0; i < series->n * parts; i++) {
            double x, y;
            lim_plot_place(xy, series->n, (double)i / parts, &x, &y);
            n += isfinite(x) && isfinite(y) &&
                 graphene_rect_contains_point(box, &GRAPHENE_POINT_INIT((float)x, (float)y));
        }
    }
    return n;
}

/* The upper left corner for a box of that size beside (x, y): inside the widget, and where it hides
 * least. */
static void
place_box(LimPlot *self, double x, double y, double w, double h, double *left, double *top)
{
    double right = gtk_widget_get_width(GTK_WIDGET(self)) - w - 1;
    double bottom = gtk_widget_get_height(GTK_WIDGET(self)) - h - 1;
    const double places[][2] = {{x + MARKER + 4, y - h - 4},
                                {x - MARKER - 4 - w, y + 4},
                                {x + MARKER + 4, y + 4},
                                {x - MARKER - 4 - w, y - h - 4}};
    int least = G_MAXINT;

    for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
        double bx = round(CLAMP(places[i][0], 1, MAX(right, 1)));
        double by = round(CLAMP(places[i][1], 1, MAX(bottom, 1)));
        graphene_rect_t box = GRAPHENE_RECT_INIT((float)bx, (float)by, (float)w, (float)h);
        int hidden = hidden_by(self, &box);
        if (graphene_rect_contains_point(&box, &GRAPHENE_POINT_INIT((float)x, (float)y)))
            hidden += 1000; /* moved over what it is about */
        if (hidden < least) {
            least = hidden;
            *left = bx;
            *top = by;
        }
    }
}

/* A text in a box beside (x, y). */
static void
draw_box(LimPlot *self, Pen *pen, const char *text, double x, double y, gboolean bold,
         gboolean border)
{
    g_autoptr(PangoLayout) layout = make_text(self, text, bold);
    int w, h;

    pango_layout_get_pixel_size(layout, &w, &h);
    double pad = border ? PAD : 2, bw = w + 2 * pad, bh = h + 2 * pad, bx = 0, by = 0;
    place_box(self, x, y, bw, bh, &bx, &by);

    GskRoundedRect frame;
    GdkRGBA back = pen->back;
    back.alpha = border ? 1 : 0.8F;
    gsk_rounded_rect_init_from_rect(&frame,
                                    &GRAPHENE_RECT_INIT((float)bx, (float)by, (float)bw, (float)bh),
                                    4);
    gtk_snapshot_push_rounded_clip(pen->snapshot, &frame);
    gtk_snapshot_append_color(pen->snapshot, &back, &frame.bounds);
    gtk_snapshot_pop(pen->snapshot);
    if (border)
        gtk_snapshot_append_border(pen->snapshot, &frame, (float[4]){1, 1, 1, 1},
                                   (GdkRGBA[4]){pen->faint, pen->faint, pen->faint, pen->faint});
    draw_text(pen, layout, bx + pad, by + pad, &pen->text);
}

/* Where the marker is; FALSE: nowhere. */
static gboolean
marker_place(LimPlot *self, double *x, double *y)
{
    if (isnan(self->marker) || self->marker_series >= n_series(self))
        return FALSE;
    const Series *series = get_series(self, self->marker_series);
    g_autofree double *xy = pixels(self, series);
    lim_plot_place(xy, series->n, self->marker, x, y);
    return isfinite(*x) && isfinite(*y);
}

/* The point that is read out: under the pointer, or under the keyboard's cursor. */
static gboolean
read_point(LimPlot *self, int *s, int *i)
{
    if (self->pointed_series >= 0 && !self->dragging) {
        *s = self->pointed_series;
        *i = self->pointed_point;
        return TRUE;
    }
    *s = self->cursor_series;
    *i = self->cursor_point;
    return self->cursor_series >= 0 && gtk_widget_has_visible_focus(GTK_WIDGET(self));
}

static void
draw_marker(Pen *pen, double x, double y)
{
    cairo_arc(pen->cr, x, y, MARKER, 0, 2 * G_PI);
    gdk_cairo_set_source_rgba(pen->cr, &pen->back);
    cairo_fill_preserve(pen->cr);
    gdk_cairo_set_source_rgba(pen->cr, &pen->text);
    cairo_set_line_width(pen->cr, 2);
    cairo_stroke(pen->cr);
    cairo_arc(pen->cr, x, y, 2, 0, 2 * G_PI);
    cairo_fill(pen->cr);
}

static void
draw_progress(LimPlot *self, Pen *pen)
{
    GdkRGBA rest = pen->text;

    if (self->progress >= 1)
        return;
    rest.alpha *= 0.12F;
    cairo_rectangle(pen->cr, self->left, self->top - 3, self->right - self->left, 2);
    gdk_cairo_set_source_rgba(pen->cr, &rest);
    cairo_fill(pen->cr);
    cairo_rectangle(pen->cr, self->left, self->top - 3, self->progress * (self->right - self->left),
                    2);
    gdk_cairo_set_source_rgba(pen->cr, &pen->accent);
    cairo_fill(pen->cr);
}

static void
draw_empty(LimPlot *self, Pen *pen)
{
    g_autoptr(PangoLayout) text = make_text(self, self->empty_text ? self->empty_text : "", FALSE);
    double width = self->right - self->left;
    int w, h;

    pango_layout_set_width(text, (int)((width - 4 * PAD) * PANGO_SCALE));
    pango_layout_set_wrap(text, PANGO_WRAP_WORD_CHAR);
    pango_layout_set_alignment(text, PANGO_ALIGN_CENTER);
    pango_layout_get_pixel_size(text, &w, &h);
    draw_text(pen, text, self->left + 2 * PAD, (self->top + self->bottom - h) / 2, &pen->faint);
}

static void
snapshot(GtkWidget *widget, GtkSnapshot *snapshot)
{
    LimPlot *self = LIM_PLOT(widget);
    GtkStyleContext *style = gtk_widget_get_style_context(widget);
    float w = (float)gtk_widget_get_width(widget), h = (float)gtk_widget_get_height(widget);
    Pen pen = {.snapshot = snapshot, .scale = gtk_widget_get_scale_factor(widget)};
    double x = 0, y = 0;
    int s, i;

    lay_out(self);
    if (self->right - self->left < 8 || self->bottom - self->top < 8)
        return;
    gtk_style_context_get_color(style, &pen.text);
    pen.faint = pen.text;
    pen.faint.alpha *= 0.7F;
    if (!gtk_style_context_lookup_color(style, "theme_bg_color", &pen.back))
        pen.back = (GdkRGBA){1 - pen.text.red, 1 - pen.text.green, 1 - pen.text.blue, 1};
    if (!gtk_style_context_lookup_color(style, "limen_accent", &pen.accent))
        pen.accent = pen.text;

    gboolean marked = marker_place(self, &x, &y);
    gboolean reads = read_point(self, &s, &i);
    pen.cr = gtk_snapshot_append_cairo(snapshot, &GRAPHENE_RECT_INIT(0, 0, w, h));
    draw_axes(self, &pen);
    draw_progress(self, &pen);
    for (int k = n_series(self) - 1; k >= 0; k--)
        if (k != self->stressed)
            draw_series(self, &pen, k);
    if (self->stressed >= 0) /* above the others */
        draw_series(self, &pen, self->stressed);
    if (marked)
        draw_marker(&pen, x, y);
    double rx = 0, ry = 0;
    if (reads) {
        const LimPlotPoint *p = &get_series(self, s)->points[i];
        rx = pixel_x(self, p->x);
        ry = pixel_y(self, p->y);
        GdkRGBA color = series_color(&pen, s);
        gdk_cairo_set_source_rgba(pen.cr, &color);
        cairo_set_line_width(pen.cr, 2);
        cairo_new_path(pen.cr);
        cairo_arc(pen.cr, rx, ry, MARKER + 3, 0, 2 * G_PI);
        cairo_stroke(pen.cr);
    }
    flow_legend(self, draw_legend_entry, &pen);
    cairo_destroy(pen.cr);

    draw_axis_texts(self, &pen);
    if (!has_points(self))
        draw_empty(self, &pen);
    if (marked && self->marker_text)
        draw_box(self, &pen, self->marker_text, x, y, TRUE, FALSE);
    if (reads) {
        g_autofree char *text = readout(self, s, i, "\n");
        draw_box(self, &pen, text, rx, ry, FALSE, TRUE);
    }
}

static void
measure(GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
        int *minimum_baseline, int *natural_baseline)
{
    *minimum = orientation == GTK_ORIENTATION_HORIZONTAL ? 180 : 160;
    *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? 280 : 240;
}

static void
size_allocate(GtkWidget *widget, int width, int height, int baseline)
{
    LIM_PLOT(widget)->laid_out = FALSE;
}

static void
css_changed(GtkWidget *widget, GtkCssStyleChange *change)
{
    GTK_WIDGET_CLASS(lim_plot_parent_class)->css_changed(widget, change);
    LIM_PLOT(widget)->laid_out = FALSE;
}

/* ---- pointer and keys ---- */

static gboolean
find_point(LimPlot *self, double x, double y, int *series, int *point)
{
    double reach = REACH;

    *series = *point = -1;
    for (int s = 0; s < n_series(self); s++) {
        const Series *it = get_series(self, s);
        g_autofree double *xy = pixels(self, it);
        int i = lim_plot_nearest(xy, it->n, x, y, reach);
        if (i < 0)
            continue;
        reach = hypot(xy[2 * i] - x, xy[2 * i + 1] - y);
        *series = s;
        *point = i;
    }
    return *series >= 0;
}

static double
position_at(LimPlot *self, int s, double x, double y, double reach)
{
    const Series *series = get_series(self, s);
    g_autofree double *xy = pixels(self, series);

    return lim_plot_nearest_on_line(xy, series->n, x, y, reach);
}

/* The series that a drag from here would move along, or -1. */
static int
find_grip(LimPlot *self, double x, double y)
{
    double mx, my;

    if (marker_place(self, &mx, &my) && hypot(mx - x, my - y) <= REACH &&
        get_series(self, self->marker_series)->flags & LIM_PLOT_DRAG)
        return self->marker_series;
    for (int s = 0; s < n_series(self); s++)
        if (get_series(self, s)->flags & LIM_PLOT_DRAG && !isnan(position_at(self, s, x, y, REACH)))
            return s;
    return -1;
}

static void
set_pointed(LimPlot *self, int series, int point)
{
    if (series == self->pointed_series && point == self->pointed_point)
        return;
    self->pointed_series = series;
    self->pointed_point = point;
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

static void
moved(LimPlot *self, double x, double y)
{
    int series, point;
    gboolean found = find_point(self, x, y, &series, &point);
    gboolean grip = self->dragging || found || find_grip(self, x, y) >= 0;

    set_pointed(self, series, point);
    gtk_widget_set_cursor_from_name(GTK_WIDGET(self), grip ? "pointer" : NULL);
}

static void
left(LimPlot *self)
{
    set_pointed(self, -1, -1);
}

static void
set_cursor(LimPlot *self, int series, int point)
{
    if (series == self->cursor_series && point == self->cursor_point)
        return;
    self->cursor_series = series;
    self->cursor_point = point;
    describe(self);
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

static void
drag_begin(LimPlot *self, double x, double y)
{
    int series, point;

    gtk_widget_grab_focus(GTK_WIDGET(self));
    self->dragging = FALSE;
    self->press_x = x;
    self->press_y = y;
    self->grabbed = find_grip(self, x, y);
    gboolean found = find_point(self, x, y, &series, &point);
    if (self->grabbed < 0 && found)
        self->grabbed = series;
    gtk_gesture_set_state(self->drag, self->grabbed >= 0 ? GTK_EVENT_SEQUENCE_CLAIMED
                                                         : GTK_EVENT_SEQUENCE_DENIED);
}

static void
drag_update(LimPlot *self, double dx, double dy)
{
    if (self->grabbed < 0 || !(get_series(self, self->grabbed)->flags & LIM_PLOT_DRAG))
        return;
    if (!self->dragging && hypot(dx, dy) < DRAG_MIN)
        return;
    double at = position_at(self, self->grabbed, self->press_x + dx, self->press_y + dy, INFINITY);
    if (isnan(at))
        return; /* the points have gone */
    self->dragging = TRUE;
    g_signal_emit(self, signals[DRAGGED], 0, self->grabbed, at);
}

static void
drag_end(LimPlot *self, double dx, double dy)
{
    int grabbed = self->grabbed, series, point;
    gboolean dragging = self->dragging;
    double x = self->press_x, y = self->press_y;

    self->grabbed = -1;
    self->dragging = FALSE;
    if (grabbed < 0)
        return;
    if (dragging) {
        double at = position_at(self, grabbed, x + dx, y + dy, INFINITY);
        if (isnan(at))
            g_signal_emit(self, signals[CANCELLED], 0);
        else
            g_signal_emit(self, signals[ACTIVATED], 0, grabbed, at);
    } else if (find_point(self, x, y, &series, &point)) {
        set_cursor(self, series, point);
        g_signal_emit(self, signals[ACTIVATED], 0, series, (double)point);
    } else {
        double at = position_at(self, grabbed, x, y, REACH);
        if (!isnan(at))
            g_signal_emit(self, signals[ACTIVATED], 0, grabbed, at);
    }
}

static void
cancel_drag(LimPlot *self)
{
    gboolean dragging = self->dragging;

    self->grabbed = -1;
    self->dragging = FALSE;
    if (dragging)
        g_signal_emit(self, signals[CANCELLED], 0);
}

/* The first series with points, from s in steps of d; -1: none. */
static int
next_series(LimPlot *self, int s, int d)
{
    while (s >= 0 && s < n_series(self) && !get_series(self, s)->n)
        s += d;
    return s >= 0 && s < n_series(self) ? s : -1;
}

static gboolean
key_pressed(LimPlot *self, guint keyval, guint code, GdkModifierType state)
{
    int s = self->cursor_series, i = self->cursor_point;

    if (state & (GDK_CONTROL_MASK | GDK_ALT_MASK))
        return GDK_EVENT_PROPAGATE;
    if (keyval == GDK_KEY_Escape && self->dragging) {
        cancel_drag(self);
        return GDK_EVENT_STOP;
    }
    if (!has_points(self))
        return GDK_EVENT_PROPAGATE;
    if (s < 0) { /* the first key goes to the marker, where a person already looks */
        double at = self->marker;
        s = next_series(self, isnan(at) ? 0 : self->marker_series, 1);
        s = s < 0 ? next_series(self, 0, 1) : s;
        i = isnan(at) ? 0 : CLAMP((int)round(at), 0, get_series(self, s)->n - 1);
    }
    int other = s;
    switch (keyval) {
    case GDK_KEY_Left:
    case GDK_KEY_KP_Left:
        i -= self->cursor_series >= 0;
        break;
    case GDK_KEY_Right:
    case GDK_KEY_KP_Right:
        i += self->cursor_series >= 0;
        break;
    case GDK_KEY_Up:
    case GDK_KEY_KP_Up:
        other = next_series(self, s - 1, -1);
        break;
    case GDK_KEY_Down:
    case GDK_KEY_KP_Down:
        other = next_series(self, s + 1, 1);
        break;
    case GDK_KEY_Home:
        i = 0;
        break;
    case GDK_KEY_End:
        i = G_MAXINT;
        break;
    case GDK_KEY_Return:
    case GDK_KEY_KP_Enter:
    case GDK_KEY_space:
        if (self->cursor_series < 0)
            return GDK_EVENT_PROPAGATE;
        g_signal_emit(self, signals[ACTIVATED], 0, s, (double)i);
        return GDK_EVENT_STOP;
    default:
        return GDK_EVENT_PROPAGATE;
    }
    s = other < 0 ? s : other;
    set_cursor(self, s, CLAMP(i, 0, get_series(self, s)->n - 1));
    return GDK_EVENT_STOP;
}

/* ---- contents ---- */

static int
axis_index(GtkOrientation axis)
{
    return axis == GTK_ORIENTATION_HORIZONTAL ? 0 : 1;
}

void
lim_plot_set_axis(LimPlot *self, GtkOrientation axis, const char *title, gboolean log)
{
    Axis *a = &self->axis[axis_index(axis)];

    g_free(a->title);
    a->title = g_strdup(title);
    a->log = log;
    changed(self);
    describe(self);
}

void
lim_plot_set_whole(LimPlot *self, GtkOrientation axis, gboolean whole)
{
    self->axis[axis_index(axis)].whole = whole;
    changed(self);
    describe(self);
}

int
lim_plot_get_n_ticks(LimPlot *self, GtkOrientation axis)
{
    lay_out(self);
    return self->axis[axis_index(axis)].n_ticks;
}

void
lim_plot_set_names(LimPlot *self, GtkOrientation axis, const char *const *names, int n)
{
    Axis *a = &self->axis[axis_index(axis)];

    g_clear_pointer(&a->names, g_strfreev);
    a->n_names = n;
    if (n)
        a->names = g_new0(char *, n + 1);
    for (int i = 0; i < n; i++)
        a->names[i] = g_strdup(names[i]);
    changed(self);
    describe(self);
}

void
lim_plot_set_stressed(LimPlot *self, int series)
{
    g_return_if_fail(series >= -1 && series < n_series(self));
    self->stressed = series;
    changed(self);
    describe(self);
}

int
lim_plot_get_stressed(LimPlot *self)
{
    return self->stressed;
}

void
lim_plot_set_range(LimPlot *self, GtkOrientation axis, double lo, double hi)
{
    Axis *a = &self->axis[axis_index(axis)];

    g_return_if_fail(!(lo >= hi));
    a->fixed_lo = lo;
    a->fixed_hi = hi;
    changed(self);
}

void
lim_plot_set_empty_text(LimPlot *self, const char *text)
{
    g_free(self->empty_text);
    self->empty_text = g_strdup(text);
    changed(self);
    describe(self);
}

static void
free_series(gpointer data)
{
    Series *series = data;

    g_free(series->name);
    g_free(series->points);
    g_strfreev(series->labels);
    g_free(series);
}

int
lim_plot_add_series(LimPlot *self, const char *name, LimPlotFlags flags)
{
    Series *series = g_new0(Series, 1);

    series->name = g_strdup(name);
    series->flags = flags;
    g_ptr_array_add(self->series, series);
    changed(self);
    return n_series(self) - 1;
}

void
lim_plot_set_points(LimPlot *self, int s, const LimPlotPoint *points, int n,
                    const char *const *labels)
{
    g_return_if_fail(s >= 0 && s < n_series(self) && n >= 0);
    Series *series = get_series(self, s);

    g_free(series->points);
    g_clear_pointer(&series->labels, g_strfreev);
    series->points = g_memdup2(points, sizeof *points * (gsize)n);
    series->n = n;
    if (labels) {
        series->labels = g_new0(char *, n + 1);
        for (int i = 0; i < n; i++)
            series->labels[i] = g_strdup(labels[i]);
    }
    if (self->cursor_series == s && self->cursor_point >= n) {
        self->cursor_point = n - 1;
        self->cursor_series = n ? s : -1;
    }
    if (self->pointed_series == s && self->pointed_point >= n)
        self->pointed_series = self->pointed_point = -1;
    changed(self);
    describe(self);
}

int
lim_plot_get_n_points(LimPlot *self, int s)
{
    g_return_val_if_fail(s >= 0 && s < n_series(self), 0);
    return get_series(self, s)->n;
}

void
lim_plot_set_marker(LimPlot *self, int series, double position, const char *text)
{
    self->marker_series = series;
    self->marker = position;
    g_free(self->marker_text);
    self->marker_text = g_strdup(text);
    describe(self);
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

double
lim_plot_get_marker(LimPlot *self)
{
    return self->marker;
}

void
lim_plot_set_progress(LimPlot *self, double fraction)
{
    fraction = CLAMP(fraction, 0, 1);
    if (fraction == self->progress)
        return;
    if ((fraction < 1) != (self->progress < 1))
        gtk_accessible_update_state(GTK_ACCESSIBLE(self), GTK_ACCESSIBLE_STATE_BUSY, fraction < 1,
                                    -1);
    self->progress = fraction;
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

double
lim_plot_get_progress(LimPlot *self)
{
    return self->progress;
}

void
lim_plot_get_cursor(LimPlot *self, int *series, int *point)
{
    *series = self->cursor_series;
    *point = self->cursor_point;
}

static void
finalize(GObject *object)
{
    LimPlot *self = LIM_PLOT(object);

    g_ptr_array_unref(self->series);
    g_free(self->label);
    g_free(self->empty_text);
    g_free(self->marker_text);
    for (int i = 0; i < 2; i++) {
        g_free(self->axis[i].title);
        g_strfreev(self->axis[i].names);
    }
    G_OBJECT_CLASS(lim_plot_parent_class)->finalize(object);
}

static void
lim_plot_class_init(LimPlotClass *klass)
{
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->finalize = finalize;
    widget_class->snapshot = snapshot;
    widget_class->measure = measure;
    widget_class->size_allocate = size_allocate;
    widget_class->css_changed = css_changed;
    signals[ACTIVATED] = g_signal_new("point-activated", LIM_TYPE_PLOT, G_SIGNAL_RUN_LAST, 0, NULL,
                                      NULL, NULL, G_TYPE_NONE, 2, G_TYPE_INT, G_TYPE_DOUBLE);
    signals[DRAGGED] = g_signal_new("point-dragged", LIM_TYPE_PLOT, G_SIGNAL_RUN_LAST, 0, NULL,
                                    NULL, NULL, G_TYPE_NONE, 2, G_TYPE_INT, G_TYPE_DOUBLE);
    signals[CANCELLED] = g_signal_new("drag-cancelled", LIM_TYPE_PLOT, G_SIGNAL_RUN_LAST, 0, NULL,
                                      NULL, NULL, G_TYPE_NONE, 0);
    gtk_widget_class_set_css_name(widget_class, "plot");
    gtk_widget_class_set_accessible_role(widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
lim_plot_init(LimPlot *self)
{
    GtkEventController *keys = gtk_event_controller_key_new();
    GtkEventController *motion = gtk_event_controller_motion_new();

    self->series = g_ptr_array_new_with_free_func(free_series);
    for (int i = 0; i < 2; i++) {
        self->axis[i].title = g_strdup(i ? "y" : "x");
        self->axis[i].fixed_lo = self->axis[i].fixed_hi = NAN;
    }
    self->stressed = -1;
    self->marker = NAN;
    self->progress = 1;
    self->cursor_series = self->cursor_point = -1;
    self->pointed_series = self->pointed_point = -1;
    self->grabbed = -1;
    gtk_widget_set_focusable(GTK_WIDGET(self), TRUE);

    g_signal_connect_swapped(keys, "key-pressed", G_CALLBACK(key_pressed), self);
    gtk_widget_add_controller(GTK_WIDGET(self), keys);
    g_signal_connect_swapped(motion, "motion", G_CALLBACK(moved), self);
    g_signal_connect_swapped(motion, "leave", G_CALLBACK(left), self);
    gtk_widget_add_controller(GTK_WIDGET(self), motion);
    self->drag = gtk_gesture_drag_new();
    g_signal_connect_swapped(self->drag, "drag-begin", G_CALLBACK(drag_begin), self);
    g_signal_connect_swapped(self->drag, "drag-update", G_CALLBACK(drag_update), self);
    g_signal_connect_swapped(self->drag, "drag-end", G_CALLBACK(drag_end), self);
    g_signal_connect_swapped(self->drag, "cancel", G_CALLBACK(cancel_drag), self);
    gtk_widget_add_controller(GTK_WIDGET(self), GTK_EVENT_CONTROLLER(self->drag));
}

GtkWidget *
lim_plot_new(const char *label)
{
    LimPlot *self = g_object_new(LIM_TYPE_PLOT, NULL);

    self->label = g_strdup(label);
    describe(self);
    return GTK_WIDGET(self);
}
