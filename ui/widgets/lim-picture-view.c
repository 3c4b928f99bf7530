/* LimPictureView: a Cairo surface painted with the nearest-pixel filter at a whole factor, so that
 * the colours on the screen are the bytes that were given. */
#include "widgets/lim-picture-view.h"

#include "widgets/pictures.h"

#define MIN_SIDE 96

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
};

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

void
lim_picture_view_set_picture(LimPictureView *self, const guint8 *pixels, int width, int height,
                             int channels)
{
    self->serial++;
    if (!pixels || width != self->width || height != self->height) {
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

/* In device pixels: the factor, and where the picture begins. */
static int
lay_out(LimPictureView *self, int *left, int *top)
{
    int scale = gtk_widget_get_scale_factor(GTK_WIDGET(self));
    int w = gtk_widget_get_width(GTK_WIDGET(self)) * scale;
    int h = gtk_widget_get_height(GTK_WIDGET(self)) * scale;
    int zoom = lim_zoom_get_factor(self->zoom);
    int fit = MAX(MIN(w / self->width, h / self->height), 1), factor = fit * zoom;
    double x, y;

    lim_zoom_get_centre(self->zoom, &x, &y);
    /* The picture is seen through a window of its own size at zoom 1. */
    *left = (w - fit * self->width) / 2 -
            (int)((x * zoom - 0.5) * fit * self->width + (zoom > 1 ? 0.5 : 0));
    *top = (h - fit * self->height) / 2 -
           (int)((y * zoom - 0.5) * fit * self->height + (zoom > 1 ? 0.5 : 0));
    return factor;
}

void
lim_picture_view_get_area(LimPictureView *self, graphene_rect_t *area)
{
    float scale = (float)gtk_widget_get_scale_factor(GTK_WIDGET(self));
    int left, top;

    g_return_if_fail(self->pixels);
    int factor = lay_out(self, &left, &top);
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
    int factor = lay_out(self, &left, &top), fit = factor / lim_zoom_get_factor(self->zoom);
    int seen_w = fit * self->width, seen_h = fit * self->height;
    cairo_t *cr = gtk_snapshot_append_cairo(snapshot, &GRAPHENE_RECT_INIT(0, 0, w, h));
    cairo_scale(cr, 1.0 / scale, 1.0 / scale);
    cairo_rectangle(cr, ((int)w * scale - seen_w) / 2, ((int)h * scale - seen_h) / 2, seen_w,
                    seen_h);
    cairo_clip(cr);
    cairo_translate(cr, left, top);
    cairo_save(cr);
    cairo_scale(cr, factor, factor);
    cairo_set_source_surface(cr, self->surface, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(cr), CAIRO_FILTER_NEAREST);
    cairo_paint(cr);
    cairo_restore(cr);
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

static void
drag_begin(LimPictureView *self)
{
    self->panned_x = self->panned_y = 0;
    gtk_widget_grab_focus(GTK_WIDGET(self));
}

static void
drag_update(LimPictureView *self, double dx, double dy)
{
    graphene_rect_t area;

    if (!self->pixels)
        return;
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

    g_clear_pointer(&self->surface, cairo_surface_destroy);
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
