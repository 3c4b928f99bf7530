/* The denoising networks, and a loaded one for use: one plan per batch size, kept while pictures
 * have the same size. */
#include "models/denoiser.h"

#include "graph/plan.h"
#include "models/modelfile.h"

#include <stdlib.h>
#include <string.h>

static const char *const architectures[] = {"dunet", "dae", NULL};

const LimParamSpec lim_denoiser_schema[] = {
    {.name = "architecture",
     .label = "Architecture",
     .help = "DUNET, with links from encoder to decoder, corrects the picture; DAE, an autoencoder "
             "without them, draws it anew.",
     .unit = "",
     .kind = LIM_CHOICE,
     .offset = offsetof(LimDenoiserParams, architecture),
     .choices = architectures,
     .def = LIM_DENOISER_DUNET},
    {.name = "channels",
     .label = "Colour channels",
     .help = "1 for grey pictures, 3 for RGB.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(LimDenoiserParams, channels),
     .min = 1,
     .max = 3,
     .def = 1},
    {.name = "width",
     .label = "Width",
     .help = "Channels of the first stage; the others have two and four times as many. The paper's "
             "network for large pictures has 64.",
     .unit = "channels",
     .kind = LIM_INT,
     .offset = offsetof(LimDenoiserParams, width),
     .min = 1,
     .max = 128,
     .def = 16},
    {0}};

/* ---- network ----------------------------------------------------------------------------------
 */

enum { STAGES = 5 };
static const int n_units[STAGES] = {2, 3, 3, 3, 3};
static const int multiple[STAGES] = {1, 2, 4, 4, 4}; /* of the width */

/* The units of one stage: side.stage.conv0.weight, side.stage.bn0.weight and so on. */
static LimVal
stage(LimBuild *b, const char *side, int i, LimVal x, int out, int stride)
{
    static const char *const conv[] = {"conv0", "conv1", "conv2"};
    static const char *const bn[] = {"bn0", "bn1", "bn2"};
    const int at = lim_build_push(b, "%s.%d", side, i);
    for (int k = 0; k < n_units[i]; k++) {
        x = lim_layer_conv(b, conv[k], x,
                           (LimConvLayer){.out = out,
                                          .kernel = 3,
                                          .stride = k ? 1 : stride,
                                          .pad = 1,
                                          .init = {LIM_INIT_HE, 1}});
        x = lim_layer_batch_norm(b, bn[k], x, true);
    }
    lim_build_pop(b, at);
    return x;
}

LimVal
lim_denoiser_network(LimBuild *b, const LimDenoiserParams *p, LimVal x)
{
    LimGraph *g = b->g;
    const bool dunet = p->architecture == LIM_DENOISER_DUNET;
    LimVal link[STAGES], h = x;
    b->bn_eps = 1e-5;
    for (int i = 0; i < STAGES; i++)
        link[i] = h = stage(b, "forward", i, h, p->width * multiple[i], i ? 2 : 1);
    for (int i = STAGES - 2; i >= 0; i--) {
        const LimShape s = lim_graph_shape(g, link[i]);
        h = lim_resize_bilinear(g, h, s.d[2], s.d[3]);
        if (dunet)
            h = lim_concat(g, h, link[i], 1);
        h = stage(b, "back", i, h, p->width * multiple[i], 1);
    }
    h = lim_layer_conv(b, "final", h,
                       (LimConvLayer){.out = p->channels,
                                      .kernel = 1,
                                      .init = {dunet ? LIM_INIT_ZERO : LIM_INIT_XAVIER, 1}});
    return dunet ? lim_add(g, x, h) : h;
}

/* ---- for use ----------------------------------------------------------------------------------
 */

#define BATCH 64 /* larger requests are cut into these */

typedef struct BatchPlan {
    LimPlan *plan;
    LimVal x, y;
} BatchPlan;

struct LimDenoiser {
    LimDenoiserParams params;
    LimStore *store, *owned_store;
    char *training;
    int h, w;                   /* of the plans */
    BatchPlan plans[BATCH + 1]; /* [batch size] */
};

static void
forget_plans(LimDenoiser *d)
{
    for (int i = 0; i <= BATCH; i++) {
        lim_plan_free(d->plans[i].plan);
        d->plans[i].plan = NULL;
    }
}

LimDenoiser *
lim_denoiser_new(const LimDenoiserParams *p, LimStore *store)
{
    LimDenoiser *d = lim_alloc(1, sizeof *d);
    d->params = *p;
    d->store = store;
    return d;
}

void
lim_denoiser_free(LimDenoiser *d)
{
    if (!d)
        return;
    forget_plans(d);
    lim_store_free(d->owned_store);
    free(d->training);
    free(d);
}

LimVal
lim_denoiser_build(LimDenoiser *d, LimGraph *g, LimVal x)
{
    LimBuild b;
    lim_build_init(&b, g, d->store, LIM_MODE_EVAL);
    return lim_denoiser_network(&b, &d->params, x);
}

static LimStatus
plan_batch(LimDenoiser *d, int n, const LimExec *exec, LimError *err)
{
    BatchPlan *b = &d->plans[n];
    if (b->plan)
        return LIM_OK;
    LimGraph *g = lim_graph_new();
    b->x = lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE4(n, d->params.channels, d->h, d->w));
    b->y = lim_denoiser_build(d, g, b->x);
    b->plan = lim_plan_new(g, &b->y, 1, 0, exec, err);
    return b->plan ? LIM_OK : err ? err->code : LIM_E_SHAPE;
}

LimDenoiser *
lim_denoiser_load(const char *path, LimError *err)
{
    LimError local = LIM_ERROR_INIT;
    if (!err)
        err = &local;
    LimModelFile *f = lim_modelfile_open(path, err);
    if (!f)
        return NULL;
    LimDenoiserParams params;
    LimDenoiser *d = NULL;
    if (lim_modelfile_params(f, "denoiser", lim_denoiser_schema, &params, err) == LIM_OK) {
        LimStore *store = lim_store_new(0);
        d = lim_denoiser_new(&params, store);
        d->owned_store = store;
        d->h = d->w = 1;
        LimExec none = {.kernels = lim_kernels_best()};
        lim_store_source(store, f->st); /* building the network reads its weights */
        plan_batch(d, 1, &none, err);
        lim_store_source(store, NULL);
        forget_plans(d);
        d->training = f->training;
        f->training = NULL;
        if (err->code != LIM_OK) {
            lim_denoiser_free(d);
            d = NULL;
        }
    }
    lim_modelfile_free(f);
    return d;
}

const LimDenoiserParams *
lim_denoiser_params(const LimDenoiser *d)
{
    return &d->params;
}

const char *
lim_denoiser_training(const LimDenoiser *d)
{
    return d->training;
}

uint64_t
lim_denoiser_hash(const LimDenoiser *d)
{
    return lim_store_hash(d->store);
}

LimStatus
lim_denoiser_run(LimDenoiser *d, const LimExec *exec, const float *x, int n, int h, int w, float *y,
                 LimError *err)
{
    const size_t size = (size_t)d->params.channels * (size_t)h * (size_t)w;
    if (d->h != h || d->w != w) {
        forget_plans(d);
        d->h = h;
        d->w = w;
    }
    for (int at = 0, batch; at < n; at += batch) {
        batch = n - at < BATCH ? n - at : BATCH;
        LimStatus status = plan_batch(d, batch, exec, err);
        if (status != LIM_OK)
            return status;
        BatchPlan *b = &d->plans[batch];
        lim_plan_bind(b->plan, b->x, x + (size_t)at * size);
        status = lim_plan_run(b->plan, exec, err);
        if (status != LIM_OK)
            return status;
        memcpy(y + (size_t)at * size, lim_plan_f32(b->plan, b->y),
               (size_t)batch * size * sizeof *y);
    }
    return LIM_OK;
}
