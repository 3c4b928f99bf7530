/* The result of an attack as files, the same from the window and from the command line: a PNG of
 * the 8-bit picture, with everything inside that makes it again, and beside it (".npy") the float
 * picture. */
#pragma once

#include "attacks/attack.h"

#define LIM_ATTACKFILE_FROM_MAX 256
#define LIM_ATTACKFILE_PROGRAM  "external program" /* as the model: an oracle was attacked */

/* How the attack was made. */
typedef struct LimAttackAbout {
    const LimAttackClass *klass;
    const void *params;
    const char *model;    /* path or name; the last part is written */
    const char *denoiser; /* the same of one in front of it; NULL: none */
    bool oblivious;       /* the attack did not know of it: it was made on the model alone */
    const char *from;     /* where the picture is from: "test", "sample", or the path of a file */
    uint32_t picture;     /* its number there */
    int right, target;    /* classes; target -1: untargeted */
    int64_t queries, lattice;
    uint64_t seed;
} LimAttackAbout;

/* path: "x.png"; the other file is "x.npy". shape {c, h, w}. r after the end of the attack. */
LimStatus lim_attackfile_write(const char *path, const LimAttackAbout *about, LimShape shape,
                               const LimAttackResult *r, LimError *err);

/* What a PNG of that kind says. */
typedef struct LimAttackRead {
    const LimAttackClass *klass;
    void *params; /* of the class; the caller frees */
    char model[LIM_TEXT_MAX], from[LIM_ATTACKFILE_FROM_MAX];
    char denoiser[LIM_TEXT_MAX]; /* "": none */
    bool oblivious;
    uint32_t picture;
    int target;
    int64_t queries, lattice;
    uint64_t seed;
} LimAttackRead;
/* LIM_E_FORMAT when there are no such settings in it. */
LimStatus lim_attackfile_read(const char *path, LimAttackRead *out, LimError *err);

/* A PNG file as a picture for a model: out [c][h][w] in [0,1]. Squares of equal pixels, as in
 * exported samples, are one pixel; smaller pictures stand in a black frame, as the data does.
 * LIM_E_SHAPE when it is too large. */
LimStatus lim_attackfile_picture(const char *path, LimShape shape, float *out, LimError *err);
