/* Width: the cells that a terminal needs for a text, in which Hangul, Kana and Han take two. Pure functions; the
 * locale's character set must be UTF-8. */
#ifndef TRACKTWO_CLI_WIDTH_H
#define TRACKTWO_CLI_WIDTH_H

#include <stddef.h>

/* Sequences that choose a graphic rendition (ECMA-48 section 8.3.117) take none. What is no UTF-8 counts a cell a
 * byte. */
size_t width_of(const char *text);
size_t width_of_bytes(const char *text, size_t length);

#endif
