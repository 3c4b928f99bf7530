/* A generator that several computations share, and the task that loads one. */
#pragma once

#include "models/generator.h"

/* Reference-counted (atomically): the window holds one reference, every running task another, so a
 * model can be replaced while the old one is still being drawn. */
typedef struct LimModel LimModel;
LimModel *lim_model_ref(LimModel *m);
void lim_model_unref(LimModel *m);              /* NULL is fine */
LimGenerator *lim_model_generator(LimModel *m); /* borrowed */
const char *lim_model_path(const LimModel *m);  /* borrowed */

LimTask *lim_load_task_new(const char *path);
/* After LIM_STEP_FAILED: what the file holds instead of a generator, such as "denoiser" or
 * "universal perturbation"; "": nobody knows. Borrowed. */
const char *lim_load_task_holds(const LimTask *t);
const char *lim_load_task_path(const LimTask *t); /* borrowed */
/* After LIM_STEP_DONE, once: the new model; the caller owns it. */
LimModel *lim_load_task_steal(LimTask *t);
