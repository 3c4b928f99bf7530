/* The denoiser's trainer. */
#include "train/denoiser.h"

#include "base/rng.h"
#include "models/modelfile.h"
#include "train/batches.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
#define MEASURED   1024
#define MEASURE_AT (UINT64_C(1) << 62) /* pairs of the test set begin there */

typedef struct Trainer {
    LimSupervised base;
    LimDenoiserTraining p, same; /* same: without what a resumed training may change */
    LimPairSource source;
    int32_t pairs[2]; /* its identity */
    const LimDataset *test;
    LimBatches batches; /* clean */
    LimPredictor *guide;
    float *adversarial; /* [batch][c][32][32] */
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
    lim_build_init(&b, g, t->base.store, LIM_MODE_TRAIN);
    LimVal momentum = lim_graph_feed(g, "bn momentum", LIM_F32, LIM_SHAPE1(1));
    b.bn_momentum = momentum;
    LimVal adversarial = lim_graph_feed(g, "adversarial", LIM_F32, shape), clean = LIM_NOVAL;
    LimVal label = LIM_NOVAL;
    if (p->loss == LIM_DENOISER_CGD)
        label = lim_graph_feed(g, "label", LIM_I32, LIM_SHAPE1(p->batch));
    else
        clean = lim_graph_feed(g, "clean", LIM_F32, shape);
    LimVal restored = lim_denoiser_network(&b, &p->model, adversarial);
    LimVal loss = LIM_NOVAL;
    if (lim_val_ok(restored))
        loss = lim_denoiser_loss(g, (LimDenoiserLoss)p->loss, t->guide, restored, clean, label);
    LimStatus status = lim_step_plan_init(&t->base.plan, &b, loss, &loss, 1, exec, err);
    if (status == LIM_OK) {
        LimPlan *plan = t->base.plan.plan;
        t->base.losses = t->base.sums = 1;
        t->base.loss[0] = loss;
        t->base.loss_name[0] = "loss";
        lim_plan_bind(plan, momentum, &t->base.momentum);
        lim_plan_bind(plan, adversarial, t->adversarial);
        if (lim_val_ok(clean))
            lim_plan_bind(plan, clean, t->batches.pictures);
        if (lim_val_ok(label))
            lim_plan_bind(plan, label, t->batches.labels);
    }
    return status;
}

static LimStatus
fill(LimSupervised *s, const LimExec *exec, LimError *err)
{
    Trainer *t = (Trainer *)s;
    LimBatches *b = &t->batches;
    const int rows = t->p.model.channels * SIZE;
    lim_batches_draw(b, s->step);
    for (int i = 0; t->p.flip && i < b->batch; i++)
        if (lim_rng_below(t->p.seed, LIM_STREAM_AUGMENT, lim_batches_number(b, s->step, i), 2))
            lim_mirror(b->pictures + (size_t)i * (size_t)rows * SIZE, rows, SIZE);
    return t->source.fill(t->source.ctx, exec, b->pictures, b->labels, b->batch,
                          lim_batches_number(b, s->step, 0), t->adversarial, err);
}

static LimOptimParams
rule(const LimSupervised *s)
{
    const Trainer *t = (const Trainer *)s;
    const double done = (double)s->step / s->steps;
    return (LimOptimParams){.kind = LIM_OPTIM_ADAM,
                            .lr = t->p.lr * (done < 0.6   ? 1
                                             : done < 0.9 ? 0.1
                                                          : 0.01),
                            .beta1 = 0.9,
                            .beta2 = 0.999,
                            .eps = 1e-8};
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
static void
identify(Trainer *t)
{
    t->same = t->p;
    t->same.checkpoint_every = 0;
    guide_name(t, t->same.classifier);
    t->base.identity = (LimCheckpoint){.kind = "denoiser",
                                       .training = "a denoiser training",
                                       .schema = lim_denoiser_training_schema,
                                       .params = &t->same,
                                       .model_schema = lim_denoiser_schema,
                                       .model = &t->same.model};
}

/* The adversarial pictures, by what they depend on. */
static void
write_pairs(const LimSupervised *s, LimStWriter *w)
{
    lim_st_writer_add(w, "pairs", LIM_I32, LIM_SHAPE1(2), ((const Trainer *)s)->pairs, false);
}

static LimStatus
read_pairs(LimSupervised *s, const LimStFile *f, LimError *err)
{
    int32_t pairs[2];
    const LimStatus status =
        lim_checkpoint_numbers(f, s->checkpoint, "pairs", LIM_I32, 2, pairs, err);
    if (status == LIM_OK && memcmp(pairs, ((Trainer *)s)->pairs, sizeof pairs) != 0)
        return lim_fail(err, LIM_E_PARAM,
                        "%s belongs to a training on other adversarial pictures; give the same "
                        "classifiers and settings of the attacks, or another checkpoint",
                        s->checkpoint);
    return status;
}

/* ---- life -------------------------------------------------------------------------------------
 */

static void
trainer_free(LimTask *task)
{
    Trainer *t = (Trainer *)task;
    lim_supervised_clear(&t->base);
    lim_batches_clear(&t->batches);
    lim_predictor_free(t->guide);
    free(t->adversarial);
    free(t);
}

static const LimSupervisedClass trainer_class = {.task = {"train denoiser", lim_supervised_step,
                                                          NULL, trainer_free},
                                                 .fill = fill,
                                                 .rule = rule,
                                                 .write = write_pairs,
                                                 .read = read_pairs};

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
    if (channels != t->p.model.channels ||
        lim_predictor_classes(t->guide) != t->batches.data->classes)
        return lim_fail(err, LIM_E_PARAM,
                        "the classifier %s knows %d classes of pictures of %d channels, the data "
                        "has %d of %d; choose one that was trained on this data",
                        t->p.classifier, lim_predictor_classes(t->guide), channels,
                        t->batches.data->classes, t->p.model.channels);
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
    lim_supervised_init(&t->base, &trainer_class, p->seed, checkpoint, log);
    lim_batches_init(&t->batches, train, picks, n_picks, p->batch, SIZE, p->seed);
    t->p = *p;
    t->source = *source;
    memcpy(t->pairs, &source->identity, sizeof t->pairs);
    t->test = test;
    t->base.batch = p->batch;
    t->base.per_epoch = t->batches.per_pass;
    t->base.steps = t->batches.per_pass * p->epochs;
    t->base.checkpoint_every = p->checkpoint_every;
    t->adversarial = lim_alloc((size_t)p->batch * (size_t)p->model.channels * SIZE * SIZE,
                               sizeof *t->adversarial);
    if (open_guide(t, err) == LIM_OK && plan_step(t, exec, err) == LIM_OK) {
        identify(t);
        lim_supervised_begin(&t->base, err);
    }
    if (err->code != LIM_OK) {
        trainer_free(&t->base.base);
        return NULL;
    }
    return &t->base.base;
}

/* ---- results ----------------------------------------------------------------------------------
 */

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
    LimDenoiser *d = lim_denoiser_new(&t->p.model, t->base.store);
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
            right[k] += lim_count_right(logits, labels, n, classes);
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
    json_object_set_new(made, "steps", json_integer(t->base.step));
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
                                        .data = t->batches.data,
                                        .made = made,
                                        .command = command},
                          t->base.store, true, err);
}
