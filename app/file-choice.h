/* Settings that are a place in a list of files: from one start of the program to the next the list
 * may be another one, so the names of the files are remembered beside the places. */
#pragma once

#include <glib.h>

/* The place of the file of that name, in any folder, among paths [n]; -1: it is not there. */
int lim_file_choice_find(const char *const *paths, int n, const char *name);
/* The value at key is first + a place: writes the name of that file. Other values are left alone.
 */
void lim_file_choice_write(GVariantDict *session, const char *key, int first,
                           const char *const *paths, int n);
/* Sets the value at key to where the file of the written name is now; 0 when it is gone, or none
 * was written. */
void lim_file_choice_read(GVariantDict *session, const char *key, int first,
                          const char *const *paths, int n);
