/* Pictures for universal perturbations, and one that is made under a progress bar. */
#include "universal-run.h"

#include <unistd.h>

#define CHECKPOINT_SECONDS 2

LimStatus
cli_universal_sets(CliRun *run, LimPredictor *model, int first, int pictures, int unseen,
                   CliUniversalSets *out, LimError *err)
{
    LimError no_train = LIM_ERROR_INIT, none = LIM_ERROR_INIT;
    LimDataset *train = lim_dataset_open(cli_data(run), "train", &no_train), *test = NULL;
    LimStatus status = LIM_OK;
    *out = (CliUniversalSets){.data = ""};
    if (train)
        test = lim_dataset_open(cli_data(run), "test", err);
    else if (cli_data(run))
        test = lim_dataset_open(cli_data(run), "sample", &none);
    if (!test) {
        if (!train)
            *err = no_train;
        status = err->code;
    } else {
        snprintf(out->data, sizeof out->data, "%s", test->name);
        status = cli_pictures_load(run, &out->x, model, train ? train : test, first, pictures,
                                   false, err);
    }
    if (status == LIM_OK && unseen > 0)
        status = cli_pictures_load(run, &out->unseen, model, test, train ? 0 : first + pictures,
                                   unseen, false, err);
    lim_dataset_free(train);
    lim_dataset_free(test);
    if (status != LIM_OK)
        cli_universal_sets_clear(out);
    return status;
}

void
cli_universal_sets_clear(CliUniversalSets *s)
{
    cli_pictures_clear(&s->x);
    cli_pictures_clear(&s->unseen);
}

LimStatus
cli_universal_noise(CliRun *run, LimVictim *victim, const CliPictures *unseen, const int32_t *own,
                    const float *v, LimNorm norm, double xi, double *ratio, LimError *err)
{
    const LimUniversalNoise in = {.victim = victim,
                                  .n = unseen->n,
                                  .image = unseen->image,
                                  .own = own,
                                  .v = v,
                                  .norm = norm,
                                  .xi = xi,
                                  .seed = 1};
    LimTask *task = lim_universal_noise_new(&in);
    const LimStep step = cli_run_task(run, task, err);
    *ratio = lim_universal_noise_ratio(task);
    lim_task_free(task);
    return step == LIM_STEP_DONE ? LIM_OK : err->code;
}

/* Steps to the end; checkpoints on the way. */
static LimStep
run_to_end(CliRun *run, LimUniversal *u, const char *checkpoint, LimError *err)
{
    CliProgress bar;
    LimProgress now = {.fraction = -1};
    LimStep step;
    double last = cli_seconds();
    cli_progress_init(&bar, cli_talk(run), &run->cancel);
    do {
        step = lim_task_step(lim_universal_task(u), &run->exec, &now, err);
        if (checkpoint && step == LIM_STEP_MORE && cli_seconds() > last + CHECKPOINT_SECONDS) {
            if (lim_universal_checkpoint(u, checkpoint, err) != LIM_OK)
                step = LIM_STEP_FAILED;
            last = cli_seconds();
        }
        if (step == LIM_STEP_MORE && lim_cancelled(run->exec.cancel)) {
            lim_fail(err, LIM_CANCELLED, "stopped");
            step = LIM_STEP_FAILED;
        }
        if (step == LIM_STEP_MORE)
            cli_progress_show(&bar, &now);
    } while (step == LIM_STEP_MORE);
    cli_progress_end(&bar);
    return step;
}

LimUniversal *
cli_make_universal(CliRun *run, const LimUniversalParams *p, LimPredictor *model, LimVictim *victim,
                   const CliUniversalSets *sets, int n, const char *checkpoint, LimError *err)
{
    const LimUniversalInput in = {.victim = victim,
                                  .identity = lim_predictor_hash(model),
                                  .n = n,
                                  .image = sets->x.image,
                                  .n_unseen = sets->unseen.n,
                                  .unseen = sets->unseen.image};
    LimUniversal *u = lim_universal_new(p, &in, err);
    if (!u)
        return NULL;
    if (checkpoint && access(checkpoint, F_OK) == 0 &&
        lim_universal_resume(u, checkpoint, err) != LIM_OK) {
        lim_task_free(lim_universal_task(u));
        return NULL;
    }
    LimError ended = LIM_ERROR_INIT;
    const LimStep step = run_to_end(run, u, checkpoint, &ended);
    LimError failed = LIM_ERROR_INIT;
    if (checkpoint && (step == LIM_STEP_DONE || ended.code == LIM_CANCELLED))
        lim_universal_checkpoint(u, checkpoint, &failed);
    if (failed.code != LIM_OK)
        *err = failed;
    else if (ended.code == LIM_CANCELLED)
        lim_fail(err, LIM_CANCELLED, "stopped; the best so far was kept%s.",
                 checkpoint ? ", and the same command goes on" : "");
    else if (step != LIM_STEP_DONE)
        *err = ended;
    if (err->code != LIM_OK && err->code != LIM_CANCELLED) {
        lim_task_free(lim_universal_task(u));
        return NULL;
    }
    return u;
}
