/* The network that attacks and defences were measured on (Carlini and Wagner 2017, table 1, and
 * Papernot et al. 2016 before them): 3x3 convolutions with bias and without padding, 32, 32, pool,
 * 64, 64, pool, two hidden layers of 200, ReLU everywhere, dropout of one half after the first
 * hidden layer. A picture of 28x28 in its frame of 32x32 arrives at the hidden layers as 64x5x5.
 */
#include "models/classifier-private.h"

#include <stdio.h>

static const LimInit he = {LIM_INIT_HE, 1};

static LimVal
hidden(LimBuild *b, const char *name, LimVal x, int units, LimClassifierTaps *taps)
{
    LimVal h = lim_relu(b->g, lim_layer_linear(b, name, x, units, true, false, he), 0);
    return lim_classifier_tap(taps, h, "%s", name);
}

static LimVal
build(LimBuild *b, const LimClassifierParams *p, LimVal x, LimClassifierTaps *taps)
{
    LimGraph *g = b->g;
    LimVal h = x;
    for (int i = 0; i < 4; i++) {
        char name[16];
        snprintf(name, sizeof name, "conv%d", i + 1);
        h = lim_layer_conv(
            b, name, h,
            (LimConvLayer){.out = p->width << i / 2, .kernel = 3, .bias = true, .init = he});
        h = lim_relu(g, h, 0);
        taps->map = lim_classifier_tap(taps, h, "%s", name);
        if (i % 2)
            h = lim_max_pool2(g, h);
    }
    const LimShape s = lim_graph_shape(g, h);
    h = lim_reshape(g, h, LIM_SHAPE2(s.d[0], s.d[1] * s.d[2] * s.d[3]));
    h = lim_layer_dropout(b, hidden(b, "fc1", h, p->hidden, taps), 0.5);
    return hidden(b, "fc2", h, p->hidden, taps);
}

static int
features(const LimClassifierParams *p)
{
    return p->hidden;
}

const LimClassifierFamily lim_classifier_plain = {build, features};
