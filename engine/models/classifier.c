/* Stem, three residual stages (He et al. 2016) with a 2x2 max pool between them, global average
 * pool, linear. Pooling instead of strided convolutions keeps every 3x3 at stride 1, the fast case.
 */
#include "models/classifier.h"

const LimParamSpec lim_classifier_schema[] = {
    {.name = "channels",
     .label = "Colour channels",
     .help = "1 for grey pictures, 3 for RGB.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(LimClassifierParams, channels),
     .min = 1,
     .max = 3,
     .def = 1},
    {.name = "classes",
     .label = "Classes",
     .help = "Number of classes.",
     .unit = "",
     .kind = LIM_INT,
     .offset = offsetof(LimClassifierParams, classes),
     .min = 2,
     .max = 1000,
     .def = 10},
    {.name = "width",
     .label = "Width",
     .help = "Channels of the first stage; the second and third have twice and four times as many.",
     .unit = "channels",
     .kind = LIM_INT,
     .offset = offsetof(LimClassifierParams, width),
     .min = 4,
     .max = 256,
     .def = 32},
    {0}};

static const LimInit he = {LIM_INIT_HE, 1};

static LimVal
conv(LimBuild *b, const char *name, LimVal x, int out, int kernel)
{
    return lim_layer_conv(
        b, name, x, (LimConvLayer){.out = out, .kernel = kernel, .pad = kernel / 2, .init = he});
}

/* relu(BN(conv(relu(BN(conv(x))))) + shortcut) */
static LimVal
residual_block(LimBuild *b, LimVal x, int out)
{
    LimGraph *g = b->g;
    LimVal h = lim_layer_batch_norm(b, "bn1", conv(b, "conv1", x, out, 3), true);
    h = lim_layer_batch_norm(b, "bn2", conv(b, "conv2", h, out, 3), false);
    LimVal shortcut = x;
    if (lim_graph_shape(g, x).d[1] != out)
        shortcut = lim_layer_batch_norm(b, "bn_sc", conv(b, "conv_sc", x, out, 1), false);
    return lim_relu(g, lim_add(g, h, shortcut), 0);
}

LimVal
lim_classifier(LimBuild *b, const LimClassifierParams *p, LimVal x, LimVal *features)
{
    LimGraph *g = b->g;
    b->bn_eps = 1e-5;
    LimVal h = lim_layer_batch_norm(b, "bn", conv(b, "conv", x, p->width, 3), true);
    for (int i = 0; i < 3; i++) {
        h = lim_max_pool2(g, h);
        const int at = lim_build_push(b, "blocks.%d", i);
        h = residual_block(b, h, p->width << i);
        lim_build_pop(b, at);
    }
    h = lim_spatial_mean(g, h);
    if (features)
        *features = h;
    return lim_layer_linear(b, "linear", h, p->classes, true, false, (LimInit){LIM_INIT_XAVIER, 1});
}
