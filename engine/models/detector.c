/* Faster R-CNN: the network, anchors, proposals, and its use on single pictures. */
#include "models/detector.h"

#include "graph/plan.h"
#include "models/boxes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_SIDE  2.0f /* pixels of a proposal */
#define LEAST_SCORE 0.05f

const float lim_head_scale[4] = {10, 10, 5, 5};

/* ---- network ----------------------------------------------------------------------------------
 */

static const LimInit he = {LIM_INIT_HE, 1}, small = {LIM_INIT_NORMAL, 0.01};

LimVal
lim_detector_features(LimBuild *b, const LimSceneNetParams *p, LimVal x)
{
    LimVal stage[LIM_BACKBONE_STAGES];
    lim_backbone(b, p, 2, x, stage);
    return stage[LIM_BACKBONE_STAGES - 1];
}

/* [n][9 k][h][w] -> [n 9][k][h][w], the same memory */
static LimVal
by_anchor(LimGraph *g, LimVal x)
{
    const LimShape s = lim_graph_shape(g, x);
    return lim_reshape(g, x,
                       LIM_SHAPE4(s.d[0] * LIM_ANCHORS, s.d[1] / LIM_ANCHORS, s.d[2], s.d[3]));
}

void
lim_detector_proposer(LimBuild *b, const LimSceneNetParams *p, LimVal features, LimVal *objectness,
                      LimVal *offsets)
{
    LimConvLayer conv = {.out = 4 * p->width, .kernel = 3, .pad = 1, .bias = true, .init = he};
    LimVal h = lim_relu(b->g, lim_layer_conv(b, "rpn.conv", features, conv), 0);
    conv = (LimConvLayer){.out = 2 * LIM_ANCHORS, .kernel = 1, .bias = true, .init = small};
    *objectness = by_anchor(b->g, lim_layer_conv(b, "rpn.score", h, conv));
    conv.out = 4 * LIM_ANCHORS;
    *offsets = by_anchor(b->g, lim_layer_conv(b, "rpn.offset", h, conv));
}

void
lim_detector_head(LimBuild *b, const LimSceneNetParams *p, LimVal features, LimVal boxes,
                  LimVal index, LimVal *scores, LimVal *offsets)
{
    LimGraph *g = b->g;
    LimVal h =
        lim_roi_align(g, features, boxes, index, LIM_DETECTOR_BINS, 1.0 / LIM_DETECTOR_STRIDE);
    const LimShape s = lim_graph_shape(g, h);
    h = lim_reshape(g, h, LIM_SHAPE2(s.d[0], s.d[1] * s.d[2] * s.d[3]));
    h = lim_relu(g, lim_layer_linear(b, "head.fc", h, 8 * p->width, true, false, he), 0);
    *scores = lim_layer_linear(b, "head.score", h, p->classes, true, false, small);
    *offsets = lim_layer_linear(b, "head.offset", h, 4 * p->classes, true, false,
                                (LimInit){LIM_INIT_NORMAL, 0.001});
}

/* ---- anchors and proposals --------------------------------------------------------------------
 */

int
lim_detector_anchors(int size, float (*anchor)[4])
{
    static const double side[3] = {0.22, 0.34, 0.5}, shape[3] = {0.5, 1, 2};
    const int cells = size / LIM_DETECTOR_STRIDE;
    for (int a = 0; anchor && a < LIM_ANCHORS; a++) {
        const double w = size * side[a / 3] / sqrt(shape[a % 3]), h = w * shape[a % 3];
        for (int i = 0; i < cells * cells; i++) {
            const double x = (i % cells + 0.5) * LIM_DETECTOR_STRIDE;
            const double y = ((double)(i / cells) + 0.5) * LIM_DETECTOR_STRIDE;
            float *box = anchor[a * cells * cells + i];
            box[0] = (float)(x - w / 2);
            box[1] = (float)(y - h / 2);
            box[2] = (float)(x + w / 2);
            box[3] = (float)(y + h / 2);
        }
    }
    return LIM_ANCHORS * cells * cells;
}

int
lim_detector_propose(const float (*anchor)[4], int n_anchors, int size, const float *objectness,
                     const float *offsets, double overlap, int most, LimProposalScratch *scratch,
                     float (*proposal)[4], float *score)
{
    const int cells = n_anchors / LIM_ANCHORS;
    int n = 0;
    for (int i = 0; i < n_anchors; i++) {
        const int a = i / cells, at = i % cells;
        const float *o = objectness + (size_t)a * 2 * (size_t)cells + at;
        float offset[4];
        for (int k = 0; k < 4; k++)
            offset[k] = offsets[((size_t)a * 4 + (size_t)k) * (size_t)cells + (size_t)at];
        float *box = scratch->box[n];
        lim_box_decode(anchor[i], offset, (float)size, box);
        scratch->score[n] = o[cells] - o[0];
        n += box[2] - box[0] >= LEAST_SIDE && box[3] - box[1] >= LEAST_SIDE;
    }
    const int kept =
        lim_nms((const float(*)[4])scratch->box, scratch->score, n, overlap, most, scratch->keep);
    for (int i = 0; i < kept; i++) {
        memcpy(proposal[i], scratch->box[scratch->keep[i]], sizeof *proposal);
        if (score)
            score[i] = scratch->score[scratch->keep[i]];
    }
    return kept;
}

/* ---- use --------------------------------------------------------------------------------------
 */

struct LimDetector {
    int size, classes, n_anchors;
    LimPlan *propose, *judge;
    LimVal x, features, objectness, offsets;       /* of propose */
    LimVal map, boxes, index, scores, box_offsets; /* of judge */
    float (*anchor)[4];                            /* [n_anchors] */
    LimProposalScratch scratch;                    /* [n_anchors] */
    float proposal[LIM_PROPOSALS][4];
    int32_t zero[LIM_PROPOSALS];
};

void
lim_detector_free(LimDetector *d)
{
    if (!d)
        return;
    lim_plan_free(d->propose);
    lim_plan_free(d->judge);
    free(d->anchor);
    free(d->scratch.box);
    free(d->scratch.score);
    free(d->scratch.keep);
    free(d);
}

static void
plan_propose(LimDetector *d, LimSceneNet *net, const LimExec *exec, LimError *err)
{
    LimGraph *g = lim_graph_new();
    LimBuild b;
    lim_build_init(&b, g, net->store, LIM_MODE_EVAL);
    d->x = lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE4(1, 3, d->size, d->size));
    d->features = lim_detector_features(&b, &net->params, d->x);
    lim_detector_proposer(&b, &net->params, d->features, &d->objectness, &d->offsets);
    d->propose =
        lim_plan_new(g, (LimVal[]){d->features, d->objectness, d->offsets}, 3, 0, exec, err);
}

static void
plan_judge(LimDetector *d, LimSceneNet *net, const LimExec *exec, LimError *err)
{
    const int cells = d->size / LIM_DETECTOR_STRIDE;
    LimGraph *g = lim_graph_new();
    LimBuild b;
    lim_build_init(&b, g, net->store, LIM_MODE_EVAL);
    d->map =
        lim_graph_feed(g, "features", LIM_F32, LIM_SHAPE4(1, net->params.width << 3, cells, cells));
    d->boxes = lim_graph_feed(g, "boxes", LIM_F32, LIM_SHAPE2(LIM_PROPOSALS, 4));
    d->index = lim_graph_feed(g, "index", LIM_I32, LIM_SHAPE1(LIM_PROPOSALS));
    LimVal scores;
    lim_detector_head(&b, &net->params, d->map, d->boxes, d->index, &scores, &d->box_offsets);
    d->scores = lim_softmax(g, scores);
    d->judge = lim_plan_new(g, (LimVal[]){d->scores, d->box_offsets}, 2, 0, exec, err);
}

LimDetector *
lim_detector_new(LimSceneNet *net, int size, const LimExec *exec, LimError *err)
{
    LIM_ASSERT(net->kind == LIM_SCENE_DETECTOR);
    LimDetector *d = lim_alloc(1, sizeof *d);
    d->size = size;
    d->classes = net->params.classes;
    d->n_anchors = lim_detector_anchors(size, NULL);
    const size_t n = (size_t)d->n_anchors;
    d->anchor = lim_alloc(n, sizeof *d->anchor);
    d->scratch = (LimProposalScratch){lim_alloc(n, sizeof *d->scratch.box),
                                      lim_alloc(n, sizeof *d->scratch.score),
                                      lim_alloc(n, sizeof *d->scratch.keep)};
    lim_detector_anchors(size, d->anchor);
    plan_propose(d, net, exec, err);
    if (d->propose)
        plan_judge(d, net, exec, err);
    if (d->judge) {
        lim_plan_bind(d->judge, d->boxes, d->proposal);
        lim_plan_bind(d->judge, d->index, d->zero);
        return d;
    }
    lim_detector_free(d);
    return NULL;
}

LimStatus
lim_detector_proposals(LimDetector *d, const LimExec *exec, const float *x, double overlap,
                       int most, float (*proposal)[4], int *n, LimError *err)
{
    lim_plan_bind(d->propose, d->x, x);
    const LimStatus status = lim_plan_run(d->propose, exec, err);
    if (status == LIM_OK)
        *n = lim_detector_propose((const float(*)[4])d->anchor, d->n_anchors, d->size,
                                  lim_plan_f32(d->propose, d->objectness),
                                  lim_plan_f32(d->propose, d->offsets), overlap, most, &d->scratch,
                                  proposal, NULL);
    return status;
}

/* The boxes of class k among n proposals, suppressed; appends to found. */
static void
collect(LimDetector *d, int k, int n, LimDetection *found, int *count)
{
    const float *score = lim_plan_f32(d->judge, d->scores);
    const float *offset = lim_plan_f32(d->judge, d->box_offsets);
    float box[LIM_PROPOSALS][4], sure[LIM_PROPOSALS];
    int keep[LIM_PROPOSALS], m = 0;
    for (int i = 0; i < n; i++) {
        if (score[i * d->classes + k] < LEAST_SCORE)
            continue;
        float t[4];
        for (int c = 0; c < 4; c++)
            t[c] = offset[(i * d->classes + k) * 4 + c] / lim_head_scale[c];
        lim_box_decode(d->proposal[i], t, (float)d->size, box[m]);
        sure[m++] = score[i * d->classes + k];
    }
    const int kept = lim_nms((const float(*)[4])box, sure, m, 0.3, LIM_PROPOSALS, keep);
    for (int i = 0; i < kept && *count < LIM_DETECTIONS; i++) {
        LimDetection *f = &found[(*count)++];
        f->label = k;
        f->score = sure[keep[i]];
        memcpy(f->box, box[keep[i]], sizeof f->box);
    }
}

static int
surer_first(const void *a, const void *b)
{
    const float x = ((const LimDetection *)a)->score, y = ((const LimDetection *)b)->score;
    return (x < y) - (x > y);
}

LimStatus
lim_detector_run(LimDetector *d, const LimExec *exec, const float *x,
                 LimDetection found[LIM_DETECTIONS], int *n, LimError *err)
{
    int proposals = 0;
    *n = 0;
    LimStatus status =
        lim_detector_proposals(d, exec, x, 0.7, LIM_PROPOSALS, d->proposal, &proposals, err);
    if (status != LIM_OK)
        return status;
    for (int i = proposals; i < LIM_PROPOSALS; i++)
        memset(d->proposal[i], 0, sizeof d->proposal[i]);
    lim_plan_bind(d->judge, d->map, lim_plan_f32(d->propose, d->features));
    status = lim_plan_run(d->judge, exec, err);
    for (int k = 1; k < d->classes && status == LIM_OK; k++)
        collect(d, k, proposals, found, n);
    qsort(found, (size_t)*n, sizeof *found, surer_first);
    return status;
}
