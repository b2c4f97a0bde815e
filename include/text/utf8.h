/* Utf8: where a character ends; a pure function over bytes. */
#ifndef TRACKTWO_TEXT_UTF8_H
#define TRACKTWO_TEXT_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* The length of the well-formed character at `at`, of which at most `left` bytes may be read, by table 3-7 of the
 * Unicode Standard: 1 to 4, or 0 when what stands there is none or is cut off. `left` is at least 1. */
size_t utf8_length(const char *at, size_t left);

/* Whether all of `length` bytes are such characters, and none is NUL. */
bool utf8_is_text(const char *bytes, size_t length);

#endif
