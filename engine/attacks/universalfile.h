/* A universal perturbation as a file: safetensors with the tensor "v" [c][h][w] and, under the key
 * "limen.universal", a JSON object
 *
 *   {"settings": {...}, "model": "fashion-plain.safetensors", "hash": "0123456789abcdef",
 *    "data": "fashion-mnist", "pictures": 1000, "first": 0, "unseen": 1000, "best": 3,
 *    "passes": [{"ratio": 0.4, "unseen": 0.39}, ...], "command": "limen-cli universal make ..."}
 *
 * with the names and values of lim_universal_schema; "passes" begins before the first. No path of a
 * machine and no time goes into it, so equal runs are equal bytes. */
#pragma once

#include "attacks/universal.h"

#define LIM_UNIVERSALFILE_KEY "limen.universal"

typedef struct LimUniversalAbout {
    const LimUniversalParams *params;
    const char *model; /* path or name; the last part is written */
    uint64_t hash;     /* lim_predictor_hash() */
    const char *data;  /* name of the set */
    int pictures, first, unseen;
    const char *command; /* that makes it again */
} LimUniversalAbout;

/* The best v so far. Atomic. */
LimStatus lim_universalfile_write(const char *path, const LimUniversalAbout *about,
                                  const LimUniversal *u, LimError *err);

typedef struct LimUniversalFile {
    LimUniversalParams params;
    char model[LIM_TEXT_MAX], data[LIM_TEXT_MAX], command[LIM_TEXT_MAX];
    uint64_t hash;
    LimShape shape;         /* {c, h, w} */
    float *v;               /* [c][h][w] */
    double l2, linf;        /* of v, computed anew */
    double ratio, unseen;   /* fooling ratios as the file says; NaN: it does not */
    int pictures, n_unseen; /* that they are of */
} LimUniversalFile;

/* LIM_E_FORMAT when it is none, or v is not finite or larger than its bound. The caller ends it
 * with lim_universalfile_clear(). */
LimStatus lim_universalfile_read(const char *path, LimUniversalFile *out, LimError *err);
LimStatus lim_universalfile_parse(const uint8_t *data, size_t size, const char *name,
                                  LimUniversalFile *out, LimError *err);
void lim_universalfile_clear(LimUniversalFile *f);

/* v as a picture: 128 is 0, and the largest |v| is black or white; inside, the settings
 * and the gain that the values were enlarged by. Atomic. */
LimStatus lim_universalfile_png(const char *path, LimShape shape, const float *v,
                                const LimUniversalAbout *about, LimError *err);
