/* Zone: what a clock on the wall shows in an IANA time zone, by the tzdata of the system.
 *
 * The distribution keeps tzdata up to date, with the whole history of each zone, and PostgreSQL reads the same. The C
 * library reads it for one zone at a time, chosen for the whole process; so a zone is entered and left, one at a time,
 * by the one thread there is, and whoever leaves finds TZ as it was.
 *
 * The rule for local times that the clocks skip or repeat is RFC 5545 section 3.3.5: one that does not exist is read
 * with the offset before the gap, so it moves forward by the gap's length; one that exists twice is the first. */
#ifndef TRACKTWO_TEXT_ZONE_H
#define TRACKTWO_TEXT_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { ZONE_NAME_MAX = 64 }; /* bytes, as type_zone allows */

/* Local time is counted as if its wall clock showed UTC: seconds from 1970-01-01T00:00:00 on the wall. */
struct zone {
	char *before; /* TZ as it was; NULL when it was not set */
};

/* Whether this system knows the zone: a name of letters, digits and "_+-/" as in tzdata, case and all. Neither a path
 * nor what lies beside the zones ("posix/…", "right/…" with its leap seconds, "localtime") is one. */
ERR_CHECKED bool zone_check(const char *name, struct err *err);

/* Enters a zone; between here and zone_release the process lives in it, so no other zone may be entered (that aborts),
 * nothing logged and no process started. About 10 microseconds with the release. Fails as zone_check does, and then
 * nothing is to be released. */
ERR_CHECKED bool zone_init(struct zone *zone, const char *name, struct err *err);
void zone_release(struct zone *zone);

/* Both in whole seconds; any within the years 0000 to 10000. */
int64_t zone_local_of(const struct zone *zone, int64_t instant_s);

/* *moved, unless NULL, tells whether the local time lies in a gap. */
int64_t zone_instant_of(const struct zone *zone, int64_t local_s, bool *moved);

#endif
