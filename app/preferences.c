/* A key file rather than GSettings: a schema that is not installed would abort the program. */
#include "preferences.h"

#define GROUP       "window"
#define SESSION_MAX (1 << 20) /* bytes; what is larger was not written by this program */

static char *
path_new(const char *name)
{
    return g_build_filename(g_get_user_config_dir(), "limen", name, NULL);
}

static int
get_size(GKeyFile *file, const char *key, int def)
{
    int v = g_key_file_get_integer(file, GROUP, key, NULL);
    return v >= 200 && v <= 20000 ? v : def;
}

LimPreferences
lim_preferences_load(void)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autofree char *path = path_new("window.ini");

    g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL);
    g_autofree char *style = g_key_file_get_string(file, GROUP, "style", NULL);
    return (LimPreferences){.width = get_size(file, "width", 1200),
                            .height = get_size(file, "height", 780),
                            .maximized = g_key_file_get_boolean(file, GROUP, "maximized", NULL),
                            .style = lim_style_from_name(style)};
}

void
lim_preferences_save(const LimPreferences *p)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autofree char *path = path_new("window.ini");
    g_autofree char *folder = g_path_get_dirname(path);

    g_key_file_set_integer(file, GROUP, "width", p->width);
    g_key_file_set_integer(file, GROUP, "height", p->height);
    g_key_file_set_boolean(file, GROUP, "maximized", p->maximized);
    g_key_file_set_string(file, GROUP, "style", lim_style_name(p->style));
    if (g_mkdir_with_parents(folder, 0700) == 0)
        g_key_file_save_to_file(file, path, NULL);
}

GVariant *
lim_last_session_load(void)
{
    g_autofree char *path = path_new("session"), *text = NULL;
    GVariant *session = NULL;
    gsize size;

    if (g_file_get_contents(path, &text, &size, NULL) && size <= SESSION_MAX)
        session = g_variant_parse(G_VARIANT_TYPE_VARDICT, text, text + size, NULL, NULL);
    return session ? session : g_variant_ref_sink(g_variant_new("a{sv}", NULL));
}

void
lim_last_session_save(GVariant *session)
{
    g_autoptr(GVariant) held = g_variant_ref_sink(session);
    g_autofree char *path = path_new("session");
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *text = g_variant_print(held, TRUE);

    if (g_mkdir_with_parents(folder, 0700) == 0)
        g_file_set_contents(path, text, -1, NULL);
}
