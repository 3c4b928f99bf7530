/* Attacks on all networks, a step of one at a time. */
#include "panes/scenes/many.h"

#include "metrics/scenes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An attack with the plan's settings on network i; borrowed parts are the stage's. */
static LimDag *
dag_new(const LimScenesStage *stage, const LimScenesPlan *plan, int i, const LimExec *exec,
        LimError *err)
{
    LimSceneNet *net = lim_scenes_bench_net(stage->bench, i, err);
    LimDag *dag = net ? lim_dag_new(net, stage->size, &plan->dag, plan->seed, exec, err) : NULL;

    if (dag && plan->wanted_size == stage->size)
        lim_dag_want(dag, plan->wanted);
    return dag;
}

static LimStatus
dag_begin(LimDag *dag, const LimScenesStage *stage, int i, const LimExec *exec, LimError *err)
{
    return lim_dag_begin(dag, (uint64_t)stage->place.number, stage->x, stage->mask[i],
                         &stage->scene[i], exec, err);
}

/* ---- one scene ---- */

struct LimFusion {
    gint refs;
    LimScenesStage *stage;
    LimScenesPlan plan;
    LimDag *dag; /* of network now.at, while it is attacked */
    GMutex lock; /* of now */
    LimFusionNow now;
};

LimFusion *
lim_fusion_new(LimScenesStage *stage, const LimScenesPlan *plan)
{
    LimFusion *f = g_new0(LimFusion, 1);

    f->refs = 1;
    f->stage = lim_scenes_stage_ref(stage);
    lim_scenes_plan_copy(&f->plan, plan);
    g_mutex_init(&f->lock);
    return f;
}

LimFusion *
lim_fusion_ref(LimFusion *f)
{
    g_atomic_int_inc(&f->refs);
    return f;
}

void
lim_fusion_unref(LimFusion *f)
{
    if (!f || !g_atomic_int_dec_and_test(&f->refs))
        return;
    for (int i = 0; i < LIM_SCENES_NETS; i++)
        g_free((gpointer)f->now.r[i]);
    lim_dag_free(f->dag);
    lim_scenes_plan_clear(&f->plan);
    lim_scenes_stage_unref(f->stage);
    g_mutex_clear(&f->lock);
    g_free(f);
}

void
lim_fusion_now(LimFusion *f, LimFusionNow *out)
{
    g_mutex_lock(&f->lock);
    *out = f->now;
    g_mutex_unlock(&f->lock);
}

static LimStep
fuse(LimFusion *f, const LimExec *exec, LimError *err)
{
    const int i = f->now.at; /* only this thread writes it */

    if (i == LIM_SCENES_NETS)
        return LIM_STEP_DONE;
    if (!f->stage->why[i] && !f->dag) {
        f->dag = dag_new(f->stage, &f->plan, i, exec, err);
        if (!f->dag || dag_begin(f->dag, f->stage, i, exec, err) != LIM_OK) {
            g_clear_pointer(&f->dag, lim_dag_free);
            return LIM_STEP_FAILED;
        }
    }
    const LimStep step = f->dag ? lim_dag_step(f->dag, exec, err) : LIM_STEP_DONE;
    if (step == LIM_STEP_FAILED)
        return step;
    const LimDagResult result = f->dag ? lim_dag_result(f->dag) : (LimDagResult){.active = 0};
    g_mutex_lock(&f->lock);
    f->now.iterations[i] = result.iterations;
    f->now.active[i] = result.active;
    f->now.targets[i] = result.targets;
    if (step == LIM_STEP_DONE) {
        if (f->dag)
            f->now.r[i] = g_memdup2(result.r, 3 * (gsize)f->stage->area * sizeof *result.r);
        f->now.at++;
    }
    g_mutex_unlock(&f->lock);
    if (step == LIM_STEP_DONE)
        g_clear_pointer(&f->dag, lim_dag_free);
    return f->now.at == LIM_SCENES_NETS ? LIM_STEP_DONE : LIM_STEP_MORE;
}

typedef struct {
    LimTask base;
    LimFusion *fusion;
} FusionTask;

static LimStep
fusion_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    return fuse(((FusionTask *)t)->fusion, exec, err);
}

static void
fusion_free(LimTask *t)
{
    lim_fusion_unref(((FusionTask *)t)->fusion);
    g_free(t);
}

LimTask *
lim_fusion_task_new(LimFusion *f)
{
    static const LimTaskClass klass = {"perturb for fusion", fusion_step, NULL, fusion_free};
    FusionTask *self = g_new0(FusionTask, 1);

    self->base.klass = &klass;
    self->fusion = lim_fusion_ref(f);
    return &self->base;
}

LimScenesStage *
lim_fusion_stage(const LimFusion *f)
{
    return f->stage;
}

const LimScenesPlan *
lim_fusion_plan(const LimFusion *f)
{
    return &f->plan;
}

typedef struct {
    LimTask base;
    LimFusion *fusion;
    double weight[LIM_SCENES_NETS];
    LimScenesOut out;
} FusionSaveTask;

static LimStep
fusion_save_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    FusionSaveTask *self = (FusionSaveTask *)t;
    LimFusion *f = self->fusion;
    const float *r[LIM_SCENES_NETS];
    double weight[LIM_SCENES_NETS];
    int n = 0;

    if (f->now.at < LIM_SCENES_NETS) {
        lim_scenes_tell(progress, f->now.at, f->now.iterations[f->now.at], f->plan.dag.iterations);
        lim_progress_scale(progress, (double)f->now.at / LIM_SCENES_NETS,
                           (f->now.at + 1.0) / LIM_SCENES_NETS);
        return fuse(f, exec, err) == LIM_STEP_FAILED ? LIM_STEP_FAILED : LIM_STEP_MORE;
    }
    for (int i = 0; i < LIM_SCENES_NETS; i++)
        if (f->now.r[i]) {
            r[n] = f->now.r[i];
            weight[n++] = self->weight[i];
        }
    return lim_scenes_write(&self->out, f->stage, &f->plan, r, weight, n, exec, err) == LIM_OK
               ? LIM_STEP_DONE
               : LIM_STEP_FAILED;
}

static void
fusion_save_free(LimTask *t)
{
    FusionSaveTask *self = (FusionSaveTask *)t;

    lim_fusion_unref(self->fusion);
    lim_scenes_out_clear(&self->out);
    g_free(self);
}

LimTask *
lim_fusion_save_task_new(LimFusion *f, const double weight[LIM_SCENES_NETS],
                         const LimScenesOut *out)
{
    static const LimTaskClass klass = {"save fused scene", fusion_save_step, NULL,
                                       fusion_save_free};
    FusionSaveTask *self = g_new0(FusionSaveTask, 1);

    self->base.klass = &klass;
    self->fusion = lim_fusion_ref(f);
    memcpy(self->weight, weight, sizeof self->weight);
    self->out = *out;
    return &self->base;
}

/* ---- many scenes ---- */

struct LimTransfer {
    gint refs;
    LimScenesBench *bench;
    LimScenesPlan plan;
    int scenes;
    /* of the worker thread: the scene under way */
    LimScenesStage *stage;
    int looked, made;     /* networks asked about the scene; attacked */
    gboolean begun, over; /* the attack on network `made` */
    gboolean permuted;    /* the next row is that of the control */
    LimDag *dag[LIM_SCENES_NETS];
    float *y, *shuffled; /* [3][size][size] */
    LimIou iou[LIM_TRANSFER_ROWS][LIM_SCENES_NETS];
    LimBoxes boxes[LIM_TRANSFER_ROWS][LIM_SCENES_NETS];
    gboolean counting; /* those two are there */
    LimSeen seen[LIM_SCENES_NETS];
    double value[LIM_TRANSFER_ROWS][LIM_SCENES_NETS];
    GMutex lock; /* of what follows */
    LimTransferNow now;
    double (*alone)[LIM_TRANSFER_ROWS][LIM_SCENES_NETS]; /* [scenes] measures of each by itself */
};

LimTransfer *
lim_transfer_new(LimScenesBench *bench, const LimScenesPlan *plan, int scenes)
{
    LimTransfer *t = g_new0(LimTransfer, 1);

    t->refs = 1;
    t->bench = lim_scenes_bench_ref(bench);
    t->plan = *plan;
    t->plan.place.own = NULL;
    t->plan.wanted = NULL;
    t->plan.wanted_size = 0;
    memset(t->plan.dag.only, 0, sizeof t->plan.dag.only);
    t->scenes = scenes;
    t->now.scenes = scenes;
    for (int row = 0; row < LIM_TRANSFER_ROWS; row++)
        for (int i = 0; i < LIM_SCENES_NETS; i++)
            t->value[row][i] = t->now.value[row][i] = (double)NAN;
    t->alone = g_malloc((gsize)scenes * sizeof *t->alone);
    g_mutex_init(&t->lock);
    return t;
}

LimTransfer *
lim_transfer_ref(LimTransfer *t)
{
    g_atomic_int_inc(&t->refs);
    return t;
}

void
lim_transfer_unref(LimTransfer *t)
{
    if (!t || !g_atomic_int_dec_and_test(&t->refs))
        return;
    for (int i = 0; i < LIM_SCENES_NETS; i++) {
        lim_dag_free(t->dag[i]);
        lim_seen_clear(&t->seen[i]);
        for (int row = 0; row < LIM_TRANSFER_ROWS && t->counting; row++) {
            lim_iou_clear(&t->iou[row][i]);
            lim_boxes_clear(&t->boxes[row][i]);
        }
    }
    g_free(t->y);
    g_free(t->shuffled);
    g_free(t->alone);
    lim_scenes_stage_unref(t->stage);
    lim_scenes_bench_unref(t->bench);
    g_mutex_clear(&t->lock);
    g_free(t);
}

void
lim_transfer_now(LimTransfer *t, LimTransferNow *out)
{
    g_mutex_lock(&t->lock);
    *out = t->now;
    g_mutex_unlock(&t->lock);
}

const LimScenesPlan *
lim_transfer_plan(const LimTransfer *t)
{
    return &t->plan;
}

int
lim_transfer_typical(LimTransfer *t, int row, int column, double *measure)
{
    int best = -1;

    g_mutex_lock(&t->lock);
    const double value = t->now.value[row][column];
    for (int i = 0; i < t->now.done; i++) {
        const double alone = t->alone[i][row][column];
        if (isnan(alone) || isnan(value) ||
            (best >= 0 && fabs(alone - value) >= fabs(*measure - value)))
            continue;
        best = i;
        *measure = alone;
    }
    g_mutex_unlock(&t->lock);
    return best < 0 ? -1 : t->plan.place.number + best;
}

static LimStep
open_scene(LimTransfer *t, LimError *err)
{
    LimScenesPlace place = t->plan.place;

    place.number += t->now.done;
    t->stage = lim_scenes_stage_new(t->bench, &place, err);
    if (!t->stage)
        return LIM_STEP_FAILED;
    t->looked = t->made = 0;
    t->begun = t->over = t->permuted = FALSE;
    if (t->counting)
        return LIM_STEP_MORE;
    const gsize n = 3 * (gsize)t->stage->area;
    t->counting = TRUE;
    t->y = g_new0(float, n);
    t->shuffled = g_new0(float, n);
    for (int i = 0; i < LIM_SCENES_NETS; i++) {
        for (int row = 0; row < LIM_TRANSFER_ROWS; row++) {
            lim_iou_init(&t->iou[row][i], t->stage->classes);
            lim_boxes_init(&t->boxes[row][i], t->scenes);
        }
    }
    return LIM_STEP_MORE;
}

/* A step of the attack on network `made`; DONE after the last. */
static LimStep
make(LimTransfer *t, const LimExec *exec, LimError *err)
{
    const int i = t->made;

    if (!t->dag[i])
        t->dag[i] = dag_new(t->stage, &t->plan, i, exec, err);
    if (!t->dag[i])
        return LIM_STEP_FAILED;
    if (!t->begun && dag_begin(t->dag[i], t->stage, i, exec, err) != LIM_OK)
        return LIM_STEP_FAILED;
    t->begun = TRUE;
    return lim_dag_step(t->dag[i], exec, err);
}

/* What all networks see under the perturbation of network `made`. */
static LimStatus
judge(LimTransfer *t, gboolean permuted, const LimExec *exec, LimError *err)
{
    const LimScenesStage *s = t->stage;
    const float *r = lim_dag_result(t->dag[t->made]).r;
    const double one = 1;

    if (permuted) {
        lim_dag_permute_rows(r, s->size, t->plan.seed, (uint64_t)s->place.number, t->shuffled);
        r = t->shuffled;
    }
    lim_dag_picture(s->x, &r, &one, 1, s->size, t->y);
    for (int i = 0; i < LIM_SCENES_NETS; i++)
        if (lim_scenes_see(s, i, t->y, exec, &t->seen[i], err) != LIM_OK)
            return err->code;
    return LIM_OK;
}

static void
publish(LimTransfer *t, gboolean over)
{
    g_mutex_lock(&t->lock);
    memcpy(t->now.value, t->value, sizeof t->value);
    t->now.done += over;
    g_mutex_unlock(&t->lock);
}

/* Adds the scene to the figures of a row. They are shown when it has joined all rows, so that rows
 * can be compared; of the first scene at once, as there is nothing else to see. */
static void
count(LimTransfer *t, int row, const LimSeen seen[LIM_SCENES_NETS])
{
    const LimScenesStage *s = t->stage;
    double *value = t->value[row];
    double alone[LIM_SCENES_NETS];

    for (int i = 0; i < LIM_SCENES_NETS; i++) {
        alone[i] = seen[i].there ? seen[i].score : (double)NAN;
        if (!seen[i].there)
            continue;
        if (seen[i].label) {
            lim_iou_add(&t->iou[row][i], s->mask[i], seen[i].label, s->area);
            value[i] = lim_iou_mean(&t->iou[row][i]);
        } else {
            lim_boxes_add(&t->boxes[row][i], t->now.done, seen[i].found, seen[i].n, &s->scene[i]);
            value[i] = lim_boxes_map(&t->boxes[row][i], s->classes, LIM_AP_ALL_POINTS);
        }
    }
    g_mutex_lock(&t->lock);
    memcpy(t->alone[t->now.done][row], alone, sizeof alone);
    g_mutex_unlock(&t->lock);
    if (t->now.done == 0)
        publish(t, FALSE);
}

/* Network `made`: the attack, then the two rows that belong to it. */
static LimStep
go_on(LimTransfer *t, const LimExec *exec, LimError *err)
{
    if (t->stage->why[t->made]) {
        t->made++;
        return LIM_STEP_MORE;
    }
    if (!t->over) {
        const LimStep step = make(t, exec, err);
        t->over = step == LIM_STEP_DONE;
        return step == LIM_STEP_FAILED ? step : LIM_STEP_MORE;
    }
    if (judge(t, t->permuted, exec, err) != LIM_OK)
        return LIM_STEP_FAILED;
    count(t, t->made + (t->permuted ? LIM_TRANSFER_PERMUTED : LIM_TRANSFER_MADE), t->seen);
    if (t->permuted) {
        t->made++;
        t->begun = t->over = FALSE;
    }
    t->permuted = !t->permuted;
    return LIM_STEP_MORE;
}

static LimStep
transfer(LimTransfer *t, const LimExec *exec, LimError *err)
{
    if (t->now.done == t->scenes)
        return LIM_STEP_DONE;
    if (!t->stage)
        return open_scene(t, err);
    if (t->looked < LIM_SCENES_NETS) {
        if (lim_scenes_stage_look(t->stage, t->looked, exec, err) != LIM_OK)
            return LIM_STEP_FAILED;
        if (++t->looked == LIM_SCENES_NETS)
            count(t, 0, t->stage->clean);
        return LIM_STEP_MORE;
    }
    if (t->made < LIM_SCENES_NETS)
        return go_on(t, exec, err);
    g_clear_pointer(&t->stage, lim_scenes_stage_unref);
    publish(t, TRUE);
    return LIM_STEP_MORE;
}

typedef struct {
    LimTask base;
    LimTransfer *transfer;
} TransferTask;

static LimStep
transfer_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    return transfer(((TransferTask *)t)->transfer, exec, err);
}

static void
transfer_free(LimTask *t)
{
    lim_transfer_unref(((TransferTask *)t)->transfer);
    g_free(t);
}

LimTask *
lim_transfer_task_new(LimTransfer *transfer)
{
    static const LimTaskClass klass = {"transfer", transfer_step, NULL, transfer_free};
    TransferTask *self = g_new0(TransferTask, 1);

    self->base.klass = &klass;
    self->transfer = lim_transfer_ref(transfer);
    return &self->base;
}
