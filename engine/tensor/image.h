/* Tensors <-> pictures.
 *
 * Networks want planes, [c][h][w], as floats; windows and files want interleaved bytes whose rows
 * may be padded. Three things go wrong between them: the order of channels and axes, the distance
 * between rows, and who owns the memory. Here
 *   - a LimImageView names format and stride, so padded rows and sub-rectangles are the normal
 * case;
 *   - a view borrows and never frees; every conversion copies, so afterwards neither side needs the
 *     other to stay alive;
 *   - floats are rounded to the nearest byte, never truncated.
 *
 * Colour and alpha. Grey from colour is Rec. 601 luma, (299 R + 587 G + 114 B) / 1000, which leaves
 * grey pixels as they are; colour from grey repeats it. Where alpha meets a format or a channel
 * count without it, the picture is composited on black; where it is missing it is 255.
 * Premultiplying is round(c * a / 255); the way back is min(255, round(p * 255 / a)), and 0 where a
 * is 0. So premultiplied -> straight -> premultiplied is exact, straight -> premultiplied ->
 * straight is not. */
#pragma once

#include "tensor/tensor.h"

/* What floats stand for: UNIT v = byte / 255 in [0,1]; SIGNED v = byte / 127.5 - 1 in [-1,1].
 * Back: clamped to the range, rounded to nearest (ties to even), NaN becomes 0. Every one of the
 * 256 bytes survives the way there and back in both ranges. */
typedef enum LimRange { LIM_RANGE_UNIT, LIM_RANGE_SIGNED } LimRange;

void lim_f32_from_u8(const uint8_t *src, size_t n, LimRange range, float *dst);
void lim_u8_from_f32(const float *src, size_t n, LimRange range, uint8_t *dst);

/* Bytes in memory order, except for Cairo's two, which are native-endian 32-bit words. */
typedef enum LimPixel {
    LIM_PIXEL_GREY8,
    LIM_PIXEL_RGB8,      /* GDK_MEMORY_R8G8B8 */
    LIM_PIXEL_BGR8,      /* GDK_MEMORY_B8G8R8 */
    LIM_PIXEL_RGBA8,     /* GDK_MEMORY_R8G8B8A8, PNG: straight alpha */
    LIM_PIXEL_BGRA8,     /* GDK_MEMORY_B8G8R8A8: straight alpha */
    LIM_PIXEL_RGBA8_PRE, /* GDK_MEMORY_R8G8B8A8_PREMULTIPLIED */
    LIM_PIXEL_BGRA8_PRE, /* GDK_MEMORY_B8G8R8A8_PREMULTIPLIED */
    LIM_PIXEL_ARGB32,    /* CAIRO_FORMAT_ARGB32: 0xAARRGGBB, premultiplied */
    LIM_PIXEL_RGB24      /* CAIRO_FORMAT_RGB24: 0xxxRRGGBB; x is ignored, and written as 255 */
} LimPixel;

int lim_pixel_bytes(LimPixel format);  /* per pixel: 1, 3 or 4 */
bool lim_pixel_alpha(LimPixel format); /* straight or premultiplied */

#define LIM_IMAGE_MAX_SIDE 32767 /* Cairo's limit */

/* Somebody else's pixels: valid as long as that owner keeps them. Passed by value. */
typedef struct LimImageView {
    uint8_t *data; /* top left pixel */
    int w, h;      /* pixels; both at least 1 */
    size_t stride; /* bytes from one row to the next, at least w * lim_pixel_bytes(format) */
    LimPixel format;
    bool read_only; /* writing through it is a bug (asserted) */
} LimImageView;

/* Sizes and stride that do not fit are bugs (asserted); check outside sizes first. */
LimImageView lim_image_view(void *data, int w, int h, size_t stride, LimPixel format);
LimImageView lim_image_view_const(const void *data, int w, int h, size_t stride, LimPixel format);
/* The rectangle inside view (asserted) with its top left pixel at x, y: same memory, same owner. */
LimImageView lim_image_sub(LimImageView view, int x, int y, int w, int h);
/* A view of new zeroed memory without padding between rows; the caller ends it with
 * free(view.data). data is NULL on error (side outside 1..LIM_IMAGE_MAX_SIDE, or memory). */
LimImageView lim_image_alloc(int w, int h, LimPixel format, LimError *err);

/* Picture -> planes [c][h][w], c = 1 (grey), 3 (R, G, B) or 4 (R, G, B, straight A). */
void lim_image_get_u8(LimImageView src, int c, uint8_t *planes);
void lim_image_get_f32(LimImageView src, int c, LimRange range, float *planes);
/* New tensor [c][h][w]: LIM_U8 (range unused) or LIM_F32. */
LimTensor *lim_image_get_tensor(LimImageView src, int c, LimType type, LimRange range);
/* Planes [c][h][w] of the view's size -> picture. */
void lim_image_put_u8(LimImageView dst, int c, const uint8_t *planes);
void lim_image_put_f32(LimImageView dst, int c, LimRange range, const float *planes);
/* A tensor [h][w], [c][h][w] or [1][c][h][w], LIM_U8 or LIM_F32, of the view's size. LIM_E_SHAPE.
 */
LimStatus lim_image_put_tensor(LimImageView dst, const LimTensor *t, LimRange range, LimError *err);

/* Any format into any other, same size; each pixel becomes a square of scale x scale pixels, so dst
 * is scale times as large (asserted). The two must not overlap. */
void lim_image_copy(LimImageView src, int scale, LimImageView dst);
/* One straight colour everywhere. */
void lim_image_fill(LimImageView dst, const uint8_t rgba[4]);

/* A batch as one picture: n tiles, row by row. Exports of the window and of the command line use
 * the same function, so equal batches give equal bytes. */
typedef struct LimSheet {
    int n, c, h, w;        /* the batch [n][c][h][w]; c = 1, 3 or 4 */
    int columns;           /* 0: as square as possible, ceil(sqrt(n)); never more than n */
    int gap;               /* pixels between tiles (not around them) */
    int scale;             /* a value becomes scale x scale pixels; the gap stays as it is */
    uint8_t background[4]; /* straight RGBA, seen in the gaps and where the last row has no tile */
} LimSheet;

/* Size of the picture in pixels. LIM_E_PARAM for values below the sensible (scale 0, ...),
 * LIM_E_SHAPE when it would be larger than LIM_IMAGE_MAX_SIDE. */
LimStatus lim_sheet_size(const LimSheet *sheet, int *w, int *h, LimError *err);
/* dst has exactly that size (asserted). batch [n][c][h][w]. */
void lim_sheet_draw(const LimSheet *sheet, const float *batch, LimRange range, LimImageView dst);
