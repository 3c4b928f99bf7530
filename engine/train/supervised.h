/* Supervised training of one network: what the trainers of classifiers, denoisers, segmenters and
 * detectors have in common. (A GAN's two networks are trained in another way.)
 *
 * A step fills the batch, runs the plan and updates the network. Every 20 steps the means of the
 * losses make a line of the log; where it is due, all that the next step depends on goes into the
 * checkpoint. A training begins where its checkpoint ends, and refuses one of other settings.
 *
 * A trainer has LimSupervised as its first member and says in a LimSupervisedClass what it does
 * itself. */
#pragma once

#include "train/checkpoint.h"
#include "train/network.h"
#include "train/trainer.h"

#define LIM_SUPERVISED_LOSSES 4

typedef struct LimSupervised LimSupervised;

typedef struct LimSupervisedClass {
    LimTaskClass task; /* its step is lim_supervised_step() */
    /* Fills what the plan of the step is bound to. */
    LimStatus (*fill)(LimSupervised *s, const LimExec *exec, LimError *err);
    /* The optimiser's settings in this step. */
    LimOptimParams (*rule)(const LimSupervised *s);
    /* Optional: how many of the batch the network had right, before the update. */
    int (*right)(const LimSupervised *s);
    /* Optional: what else the checkpoint holds (the writer borrows it), and whether it may be
     * resumed from. */
    void (*write)(const LimSupervised *s, LimStWriter *w);
    LimStatus (*read)(LimSupervised *s, const LimStFile *f, LimError *err);
} LimSupervisedClass;

struct LimSupervised {
    LimTask base;
    const LimSupervisedClass *klass;
    /* what the trainer sets between init and begin */
    int32_t steps, per_epoch; /* all of them; those of an epoch, or 0 */
    int batch;
    int checkpoint_every;   /* steps; 0: only at the end */
    LimCheckpoint identity; /* what a checkpoint must agree with; borrowed from the trainer */
    LimStepPlan plan;
    int losses,
        sums; /* kept by the plan; numbers in the checkpoint for their sums, as many or more */
    LimVal loss[LIM_SUPERVISED_LOSSES];
    const char *loss_name[LIM_SUPERVISED_LOSSES]; /* in the log */
    /* the training */
    LimStore *store;
    LimOptim *optim;
    float momentum; /* of batch norm's running statistics, for the plan to be bound to */
    char *checkpoint;
    LimTrainLog log;
    int32_t step; /* done */
    /* since the last line of the log */
    double sum[LIM_SUPERVISED_LOSSES];
    int32_t n_sum, n_right;
};

/* checkpoint: a path, or NULL. */
void lim_supervised_init(LimSupervised *s, const LimSupervisedClass *klass, uint64_t seed,
                         const char *checkpoint, LimTrainLog log);
/* Is there a checkpoint to begin with? */
bool lim_supervised_resumes(const LimSupervised *s);
/* Makes the optimiser, and takes up the checkpoint where there is one. */
LimStatus lim_supervised_begin(LimSupervised *s, LimError *err);
LimStep lim_supervised_step(LimTask *task, const LimExec *exec, LimProgress *progress,
                            LimError *err);
void lim_supervised_clear(LimSupervised *s);

/* Of any such trainer. */
LimStatus lim_supervised_checkpoint(LimTask *task, LimError *err);
int64_t lim_supervised_steps(const LimTask *task); /* done */
LimStore *lim_supervised_store(LimTask *task);     /* borrowed */
