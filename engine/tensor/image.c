/* Tensors <-> pictures.
 *
 * Every conversion goes through a short run of straight RGBA bytes on the stack: one unpacker and
 * one packer per format, one splitter and one joiner per channel count, instead of a function for
 * each of the pairs. Floats are quantised first and then treated as bytes, so the float and the
 * byte path cannot disagree about colour or alpha. */
#include "tensor/image.h"

#include <stdlib.h>
#include <string.h>

#define RUN       256 /* pixels converted at a time */
#define BYTES_MAX ((size_t)1 << 30)

void
lim_f32_from_u8(const uint8_t *src, size_t n, LimRange range, float *dst)
{
    if (range == LIM_RANGE_UNIT)
        for (size_t i = 0; i < n; i++)
            dst[i] = (float)src[i] / 255.0f;
    else
        for (size_t i = 0; i < n; i++)
            dst[i] = (float)src[i] / 127.5f - 1.0f;
}

/* v in byte units. The comparison with a NaN is false, so NaN takes the 0. Adding 1.5 * 2^23 makes
 * the last place of the sum 1, so the addition itself rounds to nearest even, and the low byte of
 * the sum is the answer: no call, no branch, and it vectorises. */
static inline uint8_t
round_byte(float v)
{
    v = v > 0.0f ? v : 0.0f;
    v = v < 255.0f ? v : 255.0f;
    v += 0x1.8p23f;
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return (uint8_t)bits;
}

void
lim_u8_from_f32(const float *src, size_t n, LimRange range, uint8_t *dst)
{
    if (range == LIM_RANGE_UNIT)
        for (size_t i = 0; i < n; i++)
            dst[i] = round_byte(src[i] * 255.0f);
    else
        for (size_t i = 0; i < n; i++)
            dst[i] = round_byte((src[i] + 1.0f) * 127.5f);
}

int
lim_pixel_bytes(LimPixel format)
{
    return format == LIM_PIXEL_GREY8                              ? 1
           : format == LIM_PIXEL_RGB8 || format == LIM_PIXEL_BGR8 ? 3
                                                                  : 4;
}

bool
lim_pixel_alpha(LimPixel format)
{
    return lim_pixel_bytes(format) == 4 && format != LIM_PIXEL_RGB24;
}

LimImageView
lim_image_view(void *data, int w, int h, size_t stride, LimPixel format)
{
    LIM_ASSERT(data && w >= 1 && h >= 1 && w <= LIM_IMAGE_MAX_SIDE && h <= LIM_IMAGE_MAX_SIDE);
    LIM_ASSERT(stride >= (size_t)(w * lim_pixel_bytes(format)));
    return (LimImageView){data, w, h, stride, format, false};
}

LimImageView
lim_image_view_const(const void *data, int w, int h, size_t stride, LimPixel format)
{
    LimImageView view = lim_image_view((void *)(uintptr_t)data, w, h, stride, format);
    view.read_only = true;
    return view;
}

LimImageView
lim_image_sub(LimImageView view, int x, int y, int w, int h)
{
    LIM_ASSERT(x >= 0 && y >= 0 && w >= 1 && h >= 1 && w <= view.w - x && h <= view.h - y);
    view.data += (size_t)y * view.stride + (size_t)(x * lim_pixel_bytes(view.format));
    view.w = w;
    view.h = h;
    return view;
}

LimImageView
lim_image_alloc(int w, int h, LimPixel format, LimError *err)
{
    LimImageView none = {NULL, 0, 0, 0, format, false};
    if (w < 1 || h < 1 || w > LIM_IMAGE_MAX_SIDE || h > LIM_IMAGE_MAX_SIDE) {
        lim_fail(err, LIM_E_SHAPE, "a picture of %d x %d pixels; both sides must be from 1 to %d",
                 w, h, LIM_IMAGE_MAX_SIDE);
        return none;
    }
    size_t stride = (size_t)(w * lim_pixel_bytes(format)), bytes = stride * (size_t)h;
    uint8_t *data = bytes <= BYTES_MAX ? lim_try_alloc(bytes, 1) : NULL;
    if (!data) {
        lim_fail(err, LIM_E_NOMEM,
                 "not enough memory for a picture of %d x %d pixels; choose a "
                 "smaller one",
                 w, h);
        return none;
    }
    return lim_image_view(data, w, h, stride, format);
}

/* Exact round(c * a / 255): 257 / 65536 is 1 / 255 closely enough for products below 2^16. */
static inline uint8_t
multiply(unsigned c, unsigned a)
{
    unsigned t = c * a + 128;
    return (uint8_t)((t + (t >> 8)) >> 8);
}

static inline uint8_t
divide(unsigned p, unsigned a)
{
    if (a == 0)
        return 0;
    unsigned c = (p * 255 + a / 2) / a;
    return (uint8_t)(c < 255 ? c : 255);
}

typedef uint8_t Rgba[4]; /* straight */

static void
unpremultiply(Rgba *px, int n)
{
    for (int i = 0; i < n; i++)
        if (px[i][3] != 255)
            for (int k = 0; k < 3; k++)
                px[i][k] = divide(px[i][k], px[i][3]);
}

/* n pixels at p, in the given format, to straight RGBA. r, g, b: byte offsets within a pixel. */
static void
unpack_bytes(const uint8_t *p, int bytes, int r, int g, int b, int n, Rgba *px)
{
    for (int i = 0; i < n; i++, p += bytes) {
        px[i][0] = p[r];
        px[i][1] = p[g];
        px[i][2] = p[b];
        px[i][3] = bytes == 4 ? p[3] : 255;
    }
}

static void
unpack_words(const uint8_t *p, bool alpha, int n, Rgba *px)
{
    for (int i = 0; i < n; i++) {
        uint32_t v;
        memcpy(&v, p + 4 * i, 4);
        px[i][0] = (uint8_t)(v >> 16);
        px[i][1] = (uint8_t)(v >> 8);
        px[i][2] = (uint8_t)v;
        px[i][3] = alpha ? (uint8_t)(v >> 24) : 255;
    }
}

static void
unpack(const uint8_t *p, LimPixel format, int n, Rgba *px)
{
    switch (format) {
    case LIM_PIXEL_GREY8:
        unpack_bytes(p, 1, 0, 0, 0, n, px);
        break;
    case LIM_PIXEL_RGB8:
        unpack_bytes(p, 3, 0, 1, 2, n, px);
        break;
    case LIM_PIXEL_BGR8:
        unpack_bytes(p, 3, 2, 1, 0, n, px);
        break;
    case LIM_PIXEL_RGBA8:
    case LIM_PIXEL_RGBA8_PRE:
        unpack_bytes(p, 4, 0, 1, 2, n, px);
        break;
    case LIM_PIXEL_BGRA8:
    case LIM_PIXEL_BGRA8_PRE:
        unpack_bytes(p, 4, 2, 1, 0, n, px);
        break;
    case LIM_PIXEL_ARGB32:
    case LIM_PIXEL_RGB24:
        unpack_words(p, format == LIM_PIXEL_ARGB32, n, px);
        break;
    }
    if (format == LIM_PIXEL_RGBA8_PRE || format == LIM_PIXEL_BGRA8_PRE ||
        format == LIM_PIXEL_ARGB32)
        unpremultiply(px, n);
}

static inline uint8_t
luma(const Rgba px)
{
    return (uint8_t)((299u * px[0] + 587u * px[1] + 114u * px[2] + 500) / 1000);
}

/* Composited on black, or premultiplied: the same arithmetic. alpha is left as it is. */
static void
premultiply(Rgba *px, int n)
{
    for (int i = 0; i < n; i++)
        if (px[i][3] != 255)
            for (int k = 0; k < 3; k++)
                px[i][k] = multiply(px[i][k], px[i][3]);
}

static void
pack_bytes(const Rgba *px, int n, int bytes, int r, int g, int b, uint8_t *p)
{
    for (int i = 0; i < n; i++, p += bytes) {
        p[r] = px[i][0];
        p[g] = px[i][1];
        p[b] = px[i][2];
        if (bytes == 4)
            p[3] = px[i][3];
    }
}

/* px is used up. */
static void
pack(Rgba *px, int n, LimPixel format, uint8_t *p)
{
    if (format != LIM_PIXEL_RGBA8 && format != LIM_PIXEL_BGRA8)
        premultiply(px, n);
    switch (format) {
    case LIM_PIXEL_GREY8:
        for (int i = 0; i < n; i++)
            p[i] = luma(px[i]);
        break;
    case LIM_PIXEL_RGB8:
        pack_bytes(px, n, 3, 0, 1, 2, p);
        break;
    case LIM_PIXEL_BGR8:
        pack_bytes(px, n, 3, 2, 1, 0, p);
        break;
    case LIM_PIXEL_RGBA8:
    case LIM_PIXEL_RGBA8_PRE:
        pack_bytes(px, n, 4, 0, 1, 2, p);
        break;
    case LIM_PIXEL_BGRA8:
    case LIM_PIXEL_BGRA8_PRE:
        pack_bytes(px, n, 4, 2, 1, 0, p);
        break;
    case LIM_PIXEL_ARGB32:
    case LIM_PIXEL_RGB24:
        for (int i = 0; i < n; i++) {
            uint32_t a = format == LIM_PIXEL_RGB24 ? 255 : px[i][3];
            uint32_t v =
                a << 24 | (uint32_t)px[i][0] << 16 | (uint32_t)px[i][1] << 8 | (uint32_t)px[i][2];
            memcpy(p + 4 * i, &v, 4);
        }
        break;
    }
}

/* plane[k] + i for channel k; px is used up. */
static void
split(Rgba *px, int n, int c, uint8_t plane[4][RUN])
{
    if (c < 4)
        premultiply(px, n);
    for (int i = 0; i < n; i++) {
        if (c == 1)
            plane[0][i] = luma(px[i]);
        else
            for (int k = 0; k < c; k++)
                plane[k][i] = px[i][k];
    }
}

static void
join(const uint8_t plane[4][RUN], int n, int c, Rgba *px)
{
    for (int i = 0; i < n; i++) {
        px[i][0] = plane[0][i];
        px[i][1] = plane[c > 1 ? 1 : 0][i];
        px[i][2] = plane[c > 1 ? 2 : 0][i];
        px[i][3] = c == 4 ? plane[3][i] : 255;
    }
}

static uint8_t *
at(LimImageView v, int x, int y)
{
    return v.data + (size_t)y * v.stride + (size_t)(x * lim_pixel_bytes(v.format));
}

static int
run_length(LimImageView v, int x)
{
    return v.w - x < RUN ? v.w - x : RUN;
}

/* Exactly one of u8 and f32 is the destination, [c][h][w]. */
static void
get(LimImageView src, int c, LimRange range, uint8_t *u8, float *f32)
{
    LIM_ASSERT(c == 1 || c == 3 || c == 4);
    size_t size = (size_t)src.h * (size_t)src.w;
    Rgba px[RUN];
    uint8_t plane[4][RUN];
    for (int y = 0; y < src.h; y++)
        for (int x = 0; x < src.w; x += RUN) {
            int n = run_length(src, x);
            size_t to = (size_t)y * (size_t)src.w + (size_t)x;
            unpack(at(src, x, y), src.format, n, px);
            split(px, n, c, plane);
            for (size_t k = 0; k < (size_t)c; k++)
                if (u8)
                    memcpy(u8 + k * size + to, plane[k], (size_t)n);
                else
                    lim_f32_from_u8(plane[k], (size_t)n, range, f32 + k * size + to);
        }
}

static void
put(LimImageView dst, int c, LimRange range, const uint8_t *u8, const float *f32)
{
    LIM_ASSERT((c == 1 || c == 3 || c == 4) && !dst.read_only);
    size_t size = (size_t)dst.h * (size_t)dst.w;
    Rgba px[RUN];
    uint8_t plane[4][RUN];
    for (int y = 0; y < dst.h; y++)
        for (int x = 0; x < dst.w; x += RUN) {
            int n = run_length(dst, x);
            size_t from = (size_t)y * (size_t)dst.w + (size_t)x;
            for (size_t k = 0; k < (size_t)c; k++)
                if (u8)
                    memcpy(plane[k], u8 + k * size + from, (size_t)n);
                else
                    lim_u8_from_f32(f32 + k * size + from, (size_t)n, range, plane[k]);
            join(plane, n, c, px);
            pack(px, n, dst.format, at(dst, x, y));
        }
}

void
lim_image_get_u8(LimImageView src, int c, uint8_t *planes)
{
    get(src, c, LIM_RANGE_UNIT, planes, NULL);
}

void
lim_image_get_f32(LimImageView src, int c, LimRange range, float *planes)
{
    get(src, c, range, NULL, planes);
}

LimTensor *
lim_image_get_tensor(LimImageView src, int c, LimType type, LimRange range)
{
    LIM_ASSERT(type == LIM_U8 || type == LIM_F32);
    LimTensor *t = lim_tensor_new(type, LIM_SHAPE3(c, src.h, src.w));
    if (type == LIM_U8)
        get(src, c, range, lim_tensor_edit(t), NULL);
    else
        get(src, c, range, NULL, lim_tensor_edit(t));
    return t;
}

void
lim_image_put_u8(LimImageView dst, int c, const uint8_t *planes)
{
    put(dst, c, LIM_RANGE_UNIT, planes, NULL);
}

void
lim_image_put_f32(LimImageView dst, int c, LimRange range, const float *planes)
{
    put(dst, c, range, NULL, planes);
}

LimStatus
lim_image_put_tensor(LimImageView dst, const LimTensor *t, LimRange range, LimError *err)
{
    LimShape s = lim_tensor_shape(t);
    LimType type = lim_tensor_type(t);
    char text[64];
    /* Leading dimensions are absent or, for the batch, one. */
    int c = s.nd >= 3 ? s.d[s.nd - 3] : 1;
    if (s.nd < 2 || (s.nd == 4 && s.d[0] != 1) || (c != 1 && c != 3 && c != 4) ||
        s.d[s.nd - 2] != dst.h || s.d[s.nd - 1] != dst.w || (type != LIM_U8 && type != LIM_F32))
        return lim_fail(err, LIM_E_SHAPE,
                        "a tensor of %s is no picture of %d x %d pixels; it must be "
                        "[c][h][w] of floats or bytes with 1, 3 or 4 channels",
                        lim_shape_text(s, text), dst.w, dst.h);
    if (type == LIM_U8)
        put(dst, c, range, lim_tensor_data(t), NULL);
    else
        put(dst, c, range, NULL, lim_tensor_f32(t));
    return LIM_OK;
}

void
lim_image_copy(LimImageView src, int scale, LimImageView dst)
{
    LIM_ASSERT(scale >= 1 && !dst.read_only);
    LIM_ASSERT((int64_t)src.w * scale == dst.w && (int64_t)src.h * scale == dst.h);
    Rgba px[RUN], wide[RUN];
    for (int y = 0; y < src.h; y++) {
        for (int x = 0; x < src.w; x += RUN) {
            int n = run_length(src, x);
            unpack(at(src, x, y), src.format, n, px);
            for (int i = 0; i < n * scale; i += RUN) {
                int m = n * scale - i < RUN ? n * scale - i : RUN;
                for (int k = 0; k < m; k++)
                    memcpy(wide[k], px[(i + k) / scale], 4);
                pack(wide, m, dst.format, at(dst, x * scale + i, y * scale));
            }
        }
        for (int k = 1; k < scale; k++)
            memcpy(at(dst, 0, y * scale + k), at(dst, 0, y * scale),
                   (size_t)(dst.w * lim_pixel_bytes(dst.format)));
    }
}

void
lim_image_fill(LimImageView dst, const uint8_t rgba[4])
{
    LIM_ASSERT(!dst.read_only);
    Rgba px[RUN];
    for (int y = 0; y < dst.h; y++)
        for (int x = 0; x < dst.w; x += RUN) {
            int n = run_length(dst, x);
            for (int i = 0; i < n; i++)
                memcpy(px[i], rgba, 4);
            pack(px, n, dst.format, at(dst, x, y));
        }
}

static int
sheet_columns(const LimSheet *s)
{
    int columns = s->columns;
    if (columns == 0)
        while ((int64_t)columns * columns < s->n)
            columns++;
    return columns < s->n ? columns : s->n;
}

LimStatus
lim_sheet_size(const LimSheet *s, int *w, int *h, LimError *err)
{
    *w = *h = 0;
    if (s->n < 1 || s->h < 1 || s->w < 1 || (s->c != 1 && s->c != 3 && s->c != 4))
        return lim_fail(err, LIM_E_SHAPE,
                        "a batch of %dx%dx%dx%d makes no sheet; it needs at least "
                        "one picture and 1, 3 or 4 channels",
                        s->n, s->c, s->h, s->w);
    if (s->columns < 0 || s->gap < 0 || s->scale < 1)
        return lim_fail(err, LIM_E_PARAM,
                        "a sheet with %d columns, gap %d and scale %d; columns and "
                        "gap must be at least 0, the scale at least 1",
                        s->columns, s->gap, s->scale);
    int64_t columns = sheet_columns(s), rows = (s->n + columns - 1) / columns;
    /* Each factor is below 2^31, so one at a time is kept small before the next is applied. */
    int64_t tile_w = (int64_t)s->w * s->scale, tile_h = (int64_t)s->h * s->scale;
    int64_t most = LIM_IMAGE_MAX_SIDE;
    int64_t width = tile_w > most ? tile_w : columns * tile_w + (columns - 1) * s->gap;
    int64_t height = tile_h > most ? tile_h : rows * tile_h + (rows - 1) * s->gap;
    if (width > most || height > most)
        return lim_fail(err, LIM_E_SHAPE,
                        "the sheet would have %lld x %lld pixels, at most %lld each "
                        "way are possible; use fewer pictures, more columns or a smaller scale",
                        (long long)width, (long long)height, (long long)most);
    *w = (int)width;
    *h = (int)height;
    return LIM_OK;
}

void
lim_sheet_draw(const LimSheet *s, const float *batch, LimRange range, LimImageView dst)
{
    int w, h;
    LIM_ASSERT(lim_sheet_size(s, &w, &h, NULL) == LIM_OK && w == dst.w && h == dst.h);
    int columns = sheet_columns(s), tile_w = s->w * s->scale, tile_h = s->h * s->scale;
    size_t picture = (size_t)s->c * (size_t)s->h * (size_t)s->w;
    /* One tile at its own size; RGBA holds every channel count without loss. */
    size_t stride = (size_t)s->w * 4;
    uint8_t *pixels = lim_alloc((size_t)s->h, stride);
    LimImageView tile = lim_image_view(pixels, s->w, s->h, stride, LIM_PIXEL_RGBA8);
    lim_image_fill(dst, s->background);
    for (int i = 0; i < s->n; i++) {
        lim_image_put_f32(tile, s->c, range, batch + (size_t)i * picture);
        LimImageView place = lim_image_sub(dst, i % columns * (tile_w + s->gap),
                                           i / columns * (tile_h + s->gap), tile_w, tile_h);
        lim_image_copy(tile, s->scale, place);
    }
    free(pixels);
}
