/* The networks that come with the program: they load, fit in a megabyte or two, know the
 * sample pictures, and the distilled one shows what distillation is known for: used at T = 1 in
 * float32 it has no gradient left to attack by, and dividing its logits by T brings it back. */
#include "attacks/dag.h"
#include "data/dataset.h"
#include "defenses/full_steps.h"
#include "graph/plan.h"
#include "metrics/scenes.h"
#include "models/modelfile.h"
#include "models/predictor.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <jansson.h>
#include <string.h>

enum { N = 100, PIXELS = LIM_CLASSIFIER_SIZE * LIM_CLASSIFIER_SIZE, CLASSES = 10 };

static float pictures[N * PIXELS];
static int32_t labels[N];

static char *
shipped(const char *name)
{
    return g_build_filename(g_getenv("LIMEN_SOURCE"), "resources", "models", name, NULL);
}

static void
read_pictures(void)
{
    char *folder =
        g_build_filename(g_getenv("LIMEN_SOURCE"), "resources", "samples", "fashion-mnist", NULL);
    LimError err = LIM_ERROR_INIT;
    LimDataset *d = lim_dataset_open(folder, "sample", &err);
    g_assert_cmpstr(err.text, ==, "");
    uint32_t index[N];
    for (uint32_t i = 0; i < N; i++)
        index[i] = i * (uint32_t)d->n / N;
    lim_dataset_batch(d, index, N, LIM_CLASSIFIER_SIZE, pictures, labels);
    lim_dataset_free(d);
    g_free(folder);
}

static bool
right(const float *logits, int32_t label)
{
    for (int k = 0; k < CLASSES; k++)
        if (k != label && logits[k] >= logits[label])
            return false;
    return true;
}

static void
test_knows(gconstpointer name)
{
    const LimExec exec = {.kernels = lim_kernels_best()};
    LimError err = LIM_ERROR_INIT;
    char *path = shipped(name);
    GStatBuf about;
    g_assert_cmpint(g_stat(path, &about), ==, 0);
    g_assert_cmpint(about.st_size, <=, 1 << 20);
    LimPredictor *c = lim_predictor_load(path, &err);
    g_assert_cmpstr(err.text, ==, "");
    float logits[N * CLASSES];
    g_assert_cmpint(lim_predictor_run(c, &exec, pictures, N, logits, NULL, &err), ==, LIM_OK);
    int count = 0;
    for (int i = 0; i < N; i++)
        count += right(logits + i * CLASSES, labels[i]);
    g_assert_cmpint(count, >=, 82); /* of 100, where 93 are expected */
    lim_predictor_free(c);
    g_free(path);
}

/* What a classifier gets right of x [N] in [0,1]. */
static int
count_right(LimPredictor *c, const float *x)
{
    const LimExec exec = {.kernels = lim_kernels_best()};
    float *y = g_new(float, N *PIXELS), logits[N * CLASSES];
    LimError err = LIM_ERROR_INIT;
    for (int i = 0; i < N * PIXELS; i++)
        y[i] = 2 * x[i] - 1;
    g_assert_cmpint(lim_predictor_run(c, &exec, y, N, logits, NULL, &err), ==, LIM_OK);
    int count = 0;
    for (int i = 0; i < N; i++)
        count += right(logits + i * CLASSES, labels[i]);
    g_free(y);
    return count;
}

/* A denoiser leaves clean pictures as good as they were, and undoes an attack on its guide that
 * does not know of it. */
static void
test_denoises(gconstpointer name)
{
    const LimExec exec = {.kernels = lim_kernels_best()};
    LimError err = LIM_ERROR_INIT;
    char *path = shipped(name), *guide = shipped("fashion-classifier.safetensors");
    GStatBuf about;
    g_assert_cmpint(g_stat(path, &about), ==, 0);
    g_assert_cmpint(about.st_size, <=, 3 << 19);
    LimDenoiser *d = lim_denoiser_load(path, &err);
    LimPredictor *c = lim_predictor_load(guide, &err), *behind = lim_predictor_behind(d, c, &err);
    g_assert_cmpstr(err.text, ==, "");
    float *x = g_new(float, N *PIXELS), *adversarial = g_new(float, N *PIXELS);
    for (int i = 0; i < N * PIXELS; i++)
        x[i] = (pictures[i] + 1) / 2;
    LimVictim *v = lim_victim_new(c, LIM_ACCESS_GRADIENT);
    g_assert_cmpint(lim_full_steps(v, &exec, 25.0 / 255, 4, x, N, adversarial, &err), ==, LIM_OK);
    g_assert_cmpint(count_right(behind, x), >=, count_right(c, x) - 3);
    g_assert_cmpint(count_right(c, adversarial), <=, 30);
    g_assert_cmpint(count_right(behind, adversarial), >=, 70);
    lim_victim_free(v);
    lim_predictor_free(behind);
    lim_predictor_free(c);
    lim_denoiser_free(d);
    g_free(x);
    g_free(adversarial);
    g_free(path);
    g_free(guide);
}

/* A network for scenes sees what is in the first 40 test scenes, and a dense adversary of one of
 * them makes it see little of that. */
static void
test_scene_net(gconstpointer name)
{
    enum { SCENES = 40, SIZE = 128, AREA = SIZE * SIZE };
    const LimExec exec = {.kernels = lim_kernels_best()};
    LimError err = LIM_ERROR_INIT;
    char *path = shipped(name);
    LimSceneNet *net = lim_scene_net_load(path, &err);
    LimSceneSettings s;
    lim_params_init(lim_scene_schema, &s);
    LimScenes *scenes = lim_scenes_open(&s, NULL, LIM_SCENE_TEST, &err);
    g_assert_cmpstr(err.text, ==, "");
    if (net->kind == LIM_SCENE_SEGMENTER) {
        LimIou m;
        lim_iou_init(&m, net->params.classes);
        lim_measure_segmenter(net, scenes, 0, SCENES, &exec, &m, &err);
        g_assert_cmpfloat(lim_iou_mean(&m), >=, 0.65);
        lim_iou_clear(&m);
    } else {
        LimBoxes b;
        lim_boxes_init(&b, SCENES);
        lim_measure_detector(net, scenes, 0, SCENES, &exec, &b, &err);
        g_assert_cmpfloat(lim_boxes_map(&b, net->params.classes, LIM_AP_ALL_POINTS), >=, 0.75);
        lim_boxes_clear(&b);
    }
    LimDagParams p;
    lim_params_init(lim_dag_schema, &p);
    p.remaining = 0.1;
    LimDag *d = lim_dag_new(net, SIZE, &p, 1, &exec, &err);
    float *x = g_new(float, 3 * AREA);
    int32_t *mask = g_new(int32_t, AREA);
    LimScene scene;
    lim_scenes_draw(scenes, 0, x, mask, &scene);
    lim_dag_begin(d, 0, x, mask, &scene, &exec, &err);
    while (lim_dag_step(d, &exec, &err) == LIM_STEP_MORE)
        continue;
    g_assert_cmpstr(err.text, ==, "");
    const LimDagResult r = lim_dag_result(d);
    g_assert_cmpint(r.targets, >=, 50);
    g_assert_cmpint(r.active, <=, r.targets / 10);
    g_assert_cmpfloat(r.perceptible, <, 0.012);
    lim_dag_free(d);
    lim_scenes_free(scenes);
    lim_scene_net_free(net);
    g_free(x);
    g_free(mask);
    g_free(path);
}

/* How many of the pictures that are rightly classified have a gradient of the cross-entropy of
 * softmax(scale Z) that is 0 in every pixel? */
static int
without_gradient(const char *name, double scale, int *n_right)
{
    const LimExec exec = {.kernels = lim_kernels_best()};
    LimError err = LIM_ERROR_INIT;
    char *path = shipped(name);
    LimModelFile *f = lim_modelfile_open(path, &err);
    g_assert_cmpstr(err.text, ==, "");
    LimClassifierParams p;
    lim_modelfile_params(f, "classifier", lim_classifier_schema, &p, &err);
    LimStore *s = lim_store_new(0);
    lim_store_source(s, f->st);
    LimGraph *g = lim_graph_new();
    LimBuild b;
    lim_build_init(&b, g, s, LIM_MODE_EVAL);
    LimVal x =
        lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE4(N, 1, LIM_CLASSIFIER_SIZE, LIM_CLASSIFIER_SIZE));
    LimVal label = lim_graph_feed(g, "label", LIM_I32, LIM_SHAPE1(N));
    LimVal z = lim_classifier(&b, &p, x, NULL), dx;
    LimVal loss = lim_sum(g, lim_cross_entropy(g, lim_affine(g, z, scale, 0), label));
    lim_graph_grad(g, loss, LIM_NOVAL, &x, &dx, 1);
    LimPlan *plan = lim_plan_new(g, (LimVal[]){dx, z}, 2, 0, &exec, &err);
    g_assert_cmpstr(err.text, ==, "");
    lim_store_source(s, NULL);
    lim_plan_bind(plan, x, pictures);
    lim_plan_bind(plan, label, labels);
    g_assert_cmpint(lim_plan_run(plan, &exec, &err), ==, LIM_OK);
    const float *slope = lim_plan_f32(plan, dx), *logits = lim_plan_f32(plan, z);
    int none = 0;
    *n_right = 0;
    for (int i = 0; i < N; i++) {
        if (!right(logits + i * CLASSES, labels[i]))
            continue;
        ++*n_right;
        bool any = false;
        for (int k = 0; k < PIXELS; k++)
            any |= slope[i * PIXELS + k] != 0;
        none += !any;
    }
    lim_plan_free(plan);
    lim_store_free(s);
    lim_modelfile_free(f);
    g_free(path);
    return none;
}

static void
test_distilled(void)
{
    LimError err = LIM_ERROR_INIT;
    char *path = shipped("fashion-distilled.safetensors");
    char *teacher_path = shipped("fashion-teacher.safetensors");
    LimModelFile *f = lim_modelfile_open(path, &err);
    LimPredictor *teacher = lim_predictor_load(teacher_path, &err);
    g_assert_cmpstr(err.text, ==, "");
    json_t *made = json_loads(f->training, 0, NULL);
    const double temperature = json_number_value(json_object_get(made, "temperature"));
    char *hash = g_strdup_printf("%016" G_GINT64_MODIFIER "x", lim_predictor_hash(teacher));
    g_assert_cmpstr(json_string_value(json_object_get(made, "teacher_hash")), ==, hash);
    g_assert_cmpfloat(temperature, >=, 20);
    g_free(hash);
    json_decref(made);
    lim_predictor_free(teacher);
    lim_modelfile_free(f);
    g_free(teacher_path);
    g_free(path);

    int n;
    g_assert_cmpint(without_gradient("fashion-plain.safetensors", 1, &n), ==, 0);
    g_assert_cmpint(n, >=, 82);
    g_assert_cmpint(without_gradient("fashion-distilled.safetensors", 1, &n), >=, n / 2);
    g_assert_cmpint(n, >=, 82);
    g_assert_cmpint(without_gradient("fashion-distilled.safetensors", 1 / temperature, &n), ==, 0);
}

int
main(int argc, char **argv)
{
    static const char *const names[] = {"fashion-classifier.safetensors",
                                        "fashion-plain.safetensors", "fashion-vgg.safetensors",
                                        "fashion-teacher.safetensors",
                                        "fashion-distilled.safetensors"};
    static const char *const guided[] = {"fashion-denoiser-lgd.safetensors",
                                         "fashion-denoiser-fgd.safetensors",
                                         "fashion-denoiser-lgd-0-6.safetensors"};
    static const char *const scene_nets[] = {"scenes-segmenter-vgg.safetensors",
                                             "scenes-segmenter-residual.safetensors",
                                             "scenes-detector-vgg.safetensors",
                                             "scenes-detector-residual.safetensors"};
    g_test_init(&argc, &argv, NULL);
    read_pictures();
    for (size_t i = 0; i < G_N_ELEMENTS(guided); i++) {
        char *path = g_strdup_printf("/shipped/%s", guided[i]);
        g_test_add_data_func(path, guided[i], test_denoises);
        g_free(path);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        char *path = g_strdup_printf("/shipped/%s", names[i]);
        g_test_add_data_func(path, names[i], test_knows);
        g_free(path);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(scene_nets); i++) {
        char *path = g_strdup_printf("/shipped/%s", scene_nets[i]);
        g_test_add_data_func(path, scene_nets[i], test_scene_net);
        g_free(path);
    }
    g_test_add_func("/shipped/distilled", test_distilled);
    return g_test_run();
}
