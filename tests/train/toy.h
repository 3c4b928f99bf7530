/* What the tests of trainers share: a data set made in memory, files in a folder of the test,
 * kernels that ask to stop in the middle of a run, and a log that keeps its lines. */
#pragma once

#include "data/dataset.h"
#include "run/exec.h"
#include "train/trainer.h"

#include <glib.h>

/* n pictures of size x size, drawn as a bright bar whose place tells the class, with noise. */
LimDataset *toy_dataset(int n, int c, int size, int classes, uint64_t seed);

/* A path in a folder that toy_clear() removes with everything in it. */
char *toy_path(const char *name);
void toy_clear(void);

/* Writes over a file. */
void toy_write(const char *path, const void *data, size_t size);
/* Where the values of a tensor lie in the bytes of a safetensors file. */
char *toy_tensor(char *file, const char *name);
void toy_assert_same_file(const char *a, const char *b);
/* One sentence: not empty, one line. */
void toy_assert_sentence(const LimError *err);

/* The best kernels, but matrix products and convolutions count themselves down and set the flag
 * when they reach zero. One at a time. */
const LimKernels *toy_tripping_kernels(LimCancel *cancel);
void toy_trip_after(int calls); /* 0: never */
bool toy_tripped(void);         /* since toy_trip_after() */

/* A log into lines (char *). */
LimTrainLog toy_log(GPtrArray *lines);
