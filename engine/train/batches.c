/* Batches of pictures. */
#include "train/batches.h"

#include "base/rng.h"
#include "base/status.h"

#include <stdlib.h>

void
lim_batches_init(LimBatches *b, const LimDataset *data, uint32_t *chosen, int n, int batch,
                 int size, uint64_t seed)
{
    const size_t k = (size_t)batch;
    LIM_ASSERT(n >= batch);
    *b = (LimBatches){.data = data,
                      .seed = seed,
                      .size = size,
                      .batch = batch,
                      .n = n,
                      .per_pass = n / batch,
                      .chosen = chosen,
                      .pass = -1};
    b->pictures = lim_alloc(k * (size_t)data->c * (size_t)(size * size), sizeof *b->pictures);
    b->labels = lim_alloc(k, sizeof *b->labels);
    b->index = lim_alloc(k, sizeof *b->index);
    b->order = lim_alloc((size_t)n, sizeof *b->order);
}

void
lim_batches_draw(LimBatches *b, int32_t step)
{
    const int32_t pass = step / b->per_pass;
    if (b->pass != pass) {
        lim_rng_permutation(b->seed, lim_rng_stream(LIM_STREAM_SHUFFLE, "epoch", (uint64_t)pass),
                            b->order, (uint32_t)b->n);
        b->pass = pass;
    }
    const int first = step % b->per_pass * b->batch;
    for (int i = 0; i < b->batch; i++)
        b->index[i] = b->chosen[b->order[first + i]];
    lim_dataset_batch(b->data, b->index, b->batch, b->size, b->pictures, b->labels);
}

uint64_t
lim_batches_number(const LimBatches *b, int32_t step, int i)
{
    return (uint64_t)step * (uint64_t)b->batch + (uint64_t)i;
}

void
lim_batches_clear(LimBatches *b)
{
    free(b->chosen);
    free(b->pictures);
    free(b->labels);
    free(b->index);
    free(b->order);
}

void
lim_mirror(float *x, int rows, int width)
{
    for (int r = 0; r < rows; r++, x += width)
        for (int i = 0; i < width / 2; i++) {
            const float keep = x[i];
            x[i] = x[width - 1 - i];
            x[width - 1 - i] = keep;
        }
}

int
lim_count_right(const float *logits, const int32_t *label, int n, int classes)
{
    int right = 0;
    for (int i = 0; i < n; i++, logits += classes) {
        int best = 0;
        for (int k = 1; k < classes; k++)
            if (logits[k] > logits[best])
                best = k;
        right += best == label[i];
    }
    return right;
}
