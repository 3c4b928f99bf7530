/* The GAN trainer with 16 channels and a batch of four. The state that must survive is larger than
 * a classifier's (two networks, the average, two optimisers, a phase inside the iteration), so
 * whole checkpoints are compared. The last test kills a training process at random moments. */
#include "base/rng.h"
#include "models/generator.h"
#include "toy.h"
#include "train/gan.h"

#include <glib/gstdio.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static LimGanTraining
settings(void)
{
    LimGanTraining p;
    lim_params_init(lim_gan_training_schema, &p);
    lim_params_init(lim_biggan_schema, &p.model);
    p.model.channels = 1;
    p.model.classes = 3;
    p.model.g_ch = p.model.d_ch = 4;
    p.model.latent = 8;
    p.model.shared = 4;
    p.iterations = 3;
    p.batch = 4;
    p.d_steps = 2;
    p.beta1 = 0.5; /* so that both moments matter */
    p.flip = true;
    p.log_every = 2;
    p.standing_passes = 2;
    return p;
}

static LimExec
serial(void)
{
    return (LimExec){.kernels = lim_kernels_best()};
}

static LimTask *
trainer(const LimGanTraining *p, const LimDataset *d, const char *path, GPtrArray *lines,
        const LimExec *exec)
{
    LimError err = LIM_ERROR_INIT;
    LimTask *t = lim_gan_trainer_new(p, d, NULL, path, toy_log(lines), exec, &err);
    g_assert_cmpstr(err.text, ==, "");
    g_assert_nonnull(t);
    return t;
}

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

/* Trains to the end, leaving the last checkpoint at path. */
static void
train_to(const char *path, const LimGanTraining *p, const LimDataset *d, const LimExec *exec)
{
    g_remove(path);
    LimTask *t = trainer(p, d, path, NULL, exec);
    g_assert_cmpint(run(t, 100000, exec), ==, LIM_STEP_DONE);
    g_assert_cmpint(lim_gan_trainer_iterations(t), ==, p->iterations);
    lim_task_free(t);
}

static uint64_t
hash(LimTask *t)
{
    return lim_store_hash(lim_gan_trainer_generator(t)) * 31 +
           lim_store_hash(lim_gan_trainer_discriminator(t));
}

/* Stopped after every sub-step: before a D step, between two, before the G step. */
static void
continues(LimGanTraining p, int steps)
{
    const LimExec exec = serial();
    LimDataset *d = toy_dataset(7, 1, 28, 3, 1); /* a batch reaches over the end of an epoch */
    char *whole = toy_path("whole"), *parts = toy_path("parts");
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    g_remove(whole);
    LimTask *t = trainer(&p, d, whole, lines, &exec);
    g_assert_cmpint(run(t, steps - 1, &exec), ==, LIM_STEP_MORE);
    g_assert_cmpint(run(t, 1, &exec), ==, LIM_STEP_DONE);
    g_assert_cmpint(run(t, 1, &exec), ==, LIM_STEP_DONE); /* and nothing more happens */
    lim_task_free(t);
    const guint n_lines = p.spectra_every ? 4 : 1;
    g_assert_cmpuint(lines->len, ==, n_lines);
    for (int stop = 0; stop <= steps; stop++) {
        GPtrArray *more = g_ptr_array_new_with_free_func(g_free);
        g_remove(parts);
        t = trainer(&p, d, parts, more, &exec);
        run(t, stop, &exec);
        const uint64_t before = hash(t);
        LimError err = LIM_ERROR_INIT;
        g_assert_cmpint(lim_gan_trainer_checkpoint(t, &err), ==, LIM_OK);
        lim_task_free(t);
        t = trainer(&p, d, parts, more, &exec);
        g_assert_cmpint(lim_gan_trainer_iterations(t), ==, stop / (steps / p.iterations));
        g_assert_true(hash(t) == before);
        g_assert_cmpint(run(t, 100, &exec), ==, LIM_STEP_DONE);
        lim_task_free(t);
        toy_assert_same_file(whole, parts);
        g_assert_cmpuint(more->len, ==, n_lines);
        for (guint i = 0; i < n_lines; i++)
            g_assert_cmpstr(more->pdata[i], ==, lines->pdata[i]);
        g_ptr_array_unref(more);
    }
    g_ptr_array_unref(lines);
    lim_dataset_free(d);
    g_free(whole);
    g_free(parts);
}

static void
test_continues(void)
{
    LimGanTraining p = settings();
    continues(p, 9); /* 3 iterations of 2 + 1 */
    p.model.g_ch = p.model.d_ch = 2;
    p.accumulate = 2;
    p.ortho = 1e-2;
    p.ema_start = 1;
    continues(p, 18);
    p.accumulate = 1;
    p.r1 = 10;
    p.clamp = 0.5;
    p.spectra_every = 1;
    p.log_every = 2;
    continues(p, 9);
}

/* Batch norm sees every batch by itself, so the fakes are made independent of their batch: then two
 * accumulated batches of four move the discriminator as one of eight does. */
static void
test_accumulate(void)
{
    const LimExec exec = serial();
    LimGanTraining p = settings();
    LimDataset *d = toy_dataset(13, 1, 28, 3, 1);
    LimStore *start = NULL, *moved[2];
    p.adam_eps = 1; /* so that the length of the gradient matters */
    p.d_lr = 0.1;
    for (int i = 0; i < 2; i++) {
        p.batch = i ? 4 : 8;
        p.accumulate = i ? 2 : 1;
        LimTask *t = trainer(&p, d, NULL, NULL, &exec);
        LimStore *g = lim_gan_trainer_generator(t);
        float *gain = lim_store_data(g, lim_store_find(g, "bn.weight"));
        float *bias = lim_store_data(g, lim_store_find(g, "bn.bias"));
        for (int k = 0; k < 16; k++) {
            gain[k] = 0;
            bias[k] = 0.1f * (float)k;
        }
        if (!start)
            start = lim_store_dup(lim_gan_trainer_discriminator(t));
        run(t, 2 * p.accumulate, &exec); /* both D steps */
        moved[i] = lim_store_dup(lim_gan_trainer_discriminator(t));
        g_assert_cmpint(lim_gan_trainer_iterations(t), ==, 0);
        run(t, p.accumulate, &exec);
        g_assert_cmpint(lim_gan_trainer_iterations(t), ==, 1);
        lim_task_free(t);
    }
    double apart = 0, path = 0;
    for (int i = 0; i < lim_store_count(start); i++) {
        const float *a = lim_store_data(moved[0], i), *b = lim_store_data(moved[1], i);
        const float *from = lim_store_data(start, i);
        for (int64_t k = 0; k < lim_shape_size(lim_store_shape(start, i)); k++) {
            apart += (double)(a[k] - b[k]) * (double)(a[k] - b[k]);
            path += (double)(a[k] - from[k]) * (double)(a[k] - from[k]);
        }
    }
    g_assert_cmpfloat(path, >, 1e-6);
    g_assert_cmpfloat(apart, <, 1e-4 * path);
    lim_store_free(start);
    lim_store_free(moved[0]);
    lim_store_free(moved[1]);
    lim_dataset_free(d);
}

/* Largest |<row i, row j>| of all weights of the generator that are regularised. */
static double
largest_product(LimStore *g)
{
    double largest = 0;
    for (int e = 0; e < lim_store_count(g); e++) {
        const LimShape s = lim_store_shape(g, e);
        if (s.nd < 2 || strcmp(lim_store_name(g, e), "shared.weight") == 0)
            continue;
        const float *w = lim_store_data(g, e);
        const int n = (int)(lim_shape_size(s) / s.d[0]);
        for (int i = 0; i < s.d[0] && i < 16; i++)
            for (int j = 0; j < i; j++) {
                double dot = 0;
                for (int k = 0; k < n; k++)
                    dot += (double)w[i * n + k] * (double)w[j * n + k];
                largest = MAX(largest, fabs(dot));
            }
    }
    return largest;
}

/* With weights that are not orthogonal to begin with, the penalty makes them more so. */
static void
test_orthogonal(void)
{
    const LimExec exec = serial();
    LimGanTraining p = settings();
    LimDataset *d = toy_dataset(7, 1, 28, 3, 1);
    double with[2];
    p.model.g_ch = p.model.d_ch = 2;
    p.model.init = LIM_BIGGAN_XAVIER;
    p.iterations = 30;
    p.g_lr = 2e-3;
    for (int i = 0; i < 2; i++) {
        p.ortho = i;
        LimTask *t = trainer(&p, d, NULL, NULL, &exec);
        run(t, 1000, &exec);
        with[i] = largest_product(lim_gan_trainer_generator(t));
        lim_task_free(t);
    }
    g_assert_cmpfloat(with[1], <, 0.8 * with[0]);
    lim_dataset_free(d);
}

/* What a line of the log says; keys are checked by the tests that ask for them. */
static json_t *
parsed(const char *line)
{
    json_error_t error;
    json_t *j = json_loads(line, 0, &error);
    if (!j)
        g_error("%s: %s", error.text, line);
    return j;
}

static double
number(const json_t *line, const char *key)
{
    const json_t *j = json_object_get(line, key);
    if (!json_is_number(j))
        g_error("no %s in the line", key);
    return json_number_value(j);
}

/* With the penalty the discriminator is flatter where the pictures are: its slope, which the log
 * reports, stays lower. */
static void
test_r1(void)
{
    const LimExec exec = serial();
    LimGanTraining p = settings();
    LimDataset *d = toy_dataset(7, 1, 28, 3, 1);
    double slope[2];
    p.model.g_ch = p.model.d_ch = 2;
    p.iterations = p.log_every = 20;
    p.d_lr = 2e-3;
    for (int i = 0; i < 2; i++) {
        GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
        p.r1 = i ? 10 : 1e-6;
        LimTask *t = trainer(&p, d, NULL, lines, &exec);
        run(t, 1000, &exec);
        json_t *line = parsed(lines->pdata[lines->len - 1]);
        slope[i] = number(line, "r1") / p.r1;
        json_decref(line);
        lim_task_free(t);
        g_ptr_array_unref(lines);
    }
    g_assert_cmpfloat(slope[1], >, 0);
    g_assert_cmpfloat(slope[1], <, 0.5 * slope[0]);
    lim_dataset_free(d);
}

/* The largest singular value of the raw weights, from the log. */
static void
test_spectra(void)
{
    const LimExec exec = serial();
    LimGanTraining p = settings();
    LimDataset *d = toy_dataset(7, 1, 28, 3, 1);
    p.model.g_ch = p.model.d_ch = 2;
    p.iterations = 4;
    p.spectra_every = 2;
    p.log_every = 4;
    for (int clamped = 0; clamped < 2; clamped++) {
        GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
        p.clamp = clamped ? 0.4 : 0;
        LimTask *t = trainer(&p, d, NULL, lines, &exec);
        run(t, 1000, &exec);
        g_assert_cmpuint(lines->len, ==, 3);
        json_t *line = parsed(lines->pdata[1]), *v;
        const json_t *all = json_object_get(line, "singular_values");
        g_assert_cmpint((int)number(line, "iteration"), ==, 4);
        const char *nets[] = {"g", "d"}, *key;
        for (int k = 0; k < 2; k++) {
            g_assert_cmpint(json_object_size(json_object_get(all, nets[k])), >, 10);
            json_object_foreach(json_object_get(all, nets[k]), key, v)
            {
                const double s0 = json_real_value(json_array_get(v, 0));
                const double s1 = json_real_value(json_array_get(v, 1));
                const double s2 = json_real_value(json_array_get(v, 2));
                g_assert_true(s2 >= 0 && s1 >= s2 && s0 >= s1);
                if (k == 0 && clamped) /* orthogonal weights have many alike; one goes at a time */
                    g_assert_cmpfloat(s0, <, 1.1);
                else
                    g_assert_cmpfloat_with_epsilon(s0, 1, 0.2);
            }
        }
        /* one row has one singular value, so one sweep finds and clamps it */
        v = json_object_get(json_object_get(all, "g"), "conv_out.weight");
        g_assert_cmpfloat_with_epsilon(json_real_value(json_array_get(v, 0)), clamped ? 0.4 : 1,
                                       clamped ? 1e-3 : 0.2);
        g_assert_true(fpclassify(json_real_value(json_array_get(v, 1))) == FP_ZERO);
        json_decref(line);
        lim_task_free(t);
        g_ptr_array_unref(lines);
    }
    lim_dataset_free(d);
}

/* One picture, and a discriminator that stays as it is: held out, the same picture has the same
 * score and another one another; looking changes nothing. */
static void
test_held_out(void)
{
    const LimExec exec = serial();
    LimGanTraining p = settings();
    LimDataset *d = toy_dataset(1, 1, 28, 3, 1), *other = toy_dataset(1, 1, 28, 3, 1);
    for (int i = 0; i < 28 * 28; i++)
        other->pixels[i] = (uint8_t)(255 - other->pixels[i]);
    uint64_t seen[3];
    p.iterations = p.log_every = 3;
    p.flip = false;
    p.d_lr = 0;
    for (int i = 0; i < 3; i++) {
        GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
        LimError err = LIM_ERROR_INIT;
        p.held_out = i > 0;
        LimTask *t =
            lim_gan_trainer_new(&p, d, i == 1 ? d : other, NULL, toy_log(lines), &exec, &err);
        g_assert_cmpstr(err.text, ==, "");
        run(t, 1000, &exec);
        json_t *line = parsed(lines->pdata[lines->len - 1]);
        g_assert_true((json_object_get(line, "d_held_out") != NULL) == (i > 0));
        if (i) {
            const double real = number(line, "d_real"), held = number(line, "d_held_out");
            const double difference = fabs(held - real) / fabs(real);
            if (i == 1)
                g_assert_cmpfloat(difference, <, 1e-3);
            else
                g_assert_cmpfloat(difference, >, 1e-2);
            g_assert_true(number(line, "d_held_out_share") == (held > 0));
            g_assert_true(number(line, "d_real_share") == (real > 0));
        }
        seen[i] = hash(t);
        json_decref(line);
        lim_task_free(t);
        g_ptr_array_unref(lines);
    }
    g_assert_true(seen[0] == seen[1] && seen[1] == seen[2]);
    lim_dataset_free(d);
    lim_dataset_free(other);
}

/* A training in which the discriminator has won, from its log, and one that is no longer a number:
 * both stop, say so in a sentence, and leave the checkpoint of before. */
static void
test_collapse(void)
{
    const LimExec exec = serial();
    LimGanTraining p = settings();
    LimDataset *d = toy_dataset(7, 1, 28, 3, 1);
    char *path = toy_path("collapse"), *before, *after;
    gsize n_before, n_after;
    p.model.g_ch = p.model.d_ch = 2;
    p.iterations = 1000;
    p.d_steps = 1;
    p.g_lr = 0; /* nobody opposes it */
    p.d_lr = 1e-2;
    p.log_every = 10;
    p.checkpoint_every = 10;
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    LimTask *t = trainer(&p, d, path, lines, &exec);
    LimError err = LIM_ERROR_INIT;
    LimStep step = LIM_STEP_MORE;
    while (step == LIM_STEP_MORE)
        step = lim_task_step(t, &exec, NULL, &err);
    g_assert_cmpint(step, ==, LIM_STEP_FAILED);
    g_assert_cmpint(err.code, ==, LIM_E_NUMERIC);
    toy_assert_sentence(&err);
    g_assert_nonnull(strstr(err.text, "collapsed"));
    g_assert_nonnull(strstr(err.text, path));
    const int64_t at = lim_gan_trainer_iterations(t);
    g_assert_cmpint(at, <, 1000);
    /* the first line with a symptom that stayed; the checkpoint is from before it */
    int first = 0;
    for (guint i = 0; i < lines->len; i++) {
        json_t *line = parsed(lines->pdata[i]);
        if (!json_object_get(line, "symptom"))
            first = 0;
        else if (!first)
            first = (int)number(line, "iteration");
        json_decref(line);
    }
    g_assert_cmpint(at - first, ==, 200);
    lim_task_free(t);
    t = trainer(&p, d, path, lines, &exec);
    g_assert_cmpint(lim_gan_trainer_iterations(t), ==, first - 10);
    lim_task_free(t);

    /* without the stop it goes on */
    p.stop_on_collapse = false;
    p.iterations = (int)at + 10;
    t = trainer(&p, d, path, lines, &exec);
    g_assert_cmpint(run(t, 10000, &exec), ==, LIM_STEP_DONE);
    lim_task_free(t);

    /* not a number */
    g_assert_true(g_file_get_contents(path, &before, &n_before, NULL));
    p.iterations += 10;
    t = trainer(&p, d, path, lines, &exec);
    LimStore *net = lim_gan_trainer_discriminator(t);
    lim_store_data(net, lim_store_find(net, "linear.bias"))[0] = (float)NAN;
    g_assert_cmpint(lim_task_step(t, &exec, NULL, &err), ==, LIM_STEP_FAILED);
    g_assert_cmpint(err.code, ==, LIM_E_NUMERIC);
    lim_task_free(t);
    g_assert_true(g_file_get_contents(path, &after, &n_after, NULL));
    g_assert_cmpmem(before, n_before, after, n_after);
    g_free(before);
    g_free(after);
    g_ptr_array_unref(lines);
    lim_dataset_free(d);
    g_free(path);
}

/* Samples that were different and become alike: the last batch norm's gain goes to zero, and with
 * it every difference between latents. */
static void
test_alike(void)
{
    const LimExec exec = serial();
    LimGanTraining p = settings();
    LimDataset *d = toy_dataset(30, 1, 28, 3, 1);
    p.model.g_ch = p.model.d_ch = 2;
    p.iterations = 1000;
    p.batch = 6;
    p.d_steps = 1;
    p.g_lr = p.d_lr = 0;
    p.log_every = 1;
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    LimTask *t = trainer(&p, d, NULL, lines, &exec);
    LimStore *g = lim_gan_trainer_generator(t);
    run(t, 2, &exec);
    json_t *line = parsed(lines->pdata[0]);
    g_assert_cmpfloat(number(line, "variety"), >, 0.25);
    g_assert_null(json_object_get(line, "symptom"));
    json_decref(line);
    memset(lim_store_data(g, lim_store_find(g, "bn.weight")), 0, 8 * sizeof(float));
    LimError err = LIM_ERROR_INIT;
    LimStep step = LIM_STEP_MORE;
    while (step == LIM_STEP_MORE)
        step = lim_task_step(t, &exec, NULL, &err);
    g_assert_cmpint(err.code, ==, LIM_E_NUMERIC);
    g_assert_nonnull(strstr(err.text, "alike"));
    g_assert_cmpint(lim_gan_trainer_iterations(t), ==, 202);
    line = parsed(lines->pdata[1]);
    g_assert_nonnull(json_object_get(line, "symptom"));
    json_decref(line);
    lim_task_free(t);
    g_ptr_array_unref(lines);
    lim_dataset_free(d);
}

/* More iterations than the checkpoint was made for: fine while the rates do not depend on them. */
static void
test_longer(void)
{
    const LimExec exec = serial();
    LimGanTraining p = settings();
    LimDataset *d = toy_dataset(7, 1, 28, 3, 1);
    char *whole = toy_path("whole"), *parts = toy_path("parts");
    p.iterations = 5;
    train_to(whole, &p, d, &exec);
    p.iterations = 2;
    train_to(parts, &p, d, &exec);
    p.iterations = 5;
    LimTask *t = trainer(&p, d, parts, NULL, &exec);
    g_assert_cmpint(run(t, 100, &exec), ==, LIM_STEP_DONE);
    lim_task_free(t);
    toy_assert_same_file(whole, parts);
    p.iterations = 4; /* fewer: it is already done */
    t = trainer(&p, d, parts, NULL, &exec);
    g_assert_cmpint(run(t, 1, &exec), ==, LIM_STEP_DONE);
    g_assert_cmpint(lim_gan_trainer_iterations(t), ==, 5);
    lim_task_free(t);
    lim_dataset_free(d);
    g_free(whole);
    g_free(parts);
}

static void
test_cancelled(void)
{
    LimCancel cancel = {false};
    const LimExec plain = serial();
    const LimExec exec = {.kernels = toy_tripping_kernels(&cancel), .cancel = &cancel};
    const LimGanTraining p = settings();
    LimDataset *d = toy_dataset(7, 1, 28, 3, 1);
    char *whole = toy_path("whole"), *parts = toy_path("parts");
    train_to(whole, &p, d, &plain);
    g_remove(parts);
    LimTask *t = trainer(&p, d, parts, NULL, &exec);
    int stopped = 0;
    for (int place = 1;; place += 7) {
        const uint64_t before = hash(t);
        const int64_t iterations = lim_gan_trainer_iterations(t);
        LimError err = LIM_ERROR_INIT;
        toy_trip_after(place);
        LimStep step = lim_task_step(t, &exec, NULL, &err);
        if (step == LIM_STEP_DONE)
            break;
        if (step == LIM_STEP_FAILED) {
            g_assert_cmpint(err.code, ==, LIM_CANCELLED);
            g_assert_true(hash(t) == before);
            g_assert_cmpint(lim_gan_trainer_iterations(t), ==, iterations);
            stopped++;
        } else {
            place = -6; /* the step has fewer kernels than that */
        }
        toy_trip_after(0);
        atomic_store(&cancel.flag, false);
    }
    g_assert_cmpint(stopped, >, 50);
    lim_task_free(t);
    toy_assert_same_file(whole, parts);
    lim_dataset_free(d);
    g_free(whole);
    g_free(parts);
}

static void
test_same_bytes(void)
{
    LimExec exec = serial();
    LimGanTraining p = settings();
    LimDataset *d = toy_dataset(7, 1, 28, 3, 1);
    char *a = toy_path("a"), *b = toy_path("b");
    train_to(a, &p, d, &exec);
    train_to(b, &p, d, &exec);
    toy_assert_same_file(a, b);
    for (int threads = 2; threads <= 3; threads++) {
        exec.pool = lim_pool_new(threads);
        train_to(b, &p, d, &exec);
        toy_assert_same_file(a, b);
        lim_pool_free(exec.pool);
    }
    exec.pool = NULL;
    /* another seed: other weights, both before and after */
    uint64_t seen[4];
    for (int i = 0; i < 2; i++) {
        LimTask *t = trainer(&p, d, NULL, NULL, &exec);
        seen[i] = hash(t);
        run(t, 100, &exec);
        seen[2 + i] = hash(t);
        lim_task_free(t);
        p.seed++;
    }
    g_assert_true(seen[0] != seen[1] && seen[2] != seen[3] && seen[0] != seen[2]);
    lim_dataset_free(d);
    g_free(a);
    g_free(b);
}

static void
refused(const LimGanTraining *p, const LimDataset *d, const char *path, LimStatus code)
{
    const LimExec exec = serial();
    LimError err = LIM_ERROR_INIT;
    g_assert_null(lim_gan_trainer_new(p, d, NULL, path, toy_log(NULL), &exec, &err));
    toy_assert_sentence(&err);
    if (code != LIM_OK)
        g_assert_cmpint(err.code, ==, code);
    g_assert_null(lim_gan_trainer_new(p, d, NULL, path, toy_log(NULL), &exec, NULL));
}

static void
test_other_settings(void)
{
    const LimExec exec = serial();
    LimGanTraining p = settings();
    p.lr_decay_from = 0.5;
    LimDataset *d = toy_dataset(7, 1, 28, 3, 1);
    char *path = toy_path("settings"), *before, *after;
    gsize n_before, n_after;
    LimTask *t = trainer(&p, d, path, NULL, &exec);
    run(t, 2, &exec);
    g_assert_cmpint(lim_gan_trainer_checkpoint(t, NULL), ==, LIM_OK);
    lim_task_free(t);
    g_assert_true(g_file_get_contents(path, &before, &n_before, NULL));
#define OTHER(change)                      \
    do {                                   \
        LimGanTraining q = p;              \
        q.change;                          \
        refused(&q, d, path, LIM_E_PARAM); \
    } while (0)
    OTHER(seed = 2);
    OTHER(iterations = 4); /* the rates fall with it */
    OTHER(batch = 5);
    OTHER(d_steps = 1);
    OTHER(g_lr = 1e-3);
    OTHER(d_lr = 1e-3);
    OTHER(beta1 = 0.4);
    OTHER(beta2 = 0.9);
    OTHER(adam_eps = 1e-7);
    OTHER(ema_decay = 0.9);
    OTHER(accumulate = 2);
    OTHER(ema_start = 2);
    OTHER(ortho = 1e-4);
    OTHER(r1 = 1);
    OTHER(clamp = 2);
    OTHER(lr_decay_from = 0.6);
    OTHER(flip = false);
    OTHER(model.architecture = LIM_BIGGAN_DEEP);
    OTHER(model.g_ch = 3);
    OTHER(model.d_ch = 3);
    OTHER(model.latent = 12);
    OTHER(model.shared = 5);
    OTHER(model.g_attention = false);
    OTHER(model.d_attention = false);
    OTHER(model.g_attention_size = LIM_BIGGAN_8);
    OTHER(model.d_attention_size = LIM_BIGGAN_32);
    OTHER(model.attention = LIM_ATTENTION_PAPER);
    OTHER(model.skip_z = false);
    OTHER(model.shared_embedding = false);
    OTHER(model.spectral_norm = LIM_BIGGAN_SN_D);
    OTHER(model.wide_d = false);
    OTHER(model.init = LIM_BIGGAN_NORMAL);
    g_assert_true(g_file_get_contents(path, &after, &n_after, NULL));
    g_assert_cmpmem(before, n_before, after, n_after);
    LimGanTraining q = p;
    q.checkpoint_every = 7;
    q.log_every = 9;
    q.standing_passes = 9;
    q.standing_threshold = 1;
    q.spectra_every = 3;
    q.stop_on_collapse = false;
    lim_task_free(trainer(&q, d, path, NULL, &exec)); /* these change nothing that is learnt */
    g_free(before);
    g_free(after);
    g_free(path);
    lim_dataset_free(d);
}

/* The sound file, with other values at the start of a tensor. */
static void
refused_with(const LimGanTraining *p, const LimDataset *d, const char *path, const char *good,
             gsize size, const char *tensor, const void *values, size_t bytes)
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
    const LimGanTraining p = settings();
    LimDataset *d = toy_dataset(7, 1, 28, 3, 1);
    char *path = toy_path("damaged"), *good;
    gsize size;
    LimTask *t = trainer(&p, d, path, NULL, &exec);
    run(t, 4, &exec);
    g_assert_cmpint(lim_gan_trainer_checkpoint(t, NULL), ==, LIM_OK);
    lim_task_free(t);
    g_assert_true(g_file_get_contents(path, &good, &size, NULL));
    for (gsize cut = 0; cut < size; cut += cut < 512 ? 128 : size / 20) {
        toy_write(path, good, cut);
        refused(&p, d, path, LIM_OK);
    }
    const char *words[] = {"limen.checkpoint", "limen.settings",  "\"gan\"",
                           "position",         "log_sums",        "g.linear.weight",
                           "d.linear.weight",  "ema.linear.bias", "g_optim.v.",
                           "d_optim.steps"};
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        char *bad = g_memdup2(good, size), *at = strstr(bad + 8, words[i]);
        g_assert_nonnull(at);
        at[2] ^= 1;
        toy_write(path, bad, size);
        refused(&p, d, path, LIM_OK);
        g_free(bad);
    }
    const int32_t positions[][2] = {{-1, 0}, {0, -1}, {0, 3}};
    for (int i = 0; i < 3; i++)
        refused_with(&p, d, path, good, size, "position", positions[i], 8);
    /* sums, and the numbers of steps that they are over */
    const double inf = (double)INFINITY;
    const double sums[][6] = {{inf, 0, 0, 0, 1, 1},
                              {0, 0, 0, 0, (double)NAN, 1},
                              {0, 0, 0, 0, 1e300, 1},
                              {0, 0, 0, 0, 1, -1}};
    for (int i = 0; i < 4; i++)
        refused_with(&p, d, path, good, size, "log_sums", sums[i], sizeof sums[i]);
    refused_with(&p, d, path, good, size, "log_more", &inf, sizeof inf);
    const int32_t steps[] = {-1, INT32_MAX};
    for (int i = 0; i < 2; i++)
        refused_with(&p, d, path, good, size, "g_optim.steps", &steps[i], 4);
    toy_write(path, good, size);
    t = trainer(&p, d, path, NULL, &exec);
    g_assert_cmpint(lim_gan_trainer_iterations(t), ==, 1);
    lim_task_free(t);
    g_free(good);
    g_free(path);
    lim_dataset_free(d);
}

static void
test_unwritable_checkpoint(void)
{
    const LimExec exec = serial();
    LimGanTraining p = settings();
    LimDataset *d = toy_dataset(7, 1, 28, 3, 1);
    char *whole = toy_path("whole"), *folder = toy_path("missing");
    char *path = g_build_filename(folder, "checkpoint", NULL);
    train_to(whole, &p, d, &exec);
    p.checkpoint_every = 1;
    LimTask *t = trainer(&p, d, path, NULL, &exec);
    run(t, 2, &exec);
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(lim_task_step(t, &exec, NULL, &err), ==, LIM_STEP_FAILED);
    g_assert_cmpint(err.code, ==, LIM_E_IO);
    toy_assert_sentence(&err);
    g_assert_cmpint(g_mkdir(folder, 0700), ==, 0);
    g_assert_cmpint(run(t, 100, &exec), ==, LIM_STEP_DONE);
    lim_task_free(t);
    toy_assert_same_file(whole, path);
    g_assert_cmpint(g_remove(path), ==, 0);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
    g_free(whole);
    g_free(path);
    g_free(folder);
    lim_dataset_free(d);
}

static void
test_wrong_data(void)
{
    const LimGanTraining p = settings();
    const struct {
        int n, c, size, classes;
    } bad[] = {{7, 3, 28, 3}, {7, 1, 33, 3}, {7, 1, 28, 4}, {7, 1, 28, 2}};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        LimDataset *d = toy_dataset(bad[i].n, bad[i].c, bad[i].size, bad[i].classes, 1);
        refused(&p, d, NULL, LIM_E_PARAM);
        lim_dataset_free(d);
    }
    LimDataset *d = toy_dataset(7, 1, 28, 3, 1);
    LimGanTraining q = p;
    q.model.latent = 10; /* four slots */
    refused(&q, d, NULL, LIM_E_PARAM);
    q = p;
    q.batch = 1;
    refused(&q, d, NULL, LIM_E_PARAM);
    q = p;
    q.model.g_ch = 1;
    refused(&q, d, NULL, LIM_E_PARAM);
    q = p;
    q.held_out = true; /* of what? */
    refused(&q, d, NULL, LIM_E_PARAM);
    lim_dataset_free(d);
}

static void
save(LimTask *t, const char *path, bool as_f16, const LimExec *exec)
{
    LimError err = LIM_ERROR_INIT;
    LimTask *s = lim_gan_save_new(t, path, "a test", as_f16, exec, &err);
    g_assert_cmpstr(err.text, ==, "");
    g_assert_cmpint(run(s, 1000, exec), ==, LIM_STEP_DONE);
    lim_task_free(s);
}

/* Trains a network of another shape, saves it, loads it: its samples are finite and differ. */
static void
train_and_draw(LimGanTraining p, const char *what)
{
    const LimExec exec = serial();
    char *path = toy_path("other.safetensors");
    p.d_steps = 1;
    p.iterations = 2;
    g_test_message("%s", what);
    LimDataset *d = toy_dataset(3, p.model.channels, 32, 3, 1); /* fewer than a batch */
    LimTask *t = trainer(&p, d, NULL, NULL, &exec);
    g_assert_cmpint(run(t, 100, &exec), ==, LIM_STEP_DONE);
    save(t, path, false, &exec);
    lim_task_free(t);
    lim_dataset_free(d);

    LimError err = LIM_ERROR_INIT;
    LimGenerator *g = lim_generator_load(path, &err);
    g_assert_cmpstr(err.text, ==, "");
    LimSampleRequest r;
    lim_params_init(lim_sample_schema, &r);
    r.count = 2;
    r.label = 1;
    LimTask *sample = lim_sample_task_new(g, &r);
    g_assert_cmpint(lim_task_step(sample, &exec, NULL, &err), ==, LIM_STEP_DONE);
    const float *x = lim_tensor_f32(lim_sample_task_image(sample));
    const int64_t n = lim_tensor_size(lim_sample_task_image(sample)) / 2;
    for (int64_t i = 0; i < 2 * n; i++)
        g_assert_true(x[i] >= -1 && x[i] <= 1);
    g_assert_true(memcmp(x, x + n, (size_t)n * sizeof *x) != 0);
    lim_task_free(sample);
    lim_generator_free(g);
    g_free(path);
}

/* Every switch of the networks by itself, and what goes together in SAGAN. */
static void
test_other_shapes(void)
{
    LimGanTraining p = settings();
    p.model.g_ch = p.model.d_ch = 2;
#define TRY(...)                         \
    do {                                 \
        LimGanTraining q = p;            \
        LimBigganParams *m = &q.model;   \
        __VA_ARGS__;                     \
        train_and_draw(q, #__VA_ARGS__); \
    } while (0)
    TRY(m->channels = 3, m->g_attention = m->d_attention = false);
    TRY(m->g_attention_size = LIM_BIGGAN_8, m->d_attention_size = LIM_BIGGAN_8);
    TRY(m->g_attention_size = LIM_BIGGAN_32, m->d_attention_size = LIM_BIGGAN_32);
    TRY(m->attention = LIM_ATTENTION_PAPER);
    TRY(m->attention = LIM_ATTENTION_RESIDUAL);
    TRY(m->skip_z = false, m->latent = 7);
    TRY(m->shared_embedding = false);
    TRY(m->skip_z = m->shared_embedding = false);
    TRY(m->spectral_norm = LIM_BIGGAN_SN_NONE);
    TRY(m->spectral_norm = LIM_BIGGAN_SN_D);
    TRY(m->wide_d = false);
    TRY(m->architecture = LIM_BIGGAN_DEEP, m->latent = 7);
    TRY(m->architecture = LIM_BIGGAN_DEEP, m->shared_embedding = m->skip_z = false);
    TRY(m->architecture = LIM_BIGGAN_DEEP,
        m->g_attention_size = m->d_attention_size = LIM_BIGGAN_32);
    TRY(m->architecture = LIM_BIGGAN_DEEP,
        m->g_attention_size = m->d_attention_size = LIM_BIGGAN_8);
    TRY(m->init = LIM_BIGGAN_NORMAL);
    TRY(m->init = LIM_BIGGAN_XAVIER);
}

/* The residual block costs what the attention costs, to the one gamma. */
static void
test_matched_parameters(void)
{
    const LimExec exec = serial();
    LimGanTraining p = settings();
    LimDataset *d = toy_dataset(7, 1, 28, 3, 1);
    int64_t n[3][2];
    for (int i = 0; i < 3; i++) {
        p.model.attention = i == 1 ? LIM_ATTENTION_RESIDUAL : LIM_ATTENTION_POOLED;
        p.model.g_attention = p.model.d_attention = i < 2;
        LimTask *t = trainer(&p, d, NULL, NULL, &exec);
        n[i][0] = lim_store_parameters(lim_gan_trainer_generator(t));
        n[i][1] = lim_store_parameters(lim_gan_trainer_discriminator(t));
        lim_task_free(t);
    }
    for (int k = 0; k < 2; k++) { /* 16 channels: 5/4 16^2 */
        g_assert_cmpint(n[0][k] - n[2][k], ==, 321);
        g_assert_cmpint(n[1][k] - n[2][k], ==, 320);
    }
    lim_dataset_free(d);
}

/* What was trained can be drawn from; standing statistics leave the trainer alone; and the average
 * of a training that was interrupted is that of one that was not. */
static void
test_save(void)
{
    const LimExec exec = serial();
    LimGanTraining p = settings();
    p.model.g_ch = p.model.d_ch = 2;
    LimDataset *d = toy_dataset(7, 1, 28, 3, 1);
    LimTask *t = trainer(&p, d, NULL, NULL, &exec);
    run(t, 100, &exec);
    const uint64_t before = hash(t);
    char *path = toy_path("generator.safetensors"), *parts = toy_path("parts.safetensors");
    LimError err = LIM_ERROR_INIT;
    save(t, path, true, &exec);
    g_assert_true(hash(t) == before);
    LimGenerator *g = lim_generator_load(path, &err);
    g_assert_cmpstr(err.text, ==, "");
    g_assert_cmpint(lim_generator_classes(g), ==, 3);
    g_assert_cmpint(lim_generator_latent_size(g), ==, 8);
    g_assert_cmpstr(lim_generator_class_name(g, 2), ==, "class 2");
    LimSampleRequest r;
    lim_params_init(lim_sample_schema, &r);
    LimTask *sample = lim_sample_task_new(g, &r);
    g_assert_cmpint(lim_task_step(sample, &exec, NULL, &err), ==, LIM_STEP_DONE);
    const float *x = lim_tensor_f32(lim_sample_task_image(sample));
    float low = 1, high = -1;
    for (int64_t i = 0; i < lim_tensor_size(lim_sample_task_image(sample)); i++) {
        g_assert_true(x[i] >= -1 && x[i] <= 1);
        low = MIN(low, x[i]);
        high = MAX(high, x[i]);
    }
    g_assert_cmpfloat(high, >, low);
    lim_task_free(sample);
    lim_generator_free(g);
    lim_task_free(t);

    char *checkpoint = toy_path("save-checkpoint");
    t = trainer(&p, d, checkpoint, NULL, &exec);
    run(t, 7, &exec); /* two iterations, so the average is neither of the weights it has seen */
    g_assert_cmpint(lim_gan_trainer_checkpoint(t, &err), ==, LIM_OK);
    lim_task_free(t);
    t = trainer(&p, d, checkpoint, NULL, &exec);
    run(t, 100, &exec);
    save(t, parts, true, &exec);
    lim_task_free(t);
    toy_assert_same_file(path, parts);
    lim_dataset_free(d);
    g_free(checkpoint);
    g_free(path);
    g_free(parts);
}

/* Statistics under a threshold are others, the weights are the same. */
static void
test_standing(void)
{
    const LimExec exec = serial();
    LimGanTraining p = settings();
    LimDataset *d = toy_dataset(7, 1, 28, 3, 1);
    char *path[3] = {toy_path("untruncated"), toy_path("truncated"), toy_path("longer")};
    LimStFile *f[3];
    LimError err = LIM_ERROR_INIT;
    for (int i = 0; i < 3; i++) {
        p.standing_threshold = i == 1 ? 0.1 : 0;
        p.standing_passes = i == 2 ? 5 : 2;
        LimTask *t = trainer(&p, d, NULL, NULL, &exec);
        run(t, 100, &exec);
        save(t, path[i], false, &exec);
        lim_task_free(t);
        f[i] = lim_st_open(path[i], &err);
        g_assert_cmpstr(err.text, ==, "");
        g_free(path[i]);
    }
    for (size_t k = 0; k < lim_st_count(f[0]); k++) {
        const char *name = lim_st_name(f[0], k);
        const size_t n = (size_t)lim_shape_size(lim_st_shape(f[0], k)) * sizeof(float);
        for (int i = 1; i < 3; i++) {
            LimTensor *a = lim_st_get(f[0], name, &err), *b = lim_st_get(f[i], name, &err);
            const bool same = memcmp(lim_tensor_f32(a), lim_tensor_f32(b), n) == 0;
            if (g_str_has_suffix(name, "running_var"))
                g_assert_false(same);
            else if (g_str_has_suffix(name, "weight") || g_str_has_suffix(name, "gamma"))
                g_assert_true(same);
            lim_tensor_unref(a);
            lim_tensor_unref(b);
        }
    }
    for (int i = 0; i < 3; i++)
        lim_st_free(f[i]);
    lim_dataset_free(d);
}

/* The saved generator is the average: of the last weights only with decay 0 or before the average
 * starts, else behind them. */
static void
test_average(void)
{
    const LimExec exec = serial();
    LimGanTraining p = settings();
    p.model.g_ch = p.model.d_ch = 2;
    LimDataset *d = toy_dataset(7, 1, 28, 3, 1);
    char *path = toy_path("average.safetensors");
    for (int how = 0; how < 3; how++) {
        const bool averaged = how == 1;
        p.ema_decay = how ? 0.9 : 0;
        p.ema_start = how == 2 ? 3 : 0;
        LimTask *t = trainer(&p, d, NULL, NULL, &exec);
        run(t, 100, &exec);
        LimError err = LIM_ERROR_INIT;
        save(t, path, false, &exec);
        LimStFile *f = lim_st_open(path, &err);
        LimStore *raw = lim_gan_trainer_generator(t);
        int differ = 0;
        for (int i = 0; i < lim_store_count(raw); i++) {
            if (!lim_store_trained(raw, i))
                continue;
            LimTensor *saved = lim_st_get(f, lim_store_name(raw, i), &err);
            g_assert_cmpstr(err.text, ==, "");
            differ += memcmp(lim_tensor_f32(saved), lim_store_data(raw, i),
                             (size_t)lim_tensor_size(saved) * sizeof(float)) != 0;
            lim_tensor_unref(saved);
        }
        if (averaged)
            g_assert_cmpint(differ, >, 20);
        else
            g_assert_cmpint(differ, ==, 0);
        lim_st_free(f);
        lim_task_free(t);
    }
    lim_dataset_free(d);
    g_free(path);
}

/* ---- killed -----------------------------------------------------------------------------------
 */

/* A training long enough to be killed in, most of it writing checkpoints. */
static LimGanTraining
long_settings(void)
{
    LimGanTraining p = settings();
    p.model.g_ch = p.model.d_ch = 2;
    p.iterations = 60;
    p.batch = 2;
    p.d_steps = 1;
    p.checkpoint_every = 1;
    return p;
}

static void
train_long(const char *path)
{
    const LimExec exec = serial();
    const LimGanTraining p = long_settings();
    LimDataset *d = toy_dataset(7, 1, 28, 3, 1);
    LimTask *t = trainer(&p, d, path, NULL, &exec);
    g_assert_cmpint(run(t, 100000, &exec), ==, LIM_STEP_DONE);
    lim_task_free(t);
    lim_dataset_free(d);
}

static GPid
start(const char *path)
{
    char *self = g_file_read_link("/proc/self/exe", NULL);
    char *argv[] = {self, (char *)"--train", (char *)(uintptr_t)path, NULL};
    GPid pid;
    GError *error = NULL;
    g_spawn_async(NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, &error);
    g_assert_no_error(error);
    g_free(self);
    return pid;
}

/* This program, started as a training and killed six times, then left to finish. The undisturbed
 * training runs in this process, which has had thread pools before; the others never have one. */
static void
test_killed(void)
{
    char *whole = toy_path("undisturbed"), *path = toy_path("killed");
    train_long(whole);
    int killed = 0, status;
    for (int i = 0; i < 6; i++) {
        GPid pid = start(path);
        /* never before the first checkpoint of all, or a slow machine would get nowhere */
        siginfo_t ended = {0};
        while (!g_file_test(path, G_FILE_TEST_EXISTS) && !ended.si_pid) {
            g_assert_cmpint(waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOHANG | WNOWAIT), ==, 0);
            g_usleep(1000);
        }
        g_usleep(lim_rng_below(1, LIM_STREAM_TEST, (uint64_t)i, 60000));
        kill(pid, SIGKILL);
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    }
    g_assert_cmpint(killed, >, 0);
    GPid pid = start(path);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 0);
    toy_assert_same_file(whole, path);
    g_free(whole);
    g_free(path);
}

int
main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--train") == 0) {
        train_long(argv[2]);
        return 0;
    }
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gan/continues", test_continues);
    g_test_add_func("/gan/accumulate", test_accumulate);
    g_test_add_func("/gan/orthogonal", test_orthogonal);
    g_test_add_func("/gan/r1", test_r1);
    g_test_add_func("/gan/spectra", test_spectra);
    g_test_add_func("/gan/held-out", test_held_out);
    g_test_add_func("/gan/collapse", test_collapse);
    g_test_add_func("/gan/alike", test_alike);
    g_test_add_func("/gan/longer", test_longer);
    g_test_add_func("/gan/cancelled", test_cancelled);
    g_test_add_func("/gan/same-bytes", test_same_bytes);
    g_test_add_func("/gan/other-settings", test_other_settings);
    g_test_add_func("/gan/damaged-checkpoint", test_damaged_checkpoint);
    g_test_add_func("/gan/unwritable-checkpoint", test_unwritable_checkpoint);
    g_test_add_func("/gan/wrong-data", test_wrong_data);
    g_test_add_func("/gan/other-shapes", test_other_shapes);
    g_test_add_func("/gan/matched-parameters", test_matched_parameters);
    g_test_add_func("/gan/save", test_save);
    g_test_add_func("/gan/standing", test_standing);
    g_test_add_func("/gan/average", test_average);
    g_test_add_func("/gan/killed", test_killed);
    const int failed = g_test_run();
    toy_clear();
    return failed;
}
