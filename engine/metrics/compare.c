/* One step is one measure of the whole sets, or all measures of one class. */
#include "metrics/compare.h"

#include "metrics/asked_class.h"
#include "metrics/density_coverage.h"
#include "metrics/frechet.h"
#include "metrics/inception_score.h"
#include "metrics/precision_recall.h"
#include "metrics/variety.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct Compare {
    LimTask base;
    const LimFeatures *samples, *real;
    LimComparison r;
    LimMeasure *variety, *real_variety; /* [classes] */
    int step;
} Compare;

static const LimMeasure unknown = {(double)NAN, (double)NAN, (double)NAN};

/* How many samples there must be, so that a measure says something. */
static bool
enough(const LimFeatures *f)
{
    return f->n >= 2 * LIM_DENSITY_K;
}

static LimStatus
measure_frechet(const LimExec *exec, const LimFeatures *samples, const LimFeatures *real,
                LimMeasures *m, LimError *err)
{
    return enough(samples) && enough(real) ? lim_frechet(exec, samples, real, &m->frechet, err)
                                           : LIM_OK;
}

static LimStatus
measure_neighbours(const LimExec *exec, const LimFeatures *samples, const LimFeatures *real,
                   LimMeasures *m, bool precision, LimError *err)
{
    if (!enough(samples) || !enough(real))
        return LIM_OK;
    LimPoints s, r;
    lim_points_init(&s, samples->x, samples->n, samples->size);
    lim_points_init(&r, real->x, real->n, real->size);
    const LimStatus status =
        precision ? lim_precision_recall(exec, &s, &r, &m->precision, &m->recall, err)
                  : lim_density_coverage(exec, &s, &r, &m->density, &m->coverage, err);
    lim_points_clear(&s);
    lim_points_clear(&r);
    return status;
}

static LimMeasure
relative(LimMeasure m, double unit)
{
    return (LimMeasure){m.value / unit, fmax(0, m.low / unit), m.high / unit};
}

static LimStatus
measure_variety(Compare *t, const LimExec *exec, LimError *err)
{
    LimMeasure samples, real;
    LimStatus status = lim_variety(exec, t->samples, t->variety, &samples, err);
    if (status == LIM_OK)
        status = lim_variety(exec, t->real, t->real_variety, &real, err);
    if (status != LIM_OK)
        return status;
    t->r.real_variety = real.value;
    t->r.all.variety = relative(samples, real.value);
    for (int k = 0; k < t->r.classes; k++)
        t->r.of[k].variety = relative(t->variety[k], t->real_variety[k].value);
    return LIM_OK;
}

static LimStatus
measure_class(Compare *t, const LimExec *exec, int k, LimError *err)
{
    LimFeatures *samples = lim_features_class(t->samples, k);
    LimFeatures *real = lim_features_class(t->real, k);
    LimMeasures *m = &t->r.of[k];
    const int classes = t->r.classes;
    m->samples = samples->n;
    m->pictures = real->n;
    if (samples->n > 0)
        m->asked = lim_proportion(t->r.confusion[k * classes + k], samples->n);
    LimStatus status = measure_frechet(exec, samples, real, m, err);
    if (status == LIM_OK)
        status = measure_neighbours(exec, samples, real, m, true, err);
    if (status == LIM_OK)
        status = measure_neighbours(exec, samples, real, m, false, err);
    lim_features_free(samples);
    lim_features_free(real);
    return status;
}

static LimStep
compare_step(LimTask *task, const LimExec *exec, LimProgress *progress, LimError *err)
{
    static const char *const names[] = {"probabilities", "Frechet distance", "precision and recall",
                                        "density and coverage", "variety"};
    enum { WHOLE = sizeof names / sizeof *names };
    Compare *t = (Compare *)task;
    const int steps = WHOLE + t->r.classes;
    LimStatus status = LIM_OK;
    if (t->step == steps)
        return LIM_STEP_DONE;
    switch (t->step) {
    case 0:
        t->r.all.asked = lim_asked_class_count(t->samples, t->r.confusion);
        if (t->samples->n >= 2 * LIM_INCEPTION_SPLITS)
            t->r.inception = lim_inception_score(t->samples->probability, t->samples->n,
                                                 t->r.classes, &t->r.inception_sd);
        break;
    case 1:
        status = measure_frechet(exec, t->samples, t->real, &t->r.all, err);
        break;
    case 2:
        status = measure_neighbours(exec, t->samples, t->real, &t->r.all, true, err);
        break;
    case 3:
        status = measure_neighbours(exec, t->samples, t->real, &t->r.all, false, err);
        break;
    case 4:
        status = measure_variety(t, exec, err);
        break;
    default:
        status = measure_class(t, exec, t->step - WHOLE, err);
    }
    if (status != LIM_OK)
        return LIM_STEP_FAILED;
    if (progress) {
        progress->fraction = (double)(t->step + 1) / steps;
        snprintf(progress->text, sizeof progress->text, "%s",
                 t->step < WHOLE ? names[t->step] : "each class");
    }
    return ++t->step == steps ? LIM_STEP_DONE : LIM_STEP_MORE;
}

static void
compare_free(LimTask *task)
{
    Compare *t = (Compare *)task;
    free(t->r.of);
    free(t->r.confusion);
    free(t->variety);
    free(t->real_variety);
    free(t);
}

static const LimTaskClass compare_class = {"compare", compare_step, NULL, compare_free};

LimTask *
lim_compare_new(const LimFeatures *samples, const LimFeatures *real)
{
    const int classes = samples->classes;
    LIM_ASSERT(classes == real->classes && samples->size == real->size && samples->probability);
    Compare *t = lim_alloc(1, sizeof *t);
    t->base.klass = &compare_class;
    t->samples = samples;
    t->real = real;
    t->r.classes = classes;
    t->r.of = lim_alloc((size_t)classes, sizeof *t->r.of);
    t->r.confusion = lim_alloc((size_t)classes * (size_t)classes, sizeof *t->r.confusion);
    t->variety = lim_alloc((size_t)classes, sizeof *t->variety);
    t->real_variety = lim_alloc((size_t)classes, sizeof *t->real_variety);
    const LimMeasures none = {samples->n, real->n, unknown, unknown, unknown,
                              unknown,    unknown, unknown, unknown};
    t->r.all = none;
    t->r.inception = unknown;
    t->r.inception_sd = (double)NAN;
    for (int k = 0; k < classes; k++)
        t->r.of[k] = none;
    return &t->base;
}

const LimComparison *
lim_compare_result(const LimTask *t)
{
    return &((const Compare *)t)->r;
}
