/* LimTimeline: three tracks of curves and a strip of proposals over one axis of queries.
 *
 * An attack has tens of thousands of steps, a screen a thousand columns. The curves are therefore
 * drawn once per change into a surface of their own, each column as the span of the values that
 * fall into it, and moving the bar paints that surface again and nothing else. */
#include "widgets/lim-timeline.h"

#include "widgets/plot-axis.h"

#include <math.h>

#define PAD        6
#define STRIP      14 /* of accepted and rejected proposals */
#define MIN_HEIGHT 150

enum { DISTANCE, SIZES, RATES, N_TRACKS };

struct _LimTimeline {
    GtkWidget parent_instance;
    char *name, *distance_name;
    GArray *steps; /* of LimTimelineStep */
    double budget;
    int step;
    cairo_surface_t *curves; /* NULL: to be drawn */
    GdkRGBA drawn_color;
    int drawn_w, drawn_h;
    guint redraws;
    double left, right, line;
    gboolean proposals;                /* there are some */
    double lo[N_TRACKS], hi[N_TRACKS]; /* of all values; lo > hi: none */
};

static guint dragged_signal;

G_DEFINE_FINAL_TYPE(LimTimeline, lim_timeline, GTK_TYPE_WIDGET)

static const LimTimelineStep *
get(LimTimeline *self, int i)
{
    return &g_array_index(self->steps, LimTimelineStep, i);
}

int
lim_timeline_get_n(LimTimeline *self)
{
    return (int)self->steps->len;
}

const LimTimelineStep *
lim_timeline_get(LimTimeline *self, int step)
{
    g_return_val_if_fail(step >= 0 && step < lim_timeline_get_n(self), NULL);
    return get(self, step);
}

guint
lim_timeline_get_redraws(LimTimeline *self)
{
    return self->redraws;
}

static void
describe(LimTimeline *self)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (!self->steps->len) {
        g_string_append(text, "No steps yet");
    } else if (self->step >= 0) {
        const LimTimelineStep *s = get(self, self->step);
        g_string_append_printf(text, "Step %d of %u: query %.0f", self->step, self->steps->len - 1,
                               s->query);
        if (!isnan(s->distance))
            g_string_append_printf(text, ", %s %.4g", self->distance_name, s->distance);
        if (s->proposal)
            g_string_append(text, s->accepted ? ", accepted" : ", rejected");
        if (!isnan(s->size[0]))
            g_string_append_printf(text, ", orthogonal step %.3g, source step %.3g", s->size[0],
                                   s->size[1]);
    }
    gtk_accessible_update_property(GTK_ACCESSIBLE(self), GTK_ACCESSIBLE_PROPERTY_LABEL, self->name,
                                   GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, text->str, -1);
}

static void
changed(LimTimeline *self)
{
    g_clear_pointer(&self->curves, cairo_surface_destroy);
    describe(self);
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

void
lim_timeline_set_distance_name(LimTimeline *self, const char *name)
{
    g_free(self->distance_name);
    self->distance_name = g_strdup(name);
    changed(self);
}

static void
forget(LimTimeline *self)
{
    self->proposals = FALSE;
    for (int t = 0; t < N_TRACKS; t++) {
        self->lo[t] = INFINITY;
        self->hi[t] = -INFINITY;
    }
}

void
lim_timeline_clear(LimTimeline *self)
{
    g_array_set_size(self->steps, 0);
    forget(self);
    self->step = -1;
    changed(self);
}

static double
value(const LimTimelineStep *s, int track, int curve)
{
    return track == DISTANCE ? (curve ? (double)NAN : s->distance)
           : track == SIZES  ? s->size[curve]
                             : s->rate[curve];
}

static void
take_in(LimTimeline *self, const LimTimelineStep *s)
{
    self->proposals |= s->proposal;
    for (int t = 0; t < N_TRACKS; t++)
        for (int c = 0; c < 2; c++) {
            double v = value(s, t, c);
            if (isnan(v) || (t != RATES && v <= 0))
                continue;
            self->lo[t] = fmin(self->lo[t], v);
            self->hi[t] = fmax(self->hi[t], v);
        }
}

void
lim_timeline_append(LimTimeline *self, const LimTimelineStep *steps, int n)
{
    for (int i = 0; i < n; i++)
        take_in(self, &steps[i]);
    g_array_append_vals(self->steps, steps, (guint)n);
    changed(self);
}

void
lim_timeline_set_budget(LimTimeline *self, double queries)
{
    self->budget = queries;
    changed(self);
}

int
lim_timeline_get_step(LimTimeline *self)
{
    return self->step;
}

void
lim_timeline_set_step(LimTimeline *self, int step)
{
    step = CLAMP(step, -1, lim_timeline_get_n(self) - 1);
    if (step == self->step)
        return;
    self->step = step;
    describe(self);
    gtk_widget_queue_draw(GTK_WIDGET(self));
}

/* ---- drawing ---- */

static PangoLayout *
make_text(LimTimeline *self, const char *text)
{
    PangoLayout *layout = gtk_widget_create_pango_layout(GTK_WIDGET(self), text);
    g_autoptr(PangoAttrList) attrs = pango_attr_list_new();

    pango_attr_list_insert(attrs, pango_attr_font_features_new("tnum"));
    pango_layout_set_attributes(layout, attrs);
    return layout;
}

static void
draw_text(GtkSnapshot *snapshot, PangoLayout *text, double x, double y, const GdkRGBA *color)
{
    gtk_snapshot_save(snapshot);
    gtk_snapshot_translate(snapshot, &GRAPHENE_POINT_INIT((float)round(x), (float)round(y)));
    gtk_snapshot_append_layout(snapshot, text, color);
    gtk_snapshot_restore(snapshot);
}

static LimPlotAxis
query_axis(LimTimeline *self)
{
    double last = self->steps->len ? get(self, lim_timeline_get_n(self) - 1)->query : 0;

    return (LimPlotAxis){0, MAX(MAX(self->budget, last), 1), FALSE};
}

static double
across(LimTimeline *self, double query)
{
    LimPlotAxis axis = query_axis(self);
    return self->left + lim_plot_to_unit(&axis, query) * (self->right - self->left);
}

typedef struct Track {
    double top, bottom;
    LimPlotAxis axis;
    gboolean any;
} Track;

/* Decades, but only as much of them as there is: a track has few pixels to give away. */
static LimPlotAxis
log_axis(double lo, double hi)
{
    if (lo > hi)
        lo = hi = 1;
    return (LimPlotAxis){lo / 1.4, hi * 1.4, TRUE};
}

static void
lay_out(LimTimeline *self, Track tracks[N_TRACKS])
{
    static const double parts[N_TRACKS] = {2, 1.1, 1};
    double w = gtk_widget_get_width(GTK_WIDGET(self)), h = gtk_widget_get_height(GTK_WIDGET(self));
    double sum = 0, y = PAD / 2.0;
    int tw, th;
    g_autoptr(PangoLayout) sample = make_text(self, "0.0001");

    pango_layout_get_pixel_size(sample, &tw, &th);
    self->line = th;
    self->left = tw + PAD;
    self->right = w - 2 * PAD;
    for (int t = 0; t < N_TRACKS; t++) {
        double lo = self->lo[t], hi = self->hi[t];
        tracks[t].any = lo <= hi || t == DISTANCE;
        tracks[t].axis = t == RATES ? (LimPlotAxis){0, 1, FALSE} : log_axis(lo, hi);
        if (tracks[t].any)
            sum += parts[t];
    }
    double room = h - 2 * self->line - (self->proposals ? STRIP : 0) - PAD, gap = PAD;
    for (int t = 0; t < N_TRACKS; t++) {
        if (!tracks[t].any)
            continue;
        double part = room * parts[t] / sum;
        tracks[t].top = y;
        tracks[t].bottom = y + part - gap;
        y += part;
    }
}

/* As many as there is room for. */
static int
ticks_for(LimTimeline *self, const Track *t)
{
    return (int)CLAMP((t->bottom - t->top) / (1.3 * self->line), 3, 12);
}

static double
up(const Track *t, double v)
{
    return t->bottom - CLAMP(lim_plot_to_unit(&t->axis, v), 0, 1) * (t->bottom - t->top);
}

/* A curve as steps between its points: a value holds until the next query. Each column of pixels
 * becomes one line over all values in it. */
static void
draw_curve(LimTimeline *self, cairo_t *cr, const Track *t, int track, int curve)
{
    double column = NAN, lo = 0, hi = 0, last = 0;

    for (int i = 0; i <= lim_timeline_get_n(self); i++) {
        double x = NAN, y = 0;
        if (i < lim_timeline_get_n(self)) {
            double v = value(get(self, i), track, curve);
            if (isnan(v) || (t->axis.log && v <= 0))
                continue;
            x = floor(across(self, get(self, i)->query));
            y = up(t, v);
        }
        if (x == column) {
            lo = fmin(lo, y);
            hi = fmax(hi, y);
            last = y;
            continue;
        }
        if (!isnan(column)) {
            if (hi > lo) {
                cairo_line_to(cr, column + 0.5, lo);
                cairo_line_to(cr, column + 0.5, hi);
            }
            cairo_line_to(cr, column + 0.5, last);
            if (!isnan(x))
                cairo_line_to(cr, x + 0.5, last);
        }
        column = x;
        lo = hi = last = y;
        if (!isnan(x))
            cairo_line_to(cr, x + 0.5, y);
    }
    cairo_stroke(cr);
}

/* Above the line the share of proposals that were accepted in this column, below it the others. */
static void
draw_strip(LimTimeline *self, cairo_t *cr, double top, const GdkRGBA *yes, const GdkRGBA *no)
{
    int n = lim_timeline_get_n(self), i = 0;
    double half = STRIP / 2.0;

    while (i < n) {
        double x = floor(across(self, get(self, i)->query));
        int accepted = 0, all = 0;
        for (; i < n && floor(across(self, get(self, i)->query)) == x; i++) {
            all += get(self, i)->proposal;
            accepted += get(self, i)->proposal && get(self, i)->accepted;
        }
        if (!all)
            continue;
        double share = (double)accepted / all;
        gdk_cairo_set_source_rgba(cr, yes);
        cairo_rectangle(cr, x, top + half * (1 - share), 1, half * share);
        cairo_fill(cr);
        gdk_cairo_set_source_rgba(cr, no);
        cairo_rectangle(cr, x, top + half, 1, half * (1 - share));
        cairo_fill(cr);
    }
}

static void
colors(LimTimeline *self, GdkRGBA *text, GdkRGBA *accent, GdkRGBA *other)
{
    GtkStyleContext *style = gtk_widget_get_style_context(GTK_WIDGET(self));

    gtk_style_context_get_color(style, text);
    if (!gtk_style_context_lookup_color(style, "limen_accent", accent))
        *accent = *text;
    *other = (GdkRGBA){0.84F, 0.37F, 0.00F, 1}; /* vermilion: apart from the accent for everyone */
}

static void
draw_curves(LimTimeline *self, const Track *tracks)
{
    static const double dash[] = {4, 2};
    int scale = gtk_widget_get_scale_factor(GTK_WIDGET(self));
    int w = gtk_widget_get_width(GTK_WIDGET(self)), h = gtk_widget_get_height(GTK_WIDGET(self));
    GdkRGBA text, accent, other;

    colors(self, &text, &accent, &other);
    self->redraws++;
    self->drawn_w = w * scale;
    self->drawn_h = h * scale;
    self->drawn_color = text;
    self->curves = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, w * scale, h * scale);
    cairo_surface_set_device_scale(self->curves, scale, scale);
    cairo_t *cr = cairo_create(self->curves);
    for (int t = 0; t < N_TRACKS; t++) {
        if (!tracks[t].any)
            continue;
        GdkRGBA faint = text;
        faint.alpha *= 0.05F;
        gdk_cairo_set_source_rgba(cr, &faint);
        cairo_rectangle(cr, self->left, tracks[t].top, self->right - self->left,
                        tracks[t].bottom - tracks[t].top);
        cairo_fill(cr);
        double ticks[LIM_PLOT_MAX_TICKS];
        int decimals[LIM_PLOT_MAX_TICKS],
            n = lim_plot_ticks(&tracks[t].axis, ticks_for(self, &tracks[t]), ticks, decimals);
        faint.alpha = text.alpha * 0.15F;
        gdk_cairo_set_source_rgba(cr, &faint);
        cairo_set_line_width(cr, 1);
        for (int i = 0; i < n; i++) {
            double y = floor(up(&tracks[t], ticks[i])) + 0.5;
            cairo_move_to(cr, self->left, y);
            cairo_line_to(cr, self->right, y);
        }
        cairo_stroke(cr);
        for (int c = 0; c < 2; c++) {
            cairo_set_line_width(cr, t == DISTANCE ? 2 : 1.5);
            cairo_set_dash(cr, dash, c ? 2 : 0, 0);
            gdk_cairo_set_source_rgba(cr, c ? &other : &accent);
            draw_curve(self, cr, &tracks[t], t, c);
        }
        cairo_set_dash(cr, NULL, 0, 0);
    }
    GdkRGBA no = text;
    no.alpha *= 0.35F;
    draw_strip(self, cr, h - 2 * self->line - STRIP - PAD / 2.0, &accent, &no);
    cairo_destroy(cr);
}

static void
draw_texts(LimTimeline *self, GtkSnapshot *snapshot, const Track *tracks)
{
    const char *names[N_TRACKS][2] = {{self->distance_name, NULL},
                                      {"orthogonal step δ", "source step ε"},
                                      {"orthogonal success", "source success"}};
    double h = gtk_widget_get_height(GTK_WIDGET(self)), strip = h - 2 * self->line - STRIP;
    GdkRGBA text, accent, other, faint;
    int tw, th;

    colors(self, &text, &accent, &other);
    faint = text;
    faint.alpha *= 0.7F;
    for (int t = 0; t < N_TRACKS; t++) {
        if (!tracks[t].any)
            continue;
        double ticks[LIM_PLOT_MAX_TICKS];
        int decimals[LIM_PLOT_MAX_TICKS],
            n = lim_plot_ticks(&tracks[t].axis, ticks_for(self, &tracks[t]), ticks, decimals);
        double free_from = INFINITY;
        for (int i = 0; i < n; i++) {
            g_autofree char *number = lim_plot_format(ticks[i], decimals[i]);
            g_autoptr(PangoLayout) label = make_text(self, number);
            pango_layout_get_pixel_size(label, &tw, &th);
            double y = CLAMP(up(&tracks[t], ticks[i]) - th / 2.0, tracks[t].top - 3,
                             tracks[t].bottom - th + 5);
            if (y + th > free_from)
                continue;
            free_from = y;
            draw_text(snapshot, label, self->left - PAD - tw, y, &faint);
        }
        double x = self->right - PAD;
        for (int c = 1; c >= 0; c--) { /* right-aligned, where falling curves leave room */
            if (!names[t][c])
                continue;
            g_autoptr(PangoLayout) label = make_text(self, names[t][c]);
            pango_layout_get_pixel_size(label, &tw, &th);
            draw_text(snapshot, label, x - tw, tracks[t].top, &text);
            x -= tw + 4;
            if (t != DISTANCE) {
                gtk_snapshot_append_color(snapshot, c ? &other : &accent,
                                          &GRAPHENE_RECT_INIT((float)x - 12,
                                                              (float)(tracks[t].top + th / 2.0),
                                                              c ? 5 : 12, 2));
                if (c)
                    gtk_snapshot_append_color(snapshot, &other,
                                              &GRAPHENE_RECT_INIT((float)x - 5,
                                                                  (float)(tracks[t].top + th / 2.0),
                                                                  5, 2));
                x -= 12 + 2 * PAD;
            }
        }
    }
    if (self->proposals) {
        g_autoptr(PangoLayout) key = make_text(self, "✓✗");
        g_autoptr(PangoLayout) title =
            make_text(self, "accepted (up) and rejected (down) proposals");
        pango_layout_get_pixel_size(key, &tw, &th);
        draw_text(snapshot, key, self->left - PAD - tw, strip - PAD / 2.0 + (STRIP - th) / 2.0,
                  &faint);
        draw_text(snapshot, title, self->left, h - self->line, &text);
    }

    LimPlotAxis axis = query_axis(self);
    double ticks[LIM_PLOT_MAX_TICKS];
    int decimals[LIM_PLOT_MAX_TICKS];
    int want = (int)CLAMP((self->right - self->left) / 90, 2, LIM_PLOT_MAX_TICKS);
    int n = lim_plot_ticks(&axis, want, ticks, decimals);
    for (int i = 0; i < n; i++) {
        g_autofree char *number = lim_plot_format(ticks[i], decimals[i]);
        g_autoptr(PangoLayout) label = make_text(self, number);
        pango_layout_get_pixel_size(label, &tw, &th);
        double x = CLAMP(across(self, ticks[i]) - tw / 2.0, 0, self->right + PAD - tw);
        draw_text(snapshot, label, x, h - 2 * self->line, &faint);
    }
    g_autoptr(PangoLayout) title = make_text(self, "Queries");
    pango_layout_get_pixel_size(title, &tw, &th);
    draw_text(snapshot, title, self->right - tw, h - self->line, &text);
}

static void
snapshot(GtkWidget *widget, GtkSnapshot *snapshot)
{
    LimTimeline *self = LIM_TIMELINE(widget);
    int scale = gtk_widget_get_scale_factor(widget);
    int w = gtk_widget_get_width(widget), h = gtk_widget_get_height(widget);
    GdkRGBA text, accent, other;
    Track tracks[N_TRACKS];

    lay_out(self, tracks);
    colors(self, &text, &accent, &other);
    if (!self->curves || self->drawn_w != w * scale || self->drawn_h != h * scale ||
        !gdk_rgba_equal(&self->drawn_color, &text)) {
        g_clear_pointer(&self->curves, cairo_surface_destroy);
        draw_curves(self, tracks);
    }
    cairo_t *cr =
        gtk_snapshot_append_cairo(snapshot, &GRAPHENE_RECT_INIT(0, 0, (float)w, (float)h));
    cairo_set_source_surface(cr, self->curves, 0, 0);
    cairo_paint(cr);
    if (self->step >= 0) {
        double x = floor(lim_timeline_locate(self, self->step));
        gdk_cairo_set_source_rgba(cr, &text);
        cairo_rectangle(cr, x, 0, 2, h - 2 * self->line);
        cairo_fill(cr);
        const LimTimelineStep *s = get(self, self->step);
        if (!isnan(s->distance) && s->distance > 0) {
            cairo_arc(cr, x + 1, up(&tracks[DISTANCE], s->distance), 4, 0, 2 * G_PI);
            cairo_fill(cr);
        }
    }
    cairo_destroy(cr);
    draw_texts(self, snapshot, tracks);
}

double
lim_timeline_locate(LimTimeline *self, int step)
{
    Track tracks[N_TRACKS];

    if (self->left == 0)
        lay_out(self, tracks);
    return across(self, get(self, step)->query);
}

static void
measure(GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
        int *minimum_baseline, int *natural_baseline)
{
    *minimum = *natural = orientation == GTK_ORIENTATION_VERTICAL ? MIN_HEIGHT : 280;
}

/* ---- dragging ---- */

/* The last step whose query is not beyond the place. */
static int
step_at(LimTimeline *self, double x)
{
    LimPlotAxis axis = query_axis(self);
    double query = lim_plot_from_unit(&axis, (x - self->left) / (self->right - self->left));
    int lo = 0, hi = lim_timeline_get_n(self) - 1;

    while (lo < hi) {
        int middle = (lo + hi + 1) / 2;
        if (get(self, middle)->query <= query)
            lo = middle;
        else
            hi = middle - 1;
    }
    return lo;
}

static void
drag_to(LimTimeline *self, double dx, double dy, GtkGestureDrag *drag)
{
    double x, y;

    if (!self->steps->len || !gtk_gesture_drag_get_start_point(drag, &x, &y))
        return;
    int step = step_at(self, x + dx);
    if (step != self->step) {
        lim_timeline_set_step(self, step);
        g_signal_emit(self, dragged_signal, 0, step);
    }
}

static void
drag_begin(LimTimeline *self, double x, double y, GtkGestureDrag *drag)
{
    gtk_widget_grab_focus(GTK_WIDGET(self));
    drag_to(self, 0, 0, drag);
}

static void
finalize(GObject *object)
{
    LimTimeline *self = LIM_TIMELINE(object);

    g_array_unref(self->steps);
    g_clear_pointer(&self->curves, cairo_surface_destroy);
    g_free(self->name);
    g_free(self->distance_name);
    G_OBJECT_CLASS(lim_timeline_parent_class)->finalize(object);
}

static void
lim_timeline_class_init(LimTimelineClass *klass)
{
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->finalize = finalize;
    widget_class->snapshot = snapshot;
    widget_class->measure = measure;
    dragged_signal = g_signal_new("step-dragged", LIM_TYPE_TIMELINE, G_SIGNAL_RUN_LAST, 0, NULL,
                                  NULL, NULL, G_TYPE_NONE, 1, G_TYPE_INT);
    gtk_widget_class_set_css_name(widget_class, "timeline");
    gtk_widget_class_set_accessible_role(widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
lim_timeline_init(LimTimeline *self)
{
    GtkGesture *drag = gtk_gesture_drag_new();

    self->steps = g_array_new(FALSE, FALSE, sizeof(LimTimelineStep));
    self->distance_name = g_strdup("Distance");
    self->step = -1;
    forget(self);
    gtk_widget_set_focusable(GTK_WIDGET(self), TRUE);
    g_signal_connect_swapped(drag, "drag-begin", G_CALLBACK(drag_begin), self);
    g_signal_connect_swapped(drag, "drag-update", G_CALLBACK(drag_to), self);
    gtk_widget_add_controller(GTK_WIDGET(self), GTK_EVENT_CONTROLLER(drag));
}

GtkWidget *
lim_timeline_new(const char *name)
{
    LimTimeline *self = g_object_new(LIM_TYPE_TIMELINE, NULL);

    self->name = g_strdup(name);
    describe(self);
    return GTK_WIDGET(self);
}
