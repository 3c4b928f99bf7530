/* Eigenvalues of symmetric matrices, double precision. */
#pragma once

#include <stdbool.h>

/* a [n][n] symmetric. Writes the eigenvalues to w [n], in no order, and (vectors) replaces a by the
 * unit eigenvectors: row i belongs to w[i]; otherwise a is left in pieces. Errors are of the size
 * of rounding against the largest |w|. False when a holds a value that is not finite. */
bool lim_eigen_symmetric(int n, double *a, double *w, bool vectors);
