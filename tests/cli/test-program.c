/* The real limen-cli, run as anybody would: exit codes, what it says, that --json is JSON. */
#include <glib.h>
#include <jansson.h>
#include <string.h>
#include <sys/wait.h>

static char *out, *err; /* of the last run */

/* Runs limen-cli with these words (separated by spaces) and returns its exit code. */
static int
run(const char *line)
{
    GError *error = NULL;
    int status;
    char *command = g_strconcat(g_getenv("LIMEN_CLI"), " ", line, NULL);
    char **words = g_strsplit(command, " ", -1);
    g_clear_pointer(&out, g_free);
    g_clear_pointer(&err, g_free);
    if (!*line)
        g_clear_pointer(&words[1], g_free);
    g_spawn_sync(NULL, words, NULL, 0, NULL, NULL, &out, &err, &status, &error);
    g_assert_no_error(error);
    g_assert_true(WIFEXITED(status));
    g_strfreev(words);
    g_free(command);
    return WEXITSTATUS(status);
}

/* It must fail with this code, say one sentence that contains `text`, and print nothing. */
static void
fails(const char *line, int code, const char *text)
{
    g_assert_cmpint(run(line), ==, code);
    g_assert_cmpstr(out, ==, "");
    if (!strstr(err, text))
        g_error("'%s' says: %s", line, err);
    if (!strchr(text, '\n'))
        g_assert_true(strchr(err, '\n') == err + strlen(err) - 1);
}

static json_t *
run_json(const char *line)
{
    json_error_t error;
    g_assert_cmpint(run(line), ==, 0);
    g_assert_cmpstr(err, ==, "");
    json_t *result = json_loads(out, 0, &error);
    if (!result)
        g_error("'%s' is not JSON: %s", line, error.text);
    g_assert_true(json_is_object(result));
    return result;
}

static void
test_usage(void)
{
    g_assert_cmpint(run(""), ==, 2);
    g_assert_cmpstr(out, ==, "");
    g_assert_true(g_str_has_prefix(err, "usage: limen-cli"));
    g_assert_cmpint(run("--help"), ==, 0);
    g_assert_true(g_str_has_prefix(out, "usage: limen-cli"));
    g_assert_cmpint(run("--version"), ==, 0);
    g_assert_true(g_str_has_prefix(out, "limen-cli "));
    g_assert_cmpint(run("info --help"), ==, 0);
    g_assert_nonnull(strstr(out, "--threads N"));
    g_assert_cmpstr(err, ==, "");
    fails("inof", 2, "did you mean info?");
    fails("cook", 2, "no command cook");
    fails("info --jsno", 2, "did you mean --json?");
    fails("info --threads 1000", 2, "--threads: 1000 is outside 0 to 256");
    fails("info --threads", 2, "needs a value");
    fails("info a b", 2, "b is one word too many");
}

static void
test_info(void)
{
    json_t *result = run_json("info --json --threads 2");
    g_assert_cmpint(json_integer_value(json_object_get(result, "threads")), ==, 2);
    g_assert_cmpuint(json_array_size(json_object_get(result, "kernels_available")), >=, 1);
    json_decref(result);
    g_assert_cmpint(run("info"), ==, 0);
    g_assert_nonnull(strstr(out, "threads"));

    /* no data there is something to report, not a failure */
    result = run_json("info --json --data /nonexistent");
    g_assert_nonnull(
        strstr(json_string_value(json_object_get(json_object_get(result, "data"), "train")),
               "/nonexistent"));
    json_decref(result);
}

static void
test_info_file(void)
{
    char *line = g_strdup_printf("info --json %s/tests/golden/conv2d_3x3.safetensors",
                                 g_getenv("LIMEN_SOURCE"));
    json_t *result = run_json(line);
    json_t *tensors = json_object_get(result, "tensors");
    g_assert_cmpuint(json_array_size(tensors), ==, 8);
    json_t *x = json_array_get(tensors, 0);
    g_assert_cmpstr(json_string_value(json_object_get(x, "name")), ==, "x");
    g_assert_cmpstr(json_string_value(json_object_get(x, "type")), ==, "F32");
    g_assert_cmpstr(json_string_value(json_object_get(x, "shape")), ==, "2x3x5x7");
    json_t *metadata = json_object_get(result, "metadata");
    g_assert_cmpstr(json_string_value(json_object_get(metadata, "case")), ==, "conv2d_3x3");
    json_decref(result);
    g_free(line);

    fails("info /nonexistent", 1, "/nonexistent");
    fails("info /", 1, "/");
    line = g_strdup_printf("info %s/meson.build", g_getenv("LIMEN_SOURCE"));
    fails(line, 1, "meson.build");
    g_free(line);
}

static void
test_bench_ops(void)
{
    fails("bench", 2, "bench is one of:\n  bench ops");
    json_t *result = run_json("bench ops --json --op upsample2 --seconds 0 --threads 1");
    json_t *rows = json_object_get(result, "ops");
    g_assert_cmpuint(json_array_size(rows), >=, 1);
    g_assert_cmpfloat(json_number_value(json_object_get(json_array_get(rows, 0), "ms")), >, 0);
    json_decref(result);
    fails("bench ops --op nonsense", 2, "nonsense");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_nonnull(g_getenv("LIMEN_CLI"));
    g_test_add_func("/cli/usage", test_usage);
    g_test_add_func("/cli/info", test_info);
    g_test_add_func("/cli/info/file", test_info_file);
    g_test_add_func("/cli/bench/ops", test_bench_ops);
    return g_test_run();
}
