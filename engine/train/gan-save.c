/* From a training to a model file: standing statistics, then the averaged generator with them.
 *
 * The average of weights never saw a batch, so its batch norms have no statistics of their own; and
 * under a truncation threshold they would be others than untruncated ones. They are measured by
 * forward passes before saving, which takes a while: a stepper. */
#include "base/rng.h"
#include "train/gan-private.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 64 };

typedef struct Standing {
    LimTask base;
    LimStepPlan plan;
    int passes, done, latent, classes;
    double threshold;
    uint64_t seed;
    float *z, momentum;
    int32_t *label;
} Standing;

static void
draw(Standing *t)
{
    const uint64_t values = (uint64_t)BATCH * (uint64_t)t->latent;
    const uint64_t stream = lim_rng_stream(LIM_STREAM_LATENT, "standing", 0);
    const double low = t->threshold > 0 ? lim_normal_cdf(-t->threshold) : 0;
    for (uint64_t i = 0; i < values; i++) {
        float u;
        lim_rng_uniform(t->seed, stream, (uint64_t)t->done * values + i, &u, 1);
        t->z[i] = (float)lim_normal_quantile(low + ((double)u + 0x1p-25) * (1 - 2 * low));
    }
    for (int i = 0; i < BATCH; i++)
        t->label[i] = (t->done * BATCH + i) % t->classes;
}

static LimStep
standing_step(LimTask *task, const LimExec *exec, LimProgress *progress, LimError *err)
{
    Standing *t = (Standing *)task;
    if (t->done == t->passes)
        return LIM_STEP_DONE;
    draw(t);
    t->momentum = 1.0f / (float)(t->done + 1); /* the plain average of all passes */
    if (lim_plan_run(t->plan.plan, exec, err) != LIM_OK)
        return LIM_STEP_FAILED;
    lim_step_plan_update_buffers(&t->plan);
    t->done++;
    if (progress) {
        progress->fraction = (double)t->done / t->passes;
        snprintf(progress->text, sizeof progress->text, "standing statistics, pass %d of %d",
                 t->done, t->passes);
    }
    return t->done == t->passes ? LIM_STEP_DONE : LIM_STEP_MORE;
}

static void
standing_free(LimTask *task)
{
    Standing *t = (Standing *)task;
    lim_step_plan_clear(&t->plan);
    free(t->z);
    free(t->label);
    free(t);
}

static const LimTaskClass standing_class = {"standing statistics", standing_step, NULL,
                                            standing_free};

LimTask *
lim_gan_standing_new(LimStore *generator, const LimBigganParams *p, int passes, double threshold,
                     uint64_t seed, const LimExec *exec, LimError *err)
{
    Standing *t = lim_alloc(1, sizeof *t);
    t->base.klass = &standing_class;
    t->passes = passes;
    t->threshold = threshold;
    t->seed = seed;
    t->latent = p->latent;
    t->classes = p->classes;
    t->z = lim_alloc((size_t)BATCH * (size_t)p->latent, sizeof *t->z);
    t->label = lim_alloc(BATCH, sizeof *t->label);
    LimGraph *graph = lim_graph_new();
    LimBuild b;
    /* power iterations go on as well: more accurate norms, the same function */
    lim_build_init(&b, graph, generator, LIM_MODE_TRAIN);
    LimVal momentum = lim_graph_feed(graph, "momentum", LIM_F32, LIM_SHAPE1(1));
    b.bn_momentum = momentum;
    LimVal z = lim_graph_feed(graph, "z", LIM_F32, LIM_SHAPE2(BATCH, p->latent));
    LimVal label = lim_graph_feed(graph, "label", LIM_I32, LIM_SHAPE1(BATCH));
    lim_biggan_generator(&b, p, z, label, NULL);
    if (lim_step_plan_init(&t->plan, &b, LIM_NOVAL, NULL, 0, exec, err) != LIM_OK) {
        standing_free(&t->base);
        return NULL;
    }
    lim_plan_bind(t->plan.plan, momentum, &t->momentum);
    lim_plan_bind(t->plan.plan, z, t->z);
    lim_plan_bind(t->plan.plan, label, t->label);
    return &t->base;
}

/* ---- the model file --------------------------------------------------------------------------
 */

typedef struct Save {
    LimTask base;
    const GanTrainer *trainer;
    LimStore *average; /* a copy, with its own statistics */
    LimTask *standing;
    char *path, *command;
    bool as_f16;
} Save;

static LimStatus
write_model(const Save *s, LimError *err)
{
    const GanTrainer *t = s->trainer;
    json_t *made = lim_params_to_json(lim_gan_training_schema, &t->p);
    json_object_set_new(made, "iterations", json_integer(t->iteration));
    return lim_train_save(s->path,
                          &(LimTrained){.model = "biggan-generator",
                                        .schema = lim_biggan_schema,
                                        .params = &t->p.model,
                                        .data = t->data,
                                        .made = made,
                                        .command = s->command},
                          s->average, s->as_f16, err);
}

static LimStep
save_step(LimTask *task, const LimExec *exec, LimProgress *progress, LimError *err)
{
    Save *s = (Save *)task;
    LimStep step = lim_task_step(s->standing, exec, progress, err);
    if (step == LIM_STEP_DONE && write_model(s, err) != LIM_OK)
        return LIM_STEP_FAILED;
    return step;
}

static void
save_free(LimTask *task)
{
    Save *s = (Save *)task;
    lim_task_free(s->standing);
    lim_store_free(s->average);
    free(s->path);
    free(s->command);
    free(s);
}

static const LimTaskClass save_class = {"save gan", save_step, NULL, save_free};

LimTask *
lim_gan_save_new(LimTask *trainer, const char *path, const char *command, bool as_f16,
                 const LimExec *exec, LimError *err)
{
    Save *s = lim_alloc(1, sizeof *s);
    const GanTrainer *t = (const GanTrainer *)trainer;
    s->base.klass = &save_class;
    s->trainer = t;
    s->average = lim_store_dup(t->ema);
    s->path = lim_strdup(path);
    s->command = lim_strdup(command);
    s->as_f16 = as_f16;
    s->standing = lim_gan_standing_new(s->average, &t->p.model, t->p.standing_passes,
                                       t->p.standing_threshold, t->p.seed, exec, err);
    if (s->standing)
        return &s->base;
    save_free(&s->base);
    return NULL;
}
