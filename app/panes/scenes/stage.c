/* Networks and scenes of the Scenes view. */
#include "panes/scenes/stage.h"

#include "data/scene-own.h"
#include "metrics/scenes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name, *file, *task, *backbone;
    LimSceneNetKind kind;
} nets[LIM_SCENES_NETS] = {
    {"Segmenter VGG", "scenes-segmenter-vgg.safetensors", "segmenter", "vgg", LIM_SCENE_SEGMENTER},
    {"Segmenter ResNet", "scenes-segmenter-residual.safetensors", "segmenter", "residual",
     LIM_SCENE_SEGMENTER},
    {"Detector VGG", "scenes-detector-vgg.safetensors", "detector", "vgg", LIM_SCENE_DETECTOR},
    {"Detector ResNet", "scenes-detector-residual.safetensors", "detector", "residual",
     LIM_SCENE_DETECTOR},
};

const char *
lim_scenes_net_name(int i)
{
    return nets[i].name;
}

const char *
lim_scenes_net_file(int i)
{
    return nets[i].file;
}

gboolean
lim_scenes_net_segments(int i)
{
    return nets[i].kind == LIM_SCENE_SEGMENTER;
}

char *
lim_scenes_net_dup_command(int i, const char *path)
{
    g_autofree char *quoted = g_shell_quote(path);

    return g_strdup_printf("limen-cli train %s --backbone %s --out %s", nets[i].task,
                           nets[i].backbone, quoted);
}

/* ---- bench ---- */

struct LimScenesBench {
    gint refs;
    char *samples, *path[LIM_SCENES_NETS];
    LimSceneNet *net[LIM_SCENES_NETS];
    int size; /* that the following are for */
    LimSegmenter *segmenter[LIM_SCENES_NETS];
    LimDetector *detector[LIM_SCENES_NETS];
    LimScenes *scenes;
    LimSceneSettings settings; /* of scenes */
    gboolean sampled;
};

LimScenesBench *
lim_scenes_bench_new(const char *models, const char *samples)
{
    LimScenesBench *b = g_new0(LimScenesBench, 1);

    b->refs = 1;
    b->samples = g_strdup(samples);
    for (int i = 0; i < LIM_SCENES_NETS; i++)
        b->path[i] = g_build_filename(models, nets[i].file, NULL);
    return b;
}

LimScenesBench *
lim_scenes_bench_ref(LimScenesBench *b)
{
    g_atomic_int_inc(&b->refs);
    return b;
}

static void
drop_judges(LimScenesBench *b)
{
    for (int i = 0; i < LIM_SCENES_NETS; i++) {
        g_clear_pointer(&b->segmenter[i], lim_segmenter_free);
        g_clear_pointer(&b->detector[i], lim_detector_free);
    }
}

void
lim_scenes_bench_unref(LimScenesBench *b)
{
    if (!b || !g_atomic_int_dec_and_test(&b->refs))
        return;
    drop_judges(b);
    for (int i = 0; i < LIM_SCENES_NETS; i++) {
        lim_scene_net_free(b->net[i]);
        g_free(b->path[i]);
    }
    lim_scenes_free(b->scenes);
    g_free(b->samples);
    g_free(b);
}

const char *
lim_scenes_bench_path(const LimScenesBench *b, int i)
{
    return b->path[i];
}

LimSceneNet *
lim_scenes_bench_net(LimScenesBench *b, int i, LimError *err)
{
    if (b->net[i])
        return b->net[i];
    if (access(b->path[i], R_OK) != 0) {
        g_autofree char *command = lim_scenes_net_dup_command(i, b->path[i]);
        lim_fail(err, LIM_E_IO, "%s is not there; train it with %s", nets[i].file, command);
        return NULL;
    }
    b->net[i] = lim_scene_net_load(b->path[i], err);
    if (b->net[i] && b->net[i]->kind != nets[i].kind) {
        lim_fail(err, LIM_E_FORMAT, "%s holds a %s; train it again", b->path[i],
                 lim_scene_net_kinds[b->net[i]->kind]);
        g_clear_pointer(&b->net[i], lim_scene_net_free);
    }
    return b->net[i];
}

static LimScenes *
open_scenes(LimScenesBench *b, const LimSceneSettings *s, LimError *err)
{
    LimError none = LIM_ERROR_INIT;

    if (b->scenes && memcmp(&b->settings, s, sizeof *s) == 0)
        return b->scenes;
    LimScenes *scenes = lim_scenes_open(s, NULL, LIM_SCENE_TEST, &none);
    const gboolean sampled = !scenes;
    if (!scenes)
        scenes = lim_scenes_open(s, b->samples, LIM_SCENE_TEST, err);
    if (!scenes)
        return NULL;
    lim_scenes_free(b->scenes);
    b->scenes = scenes;
    b->settings = *s;
    b->sampled = sampled;
    return scenes;
}

/* ---- stages ---- */

gboolean
lim_scenes_place_equal(const LimScenesPlace *a, const LimScenesPlace *b)
{
    return memcmp(&a->scenes, &b->scenes, sizeof a->scenes) == 0 && a->number == b->number &&
           g_strcmp0(a->own, b->own) == 0;
}

void
lim_seen_clear(LimSeen *s)
{
    g_clear_pointer(&s->label, g_free);
}

LimScenesStage *
lim_scenes_stage_ref(LimScenesStage *s)
{
    g_atomic_int_inc(&s->refs);
    return s;
}

void
lim_scenes_stage_unref(LimScenesStage *s)
{
    if (!s || !g_atomic_int_dec_and_test(&s->refs))
        return;
    for (int i = 0; i < LIM_SCENES_NETS; i++) {
        g_free(s->mask[i]);
        g_free(s->why[i]);
        lim_seen_clear(&s->clean[i]);
    }
    g_free(s->x);
    g_free(s->names);
    g_free(s->place.own);
    lim_scenes_bench_unref(s->bench);
    g_free(s);
}

LimScenesStage *
lim_scenes_stage_new(LimScenesBench *b, const LimScenesPlace *place, LimError *err)
{
    LimScenes *scenes = open_scenes(b, &place->scenes, err);

    if (!scenes)
        return NULL;
    LimScenesStage *s = g_new0(LimScenesStage, 1);
    s->refs = 1;
    s->bench = lim_scenes_bench_ref(b);
    s->place = *place;
    s->place.own = g_strdup(place->own);
    s->size = lim_scenes_size(scenes);
    s->area = s->size * s->size;
    s->classes = lim_scenes_classes(scenes);
    s->names = g_malloc0((gsize)s->classes * sizeof *s->names);
    for (int k = 0; k < s->classes; k++)
        g_strlcpy(s->names[k], lim_scenes_class_name(scenes, k), sizeof *s->names);
    s->sampled = b->sampled;
    s->truth = !place->own;
    s->x = g_new0(float, 3 * s->area);
    for (int i = 0; i < LIM_SCENES_NETS; i++)
        s->mask[i] = g_new0(int32_t, s->area);
    if (s->truth)
        lim_scenes_draw(scenes, (uint64_t)place->number, s->x, s->mask[0], &s->scene[0]);
    else if (lim_scene_read(place->own, s->size, s->x, err) != LIM_OK) {
        lim_scenes_stage_unref(s);
        return NULL;
    }
    for (int i = 1; i < LIM_SCENES_NETS; i++) {
        memcpy(s->mask[i], s->mask[0], (gsize)s->area * sizeof *s->mask[0]);
        s->scene[i] = s->scene[0];
    }
    return s;
}

const LimDataset *
lim_scenes_stage_naming(const LimScenesStage *s, LimError *err)
{
    const LimScenes *scenes = open_scenes(s->bench, &s->place.scenes, err);

    return scenes ? lim_scenes_naming(scenes) : NULL;
}

static void
score(const LimScenesStage *s, int i, LimSeen *seen)
{
    if (nets[i].kind == LIM_SCENE_SEGMENTER) {
        LimIou iou;
        lim_iou_init(&iou, s->classes);
        lim_iou_add(&iou, s->mask[i], seen->label, s->area);
        seen->score = lim_iou_mean(&iou);
        lim_iou_clear(&iou);
    } else {
        LimBoxes boxes;
        lim_boxes_init(&boxes, 1);
        lim_boxes_add(&boxes, 0, seen->found, seen->n, &s->scene[i]);
        seen->score = lim_boxes_map(&boxes, s->classes, LIM_AP_ALL_POINTS);
        lim_boxes_clear(&boxes);
    }
}

/* Network i, ready for pictures of the stage's size. */
static gboolean
prepare(const LimScenesStage *s, int i, const LimExec *exec, LimError *err)
{
    LimScenesBench *b = s->bench;
    LimSceneNet *net = lim_scenes_bench_net(b, i, err);

    if (!net)
        return FALSE;
    if (net->params.classes != s->classes) {
        lim_fail(err, LIM_E_PARAM, "%s knows %d classes, the scenes have %d; train it again",
                 nets[i].file, net->params.classes, s->classes);
        return FALSE;
    }
    if (b->size != s->size)
        drop_judges(b);
    b->size = s->size;
    if (net->kind == LIM_SCENE_SEGMENTER && !b->segmenter[i])
        b->segmenter[i] = lim_segmenter_new(net, s->size, exec, err);
    if (net->kind == LIM_SCENE_DETECTOR && !b->detector[i])
        b->detector[i] = lim_detector_new(net, s->size, exec, err);
    return b->segmenter[i] || b->detector[i];
}

static LimStatus
ask(const LimScenesStage *s, int i, const float *y, const LimExec *exec, LimSeen *seen,
    LimError *err)
{
    LimStatus status;

    if (s->bench->segmenter[i]) {
        if (!seen->label)
            seen->label = g_new0(int32_t, s->area);
        status = lim_segmenter_run(s->bench->segmenter[i], exec, y, seen->label, err);
    } else {
        status = lim_detector_run(s->bench->detector[i], exec, y, seen->found, &seen->n, err);
    }
    seen->there = status == LIM_OK;
    seen->score = (double)NAN;
    return status;
}

LimStatus
lim_scenes_see(const LimScenesStage *s, int i, const float *y, const LimExec *exec, LimSeen *seen,
               LimError *err)
{
    if (s->why[i])
        return LIM_OK;
    if (!prepare(s, i, exec, err))
        return err->code;
    const LimStatus status = ask(s, i, y, exec, seen, err);
    if (status == LIM_OK)
        score(s, i, seen);
    return status;
}

/* What the network sees in its own picture becomes the truth that there is none of. */
static void
adopt(LimScenesStage *s, int i)
{
    const LimSeen *seen = &s->clean[i];
    LimScene *scene = &s->scene[i];

    if (seen->label) {
        memcpy(s->mask[i], seen->label, (gsize)s->area * sizeof *seen->label);
        lim_scene_of_mask(s->mask[i], s->size, scene);
        return;
    }
    lim_scene_of_boxes(seen->found, seen->n, scene);
}

LimStatus
lim_scenes_stage_look(LimScenesStage *s, int i, const LimExec *exec, LimError *err)
{
    LimError own = LIM_ERROR_INIT;

    if (!prepare(s, i, exec, &own)) {
        s->why[i] = g_strdup(own.text);
        return LIM_OK;
    }
    const LimStatus status = ask(s, i, s->x, exec, &s->clean[i], err);
    if (status != LIM_OK)
        return status;
    if (!s->truth)
        adopt(s, i);
    score(s, i, &s->clean[i]);
    return LIM_OK;
}
