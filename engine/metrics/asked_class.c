/* The accuracy of the asked class. */
#include "metrics/asked_class.h"

int
lim_seen_class(const float *p, int classes)
{
    int best = 0;
    for (int k = 1; k < classes; k++)
        if (p[k] > p[best])
            best = k;
    return best;
}

LimMeasure
lim_asked_class_count(const LimFeatures *samples, int *confusion)
{
    const int classes = samples->classes;
    int right = 0;
    LIM_ASSERT(samples->probability);
    for (int i = 0; i < samples->n; i++) {
        const int asked = samples->label[i];
        const int seen =
            lim_seen_class(samples->probability + (size_t)i * (size_t)classes, classes);
        if (confusion)
            confusion[asked * classes + seen]++;
        right += seen == asked;
    }
    return lim_proportion(right, samples->n);
}
