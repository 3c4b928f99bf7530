/* Stands where pictures would be when there are none: a title, one sentence, and what to do next.
 */
#pragma once

#include <gtk/gtk.h>

#define LIM_TYPE_MESSAGE (lim_message_get_type())
G_DECLARE_FINAL_TYPE(LimMessage, lim_message, LIM, MESSAGE, GtkWidget)

GtkWidget *lim_message_new(void);
/* text: one sentence; its first letter is made a capital, and a full stop is added if it has none.
 * button: label of a button that activates action_name, or NULL. */
void lim_message_set(LimMessage *self, const char *icon_name, const char *title, const char *text,
                     const char *button, const char *action_name);
const char *lim_message_get_text(LimMessage *self); /* borrowed */
