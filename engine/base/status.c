/* Error recording and the allocators that cannot fail.
 *
 * Error texts quote names and contents of files, and end up in labels and terminals. So lim_fail()
 * is the one place that makes them harmless: valid UTF-8, no control characters, cut to fit. */
#include "base/status.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

/* Length of the UTF-8 character at s (which ends with a zero byte); 0 when it is not one. */
static size_t
utf8_length(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    size_t n = s[0] >= 0xc2 && s[0] <= 0xdf ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : 4;
    if (n == 4 && (s[0] < 0xf0 || s[0] > 0xf4))
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    /* Overlong forms, surrogates, and what lies above U+10FFFF. */
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

static void
make_printable(char *text)
{
    for (unsigned char *s = (unsigned char *)text; *s;) {
        size_t n = utf8_length(s);
        if (n == 0 || *s < 0x20 || *s == 0x7f) {
            *s = n == 0 ? '?' : ' ';
            n = 1;
        }
        s += n;
    }
}

LimStatus
lim_fail(LimError *err, LimStatus code, const char *fmt, ...)
{
    LIM_ASSERT(code != LIM_OK);
    if (err && err->code == LIM_OK) {
        va_list args;
        va_start(args, fmt);
        vsnprintf(err->text, sizeof err->text, fmt, args);
        va_end(args);
        make_printable(err->text);
        err->code = code;
    }
    return code;
}

const char *
lim_status_name(LimStatus code)
{
    switch (code) {
    case LIM_OK:
        return "ok";
    case LIM_CANCELLED:
        return "cancelled";
    case LIM_E_PARAM:
        return "bad value";
    case LIM_E_SHAPE:
        return "bad shape";
    case LIM_E_IO:
        return "file error";
    case LIM_E_FORMAT:
        return "bad format";
    case LIM_E_NOMEM:
        return "out of memory";
    case LIM_E_NUMERIC:
        return "not a number";
    case LIM_E_UNSUPPORTED:
        return "unsupported";
    }
    return "unknown";
}

void
lim_bug(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: bug: %s\n", file, line, what);
    abort();
}

void *
lim_try_alloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX - HUGE_PAGE)
        return NULL;
    /* Large blocks ask for huge pages: a network walks tens of megabytes with a stride, and its
     * time would go into the translation of addresses. */
    const size_t align = bytes >= 4 * HUGE_PAGE ? HUGE_PAGE : 64;
    bytes = bytes ? (bytes + align - 1) & ~(align - 1) : 64;
    void *p = aligned_alloc(align, bytes);
    if (p && align == HUGE_PAGE)
        madvise(p, bytes, MADV_HUGEPAGE); /* only advice: failing is fine */
    if (p)
        memset(p, 0, bytes);
    return p;
}

void *
lim_alloc(size_t count, size_t size)
{
    void *p = lim_try_alloc(count, size);
    if (!p)
        lim_bug(__FILE__, __LINE__, "out of memory");
    return p;
}

void *
lim_memdup(const void *from, size_t count, size_t size)
{
    if (!from)
        return NULL;
    void *to = lim_alloc(count, size);
    return memcpy(to, from, count * size);
}

char *
lim_strdup(const char *s)
{
    size_t size = strlen(s) + 1;
    char *copy = malloc(size);
    if (!copy)
        lim_bug(__FILE__, __LINE__, "out of memory");
    return memcpy(copy, s, size);
}
