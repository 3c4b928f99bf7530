/* A line of text. Variant type "s". */
#pragma once

#include "widgets/lim-form-row.h"

#define LIM_TYPE_TEXT_ROW (lim_text_row_get_type())
G_DECLARE_FINAL_TYPE(LimTextRow, lim_text_row, LIM, TEXT_ROW, LimFormRow)

/* max_bytes: longest text, without the final zero. */
GtkWidget *lim_text_row_new(const char *key, const char *label, const char *help, const char *def,
                            int max_bytes);
/* What an empty text stands for, shown in its place. */
void lim_text_row_set_placeholder(LimTextRow *self, const char *text);
/* The value is what was in the field when Enter (or the button in it, with that tooltip) was
 * pressed, not what is being typed: for texts that are dangerous while they are half written. */
void lim_text_row_set_on_enter(LimTextRow *self, const char *tooltip);
/* The value is the path of a file: typed, and taken at Enter, or chosen in a dialog with that title
 * (a button beside the field opens it), which offers files with that suffix first. */
void lim_text_row_set_file(LimTextRow *self, const char *title, const char *suffix);
/* Opens that dialog. */
void lim_text_row_browse(LimTextRow *self);
/* The width that the field asks for; it takes what it is given. */
void lim_text_row_set_width_chars(LimTextRow *self, int chars);
