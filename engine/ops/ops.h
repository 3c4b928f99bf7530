/* Builders: the vocabulary that networks, losses and attacks are written in.
 *
 * Each appends one node (or a few) and returns the result; a failed graph returns LIM_NOVAL and
 * keeps its first error. Shapes in comments; [1] is a tensor of one element. */
#pragma once

#include "graph/graph.h"

/* ---- one value at a time; shapes of a and b are equal -------------------------------------- */
LimVal lim_add(LimGraph *g, LimVal a, LimVal b);
LimVal lim_sub(LimGraph *g, LimVal a, LimVal b);
LimVal lim_mul(LimGraph *g, LimVal a, LimVal b);
LimVal lim_affine(LimGraph *g, LimVal x, double scale, double shift); /* scale x + shift */
LimVal lim_fill_like(LimGraph *g, LimVal like, double value);
LimVal lim_relu(LimGraph *g, LimVal x, double slope); /* slope 0: ReLU; 0.2: leaky */
LimVal lim_tanh(LimGraph *g, LimVal x);
LimVal lim_abs(LimGraph *g, LimVal x);
LimVal lim_sum(LimGraph *g, LimVal x);                      /* -> [1] */
LimVal lim_mean(LimGraph *g, LimVal x);                     /* -> [1] */
LimVal lim_dot(LimGraph *g, LimVal a, LimVal b);            /* -> [1] */
LimVal lim_scale_by(LimGraph *g, LimVal x, LimVal s);       /* s [1] */
LimVal lim_expand_like(LimGraph *g, LimVal s, LimVal like); /* s [1] -> like's shape */
LimVal lim_lerp(LimGraph *g, LimVal a, LimVal b, LimVal m); /* a + (b - a) m, m [1] */

/* ---- products ------------------------------------------------------------------------------- */
/* [m][k] [k][n] -> [m][n], or with a leading batch on both; ta: a is [k][m]; tb: b is [n][k] */
LimVal lim_matmul(LimGraph *g, LimVal a, LimVal b, bool ta, bool tb);
LimVal lim_bias_add(LimGraph *g, LimVal x, LimVal b);            /* [n][c].. + [c] */
LimVal lim_channel_sum(LimGraph *g, LimVal x);                   /* [n][c].. -> [c] */
LimVal lim_linear(LimGraph *g, LimVal x, LimVal w, LimVal b);    /* w [out][in], b or none */
LimVal lim_row_dot(LimGraph *g, LimVal a, LimVal b);             /* [n][d] [n][d] -> [n][1] */
LimVal lim_row_scale(LimGraph *g, LimVal x, LimVal s);           /* [n][d] [n][1] */
LimVal lim_gather_rows(LimGraph *g, LimVal table, LimVal index); /* [k][d], int [n] -> [n][d] */
/* w [oc][c][kh][kw]; b [oc] or LIM_NOVAL */
LimVal lim_conv2d(LimGraph *g, LimVal x, LimVal w, LimVal b, int stride, int pad);

/* ---- normalisation -------------------------------------------------------------------------- */
/* y = xhat (gain_offset + gain) + bias, then max(0, y) with relu. gain, bias: [c] or [n][c].
 * mean and var (biased) [c] of the batch come back when not NULL. */
LimVal lim_batch_norm(LimGraph *g, LimVal x, LimVal gain, LimVal bias, double gain_offset,
                      double eps, bool relu, LimVal *mean, LimVal *var);
/* The same with given statistics. */
LimVal lim_norm_affine(LimGraph *g, LimVal x, LimVal gain, LimVal bias, LimVal mean, LimVal var,
                       double gain_offset, double eps, bool relu);
/* W / sigma with one power iteration from u [o] (Miyato et al. 2018, algorithm 1); W is taken as
 * [o][rest]. u2 receives the new u, sigma the estimate (both may be NULL). */
LimVal lim_spectral_norm(LimGraph *g, LimVal w, LimVal u, double eps, LimVal *u2, LimVal *sigma);

/* ---- pooling -------------------------------------------------------------------------------- */
LimVal lim_avg_pool2(LimGraph *g, LimVal x); /* 2x2, even sizes */
LimVal lim_max_pool2(LimGraph *g, LimVal x); /* 2x2, odd last row/column dropped */
LimVal lim_upsample2(LimGraph *g, LimVal x); /* nearest neighbour */
/* Bilinear to h x w, larger or smaller, centres on centres (PyTorch: align_corners=False). */
LimVal lim_resize_bilinear(LimGraph *g, LimVal x, int h, int w);
LimVal lim_spatial_sum(LimGraph *g, LimVal x); /* [n][c][h][w] -> [n][c] */
LimVal lim_spatial_mean(LimGraph *g, LimVal x);

/* RoI align (He et al. 2017): map [n][c][h][w] of at most 64x64 cells, boxes [r][4] (x0, y0, x1, y1
 * in pixels, `scale` cells each), index int [r] of their maps -> [r][c][bins][bins], bins <= 8. No
 * gradient reaches the boxes. */
LimVal lim_roi_align(LimGraph *g, LimVal x, LimVal boxes, LimVal index, int bins, double scale);

/* 0.5 x^2 where |x| < 1, else |x| - 0.5 (Girshick 2015), one value at a time. */
LimVal lim_smooth_l1(LimGraph *g, LimVal x);

/* ---- classification ------------------------------------------------------------------------- */
LimVal lim_softmax(LimGraph *g, LimVal x);                          /* last axis */
LimVal lim_log_softmax(LimGraph *g, LimVal x);                      /* last axis */
LimVal lim_cross_entropy(LimGraph *g, LimVal logits, LimVal label); /* -> [n] */
/* The same at every pixel: logits [n][k][h][w], label int [n][h][w] -> [n][h][w]. */
LimVal lim_pixel_cross_entropy(LimGraph *g, LimVal logits, LimVal label);
/* logit of the label minus the largest other (the first of equals): below 0 when misclassified */
LimVal lim_margin(LimGraph *g, LimVal logits, LimVal label); /* -> [n] */

/* The same against probabilities: -sum_k target log softmax(logits), both [n][k] -> [n]. */
LimVal lim_soft_cross_entropy(LimGraph *g, LimVal logits, LimVal target);

/* ---- layout --------------------------------------------------------------------------------- */
LimVal lim_reshape(LimGraph *g, LimVal x, LimShape shape);
LimVal lim_concat(LimGraph *g, LimVal a, LimVal b, int axis);
LimVal lim_slice(LimGraph *g, LimVal x, int axis, int start, int size);
