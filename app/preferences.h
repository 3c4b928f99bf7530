/* What the window remembers: a key file in the user's configuration folder. */
#pragma once

#include "lim-color-scheme.h"

typedef struct LimPreferences {
    int width, height; /* of the window when it is not maximized */
    gboolean maximized;
    LimStyle style;
} LimPreferences;

/* Missing or damaged files and values out of range give the defaults. */
LimPreferences lim_preferences_load(void);
/* Atomically; a folder that cannot be written is not worth a message. */
void lim_preferences_save(const LimPreferences *p);

/* What the views had when the window was closed, a{sv}: a state of its own below the name of each
 * view, and below "view" the one that was in front. A full reference; empty when there is none. */
GVariant *lim_last_session_load(void);
void lim_last_session_save(GVariant *session); /* sinks */
