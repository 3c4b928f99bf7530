/* Attack: one picture, one classifier, one attack, every step of it.
 *
 * A change of the settings begins another attack at once; going on with it is a long job that
 * appends to the recording, and what is shown follows it like a film that is still being shot.
 * Pausing cancels the job and keeps the attack: playing or stepping goes on where it was. */
#include "panes/attack/attack.h"

#include "attacks/boundary.h"
#include "file-choice.h"
#include "panes/attack/form.h"
#include "panes/attack/page.h"
#include "schema-form.h"
#include "shipped.h"
#include "widgets/lim-explain.h"
#include "widgets/lim-text-row.h"

#include <math.h>
#include <stdlib.h>

/* Below the pictures, in the order of the switcher; the first is shown at start. */
static const struct {
    const char *name, *title;
    GType (*type)(void); /* of a LimAttackPage; NULL: the timeline */
} pages[] = {
    {"timeline", "Timeline", NULL},
    {"slice", "Slice", lim_attack_slice_get_type},
    {"race", "Race", lim_attack_race_get_type},
    {"ruler", "Ruler", lim_attack_ruler_get_type},
    {"layers", "Layers", lim_attack_layers_get_type},
};

#define BOTTOM 190 /* least height of the pages */

/* Attacks that were shown before stay as they were for when they are wanted again. */
#define KEPT_MAX    8
#define KEPT_FRAMES 32          /* shorter ones are made again at once */
#define KEPT_BYTES  (256 << 20) /* all together */

struct _LimAttackPane {
    LimFormPane parent_instance;
    LimForm *form;
    LimAttackView *view;
    LimTransport *transport;
    LimTimeline *timeline;
    GtkWidget *restart; /* button */
    GtkWidget *verdict;
    LimExplain *explain;
    GtkWidget *pages; /* GtkStack */
    LimStatusLine *status;

    LimBench *bench;
    gboolean listed;           /* the classifiers were asked for */
    const char *const *models; /* [n_models], of the bench */
    int n_models;
    const char *const *denoisers; /* [n_denoisers], of the bench */
    int n_denoisers;
    LimOwnPicture own;
    GVariant *asked; /* by somebody, before the classifiers were listed; or NULL */
    guint tick;

    LimAttackPlan posted; /* the last that was begun */
    gboolean any_posted;
    guint64 serial; /* of beginnings */
    LimAttackRun *run;
    GPtrArray *kept;   /* of LimAttackRun, the latest last */
    guint ways;        /* of restarts that were tried */
    gboolean stepping; /* the job makes one step, which is then shown */
    int shown;         /* frame, -1: none */
    int judged;        /* frame that words and bars belong to, -1: none */
    int wanted;        /* frame to go to once another attack is shown; -1: its last */

    GdkFrameClock *clock; /* until the next frame has been painted, or NULL */
    gulong paint_handler;
    LimTiming timing;
    gint64 finished;
};

enum { PROP_CURRENT = 1, N_PROPS };
static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE(LimAttackPane, lim_attack_pane, LIM_TYPE_FORM_PANE)

static LimWorker *
worker_of(LimAttackPane *self)
{
    return lim_session_get_worker(lim_pane_get_session(LIM_PANE(self)));
}

LimAttackRun *
lim_attack_pane_get_run(LimAttackPane *self)
{
    return self->run;
}

LimTransport *
lim_attack_pane_get_transport(LimAttackPane *self)
{
    return self->transport;
}

LimTimeline *
lim_attack_pane_get_timeline(LimAttackPane *self)
{
    return self->timeline;
}

const char *
lim_attack_pane_get_verdict(LimAttackPane *self)
{
    return gtk_label_get_text(GTK_LABEL(self->verdict));
}

gboolean
lim_attack_pane_get_current(LimAttackPane *self)
{
    return self->run && !self->tick && !lim_form_pane_goes_on(LIM_FORM_PANE(self)) &&
           !lim_transport_get_playing(self->transport) && self->judged == self->shown &&
           lim_attack_plan_equal(lim_attack_run_plan(self->run), &self->posted);
}

/* ---- what is shown ---- */

static char *
dup_said(LimAttackRun *run, const LimJudged *j)
{
    if (j->label < 0)
        return g_strdup("was not asked");
    if (!j->probability)
        return g_strdup(lim_attack_run_class_name(run, j->label));
    return g_strdup_printf("%s (%.0f %%)", lim_attack_run_class_name(run, j->label),
                           100 * (double)j->probability[j->label]);
}

/* What is left of an attack behind the denoiser that it did not know of; NULL: there is none. */
static char *
dup_denoised(const LimLookTask *look)
{
    if (!look->picture)
        return NULL;
    g_autofree char *said = dup_said(look->run, &look->denoised);
    if (look->denoised.fools)
        return g_strdup_printf(" ✔ Fools behind the denoiser too: %s.", said);
    if (look->denoised.label == lim_attack_run_right(look->run))
        return g_strdup_printf(" ✘ Denoised: %s, right.", said);
    return g_strdup_printf(" ✘ Denoised: %s.", said);
}

static char *
dup_verdict(const LimLookTask *look)
{
    LimAttackRun *run = look->run;
    const gboolean through = look->picture && lim_attack_run_plan(run)->setup.through;
    const LimJudged *judged = through ? &look->denoised : &look->as_is;
    const char *whose = lim_attack_run_external(run) ? "program" : "classifier";
    const char *who = through                        ? "denoiser and classifier"
                      : lim_attack_run_external(run) ? "the program"
                                                     : "the classifier";
    const int target = lim_attack_run_plan(run)->setup.target;
    const LimAttackStatus status = lim_attack_run_status(run);
    const char *right = lim_attack_run_class_name(run, lim_attack_run_right(run));
    g_autofree char *said = dup_said(run, judged);
    g_autofree char *denoised = through ? NULL : dup_denoised(look);
    g_autofree char *rounded = dup_said(run, &look->rounded);

    if (status == LIM_ATTACK_ALREADY)
        return target >= 0
                   ? g_strdup_printf("● Already classified as %s: there is nothing to attack.",
                                     said)
                   : g_strdup_printf("● Already misclassified: the %s says %s of the clean "
                                     "picture, which is labelled %s.",
                                     whose, said, right);
    if (judged->fools && denoised)
        return g_strdup_printf("✔ Fools the classifier: %s, not %s.%s", said, right, denoised);
    if (judged->fools) {
        g_autoptr(GString) text = g_string_new(NULL);
        g_string_printf(text, "✔ Fools %s: %s, not %s. Rounded to 8 bit: ", who, said, right);
        const LimNearest8 near = lim_attack_run_nearest8(run);
        if (look->rounded.fools)
            g_string_append(text, "yes.");
        else if (near.fools && look->frame == lim_recording_n(lim_attack_run_recording(run)) - 1)
            g_string_append_printf(text, "%s. Searched in 8 bit: l2 %.4f.",
                                   look->rounded.label < 0 ? "not asked" : "no", near.l2);
        else if (look->rounded.label < 0)
            g_string_append(text, "not asked.");
        else
            g_string_append_printf(text, "no, %s.", rounded);
        return g_string_free(g_steal_pointer(&text), FALSE);
    }
    const char *says = through                        ? "denoised, the classifier says"
                       : lim_attack_run_external(run) ? "the program says"
                                                      : "the classifier says";
    if (!lim_attack_run_ended(run) || look->frame == 0)
        return g_strdup_printf("○ Does not fool: %s %s.", says, said);
    if (status == LIM_ATTACK_NO_START)
        return g_strdup_printf(
            "✘ No start: no picture on the other side of the boundary was found. "
            "The %s says %s.",
            whose, said);
    if (status == LIM_ATTACK_FAILED && lim_attack_plan_spare(lim_attack_run_plan(run)) < 1) {
        const LimAttackSetup *setup = &lim_attack_run_plan(run)->setup;
        return g_strdup_printf("✘ Not tried: of the budget of %d queries, the 8-bit search keeps "
                               "%d and the checks take %d. Raise the query budget or lower the "
                               "8-bit search.",
                               setup->queries, setup->lattice, LIM_ATTACK_CHECKS);
    }
    if (status == LIM_ATTACK_FOOLED) /* a step before the first that fooled */
        return g_strdup_printf("○ Does not fool yet: %s %s.", says, said);
    return g_strdup_printf("✘ Best try, does not fool: %s %s.", says, said);
}

/* ---- how long it took ---- */

static void
forget_paint(LimAttackPane *self)
{
    /* A clock whose window is gone has dropped its handlers already. */
    if (self->clock && g_signal_handler_is_connected(self->clock, self->paint_handler))
        g_signal_handler_disconnect(self->clock, self->paint_handler);
    g_clear_object(&self->clock);
}

static void
painted(LimAttackPane *self)
{
    forget_paint(self);
    lim_status_line_set_timing(self->status, self->timing.queued_ms, self->timing.ran_ms,
                               (double)(g_get_monotonic_time() - self->finished) / 1000);
}

static void
watch_paint(LimAttackPane *self, const LimTiming *timing)
{
    GdkFrameClock *clock = gtk_widget_get_frame_clock(GTK_WIDGET(self));

    forget_paint(self);
    self->timing = *timing;
    self->finished = g_get_monotonic_time();
    if (!clock)
        return;
    self->clock = g_object_ref(clock);
    self->paint_handler = g_signal_connect_swapped(clock, "after-paint", G_CALLBACK(painted), self);
}

static void
looked(void *data, LimTask *t, LimStatus status, const LimError *err, const LimTiming *timing)
{
    g_autoptr(LimAttackPane) self = g_weak_ref_get(&((LimTarget *)data)->object);
    const LimLookTask *look = (const LimLookTask *)t;

    if (!self || status != LIM_OK || look->run != self->run)
        return;
    lim_attack_view_judge(self->view, look);
    g_autofree char *verdict = dup_verdict(look);
    gtk_label_set_text(GTK_LABEL(self->verdict), verdict);
    self->judged = look->frame;
    watch_paint(self, timing);
}

static void
ask(LimAttackPane *self)
{
    if (!self->run || self->shown < 0)
        return;
    self->judged = -1;
    lim_worker_submit(worker_of(self), lim_look_task_new(self->run, self->shown), LIM_LANE_LIVE,
                      LIM_ATTACK_SLOT_LOOK, 0,
                      (LimTaskEvents){.done = looked,
                                      .drop = lim_target_free,
                                      .data = lim_target_new(self, 0)});
}

static void
show_page(LimAttackPane *self)
{
    GtkWidget *page = gtk_stack_get_visible_child(GTK_STACK(self->pages));

    if (self->run && self->shown >= 0 && page && LIM_IS_ATTACK_PAGE(page))
        lim_attack_page_show(LIM_ATTACK_PAGE(page), self->run, self->shown);
}

static GAction *
action(LimAttackPane *self, const char *name)
{
    return g_action_map_lookup_action(lim_pane_get_actions(LIM_PANE(self)), name);
}

static void
show_position(LimAttackPane *self)
{
    const LimRecording *r = lim_attack_run_recording(self->run);
    const LimFrame *f = lim_recording_frame(r, self->shown);
    g_autofree char *gradients =
        f->gradients ? g_strdup_printf("   gradients %d", (int)f->gradients) : g_strdup("");
    g_autofree char *text = g_strdup_printf("step %d of %d   query %d%s", self->shown,
                                            lim_recording_n(r) - 1, (int)f->queries, gradients);
    int n;
    const int step = lim_attack_run_step(self->run, self->shown, &n);

    lim_transport_set_text(self->transport, text);
    g_simple_action_set_enabled(G_SIMPLE_ACTION(action(self, "restart")),
                                step >= 0 && step < n - 1);
}

/* A frame, at once: its picture, its place on the timeline. */
static void
show_frame(LimAttackPane *self, int frame)
{
    if (!self->run || frame < 0)
        return;
    const LimRecording *r = lim_attack_run_recording(self->run);
    frame = MIN(frame, lim_recording_n(r) - 1);
    if (frame != self->shown) {
        self->shown = frame;
        lim_attack_view_show(self->view, self->run, lim_recording_picture(r, frame));
        lim_timeline_set_step(self->timeline, frame);
        ask(self);
        show_page(self);
    }
    show_position(self);
}

static void
describe(LimAttackPane *self)
{
    const LimAttackPlan *plan = lim_attack_run_plan(self->run);
    g_autofree char *model = lim_model_file_label(lim_attack_run_model(self->run));
    g_autofree char *status =
        g_strdup_printf("%s on %s, %s, seed %" G_GUINT64_FORMAT, plan->method->label, model,
                        lim_attack_run_what(self->run), plan->setup.seed);

    lim_status_line_set_text(self->status, status);
}

/* Frames that the worker has added since. */
static void
pull(LimAttackPane *self)
{
    const LimRecording *r = lim_attack_run_recording(self->run);
    const int n = lim_recording_n(r), have = lim_timeline_get_n(self->timeline);

    if (n > have) {
        g_autofree LimTimelineStep *steps = g_new(LimTimelineStep, n - have);
        for (int i = have; i < n; i++) {
            const LimFrame *f = lim_recording_frame(r, i);
            steps[i - have] =
                (LimTimelineStep){.query = (double)f->queries,
                                  .distance = f->distance > 0 ? f->distance : (double)NAN,
                                  .size = {f->size[0], f->size[1]},
                                  .rate = {f->rate[0], f->rate[1]},
                                  .proposal = f->proposal,
                                  .accepted = f->accepted};
        }
        lim_timeline_append(self->timeline, steps, n - have);
    }
    lim_transport_set_extent(self->transport, n - 1, !lim_attack_run_ended(self->run));
    if (self->shown >= 0)
        show_position(self);
    describe(self);
}

/* ---- going on ---- */

/* Drawing the curves takes time that grows with them: two hundredths more are worth it. */
static gboolean
worth_drawing(LimAttackPane *self)
{
    const int n = lim_recording_n(lim_attack_run_recording(self->run));
    return n - lim_timeline_get_n(self->timeline) > n / 50;
}

static void
progressed(LimFormPane *pane)
{
    LimAttackPane *self = LIM_ATTACK_PANE(pane);

    if (self->run && worth_drawing(self))
        pull(self);
}

static void
stopped(LimFormPane *pane, LimStatus status)
{
    LimAttackPane *self = LIM_ATTACK_PANE(pane);

    if (self->run)
        pull(self);
    if (status != LIM_OK && status != LIM_CANCELLED)
        lim_transport_set_playing(self->transport, FALSE);
    if (self->stepping)
        lim_transport_move(self->transport, lim_timeline_get_n(self->timeline) - 1);
    self->stepping = FALSE;
    if (self->run && lim_attack_run_ended(self->run))
        ask(self); /* "best try" is known only now */
}

static void
halt(LimAttackPane *self)
{
    lim_form_pane_halt(LIM_FORM_PANE(self));
    self->stepping = FALSE;
}

static void
go_on(LimAttackPane *self, int frames, gboolean accepted)
{
    if (!self->run || lim_attack_run_ended(self->run))
        return;
    self->stepping = FALSE;
    lim_form_pane_go_on(LIM_FORM_PANE(self), lim_advance_task_new(self->run, frames, accepted));
}

static void
playing_changed(LimAttackPane *self)
{
    if (lim_transport_get_playing(self->transport))
        go_on(self, G_MAXINT, FALSE);
    else if (!self->stepping)
        halt(self);
    if (self->run)
        pull(self);
}

static void
step_wanted(LimAttackPane *self)
{
    if (!self->run)
        return;
    go_on(self, lim_recording_n(lim_attack_run_recording(self->run)) + 1, FALSE);
    self->stepping = lim_form_pane_goes_on(LIM_FORM_PANE(self));
}

static void
accepted_wanted(LimAttackPane *self, int direction)
{
    if (!self->run)
        return;
    const LimRecording *r = lim_attack_run_recording(self->run);
    const int n = lim_recording_n(r);
    for (int i = self->shown + direction; i >= 0 && i < n; i += direction)
        if (lim_recording_frame(r, i)->accepted) {
            lim_transport_move(self->transport, i);
            return;
        }
    if (direction > 0 && !lim_attack_run_ended(self->run)) {
        go_on(self, G_MAXINT, TRUE);
        self->stepping = lim_form_pane_goes_on(LIM_FORM_PANE(self));
    } else {
        lim_transport_move(self->transport, direction > 0 ? n - 1 : 0);
    }
}

static void
timeline_dragged(LimAttackPane *self, int step)
{
    lim_transport_set_playing(self->transport, FALSE);
    lim_transport_move(self->transport, step);
}

/* ---- from settings to an attack ---- */

/* What was shown until now can come back. */
static void
keep(LimAttackPane *self)
{
    size_t bytes = 0;

    if (!self->run)
        return;
    if (lim_recording_n(lim_attack_run_recording(self->run)) < KEPT_FRAMES)
        lim_attack_run_unref(self->run);
    else
        g_ptr_array_add(self->kept, self->run);
    self->run = NULL;
    for (guint i = 0; i < self->kept->len; i++)
        bytes += lim_attack_run_bytes(g_ptr_array_index(self->kept, i));
    while (self->kept->len > KEPT_MAX || (self->kept->len > 1 && bytes > KEPT_BYTES)) {
        bytes -= lim_attack_run_bytes(g_ptr_array_index(self->kept, 0));
        g_ptr_array_remove_index(self->kept, 0);
    }
}

/* The attack of that plan, if it is still there; a full reference. */
static LimAttackRun *
take_kept(LimAttackPane *self, const LimAttackPlan *plan)
{
    for (guint i = 0; i < self->kept->len; i++) {
        LimAttackRun *run = g_ptr_array_index(self->kept, i);
        if (!lim_attack_plan_equal(lim_attack_run_plan(run), plan))
            continue;
        lim_attack_run_ref(run);
        g_ptr_array_remove_index(self->kept, i);
        return run;
    }
    return NULL;
}

/* Takes the reference. */
static void
show_run(LimAttackPane *self, LimAttackRun *run)
{
    halt(self);
    keep(self);
    self->run = run;
    self->shown = self->judged = -1;
    lim_form_pane_show_view(LIM_FORM_PANE(self));
    lim_attack_form_set_classes(self->form, self->run);
    lim_attack_view_begin(self->view, self->run);
    gtk_widget_set_visible(self->restart,
                           lim_attack_plan_restarts(lim_attack_run_plan(run)) != NULL);
    lim_timeline_clear(self->timeline);
    lim_timeline_set_budget(self->timeline, lim_attack_run_plan(self->run)->setup.queries);
    lim_timeline_set_distance_name(self->timeline, lim_attack_run_norm(self->run) == LIM_NORM_L2
                                                       ? "l2 distance"
                                                       : "l∞ distance");
    lim_transport_set_extent(self->transport, -1, FALSE);
    pull(self);
}

static void
begun(void *data, LimTask *t, LimStatus status, const LimError *err, const LimTiming *timing)
{
    LimTarget *target = data;
    g_autoptr(LimAttackPane) self = g_weak_ref_get(&target->object);

    if (!self || target->serial != self->serial || status == LIM_CANCELLED)
        return;
    if (status != LIM_OK) {
        lim_form_pane_show_message(LIM_FORM_PANE(self), "This attack cannot be made", err->text,
                                   NULL, NULL);
        return;
    }
    show_run(self, lim_begin_task_steal(t));
    show_frame(self, 0);
    lim_transport_set_playing(self->transport, FALSE);
    lim_transport_follow(self->transport);
}

static gboolean
tick(GtkWidget *widget, GdkFrameClock *clock, gpointer data)
{
    LimAttackPane *self = LIM_ATTACK_PANE(widget);
    LimAttackPlan plan = {.own = self->own};

    self->tick = 0;
    lim_attack_form_read(self->form, &plan);
    if (plan.setup.model < self->n_models)
        plan.model = (char *)self->models[plan.setup.model];
    if (plan.setup.denoiser == LIM_ATTACK_FILE)
        plan.denoiser = plan.setup.denoiser_file;
    else if (plan.setup.denoiser > 0 && plan.setup.denoiser <= self->n_denoisers)
        plan.denoiser = (char *)self->denoisers[plan.setup.denoiser - 1];
    if (self->any_posted && lim_attack_plan_equal(&plan, &self->posted)) {
        free(plan.params);
        return G_SOURCE_REMOVE;
    }
    if (self->any_posted)
        lim_attack_plan_clear(&self->posted);
    lim_attack_plan_copy(&self->posted, &plan);
    self->any_posted = TRUE;
    self->serial++; /* whatever is still being begun is not wanted any more */
    LimAttackRun *kept = take_kept(self, &plan);
    if (kept) {
        const int wanted = self->wanted;
        show_run(self, kept);
        lim_transport_move(self->transport,
                           wanted >= 0 ? wanted : lim_timeline_get_n(self->timeline) - 1);
        lim_transport_set_playing(self->transport, FALSE);
        if (!lim_attack_run_ended(kept) && wanted < 0)
            lim_transport_follow(self->transport);
        self->wanted = -1;
        free(plan.params);
        return G_SOURCE_REMOVE;
    }
    self->wanted = -1;
    lim_worker_submit(worker_of(self), lim_begin_task_new(self->bench, &plan, self->run),
                      LIM_LANE_LIVE, LIM_ATTACK_SLOT_BEGIN, 0,
                      (LimTaskEvents){.done = begun,
                                      .drop = lim_target_free,
                                      .data = lim_target_new(self, self->serial)});
    free(plan.params);
    return G_SOURCE_REMOVE;
}

/* Nothing is computed for a view that was never seen. */
static void
update_soon(LimAttackPane *self)
{
    if (!self->tick && self->models)
        self->tick = gtk_widget_add_tick_callback(GTK_WIDGET(self), tick, NULL, NULL);
}

static void list_models(LimAttackPane *self);

/* Settings that come with a picture or a file: one step of undo. */
static void
set_source(LimAttackPane *self, GVariant *values)
{
    if (!self->models) { /* what the last session had comes first */
        g_clear_pointer(&self->asked, g_variant_unref);
        self->asked = g_variant_ref_sink(values);
        list_models(self);
        return;
    }
    lim_form_set_values(self->form, values);
    lim_form_pane_settle(
        LIM_FORM_PANE(self)); /* one step: Ctrl+Z brings the former settings back */
    update_soon(self);
}

static void
listed(void *data, LimTask *t, LimStatus status, const LimError *err, const LimTiming *timing)
{
    g_autoptr(LimAttackPane) self = g_weak_ref_get(&((LimTarget *)data)->object);
    const LimListTask *list = (const LimListTask *)t;

    if (!self || status != LIM_OK)
        return;
    self->models = list->paths;
    self->n_models = list->n;
    lim_attack_form_set_models(self->form, list->paths, list->n);
    self->denoisers = list->denoisers;
    self->n_denoisers = list->n_denoisers;
    lim_attack_form_set_denoisers(self->form, list->denoisers, list->n_denoisers);
    lim_form_pane_resume(LIM_FORM_PANE(self));
    if (self->asked) {
        g_autoptr(GVariant) asked = g_steal_pointer(&self->asked);
        set_source(self, asked);
    }
    update_soon(self);
}

/* Once, before anything that needs to know what there is. */
static void
list_models(LimAttackPane *self)
{
    if (self->listed)
        return;
    self->listed = TRUE;
    lim_worker_submit(worker_of(self), lim_list_task_new(self->bench), LIM_LANE_LONG, 0, 0,
                      (LimTaskEvents){.done = listed,
                                      .drop = lim_target_free,
                                      .data = lim_target_new(self, 0)});
}

static void
map(GtkWidget *widget)
{
    GTK_WIDGET_CLASS(lim_attack_pane_parent_class)->map(widget);
    list_models(LIM_ATTACK_PANE(widget));
}

static void
changed(LimFormPane *pane)
{
    LimAttackPane *self = LIM_ATTACK_PANE(pane);

    lim_attack_form_arrange(self->form);
    update_soon(self);
}

/* Another way from the step that is shown. */
static void
do_restart(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    LimAttackPane *self = data;
    LimError err = LIM_ERROR_INIT;
    char restarts[LIM_TEXT_MAX];
    int n;

    if (!self->run || self->shown < 0)
        return;
    const int step = lim_attack_run_step(self->run, self->shown, &n);
    lim_form_flush(self->form);
    lim_transport_set_playing(self->transport, FALSE);
    if (step < 0 ||
        lim_boundary_add_restart(lim_attack_plan_restarts(lim_attack_run_plan(self->run)), step,
                                 self->ways + 1, restarts, &err) != LIM_OK) {
        lim_status_line_flash(self->status, err.text);
        return;
    }
    self->ways++;
    lim_attack_form_set_restarts(self->form, restarts);
    lim_form_pane_settle(LIM_FORM_PANE(self));
    g_autofree char *text = g_strdup_printf(
        "Restarted from step %d, another way; Ctrl+Z brings the former recording back",
        self->shown);
    lim_status_line_flash(self->status, text);
}

/* A page points at a picture: of another attack, that one is shown, and the form is set to it. */
static void
picture_wanted(LimAttackPane *self, LimAttackRun *run, int frame)
{
    const LimAttackPlan *plan = lim_attack_run_plan(run);

    lim_transport_set_playing(self->transport, FALSE);
    if (self->run && lim_attack_plan_equal(plan, lim_attack_run_plan(self->run)) &&
        frame < lim_recording_n(lim_attack_run_recording(self->run))) {
        lim_transport_move(self->transport, frame);
        return;
    }
    lim_form_flush(self->form);
    g_ptr_array_add(self->kept, lim_attack_run_ref(run));
    self->wanted = frame;
    lim_attack_form_set_method(self->form, plan->method, plan->params);
    lim_form_pane_settle(LIM_FORM_PANE(self));
    update_soon(self);
}

/* ---- pictures from elsewhere ---- */

static void
take_file(LimAttackPane *self, const char *path)
{
    lim_form_flush(self->form);
    lim_own_clear(&self->own);
    self->own.path = lim_strdup(path);
    set_source(self, g_variant_new_parsed("{'source': <%i>}", LIM_ATTACK_OWN));
}

/* The settings of an attack that was exported; the classifier only when there is one of that
 * name. */
static void
take_settings(LimAttackPane *self, const LimAttackRead *read)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);
    const int model = lim_file_choice_find(self->models, self->n_models, read->model);
    const int denoiser = lim_file_choice_find(self->denoisers, self->n_denoisers, read->denoiser);
    const gboolean undefended = *read->denoiser && denoiser < 0;

    lim_form_flush(self->form);
    if (model >= 0)
        g_variant_dict_insert(&dict, "model", "i", model);
    g_variant_dict_insert(&dict, "denoiser", "i", denoiser + 1);
    g_variant_dict_insert(&dict, "through", "b", denoiser >= 0 && !read->oblivious);
    g_variant_dict_insert(&dict, "source", "i",
                          g_str_equal(read->from, "test") ? LIM_ATTACK_TEST : LIM_ATTACK_SAMPLES);
    g_variant_dict_insert(&dict, "picture", "i", (int)read->picture);
    g_variant_dict_insert(&dict, "target", "i", read->target);
    g_variant_dict_insert(&dict, "queries", "i", (int)read->queries);
    g_variant_dict_insert(&dict, "lattice", "i", (int)read->lattice);
    g_variant_dict_insert(&dict, "seed", "t", read->seed);
    lim_attack_form_set_method(self->form, read->klass, read->params);
    set_source(self, g_variant_dict_end(&dict));
    g_autofree char *text =
        model >= 0 && !undefended
            ? g_strdup("Settings restored from the picture")
            : g_strdup_printf("Settings restored; the attack was made on %s%s%s", read->model,
                              undefended ? " behind " : "", undefended ? read->denoiser : "");
    lim_status_line_flash(self->status, text);
}

static void
file_read(void *data, LimTask *t, LimStatus status, const LimError *err, const LimTiming *timing)
{
    g_autoptr(LimAttackPane) self = g_weak_ref_get(&((LimTarget *)data)->object);
    const LimReadTask *task = (const LimReadTask *)t;

    if (!self || status == LIM_CANCELLED)
        return;
    if (status == LIM_OK &&
        (g_str_equal(task->read.from, "test") || g_str_equal(task->read.from, "sample")))
        take_settings(self, &task->read);
    else
        take_file(self, task->path); /* a picture like any other */
}

static gboolean
open_file(LimPane *pane, const char *path)
{
    LimAttackPane *self = LIM_ATTACK_PANE(pane);

    list_models(self);
    lim_worker_submit(worker_of(self), lim_read_task_new(path), LIM_LANE_LONG, 0, 0,
                      (LimTaskEvents){.done = file_read,
                                      .drop = lim_target_free,
                                      .data = lim_target_new(self, 0)});
    return TRUE;
}

/* A denoiser becomes the defence. */
static gboolean
open_other(LimPane *pane, const char *holds, const char *path)
{
    LimAttackPane *self = LIM_ATTACK_PANE(pane);

    if (!g_str_equal(holds, "denoiser"))
        return FALSE;
    lim_form_flush(self->form);
    set_source(self, g_variant_new_parsed("{'denoiser': <%i>, 'denoiser-file': <%s>}",
                                          LIM_ATTACK_FILE, path));
    return TRUE;
}

/* ---- from one start to the next ---- */

static void
write_session(LimFormPane *pane, GVariantDict *session)
{
    LimAttackPane *self = LIM_ATTACK_PANE(pane);

    lim_file_choice_write(session, "model", 0, self->models, self->n_models);
    lim_file_choice_write(session, "denoiser", 1, self->denoisers, self->n_denoisers);
    if (self->own.path)
        g_variant_dict_insert(session, "own-file", "s", self->own.path);
}

/* What is not there any more is left out, and a program is not started before somebody asks. */
static void
read_session(LimFormPane *pane, GVariantDict *session)
{
    LimAttackPane *self = LIM_ATTACK_PANE(pane);
    const char *name;
    int source, denoiser;

    lim_file_choice_read(session, "model", 0, self->models, self->n_models);
    if (!g_variant_dict_lookup(session, "denoiser", "i", &denoiser) || denoiser != LIM_ATTACK_FILE)
        lim_file_choice_read(session, "denoiser", 1, self->denoisers, self->n_denoisers);
    if (!g_variant_dict_lookup(session, "source", "i", &source) || source != LIM_ATTACK_OWN)
        return;
    if (self->asked) /* there is another picture already */
        return;
    if (g_variant_dict_lookup(session, "own-file", "&s", &name) &&
        g_file_test(name, G_FILE_TEST_EXISTS)) {
        lim_own_clear(&self->own);
        self->own.path = lim_strdup(name);
    } else { /* a sample of the generator is gone */
        g_variant_dict_insert(session, "source", "i", LIM_ATTACK_SAMPLES);
    }
}

static void
take_picture(LimPane *pane, const LimPanePicture *p)
{
    LimAttackPane *self = LIM_ATTACK_PANE(pane);
    const int plane = p->w * p->h;

    lim_form_flush(self->form);
    lim_own_clear(&self->own);
    self->own = (LimOwnPicture){.c = p->c,
                                .h = p->h,
                                .w = p->w,
                                .index = p->index,
                                .seed = p->seed,
                                .flags = lim_strdup(p->flags)};
    g_autofree char *name = g_path_get_basename(p->from);
    self->own.from = lim_strdup(name);
    self->own.planes = lim_alloc((size_t)(plane * p->c), sizeof(float));
    for (int k = 0; k < p->c; k++)
        for (int i = 0; i < plane; i++)
            self->own.planes[k * plane + i] = (float)p->pixels[i * p->c + k] / 255;
    set_source(self,
               g_variant_new_parsed("{'source': <%i>, 'seed': <%t>}", LIM_ATTACK_OWN, p->seed));
}

/* ---- out of the window ---- */

/* The command that writes what "Export PNG" writes. */
static char *
dup_command(LimFormPane *pane, char **said)
{
    LimAttackPane *self = LIM_ATTACK_PANE(pane);

    if (!self->run)
        return NULL;
    const LimAttackPlan *plan = lim_attack_run_plan(self->run);
    const LimAttackSetup *s = &plan->setup;
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *model = g_shell_quote(
        lim_attack_run_external(self->run) ? self->models[0] : lim_attack_run_model(self->run));
    g_autofree char *flags =
        plan->method->schema ? lim_schema_flags(plan->method->schema, plan->params) : g_strdup("");

    if (s->source == LIM_ATTACK_OWN && !plan->own.path && plan->own.seed != s->seed) {
        *said = g_strdup_printf(
            "Not copied: limen-cli attacks a sample with the sample's own seed, %" G_GUINT64_FORMAT,
            plan->own.seed);
        return NULL;
    }
    *said = g_strdup("The command for this attack is on the clipboard");
    g_string_printf(text, "limen-cli attack %s --model %s", plan->method->name, model);
    if (plan->denoiser) {
        g_autofree char *denoiser = g_shell_quote(plan->denoiser);
        g_string_append_printf(text, " --denoiser %s%s", denoiser,
                               s->through ? "" : " --oblivious");
    }
    if (s->source == LIM_ATTACK_SAMPLES) {
        g_autofree char *folder = lim_shipped_samples();
        g_autofree char *quoted = g_shell_quote(folder);
        g_string_append_printf(text, " --data %s", quoted);
    }
    if (s->source != LIM_ATTACK_OWN) {
        const int n = lim_attack_run_pictures(self->run);
        g_string_append_printf(text, " --first %d", MIN(s->picture, n - 1));
    } else if (plan->own.path) {
        g_autofree char *quoted = g_shell_quote(plan->own.path);
        g_string_append_printf(text, " --input %s", quoted);
    } else {
        g_string_append(text, plan->own.flags);
    }
    if (lim_attack_run_external(self->run)) {
        g_autofree char *oracle = lim_schema_flags(lim_oracle_schema, &s->oracle);
        g_string_append(text, oracle);
    }
    if (s->target >= 0)
        g_string_append_printf(text, " --target %d", s->target);
    g_string_append_printf(text, " --queries %d --lattice %d", s->queries, s->lattice);
    if (s->source != LIM_ATTACK_OWN || plan->own.path)
        g_string_append_printf(text, " --seed %" G_GUINT64_FORMAT, s->seed);
    g_string_append_printf(text, "%s --out attack", flags);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* The attack went on to its end. */
static void
exported(LimFormPane *pane)
{
    LimAttackPane *self = LIM_ATTACK_PANE(pane);

    if (self->run)
        pull(self);
}

static void
export_to(LimFormPane *pane, const char *path)
{
    LimAttackPane *self = LIM_ATTACK_PANE(pane);

    if (self->run)
        lim_form_pane_export(pane, path, lim_save_task_new(self->run, path),
                             "Saved the PNG, and beside it the floats as .npy");
}

static char *
dup_file_name(LimFormPane *pane)
{
    LimAttackRun *run = LIM_ATTACK_PANE(pane)->run;

    return run ? g_strdup_printf("%s, %s.png", lim_attack_run_plan(run)->method->label,
                                 lim_attack_run_what(run))
               : NULL;
}

/* ---- keys ---- */

static gboolean
key_pressed(LimAttackPane *self, guint keyval, guint code, GdkModifierType state)
{
    if ((keyval == GDK_KEY_r || keyval == GDK_KEY_R) &&
        !(state & (GDK_CONTROL_MASK | GDK_ALT_MASK | GDK_SUPER_MASK))) {
        g_action_activate(action(self, "restart"), NULL); /* when it is enabled */
        return TRUE;
    }
    return lim_transport_key(self->transport, keyval, state);
}

static void
pixel_changed(LimAttackPane *self)
{
    g_autofree char *text = lim_attack_view_dup_pixel(self->view);

    if (text)
        lim_status_line_set_text(self->status, text);
    else if (self->run)
        describe(self);
}

/* By the person's own hand: whoever wants a file is asked for it. */
static void
denoiser_settled(LimAttackPane *self)
{
    LimFormRow *file = lim_form_get_row(self->form, "denoiser-file");
    g_autoptr(GVariant) chosen = lim_form_row_dup_value(lim_form_get_row(self->form, "denoiser"));
    g_autoptr(GVariant) path = lim_form_row_dup_value(file);

    if (g_variant_get_int32(chosen) == LIM_ATTACK_FILE && !*g_variant_get_string(path, NULL))
        lim_text_row_browse(LIM_TEXT_ROW(file));
}

/* ---- construction ---- */

static const char timeline_text[] =
    "A <a href='clean'>picture</a> is changed until the classifier errs, and then as little as "
    "possible. Each step asks the classifier once. The <a href='timeline'>curve</a> falls as the "
    "<a href='adversarial'>adversarial picture</a> comes closer to the clean one; drag on it, or "
    "use the <a href='transport'>player</a>, to see any step, and <a href='restart'>restart</a> a "
    "Boundary Attack from there. The <a href='difference'>difference</a> is enlarged by the gain "
    "over it.";

static void
page_changed(LimAttackPane *self)
{
    GtkWidget *page = gtk_stack_get_visible_child(GTK_STACK(self->pages));

    if (!page) /* the view is going */
        return;
    lim_explain_set_text(self->explain, LIM_IS_ATTACK_PAGE(page)
                                            ? lim_attack_page_get_text(LIM_ATTACK_PAGE(page))
                                            : timeline_text);
    show_page(self);
}

static void
build_explain(LimAttackPane *self)
{
    self->explain = LIM_EXPLAIN(lim_explain_new());
    lim_explain_add_term(self->explain, "clean", lim_attack_view_get(self->view, LIM_ATTACK_CLEAN));
    lim_explain_add_term(self->explain, "adversarial",
                         lim_attack_view_get(self->view, LIM_ATTACK_ADVERSARIAL));
    lim_explain_add_term(self->explain, "denoised",
                         lim_attack_view_get(self->view, LIM_ATTACK_DENOISED));
    lim_explain_add_term(self->explain, "difference",
                         lim_attack_view_get(self->view, LIM_ATTACK_DIFFERENCE));
    lim_explain_add_term(self->explain, "transport", GTK_WIDGET(self->transport));
    lim_explain_add_term(self->explain, "restart", self->restart);
}

static GtkWidget *
build_bottom(LimAttackPane *self)
{
    build_explain(self);
    self->pages = gtk_stack_new();
    for (gsize i = 0; i < G_N_ELEMENTS(pages); i++) {
        GtkWidget *page =
            pages[i].type ? g_object_new(pages[i].type(), NULL) : lim_timeline_new(pages[i].title);
        if (pages[i].type) {
            lim_attack_page_set_session(LIM_ATTACK_PAGE(page),
                                        lim_pane_get_session(LIM_PANE(self)));
            g_signal_connect_object(page, "picture-wanted", G_CALLBACK(picture_wanted), self,
                                    G_CONNECT_SWAPPED);
        } else {
            self->timeline = LIM_TIMELINE(page);
        }
        gtk_stack_add_titled(GTK_STACK(self->pages), page, pages[i].name, pages[i].title);
        gtk_accessible_update_property(GTK_ACCESSIBLE(page), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       pages[i].title, -1);
        lim_explain_add_term(self->explain, pages[i].name, page);
    }
    g_signal_connect_object(self->timeline, "step-dragged", G_CALLBACK(timeline_dragged), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->pages, "notify::visible-child", G_CALLBACK(page_changed), self,
                            G_CONNECT_SWAPPED);
    page_changed(self);
    return lim_explain_row_new(self->explain, self->pages, BOTTOM, "What to show of the attack",
                               "About the attack");
}

static GtkWidget *
build_attack(LimAttackPane *self)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);

    self->verdict = g_object_new(GTK_TYPE_LABEL, "accessible-role", GTK_ACCESSIBLE_ROLE_STATUS,
                                 "xalign", 0.0, "ellipsize", PANGO_ELLIPSIZE_END, NULL);
    gtk_widget_add_css_class(self->verdict, "picture-title");
    gtk_box_append(GTK_BOX(box), self->verdict);

    self->view = LIM_ATTACK_VIEW(lim_attack_view_new());
    gtk_widget_set_vexpand(GTK_WIDGET(self->view), TRUE);
    g_signal_connect_object(lim_attack_view_get_zoom(self->view), "changed",
                            G_CALLBACK(pixel_changed), self, G_CONNECT_SWAPPED);
    gtk_box_append(GTK_BOX(box), GTK_WIDGET(self->view));

    self->transport = LIM_TRANSPORT(lim_transport_new());
    g_signal_connect_object(self->transport, "moved", G_CALLBACK(show_frame), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->transport, "notify::playing", G_CALLBACK(playing_changed), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->transport, "step-wanted", G_CALLBACK(step_wanted), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->transport, "accepted-wanted", G_CALLBACK(accepted_wanted), self,
                            G_CONNECT_SWAPPED);
    self->restart = gtk_button_new_from_icon_name("media-playlist-shuffle-symbolic");
    gtk_accessible_update_property(GTK_ACCESSIBLE(self->restart), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   "Restart from here", -1);
    gtk_actionable_set_action_name(GTK_ACTIONABLE(self->restart), "view.restart");
    gtk_widget_set_tooltip_text(
        self->restart,
        "Restart from here: takes another way from the step that is shown, with the budget that "
        "was left then (R). The recording until now comes back with Ctrl+Z.");
    lim_transport_add(self->transport, self->restart);
    gtk_box_append(GTK_BOX(box), GTK_WIDGET(self->transport));
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
    static const GActionEntry restart = {.name = "restart", .activate = do_restart};
    LimAttackPane *self = LIM_ATTACK_PANE(object);
    LimFormPane *pane = LIM_FORM_PANE(object);

    G_OBJECT_CLASS(lim_attack_pane_parent_class)->constructed(object);
    g_action_map_add_action_entries(lim_pane_get_actions(LIM_PANE(self)), &restart, 1, self);
    g_autofree char *models = lim_shipped_model("");
    g_autofree char *samples = lim_shipped_samples();
    self->bench = lim_bench_new(models, samples);
    self->form = lim_attack_form_new();
    g_signal_connect_object(lim_form_get_row(self->form, "denoiser"), "settled",
                            G_CALLBACK(denoiser_settled), self, G_CONNECT_SWAPPED);
    self->status = lim_form_pane_get_status(pane);
    lim_form_pane_build(pane, self->form, build_attack(self));
}

static void
get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    g_value_set_boolean(value, lim_attack_pane_get_current(LIM_ATTACK_PANE(object)));
}

static void
dispose(GObject *object)
{
    LimAttackPane *self = LIM_ATTACK_PANE(object);

    forget_paint(self);
    G_OBJECT_CLASS(lim_attack_pane_parent_class)->dispose(object);
}

static void
finalize(GObject *object)
{
    LimAttackPane *self = LIM_ATTACK_PANE(object);

    if (self->any_posted)
        lim_attack_plan_clear(&self->posted);
    lim_attack_run_unref(self->run);
    g_ptr_array_unref(self->kept);
    lim_bench_unref(self->bench);
    lim_own_clear(&self->own);
    g_clear_pointer(&self->asked, g_variant_unref);
    G_OBJECT_CLASS(lim_attack_pane_parent_class)->finalize(object);
}

static void
lim_attack_pane_class_init(LimAttackPaneClass *klass)
{
    G_OBJECT_CLASS(klass)->constructed = constructed;
    G_OBJECT_CLASS(klass)->get_property = get_property;
    G_OBJECT_CLASS(klass)->dispose = dispose;
    G_OBJECT_CLASS(klass)->finalize = finalize;
    GTK_WIDGET_CLASS(klass)->map = map;
    LIM_PANE_CLASS(klass)->open_file = open_file;
    LIM_PANE_CLASS(klass)->take_picture = take_picture;
    LIM_PANE_CLASS(klass)->open_other = open_other;
    LIM_FORM_PANE_CLASS(klass)->copy_tooltip =
        "Copies the limen-cli command that makes this attack, byte for byte (Ctrl+Shift+C)";
    LIM_FORM_PANE_CLASS(klass)->export_tooltip =
        "Saves the 8-bit picture with its settings inside, and beside it the floats as .npy; goes "
        "on to the end of the attack first (Ctrl+E)";
    LIM_FORM_PANE_CLASS(klass)->changed = changed;
    LIM_FORM_PANE_CLASS(klass)->dup_command = dup_command;
    LIM_FORM_PANE_CLASS(klass)->dup_file_name = dup_file_name;
    LIM_FORM_PANE_CLASS(klass)->export_to = export_to;
    LIM_FORM_PANE_CLASS(klass)->exported = exported;
    LIM_FORM_PANE_CLASS(klass)->progressed = progressed;
    LIM_FORM_PANE_CLASS(klass)->stopped = stopped;
    LIM_FORM_PANE_CLASS(klass)->write_session = write_session;
    LIM_FORM_PANE_CLASS(klass)->read_session = read_session;
    props[PROP_CURRENT] = g_param_spec_boolean("current", NULL, NULL, FALSE,
                                               G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
    g_object_class_install_properties(G_OBJECT_CLASS(klass), N_PROPS, props);
}

static void
lim_attack_pane_init(LimAttackPane *self)
{
    self->shown = self->judged = self->wanted = -1;
    self->kept = g_ptr_array_new_with_free_func((GDestroyNotify)lim_attack_run_unref);
}

const LimPaneDef lim_pane_attack = {"attack", "Attack", lim_attack_pane_get_type};
