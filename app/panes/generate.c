/* Generate: samples of a class-conditional generator under a truncation threshold.
 *
 * The form is the request. At most once per frame, and only when it differs from the last one, it
 * goes to the worker; what comes back is bytes. The title above the pictures describes the pictures
 * that are shown, not the settings, which may already be ahead of them. */
#include "lim-pane.h"
#include "schema-form.h"

#include "lim-undo.h"
#include "models/samplefile.h"
#include "tensor/image.h"
#include "widgets/lim-choice-row.h"
#include "widgets/lim-density-plot.h"
#include "widgets/lim-image-grid.h"
#include "widgets/lim-message.h"
#include "widgets/lim-seed-row.h"
#include "widgets/lim-status-line.h"

#include <stdlib.h>
#include <string.h>

#define STALE_AFTER_MS 150
#define SLOT           0 /* of the worker's live lane */

/* ---- the work: one request, from settings to bytes ---- */

typedef struct {
    LimTask base;
    LimModel *model;
    LimSampleRequest request;
    LimTask *sample;
    uint8_t *pixels; /* [count][h][w][c] */
    gint64 finished; /* monotonic, microseconds */
} DrawTask;

static LimStep
draw_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    DrawTask *self = (DrawTask *)t;
    LimStep step = lim_task_step(self->sample, exec, progress, err);

    if (step != LIM_STEP_DONE)
        return step;
    const LimTensor *image = lim_sample_task_image(self->sample);
    LimShape s = lim_tensor_shape(image);
    int n = s.d[0], c = s.d[1], h = s.d[2], w = s.d[3];
    const float *planes = lim_tensor_f32(image); /* [n][c][h][w] */

    self->pixels = lim_alloc((size_t)n * (size_t)h * (size_t)w, (size_t)c);
    for (int i = 0; i < n; i++) {
        size_t at = (size_t)i * (size_t)(c * h * w);
        LimImageView view = lim_image_view(self->pixels + at, w, h, (size_t)(w * c),
                                           c == 1 ? LIM_PIXEL_GREY8 : LIM_PIXEL_RGB8);
        lim_image_put_f32(view, c, LIM_RANGE_SIGNED, planes + at);
    }
    self->finished = g_get_monotonic_time();
    return LIM_STEP_DONE;
}

static void
draw_free(LimTask *t)
{
    DrawTask *self = (DrawTask *)t;

    lim_task_free(self->sample);
    lim_model_unref(self->model);
    free(self->pixels);
    free(self);
}

static const LimTaskClass draw_class = {"draw samples", draw_step, NULL, draw_free};

static LimTask *
draw_task_new(LimModel *model, const LimSampleRequest *request)
{
    DrawTask *self = lim_alloc(1, sizeof *self);

    self->base.klass = &draw_class;
    self->model = lim_model_ref(model);
    self->request = *request;
    self->sample = lim_sample_task_new(lim_model_generator(model), request);
    return &self->base;
}

/* ---- the work: the same to a file, and the settings back from one ---- */

typedef struct {
    LimTask base;
    char *path;
    LimModel *model; /* NULL: read the settings of path */
    LimSampleRequest request;
    char made_with[LIM_TEXT_MAX];
    LimTask *sample;
} FileTask;

static LimStep
file_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    FileTask *self = (FileTask *)t;

    if (!self->model)
        return lim_samplefile_read(self->path, &self->request, self->made_with, err) == LIM_OK
                   ? LIM_STEP_DONE
                   : LIM_STEP_FAILED;
    LimStep step = lim_task_step(self->sample, exec, progress, err);
    if (step != LIM_STEP_DONE)
        return step;
    return lim_samplefile_write(self->path, lim_sample_task_image(self->sample),
                                lim_model_path(self->model), &self->request, err) == LIM_OK
               ? LIM_STEP_DONE
               : LIM_STEP_FAILED;
}

static void
file_free(LimTask *t)
{
    FileTask *self = (FileTask *)t;

    lim_task_free(self->sample);
    lim_model_unref(self->model);
    g_free(self->path);
    free(self);
}

static const LimTaskClass file_class = {"sample file", file_step, NULL, file_free};

/* model and request NULL: read; otherwise compute and write. */
static LimTask *
file_task_new(const char *path, LimModel *model, const LimSampleRequest *request)
{
    FileTask *self = lim_alloc(1, sizeof *self);

    self->base.klass = &file_class;
    self->path = g_strdup(path);
    if (model) {
        self->model = lim_model_ref(model);
        self->request = *request;
        self->sample = lim_sample_task_new(lim_model_generator(model), request);
    }
    return &self->base;
}

/* ---- the view ---- */

#define LIM_TYPE_GENERATE (lim_generate_get_type())
G_DECLARE_FINAL_TYPE(LimGenerate, lim_generate, LIM, GENERATE, LimPane)

struct _LimGenerate {
    LimPane parent_instance;
    LimForm *form;
    LimDensityPlot *density;
    LimImageGrid *grid;
    GtkWidget *title;
    GtkWidget *subtitle;
    GtkWidget *stack;
    LimMessage *message;
    LimStatusLine *status;
    LimUndo *undo;

    int w, h;                /* of the pictures shown */
    guint tick;              /* waits for the next frame */
    LimSampleRequest posted; /* the last request */
    guint64 posted_serial;   /* 0: none yet */
    guint64 shown_serial;
    LimModel *posted_model; /* compared, not used */
    guint stale_source;
    gulong paint_handler; /* on the frame clock, while a result is on its way to the screen */
    GdkFrameClock *clock;
    gint64 finished;
    LimTiming timing;
    GtkFileChooserNative *chooser;
};

/* "current": whether the pictures shown belong to the settings. */
enum { PROP_CURRENT = 1, N_PROPS };
static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE(LimGenerate, lim_generate, LIM_TYPE_PANE)

static LimSampleRequest
read_request(LimGenerate *self)
{
    LimSampleRequest r = {0};

    lim_schema_form_read(self->form, lim_sample_schema, &r);
    return r;
}

static LimModel *
current_model(LimGenerate *self)
{
    return lim_session_get_model(lim_pane_get_session(LIM_PANE(self)));
}

static const char *
class_title(LimModel *model, int label)
{
    return label < 0 ? "All classes" : lim_generator_class_name(lim_model_generator(model), label);
}

static void
stop_stale(LimGenerate *self)
{
    g_clear_handle_id(&self->stale_source, g_source_remove);
}

static void
set_stale(LimGenerate *self, gboolean stale)
{
    stop_stale(self);
    lim_image_grid_set_stale(self->grid, stale);
    lim_status_line_set_stale(self->status, stale);
}

static gboolean
now_stale(gpointer data)
{
    LimGenerate *self = data;

    self->stale_source = 0;
    set_stale(self, TRUE);
    return G_SOURCE_REMOVE;
}

static void
watch_stale(LimGenerate *self)
{
    if (!self->stale_source)
        self->stale_source = g_timeout_add(STALE_AFTER_MS, now_stale, self);
}

static void
forget_paint(LimGenerate *self)
{
    /* A clock whose window is gone has dropped its handlers already. */
    if (self->clock && g_signal_handler_is_connected(self->clock, self->paint_handler))
        g_signal_handler_disconnect(self->clock, self->paint_handler);
    g_clear_object(&self->clock);
}

static void
painted(LimGenerate *self)
{
    double shown = (double)(g_get_monotonic_time() - self->finished) / 1000;

    forget_paint(self);
    lim_status_line_set_timing(self->status, self->timing.queued_ms, self->timing.ran_ms, shown);
}

/* What is shown: the picture under the pointer, or all of them. */
static void
show_status(LimGenerate *self)
{
    int n = lim_image_grid_get_n(self->grid), pointed;
    g_autofree char *text = NULL;

    g_object_get(self->grid, "pointed", &pointed, NULL);
    if (pointed >= 0)
        text = g_strdup_printf("Picture %d of %d: %s (double-click: %s)", pointed + 1, n,
                               lim_image_grid_get_label(self->grid, pointed),
                               lim_image_grid_get_enlarged(self->grid) ? "show all" : "enlarge");
    else {
        LimModel *model = current_model(self);
        g_autofree char *name = model ? g_path_get_basename(lim_model_path(model)) : g_strdup("");
        text = g_strdup_printf("%d %s of %d × %d pixels, drawn by %s", n,
                               n == 1 ? "sample" : "samples", self->w, self->h, name);
    }
    lim_status_line_set_text(self->status, text);
}

static void
show_message(LimGenerate *self, const char *title, const char *text)
{
    /* With a model at hand the way back to its pictures, otherwise the way to another model. */
    gboolean have = current_model(self) != NULL;

    lim_message_set(self->message, "dialog-warning-symbolic", title, text,
                    have ? "Back to the pictures" : "Open model…",
                    have ? "view.back" : "win.open-model");
    gtk_stack_set_visible_child(GTK_STACK(self->stack), GTK_WIDGET(self->message));
    set_stale(self, FALSE);
}

static void
show_pictures(LimGenerate *self, const DrawTask *task)
{
    const LimSampleRequest *r = &task->request;
    LimGenerator *g = lim_model_generator(task->model);
    LimShape s = lim_generator_image_shape(g); /* {c, h, w} */
    int classes = lim_generator_classes(g);
    g_autofree const char **labels = g_new(const char *, r->count);
    gsize size = (gsize)r->count * (gsize)lim_shape_size(s);
    g_autoptr(GBytes) pixels = g_bytes_new(task->pixels, size);

    for (int i = 0; i < r->count; i++)
        labels[i] = lim_generator_class_name(g, r->label < 0 ? i % classes : r->label);
    lim_image_grid_set_pictures(self->grid, pixels, r->count, s.d[2], s.d[1], s.d[0], labels);
    lim_image_grid_set_captions(self->grid, r->label < 0);

    g_autofree char *settings =
        g_strdup_printf("truncation threshold %.2f, seed %" G_GUINT64_FORMAT, r->threshold,
                        r->seed);
    gtk_label_set_text(GTK_LABEL(self->title), class_title(task->model, r->label));
    gtk_label_set_text(GTK_LABEL(self->subtitle), settings);
    self->w = s.d[2];
    self->h = s.d[1];
    show_status(self);
    gtk_stack_set_visible_child_name(GTK_STACK(self->stack), "pictures");
}

static void
drawn(void *data, LimTask *t, LimStatus status, const LimError *err, const LimTiming *timing)
{
    LimTarget *target = data;
    const DrawTask *task = (const DrawTask *)t;
    g_autoptr(LimGenerate) self = g_weak_ref_get(&target->object);

    if (!self || target->serial <= self->shown_serial || status == LIM_CANCELLED)
        return;
    self->shown_serial = target->serial;
    if (status != LIM_OK) {
        show_message(self, "These pictures could not be computed", err->text);
        return;
    }
    show_pictures(self, task);
    if (target->serial == self->posted_serial) {
        set_stale(self, FALSE);
    } else {
        stop_stale(self); /* behind, but moving */
        watch_stale(self);
    }
    self->finished = task->finished;
    self->timing = *timing;
    forget_paint(self);
    GdkFrameClock *clock = gtk_widget_get_frame_clock(GTK_WIDGET(self->grid));
    if (clock) {
        self->clock = g_object_ref(clock);
        self->paint_handler =
            g_signal_connect_swapped(clock, "after-paint", G_CALLBACK(painted), self);
    }
}

static gboolean
same_request(const LimSampleRequest *a, const LimSampleRequest *b)
{
    return a->count == b->count && a->label == b->label && a->seed == b->seed &&
           a->threshold == b->threshold && a->truncation == b->truncation;
}

static void
post_request(LimGenerate *self)
{
    LimModel *model = current_model(self);
    LimSampleRequest r = read_request(self);

    if (!model ||
        (self->posted_serial && self->posted_model == model && same_request(&r, &self->posted)))
        return;
    self->posted = r;
    self->posted_model = model;
    LimTaskEvents events = {.done = drawn,
                            .drop = lim_target_free,
                            .data = lim_target_new(self, ++self->posted_serial)};
    watch_stale(self);
    lim_worker_submit(lim_session_get_worker(lim_pane_get_session(LIM_PANE(self))),
                      draw_task_new(model, &r), LIM_LANE_LIVE, SLOT, 0, events);
}

static gboolean
tick(GtkWidget *widget, GdkFrameClock *clock, gpointer data)
{
    LimGenerate *self = LIM_GENERATE(widget);

    self->tick = 0;
    post_request(self);
    return G_SOURCE_REMOVE;
}

/* However many events arrive between two frames, one request is enough. */
static void
request_soon(LimGenerate *self)
{
    if (!self->tick)
        self->tick = gtk_widget_add_tick_callback(GTK_WIDGET(self), tick, NULL, NULL);
}

static void
changed(LimGenerate *self)
{
    LimSampleRequest r = read_request(self);

    if (r.truncation == LIM_TRUNC_SCALE)
        lim_density_plot_set(self->density, r.threshold, 2 * r.threshold);
    else
        lim_density_plot_set(self->density, 1, r.threshold);
    request_soon(self);
}

static void
settled(LimGenerate *self)
{
    g_autoptr(GVariant) values = lim_form_dup_settled(self->form);

    lim_undo_push(self->undo, values);
}

/* The class names of the model become the choices. */
static void
fill_classes(LimGenerate *self, LimModel *model)
{
    LimGenerator *g = lim_model_generator(model);
    const LimParamSpec *spec = lim_schema_at(lim_sample_schema, offsetof(LimSampleRequest, label));
    int n = lim_generator_classes(g);
    g_autofree const char **texts = g_new0(const char *, n + 2);
    g_autofree int *values = g_new(int, n + 1);

    for (int i = -1; i < n; i++) {
        texts[i + 1] = class_title(model, i);
        values[i + 1] = i;
    }
    lim_choice_row_set_choices(LIM_CHOICE_ROW(lim_form_get_row(self->form, spec->name)), texts,
                               values);
}

static void
model_changed(LimGenerate *self)
{
    LimSession *session = lim_pane_get_session(LIM_PANE(self));
    const char *error = lim_session_get_error(session);

    if (error) {
        show_message(self, "This model cannot be opened", error);
        return;
    }
    fill_classes(self, lim_session_get_model(session));
    request_soon(self);
}

/* ---- actions ---- */

static void
do_undo(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    LimGenerate *self = data;

    lim_form_flush(self->form); /* a burst of keys that is still open is the step to undo */
    GVariant *values = lim_undo_undo(self->undo);
    if (values)
        lim_form_set_values(self->form, values);
}

static void
do_redo(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    LimGenerate *self = data;

    lim_form_flush(self->form);
    GVariant *values = lim_undo_redo(self->undo);
    if (values)
        lim_form_set_values(self->form, values);
}

static void
do_new_seed(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    LimGenerate *self = data;
    const LimParamSpec *spec = lim_schema_at(lim_sample_schema, offsetof(LimSampleRequest, seed));

    lim_seed_row_draw(LIM_SEED_ROW(lim_form_get_row(self->form, spec->name)));
}

static void
do_reset_all(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    lim_form_reset(LIM_GENERATE(data)->form);
}

static void
do_back(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    LimGenerate *self = data;

    gtk_stack_set_visible_child_name(GTK_STACK(self->stack), "pictures");
    request_soon(self);
}

static void
do_copy_command(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    LimGenerate *self = data;
    LimModel *model = current_model(self);
    LimSampleRequest r = read_request(self);

    if (!model)
        return;
    g_autofree char *path = g_shell_quote(lim_model_path(model));
    g_autofree char *flags = lim_schema_flags(lim_sample_schema, &r);
    g_autofree char *command =
        g_strdup_printf("limen-cli sample %s%s --out sheet.png", path, flags);
    gdk_clipboard_set_text(gtk_widget_get_clipboard(GTK_WIDGET(self)), command);
    lim_status_line_flash(self->status, "The command for these pictures is on the clipboard");
}

static void
submit_file(LimGenerate *self, LimTask *task,
            void (*done)(void *, LimTask *, LimStatus, const LimError *, const LimTiming *))
{
    LimTaskEvents events = {.done = done, .drop = lim_target_free, .data = lim_target_new(self, 0)};

    lim_worker_submit(lim_session_get_worker(lim_pane_get_session(LIM_PANE(self))), task,
                      LIM_LANE_LONG, 0, 0, events);
}

static void
exported(void *data, LimTask *t, LimStatus status, const LimError *err, const LimTiming *timing)
{
    g_autoptr(LimGenerate) self = g_weak_ref_get(&((LimTarget *)data)->object);

    if (!self)
        return;
    g_autofree char *name = g_path_get_basename(((FileTask *)t)->path);
    g_autofree char *text = status == LIM_OK ? g_strdup_printf("Saved %s", name)
                                             : g_strdup_printf("Not saved: %s", err->text);
    lim_status_line_flash(self->status, text);
}

static void
do_export_to(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    LimGenerate *self = data;
    LimModel *model = current_model(self);
    LimSampleRequest r = read_request(self);

    if (model)
        submit_file(self, file_task_new(g_variant_get_string(parameter, NULL), model, &r),
                    exported);
}

static void
export_response(GtkNativeDialog *dialog, int response, LimGenerate *self)
{
    g_autoptr(GFile) file = gtk_file_chooser_get_file(GTK_FILE_CHOOSER(dialog));
    g_autofree char *path = file ? g_file_get_path(file) : NULL;

    if (response == GTK_RESPONSE_ACCEPT && path)
        g_action_group_activate_action(G_ACTION_GROUP(lim_pane_get_actions(LIM_PANE(self))),
                                       "export-to", g_variant_new_string(path));
    g_clear_object(&self->chooser);
}

static void
do_export(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    LimGenerate *self = data;
    LimModel *model = current_model(self);

    if (self->chooser || !model)
        return;
    LimSampleRequest r = read_request(self);
    g_autofree char *name = g_strdup_printf("%s, threshold %.2f, seed %" G_GUINT64_FORMAT ".png",
                                            class_title(model, r.label), r.threshold, r.seed);
    self->chooser =
        gtk_file_chooser_native_new("Export PNG", GTK_WINDOW(gtk_widget_get_root(GTK_WIDGET(self))),
                                    GTK_FILE_CHOOSER_ACTION_SAVE, "_Export", "_Cancel");
    gtk_file_chooser_set_current_name(GTK_FILE_CHOOSER(self->chooser),
                                      g_strdelimit(name, "/", '-'));
    g_signal_connect_object(self->chooser, "response", G_CALLBACK(export_response), self, 0);
    gtk_native_dialog_show(GTK_NATIVE_DIALOG(self->chooser));
}

static void
restored(void *data, LimTask *t, LimStatus status, const LimError *err, const LimTiming *timing)
{
    g_autoptr(LimGenerate) self = g_weak_ref_get(&((LimTarget *)data)->object);
    const FileTask *task = (const FileTask *)t;

    if (!self || status == LIM_CANCELLED)
        return;
    if (status != LIM_OK) {
        g_autofree char *why = g_strdup_printf("This picture has no settings: %s", err->text);
        lim_status_line_flash(self->status, why);
        return;
    }
    lim_form_flush(self->form);
    lim_form_set_values(self->form, lim_schema_values(lim_sample_schema, &task->request));
    settled(self); /* one step: Ctrl+Z brings the former settings back */

    LimModel *model = current_model(self);
    g_autofree char *open = model ? g_path_get_basename(lim_model_path(model)) : NULL;
    g_autofree char *text =
        g_strcmp0(open, task->made_with) == 0
            ? g_strdup("Settings restored from the picture")
            : g_strdup_printf("Settings restored; the picture was made with %s", task->made_with);
    lim_status_line_flash(self->status, text);
}

/* A picture: its settings become ours, when it has any. */
static gboolean
open_file(LimPane *pane, const char *path)
{
    submit_file(LIM_GENERATE(pane), file_task_new(path, NULL, NULL), restored);
    return TRUE;
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
build_form(LimGenerate *self)
{
    static const char *const counts[] = {"1", "4", "9", "16", "25", "36", "64", NULL};
    static const int count_values[] = {1, 4, 9, 16, 25, 36, 64};
    static const char *const all[] = {"All classes", NULL};
    static const int all_values[] = {-1};
    static const double marks[] = {0.04, 0.5, 1, 2};
    static const char *const truncations[] = {"Continuous (inverse CDF)", "Redraw (as published)",
                                              "Scale", NULL};
    const LimFormHint hints[] = {
        {.name = lim_schema_at(lim_sample_schema, offsetof(LimSampleRequest, label))->name,
         .texts = all,
         .values = all_values},
        {.name = lim_schema_at(lim_sample_schema, offsetof(LimSampleRequest, count))->name,
         .texts = counts,
         .values = count_values},
        {.name = lim_schema_at(lim_sample_schema, offsetof(LimSampleRequest, threshold))->name,
         .marks = marks,
         .n_marks = G_N_ELEMENTS(marks)},
        {.name = lim_schema_at(lim_sample_schema, offsetof(LimSampleRequest, truncation))->name,
         .texts = truncations},
    };
    GtkWidget *panel = gtk_box_new(GTK_ORIENTATION_VERTICAL, 18);
    GtkWidget *buttons = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);

    self->form = LIM_FORM(lim_form_new());
    lim_schema_form_fill(self->form, lim_sample_schema, hints, G_N_ELEMENTS(hints));
    self->density = LIM_DENSITY_PLOT(lim_density_plot_new());
    lim_form_add_below(self->form, hints[2].name, GTK_WIDGET(self->density));
    g_signal_connect_object(self->form, "changed", G_CALLBACK(changed), self, G_CONNECT_SWAPPED);
    g_signal_connect_object(self->form, "settled", G_CALLBACK(settled), self, G_CONNECT_SWAPPED);

    add_button(buttons, "Copy as command", "view.copy-command",
               "Copies the limen-cli command that writes these pictures, byte for byte "
               "(Ctrl+Shift+C)");
    add_button(buttons, "Export PNG…", "view.export",
               "Saves the pictures with their settings inside: drop the file on this window to "
               "restore them (Ctrl+E)");
    gtk_box_append(GTK_BOX(panel), GTK_WIDGET(self->form));
    gtk_box_append(GTK_BOX(panel), buttons);
    gtk_widget_add_css_class(panel, "sidebar-panel");
    gtk_widget_set_size_request(panel, 324, -1);
    gtk_widget_set_hexpand(panel, FALSE);
    return panel;
}

static GtkWidget *
build_pictures(LimGenerate *self)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);
    GtkWidget *head = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 12);

    self->title = gtk_label_new(NULL);
    gtk_widget_add_css_class(self->title, "picture-title");
    self->subtitle = gtk_label_new(NULL);
    gtk_widget_add_css_class(self->subtitle, "dim-label");
    gtk_widget_add_css_class(self->subtitle, "numeric");
    gtk_label_set_ellipsize(GTK_LABEL(self->subtitle), PANGO_ELLIPSIZE_END);
    gtk_widget_set_valign(self->subtitle, GTK_ALIGN_BASELINE);
    gtk_widget_set_valign(self->title, GTK_ALIGN_BASELINE);
    gtk_box_append(GTK_BOX(head), self->title);
    gtk_box_append(GTK_BOX(head), self->subtitle);

    self->grid = LIM_IMAGE_GRID(lim_image_grid_new());
    gtk_widget_set_hexpand(GTK_WIDGET(self->grid), TRUE);
    gtk_widget_set_vexpand(GTK_WIDGET(self->grid), TRUE);
    gtk_box_append(GTK_BOX(box), head);
    gtk_box_append(GTK_BOX(box), GTK_WIDGET(self->grid));
    gtk_widget_add_css_class(box, "pictures");
    return box;
}

static GtkWidget *
build_content(LimGenerate *self)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);

    self->stack = gtk_stack_new();
    gtk_stack_add_named(GTK_STACK(self->stack), build_pictures(self), "pictures");
    self->message = LIM_MESSAGE(lim_message_new());
    gtk_stack_add_named(GTK_STACK(self->stack), GTK_WIDGET(self->message), "message");
    self->status = LIM_STATUS_LINE(lim_status_line_new());
    gtk_box_append(GTK_BOX(box), self->stack);
    gtk_box_append(GTK_BOX(box), GTK_WIDGET(self->status));
    g_signal_connect_object(self->grid, "notify::pointed", G_CALLBACK(show_status), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->grid, "notify::enlarged", G_CALLBACK(show_status), self,
                            G_CONNECT_SWAPPED);
    return box;
}

static void
constructed(GObject *object)
{
    static const GActionEntry entries[] = {
        {.name = "undo", .activate = do_undo},
        {.name = "redo", .activate = do_redo},
        {.name = "new-seed", .activate = do_new_seed},
        {.name = "reset-all", .activate = do_reset_all},
        {.name = "back", .activate = do_back},
        {.name = "copy-command", .activate = do_copy_command},
        {.name = "export", .activate = do_export},
        {.name = "export-to", .activate = do_export_to, .parameter_type = "s"},
    };
    LimGenerate *self = LIM_GENERATE(object);
    GActionMap *actions = lim_pane_get_actions(LIM_PANE(self));
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 0);

    G_OBJECT_CLASS(lim_generate_parent_class)->constructed(object);
    g_action_map_add_action_entries(actions, entries, G_N_ELEMENTS(entries), self);

    GtkWidget *panel = build_form(self);
    gtk_box_append(GTK_BOX(box), panel);
    GtkWidget *line = gtk_separator_new(GTK_ORIENTATION_VERTICAL);
    gtk_box_append(GTK_BOX(box), line);
    gtk_box_append(GTK_BOX(box), build_content(self));
    lim_pane_set_child(LIM_PANE(self), box);
    g_object_bind_property(self, "show-form", panel, "visible", G_BINDING_SYNC_CREATE);
    g_object_bind_property(self, "show-form", line, "visible", G_BINDING_SYNC_CREATE);

    self->undo = lim_undo_new();
    settled(self); /* where it all began */
    g_object_bind_property(self->undo, "can-undo", g_action_map_lookup_action(actions, "undo"),
                           "enabled", G_BINDING_SYNC_CREATE);
    g_object_bind_property(self->undo, "can-redo", g_action_map_lookup_action(actions, "redo"),
                           "enabled", G_BINDING_SYNC_CREATE);
    g_signal_connect_object(lim_pane_get_session(LIM_PANE(self)), "model-changed",
                            G_CALLBACK(model_changed), self, G_CONNECT_SWAPPED);
}

static void
get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    LimGenerate *self = LIM_GENERATE(object);

    g_value_set_boolean(value, !self->tick && self->posted_serial &&
                                   self->posted_serial == self->shown_serial);
}

static void
dispose(GObject *object)
{
    LimGenerate *self = LIM_GENERATE(object);

    stop_stale(self);
    forget_paint(self);
    if (self->chooser)
        gtk_native_dialog_destroy(GTK_NATIVE_DIALOG(self->chooser));
    g_clear_object(&self->chooser);
    g_clear_object(&self->undo);
    G_OBJECT_CLASS(lim_generate_parent_class)->dispose(object);
}

static void
lim_generate_class_init(LimGenerateClass *klass)
{
    G_OBJECT_CLASS(klass)->constructed = constructed;
    G_OBJECT_CLASS(klass)->get_property = get_property;
    G_OBJECT_CLASS(klass)->dispose = dispose;
    LIM_PANE_CLASS(klass)->open_file = open_file;
    props[PROP_CURRENT] = g_param_spec_boolean("current", NULL, NULL, FALSE,
                                               G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
    g_object_class_install_properties(G_OBJECT_CLASS(klass), N_PROPS, props);
}

static void
lim_generate_init(LimGenerate *self)
{
}

const LimPaneDef lim_pane_generate = {"generate", "Generate", lim_generate_get_type};
