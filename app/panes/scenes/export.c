/* What is shown as a command of limen-cli, and as files that carry it: a step of an attack, a sum
 * of perturbations, or the table. */
#include "panes/scenes/pane.h"

#include "attacks/dag-fusion.h"
#include "panes/scenes/table-file.h"
#include "schema-form.h"
#include "shipped.h"

/* What the pictures show, as a command says it. */
typedef struct {
    const LimScenesPlan *plan; /* borrowed */
    gboolean fused, permuted;
    double weight[LIM_SCENES_NETS]; /* of each network's perturbation */
    int net[LIM_SCENES_NETS], n;    /* the networks attacked, or that look */
} Shown;

static gboolean
read_shown(LimScenesPane *self, Shown *shown)
{
    memset(shown, 0, sizeof *shown);
    if (!self->stage)
        return FALSE;
    shown->fused = lim_scenes_pane_is_fused(self);
    if (shown->fused) {
        shown->plan = lim_fusion_plan(lim_fusion_page_get_fusion(self->fusion));
        lim_fusion_page_get_weights(self->fusion, shown->weight, &shown->permuted);
        for (int i = 0; i < LIM_SCENES_NETS; i++)
            if (!self->stage->why[i])
                shown->net[shown->n++] = i;
        return shown->n > 0;
    }
    if (!self->run)
        return FALSE;
    shown->plan = lim_scenes_run_plan(self->run);
    shown->permuted = self->permuted;
    shown->net[shown->n++] = shown->plan->net;
    shown->weight[shown->plan->net] = 1;
    if (self->judge >= 0 && self->judge != shown->plan->net) /* it looks */
        shown->net[shown->n++] = self->judge;
    return TRUE;
}

/* In as few digits as say it. */
static void
append_weight(GString *text, double weight)
{
    char word[G_ASCII_DTOSTR_BUF_SIZE] = "", format[8];

    for (int digits = 1; digits <= 17; digits++) {
        g_snprintf(format, sizeof format, "%%.%dg", digits);
        g_ascii_formatd(word, sizeof word, format, weight);
        if (g_ascii_strtod(word, NULL) >= weight && g_ascii_strtod(word, NULL) <= weight)
            break;
    }
    g_string_append_printf(text, "%s%s", text->len ? "," : "", word);
}

static char *
dup_fusion_flags(const Shown *shown)
{
    LimDagFusion fusion = {.permuted = shown->permuted};
    g_autoptr(GString) weights = g_string_new(NULL);
    gboolean plain = TRUE;

    for (int i = 0; i < shown->n; i++) {
        const double weight = shown->weight[shown->net[i]];
        plain = plain && weight >= 1 && weight <= 1;
        append_weight(weights, weight);
    }
    if (!plain)
        g_strlcpy(fusion.weights, weights->str, sizeof fusion.weights);
    return lim_schema_flags(lim_dag_fusion_schema, &fusion);
}

/* painting: its file, or NULL. */
static char *
command_of(LimScenesPane *self, const Shown *shown, const char *painting)
{
    const LimScenesPlan *plan = shown->plan;
    g_autofree char *net = g_shell_quote(lim_scenes_bench_path(self->bench, shown->net[0]));
    g_autofree char *fusion = dup_fusion_flags(shown);
    g_autofree char *dag = lim_schema_flags(lim_dag_schema, &plan->dag);
    g_autofree char *scenes = lim_schema_flags(lim_scene_schema, &plan->place.scenes);
    g_autofree char *samples = lim_shipped_samples();
    g_autofree char *data = self->stage->sampled ? g_shell_quote(samples) : NULL;
    g_autofree char *own = plan->place.own ? g_shell_quote(plan->place.own) : NULL;
    g_autofree char *wanted = painting ? g_shell_quote(painting) : NULL;
    GString *text = g_string_new("limen-cli attack dag");

    for (int i = 1; i < shown->n; i++) {
        g_autofree char *other = g_shell_quote(lim_scenes_bench_path(self->bench, shown->net[i]));
        g_string_append_printf(text, " %s", other);
    }
    g_string_append_printf(text,
                           " --net %s%s%s --scene %d%s%s%s%s%s%s%s --seed %" G_GUINT64_FORMAT
                           " --out %s.png",
                           net, data ? " --data " : "", data ? data : "", plan->place.number,
                           own ? " --input " : "", own ? own : "", wanted ? " --wanted " : "",
                           wanted ? wanted : "", scenes, dag, fusion, plan->seed,
                           shown->fused ? "fused" : "dag");
    return g_string_free(text, FALSE);
}

/* The table is in front, and no cell of it is open. */
static gboolean
is_table(LimScenesPane *self)
{
    const char *page = gtk_stack_get_visible_child_name(GTK_STACK(self->pages));

    return g_strcmp0(page, "transfer") == 0 && self->judge < 0;
}

/* The command for the table over so many scenes. */
static char *
table_command(LimScenesPane *self, const LimScenesPlan *plan, int scenes)
{
    g_autofree char *dag = lim_schema_flags(lim_dag_schema, &plan->dag);
    g_autofree char *flags = lim_schema_flags(lim_scene_schema, &plan->place.scenes);
    g_autofree char *samples = lim_shipped_samples();
    g_autofree char *data = self->stage->sampled ? g_shell_quote(samples) : NULL;
    GString *text = g_string_new("limen-cli evaluate dag");

    for (int i = 0; i < LIM_SCENES_NETS; i++) {
        g_autofree char *net = g_shell_quote(lim_scenes_bench_path(self->bench, i));
        if (!self->stage->why[i])
            g_string_append_printf(text, " %s", net);
    }
    g_string_append_printf(text, "%s%s --scenes %d --first %d%s%s --seed %" G_GUINT64_FORMAT,
                           data ? " --data " : "", data ? data : "", scenes, plan->place.number,
                           flags, dag, plan->seed);
    return g_string_free(text, FALSE);
}

/* The table, when it has figures of a whole scene; NULL: it is told what to do. */
static LimTransfer *
table_to_export(LimScenesPane *self, LimTransferNow *now)
{
    LimTransfer *table = lim_transfer_page_get_table(self->transfer);

    if (table)
        lim_transfer_now(table, now);
    if (table && now->done > 0)
        return table;
    lim_status_line_flash(
        self->status, "There is no table to export yet: press Make table, and wait for a scene");
    return NULL;
}

/* What else is being made waits until an export is over. */
static void
make_way(LimScenesPane *self)
{
    lim_scenes_pane_halt(self);
    lim_fusion_page_hold(self->fusion, TRUE);
    lim_transfer_page_hold(self->transfer, TRUE);
}

static void
export_table(LimScenesPane *self, const char *path)
{
    LimTransferNow now;
    LimTransfer *table = table_to_export(self, &now);

    if (!table)
        return;
    g_autofree char *command = table_command(self, lim_transfer_plan(table), now.done);
    make_way(self);
    lim_form_pane_export(LIM_FORM_PANE(self), path,
                         lim_transfer_save_task_new(table, path, command),
                         "Saved the PNG, and beside it the figures as .csv");
}

static void
painting_written(void *data, LimTask *t, LimStatus status, const LimError *err,
                 const LimTiming *timing)
{
    g_autoptr(LimScenesPane) self = g_weak_ref_get(&((LimTarget *)data)->object);

    if (self && status != LIM_OK && status != LIM_CANCELLED)
        lim_status_line_flash(self->status, err->text);
}

/* At once, not behind the attack that goes on: the command may be pasted any moment. */
static void
write_painting(LimScenesPane *self, const LimScenesPlan *plan, const char *path)
{
    lim_worker_submit(lim_scenes_pane_worker(self), lim_scenes_paint_task_new(plan, path),
                      LIM_LANE_LIVE, LIM_SCENES_SLOT_PAINT, 0,
                      (LimTaskEvents){.done = painting_written,
                                      .drop = lim_target_free,
                                      .data = lim_target_new(self, 0)});
}

static char *
dup_command(LimFormPane *pane, char **said)
{
    LimScenesPane *self = LIM_SCENES_PANE(pane);
    g_autofree char *folder = g_build_filename(g_get_user_cache_dir(), "limen", NULL);
    g_autofree char *painting = NULL;
    LimTransfer *table = is_table(self) ? lim_transfer_page_get_table(self->transfer) : NULL;
    LimTransferNow now;
    Shown shown;

    if (table && self->stage) {
        lim_transfer_now(table, &now);
        *said = g_strdup("The command for this table is on the clipboard");
        return table_command(self, lim_transfer_plan(table), now.scenes);
    }
    if (!read_shown(self, &shown))
        return NULL;
    if (shown.plan->wanted) {
        painting = lim_scenes_painting_dup_path(shown.plan, folder);
        write_painting(self, shown.plan, painting);
    }
    *said = g_strdup(shown.fused ? "The command for this sum is on the clipboard"
                                 : "The command for this attack is on the clipboard");
    return command_of(self, &shown, painting);
}

static void
export_to(LimFormPane *pane, const char *path)
{
    LimScenesPane *self = LIM_SCENES_PANE(pane);
    Shown shown;

    if (is_table(self)) {
        export_table(self, path);
        return;
    }
    if (!read_shown(self, &shown))
        return;
    /* The painting stands beside the picture, for as long as that is kept. */
    LimScenesOut out = {.permute = shown.permuted,
                        .path = lim_export_path(path, ".png"),
                        .painting =
                            shown.plan->wanted ? lim_export_path(path, "-wanted.png") : NULL};
    out.command = command_of(self, &shown, out.painting);
    for (int i = 0; i < shown.n; i++)
        out.judges |= 1u << shown.net[i];
    make_way(self);
    lim_form_pane_export(pane, path,
                         shown.fused
                             ? lim_fusion_save_task_new(lim_fusion_page_get_fusion(self->fusion),
                                                        shown.weight, &out)
                             : lim_scenes_save_task_new(self->run, &out),
                         "Saved the PNG, and beside it the floats as .npy");
}

static char *
dup_file_name(LimFormPane *pane)
{
    LimScenesPane *self = LIM_SCENES_PANE(pane);
    LimTransferNow now;
    Shown shown;

    if (is_table(self)) {
        const LimTransfer *table = table_to_export(self, &now);
        const int first = table ? lim_transfer_plan(table)->place.number : 0;
        return table ? g_strdup_printf("Transfer, scenes %d to %d.png", first, first + now.done - 1)
                     : NULL;
    }
    if (!read_shown(self, &shown))
        return NULL;
    return g_strdup_printf("Scene %d, %s.png", shown.plan->place.number,
                           shown.fused ? "fused" : lim_scenes_net_name(shown.plan->net));
}

void
lim_scenes_export_class_init(LimFormPaneClass *klass)
{
    klass->copy_tooltip = "Copies the limen-cli command that makes this attack (Ctrl+Shift+C)";
    klass->export_tooltip =
        "Saves scene, attacked scene and perturbation with what the network sees, and beside it "
        "the floats as .npy; on the page Transfer the table, and beside it its figures as .csv "
        "(Ctrl+E)";
    klass->dup_command = dup_command;
    klass->dup_file_name = dup_file_name;
    klass->export_to = export_to;
}
