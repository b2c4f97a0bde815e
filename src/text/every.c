/* Every: one table of words; a number may stand before a unit, and days of the week may be listed. */
#include "text/every.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* `factor` 0: no number may stand before it. */
static const struct {
	const char *word, *rule;
	int factor;
} units[] = {
    {"hour", "FREQ=HOURLY", 1},
    {"hours", "FREQ=HOURLY", 1},
    {"시간", "FREQ=HOURLY", 1},
    {"day", "FREQ=DAILY", 1},
    {"days", "FREQ=DAILY", 1},
    {"일", "FREQ=DAILY", 1},
    {"날", "FREQ=DAILY", 1},
    {"week", "FREQ=WEEKLY", 1},
    {"weeks", "FREQ=WEEKLY", 1},
    {"주", "FREQ=WEEKLY", 1},
    {"month", "FREQ=MONTHLY", 1},
    {"months", "FREQ=MONTHLY", 1},
    {"달", "FREQ=MONTHLY", 1},
    {"월", "FREQ=MONTHLY", 1},
    {"개월", "FREQ=MONTHLY", 1},
    {"quarter", "FREQ=MONTHLY", 3},
    {"quarters", "FREQ=MONTHLY", 3},
    {"분기", "FREQ=MONTHLY", 3},
    {"year", "FREQ=YEARLY", 1},
    {"years", "FREQ=YEARLY", 1},
    {"년", "FREQ=YEARLY", 1},
    {"해", "FREQ=YEARLY", 1},
    {"weekday", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", 0},
    {"평일", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", 0},
};

static const struct {
	const char *word, *day;
} weekdays[] = {
    {"monday", "MO"},   {"tuesday", "TU"}, {"wednesday", "WE"}, {"thursday", "TH"}, {"friday", "FR"},
    {"saturday", "SA"}, {"sunday", "SU"},  {"월요일", "MO"},    {"화요일", "TU"},   {"수요일", "WE"},
    {"목요일", "TH"},   {"금요일", "FR"},  {"토요일", "SA"},    {"일요일", "SU"},
};

enum { UNITS = sizeof units / sizeof *units, WEEKDAYS = sizeof weekdays / sizeof *weekdays, NUMBER_MOST = 999 };

static const char *read_unit(struct arena *arena, const char *words)
{
	char *end;
	long number = strtol(words, &end, 10);
	bool numbered = end != words;
	end += strspn(end, " ");
	for (size_t i = 0; i < UNITS; i++) {
		if (strcasecmp(end, units[i].word) != 0)
			continue;
		if (numbered && (units[i].factor == 0 || number < 1 || number > NUMBER_MOST))
			return NULL;
		long interval = (numbered ? number : 1) * units[i].factor;
		return interval > 1 ? arena_printf(arena, "%s;INTERVAL=%ld", units[i].rule, interval) : units[i].rule;
	}
	return NULL;
}

static const char *weekday_of(const char *word)
{
	for (size_t i = 0; i < WEEKDAYS; i++)
		if (strcasecmp(word, weekdays[i].word) == 0)
			return weekdays[i].day;
	return NULL;
}

static const char *read_weekdays(struct arena *arena, const char *words)
{
	char *rest = arena_strdup(arena, words), *word;
	const char *list = NULL;
	while ((word = strsep(&rest, ", "))) {
		const char *day = *word ? weekday_of(word) : "";
		if (!day)
			return NULL;
		if (*day)
			list = list ? arena_printf(arena, "%s,%s", list, day) : day;
	}
	return list ? arena_printf(arena, "FREQ=WEEKLY;BYDAY=%s", list) : NULL;
}

bool every_read(struct arena *arena, const char *words, const char **rule, struct err *err)
{
	words += strspn(words, " ");
	*rule = read_unit(arena, words);
	if (!*rule)
		*rule = read_weekdays(arena, words);
	return *rule ||
	       err_set(err, "say day, week, month, quarter, year or weekday, a number before one of them, such as \"2 "
	                    "weeks\", or days of the week, such as monday,thursday; --rrule takes all else");
}
