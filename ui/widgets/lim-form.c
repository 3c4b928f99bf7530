/* LimForm: rows in a scrolled box. It knows the rows' values as one dictionary, which is what an
 * undo step, a session and a picture's settings are made of. */
#include "widgets/lim-form.h"

struct _LimForm {
    GtkWidget parent_instance;
    GtkWidget *scroller;
    GtkWidget *box;
    GPtrArray *rows;   /* borrowed from the box */
    GtkWidget *groups; /* the last list of groups */
    GtkWidget *group;  /* the box that rows are added to; NULL: box */
    guint access_keys; /* bit i: letter 'a' + i is taken */
    gboolean many;     /* several rows are being set: one signal at the end */
    gboolean many_changed, many_settled;
};

enum { CHANGED, SETTLED, N_SIGNALS };
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE(LimForm, lim_form, GTK_TYPE_WIDGET)

static void
count_changed(LimForm *self, GtkWidget *group)
{
    /* Found this way because a closed expander is not its child's parent. */
    GtkWidget *expander = g_object_get_data(G_OBJECT(group), "expander");
    const char *title = g_object_get_data(G_OBJECT(expander), "title");
    int changed = 0;

    for (guint i = 0; i < self->rows->len; i++) {
        LimFormRow *row = lim_form_get_nth(self, i);
        if (gtk_widget_get_parent(GTK_WIDGET(row)) == group)
            changed += !lim_form_row_is_default(row);
    }
    g_autofree char *text =
        changed ? g_strdup_printf("%s (%d changed)", title, changed) : g_strdup(title);
    gtk_label_set_text(GTK_LABEL(gtk_expander_get_label_widget(GTK_EXPANDER(expander))), text);
    gtk_accessible_update_property(GTK_ACCESSIBLE(expander), GTK_ACCESSIBLE_PROPERTY_LABEL, text,
                                   -1);
}

/* A change of one row ends what is open in the others, so that steps do not run together. */
static void
row_changed(LimForm *self, LimFormRow *row)
{
    GtkWidget *group = gtk_widget_get_parent(GTK_WIDGET(row));

    if (group != self->box)
        count_changed(self, group);
    if (self->many) {
        self->many_changed = TRUE;
        return;
    }
    for (guint i = 0; i < self->rows->len; i++)
        if (lim_form_get_nth(self, i) != row)
            lim_form_row_flush(lim_form_get_nth(self, i));
    g_signal_emit(self, signals[CHANGED], 0);
}

static void
row_settled(LimForm *self)
{
    if (self->many)
        self->many_settled = TRUE;
    else
        g_signal_emit(self, signals[SETTLED], 0);
}

static void
begin_many(LimForm *self)
{
    self->many = TRUE;
    self->many_changed = self->many_settled = FALSE;
}

static void
end_many(LimForm *self)
{
    self->many = FALSE;
    if (self->many_changed)
        g_signal_emit(self, signals[CHANGED], 0);
    if (self->many_settled)
        g_signal_emit(self, signals[SETTLED], 0);
}

/* Underlines the first letter that no other row has. */
static void
give_access_key(LimForm *self, LimFormRow *row)
{
    const char *label = lim_form_row_get_label(row);

    for (const char *p = label; *p; p++) {
        if (!g_ascii_isalpha(*p))
            continue;
        guint bit = 1u << (g_ascii_tolower(*p) - 'a');
        if (self->access_keys & bit)
            continue;
        self->access_keys |= bit;
        g_autofree char *text = g_strdup_printf("%.*s_%s", (int)(p - label), label, p);
        lim_form_row_set_mnemonic_label(row, text);
        return;
    }
}

void
lim_form_add_below(LimForm *self, const char *key, GtkWidget *widget)
{
    GtkWidget *row = GTK_WIDGET(lim_form_get_row(self, key));

    gtk_box_insert_child_after(GTK_BOX(gtk_widget_get_parent(row)), widget, row);
}

void
lim_form_begin_group(LimForm *self, const char *title)
{
    GtkWidget *expander = gtk_expander_new(title);

    g_return_if_fail(!self->group);
    self->group = gtk_box_new(GTK_ORIENTATION_VERTICAL, 12);
    g_object_set_data(G_OBJECT(self->group), "expander", expander);
    g_object_set_data_full(G_OBJECT(expander), "title", g_strdup(title), g_free);
    gtk_accessible_update_property(GTK_ACCESSIBLE(expander), GTK_ACCESSIBLE_PROPERTY_LABEL, title,
                                   -1);
    gtk_widget_set_margin_top(self->group, 6);
    gtk_expander_set_child(GTK_EXPANDER(expander), self->group);
    /* One after the other they are lines of a list. */
    if (!self->groups || gtk_widget_get_last_child(self->box) != self->groups) {
        self->groups = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);
        gtk_box_append(GTK_BOX(self->box), self->groups);
    }
    gtk_box_append(GTK_BOX(self->groups), expander);
}

void
lim_form_end_group(LimForm *self)
{
    self->group = NULL;
}

void
lim_form_set_group_shown(LimForm *self, const char *title, gboolean shown)
{
    for (guint i = 0; i < self->rows->len; i++) {
        GtkWidget *group = gtk_widget_get_parent(GTK_WIDGET(lim_form_get_nth(self, i)));
        GtkWidget *expander = g_object_get_data(G_OBJECT(group), "expander");
        if (expander && g_str_equal(g_object_get_data(G_OBJECT(expander), "title"), title))
            gtk_widget_set_visible(expander, shown);
    }
}

void
lim_form_add(LimForm *self, LimFormRow *row)
{
    gtk_box_append(GTK_BOX(self->group ? self->group : self->box), GTK_WIDGET(row));
    g_ptr_array_add(self->rows, row);
    give_access_key(self, row);
    g_signal_connect_object(row, "changed", G_CALLBACK(row_changed), self, G_CONNECT_SWAPPED);
    g_signal_connect_object(row, "settled", G_CALLBACK(row_settled), self, G_CONNECT_SWAPPED);
}

guint
lim_form_get_n_rows(LimForm *self)
{
    return self->rows->len;
}

LimFormRow *
lim_form_get_nth(LimForm *self, guint i)
{
    return g_ptr_array_index(self->rows, i);
}

LimFormRow *
lim_form_get_row(LimForm *self, const char *key)
{
    for (guint i = 0; i < self->rows->len; i++)
        if (g_str_equal(lim_form_row_get_key(lim_form_get_nth(self, i)), key))
            return lim_form_get_nth(self, i);
    return NULL;
}

static GVariant *
collect(LimForm *self, GVariant *(*dup)(LimFormRow *row))
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);

    for (guint i = 0; i < self->rows->len; i++) {
        LimFormRow *row = lim_form_get_nth(self, i);
        g_autoptr(GVariant) value = dup(row);
        g_variant_dict_insert_value(&dict, lim_form_row_get_key(row), value);
    }
    return g_variant_ref_sink(g_variant_dict_end(&dict));
}

GVariant *
lim_form_dup_values(LimForm *self)
{
    return collect(self, lim_form_row_dup_value);
}

GVariant *
lim_form_dup_settled(LimForm *self)
{
    return collect(self, lim_form_row_dup_settled);
}

void
lim_form_set_values(LimForm *self, GVariant *values)
{
    g_autoptr(GVariant) held = g_variant_ref_sink(values);

    begin_many(self);
    for (guint i = 0; i < self->rows->len; i++) {
        LimFormRow *row = lim_form_get_nth(self, i);
        g_autoptr(GVariant) value = g_variant_lookup_value(held, lim_form_row_get_key(row), NULL);
        if (value)
            lim_form_row_set_value(row, value);
    }
    end_many(self);
}

void
lim_form_reset(LimForm *self)
{
    lim_form_flush(self);
    begin_many(self);
    for (guint i = 0; i < self->rows->len; i++)
        lim_form_row_reset(lim_form_get_nth(self, i));
    end_many(self);
}

void
lim_form_flush(LimForm *self)
{
    for (guint i = 0; i < self->rows->len; i++)
        lim_form_row_flush(lim_form_get_nth(self, i));
}

gboolean
lim_form_is_open(LimForm *self)
{
    for (guint i = 0; i < self->rows->len; i++)
        if (lim_form_row_is_open(lim_form_get_nth(self, i)))
            return TRUE;
    return FALSE;
}

static void
dispose(GObject *object)
{
    LimForm *self = LIM_FORM(object);

    g_ptr_array_set_size(self->rows, 0);
    g_clear_pointer(&self->scroller, gtk_widget_unparent);
    G_OBJECT_CLASS(lim_form_parent_class)->dispose(object);
}

static void
finalize(GObject *object)
{
    g_ptr_array_unref(LIM_FORM(object)->rows);
    G_OBJECT_CLASS(lim_form_parent_class)->finalize(object);
}

static void
lim_form_class_init(LimFormClass *klass)
{
    GObjectClass *object_class = G_OBJECT_CLASS(klass);
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(klass);

    object_class->dispose = dispose;
    object_class->finalize = finalize;
    signals[CHANGED] = g_signal_new("changed", LIM_TYPE_FORM, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                    NULL, G_TYPE_NONE, 0);
    signals[SETTLED] = g_signal_new("settled", LIM_TYPE_FORM, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                    NULL, G_TYPE_NONE, 0);
    gtk_widget_class_set_css_name(widget_class, "form");
    gtk_widget_class_set_layout_manager_type(widget_class, GTK_TYPE_BIN_LAYOUT);
    gtk_widget_class_set_accessible_role(widget_class, GTK_ACCESSIBLE_ROLE_FORM);
}

static void
lim_form_init(LimForm *self)
{
    self->rows = g_ptr_array_new();
    self->box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 12);
    self->scroller = gtk_scrolled_window_new();
    gtk_scrolled_window_set_policy(GTK_SCROLLED_WINDOW(self->scroller), GTK_POLICY_NEVER,
                                   GTK_POLICY_AUTOMATIC);
    gtk_scrolled_window_set_child(GTK_SCROLLED_WINDOW(self->scroller), self->box);
    gtk_accessible_update_property(GTK_ACCESSIBLE(self->scroller), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   "Settings", -1);
    gtk_widget_set_vexpand(GTK_WIDGET(self), TRUE);
    gtk_widget_set_parent(self->scroller, GTK_WIDGET(self));
}

GtkWidget *
lim_form_new(void)
{
    return g_object_new(LIM_TYPE_FORM, NULL);
}
