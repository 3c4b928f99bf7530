/* Each measure against values that numpy computed from the papers' formulas. */
#include "golden.h"
#include "metrics/asked_class.h"
#include "metrics/density_coverage.h"
#include "metrics/eigen.h"
#include "metrics/frechet.h"
#include "metrics/inception_score.h"
#include "metrics/interval.h"
#include "metrics/precision_recall.h"
#include "metrics/variety.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static LimExec exec, exec2; /* serial; three threads */

static void
assert_near(double value, double expected, double relative)
{
    g_assert_cmpfloat_with_epsilon(value, expected, relative * fmax(1, fabs(expected)));
}

static int
ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Values as numpy's; vectors by what makes them vectors. */
static void
check_eigen(const char *name)
{
    g_autofree char *values = g_strconcat(name, ".values", NULL);
    int size, n;
    const double *a = golden_f64(name, &size), *expected = golden_f64(values, &n);
    g_autofree double *q = g_memdup2(a, (gsize)size * sizeof *a);
    g_autofree double *copy = g_memdup2(a, (gsize)size * sizeof *a);
    g_autofree double *w = g_new(double, n), *alone = g_new(double, n);
    g_assert_true(lim_eigen_symmetric(n, q, w, true));
    g_assert_true(lim_eigen_symmetric(n, copy, alone, false));
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double along = 0, inner = 0;
            for (int k = 0; k < n; k++) {
                along += a[j * n + k] * q[i * n + k];
                inner += q[i * n + k] * q[j * n + k];
            }
            assert_near(along, w[i] * q[i * n + j], 1e-12);
            assert_near(inner, i == j, 1e-12);
        }
    qsort(w, (size_t)n, sizeof *w, ascending);
    qsort(alone, (size_t)n, sizeof *w, ascending);
    for (int i = 0; i < n; i++) {
        assert_near(w[i], expected[i], 1e-12);
        assert_near(alone[i], expected[i], 1e-12);
    }
}

static void
test_eigen(void)
{
    check_eigen("symmetric");
    check_eigen("flat");
}

/* What iterations stumble over: zeros, one value many times, one row, no number. */
static void
test_eigen_special(void)
{
    double zero[16] = {0}, unit[9] = {2, 0, 0, 0, 2, 0, 0, 0, 2}, w[4];
    g_assert_true(lim_eigen_symmetric(4, zero, w, true));
    for (int i = 0; i < 4; i++) {
        g_assert_cmpfloat(w[i], ==, 0);
        g_assert_cmpfloat(fabs(zero[i * 4 + i]), ==, 1);
    }
    g_assert_true(lim_eigen_symmetric(3, unit, w, false));
    for (int i = 0; i < 3; i++)
        g_assert_cmpfloat(w[i], ==, 2);
    double one = -3;
    g_assert_true(lim_eigen_symmetric(1, &one, w, true));
    g_assert_cmpfloat(w[0], ==, -3);
    g_assert_cmpfloat(one, ==, 1);
    double two[4] = {0, 1, 1, 0};
    g_assert_true(lim_eigen_symmetric(2, two, w, false));
    assert_near(fabs(w[0]), 1, 1e-15);
    assert_near(w[0] + w[1], 0, 1e-15);
    double bad[4] = {0, (double)NAN, (double)NAN, 0};
    g_assert_false(lim_eigen_symmetric(2, bad, w, false));
    /* nine orders of magnitude apart, and a chain of tiny couplings */
    double graded[16] = {1e9, 1, 0, 0, 1, 1, 1e-3, 0, 0, 1e-3, 1e-6, 1e-9, 0, 0, 1e-9, 1e-9};
    g_assert_true(lim_eigen_symmetric(4, graded, w, true));
    assert_near(w[0] + w[1] + w[2] + w[3], 1e9 + 1 + 1e-6 + 1e-9, 1e-14);
}

static void
test_frechet(void)
{
    LimFeatures *real = golden_features("real"), *samples = golden_features("samples");
    LimMeasure m, n;
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(lim_frechet(&exec, samples, real, &m, &err), ==, LIM_OK);
    g_assert_cmpint(lim_frechet(&exec2, samples, real, &n, &err), ==, LIM_OK);
    assert_near(m.value, golden_f64("frechet", NULL)[0], 1e-8);
    g_assert_cmpmem(&m, sizeof m, &n, sizeof n);
    g_assert_cmpfloat(m.low, <, m.value);
    g_assert_cmpfloat(m.high, >, m.value);
    /* of a set to itself; the other way round */
    g_assert_cmpint(lim_frechet(&exec, real, real, &m, &err), ==, LIM_OK);
    g_assert_cmpfloat(fabs(m.value), <, 1e-5);
    g_assert_cmpint(lim_frechet(&exec, real, samples, &m, &err), ==, LIM_OK);
    assert_near(m.value, golden_f64("frechet", NULL)[0], 1e-8);
    /* too few for an interval; not a number */
    const int all = samples->n;
    samples->n = 30;
    g_assert_cmpint(lim_frechet(&exec, samples, real, &m, &err), ==, LIM_OK);
    g_assert_true(isfinite(m.value) && isnan(m.low) && isnan(m.high));
    samples->n = all;
    samples->x[40] = NAN;
    g_assert_cmpint(lim_frechet(&exec, samples, real, &m, &err), ==, LIM_E_NUMERIC);
    err = (LimError)LIM_ERROR_INIT;
    samples->n = 1;
    g_assert_cmpint(lim_frechet(&exec, samples, real, &m, &err), ==, LIM_E_PARAM);
    lim_features_free(real);
    lim_features_free(samples);
}

/* Commuting covariances: |m1 - m2|^2 + sum (sqrt(s1) - sqrt(s2))^2. */
static void
test_frechet_normal(void)
{
    const double m1[] = {1, 2, 3}, m2[] = {1, 0, 3}, a[] = {4, 0, 0, 0, 9, 0, 0, 0, 0};
    const double b[] = {1, 0, 0, 0, 25, 0, 0, 0, 16}, bad[] = {(double)INFINITY, 2, 3};
    assert_near(lim_frechet_normal(3, m1, a, m2, b), 4 + 1 + 4 + 16, 1e-12);
    g_assert_false(isfinite(lim_frechet_normal(3, bad, a, m2, b)));
}

static void
test_precision_recall(void)
{
    LimFeatures *real = golden_features("real"), *samples = golden_features("samples");
    LimPoints r, s;
    LimMeasure precision, recall, density, coverage;
    LimError err = LIM_ERROR_INIT;
    lim_points_init(&r, real->x, real->n, real->size);
    lim_points_init(&s, samples->x, samples->n, samples->size);
    for (int i = 0; i < 2; i++) {
        const LimExec *e = i ? &exec2 : &exec;
        g_assert_cmpint(lim_precision_recall(e, &s, &r, &precision, &recall, &err), ==, LIM_OK);
        assert_near(precision.value, golden_f64("precision", NULL)[0], 1e-14);
        assert_near(recall.value, golden_f64("recall", NULL)[0], 1e-14);
        g_assert_cmpint(lim_density_coverage(e, &s, &r, &density, &coverage, &err), ==, LIM_OK);
        assert_near(density.value, golden_f64("density", NULL)[0], 1e-14);
        assert_near(coverage.value, golden_f64("coverage", NULL)[0], 1e-14);
    }
    /* each interval is over its own set: 230 samples, 300 pictures */
    const LimMeasure p = lim_proportion((int)lround(precision.value * 230), 230);
    const LimMeasure c = lim_proportion((int)lround(coverage.value * 300), 300);
    assert_near(precision.low, p.low, 1e-14);
    assert_near(coverage.high, c.high, 1e-14);
    g_assert_cmpfloat(density.low, <, density.value);
    lim_points_clear(&r);
    lim_points_clear(&s);
    lim_features_free(real);
    lim_features_free(samples);
}

static void
test_inception(void)
{
    int n, classes;
    const float *p = golden_f32("probability", &n, &classes);
    const double *expected = golden_f64("inception", NULL);
    double sd;
    const LimMeasure m = lim_inception_score(p, n, classes, &sd);
    assert_near(m.value, expected[0], 1e-12);
    assert_near(sd, expected[1], 1e-11);
    /* Student's t for ten values */
    assert_near(m.high - m.value, 2.262157 * sd / sqrt(10), 1e-4);
    /* all sure and every class alike: the number of classes; all undecided: 1 */
    float sure[40 * 4] = {0}, undecided[40 * 4];
    for (int i = 0; i < 40; i++)
        sure[i * 4 + i % 4] = 1;
    for (int i = 0; i < 160; i++)
        undecided[i] = 0.25f;
    assert_near(lim_inception_score(sure, 40, 4, &sd).value, 4, 1e-12);
    assert_near(sd, 0, 1e-12);
    assert_near(lim_inception_score(undecided, 40, 4, NULL).value, 1, 1e-12);
}

static void
test_variety(void)
{
    LimFeatures *f = golden_features("samples");
    const double *expected = golden_f64("variety", NULL);
    LimMeasure of[3], all, again;
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(lim_variety(&exec, f, of, &all, &err), ==, LIM_OK);
    for (int k = 0; k < 3; k++)
        assert_near(of[k].value, expected[k], 1e-12);
    assert_near(all.value, expected[3], 1e-12);
    g_assert_cmpint(lim_variety(&exec2, f, of, &again, &err), ==, LIM_OK);
    g_assert_cmpmem(&all, sizeof all, &again, sizeof again);

    /* the jackknife of all, from sets that really lack a group */
    double without[LIM_JACKKNIFE_GROUPS];
    int count[3] = {0};
    for (int i = 0; i < f->n; i++)
        count[f->label[i]]++;
    for (int g = 0; g < LIM_JACKKNIFE_GROUPS; g++) {
        LimFeatures *part = lim_features_new(f->n, f->size, 3);
        int seen[3] = {0}, n = 0;
        for (int i = 0; i < f->n; i++) {
            const int k = f->label[i];
            if (seen[k]++ * LIM_JACKKNIFE_GROUPS / count[k] == g)
                continue;
            memcpy(part->x + n * f->size, f->x + i * f->size, (size_t)f->size * sizeof *f->x);
            part->label[n++] = k;
        }
        part->n = n;
        LimMeasure m;
        g_assert_cmpint(lim_variety(&exec, part, NULL, &m, &err), ==, LIM_OK);
        without[g] = m.value;
        lim_features_free(part);
    }
    const LimMeasure slow = lim_jackknife(all.value, without, LIM_JACKKNIFE_GROUPS);
    assert_near(all.low, slow.low, 1e-10);
    assert_near(all.high, slow.high, 1e-10);

    /* one picture a class; a class of one; classes with none */
    for (int i = 0; i < f->n * f->size; i++)
        f->x[i] = 1;
    g_assert_cmpint(lim_variety(&exec, f, of, &all, &err), ==, LIM_OK);
    g_assert_cmpfloat(all.value, ==, 0);
    f->n = 3;
    f->label[0] = f->label[2] = 1;
    f->label[1] = 0;
    g_assert_cmpint(lim_variety(&exec, f, of, &all, &err), ==, LIM_OK);
    g_assert_true(isnan(of[0].value) && isnan(of[2].value) && isnan(all.low));
    g_assert_cmpfloat(of[1].value, ==, 0);
    g_assert_cmpfloat(all.value, ==, 0);
    lim_features_free(f);
}

static void
test_asked(void)
{
    int n, classes, confusion[49] = {0}, right = 0, total = 0;
    const float *p = golden_f32("probability", &n, &classes);
    LimFeatures *f = lim_features_new(n, 1, classes);
    memcpy(f->probability, p, (size_t)n * (size_t)classes * sizeof *p);
    for (int i = 0; i < n; i++)
        f->label[i] = i % 7;
    const LimMeasure m = lim_asked_class_count(f, confusion);
    for (int i = 0; i < 49; i++) {
        total += confusion[i];
        right += i % 8 == 0 ? confusion[i] : 0;
    }
    g_assert_cmpint(total, ==, n);
    assert_near(m.value, (double)right / n, 1e-15);
    g_assert_cmpint(lim_seen_class((const float[]){1, 3, 3}, 3), ==, 1);
    lim_features_free(f);
}

static void
test_intervals(void)
{
    LimMeasure m = lim_proportion(0, 0); /* nothing is known */
    g_assert_cmpfloat(m.low, ==, 0);
    g_assert_cmpfloat(m.high, ==, 1);
    m = lim_proportion(81, 263); /* Newcombe 1998, table I: 0.2553 to 0.3662 */
    assert_near(m.value, 81 / 263.0, 1e-15);
    g_assert_cmpfloat_with_epsilon(m.low, 0.2553, 5e-5);
    g_assert_cmpfloat_with_epsilon(m.high, 0.3662, 5e-5);
    m = lim_proportion(0, 20); /* the same table: 0 to 0.1611 */
    g_assert_cmpfloat(m.low, ==, 0);
    g_assert_cmpfloat_with_epsilon(m.high, 0.1611, 5e-5);
    m = lim_proportion(29, 29);
    g_assert_cmpfloat_with_epsilon(m.low, 1 - 0.1170, 5e-5);
    g_assert_cmpfloat(m.high, ==, 1);

    /* tables of Student's t: 1, 2, 4, 19, 999 degrees of freedom */
    static const double t[][2] = {
        {2, 12.7062}, {3, 4.30265}, {5, 2.77645}, {20, 2.09302}, {1000, 1.96234}};
    for (gsize i = 0; i < G_N_ELEMENTS(t); i++) {
        const int n = (int)t[i][0];
        g_autofree double *x = g_new0(double, n);
        double sd, mean = 0;
        for (int k = 0; k < n; k++)
            mean += (x[k] = k * k % 7) / n;
        m = lim_mean_interval(x, n, &sd);
        assert_near(m.value, mean, 1e-12);
        g_assert_cmpfloat_with_epsilon((m.high - m.low) / 2 / (sd / sqrt(n)), t[i][1],
                                       1e-3 * t[i][1]);
        /* of a mean, the jackknife is the usual interval: groups of one */
        g_autofree double *without = g_new(double, n);
        for (int k = 0; k < n; k++)
            without[k] = (mean * n - x[k]) / (n - 1);
        const LimMeasure j = lim_jackknife(mean, without, n);
        assert_near(j.low, m.low, 1e-10);
        assert_near(j.high, m.high, 1e-10);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    exec = (LimExec){.kernels = lim_kernels_best()};
    exec2 = (LimExec){.kernels = lim_kernels_best(), .pool = lim_pool_new(3)};
    g_test_add_func("/measures/eigen", test_eigen);
    g_test_add_func("/measures/eigen/special", test_eigen_special);
    g_test_add_func("/measures/frechet", test_frechet);
    g_test_add_func("/measures/frechet/normal", test_frechet_normal);
    g_test_add_func("/measures/precision-recall", test_precision_recall);
    g_test_add_func("/measures/inception", test_inception);
    g_test_add_func("/measures/variety", test_variety);
    g_test_add_func("/measures/asked", test_asked);
    g_test_add_func("/measures/intervals", test_intervals);
    const int failed = g_test_run();
    golden_clear();
    lim_pool_free(exec2.pool);
    return failed;
}
