/* Named parameters and buffers of a network.
 *
 * Names are paths with PyTorch's habits: "blocks.0.conv1.weight". Parameters are trained; buffers
 * (running statistics, power-iteration vectors) are state that training updates but no gradient
 * reaches. Memory of an entry never moves. */
#pragma once

#include "base/status.h"
#include "tensor/safetensors.h"
#include "tensor/tensor.h"

#include <stdint.h>

typedef struct LimStore LimStore;

typedef enum LimInitKind {
    LIM_INIT_ZERO,
    LIM_INIT_ONE,
    LIM_INIT_NORMAL,     /* N(0, gain^2) */
    LIM_INIT_HE,         /* N(0, 2 gain^2 / fan_in) */
    LIM_INIT_XAVIER,     /* U(-a, a), a = gain sqrt(6 / (fan_in + fan_out)) */
    LIM_INIT_ORTHOGONAL, /* rows (or columns) orthonormal, times gain (Saxe et al. 2014) */
    LIM_INIT_UNIT        /* a random vector of length 1 */
} LimInitKind;
typedef struct LimInit {
    LimInitKind kind;
    double gain;
} LimInit;

/* Initial values are a function of (seed, name): the order of creation does not matter. */
LimStore *lim_store_new(uint64_t seed);
void lim_store_free(LimStore *s); /* NULL is fine */
LimStore *lim_store_dup(const LimStore *s);

/* The entry of that name, created on first use. An existing entry must have the same shape: false
 * and err otherwise. */
float *lim_store_entry(LimStore *s, const char *name, LimShape shape, LimInit init, bool trained,
                       LimError *err);
int lim_store_count(const LimStore *s);
const char *lim_store_name(const LimStore *s, int i);
LimShape lim_store_shape(const LimStore *s, int i);
bool lim_store_trained(const LimStore *s, int i); /* parameter or buffer? */
float *lim_store_data(LimStore *s, int i);
int lim_store_find(const LimStore *s, const char *name); /* -1: none */
int64_t lim_store_parameters(const LimStore *s);         /* number of trained values */
/* Copies every value; the two hold the same entries (asserted). */
void lim_store_copy(LimStore *to, const LimStore *from);
/* 64-bit hash of names and values, for checkpoints and tests. */
uint64_t lim_store_hash(const LimStore *s);

/* While a file is set (borrowed; NULL ends it), new entries take their values from it instead of
 * being drawn, and lim_store_entry() fails for one that is missing there or has another shape. So a
 * network is loaded by building it, and a file costs no more memory than its own size. */
void lim_store_source(LimStore *s, const LimStFile *f);

/* File exchange: adds every entry under prefix; reads every entry that the store already holds and
 * fails when one is missing or has another shape. */
void lim_store_write(LimStore *s, LimStWriter *w, const char *prefix, bool as_f16);
LimStatus lim_store_read(LimStore *s, const LimStFile *f, const char *prefix, LimError *err);
