/* Where the files that come with the program are: for the window and the command line alike. */
#pragma once

/* The path of a model file: in $LIMEN_DATA when that is set, else where it is installed, else in
 * the source folder. Also a path when the file is in none of them. free(). */
char *lim_shipped_model(const char *name); /* "": their folder */
/* The folder with the sample pictures, for lim_dataset_open(). free(). */
char *lim_shipped_samples(void);
/* What people call a model file: its name without folder and .safetensors. free(). */
char *lim_model_file_label(const char *path);
