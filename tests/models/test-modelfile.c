/* Model files: what is written comes back, to the bit in float32 and to half precision in float16;
 * and whatever is wrong with a file is said in one sentence, by both readers of models. */
#include "models/generator.h"
#include "models/predictor.h"
#include "support.h"

#include <glib/gstdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Reads a file into a new store with the entries of `like`. */
static LimStore *
read_store(const char *path, const LimStore *like, const LimModelInfo *info, void *params)
{
    LimError err = LIM_ERROR_INIT;
    LimModelFile *f = lim_modelfile_open(path, &err);
    g_assert_cmpstr(err.text, ==, "");
    g_assert_cmpstr(f->model, ==, info->model);
    g_assert_cmpint(f->classes, ==, info->classes);
    for (int i = 0; i < info->classes; i++)
        g_assert_cmpstr(f->class_names[i], ==, info->class_names[i]);
    g_assert_cmpstr(f->training, ==, info->training);
    g_assert_cmpint(lim_modelfile_params(f, info->model, info->schema, params, &err), ==, LIM_OK);
    LimStore *s = lim_store_dup(like);
    for (int i = 0; i < lim_store_count(s); i++)
        memset(lim_store_data(s, i), 0, (size_t)lim_shape_size(lim_store_shape(s, i)) * 4);
    g_assert_cmpint(lim_store_read(s, f->st, "", &err), ==, LIM_OK);
    lim_modelfile_free(f);
    return s;
}

static void
test_round_trip(void)
{
    LimBigganParams p, q = {0};
    LimStore *s = model_store_generator(&p);
    /* values at the ends of half precision: subnormal, smallest, largest, in between two */
    float *x = lim_store_data(s, 0);
    const float edges[] = {6e-8f, 1e-7f, 6.1035e-5f, 65504, -65504, 0, 1.0f / 3, 2049};
    memcpy(x, edges, sizeof edges);
    char *path = model_path("round-trip.safetensors");
    LimModelInfo info = model_info_generator(&p);
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(lim_modelfile_save(path, &info, s, false, &err), ==, LIM_OK);
    GStatBuf whole, half;
    g_assert_cmpint(g_stat(path, &whole), ==, 0);
    LimStore *back = read_store(path, s, &info, &q);
    g_assert_true(lim_store_hash(back) == lim_store_hash(s));
    g_assert_cmpmem(&p, sizeof p, &q, sizeof q);
    lim_store_free(back);

    g_assert_cmpint(lim_modelfile_save(path, &info, s, true, &err), ==, LIM_OK);
    g_assert_cmpint(g_stat(path, &half), ==, 0);
    g_assert_cmpint(half.st_size, <, whole.st_size * 6 / 10);
    back = read_store(path, s, &info, &q);
    int differ = 0;
    for (int i = 0; i < lim_store_count(s); i++)
        for (int64_t k = 0; k < lim_shape_size(lim_store_shape(s, i)); k++) {
            const double a = (double)lim_store_data(s, i)[k];
            const double b = (double)lim_store_data(back, i)[k];
            g_assert_cmpfloat(fabs(a - b), <=, fmax(fabs(a) * 0x1p-11, 0x1p-25));
            differ += a != b;
        }
    g_assert_cmpint(differ, >, 10);
    lim_store_free(back);
    lim_store_free(s);
    g_free(path);
}

/* The classifier from its file answers as the one in memory. */
static void
test_predictor(gconstpointer data)
{
    const LimExec exec = {.kernels = lim_kernels_best()};
    const LimClassifierArchitecture architecture = GPOINTER_TO_UINT(data);
    const int features = architecture == LIM_CLASSIFIER_RESIDUAL ? 16 : 12;
    LimClassifierParams p;
    LimStore *s = model_store_family(architecture, &p);
    char *path = model_path("classifier.safetensors");
    LimModelInfo info = model_info_classifier(&p);
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(lim_modelfile_save(path, &info, s, false, &err), ==, LIM_OK);
    LimPredictor *memory = lim_predictor_new(&p, s), *file = lim_predictor_load(path, &err);
    g_assert_cmpstr(err.text, ==, "");
    g_assert_cmpint(lim_predictor_classes(file), ==, 3);
    g_assert_cmpint(lim_predictor_features(file), ==, features);
    g_assert_cmpstr(lim_predictor_class_name(file, 1), ==, "Tr\303\244ger");
    g_assert_cmpstr(lim_predictor_class_name(file, 3), ==, "");
    g_assert_cmpstr(lim_predictor_class_name(file, -1), ==, "");
    g_assert_cmpstr(lim_predictor_class_name(memory, 0), ==, "");
    enum { N = 67 }; /* more than one batch */
    float *x = g_new(float, N * 32 * 32), a[N * 3], b[N * 3], fa[N * 16 + 1] = {0},
          fb[N * 16 + 1] = {0};
    for (int i = 0; i < N * 32 * 32; i++)
        x[i] = sinf((float)i * 0.37f);
    g_assert_cmpint(lim_predictor_run(memory, &exec, x, N, a, fa, &err), ==, LIM_OK);
    g_assert_cmpint(lim_predictor_run(file, &exec, x, N, b, fb, &err), ==, LIM_OK);
    g_assert_cmpmem(a, sizeof a, b, sizeof b);
    g_assert_cmpmem(fa, sizeof fa, fb, sizeof fb);
    g_assert_cmpfloat(a[0], !=, a[3]);
    g_assert_cmpfloat(fa[N * features], ==, 0); /* and nothing behind the last */
    g_assert_cmpint(memcmp(fa, fa + (N - 1) * features, (size_t)features * sizeof *fa), !=, 0);
    /* the same picture alone, and with the features or the logits only */
    for (int i = 0; i < N; i += 13) {
        float one[3], f[16] = {0};
        g_assert_cmpint(lim_predictor_run(file, &exec, x + i * 1024, 1, one, NULL, &err), ==,
                        LIM_OK);
        g_assert_cmpint(lim_predictor_run(file, &exec, x + i * 1024, 1, NULL, f, &err), ==, LIM_OK);
        for (int k = 0; k < 3; k++)
            g_assert_cmpfloat_with_epsilon(one[k], a[i * 3 + k], 1e-4f);
        for (int k = 0; k < features; k++)
            g_assert_cmpfloat_with_epsilon(f[k], fa[i * features + k], 1e-4f);
    }
    lim_predictor_free(memory);
    lim_predictor_free(file);
    lim_store_free(s);
    g_free(x);
    g_free(path);
}

/* Both readers refuse the file, the one that it is meant for in words that hold `says`. */
static void
refused(const char *path, bool generator, const char *says)
{
    LimError err = LIM_ERROR_INIT, other = LIM_ERROR_INIT;
    if (generator) {
        g_assert_null(lim_generator_load(path, &err));
        g_assert_null(lim_generator_load(path, NULL));
        g_assert_null(lim_predictor_load(path, &other));
    } else {
        g_assert_null(lim_predictor_load(path, &err));
        g_assert_null(lim_predictor_load(path, NULL));
        g_assert_null(lim_generator_load(path, &other));
    }
    model_assert_sentence(&err);
    model_assert_sentence(&other);
    if (says && !strstr(err.text, says))
        g_error("\"%s\" does not say \"%s\"", err.text, says);
}

typedef struct Subject {
    const char *name;
    LimClassifierArchitecture architecture;
    bool generator;
} Subject;
static const Subject subjects[] = {{"residual", LIM_CLASSIFIER_RESIDUAL, false},
                                   {"plain", LIM_CLASSIFIER_PLAIN, false},
                                   {"vgg", LIM_CLASSIFIER_VGG, false},
                                   {.name = "generator", .generator = true}};

static void
test_tensors(gconstpointer data)
{
    const Subject *subject = data;
    const bool generator = subject->generator;
    LimBigganParams gp;
    LimClassifierParams cp;
    LimStore *s =
        generator ? model_store_generator(&gp) : model_store_family(subject->architecture, &cp);
    const LimModelInfo info = generator ? model_info_generator(&gp) : model_info_classifier(&cp);
    char *path = model_path("faulty.safetensors");
    model_write(path, &info, s, &(ModelFault){0});
    LimError err = LIM_ERROR_INIT;
    if (generator)
        lim_generator_free(lim_generator_load(path, &err));
    else
        lim_predictor_free(lim_predictor_load(path, &err));
    g_assert_cmpstr(err.text, ==, "");
    for (int i = 0; i < lim_store_count(s); i++) {
        model_write(path, &info, s, &(ModelFault){.missing = i + 1});
        refused(path, generator, lim_store_name(s, i));
        model_write(path, &info, s, &(ModelFault){.reshaped = i + 1});
        refused(path, generator, lim_store_name(s, i));
        model_write(path, &info, s, &(ModelFault){.as_integer = i + 1});
        refused(path, generator, lim_store_name(s, i));
    }
    lim_store_free(s);
    g_free(path);
}

static void
test_description(gconstpointer data)
{
    const Subject *subject = data;
    const bool generator = subject->generator;
    LimBigganParams gp;
    LimClassifierParams cp;
    LimStore *s =
        generator ? model_store_generator(&gp) : model_store_family(subject->architecture, &cp);
    const LimModelInfo info = generator ? model_info_generator(&gp) : model_info_classifier(&cp);
    char *path = model_path("described.safetensors");
    const struct {
        const char *key, *value, *says;
    } bad[] = {
        {"limen.model", NULL, "which model"},
        {"limen.model", "vase", "vase"},
        {"limen.model", "", NULL},
        {"limen.params", NULL, "architecture"},
        {"limen.params", "not json", "architecture"},
        {"limen.params", "[1]", "architecture"},
        {"limen.params", "{\"classes\": 3, \"colour\": 1}", "colour"},
        {"limen.params", "{\"classes\": 0}", "classes"},
        {"limen.params", "{\"classes\": 1e99}", "classes"},
        {"limen.params", "{\"classes\": 3, \"channels\": 2.5}", "channels"},
        {"limen.params", "{\"classes\": 3, \"channels\": 3}", NULL},
        {"limen.classes", NULL, "class names"},
        {"limen.classes", "[]", "class names"},
        {"limen.classes", "{}", "class names"},
        {"limen.classes", "[\"a\"", "class names"},
        {"limen.classes", "[\"a\", \"b\"]", "2 class names"},
        {"limen.classes", "[\"a\", \"b\", \"c\", \"d\"]", "4 class names"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        model_write(path, &info, s, &(ModelFault){.key = bad[i].key, .value = bad[i].value});
        refused(path, generator, bad[i].says);
    }
    if (generator) {
        const char *latent = "{\"channels\":1,\"classes\":3,\"g-ch\":2,\"latent\":81,\"shared\":4}";
        model_write(path, &info, s, &(ModelFault){.key = "limen.params", .value = latent});
        refused(path, true, "latent");
    }
    /* names that do not fit are cut between characters; what is no text gets a name all the same */
    model_write(path, &info, s,
                &(ModelFault){.key = "limen.classes",
                              .value = "[\"\303\244\303\244\303\244\303\244\303\244\303\244\303\244"
                                       "\303\244\303\244\303\244\303\244\303\244\303\244\303\244"
                                       "\303\244\303\244\303\244\303\244\", 7, \"two\\nlines\"]"});
    LimError err = LIM_ERROR_INIT;
    LimModelFile *f = lim_modelfile_open(path, &err);
    g_assert_cmpstr(err.text, ==, "");
    for (int i = 0; i < 3; i++) {
        g_assert_true(g_utf8_validate(f->class_names[i], -1, NULL));
        g_assert_cmpstr(f->class_names[i], !=, "");
        g_assert_null(strchr(f->class_names[i], '\n'));
    }
    lim_modelfile_free(f);
    lim_store_free(s);
    g_free(path);
}

static void
test_no_model(void)
{
    char *path = model_path("none.safetensors");
    g_remove(path);
    refused(path, true, path); /* no such file */
    refused(path, false, path);
    g_assert_true(g_file_set_contents(path, "", 0, NULL));
    refused(path, true, NULL);
    g_assert_true(g_file_set_contents(path, "PK\003\004 something else", -1, NULL));
    refused(path, true, NULL);
    char *dir = g_path_get_dirname(path);
    refused(dir, true, dir);
    refused(dir, false, dir);
    g_free(dir);
    g_free(path);
}

/* Cut at every 64 bytes, and every byte of the first kilobyte. */
static void
test_truncated(gconstpointer data)
{
    const Subject *subject = data;
    const bool generator = subject->generator;
    LimBigganParams gp;
    LimClassifierParams cp;
    LimStore *s =
        generator ? model_store_generator(&gp) : model_store_family(subject->architecture, &cp);
    const LimModelInfo info = generator ? model_info_generator(&gp) : model_info_classifier(&cp);
    char *path = model_path("truncated.safetensors"), *bytes;
    gsize size;
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(lim_modelfile_save(path, &info, s, true, &err), ==, LIM_OK);
    g_assert_true(g_file_get_contents(path, &bytes, &size, NULL));
    for (gsize cut = 0; cut < size; cut += cut < 1024 ? 1 : 64) {
        uint8_t *exact =
            malloc(cut ? cut : 1); /* so that a sanitizer sees what is read behind it */
        memcpy(exact, bytes, cut);
        LimError bad = LIM_ERROR_INIT;
        g_assert_null(lim_modelfile_parse(exact, cut, "model", &bad));
        model_assert_sentence(&bad);
        free(exact);
        if (cut % 4096 == 0) {
            FILE *f = fopen(path, "wb");
            g_assert_cmpuint(fwrite(bytes, 1, cut, f), ==, cut);
            fclose(f);
            refused(path, generator, NULL);
        }
    }
    LimModelFile *f = lim_modelfile_parse((const uint8_t *)bytes, size, "model", &err);
    g_assert_cmpstr(err.text, ==, "");
    lim_modelfile_free(f);
    lim_store_free(s);
    g_free(bytes);
    g_free(path);
}

static void
test_unwritable(void)
{
    LimClassifierParams p;
    LimStore *s = model_store_classifier(&p);
    LimModelInfo info = model_info_classifier(&p);
    char *path = model_path("no/such/folder.safetensors");
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(lim_modelfile_save(path, &info, s, true, &err), ==, LIM_E_IO);
    model_assert_sentence(&err);
    g_assert_nonnull(strstr(err.text, path));
    lim_store_free(s);
    g_free(path);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/modelfile/round-trip", test_round_trip);
    for (unsigned i = LIM_CLASSIFIER_RESIDUAL; i <= LIM_CLASSIFIER_VGG; i++) {
        char *path = g_strdup_printf("/modelfile/predictor/%s", subjects[i].name);
        g_test_add_data_func(path, GUINT_TO_POINTER(i), test_predictor);
        g_free(path);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(subjects); i++) {
        const struct {
            const char *name;
            void (*run)(gconstpointer data);
        } tests[] = {{"tensors", test_tensors},
                     {"description", test_description},
                     {"truncated", test_truncated}};
        for (size_t k = 0; k < G_N_ELEMENTS(tests); k++) {
            char *path = g_strdup_printf("/modelfile/%s/%s", tests[k].name, subjects[i].name);
            g_test_add_data_func(path, &subjects[i], tests[k].run);
            g_free(path);
        }
    }
    g_test_add_func("/modelfile/no-model", test_no_model);
    g_test_add_func("/modelfile/unwritable", test_unwritable);
    const int failed = g_test_run();
    model_clear();
    return failed;
}
