/* What v is and does by now: in words, pictures and curves, at the scale that is chosen. The
 * worker's job is pulled from while v grows; how the unseen pictures are taken is asked on the live
 * lane. */
#include "panes/universal/pane.h"

#include "panes/attack/panes.h"
#include "panes/universal/graph.h"
#include "shipped.h"
#include "tensor/image.h"

#include <math.h>

#define FIRST_LOOKS 5 /* in the first pass, at what v does by then */

double
lim_universal_pane_scale(LimUniversalPane *self)
{
    return gtk_range_get_value(GTK_RANGE(self->scale));
}

static const LimUniversalPass *
best_pass(LimUniversalPane *self)
{
    return self->snap.n_passes ? &self->snap.pass[self->snap.best_pass] : NULL;
}

static void
tell_verdict(LimUniversalPane *self)
{
    const LimUniversalPass *best = best_pass(self);
    const LimUniversalNow *now = &self->snap.now;
    g_autofree char *permuted =
        self->snap.ended
            ? g_strdup_printf(", v permuted %.1f %%", 100 * lim_universal_run_permuted(self->run))
            : g_strdup("");
    g_autofree char *text = NULL;

    if (!best || self->snap.n_passes < 2)
        text =
            g_strdup_printf("○ Pass 1: %d of %d pictures visited, %d of them fooled when it came "
                            "to them.",
                            now->visited, lim_universal_run_x(self->run), now->fooled);
    else
        text = g_strdup_printf("%s Fools %.1f %% of unseen pictures, %.1f %% of X; equal noise "
                               "%.1f %%%s.",
                               self->snap.ended ? "✔" : "○", 100 * best->unseen, 100 * best->ratio,
                               100 * lim_universal_run_random(self->run), permuted);
    gtk_label_set_text(GTK_LABEL(self->verdict), text);
    gtk_widget_set_tooltip_text(self->verdict,
                                "X: the pictures that v is made from. On the unseen pictures, for "
                                "comparison: equal noise, random values of the same norm; and v "
                                "permuted, its own values in random places: both norms are the "
                                "same, only the pattern is gone.");
}

static void
put_v(LimUniversalPane *self)
{
    const LimShape s = lim_universal_run_shape(self->run);
    const float *v = self->snap.ended ? self->snap.best : self->snap.v;
    double l2 = 0, linf = 0;

    for (gint64 j = 0; j < lim_shape_size(s); j++) {
        l2 += (double)v[j] * (double)v[j];
        linf = fmax(linf, fabs((double)v[j]));
    }
    const double gain = lim_difference_gain(linf);
    g_autofree guint8 *pixels = lim_difference_pixels(s, v, NULL, gain);
    lim_picture_view_set_picture(self->view, pixels, s.d[2], s.d[1], 3);
    g_autofree char *text = linf > 0 ? g_strdup_printf("gain ×%g (±%.2g)   l2 %.3f   l∞ %.3f", gain,
                                                       1 / gain, sqrt(l2), linf)
                                     : g_strdup("l2 0   l∞ 0");
    gtk_label_set_text(GTK_LABEL(self->gain), text);
    lim_picture_view_set_description(self->view, text);
}

static void
plot_passes(LimUniversalPane *self)
{
    const int n = self->snap.n_passes;
    g_autofree LimPlotPoint *x = g_new0(LimPlotPoint, n + 2), *unseen = g_new0(LimPlotPoint, n + 2);
    const double random = 100 * lim_universal_run_random(self->run);
    const LimPlotPoint noise[2] = {{.x = 0, .y = random}, {.x = MAX(1, n - 1), .y = random}};
    const LimUniversalNow *now = &self->snap.now;
    int used = n;

    for (int i = 0; i < n; i++) {
        x[i] = (LimPlotPoint){.x = i, .y = 100 * self->snap.pass[i].ratio};
        unseen[i] = (LimPlotPoint){.x = i, .y = 100 * self->snap.pass[i].unseen};
    }
    if (!self->snap.ended && now->visited > 20) /* the pass that is going on, so far */
        x[used++] =
            (LimPlotPoint){.x = n - 1 + (double)now->visited / lim_universal_run_x(self->run),
                           .y = 100.0 * now->fooled / now->visited};
    lim_plot_set_points(self->plot, 0, x, used, NULL);
    lim_plot_set_points(self->plot, 1, unseen, n, NULL);
    lim_plot_set_points(self->plot, 2, noise, 2, NULL);
}

static void
append_bytes(GByteArray *to, LimShape s, const float *x)
{
    const gsize n = (gsize)lim_shape_size(s);
    g_autofree guint8 *pixels = g_malloc(n);

    lim_image_put_f32(lim_image_view(pixels, s.d[2], s.d[1], (gsize)(s.d[2] * s.d[0]),
                                     s.d[0] == 1 ? LIM_PIXEL_GREY8 : LIM_PIXEL_RGB8),
                      s.d[0], LIM_RANGE_UNIT, x);
    g_byte_array_append(to, pixels, (guint)n);
}

static void
set_grid(LimImageGrid *grid, GByteArray *pixels, int n, LimShape s, char **labels)
{
    g_autoptr(GBytes) bytes = g_byte_array_free_to_bytes(pixels);

    lim_image_grid_set_pictures(grid, n ? bytes : NULL, n, s.d[2], s.d[1], s.d[0],
                                n ? (const char *const *)labels : NULL);
}

static void
put_strip(LimUniversalPane *self)
{
    const LimShape s = lim_universal_run_shape(self->run);
    GByteArray *pixels = g_byte_array_new();
    const int n = MIN(LIM_UNIVERSAL_STRIP, self->snap.now.n_recent);
    g_autoptr(GPtrArray) labels = g_ptr_array_new_with_free_func(g_free);

    for (int i = 0; i < n; i++) {
        append_bytes(pixels, s, lim_universal_run_image(self->run, self->snap.now.recent[i]));
        g_ptr_array_add(labels, g_strdup_printf("Picture %d", self->snap.now.recent[i]));
    }
    g_ptr_array_add(labels, NULL);
    set_grid(self->strip, pixels, n, s, (char **)labels->pdata);
}

static void
put_flips(LimUniversalPane *self, const LimUniversalScaleTask *look)
{
    const LimShape s = lim_universal_run_shape(self->run);
    const int32_t *own = lim_universal_run_own(self->run);
    GByteArray *pixels = g_byte_array_new();
    g_autofree float *x = g_new(float, lim_shape_size(s));
    g_autoptr(GPtrArray) labels = g_ptr_array_new_with_free_func(g_free);
    const int unseen = lim_universal_run_unseen(self->run),
              shown = MIN(unseen, LIM_UNIVERSAL_SHOWN);
    int flipped = 0, all = 0;

    self->n_flipped = 0;
    for (int i = 0; i < unseen; i++) {
        const gboolean flips = own[i] != look->label[i];
        all += flips;
        if (!flips || i >= shown)
            continue;
        flipped++;
        if (self->n_flipped == LIM_UNIVERSAL_FLIPPED)
            continue;
        self->flipped[self->n_flipped++] = i;
        lim_universal_apply(lim_universal_run_unseen_image(self->run, i), look->v, look->scale,
                            (gsize)lim_shape_size(s), x);
        append_bytes(pixels, s, x);
        g_ptr_array_add(labels,
                        g_strdup_printf("%s\n→ %s", lim_universal_run_class_name(self->run, own[i]),
                                        lim_universal_run_class_name(self->run, look->label[i])));
    }
    g_ptr_array_add(labels, NULL);
    set_grid(self->flips, pixels, self->n_flipped, s, (char **)labels->pdata);
    lim_universal_pane_allow_apply(self, self->n_flipped > 0 && self->looked_passes > 1);
    g_autofree char *text = g_strdup_printf("×%.2f   %d of %d unseen pictures flip (%.1f %%)",
                                            look->scale, all, unseen, 100.0 * all / unseen);
    gtk_label_set_text(GTK_LABEL(self->said), text);
}

static void
put_graph(LimUniversalPane *self, const int32_t *label)
{
    const int classes = lim_universal_run_classes(self->run);
    const int32_t *own = lim_universal_run_own(self->run);
    g_autofree int *counts = g_new0(int, classes *classes);
    g_autofree const char **names = g_new(const char *, classes);

    for (int i = 0; i < lim_universal_run_unseen(self->run); i++)
        counts[own[i] * classes + label[i]]++;
    for (int k = 0; k < classes; k++)
        names[k] = lim_universal_run_class_name(self->run, k);
    lim_label_graph_set(self->graph, classes, counts, names);
}

static void
looked(void *data, LimTask *t, LimStatus status, const LimError *err, const LimTiming *timing)
{
    LimTarget *target = data;
    g_autoptr(LimUniversalPane) self = g_weak_ref_get(&target->object);
    const LimUniversalScaleTask *look = (const LimUniversalScaleTask *)t;

    if (!self || target->serial != self->looks)
        return;
    self->looking = FALSE;
    if (status != LIM_OK || look->run != self->run)
        return;
    put_flips(self, look);
    put_graph(self, look->label);
    lim_status_line_set_timing(self->status, timing->queued_ms, timing->ran_ms, 0);
}

/* Of the passes that are over the best; in the first one v as it is. */
static const float *
looked_at(LimUniversalPane *self)
{
    return self->snap.n_passes > 1 ? self->snap.best : self->snap.v;
}

static gboolean
is_behind(LimUniversalPane *self)
{
    const int grown = self->snap.now.visited - self->looked_visited;

    return self->snap.n_passes != self->looked_passes ||
           (self->snap.n_passes == 1 && !self->looking &&
            grown * FIRST_LOOKS >= lim_universal_run_x(self->run));
}

static void
look(LimUniversalPane *self)
{
    if (!self->run || self->snap.n_passes < 1)
        return;
    self->looking = TRUE;
    self->looked_passes = self->snap.n_passes;
    self->looked_visited = self->snap.now.visited;
    lim_worker_submit(lim_universal_pane_worker(self),
                      lim_universal_scale_task_new(self->run, looked_at(self),
                                                   lim_universal_pane_scale(self)),
                      LIM_LANE_LIVE, LIM_UNIVERSAL_SLOT_SCALE, 0,
                      (LimTaskEvents){.done = looked,
                                      .drop = lim_target_free,
                                      .data = lim_target_new(self, ++self->looks)});
}

static void
describe(LimUniversalPane *self)
{
    const LimUniversalPlan *plan = lim_universal_run_plan(self->run);
    const LimUniversalNow *now = &self->snap.now;
    g_autofree char *model = lim_model_file_label(plan->model);
    g_autofree char *name = plan->file ? lim_model_file_label(plan->file) : NULL;
    g_autofree char *text =
        name ? g_strdup_printf("%s, by %s, %s ≤ %g, on %s", name,
                               plan->params.method == LIM_UNIVERSAL_DEEPFOOL ? "DeepFool"
                                                                             : "gradients",
                               plan->params.norm == LIM_NORM_L2 ? "l2" : "l∞", plan->params.xi,
                               model)
             : g_strdup_printf("v by %s on %s, %s ≤ %g, %d pictures, seed %" G_GUINT64_FORMAT
                               ": %d passes, %d additions, %" G_GINT64_FORMAT
                               " queries, %" G_GINT64_FORMAT " gradients",
                               plan->params.method == LIM_UNIVERSAL_DEEPFOOL ? "DeepFool"
                                                                             : "gradients",
                               model, plan->params.norm == LIM_NORM_L2 ? "l2" : "l∞",
                               plan->params.xi, lim_universal_run_x(self->run), plan->params.seed,
                               now->pass, now->additions, now->queries, now->gradients);

    lim_status_line_set_text(self->status, text);
}

/* What the worker has added since. */
void
lim_universal_pane_pull(LimUniversalPane *self)
{
    lim_universal_snap_clear(&self->snap);
    lim_universal_run_snap(self->run, &self->snap);
    tell_verdict(self);
    put_v(self);
    plot_passes(self);
    put_strip(self);
    describe(self);
    if (is_behind(self))
        look(self);
    gtk_button_set_label(GTK_BUTTON(self->pause),
                         lim_form_pane_goes_on(LIM_FORM_PANE(self)) ? "Pause" : "Go on");
    gtk_widget_set_sensitive(self->pause, !self->snap.ended);
}

/* ---- growing ---- */

static void
progressed(LimFormPane *pane)
{
    LimUniversalPane *self = LIM_UNIVERSAL_PANE(pane);

    if (self->run)
        lim_universal_pane_pull(self);
}

static void
stopped(LimFormPane *pane, LimStatus status)
{
    progressed(pane);
}

void
lim_universal_pane_halt(LimUniversalPane *self)
{
    lim_form_pane_halt(LIM_FORM_PANE(self));
}

void
lim_universal_pane_go_on(LimUniversalPane *self)
{
    lim_form_pane_go_on(LIM_FORM_PANE(self), lim_universal_grow_task_new(self->run));
}

static void
toggle(LimUniversalPane *self)
{
    if (!self->run || self->snap.ended)
        return;
    if (lim_form_pane_goes_on(LIM_FORM_PANE(self)))
        lim_universal_pane_halt(self);
    else
        lim_universal_pane_go_on(self);
    lim_universal_pane_pull(self);
}

static gboolean
key_pressed(LimUniversalPane *self, guint keyval, guint code, GdkModifierType state)
{
    if (state & (GDK_CONTROL_MASK | GDK_ALT_MASK))
        return FALSE;
    switch (keyval) {
    case GDK_KEY_k:
        toggle(self);
        return TRUE;
    case GDK_KEY_bracketleft:
    case GDK_KEY_bracketright:
        gtk_range_set_value(GTK_RANGE(self->scale),
                            lim_universal_pane_scale(self) +
                                (keyval == GDK_KEY_bracketleft ? -0.05 : 0.05));
        return TRUE;
    default:
        return FALSE;
    }
}

void
lim_universal_shown_class_init(LimFormPaneClass *klass)
{
    klass->progressed = progressed;
    klass->stopped = stopped;
}

void
lim_universal_shown_connect(LimUniversalPane *self, GtkWidget *view)
{
    GtkEventController *keys = gtk_event_controller_key_new();

    g_signal_connect_object(self->pause, "clicked", G_CALLBACK(toggle), self, G_CONNECT_SWAPPED);
    g_signal_connect_object(self->scale, "value-changed", G_CALLBACK(look), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(keys, "key-pressed", G_CALLBACK(key_pressed), self, G_CONNECT_SWAPPED);
    gtk_widget_add_controller(view, keys);
}
