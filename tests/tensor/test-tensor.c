/* Shapes, and the life of a tensor. */
#include "tensor/tensor.h"
#include "tensor/text.h"

#include <glib.h>
#include <string.h>

static void
test_shapes(void)
{
    char text[64];
    g_assert_cmpstr(lim_shape_text(LIM_SHAPE4(64, 3, 32, 32), text), ==, "64x3x32x32");
    g_assert_cmpstr(lim_shape_text(LIM_SHAPE1(7), text), ==, "7");
    g_assert_cmpstr(lim_shape_text(LIM_SHAPE0, text), ==, "1");
    LimShape large = LIM_SHAPE4(INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX);
    g_assert_cmpstr(lim_shape_text(large, text), ==, "2147483647x2147483647x2147483647x2147483647");
    g_assert_cmpint(lim_shape_size(LIM_SHAPE0), ==, 1);
    g_assert_cmpint(lim_shape_size(LIM_SHAPE3(2, 3, 4)), ==, 24);

    g_assert_true(lim_shape_equal(LIM_SHAPE2(2, 3), LIM_SHAPE2(2, 3)));
    g_assert_false(lim_shape_equal(LIM_SHAPE2(2, 3), LIM_SHAPE2(3, 2)));
    g_assert_false(lim_shape_equal(LIM_SHAPE2(2, 3), LIM_SHAPE3(2, 3, 1)));
    /* What lies behind nd does not count. */
    LimShape a = LIM_SHAPE2(2, 3), b = a;
    b.d[3] = 9;
    g_assert_true(lim_shape_equal(a, b));

    g_assert_true(lim_shape_valid(LIM_SHAPE0));
    g_assert_true(lim_shape_valid(LIM_SHAPE2(1 << 16, 1 << 15)));
    g_assert_false(lim_shape_valid(LIM_SHAPE2(1 << 16, (1 << 15) + 1)));
    g_assert_false(lim_shape_valid(LIM_SHAPE2(3, 0)));
    g_assert_false(lim_shape_valid(LIM_SHAPE2(-3, -4)));
    g_assert_false(lim_shape_valid(large)); /* the product is 2^124 */
    g_assert_false(lim_shape_valid((LimShape){5, {1, 1, 1, 1}}));
    g_assert_false(lim_shape_valid((LimShape){-1, {1}}));
}

static void
test_tensor(void)
{
    LimTensor *t = lim_tensor_new(LIM_F32, LIM_SHAPE2(3, 5));
    g_assert_cmpint(lim_tensor_size(t), ==, 15);
    g_assert_cmpuint((uintptr_t)lim_tensor_data(t) % 64, ==, 0);
    for (int i = 0; i < 15; i++)
        g_assert_cmpfloat(lim_tensor_f32(t)[i], ==, 0);
    float *x = lim_tensor_edit(t);
    x[14] = 2.5f;
    LimTensor *copy = lim_tensor_dup(t);
    g_assert_true(lim_tensor_ref(t) == t);
    lim_tensor_unref(t);
    x[14] = 3.5f; /* still held once */
    g_assert_cmpfloat(lim_tensor_f32(copy)[14], ==, 2.5f);
    g_assert_true(lim_shape_equal(lim_tensor_shape(copy), LIM_SHAPE2(3, 5)));
    lim_tensor_unref(t);
    lim_tensor_unref(copy);
    lim_tensor_unref(NULL);
}

static void
test_outside_sizes(void)
{
    LimError err = LIM_ERROR_INIT;
    g_assert_null(lim_tensor_try_new(LIM_F32, LIM_SHAPE2(0, 4), "this test", &err));
    g_assert_cmpint(err.code, ==, LIM_E_SHAPE);
    g_assert_nonnull(strstr(err.text, "this test has the shape 0x4"));
    LimTensor *t = lim_tensor_try_new(LIM_U8, LIM_SHAPE1(3), "this test", NULL);
    g_assert_cmpint(lim_tensor_type(t), ==, LIM_U8);
    lim_tensor_unref(t);
}

/* Misuse aborts: each case runs in a process of its own. */
static void
abort_edit_shared(void)
{
    LimTensor *t = lim_tensor_new(LIM_F32, LIM_SHAPE0);
    lim_tensor_ref(t);
    lim_tensor_edit(t);
}

static void
abort_wrong_type(void)
{
    LimTensor *t = lim_tensor_new(LIM_I32, LIM_SHAPE0);
    lim_tensor_f32(t);
}

static void
test_aborts(void)
{
    g_test_trap_subprocess("/tensor/aborts/subprocess/edit-shared", 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*refs*");
    g_test_trap_subprocess("/tensor/aborts/subprocess/wrong-type", 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*type == LIM_F32*");
}

/* Many threads take and drop references; the last one frees (a leak or a double free shows under
 * the sanitizers, a wrong count in the abort of lim_tensor_edit). */
static gpointer
churn(gpointer data)
{
    for (int i = 0; i < 20000; i++)
        lim_tensor_unref(lim_tensor_ref(data));
    lim_tensor_unref(data);
    return NULL;
}

static void
test_threads(void)
{
    LimTensor *t = lim_tensor_new(LIM_F32, LIM_SHAPE1(4));
    GThread *threads[4];
    for (int i = 0; i < 4; i++)
        threads[i] = g_thread_new("churn", churn, lim_tensor_ref(t));
    for (int i = 0; i < 4; i++)
        g_thread_join(threads[i]);
    lim_tensor_edit(t);
    lim_tensor_unref(t);
}

static void
test_text(void)
{
    char q[64], small[5];
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"blocks.0.weight", "blocks.0.weight"},
        {"a\nb\x1b[2J\x7f", "a?b?[2J?"},
        {"caf\xc3\xa9 \xff\xc3", "caf\xc3\xa9 \?\?"},
        {"\xed\xa0\x80 \xc0\x80 \xc2\x9b", "\?\?\? \?\? ?"}, /* surrogate, over-long, C1 control */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        lim_text_clean(cases[i].in, strlen(cases[i].in), q, sizeof q);
        g_assert_cmpstr(q, ==, cases[i].out);
    }
    lim_text_clean_lines("a\tb\r\nc\x01", 7, q, sizeof q);
    g_assert_cmpstr(q, ==, "a\tb\r\nc?");
    lim_text_clean("abc\xc3\xa9", 5, small, sizeof small); /* no room for half a letter */
    g_assert_cmpstr(small, ==, "abc");

    /* Against GLib over all two- and three-byte starts and a sample of fourth bytes. */
    for (unsigned a = 0x80; a < 256; a++)
        for (unsigned b = 0; b < 256; b++)
            for (unsigned c = 0x70; c < 256; c += 0x10) {
                char s[4] = {(char)a, (char)b, (char)c, (char)0x80};
                for (int n = 1; n <= 4; n++)
                    g_assert_true(lim_utf8_valid(s, (size_t)n) ==
                                  (b ? g_utf8_validate(s, n, NULL) : FALSE));
            }
    g_assert_true(lim_utf8_valid("", 0));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tensor/shapes", test_shapes);
    g_test_add_func("/tensor/life", test_tensor);
    g_test_add_func("/tensor/outside-sizes", test_outside_sizes);
    g_test_add_func("/tensor/aborts", test_aborts);
    g_test_add_func("/tensor/aborts/subprocess/edit-shared", abort_edit_shared);
    g_test_add_func("/tensor/aborts/subprocess/wrong-type", abort_wrong_type);
    g_test_add_func("/tensor/threads", test_threads);
    g_test_add_func("/tensor/text", test_text);
    return g_test_run();
}
