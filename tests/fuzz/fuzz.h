/* A deterministic mutation driver for readers of files.
 *
 * Run i of a reader takes one of the sound files, changes it in one to four ways that are a
 * function of (name, i) alone, and reads it. The reader must either accept the bytes or refuse them
 * with a status and one sentence; crashes, overruns and undefined behaviour are for the sanitizers
 * to see.
 *
 * Runs per reader: LIMEN_FUZZ_RUNS, else 2,000. With --verbose each run is named before it starts;
 * the same run comes again in every process. */
#pragma once

#include "base/status.h"

#include <glib.h>

typedef struct FuzzReader {
    const char *name;
    /* Adds sound files to seeds (GByteArray). The reader must accept every one of them. */
    void (*seeds)(GPtrArray *seeds);
    /* Reads data and uses everything that it gets, so that every byte of the result is touched.
     * data is a block of exactly size bytes. */
    bool (*read)(const guint8 *data, size_t size, LimError *err);
    /* Makes lengths or checksums right again, so that mutations reach what lies behind them; done
     * in half of the runs. May be NULL. */
    void (*repair)(GByteArray *file);
    guint64 slow; /* it gets one in so many of the runs; 0: all of them */
} FuzzReader;

/* Registers the test of this reader, which must stay valid. */
void fuzz_add(const FuzzReader *reader);

/* For seeds(): bytes, or those of a file, which goes away. */
void fuzz_add_bytes(GPtrArray *seeds, const void *data, size_t size);
void fuzz_add_file(GPtrArray *seeds, const char *path);
/* For readers that take a path. */
void fuzz_write(const char *path, const guint8 *data, size_t size);

/* A repair() for safetensors: sets the length of the head to where its braces close, and the
 * offsets of the tensors and the size of the file to what dtypes and shapes ask for. */
void fuzz_repair_safetensors(GByteArray *file);

/* PNG files of 9 x 7 pixels of many kinds, and a repair(): lengths and checksums of all chunks. */
void fuzz_png_seeds(GPtrArray *seeds);
/* One of w x h grey pixels that lie open to mutations. */
void fuzz_png_grey(GPtrArray *seeds, int w, int h, const guint8 *pixels);
void fuzz_repair_png(GByteArray *file);
