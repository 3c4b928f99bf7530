/* Boxes by hand and by search, anchors, proposals, and the two networks: shapes, gradients through
 * RoI align and the joint loss in double, files, and what a detector makes of its outputs. */
#include "base/rng.h"
#include "graph/plan.h"
#include "models/boxes.h"
#include "models/detector.h"
#include "models/segmenter.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static LimExec
serial(void)
{
    return (LimExec){.kernels = lim_kernels_best()};
}

/* ---- boxes ----------------------------------------------------------------------------------
 */

static void
test_overlap(void)
{
    const float a[4] = {0, 0, 4, 4}, b[4] = {2, 1, 6, 5}, inside[4] = {1, 1, 3, 3};
    const float touching[4] = {4, 0, 8, 4}, empty[4] = {1, 1, 1, 3};
    g_assert_cmpfloat(lim_box_overlap(a, a), ==, 1);
    g_assert_cmpfloat_with_epsilon(lim_box_overlap(a, b), 6 / 26.0, 1e-15);
    g_assert_cmpfloat(lim_box_overlap(a, b), ==, lim_box_overlap(b, a));
    g_assert_cmpfloat(lim_box_overlap(a, inside), ==, 0.25);
    g_assert_cmpfloat(lim_box_overlap(a, touching), ==, 0);
    g_assert_cmpfloat(lim_box_overlap(a, empty), ==, 0);
    g_assert_cmpfloat(lim_box_overlap(empty, empty), ==, 0);
}

static void
test_offsets(void)
{
    const float from[4] = {10, 20, 30, 60}, box[4] = {18, 22, 28, 102};
    float offset[4], back[4];
    lim_box_encode(from, box, offset);
    /* middle 20, 40 -> 23, 62; sides 20, 40 -> 10, 80 */
    const double expected[4] = {3 / 20.0, 22 / 40.0, log(0.5), log(2)};
    for (int k = 0; k < 4; k++)
        g_assert_cmpfloat_with_epsilon((double)offset[k], expected[k], 1e-6);
    lim_box_decode(from, offset, 200, back);
    for (int k = 0; k < 4; k++)
        g_assert_cmpfloat_with_epsilon((double)back[k], (double)box[k], 1e-4);
    lim_box_decode(from, offset, 64, back); /* cut to the picture */
    g_assert_cmpfloat(back[3], ==, 64);
    const float wild[4] = {-1e30f, 1e30f, 1e30f, -1e30f};
    lim_box_decode(from, wild, 64, back);
    for (int k = 0; k < 4; k++)
        g_assert_true(back[k] >= 0 && back[k] <= 64);
}

/* Against the definition, on boxes full of ties. */
static void
test_nms(void)
{
    enum { N = 60 };
    float box[N][4], score[N];
    int keep[N], order[N];
    for (int round = 0; round < 50; round++) {
        const int n = round % (N + 1);
        for (int i = 0; i < n; i++) {
            float r[5];
            lim_rng_uniform(7, LIM_STREAM_TEST, (uint64_t)(round * N + i) * 5, r, 5);
            box[i][0] = floorf(r[0] * 20);
            box[i][1] = floorf(r[1] * 20);
            box[i][2] = box[i][0] + floorf(r[2] * 12); /* some are empty */
            box[i][3] = box[i][1] + floorf(r[3] * 12);
            score[i] = floorf(r[4] * 6);
        }
        const double overlap = 0.1 + 0.1 * (round % 8);
        const int kept = lim_nms((const float(*)[4])box, score, n, overlap, N, keep);
        bool stays[N] = {false}, seen[N] = {false};
        int expected = 0;
        for (int k = 0; k < n; k++) { /* the next in rank by searching all */
            int best = -1;
            for (int i = 0; i < n; i++)
                if (!seen[i] && (best < 0 || score[i] > score[best]))
                    best = i;
            seen[best] = true;
            bool free = true;
            for (int i = 0; i < n; i++)
                free &= !(stays[i] && lim_box_overlap(box[i], box[best]) > overlap);
            if (free) {
                stays[best] = true;
                g_assert_cmpint(keep[expected], ==, best);
                expected++;
            }
        }
        g_assert_cmpint(kept, ==, expected);
        const int few = lim_nms((const float(*)[4])box, score, n, overlap, 3, order);
        g_assert_cmpint(few, ==, MIN(kept, 3));
        g_assert_cmpmem(order, (gsize)few * sizeof *order, keep, (gsize)few * sizeof *keep);
    }
    const float twins[2][4] = {{0, 0, 4, 4}, {0, 0, 4, 2}}, sure[2] = {1, 2};
    g_assert_cmpint(lim_nms(twins, sure, 2, 0.5, 2, keep), ==, 2); /* 0.5 is not above 0.5 */
    g_assert_cmpint(keep[0], ==, 1);
    g_assert_cmpint(lim_nms(twins, sure, 2, 0.49, 2, keep), ==, 1);
}

/* ---- anchors and proposals --------------------------------------------------------------------
 */

static void
test_anchors(void)
{
    const int n = lim_detector_anchors(64, NULL);
    g_assert_cmpint(n, ==, 9 * 16 * 16);
    float(*a)[4] = g_malloc((gsize)n * sizeof *a);
    g_assert_cmpint(lim_detector_anchors(64, a), ==, n);
    for (int i = 0; i < n; i++) {
        static const double side[3] = {0.22, 0.34, 0.5}, shape[3] = {0.5, 1, 2};
        const double w = (double)(a[i][2] - a[i][0]), h = (double)(a[i][3] - a[i][1]);
        const int kind = i / 256, cell = i % 256;
        g_assert_cmpfloat_with_epsilon(sqrt(w * h), 64 * side[kind / 3], 1e-4);
        g_assert_cmpfloat_with_epsilon(h / w, shape[kind % 3], 1e-4);
        g_assert_cmpfloat_with_epsilon((double)(a[i][0] + a[i][2]) / 2, cell % 16 * 4 + 2, 1e-4);
        g_assert_cmpfloat_with_epsilon((double)(a[i][1] + a[i][3]) / 2, cell / 16 * 4 + 2, 1e-4);
    }
    g_free(a);
}

/* The surest anchor wins where it lies; a second one elsewhere; a double goes; nothing is tiny. */
static void
test_propose(void)
{
    enum { SIZE = 32, CELLS = 64, N = 9 * CELLS };
    float anchor[N][4], objectness[9 * 2 * CELLS] = {0}, offsets[9 * 4 * CELLS] = {0};
    float box[N][4], score[N], proposal[N][4], got[N];
    int keep[N];
    LimProposalScratch scratch = {box, score, keep};
    g_assert_cmpint(lim_detector_anchors(SIZE, anchor), ==, N);
    const int first = 4 * CELLS + 3 * 8 + 3, twin = first + 1, second = 4 * CELLS + 7 * 8 + 7;
    const int wanted[3] = {first, twin, second};
    for (int k = 0; k < 3; k++)
        objectness[(wanted[k] / CELLS * 2 + 1) * CELLS + wanted[k] % CELLS] = (float)(9 - k);
    offsets[4 * 4 * CELLS + first % CELLS] = 0.25f;                     /* of its x */
    offsets[4 * 4 * CELLS + twin % CELLS] = 0.25f - 4 / (0.34f * SIZE); /* the same place */
    const int n = lim_detector_propose((const float(*)[4])anchor, N, SIZE, objectness, offsets, 0.7,
                                       20, &scratch, proposal, got);
    g_assert_cmpint(n, ==, 20);
    g_assert_cmpfloat(got[0], ==, 9);
    g_assert_cmpfloat(got[1], ==, 7);
    g_assert_cmpfloat(got[2], ==, 0);
    g_assert_cmpfloat_with_epsilon((double)proposal[0][0],
                                   (double)anchor[first][0] + 0.25 * 0.34 * SIZE, 1e-4);
    g_assert_cmpfloat(proposal[1][2], ==, SIZE); /* cut */
    for (int i = 0; i < n; i++) {
        g_assert_true(proposal[i][2] - proposal[i][0] >= 2);
        g_assert_true(proposal[i][3] - proposal[i][1] >= 2);
    }
}

/* ---- networks ---------------------------------------------------------------------------------
 */

static LimSceneNetParams
params(int backbone)
{
    LimSceneNetParams p;
    lim_params_init(lim_scene_net_schema, &p);
    p.backbone = backbone;
    p.classes = 5;
    p.width = 2;
    return p;
}

/* Feeds in double for a gradient check. */
typedef struct Feed {
    LimVal v;
    double *data;
} Feed;

static Feed
feed(LimGraph *g, LimShape shape, double scale, uint64_t seed)
{
    const size_t n = (size_t)lim_shape_size(shape);
    Feed f = {lim_graph_feed(g, "feed", LIM_F32, shape), g_new(double, n)};
    g_autofree float *x = g_new(float, n);
    lim_rng_normal(seed, LIM_STREAM_TEST, 0, x, n);
    for (size_t i = 0; i < n; i++)
        f.data[i] = scale * (double)x[i];
    return f;
}

/* d loss / d x in double against central differences. */
static void
check_gradient(LimGraph *g, LimVal loss, Feed x, const Feed *others, int n_others,
               const int32_t *const *ints, const LimVal *int_feeds, int n_ints)
{
    const LimExec exec = serial();
    LimError err = LIM_ERROR_INIT;
    LimVal d;
    const int64_t size = lim_shape_size(lim_graph_shape(g, x.v));
    lim_graph_grad(g, loss, LIM_NOVAL, &x.v, &d, 1);
    LimPlan *plan = lim_plan_new(g, (LimVal[]){loss, d}, 2, LIM_PLAN_F64, &exec, &err);
    g_assert_cmpstr(err.text, ==, "");
    lim_plan_bind(plan, x.v, x.data);
    for (int i = 0; i < n_others; i++)
        lim_plan_bind(plan, others[i].v, others[i].data);
    for (int i = 0; i < n_ints; i++)
        lim_plan_bind(plan, int_feeds[i], ints[i]);
    g_assert_cmpint(lim_plan_run(plan, &exec, &err), ==, LIM_OK);
    g_autofree double *got = g_memdup2(lim_plan_get(plan, d), (gsize)size * sizeof(double));
    double largest = 0, worst = 0;
    for (int64_t i = 0; i < size; i += size / 23 + 1) {
        const double keep = x.data[i], h = 1e-6;
        double y[2];
        for (int k = 0; k < 2; k++) {
            x.data[i] = keep + (k ? h : -h);
            g_assert_cmpint(lim_plan_run(plan, &exec, &err), ==, LIM_OK);
            y[k] = *(const double *)lim_plan_get(plan, loss);
        }
        x.data[i] = keep;
        worst = fmax(worst, fabs((y[1] - y[0]) / (2 * h) - got[i]));
        largest = fmax(largest, fabs(got[i]));
    }
    g_assert_cmpfloat(largest, >, 0);
    g_assert_cmpfloat(worst, <=, 1e-5 * largest + 1e-9);
    lim_plan_free(plan);
}

/* Per-pixel loss through the fused levels, as an attack or a training differentiates it. */
static void
test_segmenter(gconstpointer data)
{
    const LimSceneNetParams p = params(GPOINTER_TO_INT(data));
    LimStore *s = lim_store_new(3);
    LimGraph *g = lim_graph_new();
    LimBuild b;
    lim_build_init(&b, g, s, LIM_MODE_FROZEN);
    Feed x = feed(g, LIM_SHAPE4(2, 3, 16, 24), 0.7, 1);
    LimVal mask = lim_graph_feed(g, "mask", LIM_I32, LIM_SHAPE3(2, 16, 24));
    int32_t label[2 * 16 * 24];
    for (int i = 0; i < 2 * 16 * 24; i++)
        label[i] = i % 5;
    LimVal y = lim_segmenter_network(&b, &p, x.v);
    g_assert_true(lim_shape_equal(lim_graph_shape(g, y), LIM_SHAPE4(2, 5, 16, 24)));
    LimVal loss = lim_mean(g, lim_pixel_cross_entropy(g, y, mask));
    check_gradient(g, loss, x, NULL, 0, (const int32_t *[]){label}, &mask, 1);
    g_free(x.data);
    lim_store_free(s);
}

/* The four losses of the joint training in one, differentiated through the whole network. */
static void
test_detector(gconstpointer data)
{
    enum { R = 5 };
    const LimSceneNetParams p = params(GPOINTER_TO_INT(data));
    LimStore *s = lim_store_new(3);
    LimGraph *g = lim_graph_new();
    LimBuild b;
    lim_build_init(&b, g, s, LIM_MODE_FROZEN);
    Feed x = feed(g, LIM_SHAPE4(2, 3, 16, 16), 0.7, 1);
    LimVal objectness, offsets, scores, box_offsets;
    LimVal features = lim_detector_features(&b, &p, x.v);
    g_assert_true(lim_shape_equal(lim_graph_shape(g, features), LIM_SHAPE4(2, 16, 4, 4)));
    lim_detector_proposer(&b, &p, features, &objectness, &offsets);
    g_assert_true(lim_shape_equal(lim_graph_shape(g, objectness), LIM_SHAPE4(18, 2, 4, 4)));
    g_assert_true(lim_shape_equal(lim_graph_shape(g, offsets), LIM_SHAPE4(18, 4, 4, 4)));
    Feed boxes = feed(g, LIM_SHAPE2(R, 4), 0, 2);
    for (int r = 0; r < R; r++) {
        boxes.data[4 * r] = 1.3 * r;
        boxes.data[4 * r + 1] = 2.1;
        boxes.data[4 * r + 2] = 1.3 * r + 7.7;
        boxes.data[4 * r + 3] = 3.1 + 2 * r;
    }
    LimVal ints[3] = {lim_graph_feed(g, "index", LIM_I32, LIM_SHAPE1(R)),
                      lim_graph_feed(g, "label", LIM_I32, LIM_SHAPE1(R)),
                      lim_graph_feed(g, "anchor label", LIM_I32, LIM_SHAPE3(18, 4, 4))};
    const int32_t index[R] = {0, 1, 1, 0, 1}, label[R] = {0, 1, 2, 3, 4};
    int32_t anchor_label[18 * 16];
    for (int i = 0; i < 18 * 16; i++)
        anchor_label[i] = i % 2;
    lim_detector_head(&b, &p, features, boxes.v, ints[0], &scores, &box_offsets);
    g_assert_true(lim_shape_equal(lim_graph_shape(g, scores), LIM_SHAPE2(R, 5)));
    g_assert_true(lim_shape_equal(lim_graph_shape(g, box_offsets), LIM_SHAPE2(R, 20)));
    /* targets so far away that both halves of smooth L1 are used */
    Feed other[3] = {boxes, feed(g, LIM_SHAPE4(18, 4, 4, 4), 1.3, 4),
                     feed(g, LIM_SHAPE2(R, 20), 1.3, 5)};
    LimVal loss = lim_mean(g, lim_pixel_cross_entropy(g, objectness, ints[2]));
    loss = lim_add(g, loss, lim_mean(g, lim_smooth_l1(g, lim_sub(g, offsets, other[1].v))));
    loss = lim_add(g, loss, lim_mean(g, lim_cross_entropy(g, scores, ints[1])));
    loss = lim_add(g, loss, lim_mean(g, lim_smooth_l1(g, lim_sub(g, box_offsets, other[2].v))));
    check_gradient(g, loss, x, other, 3, (const int32_t *[]){index, label, anchor_label}, ints, 3);
    g_free(x.data);
    for (int i = 0; i < 3; i++)
        g_free(other[i].data);
    lim_store_free(s);
}

/* ---- files and use ----------------------------------------------------------------------------
 */

static char *folder;

static char *
save(LimSceneNetKind kind, const LimSceneNetParams *p, LimStore *store)
{
    static const char *const names[] = {"background", "a", "b", "c", "d"};
    char *path = g_build_filename(folder, lim_scene_net_kinds[kind], NULL);
    LimError err = LIM_ERROR_INIT;
    const LimModelInfo info = {.model = lim_scene_net_kinds[kind],
                               .schema = lim_scene_net_schema,
                               .params = p,
                               .classes = p->classes,
                               .class_names = names};
    g_assert_cmpint(lim_modelfile_save(path, &info, store, false, &err), ==, LIM_OK);
    return path;
}

/* What a network answers before and after a file. */
static void
test_files(void)
{
    enum { SIZE = 32 };
    const LimExec exec = serial();
    LimError err = LIM_ERROR_INIT;
    float x[3 * SIZE * SIZE];
    lim_rng_uniform(5, LIM_STREAM_TEST, 0, x, G_N_ELEMENTS(x));
    for (int kind = 0; kind < 2; kind++) {
        const LimSceneNetParams p = params(kind);
        LimStore *store = lim_store_new(9);
        LimSceneNet *net = lim_scene_net_new((LimSceneNetKind)kind, &p, store), *again = NULL;
        int32_t label[2][SIZE * SIZE];
        LimDetection found[2][LIM_DETECTIONS];
        int n[2] = {0, 0};
        char *path = NULL;
        for (int k = 0; k < 2; k++) {
            LimSceneNet *use = k ? again : net;
            if (kind == LIM_SCENE_SEGMENTER) {
                LimSegmenter *s = lim_segmenter_new(use, SIZE, &exec, &err);
                g_assert_cmpint(lim_segmenter_run(s, &exec, x, label[k], &err), ==, LIM_OK);
                lim_segmenter_free(s);
            } else {
                LimDetector *d = lim_detector_new(use, SIZE, &exec, &err);
                g_assert_cmpint(lim_detector_run(d, &exec, x, found[k], &n[k], &err), ==, LIM_OK);
                lim_detector_free(d);
            }
            if (k)
                break;
            path = save((LimSceneNetKind)kind, &p, store);
            again = lim_scene_net_load(path, &err);
            g_assert_cmpstr(err.text, ==, "");
            g_assert_cmpint(again->kind, ==, kind);
            g_assert_cmpint(again->params.backbone, ==, kind);
            g_assert_cmpstr(again->class_names[4], ==, "d");
            g_assert_cmphex(lim_store_hash(again->store), ==, lim_store_hash(store));
        }
        if (kind == LIM_SCENE_SEGMENTER)
            g_assert_cmpmem(label[0], sizeof label[0], label[1], sizeof label[1]);
        g_assert_cmpint(n[0], ==, n[1]);
        g_assert_cmpmem(found[0], (gsize)n[0] * sizeof **found, found[1],
                        (gsize)n[1] * sizeof **found);
        lim_scene_net_free(again);
        lim_scene_net_free(net);
        lim_store_free(store);
        g_remove(path);
        g_free(path);
    }
    g_assert_null(lim_scene_net_load("/nonexistent", &err));
    g_assert_cmpint(err.code, ==, LIM_E_IO);
}

/* What a detector reports: sure enough, inside, in order, and no two of a class over each other. */
static void
test_detections(void)
{
    enum { SIZE = 32 };
    const LimExec exec = serial();
    LimError err = LIM_ERROR_INIT;
    const LimSceneNetParams p = params(LIM_BACKBONE_RESIDUAL);
    LimStore *store = lim_store_new(9);
    LimSceneNet *net = lim_scene_net_new(LIM_SCENE_DETECTOR, &p, store);
    LimDetector *d = lim_detector_new(net, SIZE, &exec, &err);
    float x[3 * SIZE * SIZE], proposal[LIM_PROPOSALS][4];
    LimDetection found[LIM_DETECTIONS];
    int n, m;
    for (int round = 0; round < 5; round++) {
        lim_rng_normal((uint64_t)round, LIM_STREAM_TEST, 0, x, G_N_ELEMENTS(x));
        g_assert_cmpint(lim_detector_run(d, &exec, x, found, &n, &err), ==, LIM_OK);
        g_assert_cmpint(n, >, 0); /* an untrained one is unsure of everything */
        for (int i = 0; i < n; i++) {
            g_assert_true(found[i].label >= 1 && found[i].label < 5);
            g_assert_true(found[i].score >= 0.05f && (!i || found[i].score <= found[i - 1].score));
            g_assert_true(found[i].box[0] >= 0 && found[i].box[3] <= SIZE);
            for (int j = 0; j < i; j++)
                g_assert_true(found[i].label != found[j].label ||
                              lim_box_overlap(found[i].box, found[j].box) <= 0.3);
        }
        g_assert_cmpint(lim_detector_proposals(d, &exec, x, 0.9, LIM_PROPOSALS, proposal, &n, &err),
                        ==, LIM_OK);
        g_assert_cmpint(lim_detector_proposals(d, &exec, x, 0.1, LIM_PROPOSALS, proposal, &m, &err),
                        ==, LIM_OK);
        g_assert_cmpint(n, ==, LIM_PROPOSALS);
        g_assert_cmpint(m, <, n);
    }
    lim_detector_free(d);
    lim_scene_net_free(net);
    lim_store_free(store);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("limen-scene-nets-XXXXXX", NULL);
    g_test_add_func("/models/boxes/overlap", test_overlap);
    g_test_add_func("/models/boxes/offsets", test_offsets);
    g_test_add_func("/models/boxes/nms", test_nms);
    g_test_add_func("/models/detector/anchors", test_anchors);
    g_test_add_func("/models/detector/propose", test_propose);
    for (int k = 0; k < 2; k++) {
        g_autofree char *a = g_strdup_printf("/models/segmenter/gradient/%d", k);
        g_autofree char *b = g_strdup_printf("/models/detector/gradient/%d", k);
        g_test_add_data_func(a, GINT_TO_POINTER(k), test_segmenter);
        g_test_add_data_func(b, GINT_TO_POINTER(k), test_detector);
    }
    g_test_add_func("/models/scene-nets/files", test_files);
    g_test_add_func("/models/detector/detections", test_detections);
    const int status = g_test_run();
    g_rmdir(folder);
    g_free(folder);
    return status;
}
