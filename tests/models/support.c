/* See support.h. */
#include "support.h"
#include "base/rng.h"

#include <glib/gstdio.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Takes the graph; what matters is that building it made the entries. Running means begin at
 * `mean`. */
static void
vary(LimGraph *g, LimStore *s, float mean)
{
    LimError err = LIM_ERROR_INIT;
    lim_graph_status(g, &err);
    g_assert_cmpstr(err.text, ==, "");
    lim_graph_free(g);
    for (int i = 0; i < lim_store_count(s); i++) {
        float *x = lim_store_data(s, i);
        const size_t n = (size_t)lim_shape_size(lim_store_shape(s, i));
        if (lim_store_trained(s, i))
            for (size_t k = 0; k < n; k++)
                x[k] += 0.05f * ((float)((k * 7 + (size_t)i) % 5) - 1.5f);
        else if (strstr(lim_store_name(s, i), "running"))
            for (size_t k = 0; k < n; k++)
                x[k] = (strstr(lim_store_name(s, i), "mean") ? mean : 0.5f) +
                       0.1f * (float)((k * 3 + (size_t)i) % 7);
    }
}

LimStore *
model_store_generator(LimBigganParams *p)
{
    memset(p, 0, sizeof *p);
    lim_params_init(lim_biggan_schema, p);
    p->channels = 1;
    p->classes = 3;
    p->g_ch = p->d_ch = 2;
    p->latent = 80;
    p->shared = 4;
    LimStore *s = lim_store_new(7);
    LimGraph *g = lim_graph_new();
    LimBuild b;
    lim_build_init(&b, g, s, LIM_MODE_EVAL);
    lim_biggan_generator(&b, p, lim_graph_feed(g, "z", LIM_F32, LIM_SHAPE2(1, p->latent)),
                         lim_graph_feed(g, "label", LIM_I32, LIM_SHAPE1(1)), NULL);
    vary(g, s, 0.5f);
    return s;
}

LimStore *
model_store_classifier(LimClassifierParams *p)
{
    return model_store_family(LIM_CLASSIFIER_RESIDUAL, p);
}

LimStore *
model_store_family(LimClassifierArchitecture architecture, LimClassifierParams *p)
{
    memset(p, 0, sizeof *p);
    lim_params_init(lim_classifier_schema, p);
    p->channels = 1;
    p->classes = 3;
    p->width = 4;
    p->hidden = 12;
    p->architecture = (int)architecture;
    LimStore *s = lim_store_new(7);
    LimGraph *g = lim_graph_new();
    LimBuild b;
    lim_build_init(&b, g, s, LIM_MODE_EVAL);
    lim_classifier(&b, p, lim_graph_feed(g, "x", LIM_F32, LIM_SHAPE4(1, 1, 32, 32)), NULL);
    vary(g, s, -0.3f); /* 0.5 would leave nothing behind the ReLUs of vgg */
    return s;
}

static const char *const names[] = {"T-shirt/top", "Tr\303\244ger", "\"quoted\""};

LimModelInfo
model_info_generator(const LimBigganParams *p)
{
    return (LimModelInfo){.model = "biggan-generator",
                          .schema = lim_biggan_schema,
                          .params = p,
                          .classes = p->classes,
                          .class_names = names,
                          .training = "{\"seed\": 1}"};
}

LimModelInfo
model_info_classifier(const LimClassifierParams *p)
{
    return (LimModelInfo){.model = "classifier",
                          .schema = lim_classifier_schema,
                          .params = p,
                          .classes = p->classes,
                          .class_names = names};
}

static void
metadata(LimStWriter *w, const char *key, const char *value, const ModelFault *fault)
{
    if (fault->key && strcmp(fault->key, key) == 0)
        value = fault->value;
    if (value)
        lim_st_writer_metadata(w, key, value);
}

void
model_write(const char *path, const LimModelInfo *info, LimStore *store, const ModelFault *fault)
{
    LimStWriter *w = lim_st_writer_new();
    json_t *params = lim_params_to_json(info->schema, info->params);
    char *text = json_dumps(params, JSON_COMPACT);
    metadata(w, "limen.model", info->model, fault);
    metadata(w, "limen.params", text, fault);
    metadata(w, "limen.classes", "[\"a\", \"b\", \"c\"]", fault);
    free(text);
    json_decref(params);
    float *larger[1] = {NULL};
    for (int i = 0; i < lim_store_count(store); i++) {
        LimShape s = lim_store_shape(store, i);
        const void *data = lim_store_data(store, i);
        if (fault->missing == i + 1)
            continue;
        if (fault->reshaped == i + 1) {
            s.d[0]++;
            data = larger[0] = g_new0(float, lim_shape_size(s));
        }
        lim_st_writer_add(w, lim_store_name(store, i),
                          fault->as_integer == i + 1 ? LIM_I32 : LIM_F32, s, data, false);
    }
    LimError err = LIM_ERROR_INIT;
    lim_st_writer_finish(w, path, &err);
    g_assert_cmpstr(err.text, ==, "");
    g_free(larger[0]);
}

static char *folder;

char *
model_path(const char *name)
{
    if (!folder) /* in memory, where the system has that */
        folder = g_mkdtemp(g_strdup("/dev/shm/limen-models-XXXXXX"));
    if (!folder)
        folder = g_dir_make_tmp("limen-models-XXXXXX", NULL);
    g_assert_nonnull(folder);
    return g_build_filename(folder, name, NULL);
}

void
model_clear(void)
{
    if (!folder)
        return;
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(dir))) {
        char *path = g_build_filename(folder, name, NULL);
        g_assert_cmpint(g_remove(path), ==, 0);
        g_free(path);
    }
    g_dir_close(dir);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
    g_clear_pointer(&folder, g_free);
}

void
model_assert_sentence(const LimError *err)
{
    g_assert_cmpint(err->code, !=, LIM_OK);
    g_assert_cmpuint(strlen(err->text), >, 10);
    g_assert_cmpuint(strlen(err->text), <, sizeof err->text - 1);
    g_assert_null(strchr(err->text, '\n'));
    g_assert_true(g_utf8_validate(err->text, -1, NULL));
}
