/* A stand-in for the generator with pictures that a test can predict, so that tests of the window
 * need no trained model and know every byte.
 *
 * A "model" is a text file: the word "double", classes, height, width, channels, milliseconds per
 * sample request, and perhaps the gamma of an attention. Sample i of class k with seed s: pixel
 * (y, x) of channel c has the byte (31 s + 17 i + 7 k + 3 y + 5 x + 11 c + round(100 t)) mod 256,
 * plus a share of each further setting. */
#include "double.h"

#include "base/file.h"
#include "tensor/image.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct LimGenerator {
    int classes, h, w, c, ms;
    bool attends;
    double gamma;
    char names[16][24];
};

#define LATENT 8

uint8_t
double_byte(const LimSampleRequest *r, int classes, int i, int c, int y, int x)
{
    int k = r->label < 0 ? i % classes : r->label;

    unsigned more = (unsigned)lrint(10 * r->walk_x + 30 * r->walk_y);
    if (r->blend_label >= 0)
        more += (unsigned)lrint(70 * r->blend * r->blend_label);
    for (int s = 0; s < LIM_SLOTS; s++)
        more += (unsigned)lrint((20 + s) * r->slot_threshold[s]);
    more += (unsigned)r->mix_slots * (unsigned)r->mix_seed;
    return (uint8_t)(31 * (unsigned)r->seed + 17u * (unsigned)i + 7u * (unsigned)k +
                     3u * (unsigned)y + 5u * (unsigned)x + 11u * (unsigned)c +
                     (unsigned)lrint(100 * r->threshold) + more);
}

uint8_t
double_way_byte(const LimInterpolation *p, int classes, int row, int step, int c, int y, int x)
{
    int a = double_byte(&p->from.request, classes, p->from.index + row, c, y, x);
    int b = double_byte(&p->to.request, classes, p->to.index + row, c, y, x);
    int last = p->steps - 1;

    return (uint8_t)((a * (last - step) + b * step) / last + 3 * p->path + 5 * p->what);
}

float
double_latent(const LimSampleRequest *r, int sample, int i)
{
    return (float)(((unsigned)r->seed + 3u * (unsigned)sample + 5u * (unsigned)i) % 7) / 4 - 0.75F;
}

float
double_attention(const LimSampleRequest *r, int i, int query, int key)
{
    float sum = 0, at = 0;

    for (int k = 0; k < DOUBLE_KEY * DOUBLE_KEY; k++) {
        float v = (float)((7u * (unsigned)query + 3u * (unsigned)k + 5u * (unsigned)i +
                           (unsigned)r->seed) %
                          13);
        sum += v;
        if (k == key)
            at = v;
    }
    return at / sum;
}

LimGenerator *
lim_generator_load(const char *path, LimError *err)
{
    uint8_t *data;
    size_t size;
    int classes, h, w, c, ms;

    if (lim_file_read(path, 4096, &data, &size, err) != LIM_OK)
        return NULL;
    double gamma = 0;
    int n = sscanf((char *)data, "double %d %d %d %d %d %lf", &classes, &h, &w, &c, &ms, &gamma);
    free(data);
    if (n < 5) {
        lim_fail(err, LIM_E_FORMAT,
                 "%s is not a model of Limen; open a file that limen-cli trained", path);
        return NULL;
    }
    LimGenerator *g = lim_alloc(1, sizeof *g);
    *g = (LimGenerator){.classes = classes, .h = h, .w = w, .c = c, .ms = ms};
    g->attends = n == 6;
    g->gamma = gamma;
    for (int k = 0; k < classes && k < 16; k++)
        snprintf(g->names[k], sizeof g->names[k], "Class %c", 'A' + k);
    return g;
}

void
lim_generator_free(LimGenerator *g)
{
    free(g);
}

int
lim_generator_classes(const LimGenerator *g)
{
    return g->classes;
}

const char *
lim_generator_class_name(const LimGenerator *g, int k)
{
    return g->names[k];
}

int
lim_generator_latent_size(const LimGenerator *g)
{
    return LATENT;
}

int
lim_generator_slots(const LimGenerator *g)
{
    return LIM_SLOTS;
}

LimShape
lim_generator_image_shape(const LimGenerator *g)
{
    return LIM_SHAPE3(g->c, g->h, g->w);
}

bool
lim_generator_attention(const LimGenerator *g, LimAttentionInfo *a)
{
    *a = (LimAttentionInfo){DOUBLE_QUERY, DOUBLE_KEY, g->gamma};
    return g->attends;
}

LimStatus
lim_generator_check(const LimGenerator *g, const LimSampleRequest *r, LimError *err)
{
    if (r->label >= g->classes)
        return lim_fail(err, LIM_E_PARAM, "class %d: this model has %d", r->label, g->classes);
    return lim_sample_check(r, err);
}

int
lim_generator_label(const LimGenerator *g, const LimSampleRequest *r, int index)
{
    return r->label < 0 ? index % g->classes : r->label;
}

void
lim_generator_latents(const LimGenerator *g, const LimSampleRequest *r, float *z)
{
    for (int n = 0; n < r->count; n++)
        for (int i = 0; i < LATENT; i++)
            *z++ = double_latent(r, n, i);
}

void
lim_generator_input(const LimGenerator *g, const LimSampleRequest *r, int index, float *z,
                    float *classes)
{
    for (int i = 0; i < LATENT && z; i++)
        z[i] = double_latent(r, index, i);
    for (int k = 0; k < g->classes && classes; k++)
        classes[k] = k == lim_generator_label(g, r, index);
}

/* Black: what is measured of this model is nothing that a test looks at. */
LimStatus
lim_generator_draw(LimGenerator *g, const LimExec *exec, const float *z, const float *classes,
                   int n, float *pictures, float *maps, LimError *err)
{
    for (int i = 0; i < n * g->c * g->h * g->w; i++)
        pictures[i] = -1;
    return LIM_OK;
}

LimStatus
lim_generator_run(LimGenerator *g, const LimExec *exec, const float *z, const int32_t *label, int n,
                  float *pictures, LimError *err)
{
    return lim_generator_draw(g, exec, z, NULL, n, pictures, NULL, err);
}

typedef struct {
    LimTask base;
    LimGenerator *generator;
    LimSample *samples; /* [n], or NULL: */
    LimInterpolation way;
    int n;
    bool want_maps;
    LimTensor *image, *maps;
} DoubleTask;

static LimStep
step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    DoubleTask *self = (DoubleTask *)t;
    const LimGenerator *g = self->generator;

    for (int ms = 0; ms < g->ms; ms++) {
        if (lim_cancelled(exec->cancel)) {
            lim_fail(err, LIM_CANCELLED, "cancelled");
            return LIM_STEP_FAILED;
        }
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    self->image = lim_tensor_new(LIM_F32, LIM_SHAPE4(self->n, g->c, g->h, g->w));
    float *out = lim_tensor_edit(self->image); /* [n][c][h][w] */
    for (int i = 0; i < self->n && !self->samples; i++)
        for (int c = 0; c < g->c; c++)
            for (int y = 0; y < g->h; y++)
                for (int x = 0; x < g->w; x++) {
                    uint8_t byte = double_way_byte(&self->way, g->classes, i / self->way.steps,
                                                   i % self->way.steps, c, y, x);
                    lim_f32_from_u8(&byte, 1, LIM_RANGE_SIGNED, out++);
                }
    for (int i = 0; i < self->n && self->samples; i++) {
        const LimSample *sample = &self->samples[i];
        if (sample->request.seed == DOUBLE_BAD_SEED) {
            lim_fail(err, LIM_E_NUMERIC,
                     "the model gave values that are no numbers; try another seed");
            return LIM_STEP_FAILED;
        }
        for (int c = 0; c < g->c; c++)
            for (int y = 0; y < g->h; y++)
                for (int x = 0; x < g->w; x++) {
                    uint8_t byte =
                        double_byte(&sample->request, g->classes, sample->index, c, y, x);
                    lim_f32_from_u8(&byte, 1, LIM_RANGE_SIGNED, out++);
                }
    }
    if (self->want_maps) {
        const int q = DOUBLE_QUERY * DOUBLE_QUERY, k = DOUBLE_KEY * DOUBLE_KEY;
        self->maps = lim_tensor_new(LIM_F32, LIM_SHAPE3(self->n, q, k));
        out = lim_tensor_edit(self->maps); /* [n][query][key] */
        for (int i = 0; i < self->n; i++)
            for (int at = 0; at < q * k; at++)
                *out++ = double_attention(&self->samples[i].request, self->samples[i].index, at / k,
                                          at % k);
    }
    return LIM_STEP_DONE;
}

static void
task_free(LimTask *t)
{
    DoubleTask *self = (DoubleTask *)t;

    lim_tensor_unref(self->image);
    lim_tensor_unref(self->maps);
    free(self->samples);
    free(self);
}

LimTask *
lim_samples_task_new(LimGenerator *g, const LimSample *samples, int n, bool maps)
{
    static const LimTaskClass klass = {"double", step, NULL, task_free};
    DoubleTask *self = lim_alloc(1, sizeof *self);

    *self = (DoubleTask){.base.klass = &klass, .generator = g, .n = n, .want_maps = maps};
    self->samples = lim_alloc((size_t)n, sizeof *samples);
    memcpy(self->samples, samples, (size_t)n * sizeof *samples);
    return &self->base;
}

LimTask *
lim_interpolation_task_new(LimGenerator *g, const LimInterpolation *way, bool maps)
{
    LimTask *task = lim_samples_task_new(g, &way->from, 1, maps);
    DoubleTask *self = (DoubleTask *)task;

    free(self->samples);
    self->samples = NULL;
    self->way = *way;
    self->n = way->rows * way->steps;
    return task;
}

LimTask *
lim_sample_task_new(LimGenerator *g, const LimSampleRequest *r)
{
    LimSample samples[256];

    for (int i = 0; i < r->count; i++)
        samples[i] = (LimSample){*r, i};
    return lim_samples_task_new(g, samples, r->count, false);
}

const LimTensor *
lim_sample_task_image(const LimTask *t)
{
    return ((const DoubleTask *)t)->image;
}

const LimTensor *
lim_sample_task_maps(const LimTask *t)
{
    return ((const DoubleTask *)t)->maps;
}
