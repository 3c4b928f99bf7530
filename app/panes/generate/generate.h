/* The Generate view: a form on the left, one mode in the middle, what stands beside any mode on the
 * right. To add a part: its file, a line in meson.build, its slot in part.h, and a line in the list
 * of modes or of sides in generate.c. */
#pragma once

#include "lim-form-pane.h"
#include "panes/generate/form.h"
#include "panes/generate/part.h"
#include "widgets/lim-status-line.h"

#define LIM_TYPE_GENERATE (lim_generate_get_type())
G_DECLARE_FINAL_TYPE(LimGenerate, lim_generate, LIM, GENERATE, LimFormPane)

/* ---- for the parts ---- */

LimGenerate *lim_generate_of(GtkWidget *inside);     /* the view around it; NULL: none (any more) */
LimModel *lim_generate_get_model(LimGenerate *self); /* borrowed; may be NULL */
LimSampleRequest lim_generate_get_request(LimGenerate *self); /* the settings */
LimLook lim_generate_get_look(LimGenerate *self);             /* the other settings */
gboolean lim_generate_shows_maps(LimGenerate *self);          /* attention, in the grid */
LimForm *lim_generate_get_form(LimGenerate *self);            /* borrowed */
void lim_generate_flash(LimGenerate *self, const char *text); /* a passing message */
/* Calls update() of what is visible, at the next frame. */
void lim_generate_update_soon(LimGenerate *self);
/* Puts values (a{sv}, may be some of them; sunk) into the form: as often as a drag moves ... */
void lim_generate_set_values(LimGenerate *self, GVariant *values);
/* ... and makes one undo step of what has been set. Whoever changes a state of its own flushes
 * before, or keys that are still open elsewhere would become part of the step. */
void lim_generate_settle(LimGenerate *self);
/* A setting of a part has changed, by a hand that may not have finished. */
void lim_generate_setting_changed(LimGenerate *self);
/* Settles what is still open, in the form and in the parts. */
void lim_generate_flush(LimGenerate *self);
/* The part of this type; borrowed. */
LimGeneratePart *lim_generate_get_part(LimGenerate *self, GType type);
/* Shows the latent [n] of a sample, in its parts, under the density of the threshold. */
void lim_generate_show_latent(LimGenerate *self, const char *of, const float *z, int n, int parts,
                              const LimSampleRequest *request);
/* The mode that is visible, by its name in the list. */
const char *lim_generate_get_mode(LimGenerate *self);
void lim_generate_set_mode(LimGenerate *self, const char *name);

/* ---- for part.c ---- */

void lim_generate_part_shown(LimGenerate *self, LimGeneratePart *part);
void lim_generate_part_failed(LimGenerate *self, LimGeneratePart *part, const char *text);
/* Milliseconds; see lim_status_line_set_timing(). */
void lim_generate_set_timing(LimGenerate *self, LimGeneratePart *part, double queued, double ran,
                             double shown);
