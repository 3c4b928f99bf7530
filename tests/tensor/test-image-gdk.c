/* The names of Cairo's and GDK's formats, checked against Cairo and GDK themselves: each picture is
 * given to GdkMemoryTexture as it is and downloaded as Cairo ARGB32, which is what ours must give.
 */
#include "tensor/image.h"

#include <gtk/gtk.h>
#include <stdlib.h>

static const struct {
    LimPixel ours;
    GdkMemoryFormat theirs;
} formats[] = {
    {LIM_PIXEL_RGB8, GDK_MEMORY_R8G8B8},
    {LIM_PIXEL_BGR8, GDK_MEMORY_B8G8R8},
    {LIM_PIXEL_RGBA8, GDK_MEMORY_R8G8B8A8},
    {LIM_PIXEL_BGRA8, GDK_MEMORY_B8G8R8A8},
    {LIM_PIXEL_RGBA8_PRE, GDK_MEMORY_R8G8B8A8_PREMULTIPLIED},
    {LIM_PIXEL_BGRA8_PRE, GDK_MEMORY_B8G8R8A8_PREMULTIPLIED},
    {LIM_PIXEL_ARGB32, GDK_MEMORY_DEFAULT},
};

static void
test_textures(void)
{
    enum { W = 37, H = 11 };
    uint8_t planes[4][H][W], want[H * W * 4], got[H * W * 4];
    for (int c = 0; c < 4; c++)
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++)
                planes[c][y][x] =
                    (uint8_t)(c == 3 && (x + y) % 3 == 0 ? 255 : x * 31 + y * 17 + c * 70);
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
        size_t stride = (size_t)(W * lim_pixel_bytes(formats[i].ours)) + 5;
        uint8_t *data = g_malloc0(stride * H);
        LimImageView view = lim_image_view(data, W, H, stride, formats[i].ours);
        lim_image_put_u8(view, 4, &planes[0][0][0]);
        lim_image_copy(view, 1, lim_image_view(got, W, H, W * 4, LIM_PIXEL_ARGB32));
        g_autoptr(GBytes) bytes = g_bytes_new_take(data, stride * H);
        g_autoptr(GdkTexture) texture =
            gdk_memory_texture_new(W, H, formats[i].theirs, bytes, stride);
        gdk_texture_download(texture, want, W * 4);
        g_assert_cmpmem(got, sizeof got, want, sizeof want);
    }
}

/* A picture composited on black by Cairo is ours in RGB24; Cairo chooses the stride. */
static void
test_cairo(void)
{
    enum { W = 15, H = 7 };
    cairo_surface_t *from = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, W, H);
    cairo_surface_t *to = cairo_image_surface_create(CAIRO_FORMAT_RGB24, W, H);
    float planes[4 * W * H];
    for (int i = 0; i < 4 * W * H; i++)
        planes[i] = (float)(i * 37 % 256) / 255.0f;
    LimImageView src =
        lim_image_view(cairo_image_surface_get_data(from), W, H,
                       (size_t)cairo_image_surface_get_stride(from), LIM_PIXEL_ARGB32);
    LimImageView dst = lim_image_view(cairo_image_surface_get_data(to), W, H,
                                      (size_t)cairo_image_surface_get_stride(to), LIM_PIXEL_RGB24);
    cairo_surface_flush(from);
    lim_image_put_f32(src, 4, LIM_RANGE_UNIT, planes);
    cairo_surface_mark_dirty(from);
    cairo_t *cr = cairo_create(to);
    cairo_set_source_surface(cr, from, 0, 0);
    cairo_paint(cr); /* the new surface is black */
    cairo_destroy(cr);
    cairo_surface_flush(to);
    uint8_t theirs[3 * W * H], ours[3 * W * H];
    lim_image_get_u8(dst, 3, theirs);
    lim_image_get_u8(src, 3, ours);
    g_assert_cmpmem(ours, sizeof ours, theirs, sizeof theirs);
    cairo_surface_destroy(from);
    cairo_surface_destroy(to);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/image/gdk-textures", test_textures);
    g_test_add_func("/image/cairo", test_cairo);
    return g_test_run();
}
