/* limen-cli denoise: what a denoiser makes of a picture, and what a classifier says before and
 * after. The numbers describe the 8-bit picture that is written. */
#include "cli.h"
#include "models/denoiser.h"
#include "models/predictor.h"
#include "tensor/png.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SIDE 1024

typedef struct DenoiseFlags {
    char out[LIM_TEXT_MAX], classifier[LIM_TEXT_MAX];
} DenoiseFlags;

static const LimParamSpec flags_schema[] = {
    {.name = "out",
     .label = "Picture",
     .help = "The PNG file to write.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(DenoiseFlags, out),
     .def_text = "denoised.png"},
    {.name = "classifier",
     .label = "Classifier",
     .help = "Also say what this classifier file makes of both pictures, which must have its size. "
             "Empty: none.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(DenoiseFlags, classifier)},
    {0}};

/* "label (confidence)" of one picture. */
static json_t *
verdict(CliRun *run, LimPredictor *c, const float *x, LimError *err)
{
    const int classes = lim_predictor_classes(c);
    float *p = lim_alloc((size_t)classes, sizeof *p);
    json_t *result = NULL;
    if (lim_predictor_judge(c, &run->exec, x, 1, p, NULL, err) == LIM_OK) {
        int best = 0;
        for (int k = 1; k < classes; k++)
            if (p[k] > p[best])
                best = k;
        const char *name = lim_predictor_class_name(c, best);
        result = json_pack("{s:i, s:s, s:f}", "label", best, "class", name, "confidence",
                           (double)p[best]);
    }
    free(p);
    return result;
}

static LimStatus
judge_both(CliRun *run, const char *path, LimShape shape, const float *before, const float *after,
           json_t *result, LimError *err)
{
    LimPredictor *c = lim_predictor_load(path, err);
    if (!c)
        return err->code;
    const LimShape s = lim_predictor_image_shape(c);
    if (!lim_shape_equal(s, shape))
        lim_fail(err, LIM_E_SHAPE, "%s takes pictures of %dx%d pixels, this one has %dx%d.", path,
                 s.d[2], s.d[1], shape.d[2], shape.d[1]);
    json_t *first = err->code == LIM_OK ? verdict(run, c, before, err) : NULL;
    json_t *second = first ? verdict(run, c, after, err) : NULL;
    json_object_set_new(result, "before", first ? first : json_null());
    json_object_set_new(result, "after", second ? second : json_null());
    lim_predictor_free(c);
    return err->code;
}

static json_t *
denoise(CliRun *run, LimDenoiser *d, const LimPng *png, const DenoiseFlags *flags, LimError *err)
{
    const int c = lim_denoiser_params(d)->channels, h = png->image.h, w = png->image.w;
    const size_t n = (size_t)c * (size_t)h * (size_t)w;
    float *x = lim_alloc(n, sizeof *x), *y = lim_alloc(n, sizeof *y);
    uint8_t *bytes = lim_alloc(n, 1);
    json_t *result = NULL;
    LimImageView out = {0};
    lim_image_get_f32(png->image, c, LIM_RANGE_SIGNED, x);
    if (lim_denoiser_run(d, &run->exec, x, 1, h, w, y, err) == LIM_OK)
        out = lim_image_alloc(w, h, c == 1 ? LIM_PIXEL_GREY8 : LIM_PIXEL_RGB8, err);
    if (out.data) {
        lim_u8_from_f32(y, n, LIM_RANGE_SIGNED, bytes);
        lim_image_put_u8(out, c, bytes);
        lim_f32_from_u8(bytes, n, LIM_RANGE_SIGNED, y);
        double l2 = 0, linf = 0;
        for (size_t i = 0; i < n; i++) {
            const double step = ((double)y[i] - (double)x[i]) / 2; /* in [0,1] */
            l2 += step * step;
            linf = fmax(linf, fabs(step));
        }
        result =
            json_pack("{s:s, s:s, s:i, s:i, s:f, s:f}", "denoiser", run->args.operand[0], "picture",
                      flags->out, "width", w, "height", h, "l2", sqrt(l2), "linf", linf);
        LimStatus status = LIM_OK;
        if (*flags->classifier)
            status = judge_both(run, flags->classifier, LIM_SHAPE3(c, h, w), x, y, result, err);
        if (status == LIM_OK)
            status = lim_png_write(flags->out, out, NULL, 0, err);
        if (status != LIM_OK) {
            json_decref(result);
            result = NULL;
        }
    }
    free(out.data);
    free(bytes);
    free(x);
    free(y);
    return result;
}

static json_t *
run_denoise(CliRun *run, LimError *err)
{
    const DenoiseFlags *flags = cli_args_values(&run->args, flags_schema);
    const char *picture = run->args.operand[1];
    if (cli_check_picture(flags->out, err) != LIM_OK)
        return NULL;
    LimDenoiser *d = lim_denoiser_load(run->args.operand[0], err);
    if (!d)
        return NULL;
    json_t *result = NULL;
    const int channels = lim_denoiser_params(d)->channels;
    LimPng *png = NULL;
    if (channels == 2)
        lim_fail(err, LIM_E_UNSUPPORTED,
                 "%s is for pictures of two channels; a PNG here has one or three.",
                 run->args.operand[0]);
    else
        png = lim_png_read(picture, channels, err);
    if (png && (png->image.w > MAX_SIDE || png->image.h > MAX_SIDE))
        lim_fail(err, LIM_E_SHAPE, "%s has %dx%d pixels; the largest is %dx%d.", picture,
                 png->image.w, png->image.h, MAX_SIDE, MAX_SIDE);
    else if (png)
        result = denoise(run, d, png, flags, err);
    lim_png_free(png);
    lim_denoiser_free(d);
    return result;
}

static const CliPiece pieces[] = {{"Denoise", flags_schema, sizeof(DenoiseFlags)}, {0}};
const CliCommand cli_denoise = {
    .name = "denoise",
    .summary = "Cleans a picture with a denoiser",
    .text =
        "MODEL is a file written by `limen-cli train denoiser`, PICTURE a PNG of any size up to "
        "1024x1024.",
    .operands = "MODEL PICTURE",
    .min_operands = 2,
    .max_operands = 2,
    .pieces = pieces,
    .run = run_denoise,
};
