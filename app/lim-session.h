/* What all views of the window share: the engine with its worker, and the open model.
 *
 * Signals:
 *   "model-changed": another model is open, or opening one failed (lim_session_get_error())
 *   "other-opened" (what the file holds, its path), returns gboolean: a file was opened that holds
 *                  no generator; TRUE: it is wanted, and nothing has failed */
#pragma once

#include <gio/gio.h>

#include "jobs/worker.h"
#include "model.h"

#define LIM_TYPE_SESSION (lim_session_get_type())
G_DECLARE_FINAL_TYPE(LimSession, lim_session, LIM, SESSION, GObject)

LimSession *lim_session_new(void);
/* Reads a model file on the worker; the open model stays until that has succeeded. */
void lim_session_open(LimSession *self, const char *path);
LimModel *lim_session_get_model(LimSession *self);   /* borrowed; NULL before the first */
const char *lim_session_get_error(LimSession *self); /* why the last open failed, or NULL */
LimWorker *lim_session_get_worker(LimSession *self); /* borrowed */

/* The model that is opened at start: LIMEN_DATA/models, the installed one, or the source tree's;
 * g_free(). A path also when the file does not exist. */
char *lim_session_dup_default_path(void);
/* The same of another file that comes with the program. */
char *lim_session_dup_model_path(const char *name);

/* Fills the object part of LimTaskEvents.data: a weak reference, so that nothing is delivered to
 * what is gone. */
typedef struct LimTarget {
    GWeakRef object;
    guint64 serial;
} LimTarget;
LimTarget *lim_target_new(gpointer object, guint64 serial);
void lim_target_free(gpointer target); /* a LimTaskEvents.drop */
