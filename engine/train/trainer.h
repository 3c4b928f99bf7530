/* What trainers share: a live log and checkpoints.
 *
 * The log is JSON lines, one object per entry, appended and flushed, so that it can be plotted
 * while the training runs. A checkpoint is a safetensors file that holds everything the next step
 * depends on; it is replaced atomically, so a training killed at any moment resumes from the last
 * one and makes the same bytes as one that was not killed. */
#pragma once

#include "data/dataset.h"
#include "run/task.h"

/* A line of the log so far; borrowed. Called from within step(). */
typedef struct LimTrainLog {
    void (*line)(void *ctx, const char *json);
    void *ctx;
} LimTrainLog;

/* A log that appends to a file; path NULL: a log that drops its lines. */
LimStatus lim_train_log_open(LimTrainLog *log, const char *path, LimError *err);
void lim_train_log_close(LimTrainLog *log);
