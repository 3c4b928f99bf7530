/* Reading whole files, and atomic replacement. */
#include "base/file.h"

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder;

static char *
path_of(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

static void
assert_content(const char *path, const char *want)
{
    uint8_t *data;
    size_t size;
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(lim_file_read(path, 1000, &data, &size, &err), ==, LIM_OK);
    g_assert_cmpmem(data, size, want, strlen(want));
    g_assert_cmpint(data[size], ==, 0);
    free(data);
}

/* Nothing but these files, so no temporary one is left. */
static void
assert_files(int want)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    int n = 0;
    for (const char *name; (name = g_dir_read_name(dir));) {
        g_autofree char *path = path_of(name);
        g_unlink(path);
        n++;
    }
    g_dir_close(dir);
    g_assert_cmpint(n, ==, want);
}

static void
test_round_trip(void)
{
    g_autofree char *path = path_of("a");
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 300000};
    for (size_t k = 0; k < G_N_ELEMENTS(sizes); k++) {
        size_t n = sizes[k], size;
        g_autofree uint8_t *in = g_malloc(n + 1);
        for (size_t i = 0; i < n; i++)
            in[i] = (uint8_t)(i * 31 + k);
        LimError err = LIM_ERROR_INIT;
        g_assert_cmpint(lim_file_write(path, in, n, &err), ==, LIM_OK);
        uint8_t *out;
        g_assert_cmpint(lim_file_read(path, n, &out, &size, &err), ==, LIM_OK);
        g_assert_cmpmem(out, size, in, n);
        free(out);
        if (n > 0) {
            g_assert_cmpint(lim_file_read(path, n - 1, &out, &size, &err), ==, LIM_E_FORMAT);
            g_assert_null(out);
            g_assert_nonnull(strstr(err.text, path));
        }
    }
    assert_files(1);
}

static void
test_pieces_and_modes(void)
{
    g_autofree char *path = path_of("a"), *link = path_of("link");
    LimError err = LIM_ERROR_INIT;
    LimFileWriter *w = lim_file_writer_new(path, &err);
    lim_file_writer_put(w, "one ", 4);
    lim_file_writer_put(w, NULL, 0);
    lim_file_writer_put(w, "two", 3);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS)); /* not before it is finished */
    g_assert_cmpint(lim_file_writer_finish(w, &err), ==, LIM_OK);
    assert_content(path, "one two");

    /* The mode stays, and a link stays a link. */
    g_assert_cmpint(chmod(path, 0640), ==, 0);
    g_assert_cmpint(symlink("a", link), ==, 0);
    g_assert_cmpint(lim_file_write(link, "three", 5, &err), ==, LIM_OK);
    assert_content(path, "three");
    g_assert_true(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
    struct stat st;
    g_assert_cmpint(stat(path, &st), ==, 0);
    g_assert_cmpint(st.st_mode & 07777, ==, 0640);
    assert_files(2);
}

static void
test_abandon(void)
{
    g_autofree char *path = path_of("a");
    g_assert_cmpint(lim_file_write(path, "old", 3, NULL), ==, LIM_OK);
    LimFileWriter *w = lim_file_writer_new(path, NULL), *w2 = lim_file_writer_new(path, NULL);
    lim_file_writer_put(w, "new", 3);
    lim_file_writer_abandon(w);
    assert_content(path, "old");
    lim_file_writer_abandon(w2);
    lim_file_writer_abandon(NULL);
    assert_files(1);
}

/* A write that the system refuses leaves the old bytes and no temporary file. */
static void
test_full_disk(void)
{
    g_autofree char *path = path_of("a");
    g_assert_cmpint(lim_file_write(path, "old", 3, NULL), ==, LIM_OK);
    struct rlimit old, small = {100000, 100000};
    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &old), ==, 0);
    small.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &small), ==, 0);
    g_autofree char *big = g_malloc0(300000);
    LimError err = LIM_ERROR_INIT;
    LimFileWriter *w = lim_file_writer_new(path, &err);
    for (int i = 0; i < 5; i++)
        lim_file_writer_put(w, big, 300000);
    g_assert_cmpint(lim_file_writer_finish(w, &err), ==, LIM_E_IO);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &old), ==, 0);
    g_assert_nonnull(strstr(err.text, path));
    g_assert_nonnull(strstr(err.text, g_strerror(EFBIG)));
    assert_content(path, "old");
    assert_files(1);
}

static void
test_refusals(void)
{
    g_autofree char *missing = path_of("missing"), *deep = path_of("no/such/folder");
    g_autofree char *fifo = path_of("fifo");
    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    const char *unreadable[] = {missing, deep, folder, fifo, "/dev/null", ""};
    for (size_t i = 0; i < G_N_ELEMENTS(unreadable); i++) {
        LimError err = LIM_ERROR_INIT;
        uint8_t *data;
        size_t size;
        g_assert_cmpint(lim_file_read(unreadable[i], 100, &data, &size, &err), ==, LIM_E_IO);
        g_assert_null(data);
        g_assert_nonnull(strstr(err.text, unreadable[i]));
    }
    const char *unwritable[] = {deep, folder, fifo, "/dev/null", ""};
    for (size_t i = 0; i < G_N_ELEMENTS(unwritable); i++) {
        LimError err = LIM_ERROR_INIT;
        g_assert_cmpint(lim_file_write(unwritable[i], "x", 1, &err), ==, LIM_E_IO);
        g_assert_nonnull(strstr(err.text, unwritable[i]));
    }
    assert_files(1);
}

/* All levels at once; what is there is left alone; what is in the way is named. */
static void
test_folders(void)
{
    static const char *const names[] = {"a/b/c", "a/b", "a", NULL};
    g_autofree char *deep = path_of("a/b/c"), *slash = path_of("a//b/c/"), *file = path_of("f");
    g_autofree char *below = path_of("f/x"), *inside = path_of("a/b/c/f");
    LimError err = LIM_ERROR_INIT;

    g_assert_cmpint(lim_folder_make(deep, &err), ==, LIM_OK);
    g_assert_cmpint(lim_file_write(inside, "x", 1, &err), ==, LIM_OK);
    g_assert_cmpint(lim_folder_make(deep, &err), ==, LIM_OK);
    g_assert_cmpint(lim_folder_make(slash, &err), ==, LIM_OK);
    g_assert_cmpint(lim_folder_make("/", &err), ==, LIM_OK);
    g_assert_cmpint(g_unlink(inside), ==, 0);
    for (int i = 0; names[i]; i++) {
        g_autofree char *path = path_of(names[i]);
        g_assert_cmpint(g_rmdir(path), ==, 0);
    }
    g_assert_cmpint(lim_file_write(file, "x", 1, &err), ==, LIM_OK);
    g_assert_cmpstr(err.text, ==, "");
    const char *refused[] = {file, below, ""};
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_assert_cmpint(lim_folder_make(refused[i], &err), ==, LIM_E_IO);
        g_assert_nonnull(strstr(err.text, refused[i]));
        err = (LimError)LIM_ERROR_INIT;
    }
    g_unlink(file);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("limen-file-XXXXXX", NULL);
    g_assert_nonnull(folder);
    g_test_add_func("/file/round-trip", test_round_trip);
    g_test_add_func("/file/pieces-and-modes", test_pieces_and_modes);
    g_test_add_func("/file/abandon", test_abandon);
    g_test_add_func("/file/full-disk", test_full_disk);
    g_test_add_func("/file/refusals", test_refusals);
    g_test_add_func("/file/folders", test_folders);
    int result = g_test_run();
    g_rmdir(folder);
    g_free(folder);
    return result;
}
