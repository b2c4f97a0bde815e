/* Scdoc: manual pages as the source that scdoc(1) reads (scdoc(5)). What comes from tables goes through here, so that
 * no word in it can be taken for a mark; headings, which scdoc takes as they are, must hold names only. */
#ifndef TRACKTWO_TEXT_SCDOC_H
#define TRACKTWO_TEXT_SCDOC_H

#include <stdio.h>

/* The first line. `version` loses what would break it. */
void scdoc_put_title(FILE *out, const char *name, int section, const char *version);

/* `text` within a paragraph: marks are words, and the end of a line a space. */
void scdoc_put_text(FILE *out, const char *text);

/* "*name*words", and `help`, unless NULL, as an indented paragraph. */
void scdoc_put_entry(FILE *out, const char *name, const char *words, const char *help);

#endif
