/* IDX files, the format of MNIST and Fashion-MNIST, plain or gz.
 *
 * A big-endian head (two zero bytes, type, number of dimensions, the dimensions) and then bytes.
 * The head is read first; what it promises is checked against what the file can hold (deflate
 * expands at most 1032-fold) before any memory is taken, and the pixels are inflated straight into
 * their place, so a hostile file can neither make the reader allocate gigabytes nor inflate without
 * end. */
#include "data/dataset.h"
#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define FILE_MAX    ((size_t)1 << 30)
#define PIXELS_MAX  ((uint64_t)1 << 30)
#define SIDE_MAX    4096u
#define DEFLATE_MAX 1032u /* largest possible expansion */

typedef struct Source {
    const char *name;
    z_stream z; /* next_in and avail_in are used for plain files too */
    bool gz, ended;
} Source;

static bool
source_open(Source *s, const uint8_t *data, size_t size, const char *name, LimError *err)
{
    *s = (Source){.name = name};
    if (size > FILE_MAX) {
        lim_fail(err, LIM_E_FORMAT,
                 "%s is larger than 1 GiB; this is no data set of small pictures", name);
        return false;
    }
    s->z.next_in = (Bytef *)(uintptr_t)data; /* zlib does not write there */
    s->z.avail_in = (uInt)size;
    s->gz = size >= 2 && data[0] == 0x1f && data[1] == 0x8b;
    if (s->gz)
        LIM_ASSERT(inflateInit2(&s->z, 15 + 16) == Z_OK); /* 16: the gzip wrapper */
    return true;
}

static void
source_close(Source *s)
{
    if (s->gz)
        inflateEnd(&s->z);
}

/* How many bytes come out; less than n at the end or where the data is damaged. */
static size_t
source_read(Source *s, uint8_t *out, size_t n)
{
    if (!s->gz) {
        size_t m = n < s->z.avail_in ? n : s->z.avail_in;
        if (m)
            memcpy(out, s->z.next_in, m);
        s->z.next_in += m;
        s->z.avail_in -= (uInt)m;
        return m;
    }
    s->z.next_out = out;
    s->z.avail_out = (uInt)n;
    while (!s->ended && s->z.avail_out > 0) {
        int e = inflate(&s->z, Z_NO_FLUSH);
        if (e != Z_OK) {
            s->ended = e == Z_STREAM_END;
            break;
        }
    }
    return n - s->z.avail_out;
}

/* Nothing behind the last byte, and the checksum right? */
static bool
source_at_end(Source *s)
{
    uint8_t more;
    return source_read(s, &more, 1) == 0 && (!s->gz || s->ended) && s->z.avail_in == 0;
}

static uint32_t
big_endian(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Reads a whole IDX file of bytes with nd (1 or 3) dimensions. *out is the caller's to free. */
static LimStatus
read_idx(const uint8_t *data, size_t size, const char *name, int nd, uint32_t dim[3], uint8_t **out,
         LimError *err)
{
    Source s;
    if (!source_open(&s, data, size, name, err))
        return LIM_E_FORMAT;
    LimStatus status = LIM_OK;
    uint8_t head[16];
    size_t want = 4 + 4 * (size_t)nd;
    uint64_t total = 1;
    if (source_read(&s, head, want) != want || head[0] != 0 || head[1] != 0 || head[2] != 8 ||
        head[3] != nd) {
        status = lim_fail(err, LIM_E_FORMAT,
                          "%s is not an IDX file of %s (bytes, %d dimension%s); "
                          "give the file from the data set",
                          name, nd == 3 ? "pictures" : "labels", nd, nd == 1 ? "" : "s");
        goto done;
    }
    for (int i = 0; i < nd; i++) {
        dim[i] = big_endian(head + 4 + 4 * i);
        if (dim[i] == 0 || (i > 0 && dim[i] > SIDE_MAX) || (total *= dim[i]) > PIXELS_MAX) {
            status = lim_fail(err, LIM_E_FORMAT,
                              "%s: dimension %d of the head is %u; pictures may be "
                              "%u pixels wide and high and 1 GiB in all, and none may be empty",
                              name, i + 1, dim[i], SIDE_MAX);
            goto done;
        }
    }
    uint64_t most = s.gz ? ((uint64_t)s.z.avail_in + 64) * DEFLATE_MAX : s.z.avail_in;
    *out = total <= most ? lim_try_alloc(total, 1) : NULL;
    if (total <= most && !*out) {
        status = lim_fail(err, LIM_E_NOMEM, "not enough memory for the %llu bytes of %s",
                          (unsigned long long)total, name);
        goto done;
    }
    if (total > most || source_read(&s, *out, total) != total)
        status = lim_fail(err, LIM_E_FORMAT,
                          "%s promises %llu bytes but ends or is damaged before "
                          "that; fetch it again",
                          name, (unsigned long long)total);
    else if (!source_at_end(&s))
        status = lim_fail(err, LIM_E_FORMAT,
                          "%s goes on behind the %llu bytes that it promises, or "
                          "its checksum is wrong; fetch it again",
                          name, (unsigned long long)total);
    if (status != LIM_OK) {
        free(*out);
        *out = NULL;
    }
done:
    source_close(&s);
    return status;
}

LimDataset *
lim_dataset_idx_parse(const uint8_t *images, size_t images_size, const char *images_name,
                      const uint8_t *labels, size_t labels_size, const char *labels_name,
                      LimError *err)
{
    uint32_t di[3], dl[3];
    LimDataset *d = lim_alloc(1, sizeof *d);
    if (read_idx(images, images_size, images_name, 3, di, &d->pixels, err) != LIM_OK ||
        read_idx(labels, labels_size, labels_name, 1, dl, &d->labels, err) != LIM_OK)
        goto failed;
    if (di[0] != dl[0]) {
        lim_fail(err, LIM_E_FORMAT,
                 "%s has %u pictures but %s has %u labels; the two files do not "
                 "belong together",
                 images_name, di[0], labels_name, dl[0]);
        goto failed;
    }
    d->n = (int)di[0];
    d->c = 1;
    d->h = (int)di[1];
    d->w = (int)di[2];
    for (int i = 0; i < d->n; i++)
        if (d->labels[i] >= d->classes)
            d->classes = d->labels[i] + 1;
    d->class_names = lim_alloc((size_t)d->classes, sizeof *d->class_names);
    for (int k = 0; k < d->classes; k++)
        snprintf(d->class_names[k], sizeof d->class_names[k], "%d", k);
    snprintf(d->name, sizeof d->name, "idx");
    return d;
failed:
    lim_dataset_free(d);
    return NULL;
}

LimDataset *
lim_dataset_idx(const char *images_path, const char *labels_path, LimError *err)
{
    uint8_t *images = NULL, *labels = NULL;
    size_t images_size, labels_size;
    LimDataset *d = NULL;
    if (lim_file_read(images_path, FILE_MAX, &images, &images_size, err) == LIM_OK &&
        lim_file_read(labels_path, FILE_MAX, &labels, &labels_size, err) == LIM_OK)
        d = lim_dataset_idx_parse(images, images_size, images_path, labels, labels_size,
                                  labels_path, err);
    free(images);
    free(labels);
    return d;
}
