/* Backbones, and networks from files: building a network into a store reads its weights. */
#include "models/scene-net.h"

#include "models/detector.h"
#include "models/segmenter.h"

#include <stdlib.h>
#include <string.h>

static const char *const backbones[] = {"vgg", "residual", NULL};
const char *const lim_scene_net_kinds[] = {"segmenter", "detector"};

const LimParamSpec lim_scene_net_schema[] = {
    {.name = "backbone",
     .label = "Backbone",
     .help = "What turns the picture into features: pairs of convolutions (vgg), or residual "
             "blocks.",
     .unit = "",
     .kind = LIM_CHOICE,
     .offset = offsetof(LimSceneNetParams, backbone),
     .choices = backbones,
     .def = LIM_BACKBONE_VGG},
    {.name = "classes",
     .label = "Classes",
     .help = "Number of classes, the background among them.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(LimSceneNetParams, classes),
     .min = 2,
     .max = 200,
     .def = 8},
    {.name = "width",
     .label = "Width",
     .help = "Channels of the first stage; each later one has twice as many.",
     .unit = "channels",
     .kind = LIM_INT,
     .offset = offsetof(LimSceneNetParams, width),
     .min = 2,
     .max = 128,
     .def = 16},
    {0}};

/* ---- backbones --------------------------------------------------------------------------------
 */

static LimVal
unit(LimBuild *b, const char *conv, const char *bn, LimVal x, int out, int kernel, bool relu)
{
    x = lim_layer_conv(
        b, conv, x,
        (LimConvLayer){.out = out, .kernel = kernel, .pad = kernel / 2, .init = {LIM_INIT_HE, 1}});
    return lim_layer_batch_norm(b, bn, x, relu);
}

static LimVal
vgg_stage(LimBuild *b, int i, LimVal x, int out)
{
    x = unit(b, "conv1", "bn1", x, out, 3, true);
    return unit(b, "conv2", "bn2", x, out, 3, true);
}

static LimVal
residual_stage(LimBuild *b, int i, LimVal x, int out)
{
    LimVal h = unit(b, "conv1", "bn1", x, out, 3, true);
    if (i == 0)
        return h;
    h = unit(b, "conv2", "bn2", h, out, 3, false);
    return lim_relu(b->g, lim_add(b->g, h, unit(b, "conv_sc", "bn_sc", x, out, 1, false)), 0);
}

void
lim_backbone(LimBuild *b, const LimSceneNetParams *p, int pools, LimVal x,
             LimVal stage[LIM_BACKBONE_STAGES])
{
    b->bn_eps = 1e-5;
    for (int i = 0; i < LIM_BACKBONE_STAGES; i++) {
        if (i > 0 && i <= pools)
            x = lim_max_pool2(b->g, x);
        const int at = lim_build_push(b, "stages.%d", i);
        x = (p->backbone == LIM_BACKBONE_VGG ? vgg_stage : residual_stage)(b, i, x, p->width << i);
        stage[i] = x;
        lim_build_pop(b, at);
    }
}

/* ---- files ------------------------------------------------------------------------------------
 */

LimSceneNet *
lim_scene_net_new(LimSceneNetKind kind, const LimSceneNetParams *p, LimStore *store)
{
    LimSceneNet *n = lim_alloc(1, sizeof *n);
    n->kind = kind;
    n->params = *p;
    n->store = store;
    return n;
}

void
lim_scene_net_free(LimSceneNet *n)
{
    if (!n)
        return;
    lim_store_free(n->owned_store);
    free(n->class_names);
    free(n->training);
    free(n);
}

/* Builds the network once, for the smallest picture, so that the store reads the file. */
static LimStatus
read_weights(LimSceneNet *n, const LimModelFile *f, LimError *err)
{
    LimGraph *g = lim_graph_new();
    LimBuild b;
    lim_store_source(n->store, f->st);
    lim_build_init(&b, g, n->store, LIM_MODE_EVAL);
    LimVal x = lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE4(1, 3, 16, 16));
    if (n->kind == LIM_SCENE_SEGMENTER) {
        lim_segmenter_network(&b, &n->params, x);
    } else {
        LimVal boxes = lim_graph_feed(g, "boxes", LIM_F32, LIM_SHAPE2(1, 4)), scores, offsets;
        LimVal index = lim_graph_feed(g, "index", LIM_I32, LIM_SHAPE1(1));
        LimVal features = lim_detector_features(&b, &n->params, x);
        lim_detector_proposer(&b, &n->params, features, &scores, &offsets);
        lim_detector_head(&b, &n->params, features, boxes, index, &scores, &offsets);
    }
    lim_store_source(n->store, NULL);
    const LimStatus status = lim_graph_status(g, err);
    lim_graph_free(g);
    return status;
}

LimSceneNet *
lim_scene_net_load(const char *path, LimError *err)
{
    LimError local = LIM_ERROR_INIT;
    if (!err)
        err = &local;
    LimModelFile *f = lim_modelfile_open(path, err);
    if (!f)
        return NULL;
    LimSceneNet *n = NULL;
    const bool detector = strcmp(f->model, "detector") == 0;
    LimSceneNetParams p;
    if (!detector && strcmp(f->model, "segmenter") != 0)
        lim_fail(err, LIM_E_PARAM,
                 "%s holds a %s; give a file of `limen-cli train segmenter` or `train detector`",
                 path, f->model);
    else if (lim_modelfile_params(f, f->model, lim_scene_net_schema, &p, err) == LIM_OK) {
        if (f->classes != p.classes)
            lim_fail(err, LIM_E_FORMAT, "%s names %d classes and has %d; train it again", path,
                     f->classes, p.classes);
        LimStore *store = lim_store_new(0);
        n = lim_scene_net_new(detector ? LIM_SCENE_DETECTOR : LIM_SCENE_SEGMENTER, &p, store);
        n->owned_store = store;
        n->training = f->training;
        n->class_names = f->class_names;
        f->training = NULL;
        f->class_names = NULL;
        if (err->code != LIM_OK || read_weights(n, f, err) != LIM_OK) {
            lim_scene_net_free(n);
            n = NULL;
        }
    }
    lim_modelfile_free(f);
    return n;
}
