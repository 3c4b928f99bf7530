/* A view with its settings in a form on the left and what they make on the right, above a status
 * line; in place of it a message, when there is nothing to show.
 *
 * It brings what such views have in common: undo and redo of the settings, steps between seeds, the
 * command that makes the same again, and the file that carries it away (the actions undo, redo,
 * new-seed, previous-seed, next-seed, reset-all, copy-command, export, export-to with a path, and
 * cancel-export). The form has a row "seed". And it runs the one long job that a view goes on
 * with. */
#pragma once

#include "lim-pane.h"
#include "widgets/lim-form.h"
#include "widgets/lim-message.h"
#include "widgets/lim-status-line.h"

#define LIM_TYPE_FORM_PANE (lim_form_pane_get_type())
G_DECLARE_DERIVABLE_TYPE(LimFormPane, lim_form_pane, LIM, FORM_PANE, LimPane)

struct _LimFormPaneClass {
    LimPaneClass parent_class;
    const char *copy_tooltip, *export_tooltip; /* of the buttons below the form */
    void (*changed)(LimFormPane *self);        /* a setting, as often as a drag moves */
    /* Of undo; as they stand, the values of the form are the state. A full reference. */
    GVariant *(*dup_state)(LimFormPane *self);
    void (*restore)(LimFormPane *self, GVariant *state);
    void (*flush)(LimFormPane *self);       /* bursts of changes that are still open are over */
    gboolean (*is_open)(LimFormPane *self); /* is there any? */
    /* The command, and what to tell of it; NULL: there is none, and why (NULL: nothing is told). */
    char *(*dup_command)(LimFormPane *self, char **said);
    char *(*dup_file_name)(LimFormPane *self); /* to propose; NULL: nothing to export yet */
    void (*export_to)(LimFormPane *self, const char *path);
    void (*exported)(LimFormPane *self); /* optional: it went on, or is over, also by a failure */
    /* Of lim_form_pane_go_on(): there is more to show, and it is over. Not told of a job that was
     * halted. */
    void (*progressed)(LimFormPane *self);
    void (*stopped)(LimFormPane *self, LimStatus status);
    /* Optional, of the next start: what it needs besides the values of the form; and, with what
     * there is then, those values as they can be taken. */
    void (*write_session)(LimFormPane *self, GVariantDict *session);
    void (*read_session)(LimFormPane *self, GVariantDict *session);
};

/* Puts form and view (both taken) into the pane; once, in constructed(). What the form holds then
 * is where undo ends. */
void lim_form_pane_build(LimFormPane *self, LimForm *form, GtkWidget *view);
/* The line below the view; there from the beginning, borrowed. */
LimStatusLine *lim_form_pane_get_status(LimFormPane *self);
/* Either the view, or a message; button and action as in lim_message_set(). */
void lim_form_pane_show_view(LimFormPane *self);
void lim_form_pane_show_message(LimFormPane *self, const char *title, const char *text,
                                const char *button, const char *action);
/* The form knows its choices now (classes, files, ...): what the last session had is set, once. */
void lim_form_pane_resume(LimFormPane *self);
/* Runs what the view goes on with (taken) as a long job, instead of the one before. */
void lim_form_pane_go_on(LimFormPane *self, LimTask *task);
void lim_form_pane_halt(LimFormPane *self);
gboolean lim_form_pane_goes_on(LimFormPane *self);
/* Runs a task (taken) that writes the exported file, tells how far it is, and of its end; saved:
 * what it tells of a success (not copied), or NULL: the file's name. While it does, there is no
 * other export. */
void lim_form_pane_export(LimFormPane *self, const char *path, LimTask *task, const char *saved);
gboolean lim_form_pane_exports(LimFormPane *self);
/* A file of an export: its path, with or without .png, with this ending instead. g_free() */
char *lim_export_path(const char *path, const char *ending);
/* One step of undo of what has been set. */
void lim_form_pane_settle(LimFormPane *self);
/* A setting outside the form has changed, by a hand that may not have finished. */
void lim_form_pane_watch(LimFormPane *self);
/* Ends bursts, so that they do not become part of a step that begins now. */
void lim_form_pane_flush(LimFormPane *self);
