/* A labelled image set held in memory as 8-bit planes.
 *
 * Pictures are [c][h][w] bytes; networks see them as float in [-1,1], padded with -1 (black) to
 * `size` x `size` on request (Fashion-MNIST is 28x28 and padded to 32x32). */
#pragma once

#include "base/status.h"
#include "tensor/tensor.h"

typedef struct LimDataset {
    char name[64];  /* "fashion-mnist" */
    char split[16]; /* "train", "test", "sample", "all" */
    int n, c, h, w; /* pictures, channels (1 or 3), height, width as stored */
    int classes;
    uint8_t *pixels;         /* [n][c][h][w] */
    uint8_t *labels;         /* [n], below classes */
    char (*class_names)[32]; /* [classes] */
} LimDataset;

void lim_dataset_free(LimDataset *d); /* NULL is fine */

/* Fashion-MNIST from gz IDX files in dir (train-images-idx3-ubyte.gz ...). dir NULL: where Debian's
 * dataset-fashion-mnist puts them; where that is missing the error says which package to install.
 * split: "train" (60,000) or "test" (10,000). */
LimDataset *lim_dataset_fashion_mnist(const char *dir, const char *split, LimError *err);
/* A folder with one sub-folder of PNG files per class, in sorted order (hidden files are left out).
 * All pictures must have one size; grey or RGB (alpha is composited on black). split is "all". */
LimDataset *lim_dataset_folder(const char *dir, LimError *err);
/* dir with IDX files or with class folders, or NULL (Fashion-MNIST): whatever --data DIR means.
 *   IDX: DIR/SPLIT-images-idx3-ubyte[.gz] and DIR/SPLIT-labels-idx1-ubyte[.gz], where SPLIT is
 * train, t10k for "test", or as given ("sample"). Names of the classes: Fashion-MNIST is recognised
 * by its labels; else DIR/classes.txt, one per line; else "0", "1", ... class folders:
 * DIR/SPLIT/CLASS/x.png when DIR/train or DIR/test is there, else DIR/CLASS/x.png. */
LimDataset *lim_dataset_open(const char *dir, const char *split, LimError *err);
/* One IDX file pair with any counts and sizes (also uncompressed). */
LimDataset *lim_dataset_idx(const char *images_path, const char *labels_path, LimError *err);
/* The same from memory (plain or gz bytes, borrowed); the names are for the error texts. */
LimDataset *lim_dataset_idx_parse(const uint8_t *images, size_t images_size,
                                  const char *images_name, const uint8_t *labels,
                                  size_t labels_size, const char *labels_name, LimError *err);

/* Names the set after the last part of dir. */
void lim_dataset_name_after(LimDataset *d, const char *dir, const char *split);

/* Writes pictures index[0..n) as float in [-1,1] to out [n][c][size][size], centred, padded with
 * -1; v = byte / 127.5 - 1. size must be >= h and w. labels may be NULL. Only reads the set, so
 * threads may fill parts of one batch at the same time. */
void lim_dataset_batch(const LimDataset *d, const uint32_t *index, int n, int size, float *out,
                       int32_t *labels);

/* The numbers of the pictures of some classes, in order: "0-6,8" are class numbers and ranges of
 * them; empty: every picture. n receives how many there are, at least 1. The caller frees; NULL and
 * err on failure. */
uint32_t *lim_dataset_of_classes(const LimDataset *d, const char *classes, int *n, LimError *err);
