/* Universal: a change of the settings begins another perturbation at once, and it grows in a long
 * job while everything can be looked at. Pausing cancels the job and keeps what there is. */
#include "panes/universal/universal.h"

#include "file-choice.h"
#include "panes/attack/panes.h"
#include "panes/universal/graph.h"
#include "schema-form.h"
#include "shipped.h"
#include "tensor/image.h"
#include "widgets/lim-choice-row.h"
#include "widgets/lim-explain.h"
#include "widgets/lim-image-grid.h"
#include "widgets/lim-picture-view.h"
#include "widgets/lim-plot.h"
#include "widgets/lim-slider-row.h"
#include "widgets/lim-text-row.h"

#include <math.h>
#include <stdlib.h>

#define SLOT_BEGIN  8 /* on the worker's live lane, apart from those of other views */
#define SLOT_SCALE  9
#define STRIP       12 /* pictures that contributed last */
#define FLIPPED     16 /* pictures that are shown of those that flip, large enough for captions */
#define SCALE_MAX   3
#define FIRST_LOOKS 5 /* in the first pass, at what v does by then */
#define BOTTOM      190

struct _LimUniversalPane {
    LimFormPane parent_instance;
    LimForm *form;
    LimPictureView *view;
    LimZoom *zoom;
    LimPlot *plot;
    LimImageGrid *strip, *flips;
    GtkWidget *verdict, *gain, *pause, *scale, *said, *graph;
    LimSeriesPage *transfer, *shuffles;
    LimExplain *explain;
    GtkWidget *pages;
    LimStatusLine *status;

    LimBench *bench;
    LimUniversalPictures *pictures;
    gboolean listed;
    char *opened;              /* a file that waits for that, or NULL */
    const char *const *models; /* [n_models], of the bench */
    int n_models, norm;        /* norm: of the form, as it was last */
    guint tick;

    char file[LIM_TEXT_MAX]; /* of v, as the form has it */
    LimUniversalPlan posted; /* its model is borrowed from the bench, its file kept here: */
    char posted_file[LIM_TEXT_MAX];
    gboolean any_posted;
    guint64 serial, looks;
    LimUniversalRun *run;
    LimUniversalSnap snap;
    int looked_passes, looked_visited; /* of the v that the flips belong to */
    gboolean looking;
    int n_flipped, flipped[FLIPPED]; /* unseen pictures in the grid */
};

G_DEFINE_FINAL_TYPE(LimUniversalPane, lim_universal_pane, LIM_TYPE_FORM_PANE)

static LimWorker *
worker_of(LimUniversalPane *self)
{
    return lim_session_get_worker(lim_pane_get_session(LIM_PANE(self)));
}

LimUniversalRun *
lim_universal_pane_get_run(LimUniversalPane *self)
{
    return self->run;
}

const char *
lim_universal_pane_get_verdict(LimUniversalPane *self)
{
    return gtk_label_get_text(GTK_LABEL(self->verdict));
}

gboolean
lim_universal_pane_get_current(LimUniversalPane *self)
{
    return self->run && !self->tick && !self->looking &&
           !lim_form_pane_goes_on(LIM_FORM_PANE(self)) && self->snap.ended &&
           self->looked_passes == self->snap.n_passes &&
           lim_universal_plan_equal(lim_universal_run_plan(self->run), &self->posted);
}

static double
scale_of(LimUniversalPane *self)
{
    return gtk_range_get_value(GTK_RANGE(self->scale));
}

/* ---- what is shown ---- */

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
    const int n = MIN(STRIP, self->snap.now.n_recent);
    g_autoptr(GPtrArray) labels = g_ptr_array_new_with_free_func(g_free);

    for (int i = 0; i < n; i++) {
        append_bytes(pixels, s, lim_universal_run_image(self->run, self->snap.now.recent[i]));
        g_ptr_array_add(labels, g_strdup_printf("Picture %d", self->snap.now.recent[i]));
    }
    g_ptr_array_add(labels, NULL);
    set_grid(self->strip, pixels, n, s, (char **)labels->pdata);
}

/* There is a picture to take, of a v that is a result. */
static void
allow_apply(LimUniversalPane *self, gboolean yes)
{
    GAction *apply =
        g_action_map_lookup_action(lim_pane_get_actions(LIM_PANE(self)), "apply-in-attack");

    g_simple_action_set_enabled(G_SIMPLE_ACTION(apply), yes);
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
        if (self->n_flipped == FLIPPED)
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
    allow_apply(self, self->n_flipped > 0 && self->looked_passes > 1);
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
    lim_worker_submit(worker_of(self),
                      lim_universal_scale_task_new(self->run, looked_at(self), scale_of(self)),
                      LIM_LANE_LIVE, SLOT_SCALE, 0,
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
static void
pull(LimUniversalPane *self)
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
        pull(self);
}

static void
stopped(LimFormPane *pane, LimStatus status)
{
    progressed(pane);
}

static void
halt(LimUniversalPane *self)
{
    lim_form_pane_halt(LIM_FORM_PANE(self));
}

static void
go_on(LimUniversalPane *self)
{
    lim_form_pane_go_on(LIM_FORM_PANE(self), lim_universal_grow_task_new(self->run));
}

static void
toggle(LimUniversalPane *self)
{
    if (!self->run || self->snap.ended)
        return;
    if (lim_form_pane_goes_on(LIM_FORM_PANE(self)))
        halt(self);
    else
        go_on(self);
    pull(self);
}

/* ---- from settings to a perturbation ---- */

static void
show_message(LimUniversalPane *self, const char *text)
{
    lim_form_pane_show_message(LIM_FORM_PANE(self), "This perturbation cannot be made", text, NULL,
                               NULL);
}

static void
begun(void *data, LimTask *t, LimStatus status, const LimError *err, const LimTiming *timing)
{
    LimTarget *target = data;
    g_autoptr(LimUniversalPane) self = g_weak_ref_get(&target->object);

    if (!self || target->serial != self->serial || status == LIM_CANCELLED)
        return;
    if (status != LIM_OK) {
        show_message(self, err->text);
        return;
    }
    halt(self);
    lim_universal_run_unref(self->run);
    self->run = lim_universal_begin_task_steal(t);
    self->looked_passes = 0;
    lim_form_pane_show_view(LIM_FORM_PANE(self));
    lim_series_page_set_run(self->transfer, self->run);
    lim_series_page_set_run(self->shuffles, self->run);
    const LimUniversalPlan *plan = lim_universal_run_plan(self->run);
    if (plan->file) /* the form tells how it was made */
        lim_form_set_values(self->form, lim_schema_values(lim_universal_schema, &plan->params));
    else
        go_on(self);
    pull(self);
}

static void
read_plan(LimUniversalPane *self, LimUniversalPlan *plan)
{
    LimUniversalSetup setup;

    memset(plan, 0, sizeof *plan);
    lim_schema_form_read(self->form, lim_universal_setup_schema, &setup);
    lim_schema_form_read(self->form, lim_universal_schema, &plan->params);
    plan->pictures = setup.pictures;
    g_strlcpy(self->file, setup.file, sizeof self->file);
    if (*self->file)
        plan->file = self->file;
    if (setup.model < self->n_models)
        plan->model = (char *)self->models[setup.model];
}

static gboolean
tick(GtkWidget *widget, GdkFrameClock *clock, gpointer data)
{
    LimUniversalPane *self = LIM_UNIVERSAL_PANE(widget);
    LimUniversalPlan plan;

    self->tick = 0;
    read_plan(self, &plan);
    if (!plan.model || (self->any_posted && lim_universal_plan_equal(&plan, &self->posted)))
        return G_SOURCE_REMOVE;
    halt(self); /* what the settings no longer ask for */
    self->posted = plan;
    if (plan.file) {
        g_strlcpy(self->posted_file, plan.file, sizeof self->posted_file);
        self->posted.file = self->posted_file;
    }
    self->any_posted = TRUE;
    lim_worker_submit(worker_of(self),
                      lim_universal_begin_task_new(self->bench, self->pictures, &plan),
                      LIM_LANE_LIVE, SLOT_BEGIN, 0,
                      (LimTaskEvents){.done = begun,
                                      .drop = lim_target_free,
                                      .data = lim_target_new(self, ++self->serial)});
    return G_SOURCE_REMOVE;
}

/* Nothing is computed for a view that was never seen. */
static void
update_soon(LimUniversalPane *self)
{
    if (!self->tick && self->models)
        self->tick = gtk_widget_add_tick_callback(GTK_WIDGET(self), tick, NULL, NULL);
}

/* Once the classifiers are listed, and what the last session had is set. */
static void
take_opened(LimUniversalPane *self)
{
    if (!self->opened || !self->models)
        return;
    g_autofree char *path = g_steal_pointer(&self->opened);
    lim_form_flush(self->form);
    lim_form_set_values(self->form, g_variant_new_parsed("{'file': <%s>}", path));
    lim_form_pane_settle(LIM_FORM_PANE(self));
    update_soon(self);
}

static void
listed(void *data, LimTask *t, LimStatus status, const LimError *err, const LimTiming *timing)
{
    g_autoptr(LimUniversalPane) self = g_weak_ref_get(&((LimTarget *)data)->object);
    const LimListTask *list = (const LimListTask *)t;
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    if (!self || status != LIM_OK)
        return;
    self->models = list->paths;
    self->n_models = list->n;
    for (int i = 0; i < list->n; i++)
        g_ptr_array_add(names, lim_model_file_label(list->paths[i]));
    g_ptr_array_add(names, NULL);
    if (!list->n)
        show_message(self, "no classifier was found; install the program with its models, or train "
                           "one with limen-cli");
    else
        lim_choice_row_set_choices(LIM_CHOICE_ROW(lim_form_get_row(self->form, "model")),
                                   (const char *const *)names->pdata, NULL);
    lim_form_pane_resume(LIM_FORM_PANE(self));
    take_opened(self);
    update_soon(self);
}

static void
write_session(LimFormPane *pane, GVariantDict *session)
{
    LimUniversalPane *self = LIM_UNIVERSAL_PANE(pane);

    lim_file_choice_write(session, "model", 0, self->models, self->n_models);
}

static void
read_session(LimFormPane *pane, GVariantDict *session)
{
    LimUniversalPane *self = LIM_UNIVERSAL_PANE(pane);

    lim_file_choice_read(session, "model", 0, self->models, self->n_models);
}

static void
map(GtkWidget *widget)
{
    LimUniversalPane *self = LIM_UNIVERSAL_PANE(widget);

    GTK_WIDGET_CLASS(lim_universal_pane_parent_class)->map(widget);
    if (self->listed)
        return;
    self->listed = TRUE;
    lim_worker_submit(worker_of(self), lim_list_task_new(self->bench), LIM_LANE_LONG, 0, 0,
                      (LimTaskEvents){.done = listed,
                                      .drop = lim_target_free,
                                      .data = lim_target_new(self, 0)});
}

/* What a v from a file does not need cannot be used, and the slider of the bound has the range and
 * the default that the norm needs. */
static void
arrange(LimUniversalPane *self, int norm)
{
    LimSliderRow *bound = LIM_SLIDER_ROW(lim_form_get_row(self->form, "xi"));
    g_autoptr(GVariant) file = lim_form_row_dup_value(lim_form_get_row(self->form, "file"));
    const gboolean made = !*g_variant_get_string(file, NULL);

    lim_slider_row_set_range(bound, 0, norm == LIM_NORM_L2 ? 4 : 0.3, norm == LIM_NORM_L2 ? 2 : 3);
    lim_form_row_move_default(LIM_FORM_ROW(bound),
                              g_variant_new_double(lim_universal_bounds[norm]));
    for (const LimParamSpec *s = lim_universal_schema; s->name; s++)
        lim_form_row_set_enabled(lim_form_get_row(self->form, s->name), made);
}

/* A bound means something else in the other norm. */
static void
changed(LimFormPane *pane)
{
    LimUniversalPane *self = LIM_UNIVERSAL_PANE(pane);
    LimUniversalParams p;

    lim_schema_form_read(self->form, lim_universal_schema, &p);
    arrange(self, p.norm);
    if (p.norm != self->norm) {
        const double was = lim_universal_bounds[self->norm];
        self->norm = p.norm;
        if (p.xi == was)
            lim_form_set_values(self->form,
                                g_variant_new_parsed("{'xi': <%d>}", lim_universal_bounds[p.norm]));
    }
    update_soon(self);
}

/* ---- out of the window ---- */

static char *
command_of(LimUniversalPane *self)
{
    const LimUniversalPlan *plan = lim_universal_run_plan(self->run);
    g_autofree char *flags = lim_schema_flags(lim_universal_schema, &plan->params);
    g_autofree char *model = g_shell_quote(plan->model);
    g_autofree char *folder =
        lim_universal_run_data(self->run) ? g_shell_quote(lim_universal_run_data(self->run)) : NULL;

    if (plan->file) {
        g_autofree char *file = g_shell_quote(plan->file);
        return g_strdup_printf("limen-cli universal apply %s --model %s%s%s --count %d --scale %g",
                               file, model, folder ? " --data " : "", folder ? folder : "",
                               lim_universal_run_unseen(self->run), scale_of(self));
    }
    return g_strdup_printf("limen-cli universal make --model %s%s%s --pictures %d --unseen %d%s "
                           "--out universal.safetensors",
                           model, folder ? " --data " : "", folder ? folder : "",
                           lim_universal_run_x(self->run), lim_universal_run_unseen(self->run),
                           flags);
}

static char *
dup_command(LimFormPane *pane, char **said)
{
    LimUniversalPane *self = LIM_UNIVERSAL_PANE(pane);

    if (!self->run)
        return NULL;
    *said = g_strdup(lim_universal_run_plan(self->run)->file
                         ? "The command that applies this perturbation is on the clipboard"
                         : "The command for this perturbation is on the clipboard");
    return command_of(self);
}

static void
export_to(LimFormPane *pane, const char *path)
{
    LimUniversalPane *self = LIM_UNIVERSAL_PANE(pane);

    if (!self->run || lim_universal_run_plan(self->run)->file)
        return;
    g_autofree char *command = command_of(self);
    lim_form_pane_export(pane, path, lim_universal_save_task_new(self->run, path, command, -1, 1),
                         "Saved the PNG, and beside it the floats as .npy and as .safetensors");
}

static char *
dup_file_name(LimFormPane *pane)
{
    LimUniversalPane *self = LIM_UNIVERSAL_PANE(pane);

    if (self->run && lim_universal_run_plan(self->run)->file)
        lim_status_line_flash(self->status, "Not exported: this v is a file already");
    else if (self->run)
        return g_strdup("Universal.png");
    return NULL;
}

static void
picture_saved(void *data, LimTask *t, LimStatus status, const LimError *err,
              const LimTiming *timing)
{
    g_autoptr(LimUniversalPane) self = g_weak_ref_get(&((LimTarget *)data)->object);

    if (!self)
        return;
    if (status == LIM_OK)
        lim_pane_pass_file(LIM_PANE(self), "attack", ((LimUniversalSaveTask *)t)->path);
    else if (status != LIM_CANCELLED)
        lim_status_line_flash(self->status, err->text);
}

/* The picture under the cursor goes to the Attack view as a file, as one of a person's own. */
static void
do_apply(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    LimUniversalPane *self = data;
    const int cursor = lim_image_grid_get_cursor(self->flips);
    g_autofree char *folder = g_build_filename(g_get_user_cache_dir(), "limen", NULL);

    if (!self->run || self->n_flipped == 0)
        return;
    const int picture = self->flipped[CLAMP(cursor, 0, self->n_flipped - 1)];
    g_mkdir_with_parents(folder, 0700);
    g_autofree char *name = g_strdup_printf("universal-%d.png", picture);
    g_autofree char *path = g_build_filename(folder, name, NULL);
    lim_worker_submit(worker_of(self),
                      lim_universal_save_task_new(self->run, path, "", picture, scale_of(self)),
                      LIM_LANE_LONG, 0, 0,
                      (LimTaskEvents){.done = picture_saved,
                                      .drop = lim_target_free,
                                      .data = lim_target_new(self, 0)});
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
                            scale_of(self) + (keyval == GDK_KEY_bracketleft ? -0.05 : 0.05));
        return TRUE;
    default:
        return FALSE;
    }
}

/* A perturbation of the window's: v is taken from it. */
static gboolean
open_other(LimPane *pane, const char *holds, const char *path)
{
    LimUniversalPane *self = LIM_UNIVERSAL_PANE(pane);

    if (!g_str_equal(holds, "universal perturbation"))
        return FALSE;
    g_free(self->opened);
    self->opened = g_strdup(path);
    take_opened(self);
    return TRUE;
}

/* ---- construction ---- */

static LimForm *
build_form(void)
{
    static const char *const shipped[] = {"First classifier", NULL};
    static const char *const methods[] = {"DeepFool", "Gradients on v", NULL};
    static const char *const norms[] = {"l2", "l∞", NULL};
    static const char group[] = "How it is made";
    const LimFormHint setup[] = {{.name = "model", .texts = shipped},
                                 {.name = "pictures", .beside = true}};
    const LimFormHint hints[] = {
        {.name = "method", .texts = methods},
        {.name = "norm", .texts = norms},
        {.name = "xi", .digits = 3},
        {.name = "delta", .group = group},
        {.name = "passes", .group = group, .beside = true},
        {.name = "patience", .group = group, .beside = true},
        {.name = "batch", .group = group, .beside = true},
        {.name = "steps", .group = group, .beside = true},
        {.name = "overshoot", .group = group, .digits = 3},
        {.name = "rate", .group = group, .digits = 3},
    };
    LimForm *form = LIM_FORM(lim_form_new());

    lim_schema_form_fill(form, lim_universal_setup_schema, setup, G_N_ELEMENTS(setup));
    lim_text_row_set_file(LIM_TEXT_ROW(lim_form_get_row(form, "file")),
                          "Open a Universal Perturbation", "safetensors");
    lim_schema_form_fill(form, lim_universal_schema, hints, G_N_ELEMENTS(hints));
    return form;
}

/* A title over a widget. */
static GtkWidget *
column_new(const char *title, GtkWidget *child, GtkWidget *below)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6), *head = gtk_label_new(title);

    gtk_label_set_xalign(GTK_LABEL(head), 0);
    gtk_widget_add_css_class(head, "picture-title");
    gtk_widget_set_vexpand(child, TRUE);
    gtk_widget_set_hexpand(child, TRUE);
    gtk_box_append(GTK_BOX(box), head);
    gtk_box_append(GTK_BOX(box), child);
    if (below)
        gtk_box_append(GTK_BOX(box), below);
    return box;
}

static GtkWidget *
build_top(LimUniversalPane *self)
{
    GtkWidget *row = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 18);

    self->zoom = lim_zoom_new();
    self->view = LIM_PICTURE_VIEW(lim_picture_view_new("Perturbation", self->zoom));
    self->gain = gtk_label_new(NULL);
    gtk_label_set_xalign(GTK_LABEL(self->gain), 0);
    gtk_label_set_ellipsize(GTK_LABEL(self->gain), PANGO_ELLIPSIZE_END);
    gtk_widget_add_css_class(self->gain, "numeric");
    self->plot = LIM_PLOT(lim_plot_new("Fooling ratio"));
    lim_plot_set_axis(self->plot, GTK_ORIENTATION_HORIZONTAL, "Pass", FALSE);
    lim_plot_set_axis(self->plot, GTK_ORIENTATION_VERTICAL, "Fooled (%)", FALSE);
    lim_plot_set_range(self->plot, GTK_ORIENTATION_VERTICAL, 0, 100);
    lim_plot_set_empty_text(self->plot, "No pass is over yet");
    lim_plot_add_series(self->plot, "X", LIM_PLOT_LINE | LIM_PLOT_POINTS);
    lim_plot_add_series(self->plot, "Unseen", LIM_PLOT_LINE | LIM_PLOT_POINTS);
    lim_plot_add_series(self->plot, "Noise of equal norm", LIM_PLOT_LINE);
    self->strip = LIM_IMAGE_GRID(lim_image_grid_new());
    lim_image_grid_set_name(self->strip, "Pictures that contributed last");
    lim_image_grid_set_min_size(self->strip, 130, 110);
    lim_image_grid_set_room(self->strip, STRIP);
    gtk_box_append(GTK_BOX(row), column_new("Perturbation", GTK_WIDGET(self->view), self->gain));
    gtk_box_append(GTK_BOX(row), column_new("Fooling ratio", GTK_WIDGET(self->plot), NULL));
    gtk_box_append(GTK_BOX(row), column_new("Contributed last", GTK_WIDGET(self->strip), NULL));
    gtk_box_set_homogeneous(GTK_BOX(row), TRUE);
    return row;
}

static GtkWidget *
build_controls(LimUniversalPane *self)
{
    GtkWidget *row = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 12);
    GtkWidget *name = gtk_label_new("Scale");

    self->pause = gtk_button_new_with_label("Pause");
    gtk_widget_set_tooltip_text(self->pause, "Stops or goes on with making v; nothing is lost (k)");
    g_signal_connect_object(self->pause, "clicked", G_CALLBACK(toggle), self, G_CONNECT_SWAPPED);
    self->scale = gtk_scale_new_with_range(GTK_ORIENTATION_HORIZONTAL, 0, SCALE_MAX, 0.05);
    gtk_range_set_value(GTK_RANGE(self->scale), 1);
    gtk_scale_add_mark(GTK_SCALE(self->scale), 1, GTK_POS_BOTTOM, NULL);
    gtk_widget_set_hexpand(self->scale, TRUE);
    gtk_widget_set_size_request(self->scale, 120, -1);
    gtk_widget_set_tooltip_text(self->scale,
                                "v is multiplied by it before it is added: see which pictures flip "
                                "first, and which never do");
    gtk_accessible_update_property(GTK_ACCESSIBLE(self->scale), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   "Scale", -1);
    g_signal_connect_object(self->scale, "value-changed", G_CALLBACK(look), self,
                            G_CONNECT_SWAPPED);
    self->said = g_object_new(GTK_TYPE_LABEL, "xalign", 0.0, "ellipsize", PANGO_ELLIPSIZE_END,
                              "width-chars", 24, NULL);
    gtk_widget_add_css_class(self->said, "numeric");
    GtkWidget *apply = gtk_button_new_with_label("Apply in Attack");
    gtk_actionable_set_action_name(GTK_ACTIONABLE(apply), "view.apply-in-attack");
    gtk_widget_set_tooltip_text(apply, "Takes the flipped picture under the cursor, v "
                                       "included, to the Attack view (Ctrl+Shift+T)");
    gtk_box_append(GTK_BOX(row), self->pause);
    gtk_box_append(GTK_BOX(row), name);
    gtk_box_append(GTK_BOX(row), self->scale);
    gtk_box_append(GTK_BOX(row), self->said);
    gtk_box_append(GTK_BOX(row), apply);
    return row;
}

static const struct {
    const char *name, *title, *text;
} pages[] = {
    {"flips", "Flips",
     "One <a href='v'>perturbation</a> for all pictures. Every pass visits the pictures in another "
     "order, and those that it does not fool yet change it a little. The <a "
     "href='plot'>curves</a> rise on the pictures it is made from and on others that it never "
     "sees. <a href='flips'>These</a> of the unseen pictures get another label at the chosen <a "
     "href='scale'>scale</a>."},
    {"labels", "Labels",
     "The <a href='labels'>graph</a> of all unseen pictures at the chosen <a "
     "href='scale'>scale</a>: from the label that the classifier gives a picture to the one that "
     "it gives it with v. Most arrows end at a few dominant labels."},
    {"transfer", "Transfer",
     "v is made for one classifier, and fools others too. The <a href='transfer'>table</a> has a "
     "row for each classifier that v is made on, and a column for each that it is tried on."},
    {"shuffles", "Shuffles",
     "The same pictures in another order give another v that fools about as many. The <a "
     "href='shuffles'>table</a> has their inner products: the nearer to 0, the less two of them "
     "have in common."},
};

static void
page_changed(LimUniversalPane *self)
{
    const char *name = gtk_stack_get_visible_child_name(GTK_STACK(self->pages));

    for (gsize i = 0; i < G_N_ELEMENTS(pages) && name; i++)
        if (g_str_equal(name, pages[i].name))
            lim_explain_set_text(self->explain, pages[i].text);
}

static GtkWidget *
build_bottom(LimUniversalPane *self)
{
    LimSession *session = lim_pane_get_session(LIM_PANE(self));

    self->flips = LIM_IMAGE_GRID(lim_image_grid_new());
    lim_image_grid_set_name(self->flips, "Pictures that flip");
    lim_image_grid_set_min_size(self->flips, 240, BOTTOM - 10);
    lim_image_grid_set_captions(self->flips, TRUE);
    lim_image_grid_set_room(self->flips, FLIPPED);
    self->graph = lim_label_graph_new();
    self->transfer = LIM_SERIES_PAGE(lim_series_page_new(session, LIM_SERIES_CLASSIFIERS));
    self->shuffles = LIM_SERIES_PAGE(lim_series_page_new(session, LIM_SERIES_SHUFFLES));
    GtkWidget *const children[] = {GTK_WIDGET(self->flips), self->graph, GTK_WIDGET(self->transfer),
                                   GTK_WIDGET(self->shuffles)};
    self->explain = LIM_EXPLAIN(lim_explain_new());
    self->pages = gtk_stack_new();
    for (gsize i = 0; i < G_N_ELEMENTS(pages); i++) {
        gtk_stack_add_titled(GTK_STACK(self->pages), children[i], pages[i].name, pages[i].title);
        lim_explain_add_term(self->explain, pages[i].name, children[i]);
    }
    lim_explain_add_term(self->explain, "v", GTK_WIDGET(self->view));
    lim_explain_add_term(self->explain, "plot", GTK_WIDGET(self->plot));
    lim_explain_add_term(self->explain, "scale", self->scale);
    g_signal_connect_object(self->pages, "notify::visible-child", G_CALLBACK(page_changed), self,
                            G_CONNECT_SWAPPED);
    page_changed(self);
    return lim_explain_row_new(self->explain, self->pages, BOTTOM,
                               "What to show of the perturbation", "About the perturbation");
}

static GtkWidget *
build_universal(LimUniversalPane *self)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6), *top;

    self->verdict = g_object_new(GTK_TYPE_LABEL, "accessible-role", GTK_ACCESSIBLE_ROLE_STATUS,
                                 "xalign", 0.0, "ellipsize", PANGO_ELLIPSIZE_END, NULL);
    gtk_widget_add_css_class(self->verdict, "picture-title");
    gtk_box_append(GTK_BOX(box), self->verdict);
    top = build_top(self);
    gtk_widget_set_vexpand(top, TRUE);
    gtk_box_append(GTK_BOX(box), top);
    gtk_box_append(GTK_BOX(box), build_controls(self));
    gtk_box_append(GTK_BOX(box), build_bottom(self));
    gtk_widget_add_css_class(box, "pictures");

    GtkEventController *keys = gtk_event_controller_key_new();
    g_signal_connect_object(keys, "key-pressed", G_CALLBACK(key_pressed), self, G_CONNECT_SWAPPED);
    gtk_widget_add_controller(box, keys);
    return box;
}

static void
constructed(GObject *object)
{
    static const GActionEntry apply = {.name = "apply-in-attack", .activate = do_apply};
    LimUniversalPane *self = LIM_UNIVERSAL_PANE(object);
    LimFormPane *pane = LIM_FORM_PANE(object);

    G_OBJECT_CLASS(lim_universal_pane_parent_class)->constructed(object);
    g_action_map_add_action_entries(lim_pane_get_actions(LIM_PANE(self)), &apply, 1, self);
    allow_apply(self, FALSE);
    g_autofree char *models = lim_shipped_model("");
    g_autofree char *samples = lim_shipped_samples();
    self->bench = lim_bench_new(models, samples);
    self->pictures = lim_universal_pictures_new(samples);
    self->norm = LIM_NORM_LINF;
    self->form = build_form();
    arrange(self, self->norm);
    self->status = lim_form_pane_get_status(pane);
    lim_form_pane_build(pane, self->form, build_universal(self));
}

static void
dispose(GObject *object)
{
    LimUniversalPane *self = LIM_UNIVERSAL_PANE(object);

    g_clear_object(&self->zoom);
    G_OBJECT_CLASS(lim_universal_pane_parent_class)->dispose(object);
}

static void
finalize(GObject *object)
{
    LimUniversalPane *self = LIM_UNIVERSAL_PANE(object);

    lim_universal_snap_clear(&self->snap);
    lim_universal_run_unref(self->run);
    lim_universal_pictures_unref(self->pictures);
    lim_bench_unref(self->bench);
    g_free(self->opened);
    G_OBJECT_CLASS(lim_universal_pane_parent_class)->finalize(object);
}

static void
lim_universal_pane_class_init(LimUniversalPaneClass *klass)
{
    G_OBJECT_CLASS(klass)->constructed = constructed;
    G_OBJECT_CLASS(klass)->dispose = dispose;
    G_OBJECT_CLASS(klass)->finalize = finalize;
    GTK_WIDGET_CLASS(klass)->map = map;
    LIM_PANE_CLASS(klass)->open_other = open_other;
    LIM_FORM_PANE_CLASS(klass)->copy_tooltip =
        "Copies the limen-cli command that makes this v, bit for bit (Ctrl+Shift+C)";
    LIM_FORM_PANE_CLASS(klass)->export_tooltip =
        "Saves v as a picture, and beside it the floats as .npy and as .safetensors (Ctrl+E)";
    LIM_FORM_PANE_CLASS(klass)->changed = changed;
    LIM_FORM_PANE_CLASS(klass)->dup_command = dup_command;
    LIM_FORM_PANE_CLASS(klass)->dup_file_name = dup_file_name;
    LIM_FORM_PANE_CLASS(klass)->export_to = export_to;
    LIM_FORM_PANE_CLASS(klass)->progressed = progressed;
    LIM_FORM_PANE_CLASS(klass)->stopped = stopped;
    LIM_FORM_PANE_CLASS(klass)->write_session = write_session;
    LIM_FORM_PANE_CLASS(klass)->read_session = read_session;
}

static void
lim_universal_pane_init(LimUniversalPane *self)
{
}

const LimPaneDef lim_pane_universal = {"universal", "Universal", lim_universal_pane_get_type};
