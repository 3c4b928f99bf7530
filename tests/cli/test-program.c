/* The real limen-cli, run as anybody would: exit codes, what it says, that --json is JSON. */
#include <glib.h>
#include <glib/gstdio.h>
#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static char *out, *err; /* of the last run */
static char *folder;    /* where the program runs; removed at the end */

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
    g_spawn_sync(folder, words, NULL, 0, NULL, NULL, &out, &err, &status, &error);
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
    const int got = run(line);
    if (got != code)
        g_error("%s ends with %d and says: %s", line, got, err);
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
    if (run(line) != 0)
        g_error("'%s' says: %s", line, err);
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
    fails("bench", 2, "bench is one of:\n");
    json_t *result = run_json("bench ops --json --op upsample2 --seconds 0 --threads 1");
    json_t *rows = json_object_get(result, "ops");
    g_assert_cmpuint(json_array_size(rows), >=, 1);
    g_assert_cmpfloat(json_number_value(json_object_get(json_array_get(rows, 0), "ms")), >, 0);
    json_decref(result);
    fails("bench ops --op nonsense", 2, "nonsense");
}

static char *
file(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

static bool
exists(const char *name)
{
    g_autofree char *path = file(name);
    return g_file_test(path, G_FILE_TEST_IS_REGULAR);
}

static void
assert_same(const char *a, const char *b)
{
    g_autofree char *path_a = file(a), *path_b = file(b), *bytes_a = NULL, *bytes_b = NULL;
    gsize size_a, size_b;
    g_assert_true(g_file_get_contents(path_a, &bytes_a, &size_a, NULL));
    g_assert_true(g_file_get_contents(path_b, &bytes_b, &size_b, NULL));
    g_assert_cmpmem(bytes_a, size_a, bytes_b, size_b);
}

static double
number(const json_t *j, const char *key)
{
    g_assert_true(json_is_number(json_object_get(j, key)));
    return json_number_value(json_object_get(j, key));
}

/* An IDX file: images [n][8][8] or labels [n], some pattern of the class. */
static void
write_idx(const char *name, int n, bool images)
{
    g_autofree char *path = file(name);
    GByteArray *b = g_byte_array_new();
    const guint8 head[16] = {
        0, 0, 8, images ? 3 : 1, 0, 0, (guint8)(n >> 8), (guint8)n, 0, 0, 0, 8, 0, 0, 0, 8};
    g_byte_array_append(b, head, images ? 16 : 8);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < (images ? 64 : 1); k++) {
            const int label = i % 10;
            const guint8 byte =
                (guint8)(images ? (k % 11 == label ? 255 : (i * 7 + k) % 60) : label);
            g_byte_array_append(b, &byte, 1);
        }
    g_assert_true(g_file_set_contents(path, (char *)b->data, (gssize)b->len, NULL));
    g_byte_array_unref(b);
}

#define SMALL " --batch 4 --g-ch 2 --d-ch 2 --latent 8 --shared 4 --log-every 1 --data . --json"

static void
test_gan(void)
{
    json_t *result = run_json("train gan --iterations 4 --out whole.safetensors --log log.jsonl "
                              "--threads 2" SMALL);
    g_assert_cmpfloat(number(result, "iterations"), ==, 4);
    g_assert_cmpfloat(number(result, "resumed_from"), ==, 0);
    json_decref(result);
    g_autofree char *path = file("log.jsonl"), *log = NULL;
    g_assert_true(g_file_get_contents(path, &log, NULL, NULL));
    char **lines = g_strsplit(g_strchomp(log), "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 4);
    for (int i = 0; lines[i]; i++) {
        json_t *line = json_loads(lines[i], 0, NULL);
        g_assert_cmpfloat(number(line, "iteration"), ==, i + 1);
        json_decref(line);
    }
    g_strfreev(lines);

    /* in two parts, with another number of threads: the same training */
    result = run_json("train gan --iterations 2 --out half.safetensors --threads 1" SMALL);
    json_decref(result);
    result = run_json("train gan --iterations 4 --out half.safetensors --threads 1" SMALL);
    g_assert_cmpfloat(number(result, "resumed_from"), ==, 2);
    json_decref(result);
    assert_same("whole.safetensors", "half.safetensors");
    assert_same("whole.safetensors.checkpoint", "half.safetensors.checkpoint");

    /* the file says how it was made */
    result = run_json("info whole.safetensors --json");
    json_t *made = json_object_get(json_object_get(result, "metadata"), "limen.training");
    g_assert_cmpstr(json_string_value(json_object_get(made, "command")), ==,
                    "limen-cli train gan --iterations 4 --batch 4 --log-every 1 --g-ch 2 --d-ch 2 "
                    "--latent 8 --shared 4");
    json_decref(result);

    fails("train gan --iterations 4 --out half.safetensors --seed 2" SMALL, 2, "other settings");
    fails("train gan --channels 3 --out x" SMALL, 2, "--channels");
    fails("train gan --out no/such/folder/x" SMALL " --iterations 1", 1, "no/such/folder");
    fails("train gan --data /nonexistent", 1, "/nonexistent");
    fails("train gan --log no/such/folder/x", 1, "no/such/folder/x");
    fails("train gan operand", 2, "one word too many");
}

static void
test_sample(void)
{
    json_t *result = run_json("sample whole.safetensors --samples 6 --seed 3 --columns 2 --scale 2 "
                              "--out a.png --npy a.npy --json");
    g_assert_cmpstr(json_string_value(json_object_get(result, "picture")), ==, "a.png");
    json_decref(result);
    result = run_json("info a.png --json");
    g_assert_cmpfloat(number(result, "width"), ==, 2 * 64 + 4);
    g_assert_cmpfloat(number(result, "height"), ==, 3 * 64 + 2 * 4);
    json_t *settings =
        json_object_get(json_object_get(json_object_get(result, "texts"), "limen"), "settings");
    g_assert_cmpfloat(number(settings, "seed"), ==, 3);
    g_assert_cmpfloat(number(settings, "samples"), ==, 6);
    json_decref(result);
    result = run_json("info a.npy --json");
    g_assert_cmpstr(json_string_value(json_object_get(result, "shape")), ==, "6x1x32x32");
    json_decref(result);

    /* same seed, same bytes, whatever the threads; another seed, others */
    json_decref(run_json("sample whole.safetensors --samples 6 --seed 3 --columns 2 --scale 2 "
                         "--out b.png --threads 1 --json"));
    assert_same("a.png", "b.png");
    json_decref(
        run_json("sample whole.safetensors --samples 6 --seed 4 --out= --npy c.npy --json"));
    g_autofree char *a = file("a.npy"), *c = file("c.npy"), *bytes_a = NULL, *bytes_c = NULL;
    gsize size;
    g_assert_true(g_file_get_contents(a, &bytes_a, &size, NULL));
    g_assert_true(g_file_get_contents(c, &bytes_c, &size, NULL));
    g_assert_cmpint(memcmp(bytes_a, bytes_c, size), !=, 0);

    fails("sample", 2, "MODEL is missing");
    fails("sample none.safetensors", 1, "none.safetensors");
    fails("sample whole.safetensors --class 10 --out x.png", 2, "class 10");
    fails("sample whole.safetensors --treshold 1", 2, "did you mean --threshold?");
    fails("sample whole.safetensors --threshold 9", 2, "--threshold: 9 is outside 0.02 to 2.5");
    fails("sample whole.safetensors --out=", 2, "nothing to write");
    fails("sample a.png", 1, "a.png");
    g_assert_false(exists("x.png"));
}

/* The settings inside a picture, and how large it is. */
static json_t *
picture_settings(const char *name, int *w, int *h)
{
    g_autofree char *line = g_strdup_printf("info %s --json", name);
    json_t *info = run_json(line);
    json_t *limen = json_incref(json_object_get(json_object_get(info, "texts"), "limen"));
    *w = (int)number(info, "width");
    *h = (int)number(info, "height");
    json_decref(info);
    return limen;
}

/* The command that a result names does the same again. */
static void
again(json_t *result, const char *name)
{
    const char *command = json_string_value(json_object_get(result, "command"));
    g_assert_true(g_str_has_prefix(command, "limen-cli "));
    g_autofree char *copy = g_strconcat(name, ".copy", NULL);
    g_autofree char *old = file(name), *kept = file(copy);
    g_assert_cmpint(g_rename(old, kept), ==, 0);
    g_assert_cmpint(run(command + strlen("limen-cli ")), ==, 0);
    assert_same(name, copy);
    json_decref(result);
}

static void
test_sheets(void)
{
    int w, h;
    again(run_json("sample whole.safetensors --samples 3 --class 2 --blend-class 4 --blend 0.5 "
                   "--walk-x 2 --threshold-3 0.1 --mix-slots 2 --json --out s.png"),
          "s.png");

    again(run_json("interpolate whole.safetensors --class 1 --steps 3 --rows 2 --to-settings "
                   "class=8,seed=4 --path spherical --scale 2 --json --out i.png --threads 1"),
          "i.png");
    json_t *limen = picture_settings("i.png", &w, &h);
    g_assert_cmpint(w, >, 3 * 64);
    g_assert_cmpint(h, >, 2 * 64);
    g_assert_cmpfloat(number(json_object_get(limen, "settings"), "class"), ==, 1);
    g_assert_cmpfloat(number(json_object_get(limen, "to"), "class"), ==, 8);
    g_assert_cmpfloat(number(json_object_get(limen, "to"), "seed"), ==, 4);
    g_assert_cmpfloat(number(json_object_get(limen, "interpolation"), "steps"), ==, 3);
    json_decref(limen);
    fails("interpolate whole.safetensors --steps 1", 2, "--steps: 1 is outside 2 to 64");
    fails("interpolate whole.safetensors --to-settings class=10", 2, "class 10");
    fails("interpolate whole.safetensors --to-settings clas=1", 2, "no setting clas");
    fails("interpolate whole.safetensors --to-settings class", 2, "not name=value");
    fails("interpolate whole.safetensors --to-settings threshold=9", 2, "9 is outside 0.02 to 2.5");
    fails("interpolate whole.safetensors --samples 4", 2, "leave --samples out");
    fails("interpolate whole.safetensors --out=", 2, "nothing to write");
    fails("interpolate none.safetensors", 1, "none.safetensors");

    again(run_json("attention whole.safetensors --json --out a.png --scale 2"), "a.png");
    again(run_json("attention whole.safetensors --json --out a.png --scale 2 --samples 16"),
          "a.png");
    json_t *result = run_json("attention whole.safetensors --json --out b.png --at 1,2,30,31 "
                              "--sense both --samples 2 --opacity 1 --scale 2");
    g_assert_cmpfloat(number(result, "query_size"), ==, 16);
    g_assert_cmpfloat(number(result, "key_size"), ==, 8);
    g_assert_true(json_is_number(json_object_get(result, "gamma")));
    json_decref(result);
    limen = picture_settings("b.png", &w, &h);
    g_assert_cmpint(w, >, 3 * 64);
    g_assert_cmpint(h, >, 4 * 64);
    g_assert_cmpfloat(number(json_object_get(limen, "settings"), "samples"), ==, 2);
    g_assert_cmpstr(json_string_value(json_object_get(json_object_get(limen, "attention"), "at")),
                    ==, "1,2,30,31");
    json_decref(limen);
    result = run_json("info b.png --json");
    g_assert_nonnull(
        strstr(json_string_value(json_object_get(json_object_get(result, "texts"), "Description")),
               "gamma"));
    json_decref(result);
    fails("attention whole.safetensors --at 1,2,3", 2, "no y");
    fails("attention whole.safetensors --at 1,32", 2, "32 is outside 0 to 31");
    fails("attention whole.safetensors --at 1;2", 2, "no list of places");
    fails("attention whole.safetensors --sense left", 2, "--sense");
    fails("attention whole.safetensors --opacity 2", 2, "--opacity: 2 is outside 0 to 1");
    fails("attention none.safetensors", 1, "none.safetensors");

    again(run_json("sweep whole.safetensors --row-values 1,2 --columns walk-x --column-values "
                   "-2..2:2 --scale 2 --json --out x.png"),
          "x.png");
    limen = picture_settings("x.png", &w, &h);
    g_assert_cmpint(w, >, 3 * 64);
    g_assert_cmpstr(json_string_value(json_object_get(json_object_get(limen, "sweep"), "columns")),
                    ==, "walk-x");
    json_decref(limen);
    fails("sweep whole.safetensors --rows threshold", 2, "rows and columns");
    fails("sweep whole.safetensors --column-values 9", 2, "outside");
    fails("sweep whole.safetensors --rows class --row-values 12", 2, "class 12");
    fails("sweep whole.safetensors --rows blend", 2, "without a second class");
}

static void
test_classifier(void)
{
    json_t *result = run_json("train classifier --epochs 1 --batch 10 --width 4 --data . --json "
                              "--out c.safetensors");
    g_assert_cmpfloat(number(result, "steps"), ==, 4);
    const double accuracy = number(result, "test_accuracy");
    json_decref(result);
    result = run_json("evaluate classifier c.safetensors --data . --json");
    g_assert_cmpfloat(number(result, "pictures"), ==, 30);
    g_assert_cmpfloat_with_epsilon(number(result, "accuracy"), accuracy, 0.04); /* float16 file */
    g_assert_cmpfloat(number(result, "mistakes"), ==,
                      30 - (int)(30 * number(result, "accuracy") + 0.5));
    json_t *classes = json_object_get(result, "classes");
    g_assert_cmpuint(json_array_size(classes), ==, 10);
    double right = 0;
    for (size_t i = 0; i < 10; i++) {
        g_assert_cmpfloat(number(json_array_get(classes, i), "pictures"), ==, 3);
        right += 3 * number(json_array_get(classes, i), "recall");
    }
    g_assert_cmpfloat_with_epsilon(right, 30 * number(result, "accuracy"), 1e-6);
    json_decref(result);
    fails("evaluate classifier whole.safetensors --data .", 1, "a classifier is needed");
    fails("evaluate clasifier c.safetensors", 2, "evaluate is one of:\n");
}

/* With the classifier of the test before; 40 pictures. */
static void
test_denoiser(void)
{
    static const char command[] = "train denoiser --loss lgd --classifier c.safetensors --epochs 1 "
                                  "--batch 10 --width 2 --data . --json --out d.safetensors";
    json_t *result = run_json(command);
    g_assert_cmpfloat(number(result, "steps"), ==, 4);
    g_assert_cmpfloat(number(result, "test_pictures"), ==, 30);
    g_assert_cmpfloat(number(result, "distance"), >, 0);
    g_assert_cmpfloat(number(result, "accuracy_adversarial"), <=, number(result, "accuracy_clean"));
    json_decref(result);
    result = run_json(command);
    g_assert_cmpfloat(number(result, "resumed_from"), ==, 4);
    json_decref(result);
    result = run_json("info d.safetensors --json");
    json_t *made = json_object_get(json_object_get(result, "metadata"), "limen.training");
    g_assert_cmpstr(json_string_value(json_object_get(made, "command")), ==,
                    "limen-cli train denoiser --classifier c.safetensors --epochs 1 --batch 10 "
                    "--width 2");
    json_decref(result);

    json_decref(run_json("sample whole.safetensors --samples 1 --scale 1 --out one.png --json"));
    json_decref(run_json("sample whole.safetensors --samples 1 --scale 2 --out two.png --json"));
    result = run_json("denoise d.safetensors one.png --out clean.png --classifier c.safetensors "
                      "--json");
    g_assert_cmpfloat(number(result, "width"), ==, 32);
    const double linf = number(result, "linf"), l2 = number(result, "l2");
    g_assert_cmpfloat(linf, <=, 1);
    g_assert_cmpfloat(l2, >=, linf);
    g_assert_cmpfloat(l2, <=, 32 * linf + 1e-12);
    g_assert_cmpfloat(number(json_object_get(result, "after"), "confidence"), >, 0.09);
    json_decref(result);
    g_assert_true(exists("clean.png"));

    fails("train denoiser --data . --batch 10", 2, "--nets");
    fails("train denoiser --data . --batch 10 --classifier none.safetensors", 1,
          "none.safetensors");
    fails("train denoiser --loss mean", 2, "pgd, fgd, lgd, cgd");
    fails("denoise d.safetensors", 2, "PICTURE");
    fails("denoise c.safetensors one.png", 1, "a denoiser is needed");
    fails("denoise d.safetensors none.png", 1, "none.png");
    fails("denoise d.safetensors one.png --out=", 2, "--out");
    fails("denoise d.safetensors two.png --classifier c.safetensors", 1, "32x32");
}

/* A plain teacher, its student, and a VGG; the files say what they are, and serve as judges. */
static void
test_families(void)
{
    const char *const common =
        "train classifier --epochs 1 --batch 10 --width 4 --hidden 8 --data . "
        "--json --out";
    static const struct {
        const char *file, *flags, *architecture, *teacher;
    } made[] = {{"t.safetensors", "--architecture plain --temperature 40", "plain", NULL},
                {"s.safetensors", "--architecture plain --temperature 40 --teacher t.safetensors",
                 "plain", "t.safetensors"},
                {"v.safetensors", "--architecture vgg", "vgg", NULL}};
    for (size_t i = 0; i < G_N_ELEMENTS(made); i++) {
        char *line = g_strdup_printf("%s %s %s", common, made[i].file, made[i].flags);
        json_t *result = run_json(line);
        const double accuracy = number(result, "test_accuracy");
        json_decref(result);
        g_free(line);
        line = g_strdup_printf("evaluate classifier %s --data . --json", made[i].file);
        result = run_json(line);
        g_assert_cmpfloat_with_epsilon(number(result, "accuracy"), accuracy, 0.04);
        json_decref(result);
        g_free(line);
        line = g_strdup_printf("info %s --json", made[i].file);
        result = run_json(line);
        json_t *meta = json_object_get(result, "metadata");
        json_t *training = json_object_get(meta, "limen.training");
        g_assert_cmpstr(json_string_value(
                            json_object_get(json_object_get(meta, "limen.params"), "architecture")),
                        ==, made[i].architecture);
        g_assert_cmpfloat(number(training, "temperature"), ==, i < 2 ? 40 : 1);
        g_assert_cmpstr(json_string_value(json_object_get(training, "teacher")), ==,
                        made[i].teacher);
        const char *hash = json_string_value(json_object_get(training, "teacher_hash"));
        g_assert_cmpuint(hash ? strlen(hash) : 0, ==, made[i].teacher ? 16 : 0);
        json_decref(result);
        g_free(line);
        line =
            g_strdup_printf("evaluate gan whole.safetensors --classifier %s --data . --samples 45 "
                            "--thresholds 0.5 --no-floor --json",
                            made[i].file);
        json_decref(run_json(line));
        g_free(line);
    }
    fails("train classifier --data . --batch 10 --teacher none.safetensors", 1, "none.safetensors");
    fails("train classifier --architecture round", 2, "residual, plain, vgg");
}

static void
test_evaluate_gan(void)
{
    static const char line[] = "evaluate gan whole.safetensors --classifier c.safetensors --data . "
                               "--samples 45 --thresholds 0.5,0 --plot plot.svg --json ";
    g_autofree char *two = g_strconcat(line, "--threads 2", NULL);
    g_autofree char *one = g_strconcat(line, "--threads 1", NULL);
    json_t *result = run_json(two), *row;
    g_assert_cmpfloat(number(result, "samples"), ==, 45);
    g_assert_cmpfloat(number(result, "pictures"), ==, 30);
    static const char *const keys[] = {"asked_class", "precision", "recall", "coverage"};
    for (size_t i = 0; i < 2; i++) {
        row = json_array_get(json_object_get(result, "thresholds"), i);
        const json_t *low = json_array_get(json_object_get(result, "thresholds_low_95"), i);
        const json_t *high = json_array_get(json_object_get(result, "thresholds_high_95"), i);
        g_assert_cmpfloat(number(row, "threshold"), ==, i ? 0 : 0.5);
        for (size_t k = 0; k < G_N_ELEMENTS(keys); k++) {
            g_assert_cmpfloat(number(low, keys[k]), <=, number(row, keys[k]));
            g_assert_cmpfloat(number(high, keys[k]), >=, number(row, keys[k]));
        }
        double right = 0;
        for (size_t k = 0; k < 10; k++) {
            const json_t *c = json_array_get(json_object_get(result, "classes"), 10 * i + k);
            g_assert_cmpfloat(number(c, "samples"), ==, k < 5 ? 5 : 4);
            g_assert_true(json_is_null(json_object_get(c, "precision"))); /* too few for that */
            right += number(c, "samples") * number(c, "asked_class");
        }
        g_assert_cmpfloat_with_epsilon(right, 45 * number(row, "asked_class"), 1e-6);
    }
    g_assert_cmpuint(json_array_size(json_object_get(result, "confusion")), ==, 20);
    row = json_array_get(json_object_get(result, "floor"), 0);
    g_assert_cmpfloat(number(row, "samples"), ==, 40); /* all training pictures there are */
    g_autofree char *plot = NULL, *path = file("plot.svg");
    g_assert_true(g_file_get_contents(path, &plot, NULL, NULL));
    g_assert_nonnull(strstr(plot, "untruncated"));
    json_t *again = run_json(one);
    g_assert_true(json_equal(result, again));
    json_decref(again);

    /* statistics of its own for each threshold: other numbers */
    again = run_json("evaluate gan whole.safetensors --classifier c.safetensors --data . "
                     "--samples 45 --thresholds 0.5,0 --standing --no-floor --json");
    g_assert_null(json_object_get(again, "floor"));
    g_assert_false(
        json_equal(json_object_get(result, "thresholds"), json_object_get(again, "thresholds")));
    json_decref(again);
    json_decref(result);

    result =
        run_json("evaluate gan whole.safetensors --classifier c.safetensors --data . "
                 "--samples 3 --thresholds 1 --no-floor --cas --cas-samples 128 --cas-epochs 1 "
                 "--json");
    row = json_array_get(json_object_get(result, "classes"), 9); /* nothing was drawn of it */
    g_assert_true(json_is_null(json_object_get(row, "asked_class")));
    json_t *cas = json_object_get(result, "classification_accuracy_score");
    g_assert_cmpfloat(number(cas, "trained_on_samples"), ==, 128);
    g_assert_cmpfloat(number(cas, "tested_on_pictures"), ==, 30);
    g_assert_cmpfloat(number(cas, "low_95"), <=, number(cas, "accuracy"));
    json_decref(result);

    fails("evaluate gan c.safetensors --classifier c.safetensors", 1, "is needed");
    fails("evaluate gan whole.safetensors --classifier none", 1, "none");
    fails("evaluate gan whole.safetensors --classifier c.safetensors --thresholds 1,,2", 2,
          "--thresholds");
    fails("evaluate gan whole.safetensors --classifier c.safetensors --thresholds 11", 2,
          "--thresholds");
}

static void
test_features(void)
{
    json_t *result =
        run_json("features c.safetensors --data . --pictures 20 --out bank.safetensors --json");
    g_assert_cmpfloat(number(result, "pictures"), ==, 20);
    json_decref(result);
    result = run_json("info bank.safetensors --json");
    const json_t *about = json_object_get(json_object_get(result, "metadata"), "limen.features");
    g_assert_cmpstr(json_string_value(json_object_get(about, "command")), ==,
                    "limen-cli features c.safetensors --pictures 20");
    json_decref(result);
    fails("features whole.safetensors --data .", 1, "is needed");
}

/* Ctrl+C keeps a checkpoint, ends within a step, and the same command goes on. */
static void
test_interrupt(void)
{
    GError *error = NULL;
    GPid pid;
    int status;
    g_autofree char *command = g_strconcat(g_getenv("LIMEN_CLI"),
                                           " train gan --iterations 1000000" SMALL
                                           " --out stopped.safetensors --log stopped.jsonl",
                                           NULL);
    char **words = g_strsplit(command, " ", -1);
    g_spawn_async(folder, words, NULL,
                  G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL |
                      G_SPAWN_STDERR_TO_DEV_NULL,
                  NULL, NULL, &pid, &error);
    g_assert_no_error(error);
    g_strfreev(words);
    g_autofree char *log = file("stopped.jsonl"), *text = NULL;
    gsize size = 0;
    while (size == 0) { /* until the first iteration is done */
        g_usleep(20000);
        g_assert_cmpint(waitpid(pid, &status, WNOHANG), ==, 0);
        g_clear_pointer(&text, g_free);
        g_file_get_contents(log, &text, &size, NULL);
    }
    kill(pid, SIGINT);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 130);
    g_assert_true(exists("stopped.safetensors.checkpoint"));
    g_assert_false(exists("stopped.safetensors"));
}

/* Results are files whose picture does what the numbers say; the same again is the same. */
static void
test_attack(void)
{
    static const char line[] =
        "attack deepfool --model c.safetensors --data . --count 4 --first 3 --out . --json";
    json_t *first = run_json(line), *again = run_json(line);
    const json_t *rows = json_object_get(first, "results");
    g_assert_cmpuint(json_array_size(rows), ==, 4);
    g_assert_true(json_equal(rows, json_object_get(again, "results")));
    int fooled = 0;
    for (size_t i = 0; i < 4; i++) {
        const json_t *row = json_array_get(rows, i);
        g_assert_cmpfloat(number(row, "picture"), ==, 3 + (double)i);
        g_autofree char *name = g_strdup_printf("deepfool-%05d", 3 + (int)i);
        g_autofree char *png = g_strconcat(name, ".png", NULL);
        g_autofree char *npy = g_strconcat(name, ".npy", NULL);
        g_assert_true(exists(png) && exists(npy));
        /* what the model says of the file, when it is what another attack begins with */
        g_autofree char *other = g_strdup_printf(
            "attack fgsm --model c.safetensors --input %s --epsilon 0 --lattice 0 --json", png);
        json_t *judged = run_json(other);
        const json_t *picture = json_array_get(json_object_get(judged, "results"), 0);
        g_assert_cmpfloat(number(picture, "right"), ==, number(row, "label8"));
        g_assert_cmpfloat(number(picture, "l2"), ==, 0);
        json_decref(judged);
        fooled += strcmp(json_string_value(json_object_get(row, "status")), "fooled") == 0;
    }
    g_assert_cmpint(fooled, ==, (int)number(first, "fooled"));
    g_assert_true(exists("deepfool.json"));
    json_decref(first);
    json_decref(again);

    json_t *made = run_json("attack pgd --model c.safetensors --generate whole.safetensors "
                            "--samples 3 --norm linf --epsilon 0.5 --target next --queries 20 "
                            "--lattice 5 --json");
    rows = json_object_get(made, "results");
    g_assert_cmpuint(json_array_size(rows), ==, 3);
    for (size_t i = 0; i < 3; i++) {
        const json_t *row = json_array_get(rows, i);
        g_assert_cmpfloat(number(row, "queries"), <=, 20);
        g_assert_cmpfloat(number(row, "linf"), <=, 0.5 * (1 + 1e-6));
        g_assert_cmpint(((int)number(row, "right") + 1) % 10, ==, (int)number(row, "target"));
    }
    json_decref(made);

    fails("attack", 2, "attack is one of:\n");
    fails("attack cook", 2, "attack is one of:\n");
    fails("attack fgsm --model none.safetensors", 1, "none.safetensors");
    fails("attack fgsm --model c.safetensors --data . --target 10", 2, "0 to 9");
    fails("attack fgsm --model c.safetensors --data . --count 31", 2, "only 30");
    fails("attack fgsm --model c.safetensors --input c.safetensors", 1, "c.safetensors");
    fails("attack fgsm --model c.safetensors --label 1", 2, "--input");
    fails("attack boundary --model c.safetensors --oracle false", 1, "ended with status 1");
    fails("attack boundary --model c.safetensors --oracle tail --oracle-timeout 0.1", 1,
          "said nothing for 0.1 s");
    fails("attack boundary --model c.safetensors --oracle tail --oracle-timeout 0", 2,
          "--oracle-timeout");
    fails("attack boundary --model c.safetensors --oracle tail --oracle-retries -1", 2,
          "--oracle-retries");
    fails("attack boundary --model c.safetensors --restarts 5", 2, "--restarts");
    fails("attack deepfool --model c.safetensors --data . --target 1", 1, "DeepFool");
    fails("attack fgsm --model c.safetensors --data . --out c.safetensors/x", 1, "c.safetensors");
}

static void
limit_files(gpointer bytes)
{
    const struct rlimit limit = {*(gsize *)bytes, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &limit);
}

/* Starts limen-cli with these words. It ends when it writes more than so many bytes to a file
 * (SIGXFSZ: as suddenly as by SIGKILL, and always at the same place, within a line), or by the
 * signal, once the file `name` has them (unless it is done before). */
static void
end_at(const char *line, int signal, const char *name, gsize bytes)
{
    GError *error = NULL;
    GPid pid;
    int status;
    g_autofree char *command = g_strconcat(g_getenv("LIMEN_CLI"), " ", line, NULL);
    g_auto(GStrv) words = g_strsplit(command, " ", -1);
    g_spawn_async(folder, words, NULL,
                  G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL |
                      G_SPAWN_STDERR_TO_DEV_NULL,
                  signal == SIGXFSZ ? limit_files : NULL, &bytes, &pid, &error);
    g_assert_no_error(error);
    g_autofree char *path = file(name);
    GStatBuf at = {0};
    pid_t ended = 0;
    while (signal != SIGXFSZ && ended == 0 &&
           (g_stat(path, &at) != 0 || (gsize)at.st_size < bytes)) {
        g_usleep(1000);
        ended = waitpid(pid, &status, WNOHANG);
    }
    if (ended == 0) {
        if (signal != SIGXFSZ)
            kill(pid, signal);
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    }
    if (signal == SIGXFSZ)
        g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
}

static int
by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines of a file, sorted; the file is removed. */
static GPtrArray *
take_lines(const char *name)
{
    g_autofree char *path = file(name), *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(g_strchomp(text), "\n", -1);
    GPtrArray *all = g_ptr_array_new_with_free_func(g_free);
    for (int i = 0; lines[i]; i++)
        g_ptr_array_add(all, g_strdup(lines[i]));
    g_ptr_array_sort(all, by_text);
    g_remove(path);
    return all;
}

/* How many of the lines a are not among b, each counted as often as it is there. */
static int
without(const GPtrArray *a, const GPtrArray *b)
{
    guint k = 0;
    int n = 0;
    for (guint i = 0; i < a->len; i++) {
        while (k < b->len && strcmp(b->pdata[k], a->pdata[i]) < 0)
            k++;
        if (k < b->len && strcmp(b->pdata[k], a->pdata[i]) == 0)
            k++;
        else
            n++;
    }
    return n;
}

static void
remove_file(const char *name)
{
    g_autofree char *path = file(name);
    g_assert_cmpint(g_remove(path), ==, 0);
}

/* The same attack without --state and with it, ended twice at once and by Ctrl+C in between: equal
 * files. part: bytes of answers between. */
static void
killed_and_resumed(const char *line, gsize part)
{
    g_autofree char *whole = g_strconcat(line, " --out whole --json", NULL);
    g_autofree char *parts = g_strconcat(line, " --out parts --state s.txt --json", NULL);
    g_autofree char *quiet = g_strconcat(line, " --out parts --state s.txt --quiet", NULL);
    json_t *first = run_json(whole);
    end_at(quiet, SIGXFSZ, "s.txt", part);
    end_at(quiet, SIGINT, "s.txt", 2 * part);
    end_at(quiet, SIGKILL, "s.txt", 3 * part);
    json_t *resumed = run_json(parts), *again = run_json(parts);
    g_assert_cmpfloat(number(resumed, "resumed_from"), >=, (double)(3 * part - 1000) / 24);
    json_t *row;
    size_t i;
    json_array_foreach(json_object_get(first, "results"), i, row)
    {
        json_t *other = json_array_get(json_object_get(resumed, "results"), i);
        g_assert_true(json_equal(other, json_array_get(json_object_get(again, "results"), i)));
        for (int k = 0; k < 2; k++) {
            const char *end = k ? "npy" : "png";
            g_autofree char *a = g_strdup_printf("whole/boundary-%05d.%s", (int)i, end);
            g_autofree char *b = g_strdup_printf("parts/boundary-%05d.%s", (int)i, end);
            assert_same(a, b);
            remove_file(a);
            remove_file(b);
        }
        json_object_del(row, "file");
        json_object_del(other, "file");
        g_assert_true(json_equal(row, other));
    }
    g_assert_cmpint((int)i, ==, 3);
    json_decref(first);
    json_decref(resumed);
    json_decref(again);
    remove_file("whole/boundary.json");
    remove_file("parts/boundary.json");
    remove_file("whole");
    remove_file("parts");
}

/* A killed attack goes on from its record of answers, which it refuses under other settings. */
static void
test_attack_state(void)
{
    static const char again[] = "attack boundary --model k.safetensors --data . --count 3 "
                                "--queries 3000 --state s.txt";
    json_decref(run_json("train classifier --epochs 100 --batch 10 --width 4 --data . --json "
                         "--out k.safetensors"));
    killed_and_resumed("attack boundary --model k.safetensors --data . --count 3 --queries 3000",
                       20000);
    g_autofree char *seed = g_strconcat(again, " --seed 2", NULL);
    fails(seed, 2, "s.txt was written with other settings (seed was 1 and is now 2)");
    g_autofree char *delta = g_strconcat(again, " --orthogonal-step 0.2", NULL);
    fails(delta, 2, "orthogonal-step was 0.0 and is now 0.2");
    g_autofree char *model = g_strconcat(again, " --model c.safetensors", NULL);
    fails(model, 2, "model was");
    g_autofree char *oracle = g_strconcat(again, " --oracle cat", NULL);
    fails(oracle, 1, "instead of");
    fails("attack boundary --model c.safetensors --data . --state c.safetensors", 1,
          "c.safetensors is not a record of answers");
    fails("attack boundary --model c.safetensors --data . --state no/such/file", 1, "no/such/file");
    fails("attack fgsm --model c.safetensors --data . --state s.txt", 2, "--state");

    /* the same settings, other pictures: of the first training picture another pixel is black */
    g_autofree char *path = file("t10k-images-idx3-ubyte"), *bytes = NULL;
    gsize size;
    g_assert_true(g_file_get_contents(path, &bytes, &size, NULL));
    bytes[16 + 40] ^= 1;
    g_assert_true(g_file_set_contents(path, bytes, (gssize)size, NULL));
    fails(again, 2, "s.txt holds answers about other pictures, from answer 1 on");
    bytes[16 + 40] ^= 1;
    g_assert_true(g_file_set_contents(path, bytes, (gssize)size, NULL));
    g_assert_cmpint(run(again), ==, 0);
    remove_file("s.txt");
}

/* The same with a program: nothing is asked twice but what was on its way when limen died. */
static void
test_attack_state_oracle(void)
{
    static const char script[] =
        "import resource, struct, sys, time, zlib\n"
        "none = resource.RLIM_INFINITY\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (none, none)) # limen's is none of ours\n"
        "size = [int(n) for n in sys.stdin.readline().split()[2:]]\n"
        "print('ready 10 floats', flush=True)\n"
        "log = open('asked.txt', 'a', buffering=1)\n"
        "for line in sys.stdin:\n"
        "    bits = bytes.fromhex(line)\n"
        "    log.write('%08x %08x\\n' % (zlib.crc32(bits), zlib.adler32(bits)))\n"
        "    time.sleep(0.001)\n"
        "    v = struct.unpack('>%df' % (len(bits) // 4), bits)\n"
        "    print(min(9, int(10 * sum(v) / len(v))), flush=True)\n";
    g_autofree char *path = file("oracle.py");
    g_assert_true(g_file_set_contents(path, script, -1, NULL));
    static const char line[] = "attack boundary --model c.safetensors --data . --generate "
                               "whole.safetensors --samples 3 --lattice 50 --queries 600 "
                               "--oracle=./oracle.sh";
    g_autofree char *shell = file("oracle.sh");
    g_assert_true(g_file_set_contents(shell, "exec /usr/bin/python3 oracle.py\n", -1, NULL));
    g_assert_cmpint(g_chmod(shell, 0755), ==, 0);

    g_assert_cmpint(run(line), ==, 0);
    g_autoptr(GPtrArray) once = take_lines("asked.txt");
    killed_and_resumed(line, 8000);
    remove_file("s.txt");
    g_autoptr(GPtrArray) asked = take_lines("asked.txt"); /* without interruption, and with them */
    g_autoptr(GPtrArray) twice = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < 2 * once->len; i++)
        g_ptr_array_add(twice, g_strdup(once->pdata[i / 2]));
    g_assert_cmpint(without(twice, asked), ==, 0);
    /* on their way: a batch each of three times; after Ctrl+C two pictures were judged of each; and
     * the answer that was cut off */
    g_assert_cmpint(without(asked, twice), <=, 3 * 3 + 3 * 2 + 1);
}

/* How long a program will take is told by its own answers, not by those of the record. */
static void
test_attack_state_time_left(void)
{
    static const char script[] = "import os, sys, time\n"
                                 "sys.stdin.readline()\n"
                                 "print('ready 10 bytes', flush=True)\n"
                                 "for line in sys.stdin:\n"
                                 "    if os.path.exists('slow'):\n"
                                 "        time.sleep(0.05)\n"
                                 "    v = bytes.fromhex(line)\n"
                                 "    print(sum(v) // len(v) // 26, flush=True)\n";
    static const char line[] = "attack boundary --model c.safetensors --data . --generate "
                               "whole.safetensors --samples 1 --lattice 0 --queries 1000 "
                               "--state t.txt --oracle=./slow.sh --verbose";
    g_autofree char *path = file("slow.py"), *shell = file("slow.sh"), *slow = file("slow");
    int minutes, seconds;
    g_assert_true(g_file_set_contents(path, script, -1, NULL));
    g_assert_true(g_file_set_contents(shell, "exec /usr/bin/python3 slow.py\n", -1, NULL));
    g_assert_cmpint(g_chmod(shell, 0755), ==, 0);
    end_at(line, SIGXFSZ, "t.txt", 24 * 900);
    g_assert_true(g_file_set_contents(slow, "", -1, NULL));
    g_assert_cmpint(run(line), ==, 0);
    const char *left = strstr(err, " left\n"); /* after a second or two of five */
    g_assert_nonnull(left);
    while (left[-1] != ' ')
        left--;
    g_assert_cmpint(sscanf(left, "%d:%d", &minutes, &seconds), ==, 2);
    g_assert_cmpint(60 * minutes + seconds, >=, 2);
    remove_file("t.txt");
    remove_file("slow");
}

/* A denoiser in front: attacked together with the classifier, or only put before its result. */
static void
test_attack_denoiser(void)
{
    json_t *through = run_json("attack pgd --model c.safetensors --denoiser d.safetensors --data . "
                               "--count 3 --norm linf --epsilon 0.5 --lattice 0 --out . --json");
    json_t *alone = run_json("attack pgd --model c.safetensors --data . --count 3 --norm linf "
                             "--epsilon 0.5 --lattice 0 --json");
    json_t *before = run_json("attack pgd --model c.safetensors --denoiser d.safetensors "
                              "--oblivious --data . --count 3 --norm linf --epsilon 0.5 --lattice "
                              "0 --json");
    for (size_t i = 0; i < 3; i++) {
        const json_t *row = json_array_get(json_object_get(through, "results"), i);
        const json_t *other = json_array_get(json_object_get(before, "results"), i);
        const json_t *same = json_array_get(json_object_get(alone, "results"), i);
        g_assert_cmpfloat(number(row, "denoised_label"), ==, number(row, "label"));
        g_assert_cmpfloat(number(other, "l2"), ==, number(same, "l2"));
        g_assert_cmpfloat(number(other, "queries"), ==, number(same, "queries"));
        g_assert_cmpint(json_is_true(json_object_get(other, "denoised_fools")), ==,
                        number(other, "denoised_label") != number(other, "right"));
        g_assert_null(json_object_get(same, "denoised_label"));
    }
    json_decref(through);
    json_decref(alone);
    json_decref(before);
    fails("attack fgsm --model c.safetensors --data . --oblivious", 2, "--denoiser");
    fails("attack fgsm --model c.safetensors --data . --denoiser c.safetensors", 1,
          "a denoiser is needed");
    fails("attack boundary --model c.safetensors --denoiser d.safetensors --oracle true", 2,
          "exclude each other");
}

/* Tables over classifiers and attacks; the numbers are those of the attack alone. */
static void
test_evaluate_attacks(void)
{
    json_t *result = run_json("evaluate attacks c.safetensors c.safetensors --data . --pictures 1 "
                              "--attacks fgsm:epsilon=0.5,pgd:norm=linf:steps=3:epsilon=0 "
                              "--temperature 5 --out attacks --json");
    const json_t *rows = json_object_get(result, "attacks");
    g_assert_cmpuint(json_array_size(rows), ==, 4);
    g_assert_cmpuint(json_array_size(json_object_get(result, "gradients")), ==, 4);
    g_assert_cmpuint(json_array_size(json_object_get(result, "curves")), ==, 4);
    const json_t *fgsm = json_array_get(rows, 0), *nothing = json_array_get(rows, 1);
    g_assert_cmpfloat(number(fgsm, "pictures"), ==, 1);
    g_assert_cmpfloat(number(fgsm, "gradients"), ==, 1);
    g_assert_cmpfloat(number(nothing, "fooled"), ==, 0);
    g_assert_cmpfloat(number(nothing, "gradients"), ==, 3);
    g_assert_cmpfloat(number(nothing, "queries"), ==, 1 + 3 + 1 + 1);
    g_assert_true(json_is_null(json_object_get(nothing, "median_l2")));
    g_assert_cmpfloat(number(json_array_get(rows, 2), "fooled"), ==, number(fgsm, "fooled"));
    g_assert_true(exists("attacks.json") && exists("attacks.md") && exists("attacks.svg"));
    json_decref(result);

    fails("evaluate attacks", 2, "MODEL... is missing");
    fails("evaluate attacks c.safetensors --data . --attacks cook", 2, "no attack cook");
    fails("evaluate attacks c.safetensors --data . --attacks fgsm:heat=3", 2, "no setting heat");
    fails("evaluate attacks c.safetensors --data . --attacks fgsm:epsilon", 2, "setting=value");
    fails("evaluate attacks c.safetensors --data . --attacks fgsm:epsilon=-1", 2, "epsilon");
    fails("evaluate attacks c.safetensors --data . --pictures 31", 2, "--pictures");
}

/* Tables over denoisers: no defence is the classifier itself, an epsilon of 0 changes nothing, and
 * what was measured already is taken over. */
static void
test_evaluate_defenses(void)
{
    static const char line[] =
        "evaluate defenses d.safetensors --classifier c.safetensors --nets c.safetensors --source "
        "c.safetensors --others c.safetensors --data . --pictures 6 --epsilons 0,40 --adaptive 3 "
        "--restarts 1 --amplification --out defenses --json";
    json_t *result = run_json(line);
    const json_t *rows = json_object_get(result, "defenses");
    g_assert_cmpuint(json_array_size(rows), ==, 2);
    const json_t *none = json_array_get(rows, 0);
    g_assert_cmpstr(json_string_value(json_object_get(none, "name")), ==, "none");
    for (size_t i = 0; i < 2; i++) {
        const json_t *o = json_array_get(rows, i), *judges = json_object_get(o, "judges");
        const json_t *right = json_object_get(json_array_get(judges, 0), "accuracy");
        g_assert_cmpuint(json_array_size(judges), ==, 2);
        g_assert_cmpuint(json_array_size(right), ==, 1 + 2 * 6);
        for (size_t k = 1; k <= 6; k++) /* epsilon 0 */
            g_assert_cmpfloat(json_number_value(json_array_get(right, k)), ==,
                              json_number_value(json_array_get(right, 0)));
        g_assert_true(json_equal(right, json_object_get(json_array_get(judges, 1), "accuracy")));
        g_assert_cmpuint(json_array_size(json_object_get(o, "adaptive")), ==, 6);
        g_assert_cmpuint(json_array_size(json_object_get(o, "amplification")), ==, 2);
    }
    const json_t *l1 = json_object_get(none, "l1");
    g_assert_cmpfloat(json_number_value(json_array_get(l1, 6)), ==, 0);
    g_assert_cmpfloat(json_number_value(json_array_get(l1, 7)), >, 0.01);
    json_t *row;
    size_t i;
    json_array_foreach(json_object_get(none, "adaptive"), i, row)
    {
        if (!json_is_null(json_object_get(row, "oblivious")))
            g_assert_cmpfloat(number(row, "oblivious"), ==, number(row, "adaptive"));
    }
    g_assert_true(exists("defenses.json") && exists("defenses.md") && exists("defenses.svg"));
    json_t *again = run_json(line); /* measured again, the time would differ */
    const json_t *taken = json_array_get(json_object_get(again, "defenses"), 1);
    const double ms = number(json_array_get(rows, 1), "ms_for_one_picture");
    g_assert_cmpfloat_with_epsilon(number(taken, "ms_for_one_picture"), ms, 1e-6 * ms);
    json_decref(again);
    json_decref(result);

    fails("evaluate defenses", 2, "DENOISER... is missing");
    fails("evaluate defenses c.safetensors --classifier c.safetensors --data . --pictures 2", 1,
          "a denoiser is needed");
    fails("evaluate defenses d.safetensors --classifier c.safetensors --data . --epsilons 3,,4", 2,
          "--epsilons");
    fails("evaluate defenses d.safetensors --classifier c.safetensors --data . --classes 9-7", 2,
          "classes");
    fails("evaluate defenses d.safetensors --classifier c.safetensors --data .", 2, "only 30");
}

/* Ctrl+C once it has said something about its progress: what is there is printed, as JSON, and the
 * code is 130. Returns what it says on stderr, g_free(). */
static char *
interrupt(const char *line, guint results)
{
    GError *error = NULL;
    g_autofree char *command = g_strconcat(g_getenv("LIMEN_CLI"), line, NULL);
    g_auto(GStrv) words = g_strsplit(command, " ", -1);
    GPid pid;
    int from, log, status;
    g_spawn_async_with_pipes(folder, words, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, NULL,
                             &from, &log, &error);
    g_assert_no_error(error);
    char byte;
    g_assert_cmpint(read(log, &byte, 1), ==, 1); /* the first line about its progress */
    kill(pid, SIGINT);
    g_autoptr(GString) text = g_string_new(NULL);
    GString *said = g_string_new(NULL);
    char part[4096];
    for (ssize_t n; (n = read(from, part, sizeof part)) > 0;)
        g_string_append_len(text, part, n);
    for (ssize_t n; (n = read(log, part, sizeof part)) > 0;)
        g_string_append_len(said, part, n);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFEXITED(status));
    g_assert_cmpint(WEXITSTATUS(status), ==, 130);
    json_t *result = json_loads(text->str, 0, NULL);
    g_assert_cmpuint(json_array_size(json_object_get(result, "results")), ==, results);
    json_decref(result);
    close(from);
    close(log);
    return g_string_free(said, FALSE);
}

static void
test_attack_interrupt(void)
{
    g_autofree char *said =
        interrupt(" attack carlini-wagner --model c.safetensors --data . --count 30 --rounds 100 "
                  "--steps 100000 --no-abort-early --json --verbose",
                  30);
    g_assert_nonnull(strstr(said, "stopped; the best so far was kept."));
    g_autofree char *resumes =
        interrupt(" attack boundary --model k.safetensors --data . --count 3 --queries 2000000 "
                  "--steps 0 --state s.txt --json --verbose",
                  3);
    g_assert_nonnull(strstr(resumes, "kept, and the same command goes on."));
    remove_file("s.txt");
}

#define MAKE "universal make --model c.safetensors --data . --pictures 20 --unseen 10 "

static void
same_file(const char *one, const char *two)
{
    g_autofree char *a = file(one), *b = file(two), *x = NULL, *y = NULL;
    gsize n, m;

    g_assert_true(g_file_get_contents(a, &x, &n, NULL));
    g_assert_true(g_file_get_contents(b, &y, &m, NULL));
    g_assert_cmpmem(x, n, y, m);
}

/* Starts limen-cli with these words, sends the signal once it tells of its progress, and returns
 * how it ended, as waitpid() says. */
static int
signalled(const char *line, int signal)
{
    GError *error = NULL;
    g_autofree char *command = g_strconcat(g_getenv("LIMEN_CLI"), " ", line, " --verbose", NULL);
    g_auto(GStrv) words = g_strsplit(command, " ", -1);
    GPid pid;
    int log, status;
    char byte;

    g_spawn_async_with_pipes(folder, words, NULL,
                             G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL,
                             &pid, NULL, NULL, &log, &error);
    g_assert_no_error(error);
    g_assert_cmpint(read(log, &byte, 1), ==, 1);
    kill(pid, signal);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    close(log);
    return status;
}

/* A perturbation within its bound, the same again, its files; what it does to pictures. */
static void
test_universal(void)
{
    json_t *made = run_json(MAKE "--xi 0.3 --passes 2 --delta 0 --out v.safetensors --json");
    g_assert_cmpfloat(number(made, "linf"), <=, 0.3 * (1 + 1e-6));
    g_assert_cmpuint(json_array_size(json_object_get(made, "passes")), ==, 3);
    const double unseen = number(made, "unseen");
    json_decref(made);
    g_assert_true(exists("v.png") && exists("v.npy"));
    g_assert_cmpint(run(MAKE "--xi 0.3 --passes 2 --delta 0 --out w.safetensors"), ==, 0);
    same_file("v.npy", "w.npy");
    same_file("v.png", "w.png");

    json_t *applied = run_json("universal apply v.safetensors --model c.safetensors --data . "
                               "--count 10 --out applied --json");
    const json_t *rows = json_object_get(applied, "results");
    g_assert_cmpuint(json_array_size(rows), ==, 10);
    int fooled = 0;
    for (size_t i = 0; i < 10; i++) {
        const json_t *row = json_array_get(rows, i);
        const bool same = strcmp(json_string_value(json_object_get(row, "before")),
                                 json_string_value(json_object_get(row, "after"))) == 0;
        g_assert_true(json_is_true(json_object_get(row, "fooled")) == !same);
        g_assert_cmpfloat(number(row, "linf"), <=, 0.3 * (1 + 1e-6));
        fooled += !same;
    }
    g_assert_cmpfloat_with_epsilon(number(applied, "fooled"), fooled / 10.0, 1e-9);
    g_assert_cmpfloat_with_epsilon(number(applied, "fooled"), unseen, 1e-9);
    g_assert_true(exists("applied/universal-00009.png") && exists("applied/universal-00009.npy"));
    json_decref(applied);
    json_t *nothing = run_json("universal apply v.safetensors --model c.safetensors --data . "
                               "--count 10 --scale 0 --json");
    g_assert_cmpfloat(number(nothing, "fooled"), ==, 0);
    json_decref(nothing);
}

/* The bound is the norm's unless one is given, and the command that is told makes the same. */
static void
test_universal_bound(void)
{
    static const struct {
        const char *flags, *told;
        double xi;
    } cases[] = {{"", "", 0.1},
                 {" --norm linf", "", 0.1},
                 {" --norm l2", " --norm l2", 2},
                 {" --xi 0.1 --norm l2", " --norm l2 --xi 0.1", 0.1},
                 {" --xi 2", " --xi 2", 2}};

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *line = g_strconcat(MAKE "--passes 1 --json", cases[i].flags, NULL);
        json_t *made = run_json(line);
        g_assert_cmpfloat(number(made, "xi"), ==, cases[i].xi);
        const char *command = json_string_value(json_object_get(made, "command"));
        const char *after_make = command + strlen("limen-cli universal make");
        g_assert_true(g_str_has_prefix(after_make, cases[i].told));
        g_assert_true((strstr(command, " --xi ") != NULL) == (strstr(cases[i].told, "xi") != NULL));
        json_decref(made);
    }
    json_t *blind = run_json(MAKE "--passes 1 --unseen 0 --json");
    g_assert_true(json_is_null(json_object_get(blind, "random"))); /* nothing to measure it on */
    g_assert_true(json_is_null(json_object_get(blind, "permuted")));
    json_decref(blind);
    g_assert_cmpint(run("universal make --help"), ==, 0);
    g_auto(GStrv) words = g_strsplit_set(out, " \n", -1);
    GString *help = g_string_new(NULL);
    for (int i = 0; words[i]; i++) /* as it is broken into lines */
        g_string_append_printf(help, *words[i] ? "%s " : "%s", words[i]);
    g_assert_nonnull(strstr(help->str, "(0 to 64, default 2 with l2, 0.1 with linf)"));
    g_string_free(help, TRUE);
}

static void
test_universal_refused(void)
{
    static const char apply[] = " --model c.safetensors --data .";
    g_autofree char *path = file("v.safetensors"), *bytes = NULL;
    g_autofree char *half = file("half.safetensors"), *other = file("other.safetensors");
    gsize size;

    fails("universal", 2, "universal is one of:\n");
    fails(MAKE "--norm l3", 2, "--norm");
    fails("universal make --model none.safetensors", 1, "none.safetensors");
    fails("universal make --model d.safetensors", 1, "classifier is needed");
    fails("universal make --model c.safetensors --data /nowhere", 1, "/nowhere");
    fails("universal make --model c.safetensors --data . --pictures 31", 2, "only 30");
    fails(MAKE "--out nowhere/v.safetensors", 1, "nowhere/v.safetensors");
    fails("universal apply none.safetensors --data .", 1, "none.safetensors");
    fails("universal apply c.safetensors --data .", 1, "no universal perturbation");
    fails("universal apply v.safetensors --model none.safetensors --data .", 1, "none.safetensors");

    g_assert_true(g_file_get_contents(path, &bytes, &size, NULL));
    g_assert_true(g_file_set_contents(half, bytes, (gssize)size / 2, NULL));
    g_autofree char *truncated = g_strconcat("universal apply half.safetensors", apply, NULL);
    fails(truncated, 1, "half.safetensors");
    char *shape = g_strstr_len(bytes + 8, (gssize)size - 8, "[1,32,32]");
    g_assert_nonnull(shape);
    memcpy(shape, "[1,16,64]", 9);
    g_assert_true(g_file_set_contents(other, bytes, (gssize)size, NULL));
    g_autofree char *shaped = g_strconcat("universal apply other.safetensors", apply, NULL);
    fails(shaped, 1, "1x16x64");
}

/* Stopped by Ctrl+C, then killed, then left alone: the same v as of a run that nobody stopped. */
static void
test_universal_resumed(void)
{
    static const char line[] = MAKE "--method gradient --batch 4 --delta 0 --passes 150 --patience "
                                    "150 --checkpoint u.checkpoint --out u.safetensors";
    const int stopped = signalled(line, SIGINT);

    g_assert_true(WIFEXITED(stopped));
    g_assert_cmpint(WEXITSTATUS(stopped), ==, 130);
    g_assert_true(exists("u.checkpoint"));
    g_assert_true(WIFSIGNALED(signalled(line, SIGKILL)));
    g_assert_cmpint(run(line), ==, 0);
    g_assert_cmpint(run(MAKE "--method gradient --batch 4 --delta 0 --passes 150 --patience 150 "
                             "--out whole-u.safetensors"),
                    ==, 0);
    same_file("u.npy", "whole-u.npy");
    fails(MAKE "--method gradient --batch 5 --checkpoint u.checkpoint", 2, "u.checkpoint");
}

/* Tables of two classifiers, behind a denoiser too; a second run takes every v from its file. */
static void
test_universal_evaluate(void)
{
    static const char line[] =
        "universal evaluate c.safetensors c2.safetensors --data . --pictures 10 "
        "--unseen 20 --linf 0.3 --l2 0 --denoiser d.safetensors --work uv --out uv-tables --json";
    json_decref(
        run_json("train classifier --epochs 1 --batch 10 --width 4 --data . --seed 2 --json "
                 "--out c2.safetensors"));
    json_t *first = run_json(line);
    const json_t *fooling = json_object_get(first, "fooling");
    const json_t *denoised = json_object_get(first, "denoised");

    g_assert_cmpuint(json_array_size(fooling), ==, 4);
    g_assert_cmpuint(json_array_size(denoised), ==, 2); /* of the first classifier */
    for (size_t i = 0; i < 2; i++) {
        const json_t *alone = json_array_get(fooling, i), *row = json_array_get(denoised, i);
        g_assert_cmpstr(json_string_value(json_object_get(row, "model")), ==,
                        json_string_value(json_object_get(alone, "model")));
        g_assert_cmpfloat(number(row, "alone"), ==, number(alone, "unseen"));
        g_assert_cmpfloat(number(alone, "permuted"), >=, 0);
        g_assert_cmpfloat(number(alone, "permuted"), <=, 1);
        g_assert_cmpfloat(number(row, "behind_the_denoiser"), >=, 0);
        g_assert_cmpfloat(number(row, "behind_the_denoiser"), <=, 1);
    }
    g_autofree char *path = file("uv-tables.md"), *text = NULL;
    g_assert_true(exists("uv-tables.json"));
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_nonnull(strstr(text, "## Behind a denoiser"));
    g_assert_true(exists("uv/c-linf-0.3-deepfool-10-1.safetensors"));
    g_autofree char *v = file("uv/c-linf-0.3-deepfool-10-1.safetensors");
    GStatBuf before, after;
    g_assert_cmpint(g_stat(v, &before), ==, 0);
    json_t *again = run_json(line);
    g_assert_cmpint(g_stat(v, &after), ==, 0);
    g_assert_true(before.st_ino == after.st_ino);
    g_assert_true(json_equal(fooling, json_object_get(again, "fooling")));
    g_assert_true(json_equal(denoised, json_object_get(again, "denoised")));
    json_decref(first);
    json_decref(again);

    fails("universal evaluate none.safetensors --data .", 1, "none.safetensors");
    fails("universal evaluate c.safetensors --data . --pictures 10 --unseen 10 --work uv "
          "--denoiser c.safetensors",
          1, "denoiser is needed");
    fails("universal evaluate c.safetensors --data . --sizes 5,x", 2, "--sizes");
}

/* The floats of NAME.npy that `attack dag` wrote; g_free(). */
static float *
floats(const char *name, int n)
{
    g_autofree char *npy = g_strconcat(name, ".npy", NULL), *path = file(npy), *bytes = NULL;
    gsize size;
    g_assert_true(g_file_get_contents(path, &bytes, &size, NULL));
    const gsize head = 10 + (guint8)bytes[8] + 256u * (guint8)bytes[9];
    g_assert_cmpuint(size, ==, head + (gsize)n * sizeof(float));
    return g_memdup2(bytes + head, (gsize)n * sizeof(float));
}

static void
push(const char *flags, const char *name)
{
    g_autofree char *line =
        g_strdup_printf("attack dag %s --size 48 --scene 2 --iterations 3 --scale 1 "
                        "--out %s.png --json",
                        flags, name);
    json_decref(run_json(line));
}

/* What is fused is the weighted sum of what each network gives alone, and a network of weight 0
 * only looks. Needs the networks of test_scenes(). */
static void
check_fused(void)
{
    enum { N = 3 * 48 * 48 };
    push("--net seg.safetensors", "one");
    push("--net det.safetensors", "two");
    push("det.safetensors --net seg.safetensors", "both");
    push("det.safetensors --net seg.safetensors --weights 0.5,2", "sum");
    push("det.safetensors --net seg.safetensors --weights 0,1", "second");
    push("det.safetensors --net seg.safetensors --weights 1,0 --permuted", "rows");
    same_file("two.npy", "second.npy");
    g_autofree float *one = floats("one", N), *two = floats("two", N), *both = floats("both", N),
                     *sum = floats("sum", N), *rows = floats("rows", N);
    int found = 0;
    for (int i = 0; i < N; i++) {
        g_assert_cmpfloat(both[i], ==, (float)((double)one[i] + (double)two[i]));
        g_assert_cmpfloat(sum[i], ==, (float)(0.5 * (double)one[i] + 2 * (double)two[i]));
    }
    for (int y = 0; y < 48; y++)
        for (int from = 0; from < 48; from++)
            found += memcmp(rows + 48 * y, one + 48 * from, 48 * sizeof *rows) == 0;
    g_assert_cmpint(found, >=, 48); /* every row is one of the others */
    g_assert_true(memcmp(rows, one, N * sizeof *rows) != 0);

    json_t *result = run_json("attack dag det.safetensors --net seg.safetensors --size 48 "
                              "--iterations 2 --weights 1,0 --out both.png --json");
    const json_t *nets = json_object_get(result, "networks"), *judge = json_array_get(nets, 1);
    g_assert_cmpuint(json_array_size(nets), ==, 2);
    g_assert_cmpfloat(number(judge, "weight"), ==, 0);
    g_assert_cmpfloat(number(judge, "iterations"), ==, 0);
    g_assert_nonnull(json_object_get(judge, "after_8bit"));
    g_assert_cmpstr(json_string_value(json_object_get(result, "command")), ==,
                    "limen-cli attack dag det.safetensors --iterations 2 --net seg.safetensors "
                    "--out both.png --weights 1,0 --size 48");
    json_decref(result);
    fails("attack dag det.safetensors --net seg.safetensors --size 48 --weights 1", 2,
          "2 networks");
    fails("attack dag --net seg.safetensors --size 48 --weights 1,x", 2, "1 network");
    fails("attack dag none.safetensors --net seg.safetensors --size 48", 1, "none.safetensors");
}

/* A segmentation of one's own is wanted of every segmenter, and of no detector. */
static void
check_wanted(void)
{
    push("--net seg.safetensors --wanted made/scene-00006-mask.png", "one");
    push("--net next.safetensors --wanted made/scene-00006-mask.png", "two");
    push("next.safetensors det.safetensors --net seg.safetensors --weights 1,1,0 --wanted "
         "made/scene-00006-mask.png",
         "both");
    enum { N = 3 * 48 * 48 };
    g_autofree float *one = floats("one", N), *two = floats("two", N), *both = floats("both", N);
    for (int i = 0; i < N; i++)
        g_assert_cmpfloat(both[i], ==, (float)((double)one[i] + (double)two[i]));
    push("--net seg.safetensors", "two");
    g_autofree float *other = floats("two", N);
    g_assert_true(memcmp(one, other, N * sizeof *one) != 0);
    fails("attack dag --net det.safetensors --size 48 --wanted made/scene-00006-mask.png", 2,
          "det.safetensors is a detector");
    fails("attack dag --net seg.safetensors --size 48 --wanted made/scene-00004.png", 2,
          "classes are 0 to 7");
    fails("attack dag --net seg.safetensors --size 48 --wanted none.png", 1, "none.png");
}

/* Scenes, the two kinds of networks for them (tiny ones), and dense perturbations of both. */
static void
test_scenes(void)
{
    json_t *result = run_json("scenes make made --count 3 --first 4 --size 48 --json");
    json_decref(result);
    const char *const files[] = {"made/scene-00004.png", "made/scene-00006-mask.png",
                                 "made/scenes.json"};
    for (guint i = 0; i < G_N_ELEMENTS(files); i++)
        g_assert_true(exists(files[i]));
    json_decref(run_json("scenes show --count 2 --size 48 --scale 1 --out shown.png --json"));
    g_assert_true(exists("shown.png"));
    fails("scenes make", 2, "FOLDER");
    fails("scenes show --size 47", 2, "--size");
    fails("scenes show --fewest 5 --most 2", 2, "most");

    result = run_json("train segmenter --steps 3 --batch 2 --width 2 --size 48 --noise 4 "
                      "--out seg.safetensors --json");
    g_assert_cmpfloat(number(result, "steps"), ==, 3);
    g_assert_cmpfloat(number(result, "test_scenes"), ==, 500);
    g_assert_cmpfloat(number(result, "mean_iou"), <, 1);
    json_decref(result);
    result = run_json("train detector --steps 3 --batch 2 --width 2 --size 48 --backbone residual "
                      "--out det.safetensors --json");
    g_assert_cmpfloat(number(result, "map_all_points"), >=, 0);
    json_decref(result);
    result = run_json("train segmenter --steps 2 --batch 2 --width 2 --size 48 "
                      "--from seg.safetensors --out next.safetensors --json");
    json_decref(result);
    fails("train segmenter --width 4 --from seg.safetensors --out no.safetensors", 2, "--width");
    fails("train detector --width 2 --from seg.safetensors --out no.safetensors", 1, "segmenter");
    fails("train segmenter --from none.safetensors --out no.safetensors", 1, "none.safetensors");
    g_assert_false(exists("no.safetensors"));

    result = run_json("attack dag --net seg.safetensors --size 48 --scene 2 --iterations 4 "
                      "--scale 1 --out pushed.png --json");
    g_assert_cmpfloat(number(result, "targets"), ==, 48 * 48);
    g_assert_cmpfloat(number(result, "iterations"), <=, 4);
    g_assert_cmpfloat(number(result, "largest_change"), <=, 4 * 0.5 / 255 + 1e-6);
    g_assert_cmpfloat(number(result, "perceptibility"), >, 0);
    g_assert_null(strstr(json_string_value(json_object_get(result, "command")), "--seed"));
    json_decref(result);
    result = run_json("attack dag --net seg.safetensors --size 48 --iterations 1 --seed 5 "
                      "--out pushed.png --json");
    g_assert_nonnull(strstr(json_string_value(json_object_get(result, "command")), "--seed 5"));
    json_decref(result);
    g_assert_true(exists("pushed.png") && exists("pushed.npy"));
    fails("attack dag", 2, "--net");
    fails("attack dag --net next.safetensors --size 50", 2, "multiple of 8");
    fails("attack dag --net seg.safetensors --gamma 0", 2, "--gamma");

    check_fused();
    check_wanted();
    result = run_json("evaluate dag seg.safetensors det.safetensors --scenes 2 --size 48 "
                      "--iterations 3 --out dag --json");
    g_assert_cmpfloat(number(result, "scenes"), ==, 2);
    json_t *nets = json_object_get(result, "networks"),
           *transfer = json_object_get(result, "transfer"),
           *weights = json_object_get(result, "weights");
    g_assert_cmpuint(json_array_size(nets), ==, 2);
    g_assert_cmpuint(json_array_size(transfer), ==, 3);
    for (guint i = 0; i < 2; i++) {
        const json_t *net = json_array_get(nets, i);
        const char *name = json_string_value(json_object_get(net, "network"));
        /* what the tables say twice is the same */
        g_assert_cmpfloat(number(net, "clean"), ==, number(json_array_get(transfer, 0), name));
        g_assert_cmpfloat(number(net, "clean"), ==, number(json_array_get(weights, 0), name));
        g_assert_cmpfloat(number(net, "adversarial"), ==,
                          number(json_array_get(transfer, 1 + i), name));
        g_assert_cmpfloat(number(net, "mean_iterations"), <=, 3);
    }
    json_decref(result);
    g_assert_true(exists("dag.json") && exists("dag.md") && exists("dag.svg"));
    fails("evaluate dag", 2, "NET");
    fails("evaluate dag seg.safetensors none.safetensors", 1, "none.safetensors");
    fails("evaluate dag seg.safetensors --size 48 --scenes 1 --iterations 1 --out no/dag", 1,
          "no/dag");
}

/* Two small trainings by the classifier of before; again, from what they left, the same results. */
static void
test_ablate(void)
{
    static const char line[] = "ablate --data . --folder . --classifier c.safetensors --out result "
                               "--group rates --seeds 1 --iterations 2 --measures 2 --width 2 "
                               "--batch 4 --standing-passes 1 --samples 30 --json";
    json_t *result = run_json(line);
    const json_t *ends = json_object_get(result, "ends");
    g_assert_cmpuint(json_array_size(ends), ==, 2);
    for (size_t i = 0; i < 2; i++) {
        const double asked = number(json_array_get(ends, i), "asked");
        g_assert_true(asked >= 0 && asked <= 1);
        g_assert_cmpfloat(number(json_array_get(ends, i), "repetitions"), ==, 1);
    }
    g_assert_true(exists("base-1.json") && exists("equal-rates-1.safetensors"));
    g_assert_false(exists("base-1.checkpoint"));
    g_autofree char *json = file("result.json"), *svg = file("result.svg");
    g_autofree char *before = NULL, *after = NULL;
    g_assert_true(g_file_get_contents(json, &before, NULL, NULL));
    g_assert_nonnull(strstr(before, "\"command\": \"limen-cli ablate --seeds 1 --group rates"));
    g_assert_true(g_file_get_contents(svg, &after, NULL, NULL));
    g_assert_nonnull(strstr(after, "Two learning rates or equal ones?"));
    g_clear_pointer(&after, g_free);
    json_decref(run_json(line));
    g_assert_true(g_file_get_contents(json, &after, NULL, NULL));
    g_assert_cmpstr(before, ==, after);
    json_decref(result);
    fails("ablate --group all,none", 2, "--group");
    fails("ablate --folder c.safetensors/at/all", 1, "c.safetensors/at/all");
    fails("ablate --folder . --classifier none --data .", 1, "none");
}

static void
remove_folder(void)
{
    const char *name;
    GDir *dir = g_dir_open(folder, 0, NULL);
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = file(name);
        g_remove(path);
    }
    g_dir_close(dir);
    g_rmdir(folder);
    g_free(folder);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_nonnull(g_getenv("LIMEN_CLI"));
    folder = g_dir_make_tmp("limen-cli-XXXXXX", NULL);
    g_assert_nonnull(folder);
    write_idx("train-images-idx3-ubyte", 40, true);
    write_idx("train-labels-idx1-ubyte", 40, false);
    write_idx("t10k-images-idx3-ubyte", 30, true);
    write_idx("t10k-labels-idx1-ubyte", 30, false);
    g_test_add_func("/cli/usage", test_usage);
    g_test_add_func("/cli/info", test_info);
    g_test_add_func("/cli/info/file", test_info_file);
    g_test_add_func("/cli/bench/ops", test_bench_ops);
    g_test_add_func("/cli/gan", test_gan);
    g_test_add_func("/cli/sample", test_sample); /* of what test_gan trained */
    g_test_add_func("/cli/sheets", test_sheets);
    g_test_add_func("/cli/classifier", test_classifier);
    g_test_add_func("/cli/denoiser", test_denoiser);
    g_test_add_func("/cli/families", test_families);
    g_test_add_func("/cli/evaluate-gan", test_evaluate_gan); /* of both */
    g_test_add_func("/cli/features", test_features);
    g_test_add_func("/cli/attack", test_attack);
    g_test_add_func("/cli/attack/state", test_attack_state);
    g_test_add_func("/cli/attack/state/oracle", test_attack_state_oracle);
    g_test_add_func("/cli/attack/state/time-left", test_attack_state_time_left);
    g_test_add_func("/cli/attack/denoiser", test_attack_denoiser);
    g_test_add_func("/cli/evaluate-attacks", test_evaluate_attacks);
    g_test_add_func("/cli/evaluate-defenses", test_evaluate_defenses);
    g_test_add_func("/cli/attack/interrupt", test_attack_interrupt);
    g_test_add_func("/cli/universal", test_universal);
    g_test_add_func("/cli/universal/bound", test_universal_bound);
    g_test_add_func("/cli/universal/refused", test_universal_refused);
    g_test_add_func("/cli/universal/resumed", test_universal_resumed);
    g_test_add_func("/cli/universal/evaluate", test_universal_evaluate);
    g_test_add_func("/cli/scenes", test_scenes);
    g_test_add_func("/cli/ablate", test_ablate);
    g_test_add_func("/cli/interrupt", test_interrupt);
    int code = g_test_run();
    remove_folder();
    return code;
}
