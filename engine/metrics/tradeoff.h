/* What the truncation threshold trades: fidelity against variety, threshold by threshold, for one
 * fixed bank of latents (Brock et al. 2019, section 3.1 and figure 2).
 *
 * A stepper for the background: short steps, one point after each threshold, from coarse to fine.
 * The same latents move under every threshold, so points differ by the threshold and not by the
 * draw.
 *
 * Three measures of fidelity. fidelity: precision (Kynkaanniemi et al. 2019), the share of samples
 * that lie within the k = 3 nearest-neighbour ball of some real picture in feature space. asked:
 * the share in which the classifier sees the class that was asked for. density (Naeem et al. 2020):
 * in how many k = 5 balls a sample lies, on average, over k; 1 for real pictures, more where
 * samples gather in the thick of them. They fail differently: a sample can be convincing but of
 * another class; at small thresholds a class is nearly one picture, and precision is then a
 * question of yes or no for ten pictures, which need not rise, while density still tells how
 * typical they are.
 *
 * variety: the mean distance between two samples of a class in feature space, divided by the same
 * mean of real pictures: 0: one picture per class; 1: as varied as real ones. Coverage and recall
 * would be the usual choices, but with the few hundred samples that a live plot can afford they
 * measure the number of samples first (coverage of a perfect generator's 500 samples against 5,000
 * real pictures would be about 0.38), while a mean over pairs does not depend on it. */
#pragma once

#include "base/param.h"
#include "metrics/features.h"
#include "models/generator.h"

typedef struct LimTradeoffSettings {
    int samples;    /* size of the bank of latents, 50 .. 10000; default 500 */
    int label;      /* one class, judged against real pictures of that class; -1: all in turn */
    int truncation; /* LimTruncation */
    uint64_t seed;  /* sample i of the bank is sample i of a request with this seed */
} LimTradeoffSettings;

extern const LimParamSpec lim_tradeoff_schema[]; /* over LimTradeoffSettings */

/* All fields are doubles. low, high: 95 % interval (Wilson for shares, Student for density,
 * jackknife for variety). */
typedef struct LimTradeoffPoint {
    double threshold;
    double fidelity, fidelity_low, fidelity_high;
    double variety, variety_low, variety_high;
    double asked, asked_low, asked_high;
    double density, density_low, density_high;
} LimTradeoffPoint;

/* From coarse to fine between the ends of the slider: the first three already show the trade. */
#define LIM_TRADEOFF_THRESHOLDS 13
extern const double lim_tradeoff_thresholds[LIM_TRADEOFF_THRESHOLDS];

/* generator, predictor and real (features of real pictures under that predictor, at least 50, of
 * every class that is asked for) are borrowed and must outlive the task; thresholds [n] are copied,
 * 0 means untruncated. NULL and err when they do not fit together. */
LimTask *lim_tradeoff_new(LimGenerator *g, LimPredictor *c, const LimFeatures *real,
                          const LimTradeoffSettings *settings, const double *thresholds, int n,
                          LimError *err);
/* The points so far, in the order of thresholds; borrowed, for the thread that steps the task. */
const LimTradeoffPoint *lim_tradeoff_points(const LimTask *t, int *n);
/* The task's preview is a snapshot of the points for any thread: this reads it. NULL: none yet. */
const LimTradeoffPoint *lim_tradeoff_preview_points(const LimTensor *preview, int *n);
