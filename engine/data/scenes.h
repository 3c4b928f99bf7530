/* Scenes: pictures with several garments in them, for segmentation and detection.
 *
 * A scene is a function of the settings, the split and its number, made when it is asked for: a
 * textured background, and on it pictures of a data set, each scaled, turned, mirrored, coloured
 * (grey ones) and shaded, with a shadow; later ones cover parts of earlier ones. Because the
 * program draws the scene, masks and boxes are exact. Values are whole bytes, so a scene is the
 * same as its PNG file.
 *
 * What belongs to a garment: pixels brighter than 8 of 255, and dark spots inside of fewer than 16
 * pixels. A mask gives each pixel to the topmost garment that covers at least half of it; a box is
 * the smallest that holds what is visible of a garment (as in PASCAL VOC). At least 60 % of every
 * garment is visible, and at least 40 pixels.
 *
 * Splits use different source pictures: train and validation come from the training pictures (every
 * sixth of a class is for validation), test from the test pictures. Of a folder without splits,
 * every sixth picture of a class is for test and the one before it for validation.
 *
 * Fashion-MNIST's ten classes become seven: T-shirts, pullovers, coats and shirts are one class
 * "top", because at this size people confuse them too. Other data keeps its classes. */
#pragma once

#include "base/param.h"
#include "data/dataset.h"

#define LIM_SCENE_GARMENTS 6   /* at most */
#define LIM_SCENE_SIDE     128 /* at most */

typedef struct LimSceneSettings {
    uint64_t seed;
    int size;         /* pixels of a side */
    int fewest, most; /* garments; fewer only where no place is left */
} LimSceneSettings;
extern const LimParamSpec lim_scene_schema[];

typedef enum LimSceneSplit { LIM_SCENE_TRAIN, LIM_SCENE_VALIDATION, LIM_SCENE_TEST } LimSceneSplit;
extern const char *const lim_scene_splits[]; /* "train", "validation", "test", NULL */

/* A garment: its class as in masks, from 1; the source picture's index in its file; the box x0, y0,
 * x1, y1 in pixels from the top left corner, x1 and y1 one past the last; visible pixels. */
typedef struct LimSceneObject {
    int label;
    uint32_t source;
    float box[4];
    int pixels;
} LimSceneObject;
typedef struct LimScene {
    int n;
    LimSceneObject object[LIM_SCENE_GARMENTS];
} LimScene;

typedef struct LimScenes LimScenes;

/* dir: as for lim_dataset_open(). NULL and err on failure. */
LimScenes *lim_scenes_open(const LimSceneSettings *s, const char *dir, LimSceneSplit split,
                           LimError *err);
/* From a data set in memory (borrowed). A set whose split is "all" is cut as above; of any other
 * set, TEST takes everything, and the other two share it. */
LimScenes *lim_scenes_new(const LimSceneSettings *s, const LimDataset *d, LimSceneSplit split,
                          LimError *err);
void lim_scenes_free(LimScenes *s); /* NULL is fine */
int lim_scenes_size(const LimScenes *s);
int lim_scenes_classes(const LimScenes *s); /* with the background, which is 0 */
const char *lim_scenes_class_name(const LimScenes *s, int k);
/* The classes as a data set without pictures, for what names its classes by one; borrowed. */
const LimDataset *lim_scenes_naming(const LimScenes *s);
/* How many source pictures the split has. */
int lim_scenes_sources(const LimScenes *s);

/* Scene number `index`: x [3][size][size] in [-1,1] (may not be NULL); mask [size][size] of classes
 * and scene may be NULL. Allocates nothing; threads may draw at the same time. */
void lim_scenes_draw(const LimScenes *s, uint64_t index, float *x, int32_t *mask, LimScene *scene);
/* The garment that pixel x, y of a mask [size][size] belongs to: of those of its class whose box
 * holds it, the topmost; -1: none (background). */
int lim_scene_garment_at(const LimScene *scene, const int32_t *mask, int size, int x, int y);
