/* LimTimeline: where steps lie, dragging, and how little is drawn when only the bar moves. */
#include "support.h"

#include "widgets/lim-timeline.h"

#include <math.h>

static void
fill(LimTimeline *t, int n)
{
    for (int i = 0; i < n; i++) {
        LimTimelineStep s = {.query = i * 2 + 1,
                             .distance = 4 * exp(-3.0 * i / n),
                             .size = {0.01, 0.02 * (1 + i % 5)},
                             .rate = {0.5, NAN},
                             .proposal = i > 0,
                             .accepted = i % 3 == 0};
        lim_timeline_append(t, &s, 1);
    }
}

/* 25,000 steps: each can be shown, and none makes the curves anew. */
static void
test_scrub(void)
{
    LimTimeline *t = LIM_TIMELINE(lim_timeline_new("Timeline"));
    GtkWindow *window = test_show(GTK_WIDGET(t), 600, 200);
    int w, h;

    fill(t, 25000);
    g_assert_cmpint(lim_timeline_get_n(t), ==, 25000);
    lim_timeline_set_step(t, 0);
    g_autofree guint8 *first = test_render(GTK_WIDGET(t), 1, &w, &h);
    guint redraws = lim_timeline_get_redraws(t);
    for (int i = 0; i <= 10; i++) {
        lim_timeline_set_step(t, i * 2499);
        g_autofree guint8 *rgb = test_render(GTK_WIDGET(t), 1, &w, &h);
        int x = (int)lim_timeline_locate(t, i * 2499), y = 2;
        if (i) /* the bar is where the step is, and was not there before */
            g_assert_cmpint(memcmp(rgb + (y * w + x) * 3, first + (y * w + x) * 3, 3), !=, 0);
    }
    g_assert_cmpuint(lim_timeline_get_redraws(t), ==, redraws);
    lim_timeline_set_step(t, 30000);
    g_assert_cmpint(lim_timeline_get_step(t), ==, 24999);
    lim_timeline_clear(t);
    g_assert_cmpint(lim_timeline_get_step(t), ==, -1);
    test_spin(30);
    gtk_window_destroy(window);
}

static void
test_words(void)
{
    LimTimeline *t = g_object_ref_sink(LIM_TIMELINE(lim_timeline_new("Timeline")));

    gtk_test_accessible_assert_property(t, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, "No steps yet");
    lim_timeline_set_distance_name(t, "l2 distance");
    fill(t, 10);
    lim_timeline_set_step(t, 3);
    gtk_test_accessible_assert_property(t, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                        "Step 3 of 9: query 7, l2 distance 1.626, accepted, "
                                        "orthogonal step 0.01, source step 0.08");
    g_assert_cmpfloat(lim_timeline_get(t, 4)->query, ==, 9);
    g_assert_finalize_object(t);
}

/* The axis runs to the budget until the attack has come there. */
static void
test_budget(void)
{
    LimTimeline *t = LIM_TIMELINE(lim_timeline_new("Timeline"));
    GtkWindow *window = test_show(GTK_WIDGET(t), 600, 200);

    fill(t, 51);
    test_settle();
    double last = lim_timeline_locate(t, 50), middle = lim_timeline_locate(t, 25);
    g_assert_cmpfloat(middle, <, last);
    lim_timeline_set_budget(t, 202);
    g_assert_cmpfloat_with_epsilon(lim_timeline_locate(t, 50) - lim_timeline_locate(t, 25),
                                   (last - middle) / 2, 1);
    gtk_window_destroy(window);
}

int
main(int argc, char **argv)
{
    test_ui_init(&argc, &argv);
    g_test_add_func("/timeline/scrub", test_scrub);
    g_test_add_func("/timeline/words", test_words);
    g_test_add_func("/timeline/budget", test_budget);
    return g_test_run();
}
