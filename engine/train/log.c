/* The JSON-lines log. */
#include "train/trainer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void
write_line(void *ctx, const char *json)
{
    if (!ctx)
        return;
    fputs(json, ctx);
    fputc('\n', ctx);
    fflush(ctx);
}

LimStatus
lim_train_log_open(LimTrainLog *log, const char *path, LimError *err)
{
    log->line = write_line;
    log->ctx = path ? fopen(path, "a") : NULL;
    if (path && !log->ctx)
        return lim_fail(err, LIM_E_IO, "cannot write the log %s: %s", path, strerror(errno));
    return LIM_OK;
}

void
lim_train_log_close(LimTrainLog *log)
{
    if (log->ctx)
        fclose(log->ctx);
    log->ctx = NULL;
}
