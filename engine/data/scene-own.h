/* Scenes of one's own: a picture of any size, and what is in it as far as a network says so. */
#pragma once

#include "data/scenes.h"

/* A PNG file as a scene: x [3][size][size] in [-1,1], rounded to bytes. The largest square in the
 * middle of the picture is taken and shrunk by the mean over what each pixel covers, or enlarged by
 * repeating pixels. */
LimStatus lim_scene_read(const char *path, int size, float *x, LimError *err);

/* The garments of a mask [size][size]: each connected part (by sides) of a class other than 0 with
 * at least 40 pixels, the largest LIM_SCENE_GARMENTS of them, the largest first. source is 0. */
void lim_scene_of_mask(const int32_t *mask, int size, LimScene *scene);

/* A segmentation [size][size] as a PNG file whose grey values are class numbers. Reading refuses
 * pictures of another size, and values that are no class. */
LimStatus lim_scene_read_mask(const char *path, int size, int classes, int32_t *mask,
                              LimError *err);
LimStatus lim_scene_write_mask(const char *path, int size, const int32_t *mask, LimError *err);
