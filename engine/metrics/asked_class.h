/* Does a classifier see the class that a generator was asked for? The simplest measure of a
 * conditional generator's fidelity: the accuracy of generated samples under a classifier that was
 * trained on real pictures. Its ceiling is the classifier's own accuracy on clean data, roughly. */
#pragma once

#include "models/generator.h"
#include "models/predictor.h"

/* A stepper over `samples` pictures, sample i of class i % classes. threshold > 0: latents under
 * that truncation (inverse CDF); 0: untruncated N(0,1). Both models are borrowed. */
LimTask *lim_asked_class_new(LimGenerator *g, LimPredictor *c, int samples, double threshold,
                             uint64_t seed, LimError *err);
/* Counts so far: confusion [asked][seen], borrowed; the number of samples done. */
const int *lim_asked_class_confusion(const LimTask *t, int *done);

/* 95 % interval of a proportion (Wilson 1927). */
void lim_proportion_interval(int right, int n, double *low, double *high);
