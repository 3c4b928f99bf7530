/* The classifier's trainer on a width of four channels and a handful of pictures: it learns, it
 * continues to the last bit from any step, it does not depend on threads, and it refuses what does
 * not belong together. */
#include "models/modelfile.h"
#include "models/predictor.h"
#include "toy.h"
#include "train/classifier.h"

#include <glib/gstdio.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static LimClassifierTraining
settings(void)
{
    LimClassifierTraining p;
    lim_params_init(lim_classifier_training_schema, &p);
    lim_params_init(lim_classifier_schema, &p.model);
    p.model.channels = 1;
    p.model.classes = 3;
    p.model.width = 4;
    p.epochs = 3;
    p.batch = 4;
    p.lr = 0.05;
    p.checkpoint_every = 0;
    return p;
}

static LimExec
serial(void)
{
    return (LimExec){.kernels = lim_kernels_best()};
}

static LimTask *
trainer(const LimClassifierTraining *p, const LimDataset *d, const char *path, GPtrArray *lines,
        const LimExec *exec)
{
    LimError err = LIM_ERROR_INIT;
    LimTask *t = lim_classifier_trainer_new(p, d, d, path, toy_log(lines), exec, &err);
    g_assert_cmpstr(err.text, ==, "");
    g_assert_nonnull(t);
    return t;
}

/* Up to `steps` steps; returns what the last one said. */
static LimStep
run(LimTask *t, int steps, const LimExec *exec)
{
    LimStep step = LIM_STEP_MORE;
    for (int i = 0; i < steps && step == LIM_STEP_MORE; i++) {
        LimError err = LIM_ERROR_INIT;
        step = lim_task_step(t, exec, NULL, &err);
        g_assert_cmpstr(err.text, ==, "");
    }
    return step;
}

static uint64_t
trained_hash(const LimClassifierTraining *p, const LimDataset *d, const LimExec *exec)
{
    LimTask *t = trainer(p, d, NULL, NULL, exec);
    g_assert_cmpint(run(t, 1000, exec), ==, LIM_STEP_DONE);
    const uint64_t hash = lim_store_hash(lim_supervised_store(t));
    lim_task_free(t);
    return hash;
}

/* Eight pictures of as many classes, learnt by heart; then saved, loaded and asked. */
static void
test_overfits(void)
{
    const LimExec exec = serial();
    LimClassifierTraining p = settings();
    p.model.classes = 8;
    p.batch = 8;
    p.epochs = 60;
    p.shift = 0;
    p.flip = false;
    LimDataset *d = toy_dataset(8, 1, 28, 8, 1);
    LimTask *t = trainer(&p, d, NULL, NULL, &exec);
    double before, after;
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(lim_classifier_trainer_accuracy(t, &exec, &before, &err), ==, LIM_OK);
    g_assert_cmpfloat(before, <, 0.5);
    g_assert_cmpint(run(t, 1000, &exec), ==, LIM_STEP_DONE);
    g_assert_cmpint(lim_supervised_steps(t), ==, 60);
    g_assert_cmpint(lim_classifier_trainer_accuracy(t, &exec, &after, &err), ==, LIM_OK);
    g_assert_cmpfloat(after, ==, 1);

    char *path = toy_path("overfit.safetensors");
    g_assert_cmpint(lim_classifier_trainer_save(t, path, "a test", &exec, &err), ==, LIM_OK);
    LimPredictor *c = lim_predictor_load(path, &err);
    g_assert_cmpstr(err.text, ==, "");
    float x[8 * 32 * 32], logits[8 * 8];
    int32_t labels[8];
    uint32_t index[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    lim_dataset_batch(d, index, 8, 32, x, labels);
    g_assert_cmpint(lim_predictor_run(c, &exec, x, 8, logits, NULL, &err), ==, LIM_OK);
    for (int i = 0; i < 8; i++)
        for (int k = 0; k < 8; k++)
            g_assert_cmpfloat(logits[i * 8 + labels[i]], >=, logits[i * 8 + k]);
    g_assert_cmpstr(lim_predictor_class_name(c, 3), ==, "class 3");
    lim_predictor_free(c);
    lim_task_free(t);
    lim_dataset_free(d);
    g_free(path);
}

/* A plain network of few hidden units at T = 20. */
static LimClassifierTraining
hot_settings(void)
{
    LimClassifierTraining p = settings();
    p.model.architecture = LIM_CLASSIFIER_PLAIN;
    p.model.hidden = 12;
    p.temperature = 20;
    return p;
}

/* Trains a teacher on pictures labelled otherwise, and writes it to a file of that name. */
static char *
teacher(const char *name, int classes, uint64_t seed, const LimExec *exec)
{
    LimClassifierTraining p = hot_settings();
    p.seed = seed;
    p.model.classes = classes;
    LimDataset *d = toy_dataset(10, 1, 28, classes, 5);
    LimTask *t = trainer(&p, d, NULL, NULL, exec);
    char *path = toy_path(name);
    LimError err = LIM_ERROR_INIT;
    run(t, 20, exec);
    g_assert_cmpint(lim_classifier_trainer_save(t, path, "a test", exec, &err), ==, LIM_OK);
    lim_task_free(t);
    lim_dataset_free(d);
    return path;
}

static LimClassifierTraining
student_settings(void)
{
    const LimExec exec = serial();
    LimClassifierTraining p = hot_settings();
    char *path = teacher("teacher", 3, 1, &exec);
    g_strlcpy(p.teacher, path, sizeof p.teacher);
    g_free(path);
    return p;
}

/* Stopped after every possible number of steps, saved, loaded into a new trainer and continued: the
 * same checkpoint, byte for byte, and the same log. */
static void
test_continues(gconstpointer student)
{
    const LimExec exec = serial();
    LimClassifierTraining p = student ? student_settings() : settings();
    p.epochs = 12; /* 24 steps: one line of the log in the middle, one at the end */
    LimDataset *d = toy_dataset(10, 1, 28, 3, 1);
    char *whole = toy_path(student ? "whole-student" : "whole"), *parts = toy_path("parts");
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    LimTask *t = trainer(&p, d, whole, lines, &exec);
    g_assert_cmpint(run(t, 1000, &exec), ==, LIM_STEP_DONE);
    g_assert_cmpint(lim_supervised_steps(t), ==, 24);
    const uint64_t hash = lim_store_hash(lim_supervised_store(t));
    lim_task_free(t);
    g_assert_cmpuint(lines->len, ==, 2);
    for (guint i = 0; i < lines->len; i++) {
        json_t *line = json_loads(lines->pdata[i], 0, NULL);
        g_assert_true(json_is_number(json_object_get(line, "loss")));
        json_decref(line);
    }

    const int stops[] = {0, 1, 2, 3, 7, 19, 20, 23, 24};
    for (size_t i = 0; i < G_N_ELEMENTS(stops); i++) {
        GPtrArray *more = g_ptr_array_new_with_free_func(g_free);
        g_remove(parts);
        t = trainer(&p, d, parts, more, &exec);
        run(t, stops[i], &exec);
        LimError err = LIM_ERROR_INIT;
        g_assert_cmpint(lim_supervised_checkpoint(t, &err), ==, LIM_OK);
        lim_task_free(t);
        t = trainer(&p, d, parts, more, &exec);
        g_assert_cmpint(lim_supervised_steps(t), ==, stops[i]);
        g_assert_cmpint(run(t, 1000, &exec), ==, LIM_STEP_DONE);
        g_assert_true(lim_store_hash(lim_supervised_store(t)) == hash);
        lim_task_free(t);
        toy_assert_same_file(whole, parts);
        g_assert_cmpuint(more->len, ==, lines->len);
        for (guint k = 0; k < lines->len; k++)
            g_assert_cmpstr(more->pdata[k], ==, lines->pdata[k]);
        g_ptr_array_unref(more);
    }
    g_ptr_array_unref(lines);
    lim_dataset_free(d);
    g_free(whole);
    g_free(parts);
}

/* Cancelled in the middle of a step, at many places: nothing has happened, and the step is done
 * again. */
static void
test_cancelled(void)
{
    LimCancel cancel = {false};
    const LimExec plain = serial();
    const LimExec exec = {.kernels = toy_tripping_kernels(&cancel), .cancel = &cancel};
    LimClassifierTraining p = settings();
    LimDataset *d = toy_dataset(10, 1, 28, 3, 1);
    const uint64_t whole = trained_hash(&p, d, &plain);
    LimTask *t = trainer(&p, d, NULL, NULL, &exec);
    int stopped = 0;
    for (int place = 1;; place += 3) {
        const uint64_t before = lim_store_hash(lim_supervised_store(t));
        const int64_t steps = lim_supervised_steps(t);
        LimError err = LIM_ERROR_INIT;
        toy_trip_after(place);
        LimStep step = lim_task_step(t, &exec, NULL, &err);
        if (step == LIM_STEP_DONE)
            break;
        if (step == LIM_STEP_FAILED) {
            g_assert_cmpint(err.code, ==, LIM_CANCELLED);
            g_assert_true(lim_store_hash(lim_supervised_store(t)) == before);
            g_assert_cmpint(lim_supervised_steps(t), ==, steps);
            stopped++;
        } else {
            place = -2; /* the step has fewer kernels than that */
        }
        toy_trip_after(0);
        atomic_store(&cancel.flag, false);
    }
    g_assert_cmpint(stopped, >, 20);
    g_assert_true(lim_store_hash(lim_supervised_store(t)) == whole);
    lim_task_free(t);
    lim_dataset_free(d);
}

static void
test_same_bytes(void)
{
    LimExec exec = serial();
    LimClassifierTraining p = settings();
    LimDataset *d = toy_dataset(10, 1, 28, 3, 1);
    const uint64_t hash = trained_hash(&p, d, &exec);
    g_assert_true(trained_hash(&p, d, &exec) == hash);
    for (int threads = 2; threads <= 3; threads++) {
        exec.pool = lim_pool_new(threads);
        g_assert_true(trained_hash(&p, d, &exec) == hash);
        lim_pool_free(exec.pool);
    }
    exec.pool = NULL;
    p.seed++;
    g_assert_true(trained_hash(&p, d, &exec) != hash);
    p.seed--;
    LimDataset *other = toy_dataset(10, 1, 28, 3, 2);
    g_assert_true(trained_hash(&p, other, &exec) != hash);
    lim_dataset_free(other);
    lim_dataset_free(d);
}

static void
refused(const LimClassifierTraining *p, const LimDataset *d, const char *path, LimStatus code)
{
    const LimExec exec = serial();
    LimError err = LIM_ERROR_INIT;
    g_assert_null(lim_classifier_trainer_new(p, d, d, path, toy_log(NULL), &exec, &err));
    toy_assert_sentence(&err);
    if (code != LIM_OK)
        g_assert_cmpint(err.code, ==, code);
    /* nobody has to ask why */
    g_assert_null(lim_classifier_trainer_new(p, d, d, path, toy_log(NULL), &exec, NULL));
}

/* Another value that the schema allows. */
static void
alter(const LimParamSpec *s, void *params)
{
    void *at = (char *)params + s->offset;
    switch (s->kind) {
    case LIM_INT:
        *(int *)at += *(int *)at < s->max ? 1 : -1;
        break;
    case LIM_REAL:
        *(double *)at = 0.5 * (*(double *)at + s->max);
        break;
    case LIM_BOOL:
        *(bool *)at = !*(bool *)at;
        break;
    case LIM_SEED:
        ++*(uint64_t *)at;
        break;
    case LIM_CHOICE:
    case LIM_TEXT:
        g_assert_not_reached();
    }
}

static void
test_other_settings(void)
{
    const LimExec exec = serial();
    const LimClassifierTraining p = settings();
    LimDataset *d = toy_dataset(10, 1, 28, 3, 1), *four = toy_dataset(10, 1, 28, 4, 1);
    char *path = toy_path("settings"), *copy = toy_path("settings-copy");
    LimTask *t = trainer(&p, d, path, NULL, &exec);
    run(t, 2, &exec);
    g_assert_cmpint(lim_supervised_checkpoint(t, NULL), ==, LIM_OK);
    lim_task_free(t);
    t = trainer(&p, d, copy, NULL, &exec);
    run(t, 2, &exec);
    g_assert_cmpint(lim_supervised_checkpoint(t, NULL), ==, LIM_OK);
    lim_task_free(t);

    for (const LimParamSpec *s = lim_classifier_training_schema; s->name; s++) {
        LimClassifierTraining q = p;
        if (s->kind == LIM_TEXT)
            continue; /* the teacher: see test_other_teacher */
        alter(s, &q);
        if (strcmp(s->name, "checkpoint-every") == 0)
            lim_task_free(trainer(&q, d, path, NULL, &exec)); /* changes nothing that is learnt */
        else
            refused(&q, d, path, LIM_E_PARAM);
    }
    LimClassifierTraining q = p;
    q.model.width = 5;
    refused(&q, d, path, LIM_E_PARAM);
    q = p;
    q.model.classes = 4;
    refused(&q, four, path, LIM_E_PARAM);
    toy_assert_same_file(path, copy); /* nothing was lost */
    t = trainer(&p, d, path, NULL, &exec);
    g_assert_cmpint(lim_supervised_steps(t), ==, 2);
    lim_task_free(t);
    lim_dataset_free(d);
    lim_dataset_free(four);
    g_free(path);
    g_free(copy);
}

/* The sound file, with other values at the start of a tensor. */
static void
refused_with(const LimClassifierTraining *p, const LimDataset *d, const char *path,
             const char *good, gsize size, const char *tensor, const void *values, size_t bytes)
{
    char *bad = g_memdup2(good, size);
    memcpy(toy_tensor(bad, tensor), values, bytes);
    toy_write(path, bad, size);
    refused(p, d, path, LIM_E_FORMAT);
    g_free(bad);
}

static void
test_damaged_checkpoint(void)
{
    const LimExec exec = serial();
    const LimClassifierTraining p = settings();
    LimDataset *d = toy_dataset(10, 1, 28, 3, 1);
    char *path = toy_path("damaged"), *good;
    gsize size;
    LimTask *t = trainer(&p, d, path, NULL, &exec);
    run(t, 2, &exec);
    g_assert_cmpint(lim_supervised_checkpoint(t, NULL), ==, LIM_OK);
    lim_task_free(t);
    g_assert_true(g_file_get_contents(path, &good, &size, NULL));

    for (gsize cut = 0; cut < size; cut += cut < 512 ? 64 : size / 40) {
        toy_write(path, good, cut);
        refused(&p, d, path, LIM_OK);
        char *kept; /* and the damaged file is still there for whoever wants to mend it */
        gsize kept_size;
        g_assert_true(g_file_get_contents(path, &kept, &kept_size, NULL));
        g_assert_cmpmem(kept, kept_size, good, cut);
        g_free(kept);
    }
    toy_write(path, "not a checkpoint at all, but a letter", 37);
    refused(&p, d, path, LIM_OK);

    /* sound safetensors, but each word of the description in turn is another one */
    const char *words[] = {"limen.checkpoint", "limen.settings",  "classifier", "position",
                           "log_sums",         "net.conv.weight", "optim.m.",   "optim.steps"};
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        char *bad = g_memdup2(good, size), *at = strstr(bad + 8, words[i]);
        g_assert_nonnull(at);
        at[2] ^= 1;
        toy_write(path, bad, size);
        refused(&p, d, path, LIM_OK);
        g_free(bad);
    }

    /* a position that no training reaches: the step, steps since the last line of the log, and
     * what was right in them */
    const int32_t positions[][3] = {{-1, 2, 0}, {7, 2, 0},  {INT32_MAX, 2, 0},
                                    {2, -1, 0}, {2, 20, 0}, {2, INT32_MAX, 0},
                                    {2, 2, 9},  {2, 2, -1}, {2, 2, INT32_MAX}};
    for (size_t i = 0; i < G_N_ELEMENTS(positions); i++)
        refused_with(&p, d, path, good, size, "position", positions[i], 12);
    const double sum = (double)NAN;
    refused_with(&p, d, path, good, size, "log_sums", &sum, sizeof sum);
    const int32_t steps[] = {-1, INT32_MAX};
    for (int i = 0; i < 2; i++)
        refused_with(&p, d, path, good, size, "optim.steps", &steps[i], 4);

    toy_write(path, good, size);
    t = trainer(&p, d, path, NULL, &exec);
    g_assert_cmpint(lim_supervised_steps(t), ==, 2);
    lim_task_free(t);
    g_remove(path);
    g_assert_cmpint(g_mkdir(path, 0700), ==, 0); /* a folder where the file should be */
    refused(&p, d, path, LIM_OK);
    g_assert_cmpint(g_rmdir(path), ==, 0);
    g_free(good);
    g_free(path);
    lim_dataset_free(d);
}

/* A checkpoint that cannot be written is reported and loses nothing: once it can, the training goes
 * on as if nothing had happened. */
static void
test_unwritable_checkpoint(void)
{
    const LimExec exec = serial();
    LimClassifierTraining p = settings();
    p.checkpoint_every = 2;
    LimDataset *d = toy_dataset(10, 1, 28, 3, 1);
    const uint64_t whole = trained_hash(&p, d, &exec);
    char *folder = toy_path("missing"), *path = g_build_filename(folder, "checkpoint", NULL);
    LimTask *t = trainer(&p, d, path, NULL, &exec);
    run(t, 1, &exec);
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(lim_task_step(t, &exec, NULL, &err), ==, LIM_STEP_FAILED);
    g_assert_cmpint(err.code, ==, LIM_E_IO);
    toy_assert_sentence(&err);
    g_assert_nonnull(strstr(err.text, path));
    g_assert_cmpint(g_mkdir(folder, 0700), ==, 0);
    g_assert_cmpint(run(t, 1000, &exec), ==, LIM_STEP_DONE);
    g_assert_true(lim_store_hash(lim_supervised_store(t)) == whole);
    lim_task_free(t);
    g_assert_cmpint(g_remove(path), ==, 0);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
    g_free(path);
    g_free(folder);
    lim_dataset_free(d);
}

/* One line of the log of one step. */
static json_t *
first_line(const LimClassifierTraining *p, const LimDataset *d)
{
    const LimExec exec = serial();
    LimClassifierTraining one = *p;
    one.epochs = 1;
    one.batch = d->n;
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    LimTask *t = trainer(&one, d, NULL, lines, &exec);
    g_assert_cmpint(run(t, 2, &exec), ==, LIM_STEP_DONE);
    lim_task_free(t);
    g_assert_cmpuint(lines->len, ==, 1);
    json_t *line = json_loads(lines->pdata[0], 0, NULL);
    g_ptr_array_unref(lines);
    return line;
}

static double
first_loss(const LimClassifierTraining *p, const LimDataset *d)
{
    json_t *line = first_line(p, d);
    const double loss = json_number_value(json_object_get(line, "loss"));
    json_decref(line);
    return loss;
}

/* At T the last layer's weights begin T times as large, so that the first loss is an ordinary
 * network's; without the division it would be another. */
static void
test_temperature(void)
{
    const LimExec exec = serial();
    LimClassifierTraining hot = hot_settings(), cold = hot;
    cold.temperature = 1;
    LimDataset *d = toy_dataset(10, 1, 28, 3, 1);
    g_assert_cmpfloat_with_epsilon(first_loss(&hot, d), first_loss(&cold, d), 1e-5);
    LimTask *a = trainer(&hot, d, NULL, NULL, &exec), *b = trainer(&cold, d, NULL, NULL, &exec);
    LimStore *sa = lim_supervised_store(a), *sb = lim_supervised_store(b);
    for (int i = 0; i < lim_store_count(sa); i++) {
        const bool last = strcmp(lim_store_name(sa, i), "linear.weight") == 0;
        for (int64_t k = 0; k < lim_shape_size(lim_store_shape(sa, i)); k++)
            g_assert_cmpfloat_with_epsilon(lim_store_data(sa, i)[k],
                                           (last ? 20 : 1) * lim_store_data(sb, i)[k], 1e-4f);
    }
    lim_task_free(a);
    lim_task_free(b);
    lim_dataset_free(d);
}

/* A student learns the teacher's answers at T, not the labels: its loss ends just above their
 * entropy, the least that it can be. Without dropout, hence the residual family. */
static void
test_soft_labels(void)
{
    const LimExec exec = serial();
    LimClassifierTraining p = student_settings();
    p.model.architecture = LIM_CLASSIFIER_RESIDUAL;
    p.shift = 0;
    p.flip = false;
    p.lr = 0.01;
    enum { COUNT = 10 };
    LimDataset *d = toy_dataset(COUNT, 1, 28, 3, 1);
    LimError err = LIM_ERROR_INIT;
    LimPredictor *soft = lim_predictor_load(p.teacher, &err);
    g_assert_cmpstr(err.text, ==, "");
    float *x = g_new(float, COUNT * 1024), z[COUNT * 3], target[COUNT * 3];
    int32_t labels[COUNT];
    uint32_t index[COUNT];
    for (uint32_t i = 0; i < COUNT; i++)
        index[i] = i;
    lim_dataset_batch(d, index, COUNT, 32, x, labels);
    g_assert_cmpint(lim_predictor_run(soft, &exec, x, COUNT, target, NULL, &err), ==, LIM_OK);
    for (int i = 0; i < COUNT * 3; i++)
        target[i] = (float)exp((double)target[i] / p.temperature);

    double entropy = 0; /* of the teacher at T: the least that the loss can be */
    for (int i = 0; i < COUNT; i++) {
        const double sum = (double)(target[i * 3] + target[i * 3 + 1] + target[i * 3 + 2]);
        for (int k = 0; k < 3; k++) {
            const double q = (double)target[i * 3 + k] / sum;
            entropy -= q * log(q) / COUNT;
        }
    }
    p.batch = COUNT;
    p.epochs = 200;
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    LimTask *t = trainer(&p, d, NULL, lines, &exec);
    g_assert_cmpint(run(t, 1000, &exec), ==, LIM_STEP_DONE);
    json_t *last = json_loads(lines->pdata[lines->len - 1], 0, NULL);
    const double loss = json_number_value(json_object_get(last, "loss"));
    json_decref(last);
    g_assert_cmpfloat(loss, >=, entropy - 1e-6);
    g_assert_cmpfloat(loss, <, entropy + 0.02);

    /* its answers at T are the teacher's */
    char *path = toy_path("student");
    g_assert_cmpint(lim_classifier_trainer_save(t, path, "a test", &exec, &err), ==, LIM_OK);
    LimPredictor *own = lim_predictor_load(path, &err);
    g_assert_cmpint(lim_predictor_run(own, &exec, x, COUNT, z, NULL, &err), ==, LIM_OK);
    double worst = 0, label_probability = 0;
    for (int i = 0; i < COUNT; i++) {
        double a[3], sa = 0, sb = 0;
        for (int k = 0; k < 3; k++) {
            a[k] = exp((double)z[i * 3 + k] / p.temperature);
            sa += a[k];
            sb += (double)target[i * 3 + k];
        }
        for (int k = 0; k < 3; k++)
            worst = fmax(worst, fabs(a[k] / sa - (double)target[i * 3 + k] / sb));
        label_probability += a[labels[i]] / sa / COUNT;
    }
    g_test_message("loss %g, entropy %g, worst %g, of the labels %g", loss, entropy, worst,
                   label_probability);
    g_assert_cmpfloat(worst, <, 0.2);
    lim_predictor_free(own);
    lim_predictor_free(soft);
    lim_task_free(t);
    g_ptr_array_unref(lines);
    lim_dataset_free(d);
    g_free(path);
    g_free(x);
}

/* The file says at which temperature and by which teacher; a network without one says neither. */
static void
test_student_file(void)
{
    const LimExec exec = serial();
    LimClassifierTraining p = student_settings();
    LimDataset *d = toy_dataset(10, 1, 28, 3, 1);
    char *path = toy_path("student");
    LimError err = LIM_ERROR_INIT;
    LimTask *t = trainer(&p, d, NULL, NULL, &exec);
    g_assert_cmpint(lim_classifier_trainer_save(t, path, "a test", &exec, &err), ==, LIM_OK);
    lim_task_free(t);
    LimPredictor *soft = lim_predictor_load(p.teacher, &err);
    char *hash = g_strdup_printf("%016" G_GINT64_MODIFIER "x", lim_predictor_hash(soft));
    lim_predictor_free(soft);
    for (int i = 0; i < 2; i++) {
        LimModelFile *f = lim_modelfile_open(i ? p.teacher : path, &err);
        g_assert_cmpstr(err.text, ==, "");
        json_t *made = json_loads(f->training, 0, NULL);
        g_assert_cmpfloat(json_number_value(json_object_get(made, "temperature")), ==, 20);
        g_assert_cmpstr(json_string_value(json_object_get(made, "teacher")), ==,
                        i ? NULL : "teacher");
        g_assert_cmpstr(json_string_value(json_object_get(made, "teacher_hash")), ==,
                        i ? NULL : hash);
        json_decref(made);
        lim_modelfile_free(f);
    }
    g_free(hash);
    g_free(path);
    lim_dataset_free(d);
}

/* A checkpoint knows its teacher by weights: the same one may have moved, another one is refused,
 * as are none, a missing one and one for other classes. */
static void
test_other_teacher(void)
{
    const LimExec exec = serial();
    LimClassifierTraining p = student_settings();
    LimDataset *d = toy_dataset(10, 1, 28, 3, 1);
    char *path = toy_path("pupil"), *same = teacher("moved", 3, 1, &exec);
    char *other = teacher("other", 3, 2, &exec), *wide = teacher("wide", 4, 1, &exec);
    LimTask *t = trainer(&p, d, path, NULL, &exec);
    run(t, 2, &exec);
    g_assert_cmpint(lim_supervised_checkpoint(t, NULL), ==, LIM_OK);
    lim_task_free(t);
    LimClassifierTraining q = p;
    g_strlcpy(q.teacher, same, sizeof q.teacher);
    t = trainer(&q, d, path, NULL, &exec);
    g_assert_cmpint(lim_supervised_steps(t), ==, 2);
    lim_task_free(t);
    g_strlcpy(q.teacher, other, sizeof q.teacher);
    refused(&q, d, path, LIM_E_PARAM);
    q.teacher[0] = '\0';
    refused(&q, d, path, LIM_E_PARAM);
    g_strlcpy(q.teacher, wide, sizeof q.teacher);
    refused(&q, d, NULL, LIM_E_PARAM);
    g_strlcpy(q.teacher, "/no/such/teacher", sizeof q.teacher);
    refused(&q, d, NULL, LIM_E_IO);
    g_strlcpy(q.teacher, path, sizeof q.teacher); /* a checkpoint is no model */
    refused(&q, d, NULL, LIM_E_FORMAT);
    lim_dataset_free(d);
    g_free(path);
    g_free(same);
    g_free(other);
    g_free(wide);
}

/* Every family learns a handful of pictures by heart. */
static void
test_families(void)
{
    const LimExec exec = serial();
    for (int architecture = LIM_CLASSIFIER_RESIDUAL; architecture <= LIM_CLASSIFIER_VGG;
         architecture++) {
        LimClassifierTraining p = settings();
        p.model.architecture = architecture;
        p.model.hidden = 32;
        p.batch = 9;
        p.epochs = 80;
        p.lr = architecture == LIM_CLASSIFIER_PLAIN ? 0.02 : 0.05;
        p.shift = 0;
        p.flip = false;
        LimDataset *d = toy_dataset(9, 1, 28, 3, 1);
        LimTask *t = trainer(&p, d, NULL, NULL, &exec);
        g_assert_cmpint(run(t, 1000, &exec), ==, LIM_STEP_DONE);
        double accuracy;
        LimError err = LIM_ERROR_INIT;
        g_assert_cmpint(lim_classifier_trainer_accuracy(t, &exec, &accuracy, &err), ==, LIM_OK);
        g_assert_cmpfloat(accuracy, ==, 1);
        lim_task_free(t);
        lim_dataset_free(d);
    }
}

static void
test_not_a_number(void)
{
    const LimExec exec = serial();
    LimClassifierTraining p = settings();
    p.lr = 10;
    p.weight_decay = 1;
    p.epochs = 200;
    LimDataset *d = toy_dataset(10, 1, 28, 3, 1);
    LimTask *t = trainer(&p, d, NULL, NULL, &exec);
    LimError err = LIM_ERROR_INIT;
    LimStep step = LIM_STEP_MORE;
    while (step == LIM_STEP_MORE)
        step = lim_task_step(t, &exec, NULL, &err);
    g_assert_cmpint(step, ==, LIM_STEP_FAILED);
    g_assert_cmpint(err.code, ==, LIM_E_NUMERIC);
    toy_assert_sentence(&err);
    g_assert_nonnull(strstr(err.text, "learning rate"));
    lim_task_free(t);
    lim_dataset_free(d);
}

static void
test_wrong_data(void)
{
    const LimClassifierTraining p = settings();
    const struct {
        int n, c, size, classes;
    } bad[] = {{10, 3, 28, 3}, {10, 1, 33, 3}, {10, 1, 28, 4}, {3, 1, 28, 3}};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        LimDataset *d = toy_dataset(bad[i].n, bad[i].c, bad[i].size, bad[i].classes, 1);
        refused(&p, d, NULL, LIM_E_PARAM);
        lim_dataset_free(d);
    }
    LimDataset *d = toy_dataset(10, 1, 28, 3, 1);
    LimClassifierTraining q = p;
    q.batch = 1;
    refused(&q, d, NULL, LIM_E_PARAM);
    q = p;
    q.model.width = 0;
    refused(&q, d, NULL, LIM_E_PARAM);
    lim_dataset_free(d);
}

static void
test_log_file(void)
{
    LimTrainLog log;
    LimError err = LIM_ERROR_INIT;
    char *path = toy_path("log"), *text;
    for (int i = 0; i < 2; i++) { /* appended to */
        g_assert_cmpint(lim_train_log_open(&log, path, &err), ==, LIM_OK);
        log.line(log.ctx, "{\"step\": 1}");
        g_assert_true(g_file_get_contents(path, &text, NULL, NULL)); /* there before it is closed */
        g_assert_cmpstr(text, ==, i ? "{\"step\": 1}\n{\"step\": 1}\n" : "{\"step\": 1}\n");
        g_free(text);
        lim_train_log_close(&log);
    }
    g_assert_cmpint(lim_train_log_open(&log, NULL, &err), ==, LIM_OK);
    log.line(log.ctx, "{}");
    lim_train_log_close(&log);
    char *nowhere = toy_path("no/such/log");
    g_assert_cmpint(lim_train_log_open(&log, nowhere, &err), ==, LIM_E_IO);
    toy_assert_sentence(&err);
    g_free(nowhere);
    g_free(path);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/classifier/overfits", test_overfits);
    g_test_add_data_func("/classifier/continues", NULL, test_continues);
    g_test_add_data_func("/classifier/distillation/continues", "", test_continues);
    g_test_add_func("/classifier/distillation/temperature", test_temperature);
    g_test_add_func("/classifier/distillation/soft-labels", test_soft_labels);
    g_test_add_func("/classifier/distillation/file", test_student_file);
    g_test_add_func("/classifier/distillation/other-teacher", test_other_teacher);
    g_test_add_func("/classifier/families", test_families);
    g_test_add_func("/classifier/cancelled", test_cancelled);
    g_test_add_func("/classifier/same-bytes", test_same_bytes);
    g_test_add_func("/classifier/other-settings", test_other_settings);
    g_test_add_func("/classifier/damaged-checkpoint", test_damaged_checkpoint);
    g_test_add_func("/classifier/unwritable-checkpoint", test_unwritable_checkpoint);
    g_test_add_func("/classifier/not-a-number", test_not_a_number);
    g_test_add_func("/classifier/wrong-data", test_wrong_data);
    g_test_add_func("/classifier/log-file", test_log_file);
    const int failed = g_test_run();
    toy_clear();
    return failed;
}
