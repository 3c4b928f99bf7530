/* Orthogonal regularisation in the form that BigGAN found not too restrictive (Brock et al. 2019,
 * section 3.1, equation 3): R(W) = beta |W W^T * (1 - I)|_F^2 with W seen as [out][rest], so rows
 * are pushed towards being orthogonal while their lengths stay free. */
#pragma once

#include "run/exec.h"

/* grad += dR/dW = 4 beta (W W^T * (1 - I)) W. w, grad [rows][cols]; gram is scratch [rows][rows].
 */
void lim_orthogonal_gradient(const float *w, int rows, int cols, double beta, float *grad,
                             float *gram, const LimExec *exec);
