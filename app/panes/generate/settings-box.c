#include "panes/generate/settings-box.h"

GtkWidget *
lim_generate_settings_box_new(const char *name)
{
    GtkWidget *flow =
        g_object_new(GTK_TYPE_FLOW_BOX, "accessible-role", GTK_ACCESSIBLE_ROLE_GROUP, NULL);

    gtk_accessible_update_property(GTK_ACCESSIBLE(flow), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
    gtk_flow_box_set_selection_mode(GTK_FLOW_BOX(flow), GTK_SELECTION_NONE);
    gtk_flow_box_set_max_children_per_line(GTK_FLOW_BOX(flow), 3);
    gtk_flow_box_set_column_spacing(GTK_FLOW_BOX(flow), 18);
    gtk_flow_box_set_row_spacing(GTK_FLOW_BOX(flow), 6);
    gtk_widget_add_css_class(flow, "settings");
    return flow;
}

void
lim_generate_settings_box_add(GtkWidget *box, LimFormRow *first, LimFormRow *second)
{
    GtkWidget *pair = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 12);
    GtkWidget *child =
        g_object_new(GTK_TYPE_FLOW_BOX_CHILD, "accessible-role", GTK_ACCESSIBLE_ROLE_GROUP, NULL);

    gtk_widget_set_hexpand(GTK_WIDGET(second), TRUE);
    gtk_box_append(GTK_BOX(pair), GTK_WIDGET(first));
    gtk_box_append(GTK_BOX(pair), GTK_WIDGET(second));
    gtk_flow_box_child_set_child(GTK_FLOW_BOX_CHILD(child), pair);
    gtk_widget_set_focusable(child, FALSE);
    gtk_flow_box_append(GTK_FLOW_BOX(box), child);
}
