/* limen-cli attack dag, evaluate dag: perturbations that make segmenters and detectors wrong
 * everywhere at once, and what they do to other networks (Xie et al. 2017). */
#include "attacks/dag.h"
#include "cli.h"
#include "data/scene-sheet.h"
#include "metrics/scenes.h"
#include "tensor/npy.h"
#include "tensor/png.h"
#include "tensor/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NETS     8
#define MAX_VARIANTS (2 * MAX_NETS + 2)

/* A network, ready to be asked and attacked. */
typedef struct Judge {
    LimSceneNet *net;
    LimSegmenter *segmenter;
    LimDetector *detector;
    LimDag *dag;
    char name[64]; /* of its file */
} Judge;

static void
judge_clear(Judge *j)
{
    lim_dag_free(j->dag);
    lim_segmenter_free(j->segmenter);
    lim_detector_free(j->detector);
    lim_scene_net_free(j->net);
}

static bool
judge_open(Judge *j, CliRun *run, const char *path, const LimScenes *scenes, LimError *err)
{
    const int size = lim_scenes_size(scenes);
    const char *slash = strrchr(path, '/');
    snprintf(j->name, sizeof j->name, "%s", slash ? slash + 1 : path);
    char *dot = strrchr(j->name, '.');
    if (dot)
        *dot = 0;
    j->net = lim_scene_net_load(path, err);
    if (!j->net)
        return false;
    if (j->net->params.classes != lim_scenes_classes(scenes)) {
        lim_fail(err, LIM_E_PARAM,
                 "%s knows %d classes, the scenes have %d; give the data it was trained on", path,
                 j->net->params.classes, lim_scenes_classes(scenes));
        return false;
    }
    if (j->net->kind == LIM_SCENE_SEGMENTER)
        j->segmenter = lim_segmenter_new(j->net, size, &run->exec, err);
    else
        j->detector = lim_detector_new(j->net, size, &run->exec, err);
    if (err->code == LIM_OK)
        j->dag = lim_dag_new(j->net, size, cli_args_values(&run->args, lim_dag_schema),
                             run->common->seed, &run->exec, err);
    return j->dag;
}

/* Attacks a scene to the end. */
static LimStatus
attack(Judge *j, CliRun *run, uint64_t number, const float *x, const int32_t *mask,
       const LimScene *scene, LimError *err)
{
    LimStep step = LIM_STEP_MORE;
    if (lim_dag_begin(j->dag, number, x, mask, scene, &run->exec, err) != LIM_OK)
        return err->code;
    while (step == LIM_STEP_MORE)
        step = lim_dag_step(j->dag, &run->exec, err);
    return step == LIM_STEP_DONE ? LIM_OK : err->code;
}

/* ---- what networks get right ------------------------------------------------------------------
 */

typedef struct Score {
    LimIou iou;
    LimBoxes boxes;
} Score;

static void
score_init(Score *s, const Judge *j, int scenes)
{
    if (j->segmenter)
        lim_iou_init(&s->iou, j->net->params.classes);
    else
        lim_boxes_init(&s->boxes, scenes);
}

static void
score_clear(Score *s)
{
    lim_iou_clear(&s->iou);
    lim_boxes_clear(&s->boxes);
}

/* Asks the network what it sees in x (number `number`) and adds that. label: scratch. */
static LimStatus
score_add(Score *s, Judge *j, CliRun *run, int number, const float *x, const int32_t *mask,
          int area, const LimScene *scene, int32_t *label, LimError *err)
{
    if (j->segmenter) {
        if (lim_segmenter_run(j->segmenter, &run->exec, x, label, err) == LIM_OK)
            lim_iou_add(&s->iou, mask, label, area);
        return err->code;
    }
    LimDetection found[LIM_DETECTIONS];
    int n;
    if (lim_detector_run(j->detector, &run->exec, x, found, &n, err) == LIM_OK)
        lim_boxes_add(&s->boxes, number, found, n, scene);
    return err->code;
}

/* Mean IoU or mAP. */
static double
score_value(const Score *s, const Judge *j)
{
    return j->segmenter ? lim_iou_mean(&s->iou)
                        : lim_boxes_map(&s->boxes, j->net->params.classes, LIM_AP_ALL_POINTS);
}

/* ---- attack dag -------------------------------------------------------------------------------
 */

typedef struct DagFlags {
    char net[LIM_TEXT_MAX], out[LIM_TEXT_MAX];
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

/* A scene in memory. */
typedef struct Stage {
    LimScenes *scenes;
    int size, area;
    float *x, *y;          /* [3][size][size]: the scene; another picture */
    int32_t *mask, *label; /* [size][size] */
    LimScene scene;
} Stage;

static bool
stage_open(Stage *s, CliRun *run, LimError *err)
{
    *s = (Stage){.scenes = lim_scenes_open(cli_args_values(&run->args, lim_scene_schema),
                                           cli_data(run), LIM_SCENE_TEST, err)};
    if (!s->scenes)
        return false;
    s->size = lim_scenes_size(s->scenes);
    s->area = s->size * s->size;
    s->x = lim_alloc(3 * (size_t)s->area, sizeof *s->x);
    s->y = lim_alloc(3 * (size_t)s->area, sizeof *s->y);
    s->mask = lim_alloc((size_t)s->area, sizeof *s->mask);
    s->label = lim_alloc((size_t)s->area, sizeof *s->label);
    return true;
}

static void
stage_clear(Stage *s)
{
    lim_scenes_free(s->scenes);
    free(s->x);
    free(s->y);
    free(s->mask);
    free(s->label);
}

/* The picture with what the network sees in it, into a tile. */
static LimStatus
draw_seen(Judge *j, CliRun *run, const Stage *s, const float *x, LimImageView tile, int scale,
          LimError *err)
{
    LimDetection found[LIM_DETECTIONS];
    LimSceneMark marks[LIM_DETECTIONS];
    int n = 0, shown = 0;
    if (j->segmenter)
        lim_segmenter_run(j->segmenter, &run->exec, x, s->label, err);
    else
        lim_detector_run(j->detector, &run->exec, x, found, &n, err);
    for (int i = 0; i < n; i++)
        if (found[i].score >= 0.5f) {
            marks[shown] = (LimSceneMark){.label = found[i].label, .score = found[i].score};
            memcpy(marks[shown++].box, found[i].box, sizeof found[i].box);
        }
    if (err->code == LIM_OK)
        lim_scene_overlay(tile, s->size, scale, x, j->segmenter ? s->label : NULL, marks, shown,
                          lim_scenes_naming(s->scenes));
    return err->code;
}

/* Two rows: the scene, the attacked scene, the perturbation; what is there, what the network saw,
 * what it sees. */
static LimStatus
draw_sheet(Judge *j, CliRun *run, Stage *s, const DagFlags *f, const LimDagResult *r, LimError *err)
{
    const double gain = r->largest > 0 ? 1 / (2 * r->largest) : 1;
    const int side = s->size * f->scale;
    char title[64];
    snprintf(title, sizeof title, "perturbation x %.0f", gain);
    const char *captions[] = {"scene",         "attacked",    title,
                              "what is there", "seen before", "seen after"};
    const LimTable table = {.rows = 2,
                            .columns = 3,
                            .tile_w = side,
                            .tile_h = side,
                            .gap = 8,
                            .letter = 1,
                            .captions = captions};
    LimImageView picture = lim_table_new(&table, LIM_PIXEL_RGB8, err);
    if (!picture.data)
        return err->code;
    float *shown = lim_alloc(3 * (size_t)s->area, sizeof *shown);
    for (int i = 0; i < 3 * s->area; i++)
        shown[i] = (float)(gain * (double)r->r[i]);
    LimSceneMark marks[LIM_SCENE_GARMENTS];
    for (int i = 0; i < s->scene.n; i++) {
        marks[i] = (LimSceneMark){.label = s->scene.object[i].label, .score = -1};
        memcpy(marks[i].box, s->scene.object[i].box, sizeof marks[i].box);
    }
    const LimDataset *naming = lim_scenes_naming(s->scenes);
    const float *top[3] = {s->x, s->y, shown};
    for (int k = 0; k < 3; k++)
        lim_scene_overlay(lim_table_tile(&table, picture, 0, k), s->size, f->scale, top[k], NULL,
                          NULL, 0, naming);
    lim_scene_overlay(lim_table_tile(&table, picture, 1, 0), s->size, f->scale, s->x, s->mask,
                      marks, s->scene.n, naming);
    draw_seen(j, run, s, s->x, lim_table_tile(&table, picture, 1, 1), f->scale, err);
    draw_seen(j, run, s, s->y, lim_table_tile(&table, picture, 1, 2), f->scale, err);
    if (err->code == LIM_OK) {
        json_t *command = cli_command(run);
        const LimPngText text = {"limen", json_string_value(command)};
        lim_png_write(f->out, picture, &text, 1, err);
        json_decref(command);
    }
    free(shown);
    free(picture.data);
    return err->code;
}

static LimStatus
write_perturbation(const char *png, const Stage *s, const float *r, LimError *err)
{
    char path[LIM_TEXT_MAX + 8];
    const char *dot = strrchr(png, '.');
    const int stem = dot && !strchr(dot, '/') ? (int)(dot - png) : (int)strlen(png);
    snprintf(path, sizeof path, "%.*s.npy", stem, png);
    LimTensor *t = lim_tensor_new(LIM_F32, LIM_SHAPE3(3, s->size, s->size));
    memcpy(lim_tensor_edit(t), r, 3 * (size_t)s->area * sizeof *r);
    const LimStatus status = lim_npy_write(path, t, err);
    lim_tensor_unref(t);
    return status;
}

/* One scene's measure for the network: mean IoU or mAP of it alone. */
static LimStatus
measure_one(Judge *j, CliRun *run, Stage *s, const float *x, double *value, LimError *err)
{
    Score score = {0};
    score_init(&score, j, 1);
    if (score_add(&score, j, run, 0, x, s->mask, s->area, &s->scene, s->label, err) == LIM_OK)
        *value = score_value(&score, j);
    score_clear(&score);
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
    Stage s;
    Judge j = {0};
    json_t *result = NULL;
    double before, after;
    if (!stage_open(&s, run, err))
        return NULL;
    if (judge_open(&j, run, f->net, s.scenes, err)) {
        lim_scenes_draw(s.scenes, (uint64_t)f->scene, s.x, s.mask, &s.scene);
        attack(&j, run, (uint64_t)f->scene, s.x, s.mask, &s.scene, err);
    }
    if (err->code == LIM_OK) {
        const LimDagResult r = lim_dag_result(j.dag);
        lim_dag_picture(s.x, &r.r, (double[]){1}, 1, s.size, s.y);
        if (measure_one(&j, run, &s, s.x, &before, err) == LIM_OK &&
            measure_one(&j, run, &s, s.y, &after, err) == LIM_OK &&
            draw_sheet(&j, run, &s, f, &r, err) == LIM_OK &&
            write_perturbation(f->out, &s, r.r, err) == LIM_OK)
            result =
                json_pack("{s:s, s:s, s:i, s:i, s:i, s:f, s:f, s:f, s:f, s:o}", "picture", f->out,
                          "measure", j.segmenter ? "mean IoU" : "mAP at 0.5", "targets", r.targets,
                          "still_right", r.active, "iterations", r.iterations, "before", before,
                          "after_8bit", after, "largest_change", r.largest, "perceptibility",
                          lim_dag_perceptibility(s.x, s.y, s.size), "command", cli_command(run));
    }
    judge_clear(&j);
    stage_clear(&s);
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

/* ---- evaluate dag -----------------------------------------------------------------------------
 */

typedef struct EvaluateFlags {
    int scenes, first;
    double weight;
} EvaluateFlags;

static const LimParamSpec evaluate_schema[] = {
    {.name = "scenes",
     .label = "Scenes",
     .help = "How many test scenes.",
     .unit = "scenes",
     .kind = LIM_INT,
     .offset = offsetof(EvaluateFlags, scenes),
     .min = 1,
     .max = 10000,
     .def = 100},
    {.name = "first",
     .label = "First scene",
     .help = "Number of the first test scene.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(EvaluateFlags, first),
     .max = 1e9},
    {.name = "weight",
     .label = "Weight when fused",
     .help = "The perturbations of all networks are added with this weight.",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(EvaluateFlags, weight),
     .max = 10,
     .def = 1},
    {0}};

/* Row 0 is the scene itself, then for each network its perturbation and that in another order of
 * rows, at last all together. */
typedef struct Evaluation {
    CliRun *run;
    const EvaluateFlags *flags;
    Stage stage;
    Judge judge[MAX_NETS];
    int n, rows;
    Score score[MAX_VARIANTS][MAX_NETS];
    double perceptible[MAX_VARIANTS]; /* sums of squares */
    double iterations[MAX_NETS];      /* sums */
    int64_t targets[MAX_NETS], right[MAX_NETS];
    float *r[MAX_NETS], *shuffled; /* [3][size][size] */
} Evaluation;

/* The picture of a row, into stage.y. */
static void
make_picture(Evaluation *e, int row, uint64_t number)
{
    Stage *s = &e->stage;
    const float *r[MAX_NETS];
    double weight[MAX_NETS];
    int n = 0;
    if (row == e->rows - 1)
        for (; n < e->n; n++) {
            r[n] = e->r[n];
            weight[n] = e->flags->weight;
        }
    else if (row > 0) {
        r[0] = e->r[(row - 1) / 2];
        weight[0] = 1;
        n = 1;
        if (row % 2 == 0) {
            lim_dag_permute_rows(r[0], s->size, e->run->common->seed, number, e->shuffled);
            r[0] = e->shuffled;
        }
    }
    lim_dag_picture(s->x, r, weight, n, s->size, s->y);
    const double p = lim_dag_perceptibility(s->x, s->y, s->size);
    e->perceptible[row] += p * p;
}

static LimStatus
evaluate_scene(Evaluation *e, int number, LimError *err)
{
    Stage *s = &e->stage;
    lim_scenes_draw(s->scenes, (uint64_t)number, s->x, s->mask, &s->scene);
    for (int i = 0; i < e->n; i++) {
        Judge *j = &e->judge[i];
        if (attack(j, e->run, (uint64_t)number, s->x, s->mask, &s->scene, err) != LIM_OK)
            return err->code;
        const LimDagResult r = lim_dag_result(j->dag);
        memcpy(e->r[i], r.r, 3 * (size_t)s->area * sizeof(float));
        e->iterations[i] += r.iterations;
        e->targets[i] += r.targets;
        e->right[i] += r.active;
    }
    for (int row = 0; row < e->rows; row++) {
        make_picture(e, row, (uint64_t)number);
        for (int i = 0; i < e->n; i++)
            if (score_add(&e->score[row][i], &e->judge[i], e->run, number, s->y, s->mask, s->area,
                          &s->scene, s->label, err) != LIM_OK)
                return err->code;
    }
    return LIM_OK;
}

static json_t *
tell(const Evaluation *e)
{
    json_t *nets = json_array(), *rows = json_array();
    const int scenes = e->flags->scenes;
    for (int i = 0; i < e->n; i++)
        json_array_append_new(
            nets,
            json_pack("{s:s, s:s, s:f, s:f}", "network", e->judge[i].name, "measure",
                      e->judge[i].segmenter ? "mean IoU %" : "mAP %", "mean_iterations",
                      e->iterations[i] / scenes, "targets_still_right_%",
                      e->targets[i] ? 100.0 * (double)e->right[i] / (double)e->targets[i] : 0.0));
    for (int row = 0; row < e->rows; row++) {
        char name[96];
        if (row == 0)
            snprintf(name, sizeof name, "none");
        else if (row == e->rows - 1)
            snprintf(name, sizeof name, "all fused");
        else
            snprintf(name, sizeof name, "%s%s", e->judge[(row - 1) / 2].name,
                     row % 2 ? "" : ", permuted");
        json_t *j = json_pack("{s:s, s:f}", "perturbation", name, "perceptibility",
                              sqrt(e->perceptible[row] / scenes));
        for (int i = 0; i < e->n; i++)
            json_object_set_new(j, e->judge[i].name,
                                json_real(100 * score_value(&e->score[row][i], &e->judge[i])));
        json_array_append_new(rows, j);
    }
    return json_pack("{s:i, s:o, s:o, s:o}", "scenes", scenes, "networks", nets, "table", rows,
                     "command", cli_command(e->run));
}

static json_t *
run_evaluate(CliRun *run, LimError *err)
{
    Evaluation *e = lim_alloc(1, sizeof *e);
    e->run = run;
    e->flags = cli_args_values(&run->args, evaluate_schema);
    json_t *result = NULL;
    if (stage_open(&e->stage, run, err)) {
        const size_t image = 3 * (size_t)e->stage.area;
        e->shuffled = lim_alloc(image, sizeof *e->shuffled);
        for (int i = 0; i < run->args.n_operands && err->code == LIM_OK; i++, e->n++) {
            judge_open(&e->judge[i], run, run->args.operand[i], e->stage.scenes, err);
            e->r[i] = lim_alloc(image, sizeof *e->r[i]);
        }
        e->rows = 2 * e->n + 2;
        for (int row = 0; err->code == LIM_OK && row < e->rows; row++)
            for (int i = 0; i < e->n; i++)
                score_init(&e->score[row][i], &e->judge[i], e->flags->scenes);
        CliProgress bar;
        cli_progress_init(&bar, cli_talk(run), &run->cancel);
        for (int k = 0; k < e->flags->scenes && err->code == LIM_OK; k++) {
            LimProgress now = {.fraction = (double)k / e->flags->scenes};
            snprintf(now.text, sizeof now.text, "scene %d of %d", k + 1, e->flags->scenes);
            cli_progress_show(&bar, &now);
            evaluate_scene(e, e->flags->first + k, err);
        }
        cli_progress_end(&bar);
        if (err->code == LIM_OK)
            result = tell(e);
        for (int row = 0; row < e->rows; row++)
            for (int i = 0; i < e->n; i++)
                score_clear(&e->score[row][i]);
    }
    for (int i = 0; i < e->n; i++) {
        judge_clear(&e->judge[i]);
        free(e->r[i]);
    }
    free(e->shuffled);
    stage_clear(&e->stage);
    free(e);
    return result;
}

static const CliPiece evaluate_pieces[] = {{"Dense adversary generation", lim_dag_schema,
                                            sizeof(LimDagParams)},
                                           {"Evaluation", evaluate_schema, sizeof(EvaluateFlags)},
                                           {"Scenes", lim_scene_schema, sizeof(LimSceneSettings)},
                                           {0}};
const CliCommand cli_evaluate_dag = {
    .name = "evaluate dag",
    .summary = "Measures networks under their own and each other's dense perturbations",
    .text = "Every NET, up to eight, is attacked on every scene. The table says what each network "
            "gets right without a perturbation, with that of each network, with the same in "
            "another order of rows, and with all of them added; always of pictures rounded to "
            "bytes, by the whole network.",
    .operands = "NET...",
    .min_operands = 1,
    .max_operands = MAX_NETS,
    .pieces = evaluate_pieces,
    .run = run_evaluate,
};
