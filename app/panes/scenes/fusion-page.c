/* Four sliders over a long job. */
#include "panes/scenes/fusion-page.h"

#include "lim-long-job.h"

#define WEIGHT_MAX 2

struct _LimFusionPage {
    GtkWidget parent_instance;
    LimSession *session;
    LimScenesStage *stage;
    LimScenesPlan plan; /* a copy */
    LimFusion *fusion;  /* NULL: not begun */
    LimLongJob job;
    int shown; /* perturbations that "changed" has told of */
    GtkWidget *box, *scale[LIM_SCENES_NETS], *said[LIM_SCENES_NETS], *permute;
};

static guint changed_signal;

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

int
lim_fusion_page_get(LimFusionPage *self, const float *r[LIM_SCENES_NETS],
                    double weight[LIM_SCENES_NETS], gboolean *permute)
{
    LimFusionNow now;
    int n = 0;

    *permute = gtk_switch_get_active(GTK_SWITCH(self->permute));
    if (!self->fusion)
        return 0;
    lim_fusion_now(self->fusion, &now);
    for (int i = 0; i < LIM_SCENES_NETS; i++) {
        if (!now.r[i])
            continue;
        r[n] = now.r[i];
        weight[n++] = gtk_range_get_value(GTK_RANGE(self->scale[i]));
    }
    return n;
}

/* ---- making them ---- */

static void
tell(LimFusionPage *self)
{
    LimFusionNow now = {.at = -1};
    int there = 0;

    if (self->fusion)
        lim_fusion_now(self->fusion, &now);
    for (int i = 0; i < LIM_SCENES_NETS; i++) {
        g_autofree char *text = self->stage && self->stage->why[i] ? g_strdup("not there")
                                : now.r[i] && now.targets[i]
                                    ? g_strdup_printf("%d steps, %.0f %%", now.iterations[i],
                                                      100.0 * now.active[i] / now.targets[i])
                                : now.r[i]    ? g_strdup("no targets")
                                : now.at == i ? g_strdup_printf("step %d …", now.iterations[i])
                                              : g_strdup("waits");
        gtk_label_set_text(GTK_LABEL(self->said[i]), text);
        gtk_widget_set_sensitive(self->scale[i], now.r[i] != NULL);
        there += now.r[i] != NULL;
    }
    if (there == self->shown)
        return;
    self->shown = there;
    g_signal_emit(self, changed_signal, 0);
}

static void
progressed(gpointer self)
{
    tell(self);
}

static void
finished(gpointer self, LimTask *t, LimStatus status, const LimError *err)
{
    tell(self);
}

static void
begin(LimFusionPage *self)
{
    if (lim_long_job_goes_on(&self->job) || !self->stage ||
        !gtk_widget_get_mapped(GTK_WIDGET(self)))
        return;
    if (!self->fusion)
        self->fusion = lim_fusion_new(self->stage, &self->plan);
    LimFusionNow now;
    lim_fusion_now(self->fusion, &now);
    if (now.at == LIM_SCENES_NETS)
        return;
    lim_long_job_go_on(&self->job, worker_of(self), self, lim_fusion_task_new(self->fusion),
                       progressed, finished);
    tell(self);
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
    g_signal_emit(self, changed_signal, 0);
}

static void
build_slider(LimFusionPage *self, GtkWidget *grid, int i)
{
    GtkWidget *head = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 12);
    GtkWidget *name = gtk_label_new(lim_scenes_net_name(i)), *cell;

    gtk_widget_add_css_class(name, "part-title");
    self->said[i] = g_object_new(GTK_TYPE_LABEL, "xalign", 1.0, "hexpand", TRUE, "ellipsize",
                                 PANGO_ELLIPSIZE_END, NULL);
    gtk_widget_add_css_class(self->said[i], "numeric");
    gtk_widget_set_tooltip_text(self->said[i],
                                "Steps of the attack, and the targets that are still "
                                "right after them");
    gtk_box_append(GTK_BOX(head), name);
    gtk_box_append(GTK_BOX(head), self->said[i]);
    self->scale[i] = gtk_scale_new_with_range(GTK_ORIENTATION_HORIZONTAL, 0, WEIGHT_MAX, 0.05);
    gtk_range_set_value(GTK_RANGE(self->scale[i]), 1);
    gtk_scale_set_draw_value(GTK_SCALE(self->scale[i]), TRUE);
    gtk_scale_set_digits(GTK_SCALE(self->scale[i]), 2);
    gtk_scale_set_value_pos(GTK_SCALE(self->scale[i]), GTK_POS_RIGHT);
    gtk_widget_set_tooltip_text(self->scale[i], "The weight of the perturbation that was made on "
                                                "this network, in the sum that all look at");
    g_autofree char *label = g_strdup_printf("Weight, %s", lim_scenes_net_name(i));
    gtk_accessible_update_property(GTK_ACCESSIBLE(self->scale[i]), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   label, -1);
    g_signal_connect_object(self->scale[i], "value-changed", G_CALLBACK(changed), self,
                            G_CONNECT_SWAPPED);
    cell = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);
    gtk_box_append(GTK_BOX(cell), head);
    gtk_box_append(GTK_BOX(cell), self->scale[i]);
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
    G_OBJECT_CLASS(lim_fusion_page_parent_class)->dispose(object);
}

static void
lim_fusion_page_class_init(LimFusionPageClass *klass)
{
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = dispose;
    widget_class->map = map;
    widget_class->unmap = unmap;
    changed_signal = g_signal_new("changed", LIM_TYPE_FUSION_PAGE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                  NULL, G_TYPE_NONE, 0);
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
    GtkWidget *grid = gtk_grid_new(), *row = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 12);
    GtkWidget *name = gtk_label_new("Rows in another order");

    self->session = g_object_ref(session);
    gtk_grid_set_column_spacing(GTK_GRID(grid), 24);
    gtk_grid_set_row_spacing(GTK_GRID(grid), 6);
    gtk_grid_set_column_homogeneous(GTK_GRID(grid), TRUE);
    for (int i = 0; i < LIM_SCENES_NETS; i++)
        build_slider(self, grid, i);
    self->permute = gtk_switch_new();
    gtk_widget_set_tooltip_text(
        self->permute, "The control: the same values in another order of rows are as large "
                       "in every norm, and fool nobody if it is the structure that fools");
    gtk_accessible_update_property(GTK_ACCESSIBLE(self->permute), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   "Rows in another order", -1);
    g_signal_connect_object(self->permute, "notify::active", G_CALLBACK(changed), self,
                            G_CONNECT_SWAPPED);
    gtk_box_append(GTK_BOX(row), self->permute);
    gtk_box_append(GTK_BOX(row), name);
    self->box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 12);
    gtk_box_append(GTK_BOX(self->box), grid);
    gtk_box_append(GTK_BOX(self->box), row);
    gtk_widget_set_parent(self->box, GTK_WIDGET(self));
    gtk_accessible_update_property(GTK_ACCESSIBLE(self), GTK_ACCESSIBLE_PROPERTY_LABEL, "Fusion",
                                   -1);
    tell(self);
    return GTK_WIDGET(self);
}
