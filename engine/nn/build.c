/* The builder and its layers. */
#include "nn/build.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
lim_build_init(LimBuild *b, LimGraph *g, LimStore *store, LimMode mode)
{
    memset(b, 0, sizeof *b);
    b->g = g;
    b->store = store;
    b->mode = mode;
    b->bn_eps = 1e-4;
    b->sn_eps = 1e-4;
    b->spectral_norm = true;
}

int
lim_build_push(LimBuild *b, const char *fmt, ...)
{
    const int length = (int)strlen(b->scope);
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(b->scope + length, sizeof b->scope - (size_t)length, fmt, ap);
    va_end(ap);
    LIM_ASSERT(length + n + 2 < (int)sizeof b->scope);
    strcat(b->scope, ".");
    return length;
}

void
lim_build_pop(LimBuild *b, int length)
{
    b->scope[length] = '\0';
}

static void
full_name(const LimBuild *b, const char *name, char out[256])
{
    snprintf(out, 256, "%s%s", b->scope, name);
}

/* The store's entry as a value of the graph: a constant in EVAL mode, else a variable. */
static LimVal
entry_value(LimBuild *b, const char *name, LimShape shape, LimInit init, bool trained)
{
    if (lim_graph_status(b->g, NULL) != LIM_OK)
        return LIM_NOVAL; /* shapes are unknown after an error */
    char full[256];
    full_name(b, name, full);
    LimError err = LIM_ERROR_INIT;
    const float *data = lim_store_entry(b->store, full, shape, init, trained, &err);
    if (!data) {
        lim_graph_fail(b->g, err.code, "%s", err.text);
        return LIM_NOVAL;
    }
    if (b->mode == LIM_MODE_EVAL)
        return lim_graph_constant(b->g, full, shape, data);
    return lim_graph_variable(b->g, full, shape, data);
}

LimVal
lim_build_param(LimBuild *b, const char *name, LimShape shape, LimInit init)
{
    LimVal v = entry_value(b, name, shape, init, true);
    if (!lim_val_ok(v))
        return v;
    char full[256];
    full_name(b, name, full);
    const int entry = lim_store_find(b->store, full);
    for (int i = 0; i < b->n_params; i++)
        if (b->param_entry[i] == entry)
            return b->param[i];
    LIM_ASSERT(b->n_params < LIM_BUILD_MAX_PARAMS);
    b->param[b->n_params] = v;
    b->param_entry[b->n_params++] = entry;
    return v;
}

LimVal
lim_build_buffer(LimBuild *b, const char *name, LimShape shape, LimInit init)
{
    return entry_value(b, name, shape, init, false);
}

void
lim_build_update(LimBuild *b, const char *name, LimVal value)
{
    if (b->mode != LIM_MODE_TRAIN || !lim_val_ok(value))
        return;
    char full[256];
    full_name(b, name, full);
    LIM_ASSERT(b->n_updates < LIM_BUILD_MAX_UPDATES);
    b->update[b->n_updates] = value;
    b->update_entry[b->n_updates] = lim_store_find(b->store, full);
    LIM_ASSERT(b->update_entry[b->n_updates] >= 0);
    b->n_updates++;
}

/* scope.weight divided by its spectral norm, when sn and b->spectral_norm */
static LimVal
weight(LimBuild *b, LimShape shape, LimInit init, bool sn)
{
    LimVal w = lim_build_param(b, "weight", shape, init);
    if (!sn || !b->spectral_norm || !lim_val_ok(w))
        return w;
    LimVal u = lim_build_buffer(b, "weight_u", LIM_SHAPE1(shape.d[0]), (LimInit){LIM_INIT_UNIT, 1});
    LimVal u2;
    w = lim_spectral_norm(b->g, w, u, b->sn_eps, &u2, NULL);
    lim_build_update(b, "weight_u", u2);
    return w;
}

LimVal
lim_layer_conv(LimBuild *b, const char *name, LimVal x, LimConvLayer l)
{
    const int at = lim_build_push(b, "%s", name);
    const LimShape s = lim_graph_shape(b->g, x);
    LimVal w = weight(b, LIM_SHAPE4(l.out, s.d[1], l.kernel, l.kernel), l.init, l.sn);
    LimVal bias = LIM_NOVAL;
    if (l.bias)
        bias = lim_build_param(b, "bias", LIM_SHAPE1(l.out), (LimInit){LIM_INIT_ZERO, 0});
    lim_build_pop(b, at);
    LimVal y = lim_conv2d(b->g, x, w, bias, l.stride ? l.stride : 1, l.pad);
    return lim_graph_name(b->g, y, "%s%s", b->scope, name);
}

LimVal
lim_layer_linear(LimBuild *b, const char *name, LimVal x, int out, bool bias, bool sn, LimInit init)
{
    const int at = lim_build_push(b, "%s", name);
    LimVal w = weight(b, LIM_SHAPE2(out, lim_graph_shape(b->g, x).d[1]), init, sn);
    LimVal bv = LIM_NOVAL;
    if (bias)
        bv = lim_build_param(b, "bias", LIM_SHAPE1(out), (LimInit){LIM_INIT_ZERO, 0});
    lim_build_pop(b, at);
    return lim_graph_name(b->g, lim_linear(b->g, x, w, bv), "%s%s", b->scope, name);
}

LimVal
lim_layer_embedding(LimBuild *b, const char *name, LimVal label, int count, int size, bool sn,
                    LimInit init)
{
    const int at = lim_build_push(b, "%s", name);
    LimVal w = weight(b, LIM_SHAPE2(count, size), init, sn);
    lim_build_pop(b, at);
    return lim_graph_type(b->g, label) == LIM_I32 ? lim_gather_rows(b->g, w, label)
                                                  : lim_matmul(b->g, label, w, false, false);
}

/* Batch statistics in training (and their running averages, the variance unbiased as PyTorch keeps
 * it), running ones in EVAL. */
static LimVal
normalise(LimBuild *b, LimVal x, LimVal gain, LimVal bias, double gain_offset, bool relu)
{
    LimGraph *g = b->g;
    const LimShape s = lim_graph_shape(g, x), c = LIM_SHAPE1(s.d[1]);
    LimVal mean = lim_build_buffer(b, "running_mean", c, (LimInit){LIM_INIT_ZERO, 0});
    LimVal var = lim_build_buffer(b, "running_var", c, (LimInit){LIM_INIT_ONE, 0});
    if (lim_graph_status(g, NULL) != LIM_OK)
        return LIM_NOVAL;
    if (b->mode == LIM_MODE_EVAL)
        return lim_norm_affine(g, x, gain, bias, mean, var, gain_offset, b->bn_eps, relu);
    LimVal batch_mean, batch_var;
    LimVal y =
        lim_batch_norm(g, x, gain, bias, gain_offset, b->bn_eps, relu, &batch_mean, &batch_var);
    if (b->mode == LIM_MODE_TRAIN) {
        const double count = (double)s.d[0] * s.d[2] * s.d[3];
        LimVal unbiased = lim_affine(g, batch_var, count > 1 ? count / (count - 1) : 1, 0);
        lim_build_update(b, "running_mean", lim_lerp(g, mean, batch_mean, b->bn_momentum));
        lim_build_update(b, "running_var", lim_lerp(g, var, unbiased, b->bn_momentum));
    }
    return y;
}

LimVal
lim_layer_batch_norm(LimBuild *b, const char *name, LimVal x, bool relu)
{
    const int at = lim_build_push(b, "%s", name);
    const LimShape c = LIM_SHAPE1(lim_graph_shape(b->g, x).d[1]);
    LimVal gain = lim_build_param(b, "weight", c, (LimInit){LIM_INIT_ONE, 0});
    LimVal bias = lim_build_param(b, "bias", c, (LimInit){LIM_INIT_ZERO, 0});
    LimVal y = normalise(b, x, gain, bias, 0, relu);
    lim_build_pop(b, at);
    return lim_graph_name(b->g, y, "%s%s", b->scope, name);
}

LimVal
lim_layer_cond_batch_norm(LimBuild *b, const char *name, LimVal x, LimVal y, bool relu,
                          LimInit init)
{
    const int at = lim_build_push(b, "%s", name);
    const int c = lim_graph_shape(b->g, x).d[1];
    LimVal gain = lim_layer_linear(b, "gain", y, c, false, true, init);
    LimVal bias = lim_layer_linear(b, "bias", y, c, false, true, init);
    LimVal out = normalise(b, x, gain, bias, 1, relu);
    lim_build_pop(b, at);
    return lim_graph_name(b->g, out, "%s%s", b->scope, name);
}

LimVal
lim_layer_class_batch_norm(LimBuild *b, const char *name, LimVal x, LimVal label, int classes,
                           LimVal y, bool relu, LimInit init)
{
    const int at = lim_build_push(b, "%s", name);
    const int c = lim_graph_shape(b->g, x).d[1];
    const LimInit zero = {LIM_INIT_ZERO, 0};
    LimVal gain = lim_layer_embedding(b, "class_gain", label, classes, c, false, zero);
    LimVal bias = lim_layer_embedding(b, "class_bias", label, classes, c, false, zero);
    if (lim_val_ok(y)) {
        gain = lim_add(b->g, gain, lim_layer_linear(b, "gain", y, c, false, true, init));
        bias = lim_add(b->g, bias, lim_layer_linear(b, "bias", y, c, false, true, init));
    }
    LimVal out = normalise(b, x, gain, bias, 1, relu);
    lim_build_pop(b, at);
    return lim_graph_name(b->g, out, "%s%s", b->scope, name);
}

LimVal
lim_layer_dropout(LimBuild *b, LimVal x, double rate)
{
    if (b->mode == LIM_MODE_EVAL || lim_graph_status(b->g, NULL) != LIM_OK)
        return x;
    LIM_ASSERT(b->n_masks < LIM_BUILD_MAX_MASKS);
    LimVal mask = lim_graph_feed(b->g, "mask", LIM_F32, lim_graph_shape(b->g, x));
    b->mask[b->n_masks] = mask;
    b->mask_rate[b->n_masks++] = rate;
    return lim_mul(b->g, x, mask);
}

static LimVal
residual(LimBuild *b, LimVal x, int hidden, LimInit init)
{
    LimGraph *g = b->g;
    LimConvLayer l = {.out = hidden, .kernel = 3, .pad = 1, .sn = true, .init = init};
    LimVal h = lim_layer_conv(b, "conv1", lim_relu(g, x, 0), l);
    l.out = lim_graph_shape(g, x).d[1];
    l.kernel = 1;
    l.pad = 0;
    return lim_add(g, lim_layer_conv(b, "conv2", lim_relu(g, h, 0), l), x);
}

LimVal
lim_layer_attention(LimBuild *b, const char *name, LimVal x, LimAttentionKind kind, LimInit init,
                    LimVal *attention)
{
    LimGraph *g = b->g;
    const LimShape s = lim_graph_shape(g, x);
    const bool pooled = kind == LIM_ATTENTION_POOLED;
    const int n = s.d[0], c = s.d[1], hw = s.d[2] * s.d[3], keys = pooled ? hw / 4 : hw;
    const int c8 = c / 8 > 0 ? c / 8 : 1, cv = !pooled ? c8 : c / 2 > 0 ? c / 2 : 1;
    if (attention)
        *attention = LIM_NOVAL;
    const int at = lim_build_push(b, "%s", name);
    LimVal y;
    if (kind == LIM_ATTENTION_RESIDUAL) {
        y = residual(b, x, c8, init);
    } else {
        LimConvLayer one = {.out = c8, .kernel = 1, .sn = true, .init = init};
        LimVal theta = lim_layer_conv(b, "theta", x, one); /* queries [n][c/8][h][w] */
        LimVal phi = lim_layer_conv(b, "phi", x, one);     /* keys */
        one.out = cv;
        LimVal value = lim_layer_conv(b, "g", x, one);
        if (pooled) {
            phi = lim_max_pool2(g, phi);
            value = lim_max_pool2(g, value);
        }
        theta = lim_reshape(g, theta, LIM_SHAPE3(n, c8, hw));
        phi = lim_reshape(g, phi, LIM_SHAPE3(n, c8, keys));
        value = lim_reshape(g, value, LIM_SHAPE3(n, cv, keys));
        /* beta[query][key] = softmax over keys of theta^T phi; o = g beta^T (equations 1, 2) */
        LimVal beta = lim_softmax(g, lim_matmul(g, theta, phi, true, false)); /* [n][hw][keys] */
        LimVal o = lim_reshape(g, lim_matmul(g, value, beta, false, true),
                               LIM_SHAPE4(n, cv, s.d[2], s.d[3]));
        one.out = c;
        o = lim_layer_conv(b, "o", o, one);
        LimVal gamma = lim_build_param(b, "gamma", LIM_SHAPE1(1), (LimInit){LIM_INIT_ZERO, 0});
        y = lim_add(g, lim_scale_by(g, o, gamma), x);
        if (attention)
            *attention = beta;
    }
    lim_build_pop(b, at);
    return lim_graph_name(g, y, "%s%s", b->scope, name);
}
