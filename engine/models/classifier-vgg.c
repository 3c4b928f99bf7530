/* Pairs of padded 3x3 convolutions with batch norm, a 2x2 max pool after each pair, channels
 * doubling, one hidden layer with dropout (Simonyan and Zisserman 2015, scaled to 32x32 pictures as
 * is usual; batch norm came to these networks later). No path around a layer, unlike the residual
 * family, and no large filters or missing padding, unlike the plain one.
 */
#include "models/classifier-private.h"

#include <stdio.h>

static const LimInit he = {LIM_INIT_HE, 1};

static LimVal
build(LimBuild *b, const LimClassifierParams *p, LimVal x, LimClassifierTaps *taps)
{
    LimGraph *g = b->g;
    LimVal h = x;
    for (int i = 0; i < 6; i++) {
        char conv[16], bn[16];
        snprintf(conv, sizeof conv, "conv%d", i + 1);
        snprintf(bn, sizeof bn, "bn%d", i + 1);
        h = lim_layer_conv(
            b, conv, h,
            (LimConvLayer){.out = p->width << i / 2, .kernel = 3, .pad = 1, .init = he});
        h = lim_layer_batch_norm(b, bn, h, true);
        taps->map = lim_classifier_tap(taps, h, "%s", conv);
        if (i % 2)
            h = lim_max_pool2(g, h);
    }
    const LimShape s = lim_graph_shape(g, h);
    h = lim_reshape(g, h, LIM_SHAPE2(s.d[0], s.d[1] * s.d[2] * s.d[3]));
    h = lim_relu(g, lim_layer_linear(b, "fc", h, p->hidden, true, false, he), 0);
    return lim_layer_dropout(b, lim_classifier_tap(taps, h, "fc"), 0.5);
}

static int
features(const LimClassifierParams *p)
{
    return p->hidden;
}

const LimClassifierFamily lim_classifier_vgg = {build, features};
