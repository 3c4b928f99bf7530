/* What the tests of widgets share. */
#pragma once

#include <gtk/gtk.h>

/* gtk_test_init(), or a skipped test program where there is no display. */
void test_ui_init(int *argc, char ***argv);
/* Runs the main loop until *flag or five seconds; fails the test then. */
void test_wait(const gboolean *flag);
/* Runs the main loop for some milliseconds. */
void test_spin(guint ms);
/* Runs what is pending. */
void test_settle(void);
/* Shows widget in a window of its own size and waits until it is drawn; destroy the window. */
GtkWindow *test_show(GtkWidget *widget, int width, int height);
/* The widget as drawn now: RGB bytes, rows of 3 * width; g_free(). */
guint8 *test_render(GtkWidget *widget, int scale, int *width, int *height);
/* First widget in the tree below root of this type / other than a GtkLabel with this accessible
 * label; or NULL. */
GtkWidget *test_find_type(GtkWidget *root, GType type);
GtkWidget *test_find_labelled(GtkWidget *root, const char *label);
/* Sends a key press to widget's controllers. TRUE when one of them took it. */
gboolean test_key(GtkWidget *widget, guint keyval, GdkModifierType state);
/* A counter of emissions, such as of "notify::stale"; lives as long as the object. */
guint *test_count(gpointer object, const char *signal);
