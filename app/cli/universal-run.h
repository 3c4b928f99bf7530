/* What the commands `universal ...` share: the pictures, and a v that is made or was made before.
 */
#pragma once

#include "attack-run.h"
#include "attacks/universalfile.h"

/* The pictures of X and those that nothing is learned from. */
typedef struct CliUniversalSets {
    char data[64];
    CliPictures x, unseen;
} CliUniversalSets;

/* X: `pictures` of the training split from `first` on; unseen: the first of the test split. Where
 * --data has only a sample, both are from it, the unseen ones after X. */
LimStatus cli_universal_sets(CliRun *run, LimPredictor *model, int first, int pictures, int unseen,
                             CliUniversalSets *out, LimError *err);
void cli_universal_sets_clear(CliUniversalSets *s);

/* The mean fooling ratio, on the unseen pictures with these own labels, of noise to compare with:
 * v permuted, or (v NULL) random vectors of norm xi. */
LimStatus cli_universal_noise(CliRun *run, LimVictim *victim, const CliPictures *unseen,
                              const int32_t *own, const float *v, LimNorm norm, double xi,
                              double *ratio, LimError *err);

/* Makes v to its end under a progress bar; the first n of X. checkpoint: a file that it goes on
 * from and writes to, or NULL. Ctrl+C: what is best by then, and LIM_CANCELLED in err. NULL and err
 * on failure. */
LimUniversal *cli_make_universal(CliRun *run, const LimUniversalParams *p, LimPredictor *model,
                                 LimVictim *victim, const CliUniversalSets *sets, int n,
                                 const char *checkpoint, LimError *err);
