/* limen-cli evaluate gan: a generator under every threshold, by every measure.
 *
 * The result is tables with the same columns: values, and the lower and the upper ends of their
 * 95 % intervals; over the thresholds, over thresholds and classes, and for the floor (training
 * pictures in the samples' place). The plot is drawn from the result, so both say the same. */
#include "cli.h"

#include "base/file.h"
#include "base/rng.h"
#include "metrics/cas.h"
#include "metrics/gan_metrics.h"
#include "plot.h"
#include "train/gan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { MAX_THRESHOLDS = 32, STANDING_PASSES = 100 };

typedef struct GanFlags {
    char classifier[LIM_TEXT_MAX], thresholds[LIM_TEXT_MAX], plot[LIM_TEXT_MAX];
    int samples, truncation, cas_samples, cas_epochs;
    bool standing, floor, cas;
} GanFlags;

static const LimParamSpec gan_schema[] = {
    CLI_CLASSIFIER_FLAG(GanFlags),
    {.name = "samples",
     .label = "Samples",
     .help = "How many to draw under each threshold, the same number of every class.",
     .unit = "pictures",
     .kind = LIM_INT,
     .offset = offsetof(GanFlags, samples),
     .min = 1,
     .max = 1000000,
     .def = 10000},
    {.name = "thresholds",
     .label = "Truncation thresholds",
     .help = "A list with commas between; 0: untruncated, as in training. They are measured in "
             "ascending order.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(GanFlags, thresholds),
     .def_text = "0.04,0.5,1,2,0"},
    {.name = "truncation",
     .label = "Truncation mode",
     .help = "How the threshold acts; see limen-cli sample --help.",
     .unit = "",
     .kind = LIM_CHOICE,
     .offset = offsetof(GanFlags, truncation),
     .max = 2,
     .choices = lim_truncation_names},
    {.name = "standing",
     .label = "Standing statistics",
     .help = "Compute the generator's batch statistics again under each threshold, instead of "
             "taking those of the file, which belong to untruncated latents.",
     .unit = "",
     .kind = LIM_BOOL,
     .offset = offsetof(GanFlags, standing),
     .max = 1},
    {.name = "floor",
     .label = "Floor",
     .help = "Also measure as many training pictures in the samples' place.",
     .unit = "",
     .kind = LIM_BOOL,
     .offset = offsetof(GanFlags, floor),
     .max = 1,
     .def = 1},
    {.name = "cas",
     .label = "Classification accuracy score",
     .help = "Also train a classifier on untruncated samples only and test it on real pictures. "
             "Takes as long as training a classifier.",
     .unit = "",
     .kind = LIM_BOOL,
     .offset = offsetof(GanFlags, cas),
     .max = 1},
    {.name = "cas-samples",
     .label = "Samples to train on",
     .help = "For the classification accuracy score.",
     .unit = "pictures",
     .kind = LIM_INT,
     .offset = offsetof(GanFlags, cas_samples),
     .min = 128,
     .max = 1000000,
     .def = 60000},
    {.name = "cas-epochs",
     .label = "Epochs to train",
     .help = "For the classification accuracy score; the default is that of `limen-cli train "
             "classifier`, so that the two accuracies compare.",
     .unit = "passes",
     .kind = LIM_INT,
     .offset = offsetof(GanFlags, cas_epochs),
     .min = 1,
     .max = 1000,
     .def = 10},
    {.name = "plot",
     .label = "Plot",
     .help = "An SVG file to write. Empty: none.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(GanFlags, plot)},
    {0}};

/* What everything is measured with and against. */
typedef struct Evaluation {
    CliRun *run;
    const GanFlags *flags;
    const char *path;
    char classifier[LIM_TEXT_MAX];
    double threshold[MAX_THRESHOLDS];
    int n;
    LimPredictor *c;
    LimDataset *test;
    LimFeatures *real;
    json_t *result, *detail; /* what a reader wants first; class by class */
} Evaluation;

/* ---- tables ---------------------------------------------------------------------------------- */

static json_t *
number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

typedef enum Part { VALUE, LOW, HIGH } Part;

static json_t *
pick(LimMeasure m, Part part)
{
    return number(part == VALUE ? m.value : part == LOW ? m.low : m.high);
}

static void
put_measures(json_t *row, const LimMeasures *m, Part part)
{
    json_object_set_new(row, "asked_class", pick(m->asked, part));
    json_object_set_new(row, "frechet_distance", pick(m->frechet, part));
    json_object_set_new(row, "precision", pick(m->precision, part));
    json_object_set_new(row, "recall", pick(m->recall, part));
    json_object_set_new(row, "density", pick(m->density, part));
    json_object_set_new(row, "coverage", pick(m->coverage, part));
    json_object_set_new(row, "variety", pick(m->variety, part));
}

/* Appends to the arrays `name`, `name`_low_95 and `name`_high_95. The row begins with
 * the threshold, unless that is not a number, and with the class, unless k is below 0. */
static void
add_row(Evaluation *e, const char *name, double threshold, const LimComparison *c, int k)
{
    static const char *const suffix[] = {"", "_low_95", "_high_95"};
    for (int part = VALUE; part <= HIGH; part++) {
        char key[64];
        json_t *row = json_object();
        if (isfinite(threshold))
            json_object_set_new(row, "threshold", json_real(threshold));
        if (k >= 0) {
            json_object_set_new(row, "class", json_string(lim_predictor_class_name(e->c, k)));
            json_object_set_new(row, "samples", json_integer(c->of[k].samples));
            json_object_set_new(row, "pictures", json_integer(c->of[k].pictures));
        } else {
            json_object_set_new(row, "samples", json_integer(c->all.samples));
            json_object_set_new(row, "inception_score", pick(c->inception, (Part)part));
            if (part == VALUE)
                json_object_set_new(row, "inception_sd", number(c->inception_sd));
        }
        put_measures(row, k >= 0 ? &c->of[k] : &c->all, (Part)part);
        snprintf(key, sizeof key, "%s%s", name, suffix[part]);
        json_t *table = k >= 0 ? e->detail : e->result, *rows = json_object_get(table, key);
        if (!rows) {
            rows = json_array();
            json_object_set_new(table, key, rows);
        }
        json_array_append_new(rows, row);
    }
}

/* Which class the classifier sees most often in place of the one asked for. */
static void
add_confusion(Evaluation *e, double threshold, const LimComparison *c)
{
    json_t *rows = json_object_get(e->detail, "confusion");
    if (!rows) {
        rows = json_array();
        json_object_set_new(e->detail, "confusion", rows);
    }
    for (int k = 0; k < c->classes; k++) {
        const int *row = c->confusion + k * c->classes;
        int other = k == 0 ? 1 : 0;
        for (int i = 0; i < c->classes; i++)
            if (i != k && row[i] > row[other])
                other = i;
        json_array_append_new(rows,
                              json_pack("{s:f, s:s, s:i, s:i, s:s, s:i}", "threshold", threshold,
                                        "class", lim_predictor_class_name(e->c, k), "samples",
                                        c->of[k].samples, "right", row[k], "most_often_seen_as",
                                        row[other] ? lim_predictor_class_name(e->c, other) : "-",
                                        "so_often", row[other]));
    }
}

/* ---- the parts of the evaluation ------------------------------------------------------------- */

/* Steps a task to its end; frees it unless it succeeded. */
static LimTask *
finished(Evaluation *e, LimTask *t, LimError *err)
{
    if (t && cli_run_task(e->run, t, err) == LIM_STEP_DONE)
        return t;
    lim_task_free(t);
    return NULL;
}

/* The generator of the file, with batch statistics for the threshold when that is asked for. */
static LimGenerator *
load_generator(Evaluation *e, double threshold, LimError *err)
{
    LimGenerator *g = lim_generator_load(e->path, err);
    if (!g || !e->flags->standing)
        return g;
    LimTask *t = finished(e,
                          lim_gan_standing_new(lim_generator_store(g), lim_generator_params(g),
                                               STANDING_PASSES, threshold, e->run->common->seed,
                                               &e->run->exec, err),
                          err);
    if (!t) {
        lim_generator_free(g);
        g = NULL;
    }
    lim_task_free(t);
    return g;
}

static LimStatus
measure_threshold(Evaluation *e, double threshold, LimError *err)
{
    const LimGanMetricsSettings s = {.samples = e->flags->samples,
                                     .threshold = threshold,
                                     .truncation = e->flags->truncation,
                                     .seed = e->run->common->seed};
    LimGenerator *g = load_generator(e, threshold, err);
    LimTask *t = g ? finished(e, lim_gan_metrics_new(g, e->c, e->real, &s, err), err) : NULL;
    if (t) {
        const LimComparison *c = lim_gan_metrics_result(t);
        json_object_set_new(e->result, "variety_of_pictures", number(c->real_variety));
        add_row(e, "thresholds", threshold, c, -1);
        for (int k = 0; k < c->classes; k++)
            add_row(e, "classes", threshold, c, k);
        add_confusion(e, threshold, c);
    }
    lim_task_free(t);
    lim_generator_free(g);
    return t ? LIM_OK : err->code;
}

/* n pictures, the same number of every class, in an order of the seed; returns how many. */
static int
choose(const LimDataset *d, int n, uint64_t seed, uint32_t *index)
{
    uint32_t *order = lim_alloc((size_t)d->n, sizeof *order);
    int *taken = lim_alloc((size_t)d->classes, sizeof *taken), chosen = 0;
    lim_rng_permutation(seed, LIM_STREAM_SHUFFLE, order, (uint32_t)d->n);
    for (int i = 0; i < d->n && chosen < n; i++) {
        const int k = d->labels[order[i]];
        if (taken[k] >= n / d->classes + (k < n % d->classes))
            continue;
        taken[k]++;
        index[chosen++] = order[i];
    }
    free(order);
    free(taken);
    return chosen;
}

/* Training pictures in the samples' place. */
static LimStatus
measure_floor(Evaluation *e, LimError *err)
{
    LimDataset *train = lim_dataset_open(cli_data(e->run), "train", err);
    if (!train)
        return err->code;
    LimFeatures *f = NULL;
    LimTask *t = NULL;
    if (strcmp(train->split, e->test->split) == 0) { /* there is no other split */
        json_object_set_new(e->result, "floor", json_null());
        lim_dataset_free(train);
        return LIM_OK;
    }
    uint32_t *index = lim_alloc((size_t)train->n, sizeof *index);
    const int n = choose(train, e->flags->samples, e->run->common->seed, index);
    f = cli_compute_features(e->run, e->c, train, index, n, err);
    if (f)
        t = finished(e, lim_compare_new(f, e->real), err);
    if (t) {
        const LimComparison *c = lim_compare_result(t);
        add_row(e, "floor", (double)NAN, c, -1);
        for (int k = 0; k < c->classes; k++)
            add_row(e, "floor_classes", (double)NAN, c, k);
    }
    lim_task_free(t);
    lim_features_free(f);
    free(index);
    lim_dataset_free(train);
    return t ? LIM_OK : err->code;
}

static void
add_cas(Evaluation *e, const LimCas *c)
{
    json_t *rows = json_array();
    for (int k = 0; k < c->classes; k++) {
        const int *row = c->confusion + k * c->classes;
        int pictures = 0;
        for (int i = 0; i < c->classes; i++)
            pictures += row[i];
        const LimMeasure m = lim_proportion(row[k], pictures);
        json_array_append_new(rows,
                              json_pack("{s:s, s:i, s:o, s:f, s:f}", "class",
                                        lim_predictor_class_name(e->c, k), "pictures", pictures,
                                        "accuracy", pictures ? json_real(m.value) : json_null(),
                                        "low_95", m.low, "high_95", m.high));
    }
    json_object_set_new(e->result, "classification_accuracy_score",
                        json_pack("{s:f, s:f, s:f, s:i, s:i, s:i, s:i, s:o}", "accuracy",
                                  c->accuracy.value, "low_95", c->accuracy.low, "high_95",
                                  c->accuracy.high, "trained_on_samples", c->samples, "epochs",
                                  e->flags->cas_epochs, "steps", c->steps, "tested_on_pictures",
                                  c->pictures, "classes", rows));
}

/* Of untruncated samples. */
static LimStatus
measure_cas(Evaluation *e, LimError *err)
{
    LimCasSettings s = {.samples = e->flags->cas_samples, .seed = e->run->common->seed};
    lim_params_init(lim_classifier_schema, &s.training.model);
    lim_params_init(lim_classifier_training_schema, &s.training);
    s.training.epochs = e->flags->cas_epochs;
    LimGenerator *g = load_generator(e, 0, err);
    LimTask *t = g ? finished(e, lim_cas_new(g, e->test, &s, err), err) : NULL;
    if (t)
        add_cas(e, lim_cas_result(t));
    lim_task_free(t);
    lim_generator_free(g);
    return t ? LIM_OK : err->code;
}

/* ---- the plot -------------------------------------------------------------------------------- */

typedef struct Column {
    double value[MAX_THRESHOLDS], low[MAX_THRESHOLDS], high[MAX_THRESHOLDS];
} Column;

static Column
column(const Evaluation *e, const char *key)
{
    static const char *const tables[] = {"thresholds", "thresholds_low_95", "thresholds_high_95"};
    Column c;
    double *part[] = {c.value, c.low, c.high};
    for (int p = 0; p < 3; p++)
        for (int i = 0; i < e->n; i++) {
            const json_t *row = json_array_get(json_object_get(e->result, tables[p]), (size_t)i);
            const json_t *cell = json_object_get(row, key);
            part[p][i] = json_is_number(cell) ? json_number_value(cell) : (double)NAN;
        }
    return c;
}

static LimStatus
write_plot(const Evaluation *e, LimError *err)
{
    const int n = (int)json_array_size(json_object_get(e->result, "thresholds"));
    char label[MAX_THRESHOLDS][24], title[200];
    const char *labels[MAX_THRESHOLDS];
    double at[MAX_THRESHOLDS], floor_at[2] = {0, 0}, floor_y[2], top = 0;
    for (int i = 0; i < n; i++) {
        at[i] = e->threshold[i];
        top = fmax(top, at[i]);
    }
    for (int i = 0; i < n; i++) { /* untruncated: beyond the others */
        snprintf(label[i], sizeof label[i], "%g", at[i]);
        if (at[i] == 0) {
            at[i] = top > 0 ? 1.25 * top : 1;
            snprintf(label[i], sizeof label[i], "none");
        }
        labels[i] = label[i];
        floor_at[1] = fmax(floor_at[1], at[i]);
    }
    const Column asked = column(e, "asked_class"), precision = column(e, "precision");
    const Column density = column(e, "density"), recall = column(e, "recall");
    const Column coverage = column(e, "coverage"), variety = column(e, "variety");
    const Column frechet = column(e, "frechet_distance");
    const json_t *floor_row = json_array_get(json_object_get(e->result, "floor"), 0);
    const json_t *cell = json_object_get(floor_row, "frechet_distance");
    floor_y[0] = floor_y[1] = json_is_number(cell) ? json_number_value(cell) : (double)NAN;
#define SERIES(title_text, from_x, c, marks)                       \
    {                                                              \
        title_text, n, from_x, (c).value, (c).low, (c).high, marks \
    }
    const CliSeries trade[] = {SERIES("precision", variety.value, precision, labels),
                               SERIES("asked class recognised", variety.value, asked, NULL)};
    const CliSeries fidelity[] = {SERIES("precision", at, precision, NULL),
                                  SERIES("asked class recognised", at, asked, NULL),
                                  SERIES("density", at, density, NULL)};
    const CliSeries varied[] = {SERIES("variety, of that of real pictures", at, variety, NULL),
                                SERIES("coverage", at, coverage, NULL),
                                SERIES("recall", at, recall, NULL)};
    const CliSeries distance[] = {SERIES("samples", at, frechet, NULL),
                                  {"training pictures (the floor)", 2, floor_at, floor_y, NULL,
                                   NULL, NULL}};
#undef SERIES
    const CliPanel panels[] = {{.title = "Fidelity against variety, by threshold",
                                .x_label = "variety, of that of real pictures (none: untruncated)",
                                .y_label = "share of samples; bars: 95 %",
                                .series = trade,
                                .n = 2},
                               {.title = "Fidelity",
                                .x_label = "truncation threshold (last: untruncated)",
                                .y_label = "share, or density; bars: 95 %",
                                .series = fidelity,
                                .n = 3},
                               {.title = "Variety",
                                .x_label = "truncation threshold (last: untruncated)",
                                .y_label = "share; bars: 95 %",
                                .series = varied,
                                .n = 3},
                               {.title = "Frechet distance (features of the classifier)",
                                .x_label = "truncation threshold (last: untruncated)",
                                .y_label = "distance; bars: 95 %",
                                .series = distance,
                                .n = floor_row ? 2 : 1}};
    snprintf(title, sizeof title, "%d samples under each threshold against %d test pictures",
             e->flags->samples, e->test->n);
    return cli_plot_write(e->flags->plot, title, panels, 4, 2, err);
}

/* ---- the command ----------------------------------------------------------------------------- */

static LimStatus
read_thresholds(Evaluation *e, LimError *err)
{
    const char *at = e->flags->thresholds;
    for (;;) {
        char *end;
        const double t = strtod(at, &end);
        if (end == at || !(t >= 0 && t <= 10) || (*end && *end != ','))
            return lim_fail(err, LIM_E_PARAM,
                            "--thresholds: %.60s is no list of numbers from 0 to 10 like 0.5,1,2,0",
                            e->flags->thresholds);
        if (e->n == MAX_THRESHOLDS)
            return lim_fail(err, LIM_E_PARAM, "--thresholds: more than %d", MAX_THRESHOLDS);
        int i = e->n++; /* ascending, untruncated last */
        for (; i > 0 && t > 0 && (e->threshold[i - 1] == 0 || e->threshold[i - 1] > t); i--)
            e->threshold[i] = e->threshold[i - 1];
        e->threshold[i] = t;
        if (!*end)
            return LIM_OK;
        at = end + 1;
    }
}

/* CRC-32 of the file, as `gzip -lv` and `python3 -m zlib` know it: which checkpoint this was. */
static LimStatus
checksum(const char *path, char out[16], LimError *err)
{
    uint8_t *data;
    size_t size;
    const LimStatus status = lim_file_read(path, (size_t)1 << 30, &data, &size, err);
    if (status != LIM_OK)
        return status;
    snprintf(out, 16, "%08lx", crc32(0, data, (uInt)size));
    free(data);
    return LIM_OK;
}

/* Describes what is measured: everything but the numbers. */
static LimStatus
begin(Evaluation *e, LimError *err)
{
    char model_crc[16], classifier_crc[16];
    LimStatus status = checksum(e->path, model_crc, err);
    if (status == LIM_OK)
        status = checksum(e->classifier, classifier_crc, err);
    if (status != LIM_OK)
        return status;
    e->result = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:I, s:s, s:s, s:s}", "model", e->path,
        "model_crc32", model_crc, "classifier", e->classifier, "classifier_crc32", classifier_crc,
        "data", e->test->name, "split", e->test->split, "pictures", e->test->n, "samples",
        e->flags->samples, "seed", (json_int_t)e->run->common->seed, "truncation",
        lim_truncation_names[e->flags->truncation], "batch_statistics",
        e->flags->standing ? "computed under each threshold" : "of the model file", "explanation",
        "threshold 0: untruncated. Distances are taken between features of the classifier, not "
        "Inception's; inception score: its probabilities, ten splits. precision, recall: k = 3; "
        "density, coverage: k = 5. variety: mean distance within a class, as a share of the real "
        "pictures'. Intervals, 95 %: Wilson (shares; of samples, for recall and coverage of "
        "pictures), Student (inception score, density), jackknife of 20 groups of samples (others)."
        " floor: training pictures in the samples' place.");
    return LIM_OK;
}

static void
evaluate(Evaluation *e, LimError *err)
{
    LimStatus status = begin(e, err);
    if (status == LIM_OK) {
        e->real = cli_compute_features(e->run, e->c, e->test, NULL, e->test->n, err);
        status = e->real ? LIM_OK : err->code;
    }
    for (int i = 0; i < e->n && status == LIM_OK; i++)
        status = measure_threshold(e, e->threshold[i], err);
    if (e->flags->floor && status == LIM_OK)
        status = measure_floor(e, err);
    if (e->flags->cas && status == LIM_OK)
        status = measure_cas(e, err);
    if (*e->flags->plot && status == LIM_OK)
        status = write_plot(e, err);
    if (e->result)
        json_object_update(e->result, e->detail);
    /* Interrupted: what was measured is told. */
    if (status != LIM_OK &&
        (status != LIM_CANCELLED || !json_object_get(e->result, "thresholds"))) {
        json_decref(e->result);
        e->result = NULL;
    }
}

static json_t *
run_evaluate_gan(CliRun *run, LimError *err)
{
    Evaluation e = {.run = run,
                    .flags = cli_args_values(&run->args, gan_schema),
                    .path = run->args.operand[0]};
    cli_resource(e.flags->classifier, "fashion-classifier.safetensors", e.classifier);
    if (read_thresholds(&e, err) != LIM_OK)
        return NULL;
    LimGenerator *g = lim_generator_load(e.path, err); /* before anything takes long */
    if (g)
        e.c = lim_predictor_load(e.classifier, err);
    lim_generator_free(g);
    if (e.c)
        e.test = lim_dataset_open(cli_data(run), "test", err);
    if (e.test) {
        e.detail = json_object();
        evaluate(&e, err);
        json_decref(e.detail);
    }
    lim_features_free(e.real);
    lim_dataset_free(e.test);
    lim_predictor_free(e.c);
    return e.result;
}

static const CliPiece gan_pieces[] = {{"Measuring", gan_schema, sizeof(GanFlags)}, {0}};
const CliCommand cli_evaluate_gan = {
    .name = "evaluate gan",
    .summary = "Measures a generator under several truncation thresholds",
    .text = "MODEL is a file written by `limen-cli train gan`. Its samples, rounded to 8 bit, are "
            "judged by a classifier and compared with the test pictures: asked class, inception "
            "score, Frechet distance, precision and recall, density and coverage, variety; as a "
            "whole and for each class, with 95 % intervals.",
    .operands = "MODEL",
    .min_operands = 1,
    .max_operands = 1,
    .pieces = gan_pieces,
    .run = run_evaluate_gan,
};
