/* LimPictureView: a Cairo surface painted with the nearest-pixel filter at a whole factor, so that
 * the colours on the screen are the bytes that were given; smoothly where a large picture is shown
 * at a half. */
#include "widgets/lim-picture-view.h"

#include "widgets/label-places.h"
#include "widgets/pictures.h"

#include <math.h>
#include <string.h>

#define MIN_SIDE    96
#define LARGE       96 /* pixels of a side from which a half factor does no harm */
#define TEXT_MARGIN 2  /* left and right of a mark's text */

struct _LimPictureView {
    GtkWidget parent_instance;
    char *name, *empty_text, *description;
    LimZoom *zoom;
    cairo_surface_t *surface;
    guint8 *pixels; /* [height][width][channels] */
    int width, height, channels;
    guint serial;
    double panned_x, panned_y; /* of the drag under way, in logical pixels */
    int least, wanted;         /* side, in logical pixels */
    guint8 *overlay;           /* [height][width][4] */
    cairo_surface_t *tint;     /* of it */
    double opacity;
    LimPictureMark *marks;
    int n_marks;
    LimPictureUse use;
    double from_x, from_y;  /* where the drag began, in the widget */
    int brush_x, brush_y;   /* last pixel of the stroke */
    gboolean stroke, moves; /* a stroke is under way; the drag is one and no click */
};

enum { PICKED, BRUSHED, BRUSH_END, N_SIGNALS };
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE(LimPictureView, lim_picture_view, GTK_TYPE_WIDGET)

static void
describe(LimPictureView *self)
{
    g_autoptr(GString) text = g_string_new(NULL);
    int x, y;

    if (!self->pixels)
        g_string_append(text, self->empty_text ? self->empty_text : "No picture");
    else
        g_string_append_printf(text, "%d by %d pixels", self->width, self->height);
    if (self->pixels && self->description)
        g_string_append_printf(text, ". %s", self->description);
    if (self->pixels && lim_zoom_get_pixel(self->zoom, &x, &y))
        g_string_append_printf(text, ". Pixel column %d, row %d", x, y);
    gtk_accessible_update_property(GTK_ACCESSIBLE(self), GTK_ACCESSIBLE_PROPERTY_LABEL, self->name,
                                   GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, text->str, -1);
}

static void
drop_overlay(LimPictureView *self)
{
    g_clear_pointer(&self->overlay, g_free);
    g_clear_pointer(&self->tint, cairo_surface_destroy);
}

void
lim_picture_view_set_picture(LimPictureView *self, const guint8 *pixels, int width, int height,
                             int channels)
{
    self->serial++;
    if (!pixels || width != self->width || height != self->height) {
        drop_overlay(self);
        g_clear_pointer(&self->surface, cairo_surface_destroy);
        gtk_widget_queue_resize(GTK_WIDGET(self));
    }
    g_clear_pointer(&self->pixels, g_free);
    if (pixels) {
        g_return_if_fail(width > 0 && height > 0 && (channels == 1 || channels == 3));
        self->pixels = g_memdup2(pixels, (gsize)(width * height * channels));
        if (!self->surface)
            self->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
        lim_pictures_put(self->surface, 0, 0, pixels, width, height, channels);
        self->width = width;
        self->height = height;
        self->channels = channels;
    }
    describe(self);
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

void
lim_picture_view_set_side(LimPictureView *self, int least, int wanted)
{
    g_return_if_fail(least > 0 && least <= wanted);
    self->least = least;
    self->wanted = wanted;
    gtk_widget_queue_resize(GTK_WIDGET(self));
}

void
lim_picture_view_set_empty_text(LimPictureView *self, const char *text)
{
    g_free(self->empty_text);
    self->empty_text = g_strdup(text);
    describe(self);
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

void
lim_picture_view_set_description(LimPictureView *self, const char *text)
{
    if (g_strcmp0(text, self->description) == 0)
        return;
    g_free(self->description);
    self->description = g_strdup(text);
    describe(self);
}

void
lim_picture_view_set_overlay(LimPictureView *self, const guint8 *rgba, double opacity)
{
    drop_overlay(self);
    self->opacity = opacity;
    gtk_widget_queue_draw(GTK_WIDGET(self));
    if (!rgba || !self->pixels)
        return;
    self->overlay = g_memdup2(rgba, (gsize)(self->width * self->height) * 4);
    self->tint = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, self->width, self->height);
    guint8 *data = cairo_image_surface_get_data(self->tint);
    const int stride = cairo_image_surface_get_stride(self->tint);
    for (int y = 0; y < self->height; y++)
        for (int x = 0; x < self->width; x++) {
            const guint8 *p = rgba + (gsize)(y * self->width + x) * 4;
            const guint a = p[3];
            *(guint32 *)(void *)(data + y * stride + 4 * x) =
                a << 24 | (p[0] * a / 255) << 16 | (p[1] * a / 255) << 8 | (p[2] * a / 255);
        }
    cairo_surface_mark_dirty(self->tint);
}

void
lim_picture_view_set_opacity(LimPictureView *self, double opacity)
{
    self->opacity = opacity;
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

void
lim_picture_view_set_marks(LimPictureView *self, const LimPictureMark *marks, int n)
{
    g_free(self->marks);
    self->marks = g_memdup2(marks, (gsize)n * sizeof *marks);
    self->n_marks = n;
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

void
lim_picture_view_set_use(LimPictureView *self, LimPictureUse use)
{
    static const char *const cursors[] = {NULL, "pointer", "crosshair"};

    self->use = use;
    gtk_widget_set_cursor_from_name(GTK_WIDGET(self), cursors[use]);
}

guint
lim_picture_view_get_serial(LimPictureView *self)
{
    return self->serial;
}

const guint8 *
lim_picture_view_get_pixel(LimPictureView *self, int x, int y)
{
    if (!self->pixels || x < 0 || y < 0 || x >= self->width || y >= self->height)
        return NULL;
    return self->pixels + (gsize)((y * self->width + x) * self->channels);
}

double
lim_picture_fit(int size, int room)
{
    const int parts = size >= LARGE ? 2 : 1;

    return MAX((double)(parts * room / size) / parts, 1);
}

/* In device pixels: the factor, and where the picture begins. */
static double
lay_out(LimPictureView *self, int *left, int *top)
{
    int scale = gtk_widget_get_scale_factor(GTK_WIDGET(self));
    int w = gtk_widget_get_width(GTK_WIDGET(self)) * scale;
    int h = gtk_widget_get_height(GTK_WIDGET(self)) * scale;
    int zoom = lim_zoom_get_factor(self->zoom);
    double fit = MIN(lim_picture_fit(self->width, w), lim_picture_fit(self->height, h)), x, y;
    const int seen_w = (int)(fit * self->width), seen_h = (int)(fit * self->height);

    lim_zoom_get_centre(self->zoom, &x, &y);
    /* The picture is seen through a window of its own size at zoom 1. */
    *left = (w - seen_w) / 2 - (int)((x * zoom - 0.5) * seen_w + (zoom > 1 ? 0.5 : 0));
    *top = (h - seen_h) / 2 - (int)((y * zoom - 0.5) * seen_h + (zoom > 1 ? 0.5 : 0));
    return fit * zoom;
}

void
lim_picture_view_get_area(LimPictureView *self, graphene_rect_t *area)
{
    float scale = (float)gtk_widget_get_scale_factor(GTK_WIDGET(self));
    int left, top;

    g_return_if_fail(self->pixels);
    const double factor = lay_out(self, &left, &top);
    graphene_rect_init(area, (float)left / scale, (float)top / scale,
                       (float)(factor * self->width) / scale,
                       (float)(factor * self->height) / scale);
}

static void
snapshot_text(LimPictureView *self, GtkSnapshot *snapshot)
{
    int w = gtk_widget_get_width(GTK_WIDGET(self)), h = gtk_widget_get_height(GTK_WIDGET(self));
    g_autoptr(PangoLayout) text =
        gtk_widget_create_pango_layout(GTK_WIDGET(self), self->empty_text ? self->empty_text : "");
    GdkRGBA color;
    int tw, th;

    gtk_style_context_get_color(gtk_widget_get_style_context(GTK_WIDGET(self)), &color);
    GdkRGBA back = color;
    back.alpha *= 0.06F;
    gtk_snapshot_append_color(snapshot, &back, &GRAPHENE_RECT_INIT(0, 0, (float)w, (float)h));
    pango_layout_set_width(text, MAX(w - 24, 1) * PANGO_SCALE);
    pango_layout_set_wrap(text, PANGO_WRAP_WORD_CHAR);
    pango_layout_set_alignment(text, PANGO_ALIGN_CENTER);
    pango_layout_get_pixel_size(text, &tw, &th);
    gtk_snapshot_save(snapshot);
    gtk_snapshot_translate(snapshot, &GRAPHENE_POINT_INIT(12, (float)((h - th) / 2)));
    gtk_snapshot_append_layout(snapshot, text, &color);
    gtk_snapshot_restore(snapshot);
}

/* A line between two pixels of different colour, in the colour of the more opaque one. */
static void
draw_edge(LimPictureView *self, cairo_t *cr, int at, int other, double x0, double y0, double x1,
          double y1)
{
    const guint8 *a = self->overlay + 4 * (gsize)at, *b = self->overlay + 4 * (gsize)other;

    if (memcmp(a, b, 4) == 0)
        return;
    const guint8 *p = a[3] >= b[3] ? a : b;
    cairo_set_source_rgb(cr, p[0] / 255.0, p[1] / 255.0, p[2] / 255.0);
    cairo_move_to(cr, x0, y0);
    cairo_line_to(cr, x1, y1);
    cairo_stroke(cr);
}

static void
draw_overlay(LimPictureView *self, cairo_t *cr, double factor, int scale)
{
    const int w = self->width, h = self->height;

    cairo_save(cr);
    cairo_scale(cr, factor, factor);
    cairo_set_source_surface(cr, self->tint, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(cr), CAIRO_FILTER_NEAREST);
    cairo_paint_with_alpha(cr, self->opacity);
    cairo_restore(cr);
    if (self->opacity <= 0)
        return;
    cairo_set_line_width(cr, scale);
    cairo_set_line_cap(cr, CAIRO_LINE_CAP_SQUARE);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            const int at = y * w + x;
            const double px = x * factor, py = y * factor;
            if (x + 1 < w)
                draw_edge(self, cr, at, at + 1, px + factor, py, px + factor, py + factor);
            if (y + 1 < h)
                draw_edge(self, cr, at, at + w, px, py + factor, px + factor, py + factor);
        }
}

static void
draw_mark(LimPictureView *self, cairo_t *cr, const LimPictureMark *m, double factor, int scale)
{
    const double line = (m->strong ? 3 : 1.5) * scale, half = line / 2;
    const double x = m->x0 * factor, y = m->y0 * factor;
    const double w = (m->x1 - m->x0) * factor, h = (m->y1 - m->y0) * factor;

    cairo_set_source_rgba(cr, 0, 0, 0, 0.6);
    cairo_set_line_width(cr, line + scale);
    cairo_rectangle(cr, x + half, y + half, MAX(w - line, 1), MAX(h - line, 1));
    cairo_stroke_preserve(cr);
    cairo_set_source_rgb(cr, m->rgb[0] / 255.0, m->rgb[1] / 255.0, m->rgb[2] / 255.0);
    cairo_set_line_width(cr, line);
    cairo_stroke(cr);
}

static PangoLayout *
mark_text_new(LimPictureView *self, const LimPictureMark *m)
{
    PangoLayout *text = gtk_widget_create_pango_layout(GTK_WIDGET(self), m->text);
    g_autoptr(PangoAttrList) attrs = pango_attr_list_new();

    pango_attr_list_insert(attrs, pango_attr_scale_new(0.72));
    pango_layout_set_attributes(text, attrs);
    return text;
}

static void
draw_mark_text(cairo_t *cr, const LimPictureMark *m, const LimLabelPlace *at, PangoLayout *text)
{
    const int light = (299 * m->rgb[0] + 587 * m->rgb[1] + 114 * m->rgb[2]) / 1000;

    cairo_set_source_rgba(cr, m->rgb[0] / 255.0, m->rgb[1] / 255.0, m->rgb[2] / 255.0, 0.9);
    cairo_rectangle(cr, at->x, at->y, at->w, at->h);
    cairo_fill(cr);
    cairo_set_source_rgb(cr, light < 110, light < 110, light < 110);
    cairo_move_to(cr, at->x + TEXT_MARGIN, at->y);
    pango_cairo_show_layout(cr, text);
}

/* Where the text of a mark may stand, in the seen part of width x height that begins at left, top;
 * in logical pixels, of which a picture's pixel has `each`. A box that is out of sight has no text.
 */
static LimLabelPlace
place_of(const LimPictureMark *m, PangoLayout *text, double each, double left, double top,
         double width, double height)
{
    LimLabelPlace at = {.x0 = m->x0 * each - left,
                        .y0 = m->y0 * each - top,
                        .x1 = m->x1 * each - left,
                        .y1 = m->y1 * each - top};
    int w, h;

    if (!*m->text || at.x0 >= width || at.y0 >= height || at.x1 <= 0 || at.y1 <= 0)
        return at;
    pango_layout_get_pixel_size(text, &w, &h);
    at.w = w + 2 * TEXT_MARGIN;
    at.h = h;
    return at;
}

/* The first marks have the best places, and lie on top where there are too many. */
static void
draw_mark_texts(LimPictureView *self, cairo_t *cr, double factor, int scale)
{
    g_autofree LimLabelPlace *at = g_new0(LimLabelPlace, self->n_marks);
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_object_unref);
    double left, top, right, bottom;

    cairo_save(cr);
    cairo_scale(cr, scale, scale);
    cairo_clip_extents(cr, &left, &top, &right, &bottom);
    cairo_translate(cr, left, top);
    for (int i = 0; i < self->n_marks; i++) {
        PangoLayout *text = mark_text_new(self, &self->marks[i]);
        g_ptr_array_add(texts, text);
        at[i] =
            place_of(&self->marks[i], text, factor / scale, left, top, right - left, bottom - top);
    }
    lim_labels_place(at, self->n_marks, right - left, bottom - top);
    for (int i = self->n_marks - 1; i >= 0; i--)
        if (at[i].w > 0)
            draw_mark_text(cr, &self->marks[i], &at[i], g_ptr_array_index(texts, (guint)i));
    cairo_restore(cr);
}

static void
snapshot(GtkWidget *widget, GtkSnapshot *snapshot)
{
    LimPictureView *self = LIM_PICTURE_VIEW(widget);
    int scale = gtk_widget_get_scale_factor(widget), left, top, x, y;
    float w = (float)gtk_widget_get_width(widget), h = (float)gtk_widget_get_height(widget);

    if (!self->pixels) {
        snapshot_text(self, snapshot);
        return;
    }
    const double factor = lay_out(self, &left, &top),
                 fit = factor / lim_zoom_get_factor(self->zoom);
    const int seen_w = (int)(fit * self->width), seen_h = (int)(fit * self->height);
    cairo_t *cr = gtk_snapshot_append_cairo(snapshot, &GRAPHENE_RECT_INIT(0, 0, w, h));
    cairo_scale(cr, 1.0 / scale, 1.0 / scale);
    cairo_rectangle(cr, ((int)w * scale - seen_w) / 2, ((int)h * scale - seen_h) / 2, seen_w,
                    seen_h);
    cairo_clip(cr);
    cairo_translate(cr, left, top);
    cairo_save(cr);
    cairo_scale(cr, factor, factor);
    cairo_set_source_surface(cr, self->surface, 0, 0);
    cairo_pattern_set_extend(cairo_get_source(cr), CAIRO_EXTEND_PAD); /* no blur at the rim */
    cairo_pattern_set_filter(cairo_get_source(cr),
                             factor == rint(factor) ? CAIRO_FILTER_NEAREST : CAIRO_FILTER_BILINEAR);
    cairo_rectangle(cr, 0, 0, self->width, self->height);
    cairo_fill(cr);
    cairo_restore(cr);
    if (self->overlay)
        draw_overlay(self, cr, factor, scale);
    for (int i = 0; i < self->n_marks; i++)
        draw_mark(self, cr, &self->marks[i], factor, scale);
    draw_mark_texts(self, cr, factor, scale);
    if (lim_zoom_get_pixel(self->zoom, &x, &y) && x < self->width && y < self->height) {
        for (int rim = 1; rim >= 0; rim--) { /* dark around light */
            double out = (1 + 2 * rim) * scale / 2.0;
            cairo_set_source_rgb(cr, !rim, !rim, !rim);
            cairo_set_line_width(cr, scale);
            cairo_rectangle(cr, x * factor - out, y * factor - out, factor + 2 * out,
                            factor + 2 * out);
            cairo_stroke(cr);
        }
    }
    cairo_destroy(cr);
    if (gtk_widget_has_visible_focus(widget)) {
        GdkRGBA color;
        if (!gtk_style_context_lookup_color(gtk_widget_get_style_context(widget), "limen_accent",
                                            &color))
            gtk_style_context_get_color(gtk_widget_get_style_context(widget), &color);
        lim_pictures_frame(snapshot, &GRAPHENE_RECT_INIT(0, 0, w, h), 0, &color);
    }
}

static void
measure(GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
        int *minimum_baseline, int *natural_baseline)
{
    LimPictureView *self = LIM_PICTURE_VIEW(widget);

    *minimum = self->least;
    *natural = self->wanted;
}

/* ---- input ---- */

/* The place under a point, 0 .. 1 across and down the picture; FALSE outside. */
static gboolean
place_at(LimPictureView *self, double x, double y, double *u, double *v)
{
    graphene_rect_t area;

    if (!self->pixels)
        return FALSE;
    lim_picture_view_get_area(self, &area);
    *u = (x - (double)area.origin.x) / (double)area.size.width;
    *v = (y - (double)area.origin.y) / (double)area.size.height;
    return *u >= 0 && *v >= 0 && *u < 1 && *v < 1;
}

static void
moved(LimPictureView *self, double x, double y)
{
    double u, v;

    if (place_at(self, x, y, &u, &v))
        lim_zoom_set_pixel(self->zoom, (int)(u * self->width), (int)(v * self->height));
    else
        lim_zoom_set_pixel(self->zoom, -1, -1);
}

static void
left(LimPictureView *self)
{
    lim_zoom_set_pixel(self->zoom, -1, -1);
}

static gboolean
scrolled(LimPictureView *self, double dx, double dy, GtkEventController *controller)
{
    GdkEvent *event = gtk_event_controller_get_current_event(controller);
    int factor = lim_zoom_get_factor(self->zoom);
    double u = 0.5, v = 0.5, x, y;
    int px, py;

    if (!self->pixels || dy == 0)
        return GDK_EVENT_PROPAGATE;
    if (lim_zoom_get_pixel(self->zoom, &px, &py)) {
        u = (px + 0.5) / self->width;
        v = (py + 0.5) / self->height;
    } else if (event && gdk_event_get_position(event, &x, &y)) {
        lim_zoom_get_centre(self->zoom, &u, &v);
    }
    lim_zoom_set_factor(self->zoom, dy < 0 ? factor * 2 : factor / 2, u, v);
    return GDK_EVENT_STOP;
}

static gboolean
pixel_at(LimPictureView *self, double x, double y, int *px, int *py)
{
    double u, v;

    if (!place_at(self, x, y, &u, &v))
        return FALSE;
    *px = (int)(u * self->width);
    *py = (int)(v * self->height);
    return TRUE;
}

/* Every pixel on the way from the last one: a fast hand leaves no gaps. */
static void
brush_to(LimPictureView *self, int x, int y)
{
    const int steps = MAX(ABS(x - self->brush_x), ABS(y - self->brush_y));

    for (int i = 1; i <= steps; i++)
        g_signal_emit(self, signals[BRUSHED], 0, self->brush_x + (x - self->brush_x) * i / steps,
                      self->brush_y + (y - self->brush_y) * i / steps);
    self->brush_x = x;
    self->brush_y = y;
}

static void
drag_begin(LimPictureView *self, double x, double y)
{
    self->panned_x = self->panned_y = 0;
    self->from_x = x;
    self->from_y = y;
    self->moves = FALSE;
    gtk_widget_grab_focus(GTK_WIDGET(self));
    self->stroke =
        self->use == LIM_PICTURE_CANVAS && pixel_at(self, x, y, &self->brush_x, &self->brush_y);
    if (self->stroke)
        g_signal_emit(self, signals[BRUSHED], 0, self->brush_x, self->brush_y);
}

static void
drag_end(LimPictureView *self, double dx, double dy)
{
    int x, y;

    if (self->stroke)
        g_signal_emit(self, signals[BRUSH_END], 0);
    else if (self->use == LIM_PICTURE_PICK && !self->moves &&
             pixel_at(self, self->from_x, self->from_y, &x, &y))
        g_signal_emit(self, signals[PICKED], 0, x, y);
    self->stroke = FALSE;
}

static void
drag_update(LimPictureView *self, double dx, double dy)
{
    graphene_rect_t area;

    int x, y;

    if (!self->pixels)
        return;
    self->moves |= fabs(dx) + fabs(dy) > 4;
    if (self->use == LIM_PICTURE_CANVAS) {
        if (self->stroke && pixel_at(self, self->from_x + dx, self->from_y + dy, &x, &y))
            brush_to(self, x, y);
        return;
    }
    lim_picture_view_get_area(self, &area);
    lim_zoom_pan(self->zoom, (self->panned_x - dx) / (double)area.size.width,
                 (self->panned_y - dy) / (double)area.size.height);
    self->panned_x = dx;
    self->panned_y = dy;
}

static gboolean
key_pressed(LimPictureView *self, guint keyval, guint code, GdkModifierType state)
{
    int factor = lim_zoom_get_factor(self->zoom), x, y, dx = 0, dy = 0;
    double u, v;

    if (!self->pixels || state & (GDK_ALT_MASK | GDK_CONTROL_MASK))
        return GDK_EVENT_PROPAGATE;
    gboolean marked = lim_zoom_get_pixel(self->zoom, &x, &y);
    lim_zoom_get_centre(self->zoom, &u, &v);
    if (marked) {
        u = (x + 0.5) / self->width;
        v = (y + 0.5) / self->height;
    }
    switch (keyval) {
    case GDK_KEY_Return:
    case GDK_KEY_KP_Enter:
        if (!marked || self->use == LIM_PICTURE_LOOK)
            return GDK_EVENT_PROPAGATE;
        g_signal_emit(self, signals[self->use == LIM_PICTURE_PICK ? PICKED : BRUSHED], 0, x, y);
        if (self->use == LIM_PICTURE_CANVAS)
            g_signal_emit(self, signals[BRUSH_END], 0);
        return GDK_EVENT_STOP;
    case GDK_KEY_plus:
    case GDK_KEY_equal:
    case GDK_KEY_KP_Add:
        lim_zoom_set_factor(self->zoom, factor * 2, u, v);
        return GDK_EVENT_STOP;
    case GDK_KEY_minus:
    case GDK_KEY_KP_Subtract:
        lim_zoom_set_factor(self->zoom, factor / 2, u, v);
        return GDK_EVENT_STOP;
    case GDK_KEY_0:
    case GDK_KEY_KP_0:
        lim_zoom_set_factor(self->zoom, 1, 0.5, 0.5);
        return GDK_EVENT_STOP;
    case GDK_KEY_Left:
        dx = -1;
        break;
    case GDK_KEY_Right:
        dx = 1;
        break;
    case GDK_KEY_Up:
        dy = -1;
        break;
    case GDK_KEY_Down:
        dy = 1;
        break;
    default:
        return GDK_EVENT_PROPAGATE;
    }
    if (!marked) {
        x = self->width / 2;
        y = self->height / 2;
    } else {
        x = CLAMP(x + dx, 0, self->width - 1);
        y = CLAMP(y + dy, 0, self->height - 1);
        lim_zoom_pan(self->zoom, (double)dx / self->width, (double)dy / self->height);
    }
    lim_zoom_set_pixel(self->zoom, x, y);
    return GDK_EVENT_STOP;
}

static void
zoom_changed(LimPictureView *self)
{
    describe(self);
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

static void
finalize(GObject *object)
{
    LimPictureView *self = LIM_PICTURE_VIEW(object);

    drop_overlay(self);
    g_clear_pointer(&self->surface, cairo_surface_destroy);
    g_free(self->marks);
    g_free(self->pixels);
    g_free(self->name);
    g_free(self->empty_text);
    g_free(self->description);
    g_clear_object(&self->zoom);
    G_OBJECT_CLASS(lim_picture_view_parent_class)->finalize(object);
}

static void
lim_picture_view_class_init(LimPictureViewClass *klass)
{
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->finalize = finalize;
    signals[PICKED] = g_signal_new("picked", LIM_TYPE_PICTURE_VIEW, G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 2, G_TYPE_INT, G_TYPE_INT);
    signals[BRUSHED] = g_signal_new("brushed", LIM_TYPE_PICTURE_VIEW, G_SIGNAL_RUN_LAST, 0, NULL,
                                    NULL, NULL, G_TYPE_NONE, 2, G_TYPE_INT, G_TYPE_INT);
    signals[BRUSH_END] = g_signal_new("brush-end", LIM_TYPE_PICTURE_VIEW, G_SIGNAL_RUN_LAST, 0,
                                      NULL, NULL, NULL, G_TYPE_NONE, 0);
    widget_class->snapshot = snapshot;
    widget_class->measure = measure;
    gtk_widget_class_set_css_name(widget_class, "pictureview");
    gtk_widget_class_set_accessible_role(widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
lim_picture_view_init(LimPictureView *self)
{
    GtkEventController *keys = gtk_event_controller_key_new();
    GtkEventController *motion = gtk_event_controller_motion_new();
    GtkEventController *wheel = gtk_event_controller_scroll_new(
        GTK_EVENT_CONTROLLER_SCROLL_VERTICAL | GTK_EVENT_CONTROLLER_SCROLL_DISCRETE);
    GtkGesture *drag = gtk_gesture_drag_new();

    self->least = MIN_SIDE;
    self->wanted = 2 * MIN_SIDE;
    gtk_widget_set_focusable(GTK_WIDGET(self), TRUE);
    gtk_widget_set_overflow(GTK_WIDGET(self), GTK_OVERFLOW_HIDDEN);
    g_signal_connect_swapped(keys, "key-pressed", G_CALLBACK(key_pressed), self);
    g_signal_connect_swapped(motion, "motion", G_CALLBACK(moved), self);
    g_signal_connect_swapped(motion, "leave", G_CALLBACK(left), self);
    g_signal_connect_swapped(wheel, "scroll", G_CALLBACK(scrolled), self);
    g_signal_connect_swapped(drag, "drag-begin", G_CALLBACK(drag_begin), self);
    g_signal_connect_swapped(drag, "drag-update", G_CALLBACK(drag_update), self);
    g_signal_connect_swapped(drag, "drag-end", G_CALLBACK(drag_end), self);
    gtk_widget_add_controller(GTK_WIDGET(self), keys);
    gtk_widget_add_controller(GTK_WIDGET(self), motion);
    gtk_widget_add_controller(GTK_WIDGET(self), wheel);
    gtk_widget_add_controller(GTK_WIDGET(self), GTK_EVENT_CONTROLLER(drag));
}

GtkWidget *
lim_picture_view_new(const char *name, LimZoom *zoom)
{
    LimPictureView *self = g_object_new(LIM_TYPE_PICTURE_VIEW, NULL);

    self->name = g_strdup(name);
    self->zoom = g_object_ref(zoom);
    g_signal_connect_object(zoom, "changed", G_CALLBACK(zoom_changed), self, G_CONNECT_SWAPPED);
    describe(self);
    return GTK_WIDGET(self);
}
