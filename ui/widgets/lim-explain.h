/* A short text that tells what is seen. Its terms are links: pointing at one, or following it with
 * the keyboard, highlights the widget that it speaks of. */
#pragma once

#include <gtk/gtk.h>

#define LIM_TYPE_EXPLAIN (lim_explain_get_type())
G_DECLARE_FINAL_TYPE(LimExplain, lim_explain, LIM, EXPLAIN, GtkWidget)

GtkWidget *lim_explain_new(void);
/* Pango markup with links: "<a href='clean'>The left picture</a> is ..." */
void lim_explain_set_text(LimExplain *self, const char *markup);
/* The widget that a link of this name highlights (style class "lit"); not kept alive. */
void lim_explain_add_term(LimExplain *self, const char *name, GtkWidget *widget);
/* The term that is highlighted, borrowed, or NULL; and by hand. */
const char *lim_explain_get_lit(LimExplain *self);
void lim_explain_light(LimExplain *self, const char *name);
/* A row: on the left the pages of a stack, on the right their switcher over the text. Both are
 * taken. The pages get at least height pixels, whatever they would like: in a low window what
 * stands above comes first. switching and about name the switcher and the pages for screen readers.
 */
GtkWidget *lim_explain_row_new(LimExplain *self, GtkWidget *stack, int height,
                               const char *switching, const char *about);
