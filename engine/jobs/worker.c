/* The worker: one list of requests, one lock, one thread that takes a step at a time.
 *
 * A request walks through its states on two threads:
 *
 *   WAITING -> RUNNING -> FINISHED -> SPENT -> FREED -> gone
 *              (worker)   (worker)    (UI: done) (worker: task freed) (UI: drop)
 *
 * and a replaced one goes from WAITING to SPENT at once. Tasks are stepped and freed on the worker
 * only, so what tasks share (plans, caches) needs no lock; callbacks run on the UI thread only. The
 * lock guards the list and is never held during a step, a free or a callback.
 *
 * Between two steps the worker looks at all of the list again. So live requests of different slots
 * take turns step by step, run between the steps of a long job, and a cancel waits for one step.
 *
 * Nobody can take back what was handed to post(). So at most one delivery is under way at a time,
 * it holds a reference to this struct, and it looks what there is to tell when it runs: after
 * lim_worker_free() that is nothing. */
#include "jobs/worker.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

/* The time slot of a live slot: MARGIN times the average run time, within FLOOR and CEILING. The
 * margin lets the ordinary scatter of run times pass. Below the floor nobody sees a difference;
 * above the ceiling a picture is too late to steer by, so only the last request matters. */
#define SLOT_FLOOR_MS   15.0
#define SLOT_CEILING_MS 250.0
#define SLOT_MARGIN     1.5
#define AVERAGE_WEIGHT  0.25 /* of the newest run time */

#define PROGRESS_MS   15.0  /* more often than the screen shows is wasted */
#define LONG_SHARE_MS 200.0 /* a long job steps this often even while live requests keep coming */
#define IDLE_AFTER_MS \
    250.0 /* without live requests: between two motions of a hand nothing is idle */

typedef enum State { WAITING, RUNNING, FINISHED, SPENT, FREED } State;

typedef struct Request Request;
struct Request {
    Request *prev, *next; /* in order of submission */
    State state;
    uint64_t ticket;
    LimTask *task;
    LimLane lane;
    int slot;
    LimTaskEvents events;
    LimCancel cancel;

    double submitted_ms, started_ms;
    double busy_ms;  /* in its own steps */
    bool superseded; /* cancelled in favour of a newer one of its slot */

    /* Only the worker thread touches these. */
    LimProgress latest;
    double preview_every_ms, preview_ms, progress_ms; /* interval; when they were last taken */

    /* News for the UI thread. */
    bool has_progress;
    LimProgress progress;
    LimTensor *preview;
    LimStatus status;
    LimError err;
    LimTiming timing;
    bool in_callback; /* a nested main loop must not deliver to the same request */
};

struct LimWorker {
    const LimExec *exec;
    LimPost post;
    pthread_t thread;

    pthread_mutex_t lock;
    pthread_cond_t wake;
    int refs; /* the owner's, and one per delivery under way */
    bool quit, freed, posted;
    uint64_t last_ticket;
    Request *first, *last;

    Request *current; /* whose step is running */
    double step_ms;   /* since when */
    double last_long_ms;
    double last_live_ms; /* submitted or stepped */
    int last_slot;
    double average_ms[LIM_WORKER_SLOTS]; /* 0: nothing known yet */
};

static double
now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* ---- Pieces that need the lock ---- */

static void
unlink_request(LimWorker *w, Request *r)
{
    *(r->prev ? &r->prev->next : &w->first) = r->next;
    *(r->next ? &r->next->prev : &w->last) = r->prev;
}

static Request *
find_live(LimWorker *w, int slot, State state)
{
    for (Request *r = w->first; r; r = r->next)
        if (r->lane == LIM_LANE_LIVE && r->slot == slot && r->state == state)
            return r;
    return NULL;
}

static double
time_slot_ms(const LimWorker *w, int slot)
{
    double ms = SLOT_MARGIN * w->average_ms[slot];
    if (ms <= 0 || ms > SLOT_CEILING_MS)
        return SLOT_CEILING_MS;
    return ms < SLOT_FLOOR_MS ? SLOT_FLOOR_MS : ms;
}

/* A newer request of its slot waits: stop r if it has had its time. */
static void
supersede_if_late(LimWorker *w, Request *r, double now)
{
    double busy = r->busy_ms + (r == w->current ? now - w->step_ms : 0);
    if (busy > time_slot_ms(w, r->slot)) {
        r->superseded = true;
        lim_cancel(&r->cancel);
    }
}

/* What a run tells about the next ones. A superseded run would have taken longer, nobody knows how
 * much; to double is what lets the slot catch up with jobs that suddenly take longer, within two or
 * three of them. */
static void
learn_run_time(LimWorker *w, const Request *r)
{
    double *average = &w->average_ms[r->slot], ms = r->superseded ? 2 * r->busy_ms : r->busy_ms;
    if (ms > SLOT_CEILING_MS)
        ms = SLOT_CEILING_MS;
    if (*average <= 0 || (r->superseded && ms > *average))
        *average = ms;
    else if (!r->superseded)
        *average += AVERAGE_WEIGHT * (ms - *average);
}

/* Live requests first, slots in turn; the long lane when it is alone or has waited long enough; the
 * idle lane after a while without either. Before them all a cancelled request, which ends without
 * another step. */
static Request *
pick(LimWorker *w, double now)
{
    Request *live[LIM_WORKER_SLOTS] = {0}, *job = NULL, *idle = NULL;
    for (Request *r = w->first; r; r = r->next) {
        if (r->state != WAITING && r->state != RUNNING)
            continue;
        if (lim_cancelled(&r->cancel))
            return r;
        /* Older ones stand before newer ones, so a running one before those that wait for it. */
        Request **place = r->lane == LIM_LANE_LIVE   ? &live[r->slot]
                          : r->lane == LIM_LANE_LONG ? &job
                                                     : &idle;
        if (!*place)
            *place = r;
    }
    if (job && now - w->last_long_ms >= LONG_SHARE_MS)
        return job;
    for (int k = 1; k <= LIM_WORKER_SLOTS; k++) {
        int slot = (w->last_slot + k) % LIM_WORKER_SLOTS;
        if (live[slot]) {
            w->last_slot = slot;
            return live[slot];
        }
    }
    return job ? job : now - w->last_live_ms >= IDLE_AFTER_MS ? idle : NULL;
}

/* Until something is submitted or cancelled, or it is time for the idle lane. */
static void
wait_for_work(LimWorker *w)
{
    Request *r = w->first;
    while (r && (r->lane != LIM_LANE_IDLE || (r->state != WAITING && r->state != RUNNING)))
        r = r->next;
    if (!r) {
        pthread_cond_wait(&w->wake, &w->lock);
        return;
    }
    double until = w->last_live_ms + IDLE_AFTER_MS;
    struct timespec t = {(time_t)(until / 1e3), (long)(fmod(until, 1e3) * 1e6)};
    pthread_cond_timedwait(&w->wake, &w->lock, &t);
}

static bool
has_news(const Request *r)
{
    return (r->has_progress || r->state == FINISHED || r->state == FREED) && !r->in_callback;
}

static Request *
next_news(LimWorker *w)
{
    Request *r = w->first;
    while (r && !has_news(r))
        r = r->next;
    return r;
}

static void
take_news(Request *r, LimTensor *preview)
{
    r->has_progress = true;
    r->progress = r->latest;
    if (preview) {
        lim_tensor_unref(r->preview);
        r->preview = preview;
    }
}

static void
finish(LimWorker *w, Request *r, LimStatus status, const LimError *err, double now)
{
    bool ran = r->state == RUNNING;
    r->timing.queued_ms = (ran ? r->started_ms : now) - r->submitted_ms;
    r->timing.ran_ms = ran ? now - r->started_ms : 0;
    r->status = status;
    r->err = *err;
    r->state = FINISHED;
    r->has_progress = false; /* the result is newer */
    lim_tensor_unref(r->preview);
    r->preview = NULL;
    if (status != LIM_CANCELLED)
        r->superseded = false; /* it was done before it noticed */
    if (r->lane == LIM_LANE_LIVE && (status == LIM_OK || r->superseded))
        learn_run_time(w, r);
}

/* ---- The worker thread ---- */

/* Called with the lock held, which it gives up during the step. */
static void
run_step(LimWorker *w, Request *r)
{
    LimError err = LIM_ERROR_INIT;
    double now = now_ms();
    if (lim_cancelled(&r->cancel)) {
        lim_fail(&err, LIM_CANCELLED, "cancelled");
        finish(w, r, LIM_CANCELLED, &err, now);
        return;
    }
    if (r->state == WAITING) {
        r->state = RUNNING;
        r->started_ms = r->preview_ms = r->progress_ms = now;
    }
    w->current = r;
    w->step_ms = now;
    pthread_mutex_unlock(&w->lock);
    LimExec exec = *w->exec;
    exec.cancel = &r->cancel;
    LimStep step = lim_task_step(r->task, &exec, &r->latest, &err);
    LIM_ASSERT((step == LIM_STEP_FAILED) == (err.code != LIM_OK));
    pthread_mutex_lock(&w->lock);

    now = now_ms();
    w->current = NULL;
    r->busy_ms += now - w->step_ms;
    if (r->lane == LIM_LANE_LONG)
        w->last_long_ms = now;
    if (r->lane == LIM_LANE_LIVE)
        w->last_live_ms = now;
    if (step != LIM_STEP_MORE) {
        finish(w, r, err.code, &err, now);
        return;
    }
    if (r->lane == LIM_LANE_LIVE && find_live(w, r->slot, WAITING))
        supersede_if_late(w, r, now);
    if (!r->events.progress)
        return;

    /* No new preview while the last one has not been looked at. */
    LimTensor *preview = NULL;
    if (r->preview_every_ms > 0 && r->task->klass->preview && !r->preview &&
        now - r->preview_ms >= r->preview_every_ms) {
        pthread_mutex_unlock(&w->lock);
        preview = r->task->klass->preview(r->task);
        pthread_mutex_lock(&w->lock);
        r->preview_ms = now_ms();
    }
    if (preview || now - r->progress_ms >= PROGRESS_MS) {
        r->progress_ms = now;
        take_news(r, preview);
    }
}

static void deliver(void *arg);

static void *
worker_main(void *arg)
{
    LimWorker *w = arg;
    lim_thread_give_way();
    pthread_mutex_lock(&w->lock);
    while (!w->quit) {
        Request *r = w->first;
        while (r && r->state != SPENT)
            r = r->next;
        if (r) {
            pthread_mutex_unlock(&w->lock);
            lim_task_free(r->task);
            pthread_mutex_lock(&w->lock);
            r->task = NULL;
            r->state = FREED;
        } else if ((r = pick(w, now_ms()))) {
            run_step(w, r);
        } else {
            wait_for_work(w);
        }
        if (!w->posted && !w->quit && next_news(w)) {
            w->posted = true;
            w->refs++;
            pthread_mutex_unlock(&w->lock);
            w->post.post(w->post.ctx, deliver, w);
            pthread_mutex_lock(&w->lock);
        }
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* ---- The UI thread ---- */

/* Called with the lock held; releases it. */
static void
unref_and_unlock(LimWorker *w)
{
    int refs = --w->refs;
    pthread_mutex_unlock(&w->lock);
    if (refs == 0) {
        pthread_mutex_destroy(&w->lock);
        pthread_cond_destroy(&w->wake);
        free(w);
    }
}

/* The end of a request that is in no list any more. */
static void
dispose(Request *r)
{
    lim_task_free(r->task);
    lim_tensor_unref(r->preview);
    if (r->events.drop)
        r->events.drop(r->events.data);
    free(r);
}

static void
deliver(void *arg)
{
    LimWorker *w = arg;
    Request *r;
    pthread_mutex_lock(&w->lock);
    /* At once, not at the end: a callback may run a main loop of its own, which wants news too. */
    w->posted = false;
    while (!w->freed && (r = next_news(w))) {
        if (r->state == FREED) {
            unlink_request(w, r);
            pthread_mutex_unlock(&w->lock);
            dispose(r);
            pthread_mutex_lock(&w->lock);
            continue;
        }
        r->in_callback = true;
        if (r->state == FINISHED) {
            pthread_mutex_unlock(&w->lock);
            if (r->events.done)
                r->events.done(r->events.data, r->task, r->status, &r->err, &r->timing);
            pthread_mutex_lock(&w->lock);
            r->state = SPENT;
            pthread_cond_signal(&w->wake);
        } else {
            LimProgress progress = r->progress;
            LimTensor *preview = r->preview;
            r->preview = NULL;
            r->has_progress = false;
            pthread_mutex_unlock(&w->lock);
            r->events.progress(r->events.data, &progress, preview);
            lim_tensor_unref(preview);
            pthread_mutex_lock(&w->lock);
        }
        r->in_callback = false;
        if (w->freed) { /* by the callback, which left this one request to us */
            pthread_mutex_unlock(&w->lock);
            dispose(r);
            pthread_mutex_lock(&w->lock);
        }
    }
    unref_and_unlock(w);
}

LimWorker *
lim_worker_new(const LimExec *exec, LimPost post)
{
    LimWorker *w = lim_alloc(1, sizeof *w);
    w->exec = exec;
    w->post = post;
    w->refs = 1;
    lim_pool_give_way(exec->pool); /* the UI thread comes first */
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &clock);
    pthread_condattr_destroy(&clock);
    sigset_t all, old; /* signals belong to the program's own threads */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int failed = pthread_create(&w->thread, NULL, worker_main, w);
    LIM_ASSERT(!failed);
    pthread_setname_np(w->thread, "limen-worker");
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return w;
}

void
lim_worker_free(LimWorker *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    LIM_ASSERT(!w->quit);
    w->quit = true;
    for (Request *r = w->first; r; r = r->next)
        lim_cancel(&r->cancel);
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);

    /* Alone now. A request whose callback we are called from is disposed of when that returns. */
    pthread_mutex_lock(&w->lock);
    w->freed = true;
    for (Request *r; (r = w->first);) {
        unlink_request(w, r);
        if (r->in_callback)
            continue;
        pthread_mutex_unlock(&w->lock);
        dispose(r);
        pthread_mutex_lock(&w->lock);
    }
    unref_and_unlock(w);
}

uint64_t
lim_worker_submit(LimWorker *w, LimTask *task, LimLane lane, int slot, unsigned preview_every_ms,
                  LimTaskEvents events)
{
    LIM_ASSERT(lane != LIM_LANE_LIVE || (slot >= 0 && slot < LIM_WORKER_SLOTS));
    Request *r = lim_alloc(1, sizeof *r);
    r->state = WAITING;
    r->task = task;
    r->lane = lane;
    r->slot = lane == LIM_LANE_LIVE ? slot : -1;
    r->events = events;
    r->preview_every_ms = preview_every_ms;
    r->latest.fraction = -1;
    r->submitted_ms = now_ms();

    pthread_mutex_lock(&w->lock);
    LIM_ASSERT(!w->quit);
    uint64_t ticket = r->ticket = ++w->last_ticket;
    if (lane == LIM_LANE_LIVE) {
        w->last_live_ms = r->submitted_ms;
        Request *older = find_live(w, slot, WAITING);
        if (older)
            older->state = SPENT;
        older = find_live(w, slot, RUNNING);
        if (older)
            supersede_if_late(w, older, r->submitted_ms);
    }
    r->prev = w->last;
    *(w->last ? &w->last->next : &w->first) = r;
    w->last = r;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    return ticket;
}

void
lim_worker_cancel(LimWorker *w, uint64_t ticket)
{
    pthread_mutex_lock(&w->lock);
    for (Request *r = w->first; r; r = r->next)
        if (r->ticket == ticket)
            lim_cancel(&r->cancel);
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

int
lim_worker_busy(LimWorker *w)
{
    int n = 0;
    pthread_mutex_lock(&w->lock);
    for (Request *r = w->first; r; r = r->next)
        n += r->lane == LIM_LANE_LONG && (r->state == WAITING || r->state == RUNNING);
    pthread_mutex_unlock(&w->lock);
    return n;
}
