/* A part of the Generate view: something that is computed from its settings and shown.
 *
 * The parts in the middle are modes, one of which is visible (Grid, ...); those at the side stand
 * beside any mode. A part is told of new settings at most once per frame, posts a request to the
 * worker, and is told when it is done. What is old by then it never hears of. */
#pragma once

#include <gtk/gtk.h>

#include "jobs/worker.h"

#define LIM_TYPE_GENERATE_PART (lim_generate_part_get_type())
G_DECLARE_DERIVABLE_TYPE(LimGeneratePart, lim_generate_part, LIM, GENERATE_PART, GtkWidget)

/* Places of the parts on the worker's live lane; equal places would replace each other. */
typedef enum LimGenerateSlot {
    LIM_GENERATE_SLOT_GRID,
    LIM_GENERATE_SLOT_NEIGHBOURS,
    LIM_GENERATE_SLOT_SHEET,
    LIM_GENERATE_SLOT_INTERPOLATION
} LimGenerateSlot;

struct _LimGeneratePartClass {
    GtkWidgetClass parent_class;
    /* The settings, the mode or the model may have changed: post a request unless the same was
     * posted last. There is a model. Modes are told while they are visible; side parts always, they
     * show and hide themselves. */
    void (*update)(LimGeneratePart *self);
    /* A request of lim_generate_part_post() is done; newer ones may be on their way. task is
     * borrowed. */
    void (*done)(LimGeneratePart *self, LimTask *task);
    /* Optional: it failed. A mode need not say so: the view shows the sentence in its place. */
    void (*failed)(LimGeneratePart *self, const LimError *err);

    /* Optional: what of the part undo restores beside the form, as a variant of one type (may be
     * floating). */
    GVariant *(*get_state)(LimGeneratePart *self);
    void (*set_state)(LimGeneratePart *self, GVariant *state);
    /* Optional: settles what is still open, as lim_form_flush() does. */
    void (*flush)(LimGeneratePart *self);
    gboolean (*is_open)(LimGeneratePart *self); /* is there anything to settle? With flush. */

    /* Modes only: the command that writes what is shown, without program, and without --out; the
     * task that does it; a name for the file. g_free(). There is a model. */
    char *(*dup_command)(LimGeneratePart *self);
    LimTask *(*new_export)(LimGeneratePart *self, const char *path);
    char *(*dup_file_name)(LimGeneratePart *self);
};

/* Properties for whoever shows the part: "title" and "subtitle" (of what is shown, not of the
 * settings, which may already be ahead), "status" (one line of details), "stale" (boolean: behind
 * the settings for longer than 150 ms). */
void lim_generate_part_set_title(LimGeneratePart *self, const char *title, const char *subtitle);
void lim_generate_part_set_status(LimGeneratePart *self, const char *status);

void lim_generate_part_set_child(LimGeneratePart *self, GtkWidget *child);
/* Takes the task; done() or failed() follows, on the UI thread. */
void lim_generate_part_post(LimGeneratePart *self, LimTask *task, LimGenerateSlot slot);
/* Whether everything that was posted is shown. */
gboolean lim_generate_part_get_current(LimGeneratePart *self);

void lim_generate_part_update(LimGeneratePart *self);
