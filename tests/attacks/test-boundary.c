/* The Boundary Attack: on a linear classifier, whose nearest picture is known, and on a shipped
 * one; its traces. */
#include "attacks/boundary.h"
#include "data/dataset.h"
#include "toy.h"

#include <glib.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SIZE 64

static LimExec exec;

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

/* Class 1 where the mean of the values is above a threshold. */
static LimVictim *
toy(float threshold)
{
    static float weight[2 * SIZE], bias[2];
    bias[1] = -threshold;
    for (int j = 0; j < SIZE; j++)
        weight[SIZE + j] = 1.0F / SIZE;
    return toy_new(2, SIZE, weight, bias);
}

static void
fill(float *x, size_t n, float value)
{
    for (size_t i = 0; i < n; i++)
        x[i] = value;
}

static LimAttack *
boundary_new(LimVictim *v, const LimAttackInput *in, const char *bookkeeping, const char *name,
             const char *value)
{
    const LimAttackClass *klass = lim_attack_find("boundary");
    void *params = lim_alloc(1, klass->params_size);
    LimError err = LIM_ERROR_INIT;
    lim_params_init(klass->schema, params);
    lim_params_set(klass->schema, params, "bookkeeping", bookkeeping, &err);
    if (name)
        lim_params_set(klass->schema, params, name, value, &err);
    LimAttack *a = lim_attack_new(klass, params, in, v, &err);
    g_assert_cmpstr(err.text, ==, "");
    free(params);
    return a;
}

static const char *const bookkeepings[] = {"limen", "original", "foolbox"};

/* The nearest picture of the other class lies at a known distance. */
static void
test_toy(void)
{
    LimVictim *v = toy(0.6F);
    float x[2 * SIZE], start[2 * SIZE];
    const int32_t label[2] = {0, 0}, target[2] = {1, 1};
    fill(x, 2 * SIZE, 0.4F);
    x[0] = 0.2F;
    fill(start, 2 * SIZE, 0.9F);
    for (int j = 0; j < SIZE; j++)
        start[SIZE + j] = (float)(j % 2);
    start[SIZE + 2] = start[SIZE + 4] = start[SIZE + 6] = start[SIZE + 8] = start[SIZE + 10] = 1;
    start[SIZE + 12] = start[SIZE + 14] = start[SIZE + 16] = start[SIZE + 18] = 1;
    for (size_t k = 0; k < G_N_ELEMENTS(bookkeepings); k++) {
        const LimAttackInput in = {.n = 2,
                                   .image = x,
                                   .label = label,
                                   .target = target,
                                   .start = start,
                                   .seed = 5,
                                   .budget = 6000};
        LimAttack *a = boundary_new(v, &in, bookkeepings[k], NULL, NULL);
        run(a);
        for (int i = 0; i < 2; i++) {
            LimAttackResult r;
            lim_attack_result(a, i, &r);
            const double nearest = (i == 0 ? 0.2 * SIZE + 0.2 : 0.2 * SIZE) / 8;
            g_assert_cmpint(r.status, ==, LIM_ATTACK_FOOLED);
            g_assert_cmpfloat(r.l2, >, nearest - 1e-5);
            g_assert_cmpfloat(r.l2, <, nearest * 1.03);
            g_assert_cmpint(r.queries, <=, 6000);
            if (k == 0) /* the others end when their steps are too short */
                g_assert_cmpint(r.queries, ==, 6000);
        }
        lim_task_free(lim_attack_task(a));
    }
    lim_victim_free(v);
}

/* A start that the model does not give the target class; nothing to start from at all. */
static void
test_no_start(void)
{
    LimVictim *v = toy(0.6F);
    float x[SIZE], start[SIZE], pool[2 * SIZE];
    const int32_t label = 0, target = 1, pool_label[2] = {0, 1};
    LimAttackResult r;
    fill(x, SIZE, 0.1F);
    fill(start, SIZE, 0.5F);
    LimAttackInput in = {
        .n = 1, .image = x, .label = &label, .target = &target, .start = start, .budget = 100};
    LimAttack *a = boundary_new(v, &in, "limen", NULL, NULL);
    run(a);
    lim_attack_result(a, 0, &r);
    g_assert_cmpint(r.status, ==, LIM_ATTACK_NO_START);
    g_assert_cmpint(r.label, ==, 0);
    g_assert_cmpmem(r.image, sizeof start, start, sizeof start);
    g_assert_cmpint(r.queries, ==, 3); /* original, start, 8-bit picture */
    lim_task_free(lim_attack_task(a));

    in.start = NULL;
    a = boundary_new(v, &in, "limen", NULL, NULL);
    run(a);
    lim_attack_result(a, 0, &r);
    g_assert_cmpint(r.status, ==, LIM_ATTACK_NO_START);
    g_assert_cmpint(r.queries, ==, 2);
    lim_task_free(lim_attack_task(a));

    /* neither noise nor a blend is that bright; the pool is */
    lim_victim_free(v);
    v = toy(0.998F);
    fill(pool, SIZE, 0.9F);
    fill(pool + SIZE, SIZE, 1);
    in = (LimAttackInput){.n = 1,
                          .image = x,
                          .label = &label,
                          .pool = pool,
                          .pool_label = pool_label,
                          .n_pool = 2,
                          .budget = 400};
    a = boundary_new(v, &in, "limen", NULL, NULL);
    lim_boundary_record(a, 0);
    run(a);
    lim_attack_result(a, 0, &r);
    g_assert_cmpint(r.status, ==, LIM_ATTACK_FOOLED);
    LimBoundaryTrace *t = lim_boundary_dup_trace(a, 0);
    const int first = lim_boundary_trace_accepted(t, -1, 1);
    g_assert_cmpint(lim_boundary_trace_step(t, first)->kind, ==, LIM_BOUNDARY_POOL);
    g_assert_cmpint(lim_boundary_trace_step(t, 0)->kind, ==, LIM_BOUNDARY_NOISE);
    g_assert_cmpint(lim_boundary_trace_step(t, first - 1)->kind, ==, LIM_BOUNDARY_BLEND);
    g_assert_cmpmem(lim_boundary_trace_picture(t, first), sizeof x, pool + SIZE, sizeof x);
    lim_boundary_trace_unref(t);
    lim_task_free(lim_attack_task(a));
    lim_victim_free(v);
}

/* Every budget is met exactly; a distance ends it. */
static void
test_budget(void)
{
    LimVictim *v = toy(0.6F);
    float x[SIZE], start[SIZE];
    const int32_t label = 0, target = 1;
    LimAttackResult r;
    fill(x, SIZE, 0.3F);
    fill(start, SIZE, 1);
    LimAttackInput in = {
        .n = 1, .image = x, .label = &label, .target = &target, .start = start, .seed = 2};
    for (int budget = 1; budget < 60; budget++)
        for (size_t k = 0; k < G_N_ELEMENTS(bookkeepings); k++) {
            in.budget = budget;
            LimAttack *a = boundary_new(v, &in, bookkeepings[k], NULL, NULL);
            run(a);
            lim_attack_result(a, 0, &r);
            /* original and 8-bit picture; the float one only when it fools */
            g_assert_cmpint(r.queries, ==, budget < 4 ? MIN(budget, 2) : budget);
            g_assert_true((r.status == LIM_ATTACK_FOOLED) == (budget >= 4));
            lim_task_free(lim_attack_task(a));
        }
    in.budget = 0;
    LimAttack *a = boundary_new(v, &in, "limen", "distance", "3");
    run(a);
    lim_attack_result(a, 0, &r);
    g_assert_cmpfloat(r.l2, <=, 3);
    g_assert_cmpint(r.queries, <, 1000);
    g_assert_cmpint(r.status, ==, LIM_ATTACK_FOOLED);
    lim_task_free(lim_attack_task(a));

    /* without a budget it ends after 25,000 questions */
    a = boundary_new(v, &in, "limen", NULL, NULL);
    run(a);
    lim_attack_result(a, 0, &r);
    g_assert_cmpint(r.queries, ==, 1 + 25000 + 2);
    lim_task_free(lim_attack_task(a));
    lim_victim_free(v);
}

/* ---- on a shipped classifier ------------------------------------------------------------------
 */

#define N 10

static LimPredictor *predictor;
static float images[N][1024];
static int32_t labels[N];

static void
load(void)
{
    LimError err = LIM_ERROR_INIT;
    const char *source = g_getenv("LIMEN_SOURCE");
    char *model = g_build_filename(source, "resources/models/fashion-plain.safetensors", NULL);
    char *data = g_build_filename(source, "resources/samples/fashion-mnist", NULL);
    predictor = lim_predictor_load(model, &err);
    g_assert_cmpstr(err.text, ==, "");
    LimDataset *d = lim_dataset_open(data, "sample", &err);
    g_assert_cmpstr(err.text, ==, "");
    /* half of them bags */
    int n = 0, bags = 0;
    for (uint32_t i = 0; n < N && i < (uint32_t)d->n; i++) {
        lim_dataset_batch(d, &i, 1, 32, images[n], &labels[n]);
        if (labels[n] == 8 ? bags < N / 2 : n - bags < N / 2) {
            bags += labels[n] == 8;
            n++;
        }
    }
    g_assert_cmpint(n, ==, N);
    g_assert_cmpint(bags, ==, N / 2);
    for (size_t i = 0; i < (size_t)N * 1024; i++)
        (&images[0][0])[i] = roundf(((&images[0][0])[i] + 1) * 127.5F) / 255;
    lim_dataset_free(d);
    g_free(model);
    g_free(data);
}

static LimAttackInput
input(int n, int64_t budget)
{
    return (LimAttackInput){
        .n = n, .image = &images[0][0], .label = labels, .seed = 3, .budget = budget};
}

/* Noise is a bag to the network, and still every bag gets a start. */
static void
test_bags(void)
{
    LimVictim *v = lim_victim_new(predictor, LIM_ACCESS_LABEL);
    const LimAttackInput in = input(N, 300);
    LimAttack *a = boundary_new(v, &in, "limen", NULL, NULL);
    run(a);
    for (int i = 0; i < N; i++) {
        LimAttackResult r;
        lim_attack_result(a, i, &r);
        g_assert_true(r.status == LIM_ATTACK_FOOLED || r.status == LIM_ATTACK_ALREADY);
        g_assert_cmpint(r.queries, ==, r.status == LIM_ATTACK_ALREADY ? 2 : 300);
    }
    lim_task_free(lim_attack_task(a));
    lim_victim_free(v);
}

static void
check_trace(const LimBoundaryTrace *t, int picture)
{
    double distance = INFINITY;
    int pictures = -1;
    float asked[1024];
    for (int i = 0; i < lim_boundary_trace_n(t); i++) {
        const LimBoundaryStep *s = lim_boundary_trace_step(t, i);
        if (s->accepted) {
            g_assert_true(s->fools);
            g_assert_cmpfloat(s->proposed, <, distance);
            distance = s->proposed;
            pictures++;
        }
        g_assert_cmpint(s->picture, ==, pictures);
        g_assert_cmpfloat(s->distance, ==, distance);
        const float *x = lim_boundary_trace_picture(t, i);
        g_assert_true((x == NULL) == (pictures < 0));
        if (x)
            g_assert_cmpfloat(lim_l2(x, images[picture], 1024), ==, distance);
        if (i % 7 && !s->accepted)
            continue;
        lim_boundary_trace_asked(t, i, asked);
        g_assert_cmpfloat(lim_l2(asked, images[picture], 1024), ==, s->proposed);
        if (s->accepted)
            g_assert_cmpmem(asked, sizeof asked, x, sizeof asked);
    }
}

static void
same_traces(const LimBoundaryTrace *t, const LimBoundaryTrace *u)
{
    g_assert_cmpint(lim_boundary_trace_n(t), ==, lim_boundary_trace_n(u));
    for (int i = 0; i < lim_boundary_trace_n(t); i++) {
        const LimBoundaryStep *s = lim_boundary_trace_step(t, i),
                              *r = lim_boundary_trace_step(u, i);
        g_assert_cmpfloat(s->delta, ==, r->delta);
        g_assert_cmpfloat(s->epsilon, ==, r->epsilon);
        g_assert_cmpfloat(s->proposed, ==, r->proposed);
        g_assert_cmpint(s->kind, ==, r->kind);
        g_assert_cmpint(s->picture, ==, r->picture);
    }
}

/* The attack on that picture alone, gone on from a step of the trace; *end is its result. */
static LimBoundaryTrace *
go_on(LimVictim *v, LimAttackInput in, uint32_t i, const char *bookkeeping, const char *restarts,
      const LimBoundaryTrace *from, int step, float *end)
{
    LimAttackResult r;
    in.n = 1;
    in.image += (size_t)i * 1024;
    in.label += i;
    in.start += in.start ? (size_t)i * 1024 : 0;
    in.index = &i;
    LimAttack *a = boundary_new(v, &in, bookkeeping, "restarts", restarts);
    lim_boundary_record(a, 0);
    if (from) {
        lim_boundary_resume(a, from, step);
        lim_attack_result(a, 0, &r);
        g_assert_cmpint(r.queries, ==, step + 2);
        g_assert_cmpint(lim_boundary_trace_n(from), >, step);
    }
    run(a);
    lim_attack_result(a, 0, &r);
    g_assert_cmpint(r.queries, ==, in.budget);
    memcpy(end, r.image, 1024 * sizeof *end);
    LimBoundaryTrace *t = lim_boundary_dup_trace(a, 0);
    lim_task_free(lim_attack_task(a));
    return t;
}

/* Gone on from any step, the end is the same; a restart is another way, and the same one whether
 * it was gone from the beginning or from the step. */
static void
test_trace(gconstpointer data)
{
    const char *bookkeeping = data;
    LimVictim *v = lim_victim_new(predictor, LIM_ACCESS_LABEL);
    LimAttackInput in = input(2, 500);
    static float start[2][1024];
    for (int i = 0, k; i < 2; i++) {
        for (k = 0; labels[k] == labels[i]; k++)
            ;
        memcpy(start[i], images[k], sizeof start[i]);
    }
    if (strcmp(bookkeeping, "original") == 0) /* its thousand places would take all */
        in.start = &start[0][0];
    LimAttack *a = boundary_new(v, &in, bookkeeping, NULL, NULL);
    LimAttackResult r;
    float end[1024], other[1024];
    g_assert_null(lim_boundary_dup_trace(a, 0));
    lim_boundary_record(a, 1);
    run(a);
    lim_attack_result(a, 1, &r);
    memcpy(end, r.image, sizeof end);
    LimBoundaryTrace *whole = lim_boundary_dup_trace(a, 1);
    g_assert_cmpint(lim_boundary_trace_n(whole), ==, 500 - 3);
    check_trace(whole, 1);
    const int cuts[] = {0, 20, 63, 64, 127, 301, 496};
    lim_task_free(lim_attack_task(a));
    for (size_t k = 0; k < G_N_ELEMENTS(cuts); k++) {
        LimBoundaryTrace *t = go_on(v, in, 1, bookkeeping, "", whole, cuts[k], other);
        g_assert_cmpmem(other, sizeof other, end, sizeof end);
        same_traces(t, whole);
        check_trace(t, 1);
        lim_boundary_trace_unref(t);
    }
    float here[1024], there[1024];
    LimBoundaryTrace *fork = go_on(v, in, 1, bookkeeping, "200:7", whole, 200, other);
    LimBoundaryTrace *again = go_on(v, in, 1, bookkeeping, "200:7", NULL, 0, here);
    g_assert_cmpmem(other, sizeof other, here, sizeof here);
    same_traces(fork, again);
    lim_boundary_trace_unref(again);
    lim_boundary_trace_asked(whole, 200, here);
    lim_boundary_trace_asked(fork, 200, there);
    g_assert_cmpmem(here, sizeof here, there, sizeof there);
    lim_boundary_trace_asked(whole, 201, here);
    lim_boundary_trace_asked(fork, 201, there);
    g_assert_true(memcmp(here, there, sizeof here) != 0);
    check_trace(fork, 1);
    /* A restart of a restart, and back to before the first. */
    LimBoundaryTrace *twice = go_on(v, in, 1, bookkeeping, "200:7,300:1", fork, 300, other);
    again = go_on(v, in, 1, bookkeeping, "200:7,300:1", whole, 150, here);
    g_assert_cmpmem(other, sizeof other, here, sizeof here);
    same_traces(twice, again);
    check_trace(twice, 1);
    lim_boundary_trace_unref(again);
    again = go_on(v, in, 1, bookkeeping, "", twice, 200, here); /* back to the first way */
    g_assert_cmpmem(here, sizeof here, end, sizeof end);
    same_traces(again, whole);
    lim_boundary_trace_unref(again);
    lim_boundary_trace_unref(twice);
    lim_victim_free(v);
    check_trace(whole, 1); /* outlives the attack */
    lim_boundary_trace_unref(whole);
    lim_boundary_trace_unref(fork);
}

/* Restarts as text. */
static void
test_restarts(void)
{
    static const char *const wrong[] = {"120",     "120:0",       "-1:1",         "1:1,",
                                        "1:1 2:1", ",1:1",        "x:1",          "5:1,5:2",
                                        "5:1,4:1", "5:1,4:1,6:1", "1:99999999999"};
    const LimAttackClass *klass = lim_attack_find("boundary");
    void *params = lim_alloc(1, klass->params_size);
    LimError err = LIM_ERROR_INIT;
    LimVictim *v = lim_victim_new(predictor, LIM_ACCESS_LABEL);
    const LimAttackInput in = input(1, 20);
    char out[LIM_TEXT_MAX], longer[LIM_TEXT_MAX] = "";

    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        lim_params_init(klass->schema, params);
        lim_params_set(klass->schema, params, "restarts", wrong[i], &err);
        g_assert_null(lim_attack_new(klass, params, &in, v, &err));
        g_assert_cmpint(err.code, ==, LIM_E_PARAM);
        g_assert_nonnull(strstr(err.text, "--restarts"));
        err = (LimError)LIM_ERROR_INIT;
    }
    g_assert_cmpint(lim_boundary_add_restart("", 12, 1, out, &err), ==, LIM_OK);
    g_assert_cmpstr(out, ==, "12:1");
    g_assert_cmpint(lim_boundary_add_restart("5:3,12:1,20:2", 12, 4, out, &err), ==, LIM_OK);
    g_assert_cmpstr(out, ==, "5:3,12:4");
    g_assert_cmpint(lim_boundary_common("", ""), ==, INT_MAX);
    g_assert_cmpint(lim_boundary_common("5:3,12:4", "5:3,12:4"), ==, INT_MAX);
    g_assert_cmpint(lim_boundary_common("5:3,12:1,20:2", "5:3,12:4"), ==, 13);
    g_assert_cmpint(lim_boundary_common("5:3", "5:3,12:4"), ==, 13);
    g_assert_cmpint(lim_boundary_common("5:3", "4:3,12:4"), ==, 5);
    for (int i = 0; i < 24; i++) {
        g_assert_cmpint(lim_boundary_add_restart(longer, 900000000 + i, 999999999, out, &err), ==,
                        LIM_OK);
        memcpy(longer, out, sizeof out);
    }
    g_assert_cmpint(lim_boundary_add_restart(longer, 900001000, 1, out, &err), ==, LIM_E_PARAM);
    lim_victim_free(v);
    free(params);
}

/* Cancelled at a question, it goes on with that question. */
static void
test_cancel(void)
{
    LimVictim *v = lim_victim_new(predictor, LIM_ACCESS_LABEL);
    const LimAttackInput in = input(2, 120);
    LimAttackResult r;
    float end[1024];
    LimAttack *a = boundary_new(v, &in, "limen", NULL, NULL);
    run(a);
    lim_attack_result(a, 0, &r);
    memcpy(end, r.image, sizeof end);
    lim_task_free(lim_attack_task(a));
    a = boundary_new(v, &in, "limen", NULL, NULL);
    for (int i = 0; i < 60; i++) {
        LimCancel cancel = {0};
        LimError err = LIM_ERROR_INIT;
        exec.cancel = &cancel;
        lim_cancel(&cancel);
        g_assert_cmpint(lim_task_step(lim_attack_task(a), &exec, NULL, &err), ==, LIM_STEP_FAILED);
        g_assert_cmpint(err.code, ==, LIM_CANCELLED);
        exec.cancel = NULL;
        g_assert_cmpint(lim_task_step(lim_attack_task(a), &exec, NULL, NULL), ==, LIM_STEP_MORE);
    }
    run(a);
    lim_attack_result(a, 0, &r);
    g_assert_cmpmem(r.image, sizeof end, end, sizeof end);
    g_assert_cmpint(r.queries, ==, 120);
    lim_task_free(lim_attack_task(a));
    lim_victim_free(v);
}

/* 25,000 steps fit into 150 MB even if every one were accepted. */
static void
test_memory(void)
{
    LimVictim *v = lim_victim_new(predictor, LIM_ACCESS_LABEL);
    const LimAttackInput in = input(1, 400);
    LimAttack *a = boundary_new(v, &in, "limen", NULL, NULL);
    lim_boundary_record(a, 0);
    run(a);
    LimBoundaryTrace *t = lim_boundary_dup_trace(a, 0);
    const int n = lim_boundary_trace_n(t);
    const int pictures = lim_boundary_trace_step(t, n - 1)->picture + 1;
    const double rest = (double)lim_boundary_trace_bytes(t) - 4096.0 * (pictures + 64);
    g_assert_cmpfloat(25000 * 4096.0 + rest + 25000.0 * (64 + (6 * 4096 + 1024) / 64.0), <, 150e6);
    g_assert_cmpfloat(rest, <, 1e6);
    lim_boundary_trace_unref(t);
    lim_task_free(lim_attack_task(a));
    lim_victim_free(v);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    exec = (LimExec){.kernels = lim_kernels_best()};
    load();
    g_test_add_func("/boundary/toy", test_toy);
    g_test_add_func("/boundary/no-start", test_no_start);
    g_test_add_func("/boundary/budget", test_budget);
    g_test_add_func("/boundary/bags", test_bags);
    for (size_t k = 0; k < G_N_ELEMENTS(bookkeepings); k++) {
        char *path = g_strconcat("/boundary/trace/", bookkeepings[k], NULL);
        g_test_add_data_func(path, bookkeepings[k], test_trace);
        g_free(path);
    }
    g_test_add_func("/boundary/restarts", test_restarts);
    g_test_add_func("/boundary/cancel", test_cancel);
    g_test_add_func("/boundary/memory", test_memory);
    const int rc = g_test_run();
    lim_predictor_free(predictor);
    return rc;
}
