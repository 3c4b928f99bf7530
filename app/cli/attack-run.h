/* What `attack` and `evaluate attacks` share: pictures, and an attack that Ctrl+C ends early. */
#pragma once

#include "attacks/attack.h"
#include "cli.h"
#include "data/dataset.h"

typedef struct CliPictures {
    int n;
    size_t size;     /* values of a picture */
    float *image;    /* [n][size] in [0,1] */
    int32_t *label;  /* [n] */
    uint32_t *index; /* [n] in the set they come from */
} CliPictures;

/* Room for n pictures. */
void cli_pictures_init(CliPictures *p, int n, size_t size);
void cli_pictures_clear(CliPictures *p);
/* count pictures of d from `first` on, framed to the model's size; only_right: those that it
 * classifies rightly. LIM_E_PARAM when there are not that many, LIM_E_SHAPE when d is not for it.
 */
LimStatus cli_pictures_load(CliRun *run, CliPictures *p, LimPredictor *model, const LimDataset *d,
                            int first, int count, bool only_right, LimError *err);

/* Label l + 1 of each, after the last the first. The caller frees. */
int32_t *cli_next_labels(const CliPictures *p, int classes);

/* Runs the attack to its end under a progress bar, and calls watch (may be NULL) after each step.
 * Ctrl+C: what was found is judged and kept, err says LIM_CANCELLED. NULL and err on failure. */
typedef void (*CliWatch)(void *ctx, const LimAttack *a);
LimAttack *cli_run_attack(CliRun *run, const LimAttackClass *klass, const void *params,
                          const LimAttackInput *in, LimVictim *victim, CliWatch watch, void *ctx,
                          LimError *err);
