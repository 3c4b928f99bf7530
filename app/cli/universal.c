/* limen-cli universal make, universal apply: one perturbation for all pictures, and what it does to
 * some. */
#include "universal-run.h"
#include "attacks/attackfile.h"
#include "base/file.h"
#include "models/samplefile.h"
#include "tensor/npy.h"
#include "tensor/png.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- make -------------------------------------------------------------------------------------
 */

typedef struct MakeFlags {
    char model[LIM_TEXT_MAX], out[LIM_TEXT_MAX], checkpoint[LIM_TEXT_MAX];
    int pictures, first, unseen;
} MakeFlags;

static const LimParamSpec make_schema[] = {
    {.name = "model",
     .label = "Classifier",
     .help = "A file written by `limen-cli train classifier`. Empty: the one that comes with the "
             "program.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(MakeFlags, model)},
    {.name = "pictures",
     .label = "Pictures",
     .help = "How many of the training split v is made from.",
     .unit = "pictures",
     .kind = LIM_INT,
     .offset = offsetof(MakeFlags, pictures),
     .min = 1,
     .max = 1e6,
     .def = 1000},
    {.name = "first",
     .label = "First picture",
     .help = "Number in the training split.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(MakeFlags, first),
     .max = 1e9},
    {.name = "unseen",
     .label = "Unseen",
     .help = "How many of the test split v is also measured on.",
     .unit = "pictures",
     .kind = LIM_INT,
     .offset = offsetof(MakeFlags, unseen),
     .max = 1e6,
     .def = 1000},
    {.name = "out",
     .label = "File",
     .help = "Where to write v, ending in .safetensors; beside it come a PNG file of it and the "
             "values as .npy. Empty: nothing is written.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(MakeFlags, out)},
    {.name = "checkpoint",
     .label = "Checkpoint",
     .help = "A file to go on from when it is there, and to write to.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(MakeFlags, checkpoint)},
    {0}};

/* path with its ending replaced. */
static void
beside(const char *path, const char *ending, char out[LIM_TEXT_MAX + 16])
{
    const size_t n = strlen(path), cut = strlen(".safetensors");
    const bool has = n > cut && strcmp(path + n - cut, ".safetensors") == 0;
    snprintf(out, LIM_TEXT_MAX + 16, "%.*s%s", (int)(has ? n - cut : n), path, ending);
}

static LimStatus
write_all(const MakeFlags *f, const LimUniversalAbout *about, const LimUniversal *u, LimError *err)
{
    char path[LIM_TEXT_MAX + 16];
    LimStatus status = lim_universalfile_write(f->out, about, u, err);
    beside(f->out, ".png", path);
    if (status == LIM_OK)
        status =
            lim_universalfile_png(path, lim_universal_shape(u), lim_universal_best(u), about, err);
    beside(f->out, ".npy", path);
    if (status == LIM_OK)
        status = lim_npy_write_f32(path, lim_universal_shape(u), lim_universal_best(u), err);
    return status;
}

/* What noise does to the unseen pictures: of equal norm, and v permuted. */
static LimStatus
measure_noise(CliRun *run, LimVictim *victim, const LimUniversalParams *p,
              const CliPictures *unseen, const float *v, double *random, double *permuted,
              LimError *err)
{
    int32_t *own = lim_alloc((size_t)unseen->n, sizeof *own);
    LimStatus status =
        lim_universal_labels(victim, &run->exec, unseen->image, unseen->n, NULL, 0, own, err);
    if (status == LIM_OK)
        status = cli_universal_noise(run, victim, unseen, own, NULL, (LimNorm)p->norm, p->xi,
                                     random, err);
    if (status == LIM_OK)
        status = cli_universal_noise(run, victim, unseen, own, v, 0, 0, permuted, err);
    free(own);
    return status;
}

static json_t *
or_null(double value)
{
    return isnan(value) ? json_null() : json_real(value);
}

static json_t *
report(const LimUniversalParams *p, const char *model, const LimUniversal *u)
{
    const LimUniversalNow now = lim_universal_now(u);
    const int n = lim_universal_passes(u);
    if (n == 0)
        return json_object();
    const LimUniversalPass *best = lim_universal_pass(u, lim_universal_best_pass(u));
    json_t *passes = json_array();
    for (int i = 0; i < n; i++) {
        const LimUniversalPass *h = lim_universal_pass(u, i);
        json_array_append_new(passes,
                              json_pack("{s:i, s:f, s:o, s:i, s:f, s:f}", "pass", i, "fooled",
                                        h->ratio, "unseen", or_null(h->unseen), "additions",
                                        h->additions, "l2", h->l2, "linf", h->linf));
    }
    return json_pack("{s:s, s:s, s:s, s:f, s:f, s:o, s:f, s:f, s:i, s:I, s:I, s:o}", "model", model,
                     "method", lim_universal_methods[p->method], "norm",
                     p->norm == LIM_NORM_L2 ? "l2" : "linf", "xi", p->xi, "fooled", best->ratio,
                     "unseen", or_null(best->unseen), "l2", best->l2, "linf", best->linf, "best",
                     lim_universal_best_pass(u), "queries", (json_int_t)now.queries, "gradients",
                     (json_int_t)now.gradients, "passes", passes);
}

static json_t *
make(CliRun *run, const LimUniversalParams *p, const MakeFlags *f, const char *path,
     LimPredictor *model, LimError *err)
{
    CliUniversalSets sets;
    if (cli_universal_sets(run, model, f->first, f->pictures, f->unseen, &sets, err) != LIM_OK)
        return NULL;
    LimVictim *victim = lim_victim_new(model, LIM_ACCESS_GRADIENT);
    const double start = cli_seconds();
    LimUniversal *u = cli_make_universal(run, p, model, victim, &sets, sets.x.n,
                                         *f->checkpoint ? f->checkpoint : NULL, err);
    json_t *result = u ? report(p, path, u) : NULL, *command = cli_command(run);
    LimError failed = LIM_ERROR_INIT;
    if (u) {
        json_object_set_new(result, "seconds", json_real(cli_seconds() - start));
        const LimUniversalAbout about = {.params = p,
                                         .model = path,
                                         .hash = lim_predictor_hash(model),
                                         .data = sets.data,
                                         .pictures = sets.x.n,
                                         .first = f->first,
                                         .unseen = sets.unseen.n,
                                         .command = json_string_value(command)};
        double random = NAN, permuted = NAN;
        if (*f->out)
            write_all(f, &about, u, &failed);
        if (sets.unseen.n && err->code == LIM_OK && failed.code == LIM_OK)
            measure_noise(run, victim, p, &sets.unseen, lim_universal_best(u), &random, &permuted,
                          &failed);
        json_object_set_new(result, "random", or_null(random));
        json_object_set_new(result, "permuted", or_null(permuted));
        lim_task_free(lim_universal_task(u));
    }
    if (result)
        json_object_set(result, "command", command);
    json_decref(command);
    if (failed.code != LIM_OK) {
        json_decref(result);
        result = NULL;
        *err = failed;
    }
    lim_victim_free(victim);
    cli_universal_sets_clear(&sets);
    return result;
}

static json_t *
run_make(CliRun *run, LimError *err)
{
    const MakeFlags *f = cli_args_values(&run->args, make_schema);
    LimUniversalParams p = *(LimUniversalParams *)cli_args_values(&run->args, lim_universal_schema);
    char path[LIM_TEXT_MAX];
    cli_resource(f->model, "fashion-classifier.safetensors", path);
    LimPredictor *model = lim_predictor_load(path, err);
    json_t *result = model ? make(run, &p, f, path, model, err) : NULL;
    lim_predictor_free(model);
    return result;
}

static const CliPiece make_pieces[] = {{"Universal perturbation", lim_universal_schema,
                                        sizeof(LimUniversalParams)},
                                       {"What from", make_schema, sizeof(MakeFlags)},
                                       {0}};
const CliCommand cli_universal_make = {
    .name = "universal make",
    .summary = "Makes one perturbation that fools a classifier on most pictures",
    .text = "Ctrl+C ends with the best so far; with --checkpoint the same command goes on later, "
            "and the result is the same as of a run that was never stopped.",
    .operands = "",
    .pieces = make_pieces,
    .run = run_make,
};

/* ---- apply ------------------------------------------------------------------------------------
 */

typedef struct ApplyFlags {
    char model[LIM_TEXT_MAX], input[LIM_TEXT_MAX], out[LIM_TEXT_MAX];
    int first, count;
    double scale;
} ApplyFlags;

static const LimParamSpec apply_schema[] = {
    {.name = "model",
     .label = "Classifier",
     .help = "A file written by `limen-cli train classifier`. Empty: the one that comes with the "
             "program.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(ApplyFlags, model)},
    {.name = "scale",
     .label = "Scale",
     .help = "v is multiplied by it.",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(ApplyFlags, scale),
     .min = -100,
     .max = 100,
     .def = 1},
    {.name = "input",
     .label = "Input",
     .help = "A PNG file to apply it to, instead of the test split.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(ApplyFlags, input)},
    {.name = "first",
     .label = "First picture",
     .help = "Number in the test split.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(ApplyFlags, first),
     .max = 1e9},
    {.name = "count",
     .label = "Pictures",
     .help = "How many of the test split.",
     .unit = "pictures",
     .kind = LIM_INT,
     .offset = offsetof(ApplyFlags, count),
     .min = 1,
     .max = 10000,
     .def = 1},
    {.name = "out",
     .label = "Folder",
     .help = "Where to write each result as a PNG file and its values as .npy. Empty: nothing is "
             "written.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(ApplyFlags, out)},
    {0}};

static LimStatus
load_pictures(CliRun *run, const ApplyFlags *f, LimPredictor *model, CliPictures *p, LimError *err)
{
    const LimShape s = lim_predictor_image_shape(model);
    if (*f->input) {
        cli_pictures_init(p, 1, (size_t)lim_shape_size(s));
        return lim_attackfile_picture(f->input, s, p->image, err);
    }
    LimDataset *d = lim_dataset_open(cli_data(run), "test", err);
    if (!d)
        return err->code;
    const LimStatus status = cli_pictures_load(run, p, model, d, f->first, f->count, false, err);
    lim_dataset_free(d);
    return status;
}

static LimStatus
write_picture(const ApplyFlags *f, LimShape s, uint32_t number, const float *x, json_t *row,
              LimError *err)
{
    char path[LIM_TEXT_MAX + 64];
    LimImageView view =
        lim_image_alloc(s.d[2], s.d[1], s.d[0] == 1 ? LIM_PIXEL_GREY8 : LIM_PIXEL_RGB8, err);
    if (!view.data)
        return err->code;
    lim_image_put_f32(view, s.d[0], LIM_RANGE_UNIT, x);
    snprintf(path, sizeof path, "%s/universal-%05u.png", f->out, number);
    LimStatus status = lim_png_write(path, view, NULL, 0, err);
    free(view.data);
    json_object_set_new(row, "file", json_string(path));
    snprintf(path, sizeof path, "%s/universal-%05u.npy", f->out, number);
    return status == LIM_OK ? lim_npy_write_f32(path, s, x, err) : status;
}

static json_t *
apply(CliRun *run, const LimUniversalFile *file, const ApplyFlags *f, const char *path,
      LimPredictor *model, const CliPictures *p, LimError *err)
{
    const LimShape s = lim_predictor_image_shape(model);
    LimVictim *victim = lim_victim_new(model, LIM_ACCESS_LABEL);
    int32_t *own = lim_alloc((size_t)p->n, sizeof *own),
            *now = lim_alloc((size_t)p->n, sizeof *now);
    float *x = lim_alloc(p->size, sizeof *x);
    json_t *rows = json_array();
    LimStatus status = lim_universal_labels(victim, &run->exec, p->image, p->n, NULL, 0, own, err);
    if (status == LIM_OK)
        status =
            lim_universal_labels(victim, &run->exec, p->image, p->n, file->v, f->scale, now, err);
    for (int i = 0; i < p->n && status == LIM_OK; i++) {
        const float *from = p->image + (size_t)i * p->size;
        lim_universal_apply(from, file->v, f->scale, p->size, x);
        json_t *row =
            json_pack("{s:I, s:s, s:s, s:b, s:f, s:f}", "picture", (json_int_t)p->index[i],
                      "before", lim_predictor_class_name(model, own[i]), "after",
                      lim_predictor_class_name(model, now[i]), "fooled", own[i] != now[i], "l2",
                      lim_l2(x, from, p->size), "linf", lim_linf(x, from, p->size));
        if (*f->out)
            status = write_picture(f, s, p->index[i], x, row, err);
        json_array_append_new(rows, row);
    }
    json_t *result = status != LIM_OK
                         ? NULL
                         : json_pack("{s:s, s:s, s:f, s:f, s:f, s:i, s:f, s:O, s:o}",
                                     "perturbation", run->args.operand[0], "model", path, "scale",
                                     f->scale, "l2", file->l2, "linf", file->linf, "pictures", p->n,
                                     "fooled", lim_universal_ratio(own, now, p->n), "results", rows,
                                     "command", cli_command(run));
    json_decref(rows);
    lim_victim_free(victim);
    free(own);
    free(now);
    free(x);
    return result;
}

static json_t *
run_apply(CliRun *run, LimError *err)
{
    const ApplyFlags *f = cli_args_values(&run->args, apply_schema);
    LimUniversalFile file;
    char path[LIM_TEXT_MAX];
    if (lim_universalfile_read(run->args.operand[0], &file, err) != LIM_OK)
        return NULL;
    cli_resource(f->model, "fashion-classifier.safetensors", path);
    LimPredictor *model = lim_predictor_load(path, err);
    CliPictures p = {0};
    json_t *result = NULL;
    LimStatus status = model ? LIM_OK : err->code;
    if (status == LIM_OK && !lim_shape_equal(file.shape, lim_predictor_image_shape(model)))
        status = lim_fail(err, LIM_E_SHAPE,
                          "%s is for pictures of %dx%dx%d; the classifier takes others.",
                          run->args.operand[0], file.shape.d[0], file.shape.d[1], file.shape.d[2]);
    if (status == LIM_OK && *f->out)
        status = lim_folder_make(f->out, err);
    if (status == LIM_OK && load_pictures(run, f, model, &p, err) == LIM_OK)
        result = apply(run, &file, f, path, model, &p, err);
    cli_pictures_clear(&p);
    lim_predictor_free(model);
    lim_universalfile_clear(&file);
    return result;
}

static const CliPiece apply_pieces[] = {{"Apply", apply_schema, sizeof(ApplyFlags)}, {0}};
const CliCommand cli_universal_apply = {
    .name = "universal apply",
    .summary = "Adds a universal perturbation to pictures and asks a classifier",
    .text = "FILE was written by `limen-cli universal make`.",
    .operands = "FILE",
    .min_operands = 1,
    .max_operands = 1,
    .pieces = apply_pieces,
    .run = run_apply,
};
