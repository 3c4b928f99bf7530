/* The segmentation network, and its use on single pictures. */
#include "models/segmenter.h"

#include "graph/plan.h"

#include <stdlib.h>

static LimVal
score(LimBuild *b, const char *name, LimVal x, int classes)
{
    return lim_layer_conv(
        b, name, x,
        (LimConvLayer){.out = classes, .kernel = 1, .bias = true, .init = {LIM_INIT_XAVIER, 1}});
}

static LimVal
enlarge(LimGraph *g, LimVal x)
{
    const LimShape s = lim_graph_shape(g, x);
    return lim_resize_bilinear(g, x, 2 * s.d[2], 2 * s.d[3]);
}

LimVal
lim_segmenter_network(LimBuild *b, const LimSceneNetParams *p, LimVal x)
{
    LimGraph *g = b->g;
    LimVal stage[LIM_BACKBONE_STAGES];
    lim_backbone(b, p, 3, x, stage);
    LimVal h = lim_relu(g,
                        lim_layer_conv(b, "fc", stage[3],
                                       (LimConvLayer){.out = p->width << 3,
                                                      .kernel = 1,
                                                      .bias = true,
                                                      .init = {LIM_INIT_HE, 1}}),
                        0);
    h = score(b, "score3", h, p->classes);
    h = lim_add(g, enlarge(g, h), score(b, "score2", stage[2], p->classes));
    h = lim_add(g, enlarge(g, h), score(b, "score1", stage[1], p->classes));
    return enlarge(g, h);
}

struct LimSegmenter {
    LimPlan *plan;
    LimVal x, y;
    int classes, area;
};

LimSegmenter *
lim_segmenter_new(LimSceneNet *net, int size, const LimExec *exec, LimError *err)
{
    LIM_ASSERT(net->kind == LIM_SCENE_SEGMENTER);
    LimSegmenter *s = lim_alloc(1, sizeof *s);
    LimGraph *g = lim_graph_new();
    LimBuild b;
    lim_build_init(&b, g, net->store, LIM_MODE_EVAL);
    s->x = lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE4(1, 3, size, size));
    s->y = lim_segmenter_network(&b, &net->params, s->x);
    s->classes = net->params.classes;
    s->area = size * size;
    s->plan = lim_plan_new(g, &s->y, 1, 0, exec, err);
    if (s->plan)
        return s;
    free(s);
    return NULL;
}

void
lim_segmenter_free(LimSegmenter *s)
{
    if (s)
        lim_plan_free(s->plan);
    free(s);
}

void
lim_largest_class(const float *scores, int k, int area, int32_t *label)
{
    for (int i = 0; i < area; i++) {
        int best = 0;
        for (int c = 1; c < k; c++)
            if (scores[c * area + i] > scores[best * area + i])
                best = c;
        label[i] = best;
    }
}

LimStatus
lim_segmenter_run(LimSegmenter *s, const LimExec *exec, const float *x, int32_t *label,
                  LimError *err)
{
    lim_plan_bind(s->plan, s->x, x);
    const LimStatus status = lim_plan_run(s->plan, exec, err);
    if (status == LIM_OK)
        lim_largest_class(lim_plan_f32(s->plan, s->y), s->classes, s->area, label);
    return status;
}
