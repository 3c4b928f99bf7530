/* Tensors <-> pictures: every format on odd widths, padded rows and sub-rectangles, every byte in
 * both ranges, every pair of colour and alpha, and who may die first. */
#include "tensor/image.h"

#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FORMATS (LIM_PIXEL_RGB24 + 1)

static const bool has_alpha[FORMATS] = {
    [LIM_PIXEL_RGBA8] = true,     [LIM_PIXEL_BGRA8] = true,  [LIM_PIXEL_RGBA8_PRE] = true,
    [LIM_PIXEL_BGRA8_PRE] = true, [LIM_PIXEL_ARGB32] = true,
};
static const bool is_premultiplied[FORMATS] = {
    [LIM_PIXEL_RGBA8_PRE] = true,
    [LIM_PIXEL_BGRA8_PRE] = true,
    [LIM_PIXEL_ARGB32] = true,
};

static void
test_bytes_and_floats(void)
{
    uint8_t all[256], back[256];
    float f[256];
    for (int i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    for (LimRange r = LIM_RANGE_UNIT; r <= LIM_RANGE_SIGNED; r++) {
        lim_f32_from_u8(all, 256, r, f);
        for (int i = 0; i < 256; i++)
            g_assert_cmpfloat(f[i], ==,
                              r == LIM_RANGE_UNIT ? (float)i / 255.0f : (float)i / 127.5f - 1);
        g_assert_cmpfloat(f[0], ==, r == LIM_RANGE_UNIT ? 0 : -1);
        g_assert_cmpfloat(f[255], ==, 1);
        lim_u8_from_f32(f, 256, r, back);
        g_assert_cmpmem(back, 256, all, 256);
        /* Anything within almost half a step comes back as well: rounding, not truncation. */
        for (int s = -1; s <= 1; s += 2) {
            float g[256];
            for (int i = 0; i < 256; i++)
                g[i] = f[i] + (float)s * 0.499f / (r == LIM_RANGE_UNIT ? 255.0f : 127.5f);
            lim_u8_from_f32(g, 256, r, back);
            g_assert_cmpmem(back, 256, all, 256);
        }
    }
    /* A NaN may carry any bits: these have a low byte of 255. */
    const guint32 bits[2] = {0x7fc000ff, 0xff8000ff};
    float nan[2];
    memcpy(nan, bits, sizeof nan);
    const float odd[] = {NAN,    nan[0], nan[1], INFINITY, -INFINITY, 1e30f,
                         -1e30f, 2,      -2,     -0.0f,    1e-40f};
    const uint8_t unit[] = {0, 0, 0, 255, 0, 255, 0, 255, 0, 0, 0};
    const uint8_t sign[] = {0, 0, 0, 255, 0, 255, 0, 255, 0, 128, 128}; /* 127.5 goes to the even */
    lim_u8_from_f32(odd, G_N_ELEMENTS(odd), LIM_RANGE_UNIT, back);
    g_assert_cmpmem(back, sizeof unit, unit, sizeof unit);
    lim_u8_from_f32(odd, G_N_ELEMENTS(odd), LIM_RANGE_SIGNED, back);
    g_assert_cmpmem(back, sizeof sign, sign, sizeof sign);
}

/* Against lrint() on many values, also those just beside a half. */
static void
test_rounding(void)
{
    for (int i = 0; i < 255; i++)
        for (int k = -4; k <= 4; k++) {
            float v = ((float)i + 0.5f) / 255.0f;
            for (int j = 0; j < abs(k); j++)
                v = nextafterf(v, k < 0 ? 0.0f : 1.0f);
            uint8_t got;
            lim_u8_from_f32(&v, 1, LIM_RANGE_UNIT, &got);
            float scaled = v * 255.0f;
            g_assert_cmpint(got, ==, lrintf(scaled));
        }
}

/* A picture [h][w] of straight RGBA in which no two pixels are alike and no axis is like another.
 */
static void
pattern(int w, int h, uint8_t (*px)[4])
{
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            uint8_t *p = px[y * w + x];
            p[0] = (uint8_t)(x * 7 + y * 3 + 1);
            p[1] = (uint8_t)(x * 2 + y * 11 + 90);
            p[2] = (uint8_t)(255 - x * 5 - y);
            p[3] = (uint8_t)((x + 2 * y) % 3 == 0 ? 255 : (x * 13 + y * 29) % 256);
        }
}

static unsigned
rounded(unsigned c, unsigned a)
{
    return (unsigned)lround(c * a / 255.0);
}

/* The bytes of one straight pixel in a format, from the definitions of the header. */
static void
encode(const uint8_t s[4], LimPixel format, uint8_t *p)
{
    unsigned r = s[0], g = s[1], b = s[2], a = s[3];
    if (!has_alpha[format] || is_premultiplied[format]) {
        r = rounded(r, a);
        g = rounded(g, a);
        b = rounded(b, a);
    }
    guint32 word = (format == LIM_PIXEL_RGB24 ? 0xffu : a) << 24 | r << 16 | g << 8 | b;
    switch (format) {
    case LIM_PIXEL_GREY8:
        p[0] = (uint8_t)floor(0.299 * r + 0.587 * g + 0.114 * b + 0.5);
        break;
    case LIM_PIXEL_RGB8:
    case LIM_PIXEL_RGBA8:
    case LIM_PIXEL_RGBA8_PRE:
        p[0] = (uint8_t)r, p[1] = (uint8_t)g, p[2] = (uint8_t)b;
        break;
    case LIM_PIXEL_BGR8:
    case LIM_PIXEL_BGRA8:
    case LIM_PIXEL_BGRA8_PRE:
        p[0] = (uint8_t)b, p[1] = (uint8_t)g, p[2] = (uint8_t)r;
        break;
    case LIM_PIXEL_ARGB32:
    case LIM_PIXEL_RGB24:
        memcpy(p, &word, 4);
        return;
    }
    if (lim_pixel_bytes(format) == 4)
        p[3] = (uint8_t)a;
}

/* Widths around the run length of the conversion, padding, an offset that is not aligned. */
static const struct {
    int w, h;
    size_t pad, offset;
} layouts[] = {{1, 1, 0, 0},   {7, 5, 0, 0},   {13, 3, 5, 1},
               {255, 2, 3, 3}, {256, 2, 0, 0}, {513, 2, 7, 2}};

static void
test_formats(void)
{
    for (size_t l = 0; l < G_N_ELEMENTS(layouts); l++)
        for (LimPixel f = 0; f < FORMATS; f++) {
            int w = layouts[l].w, h = layouts[l].h, n = w * h, bytes = lim_pixel_bytes(f);
            size_t stride = (size_t)(w * bytes) + layouts[l].pad;
            size_t size = layouts[l].offset + stride * (size_t)(h - 1) + (size_t)(w * bytes);
            uint8_t(*px)[4] = g_malloc((size_t)n * 4);
            pattern(w, h, px);
            /* A block of exactly this size: reading behind it is seen by the sanitizers. */
            uint8_t *want = g_malloc(size), *got = g_malloc(size);
            memset(want, 0xa5, size);
            memset(got, 0xa5, size);
            for (int y = 0; y < h; y++)
                for (int x = 0; x < w; x++)
                    encode(px[y * w + x], f,
                           want + layouts[l].offset + (size_t)y * stride + (size_t)(x * bytes));

            /* RGBA planes in: the padding between the rows must stay untouched. */
            uint8_t *planes = g_malloc((size_t)(4 * n));
            for (int i = 0; i < n; i++)
                for (int c = 0; c < 4; c++)
                    planes[c * n + i] = px[i][c];
            LimImageView dst = lim_image_view(got + layouts[l].offset, w, h, stride, f);
            lim_image_put_u8(dst, 4, planes);
            g_assert_cmpmem(got, size, want, size);

            /* Planes out, 1, 3 and 4 of them. */
            LimImageView src = lim_image_view_const(want + layouts[l].offset, w, h, stride, f);
            uint8_t *out = g_malloc((size_t)(4 * n));
            static const int counts[] = {1, 3, 4};
            for (size_t k = 0; k < 3; k++) {
                int c = counts[k];
                lim_image_get_u8(src, c, out);
                for (int i = 0; i < n; i++) {
                    uint8_t s[4] = {px[i][0], px[i][1], px[i][2], px[i][3]}, grey[4];
                    if (!has_alpha[f]) {
                        encode(px[i], LIM_PIXEL_RGB8, s);
                        s[3] = 255;
                    }
                    if (f == LIM_PIXEL_GREY8) {
                        encode(px[i], f, grey);
                        s[0] = s[1] = s[2] = grey[0];
                    }
                    if (c == 1) {
                        encode(s, LIM_PIXEL_GREY8, grey);
                        g_assert_cmpint(out[i], ==, grey[0]);
                    } else if (c == 3) {
                        encode(s, LIM_PIXEL_RGB8, s);
                        for (int j = 0; j < 3; j++)
                            g_assert_cmpint(out[j * n + i], ==, s[j]);
                    } else {
                        g_assert_cmpint(out[3 * n + i], ==, s[3]);
                        for (int j = 0; j < 3; j++)
                            if (!is_premultiplied[f])
                                g_assert_cmpint(out[j * n + i], ==, s[j]);
                            else if (s[3] == 0)
                                g_assert_cmpint(out[j * n + i], ==, 0);
                            else /* what premultiplying kept: half a step of 1/a */
                                g_assert_cmpfloat(fabs(out[j * n + i] - (double)s[j]), <=,
                                                  127.5 / s[3] + 0.5);
                    }
                }
                /* Floats are the same bytes in the other representation, in both ranges. */
                for (LimRange r = LIM_RANGE_UNIT; r <= LIM_RANGE_SIGNED; r++) {
                    float *value = g_malloc((size_t)(c * n) * 4),
                          *expected = g_malloc((size_t)(c * n) * 4);
                    lim_image_get_f32(src, c, r, value);
                    lim_f32_from_u8(out, (size_t)(c * n), r, expected);
                    g_assert_cmpmem(value, (size_t)(c * n) * 4, expected, (size_t)(c * n) * 4);
                    uint8_t *a = g_malloc0(size), *b = g_malloc0(size);
                    lim_image_put_u8(lim_image_view(a, w, h, stride, f), c, out);
                    lim_image_put_f32(lim_image_view(b, w, h, stride, f), c, r, value);
                    g_assert_cmpmem(a, size, b, size);
                    g_free(a);
                    g_free(b);
                    g_free(value);
                    g_free(expected);
                }
            }
            g_free(out);
            g_free(planes);
            g_free(px);
            g_free(want);
            g_free(got);
        }
}

/* premultiplied -> straight -> premultiplied is the identity for all valid pairs; the way through
 * straight is within half a step; the product is rounded, for all pairs. */
static void
test_premultiply(void)
{
    for (unsigned a = 0; a < 256; a++)
        for (unsigned c = 0; c < 256; c++) {
            uint8_t straight[4] = {(uint8_t)c, 0, 255, (uint8_t)a}, pre[4], back[4];
            LimImageView s = lim_image_view(straight, 1, 1, 4, LIM_PIXEL_RGBA8);
            LimImageView p = lim_image_view(pre, 1, 1, 4, LIM_PIXEL_RGBA8_PRE);
            LimImageView b = lim_image_view(back, 1, 1, 4, LIM_PIXEL_RGBA8);
            lim_image_copy(s, 1, p);
            g_assert_cmpint(pre[0], ==, rounded(c, a));
            g_assert_cmpint(pre[2], ==, a);
            g_assert_cmpint(pre[3], ==, a);
            if (c > a)
                continue; /* no premultiplied pixel */
            pre[0] = (uint8_t)c;
            lim_image_copy(p, 1, b);
            g_assert_cmpint(back[0], ==, a ? lround(c * 255.0 / a) : 0);
            uint8_t again[4];
            lim_image_copy(b, 1, lim_image_view(again, 1, 1, 4, LIM_PIXEL_RGBA8_PRE));
            g_assert_cmpmem(again, 4, pre, 4);
        }
    /* A damaged pixel, colour above alpha, is clamped. */
    uint8_t bad[4] = {200, 10, 0, 20}, out[4];
    lim_image_copy(lim_image_view(bad, 1, 1, 4, LIM_PIXEL_RGBA8_PRE), 1,
                   lim_image_view(out, 1, 1, 4, LIM_PIXEL_RGBA8));
    g_assert_cmpint(out[0], ==, 255);
}

static void
test_sub_rectangle(void)
{
    uint8_t bytes[6 * 20];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    LimImageView all = lim_image_view(bytes, 5, 6, 20, LIM_PIXEL_RGB8); /* 5 bytes of padding */
    LimImageView sub = lim_image_sub(lim_image_sub(all, 1, 2, 4, 3), 1, 0, 2, 3);
    uint8_t planes[3 * 6];
    lim_image_get_u8(sub, 3, planes);
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < 3; y++)
            for (int x = 0; x < 2; x++)
                g_assert_cmpint(planes[(c * 3 + y) * 2 + x], ==, (y + 2) * 20 + (x + 2) * 3 + c);
    /* Writing into the part changes the part only. */
    uint8_t before[sizeof bytes];
    memcpy(before, bytes, sizeof bytes);
    lim_image_fill(sub, (uint8_t[]){250, 251, 252, 255});
    for (int i = 0; i < (int)sizeof bytes; i++) {
        int y = i / 20, x = i % 20;
        bool inside = y >= 2 && y < 5 && x >= 6 && x < 12;
        g_assert_cmpint(bytes[i], ==, inside ? 250 + x % 3 : before[i]);
    }
}

static void
count_free(gpointer data)
{
    (*(int *)data)++;
}

/* The seed of many bugs: the picture dies, the tensor lives on, and the other way round. */
static void
test_lifetime(void)
{
    int freed = 0;
    LimImageView owned = lim_image_alloc(3, 2, LIM_PIXEL_BGRA8, NULL);
    memset(owned.data, 77, 24);
    GBytes *holder = g_bytes_new_with_free_func(owned.data, 24, count_free, &freed);
    LimImageView view =
        lim_image_view_const(g_bytes_get_data(holder, NULL), 3, 2, 12, LIM_PIXEL_BGRA8);
    LimTensor *t = lim_image_get_tensor(view, 4, LIM_F32, LIM_RANGE_UNIT);
    LimTensor *u = lim_image_get_tensor(view, 3, LIM_U8, LIM_RANGE_UNIT);
    g_assert_cmpint(freed, ==, 0); /* a view holds nothing and frees nothing */
    g_bytes_unref(holder);
    g_assert_cmpint(freed, ==, 1);
    memset(owned.data, 0, 24);
    free(owned.data);
    g_assert_cmpfloat(lim_tensor_f32(t)[23], ==, 77 / 255.0f);
    g_assert_cmpint(((const uint8_t *)lim_tensor_data(u))[0], ==, 23); /* 77 * 77 / 255 on black */

    LimImageView out = lim_image_alloc(3, 2, LIM_PIXEL_RGBA8, NULL);
    g_assert_cmpint(lim_image_put_tensor(out, t, LIM_RANGE_UNIT, NULL), ==, LIM_OK);
    lim_tensor_unref(t);
    lim_tensor_unref(u);
    for (int i = 0; i < 24; i++)
        g_assert_cmpint(out.data[i], ==, 77);
    free(out.data);
}

static void
test_tensor_shapes(void)
{
    uint8_t bytes[12] = {0};
    LimImageView view = lim_image_view(bytes, 2, 2, 6, LIM_PIXEL_RGB8);
    const struct {
        LimType type;
        LimShape shape;
        bool fits;
    } cases[] = {
        {LIM_F32, LIM_SHAPE3(3, 2, 2), true},     {LIM_F32, LIM_SHAPE4(1, 4, 2, 2), true},
        {LIM_U8, LIM_SHAPE2(2, 2), true},         {LIM_F32, LIM_SHAPE3(2, 2, 2), false},
        {LIM_F32, LIM_SHAPE4(2, 3, 2, 2), false}, {LIM_F32, LIM_SHAPE3(3, 2, 3), false},
        {LIM_F32, LIM_SHAPE1(4), false},          {LIM_I32, LIM_SHAPE3(3, 2, 2), false},
        {LIM_F64, LIM_SHAPE3(3, 2, 2), false},    {LIM_F32, LIM_SHAPE3(2, 2, 3), false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        LimError err = LIM_ERROR_INIT;
        LimTensor *t = lim_tensor_new(cases[i].type, cases[i].shape);
        LimStatus status = lim_image_put_tensor(view, t, LIM_RANGE_UNIT, &err);
        g_assert_cmpint(status, ==, cases[i].fits ? LIM_OK : LIM_E_SHAPE);
        g_assert_cmpint(err.code, ==, status);
        lim_tensor_unref(t);
    }
    LimError err = LIM_ERROR_INIT;
    g_assert_null(lim_image_alloc(0, 5, LIM_PIXEL_RGB8, &err).data);
    g_assert_cmpint(err.code, ==, LIM_E_SHAPE);
    g_assert_null(lim_image_alloc(1, LIM_IMAGE_MAX_SIDE + 1, LIM_PIXEL_RGB8, NULL).data);
    err = (LimError)LIM_ERROR_INIT;
    g_assert_null(lim_image_alloc(30000, 30000, LIM_PIXEL_RGB8, &err).data);
    g_assert_cmpint(err.code, ==, LIM_E_NOMEM);
}

/* Enlarging by a factor whose products cross the run length, between formats. */
static void
test_scale(void)
{
    enum { W = 131, H = 3, S = 5 };
    LimImageView a = lim_image_alloc(W, H, LIM_PIXEL_RGBA8, NULL);
    LimImageView b = lim_image_alloc(W * S, H * S, LIM_PIXEL_BGR8, NULL);
    pattern(W, H, (uint8_t(*)[4])(void *)a.data);
    lim_image_copy(a, S, b);
    for (int y = 0; y < H * S; y++)
        for (int x = 0; x < W * S; x++) {
            uint8_t want[4];
            encode(a.data + (y / S * W + x / S) * 4, LIM_PIXEL_BGR8, want);
            g_assert_cmpmem(b.data + (y * W * S + x) * 3, 3, want, 3);
        }
    free(a.data);
    free(b.data);
}

static void
test_sheet(void)
{
    /* Five grey tiles of 1x2 in three columns, gap 1, scale 2: 3*4+2 wide, 2*2+1 high. */
    LimSheet s = {5, 1, 1, 2, 3, 1, 2, {9, 8, 7, 255}};
    float batch[10];
    for (int i = 0; i < 10; i++)
        batch[i] = (float)(20 * i + 10) / 127.5f - 1;
    int w, h;
    g_assert_cmpint(lim_sheet_size(&s, &w, &h, NULL), ==, LIM_OK);
    g_assert_cmpint(w, ==, 14);
    g_assert_cmpint(h, ==, 5);
    LimImageView v = lim_image_alloc(w, h, LIM_PIXEL_RGB8, NULL);
    lim_sheet_draw(&s, batch, LIM_RANGE_SIGNED, v);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            int tile = y / 3 * 3 + x / 5;
            bool gap = y == 2 || x % 5 == 4 || tile >= 5;
            int value = 20 * (2 * tile + x % 5 / 2) + 10;
            const uint8_t *p = v.data + (y * w + x) * 3;
            for (int c = 0; c < 3; c++)
                g_assert_cmpint(p[c], ==, gap ? 9 - c : value);
        }
    free(v.data);

    /* Colour tiles, columns chosen: 5 -> 3 columns, 2 -> 2, and never more columns than tiles. */
    s.columns = 0;
    g_assert_cmpint(lim_sheet_size(&s, &w, &h, NULL), ==, LIM_OK);
    g_assert_cmpint(w, ==, 14);
    s = (LimSheet){2, 3, 2, 2, 99, 0, 1, {0, 0, 0, 0}};
    g_assert_cmpint(lim_sheet_size(&s, &w, &h, NULL), ==, LIM_OK);
    g_assert_cmpint(w, ==, 4);
    g_assert_cmpint(h, ==, 2);
    float colour[24];
    for (int i = 0; i < 24; i++)
        colour[i] = (float)(i * 10) / 255.0f;
    uint8_t out[32];
    lim_sheet_draw(&s, colour, LIM_RANGE_UNIT, lim_image_view(out, 4, 2, 16, LIM_PIXEL_RGBA8));
    for (int y = 0; y < 2; y++)
        for (int x = 0; x < 4; x++)
            for (int c = 0; c < 3; c++)
                g_assert_cmpint(out[y * 16 + x * 4 + c], ==,
                                (x / 2 * 12 + c * 4 + y * 2 + x % 2) * 10);

    const struct {
        LimSheet s;
        LimStatus code;
    } bad[] = {
        {{0, 1, 1, 1, 0, 0, 1, {0}}, LIM_E_SHAPE},
        {{1, 2, 1, 1, 0, 0, 1, {0}}, LIM_E_SHAPE},
        {{1, 1, 1, 1, -1, 0, 1, {0}}, LIM_E_PARAM},
        {{1, 1, 1, 1, 0, -1, 1, {0}}, LIM_E_PARAM},
        {{1, 1, 1, 1, 0, 0, 0, {0}}, LIM_E_PARAM},
        {{4, 1, 9000, 1, 1, 0, 1, {0}}, LIM_E_SHAPE},
        {{2, 1, 1, 1, 0, INT32_MAX, 1, {0}}, LIM_E_SHAPE},
        {{INT32_MAX, 1, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, {0}}, LIM_E_SHAPE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        LimError err = LIM_ERROR_INIT;
        g_assert_cmpint(lim_sheet_size(&bad[i].s, &w, &h, &err), ==, bad[i].code);
        g_assert_cmpint(err.code, ==, bad[i].code);
    }
}

/* Misuse aborts: each in a process of its own. */
static void
abort_read_only(void)
{
    uint8_t b[4] = {0};
    lim_image_fill(lim_image_view_const(b, 1, 1, 4, LIM_PIXEL_RGBA8), b);
}

static void
abort_stride(void)
{
    uint8_t b[4] = {0};
    lim_image_view(b, 1, 1, 3, LIM_PIXEL_RGBA8);
}

static void
abort_outside(void)
{
    uint8_t b[4] = {0};
    lim_image_sub(lim_image_view(b, 2, 2, 2, LIM_PIXEL_GREY8), 1, 1, 2, 1);
}

static void
test_aborts(void)
{
    const char *const cases[] = {"read-only", "stride", "outside"};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strconcat("/image/aborts/subprocess/", cases[i], NULL);
        g_test_trap_subprocess(path, 0, 0);
        g_test_trap_assert_failed();
        g_test_trap_assert_stderr("*engine/tensor/image.c*");
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/image/bytes-and-floats", test_bytes_and_floats);
    g_test_add_func("/image/rounding", test_rounding);
    g_test_add_func("/image/formats", test_formats);
    g_test_add_func("/image/premultiply", test_premultiply);
    g_test_add_func("/image/sub-rectangle", test_sub_rectangle);
    g_test_add_func("/image/lifetime", test_lifetime);
    g_test_add_func("/image/tensor-shapes", test_tensor_shapes);
    g_test_add_func("/image/scale", test_scale);
    g_test_add_func("/image/sheet", test_sheet);
    g_test_add_func("/image/aborts", test_aborts);
    g_test_add_func("/image/aborts/subprocess/read-only", abort_read_only);
    g_test_add_func("/image/aborts/subprocess/stride", abort_stride);
    g_test_add_func("/image/aborts/subprocess/outside", abort_outside);
    return g_test_run();
}
