/* PNG through libpng.
 *
 * libpng reports errors by longjmp. So each direction has one function that calls setjmp and then
 * touches only what its caller's struct holds; the caller, which is never jumped over, frees all of
 * it in every case. libpng converts to 8-bit grey, RGB or RGBA; what follows from there (alpha,
 * luma) is image.h's. */
#include "tensor/png.h"
#include "tensor/text.h"
#include "base/arena.h"
#include "base/file.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX    ((size_t)1 << 29)
#define PIXELS_MAX  ((uint64_t)1 << 26)
#define DEFLATE_MAX 1032u /* largest possible expansion */

typedef struct Reader {
    png_structp png;
    png_infop info;
    const uint8_t *data;
    size_t size, at;
    char message[160]; /* libpng's, on error */
    LimError *err;     /* ours, if the refusal is not libpng's */
    const char *name;
    LimPng *out;
} Reader;

static void
on_error(png_structp png, png_const_charp message)
{
    char *to = png_get_error_ptr(png);
    lim_text_clean(message, strlen(message), to, sizeof((Reader *)NULL)->message);
    png_longjmp(png, 1);
}

static void
on_warning(png_structp png, png_const_charp message)
{
}

static void
on_read(png_structp png, png_bytep to, size_t n)
{
    Reader *r = png_get_io_ptr(png);
    if (n > r->size - r->at)
        png_error(png, "the file ends too early");
    memcpy(to, r->data + r->at, n);
    r->at += n;
}

/* Does every chunk up to IEND lie within the file? libpng takes (and clears) memory for the length
 * that a chunk claims, up to 2 GiB, before it notices that the bytes are not there. */
static bool
chunks_fit(const uint8_t *data, size_t size)
{
    for (size_t at = 8; size - at >= 12;) {
        const uint8_t *p = data + at;
        size_t length = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
        if (length > size - at - 12)
            return false;
        if (memcmp(p + 4, "IEND", 4) == 0)
            return true;
        at += 12 + length;
    }
    return false;
}

static char *
latin1_to_utf8(LimArena *arena, const char *s)
{
    size_t n = strlen(s), at = 0;
    char *out = lim_arena_alloc(arena, 2 * n + 1, 1);
    for (size_t i = 0; i < n; i++) {
        uint8_t c = (uint8_t)s[i];
        if (c >= 0x80)
            out[at++] = (char)(0xc0 | c >> 6);
        out[at++] = (char)(c >= 0x80 ? 0x80 | (c & 0x3f) : c);
    }
    return out;
}

static void
keep_texts(Reader *r)
{
    png_textp texts;
    int n = png_get_text(r->png, r->info, &texts, NULL);
    LimPng *out = r->out;
    out->texts = lim_arena_alloc(out->arena, (size_t)n + 1, sizeof *out->texts);
    for (int i = 0; i < n; i++) {
        /* Keywords are Latin-1, as are the values of tEXt and zTXt; those of iTXt are UTF-8. */
        bool utf8 = texts[i].compression >= PNG_ITXT_COMPRESSION_NONE;
        const char *value = texts[i].text ? texts[i].text : "";
        char *key = latin1_to_utf8(out->arena, texts[i].key);
        char *raw = utf8 ? lim_arena_strdup(out->arena, value) : latin1_to_utf8(out->arena, value);
        size_t len = strlen(raw);
        char *clean = lim_arena_alloc(out->arena, len + 1, 1);
        lim_text_clean_lines(raw, len, clean, len + 1);
        lim_text_clean(key, strlen(key), key, strlen(key) + 1);
        out->texts[out->n_texts++] = (LimPngText){key, clean};
    }
}

/* False on error: then either r->err is set or r->message. */
static bool
decode(Reader *r)
{
    png_structp png = r->png;
    if (setjmp(png_jmpbuf(png)))
        return false;
    png_set_user_limits(png, LIM_IMAGE_MAX_SIDE, LIM_IMAGE_MAX_SIDE);
    png_set_chunk_cache_max(png, 64);
    png_set_chunk_malloc_max(png, 2 * LIM_PNG_TEXT_MAX);
    /* Of the chunks that are not needed for the pixels only texts are parsed. */
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_AS_DEFAULT,
                                (png_const_bytep) "tEXt\0zTXt\0iTXt", 3);
    png_set_read_fn(png, r, on_read);
    png_read_info(png, r->info);
    png_uint_32 w, h;
    int depth, type;
    png_get_IHDR(png, r->info, &w, &h, &depth, &type, NULL, NULL, NULL);
    uint64_t packed = (uint64_t)png_get_rowbytes(png, r->info) * h;
    if ((uint64_t)w * h > PIXELS_MAX) {
        lim_fail(r->err, LIM_E_FORMAT,
                 "%s has %u x %u pixels, more than the %u million that are read; scale it down",
                 r->name, w, h, (unsigned)(PIXELS_MAX / 1000000));
        return false;
    }
    if (packed > (uint64_t)r->size * DEFLATE_MAX)
        png_error(png, "the file is too short for the size that it claims");

    png_set_expand(png); /* palette, fewer than 8 bits, transparent colour */
    png_set_scale_16(png);
    bool colour = type & PNG_COLOR_MASK_COLOR;
    if (type & PNG_COLOR_MASK_ALPHA || png_get_valid(png, r->info, PNG_INFO_tRNS))
        png_set_gray_to_rgb(png); /* there is no format for grey with alpha */
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, r->info);
    /* What comes out is asked, not derived from what went in: a palette behind the transparency,
     * say, makes libpng forget the latter without clearing PNG_INFO_tRNS. */
    int channels = png_get_channels(png, r->info);
    LimPixel format = channels == 4   ? LIM_PIXEL_RGBA8
                      : channels == 3 ? LIM_PIXEL_RGB8
                                      : LIM_PIXEL_GREY8;
    if (png_get_bit_depth(png, r->info) != 8 || channels != lim_pixel_bytes(format))
        png_error(png, "its chunks contradict each other");
    r->out->depth = depth;
    r->out->channels = (colour ? 3 : 1) + (channels == 4);
    r->out->image = lim_image_alloc((int)w, (int)h, format, r->err);
    if (!r->out->image.data)
        return false;
    if (png_get_rowbytes(png, r->info) != r->out->image.stride)
        png_error(png, "its chunks contradict each other");
    for (int pass = 0; pass < passes; pass++)
        for (png_uint_32 y = 0; y < h; y++)
            png_read_row(png, r->out->image.data + y * r->out->image.stride, NULL);
    png_read_end(png, r->info); /* texts may follow the pixels */
    return true;
}

static bool
change_format(LimPng *png, int channels, LimError *err)
{
    LimPixel want = channels == 1   ? LIM_PIXEL_GREY8
                    : channels == 3 ? LIM_PIXEL_RGB8
                                    : LIM_PIXEL_RGBA8;
    LimImageView from = png->image;
    if (channels == 0 || from.format == want)
        return true;
    LimImageView to = lim_image_alloc(from.w, from.h, want, err);
    if (!to.data)
        return false;
    lim_image_copy(from, 1, to);
    free(from.data);
    png->image = to;
    return true;
}

LimPng *
lim_png_parse(const uint8_t *data, size_t size, const char *name, int channels, LimError *err)
{
    LIM_ASSERT(channels == 0 || channels == 1 || channels == 3 || channels == 4);
    if (size < 8 || png_sig_cmp(data, 0, 8) != 0) {
        lim_fail(err, LIM_E_FORMAT, "%s is not a PNG file; save the picture as PNG", name);
        return NULL;
    }
    if (!chunks_fit(data, size)) {
        lim_fail(err, LIM_E_FORMAT, "%s is damaged or cut short; save the picture again", name);
        return NULL;
    }
    LimError refused = LIM_ERROR_INIT;
    LimArena *arena = lim_arena_new();
    Reader r = {.data = data, .size = size, .err = &refused, .name = name};
    r.out = lim_arena_alloc(arena, 1, sizeof *r.out);
    r.out->arena = arena;
    r.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, r.message, on_error, on_warning);
    r.info = r.png ? png_create_info_struct(r.png) : NULL;
    LIM_ASSERT(r.info); /* a version that does not fit the header, or no memory at all */
    bool ok = decode(&r);
    if (ok)
        keep_texts(&r);
    png_destroy_read_struct(&r.png, &r.info, NULL);
    if (ok && change_format(r.out, channels, err))
        return r.out;
    if (refused.code != LIM_OK)
        lim_fail(err, refused.code, "%s", refused.text);
    else if (!ok)
        lim_fail(err, LIM_E_FORMAT, "%s is damaged (%s); save the picture again", name, r.message);
    lim_png_free(r.out);
    return NULL;
}

LimPng *
lim_png_read(const char *path, int channels, LimError *err)
{
    uint8_t *data;
    size_t size;
    if (lim_file_read(path, FILE_MAX, &data, &size, err) != LIM_OK)
        return NULL;
    LimPng *png = lim_png_parse(data, size, path, channels, err);
    free(data);
    return png;
}

void
lim_png_free(LimPng *png)
{
    if (!png)
        return;
    free(png->image.data);
    lim_arena_free(png->arena);
}

const char *
lim_png_text(const LimPng *png, const char *key)
{
    for (int i = 0; i < png->n_texts; i++)
        if (strcmp(png->texts[i].key, key) == 0)
            return png->texts[i].value;
    return NULL;
}

typedef struct Writer {
    png_structp png;
    png_infop info;
    char message[160];
    LimImageView image;
    LimPixel format; /* of the file */
    uint8_t *row;
    png_text *texts;
    int n_texts;
    uint8_t *data;
    size_t size, room;
} Writer;

_Static_assert(sizeof((Writer *)NULL)->message == sizeof((Reader *)NULL)->message,
               "on_error() serves both");

static void
on_write(png_structp png, png_bytep from, size_t n)
{
    Writer *w = png_get_io_ptr(png);
    if (n > w->room - w->size) {
        size_t room = 2 * w->room + n + 4096;
        uint8_t *bigger = realloc(w->data, room);
        if (!bigger)
            png_error(png, "no memory");
        w->data = bigger;
        w->room = room;
    }
    memcpy(w->data + w->size, from, n);
    w->size += n;
}

static void
on_flush(png_structp png)
{
}

static bool
encode(Writer *w)
{
    png_structp png = w->png;
    if (setjmp(png_jmpbuf(png)))
        return false;
    int type = w->format == LIM_PIXEL_GREY8  ? PNG_COLOR_TYPE_GRAY
               : w->format == LIM_PIXEL_RGB8 ? PNG_COLOR_TYPE_RGB
                                             : PNG_COLOR_TYPE_RGB_ALPHA;
    png_set_write_fn(png, w, on_write, on_flush);
    png_set_IHDR(png, w->info, (png_uint_32)w->image.w, (png_uint_32)w->image.h, 8, type,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(png, 6);
    if (w->n_texts)
        png_set_text(png, w->info, w->texts, w->n_texts);
    png_write_info(png, w->info);
    size_t stride = (size_t)(w->image.w * lim_pixel_bytes(w->format));
    LimImageView row = lim_image_view(w->row, w->image.w, 1, stride, w->format);
    for (int y = 0; y < w->image.h; y++) {
        lim_image_copy(lim_image_sub(w->image, 0, y, w->image.w, 1), 1, row);
        png_write_row(png, w->row);
    }
    png_write_end(png, NULL);
    return true;
}

static LimStatus
check_text(const LimPngText *t, bool *ascii, LimError *err)
{
    size_t key = strlen(t->key), value = strlen(t->value);
    bool good = key >= 1 && key <= 79 && t->key[0] != ' ' && t->key[key - 1] != ' ' &&
                !strstr(t->key, "  ");
    for (size_t i = 0; i < key; i++)
        good = good && t->key[i] >= ' ' && t->key[i] <= '~';
    if (!good)
        return lim_fail(err, LIM_E_PARAM,
                        "the keyword '%.90s' of a PNG text must be 1 to 79 printable ASCII letters "
                        "with single spaces inside",
                        t->key);
    *ascii = true;
    for (size_t i = 0; i < value; i++)
        *ascii = *ascii && (uint8_t)t->value[i] < 0x80;
    if (value > LIM_PNG_TEXT_MAX || !lim_utf8_valid(t->value, value))
        return lim_fail(err, LIM_E_PARAM, "the PNG text '%.79s' must be UTF-8 of at most %zu bytes",
                        t->key, LIM_PNG_TEXT_MAX);
    return LIM_OK;
}

LimStatus
lim_png_encode(LimImageView image, const LimPngText *texts, int n_texts, uint8_t **data,
               size_t *size, LimError *err)
{
    *data = NULL;
    *size = 0;
    Writer w = {.image = image, .n_texts = n_texts};
    w.texts = lim_alloc((size_t)n_texts + 1, sizeof *w.texts);
    LimStatus status = LIM_OK;
    for (int i = 0; i < n_texts && status == LIM_OK; i++) {
        bool ascii = false;
        status = check_text(&texts[i], &ascii, err);
        /* libpng only reads the strings. */
        w.texts[i].key = (char *)(uintptr_t)texts[i].key;
        w.texts[i].text = (char *)(uintptr_t)texts[i].value;
        w.texts[i].compression = ascii ? PNG_TEXT_COMPRESSION_NONE : PNG_ITXT_COMPRESSION_NONE;
    }
    if (status == LIM_OK) {
        w.format = image.format == LIM_PIXEL_GREY8 ? LIM_PIXEL_GREY8
                   : lim_pixel_alpha(image.format) ? LIM_PIXEL_RGBA8
                                                   : LIM_PIXEL_RGB8;
        w.row = lim_alloc((size_t)image.w, (size_t)lim_pixel_bytes(w.format));
        w.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, w.message, on_error, on_warning);
        w.info = w.png ? png_create_info_struct(w.png) : NULL;
        LIM_ASSERT(w.info);
        if (!encode(&w))
            status =
                lim_fail(err, LIM_E_NOMEM, "the picture cannot be written as PNG (%s)", w.message);
        png_destroy_write_struct(&w.png, &w.info);
    }
    free(w.row);
    free(w.texts);
    if (status == LIM_OK) {
        *data = w.data;
        *size = w.size;
    } else {
        free(w.data);
    }
    return status;
}

LimStatus
lim_png_write(const char *path, LimImageView image, const LimPngText *texts, int n_texts,
              LimError *err)
{
    uint8_t *data;
    size_t size;
    LimStatus status = lim_png_encode(image, texts, n_texts, &data, &size, err);
    if (status == LIM_OK)
        status = lim_file_write(path, data, size, err);
    free(data);
    return status;
}
