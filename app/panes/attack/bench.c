/* The cache behind the Attack view. */
#include "panes/attack/bench.h"

#include "models/modelfile.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODELS_MAX 254 /* numbers above stand for what is in no list */

struct LimBench {
    atomic_int refs;
    char *folder, *samples;
    bool listed;
    int n, n_denoisers;
    char *paths[MODELS_MAX], *denoiser_paths[MODELS_MAX];
    LimPredictor *predictors[MODELS_MAX];
    LimDenoiser *denoisers[MODELS_MAX];
    LimDataset *sample, *test;
};

LimBench *
lim_bench_new(const char *folder, const char *samples)
{
    LimBench *b = lim_alloc(1, sizeof *b);

    atomic_init(&b->refs, 1);
    b->folder = lim_strdup(folder);
    b->samples = lim_strdup(samples);
    return b;
}

LimBench *
lim_bench_ref(LimBench *b)
{
    atomic_fetch_add(&b->refs, 1);
    return b;
}

void
lim_bench_unref(LimBench *b)
{
    if (!b || atomic_fetch_sub(&b->refs, 1) != 1)
        return;
    for (int i = 0; i < b->n; i++) {
        lim_predictor_free(b->predictors[i]);
        free(b->paths[i]);
    }
    for (int i = 0; i < b->n_denoisers; i++) {
        lim_denoiser_free(b->denoisers[i]);
        free(b->denoiser_paths[i]);
    }
    lim_dataset_free(b->sample);
    lim_dataset_free(b->test);
    free(b->folder);
    free(b->samples);
    free(b);
}

/* The place of path in a list; n: it is not there. */
static int
find(char *const *paths, int n, const char *path)
{
    int i = 0;

    while (i < n && strcmp(paths[i], path) != 0)
        i++;
    return i;
}

/* The same, behind the list if it is new; -1: the list is full. */
static int
place(char **paths, int *n, const char *path)
{
    const int i = find(paths, *n, path);

    if (i == MODELS_MAX)
        return -1;
    if (i == *n)
        paths[(*n)++] = lim_strdup(path);
    return i;
}

static void
list(LimBench *b)
{
    struct dirent **names = NULL;
    const int n = b->listed ? 0 : scandir(b->folder, &names, NULL, alphasort);

    b->listed = true;
    for (int i = 0; i < n; i++) {
        char path[4096];
        const size_t length = strlen(names[i]->d_name);
        snprintf(path, sizeof path, "%s/%s", b->folder, names[i]->d_name);
        if (length > 12 && strcmp(names[i]->d_name + length - 12, ".safetensors") == 0) {
            LimModelFile *file = lim_modelfile_open(path, NULL);
            if (file && strcmp(file->model, "classifier") == 0)
                place(b->paths, &b->n, path);
            else if (file && strcmp(file->model, "denoiser") == 0)
                place(b->denoiser_paths, &b->n_denoisers, path);
            lim_modelfile_free(file);
        }
        free(names[i]);
    }
    free(names);
}

int
lim_bench_models(LimBench *b, const char *const **paths)
{
    list(b);
    *paths = (const char *const *)b->paths;
    return b->n;
}

int
lim_bench_denoisers(LimBench *b, const char *const **paths)
{
    list(b);
    *paths = (const char *const *)b->denoiser_paths;
    return b->n_denoisers;
}

LimDenoiser *
lim_bench_denoiser(LimBench *b, const char *path, LimError *err)
{
    int i = find(b->denoiser_paths, b->n_denoisers, path);

    if (i < b->n_denoisers && b->denoisers[i])
        return b->denoisers[i];
    LimDenoiser *d = lim_denoiser_load(path, err); /* a file that is none joins no list */
    if (!d)
        return NULL;
    i = place(b->denoiser_paths, &b->n_denoisers, path);
    if (i < 0) {
        lim_denoiser_free(d);
        lim_fail(err, LIM_E_PARAM, "more than %d denoisers at once", MODELS_MAX);
        return NULL;
    }
    return b->denoisers[i] = d;
}

LimPredictor *
lim_bench_predictor(LimBench *b, const char *path, LimError *err)
{
    const int i = place(b->paths, &b->n, path);

    if (i < 0) {
        lim_fail(err, LIM_E_PARAM, "more than %d classifiers at once", MODELS_MAX);
        return NULL;
    }
    if (!b->predictors[i])
        b->predictors[i] = lim_predictor_load(path, err);
    return b->predictors[i];
}

const LimDataset *
lim_bench_dataset(LimBench *b, const char *split, LimError *err)
{
    const bool sample = strcmp(split, "sample") == 0;
    LimDataset **at = sample ? &b->sample : &b->test;

    if (!*at)
        *at = sample ? lim_dataset_open(b->samples, split, err)
                     : lim_dataset_fashion_mnist(NULL, split, err);
    return *at;
}
