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
