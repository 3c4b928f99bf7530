/* A list of blocks that double in size; an allocation takes the next bytes of the newest block.
 * Blocks come zeroed and aligned from lim_alloc(), so there is nothing to do per allocation. */
#include "base/arena.h"

#include "base/status.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN     ((size_t)64)
#define FIRST     ((size_t)16 << 10)
#define MAX_BLOCK ((size_t)1 << 20)

typedef struct Block Block;
struct Block {
    Block *older;
    size_t used, size; /* bytes, the header included */
};

struct LimArena {
    Block *newest;
    size_t next_size;
};

LimArena *
lim_arena_new(void)
{
    LimArena *arena = lim_alloc(1, sizeof *arena);
    arena->next_size = FIRST;
    return arena;
}

void
lim_arena_free(LimArena *arena)
{
    if (!arena)
        return;
    for (Block *b = arena->newest; b;) {
        Block *older = b->older;
        free(b);
        b = older;
    }
    free(arena);
}

void *
lim_arena_alloc(LimArena *arena, size_t count, size_t size)
{
    size_t bytes;
    LIM_ASSERT(!__builtin_mul_overflow(count, size, &bytes) && bytes < PTRDIFF_MAX - 2 * ALIGN);
    bytes = bytes ? (bytes + ALIGN - 1) & ~(ALIGN - 1) : ALIGN;

    Block *b = arena->newest;
    if (!b || b->size - b->used < bytes) {
        size_t want = bytes + ALIGN > arena->next_size ? bytes + ALIGN : arena->next_size;
        b = lim_alloc(want, 1);
        b->older = arena->newest;
        b->used = ALIGN;
        b->size = want;
        arena->newest = b;
        if (arena->next_size < MAX_BLOCK)
            arena->next_size *= 2;
    }
    void *p = (char *)b + b->used;
    b->used += bytes;
    return p;
}

char *
lim_arena_strdup(LimArena *arena, const char *s)
{
    size_t size = strlen(s) + 1;
    return memcpy(lim_arena_alloc(arena, size, 1), s, size);
}
