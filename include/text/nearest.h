/* Nearest: which known word somebody meant by a misspelt one. */
#ifndef TRACKTWO_TEXT_NEAREST_H
#define TRACKTWO_TEXT_NEAREST_H

#include <stddef.h>

struct nearest {
	const char *word; /* what was written */
	const char *name; /* the best candidate so far; NULL when none is near enough to be worth naming */
	size_t distance;  /* of `name` */
};

/* Start with {.word = …} and offer every candidate; `name` is kept, not copied. A candidate counts when it differs by
 * less than half of its letters, or begins with the word (of three letters or more). Bytes are compared, "_" and "-"
 * are alike, and words over 64 bytes are near to nothing. */
void nearest_offer(struct nearest *nearest, const char *candidate);

#endif
