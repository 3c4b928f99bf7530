/* The classifier for use: one plan per batch size asked for, made on first use and kept. */
#include "models/predictor.h"

#include "graph/plan.h"
#include "models/modelfile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 64 /* larger requests are cut into these */

typedef struct BatchPlan {
    LimPlan *plan;
    LimVal x, logits;
    LimClassifierTaps taps;
} BatchPlan;

struct LimPredictor {
    LimClassifierParams params;
    LimStore *store, *owned_store;
    int classes;
    char (*class_names)[32];
    BatchPlan plans[BATCH + 1]; /* [batch size] */
};

LimPredictor *
lim_predictor_new(const LimClassifierParams *p, LimStore *store)
{
    LimPredictor *c = lim_alloc(1, sizeof *c);
    c->params = *p;
    c->store = store;
    c->classes = p->classes;
    return c;
}

LimVal
lim_predictor_build_taps(LimPredictor *c, LimGraph *g, LimVal x, LimClassifierTaps *taps)
{
    LimBuild build;
    lim_build_init(&build, g, c->store, LIM_MODE_EVAL);
    return lim_classifier(&build, &c->params, x, taps);
}

LimVal
lim_predictor_build(LimPredictor *c, LimGraph *g, LimVal x)
{
    return lim_predictor_build_taps(c, g, x, NULL);
}

/* Records the network for one batch size into a plan. */
static LimStatus
plan_batch(LimPredictor *c, int n, const LimExec *exec, LimError *err)
{
    BatchPlan *b = &c->plans[n];
    if (b->plan)
        return LIM_OK;
    LimGraph *g = lim_graph_new();
    b->x =
        lim_graph_feed(g, "x", LIM_F32,
                       LIM_SHAPE4(n, c->params.channels, LIM_CLASSIFIER_SIZE, LIM_CLASSIFIER_SIZE));
    b->logits = lim_predictor_build_taps(c, g, b->x, &b->taps);
    b->plan = lim_plan_new(g, (LimVal[]){b->logits, b->taps.features}, 2, 0, exec, err);
    return b->plan ? LIM_OK : LIM_E_SHAPE;
}

LimPredictor *
lim_predictor_load(const char *path, LimError *err)
{
    LimError local = LIM_ERROR_INIT;
    if (!err)
        err = &local;
    LimModelFile *f = lim_modelfile_open(path, err);
    if (!f)
        return NULL;
    LimClassifierParams params;
    LimPredictor *c = NULL;
    if (lim_modelfile_params(f, "classifier", lim_classifier_schema, &params, err) == LIM_OK) {
        LimStore *store = lim_store_new(0);
        c = lim_predictor_new(&params, store);
        c->owned_store = store;
        LimExec none = {.kernels = lim_kernels_best()};
        if (params.classes != f->classes)
            lim_fail(err, LIM_E_FORMAT, "%s: %d class names for %d classes", path, f->classes,
                     params.classes);
        else { /* building the network reads its weights */
            lim_store_source(store, f->st);
            plan_batch(c, 1, &none, err);
            lim_store_source(store, NULL);
        }
        c->class_names = f->class_names;
        f->class_names = NULL;
        lim_plan_free(c->plans[1].plan);
        c->plans[1].plan = NULL;
        if (err->code != LIM_OK) {
            lim_predictor_free(c);
            c = NULL;
        }
    }
    lim_modelfile_free(f);
    return c;
}

void
lim_predictor_free(LimPredictor *c)
{
    if (!c)
        return;
    for (int i = 0; i <= BATCH; i++)
        lim_plan_free(c->plans[i].plan);
    lim_store_free(c->owned_store);
    free(c->class_names);
    free(c);
}

int
lim_predictor_classes(const LimPredictor *c)
{
    return c->classes;
}

const char *
lim_predictor_class_name(const LimPredictor *c, int k)
{
    return c->class_names && k >= 0 && k < c->classes ? c->class_names[k] : "";
}

LimShape
lim_predictor_image_shape(const LimPredictor *c)
{
    return LIM_SHAPE3(c->params.channels, LIM_CLASSIFIER_SIZE, LIM_CLASSIFIER_SIZE);
}

int
lim_predictor_features(const LimPredictor *c)
{
    return lim_classifier_features(&c->params);
}

uint64_t
lim_predictor_hash(const LimPredictor *c)
{
    return lim_store_hash(c->store);
}

LimStatus
lim_predictor_run(LimPredictor *c, const LimExec *exec, const float *x, int n, float *logits,
                  float *features, LimError *err)
{
    const size_t image = (size_t)lim_shape_size(lim_predictor_image_shape(c));
    const size_t nf = (size_t)lim_predictor_features(c), nk = (size_t)c->classes;
    for (int done = 0; done < n;) {
        const int batch = n - done < BATCH ? n - done : BATCH;
        LimStatus status = plan_batch(c, batch, exec, err);
        if (status != LIM_OK)
            return status;
        BatchPlan *b = &c->plans[batch];
        lim_plan_bind(b->plan, b->x, x + (size_t)done * image);
        status = lim_plan_run(b->plan, exec, err);
        if (status != LIM_OK)
            return status;
        if (logits)
            memcpy(logits + (size_t)done * nk, lim_plan_f32(b->plan, b->logits),
                   (size_t)batch * nk * sizeof(float));
        if (features)
            memcpy(features + (size_t)done * nf, lim_plan_f32(b->plan, b->taps.features),
                   (size_t)batch * nf * sizeof(float));
        done += batch;
    }
    return LIM_OK;
}

LimStatus
lim_predictor_judge(LimPredictor *c, const LimExec *exec, const float *x, int n, float *probability,
                    float *features, LimError *err)
{
    const LimStatus status = lim_predictor_run(c, exec, x, n, probability, features, err);
    for (int i = 0; i < n && status == LIM_OK; i++) {
        float *p = probability + (size_t)i * (size_t)c->classes; /* holds logits */
        double top = (double)p[0], sum = 0;
        for (int k = 1; k < c->classes; k++)
            top = fmax(top, (double)p[k]);
        for (int k = 0; k < c->classes; k++)
            sum += exp((double)p[k] - top);
        for (int k = 0; k < c->classes; k++)
            p[k] = (float)(exp((double)p[k] - top) / sum);
    }
    return status;
}
