/* A flag that asks running work to stop. Long loops poll it at least every 50 ms. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

typedef struct LimCancel {
    atomic_bool flag;
} LimCancel;

/* NULL never cancels. */
static inline bool
lim_cancelled(const LimCancel *c)
{
    return c && atomic_load_explicit(&((LimCancel *)(void *)c)->flag, memory_order_relaxed);
}

static inline void
lim_cancel(LimCancel *c)
{
    atomic_store_explicit(&c->flag, true, memory_order_relaxed);
}
