/* The stepper over ablation runs. One run at a time: train to the next measuring point, save the
 * averaged generator as anybody would, load that file and judge its samples. What is judged is
 * therefore the file, standing statistics and all.
 *
 * Order at a point: judge, write the record, write the checkpoint. Killed in between, the run
 * repeats at most one stretch, and a point is never measured twice with different weights. */
#include "jobs/ablation.h"

#include "base/file.h"
#include "metrics/gan_metrics.h"
#include "train/checkpoint.h"
#include "train/gan.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what is compared ------------------------------------------------------------------------ */

typedef struct Variant {
    const char *id;
    const char *changes; /* "flag=value ..." of the training or the network */
    double batch;        /* times the base's; 0: as it is */
    bool equal_rates;    /* the geometric mean of the base's */
} Variant;

static const Variant variants[] = {
    {"base", ""},
    {"residual", "attention=residual"},
    {"no-attention", "g-attention=false d-attention=false"},
    {"sn-d", "spectral-norm=d"},
    {"sn-none", "spectral-norm=none"},
    {"equal-rates", "", .equal_rates = true},
    {"batch-half", "", .batch = 0.5},
    {"batch-x2", "", .batch = 2},
    {"batch-x4", "", .batch = 4},
    {"ortho", "ortho=1e-4"},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

typedef struct Group {
    const char *name, *question;
    struct {
        const char *id, *label; /* label NULL: what the group varies, in numbers */
    } run[4];
} Group;

static const Group groups[] = {
    {"attention",
     "Attention, a residual block, or neither?",
     {{"base", "attention"}, {"residual", "residual block"}, {"no-attention", "neither"}}},
    {"spectral-norm",
     "Spectral norm in both, in D, or in neither?",
     {{"base", "both"}, {"sn-d", "D only"}, {"sn-none", "neither"}}},
    {"rates", "Two learning rates or equal ones?", {{"base", NULL}, {"equal-rates", NULL}}},
    {"batch",
     "A batch of what size?",
     {{"batch-half", NULL}, {"base", NULL}, {"batch-x2", NULL}, {"batch-x4", NULL}}},
    {"orthogonal",
     "Orthogonal regularisation, for truncation?",
     {{"base", "off"}, {"ortho", "1e-4"}}},
};
enum { GROUPS = sizeof groups / sizeof *groups };

static const char *const group_names[] = {"all",   "attention", "spectral-norm",
                                          "rates", "batch",     "orthogonal",
                                          NULL};

#define FIELD(field) .offset = offsetof(LimAblationSettings, field)
const LimParamSpec lim_ablation_schema[] = {
    {.name = "seed",
     .label = "Seed",
     .help = "Of the first repetition; further ones count up from it.",
     .unit = "",
     .kind = LIM_SEED,
     FIELD(seed),
     .def = 1},
    {.name = "seeds",
     .label = "Repetitions",
     .help = "Trainings of each variant, with different seeds.",
     .unit = "",
     .kind = LIM_INT,
     FIELD(seeds),
     .min = 1,
     .max = 100,
     .def = 2},
    {.name = "group",
     .label = "Experiment",
     .help = "Which question to answer, or all of them.",
     .unit = "",
     .kind = LIM_CHOICE,
     FIELD(group),
     .max = GROUPS,
     .choices = group_names},
    {.name = "iterations",
     .label = "Iterations",
     .help = "Generator steps of every run.",
     .unit = "steps",
     .kind = LIM_INT,
     FIELD(iterations),
     .min = 1,
     .max = 1000000,
     .def = 600},
    {.name = "measures",
     .label = "Measurements",
     .help = "How often a run is measured, the last time at its end.",
     .unit = "",
     .kind = LIM_INT,
     FIELD(measures),
     .min = 1,
     .max = 100,
     .def = 3},
    {.name = "width",
     .label = "Width",
     .help = "Width multiplier ch of both networks.",
     .unit = "",
     .kind = LIM_INT,
     FIELD(width),
     .min = 2,
     .max = 256,
     .def = 4},
    {.name = "batch",
     .label = "Batch size",
     .help = "Of the base training; the others of that experiment have half, twice and four times "
             "as much.",
     .unit = "pictures",
     .kind = LIM_INT,
     FIELD(batch),
     .min = 4,
     .max = 512,
     .def = 64},
    {.name = "g-lr",
     .label = "Generator learning rate",
     .help = "Of the base training.",
     .unit = "",
     .kind = LIM_REAL,
     FIELD(g_lr),
     .max = 1,
     .def = 1e-3},
    {.name = "d-lr",
     .label = "Discriminator learning rate",
     .help = "Of the base training. The variant with equal rates has the geometric mean of both.",
     .unit = "",
     .kind = LIM_REAL,
     FIELD(d_lr),
     .max = 1,
     .def = 2e-3},
    {.name = "standing-passes",
     .label = "Standing passes",
     .help = "Batches over which batch norm statistics are taken before a measurement.",
     .unit = "batches",
     .kind = LIM_INT,
     FIELD(standing),
     .min = 1,
     .max = 10000,
     .def = 20},
    {.name = "samples",
     .label = "Samples",
     .help = "Pictures drawn for each measurement.",
     .unit = "pictures",
     .kind = LIM_INT,
     FIELD(samples),
     .min = 10,
     .max = 1000000,
     .def = 1000},
    {.name = "threshold",
     .label = "Truncation threshold",
     .help = "Of a second measurement at the end of each run; the others are untruncated.",
     .unit = "",
     .kind = LIM_REAL,
     FIELD(threshold),
     .min = 0.02,
     .max = 10,
     .def = 0.5},
    {0}};

/* ---- the task -------------------------------------------------------------------------------- */

typedef enum Phase { OPEN, TRAIN, SAVE, JUDGE } Phase;

typedef struct Run {
    int variant, repetition;
    json_t *record;
    double weight; /* pictures shown: for the progress */
} Run;

typedef struct Ablation {
    LimTask base;
    LimAblationSettings s;
    const LimDataset *data;
    LimPredictor *judge;
    const LimFeatures *real;
    char *folder;
    Run *runs;
    int n, at;
    /* of runs[at] */
    Phase phase;
    LimGanTraining p;
    LimTrainLog log;
    LimTask *trainer, *job;
    LimGenerator *g;
    json_t *point;
    bool truncated; /* which of the two measurements runs */
} Ablation;

/* To six digits: what a file says is what memory holds. */
static double
rounded(double x)
{
    char text[32];
    snprintf(text, sizeof text, "%.6g", x);
    return strtod(text, NULL);
}

/* Applies "flag=value flag=value". */
static void
change(LimGanTraining *p, const char *changes)
{
    char text[128], *save = NULL;
    snprintf(text, sizeof text, "%s", changes);
    for (char *part = strtok_r(text, " ", &save); part; part = strtok_r(NULL, " ", &save)) {
        char *value = strchr(part, '=');
        *value++ = '\0';
        const bool model = lim_params_find(lim_biggan_schema, part) != NULL;
        LimStatus status = lim_params_set(model ? lim_biggan_schema : lim_gan_training_schema,
                                          model ? (void *)&p->model : (void *)p, part, value, NULL);
        LIM_ASSERT(status == LIM_OK);
    }
}

/* Iteration of the k-th measurement, k from 1. */
static int
point_at(const LimAblationSettings *s, int k)
{
    return (int)((int64_t)s->iterations * k / s->measures);
}

static LimGanTraining
settings(const Ablation *t, const Run *r)
{
    const Variant *v = &variants[r->variant];
    LimGanTraining p;
    memset(&p, 0, sizeof p);
    lim_params_init(lim_gan_training_schema, &p);
    lim_params_init(lim_biggan_schema, &p.model);
    p.model.channels = t->data->c;
    p.model.classes = t->data->classes;
    p.model.g_ch = p.model.d_ch = t->s.width;
    p.seed = t->s.seed + (uint64_t)r->repetition;
    p.iterations = t->s.iterations;
    p.g_lr = t->s.g_lr;
    p.d_lr = t->s.d_lr;
    p.batch = v->batch > 0 ? (int)(v->batch * t->s.batch) : t->s.batch;
    p.standing_passes = t->s.standing;
    p.stop_on_collapse = false;   /* a collapse is a result here */
    p.checkpoint_every = 1000000; /* written at the points, after the record */
    p.log_every = t->s.iterations / t->s.measures > 0 ? t->s.iterations / t->s.measures : 1;
    p.spectra_every = p.log_every;
    if (v->equal_rates)
        p.g_lr = p.d_lr = rounded(sqrt(t->s.g_lr * t->s.d_lr));
    change(&p, v->changes);
    return p;
}

static void
run_path(const Ablation *t, const Run *r, const char *suffix, char out[LIM_TEXT_MAX + 64])
{
    snprintf(out, LIM_TEXT_MAX + 64, "%s/%s-%llu%s", t->folder, variants[r->variant].id,
             (unsigned long long)(t->s.seed + (uint64_t)r->repetition), suffix);
}

/* What a record must say to be of this run. */
static json_t *
describe(const Ablation *t, const LimGanTraining *p)
{
    json_t *training = lim_params_to_json(lim_gan_training_schema, p);
    json_object_set_new(training, "model", lim_params_to_json(lim_biggan_schema, &p->model));
    return json_pack("{s:s, s:o, s:i, s:i, s:i, s:f}", "data", t->data->name, "training", training,
                     "measures", t->s.measures, "samples", t->s.samples, "pictures", t->real->n,
                     "threshold", t->s.threshold);
}

static LimStatus
write_record(const Ablation *t, const Run *r, LimError *err)
{
    char path[LIM_TEXT_MAX + 64];
    run_path(t, r, ".json", path);
    char *text =
        json_dumps(r->record, JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15));
    LimStatus status = lim_file_write(path, text, strlen(text), err);
    free(text);
    return status;
}

/* The record of an earlier run, or a new one. */
static LimStatus
open_record(const Ablation *t, Run *r, const LimGanTraining *p, LimError *err)
{
    char path[LIM_TEXT_MAX + 64];
    run_path(t, r, ".json", path);
    json_t *need = describe(t, p);
    if (access(path, F_OK) != 0) {
        r->record = json_pack("{s:I, s:o, s:b, s:[]}", "seed", (json_int_t)p->seed, "settings",
                              need, "finished", 0, "points");
        return LIM_OK;
    }
    json_error_t why;
    r->record = json_load_file(path, 0, &why);
    json_t *training = json_object_get(json_object_get(r->record, "settings"), "training");
    lim_settings_complete(training, lim_gan_training_schema);
    lim_settings_complete(json_object_get(training, "model"), lim_biggan_schema);
    const bool same = json_equal(json_object_get(r->record, "settings"), need) &&
                      json_is_array(json_object_get(r->record, "points"));
    json_decref(need);
    if (same)
        return LIM_OK;
    return lim_fail(err, LIM_E_PARAM,
                    "%s is a record of other settings; use those again, or another folder", path);
}

static int
points(const Run *r)
{
    return (int)json_array_size(json_object_get(r->record, "points"));
}

static void
close_run(Ablation *t)
{
    lim_task_free(t->job);
    lim_task_free(t->trainer);
    lim_generator_free(t->g);
    lim_train_log_close(&t->log);
    json_decref(t->point);
    t->job = t->trainer = NULL;
    t->g = NULL;
    t->point = NULL;
}

static LimStatus
open_run(Ablation *t, const LimExec *exec, LimError *err)
{
    Run *r = &t->runs[t->at];
    char log[LIM_TEXT_MAX + 64], checkpoint[LIM_TEXT_MAX + 64];
    t->p = settings(t, r);
    if (!r->record && open_record(t, r, &t->p, err) != LIM_OK)
        return err->code;
    if (json_is_true(json_object_get(r->record, "finished"))) {
        t->at++;
        return LIM_OK;
    }
    run_path(t, r, ".log", log);
    run_path(t, r, ".checkpoint", checkpoint);
    if (access(checkpoint, F_OK) != 0) { /* from the start */
        unlink(log);
        json_array_clear(json_object_get(r->record, "points"));
    }
    if (lim_train_log_open(&t->log, log, err) != LIM_OK)
        return err->code;
    t->trainer = lim_gan_trainer_new(&t->p, t->data, NULL, checkpoint, t->log, exec, err);
    if (!t->trainer)
        return err->code;
    json_object_set_new(r->record, "generator_parameters",
                        json_integer(lim_store_parameters(lim_gan_trainer_generator(t->trainer))));
    json_object_set_new(r->record, "discriminator_parameters",
                        json_integer(
                            lim_store_parameters(lim_gan_trainer_discriminator(t->trainer))));
    t->phase = TRAIN;
    return LIM_OK;
}

/* The largest of the first singular values of all weights of a network. */
static double
largest(const json_t *weights)
{
    double s = 0;
    const char *name;
    json_t *values;
    json_object_foreach((json_t *)(uintptr_t)weights, name, values) s =
        fmax(s, json_number_value(json_array_get(values, 0)));
    return s;
}

/* What the run's log says of this iteration: the losses and scores since the point before, and the
 * singular values. */
static void
add_log(const Ablation *t, json_t *point)
{
    char path[LIM_TEXT_MAX + 64];
    uint8_t *text = NULL;
    size_t size = 0;
    char *save = NULL;
    run_path(t, &t->runs[t->at], ".log", path);
    if (lim_file_read(path, (size_t)1 << 28, &text, &size, NULL) != LIM_OK)
        return;
    for (char *line = strtok_r((char *)text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        json_t *j = json_loads(line, 0, NULL), *values = json_object_get(j, "singular_values");
        if (!json_equal(json_object_get(j, "iteration"), json_object_get(point, "iteration"))) {
            json_decref(j);
            continue;
        }
        if (values) {
            json_object_set_new(point, "g_singular_value",
                                json_real(largest(json_object_get(values, "g"))));
            json_object_set_new(point, "d_singular_value",
                                json_real(largest(json_object_get(values, "d"))));
        } else if (j) {
            json_object_update(point, j);
        }
        json_decref(j);
    }
    free(text);
}

static LimStatus
begin_point(Ablation *t, const LimExec *exec, LimError *err)
{
    char path[LIM_TEXT_MAX + 64];
    run_path(t, &t->runs[t->at], ".safetensors", path);
    t->point = json_pack("{s:I}", "iteration", (json_int_t)lim_gan_trainer_iterations(t->trainer));
    add_log(t, t->point);
    t->job = lim_gan_save_new(t->trainer, path, "limen-cli ablate", false, exec, err);
    t->phase = SAVE;
    return t->job ? LIM_OK : err->code;
}

static LimStatus
begin_judging(Ablation *t, bool truncated, LimError *err)
{
    const LimGanMetricsSettings m = {.samples = t->s.samples,
                                     .threshold = truncated ? t->s.threshold : 0,
                                     .truncation = LIM_TRUNC_INVERSE_CDF,
                                     .seed = t->s.seed};
    lim_task_free(t->job);
    t->truncated = truncated;
    t->job = lim_gan_metrics_new(t->g, t->judge, t->real, &m, err);
    t->phase = JUDGE;
    return t->job ? LIM_OK : err->code;
}

static void
add_judgement(Ablation *t)
{
    const LimMeasures *m = &lim_gan_metrics_result(t->job)->all;
    const struct {
        const char *key;
        double value;
    } rows[] = {{"asked", m->asked.value},
                {"frechet", m->frechet.value},
                {"precision", m->precision.value},
                {"recall", m->recall.value},
                {"density", m->density.value},
                {"coverage", m->coverage.value},
                {"feature_variety", m->variety.value}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char key[40];
        snprintf(key, sizeof key, "%s%s", rows[i].key, t->truncated ? "_truncated" : "");
        json_object_set_new(t->point, key,
                            isfinite(rows[i].value) ? json_real(rounded(rows[i].value))
                                                    : json_null());
    }
}

/* The run is over, with all its points or without the rest. */
static LimStatus
end_run(Ablation *t, LimError *err)
{
    Run *r = &t->runs[t->at];
    char checkpoint[LIM_TEXT_MAX + 64];
    json_object_set_new(r->record, "finished", json_true());
    LimStatus status = write_record(t, r, err);
    if (status != LIM_OK)
        return status;
    run_path(t, r, ".checkpoint", checkpoint);
    unlink(checkpoint);
    close_run(t);
    t->at++;
    t->phase = OPEN;
    return LIM_OK;
}

/* The point is complete: into the record, then the checkpoint. */
static LimStatus
end_point(Ablation *t, LimError *err)
{
    Run *r = &t->runs[t->at];
    json_array_append_new(json_object_get(r->record, "points"), t->point);
    t->point = NULL;
    lim_generator_free(t->g);
    t->g = NULL;
    if (points(r) == t->s.measures)
        return end_run(t, err);
    t->phase = TRAIN;
    LimStatus status = write_record(t, r, err);
    return status == LIM_OK ? lim_gan_trainer_checkpoint(t->trainer, err) : status;
}

/* A training that broke down is a result as well. */
static LimStatus
train(Ablation *t, const LimExec *exec, LimError *err)
{
    LimError why = LIM_ERROR_INIT;
    if (lim_task_step(t->trainer, exec, NULL, &why) != LIM_STEP_FAILED)
        return LIM_OK;
    if (why.code != LIM_E_NUMERIC) {
        *err = why;
        return err->code;
    }
    json_object_set_new(t->runs[t->at].record, "collapsed",
                        json_integer(lim_gan_trainer_iterations(t->trainer)));
    return end_run(t, err);
}

/* One bounded piece of the run at hand. */
static LimStatus
advance(Ablation *t, const LimExec *exec, LimError *err)
{
    char path[LIM_TEXT_MAX + 64];
    LimStep step;
    switch (t->phase) {
    case OPEN:
        return open_run(t, exec, err);
    case TRAIN:
        if (lim_gan_trainer_iterations(t->trainer) >= point_at(&t->s, points(&t->runs[t->at]) + 1))
            return begin_point(t, exec, err);
        return train(t, exec, err);
    case SAVE:
        step = lim_task_step(t->job, exec, NULL, err);
        if (step == LIM_STEP_MORE)
            return LIM_OK;
        if (step == LIM_STEP_FAILED)
            return err->code;
        run_path(t, &t->runs[t->at], ".safetensors", path);
        t->g = lim_generator_load(path, err);
        return t->g ? begin_judging(t, false, err) : err->code;
    case JUDGE:
        step = lim_task_step(t->job, exec, NULL, err);
        if (step == LIM_STEP_MORE)
            return LIM_OK;
        if (step == LIM_STEP_FAILED)
            return err->code;
        add_judgement(t);
        if (!t->truncated && points(&t->runs[t->at]) + 1 == t->s.measures)
            return begin_judging(t, true, err);
        lim_task_free(t->job);
        t->job = NULL;
        return end_point(t, err);
    }
    return LIM_OK;
}

static void
tell(const Ablation *t, LimProgress *progress)
{
    double done = 0, all = 0;
    for (int i = 0; i < t->n; i++) {
        all += t->runs[i].weight;
        done += i < t->at ? t->runs[i].weight : 0;
    }
    const int64_t iteration = t->trainer ? lim_gan_trainer_iterations(t->trainer) : 0;
    if (t->at < t->n)
        done += t->runs[t->at].weight * (double)iteration / t->s.iterations;
    progress->fraction = done / all;
    if (t->at < t->n)
        snprintf(progress->text, sizeof progress->text, "run %d of %d, %s, iteration %lld of %d",
                 t->at + 1, t->n, variants[t->runs[t->at].variant].id, (long long)iteration,
                 t->s.iterations);
}

static LimStep
ablation_step(LimTask *task, const LimExec *exec, LimProgress *progress, LimError *err)
{
    Ablation *t = (Ablation *)task;
    LimError local = LIM_ERROR_INIT;
    if (!err)
        err = &local;
    if (t->at == t->n)
        return LIM_STEP_DONE;
    const LimStatus status = advance(t, exec, err);
    if (progress)
        tell(t, progress);
    if (status == LIM_CANCELLED && t->phase == TRAIN) {
        LimError ignored = LIM_ERROR_INIT; /* the folder may be full; the stop counts */
        lim_gan_trainer_checkpoint(t->trainer, &ignored);
    }
    if (status != LIM_OK)
        return LIM_STEP_FAILED;
    return t->at == t->n ? LIM_STEP_DONE : LIM_STEP_MORE;
}

static void
ablation_free(LimTask *task)
{
    Ablation *t = (Ablation *)task;
    close_run(t);
    for (int i = 0; i < t->n; i++)
        json_decref(t->runs[i].record);
    free(t->runs);
    free(t->folder);
    free(t);
}

static const LimTaskClass ablation_class = {"ablation", ablation_step, NULL, ablation_free};

static bool
wanted(int group, const char *id)
{
    for (int g = 0; g < GROUPS; g++)
        for (int i = 0; (group == 0 || group == g + 1) && i < 4; i++)
            if (groups[g].run[i].id && strcmp(groups[g].run[i].id, id) == 0)
                return true;
    return false;
}

LimTask *
lim_ablation_new(const LimAblationSettings *s, const LimDataset *train, LimPredictor *judge,
                 const LimFeatures *real, const char *folder, LimError *err)
{
    const LimShape shape = lim_predictor_image_shape(judge);
    if (lim_params_check(lim_ablation_schema, s, err) != LIM_OK)
        return NULL;
    if (s->measures > s->iterations) {
        lim_fail(err, LIM_E_PARAM, "%d measurements need at least as many iterations, not %d",
                 s->measures, s->iterations);
        return NULL;
    }
    if (shape.d[0] != train->c || lim_predictor_classes(judge) != train->classes) {
        lim_fail(err, LIM_E_SHAPE,
                 "the classifier knows other pictures or classes than the data; choose one that "
                 "was trained on it");
        return NULL;
    }
    Ablation *t = lim_alloc(1, sizeof *t);
    t->base.klass = &ablation_class;
    t->s = *s;
    t->data = train;
    t->judge = judge;
    t->real = real;
    t->folder = lim_strdup(folder);
    t->runs = lim_alloc((size_t)VARIANTS * (size_t)s->seeds, sizeof *t->runs);
    /* all variants once before the second repetition, so that a stopped ablation says something */
    for (int k = 0; k < s->seeds; k++)
        for (int v = 0; v < VARIANTS; v++)
            if (wanted(s->group, variants[v].id)) {
                Run *r = &t->runs[t->n++];
                *r = (Run){.variant = v, .repetition = k};
                r->weight = settings(t, r).batch;
            }
    return &t->base;
}

static void
name_run(const Ablation *t, const Group *g, int i, char label[64])
{
    const char *id = g->run[i].id;
    Run r = {0};
    while (strcmp(variants[r.variant].id, id) != 0)
        r.variant++;
    const LimGanTraining p = settings(t, &r);
    if (g->run[i].label)
        snprintf(label, 64, "%s", g->run[i].label);
    else if (strcmp(g->name, "batch") == 0)
        snprintf(label, 64, "%d", p.batch);
    else
        snprintf(label, 64, "G %.3g, D %.3g", p.g_lr, p.d_lr);
}

json_t *
lim_ablation_results(const LimTask *task)
{
    const Ablation *t = (const Ablation *)task;
    json_t *runs = json_object(), *list = json_array();
    for (int i = 0; i < t->n; i++) {
        const char *id = variants[t->runs[i].variant].id;
        if (!t->runs[i].record)
            continue;
        if (!json_object_get(runs, id))
            json_object_set_new(runs, id, json_array());
        json_array_append(json_object_get(runs, id), t->runs[i].record);
    }
    for (int g = 0; g < GROUPS; g++) {
        if (t->s.group != 0 && t->s.group != g + 1)
            continue;
        json_t *members = json_array();
        for (int i = 0; i < 4 && groups[g].run[i].id; i++) {
            char label[64];
            name_run(t, &groups[g], i, label);
            json_array_append_new(members, json_pack("{s:s, s:s}", "run", groups[g].run[i].id,
                                                     "label", label));
        }
        json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "name", groups[g].name, "question",
                                              groups[g].question, "runs", members));
    }
    return json_pack("{s:o, s:s, s:o, s:o}", "settings",
                     lim_params_to_json(lim_ablation_schema, &t->s), "data", t->data->name, "runs",
                     runs, "groups", list);
}
