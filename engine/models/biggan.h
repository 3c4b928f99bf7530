/* BigGAN at 32x32 (Brock, Donahue, Simonyan, ICLR 2019) with self-attention (Zhang et al., ICML
 * 2019): class-conditional batch norm from a shared embedding and a slice of z per block
 * (hierarchical latent), residual discriminator with projection, spectral norm in both nets. Every
 * part that the two papers compare can be switched; the defaults are the whole. BigGAN-deep
 * (appendix B of the former) is a second architecture under the same settings.
 *
 * Two identities save work without changing the function: a 1x1 convolution commutes with nearest
 * upsampling and with average pooling, so shortcuts run at the lower resolution. */
#pragma once

#include "base/param.h"
#include "nn/build.h"

typedef enum LimBigganSn { LIM_BIGGAN_SN_NONE, LIM_BIGGAN_SN_D, LIM_BIGGAN_SN_BOTH } LimBigganSn;

typedef enum LimBigganArchitecture { LIM_BIGGAN_PLAIN, LIM_BIGGAN_DEEP } LimBigganArchitecture;

typedef struct LimBigganParams {
    int architecture; /* LimBigganArchitecture */
    int channels;     /* of pictures: 1 or 3 */
    int classes;
    int g_ch, d_ch; /* width multipliers: hidden maps have 4 ch channels */
    int latent;     /* length of z; with skip_z a multiple of the slots (not when deep) */
    int shared;     /* length of the shared class embedding */
    bool g_attention, d_attention;
    int g_attention_size, d_attention_size; /* LimBigganSize: of the map that it looks over */
    int attention;                          /* LimAttentionKind */
    bool skip_z; /* blocks see z: a slot of their own (deep: all of it); false: only the first layer
                  */
    bool shared_embedding; /* false: tables per class in every batch norm */
    int spectral_norm;     /* LimBigganSn */
    bool wide_d; /* hidden maps of D's blocks as wide as their output; false: as their input (deep:
                    neither, a quarter of their output) */
    int init;    /* LimBigganInit: of the weights before training */
} LimBigganParams;

typedef enum LimBigganSize { LIM_BIGGAN_8, LIM_BIGGAN_16, LIM_BIGGAN_32 } LimBigganSize;
typedef enum LimBigganInit {
    LIM_BIGGAN_ORTHOGONAL,
    LIM_BIGGAN_NORMAL, /* N(0, 0.02^2) */
    LIM_BIGGAN_XAVIER
} LimBigganInit;

extern const LimParamSpec lim_biggan_schema[];
#define LIM_BIGGAN_SIZE  32
#define LIM_BIGGAN_SLOTS 4

/* Parts of z that act at different depths of the generator, each latent / slots long: the first
 * layer and each block; 1 where z is not split. */
int lim_biggan_slots(const LimBigganParams *p);
/* z [n][latent], label int [n] -> pictures [n][channels][32][32] in (-1,1). In place of labels,
 * float weights [n][classes] blend classes. attention receives the map [n][queries][keys] of
 * lim_layer_attention(), or LIM_NOVAL without attention; may be NULL. */
LimVal lim_biggan_generator(LimBuild *b, const LimBigganParams *p, LimVal z, LimVal label,
                            LimVal *attention);
/* x [n][channels][32][32], label int [n] -> score [n][1] */
LimVal lim_biggan_discriminator(LimBuild *b, const LimBigganParams *p, LimVal x, LimVal label);
