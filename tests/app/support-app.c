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
    g_autofree char *models = g_build_filename(folder, "models", NULL);
    g_mkdir(models, 0700);
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

char *
test_model_path(const char *name)
{
    return g_build_filename(folder, "models", name, NULL);
}

void
test_ship_model(const char *name)
{
    g_autofree char *to = test_model_path(name), *data = NULL;
    g_autofree char *from =
        g_build_filename(g_getenv("LIMEN_SOURCE"), "resources", "models", name, NULL);
    gsize size;

    g_assert_true(g_file_get_contents(from, &data, &size, NULL));
    g_assert_true(g_file_set_contents(to, data, (gssize)size, NULL));
}

void
test_same_files(const char *one, const char *two)
{
    g_autofree char *a = NULL, *b = NULL;
    gsize na, nb;

    g_assert_true(g_file_get_contents(one, &a, &na, NULL));
    g_assert_true(g_file_get_contents(two, &b, &nb, NULL));
    g_assert_cmpmem(a, na, b, nb);
}

typedef struct {
    void (*body)(TestApp *t);
    TestApp t;
} Run;

static TestApp *running;

static void
note_text(LimStatusLine *status)
{
    g_ptr_array_add(texts, g_strdup(lim_status_line_get_shown(status)));
}

void
test_take_view(TestApp *t, const char *name)
{
    LimPane *pane = lim_window_get_pane(t->window, name);
    GtkWidget *root = GTK_WIDGET(pane);

    g_set_object(&t->pane, pane);
    t->form = LIM_FORM(test_find_type(root, LIM_TYPE_FORM));
    t->message = LIM_MESSAGE(test_find_type(root, LIM_TYPE_MESSAGE));
    t->status = LIM_STATUS_LINE(test_find_type(root, LIM_TYPE_STATUS_LINE));
    GtkWidget *label =
        gtk_widget_get_first_child(gtk_widget_get_first_child(GTK_WIDGET(t->status)));
    g_signal_handlers_disconnect_by_func(label, note_text, t->status);
    g_signal_connect_swapped(label, "notify::label", G_CALLBACK(note_text), t->status);
}

void
test_show_view(TestApp *t, const char *name)
{
    g_action_group_change_action_state(G_ACTION_GROUP(t->window), "view",
                                       g_variant_new_string(name));
}

static void
activated(GApplication *application, Run *run)
{
    TestApp *t = running = &run->t;

    t->app = LIM_APP(application);
    t->window = g_object_ref(lim_app_get_window(t->app));
    test_take_view(t, "generate");
    t->grid = LIM_IMAGE_GRID(test_find_type(GTK_WIDGET(t->pane), LIM_TYPE_IMAGE_GRID));
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
    g_autofree char *path = test_model_path("fashion-gan.safetensors");
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
wake(gpointer data)
{
    return G_SOURCE_CONTINUE;
}

guint
test_wake(void)
{
    return g_timeout_add(20, wake, NULL);
}

void
test_tell_status(void)
{
    g_printerr("status line: %s\n", lim_status_line_get_shown(running->status));
}

#define SECONDS 20

void
test_wait_serial(TestApp *t, guint serial)
{
    TEST_WAIT(lim_image_grid_get_serial(t->grid) >= serial, SECONDS);
}

void
test_wait_current(TestApp *t)
{
    gboolean current = FALSE;

    TEST_WAIT((g_object_get(t->pane, "current", &current, NULL), current), SECONDS);
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
    TEST_WAIT(was_shown(t, start), SECONDS);
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

gboolean
test_can(TestApp *t, const char *action)
{
    return g_action_group_get_action_enabled(G_ACTION_GROUP(lim_pane_get_actions(t->pane)), action);
}

void
test_set(TestApp *t, const char *key, GVariant *value)
{
    lim_form_row_set_value(lim_form_get_row(t->form, key), value);
}

static void
take_text(GObject *clipboard, GAsyncResult *result, gpointer to)
{
    *(char **)to = gdk_clipboard_read_text_finish(GDK_CLIPBOARD(clipboard), result, NULL);
}

char *
test_dup_copied(TestApp *t)
{
    char *text = NULL;

    gdk_clipboard_read_text_async(gtk_widget_get_clipboard(GTK_WIDGET(t->window)), NULL, take_text,
                                  &text);
    TEST_WAIT(text, SECONDS);
    g_test_message("%s", text);
    return text;
}

char *
test_run_command(const char *command)
{
    g_autofree char *program = g_path_get_dirname(g_getenv("LIMEN_CLI"));
    g_autofree char *search = g_strdup_printf("%s:%s", program, g_getenv("PATH"));
    g_auto(GStrv) env = g_environ_setenv(g_get_environ(), "PATH", search, TRUE);
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)command, NULL}, *printed = NULL;
    g_autoptr(GError) error = NULL;
    int status = -1;

    g_assert_true(g_str_has_prefix(command, "limen-cli "));
    g_spawn_sync(test_folder(), argv, env, G_SPAWN_SEARCH_PATH, NULL, NULL, &printed, NULL, &status,
                 &error);
    g_assert_no_error(error);
    g_assert_true(g_spawn_check_wait_status(status, &error));
    return printed;
}

void
test_check_command(TestApp *t)
{
    g_autofree char *exported = g_build_filename(test_folder(), "exported.png", NULL);
    g_autofree char *commanded = g_build_filename(test_folder(), "sheet.png", NULL);

    g_unlink(exported);
    g_unlink(commanded);
    test_action(t, "export-to", g_variant_new_string(exported));
    TEST_WAIT(g_file_test(exported, G_FILE_TEST_EXISTS), SECONDS);
    test_action(t, "copy-command", NULL);
    g_autofree char *command = test_dup_copied(t);
    g_free(test_run_command(command));
    test_same_files(exported, commanded);
}
