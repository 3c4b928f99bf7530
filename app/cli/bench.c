/* limen-cli bench: how fast the ops and the networks are on this machine. */
#include "cli.h"
#include "base/rng.h"
#include "graph/plan.h"
#include "train/gan.h"
#include "graph/op.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_RUNS 400

static int
compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double
cli_median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, compare);
    return n % 2 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

/* ---- ops ---------------------------------------------------------------------------------------
 */

typedef struct OpsParams {
    char op[LIM_TEXT_MAX];
    double seconds;
} OpsParams;

static const LimParamSpec ops_schema[] = {
    {.name = "op",
     .label = "Op",
     .help = "Only ops whose name contains this.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(OpsParams, op)},
    {.name = "seconds",
     .label = "Time per case",
     .help = "Each case runs at least this long and at least five times.",
     .unit = "s",
     .kind = LIM_REAL,
     .offset = offsetof(OpsParams, seconds),
     .max = 60,
     .def = 0.2},
    {0}};

/* The parameters of a case, "key=value key=value". */
static void
case_params(const LimOpDef *op, const LimOpCase *c, void *params, LimError *err)
{
    char *text = lim_strdup(c->params ? c->params : ""), *save = NULL;
    lim_params_init(op->params, params);
    for (char *pair = strtok_r(text, " ", &save); pair; pair = strtok_r(NULL, " ", &save)) {
        char *equals = strchr(pair, '=');
        LIM_ASSERT(equals);
        *equals = 0;
        lim_params_set(op->params, params, pair, equals + 1, err);
    }
    free(text);
}

/* What one input holds; the caller frees. */
static void *
case_input(const LimOpDef *op, const LimOpCase *c, int i)
{
    const size_t n = (size_t)lim_shape_size(c->in[i]);
    float *x = lim_alloc(n, sizeof *x);
    if (op->int_inputs & (1u << i)) {
        for (size_t k = 0; k < n; k++)
            ((int32_t *)(void *)x)[k] =
                (int32_t)lim_rng_below(1, LIM_STREAM_TEST, k, (uint32_t)c->label_below);
        return x;
    }
    lim_rng_normal(1 + (uint64_t)i, LIM_STREAM_TEST, 0, x, n);
    if (c->fill[i] == LIM_FILL_POSITIVE)
        for (size_t k = 0; k < n; k++)
            x[k] = 0.5f + 1.0f / (1.0f + expf(x[k]));
    return x;
}

static bool
has_input(const LimOpDef *op, const LimOpCase *c, int i)
{
    return i < op->n_in && c->in[i].nd >= 0 &&
           !(op->optional_from && i >= op->optional_from && c->in[i].nd == 0);
}

/* Median milliseconds of a planned run. */
static double
time_plan(LimPlan *plan, double seconds, const LimExec *exec, int *runs, LimError *err)
{
    double times[MAX_RUNS];
    const double begin = cli_seconds();
    int n = 0;
    if (lim_plan_run(plan, exec, err) != LIM_OK)
        return 0;
    while (n < MAX_RUNS && (n < 5 || cli_seconds() - begin < seconds)) {
        const double start = cli_seconds();
        if (lim_plan_run(plan, exec, err) != LIM_OK)
            return 0;
        times[n++] = 1e3 * (cli_seconds() - start);
    }
    *runs = n;
    return cli_median(times, n);
}

static json_t *
time_case(const LimOpDef *op, const LimOpCase *c, double seconds, const LimExec *exec,
          LimError *err)
{
    LimGraph *g = lim_graph_new();
    LimVal in[LIM_OP_MAX_IN] = {{0}}, out[LIM_OP_MAX_OUT];
    void *data[LIM_OP_MAX_IN] = {NULL}, *params = NULL;
    char shapes[LIM_OP_MAX_IN * 32] = "", one[64];
    json_t *row = NULL;
    if (op->params_size) {
        params = lim_alloc(1, op->params_size);
        case_params(op, c, params, err);
    }
    for (int i = 0; i < op->n_in; i++) {
        if (!has_input(op, c, i))
            continue;
        const size_t used = strlen(shapes);
        snprintf(shapes + used, sizeof shapes - used, "%s%s", used ? " " : "",
                 lim_shape_text(c->in[i], one));
        in[i] = lim_graph_feed(g, "in", op->int_inputs & (1u << i) ? LIM_I32 : LIM_F32, c->in[i]);
        data[i] = case_input(op, c, i);
    }
    lim_graph_add(g, op, in, params, out);
    LimPlan *plan = lim_plan_new(g, out, 1, 0, exec, err);
    if (plan) {
        int runs = 0;
        for (int i = 0; i < op->n_in; i++)
            if (data[i])
                lim_plan_bind(plan, in[i], data[i]);
        const double ms = time_plan(plan, seconds, exec, &runs, err);
        if (err->code == LIM_OK)
            row = json_pack("{s:s, s:s, s:s, s:f, s:i}", "op", op->name, "inputs", shapes,
                            "parameters", c->params ? c->params : "", "ms", ms, "runs", runs);
    }
    lim_plan_free(plan);
    for (int i = 0; i < LIM_OP_MAX_IN; i++)
        free(data[i]);
    free(params);
    return row;
}

static json_t *
run_bench_ops(CliRun *run, LimError *err)
{
    const OpsParams *p = cli_args_values(&run->args, ops_schema);
    json_t *rows = json_array();
    CliProgress bar;
    cli_progress_init(&bar, cli_talk(run), &run->cancel);
    for (size_t i = 0; i < lim_op_count() && err->code == LIM_OK; i++) {
        const LimOpDef *op = lim_op_at(i);
        LimProgress now = {.fraction = (double)i / (double)lim_op_count()};
        snprintf(now.text, sizeof now.text, "%s", op->name);
        cli_progress_show(&bar, &now);
        for (size_t k = 0; k < op->n_cases && err->code == LIM_OK; k++) {
            if (!op->cases[k].bench || !strstr(op->name, p->op))
                continue;
            json_t *row = time_case(op, &op->cases[k], p->seconds, &run->exec, err);
            if (row)
                json_array_append_new(rows, row);
        }
    }
    cli_progress_end(&bar);
    if (err->code == LIM_OK && !json_array_size(rows))
        lim_fail(err, LIM_E_PARAM, "--op: no op that is timed has %.60s in its name.", p->op);
    if (err->code != LIM_OK && err->code != LIM_CANCELLED) {
        json_decref(rows);
        return NULL;
    }
    return json_pack("{s:s, s:i, s:o}", "kernels", run->exec.kernels->name, "threads",
                     lim_pool_threads(run->exec.pool), "ops", rows);
}

static const CliPiece ops_pieces[] = {{"What to time", ops_schema, sizeof(OpsParams)}, {0}};
const CliCommand cli_bench_ops = {
    .name = "bench ops",
    .summary = "Times every op on its large cases",
    .text = "Times are medians, in milliseconds. LIMEN_ISA=portable|avx2|avx512 in the environment "
            "picks the kernels.",
    .operands = "",
    .pieces = ops_pieces,
    .run = run_bench_ops,
};

/* ---- the GAN -----------------------------------------------------------------------------------
 */

typedef struct GanParams {
    int repeats;
} GanParams;

static const LimParamSpec gan_schema[] = {
    {.name = "repeats",
     .label = "Repeats",
     .help = "Timed steps of each kind, of which the median counts.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(GanParams, repeats),
     .min = 1,
     .max = MAX_RUNS / 10,
     .def = 5},
    {0}};

/* The network that tests/bench/torch_gan.py times as well. */
static const LimBigganParams gan_model = {.channels = 3,
                                          .classes = 10,
                                          .g_ch = 32,
                                          .d_ch = 32,
                                          .latent = 128,
                                          .shared = 128,
                                          .g_attention = true,
                                          .d_attention = true,
                                          .g_attention_size = LIM_BIGGAN_16,
                                          .d_attention_size = LIM_BIGGAN_16,
                                          .skip_z = true,
                                          .shared_embedding = true,
                                          .spectral_norm = LIM_BIGGAN_SN_BOTH,
                                          .wide_d = true};

/* Noise with labels: the time of a step does not depend on what is in the pictures. */
static LimDataset *
noise_data(int n)
{
    LimDataset *d = lim_alloc(1, sizeof *d);
    *d = (LimDataset){.n = n, .c = gan_model.channels, .h = 32, .w = 32, .classes = 10};
    const size_t image = (size_t)d->c * 32 * 32;
    d->pixels = lim_alloc((size_t)n, image);
    d->labels = lim_alloc((size_t)n, 1);
    d->class_names = lim_alloc(10, sizeof *d->class_names);
    for (size_t i = 0; i < (size_t)n * image; i++)
        d->pixels[i] = (uint8_t)lim_rng_u64(1, LIM_STREAM_TEST, i);
    for (int i = 0; i < n; i++)
        d->labels[i] = (uint8_t)(i % 10);
    return d;
}

/* Median milliseconds of the D step and of the G step; steps alternate. */
static LimStatus
time_steps(LimTask *trainer, int repeats, const LimExec *exec, double ms[2], LimError *err)
{
    double times[2][MAX_RUNS];
    for (int i = -1; i < repeats; i++) /* one round to warm up */
        for (int k = 0; k < 2; k++) {
            const double start = cli_seconds();
            if (lim_task_step(trainer, exec, NULL, err) == LIM_STEP_FAILED)
                return err->code;
            if (i >= 0)
                times[k][i] = 1e3 * (cli_seconds() - start);
        }
    for (int k = 0; k < 2; k++)
        ms[k] = cli_median(times[k], repeats);
    return LIM_OK;
}

/* Median milliseconds of the generator in eval mode. */
static LimStatus
time_forward(LimStore *store, int n, int repeats, const LimExec *exec, double *ms, LimError *err)
{
    double times[MAX_RUNS];
    LimGraph *g = lim_graph_new();
    LimBuild b;
    lim_build_init(&b, g, store, LIM_MODE_EVAL);
    const size_t values = (size_t)n * (size_t)gan_model.latent;
    float *z = lim_alloc(values, sizeof *z);
    int32_t *label = lim_alloc((size_t)n, sizeof *label);
    lim_rng_normal(2, LIM_STREAM_TEST, 0, z, values);
    for (int i = 0; i < n; i++)
        label[i] = i % gan_model.classes;
    LimVal z_feed = lim_graph_feed(g, "z", LIM_F32, LIM_SHAPE2(n, gan_model.latent));
    LimVal label_feed = lim_graph_feed(g, "label", LIM_I32, LIM_SHAPE1(n));
    LimVal image = lim_biggan_generator(&b, &gan_model, z_feed, label_feed, NULL);
    LimPlan *plan = lim_plan_new(g, &image, 1, 0, exec, err);
    LimStatus status = plan ? LIM_OK : err->code;
    if (plan) {
        lim_plan_bind(plan, z_feed, z);
        lim_plan_bind(plan, label_feed, label);
    }
    for (int i = -1; i < repeats && status == LIM_OK; i++) {
        const double start = cli_seconds();
        status = lim_plan_run(plan, exec, err);
        if (i >= 0)
            times[i] = 1e3 * (cli_seconds() - start);
    }
    if (status == LIM_OK)
        *ms = cli_median(times, repeats);
    lim_plan_free(plan);
    free(z);
    free(label);
    return status;
}

static json_t *
run_bench_gan(CliRun *run, LimError *err)
{
    const int repeats = ((const GanParams *)cli_args_values(&run->args, gan_schema))->repeats;
    LimGanTraining p;
    lim_params_init(lim_gan_training_schema, &p);
    p.model = gan_model;
    p.batch = 64;
    p.d_steps = 1;
    LimDataset *data = noise_data(256);
    LimTrainLog log;
    lim_train_log_open(&log, NULL, err);
    LimTask *trainer = lim_gan_trainer_new(&p, data, NULL, NULL, log, &run->exec, err);
    json_t *result = NULL;
    double step_ms[2], forward_ms[3];
    LimStatus status = trainer ? time_steps(trainer, repeats, &run->exec, step_ms, err) : err->code;
    static const int sizes[3] = {1, 16, 64};
    for (int i = 0; i < 3 && status == LIM_OK; i++)
        status = time_forward(lim_gan_trainer_generator(trainer), sizes[i],
                              i == 0   ? 10 * repeats
                              : i == 1 ? 2 * repeats
                                       : repeats,
                              &run->exec, &forward_ms[i], err);
    if (status == LIM_OK)
        result = json_pack("{s:s, s:i, s:I, s:I, s:f, s:f, s:{s:f, s:f, s:f}}", "kernels",
                           run->exec.kernels->name, "threads", lim_pool_threads(run->exec.pool),
                           "generator_parameters",
                           (json_int_t)lim_store_parameters(lim_gan_trainer_generator(trainer)),
                           "discriminator_parameters",
                           (json_int_t)lim_store_parameters(lim_gan_trainer_discriminator(trainer)),
                           "discriminator_step_ms", step_ms[0], "generator_step_ms", step_ms[1],
                           "generator_forward_ms", "1", forward_ms[0], "16", forward_ms[1], "64",
                           forward_ms[2]);
    lim_task_free(trainer);
    lim_dataset_free(data);
    return result;
}

static const CliPiece gan_pieces[] = {{"What to time", gan_schema, sizeof(GanParams)}, {0}};
const CliCommand cli_bench_gan = {
    .name = "bench gan",
    .summary = "Times the steps of a GAN training and the generator by itself",
    .text = "The network is BigGAN at 32x32 pixels in colour with 128 channels and self-attention; "
            "a step is a batch of 64, from drawing latents to the update of the weights. Times are "
            "medians, in milliseconds. tests/bench/torch_gan.py times the same in PyTorch.",
    .operands = "",
    .pieces = gan_pieces,
    .run = run_bench_gan,
};
