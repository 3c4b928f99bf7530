/* Pictures for attacks, and attacks that end early without losing what they found. */
#include "attack-run.h"

#include <math.h>
#include <stdlib.h>

void
cli_pictures_init(CliPictures *p, int n, size_t size)
{
    *p = (CliPictures){.n = n, .size = size};
    p->image = lim_alloc((size_t)n * size, sizeof *p->image);
    p->label = lim_alloc((size_t)n, sizeof *p->label);
    p->index = lim_alloc((size_t)n, sizeof *p->index);
}

void
cli_pictures_clear(CliPictures *p)
{
    free(p->image);
    free(p->label);
    free(p->index);
    *p = (CliPictures){0};
}

/* Takes the picture i of d into place k; true when the model has it right (or nobody asks). */
static LimStatus
take(CliRun *run, CliPictures *p, LimPredictor *model, const LimDataset *d, uint32_t i, int k,
     bool only_right, bool *taken, LimError *err)
{
    float *x = p->image + (size_t)k * p->size;
    const int classes = lim_predictor_classes(model);
    LimStatus status = LIM_OK;
    lim_dataset_batch(d, &i, 1, lim_predictor_image_shape(model).d[1], x, &p->label[k]);
    *taken = true;
    if (only_right) {
        float *z = lim_alloc((size_t)classes, sizeof *z);
        status = lim_predictor_run(model, &run->exec, x, 1, z, NULL, err);
        for (int c = 0; c < classes; c++)
            *taken &= c == p->label[k] || z[c] < z[p->label[k]];
        free(z);
    }
    for (size_t j = 0; j < p->size; j++)
        x[j] = roundf(127.5f * (x[j] + 1)) / 255; /* the byte that it was, on the scale 0 .. 1 */
    p->index[k] = i;
    return status;
}

LimStatus
cli_pictures_load(CliRun *run, CliPictures *p, LimPredictor *model, const LimDataset *d, int first,
                  int count, bool only_right, LimError *err)
{
    const LimShape s = lim_predictor_image_shape(model);
    if (d->c != s.d[0] || d->h > s.d[1] || d->w > s.d[2] ||
        d->classes != lim_predictor_classes(model))
        return lim_fail(err, LIM_E_SHAPE,
                        "the model knows %d classes of %dx%dx%d pictures; the data has %d of "
                        "%dx%dx%d.",
                        lim_predictor_classes(model), s.d[0], s.d[1], s.d[2], d->classes, d->c,
                        d->h, d->w);
    cli_pictures_init(p, count, (size_t)lim_shape_size(s));
    int n = 0;
    LimStatus status = LIM_OK;
    for (int i = first; i < d->n && n < count && status == LIM_OK; i++) {
        bool taken;
        status = take(run, p, model, d, (uint32_t)i, n, only_right, &taken, err);
        n += taken;
    }
    if (status == LIM_OK && n < count)
        status = lim_fail(err, LIM_E_PARAM,
                          "the data has only %d%s pictures from number %d on; give a smaller --%s.",
                          n, only_right ? " rightly classified" : "", first,
                          only_right ? "pictures" : "count");
    if (status != LIM_OK)
        cli_pictures_clear(p);
    return status;
}

int32_t *
cli_next_labels(const CliPictures *p, int classes)
{
    int32_t *target = lim_alloc((size_t)p->n, sizeof *target);
    for (int i = 0; i < p->n; i++)
        target[i] = (p->label[i] + 1) % classes;
    return target;
}

LimAttack *
cli_run_attack(CliRun *run, const LimAttackClass *klass, const void *params,
               const LimAttackInput *in, LimVictim *victim, CliWatch watch, void *ctx,
               LimError *err)
{
    LimAttack *a = lim_attack_new(klass, params, in, victim, err);
    if (!a)
        return NULL;
    LimExec exec = run->exec;
    LimError stopped = LIM_ERROR_INIT;
    LimProgress now = {.fraction = -1};
    int64_t recalled = victim->recalled;
    CliProgress bar;
    LimStep step;
    cli_progress_init(&bar, cli_talk(run), &run->cancel);
    do {
        LimError failed = LIM_ERROR_INIT;
        step = lim_task_step(lim_attack_task(a), &exec, &now, &failed);
        if (step == LIM_STEP_FAILED && failed.code == LIM_CANCELLED && exec.cancel) {
            lim_fail(&stopped, LIM_CANCELLED, "stopped; the best so far was kept.");
            lim_attack_stop(a);
            exec.cancel = NULL; /* the last questions are asked all the same */
            step = LIM_STEP_MORE;
        } else if (step == LIM_STEP_FAILED) {
            *err = failed;
        }
        if (watch)
            watch(ctx, a);
        if (victim->recalled > recalled)
            cli_progress_time_anew(&bar);
        recalled = victim->recalled;
        if (step == LIM_STEP_MORE)
            cli_progress_show(&bar, &now);
    } while (step == LIM_STEP_MORE);
    cli_progress_end(&bar);
    if (step == LIM_STEP_FAILED) {
        lim_task_free(lim_attack_task(a));
        return NULL;
    }
    if (stopped.code != LIM_OK)
        *err = stopped;
    return a;
}
