/* The minimum-perturbation ruler: how much of the change is needed along the straight line. */
#include "panes/attack/page.h"
#include "panes/attack/probe.h"
#include "tensor/image.h"
#include "widgets/lim-picture-view.h"
#include "widgets/lim-ruler.h"

#define LIM_TYPE_ATTACK_RULER (lim_attack_ruler_get_type())
G_DECLARE_FINAL_TYPE(LimAttackRuler, lim_attack_ruler, LIM, ATTACK_RULER, LimAttackPage)

struct _LimAttackRuler {
    LimAttackPage parent_instance;
    LimPictureView *picture;
    LimRuler *ruler;
    GtkWidget *said;
    LimAttackRun *run;
    int frame;
    guint64 serial; /* of lines */
};

G_DEFINE_FINAL_TYPE(LimAttackRuler, lim_attack_ruler, LIM_TYPE_ATTACK_PAGE)

static void
placed(void *data, LimTask *t, LimStatus status, const LimError *err, const LimTiming *timing)
{
    LimTarget *target = data;
    g_autoptr(LimAttackRuler) self = g_weak_ref_get(&target->object);
    const LimPlaceTask *task = (const LimPlaceTask *)t;

    if (!self || status != LIM_OK || target->serial != self->serial)
        return;
    const LimShape s = lim_attack_run_shape(task->run);
    g_autofree guint8 *pixels = g_malloc((gsize)lim_shape_size(s));
    lim_image_put_f32(lim_image_view(pixels, s.d[2], s.d[1], (size_t)(s.d[2] * s.d[0]),
                                     s.d[0] == 1 ? LIM_PIXEL_GREY8 : LIM_PIXEL_RGB8),
                      s.d[0], LIM_RANGE_UNIT, task->picture);
    lim_picture_view_set_picture(self->picture, pixels, s.d[2], s.d[1], s.d[0]);
    g_autofree char *text =
        g_strdup_printf("%.1f %% of the way: %s, %.0f %% (l2 distance %.4f)", 100 * task->t,
                        lim_attack_run_class_name(task->run, task->label),
                        100 * (double)task->probability[task->label], task->l2);
    gtk_label_set_text(GTK_LABEL(self->said), text);
    lim_picture_view_set_description(self->picture, text);
}

static void
ask_place(LimAttackRuler *self)
{
    if (!self->run)
        return;
    lim_worker_submit(lim_attack_page_get_worker(LIM_ATTACK_PAGE(self)),
                      lim_place_task_new(self->run, self->frame, lim_ruler_get_place(self->ruler)),
                      LIM_LANE_LIVE, LIM_ATTACK_SLOT_PLACE, 0,
                      (LimTaskEvents){.done = placed,
                                      .drop = lim_target_free,
                                      .data = lim_target_new(self, self->serial)});
}

static void
measured(void *data, LimTask *t, LimStatus status, const LimError *err, const LimTiming *timing)
{
    LimTarget *target = data;
    g_autoptr(LimAttackRuler) self = g_weak_ref_get(&target->object);
    const LimStripTask *task = (const LimStripTask *)t;

    if (!self || status != LIM_OK || target->serial != self->serial)
        return;
    const int n = lim_attack_run_classes(task->run);
    g_autofree const char **names = g_new(const char *, n);
    for (int k = 0; k < n; k++)
        names[k] = lim_attack_run_class_name(task->run, k);
    lim_ruler_set(self->ruler, task->label, task->confidence, LIM_STRIP, names, task->flip,
                  task->n_flips);
}

static void
show(LimAttackPage *page, LimAttackRun *run, int frame)
{
    LimAttackRuler *self = LIM_ATTACK_RULER(page);

    if (run == self->run && frame == self->frame)
        return;
    lim_attack_run_ref(run);
    lim_attack_run_unref(self->run);
    self->run = run;
    self->frame = frame;
    self->serial++;
    lim_worker_submit(lim_attack_page_get_worker(page), lim_strip_task_new(run, frame),
                      LIM_LANE_LIVE, LIM_ATTACK_SLOT_PAGE, 0,
                      (LimTaskEvents){.done = measured,
                                      .drop = lim_target_free,
                                      .data = lim_target_new(self, self->serial)});
    ask_place(self);
}

static void
finalize(GObject *object)
{
    lim_attack_run_unref(LIM_ATTACK_RULER(object)->run);
    G_OBJECT_CLASS(lim_attack_ruler_parent_class)->finalize(object);
}

static void
lim_attack_ruler_class_init(LimAttackRulerClass *klass)
{
    LimAttackPageClass *page_class = LIM_ATTACK_PAGE_CLASS(klass);

    G_OBJECT_CLASS(klass)->finalize = finalize;
    page_class->show = show;
    page_class->text =
        "How much of the change is needed? The strip follows the straight line from the <a "
        "href='clean'>clean</a> to the <a href='adversarial'>adversarial picture</a>. A line "
        "marks where the class changes, found by bisection. Drag the slider to see the picture "
        "there.";
}

static void
lim_attack_ruler_init(LimAttackRuler *self)
{
    GtkWidget *row = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 18);
    GtkWidget *column = gtk_box_new(GTK_ORIENTATION_VERTICAL, 12);
    g_autoptr(LimZoom) zoom = lim_zoom_new();

    self->frame = -1;
    self->picture = LIM_PICTURE_VIEW(lim_picture_view_new("Picture on the line", zoom));
    gtk_widget_set_size_request(GTK_WIDGET(self->picture), 128, 128);
    self->ruler = LIM_RULER(lim_ruler_new("Between clean and adversarial", "Clean", "Adversarial"));
    self->said = lim_attack_page_line_new();
    gtk_widget_set_hexpand(column, TRUE);
    gtk_box_append(GTK_BOX(column), self->said);
    gtk_box_append(GTK_BOX(column), GTK_WIDGET(self->ruler));
    gtk_box_append(GTK_BOX(row), GTK_WIDGET(self->picture));
    gtk_box_append(GTK_BOX(row), column);
    g_signal_connect_object(self->ruler, "moved", G_CALLBACK(ask_place), self, G_CONNECT_SWAPPED);
    lim_attack_page_set_child(LIM_ATTACK_PAGE(self), row);
}
