/* The two networks of BigGAN at 32x32; see the header for the papers, tests/golden for the numbers.
 */
#include "models/biggan-private.h"

#include <stdio.h>

#define INT(field_name, flag, text, teach, lo, hi, value)                                   \
    {                                                                                       \
        .name = flag, .label = text, .help = teach, .unit = "", .kind = LIM_INT,            \
        .offset = offsetof(LimBigganParams, field_name), .min = lo, .max = hi, .def = value \
    }
#define BOOL(field_name, flag, text, teach)                                       \
    {                                                                             \
        .name = flag, .label = text, .help = teach, .unit = "", .kind = LIM_BOOL, \
        .offset = offsetof(LimBigganParams, field_name), .max = 1, .def = 1       \
    }
#define CHOICE(field_name, flag, text, teach, names, value)                                  \
    {                                                                                        \
        .name = flag, .label = text, .help = teach, .unit = "", .kind = LIM_CHOICE,          \
        .offset = offsetof(LimBigganParams, field_name),                                     \
        .max = (double)(sizeof(names) / sizeof *(names)) - 2, .def = value, .choices = names \
    }

static const char *const architecture_names[] = {"biggan", "biggan-deep", NULL};
static const char *const size_names[] = {"8", "16", "32", NULL};
static const char *const attention_names[] = {"pooled", "paper", "residual", NULL};
static const char *const sn_names[] = {"none", "d", "both", NULL};
static const char *const init_names[] = {"orthogonal", "normal", "xavier", NULL};

const LimParamSpec lim_biggan_schema[] = {
    CHOICE(architecture, "architecture", "Architecture",
           "biggan: three wide blocks, each with its slot of z. biggan-deep: six blocks that "
           "narrow to "
           "a quarter inside, and all of z in each.",
           architecture_names, LIM_BIGGAN_PLAIN),
    INT(channels, "channels", "Colour channels", "1 for grey pictures, 3 for RGB.", 1, 3, 1),
    INT(classes, "classes", "Classes", "Number of classes that a sample can be asked for.", 1, 1000,
        10),
    INT(g_ch, "g-ch", "Generator width",
        "Width multiplier ch of the generator; its maps have 4 ch channels.", 2, 256, 24),
    INT(d_ch, "d-ch", "Discriminator width",
        "Width multiplier ch of the discriminator; its maps have 4 ch channels.", 2, 256, 24),
    INT(latent, "latent", "Latent size",
        "Length of z. With skip-z biggan splits it into four slots: one for the first layer, one "
        "for each block.",
        4, 1024, 80),
    INT(shared, "shared", "Embedding size",
        "Length of the class embedding that all conditional batch norms share.", 1, 1024, 64),
    BOOL(g_attention, "g-attention", "Attention in the generator",
         "Let the generator relate distant places of a picture."),
    BOOL(d_attention, "d-attention", "Attention in the discriminator",
         "Let the discriminator relate distant places of a picture."),
    CHOICE(g_attention_size, "g-attention-size", "Resolution of the generator's attention",
           "Side of the map that the generator's attention looks over.", size_names, LIM_BIGGAN_16),
    CHOICE(d_attention_size, "d-attention-size", "Resolution of the discriminator's attention",
           "Side of the map that the discriminator's attention looks over; 32 is inside its first "
           "block, before the pooling.",
           size_names, LIM_BIGGAN_16),
    CHOICE(attention, "attention", "Attention variant",
           "pooled: keys and values at half the resolution (the published code). paper: all of "
           "them, values as narrow as keys. residual: no attention but a residual block with as "
           "many parameters in its place, for comparison.",
           attention_names, LIM_ATTENTION_POOLED),
    BOOL(
        skip_z, "skip-z", "Hierarchical latent",
        "Give every block of the generator a slot of z of its own (biggan-deep: all of z); without "
        "it only the first layer sees z."),
    BOOL(shared_embedding, "shared-embedding", "Shared class embedding",
         "One embedding of the class for all conditional batch norms; without it each has a table "
         "of its own."),
    CHOICE(spectral_norm, "spectral-norm", "Spectral normalisation",
           "Which networks have the largest singular value of their weights divided out: none, the "
           "discriminator (d), or both.",
           sn_names, LIM_BIGGAN_SN_BOTH),
    BOOL(wide_d, "wide-d", "Wide discriminator",
         "Make the hidden map of each block of biggan's discriminator as wide as its output; "
         "without it as wide as its input (which at 32x32 changes the first block only)."),
    CHOICE(init, "init", "Initial weights", "How weights are drawn before training.", init_names,
           LIM_BIGGAN_ORTHOGONAL),
    {0}};

BigganNet
biggan_net(LimBuild *b, const LimBigganParams *p, LimVal label)
{
    static const LimInit init[] = {{LIM_INIT_ORTHOGONAL, 1},
                                   {LIM_INIT_NORMAL, 0.02},
                                   {LIM_INIT_XAVIER, 1}};
    return (BigganNet){.b = b, .p = p, .init = init[p->init], .label = label};
}

LimVal
biggan_conv(const BigganNet *n, const char *name, LimVal x, int out, int kernel)
{
    return lim_layer_conv(n->b, name, x,
                          (LimConvLayer){.out = out,
                                         .kernel = kernel,
                                         .pad = kernel / 2,
                                         .bias = true,
                                         .sn = true,
                                         .init = n->init});
}

LimVal
biggan_condition(const BigganNet *n, LimVal z)
{
    if (!lim_val_ok(n->embedding) || !lim_val_ok(z))
        return lim_val_ok(z) ? z : n->embedding;
    return lim_concat(n->b->g, n->embedding, z, 1);
}

LimVal
biggan_norm(const BigganNet *n, const char *name, LimVal x, LimVal y)
{
    if (!lim_val_ok(n->embedding))
        return lim_layer_class_batch_norm(n->b, name, x, n->label, n->p->classes, y, true, n->init);
    return lim_layer_cond_batch_norm(n->b, name, x, y, true, n->init);
}

bool
biggan_d_attends(const BigganNet *n, LimBigganSize size)
{
    return n->p->d_attention && n->p->d_attention_size == (int)size;
}

LimVal
biggan_attention(const BigganNet *n, LimVal x, LimVal *map)
{
    return lim_layer_attention(n->b, "attention", x, (LimAttentionKind)n->p->attention, n->init,
                               map);
}

LimVal
biggan_tail(const BigganNet *n, LimVal h)
{
    h = lim_layer_batch_norm(n->b, "bn", h, true);
    return lim_tanh(n->b->g, biggan_conv(n, "conv_out", h, n->p->channels, 3));
}

LimVal
biggan_head(const BigganNet *n, LimVal h)
{
    LimGraph *g = n->b->g;
    h = lim_spatial_sum(g, lim_relu(g, h, 0));
    const int width = lim_graph_shape(g, h).d[1];
    /* projection (Miyato & Koyama 2018): linear(h) + <embed(y), h> */
    LimVal score = lim_layer_linear(n->b, "linear", h, 1, true, true, n->init);
    LimVal embedding =
        lim_layer_embedding(n->b, "embed", n->label, n->p->classes, width, true, n->init);
    return lim_add(g, score, lim_row_dot(g, embedding, h));
}

/* cBN, ReLU, up, 3x3, cBN, ReLU, 3x3; shortcut up, 1x1 */
static LimVal
up_block(const BigganNet *n, LimVal x, LimVal y, int out)
{
    LimGraph *g = n->b->g;
    LimVal h = biggan_norm(n, "bn1", x, y);
    h = biggan_conv(n, "conv1", lim_upsample2(g, h), out, 3);
    h = biggan_norm(n, "bn2", h, y);
    h = biggan_conv(n, "conv2", h, out, 3);
    return lim_add(g, h, lim_upsample2(g, biggan_conv(n, "conv_sc", x, out, 1)));
}

static LimVal
generator(const BigganNet *n, LimVal z, LimVal *map)
{
    LimBuild *b = n->b;
    LimGraph *g = b->g;
    const LimBigganParams *p = n->p;
    const int width = 4 * p->g_ch, slot = p->latent / lim_biggan_slots(p);
    const int samples = lim_graph_shape(g, z).d[0];
    if (p->skip_z && p->latent % LIM_BIGGAN_SLOTS) {
        lim_graph_fail(g, LIM_E_PARAM, "the latent size %d is not a multiple of %d", p->latent,
                       LIM_BIGGAN_SLOTS);
        return LIM_NOVAL;
    }
    LimVal h =
        lim_layer_linear(b, "linear", lim_slice(g, z, 1, 0, slot), 16 * width, true, true, n->init);
    h = lim_reshape(g, h, LIM_SHAPE4(samples, width, 4, 4));
    for (int i = 0; i < LIM_BIGGAN_SLOTS - 1; i++) {
        LimVal own = p->skip_z ? lim_slice(g, z, 1, (i + 1) * slot, slot) : LIM_NOVAL;
        const int at = lim_build_push(b, "blocks.%d", i);
        h = up_block(n, h, biggan_condition(n, own), width);
        lim_build_pop(b, at);
        if (p->g_attention && i == p->g_attention_size) /* maps of 8, 16, 32 */
            h = biggan_attention(n, h, map);
    }
    return biggan_tail(n, h);
}

/* [ReLU], 3x3, ReLU, 3x3, [average pool]; shortcut [average pool], 1x1 */
static LimVal
down_block(const BigganNet *n, LimVal x, int out, bool first, bool down)
{
    LimGraph *g = n->b->g;
    const int in = lim_graph_shape(g, x).d[1], hidden = n->p->wide_d ? out : in;
    LimVal h = biggan_conv(n, "conv1", first ? x : lim_relu(g, x, 0), hidden, 3);
    h = biggan_conv(n, "conv2", lim_relu(g, h, 0), out, 3);
    if (first && biggan_d_attends(n, LIM_BIGGAN_32))
        h = biggan_attention(n, h, NULL);
    LimVal shortcut = x;
    if (down) {
        h = lim_avg_pool2(g, h);
        shortcut = lim_avg_pool2(g, x);
    }
    if (down || in != out)
        shortcut = biggan_conv(n, "conv_sc", shortcut, out, 1);
    return lim_add(g, h, shortcut);
}

static LimVal
discriminator(const BigganNet *n, LimVal x)
{
    LimVal h = x;
    for (int i = 0; i < 4; i++) { /* maps of 16, 8, 8, 8 */
        const int at = lim_build_push(n->b, "blocks.%d", i);
        h = down_block(n, h, 4 * n->p->d_ch, i == 0, i < 2);
        lim_build_pop(n->b, at);
        if (i < 2 && biggan_d_attends(n, i == 0 ? LIM_BIGGAN_16 : LIM_BIGGAN_8))
            h = biggan_attention(n, h, NULL);
    }
    return biggan_head(n, h);
}

/* ---- the list of architectures ----------------------------------------------------------------
 */

static const struct {
    LimVal (*generator)(const BigganNet *n, LimVal z, LimVal *map);
    LimVal (*discriminator)(const BigganNet *n, LimVal x);
} architectures[] = {
    [LIM_BIGGAN_PLAIN] = {generator, discriminator},
    [LIM_BIGGAN_DEEP] = {biggan_deep_generator, biggan_deep_discriminator},
};

int
lim_biggan_slots(const LimBigganParams *p)
{
    return p->skip_z && p->architecture == LIM_BIGGAN_PLAIN ? LIM_BIGGAN_SLOTS : 1;
}

LimVal
lim_biggan_generator(LimBuild *b, const LimBigganParams *p, LimVal z, LimVal label,
                     LimVal *attention)
{
    if (attention)
        *attention = LIM_NOVAL;
    const bool spectral_norm = b->spectral_norm;
    b->spectral_norm = spectral_norm && p->spectral_norm == LIM_BIGGAN_SN_BOTH;
    BigganNet n = biggan_net(b, p, label);
    if (p->shared_embedding)
        n.embedding = lim_layer_embedding(b, "shared", label, p->classes, p->shared, false, n.init);
    LimVal y = architectures[p->architecture].generator(&n, z, attention);
    b->spectral_norm = spectral_norm;
    return y;
}

LimVal
lim_biggan_discriminator(LimBuild *b, const LimBigganParams *p, LimVal x, LimVal label)
{
    const bool spectral_norm = b->spectral_norm;
    b->spectral_norm = spectral_norm && p->spectral_norm != LIM_BIGGAN_SN_NONE;
    const BigganNet n = biggan_net(b, p, label);
    LimVal y = architectures[p->architecture].discriminator(&n, x);
    b->spectral_norm = spectral_norm;
    return y;
}
