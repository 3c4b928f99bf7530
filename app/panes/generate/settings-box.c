#include "panes/generate/settings-box.h"

#include "widgets/lim-text-row.h"

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

    /* Texts can use all the room there is. */
    gtk_widget_set_hexpand(GTK_WIDGET(second), LIM_IS_TEXT_ROW(second));
    gtk_box_append(GTK_BOX(pair), GTK_WIDGET(first));
    gtk_box_append(GTK_BOX(pair), GTK_WIDGET(second));
    gtk_flow_box_child_set_child(GTK_FLOW_BOX_CHILD(child), pair);
    gtk_widget_set_focusable(child, FALSE);
    gtk_flow_box_append(GTK_FLOW_BOX(box), child);
}

GtkWidget *
lim_generate_fault_new(GtkWidget *pictures, GtkWidget **label)
{
    GtkWidget *overlay = gtk_overlay_new();

    *label = gtk_label_new(NULL);
    gtk_label_set_xalign(GTK_LABEL(*label), 0);
    gtk_label_set_wrap(GTK_LABEL(*label), TRUE);
    gtk_widget_set_halign(*label, GTK_ALIGN_FILL);
    gtk_widget_set_valign(*label, GTK_ALIGN_START);
    gtk_widget_set_can_target(*label, FALSE);
    gtk_widget_set_visible(*label, FALSE);
    gtk_widget_add_css_class(*label, "fault");
    gtk_overlay_set_child(GTK_OVERLAY(overlay), pictures);
    gtk_overlay_add_overlay(GTK_OVERLAY(overlay), *label);
    return overlay;
}

void
lim_generate_fault_show(GtkWidget *label, const char *sentence)
{
    gboolean any = sentence && *sentence;

    gtk_label_set_text(GTK_LABEL(label), any ? sentence : "");
    gtk_widget_set_visible(label, any);
}
