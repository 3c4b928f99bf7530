/* Steps, log and checkpoints of supervised trainings. */
#include "train/supervised.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LOG_EVERY 20

/* ---- steps ------------------------------------------------------------------------------------
 */

static void
tell(const LimSupervised *s, double sum, LimProgress *progress)
{
    char epoch[32] = "";
    if (s->per_epoch)
        snprintf(epoch, sizeof epoch, ", epoch %d", s->step / s->per_epoch);
    progress->fraction = (double)s->step / s->steps;
    snprintf(progress->text, sizeof progress->text, "step %d of %d%s, loss %.4f", s->step, s->steps,
             epoch, sum / s->n_sum);
}

static void
log_line(LimSupervised *s, double lr)
{
    char line[320];
    const size_t size = sizeof line;
    int at = snprintf(line, size, "{\"step\": %d", s->step);
    for (int i = 0; i < s->losses; i++) {
        at += snprintf(line + at, size - (size_t)at, ", \"%s\": %.6g", s->loss_name[i],
                       s->sum[i] / s->n_sum);
        s->sum[i] = 0;
    }
    if (s->klass->right)
        at += snprintf(line + at, size - (size_t)at, ", \"train_accuracy\": %.6g",
                       (double)s->n_right / (s->n_sum * (double)s->batch));
    snprintf(line + at, size - (size_t)at, ", \"lr\": %.6g}", lr);
    s->log.line(s->log.ctx, line);
    s->n_sum = s->n_right = 0;
}

LimStep
lim_supervised_step(LimTask *task, const LimExec *exec, LimProgress *progress, LimError *err)
{
    LimSupervised *s = (LimSupervised *)task;
    if (s->step >= s->steps)
        return LIM_STEP_DONE;
    if (s->klass->fill(s, exec, err) != LIM_OK)
        return LIM_STEP_FAILED;
    const LimOptimParams o = s->klass->rule(s);
    if (lim_step_plan_run(&s->plan, s->optim, &o, exec, err) != LIM_OK)
        return LIM_STEP_FAILED;
    double sum = 0;
    for (int i = 0; i < s->losses; i++) {
        s->sum[i] += (double)*lim_plan_f32(s->plan.plan, s->loss[i]);
        sum += s->sum[i];
    }
    if (s->klass->right)
        s->n_right += s->klass->right(s);
    s->n_sum++;
    s->step++;
    if (!isfinite(sum)) {
        lim_fail(err, LIM_E_NUMERIC,
                 "the loss is no longer a number at step %d; lower the learning rate", s->step);
        return LIM_STEP_FAILED;
    }
    if (progress)
        tell(s, sum, progress);
    const bool done = s->step == s->steps;
    if (s->step % LOG_EVERY == 0 || done)
        log_line(s, o.lr);
    const bool due = s->checkpoint_every && s->step % s->checkpoint_every == 0;
    if (s->checkpoint && (due || done) && lim_supervised_checkpoint(task, err) != LIM_OK)
        return LIM_STEP_FAILED;
    return done ? LIM_STEP_DONE : LIM_STEP_MORE;
}

/* ---- checkpoints ------------------------------------------------------------------------------
 */

/* step, n_sum and, where the network is right or wrong, n_right */
static int
positions(const LimSupervised *s)
{
    return s->klass->right ? 3 : 2;
}

LimStatus
lim_supervised_checkpoint(LimTask *task, LimError *err)
{
    const LimSupervised *s = (LimSupervised *)task;
    LimStWriter *w = lim_checkpoint_writer(&s->identity);
    lim_store_write(s->store, w, "net.", false);
    lim_optim_write(s->optim, w, "optim.");
    const int32_t at[3] = {s->step, s->n_sum, s->n_right};
    lim_st_writer_add(w, "position", LIM_I32, LIM_SHAPE1(positions(s)), at, false);
    if (s->klass->write)
        s->klass->write(s, w);
    lim_st_writer_add(w, "log_sums", LIM_F64, LIM_SHAPE1(s->sums), s->sum, false);
    return lim_st_writer_finish(w, s->checkpoint, err);
}

static bool
sane(const LimSupervised *s, const int32_t at[3])
{
    bool all = at[0] >= 0 && at[0] <= s->steps && at[1] >= 0 && at[1] < LOG_EVERY && at[2] >= 0 &&
               at[2] <= at[1] * (int64_t)s->batch;
    for (int i = 0; i < s->sums; i++)
        all &= isfinite(s->sum[i]);
    return all;
}

static LimStatus
resume(LimSupervised *s, LimError *err)
{
    LimStFile *f = lim_checkpoint_open(&s->identity, s->checkpoint, err);
    if (!f)
        return err->code;
    int32_t at[3] = {0};
    LimStatus status = lim_store_read(s->store, f, "net.", err);
    if (status == LIM_OK)
        status = lim_optim_read(s->optim, f, "optim.", err);
    if (status == LIM_OK)
        status =
            lim_checkpoint_numbers(f, s->checkpoint, "position", LIM_I32, positions(s), at, err);
    if (status == LIM_OK && s->klass->read)
        status = s->klass->read(s, f, err);
    if (status == LIM_OK)
        status =
            lim_checkpoint_numbers(f, s->checkpoint, "log_sums", LIM_F64, s->sums, s->sum, err);
    if (status == LIM_OK && !sane(s, at))
        status = lim_checkpoint_lost(s->checkpoint, err);
    if (status == LIM_OK) {
        s->step = at[0];
        s->n_sum = at[1];
        s->n_right = at[2];
    }
    lim_st_free(f);
    return status;
}

/* ---- life -------------------------------------------------------------------------------------
 */

void
lim_supervised_init(LimSupervised *s, const LimSupervisedClass *klass, uint64_t seed,
                    const char *checkpoint, LimTrainLog log)
{
    *s = (LimSupervised){.base = {&klass->task},
                         .klass = klass,
                         .momentum = 0.1f,
                         .store = lim_store_new(seed),
                         .checkpoint = checkpoint ? lim_strdup(checkpoint) : NULL,
                         .log = log};
}

bool
lim_supervised_resumes(const LimSupervised *s)
{
    return s->checkpoint && access(s->checkpoint, F_OK) == 0;
}

LimStatus
lim_supervised_begin(LimSupervised *s, LimError *err)
{
    s->optim = lim_step_plan_optim(&s->plan);
    return lim_supervised_resumes(s) ? resume(s, err) : LIM_OK;
}

void
lim_supervised_clear(LimSupervised *s)
{
    lim_step_plan_clear(&s->plan);
    lim_optim_free(s->optim);
    lim_store_free(s->store);
    free(s->checkpoint);
}

int64_t
lim_supervised_steps(const LimTask *task)
{
    return ((const LimSupervised *)task)->step;
}

LimStore *
lim_supervised_store(LimTask *task)
{
    return ((LimSupervised *)task)->store;
}
