/* limen-cli features: a classifier's features of test pictures, in a file small enough to ship, so
 * that the window can measure a generator where the data set is not installed. */
#include "cli.h"
#include "metrics/features.h"

#include <stdlib.h>
#include <string.h>

typedef struct FeatureFlags {
    char out[LIM_TEXT_MAX];
    int pictures;
} FeatureFlags;

static const LimParamSpec schema[] = {
    {.name = "out",
     .label = "File",
     .help = "The safetensors file to write.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(FeatureFlags, out),
     .def_text = "features.safetensors"},
    {.name = "pictures",
     .label = "Pictures",
     .help = "How many: the first ones of each class of the test split, the same number of every "
             "class.",
     .unit = "pictures",
     .kind = LIM_INT,
     .offset = offsetof(FeatureFlags, pictures),
     .min = 1,
     .max = 1000000,
     .def = 5000},
    {0}};

/* The first of each class, in the order of the set; returns how many. */
static int
choose(const LimDataset *d, int pictures, uint32_t *index)
{
    const int each = pictures / d->classes;
    int n = 0;
    int *taken = lim_alloc((size_t)d->classes, sizeof *taken);
    for (int i = 0; i < d->n; i++)
        if (taken[d->labels[i]] < each) {
            taken[d->labels[i]]++;
            index[n++] = (uint32_t)i;
        }
    free(taken);
    return n;
}

LimFeatures *
cli_compute_features(CliRun *run, LimPredictor *c, const LimDataset *d, const uint32_t *index,
                     int n, LimError *err)
{
    LimTask *t = lim_features_task_new(c, d, index, n, err);
    LimFeatures *f = NULL;
    if (t && cli_run_task(run, t, err) == LIM_STEP_DONE)
        f = lim_features_task_steal(t);
    lim_task_free(t);
    return f;
}

static json_t *
run_features(CliRun *run, LimError *err)
{
    const FeatureFlags *flags = cli_args_values(&run->args, schema);
    const char *path = run->args.operand[0];
    LimPredictor *c = lim_predictor_load(path, err);
    LimDataset *data = c ? lim_dataset_open(cli_data(run), "test", err) : NULL;
    uint32_t *index = data ? lim_alloc((size_t)data->n, sizeof *index) : NULL;
    LimFeatures *f = NULL;
    json_t *result = NULL;
    if (data)
        f = cli_compute_features(run, c, data, index, choose(data, flags->pictures, index), err);
    if (f) {
        char command[LIM_TEXT_MAX];
        const char *slash = strrchr(path, '/');
        snprintf(command, sizeof command, "limen-cli features %.300s --pictures %d",
                 slash ? slash + 1 : path, flags->pictures);
        if (lim_features_save(f, c, command, flags->out, err) == LIM_OK)
            result = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i}", "file", flags->out, "classifier",
                               path, "data", f->name, "split", f->split, "pictures", f->n,
                               "features", f->size);
    }
    lim_features_free(f);
    free(index);
    lim_dataset_free(data);
    lim_predictor_free(c);
    return result;
}

static const CliPiece pieces[] = {{"What to compute", schema, sizeof(FeatureFlags)}, {0}};
const CliCommand cli_features = {
    .name = "features",
    .summary = "Computes a classifier's features of test pictures",
    .text = "CLASSIFIER is a file written by `limen-cli train classifier`. The window measures "
            "generators against such a file.",
    .operands = "CLASSIFIER",
    .min_operands = 1,
    .max_operands = 1,
    .pieces = pieces,
    .run = run_features,
};
