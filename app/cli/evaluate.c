/* limen-cli evaluate classifier: how good it is on pictures that it has not seen. */
#include "cli.h"
#include "data/dataset.h"
#include "metrics/asked_class.h"
#include "models/predictor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 64

typedef struct Confusion {
    int classes;
    int *count;      /* [true][predicted] */
    double log_loss; /* sum */
} Confusion;

/* Adds one sample; returns nothing that the caller needs to free. */
static void
count_sample(Confusion *c, const float *logits, int label)
{
    const int best = lim_seen_class(logits, c->classes);
    double sum = 0;
    for (int k = 0; k < c->classes; k++)
        sum += exp((double)logits[k] - (double)logits[best]);
    c->log_loss += log(sum) + (double)logits[best] - (double)logits[label];
    c->count[label * c->classes + best]++;
}

static LimStatus
predict(CliRun *run, LimPredictor *model, const LimDataset *data, Confusion *c, LimError *err)
{
    const LimShape s = lim_predictor_image_shape(model);
    float *x = lim_alloc(BATCH * (size_t)lim_shape_size(s), sizeof *x);
    float *logits = lim_alloc(BATCH * (size_t)c->classes, sizeof *logits);
    int32_t labels[BATCH];
    uint32_t index[BATCH];
    LimStatus status = LIM_OK;
    CliProgress bar;
    cli_progress_init(&bar, cli_talk(run), &run->cancel);
    for (int done = 0; done < data->n && status == LIM_OK; done += BATCH) {
        const int n = data->n - done < BATCH ? data->n - done : BATCH;
        LimProgress now = {.fraction = (double)done / data->n};
        snprintf(now.text, sizeof now.text, "%d of %d pictures", done, data->n);
        cli_progress_show(&bar, &now);
        for (int i = 0; i < n; i++)
            index[i] = (uint32_t)(done + i);
        lim_dataset_batch(data, index, n, s.d[1], x, labels);
        status = lim_predictor_run(model, &run->exec, x, n, logits, NULL, err);
        for (int i = 0; i < n && status == LIM_OK; i++)
            count_sample(c, logits + i * c->classes, labels[i]);
    }
    cli_progress_end(&bar);
    free(x);
    free(logits);
    return status;
}

/* A share of nothing is not a number. */
static json_t *
share(int part, int whole)
{
    return whole ? json_real((double)part / whole) : json_null();
}

/* Recall: of the pictures of this class, how many are seen as it. Precision: of the pictures seen
 * as it, how many are. */
static json_t *
describe_class(const Confusion *c, const LimPredictor *model, int k)
{
    int of_class = 0, as_class = 0, mistaken = k == 0 ? 1 : 0;
    const int *row = c->count + k * c->classes;
    for (int i = 0; i < c->classes; i++) {
        of_class += row[i];
        as_class += c->count[i * c->classes + k];
        if (i != k && row[i] > row[mistaken])
            mistaken = i;
    }
    json_t *j =
        json_pack("{s:s, s:i}", "class", lim_predictor_class_name(model, k), "pictures", of_class);
    json_object_set_new(j, "recall", share(row[k], of_class));
    json_object_set_new(j, "precision", share(row[k], as_class));
    json_object_set_new(j, "most_often_mistaken_for",
                        row[mistaken] ? json_string(lim_predictor_class_name(model, mistaken))
                                      : json_null());
    return j;
}

static json_t *
describe(const Confusion *c, const LimPredictor *model, const LimDataset *data)
{
    int right = 0;
    json_t *classes = json_array();
    for (int k = 0; k < c->classes; k++) {
        right += c->count[k * c->classes + k];
        json_array_append_new(classes, describe_class(c, model, k));
    }
    return json_pack("{s:s, s:s, s:i, s:f, s:i, s:f, s:o}", "data", data->name, "split",
                     data->split, "pictures", data->n, "accuracy", (double)right / data->n,
                     "mistakes", data->n - right, "cross_entropy", c->log_loss / data->n, "classes",
                     classes);
}

static json_t *
run_evaluate_classifier(CliRun *run, LimError *err)
{
    const char *path = run->args.operand[0];
    LimPredictor *model = lim_predictor_load(path, err);
    LimDataset *data = model ? lim_dataset_open(cli_data(run), "test", err) : NULL;
    json_t *result = NULL;
    if (data) {
        const LimShape s = lim_predictor_image_shape(model);
        Confusion c = {.classes = lim_predictor_classes(model)};
        c.count = lim_alloc((size_t)c.classes * (size_t)c.classes, sizeof *c.count);
        if (data->c != s.d[0] || data->h > s.d[1] || data->w > s.d[2] || data->classes != c.classes)
            lim_fail(err, LIM_E_SHAPE,
                     "%s knows %d classes of %dx%dx%d pictures; the data has %d of %dx%dx%d.", path,
                     c.classes, s.d[0], s.d[1], s.d[2], data->classes, data->c, data->h, data->w);
        else if (predict(run, model, data, &c, err) == LIM_OK)
            result = describe(&c, model, data);
        free(c.count);
    }
    lim_dataset_free(data);
    lim_predictor_free(model);
    return result;
}

const CliCommand cli_evaluate_classifier = {
    .name = "evaluate classifier",
    .summary = "Measures a classifier on the test split",
    .text = "MODEL is a file written by `limen-cli train classifier`.",
    .operands = "MODEL",
    .min_operands = 1,
    .max_operands = 1,
    .run = run_evaluate_classifier,
};
