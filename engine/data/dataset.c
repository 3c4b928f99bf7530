/* Data sets by name or folder, and the step from stored bytes to the floats a network sees. */
#include "data/dataset.h"
#include "tensor/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEBIAN_FOLDER "/usr/share/datasets/fashion-mnist"

/* Xiao, Rasul, Vollgraf, "Fashion-MNIST", 2017, table 2, in the order of the labels. */
static const char *const fashion_classes[10] = {"T-shirt/top", "Trouser",   "Pullover", "Dress",
                                                "Coat",        "Sandal",    "Shirt",    "Sneaker",
                                                "Bag",         "Ankle boot"};

void
lim_dataset_free(LimDataset *d)
{
    if (!d)
        return;
    free(d->pixels);
    free(d->labels);
    free(d->class_names);
    free(d);
}

/* "<dir>/<prefix>-<what>[.gz]"; false when neither is there (path then names the gz). */
static bool
idx_path(char *path, size_t size, const char *dir, const char *prefix, const char *what)
{
    snprintf(path, size, "%s/%s-%s", dir, prefix, what);
    if (access(path, F_OK) == 0)
        return true;
    snprintf(path, size, "%s/%s-%s.gz", dir, prefix, what);
    return access(path, F_OK) == 0;
}

/* The test half of MNIST-like sets is called t10k there. */
static const char *
idx_prefix(const char *split)
{
    return strcmp(split, "test") == 0 ? "t10k" : split;
}

LimDataset *
lim_dataset_fashion_mnist(const char *dir, const char *split, LimError *err)
{
    char images[4096], labels[4096];
    const char *where = dir ? dir : DEBIAN_FOLDER, *prefix = idx_prefix(split);
    if (!idx_path(images, sizeof images, where, prefix, "images-idx3-ubyte") ||
        !idx_path(labels, sizeof labels, where, prefix, "labels-idx1-ubyte")) {
        lim_fail(err, LIM_E_IO,
                 "Fashion-MNIST (%s) is not in %s; install the package "
                 "dataset-fashion-mnist or give its folder with --data",
                 split, where);
        return NULL;
    }
    LimDataset *d = lim_dataset_idx(images, labels, err);
    if (!d)
        return NULL;
    if (d->classes > 10 || d->h != 28 || d->w != 28) {
        lim_fail(err, LIM_E_FORMAT,
                 "%s has %d classes of %dx%d pictures, Fashion-MNIST has 10 of "
                 "28x28; open it as a plain data set",
                 images, d->classes, d->w, d->h);
        lim_dataset_free(d);
        return NULL;
    }
    free(d->class_names);
    d->classes = 10;
    d->class_names = lim_alloc(10, sizeof *d->class_names);
    for (int k = 0; k < 10; k++)
        snprintf(d->class_names[k], sizeof d->class_names[k], "%s", fashion_classes[k]);
    snprintf(d->name, sizeof d->name, "fashion-mnist");
    snprintf(d->split, sizeof d->split, "%s", split);
    return d;
}

void
lim_dataset_batch(const LimDataset *d, const uint32_t *index, int n, int size, float *out,
                  int32_t *labels)
{
    LIM_ASSERT(size >= d->h && size >= d->w);
    size_t plane = (size_t)d->h * (size_t)d->w, out_plane = (size_t)size * (size_t)size;
    int top = (size - d->h) / 2, left = (size - d->w) / 2;
    for (int i = 0; i < n; i++) {
        LIM_ASSERT(index[i] < (uint32_t)d->n);
        const uint8_t *src = d->pixels + index[i] * (size_t)d->c * plane; /* [c][h][w] */
        float *dst = out + (size_t)i * (size_t)d->c * out_plane;          /* [c][size][size] */
        if (labels)
            labels[i] = d->labels[index[i]];
        for (int c = 0; c < d->c; c++, src += plane, dst += out_plane) {
            if (size != d->h || size != d->w)
                for (size_t k = 0; k < out_plane; k++)
                    dst[k] = -1.0f;
            for (int y = 0; y < d->h; y++)
                lim_f32_from_u8(src + (size_t)y * (size_t)d->w, (size_t)d->w, LIM_RANGE_SIGNED,
                                dst + (size_t)(top + y) * (size_t)size + left);
        }
    }
}
