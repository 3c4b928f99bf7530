/* LimDensityPlot: what a truncation threshold does to the values that a generator starts from.
 *
 * Both curves are scaled to the same height. As densities, the truncated one would leave the plot
 * at small thresholds, just where its narrowness is the point. */
#include "widgets/lim-density-plot.h"

#include <math.h>

#define RANGE   3.0 /* the axis runs from -RANGE to RANGE */
#define HEIGHT  72
#define TICKS_H 18

struct _LimDensityPlot {
    GtkWidget parent_instance;
    double sigma, bound;
};

G_DEFINE_FINAL_TYPE(LimDensityPlot, lim_density_plot, GTK_TYPE_WIDGET)

static void
describe(LimDensityPlot *self)
{
    double kept = erf(self->bound / self->sigma / G_SQRT2);
    g_autofree char *text =
        g_strdup_printf("Latent values lie between %.2f and %.2f: %.1f %% of a normal "
                        "distribution%s",
                        -self->bound, self->bound, 100 * kept,
                        self->sigma == 1 ? "" : " that is scaled");

    gtk_accessible_update_property(GTK_ACCESSIBLE(self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   "Distribution of latent values",
                                   GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, text, -1);
    gtk_widget_set_tooltip_text(GTK_WIDGET(self), text);
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
    double base = (double)h - TICKS_H;
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
    *minimum = *natural = orientation == GTK_ORIENTATION_VERTICAL ? HEIGHT + TICKS_H : 120;
}

static void
lim_density_plot_class_init(LimDensityPlotClass *klass)
{
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(klass);

    widget_class->snapshot = snapshot;
    widget_class->measure = measure;
    gtk_widget_class_set_css_name(widget_class, "densityplot");
    gtk_widget_class_set_accessible_role(widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
lim_density_plot_init(LimDensityPlot *self)
{
    self->sigma = self->bound = 1;
    describe(self);
}

GtkWidget *
lim_density_plot_new(void)
{
    return g_object_new(LIM_TYPE_DENSITY_PLOT, NULL);
}
