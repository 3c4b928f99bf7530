/* Fork-join: each item exactly once, on a valid thread, also nested, late, and at the very end. */
#include "base/pool.h"

#include "base/status.h"

#include <glib.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum { MAX_N = 1000, MAX_THREADS = 8 };

typedef struct Count {
    int threads;
    int items[MAX_N]; /* plain: a race here is a bug that ThreadSanitizer sees */
    int per_thread[MAX_THREADS];
} Count;

static void
count_item(void *ctx, int i, int thread)
{
    Count *c = ctx;
    LIM_ASSERT(thread >= 0 && thread < c->threads);
    c->items[i]++;
    c->per_thread[thread]++;
}

static void
check_counts(LimPool *pool, int n)
{
    Count c = {.threads = lim_pool_threads(pool)};
    lim_pool_for(pool, n, count_item, &c);
    int sum = 0;
    for (int i = 0; i < MAX_N; i++)
        g_assert_cmpint(c.items[i], ==, i < n);
    for (int t = 0; t < MAX_THREADS; t++)
        sum += c.per_thread[t];
    g_assert_cmpint(sum, ==, n > 0 ? n : 0);
}

static void
test_each_once(void)
{
    static const int sizes[] = {-1, 0, 1, 2, 3, 7, 8, 9, 64, MAX_N};
    for (int threads = 1; threads <= MAX_THREADS; threads++) {
        LimPool *pool = lim_pool_new(threads);
        g_assert_cmpint(lim_pool_threads(pool), ==, threads);
        for (size_t k = 0; k < G_N_ELEMENTS(sizes); k++)
            check_counts(pool, sizes[k]);
        for (int k = 0; k < 30; k++)
            check_counts(pool, MAX_N);
        lim_pool_free(pool);
    }
    g_assert_cmpint(lim_pool_threads(NULL), ==, 1);
    check_counts(NULL, 100);
    lim_pool_free(NULL);
}

/* Thousands of joins, the arguments on the stack: a worker that comes late to a job must not touch
 * it. Pauses of different lengths put the workers to sleep now and then. */
static void
test_many_joins(void)
{
    LimPool *pool = lim_pool_new(4);
    for (int k = 0; k < 4000; k++) {
        Count c = {.threads = 4};
        int n = 1 + k % 17;
        lim_pool_for(pool, n, count_item, &c);
        for (int i = 0; i < n; i++)
            g_assert_cmpint(c.items[i], ==, 1);
        if (k % 40 == 0) {
            struct timespec pause = {0, 10000 * (k % 23)};
            nanosleep(&pause, NULL);
        }
    }
    lim_pool_free(pool);
}

/* All threads take part: each item waits until every thread has one. */
static void
meet(void *ctx, int i, int thread)
{
    atomic_int *here = ctx;
    atomic_fetch_add(here, 1);
    while (atomic_load(here) < 3) {
        struct timespec pause = {0, 100000};
        nanosleep(&pause, NULL);
    }
}

static void
test_threads_run_together(void)
{
    LimPool *pool = lim_pool_new(3);
    for (int k = 0; k < 20; k++) {
        atomic_int here = 0;
        lim_pool_for(pool, 3, meet, &here);
        g_assert_cmpint(atomic_load(&here), ==, 3);
        if (k % 2) { /* asleep, then awake */
            struct timespec pause = {0, 1000000};
            nanosleep(&pause, NULL);
        }
    }
    lim_pool_free(pool);
}

/* A slow last item: the caller has to wait for it, asleep. */
static void
slow_item(void *ctx, int i, int thread)
{
    struct timespec pause = {0, i == 0 ? 0 : 2000000};
    nanosleep(&pause, NULL);
    ((int *)ctx)[i] = 1;
}

static void
test_waits_for_slow_items(void)
{
    LimPool *pool = lim_pool_new(2);
    for (int k = 0; k < 20; k++) {
        int done[2] = {0};
        lim_pool_for(pool, 2, slow_item, done);
        g_assert_cmpint(done[0] + done[1], ==, 2);
    }
    lim_pool_free(pool);
}

typedef struct Outer {
    LimPool *pool, *other;
    int sums[MAX_N];
    atomic_int wrong;
} Outer;

typedef struct Inner {
    int *sum;
    int last, want_thread;
    atomic_int *wrong;
} Inner;

static void
inner_item(void *ctx, int i, int thread)
{
    Inner *in = ctx;
    if (i != in->last + 1 || thread != in->want_thread)
        atomic_fetch_add(in->wrong, 1);
    in->last = i;
    *in->sum += i;
}

static void
outer_item(void *ctx, int i, int thread)
{
    Outer *o = ctx;
    struct timespec pause = {0, 100000};
    nanosleep(&pause, NULL); /* so that others get items too */
    Inner same = {&o->sums[i], -1, thread, &o->wrong};
    lim_pool_for(o->pool, 10, inner_item, &same);
    Inner other = {&o->sums[i], -1, 0, &o->wrong};
    lim_pool_for(o->other, 10, inner_item, &other);
    Inner none = {&o->sums[i], -1, 0, &o->wrong};
    lim_pool_for(NULL, 10, inner_item, &none);
}

/* Nested calls run in order on the thread they come from, with its index. */
static void
test_nested(void)
{
    Outer o = {.pool = lim_pool_new(3), .other = lim_pool_new(2)};
    static const int sizes[] = {1, 2, 50};
    for (size_t k = 0; k < G_N_ELEMENTS(sizes); k++) {
        memset(o.sums, 0, sizeof o.sums);
        lim_pool_for(o.pool, sizes[k], outer_item, &o);
        for (int i = 0; i < sizes[k]; i++)
            g_assert_cmpint(o.sums[i], ==, 3 * 45);
    }
    g_assert_cmpint(atomic_load(&o.wrong), ==, 0);
    check_counts(o.pool, 100); /* and afterwards in parallel again */
    lim_pool_free(o.pool);
    lim_pool_free(o.other);
}

static void
test_new_and_free(void)
{
    for (int k = 0; k < 100; k++) {
        LimPool *pool = lim_pool_new(1 + k % 4);
        if (k % 3)
            check_counts(pool, k);
        lim_pool_free(pool);
    }
    LimPool *pool = lim_pool_new(0);
    g_assert_cmpint(lim_pool_threads(pool), >=, 1);
    lim_pool_free(pool);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pool/each-once", test_each_once);
    g_test_add_func("/pool/many-joins", test_many_joins);
    g_test_add_func("/pool/threads-run-together", test_threads_run_together);
    g_test_add_func("/pool/waits-for-slow-items", test_waits_for_slow_items);
    g_test_add_func("/pool/nested", test_nested);
    g_test_add_func("/pool/new-and-free", test_new_and_free);
    return g_test_run();
}
