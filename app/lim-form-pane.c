/* What views with a form have in common. */
#include "lim-form-pane.h"

#include "lim-long-job.h"
#include "lim-undo.h"
#include "widgets/file-dialog.h"
#include "widgets/lim-seed-row.h"

#define PANEL_WIDTH 324
#define CLAIMS      4 /* of the clipboard, before that is given up */

typedef struct {
    LimForm *form;
    LimUndo *undo;    /* NULL until everything is built */
    GtkWidget *stack; /* of view and message */
    LimMessage *message;
    LimStatusLine *status;
    GVariant *resumed; /* of the last session, until it is set; or NULL */
    LimLongJob job;
    uint64_t export; /* ticket of the one that is under way; 0: none */
    char *exported;  /* the name of its file */
    const char *saved;
} LimFormPanePrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE(LimFormPane, lim_form_pane, LIM_TYPE_PANE)

#define PRIV(self)  ((LimFormPanePrivate *)lim_form_pane_get_instance_private(self))
#define CLASS(self) LIM_FORM_PANE_GET_CLASS(self)

LimStatusLine *
lim_form_pane_get_status(LimFormPane *self)
{
    return PRIV(self)->status;
}

void
lim_form_pane_show_view(LimFormPane *self)
{
    gtk_stack_set_visible_child_name(GTK_STACK(PRIV(self)->stack), "view");
}

void
lim_form_pane_show_message(LimFormPane *self, const char *title, const char *text,
                           const char *button, const char *action)
{
    LimFormPanePrivate *priv = PRIV(self);

    lim_message_set(priv->message, "dialog-warning-symbolic", title, text, button, action);
    gtk_stack_set_visible_child(GTK_STACK(priv->stack), GTK_WIDGET(priv->message));
}

/* ---- the worker ---- */

static LimWorker *
worker_of(LimFormPane *self)
{
    return lim_session_get_worker(lim_pane_get_session(LIM_PANE(self)));
}

static void
progressed(gpointer self)
{
    CLASS(self)->progressed(self);
}

static void
stopped(gpointer self, LimTask *t, LimStatus status, const LimError *err)
{
    CLASS(self)->stopped(self, status);
    if (status != LIM_OK && status != LIM_CANCELLED)
        lim_status_line_flash(PRIV(self)->status, err->text);
}

void
lim_form_pane_halt(LimFormPane *self)
{
    lim_long_job_halt(&PRIV(self)->job);
}

void
lim_form_pane_go_on(LimFormPane *self, LimTask *task)
{
    lim_long_job_go_on(&PRIV(self)->job, worker_of(self), self, task, progressed, stopped);
}

gboolean
lim_form_pane_goes_on(LimFormPane *self)
{
    return lim_long_job_goes_on(&PRIV(self)->job);
}

/* ---- exports ---- */

static void
tell_export(LimFormPane *self, const char *how_far, double fraction)
{
    g_autofree char *text = *how_far ? g_strdup_printf("Exporting: %s", how_far)
                                     : g_strdup_printf("Exporting %s", PRIV(self)->exported);

    lim_status_line_set_job(PRIV(self)->status, text, fraction, "view.cancel-export");
}

static void
export_goes_on(void *data, const LimProgress *progress, LimTensor *preview)
{
    g_autoptr(LimFormPane) self = g_weak_ref_get(&((LimTarget *)data)->object);

    if (!self)
        return;
    tell_export(self, progress->text, progress->fraction);
    if (CLASS(self)->exported)
        CLASS(self)->exported(self);
}

static void
export_over(void *data, LimTask *t, LimStatus status, const LimError *err, const LimTiming *timing)
{
    g_autoptr(LimFormPane) self = g_weak_ref_get(&((LimTarget *)data)->object);

    if (!self)
        return;
    LimFormPanePrivate *priv = PRIV(self);
    g_autofree char *text = status == LIM_CANCELLED ? g_strdup("Cancelled: nothing was saved")
                            : status != LIM_OK      ? g_strdup_printf("Not saved: %s", err->text)
                            : priv->saved           ? g_strdup(priv->saved)
                                                    : g_strdup_printf("Saved %s", priv->exported);
    priv->export = 0;
    lim_status_line_set_job(priv->status, NULL, 0, NULL);
    lim_status_line_flash(priv->status, text);
    if (CLASS(self)->exported)
        CLASS(self)->exported(self);
}

void
lim_form_pane_export(LimFormPane *self, const char *path, LimTask *task, const char *saved)
{
    LimFormPanePrivate *priv = PRIV(self);
    const gboolean waits = lim_worker_busy(worker_of(self)) > 0;

    g_free(priv->exported);
    priv->exported = g_path_get_basename(path);
    priv->saved = saved;
    tell_export(self, waits ? "it waits until other work is done" : "", -1);
    priv->export = lim_worker_submit(worker_of(self), task, LIM_LANE_LONG, 0, 0,
                                     (LimTaskEvents){.progress = export_goes_on,
                                                     .done = export_over,
                                                     .drop = lim_target_free,
                                                     .data = lim_target_new(self, 0)});
}

gboolean
lim_form_pane_exports(LimFormPane *self)
{
    return PRIV(self)->export != 0;
}

char *
lim_export_path(const char *path, const char *ending)
{
    const gsize n = strlen(path) - (g_str_has_suffix(path, ".png") ? strlen(".png") : 0);

    return g_strdup_printf("%.*s%s", (int)n, path, ending);
}

/* One at a time. */
static gboolean
can_export(LimFormPane *self)
{
    if (PRIV(self)->export)
        lim_status_line_flash(PRIV(self)->status,
                              "Another export is under way: wait for it, or cancel it");
    return !PRIV(self)->export;
}

static void
export_to(gpointer pane, const char *path)
{
    if (can_export(pane))
        CLASS(pane)->export_to(pane, path);
}

/* ---- undo ---- */

static GVariant *
dup_state(LimFormPane *self)
{
    return lim_form_dup_settled(PRIV(self)->form);
}

static void
restore(LimFormPane *self, GVariant *state)
{
    lim_form_set_values(PRIV(self)->form, state);
}

static void
flush(LimFormPane *self)
{
    lim_form_flush(PRIV(self)->form);
}

static gboolean
is_open(LimFormPane *self)
{
    return lim_form_is_open(PRIV(self)->form);
}

void
lim_form_pane_watch(LimFormPane *self)
{
    if (PRIV(self)->undo)
        lim_undo_set_open(PRIV(self)->undo, CLASS(self)->is_open(self));
}

void
lim_form_pane_settle(LimFormPane *self)
{
    if (!PRIV(self)->undo)
        return;
    g_autoptr(GVariant) state = CLASS(self)->dup_state(self);
    lim_undo_push(PRIV(self)->undo, state);
    lim_form_pane_watch(self);
}

void
lim_form_pane_flush(LimFormPane *self)
{
    CLASS(self)->flush(self);
}

static void
move(LimFormPane *self, GVariant *(*to)(LimUndo *undo))
{
    lim_form_pane_flush(self); /* a burst of keys that is still open is the step to undo */
    GVariant *state = to(PRIV(self)->undo);
    if (!state)
        return;
    g_autoptr(GVariant) held = g_variant_ref(state);
    CLASS(self)->restore(self, held);
}

/* ---- from one start to the next ---- */

static GVariant *
dup_session(LimPane *pane)
{
    LimFormPane *self = LIM_FORM_PANE(pane);
    GVariantDict session;

    if (PRIV(self)->resumed) /* the view was never shown */
        return g_variant_ref(PRIV(self)->resumed);
    lim_form_pane_flush(self);
    g_autoptr(GVariant) values = lim_form_dup_settled(PRIV(self)->form);
    g_variant_dict_init(&session, values);
    if (CLASS(self)->write_session)
        CLASS(self)->write_session(self, &session);
    return g_variant_ref_sink(g_variant_dict_end(&session));
}

static void
restore_session(LimPane *pane, GVariant *state)
{
    PRIV(LIM_FORM_PANE(pane))->resumed = g_variant_ref(state);
}

void
lim_form_pane_resume(LimFormPane *self)
{
    GVariantDict session;

    if (!PRIV(self)->resumed)
        return;
    g_variant_dict_init(&session, PRIV(self)->resumed);
    g_clear_pointer(&PRIV(self)->resumed, g_variant_unref);
    if (CLASS(self)->read_session)
        CLASS(self)->read_session(self, &session);
    lim_form_set_values(PRIV(self)->form, g_variant_dict_end(&session));
    lim_form_pane_settle(self);
}

/* ---- actions ---- */

static void
do_undo(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    move(data, lim_undo_undo);
}

static void
do_redo(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    move(data, lim_undo_redo);
}

static LimSeedRow *
seed_row(LimFormPane *self)
{
    return LIM_SEED_ROW(lim_form_get_row(PRIV(self)->form, "seed"));
}

static void
do_new_seed(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    lim_seed_row_draw(seed_row(data));
}

static void
do_previous_seed(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    lim_seed_row_step(seed_row(data), -1);
}

static void
do_next_seed(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    lim_seed_row_step(seed_row(data), 1);
}

static void
do_reset_all(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    lim_form_reset(PRIV(data)->form);
}

/* A program that claims the clipboard in the same moment may win, and what was there before stays;
 * the next claim is a newer one. */
static gboolean
copy(LimFormPane *self, const char *text)
{
    GdkClipboard *clipboard = gtk_widget_get_clipboard(GTK_WIDGET(self));
    gboolean copied = FALSE;

    for (int i = 0; i < CLAIMS && !copied; i++) {
        g_autoptr(GdkContentProvider) content = gdk_content_provider_new_typed(G_TYPE_STRING, text);
        copied = gdk_clipboard_set_content(clipboard, content);
    }
    return copied;
}

static void
do_copy_command(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    LimFormPane *self = data;
    g_autofree char *said = NULL;
    g_autofree char *command = CLASS(self)->dup_command(self, &said);

    if (command && !copy(self, command)) {
        lim_status_line_flash(PRIV(self)->status,
                              "Not copied: another program took the clipboard; copy it again");
        return;
    }
    if (said)
        lim_status_line_flash(PRIV(self)->status, said);
}

static void
do_export_to(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    export_to(data, g_variant_get_string(parameter, NULL));
}

static void
do_export(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    g_autofree char *name = can_export(data) ? CLASS(data)->dup_file_name(data) : NULL;

    if (name)
        lim_file_dialog_save(data, "Export PNG", "_Export", name, export_to);
}

static void
do_cancel_export(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    if (PRIV(data)->export) /* it tells when it is over */
        lim_worker_cancel(worker_of(data), PRIV(data)->export);
}

/* ---- construction ---- */

static void
add_button(GtkWidget *box, const char *label, const char *action, const char *tooltip)
{
    GtkWidget *button = gtk_button_new_with_label(label);

    gtk_actionable_set_action_name(GTK_ACTIONABLE(button), action);
    gtk_widget_set_tooltip_text(button, tooltip);
    gtk_widget_set_hexpand(button, TRUE);
    gtk_box_append(GTK_BOX(box), button);
}

static GtkWidget *
build_panel(LimFormPane *self)
{
    GtkWidget *panel = gtk_box_new(GTK_ORIENTATION_VERTICAL, 18);
    GtkWidget *buttons = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);

    add_button(buttons, "Copy as command", "view.copy-command", CLASS(self)->copy_tooltip);
    add_button(buttons, "Export PNG…", "view.export", CLASS(self)->export_tooltip);
    gtk_box_append(GTK_BOX(panel), GTK_WIDGET(PRIV(self)->form));
    gtk_box_append(GTK_BOX(panel), buttons);
    gtk_widget_add_css_class(panel, "sidebar-panel");
    gtk_widget_set_size_request(panel, PANEL_WIDTH, -1);
    gtk_widget_set_hexpand(panel, FALSE);
    return panel;
}

static GtkWidget *
build_content(LimFormPane *self, GtkWidget *view)
{
    LimFormPanePrivate *priv = PRIV(self);
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);

    gtk_widget_set_vexpand(priv->stack, TRUE);
    gtk_stack_add_named(GTK_STACK(priv->stack), view, "view");
    gtk_stack_add_named(GTK_STACK(priv->stack), GTK_WIDGET(priv->message), "message");
    gtk_box_append(GTK_BOX(box), priv->stack);
    gtk_box_append(GTK_BOX(box), GTK_WIDGET(priv->status));
    gtk_widget_set_hexpand(box, TRUE);
    return box;
}

static void
changed(LimFormPane *self)
{
    lim_form_pane_watch(self);
    CLASS(self)->changed(self);
}

void
lim_form_pane_build(LimFormPane *self, LimForm *form, GtkWidget *view)
{
    LimFormPanePrivate *priv = PRIV(self);
    GActionMap *actions = lim_pane_get_actions(LIM_PANE(self));
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 0);

    priv->form = form;
    GtkWidget *panel = build_panel(self);
    GtkWidget *line = gtk_separator_new(GTK_ORIENTATION_VERTICAL);
    gtk_box_append(GTK_BOX(box), panel);
    gtk_box_append(GTK_BOX(box), line);
    gtk_box_append(GTK_BOX(box), build_content(self, view));
    lim_pane_set_child(LIM_PANE(self), box);
    g_object_bind_property(self, "show-form", panel, "visible", G_BINDING_SYNC_CREATE);
    g_object_bind_property(self, "show-form", line, "visible", G_BINDING_SYNC_CREATE);
    g_signal_connect_object(form, "changed", G_CALLBACK(changed), self, G_CONNECT_SWAPPED);
    g_signal_connect_object(form, "settled", G_CALLBACK(lim_form_pane_settle), self,
                            G_CONNECT_SWAPPED);

    priv->undo = lim_undo_new();
    lim_form_pane_settle(self); /* where it all began */
    g_object_bind_property(priv->undo, "can-undo", g_action_map_lookup_action(actions, "undo"),
                           "enabled", G_BINDING_SYNC_CREATE);
    g_object_bind_property(priv->undo, "can-redo", g_action_map_lookup_action(actions, "redo"),
                           "enabled", G_BINDING_SYNC_CREATE);
}

static void
dispose(GObject *object)
{
    LimFormPanePrivate *priv = PRIV(LIM_FORM_PANE(object));

    g_clear_object(&priv->undo);
    g_clear_pointer(&priv->resumed, g_variant_unref);
    g_clear_pointer(&priv->exported, g_free);
    g_clear_object(&priv->stack); /* with the pane's child they go */
    g_clear_object(&priv->message);
    g_clear_object(&priv->status);
    G_OBJECT_CLASS(lim_form_pane_parent_class)->dispose(object);
}

static void
lim_form_pane_class_init(LimFormPaneClass *klass)
{
    G_OBJECT_CLASS(klass)->dispose = dispose;
    LIM_PANE_CLASS(klass)->dup_session = dup_session;
    LIM_PANE_CLASS(klass)->restore_session = restore_session;
    klass->dup_state = dup_state;
    klass->restore = restore;
    klass->flush = flush;
    klass->is_open = is_open;
}

static void
lim_form_pane_init(LimFormPane *self)
{
    static const GActionEntry entries[] = {
        {.name = "undo", .activate = do_undo},
        {.name = "redo", .activate = do_redo},
        {.name = "new-seed", .activate = do_new_seed},
        {.name = "previous-seed", .activate = do_previous_seed},
        {.name = "next-seed", .activate = do_next_seed},
        {.name = "reset-all", .activate = do_reset_all},
        {.name = "copy-command", .activate = do_copy_command},
        {.name = "export", .activate = do_export},
        {.name = "export-to", .activate = do_export_to, .parameter_type = "s"},
        {.name = "cancel-export", .activate = do_cancel_export},
    };
    LimFormPanePrivate *priv = PRIV(self);

    g_action_map_add_action_entries(lim_pane_get_actions(LIM_PANE(self)), entries,
                                    G_N_ELEMENTS(entries), self);
    priv->stack = g_object_ref_sink(gtk_stack_new());
    priv->message = g_object_ref_sink(LIM_MESSAGE(lim_message_new()));
    priv->status = g_object_ref_sink(LIM_STATUS_LINE(lim_status_line_new()));
}
