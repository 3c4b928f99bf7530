/* See small.h. */
#include "small.h"
#include "../models/support.h"

#include "base/rng.h"

#include <stdlib.h>

/* x = factor x + shift over an entry. */
static void
change(LimStore *s, const char *name, float factor, float shift)
{
    const int at = lim_store_find(s, name);
    g_assert_cmpint(at, >=, 0);
    for (int64_t i = 0; i < lim_shape_size(lim_store_shape(s, at)); i++)
        lim_store_data(s, at)[i] = factor * lim_store_data(s, at)[i] + shift;
}

LimGenerator *
small_generator(void)
{
    LimBigganParams p;
    LimStore *s = model_store_generator(&p);
    change(s, "bn.weight", 3, 0); /* else the pictures are nearly all grey */
    change(s, "bn.bias", 1, 4);
    const LimModelInfo info = model_info_generator(&p);
    g_autofree char *path = model_path("generator.safetensors");
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(lim_modelfile_save(path, &info, s, false, &err), ==, LIM_OK);
    LimGenerator *g = lim_generator_load(path, &err);
    g_assert_cmpstr(err.text, ==, "");
    lim_store_free(s);
    return g;
}

LimPredictor *
small_predictor(bool other)
{
    LimClassifierParams p;
    LimStore *s = model_store_classifier(&p);
    change(s, "blocks.2.bn2.bias", 1, 2); /* features that grey pictures do not switch off */
    if (other)
        lim_store_data(s, 0)[0] += 1;
    const LimModelInfo info = model_info_classifier(&p);
    g_autofree char *path = model_path("classifier.safetensors");
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(lim_modelfile_save(path, &info, s, false, &err), ==, LIM_OK);
    LimPredictor *c = lim_predictor_load(path, &err);
    g_assert_cmpstr(err.text, ==, "");
    lim_store_free(s);
    return c;
}

LimDataset *
small_dataset(int n, int size, int classes)
{
    LimDataset *d = lim_alloc(1, sizeof *d);
    g_strlcpy(d->name, "toy", sizeof d->name);
    g_strlcpy(d->split, "test", sizeof d->split);
    d->n = n;
    d->c = 1;
    d->h = d->w = size;
    d->classes = classes;
    d->pixels = lim_alloc((size_t)(n * size * size), 1);
    d->labels = lim_alloc((size_t)n, 1);
    d->class_names = lim_alloc((size_t)classes, sizeof *d->class_names);
    for (int i = 0; i < n; i++) {
        d->labels[i] = (uint8_t)(i % classes);
        for (int p = 0; p < size * size; p++) {
            const uint32_t noise =
                lim_rng_below(9, LIM_STREAM_TEST, (uint64_t)(i * size * size + p), 120);
            d->pixels[i * size * size + p] =
                (uint8_t)(noise + (p / size * classes / size == i % classes ? 120 : 0));
        }
    }
    return d;
}

int
small_run(LimTask *t, const LimExec *exec)
{
    LimError err = LIM_ERROR_INIT;
    LimStep step = LIM_STEP_MORE;
    int steps = 0;
    double before = 0;
    while (step == LIM_STEP_MORE) {
        LimProgress now = {.fraction = -1};
        step = lim_task_step(t, exec, &now, &err);
        g_assert_cmpstr(err.text, ==, "");
        g_assert_cmpfloat(now.fraction, >=, before);
        g_assert_cmpfloat(now.fraction, <=, 1);
        before = now.fraction;
        steps++;
    }
    g_assert_cmpint(step, ==, LIM_STEP_DONE);
    return steps;
}
