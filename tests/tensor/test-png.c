/* PNG: every colour type and depth, interlaced or not, to every channel count; texts; refusals. The
 * files to read are written here with libpng directly, and the values expected are computed from
 * the samples that went in. */
#include "tensor/png.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <png.h>
#include <zlib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static void
append(png_structp png, png_bytep data, size_t size)
{
    g_byte_array_append(png_get_io_ptr(png), data, (guint)size);
}

static void
no_flush(png_structp png)
{
}

typedef struct Kind {
    int type, depth;
    bool interlaced, transparent; /* transparent: a tRNS chunk */
} Kind;

static unsigned
sample(int x, int y, int c, int depth)
{
    unsigned v = (unsigned)(x * 2654435 + y * 40503 + c * 977 + x * y * 131);
    v ^= v >> 7;
    return v & ((1u << depth) - 1);
}

static png_color
palette_colour(unsigned i)
{
    return (png_color){(uint8_t)(i * 13 + 5), (uint8_t)(255 - i * 7), (uint8_t)(i * 31)};
}

static int
kind_samples(int type)
{
    return type == PNG_COLOR_TYPE_RGB          ? 3
           : type == PNG_COLOR_TYPE_RGB_ALPHA  ? 4
           : type == PNG_COLOR_TYPE_GRAY_ALPHA ? 2
                                               : 1;
}

/* before and after: hooks to add chunks (may be NULL). */
static GByteArray *
make_png(Kind k, int w, int h, void (*before)(png_structp, png_infop))
{
    GByteArray *out = g_byte_array_new();
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_set_write_fn(png, out, append, no_flush);
    png_set_IHDR(png, info, (png_uint_32)w, (png_uint_32)h, k.depth, k.type,
                 k.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, 0, 0);
    if (k.type == PNG_COLOR_TYPE_PALETTE) {
        png_color colours[256];
        png_byte alpha[2] = {0, 100};
        for (unsigned i = 0; i < 1u << k.depth; i++)
            colours[i] = palette_colour(i);
        png_set_PLTE(png, info, colours, 1 << k.depth);
        if (k.transparent)
            png_set_tRNS(png, info, alpha, 2, NULL);
    } else if (k.transparent) { /* the colour of the first pixel */
        png_color_16 c = {0};
        c.gray = (png_uint_16)sample(0, 0, 0, k.depth);
        c.red = (png_uint_16)sample(0, 0, 0, k.depth);
        c.green = (png_uint_16)sample(0, 0, 1, k.depth);
        c.blue = (png_uint_16)sample(0, 0, 2, k.depth);
        png_set_tRNS(png, info, NULL, 0, &c);
    }
    if (before)
        before(png, info);
    png_write_info(png, info);
    if (k.depth < 8)
        png_set_packing(png); /* one sample a byte here */
    int n = kind_samples(k.type), bytes = k.depth == 16 ? 2 : 1;
    g_autofree png_bytep row = g_malloc((size_t)(w * n * bytes));
    int passes = png_set_interlace_handling(png);
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < h; y++) {
            for (int i = 0; i < w * n; i++) {
                unsigned v = sample(i / n, y, i % n, k.depth);
                if (bytes == 2) {
                    row[2 * i] = (png_byte)(v >> 8);
                    row[2 * i + 1] = (png_byte)v;
                } else {
                    row[i] = (png_byte)v;
                }
            }
            png_write_row(png, row);
        }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return out;
}

/* Straight RGBA of pixel x, y as 8 bits. */
static void
expected_pixel(Kind k, int x, int y, uint8_t rgba[4])
{
    unsigned most = (1u << k.depth) - 1, s[4];
    int n = kind_samples(k.type);
    bool keyed = true;
    for (int c = 0; c < n; c++) {
        s[c] = sample(x, y, c, k.depth);
        keyed = keyed && s[c] == sample(0, 0, c, k.depth);
        rgba[c] = (uint8_t)((s[c] * 255 + most / 2) / most);
    }
    if (k.type == PNG_COLOR_TYPE_PALETTE) {
        png_color c = palette_colour(s[0]);
        rgba[0] = c.red, rgba[1] = c.green, rgba[2] = c.blue;
        rgba[3] = k.transparent && s[0] < 2 ? (s[0] ? 100 : 0) : 255;
    } else {
        if (n == 2)
            rgba[3] = rgba[1];
        if (n <= 2)
            rgba[1] = rgba[2] = rgba[0];
        if (n == 1 || n == 3)
            rgba[3] = k.transparent && keyed ? 0 : 255;
    }
}

static void
test_kinds(void)
{
    static const struct {
        int type, depths[5];
    } types[] = {
        {PNG_COLOR_TYPE_GRAY, {1, 2, 4, 8, 16}}, {PNG_COLOR_TYPE_PALETTE, {1, 2, 4, 8}},
        {PNG_COLOR_TYPE_GRAY_ALPHA, {8, 16}},    {PNG_COLOR_TYPE_RGB, {8, 16}},
        {PNG_COLOR_TYPE_RGB_ALPHA, {8, 16}},
    };
    enum { W = 13, H = 9 };
    for (size_t t = 0; t < G_N_ELEMENTS(types); t++)
        for (int d = 0; d < 5 && types[t].depths[d]; d++)
            for (int flags = 0; flags < 4; flags++) {
                Kind k = {types[t].type, types[t].depths[d], flags & 1, flags & 2};
                if (k.transparent && k.type & PNG_COLOR_MASK_ALPHA)
                    continue;
                g_autoptr(GByteArray) file = make_png(k, W, H, NULL);
                bool alpha = k.transparent || k.type & PNG_COLOR_MASK_ALPHA;
                bool colour = k.type & PNG_COLOR_MASK_COLOR;
                uint8_t straight[W * H * 4];
                for (int y = 0; y < H; y++)
                    for (int x = 0; x < W; x++)
                        expected_pixel(k, x, y, straight + (y * W + x) * 4);
                LimImageView want = lim_image_view(straight, W, H, W * 4, LIM_PIXEL_RGBA8);
                static const int counts[] = {0, 1, 3, 4};
                for (size_t i = 0; i < G_N_ELEMENTS(counts); i++) {
                    LimError err = LIM_ERROR_INIT;
                    LimPng *png = lim_png_parse(file->data, file->len, "t.png", counts[i], &err);
                    g_assert_cmpstr(err.text, ==, "");
                    g_assert_nonnull(png);
                    int c = counts[i] ? counts[i] : alpha ? 4 : colour ? 3 : 1;
                    g_assert_cmpint(png->image.format, ==,
                                    c == 1   ? LIM_PIXEL_GREY8
                                    : c == 3 ? LIM_PIXEL_RGB8
                                             : LIM_PIXEL_RGBA8);
                    g_assert_cmpint(png->depth, ==, k.depth);
                    g_assert_cmpint(png->channels, ==, (colour ? 3 : 1) + alpha);
                    uint8_t a[W * H * 4], b[W * H * 4];
                    lim_image_get_u8(want, c, a);
                    lim_image_get_u8(png->image, c, b);
                    g_assert_cmpmem(b, (size_t)(c * W * H), a, (size_t)(c * W * H));
                    lim_png_free(png);
                }
            }
}

static void
add_gamma(png_structp png, png_infop info)
{
    png_set_gAMA(png, info, 1.0);
}

/* The stored bytes, whatever the file says about gamma. */
static void
test_gamma(void)
{
    Kind k = {PNG_COLOR_TYPE_GRAY, 8, false, false};
    g_autoptr(GByteArray) plain = make_png(k, 5, 5, NULL), gamma = make_png(k, 5, 5, add_gamma);
    g_assert_cmpuint(gamma->len, >, plain->len);
    LimPng *a = lim_png_parse(plain->data, plain->len, "a", 0, NULL);
    LimPng *b = lim_png_parse(gamma->data, gamma->len, "b", 0, NULL);
    g_assert_cmpmem(a->image.data, 25, b->image.data, 25);
    lim_png_free(a);
    lim_png_free(b);
}

static void
test_write(void)
{
    g_autofree char *folder = g_dir_make_tmp("limen-png-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "a.png", NULL);
    enum { W = 11, H = 4, STRIDE = 50 };
    for (LimPixel f = 0; f <= LIM_PIXEL_RGB24; f++) {
        uint8_t bytes[H * STRIDE];
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)(i * 41 % 256);
        LimImageView v = lim_image_view_const(bytes, W, H, STRIDE, f);
        LimError err = LIM_ERROR_INIT;
        g_assert_cmpint(lim_png_write(path, v, NULL, 0, &err), ==, LIM_OK);
        g_autofree char *first = NULL, *second = NULL;
        gsize n1, n2;
        g_assert_true(g_file_get_contents(path, &first, &n1, NULL));
        /* Padding behind the rows does not reach the file; the same picture gives the same file. */
        for (int y = 0; y < H; y++)
            for (int x = W * lim_pixel_bytes(f); x < STRIDE; x++)
                bytes[y * STRIDE + x] = 0;
        g_assert_cmpint(lim_png_write(path, v, NULL, 0, &err), ==, LIM_OK);
        g_assert_true(g_file_get_contents(path, &second, &n2, NULL));
        g_assert_cmpmem(first, n1, second, n2);
        LimPng *png = lim_png_read(path, 0, &err);
        g_assert_nonnull(png);
        int c = f == LIM_PIXEL_GREY8 ? 1 : lim_pixel_alpha(f) ? 4 : 3;
        g_assert_cmpint(png->channels, ==, c);
        g_assert_cmpint(png->depth, ==, 8);
        g_assert_cmpint(png->n_texts, ==, 0);
        uint8_t a[4 * W * H], b[4 * W * H];
        lim_image_get_u8(v, c, a);
        lim_image_get_u8(png->image, c, b);
        g_assert_cmpmem(a, (size_t)(c * W * H), b, (size_t)(c * W * H));
        lim_png_free(png);
    }
    g_unlink(path);
    LimError err = LIM_ERROR_INIT;
    g_assert_null(lim_png_read(path, 0, &err));
    g_assert_cmpint(err.code, ==, LIM_E_IO);
    g_rmdir(folder);
}

static void
test_texts(void)
{
    uint8_t pixel = 7;
    LimImageView v = lim_image_view(&pixel, 1, 1, 1, LIM_PIXEL_GREY8);
    g_autofree char *large = g_strnfill(LIM_PNG_TEXT_MAX, 'x');
    g_autofree char *wide = g_strconcat("\xe2\x82\xac", large, NULL);
    wide[LIM_PNG_TEXT_MAX] = 0;
    const LimPngText texts[] = {
        {"Software", "limen"},
        {"session", "{\"seed\": 7,\n\t\"name\": \"na\xc3\xafve \xe2\x82\xac\"}\n"},
        {"empty", ""},
        {"session", "the second of one key"},
        {"a b~!", "keyword with everything"},
        {"large", large},
        {"wide", wide},
    };
    uint8_t *data;
    size_t size;
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(lim_png_encode(v, texts, G_N_ELEMENTS(texts), &data, &size, &err), ==, LIM_OK);
    LimPng *png = lim_png_parse(data, size, "t.png", 0, &err);
    g_assert_nonnull(png);
    g_assert_cmpint(png->n_texts, ==, G_N_ELEMENTS(texts));
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_assert_cmpstr(png->texts[i].key, ==, texts[i].key);
        g_assert_true(g_str_equal(png->texts[i].value, texts[i].value));
    }
    g_assert_cmpstr(lim_png_text(png, "session"), ==, texts[1].value);
    g_assert_null(lim_png_text(png, "gone"));
    g_assert_cmpint(png->image.data[0], ==, 7);
    lim_png_free(png);
    free(data);

    g_autofree char *long_key = g_strnfill(80, 'k');
    g_autofree char *longer = g_strconcat(large, "x", NULL);
    const LimPngText bad[] = {
        {"", "x"},     {long_key, "x"},   {" a", "x"},   {"a ", "x"},   {"a  b", "x"},
        {"a\nb", "x"}, {"\xc3\xa9", "x"}, {"a", "\xff"}, {"a", longer},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        err = (LimError)LIM_ERROR_INIT;
        LimPngText two[2] = {{"fine", "fine"}, bad[i]};
        g_assert_cmpint(lim_png_encode(v, two, 2, &data, &size, &err), ==, LIM_E_PARAM);
        g_assert_cmpint(err.code, ==, LIM_E_PARAM);
        g_assert_null(data);
    }
}

/* Not periodic, so that text written over itself is not by chance the same. */
static guint8
wide_letter(int i)
{
    return (guint8)(0xa0 + (i * 7 + i / 96 * 5 + i / 1000) % 96);
}

/* Nothing but letters that take two bytes in UTF-8, so long that a buffer of half the size shows.
 */
static void
add_wide_text(png_structp png, png_infop info)
{
    char text[5001];
    for (int i = 0; i < 5000; i++)
        text[i] = (char)wide_letter(i);
    text[5000] = 0;
    png_text t[2] = {
        {.compression = PNG_TEXT_COMPRESSION_NONE, .key = (char *)"wide", .text = text},
        {.compression = PNG_TEXT_COMPRESSION_NONE, .key = (char *)"next", .text = text},
    };
    png_set_text(png, info, t, 2);
}

static void
test_wide_text(void)
{
    g_autoptr(GByteArray) file =
        make_png((Kind){PNG_COLOR_TYPE_GRAY, 8, false, false}, 2, 2, add_wide_text);
    LimPng *png = lim_png_parse(file->data, file->len, "t.png", 0, NULL);
    g_assert_cmpint(png->n_texts, ==, 2);
    for (int i = 0; i < 2; i++) {
        g_assert_cmpuint(strlen(png->texts[i].value), ==, 10000);
        for (int k = 0; k < 5000; k++) {
            const guint8 *p = (const guint8 *)png->texts[i].value + 2 * k;
            g_assert_cmphex((p[0] & 0x1f) << 6 | (p[1] & 0x3f), ==, wide_letter(k));
        }
    }
    lim_png_free(png);
}

static void
add_foreign_texts(png_structp png, png_infop info)
{
    png_text t[4] = {
        {.compression = PNG_TEXT_COMPRESSION_NONE,
         .key = (char *)"Author",
         .text = (char *)"Andr\xe9"},
        {.compression = PNG_TEXT_COMPRESSION_zTXt,
         .key = (char *)"Comment",
         .text = (char *)"z\xfc\x1b"},
        {.compression = PNG_ITXT_COMPRESSION_zTXt,
         .key = (char *)"Titel",
         .text = (char *)"\xc3\xa4\r\n"},
        {.compression = PNG_ITXT_COMPRESSION_NONE,
         .key = (char *)"Bad",
         .text = (char *)"a\xff\xc3"},
    };
    for (int i = 0; i < 4; i++) {
        t[i].lang = (char *)"de";
        t[i].lang_key = (char *)"key";
    }
    png_set_text(png, info, t, 4);
}

static void
test_foreign_texts(void)
{
    g_autoptr(GByteArray) file =
        make_png((Kind){PNG_COLOR_TYPE_GRAY, 8, false, false}, 2, 2, add_foreign_texts);
    LimPng *png = lim_png_parse(file->data, file->len, "t.png", 0, NULL);
    g_assert_nonnull(png);
    g_assert_cmpstr(lim_png_text(png, "Author"), ==, "Andr\xc3\xa9"); /* tEXt is Latin-1 */
    g_assert_cmpstr(lim_png_text(png, "Comment"), ==, "z\xc3\xbc?");
    g_assert_cmpstr(lim_png_text(png, "Titel"), ==, "\xc3\xa4\r\n");
    g_assert_cmpstr(lim_png_text(png, "Bad"), ==, "a\?\?");
    lim_png_free(png);
}

static guint
chunk_length(const GByteArray *file, guint chunk)
{
    guint32 length; /* chunks are not aligned */
    memcpy(&length, file->data + chunk, 4);
    return GUINT32_FROM_BE(length);
}

static void
fix_crc(GByteArray *file, guint chunk)
{
    guint length = chunk_length(file, chunk);
    guint32 crc = GUINT32_TO_BE(crc32(0, file->data + chunk + 4, length + 4));
    memcpy(file->data + chunk + 8 + length, &crc, 4);
}

static void
refused(const uint8_t *data, size_t size, const char *says)
{
    LimError err = LIM_ERROR_INIT;
    g_assert_null(lim_png_parse(data, size, "t.png", 0, &err));
    g_test_message("%s", err.text);
    g_assert_cmpint(err.code, ==, LIM_E_FORMAT);
    g_assert_true(g_str_has_prefix(err.text, "t.png "));
    g_assert_nonnull(strstr(err.text, says));
}

static void
test_refusals(void)
{
    g_autoptr(GByteArray) file =
        make_png((Kind){PNG_COLOR_TYPE_RGB, 8, false, false}, 5, 5, add_foreign_texts);
    refused((const uint8_t *)"GIF89a..........", 16, "not a PNG");
    for (guint n = 0; n < file->len; n++)
        refused(file->data, n, n < 8 ? "not a PNG" : "damaged");

    /* A text that claims almost 2 GiB must not cost that much memory. */
    g_autoptr(GByteArray) claim = g_byte_array_new();
    g_byte_array_append(claim, file->data, file->len);
    guint text = 8 + 25; /* behind IHDR */
    g_assert_cmpmem(claim->data + text + 4, 4, "tEXt", 4);
    claim->data[text] = 0x7f;
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    refused(claim->data, claim->len, "cut short");
    getrusage(RUSAGE_SELF, &after);
    g_assert_cmpint(after.ru_maxrss - before.ru_maxrss, <, 256 << 10); /* KiB */

    /* IHDR is the first chunk, at 8: width at 16, height at 20. */
    static const struct {
        uint8_t w[4], h[4];
        const char *says;
    } sizes[] = {
        {{0, 0, 0, 0}, {0, 0, 0, 5}, "damaged"},
        {{0, 0, 128, 0}, {0, 0, 0, 5}, "damaged"}, /* 32768 */
        {{255, 255, 255, 255}, {0, 0, 0, 5}, "damaged"},
        {{0, 0, 127, 255}, {0, 0, 127, 255}, "32767 x 32767 pixels"},
        {{0, 0, 31, 255}, {0, 0, 31, 255}, "too short"},
        {{0, 0, 0, 5}, {0, 0, 0, 6}, "damaged"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        memcpy(file->data + 16, sizes[i].w, 4);
        memcpy(file->data + 20, sizes[i].h, 4);
        fix_crc(file, 8);
        refused(file->data, file->len, sizes[i].says);
    }
}

/* A palette behind the transparent colour of an RGB file: libpng forgets the colour but not the
 * flag. Whether such a file is read or refused matters less than that it does not end the program.
 */
static void
test_palette_after_transparency(void)
{
    static const guint8 palette[15] = {0, 0, 0, 3, 'P', 'L', 'T', 'E', 1, 2, 3};
    const Kind kinds[] = {{PNG_COLOR_TYPE_RGB, 8, false, true},
                          {PNG_COLOR_TYPE_GRAY, 8, false, true}};
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autoptr(GByteArray) plain = make_png(kinds[i], 5, 5, NULL), file = g_byte_array_new();
        guint at = 8;
        while (memcmp(plain->data + at + 4, "IDAT", 4) != 0)
            at += 12 + chunk_length(plain, at);
        g_byte_array_append(file, plain->data, at);
        g_byte_array_append(file, palette, sizeof palette);
        g_byte_array_append(file, plain->data + at, plain->len - at);
        fix_crc(file, at);
        LimError err = LIM_ERROR_INIT;
        LimPng *png = lim_png_parse(file->data, file->len, "t.png", 0, &err);
        g_assert_true((png == NULL) == (err.code != LIM_OK));
        if (png && kinds[i].type == PNG_COLOR_TYPE_RGB) {
            g_assert_cmpint(png->image.format, ==, LIM_PIXEL_RGB8);
            for (int y = 0; y < 5; y++)
                for (int x = 0; x < 5; x++) {
                    uint8_t want[4];
                    expected_pixel(kinds[i], x, y, want);
                    g_assert_cmpmem(png->image.data + (y * 5 + x) * 3, 3, want, 3);
                }
        }
        lim_png_free(png);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/png/kinds", test_kinds);
    g_test_add_func("/png/gamma", test_gamma);
    g_test_add_func("/png/write", test_write);
    g_test_add_func("/png/texts", test_texts);
    g_test_add_func("/png/foreign-texts", test_foreign_texts);
    g_test_add_func("/png/wide-text", test_wide_text);
    g_test_add_func("/png/refusals", test_refusals);
    g_test_add_func("/png/palette-after-transparency", test_palette_after_transparency);
    return g_test_run();
}
