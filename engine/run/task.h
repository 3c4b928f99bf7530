/* Every long computation is a stepper.
 *
 * No thread inside: the window runs it from the worker, a test in a loop, the command line in main.
 * step() does a bounded piece of work (aim below 50 ms; poll exec->cancel inside anything longer).
 */
#pragma once

#include "base/cancel.h"
#include "base/status.h"
#include "run/exec.h"
#include "tensor/tensor.h"

typedef enum LimStep { LIM_STEP_MORE, LIM_STEP_DONE, LIM_STEP_FAILED } LimStep;

typedef struct LimProgress {
    double fraction; /* 0..1; below 0: unknown */
    char text[160];  /* "step 120 of 2000, loss 0.31" */
} LimProgress;

/* A task that steps others: its part of them spans from .. to of the whole. */
static inline void
lim_progress_scale(LimProgress *progress, double from, double to)
{
    if (progress)
        progress->fraction = from + (to - from) * progress->fraction;
}

typedef struct LimTask LimTask;
typedef struct LimTaskClass {
    const char *name;
    /* LIM_STEP_FAILED fills err (LIM_CANCELLED when exec->cancel stopped it). progress is optional.
     */
    LimStep (*step)(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err);
    /* Optional: something to show between steps; a new reference, or NULL when there is nothing. */
    LimTensor *(*preview)(LimTask *t);
    void (*free)(LimTask *t);
} LimTaskClass;

/* The first member of every task struct. */
struct LimTask {
    const LimTaskClass *klass;
};

static inline LimStep
lim_task_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    return t->klass->step(t, exec, progress, err);
}
static inline void
lim_task_free(LimTask *t)
{
    if (t)
        t->klass->free(t);
}
