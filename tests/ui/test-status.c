#include "support.h"

#include "widgets/lim-message.h"
#include "widgets/lim-status-line.h"

static void
test_line(void)
{
    LimStatusLine *line = LIM_STATUS_LINE(g_object_ref_sink(lim_status_line_new()));
    GtkWidget *text = test_find_type(GTK_WIDGET(line), GTK_TYPE_LABEL);

    gtk_test_accessible_assert_role(text, GTK_ACCESSIBLE_ROLE_STATUS);
    lim_status_line_set_text(line, "16 pictures");
    g_assert_cmpstr(lim_status_line_get_shown(line), ==, "16 pictures");
    lim_status_line_flash(line, "Copied");
    g_assert_cmpstr(lim_status_line_get_shown(line), ==, "Copied");
    lim_status_line_set_text(line, "4 pictures"); /* waits until the message is over */
    g_assert_cmpstr(lim_status_line_get_shown(line), ==, "Copied");
    GtkWidget *timing = gtk_widget_get_last_child(gtk_widget_get_first_child(GTK_WIDGET(line)));
    lim_status_line_set_timing(line, 0.1, 38.5, 4);
    g_assert_cmpstr(gtk_label_get_text(GTK_LABEL(timing)), ==,
                    "queued 0.1 ms   ran 38.5 ms   shown 4.0 ms");
    lim_status_line_set_timing(line, 0.1, 38.5, 0); /* what was not measured is not told */
    g_assert_cmpstr(gtk_label_get_text(GTK_LABEL(timing)), ==, "queued 0.1 ms   ran 38.5 ms");
    lim_status_line_set_stale(line, TRUE);
    test_spin(4200);
    g_assert_cmpstr(lim_status_line_get_shown(line), ==, "4 pictures");
    lim_status_line_flash(line, "Copied");
    g_assert_finalize_object(line); /* also with a message showing */
}

/* A job stands before what is true, a passing message before both; its button cancels it. */
static void
test_job(void)
{
    LimStatusLine *line = LIM_STATUS_LINE(g_object_ref_sink(lim_status_line_new()));
    GtkWidget *bar = test_find_type(GTK_WIDGET(line), GTK_TYPE_PROGRESS_BAR);
    GtkWidget *cancel = test_find_type(GTK_WIDGET(line), GTK_TYPE_BUTTON);
    GtkWidget *timing = gtk_widget_get_last_child(gtk_widget_get_first_child(GTK_WIDGET(line)));

    g_assert_false(gtk_widget_get_visible(bar));
    g_assert_false(gtk_widget_get_visible(cancel));
    lim_status_line_set_text(line, "16 pictures");
    lim_status_line_set_job(line, "Exporting", -1, "view.cancel");
    g_assert_cmpstr(lim_status_line_get_shown(line), ==, "Exporting");
    g_assert_cmpfloat(gtk_progress_bar_get_fraction(GTK_PROGRESS_BAR(bar)), ==, 0);
    lim_status_line_set_job(line, "Exporting: half", 0.5, "view.cancel");
    lim_status_line_set_text(line, "4 pictures"); /* waits until the job is over */
    g_assert_cmpstr(lim_status_line_get_shown(line), ==, "Exporting: half");
    g_assert_cmpfloat(gtk_progress_bar_get_fraction(GTK_PROGRESS_BAR(bar)), ==, 0.5);
    g_assert_true(gtk_widget_get_visible(bar));
    g_assert_true(gtk_widget_get_visible(cancel));
    g_assert_false(gtk_widget_get_visible(timing));
    g_assert_cmpstr(gtk_actionable_get_action_name(GTK_ACTIONABLE(cancel)), ==, "view.cancel");
    lim_status_line_flash(line, "Copied");
    lim_status_line_set_job(line, "Exporting: more", 0.6, "view.cancel");
    g_assert_cmpstr(lim_status_line_get_shown(line), ==, "Copied");
    test_spin(4200);
    g_assert_cmpstr(lim_status_line_get_shown(line), ==, "Exporting: more");
    lim_status_line_set_job(line, NULL, 0, NULL);
    g_assert_cmpstr(lim_status_line_get_shown(line), ==, "4 pictures");
    g_assert_false(gtk_widget_get_visible(bar));
    g_assert_false(gtk_widget_get_visible(cancel));
    g_assert_true(gtk_widget_get_visible(timing));
    lim_status_line_set_job(line, "Exporting", 0, "view.cancel");
    g_assert_finalize_object(line);
}

static void
test_message(void)
{
    LimMessage *message = LIM_MESSAGE(g_object_ref_sink(lim_message_new()));
    GtkWidget *button = test_find_type(GTK_WIDGET(message), GTK_TYPE_BUTTON);

    lim_message_set(message, "dialog-error-symbolic", "No model", "It is broken.", NULL, NULL);
    g_assert_false(gtk_widget_get_visible(button));
    lim_message_set(message, "dialog-error-symbolic", "No model", "It is broken.", "Open...",
                    "win.open");
    g_assert_true(gtk_widget_get_visible(button));
    g_assert_cmpstr(gtk_actionable_get_action_name(GTK_ACTIONABLE(button)), ==, "win.open");
    g_assert_cmpstr(lim_message_get_text(message), ==, "It is broken.");
    lim_message_set(message, "dialog-error-symbolic", "No model", "\303\244h, cannot open it", NULL,
                    NULL);
    g_assert_cmpstr(lim_message_get_text(message), ==, "\303\204h, cannot open it.");
    g_assert_finalize_object(message);
}

int
main(int argc, char **argv)
{
    test_ui_init(&argc, &argv);
    g_test_add_func("/status/line", test_line);
    g_test_add_func("/status/job", test_job);
    g_test_add_func("/status/message", test_message);
    return g_test_run();
}
