/* Householder's reduction to tridiagonal form, then implicit QR steps with Wilkinson's shift (Golub
 * and Van Loan, Matrix Computations, 8.3). Vectors are kept as rows, so that a reflection and a
 * rotation work on contiguous memory. */
#include "metrics/eigen.h"

#include "base/status.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* Reduces a to diagonal d [n] and off-diagonal e [n - 1]: a = q^T T q. */
static void
tridiagonal(int n, double *a /* [n][n] */, double *d, double *e, double *q /* [n][n] or NULL */)
{
    double *v = lim_alloc((size_t)n, sizeof *v), *p = lim_alloc((size_t)n, sizeof *p);
    for (int k = 0; k < n - 2; k++) {
        double norm = 0;
        for (int i = k + 1; i < n; i++) {
            v[i] = a[i * n + k];
            norm = hypot(norm, v[i]);
        }
        const double to = v[k + 1] > 0 ? -norm : norm; /* a[k + 1][k] after the reflection */
        v[k + 1] -= to;
        double length = 0;
        for (int i = k + 1; i < n; i++)
            length = hypot(length, v[i]);
        e[k] = to;
        if (length == 0)
            continue;
        for (int i = k + 1; i < n; i++)
            v[i] /= length;
        /* (1 - 2vv') A (1 - 2vv') = A - 2(vw' + wv') with w = Av - (v'Av)v */
        double vp = 0;
        for (int i = k + 1; i < n; i++) {
            double sum = 0;
            for (int j = k + 1; j < n; j++)
                sum += a[i * n + j] * v[j];
            p[i] = sum;
            vp += v[i] * sum;
        }
        for (int i = k + 1; i < n; i++)
            p[i] -= vp * v[i];
        for (int i = k + 1; i < n; i++)
            for (int j = k + 1; j < n; j++)
                a[i * n + j] -= 2 * (v[i] * p[j] + p[i] * v[j]);
        if (!q)
            continue;
        for (int j = 0; j < n; j++)
            p[j] = 0;
        for (int i = k + 1; i < n; i++)
            for (int j = 0; j < n; j++)
                p[j] += v[i] * q[i * n + j];
        for (int i = k + 1; i < n; i++)
            for (int j = 0; j < n; j++)
                q[i * n + j] -= 2 * v[i] * p[j];
    }
    for (int i = 0; i < n; i++)
        d[i] = a[i * n + i];
    if (n > 1)
        e[n - 2] = a[(n - 1) * n + n - 2];
    free(v);
    free(p);
}

/* One QR step on the unreduced block low .. high. */
static void
qr_step(int n, double *d, double *e, int low, int high, double *q)
{
    const double half = (d[high - 1] - d[high]) / 2, off = e[high - 1];
    const double shift = d[high] - off * off / (half + copysign(hypot(half, off), half));
    double x = d[low] - shift, z = e[low];
    for (int k = low; k < high; k++) {
        const double r = hypot(x, z), c = r > 0 ? x / r : 1, s = r > 0 ? z / r : 0;
        if (k > low)
            e[k - 1] = r;
        const double a = d[k], b = e[k], g = d[k + 1];
        d[k] = c * c * a + 2 * c * s * b + s * s * g;
        d[k + 1] = s * s * a - 2 * c * s * b + c * c * g;
        e[k] = c * s * (g - a) + (c * c - s * s) * b;
        if (k + 1 < high) {
            x = e[k];
            z = s * e[k + 1];
            e[k + 1] *= c;
        }
        if (!q)
            continue;
        double *row = q + k * n, *next = row + n;
        for (int j = 0; j < n; j++) {
            const double t = row[j];
            row[j] = c * t + s * next[j];
            next[j] = c * next[j] - s * t;
        }
    }
}

bool
lim_eigen_symmetric(int n, double *a, double *w, bool vectors)
{
    const size_t size = (size_t)n * (size_t)n;
    double norm = 0;
    for (size_t i = 0; i < size; i++) {
        if (!isfinite(a[i]))
            return false;
        norm = fmax(norm, fabs(a[i]));
    }
    double *e = lim_alloc((size_t)n, sizeof *e), *q = NULL;
    if (vectors) {
        q = lim_alloc(size, sizeof *q);
        for (int i = 0; i < n; i++)
            q[i * n + i] = 1;
    }
    tridiagonal(n, a, w, e, q);
    /* The shift makes each step converge cubically; two or three per eigenvalue are usual. */
    int high = n - 1;
    for (int steps = 0; high > 0; steps++) {
        LIM_ASSERT(steps < 100 * n);
        for (int i = 0; i < high; i++)
            if (fabs(e[i]) <= DBL_EPSILON * norm)
                e[i] = 0;
        while (high > 0 && e[high - 1] == 0)
            high--;
        int low = high;
        while (low > 0 && e[low - 1] != 0)
            low--;
        if (low < high)
            qr_step(n, w, e, low, high, q);
    }
    for (size_t i = 0; vectors && i < size; i++)
        a[i] = q[i];
    free(e);
    free(q);
    return true;
}
