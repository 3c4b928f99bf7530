/* A button makes the table; its cells are buttons too. */
#include "panes/scenes/transfer-page.h"

#include "lim-long-job.h"

#include <math.h>

#define ROWS   (1 + LIM_SCENES_NETS)
#define SHADES 4 /* of what a perturbation takes away */

struct _LimTransferPage {
    GtkWidget parent_instance;
    LimSession *session;
    LimScenesBench *bench;
    LimScenesPlan plan; /* a copy */
    gboolean any;       /* it is there */
    char *why;          /* the job failed; or NULL */
    LimTransfer *transfer;
    LimLongJob job;
    gboolean making, held; /* a person wants it; but something else goes before */
    int made, judge;       /* the cell that is open; -1: none */
    GtkWidget *box, *button, *scenes, *permuted, *said, *cell[ROWS][LIM_SCENES_NETS];
};

static guint opened_signal;

G_DEFINE_FINAL_TYPE(LimTransferPage, lim_transfer_page, GTK_TYPE_WIDGET)

static LimWorker *
worker_of(LimTransferPage *self)
{
    return lim_session_get_worker(self->session);
}

const char *
lim_transfer_page_get_text(LimTransferPage *self, int row, int column)
{
    return gtk_button_get_label(GTK_BUTTON(self->cell[row][column]));
}

const char *
lim_transfer_page_get_said(LimTransferPage *self)
{
    return gtk_label_get_text(GTK_LABEL(self->said));
}

gboolean
lim_transfer_page_get_busy(LimTransferPage *self)
{
    return self->making;
}

/* ---- the table ---- */

static gboolean
is_permuted(LimTransferPage *self)
{
    return gtk_switch_get_active(GTK_SWITCH(self->permuted));
}

/* Darker, the more of what the network gets right without a perturbation is gone. */
static void
shade(GtkWidget *cell, double value, double clean)
{
    const double lost = isnan(value) || !(clean > 0) ? 0 : CLAMP(1 - value / clean, 0, 1);
    const int level = (int)lround(SHADES * lost);

    for (int k = 1; k <= SHADES; k++) {
        char name[16];
        g_snprintf(name, sizeof name, "lost-%d", k);
        if (k == level)
            gtk_widget_add_css_class(cell, name);
        else
            gtk_widget_remove_css_class(cell, name);
    }
}

/* What the button does next, and how far the table is. */
static void
show_progress(LimTransferPage *self, const LimTransferNow *now)
{
    const int first = now ? lim_transfer_plan(self->transfer)->place.number : 0;
    const gboolean over = now && now->done == now->scenes;
    g_autofree char *said = now ? g_strdup_printf("%d of %d %s", now->done, now->scenes,
                                                  self->making && self->held ? "waits" : "done")
                                : NULL;
    g_autofree char *which =
        now ? g_strdup_printf("Scenes %d to %d", first, first + now->scenes - 1) : NULL;

    gtk_label_set_text(GTK_LABEL(self->said), self->why ? self->why : said ? said : "");
    gtk_widget_set_tooltip_text(self->said, self->why ? self->why : which);
    gtk_button_set_label(GTK_BUTTON(self->button), self->making   ? "Stop"
                                                   : now && !over ? "Go on"
                                                                  : "Make table");
    gtk_widget_set_sensitive(self->button,
                             self->any && (!over || self->plan.place.number != first));
}

static void
show_opened(LimTransferPage *self)
{
    for (int row = 1; row < ROWS; row++)
        for (int i = 0; i < LIM_SCENES_NETS; i++)
            if (row == self->made + 1 && i == self->judge)
                gtk_widget_add_css_class(self->cell[row][i], "opened");
            else
                gtk_widget_remove_css_class(self->cell[row][i], "opened");
}

static void
show(LimTransferPage *self)
{
    LimTransferNow now;
    const gboolean permuted = is_permuted(self);

    if (self->transfer)
        lim_transfer_now(self->transfer, &now);
    for (int row = 0; row < ROWS; row++)
        for (int i = 0; i < LIM_SCENES_NETS; i++) {
            const int at = row && permuted ? row - 1 + LIM_TRANSFER_PERMUTED : row;
            const double value = self->transfer ? now.value[at][i] : (double)NAN;
            g_autofree char *text =
                isnan(value) ? g_strdup("–") : g_strdup_printf("%.1f %%", 100 * value);
            gtk_button_set_label(GTK_BUTTON(self->cell[row][i]), text);
            gtk_widget_set_sensitive(self->cell[row][i], row > 0 && !isnan(value));
            shade(self->cell[row][i], value, self->transfer ? now.value[0][i] : (double)NAN);
            g_autofree char *name =
                g_strdup_printf("%s%s, judged by %s: %s", row ? "Made on " : "No perturbation",
                                row ? lim_scenes_net_name(row - 1) : "", lim_scenes_net_name(i),
                                text);
            gtk_accessible_update_property(GTK_ACCESSIBLE(self->cell[row][i]),
                                           GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, name, -1);
        }
    show_progress(self, self->transfer ? &now : NULL);
}

/* ---- making it ---- */

static void
progressed(gpointer self)
{
    show(self);
}

static void
finished(gpointer owner, LimTask *t, LimStatus status, const LimError *err)
{
    LimTransferPage *self = owner;

    self->making = FALSE;
    if (status != LIM_OK && status != LIM_CANCELLED)
        self->why = g_strdup(err->text);
    show(self);
}

/* Goes on, unless it is to wait. */
static void
make(LimTransferPage *self)
{
    if (self->making && !self->held && !lim_long_job_goes_on(&self->job))
        lim_long_job_go_on(&self->job, worker_of(self), self, lim_transfer_task_new(self->transfer),
                           progressed, finished);
    else if (!self->making || self->held)
        lim_long_job_halt(&self->job);
    show(self);
}

void
lim_transfer_page_hold(LimTransferPage *self, gboolean hold)
{
    if (self->held == hold)
        return;
    self->held = hold;
    make(self);
}

/* Another number of scenes is another table. */
static void
drop(LimTransferPage *self)
{
    self->making = FALSE;
    lim_long_job_halt(&self->job);
    g_clear_pointer(&self->transfer, lim_transfer_unref);
    g_clear_pointer(&self->why, g_free);
    show(self);
}

static void
clicked(LimTransferPage *self)
{
    LimTransferNow now;

    if (!self->any)
        return;
    if (self->making) {
        self->making = FALSE;
        make(self);
        return;
    }
    if (self->transfer) {
        lim_transfer_now(self->transfer, &now);
        if (now.done == now.scenes) /* from another scene on */
            drop(self);
    }
    g_clear_pointer(&self->why, g_free);
    if (!self->transfer)
        self->transfer =
            lim_transfer_new(self->bench, &self->plan,
                             gtk_spin_button_get_value_as_int(GTK_SPIN_BUTTON(self->scenes)));
    self->making = TRUE;
    make(self);
}

/* Whether the same table comes of both, up to where it begins: the network that is attacked does
 * not matter to it, nor does what belongs to one scene. */
static gboolean
same_table(const LimScenesPlan *a, const LimScenesPlan *b)
{
    LimDagParams x = a->dag, y = b->dag;

    memset(x.only, 0, sizeof x.only);
    memset(y.only, 0, sizeof y.only);
    return memcmp(&x, &y, sizeof x) == 0 && a->seed == b->seed &&
           memcmp(&a->place.scenes, &b->place.scenes, sizeof a->place.scenes) == 0;
}

void
lim_transfer_page_set(LimTransferPage *self, LimScenesBench *bench, const LimScenesPlan *plan)
{
    const gboolean same = self->any && same_table(&self->plan, plan);

    lim_scenes_bench_ref(bench);
    lim_scenes_bench_unref(self->bench);
    self->bench = bench;
    lim_scenes_plan_clear(&self->plan);
    lim_scenes_plan_copy(&self->plan, plan);
    self->any = TRUE;
    if (!same)
        drop(self);
    else
        show(self);
}

static void
cell_clicked(LimTransferPage *self, GtkWidget *cell)
{
    for (int row = 1; row < ROWS; row++)
        for (int i = 0; i < LIM_SCENES_NETS; i++)
            if (self->cell[row][i] == cell) {
                self->made = row - 1;
                self->judge = i;
            }
    show_opened(self);
    g_signal_emit(self, opened_signal, 0, self->made, self->judge);
}

gboolean
lim_transfer_page_get_cell(LimTransferPage *self, LimTransferCell *cell)
{
    LimTransferNow now;

    if (!self->transfer || self->judge < 0)
        return FALSE;
    lim_transfer_now(self->transfer, &now);
    *cell = (LimTransferCell){.made = self->made,
                              .judge = self->judge,
                              .permuted = is_permuted(self),
                              .scenes = now.done};
    const int row = self->made + (cell->permuted ? LIM_TRANSFER_PERMUTED : LIM_TRANSFER_MADE);
    cell->value = now.value[row][self->judge];
    cell->scene = lim_transfer_typical(self->transfer, row, self->judge, &cell->alone);
    return cell->scene >= 0;
}

void
lim_transfer_page_close_cell(LimTransferPage *self)
{
    self->made = self->judge = -1;
    show_opened(self);
}

LimTransfer *
lim_transfer_page_get_table(LimTransferPage *self)
{
    return self->transfer;
}

/* ---- construction ---- */

static GtkWidget *
label_new(const char *text, double xalign)
{
    GtkWidget *label = gtk_label_new(text);

    gtk_label_set_xalign(GTK_LABEL(label), (float)xalign);
    gtk_label_set_ellipsize(GTK_LABEL(label), PANGO_ELLIPSIZE_END);
    return label;
}

static GtkWidget *
build_table(LimTransferPage *self)
{
    GtkWidget *grid = gtk_grid_new();

    gtk_grid_set_column_spacing(GTK_GRID(grid), 3);
    gtk_widget_add_css_class(grid, "transfer");
    gtk_grid_attach(GTK_GRID(grid), label_new("Made on", 0), 0, 0, 1, 1);
    for (int row = 0; row < ROWS; row++)
        gtk_grid_attach(GTK_GRID(grid),
                        label_new(row ? lim_scenes_net_name(row - 1) : "No perturbation", 0), 0,
                        row + 1, 1, 1);
    for (int i = 0; i < LIM_SCENES_NETS; i++) {
        GtkWidget *head = label_new(lim_scenes_net_name(i), 0.5);
        gtk_widget_set_hexpand(head, TRUE);
        gtk_grid_attach(GTK_GRID(grid), head, i + 1, 0, 1, 1);
        for (int row = 0; row < ROWS; row++) {
            GtkWidget *cell = gtk_button_new_with_label("");
            gtk_button_set_has_frame(GTK_BUTTON(cell), FALSE);
            gtk_widget_add_css_class(cell, "numeric");
            gtk_widget_set_tooltip_text(
                cell, row ? "What this network still gets right, over all scenes so far. Click to "
                            "see the scene that is nearest to this figure, and this network framed"
                          : "What this network gets right without a perturbation");
            g_signal_connect_object(cell, "clicked", G_CALLBACK(cell_clicked), self,
                                    G_CONNECT_SWAPPED);
            gtk_grid_attach(GTK_GRID(grid), cell, i + 1, row + 1, 1, 1);
            self->cell[row][i] = cell;
        }
    }
    gtk_grid_set_column_homogeneous(GTK_GRID(grid), TRUE);
    return grid;
}

/* The open cell is that of the other table now. */
static void
permuted_changed(LimTransferPage *self)
{
    show(self);
    if (self->judge >= 0)
        g_signal_emit(self, opened_signal, 0, self->made, self->judge);
}

static GtkWidget *
build_controls(LimTransferPage *self)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 12);
    GtkWidget *name = gtk_label_new("Scenes"), *rows = gtk_label_new("Rows in another order");

    self->button = gtk_button_new_with_label("Make table");
    gtk_widget_set_tooltip_text(self->button, "Attacks all four networks on these scenes, from the "
                                              "one that is shown on; press again to stop, and once "
                                              "more to go on");
    g_signal_connect_object(self->button, "clicked", G_CALLBACK(clicked), self, G_CONNECT_SWAPPED);
    self->scenes = gtk_spin_button_new_with_range(1, 500, 1);
    gtk_editable_set_width_chars(GTK_EDITABLE(self->scenes), 3);
    gtk_spin_button_set_value(GTK_SPIN_BUTTON(self->scenes), 20);
    gtk_widget_set_tooltip_text(self->scenes, "Over how many scenes the figures are taken");
    gtk_accessible_update_property(GTK_ACCESSIBLE(self->scenes), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   "Scenes", -1);
    g_signal_connect_object(self->scenes, "value-changed", G_CALLBACK(drop), self,
                            G_CONNECT_SWAPPED);
    self->permuted = gtk_switch_new();
    gtk_widget_set_valign(self->permuted, GTK_ALIGN_CENTER);
    gtk_widget_set_tooltip_text(self->permuted,
                                "The control: the same perturbations in another order of rows");
    gtk_accessible_update_property(GTK_ACCESSIBLE(self->permuted), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   "Rows in another order", -1);
    g_signal_connect_object(self->permuted, "notify::active", G_CALLBACK(permuted_changed), self,
                            G_CONNECT_SWAPPED);
    self->said = label_new("", 0);
    gtk_widget_set_hexpand(self->said, TRUE);
    gtk_widget_add_css_class(self->said, "numeric");
    gtk_box_append(GTK_BOX(box), self->button);
    gtk_box_append(GTK_BOX(box), name);
    gtk_box_append(GTK_BOX(box), self->scenes);
    gtk_box_append(GTK_BOX(box), self->said);
    gtk_box_append(GTK_BOX(box), self->permuted);
    gtk_box_append(GTK_BOX(box), rows);
    return box;
}

static void
dispose(GObject *object)
{
    LimTransferPage *self = LIM_TRANSFER_PAGE(object);

    lim_long_job_halt(&self->job);
    g_clear_pointer(&self->transfer, lim_transfer_unref);
    g_clear_pointer(&self->bench, lim_scenes_bench_unref);
    lim_scenes_plan_clear(&self->plan);
    g_clear_pointer(&self->why, g_free);
    g_clear_pointer(&self->box, gtk_widget_unparent);
    g_clear_object(&self->session);
    G_OBJECT_CLASS(lim_transfer_page_parent_class)->dispose(object);
}

static void
lim_transfer_page_class_init(LimTransferPageClass *klass)
{
    G_OBJECT_CLASS(klass)->dispose = dispose;
    opened_signal = g_signal_new("cell-opened", LIM_TYPE_TRANSFER_PAGE, G_SIGNAL_RUN_LAST, 0, NULL,
                                 NULL, NULL, G_TYPE_NONE, 2, G_TYPE_INT, G_TYPE_INT);
    gtk_widget_class_set_layout_manager_type(GTK_WIDGET_CLASS(klass), GTK_TYPE_BIN_LAYOUT);
    gtk_widget_class_set_accessible_role(GTK_WIDGET_CLASS(klass), GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
lim_transfer_page_init(LimTransferPage *self)
{
    self->made = self->judge = -1;
}

GtkWidget *
lim_transfer_page_new(LimSession *session)
{
    LimTransferPage *self = g_object_new(LIM_TYPE_TRANSFER_PAGE, NULL);

    self->session = g_object_ref(session);
    self->box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);
    gtk_box_append(GTK_BOX(self->box), build_controls(self));
    gtk_box_append(GTK_BOX(self->box), build_table(self));
    gtk_widget_set_parent(self->box, GTK_WIDGET(self));
    gtk_accessible_update_property(GTK_ACCESSIBLE(self), GTK_ACCESSIBLE_PROPERTY_LABEL, "Transfer",
                                   -1);
    show(self);
    return GTK_WIDGET(self);
}
