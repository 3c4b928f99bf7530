/* LimExplain: a label with links that lead nowhere but to widgets in sight. */
#include "widgets/lim-explain.h"

#define LIT_MS 2000 /* after a link was followed */

struct _LimExplain {
    GtkWidget parent_instance;
    GtkWidget *label;
    GHashTable *terms; /* name -> GWeakRef of a widget */
    char *lit;
    guint timeout;
};

G_DEFINE_FINAL_TYPE(LimExplain, lim_explain, GTK_TYPE_WIDGET)

static void
weak_free(gpointer data)
{
    g_weak_ref_clear(data);
    g_free(data);
}

static GtkWidget *
dup_widget(LimExplain *self, const char *name)
{
    GWeakRef *ref = name ? g_hash_table_lookup(self->terms, name) : NULL;
    return ref ? g_weak_ref_get(ref) : NULL;
}

void
lim_explain_light(LimExplain *self, const char *name)
{
    if (g_strcmp0(name, self->lit) == 0)
        return;
    g_autoptr(GtkWidget) before = dup_widget(self, self->lit);
    g_autoptr(GtkWidget) now = dup_widget(self, name);
    if (before)
        gtk_widget_remove_css_class(before, "lit");
    if (now)
        gtk_widget_add_css_class(now, "lit");
    g_free(self->lit);
    self->lit = now ? g_strdup(name) : NULL;
}

const char *
lim_explain_get_lit(LimExplain *self)
{
    return self->lit;
}

void
lim_explain_add_term(LimExplain *self, const char *name, GtkWidget *widget)
{
    GWeakRef *ref = g_new0(GWeakRef, 1);

    g_weak_ref_init(ref, widget);
    g_hash_table_replace(self->terms, g_strdup(name), ref);
}

void
lim_explain_set_text(LimExplain *self, const char *markup)
{
    lim_explain_light(self, NULL);
    gtk_label_set_markup(GTK_LABEL(self->label), markup);
}

static gboolean
dim(gpointer data)
{
    LimExplain *self = data;

    self->timeout = 0;
    lim_explain_light(self, NULL);
    return G_SOURCE_REMOVE;
}

static gboolean
followed(LimExplain *self, const char *uri)
{
    lim_explain_light(self, uri);
    g_clear_handle_id(&self->timeout, g_source_remove);
    self->timeout = g_timeout_add(LIT_MS, dim, self);
    return TRUE;
}

/* The link under the pointer. */
static void
moved(LimExplain *self)
{
    if (!self->timeout)
        lim_explain_light(self, gtk_label_get_current_uri(GTK_LABEL(self->label)));
}

static void
left(LimExplain *self)
{
    if (!self->timeout)
        lim_explain_light(self, NULL);
}

static void
dispose(GObject *object)
{
    LimExplain *self = LIM_EXPLAIN(object);

    g_clear_handle_id(&self->timeout, g_source_remove);
    g_clear_pointer(&self->label, gtk_widget_unparent);
    G_OBJECT_CLASS(lim_explain_parent_class)->dispose(object);
}

static void
finalize(GObject *object)
{
    LimExplain *self = LIM_EXPLAIN(object);

    g_hash_table_unref(self->terms);
    g_free(self->lit);
    G_OBJECT_CLASS(lim_explain_parent_class)->finalize(object);
}

static void
lim_explain_class_init(LimExplainClass *klass)
{
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = dispose;
    G_OBJECT_CLASS(klass)->finalize = finalize;
    gtk_widget_class_set_css_name(widget_class, "explain");
    gtk_widget_class_set_layout_manager_type(widget_class, GTK_TYPE_BIN_LAYOUT);
}

static void
lim_explain_init(LimExplain *self)
{
    GtkEventController *motion = gtk_event_controller_motion_new();

    self->terms = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, weak_free);
    self->label = gtk_label_new(NULL);
    gtk_label_set_wrap(GTK_LABEL(self->label), TRUE);
    gtk_label_set_xalign(GTK_LABEL(self->label), 0);
    gtk_widget_set_valign(self->label, GTK_ALIGN_START);
    g_signal_connect_object(self->label, "activate-link", G_CALLBACK(followed), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect_object(motion, "motion", G_CALLBACK(moved), self, G_CONNECT_SWAPPED);
    g_signal_connect_object(motion, "leave", G_CALLBACK(left), self, G_CONNECT_SWAPPED);
    gtk_widget_add_controller(GTK_WIDGET(self), motion);
    gtk_widget_set_parent(self->label, GTK_WIDGET(self));
}

GtkWidget *
lim_explain_new(void)
{
    return g_object_new(LIM_TYPE_EXPLAIN, NULL);
}

#define TEXT_WIDTH 240

GtkWidget *
lim_explain_row_new(LimExplain *self, GtkWidget *stack, int height, const char *switching,
                    const char *about)
{
    GtkWidget *row = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 18);
    GtkWidget *side = gtk_box_new(GTK_ORIENTATION_VERTICAL, 12);
    GtkWidget *switcher = gtk_stack_switcher_new(), *window = gtk_scrolled_window_new();

    gtk_widget_set_size_request(GTK_WIDGET(self), TEXT_WIDTH, -1);
    gtk_widget_set_hexpand(GTK_WIDGET(self), FALSE);
    gtk_widget_set_hexpand(stack, TRUE);
    gtk_stack_switcher_set_stack(GTK_STACK_SWITCHER(switcher), GTK_STACK(stack));
    gtk_widget_add_css_class(switcher, "modes");
    gtk_widget_set_halign(switcher, GTK_ALIGN_START);
    gtk_accessible_update_property(GTK_ACCESSIBLE(switcher), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   switching, -1);
    gtk_box_append(GTK_BOX(side), switcher);
    gtk_box_append(GTK_BOX(side), GTK_WIDGET(self));
    gtk_scrolled_window_set_policy(GTK_SCROLLED_WINDOW(window), GTK_POLICY_NEVER,
                                   GTK_POLICY_EXTERNAL);
    gtk_scrolled_window_set_min_content_height(GTK_SCROLLED_WINDOW(window), height);
    gtk_scrolled_window_set_child(GTK_SCROLLED_WINDOW(window), stack);
    gtk_accessible_update_property(GTK_ACCESSIBLE(window), GTK_ACCESSIBLE_PROPERTY_LABEL, about,
                                   -1);
    gtk_widget_set_vexpand(row, TRUE); /* as much as what stands above */
    gtk_box_append(GTK_BOX(row), window);
    gtk_box_append(GTK_BOX(row), side);
    return row;
}
