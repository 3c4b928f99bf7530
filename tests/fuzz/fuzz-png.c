/* Sound PNG files, and damaged ones made whole again but for what they hold. */
#include "fuzz.h"

#include <png.h>
#include <string.h>
#include <zlib.h>

static void
png_append(png_structp png, png_bytep data, size_t size)
{
    g_byte_array_append(png_get_io_ptr(png), data, (guint)size);
}

static void
png_no_flush(png_structp png)
{
}

void
fuzz_png_grey(GPtrArray *seeds, int w, int h, const guint8 *pixels)
{
    GByteArray *out = g_byte_array_new();
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_set_write_fn(png, out, png_append, png_no_flush);
    png_set_compression_level(png, 0);
    png_set_IHDR(png, info, (guint32)w, (guint32)h, 8, PNG_COLOR_TYPE_GRAY, 0, 0, 0);
    png_write_info(png, info);
    for (int y = 0; y < h; y++)
        png_write_row(png, pixels + y * w);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    g_ptr_array_add(seeds, out);
}

static void
png_seed(GPtrArray *seeds, int type, int depth, bool interlaced, int level)
{
    enum { W = 9, H = 7 };
    GByteArray *out = g_byte_array_new();
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_set_write_fn(png, out, png_append, png_no_flush);
    png_set_compression_level(png, level); /* 0: the samples lie open to mutations */
    png_set_IHDR(png, info, W, H, depth, type, interlaced ? PNG_INTERLACE_ADAM7 : 0, 0, 0);
    png_color colours[16] = {{1, 2, 3}, {40, 50, 60}};
    png_byte alpha[3] = {0, 100, 200};
    png_color_16 key = {.gray = 1, .red = 1, .green = 2, .blue = 3};
    if (type == PNG_COLOR_TYPE_PALETTE) {
        png_set_PLTE(png, info, colours, 1 << depth);
        png_set_tRNS(png, info, alpha, 2, NULL);
    } else if (!(type & PNG_COLOR_MASK_ALPHA)) {
        png_set_tRNS(png, info, NULL, 0, &key);
    }
    png_text texts[3] = {
        {.compression = PNG_TEXT_COMPRESSION_NONE, .key = (char *)"a", .text = (char *)"Andr\xe9"},
        {.compression = PNG_TEXT_COMPRESSION_zTXt, .key = (char *)"b", .text = (char *)"zzzzzzzzz"},
        {.compression = PNG_ITXT_COMPRESSION_zTXt, .key = (char *)"c", .text = (char *)"\xc3\xa4"},
    };
    texts[2].lang = texts[2].lang_key = (char *)"de";
    png_set_text(png, info, texts, 3);
    png_set_gAMA(png, info, 0.5);
    png_write_info(png, info);
    png_set_interlace_handling(png);
    png_bytep rows[H];
    for (int y = 0; y < H; y++) {
        rows[y] = g_malloc(W * 8);
        for (int i = 0; i < W * 8; i++)
            rows[y][i] = (png_byte)(type == PNG_COLOR_TYPE_PALETTE ? 0x11 : i * 31 + y * 77);
    }
    png_write_image(png, rows);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    for (int y = 0; y < H; y++)
        g_free(rows[y]);
    g_ptr_array_add(seeds, out);
}

void
fuzz_png_seeds(GPtrArray *seeds)
{
    png_seed(seeds, PNG_COLOR_TYPE_GRAY, 8, false, 0);
    png_seed(seeds, PNG_COLOR_TYPE_GRAY, 1, true, 9);
    png_seed(seeds, PNG_COLOR_TYPE_GRAY, 16, false, 9);
    png_seed(seeds, PNG_COLOR_TYPE_GRAY_ALPHA, 8, true, 0);
    png_seed(seeds, PNG_COLOR_TYPE_PALETTE, 4, false, 0);
    png_seed(seeds, PNG_COLOR_TYPE_PALETTE, 2, true, 9);
    png_seed(seeds, PNG_COLOR_TYPE_RGB, 8, false, 9);
    png_seed(seeds, PNG_COLOR_TYPE_RGB, 16, true, 0);
    png_seed(seeds, PNG_COLOR_TYPE_RGB_ALPHA, 8, false, 0);
    png_seed(seeds, PNG_COLOR_TYPE_RGB_ALPHA, 16, true, 9);
}

/* Where the chunk that starts at `at` ends: where the next known name has its length field, or -1.
 */
static gssize
png_chunk_end(const GByteArray *f, size_t at)
{
    static const char names[] = "IHDRPLTEtRNSIDATIENDtEXtzTXtiTXtgAMA";
    for (size_t next = at + 12; next + 8 <= f->len; next++)
        for (size_t k = 0; k < sizeof names - 1; k += 4)
            if (memcmp(f->data + next + 4, names + k, 4) == 0)
                return (gssize)next;
    return -1;
}

/* The checksum behind the pixels, where they are all in this one chunk. */
static void
repair_pixels(guint8 *data, size_t n)
{
    z_stream z = {0};
    guint8 out[4096];
    if (n < 6)
        return;
    z.next_in = data + 2;
    z.avail_in = (uInt)n - 2;
    z.next_out = out;
    z.avail_out = sizeof out;
    g_assert_cmpint(inflateInit2(&z, -15), ==, Z_OK);
    if (inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_in >= 4) {
        const guint32 sum = GUINT32_TO_BE((guint32)adler32(1, out, (uInt)z.total_out));
        memcpy(z.next_in, &sum, 4);
    }
    inflateEnd(&z);
}

/* Length and checksum of every chunk, and an end: whatever was cut, moved or put between, the
 * reader meets a file of whole chunks, so that it is their contents and order that are wrong. */
void
fuzz_repair_png(GByteArray *f)
{
    static const guint8 iend[12] = {0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82};
    static const guint8 signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    if (f->len < 20)
        return;
    memcpy(f->data, signature, 8);
    for (size_t at = 8; at + 12 <= f->len;) {
        gssize end = png_chunk_end(f, at);
        if (end < 0) {
            if (memcmp(f->data + at + 4, "IEND", 4) == 0)
                g_byte_array_set_size(f, (guint)at);
            g_byte_array_append(f, iend, sizeof iend);
            end = (gssize)f->len - (gssize)sizeof iend;
            if ((size_t)end == at)
                return;
        }
        guint32 length = GUINT32_TO_BE((guint32)((size_t)end - at - 12));
        memcpy(f->data + at, &length, 4);
        if (memcmp(f->data + at + 4, "IDAT", 4) == 0)
            repair_pixels(f->data + at + 8, (size_t)end - at - 12);
        guint32 crc =
            GUINT32_TO_BE((guint32)crc32(0, f->data + at + 4, (uInt)((size_t)end - at - 8)));
        memcpy(f->data + (size_t)end - 4, &crc, 4);
        at = (size_t)end;
    }
}
