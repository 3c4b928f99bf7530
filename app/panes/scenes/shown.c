/* The step that is shown: what it is called, what all networks see in it, and the player that walks
 * through the steps while the worker adds to them. What networks see is asked for on the live lane;
 * the steps are made by the form pane's long job, or by an export. */
#include "panes/scenes/pane.h"

#include <math.h>

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
