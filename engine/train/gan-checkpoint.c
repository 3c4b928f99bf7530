/* Checkpoints of the GAN trainer: both networks, the average, both optimisers, the position, and
 * the sums of the log line under way. */
#include "train/checkpoint.h"
#include "train/gan-private.h"

#include <math.h>
#include <string.h>

/* Everything that must not differ between the run that wrote a checkpoint and the one that resumes:
 * the settings without the total number of iterations (unless the rates depend on it). */
static LimCheckpoint
identity(const GanTrainer *t, LimGanTraining *same)
{
    *same = t->p;
    if (same->lr_decay_from >= 1)
        same->iterations = 1;
    same->checkpoint_every = same->log_every = 1;
    same->held_out = false;
    same->spectra_every = 0;
    same->stop_on_collapse = true;
    same->standing_passes = 100;
    same->standing_threshold = 0;
    return (LimCheckpoint){.kind = "gan",
                           .training = "a GAN training",
                           .schema = lim_gan_training_schema,
                           .params = same,
                           .model_schema = lim_biggan_schema,
                           .model = &same->model};
}

LimStatus
lim_gan_trainer_checkpoint(LimTask *task, LimError *err)
{
    GanTrainer *t = (GanTrainer *)task;
    LimGanTraining same;
    const LimCheckpoint c = identity(t, &same);
    LimStWriter *w = lim_checkpoint_writer(&c);
    lim_store_write(t->g, w, "g.", false);
    lim_store_write(t->d, w, "d.", false);
    lim_store_write(t->ema, w, "ema.", false);
    lim_optim_write(t->g_optim, w, "g_optim.");
    lim_optim_write(t->d_optim, w, "d_optim.");
    const int32_t at[2] = {t->iteration, t->phase};
    lim_st_writer_add(w, "position", LIM_I32, LIM_SHAPE1(2), at, false);
    const double sums[6] = {t->sum_d, t->sum_g, t->sum_real, t->sum_fake, t->n_d, t->n_g};
    lim_st_writer_add(w, "log_sums", LIM_F64, LIM_SHAPE1(6), sums, false);
    const double more[3] = {t->sum_r1, t->sum_seen, t->watch.variety};
    lim_st_writer_add(w, "log_more", LIM_F64, LIM_SHAPE1(3), more, false);
    if (t->g_spectra)
        lim_spectra_write(t->g_spectra, w, "g_spectra.");
    if (t->d_spectra)
        lim_spectra_write(t->d_spectra, w, "d_spectra.");
    if (t->p.accumulate > 1) {
        lim_st_writer_add(w, "part", LIM_I32, LIM_SHAPE1(1), &t->part, false);
        lim_step_plan_write(&t->g_plan, w, "g_sum.");
        lim_step_plan_write(&t->d_plan, w, "d_sum.");
    }
    LimStatus status = lim_st_writer_finish(w, t->checkpoint, err);
    if (status == LIM_OK)
        t->watch.good = t->iteration;
    return status;
}

static bool
holds_under(const LimStFile *f, const char *prefix)
{
    for (size_t i = 0; i < lim_st_count(f); i++)
        if (strncmp(lim_st_name(f, i), prefix, strlen(prefix)) == 0)
            return true;
    return false;
}

/* The last two sums are the numbers of steps that the others are over. */
static bool
sane_sums(const double sums[6], const double more[3])
{
    bool all = isfinite(more[0]) && isfinite(more[1]);
    for (int i = 0; i < 6; i++)
        all &= isfinite(sums[i]);
    return all && sums[4] >= 0 && sums[4] < 1e9 && sums[5] >= 0 && sums[5] < 1e9;
}

LimStatus
gan_resume(GanTrainer *t, LimError *err)
{
    LimGanTraining same;
    const LimCheckpoint c = identity(t, &same);
    LimStFile *f = lim_checkpoint_open(&c, t->checkpoint, err);
    if (!f)
        return err->code;
    struct {
        LimStore *store;
        const char *prefix;
    } stores[] = {{t->g, "g."}, {t->d, "d."}, {t->ema, "ema."}};
    int32_t at[2], part = 0;
    double sums[6], more[3] = {0, 0, (double)NAN};
    LimStatus status = LIM_OK;
    for (int i = 0; i < 3 && status == LIM_OK; i++)
        status = lim_store_read(stores[i].store, f, stores[i].prefix, err);
    if (status == LIM_OK)
        status = lim_optim_read(t->g_optim, f, "g_optim.", err);
    if (status == LIM_OK)
        status = lim_optim_read(t->d_optim, f, "d_optim.", err);
    if (status == LIM_OK)
        status = lim_checkpoint_numbers(f, t->checkpoint, "position", LIM_I32, 2, at, err);
    if (status == LIM_OK)
        status = lim_checkpoint_numbers(f, t->checkpoint, "log_sums", LIM_F64, 6, sums, err);
    /* what only the log and the instruments need may be missing: an older program wrote the file,
     * or one that did not look */
    if (status == LIM_OK && holds_under(f, "log_more"))
        status = lim_checkpoint_numbers(f, t->checkpoint, "log_more", LIM_F64, 3, more, err);
    if (status == LIM_OK && t->g_spectra && (t->p.clamp > 0 || holds_under(f, "g_spectra.")))
        status = lim_spectra_read(t->g_spectra, f, "g_spectra.", err);
    if (status == LIM_OK && t->d_spectra && holds_under(f, "d_spectra."))
        status = lim_spectra_read(t->d_spectra, f, "d_spectra.", err);
    if (t->p.accumulate > 1) {
        if (status == LIM_OK)
            status = lim_checkpoint_numbers(f, t->checkpoint, "part", LIM_I32, 1, &part, err);
        if (status == LIM_OK)
            status = lim_step_plan_read(&t->g_plan, f, "g_sum.", err);
        if (status == LIM_OK)
            status = lim_step_plan_read(&t->d_plan, f, "d_sum.", err);
    }
    if (status == LIM_OK && (at[0] < 0 || at[1] < 0 || at[1] > t->p.d_steps || part < 0 ||
                             part >= t->p.accumulate || !sane_sums(sums, more)))
        status = lim_checkpoint_lost(t->checkpoint, err);
    if (status == LIM_OK) {
        t->iteration = at[0];
        t->phase = at[1];
        t->part = part;
        t->sum_d = sums[0];
        t->sum_g = sums[1];
        t->sum_real = sums[2];
        t->sum_fake = sums[3];
        t->n_d = (int)sums[4];
        t->n_g = (int)sums[5];
        t->sum_r1 = more[0];
        t->sum_seen = more[1];
        t->watch.variety = more[2];
        t->watch.good = t->iteration;
    }
    lim_st_free(f);
    return status;
}
