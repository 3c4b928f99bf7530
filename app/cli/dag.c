/* limen-cli attack dag: a perturbation that makes a segmenter or a detector wrong everywhere at
 * once (Xie et al. 2017). */
#include "attacks/dag-sheet.h"
#include "dag-run.h"
#include "data/scene-own.h"

#include <stdlib.h>
#include <string.h>

typedef struct DagFlags {
    char net[LIM_TEXT_MAX], input[LIM_TEXT_MAX], wanted[LIM_TEXT_MAX], out[LIM_TEXT_MAX];
    int scene, scale;
} DagFlags;

static const LimParamSpec flags_schema[] = {
    {.name = "net",
     .label = "Network",
     .help = "The segmenter or detector to attack: a file of `limen-cli train segmenter` or `train "
             "detector`.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(DagFlags, net)},
    {.name = "scene",
     .label = "Scene",
     .help = "Number of the test scene.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(DagFlags, scene),
     .max = 1e9},
    {.name = "input",
     .label = "Own picture",
     .help = "A PNG file of any size in place of the scene: its middle square, scaled. What the "
             "network sees in it counts as right.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(DagFlags, input)},
    {.name = "wanted",
     .label = "Wanted",
     .help = "A PNG file of the scene's size whose grey values are the classes that a segmenter "
             "should see, 0 the background (as the masks of `limen-cli scenes make`).",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(DagFlags, wanted)},
    {.name = "out",
     .label = "Picture",
     .help = "The PNG file to write: the scene, the attacked one and the perturbation, with what "
             "the network sees; beside it a .npy file with the float perturbation.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(DagFlags, out),
     .def_text = "dag.png"},
    {.name = "scale",
     .label = "Scale",
     .help = "Each pixel becomes a square of this side.",
     .unit = "px",
     .kind = LIM_INT,
     .offset = offsetof(DagFlags, scale),
     .min = 1,
     .max = 16,
     .def = 4},
    {0}};

/* What the network sees in x; label [size][size] and found receive it. */
static LimDagSeen
see(CliJudge *j, CliRun *run, const float *x, int32_t *label, LimDetection *found, LimError *err)
{
    LimDagSeen seen = {.label = j->segmenter ? label : NULL, .found = found};
    if (j->segmenter)
        lim_segmenter_run(j->segmenter, &run->exec, x, label, err);
    else
        lim_detector_run(j->detector, &run->exec, x, found, &seen.n, err);
    return seen;
}

static LimStatus
write_files(CliJudge *j, CliRun *run, CliStage *s, const DagFlags *f, const LimDagResult *r,
            LimError *err)
{
    LimDetection found[2][LIM_DETECTIONS];
    int32_t *label = lim_alloc((size_t)s->area, sizeof *label);
    const LimDagSeen before = see(j, run, s->x, label, found[0], err);
    const LimDagSeen after = see(j, run, s->y, s->label, found[1], err);
    if (err->code == LIM_OK) {
        json_t *command = cli_command(run);
        const LimDagSheet sheet = {.size = s->size,
                                   .scale = f->scale,
                                   .x = s->x,
                                   .r = r->r,
                                   .largest = r->largest,
                                   .mask = s->mask,
                                   .scene = &s->scene,
                                   .truth = !*f->input,
                                   .before = before,
                                   .after = after,
                                   .naming = lim_scenes_naming(s->scenes),
                                   .command = json_string_value(command)};
        lim_dag_sheet_write(f->out, &sheet, err);
        json_decref(command);
    }
    free(label);
    return err->code;
}

/* A picture of one's own in place of the scene: what the network sees in it counts as right. */
static LimStatus
read_input(CliJudge *j, CliRun *run, CliStage *s, const char *path, LimError *err)
{
    LimDetection found[LIM_DETECTIONS];
    memset(s->mask, 0, (size_t)s->area * sizeof *s->mask);
    if (lim_scene_read(path, s->size, s->x, err) != LIM_OK)
        return err->code;
    const LimDagSeen seen = see(j, run, s->x, s->mask, found, err);
    if (j->segmenter)
        lim_scene_of_mask(s->mask, s->size, &s->scene);
    else
        lim_scene_of_boxes(seen.found, seen.n, &s->scene);
    return err->code;
}

/* Scene, mask and objects, and what is wanted of the network. */
static LimStatus
set_up(CliJudge *j, CliRun *run, CliStage *s, const DagFlags *f, LimError *err)
{
    if (!*f->input)
        lim_scenes_draw(s->scenes, (uint64_t)f->scene, s->x, s->mask, &s->scene);
    else if (read_input(j, run, s, f->input, err) != LIM_OK)
        return err->code;
    if (j->detector && !s->scene.n)
        return lim_fail(
            err, LIM_E_PARAM,
            "%s finds nothing in %s, so there is nothing to attack; give another picture", f->net,
            f->input);
    if (*f->wanted && j->detector)
        return lim_fail(err, LIM_E_PARAM,
                        "--wanted is what a segmenter should see, %s is a detector", f->net);
    if (*f->wanted &&
        lim_scene_read_mask(f->wanted, s->size, j->net->params.classes, s->label, err) == LIM_OK)
        lim_dag_want(j->dag, s->label);
    return err->code;
}

/* One scene's measure for the network: mean IoU or mAP of it alone. */
static LimStatus
measure_one(CliJudge *j, CliRun *run, CliStage *s, const float *x, double *value, LimError *err)
{
    CliScore score = {0};
    cli_score_init(&score, j, 1);
    if (cli_score_add(&score, j, run, 0, x, s->mask, s->area, &s->scene, s->label, err) == LIM_OK)
        *value = cli_score_value(&score, j);
    cli_score_clear(&score);
    return err->code;
}

static json_t *
run_dag(CliRun *run, LimError *err)
{
    const DagFlags *f = cli_args_values(&run->args, flags_schema);
    if (!*f->net || !*f->out) {
        lim_fail(err, LIM_E_PARAM,
                 *f->net ? "nothing to write; give --out FILE.png."
                         : "no network to attack; give one with --net.");
        return NULL;
    }
    CliStage s;
    CliJudge j = {0};
    json_t *result = NULL;
    double before = 0, after = 0;
    if (!cli_stage_open(&s, run, err))
        return NULL;
    if (cli_judge_open(&j, run, f->net, s.scenes, err) && set_up(&j, run, &s, f, err) == LIM_OK)
        cli_judge_attack(&j, run, (uint64_t)f->scene, s.x, s.mask, &s.scene, err);
    if (err->code == LIM_OK) {
        const LimDagResult r = lim_dag_result(j.dag);
        lim_dag_picture(s.x, &r.r, (double[]){1}, 1, s.size, s.y);
        if (measure_one(&j, run, &s, s.x, &before, err) == LIM_OK &&
            measure_one(&j, run, &s, s.y, &after, err) == LIM_OK &&
            write_files(&j, run, &s, f, &r, err) == LIM_OK)
            result =
                json_pack("{s:s, s:s, s:i, s:i, s:i, s:f, s:f, s:f, s:f, s:o}", "picture", f->out,
                          "measure", j.segmenter ? "mean IoU" : "mAP at 0.5", "targets", r.targets,
                          "still_right", r.active, "iterations", r.iterations, "before", before,
                          "after_8bit", after, "largest_change", r.largest, "perceptibility",
                          lim_dag_perceptibility(s.x, s.y, s.size), "command", cli_command(run));
    }
    cli_judge_clear(&j);
    cli_stage_clear(&s);
    return result;
}

static const CliPiece dag_pieces[] = {{"Dense adversary generation", lim_dag_schema,
                                       sizeof(LimDagParams)},
                                      {"What to attack", flags_schema, sizeof(DagFlags)},
                                      {"Scenes", lim_scene_schema, sizeof(LimSceneSettings)},
                                      {0}};
const CliCommand cli_attack_dag = {
    .name = "attack dag",
    .summary = "Makes a segmenter or a detector wrong at all pixels or boxes of a scene",
    .text = "The measures are of the picture rounded to bytes, by the whole network: a detector "
            "proposes anew.",
    .operands = "",
    .pieces = dag_pieces,
    .run = run_dag,
};
