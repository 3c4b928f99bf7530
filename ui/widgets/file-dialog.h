/* Asking for a file, to open or to write. The dialog belongs to a widget: it stands above the
 * widget's window, there is one at a time, and it goes when the widget goes. */
#pragma once

#include <gtk/gtk.h>

/* One was chosen. */
typedef void (*LimFileChosen)(gpointer owner, const char *path);

/* Files that a dialog offers: those with the suffix, under that name. */
typedef struct LimFileKind {
    const char *name, *suffix; /* "Models (safetensors)", "safetensors" */
    gboolean others;           /* all files may be offered too */
} LimFileKind;

/* Does nothing while another dialog of the widget is open. */
void lim_file_dialog_open(GtkWidget *owner, const char *title, const LimFileKind *kind,
                          LimFileChosen chosen);
/* accept: the word on the button that ends it; name: proposed for the file. */
void lim_file_dialog_save(GtkWidget *owner, const char *title, const char *accept, const char *name,
                          LimFileChosen chosen);
