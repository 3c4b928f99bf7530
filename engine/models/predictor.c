/* The classifier for use: one plan per batch size asked for, made on first use and kept. One that
 * is made of others differs in what it appends to a graph only. */
#include "models/predictor.h"

#include "graph/plan.h"
#include "models/modelfile.h"
#include "ops/ops.h"

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
    LimDenoiser *denoiser;                    /* of one behind it */
    LimPredictor *parts[LIM_PREDICTOR_PARTS]; /* what it is made of; its own store is NULL then */
    int n_parts;
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

LimPredictor *
lim_predictor_ensemble(LimPredictor *const *parts, int n, LimError *err)
{
    LIM_ASSERT(n >= 1 && n <= LIM_PREDICTOR_PARTS);
    for (int i = 1; i < n; i++)
        if (parts[i]->params.channels != parts[0]->params.channels ||
            parts[i]->classes != parts[0]->classes) {
            lim_fail(err, LIM_E_SHAPE,
                     "classifiers of %d and %d classes, of pictures of %d and %d channels, cannot "
                     "answer together",
                     parts[0]->classes, parts[i]->classes, parts[0]->params.channels,
                     parts[i]->params.channels);
            return NULL;
        }
    LimPredictor *c = lim_predictor_new(&parts[0]->params, NULL);
    c->n_parts = n;
    memcpy(c->parts, parts, (size_t)n * sizeof *parts);
    return c;
}

LimPredictor *
lim_predictor_behind(LimDenoiser *d, LimPredictor *part, LimError *err)
{
    if (lim_denoiser_params(d)->channels != part->params.channels) {
        lim_fail(err, LIM_E_SHAPE,
                 "the denoiser is for pictures of %d channels, the classifier for %d; choose a "
                 "denoiser that was trained on this data",
                 lim_denoiser_params(d)->channels, part->params.channels);
        return NULL;
    }
    LimPredictor *c = lim_predictor_ensemble(&part, 1, err);
    c->denoiser = d;
    return c;
}

static LimVal
build_ensemble(LimPredictor *c, LimGraph *g, LimVal x, LimClassifierTaps *taps)
{
    LimVal sum = lim_predictor_build(c->parts[0], g, x);
    for (int i = 1; i < c->n_parts; i++)
        sum = lim_add(g, sum, lim_predictor_build(c->parts[i], g, x));
    if (taps)
        *taps = (LimClassifierTaps){0};
    return lim_affine(g, sum, 1.0 / c->n_parts, 0);
}

LimVal
lim_predictor_build_taps(LimPredictor *c, LimGraph *g, LimVal x, LimClassifierTaps *taps)
{
    if (c->denoiser)
        return lim_predictor_build_taps(c->parts[0], g, lim_denoiser_build(c->denoiser, g, x),
                                        taps);
    if (c->n_parts)
        return build_ensemble(c, g, x, taps);
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
    b->plan = lim_plan_new(g, (LimVal[]){b->logits, b->taps.features},
                           lim_val_ok(b->taps.features) ? 2 : 1, 0, exec, err);
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
    if (c->n_parts)
        return lim_predictor_class_name(c->parts[0], k);
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
    if (c->n_parts == 0)
        return lim_store_hash(c->store);
    uint64_t hash = c->denoiser ? lim_denoiser_hash(c->denoiser) : 0;
    for (int i = 0; i < c->n_parts; i++)
        hash = hash * UINT64_C(0x100000001b3) ^ lim_predictor_hash(c->parts[i]);
    return hash;
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
        LIM_ASSERT(!features || lim_val_ok(b->taps.features));
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
