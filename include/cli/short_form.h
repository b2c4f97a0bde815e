/* Short forms: what an officer types in a hurry, taken apart; pure functions of the words, the clock, the zone.
 *
 * Where a day or time is parted from other words, the longest reading of it wins, so that "tomorrow 15:00:call" is due
 * at three. */
#ifndef TRACKTWO_CLI_SHORT_FORM_H
#define TRACKTWO_CLI_SHORT_FORM_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "text/when.h"

/* `WHEN:NOTE`: two texts in the arena. */
ERR_CHECKED bool short_form_due(struct arena *arena, const char *text, const struct when_clock *clock,
                                const char **when, const char **note, struct err *err);

/* `TITLE@WHEN`, parted at the last "@". */
ERR_CHECKED bool short_form_side(struct arena *arena, const char *text, const char **title, const char **when,
                                 struct err *err);

/* `WHO: TEXT by DAY`, or `WHO: TEXT DAY까지`; *day is NULL where none is said. */
ERR_CHECKED bool short_form_promise(struct arena *arena, const char *text, const struct when_clock *clock,
                                    const char **who, const char **promise, const char **day, struct err *err);

struct short_form_person {
	const char *who;
	const char *role, *capacity, *attendance; /* as the API has them; NULL where nothing is said */
	const char *side;                         /* as it was written; NULL */
};

/* `WHO[:WORD…][@SIDE]`: words are roles, capacities and attendances, in English or Korean. */
ERR_CHECKED bool short_form_person(struct arena *arena, const char *text, struct short_form_person *person,
                                   struct err *err);

struct short_form_contact {
	const char *name, *country;
	const char *organization; /* NULL where none is said */
	struct short_form_person part;
};

/* `NAME (COUNTRY[, ORGANIZATION])[:WORD…][@SIDE]`: somebody who is no contact yet. */
ERR_CHECKED bool short_form_contact(struct arena *arena, const char *text, struct short_form_contact *contact,
                                    struct err *err);

/* A Korean word for a choice of the API ("회의" is meeting), or the word itself. */
const char *short_form_choice(const char *word);

/* What a time of day alone means on that day: "2026-11-20 12:30" for "12:30", in the arena; NULL where the words are
 * more than a time of day, or none. */
const char *short_form_on_day(struct arena *arena, const char *words, int32_t day, const struct when_clock *clock);

#endif
