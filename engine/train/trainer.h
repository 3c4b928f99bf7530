/* What trainers share: a live log, checkpoints, and how a model file says where it comes from.
 *
 * The log is JSON lines, one object per entry, appended and flushed, so that it can be plotted
 * while the training runs. A checkpoint is a safetensors file that holds everything the next step
 * depends on; it is replaced atomically, so a training killed at any moment resumes from the last
 * one and makes the same bytes as one that was not killed. */
#pragma once

#include "data/dataset.h"
#include "models/modelfile.h"
#include "run/task.h"

/* A line of the log so far; borrowed. Called from within step(). */
typedef struct LimTrainLog {
    void (*line)(void *ctx, const char *json);
    void *ctx;
} LimTrainLog;

/* A log that appends to a file; path NULL: a log that drops its lines. */
LimStatus lim_train_log_open(LimTrainLog *log, const char *path, LimError *err);
void lim_train_log_close(LimTrainLog *log);

/* A network and how it was trained. */
typedef struct LimTrained {
    const char *model;          /* kind, as in LimModelInfo */
    const LimParamSpec *schema; /* of params, the architecture */
    const void *params;
    const LimDataset *data; /* names the classes */
    struct json_t *made;    /* settings, steps, measures; taken */
    const char *command;
} LimTrained;
/* Writes the model file. Atomic. */
LimStatus lim_train_save(const char *path, const LimTrained *trained, LimStore *store, bool as_f16,
                         LimError *err);
