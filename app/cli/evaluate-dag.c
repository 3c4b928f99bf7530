/* limen-cli evaluate dag: what dense perturbations do to the networks they were made on and to
 * others (the tables of Xie et al. 2017). */
#include "dag-run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NETS     8
#define MAX_VARIANTS (2 * MAX_NETS + 2)

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
    CliStage stage;
    CliJudge judge[MAX_NETS];
    int n, rows;
    CliScore score[MAX_VARIANTS][MAX_NETS];
    double perceptible[MAX_VARIANTS]; /* sums of squares */
    double iterations[MAX_NETS];      /* sums */
    int64_t targets[MAX_NETS], right[MAX_NETS];
    float *r[MAX_NETS], *shuffled; /* [3][size][size] */
} Evaluation;

/* The picture of a row, into stage.y. */
static void
make_picture(Evaluation *e, int row, uint64_t number)
{
    CliStage *s = &e->stage;
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
    CliStage *s = &e->stage;
    lim_scenes_draw(s->scenes, (uint64_t)number, s->x, s->mask, &s->scene);
    for (int i = 0; i < e->n; i++) {
        CliJudge *j = &e->judge[i];
        if (cli_judge_attack(j, e->run, (uint64_t)number, s->x, s->mask, &s->scene, err) != LIM_OK)
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
            if (cli_score_add(&e->score[row][i], &e->judge[i], e->run, number, s->y, s->mask,
                              s->area, &s->scene, s->label, err) != LIM_OK)
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
                                json_real(100 * cli_score_value(&e->score[row][i], &e->judge[i])));
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
    if (cli_stage_open(&e->stage, run, err)) {
        const size_t image = 3 * (size_t)e->stage.area;
        e->shuffled = lim_alloc(image, sizeof *e->shuffled);
        for (int i = 0; i < run->args.n_operands && err->code == LIM_OK; i++, e->n++) {
            cli_judge_open(&e->judge[i], run, run->args.operand[i], e->stage.scenes, err);
            e->r[i] = lim_alloc(image, sizeof *e->r[i]);
        }
        e->rows = 2 * e->n + 2;
        for (int row = 0; err->code == LIM_OK && row < e->rows; row++)
            for (int i = 0; i < e->n; i++)
                cli_score_init(&e->score[row][i], &e->judge[i], e->flags->scenes);
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
                cli_score_clear(&e->score[row][i]);
    }
    for (int i = 0; i < e->n; i++) {
        cli_judge_clear(&e->judge[i]);
        free(e->r[i]);
    }
    free(e->shuffled);
    cli_stage_clear(&e->stage);
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
