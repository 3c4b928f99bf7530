/* The denoiser's trainer. */
#include "train/denoiser.h"

#include "base/rng.h"
#include "models/modelfile.h"
#include "train/checkpoint.h"
#include "train/network.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const losses[] = {"pgd", "fgd", "lgd", "cgd", NULL};

#define INT(...) LIM_PARAM_INT(LimDenoiserTraining, __VA_ARGS__)

const LimParamSpec lim_denoiser_training_schema[] = {
    {.name = "seed",
     .label = "Seed",
     .help = "Of initial weights, the order of pictures and mirror images.",
     .unit = "",
     .kind = LIM_SEED,
     .offset = offsetof(LimDenoiserTraining, seed),
     .def = 1},
    {.name = "loss",
     .label = "Guided by",
     .help = "What restored and clean picture should share: their pixels (pgd), the classifier's "
             "last feature map (fgd), its logits (lgd), or the right class (cgd).",
     .unit = "",
     .kind = LIM_CHOICE,
     .offset = offsetof(LimDenoiserTraining, loss),
     .choices = losses,
     .def = LIM_DENOISER_LGD},
    {.name = "classifier",
     .label = "Classifier",
     .help = "The classifier file that guides the training; it stays as it is.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(LimDenoiserTraining, classifier)},
    {.name = "classes",
     .label = "Classes",
     .help = "Train on pictures of these classes only, by number, as in 0-6. Empty: on all.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(LimDenoiserTraining, classes)},
    INT(epochs, "epochs", "Epochs", "Passes over the training set.", "passes", 1, 10000, 4),
    INT(batch, "batch", "Batch size", "Pairs per step.", "pairs", 2, 2048, 64),
    {.name = "lr",
     .label = "Learning rate",
     .help = "Of Adam at the beginning; a tenth after 60 % of the steps, a hundredth after 90 %.",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(LimDenoiserTraining, lr),
     .min = 0,
     .max = 10,
     .def = 2e-3},
    {.name = "flip",
     .label = "Random mirror images",
     .help = "Mirror pictures half of the time.",
     .unit = "",
     .kind = LIM_BOOL,
     .offset = offsetof(LimDenoiserTraining, flip),
     .max = 1,
     .def = 1},
    INT(checkpoint_every, "checkpoint-every", "Checkpoint every",
        "Steps between checkpoints; 0: only at the end.", "steps", 0, 1000000, 100),
    {0}};

#define SIZE       LIM_CLASSIFIER_SIZE
#define LOG_EVERY  20
#define MEASURED   1024
#define MEASURE_AT (UINT64_C(1) << 62) /* pairs of the test set begin there */

typedef struct Trainer {
    LimTask base;
    LimDenoiserTraining p;
    LimPairSource source;
    const LimDataset *train, *test;
    char *checkpoint;
    LimTrainLog log;
    LimPredictor *guide;
    LimStore *store;
    LimOptim *optim;
    LimStepPlan plan;
    LimVal loss;
    float *clean, *adversarial; /* [batch][c][32][32] */
    float momentum;
    int32_t *labels;
    uint32_t *picks; /* [n_picks] pictures of train to learn from */
    int n_picks;
    uint32_t *index, *order;
    int32_t step, steps, per_epoch, epoch_of_order;
    double sum_loss;
    int32_t n_loss;
} Trainer;

LimVal
lim_denoiser_loss(LimGraph *g, LimDenoiserLoss loss, LimPredictor *guide, LimVal restored,
                  LimVal clean, LimVal label)
{
    LimClassifierTaps got, want;
    LimVal a = restored, b = clean;
    if (loss != LIM_DENOISER_PGD)
        a = lim_predictor_build_taps(guide, g, restored, &got);
    if (loss == LIM_DENOISER_CGD)
        return lim_mean(g, lim_cross_entropy(g, a, label));
    if (loss != LIM_DENOISER_PGD)
        b = lim_predictor_build_taps(guide, g, clean, &want);
    if (loss == LIM_DENOISER_FGD) {
        a = got.map;
        b = want.map;
    }
    return lim_mean(g, lim_abs(g, lim_sub(g, a, b)));
}

static LimStatus
plan_step(Trainer *t, const LimExec *exec, LimError *err)
{
    const LimDenoiserTraining *p = &t->p;
    const LimShape shape = LIM_SHAPE4(p->batch, p->model.channels, SIZE, SIZE);
    LimGraph *g = lim_graph_new();
    LimBuild b;
    lim_build_init(&b, g, t->store, LIM_MODE_TRAIN);
    LimVal momentum = lim_graph_feed(g, "bn momentum", LIM_F32, LIM_SHAPE1(1));
    b.bn_momentum = momentum;
    LimVal adversarial = lim_graph_feed(g, "adversarial", LIM_F32, shape), clean = LIM_NOVAL;
    LimVal label = LIM_NOVAL;
    if (p->loss == LIM_DENOISER_CGD)
        label = lim_graph_feed(g, "label", LIM_I32, LIM_SHAPE1(p->batch));
    else
        clean = lim_graph_feed(g, "clean", LIM_F32, shape);
    LimVal restored = lim_denoiser_network(&b, &p->model, adversarial);
    t->loss = LIM_NOVAL;
    if (lim_val_ok(restored))
        t->loss = lim_denoiser_loss(g, (LimDenoiserLoss)p->loss, t->guide, restored, clean, label);
    LimStatus status = lim_step_plan_init(&t->plan, &b, t->loss, &t->loss, 1, exec, err);
    if (status == LIM_OK) {
        lim_plan_bind(t->plan.plan, momentum, &t->momentum);
        lim_plan_bind(t->plan.plan, adversarial, t->adversarial);
        if (lim_val_ok(clean))
            lim_plan_bind(t->plan.plan, clean, t->clean);
        if (lim_val_ok(label))
            lim_plan_bind(t->plan.plan, label, t->labels);
    }
    return status;
}

static void
mirror(float *x, int rows)
{
    for (int r = 0; r < rows; r++, x += SIZE)
        for (int i = 0; i < SIZE / 2; i++) {
            const float keep = x[i];
            x[i] = x[SIZE - 1 - i];
            x[SIZE - 1 - i] = keep;
        }
}

static void
draw_clean(Trainer *t)
{
    const LimDenoiserTraining *p = &t->p;
    const int epoch = t->step / t->per_epoch, rows = p->model.channels * SIZE;
    if (t->epoch_of_order != epoch) {
        lim_rng_permutation(p->seed, lim_rng_stream(LIM_STREAM_SHUFFLE, "epoch", (uint64_t)epoch),
                            t->order, (uint32_t)t->n_picks);
        t->epoch_of_order = epoch;
    }
    const int first = t->step % t->per_epoch * p->batch;
    for (int i = 0; i < p->batch; i++)
        t->index[i] = t->picks[t->order[(first + i) % t->n_picks]];
    lim_dataset_batch(t->train, t->index, p->batch, SIZE, t->clean, t->labels);
    for (int i = 0; p->flip && i < p->batch; i++)
        if (lim_rng_below(p->seed, LIM_STREAM_AUGMENT,
                          (uint64_t)t->step * (uint64_t)p->batch + (uint64_t)i, 2))
            mirror(t->clean + (size_t)i * (size_t)rows * SIZE, rows);
}

static double
rate(const Trainer *t)
{
    const double done = (double)t->step / t->steps;
    return t->p.lr * (done < 0.6 ? 1 : done < 0.9 ? 0.1 : 0.01);
}

static LimStep
trainer_step(LimTask *task, const LimExec *exec, LimProgress *progress, LimError *err)
{
    Trainer *t = (Trainer *)task;
    if (t->step >= t->steps)
        return LIM_STEP_DONE;
    draw_clean(t);
    if (t->source.fill(t->source.ctx, exec, t->clean, t->labels, t->p.batch,
                       (uint64_t)t->step * (uint64_t)t->p.batch, t->adversarial, err) != LIM_OK)
        return LIM_STEP_FAILED;
    LimOptimParams o = {
        .kind = LIM_OPTIM_ADAM, .lr = rate(t), .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
    if (lim_step_plan_run(&t->plan, t->optim, &o, exec, err) != LIM_OK)
        return LIM_STEP_FAILED;
    t->sum_loss += (double)*lim_plan_f32(t->plan.plan, t->loss);
    t->n_loss++;
    t->step++;
    if (!isfinite(t->sum_loss)) {
        lim_fail(err, LIM_E_NUMERIC,
                 "the loss is no longer a number at step %d; lower the learning rate", t->step);
        return LIM_STEP_FAILED;
    }
    if (progress) {
        progress->fraction = (double)t->step / t->steps;
        snprintf(progress->text, sizeof progress->text, "step %d of %d, epoch %d, loss %.4f",
                 t->step, t->steps, t->step / t->per_epoch, t->sum_loss / t->n_loss);
    }
    const bool done = t->step == t->steps;
    if (t->step % LOG_EVERY == 0 || done) {
        char line[160];
        snprintf(line, sizeof line, "{\"step\": %d, \"loss\": %.6g, \"lr\": %.6g}", t->step,
                 t->sum_loss / t->n_loss, o.lr);
        t->log.line(t->log.ctx, line);
        t->sum_loss = 0;
        t->n_loss = 0;
    }
    const bool due = t->p.checkpoint_every && t->step % t->p.checkpoint_every == 0;
    if (t->checkpoint && (due || done) && lim_denoiser_trainer_checkpoint(task, err) != LIM_OK)
        return LIM_STEP_FAILED;
    return done ? LIM_STEP_DONE : LIM_STEP_MORE;
}

/* ---- checkpoints ------------------------------------------------------------------------------
 */

static void
guide_name(const Trainer *t, char out[LIM_TEXT_MAX])
{
    snprintf(out, LIM_TEXT_MAX, "%016" PRIx64, lim_predictor_hash(t->guide));
}

/* What must not differ between the run that wrote a checkpoint and the one that resumes; the
 * classifier counts by its weights, wherever its file is. */
static LimCheckpoint
identity(const Trainer *t, LimDenoiserTraining *same)
{
    *same = t->p;
    same->checkpoint_every = 0;
    guide_name(t, same->classifier);
    return (LimCheckpoint){.kind = "denoiser",
                           .training = "a denoiser training",
                           .schema = lim_denoiser_training_schema,
                           .params = same,
                           .model_schema = lim_denoiser_schema,
                           .model = &same->model};
}

LimStatus
lim_denoiser_trainer_checkpoint(LimTask *task, LimError *err)
{
    Trainer *t = (Trainer *)task;
    LimDenoiserTraining same;
    const LimCheckpoint c = identity(t, &same);
    LimStWriter *w = lim_checkpoint_writer(&c);
    lim_store_write(t->store, w, "net.", false);
    lim_optim_write(t->optim, w, "optim.");
    const int32_t at[2] = {t->step, t->n_loss};
    int32_t pairs[2];
    memcpy(pairs, &t->source.identity, sizeof pairs);
    lim_st_writer_add(w, "position", LIM_I32, LIM_SHAPE1(2), at, false);
    lim_st_writer_add(w, "pairs", LIM_I32, LIM_SHAPE1(2), pairs, false);
    lim_st_writer_add(w, "log_sums", LIM_F64, LIM_SHAPE1(1), &t->sum_loss, false);
    return lim_st_writer_finish(w, t->checkpoint, err);
}

static LimStatus
resume(Trainer *t, LimError *err)
{
    LimDenoiserTraining same;
    const LimCheckpoint c = identity(t, &same);
    LimStFile *f = lim_checkpoint_open(&c, t->checkpoint, err);
    if (!f)
        return err ? err->code : LIM_E_FORMAT;
    int32_t at[2], pairs[2];
    double sum;
    LimStatus status = lim_store_read(t->store, f, "net.", err);
    if (status == LIM_OK)
        status = lim_optim_read(t->optim, f, "optim.", err);
    if (status == LIM_OK)
        status = lim_checkpoint_numbers(f, t->checkpoint, "position", LIM_I32, 2, at, err);
    if (status == LIM_OK)
        status = lim_checkpoint_numbers(f, t->checkpoint, "pairs", LIM_I32, 2, pairs, err);
    if (status == LIM_OK)
        status = lim_checkpoint_numbers(f, t->checkpoint, "log_sums", LIM_F64, 1, &sum, err);
    if (status == LIM_OK && memcmp(pairs, &t->source.identity, sizeof pairs) != 0)
        status = lim_fail(err, LIM_E_PARAM,
                          "%s belongs to a training on other adversarial pictures; give the same "
                          "classifiers and settings of the attacks, or another checkpoint",
                          t->checkpoint);
    if (status == LIM_OK && (at[0] < 0 || at[0] > t->steps))
        status = lim_checkpoint_lost(t->checkpoint, err);
    if (status == LIM_OK) {
        t->step = at[0];
        t->n_loss = at[1];
        t->sum_loss = sum;
    }
    lim_st_free(f);
    return status;
}

/* ---- life -------------------------------------------------------------------------------------
 */

static void
trainer_free(LimTask *task)
{
    Trainer *t = (Trainer *)task;
    lim_step_plan_clear(&t->plan);
    lim_optim_free(t->optim);
    lim_store_free(t->store);
    lim_predictor_free(t->guide);
    free(t->checkpoint);
    free(t->clean);
    free(t->adversarial);
    free(t->labels);
    free(t->picks);
    free(t->index);
    free(t->order);
    free(t);
}

static const LimTaskClass trainer_class = {"train denoiser", trainer_step, NULL, trainer_free};

static LimStatus
open_guide(Trainer *t, LimError *err)
{
    if (!*t->p.classifier)
        return lim_fail(err, LIM_E_PARAM,
                        "no classifier guides the training; give one with --classifier");
    t->guide = lim_predictor_load(t->p.classifier, err);
    if (!t->guide)
        return err ? err->code : LIM_E_FORMAT;
    const int channels = lim_predictor_image_shape(t->guide).d[0];
    if (channels != t->p.model.channels || lim_predictor_classes(t->guide) != t->train->classes)
        return lim_fail(err, LIM_E_PARAM,
                        "the classifier %s knows %d classes of pictures of %d channels, the data "
                        "has %d of %d; choose one that was trained on this data",
                        t->p.classifier, lim_predictor_classes(t->guide), channels,
                        t->train->classes, t->p.model.channels);
    return LIM_OK;
}

LimTask *
lim_denoiser_trainer_new(const LimDenoiserTraining *p, const LimPairSource *source,
                         const LimDataset *train, const LimDataset *test, const char *checkpoint,
                         LimTrainLog log, const LimExec *exec, LimError *err)
{
    LimError local = LIM_ERROR_INIT;
    if (!err)
        err = &local;
    if (lim_params_check(lim_denoiser_training_schema, p, err) != LIM_OK ||
        lim_params_check(lim_denoiser_schema, &p->model, err) != LIM_OK)
        return NULL;
    int n_picks;
    uint32_t *picks = lim_dataset_of_classes(train, p->classes, &n_picks, err);
    if (!picks)
        return NULL;
    if (train->c != p->model.channels || train->h > SIZE || train->w > SIZE || n_picks < p->batch) {
        lim_fail(err, LIM_E_PARAM,
                 "the data has %d pictures of %d channels and %dx%d pixels; set --channels and "
                 "--batch to match, with at most 32x32 pixels",
                 n_picks, train->c, train->w, train->h);
        free(picks);
        return NULL;
    }
    Trainer *t = lim_alloc(1, sizeof *t);
    t->base.klass = &trainer_class;
    t->p = *p;
    t->source = *source;
    t->train = train;
    t->test = test;
    t->log = log;
    t->momentum = 0.1f;
    t->checkpoint = checkpoint ? lim_strdup(checkpoint) : NULL;
    t->store = lim_store_new(p->seed);
    t->picks = picks;
    t->n_picks = n_picks;
    t->per_epoch = n_picks / p->batch;
    t->steps = t->per_epoch * p->epochs;
    t->epoch_of_order = -1;
    const size_t n = (size_t)p->batch, image = (size_t)p->model.channels * SIZE * SIZE;
    t->clean = lim_alloc(n * image, sizeof *t->clean);
    t->adversarial = lim_alloc(n * image, sizeof *t->adversarial);
    t->labels = lim_alloc(n, sizeof *t->labels);
    t->index = lim_alloc(n, sizeof *t->index);
    t->order = lim_alloc((size_t)n_picks, sizeof *t->order);
    if (open_guide(t, err) == LIM_OK && plan_step(t, exec, err) == LIM_OK) {
        t->optim = lim_step_plan_optim(&t->plan);
        if (checkpoint && access(checkpoint, F_OK) == 0)
            resume(t, err);
    }
    if (err->code != LIM_OK) {
        trainer_free(&t->base);
        return NULL;
    }
    return &t->base;
}

/* ---- results ----------------------------------------------------------------------------------
 */

static int
count_right(const float *logits, const int32_t *label, int n, int classes)
{
    int right = 0;
    for (int i = 0; i < n; i++, logits += classes) {
        int best = 0;
        for (int k = 1; k < classes; k++)
            if (logits[k] > logits[best])
                best = k;
        right += best == label[i];
    }
    return right;
}

static double
sum_distance(const float *x, const float *y, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += fabs((double)x[i] - (double)y[i]);
    return sum / 2; /* of [-1,1] to [0,1] */
}

LimStatus
lim_denoiser_trainer_measure(LimTask *task, const LimExec *exec, LimDenoiserMeasure *m,
                             LimError *err)
{
    Trainer *t = (Trainer *)task;
    enum { BATCH = 64, KINDS = 4 };
    const int total = t->test->n < MEASURED ? t->test->n : MEASURED;
    const int classes = lim_predictor_classes(t->guide);
    const size_t image = (size_t)t->p.model.channels * SIZE * SIZE;
    LimDenoiser *d = lim_denoiser_new(&t->p.model, t->store);
    float *x[KINDS]; /* clean, adversarial, both denoised */
    for (int k = 0; k < KINDS; k++)
        x[k] = lim_alloc(BATCH * image, sizeof *x[k]);
    float *logits = lim_alloc((size_t)BATCH * (size_t)classes, sizeof *logits);
    int32_t labels[BATCH];
    uint32_t index[BATCH];
    int right[KINDS] = {0};
    double distance[2] = {0};
    LimStatus status = LIM_OK;
    for (int done = 0; done < total && status == LIM_OK; done += BATCH) {
        const int n = total - done < BATCH ? total - done : BATCH;
        for (int i = 0; i < n; i++)
            index[i] = (uint32_t)(done + i);
        lim_dataset_batch(t->test, index, n, SIZE, x[0], labels);
        status = t->source.fill(t->source.ctx, exec, x[0], labels, n, MEASURE_AT + (uint64_t)done,
                                x[1], err);
        for (int k = 0; k < 2 && status == LIM_OK; k++)
            status = lim_denoiser_run(d, exec, x[k], n, SIZE, SIZE, x[2 + k], err);
        for (int k = 0; k < KINDS && status == LIM_OK; k++) {
            status = lim_predictor_run(t->guide, exec, x[k], n, logits, NULL, err);
            right[k] += count_right(logits, labels, n, classes);
        }
        distance[0] += sum_distance(x[1], x[0], (size_t)n * image);
        distance[1] += sum_distance(x[3], x[0], (size_t)n * image);
    }
    *m = (LimDenoiserMeasure){.pictures = total,
                              .clean = (double)right[0] / total,
                              .adversarial = (double)right[1] / total,
                              .clean_denoised = (double)right[2] / total,
                              .adversarial_denoised = (double)right[3] / total,
                              .distance = distance[0] / ((double)total * (double)image),
                              .distance_denoised = distance[1] / ((double)total * (double)image)};
    free(logits);
    for (int k = 0; k < KINDS; k++)
        free(x[k]);
    lim_denoiser_free(d);
    return status;
}

LimStatus
lim_denoiser_trainer_save(LimTask *task, const char *path, const char *command, const LimExec *exec,
                          LimError *err)
{
    Trainer *t = (Trainer *)task;
    LimDenoiserMeasure m;
    LimStatus status = lim_denoiser_trainer_measure(task, exec, &m, err);
    if (status != LIM_OK)
        return status;
    char hash[LIM_TEXT_MAX];
    guide_name(t, hash);
    const char *slash = strrchr(t->p.classifier, '/');
    json_t *made = lim_params_to_json(lim_denoiser_training_schema, &t->p);
    json_object_set_new(made, "classifier", json_string(slash ? slash + 1 : t->p.classifier));
    json_object_set_new(made, "classifier_hash", json_string(hash));
    json_object_set_new(made, "pairs", json_loads(t->source.description, 0, NULL));
    json_object_set_new(made, "steps", json_integer(t->step));
    json_object_set_new(made, "test_pictures", json_integer(m.pictures));
    json_object_set_new(made, "accuracy_clean", json_real(m.clean));
    json_object_set_new(made, "accuracy_adversarial", json_real(m.adversarial));
    json_object_set_new(made, "accuracy_clean_denoised", json_real(m.clean_denoised));
    json_object_set_new(made, "accuracy_adversarial_denoised", json_real(m.adversarial_denoised));
    json_object_set_new(made, "distance", json_real(m.distance));
    json_object_set_new(made, "distance_denoised", json_real(m.distance_denoised));
    return lim_train_save(path,
                          &(LimTrained){.model = "denoiser",
                                        .schema = lim_denoiser_schema,
                                        .params = &t->p.model,
                                        .data = t->train,
                                        .made = made,
                                        .command = command},
                          t->store, true, err);
}

int64_t
lim_denoiser_trainer_steps(const LimTask *t)
{
    return ((const Trainer *)t)->step;
}

LimStore *
lim_denoiser_trainer_store(LimTask *t)
{
    return ((Trainer *)t)->store;
}
