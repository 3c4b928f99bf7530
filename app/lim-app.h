/* The application: one session, one window, the style, the menu's application actions. */
#pragma once

#include <gtk/gtk.h>

#include "lim-window.h"

#define LIM_APP_ID "org.limen.Limen"

#define LIM_TYPE_APP (lim_app_get_type())
G_DECLARE_FINAL_TYPE(LimApp, lim_app, LIM, APP, GtkApplication)

/* flags are added to G_APPLICATION_HANDLES_OPEN; tests pass G_APPLICATION_NON_UNIQUE. */
LimApp *lim_app_new(GApplicationFlags flags);
LimWindow *lim_app_get_window(LimApp *self);   /* borrowed; NULL before activation */
LimSession *lim_app_get_session(LimApp *self); /* borrowed; NULL before startup */
