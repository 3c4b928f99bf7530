/* Does a classifier see the class that a generator was asked for? The simplest measure of a
 * conditional generator's fidelity: the accuracy of generated samples under a classifier that was
 * trained on real pictures. Its ceiling is the classifier's own accuracy on clean data, roughly. */
#pragma once

#include "metrics/features.h"
#include "metrics/interval.h"
#include "models/generator.h"

/* A stepper over `samples` pictures, sample i of class i % classes. threshold > 0: latents under
 * that truncation (inverse CDF); 0: untruncated N(0,1). Both models are borrowed. */
LimTask *lim_asked_class_new(LimGenerator *g, LimPredictor *c, int samples, double threshold,
                             uint64_t seed, LimError *err);
/* Counts so far: confusion [asked][seen], borrowed; the number of samples done. */
const int *lim_asked_class_confusion(const LimTask *t, int *done);

/* The class of the largest of n logits or probabilities; the first of equals. */
int lim_seen_class(const float *p, int classes);
/* The same measure of samples whose probabilities are at hand: adds to confusion [asked][seen]
 * (NULL: not wanted); the share that is seen as asked. */
LimMeasure lim_asked_class_count(const LimFeatures *samples, int *confusion);
