/* Training of detectors, both parts at once (Ren et al. 2015, "approximate joint training").
 *
 * A step runs the network up to the proposals, chooses anchors and proposals to learn from, and
 * then runs and differentiates everything with the proposals as fixed boxes. An anchor is an object
 * when it overlaps a true box by 0.6 or is the one that overlaps it most, and background below 0.3;
 * at most 64 of a picture count, at most half of them objects. A proposal (true boxes are proposals
 * too) has the class of the true box that it overlaps most, by 0.5 at least, else it is background;
 * 16 of a picture count, at most 6 of them objects. Anchors that cross the border count, because
 * in small pictures most do. The four losses have weight 1: cross-entropy of anchors and of
 * proposals, and smooth L1 of the offsets of those that are objects. */
#include "base/rng.h"
#include "graph/plan.h"
#include "models/boxes.h"
#include "models/detector.h"
#include "train/scenes-private.h"

#include <stdlib.h>
#include <string.h>

enum { ANCHORS = 64, OBJECT_ANCHORS = 32, ROIS = 16, OBJECT_ROIS = 6, POOL = 64 };
#define OBJECT_ANCHOR   0.6
#define NO_OBJECT       0.3
#define OBJECT_PROPOSAL 0.5

/* What the step learns from; [batch] of each unless said otherwise. */
typedef struct Extra {
    LimPlan *propose;
    LimVal x, objectness, offsets;
    int n_anchors;
    float (*anchor)[4]; /* [n_anchors], the same for all pictures */
    LimProposalScratch *scratch;
    uint32_t **order; /* [n_anchors] */
    float (*candidate)[POOL + LIM_SCENE_GARMENTS][4];
    int32_t *anchor_label;  /* [n_anchors] */
    float *anchor_weight;   /* [n_anchors] */
    float *anchor_offset;   /* [9][4][cells] */
    float *offset_weight;   /* the same */
    float (*roi)[4];        /* [ROIS] */
    int32_t *index, *label; /* [ROIS] */
    float *roi_weight;      /* [ROIS] */
    float *roi_offset;      /* [ROIS][4 classes] */
    float *roi_offset_weight;
} Extra;

/* ---- what to learn from -----------------------------------------------------------------------
 */

/* Of the numbers i < n with kind[i] == wanted, in the given random order, the first `most` stay and
 * the others become -1. Returns how many stay. */
static int
choose(int32_t *kind, int32_t wanted, const uint32_t *order, int n, int most)
{
    int kept = 0;
    for (int i = 0; i < n; i++) {
        int32_t *k = &kind[order[i]];
        if (*k == wanted && kept++ >= most)
            *k = -1;
    }
    return kept < most ? kept : most;
}

static void
set_offset(float *offset, float *weight, int step, const float from[4], const float to[4],
           const float *scale, float each)
{
    float t[4];
    lim_box_encode(from, to, t);
    for (int k = 0; k < 4; k++) {
        offset[k * step] = scale ? t[k] * scale[k] : t[k];
        weight[k * step] = each;
    }
}

/* Labels 1 (object), 0, -1 (does not count), and for each anchor the true box it overlaps most. */
static void
label_anchors(const Extra *e, const LimScene *s, int32_t *label, int *nearest)
{
    double best[LIM_SCENE_GARMENTS] = {0};
    int best_anchor[LIM_SCENE_GARMENTS] = {0};
    for (int i = 0; i < e->n_anchors; i++) {
        double most = 0;
        nearest[i] = 0;
        for (int k = 0; k < s->n; k++) {
            const double o = lim_box_overlap(e->anchor[i], s->object[k].box);
            if (o > most) {
                most = o;
                nearest[i] = k;
            }
            if (o > best[k]) {
                best[k] = o;
                best_anchor[k] = i;
            }
        }
        label[i] = most >= OBJECT_ANCHOR ? 1 : most < NO_OBJECT ? 0 : -1;
    }
    for (int k = 0; k < s->n; k++)
        if (best[k] > 0) {
            label[best_anchor[k]] = 1;
            nearest[best_anchor[k]] = k;
        }
}

static void
teach_anchors(LimSceneTrainer *t, int picture, uint64_t stream)
{
    Extra *e = t->extra;
    const int n = e->n_anchors, cells = n / LIM_ANCHORS;
    const size_t at = (size_t)picture * (size_t)n;
    int32_t *label = e->anchor_label + at;
    float *weight = e->anchor_weight + at, *offset = e->anchor_offset + 4 * at;
    float *offset_weight = e->offset_weight + 4 * at;
    int *nearest = e->scratch[picture].keep;
    uint32_t *order = e->order[picture];
    label_anchors(e, &t->scene[picture], label, nearest);
    lim_rng_permutation(t->p.seed, stream, order, (uint32_t)n);
    const int objects = choose(label, 1, order, n, OBJECT_ANCHORS);
    const int all = objects + choose(label, 0, order, n, ANCHORS - objects);
    const float each = 1.0f / (float)(all * t->p.batch);
    memset(offset_weight, 0, 4 * (size_t)n * sizeof *offset_weight);
    for (int i = 0; i < n; i++) {
        weight[i] = label[i] < 0 ? 0 : each;
        if (label[i] == 1) {
            const int first = i / cells * 4 * cells + i % cells;
            set_offset(offset + first, offset_weight + first, cells, e->anchor[i],
                       t->scene[picture].object[nearest[i]].box, NULL, each);
        }
        label[i] = label[i] == 1;
    }
}

/* The true box that the candidate overlaps most, by 0.5 at least; -1: background. */
static int
object_of(const LimScene *s, const float box[4])
{
    int nearest = -1;
    double most = OBJECT_PROPOSAL;
    for (int k = 0; k < s->n; k++) {
        const double o = lim_box_overlap(box, s->object[k].box);
        if (o >= most) {
            most = o;
            nearest = k;
        }
    }
    return nearest;
}

static void
teach_rois(LimSceneTrainer *t, int picture, int n, uint64_t stream)
{
    Extra *e = t->extra;
    const LimScene *s = &t->scene[picture];
    const int classes = t->p.model.classes;
    const float(*candidate)[4] = (const float(*)[4])e->candidate[picture];
    const float each = 1.0f / (float)(ROIS * t->p.batch);
    uint32_t *order = e->order[picture];
    lim_rng_permutation(t->p.seed, stream, order, (uint32_t)n);
    int taken = 0;
    /* objects first, then background; when one of them is short, the last place stays empty */
    for (int background = 0; background < 2; background++)
        for (int i = 0; i < n && taken < (background ? ROIS : OBJECT_ROIS); i++) {
            const float *box = candidate[order[i]];
            const int object = object_of(s, box);
            if ((object < 0) != background)
                continue;
            const size_t r = (size_t)picture * ROIS + (size_t)taken++;
            memcpy(e->roi[r], box, sizeof *e->roi);
            e->label[r] = object < 0 ? 0 : s->object[object].label;
            e->roi_weight[r] = each;
            const size_t row = r * 4 * (size_t)classes;
            memset(e->roi_offset_weight + row, 0, 4 * (size_t)classes * sizeof(float));
            if (object >= 0)
                set_offset(e->roi_offset + row + 4 * e->label[r],
                           e->roi_offset_weight + row + 4 * e->label[r], 1, box,
                           s->object[object].box, lim_head_scale, each);
        }
    for (; taken < ROIS; taken++) {
        const size_t r = (size_t)picture * ROIS + (size_t)taken;
        memset(e->roi[r], 0, sizeof *e->roi);
        e->label[r] = 0;
        e->roi_weight[r] = 0;
        memset(e->roi_offset_weight + r * 4 * (size_t)classes, 0,
               4 * (size_t)classes * sizeof(float));
    }
}

static void
teach(void *ctx, int picture, int thread)
{
    LimSceneTrainer *t = ctx;
    Extra *e = t->extra;
    const LimScene *s = &t->scene[picture];
    const size_t at = (size_t)picture * (size_t)e->n_anchors;
    const uint64_t number = (uint64_t)t->base.step * (uint64_t)t->p.batch + (uint64_t)picture;
    int n = lim_detector_propose((const float(*)[4])e->anchor, e->n_anchors, t->p.scenes.size,
                                 lim_plan_f32(e->propose, e->objectness) + 2 * at,
                                 lim_plan_f32(e->propose, e->offsets) + 4 * at, 0.7, POOL,
                                 &e->scratch[picture], e->candidate[picture], NULL);
    for (int k = 0; k < s->n; k++)
        memcpy(e->candidate[picture][n++], s->object[k].box, sizeof s->object[k].box);
    teach_anchors(t, picture, lim_rng_stream(LIM_STREAM_BOXES, "anchors", number));
    teach_rois(t, picture, n, lim_rng_stream(LIM_STREAM_BOXES, "proposals", number));
}

static LimStatus
prepare(LimSceneTrainer *t, const LimExec *exec, LimError *err)
{
    const LimStatus status = lim_plan_run(((Extra *)t->extra)->propose, exec, err);
    if (status == LIM_OK)
        lim_pool_for(exec->pool, t->p.batch, teach, t);
    return status;
}

/* ---- plans ------------------------------------------------------------------------------------
 */

static void
allocate(LimSceneTrainer *t)
{
    Extra *e = t->extra = lim_alloc(1, sizeof *e);
    e->n_anchors = lim_detector_anchors(t->p.scenes.size, NULL);
    const size_t n = (size_t)e->n_anchors, batch = (size_t)t->p.batch, rois = batch * ROIS;
    const size_t classes = (size_t)t->p.model.classes;
    e->anchor = lim_alloc(n, sizeof *e->anchor);
    lim_detector_anchors(t->p.scenes.size, e->anchor);
    e->scratch = lim_alloc(batch, sizeof *e->scratch);
    e->order = lim_alloc(batch, sizeof *e->order);
    for (size_t i = 0; i < batch; i++) {
        e->scratch[i] = (LimProposalScratch){lim_alloc(n, sizeof *e->scratch->box),
                                             lim_alloc(n, sizeof *e->scratch->score),
                                             lim_alloc(n, sizeof *e->scratch->keep)};
        e->order[i] = lim_alloc(n, sizeof **e->order);
    }
    e->candidate = lim_alloc(batch, sizeof *e->candidate);
    e->anchor_label = lim_alloc(batch * n, sizeof *e->anchor_label);
    e->anchor_weight = lim_alloc(batch * n, sizeof *e->anchor_weight);
    e->anchor_offset = lim_alloc(4 * batch * n, sizeof *e->anchor_offset);
    e->offset_weight = lim_alloc(4 * batch * n, sizeof *e->offset_weight);
    e->roi = lim_alloc(rois, sizeof *e->roi);
    e->index = lim_alloc(rois, sizeof *e->index);
    e->label = lim_alloc(rois, sizeof *e->label);
    e->roi_weight = lim_alloc(rois, sizeof *e->roi_weight);
    e->roi_offset = lim_alloc(4 * rois * classes, sizeof *e->roi_offset);
    e->roi_offset_weight = lim_alloc(4 * rois * classes, sizeof *e->roi_offset_weight);
    for (size_t i = 0; i < rois; i++)
        e->index[i] = (int32_t)(i / ROIS);
}

static void
clear(LimSceneTrainer *t)
{
    Extra *e = t->extra;
    if (!e)
        return;
    lim_plan_free(e->propose);
    for (int i = 0; i < t->p.batch; i++) {
        free(e->scratch[i].box);
        free(e->scratch[i].score);
        free(e->scratch[i].keep);
        free(e->order[i]);
    }
    void *owned[] = {e->anchor,
                     e->scratch,
                     e->order,
                     e->candidate,
                     e->anchor_label,
                     e->anchor_weight,
                     e->anchor_offset,
                     e->offset_weight,
                     e->roi,
                     e->index,
                     e->label,
                     e->roi_weight,
                     e->roi_offset,
                     e->roi_offset_weight,
                     e};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
}

static LimShape
pictures(const LimSceneTrainer *t)
{
    return LIM_SHAPE4(t->p.batch, 3, t->p.scenes.size, t->p.scenes.size);
}

/* The network up to the proposals, as the step sees it: statistics of the batch, nothing changed.
 */
static LimStatus
plan_propose(LimSceneTrainer *t, const LimExec *exec, LimError *err)
{
    Extra *e = t->extra;
    LimGraph *g = lim_graph_new();
    LimBuild b;
    lim_build_init(&b, g, t->base.store, LIM_MODE_FROZEN);
    e->x = lim_graph_feed(g, "x", LIM_F32, pictures(t));
    LimVal features = lim_detector_features(&b, &t->p.model, e->x);
    lim_detector_proposer(&b, &t->p.model, features, &e->objectness, &e->offsets);
    e->propose = lim_plan_new(g, (LimVal[]){e->objectness, e->offsets}, 2, 0, exec, err);
    if (!e->propose)
        return err->code;
    lim_plan_bind(e->propose, e->x, t->x);
    return LIM_OK;
}

/* sum of weight times smooth L1 of (got - wanted) */
static LimVal
offset_loss(LimGraph *g, LimVal got, LimVal wanted, LimVal weight)
{
    return lim_dot(g, lim_smooth_l1(g, lim_sub(g, got, wanted)), weight);
}

static LimStatus
plan(LimSceneTrainer *t, const LimExec *exec, LimError *err)
{
    allocate(t);
    LimStatus status = plan_propose(t, exec, err);
    if (status != LIM_OK)
        return status;
    Extra *e = t->extra;
    const int cells = t->p.scenes.size / LIM_DETECTOR_STRIDE, maps = t->p.batch * LIM_ANCHORS;
    const int rois = t->p.batch * ROIS, classes = t->p.model.classes;
    LimGraph *g = lim_graph_new();
    LimBuild b;
    lim_build_init(&b, g, t->base.store, LIM_MODE_TRAIN);
    struct {
        const char *name;
        LimType type;
        LimShape shape;
        const void *data;
        LimVal v;
    } feed[] = {{"bn momentum", LIM_F32, LIM_SHAPE1(1), &t->base.momentum},
                {"x", LIM_F32, pictures(t), t->x},
                {"anchor labels", LIM_I32, LIM_SHAPE3(maps, cells, cells), e->anchor_label},
                {"anchor weights", LIM_F32, LIM_SHAPE3(maps, cells, cells), e->anchor_weight},
                {"anchor offsets", LIM_F32, LIM_SHAPE4(maps, 4, cells, cells), e->anchor_offset},
                {"offset weights", LIM_F32, LIM_SHAPE4(maps, 4, cells, cells), e->offset_weight},
                {"boxes", LIM_F32, LIM_SHAPE2(rois, 4), e->roi},
                {"index", LIM_I32, LIM_SHAPE1(rois), e->index},
                {"labels", LIM_I32, LIM_SHAPE1(rois), e->label},
                {"weights", LIM_F32, LIM_SHAPE1(rois), e->roi_weight},
                {"box offsets", LIM_F32, LIM_SHAPE2(rois, 4 * classes), e->roi_offset},
                {"box weights", LIM_F32, LIM_SHAPE2(rois, 4 * classes), e->roi_offset_weight}};
    enum { N = sizeof feed / sizeof *feed };
    for (int i = 0; i < N; i++)
        feed[i].v = lim_graph_feed(g, feed[i].name, feed[i].type, feed[i].shape);
    b.bn_momentum = feed[0].v;
    LimVal objectness, offsets, scores, box_offsets;
    LimVal features = lim_detector_features(&b, &t->p.model, feed[1].v);
    lim_detector_proposer(&b, &t->p.model, features, &objectness, &offsets);
    lim_detector_head(&b, &t->p.model, features, feed[6].v, feed[7].v, &scores, &box_offsets);
    LimVal all = LIM_NOVAL;
    if (lim_graph_status(g, NULL) == LIM_OK) {
        t->base.loss[0] = lim_dot(g, lim_pixel_cross_entropy(g, objectness, feed[2].v), feed[3].v);
        t->base.loss[1] = offset_loss(g, offsets, feed[4].v, feed[5].v);
        t->base.loss[2] = lim_dot(g, lim_cross_entropy(g, scores, feed[8].v), feed[9].v);
        t->base.loss[3] = offset_loss(g, box_offsets, feed[10].v, feed[11].v);
        all = lim_add(g, lim_add(g, t->base.loss[0], t->base.loss[1]),
                      lim_add(g, t->base.loss[2], t->base.loss[3]));
    }
    status = lim_step_plan_init(&t->base.plan, &b, all, t->base.loss, 4, exec, err);
    for (int i = 0; i < N && status == LIM_OK; i++)
        lim_plan_bind(t->base.plan.plan, feed[i].v, feed[i].data);
    return status;
}

const LimSceneTraineeClass lim_scene_detector_class = {.kind = LIM_SCENE_DETECTOR,
                                                       .training = "a detector training",
                                                       .losses = 4,
                                                       .loss_name = {"loss_objectness",
                                                                     "loss_anchors", "loss_class",
                                                                     "loss_boxes"},
                                                       .plan = plan,
                                                       .prepare = prepare,
                                                       .clear = clear};
