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
