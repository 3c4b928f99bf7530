/* A small generator and a small classifier with arbitrary weights, in memory and as files. */
#pragma once

#include "models/biggan.h"
#include "models/classifier.h"
#include "models/modelfile.h"
#include "run/exec.h"

#include <glib.h>

/* A store with every entry of the network; values are not those that training starts from (biases
 * and running statistics are not 0 and 1). */
LimStore *model_store_generator(LimBigganParams *p);
LimStore *model_store_classifier(LimClassifierParams *p); /* the residual one */
LimStore *model_store_family(LimClassifierArchitecture architecture, LimClassifierParams *p);

/* How a file differs from a sound one. All zero: not at all. */
typedef struct ModelFault {
    int missing;             /* 1 + entry that is left out */
    int reshaped;            /* 1 + entry whose first dimension is one larger */
    int as_integer;          /* 1 + entry that is written as int32 */
    const char *key, *value; /* metadata: another value; NULL: left out */
} ModelFault;

void model_write(const char *path, const LimModelInfo *info, LimStore *store,
                 const ModelFault *fault);
LimModelInfo model_info_generator(const LimBigganParams *p);
LimModelInfo model_info_classifier(const LimClassifierParams *p);

char *model_path(const char *name); /* in a folder that model_clear() removes */
void model_clear(void);
/* An error, one line, a sentence's length. */
void model_assert_sentence(const LimError *err);
