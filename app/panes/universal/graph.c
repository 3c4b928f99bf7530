/* Labels stand on a circle; arrows are flows of at least a tenth of the pictures of a label. */
#include "panes/universal/graph.h"

#include <math.h>

#define LEAST 0.1 /* share of an arrow */

typedef struct {
    int n;
    int *counts;
    char **names;
} Graph;

static void
graph_free(gpointer data)
{
    Graph *g = data;

    g_free(g->counts);
    g_strfreev(g->names);
    g_free(g);
}

static int
row_sum(const Graph *g, int i)
{
    int sum = 0;
    for (int k = 0; k < g->n; k++)
        sum += g->counts[i * g->n + k];
    return sum;
}

static void
place(const Graph *g, int i, int w, int h, double share, double *x, double *y)
{
    const double angle = 2 * G_PI * i / g->n - G_PI / 2;

    *x = w / 2.0 + share * (w / 2.0 - 70) * cos(angle);
    *y = h / 2.0 + share * (h / 2.0 - 16) * sin(angle);
}

static void
draw_arrow(cairo_t *cr, const Graph *g, int i, int k, double share, int w, int h)
{
    double x0, y0, x1, y1;

    place(g, i, w, h, 0.9, &x0, &y0);
    place(g, k, w, h, 0.9, &x1, &y1);
    const double mx = (x0 + x1) / 2 + 0.25 * (w / 2.0 - (x0 + x1) / 2),
                 my = (y0 + y1) / 2 + 0.25 * (h / 2.0 - (y0 + y1) / 2);
    const double length = hypot(x1 - mx, y1 - my) + 1e-9, size = 5 + 4 * share;
    const double dx = (x1 - mx) / length, dy = (y1 - my) / length;
    cairo_set_line_width(cr, 0.8 + 4 * share);
    cairo_move_to(cr, x0, y0);
    cairo_curve_to(cr, mx, my, mx, my, x1 - dx * size, y1 - dy * size);
    cairo_stroke(cr);
    cairo_move_to(cr, x1, y1);
    cairo_line_to(cr, x1 - size * (dx - dy * 0.5), y1 - size * (dy + dx * 0.5));
    cairo_line_to(cr, x1 - size * (dx + dy * 0.5), y1 - size * (dy - dx * 0.5));
    cairo_fill(cr);
}

static void
draw(GtkDrawingArea *area, cairo_t *cr, int w, int h, gpointer data)
{
    const Graph *g = g_object_get_data(G_OBJECT(area), "graph");
    GdkRGBA ink;

    if (!g)
        return;
    gtk_style_context_get_color(gtk_widget_get_style_context(GTK_WIDGET(area)), &ink);
    for (int i = 0; i < g->n; i++)
        for (int k = 0; k < g->n; k++) {
            const int all = row_sum(g, i);
            const double share = all ? (double)g->counts[i * g->n + k] / all : 0;
            if (i == k || share < LEAST)
                continue;
            cairo_set_source_rgba(cr, 0.84, 0.37, 0, 0.35 + 0.6 * share);
            draw_arrow(cr, g, i, k, share, w, h);
        }
    for (int i = 0; i < g->n; i++) {
        double x, y;
        int tw, th;
        g_autoptr(PangoLayout) layout =
            gtk_widget_create_pango_layout(GTK_WIDGET(area), g->names[i]);
        pango_layout_get_pixel_size(layout, &tw, &th);
        place(g, i, w, h, 1, &x, &y);
        const double side = (x - w / 2.0) / (w / 2.0 - 70 + 1e-9);
        x = side > 0.2 ? x : side < -0.2 ? x - tw : x - tw / 2.0;
        cairo_set_source_rgba(cr, (double)ink.red, (double)ink.green, (double)ink.blue,
                              (double)ink.alpha);
        cairo_move_to(cr, CLAMP(x, 0, MAX(0, w - tw)), CLAMP(y - th / 2.0, 0, MAX(0, h - th)));
        pango_cairo_show_layout(cr, layout);
    }
}

GtkWidget *
lim_label_graph_new(void)
{
    GtkWidget *area = g_object_new(GTK_TYPE_DRAWING_AREA, "accessible-role",
                                   GTK_ACCESSIBLE_ROLE_IMG, "hexpand", TRUE, "vexpand", TRUE, NULL);

    gtk_drawing_area_set_draw_func(GTK_DRAWING_AREA(area), draw, NULL, NULL);
    gtk_widget_set_tooltip_text(area,
                                "From the label of a picture to the label that it has with v; "
                                "wider arrows stand for more of the pictures of that label");
    gtk_accessible_update_property(GTK_ACCESSIBLE(area), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   "Label graph", -1);
    return area;
}

/* The same in words, for assistive technology. */
static void
describe(GtkWidget *graph, const Graph *g)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (int i = 0; i < g->n; i++)
        for (int k = 0; k < g->n; k++) {
            const int all = row_sum(g, i);
            const double share = all ? (double)g->counts[i * g->n + k] / all : 0;
            if (i != k && share >= LEAST)
                g_string_append_printf(text, "%s%s to %s %.0f %%", text->len ? ", " : "",
                                       g->names[i], g->names[k], 100 * share);
        }
    gtk_accessible_update_property(GTK_ACCESSIBLE(graph), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                   text->len ? text->str : "no label changes", -1);
}

void
lim_label_graph_set(GtkWidget *graph, int n, const int *counts, const char *const *names)
{
    Graph *g = g_new0(Graph, 1);

    g->n = n;
    g->counts = g_memdup2(counts, (gsize)(n * n) * sizeof *counts);
    g->names = g_new0(char *, n + 1);
    for (int i = 0; i < n; i++)
        g->names[i] = g_strdup(names[i]);
    describe(graph, g);
    g_object_set_data_full(G_OBJECT(graph), "graph", g, graph_free);
    gtk_widget_queue_draw(graph);
}
