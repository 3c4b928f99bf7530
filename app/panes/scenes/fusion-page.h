/* Perturbations of the scene made on all four networks, each with a slider: their weighted sum is
 * what all networks look at.
 *
 * They are made when the page is seen first. Signals: "changed": the sum is another one; "settled":
 * the person has finished a change of it (one undo step). */
#pragma once

#include <gtk/gtk.h>

#include "lim-session.h"
#include "panes/scenes/many.h"
#include "widgets/lim-form-row.h"

#define LIM_TYPE_FUSION_PAGE (lim_fusion_page_get_type())
G_DECLARE_FINAL_TYPE(LimFusionPage, lim_fusion_page, LIM, FUSION_PAGE, GtkWidget)

GtkWidget *lim_fusion_page_new(LimSession *session);
/* What they are made from (plan is copied); drops what was made for another. */
void lim_fusion_page_set(LimFusionPage *self, LimScenesStage *stage, const LimScenesPlan *plan);
/* The same, begun or not, to be made by whoever needs them; borrowed, NULL before the first set. */
LimFusion *lim_fusion_page_get_fusion(LimFusionPage *self);
/* Shows how far it is, when somebody else has gone on with it. */
void lim_fusion_page_refresh(LimFusionPage *self);
/* While somebody else makes them, the page does not. */
void lim_fusion_page_hold(LimFusionPage *self, gboolean hold);
/* The perturbations that are there with their weights, borrowed from the page: returns how many. */
int lim_fusion_page_get(LimFusionPage *self, const float *r[LIM_SCENES_NETS],
                        double weight[LIM_SCENES_NETS], gboolean *permute);
gboolean lim_fusion_page_get_busy(LimFusionPage *self);

/* The weight of network i, or for LIM_SCENES_NETS whether rows are in another order; borrowed. */
LimFormRow *lim_fusion_page_get_row(LimFusionPage *self, int i);
void lim_fusion_page_get_weights(LimFusionPage *self, double weight[LIM_SCENES_NETS],
                                 gboolean *permute);
/* All of that as "(ddddb)" without changes that are under way; a full reference. */
#define LIM_FUSION_STATE "(ddddb)"
GVariant *lim_fusion_page_dup_state(LimFusionPage *self);
/* Sinks a floating state. TRUE: it is another one than before. */
gboolean lim_fusion_page_set_state(LimFusionPage *self, GVariant *state);
void lim_fusion_page_reset(LimFusionPage *self);       /* to the defaults; tells no "settled" */
void lim_fusion_page_flush(LimFusionPage *self);       /* changes that are under way are over */
gboolean lim_fusion_page_is_open(LimFusionPage *self); /* are there any? */
