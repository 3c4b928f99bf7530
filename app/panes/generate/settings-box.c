#include "panes/generate/settings-box.h"

GtkWidget *
lim_generate_settings_box_new(void)
{
    GtkWidget *flow = gtk_flow_box_new();

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
    GtkWidget *child = gtk_flow_box_child_new();

    gtk_widget_set_hexpand(GTK_WIDGET(second), TRUE);
    gtk_box_append(GTK_BOX(pair), GTK_WIDGET(first));
    gtk_box_append(GTK_BOX(pair), GTK_WIDGET(second));
    gtk_flow_box_child_set_child(GTK_FLOW_BOX_CHILD(child), pair);
    gtk_widget_set_focusable(child, FALSE);
    gtk_flow_box_append(GTK_FLOW_BOX(box), child);
}
