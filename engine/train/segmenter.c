/* Training of segmenters: the mean cross-entropy of all pixels. */
#include "models/segmenter.h"
#include "train/scenes-private.h"

static LimStatus
plan(LimSceneTrainer *t, const LimExec *exec, LimError *err)
{
    const int n = t->p.batch, size = t->p.scenes.size;
    LimGraph *g = lim_graph_new();
    LimBuild b;
    lim_build_init(&b, g, t->base.store, LIM_MODE_TRAIN);
    LimVal momentum = lim_graph_feed(g, "bn momentum", LIM_F32, LIM_SHAPE1(1));
    b.bn_momentum = momentum;
    LimVal x = lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE4(n, 3, size, size));
    LimVal mask = lim_graph_feed(g, "mask", LIM_I32, LIM_SHAPE3(n, size, size));
    LimVal scores = lim_segmenter_network(&b, &t->p.model, x);
    t->base.loss[0] =
        lim_val_ok(scores) ? lim_mean(g, lim_pixel_cross_entropy(g, scores, mask)) : LIM_NOVAL;
    const LimStatus status =
        lim_step_plan_init(&t->base.plan, &b, t->base.loss[0], t->base.loss, 1, exec, err);
    if (status == LIM_OK) {
        lim_plan_bind(t->base.plan.plan, momentum, &t->base.momentum);
        lim_plan_bind(t->base.plan.plan, x, t->x);
        lim_plan_bind(t->base.plan.plan, mask, t->mask);
    }
    return status;
}

const LimSceneTraineeClass lim_scene_segmenter_class = {.kind = LIM_SCENE_SEGMENTER,
                                                        .training = "a segmenter training",
                                                        .losses = 1,
                                                        .loss_name = {"loss"},
                                                        .plan = plan};
