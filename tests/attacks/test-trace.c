/* Traces of the Boundary Attack, read by other threads while the attack appends to them. */
#include "attacks/boundary.h"
#include "toy.h"

#include <glib.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SIZE    24
#define READERS 2
#define QUERIES 3000

typedef struct {
    LimBoundaryTrace *trace; /* a reference of its own */
    const float *original;
    atomic_bool *ended;
    guint32 seed;
    int looked, last; /* steps looked at; the last that was there */
} Reader;

/* What a step says of its pictures is true, whenever it is asked. */
static void
check_step(const Reader *r, int i)
{
    const LimBoundaryStep *s = lim_boundary_trace_step(r->trace, i);
    const float *picture = lim_boundary_trace_picture(r->trace, i);
    float asked[SIZE];

    if (picture)
        g_assert_cmpfloat_with_epsilon(s->distance, lim_l2(picture, r->original, SIZE), 1e-9);
    else
        g_assert_true(isinf(s->distance));
    lim_boundary_trace_asked(r->trace, i, asked);
    g_assert_cmpfloat_with_epsilon(s->proposed, lim_l2(asked, r->original, SIZE), 1e-9);
    if (s->accepted)
        g_assert_cmpmem(asked, sizeof asked, picture, sizeof asked);
    const int before = lim_boundary_trace_accepted(r->trace, i, -1);
    if (before >= 0 && s->accepted && s->kind == LIM_BOUNDARY_PROPOSAL)
        g_assert_cmpfloat(lim_boundary_trace_step(r->trace, before)->distance, >, s->distance);
}

static void *
read_along(void *data)
{
    Reader *r = data;
    g_autoptr(GRand) random = g_rand_new_with_seed(r->seed);
    bool ended;

    do {
        ended = atomic_load(r->ended);
        const int n = lim_boundary_trace_n(r->trace);
        g_assert_cmpint(n, >=, r->last);
        r->last = n;
        if (n == 0)
            continue;
        check_step(r, n - 1); /* the newest, and any */
        check_step(r, g_rand_int_range(random, 0, n));
        g_assert_cmpuint(lim_boundary_trace_bytes(r->trace), >, 0);
        r->looked++;
    } while (!ended);
    lim_boundary_trace_unref(r->trace);
    return NULL;
}

static LimAttack *
begin(LimVictim *v, const LimAttackClass *klass, const void *params, const float *x)
{
    const int32_t label = 0;
    const LimAttackInput in = {.n = 1, .image = x, .label = &label, .budget = QUERIES, .seed = 5};
    LimError err = LIM_ERROR_INIT;
    LimAttack *a = lim_attack_new(klass, params, &in, v, &err);

    g_assert_cmpstr(err.text, ==, "");
    lim_boundary_record(a, 0);
    return a;
}

/* Steps to the end while readers look at the trace; gives up its own reference in between. */
static void
run_watched(LimAttack *a, const float *x, int from)
{
    const LimExec exec = {.kernels = lim_kernels_best()};
    LimBoundaryTrace *t = lim_boundary_dup_trace(a, 0);
    pthread_t thread[READERS];
    atomic_bool ended = false;
    Reader reader[READERS];

    for (int i = 0; i < READERS; i++) {
        reader[i] = (Reader){.trace = lim_boundary_trace_ref(t),
                             .original = x,
                             .ended = &ended,
                             .seed = (guint32)i + 1,
                             .last = from};
        g_assert_cmpint(pthread_create(&thread[i], NULL, read_along, &reader[i]), ==, 0);
    }
    lim_boundary_trace_unref(t);
    while (lim_task_step(lim_attack_task(a), &exec, NULL, NULL) == LIM_STEP_MORE)
        ;
    atomic_store(&ended, true);
    for (int i = 0; i < READERS; i++) {
        pthread_join(thread[i], NULL);
        g_assert_cmpint(reader[i].looked, >, 0);
        g_assert_cmpint(reader[i].last, ==, QUERIES - 3); /* without original and checks */
    }
}

static void
test_readers(void)
{
    static float weight[2][SIZE], x[SIZE];
    const float bias[2] = {3, 0};
    const LimAttackClass *klass = lim_attack_find("boundary");
    void *params = lim_alloc(1, klass->params_size);

    for (int j = 0; j < SIZE; j++) {
        x[j] = 0.2F + 0.01F * (float)j;
        weight[1][j] = j % 3 ? 0.3F : -0.2F;
        weight[0][j] = -weight[1][j];
    }
    lim_params_init(klass->schema, params);
    LimVictim *v = toy_new(2, SIZE, &weight[0][0], bias);
    LimAttack *a = begin(v, klass, params, x);
    run_watched(a, x, 0);

    /* another attack takes the first half of it, which readers of the old one still read */
    atomic_bool ended = false;
    LimBoundaryTrace *old = lim_boundary_dup_trace(a, 0);
    Reader reader = {.trace = lim_boundary_trace_ref(old), .original = x, .ended = &ended};
    pthread_t thread;
    lim_task_free(lim_attack_task(a));
    g_assert_cmpint(pthread_create(&thread, NULL, read_along, &reader), ==, 0);
    LimAttack *b = begin(v, klass, params, x);
    lim_boundary_resume(b, old, QUERIES / 2);
    lim_boundary_trace_unref(old);
    run_watched(b, x, QUERIES / 2);
    atomic_store(&ended, true);
    pthread_join(thread, NULL);
    lim_task_free(lim_attack_task(b));
    lim_victim_free(v);
    free(params);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/trace/readers", test_readers);
    return g_test_run();
}
