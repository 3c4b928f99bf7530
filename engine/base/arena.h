/* Bump allocator for things that die together (the nodes of a graph). */
#pragma once

#include <stddef.h>

typedef struct LimArena LimArena;

LimArena *lim_arena_new(void);
void lim_arena_free(LimArena *arena); /* NULL is fine */
/* Zeroed, 64-byte aligned; never NULL; overflow aborts. Valid until the arena is freed. */
void *lim_arena_alloc(LimArena *arena, size_t count, size_t size);
char *lim_arena_strdup(LimArena *arena, const char *s);
