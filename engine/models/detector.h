/* Detection: Faster R-CNN (Ren, He, Girshick, Sun 2015) for small pictures.
 *
 * The backbone ends at stride 4 (its last stage has no pool). A region proposal network slides over
 * the map: a 3x3 convolution of 4w channels with ReLU, and for each of nine anchors per cell
 * (three sizes, three shapes) two scores and four offsets. The surest boxes that do not overlap
 * each other (NMS 0.7) are the proposals. RoI align takes 4x4 values per channel from each; a layer
 * of 8w units with ReLU leads to the scores of all classes and to offsets for each class.
 *
 * Anchors have areas (0.22, 0.34, 0.5 of the picture's side)^2 and h/w of 1/2, 1, 2. */
#pragma once

#include "models/scene-net.h"
#include "run/exec.h"

#define LIM_ANCHORS         9
#define LIM_DETECTOR_STRIDE 4
#define LIM_DETECTOR_BINS   4
#define LIM_PROPOSALS       100 /* of a picture at test */
/* Offsets of the head are multiplied by these in its output (Fast R-CNN's normalisation). */
extern const float lim_head_scale[4];

/* ---- network ----------------------------------------------------------------------------------
 */

/* x [n][3][h][w] in [-1,1], sides multiples of 8 -> [n][8w][h/4][w/4] */
LimVal lim_detector_features(LimBuild *b, const LimSceneNetParams *p, LimVal x);
/* objectness [n * 9][2][h/4][w/4] (background, object), offsets [n * 9][4][h/4][w/4] */
void lim_detector_proposer(LimBuild *b, const LimSceneNetParams *p, LimVal features,
                           LimVal *objectness, LimVal *offsets);
/* boxes [r][4] in pixels, index int [r] -> scores before softmax [r][classes], offsets
 * [r][4 * classes] */
void lim_detector_head(LimBuild *b, const LimSceneNetParams *p, LimVal features, LimVal boxes,
                       LimVal index, LimVal *scores, LimVal *offsets);

/* The anchors of a picture of size x size in the order of the proposer's maps [9][h/4][w/4];
 * returns how many. anchor may be NULL. */
int lim_detector_anchors(int size, float (*anchor)[4]);
/* From the proposer's output for one picture, objectness [9][2][cells] and offsets [9][4][cells]:
 * at most `most` boxes in falling order of score after suppression at `overlap`; boxes with a side
 * below 2 pixels are left out. scratch: lim_detector_anchors() of each. Returns how many. */
typedef struct LimProposalScratch {
    float (*box)[4];
    float *score;
    int *keep;
} LimProposalScratch;
int lim_detector_propose(const float (*anchor)[4], int n_anchors, int size, const float *objectness,
                         const float *offsets, double overlap, int most,
                         LimProposalScratch *scratch, float (*proposal)[4], float *score);

/* ---- use --------------------------------------------------------------------------------------
 */

typedef struct LimDetection {
    int label;
    float box[4], score; /* score: probability of the class */
} LimDetection;

/* A network ready for pictures of one size, one at a time. */
typedef struct LimDetector LimDetector;
/* net is borrowed. NULL and err on failure. */
LimDetector *lim_detector_new(LimSceneNet *net, int size, const LimExec *exec, LimError *err);
void lim_detector_free(LimDetector *d); /* NULL is fine */
/* The proposals of x [3][size][size] after suppression at `overlap`, at most `most`. */
LimStatus lim_detector_proposals(LimDetector *d, const LimExec *exec, const float *x,
                                 double overlap, int most, float (*proposal)[4], int *n,
                                 LimError *err);
#define LIM_DETECTIONS 64
/* What is in x: per class the boxes of probability 0.05 and more, after suppression at 0.3; the
 * surest first. */
LimStatus lim_detector_run(LimDetector *d, const LimExec *exec, const float *x,
                           LimDetection found[LIM_DETECTIONS], int *n, LimError *err);
