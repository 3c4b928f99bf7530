/* Sheets of samples that carry their settings. */
#include "models/samplefile.h"

#include "tensor/png.h"
#include "tensor/text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const LimSampleMember none[] = {{0}};

char *
lim_samplefile_text(const char *model_path, const LimSampleRequest *request,
                    const LimSampleMember *members)
{
    const char *slash = strrchr(model_path, '/');
    char model[LIM_TEXT_MAX];
    lim_text_clean(slash ? slash + 1 : model_path, strlen(slash ? slash + 1 : model_path), model,
                   sizeof model);
    json_t *object = json_pack("{s:s, s:s, s:o}", "view", "generate", "model", model, "settings",
                               lim_params_to_json(lim_sample_schema, request));
    for (const LimSampleMember *m = members; m->name; m++)
        json_object_set_new(object, m->name, lim_params_to_json(m->schema, m->values));
    char *text = json_dumps(object, 0);
    LIM_ASSERT(text);
    json_decref(object);
    return text;
}

LimStatus
lim_samplefile_write_sheet(const char *path, const LimTensor *image, const char *model_path,
                           const LimSampleRequest *request, int scale, int columns, LimError *err)
{
    const LimShape s = lim_tensor_shape(image);
    LIM_ASSERT(s.nd == 4);
    const LimSheet sheet = {.n = s.d[0],
                            .c = s.d[1],
                            .h = s.d[2],
                            .w = s.d[3],
                            .columns = columns,
                            .gap = LIM_SAMPLE_GAP,
                            .scale = scale,
                            .background = {255, 255, 255, 255}};
    int w, h;
    LimStatus status = lim_sheet_size(&sheet, &w, &h, err);
    if (status != LIM_OK)
        return status;
    LimImageView view = lim_image_alloc(w, h, sheet.c == 1 ? LIM_PIXEL_GREY8 : LIM_PIXEL_RGB8, err);
    if (!view.data)
        return err ? err->code : LIM_E_NOMEM;
    lim_sheet_draw(&sheet, lim_tensor_f32(image), LIM_RANGE_SIGNED, view);

    char *settings = lim_samplefile_text(model_path, request, none);
    const LimPngText texts[] = {{"Software", "Limen"}, {LIM_SAMPLE_KEY, settings}};
    status = lim_png_write(path, view, texts, 2, err);
    free(settings);
    free(view.data);
    return status;
}

LimStatus
lim_samplefile_write(const char *path, const LimTensor *image, const char *model_path,
                     const LimSampleRequest *request, LimError *err)
{
    return lim_samplefile_write_sheet(path, image, model_path, request, LIM_SAMPLE_SCALE, 0, err);
}

LimStatus
lim_samplefile_read_with(const char *path, LimSampleRequest *request,
                         const LimSampleMember *members, char model[LIM_TEXT_MAX], LimError *err)
{
    LimPng *png = lim_png_read(path, 0, err);
    if (!png)
        return err ? err->code : LIM_E_FORMAT;
    const char *text = lim_png_text(png, LIM_SAMPLE_KEY);
    json_t *object = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const json_t *settings = json_object_get(object, "settings");
    const char *view = json_string_value(json_object_get(object, "view"));
    LimStatus status;

    if (!json_is_object(settings) || !view || strcmp(view, "generate") != 0) {
        status = lim_fail(err, LIM_E_FORMAT,
                          "%s carries no settings of Limen's samples; take a picture that was "
                          "exported from Generate",
                          path);
    } else {
        lim_params_init(lim_sample_schema, request);
        status = lim_params_from_json(lim_sample_schema, request, settings, err);
        if (status == LIM_OK)
            status = lim_sample_check(request, err);
        for (const LimSampleMember *m = members; m->name && status == LIM_OK; m++) {
            const json_t *more = json_object_get(object, m->name);
            lim_params_init(m->schema, m->values);
            status = json_is_object(more)
                         ? lim_params_from_json(m->schema, m->values, more, err)
                         : lim_fail(err, LIM_E_FORMAT, "%s carries no settings of the kind \"%s\"",
                                    path, m->name);
        }
        const char *file = json_string_value(json_object_get(object, "model"));
        if (model)
            lim_text_clean(file ? file : "", file ? strlen(file) : 0, model, LIM_TEXT_MAX);
    }
    json_decref(object);
    lim_png_free(png);
    return status;
}

LimStatus
lim_samplefile_read(const char *path, LimSampleRequest *request, char model[LIM_TEXT_MAX],
                    LimError *err)
{
    return lim_samplefile_read_with(path, request, none, model, err);
}
