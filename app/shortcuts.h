/* Every key of the window, from one table: accelerators and the help window. */
#pragma once

#include <gtk/gtk.h>

typedef struct LimShortcut {
    const char *group;
    const char *title;
    const char *action; /* detailed action name; NULL: the widget in focus handles the key */
    const char *accels; /* separated by spaces, as GtkShortcutsShortcut wants them */
} LimShortcut;

extern const LimShortcut lim_shortcuts[]; /* ended by {0} */

void lim_shortcuts_install(GtkApplication *app);
GtkWidget *lim_shortcuts_window_new(void); /* a new GtkShortcutsWindow, floating */
