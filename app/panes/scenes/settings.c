/* From the form, a click on a garment or a cell of the table to another attack: with the next frame
 * the settings are read, and when they mean another attack than the last, it is begun on the live
 * lane and takes the place of what was shown. */
#include "panes/scenes/pane.h"

#include "schema-form.h"

#include <math.h>

#define SCENES_MAX 1000000

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
