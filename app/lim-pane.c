/* LimPane: what every view has, and the list of views. */
#include "lim-pane.h"

typedef struct {
    LimSession *session;
    GSimpleActionGroup *actions;
    GtkWidget *child;
    gboolean show_form;
} LimPanePrivate;

enum { PROP_SESSION = 1, PROP_SHOW_FORM, N_PROPS };
static GParamSpec *props[N_PROPS];

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE(LimPane, lim_pane, GTK_TYPE_WIDGET)

#define PRIV(self) ((LimPanePrivate *)lim_pane_get_instance_private(self))

#define LIM_LISTED(name) extern const LimPaneDef lim_pane_##name;
#include "panes.inc"
#undef LIM_LISTED
#define LIM_LISTED(name) &lim_pane_##name,
const LimPaneDef *const lim_panes[] = {
#include "panes.inc"
};
const int lim_n_panes = G_N_ELEMENTS(lim_panes);

LimSession *
lim_pane_get_session(LimPane *self)
{
    return PRIV(self)->session;
}

GActionMap *
lim_pane_get_actions(LimPane *self)
{
    return G_ACTION_MAP(PRIV(self)->actions);
}

void
lim_pane_set_child(LimPane *self, GtkWidget *child)
{
    PRIV(self)->child = child;
    gtk_widget_set_parent(child, GTK_WIDGET(self));
}

gboolean
lim_pane_open_file(LimPane *self, const char *path)
{
    LimPaneClass *klass = LIM_PANE_GET_CLASS(self);

    return klass->open_file && klass->open_file(self, path);
}

/* The view of that name beside this one; NULL: there is none. */
static LimPane *
sibling(LimPane *self, const char *name)
{
    GtkWidget *views = gtk_widget_get_ancestor(GTK_WIDGET(self), GTK_TYPE_STACK);
    GtkWidget *pane = views ? gtk_stack_get_child_by_name(GTK_STACK(views), name) : NULL;

    return pane && LIM_IS_PANE(pane) ? LIM_PANE(pane) : NULL;
}

static void
bring_to_front(LimPane *self)
{
    GtkWidget *views = gtk_widget_get_ancestor(GTK_WIDGET(self), GTK_TYPE_STACK);

    gtk_stack_set_visible_child(GTK_STACK(views), GTK_WIDGET(self));
}

gboolean
lim_pane_open_other(LimPane *self, const char *holds, const char *path)
{
    LimPaneClass *klass = LIM_PANE_GET_CLASS(self);

    if (!klass->open_other || !klass->open_other(self, holds, path))
        return FALSE;
    bring_to_front(self);
    return TRUE;
}

GVariant *
lim_pane_dup_session(LimPane *self)
{
    LimPaneClass *klass = LIM_PANE_GET_CLASS(self);

    return klass->dup_session ? klass->dup_session(self) : NULL;
}

void
lim_pane_restore_session(LimPane *self, GVariant *state)
{
    LimPaneClass *klass = LIM_PANE_GET_CLASS(self);

    if (klass->restore_session)
        klass->restore_session(self, state);
}

gboolean
lim_pane_send(LimPane *self, const char *to, const LimPanePicture *picture)
{
    LimPane *pane = sibling(self, to);

    if (!pane || !LIM_PANE_GET_CLASS(pane)->take_picture)
        return FALSE;
    LIM_PANE_GET_CLASS(pane)->take_picture(pane, picture);
    bring_to_front(pane);
    return TRUE;
}

gboolean
lim_pane_pass_file(LimPane *self, const char *to, const char *path)
{
    LimPane *pane = sibling(self, to);

    if (!pane || !lim_pane_open_file(pane, path))
        return FALSE;
    bring_to_front(pane);
    return TRUE;
}

static void
get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    LimPanePrivate *priv = PRIV(LIM_PANE(object));

    switch (id) {
    case PROP_SESSION:
        g_value_set_object(value, priv->session);
        break;
    case PROP_SHOW_FORM:
        g_value_set_boolean(value, priv->show_form);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void
set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
    LimPanePrivate *priv = PRIV(LIM_PANE(object));

    switch (id) {
    case PROP_SESSION:
        priv->session = g_value_dup_object(value);
        break;
    case PROP_SHOW_FORM:
        priv->show_form = g_value_get_boolean(value);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void
dispose(GObject *object)
{
    LimPanePrivate *priv = PRIV(LIM_PANE(object));

    g_clear_pointer(&priv->child, gtk_widget_unparent);
    g_clear_object(&priv->actions);
    g_clear_object(&priv->session);
    G_OBJECT_CLASS(lim_pane_parent_class)->dispose(object);
}

static void
lim_pane_class_init(LimPaneClass *klass)
{
    GObjectClass *object_class = G_OBJECT_CLASS(klass);

    object_class->get_property = get_property;
    object_class->set_property = set_property;
    object_class->dispose = dispose;
    props[PROP_SESSION] =
        g_param_spec_object("session", NULL, NULL, LIM_TYPE_SESSION,
                            G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
    props[PROP_SHOW_FORM] =
        g_param_spec_boolean("show-form", NULL, NULL, TRUE,
                             G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS);
    g_object_class_install_properties(object_class, N_PROPS, props);
    gtk_widget_class_set_layout_manager_type(GTK_WIDGET_CLASS(klass), GTK_TYPE_BIN_LAYOUT);
    gtk_widget_class_set_accessible_role(GTK_WIDGET_CLASS(klass), GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
lim_pane_init(LimPane *self)
{
    PRIV(self)->actions = g_simple_action_group_new();
}
