/* LimImageGrid: the pictures in the middle of the window.
 *
 * GtkPicture interpolates, which turns a 32x32 picture into fog. Here the pictures are one Cairo
 * surface painted with the nearest-pixel filter at a whole factor, so that every pixel of a picture
 * is a square of equal size and the colours on screen are the bytes that were given. */
#include "widgets/lim-image-grid.h"

#include "widgets/lim-pin.h"
#include "widgets/pictures.h"

#include <math.h>

#define PIN_SIZE   18
#define PINS_MAX   16
#define GAP        6
#define CAPTION_AT 48 /* narrower pictures get no caption */
#define MIN_SIZE   240

struct _LimImageGrid {
    GtkWidget parent_instance;
    GBytes *pixels;
    cairo_surface_t *surface; /* the pictures, one below the other */
    char **labels;            /* n texts, or NULL */
    int n, width, height;
    guint serial;
    int cursor;
    int pointed;
    gboolean enlarged;
    gboolean stale;
    gboolean captions;
    char *name;
    int min_w, min_h;
    int room; /* places to lay out for, at least */

    int cell; /* of the probe; 0: no probing */
    LimPlace probe;
    double at_x, at_y;      /* of the pointer */
    gboolean probe_pointed; /* the pointer has put the probe where it is */
    int overlay_on;         /* picture, or -1 */
    cairo_surface_t *overlay;
    double overlay_opacity;
    LimGridPin pins[PINS_MAX];
    int n_pins;

    GtkGesture *drag;
    gboolean walking;
    int walked; /* the picture that is being dragged, or -1 */
    double walk_width;
};

enum { PROP_CURSOR = 1, PROP_ENLARGED, PROP_STALE, PROP_POINTED, N_PROPS };
static GParamSpec *props[N_PROPS];

enum { PROBE_MOVED, PROBE_PIN, PROBE_UNPIN, WALK_BEGIN, WALK, WALK_END, N_SIGNALS };
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE(LimImageGrid, lim_image_grid, GTK_TYPE_WIDGET)

/* Captions of two lines are a little smaller, so that words fit narrow pictures. */
static PangoLayout *
caption_layout(LimImageGrid *self, const char *caption)
{
    PangoLayout *text = gtk_widget_create_pango_layout(GTK_WIDGET(self), caption);

    if (strchr(caption, '\n')) {
        g_autoptr(PangoAttrList) attrs = pango_attr_list_new();
        pango_attr_list_insert(attrs, pango_attr_scale_new(PANGO_SCALE_SMALL));
        pango_layout_set_attributes(text, attrs);
    }
    return text;
}

/* In logical pixels, of all captions alike: the first tells how many lines they have. */
static int
caption_height(LimImageGrid *self)
{
    g_autoptr(PangoLayout) text = caption_layout(self, self->n ? self->labels[0] : "");
    int height;

    pango_layout_get_pixel_size(text, NULL, &height);
    return height;
}

LimGridLayout
lim_image_grid_get_layout(LimImageGrid *self)
{
    int scale = gtk_widget_get_scale_factor(GTK_WIDGET(self));
    int w = gtk_widget_get_width(GTK_WIDGET(self)) * scale;
    int h = gtk_widget_get_height(GTK_WIDGET(self)) * scale;
    int n = self->enlarged ? 1 : MAX(self->n, self->room);
    LimGridLayout plain = lim_grid_layout(n, self->width, self->height, w, h, GAP * scale, 0);

    if (!self->labels || !self->captions || plain.cell_w < CAPTION_AT * scale)
        return plain;
    return lim_grid_layout(n, self->width, self->height, w, h, GAP * scale,
                           caption_height(self) * scale);
}

/* The picture at a point of the widget, and where in it. */
static LimPlace
place_at(LimImageGrid *self, double x, double y)
{
    int scale = gtk_widget_get_scale_factor(GTK_WIDGET(self));

    if (!self->n)
        return (LimPlace){.picture = -1};
    LimGridLayout l = lim_image_grid_get_layout(self);
    x *= scale;
    y *= scale;
    int i = lim_grid_layout_find(&l, self->enlarged ? 1 : self->n, &x, &y);
    if (i < 0)
        return (LimPlace){.picture = -1};
    return (LimPlace){self->enlarged ? self->cursor : i, (int)x, (int)y};
}

/* What a person who does not see the pictures is told. */
static void
describe(LimImageGrid *self)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (!self->n) {
        g_string_append(text, "No pictures yet");
    } else {
        g_string_append_printf(text, "%d %s of %d by %d pixels", self->n,
                               self->n == 1 ? "picture" : "pictures", self->width, self->height);
        if (self->cursor >= 0) {
            g_string_append_printf(text, ". Picture %d", self->cursor + 1);
            if (self->labels)
                g_string_append_printf(text, ": %s", self->labels[self->cursor]);
            if (self->enlarged)
                g_string_append(text, ", enlarged");
            if (self->probe.picture == self->cursor)
                g_string_append_printf(text, ", pixel column %d, row %d", self->probe.x,
                                       self->probe.y);
        }
    }
    gtk_accessible_update_property(GTK_ACCESSIBLE(self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   self->name ? self->name : "Pictures",
                                   GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, text->str, -1);
}

void
lim_image_grid_set_name(LimImageGrid *self, const char *name)
{
    g_free(self->name);
    self->name = g_strdup(name);
    describe(self);
}

void
lim_image_grid_set_min_size(LimImageGrid *self, int width, int height)
{
    if (width >= 0)
        self->min_w = width;
    if (height >= 0)
        self->min_h = height;
    gtk_widget_queue_resize(GTK_WIDGET(self));
}

void
lim_image_grid_set_room(LimImageGrid *self, int n)
{
    self->room = n;
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

void
lim_image_grid_set_captions(LimImageGrid *self, gboolean captions)
{
    self->captions = captions;
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

GBytes *
lim_image_grid_get_pixels(LimImageGrid *self)
{
    return self->pixels;
}

int
lim_image_grid_get_n(LimImageGrid *self)
{
    return self->n;
}

const char *
lim_image_grid_get_label(LimImageGrid *self, int i)
{
    return self->labels && i >= 0 && i < self->n ? self->labels[i] : NULL;
}

guint
lim_image_grid_get_serial(LimImageGrid *self)
{
    return self->serial;
}

int
lim_image_grid_get_cursor(LimImageGrid *self)
{
    return self->cursor;
}

void
lim_image_grid_set_cursor(LimImageGrid *self, int cursor)
{
    cursor = CLAMP(cursor, self->n ? 0 : -1, self->n - 1);
    if (cursor == self->cursor)
        return;
    self->cursor = cursor;
    describe(self);
    gtk_widget_queue_draw(GTK_WIDGET(self));
    g_object_notify_by_pspec(G_OBJECT(self), props[PROP_CURSOR]);
}

int
lim_image_grid_get_pointed(LimImageGrid *self)
{
    return self->pointed;
}

gboolean
lim_image_grid_get_enlarged(LimImageGrid *self)
{
    return self->enlarged;
}

void
lim_image_grid_set_enlarged(LimImageGrid *self, gboolean enlarged)
{
    enlarged = enlarged && self->n > 0;
    if (enlarged == self->enlarged)
        return;
    self->enlarged = enlarged;
    describe(self);
    gtk_widget_queue_draw(GTK_WIDGET(self));
    g_object_notify_by_pspec(G_OBJECT(self), props[PROP_ENLARGED]);
}

gboolean
lim_image_grid_get_stale(LimImageGrid *self)
{
    return self->stale;
}

void
lim_image_grid_set_stale(LimImageGrid *self, gboolean stale)
{
    stale = !!stale;
    if (stale == self->stale)
        return;
    self->stale = stale;
    lim_pictures_show_stale(GTK_WIDGET(self), stale);
    g_object_notify_by_pspec(G_OBJECT(self), props[PROP_STALE]);
}

/* A hand over what can be dragged, a cross over what can be asked about. */
static void
show_pointer(LimImageGrid *self)
{
    const char *name = NULL;

    if (self->walked >= 0)
        name = "grabbing";
    else if (self->pointed >= 0)
        name = self->cell ? "crosshair" : self->walking ? "grab" : NULL;
    gtk_widget_set_cursor_from_name(GTK_WIDGET(self), name);
}

static void
set_pointed(LimImageGrid *self, int pointed)
{
    if (pointed == self->pointed)
        return;
    self->pointed = pointed;
    show_pointer(self);
    g_object_notify_by_pspec(G_OBJECT(self), props[PROP_POINTED]);
}

void
lim_image_grid_set_walking(LimImageGrid *self, gboolean walking)
{
    self->walking = walking;
    show_pointer(self);
}

LimPlace
lim_image_grid_get_probe(LimImageGrid *self)
{
    return self->probe;
}

void
lim_image_grid_set_probe(LimImageGrid *self, LimPlace probe)
{
    if (!self->cell || probe.picture < 0 || probe.picture >= self->n) {
        probe = (LimPlace){.picture = -1};
    } else {
        probe.x = CLAMP(probe.x, 0, self->width - 1) / self->cell * self->cell;
        probe.y = CLAMP(probe.y, 0, self->height - 1) / self->cell * self->cell;
    }
    if (probe.picture == self->probe.picture && probe.x == self->probe.x &&
        probe.y == self->probe.y)
        return;
    self->probe = probe;
    self->probe_pointed = FALSE;
    describe(self);
    gtk_widget_queue_draw(GTK_WIDGET(self));
    g_signal_emit(self, signals[PROBE_MOVED], 0);
}

void
lim_image_grid_set_probing(LimImageGrid *self, int cell)
{
    LimPlace probe = self->probe;

    if (cell == self->cell)
        return;
    self->cell = cell;
    self->probe.picture = -1; /* lies on another grid */
    lim_image_grid_set_probe(self, probe);
    show_pointer(self);
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

/* Bytes as a surface: n rows of pictures one below the other. */
static cairo_surface_t *
surface_new(const guint8 *in, int width, int height, int channels)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);

    lim_pictures_put(surface, 0, 0, in, width, height, channels);
    return surface;
}

void
lim_image_grid_set_overlay(LimImageGrid *self, int picture, GBytes *rgb, int width, int height,
                           double opacity)
{
    g_clear_pointer(&self->overlay, cairo_surface_destroy);
    self->overlay_on = picture;
    self->overlay_opacity = opacity;
    if (picture >= 0) {
        gsize size;
        const guint8 *in = g_bytes_get_data(rgb, &size);
        g_return_if_fail(size == (gsize)(width * height * 3));
        self->overlay = surface_new(in, width, height, 3);
    }
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

void
lim_image_grid_set_pins(LimImageGrid *self, const LimGridPin *pins, int n)
{
    g_return_if_fail(n >= 0 && n <= PINS_MAX);
    self->n_pins = n;
    for (int i = 0; i < n; i++)
        self->pins[i] = pins[i];
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

void
lim_image_grid_set_pictures(LimImageGrid *self, GBytes *pixels, int n, int width, int height,
                            int channels, const char *const *labels)
{
    g_return_if_fail(n >= 0 && (n == 0 || (width > 0 && height > 0)));
    g_return_if_fail(channels == 1 || channels == 3);
    gsize size = 0;
    const guint8 *in = pixels ? g_bytes_get_data(pixels, &size) : NULL;
    g_return_if_fail(size == (gsize)n * (gsize)width * (gsize)height * (gsize)channels);

    if (pixels)
        g_bytes_ref(pixels);
    g_clear_pointer(&self->pixels, g_bytes_unref);
    g_clear_pointer(&self->surface, cairo_surface_destroy);
    g_clear_pointer(&self->labels, g_strfreev);
    self->pixels = pixels;
    self->n = n;
    self->width = width;
    self->height = height;
    self->serial++;
    if (n > 0) {
        self->surface = surface_new(in, width, n * height, channels);
        if (labels) {
            self->labels = g_new0(char *, n + 1);
            for (int i = 0; i < n; i++)
                self->labels[i] = g_strdup(labels[i]);
        }
    } else {
        lim_image_grid_set_enlarged(self, FALSE);
    }
    lim_image_grid_set_cursor(self, self->cursor);
    if (self->pointed >= n)
        set_pointed(self, -1);
    if (self->probe.picture >= n)
        lim_image_grid_set_probe(self, (LimPlace){.picture = -1});
    describe(self);
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

static void
snapshot_caption(LimImageGrid *self, GtkSnapshot *snapshot, const LimGridLayout *l, int i, int x,
                 int y, int scale)
{
    g_autoptr(PangoLayout) text = caption_layout(self, self->labels[i]);
    GdkRGBA color;
    int w, h;

    gtk_style_context_get_color(gtk_widget_get_style_context(GTK_WIDGET(self)), &color);
    pango_layout_set_width(text, l->cell_w / scale * PANGO_SCALE);
    pango_layout_set_ellipsize(text, PANGO_ELLIPSIZE_END);
    pango_layout_set_alignment(text, PANGO_ALIGN_CENTER);
    pango_layout_get_pixel_size(text, &w, &h);
    gtk_snapshot_save(snapshot);
    gtk_snapshot_translate(
        snapshot,
        &GRAPHENE_POINT_INIT((float)(x / scale),
                             (float)((y + l->cell_h + (l->caption - h * scale) / 2) / scale)));
    gtk_snapshot_append_layout(snapshot, text, &color);
    gtk_snapshot_restore(snapshot);
}

/* The probe and the pins, above all pictures: marks may reach over an edge. */
static void
snapshot_marks(LimImageGrid *self, GtkSnapshot *snapshot, const LimGridLayout *l, int scale)
{
    float w = (float)gtk_widget_get_width(GTK_WIDGET(self));
    float h = (float)gtk_widget_get_height(GTK_WIDGET(self));
    double size = MIN(PIN_SIZE * scale, MAX(l->cell_w / 4, 12 * scale));
    cairo_t *cr = gtk_snapshot_append_cairo(snapshot, &GRAPHENE_RECT_INIT(0, 0, w, h));

    cairo_scale(cr, 1.0 / scale, 1.0 / scale);
    for (int k = -1; k < self->n_pins; k++) {
        int i = k < 0 ? self->probe.picture : self->pins[k].picture;
        int at = self->enlarged ? 0 : i;
        if (i < 0 || i >= self->n || (self->enlarged && i != self->cursor))
            continue;
        double x = l->x + at % l->columns * (l->cell_w + l->gap);
        double y = l->y + at / l->columns * (l->cell_h + l->caption + l->gap);
        if (k >= 0) {
            lim_pin_draw(cr, self->pins[k].which, x + self->pins[k].x * l->factor,
                         y + self->pins[k].y * l->factor, size, self->pins[k].strong);
            continue;
        }
        x += self->probe.x * l->factor;
        y += self->probe.y * l->factor;
        for (int rim = 1; rim >= 0; rim--) { /* dark around light */
            double out = (1 + 2 * rim) * scale / 2.0;
            cairo_set_source_rgb(cr, !rim, !rim, !rim);
            cairo_set_line_width(cr, scale);
            cairo_rectangle(cr, x - out, y - out, self->cell * l->factor + 2 * out,
                            self->cell * l->factor + 2 * out);
            cairo_stroke(cr);
        }
    }
    cairo_destroy(cr);
}

static void
snapshot(GtkWidget *widget, GtkSnapshot *snapshot)
{
    LimImageGrid *self = LIM_IMAGE_GRID(widget);
    int scale = gtk_widget_get_scale_factor(widget);

    if (!self->n)
        return;
    LimGridLayout l = lim_image_grid_get_layout(self);
    int shown = self->enlarged ? 1 : self->n;
    float total_w = (float)(l.columns * (l.cell_w + l.gap) - l.gap) / (float)scale;
    float total_h = (float)(l.rows * (l.cell_h + l.caption + l.gap) - l.gap) / (float)scale;
    cairo_t *cr = gtk_snapshot_append_cairo(snapshot, &GRAPHENE_RECT_INIT((float)l.x / (float)scale,
                                                                          (float)l.y / (float)scale,
                                                                          total_w, total_h));

    cairo_scale(cr, 1.0 / scale, 1.0 / scale);
    for (int k = 0; k < shown; k++) {
        int i = self->enlarged ? self->cursor : k;
        int x = l.x + k % l.columns * (l.cell_w + l.gap);
        int y = l.y + k / l.columns * (l.cell_h + l.caption + l.gap);

        cairo_save(cr);
        cairo_translate(cr, x, y);
        cairo_scale(cr, l.factor, l.factor);
        cairo_rectangle(cr, 0, 0, self->width, self->height);
        cairo_set_source_surface(cr, self->surface, 0, -i * self->height);
        cairo_pattern_set_filter(cairo_get_source(cr), CAIRO_FILTER_NEAREST);
        cairo_fill(cr);
        if (i == self->overlay_on && self->overlay) {
            cairo_rectangle(cr, 0, 0, self->width, self->height);
            cairo_clip(cr);
            cairo_scale(cr, (double)self->width / cairo_image_surface_get_width(self->overlay),
                        (double)self->height / cairo_image_surface_get_height(self->overlay));
            cairo_set_source_surface(cr, self->overlay, 0, 0);
            cairo_pattern_set_filter(cairo_get_source(cr), CAIRO_FILTER_NEAREST);
            cairo_paint_with_alpha(cr, self->overlay_opacity);
        }
        cairo_restore(cr);
    }
    cairo_destroy(cr);

    for (int k = 0; k < shown; k++) {
        int i = self->enlarged ? self->cursor : k;
        int x = l.x + k % l.columns * (l.cell_w + l.gap);
        int y = l.y + k / l.columns * (l.cell_h + l.caption + l.gap);

        if (l.caption)
            snapshot_caption(self, snapshot, &l, i, x, y, scale);
        if (i == self->cursor && !self->enlarged && gtk_widget_has_visible_focus(widget)) {
            GdkRGBA color;
            if (!gtk_style_context_lookup_color(gtk_widget_get_style_context(widget),
                                                "limen_accent", &color))
                gtk_style_context_get_color(gtk_widget_get_style_context(widget), &color);
            lim_pictures_frame(snapshot,
                               &GRAPHENE_RECT_INIT((float)x / (float)scale, (float)y / (float)scale,
                                                   (float)l.cell_w / (float)scale,
                                                   (float)l.cell_h / (float)scale),
                               2, &color);
        }
    }
    if (self->n_pins || self->probe.picture >= 0)
        snapshot_marks(self, snapshot, &l, scale);
}

static void
measure(GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
        int *minimum_baseline, int *natural_baseline)
{
    LimImageGrid *self = LIM_IMAGE_GRID(widget);

    *minimum = *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? self->min_w : self->min_h;
}

static void
end_walk(LimImageGrid *self, gboolean keep)
{
    if (self->walked < 0)
        return;
    self->walked = -1;
    show_pointer(self);
    g_signal_emit(self, signals[WALK_END], 0, keep);
}

/* The picture that lies by so many columns and rows from one, or -1. */
static int
neighbour(LimImageGrid *self, int picture, int columns, int rows)
{
    int to =
        picture + columns + rows * (self->enlarged ? 1 : lim_image_grid_get_layout(self).columns);

    return to >= 0 && to < self->n ? to : -1;
}

/* By so many cells; over an edge lies the neighbouring picture. */
static void
move_probe(LimImageGrid *self, int dx, int dy, int pictures)
{
    LimPlace p = self->probe;

    if (p.picture < 0) {
        p = (LimPlace){self->cursor, self->width / 2, self->height / 2};
    } else {
        int x = p.x + dx * self->cell, y = p.y + dy * self->cell;
        int columns = x < 0 ? -1 : x >= self->width, rows = y < 0 ? -1 : y >= self->height;
        int to = neighbour(self, p.picture, columns + pictures, rows);
        if (to < 0)
            return;
        p = (LimPlace){to, x - columns * self->width, y - rows * self->height};
    }
    lim_image_grid_set_cursor(self, p.picture);
    lim_image_grid_set_probe(self, p);
}

/* Keys that mean something else, or something more, while probing. */
static gboolean
probe_key(LimImageGrid *self, guint keyval)
{
    switch (keyval) {
    case GDK_KEY_Left:
    case GDK_KEY_KP_Left:
        move_probe(self, -1, 0, 0);
        return TRUE;
    case GDK_KEY_Right:
    case GDK_KEY_KP_Right:
        move_probe(self, 1, 0, 0);
        return TRUE;
    case GDK_KEY_Up:
    case GDK_KEY_KP_Up:
        move_probe(self, 0, -1, 0);
        return TRUE;
    case GDK_KEY_Down:
    case GDK_KEY_KP_Down:
        move_probe(self, 0, 1, 0);
        return TRUE;
    case GDK_KEY_Page_Up:
        move_probe(self, 0, 0, -1);
        return TRUE;
    case GDK_KEY_Page_Down:
        move_probe(self, 0, 0, 1);
        return TRUE;
    case GDK_KEY_Return:
    case GDK_KEY_KP_Enter:
        if (self->probe.picture >= 0)
            g_signal_emit(self, signals[PROBE_PIN], 0);
        return TRUE;
    case GDK_KEY_Delete:
    case GDK_KEY_BackSpace:
        g_signal_emit(self, signals[PROBE_UNPIN], 0);
        return TRUE;
    default:
        return FALSE;
    }
}

static gboolean
key_pressed(LimImageGrid *self, guint keyval, guint code, GdkModifierType state)
{
    if (keyval == GDK_KEY_Escape && self->walked >= 0) {
        end_walk(self, FALSE);
        gtk_event_controller_reset(GTK_EVENT_CONTROLLER(self->drag));
        return GDK_EVENT_STOP;
    }
    if (!self->n || state & (GDK_CONTROL_MASK | GDK_ALT_MASK))
        return GDK_EVENT_PROPAGATE;
    if (self->cell && probe_key(self, keyval))
        return GDK_EVENT_STOP;
    int back = gtk_widget_get_direction(GTK_WIDGET(self)) == GTK_TEXT_DIR_RTL ? 1 : -1;
    int to;

    switch (keyval) {
    case GDK_KEY_Left:
    case GDK_KEY_KP_Left:
        to = neighbour(self, self->cursor, back, 0);
        break;
    case GDK_KEY_Right:
    case GDK_KEY_KP_Right:
        to = neighbour(self, self->cursor, -back, 0);
        break;
    case GDK_KEY_Up:
    case GDK_KEY_KP_Up:
        to = neighbour(self, self->cursor, 0, -1);
        break;
    case GDK_KEY_Down:
    case GDK_KEY_KP_Down:
        to = neighbour(self, self->cursor, 0, 1);
        break;
    case GDK_KEY_Home:
        to = 0;
        break;
    case GDK_KEY_End:
        to = self->n - 1;
        break;
    case GDK_KEY_Return:
    case GDK_KEY_KP_Enter:
    case GDK_KEY_space:
        lim_image_grid_set_enlarged(self, !self->enlarged);
        return GDK_EVENT_STOP;
    case GDK_KEY_Escape:
        if (!self->enlarged)
            return GDK_EVENT_PROPAGATE;
        lim_image_grid_set_enlarged(self, FALSE);
        return GDK_EVENT_STOP;
    default:
        return GDK_EVENT_PROPAGATE;
    }
    if (to >= 0)
        lim_image_grid_set_cursor(self, to);
    return GDK_EVENT_STOP;
}

static void
pressed(LimImageGrid *self, int n_press, double x, double y)
{
    LimPlace p = place_at(self, x, y);

    gtk_widget_grab_focus(GTK_WIDGET(self));
    if (p.picture < 0)
        return;
    lim_image_grid_set_cursor(self, p.picture);
    if (self->cell && n_press == 1) {
        lim_image_grid_set_probe(self, p);
        g_signal_emit(self, signals[PROBE_PIN], 0);
    } else if (!self->cell && n_press == 2) {
        lim_image_grid_set_enlarged(self, !self->enlarged);
    }
}

static void
moved(LimImageGrid *self, double x, double y)
{
    LimPlace p = place_at(self, x, y);
    /* GTK also sends motions when only what lies under the pointer has changed. */
    gboolean still = x == self->at_x && y == self->at_y;

    self->at_x = x;
    self->at_y = y;
    set_pointed(self, p.picture);
    if (self->cell && !still) {
        lim_image_grid_set_probe(self, p);
        self->probe_pointed = TRUE;
    }
}

static void
left(LimImageGrid *self)
{
    set_pointed(self, -1);
    if (self->probe_pointed) /* keys may have taken it elsewhere */
        lim_image_grid_set_probe(self, (LimPlace){.picture = -1});
}

/* A click that trembles is no drag. */
static void
dragged(LimImageGrid *self, double dx, double dy, GtkGestureDrag *drag)
{
    double x, y;
    int least;

    if (self->walked < 0) {
        if (!self->walking || self->cell)
            return;
        g_object_get(gtk_widget_get_settings(GTK_WIDGET(self)), "gtk-dnd-drag-threshold", &least,
                     NULL);
        gtk_gesture_drag_get_start_point(drag, &x, &y);
        int picture = place_at(self, x, y).picture;
        if (picture < 0 || hypot(dx, dy) < least)
            return;
        LimGridLayout l = lim_image_grid_get_layout(self);
        self->walked = picture;
        self->walk_width = (double)l.cell_w / gtk_widget_get_scale_factor(GTK_WIDGET(self));
        gtk_gesture_set_state(GTK_GESTURE(drag), GTK_EVENT_SEQUENCE_CLAIMED);
        show_pointer(self);
        g_signal_emit(self, signals[WALK_BEGIN], 0, picture);
    }
    g_signal_emit(self, signals[WALK], 0, dx / self->walk_width, dy / self->walk_width);
}

static void
drag_end(LimImageGrid *self)
{
    end_walk(self, TRUE);
}

static void
get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    LimImageGrid *self = LIM_IMAGE_GRID(object);

    switch (id) {
    case PROP_CURSOR:
        g_value_set_int(value, self->cursor);
        break;
    case PROP_ENLARGED:
        g_value_set_boolean(value, self->enlarged);
        break;
    case PROP_STALE:
        g_value_set_boolean(value, self->stale);
        break;
    case PROP_POINTED:
        g_value_set_int(value, self->pointed);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void
set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
    LimImageGrid *self = LIM_IMAGE_GRID(object);

    switch (id) {
    case PROP_CURSOR:
        lim_image_grid_set_cursor(self, g_value_get_int(value));
        break;
    case PROP_ENLARGED:
        lim_image_grid_set_enlarged(self, g_value_get_boolean(value));
        break;
    case PROP_STALE:
        lim_image_grid_set_stale(self, g_value_get_boolean(value));
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void
finalize(GObject *object)
{
    LimImageGrid *self = LIM_IMAGE_GRID(object);

    g_clear_pointer(&self->pixels, g_bytes_unref);
    g_clear_pointer(&self->surface, cairo_surface_destroy);
    g_clear_pointer(&self->overlay, cairo_surface_destroy);
    g_clear_pointer(&self->labels, g_strfreev);
    g_free(self->name);
    G_OBJECT_CLASS(lim_image_grid_parent_class)->finalize(object);
}

static void
lim_image_grid_class_init(LimImageGridClass *klass)
{
    GObjectClass *object_class = G_OBJECT_CLASS(klass);
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(klass);
    const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

    object_class->get_property = get_property;
    object_class->set_property = set_property;
    object_class->finalize = finalize;
    widget_class->snapshot = snapshot;
    widget_class->measure = measure;

    props[PROP_CURSOR] = g_param_spec_int("cursor", NULL, NULL, -1, G_MAXINT, -1, flags);
    props[PROP_ENLARGED] = g_param_spec_boolean("enlarged", NULL, NULL, FALSE, flags);
    props[PROP_STALE] = g_param_spec_boolean("stale", NULL, NULL, FALSE, flags);
    props[PROP_POINTED] =
        g_param_spec_int("pointed", NULL, NULL, -1, G_MAXINT, -1,
                         G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
    g_object_class_install_properties(object_class, N_PROPS, props);

    static const char *const plain[] = {"probe-moved", "probe-pin", "probe-unpin"};
    for (int i = 0; i < 3; i++)
        signals[PROBE_MOVED + i] = g_signal_new(plain[i], LIM_TYPE_IMAGE_GRID, G_SIGNAL_RUN_LAST, 0,
                                                NULL, NULL, NULL, G_TYPE_NONE, 0);
    signals[WALK_BEGIN] = g_signal_new("walk-begin", LIM_TYPE_IMAGE_GRID, G_SIGNAL_RUN_LAST, 0,
                                       NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_INT);
    signals[WALK] = g_signal_new("walk", LIM_TYPE_IMAGE_GRID, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                 NULL, G_TYPE_NONE, 2, G_TYPE_DOUBLE, G_TYPE_DOUBLE);
    signals[WALK_END] = g_signal_new("walk-end", LIM_TYPE_IMAGE_GRID, G_SIGNAL_RUN_LAST, 0, NULL,
                                     NULL, NULL, G_TYPE_NONE, 1, G_TYPE_BOOLEAN);

    gtk_widget_class_set_css_name(widget_class, "imagegrid");
    gtk_widget_class_set_accessible_role(widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
lim_image_grid_init(LimImageGrid *self)
{
    GtkEventController *keys = gtk_event_controller_key_new();
    GtkGesture *click = gtk_gesture_click_new();

    self->min_w = self->min_h = MIN_SIZE;
    self->cursor = self->pointed = self->probe.picture = self->overlay_on = self->walked = -1;
    gtk_widget_set_focusable(GTK_WIDGET(self), TRUE);
    gtk_widget_set_overflow(GTK_WIDGET(self), GTK_OVERFLOW_HIDDEN);
    g_signal_connect_swapped(keys, "key-pressed", G_CALLBACK(key_pressed), self);
    gtk_widget_add_controller(GTK_WIDGET(self), keys);
    g_signal_connect_swapped(click, "pressed", G_CALLBACK(pressed), self);
    gtk_widget_add_controller(GTK_WIDGET(self), GTK_EVENT_CONTROLLER(click));
    GtkEventController *motion = gtk_event_controller_motion_new();
    g_signal_connect_swapped(motion, "motion", G_CALLBACK(moved), self);
    g_signal_connect_swapped(motion, "leave", G_CALLBACK(left), self);
    gtk_widget_add_controller(GTK_WIDGET(self), motion);
    self->drag = gtk_gesture_drag_new();
    g_signal_connect_swapped(self->drag, "drag-update", G_CALLBACK(dragged), self);
    g_signal_connect_swapped(self->drag, "drag-end", G_CALLBACK(drag_end), self);
    gtk_widget_add_controller(GTK_WIDGET(self), GTK_EVENT_CONTROLLER(self->drag));
    describe(self);
}

GtkWidget *
lim_image_grid_new(void)
{
    return g_object_new(LIM_TYPE_IMAGE_GRID, NULL);
}
