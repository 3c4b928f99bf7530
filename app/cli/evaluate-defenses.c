/* limen-cli evaluate defenses: the tables of Liao et al. 2018 for denoisers in front of a
 * classifier, and what the paper leaves out: attacks that know of the denoiser.
 *
 * The adversarial pictures are made once, without any knowledge of a denoiser; then every defence
 * (the first is none) is measured by itself and written down, so that a long run that is ended
 * keeps the defences that were finished, and a later one with the same settings takes them over. */
#include "attack-run.h"
#include "defenses/full_steps.h"
#include "metrics/amplification.h"
#include "metrics/asked_class.h"
#include "metrics/interval.h"
#include "models/denoiser.h"
#include "plot.h"
#include "report.h"
#include "shipped.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DENOISERS 8
#define MAX_OTHERS    4
#define MAX_EPSILONS  4
#define KINDS         6 /* attacks for each epsilon at most */
#define MAX_COLUMNS   (1 + MAX_EPSILONS * KINDS)
#define BATCH         64
#define WHITE_STEPS   4 /* as in training */
#define BLACK_STEPS   8 /* as never in training */
#define PGD_STEPS     40
#define AMPLIFIED     256 /* pictures */
#define TIMED         51

typedef struct Flags {
    char classifier[LIM_TEXT_MAX], nets[LIM_TEXT_MAX], source[LIM_TEXT_MAX], others[LIM_TEXT_MAX];
    char classes[LIM_TEXT_MAX], epsilons[LIM_TEXT_MAX], out[LIM_TEXT_MAX];
    int pictures, adaptive, restarts;
    bool amplification;
} Flags;

static const LimParamSpec schema[] = {
    {.name = "classifier",
     .label = "Classifier",
     .help = "The defended classifier, which guided the denoisers. Empty: the one that comes with "
             "the program.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(Flags, classifier)},
    {.name = "nets",
     .label = "Ensemble",
     .help = "Classifiers, separated by commas, that are also attacked together with the defended "
             "one. Empty: only the defended one is.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(Flags, nets)},
    {.name = "source",
     .label = "Black-box source",
     .help = "A classifier that took no part in training, to make black-box attacks on.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(Flags, source)},
    {.name = "others",
     .label = "Other classifiers",
     .help = "Classifiers, separated by commas, that are put behind the same denoisers.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(Flags, others)},
    {.name = "pictures",
     .label = "Pictures",
     .help = "The first of the test split.",
     .unit = "pictures",
     .kind = LIM_INT,
     .offset = offsetof(Flags, pictures),
     .min = 1,
     .max = 10000,
     .def = 2000},
    {.name = "classes",
     .label = "Classes",
     .help = "Only pictures of these classes, by number, as in 7-9. Empty: all.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(Flags, classes)},
    {.name = "epsilons",
     .label = "Epsilons",
     .help = "Sizes of the attacks in l-infinity, of 255, separated by commas.",
     .unit = "/255",
     .kind = LIM_TEXT,
     .offset = offsetof(Flags, epsilons),
     .def_text = "8,25"},
    {.name = "adaptive",
     .label = "Adaptive",
     .help = "Also attack this many of the pictures with gradients through the denoiser; 0: not.",
     .unit = "pictures",
     .kind = LIM_INT,
     .offset = offsetof(Flags, adaptive),
     .max = 10000},
    {.name = "restarts",
     .label = "Restarts",
     .help = "Of the adaptive PGD with 40 steps.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(Flags, restarts),
     .min = 1,
     .max = 100,
     .def = 3},
    {.name = "amplification",
     .label = "Error amplification",
     .help = "Also measure the relative error of every layer of the classifier, on the first 256 "
             "pictures.",
     .unit = "",
     .kind = LIM_BOOL,
     .offset = offsetof(Flags, amplification),
     .max = 1},
    {.name = "out",
     .label = "Files",
     .help = "Writes OUT.json and OUT.md with the tables and OUT.svg with the error amplification. "
             "Defences that OUT.json has already, under the same settings, are not measured again. "
             "Empty: none.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(Flags, out)},
    {0}};

typedef enum ColumnKind { CLEAN, WHITE, BLACK } ColumnKind;

/* A set of test pictures. */
typedef struct Column {
    char name[96];
    ColumnKind kind;
    int epsilon; /* index; -1: clean */
    int steps;
    LimPredictor *attacked;
    bool amplified;
    float *x; /* [n][size] in [0,1] */
} Column;

typedef struct Evaluation {
    CliRun *run;
    const Flags *flags;
    LimPredictor *guide, *source, *ensemble;
    LimPredictor *parts[LIM_PREDICTOR_PARTS]; /* of the ensemble; the first is the guide */
    LimPredictor *judge[1 + MAX_OTHERS];      /* the first is the guide */
    char judge_name[1 + MAX_OTHERS][64];
    int n_parts, n_judges;
    double epsilon[MAX_EPSILONS]; /* of 255 */
    int n_epsilons;
    int n;
    size_t size;
    int32_t *label; /* [n] */
    Column column[MAX_COLUMNS];
    int n_columns;
    bool made; /* the pictures of the columns behind the first */
    char split[16], data[64];
    json_t *settings, *defenses;
} Evaluation;

static void
short_name(const char *path, char out[64])
{
    char *label = lim_model_file_label(path);
    snprintf(out, 64, "%.60s", label);
    free(label);
}

/* ---- classifiers and pictures -----------------------------------------------------------------
 */

static LimStatus
read_epsilons(Evaluation *e, LimError *err)
{
    const char *at = e->flags->epsilons;
    do {
        char *end;
        const double value = strtod(at, &end);
        if (end == at || (*end && *end != ',') || !(value >= 0 && value <= 255))
            return lim_fail(err, LIM_E_PARAM,
                            "--epsilons: write numbers from 0 to 255, as in 8,25.");
        if (e->n_epsilons == MAX_EPSILONS)
            return lim_fail(err, LIM_E_PARAM, "--epsilons: at most %d.", MAX_EPSILONS);
        e->epsilon[e->n_epsilons++] = value;
        at = *end ? end + 1 : end;
    } while (*at);
    return LIM_OK;
}

static LimPredictor *
load(const Evaluation *e, const char *path, LimError *err)
{
    LimPredictor *c = lim_predictor_load(path, err);
    if (c && e->guide &&
        (!lim_shape_equal(lim_predictor_image_shape(c), lim_predictor_image_shape(e->guide)) ||
         lim_predictor_classes(c) != lim_predictor_classes(e->guide))) {
        lim_fail(err, LIM_E_SHAPE, "%s knows other classes or pictures than the classifier.", path);
        lim_predictor_free(c);
        c = NULL;
    }
    return c;
}

/* The files of a list, behind those that are there. */
static LimStatus
load_list(const Evaluation *e, const char *list, LimPredictor **to, char (*name)[64], int *n,
          int most, LimError *err)
{
    char text[LIM_TEXT_MAX], *rest = NULL;
    snprintf(text, sizeof text, "%s", list);
    for (char *path = strtok_r(text, ",", &rest); path; path = strtok_r(NULL, ",", &rest)) {
        if (*n == most)
            return lim_fail(err, LIM_E_PARAM, "at most %d classifiers in a list.", most - 1);
        to[*n] = load(e, path, err);
        if (!to[*n])
            return err->code;
        if (name)
            short_name(path, name[*n]);
        (*n)++;
    }
    return LIM_OK;
}

static LimStatus
open_classifiers(Evaluation *e, LimError *err)
{
    char path[LIM_TEXT_MAX];
    cli_resource(e->flags->classifier, "fashion-classifier.safetensors", path);
    e->guide = load(e, path, err);
    if (!e->guide)
        return err->code;
    e->parts[e->n_parts++] = e->judge[e->n_judges] = e->guide;
    short_name(path, e->judge_name[e->n_judges++]);
    LimStatus status =
        load_list(e, e->flags->nets, e->parts, NULL, &e->n_parts, LIM_PREDICTOR_PARTS, err);
    if (status == LIM_OK)
        status = load_list(e, e->flags->others, e->judge, e->judge_name, &e->n_judges,
                           1 + MAX_OTHERS, err);
    if (status == LIM_OK && *e->flags->source) {
        e->source = load(e, e->flags->source, err);
        status = e->source ? LIM_OK : err->code;
    }
    if (status == LIM_OK && e->n_parts > 1)
        e->ensemble = lim_predictor_ensemble(e->parts, e->n_parts, err);
    return status;
}

/* Fills the clean column and the labels. */
static LimStatus
load_pictures(Evaluation *e, LimError *err)
{
    LimDataset *d = lim_dataset_open(cli_data(e->run), "test", err);
    int n;
    uint32_t *index = d ? lim_dataset_of_classes(d, e->flags->classes, &n, err) : NULL;
    const LimShape s = lim_predictor_image_shape(e->guide);
    if (index && (d->c != s.d[0] || d->h > s.d[1] || d->w > s.d[2] ||
                  d->classes != lim_predictor_classes(e->guide)))
        lim_fail(err, LIM_E_SHAPE, "the data has other classes or pictures than the classifier.");
    else if (index && n < e->flags->pictures)
        lim_fail(err, LIM_E_PARAM, "the data has only %d such pictures; give a smaller --pictures.",
                 n);
    if (index && err->code == LIM_OK) {
        e->n = e->flags->pictures;
        e->size = (size_t)lim_shape_size(s);
        e->label = lim_alloc((size_t)e->n, sizeof *e->label);
        Column *c = &e->column[e->n_columns++];
        snprintf(c->name, sizeof c->name, "clean");
        c->epsilon = -1;
        c->x = lim_alloc((size_t)e->n * e->size, sizeof *c->x);
        lim_dataset_batch(d, index, e->n, s.d[1], c->x, e->label);
        for (size_t i = 0; i < (size_t)e->n * e->size; i++)
            c->x[i] = roundf(127.5f * (c->x[i] + 1)) / 255; /* the byte that it was */
        snprintf(e->split, sizeof e->split, "%s", d->split);
        snprintf(e->data, sizeof e->data, "%s", d->name);
    }
    free(index);
    lim_dataset_free(d);
    return err->code;
}

static void
add_column(Evaluation *e, ColumnKind kind, int epsilon, int steps, LimPredictor *attacked,
           const char *on)
{
    if (!attacked)
        return;
    Column *c = &e->column[e->n_columns++];
    *c = (Column){.kind = kind,
                  .epsilon = epsilon,
                  .steps = steps,
                  .attacked = attacked,
                  .amplified = attacked == e->guide && steps > 1};
    if (steps > 1)
        snprintf(c->name, sizeof c->name, "I-FGSM-%d on the %s", steps, on);
    else
        snprintf(c->name, sizeof c->name, "FGSM on the %s", on);
}

/* On all pictures or the first n, to out (not clean), with whatever victim answers. */
static LimStatus
take_steps(Evaluation *e, LimPredictor *victim, double epsilon, int steps, int n, float *out,
           LimError *err)
{
    const float *clean = e->column[0].x;
    LimVictim *v = lim_victim_new(victim, LIM_ACCESS_GRADIENT);
    LimStatus status = LIM_OK;
    for (int at = 0, b; at < n && status == LIM_OK; at += b) {
        b = n - at < BATCH ? n - at : BATCH;
        status = lim_full_steps(v, &e->run->exec, epsilon / 255, steps,
                                clean + (size_t)at * e->size, b, out + (size_t)at * e->size, err);
    }
    lim_victim_free(v);
    return status;
}

static void
name_columns(Evaluation *e)
{
    for (int i = 0; i < e->n_epsilons; i++) {
        add_column(e, WHITE, i, 1, e->guide, "classifier");
        add_column(e, WHITE, i, WHITE_STEPS, e->guide, "classifier");
        add_column(e, WHITE, i, 1, e->ensemble, "ensemble");
        add_column(e, WHITE, i, WHITE_STEPS, e->ensemble, "ensemble");
        add_column(e, BLACK, i, 1, e->source, "source");
        add_column(e, BLACK, i, BLACK_STEPS, e->source, "source");
    }
}

/* Their pictures, when the first defence is to be measured. */
static LimStatus
make_columns(Evaluation *e, LimError *err)
{
    LimStatus status = LIM_OK;
    CliProgress bar;
    cli_progress_init(&bar, cli_talk(e->run), &e->run->cancel);
    for (int i = 1; i < e->n_columns && !e->made && status == LIM_OK; i++) {
        Column *c = &e->column[i];
        LimProgress now = {.fraction = (double)(i - 1) / e->n_columns};
        snprintf(now.text, sizeof now.text, "%s, epsilon %g/255", c->name, e->epsilon[c->epsilon]);
        cli_progress_show(&bar, &now);
        c->x = lim_alloc((size_t)e->n * e->size, sizeof *c->x);
        status = take_steps(e, c->attacked, e->epsilon[c->epsilon], c->steps, e->n, c->x, err);
    }
    cli_progress_end(&bar);
    e->made = true;
    return status;
}

/* ---- one defence ------------------------------------------------------------------------------
 */

/* What is right of pictures x [n] in [0,1], by a classifier of any kind. */
static LimStatus
count_right(Evaluation *e, LimPredictor *judge, const float *x, int n, double *accuracy,
            LimError *err)
{
    const int classes = lim_predictor_classes(judge);
    float *signedx = lim_alloc(BATCH * e->size, sizeof *signedx);
    float *z = lim_alloc(BATCH * (size_t)classes, sizeof *z);
    LimStatus status = LIM_OK;
    int right = 0;
    for (int at = 0, b; at < n && status == LIM_OK; at += b) {
        b = n - at < BATCH ? n - at : BATCH;
        for (size_t i = 0; i < (size_t)b * e->size; i++)
            signedx[i] = 2 * x[(size_t)at * e->size + i] - 1;
        status = lim_predictor_run(judge, &e->run->exec, signedx, b, z, NULL, err);
        for (int i = 0; i < b && status == LIM_OK; i++)
            right += lim_seen_class(z + i * classes, classes) == e->label[at + i];
    }
    *accuracy = (double)right / n;
    free(signedx);
    free(z);
    return status;
}

/* x [n] in [0,1] through the denoiser (NULL: as it is), not clipped; and its mean L1 distance. */
static LimStatus
denoise(Evaluation *e, LimDenoiser *d, const float *x, float *out, double *l1, LimError *err)
{
    const LimShape s = lim_predictor_image_shape(e->guide);
    const size_t all = (size_t)e->n * e->size;
    LimStatus status = LIM_OK;
    if (d) {
        for (size_t i = 0; i < all; i++)
            out[i] = 2 * x[i] - 1;
        status = lim_denoiser_run(d, &e->run->exec, out, e->n, s.d[1], s.d[2], out, err);
        for (size_t i = 0; i < all; i++)
            out[i] = (out[i] + 1) / 2;
    } else {
        memcpy(out, x, all * sizeof *x);
    }
    double sum = 0;
    for (size_t i = 0; i < all; i++)
        sum += fabs((double)out[i] - (double)e->column[0].x[i]);
    *l1 = sum / (double)all;
    return status;
}

/* The mean over pictures of the relative error of each layer of the guide. */
static json_t *
amplify(Evaluation *e, const Column *c, const float *x, LimError *err)
{
    const int n = e->n < AMPLIFIED ? e->n : AMPLIFIED;
    LimAmplifier *a = lim_amplifier_new(e->guide);
    float *both = lim_alloc(2 * (size_t)n * e->size, sizeof *both);
    double *ratio = lim_alloc((size_t)n * LIM_AMPLIFICATION_LAYERS, sizeof *ratio);
    for (size_t i = 0; i < (size_t)n * e->size; i++) {
        both[i] = 2 * e->column[0].x[i] - 1;
        both[(size_t)n * e->size + i] = 2 * x[i] - 1;
    }
    json_t *o = NULL;
    if (lim_amplifier_run(a, &e->run->exec, both, both + (size_t)n * e->size, n, ratio, err) ==
        LIM_OK) {
        const int layers = lim_amplifier_layers(a);
        json_t *names = json_array(), *means = json_array();
        for (int l = 0; l < layers; l++) {
            double sum = 0;
            for (int i = 0; i < n; i++)
                sum += ratio[i * layers + l];
            json_array_append_new(names, json_string(lim_amplifier_layer(a, l)));
            json_array_append_new(means, json_real(sum / n));
        }
        o = json_pack("{s:f, s:s, s:i, s:o, s:o}", "epsilon", e->epsilon[c->epsilon], "attack",
                      c->name, "pictures", n, "layers", names, "relative_error", means);
    }
    free(both);
    free(ratio);
    lim_amplifier_free(a);
    return o;
}

/* PGD with restarts on a classifier of any kind: what remains right. */
static LimStatus
pgd(Evaluation *e, LimPredictor *victim, double epsilon, int n, double *accuracy, LimError *err)
{
    const LimAttackClass *klass = lim_attack_find("pgd");
    void *params = lim_alloc(1, klass->params_size);
    char text[32];
    lim_params_init(klass->schema, params);
    LimStatus status = lim_params_set(klass->schema, params, "norm", "linf", err);
    snprintf(text, sizeof text, "%.17g", epsilon / 255);
    if (status == LIM_OK)
        status = lim_params_set(klass->schema, params, "epsilon", text, err);
    snprintf(text, sizeof text, "%d", PGD_STEPS);
    if (status == LIM_OK)
        status = lim_params_set(klass->schema, params, "steps", text, err);
    snprintf(text, sizeof text, "%d", e->flags->restarts);
    if (status == LIM_OK)
        status = lim_params_set(klass->schema, params, "restarts", text, err);
    if (status == LIM_OK) {
        const LimAttackInput in = {.n = n,
                                   .image = e->column[0].x,
                                   .label = e->label,
                                   .seed = e->run->common->seed};
        LimVictim *v = lim_victim_new(victim, LIM_ACCESS_GRADIENT);
        LimAttack *a = cli_run_attack(e->run, klass, params, &in, v, NULL, NULL, err);
        int right = 0;
        for (int i = 0; i < n && a; i++)
            right += a->status[i] == LIM_ATTACK_FAILED;
        *accuracy = (double)right / n;
        if (a)
            lim_task_free(lim_attack_task(a));
        lim_victim_free(v);
        status = err->code;
    }
    free(params);
    return status;
}

/* The same attacks with and without knowledge of the denoiser, on the first n pictures. victim: the
 * classifier behind it. */
static LimStatus
attack_through(Evaluation *e, LimPredictor *victim, int epsilon, int n, json_t *rows, LimError *err)
{
    float *x = lim_alloc((size_t)n * e->size, sizeof *x);
    double oblivious, adaptive;
    char name[64];
    LimStatus status = LIM_OK;
    for (int i = 1; i < e->n_columns && status == LIM_OK; i++) {
        const Column *c = &e->column[i];
        if (c->attacked != e->guide || c->epsilon != epsilon)
            continue;
        status = count_right(e, victim, c->x, n, &oblivious, err);
        if (status == LIM_OK)
            status = take_steps(e, victim, e->epsilon[epsilon], c->steps, n, x, err);
        if (status == LIM_OK)
            status = count_right(e, victim, x, n, &adaptive, err);
        if (c->steps > 1)
            snprintf(name, sizeof name, "I-FGSM-%d", c->steps);
        else
            snprintf(name, sizeof name, "FGSM");
        if (status == LIM_OK)
            json_array_append_new(rows, json_pack("{s:f, s:s, s:i, s:f, s:f}", "epsilon",
                                                  e->epsilon[epsilon], "attack", name, "pictures",
                                                  n, "oblivious", oblivious, "adaptive", adaptive));
    }
    snprintf(name, sizeof name, "PGD-%d, restarts: %d", PGD_STEPS, e->flags->restarts);
    if (status == LIM_OK)
        status = pgd(e, victim, e->epsilon[epsilon], n, &adaptive, err);
    if (status == LIM_OK)
        json_array_append_new(rows, json_pack("{s:f, s:s, s:i, s:n, s:f}", "epsilon",
                                              e->epsilon[epsilon], "attack", name, "pictures", n,
                                              "oblivious", "adaptive", adaptive));
    free(x);
    return status;
}

/* Milliseconds for one picture: the median of some runs, after one that plans. */
static LimStatus
time_one(Evaluation *e, LimDenoiser *d, double *ms, LimError *err)
{
    const LimShape s = lim_predictor_image_shape(e->guide);
    float *y = lim_alloc(e->size, sizeof *y);
    double each[TIMED];
    LimStatus status = LIM_OK;
    for (int i = -1; i < TIMED && status == LIM_OK; i++) {
        const double start = cli_seconds();
        status = lim_denoiser_run(d, &e->run->exec, e->column[0].x, 1, s.d[1], s.d[2], y, err);
        if (i >= 0)
            each[i] = 1e3 * (cli_seconds() - start);
    }
    *ms = cli_median(each, TIMED);
    free(y);
    return status;
}

static LimStatus
measure(Evaluation *e, LimDenoiser *d, json_t *o, LimError *err)
{
    json_t *l1 = json_array(), *judges = json_array(), *amplified = json_array();
    json_t *adaptive = json_array();
    json_object_set_new(o, "l1", l1);
    json_object_set_new(o, "judges", judges);
    for (int k = 0; k < e->n_judges; k++)
        json_array_append_new(judges,
                              json_pack("{s:s, s:[]}", "classifier", e->judge_name[k], "accuracy"));
    json_object_set_new(o, "amplification", amplified);
    json_object_set_new(o, "adaptive", adaptive);
    float *y = lim_alloc((size_t)e->n * e->size, sizeof *y);
    LimStatus status = LIM_OK;
    CliProgress bar;
    cli_progress_init(&bar, cli_talk(e->run), &e->run->cancel);
    for (int i = 0; i < e->n_columns && status == LIM_OK; i++) {
        const Column *c = &e->column[i];
        LimProgress now = {.fraction = (double)i / e->n_columns};
        snprintf(now.text, sizeof now.text, "%s: %s", json_string_value(json_object_get(o, "name")),
                 c->name);
        cli_progress_show(&bar, &now);
        double value;
        status = denoise(e, d, c->x, y, &value, err);
        json_array_append_new(l1, json_real(value));
        for (int k = 0; k < e->n_judges && status == LIM_OK; k++) {
            status = count_right(e, e->judge[k], y, e->n, &value, err);
            json_array_append_new(json_object_get(json_array_get(judges, (size_t)k), "accuracy"),
                                  json_real(value));
        }
        if (e->flags->amplification && c->amplified && status == LIM_OK) {
            json_t *a = amplify(e, c, y, err);
            status = a ? LIM_OK : err->code;
            if (a)
                json_array_append_new(amplified, a);
        }
    }
    cli_progress_end(&bar);
    free(y);
    if (status != LIM_OK || e->flags->adaptive == 0)
        return status;
    const int n = e->flags->adaptive < e->n ? e->flags->adaptive : e->n;
    LimPredictor *victim = d ? lim_predictor_behind(d, e->guide, err) : e->guide;
    status = victim ? LIM_OK : err->code;
    for (int i = 0; i < e->n_epsilons && status == LIM_OK; i++)
        status = attack_through(e, victim, i, n, adaptive, err);
    if (d)
        lim_predictor_free(victim);
    return status;
}

/* path NULL: no defence. What an earlier run found for these weights is taken over. */
static LimStatus
evaluate(Evaluation *e, const char *path, const json_t *earlier, LimError *err)
{
    char name[64] = "none", hash[24] = "";
    LimDenoiser *d = NULL;
    if (path) {
        d = lim_denoiser_load(path, err);
        if (!d)
            return err->code;
        short_name(path, name);
        snprintf(hash, sizeof hash, "%016llx", (unsigned long long)lim_denoiser_hash(d));
    }
    size_t i;
    json_t *old;
    json_array_foreach(earlier, i, old)
    {
        if (strcmp(json_string_value(json_object_get(old, "hash")), hash) == 0) {
            json_array_append(e->defenses, old);
            lim_denoiser_free(d);
            return LIM_OK;
        }
    }
    json_t *o = json_pack("{s:s, s:s}", "name", name, "hash", hash);
    LimStatus status = LIM_OK;
    if (d && lim_denoiser_params(d)->channels != lim_predictor_image_shape(e->guide).d[0])
        status = lim_fail(err, LIM_E_SHAPE, "%s is for pictures of other channels.", path);
    double ms = 0;
    if (status == LIM_OK)
        status = make_columns(e, err);
    if (d && status == LIM_OK)
        status = time_one(e, d, &ms, err);
    json_object_set_new(o, "ms_for_one_picture", d ? json_real(ms) : json_null());
    if (status == LIM_OK)
        status = measure(e, d, o, err);
    if (status == LIM_OK)
        json_array_append(e->defenses, o);
    json_decref(o);
    lim_denoiser_free(d);
    return status;
}

/* ---- what is written --------------------------------------------------------------------------
 */

static json_t *
hash_of(LimPredictor *c)
{
    char hash[24];
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)lim_predictor_hash(c));
    return json_string(hash);
}

/* What results depend on, beside the denoiser. */
static json_t *
describe_settings(const Evaluation *e)
{
    json_t *epsilons = json_array(), *judges = json_array(), *columns = json_array();
    for (int i = 0; i < e->n_epsilons; i++)
        json_array_append_new(epsilons, json_real(e->epsilon[i]));
    for (int i = 0; i < e->n_judges; i++)
        json_array_append_new(judges, json_pack("{s:s, s:o}", "name", e->judge_name[i], "hash",
                                                hash_of(e->judge[i])));
    for (int i = 0; i < e->n_columns; i++) {
        const Column *c = &e->column[i];
        json_array_append_new(columns,
                              json_pack("{s:s, s:s, s:f, s:o}", "name", c->name, "box",
                                        c->kind == WHITE   ? "white"
                                        : c->kind == BLACK ? "black"
                                                           : "none",
                                        "epsilon", c->epsilon < 0 ? 0 : e->epsilon[c->epsilon],
                                        "attacked",
                                        c->attacked ? hash_of(c->attacked) : json_string("")));
    }
    return json_pack("{s:s, s:s, s:i, s:s, s:I, s:i, s:i, s:b, s:o, s:o, s:o}", "data", e->data,
                     "split", e->split, "pictures", e->n, "classes", e->flags->classes, "seed",
                     (json_int_t)e->run->common->seed, "adaptive", e->flags->adaptive, "restarts",
                     e->flags->restarts, "amplification", e->flags->amplification, "epsilons",
                     epsilons, "classifiers", judges, "columns", columns);
}

/* Accuracy in percent: the mean over the columns of a kind and epsilon. */
static double
mean_over(const Evaluation *e, const json_t *values, ColumnKind kind, int epsilon, double factor)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < e->n_columns; i++)
        if (e->column[i].kind == kind && e->column[i].epsilon == epsilon) {
            sum += json_number_value(json_array_get(values, (size_t)i));
            n++;
        }
    return n ? factor * sum / n : (double)NAN;
}

static void
set_number(json_t *row, const char *key, double value)
{
    json_object_set_new(row, key, isnan(value) ? json_null() : json_real(value));
}

/* A row as in the paper: clean, white-box and black-box at each epsilon. */
static json_t *
paper_row(const Evaluation *e, const char *name, const json_t *values, double factor)
{
    json_t *row = json_pack("{s:s}", "defence", name);
    set_number(row, "clean", mean_over(e, values, CLEAN, -1, factor));
    for (int kind = WHITE; kind <= BLACK; kind++)
        for (int i = 0; i < e->n_epsilons; i++) {
            char key[40];
            snprintf(key, sizeof key, "%s %g", kind == WHITE ? "white" : "black", e->epsilon[i]);
            set_number(row, key, mean_over(e, values, (ColumnKind)kind, i, factor));
        }
    return row;
}

/* The table of one classifier behind all defences; judge -1: distances. */
static json_t *
paper_table(const Evaluation *e, int judge)
{
    json_t *rows = json_array(), *o;
    size_t i;
    json_array_foreach(e->defenses, i, o)
    {
        const json_t *values =
            judge < 0 ? json_object_get(o, "l1")
                      : json_object_get(json_array_get(json_object_get(o, "judges"), (size_t)judge),
                                        "accuracy");
        json_array_append_new(rows, paper_row(e, json_string_value(json_object_get(o, "name")),
                                              values, judge < 0 ? 1 : 100));
    }
    return rows;
}

/* Every set of pictures apart, for the defended classifier. */
static json_t *
attack_table(const Evaluation *e)
{
    json_t *rows = json_array(), *o;
    for (int c = 0; c < e->n_columns; c++) {
        json_t *row = json_pack("{s:s}", "attack", e->column[c].name);
        set_number(row, "epsilon", e->column[c].epsilon < 0 ? 0 : e->epsilon[e->column[c].epsilon]);
        size_t i;
        json_array_foreach(e->defenses, i, o)
        {
            const json_t *judge = json_array_get(json_object_get(o, "judges"), 0);
            const json_t *v = json_array_get(json_object_get(judge, "accuracy"), (size_t)c);
            set_number(row, json_string_value(json_object_get(o, "name")),
                       100 * json_number_value(v));
        }
        json_array_append_new(rows, row);
    }
    return rows;
}

/* The rows of a list that every defence has ("adaptive", "amplification"), with its name first. */
static json_t *
listed(const Evaluation *e, const char *key)
{
    json_t *rows = json_array(), *o, *part;
    size_t i, k;
    json_array_foreach(e->defenses, i, o)
    {
        json_array_foreach(json_object_get(o, key), k, part)
        {
            json_t *row = json_pack("{s:O}", "defence", json_object_get(o, "name"));
            const char *name;
            json_t *value;
            json_object_foreach(part, name, value)
            {
                if (strcmp(name, "oblivious") == 0 || strcmp(name, "adaptive") == 0)
                    set_number(row, name,
                               json_is_null(value) ? (double)NAN : 100 * json_number_value(value));
                else if (!json_is_array(value))
                    json_object_set(row, name, value);
            }
            size_t l;
            json_t *layer;
            json_array_foreach(json_object_get(part, "layers"), l, layer)
            {
                json_object_set(row, json_string_value(layer),
                                json_array_get(json_object_get(part, "relative_error"), l));
            }
            json_array_append_new(rows, row);
        }
    }
    return rows;
}

/* Takes the rows. */
static void
write_section(FILE *out, const char *title, const char *text, json_t *rows)
{
    cli_markdown_section(out, title, text, rows);
    json_decref(rows);
}

static void
markdown(const void *ctx, const json_t *result, FILE *out)
{
    const Evaluation *e = ctx;
    char about[600];
    const LimMeasure half = lim_proportion(e->n / 2, e->n);
    fprintf(out, "# Denoisers as defences\n\n`%s`, seed %llu\n\n",
            json_string_value(json_object_get(result, "command")),
            (unsigned long long)e->run->common->seed);
    fprintf(
        out,
        "The first %d pictures of %s's %s split%s%s. Accuracies are in percent of all of them "
        "(95 %% interval at 50 %%: %.1f to %.1f); epsilons are of 255, in l-infinity. White-box "
        "attacks have the gradients of the classifier (%s) and of the ensemble that contains "
        "it, black-box ones those of another classifier, which took no part in training; "
        "neither knows of the denoiser. Each figure is the mean over the attacks of that kind, "
        "which stand one by one below. All steps are taken, of epsilon / steps, away from what "
        "the attacked network says of the clean picture.\n\n",
        e->n, e->data, e->split, *e->flags->classes ? ", classes " : "", e->flags->classes,
        100 * half.low, 100 * half.high, e->judge_name[0]);
    write_section(out, "Accuracy", "Of the classifier that guided the training.",
                  paper_table(e, 0));
    write_section(
        out, "Distance",
        "Mean L1 distance from the clean picture, for one value of the scale 0 to 1, over "
        "the frame that the networks see.",
        paper_table(e, -1));
    write_section(out, "Attack by attack", "Accuracy of the same classifier.", attack_table(e));
    for (int k = 1; k < e->n_judges; k++) {
        snprintf(about, sizeof about, "Another classifier behind the denoisers: %s",
                 e->judge_name[k]);
        write_section(out, about, "The same pictures, made on the same networks as above.",
                      paper_table(e, k));
    }
    write_section(out, "Attacks that know of the denoiser",
                  "Oblivious: the pictures of above. Adaptive: the same attack with gradients "
                  "through denoiser and classifier together; PGD starts at random places, every "
                  "step is judged, and a picture counts as lost when any of them fools.",
                  listed(e, "adaptive"));
    write_section(out, "Error amplification",
                  "Relative error of the activations of every layer of the classifier, |f(x') - "
                  "f(x)|_1 / |f(x)|_1, as the mean over the pictures.",
                  listed(e, "amplification"));
    json_t *times = json_array(), *o;
    size_t i;
    json_array_foreach(e->defenses, i, o)
    {
        json_array_append_new(times,
                              json_pack("{s:O, s:O, s:O}", "defence", json_object_get(o, "name"),
                                        "weights", json_object_get(o, "hash"), "ms_for_one_picture",
                                        json_object_get(o, "ms_for_one_picture")));
    }
    write_section(out, "Files", "And the median time that one picture of them took alone.", times);
}

static LimStatus
write_plot(const void *ctx, const char *path, LimError *err)
{
    const Evaluation *e = ctx;
    CliPanel panels[MAX_EPSILONS];
    CliSeries series[MAX_EPSILONS][1 + MAX_DENOISERS];
    char titles[MAX_EPSILONS][64];
    double x[LIM_AMPLIFICATION_LAYERS],
        y[MAX_EPSILONS][1 + MAX_DENOISERS][LIM_AMPLIFICATION_LAYERS];
    json_t *o;
    size_t d, l;
    int used = 0;
    for (int l0 = 0; l0 < LIM_AMPLIFICATION_LAYERS; l0++)
        x[l0] = l0;
    for (int i = 0; i < e->n_epsilons; i++) {
        panels[i] = (CliPanel){.title = titles[i],
                               .x_label = "layer (0: picture, last: logits)",
                               .y_label = "relative error",
                               .series = series[i]};
        snprintf(titles[i], sizeof titles[i], "epsilon %g/255", e->epsilon[i]);
        json_array_foreach(e->defenses, d, o)
        {
            const json_t *part = json_array_get(json_object_get(o, "amplification"), (size_t)i),
                         *value;
            CliSeries *s = &series[i][panels[i].n];
            if (!part)
                continue;
            *s = (CliSeries){.name = json_string_value(json_object_get(o, "name")),
                             .x = x,
                             .y = y[i][d]};
            json_array_foreach(json_object_get(part, "relative_error"), l, value) y[i][d][s->n++] =
                json_number_value(value);
            panels[i].n++;
            used++;
        }
    }
    return used ? cli_plot_write(path, "Error amplification", panels, e->n_epsilons, 2, err)
                : LIM_OK;
}

static LimStatus
write_files(const Evaluation *e, const json_t *result, LimError *err)
{
    const CliReport report = {
        .out = e->flags->out, .ctx = e, .result = result, .markdown = markdown, .plot = write_plot};
    return cli_report_write(&report, err);
}

static json_t *
report(const Evaluation *e)
{
    return json_pack("{s:O, s:O, s:o, s:o, s:o}", "settings", e->settings, "defenses", e->defenses,
                     "accuracy", paper_table(e, 0), "distance", paper_table(e, -1), "command",
                     cli_command(e->run));
}

/* The defences of OUT.json when they were measured as now, or an empty list. */
static json_t *
read_earlier(const Evaluation *e)
{
    char path[LIM_TEXT_MAX + 8];
    snprintf(path, sizeof path, "%s.json", e->flags->out);
    json_t *old = *e->flags->out ? json_load_file(path, 0, NULL) : NULL;
    json_t *list = json_object_get(old, "defenses");
    json_t *result =
        json_is_array(list) && json_equal(json_object_get(old, "settings"), e->settings)
            ? json_incref(list)
            : json_array();
    json_decref(old);
    return result;
}

static json_t *
run_evaluate_defenses(CliRun *run, LimError *err)
{
    Evaluation e = {.run = run,
                    .flags = cli_args_values(&run->args, schema),
                    .defenses = json_array()};
    json_t *earlier = NULL, *result = NULL;
    LimStatus status = read_epsilons(&e, err);
    if (status == LIM_OK)
        status = open_classifiers(&e, err);
    if (status == LIM_OK)
        status = load_pictures(&e, err);
    if (status == LIM_OK) {
        name_columns(&e);
        e.settings = describe_settings(&e);
        earlier = read_earlier(&e);
    }
    for (int i = -1; i < run->args.n_operands && status == LIM_OK; i++) {
        LimError failed = LIM_ERROR_INIT;
        status = evaluate(&e, i < 0 ? NULL : run->args.operand[i], earlier, err);
        if (status != LIM_OK && status != LIM_CANCELLED)
            break;
        json_decref(result);
        result = report(&e);
        if (*e.flags->out && write_files(&e, result, &failed) != LIM_OK) {
            *err = failed;
            status = failed.code;
        }
    }
    if (status != LIM_OK && status != LIM_CANCELLED) {
        json_decref(result);
        result = NULL;
    }
    for (int i = 0; i < e.n_columns; i++)
        free(e.column[i].x);
    for (int i = 1; i < e.n_parts; i++)
        lim_predictor_free(e.parts[i]);
    for (int i = 1; i < e.n_judges; i++)
        lim_predictor_free(e.judge[i]);
    lim_predictor_free(e.ensemble);
    lim_predictor_free(e.source);
    lim_predictor_free(e.guide);
    free(e.label);
    json_decref(e.settings);
    json_decref(e.defenses);
    json_decref(earlier);
    return result;
}

static const CliPiece pieces[] = {{"What to measure", schema, sizeof(Flags)}, {0}};
const CliCommand cli_evaluate_defenses = {
    .name = "evaluate defenses",
    .summary = "Measures denoisers in front of classifiers",
    .text =
        "DENOISER is a file written by `limen-cli train denoiser`; up to eight are compared, and "
        "no defence beside them. Ctrl+C ends with the defences that were finished.",
    .operands = "DENOISER...",
    .min_operands = 1,
    .max_operands = MAX_DENOISERS,
    .pieces = pieces,
    .run = run_evaluate_defenses,
};
