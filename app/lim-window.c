/* LimWindow: makes the panes of the list and leads files and actions to them. */
#include "lim-window.h"

#include "preferences.h"
#include "shortcuts.h"
#include "widgets/file-dialog.h"

struct _LimWindow {
    GtkApplicationWindow parent_instance;
    GtkWidget *menu_button;
    GtkWidget *views;
    LimSession *session;
};

G_DEFINE_FINAL_TYPE(LimWindow, lim_window, GTK_TYPE_APPLICATION_WINDOW)

static LimPane *
visible_pane(LimWindow *self)
{
    GtkWidget *child = gtk_stack_get_visible_child(GTK_STACK(self->views));
    return child ? LIM_PANE(child) : NULL;
}

LimPane *
lim_window_get_pane(LimWindow *self, const char *name)
{
    GtkWidget *child = gtk_stack_get_child_by_name(GTK_STACK(self->views), name);
    return child ? LIM_PANE(child) : NULL;
}

void
lim_window_open_path(LimWindow *self, const char *path)
{
    LimPane *pane = visible_pane(self);

    if (!g_str_has_suffix(path, ".png") || !pane || !lim_pane_open_file(pane, path))
        lim_session_open(self->session, path);
}

static void
model_chosen(gpointer window, const char *path)
{
    lim_session_open(LIM_WINDOW(window)->session, path);
}

static void
open_model(GtkWidget *widget, const char *name, GVariant *parameter)
{
    static const LimFileKind models = {"Models (safetensors)", "safetensors", TRUE};

    lim_file_dialog_open(widget, "Open Model", &models, model_chosen);
}

static void
open_path(GtkWidget *widget, const char *name, GVariant *parameter)
{
    lim_window_open_path(LIM_WINDOW(widget), g_variant_get_string(parameter, NULL));
}

static void
open_shipped(GtkWidget *widget, const char *name, GVariant *parameter)
{
    g_autofree char *path = lim_session_dup_default_path();
    lim_session_open(LIM_WINDOW(widget)->session, path);
}

static void
popup_menu(GtkWidget *widget, const char *name, GVariant *parameter)
{
    gtk_menu_button_popup(GTK_MENU_BUTTON(LIM_WINDOW(widget)->menu_button));
}

static gboolean
drop(LimWindow *self, const GValue *value)
{
    GSList *files = g_value_get_boxed(value); /* borrowed */

    if (!files)
        return FALSE;
    g_autofree char *path = g_file_get_path(files->data);
    if (!path)
        return FALSE;
    lim_window_open_path(self, path);
    return TRUE;
}

static void
view_changed(LimWindow *self)
{
    LimPane *pane = visible_pane(self);
    GAction *action = g_action_map_lookup_action(G_ACTION_MAP(self), "view");

    if (!pane)
        return;
    gtk_widget_insert_action_group(GTK_WIDGET(self), "view",
                                   G_ACTION_GROUP(lim_pane_get_actions(pane)));
    g_simple_action_set_state(G_SIMPLE_ACTION(action),
                              g_variant_new_string(
                                  gtk_stack_get_visible_child_name(GTK_STACK(self->views))));
}

static void
save_session(LimWindow *self)
{
    g_auto(GVariantDict) session = G_VARIANT_DICT_INIT(NULL);

    g_variant_dict_insert(&session, "view", "s",
                          gtk_stack_get_visible_child_name(GTK_STACK(self->views)));
    for (int i = 0; i < lim_n_panes; i++) {
        g_autoptr(GVariant) state =
            lim_pane_dup_session(lim_window_get_pane(self, lim_panes[i]->name));
        if (state)
            g_variant_dict_insert_value(&session, lim_panes[i]->name, state);
    }
    lim_last_session_save(g_variant_dict_end(&session));
}

static void
restore_session(LimWindow *self)
{
    g_autoptr(GVariant) session = lim_last_session_load();
    const char *view;

    for (int i = 0; i < lim_n_panes; i++) {
        g_autoptr(GVariant) state =
            g_variant_lookup_value(session, lim_panes[i]->name, G_VARIANT_TYPE_VARDICT);
        if (state)
            lim_pane_restore_session(lim_window_get_pane(self, lim_panes[i]->name), state);
    }
    if (g_variant_lookup(session, "view", "&s", &view) && lim_window_get_pane(self, view))
        gtk_stack_set_visible_child_name(GTK_STACK(self->views), view);
}

static gboolean
close_request(GtkWindow *window)
{
    LimPreferences p = lim_preferences_load();

    p.maximized = gtk_window_is_maximized(window);
    if (!p.maximized && !gtk_window_is_fullscreen(window))
        gtk_window_get_default_size(window, &p.width, &p.height);
    lim_preferences_save(&p);
    save_session(LIM_WINDOW(window));
    return GTK_WINDOW_CLASS(lim_window_parent_class)->close_request(window);
}

static void
dispose(GObject *object)
{
    LimWindow *self = LIM_WINDOW(object);

    gtk_widget_dispose_template(GTK_WIDGET(self), LIM_TYPE_WINDOW);
    g_clear_object(&self->session);
    G_OBJECT_CLASS(lim_window_parent_class)->dispose(object);
}

static void
lim_window_class_init(LimWindowClass *klass)
{
    GtkWidgetClass *widget_class = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = dispose;
    GTK_WINDOW_CLASS(klass)->close_request = close_request;
    gtk_widget_class_set_template_from_resource(widget_class, "/org/limen/Limen/window.ui");
    gtk_widget_class_bind_template_child(widget_class, LimWindow, menu_button);
    gtk_widget_class_bind_template_child(widget_class, LimWindow, views);
    gtk_widget_class_install_action(widget_class, "win.open-model", NULL, open_model);
    gtk_widget_class_install_action(widget_class, "win.open-path", "s", open_path);
    gtk_widget_class_install_action(widget_class, "win.open-shipped", NULL, open_shipped);
    gtk_widget_class_install_action(widget_class, "win.menu", NULL, popup_menu);
}

static void
lim_window_init(LimWindow *self)
{
    gtk_widget_init_template(GTK_WIDGET(self));
}

static void
show_form_changed(GSimpleAction *action, GVariant *state, gpointer data)
{
    LimWindow *self = data;

    g_simple_action_set_state(action, state);
    for (int i = 0; i < lim_n_panes; i++) {
        LimPane *pane = lim_window_get_pane(self, lim_panes[i]->name);
        g_object_set(pane, "show-form", g_variant_get_boolean(state), NULL);
    }
}

/* Making the help window takes a tenth of the time to start: it waits for the first use, and GTK's
 * own action then takes the place of this one. */
static void
first_help(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    GtkApplicationWindow *window = data;
    g_autoptr(GtkShortcutsWindow) help = GTK_SHORTCUTS_WINDOW(lim_shortcuts_window_new());

    gtk_application_window_set_help_overlay(window, help);
    gtk_window_present(GTK_WINDOW(help));
}

static void
change_view(GSimpleAction *action, GVariant *state, gpointer data)
{
    const char *name = g_variant_get_string(state, NULL);

    if (lim_window_get_pane(data, name))
        gtk_stack_set_visible_child_name(GTK_STACK(LIM_WINDOW(data)->views), name);
}

static void
fullscreen_changed(GSimpleAction *action, GVariant *state, gpointer data)
{
    if (g_variant_get_boolean(state))
        gtk_window_fullscreen(data);
    else
        gtk_window_unfullscreen(data);
}

static void
fullscreened(LimWindow *self)
{
    GAction *action = g_action_map_lookup_action(G_ACTION_MAP(self), "fullscreen");

    g_simple_action_set_state(G_SIMPLE_ACTION(action),
                              g_variant_new_boolean(gtk_window_is_fullscreen(GTK_WINDOW(self))));
}

/* A file that holds no generator is the affair of the first view that wants it. */
static gboolean
other_opened(LimWindow *self, const char *holds, const char *path)
{
    gboolean taken = FALSE;

    for (int i = 0; i < lim_n_panes && !taken; i++)
        taken = lim_pane_open_other(lim_window_get_pane(self, lim_panes[i]->name), holds, path);
    if (taken && !lim_session_get_model(self->session)) {
        g_autofree char *shipped = lim_session_dup_default_path();
        lim_session_open(self->session, shipped);
    }
    return taken;
}

LimWindow *
lim_window_new(GtkApplication *app, LimSession *session)
{
    static const GActionEntry toggles[] = {
        {.name = "show-form", .state = "true", .change_state = show_form_changed},
        {.name = "fullscreen", .state = "false", .change_state = fullscreen_changed},
        {.name = "show-help-overlay", .activate = first_help},
        {.name = "view", .parameter_type = "s", .state = "''", .change_state = change_view},
    };
    LimWindow *self = g_object_new(LIM_TYPE_WINDOW, "application", app, NULL);
    LimPreferences p = lim_preferences_load();

    self->session = g_object_ref(session);
    gtk_window_set_default_size(GTK_WINDOW(self), p.width, p.height);
    if (p.maximized)
        gtk_window_maximize(GTK_WINDOW(self));

    for (int i = 0; i < lim_n_panes; i++) {
        GtkWidget *pane = g_object_new(lim_panes[i]->type(), "session", session, NULL);
        gtk_accessible_update_property(GTK_ACCESSIBLE(pane), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       lim_panes[i]->title, -1);
        gtk_stack_add_titled(GTK_STACK(self->views), pane, lim_panes[i]->name, lim_panes[i]->title);
    }

    g_action_map_add_action_entries(G_ACTION_MAP(self), toggles, G_N_ELEMENTS(toggles), self);
    g_signal_connect_object(self->views, "notify::visible-child", G_CALLBACK(view_changed), self,
                            G_CONNECT_SWAPPED);
    g_signal_connect(self, "notify::fullscreened", G_CALLBACK(fullscreened), NULL);
    view_changed(self);
    g_signal_connect_object(session, "other-opened", G_CALLBACK(other_opened), self,
                            G_CONNECT_SWAPPED);
    restore_session(self);

    GtkDropTarget *target = gtk_drop_target_new(GDK_TYPE_FILE_LIST, GDK_ACTION_COPY);
    g_signal_connect_swapped(target, "drop", G_CALLBACK(drop), self);
    gtk_widget_add_controller(GTK_WIDGET(self), GTK_EVENT_CONTROLLER(target));
    return self;
}
