/* The classifier's trainer. */
#include "train/classifier.h"

#include "base/rng.h"
#include "models/modelfile.h"
#include "models/predictor.h"
#include "train/checkpoint.h"
#include "train/network.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

#define SIZE      LIM_CLASSIFIER_SIZE
#define LOG_EVERY 20

/* A mask of dropout, drawn anew for every step. */
typedef struct Mask {
    double rate;
    float *value;
    size_t n;
} Mask;

typedef struct Trainer {
    LimTask base;
    LimClassifierTraining p;
    const LimDataset *train, *test;
    char *checkpoint;
    LimTrainLog log;
    LimStore *store;
    LimOptim *optim;
    LimStepPlan plan;
    LimVal x, label, target, loss, logits;
    LimPredictor *teacher;            /* or NULL */
    float *pictures, *soft, momentum; /* soft [batch][classes]: the teacher's probabilities */
    Mask mask[LIM_BUILD_MAX_MASKS];
    int n_masks;
    int32_t *labels;
    uint32_t *index, *order;
    int32_t step, steps, per_epoch, epoch_of_order;
    double sum_loss;
    int32_t n_loss, n_right;
} Trainer;

static LimStatus
plan_step(Trainer *t, const LimExec *exec, LimError *err)
{
    const LimClassifierTraining *p = &t->p;
    LimGraph *g = lim_graph_new();
    LimBuild b;
    lim_build_init(&b, g, t->store, LIM_MODE_TRAIN);
    LimVal momentum = lim_graph_feed(g, "bn momentum", LIM_F32, LIM_SHAPE1(1));
    b.bn_momentum = momentum;
    t->x = lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE4(p->batch, p->model.channels, SIZE, SIZE));
    if (!t->teacher)
        t->label = lim_graph_feed(g, "label", LIM_I32, LIM_SHAPE1(p->batch));
    t->logits = lim_classifier(&b, &p->model, t->x, NULL);
    t->loss = LIM_NOVAL;
    LimVal z = t->logits;
    if (p->temperature != 1)
        z = lim_affine(g, z, 1 / p->temperature, 0);
    if (t->teacher)
        t->target = lim_graph_feed(g, "target", LIM_F32, LIM_SHAPE2(p->batch, p->model.classes));
    if (lim_val_ok(z))
        t->loss = lim_mean(g, t->teacher ? lim_soft_cross_entropy(g, z, t->target)
                                         : lim_cross_entropy(g, z, t->label));
    LimStatus status =
        lim_step_plan_init(&t->plan, &b, t->loss, (LimVal[]){t->loss, t->logits}, 2, exec, err);
    if (status == LIM_OK) {
        lim_plan_bind(t->plan.plan, t->x, t->pictures);
        if (t->teacher)
            lim_plan_bind(t->plan.plan, t->target, t->soft);
        else
            lim_plan_bind(t->plan.plan, t->label, t->labels);
        lim_plan_bind(t->plan.plan, momentum, &t->momentum);
        for (int i = 0; i < b.n_masks; i++) {
            const size_t n = (size_t)lim_shape_size(lim_graph_shape(g, b.mask[i]));
            Mask *m = &t->mask[t->n_masks++];
            *m = (Mask){b.mask_rate[i], lim_alloc(n, sizeof *m->value), n};
            lim_plan_bind(t->plan.plan, b.mask[i], m->value);
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
    const int epoch = t->step / t->per_epoch;
    if (t->epoch_of_order != epoch) {
        lim_rng_permutation(p->seed, lim_rng_stream(LIM_STREAM_SHUFFLE, "epoch", (uint64_t)epoch),
                            t->order, (uint32_t)t->train->n);
        t->epoch_of_order = epoch;
    }
    const int first = t->step % t->per_epoch * p->batch;
    for (int i = 0; i < p->batch; i++)
        t->index[i] = t->order[(first + i) % t->train->n];
    lim_dataset_batch(t->train, t->index, p->batch, SIZE, t->pictures, t->labels);
    for (int i = 0; i < p->batch; i++) {
        uint32_t r[4];
        lim_rng_block(p->seed, LIM_STREAM_AUGMENT,
                      (uint64_t)t->step * (uint64_t)p->batch + (uint64_t)i, r);
        const int span = 2 * p->shift + 1;
        const int dx = (int)(r[0] % (uint32_t)span) - p->shift;
        const int dy = (int)(r[1] % (uint32_t)span) - p->shift;
        const bool mirror = p->flip && (r[2] & 1);
        if (dx || dy || mirror)
            for (int c = 0; c < p->model.channels; c++)
                augment_plane(t->pictures +
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
                        (uint64_t)t->step * m->n, m->value, m->n);
        for (size_t k = 0; k < m->n; k++)
            m->value[k] = (double)m->value[k] < m->rate ? 0 : (float)(1 / (1 - m->rate));
    }
}

static int
argmax(const float *x, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        if (x[i] > x[best])
            best = i;
    return best;
}

/* softmax(Z / T) of the teacher for the pictures of this step. */
static LimStatus
ask_teacher(Trainer *t, const LimExec *exec, LimError *err)
{
    const int k = t->p.model.classes;
    LimStatus status =
        lim_predictor_run(t->teacher, exec, t->pictures, t->p.batch, t->soft, NULL, err);
    for (int i = 0; i < t->p.batch && status == LIM_OK; i++) {
        float *row = t->soft + i * k; /* holds logits */
        const double top = (double)row[argmax(row, k)];
        double sum = 0;
        for (int j = 0; j < k; j++)
            sum += exp(((double)row[j] - top) / t->p.temperature);
        for (int j = 0; j < k; j++)
            row[j] = (float)(exp(((double)row[j] - top) / t->p.temperature) / sum);
    }
    return status;
}

/* One cycle: up linearly over the first fifth, down along half a cosine to nothing. */
static double
rate(const Trainer *t)
{
    const double done = (t->step + 1.0) / t->steps;
    return t->p.lr * (done < 0.2 ? done / 0.2 : 0.5 * (1 + cos(M_PI * (done - 0.2) / 0.8)));
}

static LimStep
trainer_step(LimTask *task, const LimExec *exec, LimProgress *progress, LimError *err)
{
    Trainer *t = (Trainer *)task;
    if (t->step >= t->steps)
        return LIM_STEP_DONE;
    draw_batch(t);
    draw_masks(t);
    if (t->teacher && ask_teacher(t, exec, err) != LIM_OK)
        return LIM_STEP_FAILED;
    LimOptimParams o = {.kind = LIM_OPTIM_SGD,
                        .lr = rate(t),
                        .momentum = 0.9,
                        .nesterov = true,
                        .weight_decay = t->p.weight_decay};
    if (lim_step_plan_run(&t->plan, t->optim, &o, exec, err) != LIM_OK)
        return LIM_STEP_FAILED;
    const float *logits = lim_plan_f32(t->plan.plan, t->logits);
    for (int i = 0; i < t->p.batch; i++)
        t->n_right += argmax(logits + i * t->p.model.classes, t->p.model.classes) == t->labels[i];
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
        snprintf(line, sizeof line,
                 "{\"step\": %d, \"loss\": %.6g, \"train_accuracy\": %.6g, \"lr\": %.6g}", t->step,
                 t->sum_loss / t->n_loss, (double)t->n_right / (t->n_loss * (double)t->p.batch),
                 o.lr);
        t->log.line(t->log.ctx, line);
        t->sum_loss = 0;
        t->n_loss = t->n_right = 0;
    }
    const bool due = t->p.checkpoint_every && t->step % t->p.checkpoint_every == 0;
    if (t->checkpoint && (due || done) && lim_classifier_trainer_checkpoint(task, err) != LIM_OK)
        return LIM_STEP_FAILED;
    return done ? LIM_STEP_DONE : LIM_STEP_MORE;
}

/* ---- checkpoints
 * --------------------------------------------------------------------------------- */

static void
teacher_name(const Trainer *t, char out[LIM_TEXT_MAX])
{
    snprintf(out, LIM_TEXT_MAX, "%016" PRIx64, lim_predictor_hash(t->teacher));
}

/* What must not differ between the run that wrote a checkpoint and the one that resumes. */
static LimCheckpoint
identity(const Trainer *t, LimClassifierTraining *same)
{
    *same = t->p;
    same->checkpoint_every = 0;
    if (t->teacher) /* which one, wherever its file is */
        teacher_name(t, same->teacher);
    return (LimCheckpoint){.kind = "classifier",
                           .training = "a classifier training",
                           .schema = lim_classifier_training_schema,
                           .params = same,
                           .model_schema = lim_classifier_schema,
                           .model = &same->model};
}

LimStatus
lim_classifier_trainer_checkpoint(LimTask *task, LimError *err)
{
    Trainer *t = (Trainer *)task;
    LimClassifierTraining same;
    const LimCheckpoint c = identity(t, &same);
    LimStWriter *w = lim_checkpoint_writer(&c);
    lim_store_write(t->store, w, "net.", false);
    lim_optim_write(t->optim, w, "optim.");
    const int32_t at[3] = {t->step, t->n_loss, t->n_right};
    lim_st_writer_add(w, "position", LIM_I32, LIM_SHAPE1(3), at, false);
    lim_st_writer_add(w, "log_sums", LIM_F64, LIM_SHAPE1(1), &t->sum_loss, false);
    return lim_st_writer_finish(w, t->checkpoint, err);
}

static LimStatus
resume(Trainer *t, LimError *err)
{
    LimClassifierTraining same;
    const LimCheckpoint c = identity(t, &same);
    LimStFile *f = lim_checkpoint_open(&c, t->checkpoint, err);
    if (!f)
        return err->code;
    int32_t at[3];
    double sum;
    LimStatus status = lim_store_read(t->store, f, "net.", err);
    if (status == LIM_OK)
        status = lim_optim_read(t->optim, f, "optim.", err);
    if (status == LIM_OK)
        status = lim_checkpoint_numbers(f, t->checkpoint, "position", LIM_I32, 3, at, err);
    if (status == LIM_OK)
        status = lim_checkpoint_numbers(f, t->checkpoint, "log_sums", LIM_F64, 1, &sum, err);
    if (status == LIM_OK && (at[0] < 0 || at[0] > t->steps))
        status = lim_checkpoint_lost(t->checkpoint, err);
    if (status == LIM_OK) {
        t->step = at[0];
        t->n_loss = at[1];
        t->n_right = at[2];
        t->sum_loss = sum;
    }
    lim_st_free(f);
    return status;
}

/* ---- life
 * ----------------------------------------------------------------------------------------- */

static void
trainer_free(LimTask *task)
{
    Trainer *t = (Trainer *)task;
    lim_step_plan_clear(&t->plan);
    lim_optim_free(t->optim);
    lim_store_free(t->store);
    free(t->checkpoint);
    for (int i = 0; i < t->n_masks; i++)
        free(t->mask[i].value);
    lim_predictor_free(t->teacher);
    free(t->soft);
    free(t->pictures);
    free(t->labels);
    free(t->index);
    free(t->order);
    free(t);
}

static const LimTaskClass trainer_class = {"train classifier", trainer_step, NULL, trainer_free};

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
    const int entry = lim_store_find(t->store, "linear.weight");
    LIM_ASSERT(entry >= 0);
    float *w = lim_store_data(t->store, entry);
    const int64_t n = lim_shape_size(lim_store_shape(t->store, entry));
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
    Trainer *t = lim_alloc(1, sizeof *t);
    t->base.klass = &trainer_class;
    t->p = *p;
    t->train = train;
    t->test = test;
    t->log = log;
    t->momentum = 0.1f;
    t->checkpoint = checkpoint ? lim_strdup(checkpoint) : NULL;
    t->store = lim_store_new(p->seed);
    t->per_epoch = train->n / p->batch;
    t->steps = t->per_epoch * p->epochs;
    t->epoch_of_order = -1;
    const size_t n = (size_t)p->batch;
    t->pictures = lim_alloc(n * (size_t)p->model.channels * SIZE * SIZE, sizeof *t->pictures);
    t->labels = lim_alloc(n, sizeof *t->labels);
    t->index = lim_alloc(n, sizeof *t->index);
    t->order = lim_alloc((size_t)train->n, sizeof *t->order);
    if (open_teacher(t, err) == LIM_OK && plan_step(t, exec, err) == LIM_OK) {
        heat_last_layer(t);
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

LimStatus
lim_classifier_trainer_accuracy(LimTask *task, const LimExec *exec, double *accuracy, LimError *err)
{
    Trainer *t = (Trainer *)task;
    enum { BATCH = 64 };
    const int k = t->p.model.classes;
    const size_t image = (size_t)t->p.model.channels * SIZE * SIZE;
    LimPredictor *c = lim_predictor_new(&t->p.model, t->store);
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
        for (int i = 0; i < n; i++)
            right += argmax(logits + i * k, k) == labels[i];
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
    json_object_set_new(made, "steps", json_integer(t->step));
    json_object_set_new(made, "test_accuracy", json_real(accuracy));
    json_object_set_new(made, "test_pictures", json_integer(t->test->n));
    return lim_train_save(path,
                          &(LimTrained){.model = "classifier",
                                        .schema = lim_classifier_schema,
                                        .params = &t->p.model,
                                        .data = t->train,
                                        .made = made,
                                        .command = command},
                          t->store, true, err);
}

int64_t
lim_classifier_trainer_steps(const LimTask *t)
{
    return ((const Trainer *)t)->step;
}

LimStore *
lim_classifier_trainer_store(LimTask *t)
{
    return ((Trainer *)t)->store;
}
