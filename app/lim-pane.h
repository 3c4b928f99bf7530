/* A view of the window. Subclasses build their widgets from the session they are given.
 *
 * Every pane has an action group; the window shows that of the visible pane under the prefix
 * "view", so that one accelerator (view.undo, view.export) means the view in front. The property
 * "show-form" says whether the settings on the left are wanted. */
#pragma once

#include <gtk/gtk.h>

#include "lim-session.h"

#define LIM_TYPE_PANE (lim_pane_get_type())
G_DECLARE_DERIVABLE_TYPE(LimPane, lim_pane, LIM, PANE, GtkWidget)

/* A picture that one view hands to another; everything is borrowed for the call. */
typedef struct LimPanePicture {
    const guint8 *pixels; /* [h][w][c] */
    int w, h, c;
    const char *from;  /* the file that drew it */
    int index;         /* which of its pictures */
    const char *flags; /* of limen-cli attack, that make it, after a space */
    guint64 seed;      /* that made it */
} LimPanePicture;

struct _LimPaneClass {
    GtkWidgetClass parent_class;
    /* A picture was dropped or opened: TRUE when the pane takes it. */
    gboolean (*open_file)(LimPane *self, const char *path);
    /* Optional: takes a picture from another view. */
    void (*take_picture)(LimPane *self, const LimPanePicture *picture);
    /* Optional: a file that holds no generator but what `holds` says ("denoiser", "universal
     * perturbation", ...): TRUE when the pane takes it. */
    gboolean (*open_other)(LimPane *self, const char *holds, const char *path);
    /* Optional: what the next start begins with, a{sv}; a full reference, NULL: nothing. */
    GVariant *(*dup_session)(LimPane *self);
    void (*restore_session)(LimPane *self, GVariant *state); /* of any file: hostile */
};

LimSession *lim_pane_get_session(LimPane *self); /* borrowed */
GActionMap *lim_pane_get_actions(LimPane *self); /* borrowed; also a GActionGroup */
void lim_pane_set_child(LimPane *self, GtkWidget *child);
gboolean lim_pane_open_file(LimPane *self, const char *path);
/* The same of open_other(); the pane comes to the front. */
gboolean lim_pane_open_other(LimPane *self, const char *holds, const char *path);
GVariant *lim_pane_dup_session(LimPane *self);
void lim_pane_restore_session(LimPane *self, GVariant *state);
/* Hands a picture to the view of that name and brings it to the front; FALSE when there is no such
 * view, or it takes none. */
gboolean lim_pane_send(LimPane *self, const char *to, const LimPanePicture *picture);

/* The same for a picture file that was opened here and belongs to that view. */
gboolean lim_pane_pass_file(LimPane *self, const char *to, const char *path);

typedef struct LimPaneDef {
    const char *name;    /* "generate" */
    const char *title;   /* "Generate" */
    GType (*type)(void); /* of a LimPane */
} LimPaneDef;

/* All panes in the order of the switcher (the list is in app/meson.build). */
extern const LimPaneDef *const lim_panes[];
extern const int lim_n_panes;
