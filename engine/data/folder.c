/* A folder of PNG files with one sub-folder per class.
 *
 * Names are sorted bytewise, so the numbers of classes and pictures are the same on every machine.
 * Every picture is read as RGB; if none of them was stored with colour, one plane is kept. */
#include "data/dataset.h"
#include "tensor/png.h"
#include "tensor/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define PIXELS_MAX  ((size_t)1 << 30)
#define CLASSES_MAX 256 /* a label is a byte */

typedef struct Names {
    char **path; /* [n] */
    size_t n, room;
} Names;

static void
names_clear(Names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->path[i]);
    free(names->path);
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
is_png(const char *name)
{
    size_t n = strlen(name);
    return n > 4 && strcasecmp(name + n - 4, ".png") == 0;
}

/* Paths of the sub-folders, or of the PNG files, of dir; hidden ones are left out. */
static LimStatus
list(const char *dir, bool folders, Names *out, LimError *err)
{
    DIR *d = opendir(dir);
    if (!d)
        return lim_fail(err, LIM_E_IO, "cannot open the folder %s: %s; check the path", dir,
                        strerror(errno));
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.' || (!folders && !is_png(e->d_name)))
            continue;
        size_t size = strlen(dir) + strlen(e->d_name) + 2;
        char *path = lim_alloc(size, 1);
        snprintf(path, size, "%s/%s", dir, e->d_name);
        struct stat st;
        if (folders && (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))) {
            free(path);
            continue;
        }
        if (out->n == out->room) {
            out->room = 2 * out->room + 64;
            char **bigger = lim_alloc(out->room, sizeof *bigger);
            if (out->n)
                memcpy(bigger, out->path, out->n * sizeof *bigger);
            free(out->path);
            out->path = bigger;
        }
        out->path[out->n++] = path;
    }
    closedir(d);
    if (out->n)
        qsort(out->path, out->n, sizeof *out->path, by_name);
    return LIM_OK;
}

/* Appends one picture as three planes; the first one decides the size. */
static LimStatus
add_picture(LimDataset *d, size_t total, const char *path, int label, bool *colour, LimError *err)
{
    LimPng *png = lim_png_read(path, 3, err);
    if (!png)
        return LIM_E_FORMAT;
    LimStatus status = LIM_OK;
    LimImageView v = png->image;
    size_t bytes = 3 * (size_t)v.w * (size_t)v.h;
    if (!d->pixels) {
        d->h = v.h;
        d->w = v.w;
        d->pixels = total <= PIXELS_MAX / bytes ? lim_try_alloc(total, bytes) : NULL;
        if (!d->pixels)
            status = lim_fail(err, LIM_E_NOMEM,
                              "%zu pictures like %s (%d x %d) need more than the 1 GiB that a data "
                              "set may have; use fewer or smaller ones",
                              total, path, v.w, v.h);
    } else if (v.h != d->h || v.w != d->w) {
        status =
            lim_fail(err, LIM_E_SHAPE,
                     "%s has %d x %d pixels, the pictures before it have %d x %d; scale all to "
                     "one size",
                     path, v.w, v.h, d->w, d->h);
    }
    if (status == LIM_OK) {
        lim_image_get_u8(v, 3, d->pixels + (size_t)d->n * bytes);
        d->labels[d->n++] = (uint8_t)label;
        *colour = *colour || png->channels >= 3;
    }
    lim_png_free(png);
    return status;
}

static void
keep_one_plane(LimDataset *d)
{
    size_t plane = (size_t)d->h * (size_t)d->w;
    for (size_t i = 1; i < (size_t)d->n; i++)
        memcpy(d->pixels + i * plane, d->pixels + 3 * i * plane, plane);
    uint8_t *smaller = realloc(d->pixels, (size_t)d->n * plane);
    if (smaller)
        d->pixels = smaller;
    d->c = 1;
}

LimDataset *
lim_dataset_folder(const char *dir, LimError *err)
{
    Names classes = {0}, *files = NULL;
    LimDataset *d = NULL;
    size_t total = 0;
    bool colour = false;
    if (list(dir, true, &classes, err) != LIM_OK)
        return NULL;
    if (classes.n == 0 || classes.n > CLASSES_MAX) {
        lim_fail(err, LIM_E_FORMAT,
                 "%s has %zu sub-folders; a data set of pictures has one per class, 1 to %d", dir,
                 classes.n, CLASSES_MAX);
        goto failed;
    }
    files = lim_alloc(classes.n, sizeof *files);
    for (size_t k = 0; k < classes.n; k++) {
        if (list(classes.path[k], false, &files[k], err) != LIM_OK)
            goto failed;
        if (files[k].n == 0) {
            lim_fail(err, LIM_E_FORMAT, "%s has no PNG files; put pictures into it or remove it",
                     classes.path[k]);
            goto failed;
        }
        total += files[k].n;
    }
    if (total > PIXELS_MAX) {
        lim_fail(err, LIM_E_FORMAT, "%s has %zu pictures, more than can be held; use fewer", dir,
                 total);
        goto failed;
    }

    d = lim_alloc(1, sizeof *d);
    d->c = 3;
    d->classes = (int)classes.n;
    d->labels = lim_alloc(total, 1);
    d->class_names = lim_alloc(classes.n, sizeof *d->class_names);
    for (size_t k = 0; k < classes.n; k++) {
        const char *name = strrchr(classes.path[k], '/') + 1;
        lim_text_clean(name, strlen(name), d->class_names[k], sizeof d->class_names[k]);
        for (size_t i = 0; i < files[k].n; i++)
            if (add_picture(d, total, files[k].path[i], (int)k, &colour, err) != LIM_OK)
                goto failed;
    }
    if (!colour)
        keep_one_plane(d);
    lim_dataset_name_after(d, dir, "all");
    goto done;

failed:
    lim_dataset_free(d);
    d = NULL;
done:
    for (size_t k = 0; files && k < classes.n; k++)
        names_clear(&files[k]);
    free(files);
    names_clear(&classes);
    return d;
}
