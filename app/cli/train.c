/* limen-cli train: classifiers, generators, denoisers, segmenters and detectors from a data set.
 *
 * A training leaves a checkpoint beside its result: Ctrl+C writes one, and the same command goes on
 * from it and ends with the bytes of a run that was never stopped. */
#include "cli.h"
#include "data/dataset.h"
#include "defenses/pairs.h"
#include "metrics/scenes.h"
#include "train/classifier.h"
#include "train/denoiser.h"
#include "train/gan.h"
#include "train/scenes.h"

#include <stdlib.h>
#include <string.h>

typedef struct TrainFiles {
    char out[LIM_TEXT_MAX], checkpoint[LIM_TEXT_MAX], log[LIM_TEXT_MAX];
} TrainFiles;

static const LimParamSpec files_schema[] = {
    {.name = "out",
     .label = "Model",
     .help = "The model file to write.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(TrainFiles, out),
     .def_text = "model.safetensors"},
    {.name = "checkpoint",
     .label = "Checkpoint",
     .help = "The state of the training. Where the file exists, the training goes on from it. "
             "Empty: the model's name with .checkpoint behind it.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(TrainFiles, checkpoint)},
    {.name = "log",
     .label = "Log",
     .help = "Append the losses to this file, one JSON object per line. Empty: no log.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(TrainFiles, log)},
    {0}};

/* What the trainings differ in. */
typedef struct Trainer {
    LimTask *task;
    const char *unit; /* of done() */
    int64_t (*done)(const LimTask *task);
    LimStatus (*checkpoint)(LimTask *task, LimError *err);
    LimStatus (*save)(CliRun *run, LimTask *task, const char *path, const char *command,
                      LimError *err);
    /* Adds what was measured; optional. */
    LimStatus (*measure)(LimTask *task, const LimExec *exec, json_t *result, LimError *err);
} Trainer;

/* Both splits of --data. */
typedef struct Data {
    LimDataset *train, *test;
} Data;

static bool
data_open(Data *d, const CliRun *run, bool test, LimError *err)
{
    *d = (Data){0};
    d->train = lim_dataset_open(cli_data(run), "train", err);
    if (d->train && test)
        d->test = lim_dataset_open(cli_data(run), "test", err);
    return d->train && (d->test || !test);
}

static void
data_clear(Data *d)
{
    lim_dataset_free(d->train);
    lim_dataset_free(d->test);
}

/* Where nobody chose, the network fits the data. */
static void
fit_model(const CliRun *run, const LimDataset *data, int *channels, int *classes)
{
    if (!cli_args_given(&run->args, "channels"))
        *channels = data->c;
    if (!cli_args_given(&run->args, "classes"))
        *classes = data->classes;
}

static void
checkpoint_path(const TrainFiles *files, char path[LIM_TEXT_MAX + 16])
{
    if (*files->checkpoint)
        snprintf(path, LIM_TEXT_MAX + 16, "%s", files->checkpoint);
    else
        snprintf(path, LIM_TEXT_MAX + 16, "%s.checkpoint", files->out);
}

/* Ctrl+C: what there is becomes the checkpoint. */
static json_t *
stop(const Trainer *t, const char *checkpoint, LimError *err)
{
    *err = (LimError)LIM_ERROR_INIT;
    if (t->checkpoint(t->task, err) != LIM_OK)
        return NULL;
    lim_fail(err, LIM_CANCELLED, "stopped; the same command goes on from %s.", checkpoint);
    return json_pack("{s:s, s:I, s:b}", "checkpoint", checkpoint, t->unit,
                     (json_int_t)t->done(t->task), "finished", 0);
}

/* Steps the trainer to its end and saves the model. */
static json_t *
train(CliRun *run, const Trainer *t, const TrainFiles *files, const char *checkpoint, LimError *err)
{
    const int64_t before = t->done(t->task);
    const double start = cli_seconds();
    if (cli_run_task(run, t->task, err) == LIM_STEP_FAILED)
        return err->code == LIM_CANCELLED ? stop(t, checkpoint, err) : NULL;
    const double seconds = cli_seconds() - start;
    const int64_t steps = t->done(t->task) - before;
    json_t *result = json_pack("{s:s, s:s, s:I, s:b, s:I, s:f}", "model", files->out, "checkpoint",
                               checkpoint, t->unit, (json_int_t)t->done(t->task), "finished", 1,
                               "resumed_from", (json_int_t)before, "seconds", seconds);
    if (steps)
        json_object_set_new(result, "ms_each", json_real(1e3 * seconds / (double)steps));

    /* All pieces but the files and the common one (both last): what makes the result. */
    char *flags = cli_args_text(&run->args, run->args.n_pieces - 2);
    char *command = lim_alloc(strlen(flags) + 64, 1);
    sprintf(command, "limen-cli %s%s", run->command->name, flags);
    LimStatus status = t->save(run, t->task, files->out, command, err);
    if (status == LIM_OK && t->measure)
        status = t->measure(t->task, &run->exec, result, err);
    free(flags);
    free(command);
    if (status == LIM_CANCELLED) {
        json_decref(result);
        return stop(t, checkpoint, err);
    }
    if (status != LIM_OK) {
        json_decref(result);
        return NULL;
    }
    return result;
}

/* ---- classifier ----------------------------------------------------------------------------- */

static LimStatus
save_classifier(CliRun *run, LimTask *task, const char *path, const char *command, LimError *err)
{
    return lim_classifier_trainer_save(task, path, command, &run->exec, err);
}

static LimStatus
measure_classifier(LimTask *task, const LimExec *exec, json_t *result, LimError *err)
{
    double accuracy;
    LimStatus status = lim_classifier_trainer_accuracy(task, exec, &accuracy, err);
    if (status == LIM_OK)
        json_object_set_new(result, "test_accuracy", json_real(accuracy));
    return status;
}

static json_t *
run_train_classifier(CliRun *run, LimError *err)
{
    const TrainFiles *files = cli_args_values(&run->args, files_schema);
    LimClassifierTraining *p = cli_args_values(&run->args, lim_classifier_training_schema);
    LimClassifierParams *model = cli_args_values(&run->args, lim_classifier_schema);
    char checkpoint[LIM_TEXT_MAX + 16];
    json_t *result = NULL;
    Data data;
    LimTrainLog log = {0};
    checkpoint_path(files, checkpoint);
    if (data_open(&data, run, true, err) &&
        lim_train_log_open(&log, *files->log ? files->log : NULL, err) == LIM_OK) {
        fit_model(run, data.train, &model->channels, &model->classes);
        p->model = *model;
        Trainer t = {.unit = "steps",
                     .done = lim_supervised_steps,
                     .checkpoint = lim_supervised_checkpoint,
                     .save = save_classifier,
                     .measure = measure_classifier};
        t.task =
            lim_classifier_trainer_new(p, data.train, data.test, checkpoint, log, &run->exec, err);
        if (t.task)
            result = train(run, &t, files, checkpoint, err);
        lim_task_free(t.task);
        lim_train_log_close(&log);
    }
    data_clear(&data);
    return result;
}

static const CliPiece classifier_pieces[] = {{"Training", lim_classifier_training_schema,
                                              sizeof(LimClassifierTraining)},
                                             {"Network", lim_classifier_schema,
                                              sizeof(LimClassifierParams)},
                                             {"Files", files_schema, sizeof(TrainFiles)},
                                             {0}};
const CliCommand cli_train_classifier = {
    .name = "train classifier",
    .summary = "Trains a classifier",
    .text =
        "Ctrl+C keeps a checkpoint; the same command goes on from it. Defensive distillation takes "
        "two trainings at the same --temperature, the second with the first one's file as "
        "--teacher.",
    .operands = "",
    .pieces = classifier_pieces,
    .run = run_train_classifier,
};

/* ---- denoiser ------------------------------------------------------------------------------- */

static LimStatus
save_denoiser(CliRun *run, LimTask *task, const char *path, const char *command, LimError *err)
{
    return lim_denoiser_trainer_save(task, path, command, &run->exec, err);
}

static LimStatus
measure_denoiser(LimTask *task, const LimExec *exec, json_t *result, LimError *err)
{
    LimDenoiserMeasure m;
    LimStatus status = lim_denoiser_trainer_measure(task, exec, &m, err);
    if (status == LIM_OK) {
        json_t *measured =
            json_pack("{s:i, s:f, s:f, s:f, s:f, s:f, s:f}", "test_pictures", m.pictures,
                      "accuracy_clean", m.clean, "accuracy_adversarial", m.adversarial,
                      "accuracy_clean_denoised", m.clean_denoised, "accuracy_adversarial_denoised",
                      m.adversarial_denoised, "distance", m.distance, "distance_denoised",
                      m.distance_denoised);
        json_object_update(result, measured);
        json_decref(measured);
    }
    return status;
}

static json_t *
run_train_denoiser(CliRun *run, LimError *err)
{
    const TrainFiles *files = cli_args_values(&run->args, files_schema);
    LimDenoiserTraining *p = cli_args_values(&run->args, lim_denoiser_training_schema);
    LimDenoiserParams *model = cli_args_values(&run->args, lim_denoiser_schema);
    LimPairSettings attacks = *(LimPairSettings *)cli_args_values(&run->args, lim_pair_schema);
    char checkpoint[LIM_TEXT_MAX + 16];
    json_t *result = NULL;
    Data data;
    LimPairs *pairs = NULL;
    LimTrainLog log = {0};
    checkpoint_path(files, checkpoint);
    if (!*attacks.nets)
        memcpy(attacks.nets, p->classifier, sizeof attacks.nets);
    if (data_open(&data, run, true, err))
        pairs = lim_pairs_new(&attacks, data.train->c, data.train->classes, err);
    if (pairs && lim_train_log_open(&log, *files->log ? files->log : NULL, err) == LIM_OK) {
        if (!cli_args_given(&run->args, "channels"))
            model->channels = data.train->c;
        p->model = *model;
        Trainer t = {.unit = "steps",
                     .done = lim_supervised_steps,
                     .checkpoint = lim_supervised_checkpoint,
                     .save = save_denoiser,
                     .measure = measure_denoiser};
        const LimPairSource source = lim_pairs_source(pairs);
        t.task = lim_denoiser_trainer_new(p, &source, data.train, data.test, checkpoint, log,
                                          &run->exec, err);
        if (t.task)
            result = train(run, &t, files, checkpoint, err);
        lim_task_free(t.task);
        lim_train_log_close(&log);
    }
    lim_pairs_free(pairs);
    data_clear(&data);
    return result;
}

static const CliPiece denoiser_pieces[] = {{"Training", lim_denoiser_training_schema,
                                            sizeof(LimDenoiserTraining)},
                                           {"Network", lim_denoiser_schema,
                                            sizeof(LimDenoiserParams)},
                                           {"Attacks", lim_pair_schema, sizeof(LimPairSettings)},
                                           {"Files", files_schema, sizeof(TrainFiles)},
                                           {0}};
const CliCommand cli_train_denoiser = {
    .name = "train denoiser",
    .summary = "Trains a denoiser that a classifier guides",
    .text = "Pairs of clean and adversarial pictures are made as the training goes: clean, noise, "
            "FGSM and iterated FGSM on the networks of --nets. Ctrl+C keeps a checkpoint; the same "
            "command goes on from it.",
    .operands = "",
    .pieces = denoiser_pieces,
    .run = run_train_denoiser,
};

/* ---- networks for scenes ---------------------------------------------------------------------
 */

enum { TEST_SCENES = 500 };

/* Measures the network on test scenes: a new object, or NULL. */
static json_t *
measure_segmenter(CliRun *run, LimTask *task, const LimScenes *test, LimError *err)
{
    const LimSceneNetParams *model = cli_args_values(&run->args, lim_scene_net_schema);
    LimSceneNet *net = lim_scene_net_new(LIM_SCENE_SEGMENTER, model, lim_supervised_store(task));
    LimIou m;
    lim_iou_init(&m, model->classes);
    json_t *measured = NULL;
    if (lim_measure_segmenter(net, test, 0, TEST_SCENES, &run->exec, &m, err) == LIM_OK)
        measured = json_pack("{s:i, s:f, s:f}", "test_scenes", TEST_SCENES, "mean_iou",
                             lim_iou_mean(&m), "pixel_accuracy", lim_iou_accuracy(&m));
    lim_iou_clear(&m);
    lim_scene_net_free(net);
    return measured;
}

static json_t *
measure_detector(CliRun *run, LimTask *task, const LimScenes *test, LimError *err)
{
    const LimSceneNetParams *model = cli_args_values(&run->args, lim_scene_net_schema);
    LimSceneNet *net = lim_scene_net_new(LIM_SCENE_DETECTOR, model, lim_supervised_store(task));
    LimBoxes b;
    lim_boxes_init(&b, TEST_SCENES);
    json_t *measured = NULL;
    if (lim_measure_detector(net, test, 0, TEST_SCENES, &run->exec, &b, err) == LIM_OK)
        measured =
            json_pack("{s:i, s:f, s:f}", "test_scenes", TEST_SCENES, "map_all_points",
                      lim_boxes_map(&b, model->classes, LIM_AP_ALL_POINTS), "map_eleven_points",
                      lim_boxes_map(&b, model->classes, LIM_AP_ELEVEN_POINTS));
    lim_boxes_clear(&b);
    lim_scene_net_free(net);
    return measured;
}

static LimStatus
save_scene_net(CliRun *run, LimTask *task, const char *path, const char *command, LimError *err)
{
    LimScenes *test = lim_scenes_open(cli_args_values(&run->args, lim_scene_schema), cli_data(run),
                                      LIM_SCENE_TEST, err);
    json_t *measured = NULL;
    if (test)
        measured = (lim_scene_trainer_kind(task) == LIM_SCENE_SEGMENTER
                        ? measure_segmenter
                        : measure_detector)(run, task, test, err);
    lim_scenes_free(test);
    if (!measured)
        return err->code;
    return lim_scene_trainer_save(task, path, command, measured, err);
}

static LimStatus
tell_measured(LimTask *task, const LimExec *exec, json_t *result, LimError *err)
{
    json_object_update(result, lim_scene_trainer_measured(task));
    return LIM_OK;
}

static json_t *
train_scene_net(CliRun *run, LimSceneNetKind kind, LimError *err)
{
    const TrainFiles *files = cli_args_values(&run->args, files_schema);
    LimSceneTraining *p = cli_args_values(&run->args, lim_scene_training_schema);
    LimSceneNetParams *model = cli_args_values(&run->args, lim_scene_net_schema);
    char checkpoint[LIM_TEXT_MAX + 16];
    json_t *result = NULL;
    LimTrainLog log = {0};
    checkpoint_path(files, checkpoint);
    p->scenes = *(LimSceneSettings *)cli_args_values(&run->args, lim_scene_schema);
    LimScenes *scenes = lim_scenes_open(&p->scenes, cli_data(run), LIM_SCENE_TRAIN, err);
    if (scenes && lim_train_log_open(&log, *files->log ? files->log : NULL, err) == LIM_OK) {
        if (!cli_args_given(&run->args, "classes"))
            model->classes = lim_scenes_classes(scenes);
        p->model = *model;
        Trainer t = {.unit = "steps",
                     .done = lim_supervised_steps,
                     .checkpoint = lim_supervised_checkpoint,
                     .save = save_scene_net,
                     .measure = tell_measured};
        t.task = lim_scene_trainer_new(kind, p, scenes, checkpoint, log, &run->exec, err);
        if (t.task)
            result = train(run, &t, files, checkpoint, err);
        lim_task_free(t.task);
        lim_train_log_close(&log);
    }
    lim_scenes_free(scenes);
    return result;
}

static json_t *
run_train_segmenter(CliRun *run, LimError *err)
{
    return train_scene_net(run, LIM_SCENE_SEGMENTER, err);
}

static const CliPiece scene_pieces[] = {{"Training", lim_scene_training_schema,
                                         sizeof(LimSceneTraining)},
                                        {"Network", lim_scene_net_schema,
                                         sizeof(LimSceneNetParams)},
                                        {"Scenes", lim_scene_schema, sizeof(LimSceneSettings)},
                                        {"Files", files_schema, sizeof(TrainFiles)},
                                        {0}};
const CliCommand cli_train_segmenter = {
    .name = "train segmenter",
    .summary = "Trains a network that gives every pixel of a scene its class",
    .text = "A fully convolutional network with the skip fusion of FCN-8s on one of two backbones. "
            "The file says its mean IoU on 500 test scenes. Ctrl+C keeps a checkpoint; the same "
            "command goes on from it.",
    .operands = "",
    .pieces = scene_pieces,
    .run = run_train_segmenter,
};

static json_t *
run_train_detector(CliRun *run, LimError *err)
{
    return train_scene_net(run, LIM_SCENE_DETECTOR, err);
}

const CliCommand cli_train_detector = {
    .name = "train detector",
    .summary = "Trains a network that finds the garments of a scene",
    .text = "Faster R-CNN on one of two backbones, both parts at once. The file says its mean "
            "average precision at an overlap of 0.5 on 500 test scenes. Ctrl+C keeps a checkpoint; "
            "the same command goes on from it.",
    .operands = "",
    .pieces = scene_pieces,
    .run = run_train_detector,
};

/* ---- generator ------------------------------------------------------------------------------ */

static LimStatus
save_gan(CliRun *run, LimTask *task, const char *path, const char *command, LimError *err)
{
    LimTask *save = lim_gan_save_new(task, path, command, true, &run->exec, err);
    if (save)
        cli_run_task(run, save, err);
    lim_task_free(save);
    return err->code;
}

static json_t *
run_train_gan(CliRun *run, LimError *err)
{
    const TrainFiles *files = cli_args_values(&run->args, files_schema);
    LimGanTraining *p = cli_args_values(&run->args, lim_gan_training_schema);
    LimBigganParams *model = cli_args_values(&run->args, lim_biggan_schema);
    char checkpoint[LIM_TEXT_MAX + 16];
    json_t *result = NULL;
    Data data;
    LimTrainLog log = {0};
    checkpoint_path(files, checkpoint);
    if (data_open(&data, run, p->held_out, err) &&
        lim_train_log_open(&log, *files->log ? files->log : NULL, err) == LIM_OK) {
        fit_model(run, data.train, &model->channels, &model->classes);
        p->model = *model;
        Trainer t = {.unit = "iterations",
                     .done = lim_gan_trainer_iterations,
                     .checkpoint = lim_gan_trainer_checkpoint,
                     .save = save_gan};
        t.task = lim_gan_trainer_new(p, data.train, data.test, checkpoint, log, &run->exec, err);
        if (t.task)
            result = train(run, &t, files, checkpoint, err);
        lim_task_free(t.task);
        lim_train_log_close(&log);
    }
    data_clear(&data);
    return result;
}

static const CliPiece gan_pieces[] = {{"Training", lim_gan_training_schema, sizeof(LimGanTraining)},
                                      {"Networks", lim_biggan_schema, sizeof(LimBigganParams)},
                                      {"Files", files_schema, sizeof(TrainFiles)},
                                      {0}};
const CliCommand cli_train_gan = {
    .name = "train gan",
    .summary = "Trains a class-conditional BigGAN at 32x32 pixels",
    .text =
        "The model file holds the moving average of the generator, with standing statistics. "
        "Ctrl+C keeps a checkpoint; the same command goes on from it. A training that collapses "
        "stops and keeps the last good one.",
    .operands = "",
    .pieces = gan_pieces,
    .run = run_train_gan,
};
