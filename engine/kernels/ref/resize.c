/* References: bilinear resizing. */
#include "kernels/ref/ref.h"
#include "kernels/params.h"

/* Where the centre of pixel i of `out` lies among the centres of `in`, as far as they reach:
 * between from[0] and from[1], the share `weight` of the way. */
static void
place(int i, int in, int out, int from[2], double *weight)
{
    const double at = (i + 0.5) * in / out - 0.5;
    const double inside = at < 0 ? 0 : at > in - 1 ? in - 1 : at;
    from[0] = (int)floor(inside);
    from[1] = from[0] + 1 < in ? from[0] + 1 : from[0];
    *weight = inside - from[0];
}

/* in: x; y = the four neighbours, weighted */
REF(resize_bilinear)
{
    const int32_t *d = n->in_shape[0].d, *o = n->out_shape[0].d;
    for (int b = 0; b < d[0] * d[1]; b++)
        for (int y = 0; y < o[2]; y++)
            for (int x = 0; x < o[3]; x++) {
                int r[2], c[2];
                double v, u;
                place(y, d[2], o[2], r, &v);
                place(x, d[3], o[3], c, &u);
                const real *a = IN(0) + (int64_t)b * d[2] * d[3];
                const double top =
                    (1 - u) * (double)a[r[0] * d[3] + c[0]] + u * (double)a[r[0] * d[3] + c[1]];
                const double low =
                    (1 - u) * (double)a[r[1] * d[3] + c[0]] + u * (double)a[r[1] * d[3] + c[1]];
                OUT(0)[((int64_t)b * o[2] + y) * o[3] + x] = (real)((1 - v) * top + v * low);
            }
}

/* in: dy; every pixel of dx gathers the weights with which it went into y */
REF(resize_bilinear_grad)
{
    const int32_t *o = n->in_shape[0].d, *d = n->out_shape[0].d;
    for (int b = 0; b < d[0] * d[1]; b++)
        for (int h = 0; h < d[2]; h++)
            for (int w = 0; w < d[3]; w++) {
                double sum = 0;
                for (int y = 0; y < o[2]; y++) {
                    int r[2], c[2];
                    double v, u;
                    place(y, d[2], o[2], r, &v);
                    const double row = (r[0] == h ? 1 - v : 0) + (r[1] == h ? v : 0);
                    for (int x = 0; row > 0 && x < o[3]; x++) {
                        place(x, d[3], o[3], c, &u);
                        sum += row * ((c[0] == w ? 1 - u : 0) + (c[1] == w ? u : 0)) *
                               (double)IN(0)[((int64_t)b * o[2] + y) * o[3] + x];
                    }
                }
                OUT(0)[((int64_t)b * d[2] + h) * d[3] + w] = (real)sum;
            }
}
