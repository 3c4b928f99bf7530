/* What segmenters and detectors get right on scenes. */
#pragma once

#include "data/scenes.h"
#include "metrics/average_precision.h"
#include "metrics/iou.h"
#include "models/detector.h"
#include "models/segmenter.h"

/* Segments the scenes first .. first + n and adds them to m (initialised for the classes of both).
 */
LimStatus lim_measure_segmenter(LimSceneNet *net, const LimScenes *scenes, int first, int n,
                                const LimExec *exec, LimIou *m, LimError *err);

/* Detections and true boxes of scenes; picture is the scene's number. */
typedef struct LimBoxes {
    int n, m;               /* detected, true */
    LimBoxRecord *detected; /* [LIM_DETECTIONS * scenes] */
    LimBoxRecord *truth;    /* [LIM_SCENE_GARMENTS * scenes] */
} LimBoxes;
void lim_boxes_init(LimBoxes *b, int scenes);
void lim_boxes_clear(LimBoxes *b);
void lim_boxes_add(LimBoxes *b, int picture, const LimDetection *found, int n,
                   const LimScene *scene);
/* mAP at an overlap of 0.5. */
double lim_boxes_map(const LimBoxes *b, int classes, LimApKind kind);

/* Detects in the scenes first .. first + n and adds what was found and what is there. */
LimStatus lim_measure_detector(LimSceneNet *net, const LimScenes *scenes, int first, int n,
                               const LimExec *exec, LimBoxes *boxes, LimError *err);
