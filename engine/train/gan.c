/* The GAN trainer's settings and its steps.
 *
 * Every random choice is a function of (seed, use, iteration, sub-step), so the state between steps
 * is the stores, the optimisers and two counters. */
#include "base/rng.h"
#include "train/batches.h"
#include "train/gan-private.h"
#include "train/ortho.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INT(...) LIM_PARAM_INT(LimGanTraining, __VA_ARGS__)
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
    INT(accumulate, "accumulate", "Accumulated batches",
        "Batches whose mean gradient makes one step of either network: as one batch that many "
        "times "
        "as large (except for batch norm, which sees each by itself), in the memory of one.",
        "batches", 1, 1024, 1),
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
    INT(ema_start, "ema-start", "EMA start",
        "Iterations before which the average is a copy of the generator.", "steps", 0, 10000000, 0),
    REAL(
        ortho, "ortho", "Orthogonal regularisation",
        "Beta of the penalty on the off-diagonal of W W^T for the generator's weights, which makes "
        "truncation work better; 1e-4 in BigGAN. 0: none.",
        0, 1, 0),
    REAL(r1, "r1", "R1 penalty",
         "Gamma of the penalty on the slope of the discriminator at real pictures: steadier, and "
         "less sharp. 0: none.",
         0, 10000, 0),
    REAL(clamp, "sv-clamp", "Largest singular value",
         "Lower the largest singular value of each of the generator's weights to this after every "
         "step; 0: leave them.",
         0, 1000000, 0),
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
    {.name = "held-out",
     .label = "Score held-out pictures",
     .help =
         "Log how the discriminator scores pictures of the test split, which it was not trained "
         "on.",
     .unit = "",
     .kind = LIM_BOOL,
     .offset = offsetof(LimGanTraining, held_out),
     .max = 1,
     .def = 0},
    INT(spectra_every, "spectra-every", "Singular values every",
        "Iterations between lines of the log with the three largest singular values of every "
        "weight; 0: never.",
        "steps", 0, 1000000, 0),
    {.name = "stop-on-collapse",
     .label = "Stop on collapse",
     .help = "Stop when the discriminator has won or samples have become alike for a while; the "
             "last good checkpoint is kept.",
     .unit = "",
     .kind = LIM_BOOL,
     .offset = offsetof(LimGanTraining, stop_on_collapse),
     .max = 1,
     .def = 1},
    INT(standing_passes, "standing-passes", "Standing passes",
        "Batches of 64 samples over which the saved generator's batch norm statistics are taken.",
        "batches", 1, 10000, 100),
    REAL(standing_threshold, "standing-threshold", "Standing threshold",
         "Truncation threshold of those samples, for a generator that will be used under it; 0: "
         "untruncated.",
         0, 10, 0),
    {0}};

/* ---- one sub-step ------------------------------------------------------------------------------
 */

/* The number of the batch at hand among those of one kind, of which every iteration has `steps`. */
static uint64_t
batch_number(const GanTrainer *t, int steps)
{
    const uint64_t step = (uint64_t)t->iteration * (uint64_t)steps + (uint64_t)t->phase;
    return step * (uint64_t)t->p.accumulate + (uint64_t)t->part;
}

/* Latents and fake labels: the G step comes after d_steps D steps. */
static void
draw_latents(GanTrainer *t)
{
    const LimGanTraining *p = &t->p;
    const uint64_t number = batch_number(t, p->d_steps + 1);
    const uint64_t values = (uint64_t)p->batch * (uint64_t)p->model.latent;
    lim_rng_normal(p->seed, LIM_STREAM_LATENT, number * values, t->z, values);
    for (int i = 0; i < p->batch; i++)
        t->label[i] = (int32_t)lim_rng_below(p->seed, LIM_STREAM_LABEL,
                                             number * (uint64_t)p->batch + (uint64_t)i,
                                             (uint32_t)p->model.classes);
}

/* The next `batch` pictures of the shuffled data; every epoch has its own order. */
static void
draw_real(GanTrainer *t)
{
    const LimGanTraining *p = &t->p;
    const uint64_t n = (uint64_t)t->data->n;
    const uint64_t first = batch_number(t, p->d_steps) * (uint64_t)p->batch;
    const size_t picture = (size_t)p->model.channels * LIM_BIGGAN_SIZE * LIM_BIGGAN_SIZE;
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
    for (int i = 0; p->flip && i < p->batch; i++)
        if (lim_rng_u64(p->seed, LIM_STREAM_AUGMENT, first + (uint64_t)i) & 1)
            lim_mirror(t->real + (size_t)i * picture, p->model.channels * LIM_BIGGAN_SIZE,
                       LIM_BIGGAN_SIZE);
}

static double
rate(const GanTrainer *t, double lr)
{
    const double done = (double)t->iteration / t->p.iterations, from = t->p.lr_decay_from;
    return done <= from || from >= 1 ? lr : lr * (1 - done) / (1 - from);
}

/* Of the average; a young one forgets faster: (1 + k) / (10 + k). */
static double
decay(const GanTrainer *t)
{
    const double young = (1.0 + t->iteration) / (10.0 + t->iteration);
    if (t->iteration <= t->p.ema_start)
        return 0;
    return young < t->p.ema_decay ? young : t->p.ema_decay;
}

/* Convolutions and linear layers of the generator; no embedding of classes, no vector. */
static bool
regularised(const char *name, LimShape s)
{
    return s.nd >= 2 && strncmp(name, "shared.", 7) != 0 && !strstr(name, "class_");
}

static void
regularise(GanTrainer *t, const LimExec *exec)
{
    const LimStepPlan *s = &t->g_plan;
    for (int i = 0; i < s->n; i++) {
        const LimShape shape = lim_store_shape(t->g, s->entry[i]);
        if (regularised(lim_store_name(t->g, s->entry[i]), shape))
            lim_orthogonal_gradient(lim_store_data(t->g, s->entry[i]), shape.d[0],
                                    (int)(lim_shape_size(shape) / shape.d[0]), t->p.ortho,
                                    s->sum[i], t->gram, exec);
    }
}

/* Runs the plan, and with the last batch of a step updates the network. */
static LimStatus
update(GanTrainer *t, LimStepPlan *plan, LimOptim *optim, const LimOptimParams *o,
       const LimExec *exec, bool *stepped, LimError *err)
{
    *stepped = true;
    if (!plan->sum)
        return lim_step_plan_run(plan, optim, o, exec, err);
    LimStatus status = lim_step_plan_add(plan, 1.0 / t->p.accumulate, exec, err);
    if (status != LIM_OK)
        return status;
    *stepped = ++t->part == t->p.accumulate;
    if (*stepped) {
        t->part = 0;
        if (t->gram && plan == &t->g_plan)
            regularise(t, exec);
        lim_step_plan_finish(plan, optim, o, exec);
    }
    return LIM_OK;
}

static LimStatus
check_finite(const GanTrainer *t, double value, LimError *err)
{
    return isfinite(value) ? LIM_OK : gan_collapsed(t, "a score is no longer a number", err);
}

static LimOptimParams
adam(const GanTrainer *t, double lr)
{
    return (LimOptimParams){.kind = LIM_OPTIM_ADAM,
                            .lr = rate(t, lr),
                            .beta1 = t->p.beta1,
                            .beta2 = t->p.beta2,
                            .eps = t->p.adam_eps};
}

static LimStep
d_step(GanTrainer *t, const LimExec *exec, LimError *err)
{
    const LimOptimParams o = adam(t, t->p.d_lr);
    bool stepped;
    draw_latents(t);
    draw_real(t);
    if (update(t, &t->d_plan, t->d_optim, &o, exec, &stepped, err) != LIM_OK)
        return LIM_STEP_FAILED;
    const double loss = (double)*lim_plan_f32(t->d_plan.plan, t->d_loss);
    const double score_real = (double)*lim_plan_f32(t->d_plan.plan, t->d_score_real);
    const double score_fake = (double)*lim_plan_f32(t->d_plan.plan, t->d_score_fake);
    /* the hinge hides a score that is not a number */
    if (check_finite(t, loss + score_real + score_fake, err) != LIM_OK)
        return LIM_STEP_FAILED;
    t->sum_d += loss;
    t->sum_real += score_real;
    t->sum_fake += score_fake;
    if (lim_val_ok(t->d_r1))
        t->sum_r1 += (double)*lim_plan_f32(t->d_plan.plan, t->d_r1);
    t->n_d++;
    gan_watch_d(t);
    t->phase += stepped;
    return LIM_STEP_MORE;
}

static void
tell(const GanTrainer *t, LimProgress *progress)
{
    if (!progress)
        return;
    progress->fraction = (double)t->iteration / t->p.iterations;
    snprintf(progress->text, sizeof progress->text, "iteration %d of %d, D loss %.3f, G loss %.3f",
             t->iteration, t->p.iterations, t->n_d ? t->sum_d / t->n_d : 0, t->sum_g / t->n_g);
}

/* Also ends the iteration. */
static LimStep
g_step(GanTrainer *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    const LimGanTraining *p = &t->p;
    const LimOptimParams o = adam(t, p->g_lr);
    bool stepped;
    draw_latents(t);
    if (update(t, &t->g_plan, t->g_optim, &o, exec, &stepped, err) != LIM_OK)
        return LIM_STEP_FAILED;
    const double loss = (double)*lim_plan_f32(t->g_plan.plan, t->g_loss);
    if (check_finite(t, loss, err) != LIM_OK)
        return LIM_STEP_FAILED;
    t->sum_g += loss;
    t->n_g++;
    if (!stepped)
        return LIM_STEP_MORE;
    if (p->clamp > 0)
        lim_spectra_clamp(t->g_spectra, p->clamp, exec);
    t->iteration++;
    t->phase = 0;
    lim_store_average(t->ema, t->g, decay(t));
    tell(t, progress);
    if (gan_watch_iteration(t, exec, err) != LIM_OK)
        return LIM_STEP_FAILED;
    const bool done = t->iteration == p->iterations;
    const bool due = t->iteration % p->checkpoint_every == 0 && !t->watch.symptom;
    if (t->checkpoint && (done || due) && lim_gan_trainer_checkpoint(&t->base, err) != LIM_OK)
        return LIM_STEP_FAILED;
    return done ? LIM_STEP_DONE : LIM_STEP_MORE;
}

static LimStep
gan_step(LimTask *task, const LimExec *exec, LimProgress *progress, LimError *err)
{
    GanTrainer *t = (GanTrainer *)task;
    if (t->iteration >= t->p.iterations)
        return LIM_STEP_DONE;
    return t->phase < t->p.d_steps ? d_step(t, exec, err) : g_step(t, exec, progress, err);
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
    gan_watch_clear(t);
    free(t->checkpoint);
    free(t->z);
    free(t->real);
    free(t->label);
    free(t->index);
    free(t->gram);
    free(t);
}

static const LimTaskClass gan_class = {"train gan", gan_step, NULL, gan_free};

/* Memory for gradients, where they are more than what one run of a plan leaves. */
static void
gather(GanTrainer *t)
{
    size_t rows = 0;
    if (t->p.accumulate > 1)
        lim_step_plan_gather(&t->d_plan);
    if (t->p.accumulate > 1 || t->p.ortho > 0)
        lim_step_plan_gather(&t->g_plan);
    for (int i = 0; t->p.ortho > 0 && i < t->g_plan.n; i++) {
        const size_t out = (size_t)lim_store_shape(t->g, t->g_plan.entry[i]).d[0];
        rows = out > rows ? out : rows;
    }
    if (rows)
        t->gram = lim_alloc(rows * rows, sizeof *t->gram);
}

LimTask *
lim_gan_trainer_new(const LimGanTraining *p, const LimDataset *train, const LimDataset *held_out,
                    const char *checkpoint, LimTrainLog log, const LimExec *exec, LimError *err)
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
    if (p->held_out && !held_out) {
        lim_fail(err, LIM_E_PARAM, "held-out pictures are to be scored, but there are none");
        return NULL;
    }
    GanTrainer *t = lim_alloc(1, sizeof *t);
    t->base.klass = &gan_class;
    t->p = *p;
    t->data = train;
    t->watch.held_out = p->held_out ? held_out : NULL;
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
    if (gan_plan_d(t, exec, err) == LIM_OK && gan_plan_g(t, exec, err) == LIM_OK) {
        t->g_optim = lim_step_plan_optim(&t->g_plan);
        t->d_optim = lim_step_plan_optim(&t->d_plan);
        t->ema = lim_store_dup(t->g);
        gather(t);
        if (gan_watch_init(t, exec, err) == LIM_OK && checkpoint && access(checkpoint, F_OK) == 0)
            gan_resume(t, err);
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
