/* UUID: identifiers of RFC 9562, version 7 (section 5.7), as text of 36 lower-case characters. */
#ifndef TRACKTWO_BASE_UUID_H
#define TRACKTWO_BASE_UUID_H

#include <stdbool.h>

enum { UUID_TEXT_SIZE = 37 };

/* A new version 7 identifier: milliseconds since the epoch, then random bits of getrandom(2). Aborts when the kernel
 * has no randomness to give. */
void uuid_make(char text[static UUID_TEXT_SIZE]);

/* True for the hyphenated 8-4-4-4-12 form of any version, in either case. */
bool uuid_valid(const char *text);

#endif
