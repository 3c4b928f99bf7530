/* Helpers for the ops' fast runs and shape rules. */
#pragma once

#include "graph/op.h"

/* Splits [0, total) into chunks of `chunk` (a function of nothing else, so results do not depend on
 * the number of threads) and runs fn(ctx, from, to) on the pool. */
typedef struct LimChunks {
    void (*fn)(const void *ctx, int64_t from, int64_t to);
    const void *ctx;
    int64_t total, chunk;
} LimChunks;

static inline void
lim_chunk_item(void *ctx, int i, int thread)
{
    const LimChunks *c = ctx;
    (void)thread;
    int64_t from = (int64_t)i * c->chunk, to = from + c->chunk;
    c->fn(c->ctx, from, to < c->total ? to : c->total);
}

static inline void
lim_each_chunk(const LimExec *exec, int64_t total, int64_t chunk,
               void (*fn)(const void *ctx, int64_t from, int64_t to), const void *ctx)
{
    LimChunks c = {fn, ctx, total, chunk};
    if (total <= chunk)
        fn(ctx, 0, total);
    else
        lim_pool_for(exec->pool, (int)((total + chunk - 1) / chunk), lim_chunk_item, &c);
}

#define LIM_CHUNK 16384 /* elements: about 15 microseconds of streaming work */

/* Shape rules return through these. */
static inline LimStatus
lim_want(bool ok, LimError *err, const char *why)
{
    return ok ? LIM_OK : lim_fail(err, LIM_E_SHAPE, "%s", why);
}
