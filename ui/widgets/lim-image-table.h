/* Small pictures in rows and columns that have names, every pixel a sharp square.
 *
 * The table takes the largest whole factor (in device pixels) at which everything fits. Pictures
 * may come one after the other; places without one are empty frames. With the focus on it, arrow
 * keys, Home and End (ends of the row), Page Up and Page Down (ends of the column) move a cursor;
 * Enter, Space or a click activate a place.
 *
 * Either title may be NULL.
 *
 * Signals: "cell-activated" (int row, int column); "cell-opened" (the same, after a double click or
 * Ctrl+Enter). Properties: "pointed" (int, read only: row * columns + column of the place under the
 * pointer, or of the cursor while the keyboard is used; -1 for none), "stale" (boolean: the
 * settings have moved on, the pictures have not yet). */
#pragma once

#include <gtk/gtk.h>

#define LIM_TYPE_IMAGE_TABLE (lim_image_table_get_type())
G_DECLARE_FINAL_TYPE(LimImageTable, lim_image_table, LIM, IMAGE_TABLE, GtkWidget)

/* name: what the table is called, for assistive technology. */
GtkWidget *lim_image_table_new(const char *name);
/* What rows and columns stand for, and the name of each; copied. A table of other numbers loses its
 * pictures. 0 rows or columns empty the table. */
void lim_image_table_set_names(LimImageTable *self, const char *row_title, int rows,
                               const char *const *row_names, const char *column_title, int columns,
                               const char *const *column_names);
/* For strips: the name of a row stands above it, not beside, and names of columns that find no room
 * are left out instead of cut. */
void lim_image_table_set_names_above(LimImageTable *self, gboolean above);
/* Pictures of [height][width][channels] bytes (channels 1: grey, 3: RGB) for the places first ..
 * first + n - 1, row by row; copied. Pictures of another size drop those that are there. */
void lim_image_table_set_pictures(LimImageTable *self, int first, int n, const guint8 *pixels,
                                  int width, int height, int channels);
void lim_image_table_clear_pictures(LimImageTable *self);
void lim_image_table_get_size(LimImageTable *self, int *rows, int *columns);
/* A copy of the picture's bytes [height][width][3]; NULL while it is missing. g_free(). */
guint8 *lim_image_table_dup_picture(LimImageTable *self, int row, int column);
/* "Seed 3, Truncation threshold 0.5", without the titles that are missing; g_free(). */
char *lim_image_table_dup_place(LimImageTable *self, int row, int column);

/* The place that stands for the settings in force; -1, -1: none. */
void lim_image_table_set_marked(LimImageTable *self, int row, int column);
void lim_image_table_get_marked(LimImageTable *self, int *row, int *column);
void lim_image_table_get_cursor(LimImageTable *self, int *row, int *column); /* -1: no places */
void lim_image_table_set_cursor(LimImageTable *self, int row, int column);
/* Scrolls the window around the table so that the cursor is seen, when the keyboard moves it. */
void lim_image_table_reveal_cursor(LimImageTable *self, GtkScrolledWindow *scrolled);
void lim_image_table_set_stale(LimImageTable *self, gboolean stale);
/* The picture's rectangle in the widget, in logical pixels. */
void lim_image_table_get_area(LimImageTable *self, int row, int column, graphene_rect_t *area);
