/* A generator file for tests: the real architecture with random weights. */
#pragma once

#include "base/status.h"

/* Three classes ("Ankle boot", "Bag", "Coat"), width g_ch, grey pictures. */
LimStatus test_make_model(const char *path, int g_ch, LimError *err);
