/* X/Y sheets: typed values become exactly these samples, and the file gives the settings back. */
#include "models/sweep.h"

#include "support.h"
#include "tensor/png.h"

#include <stdlib.h>
#include <string.h>

static LimGenerator *
small_generator(void)
{
    LimBigganParams p;
    LimStore *store = model_store_generator(&p);
    LimModelInfo info = model_info_generator(&p);
    char *path = model_path("sweep.safetensors");
    LimError err = LIM_ERROR_INIT;
    lim_modelfile_save(path, &info, store, false, &err);
    LimGenerator *g = lim_generator_load(path, &err);
    g_assert_cmpstr(err.text, ==, "");
    lim_store_free(store);
    g_free(path);
    return g;
}

static LimSweep
sweep(const char *rows, const char *row_values, const char *columns, const char *column_values)
{
    LimSweep s;
    lim_params_init(lim_sample_schema, &s.request);
    lim_params_init(lim_sweep_schema, &s);
    s.rows = lim_sweep_find(rows);
    s.columns = lim_sweep_find(columns);
    g_strlcpy(s.row_values, row_values, LIM_TEXT_MAX);
    g_strlcpy(s.column_values, column_values, LIM_TEXT_MAX);
    return s;
}

/* Every setting of a request can be an axis, except for how many samples there are. */
static void
test_axes(void)
{
    int n = 0;
    for (const LimParamSpec *p = lim_sample_schema; p->name; p++) {
        if (strcmp(p->name, "samples") == 0) {
            g_assert_cmpint(lim_sweep_find(p->name), ==, -1);
            continue;
        }
        int i = lim_sweep_find(p->name);
        g_assert_cmpint(i, >=, 0);
        g_assert_true(lim_sweep_axis(i) == p);
        n++;
    }
    g_assert_null(lim_sweep_axis(n));
    g_assert_null(lim_sweep_axis(-1));
    LimSweep s = {.rows = -1};
    lim_params_init(lim_sweep_schema, &s);
    g_assert_cmpstr(lim_sweep_axis(s.rows)->name, ==, "seed");
    g_assert_cmpstr(lim_sweep_axis(s.columns)->name, ==, "threshold");
}

static void
check_texts(char (*text)[LIM_TEXT_MAX], int n, const char *expected)
{
    g_autoptr(GString) all = g_string_new(NULL);
    for (int i = 0; i < n; i++)
        g_string_append_printf(all, "%s%s", i ? "|" : "", text[i]);
    g_assert_cmpstr(all->str, ==, expected);
}

static void
test_values(void)
{
    static const struct {
        const char *axis, *values, *expected;
    } cases[] = {
        {"threshold", "0.04, 0.5,1 ,2", "0.04|0.5|1|2"},
        {"threshold", "0.1..0.5:0.1", "0.1|0.2|0.3|0.4|0.5"},
        {"threshold", "", "0.04|0.5|1|1.5|2"},
        {"threshold", "1", "1"},
        {"threshold", "1, 2, ", "1|2"},
        {"walk-x", "-1..1:0.5", "-1|-0.5|0|0.5|1"},
        {"walk-x", "2, -6..0:3", "2|-6|-3|0"},
        {"truncation", "scale, resample", "scale|resample"},
        {"mix-slots", "1..7:3", "1|4|7"},
        {"mix-seed", "18446744073709551614..18446744073709551615",
         "18446744073709551614|18446744073709551615"},
        {"blend", "  ", "0|0.25|0.5|0.75|1"},
    };
    LimGenerator *g = small_generator();
    LimError err = LIM_ERROR_INIT;

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        LimSweep s = sweep(cases[i].axis, cases[i].values, "class", "1,0");
        s.request.blend_label = 2; /* without which "blend" means nothing */
        s.request.mix_slots = 1;
        LimSweepSheet *sheet = lim_sweep_expand(g, &s, &err);
        g_assert_cmpstr(err.text, ==, "");
        check_texts(sheet->row_text, sheet->rows, cases[i].expected);
        g_assert_cmpint(sheet->columns, ==, 2);
        g_assert_cmpstr(sheet->axis[0]->name, ==, cases[i].axis);
        /* Each picture has both settings, and everything else of the request. */
        for (int k = 0; k < sheet->rows * 2; k++) {
            const LimSampleRequest *r = &sheet->samples[k].request;
            char text[LIM_TEXT_MAX];
            lim_params_get(sheet->axis[0], r, text, sizeof text);
            g_assert_cmpstr(text, ==, sheet->row_text[k / 2]);
            g_assert_cmpint(r->label, ==, 1 - k % 2);
            g_assert_cmpint(sheet->samples[k].index, ==, 0);
            for (const LimParamSpec *p = lim_sample_schema; p->name; p++) {
                char here[LIM_TEXT_MAX], base[LIM_TEXT_MAX];
                if (p == sheet->axis[0] || p == sheet->axis[1] || !strcmp(p->name, "samples"))
                    continue;
                lim_params_get(p, r, here, sizeof here);
                lim_params_get(p, &s.request, base, sizeof base);
                g_assert_cmpstr(here, ==, base);
            }
        }
        lim_sweep_sheet_free(sheet);
    }
    lim_generator_free(g);
}

/* With all classes, seeds go through the classes, down or across. */
static void
test_classes(void)
{
    LimGenerator *g = small_generator();
    LimError err = LIM_ERROR_INIT;
    LimSweep s = sweep("seed", "", "threshold", "0.5, 1");

    s.request.seed = 40;
    LimSweepSheet *sheet = lim_sweep_expand(g, &s, &err);
    g_assert_cmpint(sheet->rows, ==, 5);
    for (int k = 0; k < 10; k++) {
        g_assert_cmpuint(sheet->samples[k].request.seed, ==, (guint64)(40 + k / 2));
        g_assert_cmpint(sheet->samples[k].index, ==, k / 2);
    }
    g_autofree char *name = g_strdup_printf("42, %s", lim_generator_class_name(g, 2));
    g_assert_cmpstr(sheet->row_text[2], ==, name);
    lim_sweep_sheet_free(sheet);

    s = sweep("threshold", "1", "seed", "7..9");
    sheet = lim_sweep_expand(g, &s, &err);
    for (int k = 0; k < 3; k++)
        g_assert_cmpint(sheet->samples[k].index, ==, k);
    lim_sweep_sheet_free(sheet);

    s.request.label = 1; /* one class: no need */
    sheet = lim_sweep_expand(g, &s, &err);
    for (int k = 0; k < 3; k++)
        g_assert_cmpint(sheet->samples[k].index, ==, 0);
    g_assert_cmpstr(sheet->column_text[0], ==, "7");
    lim_sweep_sheet_free(sheet);

    s = sweep("class", "", "walk-x", "");
    sheet = lim_sweep_expand(g, &s, &err);
    g_assert_cmpint(sheet->rows, ==, lim_generator_classes(g));
    g_assert_cmpstr(sheet->row_text[1], ==, lim_generator_class_name(g, 1));
    lim_sweep_sheet_free(sheet);
    lim_generator_free(g);
}

static void
test_refused(void)
{
    static const char *const bad[][2] = {
        {"threshold", "0.5, x"}, {"threshold", "3"},       {"threshold", "1..0.5"},
        {"threshold", "0.5,,1"}, {"threshold", "1..2:0"},  {"threshold", "1..2:-1"},
        {"threshold", "..2"},    {"threshold", "1.."},     {"threshold", "0.1..2:0.001"},
        {"seed", "1..100000"},   {"seed", "-1"},           {"seed", "1..9:0.5"},
        {"seed", "5..4"},        {"truncation", "none"},   {"class", "99"},
        {"class", "0..4:1.5"},   {"blend-class", "0..99"}, {"threshold-0", "0.01"},
    };
    LimGenerator *g = small_generator();

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        for (int across = 0; across < 2; across++) {
            LimSweep s = across ? sweep("walk-y", "0, 1", bad[i][0], bad[i][1])
                                : sweep(bad[i][0], bad[i][1], "walk-y", "0, 1");
            s.request.blend = 0.5;
            LimError err = LIM_ERROR_INIT;
            g_assert_null(lim_sweep_expand(g, &s, &err));
            g_assert_cmpint(err.code, ==, LIM_E_PARAM);
            model_assert_sentence(&err);
        }
    }
    LimError err = LIM_ERROR_INIT;
    LimSweep s = sweep("seed", "", "seed", "");
    g_assert_null(lim_sweep_expand(g, &s, &err));
    model_assert_sentence(&err);
    s = sweep("seed", "1..64", "mix-seed", "1..64");
    s.request.mix_slots = 1;
    err = (LimError)LIM_ERROR_INIT;
    g_assert_null(lim_sweep_expand(g, &s, &err));
    g_assert_nonnull(strstr(err.text, "more than"));
    lim_generator_free(g);
}

/* Equal rows would look as if the setting had no effect; it has none without another one. */
static void
test_meaningless(void)
{
    static const char *const pairs[][2] = {{"blend", "blend-class"},
                                           {"blend-class", "blend"},
                                           {"mix-seed", "mix-slots"}};
    LimGenerator *g = small_generator();

    for (size_t i = 0; i < 2 * G_N_ELEMENTS(pairs); i++) {
        const char *axis = pairs[i / 2][0], *needs = pairs[i / 2][1];
        LimSweep s = i % 2 ? sweep("class", "0", axis, "") : sweep(axis, "", "class", "0");
        LimError err = LIM_ERROR_INIT;
        g_assert_null(lim_sweep_expand(g, &s, &err));
        g_assert_cmpint(err.code, ==, LIM_E_PARAM);
        model_assert_sentence(&err);
        g_autofree char *flag = g_strdup_printf("(--%s)", needs);
        g_assert_nonnull(strstr(err.text, flag));

        /* The other one as an axis, or with a value, gives it a meaning. */
        s = sweep(axis, "0,1", needs, "0,1");
        LimSweepSheet *sheet = lim_sweep_expand(g, &s, NULL);
        g_assert_nonnull(sheet);
        lim_sweep_sheet_free(sheet);
        s = sweep(axis, "0,1", "class", "0");
        s.request.blend_label = 1;
        s.request.blend = 0.5;
        s.request.mix_slots = 1;
        sheet = lim_sweep_expand(g, &s, NULL);
        g_assert_nonnull(sheet);
        lim_sweep_sheet_free(sheet);
    }
    lim_generator_free(g);
}

/* Pictures stand where row and column say; the settings come back. */
static void
test_file(void)
{
    LimGenerator *g = small_generator();
    LimError err = LIM_ERROR_INIT;
    LimSweep s = sweep("seed", "3,4", "threshold", "0.5, 1, 2"), back;
    char model[LIM_TEXT_MAX], *path = model_path("sheet.png");
    LimSweepSheet *sheet = lim_sweep_expand(g, &s, &err);
    LimTensor *image = lim_tensor_new(LIM_F32, LIM_SHAPE4(6, 1, 5, 4));

    for (int i = 0; i < 6; i++)
        for (int k = 0; k < 20; k++)
            ((float *)lim_tensor_edit(image))[i * 20 + k] = (float)(i + 1) / 8;
    s.request.walk_x = 1.5;
    g_assert_cmpint(lim_sweep_write(path, image, sheet, "/some/where/gan.safetensors", &s, 3, &err),
                    ==, LIM_OK);
    LimPng *png = lim_png_read(path, 1, &err);
    int left = png->image.w - 8 - 3 * 12 - 2 * 4, top = png->image.h - 8 - 2 * 15 - 4;
    for (int i = 0; i < 6; i++)
        for (int y = 0; y < 15; y++)
            for (int x = 0; x < 12; x++) {
                int px = left + i % 3 * 16 + x, py = top + i / 3 * 19 + y;
                float want = ((float)(i + 1) / 8 + 1) * 127.5f;
                g_assert_cmpint(abs(png->image.data[(size_t)py * png->image.stride + (size_t)px] -
                                    (int)want),
                                <=, 1);
            }
    int ink = 0; /* names above and beside */
    for (int y = 0; y < png->image.h; y++)
        for (int x = 0; x < left - 8; x++)
            ink += png->image.data[(size_t)y * png->image.stride + (size_t)x] == 0;
    g_assert_cmpint(ink, >, 40);
    lim_png_free(png);

    g_assert_cmpint(lim_sweep_read(path, &back, model, &err), ==, LIM_OK);
    g_assert_cmpstr(model, ==, "gan.safetensors");
    g_assert_cmpint(back.rows, ==, s.rows);
    g_assert_cmpint(back.columns, ==, s.columns);
    g_assert_cmpstr(back.row_values, ==, s.row_values);
    g_assert_cmpstr(back.column_values, ==, s.column_values);
    g_assert_true(lim_sample_equal(&back.request, &s.request));

    g_assert_cmpint(lim_sweep_write("/no such folder/x.png", image, sheet, "m", &s, 3, &err), !=,
                    LIM_OK);
    lim_sweep_sheet_free(sheet);
    lim_tensor_unref(image);
    lim_generator_free(g);
    g_free(path);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sweep/axes", test_axes);
    g_test_add_func("/sweep/values", test_values);
    g_test_add_func("/sweep/classes", test_classes);
    g_test_add_func("/sweep/refused", test_refused);
    g_test_add_func("/sweep/meaningless", test_meaningless);
    g_test_add_func("/sweep/file", test_file);
    int result = g_test_run();
    model_clear();
    return result;
}
