/* Err: messages are formatted beside `err` and then moved into it, so that an argument may be err->message itself.
 *
 * Invariant: what stands in err->message is always terminated, and never ends within a UTF-8 character. */
#include "base/err.h"

#include <stdio.h>
#include <string.h>

#define ELLIPSIS "…"

/* Long enough to see that a message does not fit; the rest would be cut anyway. */
enum { DRAFT_SIZE = 2 * sizeof((struct err *)0)->message };

static void keep(struct err *err, const char *text)
{
	size_t length = strlen(text);
	if (length < sizeof err->message) {
		memcpy(err->message, text, length + 1);
		return;
	}
	size_t kept = sizeof err->message - sizeof ELLIPSIS;
	while (kept > 0 && ((unsigned char)text[kept] & 0xC0) == 0x80)
		kept--;
	memcpy(err->message, text, kept);
	memcpy(err->message + kept, ELLIPSIS, sizeof ELLIPSIS);
}

static void draft(char text[static DRAFT_SIZE], const char *format, va_list args)
{
	if (vsnprintf(text, DRAFT_SIZE, format, args) < 0)
		memcpy(text, "?", 2);
}

static void draft_add(char text[static DRAFT_SIZE], const char *more)
{
	size_t length = strlen(text);
	snprintf(text + length, DRAFT_SIZE - length, ": %s", more);
}

bool err_set(struct err *err, const char *format, ...)
{
	if (!err)
		return false;
	char text[DRAFT_SIZE];
	va_list args;
	va_start(args, format);
	draft(text, format, args);
	va_end(args);
	keep(err, text);
	return false;
}

bool err_set_errno(struct err *err, int errnum, const char *format, ...)
{
	if (!err)
		return false;
	char text[DRAFT_SIZE];
	va_list args;
	va_start(args, format);
	draft(text, format, args);
	va_end(args);
	draft_add(text, strerror(errnum));
	keep(err, text);
	return false;
}

bool err_prefix(struct err *err, const char *format, ...)
{
	if (!err)
		return false;
	char text[DRAFT_SIZE];
	va_list args;
	va_start(args, format);
	draft(text, format, args);
	va_end(args);
	draft_add(text, err->message);
	keep(err, text);
	return false;
}
