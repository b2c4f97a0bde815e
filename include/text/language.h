/* Language: what a person who types a command reads, in their language.
 *
 * English texts are the keys, and the Korean ones stand in tables compiled into the binary (src/text/korean_PART.inc),
 * so that they are there where no Korean locale is installed. What a person reads goes through say(); what a program
 * reads (names of members, columns of TSV, JSON) does not. */
#ifndef TRACKTWO_TEXT_LANGUAGE_H
#define TRACKTWO_TEXT_LANGUAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

/* Chooses by `code`, "en" or "ko" (a locale such as ko_KR.UTF-8 will do); NULL: by LC_ALL, LC_MESSAGES and LANG, of
 * which the first that is set and not empty decides, anything but Korean being English. False, with nothing changed,
 * for a code that is neither. English before the first call. */
bool language_choose(const char *code);

/* "en" or "ko": the language chosen. */
const char *language_code(void);

/* `english` in the language chosen: itself where that is English or no row holds it. Static; a format stays a format
 * with the same conversions in the same order. */
#if defined(__GNUC__)
__attribute__((format_arg(1)))
#endif
const char *
say(const char *english);

/* Marks a text in a table that say() is given later, so that the test of the tables finds it. */
#define SAID(english) english

/* A text that somebody else has made, such as a message of the daemon: a row that is its format does, too, and what
 * stands in the format's places is translated in turn where it can be, but for names in quotes or brackets; and two
 * texts with ": " or "; " between them are translated each. Returns `english` itself when no row fits. In the arena, or
 * static. */
const char *say_message(struct arena *arena, const char *english);

/* The heading of a column for people: the name of a member, in the language chosen. Static, or `member` itself. */
const char *say_heading(const char *member);

/* One row of the tables. */
struct language_row {
	const char *english, *korean;
};

/* The rows of all tables, in no order; and those of headings. */
const struct language_row *language_rows(size_t *count);
const struct language_row *language_headings(size_t *count);

#endif
