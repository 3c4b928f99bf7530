/* File dialogs: one at a time, nothing is chosen by cancelling, and none outlives its owner. */
#include "support.h"

#include "widgets/file-dialog.h"

#include <glib/gstdio.h>

static char *got;
static gboolean any;

static void
chosen(gpointer owner, const char *path)
{
    g_assert_true(GTK_IS_WIDGET(owner));
    g_free(got);
    got = g_strdup(path);
    any = TRUE;
}

/* How many dialogs there are; the last of them. */
static int
dialogs(GtkFileChooser **dialog)
{
    GListModel *windows = gtk_window_get_toplevels();
    int n = 0;

    for (guint i = 0; i < g_list_model_get_n_items(windows); i++) {
        g_autoptr(GObject) window = g_list_model_get_item(windows, i);
        if (!GTK_IS_FILE_CHOOSER(window) || !gtk_widget_get_visible(GTK_WIDGET(window)))
            continue;
        n++;
        if (dialog)
            *dialog = GTK_FILE_CHOOSER(window);
    }
    return n;
}

static void
respond(GtkFileChooser *dialog, int response)
{
    gtk_dialog_response(GTK_DIALOG(dialog), response);
    test_settle();
}

static void
test_save(void)
{
    GtkWidget *owner = gtk_label_new("owner");
    GtkWindow *window = test_show(owner, 200, 100);
    GtkFileChooser *dialog = NULL;
    g_autofree char *folder = g_dir_make_tmp("limen-test-XXXXXX", NULL);
    g_autofree char *wanted = g_build_filename(folder, "a-b.png", NULL);
    g_autoptr(GFile) place = g_file_new_for_path(folder);

    lim_file_dialog_save(owner, "Export PNG", "_Export", "a/b.png", chosen);
    test_settle();
    g_assert_cmpint(dialogs(&dialog), ==, 1);
    g_assert_cmpstr(gtk_window_get_title(GTK_WINDOW(dialog)), ==, "Export PNG");
    g_assert_true(gtk_window_get_transient_for(GTK_WINDOW(dialog)) == window);
    g_autofree char *name = gtk_file_chooser_get_current_name(dialog);
    g_assert_cmpstr(name, ==, "a-b.png"); /* not a folder a */
    lim_file_dialog_save(owner, "Export PNG", "_Export", "again.png", chosen);
    test_settle();
    g_assert_cmpint(dialogs(NULL), ==, 1);
    respond(dialog, GTK_RESPONSE_CANCEL);
    g_assert_null(got);
    g_assert_cmpint(dialogs(NULL), ==, 0);

    lim_file_dialog_save(owner, "Export PNG", "_Export", "a/b.png", chosen);
    test_settle();
    g_assert_cmpint(dialogs(&dialog), ==, 1);
    g_assert_true(gtk_file_chooser_set_current_folder(dialog, place, NULL));
    test_settle();
    respond(dialog, GTK_RESPONSE_ACCEPT);
    test_wait(&any); /* it looks at the folder first */
    g_assert_cmpstr(got, ==, wanted);
    g_clear_pointer(&got, g_free);
    gtk_window_destroy(window);
    g_rmdir(folder);
}

static void
test_open(void)
{
    GtkWidget *owner = gtk_label_new("owner");
    GtkWindow *window = test_show(owner, 200, 100);
    GtkFileChooser *dialog = NULL;
    const LimFileKind models = {"Models", "safetensors", TRUE}, pictures = {"Pictures", "png"};

    for (int k = 0; k < 2; k++) {
        lim_file_dialog_open(owner, "Open", k ? &pictures : &models, chosen);
        test_settle();
        g_assert_cmpint(dialogs(&dialog), ==, 1);
        g_autoptr(GListModel) filters = gtk_file_chooser_get_filters(dialog);
        g_autoptr(GtkFileFilter) first = g_list_model_get_item(filters, 0);
        g_assert_cmpuint(g_list_model_get_n_items(filters), ==, k ? 1 : 2);
        g_assert_cmpstr(gtk_file_filter_get_name(first), ==, k ? "Pictures" : "Models");
        if (!k)
            respond(dialog, GTK_RESPONSE_CANCEL);
    }
    /* the owner goes while the window stays */
    g_object_add_weak_pointer(G_OBJECT(owner), (gpointer *)&owner);
    gtk_window_set_child(window, NULL);
    test_settle();
    g_assert_null(owner);
    g_assert_cmpint(dialogs(NULL), ==, 0);
    g_assert_null(got);
    gtk_window_destroy(window);
}

int
main(int argc, char **argv)
{
    test_ui_init(&argc, &argv);
    g_test_add_func("/file-dialog/save", test_save);
    g_test_add_func("/file-dialog/open", test_open);
    return g_test_run();
}
