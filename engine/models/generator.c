/* The generator for use: latents under a truncation threshold, one plan per batch size. */
#include "models/generator.h"

#include "base/rng.h"
#include "graph/plan.h"
#include "models/biggan.h"
#include "models/modelfile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 64

typedef struct BatchPlan {
    LimPlan *plan;
    LimVal z, label, image;
} BatchPlan;

struct LimGenerator {
    LimBigganParams params;
    LimStore *store;
    char (*class_names)[32];
    BatchPlan plans[BATCH + 1];
};

static const char *const truncation_names[] = {"inverse-cdf", "resample", "scale", NULL};

const LimParamSpec lim_sample_schema[] = {
    {.name = "class",
     .label = "Class",
     .help = "Which class to draw: its number from 0, or -1 for all classes in turn.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(LimSampleRequest, label),
     .min = -1,
     .max = 999,
     .def = -1},
    {.name = "seed",
     .label = "Seed",
     .help = "Chooses the latent vectors. The same seed gives the same samples under every "
             "threshold, on every machine.",
     .unit = "",
     .kind = LIM_SEED,
     .offset = offsetof(LimSampleRequest, seed),
     .def = 1},
    {.name = "threshold",
     .label = "Truncation threshold",
     .help = "Latent values beyond the threshold are not allowed. Small: typical, alike, clean "
             "pictures (fidelity). Large: varied and sometimes odd ones (variety).",
     .unit = "",
     .kind = LIM_REAL,
     .offset = offsetof(LimSampleRequest, threshold),
     .min = LIM_THRESHOLD_MIN,
     .max = LIM_THRESHOLD_MAX,
     .def = 1},
    {.name = "truncation",
     .label = "Truncation mode",
     .help = "How the threshold acts. inverse-cdf: every value moves continuously with the "
             "threshold, with the paper's distribution. resample: values beyond it are drawn again "
             "(the paper). scale: all values are multiplied by it.",
     .unit = "",
     .kind = LIM_CHOICE,
     .offset = offsetof(LimSampleRequest, truncation),
     .max = 2,
     .choices = truncation_names},
    {.name = "samples",
     .label = "Samples",
     .help = "How many pictures to draw.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(LimSampleRequest, count),
     .min = 1,
     .max = 256,
     .def = 16,
     .ui_min = 1,
     .ui_max = 64},
    {0}};

static LimStatus
plan_batch(LimGenerator *g, int n, const LimExec *exec, LimError *err)
{
    BatchPlan *b = &g->plans[n];
    if (b->plan)
        return LIM_OK;
    LimGraph *graph = lim_graph_new();
    LimBuild build;
    lim_build_init(&build, graph, g->store, LIM_MODE_EVAL);
    b->z = lim_graph_feed(graph, "z", LIM_F32, LIM_SHAPE2(n, g->params.latent));
    b->label = lim_graph_feed(graph, "label", LIM_I32, LIM_SHAPE1(n));
    b->image = lim_biggan_generator(&build, &g->params, b->z, b->label, NULL);
    b->plan = lim_plan_new(graph, &b->image, 1, 0, exec, err);
    return b->plan ? LIM_OK : LIM_E_SHAPE;
}

LimGenerator *
lim_generator_load(const char *path, LimError *err)
{
    LimError local = LIM_ERROR_INIT;
    if (!err)
        err = &local;
    LimModelFile *f = lim_modelfile_open(path, err);
    if (!f)
        return NULL;
    LimGenerator *g = lim_alloc(1, sizeof *g);
    g->store = lim_store_new(0);
    const LimExec none = {.kernels = lim_kernels_best()};
    if (lim_modelfile_params(f, "biggan-generator", lim_biggan_schema, &g->params, err) == LIM_OK) {
        if (g->params.classes != f->classes)
            lim_fail(err, LIM_E_FORMAT, "%s: %d class names for %d classes", path, f->classes,
                     g->params.classes);
        else { /* building the network reads its weights */
            lim_store_source(g->store, f->st);
            plan_batch(g, 1, &none, err);
            lim_store_source(g->store, NULL);
        }
    }
    lim_plan_free(g->plans[1].plan);
    g->plans[1].plan = NULL;
    g->class_names = f->class_names;
    f->class_names = NULL;
    lim_modelfile_free(f);
    if (err->code != LIM_OK) {
        lim_generator_free(g);
        return NULL;
    }
    return g;
}

void
lim_generator_free(LimGenerator *g)
{
    if (!g)
        return;
    for (int i = 0; i <= BATCH; i++)
        lim_plan_free(g->plans[i].plan);
    lim_store_free(g->store);
    free(g->class_names);
    free(g);
}

int
lim_generator_classes(const LimGenerator *g)
{
    return g->params.classes;
}

const char *
lim_generator_class_name(const LimGenerator *g, int k)
{
    return k >= 0 && k < g->params.classes ? g->class_names[k] : "";
}

int
lim_generator_latent_size(const LimGenerator *g)
{
    return g->params.latent;
}

LimShape
lim_generator_image_shape(const LimGenerator *g)
{
    return LIM_SHAPE3(g->params.channels, LIM_BIGGAN_SIZE, LIM_BIGGAN_SIZE);
}

/* Value k of the latent block of a seed, under a threshold t. */
static double
latent_value(uint64_t seed, uint64_t k, double t, LimTruncation how)
{
    if (how == LIM_TRUNC_INVERSE_CDF) {
        /* z = Q(Phi(-t) + u (Phi(t) - Phi(-t))); for t beyond about 8 this is N(0,1) itself */
        const double u = ((double)(lim_rng_u64(seed, LIM_STREAM_LATENT, k) >> 11) + 0.5) * 0x1p-53;
        const double low = lim_normal_cdf(-t);
        return lim_normal_quantile(low + u * (1 - 2 * low));
    }
    /* draw again until inside; each draw has a stream of its own */
    const double bound = how == LIM_TRUNC_SCALE ? 2 : t;
    for (uint64_t draw = 0;; draw++) {
        const uint64_t stream = lim_rng_stream(LIM_STREAM_LATENT, "draw", draw);
        const double u = ((double)(lim_rng_u64(seed, stream, k) >> 11) + 0.5) * 0x1p-53;
        const double z = lim_normal_quantile(u);
        if (fabs(z) <= bound)
            return how == LIM_TRUNC_SCALE ? t * z : z;
    }
}

void
lim_generator_latents(const LimGenerator *g, const LimSampleRequest *r, float *z)
{
    const int latent = g->params.latent;
    for (int i = 0; i < r->count; i++)
        for (int k = 0; k < latent; k++)
            z[(size_t)i * (size_t)latent + (size_t)k] =
                (float)latent_value(r->seed, (uint64_t)i * 4096 + (uint64_t)k, r->threshold,
                                    (LimTruncation)r->truncation);
}

/* At most BATCH pictures with the plan of their number. */
static LimStatus
run_batch(LimGenerator *g, const LimExec *exec, const float *z, const int32_t *label, int n,
          float *pictures, LimError *err)
{
    LimStatus status = plan_batch(g, n, exec, err);
    if (status != LIM_OK)
        return status;
    BatchPlan *b = &g->plans[n];
    lim_plan_bind(b->plan, b->z, z);
    lim_plan_bind(b->plan, b->label, label);
    status = lim_plan_run(b->plan, exec, err);
    if (status == LIM_OK)
        memcpy(pictures, lim_plan_f32(b->plan, b->image),
               (size_t)n * (size_t)lim_shape_size(lim_generator_image_shape(g)) * sizeof(float));
    return status;
}

LimStatus
lim_generator_run(LimGenerator *g, const LimExec *exec, const float *z, const int32_t *label, int n,
                  float *pictures, LimError *err)
{
    const size_t image = (size_t)lim_shape_size(lim_generator_image_shape(g));
    LimStatus status = LIM_OK;
    for (int done = 0; done < n && status == LIM_OK; done += BATCH)
        status =
            run_batch(g, exec, z + (size_t)done * (size_t)g->params.latent, label + done,
                      n - done < BATCH ? n - done : BATCH, pictures + (size_t)done * image, err);
    return status;
}

/* ---- the task ----------------------------------------------------------------------------------
 */

typedef struct SampleTask {
    LimTask base;
    LimGenerator *g;
    LimSampleRequest r;
    float *z;
    int32_t *label;
    LimTensor *image;
    int done;
} SampleTask;

/* One batch. */
static LimStep
sample_step(LimTask *task, const LimExec *exec, LimProgress *progress, LimError *err)
{
    SampleTask *t = (SampleTask *)task;
    LimGenerator *g = t->g;
    if (!t->image) {
        const LimShape s = lim_generator_image_shape(g);
        LimStatus bad = lim_params_check(lim_sample_schema, &t->r, err);
        if (bad == LIM_OK && t->r.label >= g->params.classes)
            bad = lim_fail(err, LIM_E_PARAM, "class %d does not exist; this generator has 0 to %d",
                           t->r.label, g->params.classes - 1);
        if (bad != LIM_OK)
            return LIM_STEP_FAILED;
        t->image = lim_tensor_new(LIM_F32, LIM_SHAPE4(t->r.count, s.d[0], s.d[1], s.d[2]));
        t->z = lim_alloc((size_t)t->r.count * (size_t)g->params.latent, sizeof *t->z);
        t->label = lim_alloc((size_t)t->r.count, sizeof *t->label);
        lim_generator_latents(g, &t->r, t->z);
        for (int i = 0; i < t->r.count; i++)
            t->label[i] = t->r.label < 0 ? i % g->params.classes : t->r.label;
    }
    const int batch = t->r.count - t->done < BATCH ? t->r.count - t->done : BATCH;
    const size_t image = (size_t)lim_shape_size(lim_generator_image_shape(g));
    if (run_batch(g, exec, t->z + (size_t)t->done * (size_t)g->params.latent, t->label + t->done,
                  batch, (float *)lim_tensor_edit(t->image) + (size_t)t->done * image,
                  err) != LIM_OK)
        return LIM_STEP_FAILED;
    t->done += batch;
    if (progress) {
        progress->fraction = (double)t->done / t->r.count;
        progress->text[0] = '\0';
    }
    return t->done == t->r.count ? LIM_STEP_DONE : LIM_STEP_MORE;
}

static void
sample_free(LimTask *task)
{
    SampleTask *t = (SampleTask *)task;
    lim_tensor_unref(t->image);
    free(t->z);
    free(t->label);
    free(t);
}

static const LimTaskClass sample_class = {"sample", sample_step, NULL, sample_free};

LimTask *
lim_sample_task_new(LimGenerator *g, const LimSampleRequest *r)
{
    SampleTask *t = lim_alloc(1, sizeof *t);
    t->base.klass = &sample_class;
    t->g = g;
    t->r = *r;
    return &t->base;
}

const LimTensor *
lim_sample_task_image(const LimTask *t)
{
    return ((const SampleTask *)t)->image;
}

const LimSampleRequest *
lim_sample_task_request(const LimTask *t)
{
    return &((const SampleTask *)t)->r;
}
