#include "make-model.h"

#include "models/biggan.h"
#include "models/modelfile.h"

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
