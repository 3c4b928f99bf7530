/* The tools to paint what a segmenter should see: a class, a size of the brush, a fresh start.
 *
 * Signals: "tool-changed"; "start-wanted": paint on what the network sees now; "forget-wanted": the
 * settings shall say again what it should see. */
#pragma once

#include <gtk/gtk.h>

#include "panes/scenes/stage.h"

#define LIM_TYPE_PAINT_PAGE (lim_paint_page_get_type())
G_DECLARE_FINAL_TYPE(LimPaintPage, lim_paint_page, LIM, PAINT_PAGE, GtkWidget)

GtkWidget *lim_paint_page_new(void);
/* The classes that can be painted, and whether there is something to paint on (a segmenter is
 * attacked) and something painted already. */
void lim_paint_page_set(LimPaintPage *self, const LimScenesStage *stage, gboolean usable,
                        gboolean painted);
int lim_paint_page_get_class(LimPaintPage *self);
void lim_paint_page_set_class(LimPaintPage *self, int label);
/* Paints a dot into mask [size][size]. */
void lim_paint_page_dab(LimPaintPage *self, int32_t *mask, int size, int x, int y);
