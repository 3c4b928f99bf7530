/* Scenes for people: what a mask and boxes say, drawn over a picture. */
#pragma once

#include "data/scenes.h"
#include "tensor/image.h"

/* A box to draw: its class and corners as in LimSceneObject; score below 0: none is written. */
typedef struct LimSceneMark {
    int label;
    float box[4], score;
} LimSceneMark;

/* The colour of a class, from a set that colour-blind people can tell apart; 0 (background) is
 * black. Classes above 8 repeat the colours, darker. */
void lim_scene_colour(int label, uint8_t rgb[3]);

/* x [3][size][size] in [-1,1] into dst (LIM_PIXEL_RGB8, scale * size on a side), each pixel as
 * scale x scale; over it half-transparent the mask [size][size] with an outline where classes meet
 * (NULL: none), and boxes with the names of their classes. */
void lim_scene_overlay(LimImageView dst, int size, int scale, const float *x, const int32_t *mask,
                       const LimSceneMark *marks, int n_marks, const LimDataset *naming);
