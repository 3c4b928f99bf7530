/* NumPy's .npy files: one array each (numpy.lib.format, versions 1.0 to 3.0).
 *
 * float32, float64, int32 and uint8, little-endian, C order, up to four dimensions, none of them
 * empty. Files are hostile: the head must describe exactly the bytes that follow. */
#pragma once

#include "tensor/tensor.h"

/* NULL and err on failure. The memory is borrowed during the call; name is for error texts. */
LimTensor *lim_npy_read(const char *path, LimError *err);
LimTensor *lim_npy_parse(const uint8_t *data, size_t size, const char *name, LimError *err);
/* A file that numpy.load() reads. Atomic. */
LimStatus lim_npy_write(const char *path, const LimTensor *t, LimError *err);
/* The same from memory: values [shape]. */
LimStatus lim_npy_write_f32(const char *path, LimShape shape, const float *values, LimError *err);
