/* The window: header bar, views, menu, files dropped on it. */
#pragma once

#include <gtk/gtk.h>

#include "lim-pane.h"

#define LIM_TYPE_WINDOW (lim_window_get_type())
G_DECLARE_FINAL_TYPE(LimWindow, lim_window, LIM, WINDOW, GtkApplicationWindow)

LimWindow *lim_window_new(GtkApplication *app, LimSession *session);
/* A picture (.png) goes to the view in front, anything else is opened as a model. */
void lim_window_open_path(LimWindow *self, const char *path);
LimPane *lim_window_get_pane(LimWindow *self, const char *name); /* borrowed, or NULL */
