/* Model files: safetensors with the architecture as JSON in `__metadata__`, so that any framework
 * can read the numbers and this one can rebuild the network.
 *
 *   limen.model     "biggan-generator", "classifier", "denoiser"
 *   limen.params    the architecture's parameters, an object
 *   limen.classes   class names, an array
 *   limen.training  how it was made: command, seed, steps, metrics, an object */
#pragma once

#include "base/param.h"
#include "nn/store.h"
#include "tensor/safetensors.h"

typedef struct LimModelInfo {
    const char *model;          /* kind */
    const LimParamSpec *schema; /* of params */
    const void *params;
    int classes;
    const char *const *class_names; /* [classes] */
    const char *training;           /* JSON text or NULL */
} LimModelInfo;

/* Atomic. as_f16 stores the weights as float16 (half the bytes). */
LimStatus lim_modelfile_save(const char *path, const LimModelInfo *info, LimStore *store,
                             bool as_f16, LimError *err);

typedef struct LimModelFile {
    LimStFile *st;
    char model[64];
    int classes;
    char (*class_names)[32];
    char *training; /* JSON text or NULL */
} LimModelFile;

/* Opens a file and reads its description; the caller then builds the network into a store whose
 * source (lim_store_source) is file->st. */
LimModelFile *lim_modelfile_open(const char *path, LimError *err);
LimModelFile *lim_modelfile_parse(const uint8_t *data, size_t size, const char *name,
                                  LimError *err);
void lim_modelfile_free(LimModelFile *f); /* NULL is fine */
/* The architecture's parameters; fails when the file is another kind of model. */
LimStatus lim_modelfile_params(const LimModelFile *f, const char *model, const LimParamSpec *schema,
                               void *params, LimError *err);
