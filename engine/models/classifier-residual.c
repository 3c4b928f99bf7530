/* Stem, three residual stages (He et al. 2016) with a 2x2 max pool between them, global average
 * pool. Pooling instead of strided convolutions keeps every 3x3 at stride 1, the fast case.
 */
#include "models/classifier-private.h"

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

static LimVal
build(LimBuild *b, const LimClassifierParams *p, LimVal x, LimClassifierTaps *taps)
{
    LimGraph *g = b->g;
    LimVal h = lim_layer_batch_norm(b, "bn", conv(b, "conv", x, p->width, 3), true);
    lim_classifier_tap(taps, h, "conv");
    for (int i = 0; i < 3; i++) {
        h = lim_max_pool2(g, h);
        const int at = lim_build_push(b, "blocks.%d", i);
        h = residual_block(b, h, p->width << i);
        lim_build_pop(b, at);
        taps->map = lim_classifier_tap(taps, h, "blocks.%d", i);
    }
    return lim_spatial_mean(g, h);
}

static int
features(const LimClassifierParams *p)
{
    return 4 * p->width;
}

const LimClassifierFamily lim_classifier_residual = {build, features};
