/* The window follows the desktop: a portal of our own on a private bus says what the desktop wants.
 */
#include "support.h"

#include "lim-color-scheme.h"

static const char portal_xml[] =
    "<node><interface name='org.freedesktop.portal.Settings'>"
    "<method name='Read'><arg type='s' direction='in'/><arg type='s' direction='in'/>"
    "<arg type='v' direction='out'/></method>"
    "<signal name='SettingChanged'><arg type='s'/><arg type='s'/><arg type='v'/></signal>"
    "</interface></node>";

static void
portal_call(GDBusConnection *bus, const char *sender, const char *path, const char *iface,
            const char *method, GVariant *parameters, GDBusMethodInvocation *call, gpointer data)
{
    const char *space, *key;

    g_variant_get(parameters, "(&s&s)", &space, &key);
    g_assert_cmpstr(space, ==, "org.freedesktop.appearance");
    g_assert_cmpstr(key, ==, "color-scheme");
    /* Read() wraps the value twice. */
    g_dbus_method_invocation_return_value(call, g_variant_new("(v)", g_variant_new_variant(
                                                                         g_variant_new_uint32(1))));
}

static gboolean
theme_dark(void)
{
    gboolean dark;

    g_object_get(gtk_settings_get_default(), "gtk-application-prefer-dark-theme", &dark, NULL);
    return dark;
}

static void
wait_dark(gboolean want)
{
    for (int i = 0; i < 500 && theme_dark() != want; i++)
        test_spin(10);
    g_assert_cmpint(theme_dark(), ==, want);
}

static void
test_choice(void)
{
    LimColorScheme *scheme = lim_color_scheme_new();

    lim_color_scheme_set_style(scheme, LIM_STYLE_DARK);
    g_assert_true(theme_dark());
    g_assert_true(lim_color_scheme_get_dark(scheme));
    lim_color_scheme_set_style(scheme, LIM_STYLE_LIGHT);
    g_assert_false(theme_dark());
    lim_color_scheme_set_style(scheme, LIM_STYLE_SYSTEM);
    g_assert_false(theme_dark()); /* no portal: as the theme was */
    test_spin(50);
    g_assert_finalize_object(scheme);
    for (int s = LIM_STYLE_SYSTEM; s <= LIM_STYLE_DARK; s++)
        g_assert_cmpint(lim_style_from_name(lim_style_name((LimStyle)s)), ==, s);
    g_assert_cmpint(lim_style_from_name("pink"), ==, LIM_STYLE_SYSTEM);
}

static void
test_portal(void)
{
    static const GDBusInterfaceVTable vtable = {portal_call, NULL, NULL, {0}};
    g_autoptr(GDBusNodeInfo) info = g_dbus_node_info_new_for_xml(portal_xml, NULL);
    g_autoptr(GDBusConnection) bus = g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, NULL);

    g_assert_nonnull(bus);
    guint id = g_dbus_connection_register_object(bus, "/org/freedesktop/portal/desktop",
                                                 info->interfaces[0], &vtable, NULL, NULL, NULL);
    guint name = g_bus_own_name_on_connection(bus, "org.freedesktop.portal.Desktop",
                                              G_BUS_NAME_OWNER_FLAGS_NONE, NULL, NULL, NULL, NULL);
    test_spin(50);

    LimColorScheme *scheme = lim_color_scheme_new();
    wait_dark(TRUE);
    g_dbus_connection_emit_signal(bus, NULL, "/org/freedesktop/portal/desktop",
                                  "org.freedesktop.portal.Settings", "SettingChanged",
                                  g_variant_new("(ssv)", "org.freedesktop.appearance",
                                                "color-scheme", g_variant_new_uint32(2)),
                                  NULL);
    wait_dark(FALSE);
    lim_color_scheme_set_style(scheme, LIM_STYLE_DARK); /* the person's choice counts */
    g_dbus_connection_emit_signal(bus, NULL, "/org/freedesktop/portal/desktop",
                                  "org.freedesktop.portal.Settings", "SettingChanged",
                                  g_variant_new("(ssv)", "org.freedesktop.appearance",
                                                "color-scheme", g_variant_new_uint32(0)),
                                  NULL);
    test_spin(100);
    g_assert_true(theme_dark());
    lim_color_scheme_set_style(scheme, LIM_STYLE_SYSTEM);
    g_assert_false(theme_dark());
    g_assert_finalize_object(scheme);
    g_bus_unown_name(name);
    g_dbus_connection_unregister_object(bus, id);
}

int
main(int argc, char **argv)
{
    g_autoptr(GTestDBus) dbus = g_test_dbus_new(G_TEST_DBUS_NONE);

    g_autofree char *display = g_strdup(g_getenv("DISPLAY"));
    g_test_dbus_up(dbus); /* this forgets the display */
    if (display)
        g_setenv("DISPLAY", display, TRUE);
    test_ui_init(&argc, &argv);
    g_test_add_func("/color-scheme/choice", test_choice);
    g_test_add_func("/color-scheme/portal", test_portal);
    int failed = g_test_run();
    g_test_dbus_stop(dbus);
    return failed;
}
