/* Trainer of the 32-pixel BigGAN: hinge loss, Adam with two learning rates, d_steps discriminator
 * steps per generator step, exponential moving average of the generator (Brock et al. 2019, section
 * 3; Zhang et al. 2019, section 4). A stepper: one step is one sub-step (a D step or the G step),
 * so that a cancelled training stops between updates and continues exactly. */
#pragma once

#include "models/biggan.h"
#include "train/trainer.h"

typedef struct LimGanTraining {
    LimBigganParams model;
    uint64_t seed;
    int iterations; /* generator steps */
    int batch;
    int d_steps;
    double g_lr, d_lr, beta1, beta2, adam_eps;
    int accumulate; /* batches whose mean gradient makes one step */
    double ema_decay;
    int ema_start;        /* iterations before which the average is a copy */
    double ortho;         /* beta of the generator's orthogonal regularisation; 0: off */
    double r1;            /* gamma of the gradient penalty on the discriminator; 0: off */
    double clamp;         /* largest singular value of the generator's weights; 0: free */
    double lr_decay_from; /* fraction of the iterations after which both rates fall linearly to 0;
                             1: never */
    bool flip;
    int checkpoint_every; /* iterations */
    int log_every;
    bool held_out;     /* log the score of pictures that are not trained on */
    int spectra_every; /* iterations between looks at the singular values; 0: never */
    bool stop_on_collapse;
    int standing_passes;       /* of 64 samples, before saving */
    double standing_threshold; /* truncation they are under; 0: none */
} LimGanTraining;

extern const LimParamSpec lim_gan_training_schema[];

/* held_out: pictures of the same kind that are not trained on, for the setting of that name; NULL:
 * none, and the setting must be off.
 *
 * The log has a line per log_every iterations (means since the line before: the losses and scores;
 * "variety": the spread of samples within a class over that of real pictures, once; with held_out
 * the shares of real and held-out pictures that D takes for real, "d_real_share",
 * "d_held_out_share", and the latter's mean score "d_held_out"; "r1"; "symptom"), and one per
 * spectra_every iterations
 * ("singular_values": {"g": {weight: [s0, s1, s2]}, "d": {...}}).
 *
 * A loss that is not a number ends the training with LIM_E_NUMERIC, and so do symptoms of collapse
 * that last, with stop_on_collapse; no checkpoint is written over the last good one meanwhile. */
LimTask *lim_gan_trainer_new(const LimGanTraining *p, const LimDataset *train,
                             const LimDataset *held_out, const char *checkpoint, LimTrainLog log,
                             const LimExec *exec, LimError *err);
LimStatus lim_gan_trainer_checkpoint(LimTask *t, LimError *err);
/* A task that writes the averaged generator with standing statistics (below) as float16 or float32.
 * The trainer is borrowed and must stay where it is meanwhile. */
LimTask *lim_gan_save_new(LimTask *trainer, const char *path, const char *command, bool as_f16,
                          const LimExec *exec, LimError *err);
int64_t lim_gan_trainer_iterations(const LimTask *t); /* finished so far */
LimStore *lim_gan_trainer_generator(LimTask *t);      /* borrowed: the raw generator */
LimStore *lim_gan_trainer_discriminator(LimTask *t);  /* borrowed */

/* Standing statistics (Brock et al. 2019, appendix B): a task of `passes` forward passes, each of
 * 64 fresh latents under the threshold (0: untruncated) in training mode; the batch means and
 * variances are averaged into the running ones. */
LimTask *lim_gan_standing_new(LimStore *generator, const LimBigganParams *p, int passes,
                              double threshold, uint64_t seed, const LimExec *exec, LimError *err);
