/* The background worker: one thread, three lanes.
 *
 * LIVE requests (a slider): one pending request per slot, the newest wins and an older pending one
 * is dropped. A running live request finishes when it is short; it is cancelled by a newer one of
 * its slot only once it has run longer than its time slot: 1.5 times the running average of the run
 * times, at least 15 ms, at most 250 ms. The last request always runs to its end. (Cancelling on
 * every event would show nothing while dragging; never cancelling feels slow.) Live requests of
 * different slots take turns. LONG jobs queue; live requests run between their steps, and a job
 * takes a step every 200 ms even while live requests keep coming. IDLE jobs queue behind everything
 * else: they take a step only while there is no long job and has been no live request for 250 ms.
 *
 * Threads: submit, cancel and free are called from one thread (the UI's). Event callbacks run
 * through `post` on that thread, none after lim_worker_free(). Tasks are stepped and freed on the
 * worker thread only (what is left when the worker is freed: on the caller's). Callbacks may
 * submit, cancel, free the worker, and run a main loop of their own. */
#pragma once

#include "run/task.h"

#include <stdint.h>

typedef struct LimWorker LimWorker;

/* How news reaches the UI thread: post() must arrange that fn(arg) runs there, in order. It is
 * called from the worker thread. */
typedef struct LimPost {
    void (*post)(void *ctx, void (*fn)(void *arg), void *arg);
    void *ctx;
} LimPost;

typedef enum LimLane { LIM_LANE_LIVE, LIM_LANE_LONG, LIM_LANE_IDLE } LimLane;
#define LIM_WORKER_SLOTS 16

typedef struct LimTiming {
    double queued_ms; /* submit -> start */
    double ran_ms;    /* start -> end */
} LimTiming;

typedef struct LimTaskEvents {
    /* Optional. Coalesced: the newest, at most one pending, at most every 15 ms, none that done has
     * overtaken. preview is borrowed, may be NULL. */
    void (*progress)(void *data, const LimProgress *p, LimTensor *preview);
    /* Optional. Once, unless replaced while it waited or the worker is freed: LIM_OK, LIM_CANCELLED
     * or an error. task is borrowed: read results here; it is freed after. Cancelled tasks still
     * hold their best so far; one that was cancelled while it waited has never taken a step. err
     * holds the code and the sentence. */
    void (*done)(void *data, LimTask *task, LimStatus status, const LimError *err,
                 const LimTiming *timing);
    /* Optional. Exactly once, last of all, after the task is freed; also when the request was
     * replaced or the worker freed: free data. */
    void (*drop)(void *data);
    void *data;
} LimTaskEvents;

/* exec is borrowed and must outlive the worker; its cancel field is replaced per task. */
LimWorker *lim_worker_new(const LimExec *exec, LimPost post);
/* Cancels, joins; every undelivered event is dropped (drop still runs, on the calling thread; for
 * a request whose callback calls this, when that callback returns). What post() still holds then
 * does nothing when it runs. NULL is fine. */
void lim_worker_free(LimWorker *w);
/* Takes the task. slot in [0, LIM_WORKER_SLOTS) for the live lane, ignored for the others.
 * Returns a ticket for lim_worker_cancel(). preview_every_ms: how often to call preview(); 0:
 * never. */
uint64_t lim_worker_submit(LimWorker *w, LimTask *task, LimLane lane, int slot,
                           unsigned preview_every_ms, LimTaskEvents events);
void lim_worker_cancel(LimWorker *w, uint64_t ticket); /* unknown or finished tickets: no effect */
/* Number of long jobs queued or running. */
int lim_worker_busy(LimWorker *w);
