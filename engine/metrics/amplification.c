/* Both pictures go through the network in one batch, the clean ones first. One plan is kept: people
 * look at one picture after the other, evaluations at full batches. */
#include "metrics/amplification.h"

#include "graph/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 32

struct LimAmplifier {
    LimPredictor *classifier;
    int n, layers; /* pictures of the plan */
    char name[LIM_AMPLIFICATION_LAYERS][16];
    LimPlan *plan;
    LimVal x, value[LIM_AMPLIFICATION_LAYERS];
    int64_t size[LIM_AMPLIFICATION_LAYERS]; /* values of one picture */
    float *both;                            /* [2 n][c][h][w] */
};

LimAmplifier *
lim_amplifier_new(LimPredictor *classifier)
{
    LimAmplifier *a = lim_alloc(1, sizeof *a);
    a->classifier = classifier;
    return a;
}

void
lim_amplifier_free(LimAmplifier *a)
{
    if (!a)
        return;
    lim_plan_free(a->plan);
    free(a->both);
    free(a);
}

int
lim_amplifier_layers(const LimAmplifier *a)
{
    return a->layers;
}

const char *
lim_amplifier_layer(const LimAmplifier *a, int layer)
{
    return a->name[layer];
}

static LimStatus
plan(LimAmplifier *a, int n, const LimExec *exec, LimError *err)
{
    if (a->plan && a->n == n)
        return LIM_OK;
    lim_plan_free(a->plan);
    free(a->both);
    const LimShape s = lim_predictor_image_shape(a->classifier);
    LimGraph *g = lim_graph_new();
    LimClassifierTaps taps;
    a->x = lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE4(2 * n, s.d[0], s.d[1], s.d[2]));
    lim_predictor_build_taps(a->classifier, g, a->x, &taps);
    LIM_ASSERT(taps.n > 0);
    a->n = n;
    a->layers = taps.n + 1;
    strcpy(a->name[0], "picture");
    a->size[0] = lim_shape_size(s);
    for (int i = 0; i < taps.n; i++) {
        memcpy(a->name[i + 1], taps.name[i], sizeof taps.name[i]);
        a->value[i + 1] = taps.value[i];
        a->size[i + 1] = lim_shape_size(lim_graph_shape(g, taps.value[i])) / (2 * n);
    }
    a->both = lim_alloc(2 * (size_t)n * (size_t)a->size[0], sizeof *a->both);
    a->plan = lim_plan_new(g, a->value + 1, taps.n, 0, exec, err);
    return a->plan ? LIM_OK : err ? err->code : LIM_E_SHAPE;
}

static double
relative_error(const float *other, const float *clean, int64_t n)
{
    double error = 0, whole = 0;
    for (int64_t i = 0; i < n; i++) {
        error += fabs((double)other[i] - (double)clean[i]);
        whole += fabs((double)clean[i]);
    }
    return error == 0 ? 0 : error / whole;
}

LimStatus
lim_amplifier_run(LimAmplifier *a, const LimExec *exec, const float *clean, const float *other,
                  int n, double *ratio, LimError *err)
{
    const size_t image = (size_t)lim_shape_size(lim_predictor_image_shape(a->classifier));
    for (int at = 0, b; at < n; at += b) {
        b = n - at < BATCH ? n - at : BATCH;
        LimStatus status = plan(a, b, exec, err);
        if (status != LIM_OK)
            return status;
        const size_t half = (size_t)b * image;
        memcpy(a->both, clean + (size_t)at * image, half * sizeof *clean);
        memcpy(a->both + half, other + (size_t)at * image, half * sizeof *other);
        lim_plan_bind(a->plan, a->x, a->both);
        status = lim_plan_run(a->plan, exec, err);
        if (status != LIM_OK)
            return status;
        for (int l = 0; l < a->layers; l++) {
            const float *v = l == 0 ? a->both : lim_plan_f32(a->plan, a->value[l]);
            for (int i = 0; i < b; i++)
                ratio[(at + i) * a->layers + l] =
                    relative_error(v + (b + i) * a->size[l], v + i * a->size[l], a->size[l]);
        }
    }
    return LIM_OK;
}
