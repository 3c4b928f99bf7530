/* The values of a sample stand where they are, and the bounds of each part beside them. */
#include "support.h"

#include "widgets/lim-density-plot.h"

static gboolean
ink_at(const guint8 *rgb, int width, int x, int y)
{
    return rgb[(y * width + x) * 3 + 2] != rgb[y * width * 3 + 2]; /* the left edge is empty */
}

/* Whether there is ink in the column of value v, in this row of pixels. */
static gboolean
ink(const guint8 *rgb, int width, double v, int y)
{
    int x = (int)(width * (v + 3) / 6);

    return ink_at(rgb, width, x, y) || ink_at(rgb, width, x - 1, y);
}

static void
test_ticks(void)
{
    GtkWidget *plot = lim_density_plot_new();
    GtkWindow *window = test_show(plot, 300, 106);
    LimDensityPlot *p = LIM_DENSITY_PLOT(plot);
    const float values[] = {-0.5F, 0.25F, 1.5F, -2.75F};
    const double bounds[] = {1, 2};
    int width, height;

    lim_density_plot_set(p, 1, 1);
    g_autofree guint8 *without = test_render(plot, 1, &width, &height);
    int axis = height - 18 - 16, one = axis + 4, two = axis + 12;
    for (double v = -2.9; v < 2.9; v += 0.1)
        g_assert_false(ink(without, width, v, one));

    lim_density_plot_set_ticks(p, "Picture 3", values, 4, bounds, 2);
    g_autofree guint8 *with = test_render(plot, 1, &width, &height);
    g_assert_true(ink(with, width, -0.5, one));
    g_assert_true(ink(with, width, 0.25, one));
    g_assert_false(ink(with, width, 1.5, one));
    g_assert_true(ink(with, width, 1, one)); /* the bound of this row */
    g_assert_true(ink(with, width, -1, one));
    g_assert_true(ink(with, width, 1.5, two));
    g_assert_false(ink(with, width, 0.25, two));
    g_assert_true(ink(with, width, -2, two));
    g_assert_false(ink(with, width, 1, two));
    const char *text = gtk_widget_get_tooltip_text(plot);
    g_assert_true(g_str_has_suffix(text, ". Picture 3: 4 values, the largest 2.75 from zero"));

    lim_density_plot_set_ticks(p, NULL, NULL, 0, bounds, 1);
    g_autofree guint8 *after = test_render(plot, 1, &width, &height);
    g_assert_cmpmem(after, (gsize)(width * height * 3), without, (gsize)(width * height * 3));
    gtk_window_destroy(window);
}

int
main(int argc, char **argv)
{
    test_ui_init(&argc, &argv);
    g_test_add_func("/density-plot/ticks", test_ticks);
    return g_test_run();
}
