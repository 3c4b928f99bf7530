/* Fork-join over an index range.
 *
 * A network forward at batch 1 has hundreds of joins a few tens of microseconds apart, so a join
 * must cost about a microsecond: threads spin for SPIN_NS before they sleep. It must also not wait
 * for a thread that never came (the machine is shared): a job is a door that the caller closes when
 * the items are handed out, and the caller then waits only for those inside.
 *
 * The door is one atomic word: number of the job, open bit, threads inside. A worker enters with
 * a compare-and-swap, which fails once the door is closed, so nobody can touch a job that is over.
 */
#include "base/pool.h"

#include "base/status.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define SPIN_NS     60000
#define INSIDE_MASK UINT64_C(0xffff)
#define OPEN        UINT64_C(0x10000)
#define JOB_SHIFT   17
#define MAX_THREADS 1024
#define GIVE_WAY    5 /* nice */

typedef struct Worker {
    LimPool *pool;
    int index; /* 1 .. threads-1; the caller is 0 */
    pthread_t thread;
} Worker;

struct LimPool {
    int threads;
    Worker *workers; /* [threads - 1] */

    /* The job: written by the caller while the door is closed and nobody is inside. */
    void (*fn)(void *ctx, int i, int thread);
    void *ctx;
    int n;

    _Alignas(64) _Atomic uint64_t door;
    _Alignas(64) atomic_int next; /* the next item */
    _Alignas(64) atomic_bool busy;
    atomic_bool quit, give_way;

    /* The slow path. The counters are changed under the lock and peeked at without it; door and
     * counters are sequentially consistent, so either the sleeper sees the news or the other side
     * sees the sleeper. */
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    atomic_int sleepers;
    atomic_bool caller_sleeps;
};

/* The pool whose item this thread is running, and its index there. */
static _Thread_local const LimPool *inside_pool;
static _Thread_local int inside_index;

static inline void
relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int64_t
now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Spins until ready() or the time is up; a bound in time, because the length of a pause instruction
 * differs by a factor of ten between processors. */
static bool
spin(LimPool *pool, uint64_t job, bool (*ready)(LimPool *pool, uint64_t job))
{
    int64_t end = 0;
    for (;;) {
        for (int i = 0; i < 32; i++) {
            if (ready(pool, job))
                return true;
            relax();
        }
        int64_t t = now_ns();
        if (end == 0)
            end = t + SPIN_NS;
        else if (t >= end)
            return false;
    }
}

/* A job after `job` whose door is open, or the end. */
static bool
has_work(LimPool *pool, uint64_t job)
{
    uint64_t door = atomic_load(&pool->door);
    return ((door & OPEN) && door >> JOB_SHIFT != job) || atomic_load(&pool->quit);
}

static bool
all_out(LimPool *pool, uint64_t job)
{
    return (atomic_load(&pool->door) & INSIDE_MASK) == 0;
}

static void
run_items(LimPool *pool, int index)
{
    inside_pool = pool;
    inside_index = index;
    for (;;) {
        int i = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (i >= pool->n)
            break;
        pool->fn(pool->ctx, i, index);
    }
    inside_pool = NULL;
}

static void
wait_for_work(LimPool *pool, uint64_t job)
{
    if (spin(pool, job, has_work))
        return;
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleepers, 1);
    while (!has_work(pool, job))
        pthread_cond_wait(&pool->work, &pool->lock);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->lock);
}

static void *
worker_main(void *arg)
{
    Worker *me = arg;
    LimPool *pool = me->pool;
    uint64_t job = 0;
    bool gave_way = false;
    for (;;) {
        wait_for_work(pool, job);
        if (atomic_load(&pool->quit))
            return NULL;
        if (!gave_way && atomic_load(&pool->give_way)) {
            lim_thread_give_way();
            gave_way = true;
        }
        uint64_t door = atomic_load(&pool->door);
        while ((door & OPEN) && !atomic_compare_exchange_weak(&pool->door, &door, door + 1))
            relax();
        if (!(door & OPEN))
            continue;
        job = door >> JOB_SHIFT;
        run_items(pool, me->index);
        /* The last one out, after the caller has closed the door, wakes a sleeping caller. */
        uint64_t after = atomic_fetch_sub(&pool->door, 1) - 1;
        if ((after & (INSIDE_MASK | OPEN)) == 0 && atomic_load(&pool->caller_sleeps)) {
            pthread_mutex_lock(&pool->lock);
            pthread_cond_signal(&pool->done);
            pthread_mutex_unlock(&pool->lock);
        }
    }
}

static int
online_processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN); /* more than CPU_SETSIZE processors */
    return n > 0 ? (int)n : 1;
}

LimPool *
lim_pool_new(int threads)
{
    LIM_ASSERT(threads >= 0);
    if (threads == 0)
        threads = online_processors();
    if (threads > MAX_THREADS)
        threads = MAX_THREADS;

    LimPool *pool = lim_alloc(1, sizeof *pool);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->done, NULL);
    pool->workers = lim_alloc((size_t)threads, sizeof *pool->workers);

    /* Signals belong to the program's own threads. A thread that the system refuses only makes
     * things slower: results do not depend on their number. */
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int started = 0;
    for (; started < threads - 1; started++) {
        Worker *worker = &pool->workers[started];
        worker->pool = pool;
        worker->index = started + 1;
        if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0)
            break;
        pthread_setname_np(worker->thread, "limen-pool");
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pool->threads = started + 1;
    return pool;
}

void
lim_pool_free(LimPool *pool)
{
    if (!pool)
        return;
    LIM_ASSERT(!atomic_load(&pool->busy));
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->quit, true);
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->threads - 1; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->done);
    pthread_mutex_destroy(&pool->lock);
    free(pool->workers);
    free(pool);
}

int
lim_pool_threads(const LimPool *pool)
{
    return pool ? pool->threads : 1;
}

static void
run_serially(int n, void (*fn)(void *ctx, int i, int thread), void *ctx, int index)
{
    for (int i = 0; i < n; i++)
        fn(ctx, i, index);
}

void
lim_pool_for(LimPool *pool, int n, void (*fn)(void *ctx, int i, int thread), void *ctx)
{
    if (!pool || inside_pool) {
        /* Scratch is indexed by thread: a nested call keeps the index of its own pool. */
        run_serially(n, fn, ctx, pool && pool == inside_pool ? inside_index : 0);
        return;
    }
    if (n <= 0)
        return;
    LIM_ASSERT(n <= INT_MAX - MAX_THREADS); /* each thread overshoots `next` once */
    LIM_ASSERT(!atomic_exchange(&pool->busy, true));
    if (n == 1 || pool->threads == 1) {
        inside_pool = pool;
        inside_index = 0;
        run_serially(n, fn, ctx, 0);
        inside_pool = NULL;
        atomic_store(&pool->busy, false);
        return;
    }

    pool->fn = fn;
    pool->ctx = ctx;
    pool->n = n;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    uint64_t job = (atomic_load(&pool->door) >> JOB_SHIFT) + 1;
    atomic_store(&pool->door, job << JOB_SHIFT | OPEN);

    if (atomic_load(&pool->sleepers) > 0) {
        pthread_mutex_lock(&pool->lock);
        int awake = pool->threads - 1 - atomic_load(&pool->sleepers);
        for (int k = awake; k < pool->threads - 1 && k < n - 1; k++)
            pthread_cond_signal(&pool->work);
        pthread_mutex_unlock(&pool->lock);
    }

    run_items(pool, 0);
    atomic_fetch_and(&pool->door, ~OPEN);
    if (!spin(pool, job, all_out)) {
        pthread_mutex_lock(&pool->lock);
        atomic_store(&pool->caller_sleeps, true);
        while (!all_out(pool, job))
            pthread_cond_wait(&pool->done, &pool->lock);
        atomic_store(&pool->caller_sleeps, false);
        pthread_mutex_unlock(&pool->lock);
    }
    atomic_store(&pool->busy, false);
}

void
lim_thread_give_way(void)
{
    /* Linux has a nice value for each thread; raising it always succeeds, and where it does not,
     * the thread is just as fast as before. */
    if (getpriority(PRIO_PROCESS, (id_t)gettid()) < GIVE_WAY)
        setpriority(PRIO_PROCESS, (id_t)gettid(), GIVE_WAY);
}

void
lim_pool_give_way(LimPool *pool)
{
    if (pool)
        atomic_store(&pool->give_way, true);
}
