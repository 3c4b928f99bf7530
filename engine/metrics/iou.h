/* Mean intersection over union, as PASCAL VOC measures segmentation: one table of true against
 * predicted class over all pixels of all pictures. */
#pragma once

#include <stdint.h>

typedef struct LimIou {
    int classes;
    int64_t *count; /* [true][predicted] pixels */
} LimIou;

void lim_iou_init(LimIou *m, int classes);
void lim_iou_clear(LimIou *m);
void lim_iou_add(LimIou *m, const int32_t *truth, const int32_t *predicted, int64_t pixels);
/* Of one class: pixels that are both over pixels that are either; NaN when there are none. */
double lim_iou_class(const LimIou *m, int k);
/* The mean over all classes that occur (the background too); NaN when none does. */
double lim_iou_mean(const LimIou *m);
/* The part of all pixels that have their class; NaN without pixels. */
double lim_iou_accuracy(const LimIou *m);
