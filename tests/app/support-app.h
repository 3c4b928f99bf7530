/* Running the real application inside a test. */
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
    LimPane *pane;
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
/* Starts the application, runs body when its window is up, closes the window, and checks that
 * application, window and pane are gone. model: text of the shipped model's file; "": no such file;
 * NULL: leaves alone what is there. */
void test_app_run(const char *model, void (*body)(TestApp *t));
/* The next run begins where the last one was closed, instead of anew. */
void test_app_resume(void);
/* Runs the main loop until pictures number `serial` or a later one are shown. */
void test_wait_serial(TestApp *t, guint serial);
/* Until the pictures shown belong to the settings in the form. */
void test_wait_current(TestApp *t);
/* Until the status line shows, or has shown since the last action, a text that starts like this. */
void test_wait_status(TestApp *t, const char *start);
/* An action of the pane in front; parameter may be NULL, is sunk. */
void test_action(TestApp *t, const char *name, GVariant *parameter);
/* Value of a row; unref. */
GVariant *test_value(TestApp *t, const char *key);
/* Exports what the pane shows, runs the command that it copies (LIMEN_CLI), and compares the two
 * files byte for byte. */
void test_check_command(TestApp *t);
