/* When: the words of a text fill slots (a year, a weekday, an hour …), in any order, each once; what the filled slots
 * mean together is worked out here, when the text has ended.
 *
 * Invariant: days are counted on the calendar of the zone, and only the last step makes an instant of a day and an hour
 * on the wall. Amounts of days and longer move the day, those of hours and shorter the instant. */
#include "text/when.h"

#include <stdlib.h>
#include <string.h>

#include "text/time.h"
#include "when_parts.h"

enum { DAY_S = 86400, WEEK_DAYS = 7, MINUTES_MAX = 59, DAYS_MOST = 4000000 };

/* What the slots mean together. */

static struct time_civil civil_of(int year, int month, int day)
{
	return (struct time_civil){.year = year, .month = month, .day = day};
}

static bool in_range(int64_t day, struct err *err)
{
	if (day >= time_days_from_civil(civil_of(1, 1, 2)) && day <= time_days_from_civil(civil_of(9999, 12, 30)))
		return true;
	return err_set(err, "that lies outside the years 1 to 9999");
}

/* The same day `months` later; the last of the month where it has no such day. */
static int64_t add_months(int32_t day, int64_t months)
{
	struct time_civil date = time_civil_from_days(day);
	int64_t month = (int64_t)date.year * 12 + date.month - 1 + months;
	if (month < 12 || month >= INT64_C(12) * 10000)
		return DAYS_MOST;
	date.year = (int)(month / 12);
	date.month = (int)(month % 12) + 1;
	int last = time_days_in_month(date.year, date.month);
	date.day = date.day < last ? date.day : last;
	return time_days_from_civil(date);
}

static int direction_of(const struct reading *r)
{
	return r->clock->direction == WHEN_BACK ? -1 : 1;
}

/* Whether the day lies where the direction looks, today included. */
static bool looked_at(const struct reading *r, int64_t day)
{
	return r->clock->direction == WHEN_BACK ? day <= r->today : day >= r->today;
}

static void set_span(struct when *when, enum when_kind kind, int32_t first, int32_t last)
{
	when->kind = kind;
	when->first_day = first;
	when->last_day = last;
}

static void set_month(struct when *when, int year, int month)
{
	int32_t first = time_days_from_civil(civil_of(year, month, 1));
	set_span(when, WHEN_MONTH, first, first + time_days_in_month(year, month) - 1);
}

static void set_year(struct when *when, int year)
{
	set_span(when, WHEN_YEAR, time_days_from_civil(civil_of(year, 1, 1)), time_days_from_civil(civil_of(year, 12, 31)));
}

static bool check_month(struct reading *r, struct err *err)
{
	int month = r->slot[SLOT_MONTH], day = r->slot[SLOT_MONTHDAY];
	if (r->set[SLOT_MONTH] && (month < 1 || month > 12))
		return err_set(err, "there is no month %d; write the month before the day, 11-20, or its name", month);
	if (!r->set[SLOT_MONTHDAY])
		return true;
	int most = r->set[SLOT_MONTH] ? time_days_in_month(r->set[SLOT_YEAR] ? r->slot[SLOT_YEAR] : 2000, month) : 31;
	if (day >= 1 && day <= most)
		return true;
	return err_set(err, "there is no day %d in that month; it ends on the %d", day, most);
}

/* A month and a day, or one of them, of the year or month to which the direction leads. */
static bool find_nearest_date(struct reading *r, struct when *when, struct err *err)
{
	struct time_civil at = time_civil_from_days(r->today);
	bool month_set = r->set[SLOT_MONTH], day_set = r->set[SLOT_MONTHDAY];
	int64_t month = (int64_t)at.year * 12 + (month_set ? r->slot[SLOT_MONTH] : at.month) - 1;
	/* 29 February comes again within eight years, another day of a month within a year. */
	for (int tries = 0; tries < 12; tries++, month += direction_of(r) * (month_set ? 12 : 1)) {
		int year = (int)(month / 12), month_of = (int)(month % 12) + 1, days = time_days_in_month(year, month_of);
		int day = day_set ? r->slot[SLOT_MONTHDAY] : 1;
		int32_t first = time_days_from_civil(civil_of(year, month_of, day));
		int32_t last = day_set ? first : first + days - 1;
		if (day > days || !looked_at(r, r->clock->direction == WHEN_BACK ? first : last))
			continue;
		set_span(when, day_set ? WHEN_DAY : WHEN_MONTH, first, last);
		return in_range(first, err);
	}
	return err_set(err, "no such day is near; write the year, too");
}

static bool find_date(struct reading *r, struct when *when, struct err *err)
{
	if (!check_month(r, err))
		return false;
	if (!r->set[SLOT_YEAR])
		return find_nearest_date(r, when, err);
	int year = r->slot[SLOT_YEAR];
	if (year < 1 || year > 9999)
		return err_set(err, "that lies outside the years 1 to 9999");
	if (r->set[SLOT_MONTHDAY] && !r->set[SLOT_MONTH])
		return err_set(err, "a day of which month? Write 2026-11-20 or 20 Nov 2026");
	if (!r->set[SLOT_MONTH]) {
		set_year(when, year);
	} else if (!r->set[SLOT_MONTHDAY]) {
		set_month(when, year, r->slot[SLOT_MONTH]);
	} else {
		int32_t day = time_days_from_civil(civil_of(year, r->slot[SLOT_MONTH], r->slot[SLOT_MONTHDAY]));
		set_span(when, WHEN_DAY, day, day);
	}
	return true;
}

static int32_t monday_of(int32_t day)
{
	/* 1970-01-01 was a Thursday. */
	int weekday = (int)(((int64_t)day + 3) % WEEK_DAYS + WEEK_DAYS) % WEEK_DAYS;
	return day - weekday;
}

/* A period of a month or a year is that month or year, to which a month and a day may be said. */
static bool spell_period(struct reading *r, struct err *err)
{
	if (!r->set[SLOT_PERIOD] || r->period_unit == UNIT_WEEK)
		return true;
	struct time_civil at = time_civil_from_days(r->today);
	int64_t month = (int64_t)at.year * 12 + at.month - 1;
	month += (int64_t)r->slot[SLOT_PERIOD] * (r->period_unit == UNIT_YEAR ? 12 : 1);
	r->set[SLOT_PERIOD] = false;
	return when_put(r, SLOT_YEAR, (int)(month / 12), err) &&
	       (r->period_unit == UNIT_YEAR || when_put(r, SLOT_MONTH, (int)(month % 12) + 1, err));
}

static bool find_weekday(struct reading *r, struct when *when, bool found, struct err *err)
{
	int weekday = r->slot[SLOT_WEEKDAY];
	if (!r->set[SLOT_WEEKDAY])
		return true;
	if (found && when->kind == WHEN_DAY)
		return when->first_day - monday_of(when->first_day) == weekday ||
		       err_set(err, "that day is another day of the week; leave one of the two out");
	if (found && when->kind != WHEN_WEEK)
		return when_fault_twice(err);
	int32_t day = (found ? when->first_day : monday_of(r->today)) + weekday;
	if (!found && !looked_at(r, day))
		day += direction_of(r) * WEEK_DAYS;
	set_span(when, WHEN_DAY, day, day);
	return true;
}

static bool find_edge(struct reading *r, struct when *when, bool found, struct err *err)
{
	if (!r->set[SLOT_EDGE])
		return true;
	if (!found || when->kind == WHEN_DAY)
		return err_set(err, "start and end are those of a week, month or year: write, for example, \"end of month\"");
	int32_t day = r->slot[SLOT_EDGE] ? when->last_day : when->first_day;
	set_span(when, WHEN_DAY, day, day);
	return true;
}

/* The day, week, month or year that was said; *found is false when none was. */
static bool find_span(struct reading *r, struct when *when, bool *found, struct err *err)
{
	if (!spell_period(r, err))
		return false;
	bool dated = r->set[SLOT_YEAR] || r->set[SLOT_MONTH] || r->set[SLOT_MONTHDAY];
	if (dated + r->set[SLOT_PERIOD] + r->set[SLOT_DAY] + r->has_amount > 1)
		return when_fault_twice(err);
	*found = dated || r->set[SLOT_PERIOD] || r->set[SLOT_DAY];
	if (dated && !find_date(r, when, err))
		return false;
	if (r->set[SLOT_PERIOD]) {
		int32_t monday = monday_of(r->today) + WEEK_DAYS * r->slot[SLOT_PERIOD];
		set_span(when, WHEN_WEEK, monday, monday + WEEK_DAYS - 1);
	} else if (r->set[SLOT_DAY]) {
		set_span(when, WHEN_DAY, r->today + r->slot[SLOT_DAY], r->today + r->slot[SLOT_DAY]);
	}
	if (!find_edge(r, when, *found, err) || !find_weekday(r, when, *found, err))
		return false;
	*found = *found || r->set[SLOT_WEEKDAY];
	return true;
}

/* Today, moved by what was said in days, weeks, months and years. */
static bool find_amount(struct reading *r, struct when *when, struct err *err)
{
	int64_t sign = r->set[SLOT_SIGN] ? r->slot[SLOT_SIGN] : direction_of(r);
	int64_t day = add_months(r->today, sign * (12 * r->amount[UNIT_YEAR] + r->amount[UNIT_MONTH]));
	day += sign * (WEEK_DAYS * r->amount[UNIT_WEEK] + r->amount[UNIT_DAY]);
	if (!in_range(day, err))
		return false;
	set_span(when, WHEN_DAY, (int32_t)day, (int32_t)day);
	int64_t exact_s = 3600 * r->amount[UNIT_HOUR] + 60 * r->amount[UNIT_MINUTE] + r->amount[UNIT_SECOND];
	if (exact_s == 0)
		return true;
	if (r->set[SLOT_HOUR])
		return when_fault_twice(err);
	int64_t from_s = r->now_s;
	if (day != r->today)
		from_s = zone_instant_of(r->zone, r->now_local_s + (day - r->today) * DAY_S, NULL);
	when->kind = WHEN_INSTANT;
	when->instant_us = (from_s + sign * exact_s) * 1000000;
	return true;
}

/* The time on the wall, in seconds from the day's beginning: up to 24:00. */
static bool find_time(struct reading *r, int *time_s, struct err *err)
{
	int hour = r->slot[SLOT_HOUR], half = r->slot[SLOT_HALF_OF_DAY];
	if (r->set[SLOT_HALF_OF_DAY]) {
		if (!r->set[SLOT_HOUR] || hour < 1 || hour > 12)
			return err_set(err, "morning and afternoon go with an hour from 1 to 12, such as 3pm");
		if ((half == 2 && (hour < 6 || hour == 12)) || (half == 4 && (hour < 4 || hour == 12)))
			return err_set(err, "at night could be of the day before or after; write 22:00 or 02:00");
		if (half == 3 && hour > 5 && hour < 11)
			return err_set(err, "that hour is not of the middle of the day; write 오전 or 오후");
		hour = half == 3 && hour == 11 ? hour : hour % 12 + (half ? 12 : 0);
	}
	*time_s = hour * 3600 + r->slot[SLOT_MINUTE] * 60 + r->slot[SLOT_SECOND];
	if (hour <= 24 && *time_s <= DAY_S && r->slot[SLOT_MINUTE] <= MINUTES_MAX && r->slot[SLOT_SECOND] <= MINUTES_MAX)
		return true;
	return err_set(err, "there is no such time of day; they go from 00:00 to 24:00");
}

static bool set_time(struct reading *r, struct when *when, int time_s, struct err *err)
{
	if (when->kind != WHEN_DAY)
		return err_set(err, "a time of day needs a day; that is a week, month or year");
	if (!in_range(when->first_day, err))
		return false;
	int64_t local_s = (int64_t)when->first_day * DAY_S + time_s;
	int64_t instant_s =
	    r->set[SLOT_OFFSET] ? local_s - r->slot[SLOT_OFFSET] : zone_instant_of(r->zone, local_s, &when->moved);
	when->kind = WHEN_INSTANT;
	when->instant_us = instant_s * 1000000;
	return true;
}

/* "3일 전" counts days, and "3일 15:00" names one. */
static void read_day_suffix(struct reading *r)
{
	if (!r->day_suffixed || !r->set[SLOT_MONTHDAY] || r->set[SLOT_MONTH] || r->set[SLOT_YEAR] || r->set[SLOT_PERIOD])
		return;
	if (!r->set[SLOT_SIGN] && !r->has_amount)
		return;
	r->set[SLOT_MONTHDAY] = false;
	r->amount[UNIT_DAY] += r->slot[SLOT_MONTHDAY];
	r->has_amount = true;
}

static bool find_when(struct reading *r, struct when *when, struct err *err)
{
	bool found = false;
	int time_s = 0;
	read_day_suffix(r);
	if (r->set[SLOT_NOW]) {
		if (r->words.count > 1)
			return when_fault_twice(err);
		*when = (struct when){.kind = WHEN_INSTANT, .instant_us = r->now_s * 1000000};
		return true;
	}
	if (r->set[SLOT_SIGN] && !r->has_amount)
		return err_set(err, "how much? Write, for example, \"3 days ago\" or \"in 2 weeks\"");
	if (!find_span(r, when, &found, err) || !find_time(r, &time_s, err))
		return false;
	if (r->set[SLOT_OFFSET] && (!found || !r->set[SLOT_HOUR]))
		return err_set(err, "an offset from UTC goes with a day and a time of day");
	if (r->has_amount && found)
		return when_fault_twice(err);
	if (r->has_amount && !find_amount(r, when, err))
		return false;
	if (!found && !r->has_amount)
		set_span(when, WHEN_DAY, r->today, r->today);
	return r->set[SLOT_HOUR] ? set_time(r, when, time_s, err) : in_range(when->first_day, err);
}

static int64_t floor_divide(int64_t number, int64_t by)
{
	return number / by - (number % by < 0);
}

bool when_read(const char *text, const struct when_clock *clock, struct when *when, struct err *err)
{
	struct arena arena = {0};
	struct zone zone;
	struct reading *r = arena_alloc(&arena, sizeof *r);
	*when = (struct when){.kind = WHEN_INSTANT};
	r->clock = clock;
	bool right = false, plain_instant = time_parse_instant(text, &when->instant_us, NULL);
	int32_t day;
	if (!plain_instant && !when_split(&arena, text, &r->words, err))
		goto out;
	if (!zone_init(&zone, clock->zone, err))
		goto out;
	r->zone = &zone;
	r->now_s = floor_divide(clock->now_us, 1000000);
	r->now_local_s = zone_local_of(&zone, r->now_s);
	r->today = (int32_t)floor_divide(r->now_local_s, DAY_S);
	right = plain_instant || (when_take(r, err) && find_when(r, when, err));
	when->relative = !plain_instant && !time_parse_day(text, &day, NULL);
	if (right && when->kind == WHEN_INSTANT) {
		int64_t local_s = zone_local_of(&zone, floor_divide(when->instant_us, 1000000));
		when->first_day = when->last_day = (int32_t)floor_divide(local_s, DAY_S);
	}
	zone_release(&zone);
out:
	arena_release(&arena);
	return right;
}

bool when_at(const struct when *when, int hour, int minute, const char *zone, int64_t *instant_us, struct err *err)
{
	struct zone entered;
	if (!zone_init(&entered, zone, err))
		return false;
	int64_t local_s = (int64_t)when->first_day * DAY_S + hour * 3600 + minute * 60;
	*instant_us = zone_instant_of(&entered, local_s, NULL) * 1000000;
	zone_release(&entered);
	return true;
}

static const char *instant_text(struct arena *arena, int64_t instant_us, const char *zone)
{
	struct zone entered;
	int64_t instant_s = floor_divide(instant_us, 1000000);
	if (!zone_init(&entered, zone, NULL))
		abort();
	int64_t local_s = zone_local_of(&entered, instant_s), offset = (local_s - instant_s) / 60;
	zone_release(&entered);
	char day[TIME_DAY_SIZE];
	time_format_day((int32_t)floor_divide(local_s, DAY_S), day);
	int second = (int)(local_s - floor_divide(local_s, DAY_S) * DAY_S);
	const char *seconds = second % 60 ? arena_printf(arena, ":%02d", second % 60) : "";
	return arena_printf(arena, "%sT%02d:%02d%s%c%02d:%02d (%s)", day, second / 3600, second / 60 % 60, seconds,
	                    offset < 0 ? '-' : '+', abs((int)offset) / 60, abs((int)offset) % 60, zone);
}

const char *when_text(struct arena *arena, const struct when *when, const char *zone)
{
	char first[TIME_DAY_SIZE], last[TIME_DAY_SIZE];
	if (when->kind == WHEN_INSTANT)
		return instant_text(arena, when->instant_us, zone);
	time_format_day(when->first_day, first);
	time_format_day(when->last_day, last);
	static const int shown[] = {[WHEN_DAY] = 10, [WHEN_WEEK] = 10, [WHEN_MONTH] = 7, [WHEN_YEAR] = 4};
	const char *text = arena_printf(arena, "%.*s", shown[when->kind], first);
	return when->kind == WHEN_WEEK ? arena_printf(arena, "%s/%s", text, last) : text;
}
