/* The worker, with a post queue that this thread drains: who is told what, how often, in which
 * order. Nothing here depends on how fast the machine is; the loops end when the thing has
 * happened. */
#include "jobs/worker.h"

#include "base/rng.h"

#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- The UI thread's queue ---- */

typedef struct Posted {
    void (*fn)(void *arg);
    void *arg;
} Posted;

typedef struct Queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    Posted items[64];
    int n;
} Queue;

static Queue queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER};

static void
queue_post(void *ctx, void (*fn)(void *arg), void *arg)
{
    Queue *q = ctx;
    pthread_mutex_lock(&q->lock);
    LIM_ASSERT(q->n < (int)G_N_ELEMENTS(q->items));
    q->items[q->n++] = (Posted){fn, arg};
    pthread_cond_signal(&q->filled);
    pthread_mutex_unlock(&q->lock);
}

/* Runs the oldest delivery, if there is one within ms. */
static bool
queue_run(Queue *q, int ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&q->lock);
    while (q->n == 0 && ms > 0)
        if (pthread_cond_timedwait(&q->filled, &q->lock, &until) != 0)
            break;
    Posted p = {0};
    if (q->n > 0) {
        p = q->items[0];
        memmove(q->items, q->items + 1, (size_t)--q->n * sizeof q->items[0]);
    }
    pthread_mutex_unlock(&q->lock);
    if (p.fn)
        p.fn(p.arg);
    return p.fn != NULL;
}

static int
queue_length(Queue *q)
{
    pthread_mutex_lock(&q->lock);
    int n = q->n;
    pthread_mutex_unlock(&q->lock);
    return n;
}

static void
sleep_us(int us)
{
    struct timespec t = {us / 1000000, us % 1000000 * 1000L};
    nanosleep(&t, NULL);
}

/* Drains until the condition holds. A broken worker runs into the test's timeout. */
#define DRAIN_UNTIL(condition) \
    while (!(condition))       \
    queue_run(&queue, 20)

/* ---- A task that can be watched ---- */

static atomic_int tasks_alive;

typedef struct Probe {
    LimTask base;
    int steps;         /* done after so many; below 0: never */
    int step_us;       /* how long each sleeps, in pieces that poll for cancel */
    int fail_at;       /* step that fails; below 0: none */
    bool needs_cancel; /* the one step lasts until it is cancelled */
    /* Watched from the test thread. They stand outside, as the task is freed on the worker. */
    atomic_int *taken;
    atomic_int *gate; /* optional: done only once this is set */
    int best;         /* best so far */
} Probe;

static LimStep
probe_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    Probe *p = (Probe *)t;
    int taken = ++p->best;
    if (p->taken)
        atomic_fetch_add(p->taken, 1);
    progress->fraction = p->steps > 0 ? (double)taken / p->steps : -1;
    g_snprintf(progress->text, sizeof progress->text, "step %d", taken);
    if (p->fail_at == taken) {
        lim_fail(err, LIM_E_NUMERIC, "the loss became NaN in step %d", taken);
        return LIM_STEP_FAILED;
    }
    for (int us = 0; us < p->step_us || p->needs_cancel; us += 200) {
        if (lim_cancelled(exec->cancel)) {
            lim_fail(err, LIM_CANCELLED, "cancelled");
            return LIM_STEP_FAILED;
        }
        sleep_us(200);
    }
    bool open = !p->gate || atomic_load(p->gate);
    return p->steps >= 0 && taken >= p->steps && open ? LIM_STEP_DONE : LIM_STEP_MORE;
}

static LimTensor *
probe_preview(LimTask *t)
{
    LimTensor *tensor = lim_tensor_new(LIM_I32, LIM_SHAPE1(1));
    *(int32_t *)lim_tensor_edit(tensor) = ((Probe *)t)->best;
    return tensor;
}

static void
probe_free(LimTask *t)
{
    atomic_fetch_sub(&tasks_alive, 1);
    free(t);
}

static const LimTaskClass probe_class = {"probe", probe_step, probe_preview, probe_free};

static Probe *
probe_new(int steps, int step_us)
{
    Probe *p = lim_alloc(1, sizeof *p);
    p->base.klass = &probe_class;
    p->steps = steps;
    p->step_us = step_us;
    p->fail_at = -1;
    atomic_fetch_add(&tasks_alive, 1);
    return p;
}

/* ---- What a request was told ---- */

typedef struct Told {
    int progress, previews, done, drop; /* how often */
    int last_preview;
    LimStatus status;
    char text[400];
    int best, order; /* order: counts all done events */
    LimTiming timing;
    LimProgress last;
    void (*on_done)(struct Told *told);
    void (*on_progress)(struct Told *told);
    void (*on_drop)(struct Told *told);
} Told;

static int done_count;
static bool worker_freed;
static pthread_t ui_thread;

static void
told_progress(void *data, const LimProgress *p, LimTensor *preview)
{
    Told *told = data;
    g_assert_false(worker_freed);
    g_assert_true(pthread_equal(pthread_self(), ui_thread));
    g_assert_cmpint(told->done + told->drop, ==, 0);
    told->progress++;
    told->last = *p;
    if (preview) {
        g_assert_cmpint(lim_tensor_i32(preview)[0], >, told->last_preview);
        told->last_preview = lim_tensor_i32(preview)[0];
        told->previews++;
    }
    if (told->on_progress)
        told->on_progress(told);
}

static void
told_done(void *data, LimTask *task, LimStatus status, const LimError *err, const LimTiming *timing)
{
    Told *told = data;
    g_assert_false(worker_freed);
    g_assert_true(pthread_equal(pthread_self(), ui_thread));
    g_assert_cmpint(told->done + told->drop, ==, 0);
    g_assert_cmpint(err->code, ==, status);
    told->done++;
    told->status = status;
    g_strlcpy(told->text, err->text, sizeof told->text);
    told->best = ((Probe *)task)->best;
    told->order = done_count++;
    told->timing = *timing;
    if (told->on_done)
        told->on_done(told);
}

static void
told_drop(void *data)
{
    Told *told = data;
    g_assert_true(pthread_equal(pthread_self(), ui_thread));
    g_assert_cmpint(told->drop, ==, 0);
    told->drop++;
    if (told->on_drop)
        told->on_drop(told);
}

static LimTaskEvents
events_for(Told *told)
{
    return (LimTaskEvents){told_progress, told_done, told_drop, told};
}

static LimWorker *
worker_new(void)
{
    static const LimExec exec; /* no kernels, no pool: the probes only sleep */
    worker_freed = false;
    ui_thread = pthread_self();
    return lim_worker_new(&exec, (LimPost){queue_post, &queue});
}

/* Frees, then runs what is still in the queue, which must not reach anybody. */
static void
worker_free(LimWorker *w)
{
    lim_worker_free(w);
    worker_freed = true;
    while (queue_run(&queue, 0)) {
    }
    g_assert_cmpint(atomic_load(&tasks_alive), ==, 0);
}

/* ---- Tests ---- */

static void
test_one(void)
{
    LimWorker *w = worker_new();
    Told live = {0}, job = {0}, failed = {0};
    lim_worker_submit(w, &probe_new(3, 0)->base, LIM_LANE_LIVE, 0, 0, events_for(&live));
    DRAIN_UNTIL(live.drop);
    g_assert_cmpint(live.done, ==, 1);
    g_assert_cmpint(live.status, ==, LIM_OK);
    g_assert_cmpstr(live.text, ==, "");
    g_assert_cmpint(live.best, ==, 3);

    Probe *p = probe_new(5, 1000), *bad = probe_new(5, 0);
    bad->fail_at = 2;
    lim_worker_submit(w, &p->base, LIM_LANE_LONG, -7, 0, events_for(&job));
    lim_worker_submit(w, &bad->base, LIM_LANE_LONG, 0, 0, events_for(&failed));
    g_assert_cmpint(lim_worker_busy(w), >=, 1);
    DRAIN_UNTIL(job.drop && failed.drop);
    g_assert_cmpint(lim_worker_busy(w), ==, 0);
    g_assert_cmpint(job.order, <, failed.order);
    g_assert_cmpint(job.status, ==, LIM_OK);
    g_assert_cmpfloat(job.timing.ran_ms, >=, 5);
    g_assert_cmpfloat(failed.timing.queued_ms, >=, 5); /* it waited for the other */
    g_assert_cmpint(failed.status, ==, LIM_E_NUMERIC);
    g_assert_cmpstr(failed.text, ==, "the loss became NaN in step 2");

    /* Nobody has to listen. */
    lim_worker_submit(w, &probe_new(2, 0)->base, LIM_LANE_LIVE, 1, 1, (LimTaskEvents){0});
    while (atomic_load(&tasks_alive) > 0)
        queue_run(&queue, 20);
    worker_free(w);
    lim_worker_free(NULL);
}

/* The idle lane: after everything else, never while live requests keep coming, and it still ends.
 */
static void
test_idle(void)
{
    LimWorker *w = worker_new();
    Told idle = {0}, second = {0}, job = {0}, live[40] = {0};
    atomic_int idle_steps = 0, job_steps = 0;
    Probe *p = probe_new(4, 0), *q = probe_new(20, 500);
    p->taken = &idle_steps;
    q->taken = &job_steps;
    lim_worker_submit(w, &probe_new(1, 0)->base, LIM_LANE_LIVE, 0, 0, events_for(&live[0]));
    lim_worker_submit(w, &p->base, LIM_LANE_IDLE, -1, 0, events_for(&idle));
    lim_worker_submit(w, &probe_new(1, 0)->base, LIM_LANE_IDLE, 0, 0, events_for(&second));
    lim_worker_submit(w, &q->base, LIM_LANE_LONG, 0, 0, events_for(&job));
    g_assert_cmpint(lim_worker_busy(w), ==, 1);
    gint64 last = g_get_monotonic_time(), gap = 0;
    for (int i = 1; i < 40; i++) { /* more than a second of a hand that moves */
        lim_worker_submit(w, &probe_new(1, 500)->base, LIM_LANE_LIVE, i % 3, 0,
                          events_for(&live[i]));
        gap = MAX(gap, g_get_monotonic_time() - last);
        last = g_get_monotonic_time();
        DRAIN_UNTIL(live[i].drop);
        sleep_us(30000);
    }
    DRAIN_UNTIL(idle.drop && second.drop);
    g_assert_cmpint(idle.status, ==, LIM_OK);
    g_assert_cmpint(atomic_load(&idle_steps), ==, 4);
    g_assert_cmpint(job.order, <, idle.order);
    g_assert_cmpint(idle.order, <, second.order);
    if (gap < 200000) /* unless this machine made a pause of its own */
        g_assert_cmpint(live[39].order, <, idle.order);

    /* Cancelled while it waits, and left over. */
    Told cancelled = {0}, left = {0};
    uint64_t ticket = lim_worker_submit(w, &probe_new(-1, 100)->base, LIM_LANE_IDLE, 0, 0,
                                        events_for(&cancelled));
    DRAIN_UNTIL(cancelled.progress);
    lim_worker_cancel(w, ticket);
    DRAIN_UNTIL(cancelled.drop);
    g_assert_cmpint(cancelled.status, ==, LIM_CANCELLED);
    lim_worker_submit(w, &probe_new(-1, 100)->base, LIM_LANE_IDLE, 0, 0, events_for(&left));
    worker_free(w);
    g_assert_cmpint(left.drop, ==, 1);
}

/* A burst of requests in two slots: all dropped once, the last of each slot delivered, none out of
 * order, none for a request that was replaced while it waited. */
static void
test_newest_wins(void)
{
    enum { N = 3000 };
    static Told told[N];
    memset(told, 0, sizeof told);
    LimWorker *w = worker_new();
    int most = 0;
    for (int i = 0; i < N; i++) {
        lim_worker_submit(w, &probe_new(1 + i % 3, i % 5 * 50)->base, LIM_LANE_LIVE, i % 2, 0,
                          events_for(&told[i]));
        if (i % 16 == 0)
            sleep_us(100);
        int length = queue_length(&queue);
        most = length > most ? length : most;
        if (i % 64 == 0)
            queue_run(&queue, 0);
    }
    g_assert_cmpint(most, <=, 1); /* deliveries do not pile up */
    int drops;
    do {
        queue_run(&queue, 20);
        drops = 0;
        for (int i = 0; i < N; i++)
            drops += told[i].drop;
    } while (drops < N);
    worker_free(w);
    int delivered = 0, last_order[2] = {-1, -1};
    for (int i = 0; i < N; i++) {
        g_assert_cmpint(told[i].drop, ==, 1);
        if (!told[i].done)
            continue;
        delivered++;
        g_assert_cmpint(told[i].order, >, last_order[i % 2]);
        last_order[i % 2] = told[i].order;
    }
    g_assert_cmpint(delivered, <, N);
    for (int i = N - 2; i < N; i++) {
        g_assert_cmpint(told[i].done, ==, 1);
        g_assert_cmpint(told[i].status, ==, LIM_OK);
    }
}

/* Dragging: a new request every few milliseconds, each replacing the one that waits, while each run
 * takes several times as long. Frames appear nevertheless. */
static void
test_dragging_shows_frames(void)
{
    enum { MAX = 5000, WANT = 10 };
    static Told told[MAX];
    memset(told, 0, sizeof told);
    LimWorker *w = worker_new();
    int n = 0, shown = 0;
    while (shown < WANT && n < MAX) {
        lim_worker_submit(w, &probe_new(3, 5000)->base, LIM_LANE_LIVE, 2, 0,
                          events_for(&told[n++]));
        sleep_us(3000);
        while (queue_run(&queue, 0)) {
        }
        shown = 0;
        for (int i = 0; i < n; i++)
            shown += told[i].done && told[i].status == LIM_OK;
    }
    g_assert_cmpint(shown, >=, WANT);
    DRAIN_UNTIL(told[n - 1].drop);
    g_assert_cmpint(told[n - 1].status, ==, LIM_OK);
    worker_free(w);
    for (int i = 0; i < n; i++)
        g_assert_cmpint(told[i].drop, ==, 1);
}

/* A run that exceeds its slot makes room, inside its step; the newest then runs to its end. */
static void
test_long_run_makes_room(void)
{
    LimWorker *w = worker_new();
    Told endless = {0};
    atomic_int taken = 0;
    Probe *p = probe_new(-1, 0);
    p->needs_cancel = true;
    p->taken = &taken;
    lim_worker_submit(w, &p->base, LIM_LANE_LIVE, 0, 0, events_for(&endless));
    while (atomic_load(&taken) == 0)
        sleep_us(500);
    static Told told[20000];
    memset(told, 0, sizeof told);
    int n = 0;
    while (!endless.done && n < (int)G_N_ELEMENTS(told)) {
        lim_worker_submit(w, &probe_new(2, 100)->base, LIM_LANE_LIVE, 0, 0, events_for(&told[n++]));
        queue_run(&queue, 4);
    }
    g_assert_cmpint(endless.status, ==, LIM_CANCELLED);
    g_assert_cmpint(endless.best, ==, 1);
    DRAIN_UNTIL(told[n - 1].drop);
    g_assert_cmpint(told[n - 1].status, ==, LIM_OK);
    worker_free(w);
}

/* Also when no further event comes after the one that waits: between the steps. */
static void
test_long_run_makes_room_for_the_last(void)
{
    LimWorker *w = worker_new();
    Told endless = {0}, last = {0};
    atomic_int taken = 0;
    Probe *p = probe_new(-1, 1000);
    p->taken = &taken;
    lim_worker_submit(w, &p->base, LIM_LANE_LIVE, 0, 0, events_for(&endless));
    while (atomic_load(&taken) == 0)
        sleep_us(500);
    lim_worker_submit(w, &probe_new(2, 100)->base, LIM_LANE_LIVE, 0, 0, events_for(&last));
    DRAIN_UNTIL(last.drop);
    g_assert_cmpint(endless.status, ==, LIM_CANCELLED);
    g_assert_cmpint(last.status, ==, LIM_OK);
    g_assert_cmpint(endless.order, <, last.order);
    worker_free(w);
}

/* Runs of 60 ms after a history of short ones: the slot catches up, so they are shown while the
 * requests keep coming. */
static void
test_slot_catches_up(void)
{
    enum { MAX = 5000, SHORT = 5 };
    static Told told[MAX];
    memset(told, 0, sizeof told);
    LimWorker *w = worker_new();
    int n = 0;
    for (; n < SHORT; n++) {
        lim_worker_submit(w, &probe_new(1, 0)->base, LIM_LANE_LIVE, 0, 0, events_for(&told[n]));
        DRAIN_UNTIL(told[n].drop);
    }
    int shown = 0;
    while (shown < 3 && n < MAX) {
        lim_worker_submit(w, &probe_new(12, 5000)->base, LIM_LANE_LIVE, 0, 0,
                          events_for(&told[n++]));
        sleep_us(4000);
        while (queue_run(&queue, 0)) {
        }
        shown = 0;
        for (int i = SHORT; i < n; i++)
            shown += told[i].done && told[i].status == LIM_OK;
    }
    g_assert_cmpint(shown, ==, 3);
    worker_free(w);
}

/* Cancel: at most the step that is under way is finished; the best so far is there. */
static void
test_cancel(void)
{
    LimWorker *w = worker_new();
    for (int k = 0; k < 20; k++) {
        Told told = {0}, waiting = {0};
        atomic_int taken = 0;
        Probe *p = probe_new(-1, k % 2 ? 0 : 1000);
        p->taken = &taken;
        uint64_t ticket = lim_worker_submit(w, &p->base, LIM_LANE_LONG, 0, 0, events_for(&told));
        uint64_t second =
            lim_worker_submit(w, &probe_new(1, 0)->base, LIM_LANE_LONG, 0, 0, events_for(&waiting));
        g_assert_cmpuint(ticket, !=, 0);
        g_assert_cmpuint(second, !=, ticket);
        while (atomic_load(&taken) < 3)
            sleep_us(200);
        g_assert_cmpint(lim_worker_busy(w), ==, 2);
        if (k % 4 < 2) { /* one that waits: it ends without a step, while the other runs */
            lim_worker_cancel(w, second);
            DRAIN_UNTIL(waiting.drop);
            g_assert_cmpint(waiting.status, ==, LIM_CANCELLED);
            g_assert_cmpint(waiting.best, ==, 0);
            g_assert_cmpint(told.done, ==, 0);
        }
        lim_worker_cancel(w, ticket);
        int before = atomic_load(&taken);
        DRAIN_UNTIL(told.drop && waiting.drop);
        g_assert_cmpint(told.status, ==, LIM_CANCELLED);
        g_assert_cmpint(told.best, >=, 3);
        g_assert_cmpint(told.best, <=, before + 1);
        g_assert_cmpint(waiting.status, ==, k % 4 < 2 ? LIM_CANCELLED : LIM_OK);
        lim_worker_cancel(w, ticket); /* finished, and unknown: no effect */
        lim_worker_cancel(w, 12345678);
    }
    worker_free(w);
}

/* Inside a step, too. */
static void
test_cancel_reaches_into_a_step(void)
{
    LimWorker *w = worker_new();
    Told told = {0};
    atomic_int taken = 0;
    Probe *p = probe_new(-1, 0);
    p->needs_cancel = true;
    p->taken = &taken;
    uint64_t ticket = lim_worker_submit(w, &p->base, LIM_LANE_LONG, 0, 0, events_for(&told));
    while (atomic_load(&taken) == 0)
        sleep_us(200);
    lim_worker_cancel(w, ticket);
    DRAIN_UNTIL(told.drop);
    g_assert_cmpint(told.status, ==, LIM_CANCELLED);
    g_assert_cmpint(told.best, ==, 1);
    worker_free(w);
}

/* A long job that ends only after a live request has been delivered. */
static void
test_live_between_steps(void)
{
    LimWorker *w = worker_new();
    Told job = {0}, next = {0};
    atomic_int gate = 0, taken = 0;
    Probe *p = probe_new(1, 200);
    p->gate = &gate;
    p->taken = &taken;
    lim_worker_submit(w, &p->base, LIM_LANE_LONG, 0, 0, events_for(&job));
    lim_worker_submit(w, &probe_new(1, 0)->base, LIM_LANE_LONG, 0, 0, events_for(&next));
    for (int slot = 0; slot < LIM_WORKER_SLOTS; slot++) {
        Told live = {0};
        int before = atomic_load(&taken);
        lim_worker_submit(w, &probe_new(2, 0)->base, LIM_LANE_LIVE, slot, 0, events_for(&live));
        DRAIN_UNTIL(live.drop);
        g_assert_cmpint(live.status, ==, LIM_OK);
        g_assert_cmpint(job.done, ==, 0);
        while (atomic_load(&taken) == before) /* the job goes on between live requests */
            sleep_us(200);
    }
    g_assert_cmpint(next.done, ==, 0);
    atomic_store(&gate, 1);
    DRAIN_UNTIL(next.drop);
    g_assert_cmpint(job.status, ==, LIM_OK);
    g_assert_cmpint(job.order, <, next.order);
    worker_free(w);
}

/* Slots take turns: an endless live request does not hold up another slot, nor the long lane. */
static void
test_slots_take_turns(void)
{
    LimWorker *w = worker_new();
    for (int k = 0; k < 2; k++) {
        Told endless = {0}, other = {0}, job = {0};
        uint64_t ticket = lim_worker_submit(w, &probe_new(-1, 200)->base, LIM_LANE_LIVE, k ? 3 : 1,
                                            0, events_for(&endless));
        lim_worker_submit(w, &probe_new(5, 200)->base, LIM_LANE_LIVE, k ? 1 : 3, 0,
                          events_for(&other));
        lim_worker_submit(w, &probe_new(3, 0)->base, LIM_LANE_LONG, 0, 0, events_for(&job));
        DRAIN_UNTIL(other.drop && job.drop);
        g_assert_cmpint(endless.done, ==, 0);
        lim_worker_cancel(w, ticket);
        DRAIN_UNTIL(endless.drop);
        g_assert_cmpint(endless.status, ==, LIM_CANCELLED);
    }
    worker_free(w);
}

static void
test_progress_coalesces(void)
{
    LimWorker *w = worker_new();
    Told told = {0};
    atomic_int gate = 0, taken = 0;
    Probe *p = probe_new(1, 1000);
    p->gate = &gate;
    p->taken = &taken;
    lim_worker_submit(w, &p->base, LIM_LANE_LONG, 0, 1, events_for(&told));
    while (atomic_load(&taken) < 60)
        sleep_us(1000);
    g_assert_cmpint(queue_length(&queue), ==, 1);
    g_assert_cmpint(told.progress, ==, 0);
    queue_run(&queue, 0);
    g_assert_cmpint(told.progress, >=, 1);
    g_assert_cmpint(told.progress, <=, 2); /* one more may arrive while it is being delivered */
    g_assert_cmpint(told.previews, >=, 1);
    int number = 0;
    g_assert_cmpint(sscanf(told.last.text, "step %d", &number), ==, 1);
    g_assert_cmpint(number, >, told.last_preview); /* the newest text, though the preview waited */
    DRAIN_UNTIL(told.progress >= 5);
    g_assert_cmpint(told.previews, >=, 2);
    atomic_store(&gate, 1);
    DRAIN_UNTIL(told.drop);
    g_assert_cmpint(told.status, ==, LIM_OK);

    /* Without an interval there are no previews. */
    Told plain = {0};
    gate = 0;
    p = probe_new(1, 1000);
    p->gate = &gate;
    lim_worker_submit(w, &p->base, LIM_LANE_LONG, 0, 0, events_for(&plain));
    DRAIN_UNTIL(plain.progress >= 3);
    g_assert_cmpint(plain.previews, ==, 0);
    worker_free(w);
    g_assert_cmpint(plain.done, ==, 0);
    g_assert_cmpint(plain.drop, ==, 1);
}

/* ---- Callbacks that turn on the worker ---- */

static LimWorker *shared;
static Told chained;
static atomic_int nested_gate;

static void
free_in_callback(Told *told)
{
    lim_worker_free(shared);
    worker_freed = true;
    g_assert_cmpint(told->drop, ==, 0); /* its data is still in use: here */
}

static void
submit_in_callback(Told *told)
{
    lim_worker_submit(shared, &probe_new(2, 0)->base, LIM_LANE_LIVE, 0, 0, events_for(&chained));
}

static void
loop_in_callback(Told *told)
{
    told->on_progress = NULL;
    atomic_store(&nested_gate, 1);
    DRAIN_UNTIL(chained.drop);
    /* The one whose callback this is has finished meanwhile, but is not told before it returns. */
    g_assert_cmpint(told->done, ==, 0);
}

static void
not_busy_in_callback(Told *told)
{
    g_assert_cmpint(lim_worker_busy(shared), ==, 0);
}

static void
run_queue_in_callback(Told *told)
{
    while (queue_run(&queue, 0)) {
    }
}

static void
test_callbacks(void)
{
    memset(&chained, 0, sizeof chained);
    shared = worker_new();
    Told first = {.on_done = submit_in_callback};
    lim_worker_submit(shared, &probe_new(1, 0)->base, LIM_LANE_LIVE, 0, 0, events_for(&first));
    DRAIN_UNTIL(first.drop && chained.drop);
    g_assert_cmpint(chained.status, ==, LIM_OK);

    memset(&chained, 0, sizeof chained);
    Told outer = {.on_progress = loop_in_callback};
    atomic_store(&nested_gate, 0);
    Probe *p = probe_new(1, 1000);
    p->gate = &nested_gate;
    lim_worker_submit(shared, &p->base, LIM_LANE_LONG, 0, 0, events_for(&outer));
    lim_worker_submit(shared, &probe_new(1, 0)->base, LIM_LANE_LONG, 0, 0, events_for(&chained));
    DRAIN_UNTIL(outer.drop);
    g_assert_cmpint(outer.done, ==, 1);
    g_assert_cmpint(outer.order, >, chained.order);

    /* In done, the job itself is not busy any more. */
    Told single = {.on_done = not_busy_in_callback};
    lim_worker_submit(shared, &probe_new(1, 0)->base, LIM_LANE_LONG, 0, 0, events_for(&single));
    DRAIN_UNTIL(single.drop);

    /* A drop that runs a main loop while the worker is being freed: nobody is told any more. */
    Told finished[3] = {{.on_drop = run_queue_in_callback}};
    LimWorker *w = worker_new();
    for (int i = 0; i < 3; i++)
        lim_worker_submit(w, &probe_new(1, 0)->base, LIM_LANE_LONG, 0, 0, events_for(&finished[i]));
    while (lim_worker_busy(w) > 0 || queue_length(&queue) == 0)
        sleep_us(200);
    lim_worker_free(w);
    for (int i = 0; i < 3; i++) {
        g_assert_cmpint(finished[i].done, ==, 0);
        g_assert_cmpint(finished[i].drop, ==, 1);
    }
    g_assert_cmpint(queue_length(&queue), ==, 0);

    /* Free from done, with others finished, running and waiting. */
    Told told[6] = {{.on_done = free_in_callback}};
    for (int i = 0; i < 6; i++)
        lim_worker_submit(shared, &probe_new(i == 2 ? -1 : 1, 0)->base,
                          i < 3 ? LIM_LANE_LONG : LIM_LANE_LIVE, i, 0, events_for(&told[i]));
    DRAIN_UNTIL(told[0].drop);
    while (queue_run(&queue, 0)) {
    }
    for (int i = 0; i < 6; i++)
        g_assert_cmpint(told[i].drop, ==, 1);
    g_assert_cmpint(atomic_load(&tasks_alive), ==, 0);

    /* Free from progress. */
    shared = worker_new();
    Told running = {.on_progress = free_in_callback};
    lim_worker_submit(shared, &probe_new(-1, 1000)->base, LIM_LANE_LONG, 0, 1,
                      events_for(&running));
    DRAIN_UNTIL(running.drop);
    g_assert_cmpint(running.done, ==, 0);
    while (queue_run(&queue, 0)) {
    }
    g_assert_cmpint(atomic_load(&tasks_alive), ==, 0);
}

/* Free while everything is going on, in hundreds of random ways. */
static void
test_free_during_everything(void)
{
    enum { ROUNDS = 300, MAX = 40 };
    static Told told[MAX];
    for (uint64_t round = 0; round < ROUNDS; round++) {
        memset(told, 0, sizeof told);
        LimWorker *w = worker_new();
        uint64_t tickets[MAX];
        int n = (int)lim_rng_below(round, LIM_STREAM_TEST, 0, MAX + 1);
        for (int i = 0; i < n; i++) {
            uint32_t r[4];
            lim_rng_block(round, LIM_STREAM_TEST, (uint64_t)i + 1, r);
            Probe *p = probe_new(r[0] % 8 ? (int)(r[0] % 5) : -1, (int)(r[1] % 4 * 100));
            p->fail_at = r[0] % 11 ? -1 : 2;
            p->needs_cancel = r[0] % 13 == 0;
            tickets[i] = lim_worker_submit(w, &p->base, r[2] % 3 ? LIM_LANE_LIVE : LIM_LANE_LONG,
                                           (int)(r[2] / 3 % 3), r[1] % 2, events_for(&told[i]));
            if (r[3] % 4 == 0)
                queue_run(&queue, 0);
            if (r[3] % 5 == 0)
                lim_worker_cancel(w, tickets[r[3] / 5 % ((uint32_t)i + 1)]);
            if (r[3] % 7 == 0)
                sleep_us((int)(r[1] % 700));
        }
        worker_free(w);
        for (int i = 0; i < n; i++) {
            g_assert_cmpint(told[i].drop, ==, 1);
            g_assert_cmpint(told[i].done, <=, 1);
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/worker/one", test_one);
    g_test_add_func("/worker/idle", test_idle);
    g_test_add_func("/worker/newest-wins", test_newest_wins);
    g_test_add_func("/worker/dragging-shows-frames", test_dragging_shows_frames);
    g_test_add_func("/worker/long-run-makes-room", test_long_run_makes_room);
    g_test_add_func("/worker/long-run-makes-room-for-the-last",
                    test_long_run_makes_room_for_the_last);
    g_test_add_func("/worker/slot-catches-up", test_slot_catches_up);
    g_test_add_func("/worker/cancel", test_cancel);
    g_test_add_func("/worker/cancel-reaches-into-a-step", test_cancel_reaches_into_a_step);
    g_test_add_func("/worker/live-between-steps", test_live_between_steps);
    g_test_add_func("/worker/slots-take-turns", test_slots_take_turns);
    g_test_add_func("/worker/progress-coalesces", test_progress_coalesces);
    g_test_add_func("/worker/callbacks", test_callbacks);
    g_test_add_func("/worker/free-during-everything", test_free_during_everything);
    return g_test_run();
}
