/* limen-cli evaluate dag: what dense perturbations do to the networks they were made on and to
 * others (the tables of Xie et al. 2017). Stopped early, the tables are of the scenes so far. */
#include "dag-run.h"
#include "plot.h"
#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_NETS 8
#define MAX_ROWS (2 * MAX_NETS + 10)

typedef struct EvaluateFlags {
    int scenes, first;
    char out[LIM_TEXT_MAX];
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
    {.name = "out",
     .label = "Report",
     .help = "Write OUT.json, OUT.md with the tables and OUT.svg with the curves of the fused "
             "perturbation. Empty: no files.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(EvaluateFlags, out)},
    {0}};

/* What is added to every scene: the perturbations of the networks in the set `nets`, weighted. */
typedef struct Row {
    char name[64];
    unsigned nets;
    double weight;
    bool permuted;
} Row;

static const double weights[] = {0, 0.25, 0.5, 0.75, 1, 1.25, 1.5};
#define WEIGHTS ((int)(sizeof weights / sizeof *weights))

typedef struct Evaluation {
    CliRun *run;
    const EvaluateFlags *flags;
    CliStage stage;
    CliJudge judge[MAX_NETS];
    int n, rows, done; /* networks, rows, scenes */
    int curve;         /* the first of the rows of `weights`; 0: none */
    Row row[MAX_ROWS];
    CliScore score[MAX_ROWS][MAX_NETS];
    double perceptible[MAX_ROWS]; /* sums of squares */
    int64_t iterations[MAX_NETS], targets[MAX_NETS], active[MAX_NETS];
    double seconds[MAX_NETS];                 /* of all iterations */
    float *r[MAX_NETS], *shuffled;            /* [3][size][size] */
    json_t *nets, *transfer, *fused, *weight; /* tables */
    double value[MAX_NETS][WEIGHTS];
} Evaluation;

/* ---- rows -------------------------------------------------------------------------------------
 */

static void
add_row(Evaluation *e, const char *name, unsigned nets, double weight, bool permuted)
{
    LIM_ASSERT(e->rows < MAX_ROWS);
    Row *row = &e->row[e->rows++];
    snprintf(row->name, sizeof row->name, "%s", name);
    row->nets = nets;
    row->weight = weight;
    row->permuted = permuted;
}

/* Row 0 is the scene itself, 1 + i has the perturbation of network i, 1 + n + i the same with its
 * rows in another order; then what is fused. */
static void
list_rows(Evaluation *e)
{
    unsigned kind[2] = {0, 0};
    char name[64];
    add_row(e, "none", 0, 0, false);
    for (int i = 0; i < e->n; i++) {
        add_row(e, e->judge[i].name, 1u << i, 1, false);
        kind[e->judge[i].net->kind] |= 1u << i;
    }
    for (int i = 0; i < e->n; i++)
        add_row(e, e->judge[i].name, 1u << i, 1, true);
    const unsigned all = kind[0] | kind[1];
    for (int k = 0; k < 2; k++)
        if (kind[k] & (kind[k] - 1) && kind[k] != all)
            add_row(e, k == LIM_SCENE_SEGMENTER ? "segmenters" : "detectors", kind[k], 1, false);
    if (!(all & (all - 1)))
        return;
    e->curve = e->rows;
    for (int w = 0; w < WEIGHTS; w++) {
        snprintf(name, sizeof name, "all, each times %g", weights[w]);
        add_row(e, name, all, weights[w], false);
    }
}

/* The picture of a row, into stage.y. */
static void
make_picture(Evaluation *e, const Row *row, uint64_t number)
{
    CliStage *s = &e->stage;
    const float *r[MAX_NETS];
    double weight[MAX_NETS];
    int n = 0;
    for (int i = 0; i < e->n; i++)
        if (row->nets >> i & 1) {
            r[n] = e->r[i];
            weight[n++] = row->weight;
        }
    if (row->permuted) {
        lim_dag_permute_rows(r[0], s->size, e->run->common->seed, number, e->shuffled);
        r[0] = e->shuffled;
    }
    lim_dag_picture(s->x, r, weight, n, s->size, s->y);
}

/* ---- measuring --------------------------------------------------------------------------------
 */

static double
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static LimStatus
attack_scene(Evaluation *e, int number, LimError *err)
{
    CliStage *s = &e->stage;
    for (int i = 0; i < e->n; i++) {
        CliJudge *j = &e->judge[i];
        const double start = now();
        if (cli_judge_attack(j, e->run, (uint64_t)number, s->x, s->mask, &s->scene, err) != LIM_OK)
            return err->code;
        e->seconds[i] += now() - start;
        const LimDagResult r = lim_dag_result(j->dag);
        memcpy(e->r[i], r.r, 3 * (size_t)s->area * sizeof(float));
        e->iterations[i] += r.iterations;
        e->targets[i] += r.targets;
        e->active[i] += r.active;
    }
    return LIM_OK;
}

static LimStatus
evaluate_scene(Evaluation *e, int number, LimError *err)
{
    CliStage *s = &e->stage;
    lim_scenes_draw(s->scenes, (uint64_t)number, s->x, s->mask, &s->scene);
    if (attack_scene(e, number, err) != LIM_OK)
        return err->code;
    for (int k = 0; k < e->rows; k++) {
        make_picture(e, &e->row[k], (uint64_t)number);
        const double p = lim_dag_perceptibility(s->x, s->y, s->size);
        e->perceptible[k] += p * p;
        for (int i = 0; i < e->n; i++)
            if (cli_score_add(&e->score[k][i], &e->judge[i], e->run, number, s->y, s->mask, s->area,
                              &s->scene, s->label, err) != LIM_OK)
                return err->code;
    }
    e->done++;
    return LIM_OK;
}

static LimStatus
evaluate_all(Evaluation *e, LimError *err)
{
    CliProgress bar;
    cli_progress_init(&bar, cli_talk(e->run), &e->run->cancel);
    for (int k = 0; k < e->flags->scenes && err->code == LIM_OK; k++) {
        LimProgress at = {.fraction = (double)k / e->flags->scenes};
        snprintf(at.text, sizeof at.text, "scene %d of %d", k + 1, e->flags->scenes);
        cli_progress_show(&bar, &at);
        if (lim_cancelled(&e->run->cancel))
            lim_fail(err, LIM_CANCELLED, "stopped after %d of %d scenes", k, e->flags->scenes);
        else
            evaluate_scene(e, e->flags->first + k, err);
    }
    cli_progress_end(&bar);
    return err->code;
}

/* ---- telling ----------------------------------------------------------------------------------
 */

static double
percent(const Evaluation *e, int row, int net)
{
    return 100 * cli_score_value(&e->score[row][net], &e->judge[net]);
}

static double
perceptibility(const Evaluation *e, int row)
{
    return sqrt(e->perceptible[row] / e->done);
}

static json_t *
networks_table(const Evaluation *e)
{
    json_t *rows = json_array();
    for (int i = 0; i < e->n; i++) {
        const double steps = (double)e->iterations[i];
        json_array_append_new(
            rows,
            json_pack("{s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "network", e->judge[i].name,
                      "measure", e->judge[i].segmenter ? "mean IoU" : "mAP", "clean",
                      percent(e, 0, i), "adversarial", percent(e, 1 + i, i), "permuted",
                      percent(e, 1 + e->n + i, i), "perceptibility", perceptibility(e, 1 + i),
                      "mean_iterations", steps / e->done, "active_targets_left_%",
                      e->targets[i] ? 100.0 * (double)e->active[i] / (double)e->targets[i] : 0.0,
                      "ms_each_iteration", steps > 0 ? 1e3 * e->seconds[i] / steps : 0.0));
    }
    return rows;
}

static json_t *
rows_table(const Evaluation *e, int from, int to)
{
    json_t *rows = json_array();
    for (int k = from; k < to; k++) {
        json_t *row = json_pack("{s:s, s:f}", "perturbation", e->row[k].name, "perceptibility",
                                perceptibility(e, k));
        for (int i = 0; i < e->n; i++)
            json_object_set_new(row, e->judge[i].name, json_real(percent(e, k, i)));
        json_array_append_new(rows, row);
    }
    return rows;
}

static void
markdown(const void *ctx, const json_t *result, FILE *out)
{
    const Evaluation *e = ctx;
    fprintf(out, "# Dense adversaries\n\n`%s`, seed %llu\n\n",
            json_string_value(json_object_get(result, "command")),
            (unsigned long long)e->run->common->seed);
    fprintf(out,
            "%d test scenes, from number %d on, of %s. Segmenters: mean IoU over all classes; "
            "detectors: mAP at an overlap of 0.5, all points; in percent, of pictures rounded to "
            "bytes, by the whole network: a detector proposes anew. Perceptibility: the root of "
            "the mean over pixels of the squared change, on the scale from 0 to 1, and over scenes "
            "the root of the mean square.\n\n",
            e->done, e->flags->first, lim_scenes_naming(e->stage.scenes)->name);
    cli_markdown_section(out, "Each network under its own perturbation (table 1 of the paper)",
                         "permuted: the control, the same perturbation with its rows in another "
                         "order. Times are of one iteration, on the machine that ran this.",
                         e->nets);
    cli_markdown_section(out, "Transfer",
                         "What each network gets right under the perturbation made on another, of "
                         "its own task and of the other one.",
                         e->transfer);
    cli_markdown_section(out, "Fused", "Sums of perturbations.", e->fused);
    cli_markdown_section(out, "Fused, by weight", "The sum of all perturbations, weighted.",
                         e->weight);
}

static LimStatus
write_plot(const void *ctx, const char *path, LimError *err)
{
    const Evaluation *e = ctx;
    CliSeries series[MAX_NETS];
    if (!e->curve)
        return LIM_OK;
    for (int i = 0; i < e->n; i++)
        series[i] =
            (CliSeries){.name = e->judge[i].name, .n = WEIGHTS, .x = weights, .y = e->value[i]};
    const CliPanel panel = {.title = "All perturbations added",
                            .x_label = "weight of each",
                            .y_label = "mean IoU or mAP, %",
                            .series = series,
                            .n = e->n,
                            .x_min = 0,
                            .x_max = weights[WEIGHTS - 1],
                            .y_min = 0,
                            .y_max = 100};
    return cli_plot_write(path, "Dense adversaries, fused", &panel, 1, 1, err);
}

static json_t *
finish(Evaluation *e, LimError *err)
{
    const int own = 1 + e->n, fused = 1 + 2 * e->n, curve = e->curve ? e->curve : fused;
    e->nets = networks_table(e);
    e->transfer = rows_table(e, 0, own);
    /* all of them stand among the sums with the weight 1 */
    e->fused = rows_table(e, fused, curve);
    e->weight = rows_table(e, curve, e->rows);
    for (int w = 0; w < WEIGHTS && e->curve; w++)
        for (int i = 0; i < e->n; i++)
            e->value[i][w] = percent(e, curve + w, i);
    json_t *result =
        json_pack("{s:i, s:i, s:o, s:o, s:o, s:o, s:o}", "scenes", e->done, "first",
                  e->flags->first, "networks", e->nets, "transfer", e->transfer, "fused", e->fused,
                  "weights", e->weight, "command", cli_command(e->run));
    const CliReport report = {
        .out = e->flags->out, .ctx = e, .result = result, .markdown = markdown, .plot = write_plot};
    LimError failed = LIM_ERROR_INIT;
    if (*e->flags->out && cli_report_write(&report, &failed) != LIM_OK) {
        *err = failed;
        json_decref(result);
        return NULL;
    }
    return result;
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
        if (err->code == LIM_OK) {
            list_rows(e);
            for (int k = 0; k < e->rows; k++)
                for (int i = 0; i < e->n; i++)
                    cli_score_init(&e->score[k][i], &e->judge[i], e->flags->scenes);
            const LimStatus status = evaluate_all(e, err);
            if (status == LIM_OK || (status == LIM_CANCELLED && e->done > 0))
                result = finish(e, err);
        }
    }
    for (int i = 0; i < e->n; i++) {
        for (int k = 0; k < e->rows; k++)
            cli_score_clear(&e->score[k][i]);
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
    .text = "Every NET, up to eight, is attacked on every scene. The tables say what each network "
            "gets right without a perturbation, with its own, with its own in another order of "
            "rows, with that of each other network, and with all of them added.",
    .operands = "NET...",
    .min_operands = 1,
    .max_operands = MAX_NETS,
    .pieces = evaluate_pieces,
    .run = run_evaluate,
};
