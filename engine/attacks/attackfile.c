/* No path of a machine and no time goes into the file: equal attacks are equal bytes. */
#include "attacks/attackfile.h"

#include "models/samplefile.h"
#include "tensor/npy.h"
#include "tensor/png.h"
#include "tensor/text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char *
last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static json_t *
name_json(const char *path)
{
    char text[LIM_TEXT_MAX];
    lim_text_clean(last_part(path), strlen(last_part(path)), text, sizeof text);
    return json_string(text);
}

static char *
about_text(const LimAttackAbout *a, const LimAttackResult *r)
{
    char seed[24];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)a->seed); /* JSON ends at 2^63 */
    json_t *o = json_pack("{s:s, s:s, s:o, s:o, s:I, s:i, s:i, s:I, s:I, s:s, s:o}", "view",
                          "attack", "attack", a->klass->name, "model", name_json(a->model), "from",
                          name_json(a->from), "picture", (json_int_t)a->picture, "right", a->right,
                          "target", a->target, "queries", (json_int_t)a->queries, "lattice",
                          (json_int_t)a->lattice, "seed", seed, "settings",
                          a->klass->schema ? lim_params_to_json(a->klass->schema, a->params)
                                           : json_object());
    json_t *result = json_pack("{s:s, s:i, s:f, s:f, s:f, s:I, s:I, s:b, s:i, s:f}", "status",
                               lim_attack_status_names[r->status], "label", r->label, "l2", r->l2,
                               "linf", r->linf, "mse", r->mse, "queries", (json_int_t)r->queries,
                               "gradients", (json_int_t)r->gradients, "fools8", r->fools8, "label8",
                               r->label8, "l2_8", r->l2_8);
    LIM_ASSERT(o && result);
    if (a->denoiser) {
        json_object_set_new(o, "denoiser", name_json(a->denoiser));
        json_object_set_new(o, "oblivious", json_boolean(a->oblivious));
    }
    json_object_set_new(o, "result", result);
    char *text = json_dumps(o, 0);
    LIM_ASSERT(text);
    json_decref(o);
    return text;
}

LimStatus
lim_attackfile_write(const char *path, const LimAttackAbout *about, LimShape s,
                     const LimAttackResult *r, LimError *err)
{
    LimImageView view =
        lim_image_alloc(s.d[2], s.d[1], s.d[0] == 1 ? LIM_PIXEL_GREY8 : LIM_PIXEL_RGB8, err);
    if (!view.data)
        return err ? err->code : LIM_E_FORMAT;
    lim_image_put_f32(view, s.d[0], LIM_RANGE_UNIT, r->image8);
    char *settings = about_text(about, r);
    const LimPngText texts[] = {{"Software", "Limen"}, {LIM_SAMPLE_KEY, settings}};
    LimStatus status = lim_png_write(path, view, texts, 2, err);
    free(settings);
    free(view.data);
    if (status != LIM_OK)
        return status;

    size_t length = strlen(path);
    char *npy = lim_alloc(length + sizeof ".npy", 1);
    memcpy(npy, path, length);
    if (length > 4 && strcmp(path + length - 4, ".png") == 0)
        length -= 4;
    memcpy(npy + length, ".npy", sizeof ".npy");
    status = lim_npy_write_f32(npy, s, r->image, err);
    free(npy);
    return status;
}

static LimStatus
parse(const json_t *o, const char *path, LimAttackRead *out, LimError *err)
{
    const char *view = json_string_value(json_object_get(o, "view"));
    const char *name = json_string_value(json_object_get(o, "attack"));
    const char *model = json_string_value(json_object_get(o, "model"));
    const char *from = json_string_value(json_object_get(o, "from"));
    const char *seed = json_string_value(json_object_get(o, "seed"));
    const char *denoiser = json_string_value(json_object_get(o, "denoiser"));
    const json_t *settings = json_object_get(o, "settings");
    const json_int_t picture = json_integer_value(json_object_get(o, "picture"));
    const json_int_t target = json_integer_value(json_object_get(o, "target"));

    if (!view || strcmp(view, "attack") != 0 || !name || !model || !from || !seed ||
        !json_is_object(settings) || picture < 0 || picture > UINT32_MAX || target < -1 ||
        target > 9999)
        return lim_fail(err, LIM_E_FORMAT,
                        "%s carries no settings of an attack; take a picture that was exported "
                        "from Attack",
                        path);
    out->klass = lim_attack_find(name);
    if (!out->klass)
        return lim_fail(err, LIM_E_FORMAT, "%s was made by an attack that this program has not",
                        path);
    lim_text_clean(model, strlen(model), out->model, sizeof out->model);
    lim_text_clean(from, strlen(from), out->from, sizeof out->from);
    if (denoiser)
        lim_text_clean(denoiser, strlen(denoiser), out->denoiser, sizeof out->denoiser);
    out->oblivious = denoiser && json_is_true(json_object_get(o, "oblivious"));
    out->picture = (uint32_t)picture;
    out->target = (int)target;
    out->queries = json_integer_value(json_object_get(o, "queries"));
    out->lattice = json_integer_value(json_object_get(o, "lattice"));
    out->seed = strtoull(seed, NULL, 10);
    if (!out->klass->schema)
        return LIM_OK;
    out->params = lim_alloc(1, out->klass->params_size);
    lim_params_init(out->klass->schema, out->params);
    LimStatus status = lim_params_from_json(out->klass->schema, out->params, settings, err);
    if (status == LIM_OK)
        status = lim_params_check(out->klass->schema, out->params, err);
    if (status != LIM_OK) {
        free(out->params);
        out->params = NULL;
    }
    return status;
}

LimStatus
lim_attackfile_read(const char *path, LimAttackRead *out, LimError *err)
{
    LimError local = LIM_ERROR_INIT;
    if (!err)
        err = &local;
    *out = (LimAttackRead){.klass = NULL};
    LimPng *png = lim_png_read(path, 0, err);
    if (!png)
        return err ? err->code : LIM_E_FORMAT;
    const char *text = lim_png_text(png, LIM_SAMPLE_KEY);
    json_t *o = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const LimStatus status = parse(o, path, out, err);
    json_decref(o);
    lim_png_free(png);
    return status;
}

/* The side of the squares that stand for one pixel, as in exported samples; 1 when there are none.
 */
static int
magnification(LimImageView v, int w)
{
    const int scale = v.w / w;
    const size_t bytes = (size_t)lim_pixel_bytes(v.format);
    if (scale < 2 || v.w % w || v.h % scale)
        return 1;
    for (int y = 0; y < v.h; y++)
        for (int x = 0; x < v.w; x++)
            if (memcmp(v.data + (size_t)y * v.stride + (size_t)x * bytes,
                       v.data + (size_t)(y - y % scale) * v.stride +
                           (size_t)(x - x % scale) * bytes,
                       bytes) != 0)
                return 1;
    return scale;
}

LimStatus
lim_attackfile_picture(const char *path, LimShape s, float *out, LimError *err)
{
    const int c = s.d[0], h = s.d[1], w = s.d[2];
    LimPng *png = lim_png_read(path, c, err);
    if (!png)
        return err ? err->code : LIM_E_FORMAT;
    const int scale = magnification(png->image, w);
    const int ih = png->image.h / scale, iw = png->image.w / scale;
    if (ih > h || iw > w) {
        lim_png_free(png);
        return lim_fail(err, LIM_E_SHAPE,
                        "%s has %dx%d pixels; the model takes pictures of up to %dx%d", path, iw,
                        ih, w, h);
    }
    float *planes =
        lim_alloc((size_t)c * (size_t)png->image.h * (size_t)png->image.w, sizeof *planes);
    lim_image_get_f32(png->image, c, LIM_RANGE_UNIT, planes);
    memset(out, 0, (size_t)lim_shape_size(s) * sizeof *out);
    for (int k = 0; k < c; k++)
        for (int y = 0; y < ih; y++)
            for (int x = 0; x < iw; x++)
                out[(k * h + y + (h - ih) / 2) * w + x + (w - iw) / 2] =
                    planes[(k * png->image.h + y * scale) * png->image.w + x * scale];
    free(planes);
    lim_png_free(png);
    return LIM_OK;
}
