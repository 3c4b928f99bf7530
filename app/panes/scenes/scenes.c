/* Scenes: a change of the settings begins another attack at once, which grows in a long job while
 * what all networks see at the step that is shown is asked for on the live lane. */
#include "panes/scenes/scenes.h"

#include "attacks/dag-fusion.h"
#include "data/scene-own.h"
#include "panes/scenes/pane.h"
#include "panes/scenes/read.h"
#include "panes/scenes/table-file.h"
#include "schema-form.h"
#include "shipped.h"
#include "widgets/file-dialog.h"
#include "widgets/lim-choice-row.h"
#include "widgets/lim-explain.h"
#include "widgets/lim-number-row.h"
#include "widgets/lim-plot.h"
#include "widgets/lim-text-row.h"

#include <math.h>

#define BOTTOM     150
#define SCENES_MAX 1000000

G_DEFINE_FINAL_TYPE(LimScenesPane, lim_scenes_pane, LIM_TYPE_FORM_PANE)

LimWorker *
lim_scenes_pane_worker(LimScenesPane *self)
{
    return lim_session_get_worker(lim_pane_get_session(LIM_PANE(self)));
}

LimScenesRun *
lim_scenes_pane_get_run(LimScenesPane *self)
{
    return self->run;
}

LimSceneBoard *
lim_scenes_pane_get_board(LimScenesPane *self)
{
    return self->board;
}

LimTransport *
lim_scenes_pane_get_transport(LimScenesPane *self)
{
    return self->transport;
}

const char *
lim_scenes_pane_get_verdict(LimScenesPane *self)
{
    return gtk_label_get_text(GTK_LABEL(self->verdict));
}

gboolean
lim_scenes_pane_get_current(LimScenesPane *self)
{
    return self->run && !self->tick && !self->looking &&
           !lim_form_pane_goes_on(LIM_FORM_PANE(self)) &&
           !lim_transport_get_playing(self->transport) &&
           lim_scenes_plan_equal(lim_scenes_run_plan(self->run), &self->posted);
}

/* ---- words ---- */

static const char *
targets_name(LimScenesRun *run)
{
    return lim_scenes_net_segments(lim_scenes_run_plan(run)->net) ? "pixels" : "proposed boxes";
}

static char *
dup_verdict(LimScenesRun *run, int frame)
{
    LimScenesFrame f = lim_scenes_run_frame(run, frame);
    const int targets = lim_scenes_run_targets(run);
    const gboolean last = lim_scenes_run_ended(run) && frame == lim_scenes_run_n(run) - 1;
    const gboolean done =
        f.active >= 0 && f.active <= lim_scenes_run_plan(run)->dag.remaining * targets;
    const gboolean wanted =
        lim_scenes_run_plan(run)->wanted ||
        (lim_scenes_run_wanted(run) && lim_scenes_run_plan(run)->dag.target == LIM_DAG_PAINTED);

    if (targets == 0)
        return g_strdup_printf("● There is nothing to attack: %s sees none of the chosen garments "
                               "rightly.",
                               lim_scenes_net_name(lim_scenes_run_plan(run)->net));
    if (f.active < 0 && frame > 0) /* it is counted when the next step begins */
        f = lim_scenes_run_frame(run, --frame);
    if (f.active < 0)
        return g_strdup_printf("○ The attack on %d %s begins", targets, targets_name(run));
    return g_strdup_printf("%s Step %d: %d of %d %s %s, no value moved by more than %.1f of 255",
                           done   ? "✔"
                           : last ? "✘"
                                  : "○",
                           frame, f.active, targets, targets_name(run),
                           wanted ? "not as painted yet" : "still right", 255 * f.largest);
}

gboolean
lim_scenes_pane_is_fused(LimScenesPane *self)
{
    const char *page = gtk_stack_get_visible_child_name(GTK_STACK(self->pages));

    return g_strcmp0(page, "fusion") == 0;
}

/* What a cell of the table says of the scene that stands for it. */
static char *
dup_cell_verdict(const LimTransferCell *cell)
{
    return g_strdup_printf("Made on %s, %s keeps %s %.1f %% here, %.1f %% over %d scene%s",
                           lim_scenes_net_name(cell->made), lim_scenes_net_name(cell->judge),
                           lim_scenes_net_segments(cell->judge) ? "IoU" : "mAP", 100 * cell->alone,
                           100 * cell->value, cell->scenes, cell->scenes == 1 ? "" : "s");
}

static void
describe(LimScenesPane *self)
{
    if (self->judge >= 0) {
        g_autofree char *which =
            g_strdup_printf("Scene %d of the table comes nearest to the %.1f %% of this cell",
                            self->cell.scene, 100 * self->cell.value);
        lim_status_line_set_text(self->status, which);
        return;
    }
    const LimScenesPlan *plan = lim_scenes_run_plan(self->run);
    const LimScenesFrame f = lim_scenes_run_frame(self->run, MAX(self->shown, 0));
    g_autofree char *own = plan->place.own ? g_path_get_basename(plan->place.own) : NULL;
    g_autofree char *what =
        own ? g_strdup_printf("%s, judged by what networks see in it", own)
            : g_strdup_printf("scene %d%s", plan->place.number,
                              self->stage->sampled ? " of the program's own pictures" : "");
    g_autofree char *text =
        lim_scenes_pane_is_fused(self)
            ? g_strdup_printf("Perturbations of DAG, added up: %s", what)
            : g_strdup_printf("Perceptibility %.4f: DAG on %s, %s", f.perceptible,
                              lim_scenes_net_name(plan->net), what);

    lim_status_line_set_text(self->status, text);
}

/* ---- what is shown ---- */

static void
tell_fused(LimScenesPane *self, const LimScenesLookTask *look)
{
    g_autofree char *text =
        g_strdup_printf("Sum of %d perturbation%s%s: perceptibility %.4f, no value moved by more "
                        "than %.1f of 255",
                        look->n, look->n == 1 ? "" : "s",
                        look->permute ? ", rows in another order" : "", look->perceptible,
                        255 * look->largest);

    gtk_label_set_text(GTK_LABEL(self->verdict), text);
}

static void
looked(void *data, LimTask *t, LimStatus status, const LimError *err, const LimTiming *timing)
{
    LimTarget *target = data;
    g_autoptr(LimScenesPane) self = g_weak_ref_get(&target->object);
    const LimScenesLookTask *look = (const LimScenesLookTask *)t;

    if (!self || target->serial != self->looks)
        return;
    self->looking = FALSE;
    if (status == LIM_CANCELLED)
        return;
    if (status != LIM_OK) {
        lim_status_line_flash(self->status, err->text);
        return;
    }
    lim_scene_board_set_look(self->board, look,
                             look->permute     ? "Permuted rows"
                             : look->frame < 0 ? "Fused"
                                               : "Adversarial");
    if (look->frame < 0 && self->run)
        tell_fused(self, look);
    lim_status_line_set_timing(self->status, timing->queued_ms, timing->ran_ms, 0);
}

/* What all networks see in the frame that is shown, or in the sum of perturbations. */
void
lim_scenes_pane_look(LimScenesPane *self)
{
    const float *r[LIM_SCENES_NETS];
    double weight[LIM_SCENES_NETS] = {1};
    gboolean permute = self->permuted;
    int n = 0;

    if (!self->stage)
        return;
    const gboolean fused = lim_scenes_pane_is_fused(self);
    if (fused)
        n = lim_fusion_page_get(self->fusion, r, weight, &permute);
    else if (self->run && self->shown >= 0)
        r[n++] = lim_scenes_run_frame(self->run, self->shown).r;
    self->looking = TRUE;
    lim_worker_submit(lim_scenes_pane_worker(self),
                      lim_scenes_look_task_new(self->stage, r, weight, n, permute,
                                               self->posted.seed, fused ? -1 : self->shown),
                      LIM_LANE_LIVE, LIM_SCENES_SLOT_LOOK, 0,
                      (LimTaskEvents){.done = looked,
                                      .drop = lim_target_free,
                                      .data = lim_target_new(self, ++self->looks)});
}

void
lim_scenes_pane_show_position(LimScenesPane *self)
{
    const int n = lim_scenes_run_n(self->run);
    g_autofree char *text = g_strdup_printf("step %d of %d", MAX(self->shown, 0), n - 1);
    g_autofree char *verdict = dup_verdict(self->run, MAX(self->shown, 0));

    lim_transport_set_text(self->transport, text);
    if (self->judge >= 0 && lim_scenes_run_ended(self->run) && self->shown == n - 1) {
        g_autofree char *figures = dup_cell_verdict(&self->cell);
        gtk_label_set_text(GTK_LABEL(self->verdict), figures);
    } else if (!lim_scenes_pane_is_fused(self)) {
        gtk_label_set_text(GTK_LABEL(self->verdict), verdict);
    }
    const int known = lim_plot_get_n_points(self->plot, 0) - 1;
    lim_plot_set_marker(self->plot, 0, known < 0 ? (double)NAN : CLAMP(self->shown, 0, known),
                        NULL);
    describe(self);
}

void
lim_scenes_pane_show_frame(LimScenesPane *self, int frame)
{
    if (!self->run || frame < 0)
        return;
    frame = MIN(frame, lim_scenes_run_n(self->run) - 1);
    if (frame != self->shown) {
        self->shown = frame;
        if (!lim_scenes_pane_is_fused(self))
            lim_scenes_pane_look(self);
    }
    lim_scenes_pane_show_position(self);
}

static void
plot_targets(LimScenesPane *self)
{
    const int n = lim_scenes_run_n(self->run), targets = lim_scenes_run_targets(self->run);
    g_autofree LimPlotPoint *points = g_new0(LimPlotPoint, n);
    int used = 0;

    for (int i = 0; i < n && targets; i++) {
        const LimScenesFrame f = lim_scenes_run_frame(self->run, i);
        if (f.active >= 0)
            points[used++] = (LimPlotPoint){.x = i, .y = 100.0 * f.active / targets};
    }
    lim_plot_set_points(self->plot, 0, points, used, NULL);
}

/* What the worker has added since. */
void
lim_scenes_pane_pull(LimScenesPane *self)
{
    plot_targets(self);
    lim_transport_set_extent(self->transport, lim_scenes_run_n(self->run) - 1,
                             !lim_scenes_run_ended(self->run));
    lim_scenes_pane_show_position(self);
}

/* ---- going on ---- */

static void
progressed(LimFormPane *pane)
{
    LimScenesPane *self = LIM_SCENES_PANE(pane);

    if (self->run)
        lim_scenes_pane_pull(self);
}

static void
stopped(LimFormPane *pane, LimStatus status)
{
    LimScenesPane *self = LIM_SCENES_PANE(pane);

    if (!self->run)
        return;
    lim_transfer_page_hold(self->transfer, FALSE);
    lim_scenes_pane_pull(self);
    if (self->stepping)
        lim_transport_move(self->transport, lim_scenes_run_n(self->run) - 1);
    self->stepping = FALSE;
    if (status != LIM_OK && status != LIM_CANCELLED)
        lim_transport_set_playing(self->transport, FALSE);
}

void
lim_scenes_pane_halt(LimScenesPane *self)
{
    lim_form_pane_halt(LIM_FORM_PANE(self));
    lim_transfer_page_hold(self->transfer, FALSE);
    self->stepping = FALSE;
}

static void
go_on(LimScenesPane *self, int frames)
{
    if (!self->run || lim_scenes_run_ended(self->run))
        return;
    self->stepping = FALSE;
    lim_transfer_page_hold(self->transfer, TRUE); /* what is looked at goes before */
    lim_form_pane_go_on(LIM_FORM_PANE(self), lim_scenes_advance_task_new(self->run, frames));
}

/* An export makes the steps while it lasts; whatever made them before goes on afterwards. */
static void
exported(LimFormPane *pane)
{
    LimScenesPane *self = LIM_SCENES_PANE(pane);

    progressed(pane);
    lim_fusion_page_refresh(self->fusion);
    if (lim_form_pane_exports(pane))
        return;
    lim_fusion_page_hold(self->fusion, FALSE);
    lim_transfer_page_hold(self->transfer, FALSE);
    if (lim_transport_get_playing(self->transport) && !lim_form_pane_goes_on(pane))
        go_on(self, G_MAXINT);
}

static void
playing_changed(LimScenesPane *self)
{
    if (lim_transport_get_playing(self->transport))
        go_on(self, G_MAXINT);
    else if (!self->stepping)
        lim_scenes_pane_halt(self);
    if (self->run)
        lim_scenes_pane_pull(self);
}

static void
step_wanted(LimScenesPane *self)
{
    if (!self->run)
        return;
    go_on(self, lim_scenes_run_n(self->run) + 1);
    self->stepping = lim_form_pane_goes_on(LIM_FORM_PANE(self));
}

static void
plot_dragged(LimScenesPane *self, int series, double position)
{
    lim_transport_set_playing(self->transport, FALSE);
    lim_transport_move(self->transport, (int)lround(position));
}

void
lim_scenes_shown_class_init(LimFormPaneClass *klass)
{
    klass->exported = exported;
    klass->progressed = progressed;
    klass->stopped = stopped;
}

void
lim_scenes_shown_connect(LimScenesPane *self)
{
    g_signal_connect_object(self->transport, "moved", G_CALLBACK(lim_scenes_pane_show_frame), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->transport, "notify::playing", G_CALLBACK(playing_changed), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->transport, "step-wanted", G_CALLBACK(step_wanted), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->plot, "point-dragged", G_CALLBACK(plot_dragged), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->plot, "point-activated", G_CALLBACK(plot_dragged), self,
                            G_CONNECT_SWAPPED);
}

/* ---- from settings to an attack ---- */

static void
show_missing(LimScenesPane *self, int net)
{
    gtk_label_set_text(GTK_LABEL(self->verdict), self->stage->why[net]);
    gtk_widget_set_tooltip_text(self->verdict, self->stage->why[net]);
    lim_transport_set_extent(self->transport, -1, FALSE);
    lim_transport_set_text(self->transport, "");
    lim_plot_set_points(self->plot, 0, NULL, 0, NULL);
    lim_plot_set_marker(self->plot, 0, (double)NAN, NULL);
    lim_status_line_set_text(self->status, "");
}

static void
begun(void *data, LimTask *t, LimStatus status, const LimError *err, const LimTiming *timing)
{
    LimTarget *target = data;
    g_autoptr(LimScenesPane) self = g_weak_ref_get(&target->object);
    LimScenesBeginTask *begin = (LimScenesBeginTask *)t;

    if (!self || target->serial != self->serial || status == LIM_CANCELLED)
        return;
    if (status != LIM_OK) {
        lim_form_pane_show_message(LIM_FORM_PANE(self), "This attack cannot be made", err->text,
                                   NULL, NULL);
        return;
    }
    lim_scenes_pane_halt(self);
    lim_form_pane_show_view(LIM_FORM_PANE(self));
    lim_scenes_run_unref(self->run);
    self->run = g_steal_pointer(&begin->run);
    if (begin->stage != self->stage) {
        lim_scenes_stage_unref(self->stage);
        self->stage = lim_scenes_stage_ref(begin->stage);
        lim_scene_board_set_stage(self->board, self->stage);
    }
    guint32 only = 0;
    lim_dag_garments(begin->plan.dag.only, &only, NULL);
    lim_scene_board_set_attacked(self->board, begin->plan.net, only);
    gtk_widget_set_tooltip_text(self->verdict, NULL);
    lim_scenes_pane_show_canvas(self);
    lim_fusion_page_set(self->fusion, self->stage, &begin->plan);
    lim_transfer_page_set(self->transfer, self->bench, &begin->plan);
    self->shown = -1;
    lim_transport_set_extent(self->transport, -1, FALSE);
    lim_transport_set_playing(self->transport, FALSE);
    if (!self->run) {
        show_missing(self, begin->plan.net);
        lim_scenes_pane_look(self);
        return;
    }
    lim_scenes_pane_pull(self);
    lim_scenes_pane_show_frame(self, 0);
    if (lim_scenes_pane_is_fused(self))
        lim_scenes_pane_look(self);
    lim_transport_follow(self->transport);
}

static void
read_plan(LimScenesPane *self, LimScenesPlan *plan)
{
    LimScenesSetup setup;

    memset(plan, 0, sizeof *plan);
    memset(&setup, 0, sizeof setup);
    lim_schema_form_read(self->form, lim_scenes_setup_schema, &setup);
    lim_schema_form_read(self->form, lim_dag_schema, &plan->dag);
    lim_schema_form_read(self->form, lim_scene_schema, &plan->place.scenes);
    plan->place.number = setup.scene;
    plan->place.own = setup.source == LIM_SCENES_OWN ? self->own : NULL;
    plan->net = setup.net;
    plan->seed = setup.seed;
    if (self->wanted && lim_scenes_net_segments(setup.net) &&
        self->wanted_size == plan->place.scenes.size) {
        plan->wanted = self->wanted;
        plan->wanted_size = self->wanted_size;
    }
}

static gboolean
tick(GtkWidget *widget, GdkFrameClock *clock, gpointer data)
{
    LimScenesPane *self = LIM_SCENES_PANE(widget);
    LimScenesPlan plan;

    self->tick = 0;
    read_plan(self, &plan);
    if (self->any_posted && lim_scenes_plan_equal(&plan, &self->posted))
        return G_SOURCE_REMOVE;
    lim_scenes_plan_clear(&self->posted);
    lim_scenes_plan_copy(&self->posted, &plan);
    self->any_posted = TRUE;
    lim_worker_submit(lim_scenes_pane_worker(self),
                      lim_scenes_begin_task_new(self->bench, &plan, self->stage), LIM_LANE_LIVE,
                      LIM_SCENES_SLOT_BEGIN, 0,
                      (LimTaskEvents){.done = begun,
                                      .drop = lim_target_free,
                                      .data = lim_target_new(self, ++self->serial)});
    return G_SOURCE_REMOVE;
}

/* Nothing is computed for a view that was never seen. */
void
lim_scenes_pane_update_soon(LimScenesPane *self)
{
    if (!self->tick && self->seen)
        self->tick = gtk_widget_add_tick_callback(GTK_WIDGET(self), tick, NULL, NULL);
}

/* Settings of a detector and of a segmenter: what means nothing now is greyed. */
static void
changed(LimFormPane *pane)
{
    LimScenesPane *self = LIM_SCENES_PANE(pane);
    LimScenesSetup setup;

    lim_schema_form_read(self->form, lim_scenes_setup_schema, &setup);
    lim_scene_board_set_opacity(self->board, setup.overlay);
    lim_form_row_set_enabled(lim_form_get_row(self->form, "scene"),
                             setup.source == LIM_SCENES_TEST);
    lim_form_row_set_enabled(lim_form_get_row(self->form, "target"),
                             lim_scenes_net_segments(setup.net));
    if (setup.source == LIM_SCENES_OWN && !self->own)
        lim_status_line_flash(self->status,
                              "Drop a PNG file on the window, or choose one with Open picture");
    lim_form_row_set_enabled(lim_form_get_row(self->form, "left"),
                             !lim_scenes_net_segments(setup.net));
    LimScenesPlan plan;
    read_plan(self, &plan);
    if (!lim_scenes_plan_equal(&plan, &self->posted))
        lim_scenes_pane_leave_cell(self);
    lim_scenes_pane_update_soon(self);
}

/* A click on a garment: it is attacked alone, or with those that were chosen before. */
static void
garment_picked(LimScenesPane *self, int k)
{
    LimFormRow *row = lim_form_get_row(self->form, "only");
    g_autoptr(GVariant) before = lim_form_row_dup_value(row);
    g_autoptr(GString) text = g_string_new(NULL);
    guint32 only = 0;

    lim_form_pane_flush(LIM_FORM_PANE(self));
    lim_dag_garments(g_variant_get_string(before, NULL), &only, NULL);
    only ^= 1u << k;
    for (int i = 0; i < LIM_SCENE_GARMENTS; i++)
        if (only >> i & 1)
            g_string_append_printf(text, "%s%d", text->len ? "," : "", i + 1);
    lim_form_row_set_value(row, g_variant_new_string(text->str));
    lim_form_pane_settle(LIM_FORM_PANE(self));
    lim_scenes_pane_update_soon(self);
}

/* ---- cells of the table ---- */

/* A person, not a cell of the table, has chosen what is shown. */
void
lim_scenes_pane_leave_cell(LimScenesPane *self)
{
    if (self->judge < 0)
        return;
    self->judge = -1;
    self->permuted = FALSE;
    lim_scene_board_set_judge(self->board, -1);
    lim_transfer_page_close_cell(self->transfer);
    lim_scenes_pane_look(self);
    if (self->run)
        lim_scenes_pane_show_position(self);
}

/* The scene that stands for the cell, attacked as those of the table are: without what belongs to
 * one scene. */
static void
cell_opened(LimScenesPane *self, int made, int judge)
{
    LimTransferCell cell;

    if (!lim_transfer_page_get_cell(self->transfer, &cell))
        return;
    lim_form_pane_flush(LIM_FORM_PANE(self));
    self->judge = -1; /* what the form tells now is no choice of another scene */
    lim_scenes_pane_set_wanted(self, NULL, 0);
    lim_form_set_values(self->form,
                        g_variant_new_parsed("{'source': <%i>, 'scene': <%i>, 'net': <%i>, "
                                             "'only': <''>}",
                                             LIM_SCENES_TEST, cell.scene, made));
    lim_form_pane_settle(LIM_FORM_PANE(self));
    self->judge = judge;
    self->cell = cell;
    self->permuted = cell.permuted;
    lim_scene_board_set_judge(self->board, judge);
    lim_scenes_pane_update_soon(self);
    lim_scenes_pane_look(self);
    if (self->run)
        lim_scenes_pane_show_position(self);
}

/* ---- neighbouring scenes ---- */

static void
go_to_scene(LimScenesPane *self, int scene)
{
    lim_form_pane_flush(LIM_FORM_PANE(self));
    lim_form_row_set_value(lim_form_get_row(self->form, "scene"),
                           g_variant_new_int32(CLAMP(scene, 0, SCENES_MAX)));
    lim_form_pane_settle(LIM_FORM_PANE(self));
    lim_scenes_pane_update_soon(self);
}

static int
scene_number(LimScenesPane *self)
{
    g_autoptr(GVariant) value = lim_form_row_dup_value(lim_form_get_row(self->form, "scene"));

    return g_variant_get_int32(value);
}

static void
do_previous(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    go_to_scene(data, scene_number(data) - 1);
}

static void
do_next(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    go_to_scene(data, scene_number(data) + 1);
}

static void
do_any(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    go_to_scene(data, g_random_int_range(0, SCENES_MAX));
}

void
lim_scenes_settings_class_init(LimFormPaneClass *klass)
{
    klass->changed = changed;
}

void
lim_scenes_settings_connect(LimScenesPane *self)
{
    static const GActionEntry entries[] = {
        {.name = "previous-seed", .activate = do_previous},
        {.name = "next-seed", .activate = do_next},
        {.name = "new-seed", .activate = do_any},
    };

    /* The keys for neighbouring seeds mean scenes here: what is drawn anew is the scene. */
    g_action_map_add_action_entries(lim_pane_get_actions(LIM_PANE(self)), entries,
                                    G_N_ELEMENTS(entries), self);
    g_signal_connect_object(self->transfer, "cell-opened", G_CALLBACK(cell_opened), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->board, "garment-picked", G_CALLBACK(garment_picked), self,
                            G_CONNECT_SWAPPED);
}

/* ---- painting ---- */

static gboolean
is_painting(LimScenesPane *self)
{
    const char *page = gtk_stack_get_visible_child_name(GTK_STACK(self->pages));

    return g_strcmp0(page, "paint") == 0;
}

/* What can be painted on is the clean picture of the attacked segmenter, while the tools are in
 * front. */
void
lim_scenes_pane_show_canvas(LimScenesPane *self)
{
    if (!self->stage)
        return;
    const LimScenesStage *s = self->stage;
    const gboolean usable =
        lim_scenes_net_segments(self->posted.net) && s->clean[self->posted.net].label;
    const int32_t *from = self->wanted && self->wanted_size == s->size
                              ? self->wanted
                              : s->clean[self->posted.net].label;

    lim_paint_page_set(self->paint, s, usable, self->posted.wanted != NULL);
    if (self->stroke && self->canvas) /* an attack begins while the next stroke is painted */
        return;
    g_clear_pointer(&self->canvas, g_free);
    if (usable && is_painting(self))
        self->canvas = g_memdup2(from, (gsize)s->area * sizeof *from);
    lim_scene_board_set_canvas(self->board, self->canvas);
}

void
lim_scenes_pane_set_wanted(LimScenesPane *self, const int32_t *wanted, int size)
{
    int32_t *copy = g_memdup2(wanted, (gsize)(size * size) * sizeof *wanted);

    g_free(self->wanted);
    self->wanted = copy;
    self->wanted_size = copy ? size : 0;
}

static void
brushed(LimScenesPane *self, int x, int y)
{
    if (!self->canvas)
        return;
    self->stroke = TRUE;
    lim_paint_page_dab(self->paint, self->canvas, self->stage->size, x, y);
    lim_scene_board_set_canvas(self->board, self->canvas);
}

/* A stroke is one step of undo, and another attack. */
static void
brush_ended(LimScenesPane *self)
{
    self->stroke = FALSE;
    if (!self->canvas)
        return;
    lim_form_pane_flush(LIM_FORM_PANE(self));
    lim_scenes_pane_set_wanted(self, self->canvas, self->stage->size);
    lim_form_pane_settle(LIM_FORM_PANE(self));
    lim_scenes_pane_update_soon(self);
}

static void
start_painting(LimScenesPane *self)
{
    if (!self->stage || !self->stage->clean[self->posted.net].label)
        return;
    lim_form_pane_flush(LIM_FORM_PANE(self));
    lim_scenes_pane_set_wanted(self, self->stage->clean[self->posted.net].label, self->stage->size);
    lim_form_pane_settle(LIM_FORM_PANE(self));
    lim_scenes_pane_update_soon(self);
    lim_scenes_pane_show_canvas(self);
}

static void
forget_painting(LimScenesPane *self)
{
    lim_form_pane_flush(LIM_FORM_PANE(self));
    lim_scenes_pane_set_wanted(self, NULL, 0);
    lim_form_pane_settle(LIM_FORM_PANE(self));
    lim_scenes_pane_update_soon(self);
    lim_scenes_pane_show_canvas(self);
}

void
lim_scenes_painting_connect(LimScenesPane *self)
{
    g_signal_connect_object(self->paint, "start-wanted", G_CALLBACK(start_painting), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->paint, "forget-wanted", G_CALLBACK(forget_painting), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->board, "brushed", G_CALLBACK(brushed), self, G_CONNECT_SWAPPED);
    g_signal_connect_object(self->board, "brush-end", G_CALLBACK(brush_ended), self,
                            G_CONNECT_SWAPPED);
}

/* ---- undo ---- */

/* The painting, a byte for each class; g_free(). */
static guint8 *
dup_bytes(LimScenesPane *self)
{
    const int n = self->wanted_size * self->wanted_size;
    guint8 *bytes = g_malloc0((gsize)n + 1);

    for (int i = 0; i < n; i++)
        bytes[i] = (guint8)self->wanted[i];
    return bytes;
}

static void
take_bytes(LimScenesPane *self, const guint8 *bytes, int size)
{
    g_autofree int32_t *wanted = size ? g_new(int32_t, size * size) : NULL;

    for (int i = 0; i < size * size; i++)
        wanted[i] = bytes[i];
    lim_scenes_pane_set_wanted(self, wanted, size);
}

static GVariant *
dup_state(LimFormPane *pane)
{
    LimScenesPane *self = LIM_SCENES_PANE(pane);
    g_autoptr(GVariant) form = lim_form_dup_settled(self->form);
    g_autoptr(GVariant) fusion = lim_fusion_page_dup_state(self->fusion);
    g_autofree guint8 *bytes = dup_bytes(self);

    return g_variant_ref_sink(
        g_variant_new("(@a{sv}si@ay@" LIM_FUSION_STATE ")", form, self->own ? self->own : "",
                      self->wanted_size,
                      g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes,
                                                (gsize)(self->wanted_size * self->wanted_size), 1),
                      fusion));
}

static void
restore(LimFormPane *pane, GVariant *state)
{
    LimScenesPane *self = LIM_SCENES_PANE(pane);
    g_autoptr(GVariant) form = NULL, bytes = NULL, fusion = NULL;
    const char *own;
    int size;
    gsize n;

    g_variant_get(state, "(@a{sv}&si@ay@" LIM_FUSION_STATE ")", &form, &own, &size, &bytes,
                  &fusion);
    if (lim_fusion_page_set_state(self->fusion, fusion)) /* to be seen */
        gtk_stack_set_visible_child_name(GTK_STACK(self->pages), "fusion");
    take_bytes(self, g_variant_get_fixed_array(bytes, &n, 1), size);
    g_free(self->own);
    self->own = *own ? g_strdup(own) : NULL;
    lim_form_set_values(self->form, form);
    lim_scenes_pane_update_soon(self);
    lim_scenes_pane_show_canvas(self);
}

/* Settings of the form and of the pages are one history. */
static void
flush(LimFormPane *pane)
{
    LimScenesPane *self = LIM_SCENES_PANE(pane);

    lim_form_flush(self->form);
    lim_fusion_page_flush(self->fusion);
}

static gboolean
is_open(LimFormPane *pane)
{
    LimScenesPane *self = LIM_SCENES_PANE(pane);

    return lim_form_is_open(self->form) || lim_fusion_page_is_open(self->fusion);
}

static void
do_reset_all(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    LimScenesPane *self = data;

    flush(data);
    lim_scenes_pane_set_wanted(self, NULL, 0);
    lim_fusion_page_reset(self->fusion);
    lim_form_reset(self->form);
    lim_form_pane_settle(data);
    lim_scenes_pane_update_soon(self);
    lim_scenes_pane_show_canvas(self);
}

/* ---- from one start to the next ---- */

static void
write_session(LimFormPane *pane, GVariantDict *session)
{
    LimScenesPane *self = LIM_SCENES_PANE(pane);
    const gsize n = (gsize)(self->wanted_size * self->wanted_size);
    g_autofree guint8 *bytes = dup_bytes(self);
    g_autofree char *text = g_base64_encode(bytes, n);

    if (self->own)
        g_variant_dict_insert(session, "own-file", "s", self->own);
    if (n)
        g_variant_dict_insert(session, "painting", "(is)", self->wanted_size, text);
    g_autoptr(GVariant) fusion = lim_fusion_page_dup_state(self->fusion);
    g_variant_dict_insert_value(session, "fusion", fusion);
}

/* A picture that is gone is told of, and a scene is shown in its place. */
static void
read_own(LimScenesPane *self, GVariantDict *session)
{
    const char *path;
    int source;
    const gboolean own =
        g_variant_dict_lookup(session, "source", "i", &source) && source == LIM_SCENES_OWN;

    if (!g_variant_dict_lookup(session, "own-file", "&s", &path))
        path = NULL;
    if (path && g_file_test(path, G_FILE_TEST_EXISTS)) {
        g_free(self->own);
        self->own = g_strdup(path);
        return;
    }
    if (!own)
        return;
    g_variant_dict_insert(session, "source", "i", LIM_SCENES_TEST);
    g_autofree char *name = path ? g_path_get_basename(path) : g_strdup("The picture");
    g_autofree char *text = g_strdup_printf("%s is not there any more, so this is a scene", name);
    lim_status_line_flash(self->status, text);
}

static void
read_painting(LimScenesPane *self, GVariantDict *session)
{
    const char *text;
    int size;
    gsize n;

    if (!g_variant_dict_lookup(session, "painting", "(i&s)", &size, &text))
        return;
    g_autofree guint8 *bytes = g_base64_decode(text, &n);
    if (size < 1 || size > LIM_SCENE_SIDE || n != (gsize)(size * size))
        return;
    take_bytes(self, bytes, size);
}

static void
read_session(LimFormPane *pane, GVariantDict *session)
{
    LimScenesPane *self = LIM_SCENES_PANE(pane);
    g_autoptr(GVariant) fusion =
        g_variant_dict_lookup_value(session, "fusion", G_VARIANT_TYPE(LIM_FUSION_STATE));

    read_own(self, session);
    read_painting(self, session);
    if (fusion)
        lim_fusion_page_set_state(self->fusion, fusion);
}

/* ---- pictures from elsewhere ---- */

static void
take_own(LimScenesPane *self, const char *path)
{
    lim_form_pane_flush(LIM_FORM_PANE(self));
    g_free(self->own);
    self->own = g_strdup(path);
    lim_form_set_values(self->form, g_variant_new_parsed("{'source': <%i>}", LIM_SCENES_OWN));
    lim_form_pane_settle(LIM_FORM_PANE(self));
    lim_scenes_pane_update_soon(self);
}

static void
take_settings(LimScenesPane *self, const LimScenesReadTask *read)
{
    LimScenesSetup setup = read->setup;
    g_autoptr(GVariant) now = lim_form_row_dup_value(lim_form_get_row(self->form, "overlay"));

    lim_form_pane_flush(LIM_FORM_PANE(self));
    g_free(self->own);
    self->own = g_strdup(read->own);
    setup.source = read->own ? LIM_SCENES_OWN : LIM_SCENES_TEST;
    setup.overlay = g_variant_get_double(now);
    if (read->fused) { /* a sum belongs to no network */
        g_autoptr(GVariant) net = lim_form_row_dup_value(lim_form_get_row(self->form, "net"));
        setup.net = g_variant_get_int32(net);
        lim_fusion_page_set_state(self->fusion,
                                  g_variant_new(LIM_FUSION_STATE, read->weight[0], read->weight[1],
                                                read->weight[2], read->weight[3], read->permuted));
        gtk_stack_set_visible_child_name(GTK_STACK(self->pages), "fusion");
    }
    lim_scenes_pane_set_wanted(self, read->wanted_size ? read->wanted : NULL, read->wanted_size);
    lim_form_set_values(self->form, lim_schema_values(lim_scenes_setup_schema, &setup));
    lim_form_set_values(self->form, lim_schema_values(lim_scene_schema, &read->scenes));
    lim_form_set_values(self->form, lim_schema_values(lim_dag_schema, &read->dag));
    lim_form_pane_settle(LIM_FORM_PANE(self));
    lim_scenes_pane_update_soon(self);
    g_autofree char *text =
        read->gone ? g_strdup_printf("Settings restored from the picture without its painting: %s "
                                     "is not there any more",
                                     read->gone)
                   : g_strdup("Settings restored from the picture");
    lim_status_line_flash(self->status, text);
}

static void
file_read(void *data, LimTask *t, LimStatus status, const LimError *err, const LimTiming *timing)
{
    g_autoptr(LimScenesPane) self = g_weak_ref_get(&((LimTarget *)data)->object);
    const LimScenesReadTask *read = (const LimScenesReadTask *)t;

    if (!self || status == LIM_CANCELLED)
        return;
    lim_form_pane_resume(LIM_FORM_PANE(self)); /* what was opened goes before the last session */
    if (status != LIM_OK)
        lim_status_line_flash(self->status, err->text);
    else if (read->settings)
        take_settings(self, read);
    else
        take_own(self, read->path);
}

static gboolean
open_file(LimPane *pane, const char *path)
{
    LimScenesPane *self = LIM_SCENES_PANE(pane);

    lim_worker_submit(lim_scenes_pane_worker(self), lim_scenes_read_task_new(path), LIM_LANE_LONG,
                      0, 0,
                      (LimTaskEvents){.done = file_read,
                                      .drop = lim_target_free,
                                      .data = lim_target_new(self, 0)});
    return TRUE;
}

static void
picture_chosen(gpointer pane, const char *path)
{
    open_file(pane, path);
}

static void
do_open_picture(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    static const LimFileKind pictures = {"Pictures (PNG)", "png", FALSE};

    lim_file_dialog_open(data, "Open Picture", &pictures, picture_chosen);
}

void
lim_scenes_state_class_init(LimFormPaneClass *klass)
{
    klass->dup_state = dup_state;
    klass->restore = restore;
    klass->flush = flush;
    klass->is_open = is_open;
    klass->write_session = write_session;
    klass->read_session = read_session;
    LIM_PANE_CLASS(klass)->open_file = open_file;
}

void
lim_scenes_state_connect(LimScenesPane *self)
{
    static const GActionEntry entries[] = {
        {.name = "open-picture", .activate = do_open_picture},
        {.name = "reset-all", .activate = do_reset_all}, /* what is not in the form, too */
    };

    g_action_map_add_action_entries(lim_pane_get_actions(LIM_PANE(self)), entries,
                                    G_N_ELEMENTS(entries), self);
}

/* ---- out of the window ---- */

/* What the pictures show, as a command says it. */
typedef struct {
    const LimScenesPlan *plan; /* borrowed */
    gboolean fused, permuted;
    double weight[LIM_SCENES_NETS]; /* of each network's perturbation */
    int net[LIM_SCENES_NETS], n;    /* the networks attacked, or that look */
} Shown;

static gboolean
read_shown(LimScenesPane *self, Shown *shown)
{
    memset(shown, 0, sizeof *shown);
    if (!self->stage)
        return FALSE;
    shown->fused = lim_scenes_pane_is_fused(self);
    if (shown->fused) {
        shown->plan = lim_fusion_plan(lim_fusion_page_get_fusion(self->fusion));
        lim_fusion_page_get_weights(self->fusion, shown->weight, &shown->permuted);
        for (int i = 0; i < LIM_SCENES_NETS; i++)
            if (!self->stage->why[i])
                shown->net[shown->n++] = i;
        return shown->n > 0;
    }
    if (!self->run)
        return FALSE;
    shown->plan = lim_scenes_run_plan(self->run);
    shown->permuted = self->permuted;
    shown->net[shown->n++] = shown->plan->net;
    shown->weight[shown->plan->net] = 1;
    if (self->judge >= 0 && self->judge != shown->plan->net) /* it looks */
        shown->net[shown->n++] = self->judge;
    return TRUE;
}

/* In as few digits as say it. */
static void
append_weight(GString *text, double weight)
{
    char word[G_ASCII_DTOSTR_BUF_SIZE] = "", format[8];

    for (int digits = 1; digits <= 17; digits++) {
        g_snprintf(format, sizeof format, "%%.%dg", digits);
        g_ascii_formatd(word, sizeof word, format, weight);
        if (g_ascii_strtod(word, NULL) >= weight && g_ascii_strtod(word, NULL) <= weight)
            break;
    }
    g_string_append_printf(text, "%s%s", text->len ? "," : "", word);
}

static char *
dup_fusion_flags(const Shown *shown)
{
    LimDagFusion fusion = {.permuted = shown->permuted};
    g_autoptr(GString) weights = g_string_new(NULL);
    gboolean plain = TRUE;

    for (int i = 0; i < shown->n; i++) {
        const double weight = shown->weight[shown->net[i]];
        plain = plain && weight >= 1 && weight <= 1;
        append_weight(weights, weight);
    }
    if (!plain)
        g_strlcpy(fusion.weights, weights->str, sizeof fusion.weights);
    return lim_schema_flags(lim_dag_fusion_schema, &fusion);
}

/* painting: its file, or NULL. */
static char *
command_of(LimScenesPane *self, const Shown *shown, const char *painting)
{
    const LimScenesPlan *plan = shown->plan;
    g_autofree char *net = g_shell_quote(lim_scenes_bench_path(self->bench, shown->net[0]));
    g_autofree char *fusion = dup_fusion_flags(shown);
    g_autofree char *dag = lim_schema_flags(lim_dag_schema, &plan->dag);
    g_autofree char *scenes = lim_schema_flags(lim_scene_schema, &plan->place.scenes);
    g_autofree char *samples = lim_shipped_samples();
    g_autofree char *data = self->stage->sampled ? g_shell_quote(samples) : NULL;
    g_autofree char *own = plan->place.own ? g_shell_quote(plan->place.own) : NULL;
    g_autofree char *wanted = painting ? g_shell_quote(painting) : NULL;
    GString *text = g_string_new("limen-cli attack dag");

    for (int i = 1; i < shown->n; i++) {
        g_autofree char *other = g_shell_quote(lim_scenes_bench_path(self->bench, shown->net[i]));
        g_string_append_printf(text, " %s", other);
    }
    g_string_append_printf(text,
                           " --net %s%s%s --scene %d%s%s%s%s%s%s%s --seed %" G_GUINT64_FORMAT
                           " --out %s.png",
                           net, data ? " --data " : "", data ? data : "", plan->place.number,
                           own ? " --input " : "", own ? own : "", wanted ? " --wanted " : "",
                           wanted ? wanted : "", scenes, dag, fusion, plan->seed,
                           shown->fused ? "fused" : "dag");
    return g_string_free(text, FALSE);
}

/* The table is in front, and no cell of it is open. */
static gboolean
is_table(LimScenesPane *self)
{
    const char *page = gtk_stack_get_visible_child_name(GTK_STACK(self->pages));

    return g_strcmp0(page, "transfer") == 0 && self->judge < 0;
}

/* The command for the table over so many scenes. */
static char *
table_command(LimScenesPane *self, const LimScenesPlan *plan, int scenes)
{
    g_autofree char *dag = lim_schema_flags(lim_dag_schema, &plan->dag);
    g_autofree char *flags = lim_schema_flags(lim_scene_schema, &plan->place.scenes);
    g_autofree char *samples = lim_shipped_samples();
    g_autofree char *data = self->stage->sampled ? g_shell_quote(samples) : NULL;
    GString *text = g_string_new("limen-cli evaluate dag");

    for (int i = 0; i < LIM_SCENES_NETS; i++) {
        g_autofree char *net = g_shell_quote(lim_scenes_bench_path(self->bench, i));
        if (!self->stage->why[i])
            g_string_append_printf(text, " %s", net);
    }
    g_string_append_printf(text, "%s%s --scenes %d --first %d%s%s --seed %" G_GUINT64_FORMAT,
                           data ? " --data " : "", data ? data : "", scenes, plan->place.number,
                           flags, dag, plan->seed);
    return g_string_free(text, FALSE);
}

/* The table, when it has figures of a whole scene; NULL: it is told what to do. */
static LimTransfer *
table_to_export(LimScenesPane *self, LimTransferNow *now)
{
    LimTransfer *table = lim_transfer_page_get_table(self->transfer);

    if (table)
        lim_transfer_now(table, now);
    if (table && now->done > 0)
        return table;
    lim_status_line_flash(
        self->status, "There is no table to export yet: press Make table, and wait for a scene");
    return NULL;
}

/* What else is being made waits until an export is over. */
static void
make_way(LimScenesPane *self)
{
    lim_scenes_pane_halt(self);
    lim_fusion_page_hold(self->fusion, TRUE);
    lim_transfer_page_hold(self->transfer, TRUE);
}

static void
export_table(LimScenesPane *self, const char *path)
{
    LimTransferNow now;
    LimTransfer *table = table_to_export(self, &now);

    if (!table)
        return;
    g_autofree char *command = table_command(self, lim_transfer_plan(table), now.done);
    make_way(self);
    lim_form_pane_export(LIM_FORM_PANE(self), path,
                         lim_transfer_save_task_new(table, path, command),
                         "Saved the PNG, and beside it the figures as .csv");
}

static void
painting_written(void *data, LimTask *t, LimStatus status, const LimError *err,
                 const LimTiming *timing)
{
    g_autoptr(LimScenesPane) self = g_weak_ref_get(&((LimTarget *)data)->object);

    if (self && status != LIM_OK && status != LIM_CANCELLED)
        lim_status_line_flash(self->status, err->text);
}

/* At once, not behind the attack that goes on: the command may be pasted any moment. */
static void
write_painting(LimScenesPane *self, const LimScenesPlan *plan, const char *path)
{
    lim_worker_submit(lim_scenes_pane_worker(self), lim_scenes_paint_task_new(plan, path),
                      LIM_LANE_LIVE, LIM_SCENES_SLOT_PAINT, 0,
                      (LimTaskEvents){.done = painting_written,
                                      .drop = lim_target_free,
                                      .data = lim_target_new(self, 0)});
}

static char *
dup_command(LimFormPane *pane, char **said)
{
    LimScenesPane *self = LIM_SCENES_PANE(pane);
    g_autofree char *folder = g_build_filename(g_get_user_cache_dir(), "limen", NULL);
    g_autofree char *painting = NULL;
    LimTransfer *table = is_table(self) ? lim_transfer_page_get_table(self->transfer) : NULL;
    LimTransferNow now;
    Shown shown;

    if (table && self->stage) {
        lim_transfer_now(table, &now);
        *said = g_strdup("The command for this table is on the clipboard");
        return table_command(self, lim_transfer_plan(table), now.scenes);
    }
    if (!read_shown(self, &shown))
        return NULL;
    if (shown.plan->wanted) {
        painting = lim_scenes_painting_dup_path(shown.plan, folder);
        write_painting(self, shown.plan, painting);
    }
    *said = g_strdup(shown.fused ? "The command for this sum is on the clipboard"
                                 : "The command for this attack is on the clipboard");
    return command_of(self, &shown, painting);
}

static void
export_to(LimFormPane *pane, const char *path)
{
    LimScenesPane *self = LIM_SCENES_PANE(pane);
    g_autofree char *stem =
        g_str_has_suffix(path, ".png") ? g_strndup(path, strlen(path) - 4) : g_strdup(path);
    Shown shown;

    if (is_table(self)) {
        export_table(self, path);
        return;
    }
    if (!read_shown(self, &shown))
        return;
    /* The painting stands beside the picture, for as long as that is kept. */
    LimScenesOut out = {.permute = shown.permuted,
                        .path = g_strconcat(stem, ".png", NULL),
                        .painting =
                            shown.plan->wanted ? g_strconcat(stem, "-wanted.png", NULL) : NULL};
    out.command = command_of(self, &shown, out.painting);
    for (int i = 0; i < shown.n; i++)
        out.judges |= 1u << shown.net[i];
    make_way(self);
    lim_form_pane_export(pane, path,
                         shown.fused
                             ? lim_fusion_save_task_new(lim_fusion_page_get_fusion(self->fusion),
                                                        shown.weight, &out)
                             : lim_scenes_save_task_new(self->run, &out),
                         "Saved the PNG, and beside it the floats as .npy");
}

static char *
dup_file_name(LimFormPane *pane)
{
    LimScenesPane *self = LIM_SCENES_PANE(pane);
    LimTransferNow now;
    Shown shown;

    if (is_table(self)) {
        const LimTransfer *table = table_to_export(self, &now);
        const int first = table ? lim_transfer_plan(table)->place.number : 0;
        return table ? g_strdup_printf("Transfer, scenes %d to %d.png", first, first + now.done - 1)
                     : NULL;
    }
    if (!read_shown(self, &shown))
        return NULL;
    return g_strdup_printf("Scene %d, %s.png", shown.plan->place.number,
                           shown.fused ? "fused" : lim_scenes_net_name(shown.plan->net));
}

void
lim_scenes_export_class_init(LimFormPaneClass *klass)
{
    klass->copy_tooltip = "Copies the limen-cli command that makes this attack (Ctrl+Shift+C)";
    klass->export_tooltip =
        "Saves scene, attacked scene and perturbation with what the network sees, and beside it "
        "the floats as .npy; on the page Transfer the table, and beside it its figures as .csv "
        "(Ctrl+E)";
    klass->dup_command = dup_command;
    klass->dup_file_name = dup_file_name;
    klass->export_to = export_to;
}

/* ---- construction ---- */

static LimForm *
build_form(void)
{
    static const char *names[LIM_SCENES_NETS + 1];
    static const char *const targets[] = {"Every class as another", "A shape that is not there",
                                          NULL};
    static const char how[] = "How it is made", scenes[] = "Which scenes";
    static const char *const sources[] = {"Scene", "Own picture", NULL};
    const LimFormHint setup[] = {{.name = "source", .texts = sources},
                                 {.name = "scene", .beside = true},
                                 {.name = "net", .texts = names}};
    const LimFormHint dag[] = {
        {.name = "gamma"},
        {.name = "target", .texts = targets},
        {.name = "iterations", .group = how, .beside = true},
        {.name = "remaining", .group = how, .digits = 3},
        {.name = "left", .group = how},
        {.name = "clip", .group = how},
        {.name = "epsilon", .group = how, .digits = 3},
    };
    const LimFormHint scene[] = {{.name = "scene-seed", .group = scenes},
                                 {.name = "size", .group = scenes, .beside = true},
                                 {.name = "fewest", .group = scenes, .beside = true},
                                 {.name = "most", .group = scenes, .beside = true}};
    LimForm *form = LIM_FORM(lim_form_new());

    for (int i = 0; i < LIM_SCENES_NETS; i++)
        names[i] = lim_scenes_net_name(i);
    lim_schema_form_fill(form, lim_scenes_setup_schema, setup, G_N_ELEMENTS(setup));
    GtkWidget *open = gtk_button_new_with_label("Open picture…");
    gtk_actionable_set_action_name(GTK_ACTIONABLE(open), "view.open-picture");
    gtk_widget_set_tooltip_text(open, "A PNG file of any size; its middle square is taken and "
                                      "scaled. You can also drop it on the window");
    lim_form_add_below(form, "source", open);
    lim_schema_form_fill(form, lim_dag_schema, dag, G_N_ELEMENTS(dag));
    lim_schema_form_fill(form, lim_scene_schema, scene, G_N_ELEMENTS(scene));
    LimTextRow *only = LIM_TEXT_ROW(lim_form_get_row(form, "only"));
    lim_text_row_set_on_enter(only, "Attack these garments (Enter)");
    lim_text_row_set_placeholder(only, "everything");
    return form;
}

static const struct {
    const char *name, *title, *text;
} pages[] = {
    {"targets", "Steps",
     "Two <a href='segmenters'>segmenters</a> give every pixel a class, two <a "
     "href='detectors'>detectors</a> find boxes. One change, hardly to be seen, makes all of it "
     "wrong for the network marked ◎; its <a href='difference'>difference</a> is enlarged by the "
     "gain beside it. The <a href='targets'>curve</a> counts what is still right; drag on it, or "
     "use the <a href='transport'>player</a>, to see any step."},
    {"paint", "Paint",
     "Paint on the <a href='segmenters'>clean picture</a> of the attacked segmenter what it is to "
     "see, with a class and a <a href='paint'>brush</a>; every stroke is another attack, which "
     "pushes each pixel to the class that it has in the painting."},
    {"fusion", "Fusion",
     "A perturbation made on one network often leaves the others alone. In the <a "
     "href='fusion'>sum</a> of several, each made on its own network, all go wrong at once, "
     "segmenters and detectors. In another order of rows the same values do much less: it is their "
     "structure that fools."},
    {"transfer", "Transfer",
     "The <a href='transfer'>table</a> has a row for each network that perturbations are made on, "
     "and a column for each that judges them, by mean IoU or mAP: the darker, the more of what it "
     "got right is gone. A click on a cell shows the scene that is nearest to its figure."},
};

static void
page_changed(LimScenesPane *self)
{
    const char *name = gtk_stack_get_visible_child_name(GTK_STACK(self->pages));

    for (gsize i = 0; i < G_N_ELEMENTS(pages) && name; i++)
        if (g_str_equal(name, pages[i].name))
            lim_explain_set_text(self->explain, pages[i].text);
    if (!name)
        return;
    if (!g_str_equal(name, "transfer"))
        lim_scenes_pane_leave_cell(self);
    lim_scenes_pane_show_canvas(self);
    const gboolean fused = lim_scenes_pane_is_fused(self);
    gtk_widget_set_sensitive(GTK_WIDGET(self->transport), !fused);
    if (self->was_fused != fused && self->stage) {
        if (self->run)
            lim_scenes_pane_show_position(self);
        lim_scenes_pane_look(self);
    }
    self->was_fused = fused;
}

static void
sum_changed(LimScenesPane *self)
{
    lim_form_pane_watch(LIM_FORM_PANE(self));
    if (lim_scenes_pane_is_fused(self))
        lim_scenes_pane_look(self);
}

static GtkWidget *
build_plot(LimScenesPane *self)
{
    self->plot = LIM_PLOT(lim_plot_new("Targets over steps"));
    lim_plot_set_axis(self->plot, GTK_ORIENTATION_HORIZONTAL, "Step", FALSE);
    lim_plot_set_axis(self->plot, GTK_ORIENTATION_VERTICAL, "Still right (%)", FALSE);
    lim_plot_set_range(self->plot, GTK_ORIENTATION_VERTICAL, 0, 100);
    lim_plot_set_empty_text(self->plot, "No step has been made yet");
    lim_plot_add_series(self->plot, "Targets", LIM_PLOT_LINE | LIM_PLOT_DRAG);
    return GTK_WIDGET(self->plot);
}

/* A page that scrolls sideways in a narrow window, so that it does not make the window wide. */
static GtkWidget *
narrowed(GtkWidget *page)
{
    GtkWidget *window = gtk_scrolled_window_new();

    gtk_scrolled_window_set_policy(GTK_SCROLLED_WINDOW(window), GTK_POLICY_AUTOMATIC,
                                   GTK_POLICY_NEVER);
    gtk_scrolled_window_set_min_content_width(GTK_SCROLLED_WINDOW(window), 240);
    gtk_scrolled_window_set_child(GTK_SCROLLED_WINDOW(window), page);
    return window;
}

static GtkWidget *
build_bottom(LimScenesPane *self)
{
    LimSession *session = lim_pane_get_session(LIM_PANE(self));

    self->paint = LIM_PAINT_PAGE(lim_paint_page_new());
    self->fusion = LIM_FUSION_PAGE(lim_fusion_page_new(session));
    self->transfer = LIM_TRANSFER_PAGE(lim_transfer_page_new(session));
    g_signal_connect_object(self->fusion, "changed", G_CALLBACK(sum_changed), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->fusion, "settled", G_CALLBACK(lim_form_pane_settle), self,
                            G_CONNECT_SWAPPED);
    GtkWidget *const children[] = {build_plot(self), narrowed(GTK_WIDGET(self->paint)),
                                   narrowed(GTK_WIDGET(self->fusion)),
                                   narrowed(GTK_WIDGET(self->transfer))};
    self->explain = LIM_EXPLAIN(lim_explain_new());
    self->pages = gtk_stack_new();
    for (gsize i = 0; i < G_N_ELEMENTS(pages); i++) {
        gtk_stack_add_titled(GTK_STACK(self->pages), children[i], pages[i].name, pages[i].title);
        lim_explain_add_term(self->explain, pages[i].name, children[i]);
    }
    lim_explain_add_term(self->explain, "segmenters",
                         GTK_WIDGET(lim_scene_board_get_view(self->board, LIM_SCENE_PART_CLEAN)));
    lim_explain_add_term(self->explain, "detectors",
                         GTK_WIDGET(
                             lim_scene_board_get_view(self->board, LIM_SCENE_PART_CLEAN + 2)));
    lim_explain_add_term(self->explain, "difference",
                         GTK_WIDGET(
                             lim_scene_board_get_view(self->board, LIM_SCENE_PART_DIFFERENCE)));
    lim_explain_add_term(self->explain, "transport", GTK_WIDGET(self->transport));
    g_signal_connect_object(self->pages, "notify::visible-child", G_CALLBACK(page_changed), self,
                            G_CONNECT_SWAPPED);
    page_changed(self);
    return lim_explain_row_new(self->explain, self->pages, BOTTOM, "What to show of the attack",
                               "About the attack");
}

static gboolean
key_pressed(LimScenesPane *self, guint keyval, guint code, GdkModifierType state)
{
    return lim_transport_key(self->transport, keyval, state);
}

static GtkWidget *
build_scenes(LimScenesPane *self)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);

    self->verdict = g_object_new(GTK_TYPE_LABEL, "accessible-role", GTK_ACCESSIBLE_ROLE_STATUS,
                                 "xalign", 0.0, "ellipsize", PANGO_ELLIPSIZE_END, NULL);
    gtk_widget_add_css_class(self->verdict, "picture-title");
    gtk_label_set_text(GTK_LABEL(self->verdict), "○ Reading the scene and the networks");
    gtk_box_append(GTK_BOX(box), self->verdict);
    self->board = LIM_SCENE_BOARD(lim_scene_board_new());
    gtk_widget_set_vexpand(GTK_WIDGET(self->board), TRUE);
    gtk_box_append(GTK_BOX(box), GTK_WIDGET(self->board));
    self->transport = LIM_TRANSPORT(lim_transport_new());
    lim_transport_set_plain(self->transport);
    gtk_box_append(GTK_BOX(box), GTK_WIDGET(self->transport));
    gtk_box_append(GTK_BOX(box), build_bottom(self));
    gtk_widget_add_css_class(box, "pictures");
    gtk_widget_add_css_class(box, "scenes");

    GtkEventController *keys = gtk_event_controller_key_new();
    g_signal_connect_object(keys, "key-pressed", G_CALLBACK(key_pressed), self, G_CONNECT_SWAPPED);
    gtk_widget_add_controller(box, keys);
    return box;
}

static void
map(GtkWidget *widget)
{
    LimScenesPane *self = LIM_SCENES_PANE(widget);

    GTK_WIDGET_CLASS(lim_scenes_pane_parent_class)->map(widget);
    self->seen = TRUE;
    lim_form_pane_resume(LIM_FORM_PANE(self));
    lim_scenes_pane_update_soon(self);
}

static void
constructed(GObject *object)
{
    LimScenesPane *self = LIM_SCENES_PANE(object);
    LimFormPane *pane = LIM_FORM_PANE(object);

    G_OBJECT_CLASS(lim_scenes_pane_parent_class)->constructed(object);
    g_autofree char *models = lim_shipped_model("");
    g_autofree char *samples = lim_shipped_samples();
    self->bench = lim_scenes_bench_new(models, samples);
    self->form = build_form();
    self->status = lim_form_pane_get_status(pane);
    GtkWidget *view = build_scenes(self);
    lim_scenes_shown_connect(self);
    lim_scenes_settings_connect(self);
    lim_scenes_painting_connect(self);
    lim_scenes_state_connect(self);
    lim_form_pane_build(pane, self->form, view);
}

static void
finalize(GObject *object)
{
    LimScenesPane *self = LIM_SCENES_PANE(object);

    g_free(self->own);
    g_free(self->wanted);
    g_free(self->canvas);
    lim_scenes_plan_clear(&self->posted);
    lim_scenes_run_unref(self->run);
    lim_scenes_stage_unref(self->stage);
    lim_scenes_bench_unref(self->bench);
    G_OBJECT_CLASS(lim_scenes_pane_parent_class)->finalize(object);
}

static void
lim_scenes_pane_class_init(LimScenesPaneClass *klass)
{
    G_OBJECT_CLASS(klass)->constructed = constructed;
    G_OBJECT_CLASS(klass)->finalize = finalize;
    GTK_WIDGET_CLASS(klass)->map = map;
    lim_scenes_shown_class_init(LIM_FORM_PANE_CLASS(klass));
    lim_scenes_settings_class_init(LIM_FORM_PANE_CLASS(klass));
    lim_scenes_state_class_init(LIM_FORM_PANE_CLASS(klass));
    lim_scenes_export_class_init(LIM_FORM_PANE_CLASS(klass));
}

static void
lim_scenes_pane_init(LimScenesPane *self)
{
    self->shown = self->judge = -1;
}

const LimPaneDef lim_pane_scenes = {"scenes", "Scenes", lim_scenes_pane_get_type};
