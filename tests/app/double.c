/* A stand-in for the generator with pictures that a test can predict, so that tests of the window
 * need no trained model and know every byte.
 *
 * A "model" is a text file: the word "double", classes, height, width, channels, and milliseconds
 * per sample request. Sample i of class k with seed s: pixel (y, x) of channel c has the byte
 * (31 s + 17 i + 7 k + 3 y + 5 x + 11 c + round(100 t)) mod 256. */
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
    char names[16][24];
};

uint8_t
double_byte(const LimSampleRequest *r, int classes, int i, int c, int y, int x)
{
    int k = r->label < 0 ? i % classes : r->label;

    return (uint8_t)(31 * (unsigned)r->seed + 17u * (unsigned)i + 7u * (unsigned)k +
                     3u * (unsigned)y + 5u * (unsigned)x + 11u * (unsigned)c +
                     (unsigned)lrint(100 * r->threshold));
}

LimGenerator *
lim_generator_load(const char *path, LimError *err)
{
    uint8_t *data;
    size_t size;
    int classes, h, w, c, ms;

    if (lim_file_read(path, 4096, &data, &size, err) != LIM_OK)
        return NULL;
    int n = sscanf((char *)data, "double %d %d %d %d %d", &classes, &h, &w, &c, &ms);
    free(data);
    if (n != 5) {
        lim_fail(err, LIM_E_FORMAT,
                 "%s is not a model of Limen; open a file that limen-cli trained", path);
        return NULL;
    }
    LimGenerator *g = lim_alloc(1, sizeof *g);
    *g = (LimGenerator){.classes = classes, .h = h, .w = w, .c = c, .ms = ms};
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
    return 1;
}

LimShape
lim_generator_image_shape(const LimGenerator *g)
{
    return LIM_SHAPE3(g->c, g->h, g->w);
}

void
lim_generator_latents(const LimGenerator *g, const LimSampleRequest *r, float *z)
{
    memset(z, 0, (size_t)r->count * sizeof *z);
}

typedef struct {
    LimTask base;
    LimGenerator *generator;
    LimSampleRequest request;
    LimTensor *image;
} DoubleTask;

static LimStep
step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    DoubleTask *self = (DoubleTask *)t;
    const LimGenerator *g = self->generator;
    const LimSampleRequest *r = &self->request;

    for (int ms = 0; ms < g->ms; ms++) {
        if (lim_cancelled(exec->cancel)) {
            lim_fail(err, LIM_CANCELLED, "cancelled");
            return LIM_STEP_FAILED;
        }
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    if (r->seed == DOUBLE_BAD_SEED) {
        lim_fail(err, LIM_E_NUMERIC, "the model gave values that are no numbers; try another seed");
        return LIM_STEP_FAILED;
    }
    self->image = lim_tensor_new(LIM_F32, LIM_SHAPE4(r->count, g->c, g->h, g->w));
    float *out = lim_tensor_edit(self->image); /* [n][c][h][w] */
    for (int i = 0; i < r->count; i++)
        for (int c = 0; c < g->c; c++)
            for (int y = 0; y < g->h; y++)
                for (int x = 0; x < g->w; x++) {
                    uint8_t byte = double_byte(r, g->classes, i, c, y, x);
                    lim_f32_from_u8(&byte, 1, LIM_RANGE_SIGNED, out++);
                }
    return LIM_STEP_DONE;
}

static void
task_free(LimTask *t)
{
    lim_tensor_unref(((DoubleTask *)t)->image);
    free(t);
}

LimTask *
lim_sample_task_new(LimGenerator *g, const LimSampleRequest *r)
{
    static const LimTaskClass klass = {"double", step, NULL, task_free};
    DoubleTask *self = lim_alloc(1, sizeof *self);

    *self = (DoubleTask){.base.klass = &klass, .generator = g, .request = *r};
    return &self->base;
}

const LimTensor *
lim_sample_task_image(const LimTask *t)
{
    return ((const DoubleTask *)t)->image;
}

const LimSampleRequest *
lim_sample_task_request(const LimTask *t)
{
    return &((const DoubleTask *)t)->request;
}
