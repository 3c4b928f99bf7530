/* LimApp: starts the engine, shows the window at once, and opens the first model on the worker. */
#include "lim-app.h"

#include "limen-resources.h"
#include "preferences.h"
#include "shortcuts.h"

struct _LimApp {
    GtkApplication parent_instance;
    LimSession *session;
    LimColorScheme *scheme;
    LimWindow *window; /* weak */
};

G_DEFINE_FINAL_TYPE(LimApp, lim_app, GTK_TYPE_APPLICATION)

LimWindow *
lim_app_get_window(LimApp *self)
{
    return self->window;
}

LimSession *
lim_app_get_session(LimApp *self)
{
    return self->session;
}

static void
style_changed(GSimpleAction *action, GVariant *state, gpointer data)
{
    LimApp *self = data;
    LimPreferences p = lim_preferences_load();

    p.style = lim_style_from_name(g_variant_get_string(state, NULL));
    lim_color_scheme_set_style(self->scheme, p.style);
    g_simple_action_set_state(action, g_variant_new_string(lim_style_name(p.style)));
    lim_preferences_save(&p);
}

static void
quit(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    LimApp *self = data;

    if (self->window)
        gtk_window_close(GTK_WINDOW(self->window)); /* remembers its size; ends the last hold */
    else
        g_application_quit(G_APPLICATION(self));
}

static void
about(GSimpleAction *action, GVariant *parameter, gpointer data)
{
    LimApp *self = data;

    gtk_show_about_dialog(
        self->window ? GTK_WINDOW(self->window) : NULL, "program-name", "Limen", "logo-icon-name",
        LIM_APP_ID, "version", LIMEN_VERSION, "comments",
        "An explorer of two thresholds: the truncation threshold of generative adversarial "
        "networks and the decision boundary of classifiers.\n\nEverything is computed on this "
        "machine by Limen's own engine.",
        "license-type", GTK_LICENSE_MIT_X11, NULL);
}

static void
load_style(void)
{
    g_autoptr(GtkCssProvider) css = gtk_css_provider_new();

    gtk_css_provider_load_from_resource(css, "/org/limen/Limen/style.css");
    gtk_style_context_add_provider_for_display(gdk_display_get_default(), GTK_STYLE_PROVIDER(css),
                                               GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
}

static void
startup(GApplication *application)
{
    static const GActionEntry entries[] = {
        {.name = "quit", .activate = quit},
        {.name = "about", .activate = about},
        {.name = "style",
         .parameter_type = "s",
         .state = "'system'",
         .change_state = style_changed},
    };
    LimApp *self = LIM_APP(application);

    G_APPLICATION_CLASS(lim_app_parent_class)->startup(application);
    load_style();
    self->session = lim_session_new();
    self->scheme = lim_color_scheme_new();
    g_action_map_add_action_entries(G_ACTION_MAP(self), entries, G_N_ELEMENTS(entries), self);
    g_action_group_change_action_state(G_ACTION_GROUP(self), "style",
                                       g_variant_new_string(
                                           lim_style_name(lim_preferences_load().style)));
    lim_shortcuts_install(GTK_APPLICATION(self));
}

static void
present(LimApp *self)
{
    if (!self->window) {
        LimWindow *window = lim_window_new(GTK_APPLICATION(self), self->session);
        g_set_weak_pointer(&self->window, window);
    }
    gtk_window_present(GTK_WINDOW(self->window));
}

static void
activate(GApplication *application)
{
    LimApp *self = LIM_APP(application);
    gboolean first = !self->window;

    present(self);
    if (first) {
        g_autofree char *path = lim_session_dup_default_path();
        lim_session_open(self->session, path);
    }
}

static void
open_files(GApplication *application, GFile **files, int n_files, const char *hint)
{
    LimApp *self = LIM_APP(application);
    g_autofree char *path = g_file_get_path(files[0]);

    if (path && g_str_has_suffix(path, ".safetensors"))
        present(self);
    else
        activate(application); /* a picture needs the shipped model beside it */
    if (path)
        lim_window_open_path(self->window, path);
}

static void
shutdown(GApplication *application)
{
    LimApp *self = LIM_APP(application);

    if (self->window)
        gtk_window_destroy(GTK_WINDOW(self->window));
    g_clear_object(&self->scheme);
    g_clear_object(&self->session); /* stops the worker */
    G_APPLICATION_CLASS(lim_app_parent_class)->shutdown(application);
}

static void
dispose(GObject *object)
{
    g_clear_weak_pointer(&LIM_APP(object)->window);
    G_OBJECT_CLASS(lim_app_parent_class)->dispose(object);
}

static void
lim_app_class_init(LimAppClass *klass)
{
    GApplicationClass *app_class = G_APPLICATION_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = dispose;
    app_class->startup = startup;
    app_class->activate = activate;
    app_class->open = open_files;
    app_class->shutdown = shutdown;
    g_resources_register(limen_get_resource());
}

static void
lim_app_init(LimApp *self)
{
}

LimApp *
lim_app_new(GApplicationFlags flags)
{
    return g_object_new(LIM_TYPE_APP, "application-id", LIM_APP_ID, "flags",
                        flags | G_APPLICATION_HANDLES_OPEN, "resource-base-path",
                        "/org/limen/Limen", NULL);
}
