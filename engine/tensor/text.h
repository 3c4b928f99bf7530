/* Text that comes out of files, made fit for an error sentence or a label. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LIM_QUOTED 72

/* Writes name in single quotes: cut at 60 bytes (with "..."), control characters and bytes that are
 * not UTF-8 become '?'. Returns out. */
const char *lim_quote(const char *name, char out[LIM_QUOTED]);

/* Copies s[0..len) as UTF-8 into out[0..size), cut between characters, ill-formed bytes and control
 * characters replaced by '?'; always ended by a zero. */
void lim_text_clean(const char *s, size_t len, char *out, size_t size);

/* Length in bytes of the well-formed UTF-8 character at s (at most n bytes), 0 if there is none. */
size_t lim_utf8_char(const char *s, size_t n);
bool lim_utf8_valid(const char *s, size_t n);
