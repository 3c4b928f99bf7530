/* Drawing samples to be measured. */
#include "metrics/samples.h"

#include "tensor/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH       32
#define UNTRUNCATED 10 /* a standard normal value beyond it has a chance of 1e-23 */

LimSampleRequest
lim_plain_request(int label, uint64_t seed, double threshold, int truncation)
{
    LimSampleRequest r;
    memset(&r, 0, sizeof r);
    lim_params_init(lim_sample_schema, &r);
    r.label = label;
    r.seed = seed;
    r.threshold = threshold > 0 ? threshold : UNTRUNCATED;
    r.truncation = threshold > 0 ? truncation : LIM_TRUNC_INVERSE_CDF;
    return r;
}

LimStatus
lim_draw(LimGenerator *g, const LimExec *exec, const LimSampleRequest *r, int first, int n,
         uint8_t *pixels, int32_t *label, LimError *err)
{
    const size_t latent = (size_t)lim_generator_latent_size(g);
    const size_t values = (size_t)n * (size_t)lim_shape_size(lim_generator_image_shape(g));
    float *z = lim_alloc((size_t)n * latent, sizeof *z);
    float *pictures = lim_alloc(values, sizeof *pictures);
    for (int i = 0; i < n; i++) {
        lim_generator_input(g, r, first + i, z + (size_t)i * latent, NULL);
        label[i] = lim_generator_label(g, r, first + i);
    }
    const LimStatus status = lim_generator_run(g, exec, z, label, n, pictures, err);
    if (status == LIM_OK)
        lim_u8_from_f32(pictures, values, LIM_RANGE_SIGNED, pixels);
    free(z);
    free(pictures);
    return status;
}

typedef struct DrawTask {
    LimTask base;
    LimGenerator *g;
    LimSampleRequest r;
    LimDataset *d;
    int done;
} DrawTask;

static LimStep
draw_step(LimTask *task, const LimExec *exec, LimProgress *progress, LimError *err)
{
    DrawTask *t = (DrawTask *)task;
    LimDataset *d = t->d;
    const int n = d->n - t->done < BATCH ? d->n - t->done : BATCH;
    int32_t label[BATCH];
    if (lim_draw(t->g, exec, &t->r, t->done, n,
                 d->pixels + (size_t)t->done * (size_t)(d->c * d->h * d->w), label, err) != LIM_OK)
        return LIM_STEP_FAILED;
    for (int i = 0; i < n; i++)
        d->labels[t->done + i] = (uint8_t)label[i];
    t->done += n;
    if (progress) {
        progress->fraction = (double)t->done / d->n;
        snprintf(progress->text, sizeof progress->text, "%d of %d samples drawn", t->done, d->n);
    }
    return t->done == d->n ? LIM_STEP_DONE : LIM_STEP_MORE;
}

static void
draw_free(LimTask *task)
{
    DrawTask *t = (DrawTask *)task;
    lim_dataset_free(t->d);
    free(t);
}

static const LimTaskClass draw_class = {"draw samples", draw_step, NULL, draw_free};

LimTask *
lim_draw_task_new(LimGenerator *g, const LimSampleRequest *r, int n)
{
    const LimShape s = lim_generator_image_shape(g);
    const int classes = lim_generator_classes(g);
    LIM_ASSERT(n >= 1);
    DrawTask *t = lim_alloc(1, sizeof *t);
    t->base.klass = &draw_class;
    t->g = g;
    t->r = *r;
    LimDataset *d = t->d = lim_alloc(1, sizeof *d);
    snprintf(d->name, sizeof d->name, "samples");
    snprintf(d->split, sizeof d->split, "all");
    d->n = n;
    d->c = s.d[0];
    d->h = s.d[1];
    d->w = s.d[2];
    d->classes = classes;
    d->pixels = lim_alloc((size_t)n, (size_t)lim_shape_size(s));
    d->labels = lim_alloc((size_t)n, 1);
    d->class_names = lim_alloc((size_t)classes, sizeof *d->class_names);
    for (int k = 0; k < classes; k++)
        snprintf(d->class_names[k], sizeof *d->class_names, "%s", lim_generator_class_name(g, k));
    return &t->base;
}

LimDataset *
lim_draw_task_steal(LimTask *task)
{
    DrawTask *t = (DrawTask *)task;
    LimDataset *d = t->d;
    t->d = NULL;
    return d;
}
