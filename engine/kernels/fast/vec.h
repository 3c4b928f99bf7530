/* Vectors of floats by GCC's vector extension, as wide as the instruction set allows: 4 (any
 * machine), 8 (AVX2), 16 (AVX-512). -DLIM_VEC=n overrides, for tests. */
#pragma once

#include <stddef.h>

#ifndef LIM_VEC
#if defined(__AVX512F__)
#define LIM_VEC 16
#elif defined(__AVX2__)
#define LIM_VEC 8
#else
#define LIM_VEC 4
#endif
#endif

#define LIM_INLINE static inline __attribute__((always_inline))

typedef float Vec __attribute__((vector_size(4 * LIM_VEC)));
typedef int VecMask __attribute__((vector_size(4 * LIM_VEC)));
typedef float VecAt __attribute__((vector_size(4 * LIM_VEC), aligned(4), may_alias));

LIM_INLINE Vec
vec_load(const float *p)
{
    return *(const VecAt *)p;
}

LIM_INLINE void
vec_store(float *p, Vec v)
{
    *(VecAt *)p = v;
}

LIM_INLINE Vec
vec_all(float x)
{
    return x - (Vec){0};
}

/* Lane by lane a > b ? a : b. */
LIM_INLINE Vec
vec_max(Vec a, Vec b)
{
    VecMask larger = a > b;
    return (Vec)(((VecMask)a & larger) | ((VecMask)b & ~larger));
}

/* Transposes a square of vectors in registers: first 32-bit then 64-bit pairs inside each 128-bit
 * lane, then whole lanes; each step is one instruction per vector. */
LIM_INLINE void
vec_transpose(Vec r[LIM_VEC])
{
    Vec t[LIM_VEC];

#if LIM_VEC == 4
#define LO(a, b)  __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define HI(a, b)  __builtin_shufflevector(a, b, 2, 6, 3, 7)
#define LO2(a, b) __builtin_shufflevector(a, b, 0, 1, 4, 5)
#define HI2(a, b) __builtin_shufflevector(a, b, 2, 3, 6, 7)
#elif LIM_VEC == 8
#define LO(a, b)  __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define HI(a, b)  __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define LO2(a, b) __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define HI2(a, b) __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#else
#define LO(a, b) \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define HI(a, b) \
    __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#define LO2(a, b) \
    __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#define HI2(a, b) \
    __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
#endif

#pragma GCC unroll 16
    for (int i = 0; i < LIM_VEC; i += 2) {
        t[i] = LO(r[i], r[i + 1]);
        t[i + 1] = HI(r[i], r[i + 1]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < LIM_VEC; i += 4) {
        r[i] = LO2(t[i], t[i + 2]);
        r[i + 1] = HI2(t[i], t[i + 2]);
        r[i + 2] = LO2(t[i + 1], t[i + 3]);
        r[i + 3] = HI2(t[i + 1], t[i + 3]);
    }
#undef LO
#undef HI
#undef LO2
#undef HI2
#if LIM_VEC == 8
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        Vec a = r[i], b = r[i + 4];
        r[i] = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11);
        r[i + 4] = __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
    }
#elif LIM_VEC == 16
#define EVEN(a, b) \
    __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27)
#define ODD(a, b) \
    __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31)
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        t[i] = EVEN(r[i], r[i + 4]);          /* lanes a0 a2 b0 b2 */
        t[i + 4] = ODD(r[i], r[i + 4]);       /* lanes a1 a3 b1 b3 */
        t[i + 8] = EVEN(r[i + 8], r[i + 12]); /* lanes c0 c2 d0 d2 */
        t[i + 12] = ODD(r[i + 8], r[i + 12]); /* lanes c1 c3 d1 d3 */
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        r[i] = EVEN(t[i], t[i + 8]);
        r[i + 4] = EVEN(t[i + 4], t[i + 12]);
        r[i + 8] = ODD(t[i], t[i + 8]);
        r[i + 12] = ODD(t[i + 4], t[i + 12]);
    }
#undef EVEN
#undef ODD
#endif
}

/* out[i*step + l] = src[l*stride + i] for i in [0, n), l in [0, LIM_VEC): n positions of LIM_VEC
 * planes become n vectors. Reads only what it should: the last block overlaps the one before.
 * Meanwhile fetches what lies `ahead` floats further on into the cache. */
LIM_INLINE void
vec_gather(const float *src, ptrdiff_t stride, int n, float *out, ptrdiff_t step, ptrdiff_t ahead)
{
    if (n < LIM_VEC) {
        for (int i = 0; i < n; i++)
            for (int l = 0; l < LIM_VEC; l++)
                out[i * step + l] = src[l * stride + i];
        return;
    }
    for (int i = 0; i < n; i += LIM_VEC) {
        Vec r[LIM_VEC];
        if (i > n - LIM_VEC)
            i = n - LIM_VEC;
#pragma GCC unroll 16
        for (int l = 0; l < LIM_VEC; l++) {
            r[l] = vec_load(src + l * stride + i);
            __builtin_prefetch(src + l * stride + i + ahead);
        }
        vec_transpose(r);
#pragma GCC unroll 16
        for (int l = 0; l < LIM_VEC; l++)
            vec_store(out + (i + l) * step, r[l]);
    }
}

/* The inverse: dst[l*stride + i] = in[i][l]; dst is fetched `ahead` for writing. */
LIM_INLINE void
vec_scatter(const float *in, ptrdiff_t stride, int n, float *dst, ptrdiff_t ahead)
{
    int i = 0;

    if (n < LIM_VEC) {
        for (i = 0; i < n; i++)
            for (int l = 0; l < LIM_VEC; l++)
                dst[l * stride + i] = in[i * LIM_VEC + l];
        return;
    }
#if LIM_VEC < 16
    /* Whole cache lines while possible: planes that lie a power of two apart share the same few
     * sets of the L1 cache, and a half-written line may be gone before its other half comes. */
    for (; i + 2 * LIM_VEC <= n; i += 2 * LIM_VEC) {
        Vec r[LIM_VEC], s[LIM_VEC];
#pragma GCC unroll 16
        for (int l = 0; l < LIM_VEC; l++)
            r[l] = vec_load(in + (i + l) * LIM_VEC);
        vec_transpose(r);
#pragma GCC unroll 16
        for (int l = 0; l < LIM_VEC; l++)
            s[l] = vec_load(in + (i + LIM_VEC + l) * LIM_VEC);
        vec_transpose(s);
#pragma GCC unroll 16
        for (int l = 0; l < LIM_VEC; l++) {
            vec_store(dst + l * stride + i, r[l]);
            vec_store(dst + l * stride + i + LIM_VEC, s[l]);
            __builtin_prefetch(dst + l * stride + i + ahead, 1);
        }
    }
#endif
    for (; i < n; i += LIM_VEC) {
        Vec r[LIM_VEC];
        if (i > n - LIM_VEC)
            i = n - LIM_VEC;
#pragma GCC unroll 16
        for (int l = 0; l < LIM_VEC; l++)
            r[l] = vec_load(in + (i + l) * LIM_VEC);
        vec_transpose(r);
#pragma GCC unroll 16
        for (int l = 0; l < LIM_VEC; l++) {
            vec_store(dst + l * stride + i, r[l]);
            __builtin_prefetch(dst + l * stride + i + ahead, 1);
        }
    }
}
