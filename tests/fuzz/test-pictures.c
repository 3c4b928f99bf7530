/* PNG files that are more than a picture: what an attack or a sample was made with, a scene of
 * one's own, a segmentation. Their readers take a path. */
#include "attacks/attackfile.h"
#include "data/scene-own.h"
#include "fuzz.h"
#include "models/samplefile.h"
#include "models/support.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

/* Each is a number, and is between the two. */
static void
assert_between(const float *x, size_t n, double from, double to)
{
    for (size_t i = 0; i < n; i++)
        g_assert_true((double)x[i] >= from && (double)x[i] <= to);
}

static char *
written(const guint8 *data, size_t size)
{
    char *path = model_path("mutated.png");
    fuzz_write(path, data, size);
    return path;
}

/* ---- attacks ---- */

static void
attack_seeds(GPtrArray *seeds)
{
    g_autofree char *path = model_path("seed.png"), *npy = model_path("seed.npy");
    enum { C = 3, H = 5, W = 4 };
    float image[C * H * W] = {0.5f, 1, 0.25f};
    const LimAttackResult r = {
        .image = image, .image8 = image, .label = 2, .label8 = 2, .l2 = 0.5, .queries = 100};
    for (size_t k = 0; k < lim_attack_count(); k++) {
        const LimAttackClass *klass = lim_attack_at(k);
        g_autofree void *params = g_malloc0(MAX(klass->params_size, 1));
        if (klass->schema)
            lim_params_init(klass->schema, params);
        const LimAttackAbout about = {.klass = klass,
                                      .params = params,
                                      .model = "plain.safetensors",
                                      .denoiser = k == 0 ? "denoiser" : NULL,
                                      .oblivious = true,
                                      .from = "test",
                                      .picture = 7,
                                      .right = 3,
                                      .target = -1,
                                      .queries = 1000,
                                      .lattice = 100,
                                      .seed = G_MAXUINT64};
        const LimShape s = LIM_SHAPE3(k == 0 ? 1 : C, H, W);
        g_assert_cmpint(lim_attackfile_write(path, &about, s, &r, NULL), ==, LIM_OK);
        fuzz_add_file(seeds, path);
    }
    g_remove(npy);
}

static bool
attack_read(const guint8 *data, size_t size, LimError *err)
{
    g_autofree char *path = written(data, size);
    LimAttackRead read;
    if (lim_attackfile_read(path, &read, err) != LIM_OK) {
        g_assert_null(read.params);
        return false;
    }
    g_assert_true(g_utf8_validate(read.model, -1, NULL) && g_utf8_validate(read.from, -1, NULL));
    g_assert_true(g_utf8_validate(read.denoiser, -1, NULL));
    g_assert_true(!read.klass->schema ||
                  lim_params_check(read.klass->schema, read.params, NULL) == LIM_OK);
    free(read.params);
    return true;
}

static bool
attacked_picture_read(const guint8 *data, size_t size, LimError *err)
{
    g_autofree char *path = written(data, size);
    const LimShape s = LIM_SHAPE3(size % 2 ? 1 : 3, 8, 9);
    g_autofree float *x = g_new(float, (gsize)lim_shape_size(s));
    if (lim_attackfile_picture(path, s, x, err) != LIM_OK)
        return false;
    assert_between(x, (size_t)lim_shape_size(s), 0, 1);
    return true;
}

/* ---- samples ---- */

static void
sample_seeds(GPtrArray *seeds)
{
    g_autofree char *path = model_path("seed.png");
    for (int n = 1; n <= 3; n++) {
        LimSampleRequest request;
        lim_params_init(lim_sample_schema, &request);
        request.count = n;
        LimTensor *image = lim_tensor_new(LIM_F32, LIM_SHAPE4(n, n == 2 ? 3 : 1, 4, 4));
        g_assert_cmpint(lim_samplefile_write_sheet(path, image, "gan.safetensors", &request, n, 0,
                                                   NULL),
                        ==, LIM_OK);
        fuzz_add_file(seeds, path);
        lim_tensor_unref(image);
    }
}

static bool
sample_read(const guint8 *data, size_t size, LimError *err)
{
    g_autofree char *path = written(data, size);
    LimSampleRequest request;
    char model[LIM_TEXT_MAX];
    if (lim_samplefile_read(path, &request, model, err) != LIM_OK)
        return false;
    g_assert_true(g_utf8_validate(model, -1, NULL));
    g_assert_cmpint(lim_sample_check(&request, NULL), ==, LIM_OK);
    return true;
}

/* ---- scenes ---- */

static bool
scene_read(const guint8 *data, size_t size, LimError *err)
{
    g_autofree char *path = written(data, size);
    const int side = size % 3 ? 5 : 16; /* shrunk or enlarged */
    g_autofree float *x = g_new(float, (gsize)(3 * side * side));
    if (lim_scene_read(path, side, x, err) != LIM_OK)
        return false;
    assert_between(x, (size_t)(3 * side * side), -1, 1);
    return true;
}

#define MASK 24

static void
mask_seeds(GPtrArray *seeds)
{
    g_autofree char *path = model_path("seed.png");
    gint32 mask[MASK * MASK];
    guint8 open[MASK * MASK];
    for (int k = 0; k < 3; k++) {
        for (int i = 0; i < MASK * MASK; i++) {
            mask[i] = k == 0 ? 0 : k == 1 ? i / MASK / 8 : (i / 7 + i / MASK) % 8;
            open[i] = (guint8)mask[i];
        }
        g_assert_cmpint(lim_scene_write_mask(path, MASK, mask, NULL), ==, LIM_OK);
        fuzz_add_file(seeds, path);
        fuzz_png_grey(seeds, MASK, MASK, open);
    }
}

static bool
mask_read(const guint8 *data, size_t size, LimError *err)
{
    g_autofree char *path = written(data, size);
    gint32 mask[MASK * MASK];
    if (lim_scene_read_mask(path, MASK, 8, mask, err) != LIM_OK)
        return false;
    for (int i = 0; i < MASK * MASK; i++)
        g_assert_true(mask[i] >= 0 && mask[i] < 8);
    LimScene scene;
    lim_scene_of_mask(mask, MASK, &scene);
    for (int k = 0; k < scene.n; k++) {
        const LimSceneObject *o = &scene.object[k];
        g_assert_true(o->label > 0 && o->label < 8);
        assert_between(o->box, 4, 0, MASK);
        g_assert_true(o->box[0] < o->box[2] && o->box[1] < o->box[3]);
    }
    return true;
}

static const FuzzReader readers[] = {
    {"attack-file", attack_seeds, attack_read, fuzz_repair_png},
    {"attacked-picture", fuzz_png_seeds, attacked_picture_read, fuzz_repair_png},
    {"sample-file", sample_seeds, sample_read, fuzz_repair_png},
    {"scene-picture", fuzz_png_seeds, scene_read, fuzz_repair_png},
    {"scene-mask", mask_seeds, mask_read, fuzz_repair_png},
};

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(readers); i++)
        fuzz_add(&readers[i]);
    const int failed = g_test_run();
    model_clear();
    return failed;
}
