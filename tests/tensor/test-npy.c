/* npy: what is written is read, by us and by NumPy; files that NumPy wrote are read; damage is
 * named. */
#include "tensor/npy.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

static LimTensor *
parse(const char *head, int version, size_t values, LimError *err)
{
    g_autoptr(GByteArray) b = g_byte_array_new();
    g_byte_array_append(b, (const guint8 *)"\x93NUMPY", 6);
    guint8 length[6] = {
        (guint8)version, 0, (guint8)strlen(head), (guint8)(strlen(head) >> 8), 0, 0};
    g_byte_array_append(b, length, version == 1 ? 4 : 6);
    g_byte_array_append(b, (const guint8 *)head, (guint)strlen(head));
    for (size_t i = 0; i < values; i++) {
        guint8 v = (guint8)i;
        g_byte_array_append(b, &v, 1);
    }
    /* A block of exactly this size, for the sanitizers. */
    g_autofree guint8 *exact = g_memdup2(b->data, b->len);
    return lim_npy_parse(exact, b->len, "t.npy", err);
}

static void
test_round_trip(void)
{
    g_autofree char *folder = g_dir_make_tmp("limen-npy-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "a.npy", NULL);
    const LimShape shapes[] = {LIM_SHAPE0, LIM_SHAPE1(7), LIM_SHAPE2(3, 5), LIM_SHAPE3(2, 1, 9),
                               LIM_SHAPE4(2, 3, 4, 5)};
    for (LimType type = LIM_F32; type <= LIM_U8; type++)
        for (size_t i = 0; i < G_N_ELEMENTS(shapes); i++) {
            LimTensor *t = lim_tensor_new(type, shapes[i]);
            size_t bytes = (size_t)lim_tensor_size(t) * lim_type_size(type);
            uint8_t *p = lim_tensor_edit(t);
            for (size_t k = 0; k < bytes; k++)
                p[k] = (uint8_t)(k * 73 + 11);
            LimError err = LIM_ERROR_INIT;
            g_assert_cmpint(lim_npy_write(path, t, &err), ==, LIM_OK);
            LimTensor *back = lim_npy_read(path, &err);
            g_assert_nonnull(back);
            g_assert_cmpint(lim_tensor_type(back), ==, type);
            g_assert_true(lim_shape_equal(lim_tensor_shape(back), shapes[i]));
            g_assert_cmpmem(lim_tensor_data(back), bytes, p, bytes);
            lim_tensor_unref(back);
            lim_tensor_unref(t);
            GStatBuf st;
            g_assert_cmpint(g_stat(path, &st), ==, 0);
            g_assert_cmpuint(((gsize)st.st_size - bytes) % 64, ==, 0);
        }
    g_unlink(path);
    LimError err = LIM_ERROR_INIT;
    g_assert_null(lim_npy_read(path, &err));
    g_assert_cmpint(err.code, ==, LIM_E_IO);
    g_rmdir(folder);
}

static void
test_heads(void)
{
    static const struct {
        const char *head;
        int version;
        size_t values;
        LimShape shape;
    } good[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   \n", 1, 24, {2, {2, 3}}},
        {"{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }\n", 2, 12, {1, {3}}},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (), }\n", 3, 1, {0, {0}}},
        {"{ \"shape\":(1,2,2,1),'fortran_order' :False,'descr':'<f8'}", 1, 32, {4, {1, 2, 2, 1}}},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        LimError err = LIM_ERROR_INIT;
        LimTensor *t = parse(good[i].head, good[i].version, good[i].values, &err);
        g_assert_cmpstr(err.text, ==, "");
        g_assert_true(lim_shape_equal(lim_tensor_shape(t), good[i].shape));
        for (size_t k = 0; k < good[i].values; k++)
            g_assert_cmpint(((const uint8_t *)lim_tensor_data(t))[k], ==, k);
        lim_tensor_unref(t);
    }
#define REST "'fortran_order': False, 'shape': (2, 3), }"
    static const struct {
        const char *head;
        size_t values;
        LimStatus code;
    } bad[] = {
        {"{'descr': '<f4', " REST, 23, LIM_E_FORMAT},
        {"{'descr': '<f4', " REST, 25, LIM_E_FORMAT},
        {"{'descr': '>f4', " REST, 24, LIM_E_UNSUPPORTED},
        {"{'descr': '<i8', " REST, 48, LIM_E_UNSUPPORTED},
        {"{'descr': [('a', '<f4')], " REST, 24, LIM_E_FORMAT},
        {"{'descr': 'a very long description', " REST, 24, LIM_E_FORMAT},
        {"{" REST, 24, LIM_E_FORMAT},
        {"{'descr': '<f4', 'descr': '<f4', " REST, 24, LIM_E_FORMAT},
        {"{'descr': '<f4', 'x': 1, " REST, 24, LIM_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3)}", 24, LIM_E_UNSUPPORTED},
        {"{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3)}", 24, LIM_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3}", 24, LIM_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2 3)}", 24, LIM_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 3)}", 24, LIM_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2147483648,)}", 24, LIM_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,)}", 24,
         LIM_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3)}", 0, LIM_E_SHAPE},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1)}", 4, LIM_E_UNSUPPORTED},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': "
         "(2147483647,2147483647,2147483647,2147483647)}",
         4, LIM_E_SHAPE},
        {"{'descr': '<f4', " REST " x", 24, LIM_E_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)", 24, LIM_E_FORMAT},
        {"{'descr': '<f", 0, LIM_E_FORMAT},
        {"", 24, LIM_E_FORMAT},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        LimError err = LIM_ERROR_INIT;
        g_assert_null(parse(bad[i].head, 1, bad[i].values, &err));
        g_test_message("%s", err.text);
        g_assert_cmpint(err.code, ==, bad[i].code);
        g_assert_nonnull(strstr(err.text, "t.npy"));
    }
    const uint8_t claims[12] = {0x93, 'N', 'U', 'M', 'P', 'Y', 2, 0, 255, 255, 255, 255};
    for (size_t n = 0; n <= sizeof claims; n++)
        g_assert_null(lim_npy_parse(claims, n, "t.npy", NULL));
}

/* NumPy writes what we read, and reads what we write, for every type. */
static void
test_numpy(void)
{
    g_autofree char *folder = g_dir_make_tmp("limen-npy-XXXXXX", NULL);
    static const char make[] =
        "import numpy as n\n"
        "for t in ['float32','float64','int32','uint8']:\n"
        "  n.save(t + '.npy', n.arange(24).astype(t).reshape(2, 3, 4) * 5)\n"
        "n.save('fortran.npy', n.asfortranarray(n.ones((2, 3), 'float32')))\n";
    static const char check[] = "import numpy as n\n"
                                "for t in ['float32','float64','int32','uint8']:\n"
                                "  a, b = n.load(t + '.npy'), n.load('our-' + t + '.npy')\n"
                                "  assert a.dtype == b.dtype and a.shape == b.shape\n"
                                "  assert (a == b).all()\n";
    const char *argv[] = {"/usr/bin/python3", "-c", make, NULL};
    int status = 1;
    if (!g_spawn_sync(folder, (char **)(uintptr_t)argv, NULL,
                      G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL, NULL,
                      &status, NULL) ||
        status != 0) {
        g_test_skip("python3 with numpy is not installed");
        g_rmdir(folder);
        return;
    }
    const char *const names[] = {"float32", "float64", "int32", "uint8"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *theirs = g_strdup_printf("%s/%s.npy", folder, names[i]);
        g_autofree char *ours = g_strdup_printf("%s/our-%s.npy", folder, names[i]);
        LimError err = LIM_ERROR_INIT;
        LimTensor *t = lim_npy_read(theirs, &err);
        g_assert_cmpstr(err.text, ==, "");
        g_assert_true(lim_shape_equal(lim_tensor_shape(t), LIM_SHAPE3(2, 3, 4)));
        if (lim_tensor_type(t) == LIM_F32)
            g_assert_cmpfloat(lim_tensor_f32(t)[23], ==, 115);
        g_assert_cmpint(lim_npy_write(ours, t, &err), ==, LIM_OK);
        lim_tensor_unref(t);
    }
    g_autofree char *fortran = g_build_filename(folder, "fortran.npy", NULL);
    LimError err = LIM_ERROR_INIT;
    g_assert_null(lim_npy_read(fortran, &err));
    g_assert_cmpint(err.code, ==, LIM_E_UNSUPPORTED);
    argv[2] = check;
    g_assert_true(g_spawn_sync(folder, (char **)(uintptr_t)argv, NULL, G_SPAWN_SEARCH_PATH, NULL,
                               NULL, NULL, NULL, &status, NULL));
    g_assert_cmpint(status, ==, 0);
    g_unlink(fortran);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *theirs = g_strdup_printf("%s/%s.npy", folder, names[i]);
        g_autofree char *ours = g_strdup_printf("%s/our-%s.npy", folder, names[i]);
        g_unlink(theirs);
        g_unlink(ours);
    }
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/npy/round-trip", test_round_trip);
    g_test_add_func("/npy/heads", test_heads);
    g_test_add_func("/npy/numpy", test_numpy);
    return g_test_run();
}
