/* The four pictures of the Attack view, side by side: clean, adversarial, denoised, difference. */
#pragma once

#include <gtk/gtk.h>

#include "panes/attack/run.h"
#include "widgets/lim-zoom.h"

#define LIM_TYPE_ATTACK_VIEW (lim_attack_view_get_type())
G_DECLARE_FINAL_TYPE(LimAttackView, lim_attack_view, LIM, ATTACK_VIEW, GtkWidget)

typedef enum LimAttackColumn {
    LIM_ATTACK_CLEAN,
    LIM_ATTACK_ADVERSARIAL,
    LIM_ATTACK_DENOISED,
    LIM_ATTACK_DIFFERENCE,
    LIM_ATTACK_N_PANES
} LimAttackColumn;

GtkWidget *lim_attack_view_new(void);
/* A new attack: the clean picture, the classes. */
void lim_attack_view_begin(LimAttackView *self, LimAttackRun *run);
/* The picture x [c][h][w] in [0,1] of the run beside the clean one, at once; what the classifier
 * says of it comes after. */
void lim_attack_view_show(LimAttackView *self, LimAttackRun *run, const float *x);
void lim_attack_view_judge(LimAttackView *self, const LimLookTask *look);
/* The column of a pane, borrowed. */
GtkWidget *lim_attack_view_get(LimAttackView *self, LimAttackColumn pane);
/* The gain of a difference: the largest of 1, 2, 5, 10, ... that keeps +-largest within +-1. */
double lim_difference_gain(double largest);
/* from - to (NULL: 0), both [c][h][w], times the gain as RGB pixels [h][w][3]: zero is neutral
 * grey, more is orange, less is blue; of several channels their mean. g_free(). */
guint8 *lim_difference_pixels(LimShape s, const float *from, const float *to, double gain);
/* The text under the pictures for the pixel under the pointer; g_free(). NULL: none is marked. */
char *lim_attack_view_dup_pixel(LimAttackView *self);
LimZoom *lim_attack_view_get_zoom(LimAttackView *self); /* borrowed */
