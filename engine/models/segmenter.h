/* Segmentation: a class for every pixel, by a fully convolutional network with FCN-8s' fusion of
 * three levels (Long, Shelhamer, Darrell 2015).
 *
 * The last stage (stride 8) goes through a 1x1 convolution of 8w channels with ReLU and is scored;
 * the score is enlarged twofold and added to a score of the stage before (stride 4), and that once
 * more (stride 2); bilinear enlargement by 2 ends it. FCN-8s does the same at strides 32, 16, 8 of
 * pictures of 500 pixels; ours have 128. Enlargements are fixed, as the paper allows. */
#pragma once

#include "models/scene-net.h"
#include "run/exec.h"

/* x [n][3][h][w] in [-1,1], sides multiples of 8 -> scores before softmax [n][classes][h][w]. */
LimVal lim_segmenter_network(LimBuild *b, const LimSceneNetParams *p, LimVal x);

/* A network ready for pictures of one size, one at a time. */
typedef struct LimSegmenter LimSegmenter;
/* net is borrowed. NULL and err on failure. */
LimSegmenter *lim_segmenter_new(LimSceneNet *net, int size, const LimExec *exec, LimError *err);
void lim_segmenter_free(LimSegmenter *s); /* NULL is fine */
/* x [3][size][size]; label [size][size], the class with the largest score (the first of equals). */
LimStatus lim_segmenter_run(LimSegmenter *s, const LimExec *exec, const float *x, int32_t *label,
                            LimError *err);
/* Of k scores [k][area]: label [area] of the largest. */
void lim_largest_class(const float *scores, int k, int area, int32_t *label);
