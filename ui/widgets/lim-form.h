/* A scrolling column of LimFormRows.
 *
 * Signals: "changed" when any value is another one; "settled" when the person has finished a change
 * (one undo step); set_values() emits "changed" once and never "settled". */
#pragma once

#include "widgets/lim-form-row.h"

#define LIM_TYPE_FORM (lim_form_get_type())
G_DECLARE_FINAL_TYPE(LimForm, lim_form, LIM, FORM, GtkWidget)

GtkWidget *lim_form_new(void);
/* Takes a floating row; gives it an access key that no earlier row has. */
void lim_form_add(LimForm *self, LimFormRow *row);
/* What is added between these two stands below a line with a title that opens and closes it, and
 * that says how many of the settings below it are not at their defaults. Closed at first. */
void lim_form_begin_group(LimForm *self, const char *title);
void lim_form_end_group(LimForm *self);
/* A group whose settings mean nothing now is not shown; they keep their values. */
void lim_form_set_group_shown(LimForm *self, const char *title, gboolean shown);
/* Any other widget, below the row of that key. */
void lim_form_add_below(LimForm *self, const char *key, GtkWidget *widget);
LimFormRow *lim_form_get_row(LimForm *self, const char *key); /* borrowed, or NULL */
guint lim_form_get_n_rows(LimForm *self);
LimFormRow *lim_form_get_nth(LimForm *self, guint i); /* borrowed */

/* All values as a{sv}, key to value; full reference. */
GVariant *lim_form_dup_values(LimForm *self);
/* The same without changes that are still under way: what an undo step records. */
GVariant *lim_form_dup_settled(LimForm *self);
/* Sets the values it knows, ignores other keys. Sinks a floating variant. */
void lim_form_set_values(LimForm *self, GVariant *values);
/* Every row back to its default: one step. */
void lim_form_reset(LimForm *self);
/* Settles what is still open, so that a snapshot taken now is an undo step. */
void lim_form_flush(LimForm *self);
/* Is there anything that lim_form_flush() would settle? */
gboolean lim_form_is_open(LimForm *self);
