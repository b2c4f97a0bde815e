/* Icalendar: calendars as text, RFC 5545 with the properties of RFC 7986; writing only, pure functions.
 *
 * All times are UTC, so that no VTIMEZONE is needed. An item's stamps are those of its last change and never of the
 * moment of asking: equal content gives equal text, on which an ETag may rest. */
#ifndef TRACKTWO_TEXT_ICALENDAR_H
#define TRACKTWO_TEXT_ICALENDAR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

/* The most octets of a line without its CRLF (RFC 5545 section 3.1). */
enum { ICALENDAR_LINE_OCTETS = 75 };

/* What stands once, before the items. All but a zeroed struct is optional. */
struct icalendar_head {
	const char *method;       /* NULL in a file or a feed; "PUBLISH" in a mail part (RFC 5546 section 3.2.1) */
	const char *name;         /* of the calendar; NULL for none */
	const char *description;  /* NULL for none */
	unsigned refresh_minutes; /* how often a feed should be asked again; 0: not said */
};

enum icalendar_kind { ICALENDAR_EVENT, ICALENDAR_TODO };

/* A VEVENT or a VTODO. Texts are valid UTF-8, unescaped, borrowed while it is written. Instants are microseconds since
 * 1970-01-01T00:00:00Z, of which whole seconds are shown; days are days since then; all within years 0001 to 9999. */
struct icalendar_item {
	enum icalendar_kind kind;
	const char *uid; /* the same for a record for ever */
	long sequence;   /* grows with each change (RFC 5545 section 3.8.7.4) */
	int64_t created_us, updated_us;
	const char *summary;
	const char *status;            /* a word of RFC 5545 section 3.8.1.11 */
	const char *location;          /* NULL for none */
	const char *description;       /* NULL for none */
	const char *const *categories; /* NULL-terminated; NULL for none */
	bool all_day;                  /* of an event: the two days count, else the two instants */
	int32_t first_day, last_day;   /* both included; shown as transparent: whole days block nobody's time */
	int64_t starts_us, ends_us;    /* equal when no end is known */
	int64_t due_us;                /* of a to-do */
	bool alarm;                    /* of a to-do: shown to its owner when it is due */
};

/* A whole VCALENDAR of `count` items, zero-terminated, in the arena. */
const char *icalendar_write(struct arena *arena, const struct icalendar_head *head, const struct icalendar_item *items,
                            size_t count);

/* One item of what calendar.export answers. Texts of `item` point into `json` or into the arena. Fails when `json` is
 * none. */
ERR_CHECKED bool icalendar_read_item(struct arena *arena, const json_t *json, struct icalendar_item *item,
                                     struct err *err);

/* All that calendar.export answers, {name, items, left_out}, as a feed: *text as icalendar_write() returns it. */
ERR_CHECKED bool icalendar_write_export(struct arena *arena, const json_t *export, const char **text, struct err *err);

#endif
