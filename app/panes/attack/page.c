/* What the pages have in common. */
#include "panes/attack/page.h"

typedef struct {
    LimSession *session;
    GtkWidget *child, *notice;
} LimAttackPagePrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE(LimAttackPage, lim_attack_page, GTK_TYPE_WIDGET)

static guint wanted; /* signal */

#define PRIV(self) ((LimAttackPagePrivate *)lim_attack_page_get_instance_private(self))

void
lim_attack_page_set_session(LimAttackPage *self, LimSession *session)
{
    g_set_object(&PRIV(self)->session, session);
}

LimWorker *
lim_attack_page_get_worker(LimAttackPage *self)
{
    return lim_session_get_worker(PRIV(self)->session);
}

void
lim_attack_page_set_child(LimAttackPage *self, GtkWidget *child)
{
    PRIV(self)->child = child;
    gtk_widget_set_parent(child, GTK_WIDGET(self));
}

GtkWidget *
lim_attack_page_line_new(void)
{
    GtkWidget *line = gtk_label_new(NULL);

    gtk_label_set_xalign(GTK_LABEL(line), 0);
    gtk_label_set_ellipsize(GTK_LABEL(line), PANGO_ELLIPSIZE_END);
    gtk_widget_add_css_class(line, "numeric");
    return line;
}

GtkWidget *
lim_attack_page_set_plot(LimAttackPage *self, GtkWidget *plot)
{
    GtkWidget *column = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);
    GtkWidget *line = lim_attack_page_line_new();

    gtk_widget_set_vexpand(plot, TRUE);
    gtk_box_append(GTK_BOX(column), line);
    gtk_box_append(GTK_BOX(column), plot);
    lim_attack_page_set_child(self, column);
    return line;
}

const char *
lim_attack_page_get_text(LimAttackPage *self)
{
    return LIM_ATTACK_PAGE_GET_CLASS(self)->text;
}

void
lim_attack_page_show(LimAttackPage *self, LimAttackRun *run, int frame)
{
    const bool external = lim_attack_run_external(run);

    gtk_widget_set_visible(PRIV(self)->child, !external);
    gtk_widget_set_visible(PRIV(self)->notice, external);
    if (!external)
        LIM_ATTACK_PAGE_GET_CLASS(self)->show(self, run, frame);
}

void
lim_attack_page_want(LimAttackPage *self, LimAttackRun *run, int frame)
{
    g_signal_emit(self, wanted, 0, run, frame);
}

static void
dispose(GObject *object)
{
    LimAttackPagePrivate *priv = PRIV(LIM_ATTACK_PAGE(object));

    g_clear_pointer(&priv->child, gtk_widget_unparent);
    g_clear_pointer(&priv->notice, gtk_widget_unparent);
    g_clear_object(&priv->session);
    G_OBJECT_CLASS(lim_attack_page_parent_class)->dispose(object);
}

static void
lim_attack_page_class_init(LimAttackPageClass *klass)
{
    G_OBJECT_CLASS(klass)->dispose = dispose;
    wanted = g_signal_new("picture-wanted", LIM_TYPE_ATTACK_PAGE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                          NULL, G_TYPE_NONE, 2, G_TYPE_POINTER, G_TYPE_INT);
    gtk_widget_class_set_layout_manager_type(GTK_WIDGET_CLASS(klass), GTK_TYPE_BIN_LAYOUT);
    gtk_widget_class_set_accessible_role(GTK_WIDGET_CLASS(klass), GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
lim_attack_page_init(LimAttackPage *self)
{
    GtkWidget *notice = gtk_label_new("This page would ask the external program thousands of "
                                      "questions that the attack does not count. Choose a "
                                      "classifier to see it.");

    gtk_label_set_wrap(GTK_LABEL(notice), TRUE);
    gtk_label_set_max_width_chars(GTK_LABEL(notice), 44);
    gtk_label_set_justify(GTK_LABEL(notice), GTK_JUSTIFY_CENTER);
    gtk_widget_set_visible(notice, FALSE);
    gtk_widget_set_parent(notice, GTK_WIDGET(self));
    PRIV(self)->notice = notice;
}
