/* Status codes and error texts.
 *
 * Bugs abort (LIM_ASSERT). The world's errors (files, values, sizes) are a LimStatus plus one
 * sentence in a LimError that a person can act on; the first error wins, later lim_fail() calls on
 * the same LimError keep it. Functions that can fail return LimStatus and take a LimError last,
 * which may be NULL. Cancelled is a status of its own, not an error. Engine code never prints. */
#pragma once

#include <stdbool.h>

typedef enum LimStatus {
    LIM_OK = 0,
    LIM_CANCELLED,    /* the caller asked to stop; whatever was best so far is kept */
    LIM_E_PARAM,      /* a value outside what its schema allows */
    LIM_E_SHAPE,      /* shapes that do not fit together */
    LIM_E_IO,         /* the system said no; the text holds strerror() */
    LIM_E_FORMAT,     /* a file that is not what it claims to be */
    LIM_E_NOMEM,      /* only for sizes that come from outside */
    LIM_E_NUMERIC,    /* NaN or Inf where none may be */
    LIM_E_UNSUPPORTED /* valid, but nothing here can do it */
} LimStatus;

typedef struct LimError {
    LimStatus code; /* LIM_OK: nothing went wrong yet */
    char text[400]; /* one sentence: what is wrong, and what to do; no trailing newline */
} LimError;

#define LIM_ERROR_INIT \
    {                  \
        LIM_OK,        \
        {              \
            0          \
        }              \
    }

/* Records code and text in err (unless err is NULL or already holds an error). Returns code, so a
 * function can end with `return lim_fail(err, LIM_E_IO, "...")`. */
LimStatus lim_fail(LimError *err, LimStatus code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* "ok", "cancelled", "bad value", ...: a short name for logs and JSON. */
const char *lim_status_name(LimStatus code);

/* A bug: prints the place to stderr and aborts. The only thing in the engine that prints. */
_Noreturn void lim_bug(const char *file, int line, const char *what);
#define LIM_ASSERT(x) ((x) ? (void)0 : lim_bug(__FILE__, __LINE__, #x))

/* malloc family that never returns NULL (a failed small allocation is fatal). lim_alloc* give
 * 64-byte aligned, zeroed memory of count*size bytes; overflow aborts. Free with free(). */
#include <stddef.h>
void *lim_alloc(size_t count, size_t size);
/* The same, but returns NULL when count*size overflows or memory is short: for outside sizes. */
void *lim_try_alloc(size_t count, size_t size);
char *lim_strdup(const char *s);
/* A copy of count*size bytes; NULL for NULL. */
void *lim_memdup(const void *from, size_t count, size_t size);
