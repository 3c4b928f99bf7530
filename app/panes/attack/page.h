/* A page below the pictures of the Attack view. It is told which picture of which attack is shown,
 * while it can be seen.
 *
 * Signal "picture-wanted" (LimAttackRun *run, int frame): a person points at a picture of an
 * attack, that which is shown or another one. */
#pragma once

#include <gtk/gtk.h>

#include "lim-session.h"
#include "panes/attack/run.h"

#define LIM_TYPE_ATTACK_PAGE (lim_attack_page_get_type())
G_DECLARE_DERIVABLE_TYPE(LimAttackPage, lim_attack_page, LIM, ATTACK_PAGE, GtkWidget)

struct _LimAttackPageClass {
    GtkWidgetClass parent_class;
    const char *text; /* what is seen, with terms; see lim-explain.h */
    /* The frame that is shown; run and frame may be the same as before. */
    void (*show)(LimAttackPage *self, LimAttackRun *run, int frame);
};

/* On the worker's live lane, apart from those of other views. */
typedef enum LimAttackSlot {
    LIM_ATTACK_SLOT_BEGIN = 4,
    LIM_ATTACK_SLOT_LOOK,
    LIM_ATTACK_SLOT_PAGE,
    LIM_ATTACK_SLOT_PLACE
} LimAttackSlot;

void lim_attack_page_set_session(LimAttackPage *self, LimSession *session);
LimWorker *lim_attack_page_get_worker(LimAttackPage *self);
/* What most pages are: a line of text over a plot. Returns the line, a label. */
GtkWidget *lim_attack_page_set_plot(LimAttackPage *self, GtkWidget *plot);
/* A line of text that gives way when there is little room. */
GtkWidget *lim_attack_page_line_new(void);
void lim_attack_page_set_child(LimAttackPage *self, GtkWidget *child);
const char *lim_attack_page_get_text(LimAttackPage *self);
void lim_attack_page_show(LimAttackPage *self, LimAttackRun *run, int frame);

/* Emits "picture-wanted". */
void lim_attack_page_want(LimAttackPage *self, LimAttackRun *run, int frame);

GType lim_attack_layers_get_type(void);
GType lim_attack_ruler_get_type(void);
GType lim_attack_slice_get_type(void);
GType lim_attack_race_get_type(void);
