#include "support.h"

#include <stdlib.h>

void
test_ui_init(int *argc, char ***argv)
{
    if (!g_getenv("DISPLAY")) {
        g_print("1..0 # SKIP no display\n");
        exit(0);
    }
    gtk_test_init(argc, argv, NULL);
}

static gboolean
raise_flag(gpointer flag)
{
    *(gboolean *)flag = TRUE;
    return G_SOURCE_REMOVE;
}

void
test_wait(const gboolean *flag)
{
    gboolean late = FALSE;
    guint source = g_timeout_add_seconds(5, raise_flag, &late);

    while (!*flag && !late)
        g_main_context_iteration(NULL, TRUE);
    g_assert_true(*flag);
    if (!late)
        g_source_remove(source);
}

void
test_spin(guint ms)
{
    gboolean over = FALSE;

    g_timeout_add(ms, raise_flag, &over);
    while (!over)
        g_main_context_iteration(NULL, TRUE);
}

void
test_settle(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

GtkWindow *
test_show(GtkWidget *widget, int width, int height)
{
    GtkWindow *window = GTK_WINDOW(gtk_window_new());

    gtk_window_set_decorated(window, FALSE);
    gtk_window_set_child(window, widget);
    gtk_widget_set_size_request(widget, width, height);
    gtk_window_present(window);
    gtk_test_widget_wait_for_draw(widget);
    return window;
}

guint8 *
test_render(GtkWidget *widget, int scale, int *width, int *height)
{
    gtk_test_widget_wait_for_draw(widget);
    int w = gtk_widget_get_width(widget), h = gtk_widget_get_height(widget);
    g_autoptr(GdkPaintable) paintable = gtk_widget_paintable_new(widget);
    g_autoptr(GtkSnapshot) snapshot = gtk_snapshot_new();

    gtk_snapshot_scale(snapshot, (float)scale, (float)scale);
    gdk_paintable_snapshot(paintable, snapshot, w, h);
    g_autoptr(GskRenderNode) node = gtk_snapshot_to_node(snapshot);
    g_assert_nonnull(node);
    *width = w * scale;
    *height = h * scale;
    g_autoptr(GdkTexture) texture =
        gsk_renderer_render_texture(gtk_native_get_renderer(gtk_widget_get_native(widget)), node,
                                    &GRAPHENE_RECT_INIT(0, 0, (float)*width, (float)*height));
    gsize n = (gsize)*width * (gsize)*height;
    g_autofree guint32 *argb = g_new(guint32, n);
    guint8 *rgb = g_malloc(3 * n);

    gdk_texture_download(texture, (guchar *)argb, (gsize)*width * 4);
    for (gsize i = 0; i < n; i++) {
        rgb[3 * i] = (guint8)(argb[i] >> 16);
        rgb[3 * i + 1] = (guint8)(argb[i] >> 8);
        rgb[3 * i + 2] = (guint8)argb[i];
    }
    return rgb;
}

GtkWidget *
test_find_type(GtkWidget *root, GType type)
{
    if (g_type_is_a(G_OBJECT_TYPE(root), type))
        return root;
    for (GtkWidget *c = gtk_widget_get_first_child(root); c; c = gtk_widget_get_next_sibling(c)) {
        GtkWidget *found = test_find_type(c, type);
        if (found)
            return found;
    }
    return NULL;
}

GtkWidget *
test_find_labelled(GtkWidget *root, const char *label)
{
    g_autofree char *differs =
        gtk_test_accessible_check_property(GTK_ACCESSIBLE(root), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                           label);

    if (!differs && !GTK_IS_LABEL(root))
        return root;
    for (GtkWidget *c = gtk_widget_get_first_child(root); c; c = gtk_widget_get_next_sibling(c)) {
        GtkWidget *found = test_find_labelled(c, label);
        if (found)
            return found;
    }
    return NULL;
}

gboolean
test_key(GtkWidget *widget, guint keyval, GdkModifierType state)
{
    g_autoptr(GListModel) controllers = gtk_widget_observe_controllers(widget);
    gboolean taken = FALSE;

    for (guint i = 0; i < g_list_model_get_n_items(controllers) && !taken; i++) {
        g_autoptr(GtkEventController) c = g_list_model_get_item(controllers, i);
        if (GTK_IS_EVENT_CONTROLLER_KEY(c))
            g_signal_emit_by_name(c, "key-pressed", keyval, 0, state, &taken);
    }
    return taken;
}

static void
count_one(guint *count)
{
    ++*count;
}

guint *
test_count(gpointer object, const char *signal)
{
    guint *count = g_new0(guint, 1);

    g_signal_connect_data(object, signal, G_CALLBACK(count_one), count,
                          (GClosureNotify)(void *)g_free, G_CONNECT_SWAPPED);
    return count;
}
