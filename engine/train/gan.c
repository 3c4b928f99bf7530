/* The GAN trainer. Two plans: the D step (generator forward without gradient, discriminator on
 * [fake ; real] as one batch) and the G step (both nets forward, gradients of the generator's
 * parameters only; the discriminator is frozen, its power iterations are not kept).
 *
 * Every random choice is a function of (seed, use, iteration, sub-step), so the state between steps
 * is the stores, the optimisers and two counters. */
#include "train/gan.h"

#include "base/rng.h"
#include "models/modelfile.h"
#include "train/checkpoint.h"
#include "train/network.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INT(field, flag, text, teach, u, lo, hi, value)                               \
    {                                                                                 \
        .name = flag, .label = text, .help = teach, .unit = u, .kind = LIM_INT,       \
        .offset = offsetof(LimGanTraining, field), .min = lo, .max = hi, .def = value \
    }
#define REAL(field, flag, text, teach, lo, hi, value)                                 \
    {                                                                                 \
        .name = flag, .label = text, .help = teach, .unit = "", .kind = LIM_REAL,     \
        .offset = offsetof(LimGanTraining, field), .min = lo, .max = hi, .def = value \
    }

const LimParamSpec lim_gan_training_schema[] = {
    {.name = "seed",
     .label = "Seed",
     .help = "Of initial weights, latents, labels and the order of pictures.",
     .unit = "",
     .kind = LIM_SEED,
     .offset = offsetof(LimGanTraining, seed),
     .def = 1},
    INT(iterations, "iterations", "Iterations", "Generator steps to train for.", "steps", 1,
        10000000, 20000),
    INT(batch, "batch", "Batch size", "Pictures per step of either network.", "pictures", 2, 2048,
        64),
    INT(d_steps, "d-steps", "Discriminator steps", "Discriminator steps per generator step.",
        "steps", 1, 16, 1),
    REAL(g_lr, "g-lr", "Generator learning rate", "Adam's step size for the generator.", 0, 1,
         1e-4),
    REAL(d_lr, "d-lr", "Discriminator learning rate", "Adam's step size for the discriminator.", 0,
         1, 4e-4),
    REAL(beta1, "beta1", "Adam beta 1", "Decay of the mean gradient.", 0, 0.999, 0),
    REAL(beta2, "beta2", "Adam beta 2", "Decay of the mean squared gradient.", 0, 0.99999, 0.999),
    REAL(adam_eps, "adam-eps", "Adam epsilon", "Added to the root of the second moment.", 1e-12, 1,
         1e-6),
    REAL(ema_decay, "ema", "EMA decay",
         "Of the moving average of the generator that is kept as the result.", 0, 0.99999, 0.999),
    REAL(
        lr_decay_from, "lr-decay-from", "Decay from",
        "Fraction of the training after which both learning rates fall linearly to zero; 1: never.",
        0, 1, 1),
    {.name = "flip",
     .label = "Mirror images",
     .help = "Show the discriminator real pictures mirrored left to right half of the time.",
     .unit = "",
     .kind = LIM_BOOL,
     .offset = offsetof(LimGanTraining, flip),
     .max = 1,
     .def = 0},
    INT(checkpoint_every, "checkpoint-every", "Checkpoint every", "Iterations between checkpoints.",
        "steps", 1, 1000000, 250),
    INT(log_every, "log-every", "Log every", "Iterations between lines of the log.", "steps", 1,
        1000000, 25),
    {0}};

typedef struct GanTrainer {
    LimTask base;
    LimGanTraining p;
    const LimDataset *data;
    char *checkpoint;
    LimTrainLog log;
    LimStore *g, *d, *ema;
    LimOptim *g_optim, *d_optim;
    LimStepPlan d_plan, g_plan;
    LimVal d_z, d_label, d_real, d_loss, d_score_real, d_score_fake;
    LimVal g_z, g_label, g_loss;
    float *z, *real, momentum;
    int32_t *label;
    uint32_t *index;
    int32_t iteration, phase; /* phase: D steps done in this iteration */
    /* sums since the last line of the log */
    double sum_d, sum_g, sum_real, sum_fake;
    int n_d, n_g;
} GanTrainer;

/* ---- the two plans -----------------------------------------------------------------------------
 */

/* mean(relu(1 + sign score)) */
static LimVal
hinge(LimGraph *g, LimVal score, double sign)
{
    return lim_mean(g, lim_relu(g, lim_affine(g, score, sign, 1), 0));
}

static LimStatus
plan_d(GanTrainer *t, const LimExec *exec, LimError *err)
{
    const LimGanTraining *p = &t->p;
    const int n = p->batch;
    LimGraph *graph = lim_graph_new();
    LimBuild g, d;
    lim_build_init(&g, graph, t->g, LIM_MODE_FROZEN);
    lim_build_init(&d, graph, t->d, LIM_MODE_TRAIN);
    t->d_z = lim_graph_feed(graph, "z", LIM_F32, LIM_SHAPE2(n, p->model.latent));
    /* labels of the fakes, then of the reals */
    t->d_label = lim_graph_feed(graph, "label", LIM_I32, LIM_SHAPE1(2 * n));
    LimVal fake_label = lim_graph_feed(graph, "fake label", LIM_I32, LIM_SHAPE1(n));
    t->d_real = lim_graph_feed(graph, "real", LIM_F32,
                               LIM_SHAPE4(n, p->model.channels, LIM_BIGGAN_SIZE, LIM_BIGGAN_SIZE));
    LimVal fake = lim_biggan_generator(&g, &p->model, t->d_z, fake_label, NULL);
    LimVal score = LIM_NOVAL;
    if (lim_val_ok(fake))
        score = lim_biggan_discriminator(&d, &p->model, lim_concat(graph, fake, t->d_real, 0),
                                         t->d_label);
    t->d_loss = LIM_NOVAL;
    if (lim_val_ok(score)) {
        LimVal score_fake = lim_slice(graph, score, 0, 0, n);
        LimVal score_real = lim_slice(graph, score, 0, n, n);
        t->d_loss = lim_add(graph, hinge(graph, score_fake, 1), hinge(graph, score_real, -1));
        t->d_score_fake = lim_mean(graph, score_fake);
        t->d_score_real = lim_mean(graph, score_real);
    }
    LimStatus status =
        lim_step_plan_init(&t->d_plan, &d, t->d_loss,
                           (LimVal[]){t->d_loss, t->d_score_fake, t->d_score_real}, 3, exec, err);
    if (status == LIM_OK) {
        lim_plan_bind(t->d_plan.plan, t->d_z, t->z);
        lim_plan_bind(t->d_plan.plan, t->d_label, t->label);
        lim_plan_bind(t->d_plan.plan, fake_label, t->label);
        lim_plan_bind(t->d_plan.plan, t->d_real, t->real);
    }
    return status;
}

static LimStatus
plan_g(GanTrainer *t, const LimExec *exec, LimError *err)
{
    const LimGanTraining *p = &t->p;
    LimGraph *graph = lim_graph_new();
    LimBuild g, d;
    lim_build_init(&g, graph, t->g, LIM_MODE_TRAIN);
    lim_build_init(&d, graph, t->d, LIM_MODE_FROZEN);
    LimVal momentum = lim_graph_feed(graph, "bn momentum", LIM_F32, LIM_SHAPE1(1));
    g.bn_momentum = momentum;
    t->g_z = lim_graph_feed(graph, "z", LIM_F32, LIM_SHAPE2(p->batch, p->model.latent));
    t->g_label = lim_graph_feed(graph, "label", LIM_I32, LIM_SHAPE1(p->batch));
    LimVal fake = lim_biggan_generator(&g, &p->model, t->g_z, t->g_label, NULL);
    t->g_loss = LIM_NOVAL;
    if (lim_val_ok(fake)) {
        LimVal score = lim_biggan_discriminator(&d, &p->model, fake, t->g_label);
        if (lim_val_ok(score))
            t->g_loss = lim_affine(graph, lim_mean(graph, score), -1, 0);
    }
    LimStatus status = lim_step_plan_init(&t->g_plan, &g, t->g_loss, &t->g_loss, 1, exec, err);
    if (status == LIM_OK) {
        lim_plan_bind(t->g_plan.plan, t->g_z, t->z);
        lim_plan_bind(t->g_plan.plan, t->g_label, t->label);
        lim_plan_bind(t->g_plan.plan, momentum, &t->momentum);
    }
    return status;
}

/* ---- one sub-step ------------------------------------------------------------------------------
 */

/* Latents and fake labels of sub-step (iteration, phase): phase d_steps is the G step's. */
static void
draw_latents(GanTrainer *t)
{
    const LimGanTraining *p = &t->p;
    const uint64_t sub = (uint64_t)t->iteration * (uint64_t)(p->d_steps + 1) + (uint64_t)t->phase;
    const uint64_t values = (uint64_t)p->batch * (uint64_t)p->model.latent;
    lim_rng_normal(p->seed, LIM_STREAM_LATENT, sub * values, t->z, values);
    for (int i = 0; i < p->batch; i++)
        t->label[i] = (int32_t)lim_rng_below(p->seed, LIM_STREAM_LABEL,
                                             sub * (uint64_t)p->batch + (uint64_t)i,
                                             (uint32_t)p->model.classes);
}

/* The next `batch` pictures of the shuffled data; every epoch has its own order. */
static void
draw_real(GanTrainer *t)
{
    const LimGanTraining *p = &t->p;
    const uint64_t n = (uint64_t)t->data->n;
    const uint64_t first =
        ((uint64_t)t->iteration * (uint64_t)p->d_steps + (uint64_t)t->phase) * (uint64_t)p->batch;
    const size_t image = (size_t)p->model.channels * LIM_BIGGAN_SIZE * LIM_BIGGAN_SIZE;
    uint32_t *order = t->index + p->batch; /* [n] */
    uint64_t have = UINT64_MAX;
    for (int i = 0; i < p->batch; i++) {
        const uint64_t at = first + (uint64_t)i, epoch = at / n;
        if (epoch != have) {
            lim_rng_permutation(p->seed, lim_rng_stream(LIM_STREAM_SHUFFLE, "epoch", epoch), order,
                                (uint32_t)n);
            have = epoch;
        }
        t->index[i] = order[at % n];
    }
    lim_dataset_batch(t->data, t->index, p->batch, LIM_BIGGAN_SIZE, t->real, t->label + p->batch);
    for (int i = 0; p->flip && i < p->batch; i++) {
        if (!(lim_rng_u64(p->seed, LIM_STREAM_AUGMENT, first + (uint64_t)i) & 1))
            continue;
        float *rows = t->real + (size_t)i * image;
        for (size_t r = 0; r < image / LIM_BIGGAN_SIZE; r++)
            for (int x = 0; x < LIM_BIGGAN_SIZE / 2; x++) {
                float *a = rows + r * LIM_BIGGAN_SIZE + x;
                float *b = rows + r * LIM_BIGGAN_SIZE + (LIM_BIGGAN_SIZE - 1 - x);
                const float keep = *a;
                *a = *b;
                *b = keep;
            }
    }
}

static double
rate(const GanTrainer *t, double lr)
{
    const double done = (double)t->iteration / t->p.iterations, from = t->p.lr_decay_from;
    return done <= from || from >= 1 ? lr : lr * (1 - done) / (1 - from);
}

static void
log_line(GanTrainer *t)
{
    if (t->iteration % t->p.log_every || !t->n_d || !t->n_g)
        return;
    char line[256];
    snprintf(line, sizeof line,
             "{\"iteration\": %d, \"d_loss\": %.6g, \"g_loss\": %.6g, \"d_real\": %.6g, "
             "\"d_fake\": %.6g}",
             t->iteration, t->sum_d / t->n_d, t->sum_g / t->n_g, t->sum_real / t->n_d,
             t->sum_fake / t->n_d);
    t->log.line(t->log.ctx, line);
    t->sum_d = t->sum_g = t->sum_real = t->sum_fake = 0;
    t->n_d = t->n_g = 0;
}

static LimStep
gan_step(LimTask *task, const LimExec *exec, LimProgress *progress, LimError *err)
{
    GanTrainer *t = (GanTrainer *)task;
    const LimGanTraining *p = &t->p;
    LimOptimParams o = {.kind = LIM_OPTIM_ADAM,
                        .beta1 = p->beta1,
                        .beta2 = p->beta2,
                        .eps = p->adam_eps};
    if (t->iteration >= p->iterations)
        return LIM_STEP_DONE;
    draw_latents(t);
    if (t->phase < p->d_steps) {
        draw_real(t);
        o.lr = rate(t, p->d_lr);
        if (lim_step_plan_run(&t->d_plan, t->d_optim, &o, exec, err) != LIM_OK)
            return LIM_STEP_FAILED;
        t->sum_d += (double)*lim_plan_f32(t->d_plan.plan, t->d_loss);
        t->sum_real += (double)*lim_plan_f32(t->d_plan.plan, t->d_score_real);
        t->sum_fake += (double)*lim_plan_f32(t->d_plan.plan, t->d_score_fake);
        t->n_d++;
        t->phase++;
        return LIM_STEP_MORE;
    }
    o.lr = rate(t, p->g_lr);
    if (lim_step_plan_run(&t->g_plan, t->g_optim, &o, exec, err) != LIM_OK)
        return LIM_STEP_FAILED;
    t->sum_g += (double)*lim_plan_f32(t->g_plan.plan, t->g_loss);
    t->n_g++;
    t->iteration++;
    t->phase = 0;
    /* a young average forgets faster: (1 + k) / (10 + k) */
    const double young = (1.0 + t->iteration) / (10.0 + t->iteration);
    lim_store_average(t->ema, t->g, young < p->ema_decay ? young : p->ema_decay);
    const double d_mean = t->n_d ? t->sum_d / t->n_d : 0, g_mean = t->n_g ? t->sum_g / t->n_g : 0;
    if (progress) {
        progress->fraction = (double)t->iteration / p->iterations;
        snprintf(progress->text, sizeof progress->text,
                 "iteration %d of %d, D loss %.3f, G loss %.3f", t->iteration, p->iterations,
                 d_mean, g_mean);
    }
    log_line(t);
    const bool done = t->iteration == p->iterations;
    if (t->checkpoint && (done || t->iteration % p->checkpoint_every == 0) &&
        lim_gan_trainer_checkpoint(task, err) != LIM_OK)
        return LIM_STEP_FAILED;
    return done ? LIM_STEP_DONE : LIM_STEP_MORE;
}

/* ---- checkpoints --------------------------------------------------------------------------------
 */

/* Everything that must not differ between the run that wrote a checkpoint and the one that resumes:
 * the settings without the total number of iterations (unless the rates depend on it). */
static LimCheckpoint
identity(const GanTrainer *t, LimGanTraining *same)
{
    *same = t->p;
    if (same->lr_decay_from >= 1)
        same->iterations = 1;
    same->checkpoint_every = same->log_every = 1;
    return (LimCheckpoint){.kind = "gan",
                           .training = "a GAN training",
                           .schema = lim_gan_training_schema,
                           .params = same,
                           .model_schema = lim_biggan_schema,
                           .model = &same->model};
}

LimStatus
lim_gan_trainer_checkpoint(LimTask *task, LimError *err)
{
    GanTrainer *t = (GanTrainer *)task;
    LimGanTraining same;
    const LimCheckpoint c = identity(t, &same);
    LimStWriter *w = lim_checkpoint_writer(&c);
    lim_store_write(t->g, w, "g.", false);
    lim_store_write(t->d, w, "d.", false);
    lim_store_write(t->ema, w, "ema.", false);
    lim_optim_write(t->g_optim, w, "g_optim.");
    lim_optim_write(t->d_optim, w, "d_optim.");
    const int32_t at[2] = {t->iteration, t->phase};
    lim_st_writer_add(w, "position", LIM_I32, LIM_SHAPE1(2), at, false);
    const double sums[6] = {t->sum_d, t->sum_g, t->sum_real, t->sum_fake, t->n_d, t->n_g};
    lim_st_writer_add(w, "log_sums", LIM_F64, LIM_SHAPE1(6), sums, false);
    return lim_st_writer_finish(w, t->checkpoint, err);
}

static LimStatus
resume(GanTrainer *t, LimError *err)
{
    LimGanTraining same;
    const LimCheckpoint c = identity(t, &same);
    LimStFile *f = lim_checkpoint_open(&c, t->checkpoint, err);
    if (!f)
        return err->code;
    struct {
        LimStore *store;
        const char *prefix;
    } stores[] = {{t->g, "g."}, {t->d, "d."}, {t->ema, "ema."}};
    int32_t at[2];
    double sums[6];
    LimStatus status = LIM_OK;
    for (int i = 0; i < 3 && status == LIM_OK; i++)
        status = lim_store_read(stores[i].store, f, stores[i].prefix, err);
    if (status == LIM_OK)
        status = lim_optim_read(t->g_optim, f, "g_optim.", err);
    if (status == LIM_OK)
        status = lim_optim_read(t->d_optim, f, "d_optim.", err);
    if (status == LIM_OK)
        status = lim_checkpoint_numbers(f, t->checkpoint, "position", LIM_I32, 2, at, err);
    if (status == LIM_OK)
        status = lim_checkpoint_numbers(f, t->checkpoint, "log_sums", LIM_F64, 6, sums, err);
    if (status == LIM_OK && (at[0] < 0 || at[1] < 0 || at[1] > t->p.d_steps))
        status = lim_checkpoint_lost(t->checkpoint, err);
    if (status == LIM_OK) {
        t->iteration = at[0];
        t->phase = at[1];
        t->sum_d = sums[0];
        t->sum_g = sums[1];
        t->sum_real = sums[2];
        t->sum_fake = sums[3];
        t->n_d = (int)sums[4];
        t->n_g = (int)sums[5];
    }
    lim_st_free(f);
    return status;
}

/* ---- life
 * ---------------------------------------------------------------------------------------- */

static void
gan_free(LimTask *task)
{
    GanTrainer *t = (GanTrainer *)task;
    lim_step_plan_clear(&t->d_plan);
    lim_step_plan_clear(&t->g_plan);
    lim_optim_free(t->g_optim);
    lim_optim_free(t->d_optim);
    lim_store_free(t->g);
    lim_store_free(t->d);
    lim_store_free(t->ema);
    free(t->checkpoint);
    free(t->z);
    free(t->real);
    free(t->label);
    free(t->index);
    free(t);
}

static const LimTaskClass gan_class = {"train gan", gan_step, NULL, gan_free};

LimTask *
lim_gan_trainer_new(const LimGanTraining *p, const LimDataset *train, const char *checkpoint,
                    LimTrainLog log, const LimExec *exec, LimError *err)
{
    LimError local = LIM_ERROR_INIT;
    if (!err)
        err = &local;
    if (lim_params_check(lim_gan_training_schema, p, err) != LIM_OK ||
        lim_params_check(lim_biggan_schema, &p->model, err) != LIM_OK)
        return NULL;
    if (train->c != p->model.channels || train->classes != p->model.classes ||
        train->h > LIM_BIGGAN_SIZE || train->w > LIM_BIGGAN_SIZE) {
        lim_fail(err, LIM_E_PARAM,
                 "the data has %d channels, %d classes and %dx%d pixels; set --channels and "
                 "--classes to match, with at most 32x32 pixels",
                 train->c, train->classes, train->w, train->h);
        return NULL;
    }
    GanTrainer *t = lim_alloc(1, sizeof *t);
    t->base.klass = &gan_class;
    t->p = *p;
    t->data = train;
    t->log = log;
    t->momentum = 0.1f;
    t->checkpoint = checkpoint ? lim_strdup(checkpoint) : NULL;
    t->g = lim_store_new(p->seed);
    t->d = lim_store_new(p->seed + 1);
    const size_t n = (size_t)p->batch;
    t->z = lim_alloc(n * (size_t)p->model.latent, sizeof *t->z);
    t->real = lim_alloc(n * (size_t)p->model.channels * LIM_BIGGAN_SIZE * LIM_BIGGAN_SIZE,
                        sizeof *t->real);
    t->label = lim_alloc(2 * n, sizeof *t->label);
    t->index = lim_alloc(n + (size_t)train->n, sizeof *t->index);
    if (plan_d(t, exec, err) == LIM_OK && plan_g(t, exec, err) == LIM_OK) {
        t->g_optim = lim_step_plan_optim(&t->g_plan);
        t->d_optim = lim_step_plan_optim(&t->d_plan);
        t->ema = lim_store_dup(t->g);
        if (checkpoint && access(checkpoint, F_OK) == 0)
            resume(t, err);
    }
    if (err->code != LIM_OK) {
        gan_free(&t->base);
        return NULL;
    }
    return &t->base;
}

int64_t
lim_gan_trainer_iterations(const LimTask *t)
{
    return ((const GanTrainer *)t)->iteration;
}

LimStore *
lim_gan_trainer_generator(LimTask *t)
{
    return ((GanTrainer *)t)->g;
}

LimStore *
lim_gan_trainer_discriminator(LimTask *t)
{
    return ((GanTrainer *)t)->d;
}

LimStatus
lim_gan_standing_statistics(LimStore *generator, const LimBigganParams *p, int passes,
                            double threshold, uint64_t seed, const LimExec *exec, LimError *err)
{
    enum { BATCH = 64 };
    LimGraph *graph = lim_graph_new();
    LimBuild b;
    lim_build_init(&b, graph, generator, LIM_MODE_TRAIN);
    LimVal momentum = lim_graph_feed(graph, "momentum", LIM_F32, LIM_SHAPE1(1));
    b.bn_momentum = momentum;
    LimVal z = lim_graph_feed(graph, "z", LIM_F32, LIM_SHAPE2(BATCH, p->latent));
    LimVal label = lim_graph_feed(graph, "label", LIM_I32, LIM_SHAPE1(BATCH));
    lim_biggan_generator(&b, p, z, label, NULL);
    /* power iterations go on as well: more accurate norms, the same function */
    LimStepPlan s;
    LimStatus status = lim_step_plan_init(&s, &b, LIM_NOVAL, NULL, 0, exec, err);
    float *zs = lim_alloc((size_t)BATCH * (size_t)p->latent, sizeof *zs);
    int32_t *labels = lim_alloc(BATCH, sizeof *labels);
    for (int k = 0; k < passes && status == LIM_OK; k++) {
        const float m = 1.0f / (float)(k + 1); /* the plain average of all passes */
        const uint64_t values = (uint64_t)BATCH * (uint64_t)p->latent;
        float u;
        for (uint64_t i = 0; i < values; i++) {
            lim_rng_uniform(seed, lim_rng_stream(LIM_STREAM_LATENT, "standing", 0),
                            (uint64_t)k * values + i, &u, 1);
            const double low = lim_normal_cdf(-threshold);
            zs[i] = (float)lim_normal_quantile(low + ((double)u + 0x1p-25) * (1 - 2 * low));
        }
        for (int i = 0; i < BATCH; i++)
            labels[i] = (k * BATCH + i) % p->classes;
        lim_plan_bind(s.plan, momentum, &m);
        lim_plan_bind(s.plan, z, zs);
        lim_plan_bind(s.plan, label, labels);
        status = lim_plan_run(s.plan, exec, err);
        if (status == LIM_OK)
            lim_step_plan_update_buffers(&s);
    }
    lim_step_plan_clear(&s);
    free(zs);
    free(labels);
    return status;
}

LimStatus
lim_gan_trainer_save(LimTask *task, const char *path, const char *command, bool as_f16,
                     const LimExec *exec, LimError *err)
{
    GanTrainer *t = (GanTrainer *)task;
    LimStore *copy = lim_store_dup(t->ema);
    LimStatus status =
        lim_gan_standing_statistics(copy, &t->p.model, 100, 10, t->p.seed, exec, err);
    if (status == LIM_OK) {
        const char **names = lim_alloc((size_t)t->p.model.classes, sizeof *names);
        for (int i = 0; i < t->p.model.classes; i++)
            names[i] = t->data->class_names[i];
        json_t *made = lim_params_to_json(lim_gan_training_schema, &t->p);
        json_object_set_new(made, "iterations", json_integer(t->iteration));
        json_object_set_new(made, "data", json_string(t->data->name));
        json_object_set_new(made, "command", json_string(command));
        char *training = json_dumps(made, JSON_COMPACT | JSON_PRESERVE_ORDER);
        json_decref(made);
        LimModelInfo info = {.model = "biggan-generator",
                             .schema = lim_biggan_schema,
                             .params = &t->p.model,
                             .classes = t->p.model.classes,
                             .class_names = names,
                             .training = training};
        status = lim_modelfile_save(path, &info, copy, as_f16, err);
        free(training);
        free(names);
    }
    lim_store_free(copy);
    return status;
}
