/* See toy.h. */
#include "toy.h"
#include "base/rng.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

LimDataset *
toy_dataset(int n, int c, int size, int classes, uint64_t seed)
{
    LimDataset *d = lim_alloc(1, sizeof *d);
    g_strlcpy(d->name, "toy", sizeof d->name);
    g_strlcpy(d->split, "train", sizeof d->split);
    d->n = n;
    d->c = c;
    d->h = d->w = size;
    d->classes = classes;
    d->pixels = lim_alloc((size_t)(n * c * size * size), 1);
    d->labels = lim_alloc((size_t)n, 1);
    d->class_names = lim_alloc((size_t)classes, sizeof *d->class_names);
    for (int k = 0; k < classes; k++)
        g_snprintf(d->class_names[k], sizeof d->class_names[k], "class %d", k);
    for (int i = 0; i < n; i++) {
        d->labels[i] = (uint8_t)(i % classes);
        for (int p = 0; p < c * size * size; p++) {
            const int y = p / size % size;
            const uint32_t noise =
                lim_rng_below(seed, LIM_STREAM_TEST, (uint64_t)(i * c * size * size + p), 64);
            const bool bar = y * classes / size == i % classes;
            d->pixels[(size_t)i * (size_t)(c * size * size) + (size_t)p] =
                (uint8_t)((bar ? 190 : 0) + noise);
        }
    }
    return d;
}

static char *folder;

char *
toy_path(const char *name)
{
    if (!folder) /* in memory, where the system has that: hundreds of files wait for the disk here
                  */
        folder = g_mkdtemp(g_strdup("/dev/shm/limen-train-XXXXXX"));
    if (!folder)
        folder = g_dir_make_tmp("limen-train-XXXXXX", NULL);
    g_assert_nonnull(folder);
    return g_build_filename(folder, name, NULL);
}

void
toy_clear(void)
{
    if (!folder)
        return;
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(dir))) {
        char *path = g_build_filename(folder, name, NULL);
        g_assert_cmpint(g_remove(path), ==, 0);
        g_free(path);
    }
    g_dir_close(dir);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
    g_clear_pointer(&folder, g_free);
}

void
toy_write(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    g_assert_nonnull(f);
    g_assert_cmpuint(fwrite(data, 1, size, f), ==, size);
    g_assert_cmpint(fclose(f), ==, 0);
}

char *
toy_tensor(char *file, const char *name)
{
    g_autofree char *key = g_strdup_printf("\"%s\":{", name);
    const char *entry = strstr(file + 8, key), *offsets = "data_offsets\":[";
    guint64 head;
    memcpy(&head, file, 8);
    g_assert_nonnull(entry);
    return file + 8 + head + g_ascii_strtoull(strstr(entry, offsets) + strlen(offsets), NULL, 10);
}

void
toy_assert_same_file(const char *a, const char *b)
{
    char *x = NULL, *y = NULL;
    gsize nx, ny;
    g_assert_true(g_file_get_contents(a, &x, &nx, NULL));
    g_assert_true(g_file_get_contents(b, &y, &ny, NULL));
    g_assert_cmpmem(x, nx, y, ny);
    g_free(x);
    g_free(y);
}

void
toy_assert_sentence(const LimError *err)
{
    g_assert_cmpint(err->code, !=, LIM_OK);
    g_assert_cmpuint(strlen(err->text), >, 10);
    g_assert_cmpuint(strlen(err->text), <, sizeof err->text - 1);
    g_assert_null(strchr(err->text, '\n'));
}

/* ---- kernels that ask to stop -----------------------------------------------------------------
 */

static LimKernels tripping;
static LimCancel *cancel_flag;
static int countdown;
static bool did_trip;

static void
count(void)
{
    if (countdown > 0 && --countdown == 0) {
        did_trip = true;
        lim_cancel(cancel_flag);
    }
}

static void
gemm(LimPool *pool, bool ta, bool tb, int m, int n, int k, float alpha, const float *a, int lda,
     const float *b, int ldb, float beta, float *c, int ldc)
{
    lim_kernels_best()->gemm(pool, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    count();
}

static void
conv(LimPool *pool, const LimConvDims *d, const float *x, const void *prepared, const float *bias,
     float *y, void *scratch)
{
    lim_kernels_best()->conv(pool, d, x, prepared, bias, y, scratch);
    count();
}

static void
conv_dw(LimPool *pool, const LimConvDims *d, const float *x, const float *dy, float *dw,
        void *scratch)
{
    lim_kernels_best()->conv_dw(pool, d, x, dy, dw, scratch);
    count();
}

const LimKernels *
toy_tripping_kernels(LimCancel *cancel)
{
    tripping = *lim_kernels_best();
    tripping.gemm = gemm;
    tripping.conv = conv;
    tripping.conv_dw = conv_dw;
    cancel_flag = cancel;
    countdown = 0;
    return &tripping;
}

void
toy_trip_after(int calls)
{
    countdown = calls;
    did_trip = false;
}

bool
toy_tripped(void)
{
    return did_trip;
}

/* ---- log --------------------------------------------------------------------------------------
 */

static void
keep_line(void *ctx, const char *json)
{
    if (ctx)
        g_ptr_array_add(ctx, g_strdup(json));
}

LimTrainLog
toy_log(GPtrArray *lines)
{
    return (LimTrainLog){keep_line, lines};
}
