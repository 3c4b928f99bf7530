/* References: RoI align, from its definition. */
#include "kernels/params.h"
#include "kernels/ref/ref.h"

#define SAMPLES 2 /* of a bin, along each axis */

/* The four cells around a sample point, and their weights. */
typedef struct Tap {
    int at[4];
    double weight[4];
} Tap;

/* Sample number k of bins * SAMPLES between from and to (pixels), in cells; cut to 0 .. size - 1.
 */
static double
sample_point(double from, double to, int k, const LimRoiParams *p, int size)
{
    const double t = (from + (k + 0.5) * (to - from) / (p->bins * SAMPLES)) * p->scale - 0.5;
    return fmin(fmax(t, 0), size - 1);
}

static Tap
tap(const real *box, int bx, int by, const LimRoiParams *p, int h, int w)
{
    const double x = sample_point((double)box[0], (double)box[2], bx, p, w);
    const double y = sample_point((double)box[1], (double)box[3], by, p, h);
    const int x0 = (int)x, y0 = (int)y, x1 = x0 + (x0 < w - 1), y1 = y0 + (y0 < h - 1);
    const double fx = x - x0, fy = y - y0, part = 1.0 / (SAMPLES * SAMPLES);
    return (Tap){{y0 * w + x0, y0 * w + x1, y1 * w + x0, y1 * w + x1},
                 {part * (1 - fy) * (1 - fx), part * (1 - fy) * fx, part * fy * (1 - fx),
                  part * fy * fx}};
}

/* in: x [n][c][h][w], boxes [r][4], index [r]; out [r][c][bins][bins] */
REF(roi_align)
{
    const LimRoiParams *p = n->params;
    const LimShape s = n->in_shape[0];
    const int rois = n->in_shape[1].d[0], c = s.d[1], h = s.d[2], w = s.d[3], bins = p->bins;
    const int32_t *index = n->in[2];
    for (int64_t r = 0; r < rois; r++)
        for (int k = 0; k < c; k++)
            for (int by = 0; by < bins; by++)
                for (int bx = 0; bx < bins; bx++) {
                    const real *x = IN(0) + ((int64_t)index[r] * c + k) * h * w;
                    double sum = 0;
                    for (int i = 0; i < SAMPLES * SAMPLES; i++) {
                        const Tap t = tap(IN(1) + 4 * r, bx * SAMPLES + i % SAMPLES,
                                          by * SAMPLES + i / SAMPLES, p, h, w);
                        for (int q = 0; q < 4; q++)
                            sum += t.weight[q] * (double)x[t.at[q]];
                    }
                    OUT(0)[((r * c + k) * bins + by) * bins + bx] = (real)sum;
                }
}

/* in: dy [r][c][bins][bins], boxes, index; out: dx [n][c][h][w] */
REF(roi_align_grad)
{
    const LimRoiParams *p = n->params;
    const LimShape s = n->in_shape[0];
    const int rois = s.d[0], c = s.d[1], bins = p->bins, h = p->h, w = p->w;
    const int32_t *index = n->in[2];
    for (int64_t i = 0; i < SIZE(n->out_shape[0]); i++)
        OUT(0)[i] = 0;
    for (int64_t r = 0; r < rois; r++)
        for (int k = 0; k < c; k++)
            for (int by = 0; by < bins; by++)
                for (int bx = 0; bx < bins; bx++) {
                    real *dx = OUT(0) + ((int64_t)index[r] * c + k) * h * w;
                    const double dy = (double)IN(0)[((r * c + k) * bins + by) * bins + bx];
                    for (int i = 0; i < SAMPLES * SAMPLES; i++) {
                        const Tap t = tap(IN(1) + 4 * r, bx * SAMPLES + i % SAMPLES,
                                          by * SAMPLES + i / SAMPLES, p, h, w);
                        for (int q = 0; q < 4; q++)
                            dx[t.at[q]] += (real)(t.weight[q] * dy);
                    }
                }
}
