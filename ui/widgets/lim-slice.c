/* LimSlice: the map is a small picture with a pixel per place, enlarged without smoothing, because
 * between two places nothing was asked. */
#include "widgets/lim-slice.h"

#include "widgets/class-colors.h"

#include <math.h>
#include <string.h>

#define POINTS_MAX 4
#define TEXTS_MAX  40
#define DOT        5          /* radius of a point */
#define STEP       (1.0 / 60) /* of an arrow key, in sides; with Shift five of them */

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
    double place[2]; /* that is pointed at; NaN: none */
    GtkGesture *drag;
    graphene_rect_t texts[TEXTS_MAX]; /* of the last drawing */
    int n_texts;
};

enum { MOVED, ACTIVATED, N_SIGNALS };
static guint signals[N_SIGNALS];

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
    const int here = lim_slice_get_label(self, self->place[0], self->place[1]);
    if (here >= 0)
        g_string_append_printf(text, ". The place is in %s", self->names[here]);
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
    self->place[0] = self->place[1] = NAN;
    changed(self);
}

void
lim_slice_set_place(LimSlice *self, double x, double y)
{
    self->place[0] = x;
    self->place[1] = y;
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
    if (!self->map || isnan(x) || isnan(y))
        return -1;
    int column = (int)floor((x - self->x0) / self->side * self->grid);
    int row = (int)floor((1 - (y - self->y0) / self->side) * self->grid);
    if (column < 0 || row < 0 || column >= self->grid || row >= self->grid)
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

int
lim_slice_get_texts(LimSlice *self, graphene_rect_t *boxes, int n)
{
    n = MIN(n, self->n_texts);
    if (n)
        memcpy(boxes, self->texts, (gsize)n * sizeof *boxes);
    return n;
}

static gboolean
covers_text(const LimSlice *self, const graphene_rect_t *box)
{
    for (int i = 0; i < self->n_texts; i++)
        if (graphene_rect_intersection(box, &self->texts[i], NULL))
            return TRUE;
    return FALSE;
}

/* Text that can be read on any colour, in its box. */
static void
draw_text(LimSlice *self, cairo_t *cr, PangoLayout *text, const graphene_rect_t *box)
{
    if (self->n_texts < TEXTS_MAX)
        self->texts[self->n_texts++] = *box;
    cairo_move_to(cr, (double)box->origin.x, (double)box->origin.y);
    pango_cairo_layout_path(cr, text);
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_set_line_width(cr, 3);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    cairo_stroke_preserve(cr);
    cairo_set_source_rgb(cr, 0, 0, 0);
    cairo_fill(cr);
}

/* The box of a text with its middle at (x, y), moved into the square. */
static graphene_rect_t
box_at(LimSlice *self, PangoLayout *text, double x, double y)
{
    double left, top, side = lay_out(self, &left, &top);
    int w, h;

    pango_layout_get_pixel_size(text, &w, &h);
    x = CLAMP(x - w / 2.0, left + 2, MAX(left + side - w - 2, left + 2));
    y = CLAMP(y - h / 2.0, top + 2, MAX(top + side - h - 2, top + 2));
    return GRAPHENE_RECT_INIT((float)x, (float)y, (float)w, (float)h);
}

/* The name of a point beside it: where it covers neither another text nor a point. */
static void
draw_point_name(LimSlice *self, cairo_t *cr, const LimSlicePoint *point)
{
    g_autoptr(PangoLayout) text = gtk_widget_create_pango_layout(GTK_WIDGET(self), point->name);
    const double gap = DOT + 4;
    double x, y;
    int w, h;

    lim_slice_locate(self, point->x, point->y, &x, &y);
    pango_layout_get_pixel_size(text, &w, &h);
    const double across = gap + w / 2.0, down = gap + h / 2.0;
    const double places[][2] = {{x + across, y},        {x - across, y},
                                {x, y - down},          {x, y + down},
                                {x + across, y - down}, {x - across, y - down},
                                {x + across, y + down}, {x - across, y + down}};
    graphene_rect_t box = box_at(self, text, places[0][0], places[0][1]), best = box;
    for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
        gboolean free = TRUE;
        box = box_at(self, text, places[i][0], places[i][1]);
        for (int k = 0; k < self->n_points && free; k++) {
            double px, py;
            lim_slice_locate(self, self->points[k].x, self->points[k].y, &px, &py);
            graphene_rect_t dot = GRAPHENE_RECT_INIT((float)px - DOT - 1, (float)py - DOT - 1,
                                                     2 * DOT + 2, 2 * DOT + 2);
            free = !graphene_rect_intersection(&box, &dot, NULL);
        }
        if (free && !covers_text(self, &box)) {
            best = box;
            break;
        }
    }
    draw_text(self, cr, text, &best);
}

/* How far the place is from other classes and the rim, in steps of the grid; at most n. */
static int
distance_to_others(const LimSlice *self, int k, int row, int column)
{
    const int n = self->grid;
    int r = 0;

    for (gboolean same = TRUE; same && r < n; r += same)
        for (int d = -r; d <= r && same; d++) {
            const int at[4][2] = {{row - r, column + d},
                                  {row + r, column + d},
                                  {row + d, column - r},
                                  {row + d, column + r}};
            for (int i = 0; i < 4 && same; i++)
                same = at[i][0] >= 0 && at[i][1] >= 0 && at[i][0] < n && at[i][1] < n &&
                       self->label[at[i][0] * n + at[i][1]] == k;
        }
    return r;
}

/* The name of a class in its part of the map, as far inside as other texts leave room; small parts
 * have none. */
static void
draw_class_name(LimSlice *self, cairo_t *cr, int k)
{
    g_autoptr(PangoLayout) text = gtk_widget_create_pango_layout(GTK_WIDGET(self), self->names[k]);
    double left, top, side = lay_out(self, &left, &top);
    graphene_rect_t best = GRAPHENE_RECT_INIT(0, 0, 0, 0);
    const int n = self->grid;
    int farthest = 2;

    for (int row = 0; row < n; row++)
        for (int column = 0; column < n; column++) {
            if (self->label[row * n + column] != k)
                continue;
            const graphene_rect_t box =
                box_at(self, text, left + (column + 0.5) / n * side, top + (row + 0.5) / n * side);
            if (covers_text(self, &box))
                continue;
            const int r = distance_to_others(self, k, row, column);
            if (r <= farthest)
                continue;
            farthest = r;
            best = box;
        }
    if (farthest > 2)
        draw_text(self, cr, text, &best);
}

/* A cross with a gap in the middle, light around dark. */
static void
draw_place(LimSlice *self, cairo_t *cr)
{
    double x, y;

    if (isnan(self->place[0]) || isnan(self->place[1]))
        return;
    lim_slice_locate(self, self->place[0], self->place[1], &x, &y);
    for (int rim = 1; rim >= 0; rim--) {
        for (int i = 0; i < 4; i++) {
            const double dx = i == 0 ? 1 : i == 1 ? -1 : 0, dy = i == 2 ? 1 : i == 3 ? -1 : 0;
            cairo_move_to(cr, x + 4 * dx, y + 4 * dy);
            cairo_line_to(cr, x + 11 * dx, y + 11 * dy);
        }
        cairo_set_source_rgb(cr, rim, rim, rim);
        cairo_set_line_width(cr, 2 + 2 * rim);
        cairo_stroke(cr);
    }
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
    for (int i = 0; i < self->n_points; i++) {
        lim_slice_locate(self, self->points[i].x, self->points[i].y, &x, &y);
        cairo_arc(cr, x, y, DOT, 0, 2 * G_PI);
        cairo_set_source_rgb(cr, 1, 1, 1);
        cairo_fill_preserve(cr);
        cairo_set_source_rgb(cr, 0, 0, 0);
        cairo_set_line_width(cr, 2);
        cairo_stroke(cr);
    }
    self->n_texts = 0;
    for (int i = 0; i < self->n_points; i++)
        draw_point_name(self, cr, &self->points[i]);
    for (int k = 0; k < self->n_names; k++)
        draw_class_name(self, cr, k);
    draw_place(self, cr);
    cairo_restore(cr);
    cairo_destroy(cr);
}

static void
measure(GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
        int *minimum_baseline, int *natural_baseline)
{
    *minimum = *natural = 120;
}

/* ---- pointer and keys ---- */

static void
point_at(LimSlice *self, double x, double y)
{
    if (!self->map)
        return;
    lim_slice_set_place(self, CLAMP(x, self->x0, self->x0 + self->side),
                        CLAMP(y, self->y0, self->y0 + self->side));
    g_signal_emit(self, signals[MOVED], 0, self->place[0], self->place[1]);
}

static void
point_at_pixel(LimSlice *self, double widget_x, double widget_y)
{
    double left, top, side = lay_out(self, &left, &top);

    point_at(self, self->x0 + (widget_x - left) / side * self->side,
             self->y0 + (1 - (widget_y - top) / side) * self->side);
}

static void
activate(LimSlice *self)
{
    if (self->map && !isnan(self->place[0]))
        g_signal_emit(self, signals[ACTIVATED], 0, self->place[0], self->place[1]);
}

static void
drag_begin(LimSlice *self, double x, double y)
{
    gtk_widget_grab_focus(GTK_WIDGET(self));
    point_at_pixel(self, x, y);
}

static void
drag_update(LimSlice *self, double dx, double dy)
{
    double x, y;

    if ((dx != 0 || dy != 0) &&
        gtk_gesture_drag_get_start_point(GTK_GESTURE_DRAG(self->drag), &x, &y))
        point_at_pixel(self, x + dx, y + dy);
}

static void
pressed(LimSlice *self, int n)
{
    if (n == 2)
        activate(self);
}

static gboolean
key_pressed(LimSlice *self, guint keyval, guint code, GdkModifierType state)
{
    const double step = self->side * STEP * (state & GDK_SHIFT_MASK ? 5 : 1);
    double x = self->place[0], y = self->place[1];

    if (!self->map || state & (GDK_CONTROL_MASK | GDK_ALT_MASK))
        return GDK_EVENT_PROPAGATE;
    if (isnan(x)) {
        x = self->n_points ? self->points[0].x : self->x0 + self->side / 2;
        y = self->n_points ? self->points[0].y : self->y0 + self->side / 2;
    }
    switch (keyval) {
    case GDK_KEY_Left:
    case GDK_KEY_KP_Left:
        x -= step;
        break;
    case GDK_KEY_Right:
    case GDK_KEY_KP_Right:
        x += step;
        break;
    case GDK_KEY_Up:
    case GDK_KEY_KP_Up:
        y += step;
        break;
    case GDK_KEY_Down:
    case GDK_KEY_KP_Down:
        y -= step;
        break;
    case GDK_KEY_Return:
    case GDK_KEY_KP_Enter:
        activate(self);
        return GDK_EVENT_STOP;
    default:
        return GDK_EVENT_PROPAGATE;
    }
    point_at(self, x, y);
    return GDK_EVENT_STOP;
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
    signals[MOVED] = g_signal_new("place-moved", LIM_TYPE_SLICE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                  NULL, G_TYPE_NONE, 2, G_TYPE_DOUBLE, G_TYPE_DOUBLE);
    signals[ACTIVATED] = g_signal_new("place-activated", LIM_TYPE_SLICE, G_SIGNAL_RUN_LAST, 0, NULL,
                                      NULL, NULL, G_TYPE_NONE, 2, G_TYPE_DOUBLE, G_TYPE_DOUBLE);
    gtk_widget_class_set_css_name(widget_class, "slice");
    gtk_widget_class_set_accessible_role(widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
lim_slice_init(LimSlice *self)
{
    GtkEventController *keys = gtk_event_controller_key_new();
    GtkGesture *click = gtk_gesture_click_new();

    self->place[0] = self->place[1] = NAN;
    gtk_widget_set_focusable(GTK_WIDGET(self), TRUE);
    gtk_widget_set_cursor_from_name(GTK_WIDGET(self), "crosshair");
    g_signal_connect_swapped(keys, "key-pressed", G_CALLBACK(key_pressed), self);
    gtk_widget_add_controller(GTK_WIDGET(self), keys);
    g_signal_connect_swapped(click, "pressed", G_CALLBACK(pressed), self);
    gtk_widget_add_controller(GTK_WIDGET(self), GTK_EVENT_CONTROLLER(click));
    self->drag = gtk_gesture_drag_new();
    g_signal_connect_swapped(self->drag, "drag-begin", G_CALLBACK(drag_begin), self);
    g_signal_connect_swapped(self->drag, "drag-update", G_CALLBACK(drag_update), self);
    gtk_widget_add_controller(GTK_WIDGET(self), GTK_EVENT_CONTROLLER(self->drag));
}

GtkWidget *
lim_slice_new(const char *name)
{
    LimSlice *self = g_object_new(LIM_TYPE_SLICE, NULL);

    self->name = g_strdup(name);
    describe(self);
    return GTK_WIDGET(self);
}
