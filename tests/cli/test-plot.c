/* The plot is XML that says where every value stands, whatever the names and numbers. */
#include "plot.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Seen {
    GPtrArray *circles; /* "x y" */
    GString *text;      /* all text, one line each */
    int paths, rects;
} Seen;

static void
start(GMarkupParseContext *context, const char *element, const char **name, const char **value,
      gpointer data, GError **error)
{
    Seen *seen = data;
    const char *x = "", *y = "";
    for (int i = 0; name[i]; i++) {
        g_assert_null(strstr(value[i], "nan"));
        g_assert_null(strstr(value[i], "inf"));
        if (strcmp(name[i], "cx") == 0)
            x = value[i];
        if (strcmp(name[i], "cy") == 0)
            y = value[i];
    }
    if (strcmp(element, "circle") == 0)
        g_ptr_array_add(seen->circles, g_strdup_printf("%s %s", x, y));
    seen->paths += strcmp(element, "path") == 0;
    seen->rects += strcmp(element, "rect") == 0;
}

static void
text(GMarkupParseContext *context, const char *text, gsize length, gpointer data, GError **error)
{
    g_string_append_len(((Seen *)data)->text, text, (gssize)length);
    g_string_append_c(((Seen *)data)->text, '\n');
}

static Seen
plot(const CliPanel *panels, int n, int columns)
{
    char *folder = g_dir_make_tmp("limen-plot-XXXXXX", NULL), *svg;
    char *path = g_build_filename(folder, "plot.svg", NULL);
    LimError err = LIM_ERROR_INIT;
    gsize size;
    g_assert_cmpint(cli_plot_write(path, "A title", panels, n, columns, &err), ==, LIM_OK);
    g_assert_true(g_file_get_contents(path, &svg, &size, NULL));
    Seen seen = {g_ptr_array_new_with_free_func(g_free), g_string_new(NULL), 0, 0};
    const GMarkupParser parser = {.start_element = start, .text = text};
    GError *error = NULL;
    GMarkupParseContext *context = g_markup_parse_context_new(&parser, 0, &seen, NULL);
    g_markup_parse_context_parse(context, svg, (gssize)size, &error);
    g_assert_no_error(error);
    g_markup_parse_context_end_parse(context, &error);
    g_assert_no_error(error);
    g_markup_parse_context_free(context);
    g_assert_cmpint(g_remove(path), ==, 0);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
    g_free(svg);
    g_free(path);
    g_free(folder);
    return seen;
}

static void
seen_clear(Seen *seen)
{
    g_ptr_array_unref(seen->circles);
    g_string_free(seen->text, TRUE);
}

/* The plot area of the first panel: x 60 .. 386, y 294 .. 74 upwards. The last circle is the mark
 * of the legend. */
static void
test_places(void)
{
    const double x[] = {0, 5, 10, 10}, y[] = {0, 1, NAN, 0.25};
    const CliSeries s = {.name = "one", .n = 4, .x = x, .y = y};
    const CliPanel p = {.title = "T", .x_label = "X", .y_label = "Y", .series = &s, .n = 1};
    Seen seen = plot(&p, 1, 1);
    g_assert_cmpuint(seen.circles->len, ==, 4);
    g_assert_cmpstr(seen.circles->pdata[0], ==, "60.0 294.0");
    g_assert_cmpstr(seen.circles->pdata[1], ==, "223.0 74.0");
    g_assert_cmpstr(seen.circles->pdata[2], ==, "386.0 239.0");
    const char *words[] = {"A title\n", "T\n", "X\n", "Y\n", "one\n", "\n0.2\n", "\n10\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        g_assert_nonnull(strstr(seen.text->str, words[i]));
    seen_clear(&seen);
}

static void
test_fixed_range(void)
{
    const double x[] = {1}, y[] = {30};
    const CliSeries s = {.name = "", .n = 1, .x = x, .y = y};
    const CliPanel p = {.title = "",
                        .x_label = "",
                        .y_label = "",
                        .series = &s,
                        .n = 1,
                        .x_min = 0,
                        .x_max = 2,
                        .y_min = 10,
                        .y_max = 50};
    Seen seen = plot(&p, 1, 1);
    g_assert_cmpstr(seen.circles->pdata[0], ==, "223.0 184.0");
    seen_clear(&seen);
}

static void
test_odd(void)
{
    const double x[] = {1, 2}, same[] = {3, 3}, none[] = {NAN, INFINITY}, tiny[] = {1e-12, 3e-12};
    const double low[] = {-1, 2}, high[] = {4, 5};
    const char *const labels[] = {"<a>", NULL};
    const CliSeries s[] = {
        {.name = "a < b & \"c\"", .n = 2, .x = x, .y = same, .low = low, .high = high},
        {.name = "nothing", .n = 2, .x = x, .y = none},
        {.name = "labels", .n = 2, .x = x, .y = same, .labels = labels},
        {.name = "small", .n = 2, .x = tiny, .y = tiny},
        {.name = "empty"}};
    CliPanel p[G_N_ELEMENTS(s) + 1];
    for (size_t i = 0; i < G_N_ELEMENTS(s); i++)
        p[i] = (CliPanel){.title = "t", .x_label = "x", .y_label = "y", .series = &s[i], .n = 1};
    p[G_N_ELEMENTS(s)] =
        (CliPanel){.title = "all", .x_label = "", .y_label = "", .series = s, .n = 5};
    Seen seen = plot(p, G_N_ELEMENTS(p), 4);
    g_assert_nonnull(strstr(seen.text->str, "a < b & \"c\"\n"));
    g_assert_nonnull(strstr(seen.text->str, "<a>\n"));
    seen_clear(&seen);
    CliPanel unlabelled = {.title = "t", .x_label = "x", .y_label = "y"};
    seen = plot(&unlabelled, 1, 3);
    g_assert_cmpuint(seen.circles->len, ==, 0);
    seen_clear(&seen);
}

static void
test_unwritable(void)
{
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(cli_plot_write("/no/such/folder/plot.svg", "t", NULL, 0, 1, &err), ==,
                    LIM_E_IO);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/plot/places", test_places);
    g_test_add_func("/plot/fixed-range", test_fixed_range);
    g_test_add_func("/plot/odd", test_odd);
    g_test_add_func("/plot/unwritable", test_unwritable);
    return g_test_run();
}
