/* The live trade-off. Its work is cut into steps of a few milliseconds (a batch of samples, some
 * hundred rows of neighbours), because a slider's requests run between them. */
#include "metrics/tradeoff.h"

#include "metrics/asked_class.h"
#include "metrics/density_coverage.h"
#include "metrics/neighbours.h"
#include "metrics/precision_recall.h"
#include "metrics/samples.h"
#include "metrics/variety.h"
#include "tensor/image.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 8
#define ROWS  256
#define K     LIM_DENSITY_K /* neighbours of each real picture; the third is precision's */

const double lim_tradeoff_thresholds[LIM_TRADEOFF_THRESHOLDS] = {2,    0.04, 0.5, 1,    0.2,
                                                                 1.5,  0.75, 0.1, 0.35, 1.25,
                                                                 1.75, 2.5,  0.02};

const LimParamSpec lim_tradeoff_schema[] = {
    {.name = "samples",
     .label = "Bank of latents",
     .help = "How many latents are drawn under every threshold. More: narrower intervals.",
     .unit = "latents",
     .kind = LIM_INT,
     .offset = offsetof(LimTradeoffSettings, samples),
     .min = 50,
     .max = 10000,
     .def = 500},
    {.name = "class",
     .label = "Class",
     .help = "Which class to measure: its number from 0, or -1 for all classes in turn.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(LimTradeoffSettings, label),
     .min = -1,
     .max = 999,
     .def = -1},
    {.name = "truncation",
     .label = "Truncation mode",
     .help = "How the threshold acts on the latents.",
     .unit = "",
     .kind = LIM_CHOICE,
     .offset = offsetof(LimTradeoffSettings, truncation),
     .max = 2,
     .choices = lim_truncation_names},
    {.name = "seed",
     .label = "Seed",
     .help = "Chooses the latents.",
     .unit = "",
     .kind = LIM_SEED,
     .offset = offsetof(LimTradeoffSettings, seed),
     .def = 1},
    {0}};

typedef struct Tradeoff {
    LimTask base;
    LimGenerator *g;
    LimPredictor *c;
    LimTradeoffSettings s;
    double *threshold; /* [n] */
    int n;
    LimTradeoffPoint *point; /* [n], of which n_points are there */
    int n_points;

    /* Real pictures, prepared first. */
    LimFeatures *owned; /* of the class, when there is one */
    const LimFeatures *real;
    LimPoints real_points;
    double *nearest; /* [real->n][K] */
    int real_done;
    int classes_done;
    int varied;          /* classes with more than one picture */
    double real_variety; /* the sum over these so far, at last the mean */

    /* The samples of the current threshold. */
    LimFeatures *f;
    int drawn, judged, covered;
    LimPoints points;
    int *near;  /* [samples]: precision's balls around each */
    int *dense; /* density's */
    uint8_t *pixels;
    float *pictures;
} Tradeoff;

/* ---- steps: each does one small thing; true when there was something of its kind to do --------
 */

static LimStatus
prepare_real(Tradeoff *t, const LimExec *exec, LimError *err)
{
    const int left = t->real->n - t->real_done, rows = left < ROWS ? left : ROWS;
    LimStatus status = lim_nearest(exec, &t->real_points, t->real_done, rows, K,
                                   t->nearest + (size_t)t->real_done * K, err);
    t->real_done += rows;
    return status;
}

/* One class at a time: what lim_variety() says of all of them. */
static LimStatus
measure_real(Tradeoff *t, const LimExec *exec, LimError *err)
{
    LimMeasure m;
    LimFeatures *of = lim_features_class(t->real, t->classes_done++);
    const bool varied = of->n >= 2;
    LimStatus status = varied ? lim_variety(exec, of, NULL, &m, err) : LIM_OK;
    lim_features_free(of);
    if (varied && status == LIM_OK) {
        t->real_variety += m.value;
        t->varied++;
    }
    if (t->classes_done < t->real->classes || status != LIM_OK)
        return status;
    t->real_variety /= t->varied;
    return t->real_variety > 0
               ? LIM_OK
               : lim_fail(err, LIM_E_PARAM, "the real pictures of each class are all the same");
}

static int
batch(const Tradeoff *t, int done)
{
    return t->f->n - done < BATCH ? t->f->n - done : BATCH;
}

static LimStatus
draw(Tradeoff *t, const LimExec *exec, LimError *err)
{
    const int n = batch(t, t->drawn);
    const LimSampleRequest r =
        lim_plain_request(t->s.label, t->s.seed, t->threshold[t->n_points], t->s.truncation);
    LimStatus status =
        lim_draw(t->g, exec, &r, t->drawn, n, t->pixels, t->f->label + t->drawn, err);
    t->drawn += n;
    return status;
}

/* What was drawn last. */
static LimStatus
judge(Tradeoff *t, const LimExec *exec, LimError *err)
{
    LimFeatures *f = t->f;
    const int n = batch(t, t->judged);
    lim_f32_from_u8(t->pixels, (size_t)n * (size_t)lim_shape_size(lim_generator_image_shape(t->g)),
                    LIM_RANGE_SIGNED, t->pictures);
    LimStatus status = lim_predictor_judge(t->c, exec, t->pictures, n,
                                           f->probability + (size_t)t->judged * (size_t)f->classes,
                                           f->x + (size_t)t->judged * (size_t)f->size, err);
    t->judged += n;
    return status;
}

static LimStatus
cover(Tradeoff *t, const LimExec *exec, LimError *err)
{
    const int left = t->real->n - t->covered, rows = left < ROWS ? left : ROWS;
    const double *nearest = t->nearest + (size_t)t->covered * K;
    if (t->covered == 0) {
        lim_points_clear(&t->points);
        lim_points_init(&t->points, t->f->x, t->f->n, t->f->size);
        memset(t->near, 0, (size_t)t->f->n * sizeof *t->near);
        memset(t->dense, 0, (size_t)t->f->n * sizeof *t->dense);
    }
    LimStatus status =
        lim_balls(exec, &t->real_points, t->covered, rows, nearest + LIM_PRECISION_K - 1, K, true,
                  &t->points, NULL, t->near, err);
    if (status == LIM_OK)
        status = lim_balls(exec, &t->real_points, t->covered, rows, nearest + K - 1, K, false,
                           &t->points, NULL, t->dense, err);
    t->covered += rows;
    return status;
}

static LimStatus
add_point(Tradeoff *t, const LimExec *exec, LimError *err)
{
    LimMeasure variety;
    double *dense = lim_alloc((size_t)t->f->n, sizeof *dense);
    for (int i = 0; i < t->f->n; i++)
        dense[i] = (double)t->dense[i] / LIM_DENSITY_K;
    const LimMeasure density = lim_mean_interval(dense, t->f->n, NULL);
    free(dense);
    LimStatus status = lim_variety(exec, t->f, NULL, &variety, err);
    if (status != LIM_OK)
        return status;
    const LimMeasure fidelity = lim_share_covered(t->near, t->f->n);
    const LimMeasure asked = lim_asked_class_count(t->f, NULL);
    const double unit = t->real_variety;
    t->point[t->n_points] = (LimTradeoffPoint){
        .threshold = t->threshold[t->n_points],
        .fidelity = fidelity.value,
        .fidelity_low = fidelity.low,
        .fidelity_high = fidelity.high,
        .variety = variety.value / unit,
        .variety_low = fmax(0, variety.low / unit),
        .variety_high = variety.high / unit,
        .asked = asked.value,
        .asked_low = asked.low,
        .asked_high = asked.high,
        .density = density.value,
        .density_low = density.low,
        .density_high = density.high,
    };
    t->n_points++;
    t->drawn = t->judged = t->covered = 0;
    return LIM_OK;
}

static LimStep
tradeoff_step(LimTask *task, const LimExec *exec, LimProgress *progress, LimError *err)
{
    Tradeoff *t = (Tradeoff *)task;
    LimStatus status = LIM_OK;
    if (t->n_points == t->n)
        return LIM_STEP_DONE;
    if (t->real_done < t->real->n)
        status = prepare_real(t, exec, err);
    else if (t->classes_done < t->real->classes)
        status = measure_real(t, exec, err);
    else if (t->drawn > t->judged)
        status = judge(t, exec, err);
    else if (t->drawn < t->f->n)
        status = draw(t, exec, err);
    else if (t->covered < t->real->n)
        status = cover(t, exec, err);
    else
        status = add_point(t, exec, err);
    if (status != LIM_OK)
        return LIM_STEP_FAILED;
    if (progress) {
        progress->fraction = (t->n_points + (double)t->drawn / (t->f->n + 1)) / t->n;
        snprintf(progress->text, sizeof progress->text, "%d of %d thresholds", t->n_points, t->n);
    }
    return t->n_points == t->n ? LIM_STEP_DONE : LIM_STEP_MORE;
}

static LimTensor *
tradeoff_preview(LimTask *task)
{
    const Tradeoff *t = (const Tradeoff *)task;
    if (t->n_points == 0)
        return NULL;
    LimTensor *copy =
        lim_tensor_new(LIM_F64,
                       LIM_SHAPE2(t->n_points, (int)(sizeof(LimTradeoffPoint) / sizeof(double))));
    memcpy(lim_tensor_edit(copy), t->point, (size_t)t->n_points * sizeof *t->point);
    return copy;
}

static void
tradeoff_free(LimTask *task)
{
    Tradeoff *t = (Tradeoff *)task;
    lim_points_clear(&t->real_points);
    lim_points_clear(&t->points);
    lim_features_free(t->owned);
    lim_features_free(t->f);
    free(t->threshold);
    free(t->point);
    free(t->nearest);
    free(t->near);
    free(t->dense);
    free(t->pixels);
    free(t->pictures);
    free(t);
}

static const LimTaskClass tradeoff_class = {"trade-off", tradeoff_step, tradeoff_preview,
                                            tradeoff_free};

/* ---- making one -------------------------------------------------------------------------------
 */

static LimStatus
check(LimGenerator *g, LimPredictor *c, const LimFeatures *real, const LimTradeoffSettings *s,
      LimError *err)
{
    const int classes = lim_generator_classes(g);
    LimStatus status = lim_params_check(lim_tradeoff_schema, s, err);
    if (status != LIM_OK)
        return status;
    if (s->label >= classes)
        return lim_fail(err, LIM_E_PARAM, "class %d does not exist; this generator has 0 to %d",
                        s->label, classes - 1);
    if (!lim_shape_equal(lim_generator_image_shape(g), lim_predictor_image_shape(c)) ||
        classes != lim_predictor_classes(c) || classes != real->classes ||
        real->size != lim_predictor_features(c))
        return lim_fail(err, LIM_E_SHAPE,
                        "the generator, the classifier and the real pictures know different "
                        "pictures or classes; choose three of the same data");
    int of_class = 0;
    for (int i = 0; i < real->n; i++)
        of_class += s->label < 0 || real->label[i] == s->label;
    if (of_class < 2 * K)
        return lim_fail(err, LIM_E_PARAM, "there are only %d real pictures to compare with",
                        of_class);
    return LIM_OK;
}

LimTask *
lim_tradeoff_new(LimGenerator *g, LimPredictor *c, const LimFeatures *real,
                 const LimTradeoffSettings *settings, const double *thresholds, int n,
                 LimError *err)
{
    if (check(g, c, real, settings, err) != LIM_OK)
        return NULL;
    LIM_ASSERT(n >= 1);
    const size_t values = BATCH * (size_t)lim_shape_size(lim_generator_image_shape(g));
    Tradeoff *t = lim_alloc(1, sizeof *t);
    t->base.klass = &tradeoff_class;
    t->g = g;
    t->c = c;
    t->s = *settings;
    t->n = n;
    t->threshold = lim_alloc((size_t)n, sizeof *t->threshold);
    memcpy(t->threshold, thresholds, (size_t)n * sizeof *thresholds);
    t->point = lim_alloc((size_t)n, sizeof *t->point);
    if (settings->label >= 0)
        t->owned = lim_features_class(real, settings->label);
    t->real = t->owned ? t->owned : real;
    lim_points_init(&t->real_points, t->real->x, t->real->n, t->real->size);
    t->nearest = lim_alloc((size_t)t->real->n * K, sizeof *t->nearest);
    t->f = lim_features_new(settings->samples, real->size, real->classes);
    t->near = lim_alloc((size_t)settings->samples, sizeof *t->near);
    t->dense = lim_alloc((size_t)settings->samples, sizeof *t->dense);
    t->pixels = lim_alloc(values, 1);
    t->pictures = lim_alloc(values, sizeof *t->pictures);
    return &t->base;
}

const LimTradeoffPoint *
lim_tradeoff_points(const LimTask *task, int *n)
{
    const Tradeoff *t = (const Tradeoff *)task;
    *n = t->n_points;
    return t->point;
}

const LimTradeoffPoint *
lim_tradeoff_preview_points(const LimTensor *preview, int *n)
{
    *n = preview ? lim_tensor_shape(preview).d[0] : 0;
    return preview ? lim_tensor_data(preview) : NULL;
}
