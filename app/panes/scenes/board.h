/* The pictures of the Scenes view: the scene with what is in it, and for each of four networks what
 * it sees in the clean and in the adversarial picture, every pixel a sharp square.
 *
 * Signals, of the clean picture of the network that is attacked: "garment-picked" (int number, from
 * 0) after a click; "brushed" (int x, int y) and "brush-end" while it is a canvas. */
#pragma once

#include <gtk/gtk.h>

#include "panes/scenes/run.h"
#include "widgets/lim-picture-view.h"

#define LIM_TYPE_SCENE_BOARD (lim_scene_board_get_type())
G_DECLARE_FINAL_TYPE(LimSceneBoard, lim_scene_board, LIM, SCENE_BOARD, GtkWidget)

typedef enum LimScenePart {
    LIM_SCENE_PART_TRUTH,
    LIM_SCENE_PART_DIFFERENCE,
    LIM_SCENE_PART_CLEAN, /* + number of the network */
    LIM_SCENE_PART_ADVERSARIAL = LIM_SCENE_PART_CLEAN + LIM_SCENES_NETS, /* the same */
    LIM_SCENE_N_PARTS = LIM_SCENE_PART_ADVERSARIAL + LIM_SCENES_NETS
} LimScenePart;

GtkWidget *lim_scene_board_new(void);
/* Another scene: what is in it and what networks see in it. */
void lim_scene_board_set_stage(LimSceneBoard *self, LimScenesStage *stage);
/* What they see in another picture of that scene. title: of the lower row. */
void lim_scene_board_set_look(LimSceneBoard *self, const LimScenesLookTask *look,
                              const char *title);
void lim_scene_board_set_opacity(LimSceneBoard *self, double opacity);
/* The network that is attacked, and the garments that are (bits; 0: everything). */
void lim_scene_board_set_attacked(LimSceneBoard *self, int net, guint only);
/* A segmentation [size][size] in place of what the attacked network sees, to paint on; NULL: none.
 */
void lim_scene_board_set_canvas(LimSceneBoard *self, const int32_t *wanted);
/* Frames one column, as one looks at a cell of a table; -1: none. */
void lim_scene_board_set_judge(LimSceneBoard *self, int net);
/* The view of a part, and the number beside its title; borrowed. */
LimPictureView *lim_scene_board_get_view(LimSceneBoard *self, int part);
const char *lim_scene_board_get_value(LimSceneBoard *self, int part);
LimZoom *lim_scene_board_get_zoom(LimSceneBoard *self);
