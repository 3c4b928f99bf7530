/* The program on the other side of two pipes. Both ends are polled together, never blocked on: a
 * batch is larger than a pipe, so a program that answers while it is still being asked would
 * otherwise wait for us while we wait for it. */
#include "attacks/oracle.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define POLL_MS 20   /* between looks at the cancel flag */
#define LINE    1024 /* longest answer */

enum { IN, OUT, ERR }; /* the program's */

const LimParamSpec lim_oracle_schema[] = {
    {.name = "oracle",
     .label = "External program",
     .help = "The command of a program to attack instead of the classifier, which then only says "
             "how large pictures are and how classes are called. It tells labels; the README says "
             "how.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(LimOracleSettings, command)},
    {.name = "oracle-timeout",
     .label = "Patience",
     .help = "How long the program may be silent before it is started and asked again.",
     .unit = "s",
     .kind = LIM_REAL,
     .offset = offsetof(LimOracleSettings, timeout),
     .min = 0.01,
     .max = 86400,
     .def = 60,
     .ui_min = 1,
     .ui_max = 300},
    {.name = "oracle-retries",
     .label = "Retries",
     .help = "How often in a row the program is started again before the attack stops.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(LimOracleSettings, retries),
     .max = 1000,
     .def = 3},
    {0}};

typedef struct Oracle {
    LimVictim victim;
    char *command;
    double timeout;
    int retries, restarts;
    bool floats;
    pid_t pid; /* 0: none */
    int fd[3];
    char *out; /* lines to send, from `sent` to `length` */
    size_t sent, length, room;
    char line[LINE], complaint[LINE]; /* being read; the last whole line of stderr */
    size_t n_line;
    char error_line[LINE];
    size_t n_error;
    int owed; /* answers to questions that nobody waits for any more */
} Oracle;

static double
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the process ------------------------------------------------------------------------------
 */

static void
close_all(int *fd, int n)
{
    for (int i = 0; i < n; i++)
        if (fd[i] >= 0)
            close(fd[i]);
}

static LimStatus
start(Oracle *o, LimError *err)
{
    int ends[6] = {-1, -1, -1, -1, -1, -1}; /* read and write end of each */
    for (int i = 0; i < 3; i++)
        if (pipe2(ends + 2 * i, O_CLOEXEC) != 0) {
            close_all(ends, 6);
            return lim_fail(err, LIM_E_IO, "cannot make a pipe for the oracle: %s",
                            strerror(errno));
        }
    const pid_t pid = fork();
    if (pid == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        signal(SIGPIPE, SIG_DFL);
        setpgid(0, 0);
        if (dup2(ends[0], 0) < 0 || dup2(ends[3], 1) < 0 || dup2(ends[5], 2) < 0)
            _exit(126);
        execl("/bin/sh", "sh", "-c", o->command, (char *)NULL);
        _exit(127);
    }
    if (pid < 0) {
        close_all(ends, 6);
        return lim_fail(err, LIM_E_IO, "cannot start the oracle: %s", strerror(errno));
    }
    setpgid(pid, pid); /* here too: whoever comes first */
    close(ends[0]);
    close(ends[3]);
    close(ends[5]);
    o->pid = pid;
    o->fd[IN] = ends[1];
    o->fd[OUT] = ends[2];
    o->fd[ERR] = ends[4];
    for (int i = 0; i < 3; i++)
        fcntl(o->fd[i], F_SETFL, O_NONBLOCK);
    o->sent = o->length = o->n_line = o->n_error = 0;
    o->complaint[0] = 0;
    o->owed = 0;
    return LIM_OK;
}

/* Kills what still runs, leaves no zombie. Returns the wait status; -1: it had to be killed. */
static int
stop(Oracle *o, double patience)
{
    if (!o->pid)
        return 0;
    int status = -1;
    bool gone = false;
    const double until = now() + patience;
    while (!(gone = waitpid(o->pid, &status, WNOHANG) != 0) && now() < until)
        poll(NULL, 0, 5);
    kill(-o->pid, SIGKILL); /* its children too */
    if (!gone) {
        while (waitpid(o->pid, NULL, 0) < 0 && errno == EINTR)
            ;
        status = -1;
    }
    close_all(o->fd, 3);
    o->pid = 0;
    return status;
}

/* ---- lines ------------------------------------------------------------------------------------
 */

static char *
reserve(Oracle *o, size_t bytes)
{
    if (o->sent == o->length)
        o->sent = o->length = 0;
    if (o->length + bytes > o->room) {
        const size_t room = 2 * (o->length + bytes);
        char *out = lim_alloc(room, 1);
        if (o->out)
            memcpy(out, o->out, o->length);
        free(o->out);
        o->out = out;
        o->room = room;
    }
    return o->out + o->length;
}

static void
put_picture(Oracle *o, const float *x)
{
    static const char digit[] = "0123456789abcdef";
    const size_t n = (size_t)lim_shape_size(o->victim.image);
    const int digits = o->floats ? 8 : 2;
    char *at = reserve(o, n * (size_t)digits + 1);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        if (!o->floats)
            bits = (uint32_t)lroundf(255 * fminf(fmaxf(x[i], 0), 1));
        for (int k = digits - 1; k >= 0; k--)
            *at++ = digit[bits >> 4 * k & 15];
    }
    *at++ = '\n';
    o->length = (size_t)(at - o->out);
}

/* write() without a SIGPIPE when nobody reads: the signal is held back and taken away. */
static ssize_t
quiet_write(int fd, const void *data, size_t n)
{
    sigset_t pipe_signal, before, pending;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    const ssize_t wrote = write(fd, data, n);
    const int error = errno;
    if (wrote < 0 && error == EPIPE && !sigismember(&pending, SIGPIPE))
        while (sigtimedwait(&pipe_signal, NULL, &(struct timespec){0}) < 0 && errno == EINTR)
            ;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return wrote;
}

static void
read_complaints(Oracle *o)
{
    char c[4096];
    const ssize_t n = read(o->fd[ERR], c, sizeof c);
    for (ssize_t i = 0; i < n; i++) {
        if (c[i] == '\n') {
            o->error_line[o->n_error] = 0;
            if (o->n_error > 0)
                memcpy(o->complaint, o->error_line, o->n_error + 1);
            o->n_error = 0;
        } else if (o->n_error < LINE - 1) {
            o->error_line[o->n_error++] = c[i];
        }
    }
}

typedef enum Heard { HEARD_LINE, HEARD_NOTHING, HEARD_END, HEARD_CANCEL } Heard;

/* Sends what is to be sent until a line is whole: o->line. */
static Heard
listen_line(Oracle *o, const LimExec *exec)
{
    double until = now() + o->timeout;
    bool ended = false;
    size_t n = 0;
    for (;;) {
        /* byte by byte from a pipe that holds little: answers are a few bytes */
        char c;
        ssize_t got = 0;
        while (n < LINE - 1 && (got = read(o->fd[OUT], &c, 1)) == 1) {
            if (c == '\n') {
                o->line[o->n_line] = 0;
                o->n_line = 0;
                return HEARD_LINE;
            }
            if (o->n_line < LINE - 1)
                o->line[o->n_line++] = c;
        }
        if (got == 0 || ended)
            return HEARD_END;
        if (lim_cancelled(exec ? exec->cancel : NULL))
            return HEARD_CANCEL;
        if (now() > until)
            return HEARD_NOTHING;
        struct pollfd p[3] = {{.fd = o->fd[OUT], .events = POLLIN},
                              {.fd = o->fd[ERR], .events = POLLIN},
                              {.fd = o->sent < o->length ? o->fd[IN] : -1, .events = POLLOUT}};
        poll(p, 3, POLL_MS);
        if (p[1].revents & POLLIN)
            read_complaints(o);
        if (p[2].revents) {
            const ssize_t wrote = quiet_write(o->fd[IN], o->out + o->sent, o->length - o->sent);
            if (wrote > 0) {
                o->sent += (size_t)wrote;
                until = now() + o->timeout;
            } else if (errno != EAGAIN && errno != EINTR) {
                ended = true; /* what it still said is read first */
            }
        }
    }
}

/* ---- asking -----------------------------------------------------------------------------------
 */

/* Ends the process after something went wrong and says what. */
static LimStatus
failed(Oracle *o, Heard heard, const char *what, LimError *err)
{
    char how[120];
    for (int i = 0; o->pid && i < 20; i++) /* what it said last */
        read_complaints(o);
    const int status = stop(o, heard == HEARD_END ? 0.2 : 0);
    if (heard == HEARD_NOTHING)
        snprintf(how, sizeof how, "said nothing for %g s", o->timeout);
    else if (heard == HEARD_LINE)
        snprintf(how, sizeof how, "answered \"%.60s\"%s", o->line, what);
    else if (status >= 0 && WIFSIGNALED(status))
        snprintf(how, sizeof how, "was ended by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else if (status >= 0 && WIFEXITED(status))
        snprintf(how, sizeof how, "ended with status %d", WEXITSTATUS(status));
    else
        snprintf(how, sizeof how, "closed its output");
    return lim_fail(err, LIM_E_IO, "the oracle %s%s%.150s; its command was: %.80s", how,
                    o->complaint[0] ? ": " : "", o->complaint, o->command);
}

static LimStatus
greet(Oracle *o, const LimExec *exec, LimError *err)
{
    const LimShape s = o->victim.image;
    int classes = 0, end = 0;
    char form[8] = "";
    o->length =
        (size_t)sprintf(reserve(o, 64), "limen-oracle 1 %d %d %d\n", s.d[0], s.d[1], s.d[2]);
    const Heard heard = listen_line(o, exec);
    if (heard == HEARD_CANCEL) {
        stop(o, 0);
        return lim_fail(err, LIM_CANCELLED, "cancelled");
    }
    if (heard == HEARD_LINE)
        sscanf(o->line, "ready %d %7s%n", &classes, form, &end);
    const bool floats = strcmp(form, "floats") == 0;
    if (heard != HEARD_LINE || o->line[end] != 0 || classes < 2 || classes > 1000 ||
        (!floats && strcmp(form, "bytes") != 0))
        return failed(o, heard, " instead of \"ready CLASSES bytes\" or \"... floats\"", err);
    if (o->victim.classes && o->victim.classes != classes)
        return failed(o, heard, ", another number of classes than before", err);
    o->victim.classes = classes;
    o->floats = floats;
    return LIM_OK;
}

/* One answer; LIM_E_FORMAT: the program itself reports an error, which no retry mends. */
static LimStatus
hear(Oracle *o, const LimExec *exec, int32_t *label, LimError *err)
{
    int end = 0;
    const Heard heard = listen_line(o, exec);
    if (heard == HEARD_CANCEL)
        return lim_fail(err, LIM_CANCELLED, "cancelled");
    if (heard == HEARD_LINE && strncmp(o->line, "error", 5) == 0) {
        stop(o, 0);
        return lim_fail(err, LIM_E_FORMAT, "the oracle reports an %.300s", o->line);
    }
    if (heard == HEARD_LINE && sscanf(o->line, "%d%n", label, &end) == 1 && o->line[end] == 0 &&
        *label >= 0 && *label < o->victim.classes)
        return LIM_OK;
    return failed(o, heard, " instead of a class", err);
}

static LimStatus
ask_once(Oracle *o, const LimExec *exec, const float *x, int n, int32_t *label, int *done,
         LimError *err)
{
    const size_t size = (size_t)lim_shape_size(o->victim.image);
    LimStatus status = LIM_OK;
    if (!o->pid && ((status = start(o, err)) != LIM_OK || (status = greet(o, exec, err)) != LIM_OK))
        return status;
    for (int32_t late; o->owed > 0; o->owed--)
        if ((status = hear(o, exec, &late, err)) != LIM_OK)
            return status;
    const int from = *done;
    for (int i = from; i < n; i++)
        put_picture(o, x + (size_t)i * size);
    while (*done < n && status == LIM_OK) {
        status = hear(o, exec, &label[*done], err);
        if (status != LIM_OK)
            break;
        if (o->victim.heard)
            o->victim.heard(o->victim.heard_ctx, *done, label[*done]);
        ++*done;
    }
    if (status == LIM_CANCELLED)
        o->owed += n - *done;
    return status;
}

static LimStatus
oracle_labels(LimVictim *v, const LimExec *exec, const float *x, int n, int32_t *label,
              LimError *err)
{
    Oracle *o = (Oracle *)v;
    int done = 0;

    for (int tried = 0;; tried++) {
        LimError here = LIM_ERROR_INIT;
        const int before = done;
        const LimStatus status = ask_once(o, exec, x, n, label, &done, &here);
        if (done > before)
            tried = 0; /* it does answer */
        if (status == LIM_OK)
            return LIM_OK;
        if (status == LIM_CANCELLED || status == LIM_E_FORMAT || tried >= o->retries)
            return lim_fail(err, status, "%s", here.text);
        o->restarts++;
    }
}

static void
oracle_free(LimVictim *v)
{
    Oracle *o = (Oracle *)v;
    if (o->pid) {
        close(o->fd[IN]); /* asks it to end */
        o->fd[IN] = -1;
        stop(o, 0.05);
    }
    free(o->command);
    free(o->out);
    free(o);
}

static const LimVictimClass oracle_class = {.labels = oracle_labels,
                                            .free = oracle_free,
                                            .one_by_one = true};

LimVictim *
lim_oracle_new(const LimOracleOptions *options, const LimExec *exec, LimError *err)
{
    Oracle *o = lim_alloc(1, sizeof *o);
    o->victim.klass = &oracle_class;
    o->victim.access = LIM_ACCESS_LABEL;
    o->victim.image = options->image;
    o->command = lim_strdup(options->command);
    o->timeout = options->timeout;
    o->retries = options->retries;
    if (start(o, err) == LIM_OK && greet(o, exec, err) == LIM_OK)
        return &o->victim;
    oracle_free(&o->victim);
    return NULL;
}

bool
lim_oracle_floats(const LimVictim *v)
{
    return ((const Oracle *)v)->floats;
}

int
lim_oracle_restarts(const LimVictim *v)
{
    return ((const Oracle *)v)->restarts;
}

int
lim_oracle_pid(const LimVictim *v)
{
    return (int)((const Oracle *)v)->pid;
}
