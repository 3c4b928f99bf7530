/* Drawing samples: latents are a function of the request, each truncation mode has the distribution
 * and the bounds that it is described with, and the same request gives the same bytes however it is
 * cut and on however many threads. */
#include "models/generator.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static LimGenerator *
small_generator(void)
{
    LimBigganParams p;
    LimStore *s = model_store_generator(&p);
    LimModelInfo info = model_info_generator(&p);
    char *path = model_path("generator.safetensors");
    LimError err = LIM_ERROR_INIT;
    lim_modelfile_save(path, &info, s, false, &err);
    LimGenerator *g = lim_generator_load(path, &err);
    g_assert_cmpstr(err.text, ==, "");
    lim_store_free(s);
    g_free(path);
    return g;
}

static LimSampleRequest
request(int count, LimTruncation how, double threshold)
{
    LimSampleRequest r;
    lim_params_init(lim_sample_schema, &r);
    r.count = count;
    r.truncation = how;
    r.threshold = threshold;
    return r;
}

static float *
latents(const LimGenerator *g, const LimSampleRequest *r)
{
    float *z = g_new(float, r->count *lim_generator_latent_size(g));
    lim_generator_latents(g, r, z);
    return z;
}

static void
test_description(void)
{
    LimGenerator *g = small_generator();
    g_assert_cmpint(lim_generator_classes(g), ==, 3);
    g_assert_cmpint(lim_generator_latent_size(g), ==, 80);
    g_assert_true(lim_shape_equal(lim_generator_image_shape(g), LIM_SHAPE3(1, 32, 32)));
    g_assert_cmpstr(lim_generator_class_name(g, 0), ==, "T-shirt/top");
    g_assert_cmpstr(lim_generator_class_name(g, 3), ==, "");
    g_assert_cmpstr(lim_generator_class_name(g, -1), ==, "");
    lim_generator_free(g);
}

/* The first 4 of 16 are those of a request for 4; other seeds, other samples, other coordinates
 * have other values; the class has no part in it. */
static void
test_pure_function(void)
{
    LimGenerator *g = small_generator();
    for (int how = 0; how < 3; how++) {
        LimSampleRequest r = request(16, (LimTruncation)how, 0.8);
        float *many = latents(g, &r), *again = latents(g, &r);
        g_assert_cmpmem(many, 16 * 80 * sizeof(float), again, 16 * 80 * sizeof(float));
        r.count = 4;
        r.label = 2;
        float *few = latents(g, &r);
        g_assert_cmpmem(many, 4 * 80 * sizeof(float), few, 4 * 80 * sizeof(float));
        r.seed++;
        float *other = latents(g, &r);
        int same = 0;
        for (int i = 0; i < 4 * 80; i++)
            same += few[i] == other[i];
        g_assert_cmpint(same, <, 3);
        for (int i = 0; i < 16 * 80; i++)
            for (int k = i + 1; k < i + 200 && k < 16 * 80; k++)
                same += many[i] == many[k];
        g_assert_cmpint(same, <, 3);
        g_free(many);
        g_free(again);
        g_free(few);
        g_free(other);
    }
    lim_generator_free(g);
}

/* ---- distributions ----------------------------------------------------------------------------
 */

enum { VALUES = 102400 }; /* 1280 samples of 80 */

static int
ascending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

static double
normal_cdf(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

/* Kolmogorov-Smirnov: the largest distance of the empirical distribution of sorted z / scale from
 * the normal one cut at -t and t. */
static double
distance(const float *z, double scale, double t)
{
    double worst = 0;
    for (int i = 0; i < VALUES; i++) {
        const double x = (double)z[i] / scale;
        const double f = (normal_cdf(x) - normal_cdf(-t)) / (normal_cdf(t) - normal_cdf(-t));
        worst = fmax(worst, fmax(fabs(f - (double)i / VALUES), fabs(f - (i + 1.0) / VALUES)));
    }
    return worst;
}

/* ... and of two samples from each other. */
static double
distance_between(const float *a, const float *b)
{
    double worst = 0;
    for (int i = 0, k = 0; i < VALUES && k < VALUES;) {
        const float x = MIN(a[i], b[k]);
        while (i < VALUES && a[i] <= x)
            i++;
        while (k < VALUES && b[k] <= x)
            k++;
        worst = fmax(worst, fabs((double)(i - k)) / VALUES);
    }
    return worst;
}

static void
test_distributions(void)
{
    /* exceeded once in a thousand samples of this size; the seed is fixed */
    const double one = 1.95 / sqrt(VALUES), two = 1.95 * sqrt(2.0 / VALUES);
    const double thresholds[] = {0.02, 0.3, 1, 1.7, 2.5};
    LimGenerator *g = small_generator();
    for (size_t i = 0; i < G_N_ELEMENTS(thresholds); i++) {
        const double t = thresholds[i];
        float *z[3];
        for (int how = 0; how < 3; how++) {
            LimSampleRequest r = request(VALUES / 80, (LimTruncation)how, t);
            z[how] = latents(g, &r);
            const double bound = how == LIM_TRUNC_SCALE ? 2 * t : t;
            double largest = 0;
            for (int k = 0; k < VALUES; k++)
                largest = fmax(largest, fabs((double)z[how][k]));
            g_assert_cmpfloat(largest, <=, bound * (1 + 1e-6));
            g_assert_cmpfloat(largest, >, bound * 0.99);
            qsort(z[how], VALUES, sizeof(float), ascending);
        }
        g_assert_cmpfloat(distance(z[LIM_TRUNC_INVERSE_CDF], 1, t), <, one);
        g_assert_cmpfloat(distance(z[LIM_TRUNC_RESAMPLE], 1, t), <, one);
        g_assert_cmpfloat(distance(z[LIM_TRUNC_SCALE], t, 2), <, one);
        g_assert_cmpfloat(distance_between(z[LIM_TRUNC_INVERSE_CDF], z[LIM_TRUNC_RESAMPLE]), <,
                          two);
        /* the test tells distributions apart: as a whole normal one, or a wider cut, it fails */
        if (t < 2)
            g_assert_cmpfloat(distance(z[LIM_TRUNC_RESAMPLE], 1, 1.3 * t), >, one);
        for (int how = 0; how < 3; how++)
            g_free(z[how]);
    }
    lim_generator_free(g);
}

/* Inverse CDF: every coordinate goes outwards as the threshold grows, at no more than its speed
 * (dz/dt = (2u - 1) phi(t) / phi(z), at most 1 because |z| <= t). Scale: proportional. */
static void
test_threshold_moves(void)
{
    LimGenerator *g = small_generator();
    const int n = 4 * 80;
    float *before = NULL, *unit = NULL;
    const double step = 0.01;
    for (double t = LIM_THRESHOLD_MIN; t <= LIM_THRESHOLD_MAX; t += step) {
        LimSampleRequest r = request(4, LIM_TRUNC_INVERSE_CDF, t);
        float *z = latents(g, &r);
        for (int i = 0; before && i < n; i++) {
            g_assert_true(z[i] * before[i] >= 0);
            g_assert_cmpfloat(fabsf(z[i]), >=, fabsf(before[i]));
            g_assert_cmpfloat(fabs((double)z[i] - (double)before[i]), <=, step * (1 + 1e-3));
        }
        g_free(before);
        before = z;
        r.truncation = LIM_TRUNC_SCALE;
        z = latents(g, &r);
        if (!unit) {
            r.threshold = 1;
            unit = latents(g, &r);
        }
        for (int i = 0; i < n; i++)
            g_assert_cmpfloat_with_epsilon(z[i], (float)t * unit[i], 1e-6f);
        g_free(z);
    }
    g_free(before);
    g_free(unit);
    lim_generator_free(g);
}

/* Inverse CDF: the same latent under every threshold, its values at the same quantiles of the cut
 * distribution. */
static void
test_same_latent(void)
{
    LimGenerator *g = small_generator();
    const double thresholds[] = {0.02, 0.04, 0.5, 1, 2, 2.5};
    double first[4 * 80];
    for (size_t k = 0; k < G_N_ELEMENTS(thresholds); k++) {
        const double t = thresholds[k], low = normal_cdf(-t);
        LimSampleRequest r = request(4, LIM_TRUNC_INVERSE_CDF, t);
        float *z = latents(g, &r);
        for (int i = 0; i < 4 * 80; i++) {
            const double u = (normal_cdf((double)z[i]) - low) / (1 - 2 * low);
            if (k)
                g_assert_cmpfloat_with_epsilon(u, first[i], 1e-6);
            else
                first[i] = u;
        }
        g_free(z);
    }
    lim_generator_free(g);
}

/* Resampling keeps what is inside: a value that a wide threshold allows is the same under a narrow
 * one that allows it too. */
static void
test_resample_keeps(void)
{
    LimGenerator *g = small_generator();
    LimSampleRequest r = request(4, LIM_TRUNC_RESAMPLE, 2.5);
    float *wide = latents(g, &r);
    r.threshold = 0.5;
    float *narrow = latents(g, &r);
    int kept = 0;
    for (int i = 0; i < 4 * 80; i++)
        if (fabsf(wide[i]) <= 0.5f) {
            g_assert_cmpfloat(wide[i], ==, narrow[i]);
            kept++;
        }
    g_assert_cmpint(kept, >, 50);
    g_free(wide);
    g_free(narrow);
    lim_generator_free(g);
}

/* ---- slots, walks, blends ----------------------------------------------------------------------
 */

/* A threshold of a slot acts in that slot and nowhere else; 0 means the threshold. */
static void
test_slot_thresholds(void)
{
    LimGenerator *g = small_generator();
    g_assert_cmpint(lim_generator_slots(g), ==, LIM_SLOTS);
    for (int how = 0; how < 3; how++)
        for (int slot = 0; slot < LIM_SLOTS; slot++) {
            LimSampleRequest r = request(4, (LimTruncation)how, 1.5);
            float *plain = latents(g, &r);
            r.slot_threshold[slot] = 0.1;
            float *cut = latents(g, &r);
            r = request(4, (LimTruncation)how, 0.1);
            float *narrow = latents(g, &r);
            for (int i = 0; i < 4 * 80; i++)
                g_assert_cmpfloat(cut[i], ==, i % 80 / 20 == slot ? narrow[i] : plain[i]);
            g_free(plain);
            g_free(cut);
            g_free(narrow);
        }
    lim_generator_free(g);
}

/* The slots of the mask are those of the other seed, sample by sample. */
static void
test_mix(void)
{
    LimGenerator *g = small_generator();
    for (int mask = 0; mask < 1 << LIM_SLOTS; mask++) {
        LimSampleRequest r = request(3, LIM_TRUNC_INVERSE_CDF, 1);
        r.seed = 11;
        float *own = latents(g, &r);
        r.seed = 12;
        float *other = latents(g, &r);
        r.seed = 11;
        r.mix_seed = 12;
        r.mix_slots = mask;
        float *mixed = latents(g, &r);
        for (int i = 0; i < 3 * 80; i++)
            g_assert_cmpfloat(mixed[i], ==, mask >> (i % 80 / 20) & 1 ? other[i] : own[i]);
        g_free(own);
        g_free(other);
        g_free(mixed);
    }
    lim_generator_free(g);
}

static double
dot(const float *a, const float *b, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* A walk moves the Gaussian along two orthonormal directions. Cut, a value moves no faster than the
 * Gaussian (the cut's slope is phi(x) (1 - 2 Phi(-t)) / phi(z), at most 1 because |z| <= |x|),
 * never jumps, and stays within the threshold. */
static void
test_walk(void)
{
    LimGenerator *g = small_generator();
    const float *plane[] = {lim_generator_plane(g, 0), lim_generator_plane(g, 1)};
    g_assert_cmpfloat_with_epsilon(dot(plane[0], plane[0], 80), 1, 1e-6);
    g_assert_cmpfloat_with_epsilon(dot(plane[1], plane[1], 80), 1, 1e-6);
    g_assert_cmpfloat_with_epsilon(dot(plane[0], plane[1], 80), 0, 1e-6);
    const double step = 0.25;
    for (int how = 0; how < 3; how++)
        for (int axis = 0; axis < 2; axis++) {
            LimSampleRequest r = request(2, (LimTruncation)how, 0.7);
            float *origin = latents(g, &r), *before = NULL;
            for (double x = -LIM_WALK_MAX; x <= LIM_WALK_MAX; x += step) {
                if (axis)
                    r.walk_y = x;
                else
                    r.walk_x = x;
                float *z = latents(g, &r);
                double moved = 0;
                for (int i = 0; i < 2 * 80; i++) {
                    const double reach =
                        fabs((double)plane[axis][i % 80]) * (how == LIM_TRUNC_SCALE ? 0.7 : 1);
                    g_assert_cmpfloat(fabs((double)z[i]), <=,
                                      how == LIM_TRUNC_SCALE ? 1.4 + 1e-6 : 0.7 + 1e-6);
                    if (before) {
                        moved = fmax(moved, fabs((double)z[i] - (double)before[i]));
                        g_assert_cmpfloat(fabs((double)z[i] - (double)before[i]), <=,
                                          step * reach * (1 + 1e-3) + 1e-6);
                    }
                    if (x == 0)
                        g_assert_cmpfloat(z[i], ==, origin[i]);
                    /* next to the origin, where the walk does something and where it does not */
                    else if (fabs(x) <= step)
                        g_assert_cmpfloat(fabs((double)z[i] - (double)origin[i]), <=,
                                          step * reach * (1 + 1e-3) + 1e-6);
                }
                if (before)
                    g_assert_cmpfloat(moved, >, 0.001);
                g_free(before);
                before = z;
            }
            g_free(before);
            g_free(origin);
        }
    /* not cut: the plane itself */
    LimSampleRequest r = request(1, LIM_TRUNC_INVERSE_CDF, 12);
    float *origin = latents(g, &r);
    r.walk_x = 3;
    r.walk_y = -5;
    float *z = latents(g, &r);
    for (int i = 0; i < 80; i++)
        g_assert_cmpfloat_with_epsilon(z[i], origin[i] + 3 * plane[0][i] - 5 * plane[1][i], 1e-5);
    g_free(origin);
    g_free(z);
    lim_generator_free(g);
}

/* ---- the task ---------------------------------------------------------------------------------
 */

static LimTensor *
draw(LimGenerator *g, const LimSampleRequest *r, const LimExec *exec)
{
    LimTask *t = lim_sample_task_new(g, r);
    LimError err = LIM_ERROR_INIT;
    LimProgress progress = {0};
    LimStep step;
    double fraction = 0;
    while ((step = lim_task_step(t, exec, &progress, &err)) == LIM_STEP_MORE) {
        g_assert_cmpfloat(progress.fraction, >, fraction);
        fraction = progress.fraction;
    }
    g_assert_cmpstr(err.text, ==, "");
    g_assert_cmpint(step, ==, LIM_STEP_DONE);
    g_assert_cmpfloat(progress.fraction, ==, 1);
    g_assert_cmpint(lim_sample_task_request(t)->count, ==, r->count);
    LimTensor *image = lim_tensor_dup(lim_sample_task_image(t));
    g_assert_true(lim_shape_equal(lim_tensor_shape(image), LIM_SHAPE4(r->count, 1, 32, 32)));
    lim_task_free(t);
    return image;
}

/* The first `count` pictures are the same bytes. */
static void
assert_same(const LimTensor *a, const LimTensor *b, int count)
{
    const float *x = lim_tensor_f32(a), *y = lim_tensor_f32(b);
    for (int i = 0; i < count; i++)
        if (memcmp(x + i * 1024, y + i * 1024, 1024 * sizeof(float)) != 0) {
            double worst = 0;
            for (int k = 0; k < 1024; k++)
                worst = fmax(worst, fabs((double)x[i * 1024 + k] - (double)y[i * 1024 + k]));
            g_error("picture %d of %d differs by up to %g", i, count, worst);
        }
}

static void
test_same_bytes(void)
{
    LimGenerator *g = small_generator(), *h = small_generator();
    LimExec exec = {.kernels = lim_kernels_best()};
    /* 65: one whole batch and one of a single picture */
    LimSampleRequest r = request(65, LIM_TRUNC_INVERSE_CDF, 1);
    LimTensor *one = draw(g, &r, &exec), *again = draw(g, &r, &exec);
    assert_same(one, again, 65);
    exec.pool = lim_pool_new(2);
    LimTensor *two = draw(h, &r, &exec); /* another generator, planned for two threads */
    assert_same(one, two, 65);
    lim_pool_free(exec.pool);
    exec.pool = NULL;
    lim_tensor_unref(again);
    lim_tensor_unref(two);
    /* cut differently */
    const int counts[] = {1, 2, 3, 7, 16, 64, 66, 130};
    for (size_t i = 0; i < G_N_ELEMENTS(counts); i++) {
        r.count = counts[i];
        LimTensor *other = draw(g, &r, &exec);
        assert_same(one, other, MIN(65, counts[i]));
        lim_tensor_unref(other);
    }
    lim_tensor_unref(one);
    lim_generator_free(g);
    lim_generator_free(h);
}

/* How many pixels of two pictures differ. */
static int
differing(const LimTensor *t, int a, int b)
{
    const float *x = lim_tensor_f32(t);
    int n = 0;
    for (int k = 0; k < 1024; k++)
        n += x[a * 1024 + k] != x[b * 1024 + k];
    return n;
}

/* The pictures are pictures: of the class and of z, and not black or white all over. */
static void
test_pictures_differ(void)
{
    LimGenerator *g = small_generator();
    const LimExec exec = {.kernels = lim_kernels_best()};
    float z[4 * 80];
    LimSampleRequest r = request(4, LIM_TRUNC_INVERSE_CDF, 1);
    lim_generator_latents(g, &r, z);
    memcpy(z + 80, z, 80 * sizeof *z);
    memcpy(z + 160, z, 80 * sizeof *z);
    LimTensor *t = lim_tensor_new(LIM_F32, LIM_SHAPE4(4, 1, 32, 32));
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(lim_generator_run(g, &exec, z, (int32_t[]){0, 1, 0, 0}, 4, lim_tensor_edit(t),
                                      &err),
                    ==, LIM_OK);
    g_assert_cmpint(differing(t, 0, 1), >, 500);
    g_assert_cmpint(differing(t, 0, 2), ==, 0);
    g_assert_cmpint(differing(t, 0, 3), >, 500);
    int inside = 0;
    for (int k = 0; k < 1024; k++)
        inside += fabsf(lim_tensor_f32(t)[k]) < 0.99f;
    g_assert_cmpint(inside, >, 500);
    lim_tensor_unref(t);
    lim_generator_free(g);
}

/* The task is the latents, the labels and the network. */
static void
test_task_is_run(void)
{
    LimGenerator *g = small_generator();
    const LimExec exec = {.kernels = lim_kernels_best()};
    enum { N = 67 };
    for (int label = -1; label < 3; label++) {
        LimSampleRequest r = request(N, LIM_TRUNC_RESAMPLE, 0.7);
        r.label = label;
        float *z = latents(g, &r);
        int32_t labels[N];
        for (int i = 0; i < N; i++)
            labels[i] = label < 0 ? i % 3 : label;
        LimTensor *image = draw(g, &r, &exec), *direct = lim_tensor_dup(image);
        memset(lim_tensor_edit(direct), 0, N * 1024 * sizeof(float));
        LimError err = LIM_ERROR_INIT;
        g_assert_cmpint(lim_generator_run(g, &exec, z, labels, N, lim_tensor_edit(direct), &err),
                        ==, LIM_OK);
        assert_same(image, direct, N);
        lim_tensor_unref(image);
        lim_tensor_unref(direct);
        g_free(z);
    }
    lim_generator_free(g);
}

static void
test_refused(void)
{
    LimGenerator *g = small_generator();
    const LimExec exec = {.kernels = lim_kernels_best()};
    const struct {
        int count, label;
        double threshold;
        int truncation;
    } bad[] = {{0, 0, 1, 0},   {-1, 0, 1, 0},      {257, 0, 1, 0},   {4, 3, 1, 0},
               {4, -2, 1, 0},  {4, 1000, 1, 0},    {4, 0, 0.019, 0}, {4, 0, 2.51, 0},
               {4, 0, 0, 1},   {4, 0, -1, 1},      {4, 0, 1, 3},     {4, 0, 1, -1},
               {4, 0, NAN, 0}, {4, 0, INFINITY, 0}};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        LimSampleRequest r = {bad[i].count, bad[i].label, 1, bad[i].threshold, bad[i].truncation};
        LimTask *t = lim_sample_task_new(g, &r);
        LimError err = LIM_ERROR_INIT;
        g_assert_cmpint(lim_task_step(t, &exec, NULL, &err), ==, LIM_STEP_FAILED);
        g_assert_cmpint(err.code, ==, LIM_E_PARAM);
        model_assert_sentence(&err);
        g_assert_null(lim_sample_task_image(t));
        lim_task_free(t);
    }
    /* the limits themselves are allowed */
    LimSampleRequest r = request(1, LIM_TRUNC_RESAMPLE, LIM_THRESHOLD_MIN);
    r.label = 2;
    lim_tensor_unref(draw(g, &r, &exec));
    r.threshold = LIM_THRESHOLD_MAX;
    r.count = 256;
    lim_tensor_unref(draw(g, &r, &exec));
    lim_generator_free(g);
}

static void
test_refused_details(void)
{
    LimGenerator *g = small_generator();
    const LimExec exec = {.kernels = lim_kernels_best()};
    LimSampleRequest good = request(4, LIM_TRUNC_INVERSE_CDF, 1), bad[16];
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        bad[i] = good;
    int n = 0;
    bad[n++].blend_label = 3;
    bad[n++].blend_label = -2;
    bad[n++].blend = -0.1;
    bad[n++].blend = 1.1;
    bad[n++].walk_x = LIM_WALK_MAX + 0.1;
    bad[n++].walk_y = NAN;
    bad[n++].slot_threshold[0] = 0.01;
    bad[n++].slot_threshold[3] = 2.6;
    bad[n++].slot_threshold[2] = -1;
    bad[n++].mix_slots = 16;
    bad[n++].mix_slots = -1;
    for (int i = 0; i < n; i++)
        for (int how = 0; how < 3; how++) {
            const LimSample list[] = {{good, 0}, {bad[i], 1}};
            const LimInterpolation way = {list[0], list[1], 3, 1, 0, 0};
            LimTask *t = how == 0   ? lim_sample_task_new(g, &bad[i])
                         : how == 1 ? lim_samples_task_new(g, list, 2, false)
                                    : lim_interpolation_task_new(g, &way, false);
            LimError err = LIM_ERROR_INIT;
            g_assert_cmpint(lim_task_step(t, &exec, NULL, &err), ==, LIM_STEP_FAILED);
            g_assert_cmpint(err.code, ==, LIM_E_PARAM);
            model_assert_sentence(&err);
            g_assert_null(lim_sample_task_image(t));
            lim_task_free(t);
        }
    const LimSample odd[] = {{good, -1}, {good, LIM_INDEX_MAX + 1}};
    for (int i = 0; i < 2; i++) {
        LimTask *t = lim_samples_task_new(g, &odd[i], 1, false);
        LimError err = LIM_ERROR_INIT;
        g_assert_cmpint(lim_task_step(t, &exec, NULL, &err), ==, LIM_STEP_FAILED);
        model_assert_sentence(&err);
        lim_task_free(t);
    }
    lim_generator_free(g);
}

/* ---- lists, maps, interpolation ----------------------------------------------------------------
 */

static LimTask *
finish(LimTask *t)
{
    const LimExec exec = {.kernels = lim_kernels_best()};
    LimError err = LIM_ERROR_INIT;
    LimStep step;
    while ((step = lim_task_step(t, &exec, NULL, &err)) == LIM_STEP_MORE)
        ;
    g_assert_cmpstr(err.text, ==, "");
    g_assert_cmpint(step, ==, LIM_STEP_DONE);
    return t;
}

/* Picture i of a and picture k of b are the same bytes. */
static bool
same_picture(const LimTensor *a, int i, const LimTensor *b, int k)
{
    return memcmp(lim_tensor_f32(a) + i * 1024, lim_tensor_f32(b) + k * 1024,
                  1024 * sizeof(float)) == 0;
}

/* No blend is exactly the class, a full one exactly the other; between, mostly neither (some
 * pictures of so small a network are blank for both). */
static void
test_blend(void)
{
    LimGenerator *g = small_generator();
    const LimExec exec = {.kernels = lim_kernels_best()};
    LimTensor *pure[3];
    LimSampleRequest r = request(6, LIM_TRUNC_INVERSE_CDF, 1);
    for (r.label = 0; r.label < 3; r.label++)
        pure[r.label] = draw(g, &r, &exec);
    int between = 0, neither = 0;
    for (int a = -1; a < 3; a++)
        for (int b = -1; b < 3; b++)
            for (int k = 0; k < 3; k++) {
                r.label = a;
                r.blend_label = b;
                r.blend = k / 2.0;
                LimTensor *t = draw(g, &r, &exec);
                for (int i = 0; i < 6; i++) {
                    const int from = a < 0 ? i % 3 : a, to = b < 0 ? from : b;
                    if (k != 1 || from == to) {
                        g_assert_true(same_picture(t, i, pure[k == 0 ? from : to], i));
                        continue;
                    }
                    between++;
                    neither +=
                        !same_picture(t, i, pure[from], i) && !same_picture(t, i, pure[to], i);
                }
                lim_tensor_unref(t);
            }
    g_assert_cmpint(neither, >, between / 2);
    for (int k = 0; k < 3; k++)
        lim_tensor_unref(pure[k]);
    lim_generator_free(g);
}

/* Single samples of several requests, in any order and more than a batch, are those of the
 * requests. */
static void
test_list(void)
{
    LimGenerator *g = small_generator();
    const LimExec exec = {.kernels = lim_kernels_best()};
    LimSampleRequest r[3];
    LimTensor *whole[3];
    for (int k = 0; k < 3; k++) {
        r[k] = request(8, (LimTruncation)k, 0.5 + k / 2.0);
        r[k].seed = 5 + (uint64_t)k;
        r[k].label = k - 1;
        r[k].walk_x = k;
        whole[k] = draw(g, &r[k], &exec);
    }
    LimSample list[100];
    for (int i = 0; i < 100; i++)
        list[i] = (LimSample){r[i % 3], (7 * i) % 8};
    LimTask *t = finish(lim_samples_task_new(g, list, 100, false));
    g_assert_null(lim_sample_task_maps(t));
    g_assert_true(
        lim_shape_equal(lim_tensor_shape(lim_sample_task_image(t)), LIM_SHAPE4(100, 1, 32, 32)));
    for (int i = 0; i < 100; i++)
        g_assert_true(same_picture(lim_sample_task_image(t), i, whole[i % 3], (7 * i) % 8));
    lim_task_free(t);
    for (int k = 0; k < 3; k++)
        lim_tensor_unref(whole[k]);
    lim_generator_free(g);
}

/* Each map distributes 1 over its keys, differs with query and sample, and asking for it leaves
 * the pictures as they are. */
static void
test_maps(void)
{
    LimGenerator *g = small_generator();
    LimAttentionInfo info;
    g_assert_true(lim_generator_attention(g, &info));
    g_assert_cmpint(info.query, ==, 16);
    g_assert_cmpint(info.key, ==, 8);
    g_assert_cmpfloat(fabs(info.gamma), >, 0);
    LimBigganParams p;
    LimStore *s = model_store_generator(&p);
    g_assert_cmpfloat(info.gamma, ==,
                      (double)*lim_store_data(s, lim_store_find(s, "attention.gamma")));
    lim_store_free(s);
    enum { N = 66 };
    LimSample list[N];
    for (int i = 0; i < N; i++)
        list[i] = (LimSample){request(1, LIM_TRUNC_INVERSE_CDF, 1), i};
    LimTask *with = finish(lim_samples_task_new(g, list, N, true));
    LimTask *without = finish(lim_samples_task_new(g, list, N, false));
    assert_same(lim_sample_task_image(with), lim_sample_task_image(without), N);
    const LimTensor *maps = lim_sample_task_maps(with);
    g_assert_true(lim_shape_equal(lim_tensor_shape(maps), LIM_SHAPE3(N, 256, 64)));
    const float *m = lim_tensor_f32(maps);
    int uneven = 0;
    for (int row = 0; row < N * 256; row++) {
        double sum = 0, largest = 0;
        for (int k = 0; k < 64; k++) {
            g_assert_cmpfloat(m[row * 64 + k], >=, 0);
            sum += (double)m[row * 64 + k];
            largest = fmax(largest, (double)m[row * 64 + k]);
        }
        g_assert_cmpfloat_with_epsilon(sum, 1, 1e-5);
        uneven += largest > 1.1 / 64;
    }
    g_assert_cmpint(uneven, >, N * 16);
    g_assert_cmpint(memcmp(m, m + 100 * 64, 64 * sizeof *m), !=, 0);
    g_assert_cmpint(memcmp(m, m + 256 * 64, 64 * sizeof *m), !=, 0);
    lim_task_free(with);
    lim_task_free(without);
    lim_generator_free(g);
}

/* A model without attention has none to show. */
static void
test_no_attention(void)
{
    LimBigganParams p;
    LimStore *s = model_store_generator(&p);
    p.g_attention = false;
    LimModelInfo model = model_info_generator(&p);
    char *path = model_path("plain.safetensors");
    LimError err = LIM_ERROR_INIT;
    lim_modelfile_save(path, &model, s, false, &err);
    LimGenerator *g = lim_generator_load(path, &err);
    g_assert_cmpstr(err.text, ==, "");
    LimAttentionInfo info;
    g_assert_false(lim_generator_attention(g, &info));
    const LimExec exec = {.kernels = lim_kernels_best()};
    const LimSample one = {request(1, LIM_TRUNC_INVERSE_CDF, 1), 0};
    LimTask *t = lim_samples_task_new(g, &one, 1, true);
    g_assert_cmpint(lim_task_step(t, &exec, NULL, &err), ==, LIM_STEP_FAILED);
    g_assert_cmpint(err.code, ==, LIM_E_PARAM);
    model_assert_sentence(&err);
    lim_task_free(t);
    lim_task_free(finish(lim_samples_task_new(g, &one, 1, false)));
    lim_generator_free(g);
    lim_store_free(s);
    g_free(path);
}

static double
gaussian_length(const float *z, int n)
{
    return sqrt(dot(z, z, n));
}

static void
test_interpolation(void)
{
    LimGenerator *g = small_generator();
    enum { STEPS = 9, ROWS = 2, N = STEPS * ROWS };
    float z[N * 80], c[N * 3], a[80], b[80], ca[3], cb[3];
    LimInterpolation p;
    memset(&p, 0, sizeof p);
    lim_params_init(lim_interpolation_schema, &p);
    p.from.request = request(1, LIM_TRUNC_INVERSE_CDF, 0.6);
    p.from.request.label = 0;
    p.to.request = request(1, LIM_TRUNC_INVERSE_CDF, 1.2);
    p.to.request.label = 2;
    p.to.request.seed = 77;
    p.to.index = 4;
    p.steps = STEPS;
    p.rows = ROWS;
    for (p.path = 0; p.path < 2; p.path++)
        for (p.what = 0; p.what < 3; p.what++) {
            lim_generator_interpolate(g, &p, z, c);
            for (int row = 0; row < ROWS; row++) {
                const float *zr = z + row * STEPS * 80, *cr = c + row * STEPS * 3;
                const bool latent = p.what != LIM_TRAVEL_CLASS, label = p.what != LIM_TRAVEL_LATENT;
                lim_generator_input(g, &p.from.request, row, a, ca);
                lim_generator_input(g, &p.to.request, 4 + row, b, cb);
                g_assert_cmpmem(zr, sizeof a, a, sizeof a);
                g_assert_cmpmem(cr, sizeof ca, ca, sizeof ca);
                g_assert_cmpmem(zr + (STEPS - 1) * 80, sizeof a, latent ? b : a, sizeof a);
                g_assert_cmpmem(cr + (STEPS - 1) * 3, sizeof ca, label ? cb : ca, sizeof ca);
                for (int i = 1; i < STEPS; i++) { /* steady, and within the bounds on its way */
                    const double s = (double)i / (STEPS - 1);
                    g_assert_cmpfloat_with_epsilon(cr[i * 3], label ? 1 - s : 1, 1e-6);
                    g_assert_cmpfloat_with_epsilon(cr[i * 3 + 2], label ? s : 0, 1e-6);
                    for (int k = 0; k < 80; k++) {
                        const double x = (double)zr[i * 80 + k];
                        if (!latent)
                            g_assert_cmpfloat(zr[i * 80 + k], ==, a[k]);
                        else if (p.path == LIM_PATH_LINEAR)
                            g_assert_cmpfloat_with_epsilon(
                                x, (1 - s) * (double)a[k] + s * (double)b[k], 1e-6);
                        g_assert_cmpfloat(fabs(x), <=, 0.6 + (latent ? s * 0.6 : 0) + 1e-6);
                        g_assert_cmpfloat(fabs(x - (double)zr[(i - 1) * 80 + k]), <, 0.6);
                    }
                }
            }
        }

    /* Not cut, the great circle: lengths and equal angles. The straight line is shorter between. */
    p.what = LIM_TRAVEL_BOTH;
    p.from.request.threshold = p.to.request.threshold = 12;
    p.path = LIM_PATH_LINEAR;
    lim_generator_interpolate(g, &p, z, c);
    const double first = gaussian_length(z, 80), last = gaussian_length(z + (STEPS - 1) * 80, 80);
    g_assert_cmpfloat(gaussian_length(z + 4 * 80, 80), <, 0.85 * fmin(first, last));
    p.path = LIM_PATH_SPHERICAL;
    lim_generator_interpolate(g, &p, z, c);
    for (int i = 0; i < STEPS; i++)
        g_assert_cmpfloat(gaussian_length(z + i * 80, 80), >, 0.98 * fmin(first, last));
    const double angle = acos(dot(z, z + (STEPS - 1) * 80, 80) / first / last);
    g_assert_cmpfloat(angle, >, 1);
    lim_generator_free(g);
}

/* The pictures of an interpolation: its ends are the samples. */
static void
test_interpolation_task(void)
{
    LimGenerator *g = small_generator();
    LimInterpolation p;
    memset(&p, 0, sizeof p);
    lim_params_init(lim_interpolation_schema, &p);
    p.from.request = p.to.request = request(1, LIM_TRUNC_INVERSE_CDF, 0.6);
    p.to.request.seed = 3;
    p.to.request.label = 1;
    p.steps = 40;
    p.rows = 2; /* more than a batch */
    LimTask *t = finish(lim_interpolation_task_new(g, &p, true));
    const LimSample ends[] = {p.from, p.to, {p.from.request, 1}, {p.to.request, 2}};
    LimTask *e = finish(lim_samples_task_new(g, ends, 4, true));
    const LimTensor *image = lim_sample_task_image(t);
    const int at[] = {0, 39, 40, 79};
    for (int k = 0; k < 4; k++) {
        g_assert_true(same_picture(image, at[k], lim_sample_task_image(e), k));
        g_assert_cmpmem(lim_tensor_f32(lim_sample_task_maps(t)) + at[k] * 256 * 64,
                        256 * 64 * sizeof(float),
                        lim_tensor_f32(lim_sample_task_maps(e)) + k * 256 * 64,
                        256 * 64 * sizeof(float));
    }
    g_assert_false(same_picture(image, 0, image, 1));
    lim_task_free(t);
    lim_task_free(e);
    lim_generator_free(g);
}

/* What counts as the same request. */
static void
test_equal(void)
{
    const LimSampleRequest a = request(4, LIM_TRUNC_INVERSE_CDF, 1);
    LimSampleRequest b = a;
    g_assert_true(lim_sample_equal(&a, &b));
    b.blend = 0.5; /* with nothing */
    b.mix_seed = 9;
    b.slot_threshold[2] = 1; /* as the threshold */
    g_assert_true(lim_sample_equal(&a, &b));
    LimSampleRequest c[8] = {a, a, a, a, b, b, a, a};
    c[0].walk_x = 1;
    c[1].walk_y = 1;
    c[2].slot_threshold[3] = 0.5;
    c[3].mix_slots = 1;
    c[4].blend_label = 0;
    c[5].mix_slots = 8;
    c[6].seed++;
    c[7].label = 0;
    for (int i = 0; i < 8; i++)
        g_assert_false(lim_sample_equal(&a, &c[i]));
}

/* Cancelled before or between batches, then continued: the same pictures. */
static void
test_cancelled(void)
{
    LimGenerator *g = small_generator();
    LimCancel cancel = {true};
    LimExec exec = {.kernels = lim_kernels_best(), .cancel = &cancel};
    LimSampleRequest r = request(130, LIM_TRUNC_INVERSE_CDF, 1);
    LimTask *t = lim_sample_task_new(g, &r);
    LimStep step = LIM_STEP_FAILED;
    for (int i = 0; i < 3; i++) {
        LimError err = LIM_ERROR_INIT;
        atomic_store(&cancel.flag, true);
        g_assert_cmpint(lim_task_step(t, &exec, NULL, &err), ==, LIM_STEP_FAILED);
        g_assert_cmpint(err.code, ==, LIM_CANCELLED);
        atomic_store(&cancel.flag, false);
        step = lim_task_step(t, &exec, NULL, NULL);
    }
    g_assert_cmpint(step, ==, LIM_STEP_DONE);
    LimTensor *image = draw(g, &r, &exec);
    assert_same(lim_sample_task_image(t), image, 130);
    lim_tensor_unref(image);
    lim_task_free(t);
    lim_generator_free(g);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/generator/description", test_description);
    g_test_add_func("/generator/pure-function", test_pure_function);
    g_test_add_func("/generator/distributions", test_distributions);
    g_test_add_func("/generator/threshold-moves", test_threshold_moves);
    g_test_add_func("/generator/resample-keeps", test_resample_keeps);
    g_test_add_func("/generator/same-bytes", test_same_bytes);
    g_test_add_func("/generator/pictures-differ", test_pictures_differ);
    g_test_add_func("/generator/task-is-run", test_task_is_run);
    g_test_add_func("/generator/refused", test_refused);
    g_test_add_func("/generator/cancelled", test_cancelled);
    g_test_add_func("/generator/same-latent", test_same_latent);
    g_test_add_func("/generator/slot-thresholds", test_slot_thresholds);
    g_test_add_func("/generator/mix", test_mix);
    g_test_add_func("/generator/walk", test_walk);
    g_test_add_func("/generator/blend", test_blend);
    g_test_add_func("/generator/refused-details", test_refused_details);
    g_test_add_func("/generator/list", test_list);
    g_test_add_func("/generator/maps", test_maps);
    g_test_add_func("/generator/no-attention", test_no_attention);
    g_test_add_func("/generator/interpolation", test_interpolation);
    g_test_add_func("/generator/interpolation-task", test_interpolation_task);
    g_test_add_func("/generator/equal", test_equal);
    const int failed = g_test_run();
    model_clear();
    return failed;
}
