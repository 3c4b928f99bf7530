/* Shapes and reference-counted tensors.
 *
 * A tensor is one allocation: a 64-byte head and the values behind it, so that the values are
 * aligned for every vector width and one free() ends both. The count is atomic because a tensor
 * made by the worker is read by the window; the values themselves need no lock, for
 * lim_tensor_edit() hands out a writable pointer only while nobody else can hold the tensor. */
#include "tensor/tensor.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct LimTensor {
    _Alignas(64) atomic_int refs;
    LimType type;
    LimShape shape;
    _Alignas(64) unsigned char data[];
};

bool
lim_shape_equal(LimShape a, LimShape b)
{
    if (a.nd != b.nd)
        return false;
    for (int i = 0; i < a.nd; i++)
        if (a.d[i] != b.d[i])
            return false;
    return true;
}

bool
lim_shape_valid(LimShape s)
{
    if (s.nd < 0 || s.nd > LIM_MAX_DIM)
        return false;
    int64_t n = 1;
    for (int i = 0; i < s.nd; i++) {
        /* n and d are both below 2^32 here, so the product cannot overflow before the check. */
        if (s.d[i] < 1 || (n *= s.d[i]) > LIM_MAX_ELEMENTS)
            return false;
    }
    return true;
}

const char *
lim_shape_text(LimShape s, char buf[64])
{
    int at = snprintf(buf, 64, "%s", s.nd == 0 ? "1" : "");
    for (int i = 0; i < s.nd && i < LIM_MAX_DIM; i++)
        at += snprintf(buf + at, (size_t)(64 - at), "%s%d", i ? "x" : "", s.d[i]);
    return buf;
}

size_t
lim_type_size(LimType t)
{
    switch (t) {
    case LIM_F32:
    case LIM_I32:
        return 4;
    case LIM_F64:
        return 8;
    case LIM_U8:
        return 1;
    }
    LIM_ASSERT(!"a LimType");
    return 0;
}

static LimTensor *
tensor_init(LimTensor *t, LimType type, LimShape shape)
{
    if (t) {
        atomic_init(&t->refs, 1);
        t->type = type;
        t->shape = shape;
    }
    return t;
}

static size_t
bytes_of(LimType type, LimShape shape)
{
    return (size_t)lim_shape_size(shape) * lim_type_size(type);
}

LimTensor *
lim_tensor_new(LimType type, LimShape shape)
{
    LIM_ASSERT(lim_shape_valid(shape));
    return tensor_init(lim_alloc(1, sizeof(LimTensor) + bytes_of(type, shape)), type, shape);
}

LimTensor *
lim_tensor_try_new(LimType type, LimShape shape, const char *what, LimError *err)
{
    char text[64];
    if (!lim_shape_valid(shape)) {
        lim_fail(err, LIM_E_SHAPE,
                 "%s has the shape %s; every dimension must be at least 1 and the "
                 "product at most %lld",
                 what, lim_shape_text(shape, text), (long long)LIM_MAX_ELEMENTS);
        return NULL;
    }
    LimTensor *t =
        tensor_init(lim_try_alloc(1, sizeof(LimTensor) + bytes_of(type, shape)), type, shape);
    if (!t)
        lim_fail(err, LIM_E_NOMEM,
                 "not enough memory for %s (%s); close other programs or use a "
                 "smaller file",
                 what, lim_shape_text(shape, text));
    return t;
}

LimTensor *
lim_tensor_ref(LimTensor *t)
{
    int old = atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    LIM_ASSERT(old > 0);
    return t;
}

void
lim_tensor_unref(LimTensor *t)
{
    if (!t)
        return;
    /* acq_rel: whoever frees must see every other holder's last read as done. */
    int old = atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel);
    LIM_ASSERT(old > 0);
    if (old == 1)
        free(t);
}

LimType
lim_tensor_type(const LimTensor *t)
{
    return t->type;
}

LimShape
lim_tensor_shape(const LimTensor *t)
{
    return t->shape;
}

int64_t
lim_tensor_size(const LimTensor *t)
{
    return lim_shape_size(t->shape);
}

const void *
lim_tensor_data(const LimTensor *t)
{
    return t->data;
}

const float *
lim_tensor_f32(const LimTensor *t)
{
    LIM_ASSERT(t->type == LIM_F32);
    return (const float *)(const void *)t->data;
}

const int32_t *
lim_tensor_i32(const LimTensor *t)
{
    LIM_ASSERT(t->type == LIM_I32);
    return (const int32_t *)(const void *)t->data;
}

void *
lim_tensor_edit(LimTensor *t)
{
    LIM_ASSERT(atomic_load_explicit(&t->refs, memory_order_acquire) == 1);
    return t->data;
}

LimTensor *
lim_tensor_dup(const LimTensor *t)
{
    LimTensor *copy = lim_tensor_new(t->type, t->shape);
    memcpy(copy->data, t->data, bytes_of(t->type, t->shape));
    return copy;
}
