/* Perturbations of the scene made on all four networks, each with a slider: their weighted sum is
 * what all networks look at.
 *
 * They are made when the page is seen first. Signal "changed": the sum is another one. */
#pragma once

#include <gtk/gtk.h>

#include "lim-session.h"
#include "panes/scenes/many.h"

#define LIM_TYPE_FUSION_PAGE (lim_fusion_page_get_type())
G_DECLARE_FINAL_TYPE(LimFusionPage, lim_fusion_page, LIM, FUSION_PAGE, GtkWidget)

GtkWidget *lim_fusion_page_new(LimSession *session);
/* What they are made from (plan is copied); drops what was made for another. */
void lim_fusion_page_set(LimFusionPage *self, LimScenesStage *stage, const LimScenesPlan *plan);
/* The perturbations that are there with their weights, borrowed from the page: returns how many. */
int lim_fusion_page_get(LimFusionPage *self, const float *r[LIM_SCENES_NETS],
                        double weight[LIM_SCENES_NETS], gboolean *permute);
gboolean lim_fusion_page_get_busy(LimFusionPage *self);
