/* LimFormRow: what all settings of a form share.
 *
 * The row keeps the value that was last settled. Controls report every change; the row decides when
 * a change is finished: at the end of a drag, at once for clicks, and after a short pause for keys
 * and the wheel, so that ten presses of an arrow key are one undo step. */
#include "widgets/lim-form-row.h"

#define SETTLE_AFTER_MS 400

typedef struct {
    char *key;
    char *label;
    char *help;
    GtkWidget *box;
    GtkWidget *head;
    GtkWidget *caption;
    GtkWidget *reset;
    GtkWidget *named;   /* the control */
    GtkWidget *control; /* it, or what is around it, below the label */
    GtkWidget *note;    /* the last of the box, or NULL */
    GVariant *def;
    GVariant *settled;
    GVariant *current; /* what "changed" last told */
    guint settle_source;
    gboolean dragging;
    gboolean setting; /* inside set_value(): the control's own signals are not the person's */
} LimFormRowPrivate;

enum { PROP_KEY = 1, PROP_LABEL, PROP_HELP, N_PROPS };
enum { CHANGED, SETTLED, N_SIGNALS };

static GParamSpec *props[N_PROPS];
static guint signals[N_SIGNALS];

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE(LimFormRow, lim_form_row, GTK_TYPE_WIDGET)

#define PRIV(self) ((LimFormRowPrivate *)lim_form_row_get_instance_private(self))

const char *
lim_form_row_get_key(LimFormRow *self)
{
    return PRIV(self)->key;
}

const char *
lim_form_row_get_label(LimFormRow *self)
{
    return PRIV(self)->label;
}

void
lim_form_row_set_mnemonic_label(LimFormRow *self, const char *label)
{
    gtk_label_set_text_with_mnemonic(GTK_LABEL(PRIV(self)->caption), label);
}

GVariant *
lim_form_row_dup_value(LimFormRow *self)
{
    return g_variant_ref_sink(LIM_FORM_ROW_GET_CLASS(self)->get_value(self));
}

GVariant *
lim_form_row_dup_settled(LimFormRow *self)
{
    return g_variant_ref(PRIV(self)->settled);
}

static void
set_held(GVariant **slot, GVariant *value)
{
    g_variant_ref_sink(value);
    g_clear_pointer(slot, g_variant_unref);
    *slot = value;
}

/* Tells of a new value if there is one. */
static gboolean
notice(LimFormRow *self)
{
    LimFormRowPrivate *priv = PRIV(self);
    g_autoptr(GVariant) now = lim_form_row_dup_value(self);

    if (priv->current && g_variant_equal(priv->current, now))
        return FALSE;
    set_held(&priv->current, now);
    gtk_widget_set_sensitive(priv->reset, !lim_form_row_is_default(self));
    g_signal_emit(self, signals[CHANGED], 0);
    return TRUE;
}

static void
settle(LimFormRow *self)
{
    LimFormRowPrivate *priv = PRIV(self);

    g_clear_handle_id(&priv->settle_source, g_source_remove);
    if (!priv->current || (priv->settled && g_variant_equal(priv->settled, priv->current)))
        return;
    set_held(&priv->settled, priv->current);
    g_signal_emit(self, signals[SETTLED], 0);
}

static gboolean
settle_later(gpointer data)
{
    PRIV(data)->settle_source = 0;
    settle(data);
    return G_SOURCE_REMOVE;
}

void
lim_form_row_control_changed(LimFormRow *self, gboolean now)
{
    LimFormRowPrivate *priv = PRIV(self);

    if (priv->setting || !priv->def || !notice(self) || priv->dragging)
        return;
    g_clear_handle_id(&priv->settle_source, g_source_remove);
    if (now)
        settle(self);
    else
        priv->settle_source = g_timeout_add(SETTLE_AFTER_MS, settle_later, self);
}

static void
put_value(LimFormRow *self, GVariant *value)
{
    LimFormRowPrivate *priv = PRIV(self);
    gboolean was = priv->setting;

    priv->setting = TRUE;
    LIM_FORM_ROW_GET_CLASS(self)->set_value(self, value);
    priv->setting = was;
}

void
lim_form_row_set_value(LimFormRow *self, GVariant *value)
{
    LimFormRowPrivate *priv = PRIV(self);
    g_autoptr(GVariant) held = g_variant_ref_sink(value);

    if (!priv->def || !g_variant_is_of_type(held, g_variant_get_type(priv->def)))
        return;
    g_clear_handle_id(&priv->settle_source, g_source_remove);
    put_value(self, held);
    g_autoptr(GVariant) now = lim_form_row_dup_value(self);
    set_held(&priv->settled, now);
    notice(self);
}

gboolean
lim_form_row_is_default(LimFormRow *self)
{
    LimFormRowPrivate *priv = PRIV(self);

    return !priv->def || g_variant_equal(priv->def, priv->current);
}

void
lim_form_row_set_enabled(LimFormRow *self, gboolean enabled)
{
    gtk_widget_set_sensitive(GTK_WIDGET(self), enabled);
    gtk_widget_set_sensitive(PRIV(self)->named, enabled);
}

void
lim_form_row_reset(LimFormRow *self)
{
    LimFormRowPrivate *priv = PRIV(self);

    lim_form_row_flush(self);
    put_value(self, priv->def);
    notice(self);
    settle(self);
}

void
lim_form_row_flush(LimFormRow *self)
{
    if (!PRIV(self)->dragging)
        settle(self);
}

gboolean
lim_form_row_is_open(LimFormRow *self)
{
    LimFormRowPrivate *priv = PRIV(self);

    return !priv->dragging && priv->current && !g_variant_equal(priv->settled, priv->current);
}

void
lim_form_row_begin_drag(LimFormRow *self)
{
    settle(self);
    PRIV(self)->dragging = TRUE;
}

void
lim_form_row_end_drag(LimFormRow *self)
{
    LimFormRowPrivate *priv = PRIV(self);

    if (!priv->dragging)
        return;
    priv->dragging = FALSE;
    settle(self);
}

void
lim_form_row_revert_drag(LimFormRow *self)
{
    LimFormRowPrivate *priv = PRIV(self);

    if (!priv->dragging)
        return;
    priv->dragging = FALSE;
    put_value(self, priv->settled);
    notice(self);
}

gboolean
lim_form_row_get_dragging(LimFormRow *self)
{
    return PRIV(self)->dragging;
}

void
lim_form_row_set_default(LimFormRow *self, GVariant *value)
{
    LimFormRowPrivate *priv = PRIV(self);

    set_held(&priv->def, value);
    put_value(self, priv->def);
    g_autoptr(GVariant) now = lim_form_row_dup_value(self);
    set_held(&priv->settled, now);
    set_held(&priv->current, now);
    gtk_widget_set_sensitive(priv->reset, FALSE);
}

void
lim_form_row_move_default(LimFormRow *self, GVariant *value)
{
    LimFormRowPrivate *priv = PRIV(self);

    set_held(&priv->def, value);
    gtk_widget_set_sensitive(priv->reset, !lim_form_row_is_default(self));
}

const char *
lim_form_row_get_note(LimFormRow *self)
{
    GtkWidget *note = PRIV(self)->note;

    return note ? gtk_label_get_text(GTK_LABEL(note)) : NULL;
}

static void
describe(LimFormRow *self, GtkWidget *widget)
{
    LimFormRowPrivate *priv = PRIV(self);
    const char *help = priv->help ? priv->help : "", *note = lim_form_row_get_note(self);
    g_autofree char *text = note ? g_strdup_printf("%s %s", help, note) : g_strdup(help);

    gtk_accessible_update_property(GTK_ACCESSIBLE(widget), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                   text, -1);
}

void
lim_form_row_name_widget(LimFormRow *self, GtkWidget *widget, const char *name)
{
    LimFormRowPrivate *priv = PRIV(self);

    gtk_accessible_update_property(GTK_ACCESSIBLE(widget), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
    describe(self, widget);
    gtk_widget_set_tooltip_text(widget, priv->help);
}

void
lim_form_row_set_note(LimFormRow *self, const char *note)
{
    LimFormRowPrivate *priv = PRIV(self);

    if (!g_strcmp0(lim_form_row_get_note(self), note))
        return;
    if (priv->note)
        gtk_box_remove(GTK_BOX(priv->box), priv->note);
    priv->note = note ? gtk_label_new(note) : NULL;
    if (note) {
        gtk_label_set_xalign(GTK_LABEL(priv->note), 0);
        gtk_label_set_wrap(GTK_LABEL(priv->note), TRUE);
        gtk_box_append(GTK_BOX(priv->box), priv->note);
    }
    describe(self, priv->named);
}

void
lim_form_row_set_control(LimFormRow *self, GtkWidget *control, GtkWidget *named)
{
    LimFormRowPrivate *priv = PRIV(self);

    priv->control = control;
    if (control)
        gtk_box_append(GTK_BOX(priv->box), control);
    else
        lim_form_row_set_value_widget(self, named);
    priv->named = named;
    gtk_label_set_mnemonic_widget(GTK_LABEL(priv->caption), named);
    /* That also made it "labelled by": with a label of its own, the name would be read out twice.
     */
    gtk_accessible_reset_relation(GTK_ACCESSIBLE(named), GTK_ACCESSIBLE_RELATION_LABELLED_BY);
    lim_form_row_name_widget(self, named, priv->label);
}

void
lim_form_row_set_value_widget(LimFormRow *self, GtkWidget *value)
{
    gtk_box_insert_child_after(GTK_BOX(PRIV(self)->head), value, PRIV(self)->caption);
}

void
lim_form_row_mute_wheel(GtkWidget *widget)
{
    g_autoptr(GListModel) controllers = gtk_widget_observe_controllers(widget);

    for (guint i = 0; i < g_list_model_get_n_items(controllers); i++) {
        g_autoptr(GtkEventController) c = g_list_model_get_item(controllers, i);
        if (GTK_IS_EVENT_CONTROLLER_SCROLL(c))
            gtk_event_controller_set_propagation_phase(c, GTK_PHASE_NONE);
    }
}

void
lim_form_row_set_beside(LimFormRow *self)
{
    LimFormRowPrivate *priv = PRIV(self);

    g_return_if_fail(priv->control);
    g_object_ref(priv->control);
    gtk_box_remove(GTK_BOX(priv->box), priv->control);
    lim_form_row_set_value_widget(self, priv->control);
    g_object_unref(priv->control);
    priv->control = NULL;
}

static void
constructed(GObject *object)
{
    LimFormRow *self = LIM_FORM_ROW(object);
    LimFormRowPrivate *priv = PRIV(self);

    G_OBJECT_CLASS(lim_form_row_parent_class)->constructed(object);
    gtk_label_set_text(GTK_LABEL(priv->caption), priv->label);
    gtk_widget_set_tooltip_text(priv->caption, priv->help);

    g_autofree char *name = g_strdup_printf("Reset %s", priv->label);
    gtk_widget_set_tooltip_text(priv->reset, name);
    gtk_accessible_update_property(GTK_ACCESSIBLE(priv->reset), GTK_ACCESSIBLE_PROPERTY_LABEL, name,
                                   -1);
}

static void
get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    LimFormRowPrivate *priv = PRIV(LIM_FORM_ROW(object));

    switch (id) {
    case PROP_KEY:
        g_value_set_string(value, priv->key);
        break;
    case PROP_LABEL:
        g_value_set_string(value, priv->label);
        break;
    case PROP_HELP:
        g_value_set_string(value, priv->help);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void
set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
    LimFormRowPrivate *priv = PRIV(LIM_FORM_ROW(object));

    switch (id) {
    case PROP_KEY:
        priv->key = g_value_dup_string(value);
        break;
    case PROP_LABEL:
        priv->label = g_value_dup_string(value);
        break;
    case PROP_HELP:
        priv->help = g_value_dup_string(value);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void
dispose(GObject *object)
{
    LimFormRowPrivate *priv = PRIV(LIM_FORM_ROW(object));

    g_clear_handle_id(&priv->settle_source, g_source_remove);
    g_clear_pointer(&priv->box, gtk_widget_unparent);
    G_OBJECT_CLASS(lim_form_row_parent_class)->dispose(object);
}

static void
finalize(GObject *object)
{
    LimFormRowPrivate *priv = PRIV(LIM_FORM_ROW(object));

    g_free(priv->key);
    g_free(priv->label);
    g_free(priv->help);
    g_clear_pointer(&priv->def, g_variant_unref);
    g_clear_pointer(&priv->settled, g_variant_unref);
    g_clear_pointer(&priv->current, g_variant_unref);
    G_OBJECT_CLASS(lim_form_row_parent_class)->finalize(object);
}

static void
lim_form_row_class_init(LimFormRowClass *klass)
{
    GObjectClass *object_class = G_OBJECT_CLASS(klass);
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(klass);
    const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

    object_class->constructed = constructed;
    object_class->get_property = get_property;
    object_class->set_property = set_property;
    object_class->dispose = dispose;
    object_class->finalize = finalize;

    props[PROP_KEY] = g_param_spec_string("key", NULL, NULL, NULL, flags);
    props[PROP_LABEL] = g_param_spec_string("label", NULL, NULL, "", flags);
    props[PROP_HELP] = g_param_spec_string("help", NULL, NULL, NULL, flags);
    g_object_class_install_properties(object_class, N_PROPS, props);

    signals[CHANGED] = g_signal_new("changed", LIM_TYPE_FORM_ROW, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                    NULL, G_TYPE_NONE, 0);
    signals[SETTLED] = g_signal_new("settled", LIM_TYPE_FORM_ROW, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                    NULL, G_TYPE_NONE, 0);

    gtk_widget_class_set_css_name(widget_class, "formrow");
    gtk_widget_class_set_layout_manager_type(widget_class, GTK_TYPE_BIN_LAYOUT);
    gtk_widget_class_set_accessible_role(widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
lim_form_row_init(LimFormRow *self)
{
    LimFormRowPrivate *priv = PRIV(self);

    priv->caption = gtk_label_new(NULL);
    gtk_label_set_xalign(GTK_LABEL(priv->caption), 0);
    gtk_label_set_ellipsize(GTK_LABEL(priv->caption), PANGO_ELLIPSIZE_END);
    gtk_widget_set_hexpand(priv->caption, TRUE);

    priv->reset = gtk_button_new_from_icon_name("object-rotate-left-symbolic");
    gtk_widget_add_css_class(priv->reset, "flat");
    gtk_widget_add_css_class(priv->reset, "reset");
    gtk_widget_set_valign(priv->reset, GTK_ALIGN_CENTER);
    g_signal_connect_swapped(priv->reset, "clicked", G_CALLBACK(lim_form_row_reset), self);

    priv->head = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);
    gtk_box_append(GTK_BOX(priv->head), priv->caption);
    gtk_box_append(GTK_BOX(priv->head), priv->reset);

    priv->box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);
    gtk_box_append(GTK_BOX(priv->box), priv->head);
    gtk_widget_set_parent(priv->box, GTK_WIDGET(self));
}
