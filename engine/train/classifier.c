/* The classifier's trainer. */
#include "train/classifier.h"

#include "base/rng.h"
#include "models/modelfile.h"
#include "models/predictor.h"
#include "train/batches.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INT(...) LIM_PARAM_INT(LimClassifierTraining, __VA_ARGS__)
#define REAL(field, flag, text, teach, lo, hi, value)                                        \
    {                                                                                        \
        .name = flag, .label = text, .help = teach, .unit = "", .kind = LIM_REAL,            \
        .offset = offsetof(LimClassifierTraining, field), .min = lo, .max = hi, .def = value \
    }

const LimParamSpec lim_classifier_training_schema[] = {
    {.name = "seed",
     .label = "Seed",
     .help = "Of initial weights and the order of pictures.",
     .unit = "",
     .kind = LIM_SEED,
     .offset = offsetof(LimClassifierTraining, seed),
     .def = 1},
    INT(epochs, "epochs", "Epochs", "Passes over the training set.", "passes", 1, 10000, 10),
    INT(batch, "batch", "Batch size", "Pictures per step.", "pictures", 2, 2048, 128),
    REAL(lr, "lr", "Learning rate", "The highest of the one-cycle schedule.", 0, 10, 0.2),
    REAL(weight_decay, "weight-decay", "Weight decay", "L2 penalty on all parameters.", 0, 1, 5e-4),
    REAL(temperature, "temperature", "Temperature",
         "The logits are divided by it in training only. Defensive distillation takes 20 to 100, "
         "for teacher and student.",
         0.1, 1000, 1),
    {.name = "teacher",
     .label = "Teacher",
     .help = "A classifier file. Learn its probabilities at this temperature in place of the "
             "labels. Empty: learn the labels.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(LimClassifierTraining, teacher)},
    INT(shift, "shift", "Random shift", "Largest shift of a picture in either direction.", "px", 0,
        8, 2),
    {.name = "flip",
     .label = "Random mirror images",
     .help = "Mirror pictures half of the time.",
     .unit = "",
     .kind = LIM_BOOL,
     .offset = offsetof(LimClassifierTraining, flip),
     .max = 1,
     .def = 1},
    INT(checkpoint_every, "checkpoint-every", "Checkpoint every",
        "Steps between checkpoints; 0: only at the end.", "steps", 0, 1000000, 200),
    {0}};

#define SIZE LIM_CLASSIFIER_SIZE

/* A mask of dropout, drawn anew for every step. */
typedef struct Mask {
    double rate;
    float *value;
    size_t n;
} Mask;

typedef struct Trainer {
    LimSupervised base;
    LimClassifierTraining p, same; /* same: without what a resumed training may change */
    const LimDataset *test;
    LimBatches batches;
    LimVal x, label, target, logits;
    LimPredictor *teacher; /* or NULL */
    float *soft;           /* [batch][classes]: the teacher's probabilities */
    Mask mask[LIM_BUILD_MAX_MASKS];
    int n_masks;
} Trainer;

static LimStatus
plan_step(Trainer *t, const LimExec *exec, LimError *err)
{
    const LimClassifierTraining *p = &t->p;
    LimGraph *g = lim_graph_new();
    LimBuild b;
    lim_build_init(&b, g, t->base.store, LIM_MODE_TRAIN);
    LimVal momentum = lim_graph_feed(g, "bn momentum", LIM_F32, LIM_SHAPE1(1));
    b.bn_momentum = momentum;
    t->x = lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE4(p->batch, p->model.channels, SIZE, SIZE));
    if (!t->teacher)
        t->label = lim_graph_feed(g, "label", LIM_I32, LIM_SHAPE1(p->batch));
    t->logits = lim_classifier(&b, &p->model, t->x, NULL);
    LimVal loss = LIM_NOVAL, z = t->logits;
    if (p->temperature != 1)
        z = lim_affine(g, z, 1 / p->temperature, 0);
    if (t->teacher)
        t->target = lim_graph_feed(g, "target", LIM_F32, LIM_SHAPE2(p->batch, p->model.classes));
    if (lim_val_ok(z))
        loss = lim_mean(g, t->teacher ? lim_soft_cross_entropy(g, z, t->target)
                                      : lim_cross_entropy(g, z, t->label));
    LimStatus status =
        lim_step_plan_init(&t->base.plan, &b, loss, (LimVal[]){loss, t->logits}, 2, exec, err);
    if (status == LIM_OK) {
        LimPlan *plan = t->base.plan.plan;
        t->base.losses = t->base.sums = 1;
        t->base.loss[0] = loss;
        t->base.loss_name[0] = "loss";
        lim_plan_bind(plan, t->x, t->batches.pictures);
        if (t->teacher)
            lim_plan_bind(plan, t->target, t->soft);
        else
            lim_plan_bind(plan, t->label, t->batches.labels);
        lim_plan_bind(plan, momentum, &t->base.momentum);
        for (int i = 0; i < b.n_masks; i++) {
            const size_t n = (size_t)lim_shape_size(lim_graph_shape(g, b.mask[i]));
            Mask *m = &t->mask[t->n_masks++];
            *m = (Mask){b.mask_rate[i], lim_alloc(n, sizeof *m->value), n};
            lim_plan_bind(plan, b.mask[i], m->value);
        }
    }
    return status;
}

/* Shifts and mirrors one plane; pixels from outside are black (-1). */
static void
augment_plane(float *plane, int dx, int dy, bool mirror)
{
    float old[SIZE * SIZE];
    memcpy(old, plane, sizeof old);
    for (int y = 0; y < SIZE; y++)
        for (int x = 0; x < SIZE; x++) {
            const int sx = (mirror ? SIZE - 1 - x : x) + dx, sy = y + dy;
            plane[y * SIZE + x] =
                sx >= 0 && sx < SIZE && sy >= 0 && sy < SIZE ? old[sy * SIZE + sx] : -1.0f;
        }
}

static void
draw_batch(Trainer *t)
{
    const LimClassifierTraining *p = &t->p;
    const int32_t step = t->base.step;
    lim_batches_draw(&t->batches, step);
    for (int i = 0; i < p->batch; i++) {
        uint32_t r[4];
        lim_rng_block(p->seed, LIM_STREAM_AUGMENT, lim_batches_number(&t->batches, step, i), r);
        const int span = 2 * p->shift + 1;
        const int dx = (int)(r[0] % (uint32_t)span) - p->shift;
        const int dy = (int)(r[1] % (uint32_t)span) - p->shift;
        const bool mirror = p->flip && (r[2] & 1);
        if (dx || dy || mirror)
            for (int c = 0; c < p->model.channels; c++)
                augment_plane(t->batches.pictures +
                                  ((size_t)i * (size_t)p->model.channels + (size_t)c) * SIZE * SIZE,
                              dx, dy, mirror);
    }
}

static void
draw_masks(Trainer *t)
{
    for (int i = 0; i < t->n_masks; i++) {
        Mask *m = &t->mask[i];
        lim_rng_uniform(t->p.seed, lim_rng_stream(LIM_STREAM_AUGMENT, "dropout", (uint64_t)i),
                        (uint64_t)t->base.step * m->n, m->value, m->n);
        for (size_t k = 0; k < m->n; k++)
            m->value[k] = (double)m->value[k] < m->rate ? 0 : (float)(1 / (1 - m->rate));
    }
}

/* softmax(Z / T) of the teacher for the pictures of this step. */
static LimStatus
ask_teacher(Trainer *t, const LimExec *exec, LimError *err)
{
    const int k = t->p.model.classes;
    LimStatus status =
        lim_predictor_run(t->teacher, exec, t->batches.pictures, t->p.batch, t->soft, NULL, err);
    for (int i = 0; i < t->p.batch && status == LIM_OK; i++) {
        float *row = t->soft + i * k; /* holds logits */
        double top = (double)row[0], sum = 0;
        for (int j = 1; j < k; j++)
            top = (double)row[j] > top ? (double)row[j] : top;
        for (int j = 0; j < k; j++)
            sum += exp(((double)row[j] - top) / t->p.temperature);
        for (int j = 0; j < k; j++)
            row[j] = (float)(exp(((double)row[j] - top) / t->p.temperature) / sum);
    }
    return status;
}

static LimStatus
fill(LimSupervised *s, const LimExec *exec, LimError *err)
{
    Trainer *t = (Trainer *)s;
    draw_batch(t);
    draw_masks(t);
    return t->teacher ? ask_teacher(t, exec, err) : LIM_OK;
}

/* One cycle: up linearly over the first fifth, down along half a cosine to nothing. */
static double
rate(const Trainer *t)
{
    const double done = (t->base.step + 1.0) / t->base.steps;
    return t->p.lr * (done < 0.2 ? done / 0.2 : 0.5 * (1 + cos(M_PI * (done - 0.2) / 0.8)));
}

static LimOptimParams
rule(const LimSupervised *s)
{
    const Trainer *t = (const Trainer *)s;
    return (LimOptimParams){.kind = LIM_OPTIM_SGD,
                            .lr = rate(t),
                            .momentum = 0.9,
                            .nesterov = true,
                            .weight_decay = t->p.weight_decay};
}

static int
right(const LimSupervised *s)
{
    const Trainer *t = (const Trainer *)s;
    return lim_count_right(lim_plan_f32(s->plan.plan, t->logits), t->batches.labels, t->p.batch,
                           t->p.model.classes);
}

static void
teacher_name(const Trainer *t, char out[LIM_TEXT_MAX])
{
    snprintf(out, LIM_TEXT_MAX, "%016" PRIx64, lim_predictor_hash(t->teacher));
}

/* What must not differ between the run that wrote a checkpoint and the one that resumes. */
static void
identify(Trainer *t)
{
    t->same = t->p;
    t->same.checkpoint_every = 0;
    if (t->teacher) /* which one, wherever its file is */
        teacher_name(t, t->same.teacher);
    t->base.identity = (LimCheckpoint){.kind = "classifier",
                                       .training = "a classifier training",
                                       .schema = lim_classifier_training_schema,
                                       .params = &t->same,
                                       .model_schema = lim_classifier_schema,
                                       .model = &t->same.model};
}

/* ---- life
 * ----------------------------------------------------------------------------------------- */

static void
trainer_free(LimTask *task)
{
    Trainer *t = (Trainer *)task;
    lim_supervised_clear(&t->base);
    lim_batches_clear(&t->batches);
    for (int i = 0; i < t->n_masks; i++)
        free(t->mask[i].value);
    lim_predictor_free(t->teacher);
    free(t->soft);
    free(t);
}

static const LimSupervisedClass trainer_class = {.task = {"train classifier", lim_supervised_step,
                                                          NULL, trainer_free},
                                                 .fill = fill,
                                                 .rule = rule,
                                                 .right = right};

static LimStatus
open_teacher(Trainer *t, LimError *err)
{
    if (!*t->p.teacher)
        return LIM_OK;
    t->teacher = lim_predictor_load(t->p.teacher, err);
    if (!t->teacher)
        return err->code;
    const LimShape s = lim_predictor_image_shape(t->teacher);
    if (s.d[0] != t->p.model.channels || lim_predictor_classes(t->teacher) != t->p.model.classes)
        return lim_fail(err, LIM_E_PARAM,
                        "the teacher %s knows %d classes of pictures of %d channels, the data has "
                        "%d of %d; choose one that was trained on this data",
                        t->p.teacher, lim_predictor_classes(t->teacher), s.d[0], t->p.model.classes,
                        t->p.model.channels);
    t->soft = lim_alloc((size_t)t->p.batch * (size_t)t->p.model.classes, sizeof *t->soft);
    return LIM_OK;
}

/* Initial weights of the last layer times T. */
static void
heat_last_layer(Trainer *t)
{
    const int entry = lim_store_find(t->base.store, "linear.weight");
    LIM_ASSERT(entry >= 0);
    float *w = lim_store_data(t->base.store, entry);
    const int64_t n = lim_shape_size(lim_store_shape(t->base.store, entry));
    for (int64_t i = 0; i < n; i++)
        w[i] *= (float)t->p.temperature;
}

LimTask *
lim_classifier_trainer_new(const LimClassifierTraining *p, const LimDataset *train,
                           const LimDataset *test, const char *checkpoint, LimTrainLog log,
                           const LimExec *exec, LimError *err)
{
    LimError local = LIM_ERROR_INIT;
    if (!err)
        err = &local;
    if (lim_params_check(lim_classifier_training_schema, p, err) != LIM_OK ||
        lim_params_check(lim_classifier_schema, &p->model, err) != LIM_OK)
        return NULL;
    if (train->c != p->model.channels || train->classes != p->model.classes || train->h > SIZE ||
        train->w > SIZE || train->n < p->batch) {
        lim_fail(err, LIM_E_PARAM,
                 "the data has %d pictures of %d channels and %dx%d pixels in %d classes; set "
                 "--channels, --classes and --batch to match, with at most 32x32 pixels",
                 train->n, train->c, train->w, train->h, train->classes);
        return NULL;
    }
    int n;
    uint32_t *all = lim_dataset_of_classes(train, "", &n, err);
    LIM_ASSERT(all);
    Trainer *t = lim_alloc(1, sizeof *t);
    lim_supervised_init(&t->base, &trainer_class, p->seed, checkpoint, log);
    lim_batches_init(&t->batches, train, all, n, p->batch, SIZE, p->seed);
    t->p = *p;
    t->test = test;
    t->base.batch = p->batch;
    t->base.per_epoch = t->batches.per_pass;
    t->base.steps = t->batches.per_pass * p->epochs;
    t->base.checkpoint_every = p->checkpoint_every;
    if (open_teacher(t, err) == LIM_OK && plan_step(t, exec, err) == LIM_OK) {
        identify(t);
        heat_last_layer(t);
        lim_supervised_begin(&t->base, err);
    }
    if (err->code != LIM_OK) {
        trainer_free(&t->base.base);
        return NULL;
    }
    return &t->base.base;
}

LimStatus
lim_classifier_trainer_accuracy(LimTask *task, const LimExec *exec, double *accuracy, LimError *err)
{
    Trainer *t = (Trainer *)task;
    enum { BATCH = 64 };
    const int k = t->p.model.classes;
    const size_t image = (size_t)t->p.model.channels * SIZE * SIZE;
    LimPredictor *c = lim_predictor_new(&t->p.model, t->base.store);
    float *x = lim_alloc(BATCH * image, sizeof *x);
    float *logits = lim_alloc((size_t)BATCH * (size_t)k, sizeof *logits);
    int32_t labels[BATCH];
    uint32_t index[BATCH];
    int right = 0;
    LimStatus status = LIM_OK;
    for (int done = 0; done < t->test->n && status == LIM_OK; done += BATCH) {
        const int n = t->test->n - done < BATCH ? t->test->n - done : BATCH;
        for (int i = 0; i < n; i++)
            index[i] = (uint32_t)(done + i);
        lim_dataset_batch(t->test, index, n, SIZE, x, labels);
        status = lim_predictor_run(c, exec, x, n, logits, NULL, err);
        right += lim_count_right(logits, labels, n, k);
    }
    *accuracy = (double)right / t->test->n;
    lim_predictor_free(c);
    free(x);
    free(logits);
    return status;
}

LimStatus
lim_classifier_trainer_save(LimTask *task, const char *path, const char *command,
                            const LimExec *exec, LimError *err)
{
    Trainer *t = (Trainer *)task;
    double accuracy = 0;
    LimStatus status = lim_classifier_trainer_accuracy(task, exec, &accuracy, err);
    if (status != LIM_OK)
        return status;
    json_t *made = lim_params_to_json(lim_classifier_training_schema, &t->p);
    if (t->teacher) {
        char hash[LIM_TEXT_MAX];
        const char *slash = strrchr(t->p.teacher, '/');
        teacher_name(t, hash);
        json_object_set_new(made, "teacher", json_string(slash ? slash + 1 : t->p.teacher));
        json_object_set_new(made, "teacher_hash", json_string(hash));
    } else {
        json_object_del(made, "teacher");
    }
    json_object_set_new(made, "steps", json_integer(t->base.step));
    json_object_set_new(made, "test_accuracy", json_real(accuracy));
    json_object_set_new(made, "test_pictures", json_integer(t->test->n));
    return lim_train_save(path,
                          &(LimTrained){.model = "classifier",
                                        .schema = lim_classifier_schema,
                                        .params = &t->p.model,
                                        .data = t->batches.data,
                                        .made = made,
                                        .command = command},
                          t->base.store, true, err);
}
