/* limen-cli ablate: what each part of the two papers contributes here. The engine trains and
 * measures; this prints the ends, and writes all of it as JSON and as a plot. */
#include "base/file.h"
#include "cli.h"
#include "jobs/ablation.h"
#include "plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct AblateFiles {
    char folder[LIM_TEXT_MAX], classifier[LIM_TEXT_MAX], out[LIM_TEXT_MAX];
} AblateFiles;

static const LimParamSpec files_schema[] = {
    {.name = "folder",
     .label = "Folder",
     .help = "Where runs leave their records, logs, models and checkpoints. Finished runs found "
             "there are not repeated.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(AblateFiles, folder),
     .def_text = "ablation"},
    CLI_CLASSIFIER_FLAG(AblateFiles),
    {.name = "out",
     .label = "Results",
     .help = "The results are written to this name with .json and .svg behind it. Empty: to "
             "`ablation` in the folder.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(AblateFiles, out)},
    {0}};

/* A measure at every point: over the repetitions the mean, the least and the largest. */
typedef struct Curve {
    int n;
    double *x, *mean, *low, *high; /* [n] */
} Curve;

static double
number(const json_t *object, const char *key)
{
    const json_t *j = json_object_get(object, key);
    return json_is_number(j) ? json_number_value(j) : (double)NAN;
}

/* Of the runs (an array of records); points that only some of them have are of those. */
static Curve
curve(const json_t *runs, const char *key)
{
    Curve c = {0};
    size_t i;
    json_t *record;
    json_array_foreach((json_t *)(uintptr_t)runs, i, record)
    {
        const int n = (int)json_array_size(json_object_get(record, "points"));
        c.n = n > c.n ? n : c.n;
    }
    c.x = lim_alloc(4 * (size_t)c.n + 1, sizeof *c.x);
    c.mean = c.x + c.n;
    c.low = c.mean + c.n;
    c.high = c.low + c.n;
    for (int k = 0; k < c.n; k++) {
        int count = 0;
        c.low[k] = INFINITY;
        c.high[k] = -INFINITY;
        json_array_foreach((json_t *)(uintptr_t)runs, i, record)
        {
            const json_t *point = json_array_get(json_object_get(record, "points"), (size_t)k);
            const double y = number(point, key);
            if (!isfinite(y))
                continue;
            c.x[k] = number(point, "iteration");
            c.mean[k] += y;
            c.low[k] = fmin(c.low[k], y);
            c.high[k] = fmax(c.high[k], y);
            count++;
        }
        c.mean[k] /= count; /* none: not a number, a gap */
    }
    return c;
}

static void
curve_clear(Curve *c)
{
    free(c->x);
}

/* One row per run: its measures at the end. */
static json_t *
table(const json_t *results)
{
    static const char *const keys[] = {
        "asked",           "frechet",           "precision",           "coverage",
        "asked_truncated", "frechet_truncated", "precision_truncated", "coverage_truncated"};
    json_t *rows = json_array(), *group, *member;
    size_t g, m;
    json_array_foreach(json_object_get(results, "groups"), g, group)
    {
        json_array_foreach(json_object_get(group, "runs"), m, member)
        {
            const json_t *runs = json_object_get(json_object_get(results, "runs"),
                                                 json_string_value(json_object_get(member, "run")));
            json_t *row = json_pack("{s:O, s:O, s:i}", "experiment", json_object_get(group, "name"),
                                    "variant", json_object_get(member, "label"), "repetitions",
                                    (int)json_array_size(runs));
            for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
                Curve c = curve(runs, keys[k]);
                const double end = c.n ? c.mean[c.n - 1] : (double)NAN;
                json_object_set_new(row, keys[k], isfinite(end) ? json_real(end) : json_null());
                curve_clear(&c);
            }
            json_array_append_new(rows, row);
        }
    }
    return rows;
}

/* The measure at the end, untruncated at x 0 and truncated at x 1. */
static Curve
ends(const json_t *runs, const char *key)
{
    char truncated[64];
    snprintf(truncated, sizeof truncated, "%s_truncated", key);
    Curve c = {.n = 2, .x = lim_alloc(8, sizeof *c.x)};
    c.mean = c.x + 2;
    c.low = c.x + 4;
    c.high = c.x + 6;
    for (int i = 0; i < 2; i++) {
        Curve all = curve(runs, i ? truncated : key);
        c.x[i] = i;
        c.mean[i] = all.n ? all.mean[all.n - 1] : (double)NAN;
        c.low[i] = all.n ? all.low[all.n - 1] : 0;
        c.high[i] = all.n ? all.high[all.n - 1] : 0;
        curve_clear(&all);
    }
    return c;
}

/* ---- the plot: a row of panels per measure, a column per experiment ---------------------------
 */

enum { MAX_GROUPS = 8, MAX_RUNS = 4 };
static const struct {
    const char *key, *label;
    bool truncation; /* the ends, untruncated and truncated, in place of the course */
    double max;      /* of the axis; 0: from the data */
} measures[] = {{"asked", "asked class recognised", false, 1},
                {"frechet", "Fr\303\251chet distance (classifier's features)", false, 0},
                {"coverage", "coverage", false, 0},
                {"asked", "asked class recognised at the end", true, 1},
                {"feature_variety", "variety within a class at the end", true, 1}};
enum { MEASURES = sizeof measures / sizeof *measures };

/* One panel; the curves must outlive the plot. */
static void
fill_panel(CliPanel *panel, CliSeries *series, Curve *curves, const json_t *results,
           const json_t *group, int measure)
{
    const json_t *settings = json_object_get(results, "settings");
    const json_t *members = json_object_get(group, "runs");
    static char truncation[64];
    snprintf(truncation, sizeof truncation, "0: untruncated, 1: threshold %.3g",
             number(settings, "threshold"));
    *panel = (CliPanel){.title = json_string_value(json_object_get(group, "question")),
                        .x_label = measures[measure].truncation ? truncation : "iterations",
                        .y_label = measures[measure].label,
                        .series = series,
                        .n = (int)json_array_size(members),
                        .x_max = measures[measure].truncation ? 1 : number(settings, "iterations"),
                        .y_max = measures[measure].max};
    LIM_ASSERT(panel->n <= MAX_RUNS);
    for (int i = 0; i < panel->n; i++) {
        const json_t *member = json_array_get(members, (size_t)i);
        const json_t *runs = json_object_get(json_object_get(results, "runs"),
                                             json_string_value(json_object_get(member, "run")));
        curves[i] = measures[measure].truncation ? ends(runs, measures[measure].key)
                                                 : curve(runs, measures[measure].key);
        series[i] = (CliSeries){.name = json_string_value(json_object_get(member, "label")),
                                .n = curves[i].n,
                                .x = curves[i].x,
                                .y = curves[i].mean,
                                .low = curves[i].low,
                                .high = curves[i].high};
    }
}

static LimStatus
write_plot(const json_t *results, const char *path, LimError *err)
{
    static CliPanel panels[MEASURES * MAX_GROUPS];
    static CliSeries series[MEASURES * MAX_GROUPS][MAX_RUNS];
    static Curve curves[MEASURES * MAX_GROUPS][MAX_RUNS];
    const json_t *groups = json_object_get(results, "groups");
    const int n = (int)json_array_size(groups);
    LIM_ASSERT(n <= MAX_GROUPS);
    for (int at = 0; at < MEASURES * n; at++)
        fill_panel(&panels[at], series[at], curves[at], results,
                   json_array_get(groups, (size_t)(at % n)), at / n);
    LimStatus status =
        cli_plot_write(path,
                       "Each part by itself, at equal steps: mean, least and largest over "
                       "the repetitions",
                       panels, MEASURES * n, n, err);
    for (int at = 0; at < MEASURES * n; at++)
        for (int i = 0; i < panels[at].n; i++)
            curve_clear(&curves[at][i]);
    return status;
}

/* ---- the command ------------------------------------------------------------------------------
 */

static LimStatus
write_results(const AblateFiles *files, const json_t *results, char json[LIM_TEXT_MAX + 32],
              char svg[LIM_TEXT_MAX + 32], LimError *err)
{
    const char *middle = *files->out ? "" : "/ablation";
    snprintf(json, LIM_TEXT_MAX + 32, "%s%s.json", *files->out ? files->out : files->folder,
             middle);
    snprintf(svg, LIM_TEXT_MAX + 32, "%s%s.svg", *files->out ? files->out : files->folder, middle);
    char *text = json_dumps(results, JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9));
    LimStatus status = lim_file_write(json, text, strlen(text), err);
    free(text);
    return status == LIM_OK ? write_plot(results, svg, err) : status;
}

static json_t *
finish(CliRun *run, const LimTask *t, const AblateFiles *files, double seconds, LimError *err)
{
    char json[LIM_TEXT_MAX + 32], svg[LIM_TEXT_MAX + 32];
    LimError write = LIM_ERROR_INIT;
    json_t *results = lim_ablation_results(t), *out = NULL;
    char *flags = cli_args_text(&run->args, run->args.n_pieces - 1);
    char *command = lim_alloc(strlen(flags) + 64, 1);
    sprintf(command, "limen-cli ablate%s", flags);
    json_object_set_new(results, "command", json_string(command));
    if (write_results(files, results, json, svg, &write) == LIM_OK)
        out = json_pack("{s:s, s:s, s:f, s:o}", "results", json, "plot", svg, "seconds", seconds,
                        "ends", table(results));
    else if (err->code == LIM_OK)
        *err = write;
    json_decref(results);
    free(flags);
    free(command);
    return out;
}

/* The first n test pictures, or all. */
static LimFeatures *
features_of_test(CliRun *run, LimPredictor *judge, int n, LimError *err)
{
    LimDataset *test = lim_dataset_open(cli_data(run), "test", err);
    LimFeatures *f = NULL;
    if (test)
        f = cli_compute_features(run, judge, test, NULL, n < test->n ? n : test->n, err);
    lim_dataset_free(test);
    return f;
}

static json_t *
run_ablate(CliRun *run, LimError *err)
{
    const LimAblationSettings *s = cli_args_values(&run->args, lim_ablation_schema);
    const AblateFiles *files = cli_args_values(&run->args, files_schema);
    if (lim_folder_make(files->folder, err) != LIM_OK)
        return NULL;
    char classifier[LIM_TEXT_MAX];
    cli_resource(files->classifier, "fashion-classifier.safetensors", classifier);
    LimDataset *data = lim_dataset_open(cli_data(run), "train", err);
    LimPredictor *judge = data ? lim_predictor_load(classifier, err) : NULL;
    LimFeatures *real = judge ? features_of_test(run, judge, s->samples, err) : NULL;
    LimTask *t = real ? lim_ablation_new(s, data, judge, real, files->folder, err) : NULL;
    json_t *result = NULL;
    const double start = cli_seconds();
    if (t) {
        const LimStep end = cli_run_task(run, t, err);
        if (end == LIM_STEP_DONE || err->code == LIM_CANCELLED)
            result = finish(run, t, files, cli_seconds() - start, err);
    }
    lim_task_free(t);
    lim_features_free(real);
    lim_predictor_free(judge);
    lim_dataset_free(data);
    return result;
}

static const CliPiece pieces[] = {{"What to compare", lim_ablation_schema,
                                   sizeof(LimAblationSettings)},
                                  {"Files", files_schema, sizeof(AblateFiles)},
                                  {0}};
const CliCommand cli_ablate = {
    .name = "ablate",
    .summary = "Trains small GANs with one part changed at a time and compares them",
    .text = "Attention against a residual block and neither; spectral normalisation; learning "
            "rates; batch size; orthogonal regularisation under truncation: all at equal steps, "
            "against as many test pictures as samples. "
            "Ctrl+C keeps what is there; the same command goes on.",
    .operands = "",
    .pieces = pieces,
    .run = run_ablate,
};
