/* tr (S1 S2)^1/2 through symmetric matrices only: with A = S1^1/2, S1 S2 has the eigenvalues of
 * A S2 A, which is symmetric and not negative, so no general matrix square root is needed and no
 * imaginary parts appear. Everything in double: covariances of features are nearly singular. */
#include "metrics/frechet.h"

#include "metrics/eigen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS LIM_JACKKNIFE_GROUPS

/* out = a b, all [n][n]. */
static void
product(int n, const double *a, const double *b, double *out)
{
    memset(out, 0, (size_t)n * (size_t)n * sizeof *out);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++) {
            const double f = a[i * n + k];
            for (int j = 0; j < n; j++)
                out[i * n + j] += f * b[k * n + j];
        }
}

/* root = cov^1/2 = sum_k sqrt(w_k) q_k q_k'. */
static bool
square_root(int n, const double *cov, double *root)
{
    const size_t size = (size_t)n * (size_t)n;
    double *q = lim_alloc(size, sizeof *q), *w = lim_alloc((size_t)n, sizeof *w);
    memcpy(q, cov, size * sizeof *q);
    const bool good = lim_eigen_symmetric(n, q, w, true);
    memset(root, 0, size * sizeof *root);
    for (int k = 0; k < n && good; k++)
        for (int i = 0; i < n; i++) {
            const double f = sqrt(fmax(0, w[k])) * q[k * n + i];
            for (int j = 0; j < n; j++)
                root[i * n + j] += f * q[k * n + j];
        }
    free(q);
    free(w);
    return good;
}

/* With the root of the second covariance at hand. */
static double
distance(int n, const double *mean1, const double *cov1, const double *mean2, const double *cov2,
         const double *root2)
{
    const size_t size = (size_t)n * (size_t)n;
    double *half = lim_alloc(size, sizeof *half), *inner = lim_alloc(size, sizeof *inner);
    double *w = lim_alloc((size_t)n, sizeof *w), sum = 0;
    product(n, root2, cov1, half);
    product(n, half, root2, inner);
    for (int i = 0; i < n; i++) /* what rounding left of the symmetry */
        for (int j = 0; j < i; j++)
            inner[i * n + j] = inner[j * n + i] = (inner[i * n + j] + inner[j * n + i]) / 2;
    const bool good = lim_eigen_symmetric(n, inner, w, false);
    for (int i = 0; i < n; i++) {
        const double gap = mean1[i] - mean2[i];
        sum += gap * gap + cov1[i * n + i] + cov2[i * n + i] - 2 * sqrt(fmax(0, w[i]));
    }
    free(half);
    free(inner);
    free(w);
    return good ? sum : (double)NAN;
}

double
lim_frechet_normal(int n, const double *mean1, const double *cov1, const double *mean2,
                   const double *cov2)
{
    double *root = lim_alloc((size_t)n * (size_t)n, sizeof *root);
    const double d =
        square_root(n, cov2, root) ? distance(n, mean1, cov1, mean2, cov2, root) : (double)NAN;
    free(root);
    return d;
}

/* Sums over some vectors. */
typedef struct Sums {
    int count;
    double *first;  /* [n] of x */
    double *second; /* [n][n] of x x' */
} Sums;

static Sums
sums_new(int n)
{
    return (Sums){0, lim_alloc((size_t)n, sizeof(double)),
                  lim_alloc((size_t)n * (size_t)n, sizeof(double))};
}

static void
sums_clear(Sums *s)
{
    free(s->first);
    free(s->second);
}

static void
sums_add(int n, Sums *to, const Sums *s, int sign)
{
    to->count += sign * s->count;
    for (int i = 0; i < n; i++)
        to->first[i] += sign * s->first[i];
    for (int i = 0; i < n * n; i++)
        to->second[i] += sign * s->second[i];
}

/* Turns sums into mean and unbiased covariance, in place. */
static void
sums_moments(int n, Sums *s)
{
    for (int i = 0; i < n; i++)
        s->first[i] /= s->count;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            s->second[i * n + j] =
                (s->second[i * n + j] - s->count * s->first[i] * s->first[j]) / (s->count - 1);
}

typedef struct Work {
    const LimExec *exec;
    const LimFeatures *f;
    Sums *group; /* [groups] */
    int groups;
    /* for the distances */
    const Sums *all;  /* of the samples */
    const Sums *real; /* moments */
    const double *root;
    double *without; /* [groups + 1], the last: of all */
} Work;

/* Group g holds samples [n g / groups, n (g + 1) / groups). */
static int
group_start(const Work *w, int g)
{
    return (int)((int64_t)w->f->n * g / w->groups);
}

static void
sum_group(void *ctx, int g, int thread)
{
    const Work *w = ctx;
    const int n = w->f->size;
    Sums *s = &w->group[g];
    double *x = lim_alloc((size_t)n, sizeof *x);
    for (int r = group_start(w, g); r < group_start(w, g + 1) && !lim_cancelled(w->exec->cancel);
         r++) {
        for (int i = 0; i < n; i++) {
            x[i] = (double)w->f->x[(size_t)r * (size_t)n + (size_t)i];
            s->first[i] += x[i];
        }
        for (int i = 0; i < n; i++)
            for (int j = 0; j <= i; j++)
                s->second[i * n + j] += x[i] * x[j];
        s->count++;
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++)
            s->second[j * n + i] = s->second[i * n + j];
    free(x);
}

static void
distance_without(void *ctx, int g, int thread)
{
    const Work *w = ctx;
    const int n = w->f->size;
    if (lim_cancelled(w->exec->cancel))
        return;
    Sums s = sums_new(n);
    sums_add(n, &s, w->all, 1);
    if (g < w->groups)
        sums_add(n, &s, &w->group[g], -1);
    sums_moments(n, &s);
    w->without[g] = distance(n, s.first, s.second, w->real->first, w->real->second, w->root);
    sums_clear(&s);
}

/* Sums of a whole set; those of its groups stay in w->group. */
static Sums
sum_all(Work *w, const LimFeatures *f)
{
    Sums all = sums_new(f->size);
    w->f = f;
    for (int g = 0; g < w->groups; g++)
        w->group[g] = sums_new(f->size);
    lim_pool_for(w->exec->pool, w->groups, sum_group, w);
    for (int g = 0; g < w->groups; g++)
        sums_add(f->size, &all, &w->group[g], 1);
    return all;
}

static void
clear_groups(Work *w)
{
    for (int g = 0; g < w->groups; g++)
        sums_clear(&w->group[g]);
}

LimStatus
lim_frechet(const LimExec *exec, const LimFeatures *samples, const LimFeatures *real,
            LimMeasure *out, LimError *err)
{
    LIM_ASSERT(samples->size == real->size);
    if (samples->n < 2 || real->n < 2)
        return lim_fail(err, LIM_E_PARAM,
                        "a Frechet distance needs two samples and two pictures at least");
    const int n = real->size;
    double without[GROUPS + 1];
    Sums group[GROUPS];
    Work w = {.exec = exec, .group = group, .groups = GROUPS, .without = without};
    Sums of_real = sum_all(&w, real);
    clear_groups(&w);
    sums_moments(n, &of_real);
    double *root = lim_alloc((size_t)n * (size_t)n, sizeof *root);
    const bool finite = square_root(n, of_real.second, root);
    Sums all = sum_all(&w, samples);
    w.all = &all;
    w.real = &of_real;
    w.root = root;
    /* Without an interval where a group's removal would leave next to nothing. */
    const bool interval = samples->n >= 2 * GROUPS;
    if (finite && interval)
        lim_pool_for(exec->pool, GROUPS + 1, distance_without, &w);
    else if (finite)
        distance_without(&w, GROUPS, 0);
    clear_groups(&w);
    sums_clear(&all);
    sums_clear(&of_real);
    free(root);
    if (lim_cancelled(exec->cancel))
        return lim_fail(err, LIM_CANCELLED, "stopped");
    if (!finite || !isfinite(without[GROUPS]))
        return lim_fail(err, LIM_E_NUMERIC, "a feature is not a finite number");
    *out = interval ? lim_jackknife(without[GROUPS], without, GROUPS)
                    : (LimMeasure){without[GROUPS], NAN, NAN};
    return LIM_OK;
}
