/* Building networks: a graph, a store, a scope of names, and the layers made of them.
 *
 * One description of a network serves training and inference: LimBuild.mode decides whether batch
 * statistics or running ones are used, whether power iterations advance, and whether parameters are
 * variables (change every step) or constants (folded once). Errors stick to the graph. */
#pragma once

#include "nn/store.h"
#include "ops/ops.h"

typedef enum LimMode {
    LIM_MODE_TRAIN,  /* batch statistics; buffers are updated; parameters are variables */
    LIM_MODE_FROZEN, /* as TRAIN, but nothing of this network is updated (D in the G step) */
    LIM_MODE_EVAL    /* running statistics; parameters are constants */
} LimMode;

#define LIM_BUILD_MAX_UPDATES 256
#define LIM_BUILD_MAX_PARAMS  512
#define LIM_BUILD_MAX_MASKS   4

typedef struct LimBuild {
    LimGraph *g;
    LimStore *store;
    LimMode mode;
    double bn_eps, sn_eps;
    LimVal bn_momentum; /* [1]: running = running + (batch - running) m; needed in TRAIN with BN */
    bool spectral_norm; /* for the layers with a `sn` choice */
    char scope[128];
    /* What was used, in order of first use. */
    LimVal param[LIM_BUILD_MAX_PARAMS];    /* trained entries as values */
    int param_entry[LIM_BUILD_MAX_PARAMS]; /* ... and their index in the store */
    int n_params;
    LimVal update[LIM_BUILD_MAX_UPDATES]; /* new buffer values, to be copied after a run */
    int update_entry[LIM_BUILD_MAX_UPDATES];
    int n_updates;
    LimVal mask[LIM_BUILD_MAX_MASKS]; /* dropout's feeds, to be filled before a run */
    double mask_rate[LIM_BUILD_MAX_MASKS];
    int n_masks;
} LimBuild;

void lim_build_init(LimBuild *b, LimGraph *g, LimStore *store, LimMode mode);
/* Scopes: push("blocks.%d", i) ... pop(length) with the value that push returned. */
int lim_build_push(LimBuild *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void lim_build_pop(LimBuild *b, int length);

/* The parameter or buffer scope.name as a graph value; the same value when asked again. */
LimVal lim_build_param(LimBuild *b, const char *name, LimShape shape, LimInit init);
LimVal lim_build_buffer(LimBuild *b, const char *name, LimShape shape, LimInit init);
/* After a run in TRAIN mode, the named buffer becomes this value. */
void lim_build_update(LimBuild *b, const char *name, LimVal value);

/* ---- layers: names below the current scope --------------------------------------------------- */

/* name.weight [oc][c][k][k], name.bias; sn adds name.weight_u. */
typedef struct LimConvLayer {
    int out, kernel, stride, pad;
    bool bias, sn;
    LimInit init;
} LimConvLayer;
LimVal lim_layer_conv(LimBuild *b, const char *name, LimVal x, LimConvLayer l);
/* x [n][in] -> [n][out]; name.weight [out][in], name.bias */
LimVal lim_layer_linear(LimBuild *b, const char *name, LimVal x, int out, bool bias, bool sn,
                        LimInit init);
/* name.weight [count][size] -> [n][size]. label: int [n] looks rows up; float [n][count] holds
 * weights, so that a blend of classes gives the blend of their rows (a single 1 gives just its
 * row). */
LimVal lim_layer_embedding(LimBuild *b, const char *name, LimVal label, int count, int size,
                           bool sn, LimInit init);
/* Batch norm with its own gain (1) and bias (0): name.weight, .bias, .running_mean, .running_var */
LimVal lim_layer_batch_norm(LimBuild *b, const char *name, LimVal x, bool relu);
/* Class-conditional batch norm (BigGAN, papers' "shared embedding"): gain 1 + W_g y and bias W_b y
 * from a condition y [n][d]: name.gain.weight [c][d], name.bias.weight, .running_mean, .running_var
 */
LimVal lim_layer_cond_batch_norm(LimBuild *b, const char *name, LimVal x, LimVal y, bool relu,
                                 LimInit init);
/* The same with a table of its own for every class in place of a shared embedding (Zhang et al.
 * 2019): gain 1 + row, bias row, rows from 0. A condition y [n][d] adds W y as above; LIM_NOVAL:
 * none. name.class_gain.weight [classes][c], name.class_bias.weight; not spectrally normalised. */
LimVal lim_layer_class_batch_norm(LimBuild *b, const char *name, LimVal x, LimVal label,
                                  int classes, LimVal y, bool relu, LimInit init);

/* Dropout (Srivastava et al. 2014): x times a mask that whoever runs the graph draws anew for every
 * step, 0 with probability rate, else 1 / (1 - rate); in EVAL x itself. */
LimVal lim_layer_dropout(LimBuild *b, LimVal x, double rate);

/* What looks over a map of features. Parameters of the three, for C channels (C >= 8):
 * pooled 5/4 C^2 + 1, paper 1/2 C^2 + 1, residual 5/4 C^2. */
typedef enum LimAttentionKind {
    /* the published code of SAGAN, and BigGAN: queries and keys C/8, values C/2, keys and values
     * max-pooled 2x2, 1x1 convolutions without bias, y = gamma o + x with gamma from 0 */
    LIM_ATTENTION_POOLED,
    /* the paper's text (Zhang et al. 2019, equations 1 to 3): no pooling, values C/8 */
    LIM_ATTENTION_PAPER,
    /* no attention: a residual block x + 1x1(relu(3x3(relu(x)))) with C/8 channels inside, as many
     * parameters as the pooled form (the control of table 1) */
    LIM_ATTENTION_RESIDUAL
} LimAttentionKind;
/* x [n][c][h][w], h and w even for the pooled form. attention receives the map [n][queries][keys]
 * (keys h w / 4 when pooled, else h w; LIM_NOVAL for the residual block) when not NULL. */
LimVal lim_layer_attention(LimBuild *b, const char *name, LimVal x, LimAttentionKind kind,
                           LimInit init, LimVal *attention);
