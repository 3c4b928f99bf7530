/* Running the real application inside a test, and what tests of its views have in common. */
#pragma once

#include "lim-app.h"
#include "lim-form-pane.h"
#include "support.h"
#include "widgets/lim-form.h"
#include "widgets/lim-image-grid.h"
#include "widgets/lim-message.h"
#include "widgets/lim-status-line.h"

typedef struct TestApp {
    LimApp *app;
    LimWindow *window;
    LimPane *pane; /* the view that is tested, at first Generate; and what it holds */
    LimForm *form;
    LimImageGrid *grid;
    LimMessage *message;
    LimStatusLine *status;
} TestApp;

/* Folder of this test program, removed at its end; g_free() not needed. */
const char *test_folder(void);
/* Sets up folders of the program's own; call before anything of GTK. */
void test_app_init(int *argc, char ***argv);
/* A file in test_folder() with this text; returns its path, g_free(). */
char *test_file(const char *name, const char *text);
/* Where the window finds models; the path of one of them, g_free(). */
char *test_model_path(const char *name);
/* Puts there one that comes with the program. */
void test_ship_model(const char *name);
/* Files that hold the same bytes. */
void test_same_files(const char *one, const char *two);
/* Starts the application, runs body when its window is up, closes the window, and checks that
 * application, window and pane are gone. model: text of the shipped model's file; "": no such file;
 * NULL: leaves alone what is there. */
void test_app_run(const char *model, void (*body)(TestApp *t));
/* The next run begins where the last one was closed, instead of anew. */
void test_app_resume(void);
/* From now on that view is tested; it need not be in front. */
void test_take_view(TestApp *t, const char *name);
/* Puts a view in front, as the switcher does. */
void test_show_view(TestApp *t, const char *name);

/* Runs the main loop until it is so, at most so many seconds. */
#define TEST_WAIT(condition, seconds)                                          \
    do {                                                                       \
        const gint64 end_ = g_get_monotonic_time() + (seconds)*G_USEC_PER_SEC; \
        const guint wake_ = test_wake();                                       \
        while (!(condition) && g_get_monotonic_time() < end_)                  \
            g_main_context_iteration(NULL, TRUE);                              \
        g_source_remove(wake_);                                                \
        if (!(condition))                                                      \
            test_tell_status();                                                \
        g_assert_true(condition);                                              \
    } while (0)
guint test_wake(void);       /* the loop goes round, whatever happens; a source */
void test_tell_status(void); /* prints the status line */
/* Runs the main loop until pictures number `serial` or a later one are shown. */
void test_wait_serial(TestApp *t, guint serial);
/* Until the pictures shown belong to the settings in the form. */
void test_wait_current(TestApp *t);
/* Until the status line shows, or has shown since the last action, a text that starts like this. */
void test_wait_status(TestApp *t, const char *start);
/* An action of the view; parameter may be NULL, is sunk. */
void test_action(TestApp *t, const char *name, GVariant *parameter);
gboolean test_can(TestApp *t, const char *action); /* is it enabled? */
/* Value of a row; unref. */
GVariant *test_value(TestApp *t, const char *key);
void test_set(TestApp *t, const char *key, GVariant *value); /* sunk */
/* The text on the clipboard; g_free(). */
char *test_dup_copied(TestApp *t);
/* Runs a command of limen-cli (LIMEN_CLI) in test_folder(): what it prints, g_free(). */
char *test_run_command(const char *command);
/* Exports what the pane shows, runs the command that it copies (LIMEN_CLI), and compares the two
 * files byte for byte. */
void test_check_command(TestApp *t);
