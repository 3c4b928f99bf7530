/* Which kernel table runs: the processor's features and LIMEN_ISA decide, once. Nothing computes
 * without a table, so this is also the place where OpenBLAS is told to keep to the calling thread:
 * its own threads would cut sums in places that depend on their number. */
#include "kernels/kernels.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* From OpenBLAS's cblas.h, which only kernels/fast/blas.c includes. */
void openblas_set_num_threads(int n);

extern const LimKernels lim_kernels_portable;
#ifdef __x86_64__
extern const LimKernels lim_kernels_avx2, lim_kernels_avx512;
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const LimKernels *usable[4];
static const LimKernels *best;

static void
choose(void)
{
    const char *wish = getenv("LIMEN_ISA");
    int n = 0;

    openblas_set_num_threads(1);
#ifdef __x86_64__
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        usable[n++] = &lim_kernels_avx512;
    if (avx2)
        usable[n++] = &lim_kernels_avx2;
#endif
    usable[n++] = &lim_kernels_portable;
    best = usable[0];
    for (int i = 0; wish && i < n; i++)
        if (strcmp(wish, usable[i]->name) == 0)
            best = usable[i];
}

const LimKernels *
lim_kernels_best(void)
{
    pthread_once(&once, choose);
    return best;
}

const LimKernels *const *
lim_kernels_all(void)
{
    pthread_once(&once, choose);
    return usable;
}
