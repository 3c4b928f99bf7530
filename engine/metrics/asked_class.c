/* The accuracy of the asked class. */
#include "metrics/asked_class.h"

#include "base/rng.h"

#include <stdio.h>
#include <stdlib.h>

#define BATCH 64

typedef struct AskedClass {
    LimTask base;
    LimGenerator *g;
    LimPredictor *c;
    int samples, done, classes;
    double threshold;
    uint64_t seed;
    float *z, *pictures, *logits;
    int32_t label[BATCH];
    int *confusion; /* [asked][seen] */
} AskedClass;

static void
draw(AskedClass *t, int n)
{
    const int latent = lim_generator_latent_size(t->g);
    const uint64_t stream = lim_rng_stream(LIM_STREAM_LATENT, "asked class", 0);
    const double low = t->threshold > 0 ? lim_normal_cdf(-t->threshold) : 0;
    for (int i = 0; i < n; i++) {
        t->label[i] = (t->done + i) % t->classes;
        for (int k = 0; k < latent; k++) {
            const uint64_t at = (uint64_t)(t->done + i) * 4096 + (uint64_t)k;
            const double u = ((double)(lim_rng_u64(t->seed, stream, at) >> 11) + 0.5) * 0x1p-53;
            t->z[i * latent + k] = (float)lim_normal_quantile(low + u * (1 - 2 * low));
        }
    }
}

static LimStep
asked_step(LimTask *task, const LimExec *exec, LimProgress *progress, LimError *err)
{
    AskedClass *t = (AskedClass *)task;
    const int n = t->samples - t->done < BATCH ? t->samples - t->done : BATCH;
    draw(t, n);
    if (lim_generator_run(t->g, exec, t->z, t->label, n, t->pictures, err) != LIM_OK ||
        lim_predictor_run(t->c, exec, t->pictures, n, t->logits, NULL, err) != LIM_OK)
        return LIM_STEP_FAILED;
    for (int i = 0; i < n; i++) {
        const int seen = lim_seen_class(t->logits + i * t->classes, t->classes);
        t->confusion[t->label[i] * t->classes + seen]++;
    }
    t->done += n;
    if (progress) {
        progress->fraction = (double)t->done / t->samples;
        snprintf(progress->text, sizeof progress->text, "%d of %d samples", t->done, t->samples);
    }
    return t->done == t->samples ? LIM_STEP_DONE : LIM_STEP_MORE;
}

static void
asked_free(LimTask *task)
{
    AskedClass *t = (AskedClass *)task;
    free(t->z);
    free(t->pictures);
    free(t->logits);
    free(t->confusion);
    free(t);
}

static const LimTaskClass asked_class = {"asked class", asked_step, NULL, asked_free};

LimTask *
lim_asked_class_new(LimGenerator *g, LimPredictor *c, int samples, double threshold, uint64_t seed,
                    LimError *err)
{
    const LimShape s = lim_generator_image_shape(g);
    const int classes = lim_generator_classes(g);
    if (!lim_shape_equal(s, lim_predictor_image_shape(c)) || classes != lim_predictor_classes(c)) {
        lim_fail(err, LIM_E_SHAPE,
                 "the generator and the classifier know different pictures or classes; choose two "
                 "that were trained on the same data");
        return NULL;
    }
    AskedClass *t = lim_alloc(1, sizeof *t);
    t->base.klass = &asked_class;
    t->g = g;
    t->c = c;
    t->samples = samples;
    t->threshold = threshold;
    t->seed = seed;
    t->classes = classes;
    t->z = lim_alloc((size_t)BATCH * (size_t)lim_generator_latent_size(g), sizeof *t->z);
    t->pictures = lim_alloc((size_t)BATCH * (size_t)lim_shape_size(s), sizeof *t->pictures);
    t->logits = lim_alloc((size_t)BATCH * (size_t)classes, sizeof *t->logits);
    t->confusion = lim_alloc((size_t)classes * (size_t)classes, sizeof *t->confusion);
    return &t->base;
}

const int *
lim_asked_class_confusion(const LimTask *task, int *done)
{
    const AskedClass *t = (const AskedClass *)task;
    if (done)
        *done = t->done;
    return t->confusion;
}

int
lim_seen_class(const float *p, int classes)
{
    int best = 0;
    for (int k = 1; k < classes; k++)
        if (p[k] > p[best])
            best = k;
    return best;
}

LimMeasure
lim_asked_class_count(const LimFeatures *samples, int *confusion)
{
    const int classes = samples->classes;
    int right = 0;
    LIM_ASSERT(samples->probability);
    for (int i = 0; i < samples->n; i++) {
        const int asked = samples->label[i];
        const int seen =
            lim_seen_class(samples->probability + (size_t)i * (size_t)classes, classes);
        if (confusion)
            confusion[asked * classes + seen]++;
        right += seen == asked;
    }
    return lim_proportion(right, samples->n);
}
