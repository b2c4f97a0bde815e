/* Mail header: one header field after another, folded (RFC 5322 section 2.2.3), with encoded words (RFC 2047) where a
 * value is not plain.
 *
 * Invariant: between begin and end no line is longer than 76 characters, unless one token alone is. */
#ifndef TRACKTWO_TEXT_MAIL_HEADER_H
#define TRACKTWO_TEXT_MAIL_HEADER_H

#include <stdio.h>

#include "base/arena.h"

struct mail_header {
	struct arena *arena; /* scratch */
	FILE *out;
	size_t column;
};

void mail_header_begin(struct mail_header *header, const char *name);
/* A token as it stands, on a line of its own where it does not fit. */
void mail_header_token(struct mail_header *header, const char *token);
/* Unstructured text: valid UTF-8, of which control characters become spaces. */
void mail_header_text(struct mail_header *header, const char *text);
/* A display name: the same, quoted where it is ASCII. */
void mail_header_name(struct mail_header *header, const char *name);
void mail_header_end(struct mail_header *header);

#endif
