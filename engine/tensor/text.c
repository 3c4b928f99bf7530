/* Cleaning of foreign text. Folder names and PNG texts end up in the window and on a terminal;
 * ill-formed UTF-8 there is an abort in a text widget, an escape sequence a nuisance. */
#include "tensor/text.h"

#include <stdint.h>
#include <string.h>

/* Length of the character at s, 0 if there is none. Unicode 15, table 3-7: well-formed byte
 * sequences (no surrogates, no over-long forms). */
static size_t
utf8_char(const char *s, size_t n)
{
    const uint8_t *p = (const uint8_t *)s;
    if (n == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    size_t len = p[0] >= 0xc2 && p[0] <= 0xdf   ? 2
                 : p[0] >= 0xe0 && p[0] <= 0xef ? 3
                 : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
                                                : 0;
    if (len == 0 || len > n)
        return 0;
    uint8_t lo = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    uint8_t hi = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < lo || p[1] > hi)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

bool
lim_utf8_valid(const char *s, size_t n)
{
    while (n > 0) {
        size_t len = utf8_char(s, n);
        if (len == 0)
            return false;
        s += len;
        n -= len;
    }
    return true;
}

static void
clean(const char *s, size_t len, bool lines, char *out, size_t size)
{
    size_t at = 0;
    while (len > 0) {
        size_t n = utf8_char(s, len);
        /* C0, DEL and C1 (two bytes, c2 80 .. c2 9f) control a terminal. */
        uint8_t first = (uint8_t)s[0];
        bool line = first == '\t' || first == '\n' || first == '\r';
        bool control = n == 1 ? (first < 0x20 && !(lines && line)) || first == 0x7f
                              : n == 2 && first == 0xc2 && (uint8_t)s[1] < 0xa0;
        size_t put = n == 0 || control ? 1 : n;
        if (at + put + 1 > size)
            break;
        memmove(out + at, n == 0 || control ? "?" : s, put);
        at += put;
        s += n ? n : 1;
        len -= n ? n : 1;
    }
    out[at] = 0;
}

void
lim_text_clean(const char *s, size_t len, char *out, size_t size)
{
    clean(s, len, false, out, size);
}

void
lim_text_clean_lines(const char *s, size_t len, char *out, size_t size)
{
    clean(s, len, true, out, size);
}
