/* LimTransport: a video player's buttons and keys. */
#include "support.h"

#include "widgets/lim-transport.h"

static void
press(LimTransport *t, const char *label)
{
    GtkWidget *button = test_find_labelled(GTK_WIDGET(t), label);

    g_assert_nonnull(button);
    if (gtk_widget_get_sensitive(button))
        g_signal_emit_by_name(button, "clicked");
}

static gboolean
sensitive(LimTransport *t, const char *label)
{
    return gtk_widget_get_sensitive(test_find_labelled(GTK_WIDGET(t), label));
}

static void
on_accepted(LimTransport *t, int direction, int *sum)
{
    *sum += direction;
}

static void
test_steps(void)
{
    LimTransport *t = g_object_ref_sink(LIM_TRANSPORT(lim_transport_new()));
    guint *moved = test_count(t, "moved"), *wanted = test_count(t, "step-wanted");
    int accepted = 0;

    g_signal_connect(t, "accepted-wanted", G_CALLBACK(on_accepted), &accepted);
    g_assert_false(sensitive(t, "Back"));
    lim_transport_set_extent(t, 5, TRUE);
    g_assert_cmpint(lim_transport_get_step(t), ==, 0);
    GtkWidget *scale = test_find_type(GTK_WIDGET(t), GTK_TYPE_SCALE);
    gtk_range_set_value(GTK_RANGE(scale), 3);
    g_assert_cmpint(lim_transport_get_step(t), ==, 3);
    g_assert_cmpuint(*moved, ==, 1);
    press(t, "Back");
    g_assert_cmpint(lim_transport_get_step(t), ==, 2);
    press(t, "Last step");
    g_assert_cmpint(lim_transport_get_step(t), ==, 5);
    g_assert_cmpuint(*wanted, ==, 0);
    g_assert_cmpuint(*moved, ==, 3);
    g_assert_cmpfloat(gtk_range_get_value(GTK_RANGE(scale)), ==, 5);
    press(t, "Step"); /* at the end: one more is asked for */
    g_assert_cmpuint(*wanted, ==, 1);
    g_assert_cmpint(lim_transport_get_step(t), ==, 5);
    lim_transport_set_extent(t, 6, FALSE);
    lim_transport_set_step(t, 6);
    g_assert_cmpuint(*moved, ==, 3); /* not the person's doing */
    g_assert_false(sensitive(t, "Step"));
    press(t, "First step");
    g_assert_cmpint(lim_transport_get_step(t), ==, 0);
    press(t, "Step to accepted");
    g_assert_cmpint(accepted, ==, 1);
    lim_transport_set_extent(t, -1, FALSE);
    g_assert_cmpint(lim_transport_get_step(t), ==, -1);
    g_assert_finalize_object(t);
}

static void
test_keys(void)
{
    LimTransport *t = g_object_ref_sink(LIM_TRANSPORT(lim_transport_new()));
    int accepted = 0;
    static const struct {
        guint key;
        GdkModifierType state;
        int step;
    } walk[] = {
        {GDK_KEY_End, 0, 500},  {GDK_KEY_Home, 0, 0},
        {GDK_KEY_period, 0, 1}, {GDK_KEY_Right, 0, 11},
        {GDK_KEY_comma, 0, 10}, {GDK_KEY_Right, GDK_SHIFT_MASK, 110},
        {GDK_KEY_Left, 0, 100}, {GDK_KEY_Left, GDK_SHIFT_MASK, 0},
        {GDK_KEY_comma, 0, 0},
    };

    g_signal_connect(t, "accepted-wanted", G_CALLBACK(on_accepted), &accepted);
    lim_transport_set_extent(t, 500, FALSE);
    for (gsize i = 0; i < G_N_ELEMENTS(walk); i++) {
        g_assert_true(lim_transport_key(t, walk[i].key, walk[i].state));
        g_assert_cmpint(lim_transport_get_step(t), ==, walk[i].step);
    }
    lim_transport_key(t, GDK_KEY_greater, GDK_SHIFT_MASK);
    lim_transport_key(t, GDK_KEY_greater, GDK_SHIFT_MASK);
    lim_transport_key(t, GDK_KEY_less, GDK_SHIFT_MASK);
    g_assert_cmpint(accepted, ==, 1);
    g_assert_false(lim_transport_key(t, GDK_KEY_space, GDK_CONTROL_MASK));
    g_assert_false(lim_transport_key(t, GDK_KEY_a, 0));
    g_assert_true(lim_transport_key(t, GDK_KEY_space, 0));
    g_assert_true(lim_transport_get_playing(t));
    g_assert_true(lim_transport_key(t, GDK_KEY_k, 0));
    g_assert_false(lim_transport_get_playing(t));
    g_assert_true(lim_transport_key(t, GDK_KEY_j, 0)); /* nothing before the first step */
    g_assert_false(lim_transport_get_playing(t));
    g_assert_finalize_object(t);
}

/* Somebody who brings the scale up to date when playing stops. */
static void
on_playing(LimTransport *t)
{
    lim_transport_set_extent(t, 50, FALSE);
}

/* Dragging the scale while the film plays shows the step that was dragged to. */
static void
test_scrub(void)
{
    LimTransport *t = g_object_ref_sink(LIM_TRANSPORT(lim_transport_new()));
    GtkWidget *scale = test_find_type(GTK_WIDGET(t), GTK_TYPE_SCALE);

    lim_transport_set_extent(t, 40, TRUE);
    lim_transport_set_step(t, 40);
    lim_transport_follow(t);
    g_signal_connect(t, "notify::playing", G_CALLBACK(on_playing), NULL);
    gtk_range_set_value(GTK_RANGE(scale), 3);
    g_assert_false(lim_transport_get_playing(t));
    g_assert_cmpint(lim_transport_get_step(t), ==, 3);
    g_assert_finalize_object(t);
}

/* Plays to the end and stops there; waits instead while there will be more; runs back. */
static void
test_play(void)
{
    LimTransport *t = LIM_TRANSPORT(lim_transport_new());
    GtkWindow *window = test_show(GTK_WIDGET(t), 700, 80);

    lim_transport_set_extent(t, 40, FALSE);
    press(t, "Play");
    g_assert_nonnull(test_find_labelled(GTK_WIDGET(t), "Pause"));
    for (int i = 0; i < 200 && lim_transport_get_playing(t); i++)
        test_spin(20);
    g_assert_false(lim_transport_get_playing(t));
    g_assert_cmpint(lim_transport_get_step(t), ==, 40);

    lim_transport_set_extent(t, 40, TRUE);
    press(t, "Play");
    test_spin(60);
    g_assert_true(lim_transport_get_playing(t));
    lim_transport_set_extent(t, 60, FALSE);
    for (int i = 0; i < 200 && lim_transport_get_playing(t); i++)
        test_spin(20);
    g_assert_cmpint(lim_transport_get_step(t), ==, 60);

    /* Following shows the newest at once, however far it is. */
    lim_transport_set_extent(t, 70, TRUE);
    lim_transport_follow(t);
    lim_transport_set_extent(t, 100000, TRUE);
    test_spin(100);
    g_assert_cmpint(lim_transport_get_step(t), ==, 100000);
    g_assert_true(lim_transport_get_playing(t));
    lim_transport_set_extent(t, 60, FALSE);
    test_spin(100);
    g_assert_false(lim_transport_get_playing(t));

    lim_transport_key(t, GDK_KEY_j, 0);
    g_assert_true(lim_transport_get_playing(t));
    for (int i = 0; i < 200 && lim_transport_get_playing(t); i++)
        test_spin(20);
    g_assert_cmpint(lim_transport_get_step(t), ==, 0);
    gtk_window_destroy(window);
}

int
main(int argc, char **argv)
{
    test_ui_init(&argc, &argv);
    g_test_add_func("/transport/steps", test_steps);
    g_test_add_func("/transport/keys", test_keys);
    g_test_add_func("/transport/scrub", test_scrub);
    g_test_add_func("/transport/play", test_play);
    return g_test_run();
}
