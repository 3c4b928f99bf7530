/* The trainer of segmenters and detectors on tiny networks: it lowers the losses, goes on from any
 * checkpoint to the same bytes with any number of threads, and refuses what does not belong
 * together. */
#include "train/scenes.h"
#include "models/segmenter.h"
#include "toy.h"

#include <glib/gstdio.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static LimDataset *source;

static LimSceneTraining
settings(int backbone)
{
    LimSceneTraining p;
    lim_params_init(lim_scene_training_schema, &p);
    lim_params_init(lim_scene_net_schema, &p.model);
    lim_params_init(lim_scene_schema, &p.scenes);
    p.scenes.size = 48;
    p.model.backbone = backbone;
    p.model.classes = 4;
    p.model.width = 2;
    p.steps = 6;
    p.batch = 3;
    p.noise = 4;
    p.checkpoint_every = 0;
    return p;
}

static LimTask *
trainer(LimSceneNetKind kind, const LimSceneTraining *p, const LimScenes *scenes, const char *path,
        GPtrArray *lines, const LimExec *exec)
{
    LimError err = LIM_ERROR_INIT;
    LimTask *t = lim_scene_trainer_new(kind, p, scenes, path, toy_log(lines), exec, &err);
    g_assert_cmpstr(err.text, ==, "");
    return t;
}

static void
run(LimTask *t, int steps, const LimExec *exec)
{
    for (int i = 0; i < steps; i++) {
        LimError err = LIM_ERROR_INIT;
        LimProgress progress;
        g_assert_cmpint(lim_task_step(t, exec, &progress, &err), !=, LIM_STEP_FAILED);
        g_assert_cmpstr(err.text, ==, "");
    }
}

static LimScenes *
scenes_of(const LimSceneTraining *p)
{
    LimError err = LIM_ERROR_INIT;
    LimScenes *s = lim_scenes_new(&p->scenes, source, LIM_SCENE_TRAIN, &err);
    g_assert_cmpstr(err.text, ==, "");
    return s;
}

/* Six steps at once, and three, a checkpoint, and three with two threads: one file. */
static void
test_resume(gconstpointer data)
{
    const LimSceneNetKind kind = (LimSceneNetKind)GPOINTER_TO_INT(data);
    LimPool *pool = lim_pool_new(2);
    const LimExec one = {.kernels = lim_kernels_best()},
                  two = {.kernels = lim_kernels_best(), .pool = pool};
    const LimSceneTraining p = settings(LIM_BACKBONE_RESIDUAL);
    LimScenes *scenes = scenes_of(&p);
    char *path = toy_path(lim_scene_net_kinds[kind]),
         *model[2] = {toy_path("whole"), toy_path("resumed")};
    LimError err = LIM_ERROR_INIT;
    for (int k = 0; k < 2; k++) {
        LimTask *t = trainer(kind, &p, scenes, k ? path : NULL, NULL, &one);
        if (k) {
            run(t, 3, &one);
            g_assert_cmpint(lim_supervised_checkpoint(t, &err), ==, LIM_OK);
            run(t, 2, &one); /* in vain */
            lim_task_free(t);
            t = trainer(kind, &p, scenes, path, NULL, &two);
            g_assert_cmpint(lim_supervised_steps(t), ==, 3);
            run(t, 3, &two);
        } else {
            run(t, 6, &one);
        }
        g_assert_cmpint(lim_task_step(t, k ? &two : &one, NULL, &err), ==, LIM_STEP_DONE);
        g_assert_cmpint(lim_scene_trainer_save(t, model[k], "a test", json_pack("{s:f}", "m", 0.5),
                                               &err),
                        ==, LIM_OK);
        lim_task_free(t);
    }
    toy_assert_same_file(model[0], model[1]);
    LimSceneNet *net = lim_scene_net_load(model[1], &err);
    g_assert_cmpstr(err.text, ==, "");
    g_assert_cmpint(net->kind, ==, kind);
    /* a training that begins with it has its weights, and refuses another network's */
    LimSceneTraining next = p;
    next.noise = 8;
    g_strlcpy(next.from, model[1], sizeof next.from);
    LimTask *t = trainer(kind, &next, scenes, NULL, NULL, &one);
    LimStore *store = lim_supervised_store(t);
    for (int i = 0; i < lim_store_count(store); i++) {
        const int at = lim_store_find(net->store, lim_store_name(store, i));
        g_assert_cmpint(at, >=, 0);
        g_assert_cmpmem(lim_store_data(store, i),
                        (gsize)lim_shape_size(lim_store_shape(store, i)) * sizeof(float),
                        lim_store_data(net->store, at),
                        (gsize)lim_shape_size(lim_store_shape(net->store, at)) * sizeof(float));
    }
    run(t, 1, &one);
    lim_task_free(t);
    next.model.width = 3;
    g_assert_null(lim_scene_trainer_new(kind, &next, scenes, NULL, toy_log(NULL), &one, &err));
    g_assert_nonnull(strstr(err.text, "--width"));
    err = (LimError)LIM_ERROR_INIT;
    g_strlcpy(next.from, "nowhere.safetensors", sizeof next.from);
    g_assert_null(lim_scene_trainer_new(kind, &next, scenes, NULL, toy_log(NULL), &one, &err));
    toy_assert_sentence(&err);
    err = (LimError)LIM_ERROR_INIT;
    g_assert_cmpstr(net->class_names[0], ==, "background");
    json_t *made = json_loads(net->training, 0, NULL);
    g_assert_cmpfloat(json_number_value(json_object_get(made, "m")), ==, 0.5);
    g_assert_cmpint(json_integer_value(json_object_get(made, "steps")), ==, 6);
    json_decref(made);
    lim_scene_net_free(net);
    /* other settings, of the training and of the scenes: refused by name */
    LimSceneTraining other = p;
    other.lr = 0.5;
    g_assert_null(lim_scene_trainer_new(kind, &other, scenes, path, toy_log(NULL), &one, &err));
    g_assert_nonnull(strstr(err.text, "lr"));
    err = (LimError)LIM_ERROR_INIT;
    other = p;
    other.scenes.most = 5;
    g_assert_null(lim_scene_trainer_new(kind, &other, scenes, path, toy_log(NULL), &one, &err));
    g_assert_nonnull(strstr(err.text, "most"));
    err = (LimError)LIM_ERROR_INIT;
    g_assert_null(
        lim_scene_trainer_new((LimSceneNetKind)!kind, &p, scenes, path, toy_log(NULL), &one, &err));
    toy_assert_sentence(&err);
    err = (LimError)LIM_ERROR_INIT;
    other = p;
    other.model.classes = 7;
    g_assert_null(lim_scene_trainer_new(kind, &other, scenes, NULL, toy_log(NULL), &one, &err));
    g_assert_nonnull(strstr(err.text, "classes"));
    for (int k = 0; k < 2; k++)
        g_free(model[k]);
    g_free(path);
    lim_scenes_free(scenes);
    lim_pool_free(pool);
}

static double
sum_of(const char *line)
{
    json_t *j = json_loads(line, 0, NULL), *value;
    const char *key;
    double sum = 0;
    json_object_foreach(j, key, value) if (g_str_has_prefix(key, "loss")) sum +=
        json_number_value(value);
    json_decref(j);
    return sum;
}

static void
test_learns(gconstpointer data)
{
    const LimSceneNetKind kind = (LimSceneNetKind)GPOINTER_TO_INT(data);
    const LimExec exec = {.kernels = lim_kernels_best()};
    for (int backbone = 0; backbone < 2; backbone++) {
        LimSceneTraining p = settings(backbone);
        p.model.width = 4;
        p.steps = 60;
        p.batch = 4;
        p.lr = 0.01;
        LimScenes *scenes = scenes_of(&p);
        GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
        LimTask *t = trainer(kind, &p, scenes, NULL, lines, &exec);
        run(t, 60, &exec);
        g_assert_cmpuint(lines->len, ==, 3);
        g_assert_cmpfloat(sum_of(lines->pdata[2]), <, 0.9 * sum_of(lines->pdata[0]));
        lim_task_free(t);
        g_ptr_array_unref(lines);
        lim_scenes_free(scenes);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    source = toy_dataset(60, 1, 28, 3, 5);
    for (int kind = 0; kind < 2; kind++) {
        g_autofree char *a = g_strdup_printf("/train/scenes/resume/%d", kind);
        g_autofree char *b = g_strdup_printf("/train/scenes/learns/%d", kind);
        g_test_add_data_func(a, GINT_TO_POINTER(kind), test_resume);
        g_test_add_data_func(b, GINT_TO_POINTER(kind), test_learns);
    }
    const int status = g_test_run();
    toy_clear();
    lim_dataset_free(source);
    return status;
}
