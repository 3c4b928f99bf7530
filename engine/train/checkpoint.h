/* What checkpoints of all trainings share: who wrote them, under which settings, and the numbers
 * beside the tensors.
 *
 * A checkpoint says what kind of training it is of and holds its settings as JSON. A training goes
 * on from one only under the same settings; a setting that the file does not know (it was added
 * later) counts as its default. */
#pragma once

#include "base/param.h"
#include "tensor/safetensors.h"

typedef struct LimCheckpoint {
    const char *kind;           /* "gan" */
    const char *training;       /* "a GAN training", for sentences */
    const LimParamSpec *schema; /* of params */
    const void *params;         /* what must not change; the rest of it at some fixed value */
    const LimParamSpec *model_schema;
    const void *model;
} LimCheckpoint;

/* Gives the settings in `have` (jansson's; changed) that are missing there their defaults: what a
 * file that was written before they existed meant. */
struct json_t;
void lim_settings_complete(struct json_t *have, const LimParamSpec *schema);
/* LIM_E_PARAM, naming the first setting that differs, unless both are equal; have: of the file. */
LimStatus lim_settings_same(const char *path, struct json_t *have, struct json_t *need,
                            LimError *err);

/* A writer that already holds kind and settings. */
LimStWriter *lim_checkpoint_writer(const LimCheckpoint *c);
/* Opens the file: LIM_E_FORMAT when it is of something else, LIM_E_PARAM (naming the setting) when
 * it was written under other settings. NULL on failure. */
LimStFile *lim_checkpoint_open(const LimCheckpoint *c, const char *path, LimError *err);
/* Reads n numbers of that type. LIM_E_FORMAT when they are missing or others. */
LimStatus lim_checkpoint_numbers(const LimStFile *f, const char *path, const char *name,
                                 LimType type, int n, void *out, LimError *err);
/* The failure of a position that the training cannot be at. */
LimStatus lim_checkpoint_lost(const char *path, LimError *err);
