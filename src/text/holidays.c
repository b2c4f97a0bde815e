/* Holidays: one table of what is celebrated when, and one pass that gives substitutes.
 *
 * Invariant: the list is complete and in order before substitutes are sought, and each substitute goes in as soon as it
 * is found, so that the next one steps over it (article 3 (2)). */
#include "text/holidays.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/ucal.h>

#include "base/log.h"
#include "text/time.h"

/* The year of the lunar calendar that begins in a year of ours; ICU counts from the legendary founding in 2333 BC. */
enum { DANGI_YEAR_0 = 2333, SATURDAY = 5, SUNDAY = 6, ROOM = 48, NEVER = HOLIDAYS_LAST_YEAR + 1 };

enum substitute { ON_SUNDAY, ON_WEEKEND };

struct feast {
	const char *name_ko, *name_en;
	bool lunar;
	int month, day, shift; /* days from that one */
	int substitute_since;
	enum substitute substitute;
};

static const struct feast feasts[] = {
    {"신정", "New Year's Day", false, 1, 1, 0, NEVER, ON_SUNDAY},
    {"설날 전날", "Day before Seollal", true, 1, 1, -1, 2014, ON_SUNDAY},
    {"설날", "Seollal", true, 1, 1, 0, 2014, ON_SUNDAY},
    {"설날 다음 날", "Day after Seollal", true, 1, 1, 1, 2014, ON_SUNDAY},
    {"삼일절", "March 1st Movement Day", false, 3, 1, 0, 2021, ON_WEEKEND},
    {"어린이날", "Children's Day", false, 5, 5, 0, 2014, ON_WEEKEND},
    {"부처님오신날", "Buddha's Birthday", true, 4, 8, 0, 2023, ON_WEEKEND},
    {"현충일", "Memorial Day", false, 6, 6, 0, NEVER, ON_SUNDAY},
    {"광복절", "Liberation Day", false, 8, 15, 0, 2021, ON_WEEKEND},
    {"추석 전날", "Day before Chuseok", true, 8, 15, -1, 2014, ON_SUNDAY},
    {"추석", "Chuseok", true, 8, 15, 0, 2014, ON_SUNDAY},
    {"추석 다음 날", "Day after Chuseok", true, 8, 15, 1, 2014, ON_SUNDAY},
    {"개천절", "National Foundation Day", false, 10, 3, 0, 2021, ON_WEEKEND},
    {"한글날", "Hangeul Day", false, 10, 9, 0, 2021, ON_WEEKEND},
    {"성탄절", "Christmas Day", false, 12, 25, 0, 2023, ON_WEEKEND},
};
enum { FEASTS = sizeof feasts / sizeof feasts[0] };
_Static_assert(ROOM >= 2 * FEASTS, "each feast may have a substitute");

static void must(UErrorCode status)
{
	if (U_SUCCESS(status))
		return;
	log_error("", "ICU failed: %s", u_errorName(status));
	abort();
}

static UCalendar *open_dangi(void)
{
	static const UChar gmt[] = {'G', 'M', 'T', 0};
	UErrorCode status = U_ZERO_ERROR;
	UCalendar *calendar = ucal_open(gmt, -1, "ko_KR@calendar=dangi", UCAL_DEFAULT, &status);
	must(status);
	return calendar;
}

static int32_t lunar_day(UCalendar *calendar, int year, int month, int day)
{
	UErrorCode status = U_ZERO_ERROR;
	ucal_clear(calendar);
	ucal_set(calendar, UCAL_EXTENDED_YEAR, year + DANGI_YEAR_0);
	ucal_set(calendar, UCAL_MONTH, month - 1);
	ucal_set(calendar, UCAL_IS_LEAP_MONTH, 0);
	ucal_set(calendar, UCAL_DATE, day);
	UDate millis = ucal_getMillis(calendar, &status);
	must(status);
	return (int32_t)(millis / 86400000);
}

static int weekday_of(int32_t day)
{
	return (day + 3) % 7;
}

static bool is_holiday(const struct holidays *holidays, int32_t day)
{
	for (size_t i = 0; i < holidays->count; i++)
		if (holidays->list[i].day == day)
			return true;
	return false;
}

/* Article 3 (1) and (3): the first day behind that is neither a holiday, Sundays included, nor a Saturday. */
static int32_t next_working_day(const struct holidays *holidays, int32_t day)
{
	do
		day++;
	while (weekday_of(day) >= SATURDAY || is_holiday(holidays, day));
	return day;
}

static bool falls_on_weekend(const struct feast *feast, int32_t day)
{
	int weekday = weekday_of(day);
	return weekday == SUNDAY || (weekday == SATURDAY && feast->substitute == ON_WEEKEND);
}

/* Two on one weekday give one substitute, which either may claim; it is counted with the later row. */
static bool needs_substitute(const int32_t *days, int feast, int year)
{
	if (year >= feasts[feast].substitute_since && falls_on_weekend(&feasts[feast], days[feast]))
		return true;
	for (int other = 0; other < feast; other++)
		if (days[other] == days[feast] &&
		    (year >= feasts[feast].substitute_since || year >= feasts[other].substitute_since))
			return true;
	return false;
}

static void add(struct holidays *holidays, int32_t day, const char *name_ko, const char *name_en)
{
	holidays->list[holidays->count++] = (struct holiday){day, name_ko, name_en};
}

static int compare(const void *one, const void *other)
{
	const struct holiday *a = one, *b = other;
	return a->day != b->day ? (a->day > b->day) - (a->day < b->day) : strcmp(a->name_ko, b->name_ko);
}

bool holidays_of_year(struct arena *arena, int year, struct holidays *holidays, struct err *err)
{
	int32_t days[FEASTS];
	if (year < HOLIDAYS_FIRST_YEAR || year > HOLIDAYS_LAST_YEAR)
		return err_set(err, "holidays are known for the years %d to %d", HOLIDAYS_FIRST_YEAR, HOLIDAYS_LAST_YEAR);
	*holidays = (struct holidays){.list = arena_alloc(arena, ROOM * sizeof *holidays->list)};
	UCalendar *dangi = open_dangi();
	for (int i = 0; i < FEASTS; i++) {
		const struct feast *feast = &feasts[i];
		days[i] =
		    feast->shift + (feast->lunar ? lunar_day(dangi, year, feast->month, feast->day)
		                                 : time_days_from_civil((struct time_civil){year, feast->month, feast->day}));
		add(holidays, days[i], feast->name_ko, feast->name_en);
	}
	ucal_close(dangi);
	for (int i = 0; i < FEASTS; i++)
		if (needs_substitute(days, i, year))
			add(holidays, next_working_day(holidays, days[i]), "대체공휴일", "Substitute holiday");
	qsort(holidays->list, holidays->count, sizeof *holidays->list, compare);
	return true;
}
