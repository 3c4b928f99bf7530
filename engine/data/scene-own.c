/* Pictures without a truth. */
#include "data/scene-own.h"

#include "tensor/png.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST 40 /* pixels of a garment, as in scenes that the program draws */

/* The mean of plane [h][w] over the rectangle x0 .. x1, y0 .. y1, borders counted in part. */
static double
mean(const float *plane, int w, double x0, double y0, double x1, double y1)
{
    double sum = 0, weight = 0;
    for (int y = (int)y0; y < y1; y++)
        for (int x = (int)x0; x < x1; x++) {
            const double part = (fmin(x + 1, x1) - fmax(x, x0)) * (fmin(y + 1, y1) - fmax(y, y0));
            sum += part * (double)plane[y * w + x];
            weight += part;
        }
    return sum / weight;
}

LimStatus
lim_scene_read(const char *path, int size, float *x, LimError *err)
{
    LimError local = LIM_ERROR_INIT;
    LimPng *png = lim_png_read(path, 3, err ? err : &local);
    if (!png)
        return err ? err->code : local.code;
    const int w = png->image.w, h = png->image.h, side = w < h ? w : h;
    const double left = (w - side) / 2, top = (h - side) / 2, step = (double)side / size;
    float *planes = lim_alloc(3 * (size_t)w * (size_t)h, sizeof *planes);
    lim_image_get_f32(png->image, 3, LIM_RANGE_UNIT, planes);
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < size * size; i++) {
            const double x0 = left + i % size * step, y0 = top + i / size * step;
            const double v =
                side <= size /* a source pixel is larger than one of ours */
                    ? (double)planes[(c * h + (int)(y0 + 0.5 * step)) * w + (int)(x0 + 0.5 * step)]
                    : mean(planes + (size_t)c * (size_t)h * (size_t)w, w, x0, y0,
                           fmin(x0 + step, w), fmin(y0 + step, h));
            x[c * size * size + i] = (float)rint(255 * v) / 127.5f - 1;
        }
    free(planes);
    lim_png_free(png);
    return LIM_OK;
}

/* Adds the part of the mask that pixel `at` belongs to; seen: pixels that are done. */
static void
add_part(const int32_t *mask, int size, int at, bool *seen, int *queue, LimScene *scene)
{
    LimSceneObject o = {.label = mask[at], .box = {(float)size, (float)size, 0, 0}};
    int n = 1;
    queue[0] = at;
    seen[at] = true;
    for (int i = 0; i < n; i++) {
        const int x = queue[i] % size, y = queue[i] / size;
        static const int dx[] = {1, -1, 0, 0}, dy[] = {0, 0, 1, -1};
        o.box[0] = fminf(o.box[0], (float)x);
        o.box[1] = fminf(o.box[1], (float)y);
        o.box[2] = fmaxf(o.box[2], (float)x + 1);
        o.box[3] = fmaxf(o.box[3], (float)y + 1);
        for (int k = 0; k < 4; k++) {
            const int nx = x + dx[k], ny = y + dy[k], to = ny * size + nx;
            if (nx >= 0 && ny >= 0 && nx < size && ny < size && !seen[to] && mask[to] == o.label) {
                seen[to] = true;
                queue[n++] = to;
            }
        }
    }
    o.pixels = n;
    if (n < LEAST)
        return;
    int place = scene->n;
    while (place > 0 && scene->object[place - 1].pixels < n)
        place--;
    if (place == LIM_SCENE_GARMENTS)
        return;
    if (scene->n < LIM_SCENE_GARMENTS)
        scene->n++;
    for (int k = scene->n - 1; k > place; k--)
        scene->object[k] = scene->object[k - 1];
    scene->object[place] = o;
}

void
lim_scene_of_mask(const int32_t *mask, int size, LimScene *scene)
{
    const size_t area = (size_t)size * (size_t)size;
    bool *seen = lim_alloc(area, sizeof *seen);
    int *queue = lim_alloc(area, sizeof *queue);
    memset(scene, 0, sizeof *scene);
    for (int i = 0; i < size * size; i++)
        if (mask[i] > 0 && !seen[i])
            add_part(mask, size, i, seen, queue, scene);
    free(seen);
    free(queue);
}

LimStatus
lim_scene_read_mask(const char *path, int size, int classes, int32_t *mask, LimError *err)
{
    LimError local = LIM_ERROR_INIT;
    LimPng *png = lim_png_read(path, 1, err ? err : &local);
    if (!png)
        return err ? err->code : local.code;
    const LimImageView v = png->image;
    LimStatus status = LIM_OK;
    if (v.w != size || v.h != size)
        status =
            lim_fail(err, LIM_E_SHAPE,
                     "%s has %dx%d pixels; a segmentation has one for each of the %dx%d of the "
                     "scene",
                     path, v.w, v.h, size, size);
    for (int i = 0; i < size * size && status == LIM_OK; i++) {
        mask[i] = v.data[(size_t)(i / size) * v.stride + (size_t)(i % size)];
        if (mask[i] >= classes)
            status = lim_fail(err, LIM_E_PARAM,
                              "%s has the value %d at column %d, row %d; classes are 0 to %d", path,
                              mask[i], i % size, i / size, classes - 1);
    }
    lim_png_free(png);
    return status;
}

LimStatus
lim_scene_write_mask(const char *path, int size, const int32_t *mask, LimError *err)
{
    LimImageView v = lim_image_alloc(size, size, LIM_PIXEL_GREY8, err);
    if (!v.data)
        return LIM_E_SHAPE;
    for (int i = 0; i < size * size; i++)
        v.data[(size_t)(i / size) * v.stride + (size_t)(i % size)] = (uint8_t)mask[i];
    const LimStatus status = lim_png_write(path, v, NULL, 0, err);
    free(v.data);
    return status;
}
