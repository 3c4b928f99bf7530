/* The two networks of BigGAN at 32x32; see the header for the paper, tests/golden for the numbers.
 */
#include "models/biggan.h"

#include <stdio.h>

#define ROW(field_name, flag, text, teach, lo, hi, value)                                   \
    {                                                                                       \
        .name = flag, .label = text, .help = teach, .unit = "", .kind = LIM_INT,            \
        .offset = offsetof(LimBigganParams, field_name), .min = lo, .max = hi, .def = value \
    }

const LimParamSpec lim_biggan_schema[] = {
    ROW(channels, "channels", "Colour channels", "1 for grey pictures, 3 for RGB.", 1, 3, 1),
    ROW(classes, "classes", "Classes", "Number of classes that a sample can be asked for.", 1, 1000,
        10),
    ROW(g_ch, "g-ch", "Generator width",
        "Width multiplier ch of the generator; its maps have 4 ch channels.", 2, 256, 24),
    ROW(d_ch, "d-ch", "Discriminator width",
        "Width multiplier ch of the discriminator; its maps have 4 ch channels.", 2, 256, 24),
    ROW(latent, "latent", "Latent size",
        "Length of z. It is split into four slots: one for the first layer, one for each block.", 4,
        1024, 80),
    ROW(shared, "shared", "Shared embedding",
        "Length of the class embedding that all conditional batch norms share.", 1, 1024, 64),
    {.name = "g-attention",
     .label = "Attention in the generator",
     .help = "Self-attention at 16x16 in the generator.",
     .unit = "",
     .kind = LIM_BOOL,
     .offset = offsetof(LimBigganParams, g_attention),
     .max = 1,
     .def = 1},
    {.name = "d-attention",
     .label = "Attention in the discriminator",
     .help = "Self-attention at 16x16 in the discriminator.",
     .unit = "",
     .kind = LIM_BOOL,
     .offset = offsetof(LimBigganParams, d_attention),
     .max = 1,
     .def = 1},
    {0}};

static const LimInit orthogonal = {LIM_INIT_ORTHOGONAL, 1};

static LimVal
conv(LimBuild *b, const char *name, LimVal x, int out, int kernel)
{
    return lim_layer_conv(b, name, x,
                          (LimConvLayer){.out = out,
                                         .kernel = kernel,
                                         .pad = kernel / 2,
                                         .bias = true,
                                         .sn = true,
                                         .init = orthogonal});
}

/* cBN, ReLU, up, 3x3, cBN, ReLU, 3x3; shortcut up, 1x1 */
static LimVal
up_block(LimBuild *b, LimVal x, LimVal y, int out)
{
    LimGraph *g = b->g;
    LimVal h = lim_layer_cond_batch_norm(b, "bn1", x, y, true, orthogonal);
    h = conv(b, "conv1", lim_upsample2(g, h), out, 3);
    h = lim_layer_cond_batch_norm(b, "bn2", h, y, true, orthogonal);
    h = conv(b, "conv2", h, out, 3);
    return lim_add(g, h, lim_upsample2(g, conv(b, "conv_sc", x, out, 1)));
}

LimVal
lim_biggan_generator(LimBuild *b, const LimBigganParams *p, LimVal z, LimVal label,
                     LimVal *attention)
{
    LimGraph *g = b->g;
    const int width = 4 * p->g_ch, slot = p->latent / LIM_BIGGAN_SLOTS;
    const int n = lim_graph_shape(g, z).d[0];
    if (attention)
        *attention = LIM_NOVAL;
    if (p->latent % LIM_BIGGAN_SLOTS) {
        lim_graph_fail(g, LIM_E_PARAM, "the latent size %d is not a multiple of %d", p->latent,
                       LIM_BIGGAN_SLOTS);
        return LIM_NOVAL;
    }
    LimVal embedding =
        lim_layer_embedding(b, "shared", label, p->classes, p->shared, false, orthogonal);
    LimVal h = lim_layer_linear(b, "linear", lim_slice(g, z, 1, 0, slot), 16 * width, true, true,
                                orthogonal);
    h = lim_reshape(g, h, LIM_SHAPE4(n, width, 4, 4));
    for (int i = 0; i < LIM_BIGGAN_SLOTS - 1; i++) {
        LimVal y = lim_concat(g, embedding, lim_slice(g, z, 1, (i + 1) * slot, slot), 1);
        const int at = lim_build_push(b, "blocks.%d", i);
        h = up_block(b, h, y, width);
        lim_build_pop(b, at);
        if (i == 1 && p->g_attention)
            h = lim_layer_attention(b, "attention", h, orthogonal, attention);
    }
    h = lim_layer_batch_norm(b, "bn", h, true);
    return lim_tanh(g, conv(b, "conv_out", h, p->channels, 3));
}

/* [ReLU], 3x3, ReLU, 3x3, [average pool]; shortcut [average pool], 1x1 */
static LimVal
down_block(LimBuild *b, LimVal x, int out, bool preactivation, bool down)
{
    LimGraph *g = b->g;
    LimVal h = conv(b, "conv1", preactivation ? lim_relu(g, x, 0) : x, out, 3);
    h = conv(b, "conv2", lim_relu(g, h, 0), out, 3);
    LimVal shortcut = x;
    if (down) {
        h = lim_avg_pool2(g, h);
        shortcut = lim_avg_pool2(g, x);
    }
    if (down || lim_graph_shape(g, x).d[1] != out)
        shortcut = conv(b, "conv_sc", shortcut, out, 1);
    return lim_add(g, h, shortcut);
}

LimVal
lim_biggan_discriminator(LimBuild *b, const LimBigganParams *p, LimVal x, LimVal label)
{
    LimGraph *g = b->g;
    const int width = 4 * p->d_ch;
    LimVal h = x;
    for (int i = 0; i < 4; i++) {
        const int at = lim_build_push(b, "blocks.%d", i);
        h = down_block(b, h, width, i > 0, i < 2);
        lim_build_pop(b, at);
        if (i == 0 && p->d_attention)
            h = lim_layer_attention(b, "attention", h, orthogonal, NULL);
    }
    h = lim_spatial_sum(g, lim_relu(g, h, 0));
    /* projection (Miyato & Koyama 2018): linear(h) + <embed(y), h> */
    LimVal score = lim_layer_linear(b, "linear", h, 1, true, true, orthogonal);
    LimVal embedding = lim_layer_embedding(b, "embed", label, p->classes, width, true, orthogonal);
    return lim_add(g, score, lim_row_dot(g, embedding, h));
}
