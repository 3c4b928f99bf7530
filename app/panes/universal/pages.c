/* A button makes the series; the table and the pictures follow it. */
#include "panes/universal/pages.h"

#include "lim-long-job.h"
#include "panes/attack/panes.h"
#include "widgets/lim-image-grid.h"

#include <math.h>
#include <stdlib.h>

struct _LimSeriesPage {
    GtkWidget parent_instance;
    LimSession *session;
    LimSeriesKind kind;
    LimUniversalRun *run;
    LimSeries *series;
    LimLongJob job;
    GtkWidget *box, *button, *said, *table;
    LimImageGrid *grid;
    GtkWidget *cell[LIM_SERIES_MAX][LIM_SERIES_MAX];
    int rows, shown;
};

G_DEFINE_FINAL_TYPE(LimSeriesPage, lim_series_page, GTK_TYPE_WIDGET)

static GtkWidget *
label_new(const char *text, gboolean numeric)
{
    GtkWidget *label = gtk_label_new(text);

    gtk_label_set_xalign(GTK_LABEL(label), numeric ? 1 : 0);
    if (numeric)
        gtk_widget_add_css_class(label, "numeric");
    return label;
}

/* Of row i, short enough for the head of a column. */
static const char *
short_name(const LimSeriesNow *now, int i)
{
    static const char shipped[] = "fashion-";

    return g_str_has_prefix(now->name[i], shipped) ? now->name[i] + strlen(shipped) : now->name[i];
}

/* Rows and columns of a series of n. */
static void
build_table(LimSeriesPage *self, const LimSeriesNow *now)
{
    GtkWidget *child;

    if (self->rows == now->n)
        return;
    while ((child = gtk_widget_get_first_child(self->table)))
        gtk_grid_remove(GTK_GRID(self->table), child);
    for (int i = 0; i < now->n; i++) {
        const char *name = short_name(now, i);
        gtk_grid_attach(GTK_GRID(self->table), label_new(name, FALSE), 0, i + 1, 1, 1);
        gtk_grid_attach(GTK_GRID(self->table), label_new(name, TRUE), i + 1, 0, 1, 1);
        for (int k = 0; k < now->n; k++) {
            self->cell[i][k] = label_new("", TRUE);
            gtk_grid_attach(GTK_GRID(self->table), self->cell[i][k], k + 1, i + 1, 1, 1);
        }
    }
    self->rows = now->n;
}

static void
show_pictures(LimSeriesPage *self, const LimSeriesNow *now)
{
    const LimShape s = lim_universal_run_shape(self->run);
    const gsize size = (gsize)lim_shape_size(s), bytes = (gsize)(s.d[1] * s.d[2]) * 3;
    g_autofree guint8 *pixels = g_malloc(bytes * LIM_SERIES_MAX);
    g_autoptr(GPtrArray) labels = g_ptr_array_new_with_free_func(g_free);

    if (self->shown == now->done)
        return;
    for (int i = 0; i < now->done; i++) {
        const float *v = now->v + (gsize)i * size;
        double largest = 0;
        for (gsize j = 0; j < size; j++)
            largest = MAX(largest, (double)fabsf(v[j]));
        g_autofree guint8 *one = lim_difference_pixels(s, v, NULL, lim_difference_gain(largest));
        memcpy(pixels + (gsize)i * bytes, one, bytes);
        g_ptr_array_add(labels,
                        g_strdup_printf("%s\n%.1f %%", short_name(now, i), 100 * now->ratio[i]));
    }
    g_ptr_array_add(labels, NULL);
    g_autoptr(GBytes) all = g_bytes_new(pixels, bytes * (gsize)now->done);
    lim_image_grid_set_pictures(self->grid, all, now->done, s.d[2], s.d[1], 3,
                                (const char *const *)labels->pdata);
    self->shown = now->done;
}

static void
show(LimSeriesPage *self)
{
    LimSeriesNow now;

    lim_series_now(self->series, &now);
    build_table(self, &now);
    for (int i = 0; i < now.n; i++)
        for (int k = 0; k < now.n; k++) {
            const double v = now.value[i][k];
            g_autofree char *text = isnan(v) ? g_strdup("")
                                    : self->kind == LIM_SERIES_SHUFFLES
                                        ? g_strdup_printf("%.3f", v)
                                        : g_strdup_printf("%.1f", 100 * v);
            gtk_label_set_text(GTK_LABEL(self->cell[i][k]), text);
        }
    show_pictures(self, &now);
    g_autofree char *said = g_strdup_printf(
        self->kind == LIM_SERIES_SHUFFLES
            ? "%d of %d. Normalised inner products; 1: the same direction, 0: nothing in common."
            : "%d of %d. Unseen pictures (%%) that v of the row fools on the classifier of the "
              "column.",
        now.done, now.n);
    gtk_label_set_text(GTK_LABEL(self->said), said);
    free(now.v);
}

static void
halt(LimSeriesPage *self)
{
    lim_long_job_halt(&self->job);
    gtk_button_set_label(GTK_BUTTON(self->button), self->series ? "Go on" : "Make them");
}

static void
progressed(gpointer self)
{
    show(self);
}

static void
finished(gpointer owner, LimTask *t, LimStatus status, const LimError *err)
{
    LimSeriesPage *self = owner;

    show(self);
    gtk_button_set_label(GTK_BUTTON(self->button), "Go on");
    if (status == LIM_OK)
        gtk_widget_set_sensitive(self->button, FALSE);
    else if (status != LIM_CANCELLED)
        gtk_label_set_text(GTK_LABEL(self->said), err->text);
}

static void
clicked(LimSeriesPage *self)
{
    if (!self->run)
        return;
    if (lim_long_job_goes_on(&self->job)) {
        halt(self);
        return;
    }
    if (!self->series)
        self->series = lim_series_new(self->run, self->kind);
    lim_long_job_go_on(&self->job, lim_session_get_worker(self->session), self,
                       lim_series_task_new(self->series), progressed, finished);
    gtk_button_set_label(GTK_BUTTON(self->button), "Stop");
}

void
lim_series_page_set_run(LimSeriesPage *self, LimUniversalRun *run)
{
    g_clear_pointer(&self->series, lim_series_unref);
    halt(self);
    if (run)
        lim_universal_run_ref(run);
    lim_universal_run_unref(self->run);
    self->run = run;
    self->shown = 0;
    lim_image_grid_set_pictures(self->grid, NULL, 0, 0, 0, 1, NULL);
    for (int i = 0; i < self->rows; i++)
        for (int k = 0; k < self->rows; k++)
            gtk_label_set_text(GTK_LABEL(self->cell[i][k]), "");
    gtk_widget_set_sensitive(self->button, run != NULL);
    gtk_label_set_text(GTK_LABEL(self->said),
                       self->kind == LIM_SERIES_SHUFFLES
                           ? "v again with five orders of the pictures."
                           : "v again on every classifier, and each of them tried on all.");
}

const char *
lim_series_page_get_text(LimSeriesPage *self, int row, int column)
{
    return row < self->rows && column < self->rows
               ? gtk_label_get_text(GTK_LABEL(self->cell[row][column]))
               : "";
}

gboolean
lim_series_page_get_busy(LimSeriesPage *self)
{
    return lim_long_job_goes_on(&self->job);
}

static void
dispose(GObject *object)
{
    LimSeriesPage *self = LIM_SERIES_PAGE(object);

    if (self->session)
        halt(self);
    g_clear_pointer(&self->series, lim_series_unref);
    g_clear_pointer(&self->run, lim_universal_run_unref);
    g_clear_pointer(&self->box, gtk_widget_unparent);
    g_clear_object(&self->session);
    G_OBJECT_CLASS(lim_series_page_parent_class)->dispose(object);
}

static void
lim_series_page_class_init(LimSeriesPageClass *klass)
{
    G_OBJECT_CLASS(klass)->dispose = dispose;
    gtk_widget_class_set_layout_manager_type(GTK_WIDGET_CLASS(klass), GTK_TYPE_BIN_LAYOUT);
    gtk_widget_class_set_accessible_role(GTK_WIDGET_CLASS(klass), GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
lim_series_page_init(LimSeriesPage *self)
{
}

GtkWidget *
lim_series_page_new(LimSession *session, LimSeriesKind kind)
{
    LimSeriesPage *self = g_object_new(LIM_TYPE_SERIES_PAGE, NULL);
    GtkWidget *head = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 12);
    GtkWidget *row = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 18);

    self->session = g_object_ref(session);
    self->kind = kind;
    self->box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);
    self->button = gtk_button_new_with_label("Make them");
    gtk_widget_set_tooltip_text(self->button,
                                "Makes them one after the other with the settings of v; press "
                                "again to stop, and once more to go on");
    g_signal_connect_object(self->button, "clicked", G_CALLBACK(clicked), self, G_CONNECT_SWAPPED);
    self->said = label_new("", FALSE);
    gtk_label_set_ellipsize(GTK_LABEL(self->said), PANGO_ELLIPSIZE_END);
    gtk_widget_set_hexpand(self->said, TRUE);
    gtk_box_append(GTK_BOX(head), self->button);
    gtk_box_append(GTK_BOX(head), self->said);
    self->grid = LIM_IMAGE_GRID(lim_image_grid_new());
    lim_image_grid_set_name(self->grid, "Perturbations");
    lim_image_grid_set_captions(self->grid, TRUE);
    lim_image_grid_set_min_size(self->grid, 206, 100);
    gtk_widget_set_hexpand(GTK_WIDGET(self->grid), TRUE);
    gtk_widget_set_vexpand(GTK_WIDGET(self->grid), TRUE);
    self->table = gtk_grid_new();
    gtk_grid_set_column_spacing(GTK_GRID(self->table), 9);
    gtk_grid_set_row_spacing(GTK_GRID(self->table), 3);
    gtk_widget_set_valign(self->table, GTK_ALIGN_START);
    gtk_box_append(GTK_BOX(row), GTK_WIDGET(self->grid));
    gtk_box_append(GTK_BOX(row),
                   g_object_new(GTK_TYPE_SCROLLED_WINDOW, "child", self->table,
                                "propagate-natural-width", TRUE, NULL)); /* of many classifiers */
    gtk_widget_set_vexpand(row, TRUE);
    gtk_box_append(GTK_BOX(self->box), head);
    gtk_box_append(GTK_BOX(self->box), row);
    gtk_widget_set_parent(self->box, GTK_WIDGET(self));
    gtk_accessible_update_property(GTK_ACCESSIBLE(self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   kind == LIM_SERIES_SHUFFLES ? "Five shuffles"
                                                               : "All classifiers",
                                   -1);
    lim_series_page_set_run(self, NULL);
    return GTK_WIDGET(self);
}
