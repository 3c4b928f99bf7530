/* The window shows bytes: the conversion belongs to the worker as much as the network does. */
#include "panes/generate/draw-task.h"

#include "tensor/image.h"

#include <stdlib.h>
#include <string.h>

static LimStep
draw_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    LimDrawTask *self = (LimDrawTask *)t;
    LimStep step = lim_task_step(self->sample, exec, progress, err);

    if (step != LIM_STEP_DONE)
        return step;
    const LimTensor *image = lim_sample_task_image(self->sample);
    LimShape s = lim_tensor_shape(image);
    int n = s.d[0], c = s.d[1], h = s.d[2], w = s.d[3];
    const float *planes = lim_tensor_f32(image); /* [n][c][h][w] */

    self->pixels = lim_alloc((size_t)n * (size_t)h * (size_t)w, (size_t)c);
    for (int i = 0; i < n; i++) {
        size_t at = (size_t)i * (size_t)(c * h * w);
        LimImageView view = lim_image_view(self->pixels + at, w, h, (size_t)(w * c),
                                           c == 1 ? LIM_PIXEL_GREY8 : LIM_PIXEL_RGB8);
        lim_image_put_f32(view, c, LIM_RANGE_SIGNED, planes + at);
    }
    if (self->want_latents) {
        LimGenerator *g = lim_model_generator(self->model);
        self->latents = lim_alloc((size_t)n * (size_t)lim_generator_latent_size(g), sizeof(float));
        lim_generator_latents(g, &self->samples[0].request, self->latents);
    }
    return LIM_STEP_DONE;
}

static void
draw_free(LimTask *t)
{
    LimDrawTask *self = (LimDrawTask *)t;

    lim_task_free(self->sample);
    lim_model_unref(self->model);
    free(self->samples);
    free(self->pixels);
    free(self->latents);
    free(self);
}

static const LimTaskClass draw_class = {"draw samples", draw_step, NULL, draw_free};

LimTask *
lim_draw_samples_task_new(LimModel *model, const LimSample *samples, int n, bool maps)
{
    LimDrawTask *self = lim_alloc(1, sizeof *self);

    self->base.klass = &draw_class;
    self->model = lim_model_ref(model);
    self->samples = lim_alloc((size_t)n, sizeof *samples);
    memcpy(self->samples, samples, (size_t)n * sizeof *samples);
    self->n = n;
    self->sample = lim_samples_task_new(lim_model_generator(model), samples, n, maps);
    return &self->base;
}

LimTask *
lim_draw_request_task_new(LimModel *model, const LimSampleRequest *request, bool maps)
{
    LimSample *samples = lim_alloc((size_t)request->count, sizeof *samples);

    for (int i = 0; i < request->count; i++)
        samples[i] = (LimSample){*request, i};
    LimTask *task = lim_draw_samples_task_new(model, samples, request->count, maps);
    ((LimDrawTask *)task)->want_latents = true;
    free(samples);
    return task;
}

LimTask *
lim_draw_way_task_new(LimModel *model, const LimInterpolation *way)
{
    LimDrawTask *self = lim_alloc(1, sizeof *self);

    self->base.klass = &draw_class;
    self->model = lim_model_ref(model);
    self->n = way->rows * way->steps;
    self->sample = lim_interpolation_task_new(lim_model_generator(model), way, false);
    return &self->base;
}
