/* The bump allocator: alignment, zeroing, no overlap, growth. */
#include "base/arena.h"

#include <glib.h>
#include <stdint.h>
#include <string.h>

/* Small ones, large ones that need a block of their own, and a run that fills blocks to the brim.
 */
static size_t
piece_size(size_t i)
{
    if (i % 500 == 499)
        return ((size_t)3 << 20) + i;
    return i < 2000 ? i * 7 % 300 : 128;
}

/* Allocates many pieces of many sizes, fills each with its own byte, and looks at all at the end.
 */
static void
test_pieces(void)
{
    enum { N = 3000 };
    static unsigned char *piece[N];
    LimArena *arena = lim_arena_new();
    for (size_t i = 0; i < N; i++) {
        size_t size = piece_size(i);
        piece[i] = lim_arena_alloc(arena, size, 1);
        g_assert_nonnull(piece[i]);
        g_assert_cmpuint((uintptr_t)piece[i] % 64, ==, 0);
        for (size_t k = 0; k < size; k++)
            g_assert_cmpuint(piece[i][k], ==, 0);
        memset(piece[i], (int)(i % 251) + 1, size);
    }
    for (size_t i = 0; i < N; i++) {
        size_t size = piece_size(i);
        for (size_t k = 0; k < size; k++)
            g_assert_cmpuint(piece[i][k], ==, i % 251 + 1);
    }
    lim_arena_free(arena);
}

static void
test_strings(void)
{
    LimArena *arena = lim_arena_new();
    char text[] = "conv1.weight";
    char *copy = lim_arena_strdup(arena, text);
    text[0] = 'x';
    g_assert_cmpstr(copy, ==, "conv1.weight");
    g_assert_cmpstr(lim_arena_strdup(arena, ""), ==, "");
    lim_arena_free(arena);
    lim_arena_free(NULL);
}

static void
test_overflow_aborts(void)
{
    if (g_test_subprocess()) {
        lim_arena_alloc(lim_arena_new(), SIZE_MAX / 4, 8);
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
    g_test_trap_assert_stderr("*arena.c:*bug:*");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/arena/pieces", test_pieces);
    g_test_add_func("/arena/strings", test_strings);
    g_test_add_func("/arena/overflow-aborts", test_overflow_aborts);
    return g_test_run();
}
