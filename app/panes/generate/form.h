/* The settings of the Generate view. */
#pragma once

#include "model.h"
#include "panes/generate/look.h"
#include "widgets/lim-form.h"

/* A form with a row per setting of lim_sample_schema and lim_look_schema, titled for people. */
LimForm *lim_generate_form_new(void);
/* The class names of the model become the choices. */
void lim_generate_form_set_model(LimForm *form, LimModel *model);
/* The row of the setting that lies at this offset of LimSampleRequest. */
LimFormRow *lim_generate_form_row(LimForm *form, size_t offset);
/* "Sneaker"; "All classes" for -1. Borrowed from the model. */
const char *lim_generate_class_title(LimModel *model, int label);
/* A request in words: "Coat with 30 % Bag", and "truncation threshold 1.00, seed 1, ..." with
 * whatever is not at its default; g_free(). */
char *lim_generate_dup_title(LimModel *model, const LimSampleRequest *r);
char *lim_generate_dup_subtitle(const LimSampleRequest *r);
