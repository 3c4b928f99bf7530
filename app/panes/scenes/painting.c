/* What a segmenter is to see, painted over the clean picture while the page Paint is in front. A
 * stroke is one step of undo, and another attack. */
#include "panes/scenes/pane.h"

static gboolean
is_painting(LimScenesPane *self)
{
    const char *page = gtk_stack_get_visible_child_name(GTK_STACK(self->pages));

    return g_strcmp0(page, "paint") == 0;
}

/* What can be painted on is the clean picture of the attacked segmenter, while the tools are in
 * front. */
void
lim_scenes_pane_show_canvas(LimScenesPane *self)
{
    if (!self->stage)
        return;
    const LimScenesStage *s = self->stage;
    const gboolean usable =
        lim_scenes_net_segments(self->posted.net) && s->clean[self->posted.net].label;
    const int32_t *from = self->wanted && self->wanted_size == s->size
                              ? self->wanted
                              : s->clean[self->posted.net].label;

    lim_paint_page_set(self->paint, s, usable, self->posted.wanted != NULL);
    if (self->stroke && self->canvas) /* an attack begins while the next stroke is painted */
        return;
    g_clear_pointer(&self->canvas, g_free);
    if (usable && is_painting(self))
        self->canvas = g_memdup2(from, (gsize)s->area * sizeof *from);
    lim_scene_board_set_canvas(self->board, self->canvas);
}

void
lim_scenes_pane_set_wanted(LimScenesPane *self, const int32_t *wanted, int size)
{
    int32_t *copy = g_memdup2(wanted, (gsize)(size * size) * sizeof *wanted);

    g_free(self->wanted);
    self->wanted = copy;
    self->wanted_size = copy ? size : 0;
}

static void
brushed(LimScenesPane *self, int x, int y)
{
    if (!self->canvas)
        return;
    self->stroke = TRUE;
    lim_paint_page_dab(self->paint, self->canvas, self->stage->size, x, y);
    lim_scene_board_set_canvas(self->board, self->canvas);
}

/* A stroke is one step of undo, and another attack. */
static void
brush_ended(LimScenesPane *self)
{
    self->stroke = FALSE;
    if (!self->canvas)
        return;
    lim_form_pane_flush(LIM_FORM_PANE(self));
    lim_scenes_pane_set_wanted(self, self->canvas, self->stage->size);
    lim_form_pane_settle(LIM_FORM_PANE(self));
    lim_scenes_pane_update_soon(self);
}

static void
start_painting(LimScenesPane *self)
{
    if (!self->stage || !self->stage->clean[self->posted.net].label)
        return;
    lim_form_pane_flush(LIM_FORM_PANE(self));
    lim_scenes_pane_set_wanted(self, self->stage->clean[self->posted.net].label, self->stage->size);
    lim_form_pane_settle(LIM_FORM_PANE(self));
    lim_scenes_pane_update_soon(self);
    lim_scenes_pane_show_canvas(self);
}

static void
forget_painting(LimScenesPane *self)
{
    lim_form_pane_flush(LIM_FORM_PANE(self));
    lim_scenes_pane_set_wanted(self, NULL, 0);
    lim_form_pane_settle(LIM_FORM_PANE(self));
    lim_scenes_pane_update_soon(self);
    lim_scenes_pane_show_canvas(self);
}

void
lim_scenes_painting_connect(LimScenesPane *self)
{
    g_signal_connect_object(self->paint, "start-wanted", G_CALLBACK(start_painting), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->paint, "forget-wanted", G_CALLBACK(forget_painting), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(self->board, "brushed", G_CALLBACK(brushed), self, G_CONNECT_SWAPPED);
    g_signal_connect_object(self->board, "brush-end", G_CALLBACK(brush_ended), self,
                            G_CONNECT_SWAPPED);
}
