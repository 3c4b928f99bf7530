/* Text that comes out of files, made fit for a label. (Error texts are cleaned by lim_fail().) */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Copies s[0..len) as UTF-8 into out[0..size), cut between characters; ill-formed bytes and control
 * characters become '?'; always ended by a zero. out may be s. */
void lim_text_clean(const char *s, size_t len, char *out, size_t size);
/* The same for text of several lines: keeps tabs, line feeds and carriage returns. */
void lim_text_clean_lines(const char *s, size_t len, char *out, size_t size);

bool lim_utf8_valid(const char *s, size_t n);
