/* Draw, train, test: the trainer of classifiers with samples in place of its data. */
#include "metrics/cas.h"

#include "metrics/asked_class.h"
#include "metrics/samples.h"

#include <stdlib.h>

typedef struct CasTask {
    LimTask base;
    LimCasSettings s;
    const LimDataset *test;
    LimTask *draw, *train, *judge;
    LimDataset *samples;
    LimPredictor *c; /* over the trainer's weights */
    LimTrainLog log;
    LimCas r;
    bool done;
} CasTask;

/* Roughly, in time. */
#define DRAWN   0.1
#define TRAINED 0.98

static LimStatus
begin_training(CasTask *t, const LimExec *exec, LimError *err)
{
    t->samples = lim_draw_task_steal(t->draw);
    t->train =
        lim_classifier_trainer_new(&t->s.training, t->samples, t->test, NULL, t->log, exec, err);
    return t->train ? LIM_OK : LIM_E_PARAM;
}

static LimStatus
begin_test(CasTask *t, LimError *err)
{
    t->c = lim_predictor_new(&t->s.training.model, lim_supervised_store(t->train));
    t->judge = lim_features_task_new(t->c, t->test, NULL, t->test->n, err);
    return t->judge ? LIM_OK : LIM_E_SHAPE;
}

static void
finish(CasTask *t)
{
    LimFeatures *f = lim_features_task_steal(t->judge);
    t->r.samples = t->samples->n;
    t->r.steps = (int)lim_supervised_steps(t->train);
    t->r.pictures = f->n;
    t->r.accuracy = lim_asked_class_count(f, t->r.confusion);
    t->done = true;
    lim_features_free(f);
}

static LimStep
cas_step(LimTask *task, const LimExec *exec, LimProgress *progress, LimError *err)
{
    CasTask *t = (CasTask *)task;
    LimStep step;
    LimStatus status = LIM_OK;
    if (t->done)
        return LIM_STEP_DONE;
    if (!t->train) {
        step = lim_task_step(t->draw, exec, progress, err);
        lim_progress_scale(progress, 0, DRAWN);
        if (step == LIM_STEP_DONE)
            status = begin_training(t, exec, err);
    } else if (!t->judge) {
        step = lim_task_step(t->train, exec, progress, err);
        lim_progress_scale(progress, DRAWN, TRAINED);
        if (step == LIM_STEP_DONE)
            status = begin_test(t, err);
    } else {
        step = lim_task_step(t->judge, exec, progress, err);
        lim_progress_scale(progress, TRAINED, 1);
        if (step == LIM_STEP_DONE)
            finish(t);
    }
    if (step == LIM_STEP_FAILED || status != LIM_OK)
        return LIM_STEP_FAILED;
    return t->done ? LIM_STEP_DONE : LIM_STEP_MORE;
}

static void
cas_free(LimTask *task)
{
    CasTask *t = (CasTask *)task;
    lim_task_free(t->judge);
    lim_predictor_free(t->c);
    lim_task_free(t->train);
    lim_task_free(t->draw);
    lim_dataset_free(t->samples);
    lim_train_log_close(&t->log);
    free(t->r.confusion);
    free(t);
}

static const LimTaskClass cas_class = {"classification accuracy score", cas_step, NULL, cas_free};

LimTask *
lim_cas_new(LimGenerator *g, const LimDataset *test, const LimCasSettings *settings, LimError *err)
{
    const LimShape s = lim_generator_image_shape(g);
    const int classes = lim_generator_classes(g);
    LIM_ASSERT(settings->samples >= 1);
    if (test->c != s.d[0] || test->h > s.d[1] || test->w > s.d[2] || test->classes != classes) {
        lim_fail(err, LIM_E_SHAPE,
                 "the generator draws %d classes of %dx%dx%d pictures, and the data has %d of "
                 "%dx%dx%d; choose two that belong together",
                 classes, s.d[0], s.d[1], s.d[2], test->classes, test->c, test->h, test->w);
        return NULL;
    }
    const LimSampleRequest r =
        lim_plain_request(-1, settings->seed, settings->threshold, settings->truncation);
    CasTask *t = lim_alloc(1, sizeof *t);
    t->base.klass = &cas_class;
    t->s = *settings;
    t->s.training.model.channels = s.d[0];
    t->s.training.model.classes = classes;
    t->test = test;
    t->draw = lim_draw_task_new(g, &r, settings->samples);
    t->r.classes = classes;
    t->r.confusion = lim_alloc((size_t)classes * (size_t)classes, sizeof *t->r.confusion);
    lim_train_log_open(&t->log, NULL, NULL);
    return &t->base;
}

const LimCas *
lim_cas_result(const LimTask *task)
{
    const CasTask *t = (const CasTask *)task;
    return t->done ? &t->r : NULL;
}
