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

#define LIM_DAG_JUDGES 8

/* A network that looks at the scene. */
typedef struct LimDagJudge {
    const char *name;
    const int32_t *mask; /* [size][size]: what is there for it */
    const LimScene *scene;
    LimDagSeen before, after; /* in x, and in y */
} LimDagJudge;

typedef struct LimDagSheet {
    int size, scale;        /* a pixel becomes scale x scale */
    const float *x, *y, *r; /* [3][size][size]: the scene and the attacked one in [-1,1], and the
                             * perturbation */
    bool truth;             /* the program knows what is there; otherwise each network said so */
    int judges;             /* at most LIM_DAG_JUDGES */
    const LimDagJudge *judge;
    const LimDataset *naming;
    const char *command; /* that makes it again */
} LimDagSheet;

/* path: a PNG of the scene, the attacked one and the perturbation, over a row for each network:
 * what is there, what it saw and what it sees, with the command inside (key "limen"); beside it
 * (.npy) the float perturbation. */
LimStatus lim_dag_sheet_write(const char *path, const LimDagSheet *s, LimError *err);
