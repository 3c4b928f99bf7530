/* A generator file for tests: the real architecture with random weights. */
#pragma once

#include "base/status.h"

/* Three classes ("Ankle boot", "Bag", "Coat"), width g_ch, grey pictures. */
LimStatus test_make_model(const char *path, int g_ch, LimError *err);
/* A classifier of the same three classes with random weights, and features of 90 real pictures that
 * are random as well. */
LimStatus test_make_judge(const char *classifier_path, const char *features_path, LimError *err);

/* A segmenter (kind 0) or detector (1) of scenes of Fashion-MNIST with a backbone (0, 1). */
LimStatus test_make_scene_net(const char *path, int kind, int backbone, LimError *err);
