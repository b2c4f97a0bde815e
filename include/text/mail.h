/* Mail: one message of RFC 5322 with MIME (RFC 2045 to 2047), made from text that people wrote; pure functions.
 *
 * Every line but an address's own is at most 76 characters of ASCII and ends with CRLF. No value can begin a header or
 * end one: control characters in a name or subject become spaces, and whatever is not plain ASCII becomes encoded
 * words. The same mail always gives the same bytes, so that a repeat is a repeat. */
#ifndef TRACKTWO_TEXT_MAIL_H
#define TRACKTWO_TEXT_MAIL_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum {
	MAIL_LOCAL_MOST = 64,    /* characters before the "@" (RFC 5321 section 4.5.3.1.1) */
	MAIL_ADDRESS_MOST = 254, /* of a whole address: a path of 256 less its brackets (section 4.5.3.1.3) */
	MAIL_ID_MOST = 200,      /* of a Message-ID, without its brackets */
	MAIL_FILE_MOST = 60,     /* of the name of a part */
};

struct mail_address {
	const char *name; /* as it is shown; NULL or "" for none */
	const char *address;
};

struct mail {
	struct mail_address from, to;
	const char *subject;
	const char *message_id; /* "left@right", of atoms and dots; the same on every repeat */
	int64_t date_s;         /* seconds since the epoch, in the years 1 to 9999 */
	const char *text;       /* UTF-8; any line ends */
	const char *calendar;   /* an iCalendar object (RFC 5545) as a second part, a file; NULL for none */
	const char *method;     /* its METHOD in capitals, such as PUBLISH (RFC 6047 section 2.4) */
	const char *file;       /* its name: letters, digits, ".", "_" and "-" */
};

/* *message becomes *length bytes in the arena, zero-terminated. Fails when an address, the Message-ID, the method or
 * the file's name is none, or a text is no UTF-8; the message says which, and repeats none of it. */
ERR_CHECKED bool mail_compose(struct arena *arena, const struct mail *mail, const char **message, size_t *length,
                              struct err *err);

/* Whether SMTP without SMTPUTF8 (RFC 6531) can carry the address: "local@domain" in ASCII, without quoting, comments or
 * an address literal (RFC 5321 section 4.1.2). */
ERR_CHECKED bool mail_check_address(const char *address, struct err *err);

/* Takes "local@domain" or "Name <local@domain>", as a configuration has it; the parts are in the arena. */
ERR_CHECKED bool mail_parse_address(struct arena *arena, const char *text, struct mail_address *address,
                                    struct err *err);

#endif
