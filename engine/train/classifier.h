/* Trainer of the classifiers: SGD with Nesterov momentum under a one-cycle learning rate, random
 * shifts and flips. A stepper: one step is one batch.
 *
 * Defensive distillation (Papernot et al. 2016): a teacher is trained on softmax(Z / T) of its
 * logits Z against the labels; a student of the same architecture on softmax(Z / T) against the
 * teacher's softmax(Z / T), for the very pictures (shifted, mirrored) that the student sees. Both
 * are used at T = 1, where their logits are about T times an ordinary network's. So that one
 * learning rate suits every T, the last layer's initial weights are T times the usual: Z / T then
 * starts as an ordinary network's logits. */
#pragma once

#include "models/classifier.h"
#include "train/supervised.h"

typedef struct LimClassifierTraining {
    LimClassifierParams model;
    uint64_t seed;
    int epochs, batch;
    double lr, weight_decay;
    double temperature;         /* T; 1: an ordinary training */
    char teacher[LIM_TEXT_MAX]; /* model file whose soft labels are learnt; "": the labels are */
    int shift;                  /* random shift of the picture, pixels */
    bool flip;                  /* random mirror image */
    int checkpoint_every;       /* steps; 0: only at the end */
} LimClassifierTraining;

extern const LimParamSpec lim_classifier_training_schema[];

/* train and test are borrowed. checkpoint: path of the checkpoint, resumed from when it exists
 * (then its settings must equal p's, and a teacher its weights); NULL: none. */
LimTask *lim_classifier_trainer_new(const LimClassifierTraining *p, const LimDataset *train,
                                    const LimDataset *test, const char *checkpoint, LimTrainLog log,
                                    const LimExec *exec, LimError *err);
/* After the last step (or at any time): writes the model file; accuracy on the test set is measured
 * when it was not yet. */
LimStatus lim_classifier_trainer_save(LimTask *t, const char *path, const char *command,
                                      const LimExec *exec, LimError *err);
/* Fraction of the test set that is classified rightly; counted now. */
LimStatus lim_classifier_trainer_accuracy(LimTask *t, const LimExec *exec, double *accuracy,
                                          LimError *err);
