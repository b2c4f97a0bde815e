/* Base64: the encoding of RFC 4648 section 4, padded, without line breaks; pure functions over an arena. */
#ifndef TRACKTWO_TEXT_BASE64_H
#define TRACKTWO_TEXT_BASE64_H

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

/* Zero-terminated, in the arena. */
const char *base64_encode(struct arena *arena, const void *bytes, size_t length);

/* Takes what base64_encode() would have written and nothing else: no blanks, all of the padding, no stray bits in the
 * last character (RFC 4648 section 3.5). The bytes are in the arena; the message does not repeat the text, which may be
 * a secret. */
ERR_CHECKED bool base64_decode(struct arena *arena, const char *text, unsigned char **bytes, size_t *length,
                               struct err *err);

#endif
