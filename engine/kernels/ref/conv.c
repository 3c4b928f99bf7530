/* References: convolution and its two derivatives, the textbook loops. */
#include "kernels/ref/ref.h"
#include "kernels/params.h"

/* [a][b][c][d] -> offset */
static int64_t
at(const int32_t *d, int a, int b, int y, int x)
{
    return (((int64_t)a * d[1] + b) * d[2] + y) * d[3] + x;
}

REF(conv2d)
{
    const LimConvParams *p = n->params;
    const int32_t *xs = n->in_shape[0].d, *ws = n->in_shape[1].d, *ys = n->out_shape[0].d;
    for (int b = 0; b < ys[0]; b++)
        for (int o = 0; o < ys[1]; o++)
            for (int y = 0; y < ys[2]; y++)
                for (int x = 0; x < ys[3]; x++) {
                    double s = IN(2) ? (double)IN(2)[o] : 0.0;
                    for (int c = 0; c < xs[1]; c++)
                        for (int i = 0; i < ws[2]; i++)
                            for (int j = 0; j < ws[3]; j++) {
                                int yy = y * p->stride + i - p->pad,
                                    xx = x * p->stride + j - p->pad;
                                if (yy >= 0 && yy < xs[2] && xx >= 0 && xx < xs[3])
                                    s += (double)IN(0)[at(xs, b, c, yy, xx)] *
                                         (double)IN(1)[at(ws, o, c, i, j)];
                            }
                    OUT(0)[at(ys, b, o, y, x)] = (real)s;
                }
}

/* in: dy, w */
REF(conv2d_dx)
{
    const LimConvParams *p = n->params;
    const int32_t *xs = n->out_shape[0].d, *ws = n->in_shape[1].d, *ys = n->in_shape[0].d;
    for (int b = 0; b < xs[0]; b++)
        for (int c = 0; c < xs[1]; c++)
            for (int yy = 0; yy < xs[2]; yy++)
                for (int xx = 0; xx < xs[3]; xx++) {
                    double s = 0;
                    for (int o = 0; o < ws[0]; o++)
                        for (int i = 0; i < ws[2]; i++)
                            for (int j = 0; j < ws[3]; j++) {
                                int ty = yy + p->pad - i, tx = xx + p->pad - j;
                                if (ty < 0 || tx < 0 || ty % p->stride || tx % p->stride)
                                    continue;
                                int y = ty / p->stride, x = tx / p->stride;
                                if (y < ys[2] && x < ys[3])
                                    s += (double)IN(0)[at(ys, b, o, y, x)] *
                                         (double)IN(1)[at(ws, o, c, i, j)];
                            }
                    OUT(0)[at(xs, b, c, yy, xx)] = (real)s;
                }
}

/* in: x, dy */
REF(conv2d_dw)
{
    const LimConvParams *p = n->params;
    const int32_t *xs = n->in_shape[0].d, *ws = n->out_shape[0].d, *ys = n->in_shape[1].d;
    for (int o = 0; o < ws[0]; o++)
        for (int c = 0; c < ws[1]; c++)
            for (int i = 0; i < ws[2]; i++)
                for (int j = 0; j < ws[3]; j++) {
                    double s = 0;
                    for (int b = 0; b < ys[0]; b++)
                        for (int y = 0; y < ys[2]; y++)
                            for (int x = 0; x < ys[3]; x++) {
                                int yy = y * p->stride + i - p->pad,
                                    xx = x * p->stride + j - p->pad;
                                if (yy >= 0 && yy < xs[2] && xx >= 0 && xx < xs[3])
                                    s += (double)IN(0)[at(xs, b, c, yy, xx)] *
                                         (double)IN(1)[at(ys, b, o, y, x)];
                            }
                    OUT(0)[at(ws, o, c, i, j)] = (real)s;
                }
}
