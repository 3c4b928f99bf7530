/* LimChoiceRow: a GtkDropDown whose items stand for integers. */
#include "widgets/lim-choice-row.h"

struct _LimChoiceRow {
    LimFormRow parent_instance;
    GtkWidget *drop_down;
    GArray *values; /* of int */
    int def;
    int min, max;     /* of values that join; min > max: none */
    gboolean *usable; /* [values], or NULL */
    char *why;
};

G_DEFINE_FINAL_TYPE(LimChoiceRow, lim_choice_row, LIM_TYPE_FORM_ROW)

static GVariant *
get_value(LimFormRow *row)
{
    LimChoiceRow *self = LIM_CHOICE_ROW(row);
    guint i = gtk_drop_down_get_selected(GTK_DROP_DOWN(self->drop_down));

    return g_variant_new_int32(i < self->values->len ? g_array_index(self->values, int, i)
                                                     : self->def);
}

static gboolean
select_value(LimChoiceRow *self, int value)
{
    for (guint i = 0; i < self->values->len; i++) {
        if (g_array_index(self->values, int, i) == value) {
            gtk_drop_down_set_selected(GTK_DROP_DOWN(self->drop_down), i);
            return TRUE;
        }
    }
    return FALSE;
}

static void
set_value(LimFormRow *row, GVariant *value)
{
    LimChoiceRow *self = LIM_CHOICE_ROW(row);
    int v = g_variant_get_int32(value);

    if (select_value(self, v) || v < self->min || v > self->max)
        return;
    GtkStringList *list = GTK_STRING_LIST(gtk_drop_down_get_model(GTK_DROP_DOWN(self->drop_down)));
    g_autofree char *text = g_strdup_printf("%d", v);
    guint at = 0;
    while (at < self->values->len && g_array_index(self->values, int, at) < v)
        at++;
    g_array_insert_val(self->values, at, v);
    gtk_string_list_splice(list, at, 0, (const char *const[]){text, NULL});
    select_value(self, v);
}

static void
selected(LimChoiceRow *self)
{
    lim_form_row_control_changed(LIM_FORM_ROW(self), TRUE);
}

static void
set_up_item(GtkSignalListItemFactory *factory, GtkListItem *item)
{
    GtkWidget *label = gtk_label_new(NULL);

    gtk_label_set_xalign(GTK_LABEL(label), 0);
    gtk_list_item_set_child(item, label);
}

static void
bind_item(GtkSignalListItemFactory *factory, GtkListItem *item, LimChoiceRow *self)
{
    GtkWidget *label = gtk_list_item_get_child(item);
    const guint at = gtk_list_item_get_position(item);
    const gboolean usable = !self->usable || at >= self->values->len || self->usable[at];

    gtk_label_set_text(GTK_LABEL(label),
                       gtk_string_object_get_string(gtk_list_item_get_item(item)));
    gtk_widget_set_sensitive(label, usable);
    gtk_list_item_set_activatable(item, usable);
    gtk_list_item_set_selectable(item, usable);
    /* What is insensitive has no tooltip of its own. */
    gtk_widget_set_tooltip_text(gtk_widget_get_parent(label), usable ? NULL : self->why);
}

void
lim_choice_row_set_usable(LimChoiceRow *self, const gboolean *usable, const char *why)
{
    g_autoptr(GtkListItemFactory) factory = NULL;

    g_free(self->usable);
    g_free(self->why);
    self->usable = usable ? g_memdup2(usable, self->values->len * sizeof *usable) : NULL;
    self->why = g_strdup(why);
    if (usable) {
        factory = gtk_signal_list_item_factory_new();
        g_signal_connect_object(factory, "setup", G_CALLBACK(set_up_item), self, 0);
        g_signal_connect_object(factory, "bind", G_CALLBACK(bind_item), self, 0);
    }
    gtk_drop_down_set_list_factory(GTK_DROP_DOWN(self->drop_down), factory);
}

static void
finalize(GObject *object)
{
    g_free(LIM_CHOICE_ROW(object)->usable);
    g_free(LIM_CHOICE_ROW(object)->why);
    g_array_unref(LIM_CHOICE_ROW(object)->values);
    G_OBJECT_CLASS(lim_choice_row_parent_class)->finalize(object);
}

static void
lim_choice_row_class_init(LimChoiceRowClass *klass)
{
    G_OBJECT_CLASS(klass)->finalize = finalize;
    LIM_FORM_ROW_CLASS(klass)->get_value = get_value;
    LIM_FORM_ROW_CLASS(klass)->set_value = set_value;
}

static void
lim_choice_row_init(LimChoiceRow *self)
{
    self->values = g_array_new(FALSE, FALSE, sizeof(int));
    self->drop_down = gtk_drop_down_new(NULL, NULL);
    self->max = -1;
}

void
lim_choice_row_set_range(LimChoiceRow *self, int min, int max)
{
    self->min = min;
    self->max = max;
}

GtkWidget *
lim_choice_row_get_drop_down(LimChoiceRow *self)
{
    return self->drop_down;
}

void
lim_choice_row_set_choices(LimChoiceRow *self, const char *const *texts, const int *values)
{
    g_autoptr(GVariant) was = lim_form_row_dup_value(LIM_FORM_ROW(self));
    g_autoptr(GtkStringList) list = gtk_string_list_new(texts);

    g_signal_handlers_block_by_func(self->drop_down, selected, self);
    g_array_set_size(self->values, 0);
    for (int i = 0; texts[i]; i++) {
        int v = values ? values[i] : i;
        g_array_append_val(self->values, v);
    }
    gtk_drop_down_set_model(GTK_DROP_DOWN(self->drop_down), G_LIST_MODEL(list));
    if (!select_value(self, g_variant_get_int32(was)))
        select_value(self, self->def);
    g_signal_handlers_unblock_by_func(self->drop_down, selected, self);

    g_autoptr(GVariant) now = lim_form_row_dup_value(LIM_FORM_ROW(self));
    lim_form_row_set_value(LIM_FORM_ROW(self), now);
}

GtkWidget *
lim_choice_row_new(const char *key, const char *label, const char *help, const char *const *texts,
                   const int *values, int def)
{
    LimChoiceRow *self =
        g_object_new(LIM_TYPE_CHOICE_ROW, "key", key, "label", label, "help", help, NULL);

    self->def = def;
    g_signal_connect_swapped(self->drop_down, "notify::selected", G_CALLBACK(selected), self);
    lim_form_row_set_control(LIM_FORM_ROW(self), self->drop_down, self->drop_down);
    /* The part that takes the focus is a button inside. */
    lim_form_row_name_widget(LIM_FORM_ROW(self), gtk_widget_get_first_child(self->drop_down),
                             label);
    lim_choice_row_set_choices(self, texts, values);
    lim_form_row_set_default(LIM_FORM_ROW(self), g_variant_new_int32(def));
    return GTK_WIDGET(self);
}
