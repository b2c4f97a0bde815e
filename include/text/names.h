/* Names: Unicode normalisation of what people write, by ICU.
 *
 * Text is stored NFC (UAX #15), because Korean typed on one system arrives decomposed and on another composed, and the
 * two must be one name. Search keys are made in the database from the stored text, not here. */
#ifndef TRACKTWO_TEXT_NAMES_H
#define TRACKTWO_TEXT_NAMES_H

#include <stddef.h>

#include "base/arena.h"

/* `utf8` must be valid UTF-8, zero-terminated. Returns it unchanged when it is NFC already (the common case, without
 * allocation), else a normalised copy in the arena. Aborts only when ICU itself is broken. */
const char *names_nfc(struct arena *arena, const char *utf8);

/* Unicode code points in valid UTF-8: how API.md counts "characters". */
size_t names_characters(const char *utf8);

#endif
