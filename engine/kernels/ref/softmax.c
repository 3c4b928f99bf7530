/* References: softmax over the last axis and the cross-entropy of logits. */
#include "kernels/ref/ref.h"

/* log sum exp of k values, and their maximum */
static double
log_sum_exp(const real *x, int k, double *top)
{
    double sum = 0;
    *top = (double)x[0];
    for (int i = 1; i < k; i++)
        *top = fmax(*top, (double)x[i]);
    for (int i = 0; i < k; i++)
        sum += exp((double)x[i] - *top);
    return *top + log(sum);
}

REF(softmax)
{
    const LimShape s = n->in_shape[0];
    const int k = s.d[s.nd - 1];
    double top;
    for (int64_t r = 0; r < SIZE(s) / k; r++) {
        const double lse = log_sum_exp(IN(0) + r * k, k, &top);
        for (int i = 0; i < k; i++)
            OUT(0)[r * k + i] = (real)exp((double)IN(0)[r * k + i] - lse);
    }
}

/* in: y, dy; dx = y (dy - <y, dy>) */
REF(softmax_grad)
{
    const LimShape s = n->in_shape[0];
    const int k = s.d[s.nd - 1];
    for (int64_t r = 0; r < SIZE(s) / k; r++) {
        double dot = 0;
        for (int i = 0; i < k; i++)
            dot += (double)IN(0)[r * k + i] * (double)IN(1)[r * k + i];
        for (int i = 0; i < k; i++)
            OUT(0)[r * k + i] = (real)((double)IN(0)[r * k + i] * ((double)IN(1)[r * k + i] - dot));
    }
}

REF(log_softmax)
{
    const LimShape s = n->in_shape[0];
    const int k = s.d[s.nd - 1];
    double top;
    for (int64_t r = 0; r < SIZE(s) / k; r++) {
        const double lse = log_sum_exp(IN(0) + r * k, k, &top);
        for (int i = 0; i < k; i++)
            OUT(0)[r * k + i] = (real)((double)IN(0)[r * k + i] - lse);
    }
}

/* in: logits [n][k], label [n]; out: loss [n] = log sum exp(x) - x[label] */
REF(cross_entropy)
{
    const int rows = n->in_shape[0].d[0], k = n->in_shape[0].d[1];
    const int32_t *label = n->in[1];
    double top;
    for (int r = 0; r < rows; r++) {
        const real *x = IN(0) + (int64_t)r * k;
        OUT(0)[r] = (real)(log_sum_exp(x, k, &top) - (double)x[label[r]]);
    }
}

/* in: logits, label, dloss [n]; dx = (softmax(x) - onehot) dloss */
REF(cross_entropy_grad)
{
    const int rows = n->in_shape[0].d[0], k = n->in_shape[0].d[1];
    const int32_t *label = n->in[1];
    double top;
    for (int r = 0; r < rows; r++) {
        const real *x = IN(0) + (int64_t)r * k;
        const double lse = log_sum_exp(x, k, &top);
        for (int i = 0; i < k; i++)
            OUT(0)
        [(int64_t)r * k + i] =
            (real)((exp((double)x[i] - lse) - (i == label[r])) * (double)IN(2)[r]);
    }
}

/* log sum exp over the k values that lie `step` apart */
static double
log_sum_exp_apart(const real *x, int k, int64_t step)
{
    double sum = 0, top = (double)x[0];
    for (int i = 1; i < k; i++)
        top = fmax(top, (double)x[i * step]);
    for (int i = 0; i < k; i++)
        sum += exp((double)x[i * step] - top);
    return top + log(sum);
}

/* in: logits [n][k][h][w], label [n][h][w]; out: loss [n][h][w] */
REF(pixel_cross_entropy)
{
    const LimShape s = n->in_shape[0];
    const int64_t k = s.d[1], area = (int64_t)s.d[2] * s.d[3];
    const int32_t *label = n->in[1];
    for (int64_t i = 0; i < s.d[0] * area; i++) {
        const real *x = IN(0) + i / area * k * area + i % area;
        OUT(0)[i] = (real)(log_sum_exp_apart(x, s.d[1], area) - (double)x[label[i] * area]);
    }
}

/* in: logits, label, dloss [n][h][w]; dx = (softmax(x) - onehot) dloss at every pixel */
REF(pixel_cross_entropy_grad)
{
    const LimShape s = n->in_shape[0];
    const int64_t k = s.d[1], area = (int64_t)s.d[2] * s.d[3];
    const int32_t *label = n->in[1];
    for (int64_t i = 0; i < s.d[0] * area; i++) {
        const int64_t at = i / area * k * area + i % area;
        const double lse = log_sum_exp_apart(IN(0) + at, s.d[1], area);
        for (int64_t c = 0; c < k; c++)
            OUT(0)
        [at + c * area] =
            (real)((exp((double)IN(0)[at + c * area] - lse) - (c == label[i])) * (double)IN(2)[i]);
    }
}

/* The largest of k >= 2 values other than number y; the first of equals. */
static int
runner_up(const real *x, int k, int y)
{
    int best = y == 0;
    for (int i = best + 1; i < k; i++)
        if (i != y && x[i] > x[best])
            best = i;
    return best;
}

REF(margin)
{
    const int rows = n->in_shape[0].d[0], k = n->in_shape[0].d[1];
    const int32_t *label = n->in[1];
    for (int r = 0; r < rows; r++) {
        const real *x = IN(0) + (int64_t)r * k;
        OUT(0)[r] = x[label[r]] - x[runner_up(x, k, label[r])];
    }
}

REF(margin_grad)
{
    const int rows = n->in_shape[0].d[0], k = n->in_shape[0].d[1];
    const int32_t *label = n->in[1];
    for (int r = 0; r < rows; r++) {
        const real *x = IN(0) + (int64_t)r * k;
        real *dx = OUT(0) + (int64_t)r * k;
        for (int i = 0; i < k; i++)
            dx[i] = 0;
        dx[label[r]] = IN(2)[r];
        dx[runner_up(x, k, label[r])] = -IN(2)[r];
    }
}
