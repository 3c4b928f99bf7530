/* Undo history of a view: a line of states and a place on it.
 *
 * A state is any GVariant that says everything a view must restore. Properties "can-undo" and
 * "can-redo" notify. At most LIM_UNDO_MAX states are kept; the oldest go first. */
#pragma once

#include <glib-object.h>

#define LIM_UNDO_MAX 1000

#define LIM_TYPE_UNDO (lim_undo_get_type())
G_DECLARE_FINAL_TYPE(LimUndo, lim_undo, LIM, UNDO, GObject)

LimUndo *lim_undo_new(void);
/* The state after a finished change. States that were undone are forgotten; a state equal to the
 * current one is not recorded. Sinks a floating variant. */
void lim_undo_push(LimUndo *self, GVariant *state);
/* A change is under way, which will be pushed before anything is undone or redone: so there is
 * something to undo, and nothing to redo. Over with the next push. */
void lim_undo_set_open(LimUndo *self, gboolean open);
gboolean lim_undo_can_undo(LimUndo *self);
gboolean lim_undo_can_redo(LimUndo *self);
/* The state to restore, borrowed until the next call; NULL when there is none. */
GVariant *lim_undo_undo(LimUndo *self);
GVariant *lim_undo_redo(LimUndo *self);
