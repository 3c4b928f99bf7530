/* safetensors files: named tensors plus a string map (`__metadata__`).
 *
 * Layout: uint64 LE header length, a JSON header, then the data. Readers here treat every length,
 * offset, shape and string as hostile. Supported dtypes: F32, F16, F64, I32, U8, I64 (values that
 * fit I32). F16 is widened on reading and rounded to nearest-even on writing. */
#pragma once

#include "tensor/tensor.h"

typedef struct LimStFile LimStFile; /* a whole file in memory */

/* NULL and err on failure. */
LimStFile *lim_st_open(const char *path, LimError *err);
LimStFile *lim_st_parse(const uint8_t *data, size_t size, const char *name, LimError *err);
void lim_st_free(LimStFile *f);
size_t lim_st_count(const LimStFile *f);
const char *lim_st_name(const LimStFile *f, size_t i); /* borrowed */
LimShape lim_st_shape(const LimStFile *f, size_t i);
const char *lim_st_metadata(const LimStFile *f, const char *key); /* borrowed, or NULL */
/* New tensor: F16 and F32 as F32 (F64 stays F64), integers as I32, U8
 * as U8. NULL and err when the name is missing. */
LimTensor *lim_st_get(const LimStFile *f, const char *name, LimError *err);

/* Writing: atomic. Values are borrowed until finish. */
typedef struct LimStWriter LimStWriter;
LimStWriter *lim_st_writer_new(void);
void lim_st_writer_metadata(LimStWriter *w, const char *key, const char *value); /* copied */
/* as_f16: store float32 as float16. Names must be unique. */
void lim_st_writer_add(LimStWriter *w, const char *name, LimType type, LimShape shape,
                       const void *data, bool as_f16);
LimStatus lim_st_writer_finish(LimStWriter *w, const char *path, LimError *err); /* frees w */
