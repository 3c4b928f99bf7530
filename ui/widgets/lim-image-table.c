/* LimImageTable: sheets over two settings, and strips.
 *
 * As in LimImageGrid the pictures are one Cairo surface painted with the nearest-pixel filter at a
 * whole factor; but many pictures may find no room at twice their size, and between once and twice
 * a smooth filter makes use of what there is. The names are texts of the widget, so they follow the
 * font of the desktop; the exported file draws its own. */
#include "widgets/lim-image-table.h"

#include "widgets/pictures.h"

#include <math.h>

#define GAP        4
#define PAD        6
#define NAMES_MOST 160 /* width of the row names, in logical pixels */

struct _LimImageTable {
    GtkWidget parent_instance;
    char *name;
    char *title[2]; /* of rows, of columns */
    char **names[2];
    int count[2];

    int width, height;        /* of a picture; 0: none yet */
    cairo_surface_t *surface; /* [rows * height][columns * width] */
    gboolean *there;          /* [rows * columns] */

    int cursor, marked, pointed; /* places, or -1 */
    gboolean stale;
    gboolean above; /* the names of rows */
};

enum { PROP_POINTED = 1, PROP_STALE, N_PROPS };
static GParamSpec *props[N_PROPS];
enum { ACTIVATED, OPENED, N_SIGNALS };
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE(LimImageTable, lim_image_table, GTK_TYPE_WIDGET)

static int
n_places(LimImageTable *self)
{
    return self->count[0] * self->count[1];
}

static int
place_of(LimImageTable *self, int row, int column)
{
    return row >= 0 && row < self->count[0] && column >= 0 && column < self->count[1]
               ? row * self->count[1] + column
               : -1;
}

static void
split(LimImageTable *self, int place, int *row, int *column)
{
    *row = place < 0 ? -1 : place / self->count[1];
    *column = place < 0 ? -1 : place % self->count[1];
}

char *
lim_image_table_dup_place(LimImageTable *self, int row, int column)
{
    g_return_val_if_fail(place_of(self, row, column) >= 0, NULL);
    return g_strdup_printf("%s%s%s, %s%s%s", self->title[0] ? self->title[0] : "",
                           self->title[0] ? " " : "", self->names[0][row],
                           self->title[1] ? self->title[1] : "", self->title[1] ? " " : "",
                           self->names[1][column]);
}

static void
describe(LimImageTable *self)
{
    g_autoptr(GString) text = g_string_new(NULL);
    int row, column;

    if (n_places(self)) {
        if (self->cursor >= 0) {
            split(self, self->cursor, &row, &column);
            g_autofree char *place = lim_image_table_dup_place(self, row, column);
            g_string_append_printf(text, "%s%s. ", place,
                                   self->cursor == self->marked ? ", the settings now" : "");
        }
        for (int a = 0; a < 2; a++)
            g_string_append_printf(text, "%s%d %s%s%s", a ? ". " : "", self->count[a],
                                   a ? "columns" : "rows", self->title[a] ? ": " : "",
                                   self->title[a] ? self->title[a] : "");
    } else {
        g_string_append(text, "No pictures yet");
    }
    gtk_accessible_update_property(GTK_ACCESSIBLE(self), GTK_ACCESSIBLE_PROPERTY_LABEL, self->name,
                                   GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, text->str, -1);
}

/* ---- layout ---- */

/* In device pixels. */
typedef struct Layout {
    int scale;
    int x, y; /* of the first picture */
    int cell_w, cell_h, gap;
    gboolean smooth; /* the pictures are larger by a factor that is not whole */
    int row_gap;     /* with the names above the rows, when they are there */
    int names, line; /* width of the row names, height of a line of text */
    int title_y;     /* of the columns' title, if there is one; their names stand below */
} Layout;

static PangoLayout *
make_text(LimImageTable *self, const char *text, int most, PangoAlignment align, gboolean bold)
{
    PangoLayout *layout = gtk_widget_create_pango_layout(GTK_WIDGET(self), text);
    g_autoptr(PangoAttrList) attrs = pango_attr_list_new();

    pango_attr_list_insert(attrs, pango_attr_font_features_new("tnum"));
    if (bold)
        pango_attr_list_insert(attrs, pango_attr_weight_new(PANGO_WEIGHT_BOLD));
    pango_layout_set_attributes(layout, attrs);
    if (most >= 0) {
        pango_layout_set_width(layout, most * PANGO_SCALE);
        pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END);
        pango_layout_set_alignment(layout, align);
    }
    return layout;
}

static void
text_size(LimImageTable *self, const char *text, gboolean bold, int *w, int *h)
{
    g_autoptr(PangoLayout) layout = make_text(self, text, -1, PANGO_ALIGN_LEFT, bold);

    pango_layout_get_pixel_size(layout, w, h);
}

/* Logical pixels: for the names beside, for a line, for all lines above the pictures. */
static void
measure_names(LimImageTable *self, int *names, int *line, int *head)
{
    int w, h;

    text_size(self, self->title[0] ? self->title[0] : "", TRUE, names, line);
    for (int i = 0; i < self->count[0] && !self->above; i++) {
        text_size(self, self->names[0][i], FALSE, &w, &h);
        *names = MAX(*names, w);
    }
    *names = MIN(*names, NAMES_MOST) + PAD;
    if (self->above)
        *names = 0;
    *head = (self->title[1] ? 2 : 1) * *line + (self->above ? *line : PAD);
}

static Layout
lay_out(LimImageTable *self)
{
    Layout l = {.scale = gtk_widget_get_scale_factor(GTK_WIDGET(self))};
    int area_w = gtk_widget_get_width(GTK_WIDGET(self)) * l.scale;
    int area_h = gtk_widget_get_height(GTK_WIDGET(self)) * l.scale;
    int rows = MAX(self->count[0], 1), columns = MAX(self->count[1], 1);
    int w = MAX(self->width, 1), h = MAX(self->height, 1), head;

    measure_names(self, &l.names, &l.line, &head);
    l.names *= l.scale;
    l.line *= l.scale;
    head *= l.scale;
    l.gap = GAP * l.scale;
    l.row_gap = l.gap + (self->above ? l.line : 0);
    /* A gap also at the end, for frames. */
    double fx = (double)(area_w - l.names - columns * l.gap) / (columns * w);
    double fy = (double)(area_h - head - (rows - 1) * l.row_gap - l.gap) / (rows * h);
    double factor = MAX(MIN(fx, fy), 1);
    l.smooth = factor < 2;
    if (!l.smooth)
        factor = floor(factor);
    l.cell_w = (int)(factor * w);
    l.cell_h = (int)(factor * h);
    int total_w = l.names + columns * (l.cell_w + l.gap);
    int total_h = head + rows * (l.cell_h + l.row_gap) - l.row_gap + l.gap;
    l.title_y = MAX((area_h - total_h) / 2, 0);
    l.x = MAX((area_w - total_w) / 2, 0) + l.names;
    l.y = l.title_y + head;
    return l;
}

void
lim_image_table_get_area(LimImageTable *self, int row, int column, graphene_rect_t *area)
{
    Layout l = lay_out(self);
    float s = (float)l.scale;

    graphene_rect_init(area, (float)(l.x + column * (l.cell_w + l.gap)) / s,
                       (float)(l.y + row * (l.cell_h + l.row_gap)) / s, (float)l.cell_w / s,
                       (float)l.cell_h / s);
}

static int
place_at(LimImageTable *self, double x, double y)
{
    if (!n_places(self) || !self->width)
        return -1;
    Layout l = lay_out(self);
    int dx = (int)(x * l.scale) - l.x, dy = (int)(y * l.scale) - l.y;
    if (dx < 0 || dy < 0 || dx % (l.cell_w + l.gap) >= l.cell_w ||
        dy % (l.cell_h + l.row_gap) >= l.cell_h)
        return -1;
    return place_of(self, dy / (l.cell_h + l.row_gap), dx / (l.cell_w + l.gap));
}

static void
measure(GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
        int *minimum_baseline, int *natural_baseline)
{
    LimImageTable *self = LIM_IMAGE_TABLE(widget);
    int names, line, head, scale = gtk_widget_get_scale_factor(widget);

    measure_names(self, &names, &line, &head);
    if (orientation == GTK_ORIENTATION_HORIZONTAL)
        *minimum = names + self->count[1] * (self->width / scale + 1 + GAP);
    else
        *minimum =
            head + self->count[0] * (self->height / scale + 1 + GAP + (self->above ? line : 0));
    *natural = *minimum = MAX(*minimum, 120);
}

/* ---- drawing ---- */

static void
draw_text(GtkSnapshot *snapshot, PangoLayout *text, double x, double y, const GdkRGBA *color)
{
    gtk_snapshot_save(snapshot);
    gtk_snapshot_translate(snapshot, &GRAPHENE_POINT_INIT((float)x, (float)y));
    gtk_snapshot_append_layout(snapshot, text, color);
    gtk_snapshot_restore(snapshot);
}

static void
draw_titles(LimImageTable *self, GtkSnapshot *snapshot, const Layout *l, int names_y,
            const GdkRGBA *color)
{
    int s = l->scale, room = gtk_widget_get_width(GTK_WIDGET(self)) - l->x / s;

    if (self->title[1]) {
        g_autoptr(PangoLayout) across =
            make_text(self, self->title[1], room, PANGO_ALIGN_LEFT, TRUE);
        draw_text(snapshot, across, l->x / s, l->title_y / s, color);
    }
    if (self->title[0] && !self->above) {
        g_autoptr(PangoLayout) down =
            make_text(self, self->title[0], l->names / s, PANGO_ALIGN_LEFT, TRUE);
        draw_text(snapshot, down, (l->x - l->names) / s, names_y / s, color);
    }
}

/* Names of columns over strips are marks of a scale: where they are wider than a picture, some are
 * left out. */
static int
every_nth(LimImageTable *self, const Layout *l)
{
    int widest = 0, w, h;

    for (int i = 0; i < self->count[1] && self->above; i++) {
        text_size(self, self->names[1][i], FALSE, &w, &h);
        widest = MAX(widest, w * l->scale);
    }
    return 1 + MAX(widest - l->cell_w, 0) / (l->cell_w + l->gap) + (widest > l->cell_w);
}

static void
draw_names(LimImageTable *self, GtkSnapshot *snapshot, const Layout *l, const GdkRGBA *color)
{
    int s = l->scale, names_y = l->title_y + (self->title[1] ? l->line : 0);

    int step = every_nth(self, l), room = step * (l->cell_w + l->gap) - l->gap;

    draw_titles(self, snapshot, l, names_y, color);
    for (int i = 0; i < self->count[1]; i += step) {
        g_autoptr(PangoLayout) text =
            make_text(self, self->names[1][i], room / s, PANGO_ALIGN_CENTER, FALSE);
        draw_text(snapshot, text, (l->x + i * (l->cell_w + l->gap) - (room - l->cell_w) / 2) / s,
                  names_y / s, color);
    }
    for (int i = 0; i < self->count[0]; i++) {
        int y = l->y + i * (l->cell_h + l->row_gap);
        int most = self->above ? self->count[1] * (l->cell_w + l->gap) : l->names - PAD * s;
        g_autoptr(PangoLayout) text =
            make_text(self, self->names[0][i], most / s, PANGO_ALIGN_LEFT, FALSE);
        draw_text(snapshot, text, (l->x - l->names) / s,
                  (self->above ? y - l->line : y + (l->cell_h - l->line) / 2) / s, color);
    }
}

static void
draw_pictures(LimImageTable *self, cairo_t *cr, const Layout *l, const GdkRGBA *color)
{
    for (int i = 0; i < n_places(self); i++) {
        int row = i / self->count[1], column = i % self->count[1];

        cairo_save(cr);
        cairo_translate(cr, l->x + column * (l->cell_w + l->gap),
                        l->y + row * (l->cell_h + l->row_gap));
        if (self->there[i]) {
            cairo_surface_t *one =
                cairo_surface_create_for_rectangle(self->surface, column * self->width,
                                                   row * self->height, self->width, self->height);
            cairo_rectangle(cr, 0, 0, l->cell_w, l->cell_h);
            cairo_clip(cr);
            cairo_scale(cr, (double)l->cell_w / self->width, (double)l->cell_h / self->height);
            cairo_set_source_surface(cr, one, 0, 0);
            cairo_pattern_set_extend(cairo_get_source(cr), CAIRO_EXTEND_PAD); /* no neighbours */
            cairo_pattern_set_filter(cairo_get_source(cr),
                                     l->smooth ? CAIRO_FILTER_BILINEAR : CAIRO_FILTER_NEAREST);
            cairo_paint(cr);
            cairo_surface_destroy(one);
        } else {
            cairo_rectangle(cr, 0, 0, l->cell_w, l->cell_h);
            cairo_set_source_rgba(cr, (double)color->red, (double)color->green, (double)color->blue,
                                  0.08);
            cairo_fill(cr);
        }
        cairo_restore(cr);
    }
}

static void
draw_frame(LimImageTable *self, GtkSnapshot *snapshot, int place, const GdkRGBA *color, float room)
{
    graphene_rect_t area;
    int row, column;

    if (place < 0)
        return;
    split(self, place, &row, &column);
    lim_image_table_get_area(self, row, column, &area);
    lim_pictures_frame(snapshot, &area, room, color);
}

static void
snapshot(GtkWidget *widget, GtkSnapshot *snapshot)
{
    LimImageTable *self = LIM_IMAGE_TABLE(widget);
    GtkStyleContext *style = gtk_widget_get_style_context(widget);
    GdkRGBA text, accent;

    if (!n_places(self) || !self->width)
        return;
    Layout l = lay_out(self);
    gtk_style_context_get_color(style, &text);
    if (!gtk_style_context_lookup_color(style, "limen_accent", &accent))
        accent = text;
    cairo_t *cr =
        gtk_snapshot_append_cairo(snapshot,
                                  &GRAPHENE_RECT_INIT(0, 0, (float)gtk_widget_get_width(widget),
                                                      (float)gtk_widget_get_height(widget)));
    cairo_scale(cr, 1.0 / l.scale, 1.0 / l.scale);
    draw_pictures(self, cr, &l, &text);
    cairo_destroy(cr);
    draw_names(self, snapshot, &l, &text);
    draw_frame(self, snapshot, self->marked, &accent, 2);
    if (gtk_widget_has_visible_focus(widget))
        draw_frame(self, snapshot, self->cursor, &text, self->cursor == self->marked ? 4 : 2);
}

/* ---- contents ---- */

void
lim_image_table_clear_pictures(LimImageTable *self)
{
    g_clear_pointer(&self->surface, cairo_surface_destroy);
    g_clear_pointer(&self->there, g_free);
    if (self->width && n_places(self)) {
        self->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, self->count[1] * self->width,
                                                   self->count[0] * self->height);
        self->there = g_new0(gboolean, n_places(self));
    }
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

static void
set_pointed(LimImageTable *self, int place)
{
    if (place == self->pointed)
        return;
    self->pointed = place;
    g_object_notify_by_pspec(G_OBJECT(self), props[PROP_POINTED]);
}

void
lim_image_table_set_names(LimImageTable *self, const char *row_title, int rows,
                          const char *const *row_names, const char *column_title, int columns,
                          const char *const *column_names)
{
    const char *titles[] = {row_title, column_title};
    const char *const *names[] = {row_names, column_names};
    int counts[] = {columns ? rows : 0, rows ? columns : 0};
    gboolean resized = counts[0] != self->count[0] || counts[1] != self->count[1];
    int row, column;

    if (n_places(self))
        split(self, self->cursor, &row, &column);
    else
        row = column = 0;
    for (int a = 0; a < 2; a++) {
        g_free(self->title[a]);
        g_strfreev(self->names[a]);
        self->title[a] = g_strdup(titles[a]);
        self->names[a] = g_new0(char *, counts[a] + 1);
        for (int i = 0; i < counts[a]; i++)
            self->names[a][i] = g_strdup(names[a][i]);
        self->count[a] = counts[a];
    }
    if (resized) {
        self->cursor = n_places(self) ? place_of(self, CLAMP(row, 0, counts[0] - 1),
                                                 CLAMP(column, 0, counts[1] - 1))
                                      : -1;
        self->marked = -1;
        lim_image_table_clear_pictures(self);
        set_pointed(self, -1);
    }
    describe(self);
    gtk_widget_queue_resize(GTK_WIDGET(self));
}

void
lim_image_table_set_pictures(LimImageTable *self, int first, int n, const guint8 *pixels, int width,
                             int height, int channels)
{
    g_return_if_fail(first >= 0 && n >= 0 && first + n <= n_places(self));
    g_return_if_fail(width > 0 && height > 0 && (channels == 1 || channels == 3));

    if (n == 0)
        return;
    if (width != self->width || height != self->height) {
        self->width = width;
        self->height = height;
        lim_image_table_clear_pictures(self);
        gtk_widget_queue_resize(GTK_WIDGET(self));
    }
    for (int i = first; i < first + n; i++, pixels += (gsize)(width * height * channels)) {
        int row, column;
        split(self, i, &row, &column);
        lim_pictures_put(self->surface, column * width, row * height, pixels, width, height,
                         channels);
        self->there[i] = TRUE;
    }
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

void
lim_image_table_set_names_above(LimImageTable *self, gboolean above)
{
    self->above = above;
    gtk_widget_queue_resize(GTK_WIDGET(self));
}

void
lim_image_table_get_size(LimImageTable *self, int *rows, int *columns)
{
    *rows = self->count[0];
    *columns = self->count[1];
}

guint8 *
lim_image_table_dup_picture(LimImageTable *self, int row, int column)
{
    int place = place_of(self, row, column);

    if (place < 0 || !self->there || !self->there[place])
        return NULL;
    guint8 *rgb = g_malloc((gsize)(self->width * self->height * 3)), *out = rgb;
    const unsigned char *data = cairo_image_surface_get_data(self->surface);
    gsize stride = (gsize)cairo_image_surface_get_stride(self->surface);
    for (int y = 0; y < self->height; y++) {
        const guint32 *in =
            (const guint32 *)(const void *)(data + (gsize)(row * self->height + y) * stride) +
            column * self->width;
        for (int x = 0; x < self->width; x++) {
            *out++ = (guint8)(in[x] >> 16);
            *out++ = (guint8)(in[x] >> 8);
            *out++ = (guint8)in[x];
        }
    }
    return rgb;
}

void
lim_image_table_set_marked(LimImageTable *self, int row, int column)
{
    int place = place_of(self, row, column);

    if (place == self->marked)
        return;
    self->marked = place;
    describe(self);
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

void
lim_image_table_get_marked(LimImageTable *self, int *row, int *column)
{
    split(self, self->marked, row, column);
}

void
lim_image_table_get_cursor(LimImageTable *self, int *row, int *column)
{
    split(self, self->cursor, row, column);
}

void
lim_image_table_set_cursor(LimImageTable *self, int row, int column)
{
    int place = place_of(self, row, column);

    if (place < 0 || place == self->cursor)
        return;
    self->cursor = place;
    describe(self);
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

void
lim_image_table_reveal_cursor(LimImageTable *self, GtkScrolledWindow *scrolled)
{
    graphene_rect_t a;
    int row, column;

    lim_image_table_get_cursor(self, &row, &column);
    if (row < 0 || !gtk_widget_has_visible_focus(GTK_WIDGET(self)))
        return;
    lim_image_table_get_area(self, row, column, &a);
    double x = (double)a.origin.x, y = (double)a.origin.y;
    gtk_adjustment_clamp_page(gtk_scrolled_window_get_hadjustment(scrolled), x,
                              x + (double)a.size.width);
    gtk_adjustment_clamp_page(gtk_scrolled_window_get_vadjustment(scrolled), y,
                              y + (double)a.size.height);
}

void
lim_image_table_set_stale(LimImageTable *self, gboolean stale)
{
    stale = !!stale;
    if (stale == self->stale)
        return;
    self->stale = stale;
    lim_pictures_show_stale(GTK_WIDGET(self), stale);
    g_object_notify_by_pspec(G_OBJECT(self), props[PROP_STALE]);
}

/* ---- pointer and keys ---- */

static void
emit(LimImageTable *self, guint signal, int place)
{
    int row, column;

    split(self, place, &row, &column);
    g_signal_emit(self, signals[signal], 0, row, column);
}

static gboolean
key_pressed(LimImageTable *self, guint keyval, guint code, GdkModifierType state)
{
    gboolean control = state & GDK_CONTROL_MASK;
    int row, column;

    if (self->cursor < 0 || state & GDK_ALT_MASK)
        return GDK_EVENT_PROPAGATE;
    split(self, self->cursor, &row, &column);
    switch (keyval) {
    case GDK_KEY_Return:
    case GDK_KEY_KP_Enter:
        emit(self, control ? OPENED : ACTIVATED, self->cursor);
        return GDK_EVENT_STOP;
    case GDK_KEY_space:
        if (control)
            return GDK_EVENT_PROPAGATE;
        emit(self, ACTIVATED, self->cursor);
        return GDK_EVENT_STOP;
    case GDK_KEY_Left:
    case GDK_KEY_KP_Left:
        column--;
        break;
    case GDK_KEY_Right:
    case GDK_KEY_KP_Right:
        column++;
        break;
    case GDK_KEY_Up:
    case GDK_KEY_KP_Up:
        row--;
        break;
    case GDK_KEY_Down:
    case GDK_KEY_KP_Down:
        row++;
        break;
    case GDK_KEY_Home:
        column = 0;
        break;
    case GDK_KEY_End:
        column = self->count[1] - 1;
        break;
    case GDK_KEY_Page_Up:
        row = 0;
        break;
    case GDK_KEY_Page_Down:
        row = self->count[0] - 1;
        break;
    default:
        return GDK_EVENT_PROPAGATE;
    }
    if (control)
        return GDK_EVENT_PROPAGATE;
    lim_image_table_set_cursor(self, row, column); /* outside: stays */
    set_pointed(self, self->cursor);
    return GDK_EVENT_STOP;
}

static void
pressed(LimImageTable *self, int n_press, double x, double y)
{
    int place = place_at(self, x, y), row, column;

    gtk_widget_grab_focus(GTK_WIDGET(self));
    if (place < 0)
        return;
    split(self, place, &row, &column);
    lim_image_table_set_cursor(self, row, column);
    emit(self, n_press == 2 ? OPENED : ACTIVATED, place);
}

static void
moved(LimImageTable *self, double x, double y)
{
    int place = place_at(self, x, y);

    set_pointed(self, place);
    gtk_widget_set_cursor_from_name(GTK_WIDGET(self), place >= 0 ? "pointer" : NULL);
}

static void
left(LimImageTable *self)
{
    set_pointed(self, -1);
}

static void
get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    LimImageTable *self = LIM_IMAGE_TABLE(object);

    switch (id) {
    case PROP_POINTED:
        g_value_set_int(value, self->pointed);
        break;
    case PROP_STALE:
        g_value_set_boolean(value, self->stale);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void
set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
    lim_image_table_set_stale(LIM_IMAGE_TABLE(object), g_value_get_boolean(value));
}

static void
finalize(GObject *object)
{
    LimImageTable *self = LIM_IMAGE_TABLE(object);

    g_clear_pointer(&self->surface, cairo_surface_destroy);
    g_free(self->there);
    g_free(self->name);
    for (int a = 0; a < 2; a++) {
        g_free(self->title[a]);
        g_strfreev(self->names[a]);
    }
    G_OBJECT_CLASS(lim_image_table_parent_class)->finalize(object);
}

static void
lim_image_table_class_init(LimImageTableClass *klass)
{
    GObjectClass *object_class = G_OBJECT_CLASS(klass);
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(klass);

    object_class->get_property = get_property;
    object_class->set_property = set_property;
    object_class->finalize = finalize;
    widget_class->snapshot = snapshot;
    widget_class->measure = measure;
    props[PROP_POINTED] =
        g_param_spec_int("pointed", NULL, NULL, -1, G_MAXINT, -1,
                         G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
    props[PROP_STALE] =
        g_param_spec_boolean("stale", NULL, NULL, FALSE,
                             G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
    g_object_class_install_properties(object_class, N_PROPS, props);
    signals[ACTIVATED] = g_signal_new("cell-activated", LIM_TYPE_IMAGE_TABLE, G_SIGNAL_RUN_LAST, 0,
                                      NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_INT, G_TYPE_INT);
    signals[OPENED] = g_signal_new("cell-opened", LIM_TYPE_IMAGE_TABLE, G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 2, G_TYPE_INT, G_TYPE_INT);
    gtk_widget_class_set_css_name(widget_class, "imagetable");
    gtk_widget_class_set_accessible_role(widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
lim_image_table_init(LimImageTable *self)
{
    GtkEventController *keys = gtk_event_controller_key_new();
    GtkEventController *motion = gtk_event_controller_motion_new();
    GtkGesture *click = gtk_gesture_click_new();

    self->cursor = self->marked = self->pointed = -1;
    gtk_widget_set_focusable(GTK_WIDGET(self), TRUE);
    gtk_widget_set_overflow(GTK_WIDGET(self), GTK_OVERFLOW_HIDDEN);
    g_signal_connect_swapped(keys, "key-pressed", G_CALLBACK(key_pressed), self);
    gtk_widget_add_controller(GTK_WIDGET(self), keys);
    g_signal_connect_swapped(click, "pressed", G_CALLBACK(pressed), self);
    gtk_widget_add_controller(GTK_WIDGET(self), GTK_EVENT_CONTROLLER(click));
    g_signal_connect_swapped(motion, "motion", G_CALLBACK(moved), self);
    g_signal_connect_swapped(motion, "leave", G_CALLBACK(left), self);
    gtk_widget_add_controller(GTK_WIDGET(self), motion);
}

GtkWidget *
lim_image_table_new(const char *name)
{
    LimImageTable *self = g_object_new(LIM_TYPE_IMAGE_TABLE, NULL);

    self->name = g_strdup(name);
    describe(self);
    return GTK_WIDGET(self);
}
