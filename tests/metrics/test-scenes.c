/* Mean IoU and average precision against numpy's values from the definitions, and by hand where the
 * definitions leave a choice. */
#include "golden.h"
#include "metrics/average_precision.h"
#include "metrics/iou.h"
#include "metrics/scenes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void
test_iou(void)
{
    int n, length;
    const int32_t *mask = golden_i32("mask", &n);
    const double *expected = golden_f64("iou", &length);
    LimIou m;
    g_assert_cmpint(length, ==, 6);
    lim_iou_init(&m, 6);
    g_assert_true(isnan(lim_iou_mean(&m)) && isnan(lim_iou_accuracy(&m)));
    lim_iou_add(&m, mask, mask + n, n / 2); /* in two parts: one table over all */
    lim_iou_add(&m, mask + n / 2, mask + n + n / 2, n - n / 2);
    int right = 0;
    for (int i = 0; i < n; i++)
        right += mask[i] == mask[n + i];
    for (int k = 0; k < 5; k++)
        g_assert_cmpfloat_with_epsilon(lim_iou_class(&m, k), expected[k], 1e-12);
    g_assert_true(isnan(lim_iou_class(&m, 5)));
    g_assert_cmpfloat_with_epsilon(lim_iou_mean(&m), expected[5], 1e-12);
    g_assert_cmpfloat_with_epsilon(lim_iou_accuracy(&m), (double)right / n, 1e-12);
    lim_iou_clear(&m);
}

/* Rows of the file as records; score_at < 0: true boxes. */
static LimBoxRecord *
records(const char *name, int *n, bool scored)
{
    int columns;
    const float *v = golden_f32(name, n, &columns);
    g_assert_cmpint(columns, ==, 6 + scored);
    LimBoxRecord *r = g_new0(LimBoxRecord, *n);
    for (int i = 0; i < *n; i++, v += columns) {
        r[i] = (LimBoxRecord){.picture = (int)v[0], .label = (int)v[1], .score = scored ? v[2] : 0};
        memcpy(r[i].box, v + 2 + scored, sizeof r[i].box);
    }
    return r;
}

static void
test_precision(void)
{
    int n, m, length;
    g_autofree LimBoxRecord *found = records("found", &n, true);
    g_autofree LimBoxRecord *truth = records("truth", &m, false);
    static const char *const name[] = {"precision.each", "precision.eleven"};
    for (int kind = 0; kind < 2; kind++) {
        const double *expected = golden_f64(name[kind], &length);
        double mean = 0;
        for (int k = 0; k < length; k++) {
            const double ap =
                lim_average_precision(found, n, truth, m, k + 1, 0.5, (LimApKind)kind);
            g_assert_cmpfloat_with_epsilon(ap, expected[k], 1e-12);
            g_assert_true(ap > 0.05 && ap < 0.95); /* the data decides something */
            mean += ap / length;
        }
        /* detections of class 5, of which nothing is true, do not count in the mean */
        g_assert_cmpfloat_with_epsilon(lim_mean_average_precision(found, n, truth, m, 6, 0.5,
                                                                  (LimApKind)kind),
                                       mean, 1e-12);
    }
}

static double
ap(const LimBoxRecord *found, int n, const LimBoxRecord *truth, int m, LimApKind kind)
{
    return lim_average_precision(found, n, truth, m, 1, 0.5, kind);
}

/* A double is wrong, the threshold itself is enough, a surer wrong one costs, a picture is its own.
 */
static void
test_precision_by_hand(void)
{
    const LimBoxRecord truth[] = {{.picture = 0, .label = 1, .box = {0, 0, 10, 10}},
                                  {.picture = 1, .label = 1, .box = {0, 0, 10, 10}}};
    const LimBoxRecord hit = {.picture = 0, .label = 1, .box = {0, 0, 10, 10}, .score = 0.9f};
    const LimBoxRecord half = {.picture = 1, .label = 1, .box = {0, 0, 10, 5}, .score = 0.8f};
    const LimBoxRecord less = {.picture = 1, .label = 1, .box = {0, 0, 10, 4.9f}, .score = 0.8f};
    const LimBoxRecord elsewhere = {.picture = 2, .label = 1, .box = {0, 0, 10, 10}, .score = 1};
    const LimBoxRecord other = {.picture = 1, .label = 2, .box = {0, 0, 10, 10}, .score = 1};
    const LimApKind all = LIM_AP_ALL_POINTS, eleven = LIM_AP_ELEVEN_POINTS;
    g_assert_cmpfloat(ap(NULL, 0, truth, 2, all), ==, 0);
    g_assert_true(isnan(ap(&hit, 1, truth, 0, all)));
    g_assert_true(isnan(lim_mean_average_precision(&hit, 1, truth, 0, 3, 0.5, all)));
    g_assert_cmpfloat(ap(&hit, 1, truth, 2, all), ==, 0.5);
    g_assert_cmpfloat_with_epsilon(ap(&hit, 1, truth, 2, eleven), 6 / 11.0, 1e-15);
    g_assert_cmpfloat(ap((LimBoxRecord[]){hit, half}, 2, truth, 2, all), ==, 1);
    g_assert_cmpfloat(ap((LimBoxRecord[]){half, hit}, 2, truth, 2, eleven), ==, 1);
    g_assert_cmpfloat(ap((LimBoxRecord[]){hit, less}, 2, truth, 2, all), ==, 0.5);
    g_assert_cmpfloat(ap((LimBoxRecord[]){hit, hit, half}, 3, truth, 2, all), ==,
                      0.5 + 0.5 * 2 / 3.0);
    g_assert_cmpfloat(ap((LimBoxRecord[]){hit, elsewhere, half}, 3, truth, 2, all), ==,
                      0.5 * 2 / 3.0 + 0.5 * 2 / 3.0);
    g_assert_cmpfloat(ap((LimBoxRecord[]){hit, other}, 2, truth, 2, all), ==, 0.5);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/metrics/scenes/iou", test_iou);
    g_test_add_func("/metrics/scenes/precision", test_precision);
    g_test_add_func("/metrics/scenes/precision-by-hand", test_precision_by_hand);
    const int status = g_test_run();
    golden_clear();
    return status;
}
