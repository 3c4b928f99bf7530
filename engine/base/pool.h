/* The engine's thread pool: fork-join over an index range.
 *
 * One pool serves one caller at a time (the worker). Work is cut into items by the caller; items
 * must not depend on which thread runs them, and how a problem is cut must not depend on the number
 * of threads, so that results are bit-identical for any thread count. Threads spin briefly before
 * they sleep, because a batch-1 forward has hundreds of joins. */
#pragma once

#include <stddef.h>

typedef struct LimPool LimPool;

/* threads >= 1, the caller counts as one; 0 means the number of online processors (cgroup-aware
 * through sched_getaffinity). */
LimPool *lim_pool_new(int threads);
void lim_pool_free(LimPool *pool); /* NULL is fine */
int lim_pool_threads(const LimPool *pool);
/* The calling thread gives way to threads that wait for a person: it runs at nice 5 from now on.
 * Cannot be taken back. */
void lim_thread_give_way(void);
/* The pool's own threads do so from their next work on. NULL is fine. */
void lim_pool_give_way(LimPool *pool);

/* Calls fn(ctx, i, thread) for every i in [0, n), each exactly once, and returns when all are done.
 * thread is in [0, lim_pool_threads()): use it to index per-thread scratch. pool NULL: runs
 * serially. Items are handed out dynamically in order; nested calls from inside fn run serially. */
void lim_pool_for(LimPool *pool, int n, void (*fn)(void *ctx, int i, int thread), void *ctx);
