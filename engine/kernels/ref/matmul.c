/* References: products of matrices, rows and vectors. */
#include "kernels/ref/ref.h"
#include "kernels/params.h"

/* [m][k] x [k][n], or the same for each of a batch; ta: a is stored [k][m], tb: b is [n][k] */
REF(matmul)
{
    const LimMatmulParams *p = n->params;
    const int nd = n->out_shape[0].nd, batch = nd == 3 ? n->out_shape[0].d[0] : 1;
    const int m = n->out_shape[0].d[nd - 2], cols = n->out_shape[0].d[nd - 1];
    const int k = n->in_shape[0].d[nd - (p->ta ? 2 : 1)];
    for (int b = 0; b < batch; b++) {
        const real *x = IN(0) + (int64_t)b * m * k, *w = IN(1) + (int64_t)b * k * cols;
        for (int i = 0; i < m; i++)
            for (int j = 0; j < cols; j++) {
                double s = 0;
                for (int l = 0; l < k; l++)
                    s += (double)x[p->ta ? l * m + i : i * k + l] *
                         (double)w[p->tb ? j * k + l : l * cols + j];
                OUT(0)[((int64_t)b * m + i) * cols + j] = (real)s;
            }
    }
}

/* [n][d] . [n][d] -> [n][1] */
REF(row_dot)
{
    const int rows = n->in_shape[0].d[0], d = n->in_shape[0].d[1];
    for (int r = 0; r < rows; r++) {
        double s = 0;
        for (int i = 0; i < d; i++)
            s += (double)IN(0)[r * d + i] * (double)IN(1)[r * d + i];
        OUT(0)[r] = (real)s;
    }
}

/* in: x [n][d], s [n][1] */
REF(row_scale)
{
    const int rows = n->in_shape[0].d[0], d = n->in_shape[0].d[1];
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < d; i++)
            OUT(0)[r * d + i] = IN(0)[r * d + i] * IN(1)[r];
}

/* in: table [k][d], index [n] */
REF(gather_rows)
{
    const int rows = n->out_shape[0].d[0], d = n->out_shape[0].d[1];
    const int32_t *index = n->in[1];
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < d; i++)
            OUT(0)[r * d + i] = IN(0)[index[r] * d + i];
}

/* in: dy [n][d], index [n]; the adjoint of gather_rows */
REF(scatter_rows)
{
    const int rows = n->in_shape[0].d[0], d = n->in_shape[0].d[1];
    const int32_t *index = n->in[1];
    for (int64_t i = 0; i < SIZE(n->out_shape[0]); i++)
        OUT(0)[i] = 0;
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < d; i++)
            OUT(0)[index[r] * d + i] += IN(0)[r * d + i];
}

/* Spectral normalisation, one power iteration (Miyato et al. 2018, algorithm 1).
 * in: W [o][rest], u [o]; out: W / sigma, u', sigma, v */
REF(spectral_norm)
{
    const LimEpsParams *p = n->params;
    const int o = n->in_shape[0].d[0], k = (int)(SIZE(n->in_shape[0]) / o);
    const real *w = IN(0), *u = IN(1);
    real *un = OUT(1), *v = OUT(3);
    double norm = 0;
    for (int j = 0; j < k; j++) {
        double s = 0;
        for (int i = 0; i < o; i++)
            s += (double)w[(int64_t)i * k + j] * (double)u[i];
        v[j] = (real)s;
        norm += s * s;
    }
    norm = fmax(sqrt(norm), p->eps);
    for (int j = 0; j < k; j++)
        v[j] = (real)((double)v[j] / norm);
    double norm2 = 0;
    for (int i = 0; i < o; i++) {
        double s = 0;
        for (int j = 0; j < k; j++)
            s += (double)w[(int64_t)i * k + j] * (double)v[j];
        un[i] = (real)s;
        norm2 += s * s;
    }
    const double length = fmax(sqrt(norm2), p->eps);
    for (int i = 0; i < o; i++)
        un[i] = (real)((double)un[i] / length);
    const double sigma = fmax(norm2 / length, p->eps); /* u'^T W v */
    OUT(2)[0] = (real)sigma;
    for (int64_t i = 0; i < (int64_t)o * k; i++)
        OUT(0)[i] = (real)((double)w[i] / sigma);
}

/* in: G = d/d(W/sigma), W/sigma, sigma, u', v; u and v carry no gradient, so
 * dW = (G - <G, W/sigma> u v^T) / sigma */
REF(spectral_norm_grad)
{
    const int o = n->in_shape[0].d[0], k = (int)(SIZE(n->in_shape[0]) / o);
    double dot = 0;
    for (int64_t i = 0; i < (int64_t)o * k; i++)
        dot += (double)IN(0)[i] * (double)IN(1)[i];
    for (int i = 0; i < o; i++)
        for (int j = 0; j < k; j++) {
            const int64_t at = (int64_t)i * k + j;
            const double uv = (double)IN(3)[i] * (double)IN(4)[j];
            OUT(0)[at] = (real)(((double)IN(0)[at] - dot * uv) / (double)IN(2)[0]);
        }
}
