/* From the settings to a perturbation: a change of the form begins another one, or takes v from a
 * file. */
#include "panes/universal/pane.h"

#include "file-choice.h"
#include "panes/attack/panes.h"
#include "schema-form.h"
#include "shipped.h"
#include "widgets/lim-choice-row.h"
#include "widgets/lim-slider-row.h"

static void
show_message(LimUniversalPane *self, const char *text)
{
    lim_form_pane_show_message(LIM_FORM_PANE(self), "This perturbation cannot be made", text, NULL,
                               NULL);
}

static void
begun(void *data, LimTask *t, LimStatus status, const LimError *err, const LimTiming *timing)
{
    LimTarget *target = data;
    g_autoptr(LimUniversalPane) self = g_weak_ref_get(&target->object);

    if (!self || target->serial != self->serial || status == LIM_CANCELLED)
        return;
    if (status != LIM_OK) {
        show_message(self, err->text);
        return;
    }
    lim_universal_pane_halt(self);
    lim_universal_run_unref(self->run);
    self->run = lim_universal_begin_task_steal(t);
    self->looked_passes = 0;
    lim_form_pane_show_view(LIM_FORM_PANE(self));
    lim_series_page_set_run(self->transfer, self->run);
    lim_series_page_set_run(self->shuffles, self->run);
    const LimUniversalPlan *plan = lim_universal_run_plan(self->run);
    if (plan->file) /* the form tells how it was made */
        lim_form_set_values(self->form, lim_schema_values(lim_universal_schema, &plan->params));
    else
        lim_universal_pane_go_on(self);
    lim_universal_pane_pull(self);
}

static void
read_plan(LimUniversalPane *self, LimUniversalPlan *plan)
{
    LimUniversalSetup setup;

    memset(plan, 0, sizeof *plan);
    lim_schema_form_read(self->form, lim_universal_setup_schema, &setup);
    lim_schema_form_read(self->form, lim_universal_schema, &plan->params);
    plan->pictures = setup.pictures;
    g_strlcpy(self->file, setup.file, sizeof self->file);
    if (*self->file)
        plan->file = self->file;
    if (setup.model < self->n_models)
        plan->model = (char *)self->models[setup.model];
}

static gboolean
tick(GtkWidget *widget, GdkFrameClock *clock, gpointer data)
{
    LimUniversalPane *self = LIM_UNIVERSAL_PANE(widget);
    LimUniversalPlan plan;

    self->tick = 0;
    read_plan(self, &plan);
    if (!plan.model || (self->any_posted && lim_universal_plan_equal(&plan, &self->posted)))
        return G_SOURCE_REMOVE;
    lim_universal_pane_halt(self); /* what the settings no longer ask for */
    self->posted = plan;
    if (plan.file) {
        g_strlcpy(self->posted_file, plan.file, sizeof self->posted_file);
        self->posted.file = self->posted_file;
    }
    self->any_posted = TRUE;
    lim_worker_submit(lim_universal_pane_worker(self),
                      lim_universal_begin_task_new(self->bench, self->pictures, &plan),
                      LIM_LANE_LIVE, LIM_UNIVERSAL_SLOT_BEGIN, 0,
                      (LimTaskEvents){.done = begun,
                                      .drop = lim_target_free,
                                      .data = lim_target_new(self, ++self->serial)});
    return G_SOURCE_REMOVE;
}

/* Nothing is computed for a view that was never seen. */
static void
update_soon(LimUniversalPane *self)
{
    if (!self->tick && self->models)
        self->tick = gtk_widget_add_tick_callback(GTK_WIDGET(self), tick, NULL, NULL);
}

/* Once the classifiers are listed, and what the last session had is set. */
static void
take_opened(LimUniversalPane *self)
{
    if (!self->opened || !self->models)
        return;
    g_autofree char *path = g_steal_pointer(&self->opened);
    lim_form_flush(self->form);
    lim_form_set_values(self->form, g_variant_new_parsed("{'file': <%s>}", path));
    lim_form_pane_settle(LIM_FORM_PANE(self));
    update_soon(self);
}

static void
listed(void *data, LimTask *t, LimStatus status, const LimError *err, const LimTiming *timing)
{
    g_autoptr(LimUniversalPane) self = g_weak_ref_get(&((LimTarget *)data)->object);
    const LimListTask *list = (const LimListTask *)t;
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    if (!self || status != LIM_OK)
        return;
    self->models = list->paths;
    self->n_models = list->n;
    for (int i = 0; i < list->n; i++)
        g_ptr_array_add(names, lim_model_file_label(list->paths[i]));
    g_ptr_array_add(names, NULL);
    if (!list->n)
        show_message(self, "no classifier was found; install the program with its models, or train "
                           "one with limen-cli");
    else
        lim_choice_row_set_choices(LIM_CHOICE_ROW(lim_form_get_row(self->form, "model")),
                                   (const char *const *)names->pdata, NULL);
    lim_form_pane_resume(LIM_FORM_PANE(self));
    take_opened(self);
    update_soon(self);
}

static void
write_session(LimFormPane *pane, GVariantDict *session)
{
    LimUniversalPane *self = LIM_UNIVERSAL_PANE(pane);

    lim_file_choice_write(session, "model", 0, self->models, self->n_models);
}

static void
read_session(LimFormPane *pane, GVariantDict *session)
{
    LimUniversalPane *self = LIM_UNIVERSAL_PANE(pane);

    lim_file_choice_read(session, "model", 0, self->models, self->n_models);
}

void
lim_universal_pane_list(LimUniversalPane *self)
{
    if (self->listed)
        return;
    self->listed = TRUE;
    lim_worker_submit(
        lim_universal_pane_worker(self), lim_list_task_new(self->bench), LIM_LANE_LONG, 0, 0,
        (LimTaskEvents){.done = listed, .drop = lim_target_free, .data = lim_target_new(self, 0)});
}

/* What a v from a file does not need cannot be used, and the slider of the bound has the range and
 * the default that the norm needs. */
static void
arrange(LimUniversalPane *self, int norm)
{
    LimSliderRow *bound = LIM_SLIDER_ROW(lim_form_get_row(self->form, "xi"));
    g_autoptr(GVariant) file = lim_form_row_dup_value(lim_form_get_row(self->form, "file"));
    const gboolean made = !*g_variant_get_string(file, NULL);

    lim_slider_row_set_range(bound, 0, norm == LIM_NORM_L2 ? 4 : 0.3, norm == LIM_NORM_L2 ? 2 : 3);
    lim_form_row_move_default(LIM_FORM_ROW(bound),
                              g_variant_new_double(lim_universal_bounds[norm]));
    for (const LimParamSpec *s = lim_universal_schema; s->name; s++)
        lim_form_row_set_enabled(lim_form_get_row(self->form, s->name), made);
}

/* A bound means something else in the other norm. */
static void
changed(LimFormPane *pane)
{
    LimUniversalPane *self = LIM_UNIVERSAL_PANE(pane);
    LimUniversalParams p;

    lim_schema_form_read(self->form, lim_universal_schema, &p);
    arrange(self, p.norm);
    if (p.norm != self->norm) {
        const double was = lim_universal_bounds[self->norm];
        self->norm = p.norm;
        if (p.xi == was)
            lim_form_set_values(self->form,
                                g_variant_new_parsed("{'xi': <%d>}", lim_universal_bounds[p.norm]));
    }
    update_soon(self);
}

/* A perturbation of the window's: v is taken from it. */
static gboolean
open_other(LimPane *pane, const char *holds, const char *path)
{
    LimUniversalPane *self = LIM_UNIVERSAL_PANE(pane);

    if (!g_str_equal(holds, "universal perturbation"))
        return FALSE;
    g_free(self->opened);
    self->opened = g_strdup(path);
    take_opened(self);
    return TRUE;
}

void
lim_universal_settings_class_init(LimFormPaneClass *klass)
{
    LIM_PANE_CLASS(klass)->open_other = open_other;
    klass->changed = changed;
    klass->write_session = write_session;
    klass->read_session = read_session;
}

void
lim_universal_settings_connect(LimUniversalPane *self)
{
    self->norm = LIM_NORM_LINF;
    arrange(self, self->norm);
}
