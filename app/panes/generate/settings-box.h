/* The settings of a mode, in pairs above its pictures: as many pairs in a line as there is room
 * for.
 */
#pragma once

#include "widgets/lim-form-row.h"

/* name: for assistive technology. */
GtkWidget *lim_generate_settings_box_new(const char *name);
/* The second of a pair takes the room that is left. */
void lim_generate_settings_box_add(GtkWidget *box, LimFormRow *first, LimFormRow *second);

/* The pictures with a place for a sentence over them: where it would push them, they would jump at
 * every key that is typed. */
GtkWidget *lim_generate_fault_new(GtkWidget *pictures, GtkWidget **label);
void lim_generate_fault_show(GtkWidget *label, const char *sentence); /* NULL or "": none */
