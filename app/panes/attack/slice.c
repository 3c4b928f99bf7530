/* The decision slice: the plane through clean picture, start and shown picture. Computed coarse at
 * first, then fine; a film that plays moves the mark of the shown picture in the plane that is
 * there, and a new plane is computed where it comes to rest. */
#include "panes/attack/page.h"
#include "panes/attack/probe.h"
#include "widgets/lim-slice.h"

#define COARSE  16
#define FINE    56
#define REST_MS 250

#define LIM_TYPE_ATTACK_SLICE (lim_attack_slice_get_type())
G_DECLARE_FINAL_TYPE(LimAttackSlice, lim_attack_slice, LIM, ATTACK_SLICE, LimAttackPage)

struct _LimAttackSlice {
    LimAttackPage parent_instance;
    LimSlice *slice;
    GtkWidget *said;
    LimAttackRun *run;
    int frame;
    guint64 serial;
    uint64_t job;
    guint rest;
};

G_DEFINE_FINAL_TYPE(LimAttackSlice, lim_attack_slice, LIM_TYPE_ATTACK_PAGE)

static void compute(LimAttackSlice *self, int grid);

static void
sliced(void *data, LimTask *t, LimStatus status, const LimError *err, const LimTiming *timing)
{
    LimTarget *target = data;
    g_autoptr(LimAttackSlice) self = g_weak_ref_get(&target->object);
    const LimSliceTask *task = (const LimSliceTask *)t;

    if (!self || status != LIM_OK || target->serial != self->serial)
        return;
    const int n = lim_attack_run_classes(task->run);
    g_autofree const char **names = g_new(const char *, n);
    for (int k = 0; k < n; k++)
        names[k] = lim_attack_run_class_name(task->run, k);
    self->job = 0;
    lim_slice_set_map(self->slice, task->label, task->confidence, task->grid, task->x0, task->y0,
                      task->side, names, n);
    lim_slice_set_path(self->slice, task->path, task->n_path);
    const LimSlicePoint points[] = {{0, 0, "clean"},
                                    {task->start[0], task->start[1], "start"},
                                    {task->shown[0], task->shown[1], "shown"}};
    lim_slice_set_points(self->slice, points, 3);
    g_autofree char *text =
        g_strdup_printf("%d × %d places, %.3g across (l2)", task->grid, task->grid, task->side);
    gtk_label_set_text(GTK_LABEL(self->said), text);
    if (task->grid < FINE)
        compute(self, FINE);
}

static void
stop(LimAttackSlice *self)
{
    g_clear_handle_id(&self->rest, g_source_remove);
    if (self->job)
        lim_worker_cancel(lim_attack_page_get_worker(LIM_ATTACK_PAGE(self)), self->job);
    self->job = 0;
    self->serial++;
}

static void
compute(LimAttackSlice *self, int grid)
{
    self->job =
        lim_worker_submit(lim_attack_page_get_worker(LIM_ATTACK_PAGE(self)),
                          lim_slice_task_new(self->run, self->frame, grid), LIM_LANE_LONG, 0, 0,
                          (LimTaskEvents){.done = sliced,
                                          .drop = lim_target_free,
                                          .data = lim_target_new(self, self->serial)});
}

static gboolean
rested(gpointer data)
{
    LimAttackSlice *self = data;

    self->rest = 0;
    compute(self, COARSE);
    return G_SOURCE_REMOVE;
}

static void
show(LimAttackPage *page, LimAttackRun *run, int frame)
{
    LimAttackSlice *self = LIM_ATTACK_SLICE(page);

    if (run == self->run && frame == self->frame)
        return;
    stop(self);
    if (run != self->run)
        lim_slice_clear(self->slice);
    lim_attack_run_ref(run);
    lim_attack_run_unref(self->run);
    self->run = run;
    self->frame = frame;
    self->rest = g_timeout_add(REST_MS, rested, self);
}

static void
dispose(GObject *object)
{
    LimAttackSlice *self = LIM_ATTACK_SLICE(object);

    g_clear_handle_id(&self->rest, g_source_remove);
    G_OBJECT_CLASS(lim_attack_slice_parent_class)->dispose(object);
}

static void
finalize(GObject *object)
{
    lim_attack_run_unref(LIM_ATTACK_SLICE(object)->run);
    G_OBJECT_CLASS(lim_attack_slice_parent_class)->finalize(object);
}

static void
lim_attack_slice_class_init(LimAttackSliceClass *klass)
{
    LimAttackPageClass *page_class = LIM_ATTACK_PAGE_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = dispose;
    G_OBJECT_CLASS(klass)->finalize = finalize;
    page_class->show = show;
    page_class->text =
        "The <a href='slice'>map</a> is the plane through the <a href='clean'>clean picture</a>, "
        "the start of the attack and the <a href='adversarial'>shown picture</a>. Every place is a "
        "picture; its colour is the class that the classifier sees, paler where it is less sure. "
        "The line is the way of the attack, seen from above: it leaves the plane.";
}

static void
lim_attack_slice_init(LimAttackSlice *self)
{
    GtkWidget *column = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);

    self->frame = -1;
    self->slice = LIM_SLICE(lim_slice_new("Decision slice"));
    gtk_widget_set_vexpand(GTK_WIDGET(self->slice), TRUE);
    self->said = gtk_label_new("Computing the slice");
    gtk_widget_add_css_class(self->said, "numeric");
    gtk_box_append(GTK_BOX(column), GTK_WIDGET(self->slice));
    gtk_box_append(GTK_BOX(column), self->said);
    lim_attack_page_set_child(LIM_ATTACK_PAGE(self), column);
}
