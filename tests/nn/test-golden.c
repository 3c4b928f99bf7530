/* Golden values: every case of tests/golden (layers, blocks, networks, losses, optimisers, computed
 * by PyTorch in float64; see make.py there) built with the engine's own builders and compared:
 * results, gradients and the buffers that a call leaves behind, by the double references and by
 * every table of fast kernels.
 *
 * A case without a handler fails, as does an input that nothing asked for, an expected value that
 * nothing was compared with, and a row of `absent` that fits no case: what the engine lacks is
 * listed there and nowhere else. */
#include "graph/op.h"
#include "graph/plan.h"
#include "kernels/params.h"
#include "models/classifier.h"
#include "models/denoiser.h"
#include "nn/optim.h"
#include "train/network.h"
#include "train/spectra.h"

#include <glib.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* With its static functions: the residual blocks have cases of their own. */
#include "models/biggan.c"

static const LimInit orthogonal = {LIM_INIT_ORTHOGONAL, 1};

/* What the engine does not compute. A gradient listed here must be refused with one sentence. */
static struct Absent {
    const char *cases, *output, *why; /* patterns; output NULL: the whole case */
    int used;
} absent[] = {
    {"spectral_norm_stored", NULL, "the engine takes a power step in every mode"},
    {"cross_entropy_smooth", NULL, "no label smoothing"},
    {"adamw", NULL, "weight decay is L2 only"},
    {"batch_norm_eval", "grad.weight", "running statistics: only the picture has a gradient"},
    {"batch_norm_eval", "grad.bias", "as above"},
    {"conditional_batch_norm_eval", "grad.gain", "as above"},
    {"conditional_batch_norm_eval", "grad.bias", "as above"},
    {"class_conditional_bn_eval", "grad.cond", "as above"},
    {"class_conditional_bn_eval", "grad.*.weight", "as above"},
    {"gblock_eval", "grad.cond", "as above"},
    {"gblock_eval", "grad.bn*", "as above"},
    {"generator_eval", "grad.z", "as above"},
    {"generator_eval", "grad.shared.weight", "as above"},
    {"generator_eval", "grad.blocks.?.bn*", "as above"},
    {"generator_eval", "grad.bn.*", "as above"},
};

typedef struct Given {
    const char *name;
    LimVal val;
    LimTensor *tensor; /* float32 or int32 */
    double *wide;
} Given;

typedef struct Result {
    char name[64];
    LimVal val;
} Result;

typedef struct Case {
    const char *name;
    const json_t *row, *params;
    LimStFile *file;
    LimGraph *g;
    LimStore *store;
    LimBuild b;
    const char *strip; /* the store's names are strip + the file's names */
    bool training;
    float momentum;
    double momentum64;
    LimVal momentum_val;
    Given given[64];
    int n_given;
    Result result[256];
    int n_result;
    GHashTable *compared;
} Case;

static json_t *manifest;
static char *folder;

static struct Absent *
find_absent(const char *name, const char *output)
{
    for (size_t i = 0; i < G_N_ELEMENTS(absent); i++)
        if (g_pattern_match_simple(absent[i].cases, name) && (!output) == (!absent[i].output) &&
            (!output || g_pattern_match_simple(absent[i].output, output)))
            return &absent[i];
    return NULL;
}

static bool
flag(const Case *c, const char *key)
{
    return json_is_true(json_object_get(c->params, key));
}

static double
number(const Case *c, const char *key)
{
    const json_t *value = json_object_get(c->params, key);
    if (!json_is_number(value))
        g_error("%s: no parameter %s", c->name, key);
    return json_number_value(value);
}

static bool
has(const Case *c, const char *what, const char *name)
{
    return json_object_get(json_object_get(c->row, what), name) != NULL;
}

/* An input as a feed: feed itself, or a new one when it is LIM_NOVAL. */
static LimVal
give_as(Case *c, const char *name, LimVal feed)
{
    for (int i = 0; i < c->n_given; i++)
        if (strcmp(c->given[i].name, name) == 0)
            return c->given[i].val;
    LimError err = LIM_ERROR_INIT;
    LimTensor *t = lim_st_get(c->file, name, &err);
    g_assert_cmpstr(err.text, ==, "");
    Given *given = &c->given[c->n_given++];
    g_assert_cmpint(c->n_given, <=, (int)G_N_ELEMENTS(c->given));
    *given = (Given){.name = name, .tensor = t};
    given->val = lim_val_ok(feed)
                     ? feed
                     : lim_graph_feed(c->g, name, lim_tensor_type(t), lim_tensor_shape(t));
    if (lim_tensor_type(t) == LIM_F32) {
        given->wide = g_new(double, lim_tensor_size(t));
        for (int64_t k = 0; k < lim_tensor_size(t); k++)
            given->wide[k] = (double)lim_tensor_f32(t)[k];
    }
    return given->val;
}

static LimVal
give(Case *c, const char *name)
{
    return give_as(c, name, LIM_NOVAL);
}

static LimVal
give_optional(Case *c, const char *name)
{
    return has(c, "inputs", name) ? give(c, name) : LIM_NOVAL;
}

static void
result(Case *c, const char *name, LimVal val)
{
    Result *r = &c->result[c->n_result++];
    g_assert_cmpint(c->n_result, <=, (int)G_N_ELEMENTS(c->result));
    g_strlcpy(r->name, name, sizeof r->name);
    r->val = val;
}

static LimVal
find_result(const Case *c, const char *name)
{
    for (int i = 0; i < c->n_result; i++)
        if (strcmp(c->result[i].name, name) == 0)
            return c->result[i].val;
    return LIM_NOVAL;
}

/* ---- handlers: one for each "what" ------------------------------------------------------------
 */

static void
do_conv2d(Case *c)
{
    result(c, "out.y",
           lim_conv2d(c->g, give(c, "x"), give(c, "weight"), give_optional(c, "bias"),
                      (int)number(c, "stride"), (int)number(c, "pad")));
}

static void
do_conv_transpose2d(Case *c)
{
    LimVal x = give(c, "x"), w = give(c, "weight");
    const LimShape sx = lim_graph_shape(c->g, x), sw = lim_graph_shape(c->g, w);
    LimConvParams p = {.stride = (int)number(c, "stride"), .pad = (int)number(c, "pad")};
    p.h = (sx.d[2] - 1) * p.stride - 2 * p.pad + sw.d[2];
    p.w = (sx.d[3] - 1) * p.stride - 2 * p.pad + sw.d[3];
    LimVal y = lim_graph_add(c->g, lim_op_find("conv2d_dx"), (LimVal[]){x, w}, &p, NULL);
    result(c, "out.y", lim_bias_add(c->g, y, give(c, "bias")));
}

static void
do_linear(Case *c)
{
    result(c, "out.y", lim_linear(c->g, give(c, "x"), give(c, "weight"), give(c, "bias")));
}

static void
do_embedding(Case *c)
{
    result(c, "out.y", lim_gather_rows(c->g, give(c, "weight"), give(c, "label")));
}

static void
do_relu(Case *c)
{
    result(c, "out.y", lim_relu(c->g, give(c, "x"), 0));
}

static void
do_tanh(Case *c)
{
    result(c, "out.y", lim_tanh(c->g, give(c, "x")));
}

static void
do_max_pool2d(Case *c)
{
    result(c, "out.y", lim_max_pool2(c->g, give(c, "x")));
}

static void
do_avg_pool2d(Case *c)
{
    result(c, "out.y", lim_avg_pool2(c->g, give(c, "x")));
}

static void
do_upsample(Case *c)
{
    result(c, "out.y", lim_upsample2(c->g, give(c, "x")));
}

static void
do_resize_bilinear(Case *c)
{
    result(c, "out.y",
           lim_resize_bilinear(c->g, give(c, "x"), (int)number(c, "h"), (int)number(c, "w")));
}

static void
do_sum_pool(Case *c)
{
    result(c, "out.y", lim_spatial_sum(c->g, give(c, "x")));
}

static void
do_softmax(Case *c)
{
    result(c, "out.y", lim_softmax(c->g, give(c, "x")));
}

static void
do_batch_norm(Case *c)
{
    c->strip = "m.";
    result(c, "out.y", lim_layer_batch_norm(&c->b, "m", give(c, "x"), false));
}

static void
do_conditional_batch_norm(Case *c)
{
    LimGraph *g = c->g;
    LimVal x = give(c, "x"), gain = give(c, "gain"), bias = give(c, "bias");
    LimVal mean = give(c, "running_mean"), var = give(c, "running_var");
    const double eps = number(c, "eps");
    if (!c->training) {
        result(c, "out.y", lim_norm_affine(g, x, gain, bias, mean, var, 1, eps, false));
        return;
    }
    LimVal batch_mean, batch_var;
    result(c, "out.y", lim_batch_norm(g, x, gain, bias, 1, eps, false, &batch_mean, &batch_var));
    const LimShape s = lim_graph_shape(g, x);
    const double count = (double)(s.d[0] * s.d[2] * s.d[3]);
    batch_var = lim_affine(g, batch_var, count / (count - 1), 0);
    result(c, "after.running_mean", lim_lerp(g, mean, batch_mean, c->momentum_val));
    result(c, "after.running_var", lim_lerp(g, var, batch_var, c->momentum_val));
}

static void
do_class_conditional_bn(Case *c)
{
    c->strip = "m.";
    result(c, "out.y",
           lim_layer_cond_batch_norm(&c->b, "m", give(c, "x"), give(c, "cond"), false, orthogonal));
}

static void
do_class_table_bn(Case *c)
{
    c->strip = "m.";
    result(c, "out.y",
           lim_layer_class_batch_norm(&c->b, "m", give(c, "x"), give(c, "label"),
                                      (int)number(c, "classes"), give_optional(c, "cond"), false,
                                      orthogonal));
}

static void
do_spectral_norm(Case *c)
{
    LimVal w = give(c, "weight"), u = give(c, "u"), out[LIM_OP_MAX_OUT];
    const int steps = json_object_get(c->params, "steps") ? (int)number(c, "steps") : 1;
    const LimEpsParams eps = {number(c, "eps")};
    for (int i = 0; i < steps; i++) {
        lim_graph_add(c->g, lim_op_find("spectral_norm"), (LimVal[]){w, u}, &eps, out);
        u = out[1];
    }
    result(c, "out.sigma", out[2]);
    if (steps > 1)
        return;
    result(c, "out.weight", out[0]);
    result(c, "after.u", out[1]);
    result(c, "after.v", out[3]);
}

static void
do_cross_entropy(Case *c)
{
    LimVal x = give(c, "x"), each = lim_cross_entropy(c->g, x, give(c, "label"));
    result(c, "out.log_softmax", lim_log_softmax(c->g, x));
    result(c, "out.per_sample", each);
    result(c, "out.loss", lim_mean(c->g, each));
}

static void
do_pixel_cross_entropy(Case *c)
{
    LimVal each = lim_pixel_cross_entropy(c->g, give(c, "x"), give(c, "label"));
    result(c, "out.per_pixel", each);
    result(c, "out.loss", lim_mean(c->g, each));
}

static void
do_smooth_l1(Case *c)
{
    result(c, "out.y", lim_smooth_l1(c->g, give(c, "x")));
}

static void
do_roi_align(Case *c)
{
    result(c, "out.y",
           lim_roi_align(c->g, give(c, "x"), give(c, "boxes"), give(c, "index"),
                         (int)number(c, "bins"), 1.0 / number(c, "stride")));
}

static void
do_soft_cross_entropy(Case *c)
{
    LimVal each = lim_soft_cross_entropy(c->g, give(c, "x"), give(c, "target"));
    result(c, "out.per_sample", each);
    result(c, "out.loss", lim_mean(c->g, each));
}

/* mean(relu(1 + sign score)) */
static LimVal
hinge(LimGraph *g, LimVal score, double sign)
{
    return lim_mean(g, lim_relu(g, lim_affine(g, score, sign, 1), 0));
}

static void
do_hinge_discriminator(Case *c)
{
    LimVal real = hinge(c->g, give(c, "real"), -1), fake = hinge(c->g, give(c, "fake"), 1);
    result(c, "out.loss", lim_add(c->g, real, fake));
}

static void
do_hinge_generator(Case *c)
{
    result(c, "out.loss", lim_affine(c->g, lim_mean(c->g, give(c, "fake")), -1, 0));
}

static void
do_attention_core(Case *c)
{
    LimVal scores = lim_matmul(c->g, give(c, "theta"), give(c, "phi"), true, false);
    LimVal beta = lim_softmax(c->g, scores);
    result(c, "out.beta", beta);
    result(c, "out.o", lim_matmul(c->g, give(c, "g"), beta, false, true));
}

/* The networks' settings as far as the case has them. */
static LimBigganParams
network(const Case *c)
{
    static const struct {
        const char *key, *name;
    } texts[] = {{"kind", "attention"},
                 {"spectral_norm", "spectral-norm"},
                 {"architecture", "architecture"}};
    LimBigganParams p;
    lim_params_init(lim_biggan_schema, &p);
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        const json_t *value = json_object_get(c->params, texts[i].key);
        LimError err = LIM_ERROR_INIT;
        if (json_is_string(value))
            lim_params_set(lim_biggan_schema, &p, texts[i].name, json_string_value(value), &err);
        g_assert_cmpstr(err.text, ==, "");
    }
    p.skip_z = !json_is_false(json_object_get(c->params, "skip_z"));
    p.wide_d = !json_is_false(json_object_get(c->params, "wide"));
    return p;
}

static void
do_attention(Case *c)
{
    LimVal beta;
    c->strip = "m.";
    c->b.spectral_norm = flag(c, "spectral_norm");
    result(c, "out.y",
           lim_layer_attention(&c->b, "m", give(c, "x"), (LimAttentionKind)network(c).attention,
                               orthogonal, &beta));
    if (lim_val_ok(beta))
        result(c, "out.beta", beta);
}

static void
do_gblock(Case *c)
{
    const LimBigganParams p = network(c);
    BigganNet n = biggan_net(&c->b, &p, LIM_NOVAL);
    n.embedding = give(c, "cond");
    result(c, "out.y", up_block(&n, give(c, "x"), n.embedding, (int)number(c, "out_channels")));
}

static void
do_dblock(Case *c)
{
    LimBigganParams p = network(c);
    p.d_attention = false;
    const BigganNet n = biggan_net(&c->b, &p, LIM_NOVAL);
    result(c, "out.y",
           down_block(&n, give(c, "x"), (int)number(c, "out_channels"), !flag(c, "preactivation"),
                      flag(c, "downsample")));
}

static LimBigganParams
network32(const Case *c)
{
    LimBigganParams p = network(c);
    p.channels = (int)number(c, "channels");
    p.classes = (int)number(c, "classes");
    p.g_ch = p.d_ch = (int)number(c, "width") / 4;
    const int size = (int)number(c, "attention");
    p.g_attention_size = p.d_attention_size = size == 8    ? LIM_BIGGAN_8
                                              : size == 16 ? LIM_BIGGAN_16
                                                           : LIM_BIGGAN_32;
    return p;
}

static void
do_generator(Case *c)
{
    LimBigganParams p = network32(c);
    p.latent = (int)number(c, "latent");
    p.shared = (int)number(c, "shared");
    p.shared_embedding = p.shared > 0;
    result(c, "out.y", lim_biggan_generator(&c->b, &p, give(c, "z"), give(c, "label"), NULL));
}

/* [n][1] as the [n] of the file */
static void
score(Case *c, LimVal y)
{
    const int n = lim_graph_shape(c->g, y).d[0];
    result(c, "out.y", lim_reshape(c->g, y, LIM_SHAPE1(n)));
}

static void
do_discriminator(Case *c)
{
    LimBigganParams p = network32(c);
    score(c, lim_biggan_discriminator(&c->b, &p, give(c, "x"), give(c, "label")));
}

static void
do_gradient_penalty(Case *c)
{
    LimBigganParams p = network32(c);
    LimVal x = give(c, "x"), y = lim_biggan_discriminator(&c->b, &p, x, give(c, "label"));
    result(c, "out.loss", lim_gradient_penalty(c->g, y, x, number(c, "gamma")));
}

static void
do_denoiser(Case *c)
{
    LimDenoiserParams p;
    LimError err = LIM_ERROR_INIT;
    lim_params_init(lim_denoiser_schema, &p);
    lim_params_set(lim_denoiser_schema, &p, "architecture",
                   json_string_value(json_object_get(c->params, "architecture")), &err);
    g_assert_cmpstr(err.text, ==, "");
    p.channels = (int)number(c, "channels");
    p.width = (int)number(c, "width");
    result(c, "out.y", lim_denoiser_network(&c->b, &p, give(c, "x")));
}

static void
do_classifier(Case *c)
{
    LimClassifierParams p;
    LimClassifierTaps taps;
    LimError err = LIM_ERROR_INIT;
    lim_params_init(lim_classifier_schema, &p);
    lim_params_set(lim_classifier_schema, &p, "architecture",
                   json_string_value(json_object_get(c->params, "architecture")), &err);
    g_assert_cmpstr(err.text, ==, "");
    p.channels = (int)number(c, "channels");
    p.classes = (int)number(c, "classes");
    p.width = (int)number(c, "width");
    p.hidden = (int)number(c, "hidden");
    result(c, "out.y", lim_classifier(&c->b, &p, give(c, "x"), &taps));
    result(c, "out.features", taps.features);
    result(c, "out.map", taps.map);
    g_assert_cmpint(c->b.n_masks, ==, has(c, "inputs", "mask"));
    if (c->b.n_masks)
        give_as(c, "mask", c->b.mask[0]);
}

static void
do_projection_head(Case *c)
{
    LimGraph *g = c->g;
    LimVal h = lim_spatial_sum(g, lim_relu(g, give(c, "x"), 0));
    const int width = lim_graph_shape(g, h).d[1];
    LimVal y = lim_layer_linear(&c->b, "linear", h, 1, true, true, orthogonal);
    LimVal e = lim_layer_embedding(&c->b, "embed", give(c, "label"), (int)number(c, "classes"),
                                   width, true, orthogonal);
    score(c, lim_add(g, y, lim_row_dot(g, e, h)));
}

static const struct {
    const char *what;
    void (*build)(Case *c);
    bool network; /* many layers: a wider tolerance in float */
} handlers[] = {
    {"conv2d", do_conv2d},
    {"conv_transpose2d", do_conv_transpose2d},
    {"linear", do_linear},
    {"embedding", do_embedding},
    {"relu", do_relu},
    {"tanh", do_tanh},
    {"max_pool2d", do_max_pool2d},
    {"avg_pool2d", do_avg_pool2d},
    {"upsample_nearest2d", do_upsample},
    {"sum_pool", do_sum_pool},
    {"resize_bilinear", do_resize_bilinear},
    {"softmax", do_softmax},
    {"batch_norm", do_batch_norm},
    {"conditional_batch_norm", do_conditional_batch_norm},
    {"class_conditional_bn", do_class_conditional_bn},
    {"class_table_bn", do_class_table_bn},
    {"spectral_norm", do_spectral_norm},
    {"cross_entropy", do_cross_entropy},
    {"hinge_discriminator", do_hinge_discriminator},
    {"hinge_generator", do_hinge_generator},
    {"attention_core", do_attention_core},
    {"attention", do_attention},
    {"gblock", do_gblock, true},
    {"dblock", do_dblock},
    {"pixel_cross_entropy", do_pixel_cross_entropy},
    {"roi_align", do_roi_align},
    {"smooth_l1", do_smooth_l1},
    {"soft_cross_entropy", do_soft_cross_entropy},
    {"classifier", do_classifier, true},
    {"denoiser", do_denoiser, true},
    {"projection_head", do_projection_head},
    {"generator", do_generator, true},
    {"discriminator", do_discriminator, true},
    {"gradient_penalty", do_gradient_penalty, true},
};

/* ---- running a case ---------------------------------------------------------------------------
 */

static void
case_init(Case *c, const json_t *row)
{
    memset(c, 0, sizeof *c);
    c->row = row;
    c->name = json_string_value(json_object_get(row, "name"));
    c->params = json_object_get(row, "params");
    c->training = flag(c, "training");
    c->strip = "";
    char *path = g_build_filename(folder, json_string_value(json_object_get(row, "file")), NULL);
    LimError err = LIM_ERROR_INIT;
    c->file = lim_st_open(path, &err);
    g_assert_cmpstr(err.text, ==, "");
    g_free(path);
    c->compared = g_hash_table_new(g_str_hash, g_str_equal);
}

static void
case_clear(Case *c)
{
    for (int i = 0; i < c->n_given; i++) {
        lim_tensor_unref(c->given[i].tensor);
        g_free(c->given[i].wide);
    }
    lim_store_free(c->store);
    lim_st_free(c->file);
    g_hash_table_unref(c->compared);
}

/* Largest difference over the largest expected value; in float not below 0.01 (networks: 0.1),
 * because what is zero in exact arithmetic (the gradient of a bias before a batch norm) is a sum of
 * roundings. */
static void
compare(Case *c, const char *output, const void *have, bool f64, LimShape shape, double tolerance,
        const char *variant)
{
    LimError err = LIM_ERROR_INIT;
    LimTensor *t = lim_st_get(c->file, output, &err);
    g_assert_cmpstr(err.text, ==, "");
    g_assert_true(lim_shape_equal(lim_tensor_shape(t), shape));
    g_assert_cmpint(lim_tensor_type(t), ==, LIM_F64);
    const double *want = lim_tensor_data(t);
    double worst = 0, scale = 0;
    for (int64_t k = 0; k < lim_tensor_size(t); k++) {
        const double x = f64 ? ((const double *)have)[k] : (double)((const float *)have)[k];
        const double d = fabs(x - want[k]);
        if (!(d <= worst))
            worst = d;
        scale = fmax(scale, fabs(want[k]));
    }
    if (!f64)
        scale = fmax(scale, tolerance >= 1e-4 ? 0.1 : 0.01);
    if (!(worst <= tolerance * scale + 1e-12))
        g_test_message("%s, %s, %s: %.3g off, the largest value is %.3g", c->name, variant, output,
                       worst, scale);
    g_assert_cmpfloat(worst, <=, tolerance * scale + 1e-12);
    g_hash_table_add(c->compared, (gpointer)output);
    lim_tensor_unref(t);
}

/* The value that the gradient "grad.NAME" is by: a feed or a parameter. */
static LimVal
source(Case *c, const char *name)
{
    for (int i = 0; i < c->n_given; i++)
        if (strcmp(c->given[i].name, name) == 0)
            return c->given[i].val;
    char *full = g_strconcat(c->strip, name, NULL);
    for (int i = 0; i < c->b.n_params; i++)
        if (strcmp(lim_store_name(c->store, c->b.param_entry[i]), full) == 0) {
            g_free(full);
            return c->b.param[i];
        }
    g_error("%s: nothing is called %s", c->name, full);
}

/* Records the case into a new graph; every store entry takes its value from the file. */
static void
record(Case *c, LimMode mode, void (*build)(Case *c))
{
    c->g = lim_graph_new();
    c->store = lim_store_new(1);
    lim_build_init(&c->b, c->g, c->store, mode);
    if (json_object_get(c->params, "eps"))
        c->b.bn_eps = number(c, "eps");
    if (json_object_get(c->params, "bn_eps"))
        c->b.bn_eps = number(c, "bn_eps");
    if (json_object_get(c->params, "sn_eps"))
        c->b.sn_eps = number(c, "sn_eps");
    if (json_object_get(c->params, "momentum")) {
        c->momentum64 = number(c, "momentum");
        c->momentum = (float)c->momentum64;
    }
    c->momentum_val = lim_graph_feed(c->g, "momentum", LIM_F32, LIM_SHAPE1(1));
    c->b.bn_momentum = c->momentum_val;
    build(c);
    LimError err = LIM_ERROR_INIT;
    lim_graph_status(c->g, &err);
    g_assert_cmpstr(err.text, ==, "");

    const size_t strip = strlen(c->strip);
    for (int i = 0; i < lim_store_count(c->store); i++) {
        const char *name = lim_store_name(c->store, i);
        g_assert_true(g_str_has_prefix(name, c->strip));
        g_assert_true(has(c, "inputs", name + strip));
        LimTensor *t = lim_st_get(c->file, name + strip, &err);
        g_assert_cmpstr(err.text, ==, "");
        g_assert_true(lim_shape_equal(lim_tensor_shape(t), lim_store_shape(c->store, i)));
        memcpy(lim_store_data(c->store, i), lim_tensor_f32(t),
               (size_t)lim_tensor_size(t) * sizeof(float));
        lim_tensor_unref(t);
    }
    for (int i = 0; i < c->b.n_updates; i++) {
        const char *name = lim_store_name(c->store, c->b.update_entry[i]);
        char *output = g_strconcat("after.", name + strip, NULL);
        g_assert_true(has(c, "outputs", output));
        if (!lim_val_ok(find_result(c, output))) {
            g_assert_false(lim_store_trained(c->store, c->b.update_entry[i]));
            result(c, output, c->b.update[i]);
        }
        g_free(output);
    }
}

/* What the gradients are of, and its seed. */
static LimVal
differentiated(Case *c, LimVal *seed)
{
    const char *name;
    json_t *shape;
    LimVal of = find_result(c, "out.loss");
    *seed = LIM_NOVAL;
    json_object_foreach(json_object_get(c->row, "inputs"), name,
                        shape) if (g_str_has_prefix(name, "dout."))
    {
        g_assert_false(lim_val_ok(*seed));
        char *output = g_strconcat("out.", name + 5, NULL);
        of = find_result(c, output);
        g_assert_true(lim_val_ok(of));
        *seed = give(c, name);
        g_free(output);
    }
    return of;
}

/* Gradients that the engine does not have are refused. */
static void
check_refused(const json_t *row, LimMode mode, void (*build)(Case *c))
{
    const char *output;
    json_t *shape;
    json_object_foreach(json_object_get(row, "outputs"), output, shape)
    {
        const char *name = json_string_value(json_object_get(row, "name"));
        struct Absent *a = find_absent(name, output);
        if (!a || !g_str_has_prefix(output, "grad."))
            continue;
        Case c;
        case_init(&c, row);
        record(&c, mode, build);
        LimVal seed, of = differentiated(&c, &seed), by = source(&c, output + 5), d;
        lim_graph_grad(c.g, of, seed, &by, &d, 1);
        LimError err = LIM_ERROR_INIT;
        g_assert_cmpint(lim_graph_status(c.g, &err), ==, LIM_E_UNSUPPORTED);
        g_assert_cmpstr(err.text, !=, "");
        lim_graph_free(c.g);
        case_clear(&c);
    }
}

typedef struct Variant {
    LimMode mode;
    unsigned flags;
    const LimExec *exec;
    double tolerance;
    const char *name;
} Variant;

static void
run_variant(const json_t *row, void (*build)(Case *c), const Variant *v)
{
    Case c;
    case_init(&c, row);
    record(&c, v->mode, build);
    const bool f64 = v->flags & LIM_PLAN_F64;

    LimVal seed, of = differentiated(&c, &seed), by[256], d[256], want[512];
    const char *grad_name[256], *output;
    int n_grad = 0, n_want = 0;
    json_t *shape;
    json_object_foreach(json_object_get(row, "outputs"), output,
                        shape) if (g_str_has_prefix(output, "grad.") &&
                                   !find_absent(c.name, output))
    {
        g_assert_cmpint(n_grad, <, (int)G_N_ELEMENTS(by));
        grad_name[n_grad] = output;
        by[n_grad++] = source(&c, output + 5);
    }
    if (n_grad)
        lim_graph_grad(c.g, of, seed, by, d, n_grad);
    for (int i = 0; i < n_grad; i++) {
        g_assert_true(lim_val_ok(d[i]));
        want[n_want++] = d[i];
    }
    for (int i = 0; i < c.n_result; i++)
        want[n_want++] = c.result[i].val;

    LimError err = LIM_ERROR_INIT;
    LimPlan *plan = lim_plan_new(c.g, want, n_want, v->flags, v->exec, &err);
    g_assert_cmpstr(err.text, ==, "");
    for (int i = 0; i < c.n_given; i++)
        lim_plan_bind(plan, c.given[i].val,
                      f64 && c.given[i].wide ? (void *)c.given[i].wide
                                             : lim_tensor_data(c.given[i].tensor));
    lim_plan_bind(plan, c.momentum_val, f64 ? (void *)&c.momentum64 : (void *)&c.momentum);
    const uint64_t before = lim_store_hash(c.store);
    for (int i = 0; i < 2; i++) /* the second run leaves constants alone */
        g_assert_cmpint(lim_plan_run(plan, v->exec, &err), ==, LIM_OK);
    g_assert_true(lim_store_hash(c.store) == before);

    for (int i = 0; i < n_grad; i++)
        compare(&c, grad_name[i], lim_plan_get(plan, d[i]), f64, lim_graph_shape(c.g, d[i]),
                v->tolerance, v->name);
    json_object_foreach(json_object_get(row, "outputs"), output, shape)
    {
        LimVal val = find_result(&c, output);
        if (lim_val_ok(val))
            compare(&c, output, lim_plan_get(plan, val), f64, lim_graph_shape(c.g, val),
                    v->tolerance, v->name);
    }

    /* everything was used and everything was compared */
    const char *input;
    json_object_foreach(json_object_get(row, "inputs"), input, shape)
    {
        bool used = false;
        for (int i = 0; i < c.n_given; i++)
            used |= strcmp(c.given[i].name, input) == 0;
        char *full = g_strconcat(c.strip, input, NULL);
        used |= lim_store_find(c.store, full) >= 0;
        g_free(full);
        if (!used)
            g_error("%s: the input %s was not used", c.name, input);
    }
    json_object_foreach(json_object_get(row, "outputs"), output, shape)
    {
        struct Absent *a = find_absent(c.name, output);
        const bool frozen = v->mode == LIM_MODE_FROZEN && g_str_has_prefix(output, "after.");
        const bool compared = g_hash_table_contains(c.compared, output);
        if (a)
            a->used++;
        if (compared == (a || (frozen && c.b.n_params)))
            g_error("%s: %s was %scompared", c.name, output, compared ? "" : "not ");
    }
    lim_plan_free(plan);
    case_clear(&c);
}

static void
test_optimiser(const json_t *row, const char *what)
{
    Case c;
    case_init(&c, row);
    LimError err = LIM_ERROR_INIT;
    LimTensor *p0 = lim_st_get(c.file, "param", &err), *grads = lim_st_get(c.file, "grad", &err);
    g_assert_cmpstr(err.text, ==, "");
    const int n = lim_tensor_shape(p0).d[0], steps = lim_tensor_shape(grads).d[0];
    c.store = lim_store_new(1);
    float *p =
        lim_store_entry(c.store, "p", LIM_SHAPE1(n), (LimInit){LIM_INIT_ZERO, 0}, true, &err);
    memcpy(p, lim_tensor_f32(p0), (size_t)n * sizeof *p);
    LimOptim *optim = lim_optim_new(c.store, (int[]){0}, 1);
    LimOptimParams o = {.kind = LIM_OPTIM_ADAM,
                        .lr = number(&c, "lr"),
                        .weight_decay = number(&c, "weight_decay")};
    if (strcmp(what, "adam") == 0) {
        o.beta1 = number(&c, "beta1");
        o.beta2 = number(&c, "beta2");
        o.eps = number(&c, "eps");
    } else {
        o.kind = LIM_OPTIM_SGD;
        o.momentum = number(&c, "momentum");
        o.nesterov = flag(&c, "nesterov");
    }
    float *track = g_new(float, n *steps);
    for (int i = 0; i < steps; i++) {
        const float *g = lim_tensor_f32(grads) + i * n;
        lim_optim_step(optim, &o, &g, NULL);
        memcpy(track + i * n, p, (size_t)n * sizeof *p);
    }
    g_assert_cmpint(lim_optim_steps(optim), ==, steps);
    compare(&c, "out.param", track, false, LIM_SHAPE2(steps, n), 1e-6, what);
    g_free(track);
    lim_optim_free(optim);
    lim_tensor_unref(p0);
    lim_tensor_unref(grads);
    case_clear(&c);
}

static void
test_average(const json_t *row)
{
    Case c;
    case_init(&c, row);
    LimError err = LIM_ERROR_INIT;
    LimTensor *first = lim_st_get(c.file, "average", &err);
    LimTensor *values = lim_st_get(c.file, "param", &err);
    g_assert_cmpstr(err.text, ==, "");
    const int n = lim_tensor_shape(first).d[0], steps = lim_tensor_shape(values).d[0];
    const LimInit zero = {LIM_INIT_ZERO, 0};
    c.store = lim_store_new(1);
    float *p = lim_store_entry(c.store, "p", LIM_SHAPE1(n), zero, true, &err);
    LimStore *average = lim_store_dup(c.store);
    float *a = lim_store_data(average, 0), *track = g_new(float, n *steps);
    memcpy(a, lim_tensor_f32(first), (size_t)n * sizeof *a);
    for (int i = 0; i < steps; i++) {
        memcpy(p, lim_tensor_f32(values) + i * n, (size_t)n * sizeof *p);
        lim_store_average(average, c.store, number(&c, "decay"));
        memcpy(track + i * n, a, (size_t)n * sizeof *a);
    }
    compare(&c, "out.average", track, false, LIM_SHAPE2(steps, n), 1e-6, "ema");
    g_free(track);
    lim_store_free(average);
    lim_tensor_unref(first);
    lim_tensor_unref(values);
    case_clear(&c);
}

static void
test_singular_values(const json_t *row)
{
    Case c;
    case_init(&c, row);
    LimError err = LIM_ERROR_INIT;
    LimTensor *given = lim_st_get(c.file, "weight", &err);
    const LimShape shape = lim_tensor_shape(given);
    const LimInit zero = {LIM_INIT_ZERO, 0};
    const LimExec exec = {.kernels = lim_kernels_best()};
    c.store = lim_store_new(1);
    float *w = lim_store_entry(c.store, "w", shape, zero, true, &err);
    LimSpectra *s = lim_spectra_new(c.store);
    lim_spectra_step(s, LIM_SPECTRA, 3, &exec); /* a matrix of zeros leaves nothing behind */
    for (int k = 0; k < LIM_SPECTRA; k++)
        g_assert_true(fpclassify(lim_spectra_values(s, 0)[k]) == FP_ZERO);
    memcpy(w, lim_tensor_f32(given), (size_t)lim_tensor_size(given) * sizeof *w);
    for (int k = 0; k < 100; k++)
        lim_spectra_step(s, LIM_SPECTRA, 2, &exec);
    g_assert_cmpint(lim_spectra_count(s), ==, 1);
    g_assert_cmpstr(lim_spectra_name(s, 0), ==, "w");
    /* the weights are the float32 of the file, the expected values of those weights in double */
    compare(&c, "out.sigma", lim_spectra_values(s, 0), true, LIM_SHAPE1(LIM_SPECTRA), 1e-7,
            "sigma");
    lim_spectra_clamp(s, 1e9, &exec);
    g_assert_cmpmem(w, (size_t)lim_tensor_size(given) * sizeof *w, lim_tensor_f32(given),
                    (size_t)lim_tensor_size(given) * sizeof *w);
    lim_spectra_clamp(s, number(&c, "clamp"), &exec);
    compare(&c, "out.clamped", w, false, shape, 1e-5, "clamped");
    lim_spectra_free(s);
    lim_tensor_unref(given);
    case_clear(&c);
}

static void
test_case(gconstpointer data)
{
    const json_t *row = data;
    const char *name = json_string_value(json_object_get(row, "name"));
    const char *what = json_string_value(json_object_get(row, "what"));
    struct Absent *a = find_absent(name, NULL);
    if (a) {
        a->used++;
        g_test_skip(a->why);
        return;
    }
    if (strcmp(what, "adam") == 0 || strcmp(what, "sgd") == 0) {
        test_optimiser(row, what);
        return;
    }
    if (strcmp(what, "ema") == 0) {
        test_average(row);
        return;
    }
    if (strcmp(what, "singular_values") == 0) {
        test_singular_values(row);
        return;
    }
    size_t k = 0;
    while (k < G_N_ELEMENTS(handlers) && strcmp(handlers[k].what, what) != 0)
        k++;
    if (k == G_N_ELEMENTS(handlers))
        g_error("%s: no handler builds a \"%s\"", name, what);

    const json_t *params = json_object_get(row, "params");
    const bool eval = json_is_false(json_object_get(params, "training"));
    const LimMode mode = eval ? LIM_MODE_EVAL : LIM_MODE_TRAIN;
    check_refused(row, mode, handlers[k].build);

    /* batch_norm_flat: the mean is 400 standard deviations, so a rounding (6e-8) weighs 2.4e-5 */
    const bool flat = strcmp(name, "batch_norm_flat") == 0;
    const double fast = handlers[k].network ? 2e-4 : flat ? 1e-4 : 1e-5;
    LimExec exec = {.kernels = lim_kernels_best()};
    run_variant(row, handlers[k].build,
                &(Variant){mode, LIM_PLAN_F64, &exec, 1e-10, "double references"});
    for (const LimKernels *const *t = lim_kernels_all(); *t; t++) {
        exec.kernels = *t;
        run_variant(row, handlers[k].build, &(Variant){mode, 0, &exec, fast, (*t)->name});
    }
    exec = (LimExec){.kernels = lim_kernels_best(), .pool = lim_pool_new(2)};
    run_variant(row, handlers[k].build, &(Variant){mode, 0, &exec, fast, "two threads"});
    if (!eval)
        run_variant(row, handlers[k].build, &(Variant){LIM_MODE_FROZEN, 0, &exec, fast, "frozen"});
    lim_pool_free(exec.pool);
}

/* Added last, so it runs last: rows of `absent` that fit nothing are out of date. */
static void
test_absent(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(absent); i++)
        if (!absent[i].used)
            g_error("nothing fits %s %s in the list of what is absent", absent[i].cases,
                    absent[i].output ? absent[i].output : "");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = g_build_filename(g_getenv("LIMEN_SOURCE"), "tests", "golden", NULL);
    char *path = g_build_filename(folder, "manifest.json", NULL);
    json_error_t error;
    manifest = json_load_file(path, 0, &error);
    if (!manifest)
        g_error("%s: %s", path, error.text);
    g_free(path);
    size_t i;
    const json_t *row;
    const json_t *cases = json_object_get(manifest, "cases");
    g_assert_cmpuint(json_array_size(cases), >, 0);
    json_array_foreach(cases, i, row)
    {
        char *name = g_strdup_printf("/golden/%s", json_string_value(json_object_get(row, "name")));
        g_test_add_data_func(name, row, test_case);
        g_free(name);
    }
    g_test_add_func("/golden/absent", test_absent);
    const int failed = g_test_run();
    json_decref(manifest);
    g_free(folder);
    return failed;
}
