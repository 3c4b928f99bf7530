/* Native file dialogs. They are no widgets: whoever shows one must keep it. */
#include "widgets/file-dialog.h"

#define KEY "lim-file-dialog"

static void
close_dialog(gpointer dialog)
{
    gtk_native_dialog_destroy(dialog);
    g_object_unref(dialog);
}

static void
owner_destroyed(GtkWidget *owner)
{
    g_object_set_data(G_OBJECT(owner), KEY, NULL);
}

static void
response(GtkNativeDialog *dialog, int id, GtkWidget *owner)
{
    g_autoptr(GFile) file = gtk_file_chooser_get_file(GTK_FILE_CHOOSER(dialog));
    g_autofree char *path = file ? g_file_get_path(file) : NULL;
    LimFileChosen chosen = (LimFileChosen)g_object_get_data(G_OBJECT(dialog), KEY);

    g_object_ref(owner);
    g_object_set_data(G_OBJECT(owner), KEY, NULL); /* it may ask again at once */
    if (id == GTK_RESPONSE_ACCEPT && path)
        chosen(owner, path);
    g_object_unref(owner);
}

/* NULL when there is one already. */
static GtkFileChooser *
new_dialog(GtkWidget *owner, const char *title, GtkFileChooserAction action, const char *accept,
           LimFileChosen chosen)
{
    if (g_object_get_data(G_OBJECT(owner), KEY))
        return NULL;
    GtkFileChooserNative *dialog =
        gtk_file_chooser_native_new(title, GTK_WINDOW(gtk_widget_get_root(owner)), action, accept,
                                    "_Cancel");

    g_object_set_data(G_OBJECT(dialog), KEY, (gpointer)chosen);
    g_object_set_data_full(G_OBJECT(owner), KEY, dialog, close_dialog);
    g_signal_connect_object(owner, "destroy", G_CALLBACK(owner_destroyed), dialog, 0);
    g_signal_connect_object(dialog, "response", G_CALLBACK(response), owner, 0);
    return GTK_FILE_CHOOSER(dialog);
}

static void
add_filter(GtkFileChooser *chooser, const char *name, const char *suffix)
{
    g_autoptr(GtkFileFilter) filter = gtk_file_filter_new();

    gtk_file_filter_set_name(filter, name);
    if (suffix)
        gtk_file_filter_add_suffix(filter, suffix);
    else
        gtk_file_filter_add_pattern(filter, "*");
    gtk_file_chooser_add_filter(chooser, filter);
}

void
lim_file_dialog_open(GtkWidget *owner, const char *title, const LimFileKind *kind,
                     LimFileChosen chosen)
{
    GtkFileChooser *chooser =
        new_dialog(owner, title, GTK_FILE_CHOOSER_ACTION_OPEN, "_Open", chosen);

    if (!chooser)
        return;
    add_filter(chooser, kind->name, kind->suffix);
    if (kind->others)
        add_filter(chooser, "All files", NULL);
    gtk_native_dialog_show(GTK_NATIVE_DIALOG(chooser));
}

void
lim_file_dialog_save(GtkWidget *owner, const char *title, const char *accept, const char *name,
                     LimFileChosen chosen)
{
    g_autofree char *proposed = g_strdelimit(g_strdup(name), "/", '-');
    GtkFileChooser *chooser =
        new_dialog(owner, title, GTK_FILE_CHOOSER_ACTION_SAVE, accept, chosen);

    if (!chooser)
        return;
    gtk_file_chooser_set_current_name(chooser, proposed);
    gtk_native_dialog_show(GTK_NATIVE_DIALOG(chooser));
}
