/* A run allocates nothing: the program's malloc and its relatives are replaced by ones that count,
 * and the count must stay while a plan runs for the second and third time and while the
 * trainers take whole steps after the first ones. Not under a sanitizer, which has a malloc of its
 * own. */
#include "base/rng.h"
#include "graph/plan.h"
#include "ops/ops.h"
#include "toy.h"
#include "train/classifier.h"
#include "train/gan.h"
#include "train/scenes.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#define HAS(feature) __has_feature(feature)
#else
#define HAS(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || HAS(address_sanitizer) || \
    HAS(thread_sanitizer) || !defined(__GLIBC__)
#define COUNTING 0
#else
#define COUNTING 1
#endif

static atomic_bool counting;
static atomic_int allocations;

#if COUNTING
/* glibc's own, under the names that it keeps for this. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t align, size_t size);

static void
count(void)
{
    if (atomic_load_explicit(&counting, memory_order_relaxed))
        atomic_fetch_add(&allocations, 1);
}

void *
malloc(size_t size)
{
    count();
    return __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
    count();
    return __libc_calloc(n, size);
}

void *
realloc(void *old, size_t size)
{
    count();
    return __libc_realloc(old, size);
}

void *memalign(size_t align, size_t size);
void *
memalign(size_t align, size_t size)
{
    count();
    return __libc_memalign(align, size);
}

void *
aligned_alloc(size_t align, size_t size)
{
    count();
    return __libc_memalign(align, size);
}

int
posix_memalign(void **out, size_t align, size_t size)
{
    count();
    *out = __libc_memalign(align, size);
    return *out ? 0 : ENOMEM;
}
#endif

static void
start(void)
{
    atomic_store(&allocations, 0);
    atomic_store(&counting, true);
}

static int
stop(void)
{
    atomic_store(&counting, false);
    return atomic_load(&allocations);
}

/* The counter works, also for what the engine calls. */
static void
test_counter(void)
{
    void *volatile kept[6];
    start();
    kept[0] = malloc(10);
    kept[1] = calloc(3, 5);
    kept[2] = lim_alloc(3, 5);
    kept[3] = lim_strdup("text");
    kept[4] = aligned_alloc(64, 128);
    kept[5] = realloc(NULL, 7);
    const int n = stop();
    for (int i = 0; i < 6; i++)
        free(kept[i]);
    g_assert_cmpint(n, ==, 6);
}

/* Every kind of node: convolutions of several shapes, products, norms, pooling, their gradients;
 * constants after a touch as well. */
static void
test_plan(void)
{
    enum { N = 2, C = 16, S = 8, K = 5 };
    static float x[N * C * S * S], w3[C * C * 9], w5[C * C * 25], gain[C], wl[K * C];
    static int32_t label[N] = {1, 3};
    lim_rng_normal(1, LIM_STREAM_TEST, 0, x, G_N_ELEMENTS(x));
    lim_rng_normal(2, LIM_STREAM_TEST, 0, w3, G_N_ELEMENTS(w3));
    lim_rng_normal(3, LIM_STREAM_TEST, 0, w5, G_N_ELEMENTS(w5));
    lim_rng_normal(4, LIM_STREAM_TEST, 0, wl, G_N_ELEMENTS(wl));
    for (int threads = 1; threads <= 2; threads++) {
        LimExec exec = {.kernels = lim_kernels_best(), .pool = lim_pool_new(threads)};
        LimGraph *g = lim_graph_new();
        LimVal xv = lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE4(N, C, S, S));
        LimVal lv = lim_graph_feed(g, "label", LIM_I32, LIM_SHAPE1(N));
        LimVal a = lim_graph_variable(g, "w3", LIM_SHAPE4(C, C, 3, 3), w3);
        LimVal b = lim_graph_constant(g, "w5", LIM_SHAPE4(C, C, 5, 5), w5);
        LimVal c = lim_graph_constant(g, "gain", LIM_SHAPE1(C), gain);
        LimVal l = lim_graph_variable(g, "wl", LIM_SHAPE2(K, C), wl);
        LimVal h = lim_conv2d(g, xv, lim_affine(g, a, 0.1, 0), LIM_NOVAL, 1, 1);
        h = lim_batch_norm(g, h, c, c, 1, 1e-4, true, NULL, NULL);
        h = lim_conv2d(g, h, lim_affine(g, b, 0.1, 0), LIM_NOVAL, 2, 2);
        h = lim_max_pool2(g, lim_upsample2(g, h));
        LimVal loss =
            lim_mean(g,
                     lim_cross_entropy(g, lim_linear(g, lim_spatial_mean(g, h), l, LIM_NOVAL), lv));
        LimVal want[4] = {loss};
        lim_graph_grad(g, loss, LIM_NOVAL, (LimVal[]){a, l, xv}, want + 1, 3);
        LimError err = LIM_ERROR_INIT;
        LimPlan *p = lim_plan_new(g, want, 4, 0, &exec, &err);
        g_assert_cmpstr(err.text, ==, "");
        lim_plan_bind(p, xv, x);
        lim_plan_bind(p, lv, label);
        g_assert_cmpint(lim_plan_run(p, &exec, &err), ==, LIM_OK);
        start();
        for (int run = 0; run < 2; run++) {
            lim_plan_bind(p, xv, x);
            lim_plan_touch(p);
            lim_plan_run(p, &exec, &err);
        }
        g_assert_cmpint(stop(), ==, 0);
        lim_plan_free(p);
        lim_pool_free(exec.pool);
    }
}

/* Steps after the first `warm` ones; nothing is logged or saved meanwhile. */
static void
steps_allocate_nothing(LimTask *t, int warm, int steps, const LimExec *exec)
{
    LimError err = LIM_ERROR_INIT;
    LimProgress progress;
    g_assert_nonnull(t);
    for (int i = 0; i < warm; i++)
        g_assert_cmpint(lim_task_step(t, exec, &progress, &err), ==, LIM_STEP_MORE);
    start();
    LimStep step = LIM_STEP_MORE;
    for (int i = 0; i < steps && step == LIM_STEP_MORE; i++)
        step = lim_task_step(t, exec, &progress, &err);
    g_assert_cmpint(stop(), ==, 0);
    g_assert_cmpint(step, ==, LIM_STEP_MORE);
    lim_task_free(t);
}

static void
scenes_allocate_nothing(LimSceneNetKind kind, const LimDataset *d, const LimExec *exec)
{
    LimSceneTraining p;
    lim_params_init(lim_scene_training_schema, &p);
    lim_params_init(lim_scene_net_schema, &p.model);
    lim_params_init(lim_scene_schema, &p.scenes);
    p.scenes.size = 48;
    p.model.classes = 4;
    p.model.width = 2;
    p.batch = 2;
    p.noise = 4;
    LimScenes *scenes = lim_scenes_new(&p.scenes, d, LIM_SCENE_TRAIN, NULL);
    steps_allocate_nothing(lim_scene_trainer_new(kind, &p, scenes, NULL, toy_log(NULL), exec, NULL),
                           2, 6, exec);
    lim_scenes_free(scenes);
}

static void
test_trainers(void)
{
    LimDataset *d = toy_dataset(10, 1, 28, 3, 1);
    for (int threads = 1; threads <= 2; threads++) {
        LimExec exec = {.kernels = lim_kernels_best(), .pool = lim_pool_new(threads)};
        LimClassifierTraining c;
        lim_params_init(lim_classifier_training_schema, &c);
        lim_params_init(lim_classifier_schema, &c.model);
        c.model.classes = 3;
        c.model.width = 4;
        c.batch = 4;
        steps_allocate_nothing(lim_classifier_trainer_new(&c, d, d, NULL, toy_log(NULL), &exec,
                                                          NULL),
                               1, 6, &exec);

        /* a student: plain, with dropout and a teacher */
        LimClassifierTraining teacher = c;
        teacher.model.architecture = c.model.architecture = LIM_CLASSIFIER_PLAIN;
        teacher.temperature = c.temperature = 20;
        char *path = toy_path("teacher");
        LimTask *t = lim_classifier_trainer_new(&teacher, d, d, NULL, toy_log(NULL), &exec, NULL);
        g_assert_cmpint(lim_classifier_trainer_save(t, path, "a test", &exec, NULL), ==, LIM_OK);
        lim_task_free(t);
        g_strlcpy(c.teacher, path, sizeof c.teacher);
        g_free(path);
        steps_allocate_nothing(lim_classifier_trainer_new(&c, d, d, NULL, toy_log(NULL), &exec,
                                                          NULL),
                               1, 6, &exec);

        LimGanTraining g;
        lim_params_init(lim_gan_training_schema, &g);
        lim_params_init(lim_biggan_schema, &g.model);
        g.model.classes = 3;
        g.model.g_ch = g.model.d_ch = 2;
        g.model.latent = 8;
        g.model.shared = 4;
        g.batch = 4;
        g.d_steps = 2;
        steps_allocate_nothing(lim_gan_trainer_new(&g, d, NULL, NULL, toy_log(NULL), &exec, NULL),
                               3, 6, &exec);
        for (int kind = 0; kind < 2; kind++)
            scenes_allocate_nothing((LimSceneNetKind)kind, d, &exec);
        lim_pool_free(exec.pool);
    }
    lim_dataset_free(d);
}

static void
test_not_here(void)
{
    g_test_skip("the sanitizer has a malloc of its own");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (COUNTING) {
        g_test_add_func("/allocations/counter", test_counter);
        g_test_add_func("/allocations/plan", test_plan);
        g_test_add_func("/allocations/trainers", test_trainers);
    } else {
        g_test_add_func("/allocations/not-here", test_not_here);
    }
    return g_test_run();
}
