/* Dense adversary generation (Xie et al. 2017, algorithm 1): one perturbation that makes a
 * segmenter or detector wrong at many targets at once.
 *
 * Targets t_n with their true class l_n and a wrong one l'_n; f are scores before softmax. Starting
 * at the picture, the targets that still have their true class form the active set, taken anew from
 * all targets in every iteration; the gradient of sum over it of f_l' - f_l is scaled so that its
 * largest value is gamma, and added. It ends when no more than `remaining` of the targets are
 * active, or after M_0 iterations.
 *
 *   segmenter  targets are all pixels. Permuted: l' is a permutation of all classes without a fixed
 *              point, drawn from the seed. Painted: l' is a picture of its own, a circle, square or
 *              strip of a class that the scene has not, on background; active are pixels that do
 *              not have l' yet, and the class that they have is what is pushed down (authors' code)
 *   detector   targets are proposals before the attack, up to 300 after suppression at 0.9, so that
 *              they lie dense: those that overlap a true box by more than 0.1 and have its class
 *              with a probability above 0.1, of several boxes the one that they overlap most. They
 *              stay as they are during the attack; a detector proposes anew when it is asked. l' is
 *              for every true class one that the scene has not (background is none of them)
 *
 * With `only`, targets are those of the garments with these numbers, counted from 1 in the order of
 * the scene (the last one lies on top); of a segmenter the pixels that show them.
 *
 * The original neither clips nor bounds. Here values stay in the range of pictures unless `clip` is
 * off, and epsilon bounds the largest change when it is above 0; both are applied in every
 * iteration. Results are also judged after rounding to bytes. */
#pragma once

#include "data/scenes.h"
#include "models/detector.h"
#include "models/segmenter.h"
#include "run/task.h"

#define LIM_DAG_PROPOSALS 300

typedef enum LimDagTarget { LIM_DAG_PERMUTED, LIM_DAG_PAINTED } LimDagTarget;

typedef struct LimDagParams {
    double gamma;     /* of 255 */
    int iterations;   /* M_0 */
    double remaining; /* part of the targets */
    int target;       /* LimDagTarget, of a segmenter */
    double left;      /* of a detector: probability of the true class that is too little */
    bool clip;
    double epsilon;          /* of 1; 0: no bound */
    char only[LIM_TEXT_MAX]; /* "1,3": garments that are attacked; "": everything */
} LimDagParams;
extern const LimParamSpec lim_dag_schema[];

/* A network and the plans to attack it; net is borrowed. NULL and err on failure. */
typedef struct LimDag LimDag;
LimDag *lim_dag_new(LimSceneNet *net, int size, const LimDagParams *p, uint64_t seed,
                    const LimExec *exec, LimError *err);
void lim_dag_free(LimDag *d); /* NULL is fine */

/* What a segmenter should see in all scenes that begin from now on, in place of what the settings
 * say: wanted [size][size] of classes (copied; NULL: as the settings say). As with a painted
 * target, pixels are active until they have their class of it. Of no effect on a detector. */
void lim_dag_want(LimDag *d, const int32_t *wanted);
/* Numbers from 1 with commas between them ("1,3") as bits, that of number 1 the lowest; "": 0.
 * LIM_E_PARAM for any other text. */
LimStatus lim_dag_garments(const char *only, uint32_t *bits, LimError *err);
/* What a detector found in a picture as a scene, when there is no truth: the boxes of probability
 * 0.5 and more, the surest first, at most LIM_SCENE_GARMENTS. found [n] by falling score. */
void lim_scene_of_boxes(const LimDetection *found, int n, LimScene *scene);

/* Begins on scene `number`: x [3][size][size] in [-1,1] (copied), its mask and objects. */
LimStatus lim_dag_begin(LimDag *d, uint64_t number, const float *x, const int32_t *mask,
                        const LimScene *scene, const LimExec *exec, LimError *err);
/* One iteration. DONE also when the gradient vanishes or nothing was a target. */
LimStep lim_dag_step(LimDag *d, const LimExec *exec, LimError *err);

typedef struct LimDagResult {
    int iterations, targets;
    int active;         /* targets that still have their true class (painted: not the wrong one) */
    const float *r;     /* [3][size][size], the perturbation on the scale of x; borrowed */
    double largest;     /* of |r|, on the scale of [0,1] */
    double perceptible; /* perceptibility: root of the mean over pixels of |r_k|^2, of [0,1] */
    const int32_t *wrong; /* [targets of a segmenter] l'; borrowed */
} LimDagResult;
LimDagResult lim_dag_result(const LimDag *d);

/* out = x + sum weight[i] r[i], clipped to [-1,1] and rounded to bytes: what a picture file holds.
 * n may be 0. All [3][size][size]. */
void lim_dag_picture(const float *x, const float *const *r, const double *weight, int n, int size,
                     float *out);
/* The control: the rows of r in an order drawn from the seed and number, the same for the three
 * channels. As large as r in every norm, without its structure. */
void lim_dag_permute_rows(const float *r, int size, uint64_t seed, uint64_t number, float *out);
/* Perceptibility of the difference of two pictures, on the scale of [0,1]. */
double lim_dag_perceptibility(const float *x, const float *y, int size);
/* The largest value of a perturbation, without its sign, on the scale of [0,1]. */
double lim_dag_largest(const float *r, int size);
