/* The pieces of limen-cli: flags from schemas, the progress line, what is printed. */
#include "cli.h"

#include <glib.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

typedef struct Toy {
    int count, mode;
    double rate;
    bool fast;
    uint64_t seed;
    char out[LIM_TEXT_MAX];
} Toy;

static const char *const modes[] = {"soft", "hard", NULL};
static const LimParamSpec toy_schema[] = {{"count", "Count", "How many there are.", "pictures",
                                           LIM_INT, offsetof(Toy, count), 1, 256, 16, 0, 0, NULL,
                                           NULL},
                                          {"mode", "Mode", "Which kind.", "", LIM_CHOICE,
                                           offsetof(Toy, mode), 0, 1, 1, 0, 0, modes, NULL},
                                          {"rate", "Rate", "How quickly.", "", LIM_REAL,
                                           offsetof(Toy, rate), -1, 1, 0.25, 0, 0, NULL, NULL},
                                          {"fast", "Fast", "Whether to hurry.", "", LIM_BOOL,
                                           offsetof(Toy, fast), 0, 1, 0, 0, 0, NULL, NULL},
                                          {"seed", "Seed", "Where to begin.", "", LIM_SEED,
                                           offsetof(Toy, seed), 0, 0, 7, 0, 0, NULL, NULL},
                                          {"out", "Output", "The file to write.", "", LIM_TEXT,
                                           offsetof(Toy, out), 0, 0, 0, 0, 0, NULL, "out.png"},
                                          {0}};
static const CliPiece toy_piece = {"Toy", toy_schema, sizeof(Toy)};

typedef struct Other {
    int threads;
    uint64_t seed;
} Other;
static const LimParamSpec other_schema[] = {{"threads", "Threads", "How many.", "", LIM_INT,
                                             offsetof(Other, threads), 0, 64, 0, 0, 0, NULL, NULL},
                                            {"seed", "Other seed", "Hidden behind the first one.",
                                             "", LIM_SEED, offsetof(Other, seed), 0, 0, 1, 0, 0,
                                             NULL, NULL},
                                            {0}};
static const CliPiece other_piece = {"Other", other_schema, sizeof(Other)};

static Toy *toy;
static Other *other;
static CliArgs args;
static LimError err;

/* Parses a command line given as one text, words separated by spaces. */
static LimStatus
parse(const char *line)
{
    static char **words; /* operands point into it */
    g_strfreev(words);
    cli_args_clear(&args);
    cli_args_init(&args);
    cli_args_add(&args, &toy_piece);
    cli_args_add(&args, &other_piece);
    toy = cli_args_values(&args, toy_schema);
    other = cli_args_values(&args, other_schema);
    err = (LimError)LIM_ERROR_INIT;
    words = g_strsplit(line, " ", -1);
    return cli_args_parse(&args, *line ? (int)g_strv_length(words) : 0, words, &err);
}

static void
refused(const char *line, const char *complaint)
{
    g_assert_cmpint(parse(line), ==, LIM_E_PARAM);
    g_assert_cmpstr(err.text, ==, complaint);
}

static void
test_values(void)
{
    g_assert_cmpint(parse(""), ==, LIM_OK);
    g_assert_cmpint(toy->count, ==, 16);
    g_assert_cmpint(toy->mode, ==, 1);
    g_assert_cmpfloat(toy->rate, ==, 0.25);
    g_assert_false(toy->fast);
    g_assert_cmpuint(toy->seed, ==, 7);
    g_assert_cmpstr(toy->out, ==, "out.png");

    g_assert_cmpint(parse(
                        "a --count 3 --mode=soft b --rate -0.5 --fast --seed=18446744073709551615 "
                        "--out= --threads 2 -"),
                    ==, LIM_OK);
    g_assert_cmpint(toy->count, ==, 3);
    g_assert_cmpint(toy->mode, ==, 0);
    g_assert_cmpfloat(toy->rate, ==, -0.5);
    g_assert_true(toy->fast);
    g_assert_cmpuint(toy->seed, ==, UINT64_MAX);
    g_assert_cmpstr(toy->out, ==, "");
    g_assert_cmpint(other->threads, ==, 2);
    g_assert_cmpint(args.n_operands, ==, 3);
    g_assert_cmpstr(args.operand[0], ==, "a");
    g_assert_cmpstr(args.operand[1], ==, "b");
    g_assert_cmpstr(args.operand[2], ==, "-");
}

static void
test_rules(void)
{
    /* booleans: last one counts; --no-; a value only behind = */
    g_assert_cmpint(parse("--fast --no-fast"), ==, LIM_OK);
    g_assert_false(toy->fast);
    g_assert_cmpint(parse("--no-fast --fast=yes true"), ==, LIM_OK);
    g_assert_true(toy->fast);
    g_assert_cmpint(args.n_operands, ==, 1);
    /* the earlier piece owns a shared name */
    g_assert_cmpint(parse("--seed 5"), ==, LIM_OK);
    g_assert_cmpuint(toy->seed, ==, 5);
    g_assert_cmpuint(other->seed, ==, 1);
    /* nothing is a flag behind -- */
    g_assert_cmpint(parse("--count 2 -- --count -x"), ==, LIM_OK);
    g_assert_cmpint(toy->count, ==, 2);
    g_assert_cmpint(args.n_operands, ==, 2);
    g_assert_cmpstr(args.operand[0], ==, "--count");
    /* --help wins over what follows */
    g_assert_cmpint(parse("--help --nonsense"), ==, LIM_OK);
    g_assert_true(args.help);
    /* a value that looks like a flag needs the = */
    g_assert_cmpint(parse("--out=--fast"), ==, LIM_OK);
    g_assert_cmpstr(toy->out, ==, "--fast");
}

static void
test_refused(void)
{
    refused("--count 0", "--count: 0 is outside 1 to 256 pictures");
    refused("--count=x", "--count: x is not a whole number within 1 to 256 pictures");
    refused("--count", "--count needs a value.");
    refused("--out --fast", "--out needs a value.");
    refused("--mode gentle", "--mode: gentle is not one of soft, hard");
    refused("--fast=maybe", "--fast: maybe is not true or false");
    refused("--cuont 3", "--cuont is unknown; did you mean --count?");
    refused("--thread=3", "--thread is unknown; did you mean --threads?");
    refused("--hepl", "--hepl is unknown; did you mean --help?");
    refused("--no-count", "--no-count is unknown; --help lists what there is.");
    refused("--quantity 3", "--quantity is unknown; --help lists what there is.");
    refused("-c 3", "-c: flags have long names, such as --help.");
    char *longest = g_strnfill(3000, 'x'), *line = g_strconcat("--", longest, "=1", NULL);
    g_assert_cmpint(parse(line), ==, LIM_E_PARAM);
    g_free(longest);
    g_free(line);
}

static void
test_nearest(void)
{
    static const char *const names[] = {"count", "columns", "threshold"};
    g_assert_cmpstr(cli_nearest("treshold", names, 3), ==, "threshold");
    g_assert_cmpstr(cli_nearest("thr", names, 3), ==, "threshold");
    g_assert_cmpstr(cli_nearest("colums", names, 3), ==, "columns");
    g_assert_null(cli_nearest("banana", names, 3));
    g_assert_null(cli_nearest("count", names, 0));
}

static char *
help_text(int width)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    cli_args_help(&args, f, width);
    fclose(f);
    return text;
}

static void
test_help(void)
{
    /* The defaults are shown, whatever was given. */
    g_assert_cmpint(parse("--count 3"), ==, LIM_OK);
    char *text = help_text(80);
    g_assert_nonnull(strstr(text, "Toy:\n  --count N                 Count. How many there are. (1 "
                                  "to 256 pictures,\n                            default 16)\n"));
    g_assert_nonnull(strstr(text, "--mode NAME"));
    g_assert_nonnull(strstr(text, "(soft, hard; default hard)"));
    g_assert_nonnull(strstr(text, "--[no-]fast"));
    g_assert_nonnull(strstr(text, "(default out.png)"));
    g_assert_nonnull(strstr(text, "Other:\n  --threads N"));
    g_assert_null(strstr(text, "Other seed"));
    char **lines = g_strsplit(text, "\n", -1);
    for (int i = 0; lines[i]; i++)
        g_assert_cmpint(strlen(lines[i]), <=, 80);
    g_strfreev(lines);
    free(text);
}

#define END "\a" /* written behind everything, so that reading knows when to stop */

/* What fn writes to stderr, when that is a terminal or a pipe. */
static char *
stderr_of(bool terminal, void (*fn)(void))
{
    int end[2]; /* read, write */
    if (terminal) {
        struct winsize size = {24, 60, 0, 0};
        g_assert_cmpint(openpty(&end[0], &end[1], NULL, NULL, &size), ==, 0);
    } else {
        g_assert_cmpint(pipe(end), ==, 0);
    }
    int saved = dup(STDERR_FILENO);
    fflush(stderr);
    dup2(end[1], STDERR_FILENO);
    fn();
    fputs(END, stderr);
    fflush(stderr);
    GString *text = g_string_new(NULL);
    while (!g_str_has_suffix(text->str, END)) {
        char part[256];
        ssize_t n = read(end[0], part, sizeof part);
        if (n <= 0)
            break;
        g_string_append_len(text, part, n);
    }
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(end[0]);
    close(end[1]);
    g_assert_true(g_str_has_suffix(text->str, END));
    g_string_truncate(text, text->len - strlen(END));
    return g_string_free(text, FALSE);
}

static double now_seconds;

static double
test_clock(void)
{
    return now_seconds;
}

static LimCancel cancel;
static CliTalk talk;

static void
show_some(void)
{
    CliProgress p;
    cli_progress_init(&p, talk, &cancel);
    p.clock = test_clock;
    now_seconds = 100;
    cli_progress_show(&p, &(LimProgress){0.25, "step 1 of 4"});
    now_seconds += 0.05;
    cli_progress_show(&p, &(LimProgress){0.5, "too soon to be drawn"});
    now_seconds += 74.95;
    cli_progress_show(&p, &(LimProgress){0.5, "half"});
    cli_progress_show(&p, &(LimProgress){1, "step 4 of 4, with a text that is far too long"});
    cli_progress_end(&p);
}

/* A training that goes on from 90 of 100 steps, and takes ten seconds for each. */
static void
show_resumed(void)
{
    CliProgress p;
    cli_progress_init(&p, talk, NULL);
    p.clock = test_clock;
    now_seconds = 100;
    cli_progress_show(&p, &(LimProgress){-1, "step 91 begins"});
    for (int step = 91; step <= 100; step++) {
        LimProgress now = {.fraction = step / 100.0};
        now_seconds += 10;
        g_snprintf(now.text, sizeof now.text, "%d", step);
        cli_progress_show(&p, &now);
    }
    cli_progress_end(&p);
}

/* Nine answers in ten are replayed, at once; a second of work for each of the others. */
static void
show_replayed(void)
{
    CliProgress p;
    cli_progress_init(&p, talk, NULL);
    p.clock = test_clock;
    now_seconds = 100;
    for (int query = 1; query <= 100; query++) {
        LimProgress now = {.fraction = query / 100.0};
        if (query <= 90)
            cli_progress_time_anew(&p);
        now_seconds += query <= 90 ? 0.1 : 1;
        g_snprintf(now.text, sizeof now.text, "%d", query);
        if (query % 20 == 0 || query > 96 || query == 90)
            cli_progress_show(&p, &now);
    }
    cli_progress_end(&p);
}

static void
show_unknown(void)
{
    CliProgress p;
    cli_progress_init(&p, CLI_AUTO, NULL);
    cli_progress_show(&p, &(LimProgress){-1, "loading"});
    cli_progress_end(&p);
}

static void
test_progress(void)
{
    atomic_store(&cancel.flag, false);
    talk = CLI_AUTO;
    char *text = stderr_of(true, show_some);
    g_assert_cmpstr(text, ==,
                    "\r[######..................]  25%  step 1 of 4\033[K"
                    "\r[############............]  50% 2:30 left  half\033[K"
                    "\r[########################] 100%  step 4 of 4, with a text t\033[K"
                    "\r\033[K");
    g_free(text);
    text = stderr_of(true, show_unknown);
    g_assert_cmpstr(text, ==, "\rloading\033[K\r\033[K");
    g_free(text);

    /* nobody looks: silence, unless asked for */
    text = stderr_of(false, show_some);
    g_assert_cmpstr(text, ==, "");
    g_free(text);
    talk = CLI_VERBOSE;
    text = stderr_of(false, show_some);
    g_assert_cmpstr(text, ==,
                    " 25% step 1 of 4\n 50% half 2:30 left\n100% step 4 of 4, with a text that is "
                    "far too long\n");
    g_free(text);
    text = stderr_of(false, show_resumed);
    g_assert_cmpstr(text, ==,
                    "step 91 begins\n 91% 91\n 92% 92 1:20 left\n 93% 93 1:10 left\n"
                    " 94% 94 1:00 left\n 95% 95 0:50 left\n 96% 96 0:40 left\n"
                    " 97% 97 0:30 left\n 98% 98 0:20 left\n 99% 99 0:10 left\n100% 100\n");
    g_free(text);
    text = stderr_of(false, show_replayed);
    g_assert_cmpstr(text, ==,
                    " 20% 20\n 40% 40\n 60% 60\n 80% 80\n 97% 97 0:03 left\n"
                    " 98% 98 0:02 left\n 99% 99 0:01 left\n100% 100\n");
    g_free(text);
    talk = CLI_QUIET;
    text = stderr_of(true, show_some);
    g_assert_cmpstr(text, ==, "");
    g_free(text);

    talk = CLI_AUTO;
    lim_cancel(&cancel);
    text = stderr_of(true, show_some);
    g_assert_true(g_str_has_prefix(text, "\r\033[Kstopping after this step"));
    g_free(text);
}

static void
test_signals(void)
{
    struct sigaction now;
    atomic_store(&cancel.flag, false);
    cli_catch_signals(&cancel);
    g_assert_false(lim_cancelled(&cancel));
    raise(SIGINT);
    g_assert_true(lim_cancelled(&cancel));
    /* the second one ends the process */
    sigaction(SIGINT, NULL, &now);
    g_assert_true(now.sa_handler == SIG_DFL);
    sigaction(SIGTERM, NULL, &now);
    g_assert_true(now.sa_handler != SIG_DFL);
    signal(SIGTERM, SIG_DFL);
}

static char *
printed(json_t *result, bool as_json)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    cli_print(f, result, as_json);
    fclose(f);
    return text;
}

static void
test_print(void)
{
    json_t *result =
        json_pack("{s:s, s:i, s:f, s:b, s:n, s:[s,s], s:{s:f}, s:[{s:s,s:i},{s:s,s:i}], s:[]}",
                  "name", "K\xc3\xa4se\x1b[31m", "step_count", 12, "accuracy", 0.912345678, "done",
                  1, "nothing", "tables", "avx2", "portable", "inner", "loss", 0.5, "rows", "op",
                  "conv", "ms", 7, "op", "a long name", "ms", 1234, "none");
    g_assert_nonnull(result);
    char *text = printed(result, false);
    g_assert_cmpstr(text, ==,
                    "name        K\xc3\xa4se?[31m\n"
                    "step count  12\n"
                    "accuracy    0.91235\n"
                    "done        yes\n"
                    "nothing     -\n"
                    "tables      avx2, portable\n"
                    "inner\n"
                    "  loss  0.5\n"
                    "rows\n"
                    "  op             ms\n"
                    "  conv            7\n"
                    "  a long name  1234\n"
                    "none        \n");
    free(text);

    text = printed(result, true);
    g_assert_cmpint(text[strlen(text) - 1], ==, '\n');
    g_assert_null(memchr(text, '\n', strlen(text) - 1));
    json_t *again = json_loads(text, 0, NULL);
    g_assert_nonnull(again);
    g_assert_cmpfloat(json_real_value(json_object_get(again, "accuracy")), ==, 0.912345678);
    json_decref(again);
    json_decref(result);
    free(text);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cli/args/values", test_values);
    g_test_add_func("/cli/args/rules", test_rules);
    g_test_add_func("/cli/args/refused", test_refused);
    g_test_add_func("/cli/args/nearest", test_nearest);
    g_test_add_func("/cli/args/help", test_help);
    g_test_add_func("/cli/progress", test_progress);
    g_test_add_func("/cli/signals", test_signals);
    g_test_add_func("/cli/print", test_print);
    return g_test_run();
}
