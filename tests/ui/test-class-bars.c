/* LimClassBars: the longest bar is the predicted class, and words say it too. */
#include "support.h"

#include "widgets/lim-class-bars.h"

static const char *const names[] = {"T-shirt/top", "Trouser", "Bag"};

static void
test_words(void)
{
    LimClassBars *b = g_object_ref_sink(LIM_CLASS_BARS(lim_class_bars_new("Classes")));

    gtk_test_accessible_assert_property(b, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, "Not known yet");
    lim_class_bars_set_names(b, names, 3);
    g_assert_cmpint(lim_class_bars_get_predicted(b), ==, -1);
    lim_class_bars_set(b, (const float[]){0.001F, 0.36F, 0.639F}, 0);
    g_assert_cmpint(lim_class_bars_get_predicted(b), ==, 2);
    const char *all = "T-shirt/top 0 % (right), Trouser 36 %, Bag 64 % "
                      "(predicted)";
    gtk_test_accessible_assert_property(b, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, all);
    lim_class_bars_set(b, NULL, -1);
    g_assert_cmpint(lim_class_bars_get_predicted(b), ==, -1);
    g_assert_finalize_object(b);
}

/* The accent colour fills the part of its line that the confidence says. */
static void
test_drawn(void)
{
    LimClassBars *b = LIM_CLASS_BARS(lim_class_bars_new("Classes"));
    GtkWindow *window = test_show(GTK_WIDGET(b), 300, 60);
    int w, h, full[3] = {0}, half[3] = {0};

    lim_class_bars_set_names(b, names, 3);
    for (int pass = 0; pass < 2; pass++) {
        int *count = pass ? half : full;
        lim_class_bars_set(b, pass ? (const float[]){0, 0.5F, 0.1F} : (const float[]){0, 1, 0}, 1);
        g_autofree guint8 *rgb = test_render(GTK_WIDGET(b), 1, &w, &h);
        int from = w * 45 / 100; /* within the bar, right of the names */
        const guint8 *bar = rgb + (30 * w + from) * 3;
        for (int line = 0; line < 3; line++)
            for (int x = from; x < w - 60; x++) /* left of the numbers */
                count[line] += memcmp(rgb + ((10 + 20 * line) * w + x) * 3, bar, 3) == 0;
    }
    g_assert_cmpint(full[1], ==, w - 60 - w * 45 / 100);
    g_assert_cmpint(half[1], >, 10);
    g_assert_cmpint(half[1], <, full[1] - 10);
    g_assert_cmpint(full[0], <, 5);
    g_assert_cmpint(full[2], <, 5);
    gtk_window_destroy(window);
}

int
main(int argc, char **argv)
{
    test_ui_init(&argc, &argv);
    g_test_add_func("/class-bars/words", test_words);
    g_test_add_func("/class-bars/drawn", test_drawn);
    return g_test_run();
}
