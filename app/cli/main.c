/* limen-cli: everything the window can do, without a window. It links the engine only.
 *
 * A command is one file with a CliCommand and a line in the table below. Results go to stdout,
 * progress and complaints to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
 */
#include "attack.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

static const CliCommand *const written[] = {&cli_ablate,
                                            &cli_attack_dag,
                                            &cli_info,
                                            &cli_train_classifier,
                                            &cli_train_denoiser,
                                            &cli_train_gan,
                                            &cli_train_segmenter,
                                            &cli_train_detector,
                                            &cli_denoise,
                                            &cli_sample,
                                            &cli_interpolate,
                                            &cli_attention,
                                            &cli_evaluate_classifier,
                                            &cli_evaluate_attacks,
                                            &cli_evaluate_dag,
                                            &cli_evaluate_defenses,
                                            &cli_evaluate_gan,
                                            &cli_features,
                                            &cli_bench_gan,
                                            &cli_bench_ops,
                                            &cli_scenes_make,
                                            &cli_scenes_show,
                                            &cli_sweep,
                                            &cli_universal_evaluate,
                                            &cli_universal_make,
                                            &cli_universal_apply};
/* ... and one for every attack. */
enum { WRITTEN = sizeof written / sizeof written[0], MAX_COMMANDS = WRITTEN + CLI_ATTACKS };
static const CliCommand *commands[MAX_COMMANDS];
static int n_commands;

static const LimParamSpec common_schema[] = {
    {"json", "JSON", "Print the result as one JSON object.", "", LIM_BOOL,
     offsetof(CliCommon, json), 0, 1, 0, 0, 0, NULL, NULL},
    {"seed", "Seed", "The same seed gives the same result, whatever the number of threads.", "",
     LIM_SEED, offsetof(CliCommon, seed), 0, 0, 1, 0, 0, NULL, NULL},
    {"threads", "Threads", "How many processors to use; 0 means all of them.", "", LIM_INT,
     offsetof(CliCommon, threads), 0, 256, 0, 0, 0, NULL, NULL},
    {"data", "Data folder",
     "A folder with IDX files or with one folder of PNG files per class. Without it: "
     "Fashion-MNIST, "
     "where the Debian package dataset-fashion-mnist puts it.",
     "", LIM_TEXT, offsetof(CliCommon, data), 0, 0, 0, 0, 0, NULL, NULL},
    {"quiet", "Quiet", "No progress.", "", LIM_BOOL, offsetof(CliCommon, quiet), 0, 1, 0, 0, 0,
     NULL, NULL},
    {"verbose", "Verbose", "Print progress also where stderr is not a terminal.", "", LIM_BOOL,
     offsetof(CliCommon, verbose), 0, 1, 0, 0, 0, NULL, NULL},
    {0}};
static const CliPiece common_piece = {"Common", common_schema, sizeof(CliCommon)};

const char *
cli_data(const CliRun *run)
{
    return *run->common->data ? run->common->data : NULL;
}

LimStatus
cli_check_picture(const char *out, LimError *err)
{
    return *out ? LIM_OK : lim_fail(err, LIM_E_PARAM, "nothing to write; give --out FILE.png.");
}

json_t *
cli_command(const CliRun *run)
{
    char *flags = cli_args_command(&run->args, run->command->name, run->args.n_pieces - 1);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    LIM_ASSERT(out);
    fputs(flags, out);
    /* of the flags that all commands have only these change the result */
    if (run->common->seed != 1)
        fprintf(out, " --seed %" PRIu64, run->common->seed);
    if (*run->common->data) {
        fputs(" --data ", out);
        cli_quote(out, run->common->data);
    }
    fclose(out);
    json_t *j = json_string(text);
    free(flags);
    free(text);
    return j;
}

CliTalk
cli_talk(const CliRun *run)
{
    if (run->common->quiet)
        return CLI_QUIET;
    return run->common->verbose ? CLI_VERBOSE : CLI_AUTO;
}

LimStep
cli_run_task(CliRun *run, LimTask *task, LimError *err)
{
    CliProgress bar;
    LimProgress now = {.fraction = -1};
    LimStep step;
    cli_progress_init(&bar, cli_talk(run), &run->cancel);
    do {
        step = lim_task_step(task, &run->exec, &now, err);
        if (step == LIM_STEP_MORE)
            cli_progress_show(&bar, &now);
    } while (step == LIM_STEP_MORE);
    cli_progress_end(&bar);
    return step;
}

static void
print_commands(FILE *out, const char *prefix)
{
    size_t length = strlen(prefix);
    for (int i = 0; i < n_commands; i++)
        if (strncmp(commands[i]->name, prefix, length) == 0)
            fprintf(out, "  %-22s %s\n", commands[i]->name, commands[i]->summary);
}

static void
print_usage(FILE *out)
{
    fprintf(out, "usage: limen-cli COMMAND [--flag value]...\n\n"
                 "Trains, samples, measures and attacks small image models.\n\nCommands:\n");
    print_commands(out, "");
    fprintf(out,
            "\nlimen-cli COMMAND --help lists the flags of a command; limen-cli --version names "
            "the version.\nExit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.\n");
}

static int
help_width(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 60)
        return size.ws_col < 110 ? size.ws_col : 110;
    return 100;
}

static void
print_help(const CliCommand *c, const CliArgs *args)
{
    printf("usage: limen-cli %s%s%s [--flag value]...\n\n%s.\n", c->name, *c->operands ? " " : "",
           c->operands, c->summary);
    if (c->text)
        cli_wrap(stdout, c->text, help_width());
    cli_args_help(args, stdout, help_width());
}

/* The command that argv[1] (and argv[2]) name, or NULL; *words is how many they are. */
static const CliCommand *
find_command(int argc, char **argv, int *words)
{
    for (int i = 0; i < n_commands; i++) {
        const char *name = commands[i]->name, *space = strchr(name, ' ');
        if (!space && strcmp(name, argv[1]) == 0) {
            *words = 1;
            return commands[i];
        }
        if (space && argc > 2 && strlen(argv[1]) == (size_t)(space - name) &&
            strncmp(name, argv[1], (size_t)(space - name)) == 0 &&
            strcmp(space + 1, argv[2]) == 0) {
            *words = 2;
            return commands[i];
        }
    }
    return NULL;
}

/* argv names no command: says so. */
static int
no_command(int argc, char **argv)
{
    const char *names[2 * MAX_COMMANDS];
    char first[MAX_COMMANDS][32], prefix[40];
    int n = 0, matches = 0;
    snprintf(prefix, sizeof prefix, "%.30s ", argv[1]);
    for (int i = 0; i < n_commands; i++) {
        matches += strncmp(commands[i]->name, prefix, strlen(prefix)) == 0;
        snprintf(first[i], sizeof first[i], "%.*s", (int)strcspn(commands[i]->name, " "),
                 commands[i]->name);
        names[n++] = first[i];
        names[n++] = commands[i]->name;
    }
    if (matches) {
        bool help = argc > 2 && strcmp(argv[2], "--help") == 0;
        fprintf(help ? stdout : stderr, "limen-cli %s is one of:\n", argv[1]);
        print_commands(help ? stdout : stderr, prefix);
        return help ? EXIT_SUCCESS : EXIT_USAGE;
    }
    const char *near = cli_nearest(argv[1], names, n);
    if (near)
        fprintf(stderr, "limen-cli: there is no command %.60s; did you mean %s?\n", argv[1], near);
    else
        fprintf(stderr, "limen-cli: there is no command %.60s; limen-cli --help lists them.\n",
                argv[1]);
    return EXIT_USAGE;
}

static int
check_operands(const CliCommand *c, const CliArgs *args, LimError *err)
{
    if (args->n_operands < c->min_operands)
        return lim_fail(err, LIM_E_PARAM, "%s is missing.", c->operands);
    if (args->n_operands > c->max_operands)
        return lim_fail(err, LIM_E_PARAM, "%.60s is one word too many; flags begin with --.",
                        args->operand[c->max_operands]);
    return LIM_OK;
}

/* The result and the complaint of a finished command; returns the exit code. */
static int
finish(const CliRun *run, const CliCommand *c, json_t *result, const LimError *err)
{
    if (result)
        cli_print(stdout, result, run->common->json);
    json_decref(result);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "limen-cli %s: the result could not be written: %s\n", c->name,
                strerror(errno));
        return EXIT_FAILURE;
    }
    if (err->code == LIM_OK)
        return EXIT_SUCCESS;
    fprintf(stderr, "limen-cli %s: %s\n", c->name, err->text);
    if (err->code == LIM_CANCELLED)
        return EXIT_INTERRUPTED;
    return err->code == LIM_E_PARAM ? EXIT_USAGE : EXIT_FAILURE;
}

static int
run_command(const CliCommand *c, int argc, char **argv)
{
    LimError err = LIM_ERROR_INIT;
    CliRun run = {.command = c};
    int code;
    cli_args_init(&run.args);
    for (const CliPiece *p = c->pieces; p && p->spec; p++)
        cli_args_add(&run.args, p);
    cli_args_add(&run.args, &common_piece);
    run.common = cli_args_values(&run.args, common_schema);

    if (cli_args_parse(&run.args, argc, argv, &err) != LIM_OK ||
        (!run.args.help && check_operands(c, &run.args, &err) != LIM_OK)) {
        code = finish(&run, c, NULL, &err);
    } else if (run.args.help) {
        print_help(c, &run.args);
        code = EXIT_SUCCESS;
    } else {
        run.exec = (LimExec){lim_kernels_best(), lim_pool_new(run.common->threads), &run.cancel};
        cli_catch_signals(&run.cancel);
        json_t *result = c->run(&run, &err);
        LIM_ASSERT(result || err.code != LIM_OK);
        code = finish(&run, c, result, &err);
        lim_pool_free(run.exec.pool);
    }
    cli_args_clear(&run.args);
    return code;
}

int
main(int argc, char **argv)
{
    /* Only what characters are: numbers are written the same everywhere. */
    setlocale(LC_CTYPE, "");
    for (n_commands = 0; n_commands < WRITTEN; n_commands++)
        commands[n_commands] = written[n_commands];
    n_commands += cli_attack_commands(commands + n_commands);
    if (argc < 2) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage(stdout);
        return EXIT_SUCCESS;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("limen-cli %s\n", LIMEN_VERSION);
        return EXIT_SUCCESS;
    }
    int words;
    const CliCommand *c = find_command(argc, argv, &words);
    if (!c)
        return no_command(argc, argv);
    return run_command(c, argc - 1 - words, argv + 1 + words);
}
