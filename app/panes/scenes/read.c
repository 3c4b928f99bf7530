/* The command is read as limen-cli reads it: by the schemas. */
#include "panes/scenes/read.h"

#include "attacks/dag-fusion.h"
#include "attacks/dag-sheet.h"
#include "data/scene-own.h"
#include "tensor/png.h"

#include <stdlib.h>
#include <string.h>

#define COMMAND "limen-cli attack dag "

/* --name or --no-name of a switch. */
static gboolean
read_switch(const LimParamSpec *schema, void *params, const char *name)
{
    const gboolean no = g_str_has_prefix(name, "no-");
    const LimParamSpec *spec = lim_params_find(schema, no ? name + strlen("no-") : name);

    return spec && spec->kind == LIM_BOOL &&
           lim_params_set(schema, params, spec->name, no ? "false" : "true", NULL) == LIM_OK;
}

/* What is read before it is known what it means. */
typedef struct {
    LimDagFusion fusion;
    int net[LIM_DAG_JUDGES], n; /* --net, and further ones; -1: none of the view's */
    char *wanted;
} Words;

static int
find_net(const char *path)
{
    g_autofree char *file = g_path_get_basename(path);

    for (int i = 0; i < LIM_SCENES_NETS; i++)
        if (g_str_equal(file, lim_scenes_net_file(i)))
            return i;
    return -1;
}

static gboolean
read_value(LimScenesReadTask *self, const char *name, const char *value, Words *words)
{
    if (lim_params_find(lim_dag_schema, name))
        return lim_params_set(lim_dag_schema, &self->dag, name, value, NULL) == LIM_OK;
    if (lim_params_find(lim_scene_schema, name))
        return lim_params_set(lim_scene_schema, &self->scenes, name, value, NULL) == LIM_OK;
    if (g_str_equal(name, "scene") || g_str_equal(name, "seed"))
        return lim_params_set(lim_scenes_setup_schema, &self->setup, name, value, NULL) == LIM_OK;
    if (g_str_equal(name, "weights"))
        return lim_params_set(lim_dag_fusion_schema, &words->fusion, name, value, NULL) == LIM_OK;
    if (g_str_equal(name, "net")) {
        words->net[0] = find_net(value);
        self->setup.net = MAX(words->net[0], 0);
    } else if (g_str_equal(name, "input"))
        self->own = g_strdup(value);
    else if (g_str_equal(name, "wanted"))
        words->wanted = g_strdup(value);
    return TRUE; /* what changes nothing about the attack */
}

/* The painting: where the command says, or beside the picture, with which it may have moved. */
static void
read_painting(LimScenesReadTask *self, const char *wanted)
{
    g_autofree char *folder = g_path_get_dirname(self->path);
    g_autofree char *name = g_path_get_basename(wanted);
    g_autofree char *beside = g_build_filename(folder, name, NULL);

    self->wanted_size = self->scenes.size;
    self->wanted = g_new0(int32_t, self->wanted_size * self->wanted_size);
    if (lim_scene_read_mask(wanted, self->wanted_size, 256, self->wanted, NULL) == LIM_OK ||
        lim_scene_read_mask(beside, self->wanted_size, 256, self->wanted, NULL) == LIM_OK)
        return;
    self->wanted_size = 0;
    self->gone = g_steal_pointer(&name);
}

/* Weights in the order of the command become those of the view's networks; others have none. */
static gboolean
read_weights(LimScenesReadTask *self, const Words *words)
{
    double weight[LIM_DAG_JUDGES];

    self->permuted = words->fusion.permuted;
    self->fused = words->n > 1 || self->permuted || *words->fusion.weights;
    if (lim_dag_weights(words->fusion.weights, words->n, weight, NULL) != LIM_OK)
        return FALSE;
    for (int i = 0; i < words->n; i++)
        if (words->net[i] >= 0)
            self->weight[words->net[i]] = weight[i];
    return TRUE;
}

static gboolean
read_words(LimScenesReadTask *self, char **at, Words *words)
{
    for (; *at; at++) {
        const char *name = *at + 2;
        if (!g_str_has_prefix(*at, "--")) {
            if (words->n == LIM_DAG_JUDGES)
                return FALSE;
            words->net[words->n++] = find_net(*at);
            continue;
        }
        if (read_switch(lim_dag_schema, &self->dag, name) ||
            read_switch(lim_dag_fusion_schema, &words->fusion, name))
            continue;
        if (!at[1] || !read_value(self, name, at[1], words))
            return FALSE;
        at++;
    }
    return TRUE;
}

static gboolean
parse(LimScenesReadTask *self, const char *command)
{
    g_auto(GStrv) argv = NULL;
    Words words = {.net = {-1}, .n = 1};

    if (!g_str_has_prefix(command, COMMAND) ||
        !g_shell_parse_argv(command + strlen(COMMAND), NULL, &argv, NULL))
        return FALSE;
    lim_params_init(lim_scenes_setup_schema, &self->setup);
    lim_params_init(lim_scene_schema, &self->scenes);
    lim_params_init(lim_dag_schema, &self->dag);
    lim_params_init(lim_dag_fusion_schema, &words.fusion);
    const gboolean known = read_words(self, argv, &words) && read_weights(self, &words);
    g_autofree char *wanted = words.wanted;
    if (known && wanted)
        read_painting(self, wanted);
    return known;
}

static LimStep
read_step(LimTask *t, const LimExec *exec, LimProgress *progress, LimError *err)
{
    LimScenesReadTask *self = (LimScenesReadTask *)t;
    LimPng *png = lim_png_read(self->path, 0, err);

    if (!png)
        return LIM_STEP_FAILED;
    const char *command = lim_png_text(png, "limen");
    self->settings = command && parse(self, command);
    lim_png_free(png);
    return LIM_STEP_DONE;
}

static void
read_free(LimTask *t)
{
    LimScenesReadTask *self = (LimScenesReadTask *)t;

    g_free(self->path);
    g_free(self->own);
    g_free(self->wanted);
    g_free(self->gone);
    g_free(self);
}

LimTask *
lim_scenes_read_task_new(const char *path)
{
    static const LimTaskClass klass = {"read scene", read_step, NULL, read_free};
    LimScenesReadTask *self = g_new0(LimScenesReadTask, 1);

    self->base.klass = &klass;
    self->path = g_strdup(path);
    return &self->base;
}
