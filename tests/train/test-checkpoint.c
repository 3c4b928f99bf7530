/* Settings in checkpoints: the same settings in another order are the same; a setting that an older
 * program did not know counts as its default; every other difference is refused by its name. */
#include "toy.h"
#include "train/checkpoint.h"

#include <stddef.h>
#include <string.h>

typedef struct Made {
    int steps;
    double rate;
} Made;
typedef struct Net {
    int width;
    bool wide;
} Net;

static const LimParamSpec made_schema[] = {
    {.name = "steps",
     .kind = LIM_INT,
     .offset = offsetof(Made, steps),
     .min = 1,
     .max = 100,
     .def = 3},
    {.name = "rate", .kind = LIM_REAL, .offset = offsetof(Made, rate), .max = 1, .def = 0.25},
    {0}};
static const LimParamSpec net_schema[] = {
    {.name = "width", .kind = LIM_INT, .offset = offsetof(Net, width), .max = 100, .def = 8},
    {.name = "wide", .kind = LIM_BOOL, .offset = offsetof(Net, wide), .max = 1, .def = 1},
    {0}};

static LimCheckpoint
identity(const Made *m, const Net *n)
{
    return (LimCheckpoint){.kind = "toy",
                           .training = "a toy training",
                           .schema = made_schema,
                           .params = m,
                           .model_schema = net_schema,
                           .model = n};
}

/* Opens a file with these metadata as a training with that steps, rate, width, wide would. */
static LimStatus
open_as(const char *kind, const char *settings, Made m, Net n, LimError *err)
{
    char *path = toy_path("toy.checkpoint");
    LimStWriter *w = lim_st_writer_new();
    if (kind)
        lim_st_writer_metadata(w, "limen.checkpoint", kind);
    if (settings)
        lim_st_writer_metadata(w, "limen.settings", settings);
    const LimCheckpoint c = identity(&m, &n);
    *err = (LimError)LIM_ERROR_INIT;
    g_assert_cmpint(lim_st_writer_finish(w, path, err), ==, LIM_OK);
    LimStFile *f = lim_checkpoint_open(&c, path, err);
    g_assert_true((f != NULL) == (err->code == LIM_OK));
    lim_st_free(f);
    g_free(path);
    if (err->code != LIM_OK)
        toy_assert_sentence(err);
    return err->code;
}

#define ALL "{\"steps\":5,\"rate\":0.5,\"model\":{\"width\":4,\"wide\":false}}"
static const Made made = {5, 0.5};
static const Net net = {4, false};

static void
test_same(void)
{
    LimError err;
    g_assert_cmpint(open_as("toy", ALL, made, net, &err), ==, LIM_OK);
    g_assert_cmpint(open_as("toy",
                            "{\"model\": {\"wide\": false, \"width\": 4}, \"rate\": 0.5, "
                            "\"steps\": 5}",
                            made, net, &err),
                    ==, LIM_OK);
}

static void
test_older(void)
{
    const char *older = "{\"steps\":5,\"model\":{\"width\":4}}";
    LimError err;
    g_assert_cmpint(open_as("toy", older, (Made){5, 0.25}, (Net){4, true}, &err), ==, LIM_OK);
    g_assert_cmpint(open_as("toy", older, (Made){5, 0.5}, (Net){4, true}, &err), ==, LIM_E_PARAM);
    g_assert_nonnull(strstr(err.text, "rate was 0.25 and is now 0.5"));
    g_assert_cmpint(open_as("toy", older, (Made){5, 0.25}, net, &err), ==, LIM_E_PARAM);
    g_assert_nonnull(strstr(err.text, "wide was true and is now false"));
}

static void
test_other(void)
{
    LimError err;
    g_assert_cmpint(open_as("toy", ALL, (Made){6, 0.5}, net, &err), ==, LIM_E_PARAM);
    g_assert_nonnull(strstr(err.text, "steps was 5 and is now 6"));
    g_assert_cmpint(open_as("toy", ALL, made, (Net){5, false}, &err), ==, LIM_E_PARAM);
    g_assert_nonnull(strstr(err.text, "width was 4 and is now 5"));
    /* from a newer program */
    g_assert_cmpint(open_as("toy",
                            "{\"steps\":5,\"rate\":0.5,\"more\":1,\"model\":{\"width\":4,"
                            "\"wide\":false}}",
                            made, net, &err),
                    ==, LIM_E_PARAM);
    const char *broken[] = {NULL, "", "5", "[]", "{\"steps\":", "null"};
    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++)
        g_assert_cmpint(open_as("toy", broken[i], made, net, &err), ==, LIM_E_FORMAT);
    const char *odd[] = {"{\"steps\":5,\"rate\":0.5,\"model\":5}", "{\"steps\":\"5\"}",
                         "{\"steps\":{\"steps\":5}}", "{}"};
    for (size_t i = 0; i < G_N_ELEMENTS(odd); i++)
        g_assert_cmpint(open_as("toy", odd[i], made, net, &err), ==, LIM_E_PARAM);
    g_assert_cmpint(open_as("gan", ALL, made, net, &err), ==, LIM_E_FORMAT);
    g_assert_nonnull(strstr(err.text, "a toy training"));
    g_assert_cmpint(open_as(NULL, ALL, made, net, &err), ==, LIM_E_FORMAT);
}

static void
test_numbers(void)
{
    char *path = toy_path("numbers.checkpoint");
    const LimCheckpoint c = identity(&made, &net);
    LimStWriter *w = lim_checkpoint_writer(&c);
    const int32_t at[2] = {7, 8};
    int32_t two[2] = {0}, three[3];
    double real[2];
    lim_st_writer_add(w, "position", LIM_I32, LIM_SHAPE1(2), at, false);
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(lim_st_writer_finish(w, path, &err), ==, LIM_OK);
    LimStFile *f = lim_checkpoint_open(&c, path, &err);
    g_assert_cmpstr(err.text, ==, "");
    g_assert_cmpint(lim_checkpoint_numbers(f, path, "position", LIM_I32, 2, two, &err), ==, LIM_OK);
    g_assert_cmpmem(two, sizeof two, at, sizeof at);
    g_assert_cmpint(lim_checkpoint_numbers(f, path, "position", LIM_I32, 3, three, NULL), ==,
                    LIM_E_FORMAT);
    g_assert_cmpint(lim_checkpoint_numbers(f, path, "position", LIM_F64, 2, real, NULL), ==,
                    LIM_E_FORMAT);
    g_assert_cmpint(lim_checkpoint_numbers(f, path, "place", LIM_I32, 2, two, NULL), ==,
                    LIM_E_FORMAT);
    lim_st_free(f);
    g_free(path);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/checkpoint/same", test_same);
    g_test_add_func("/checkpoint/older", test_older);
    g_test_add_func("/checkpoint/other", test_other);
    g_test_add_func("/checkpoint/numbers", test_numbers);
    const int failed = g_test_run();
    toy_clear();
    return failed;
}
