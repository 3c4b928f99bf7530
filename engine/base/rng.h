/* Counter-based random numbers: Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy
 * as 1, 2, 3", SC 2011).
 *
 * A value is a pure function of (seed, stream, index): same bytes across runs, threads, window and
 * command line. Streams keep uses apart (LIM_STREAM_...); index walks within one. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    LIM_STREAM_INIT = 1,    /* parameter initialisation; + hash of the name */
    LIM_STREAM_SHUFFLE = 2, /* order of a data set */
    LIM_STREAM_AUGMENT = 3,
    LIM_STREAM_LATENT = 4, /* z of generators */
    LIM_STREAM_LABEL = 5,
    LIM_STREAM_ATTACK = 6,
    LIM_STREAM_TEST = 7,
    LIM_STREAM_SCENE = 8,
    LIM_STREAM_BOXES = 9 /* which anchors and proposals train */
};

/* The four words of block `index` of stream `stream`. */
void lim_rng_block(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4]);
/* Of the n blocks from `first` on, out [n][4]: quicker than one by one. */
void lim_rng_blocks(uint64_t seed, uint64_t stream, uint64_t first, size_t n, uint32_t *out);

/* Fill out[i] from counter positions first+i, so a long fill equals several short ones: uniform on
 * [0,1), or normal N(0,1). */
void lim_rng_uniform(uint64_t seed, uint64_t stream, uint64_t first, float *out, size_t n);
void lim_rng_normal(uint64_t seed, uint64_t stream, uint64_t first, float *out, size_t n);
/* One 64-bit value; one uniform integer in [0, below), without modulo bias worth speaking of. */
uint64_t lim_rng_u64(uint64_t seed, uint64_t stream, uint64_t index);
uint32_t lim_rng_below(uint64_t seed, uint64_t stream, uint64_t index, uint32_t below);
/* A permutation of 0..n-1 (Fisher-Yates). */
void lim_rng_permutation(uint64_t seed, uint64_t stream, uint32_t *out, uint32_t n);
/* 64-bit FNV-1a hash of bytes; h: LIM_HASH_BEGIN, or the hash of what comes before them. */
#define LIM_HASH_BEGIN UINT64_C(0xcbf29ce484222325)
uint64_t lim_hash(uint64_t h, const void *data, size_t n);
/* Mixes a string or number into a stream id. */
uint64_t lim_rng_stream(uint64_t base, const char *name, uint64_t number);

/* Normal distribution, double: density is not needed; cdf and its inverse are (truncation). */
double lim_normal_cdf(double x);
double lim_normal_quantile(double p); /* p in (0,1); relative error below 1e-12 */
