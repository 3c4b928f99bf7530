/* Whole-file helpers. Every error text names the path and says what to do. */
#pragma once

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* Reads a regular file whole; refuses directories and more than max bytes. *data is malloc'd with
 * one zero byte behind it; the caller frees. */
LimStatus lim_file_read(const char *path, size_t max, uint8_t **data, size_t *size, LimError *err);

/* Makes the folder, and those above it, where they are missing. */
LimStatus lim_folder_make(const char *path, LimError *err);

/* Atomic replacement: write to a temporary file beside path, fsync, rename, fsync the folder. A
 * reader sees the old bytes or the new ones; a crash leaves the old ones. */
typedef struct LimFileWriter LimFileWriter;
LimFileWriter *lim_file_writer_new(const char *path, LimError *err);       /* NULL on error */
void lim_file_writer_put(LimFileWriter *w, const void *data, size_t size); /* errors stick */
LimStatus lim_file_writer_finish(LimFileWriter *w, LimError *err); /* frees w in every case */
void lim_file_writer_abandon(LimFileWriter *w); /* removes the temporary file; frees w */
LimStatus lim_file_write(const char *path, const void *data, size_t size, LimError *err);
