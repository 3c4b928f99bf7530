/* The program as a person with a screen reader meets it: started as a process of its own and driven
 * over AT-SPI, by the names that are on the screen. */
#include "make-model.h"

#include "attacks/attackfile.h"

#include <gio/gio.h>
#include <glib/gstdio.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

static GDBusConnection *a11y;
static char *folder;

typedef struct {
    char *bus, *path;
} Node;

static void
node_free(Node *node)
{
    if (!node)
        return;
    g_free(node->bus);
    g_free(node->path);
    g_free(node);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Node, node_free)

static Node *
node_new(const char *bus, const char *path)
{
    Node *node = g_new0(Node, 1);

    node->bus = g_strdup(bus);
    node->path = g_strdup(path);
    return node;
}

static GVariant *
call(const Node *node, const char *iface, const char *method, GVariant *parameters)
{
    return g_dbus_connection_call_sync(a11y, node->bus, node->path, iface, method, parameters, NULL,
                                       G_DBUS_CALL_FLAGS_NONE, 5000, NULL, NULL);
}

static GVariant *
get(const Node *node, const char *iface, const char *property)
{
    g_autoptr(GVariant) reply = call(node, "org.freedesktop.DBus.Properties", "Get",
                                     g_variant_new("(ss)", iface, property));
    GVariant *value = NULL;

    if (reply)
        g_variant_get(reply, "(v)", &value);
    return value;
}

static char *
name_of(const Node *node)
{
    g_autoptr(GVariant) v = get(node, "org.a11y.atspi.Accessible", "Name");

    return v ? g_variant_dup_string(v, NULL) : g_strdup("");
}

static char *
role_of(const Node *node)
{
    g_autoptr(GVariant) v = call(node, "org.a11y.atspi.Accessible", "GetRoleName", NULL);
    char *role = NULL;

    if (v)
        g_variant_get(v, "(s)", &role);
    return role ? role : g_strdup("");
}

/* First node below with this role (NULL: any) whose name starts like this. */
static Node *
find(const Node *from, const char *role, const char *name)
{
    g_autoptr(GVariant) reply = call(from, "org.a11y.atspi.Accessible", "GetChildren", NULL);
    GVariantIter *children;
    const char *bus, *path;
    Node *found = NULL;

    if (!reply)
        return NULL;
    g_variant_get(reply, "(a(so))", &children);
    while (!found && g_variant_iter_next(children, "(&s&o)", &bus, &path)) {
        g_autoptr(Node) child = node_new(bus, path);
        g_autofree char *child_name = name_of(child);
        gboolean fits = g_str_has_prefix(child_name, name);
        g_autofree char *child_role = fits && role ? role_of(child) : NULL;
        if (fits && (!role || g_str_equal(role, child_role)))
            found = g_steal_pointer(&child);
        else
            found = find(child, role, name);
    }
    g_variant_iter_free(children);
    return found;
}

/* The tree as it is, for the message of a failure. */
static void
print_tree(const Node *from, int depth)
{
    g_autoptr(GVariant) reply = call(from, "org.a11y.atspi.Accessible", "GetChildren", NULL);
    GVariantIter *children;
    const char *bus, *path;

    if (!reply)
        return;
    g_variant_get(reply, "(a(so))", &children);
    while (g_variant_iter_next(children, "(&s&o)", &bus, &path)) {
        g_autoptr(Node) child = node_new(bus, path);
        g_autofree char *name = name_of(child);
        g_autofree char *role = role_of(child);
        g_printerr("%*s%s \"%s\"\n", depth * 2, "", role, name);
        print_tree(child, depth + 1);
    }
    g_variant_iter_free(children);
}

static Node *
wait_for(const Node *from, const char *role, const char *name)
{
    for (int i = 0; i < 200; i++) {
        Node *node = find(from, role, name);
        if (node)
            return node;
        g_usleep(100000);
    }
    print_tree(from, 0);
    g_error("nothing called \"%s\" appeared", name);
    return NULL;
}

/* Bits of AT-SPI's states. */
enum { FOCUSED = 12, SENSITIVE = 24 };

static gboolean
has_state(const Node *node, int state)
{
    g_autoptr(GVariant) reply = call(node, "org.a11y.atspi.Accessible", "GetState", NULL);
    g_autoptr(GVariant) states = reply ? g_variant_get_child_value(reply, 0) : NULL;
    guint32 first = 0;

    if (states && g_variant_n_children(states) > 0)
        g_variant_get_child(states, 0, "u", &first);
    return (first >> state) & 1;
}

/* Whether a person could use it now. */
static gboolean
is_sensitive(const Node *node)
{
    return has_state(node, SENSITIVE);
}

/* A button acts a moment after its activation, and one that cannot be used yet not at all: the
 * caller waits for the effect before it presses the next. */
static void
press(const Node *app, const char *role, const char *name)
{
    g_autoptr(Node) button = wait_for(app, role, name);

    for (int i = 0; i < 200 && !is_sensitive(button); i++)
        g_usleep(50000);
    g_assert_true(is_sensitive(button));
    g_autoptr(GVariant) reply =
        call(button, "org.a11y.atspi.Action", "DoAction", g_variant_new("(i)", 0));

    g_assert_nonnull(reply);
}

static void
set_number(const Node *app, const char *role, const char *name, double value)
{
    g_autoptr(Node) slider = wait_for(app, role, name);
    g_autoptr(GVariant) reply = call(slider, "org.freedesktop.DBus.Properties", "Set",
                                     g_variant_new("(ssv)", "org.a11y.atspi.Value", "CurrentValue",
                                                   g_variant_new_double(value)));

    g_assert_nonnull(reply);
}

/* Whether the keys go to something below. */
static gboolean
has_keys(const Node *from)
{
    g_autoptr(GVariant) reply = call(from, "org.a11y.atspi.Accessible", "GetChildren", NULL);
    GVariantIter *children;
    const char *bus, *path;
    gboolean focused = FALSE;

    if (!reply)
        return FALSE;
    g_variant_get(reply, "(a(so))", &children);
    while (!focused && g_variant_iter_next(children, "(&s&o)", &bus, &path)) {
        g_autoptr(Node) child = node_new(bus, path);
        focused = has_state(child, FOCUSED) || has_keys(child);
    }
    g_variant_iter_free(children);
    return focused;
}

/* Chooses the item with this index, with keys: GTK 4.8 gives the items of a list no actions. */
static void
choose(const Node *app, const char *name, int index, const char *item)
{
    g_autoptr(Node) row = wait_for(app, "combo box", name);
    g_autoptr(GString) keys = g_string_new("xdotool key Home");

    press(row, "button", name);
    g_autoptr(Node) list = wait_for(app, "list", "");
    for (int i = 0; i < 200 && !has_keys(list); i++)
        g_usleep(50000);
    g_assert_true(has_keys(list));
    for (int i = 0; i < index; i++)
        g_string_append(keys, " key Down");
    g_string_append(keys, " key Return");
    g_assert_true(g_spawn_command_line_sync(keys->str, NULL, NULL, NULL, NULL));
    g_autoptr(Node) chosen = wait_for(row, "label", item);
}

static void
set_text(const Node *app, const char *name, const char *text)
{
    g_autoptr(Node) field = wait_for(app, "text box", name);
    g_autoptr(GVariant) set =
        call(field, "org.a11y.atspi.EditableText", "SetTextContents", g_variant_new("(s)", text));

    g_assert_nonnull(set);
    press(app, "text box", name); /* its action is what Return does */
}

static void
set_value(const Node *app, const char *name, double value)
{
    set_number(app, "slider", name, value);
}

static void
wait_gone(const Node *app, const char *role, const char *name)
{
    for (int i = 0; i < 200; i++) {
        g_autoptr(Node) node = find(app, role, name);
        g_autofree char *whole = node ? name_of(node) : NULL;
        if (!whole || !g_str_equal(whole, name))
            return;
        g_usleep(50000);
    }
    g_error("\"%s\" did not go away", name);
}

static void
wait_value(const Node *app, const char *name, double want)
{
    double got = 0;

    for (int i = 0; i < 100; i++) {
        g_autoptr(Node) slider = wait_for(app, "slider", name);
        g_autoptr(GVariant) v = get(slider, "org.a11y.atspi.Value", "CurrentValue");
        got = v ? g_variant_get_double(v) : 0;
        if (ABS(got - want) < 1e-9)
            return;
        g_usleep(100000);
    }
    g_assert_cmpfloat(got, ==, want);
}

static void
connect_a11y(void)
{
    g_autoptr(GDBusConnection) session = g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, NULL);
    g_autoptr(GError) error = NULL;
    const char *address;

    g_assert_nonnull(session);
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_sync(session, "org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus",
                                    "GetAddress", NULL, NULL, G_DBUS_CALL_FLAGS_NONE, 20000, NULL,
                                    &error);
    g_assert_no_error(error);
    g_variant_get(reply, "(&s)", &address);
    /* GTK prefers the address that a property of the display names, which may be another one. */
    g_setenv("AT_SPI_BUS_ADDRESS", address, TRUE);
    a11y =
        g_dbus_connection_new_for_address_sync(address,
                                               G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                                   G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                               NULL, NULL, &error);
    g_assert_no_error(error);
}

/* The program must not outlive a test that aborts. */
static void
die_with_parent(gpointer data)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static char *
session_path(void)
{
    return g_build_filename(folder, "limen", "session", NULL);
}

/* Begins where the last one was closed. */
static GPid
start_again(void)
{
    char *argv[] = {(char *)g_getenv("LIMEN_EXE"), NULL};
    g_auto(GStrv) env = g_get_environ();
    GPid pid;
    GError *error = NULL;

    g_assert_nonnull(argv[0]);
    env = g_environ_setenv(env, "LIMEN_DATA", folder, TRUE);
    env = g_environ_setenv(env, "XDG_CONFIG_HOME", folder, TRUE);
    env = g_environ_unsetenv(env, "GTK_A11Y");
    g_spawn_async(NULL, argv, env, G_SPAWN_DO_NOT_REAP_CHILD, die_with_parent, NULL, &pid, &error);
    g_assert_no_error(error);
    return pid;
}

static GPid
start(void)
{
    g_autofree char *session = session_path();

    g_unlink(session);
    return start_again();
}

static void
reaped(GPid pid, int status, gpointer data)
{
    *(int *)data = status;
}

/* Ends the program through its own close button and expects it to end well. */
static void
stop(GPid pid, const Node *app)
{
    int status = -1;

    g_child_watch_add(pid, reaped, &status);
    press(app, "button", "Close");
    for (int i = 0; i < 200 && status == -1; i++) {
        while (g_main_context_iteration(NULL, FALSE))
            ;
        g_usleep(50000);
    }
    if (status == -1)
        kill(pid, SIGKILL);
    g_assert_true(g_spawn_check_wait_status(status, NULL));
}

static const Node root = {(char *)"org.a11y.atspi.Registry",
                          (char *)"/org/a11y/atspi/accessible/root"};

static void
test_story(void)
{
    GPid pid = start();
    g_autoptr(Node) app = wait_for(&root, "application", "");

    /* Pictures are there without a click, and say what they are. */
    g_autoptr(Node) first = wait_for(app, "label", "truncation threshold 1.00, seed 1");
    g_autoptr(Node) status = wait_for(app, NULL, "16 samples of 32");
    g_autoptr(Node) pictures = wait_for(app, "image", "Pictures");
    g_autoptr(GVariant) about = get(pictures, "org.a11y.atspi.Accessible", "Description");
    g_assert_true(
        g_str_has_prefix(g_variant_get_string(about, NULL), "16 pictures of 32 by 32 pixels"));

    /* The slider, by the name on the screen. */
    set_value(app, "Truncation threshold", 0.5);
    g_autoptr(Node) second = wait_for(app, "label", "truncation threshold 0.50, seed 1");
    wait_value(app, "Truncation threshold", 0.5);

    press(app, "button", "New seed");
    wait_gone(app, "label", "truncation threshold 0.50, seed 1");
    press(app, "button", "Undo");
    g_autoptr(Node) third = wait_for(app, "label", "truncation threshold 0.50, seed 1");
    press(app, "button", "Undo");
    g_autoptr(Node) fourth = wait_for(app, "label", "truncation threshold 1.00, seed 1");
    press(app, "button", "Redo");
    g_autoptr(Node) fifth = wait_for(app, "label", "truncation threshold 0.50, seed 1");
    press(app, "button", "Reset Truncation threshold");
    wait_value(app, "Truncation threshold", 1);
    press(app, "button", "Copy as command");
    g_autoptr(Node) said = wait_for(app, NULL, "The command for these pictures");
    stop(pid, app);
}

/* Attention, by the names on the screen; and the other settings that must be found by theirs. */
static void
test_attention(void)
{
    GPid pid = start();
    g_autoptr(Node) app = wait_for(&root, "application", "");
    g_autoptr(Node) status = wait_for(app, NULL, "16 samples of 32");
    g_autoptr(Node) opacity = wait_for(app, "slider", "Opacity");
    g_autoptr(Node) class = wait_for(app, "combo box", "Class");
    g_autoptr(Node) seed = wait_for(app, "text box", "Seed");
    g_autoptr(Node) samples = wait_for(app, "combo box", "Samples");

    g_assert_false(is_sensitive(opacity));
    press(app, "switch", "Attention");
    g_autoptr(Node) gamma = wait_for(app, "label", "γ = 0.000"); /* of a model without training */
    g_autoptr(Node) why = wait_for(app, "label", "γ is near zero");
    for (int i = 0; i < 100 && !is_sensitive(opacity); i++)
        g_usleep(50000);
    g_assert_true(is_sensitive(opacity));
    set_value(app, "Opacity", 0.25);
    wait_value(app, "Opacity", 0.25);
    press(app, "button", "Undo");
    wait_value(app, "Opacity", 0.6);
    press(app, "button", "Undo");
    wait_gone(app, "label", "γ is near zero");

    press(app, "button", "Next seed");
    g_autoptr(Node) second = wait_for(app, "label", "truncation threshold 1.00, seed 2");
    press(app, "button", "Samples of the previous seed");
    g_autoptr(Node) first = wait_for(app, "label", "truncation threshold 1.00, seed 1");
    stop(pid, app);
}

static void
wait_description(const Node *app, const char *role, const char *name, const char *start)
{
    g_autoptr(Node) node = wait_for(app, role, name);
    g_autoptr(GVariant) about = NULL;

    for (int i = 0; i < 200; i++) {
        g_clear_pointer(&about, g_variant_unref);
        about = get(node, "org.a11y.atspi.Accessible", "Description");
        if (about && g_str_has_prefix(g_variant_get_string(about, NULL), start))
            return;
        g_usleep(50000);
    }
    g_error("%s \"%s\" is described as \"%s\", not as \"%s...\"", role, name,
            about ? g_variant_get_string(about, NULL) : "", start);
}

/* The settings of samples by the names beside them, each with its effect on the pictures. */
static void
test_settings(void)
{
    g_autofree char *tool = g_find_program_in_path("xdotool");

    if (!tool) {
        g_test_skip("needs xdotool for the keys in a list");
        return;
    }
    GPid pid = start();
    g_autoptr(Node) app = wait_for(&root, "application", "");
    g_autoptr(Node) status = wait_for(app, NULL, "16 samples of 32");
    wait_description(app, "image", "Pictures", "16 pictures of 32 by 32 pixels");

    set_text(app, "Seed", "41");
    g_autoptr(Node) seed = wait_for(app, "label", "truncation threshold 1.00, seed 41");
    choose(app, "Class", 2, "Bag");
    wait_description(app, "image", "Pictures", "16 pictures of 32 by 32 pixels. Picture 1: Bag");
    choose(app, "Samples", 4, "25");
    wait_description(app, "image", "Pictures", "25 pictures of 32 by 32 pixels");
    set_value(app, "Truncation threshold", 0.5);
    g_autoptr(Node) closer = wait_for(app, "label", "truncation threshold 0.50, seed 41");
    stop(pid, app);
}

/* The other modes, and what stands beside them, by the names on the screen. */
static void
test_modes(void)
{
    GPid pid = start();
    g_autoptr(Node) app = wait_for(&root, "application", "");
    g_autoptr(Node) status = wait_for(app, NULL, "16 samples of 32");
    g_autoptr(Node) plot = wait_for(app, "image", "Fidelity against variety");
    g_autoptr(Node) measure = wait_for(app, "combo box", "Fidelity measure");
    g_autoptr(GVariant) about = get(plot, "org.a11y.atspi.Accessible", "Description");

    g_assert_true(g_str_has_prefix(g_variant_get_string(about, NULL), "Variety, 1 for real"));
    press(app, "tab", "Sheet");
    g_autoptr(Node) sheet = wait_for(app, NULL, "25 samples of 32");
    g_autoptr(Node) rows = wait_for(app, "combo box", "Rows");
    g_autoptr(Node) row_values = wait_for(app, "text box", "Row values");
    g_autoptr(Node) columns = wait_for(app, "combo box", "Columns");
    g_autoptr(Node) column_values = wait_for(app, "text box", "Column values");
    g_autoptr(Node) table = wait_for(app, "image", "Sheet");
    g_autoptr(GVariant) place = get(table, "org.a11y.atspi.Accessible", "Description");
    g_assert_true(
        g_str_has_prefix(g_variant_get_string(place, NULL), "Seed 1, Ankle boot, Truncation"));

    press(app, "tab", "Interpolation");
    g_autoptr(Node) strips = wait_for(app, NULL, "40 pictures of 32");
    g_autoptr(Node) from = wait_for(app, "combo box", "From");
    g_autoptr(Node) to = wait_for(app, "combo box", "To");
    g_autoptr(Node) steps = wait_for(app, "spin button", "Steps");
    g_autoptr(Node) path = wait_for(app, "combo box", "Path");
    press(app, "tab", "Grid");
    g_autoptr(Node) again = wait_for(app, NULL, "16 samples of 32");
    stop(pid, app);
}

/* An attack: choose an image, step, play, pause, scrub back; the verdict says what is shown. */
static void
test_attack(void)
{
    GPid pid = start();
    g_autoptr(Node) app = wait_for(&root, "application", "");
    g_autoptr(Node) status = wait_for(app, NULL, "16 samples of 32");

    press(app, "tab", "Attack");
    g_autoptr(Node) first = wait_for(app, NULL, "✔ Fools the classifier:");
    g_autoptr(Node) clean = wait_for(app, "image", "Clean");
    g_autoptr(Node) denoised = wait_for(app, "image", "Denoised");
    g_autoptr(GVariant) about = get(denoised, "org.a11y.atspi.Accessible", "Description");
    g_assert_true(g_str_has_prefix(g_variant_get_string(about, NULL), "No defence is chosen"));

    g_autoptr(Node) model = wait_for(app, "combo box", "Classifier");
    set_number(app, "spin button", "Query budget", 20000); /* so that playing lasts */
    set_number(app, "spin button", "Picture", 4);
    g_autoptr(Node) chosen =
        wait_for(app, NULL, "Boundary Attack on fashion-classifier, sample picture 4");

    /* The film. */
    g_autoptr(Node) fooled = wait_for(app, NULL, "✔ Fools the classifier:");
    set_value(app, "Step shown", 0);
    g_autoptr(Node) start_of_it = wait_for(app, NULL, "○ Does not fool");
    g_autoptr(Node) at_first = wait_for(app, "label", "step 0 of");
    press(app, "button", "Step");
    g_autoptr(Node) at_second = wait_for(app, "label", "step 1 of");
    press(app, "button", "Back");
    g_autoptr(Node) back = wait_for(app, "label", "step 0 of");
    press(app, "button", "Play");
    press(app, "button", "Pause");
    g_autoptr(Node) play = wait_for(app, "button", "Play");
    wait_gone(app, "label", "step 0 of");
    set_value(app, "Step shown", 100);
    g_autoptr(Node) scrubbed = wait_for(app, "label", "step 100 of");
    g_autoptr(Node) fools = wait_for(app, NULL, "✔ Fools the classifier:");
    set_value(app, "Step shown", 1);
    g_autoptr(Node) no_more = wait_for(app, NULL, "○ Does not fool");
    stop(pid, app);
}

/* Types with the keys, into the window called like this; there is no window manager that would give
 * it the focus. */
static void
type_into(const char *window, const char *text)
{
    g_autofree char *focus = g_strdup_printf("xdotool search --sync --name '%s' windowfocus --sync "
                                             "key ctrl+a type '%s'",
                                             window, text);
    int status = -1;

    g_assert_true(g_spawn_command_line_sync(focus, NULL, NULL, &status, NULL));
    g_assert_true(g_spawn_check_wait_status(status, NULL));
    g_assert_true(g_spawn_command_line_sync("xdotool key Return", NULL, NULL, NULL, NULL));
}

/* From a choice to a file: picture, classifier, attack, restart from a step, export. */
static void
test_attack_file(void)
{
    g_autofree char *tool = g_find_program_in_path("xdotool");
    g_autofree char *file = g_build_filename(folder, "attacked.png", NULL);
    g_autofree char *floats = g_build_filename(folder, "attacked.npy", NULL);
    LimError err = LIM_ERROR_INIT;
    LimAttackRead read;

    if (!tool) {
        g_test_skip("needs xdotool for the keys in a list");
        return;
    }
    GPid pid = start();
    g_autoptr(Node) app = wait_for(&root, "application", "");
    g_autoptr(Node) status = wait_for(app, NULL, "16 samples of 32");
    press(app, "tab", "Attack");
    g_autoptr(Node) first = wait_for(app, NULL, "✔ Fools the classifier:");
    set_number(app, "spin button", "Query budget", 400);
    set_number(app, "spin button", "Picture", 3);
    choose(app, "Classifier", 1, "fashion-plain");
    g_autoptr(Node) chosen =
        wait_for(app, NULL, "Boundary Attack on fashion-plain, sample picture 3, seed 1");
    g_autoptr(Node) all = wait_for(app, "label", "step 400 of 400");
    g_autoptr(Node) fools = wait_for(app, NULL, "✔ Fools the classifier:");

    set_value(app, "Step shown", 120);
    g_autoptr(Node) there = wait_for(app, "label", "step 120 of 400");
    press(app, "button", "Restart from here");
    g_autoptr(Node) restarted = wait_for(app, NULL, "Restarted from step 120");
    g_autoptr(Node) again = wait_for(app, "label", "step 400 of 400");
    g_autoptr(Node) still = wait_for(app, NULL, "✔ Fools the classifier:");

    press(app, "button", "Export PNG");
    type_into("Export", file);
    for (int i = 0; i < 200 && !g_file_test(floats, G_FILE_TEST_EXISTS); i++)
        g_usleep(50000);
    g_assert_cmpint(lim_attackfile_read(file, &read, &err), ==, LIM_OK);
    g_assert_cmpstr(read.klass->name, ==, "boundary");
    g_assert_cmpstr(read.model, ==, "fashion-plain.safetensors");
    g_assert_cmpstr(read.from, ==, "sample");
    g_assert_cmpint(read.picture, ==, 3);
    g_assert_cmpint(read.queries, ==, 400);
    const LimParamSpec *restarts = lim_params_find(read.klass->schema, "restarts");
    g_assert_cmpstr((char *)read.params + restarts->offset, ==, "118:1");
    free(read.params);
    stop(pid, app);
    g_unlink(file);
    g_unlink(floats);
}

/* A defence is chosen, the attack goes through it, and both are there after the next start. */
static void
test_defence(void)
{
    g_autofree char *tool = g_find_program_in_path("xdotool");

    if (!tool) {
        g_test_skip("needs xdotool for the keys in a list");
        return;
    }
    GPid pid = start();
    {
        g_autoptr(Node) app = wait_for(&root, "application", "");
        press(app, "tab", "Attack");
        g_autoptr(Node) first = wait_for(app, NULL, "✔ Fools the classifier:");
        wait_description(app, "image", "Denoised", "No defence is chosen");
        choose(app, "Defence", 1, "LGD-0-6");
        wait_description(app, "image", "Denoised", "32 by 32 pixels");
        press(app, "switch", "Attack through the denoiser");
        g_autoptr(Node) through = wait_for(app, NULL, "✔ Fools denoiser and classifier:");
        stop(pid, app);
    }
    pid = start_again();
    g_autoptr(Node) app = wait_for(&root, "application", "");
    g_autoptr(Node) again = wait_for(app, NULL, "✔ Fools denoiser and classifier:");
    wait_description(app, "image", "Denoised", "32 by 32 pixels");
    stop(pid, app);
}

/* Without a model: one sentence, and a button that leads on. */
static void
test_no_model(void)
{
    g_autofree char *path = g_build_filename(folder, "models", "fashion-gan.safetensors", NULL);

    g_unlink(path);
    GPid pid = start();
    g_autoptr(Node) app = wait_for(&root, "application", "");
    g_autoptr(Node) title = wait_for(app, NULL, "This model cannot be opened");
    g_autoptr(Node) button = wait_for(app, "button", "Open model");
    stop(pid, app);
}

/* A model that comes with the program, in that folder; its path. */
static char *
copy_model(const char *models, const char *name)
{
    g_autofree char *from =
        g_build_filename(g_getenv("LIMEN_SOURCE"), "resources", "models", name, NULL);
    char *to = g_build_filename(models, name, NULL);
    g_autofree char *weights = NULL;
    gsize size;

    g_assert_true(g_file_get_contents(from, &weights, &size, NULL));
    g_assert_true(g_file_set_contents(to, weights, (gssize)size, NULL));
    return to;
}

int
main(int argc, char **argv)
{
    LimError err = LIM_ERROR_INIT;

    if (!g_getenv("DISPLAY") || !g_getenv("DBUS_SESSION_BUS_ADDRESS")) {
        g_print("1..0 # SKIP needs a display and a session bus\n");
        return 0;
    }
    g_test_init(&argc, &argv, NULL);
    folder = g_dir_make_tmp("limen-test-XXXXXX", NULL);
    g_autofree char *models = g_build_filename(folder, "models", NULL);
    g_autofree char *path = g_build_filename(models, "fashion-gan.safetensors", NULL);
    g_mkdir_with_parents(models, 0700);
    if (test_make_model(path, 8, &err) != LIM_OK)
        g_error("%s", err.text);
    g_autofree char *classifier = copy_model(models, "fashion-classifier.safetensors");
    g_autofree char *plain = copy_model(models, "fashion-plain.safetensors");
    g_autofree char *denoiser = copy_model(models, "fashion-denoiser-lgd-0-6.safetensors");
    connect_a11y();
    g_test_add_func("/end-to-end/story", test_story);
    g_test_add_func("/end-to-end/attention", test_attention);
    g_test_add_func("/end-to-end/settings", test_settings);
    g_test_add_func("/end-to-end/modes", test_modes);
    g_test_add_func("/end-to-end/attack", test_attack);
    g_test_add_func("/end-to-end/attack-file", test_attack_file);
    g_test_add_func("/end-to-end/defence", test_defence);
    g_test_add_func("/end-to-end/no-model", test_no_model);
    int failed = g_test_run();

    g_autofree char *ini = g_build_filename(folder, "limen", "window.ini", NULL);
    g_autofree char *config = g_build_filename(folder, "limen", NULL);
    g_autofree char *session = session_path();
    g_unlink(ini);
    g_unlink(session);
    g_rmdir(config);
    g_unlink(classifier);
    g_unlink(plain);
    g_unlink(denoiser);
    g_rmdir(models);
    g_rmdir(folder);
    g_free(folder);
    return failed;
}
