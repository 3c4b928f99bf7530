/* LimColorScheme: asks the settings portal without ever waiting for it. */
#include "lim-color-scheme.h"

#define PORTAL_NAME  "org.freedesktop.portal.Desktop"
#define PORTAL_PATH  "/org/freedesktop/portal/desktop"
#define PORTAL_IFACE "org.freedesktop.portal.Settings"
#define NAMESPACE    "org.freedesktop.appearance"
#define KEY          "color-scheme"
#define PREFER_DARK  1

struct _LimColorScheme {
    GObject parent_instance;
    LimStyle style;
    gboolean theme_dark;  /* what the theme was before anybody chose */
    gboolean portal_told; /* the desktop has a preference */
    guint portal_value;
    GCancellable *cancellable;
    GDBusConnection *bus;
    guint subscription;
};

G_DEFINE_FINAL_TYPE(LimColorScheme, lim_color_scheme, G_TYPE_OBJECT)

const char *
lim_style_name(LimStyle style)
{
    static const char *const names[] = {"system", "light", "dark"};
    return names[style];
}

LimStyle
lim_style_from_name(const char *name)
{
    if (g_strcmp0(name, "light") == 0)
        return LIM_STYLE_LIGHT;
    if (g_strcmp0(name, "dark") == 0)
        return LIM_STYLE_DARK;
    return LIM_STYLE_SYSTEM;
}

gboolean
lim_color_scheme_get_dark(LimColorScheme *self)
{
    if (self->style != LIM_STYLE_SYSTEM)
        return self->style == LIM_STYLE_DARK;
    return self->portal_told ? self->portal_value == PREFER_DARK : self->theme_dark;
}

static void
apply(LimColorScheme *self)
{
    GtkSettings *settings = gtk_settings_get_default();

    if (settings)
        g_object_set(settings, "gtk-application-prefer-dark-theme", lim_color_scheme_get_dark(self),
                     NULL);
}

LimStyle
lim_color_scheme_get_style(LimColorScheme *self)
{
    return self->style;
}

void
lim_color_scheme_set_style(LimColorScheme *self, LimStyle style)
{
    self->style = style;
    apply(self);
}

/* The portal wraps the number in one or two variants, depending on the method. */
static void
take_value(LimColorScheme *self, GVariant *value)
{
    g_autoptr(GVariant) inner = g_variant_ref(value);

    while (g_variant_is_of_type(inner, G_VARIANT_TYPE_VARIANT)) {
        GVariant *next = g_variant_get_variant(inner);
        g_variant_unref(inner);
        inner = next;
    }
    if (!g_variant_is_of_type(inner, G_VARIANT_TYPE_UINT32))
        return;
    self->portal_told = TRUE;
    self->portal_value = g_variant_get_uint32(inner);
    apply(self);
}

static void
setting_changed(GDBusConnection *bus, const char *sender, const char *path, const char *iface,
                const char *signal, GVariant *parameters, gpointer data)
{
    const char *space, *key;
    g_autoptr(GVariant) value = NULL;

    if (!g_variant_is_of_type(parameters, G_VARIANT_TYPE("(ssv)")))
        return;
    g_variant_get(parameters, "(&s&sv)", &space, &key, &value);
    if (g_str_equal(space, NAMESPACE) && g_str_equal(key, KEY))
        take_value(data, value);
}

static void
read_done(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, NULL);

    /* On error data may be gone (cancelled) and there is nothing to do: no portal, no preference.
     */
    if (!reply)
        return;
    g_autoptr(GVariant) value = g_variant_get_child_value(reply, 0);
    take_value(data, value);
}

static void
bus_ready(GObject *source, GAsyncResult *result, gpointer data)
{
    GDBusConnection *bus = g_bus_get_finish(result, NULL);

    if (!bus)
        return;
    LimColorScheme *self = data;
    self->bus = bus;
    self->subscription =
        g_dbus_connection_signal_subscribe(bus, PORTAL_NAME, PORTAL_IFACE, "SettingChanged",
                                           PORTAL_PATH, NAMESPACE, G_DBUS_SIGNAL_FLAGS_NONE,
                                           setting_changed, self, NULL);
    g_dbus_connection_call(bus, PORTAL_NAME, PORTAL_PATH, PORTAL_IFACE, "Read",
                           g_variant_new("(ss)", NAMESPACE, KEY), G_VARIANT_TYPE("(v)"),
                           G_DBUS_CALL_FLAGS_NONE, -1, self->cancellable, read_done, self);
}

static void
dispose(GObject *object)
{
    LimColorScheme *self = LIM_COLOR_SCHEME(object);

    g_cancellable_cancel(self->cancellable);
    if (self->subscription)
        g_dbus_connection_signal_unsubscribe(self->bus, self->subscription);
    self->subscription = 0;
    g_clear_object(&self->bus);
    g_clear_object(&self->cancellable);
    G_OBJECT_CLASS(lim_color_scheme_parent_class)->dispose(object);
}

static void
lim_color_scheme_class_init(LimColorSchemeClass *klass)
{
    G_OBJECT_CLASS(klass)->dispose = dispose;
}

static void
lim_color_scheme_init(LimColorScheme *self)
{
    GtkSettings *settings = gtk_settings_get_default();

    if (settings)
        g_object_get(settings, "gtk-application-prefer-dark-theme", &self->theme_dark, NULL);
    self->cancellable = g_cancellable_new();
    g_bus_get(G_BUS_TYPE_SESSION, self->cancellable, bus_ready, self);
}

LimColorScheme *
lim_color_scheme_new(void)
{
    return g_object_new(LIM_TYPE_COLOR_SCHEME, NULL);
}
