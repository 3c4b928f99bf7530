/* Batches of pictures to train on: passes over chosen pictures of a data set, every pass in an
 * order of its own. A batch is a function of the seed and the number of the step. */
#pragma once

#include "data/dataset.h"

typedef struct LimBatches {
    const LimDataset *data; /* borrowed */
    uint64_t seed;
    int size, batch; /* pictures of size x size pixels; so many in a batch */
    int n, per_pass; /* chosen pictures; whole batches in a pass */
    uint32_t *chosen;
    float *pictures; /* [batch][c][size][size] in [-1,1] */
    int32_t *labels; /* [batch] */
    /* of the pass under way */
    int32_t pass;
    uint32_t *order, *index;
} LimBatches;

/* Of the n pictures `chosen` (taken), at least a batch of them. */
void lim_batches_init(LimBatches *b, const LimDataset *data, uint32_t *chosen, int n, int batch,
                      int size, uint64_t seed);
/* Fills pictures and labels with what step number `step` learns from. */
void lim_batches_draw(LimBatches *b, int32_t step);
/* Where the generator of random numbers has what belongs to picture i of the step. */
uint64_t lim_batches_number(const LimBatches *b, int32_t step, int i);
void lim_batches_clear(LimBatches *b);

/* Turns rows of `width` values left to right. */
void lim_mirror(float *x, int rows, int width);

/* How many of n rows of logits [n][classes] are highest at their label. */
int lim_count_right(const float *logits, const int32_t *label, int n, int classes);
