/* Four rows of a form, with what the long job that makes their perturbations says below each. */
#include "panes/scenes/fusion-page.h"

#include "attacks/dag-fusion.h"
#include "lim-long-job.h"
#include "widgets/lim-slider-row.h"
#include "widgets/lim-switch-row.h"

#define WEIGHT_SHOWN 2 /* that a slider reaches; more can be typed */

struct _LimFusionPage {
    GtkWidget parent_instance;
    LimSession *session;
    LimScenesStage *stage;
    LimScenesPlan plan; /* a copy */
    LimFusion *fusion;  /* NULL: not begun */
    LimLongJob job;
    gboolean held;
    char *why; /* the job failed; or NULL */
    int shown; /* perturbations that "changed" has told of */
    GtkWidget *box, *said[LIM_SCENES_NETS];
    LimFormRow *row[LIM_SCENES_NETS + 1]; /* weights, and whether rows are in another order */
};

enum { CHANGED, SETTLED, N_SIGNALS };
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE(LimFusionPage, lim_fusion_page, GTK_TYPE_WIDGET)

static LimWorker *
worker_of(LimFusionPage *self)
{
    return lim_session_get_worker(self->session);
}

gboolean
lim_fusion_page_get_busy(LimFusionPage *self)
{
    return lim_long_job_goes_on(&self->job);
}

LimFusion *
lim_fusion_page_get_fusion(LimFusionPage *self)
{
    if (!self->fusion && self->stage)
        self->fusion = lim_fusion_new(self->stage, &self->plan);
    return self->fusion;
}

LimFormRow *
lim_fusion_page_get_row(LimFusionPage *self, int i)
{
    return self->row[i];
}

/* ---- the weights ---- */

void
lim_fusion_page_get_weights(LimFusionPage *self, double weight[LIM_SCENES_NETS], gboolean *permute)
{
    for (int i = 0; i < LIM_SCENES_NETS; i++) {
        g_autoptr(GVariant) value = lim_form_row_dup_value(self->row[i]);
        weight[i] = g_variant_get_double(value);
    }
    g_autoptr(GVariant) value = lim_form_row_dup_value(self->row[LIM_SCENES_NETS]);
    *permute = g_variant_get_boolean(value);
}

GVariant *
lim_fusion_page_dup_state(LimFusionPage *self)
{
    GVariantBuilder state = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE(LIM_FUSION_STATE));

    for (int i = 0; i <= LIM_SCENES_NETS; i++) {
        g_autoptr(GVariant) value = lim_form_row_dup_settled(self->row[i]);
        g_variant_builder_add_value(&state, value);
    }
    return g_variant_ref_sink(g_variant_builder_end(&state));
}

gboolean
lim_fusion_page_set_state(LimFusionPage *self, GVariant *state)
{
    g_autoptr(GVariant) held = g_variant_ref_sink(state), now = lim_fusion_page_dup_state(self);

    for (gsize i = 0; i <= LIM_SCENES_NETS; i++)
        lim_form_row_set_value(self->row[i], g_variant_get_child_value(held, i));
    return !g_variant_equal(held, now);
}

void
lim_fusion_page_reset(LimFusionPage *self)
{
    lim_fusion_page_set_state(self, g_variant_new(LIM_FUSION_STATE, 1.0, 1.0, 1.0, 1.0, FALSE));
}

void
lim_fusion_page_flush(LimFusionPage *self)
{
    for (int i = 0; i <= LIM_SCENES_NETS; i++)
        lim_form_row_flush(self->row[i]);
}

gboolean
lim_fusion_page_is_open(LimFusionPage *self)
{
    for (int i = 0; i <= LIM_SCENES_NETS; i++)
        if (lim_form_row_is_open(self->row[i]))
            return TRUE;
    return FALSE;
}

int
lim_fusion_page_get(LimFusionPage *self, const float *r[LIM_SCENES_NETS],
                    double weight[LIM_SCENES_NETS], gboolean *permute)
{
    LimFusionNow now;
    double all[LIM_SCENES_NETS];
    int n = 0;

    lim_fusion_page_get_weights(self, all, permute);
    if (!self->fusion)
        return 0;
    lim_fusion_now(self->fusion, &now);
    for (int i = 0; i < LIM_SCENES_NETS; i++) {
        if (!now.r[i])
            continue;
        r[n] = now.r[i];
        weight[n++] = all[i];
    }
    return n;
}

/* ---- making them ---- */

static char *
dup_said(LimFusionPage *self, const LimFusionNow *now, int i)
{
    if (self->stage && self->stage->why[i])
        return g_strdup(self->stage->why[i]);
    if (now->r[i] && now->targets[i])
        return g_strdup_printf("Made in %d steps; %.0f %% still right for it", now->iterations[i],
                               100.0 * now->active[i] / now->targets[i]);
    if (now->r[i])
        return g_strdup("There is nothing to attack");
    if (now->at == i && self->why)
        return g_strdup(self->why);
    if (now->at == i)
        return g_strdup_printf("Step %d", now->iterations[i]);
    return g_strdup("Waits for its turn");
}

static void
tell(LimFusionPage *self)
{
    LimFusionNow now = {.at = -1};
    int there = 0;

    if (self->fusion)
        lim_fusion_now(self->fusion, &now);
    for (int i = 0; i < LIM_SCENES_NETS; i++) {
        g_autofree char *text = dup_said(self, &now, i);
        gtk_label_set_text(GTK_LABEL(self->said[i]), text);
        gtk_widget_set_tooltip_text(self->said[i], text);
        lim_form_row_set_enabled(self->row[i], now.r[i] != NULL);
        there += now.r[i] != NULL;
    }
    if (there == self->shown)
        return;
    self->shown = there;
    g_signal_emit(self, signals[CHANGED], 0);
}

void
lim_fusion_page_refresh(LimFusionPage *self)
{
    tell(self);
}

static void
progressed(gpointer self)
{
    tell(self);
}

static void
finished(gpointer owner, LimTask *t, LimStatus status, const LimError *err)
{
    LimFusionPage *self = owner;

    if (status != LIM_OK && status != LIM_CANCELLED)
        self->why = g_strdup(err->text);
    tell(self);
}

static void
begin(LimFusionPage *self)
{
    if (lim_long_job_goes_on(&self->job) || self->held || !self->stage ||
        !gtk_widget_get_mapped(GTK_WIDGET(self)))
        return;
    LimFusionNow now;
    lim_fusion_now(lim_fusion_page_get_fusion(self), &now);
    if (now.at == LIM_SCENES_NETS)
        return;
    g_clear_pointer(&self->why, g_free);
    lim_long_job_go_on(&self->job, worker_of(self), self, lim_fusion_task_new(self->fusion),
                       progressed, finished);
    tell(self);
}

void
lim_fusion_page_hold(LimFusionPage *self, gboolean hold)
{
    self->held = hold;
    if (hold)
        lim_long_job_halt(&self->job);
    else
        begin(self);
}

void
lim_fusion_page_set(LimFusionPage *self, LimScenesStage *stage, const LimScenesPlan *plan)
{
    lim_long_job_halt(&self->job);
    g_clear_pointer(&self->fusion, lim_fusion_unref);
    lim_scenes_stage_ref(stage);
    lim_scenes_stage_unref(self->stage);
    self->stage = stage;
    lim_scenes_plan_clear(&self->plan);
    lim_scenes_plan_copy(&self->plan, plan);
    self->shown = 0;
    g_clear_pointer(&self->why, g_free);
    tell(self);
    begin(self);
}

static void
map(GtkWidget *widget)
{
    GTK_WIDGET_CLASS(lim_fusion_page_parent_class)->map(widget);
    begin(LIM_FUSION_PAGE(widget));
}

/* Nobody waits for them any more; what is made stays. */
static void
unmap(GtkWidget *widget)
{
    lim_long_job_halt(&LIM_FUSION_PAGE(widget)->job);
    GTK_WIDGET_CLASS(lim_fusion_page_parent_class)->unmap(widget);
}

/* ---- construction ---- */

static void
changed(LimFusionPage *self)
{
    g_signal_emit(self, signals[CHANGED], 0);
}

static void
settled(LimFusionPage *self)
{
    g_signal_emit(self, signals[SETTLED], 0);
}

static void
take_row(LimFusionPage *self, int i, GtkWidget *row)
{
    self->row[i] = LIM_FORM_ROW(row);
    g_signal_connect_object(row, "changed", G_CALLBACK(changed), self, G_CONNECT_SWAPPED);
    g_signal_connect_object(row, "settled", G_CALLBACK(settled), self, G_CONNECT_SWAPPED);
}

static void
build_slider(LimFusionPage *self, GtkWidget *grid, int i)
{
    GtkWidget *cell = gtk_box_new(GTK_ORIENTATION_VERTICAL, 3);
    g_autofree char *key = g_strdup_printf("weight-%d", i);
    GtkWidget *row = lim_slider_row_new(key, lim_scenes_net_name(i),
                                        "The weight of the perturbation that was made on this "
                                        "network, in the sum that all look at",
                                        "", 0, LIM_DAG_WEIGHT_MAX, 1, 2, NULL, 0);

    lim_slider_row_set_range(LIM_SLIDER_ROW(row), 0, WEIGHT_SHOWN, 2);
    take_row(self, i, row);
    self->said[i] =
        g_object_new(GTK_TYPE_LABEL, "xalign", 0.0, "ellipsize", PANGO_ELLIPSIZE_END, NULL);
    gtk_widget_add_css_class(self->said[i], "numeric");
    gtk_widget_add_css_class(self->said[i], "note");
    gtk_box_append(GTK_BOX(cell), row);
    gtk_box_append(GTK_BOX(cell), self->said[i]);
    gtk_widget_set_hexpand(cell, TRUE);
    gtk_grid_attach(GTK_GRID(grid), cell, i / 2, i % 2, 1, 1);
}

static void
dispose(GObject *object)
{
    LimFusionPage *self = LIM_FUSION_PAGE(object);

    lim_long_job_halt(&self->job);
    g_clear_pointer(&self->fusion, lim_fusion_unref);
    g_clear_pointer(&self->stage, lim_scenes_stage_unref);
    lim_scenes_plan_clear(&self->plan);
    g_clear_pointer(&self->box, gtk_widget_unparent);
    g_clear_object(&self->session);
    g_clear_pointer(&self->why, g_free);
    G_OBJECT_CLASS(lim_fusion_page_parent_class)->dispose(object);
}

static void
lim_fusion_page_class_init(LimFusionPageClass *klass)
{
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = dispose;
    widget_class->map = map;
    widget_class->unmap = unmap;
    signals[CHANGED] = g_signal_new("changed", LIM_TYPE_FUSION_PAGE, G_SIGNAL_RUN_LAST, 0, NULL,
                                    NULL, NULL, G_TYPE_NONE, 0);
    signals[SETTLED] = g_signal_new("settled", LIM_TYPE_FUSION_PAGE, G_SIGNAL_RUN_LAST, 0, NULL,
                                    NULL, NULL, G_TYPE_NONE, 0);
    gtk_widget_class_set_layout_manager_type(widget_class, GTK_TYPE_BIN_LAYOUT);
    gtk_widget_class_set_accessible_role(widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
lim_fusion_page_init(LimFusionPage *self)
{
}

GtkWidget *
lim_fusion_page_new(LimSession *session)
{
    LimFusionPage *self = g_object_new(LIM_TYPE_FUSION_PAGE, NULL);
    GtkWidget *grid = gtk_grid_new();
    GtkWidget *permuted = lim_switch_row_new(
        "permuted", "Rows in another order",
        "The control: the same values in another order of rows are as large in every norm, and "
        "fool nobody if it is the structure that fools",
        FALSE);

    self->session = g_object_ref(session);
    gtk_grid_set_column_spacing(GTK_GRID(grid), 24);
    gtk_grid_set_row_spacing(GTK_GRID(grid), 6);
    gtk_grid_set_column_homogeneous(GTK_GRID(grid), TRUE);
    for (int i = 0; i < LIM_SCENES_NETS; i++)
        build_slider(self, grid, i);
    take_row(self, LIM_SCENES_NETS, permuted);
    gtk_grid_attach(GTK_GRID(grid), permuted, 0, 2, 1, 1);
    self->box = grid;
    gtk_widget_set_parent(self->box, GTK_WIDGET(self));
    gtk_accessible_update_property(GTK_ACCESSIBLE(self), GTK_ACCESSIBLE_PROPERTY_LABEL, "Fusion",
                                   -1);
    tell(self);
    return GTK_WIDGET(self);
}
