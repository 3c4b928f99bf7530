/* Out of the window: the command and the files of v, and a flipped picture for the Attack view. */
#include "panes/universal/pane.h"

#include "schema-form.h"

static char *
command_of(LimUniversalPane *self)
{
    const LimUniversalPlan *plan = lim_universal_run_plan(self->run);
    g_autofree char *flags = lim_schema_flags(lim_universal_schema, &plan->params);
    g_autofree char *model = g_shell_quote(plan->model);
    g_autofree char *folder =
        lim_universal_run_data(self->run) ? g_shell_quote(lim_universal_run_data(self->run)) : NULL;

    if (plan->file) {
        g_autofree char *file = g_shell_quote(plan->file);
        return g_strdup_printf("limen-cli universal apply %s --model %s%s%s --count %d --scale %g",
                               file, model, folder ? " --data " : "", folder ? folder : "",
                               lim_universal_run_unseen(self->run), lim_universal_pane_scale(self));
    }
    return g_strdup_printf("limen-cli universal make --model %s%s%s --pictures %d --unseen %d%s "
                           "--out universal.safetensors",
                           model, folder ? " --data " : "", folder ? folder : "",
                           lim_universal_run_x(self->run), lim_universal_run_unseen(self->run),
                           flags);
}

static char *
dup_command(LimFormPane *pane, char **said)
{
    LimUniversalPane *self = LIM_UNIVERSAL_PANE(pane);

    if (!self->run)
        return NULL;
    *said = g_strdup(lim_universal_run_plan(self->run)->file
                         ? "The command that applies this perturbation is on the clipboard"
                         : "The command for this perturbation is on the clipboard");
    return command_of(self);
}

static void
export_to(LimFormPane *pane, const char *path)
{
    LimUniversalPane *self = LIM_UNIVERSAL_PANE(pane);

    if (!self->run || lim_universal_run_plan(self->run)->file)
        return;
    g_autofree char *command = command_of(self);
    lim_form_pane_export(pane, path, lim_universal_save_task_new(self->run, path, command, -1, 1),
                         "Saved the PNG, and beside it the floats as .npy and as .safetensors");
}

static char *
dup_file_name(LimFormPane *pane)
{
    LimUniversalPane *self = LIM_UNIVERSAL_PANE(pane);

    if (self->run && lim_universal_run_plan(self->run)->file)
        lim_status_line_flash(self->status, "Not exported: this v is a file already");
    else if (self->run)
        return g_strdup("Universal.png");
    return NULL;
}

static void
picture_saved(void *data, LimTask *t, LimStatus status, const LimError *err,
              const LimTiming *timing)
{
    g_autoptr(LimUniversalPane) self = g_weak_ref_get(&((LimTarget *)data)->object);

    if (!self)
        return;
    if (status == LIM_OK)
        lim_pane_pass_file(LIM_PANE(self), "attack", ((LimUniversalSaveTask *)t)->path);
    else if (status != LIM_CANCELLED)
        lim_status_line_flash(self->status, err->text);
}

/* The picture under the cursor goes to the Attack view as a file, as one of a person's own. */
static void
do_apply(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    LimUniversalPane *self = data;
    const int cursor = lim_image_grid_get_cursor(self->flips);
    g_autofree char *folder = g_build_filename(g_get_user_cache_dir(), "limen", NULL);

    if (!self->run || self->n_flipped == 0)
        return;
    const int picture = self->flipped[CLAMP(cursor, 0, self->n_flipped - 1)];
    g_mkdir_with_parents(folder, 0700);
    g_autofree char *name = g_strdup_printf("universal-%d.png", picture);
    g_autofree char *path = g_build_filename(folder, name, NULL);
    lim_worker_submit(lim_universal_pane_worker(self),
                      lim_universal_save_task_new(self->run, path, "", picture,
                                                  lim_universal_pane_scale(self)),
                      LIM_LANE_LONG, 0, 0,
                      (LimTaskEvents){.done = picture_saved,
                                      .drop = lim_target_free,
                                      .data = lim_target_new(self, 0)});
}

void
lim_universal_pane_allow_apply(LimUniversalPane *self, gboolean yes)
{
    GAction *apply =
        g_action_map_lookup_action(lim_pane_get_actions(LIM_PANE(self)), "apply-in-attack");

    g_simple_action_set_enabled(G_SIMPLE_ACTION(apply), yes);
}

void
lim_universal_export_class_init(LimFormPaneClass *klass)
{
    klass->copy_tooltip =
        "Copies the limen-cli command that makes this v, bit for bit (Ctrl+Shift+C)";
    klass->export_tooltip =
        "Saves v as a picture, and beside it the floats as .npy and as .safetensors (Ctrl+E)";
    klass->dup_command = dup_command;
    klass->dup_file_name = dup_file_name;
    klass->export_to = export_to;
}

void
lim_universal_export_connect(LimUniversalPane *self)
{
    static const GActionEntry apply = {.name = "apply-in-attack", .activate = do_apply};

    g_action_map_add_action_entries(lim_pane_get_actions(LIM_PANE(self)), &apply, 1, self);
    lim_universal_pane_allow_apply(self, FALSE);
}
