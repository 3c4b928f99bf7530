/* The progress bar, on stderr so that stdout stays clean for results. Nothing is drawn where nobody
 * looks: a log file full of bars helps no one. */
#include "progress.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static LimCancel *volatile signalled;

static void
on_signal(int number)
{
    /* The handler was installed with SA_RESETHAND: the next signal has its default effect. */
    if (signalled)
        lim_cancel(signalled);
}

void
cli_catch_signals(LimCancel *cancel)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    signalled = cancel;
    action.sa_handler = on_signal;
    action.sa_flags = (int)(SA_RESETHAND | SA_RESTART);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

double
cli_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void
cli_progress_init(CliProgress *p, CliTalk talk, const LimCancel *cancel)
{
    bool terminal = isatty(STDERR_FILENO);
    *p = (CliProgress){.bar = terminal && talk != CLI_QUIET,
                       .lines = !terminal && talk == CLI_VERBOSE,
                       .last = -1,
                       .clock = cli_seconds,
                       .cancel = cancel};
}

/* "1:05", "2:03:09" */
static void
time_text(double seconds, char *out, size_t size)
{
    long s = (long)(seconds + 0.5);
    if (s >= 3600)
        snprintf(out, size, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, size, "%ld:%02ld", s / 60, s % 60);
}

static int
terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
        return size.ws_col;
    return 80;
}

void
cli_progress_show(CliProgress *p, const LimProgress *now)
{
    if (!p->bar && !p->lines)
        return;
    double t = p->clock();
    if (!p->begun && now->fraction >= 0) {
        p->begun = true;
        p->start = t;
        p->first = now->fraction;
    }
    bool stopping = lim_cancelled(p->cancel) && !p->told;
    if (!stopping && now->fraction < 1 && p->last >= 0 && t - p->last < (p->bar ? 0.1 : 1))
        return;
    p->last = t;

    char left[40] = "", line[512];
    double elapsed = t - p->start, done = now->fraction - p->first;
    if (p->begun && done > 0 && now->fraction < 1 && elapsed > 1) {
        char text[24];
        time_text(elapsed * (1 - now->fraction) / done, text, sizeof text);
        snprintf(left, sizeof left, " %s left", text);
    }
    double fraction = now->fraction > 1 ? 1 : now->fraction;
    if (stopping) {
        /* The line stays; the bar goes on below it. */
        fprintf(stderr, "%sstopping after this step; Ctrl+C again ends at once\n",
                p->bar ? "\r\033[K" : "");
        p->told = true;
    }
    if (p->lines) {
        if (fraction >= 0)
            fprintf(stderr, "%3.0f%% ", 100 * fraction);
        fprintf(stderr, "%s%s\n", now->text, left);
        return;
    }
    if (fraction < 0) {
        snprintf(line, sizeof line, "%s", now->text);
    } else {
        enum { BAR = 24 };
        char bar[BAR + 1];
        int full = (int)(fraction * BAR);
        memset(bar, '.', BAR);
        memset(bar, '#', (size_t)full);
        bar[BAR] = 0;
        snprintf(line, sizeof line, "[%s] %3.0f%%%s  %s", bar, 100 * fraction, left, now->text);
    }
    fprintf(stderr, "\r%.*s\033[K", terminal_width() - 1, line);
    fflush(stderr);
    p->drawn = true;
}

void
cli_progress_time_anew(CliProgress *p)
{
    p->begun = false;
}

void
cli_progress_end(CliProgress *p)
{
    if (p->drawn)
        fprintf(stderr, "\r\033[K");
    p->drawn = false;
}
