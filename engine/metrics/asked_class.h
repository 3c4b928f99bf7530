/* Does a classifier see the class that a generator was asked for? The simplest measure of a
 * conditional generator's fidelity: the accuracy of generated samples under a classifier that was
 * trained on real pictures. Its ceiling is the classifier's own accuracy on clean data, roughly. */
#pragma once

#include "metrics/features.h"
#include "metrics/interval.h"

/* The class of the largest of n logits or probabilities; the first of equals. */
int lim_seen_class(const float *p, int classes);
/* Of samples with their probabilities: adds to confusion [asked][seen] (NULL: not wanted); the
 * share that is seen as asked. */
LimMeasure lim_asked_class_count(const LimFeatures *samples, int *confusion);
