/* What the two architectures of BigGAN are made of: biggan.c holds the parts and the plain one,
 * biggan-deep.c the other. */
#pragma once

#include "models/biggan.h"

/* A network under construction. */
typedef struct BigganNet {
    LimBuild *b;
    const LimBigganParams *p;
    LimInit init;
    LimVal label;
    LimVal embedding; /* shared class embedding, of the generator; LIM_NOVAL: tables per class */
} BigganNet;

BigganNet biggan_net(LimBuild *b, const LimBigganParams *p, LimVal label);
LimVal biggan_conv(const BigganNet *n, const char *name, LimVal x, int out, int kernel);
/* What the batch norms of a block are told beside class tables: the shared embedding, z or a slot
 * of it, both, or nothing. */
LimVal biggan_condition(const BigganNet *n, LimVal z);
/* Conditional batch norm and ReLU. */
LimVal biggan_norm(const BigganNet *n, const char *name, LimVal x, LimVal y);
LimVal biggan_attention(const BigganNet *n, LimVal x, LimVal *map);
bool biggan_d_attends(const BigganNet *n, LimBigganSize size);
/* Generator: BN, ReLU, 3x3 to the colours, tanh. Discriminator: ReLU, sum over places, projection.
 */
LimVal biggan_tail(const BigganNet *n, LimVal h);
LimVal biggan_head(const BigganNet *n, LimVal h);

LimVal biggan_deep_generator(const BigganNet *n, LimVal z, LimVal *map);
LimVal biggan_deep_discriminator(const BigganNet *n, LimVal x);
