/* Errors and the allocators that cannot fail. */
#include "base/status.h"

#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void
test_first_error_wins(void)
{
    LimError err = LIM_ERROR_INIT;
    g_assert_cmpint(lim_fail(&err, LIM_E_IO, "cannot open %s", "a"), ==, LIM_E_IO);
    g_assert_cmpint(lim_fail(&err, LIM_E_PARAM, "something later"), ==, LIM_E_PARAM);
    g_assert_cmpint(err.code, ==, LIM_E_IO);
    g_assert_cmpstr(err.text, ==, "cannot open a");
    g_assert_cmpint(lim_fail(NULL, LIM_E_SHAPE, "nobody listens"), ==, LIM_E_SHAPE);
}

static void
test_text_is_printable(void)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"plain", "plain"},
        {"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x8c\xb1", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x8c\xb1"},
        {"a\nb\033[31m\x7f", "a b [31m "},
        {"\xc3", "?"},                /* cut */
        {"\xe2\x82", "??"},           /* cut */
        {"\xc0\xaf", "??"},           /* overlong */
        {"\xe0\x80\xaf", "???"},      /* overlong */
        {"\xf0\x8f\xbf\xbf", "????"}, /* overlong */
        {"\xed\xa0\x80", "???"},      /* surrogate */
        {"\xf4\x90\x80\x80", "????"}, /* above U+10FFFF */
        {"\x80x\xffy", "?x?y"},       /* stray */
        {"\xf5\x80\x80\x80", "????"}, /* no such length */
        {"\xf8\x88\x80\x80", "????"}, /* no such length */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        LimError err = LIM_ERROR_INIT;
        lim_fail(&err, LIM_E_FORMAT, "%s", cases[i].in);
        g_assert_cmpstr(err.text, ==, cases[i].out);
    }

    /* Cut in the middle of a character at the end of the buffer. */
    char longest[1000];
    for (size_t shift = 0; shift < 3; shift++) {
        memset(longest, 'x', shift);
        for (size_t i = shift; i + 3 < sizeof longest; i += 3)
            memcpy(longest + i, "\xe2\x82\xac", 4);
        LimError err = LIM_ERROR_INIT;
        lim_fail(&err, LIM_E_FORMAT, "%s", longest);
        g_assert_true(g_utf8_validate(err.text, -1, NULL));
        g_assert_cmpuint(strlen(err.text), ==, sizeof err.text - 1);
    }
}

static void
test_names_differ(void)
{
    for (int a = LIM_OK; a <= LIM_E_UNSUPPORTED; a++)
        for (int b = LIM_OK; b < a; b++)
            g_assert_cmpstr(lim_status_name((LimStatus)a), !=, lim_status_name((LimStatus)b));
}

static void
test_alloc(void)
{
    for (size_t size = 0; size < 300; size++) {
        unsigned char *p = lim_alloc(size, 3);
        g_assert_cmpuint((uintptr_t)p % 64, ==, 0);
        for (size_t i = 0; i < 3 * size; i++)
            g_assert_cmpuint(p[i], ==, 0);
        memset(p, 0xa5, 3 * size);
        free(p);
    }
    g_assert_null(lim_try_alloc(SIZE_MAX / 2, 3));
    g_assert_null(lim_try_alloc(SIZE_MAX, 1));
    char *copy = lim_strdup("text");
    g_assert_cmpstr(copy, ==, "text");
    free(copy);
}

static void
test_bugs_abort(void)
{
    if (g_test_subprocess()) {
        LIM_ASSERT(1 + 1 == 3);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*test-status.c:*bug: 1 + 1 == 3*");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/status/first-error-wins", test_first_error_wins);
    g_test_add_func("/status/text-is-printable", test_text_is_printable);
    g_test_add_func("/status/names-differ", test_names_differ);
    g_test_add_func("/status/alloc", test_alloc);
    g_test_add_func("/status/bugs-abort", test_bugs_abort);
    return g_test_run();
}
