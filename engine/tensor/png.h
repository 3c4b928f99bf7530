/* PNG files.
 *
 * Reading takes every kind of PNG (1 to 16 bits, grey, palette, alpha, interlaced) to 8 bits per
 * channel; 16 bits are rounded to 8, and gamma and colour profiles are ignored, because the
 * networks were trained on the stored bytes. Files are hostile: sides above LIM_IMAGE_MAX_SIDE,
 * more than 2^26 pixels, texts above LIM_PNG_TEXT_MAX, and heads that promise more than the file
 * can hold are refused before memory is taken. The bytes written depend on nothing but picture and
 * texts (there is no time chunk), so equal pictures are equal files. */
#pragma once

#include "tensor/image.h"

#define LIM_PNG_TEXT_MAX ((size_t)1 << 20)

/* A keyword of 1 to 79 printable ASCII letters ("Software", "limen") and any UTF-8 text. */
typedef struct LimPngText {
    const char *key, *value;
} LimPngText;

typedef struct LimPng {
    LimImageView image; /* owned; GREY8, RGB8 or RGBA8 */
    int channels; /* of the file: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha; a palette is
                   * one of the latter two */
    int depth;    /* bits per channel in the file */
    int n_texts;
    LimPngText *texts; /* owned, in the order of the file; control characters are '?' except for the
                        * ends of lines and tabs */
    struct LimArena *arena;
} LimPng;

/* channels: 1 (GREY8), 3 (RGB8), 4 (RGBA8), by the rules of image.h; 0: as in the file (grey with
 * alpha becomes RGBA8). NULL and err on failure. The memory is borrowed during the call; name is
 * for errors. */
LimPng *lim_png_read(const char *path, int channels, LimError *err);
LimPng *lim_png_parse(const uint8_t *data, size_t size, const char *name, int channels,
                      LimError *err);
void lim_png_free(LimPng *png);                               /* NULL is fine */
const char *lim_png_text(const LimPng *png, const char *key); /* first of that key, or NULL */

/* Writes grey for GREY8, RGBA (straight) for formats with alpha, else RGB. Atomic. */
LimStatus lim_png_write(const char *path, LimImageView image, const LimPngText *texts, int n_texts,
                        LimError *err);
/* The same into memory; the caller frees *data. */
LimStatus lim_png_encode(LimImageView image, const LimPngText *texts, int n_texts, uint8_t **data,
                         size_t *size, LimError *err);
