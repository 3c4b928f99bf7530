/* Average precision of detections, as PASCAL VOC measures it.
 *
 * Detections of a class, the surest first (the earlier of equals), are compared with the true boxes
 * of that class in their picture: one is right when its overlap (intersection over union) with the
 * true box that it overlaps most reaches the threshold and no surer detection has taken that box.
 * Precision and recall over the list give a curve. Boxes are x0, y0, x1, y1 with x1, y1 one past
 * the last pixel, so areas are (x1 - x0)(y1 - y0); VOC's own boxes include the last pixel and add
 * 1. */
#pragma once

typedef struct LimBoxRecord {
    int picture, label;
    float box[4], score; /* score: of a detection */
} LimBoxRecord;

typedef enum LimApKind {
    LIM_AP_ALL_POINTS,   /* the area under the curve made monotone; VOC from 2010 on */
    LIM_AP_ELEVEN_POINTS /* the mean of the best precision at recall >= 0, 0.1, ... 1; until 2009 */
} LimApKind;

/* NaN when no true box has the label. overlap in (0,1]: VOC's is 0.5. */
double lim_average_precision(const LimBoxRecord *detected, int n, const LimBoxRecord *truth, int m,
                             int label, double overlap, LimApKind kind);
/* The mean over labels 1 .. classes - 1 that occur among the true boxes; NaN when none does. */
double lim_mean_average_precision(const LimBoxRecord *detected, int n, const LimBoxRecord *truth,
                                  int m, int classes, double overlap, LimApKind kind);
