/* One line under the pictures: what is shown, passing messages, how far a job is, and how long the
 * last request took.
 * The text has the accessible role of a status, so that assistive technology reads changes aloud.
 */
#pragma once

#include <gtk/gtk.h>

#define LIM_TYPE_STATUS_LINE (lim_status_line_get_type())
G_DECLARE_FINAL_TYPE(LimStatusLine, lim_status_line, LIM, STATUS_LINE, GtkWidget)

GtkWidget *lim_status_line_new(void);
/* What is true until the next call. */
void lim_status_line_set_text(LimStatusLine *self, const char *text);
/* Shown for four seconds in place of the text. */
void lim_status_line_flash(LimStatusLine *self, const char *text);
/* A job that goes on: its text in place of the lasting one, how far it is (0 .. 1; below 0: nobody
 * knows), and a button that cancels it by this action, where the numbers are otherwise. text NULL:
 * no job. */
void lim_status_line_set_job(LimStatusLine *self, const char *text, double fraction,
                             const char *action);
const char *lim_status_line_get_shown(LimStatusLine *self); /* borrowed */
/* Milliseconds: waiting for the worker, computing, and from there to the screen (0: not measured,
 * and not told). */
void lim_status_line_set_timing(LimStatusLine *self, double queued, double ran, double shown);
/* A small clock while the pictures are behind the settings. */
void lim_status_line_set_stale(LimStatusLine *self, gboolean stale);
