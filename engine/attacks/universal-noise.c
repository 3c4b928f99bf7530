/* Noise that a universal perturbation is compared with. */
#include "attacks/universal.h"

#include "base/rng.h"

#include <stdio.h>
#include <stdlib.h>

#define NOISES 5

typedef struct LimNoiseTask {
    LimTask base;
    LimUniversalNoise in;
    size_t size;
    float *v;       /* the noise whose turn it is */
    int32_t *label; /* [LIM_VICTIM_BATCH] */
    int noise, at;  /* at: pictures that this one was tried on */
    int64_t changed;
} LimNoiseTask;

void
lim_universal_permute(const float *v, size_t size, uint64_t seed, float *out)
{
    uint32_t *order = lim_alloc(size, sizeof *order);
    lim_rng_permutation(seed, lim_rng_stream(LIM_STREAM_ATTACK, "permuted universal", 0), order,
                        (uint32_t)size);
    for (size_t j = 0; j < size; j++)
        out[j] = v[order[j]];
    free(order);
}

static void
next_noise(LimNoiseTask *t)
{
    const uint64_t seed = t->in.seed + (uint64_t)t->noise;
    if (t->in.v)
        lim_universal_permute(t->in.v, t->size, seed, t->v);
    else
        lim_universal_random(t->in.norm, t->in.xi, seed, t->v, t->size);
}

static LimStep
step(LimTask *base, const LimExec *exec, LimProgress *progress, LimError *err)
{
    LimNoiseTask *t = (LimNoiseTask *)base;
    const int left = t->in.n - t->at, n = left < LIM_VICTIM_BATCH ? left : LIM_VICTIM_BATCH;
    if (t->noise == NOISES)
        return LIM_STEP_DONE;
    if (t->at == 0)
        next_noise(t);
    if (lim_universal_labels(t->in.victim, exec, t->in.image + (size_t)t->at * t->size, n, t->v, 1,
                             t->label, err) != LIM_OK)
        return LIM_STEP_FAILED;
    for (int i = 0; i < n; i++)
        t->changed += t->label[i] != t->in.own[t->at + i];
    t->at += n;
    if (t->at == t->in.n) {
        t->at = 0;
        t->noise++;
    }
    if (progress) {
        progress->fraction = (t->noise + (double)t->at / t->in.n) / NOISES;
        snprintf(progress->text, sizeof progress->text, "noise %d of %d", t->noise, NOISES);
    }
    return t->noise == NOISES ? LIM_STEP_DONE : LIM_STEP_MORE;
}

static void
free_task(LimTask *base)
{
    LimNoiseTask *t = (LimNoiseTask *)base;
    free(t->v);
    free(t->label);
    free(t);
}

LimTask *
lim_universal_noise_new(const LimUniversalNoise *in)
{
    static const LimTaskClass klass = {"universal noise", step, NULL, free_task};
    LimNoiseTask *t = lim_alloc(1, sizeof *t);
    t->base.klass = &klass;
    t->in = *in;
    t->size = (size_t)lim_shape_size(in->victim->image);
    t->v = lim_alloc(t->size, sizeof *t->v);
    t->label = lim_alloc(LIM_VICTIM_BATCH, sizeof *t->label);
    return &t->base;
}

double
lim_universal_noise_ratio(const LimTask *task)
{
    const LimNoiseTask *t = (const LimNoiseTask *)task;
    return (double)t->changed / NOISES / t->in.n;
}
