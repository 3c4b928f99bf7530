/* Attacks on a scene, and looks at what has come of them. */
#include "panes/scenes/run.h"

#include "attacks/dag-fusion.h"
#include "attacks/dag-sheet.h"
#include "data/scene-own.h"

#include <glib/gstdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const sources[] = {"test", "own", NULL};

const LimParamSpec lim_scenes_setup_schema[] = {
    {.name = "source",
     .label = "Picture",
     .help = "A scene that the program draws, so that it knows what is there; or a picture of your "
             "own, dropped on the window: what networks see in it then counts as right.",
     .unit = "",
     .kind = LIM_CHOICE,
     .offset = offsetof(LimScenesSetup, source),
     .max = 1,
     .choices = sources},
    {.name = "scene",
     .label = "Scene",
     .help = "Number of the test scene; each is another draw of garments, places and backgrounds. "
             "Alt+Left and Alt+Right go to its neighbours, Ctrl+N to any.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(LimScenesSetup, scene),
     .max = 1e6},
    {.name = "net",
     .label = "Network attacked",
     .help = "The perturbation is made with the gradients of this network alone; the others only "
             "look at the result.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(LimScenesSetup, net),
     .max = LIM_SCENES_NETS - 1},
    {.name = "overlay",
     .label = "Overlay",
     .help = "How strongly the colours of classes cover the pictures.",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(LimScenesSetup, overlay),
     .max = 1,
     .def = 0.5},
    {.name = "seed",
     .label = "Seed",
     .help = "Draws which wrong class each class is to become.",
     .unit = "",
     .kind = LIM_SEED,
     .offset = offsetof(LimScenesSetup, seed),
     .def = 1},
    {0}};

/* ---- plans ---- */

gboolean
lim_scenes_plan_equal(const LimScenesPlan *a, const LimScenesPlan *b)
{
    const gsize wanted = (gsize)(a->wanted_size * a->wanted_size) * sizeof *a->wanted;

    return lim_scenes_place_equal(&a->place, &b->place) &&
           memcmp(&a->dag, &b->dag, sizeof a->dag) == 0 && a->net == b->net && a->seed == b->seed &&
           a->wanted_size == b->wanted_size &&
           (!wanted || memcmp(a->wanted, b->wanted, wanted) == 0);
}

void
lim_scenes_plan_copy(LimScenesPlan *to, const LimScenesPlan *from)
{
    *to = *from;
    to->place.own = g_strdup(from->place.own);
    to->wanted = g_memdup2(from->wanted,
                           (gsize)(from->wanted_size * from->wanted_size) * sizeof *from->wanted);
}

void
lim_scenes_plan_clear(LimScenesPlan *p)
{
    g_free(p->place.own);
    g_free((gpointer)p->wanted);
    memset(p, 0, sizeof *p);
}

/* ---- runs ---- */

struct LimScenesRun {
    gint refs;
    LimScenesStage *stage;
    LimScenesPlan plan;
    LimDag *dag;
    int targets;
    int32_t *wanted;
    GMutex lock;    /* of what follows */
    GArray *frames; /* of LimScenesFrame, whose r it owns */
    gboolean ended;
};

LimScenesRun *
lim_scenes_run_ref(LimScenesRun *r)
{
    g_atomic_int_inc(&r->refs);
    return r;
}

void
lim_scenes_run_unref(LimScenesRun *r)
{
    if (!r || !g_atomic_int_dec_and_test(&r->refs))
        return;
    for (guint i = 0; i < r->frames->len; i++)
        g_free((gpointer)g_array_index(r->frames, LimScenesFrame, i).r);
    g_array_unref(r->frames);
    lim_dag_free(r->dag);
    g_free(r->wanted);
    lim_scenes_plan_clear(&r->plan);
    lim_scenes_stage_unref(r->stage);
    g_mutex_clear(&r->lock);
    g_free(r);
}

LimScenesStage *
lim_scenes_run_stage(const LimScenesRun *r)
{
    return r->stage;
}

const LimScenesPlan *
lim_scenes_run_plan(const LimScenesRun *r)
{
    return &r->plan;
}

int
lim_scenes_run_targets(const LimScenesRun *r)
{
    return r->targets;
}

const int32_t *
lim_scenes_run_wanted(const LimScenesRun *r)
{
    return r->wanted;
}

int
lim_scenes_run_n(LimScenesRun *r)
{
    g_mutex_lock(&r->lock);
    const int n = (int)r->frames->len;
    g_mutex_unlock(&r->lock);
    return n;
}

LimScenesFrame
lim_scenes_run_frame(LimScenesRun *r, int i)
{
    g_mutex_lock(&r->lock);
    const LimScenesFrame frame = g_array_index(r->frames, LimScenesFrame, i);
    g_mutex_unlock(&r->lock);
    return frame;
}

gboolean
lim_scenes_run_ended(LimScenesRun *r)
{
    g_mutex_lock(&r->lock);
    const gboolean ended = r->ended;
    g_mutex_unlock(&r->lock);
    return ended;
}

static void
append_frame(LimScenesRun *r)
{
    const LimDagResult now = lim_dag_result(r->dag);
    const LimScenesFrame frame = {.active = -1,
                                  .largest = now.largest,
                                  .perceptible = now.perceptible,
                                  .r = g_memdup2(now.r, 3 * (gsize)r->stage->area * sizeof *now.r)};

    g_mutex_lock(&r->lock);
    g_array_append_val(r->frames, frame);
    g_mutex_unlock(&r->lock);
}

/* A step says how many targets were right before it moved. */
static LimStep
advance(LimScenesRun *r, const LimExec *exec, LimError *err)
{
    const LimStep step = lim_dag_step(r->dag, exec, err);

    if (step == LIM_STEP_FAILED)
        return step;
    g_mutex_lock(&r->lock);
    g_array_index(r->frames, LimScenesFrame, r->frames->len - 1).active =
        lim_dag_result(r->dag).active;
    r->ended = step == LIM_STEP_DONE;
    g_mutex_unlock(&r->lock);
    if (step == LIM_STEP_MORE)
        append_frame(r);
    return step;
}

/* ---- beginning ---- */

static LimScenesRun *
run_new(LimScenesStage *stage, const LimScenesPlan *plan, const LimExec *exec, LimError *err)
{
    const int i = plan->net;
    LimSceneNet *net = lim_scenes_bench_net(stage->bench, i, err);
    LimDag *dag = net ? lim_dag_new(net, stage->size, &plan->dag, plan->seed, exec, err) : NULL;

    if (!dag)
        return NULL;
    if (plan->wanted_size == stage->size)
        lim_dag_want(dag, plan->wanted);
    if (lim_dag_begin(dag, (uint64_t)plan->place.number, stage->x, stage->mask[i], &stage->scene[i],
                      exec, err) != LIM_OK) {
        lim_dag_free(dag);
        return NULL;
    }
    LimScenesRun *r = g_new0(LimScenesRun, 1);
    const LimDagResult now = lim_dag_result(dag);
    r->refs = 1;
    g_mutex_init(&r->lock);
    r->stage = lim_scenes_stage_ref(stage);
    lim_scenes_plan_copy(&r->plan, plan);
    r->dag = dag;
    r->targets = now.targets;
    if (lim_scenes_net_segments(i))
        r->wanted = g_memdup2(now.wrong, (gsize)stage->area * sizeof *now.wrong);
    r->frames = g_array_new(FALSE, FALSE, sizeof(LimScenesFrame));
    append_frame(r);
    return r;
}

/* A painting comes from files too. */
static LimStatus
check_painting(const LimScenesStage *stage, const LimScenesPlan *plan, LimError *err)
{
    for (int i = 0; i < plan->wanted_size * plan->wanted_size; i++)
        if (plan->wanted[i] < 0 || plan->wanted[i] >= stage->classes)
            return lim_fail(err, LIM_E_FORMAT,
                            "the painting has class %d, the scenes have classes 0 to %d; forget "
                            "the painting",
                            (int)plan->wanted[i], stage->classes - 1);
    return LIM_OK;
}

static LimStep
begin_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    LimScenesBeginTask *self = (LimScenesBeginTask *)t;

    if (!self->stage)
        self->stage = lim_scenes_stage_new(self->bench, &self->plan.place, err);
    if (!self->stage || check_painting(self->stage, &self->plan, err) != LIM_OK)
        return LIM_STEP_FAILED;
    if (self->at < LIM_SCENES_NETS)
        return lim_scenes_stage_look(self->stage, self->at++, exec, err) == LIM_OK
                   ? LIM_STEP_MORE
                   : LIM_STEP_FAILED;
    if (self->stage->why[self->plan.net])
        return LIM_STEP_DONE;
    self->run = run_new(self->stage, &self->plan, exec, err);
    return self->run ? LIM_STEP_DONE : LIM_STEP_FAILED;
}

static void
begin_free(LimTask *t)
{
    LimScenesBeginTask *self = (LimScenesBeginTask *)t;

    lim_scenes_run_unref(self->run);
    lim_scenes_stage_unref(self->stage);
    lim_scenes_plan_clear(&self->plan);
    lim_scenes_bench_unref(self->bench);
    g_free(self);
}

LimTask *
lim_scenes_begin_task_new(LimScenesBench *b, const LimScenesPlan *plan, LimScenesStage *old)
{
    static const LimTaskClass klass = {"begin scene", begin_step, NULL, begin_free};
    LimScenesBeginTask *self = g_new0(LimScenesBeginTask, 1);
    gboolean whole = old && lim_scenes_place_equal(&old->place, &plan->place);

    for (int i = 0; i < LIM_SCENES_NETS && whole; i++)
        whole = !old->why[i]; /* a network may have come meanwhile */
    self->base.klass = &klass;
    self->bench = lim_scenes_bench_ref(b);
    lim_scenes_plan_copy(&self->plan, plan);
    if (whole) {
        self->stage = lim_scenes_stage_ref(old);
        self->at = LIM_SCENES_NETS;
    }
    return &self->base;
}

/* ---- going on ---- */

typedef struct {
    LimTask base;
    LimScenesRun *run;
    int frames;
} AdvanceTask;

static LimStep
advance_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    AdvanceTask *self = (AdvanceTask *)t;

    if (lim_scenes_run_n(self->run) >= self->frames || lim_scenes_run_ended(self->run))
        return LIM_STEP_DONE;
    return advance(self->run, exec, err);
}

static void
advance_free(LimTask *t)
{
    lim_scenes_run_unref(((AdvanceTask *)t)->run);
    g_free(t);
}

LimTask *
lim_scenes_advance_task_new(LimScenesRun *run, int frames)
{
    static const LimTaskClass klass = {"attack scene", advance_step, NULL, advance_free};
    AdvanceTask *self = g_new0(AdvanceTask, 1);

    self->base.klass = &klass;
    self->run = lim_scenes_run_ref(run);
    self->frames = frames;
    return &self->base;
}

/* ---- looks ---- */

/* The picture; sum [3][size][size], or NULL, receives what is added to the scene. */
static void
add_up(LimScenesLookTask *self, float *sum)
{
    const LimScenesStage *s = self->stage;
    const int n = 3 * s->area;
    const float *r[LIM_SCENES_NETS];
    float *shuffled[LIM_SCENES_NETS] = {NULL};

    for (int i = 0; i < self->n; i++) {
        r[i] = self->r[i];
        if (!self->permute)
            continue;
        shuffled[i] = g_new(float, n);
        lim_dag_permute_rows(r[i], s->size, self->seed, (uint64_t)s->place.number, shuffled[i]);
        r[i] = shuffled[i];
    }
    self->y = g_new(float, n);
    lim_dag_picture(s->x, r, self->weight, self->n, s->size, self->y);
    if (sum)
        lim_dag_sum(r, self->weight, self->n, s->size, sum);
    self->perceptible = lim_dag_perceptibility(s->x, self->y, s->size);
    for (int i = 0; i < n; i++)
        self->largest = fmax(self->largest, fabs((double)self->y[i] - (double)s->x[i]) / 2);
    for (int i = 0; i < self->n; i++)
        g_free(shuffled[i]);
}

static LimStep
look_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    LimScenesLookTask *self = (LimScenesLookTask *)t;

    if (!self->y)
        add_up(self, NULL);
    if (lim_scenes_see(self->stage, self->at, self->y, exec, &self->seen[self->at], err) != LIM_OK)
        return LIM_STEP_FAILED;
    return ++self->at == LIM_SCENES_NETS ? LIM_STEP_DONE : LIM_STEP_MORE;
}

static void
look_free(LimTask *t)
{
    LimScenesLookTask *self = (LimScenesLookTask *)t;

    for (int i = 0; i < LIM_SCENES_NETS; i++) {
        g_free(self->r[i]);
        lim_seen_clear(&self->seen[i]);
    }
    g_free(self->y);
    lim_scenes_stage_unref(self->stage);
    g_free(self);
}

LimTask *
lim_scenes_look_task_new(LimScenesStage *stage, const float *const *r, const double *weight, int n,
                         gboolean permute, uint64_t seed, int frame)
{
    static const LimTaskClass klass = {"look at scene", look_step, NULL, look_free};
    LimScenesLookTask *self = g_new0(LimScenesLookTask, 1);

    self->base.klass = &klass;
    self->stage = lim_scenes_stage_ref(stage);
    self->n = n;
    self->permute = permute;
    self->seed = seed;
    self->frame = frame;
    for (int i = 0; i < n; i++) {
        self->r[i] = g_memdup2(r[i], 3 * (gsize)stage->area * sizeof *r[i]);
        self->weight[i] = weight[i];
    }
    return &self->base;
}

/* ---- files ---- */

#define SHEET_SCALE 4 /* the command's own */

void
lim_scenes_out_clear(LimScenesOut *o)
{
    g_free(o->path);
    g_free(o->painting);
    g_free(o->command);
}

static LimDagSeen
seen_of(const LimSeen *s)
{
    return (LimDagSeen){.label = s->label, .n = s->n, .found = s->found};
}

LimStatus
lim_scenes_write(const LimScenesOut *o, LimScenesStage *s, const LimScenesPlan *plan,
                 const float *const *r, const double *weight, int n, const LimExec *exec,
                 LimError *err)
{
    g_autofree float *sum = g_new(float, 3 * s->area);
    LimSeen seen[LIM_SCENES_NETS] = {{.there = FALSE}};
    LimDagJudge judge[LIM_SCENES_NETS];
    LimDagSheet sheet = {.size = s->size,
                         .scale = SHEET_SCALE,
                         .x = s->x,
                         .r = sum,
                         .truth = s->truth,
                         .judge = judge,
                         .naming = lim_scenes_stage_naming(s, err),
                         .command = o->command};
    LimTask *task = lim_scenes_look_task_new(s, r, weight, n, o->permute, plan->seed, -1);
    const LimScenesLookTask *look = (LimScenesLookTask *)task;

    add_up((LimScenesLookTask *)task, sum);
    sheet.y = look->y;
    for (int i = 0; i < LIM_SCENES_NETS && err->code == LIM_OK; i++) {
        if (!(o->judges >> i & 1) || s->why[i] ||
            lim_scenes_see(s, i, look->y, exec, &seen[i], err) != LIM_OK)
            continue;
        judge[sheet.judges++] = (LimDagJudge){.name = lim_scenes_net_name(i),
                                              .mask = s->mask[i],
                                              .scene = &s->scene[i],
                                              .before = seen_of(&s->clean[i]),
                                              .after = seen_of(&seen[i])};
    }
    if (err->code == LIM_OK && o->painting)
        lim_scene_write_mask(o->painting, plan->wanted_size, plan->wanted, err);
    if (err->code == LIM_OK)
        lim_dag_sheet_write(o->path, &sheet, err);
    for (int i = 0; i < LIM_SCENES_NETS; i++)
        lim_seen_clear(&seen[i]);
    lim_task_free(task);
    return err->code;
}

void
lim_scenes_tell(LimProgress *progress, int net, int step, int most)
{
    if (!progress)
        return;
    progress->fraction = (double)step / most;
    g_snprintf(progress->text, sizeof progress->text, "step %d of at most %d on %s", step, most,
               lim_scenes_net_name(net));
}

typedef struct {
    LimTask base;
    LimScenesRun *run;
    LimScenesOut out;
} SaveTask;

static LimStep
save_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    const SaveTask *self = (SaveTask *)t;
    LimScenesRun *r = self->run;
    const int made = lim_scenes_run_n(r) - 1;
    const double one = 1;

    lim_scenes_tell(progress, r->plan.net, made, r->plan.dag.iterations);
    if (!lim_scenes_run_ended(r))
        return advance(r, exec, err) == LIM_STEP_FAILED ? LIM_STEP_FAILED : LIM_STEP_MORE;
    const LimScenesFrame last = lim_scenes_run_frame(r, made);
    return lim_scenes_write(&self->out, r->stage, &r->plan, &last.r, &one, 1, exec, err) == LIM_OK
               ? LIM_STEP_DONE
               : LIM_STEP_FAILED;
}

static void
save_free(LimTask *t)
{
    SaveTask *self = (SaveTask *)t;

    lim_scenes_run_unref(self->run);
    lim_scenes_out_clear(&self->out);
    g_free(self);
}

LimTask *
lim_scenes_save_task_new(LimScenesRun *run, const LimScenesOut *out)
{
    static const LimTaskClass klass = {"save scene", save_step, NULL, save_free};
    SaveTask *self = g_new0(SaveTask, 1);

    self->base.klass = &klass;
    self->run = lim_scenes_run_ref(run);
    self->out = *out;
    return &self->base;
}

/* ---- paintings ---- */

#define PAINTING "wanted-"

char *
lim_scenes_painting_dup_path(const LimScenesPlan *plan, const char *folder)
{
    g_autofree char *sum =
        g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)plan->wanted,
                                    (gsize)(plan->wanted_size * plan->wanted_size) *
                                        sizeof *plan->wanted);
    g_autofree char *name = g_strdup_printf(PAINTING "%.16s.png", sum);

    return g_build_filename(folder, name, NULL);
}

typedef struct {
    char *path;
    gint64 written;
} Painting;

static void
clear_painting(gpointer data)
{
    g_free(((Painting *)data)->path);
}

static gint
compare_age(gconstpointer a, gconstpointer b)
{
    const gint64 x = ((const Painting *)a)->written, y = ((const Painting *)b)->written;

    return x < y ? 1 : x > y ? -1 : 0;
}

/* Leaves the latest, and what else is in the folder. */
static void
prune_paintings(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    g_autoptr(GArray) all = g_array_new(FALSE, TRUE, sizeof(Painting));
    const char *name;
    GStatBuf about;

    g_array_set_clear_func(all, clear_painting);
    while (dir && (name = g_dir_read_name(dir))) {
        if (!g_str_has_prefix(name, PAINTING) || !g_str_has_suffix(name, ".png"))
            continue;
        Painting one = {.path = g_build_filename(folder, name, NULL)};
        if (g_stat(one.path, &about) == 0)
            one.written =
                (gint64)about.st_mtim.tv_sec * G_USEC_PER_SEC + about.st_mtim.tv_nsec / 1000;
        g_array_append_val(all, one);
    }
    g_array_sort(all, compare_age);
    for (guint i = LIM_SCENES_PAINTINGS; i < all->len; i++)
        g_unlink(g_array_index(all, Painting, i).path);
}

typedef struct {
    LimTask base;
    LimScenesPlan plan; /* a copy */
    char *path;
} PaintTask;

static LimStep
paint_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    const PaintTask *self = (PaintTask *)t;
    g_autofree char *folder = g_path_get_dirname(self->path);

    g_mkdir_with_parents(folder, 0700);
    if (lim_scene_write_mask(self->path, self->plan.wanted_size, self->plan.wanted, err) != LIM_OK)
        return LIM_STEP_FAILED;
    prune_paintings(folder);
    return LIM_STEP_DONE;
}

static void
paint_free(LimTask *t)
{
    PaintTask *self = (PaintTask *)t;

    lim_scenes_plan_clear(&self->plan);
    g_free(self->path);
    g_free(self);
}

LimTask *
lim_scenes_paint_task_new(const LimScenesPlan *plan, const char *path)
{
    static const LimTaskClass klass = {"write painting", paint_step, NULL, paint_free};
    PaintTask *self = g_new0(PaintTask, 1);

    self->base.klass = &klass;
    lim_scenes_plan_copy(&self->plan, plan);
    self->path = g_strdup(path);
    return &self->base;
}
