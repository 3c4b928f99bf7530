/* The curve belongs to the model, the class and the way of truncating; seed and threshold only move
 * the mark on it. So it is measured once for each of these and kept, and a slider that is dragged
 * disturbs nothing. */
#include "panes/generate/tradeoff.h"

#include "judge.h"
#include "metrics/tradeoff.h"
#include "panes/generate/generate.h"
#include "schema-form.h"
#include "widgets/lim-choice-row.h"
#include "widgets/lim-slider-row.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST LIM_TRADEOFF_THRESHOLDS

/* What stands for fidelity. */
enum { DENSITY, PRECISION, ASKED };

typedef struct Curve {
    int label, truncation;
    int n;
    LimTradeoffPoint points[MOST]; /* by threshold */
} Curve;

struct _LimGenerateTradeoff {
    LimGeneratePart parent_instance;
    LimFormRow *fidelity;
    LimPlot *plot;
    GtkWidget *note; /* label */

    LimJudge *judge;
    LimModel *model; /* of the curves; compared, not used */
    GArray *done;    /* of Curve, complete */
    Curve curve;     /* what is shown */
    guint64 ticket;  /* of its measuring; 0: none under way */
    guint serial;    /* of the latest */
};

G_DEFINE_FINAL_TYPE(LimGenerateTradeoff, lim_generate_tradeoff, LIM_TYPE_GENERATE_PART)

LimPlot *
lim_generate_tradeoff_get_plot(LimGenerateTradeoff *self)
{
    return self->plot;
}

/* ---- the measuring: files first, then the stepper ---- */

typedef struct {
    LimTask base;
    LimModel *model;
    LimJudge *judge;
    LimTradeoffSettings settings;
    LimTask *tradeoff;
} MeasureTask;

static LimStep
measure_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    MeasureTask *self = (MeasureTask *)t;

    if (self->tradeoff)
        return lim_task_step(self->tradeoff, exec, progress, err);
    if (lim_judge_load(self->judge, err) != LIM_OK)
        return LIM_STEP_FAILED;
    self->tradeoff = lim_tradeoff_new(lim_model_generator(self->model),
                                      lim_judge_predictor(self->judge), lim_judge_real(self->judge),
                                      &self->settings, lim_tradeoff_thresholds, MOST, err);
    return self->tradeoff ? LIM_STEP_MORE : LIM_STEP_FAILED;
}

static LimTensor *
measure_preview(LimTask *t)
{
    MeasureTask *self = (MeasureTask *)t;

    return self->tradeoff ? self->tradeoff->klass->preview(self->tradeoff) : NULL;
}

static void
measure_free(LimTask *t)
{
    MeasureTask *self = (MeasureTask *)t;

    lim_task_free(self->tradeoff);
    lim_judge_unref(self->judge);
    lim_model_unref(self->model);
    free(self);
}

/* ---- the curve ---- */

static int
by_threshold(const void *a, const void *b)
{
    double x = ((const LimTradeoffPoint *)a)->threshold;
    double y = ((const LimTradeoffPoint *)b)->threshold;

    return (x > y) - (x < y);
}

/* The place of a threshold on the curve, straight between its neighbours; NaN: outside. */
static double
position_of(const Curve *c, double threshold)
{
    for (int i = 0; i < c->n; i++) {
        double here = c->points[i].threshold;
        if (here == threshold)
            return i;
        if (here > threshold) {
            double before = i ? c->points[i - 1].threshold : (double)NAN;
            return i - 1 + (threshold - before) / (here - before);
        }
    }
    return NAN;
}

static double
threshold_at(const Curve *c, double position)
{
    int i = CLAMP((int)position, 0, c->n - 1), j = MIN(i + 1, c->n - 1);
    double a = c->points[i].threshold, b = c->points[j].threshold;

    return a + (position - i) * (b - a);
}

static int
get_fidelity(LimGenerateTradeoff *self)
{
    g_autoptr(GVariant) value = lim_form_row_dup_value(self->fidelity);

    return g_variant_get_int32(value);
}

static void
show_marker(LimGenerateTradeoff *self)
{
    LimGenerate *pane = lim_generate_of(GTK_WIDGET(self));
    double threshold = lim_generate_get_request(pane).threshold;
    g_autofree char *text = g_strdup_printf("threshold %.2f", threshold);

    lim_plot_set_marker(self->plot, 0, position_of(&self->curve, threshold), text);
}

static void
show_curve(LimGenerateTradeoff *self)
{
    static const char *const titles[] = {"Fidelity: density, 1 for real pictures",
                                         "Fidelity: precision (%)",
                                         "Fidelity: asked class recognised (%)"};
    int fidelity = get_fidelity(self);
    double unit = fidelity == DENSITY ? 1 : 100;
    LimPlotPoint points[MOST];
    char *labels[MOST];

    for (int i = 0; i < self->curve.n; i++) {
        const LimTradeoffPoint *p = &self->curve.points[i];
        double v[] = {p->density, p->fidelity, p->asked};
        double low[] = {p->density_low, p->fidelity_low, p->asked_low};
        double high[] = {p->density_high, p->fidelity_high, p->asked_high};
        points[i] = (LimPlotPoint){.x = p->variety,
                                   .x_minus = p->variety - p->variety_low,
                                   .x_plus = p->variety_high - p->variety,
                                   .y = unit * v[fidelity],
                                   .y_minus = unit * (v[fidelity] - low[fidelity]),
                                   .y_plus = unit * (high[fidelity] - v[fidelity])};
        labels[i] = g_strdup_printf("threshold %g", p->threshold);
    }
    lim_plot_set_axis(self->plot, GTK_ORIENTATION_VERTICAL, titles[fidelity], FALSE);
    lim_plot_set_points(self->plot, 0, points, self->curve.n, (const char *const *)labels);
    for (int i = 0; i < self->curve.n; i++)
        g_free(labels[i]);
    show_marker(self);
}

/* Who measured, against what, with how many. */
static void
show_note(LimGenerateTradeoff *self)
{
    LimGenerate *pane = lim_generate_of(GTK_WIDGET(self));
    LimSampleRequest plain = {0}, r = lim_generate_get_request(pane);
    const LimParamSpec *samples =
        lim_schema_at(lim_tradeoff_schema, offsetof(LimTradeoffSettings, samples));
    GString *text = g_string_new(NULL);

    g_string_append(text, "Each point is one threshold. To the left the latents are held together: "
                          "alike and typical. To the right they are let loose: varied, less "
                          "typical. Drag along the curve to set the threshold.");
    if (self->curve.n) { /* then the judge is there */
        const LimFeatures *real = lim_judge_real(self->judge);
        g_autofree char *name = g_path_get_basename(lim_judge_path(self->judge));
        g_string_append_printf(text,
                               " %d samples each, seen by %s and compared with %d real pictures "
                               "(%s, %s).",
                               (int)samples->def, name, real->n, real->name, real->split);
    }
    /* With maps below, a small window has no room for words. */
    gtk_widget_set_visible(self->note, !lim_generate_shows_maps(pane));
    plain.count = r.count;
    plain.label = r.label;
    plain.seed = r.seed;
    plain.threshold = r.threshold;
    plain.truncation = r.truncation;
    plain.blend_label = -1;
    if (!lim_sample_equal(&plain, &r))
        g_string_append(text, " Blend, walk and layers are left out.");
    gtk_label_set_text(GTK_LABEL(self->note), text->str);
    g_string_free(text, TRUE);
}

static void
take_points(LimGenerateTradeoff *self, const LimTradeoffPoint *points, int n)
{
    if (n == self->curve.n)
        return;
    self->curve.n = n;
    memcpy(self->curve.points, points, (gsize)n * sizeof *points);
    qsort(self->curve.points, (size_t)n, sizeof *points, by_threshold);
    show_curve(self);
    show_note(self);
}

static LimGenerateTradeoff *
target(LimTarget *t)
{
    LimGenerateTradeoff *self = g_weak_ref_get(&t->object);

    if (self && (t->serial != self->serial || !lim_generate_of(GTK_WIDGET(self))))
        g_clear_object(&self);
    return self;
}

static void
measured_some(void *data, const LimProgress *progress, LimTensor *preview)
{
    g_autoptr(LimGenerateTradeoff) self = target(data);
    int n;

    if (!self)
        return;
    const LimTradeoffPoint *points = lim_tradeoff_preview_points(preview, &n);
    if (points)
        take_points(self, points, n);
    lim_plot_set_progress(self->plot, MAX(progress->fraction, 0));
}

static void
measured(void *data, LimTask *task, LimStatus status, const LimError *err, const LimTiming *timing)
{
    g_autoptr(LimGenerateTradeoff) self = target(data);

    if (!self || status == LIM_CANCELLED)
        return;
    self->ticket = 0;
    lim_plot_set_progress(self->plot, 1);
    if (status != LIM_OK) {
        g_autofree char *text = g_strdup_printf("Cannot be measured: %s", err->text);
        lim_plot_set_empty_text(self->plot, text);
        return;
    }
    int n;
    const LimTradeoffPoint *points = lim_tradeoff_points(((MeasureTask *)task)->tradeoff, &n);
    take_points(self, points, n);
    g_array_append_val(self->done, self->curve);
}

static LimWorker *
worker_of(LimGenerate *pane)
{
    return lim_session_get_worker(lim_pane_get_session(LIM_PANE(pane)));
}

static void
start(LimGenerateTradeoff *self, LimGenerate *pane, LimModel *model)
{
    static const LimTaskClass klass = {"measure the trade-off", measure_step, measure_preview,
                                       measure_free};
    MeasureTask *task = lim_alloc(1, sizeof *task);

    task->base.klass = &klass;
    task->model = lim_model_ref(model);
    task->judge = lim_judge_ref(self->judge);
    lim_params_init(lim_tradeoff_schema, &task->settings);
    task->settings.label = self->curve.label;
    task->settings.truncation = self->curve.truncation;
    lim_plot_set_empty_text(self->plot, "Fills in while nothing else is computed");
    lim_plot_set_progress(self->plot, 0);
    self->ticket = lim_worker_submit(worker_of(pane), &task->base, LIM_LANE_IDLE, 0, 100,
                                     (LimTaskEvents){.progress = measured_some,
                                                     .done = measured,
                                                     .drop = lim_target_free,
                                                     .data = lim_target_new(self, self->serial)});
}

static void
update(LimGeneratePart *part)
{
    LimGenerateTradeoff *self = LIM_GENERATE_TRADEOFF(part);
    LimGenerate *pane = lim_generate_of(GTK_WIDGET(part));
    LimModel *model = lim_generate_get_model(pane);
    LimSampleRequest r = lim_generate_get_request(pane);

    if (model == self->model && r.label == self->curve.label &&
        r.truncation == self->curve.truncation) {
        show_marker(self);
        show_note(self);
        return;
    }
    if (self->ticket)
        lim_worker_cancel(worker_of(pane), self->ticket);
    self->ticket = 0;
    self->serial++;
    if (model != self->model)
        g_array_set_size(self->done, 0);
    self->model = model;
    self->curve = (Curve){.label = r.label, .truncation = r.truncation};
    for (guint i = 0; i < self->done->len; i++) {
        const Curve *c = &g_array_index(self->done, Curve, i);
        if (c->label == r.label && c->truncation == r.truncation)
            self->curve = *c;
    }
    if (self->curve.n)
        lim_plot_set_progress(self->plot, 1);
    else
        start(self, pane, model);
    show_curve(self);
    show_note(self);
}

/* ---- moving along the curve moves the slider ---- */

static LimFormRow *
threshold_row(LimGenerateTradeoff *self)
{
    return lim_generate_form_row(lim_generate_get_form(lim_generate_of(GTK_WIDGET(self))),
                                 offsetof(LimSampleRequest, threshold));
}

static void
set_threshold(LimGenerateTradeoff *self, LimFormRow *row, double position)
{
    double at = round(100 * threshold_at(&self->curve, position)) / 100; /* as the slider does */

    gtk_range_set_value(GTK_RANGE(lim_slider_row_get_scale(LIM_SLIDER_ROW(row))), at);
}

static void
dragged(LimGenerateTradeoff *self, int series, double position)
{
    LimFormRow *row = threshold_row(self);

    if (!lim_form_row_get_dragging(row))
        lim_form_row_begin_drag(row);
    set_threshold(self, row, position);
}

static void
activated(LimGenerateTradeoff *self, int series, double position)
{
    LimFormRow *row = threshold_row(self);

    dragged(self, series, position);
    lim_form_row_end_drag(row);
}

static void
cancelled(LimGenerateTradeoff *self)
{
    lim_form_row_revert_drag(threshold_row(self));
}

/* ---- what undo restores ---- */

static void
fidelity_settled(LimGenerateTradeoff *self)
{
    LimGenerate *pane = lim_generate_of(GTK_WIDGET(self));

    if (pane)
        lim_generate_settle(pane);
}

static void
fidelity_changed(LimGenerateTradeoff *self)
{
    if (lim_generate_of(GTK_WIDGET(self)))
        show_curve(self);
}

static GVariant *
get_state(LimGeneratePart *part)
{
    return lim_form_row_dup_settled(LIM_GENERATE_TRADEOFF(part)->fidelity);
}

static void
set_state(LimGeneratePart *part, GVariant *state)
{
    lim_form_row_set_value(LIM_GENERATE_TRADEOFF(part)->fidelity, state);
}

static void
dispose(GObject *object)
{
    LimGenerateTradeoff *self = LIM_GENERATE_TRADEOFF(object);
    LimGenerate *pane = lim_generate_of(GTK_WIDGET(self));

    if (self->ticket && pane)
        lim_worker_cancel(worker_of(pane), self->ticket);
    self->ticket = 0;
    G_OBJECT_CLASS(lim_generate_tradeoff_parent_class)->dispose(object);
}

static void
finalize(GObject *object)
{
    LimGenerateTradeoff *self = LIM_GENERATE_TRADEOFF(object);

    lim_judge_unref(self->judge);
    g_array_unref(self->done);
    G_OBJECT_CLASS(lim_generate_tradeoff_parent_class)->finalize(object);
}

static void
lim_generate_tradeoff_class_init(LimGenerateTradeoffClass *klass)
{
    LimGeneratePartClass *part_class = LIM_GENERATE_PART_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = dispose;
    G_OBJECT_CLASS(klass)->finalize = finalize;
    part_class->update = update;
    part_class->get_state = get_state;
    part_class->set_state = set_state;
}

static void
lim_generate_tradeoff_init(LimGenerateTradeoff *self)
{
    static const char *const measures[] = {"Density", "Precision", "Asked class", NULL};
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);
    GtkWidget *title = gtk_label_new("Fidelity against variety");
    g_autofree char *classifier = lim_session_dup_model_path("fashion-classifier.safetensors");
    g_autofree char *features = lim_session_dup_model_path("fashion-features.safetensors");

    self->judge = lim_judge_new(classifier, features);
    self->done = g_array_new(FALSE, FALSE, sizeof(Curve));
    gtk_widget_add_css_class(title, "part-title");
    gtk_label_set_xalign(GTK_LABEL(title), 0);

    self->plot = LIM_PLOT(lim_plot_new("Fidelity against variety"));
    lim_plot_set_axis(self->plot, GTK_ORIENTATION_HORIZONTAL, "Variety, 1 for real pictures",
                      FALSE);
    lim_plot_add_series(self->plot, "Truncation thresholds",
                        LIM_PLOT_LINE | LIM_PLOT_POINTS | LIM_PLOT_DRAG);
    g_signal_connect_object(self->plot, "point-dragged", G_CALLBACK(dragged), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->plot, "point-activated", G_CALLBACK(activated), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->plot, "drag-cancelled", G_CALLBACK(cancelled), self,
                            G_CONNECT_SWAPPED);

    self->fidelity = LIM_FORM_ROW(
        lim_choice_row_new("fidelity", "Fidelity measure",
                           "Density: how thickly real pictures lie around a sample. Precision: the "
                           "share of samples that lie near some real picture. Asked class: the "
                           "share in which the classifier sees the class that was asked for.",
                           measures, NULL, DENSITY));
    g_signal_connect_object(self->fidelity, "changed", G_CALLBACK(fidelity_changed), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->fidelity, "settled", G_CALLBACK(fidelity_settled), self,
                            G_CONNECT_SWAPPED);

    self->note = gtk_label_new(NULL);
    gtk_label_set_wrap(GTK_LABEL(self->note), TRUE);
    gtk_label_set_xalign(GTK_LABEL(self->note), 0);
    gtk_label_set_max_width_chars(GTK_LABEL(self->note), 34);
    gtk_widget_add_css_class(self->note, "dim-label");

    gtk_box_append(GTK_BOX(box), title);
    gtk_box_append(GTK_BOX(box), GTK_WIDGET(self->plot));
    gtk_box_append(GTK_BOX(box), GTK_WIDGET(self->fidelity));
    gtk_box_append(GTK_BOX(box), self->note);
    lim_generate_part_set_child(LIM_GENERATE_PART(self), box);
    gtk_accessible_update_property(GTK_ACCESSIBLE(self), GTK_ACCESSIBLE_PROPERTY_LABEL, "Trade-off",
                                   -1);
}
