/* Three tasks in a row: draw, compute features, compare. */
#include "metrics/gan_metrics.h"

#include "metrics/samples.h"

#include <stdlib.h>

typedef struct GanMetrics {
    LimTask base;
    LimPredictor *c;
    const LimFeatures *real;
    LimTask *draw, *judge, *compare; /* one after the other; each stays for its result */
    LimDataset *pictures;
    LimFeatures *samples;
    bool done;
} GanMetrics;

/* Roughly, in time. */
#define DRAWN  0.6
#define JUDGED 0.8

static LimStep
metrics_step(LimTask *task, const LimExec *exec, LimProgress *progress, LimError *err)
{
    GanMetrics *t = (GanMetrics *)task;
    LimStep step;
    if (t->done)
        return LIM_STEP_DONE;
    if (!t->pictures) {
        step = lim_task_step(t->draw, exec, progress, err);
        lim_progress_scale(progress, 0, DRAWN);
        if (step == LIM_STEP_DONE) {
            t->pictures = lim_draw_task_steal(t->draw);
            t->judge = lim_features_task_new(t->c, t->pictures, NULL, t->pictures->n, err);
            if (!t->judge)
                return LIM_STEP_FAILED;
        }
    } else if (!t->samples) {
        step = lim_task_step(t->judge, exec, progress, err);
        lim_progress_scale(progress, DRAWN, JUDGED);
        if (step == LIM_STEP_DONE) {
            t->samples = lim_features_task_steal(t->judge);
            t->compare = lim_compare_new(t->samples, t->real);
        }
    } else {
        step = lim_task_step(t->compare, exec, progress, err);
        lim_progress_scale(progress, JUDGED, 1);
        t->done = step == LIM_STEP_DONE;
    }
    return step == LIM_STEP_FAILED ? step : t->done ? LIM_STEP_DONE : LIM_STEP_MORE;
}

static void
metrics_free(LimTask *task)
{
    GanMetrics *t = (GanMetrics *)task;
    lim_task_free(t->compare);
    lim_task_free(t->judge);
    lim_task_free(t->draw);
    lim_features_free(t->samples);
    lim_dataset_free(t->pictures);
    free(t);
}

static const LimTaskClass metrics_class = {"GAN metrics", metrics_step, NULL, metrics_free};

LimTask *
lim_gan_metrics_new(LimGenerator *g, LimPredictor *c, const LimFeatures *real,
                    const LimGanMetricsSettings *settings, LimError *err)
{
    const int classes = lim_generator_classes(g);
    if (!lim_shape_equal(lim_generator_image_shape(g), lim_predictor_image_shape(c)) ||
        classes != lim_predictor_classes(c) || classes != real->classes) {
        lim_fail(err, LIM_E_SHAPE,
                 "the generator and the classifier know different pictures or classes; choose two "
                 "that were trained on the same data");
        return NULL;
    }
    LIM_ASSERT(settings->samples >= 1 && real->size == lim_predictor_features(c));
    const LimSampleRequest r =
        lim_plain_request(-1, settings->seed, settings->threshold, settings->truncation);
    GanMetrics *t = lim_alloc(1, sizeof *t);
    t->base.klass = &metrics_class;
    t->c = c;
    t->real = real;
    t->draw = lim_draw_task_new(g, &r, settings->samples);
    return &t->base;
}

const LimComparison *
lim_gan_metrics_result(const LimTask *task)
{
    const GanMetrics *t = (const GanMetrics *)task;
    return t->done ? lim_compare_result(t->compare) : NULL;
}
