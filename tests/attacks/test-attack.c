/* Attacks on the shipped classifier: what holds for every row of the list. Victims count, results
 * are what the model says of the stored picture, a picture's result does not depend on its batch.
 */
#include "attacks/attack.h"
#include "data/dataset.h"

#include <glib.h>
#include <math.h>
#include <string.h>

#define N 12

static LimPredictor *predictor;
static LimExec exec;
static float images[N][1024];
static int32_t labels[N];

static void
load(void)
{
    LimError err = LIM_ERROR_INIT;
    const char *source = g_getenv("LIMEN_SOURCE");
    char *model = g_build_filename(source, "resources/models/fashion-classifier.safetensors", NULL);
    char *data = g_build_filename(source, "resources/samples/fashion-mnist", NULL);
    predictor = lim_predictor_load(model, &err);
    g_assert_cmpstr(err.text, ==, "");
    LimDataset *d = lim_dataset_open(data, "sample", &err);
    g_assert_cmpstr(err.text, ==, "");
    uint32_t index[N];
    for (uint32_t i = 0; i < N; i++)
        index[i] = i;
    lim_dataset_batch(d, index, N, 32, &images[0][0], labels);
    for (size_t i = 0; i < (size_t)N * 1024; i++)
        (&images[0][0])[i] = ((&images[0][0])[i] + 1) / 2;
    lim_dataset_free(d);
    g_free(model);
    g_free(data);
    exec = (LimExec){.kernels = lim_kernels_best()};
}

static LimAttackInput
input(int n)
{
    return (LimAttackInput){.n = n, .image = &images[0][0], .label = labels, .seed = 1};
}

static void
run(LimAttack *a)
{
    LimError err = LIM_ERROR_INIT;
    LimStep s;
    while ((s = lim_task_step(lim_attack_task(a), &exec, NULL, &err)) == LIM_STEP_MORE)
        ;
    g_assert_cmpstr(err.text, ==, "");
    g_assert_cmpint(s, ==, LIM_STEP_DONE);
}

static int32_t
says(const float *x)
{
    LimVictim *v = lim_victim_new(predictor, LIM_ACCESS_LABEL);
    int32_t label = -1;
    lim_victim_begin(v, 1, 0);
    g_assert_cmpint(lim_victim_labels(v, &exec, x, NULL, 1, &label, NULL), ==, LIM_OK);
    lim_victim_free(v);
    return label;
}

/* Settings of the attack: its defaults, but little work for those that do a lot. */
static void *
settings(const LimAttackClass *klass)
{
    void *params = g_malloc0(klass->params_size);
    lim_params_init(klass->schema, params);
    if (lim_params_find(klass->schema, "rounds")) {
        lim_params_set(klass->schema, params, "rounds", "5", NULL);
        lim_params_set(klass->schema, params, "steps", "20", NULL);
    }
    if (strcmp(klass->name, "boundary") == 0)
        lim_params_set(klass->schema, params, "distance", "2", NULL);
    return params;
}

/* The nearest of 256 values, halves away from 0; what is outside is clipped. */
static void
test_round8(void)
{
    enum { N_VALUES = 4096 };
    static float x[N_VALUES], out[N_VALUES];
    for (int i = 0; i < N_VALUES; i++)
        x[i] = (float)(i - 8) / (float)(N_VALUES - 16);
    for (int i = 0; i < 256; i++) /* about the halves */
        for (int k = -1; k <= 1; k++)
            x[4 * i + 1 + k] = ((float)i + 0.5F) / 255 * (1 + (float)k * 0x1p-23F);
    lim_round8(x, out, N_VALUES);
    for (int i = 0; i < N_VALUES; i++)
        g_assert_cmpfloat((double)out[i], ==,
                          (double)(roundf(255 * fminf(fmaxf(x[i], 0), 1)) / 255));
}

static void
test_results(gconstpointer data)
{
    const LimAttackClass *klass = data;
    LimVictim *v = lim_victim_new(predictor, LIM_ACCESS_GRADIENT);
    void *params = settings(klass);
    const LimAttackInput in = input(N);
    LimAttack *a = lim_attack_new(klass, params, &in, v, NULL);
    run(a);
    for (int i = 0; i < N; i++) {
        LimAttackResult r;
        lim_attack_result(a, i, &r);
        g_assert_cmpint(r.label, ==, says(r.image));
        g_assert_cmpint(r.status == LIM_ATTACK_FOOLED || r.status == LIM_ATTACK_ALREADY, ==,
                        r.label != labels[i]);
        float rounded[1024];
        lim_round8(r.image, rounded, 1024);
        g_assert_cmpint(r.label8, ==, says(rounded));
        g_assert_cmpfloat_with_epsilon(r.l2, lim_l2(r.image, images[i], 1024), 1e-12);
        for (int j = 0; j < 1024; j++)
            g_assert_true(r.image[j] >= 0 && r.image[j] <= 1);
        if (r.status == LIM_ATTACK_ALREADY)
            g_assert_cmpint(r.queries, ==, 2);
    }
    /* alone, and with a budget of nothing but the start */
    LimVictim *one = lim_victim_new(predictor, LIM_ACCESS_GRADIENT);
    for (int i = 0; i < 3; i++) {
        const uint32_t index = (uint32_t)i;
        LimAttackInput alone = {
            .n = 1, .image = images[i], .label = &labels[i], .seed = 1, .index = &index};
        LimAttack *b = lim_attack_new(klass, params, &alone, one, NULL);
        run(b);
        LimAttackResult in_batch, by_itself;
        lim_attack_result(a, i, &in_batch);
        lim_attack_result(b, 0, &by_itself);
        g_assert_cmpmem(in_batch.image, 4096, by_itself.image, 4096);
        g_assert_cmpint(in_batch.queries, ==, by_itself.queries);
        lim_task_free(lim_attack_task(b));
        alone.budget = 1;
        b = lim_attack_new(klass, params, &alone, one, NULL);
        run(b);
        lim_attack_result(b, 0, &by_itself);
        g_assert_cmpint(by_itself.queries, ==, 1);
        g_assert_cmpmem(by_itself.image, 4096, images[i], 4096);
        g_assert_true(by_itself.status == LIM_ATTACK_FAILED ||
                      by_itself.status == LIM_ATTACK_ALREADY);
        lim_task_free(lim_attack_task(b));
    }
    lim_victim_free(one);
    lim_task_free(lim_attack_task(a));
    lim_victim_free(v);
    g_free(params);
}

/* The same bytes with two threads; 8-bit pictures that fool, from the float ones; stopping. */
static void
test_ends(gconstpointer data)
{
    const LimAttackClass *klass = data;
    LimVictim *v = lim_victim_new(predictor, LIM_ACCESS_GRADIENT);
    void *params = settings(klass);
    LimAttackInput in = input(N);
    LimAttack *plain = lim_attack_new(klass, params, &in, v, NULL);
    run(plain);
    LimVictim *w = lim_victim_new(predictor, LIM_ACCESS_GRADIENT);
    in.lattice_queries = 40;
    LimAttack *lattice = lim_attack_new(klass, params, &in, w, NULL);
    LimPool *pool = lim_pool_new(2);
    exec.pool = pool;
    run(lattice);
    exec.pool = NULL;
    lim_pool_free(pool);
    for (int i = 0; i < N; i++) {
        LimAttackResult r, q;
        lim_attack_result(plain, i, &r);
        lim_attack_result(lattice, i, &q);
        g_assert_cmpmem(r.image, 4096, q.image, 4096);
        g_assert_cmpint(q.label8, ==, says(q.image8));
        for (int j = 0; j < 1024; j++)
            g_assert_cmpfloat(q.image8[j], ==, roundf(255 * q.image8[j]) / 255);
        g_assert_cmpfloat_with_epsilon(q.l2_8, lim_l2(q.image8, images[i], 1024), 1e-12);
        if (r.status != LIM_ATTACK_FOOLED) {
            g_assert_cmpint(q.queries, ==, r.queries);
            continue;
        }
        g_assert_true(q.fools8);
        g_assert_cmpint(q.queries, >, r.queries);
        g_assert_cmpint(q.queries, <=, r.queries + 40);
        if (r.fools8) /* only levels that lead back */
            g_assert_cmpfloat(q.l2_8, <=, r.l2_8);
    }
    lim_task_free(lim_attack_task(lattice));
    lim_task_free(lim_attack_task(plain));

    /* stopped after the originals: closing queries only */
    LimAttack *stopped = lim_attack_new(klass, params, &in, v, NULL);
    g_assert_cmpint(lim_task_step(lim_attack_task(stopped), &exec, NULL, NULL), ==, LIM_STEP_MORE);
    lim_attack_stop(stopped);
    run(stopped);
    for (int i = 0; i < N; i++) {
        LimAttackResult r;
        lim_attack_result(stopped, i, &r);
        g_assert_true(r.status == LIM_ATTACK_FAILED || r.status == LIM_ATTACK_ALREADY);
        g_assert_cmpint(r.queries, ==, 2);
        g_assert_cmpfloat(r.l2, ==, 0);
    }
    lim_task_free(lim_attack_task(stopped));
    lim_victim_free(v);
    lim_victim_free(w);
    g_free(params);
}

/* A victim that raises a flag when it is asked for the last time: the answer does not come. */
typedef struct {
    LimVictim victim;
    LimVictim *model;
    int asked, last; /* questions; < 0: never */
    LimCancel *cancel;
} Fuse;

static const LimExec *
burn(LimVictim *v, const LimExec *e)
{
    Fuse *f = (Fuse *)v;
    if (f->asked++ == f->last)
        lim_cancel(f->cancel);
    return e;
}

static LimStatus
fuse_labels(LimVictim *v, const LimExec *e, const float *x, int n, int32_t *label, LimError *err)
{
    LimVictim *m = ((Fuse *)v)->model;
    return m->klass->labels(m, burn(v, e), x, n, label, err);
}

static LimStatus
fuse_logits(LimVictim *v, const LimExec *e, const float *x, int n, float *logits, LimError *err)
{
    LimVictim *m = ((Fuse *)v)->model;
    return m->klass->logits(m, burn(v, e), x, n, logits, err);
}

static LimStatus
fuse_gradient(LimVictim *v, const LimExec *e, LimVictimLoss loss, double temperature,
              const float *x, const int32_t *label, int n, float *value, float *logits,
              float *gradient, LimError *err)
{
    LimVictim *m = ((Fuse *)v)->model;
    return m->klass->loss_gradient(m, burn(v, e), loss, temperature, x, label, n, value, logits,
                                   gradient, err);
}

static LimStatus
fuse_jacobian(LimVictim *v, const LimExec *e, const float *x, int n, float *logits, float *jacobian,
              LimError *err)
{
    LimVictim *m = ((Fuse *)v)->model;
    return m->klass->jacobian(m, burn(v, e), x, n, logits, jacobian, err);
}

static void
fuse_free(LimVictim *v)
{
    lim_victim_free(((Fuse *)v)->model);
    g_free(v);
}

static Fuse *
fuse_new(void)
{
    static const LimVictimClass klass = {fuse_labels,   fuse_logits, fuse_gradient,
                                         fuse_jacobian, fuse_free,   false};
    Fuse *f = g_new0(Fuse, 1);
    f->model = lim_victim_new(predictor, LIM_ACCESS_GRADIENT);
    f->victim = *f->model;
    f->victim.klass = &klass;
    f->last = -1;
    return f;
}

/* Steps to the end, or to where the fuse burns through. */
static LimStep
run_fused(LimAttack *a, Fuse *f, int last)
{
    LimCancel cancel = {0};
    const LimExec e = {.kernels = exec.kernels, .cancel = &cancel};
    LimError err = LIM_ERROR_INIT;
    LimStep s;
    f->asked = 0;
    f->last = last;
    f->cancel = &cancel;
    while ((s = lim_task_step(lim_attack_task(a), &e, NULL, &err)) == LIM_STEP_MORE)
        ;
    f->last = -1;
    g_assert_cmpint(err.code, ==, s == LIM_STEP_FAILED ? LIM_CANCELLED : LIM_OK);
    return s;
}

/* Cancelled at any question, what was found until then is there and true, and is the result when
 * the attack is stopped; when it goes on instead, the end is the same as without. */
static void
test_cancel(gconstpointer data)
{
    const LimAttackClass *klass = data;
    enum { STAGES = 7, PICTURES = 3 };
    void *params = settings(klass);
    LimAttackInput in = input(PICTURES);
    Fuse *f = fuse_new();
    g_autoptr(GRand) random = g_rand_new_with_seed(1);
    in.lattice_queries = 20;
    LimAttack *whole = lim_attack_new(klass, params, &in, &f->victim, NULL);
    g_assert_cmpint(run_fused(whole, f, -1), ==, LIM_STEP_DONE);
    const int questions = f->asked;
    for (int stage = 0; stage < STAGES; stage++) {
        const int last = stage < 2 ? stage : g_rand_int_range(random, 0, questions);
        LimAttackResult before[PICTURES], r, end;
        float found[PICTURES][1024];
        Fuse *g = fuse_new();
        LimAttack *a = lim_attack_new(klass, params, &in, &g->victim, NULL);
        g_assert_cmpint(run_fused(a, g, last), ==, LIM_STEP_FAILED);
        for (int i = 0; i < PICTURES; i++) {
            lim_attack_result(a, i, &before[i]);
            memcpy(found[i], before[i].image, sizeof found[i]);
            if (before[i].status == LIM_ATTACK_FOOLED)
                g_assert_cmpint(says(found[i]), !=, labels[i]);
        }
        lim_attack_stop(a);
        run(a);
        for (int i = 0; i < PICTURES; i++) {
            lim_attack_result(a, i, &r);
            g_assert_cmpint(r.status, !=, LIM_ATTACK_RUNNING);
            g_assert_cmpint(r.label, ==, last == 0 ? -1 : says(r.image));
            g_assert_cmpint(r.status == LIM_ATTACK_FOOLED, ==,
                            before[i].status == LIM_ATTACK_FOOLED);
            g_assert_cmpmem(r.image, sizeof found[i], found[i], sizeof found[i]);
            g_assert_cmpint(r.label8, ==, says(r.image8));
        }
        lim_task_free(lim_attack_task(a));

        a = lim_attack_new(klass, params, &in, &g->victim, NULL);
        g_assert_cmpint(run_fused(a, g, last), ==, LIM_STEP_FAILED);
        g_assert_cmpint(run_fused(a, g, -1), ==, LIM_STEP_DONE);
        for (int i = 0; i < PICTURES; i++) {
            lim_attack_result(a, i, &r);
            lim_attack_result(whole, i, &end);
            g_assert_cmpmem(r.image, 4096, end.image, 4096);
            g_assert_cmpmem(r.image8, 4096, end.image8, 4096);
            g_assert_cmpint(r.queries, ==, end.queries);
            g_assert_cmpint(r.gradients, ==, end.gradients);
        }
        lim_task_free(lim_attack_task(a));
        lim_victim_free(&g->victim);
    }
    lim_task_free(lim_attack_task(whole));
    lim_victim_free(&f->victim);
    g_free(params);
}

/* Gradients against differences of the loss. */
static void
test_gradients(void)
{
    LimVictim *v = lim_victim_new(predictor, LIM_ACCESS_GRADIENT);
    lim_victim_begin(v, N, 0);
    static float gradient[N][1024], jacobian[N][10][1024], logits[N][10], value[N];
    g_assert_cmpint(lim_victim_jacobian(v, &exec, &images[0][0], NULL, N, &logits[0][0],
                                        &jacobian[0][0][0], NULL),
                    ==, LIM_OK);
    for (int loss = 0; loss < LIM_LOSSES; loss++) {
        g_assert_cmpint(lim_victim_loss_gradient(v, &exec, (LimVictimLoss)loss, 1, &images[0][0],
                                                 NULL, labels, N, value, NULL, &gradient[0][0],
                                                 NULL),
                        ==, LIM_OK);
        for (int i = 0; i < N; i++) {
            int other = labels[i] == 0;
            double sum = 0, weight[10];
            for (int k = 0; k < 10; k++) {
                if (k != labels[i] && logits[i][k] > logits[i][other])
                    other = k;
                sum += exp((double)logits[i][k]);
            }
            for (int k = 0; k < 10; k++)
                weight[k] = loss == LIM_LOSS_MARGIN
                                ? (k == labels[i]) - (k == other)
                                : exp((double)logits[i][k]) / sum - (k == labels[i]);
            for (int j = 0; j < 1024; j++) {
                double want = 0;
                for (int k = 0; k < 10; k++)
                    want += weight[k] * (double)jacobian[i][k][j];
                g_assert_cmpfloat_with_epsilon((double)gradient[i][j], want, 2e-3);
            }
        }
    }
    for (int i = 0; i < N; i++) {
        g_assert_cmpint(v->queries[i], ==, 3);
        g_assert_cmpint(v->gradients[i], ==, 12);
    }
    /* a step along the gradient of a logit changes the logit by its square length */
    float x[1024], z[10];
    double square = 0;
    for (int j = 0; j < 1024; j++)
        square += (double)jacobian[0][3][j] * (double)jacobian[0][3][j];
    const double h = 1e-3 / sqrt(square);
    for (int j = 0; j < 1024; j++)
        x[j] = images[0][j] + (float)(h * (double)jacobian[0][3][j]);
    lim_victim_logits(v, &exec, x, NULL, 1, z, NULL);
    g_assert_cmpfloat_with_epsilon((double)(z[3] - logits[0][3]) / (h * square), 1, 0.1);
    lim_victim_free(v);
}

/* The same picture in batches of any size has the same logits, to the last bit. */
static void
test_batches(void)
{
    static float x[LIM_VICTIM_BATCH + 3][1024], alone[10], z[LIM_VICTIM_BATCH + 3][10];
    LimVictim *v = lim_victim_new(predictor, LIM_ACCESS_LOGITS);
    lim_victim_begin(v, 100, 0);
    for (int i = 0; i < LIM_VICTIM_BATCH + 3; i++)
        memcpy(x[i], images[i % N], sizeof x[i]);
    lim_victim_logits(v, &exec, images[1], NULL, 1, alone, NULL);
    for (int n = 2; n <= LIM_VICTIM_BATCH + 3; n += 5) {
        lim_victim_logits(v, &exec, &x[0][0], NULL, n, &z[0][0], NULL);
        for (int i = 1; i < n; i += N)
            g_assert_cmpmem(z[i], sizeof z[i], alone, sizeof alone);
    }
    lim_victim_free(v);
}

static void
test_refusals(void)
{
    LimVictim *mute = lim_victim_new(predictor, LIM_ACCESS_LABEL);
    LimError err = LIM_ERROR_INIT;
    const LimAttackClass *fgsm = lim_attack_find("fgsm");
    struct {
        double values[8];
    } params;
    lim_params_init(fgsm->schema, &params);
    const LimAttackInput in = input(N);
    g_assert_null(lim_attack_new(fgsm, &params, &in, mute, &err));
    g_assert_cmpstr(err.text, ==,
                    "FGSM needs gradients, and this model gives only its decision: choose the "
                    "Boundary Attack");
    lim_victim_free(mute);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    load();
    g_test_add_func("/attacks/round8", test_round8);
    g_test_add_func("/attacks/gradients", test_gradients);
    g_test_add_func("/attacks/batches", test_batches);
    g_test_add_func("/attacks/refusals", test_refusals);
    for (size_t i = 0; i < lim_attack_count(); i++) {
        char *path = g_strconcat("/attacks/results/", lim_attack_at(i)->name, NULL);
        g_test_add_data_func(path, lim_attack_at(i), test_results);
        g_free(path);
        path = g_strconcat("/attacks/ends/", lim_attack_at(i)->name, NULL);
        g_test_add_data_func(path, lim_attack_at(i), test_ends);
        g_free(path);
        path = g_strconcat("/attacks/cancel/", lim_attack_at(i)->name, NULL);
        g_test_add_data_func(path, lim_attack_at(i), test_cancel);
        g_free(path);
    }
    const int rc = g_test_run();
    lim_predictor_free(predictor);
    return rc;
}
