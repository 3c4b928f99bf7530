/* Attribute structs shared by an op's shape rule, its fast run and its reference. Each is described
 * by a schema in the op's file; builders below fill it. */
#pragma once

#include <stdbool.h>

typedef struct LimScaleParams {
    double scale;
} LimScaleParams; /* fill_like, sum_pool2, upsample2, spatial_sum, spatial_broadcast */

typedef struct LimAffineParams {
    double scale, shift;
} LimAffineParams;

typedef struct LimReluParams {
    double slope; /* of the negative side, >= 0 */
} LimReluParams;

typedef struct LimConvParams {
    int stride, pad;
    int h, w; /* conv2d_dx: the input's; conv2d_dw: the kernel's */
} LimConvParams;

typedef struct LimMatmulParams {
    bool ta, tb;
} LimMatmulParams;

typedef struct LimNormParams {
    double eps;
    double gain_offset; /* y = xhat (gain_offset + gain) + bias */
    bool relu;          /* y = max(0, y) */
} LimNormParams;

typedef struct LimAxisParams {
    int axis, start,
        size; /* slice: take [start, start+size); place: into a zeroed axis of `size` */
} LimAxisParams;

typedef struct LimSizeParams {
    int rows; /* scatter_rows: of the table */
    int h, w; /* spatial_broadcast, resize_bilinear: of the result */
    double scale;
} LimSizeParams;

typedef struct LimReshapeParams {
    int nd, d0, d1, d2, d3;
} LimReshapeParams;

typedef struct LimEpsParams {
    double eps;
} LimEpsParams;

typedef struct LimRoiParams {
    int bins;     /* of a side of the result */
    double scale; /* cells per pixel: boxes are in pixels of the picture */
    int n, h, w;  /* roi_align_grad: of the map */
} LimRoiParams;
