/* What dense adversary generation has done to a scene, as files: the same from the window and from
 * the command line. */
#pragma once

#include "attacks/dag.h"

/* What a network sees: label [size][size] of a segmenter, or found [n] of a detector. Borrowed. */
typedef struct LimDagSeen {
    const int32_t *label;
    int n;
    const LimDetection *found;
} LimDagSeen;

typedef struct LimDagSheet {
    int size, scale;     /* a pixel becomes scale x scale */
    const float *x, *r;  /* [3][size][size]: the scene in [-1,1], and the perturbation */
    double largest;      /* of |r|, on the scale of [0,1] */
    const int32_t *mask; /* [size][size]: what is there */
    const LimScene *scene;
    bool truth;               /* the program knows what is there; otherwise the network said so */
    LimDagSeen before, after; /* in x, and in x + r rounded to bytes */
    const LimDataset *naming;
    const char *command; /* that makes it again */
} LimDagSheet;

/* path: a PNG of two rows, the scene, the attacked one and the perturbation, over what is there,
 * what the network saw and what it sees, with the command inside (key "limen"); beside it (.npy)
 * the float perturbation. */
LimStatus lim_dag_sheet_write(const char *path, const LimDagSheet *s, LimError *err);
