/* BigGAN-deep at 32x32 (Brock et al. 2019, appendix B): twice as many blocks, each narrowed to a
 * quarter inside, so that it is cheaper than the plain one at the same width; shortcuts that keep
 * what they carry: the generator's drop channels, the discriminator's add some. All of z goes to
 * every block. Two blocks per resolution as in the paper, whose smallest picture is 128x128; the
 * widths at 32x32 are 4 ch, and 2 ch at full resolution. */
#include "models/biggan-private.h"

/* cBN, ReLU, 1x1, cBN, ReLU, [up], 3x3, cBN, ReLU, 3x3, cBN, ReLU, 1x1; the shortcut keeps the
 * first `out` channels */
static LimVal
up_block(const BigganNet *n, LimVal x, LimVal y, int out, bool up)
{
    LimGraph *g = n->b->g;
    const int in = lim_graph_shape(g, x).d[1], inside = in / 4;
    LimVal h = biggan_conv(n, "conv1", biggan_norm(n, "bn1", x, y), inside, 1);
    h = biggan_norm(n, "bn2", h, y);
    h = biggan_conv(n, "conv2", up ? lim_upsample2(g, h) : h, inside, 3);
    h = biggan_conv(n, "conv3", biggan_norm(n, "bn3", h, y), inside, 3);
    h = biggan_conv(n, "conv4", biggan_norm(n, "bn4", h, y), out, 1);
    LimVal kept = out < in ? lim_slice(g, x, 1, 0, out) : x;
    return lim_add(g, h, up ? lim_upsample2(g, kept) : kept);
}

LimVal
biggan_deep_generator(const BigganNet *n, LimVal z, LimVal *map)
{
    LimBuild *b = n->b;
    LimGraph *g = b->g;
    const LimBigganParams *p = n->p;
    const int width = 4 * p->g_ch, samples = lim_graph_shape(g, z).d[0];
    LimVal y = biggan_condition(n, p->skip_z ? z : LIM_NOVAL);
    LimVal first = biggan_condition(n, z);
    LimVal h = lim_layer_linear(b, "linear", first, 16 * width, true, true, n->init);
    h = lim_reshape(g, h, LIM_SHAPE4(samples, width, 4, 4));
    for (int i = 0; i < 6; i++) { /* maps of 4, 8, 8, 16, 16, 32 */
        const int at = lim_build_push(b, "blocks.%d", i);
        h = up_block(n, h, y, i == 5 ? width / 2 : width, i % 2 == 1);
        lim_build_pop(b, at);
        if (p->g_attention && i % 2 == 1 && i / 2 == p->g_attention_size)
            h = biggan_attention(n, h, map);
    }
    return biggan_tail(n, h);
}

/* ReLU, 1x1, ReLU, 3x3, ReLU, 3x3, ReLU, [average pool], 1x1; the shortcut is pooled too and gets
 * the channels that it lacks from a 1x1 convolution */
static LimVal
down_block(const BigganNet *n, LimVal x, int out, bool down)
{
    LimGraph *g = n->b->g;
    const int in = lim_graph_shape(g, x).d[1], inside = out / 4;
    LimVal h = biggan_conv(n, "conv1", lim_relu(g, x, 0), inside, 1);
    h = biggan_conv(n, "conv2", lim_relu(g, h, 0), inside, 3);
    h = lim_relu(g, biggan_conv(n, "conv3", lim_relu(g, h, 0), inside, 3), 0);
    h = biggan_conv(n, "conv4", down ? lim_avg_pool2(g, h) : h, out, 1);
    LimVal kept = down ? lim_avg_pool2(g, x) : x;
    if (in < out)
        kept = lim_concat(g, kept, biggan_conv(n, "conv_sc", kept, out - in, 1), 1);
    return lim_add(g, h, kept);
}

LimVal
biggan_deep_discriminator(const BigganNet *n, LimVal x)
{
    const int width = 4 * n->p->d_ch;
    LimVal h = biggan_conv(n, "stem", x, width / 2, 3);
    if (biggan_d_attends(n, LIM_BIGGAN_32))
        h = biggan_attention(n, h, NULL);
    for (int i = 0; i < 6; i++) { /* maps of 16, 16, 8, 8, 8, 8 */
        const int at = lim_build_push(n->b, "blocks.%d", i);
        h = down_block(n, h, width, i == 0 || i == 2);
        lim_build_pop(n->b, at);
        if ((i == 1 && biggan_d_attends(n, LIM_BIGGAN_16)) ||
            (i == 3 && biggan_d_attends(n, LIM_BIGGAN_8)))
            h = biggan_attention(n, h, NULL);
    }
    return biggan_head(n, h);
}
