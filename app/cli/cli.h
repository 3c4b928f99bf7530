/* What the commands of limen-cli share. */
#pragma once

#include "args.h"
#include "metrics/features.h"
#include "models/samplefile.h"
#include "progress.h"
#include "run/exec.h"
#include "run/task.h"

#include <jansson.h>

/* The flags of every command. */
typedef struct CliCommon {
    bool json, quiet, verbose;
    uint64_t seed;
    int threads; /* 0: all processors */
    char data[LIM_TEXT_MAX];
} CliCommon;

typedef struct CliRun {
    const struct CliCommand *command;
    CliArgs args;
    const CliCommon *common;
    LimExec exec;
    LimCancel cancel;
} CliRun;

typedef struct CliCommand {
    const char *name;     /* "train gan": one or two words */
    const char *summary;  /* one line */
    const char *text;     /* further sentences for --help, or NULL */
    const char *operands; /* as the usage line shows them: "MODEL", "[FILE]", or "" */
    int min_operands, max_operands;
    const CliPiece *pieces; /* ended by {0}; NULL: none */
    /* Returns what to print (a JSON object, new), or NULL and err. LIM_CANCELLED in err together
     * with a result: stopped early, what is there was kept. */
    json_t *(*run)(CliRun *run, LimError *err);
} CliCommand;

extern const CliCommand cli_ablate, cli_attack_dag, cli_evaluate_dag, cli_denoise, cli_info,
    cli_train_classifier, cli_train_denoiser, cli_train_gan, cli_train_segmenter,
    cli_train_detector, cli_sample, cli_interpolate, cli_attention, cli_evaluate_attacks,
    cli_evaluate_classifier, cli_evaluate_defenses, cli_evaluate_gan, cli_bench_gan, cli_bench_ops,
    cli_features, cli_scenes_make, cli_scenes_show, cli_sweep, cli_universal_apply,
    cli_universal_evaluate, cli_universal_make;

/* The folder of --data, or NULL. */
const char *cli_data(const CliRun *run);
/* The path of a model file: as given, or when that is empty the one that comes with the program
 * under this name (in $LIMEN_DATA, where it is installed, or in the source folder). */
void cli_resource(const char *given, const char *name, char path[LIM_TEXT_MAX]);
/* The flag --classifier of commands that judge samples, in a schema over a type with the field
 * `classifier`; cli_resource() makes a path of its value. */
#define CLI_CLASSIFIER_FLAG(type)                                                                \
    {                                                                                            \
        .name = "classifier", .label = "Classifier",                                             \
        .help = "The classifier that judges and whose features are compared: a file written by " \
                "`limen-cli train classifier`. Empty: the one that comes with the program.",     \
        .unit = "", .kind = LIM_TEXT, .offset = offsetof(type, classifier)                       \
    }
/* The flags --out and --scale of commands that write a sheet of samples, in a schema over a type
 * with these fields; and what to say when --out is empty. */
#define CLI_PICTURE_FLAGS(type, file)                           \
    {.name = "out",                                             \
     .label = "Picture",                                        \
     .help = "The PNG file to write; the settings are inside.", \
     .unit = "",                                                \
     .kind = LIM_TEXT,                                          \
     .offset = offsetof(type, out),                             \
     .def_text = file},                                         \
        CLI_SCALE_FLAG(type)
#define CLI_SCALE_FLAG(type)                                                                    \
    {                                                                                           \
        .name = "scale", .label = "Scale", .help = "Each pixel becomes a square of this side.", \
        .unit = "px", .kind = LIM_INT, .offset = offsetof(type, scale), .min = 1, .max = 64,    \
        .def = LIM_SAMPLE_SCALE                                                                 \
    }
LimStatus cli_check_picture(const char *out, LimError *err);
/* The features of n pictures of d (the first ones, or those of index) under a progress bar; NULL
 * and err on failure. The caller owns them. */
LimFeatures *cli_compute_features(CliRun *run, LimPredictor *c, const LimDataset *d,
                                  const uint32_t *index, int n, LimError *err);
/* What --quiet and --verbose say. */
CliTalk cli_talk(const CliRun *run);
/* How to get the same again, as JSON text: the command with every flag that matters. */
json_t *cli_command(const CliRun *run);
/* Sorts the values. */
double cli_median(double *values, int n);
/* Steps the task to its end under a progress bar. Frees nothing. LIM_STEP_FAILED fills err. */
LimStep cli_run_task(CliRun *run, LimTask *task, LimError *err);

/* Prints a result: as one JSON object, or for people ("_" in keys becomes a space, an array of
 * objects a table). */
void cli_print(FILE *out, const json_t *result, bool as_json);
