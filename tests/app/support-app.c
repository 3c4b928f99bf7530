#include "support-app.h"

#include <glib/gstdio.h>

static char *folder;
static gboolean resumes;
static GPtrArray *texts; /* of the status line since the last action, or the last waited for */

const char *
test_folder(void)
{
    return folder;
}

static void
remove_folder(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *child = g_build_filename(path, name, NULL);
        if (g_file_test(child, G_FILE_TEST_IS_DIR))
            remove_folder(child);
        else
            g_unlink(child);
    }
    g_rmdir(path);
}

static void
remove_at_exit(void)
{
    remove_folder(folder);
    g_free(folder);
}

void
test_app_init(int *argc, char ***argv)
{
    folder = g_dir_make_tmp("limen-test-XXXXXX", NULL);
    g_assert_nonnull(folder);
    atexit(remove_at_exit);
    g_setenv("XDG_CONFIG_HOME", folder, TRUE);
    g_setenv("XDG_CACHE_HOME", folder, TRUE);
    g_setenv("LIMEN_DATA", folder, TRUE);
    test_ui_init(argc, argv);
}

char *
test_file(const char *name, const char *text)
{
    char *path = g_build_filename(folder, name, NULL);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    return path;
}

typedef struct {
    void (*body)(TestApp *t);
    TestApp t;
} Run;

static void
note_text(LimStatusLine *status)
{
    g_ptr_array_add(texts, g_strdup(lim_status_line_get_shown(status)));
}

static void
activated(GApplication *application, Run *run)
{
    TestApp *t = &run->t;

    t->app = LIM_APP(application);
    t->window = lim_app_get_window(t->app);
    t->pane = lim_window_get_pane(t->window, "generate");
    t->form = LIM_FORM(test_find_type(GTK_WIDGET(t->pane), LIM_TYPE_FORM));
    t->grid = LIM_IMAGE_GRID(test_find_type(GTK_WIDGET(t->pane), LIM_TYPE_IMAGE_GRID));
    t->message = LIM_MESSAGE(test_find_type(GTK_WIDGET(t->pane), LIM_TYPE_MESSAGE));
    t->status = LIM_STATUS_LINE(test_find_type(GTK_WIDGET(t->pane), LIM_TYPE_STATUS_LINE));
    g_object_ref(t->window);
    g_object_ref(t->pane);
    g_signal_connect_swapped(gtk_widget_get_first_child(
                                 gtk_widget_get_first_child(GTK_WIDGET(t->status))),
                             "notify::label", G_CALLBACK(note_text), t->status);
    run->body(t);
    gtk_window_close(GTK_WINDOW(t->window));
}

void
test_app_resume(void)
{
    resumes = TRUE;
}

void
test_app_run(const char *model, void (*body)(TestApp *t))
{
    Run run = {.body = body};
    LimApp *app = lim_app_new(G_APPLICATION_NON_UNIQUE);
    g_autofree char *models = g_build_filename(folder, "models", NULL);
    g_autofree char *path = g_build_filename(models, "fashion-gan.safetensors", NULL);

    g_mkdir_with_parents(models, 0700);
    g_autofree char *session = g_build_filename(folder, "limen", "session", NULL);
    if (!resumes)
        g_unlink(session);
    resumes = FALSE;
    if (model)
        g_unlink(path);
    if (model && *model)
        g_assert_true(g_file_set_contents(path, model, -1, NULL));
    texts = g_ptr_array_new_with_free_func(g_free);
    g_signal_connect_after(app, "activate", G_CALLBACK(activated), &run);
    g_assert_cmpint(g_application_run(G_APPLICATION(app), 0, NULL), ==, 0);
    test_settle();
    g_assert_finalize_object(run.t.window);
    g_assert_finalize_object(run.t.pane);
    g_assert_finalize_object(app);
    g_clear_pointer(&texts, g_ptr_array_unref);
}

static gboolean
on_time(gint64 start)
{
    return g_get_monotonic_time() - start < 20 * G_USEC_PER_SEC;
}

static gboolean
wake(gpointer data)
{
    return G_SOURCE_CONTINUE;
}

#define WAIT_FOR(condition)                                                        \
    do {                                                                           \
        gint64 start_ = g_get_monotonic_time();                                    \
        guint wake_ = g_timeout_add(20, wake, NULL);                               \
        while (!(condition) && on_time(start_))                                    \
            g_main_context_iteration(NULL, TRUE);                                  \
        g_source_remove(wake_);                                                    \
        if (!(condition))                                                          \
            g_printerr("status line: %s\n", lim_status_line_get_shown(t->status)); \
        g_assert_true(condition);                                                  \
    } while (0)

void
test_wait_serial(TestApp *t, guint serial)
{
    WAIT_FOR(lim_image_grid_get_serial(t->grid) >= serial);
}

void
test_wait_current(TestApp *t)
{
    gboolean current = FALSE;

    WAIT_FOR((g_object_get(t->pane, "current", &current, NULL), current));
}

/* Passing messages are gone after four seconds, however slow the machine was meanwhile: what counts
 * is that one was shown. */
static gboolean
was_shown(TestApp *t, const char *start)
{
    for (guint i = 0; i < texts->len; i++)
        if (g_str_has_prefix(g_ptr_array_index(texts, i), start))
            return TRUE;
    return g_str_has_prefix(lim_status_line_get_shown(t->status), start);
}

void
test_wait_status(TestApp *t, const char *start)
{
    WAIT_FOR(was_shown(t, start));
    g_ptr_array_set_size(texts, 0);
}

void
test_action(TestApp *t, const char *name, GVariant *parameter)
{
    g_ptr_array_set_size(texts, 0);
    g_action_group_activate_action(G_ACTION_GROUP(lim_pane_get_actions(t->pane)), name, parameter);
}

GVariant *
test_value(TestApp *t, const char *key)
{
    return lim_form_row_dup_value(lim_form_get_row(t->form, key));
}

static void
take_text(GObject *clipboard, GAsyncResult *result, gpointer to)
{
    *(char **)to = gdk_clipboard_read_text_finish(GDK_CLIPBOARD(clipboard), result, NULL);
}

void
test_check_command(TestApp *t)
{
    g_autofree char *exported = g_build_filename(test_folder(), "exported.png", NULL);
    g_autofree char *commanded = g_build_filename(test_folder(), "sheet.png", NULL);
    g_autofree char *program = g_path_get_dirname(g_getenv("LIMEN_CLI"));
    g_autofree char *search = g_strdup_printf("%s:%s", program, g_getenv("PATH"));
    g_autofree char *one = NULL, *two = NULL;
    gsize one_size, two_size;
    char *text = NULL;
    int status = -1;

    g_unlink(exported);
    g_unlink(commanded);
    test_action(t, "export-to", g_variant_new_string(exported));
    WAIT_FOR(!lim_form_pane_exports(LIM_FORM_PANE(t->pane)));
    test_action(t, "copy-command", NULL);
    gdk_clipboard_read_text_async(gtk_widget_get_clipboard(GTK_WIDGET(t->window)), NULL, take_text,
                                  &text);
    WAIT_FOR(text);
    g_test_message("%s", text);

    char *argv[] = {(char *)"sh", (char *)"-c", text, NULL};
    g_auto(GStrv) env = g_environ_setenv(g_get_environ(), "PATH", search, TRUE);
    g_autoptr(GError) error = NULL;
    g_spawn_sync(test_folder(), argv, env, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL,
                 NULL, NULL, NULL, &status, &error);
    g_assert_no_error(error);
    g_assert_true(g_spawn_check_wait_status(status, &error));
    g_free(text);

    g_assert_true(g_file_get_contents(exported, &one, &one_size, NULL));
    g_assert_true(g_file_get_contents(commanded, &two, &two_size, NULL));
    g_assert_cmpmem(one, one_size, two, two_size);
}
