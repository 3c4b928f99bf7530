/* The trainer of segmenters and detectors. */
#include "train/scenes.h"

#include "base/rng.h"
#include "models/modelfile.h"
#include "train/checkpoint.h"
#include "train/scenes-private.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_EVERY 20

#define INT(...) LIM_PARAM_INT(LimSceneTraining, __VA_ARGS__)

const LimParamSpec lim_scene_training_schema[] = {
    {.name = "seed",
     .label = "Seed",
     .help = "Of initial weights and of the choice of anchors and proposals; scenes have their "
             "own.",
     .unit = "",
     .kind = LIM_SEED,
     .offset = offsetof(LimSceneTraining, seed),
     .def = 1},
    INT(steps, "steps", "Steps", "Batches to train on.", "steps", 1, 10000000, 4000),
    INT(batch, "batch", "Batch size", "Scenes per step.", "scenes", 1, 256, 16),
    {.name = "lr",
     .label = "Learning rate",
     .help = "Of Adam at its highest, after the first 2 % of the steps; then it falls to 0.",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(LimSceneTraining, lr),
     .min = 0,
     .max = 10,
     .def = 2e-3},
    {.name = "noise",
     .label = "Noise",
     .help = "Every scene gets Gaussian noise; its standard deviation is drawn between 0 and this, "
             "so that a network does not take grain for something.",
     .unit = "of 255",
     .kind = LIM_REAL,
     .offset = offsetof(LimSceneTraining, noise),
     .max = 255,
     .def = 0},
    {.name = "from",
     .label = "From",
     .help = "Begin with the weights of this model file, of the same network. Empty: drawn ones.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(LimSceneTraining, from)},
    INT(checkpoint_every, "checkpoint-every", "Checkpoint every",
        "Steps between checkpoints; 0: only at the end.", "steps", 0, 1000000, 200),
    {0}};

static const LimSceneTraineeClass *const classes[] = {&lim_scene_segmenter_class,
                                                      &lim_scene_detector_class};

/* ---- steps ------------------------------------------------------------------------------------
 */

typedef struct DrawJob {
    LimSceneTrainer *t;
    uint64_t first;
} DrawJob;

static void
add_noise(LimSceneTrainer *t, uint64_t number, size_t n, float *x, float *noise)
{
    const uint64_t stream = lim_rng_stream(LIM_STREAM_AUGMENT, "scene noise", number);
    float strength;
    lim_rng_uniform(t->p.seed, stream, 0, &strength, 1);
    lim_rng_normal(t->p.seed, stream, 4, noise, n); /* behind the block of the strength */
    strength *= (float)(2 * t->p.noise / 255);
    for (size_t i = 0; i < n; i++)
        x[i] += strength * noise[i];
}

static void
draw_one(void *ctx, int i, int thread)
{
    const DrawJob *j = ctx;
    LimSceneTrainer *t = j->t;
    const size_t area = (size_t)t->p.scenes.size * (size_t)t->p.scenes.size, k = (size_t)i;
    lim_scenes_draw(t->scenes, j->first + k, t->x + k * 3 * area, t->mask + k * area, &t->scene[k]);
    if (t->p.noise > 0)
        add_noise(t, j->first + k, 3 * area, t->x + k * 3 * area, t->noise + k * 3 * area);
}

static double
rate(const LimSceneTrainer *t)
{
    const double warm = 0.02 * t->p.steps, at = t->step + 1;
    return t->p.lr * (at < warm ? at / warm : 0.5 * (1 + cos(M_PI * t->step / t->p.steps)));
}

static void
log_losses(LimSceneTrainer *t, double lr)
{
    char line[320];
    int at = snprintf(line, sizeof line, "{\"step\": %d", t->step);
    for (int i = 0; i < t->klass->losses; i++) {
        at += snprintf(line + at, sizeof line - (size_t)at, ", \"%s\": %.6g",
                       t->klass->loss_name[i], t->sum[i] / t->n_sum);
        t->sum[i] = 0;
    }
    snprintf(line + at, sizeof line - (size_t)at, ", \"lr\": %.6g}", lr);
    t->log.line(t->log.ctx, line);
    t->n_sum = 0;
}

static LimStep
trainer_step(LimTask *task, const LimExec *exec, LimProgress *progress, LimError *err)
{
    LimSceneTrainer *t = (LimSceneTrainer *)task;
    if (t->step >= t->p.steps)
        return LIM_STEP_DONE;
    DrawJob job = {t, (uint64_t)t->step * (uint64_t)t->p.batch};
    lim_pool_for(exec->pool, t->p.batch, draw_one, &job);
    if (t->klass->prepare && t->klass->prepare(t, exec, err) != LIM_OK)
        return LIM_STEP_FAILED;
    const LimOptimParams o = {
        .kind = LIM_OPTIM_ADAM, .lr = rate(t), .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
    if (lim_step_plan_run(&t->plan, t->optim, &o, exec, err) != LIM_OK)
        return LIM_STEP_FAILED;
    double all = 0;
    for (int i = 0; i < t->klass->losses; i++) {
        t->sum[i] += (double)*lim_plan_f32(t->plan.plan, t->loss[i]);
        all += t->sum[i];
    }
    t->n_sum++;
    t->step++;
    if (!isfinite(all)) {
        lim_fail(err, LIM_E_NUMERIC,
                 "the loss is no longer a number at step %d; lower the learning rate", t->step);
        return LIM_STEP_FAILED;
    }
    if (progress) {
        progress->fraction = (double)t->step / t->p.steps;
        snprintf(progress->text, sizeof progress->text, "step %d of %d, loss %.4f", t->step,
                 t->p.steps, all / t->n_sum);
    }
    const bool done = t->step == t->p.steps;
    if (t->step % LOG_EVERY == 0 || done)
        log_losses(t, o.lr);
    const bool due = t->p.checkpoint_every && t->step % t->p.checkpoint_every == 0;
    if (t->checkpoint && (due || done) && lim_scene_trainer_checkpoint(task, err) != LIM_OK)
        return LIM_STEP_FAILED;
    return done ? LIM_STEP_DONE : LIM_STEP_MORE;
}

/* ---- checkpoints ------------------------------------------------------------------------------
 */

/* Two schemas beside the training's own: network and scenes, as one. */
typedef struct Setting {
    LimSceneNetParams model;
    LimSceneSettings scenes;
} Setting;

#define NET_SPECS   3
#define SCENE_SPECS 4

static void
join_schemas(LimParamSpec all[NET_SPECS + SCENE_SPECS + 1])
{
    memcpy(all, lim_scene_net_schema, NET_SPECS * sizeof *all);
    memcpy(all + NET_SPECS, lim_scene_schema, (SCENE_SPECS + 1) * sizeof *all);
    LIM_ASSERT(!lim_scene_net_schema[NET_SPECS].name && !lim_scene_schema[SCENE_SPECS].name);
    for (int i = 0; i < SCENE_SPECS; i++)
        all[NET_SPECS + i].offset += offsetof(Setting, scenes);
}

/* What must not differ between the run that wrote a checkpoint and the one that resumes. */
typedef struct Identity {
    LimSceneTraining same;
    Setting setting;
    LimParamSpec schema[NET_SPECS + SCENE_SPECS + 1];
    LimCheckpoint checkpoint;
} Identity;

static const LimCheckpoint *
identify(const LimSceneTrainer *t, Identity *id)
{
    id->same = t->p;
    id->same.checkpoint_every = 0;
    id->setting = (Setting){t->p.model, t->p.scenes};
    join_schemas(id->schema);
    id->checkpoint = (LimCheckpoint){.kind = lim_scene_net_kinds[t->klass->kind],
                                     .training = t->klass->training,
                                     .schema = lim_scene_training_schema,
                                     .params = &id->same,
                                     .model_schema = id->schema,
                                     .model = &id->setting};
    return &id->checkpoint;
}

LimStatus
lim_scene_trainer_checkpoint(LimTask *task, LimError *err)
{
    LimSceneTrainer *t = (LimSceneTrainer *)task;
    Identity id;
    LimStWriter *w = lim_checkpoint_writer(identify(t, &id));
    lim_store_write(t->store, w, "net.", false);
    lim_optim_write(t->optim, w, "optim.");
    const int32_t at[2] = {t->step, t->n_sum};
    lim_st_writer_add(w, "position", LIM_I32, LIM_SHAPE1(2), at, false);
    lim_st_writer_add(w, "log_sums", LIM_F64, LIM_SHAPE1(LIM_SCENE_LOSSES), t->sum, false);
    return lim_st_writer_finish(w, t->checkpoint, err);
}

static LimStatus
resume(LimSceneTrainer *t, LimError *err)
{
    Identity id;
    LimStFile *f = lim_checkpoint_open(identify(t, &id), t->checkpoint, err);
    if (!f)
        return err->code;
    int32_t at[2];
    LimStatus status = lim_store_read(t->store, f, "net.", err);
    if (status == LIM_OK)
        status = lim_optim_read(t->optim, f, "optim.", err);
    if (status == LIM_OK)
        status = lim_checkpoint_numbers(f, t->checkpoint, "position", LIM_I32, 2, at, err);
    if (status == LIM_OK)
        status = lim_checkpoint_numbers(f, t->checkpoint, "log_sums", LIM_F64, LIM_SCENE_LOSSES,
                                        t->sum, err);
    if (status == LIM_OK && (at[0] < 0 || at[0] > t->p.steps))
        status = lim_checkpoint_lost(t->checkpoint, err);
    if (status == LIM_OK) {
        t->step = at[0];
        t->n_sum = at[1];
    }
    lim_st_free(f);
    return status;
}

/* The weights of a trained network of the same kind and size. */
static LimStatus
begin_from(LimSceneTrainer *t, LimError *err)
{
    LimModelFile *f = lim_modelfile_open(t->p.from, err);
    if (!f)
        return err->code;
    LimSceneNetParams p;
    LimStatus status =
        lim_modelfile_params(f, lim_scene_net_kinds[t->klass->kind], lim_scene_net_schema, &p, err);
    if (status == LIM_OK && memcmp(&p, &t->p.model, sizeof p) != 0)
        status = lim_fail(err, LIM_E_PARAM,
                          "%s has another backbone, width or number of classes; give the same "
                          "--backbone, --width and data",
                          t->p.from);
    if (status == LIM_OK)
        status = lim_store_read(t->store, f->st, "", err);
    lim_modelfile_free(f);
    return status;
}

/* ---- life -------------------------------------------------------------------------------------
 */

static void
trainer_free(LimTask *task)
{
    LimSceneTrainer *t = (LimSceneTrainer *)task;
    if (t->klass->clear)
        t->klass->clear(t);
    lim_step_plan_clear(&t->plan);
    lim_optim_free(t->optim);
    lim_store_free(t->store);
    json_decref(t->measured);
    free(t->checkpoint);
    free(t->x);
    free(t->noise);
    free(t->mask);
    free(t->scene);
    free(t);
}

static const LimTaskClass trainer_class = {"train for scenes", trainer_step, NULL, trainer_free};

LimTask *
lim_scene_trainer_new(LimSceneNetKind kind, const LimSceneTraining *p, const LimScenes *scenes,
                      const char *checkpoint, LimTrainLog log, const LimExec *exec, LimError *err)
{
    LimError local = LIM_ERROR_INIT;
    if (!err)
        err = &local;
    if (lim_params_check(lim_scene_training_schema, p, err) != LIM_OK ||
        lim_params_check(lim_scene_net_schema, &p->model, err) != LIM_OK)
        return NULL;
    if (p->model.classes != lim_scenes_classes(scenes)) {
        lim_fail(err, LIM_E_PARAM, "the scenes have %d classes, the network %d; set --classes",
                 lim_scenes_classes(scenes), p->model.classes);
        return NULL;
    }
    LIM_ASSERT(p->scenes.size == lim_scenes_size(scenes));
    LimSceneTrainer *t = lim_alloc(1, sizeof *t);
    t->base.klass = &trainer_class;
    t->klass = classes[kind];
    t->p = *p;
    t->scenes = scenes;
    t->log = log;
    t->momentum = 0.1f;
    t->checkpoint = checkpoint ? lim_strdup(checkpoint) : NULL;
    t->store = lim_store_new(p->seed);
    const size_t n = (size_t)p->batch, area = (size_t)p->scenes.size * (size_t)p->scenes.size;
    t->x = lim_alloc(n * 3 * area, sizeof *t->x);
    if (p->noise > 0)
        t->noise = lim_alloc(n * 3 * area, sizeof *t->noise);
    t->mask = lim_alloc(n * area, sizeof *t->mask);
    t->scene = lim_alloc(n, sizeof *t->scene);
    if (t->klass->plan(t, exec, err) == LIM_OK) {
        t->optim = lim_step_plan_optim(&t->plan);
        if (checkpoint && access(checkpoint, F_OK) == 0)
            resume(t, err);
        else if (*p->from)
            begin_from(t, err);
    }
    if (err->code != LIM_OK) {
        trainer_free(&t->base);
        return NULL;
    }
    return &t->base;
}

LimStatus
lim_scene_trainer_save(LimTask *task, const char *path, const char *command, json_t *measured,
                       LimError *err)
{
    LimSceneTrainer *t = (LimSceneTrainer *)task;
    json_t *made = lim_params_to_json(lim_scene_training_schema, &t->p);
    json_object_set_new(made, "scenes", lim_params_to_json(lim_scene_schema, &t->p.scenes));
    json_object_set_new(made, "steps", json_integer(t->step));
    json_object_update(made, measured);
    json_decref(t->measured);
    t->measured = measured;
    return lim_train_save(path,
                          &(LimTrained){.model = lim_scene_net_kinds[t->klass->kind],
                                        .schema = lim_scene_net_schema,
                                        .params = &t->p.model,
                                        .data = lim_scenes_naming(t->scenes),
                                        .made = made,
                                        .command = command},
                          t->store, true, err);
}

json_t *
lim_scene_trainer_measured(const LimTask *t)
{
    return ((const LimSceneTrainer *)t)->measured;
}

LimSceneNetKind
lim_scene_trainer_kind(const LimTask *t)
{
    return ((const LimSceneTrainer *)t)->klass->kind;
}

int64_t
lim_scene_trainer_steps(const LimTask *t)
{
    return ((const LimSceneTrainer *)t)->step;
}

LimStore *
lim_scene_trainer_store(LimTask *t)
{
    return ((LimSceneTrainer *)t)->store;
}
