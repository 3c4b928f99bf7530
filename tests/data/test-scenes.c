/* Scenes: a function of seed, split and number; masks and boxes say exactly what is drawn; splits
 * share no picture; what does not fit is refused. */
#include "data/scene-sheet.h"
#include "data/scenes.h"

#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 64, AREA = SIZE * SIZE };

/* n pictures of 20x20: a filled square with a rim of black; brightness tells the class. The square
 * has a hole of one pixel, and one of 5x5. */
static LimDataset *
squares(int n, int c, int classes, const char *split)
{
    LimDataset *d = lim_alloc(1, sizeof *d);
    g_strlcpy(d->name, "squares", sizeof d->name);
    g_strlcpy(d->split, split, sizeof d->split);
    d->n = n;
    d->c = c;
    d->h = d->w = 20;
    d->classes = classes;
    d->pixels = lim_alloc((size_t)n * (size_t)c * 400, 1);
    d->labels = lim_alloc((size_t)n, 1);
    d->class_names = lim_alloc((size_t)classes, sizeof *d->class_names);
    for (int k = 0; k < classes; k++)
        g_snprintf(d->class_names[k], sizeof d->class_names[k], "square %d", k);
    for (int i = 0; i < n; i++) {
        d->labels[i] = (uint8_t)(i / 2 % classes);
        for (int k = 0; k < c; k++)
            for (int y = 3; y < 17; y++)
                for (int x = 3; x < 17; x++) {
                    const bool hole = (x == 5 && y == 5) || (x > 8 && x < 14 && y > 8 && y < 14);
                    d->pixels[((i * c + k) * 20 + y) * 20 + x] = hole ? 0 : (uint8_t)(100 + 50 * k);
                }
    }
    return d;
}

static LimSceneSettings
settings(void)
{
    LimSceneSettings s;
    lim_params_init(lim_scene_schema, &s);
    s.size = SIZE;
    return s;
}

static LimScenes *
scenes(const LimSceneSettings *s, const LimDataset *d, LimSceneSplit split)
{
    LimError err = LIM_ERROR_INIT;
    LimScenes *got = lim_scenes_new(s, d, split, &err);
    g_assert_cmpstr(err.text, ==, "");
    return got;
}

/* Any order, any one alone: the same bytes; another seed, number or split: another scene. */
static void
test_function(void)
{
    LimSceneSettings s = settings();
    LimDataset *d = squares(60, 1, 3, "all");
    LimScenes *a = scenes(&s, d, LIM_SCENE_TRAIN), *b = scenes(&s, d, LIM_SCENE_TRAIN);
    LimScenes *other = scenes(&s, d, LIM_SCENE_TEST);
    s.seed = 2;
    LimScenes *seed = scenes(&s, d, LIM_SCENE_TRAIN);
    float x[3 * AREA], y[3 * AREA];
    int32_t m[AREA], n[AREA];
    LimScene p, q;
    for (int i = 3; i >= 0; i--)
        lim_scenes_draw(a, (uint64_t)i, x, m, &p);
    lim_scenes_draw(b, 0, y, n, &q);
    g_assert_cmpmem(x, sizeof x, y, sizeof y);
    g_assert_cmpmem(m, sizeof m, n, sizeof n);
    g_assert_cmpint(p.n, ==, q.n);
    lim_scenes_draw(b, 0, y, NULL, NULL);
    g_assert_cmpmem(x, sizeof x, y, sizeof y);
    LimScenes *differ[] = {b, other, seed};
    for (int i = 0; i < 3; i++) {
        lim_scenes_draw(differ[i], i == 0, y, NULL, NULL);
        g_assert_cmpint(memcmp(x, y, sizeof x), !=, 0);
    }
    lim_scenes_free(a);
    lim_scenes_free(b);
    lim_scenes_free(other);
    lim_scenes_free(seed);
    lim_dataset_free(d);
}

/* Values are bytes; masks, boxes and pixels belong together; nobody hides; counts as asked. */
static void
check_scene(const LimSceneSettings *s, const float *x, const int32_t *mask, const LimScene *scene)
{
    const int size = s->size;
    int pixels = 0, marked = 0;
    g_assert_cmpint(scene->n, >=, 1);
    g_assert_cmpint(scene->n, <=, s->most);
    for (int i = 0; i < 3 * size * size; i++) {
        const double byte = ((double)x[i] + 1) * 127.5;
        g_assert_cmpfloat(fabs(byte - rint(byte)), <, 1e-4);
        g_assert_true(x[i] >= -1 && x[i] <= 1);
    }
    for (int i = 0; i < size * size; i++)
        marked += mask[i] > 0;
    for (int i = 0; i < scene->n; i++) {
        const LimSceneObject *o = &scene->object[i];
        bool edge[4] = {false};
        int inside = 0;
        g_assert_true(o->box[0] >= 0 && o->box[1] >= 0 && o->box[2] <= (float)size &&
                      o->box[3] <= (float)size);
        for (int y = (int)o->box[1]; y < (int)o->box[3]; y++)
            for (int u = (int)o->box[0]; u < (int)o->box[2]; u++)
                if (mask[y * size + u] == o->label) {
                    inside++;
                    edge[0] |= u == (int)o->box[0];
                    edge[1] |= y == (int)o->box[1];
                    edge[2] |= u == (int)o->box[2] - 1;
                    edge[3] |= y == (int)o->box[3] - 1;
                }
        g_assert_true(edge[0] && edge[1] && edge[2] && edge[3]);
        g_assert_cmpint(o->pixels, >=, 40);
        g_assert_cmpint(inside, >=, o->pixels);
        pixels += o->pixels;
    }
    g_assert_cmpint(pixels, ==, marked);
}

static void
test_exact(void)
{
    static const int sizes[] = {48, 64, 128};
    LimDataset *grey = squares(60, 1, 3, "all"), *rgb = squares(60, 3, 3, "all");
    float *x = lim_alloc(3 * 128 * 128, sizeof *x);
    int32_t *mask = lim_alloc(128 * 128, sizeof *mask);
    int garments = 0;
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < 40; i++) {
            LimSceneSettings s = settings();
            s.size = sizes[k];
            s.most = i % 2 ? 6 : 4;
            LimScene scene;
            LimScenes *set = scenes(&s, i % 2 ? rgb : grey, LIM_SCENE_TRAIN);
            lim_scenes_draw(set, (uint64_t)i, x, mask, &scene);
            check_scene(&s, x, mask, &scene);
            garments += scene.n;
            lim_scenes_free(set);
        }
    g_assert_cmpint(garments, >, 3 * 40 * 2);
    free(x);
    free(mask);
    lim_dataset_free(grey);
    lim_dataset_free(rgb);
}

/* One square alone: its small hole is closed, its large one shows the background. */
static void
test_holes(void)
{
    LimSceneSettings s = settings();
    s.size = 128;
    s.fewest = s.most = 1;
    LimDataset *d = squares(60, 1, 3, "all");
    LimScenes *set = scenes(&s, d, LIM_SCENE_TRAIN);
    float *x = lim_alloc(3 * 128 * 128, sizeof *x);
    int32_t *mask = lim_alloc(128 * 128, sizeof *mask);
    for (int i = 0; i < 10; i++) {
        LimScene scene;
        lim_scenes_draw(set, (uint64_t)i, x, mask, &scene);
        g_assert_cmpint(scene.n, ==, 1);
        /* 14 x 14 without 5 x 5, at the scale of the drawing: the share of the hull, a square */
        const float *b = scene.object[0].box;
        const double w = (double)(b[2] - b[0]), h = (double)(b[3] - b[1]);
        if (b[0] <= 0 || b[1] <= 0 || b[2] >= 128 || b[3] >= 128)
            continue; /* cut off */
        /* a square of side a turned by t has a box of side a (cos t + sin t); its area is known */
        const double area = scene.object[0].pixels / (1 - 25.0 / 196);
        const double turn = w * h / area; /* (cos + sin)^2 = 1 + sin 2t, t up to 0.6 */
        g_assert_cmpfloat(turn, >, 0.9);
        g_assert_cmpfloat(turn, <, 2.05);
        const int cx = (int)((b[0] + b[2]) / 2), cy = (int)((b[1] + b[3]) / 2);
        g_assert_cmpint(mask[cy * 128 + cx], ==, 0); /* the large hole is near the middle */
    }
    free(x);
    free(mask);
    lim_scenes_free(set);
    lim_dataset_free(d);
}

/* Which sources a split uses: told by the scenes themselves. */
static void
test_splits(void)
{
    LimSceneSettings s = settings();
    LimDataset *all = squares(60, 1, 3, "all"), *train = squares(60, 1, 3, "train");
    float x[3 * AREA];
    bool used[3][60] = {{false}};
    int count = 0;
    for (int split = 0; split < 3; split++) {
        LimScenes *set = scenes(&s, all, (LimSceneSplit)split);
        count += lim_scenes_sources(set);
        for (int i = 0; i < 100; i++) {
            LimScene scene;
            lim_scenes_draw(set, (uint64_t)i, x, NULL, &scene);
            for (int k = 0; k < scene.n; k++) {
                const LimSceneObject *o = &scene.object[k];
                g_assert_cmpint(o->label, ==, 1 + all->labels[o->source]);
                used[split][o->source] = true;
            }
        }
        lim_scenes_free(set);
    }
    g_assert_cmpint(count, ==, 60);
    for (int i = 0; i < 60; i++)
        g_assert_cmpint(used[0][i] + used[1][i] + used[2][i], ==, 1);
    LimScenes *a = scenes(&s, train, LIM_SCENE_TRAIN), *b = scenes(&s, train, LIM_SCENE_VALIDATION);
    g_assert_cmpint(lim_scenes_sources(a), ==, 51);
    g_assert_cmpint(lim_scenes_sources(b), ==, 9);
    lim_scenes_free(a);
    lim_scenes_free(b);
    lim_dataset_free(all);
    lim_dataset_free(train);
}

static void
test_classes(void)
{
    LimSceneSettings s = settings();
    LimDataset *d = squares(60, 1, 10, "test");
    LimScenes *set = scenes(&s, d, LIM_SCENE_TEST);
    g_assert_cmpint(lim_scenes_classes(set), ==, 11);
    g_assert_cmpstr(lim_scenes_class_name(set, 0), ==, "background");
    g_assert_cmpstr(lim_scenes_class_name(set, 10), ==, "square 9");
    lim_scenes_free(set);
    g_strlcpy(d->name, "fashion-mnist", sizeof d->name);
    set = scenes(&s, d, LIM_SCENE_TEST);
    g_assert_cmpint(lim_scenes_classes(set), ==, 8);
    g_assert_cmpstr(lim_scenes_class_name(set, 1), ==, "top");
    g_assert_cmpint(lim_scenes_naming(set)->classes, ==, 8);
    float x[3 * AREA];
    for (int i = 0; i < 20; i++) {
        static const int group[] = {1, 2, 1, 3, 1, 4, 1, 5, 6, 7};
        LimScene scene;
        lim_scenes_draw(set, (uint64_t)i, x, NULL, &scene);
        for (int k = 0; k < scene.n; k++)
            g_assert_cmpint(scene.object[k].label, ==, group[d->labels[scene.object[k].source]]);
    }
    lim_scenes_free(set);
    lim_dataset_free(d);
}

static void
refuse(const LimSceneSettings *s, const LimDataset *d, const char *why)
{
    LimError err = LIM_ERROR_INIT;
    g_assert_null(lim_scenes_new(s, d, LIM_SCENE_TEST, &err));
    g_assert_nonnull(strstr(err.text, why));
}

static void
test_refused(void)
{
    LimDataset *d = squares(60, 1, 3, "all");
    LimSceneSettings s = settings();
    s.size = 63;
    refuse(&s, d, "multiple of 8");
    s.size = 64;
    s.fewest = 5;
    refuse(&s, d, "--fewest");
    s = settings();
    s.most = 7;
    refuse(&s, d, "most");
    s = settings();
    d->w = 1000;
    refuse(&s, d, "1000x20");
    d->w = 20;
    memset(d->labels, 0, 60);
    refuse(&s, d, "class square 1");
    lim_dataset_free(d);
}

/* The overlay tints what the mask marks and nothing else, and frames stay inside. */
static void
test_overlay(void)
{
    enum { SCALE = 3 };
    LimDataset *d = squares(6, 1, 3, "test");
    float x[3 * AREA];
    int32_t mask[AREA] = {0};
    for (int i = 0; i < 3 * AREA; i++)
        x[i] = -1;
    mask[10 * SIZE + 20] = 2;
    LimError err = LIM_ERROR_INIT;
    LimImageView v = lim_image_alloc(SIZE * SCALE, SIZE * SCALE, LIM_PIXEL_RGB8, &err);
    lim_scene_overlay(v, SIZE, SCALE, x, mask, NULL, 0, d);
    uint8_t want[3];
    lim_scene_colour(2, want);
    for (int py = 0; py < v.h; py++)
        for (int px = 0; px < v.w; px++) {
            const uint8_t *p = v.data + (size_t)py * v.stride + 3 * (size_t)px;
            const bool here = py / SCALE == 10 && px / SCALE == 20;
            for (int c = 0; c < 3; c++)
                g_assert_cmpint(p[c], ==, here ? want[c] * 9 / 10 : 0);
        }
    const LimSceneMark marks[] = {{.label = 1, .box = {-5, -5, 200, 200}, .score = 0.5f},
                                  {.label = 1, .box = {60, 60, 64, 64}, .score = -1}};
    lim_scene_overlay(v, SIZE, SCALE, x, mask, marks, 2, d);
    free(v.data);
    lim_dataset_free(d);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/data/scenes/function", test_function);
    g_test_add_func("/data/scenes/exact", test_exact);
    g_test_add_func("/data/scenes/holes", test_holes);
    g_test_add_func("/data/scenes/splits", test_splits);
    g_test_add_func("/data/scenes/classes", test_classes);
    g_test_add_func("/data/scenes/refused", test_refused);
    g_test_add_func("/data/scenes/overlay", test_overlay);
    return g_test_run();
}
