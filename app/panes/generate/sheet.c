/* The settings of the form, of which two are replaced by lists of values. Other values belong to
 * other axes, so the lists are no part of the form: they stand above the pictures that they name.
 */
#include "panes/generate/sheet.h"

#include "panes/generate/generate.h"
#include "panes/generate/piece.h"
#include "panes/generate/settings-box.h"
#include "models/samplefile.h"
#include "schema-form.h"
#include "widgets/lim-choice-row.h"
#include "widgets/lim-text-row.h"

#include <stdlib.h>
#include <string.h>

#define PIECE 16 /* pictures of one request */

enum { ROWS, ROW_VALUES, COLUMNS, COLUMN_VALUES, N_SETTINGS };

struct _LimGenerateSheet {
    LimGeneratePart parent_instance;
    LimFormRow *settings[N_SETTINGS];
    GtkWidget *fault; /* label */
    GtkWidget *scrolled;
    LimImageTable *table;

    int axis[2]; /* of rows, of columns: what they were before a change */
    LimSweepSheet *sheet;
    LimModel *model; /* that draws it */
    LimPieces pieces;
};

G_DEFINE_FINAL_TYPE(LimGenerateSheet, lim_generate_sheet, LIM_TYPE_GENERATE_PART)

/* ---- the settings ---- */

static LimGenerate *
pane_of(LimGenerateSheet *self)
{
    return lim_generate_of(GTK_WIDGET(self));
}

static LimSweep
get_sweep(LimGenerateSheet *self)
{
    LimSweep s = {.request = lim_generate_get_request(pane_of(self))};
    g_autoptr(GVariant) rows = lim_form_row_dup_value(self->settings[ROWS]);
    g_autoptr(GVariant) columns = lim_form_row_dup_value(self->settings[COLUMNS]);
    g_autoptr(GVariant) row_values = lim_form_row_dup_value(self->settings[ROW_VALUES]);
    g_autoptr(GVariant) column_values = lim_form_row_dup_value(self->settings[COLUMN_VALUES]);

    s.rows = g_variant_get_int32(rows);
    s.columns = g_variant_get_int32(columns);
    g_strlcpy(s.row_values, g_variant_get_string(row_values, NULL), sizeof s.row_values);
    g_strlcpy(s.column_values, g_variant_get_string(column_values, NULL), sizeof s.column_values);
    return s;
}

/* A value that is there already is left alone: setting it would settle a change that is being made.
 */
static void
set_setting(LimGenerateSheet *self, int setting, GVariant *value)
{
    g_autoptr(GVariant) held = g_variant_ref_sink(value);
    g_autoptr(GVariant) now = lim_form_row_dup_value(self->settings[setting]);

    if (!g_variant_equal(now, held))
        lim_form_row_set_value(self->settings[setting], held);
}

static void
set_text(LimGenerateSheet *self, int setting, const char *text)
{
    set_setting(self, setting, g_variant_new_string(text));
}

void
lim_generate_sheet_set_sweep(LimGenerateSheet *self, const LimSweep *s)
{
    self->axis[0] = s->rows; /* before the rows: not a change by hand */
    self->axis[1] = s->columns;
    set_setting(self, ROWS, g_variant_new_int32(s->rows));
    set_setting(self, COLUMNS, g_variant_new_int32(s->columns));
    set_text(self, ROW_VALUES, s->row_values);
    set_text(self, COLUMN_VALUES, s->column_values);
}

/* Values belong to their axis: with another one they go. Choosing what the other side has swaps the
 * two. */
static void
axis_changed(LimGenerateSheet *self)
{
    LimSweep s = get_sweep(self);
    int was[2] = {self->axis[0], self->axis[1]};
    gboolean changed[2] = {s.rows != was[0], s.columns != was[1]};

    if (!changed[0] && !changed[1])
        return;
    if (s.rows == s.columns) {
        LimSweep swapped = s;
        swapped.rows = was[1];
        swapped.columns = was[0];
        g_strlcpy(swapped.row_values, s.column_values, sizeof s.row_values);
        g_strlcpy(swapped.column_values, s.row_values, sizeof s.column_values);
        lim_generate_sheet_set_sweep(self, &swapped);
        return;
    }
    self->axis[0] = s.rows;
    self->axis[1] = s.columns;
    if (changed[0])
        set_text(self, ROW_VALUES, "");
    if (changed[1])
        set_text(self, COLUMN_VALUES, "");
}

static void
setting_changed(LimGenerateSheet *self)
{
    LimGenerate *pane = pane_of(self);

    axis_changed(self);
    if (pane)
        lim_generate_setting_changed(pane);
}

static void
setting_settled(LimGenerateSheet *self)
{
    LimGenerate *pane = pane_of(self);

    if (pane)
        lim_generate_settle(pane);
}

static void
flush(LimGeneratePart *part)
{
    for (int k = 0; k < N_SETTINGS; k++)
        lim_form_row_flush(LIM_GENERATE_SHEET(part)->settings[k]);
}

static gboolean
is_open(LimGeneratePart *part)
{
    for (int k = 0; k < N_SETTINGS; k++)
        if (lim_form_row_is_open(LIM_GENERATE_SHEET(part)->settings[k]))
            return TRUE;
    return FALSE;
}

static GVariant *
get_state(LimGeneratePart *part)
{
    LimGenerateSheet *self = LIM_GENERATE_SHEET(part);
    g_autoptr(GVariant) rows = lim_form_row_dup_settled(self->settings[ROWS]);
    g_autoptr(GVariant) columns = lim_form_row_dup_settled(self->settings[COLUMNS]);
    g_autoptr(GVariant) row_values = lim_form_row_dup_settled(self->settings[ROW_VALUES]);
    g_autoptr(GVariant) column_values = lim_form_row_dup_settled(self->settings[COLUMN_VALUES]);

    return g_variant_new("(@is@is)", rows, g_variant_get_string(row_values, NULL), columns,
                         g_variant_get_string(column_values, NULL));
}

static void
set_state(LimGeneratePart *part, GVariant *state)
{
    LimSweep s = {0};
    const char *row_values, *column_values;

    g_variant_get(state, "(i&si&s)", &s.rows, &row_values, &s.columns, &column_values);
    g_strlcpy(s.row_values, row_values, sizeof s.row_values);
    g_strlcpy(s.column_values, column_values, sizeof s.column_values);
    lim_generate_sheet_set_sweep(LIM_GENERATE_SHEET(part), &s);
}

/* ---- from settings to pictures ---- */

/* What is shown: the place under the pointer, or all of it. */
static void
show_status(LimGenerateSheet *self)
{
    int place;

    if (!self->sheet)
        return;
    g_object_get(self->table, "pointed", &place, NULL);
    g_autofree char *text = NULL;
    if (place >= 0) {
        g_autofree char *where =
            lim_image_table_dup_place(self->table, place / self->sheet->columns,
                                      place % self->sheet->columns);
        text = g_strdup_printf("%s (click: take over; double-click: show in the grid)", where);
    } else {
        LimShape s = lim_generator_image_shape(lim_model_generator(self->model));
        g_autofree char *name = g_path_get_basename(lim_model_path(self->model));
        text = g_strdup_printf("%d samples of %d × %d pixels, drawn by %s",
                               self->sheet->rows * self->sheet->columns, s.d[2], s.d[1], name);
    }
    lim_generate_part_set_status(LIM_GENERATE_PART(self), text);
}

/* The place whose settings are those of the form. */
static void
show_marked(LimGenerateSheet *self)
{
    LimSampleRequest now = lim_generate_get_request(pane_of(self));
    int found = -1;

    now.count = 1;
    for (int i = 0; i < self->sheet->rows * self->sheet->columns && found < 0; i++)
        if (lim_sample_equal(&self->sheet->samples[i].request, &now))
            found = i;
    lim_image_table_set_marked(self->table, found < 0 ? -1 : found / self->sheet->columns,
                               found < 0 ? -1 : found % self->sheet->columns);
}

static gboolean
same_texts(char (*a)[LIM_TEXT_MAX], char (*b)[LIM_TEXT_MAX], int n)
{
    for (int i = 0; i < n; i++)
        if (!g_str_equal(a[i], b[i]))
            return FALSE;
    return TRUE;
}

static gboolean
same_sheet(const LimSweepSheet *a, const LimSweepSheet *b)
{
    if (!a || a->rows != b->rows || a->columns != b->columns || a->axis[0] != b->axis[0] ||
        a->axis[1] != b->axis[1] || !same_texts(a->row_text, b->row_text, a->rows) ||
        !same_texts(a->column_text, b->column_text, a->columns))
        return FALSE;
    for (int i = 0; i < a->rows * a->columns; i++)
        if (a->samples[i].index != b->samples[i].index ||
            !lim_sample_equal(&a->samples[i].request, &b->samples[i].request))
            return FALSE;
    return TRUE;
}

static void
show_names(LimGenerateSheet *self)
{
    const LimSweepSheet *s = self->sheet;
    g_autofree const char **rows = g_new(const char *, s->rows);
    g_autofree const char **columns = g_new(const char *, s->columns);

    for (int i = 0; i < s->rows; i++)
        rows[i] = s->row_text[i];
    for (int i = 0; i < s->columns; i++)
        columns[i] = s->column_text[i];
    lim_image_table_set_names(self->table, s->axis[0]->label, s->rows, rows, s->axis[1]->label,
                              s->columns, columns);
}

static void
show_usual_values(LimGenerateSheet *self, LimModel *model, const LimSweep *s)
{
    char text[LIM_TEXT_MAX];

    lim_sweep_values(lim_model_generator(model), &s->request, s->rows, text);
    lim_text_row_set_placeholder(LIM_TEXT_ROW(self->settings[ROW_VALUES]), text);
    lim_sweep_values(lim_model_generator(model), &s->request, s->columns, text);
    lim_text_row_set_placeholder(LIM_TEXT_ROW(self->settings[COLUMN_VALUES]), text);
}

static void
show_title(LimGenerateSheet *self, const LimSweep *s)
{
    gboolean classes = lim_sweep_axis(s->rows)->offset == offsetof(LimSampleRequest, label) ||
                       lim_sweep_axis(s->columns)->offset == offsetof(LimSampleRequest, label);
    g_autofree char *title =
        classes ? g_strdup("Every class") : lim_generate_dup_title(self->model, &s->request);
    g_autofree char *rows = g_utf8_strdown(self->sheet->axis[0]->label, -1);
    g_autofree char *columns = g_utf8_strdown(self->sheet->axis[1]->label, -1);
    g_autofree char *subtitle = g_strdup_printf("%s by %s", rows, columns);

    lim_generate_part_set_title(LIM_GENERATE_PART(self), title, subtitle);
}

static void
post_piece(LimGenerateSheet *self)
{
    const LimPieces *p = &self->pieces;
    int n = MIN(MIN(PIECE, p->left), p->rows * p->columns - p->next);
    LimTask *draw =
        lim_draw_samples_task_new(self->model, self->sheet->samples + p->next, n, false);

    lim_generate_part_post(LIM_GENERATE_PART(self), lim_pieces_task_new(p, draw),
                           LIM_GENERATE_SLOT_SHEET);
}

/* The engine names settings as the command line does ("--seed: ...", "... (--blend-class)"), the
 * window by their labels. */
static char *
dup_fault(const char *text)
{
    const char *colon = strstr(text, ": "), *flag = strstr(text, " (--");
    g_autofree char *name = g_str_has_prefix(text, "--") && colon
                                ? g_strndup(text + 2, (gsize)(colon - text - 2))
                                : NULL;
    const LimParamSpec *spec = name ? lim_params_find(lim_sample_schema, name) : NULL;

    if (flag && g_str_has_suffix(flag, ")"))
        return g_strndup(text, (gsize)(flag - text));
    return spec ? g_strconcat(spec->label, colon, NULL) : g_strdup(text);
}

static void
update(LimGeneratePart *part)
{
    LimGenerateSheet *self = LIM_GENERATE_SHEET(part);
    LimModel *model = lim_generate_get_model(pane_of(self));
    LimGenerator *g = lim_model_generator(model);
    LimSweep s = get_sweep(self);
    LimError err = LIM_ERROR_INIT;

    show_usual_values(self, model, &s);
    LimSweepSheet *sheet = lim_sweep_expand(g, &s, &err);
    g_autofree char *fault = dup_fault(err.text);
    lim_generate_fault_show(self->fault, fault);
    if (!sheet)
        return; /* the last good sheet stays */
    if (self->model == model && same_sheet(self->sheet, sheet)) {
        lim_sweep_sheet_free(sheet);
        show_marked(self);
        return;
    }
    lim_pieces_restart(&self->pieces, sheet->rows, sheet->columns, 1);
    if (self->model != model)
        lim_image_table_clear_pictures(self->table);
    lim_model_ref(model);
    lim_model_unref(self->model);
    self->model = model;
    lim_sweep_sheet_free(self->sheet);
    self->sheet = sheet;
    show_names(self);
    show_marked(self);
    show_title(self, &s);
    show_status(self);
    post_piece(self);
}

static void
done(LimGeneratePart *part, LimTask *task)
{
    LimGenerateSheet *self = LIM_GENERATE_SHEET(part);

    if (lim_pieces_done(&self->pieces, task, self->model, self->table))
        post_piece(self);
}

/* ---- taking over ---- */

/* Seeds that follow the seed of the form would move away under the pointer. */
static void
hold_values(LimGenerateSheet *self, int setting, int axis, const char *values,
            const LimSampleRequest *r)
{
    char text[LIM_TEXT_MAX];

    if (*values || lim_sweep_axis(axis)->kind != LIM_SEED)
        return;
    lim_sweep_values(lim_model_generator(self->model), r, axis, text);
    set_text(self, setting, text);
}

static void
take_over(LimGenerateSheet *self, int row, int column)
{
    LimGenerate *pane = pane_of(self);
    LimSampleRequest r = self->sheet->samples[row * self->sheet->columns + column].request;

    lim_generate_flush(pane);
    LimSweep s = get_sweep(self);
    hold_values(self, ROW_VALUES, s.rows, s.row_values, &s.request);
    hold_values(self, COLUMN_VALUES, s.columns, s.column_values, &s.request);
    r.count = s.request.count;
    lim_generate_set_values(pane, lim_schema_values(lim_sample_schema, &r));
    lim_generate_settle(pane);
    g_autofree char *where = lim_image_table_dup_place(self->table, row, column);
    g_autofree char *text = g_strdup_printf("Taken over: %s", where);
    lim_generate_flash(pane, text);
}

static void
open_in_grid(LimGenerateSheet *self, int row, int column)
{
    take_over(self, row, column);
    lim_generate_set_mode(pane_of(self), "grid");
}

static void
pointed(LimGenerateSheet *self)
{
    show_status(self);
    lim_image_table_reveal_cursor(self->table, GTK_SCROLLED_WINDOW(self->scrolled));
}

/* ---- out of the window ---- */

static char *
dup_command(LimGeneratePart *part)
{
    LimGenerateSheet *self = LIM_GENERATE_SHEET(part);
    LimSweep s = get_sweep(self);
    g_autofree char *path = g_shell_quote(lim_model_path(lim_generate_get_model(pane_of(self))));
    g_autofree char *axes = lim_schema_flags(lim_sweep_schema, &s);
    const LimParamSpec *count = lim_schema_at(lim_sample_schema, offsetof(LimSampleRequest, count));

    s.request.count = (int)count->def; /* has no meaning here, and no flag */
    g_autofree char *flags = lim_schema_flags(lim_sample_schema, &s.request);
    return g_strdup_printf("sweep %s%s%s", path, axes, flags);
}

typedef struct {
    LimTask base;
    char *path;
    LimModel *model;
    LimSweep sweep;
    LimSweepSheet *sheet;
    LimTask *samples;
} ExportTask;

static LimStep
export_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    ExportTask *self = (ExportTask *)t;
    LimGenerator *g = lim_model_generator(self->model);

    if (!self->sheet) {
        self->sheet = lim_sweep_expand(g, &self->sweep, err);
        if (!self->sheet)
            return LIM_STEP_FAILED;
        self->samples = lim_samples_task_new(g, self->sheet->samples,
                                             self->sheet->rows * self->sheet->columns, false);
    }
    LimStep step = lim_task_step(self->samples, exec, progress, err);
    if (step != LIM_STEP_DONE)
        return step;
    return lim_sweep_write(self->path, lim_sample_task_image(self->samples), self->sheet,
                           lim_model_path(self->model), &self->sweep, LIM_SAMPLE_SCALE,
                           err) == LIM_OK
               ? LIM_STEP_DONE
               : LIM_STEP_FAILED;
}

static void
export_free(LimTask *t)
{
    ExportTask *self = (ExportTask *)t;

    lim_task_free(self->samples);
    lim_sweep_sheet_free(self->sheet);
    lim_model_unref(self->model);
    free(self->path);
    free(self);
}

static LimTask *
new_export(LimGeneratePart *part, const char *path)
{
    static const LimTaskClass klass = {"export a sheet", export_step, NULL, export_free};
    LimGenerateSheet *self = LIM_GENERATE_SHEET(part);
    ExportTask *task = lim_alloc(1, sizeof *task);
    const LimParamSpec *count = lim_schema_at(lim_sample_schema, offsetof(LimSampleRequest, count));

    task->base.klass = &klass;
    task->path = lim_strdup(path);
    task->model = lim_model_ref(lim_generate_get_model(pane_of(self)));
    task->sweep = get_sweep(self);
    task->sweep.request.count = (int)count->def; /* as in the command */
    return &task->base;
}

static char *
dup_file_name(LimGeneratePart *part)
{
    LimSweep s = get_sweep(LIM_GENERATE_SHEET(part));

    return g_strdup_printf("%s by %s.png", lim_sweep_axis(s.rows)->label,
                           lim_sweep_axis(s.columns)->label);
}

/* ---- construction ---- */

static void
finalize(GObject *object)
{
    LimGenerateSheet *self = LIM_GENERATE_SHEET(object);

    lim_sweep_sheet_free(self->sheet);
    lim_model_unref(self->model);
    G_OBJECT_CLASS(lim_generate_sheet_parent_class)->finalize(object);
}

static void
lim_generate_sheet_class_init(LimGenerateSheetClass *klass)
{
    LimGeneratePartClass *part_class = LIM_GENERATE_PART_CLASS(klass);

    G_OBJECT_CLASS(klass)->finalize = finalize;
    part_class->update = update;
    part_class->done = done;
    part_class->flush = flush;
    part_class->is_open = is_open;
    part_class->get_state = get_state;
    part_class->set_state = set_state;
    part_class->dup_command = dup_command;
    part_class->new_export = new_export;
    part_class->dup_file_name = dup_file_name;
}

static void
build_setting(LimGenerateSheet *self, int k)
{
    const LimParamSpec *s = &lim_sweep_schema[k];
    const char *texts[64] = {NULL};
    GtkWidget *row;

    for (int i = 0; lim_sweep_axis(i); i++)
        texts[i] = lim_sweep_axis(i)->label;
    if (s->kind == LIM_CHOICE) {
        row = lim_choice_row_new(s->name, s->label, s->help, texts, NULL, (int)s->def);
        self->axis[k == COLUMNS] = (int)s->def;
    } else {
        row = lim_text_row_new(s->name, s->label, s->help, "", LIM_TEXT_MAX - 1);
        lim_text_row_set_width_chars(LIM_TEXT_ROW(row), 6);
        gtk_widget_set_hexpand(row, TRUE);
    }
    self->settings[k] = LIM_FORM_ROW(row);
    g_signal_connect_object(row, "changed", G_CALLBACK(setting_changed), self, G_CONNECT_SWAPPED);
    g_signal_connect_object(row, "settled", G_CALLBACK(setting_settled), self, G_CONNECT_SWAPPED);
}

static void
lim_generate_sheet_init(LimGenerateSheet *self)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);

    for (int k = 0; k < N_SETTINGS; k++)
        build_setting(self, k);
    GtkWidget *flow = lim_generate_settings_box_new("Settings of the sheet");
    lim_generate_settings_box_add(flow, self->settings[ROWS], self->settings[ROW_VALUES]);
    lim_generate_settings_box_add(flow, self->settings[COLUMNS], self->settings[COLUMN_VALUES]);
    gtk_box_append(GTK_BOX(box), flow);
    self->table = LIM_IMAGE_TABLE(lim_image_table_new("Sheet"));
    self->scrolled = gtk_scrolled_window_new();
    gtk_scrolled_window_set_child(GTK_SCROLLED_WINDOW(self->scrolled), GTK_WIDGET(self->table));
    gtk_widget_set_vexpand(self->scrolled, TRUE);
    gtk_widget_set_hexpand(self->scrolled, TRUE);
    gtk_box_append(GTK_BOX(box), lim_generate_fault_new(self->scrolled, &self->fault));
    lim_generate_part_set_child(LIM_GENERATE_PART(self), box);
    g_object_bind_property(self, "stale", self->table, "stale", 0);
    g_signal_connect_object(self->table, "notify::pointed", G_CALLBACK(pointed), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->table, "cell-activated", G_CALLBACK(take_over), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->table, "cell-opened", G_CALLBACK(open_in_grid), self,
                            G_CONNECT_SWAPPED);
}
