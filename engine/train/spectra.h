/* The top three singular values of every weight matrix of a network, followed by power iteration
 * (Brock et al. 2019, appendix F): the instrument that sees a collapse come, and the clamp that
 * holds the largest one down.
 *
 * A matrix is a trained entry of two or more dimensions, seen as [out][rest]. Its vectors are kept,
 * so a few sweeps per look are enough while the weights move slowly. */
#pragma once

#include "nn/store.h"
#include "run/exec.h"

#define LIM_SPECTRA 3

typedef struct LimSpectra LimSpectra;

/* Borrows the network. The vectors begin at random (a function of the entries' names). */
LimSpectra *lim_spectra_new(LimStore *network);
void lim_spectra_free(LimSpectra *s); /* NULL is fine */

/* `sweeps` sweeps over the leading `values` of every matrix (1 .. LIM_SPECTRA): v_i = normalise(W^T
 * u_i without its parts along v_j, j < i), then u_i likewise from W v_i. */
void lim_spectra_step(LimSpectra *s, int values, int sweeps, const LimExec *exec);
int lim_spectra_count(const LimSpectra *s);
const char *lim_spectra_name(const LimSpectra *s, int i);
/* sigma_j = u_j^T W v_j of the last step, largest first once the vectors have converged; 0 beyond
 * the rank. */
const double *lim_spectra_values(const LimSpectra *s, int i); /* [LIM_SPECTRA] */

/* One sweep for the largest value of every matrix, then W <- W - max(0, sigma_0 - limit) u_0 v_0^T.
 */
void lim_spectra_clamp(LimSpectra *s, double limit, const LimExec *exec);

/* The vectors as part of a checkpoint. */
void lim_spectra_write(LimSpectra *s, LimStWriter *w, const char *prefix);
LimStatus lim_spectra_read(LimSpectra *s, const LimStFile *f, const char *prefix, LimError *err);
