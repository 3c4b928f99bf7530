/* BigGAN at 32x32 (Brock, Donahue, Simonyan, ICLR 2019) with self-attention at 16x16 (Zhang et al.,
 * ICML 2019): class-conditional batch norm from a shared embedding and a slice of z per block
 * (hierarchical latent), wide residual discriminator with projection, spectral norm in both nets.
 *
 * Two identities save work without changing the function: a 1x1 convolution commutes with nearest
 * upsampling and with average pooling, so shortcuts run at the lower resolution. */
#pragma once

#include "base/param.h"
#include "nn/build.h"

typedef struct LimBigganParams {
    int channels; /* of pictures: 1 or 3 */
    int classes;
    int g_ch, d_ch;                /* width multipliers: hidden maps have 4 ch channels */
    int latent;                    /* length of z, split into 4 slots */
    int shared;                    /* length of the shared class embedding */
    bool g_attention, d_attention; /* at 16x16 */
} LimBigganParams;

extern const LimParamSpec lim_biggan_schema[];
#define LIM_BIGGAN_SIZE  32
#define LIM_BIGGAN_SLOTS 4

/* z [n][latent], label int [n] -> pictures [n][channels][32][32] in (-1,1). attention receives the
 * map of the block at 16x16, [n][256][64], or LIM_NOVAL without attention; may be NULL. */
LimVal lim_biggan_generator(LimBuild *b, const LimBigganParams *p, LimVal z, LimVal label,
                            LimVal *attention);
/* x [n][channels][32][32], label int [n] -> score [n][1] */
LimVal lim_biggan_discriminator(LimBuild *b, const LimBigganParams *p, LimVal x, LimVal label);
