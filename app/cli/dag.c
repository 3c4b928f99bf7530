/* limen-cli attack dag: a perturbation that makes a segmenter or a detector wrong everywhere at
 * once (Xie et al. 2017), and the weighted sum of several that were made on networks each. */
#include "attacks/dag-fusion.h"
#include "attacks/dag-sheet.h"
#include "dag-run.h"
#include "data/scene-own.h"

#include <math.h>
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

/* A network with what it sees, and the perturbation made on it. */
typedef struct Net {
    CliJudge judge;
    double weight;
    int32_t *mask,
        *label[2]; /* [size][size]: what is there for it; what it sees before and after */
    LimScene scene;
    LimDetection found[2][LIM_DETECTIONS];
    LimDagSeen seen[2];
    double score[2];
    float *r; /* [3][size][size] */
    int targets, active, iterations;
} Net;

typedef struct Fused {
    CliRun *run;
    const DagFlags *f;
    const LimDagFusion *fusion;
    CliStage s;
    Net net[LIM_DAG_JUDGES];
    int n;
    float *sum; /* [3][size][size] */
} Fused;

/* ---- before the attack ------------------------------------------------------------------------
 */

/* What network i sees in x, before (0) or after (1) the attack. */
static LimStatus
see(Fused *a, int i, int when, const float *x, LimError *err)
{
    Net *net = &a->net[i];
    LimDagSeen *seen = &net->seen[when];
    *seen = (LimDagSeen){.found = net->found[when]};
    if (net->judge.detector)
        return lim_detector_run(net->judge.detector, &a->run->exec, x, net->found[when], &seen->n,
                                err);
    seen->label = net->label[when];
    return lim_segmenter_run(net->judge.segmenter, &a->run->exec, x, net->label[when], err);
}

static LimStatus
open_nets(Fused *a, LimError *err)
{
    double weight[LIM_DAG_JUDGES];
    const CliArgs *args = &a->run->args;
    const size_t area = (size_t)a->s.area;
    if (lim_dag_weights(a->fusion->weights, 1 + args->n_operands, weight, err) != LIM_OK)
        return err->code;
    for (int i = 0; i <= args->n_operands; i++) {
        Net *net = &a->net[a->n++];
        net->weight = weight[i];
        net->mask = lim_alloc(area, sizeof *net->mask);
        for (int k = 0; k < 2; k++)
            net->label[k] = lim_alloc(area, sizeof *net->label[k]);
        net->r = lim_alloc(3 * area, sizeof *net->r);
        if (!cli_judge_open(&net->judge, a->run, i ? args->operand[i - 1] : a->f->net, a->s.scenes,
                            err))
            return err->code;
    }
    return LIM_OK;
}

/* What is there: the program knows, or of a picture of one's own the network says so. */
static LimStatus
set_truth(Fused *a, int i, LimError *err)
{
    Net *net = &a->net[i];
    if (!*a->f->input) {
        memcpy(net->mask, a->s.mask, (size_t)a->s.area * sizeof *net->mask);
        net->scene = a->s.scene;
        return LIM_OK;
    }
    memset(net->mask, 0, (size_t)a->s.area * sizeof *net->mask);
    if (net->judge.segmenter) {
        memcpy(net->mask, net->label[0], (size_t)a->s.area * sizeof *net->mask);
        lim_scene_of_mask(net->mask, a->s.size, &net->scene);
    } else {
        lim_scene_of_boxes(net->found[0], net->seen[0].n, &net->scene);
    }
    if (a->n == 1 && net->judge.detector && !net->scene.n)
        return lim_fail(
            err, LIM_E_PARAM,
            "%s finds nothing in %s, so there is nothing to attack; give another picture",
            a->f->net, a->f->input);
    return LIM_OK;
}

static LimStatus
set_wanted(Fused *a, LimError *err)
{
    int classes = 0; /* that all segmenters know */
    for (int i = 0; i < a->n; i++) {
        const CliJudge *j = &a->net[i].judge;
        if (j->segmenter && (!classes || j->net->params.classes < classes))
            classes = j->net->params.classes;
    }
    if (!classes)
        return lim_fail(err, LIM_E_PARAM,
                        "--wanted is what a segmenter should see, %s is a detector", a->f->net);
    if (lim_scene_read_mask(a->f->wanted, a->s.size, classes, a->s.label, err) != LIM_OK)
        return err->code;
    for (int i = 0; i < a->n; i++)
        if (a->net[i].judge.segmenter)
            lim_dag_want(a->net[i].judge.dag, a->s.label);
    return LIM_OK;
}

/* The scene, what is in it, and what is wanted of the networks. */
static LimStatus
set_up(Fused *a, LimError *err)
{
    CliStage *s = &a->s;
    if (!*a->f->input)
        lim_scenes_draw(s->scenes, (uint64_t)a->f->scene, s->x, s->mask, &s->scene);
    else if (lim_scene_read(a->f->input, s->size, s->x, err) != LIM_OK)
        return err->code;
    for (int i = 0; i < a->n; i++)
        if (see(a, i, 0, s->x, err) != LIM_OK || set_truth(a, i, err) != LIM_OK)
            return err->code;
    return *a->f->wanted ? set_wanted(a, err) : LIM_OK;
}

/* ---- the attack -------------------------------------------------------------------------------
 */

static LimStatus
attack(Fused *a, int i, LimError *err)
{
    Net *net = &a->net[i];
    const uint64_t number = (uint64_t)a->f->scene;
    if (!(net->weight > 0))
        return LIM_OK;
    if (cli_judge_attack(&net->judge, a->run, number, a->s.x, net->mask, &net->scene, err) !=
        LIM_OK)
        return err->code;
    const LimDagResult result = lim_dag_result(net->judge.dag);
    net->targets = result.targets;
    net->active = result.active;
    net->iterations = result.iterations;
    if (a->fusion->permuted)
        lim_dag_permute_rows(result.r, a->s.size, a->run->common->seed, number, net->r);
    else
        memcpy(net->r, result.r, 3 * (size_t)a->s.area * sizeof *net->r);
    return LIM_OK;
}

/* One scene's measure for a network: mean IoU or mAP of it alone. */
static LimStatus
measure_one(Fused *a, int i, const float *x, double *value, LimError *err)
{
    Net *net = &a->net[i];
    CliScore score = {0};
    cli_score_init(&score, &net->judge, 1);
    if (cli_score_add(&score, &net->judge, a->run, 0, x, net->mask, a->s.area, &net->scene,
                      a->s.label, err) == LIM_OK)
        *value = cli_score_value(&score, &net->judge);
    cli_score_clear(&score);
    return err->code;
}

/* All perturbations, their sum and its picture, and what comes of it. */
static LimStatus
attack_all(Fused *a, LimError *err)
{
    const float *r[LIM_DAG_JUDGES];
    double weight[LIM_DAG_JUDGES];
    CliStage *s = &a->s;
    for (int i = 0; i < a->n; i++) {
        if (attack(a, i, err) != LIM_OK)
            return err->code;
        r[i] = a->net[i].r;
        weight[i] = a->net[i].weight;
    }
    lim_dag_sum(r, weight, a->n, s->size, a->sum);
    lim_dag_picture(s->x, r, weight, a->n, s->size, s->y);
    for (int i = 0; i < a->n; i++)
        if (see(a, i, 1, s->y, err) != LIM_OK ||
            measure_one(a, i, s->x, &a->net[i].score[0], err) != LIM_OK ||
            measure_one(a, i, s->y, &a->net[i].score[1], err) != LIM_OK)
            return err->code;
    return LIM_OK;
}

/* ---- telling ----------------------------------------------------------------------------------
 */

static LimStatus
write_files(Fused *a, LimError *err)
{
    LimDagJudge judge[LIM_DAG_JUDGES];
    json_t *command = cli_command(a->run);
    for (int i = 0; i < a->n; i++)
        judge[i] = (LimDagJudge){.name = a->net[i].judge.name,
                                 .mask = a->net[i].mask,
                                 .scene = &a->net[i].scene,
                                 .before = a->net[i].seen[0],
                                 .after = a->net[i].seen[1]};
    const LimDagSheet sheet = {.size = a->s.size,
                               .scale = a->f->scale,
                               .x = a->s.x,
                               .y = a->s.y,
                               .r = a->sum,
                               .truth = !*a->f->input,
                               .judges = a->n,
                               .judge = judge,
                               .naming = lim_scenes_naming(a->s.scenes),
                               .command = json_string_value(command)};
    const LimStatus status = lim_dag_sheet_write(a->f->out, &sheet, err);
    json_decref(command);
    return status;
}

static json_t *
number_or_null(double value)
{
    return isnan(value) ? json_null() : json_real(value);
}

/* Adds what is to be told of a network. */
static void
tell_net(const Net *net, json_t *to)
{
    json_object_set_new(to, "measure",
                        json_string(net->judge.segmenter ? "mean IoU" : "mAP at 0.5"));
    json_object_set_new(to, "targets", json_integer(net->targets));
    json_object_set_new(to, "still_right", json_integer(net->active));
    json_object_set_new(to, "iterations", json_integer(net->iterations));
    json_object_set_new(to, "before", number_or_null(net->score[0]));
    json_object_set_new(to, "after_8bit", number_or_null(net->score[1]));
}

static json_t *
tell(const Fused *a)
{
    json_t *result = json_pack("{s:s}", "picture", a->f->out), *rows = json_array();
    for (int i = 0; i < a->n && a->n > 1; i++) {
        json_t *row =
            json_pack("{s:s, s:f}", "network", a->net[i].judge.name, "weight", a->net[i].weight);
        tell_net(&a->net[i], row);
        json_array_append_new(rows, row);
    }
    if (a->n > 1)
        json_object_set(result, "networks", rows);
    else
        tell_net(&a->net[0], result);
    json_decref(rows);
    json_object_set_new(result, "largest_change", json_real(lim_dag_largest(a->sum, a->s.size)));
    json_object_set_new(result, "perceptibility",
                        json_real(lim_dag_perceptibility(a->s.x, a->s.y, a->s.size)));
    json_object_set_new(result, "command", cli_command(a->run));
    return result;
}

static json_t *
run_dag(CliRun *run, LimError *err)
{
    const DagFlags *f = cli_args_values(&run->args, flags_schema);
    json_t *result = NULL;
    if (!*f->net || !*f->out) {
        lim_fail(err, LIM_E_PARAM,
                 *f->net ? "nothing to write; give --out FILE.png."
                         : "no network to attack; give one with --net.");
        return NULL;
    }
    Fused *a = lim_alloc(1, sizeof *a);
    a->run = run;
    a->f = f;
    a->fusion = cli_args_values(&run->args, lim_dag_fusion_schema);
    if (cli_stage_open(&a->s, run, err)) {
        a->sum = lim_alloc(3 * (size_t)a->s.area, sizeof *a->sum);
        if (open_nets(a, err) == LIM_OK && set_up(a, err) == LIM_OK &&
            attack_all(a, err) == LIM_OK && write_files(a, err) == LIM_OK)
            result = tell(a);
    }
    for (int i = 0; i < a->n; i++) {
        Net *net = &a->net[i];
        cli_judge_clear(&net->judge);
        free(net->mask);
        free(net->label[0]);
        free(net->label[1]);
        free(net->r);
    }
    cli_stage_clear(&a->s);
    free(a->sum);
    free(a);
    return result;
}

static const CliPiece dag_pieces[] = {{"Dense adversary generation", lim_dag_schema,
                                       sizeof(LimDagParams)},
                                      {"What to attack", flags_schema, sizeof(DagFlags)},
                                      {"Sum of several", lim_dag_fusion_schema,
                                       sizeof(LimDagFusion)},
                                      {"Scenes", lim_scene_schema, sizeof(LimSceneSettings)},
                                      {0}};
const CliCommand cli_attack_dag = {
    .name = "attack dag",
    .summary = "Makes a segmenter or a detector wrong at all pixels or boxes of a scene",
    .text = "Further networks are attacked too, each by itself; what is shown and measured is the "
            "weighted sum of the perturbations, fused, for all of them. The measures are of the "
            "picture rounded to bytes, by the whole network: a detector proposes anew.",
    .operands = "[NET...]",
    .max_operands = LIM_DAG_JUDGES - 1,
    .pieces = dag_pieces,
    .run = run_dag,
};
