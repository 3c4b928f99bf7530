/* Dark or light: the person's choice, or what the desktop says.
 *
 * GTK 4.8 does not follow the desktop's preference by itself; this object asks the settings portal
 * (org.freedesktop.portal.Settings, key org.freedesktop.appearance color-scheme), listens for
 * changes, and switches the theme of the default display. Without a portal nothing happens and the
 * theme's own choice stays. */
#pragma once

#include <gtk/gtk.h>

typedef enum LimStyle { LIM_STYLE_SYSTEM, LIM_STYLE_LIGHT, LIM_STYLE_DARK } LimStyle;

#define LIM_TYPE_COLOR_SCHEME (lim_color_scheme_get_type())
G_DECLARE_FINAL_TYPE(LimColorScheme, lim_color_scheme, LIM, COLOR_SCHEME, GObject)

LimColorScheme *lim_color_scheme_new(void);
void lim_color_scheme_set_style(LimColorScheme *self, LimStyle style);
LimStyle lim_color_scheme_get_style(LimColorScheme *self);
gboolean lim_color_scheme_get_dark(LimColorScheme *self); /* what is in effect */

/* "system", "light", "dark"; and back (unknown words: system). */
const char *lim_style_name(LimStyle style);
LimStyle lim_style_from_name(const char *name);
