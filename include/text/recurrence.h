/* Recurrence: the instants that an RFC 5545 rule (RRULE, section 3.3.10) names, on the clocks of a time zone.
 *
 * A rule is carried out in local wall time, so that nine o'clock stays nine o'clock when the clocks change; text/zone.h
 * has the rule for times that the clocks skip or repeat, and an instant that would come twice so comes once. The start
 * is always the first occurrence and counts for COUNT, also where it does not fit the rule (section 3.8.5.3). Dates
 * that do not exist are skipped: the 31st of each month comes seven times a year. No instant lies beyond the year 9999.
 */
#ifndef TRACKTWO_TEXT_RECURRENCE_H
#define TRACKTWO_TEXT_RECURRENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum {
	RECURRENCE_RULE_MAX = 500, /* bytes */
	RECURRENCE_COUNT_MAX = 10000,
	RECURRENCE_INTERVAL_MAX = 9999,
	RECURRENCE_EXDATES_MAX = 500,
};

/* Whether `rule` is one that RFC 5545 allows and that may stand in a reminder: the value of an RRULE, with or without
 * "RRULE:" before it, in either case. Stricter than libical: parts unknown, repeated or out of range, parts that the
 * frequency does not allow, COUNT beside UNTIL, BYSETPOS alone are refused, and so are RSCALE and SKIP (RFC 7529) and a
 * frequency below HOURLY. *canonical becomes the same rule as libical writes it, in the arena. Whether it ever comes
 * true depends on the start: ask recurrence_expand. */
ERR_CHECKED bool recurrence_check(struct arena *arena, const char *rule, const char **canonical, struct err *err);

struct recurrence {
	int64_t start_us; /* microseconds since 1970-01-01T00:00:00Z, years 0001 to 9999; its fraction of a second stays */
	const char *zone; /* IANA */
	const char *rule;
	const int64_t *exdates_us; /* instants that fall out, after COUNT has counted them */
	size_t exdate_count;
};

struct recurrence_set {
	int64_t *instants_us; /* in order, each once; in the arena */
	size_t count;
	bool more; /* there are others behind the last of these */
	/* The rule yields no time at all, neither the start nor any after it: a mistake, such as the 31st of February.
	 * Known only when asked from before the start on, else false. */
	bool empty;
};

/* The first `most` (at least 1) occurrences later than `after_us`. Rules below HOURLY are carried out too. UNTIL is
 * inclusive, to the second: a day or a time without "Z" is compared with the wall clock, one with "Z" with the instant.
 * A rule that nothing matches for 400 years ends there, since the calendar repeats. Fails for an unknown zone, too many
 * exdates, and a rule that recurrence_check refuses for anything but its frequency. Enters the zone: see text/zone.h.
 */
ERR_CHECKED bool recurrence_expand(struct arena *arena, const struct recurrence *recurrence, int64_t after_us,
                                   size_t most, struct recurrence_set *set, struct err *err);

#endif
