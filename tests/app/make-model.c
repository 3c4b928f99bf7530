#include "make-model.h"

#include "metrics/features.h"
#include "models/biggan.h"
#include "models/classifier.h"
#include "models/detector.h"
#include "models/modelfile.h"
#include "models/segmenter.h"

#include <stdio.h>

LimStatus
test_make_model(const char *path, int g_ch, LimError *err)
{
    static const char *const names[] = {"Ankle boot", "Bag", "Coat"};
    LimBigganParams params;
    LimBuild build;

    lim_params_init(lim_biggan_schema, &params);
    params.channels = 1;
    params.classes = 3;
    params.g_ch = g_ch;
    LimStore *store = lim_store_new(5);
    LimGraph *graph = lim_graph_new();
    lim_build_init(&build, graph, store, LIM_MODE_EVAL);
    LimVal z = lim_graph_feed(graph, "z", LIM_F32, LIM_SHAPE2(1, params.latent));
    LimVal label = lim_graph_feed(graph, "label", LIM_I32, LIM_SHAPE1(1));
    lim_biggan_generator(&build, &params, z, label, NULL);
    LimStatus status = lim_graph_status(graph, err);
    if (status == LIM_OK) {
        LimModelInfo info = {.model = "biggan-generator",
                             .schema = lim_biggan_schema,
                             .params = &params,
                             .classes = 3,
                             .class_names = names};
        status = lim_modelfile_save(path, &info, store, true, err);
    }
    lim_graph_free(graph);
    lim_store_free(store);
    return status;
}

static LimStatus
make_features(const char *classifier_path, const char *path, LimError *err)
{
    LimPredictor *predictor = lim_predictor_load(classifier_path, err);

    if (!predictor)
        return err->code;
    LimFeatures *f = lim_features_new(90, lim_predictor_features(predictor), 3);
    snprintf(f->name, sizeof f->name, "invented");
    snprintf(f->split, sizeof f->split, "test");
    for (int i = 0; i < f->n; i++) {
        f->label[i] = i % 3;
        for (int k = 0; k < f->size; k++)
            f->x[i * f->size + k] = (float)((7 * i * i + 5 * k * i + 3 * k) % 101) / 101;
    }
    LimStatus status = lim_features_save(f, predictor, "test", path, err);
    lim_features_free(f);
    lim_predictor_free(predictor);
    return status;
}

LimStatus
test_make_judge(const char *classifier_path, const char *features_path, LimError *err)
{
    static const char *const names[] = {"Ankle boot", "Bag", "Coat"};
    LimClassifierParams params;
    LimBuild build;

    lim_params_init(lim_classifier_schema, &params);
    params.channels = 1;
    params.classes = 3;
    params.width = 8;
    LimStore *store = lim_store_new(6);
    LimGraph *graph = lim_graph_new();
    lim_build_init(&build, graph, store, LIM_MODE_EVAL);
    LimVal x = lim_graph_feed(graph, "x", LIM_F32,
                              LIM_SHAPE4(1, 1, LIM_CLASSIFIER_SIZE, LIM_CLASSIFIER_SIZE));
    lim_classifier(&build, &params, x, NULL);
    LimStatus status = lim_graph_status(graph, err);
    if (status == LIM_OK) {
        LimModelInfo info = {.model = "classifier",
                             .schema = lim_classifier_schema,
                             .params = &params,
                             .classes = 3,
                             .class_names = names};
        status = lim_modelfile_save(classifier_path, &info, store, true, err);
    }
    lim_graph_free(graph);
    lim_store_free(store);
    return status == LIM_OK ? make_features(classifier_path, features_path, err) : status;
}

LimStatus
test_make_scene_net(const char *path, int kind, int backbone, LimError *err)
{
    static const char *const names[] = {"background", "top",     "trousers", "dress",
                                        "sandal",     "sneaker", "bag",      "boot"};
    LimSceneNetParams params;
    LimBuild build;

    lim_params_init(lim_scene_net_schema, &params);
    params.backbone = backbone;
    params.width = 4;
    LimStore *store = lim_store_new((uint64_t)(7 + 2 * kind + backbone));
    LimGraph *graph = lim_graph_new();
    lim_build_init(&build, graph, store, LIM_MODE_EVAL);
    LimVal x = lim_graph_feed(graph, "x", LIM_F32, LIM_SHAPE4(1, 3, 16, 16));
    if (kind == LIM_SCENE_SEGMENTER) {
        lim_segmenter_network(&build, &params, x);
    } else {
        LimVal boxes = lim_graph_feed(graph, "boxes", LIM_F32, LIM_SHAPE2(1, 4)), scores, offsets;
        LimVal index = lim_graph_feed(graph, "index", LIM_I32, LIM_SHAPE1(1));
        LimVal features = lim_detector_features(&build, &params, x);
        lim_detector_proposer(&build, &params, features, &scores, &offsets);
        lim_detector_head(&build, &params, features, boxes, index, &scores, &offsets);
    }
    LimStatus status = lim_graph_status(graph, err);
    if (status == LIM_OK) {
        LimModelInfo info = {.model = lim_scene_net_kinds[kind],
                             .schema = lim_scene_net_schema,
                             .params = &params,
                             .classes = 8,
                             .class_names = names};
        status = lim_modelfile_save(path, &info, store, false, err);
    }
    lim_graph_free(graph);
    lim_store_free(store);
    return status;
}
