/* References: pooling and upsampling. */
#include "kernels/ref/ref.h"
#include "kernels/params.h"

/* y = scale * sum of each 2x2 (scale 0.25: average pooling); sizes are even */
REF(sum_pool2)
{
    const LimScaleParams *p = n->params;
    const int32_t *d = n->in_shape[0].d;
    for (int b = 0; b < d[0] * d[1]; b++)
        for (int y = 0; y < d[2] / 2; y++)
            for (int x = 0; x < d[3] / 2; x++) {
                const real *a = IN(0) + ((int64_t)b * d[2] + 2 * y) * d[3] + 2 * x;
                OUT(0)
                [((int64_t)b * (d[2] / 2) + y) * (d[3] / 2) + x] =
                    (real)p->scale * (a[0] + a[1] + a[d[3]] + a[d[3] + 1]);
            }
}

/* nearest neighbour, times scale; the adjoint of sum_pool2 */
REF(upsample2)
{
    const LimScaleParams *p = n->params;
    const int32_t *d = n->out_shape[0].d;
    for (int b = 0; b < d[0] * d[1]; b++)
        for (int y = 0; y < d[2]; y++)
            for (int x = 0; x < d[3]; x++)
                OUT(0)
    [((int64_t)b * d[2] + y) * d[3] + x] =
        (real)p->scale * IN(0)[((int64_t)b * (d[2] / 2) + y / 2) * (d[3] / 2) + x / 2];
}

/* offset of the largest of a 2x2; the first one wins a tie */
static int
argmax2(const real *a, int w)
{
    const int at[4] = {0, 1, w, w + 1};
    int best = 0;
    for (int i = 1; i < 4; i++)
        if (a[at[i]] > a[at[best]])
            best = i;
    return at[best];
}

/* a last odd row or column is dropped */
REF(max_pool2)
{
    const int32_t *d = n->in_shape[0].d, *o = n->out_shape[0].d;
    for (int b = 0; b < d[0] * d[1]; b++)
        for (int y = 0; y < o[2]; y++)
            for (int x = 0; x < o[3]; x++) {
                const real *a = IN(0) + ((int64_t)b * d[2] + 2 * y) * d[3] + 2 * x;
                OUT(0)[((int64_t)b * o[2] + y) * o[3] + x] = a[argmax2(a, d[3])];
            }
}

/* in: x, dy */
REF(max_pool2_grad)
{
    const int32_t *d = n->in_shape[0].d, *o = n->in_shape[1].d;
    for (int64_t i = 0; i < SIZE(n->out_shape[0]); i++)
        OUT(0)[i] = 0;
    for (int b = 0; b < d[0] * d[1]; b++)
        for (int y = 0; y < o[2]; y++)
            for (int x = 0; x < o[3]; x++) {
                const int64_t at = ((int64_t)b * d[2] + 2 * y) * d[3] + 2 * x;
                OUT(0)[at + argmax2(IN(0) + at, d[3])] = IN(1)[((int64_t)b * o[2] + y) * o[3] + x];
            }
}

/* [n][c][h][w] -> [n][c], times scale (1 / (h w): global average pooling) */
REF(spatial_sum)
{
    const LimScaleParams *p = n->params;
    const int32_t *d = n->in_shape[0].d;
    for (int b = 0; b < d[0] * d[1]; b++) {
        double s = 0;
        for (int i = 0; i < d[2] * d[3]; i++)
            s += (double)IN(0)[(int64_t)b * d[2] * d[3] + i];
        OUT(0)[b] = (real)(p->scale * s);
    }
}

/* [n][c] -> [n][c][h][w], times scale; the adjoint of spatial_sum */
REF(spatial_broadcast)
{
    const LimSizeParams *p = n->params;
    const int64_t hw = (int64_t)p->h * p->w;
    for (int64_t i = 0; i < SIZE(n->out_shape[0]); i++)
        OUT(0)[i] = (real)p->scale * IN(0)[i / hw];
}
