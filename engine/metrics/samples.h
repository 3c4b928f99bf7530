/* Samples of a generator for measuring: as anybody would see them, rounded to 8 bit. */
#pragma once

#include "data/dataset.h"
#include "models/generator.h"

/* What to draw: sample i is sample i of that request (count does not matter), and of class
 * i % classes when label is -1. threshold 0: untruncated N(0,1), whatever the mode. */
LimSampleRequest lim_plain_request(int label, uint64_t seed, double threshold, int truncation);

/* A task that draws samples 0 .. n - 1 as a data set of 8-bit pictures whose labels are the classes
 * that were asked for. The generator is borrowed. After LIM_STEP_DONE, once: the data set; the
 * caller owns it. */
LimTask *lim_draw_task_new(LimGenerator *g, const LimSampleRequest *r, int n);
LimDataset *lim_draw_task_steal(LimTask *t);

/* The same for samples first .. first + n - 1 at once: pixels [n][c][h][w], label [n]. */
LimStatus lim_draw(LimGenerator *g, const LimExec *exec, const LimSampleRequest *r, int first,
                   int n, uint8_t *pixels, int32_t *label, LimError *err);
