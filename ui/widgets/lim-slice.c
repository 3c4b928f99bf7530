/* LimSlice: the map is a small picture with a pixel per place, enlarged without smoothing, because
 * between two places nothing was asked. */
#include "widgets/lim-slice.h"

#include "widgets/class-colors.h"

#include <math.h>
#include <string.h>

#define POINTS_MAX 4

struct _LimSlice {
    GtkWidget parent_instance;
    char *name;
    cairo_surface_t *map;
    int *label;
    int grid;
    double x0, y0, side;
    char **names; /* [n_names] */
    int n_names;
    double (*path)[2];
    int n_path;
    LimSlicePoint points[POINTS_MAX];
    int n_points;
};

G_DEFINE_FINAL_TYPE(LimSlice, lim_slice, GTK_TYPE_WIDGET)

static void
describe(LimSlice *self)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (!self->map)
        g_string_append(text, "Not known yet");
    for (int k = 0; k < self->n_names && self->map; k++) {
        int count = 0;
        for (int i = 0; i < self->grid * self->grid; i++)
            count += self->label[i] == k;
        if (count)
            g_string_append_printf(text, "%s%s %.0f %%",
                                   text->len ? ", " : "Of the area: ", self->names[k],
                                   100.0 * count / ((double)self->grid * self->grid));
    }
    for (int i = 0; i < self->n_points && self->map; i++) {
        int k = lim_slice_get_label(self, self->points[i].x, self->points[i].y);
        if (k >= 0)
            g_string_append_printf(text, ". %s in %s", self->points[i].name, self->names[k]);
    }
    gtk_accessible_update_property(GTK_ACCESSIBLE(self), GTK_ACCESSIBLE_PROPERTY_LABEL, self->name,
                                   GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, text->str, -1);
}

static void
changed(LimSlice *self)
{
    describe(self);
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

void
lim_slice_clear(LimSlice *self)
{
    g_clear_pointer(&self->map, cairo_surface_destroy);
    g_clear_pointer(&self->label, g_free);
    g_clear_pointer(&self->path, g_free);
    self->n_path = self->n_points = 0;
    changed(self);
}

void
lim_slice_set_map(LimSlice *self, const int *label, const float *confidence, int grid, double x0,
                  double y0, double side, const char *const *names, int n_names)
{
    double rgb[3];

    g_clear_pointer(&self->map, cairo_surface_destroy);
    g_free(self->label);
    g_strfreev(self->names);
    self->names = g_new0(char *, n_names + 1);
    for (int k = 0; k < n_names; k++)
        self->names[k] = g_strdup(names[k]);
    self->n_names = n_names;
    self->label = g_memdup2(label, (gsize)(grid * grid) * sizeof *label);
    self->grid = grid;
    self->x0 = x0;
    self->y0 = y0;
    self->side = side;
    self->map = cairo_image_surface_create(CAIRO_FORMAT_RGB24, grid, grid);
    unsigned char *data = cairo_image_surface_get_data(self->map);
    gsize stride = (gsize)cairo_image_surface_get_stride(self->map);
    for (int i = 0; i < grid * grid; i++) {
        lim_class_color(label[i], (double)confidence[i], rgb);
        ((guint32 *)(void *)(data + (gsize)(i / grid) * stride))[i % grid] =
            (guint32)lrint(255 * rgb[0]) << 16 | (guint32)lrint(255 * rgb[1]) << 8 |
            (guint32)lrint(255 * rgb[2]);
    }
    cairo_surface_mark_dirty(self->map);
    changed(self);
}

void
lim_slice_set_path(LimSlice *self, const double (*xy)[2], int n)
{
    g_free(self->path);
    self->path = g_memdup2(xy, (gsize)n * sizeof *xy);
    self->n_path = n;
    changed(self);
}

void
lim_slice_set_points(LimSlice *self, const LimSlicePoint *points, int n)
{
    g_return_if_fail(n <= POINTS_MAX);
    if (n)
        memcpy(self->points, points, (gsize)n * sizeof *points);
    self->n_points = n;
    changed(self);
}

int
lim_slice_get_label(LimSlice *self, double x, double y)
{
    int column = (int)floor((x - self->x0) / self->side * self->grid);
    int row = (int)floor((1 - (y - self->y0) / self->side) * self->grid);

    if (!self->map || column < 0 || row < 0 || column >= self->grid || row >= self->grid)
        return -1;
    return self->label[row * self->grid + column];
}

/* The square on the screen. */
static double
lay_out(LimSlice *self, double *left, double *top)
{
    double w = gtk_widget_get_width(GTK_WIDGET(self)), h = gtk_widget_get_height(GTK_WIDGET(self));
    double side = MIN(w, h);

    *left = floor((w - side) / 2);
    *top = floor((h - side) / 2);
    return side;
}

void
lim_slice_locate(LimSlice *self, double x, double y, double *widget_x, double *widget_y)
{
    double left, top, side = lay_out(self, &left, &top);

    *widget_x = left + (x - self->x0) / self->side * side;
    *widget_y = top + (1 - (y - self->y0) / self->side) * side;
}

/* ---- drawing ---- */

/* Text that can be read on any colour. */
static void
draw_text(LimSlice *self, cairo_t *cr, const char *string, double x, double y, double align)
{
    g_autoptr(PangoLayout) text = gtk_widget_create_pango_layout(GTK_WIDGET(self), string);
    int w, h;

    pango_layout_get_pixel_size(text, &w, &h);
    cairo_move_to(cr, x - align * w, y - h / 2.0);
    pango_cairo_layout_path(cr, text);
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_set_line_width(cr, 3);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    cairo_stroke_preserve(cr);
    cairo_set_source_rgb(cr, 0, 0, 0);
    cairo_fill(cr);
}

/* The place of a class that is farthest from other classes (in steps of the grid), for its name. */
static gboolean
find_name_place(LimSlice *self, int k, double *x, double *y)
{
    int best = 0, n = self->grid;

    for (int row = 0; row < n; row++)
        for (int column = 0; column < n; column++) {
            int r = 0;
            gboolean same = TRUE;
            while (same && r < n) {
                for (int d = -r; d <= r && same; d++) {
                    const int at[4][2] = {{row - r, column + d},
                                          {row + r, column + d},
                                          {row + d, column - r},
                                          {row + d, column + r}};
                    for (int i = 0; i < 4 && same; i++)
                        same = at[i][0] >= 0 && at[i][1] >= 0 && at[i][0] < n && at[i][1] < n &&
                               self->label[at[i][0] * n + at[i][1]] == k;
                }
                r += same;
            }
            if (r > best) {
                best = r;
                *x = (column + 0.5) / n;
                *y = (row + 0.5) / n;
            }
        }
    return best >= 3;
}

static void
snapshot(GtkWidget *widget, GtkSnapshot *snapshot)
{
    LimSlice *self = LIM_SLICE(widget);
    double left, top, side = lay_out(self, &left, &top), x, y;
    float w = (float)gtk_widget_get_width(widget), h = (float)gtk_widget_get_height(widget);
    GdkRGBA color;

    gtk_style_context_get_color(gtk_widget_get_style_context(widget), &color);
    cairo_t *cr = gtk_snapshot_append_cairo(snapshot, &GRAPHENE_RECT_INIT(0, 0, w, h));
    if (!self->map) {
        color.alpha *= 0.06F;
        gdk_cairo_set_source_rgba(cr, &color);
        cairo_rectangle(cr, left, top, side, side);
        cairo_fill(cr);
        cairo_destroy(cr);
        return;
    }
    cairo_save(cr);
    cairo_rectangle(cr, left, top, side, side);
    cairo_clip(cr);
    cairo_save(cr);
    cairo_translate(cr, left, top);
    cairo_scale(cr, side / self->grid, side / self->grid);
    cairo_set_source_surface(cr, self->map, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(cr), CAIRO_FILTER_NEAREST);
    cairo_paint(cr);
    cairo_restore(cr);
    for (int rim = 1; rim >= 0 && self->n_path > 1; rim--) { /* light around dark */
        for (int i = 0; i < self->n_path; i++) {
            lim_slice_locate(self, self->path[i][0], self->path[i][1], &x, &y);
            cairo_line_to(cr, x, y);
        }
        cairo_set_source_rgb(cr, rim, rim, rim);
        cairo_set_line_width(cr, 1.5 + 2 * rim);
        cairo_stroke(cr);
    }
    for (int k = 0; k < self->n_names; k++)
        if (find_name_place(self, k, &x, &y))
            draw_text(self, cr, self->names[k], left + x * side, top + y * side, 0.5);
    for (int i = 0; i < self->n_points; i++) {
        lim_slice_locate(self, self->points[i].x, self->points[i].y, &x, &y);
        cairo_arc(cr, x, y, 5, 0, 2 * G_PI);
        cairo_set_source_rgb(cr, 1, 1, 1);
        cairo_fill_preserve(cr);
        cairo_set_source_rgb(cr, 0, 0, 0);
        cairo_set_line_width(cr, 2);
        cairo_stroke(cr);
        draw_text(self, cr, self->points[i].name, x + (x < left + side / 2 ? 9 : -9), y,
                  x < left + side / 2 ? 0 : 1);
    }
    cairo_restore(cr);
    cairo_destroy(cr);
}

static void
measure(GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
        int *minimum_baseline, int *natural_baseline)
{
    *minimum = *natural = 120;
}

static void
finalize(GObject *object)
{
    LimSlice *self = LIM_SLICE(object);

    g_clear_pointer(&self->map, cairo_surface_destroy);
    g_free(self->name);
    g_free(self->label);
    g_free(self->path);
    g_strfreev(self->names);
    G_OBJECT_CLASS(lim_slice_parent_class)->finalize(object);
}

static void
lim_slice_class_init(LimSliceClass *klass)
{
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->finalize = finalize;
    widget_class->snapshot = snapshot;
    widget_class->measure = measure;
    gtk_widget_class_set_css_name(widget_class, "slice");
    gtk_widget_class_set_accessible_role(widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
lim_slice_init(LimSlice *self)
{
}

GtkWidget *
lim_slice_new(const char *name)
{
    LimSlice *self = g_object_new(LIM_TYPE_SLICE, NULL);

    self->name = g_strdup(name);
    describe(self);
    return GTK_WIDGET(self);
}
