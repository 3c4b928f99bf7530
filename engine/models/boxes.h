/* Boxes: overlap, anchors' offsets, and non-maximum suppression. A box is x0, y0, x1, y1 in pixels
 * with x1, y1 one past the last. */
#pragma once

#include <stdbool.h>

/* Intersection over union; 0 where one of the boxes is empty. */
double lim_box_overlap(const float a[4], const float b[4]);

/* A box as seen from another one (Girshick et al. 2014, appendix C): the way between the middles in
 * widths and heights of `from`, and the logarithms of the ratios of the sides. Both have an area.
 */
void lim_box_encode(const float from[4], const float box[4], float offset[4]);
/* The way back, cut to the picture of size x size. Ratios of sides are held below 1000 / 16, so
 * that no offset gives infinity. */
void lim_box_decode(const float from[4], const float offset[4], float size, float box[4]);

/* Numbers 0 .. n - 1 by falling score, the smaller of equals first. No memory is taken. */
void lim_rank(const float *score, int n, int *order);

/* Greedy suppression: the box with the largest score stays and takes away all others that overlap
 * it by more than `overlap`, and so on (the smaller number of equals first). keep [n] receives the
 * numbers of those that stay, the surest first, `most` of them at most; the rest of keep is
 * scratch. Returns how many stay. */
int lim_nms(const float (*box)[4], const float *score, int n, double overlap, int most, int *keep);
