/* limen-cli universal evaluate: the tables and figures of Moosavi-Dezfooli et al. 2017 for
 * classifiers of ours: how many pictures one v fools, what it does to other classifiers, how few
 * pictures it can be made from, how different two of them are, which labels it leads to, and how
 * many directions the boundaries have in common. Every v that is made is kept as a file, so that an
 * evaluation that was stopped goes on. */
#include "attacks/deepfool.h"
#include "metrics/eigen.h"
#include "plot.h"
#include "report.h"
#include "shipped.h"
#include "universal-run.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_MODELS 8
#define MAX_SIZES  12
#define SHUFFLES   5
#define NORMS      2
/* The gradient method goes over fewer pictures than that so much oftener. */
#define LEAST_PICTURES 1000

typedef struct Flags {
    char out[LIM_TEXT_MAX], work[LIM_TEXT_MAX], sizes[LIM_TEXT_MAX], denoiser[LIM_TEXT_MAX];
    int pictures, unseen, normals;
    double l2, linf;
    bool shuffles;
} Flags;

static const LimParamSpec schema[] = {
    {.name = "pictures",
     .label = "Pictures",
     .help = "How many of the training split each v is made from.",
     .unit = "pictures",
     .kind = LIM_INT,
     .offset = offsetof(Flags, pictures),
     .min = 1,
     .max = 1e6,
     .def = 1000},
    {.name = "unseen",
     .label = "Unseen",
     .help = "How many of the test split each v is measured on.",
     .unit = "pictures",
     .kind = LIM_INT,
     .offset = offsetof(Flags, unseen),
     .min = 1,
     .max = 1e6,
     .def = 1000},
    {.name = "l2",
     .label = "Bound in l2",
     .help = "Length of v at most; 0: no v in l2.",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(Flags, l2),
     .max = 64,
     .def = 2},
    {.name = "linf",
     .label = "Bound in linf",
     .help = "Largest value of v at most; 0: no v in linf.",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(Flags, linf),
     .max = 1,
     .def = 0.1},
    {.name = "sizes",
     .label = "Sizes of X",
     .help = "Also makes v for the first classifier from so many pictures, as in 50,200,1000. "
             "Empty: not.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(Flags, sizes)},
    {.name = "shuffles",
     .label = "Shuffles",
     .help = "Also makes v for the first classifier with five orders of the pictures, and compares "
             "them.",
     .unit = "",
     .kind = LIM_BOOL,
     .offset = offsetof(Flags, shuffles),
     .max = 1},
    {.name = "normals",
     .label = "Normals",
     .help = "Also compares the singular values of the normals of the first classifier's boundary "
             "at so many pictures with those of random directions. 0: not.",
     .unit = "pictures",
     .kind = LIM_INT,
     .offset = offsetof(Flags, normals),
     .max = 2000},
    {.name = "denoiser",
     .label = "Denoiser",
     .help = "Also puts this denoiser, a file written by `limen-cli train denoiser`, between each "
             "v and the first classifier. Empty: none.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(Flags, denoiser)},
    {.name = "work",
     .label = "Folder",
     .help = "Where every v is kept, and taken from when it is there.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(Flags, work),
     .def_text = "universal"},
    {.name = "out",
     .label = "Files",
     .help = "Writes OUT.json, OUT.md and OUT.svg. Empty: none.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(Flags, out)},
    {0}};

typedef struct Model {
    char name[64]; /* of the file, without its ending */
    LimPredictor *predictor;
    LimVictim *victim;
    int32_t *own; /* [unseen] */
} Model;

/* What a v is made with. */
typedef struct Make {
    int model, norm, method, n;
    uint64_t seed;
} Make;

typedef struct Evaluation {
    CliRun *run;
    const Flags *flags;
    Model model[MAX_MODELS];
    int n_models, largest; /* largest: most pictures of any X */
    size_t size;
    CliUniversalSets sets;
    int32_t *label;
    int sizes[MAX_SIZES], n_sizes;
    double curve_x[MAX_SIZES], curve[NORMS * LIM_UNIVERSAL_METHODS][MAX_SIZES];
    double *spectrum[2]; /* normals, random directions */
    json_t *fooling, *transfer, *growth, *shuffles, *labels, *singular, *denoised;
} Evaluation;

static double
bound(const Evaluation *e, int norm)
{
    return norm == LIM_NORM_L2 ? e->flags->l2 : e->flags->linf;
}

static LimUniversalParams
params_of(const Evaluation *e, const Make *m)
{
    LimUniversalParams p;
    lim_params_init(lim_universal_schema, &p);
    p.norm = m->norm;
    p.xi = bound(e, m->norm);
    p.method = m->method;
    p.seed = m->seed;
    if (m->method == LIM_UNIVERSAL_GRADIENT && m->n < LEAST_PICTURES)
        p.passes = p.passes * LEAST_PICTURES / m->n;
    return p;
}

/* ---- one v ------------------------------------------------------------------------------------
 */

static bool
is_that(const LimUniversalFile *f, const LimUniversalParams *p, uint64_t hash, int n)
{
    json_t *a = lim_params_to_json(lim_universal_schema, &f->params);
    json_t *b = lim_params_to_json(lim_universal_schema, p);
    const bool same = json_equal(a, b) && f->hash == hash && f->pictures == n;
    json_decref(a);
    json_decref(b);
    return same;
}

static LimStatus
make_v(Evaluation *e, const Make *m, const LimUniversalParams *p, const char *path, LimError *err)
{
    const Model *model = &e->model[m->model];
    char checkpoint[LIM_TEXT_MAX + 160];
    snprintf(checkpoint, sizeof checkpoint, "%s.checkpoint", path);
    LimVictim *victim = lim_victim_new(model->predictor, LIM_ACCESS_GRADIENT);
    LimUniversal *u =
        cli_make_universal(e->run, p, model->predictor, victim, &e->sets, m->n, checkpoint, err);
    LimStatus status = err->code;
    if (u && status == LIM_OK) {
        const LimUniversalAbout about = {.params = p,
                                         .model = model->name,
                                         .hash = lim_predictor_hash(model->predictor),
                                         .data = e->sets.data,
                                         .pictures = m->n,
                                         .unseen = e->sets.unseen.n,
                                         .command = "limen-cli universal evaluate"};
        status = lim_universalfile_write(path, &about, u, err);
        unlink(checkpoint);
    }
    if (u)
        lim_task_free(lim_universal_task(u));
    lim_victim_free(victim);
    return status;
}

/* From its file, or made. */
static LimStatus
get_v(Evaluation *e, const Make *m, LimUniversalFile *out, LimError *err)
{
    char path[LIM_TEXT_MAX + 120];
    const Model *model = &e->model[m->model];
    const LimUniversalParams p = params_of(e, m);
    LimError none = LIM_ERROR_INIT;
    snprintf(path, sizeof path, "%s/%s-%s-%g-%s-%d-%llu.safetensors", e->flags->work, model->name,
             m->norm == LIM_NORM_L2 ? "l2" : "linf", p.xi, lim_universal_methods[m->method], m->n,
             (unsigned long long)m->seed);
    if (lim_universalfile_read(path, out, &none) == LIM_OK) {
        if (is_that(out, &p, lim_predictor_hash(model->predictor), m->n))
            return LIM_OK;
        lim_universalfile_clear(out);
    }
    const LimStatus status = make_v(e, m, &p, path, err);
    return status == LIM_OK ? lim_universalfile_read(path, out, err) : status;
}

/* The ratio on the unseen pictures; the labels stay in e->label. */
static LimStatus
measure(Evaluation *e, const Model *model, const float *v, double *ratio, LimError *err)
{
    const CliPictures *p = &e->sets.unseen;
    const LimStatus status =
        lim_universal_labels(model->victim, &e->run->exec, p->image, p->n, v, 1, e->label, err);
    *ratio = status == LIM_OK ? lim_universal_ratio(model->own, e->label, p->n) : 0;
    return status;
}

/* ---- tables -----------------------------------------------------------------------------------
 */

static const char *
norm_name(int norm)
{
    return norm == LIM_NORM_L2 ? "l2" : "linf";
}

/* The sum of the DeepFool perturbations of the first pictures of X, at the norm. */
static LimStatus
sum_of_ways(Evaluation *e, const Model *model, int norm, float *v, LimError *err)
{
    const int n = e->sets.x.n < 200 ? e->sets.x.n : 200;
    const LimAttackClass *klass = lim_attack_find("deepfool");
    void *params = lim_alloc(1, klass->params_size);
    lim_params_init(klass->schema, params);
    int32_t *own = lim_alloc((size_t)n, sizeof *own);
    LimStatus status =
        lim_universal_labels(model->victim, &e->run->exec, e->sets.x.image, n, NULL, 0, own, err);
    const LimAttackInput in = {.n = n, .image = e->sets.x.image, .label = own};
    LimAttack *a = status == LIM_OK
                       ? cli_run_attack(e->run, klass, params, &in, model->victim, NULL, NULL, err)
                       : NULL;
    memset(v, 0, e->size * sizeof *v);
    for (int i = 0; a && i < n; i++) {
        LimAttackResult r;
        lim_attack_result(a, i, &r);
        for (size_t j = 0; j < e->size; j++)
            v[j] += r.image[j] - e->sets.x.image[(size_t)i * e->size + j];
    }
    const double xi = bound(e, norm);
    for (size_t j = 0; j < e->size; j++) /* beyond any bound, then at it */
        v[j] =
            norm == LIM_NORM_LINF ? (float)copysign(v[j] == 0 ? 0 : xi, (double)v[j]) : v[j] * 1e6f;
    lim_universal_project((LimNorm)norm, xi, v, e->size);
    if (a)
        lim_task_free(lim_attack_task(a));
    free(own);
    free(params);
    return err->code;
}

static LimStatus
baselines(Evaluation *e, const Model *model, int norm, double *random, double *sum, LimError *err)
{
    float *v = lim_alloc(e->size, sizeof *v);
    LimStatus status = cli_universal_noise(e->run, model->victim, &e->sets.unseen, model->own, NULL,
                                           (LimNorm)norm, bound(e, norm), random, err);
    if (status == LIM_OK)
        status = sum_of_ways(e, model, norm, v, err);
    if (status == LIM_OK)
        status = measure(e, model, v, sum, err);
    free(v);
    return status;
}

/* Where the labels go: for each label its most frequent one under v. Labels are in e->label. */
static void
add_labels(Evaluation *e, const Model *model, const Make *m)
{
    const int classes = lim_predictor_classes(model->predictor), n = e->sets.unseen.n;
    int *count = lim_alloc((size_t)(classes * classes), sizeof *count);
    for (int i = 0; i < n; i++)
        count[model->own[i] * classes + e->label[i]]++;
    for (int k = 0; k < classes; k++) {
        int all = 0, top = -1;
        for (int q = 0; q < classes; q++) {
            all += count[k * classes + q];
            if (q != k && (top < 0 || count[k * classes + q] > count[k * classes + top]))
                top = q;
        }
        if (all == 0 || count[k * classes + top] == 0)
            continue;
        json_array_append_new(e->labels,
                              json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:f, s:f}", "model",
                                        model->name, "norm", norm_name(m->norm), "method",
                                        lim_universal_methods[m->method], "from",
                                        lim_predictor_class_name(model->predictor, k), "mostly_to",
                                        lim_predictor_class_name(model->predictor, top), "pictures",
                                        all, "share", (double)count[k * classes + top] / all,
                                        "stays", (double)count[k * classes + k] / all));
    }
    free(count);
}

/* What v does to every classifier. */
static LimStatus
add_transfer(Evaluation *e, const Make *m, const float *v, LimError *err)
{
    json_t *row = json_pack("{s:s, s:s, s:s}", "made_on", e->model[m->model].name, "norm",
                            norm_name(m->norm), "method", lim_universal_methods[m->method]);
    LimStatus status = LIM_OK;
    for (int k = 0; k < e->n_models && status == LIM_OK; k++) {
        double ratio;
        status = measure(e, &e->model[k], v, &ratio, err);
        json_object_set_new(row, e->model[k].name, json_real(ratio));
    }
    json_array_append_new(e->transfer, row);
    return status;
}

static LimStatus
add_denoised(Evaluation *e, const Make *m, const float *v, LimPredictor *behind, LimError *err)
{
    const CliPictures *p = &e->sets.unseen;
    LimVictim *victim = lim_victim_new(behind, LIM_ACCESS_LABEL);
    int32_t *own = lim_alloc((size_t)p->n, sizeof *own);
    LimStatus status =
        lim_universal_labels(victim, &e->run->exec, p->image, p->n, NULL, 0, own, err);
    if (status == LIM_OK)
        status = lim_universal_labels(victim, &e->run->exec, p->image, p->n, v, 1, e->label, err);
    if (status == LIM_OK) {
        const double ratio = lim_universal_ratio(own, e->label, p->n);
        double alone;
        status = measure(e, &e->model[m->model], v, &alone, err);
        json_array_append_new(e->denoised,
                              json_pack("{s:s, s:s, s:s, s:f, s:f}", "model",
                                        e->model[m->model].name, "norm", norm_name(m->norm),
                                        "method", lim_universal_methods[m->method], "alone", alone,
                                        "behind_the_denoiser", ratio));
    }
    free(own);
    lim_victim_free(victim);
    return status;
}

static LimStatus
evaluate_one(Evaluation *e, const Make *m, LimPredictor *behind, double random, double sum,
             LimError *err)
{
    const Model *model = &e->model[m->model];
    LimUniversalFile f;
    double ratio, permuted;
    LimStatus status = get_v(e, m, &f, err);
    if (status != LIM_OK)
        return status;
    status = cli_universal_noise(e->run, model->victim, &e->sets.unseen, model->own, f.v, 0, 0,
                                 &permuted, err);
    if (status == LIM_OK)
        status = measure(e, model, f.v, &ratio, err);
    if (status == LIM_OK) {
        json_array_append_new(e->fooling,
                              json_pack("{s:s, s:s, s:f, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f}",
                                        "model", model->name, "norm", norm_name(m->norm), "xi",
                                        f.params.xi, "method", lim_universal_methods[m->method],
                                        "X", f.ratio, "unseen", ratio, "random", random, "permuted",
                                        permuted, "sum", sum, "l2", f.l2, "linf", f.linf));
        add_labels(e, model, m);
        status = add_transfer(e, m, f.v, err);
    }
    if (status == LIM_OK && behind && m->model == 0)
        status = add_denoised(e, m, f.v, behind, err);
    lim_universalfile_clear(&f);
    return status;
}

static LimStatus
evaluate_models(Evaluation *e, LimPredictor *behind, LimError *err)
{
    LimStatus status = LIM_OK;
    for (int k = 0; k < e->n_models; k++)
        for (int norm = 0; norm < NORMS; norm++) {
            double random = 0, sum = 0;
            if (bound(e, norm) == 0)
                continue;
            status = baselines(e, &e->model[k], norm, &random, &sum, err);
            for (int method = 0; method < LIM_UNIVERSAL_METHODS && status == LIM_OK; method++)
                status = evaluate_one(e, &(Make){k, norm, method, e->flags->pictures, 1}, behind,
                                      random, sum, err);
            if (status != LIM_OK)
                return status;
        }
    return LIM_OK;
}

/* ---- the first classifier ---------------------------------------------------------------------
 */

static LimStatus
evaluate_sizes(Evaluation *e, LimError *err)
{
    LimStatus status = LIM_OK;
    for (int i = 0; i < e->n_sizes; i++) {
        e->curve_x[i] = log10(e->sizes[i]);
        for (int norm = 0; norm < NORMS; norm++)
            for (int method = 0; method < LIM_UNIVERSAL_METHODS && bound(e, norm) > 0; method++) {
                LimUniversalFile f;
                double ratio;
                status = get_v(e, &(Make){0, norm, method, e->sizes[i], 1}, &f, err);
                if (status != LIM_OK)
                    return status;
                status = measure(e, &e->model[0], f.v, &ratio, err);
                e->curve[norm * LIM_UNIVERSAL_METHODS + method][i] = 100 * ratio;
                json_array_append_new(e->growth, json_pack("{s:i, s:s, s:s, s:f, s:f}", "pictures",
                                                           e->sizes[i], "norm", norm_name(norm),
                                                           "method", lim_universal_methods[method],
                                                           "X", f.ratio, "unseen", ratio));
                lim_universalfile_clear(&f);
                if (status != LIM_OK)
                    return status;
            }
    }
    return LIM_OK;
}

static double
inner(const LimUniversalFile *a, const LimUniversalFile *b, size_t size)
{
    double sum = 0;
    for (size_t j = 0; j < size; j++)
        sum += (double)a->v[j] * (double)b->v[j];
    return sum / (a->l2 * b->l2);
}

static LimStatus
evaluate_shuffles(Evaluation *e, int norm, LimError *err)
{
    LimUniversalFile f[SHUFFLES] = {{.v = NULL}};
    LimStatus status = LIM_OK;
    for (uint64_t k = 0; k < SHUFFLES && status == LIM_OK; k++)
        status = get_v(e, &(Make){0, norm, LIM_UNIVERSAL_DEEPFOOL, e->flags->pictures, 1 + k},
                       &f[k], err);
    for (int k = 0; k < SHUFFLES && status == LIM_OK; k++) {
        double ratio;
        status = measure(e, &e->model[0], f[k].v, &ratio, err);
        json_t *row =
            json_pack("{s:s, s:i, s:f}", "norm", norm_name(norm), "seed", k + 1, "unseen", ratio);
        for (int q = 0; q < SHUFFLES; q++) {
            char key[24];
            snprintf(key, sizeof key, "with_%d", q + 1);
            json_object_set_new(row, key, json_real(inner(&f[k], &f[q], e->size)));
        }
        json_array_append_new(e->shuffles, row);
    }
    for (int k = 0; k < SHUFFLES; k++)
        lim_universalfile_clear(&f[k]);
    return status;
}

/* The singular values of n rows x [n][size] of unit length, largest first. */
static void
spectrum(const float *x, int n, size_t size, double *out)
{
    double *gram = lim_alloc((size_t)n * (size_t)n, sizeof *gram);
    for (int i = 0; i < n; i++)
        for (int k = 0; k <= i; k++) {
            double sum = 0;
            for (size_t j = 0; j < size; j++)
                sum += (double)x[(size_t)i * size + j] * (double)x[(size_t)k * size + j];
            gram[i * n + k] = gram[k * n + i] = sum;
        }
    lim_eigen_symmetric(n, gram, out, false);
    for (int i = 0; i < n; i++)
        out[i] = sqrt(fmax(0, out[i]));
    for (int i = 1; i < n; i++) /* few enough for that */
        for (int k = i; k > 0 && out[k] > out[k - 1]; k--) {
            const double keep = out[k];
            out[k] = out[k - 1];
            out[k - 1] = keep;
        }
    free(gram);
}

static void
normalise(float *x, size_t size)
{
    double sum = 0;
    for (size_t j = 0; j < size; j++)
        sum += (double)x[j] * (double)x[j];
    for (size_t j = 0; j < size && sum > 0; j++)
        x[j] = (float)((double)x[j] / sqrt(sum));
}

static LimStatus
evaluate_normals(Evaluation *e, LimError *err)
{
    const int n = e->flags->normals;
    const LimAttackClass *klass = lim_attack_find("deepfool");
    const Model *model = &e->model[0];
    void *params = lim_alloc(1, klass->params_size);
    int32_t *own = lim_alloc((size_t)n, sizeof *own);
    float *x = lim_alloc((size_t)n * e->size, sizeof *x);
    lim_params_init(klass->schema, params);
    LimStatus status =
        lim_universal_labels(model->victim, &e->run->exec, e->sets.x.image, n, NULL, 0, own, err);
    const LimAttackInput in = {.n = n, .image = e->sets.x.image, .label = own};
    LimAttack *a = status == LIM_OK
                       ? cli_run_attack(e->run, klass, params, &in, model->victim, NULL, NULL, err)
                       : NULL;
    int m = 0;
    for (int i = 0; a && i < n; i++) {
        LimAttackResult r;
        lim_attack_result(a, i, &r);
        if (r.status != LIM_ATTACK_FOOLED)
            continue;
        float *row = x + (size_t)m++ * e->size;
        for (size_t j = 0; j < e->size; j++)
            row[j] = r.image[j] - e->sets.x.image[(size_t)i * e->size + j];
        normalise(row, e->size);
    }
    if (m > 0 && err->code == LIM_OK) {
        for (int k = 0; k < 2; k++) {
            e->spectrum[k] = lim_alloc((size_t)n, sizeof **e->spectrum);
            if (k == 1)
                for (int i = 0; i < m; i++) {
                    lim_universal_random(LIM_NORM_L2, 1, 1000 + (uint64_t)i,
                                         x + (size_t)i * e->size, e->size);
                }
            spectrum(x, m, e->size, e->spectrum[k]);
        }
        for (int i = 0; i < m; i = i < 10 ? i + 1 : i < 100 ? i + 10 : i + 100)
            json_array_append_new(e->singular,
                                  json_pack("{s:i, s:f, s:f}", "number", i + 1, "normals",
                                            e->spectrum[0][i], "random", e->spectrum[1][i]));
    }
    if (a)
        lim_task_free(lim_attack_task(a));
    free(own);
    free(params);
    free(x);
    return err->code;
}

/* ---- what is written --------------------------------------------------------------------------
 */

static void
markdown(const void *ctx, const json_t *result, FILE *out)
{
    const Evaluation *e = ctx;
    char about[400];
    fprintf(out, "# Universal perturbations\n\n`%s`\n\n",
            json_string_value(json_object_get(result, "command")));
    snprintf(about, sizeof about,
             "X: the first %d pictures of the training split of %s; unseen: the first %d of its "
             "test split; 28x28 pixels in a black frame of 32x32, on the scale from 0 to 1. A "
             "picture is fooled when the classifier's label at clip(x + v) is not its own at x.",
             e->flags->pictures, e->sets.data, e->flags->unseen);
    fprintf(out, "%s\n\n", about);
    cli_markdown_section(
        out, "Fooling ratios (table 1 of the paper)",
        "random: the mean of five random vectors of norm xi (linf: every value is xi or -xi, which "
        "is longer in l2 than v); permuted: the mean of v with its values in five random orders, "
        "which keeps both norms; sum: the sum of the DeepFool perturbations of 200 pictures of X "
        "at norm xi; all on the unseen pictures. l2 and linf are of the stored v.",
        e->fooling);
    cli_markdown_section(out, "Other classifiers (table 2)",
                         "The fooling ratio on the unseen pictures of each classifier.",
                         e->transfer);
    cli_markdown_section(out, "Fewer and more pictures",
                         "v of the first classifier, made from so many.", e->growth);
    cli_markdown_section(
        out, "Five shuffles",
        "v of the first classifier by DeepFool, with five orders of X: normalised inner "
        "products.",
        e->shuffles);
    cli_markdown_section(
        out, "Behind a denoiser",
        "The fooling ratio on the unseen pictures of the first classifier alone, and of "
        "denoiser and classifier together, which v was not made for.",
        e->denoised);
    cli_markdown_section(
        out, "Dominant labels",
        "Where the unseen pictures of each label (the model's own) go under v: the label most "
        "of those that leave go to, and the share that stays.",
        e->labels);
    cli_markdown_section(
        out, "Singular values",
        "Of the unit normals of the boundary (directions of DeepFool's perturbations) of the "
        "first classifier, and of as many random unit vectors.",
        e->singular);
}

static LimStatus
write_plot(const void *ctx, const char *path, LimError *err)
{
    const Evaluation *e = ctx;
    static const char *const names[NORMS * LIM_UNIVERSAL_METHODS] = {"l2, DeepFool",
                                                                     "l2, gradients",
                                                                     "linf, DeepFool",
                                                                     "linf, gradients"};
    CliPanel panels[2];
    CliSeries growth[NORMS * LIM_UNIVERSAL_METHODS], singular[2];
    int n = 0, lines = 0, m = 0;
    for (int i = 0; i < NORMS * LIM_UNIVERSAL_METHODS; i++)
        if (bound(e, i / LIM_UNIVERSAL_METHODS) > 0)
            growth[lines++] =
                (CliSeries){.name = names[i], .n = e->n_sizes, .x = e->curve_x, .y = e->curve[i]};
    if (e->n_sizes)
        panels[n++] = (CliPanel){.title = e->model[0].name,
                                 .x_label = "pictures in X, log10",
                                 .y_label = "fooled of the unseen, %",
                                 .series = growth,
                                 .n = lines};
    double *x = lim_alloc((size_t)e->flags->normals + 1, sizeof *x);
    while (e->spectrum[0] && m < e->flags->normals && e->spectrum[0][m] > 0) {
        x[m] = m + 1;
        m++;
    }
    for (int k = 0; k < 2; k++)
        singular[k] = (CliSeries){.name = k ? "random directions" : "normals of the boundary",
                                  .n = m,
                                  .x = x,
                                  .y = e->spectrum[k]};
    if (m > 0)
        panels[n++] = (CliPanel){.title = e->model[0].name,
                                 .x_label = "number",
                                 .y_label = "singular value",
                                 .series = singular,
                                 .n = 2};
    const LimStatus status =
        n ? cli_plot_write(path, "Universal perturbations", panels, n, n, err) : LIM_OK;
    free(x);
    return status;
}

static LimStatus
write_files(const Evaluation *e, const json_t *result, LimError *err)
{
    const CliReport report = {
        .out = e->flags->out, .ctx = e, .result = result, .markdown = markdown, .plot = write_plot};
    return cli_report_write(&report, err);
}

/* ---- the command ------------------------------------------------------------------------------
 */

static LimStatus
read_sizes(Evaluation *e, LimError *err)
{
    char text[LIM_TEXT_MAX], *rest, *end;
    snprintf(text, sizeof text, "%s", e->flags->sizes);
    e->largest = e->flags->pictures > e->flags->normals ? e->flags->pictures : e->flags->normals;
    for (char *one = strtok_r(text, ",", &rest); one; one = strtok_r(NULL, ",", &rest)) {
        const long n = strtol(one, &end, 10);
        if (*end || n < 1 || n > 1000000 || e->n_sizes == MAX_SIZES)
            return lim_fail(err, LIM_E_PARAM,
                            "--sizes: up to %d numbers of pictures, separated by commas.",
                            MAX_SIZES);
        e->sizes[e->n_sizes++] = (int)n;
        e->largest = n > e->largest ? (int)n : e->largest;
    }
    return LIM_OK;
}

static LimStatus
load_models(Evaluation *e, LimError *err)
{
    const CliArgs *args = &e->run->args;
    for (int i = 0; i < args->n_operands; i++) {
        Model *m = &e->model[e->n_models++];
        char *label = lim_model_file_label(args->operand[i]);
        snprintf(m->name, sizeof m->name, "%.60s", label);
        free(label);
        m->predictor = lim_predictor_load(args->operand[i], err);
        if (!m->predictor)
            return err->code;
        m->victim = lim_victim_new(m->predictor, LIM_ACCESS_GRADIENT);
        if (!lim_shape_equal(lim_predictor_image_shape(m->predictor),
                             lim_predictor_image_shape(e->model[0].predictor)))
            return lim_fail(err, LIM_E_SHAPE, "%s takes other pictures than %s.", m->name,
                            e->model[0].name);
    }
    LimStatus status = cli_universal_sets(e->run, e->model[0].predictor, 0, e->largest,
                                          e->flags->unseen, &e->sets, err);
    e->size = e->sets.x.size;
    e->label = lim_alloc((size_t)e->flags->unseen, sizeof *e->label);
    for (int i = 0; i < e->n_models && status == LIM_OK; i++) {
        Model *m = &e->model[i];
        m->own = lim_alloc((size_t)e->flags->unseen, sizeof *m->own);
        status = lim_universal_labels(m->victim, &e->run->exec, e->sets.unseen.image,
                                      e->sets.unseen.n, NULL, 0, m->own, err);
    }
    return status;
}

static LimStatus
evaluate_all(Evaluation *e, LimError *err)
{
    LimDenoiser *d = NULL;
    LimPredictor *behind = NULL;
    if (mkdir(e->flags->work, 0777) != 0 && errno != EEXIST)
        return lim_fail(err, LIM_E_IO, "%s: the folder could not be made: %s", e->flags->work,
                        strerror(errno));
    if (*e->flags->denoiser) {
        d = lim_denoiser_load(e->flags->denoiser, err);
        behind = d ? lim_predictor_behind(d, e->model[0].predictor, err) : NULL;
    }
    LimStatus status = err->code;
    if (status == LIM_OK)
        status = evaluate_models(e, behind, err);
    if (status == LIM_OK && e->flags->normals)
        status = evaluate_normals(e, err);
    for (int norm = 0; norm < NORMS && status == LIM_OK && e->flags->shuffles; norm++)
        if (bound(e, norm) > 0)
            status = evaluate_shuffles(e, norm, err);
    if (status == LIM_OK)
        status = evaluate_sizes(e, err);
    lim_predictor_free(behind);
    lim_denoiser_free(d);
    return status;
}

static json_t *
run_evaluate(CliRun *run, LimError *err)
{
    Evaluation e = {.run = run,
                    .flags = cli_args_values(&run->args, schema),
                    .fooling = json_array(),
                    .transfer = json_array(),
                    .growth = json_array(),
                    .shuffles = json_array(),
                    .labels = json_array(),
                    .singular = json_array(),
                    .denoised = json_array()};
    json_t *result = NULL;
    LimStatus status = read_sizes(&e, err);
    if (status == LIM_OK)
        status = load_models(&e, err);
    if (status == LIM_OK)
        status = evaluate_all(&e, err);
    result =
        json_pack("{s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "pictures",
                  e.flags->pictures, "unseen", e.flags->unseen, "fooling", e.fooling, "transfer",
                  e.transfer, "sizes", e.growth, "shuffles", e.shuffles, "denoised", e.denoised,
                  "labels", e.labels, "singular_values", e.singular, "command", cli_command(run));
    LimError failed = LIM_ERROR_INIT;
    if (status == LIM_OK && *e.flags->out)
        write_files(&e, result, &failed);
    if (failed.code != LIM_OK)
        *err = failed;
    if (err->code != LIM_OK) {
        json_decref(result);
        result = NULL;
    }
    for (int i = 0; i < e.n_models; i++) {
        lim_victim_free(e.model[i].victim);
        lim_predictor_free(e.model[i].predictor);
        free(e.model[i].own);
    }
    free(e.spectrum[0]);
    free(e.spectrum[1]);
    free(e.label);
    cli_universal_sets_clear(&e.sets);
    return result;
}

static const CliPiece pieces[] = {{"What to measure", schema, sizeof(Flags)}, {0}};
const CliCommand cli_universal_evaluate = {
    .name = "universal evaluate",
    .summary = "Measures universal perturbations of classifiers",
    .text = "MODEL is a file written by `limen-cli train classifier`; up to eight are compared. "
            "Each v is kept in the folder --work: after Ctrl+C the same command goes on.",
    .operands = "MODEL...",
    .min_operands = 1,
    .max_operands = MAX_MODELS,
    .pieces = pieces,
    .run = run_evaluate,
};
