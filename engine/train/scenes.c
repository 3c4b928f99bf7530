/* The trainer of segmenters and detectors. */
#include "train/scenes.h"

#include "base/rng.h"
#include "models/modelfile.h"
#include "train/scenes-private.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static LimStatus
fill(LimSupervised *s, const LimExec *exec, LimError *err)
{
    LimSceneTrainer *t = (LimSceneTrainer *)s;
    DrawJob job = {t, (uint64_t)s->step * (uint64_t)t->p.batch};
    lim_pool_for(exec->pool, t->p.batch, draw_one, &job);
    return t->klass->prepare ? t->klass->prepare(t, exec, err) : LIM_OK;
}

static LimOptimParams
rule(const LimSupervised *s)
{
    const double warm = 0.02 * s->steps, at = s->step + 1;
    const double part = at < warm ? at / warm : 0.5 * (1 + cos(M_PI * s->step / s->steps));
    return (LimOptimParams){.kind = LIM_OPTIM_ADAM,
                            .lr = ((const LimSceneTrainer *)s)->p.lr * part,
                            .beta1 = 0.9,
                            .beta2 = 0.999,
                            .eps = 1e-8};
}

/* ---- where to begin ---------------------------------------------------------------------------
 */

/* Network and scenes have a schema each; a checkpoint takes one for both. */
static void
join_schemas(LimParamSpec *all)
{
    LimParamSpec *scenes = all + LIM_SCENE_NET_SPECS;
    LIM_ASSERT(!lim_scene_net_schema[LIM_SCENE_NET_SPECS].name);
    LIM_ASSERT(!lim_scene_schema[LIM_SCENE_SPECS].name);
    memcpy(all, lim_scene_net_schema, LIM_SCENE_NET_SPECS * sizeof *all);
    memcpy(scenes, lim_scene_schema, (LIM_SCENE_SPECS + 1) * sizeof *all);
    for (int i = 0; i < LIM_SCENE_NET_SPECS; i++)
        all[i].offset += offsetof(LimSceneTraining, model);
    for (int i = 0; i < LIM_SCENE_SPECS; i++)
        scenes[i].offset += offsetof(LimSceneTraining, scenes);
}

/* What must not differ between the run that wrote a checkpoint and the one that resumes. */
static void
identify(LimSceneTrainer *t)
{
    t->same = t->p;
    t->same.checkpoint_every = 0;
    join_schemas(t->setting);
    t->base.identity = (LimCheckpoint){.kind = lim_scene_net_kinds[t->klass->kind],
                                       .training = t->klass->training,
                                       .schema = lim_scene_training_schema,
                                       .params = &t->same,
                                       .model_schema = t->setting,
                                       .model = &t->same};
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
        status = lim_store_read(t->base.store, f->st, "", err);
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
    lim_supervised_clear(&t->base);
    json_decref(t->measured);
    free(t->x);
    free(t->noise);
    free(t->mask);
    free(t->scene);
    free(t);
}

static const LimSupervisedClass trainer_class = {.task = {"train for scenes", lim_supervised_step,
                                                          NULL, trainer_free},
                                                 .fill = fill,
                                                 .rule = rule};

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
    lim_supervised_init(&t->base, &trainer_class, p->seed, checkpoint, log);
    t->klass = classes[kind];
    t->p = *p;
    t->scenes = scenes;
    t->base.batch = p->batch;
    t->base.steps = p->steps;
    t->base.checkpoint_every = p->checkpoint_every;
    t->base.losses = t->klass->losses;
    t->base.sums = LIM_SUPERVISED_LOSSES;
    memcpy(t->base.loss_name, t->klass->loss_name, sizeof t->base.loss_name);
    const size_t n = (size_t)p->batch, area = (size_t)p->scenes.size * (size_t)p->scenes.size;
    t->x = lim_alloc(n * 3 * area, sizeof *t->x);
    if (p->noise > 0)
        t->noise = lim_alloc(n * 3 * area, sizeof *t->noise);
    t->mask = lim_alloc(n * area, sizeof *t->mask);
    t->scene = lim_alloc(n, sizeof *t->scene);
    identify(t);
    if (t->klass->plan(t, exec, err) == LIM_OK &&
        (!*p->from || lim_supervised_resumes(&t->base) || begin_from(t, err) == LIM_OK))
        lim_supervised_begin(&t->base, err);
    if (err->code != LIM_OK) {
        trainer_free(&t->base.base);
        return NULL;
    }
    return &t->base.base;
}

LimStatus
lim_scene_trainer_save(LimTask *task, const char *path, const char *command, json_t *measured,
                       LimError *err)
{
    LimSceneTrainer *t = (LimSceneTrainer *)task;
    json_t *made = lim_params_to_json(lim_scene_training_schema, &t->p);
    json_object_set_new(made, "scenes", lim_params_to_json(lim_scene_schema, &t->p.scenes));
    json_object_set_new(made, "steps", json_integer(t->base.step));
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
                          t->base.store, true, err);
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
