/* The decision slice: the plane through clean picture, start and shown picture. Computed coarse at
 * first, then fine; a film that plays moves the mark of the shown picture in the plane that is
 * there, and a new plane is computed where it comes to rest. The place that is pointed at is shown
 * as a picture; the nearest step of the attack can be shown above. */
#include "panes/attack/page.h"
#include "panes/attack/probe.h"
#include "tensor/image.h"
#include "widgets/lim-picture-view.h"
#include "widgets/lim-slice.h"

#include <math.h>

#define COARSE  16
#define FINE    56
#define REST_MS 250

#define LIM_TYPE_ATTACK_SLICE (lim_attack_slice_get_type())
G_DECLARE_FINAL_TYPE(LimAttackSlice, lim_attack_slice, LIM, ATTACK_SLICE, LimAttackPage)

struct _LimAttackSlice {
    LimAttackPage parent_instance;
    LimSlice *slice;
    LimPictureView *picture; /* of the place */
    GtkWidget *said, *here;
    float *axis[2]; /* [size], of the plane that is seen; NULL: none yet */
    int n_path;
    double path[LIM_SLICE_PATH][2];
    int path_frame[LIM_SLICE_PATH];
    LimAttackRun *run;
    int frame;
    guint64 serial;
    uint64_t job;
    guint rest;
};

G_DEFINE_FINAL_TYPE(LimAttackSlice, lim_attack_slice, LIM_TYPE_ATTACK_PAGE)

static void compute(LimAttackSlice *self, int grid);

static void
point_nowhere(LimAttackSlice *self)
{
    lim_slice_set_place(self->slice, NAN, NAN);
    lim_picture_view_set_picture(self->picture, NULL, 0, 0, 0);
    gtk_label_set_text(GTK_LABEL(self->here), NULL);
}

/* Keeps what places need to know of a plane. */
static void
take_plane(LimAttackSlice *self, const LimSliceTask *task)
{
    const size_t size = (size_t)lim_shape_size(lim_attack_run_shape(task->run)) * sizeof(float);

    if (self->axis[0] && memcmp(self->axis[0], task->axis[0], size) == 0 &&
        memcmp(self->axis[1], task->axis[1], size) == 0)
        return; /* only finer */
    point_nowhere(self);
    for (int k = 0; k < 2; k++) {
        g_free(self->axis[k]);
        self->axis[k] = g_memdup2(task->axis[k], size);
    }
    self->n_path = task->n_path;
    memcpy(self->path, task->path, sizeof self->path);
    memcpy(self->path_frame, task->path_frame, sizeof self->path_frame);
}

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
    take_plane(self, task);
    lim_slice_set_map(self->slice, task->label, task->confidence, task->grid, task->x0, task->y0,
                      task->side, names, n);
    lim_slice_set_path(self->slice, task->path, task->n_path);
    const LimSlicePoint points[] = {{0, 0, "clean"},
                                    {task->start[0], task->start[1], "start"},
                                    {task->shown[0], task->shown[1], "shown"}};
    lim_slice_set_points(self->slice, points, 3);
    g_autofree char *text =
        g_strdup_printf("%d × %d places\n%.3g across (l2)", task->grid, task->grid, task->side);
    gtk_label_set_text(GTK_LABEL(self->said), text);
    if (task->grid < FINE)
        compute(self, FINE);
}

static void
placed(void *data, LimTask *t, LimStatus status, const LimError *err, const LimTiming *timing)
{
    g_autoptr(LimAttackSlice) self = g_weak_ref_get(&((LimTarget *)data)->object);
    const LimPlaceTask *task = (const LimPlaceTask *)t;

    if (!self || status != LIM_OK || task->run != self->run || !self->axis[0])
        return;
    const LimShape s = lim_attack_run_shape(task->run);
    g_autofree guint8 *pixels = g_malloc((gsize)lim_shape_size(s));
    lim_image_put_f32(lim_image_view(pixels, s.d[2], s.d[1], (size_t)(s.d[2] * s.d[0]),
                                     s.d[0] == 1 ? LIM_PIXEL_GREY8 : LIM_PIXEL_RGB8),
                      s.d[0], LIM_RANGE_UNIT, task->picture);
    lim_picture_view_set_picture(self->picture, pixels, s.d[2], s.d[1], s.d[0]);
    g_autofree char *text = g_strdup_printf("%s, %.0f %%\nl2 distance %.4f",
                                            lim_attack_run_class_name(task->run, task->label),
                                            100 * (double)task->probability[task->label], task->l2);
    gtk_label_set_text(GTK_LABEL(self->here), text);
    lim_picture_view_set_description(self->picture, text);
}

static void
place_moved(LimAttackSlice *self, double x, double y)
{
    if (!self->run || !self->axis[0])
        return;
    lim_worker_submit(lim_attack_page_get_worker(LIM_ATTACK_PAGE(self)),
                      lim_plane_place_task_new(self->run, (const float *const *)self->axis, x, y),
                      LIM_LANE_LIVE, LIM_ATTACK_SLOT_PLACE, 0,
                      (LimTaskEvents){.done = placed,
                                      .drop = lim_target_free,
                                      .data = lim_target_new(self, self->serial)});
}

/* To the step of the attack that lies nearest in the plane. */
static void
place_activated(LimAttackSlice *self, double x, double y)
{
    double least = INFINITY;
    int nearest = -1;

    for (int i = 0; i < self->n_path; i++) {
        const double d = hypot(self->path[i][0] - x, self->path[i][1] - y);
        if (d < least) {
            least = d;
            nearest = self->path_frame[i];
        }
    }
    if (nearest >= 0)
        lim_attack_page_want(LIM_ATTACK_PAGE(self), self->run, nearest);
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
    if (run != self->run) {
        lim_slice_clear(self->slice);
        point_nowhere(self);
        g_clear_pointer(&self->axis[0], g_free);
        g_clear_pointer(&self->axis[1], g_free);
        self->n_path = 0;
    }
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
    LimAttackSlice *self = LIM_ATTACK_SLICE(object);

    g_free(self->axis[0]);
    g_free(self->axis[1]);
    lim_attack_run_unref(self->run);
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
        "The line is the way of the attack, seen from above: it leaves the plane. Click or drag to "
        "see the picture there; a double click goes to the nearest step of the "
        "attack (with the keyboard: arrows and Enter).";
}

static void
lim_attack_slice_init(LimAttackSlice *self)
{
    GtkWidget *row = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 18);
    GtkWidget *beside = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);
    g_autoptr(LimZoom) zoom = lim_zoom_new();

    self->frame = -1;
    self->slice = LIM_SLICE(lim_slice_new("Decision slice"));
    gtk_widget_set_hexpand(GTK_WIDGET(self->slice), TRUE);
    gtk_widget_set_vexpand(GTK_WIDGET(self->slice), TRUE);
    g_signal_connect_object(self->slice, "place-moved", G_CALLBACK(place_moved), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->slice, "place-activated", G_CALLBACK(place_activated), self,
                            G_CONNECT_SWAPPED);
    self->picture = LIM_PICTURE_VIEW(lim_picture_view_new("Picture at the place", zoom));
    gtk_widget_set_size_request(GTK_WIDGET(self->picture), 112, 112);
    lim_picture_view_set_empty_text(self->picture, "Click on the map");
    self->here = lim_attack_page_line_new();
    self->said = lim_attack_page_line_new();
    gtk_label_set_text(GTK_LABEL(self->said), "Computing the slice");
    gtk_box_append(GTK_BOX(beside), self->said);
    gtk_box_append(GTK_BOX(beside), GTK_WIDGET(self->picture));
    gtk_box_append(GTK_BOX(beside), self->here);
    gtk_box_append(GTK_BOX(row), GTK_WIDGET(self->slice));
    gtk_box_append(GTK_BOX(row), beside);
    lim_attack_page_set_child(LIM_ATTACK_PAGE(self), row);
}
