/* Data sets by name or folder, and the step from stored bytes to the floats a network sees. */
#include "data/dataset.h"
#include "base/file.h"
#include "tensor/image.h"
#include "tensor/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#define DEBIAN_FOLDER "/usr/share/datasets/fashion-mnist"
#define PATH_SIZE     4096

/* Xiao, Rasul, Vollgraf, "Fashion-MNIST", 2017, table 2, in the order of the labels. */
static const char fashion_classes[] = "T-shirt/top\nTrouser\nPullover\nDress\nCoat\nSandal\nShirt\n"
                                      "Sneaker\nBag\nAnkle boot\n";
/* CRC-32 of the labels: IDX files carry no names, and MNIST's look the same. */
static const uLong fashion_labels[] = {0x2ed6e46a /* train */, 0x242bc73f /* test */};

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

void
lim_dataset_name_after(LimDataset *d, const char *dir, const char *split)
{
    char *real = realpath(dir, NULL);
    const char *base = real ? strrchr(real, '/') + 1 : dir;
    lim_text_clean(base, strlen(base), d->name, sizeof d->name);
    lim_text_clean(split, strlen(split), d->split, sizeof d->split);
    free(real);
}

static bool
is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool
is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

typedef struct IdxPaths {
    char images[PATH_SIZE], labels[PATH_SIZE], classes[PATH_SIZE];
} IdxPaths;

static bool
plain_or_gz(char path[PATH_SIZE], const char *dir, const char *prefix, const char *what)
{
    snprintf(path, PATH_SIZE, "%s/%s-%s", dir, prefix, what);
    if (is_file(path))
        return true;
    snprintf(path, PATH_SIZE, "%s/%s-%s.gz", dir, prefix, what);
    return is_file(path);
}

/* Is there a pair of IDX files for this split? The test half of MNIST-like sets is called t10k. */
static bool
find_idx(IdxPaths *p, const char *dir, const char *split)
{
    const char *prefix = strcmp(split, "test") == 0 ? "t10k" : split;
    snprintf(p->classes, PATH_SIZE, "%s/classes.txt", dir);
    return plain_or_gz(p->images, dir, prefix, "images-idx3-ubyte") &&
           plain_or_gz(p->labels, dir, prefix, "labels-idx1-ubyte");
}

/* text: one name per line. Every label must have one. */
static LimStatus
name_classes(LimDataset *d, const char *text, const char *from, LimError *err)
{
    int n = 0;
    for (const char *p = text; *p; p += strcspn(p, "\n"), p += *p == '\n')
        n++;
    if (n < d->classes || n > 256)
        return lim_fail(err, LIM_E_FORMAT,
                        "%s names %d classes, the labels need %d (at most 256); write one name per "
                        "line",
                        from, n, d->classes);
    free(d->class_names);
    d->classes = n;
    d->class_names = lim_alloc((size_t)n, sizeof *d->class_names);
    for (int k = 0; k < n; k++, text += strcspn(text, "\n"), text += *text == '\n')
        lim_text_clean(text, strcspn(text, "\n"), d->class_names[k], sizeof d->class_names[k]);
    return LIM_OK;
}

static LimStatus
name_from_file(LimDataset *d, const char *path, LimError *err)
{
    uint8_t *text;
    size_t size;
    LimStatus status = lim_file_read(path, 1 << 20, &text, &size, err);
    if (status == LIM_OK)
        status = name_classes(d, (const char *)text, path, err);
    free(text);
    return status;
}

static bool
has_fashion_labels(const LimDataset *d)
{
    uLong crc = crc32(0, d->labels, (uInt)d->n);
    for (size_t i = 0; i < sizeof fashion_labels / sizeof *fashion_labels; i++)
        if (crc == fashion_labels[i])
            return true;
    return false;
}

static LimStatus
name_fashion(LimDataset *d, const IdxPaths *p, LimError *err)
{
    if (d->h != 28 || d->w != 28)
        return lim_fail(
            err, LIM_E_FORMAT,
            "%s has pictures of %d x %d pixels, Fashion-MNIST has 28 x 28; fetch it again",
            p->images, d->w, d->h);
    snprintf(d->name, sizeof d->name, "fashion-mnist");
    return name_classes(d, fashion_classes, "Fashion-MNIST", err);
}

static LimDataset *
open_idx(const IdxPaths *p, const char *dir, const char *split, LimError *err)
{
    LimDataset *d = lim_dataset_idx(p->images, p->labels, err);
    if (!d)
        return NULL;
    LimStatus status = LIM_OK;
    lim_dataset_name_after(d, dir, split);
    if (has_fashion_labels(d))
        status = name_fashion(d, p, err);
    else if (is_file(p->classes))
        status = name_from_file(d, p->classes, err);
    if (status == LIM_OK)
        return d;
    lim_dataset_free(d);
    return NULL;
}

LimDataset *
lim_dataset_fashion_mnist(const char *dir, const char *split, LimError *err)
{
    IdxPaths p;
    const char *where = dir ? dir : DEBIAN_FOLDER;
    if (!find_idx(&p, where, split)) {
        lim_fail(err, LIM_E_IO,
                 "Fashion-MNIST (%s) is not in %s; install the package dataset-fashion-mnist or "
                 "give its folder with --data",
                 split, where);
        return NULL;
    }
    LimDataset *d = open_idx(&p, where, split, err);
    if (d && name_fashion(d, &p, err) != LIM_OK) {
        lim_dataset_free(d);
        return NULL;
    }
    return d;
}

LimDataset *
lim_dataset_open(const char *dir, const char *split, LimError *err)
{
    IdxPaths p;
    char half[PATH_SIZE], other[PATH_SIZE];
    if (!dir)
        return lim_dataset_fashion_mnist(NULL, split, err);
    if (find_idx(&p, dir, split))
        return open_idx(&p, dir, split, err);
    snprintf(half, sizeof half, "%s/train", dir);
    snprintf(other, sizeof other, "%s/test", dir);
    if (!is_folder(half) && !is_folder(other))
        return lim_dataset_folder(dir, err);
    snprintf(half, sizeof half, "%s/%s", dir, split);
    LimDataset *d = lim_dataset_folder(half, err);
    if (d)
        lim_dataset_name_after(d, dir, split);
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

/* Reads "0-6,8" into wanted [classes]; false: that is not what it says. */
static bool
read_classes(const char *text, int classes, bool *wanted)
{
    const char *at = text;
    do {
        char *end;
        const long first = strtol(at, &end, 10);
        long last = first;
        if (end == at || *at < '0' || *at > '9')
            return false;
        if (*end == '-') {
            at = end + 1;
            last = strtol(at, &end, 10);
            if (end == at || *at < '0' || *at > '9')
                return false;
        }
        if (last < first || last >= classes)
            return false;
        for (long k = first; k <= last; k++)
            wanted[k] = true;
        at = end + 1;
        if (*end != ',' && *end)
            return false;
        if (!*end)
            return true;
    } while (true);
}

uint32_t *
lim_dataset_of_classes(const LimDataset *d, const char *classes, int *n, LimError *err)
{
    bool *wanted = lim_alloc((size_t)d->classes, sizeof *wanted);
    uint32_t *index = NULL;
    *n = 0;
    if (*classes && !read_classes(classes, d->classes, wanted)) {
        lim_fail(err, LIM_E_PARAM,
                 "classes \"%.60s\": write numbers from 0 to %d and ranges of them, as in 0-2,5",
                 classes, d->classes - 1);
    } else {
        index = lim_alloc((size_t)d->n, sizeof *index);
        for (int i = 0; i < d->n; i++)
            if (!*classes || wanted[d->labels[i]])
                index[(*n)++] = (uint32_t)i;
        if (*n == 0) {
            lim_fail(err, LIM_E_PARAM, "%s has no picture of the classes %.60s", d->name, classes);
            free(index);
            index = NULL;
        }
    }
    free(wanted);
    return index;
}
