/* Universal perturbations on linear classifiers, against the algorithm written down anew, and their
 * checkpoints and files. */
#include "attacks/universalfile.h"
#include "base/rng.h"
#include "models/support.h"
#include "tensor/png.h"
#include "tensor/safetensors.h"
#include "toy.h"
#include "train/toy.h"

#include <glib/gstdio.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define SIZE    12
#define CLASSES 3
#define N       40

static float weight[CLASSES * SIZE], bias[CLASSES];
static const LimExec exec;

/* Its boundaries meet at the centre of the range of pictures. */
static LimVictim *
linear(void)
{
    lim_rng_normal(5, LIM_STREAM_TEST, 0, weight, CLASSES * SIZE);
    for (int k = 0; k < CLASSES; k++) {
        float mean = 0;
        for (int j = 0; j < SIZE; j++)
            mean += weight[k * SIZE + j] / SIZE;
        for (int j = 0; j < SIZE; j++)
            weight[k * SIZE + j] -= mean;
    }
    memset(bias, 0, sizeof bias);
    return toy_new(CLASSES, SIZE, weight, bias);
}

static void
fill(float *x, int n, float low, float high)
{
    lim_rng_uniform(6, LIM_STREAM_TEST, 0, x, (size_t)n);
    for (int j = 0; j < n; j++)
        x[j] = low + (high - low) * x[j];
}

static LimUniversalParams
settings(void)
{
    LimUniversalParams p;
    lim_params_init(lim_universal_schema, &p);
    p.norm = LIM_NORM_L2;
    p.xi = 0.2;
    p.batch = 1;
    p.passes = 3;
    return p;
}

static LimUniversal *
begin(LimVictim *v, const LimUniversalParams *p, const float *x, int n, const float *unseen,
      int n_unseen)
{
    LimError err = LIM_ERROR_INIT;
    const LimUniversalInput in = {
        .victim = v, .identity = 7, .n = n, .image = x, .n_unseen = n_unseen, .unseen = unseen};
    LimUniversal *u = lim_universal_new(p, &in, &err);
    g_assert_cmpstr(err.text, ==, "");
    return u;
}

static void
finish(LimUniversal *u)
{
    LimStep s;
    while ((s = lim_task_step(lim_universal_task(u), &exec, NULL, NULL)) == LIM_STEP_MORE)
        ;
    g_assert_cmpint(s, ==, LIM_STEP_DONE);
}

static void
test_project(void)
{
    float v[4] = {3, -4, 0, 0}, w[4] = {0.3f, -0.05f, -0.2f, 0.1f}, r[SIZE];
    lim_universal_project(LIM_NORM_L2, 2.5, v, 4);
    g_assert_cmpfloat_with_epsilon(v[0], 1.5, 1e-6);
    g_assert_cmpfloat_with_epsilon(v[1], -2, 1e-6);
    lim_universal_project(LIM_NORM_L2, 3, v, 4); /* inside: as it is */
    g_assert_cmpfloat_with_epsilon(v[0], 1.5, 1e-6);
    lim_universal_project(LIM_NORM_LINF, 0.1, w, 4);
    const float want[4] = {0.1f, -0.05f, -0.1f, 0.1f};
    g_assert_cmpmem(w, sizeof w, want, sizeof want);
    lim_universal_random(LIM_NORM_LINF, 0.1, 3, r, SIZE);
    for (int j = 0; j < SIZE; j++)
        g_assert_true(fabsf(r[j]) == 0.1f);
    lim_universal_random(LIM_NORM_L2, 2, 3, r, SIZE);
    const float zero[SIZE] = {0};
    g_assert_cmpfloat_with_epsilon(lim_l2(r, zero, SIZE), 2, 1e-5);
    const float x[2] = {0.9f, 0.5f}, by[2] = {0.5f, -0.1f};
    float out[2];
    lim_universal_apply(x, by, 2, 2, out);
    g_assert_cmpfloat(out[0], ==, 1);
    g_assert_cmpfloat_with_epsilon(out[1], 0.3, 1e-6);
}

static int
by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static double
noise_ratio(const LimUniversalNoise *in)
{
    LimTask *t = lim_universal_noise_new(in);
    LimStep s;
    while ((s = lim_task_step(t, &exec, NULL, NULL)) == LIM_STEP_MORE)
        ;
    g_assert_cmpint(s, ==, LIM_STEP_DONE);
    const double ratio = lim_universal_noise_ratio(t);
    lim_task_free(t);
    return ratio;
}

/* The ratios of noise are those of its five vectors, one by one; more pictures than a step takes.
 */
static void
test_noise(void)
{
    enum { PICTURES = 150 };
    LimVictim *victim = linear();
    LimError err = LIM_ERROR_INIT;
    float *x = g_new(float, PICTURES *SIZE), v[SIZE], noise[SIZE], sorted[SIZE];
    int32_t own[PICTURES], label[PICTURES];

    fill(x, PICTURES * SIZE, 0.3f, 0.7f);
    for (int j = 0; j < SIZE; j++)
        v[j] = j < 6 ? 0.02f * (float)j : -0.1f;
    g_assert_cmpint(lim_universal_labels(victim, &exec, x, PICTURES, NULL, 0, own, &err), ==,
                    LIM_OK);
    LimUniversalNoise in = {.victim = victim,
                            .n = PICTURES,
                            .image = x,
                            .own = own,
                            .norm = LIM_NORM_LINF,
                            .xi = 0.1,
                            .seed = 3};
    for (int permuted = 0; permuted < 2; permuted++) {
        double mean = 0;
        for (uint64_t k = 0; k < 5; k++) {
            if (permuted)
                lim_universal_permute(v, SIZE, 3 + k, noise);
            else
                lim_universal_random(LIM_NORM_LINF, 0.1, 3 + k, noise, SIZE);
            g_assert_cmpint(lim_universal_labels(victim, &exec, x, PICTURES, noise, 1, label, &err),
                            ==, LIM_OK);
            mean += lim_universal_ratio(own, label, PICTURES) / 5;
        }
        in.v = permuted ? v : NULL;
        g_assert_cmpfloat(mean, >, 0);
        g_assert_cmpfloat_with_epsilon(noise_ratio(&in), mean, 1e-12);
    }
    g_assert_true(memcmp(noise, v, sizeof v) != 0); /* the same values, elsewhere */
    memcpy(sorted, v, sizeof v);
    qsort(sorted, SIZE, sizeof *sorted, by_value);
    qsort(noise, SIZE, sizeof *noise, by_value);
    g_assert_cmpmem(noise, sizeof noise, sorted, sizeof sorted);
    g_free(x);
    lim_victim_free(victim);
}

/* ---- the algorithm, written down anew for a linear classifier, in double ---- */

static int
says(const double *x)
{
    double best = -INFINITY;
    int label = 0;
    for (int k = 0; k < CLASSES; k++) {
        double z = 0;
        for (int j = 0; j < SIZE; j++)
            z += (double)weight[k * SIZE + j] * x[j];
        if (z > best) {
            best = z;
            label = k;
        }
    }
    return label;
}

static void
one_picture(const float *x, double *v, const LimUniversalParams *p)
{
    double at[SIZE], own[SIZE];
    for (int j = 0; j < SIZE; j++) {
        own[j] = (double)x[j];
        at[j] = fmin(1, fmax(0, own[j] + v[j]));
    }
    const int label = says(own);
    if (says(at) != label)
        return;
    double nearest = INFINITY, step[SIZE] = {0};
    for (int k = 0; k < CLASSES; k++) {
        double f = 0, w2 = 0;
        for (int j = 0; j < SIZE && k != label; j++) {
            const double w = (double)weight[k * SIZE + j] - (double)weight[label * SIZE + j];
            f += w * at[j];
            w2 += w * w;
        }
        const double d = fabs(f) / sqrt(w2);
        if (k == label || d >= nearest)
            continue;
        nearest = d;
        for (int j = 0; j < SIZE; j++)
            step[j] = ((double)weight[k * SIZE + j] - (double)weight[label * SIZE + j]) / sqrt(w2) *
                      (d + 1e-4) * (1 + p->overshoot);
    }
    double length = 0;
    for (int j = 0; j < SIZE; j++) {
        v[j] += step[j];
        length += v[j] * v[j];
    }
    for (int j = 0; j < SIZE; j++)
        v[j] = p->norm == LIM_NORM_LINF ? fmin(p->xi, fmax(-p->xi, v[j]))
               : length > p->xi * p->xi ? v[j] * p->xi / sqrt(length)
                                        : v[j];
}

/* Pictures are far from 0 and 1, so nothing is clipped and one step is exact. */
static void
test_reference(void)
{
    float x[N * SIZE];
    fill(x, N * SIZE, 0.4f, 0.6f);
    for (int norm = 0; norm < 2; norm++) {
        LimUniversalParams p = settings();
        p.norm = norm;
        p.xi = norm ? 0.03 : 0.08;
        p.passes = 1;
        LimVictim *victim = linear();
        LimUniversal *u = begin(victim, &p, x, N, x, 10);
        finish(u);
        double v[SIZE] = {0};
        uint32_t order[N];
        lim_rng_permutation(p.seed, lim_rng_stream(LIM_STREAM_ATTACK, "universal", 0), order, N);
        for (int i = 0; i < N; i++)
            one_picture(x + order[i] * SIZE, v, &p);
        for (int j = 0; j < SIZE; j++)
            g_assert_cmpfloat_with_epsilon(lim_universal_v(u)[j], v[j], 2e-6);
        int fooled[2] = {0, 0};
        for (int i = 0; i < N; i++) {
            double a[SIZE], b[SIZE];
            for (int j = 0; j < SIZE; j++) {
                a[j] = (double)x[i * SIZE + j];
                b[j] = a[j] + (double)lim_universal_v(u)[j];
            }
            fooled[0] += says(a) != says(b);
            fooled[1] += i < 10 && says(a) != says(b);
        }
        g_assert_cmpint(fooled[0], >, 5);
        g_assert_cmpint(lim_universal_passes(u), ==, 2);
        g_assert_cmpfloat(lim_universal_pass(u, 0)->ratio, ==, 0);
        g_assert_cmpfloat(lim_universal_pass(u, 1)->ratio, ==, fooled[0] / (double)N);
        g_assert_cmpfloat(lim_universal_pass(u, 1)->unseen, ==, fooled[1] / 10.0);
        const LimUniversalNow now = lim_universal_now(u);
        g_assert_cmpint(now.additions, ==, lim_universal_pass(u, 1)->additions);
        g_assert_cmpint(now.additions, >, 0);
        lim_task_free(lim_universal_task(u));
        lim_victim_free(victim);
    }
}

/* Both methods, clipped pictures, several norms and batches: v stays in its ball, the ratio is that
 * of the best v, and with room enough everybody is fooled. */
static void
test_bounds(void)
{
    float x[N * SIZE];
    fill(x, N * SIZE, 0, 1);
    for (int method = 0; method < LIM_UNIVERSAL_METHODS; method++)
        for (int norm = 0; norm < 2; norm++)
            for (int batch = 1; batch < 20; batch += 6) {
                LimUniversalParams p = settings();
                p.method = method;
                p.norm = norm;
                p.batch = batch;
                p.passes = p.patience = 6;
                p.xi = norm ? 0.07 : 0.15;
                LimVictim *victim = linear();
                LimUniversal *u = begin(victim, &p, x, N, NULL, 0);
                finish(u);
                int32_t own[N], label[N];
                const float zero[SIZE] = {0}, *best = lim_universal_best(u);
                const double size = norm ? lim_linf(best, zero, SIZE) : lim_l2(best, zero, SIZE);
                g_assert_cmpfloat(size, <=, p.xi * (1 + 1e-6));
                lim_universal_labels(victim, &exec, x, N, NULL, 0, own, NULL);
                lim_universal_labels(victim, &exec, x, N, best, 1, label, NULL);
                const LimUniversalPass *pass = lim_universal_pass(u, lim_universal_best_pass(u));
                g_assert_cmpfloat(lim_universal_ratio(own, label, N), ==, pass->ratio);
                g_assert_true(isnan(pass->unseen));
                for (int i = 0; i < lim_universal_passes(u); i++)
                    g_assert_cmpfloat(lim_universal_pass(u, i)->ratio, <=, pass->ratio);
                g_assert_cmpfloat(pass->ratio, >, 0.1);
                lim_task_free(lim_universal_task(u));
                lim_victim_free(victim);
            }
}

/* Logits 1024 times as large make no difference to the gradient method, in either norm. */
static void
test_gradient(void)
{
    float x[N * SIZE], v[2][SIZE];
    fill(x, N * SIZE, 0.3f, 0.7f);
    for (int norm = 0; norm < 2; norm++) {
        LimUniversalParams p = settings();
        p.method = LIM_UNIVERSAL_GRADIENT;
        p.norm = norm;
        p.xi = norm ? 0.05 : 0.12;
        p.batch = 8;
        p.delta = 0;
        p.passes = p.patience = 20;
        LimVictim *victim = linear();
        for (int large = 0; large < 2; large++) {
            for (int j = 0; j < CLASSES * SIZE && large; j++)
                weight[j] *= 1024;
            LimUniversal *u = begin(victim, &p, x, N, NULL, 0);
            finish(u);
            g_assert_cmpfloat(lim_universal_pass(u, lim_universal_best_pass(u))->ratio, >, 0.3);
            memcpy(v[large], lim_universal_v(u), sizeof *v);
            lim_task_free(lim_universal_task(u));
        }
        for (int j = 0; j < SIZE; j++)
            g_assert_cmpfloat_with_epsilon(v[0][j], v[1][j], 1e-5);
        lim_victim_free(victim);
    }
}

/* It ends at the wanted ratio, and when nothing gets better. */
static void
test_ends(void)
{
    float x[N * SIZE];
    fill(x, N * SIZE, 0.4f, 0.6f);
    LimUniversalParams p = settings();
    p.passes = 50;
    p.delta = 0.9;
    LimVictim *victim = linear();
    LimUniversal *u = begin(victim, &p, x, N, NULL, 0);
    finish(u);
    g_assert_cmpint(lim_universal_passes(u), ==, 2);
    lim_task_free(lim_universal_task(u));
    p.delta = 0;
    p.xi = 1e-6; /* nobody is fooled */
    p.patience = 4;
    u = begin(victim, &p, x, N, NULL, 0);
    finish(u);
    g_assert_cmpint(lim_universal_passes(u), ==, 5);
    g_assert_cmpint(lim_universal_best_pass(u), ==, 0);
    g_assert_cmpfloat(lim_universal_best(u)[0], ==, 0);
    lim_task_free(lim_universal_task(u));
    lim_victim_free(victim);
}

/* ---- stopped and resumed ---- */

static void
assert_same_file(const char *a, const char *b)
{
    g_autofree char *da = NULL, *db = NULL;
    gsize na, nb;
    g_assert_true(g_file_get_contents(a, &da, &na, NULL));
    g_assert_true(g_file_get_contents(b, &db, &nb, NULL));
    g_assert_cmpmem(da, na, db, nb);
}

static LimUniversalParams
long_settings(int method)
{
    LimUniversalParams p = settings();
    p.method = method;
    p.batch = 3;
    p.passes = p.patience = 5;
    p.delta = 0;
    return p;
}

/* Stopped after every k-th step, at any place of a batch or of the measuring. */
static void
test_resume(void)
{
    float x[N * SIZE];
    fill(x, N * SIZE, 0, 1);
    g_autofree char *whole = model_path("whole"), *path = model_path("resumed");
    for (int method = 0; method < LIM_UNIVERSAL_METHODS; method++) {
        const LimUniversalParams p = long_settings(method);
        LimVictim *victim = linear();
        LimUniversal *u = begin(victim, &p, x, N, x, 9);
        finish(u);
        g_assert_cmpint(lim_universal_checkpoint(u, whole, NULL), ==, LIM_OK);
        lim_task_free(lim_universal_task(u));
        for (int every = 14; every < 60; every += 9) { /* more than a batch needs */
            LimError err = LIM_ERROR_INIT;
            LimStep s = LIM_STEP_MORE;
            g_unlink(path);
            while (s == LIM_STEP_MORE) {
                u = begin(victim, &p, x, N, x, 9);
                if (g_file_test(path, G_FILE_TEST_EXISTS))
                    g_assert_cmpint(lim_universal_resume(u, path, &err), ==, LIM_OK);
                for (int k = 0; k < every && s == LIM_STEP_MORE; k++)
                    s = lim_task_step(lim_universal_task(u), &exec, NULL, &err);
                g_assert_cmpint(lim_universal_checkpoint(u, path, &err), ==, LIM_OK);
                lim_task_free(lim_universal_task(u));
            }
            g_assert_cmpint(s, ==, LIM_STEP_DONE);
            assert_same_file(whole, path);
        }
        lim_victim_free(victim);
    }
}

/* A small network: threads do not matter, and a cancelled step is done again. */
static void
test_threads(void)
{
    LimClassifierParams cp;
    LimStore *store = model_store_family(LIM_CLASSIFIER_PLAIN, &cp);
    LimPredictor *predictor = lim_predictor_new(&cp, store);
    const LimShape shape = lim_predictor_image_shape(predictor);
    const int size = (int)lim_shape_size(shape), n = 24;
    g_autofree float *x = g_new(float, n *size), *want = g_new(float, size);
    fill(x, n * size, 0, 1);
    for (int method = 0; method < LIM_UNIVERSAL_METHODS; method++)
        for (int threads = 1; threads <= 3; threads++) {
            LimUniversalParams p = long_settings(method);
            p.xi = 1;
            p.passes = 2;
            LimCancel cancel = {false};
            const LimExec e = {lim_kernels_best(), lim_pool_new(threads), &cancel};
            LimVictim *victim = lim_victim_new(predictor, LIM_ACCESS_GRADIENT);
            LimUniversal *u = begin(victim, &p, x, n, NULL, 0);
            LimStep s = LIM_STEP_MORE;
            for (int k = 0; s != LIM_STEP_DONE; k++) {
                LimError err = LIM_ERROR_INIT;
                atomic_store(&cancel.flag, threads == 2 && k % 29 == 7);
                s = lim_task_step(lim_universal_task(u), &e, NULL, &err);
                g_assert_true(s != LIM_STEP_FAILED || err.code == LIM_CANCELLED);
            }
            if (threads == 1)
                memcpy(want, lim_universal_v(u), (gsize)size * sizeof *want);
            else
                g_assert_cmpmem(want, (gsize)size * sizeof *want, lim_universal_v(u),
                                (gsize)size * sizeof *want);
            lim_task_free(lim_universal_task(u));
            lim_victim_free(victim);
            lim_pool_free(e.pool);
        }
    lim_predictor_free(predictor);
    lim_store_free(store);
}

static void
make_long(const char *path)
{
    enum { MANY = 300 };
    static float x[MANY * SIZE];
    fill(x, MANY * SIZE, 0, 1);
    LimUniversalParams p = long_settings(LIM_UNIVERSAL_DEEPFOOL);
    p.passes = p.patience = 8;
    LimVictim *victim = linear();
    LimUniversal *u = begin(victim, &p, x, MANY, NULL, 0);
    LimError err = LIM_ERROR_INIT;
    if (g_file_test(path, G_FILE_TEST_EXISTS))
        g_assert_cmpint(lim_universal_resume(u, path, &err), ==, LIM_OK);
    LimStep s = LIM_STEP_MORE;
    for (int k = 1; s == LIM_STEP_MORE; k++) {
        s = lim_task_step(lim_universal_task(u), &exec, NULL, &err);
        if (k % 10 == 0 || s == LIM_STEP_DONE)
            g_assert_cmpint(lim_universal_checkpoint(u, path, &err), ==, LIM_OK);
    }
    lim_task_free(lim_universal_task(u));
    lim_victim_free(victim);
}

/* This program, started to make one and killed, then left to finish. */
static void
test_killed(void)
{
    g_autofree char *whole = model_path("undisturbed"), *path = model_path("killed");
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    char *argv[] = {self, (char *)"--make", path, NULL};
    make_long(whole);
    for (int i = 0, status = 0; i < 6; i++) {
        GPid pid;
        GError *error = NULL;
        g_spawn_async(NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, &error);
        g_assert_no_error(error);
        if (i < 5) {
            siginfo_t ended = {0};
            while (!g_file_test(path, G_FILE_TEST_EXISTS) && !ended.si_pid) {
                g_assert_cmpint(waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOHANG | WNOWAIT), ==,
                                0);
                g_usleep(500);
            }
            g_usleep(lim_rng_below(1, LIM_STREAM_TEST, (uint64_t)i, 20000));
            kill(pid, SIGKILL);
        }
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_true(i < 5 || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    }
    assert_same_file(whole, path);
}

static void
refuses(LimUniversal *u, const char *path, LimStatus code)
{
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(lim_universal_resume(u, path, &err), ==, code);
    model_assert_sentence(&err);
    lim_task_free(lim_universal_task(u));
}

/* The sound file, with other bytes at a place of a tensor. */
static void
refuses_with(LimUniversal *u, const char *path, const char *good, gsize size, const char *tensor,
             int offset, const void *bytes, size_t n)
{
    g_autofree char *bad = g_memdup2(good, size);
    memcpy(toy_tensor(bad, tensor) + offset, bytes, n);
    toy_write(path, bad, size);
    refuses(u, path, LIM_E_FORMAT);
}

static void
test_refuses(void)
{
    float x[N * SIZE], y[N * SIZE];
    fill(x, N * SIZE, 0, 1);
    fill(y, N * SIZE, 0, 0.9f);
    g_autofree char *path = model_path("refused");
    LimUniversalParams p = long_settings(0);
    LimVictim *victim = linear();
    LimUniversal *u = begin(victim, &p, x, N, NULL, 0);
    finish(u);
    g_assert_cmpint(lim_universal_checkpoint(u, path, NULL), ==, LIM_OK);
    lim_task_free(lim_universal_task(u));
    refuses(begin(victim, &p, y, N, NULL, 0), path, LIM_E_PARAM);
    refuses(begin(victim, &p, x, N, x, 3), path, LIM_E_PARAM);
    p.seed++;
    refuses(begin(victim, &p, x, N, NULL, 0), path, LIM_E_PARAM);
    p.seed--;
    /* more pictures than there are, in this pass, in all passes, in a pass before */
    g_autofree char *good = NULL;
    gsize size;
    g_assert_true(g_file_get_contents(path, &good, &size, NULL));
    const struct {
        int place;
        gint32 count;
    } positions[] = {{3, -1}, {3, N + 1}, {3, INT32_MAX}, {4, -1}, {4, INT32_MAX}};
    for (size_t i = 0; i < G_N_ELEMENTS(positions); i++)
        refuses_with(begin(victim, &p, x, N, NULL, 0), path, good, size, "position",
                     4 * positions[i].place, &positions[i].count, 4);
    const double pictures[] = {-1, N + 1, 1e300, (double)NAN};
    for (size_t i = 0; i < G_N_ELEMENTS(pictures); i++)
        refuses_with(begin(victim, &p, x, N, NULL, 0), path, good, size, "history", 4 * 8,
                     &pictures[i], 8);
    LimStWriter *w = lim_st_writer_new();
    lim_st_writer_add(w, "v", LIM_F32, LIM_SHAPE3(1, 1, SIZE), x, false);
    g_assert_cmpint(lim_st_writer_finish(w, path, NULL), ==, LIM_OK);
    refuses(begin(victim, &p, x, N, NULL, 0), path, LIM_E_FORMAT);
    LimError err = LIM_ERROR_INIT;
    p.xi = -1;
    const LimUniversalInput in = {.victim = victim, .n = N, .image = x};
    g_assert_null(lim_universal_new(&p, &in, &err));
    model_assert_sentence(&err);
    lim_victim_free(victim);
}

/* ---- files ---- */

static void
test_file(void)
{
    float x[N * SIZE];
    fill(x, N * SIZE, 0, 1);
    const LimUniversalParams p = long_settings(0);
    LimVictim *victim = linear();
    LimUniversal *u = begin(victim, &p, x, N, x, 7);
    finish(u);
    g_autofree char *path = model_path("v.safetensors"), *png = model_path("v.png");
    const LimUniversalAbout about = {.params = &p,
                                     .model = "/some/where/toy.safetensors",
                                     .hash = 0xfedcba9876543210u,
                                     .data = "toy",
                                     .pictures = N,
                                     .unseen = 7,
                                     .command = "limen-cli universal make"};
    LimUniversalFile f;
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(lim_universalfile_write(path, &about, u, &err), ==, LIM_OK);
    g_assert_cmpint(lim_universalfile_read(path, &f, &err), ==, LIM_OK);
    g_assert_cmpstr(f.model, ==, "toy.safetensors");
    g_assert_cmpstr(f.command, ==, about.command);
    g_assert_cmpuint(f.hash, ==, about.hash);
    g_assert_cmpint(f.pictures, ==, N);
    g_assert_cmpint(f.n_unseen, ==, 7);
    g_assert_cmpmem(f.v, SIZE * sizeof *f.v, lim_universal_best(u), SIZE * sizeof *f.v);
    g_assert_cmpfloat(f.ratio, ==, lim_universal_pass(u, lim_universal_best_pass(u))->ratio);
    g_assert_cmpfloat_with_epsilon(f.l2, lim_universal_pass(u, lim_universal_best_pass(u))->l2,
                                   1e-6);
    g_assert_true(lim_params_check(lim_universal_schema, &f.params, &err) == LIM_OK);
    g_assert_cmpint(f.params.passes, ==, p.passes);
    lim_universalfile_clear(&f);

    g_assert_cmpint(lim_universalfile_png(png, LIM_SHAPE3(1, 1, SIZE), lim_universal_best(u),
                                          &about, &err),
                    ==, LIM_OK);
    LimPng *read = lim_png_read(png, 0, &err);
    g_assert_nonnull(read);
    float largest = 0;
    for (int j = 0; j < SIZE; j++)
        largest = MAX(largest, fabsf(lim_universal_best(u)[j]));
    for (int j = 0; j < SIZE; j++)
        g_assert_cmpint(read->image.data[j], ==,
                        (int)lrintf(128 + 127 / largest * lim_universal_best(u)[j]));
    lim_png_free(read);
    lim_task_free(lim_universal_task(u));
    lim_victim_free(victim);

    /* others: no key, a v beyond its bound, a v that is no number, one that is no picture */
    const char *text = "{\"settings\": {\"norm\": \"linf\", \"xi\": 0.1}, \"model\": \"m\", "
                       "\"hash\": \"0\", \"data\": \"d\", \"pictures\": 1, \"unseen\": 0, "
                       "\"command\": \"c\"}";
    for (int fault = 0; fault < 5; fault++) {
        const float v[4] = {fault == 1 ? 0.2f : fault == 2 ? NAN : 0.1f, 0, 0, 0};
        LimStWriter *w = lim_st_writer_new();
        LimError failed = LIM_ERROR_INIT;
        if (fault)
            lim_st_writer_metadata(w, LIM_UNIVERSALFILE_KEY, text);
        lim_st_writer_add(w, "v", LIM_F32, fault == 3 ? LIM_SHAPE1(4) : LIM_SHAPE3(1, 2, 2), v,
                          false);
        g_assert_cmpint(lim_st_writer_finish(w, path, NULL), ==, LIM_OK);
        const LimStatus status = lim_universalfile_read(path, &f, &failed);
        g_assert_cmpint(status, ==, fault == 4 ? LIM_OK : LIM_E_FORMAT);
        if (fault < 4)
            model_assert_sentence(&failed);
        else
            g_assert_true(isnan(f.ratio));
        lim_universalfile_clear(&f);
    }
}

int
main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--make") == 0) {
        make_long(argv[2]);
        return 0;
    }
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/universal/project", test_project);
    g_test_add_func("/universal/noise", test_noise);
    g_test_add_func("/universal/reference", test_reference);
    g_test_add_func("/universal/bounds", test_bounds);
    g_test_add_func("/universal/gradient", test_gradient);
    g_test_add_func("/universal/ends", test_ends);
    g_test_add_func("/universal/resume", test_resume);
    g_test_add_func("/universal/threads", test_threads);
    g_test_add_func("/universal/killed", test_killed);
    g_test_add_func("/universal/refuses", test_refuses);
    g_test_add_func("/universal/file", test_file);
    const int result = g_test_run();
    model_clear();
    return result;
}
