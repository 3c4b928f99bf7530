/* The settings of the Attack view: those of every attack, and below them those of each attack of
 * the engine's list, of which only the chosen one's are shown. */
#pragma once

#include "panes/attack/run.h"
#include "widgets/lim-form.h"

LimForm *lim_attack_form_new(void);
/* The classifiers by their paths [n] become the choices. */
void lim_attack_form_set_models(LimForm *form, const char *const *paths, int n);
/* The denoisers [n] become the defences, between "No defence" and "File…". */
void lim_attack_form_set_denoisers(LimForm *form, const char *const *paths, int n);
/* "LGD" of ".../fashion-denoiser-lgd.safetensors"; g_free(). */
char *lim_attack_dup_denoiser_name(const char *path);
/* The classes become the targets. */
void lim_attack_form_set_classes(LimForm *form, LimAttackRun *run);
/* Shows what belongs to the chosen attack. */
void lim_attack_form_arrange(LimForm *form);
/* Values of the form -> plan (setup, method, params); the rest of the plan is left alone. */
void lim_attack_form_read(LimForm *form, LimAttackPlan *plan);
/* The attack and its parameters, as lim_form_set_values() does. */
void lim_attack_form_set_method(LimForm *form, const LimAttackClass *klass, const void *params);
/* The restarts of the Boundary Attack (attacks/boundary.h). */
void lim_attack_form_set_restarts(LimForm *form, const char *restarts);
