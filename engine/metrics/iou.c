/* Intersection over union from a table of counts. */
#include "metrics/iou.h"

#include "base/status.h"

#include <math.h>
#include <stdlib.h>

void
lim_iou_init(LimIou *m, int classes)
{
    m->classes = classes;
    m->count = lim_alloc((size_t)classes * (size_t)classes, sizeof *m->count);
}

void
lim_iou_clear(LimIou *m)
{
    free(m->count);
    m->count = NULL;
}

void
lim_iou_add(LimIou *m, const int32_t *truth, const int32_t *predicted, int64_t pixels)
{
    for (int64_t i = 0; i < pixels; i++)
        m->count[truth[i] * m->classes + predicted[i]]++;
}

double
lim_iou_class(const LimIou *m, int k)
{
    int64_t either = -m->count[k * m->classes + k];
    for (int i = 0; i < m->classes; i++)
        either += m->count[k * m->classes + i] + m->count[i * m->classes + k];
    return either ? (double)m->count[k * m->classes + k] / (double)either : (double)NAN;
}

double
lim_iou_mean(const LimIou *m)
{
    double sum = 0;
    int n = 0;
    for (int k = 0; k < m->classes; k++) {
        const double iou = lim_iou_class(m, k);
        if (!isnan(iou)) {
            sum += iou;
            n++;
        }
    }
    return n ? sum / n : (double)NAN;
}

double
lim_iou_accuracy(const LimIou *m)
{
    int64_t right = 0, all = 0;
    for (int i = 0; i < m->classes * m->classes; i++) {
        all += m->count[i];
        if (i % (m->classes + 1) == 0)
            right += m->count[i];
    }
    return all ? (double)right / (double)all : (double)NAN;
}
