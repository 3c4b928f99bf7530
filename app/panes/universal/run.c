/* What runs on the worker for the Universal view. */
#include "panes/universal/run.h"

#include "lim-form-pane.h"
#include "tensor/npy.h"
#include "tensor/png.h"

#include <math.h>
#include <stdio.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define X_MAX      2000
#define UNSEEN_MAX 1000

const LimParamSpec lim_universal_setup_schema[] = {
    {.name = "model",
     .label = "Classifier",
     .help = "The model that one and the same perturbation is to fool on most pictures.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(LimUniversalSetup, model),
     .max = 255},
    {.name = "pictures",
     .label = "Pictures",
     .help =
         "How many training pictures of Fashion-MNIST (Debian: dataset-fashion-mnist) v is made "
         "from. Where they are not installed: up to half of the pictures that come with the "
         "program.",
     .unit = "pictures",
     .kind = LIM_INT,
     .offset = offsetof(LimUniversalSetup, pictures),
     .min = 10,
     .max = X_MAX,
     .def = 500},
    {.name = "file",
     .label = "v from a file",
     .help = "A universal perturbation that was saved, to see what it does to this classifier. "
             "Empty: v is made.",
     .unit = "",
     .kind = LIM_TEXT,
     .offset = offsetof(LimUniversalSetup, file)},
    {0}};

/* ---- pictures ---- */

struct LimUniversalPictures {
    atomic_int refs;
    char *samples;
    bool loaded, sampled; /* sampled: from the sample, as the data set is not installed */
    LimShape shape;       /* they are framed for */
    float *x, *unseen;
    int n, n_unseen;
    char data[64];
};

LimUniversalPictures *
lim_universal_pictures_new(const char *samples)
{
    LimUniversalPictures *p = lim_alloc(1, sizeof *p);

    atomic_init(&p->refs, 1);
    p->samples = lim_strdup(samples);
    return p;
}

LimUniversalPictures *
lim_universal_pictures_ref(LimUniversalPictures *p)
{
    atomic_fetch_add(&p->refs, 1);
    return p;
}

void
lim_universal_pictures_unref(LimUniversalPictures *p)
{
    if (!p || atomic_fetch_sub(&p->refs, 1) != 1)
        return;
    free(p->samples);
    free(p->x);
    free(p->unseen);
    free(p);
}

static float *
frame(const LimDataset *d, int first, int n, int side)
{
    const size_t size = (size_t)d->c * (size_t)side * (size_t)side;
    float *x = lim_alloc((size_t)n * size, sizeof *x);

    for (int i = 0; i < n; i++) {
        const uint32_t at = (uint32_t)(first + i);
        float *to = x + (size_t)i * size;
        lim_dataset_batch(d, &at, 1, side, to, NULL);
        for (size_t j = 0; j < size; j++)
            to[j] = roundf(127.5f * (to[j] + 1)) / 255; /* the byte that it was */
    }
    return x;
}

static LimStatus
load_pictures(LimUniversalPictures *p, LimShape shape, LimError *err)
{
    LimError none = LIM_ERROR_INIT;

    if (p->loaded)
        return lim_shape_equal(p->shape, shape)
                   ? LIM_OK
                   : lim_fail(err, LIM_E_SHAPE, "this classifier takes pictures of another size");
    LimDataset *train = lim_dataset_fashion_mnist(NULL, "train", &none);
    LimDataset *test = train ? lim_dataset_fashion_mnist(NULL, "test", &none) : NULL;
    p->sampled = !test;
    if (!test)
        test = lim_dataset_open(p->samples, "sample", err);
    LimStatus status = test ? LIM_OK : err->code;
    if (test && (test->c != shape.d[0] || test->h > shape.d[1] || shape.d[1] != shape.d[2]))
        status = lim_fail(err, LIM_E_SHAPE, "this classifier takes other pictures than %s has",
                          test->name);
    if (status == LIM_OK) {
        const LimDataset *from = p->sampled ? test : train;
        p->n = MIN(p->sampled ? test->n / 2 : train->n, X_MAX);
        p->n_unseen = MIN(p->sampled ? test->n - p->n : test->n, UNSEEN_MAX);
        p->x = frame(from, 0, p->n, shape.d[1]);
        p->unseen = frame(test, p->sampled ? p->n : 0, p->n_unseen, shape.d[1]);
        p->shape = shape;
        p->loaded = true;
        snprintf(p->data, sizeof p->data, "%s", test->name);
    }
    lim_dataset_free(train);
    lim_dataset_free(test);
    return status;
}

/* ---- runs ---- */

struct LimUniversalRun {
    atomic_int refs;
    LimBench *bench;
    LimUniversalPictures *pictures;
    LimUniversalPlan plan;
    LimPredictor *predictor;   /* of the bench */
    LimVictim *victim, *asked; /* asked: for looks, which u does not count */
    LimUniversal *u;           /* NULL: v is of a file */
    LimShape shape;
    int n, n_unseen;
    int32_t *own;
    double random, permuted; /* what noise does; permuted: once v is made */
    GMutex lock;             /* of snap */
    LimUniversalSnap snap;
};

LimUniversalRun *
lim_universal_run_ref(LimUniversalRun *r)
{
    atomic_fetch_add(&r->refs, 1);
    return r;
}

void
lim_universal_run_unref(LimUniversalRun *r)
{
    if (!r || atomic_fetch_sub(&r->refs, 1) != 1)
        return;
    if (r->u)
        lim_task_free(lim_universal_task(r->u));
    lim_victim_free(r->victim);
    lim_victim_free(r->asked);
    lim_universal_snap_clear(&r->snap);
    g_mutex_clear(&r->lock);
    free(r->own);
    free(r->plan.model);
    free(r->plan.file);
    lim_universal_pictures_unref(r->pictures);
    lim_bench_unref(r->bench);
    free(r);
}

gboolean
lim_universal_plan_equal(const LimUniversalPlan *a, const LimUniversalPlan *b)
{
    return g_strcmp0(a->file, b->file) == 0 && a->pictures == b->pictures &&
           g_strcmp0(a->model, b->model) == 0 &&
           (a->file || memcmp(&a->params, &b->params, sizeof a->params) == 0);
}

const LimUniversalPlan *
lim_universal_run_plan(const LimUniversalRun *r)
{
    return &r->plan;
}

LimBench *
lim_universal_run_bench(const LimUniversalRun *r)
{
    return r->bench;
}

LimUniversalPictures *
lim_universal_run_pictures(const LimUniversalRun *r)
{
    return r->pictures;
}

LimShape
lim_universal_run_shape(const LimUniversalRun *r)
{
    return r->shape;
}

int
lim_universal_run_classes(const LimUniversalRun *r)
{
    return lim_predictor_classes(r->predictor);
}

const char *
lim_universal_run_class_name(const LimUniversalRun *r, int k)
{
    return lim_predictor_class_name(r->predictor, k);
}

int
lim_universal_run_x(const LimUniversalRun *r)
{
    return r->n;
}

int
lim_universal_run_unseen(const LimUniversalRun *r)
{
    return r->n_unseen;
}

const char *
lim_universal_run_data(const LimUniversalRun *r)
{
    return r->pictures->sampled ? r->pictures->samples : NULL;
}

const float *
lim_universal_run_image(const LimUniversalRun *r, int i)
{
    return r->pictures->x + (size_t)i * (size_t)lim_shape_size(r->shape);
}

const float *
lim_universal_run_unseen_image(const LimUniversalRun *r, int i)
{
    return r->pictures->unseen + (size_t)i * (size_t)lim_shape_size(r->shape);
}

const int32_t *
lim_universal_run_own(const LimUniversalRun *r)
{
    return r->own;
}

double
lim_universal_run_random(const LimUniversalRun *r)
{
    return r->random;
}

double
lim_universal_run_permuted(const LimUniversalRun *r)
{
    return r->permuted;
}

void
lim_universal_snap_clear(LimUniversalSnap *s)
{
    free(s->pass);
    free(s->v);
    free(s->best);
    *s = (LimUniversalSnap){0};
}

void
lim_universal_run_snap(LimUniversalRun *r, LimUniversalSnap *out)
{
    const size_t size = (size_t)lim_shape_size(r->shape);

    g_mutex_lock(&r->lock);
    *out = r->snap;
    out->pass = lim_memdup(r->snap.pass, (size_t)r->snap.n_passes, sizeof *out->pass);
    out->v = lim_memdup(r->snap.v, size, sizeof *out->v);
    out->best = lim_memdup(r->snap.best, size, sizeof *out->best);
    g_mutex_unlock(&r->lock);
}

static void
publish(LimUniversalRun *r, gboolean ended)
{
    const size_t size = (size_t)lim_shape_size(r->shape);
    LimUniversalSnap *s = &r->snap;

    g_mutex_lock(&r->lock);
    if (s->n_passes != lim_universal_passes(r->u)) {
        free(s->pass);
        s->n_passes = lim_universal_passes(r->u);
        s->pass = lim_memdup(lim_universal_pass(r->u, 0), (size_t)s->n_passes, sizeof *s->pass);
        s->best_pass = lim_universal_best_pass(r->u);
        memcpy(s->best, lim_universal_best(r->u), size * sizeof *s->best);
    }
    s->now = lim_universal_now(r->u);
    s->ended = ended;
    memcpy(s->v, lim_universal_v(r->u), size * sizeof *s->v);
    g_mutex_unlock(&r->lock);
}

/* ---- beginning ---- */

typedef struct {
    LimTask base;
    LimBench *bench;
    LimUniversalPictures *pictures;
    LimUniversalPlan plan;
    LimUniversalRun *run;
    LimTask *noise;
    gboolean of_v; /* the noise: of a file's v, permuted */
} BeginTask;

/* v NULL: random vectors of its norm. */
static LimTask *
noise_new(const LimUniversalRun *r, const float *v)
{
    const LimUniversalNoise in = {.victim = r->asked,
                                  .n = r->n_unseen,
                                  .image = r->pictures->unseen,
                                  .own = r->own,
                                  .v = v,
                                  .norm = (LimNorm)r->plan.params.norm,
                                  .xi = r->plan.params.xi,
                                  .seed = 1};
    return lim_universal_noise_new(&in);
}

/* At its end the ratio is in *to. */
static LimStep
step_noise(LimTask *noise, double *to, const LimExec *exec, LimError *err)
{
    const LimStep step = lim_task_step(noise, exec, NULL, err);

    if (step == LIM_STEP_DONE)
        *to = lim_universal_noise_ratio(noise);
    return step;
}

/* The file's v, as if there had been one pass. */
static LimStatus
take_file(LimUniversalRun *r, const LimExec *exec, LimError *err)
{
    const size_t size = (size_t)lim_shape_size(r->shape);
    LimUniversalSnap *s = &r->snap;
    LimUniversalFile f;
    LimStatus status = lim_universalfile_read(r->plan.file, &f, err);

    if (status != LIM_OK)
        return status;
    if (!lim_shape_equal(f.shape, r->shape)) {
        status = lim_fail(err, LIM_E_SHAPE,
                          "%s is for pictures of %dx%dx%d; choose a classifier that takes such",
                          r->plan.file, f.shape.d[0], f.shape.d[1], f.shape.d[2]);
    } else {
        r->plan.params = f.params;
        memcpy(s->v, f.v, size * sizeof *s->v);
        memcpy(s->best, f.v, size * sizeof *s->best);
        s->n_passes = 2;
        s->best_pass = 1;
        s->pass = lim_alloc(2, sizeof *s->pass);
        s->ended = TRUE;
        int32_t *own = lim_alloc((size_t)r->n, sizeof *own);
        int32_t *label = lim_alloc((size_t)MAX(r->n, r->n_unseen), sizeof *label);
        status = lim_universal_labels(r->asked, exec, r->pictures->x, r->n, NULL, 0, own, err);
        if (status == LIM_OK)
            status = lim_universal_labels(r->asked, exec, r->pictures->x, r->n, f.v, 1, label, err);
        s->pass[1] = (LimUniversalPass){.ratio = lim_universal_ratio(own, label, r->n),
                                        .l2 = f.l2,
                                        .linf = f.linf};
        if (status == LIM_OK)
            status = lim_universal_labels(r->asked, exec, r->pictures->unseen, r->n_unseen, f.v, 1,
                                          label, err);
        s->pass[1].unseen = lim_universal_ratio(r->own, label, r->n_unseen);
        free(own);
        free(label);
    }
    lim_universalfile_clear(&f);
    return status;
}

static LimStatus
fill_run(LimUniversalRun *r, const LimExec *exec, LimError *err)
{
    const size_t size = (size_t)lim_shape_size(r->shape);

    r->n = MIN(r->plan.pictures, r->pictures->n);
    r->n_unseen = r->pictures->n_unseen;
    r->victim = lim_victim_new(r->predictor, LIM_ACCESS_GRADIENT);
    r->asked = lim_victim_new(r->predictor, LIM_ACCESS_LABEL);
    r->own = lim_alloc((size_t)r->n_unseen, sizeof *r->own);
    r->snap.v = lim_alloc(size, sizeof *r->snap.v);
    r->snap.best = lim_alloc(size, sizeof *r->snap.best);
    const LimUniversalInput in = {.victim = r->victim,
                                  .identity = lim_predictor_hash(r->predictor),
                                  .n = r->n,
                                  .image = r->pictures->x,
                                  .n_unseen = r->n_unseen,
                                  .unseen = r->pictures->unseen};
    if (!r->plan.file && !(r->u = lim_universal_new(&r->plan.params, &in, err)))
        return err->code;
    LimStatus status = lim_universal_labels(r->asked, exec, r->pictures->unseen, r->n_unseen, NULL,
                                            0, r->own, err);
    if (status == LIM_OK && r->plan.file)
        status = take_file(r, exec, err);
    return status;
}

static LimStep
load_step(BeginTask *self, const LimExec *exec, LimError *err)
{
    LimPredictor *predictor = lim_bench_predictor(self->bench, self->plan.model, err);

    if (!predictor ||
        load_pictures(self->pictures, lim_predictor_image_shape(predictor), err) != LIM_OK)
        return LIM_STEP_FAILED;
    LimUniversalRun *r = lim_alloc(1, sizeof *r);
    atomic_init(&r->refs, 1);
    g_mutex_init(&r->lock);
    r->bench = lim_bench_ref(self->bench);
    r->pictures = lim_universal_pictures_ref(self->pictures);
    r->plan = self->plan;
    r->plan.model = lim_strdup(self->plan.model);
    r->plan.file = self->plan.file ? lim_strdup(self->plan.file) : NULL;
    r->predictor = predictor;
    r->shape = lim_predictor_image_shape(predictor);
    if (fill_run(r, exec, err) != LIM_OK) {
        lim_universal_run_unref(r);
        return LIM_STEP_FAILED;
    }
    self->run = r;
    self->noise = noise_new(r, NULL);
    return LIM_STEP_MORE;
}

/* Everything is loaded, then comes what noise does. */
static LimStep
begin_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    BeginTask *self = (BeginTask *)t;
    LimUniversalRun *r = self->run;

    if (!r)
        return load_step(self, exec, err);
    if (self->of_v)
        return step_noise(self->noise, &r->permuted, exec, err);
    const LimStep step = step_noise(self->noise, &r->random, exec, err);
    if (step != LIM_STEP_DONE || !r->plan.file)
        return step;
    lim_task_free(self->noise);
    self->noise = noise_new(r, r->snap.best);
    self->of_v = TRUE;
    return LIM_STEP_MORE;
}

static void
begin_free(LimTask *t)
{
    BeginTask *self = (BeginTask *)t;

    lim_task_free(self->noise);
    lim_universal_run_unref(self->run);
    lim_universal_pictures_unref(self->pictures);
    lim_bench_unref(self->bench);
    free(self->plan.model);
    free(self->plan.file);
    free(self);
}

LimTask *
lim_universal_begin_task_new(LimBench *bench, LimUniversalPictures *pictures,
                             const LimUniversalPlan *plan)
{
    static const LimTaskClass klass = {"begin universal", begin_step, NULL, begin_free};
    BeginTask *self = lim_alloc(1, sizeof *self);

    self->base.klass = &klass;
    self->bench = lim_bench_ref(bench);
    self->pictures = lim_universal_pictures_ref(pictures);
    self->plan = *plan;
    self->plan.model = lim_strdup(plan->model);
    self->plan.file = plan->file ? lim_strdup(plan->file) : NULL;
    return &self->base;
}

LimUniversalRun *
lim_universal_begin_task_steal(LimTask *t)
{
    return g_steal_pointer(&((BeginTask *)t)->run);
}

/* ---- growing ---- */

typedef struct {
    LimTask base;
    LimUniversalRun *run;
    LimTask *noise; /* once v is made */
} GrowTask;

/* v is made, then comes what noise with its norms does. */
static LimStep
grow_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    GrowTask *self = (GrowTask *)t;
    LimUniversalRun *r = self->run;
    LimStep step;

    if (self->noise) {
        step = step_noise(self->noise, &r->permuted, exec, err);
    } else if ((step = lim_task_step(lim_universal_task(r->u), exec, progress, err)) ==
               LIM_STEP_DONE) {
        self->noise = noise_new(r, lim_universal_best(r->u));
        step = LIM_STEP_MORE;
    }
    publish(r, step == LIM_STEP_DONE);
    return step;
}

static void
grow_free(LimTask *t)
{
    GrowTask *self = (GrowTask *)t;

    lim_task_free(self->noise);
    lim_universal_run_unref(self->run);
    free(self);
}

LimTask *
lim_universal_grow_task_new(LimUniversalRun *run)
{
    static const LimTaskClass klass = {"grow universal", grow_step, NULL, grow_free};
    GrowTask *self = lim_alloc(1, sizeof *self);

    self->base.klass = &klass;
    self->run = lim_universal_run_ref(run);
    return &self->base;
}

/* ---- at a scale ---- */

static LimStep
scale_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    LimUniversalScaleTask *self = (LimUniversalScaleTask *)t;
    LimUniversalRun *r = self->run;
    const int n = MIN(LIM_UNIVERSAL_SHOWN, r->n_unseen - self->at);

    if (lim_universal_labels(r->asked, exec, lim_universal_run_unseen_image(r, self->at), n,
                             self->v, self->scale, self->label + self->at, err) != LIM_OK)
        return LIM_STEP_FAILED;
    self->at += n;
    return self->at == r->n_unseen ? LIM_STEP_DONE : LIM_STEP_MORE;
}

static void
scale_free(LimTask *t)
{
    LimUniversalScaleTask *self = (LimUniversalScaleTask *)t;

    lim_universal_run_unref(self->run);
    free(self->v);
    free(self->label);
    free(self);
}

LimTask *
lim_universal_scale_task_new(LimUniversalRun *run, const float *v, double scale)
{
    static const LimTaskClass klass = {"scale universal", scale_step, NULL, scale_free};
    LimUniversalScaleTask *self = lim_alloc(1, sizeof *self);

    self->base.klass = &klass;
    self->run = lim_universal_run_ref(run);
    self->v = lim_memdup(v, (size_t)lim_shape_size(run->shape), sizeof *v);
    self->scale = scale;
    self->label = lim_alloc((size_t)run->n_unseen, sizeof *self->label);
    return &self->base;
}

/* ---- out of the window ---- */

static LimStatus
save_picture(LimUniversalSaveTask *self, LimError *err)
{
    LimUniversalRun *r = self->run;
    const LimShape s = r->shape;
    LimImageView view =
        lim_image_alloc(s.d[2], s.d[1], s.d[0] == 1 ? LIM_PIXEL_GREY8 : LIM_PIXEL_RGB8, err);
    if (!view.data)
        return err->code;
    float *x = lim_alloc((size_t)lim_shape_size(s), sizeof *x);
    lim_universal_apply(lim_universal_run_unseen_image(r, self->picture), r->snap.best, self->scale,
                        (size_t)lim_shape_size(s), x);
    lim_image_put_f32(view, s.d[0], LIM_RANGE_UNIT, x);
    const LimStatus status = lim_png_write(self->path, view, NULL, 0, err);
    free(x);
    free(view.data);
    return status;
}

static LimStatus
save_v(LimUniversalSaveTask *self, LimError *err)
{
    LimUniversalRun *r = self->run;
    const float *v = lim_universal_best(r->u);
    const LimUniversalAbout about = {.params = &r->plan.params,
                                     .model = r->plan.model,
                                     .hash = lim_predictor_hash(r->predictor),
                                     .data = r->pictures->data,
                                     .pictures = r->n,
                                     .unseen = r->n_unseen,
                                     .command = self->command};
    g_autofree char *file = lim_export_path(self->path, ".safetensors");
    g_autofree char *npy = lim_export_path(self->path, ".npy");
    LimStatus status = lim_universalfile_write(file, &about, r->u, err);
    if (status == LIM_OK)
        status = lim_universalfile_png(self->path, r->shape, v, &about, err);
    return status == LIM_OK ? lim_npy_write_f32(npy, r->shape, v, err) : status;
}

static LimStep
save_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    LimUniversalSaveTask *self = (LimUniversalSaveTask *)t;
    const LimStatus status = self->picture >= 0 ? save_picture(self, err) : save_v(self, err);

    return status == LIM_OK ? LIM_STEP_DONE : LIM_STEP_FAILED;
}

static void
save_free(LimTask *t)
{
    LimUniversalSaveTask *self = (LimUniversalSaveTask *)t;

    lim_universal_run_unref(self->run);
    g_free(self->path);
    g_free(self->command);
    free(self);
}

LimTask *
lim_universal_save_task_new(LimUniversalRun *run, const char *path, const char *command,
                            int picture, double scale)
{
    static const LimTaskClass klass = {"save universal", save_step, NULL, save_free};
    LimUniversalSaveTask *self = lim_alloc(1, sizeof *self);

    self->base.klass = &klass;
    self->run = lim_universal_run_ref(run);
    self->path = lim_export_path(path, ".png");
    self->command = g_strdup(command);
    self->picture = picture;
    self->scale = scale;
    return &self->base;
}
