/* Files of universal perturbations. What is read is hostile. */
#include "attacks/universalfile.h"

#include "models/samplefile.h"
#include "tensor/png.h"
#include "tensor/safetensors.h"
#include "tensor/text.h"
#include "train/checkpoint.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing ----------------------------------------------------------------------------------
 */

static json_t *
text_json(const char *text)
{
    char clean[LIM_TEXT_MAX];
    lim_text_clean(text, strlen(text), clean, sizeof clean);
    return json_string(clean);
}

static json_t *
about_json(const LimUniversalAbout *a)
{
    char hash[24];
    const char *slash = strrchr(a->model, '/');
    snprintf(hash, sizeof hash, "%016" PRIx64, a->hash);
    json_t *o =
        json_pack("{s:o, s:o, s:s, s:o, s:i, s:i, s:i}", "settings",
                  lim_params_to_json(lim_universal_schema, a->params), "model",
                  text_json(slash ? slash + 1 : a->model), "hash", hash, "data", text_json(a->data),
                  "pictures", a->pictures, "first", a->first, "unseen", a->unseen);
    LIM_ASSERT(o);
    return o;
}

static char *
take_text(json_t *o)
{
    char *text = json_dumps(o, 0);
    LIM_ASSERT(text);
    json_decref(o);
    return text;
}

LimStatus
lim_universalfile_write(const char *path, const LimUniversalAbout *about, const LimUniversal *u,
                        LimError *err)
{
    json_t *o = about_json(about), *passes = json_array();
    for (int i = 0; i < lim_universal_passes(u); i++) {
        const LimUniversalPass *p = lim_universal_pass(u, i);
        json_array_append_new(passes,
                              json_pack("{s:f, s:o}", "ratio", p->ratio, "unseen",
                                        isnan(p->unseen) ? json_null() : json_real(p->unseen)));
    }
    json_object_set_new(o, "best", json_integer(lim_universal_best_pass(u)));
    json_object_set_new(o, "passes", passes);
    json_object_set_new(o, "command", text_json(about->command));
    char *text = take_text(o);
    LimStWriter *w = lim_st_writer_new();
    lim_st_writer_metadata(w, LIM_UNIVERSALFILE_KEY, text);
    lim_st_writer_add(w, "v", LIM_F32, lim_universal_shape(u), lim_universal_best(u), false);
    free(text);
    return lim_st_writer_finish(w, path, err);
}

LimStatus
lim_universalfile_png(const char *path, LimShape s, const float *v, const LimUniversalAbout *about,
                      LimError *err)
{
    const size_t size = (size_t)lim_shape_size(s);
    LimImageView view =
        lim_image_alloc(s.d[2], s.d[1], s.d[0] == 1 ? LIM_PIXEL_GREY8 : LIM_PIXEL_RGB8, err);
    if (!view.data)
        return err ? err->code : LIM_E_FORMAT;
    float largest = 0, *shown = lim_alloc(size, sizeof *shown);
    for (size_t j = 0; j < size; j++)
        largest = fmaxf(largest, fabsf(v[j]));
    const float gain = largest > 0 ? 1 / largest : 1;
    for (size_t j = 0; j < size; j++)
        shown[j] = (128 + 127 * gain * v[j]) / 255;
    lim_image_put_f32(view, s.d[0], LIM_RANGE_UNIT, shown);
    json_t *o = about_json(about);
    json_object_set_new(o, "view", json_string("universal"));
    json_object_set_new(o, "gain", json_real((double)gain));
    char *text = take_text(o);
    const LimPngText texts[] = {{"Software", "Limen"}, {LIM_SAMPLE_KEY, text}};
    const LimStatus status = lim_png_write(path, view, texts, 2, err);
    free(text);
    free(shown);
    free(view.data);
    return status;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

static bool
copy_text(const json_t *o, const char *key, char out[LIM_TEXT_MAX])
{
    const char *text = json_string_value(json_object_get(o, key));
    if (text)
        lim_text_clean(text, strlen(text), out, LIM_TEXT_MAX);
    return text != NULL;
}

/* A ratio of the best pass; NaN when the file does not say it. */
static double
ratio_of(const json_t *o, const char *key)
{
    const json_int_t best = json_integer_value(json_object_get(o, "best"));
    const json_t *pass =
        best < 0 ? NULL : json_array_get(json_object_get(o, "passes"), (size_t)best);
    const double ratio = json_number_value(json_object_get(pass, key));
    return json_is_number(json_object_get(pass, key)) && ratio >= 0 && ratio <= 1 ? ratio
                                                                                  : (double)NAN;
}

static bool
number_of(const json_t *o, const char *key, int *out)
{
    const json_int_t n = json_integer_value(json_object_get(o, key));
    *out = (int)n;
    return n >= 0 && n <= INT32_MAX;
}

static LimStatus
read_about(json_t *o, const char *name, LimUniversalFile *f, LimError *err)
{
    json_t *settings = json_object_get(o, "settings");
    const char *hash = json_string_value(json_object_get(o, "hash"));
    if (!json_is_object(settings) || !hash || !copy_text(o, "model", f->model) ||
        !copy_text(o, "data", f->data) || !copy_text(o, "command", f->command) ||
        !number_of(o, "pictures", &f->pictures) || !number_of(o, "unseen", &f->n_unseen))
        return lim_fail(err, LIM_E_FORMAT,
                        "%s holds no universal perturbation; give a file that `limen-cli universal "
                        "make` or the Universal view has written",
                        name);
    f->hash = strtoull(hash, NULL, 16);
    f->ratio = ratio_of(o, "ratio");
    f->unseen = ratio_of(o, "unseen");
    lim_settings_complete(settings, lim_universal_schema);
    LimStatus status = lim_params_from_json(lim_universal_schema, &f->params, settings, err);
    return status == LIM_OK ? lim_params_check(lim_universal_schema, &f->params, err) : status;
}

static LimStatus
read_v(const LimStFile *st, const char *name, LimUniversalFile *f, LimError *err)
{
    LimTensor *t = lim_st_get(st, "v", err);
    if (!t)
        return err->code;
    f->shape = lim_tensor_shape(t);
    const bool right = lim_tensor_type(t) == LIM_F32 && f->shape.nd == 3 &&
                       (f->shape.d[0] == 1 || f->shape.d[0] == 3) && lim_tensor_size(t) > 0;
    if (right) {
        const size_t size = (size_t)lim_tensor_size(t);
        float *zero = lim_alloc(size, sizeof *zero);
        f->v = lim_memdup(lim_tensor_f32(t), size, sizeof *f->v);
        f->l2 = lim_l2(f->v, zero, size);
        f->linf = lim_linf(f->v, zero, size);
        free(zero);
    }
    lim_tensor_unref(t);
    const double norm = f->params.norm == LIM_NORM_L2 ? f->l2 : f->linf;
    if (!right || !isfinite(f->l2) || !(norm <= f->params.xi * (1 + 1e-5)))
        return lim_fail(err, LIM_E_FORMAT,
                        right ? "%s holds a perturbation that is not within its bound; make it anew"
                              : "%s holds no perturbation of a picture; make it anew",
                        name);
    return LIM_OK;
}

/* st is taken. */
static LimStatus
read_file(LimStFile *st, const char *name, LimUniversalFile *out, LimError *err)
{
    if (!st)
        return err->code;
    const char *text = lim_st_metadata(st, LIM_UNIVERSALFILE_KEY);
    json_t *o = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    lim_params_init(lim_universal_schema, &out->params);
    LimStatus status = read_about(o, name, out, err);
    if (status == LIM_OK)
        status = read_v(st, name, out, err);
    json_decref(o);
    lim_st_free(st);
    if (status != LIM_OK)
        lim_universalfile_clear(out);
    return status;
}

LimStatus
lim_universalfile_read(const char *path, LimUniversalFile *out, LimError *err)
{
    LimError local = LIM_ERROR_INIT;
    *out = (LimUniversalFile){.v = NULL};
    err = err ? err : &local;
    return read_file(lim_st_open(path, err), path, out, err);
}

LimStatus
lim_universalfile_parse(const uint8_t *data, size_t size, const char *name, LimUniversalFile *out,
                        LimError *err)
{
    LimError local = LIM_ERROR_INIT;
    *out = (LimUniversalFile){.v = NULL};
    err = err ? err : &local;
    return read_file(lim_st_parse(data, size, name, err), name, out, err);
}

void
lim_universalfile_clear(LimUniversalFile *f)
{
    free(f->v);
    f->v = NULL;
}
