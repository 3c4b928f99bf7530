/* Trainer of the denoisers (Liao et al. 2018): a frozen classifier f guides a network that takes
 * the adversarial picture x* to a restored one x^. A stepper: one step is one batch of pairs (x,
 * x*).
 *
 *   pgd  pixel guided     mean |x^ - x|
 *   fgd  feature guided   mean |f_-2(x^) - f_-2(x)|, the activations of the last convolution
 *   lgd  logits guided    mean |f_-1(x^) - f_-1(x)|
 *   cgd  class guided     cross-entropy of f(x^) with the label; the only one that needs labels
 *
 * The classifier sees x and x^ with the same weights and running statistics and is never changed;
 * the denoiser's batch norm uses batch statistics. Adam; the learning rate falls to a tenth at 60 %
 * of the steps and to a hundredth at 90 %, as in the authors' code. Where the adversarial pictures
 * come from is the caller's business (LimPairSource), for attacks lie in a layer above this one. */
#pragma once

#include "models/denoiser.h"
#include "models/predictor.h"
#include "train/supervised.h"

typedef enum LimDenoiserLoss {
    LIM_DENOISER_PGD,
    LIM_DENOISER_FGD,
    LIM_DENOISER_LGD,
    LIM_DENOISER_CGD
} LimDenoiserLoss;

/* Makes the adversarial half of the pairs. */
typedef struct LimPairSource {
    /* adversarial [n][c][32][32] of clean (the same shape, in [-1,1]) with their labels [n]. The
     * pairs are number first .. first + n of the training, and a function of that number, the
     * clean pictures and identity only. */
    LimStatus (*fill)(void *ctx, const LimExec *exec, const float *clean, const int32_t *label,
                      int n, uint64_t first, float *adversarial, LimError *err);
    void *ctx;
    uint64_t identity;       /* of everything that the pairs depend on */
    const char *description; /* of the same as a JSON object, for the model file; borrowed */
} LimPairSource;

typedef struct LimDenoiserTraining {
    LimDenoiserParams model;
    uint64_t seed;
    int loss; /* LimDenoiserLoss */
    char classifier[LIM_TEXT_MAX];
    char classes[LIM_TEXT_MAX]; /* lim_dataset_of_classes(): train on these only */
    int epochs, batch;
    double lr;
    bool flip;            /* mirror half of the pictures, x and x* alike */
    int checkpoint_every; /* steps; 0: only at the end */
} LimDenoiserTraining;

extern const LimParamSpec lim_denoiser_training_schema[];

/* The loss [1] of restored against clean, both [n][c][32][32] in [-1,1]; label int [n], for CGD. */
LimVal lim_denoiser_loss(LimGraph *g, LimDenoiserLoss loss, LimPredictor *guide, LimVal restored,
                         LimVal clean, LimVal label);

/* train, test and what the source points to are borrowed. checkpoint: path of the checkpoint,
 * resumed from when it exists (then its settings must equal p's, and classifier and source be the
 * same); NULL: none. */
LimTask *lim_denoiser_trainer_new(const LimDenoiserTraining *p, const LimPairSource *source,
                                  const LimDataset *train, const LimDataset *test,
                                  const char *checkpoint, LimTrainLog log, const LimExec *exec,
                                  LimError *err);

/* What the guiding classifier gets right, as fractions of the first test pictures (at most 1024)
 * and their adversarial ones, before and after denoising; and mean |x* - x|, |x^ - x| in [0,1]. */
typedef struct LimDenoiserMeasure {
    int pictures;
    double clean, adversarial, clean_denoised, adversarial_denoised;
    double distance, distance_denoised;
} LimDenoiserMeasure;
LimStatus lim_denoiser_trainer_measure(LimTask *t, const LimExec *exec, LimDenoiserMeasure *m,
                                       LimError *err);
/* After the last step (or at any time): measures and writes the model file (float16). */
LimStatus lim_denoiser_trainer_save(LimTask *t, const char *path, const char *command,
                                    const LimExec *exec, LimError *err);
