/* Average precision: sort, match, integrate. */
#include "metrics/average_precision.h"

#include "base/status.h"
#include "models/boxes.h"

#include <math.h>
#include <stdlib.h>

/* Numbers of the detections of a label. */
typedef struct Ranked {
    const LimBoxRecord *record;
    int number;
} Ranked;

static int
surer_first(const void *x, const void *y)
{
    const Ranked *a = x, *b = y;
    if (a->record->score != b->record->score)
        return a->record->score > b->record->score ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

/* Does the detection take a true box? */
static bool
match(const LimBoxRecord *d, const LimBoxRecord *truth, int m, double overlap, bool *taken)
{
    int best = -1;
    double most = 0;
    for (int j = 0; j < m; j++)
        if (truth[j].label == d->label && truth[j].picture == d->picture) {
            const double o = lim_box_overlap(d->box, truth[j].box);
            if (o > most) {
                most = o;
                best = j;
            }
        }
    if (best < 0 || most < overlap || taken[best])
        return false;
    return taken[best] = true;
}

/* precision and recall after each of n detections, precision made monotone from the end. */
static double
integrate(double *precision, const double *recall, int n, LimApKind kind)
{
    for (int i = n - 2; i >= 0; i--)
        precision[i] = fmax(precision[i], precision[i + 1]);
    double area = 0;
    if (kind == LIM_AP_ALL_POINTS) {
        for (int i = 0; i < n; i++)
            area += (recall[i] - (i ? recall[i - 1] : 0)) * precision[i];
        return area;
    }
    for (int k = 0, i = 0; k <= 10; k++) {
        while (i < n && recall[i] < k / 10.0)
            i++;
        area += i < n ? precision[i] : 0;
    }
    return area / 11;
}

double
lim_average_precision(const LimBoxRecord *detected, int n, const LimBoxRecord *truth, int m,
                      int label, double overlap, LimApKind kind)
{
    int positives = 0, k = 0, right = 0;
    for (int j = 0; j < m; j++)
        positives += truth[j].label == label;
    if (!positives)
        return (double)NAN;
    Ranked *order = lim_alloc((size_t)n + 1, sizeof *order);
    for (int i = 0; i < n; i++)
        if (detected[i].label == label)
            order[k++] = (Ranked){&detected[i], i};
    qsort(order, (size_t)k, sizeof *order, surer_first);
    bool *taken = lim_alloc((size_t)m, sizeof *taken);
    double *precision = lim_alloc(2 * (size_t)k + 1, sizeof *precision), *recall = precision + k;
    for (int i = 0; i < k; i++) {
        right += match(order[i].record, truth, m, overlap, taken);
        precision[i] = (double)right / (i + 1);
        recall[i] = (double)right / positives;
    }
    const double ap = integrate(precision, recall, k, kind);
    free(precision);
    free(taken);
    free(order);
    return ap;
}

double
lim_mean_average_precision(const LimBoxRecord *detected, int n, const LimBoxRecord *truth, int m,
                           int classes, double overlap, LimApKind kind)
{
    double sum = 0;
    int occur = 0;
    for (int k = 1; k < classes; k++) {
        const double ap = lim_average_precision(detected, n, truth, m, k, overlap, kind);
        if (!isnan(ap)) {
            sum += ap;
            occur++;
        }
    }
    return occur ? sum / occur : (double)NAN;
}
