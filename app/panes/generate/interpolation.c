/* From sample to sample. An end is a sample of the grid, a kept sample, or that of an opened
 * picture; what is chosen is remembered also while it does not exist (undo may bring a kept sample
 * back only after it has brought back the choice of it). */
#include "panes/generate/interpolation.h"

#include "models/samplefile.h"
#include "models/strip.h"
#include "panes/generate/generate.h"
#include "panes/generate/kept.h"
#include "panes/generate/piece.h"
#include "panes/generate/settings-box.h"
#include "schema-form.h"
#include "widgets/lim-choice-row.h"
#include "widgets/lim-number-row.h"

#include <math.h>
#include <stdlib.h>

enum { FROM, TO, STEPS, STRIPS, PATH, WHAT, N_SETTINGS };

/* Ends besides the numbers of kept samples. */
#define OF_GRID   -1
#define OF_OPENED 100

struct _LimGenerateInterpolation {
    LimGeneratePart parent_instance;
    LimFormRow *settings[N_SETTINGS];
    int ends[2];      /* what is wanted */
    gboolean filling; /* the choices are being made */
    LimSample opened[2];
    gboolean has_opened;
    GtkWidget *fault; /* label */
    GtkWidget *scrolled;
    LimImageTable *table;

    LimGenerateKept *kept; /* borrowed: lives as long as this */
    LimInterpolation way;  /* what is drawn */
    LimModel *model;       /* by which */
    LimPieces pieces;
};

G_DEFINE_FINAL_TYPE(LimGenerateInterpolation, lim_generate_interpolation, LIM_TYPE_GENERATE_PART)

static LimGenerate *
pane_of(LimGenerateInterpolation *self)
{
    return lim_generate_of(GTK_WIDGET(self));
}

static int
get_setting(LimGenerateInterpolation *self, int setting)
{
    g_autoptr(GVariant) value = lim_form_row_dup_value(self->settings[setting]);

    return g_variant_get_int32(value);
}

static void
set_setting(LimGenerateInterpolation *self, int setting, int value)
{
    lim_form_row_set_value(self->settings[setting], g_variant_new_int32(value));
}

/* ---- the ends ---- */

/* The choices are the same for both ends, but for what stands for the grid. */
static void
fill_ends(LimGenerateInterpolation *self)
{
    static const char *const of_grid[] = {"Each sample", "The next sample"};
    int n = self->kept ? lim_generate_kept_get_n(self->kept) : 0;

    self->filling = TRUE;
    for (int e = 0; e < 2; e++) {
        g_autoptr(GStrvBuilder) texts = g_strv_builder_new();
        int values[LIM_KEPT_MAX + 2] = {OF_GRID};
        g_strv_builder_add(texts, of_grid[e]);
        for (int i = 0; i < n; i++) {
            g_autofree char *text =
                g_strdup_printf("Kept %d, %s", i + 1, lim_generate_kept_get(self->kept, i)->title);
            g_strv_builder_add(texts, text);
            values[i + 1] = i;
        }
        if (self->has_opened)
            g_strv_builder_add(texts, "Of the opened picture");
        values[n + 1] = OF_OPENED;
        g_auto(GStrv) all = g_strv_builder_end(texts);
        lim_choice_row_set_choices(LIM_CHOICE_ROW(self->settings[e]), (const char *const *)all,
                                   values);
        if (self->ends[e] < n || (self->ends[e] == OF_OPENED && self->has_opened))
            set_setting(self, e, self->ends[e]);
    }
    self->filling = FALSE;
}

static LimSample
get_end(LimGenerateInterpolation *self, int e, const LimSample *before)
{
    int which = get_setting(self, e);

    if (which == OF_OPENED)
        return self->opened[e];
    if (which != OF_GRID)
        return lim_generate_kept_get(self->kept, which)->sample;
    if (before)
        return (LimSample){before->request, before->index + 1};
    return (LimSample){lim_generate_get_request(pane_of(self)), 0};
}

static LimInterpolation
get_way(LimGenerateInterpolation *self)
{
    LimInterpolation way = {.steps = get_setting(self, STEPS),
                            .rows = 1,
                            .path = get_setting(self, PATH),
                            .what = get_setting(self, WHAT)};

    way.from = get_end(self, FROM, NULL);
    way.to = get_end(self, TO, &way.from);
    if (get_setting(self, FROM) == OF_GRID && get_setting(self, TO) == OF_GRID)
        way.rows = get_setting(self, STRIPS);
    return way;
}

/* NULL: can be drawn. */
static const char *
find_fault(LimGenerateInterpolation *self, LimModel *model)
{
    for (int e = 0; e < 2; e++) {
        int which = get_setting(self, e);
        if (which != OF_GRID && which != OF_OPENED &&
            lim_generate_kept_get(self->kept, which)->model != model)
            return "A kept sample of another model cannot be an end: a latent means something only "
                   "to the model that it was made for.";
    }
    return NULL;
}

void
lim_generate_interpolation_set_way(LimGenerateInterpolation *self, const LimInterpolation *way)
{
    bool next = lim_sample_equal(&way->from.request, &way->to.request) && way->from.index == 0 &&
                way->to.index == 1;

    self->opened[0] = way->from;
    self->opened[1] = way->to;
    self->has_opened = TRUE;
    self->ends[0] = self->ends[1] = next ? OF_GRID : OF_OPENED;
    fill_ends(self);
    set_setting(self, STEPS, way->steps);
    set_setting(self, STRIPS, way->rows);
    set_setting(self, PATH, way->path);
    set_setting(self, WHAT, way->what);
}

static void
setting_changed(LimGenerateInterpolation *self)
{
    LimGenerate *pane = pane_of(self);

    if (!self->filling)
        for (int e = 0; e < 2; e++)
            self->ends[e] = get_setting(self, e);
    if (pane)
        lim_generate_setting_changed(pane);
}

static void
setting_settled(LimGenerateInterpolation *self)
{
    LimGenerate *pane = pane_of(self);

    if (pane)
        lim_generate_settle(pane);
}

static void
flush(LimGeneratePart *part)
{
    for (int k = 0; k < N_SETTINGS; k++)
        lim_form_row_flush(LIM_GENERATE_INTERPOLATION(part)->settings[k]);
}

static gboolean
is_open(LimGeneratePart *part)
{
    for (int k = 0; k < N_SETTINGS; k++)
        if (lim_form_row_is_open(LIM_GENERATE_INTERPOLATION(part)->settings[k]))
            return TRUE;
    return FALSE;
}

static GVariant *
get_state(LimGeneratePart *part)
{
    LimGenerateInterpolation *self = LIM_GENERATE_INTERPOLATION(part);
    int values[N_SETTINGS] = {self->ends[0], self->ends[1]};

    for (int k = STEPS; k < N_SETTINGS; k++) {
        g_autoptr(GVariant) value = lim_form_row_dup_settled(self->settings[k]);
        values[k] = g_variant_get_int32(value);
    }
    return g_variant_new_fixed_array(G_VARIANT_TYPE_INT32, values, N_SETTINGS, sizeof(int));
}

static void
set_state(LimGeneratePart *part, GVariant *state)
{
    LimGenerateInterpolation *self = LIM_GENERATE_INTERPOLATION(part);
    gsize n;
    const int *values = g_variant_get_fixed_array(state, &n, sizeof(int));

    g_return_if_fail(n == N_SETTINGS);
    self->ends[0] = values[0];
    self->ends[1] = values[1];
    fill_ends(self);
    for (int k = STEPS; k < N_SETTINGS; k++)
        set_setting(self, k, values[k]);
}

/* ---- from settings to pictures ---- */

static const char *
class_of(LimGenerateInterpolation *self, const LimSample *s, int row)
{
    LimGenerator *g = lim_model_generator(self->model);

    return lim_generator_class_name(g, lim_generator_label(g, &s->request, s->index + row));
}

static void
show_names(LimGenerateInterpolation *self)
{
    const LimInterpolation *p = &self->way;
    const LimSample *to = p->what == LIM_TRAVEL_LATENT ? &p->from : &p->to; /* its class */
    g_autoptr(GStrvBuilder) rows = g_strv_builder_new(), columns = g_strv_builder_new();

    for (int k = 0; k < p->rows; k++) {
        g_autofree char *text =
            g_strdup_printf("%s to %s", class_of(self, &p->from, k), class_of(self, to, k));
        g_strv_builder_add(rows, text);
    }
    for (int i = 0; i < p->steps; i++) {
        g_autofree char *text = g_strdup_printf("%ld %%", lround(100.0 * i / (p->steps - 1)));
        g_strv_builder_add(columns, text);
    }
    g_auto(GStrv) row_names = g_strv_builder_end(rows), column_names = g_strv_builder_end(columns);
    lim_image_table_set_names(self->table, NULL, p->rows, (const char *const *)row_names, NULL,
                              p->steps, (const char *const *)column_names);
}

static void
show_title(LimGenerateInterpolation *self)
{
    static const char *const whats[] = {"latent and class", "latent only", "class only"};
    const LimInterpolation *p = &self->way;
    const LimSample *to = p->what == LIM_TRAVEL_LATENT ? &p->from : &p->to;
    g_autofree char *title = p->rows > 1 ? g_strdup("From each sample to the next")
                                         : g_strdup_printf("%s to %s", class_of(self, &p->from, 0),
                                                           class_of(self, to, 0));
    g_autofree char *settings = lim_generate_dup_subtitle(&p->from.request);
    g_autofree char *subtitle =
        g_strdup_printf("%s, %s; %s", whats[p->what],
                        p->path == LIM_PATH_SPHERICAL ? "along the great circle" : "straight",
                        settings);

    lim_generate_part_set_title(LIM_GENERATE_PART(self), title, subtitle);
}

/* What is shown: the place under the pointer, or all of it. */
static void
show_status(LimGenerateInterpolation *self)
{
    g_autofree char *text = NULL;
    int place;

    if (!self->model)
        return;
    g_object_get(self->table, "pointed", &place, NULL);
    if (place >= 0) {
        int step = place % self->way.steps;
        g_autofree char *where =
            lim_image_table_dup_place(self->table, place / self->way.steps, step);
        text = g_strconcat(where,
                           step == 0 || step == self->way.steps - 1 ? " (click: take over)" : "",
                           NULL);
    } else {
        LimShape s = lim_generator_image_shape(lim_model_generator(self->model));
        g_autofree char *name = g_path_get_basename(lim_model_path(self->model));
        text = g_strdup_printf("%d pictures of %d × %d pixels, drawn by %s",
                               self->way.rows * self->way.steps, s.d[2], s.d[1], name);
    }
    lim_generate_part_set_status(LIM_GENERATE_PART(self), text);
}

static void
post_piece(LimGenerateInterpolation *self)
{
    LimInterpolation strip = self->way;
    int row = self->pieces.next / strip.steps;

    strip.rows = 1;
    strip.from.index += row;
    strip.to.index += row;
    LimTask *draw = lim_draw_way_task_new(self->model, &strip);
    lim_generate_part_post(LIM_GENERATE_PART(self), lim_pieces_task_new(&self->pieces, draw),
                           LIM_GENERATE_SLOT_INTERPOLATION);
}

static gboolean
same_way(const LimInterpolation *a, const LimInterpolation *b)
{
    return a->steps == b->steps && a->rows == b->rows && a->path == b->path && a->what == b->what &&
           a->from.index == b->from.index && a->to.index == b->to.index &&
           lim_sample_equal(&a->from.request, &b->from.request) &&
           lim_sample_equal(&a->to.request, &b->to.request);
}

static void
attach(LimGenerateInterpolation *self, LimGenerate *pane)
{
    self->kept = LIM_GENERATE_KEPT(lim_generate_get_part(pane, LIM_TYPE_GENERATE_KEPT));
    g_signal_connect_object(self->kept, "changed", G_CALLBACK(fill_ends), self, G_CONNECT_SWAPPED);
    fill_ends(self);
}

static void
update(LimGeneratePart *part)
{
    LimGenerateInterpolation *self = LIM_GENERATE_INTERPOLATION(part);
    LimGenerate *pane = pane_of(self);
    LimModel *model = lim_generate_get_model(pane);

    if (!self->kept)
        attach(self, pane);
    lim_form_row_set_enabled(self->settings[STRIPS], get_setting(self, FROM) == OF_GRID &&
                                                         get_setting(self, TO) == OF_GRID);
    const char *fault = find_fault(self, model);
    lim_generate_fault_show(self->fault, fault);
    LimInterpolation way = get_way(self);
    if (fault || (self->model == model && same_way(&way, &self->way)))
        return;
    lim_pieces_restart(&self->pieces, way.rows, way.steps, way.steps);
    if (self->model != model)
        lim_image_table_clear_pictures(self->table);
    lim_model_ref(model);
    lim_model_unref(self->model);
    self->model = model;
    self->way = way;
    show_names(self);
    show_title(self);
    show_status(self);
    post_piece(self);
}

static void
done(LimGeneratePart *part, LimTask *task)
{
    LimGenerateInterpolation *self = LIM_GENERATE_INTERPOLATION(part);

    if (lim_pieces_done(&self->pieces, task, self->model, self->table))
        post_piece(self);
}

/* An end is a sample, what lies between is none: only ends have settings to take over. */
static void
take_over(LimGenerateInterpolation *self, int row, int column)
{
    LimGenerate *pane = pane_of(self);
    const LimSample *s = column == 0                     ? &self->way.from
                         : column == self->way.steps - 1 ? &self->way.to
                                                         : NULL;

    if (!s) {
        lim_generate_flash(pane, "Only the ends are samples of their own");
        return;
    }
    LimSampleRequest r = s->request;
    r.count = lim_generate_get_request(pane).count;
    lim_generate_flush(pane);
    lim_generate_set_values(pane, lim_schema_values(lim_sample_schema, &r));
    lim_generate_settle(pane);
    g_autofree char *text =
        g_strdup_printf("Taken over: it is picture %d of the grid", s->index + row + 1);
    lim_generate_flash(pane, text);
}

/* Keeps the cursor in sight. */
static void
pointed(LimGenerateInterpolation *self)
{
    show_status(self);
    lim_image_table_reveal_cursor(self->table, GTK_SCROLLED_WINDOW(self->scrolled));
}

/* ---- out of the window ---- */

/* " --to-settings name=value,..." for what is different at the end. */
static char *
dup_end_flags(const LimInterpolation *way)
{
    GString *flags = g_string_new(NULL);

    for (const LimParamSpec *s = lim_sample_schema; s->name; s++) {
        char from[LIM_TEXT_MAX], to[LIM_TEXT_MAX];
        lim_params_get(s, &way->from.request, from, sizeof from);
        lim_params_get(s, &way->to.request, to, sizeof to);
        if (s->offset != offsetof(LimSampleRequest, count) && !g_str_equal(from, to))
            g_string_append_printf(flags, "%s%s=%s", flags->len ? "," : " --to-settings ", s->name,
                                   to);
    }
    return g_string_free(flags, FALSE);
}

/* The number of samples of a grid has no meaning here, and no flag. */
static LimInterpolation
get_plain_way(LimGenerateInterpolation *self)
{
    LimInterpolation way = get_way(self);
    const LimParamSpec *count = lim_schema_at(lim_sample_schema, offsetof(LimSampleRequest, count));

    way.from.request.count = way.to.request.count = (int)count->def;
    return way;
}

static char *
dup_command(LimGeneratePart *part)
{
    LimGenerateInterpolation *self = LIM_GENERATE_INTERPOLATION(part);
    LimInterpolation way = get_plain_way(self);
    g_autofree char *path = g_shell_quote(lim_model_path(lim_generate_get_model(pane_of(self))));
    g_autofree char *steps = lim_schema_flags(lim_interpolation_schema, &way);
    g_autofree char *from = lim_schema_flags(lim_sample_schema, &way.from.request);
    g_autofree char *to = dup_end_flags(&way);

    return g_strdup_printf("interpolate %s%s%s%s", path, steps, from, to);
}

typedef struct {
    LimTask base;
    char *path;
    LimModel *model;
    LimInterpolation way;
    LimTask *samples;
} ExportTask;

static LimStep
export_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    ExportTask *self = (ExportTask *)t;
    LimStep step = lim_task_step(self->samples, exec, progress, err);

    if (step != LIM_STEP_DONE)
        return step;
    return lim_strip_write(self->path, lim_sample_task_image(self->samples),
                           lim_model_generator(self->model), lim_model_path(self->model),
                           &self->way, LIM_SAMPLE_SCALE, err) == LIM_OK
               ? LIM_STEP_DONE
               : LIM_STEP_FAILED;
}

static void
export_free(LimTask *t)
{
    ExportTask *self = (ExportTask *)t;

    lim_task_free(self->samples);
    lim_model_unref(self->model);
    free(self->path);
    free(self);
}

static LimTask *
new_export(LimGeneratePart *part, const char *path)
{
    static const LimTaskClass klass = {"export an interpolation", export_step, NULL, export_free};
    LimGenerateInterpolation *self = LIM_GENERATE_INTERPOLATION(part);
    ExportTask *task = lim_alloc(1, sizeof *task);

    task->base.klass = &klass;
    task->path = lim_strdup(path);
    task->model = lim_model_ref(lim_generate_get_model(pane_of(self)));
    task->way = get_plain_way(self);
    task->samples = lim_interpolation_task_new(lim_model_generator(task->model), &task->way, false);
    return &task->base;
}

static char *
dup_file_name(LimGeneratePart *part)
{
    LimGenerateInterpolation *self = LIM_GENERATE_INTERPOLATION(part);

    return self->model && self->way.rows == 1
               ? g_strdup_printf("%s to %s.png", class_of(self, &self->way.from, 0),
                                 class_of(self, &self->way.to, 0))
               : g_strdup("Interpolation.png");
}

/* ---- construction ---- */

static void
finalize(GObject *object)
{
    lim_model_unref(LIM_GENERATE_INTERPOLATION(object)->model);
    G_OBJECT_CLASS(lim_generate_interpolation_parent_class)->finalize(object);
}

static void
lim_generate_interpolation_class_init(LimGenerateInterpolationClass *klass)
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
build_rows(LimGenerateInterpolation *self)
{
    static const char *const of_grid[] = {"Each sample", NULL};
    static const int grid[] = {OF_GRID};
    static const char *const paths[] = {"Straight line", "Great circle", NULL};
    static const char *const whats[] = {"Latent and class", "Latent only", "Class only", NULL};
    const LimParamSpec *path =
        lim_schema_at(lim_interpolation_schema, offsetof(LimInterpolation, path));
    const LimParamSpec *what =
        lim_schema_at(lim_interpolation_schema, offsetof(LimInterpolation, what));
    GtkWidget *rows[N_SETTINGS] = {
        [FROM] = lim_choice_row_new("from", "From",
                                    "Where the way begins: at each sample of the grid, or at a "
                                    "kept sample.",
                                    of_grid, grid, OF_GRID),
        [TO] = lim_choice_row_new("to", "To",
                                  "Where the way ends: at the sample after the first, or at a kept "
                                  "sample.",
                                  of_grid, grid, OF_GRID),
        [STEPS] = lim_number_row_new("steps", "Steps",
                                     "How many pictures from one end to the other, both included.",
                                     "", 2, 64, 8),
        [STRIPS] = lim_number_row_new("strips", "Strips",
                                      "How many ways: the second goes from the second sample to "
                                      "the third, and so on.",
                                      "", 1, 16, 5),
        [PATH] = lim_choice_row_new("path", path->label, path->help, paths, NULL, (int)path->def),
        [WHAT] = lim_choice_row_new("what", what->label, what->help, whats, NULL, (int)what->def),
    };

    for (int k = 0; k < N_SETTINGS; k++) {
        self->settings[k] = LIM_FORM_ROW(rows[k]);
        g_signal_connect_object(rows[k], "changed", G_CALLBACK(setting_changed), self,
                                G_CONNECT_SWAPPED);
        g_signal_connect_object(rows[k], "settled", G_CALLBACK(setting_settled), self,
                                G_CONNECT_SWAPPED);
    }
}

static void
lim_generate_interpolation_init(LimGenerateInterpolation *self)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);
    GtkWidget *flow = lim_generate_settings_box_new("Settings of the interpolation");

    self->ends[0] = self->ends[1] = OF_GRID;
    build_rows(self);
    for (int k = 0; k < N_SETTINGS; k += 2)
        lim_generate_settings_box_add(flow, self->settings[k], self->settings[k + 1]);
    gtk_box_append(GTK_BOX(box), flow);
    self->table = LIM_IMAGE_TABLE(lim_image_table_new("Interpolation"));
    lim_image_table_set_names_above(self->table, TRUE);
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
}
