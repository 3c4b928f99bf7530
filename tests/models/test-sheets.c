/* Pictures with their settings inside: samples, strips, attention. Everything that makes a picture
 * comes back out of it, and files from before a setting existed still read. */
#include "models/attention-sheet.h"
#include "models/samplefile.h"
#include "models/strip.h"
#include "support.h"
#include "tensor/png.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static LimGenerator *
small_generator(bool attention)
{
    LimBigganParams p;
    LimStore *s = model_store_generator(&p);
    p.g_attention = attention;
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

/* A request in which nothing is as it was. */
static LimSampleRequest
unusual(void)
{
    LimSampleRequest r;
    lim_params_init(lim_sample_schema, &r);
    r.count = 2;
    r.label = 1;
    r.seed = G_MAXUINT64;
    r.threshold = 0.123456789012345;
    r.truncation = LIM_TRUNC_RESAMPLE;
    r.blend_label = 2;
    r.blend = 1.0 / 3;
    r.walk_x = -7.7;
    r.walk_y = 0.1;
    for (int k = 0; k < LIM_SLOTS; k++)
        r.slot_threshold[k] = 0.1 + k / 7.0;
    r.mix_seed = 99;
    r.mix_slots = 5;
    return r;
}

static LimTask *
finish(LimTask *t)
{
    const LimExec exec = {.kernels = lim_kernels_best()};
    LimError err = LIM_ERROR_INIT;
    LimStep step;
    while ((step = lim_task_step(t, &exec, NULL, &err)) == LIM_STEP_MORE)
        ;
    g_assert_cmpstr(err.text, ==, "");
    return t;
}

static void
same_file(const char *a, const char *b)
{
    g_autofree char *x = NULL, *y = NULL;
    gsize m, n;
    g_assert_true(g_file_get_contents(a, &x, &m, NULL));
    g_assert_true(g_file_get_contents(b, &y, &n, NULL));
    g_assert_cmpmem(x, m, y, n);
}

static void
test_samples(void)
{
    LimGenerator *g = small_generator(true);
    g_autofree char *path = model_path("samples.png");
    char model[LIM_TEXT_MAX];
    LimSampleRequest r = unusual(), back;
    LimError err = LIM_ERROR_INIT;
    LimTask *t = finish(lim_sample_task_new(g, &r));
    g_assert_cmpint(lim_samplefile_write(path, lim_sample_task_image(t), "/a/gan.safetensors", &r,
                                         &err),
                    ==, LIM_OK);
    memset(&back, 0, sizeof back);
    g_assert_cmpint(lim_samplefile_read(path, &back, model, &err), ==, LIM_OK);
    g_assert_true(lim_sample_equal(&r, &back));
    for (const LimParamSpec *s = lim_sample_schema; s->name; s++) {
        char a[LIM_TEXT_MAX], b[LIM_TEXT_MAX], usual[LIM_TEXT_MAX];
        LimSampleRequest fresh;
        lim_params_init(lim_sample_schema, &fresh);
        lim_params_get(s, &r, a, sizeof a);
        lim_params_get(s, &back, b, sizeof b);
        lim_params_get(s, &fresh, usual, sizeof usual);
        g_assert_cmpstr(a, ==, b);
        g_assert_cmpstr(a, !=, usual); /* so that a setting which is left out is noticed */
    }
    g_assert_cmpstr(model, ==, "gan.safetensors");
    lim_task_free(t);
    lim_generator_free(g);
}

static void
picture_with(const char *path, const char *settings)
{
    LimError err = LIM_ERROR_INIT;
    LimImageView v = lim_image_alloc(2, 2, LIM_PIXEL_GREY8, &err);
    const LimPngText text = {LIM_SAMPLE_KEY, settings};
    g_assert_cmpint(lim_png_write(path, v, &text, 1, &err), ==, LIM_OK);
    free(v.data);
}

static void
test_old_and_odd(void)
{
    g_autofree char *path = model_path("old.png");
    LimSampleRequest r, usual;
    LimError err = LIM_ERROR_INIT;
    picture_with(path,
                 "{\"view\": \"generate\", \"model\": \"m\", \"settings\": {\"class\": 3, "
                 "\"seed\": 7, \"threshold\": 0.5, \"truncation\": \"scale\", \"samples\": 9}}");
    g_assert_cmpint(lim_samplefile_read(path, &r, NULL, &err), ==, LIM_OK);
    lim_params_init(lim_sample_schema, &usual);
    usual.label = 3;
    usual.seed = 7;
    usual.threshold = 0.5;
    usual.truncation = LIM_TRUNC_SCALE;
    usual.count = 9;
    g_assert_true(lim_sample_equal(&r, &usual));
    g_assert_cmpint(r.blend_label, ==, -1);

    const struct {
        const char *text;
        LimStatus code;
    } bad[] = {
        {"{\"view\": \"generate\", \"settings\": {\"threshold-1\": 0.01}}", LIM_E_PARAM},
        {"{\"view\": \"generate\", \"settings\": {\"walk-x\": 21}}", LIM_E_PARAM},
        {"{\"view\": \"generate\", \"settings\": {\"mix-slots\": 16}}", LIM_E_PARAM},
        {"{\"view\": \"generate\", \"settings\": {\"wlak-x\": 2}}", LIM_E_PARAM},
        {"{\"view\": \"other\", \"settings\": {}}", LIM_E_FORMAT},
        {"{\"view\": \"generate\", \"settings\": []}", LIM_E_FORMAT},
        {"nonsense", LIM_E_FORMAT},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        err = (LimError)LIM_ERROR_INIT;
        picture_with(path, bad[i].text);
        g_assert_cmpint(lim_samplefile_read(path, &r, NULL, &err), ==, bad[i].code);
        model_assert_sentence(&err);
    }
    /* a picture of samples is no strip and shows no attention */
    LimInterpolation way;
    LimAttentionSheet sheet;
    picture_with(path, "{\"view\": \"generate\", \"settings\": {}}");
    err = (LimError)LIM_ERROR_INIT;
    g_assert_cmpint(lim_strip_read(path, &way, NULL, &err), ==, LIM_E_FORMAT);
    model_assert_sentence(&err);
    err = (LimError)LIM_ERROR_INIT;
    g_assert_cmpint(lim_attention_read(path, &sheet, NULL, &err), ==, LIM_E_FORMAT);
    model_assert_sentence(&err);
}

static void
test_strip(void)
{
    LimGenerator *g = small_generator(true);
    g_autofree char *path = model_path("strip.png"), *again = model_path("again.png");
    char model[LIM_TEXT_MAX];
    LimError err = LIM_ERROR_INIT;
    LimInterpolation p, back;
    memset(&p, 0, sizeof p);
    lim_params_init(lim_interpolation_schema, &p);
    p.from.request = p.to.request = unusual();
    p.to.request.seed = 5;
    p.to.request.label = 0;
    p.to.request.blend_label = -1;
    p.from.index = 3;
    p.to.index = 11;
    p.steps = 4;
    p.rows = 2;
    p.path = LIM_PATH_SPHERICAL;
    LimTask *t = finish(lim_interpolation_task_new(g, &p, false));
    g_assert_cmpint(lim_strip_write(path, lim_sample_task_image(t), g, "gan.safetensors", &p, 2,
                                    &err),
                    ==, LIM_OK);
    lim_task_free(t);

    memset(&back, 0, sizeof back);
    g_assert_cmpint(lim_strip_read(path, &back, model, &err), ==, LIM_OK);
    g_assert_cmpstr(model, ==, "gan.safetensors");
    g_assert_true(lim_sample_equal(&p.from.request, &back.from.request));
    g_assert_true(lim_sample_equal(&p.to.request, &back.to.request));
    g_assert_cmpint(back.from.index, ==, 3);
    g_assert_cmpint(back.to.index, ==, 11);
    g_assert_cmpint(back.steps, ==, 4);
    g_assert_cmpint(back.rows, ==, 2);
    g_assert_cmpint(back.path, ==, LIM_PATH_SPHERICAL);
    t = finish(lim_interpolation_task_new(g, &back, false));
    g_assert_cmpint(lim_strip_write(again, lim_sample_task_image(t), g, "gan.safetensors", &back, 2,
                                    &err),
                    ==, LIM_OK);
    same_file(path, again);
    /* a strip also gives its first sample's settings to whoever asks for samples */
    LimSampleRequest r;
    g_assert_cmpint(lim_samplefile_read(path, &r, NULL, &err), ==, LIM_OK);
    g_assert_true(lim_sample_equal(&r, &p.from.request));
    g_assert_cmpint(lim_strip_write("/no such folder/x.png", lim_sample_task_image(t), g, "m", &p,
                                    2, &err),
                    !=, LIM_OK);
    lim_task_free(t);
    lim_generator_free(g);
}

/* ---- attention ---------------------------------------------------------------------------------
 */

/* Rows and columns of a matrix whose entries say where they stand. */
static void
test_map(void)
{
    const LimAttentionInfo a = {.query = 4, .key = 2};
    float maps[2 * 16 * 4];
    for (int i = 0; i < 2 * 16 * 4; i++)
        maps[i] = (float)i;
    LimAttentionMap m;
    g_assert_cmpint(lim_attention_cells(&a, LIM_SENSE_ROW), ==, 4);
    g_assert_cmpint(lim_attention_cells(&a, LIM_SENSE_COLUMN), ==, 2);
    lim_attention_map_init(&m, &a, maps, 1, 3, 2, LIM_SENSE_ROW); /* query 11 of sample 1 */
    g_assert_cmpint(m.side, ==, 2);
    for (int k = 0; k < 4; k++)
        g_assert_cmpfloat(m.value[k], ==, 64 + 11 * 4 + k);
    g_assert_cmpfloat(m.most, ==, 64 + 11 * 4 + 3);
    g_assert_cmpint(m.most_x, ==, 1);
    g_assert_cmpint(m.most_y, ==, 1);
    lim_attention_map_clear(&m);
    lim_attention_map_init(&m, &a, maps, 0, 0, 1, LIM_SENSE_COLUMN); /* key 2 */
    g_assert_cmpint(m.side, ==, 4);
    for (int q = 0; q < 16; q++)
        g_assert_cmpfloat(m.value[q], ==, q * 4 + 2);
    lim_attention_map_clear(&m);
}

static void
test_points(void)
{
    LimPoint p[LIM_MARKS];
    LimError err = LIM_ERROR_INIT;
    char text[LIM_TEXT_MAX];
    g_assert_cmpint(lim_attention_points("1,2", 32, p, &err), ==, 1);
    g_assert_cmpint(p[0].x, ==, 1);
    g_assert_cmpint(p[0].y, ==, 2);
    g_assert_cmpint(lim_attention_points(" 31, 0 ,4,5,6,7,8,9,10,11", 32, p, &err), ==, 5);
    g_assert_cmpint(p[0].x, ==, 31);
    g_assert_cmpint(p[4].y, ==, 11);
    lim_attention_text(p, 5, text);
    g_assert_cmpstr(text, ==, "31,0,4,5,6,7,8,9,10,11");
    static const char *const bad[] = {"",
                                      "1",
                                      "1,",
                                      "1,2,",
                                      "1,2,3",
                                      "32,0",
                                      "0,32",
                                      "-1,3",
                                      "1;2",
                                      "a,b",
                                      "1,2x",
                                      "1 2",
                                      "1,,2",
                                      "1.5,2",
                                      "99999999999999999999,1",
                                      "1,2,3,4,5,6,7,8,9,10,11,12"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        err = (LimError)LIM_ERROR_INIT;
        g_assert_cmpint(lim_attention_points(bad[i], 32, p, &err), ==, 0);
        g_assert_cmpint(err.code, ==, LIM_E_PARAM);
        model_assert_sentence(&err);
    }
}

/* Maps of five kinds, by regions: one place of each is chosen, none at the border, where the sixth
 * kind is. All alike: five different places all the same. */
static void
test_choose(void)
{
    const LimAttentionInfo a = {.query = 16, .key = 8};
    float *maps = g_new0(float, 2 * 256 * 64);
    LimPoint p[LIM_MARKS];
    int kinds[256];
    for (int q = 0; q < 256; q++) {
        const int x = q % 16, y = q / 16;
        kinds[q] = x == 0 || y == 0 || x == 15 || y == 15 ? 5
                   : y < 4                                ? 0
                   : y > 12                               ? 1
                   : x < 3                                ? 2
                   : x > 13                               ? 3
                                                          : 4;
        for (int i = 0; i < 2; i++)
            maps[(i * 256 + q) * 64 + kinds[q] * 9] = 1;
    }
    lim_attention_choose(&a, 32, maps, 2, p);
    int seen = 0;
    for (int k = 0; k < LIM_MARKS; k++)
        seen |= 1 << kinds[p[k].y / 2 * 16 + p[k].x / 2];
    g_assert_cmpint(seen, ==, 31);
    memset(maps, 0, 2 * 256 * 64 * sizeof *maps);
    lim_attention_choose(&a, 32, maps, 2, p);
    for (int k = 0; k < LIM_MARKS; k++)
        for (int i = 0; i < k; i++)
            g_assert_true(p[k].x != p[i].x || p[k].y != p[i].y);
    g_free(maps);
}

static LimAttentionSheet
attention_sheet(void)
{
    LimAttentionSheet s;
    memset(&s, 0, sizeof s);
    lim_params_init(lim_sample_schema, &s.request);
    lim_params_init(lim_attention_schema, &s);
    s.request.count = 2;
    return s;
}

static void
test_attention(void)
{
    LimGenerator *g = small_generator(true);
    g_autofree char *path = model_path("attention.png"), *again = model_path("again.png");
    LimError err = LIM_ERROR_INIT;
    LimAttentionSheet s = attention_sheet(), back;
    int before = 0;
    for (s.sense = 0; s.sense <= LIM_SENSE_BOTH; s.sense++) {
        s.at[0] = '\0';
        s.opacity = 0.25;
        LimTask *t = lim_attention_task_new(g, &s, &err);
        g_assert_nonnull(t);
        g_assert_cmpint(lim_attention_write(path, finish(t), g, "/a/gan.safetensors", &s, 3, &err),
                        ==, LIM_OK);
        lim_task_free(t);
        g_assert_cmpstr(s.at, !=, ""); /* what was chosen */
        /* what comes back gives the same file, though the places were not given the first time */
        g_assert_cmpint(lim_attention_read(path, &back, NULL, &err), ==, LIM_OK);
        g_assert_cmpstr(back.at, ==, s.at);
        g_assert_cmpint(back.sense, ==, s.sense);
        g_assert_cmpfloat(back.opacity, ==, 0.25);
        g_assert_cmpint(back.request.count, ==, 2);
        t = lim_attention_task_new(g, &back, &err);
        g_assert_cmpint(lim_attention_write(again, finish(t), g, "/b/gan.safetensors", &back, 3,
                                            &err),
                        ==, LIM_OK);
        lim_task_free(t);
        same_file(path, again);

        LimPng *png = lim_png_read(path, 0, &err);
        g_assert_cmpint(png->image.h, >, (s.sense == LIM_SENSE_BOTH ? 4 : 2) * 96);
        g_assert_cmpint(png->image.w, >, 6 * 96);
        LimAttentionInfo info;
        lim_generator_attention(g, &info);
        const char *text = lim_png_text(png, "Description");
        g_assert_nonnull(text);
        g_assert_nonnull(strstr(text, "gan.safetensors"));
        const char *gamma = strstr(text, "gamma ");
        g_assert_nonnull(gamma);
        g_assert_cmpfloat_with_epsilon(g_ascii_strtod(gamma + 6, NULL), info.gamma, 0.0006);
        if (s.sense == LIM_SENSE_BOTH) { /* the two rows of a sample, right half: other maps */
            const int top = 8 + 11, step = 96 + 13 + LIM_SAMPLE_GAP;
            int differ = 0;
            for (int y = top; y < top + 96; y++)
                for (int x = png->image.w / 2 * 3; x < (png->image.w - 8) * 3; x++) {
                    const uint8_t *at = png->image.data + (size_t)y * png->image.stride + x;
                    differ += at[0] != at[(size_t)step * png->image.stride];
                }
            g_assert_cmpint(differ, >, 1000);
        }
        int sum = 0; /* senses look different */
        for (size_t i = 0; i < png->image.stride * (size_t)png->image.h; i++)
            sum = (sum * 31 + png->image.data[i]) % 1000003;
        g_assert_cmpint(sum, !=, before);
        before = sum;
        lim_png_free(png);
    }
    lim_generator_free(g);
}

static void
test_attention_refused(void)
{
    LimGenerator *g = small_generator(true), *plain = small_generator(false);
    LimAttentionSheet bad[6];
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        bad[i] = attention_sheet();
    strcpy(bad[0].at, "1,2,3");
    strcpy(bad[1].at, "40,2");
    bad[2].sense = 3;
    bad[3].opacity = 1.5;
    bad[4].request.threshold = 0;
    bad[5].request.label = 3;
    for (size_t i = 0; i <= G_N_ELEMENTS(bad); i++) {
        const LimAttentionSheet good = attention_sheet();
        const bool none = i == G_N_ELEMENTS(bad);
        LimError err = LIM_ERROR_INIT;
        g_assert_null(lim_attention_task_new(none ? plain : g, none ? &good : &bad[i], &err));
        g_assert_cmpint(err.code, ==, LIM_E_PARAM);
        model_assert_sentence(&err);
    }
    lim_generator_free(g);
    lim_generator_free(plain);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sheets/samples", test_samples);
    g_test_add_func("/sheets/old-and-odd", test_old_and_odd);
    g_test_add_func("/sheets/strip", test_strip);
    g_test_add_func("/sheets/map", test_map);
    g_test_add_func("/sheets/points", test_points);
    g_test_add_func("/sheets/choose", test_choose);
    g_test_add_func("/sheets/attention", test_attention);
    g_test_add_func("/sheets/attention-refused", test_attention_refused);
    const int failed = g_test_run();
    model_clear();
    return failed;
}
