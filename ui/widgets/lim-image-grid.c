/* LimImageGrid: the pictures in the middle of the window.
 *
 * GtkPicture interpolates, which turns a 32x32 picture into fog. Here the pictures are one Cairo
 * surface painted with the nearest-pixel filter at a whole factor, so that every pixel of a picture
 * is a square of equal size and the colours on screen are the bytes that were given. */
#include "widgets/lim-image-grid.h"

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
};

enum { PROP_CURSOR = 1, PROP_ENLARGED, PROP_STALE, PROP_POINTED, N_PROPS };
static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE(LimImageGrid, lim_image_grid, GTK_TYPE_WIDGET)

LimGridLayout
lim_grid_layout(int n, int width, int height, int area_w, int area_h, int gap, int caption)
{
    int best[2] = {0}, factor[2] = {0}, shape[2] = {0}; /* [1]: among grids without empty cells */

    for (int columns = 1; columns <= n; columns++) {
        int rows = (n + columns - 1) / columns;
        int fx = (area_w - (columns - 1) * gap) / (columns * width);
        int fy = (area_h - (rows - 1) * gap - rows * caption) / (rows * height);
        int f = MAX(MIN(fx, fy), 1);

        for (int full = 0; full <= (columns * rows == n); full++) {
            /* Of equal factors the one nearest to a square. */
            if (f < factor[full] || (f == factor[full] && ABS(columns - rows) >= shape[full]))
                continue;
            best[full] = columns;
            factor[full] = f;
            shape[full] = ABS(columns - rows);
        }
    }
    /* A full grid is worth pictures that are up to a fifth smaller. */
    int full = factor[1] * 5 >= factor[0] * 4;
    LimGridLayout l = {.columns = best[full],
                       .factor = factor[full],
                       .gap = gap,
                       .caption = caption};

    l.rows = (n + l.columns - 1) / l.columns;
    l.cell_w = l.factor * width;
    l.cell_h = l.factor * height;
    int total_w = l.columns * (l.cell_w + gap) - gap;
    int total_h = l.rows * (l.cell_h + caption + gap) - gap;
    l.x = MAX((area_w - total_w) / 2, 0);
    l.y = MAX((area_h - total_h) / 2, 0);
    return l;
}

/* Height of a line of text under a picture, in logical pixels. */
static int
caption_height(LimImageGrid *self)
{
    PangoContext *context = gtk_widget_get_pango_context(GTK_WIDGET(self));
    PangoFontMetrics *metrics = pango_context_get_metrics(context, NULL, NULL);
    int height = pango_font_metrics_get_height(metrics);

    pango_font_metrics_unref(metrics);
    return PANGO_PIXELS_CEIL(height);
}

/* The layout of what is shown now: all pictures, or the one under the cursor. */
static LimGridLayout
current_layout(LimImageGrid *self)
{
    int scale = gtk_widget_get_scale_factor(GTK_WIDGET(self));
    int w = gtk_widget_get_width(GTK_WIDGET(self)) * scale;
    int h = gtk_widget_get_height(GTK_WIDGET(self)) * scale;
    int n = self->enlarged ? 1 : self->n;
    LimGridLayout plain = lim_grid_layout(n, self->width, self->height, w, h, GAP * scale, 0);

    if (!self->labels || !self->captions || plain.cell_w < CAPTION_AT * scale)
        return plain;
    return lim_grid_layout(n, self->width, self->height, w, h, GAP * scale,
                           caption_height(self) * scale);
}

static int
picture_at(LimImageGrid *self, double x, double y)
{
    int scale = gtk_widget_get_scale_factor(GTK_WIDGET(self));

    if (!self->n)
        return -1;
    LimGridLayout l = current_layout(self);
    int dx = (int)(x * scale) - l.x, dy = (int)(y * scale) - l.y;
    if (dx < 0 || dy < 0)
        return -1;
    int column = dx / (l.cell_w + l.gap), row = dy / (l.cell_h + l.caption + l.gap);
    if (column >= l.columns || row >= l.rows || dx % (l.cell_w + l.gap) >= l.cell_w)
        return -1;
    if (self->enlarged)
        return self->cursor;
    int i = row * l.columns + column;
    return i < self->n ? i : -1;
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
        }
    }
    gtk_accessible_update_property(GTK_ACCESSIBLE(self), GTK_ACCESSIBLE_PROPERTY_LABEL, "Pictures",
                                   GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, text->str, -1);
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
    gtk_accessible_update_state(GTK_ACCESSIBLE(self), GTK_ACCESSIBLE_STATE_BUSY, stale, -1);
    if (stale)
        gtk_widget_add_css_class(GTK_WIDGET(self), "stale");
    else
        gtk_widget_remove_css_class(GTK_WIDGET(self), "stale");
    g_object_notify_by_pspec(G_OBJECT(self), props[PROP_STALE]);
}

static void
set_pointed(LimImageGrid *self, int pointed)
{
    if (pointed == self->pointed)
        return;
    self->pointed = pointed;
    g_object_notify_by_pspec(G_OBJECT(self), props[PROP_POINTED]);
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
        self->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, n * height);
        unsigned char *out = cairo_image_surface_get_data(self->surface);
        int stride = cairo_image_surface_get_stride(self->surface);
        for (int y = 0; y < n * height; y++) {
            guint32 *row = (guint32 *)(void *)(out + (gsize)y * (gsize)stride);
            for (int x = 0; x < width; x++, in += channels) {
                guint32 r = in[0], g = in[channels / 2], b = in[channels - 1];
                row[x] = r << 16 | g << 8 | b;
            }
        }
        cairo_surface_mark_dirty(self->surface);
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
    describe(self);
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

static void
snapshot_caption(LimImageGrid *self, GtkSnapshot *snapshot, const LimGridLayout *l, int i, int x,
                 int y, int scale)
{
    g_autoptr(PangoLayout) text = gtk_widget_create_pango_layout(GTK_WIDGET(self), self->labels[i]);
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

static void
snapshot(GtkWidget *widget, GtkSnapshot *snapshot)
{
    LimImageGrid *self = LIM_IMAGE_GRID(widget);
    int scale = gtk_widget_get_scale_factor(widget);

    if (!self->n)
        return;
    LimGridLayout l = current_layout(self);
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
            GskRoundedRect outline;
            GdkRGBA color;
            if (!gtk_style_context_lookup_color(gtk_widget_get_style_context(widget),
                                                "limen_accent", &color))
                gtk_style_context_get_color(gtk_widget_get_style_context(widget), &color);
            gsk_rounded_rect_init_from_rect(&outline,
                                            &GRAPHENE_RECT_INIT((float)x / (float)scale - 2,
                                                                (float)y / (float)scale - 2,
                                                                (float)l.cell_w / (float)scale + 4,
                                                                (float)l.cell_h / (float)scale + 4),
                                            0);
            gtk_snapshot_append_border(snapshot, &outline, (float[4]){2, 2, 2, 2},
                                       (GdkRGBA[4]){color, color, color, color});
        }
    }
}

static void
measure(GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
        int *minimum_baseline, int *natural_baseline)
{
    *minimum = *natural = MIN_SIZE;
}

static gboolean
key_pressed(LimImageGrid *self, guint keyval, guint code, GdkModifierType state)
{
    if (!self->n || state & (GDK_CONTROL_MASK | GDK_ALT_MASK))
        return GDK_EVENT_PROPAGATE;
    int columns = self->enlarged ? 1 : current_layout(self).columns;
    int back = gtk_widget_get_direction(GTK_WIDGET(self)) == GTK_TEXT_DIR_RTL ? 1 : -1;
    int to = self->cursor;

    switch (keyval) {
    case GDK_KEY_Left:
    case GDK_KEY_KP_Left:
        to += back;
        break;
    case GDK_KEY_Right:
    case GDK_KEY_KP_Right:
        to -= back;
        break;
    case GDK_KEY_Up:
    case GDK_KEY_KP_Up:
        to -= columns;
        break;
    case GDK_KEY_Down:
    case GDK_KEY_KP_Down:
        to += columns;
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
    if (to >= 0 && to < self->n)
        lim_image_grid_set_cursor(self, to);
    return GDK_EVENT_STOP;
}

static void
pressed(LimImageGrid *self, int n_press, double x, double y)
{
    int i = picture_at(self, x, y);

    gtk_widget_grab_focus(GTK_WIDGET(self));
    if (i < 0)
        return;
    lim_image_grid_set_cursor(self, i);
    if (n_press == 2)
        lim_image_grid_set_enlarged(self, !self->enlarged);
}

static void
moved(LimImageGrid *self, double x, double y)
{
    set_pointed(self, picture_at(self, x, y));
}

static void
left(LimImageGrid *self)
{
    set_pointed(self, -1);
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
    g_clear_pointer(&self->labels, g_strfreev);
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

    gtk_widget_class_set_css_name(widget_class, "imagegrid");
    gtk_widget_class_set_accessible_role(widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
lim_image_grid_init(LimImageGrid *self)
{
    GtkEventController *keys = gtk_event_controller_key_new();
    GtkGesture *click = gtk_gesture_click_new();

    self->cursor = self->pointed = -1;
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
    describe(self);
}

GtkWidget *
lim_image_grid_new(void)
{
    return g_object_new(LIM_TYPE_IMAGE_GRID, NULL);
}
