/* LimUndo: whole states rather than commands, because a state is a few dozen bytes and a restored
 * state cannot drift from what it was. */
#include "lim-undo.h"

struct _LimUndo {
    GObject parent_instance;
    GPtrArray *states; /* of GVariant, oldest first */
    guint at;          /* index of the current state */
    gboolean open;     /* a change is under way */
};

enum { PROP_CAN_UNDO = 1, PROP_CAN_REDO, N_PROPS };
static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE(LimUndo, lim_undo, G_TYPE_OBJECT)

gboolean
lim_undo_can_undo(LimUndo *self)
{
    return self->open || self->at > 0;
}

gboolean
lim_undo_can_redo(LimUndo *self)
{
    return !self->open && self->at + 1 < self->states->len;
}

static void
notify(LimUndo *self, gboolean could_undo, gboolean could_redo)
{
    if (could_undo != lim_undo_can_undo(self))
        g_object_notify_by_pspec(G_OBJECT(self), props[PROP_CAN_UNDO]);
    if (could_redo != lim_undo_can_redo(self))
        g_object_notify_by_pspec(G_OBJECT(self), props[PROP_CAN_REDO]);
}

void
lim_undo_set_open(LimUndo *self, gboolean open)
{
    gboolean could_undo = lim_undo_can_undo(self), could_redo = lim_undo_can_redo(self);

    self->open = open;
    notify(self, could_undo, could_redo);
}

static void
add(LimUndo *self, GVariant *state)
{
    if (self->states->len && g_variant_equal(state, g_ptr_array_index(self->states, self->at)))
        return;
    if (self->states->len)
        g_ptr_array_set_size(self->states, (int)self->at + 1);
    g_ptr_array_add(self->states, g_variant_ref(state));
    if (self->states->len > LIM_UNDO_MAX)
        g_ptr_array_remove_index(self->states, 0);
    self->at = self->states->len - 1;
}

void
lim_undo_push(LimUndo *self, GVariant *state)
{
    gboolean could_undo = lim_undo_can_undo(self), could_redo = lim_undo_can_redo(self);
    g_autoptr(GVariant) held = g_variant_ref_sink(state);

    self->open = FALSE;
    add(self, held);
    notify(self, could_undo, could_redo);
}

static GVariant *
move(LimUndo *self, guint to)
{
    gboolean could_undo = lim_undo_can_undo(self), could_redo = lim_undo_can_redo(self);

    self->open = FALSE;
    self->at = to;
    notify(self, could_undo, could_redo);
    return g_ptr_array_index(self->states, self->at);
}

GVariant *
lim_undo_undo(LimUndo *self)
{
    return self->at > 0 ? move(self, self->at - 1) : NULL;
}

GVariant *
lim_undo_redo(LimUndo *self)
{
    return self->at + 1 < self->states->len ? move(self, self->at + 1) : NULL;
}

static void
get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    LimUndo *self = LIM_UNDO(object);

    switch (id) {
    case PROP_CAN_UNDO:
        g_value_set_boolean(value, lim_undo_can_undo(self));
        break;
    case PROP_CAN_REDO:
        g_value_set_boolean(value, lim_undo_can_redo(self));
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void
finalize(GObject *object)
{
    g_ptr_array_unref(LIM_UNDO(object)->states);
    G_OBJECT_CLASS(lim_undo_parent_class)->finalize(object);
}

static void
lim_undo_class_init(LimUndoClass *klass)
{
    GObjectClass *object_class = G_OBJECT_CLASS(klass);
    const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

    object_class->get_property = get_property;
    object_class->finalize = finalize;
    props[PROP_CAN_UNDO] = g_param_spec_boolean("can-undo", NULL, NULL, FALSE, flags);
    props[PROP_CAN_REDO] = g_param_spec_boolean("can-redo", NULL, NULL, FALSE, flags);
    g_object_class_install_properties(object_class, N_PROPS, props);
}

static void
lim_undo_init(LimUndo *self)
{
    self->states = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
}

LimUndo *
lim_undo_new(void)
{
    return g_object_new(LIM_TYPE_UNDO, NULL);
}
