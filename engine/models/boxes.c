/* Boxes. */
#include "models/boxes.h"

#include <math.h>

double
lim_box_overlap(const float a[4], const float b[4])
{
    const double w = fmin((double)a[2], (double)b[2]) - fmax((double)a[0], (double)b[0]);
    const double h = fmin((double)a[3], (double)b[3]) - fmax((double)a[1], (double)b[1]);
    if (w <= 0 || h <= 0)
        return 0;
    const double both = w * h;
    return both / (((double)a[2] - (double)a[0]) * ((double)a[3] - (double)a[1]) +
                   ((double)b[2] - (double)b[0]) * ((double)b[3] - (double)b[1]) - both);
}

void
lim_box_encode(const float from[4], const float box[4], float offset[4])
{
    for (int k = 0; k < 2; k++) {
        const float side = from[k + 2] - from[k];
        offset[k] = ((box[k] + box[k + 2]) - (from[k] + from[k + 2])) / (2 * side);
        offset[k + 2] = logf((box[k + 2] - box[k]) / side);
    }
}

void
lim_box_decode(const float from[4], const float offset[4], float size, float box[4])
{
    const float most = logf(1000.0f / 16);
    for (int k = 0; k < 2; k++) {
        const float side = from[k + 2] - from[k];
        const float middle = 0.5f * (from[k] + from[k + 2]) + offset[k] * side;
        const float half = 0.5f * side * expf(fminf(offset[k + 2], most));
        box[k] = fminf(fmaxf(middle - half, 0), size);
        box[k + 2] = fminf(fmaxf(middle + half, 0), size);
    }
}

static bool
before(const float *score, int a, int b)
{
    return score[a] > score[b] || (score[a] == score[b] && a < b);
}

void
lim_rank(const float *score, int n, int *order)
{
    for (int i = 0; i < n; i++)
        order[i] = i;
    int gap = 1; /* Shell's sort with Knuth's gaps */
    while (gap < n / 3)
        gap = 3 * gap + 1;
    for (; gap > 0; gap /= 3)
        for (int i = gap; i < n; i++) {
            const int moved = order[i];
            int j = i;
            for (; j >= gap && before(score, moved, order[j - gap]); j -= gap)
                order[j] = order[j - gap];
            order[j] = moved;
        }
}

int
lim_nms(const float (*box)[4], const float *score, int n, double overlap, int most, int *keep)
{
    int kept = 0;
    lim_rank(score, n, keep);
    for (int i = 0; i < n && kept < most; i++) {
        const int candidate = keep[i];
        bool stays = true;
        for (int j = 0; j < kept && stays; j++)
            stays = lim_box_overlap(box[candidate], box[keep[j]]) <= overlap;
        if (stays)
            keep[kept++] = candidate;
    }
    return kept;
}
