/* LimDensityPlot: what a truncation threshold does to the values that a generator starts from.
 *
 * Both curves are scaled to the same height. As densities, the truncated one would leave the plot
 * at small thresholds, just where its narrowness is the point. */
#include "widgets/lim-density-plot.h"

#include <math.h>

#define RANGE    3.0 /* the axis runs from -RANGE to RANGE */
#define HEIGHT   60
#define NUMBER_H 18
#define RUG_H    16 /* of the ticks of a sample, all rows together */
#define ROWS_MAX 4

struct _LimDensityPlot {
    GtkWidget parent_instance;
    double sigma, bound;
    char *of;
    float *values;
    int n, rows;
    double bounds[ROWS_MAX];
};

G_DEFINE_FINAL_TYPE(LimDensityPlot, lim_density_plot, GTK_TYPE_WIDGET)

static void
describe(LimDensityPlot *self)
{
    double kept = erf(self->bound / self->sigma / G_SQRT2);
    char *text = g_strdup_printf("Latent values lie between %.2f and %.2f: %.1f %% of a normal "
                                 "distribution%s",
                                 -self->bound, self->bound, 100 * kept,
                                 self->sigma == 1 ? "" : " that is scaled");

    if (self->n) {
        double most = 0;
        for (int i = 0; i < self->n; i++)
            most = MAX(most, fabs((double)self->values[i]));
        char *with = g_strdup_printf("%s. %s: %d values, the largest %.2f from zero", text,
                                     self->of, self->n, most);
        g_free(text);
        text = with;
    }

    gtk_accessible_update_property(GTK_ACCESSIBLE(self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   "Distribution of latent values",
                                   GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, text, -1);
    gtk_widget_set_tooltip_text(GTK_WIDGET(self), text);
    g_free(text);
}

void
lim_density_plot_set(LimDensityPlot *self, double sigma, double bound)
{
    if (sigma == self->sigma && bound == self->bound)
        return;
    self->sigma = sigma;
    self->bound = bound;
    describe(self);
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

void
lim_density_plot_set_ticks(LimDensityPlot *self, const char *of, const float *values, int n,
                           const double *bounds, int rows)
{
    g_return_if_fail(rows >= 1 && rows <= ROWS_MAX && n % rows == 0);
    if (n == self->n && rows == self->rows && g_strcmp0(of, self->of) == 0 &&
        (!n || !memcmp(values, self->values, (gsize)n * sizeof *values)) &&
        !memcmp(bounds, self->bounds, (gsize)rows * sizeof *bounds))
        return;
    g_free(self->of);
    g_free(self->values);
    self->of = g_strdup(of);
    self->values = g_memdup2(values, (gsize)n * sizeof *values);
    self->n = n;
    self->rows = rows;
    memcpy(self->bounds, bounds, (gsize)rows * sizeof *bounds);
    describe(self);
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

/* Values as a rug below the axis; what lies outside the plot stands at its edge. */
static void
rug(LimDensityPlot *self, cairo_t *cr, double w, double top, const GdkRGBA *text,
    const GdkRGBA *accent)
{
    double row_h = (double)RUG_H / self->rows;
    int per_row = self->n / self->rows;

    cairo_set_line_width(cr, 1);
    for (int i = 0; i < self->n; i++) {
        double x = w * (CLAMP((double)self->values[i], -RANGE, RANGE) + RANGE) / (2 * RANGE);
        double y = top + i / per_row * row_h;
        cairo_move_to(cr, x, y + 1);
        cairo_line_to(cr, x, y + row_h - (self->rows > 1));
    }
    gdk_cairo_set_source_rgba(cr, text);
    cairo_stroke(cr);
    for (int row = 0; row < self->rows; row++) {
        for (int side = -1; side <= 1; side += 2) {
            double x = w * (side * self->bounds[row] + RANGE) / (2 * RANGE);
            cairo_move_to(cr, x, top + row * row_h);
            cairo_line_to(cr, x, top + (row + 1) * row_h);
        }
    }
    gdk_cairo_set_source_rgba(cr, accent);
    cairo_set_line_width(cr, 2);
    cairo_stroke(cr);
}

/* The bell of width sigma between -bound and bound as a path from left to right. */
static void
bell(cairo_t *cr, double w, double h, double sigma, double bound)
{
    double reach = MIN(bound, RANGE);

    for (int i = 0; i <= 128; i++) {
        double x = -reach + 2 * reach * i / 128;
        double y = exp(-0.5 * x * x / (sigma * sigma));
        cairo_line_to(cr, w * (x + RANGE) / (2 * RANGE), h - (h - 2) * y);
    }
}

static void
snapshot(GtkWidget *widget, GtkSnapshot *snapshot)
{
    LimDensityPlot *self = LIM_DENSITY_PLOT(widget);
    GtkStyleContext *style = gtk_widget_get_style_context(widget);
    float w = (float)gtk_widget_get_width(widget), h = (float)gtk_widget_get_height(widget);
    double base = (double)h - NUMBER_H - RUG_H;
    GdkRGBA text, accent;

    gtk_style_context_get_color(style, &text);
    if (!gtk_style_context_lookup_color(style, "limen_accent", &accent))
        accent = text;
    cairo_t *cr = gtk_snapshot_append_cairo(snapshot, &GRAPHENE_RECT_INIT(0, 0, w, h));

    double left = (double)w * (RANGE - MIN(self->bound, RANGE)) / (2 * RANGE);
    cairo_move_to(cr, left, base);
    bell(cr, (double)w, base, self->sigma, self->bound);
    cairo_line_to(cr, (double)w - left, base);
    cairo_close_path(cr);
    gdk_cairo_set_source_rgba(cr, &accent);
    cairo_fill(cr);

    text.alpha *= 0.5F;
    gdk_cairo_set_source_rgba(cr, &text);
    cairo_set_line_width(cr, 1);
    bell(cr, (double)w, base, 1, RANGE);
    cairo_stroke(cr);
    cairo_move_to(cr, 0, base + 0.5);
    cairo_line_to(cr, (double)w, base + 0.5);
    cairo_stroke(cr);
    if (self->n)
        rug(self, cr, (double)w, base + 1, &text, &accent);
    cairo_destroy(cr);

    for (int v = -2; v <= 2; v++) {
        g_autofree char *number = g_strdup_printf("%s%d", v < 0 ? "\342\210\222" : "", ABS(v));
        g_autoptr(PangoLayout) layout = gtk_widget_create_pango_layout(widget, number);
        int tw, th;
        pango_layout_get_pixel_size(layout, &tw, &th);
        gtk_snapshot_save(snapshot);
        gtk_snapshot_translate(snapshot, &GRAPHENE_POINT_INIT(w * ((float)v + (float)RANGE) /
                                                                      (2 * (float)RANGE) -
                                                                  (float)tw / 2,
                                                              h - (float)th));
        gtk_snapshot_append_layout(snapshot, layout, &text);
        gtk_snapshot_restore(snapshot);
    }
}

static void
measure(GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
        int *minimum_baseline, int *natural_baseline)
{
    *minimum = *natural = orientation == GTK_ORIENTATION_VERTICAL ? HEIGHT + RUG_H + NUMBER_H : 120;
}

static void
finalize(GObject *object)
{
    LimDensityPlot *self = LIM_DENSITY_PLOT(object);

    g_free(self->of);
    g_free(self->values);
    G_OBJECT_CLASS(lim_density_plot_parent_class)->finalize(object);
}

static void
lim_density_plot_class_init(LimDensityPlotClass *klass)
{
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->finalize = finalize;
    widget_class->snapshot = snapshot;
    widget_class->measure = measure;
    gtk_widget_class_set_css_name(widget_class, "densityplot");
    gtk_widget_class_set_accessible_role(widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
lim_density_plot_init(LimDensityPlot *self)
{
    self->sigma = self->bound = 1;
    self->rows = 1;
    describe(self);
}

GtkWidget *
lim_density_plot_new(void)
{
    return g_object_new(LIM_TYPE_DENSITY_PLOT, NULL);
}
