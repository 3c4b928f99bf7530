/* Dense adversary generation on small networks with random weights: steps, bounds, targets and
 * ends as the algorithm says, the same result whatever the threads, and what is made of
 * perturbations afterwards. */
#include "attacks/dag.h"
#include "base/rng.h"
#include "graph/plan.h"

#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 48, AREA = SIZE * SIZE, CLASSES = 5 };

static LimStore *store[2];
static LimSceneNet *net[2];
static float x[3 * AREA];
static int32_t mask[AREA];
static LimScene scene;

static LimExec
serial(void)
{
    return (LimExec){.kernels = lim_kernels_best()};
}

static LimDagParams
settings(void)
{
    LimDagParams p;
    lim_params_init(lim_dag_schema, &p);
    return p;
}

/* The scores of all pixels. */
static void
scores_of(const float *at, float *scores)
{
    const LimExec exec = serial();
    LimError err = LIM_ERROR_INIT;
    LimGraph *g = lim_graph_new();
    LimBuild b;
    lim_build_init(&b, g, store[0], LIM_MODE_EVAL);
    LimVal v = lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE4(1, 3, SIZE, SIZE));
    LimVal y = lim_segmenter_network(&b, &net[0]->params, v);
    LimPlan *plan = lim_plan_new(g, &y, 1, 0, &exec, &err);
    g_assert_cmpstr(err.text, ==, "");
    lim_plan_bind(plan, v, at);
    g_assert_cmpint(lim_plan_run(plan, &exec, &err), ==, LIM_OK);
    memcpy(scores, lim_plan_f32(plan, y), CLASSES * AREA * sizeof *scores);
    lim_plan_free(plan);
}

/* Two networks of random weights, and a picture whose mask is what the segmenter sees. */
static void
setup(void)
{
    const LimExec exec = serial();
    LimError err = LIM_ERROR_INIT;
    LimSceneNetParams p;
    lim_params_init(lim_scene_net_schema, &p);
    p.classes = CLASSES;
    p.width = 4;
    lim_rng_uniform(3, LIM_STREAM_TEST, 0, x, G_N_ELEMENTS(x));
    for (int i = 0; i < 3 * AREA; i++)
        x[i] = 1.6f * x[i] - 0.8f;
    for (int k = 0; k < 2; k++) {
        store[k] = lim_store_new(4);
        net[k] = lim_scene_net_new((LimSceneNetKind)k, &p, store[k]);
    }
    LimSegmenter *s = lim_segmenter_new(net[0], SIZE, &exec, &err);
    g_assert_cmpint(lim_segmenter_run(s, &exec, x, mask, &err), ==, LIM_OK);
    lim_segmenter_free(s);
    scene = (LimScene){.n = 2,
                       .object = {{.label = 1, .box = {4, 4, 24, 24}},
                                  {.label = 3, .box = {20, 16, 44, 40}}}};
}

static LimDag *
begin(int kind, const LimDagParams *p, uint64_t seed, const LimExec *exec)
{
    LimError err = LIM_ERROR_INIT;
    LimDag *d = lim_dag_new(net[kind], SIZE, p, seed, exec, &err);
    g_assert_cmpstr(err.text, ==, "");
    g_assert_cmpint(lim_dag_begin(d, 7, x, mask, &scene, exec, &err), ==, LIM_OK);
    return d;
}

static LimStep
step(LimDag *d, int n, const LimExec *exec)
{
    LimError err = LIM_ERROR_INIT;
    LimStep s = LIM_STEP_MORE;
    for (int i = 0; i < n && s == LIM_STEP_MORE; i++)
        s = lim_dag_step(d, exec, &err);
    g_assert_cmpstr(err.text, ==, "");
    return s;
}

/* The first step is gamma long, climbs sum (f_l' - f_l), and l' is never l. */
static void
test_first_step(void)
{
    const LimExec exec = serial();
    LimDagParams p = settings();
    p.clip = false;
    p.gamma = 0.01;
    LimDag *d = begin(0, &p, 1, &exec);
    LimDagResult r = lim_dag_result(d);
    g_assert_cmpint(r.targets, ==, AREA);
    g_assert_cmpint(r.active, ==, AREA);
    g_assert_cmpfloat(r.largest, ==, 0);
    int32_t to[CLASSES] = {-1, -1, -1, -1, -1};
    for (int i = 0; i < AREA; i++) {
        g_assert_true(r.wrong[i] != mask[i] && r.wrong[i] >= 0 && r.wrong[i] < CLASSES);
        g_assert_true(to[mask[i]] < 0 || to[mask[i]] == r.wrong[i]); /* one permutation */
        to[mask[i]] = r.wrong[i];
    }
    g_assert_cmpint(step(d, 1, &exec), ==, LIM_STEP_MORE);
    r = lim_dag_result(d);
    g_assert_cmpfloat_with_epsilon(r.largest, 0.01 / 255, 1e-7);
    float *before = g_new(float, 2 * CLASSES * AREA), *after = before + CLASSES * AREA;
    float y[3 * AREA];
    for (int i = 0; i < 3 * AREA; i++)
        y[i] = x[i] + r.r[i];
    scores_of(x, before);
    scores_of(y, after);
    double climbed = 0;
    for (int i = 0; i < AREA; i++)
        climbed += (double)(after[r.wrong[i] * AREA + i] - before[r.wrong[i] * AREA + i]) -
                   (double)(after[mask[i] * AREA + i] - before[mask[i] * AREA + i]);
    g_assert_cmpfloat(climbed, >, 0);
    /* the opposite step falls by as much */
    for (int i = 0; i < 3 * AREA; i++)
        y[i] = x[i] - r.r[i];
    scores_of(y, after);
    double fell = 0;
    for (int i = 0; i < AREA; i++)
        fell += (double)(after[r.wrong[i] * AREA + i] - before[r.wrong[i] * AREA + i]) -
                (double)(after[mask[i] * AREA + i] - before[mask[i] * AREA + i]);
    g_assert_cmpfloat_with_epsilon(fell, -climbed, 0.1 * climbed);
    g_free(before);
    lim_dag_free(d);
}

/* It ends by itself when few targets are left; M_0 ends it; nothing to do is nothing done. */
static void
test_ends(void)
{
    const LimExec exec = serial();
    LimDagParams p = settings();
    p.gamma = 2;
    p.remaining = 0.05;
    LimDag *d = begin(0, &p, 1, &exec);
    g_assert_cmpint(step(d, 1000, &exec), ==, LIM_STEP_DONE);
    LimDagResult r = lim_dag_result(d);
    g_assert_cmpint(r.active, <=, AREA / 20);
    g_assert_cmpint(r.iterations, >, 0);
    g_assert_cmpint(r.iterations, <, 200);
    g_assert_cmpint(step(d, 1, &exec), ==, LIM_STEP_DONE); /* and stays so */
    g_assert_cmpint(lim_dag_result(d).iterations, ==, r.iterations);
    lim_dag_free(d);
    p = settings();
    p.gamma = 1e-3;
    p.iterations = 3;
    d = begin(0, &p, 1, &exec);
    g_assert_cmpint(step(d, 1000, &exec), ==, LIM_STEP_DONE);
    g_assert_cmpint(lim_dag_result(d).iterations, ==, 3);
    g_assert_cmpfloat(lim_dag_result(d).largest, <=, 3e-3 / 255 + 1e-7);
    lim_dag_free(d);
    p.iterations = 0;
    d = begin(0, &p, 1, &exec);
    g_assert_cmpint(step(d, 1000, &exec), ==, LIM_STEP_DONE);
    g_assert_cmpfloat(lim_dag_result(d).perceptible, ==, 0);
    lim_dag_free(d);
}

/* Every iteration stays in the range and the bound. */
static void
test_bounds(void)
{
    const LimExec exec = serial();
    for (int painted = 0; painted < 2; painted++) {
        LimDagParams p = settings();
        p.target = painted;
        p.gamma = 60;
        p.iterations = 12;
        p.remaining = 0;
        p.epsilon = painted ? 0 : 0.15;
        LimDag *d = begin(0, &p, 1, &exec);
        for (int k = 0; k < 12 && step(d, 1, &exec) == LIM_STEP_MORE; k++) {
            const LimDagResult r = lim_dag_result(d);
            for (int i = 0; i < 3 * AREA; i++)
                g_assert_true(fabsf(x[i] + r.r[i]) <= 1 + 1e-6f);
            if (p.epsilon > 0)
                g_assert_cmpfloat(r.largest, <=, p.epsilon + 1e-6);
        }
        lim_dag_free(d);
    }
}

/* A painted target is background but for one shape of an absent class. */
static void
test_painted(void)
{
    const LimExec exec = serial();
    LimDagParams p = settings();
    p.target = LIM_DAG_PAINTED;
    bool seen[CLASSES] = {false};
    for (uint64_t seed = 0; seed < 8; seed++) {
        LimDag *d = begin(0, &p, seed, &exec);
        const LimDagResult r = lim_dag_result(d);
        int label = 0, inside = 0;
        for (int i = 0; i < AREA; i++)
            if (r.wrong[i]) {
                g_assert_true(!label || label == r.wrong[i]);
                label = r.wrong[i];
                inside++;
            }
        g_assert_true(label == 2 || label == 4);
        g_assert_true(inside > AREA / 10 && inside < AREA / 2);
        seen[label] = true;
        lim_dag_free(d);
    }
    g_assert_true(seen[2] && seen[4]);
}

/* A mask of two garments of one class, whose boxes overlap, and one of another. */
static void
test_garment_at(void)
{
    int32_t m[AREA] = {0};
    LimScene s = {.n = 3,
                  .object = {{.label = 1, .box = {2, 2, 12, 12}},
                             {.label = 2, .box = {20, 20, 30, 30}},
                             {.label = 1, .box = {8, 8, 18, 18}}}};
    for (int y = 2; y < 18; y++)
        for (int xx = 2; xx < 18; xx++)
            m[y * SIZE + xx] = 1;
    m[25 * SIZE + 25] = 2;
    m[26 * SIZE + 26] = 1; /* of none */
    g_assert_cmpint(lim_scene_garment_at(&s, m, SIZE, 2, 2), ==, 0);
    g_assert_cmpint(lim_scene_garment_at(&s, m, SIZE, 11, 11), ==, 2);
    g_assert_cmpint(lim_scene_garment_at(&s, m, SIZE, 12, 2), ==, -1);
    g_assert_cmpint(lim_scene_garment_at(&s, m, SIZE, 25, 25), ==, 1);
    g_assert_cmpint(lim_scene_garment_at(&s, m, SIZE, 26, 26), ==, -1);
    g_assert_cmpint(lim_scene_garment_at(&s, m, SIZE, 40, 40), ==, -1);
}

/* Numbers of garments, and what is none. */
static void
test_only_text(void)
{
    LimError err = LIM_ERROR_INIT;
    uint32_t bits;
    g_assert_cmpint(lim_dag_garments("", &bits, &err), ==, LIM_OK);
    g_assert_cmpint((int)bits, ==, 0);
    g_assert_cmpint(lim_dag_garments("1,3", &bits, &err), ==, LIM_OK);
    g_assert_cmpint((int)bits, ==, 5);
    const char *const wrong[] = {"0", "7", "1,", "1 3", "x", ",", "1,,2", "-1"};
    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_assert_cmpint(lim_dag_garments(wrong[i], &bits, NULL), ==, LIM_E_PARAM);
        LimDagParams p = settings();
        g_strlcpy(p.only, wrong[i], sizeof p.only);
        const LimExec exec = serial();
        g_assert_null(lim_dag_new(net[0], SIZE, &p, 1, &exec, &err));
        g_assert_nonnull(strstr(err.text, "1,3"));
    }
}

/* Only what is chosen is a target: together the garments of a detector have all of them. */
static void
test_only(void)
{
    const LimExec exec = serial();
    LimError err = LIM_ERROR_INIT;
    LimDagParams p = settings();
    LimDag *d = begin(1, &p, 1, &exec);
    const int all = lim_dag_result(d).targets;
    lim_dag_free(d);
    int sum = 0;
    for (int k = 0; k < 2; k++) {
        g_strlcpy(p.only, k ? "2" : "1", sizeof p.only);
        d = begin(1, &p, 1, &exec);
        g_assert_cmpint(lim_dag_result(d).targets, >, 0);
        g_assert_cmpint(lim_dag_result(d).targets, <, all);
        sum += lim_dag_result(d).targets;
        lim_dag_free(d);
    }
    g_assert_cmpint(sum, >=, all);
    int32_t two[AREA] = {0};
    for (int i = 0; i < 100; i++) {
        two[(5 + i / 10) * SIZE + 5 + i % 10] = 1;
        two[(30 + i / 10) * SIZE + 30 + i % 10] = 3;
    }
    d = lim_dag_new(net[0], SIZE, &p, 1, &exec, &err);
    g_assert_cmpint(lim_dag_begin(d, 7, x, two, &scene, &exec, &err), ==, LIM_OK);
    g_assert_cmpint(lim_dag_result(d).targets, ==, 100);
    lim_dag_free(d);
}

/* A segmentation of one's own: what has it already is not active, and it is reached. */
static void
test_wanted(void)
{
    const LimExec exec = serial();
    LimError err = LIM_ERROR_INIT;
    LimDagParams p = settings();
    int32_t want[AREA];
    p.gamma = 2;
    memcpy(want, mask, sizeof want);
    LimDag *d = lim_dag_new(net[0], SIZE, &p, 1, &exec, &err);
    lim_dag_want(d, want);
    g_assert_cmpint(lim_dag_begin(d, 7, x, mask, &scene, &exec, &err), ==, LIM_OK);
    g_assert_cmpint(step(d, 10, &exec), ==, LIM_STEP_DONE);
    g_assert_cmpfloat(lim_dag_result(d).largest, ==, 0);
    for (int i = 0; i < AREA / 4; i++)
        want[i] = (want[i] + 1) % CLASSES;
    lim_dag_want(d, want);
    g_assert_cmpint(lim_dag_begin(d, 7, x, mask, &scene, &exec, &err), ==, LIM_OK);
    g_assert_cmpint(step(d, 1, &exec), ==, LIM_STEP_MORE);
    g_assert_cmpint(lim_dag_result(d).active, ==, AREA / 4);
    g_assert_cmpmem(lim_dag_result(d).wrong, sizeof want, want, sizeof want);
    g_assert_cmpint(step(d, 1000, &exec), ==, LIM_STEP_DONE);
    g_assert_cmpint(lim_dag_result(d).active, <=, AREA / 10);
    lim_dag_want(d, NULL); /* and as before */
    g_assert_cmpint(lim_dag_begin(d, 7, x, mask, &scene, &exec, &err), ==, LIM_OK);
    step(d, 1, &exec);
    g_assert_cmpint(lim_dag_result(d).active, ==, AREA);
    lim_dag_free(d);
}

/* The same bytes with one and three threads, again after another scene; other seeds differ. */
static void
test_same(gconstpointer data)
{
    const int kind = GPOINTER_TO_INT(data);
    LimPool *pool = lim_pool_new(3);
    const LimExec one = serial(), three = {.kernels = lim_kernels_best(), .pool = pool};
    LimDagParams p = settings();
    LimError err = LIM_ERROR_INIT;
    p.iterations = 4;
    LimDag *a = begin(kind, &p, 1, &one), *b = begin(kind, &p, 1, &three);
    step(a, 10, &one);
    g_assert_cmpint(lim_dag_begin(b, 8, x, mask, &scene, &three, &err), ==, LIM_OK);
    step(b, 2, &three);
    g_assert_cmpint(lim_dag_begin(b, 7, x, mask, &scene, &three, &err), ==, LIM_OK);
    step(b, 10, &three);
    g_assert_cmpmem(lim_dag_result(a).r, sizeof x, lim_dag_result(b).r, sizeof x);
    g_assert_cmpfloat(lim_dag_result(a).largest, >, 0);
    lim_dag_free(a);
    lim_dag_free(b);
    lim_pool_free(pool);
}

/* Proposals near true boxes are targets, and fewer of them keep their class. Without true boxes
 * there is nothing to do. */
static void
test_boxes(void)
{
    const LimExec exec = serial();
    LimDagParams p = settings();
    LimError err = LIM_ERROR_INIT;
    p.gamma = 2;
    p.left = 0.5; /* as soon as another class is more probable */
    LimDag *d = begin(1, &p, 1, &exec);
    LimDagResult r = lim_dag_result(d);
    g_assert_cmpint(r.targets, >, 0);
    g_assert_cmpint(r.targets, <=, LIM_DAG_PROPOSALS);
    g_assert_cmpint(step(d, 1000, &exec), ==, LIM_STEP_DONE);
    r = lim_dag_result(d);
    g_assert_cmpint(r.active, <=, r.targets / 100);
    /* what detectors report at a lower probability takes longer */
    p.left = 0.2;
    LimDag *e = begin(1, &p, 1, &exec);
    g_assert_cmpint(step(e, 1000, &exec), ==, LIM_STEP_DONE);
    g_assert_cmpint(lim_dag_result(e).targets, ==, r.targets);
    g_assert_cmpint(lim_dag_result(e).iterations, >, r.iterations);
    lim_dag_free(e);
    const LimScene empty = {0};
    g_assert_cmpint(lim_dag_begin(d, 7, x, mask, &empty, &exec, &err), ==, LIM_OK);
    g_assert_cmpint(lim_dag_result(d).targets, ==, 0);
    g_assert_cmpint(step(d, 10, &exec), ==, LIM_STEP_DONE);
    g_assert_cmpfloat(lim_dag_result(d).largest, ==, 0);
    lim_dag_free(d);
}

/* A network that does not look at the picture has no gradient: the attack ends. */
static void
test_flat(void)
{
    const LimExec exec = serial();
    LimStore *copy = lim_store_dup(store[0]);
    for (int i = 0; i < lim_store_count(copy); i++)
        if (g_str_has_suffix(lim_store_name(copy, i), "weight") &&
            g_str_has_prefix(lim_store_name(copy, i), "score"))
            memset(lim_store_data(copy, i), 0,
                   (gsize)lim_shape_size(lim_store_shape(copy, i)) * sizeof(float));
    LimSceneNet *flat = lim_scene_net_new(LIM_SCENE_SEGMENTER, &net[0]->params, copy);
    const LimDagParams p = settings();
    LimError err = LIM_ERROR_INIT;
    LimDag *d = lim_dag_new(flat, SIZE, &p, 1, &exec, &err);
    int32_t zero[AREA] = {0};
    g_assert_cmpint(lim_dag_begin(d, 7, x, zero, &scene, &exec, &err), ==, LIM_OK);
    g_assert_cmpint(step(d, 10, &exec), ==, LIM_STEP_DONE);
    g_assert_cmpint(lim_dag_result(d).active, ==, AREA);
    g_assert_cmpfloat(lim_dag_result(d).largest, ==, 0);
    lim_dag_free(d);
    lim_scene_net_free(flat);
    lim_store_free(copy);
}

static void
test_pictures(void)
{
    float a[3 * AREA], b[3 * AREA], y[3 * AREA];
    for (int i = 0; i < 3 * AREA; i++) {
        a[i] = 0.001f * (float)(i % 700);
        b[i] = -0.002f * (float)(i % 311);
    }
    const float *const r[2] = {a, b};
    lim_dag_picture(x, r, (double[]){1, 0.5}, 2, SIZE, y);
    for (int i = 0; i < 3 * AREA; i++) {
        const double byte = ((double)y[i] + 1) * 127.5;
        const double sum = fmin(fmax((double)x[i] + (double)a[i] + 0.5 * (double)b[i], -1), 1);
        g_assert_cmpfloat(fabs(byte - rint(byte)), <, 1e-4);
        g_assert_cmpfloat(fabs((double)y[i] - sum), <=, 0.5 / 127.5 + 1e-6);
    }
    memcpy(a, y, sizeof a); /* bytes already: they stay as they are */
    lim_dag_picture(a, NULL, NULL, 0, SIZE, y);
    g_assert_cmpmem(a, sizeof a, y, sizeof y);
    lim_dag_permute_rows(a, SIZE, 1, 3, y);
    int moved = 0;
    bool taken[SIZE] = {false};
    for (int row = 0; row < SIZE; row++) {
        int from = 0;
        while (from < SIZE &&
               (taken[from] || memcmp(y + row * SIZE, a + from * SIZE, SIZE * sizeof *a) != 0 ||
                memcmp(y + AREA + row * SIZE, a + AREA + from * SIZE, SIZE * sizeof *a) != 0))
            from++;
        g_assert_cmpint(from, <, SIZE);
        taken[from] = true;
        moved += from != row;
    }
    g_assert_cmpint(moved, >, SIZE / 2);
    for (int i = 0; i < 3 * AREA; i++)
        y[i] = x[i] + 0.02f;
    g_assert_cmpfloat_with_epsilon(lim_dag_perceptibility(x, y, SIZE), sqrt(3) * 0.01, 1e-6);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    setup();
    g_test_add_func("/attacks/dag/first-step", test_first_step);
    g_test_add_func("/attacks/dag/ends", test_ends);
    g_test_add_func("/attacks/dag/bounds", test_bounds);
    g_test_add_func("/attacks/dag/painted", test_painted);
    g_test_add_func("/attacks/dag/garment-at", test_garment_at);
    g_test_add_func("/attacks/dag/only-text", test_only_text);
    g_test_add_func("/attacks/dag/only", test_only);
    g_test_add_func("/attacks/dag/wanted", test_wanted);
    g_test_add_data_func("/attacks/dag/same/segmenter", GINT_TO_POINTER(0), test_same);
    g_test_add_data_func("/attacks/dag/same/detector", GINT_TO_POINTER(1), test_same);
    g_test_add_func("/attacks/dag/boxes", test_boxes);
    g_test_add_func("/attacks/dag/flat", test_flat);
    g_test_add_func("/attacks/dag/pictures", test_pictures);
    const int status = g_test_run();
    for (int k = 0; k < 2; k++) {
        lim_scene_net_free(net[k]);
        lim_store_free(store[k]);
    }
    return status;
}
