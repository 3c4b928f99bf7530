/* What a person asks a generator for: the settings of the Generate view and of `limen-cli sample`,
 * `interpolate`, `attention` and `sweep`. Everything drawn is a function of a request and a model
 * file, so that the same settings give the same bytes.
 *
 * A zeroed struct with count, threshold (and label) set asks for the plain samples of a seed: every
 * further field then means "not used". */
#pragma once

#include "base/param.h"

typedef enum LimTruncation {
    LIM_TRUNC_INVERSE_CDF, /* z = Q(Phi(-t) + u (Phi(t) - Phi(-t))): moves continuously with t */
    LIM_TRUNC_RESAMPLE,    /* redraw every |z_i| > t (Brock et al. 2019, section 3.1) */
    LIM_TRUNC_SCALE        /* t * z with |z| <= 2 (as in published TF-Hub weights) */
} LimTruncation;
extern const char *const lim_truncation_names[]; /* as flags and files say them; ends with NULL */

#define LIM_THRESHOLD_MIN 0.02
#define LIM_THRESHOLD_MAX 2.5
#define LIM_SLOTS         4  /* of the hierarchical latent: the first layer, then one per block */
#define LIM_WALK_MAX      20 /* independent latents of 80 values are about 12.6 sigma apart */

/* Sample i of a request with seed s uses latent counter i, so the first 4 of 16 are the same
 * pictures as a request for 4. */
typedef struct LimSampleRequest {
    int count; /* 1 .. 256 */
    int label; /* class of all samples; -1: sample i has class i % classes */
    uint64_t seed;
    double threshold; /* truncation threshold, 0.02 .. 2.5 */
    int truncation;   /* LimTruncation */

    /* The class embedding is (1 - blend) e(label) + blend e(blend_label). */
    int blend_label; /* -1: no blend */
    double blend;    /* 0 .. 1 */
    /* The Gaussian under z is moved by walk_x a + walk_y b, with a, b a fixed random orthonormal
     * pair (lim_generator_plane()), and truncated after that. */
    double walk_x, walk_y;            /* sigma, -20 .. 20 */
    double slot_threshold[LIM_SLOTS]; /* 0: as the threshold; else 0.02 .. 2.5 */
    /* Slots whose bit is set in mix_slots (bit 0: the first layer) take their part of z from the
     * latent of mix_seed. */
    uint64_t mix_seed;
    int mix_slots; /* 0 .. 15 */
} LimSampleRequest;

extern const LimParamSpec lim_sample_schema[]; /* over LimSampleRequest */

/* LIM_E_PARAM and a sentence for a value out of range. (Classes are known to the generator only:
 * lim_generator_check().) */
LimStatus lim_sample_check(const LimSampleRequest *r, LimError *err);
/* Do both ask any model for the same pictures? */
bool lim_sample_equal(const LimSampleRequest *a, const LimSampleRequest *b);
/* The threshold that holds in a slot, 0 .. LIM_SLOTS - 1. */
double lim_sample_threshold(const LimSampleRequest *r, int slot);

#define LIM_INDEX_MAX 100000
/* One picture of a request: what a sheet or a strip is made of. */
typedef struct LimSample {
    LimSampleRequest request;
    int index; /* 0 .. LIM_INDEX_MAX; may be beyond request.count */
} LimSample;

/* The way from one sample to another. */
typedef enum LimPath {
    LIM_PATH_LINEAR,   /* z = (1 - s) z_from + s z_to (Brock et al. 2019, figure 8) */
    LIM_PATH_SPHERICAL /* along the great circle of the Gaussians under z, truncated after that */
} LimPath;
typedef enum LimTravel {
    LIM_TRAVEL_BOTH,   /* z and class */
    LIM_TRAVEL_LATENT, /* z; the class is that of `from` */
    LIM_TRAVEL_CLASS   /* the class; z is that of `from` */
} LimTravel;
typedef struct LimInterpolation {
    LimSample from, to;
    int steps; /* pictures, both ends included, 2 .. 64 */
    int rows;  /* 1 .. 16; row k goes from sample from.index + k to sample to.index + k */
    int path;  /* LimPath */
    int what;  /* LimTravel */
} LimInterpolation;

extern const LimParamSpec lim_interpolation_schema[]; /* all but the two requests */
