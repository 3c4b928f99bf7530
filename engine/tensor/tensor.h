/* Shapes and tensors.
 *
 * A LimShape is up to four dimensions, outermost first (N, C, H, W). A LimTensor is how values
 * enter and leave the engine: dense, row-major, reference-counted (atomically), immutable once
 * shared. */
#pragma once

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIM_MAX_DIM      4
#define LIM_MAX_ELEMENTS ((int64_t)1 << 31) /* per tensor; larger is refused as LIM_E_SHAPE */

typedef struct LimShape {
    int32_t nd; /* 0: a scalar, one element */
    int32_t d[LIM_MAX_DIM];
} LimShape;

#define LIM_SHAPE0             ((LimShape){0, {0}})
#define LIM_SHAPE1(a)          ((LimShape){1, {(a)}})
#define LIM_SHAPE2(a, b)       ((LimShape){2, {(a), (b)}})
#define LIM_SHAPE3(a, b, c)    ((LimShape){3, {(a), (b), (c)}})
#define LIM_SHAPE4(a, b, c, d) ((LimShape){4, {(a), (b), (c), (d)}})

static inline int64_t
lim_shape_size(LimShape s)
{
    int64_t n = 1;
    for (int i = 0; i < s.nd; i++)
        n *= s.d[i];
    return n;
}
bool lim_shape_equal(LimShape a, LimShape b);
/* All dimensions >= 1 and the product within LIM_MAX_ELEMENTS? */
bool lim_shape_valid(LimShape s);
/* "64x3x32x32" (scalar: "1"); returns buf, which holds at least 64 bytes. */
const char *lim_shape_text(LimShape s, char buf[64]);

typedef enum LimType { LIM_F32, LIM_F64, LIM_I32, LIM_U8 } LimType;
size_t lim_type_size(LimType t);

typedef struct LimTensor LimTensor;
/* Zeroed. The shape must be valid (LIM_ASSERT); for outside sizes check lim_shape_valid first. */
LimTensor *lim_tensor_new(LimType type, LimShape shape);
/* The same for shapes and sizes from outside: NULL and LIM_E_SHAPE or LIM_E_NOMEM instead of an
 * abort. what names the thing in the sentence ("tensor 'a' in b.npy"). */
LimTensor *lim_tensor_try_new(LimType type, LimShape shape, const char *what, LimError *err);
LimTensor *lim_tensor_ref(LimTensor *t);
void lim_tensor_unref(LimTensor *t); /* NULL is fine */
LimType lim_tensor_type(const LimTensor *t);
LimShape lim_tensor_shape(const LimTensor *t);
int64_t lim_tensor_size(const LimTensor *t);       /* elements */
const void *lim_tensor_data(const LimTensor *t);   /* borrowed */
const float *lim_tensor_f32(const LimTensor *t);   /* borrowed; asserts the type */
const int32_t *lim_tensor_i32(const LimTensor *t); /* borrowed; asserts the type */
/* Writable data: only while the caller holds the one reference (asserted). */
void *lim_tensor_edit(LimTensor *t);
LimTensor *lim_tensor_dup(const LimTensor *t); /* new copy */
