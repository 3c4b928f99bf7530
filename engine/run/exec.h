/* What a computation runs on. Borrowed by everything that computes; owned by main or the window. */
#pragma once

#include "base/cancel.h"
#include "base/pool.h"
#include "kernels/kernels.h"

typedef struct LimExec {
    const LimKernels *kernels;
    LimPool *pool;     /* NULL: serial */
    LimCancel *cancel; /* NULL: never; polled between nodes and steps */
} LimExec;
