/* Power iteration with Gram-Schmidt, one matrix per item of the pool. Sums are in double; the
 * vectors between sweeps are floats of a store, so that a checkpoint holds exactly what the next
 * sweep begins from. */
#include "train/spectra.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Matrix {
    int entry, rows, cols;
    float *u; /* [LIM_SPECTRA][rows], in the store of vectors */
    double value[LIM_SPECTRA];
    double *left, *right; /* scratch [LIM_SPECTRA][rows], [LIM_SPECTRA][cols] */
} Matrix;

struct LimSpectra {
    LimStore *network, *vectors;
    Matrix *matrices;
    int n;
    /* of the running step */
    int values, sweeps;
    double limit; /* below 0: no clamping */
};

LimSpectra *
lim_spectra_new(LimStore *network)
{
    LimSpectra *s = lim_alloc(1, sizeof *s);
    s->network = network;
    s->vectors = lim_store_new(0);
    s->matrices = lim_alloc((size_t)lim_store_count(network) + 1, sizeof *s->matrices);
    for (int e = 0; e < lim_store_count(network); e++) {
        const LimShape shape = lim_store_shape(network, e);
        if (!lim_store_trained(network, e) || shape.nd < 2)
            continue;
        Matrix *m = &s->matrices[s->n++];
        m->entry = e;
        m->rows = shape.d[0];
        m->cols = (int)(lim_shape_size(shape) / shape.d[0]);
        m->u = lim_store_entry(s->vectors, lim_store_name(network, e),
                               LIM_SHAPE2(LIM_SPECTRA, m->rows), (LimInit){LIM_INIT_NORMAL, 1},
                               false, NULL);
        m->left = lim_alloc(LIM_SPECTRA * (size_t)m->rows, sizeof *m->left);
        m->right = lim_alloc(LIM_SPECTRA * (size_t)m->cols, sizeof *m->right);
    }
    return s;
}

void
lim_spectra_free(LimSpectra *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->n; i++) {
        free(s->matrices[i].left);
        free(s->matrices[i].right);
    }
    free(s->matrices);
    lim_store_free(s->vectors);
    free(s);
}

/* Takes the parts along the first k rows of `basis` out of x [n] and gives it length 1; what is
 * lost in roundings becomes 0 (beyond the rank there is no direction left). The length before that.
 */
static double
orthonormalise(double *x, const double *basis, int k, int n)
{
    double before = 0, after = 0;
    for (int i = 0; i < n; i++)
        before += x[i] * x[i];
    for (int pass = 0; pass < 2; pass++)
        for (int j = 0; j < k; j++) {
            double dot = 0;
            for (int i = 0; i < n; i++)
                dot += x[i] * basis[(size_t)j * (size_t)n + (size_t)i];
            for (int i = 0; i < n; i++)
                x[i] -= dot * basis[(size_t)j * (size_t)n + (size_t)i];
        }
    for (int i = 0; i < n; i++)
        after += x[i] * x[i];
    const double length = after > 1e-24 * before ? sqrt(after) : 0;
    for (int i = 0; i < n; i++)
        x[i] = length > 0 ? x[i] / length : 0;
    return length;
}

/* right = W^T left */
static void
multiply_t(const float *w, const Matrix *m, const double *left, double *right)
{
    memset(right, 0, (size_t)m->cols * sizeof *right);
    for (int r = 0; r < m->rows; r++)
        for (int c = 0; c < m->cols; c++)
            right[c] += left[r] * (double)w[(int64_t)r * m->cols + c];
}

/* left = W right */
static void
multiply(const float *w, const Matrix *m, const double *right, double *left)
{
    for (int r = 0; r < m->rows; r++) {
        double dot = 0;
        for (int c = 0; c < m->cols; c++)
            dot += (double)w[(int64_t)r * m->cols + c] * right[c];
        left[r] = dot;
    }
}

static void
sweep(const LimSpectra *s, Matrix *m, const float *w)
{
    for (int i = 0; i < s->values; i++) {
        double *u = m->left + (size_t)i * (size_t)m->rows,
               *v = m->right + (size_t)i * (size_t)m->cols;
        multiply_t(w, m, u, v);
        orthonormalise(v, m->right, i, m->cols);
        multiply(w, m, v, u);
        m->value[i] = orthonormalise(u, m->left, i, m->rows); /* u^T W v */
    }
}

static void
step_matrix(void *ctx, int i, int thread)
{
    LimSpectra *s = ctx;
    Matrix *m = &s->matrices[i];
    float *w = lim_store_data(s->network, m->entry);
    for (int k = 0; k < s->values * m->rows; k++)
        m->left[k] = (double)m->u[k];
    for (int k = 0; k < s->sweeps; k++)
        sweep(s, m, w);
    for (int k = 0; k < s->values * m->rows; k++)
        if (m->value[k / m->rows] > 0) /* a vector of nothing would never find anything again */
            m->u[k] = (float)m->left[k];
    const double excess = m->value[0] - s->limit;
    if (s->limit < 0 || !(excess > 0))
        return;
    for (int r = 0; r < m->rows; r++)
        for (int c = 0; c < m->cols; c++)
            w[(int64_t)r * m->cols + c] -= (float)(excess * m->left[r] * m->right[c]);
}

void
lim_spectra_step(LimSpectra *s, int values, int sweeps, const LimExec *exec)
{
    LIM_ASSERT(values >= 1 && values <= LIM_SPECTRA && sweeps >= 1);
    s->values = values;
    s->sweeps = sweeps;
    s->limit = -1;
    lim_pool_for(exec->pool, s->n, step_matrix, s);
}

void
lim_spectra_clamp(LimSpectra *s, double limit, const LimExec *exec)
{
    s->values = s->sweeps = 1;
    s->limit = limit;
    lim_pool_for(exec->pool, s->n, step_matrix, s);
}

int
lim_spectra_count(const LimSpectra *s)
{
    return s->n;
}

const char *
lim_spectra_name(const LimSpectra *s, int i)
{
    return lim_store_name(s->network, s->matrices[i].entry);
}

const double *
lim_spectra_values(const LimSpectra *s, int i)
{
    return s->matrices[i].value;
}

void
lim_spectra_write(LimSpectra *s, LimStWriter *w, const char *prefix)
{
    lim_store_write(s->vectors, w, prefix, false);
}

LimStatus
lim_spectra_read(LimSpectra *s, const LimStFile *f, const char *prefix, LimError *err)
{
    return lim_store_read(s->vectors, f, prefix, err);
}
