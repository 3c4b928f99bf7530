/* How far a long computation is: one line on a terminal, and Ctrl+C. */
#pragma once

#include "base/cancel.h"
#include "run/task.h"

typedef enum CliTalk {
    CLI_QUIET,  /* nothing */
    CLI_AUTO,   /* a bar where stderr is a terminal */
    CLI_VERBOSE /* and lines where it is not */
} CliTalk;

typedef struct CliProgress {
    bool bar, lines;
    bool drawn;          /* the bar is on the screen */
    bool begun;          /* a fraction was shown */
    double start, first; /* when that was, and which */
    double last;         /* seconds of the monotonic clock, as start */
    double (*clock)(void);
    const LimCancel *cancel;
    bool told; /* "stopping" was said */
} CliProgress;

void cli_progress_init(CliProgress *p, CliTalk talk, const LimCancel *cancel);
/* The time that is left is told from the second fraction on: what was done before the first one may
 * be the work of an earlier run, and nobody knows how long that took. Draws at most ten times a
 * second (lines: once a second), and the last call (fraction 1) always.
 */
void cli_progress_show(CliProgress *p, const LimProgress *now);
/* What was done until the next show went faster than the rest will: the time that is left is told
 * of what comes after. */
void cli_progress_time_anew(CliProgress *p);
/* Removes the bar, so that other text may follow. */
void cli_progress_end(CliProgress *p);

/* SIGINT and SIGTERM set the flag; the second one ends the process. */
void cli_catch_signals(LimCancel *cancel);

double cli_seconds(void); /* monotonic clock */
