/* Recurrence, the walk: period after period of the frequency, each a list of days crossed with a list of times of the
 * day.
 *
 * RFC 5545 section 3.3.10 speaks of parts that expand and parts that limit. Both come out the same when a period is the
 * set of all its days that meet every part, once the parts that the rule leaves open have been taken from the start.
 * The set of times is never written out: BYSETPOS picks by number, day = number / times a day, so that no rule takes
 * more room than another.
 *
 * Invariant: `period` differs from the start's by a multiple of the interval, and days, times and chosen are in order.
 * The Gregorian calendar repeats, weekdays and all, after 400 years; so a rule without a time in as many periods has
 * none. */
#include <string.h>

#include "recurrence_rule.h"
#include "text/time.h"

enum { DAY_S = 86400, HOUR_S = 3600, MINUTE_S = 60, LAST_YEAR = 9999, EPOCH_WEEKDAY = 3 };

/* Seconds of a period, where all are equal; and how many make 400 years. Below a day, days without a time are passed
 * over whole. */
static const struct {
	int seconds, fruitless_max;
} kinds[] = {
    [RECURRENCE_SECONDLY] = {1, 146097},
    [RECURRENCE_MINUTELY] = {MINUTE_S, 146097},
    [RECURRENCE_HOURLY] = {HOUR_S, 146097},
    [RECURRENCE_DAILY] = {DAY_S, 146097},
    [RECURRENCE_WEEKLY] = {7 * DAY_S, 146097 / 7},
    [RECURRENCE_MONTHLY] = {0, 4800},
    [RECURRENCE_YEARLY] = {0, 400},
};

static int64_t floor_div(int64_t value, int64_t by)
{
	return value / by - (value % by < 0);
}

static int year_length(int year)
{
	return 337 + time_days_in_month(year, 2);
}

static int weekday_of(int32_t day)
{
	return (int)(((int64_t)day + EPOCH_WEEKDAY) % 7 + 7) % 7;
}

static struct recurrence_day day_of(int32_t number)
{
	struct time_civil civil = time_civil_from_days(number);
	return (struct recurrence_day){
	    .number = number,
	    .year = civil.year,
	    .month = civil.month,
	    .month_day = civil.day,
	    .month_length = time_days_in_month(civil.year, civil.month),
	    .year_day = number - time_days_from_civil((struct time_civil){civil.year, 1, 1}) + 1,
	    .year_length = year_length(civil.year),
	    .weekday = weekday_of(number),
	};
}

static void step(struct recurrence_day *day)
{
	day->number++;
	day->year_day++;
	day->weekday = day->weekday == 6 ? 0 : day->weekday + 1;
	if (day->month_day++ < day->month_length)
		return;
	day->month_day = 1;
	if (day->month++ == 12) {
		day->month = day->year_day = 1;
		day->year_length = year_length(++day->year);
	}
	day->month_length = time_days_in_month(day->year, day->month);
}

/* Most days are looked at in order, where a step is cheap. */
static const struct recurrence_day *seek(struct recurrence_walk *walk, int32_t number)
{
	if (number < walk->day.number || number > walk->day.number + 31)
		walk->day = day_of(number);
	while (walk->day.number < number)
		step(&walk->day);
	return &walk->day;
}

static bool is_set(const struct recurrence_bits *bits)
{
	return bits->from_start | bits->from_end;
}

/* `number` of 1 … `last`. */
static bool is_in(const struct recurrence_bits *bits, int number, int last)
{
	return bits->from_start >> number & 1 || bits->from_end >> (last + 1 - number) & 1;
}

/* ISO 8601 with another first day: a week belongs to the year that holds its fourth day. */
static bool week_fits(const struct recurrence_rule *rule, const struct recurrence_day *day)
{
	int fourth = day->year_day + 3 - (day->weekday - rule->week_start + 7) % 7, length = day->year_length;
	if (fourth < 1) {
		length = year_length(day->year - 1);
		fourth += length;
	} else if (fourth > length) {
		fourth -= length;
		length = year_length(day->year + 1);
	}
	int weeks = (length - (fourth - 1) % 7 - 1) / 7 + 1;
	return is_in(&rule->weeks, (fourth - 1) / 7 + 1, weeks);
}

static bool year_day_fits(const struct recurrence_rule *rule, const struct recurrence_day *day)
{
	int from_end = day->year_length + 1 - day->year_day;
	return rule->year_days[day->year_day / 8] >> day->year_day % 8 & 1 ||
	       rule->year_days_from_end[from_end / 8] >> from_end % 8 & 1;
}

static bool weekday_fits(const struct recurrence_rule *rule, const struct recurrence_day *day)
{
	if (rule->weekdays >> day->weekday & 1)
		return true;
	/* Numbers count within the month, unless nothing speaks of months. */
	bool by_month = rule->freq == RECURRENCE_MONTHLY || is_set(&rule->months);
	int place = by_month ? day->month_day : day->year_day, length = by_month ? day->month_length : day->year_length;
	int nth = (place - 1) / 7 + 1, nth_from_end = -((length - place) / 7 + 1);
	for (size_t i = 0; i < rule->numbered_count; i++)
		if (rule->numbered[i].weekday == day->weekday &&
		    (rule->numbered[i].nth == nth || rule->numbered[i].nth == nth_from_end))
			return true;
	return false;
}

static bool day_fits(const struct recurrence_rule *rule, const struct recurrence_day *day)
{
	return (!is_set(&rule->months) || is_in(&rule->months, day->month, 12)) &&
	       (!is_set(&rule->month_days) || is_in(&rule->month_days, day->month_day, day->month_length)) &&
	       ((!rule->weekdays && rule->numbered_count == 0) || weekday_fits(rule, day)) &&
	       (!rule->has_year_days || year_day_fits(rule, day)) && (!is_set(&rule->weeks) || week_fits(rule, day));
}

static void add_days(struct recurrence_walk *walk, int32_t first, int count)
{
	for (int32_t number = first; number < first + count; number++)
		if (day_fits(&walk->rule, seek(walk, number)))
			walk->days[walk->day_count++] = number;
}

/* `period` counts months as MONTHLY does. A month that BYMONTH leaves out is not looked at. */
static void add_month(struct recurrence_walk *walk, int64_t period)
{
	int year = (int)floor_div(period, 12), month = (int)(period - year * INT64_C(12)) + 1;
	if (!is_set(&walk->rule.months) || is_in(&walk->rule.months, month, 12))
		add_days(walk, time_days_from_civil((struct time_civil){year, month, 1}), time_days_in_month(year, month));
}

static int64_t period_of(const struct recurrence_rule *rule, int64_t local_s)
{
	int32_t day = (int32_t)floor_div(local_s, DAY_S);
	struct time_civil civil = time_civil_from_days(day);
	switch (rule->freq) {
	case RECURRENCE_YEARLY:
		return civil.year;
	case RECURRENCE_MONTHLY:
		return civil.year * INT64_C(12) + civil.month - 1;
	case RECURRENCE_WEEKLY:
		return floor_div((int64_t)day + EPOCH_WEEKDAY - rule->week_start, 7);
	default:
		return floor_div(local_s, kinds[rule->freq].seconds);
	}
}

static int64_t first_second_of(const struct recurrence_rule *rule, int64_t period)
{
	if (rule->freq == RECURRENCE_YEARLY || rule->freq == RECURRENCE_MONTHLY)
		return INT64_MIN;
	int64_t first = period * kinds[rule->freq].seconds;
	return rule->freq == RECURRENCE_WEEKLY ? first + (rule->week_start - EPOCH_WEEKDAY) * INT64_C(86400) : first;
}

static bool is_over(const struct recurrence_rule *rule, int64_t period)
{
	if (rule->freq == RECURRENCE_YEARLY)
		return period > LAST_YEAR;
	if (rule->freq == RECURRENCE_MONTHLY)
		return period >= (LAST_YEAR + 1) * INT64_C(12);
	static const struct time_civil after_all = {LAST_YEAR + 1, 1, 1};
	return first_second_of(rule, period) >= time_days_from_civil(after_all) * INT64_C(86400);
}

static size_t list_bits(uint64_t bits, uint8_t *list)
{
	size_t count = 0;
	for (uint8_t number = 0; number < 60; number++)
		if (bits >> number & 1)
			list[count++] = number;
	return count;
}

/* A part of the time of the day: of the rule, or of the period's own when that is as short; false when the two exclude
 * each other. */
static bool list_times(const struct recurrence_bits *bits, bool own, int64_t value, uint8_t *list, size_t *count)
{
	uint64_t wanted = bits->from_start;
	if (own)
		wanted = wanted ? wanted & UINT64_C(1) << value : UINT64_C(1) << value;
	*count = list_bits(wanted, list);
	return *count > 0;
}

/* The period of the walk for a frequency below DAILY. Returns the seconds after which the next one may differ: what
 * made this one empty lasts so long. */
static int load_times(struct recurrence_walk *walk, int64_t first_s)
{
	const struct recurrence_rule *rule = &walk->rule;
	int32_t day = (int32_t)floor_div(first_s, DAY_S);
	int64_t second = first_s - day * INT64_C(86400);
	add_days(walk, day, 1);
	if (walk->day_count == 0)
		return DAY_S;
	if (!list_times(&rule->hours, true, second / HOUR_S, walk->hours, &walk->hour_count))
		return HOUR_S;
	if (!list_times(&rule->minutes, rule->freq <= RECURRENCE_MINUTELY, second / MINUTE_S % 60, walk->minutes,
	                &walk->minute_count))
		return MINUTE_S;
	list_times(&rule->seconds, rule->freq == RECURRENCE_SECONDLY, second % 60, walk->seconds, &walk->second_count);
	return 1;
}

static void choose(struct recurrence_walk *walk)
{
	const struct recurrence_rule *rule = &walk->rule;
	if (rule->position_count == 0)
		return;
	size_t count = 0;
	for (size_t i = 0; i < rule->position_count; i++) {
		int64_t number = rule->positions[i] > 0 ? rule->positions[i] - 1 : (int64_t)walk->total + rule->positions[i];
		if (number < 0 || number >= (int64_t)walk->total)
			continue;
		size_t at = count;
		while (at > 0 && walk->chosen[at - 1] > (size_t)number)
			at--;
		if (at > 0 && walk->chosen[at - 1] == (size_t)number)
			continue;
		memmove(walk->chosen + at + 1, walk->chosen + at, (count - at) * sizeof walk->chosen[0]);
		walk->chosen[at] = (size_t)number;
		count++;
	}
	walk->total = count;
}

/* Fills the walk with `period`, and sets `period` to the next one that may hold a time. */
static void load(struct recurrence_walk *walk)
{
	const struct recurrence_rule *rule = &walk->rule;
	int64_t period = walk->period, first_s = first_second_of(rule, period), skip_s = 1;
	walk->day_count = 0;
	walk->index = 0;
	if (rule->freq == RECURRENCE_YEARLY)
		for (int month = 0; month < 12; month++)
			add_month(walk, period * 12 + month);
	else if (rule->freq == RECURRENCE_MONTHLY)
		add_month(walk, period);
	else if (rule->freq >= RECURRENCE_DAILY)
		add_days(walk, (int32_t)floor_div(first_s, DAY_S), rule->freq == RECURRENCE_WEEKLY ? 7 : 1);
	else
		skip_s = load_times(walk, first_s);
	size_t total = skip_s > 1 ? 0 : walk->day_count * walk->hour_count * walk->minute_count * walk->second_count;
	walk->total = total;
	choose(walk);
	/* Sets within a day are all of one size, so BYSETPOS finds in none what it does not find in one. */
	walk->hopeless = rule->freq <= RECURRENCE_DAILY && total > 0 && walk->total == 0;
	walk->period += rule->interval;
	if (skip_s > 1) {
		int64_t next = (floor_div(first_s, skip_s) + 1) * skip_s / kinds[rule->freq].seconds;
		if (next > walk->period)
			walk->period += (next - walk->period + rule->interval - 1) / rule->interval * rule->interval;
	}
}

/* What the rule leaves open comes from the start (section 3.3.10: "Information, not contained in the rule …"). */
static void complete(struct recurrence_rule *rule, int64_t start_s)
{
	int32_t number = (int32_t)floor_div(start_s, DAY_S);
	int64_t second = start_s - number * INT64_C(86400);
	const struct recurrence_day day = day_of(number);
	bool has_day = rule->has_year_days || rule->weekdays || rule->numbered_count > 0 || is_set(&rule->month_days);
	if (!has_day && (rule->freq == RECURRENCE_WEEKLY || is_set(&rule->weeks)))
		rule->weekdays = (uint8_t)(1 << day.weekday);
	else if (!has_day && rule->freq >= RECURRENCE_MONTHLY)
		rule->month_days.from_start = UINT64_C(1) << day.month_day;
	if (!has_day && rule->freq == RECURRENCE_YEARLY && !is_set(&rule->months) && !is_set(&rule->weeks))
		rule->months.from_start = UINT64_C(1) << day.month;
	if (!is_set(&rule->hours) && rule->freq >= RECURRENCE_DAILY)
		rule->hours.from_start = UINT64_C(1) << second / HOUR_S;
	if (!is_set(&rule->minutes) && rule->freq >= RECURRENCE_HOURLY)
		rule->minutes.from_start = UINT64_C(1) << second / MINUTE_S % 60;
	if (!is_set(&rule->seconds) && rule->freq >= RECURRENCE_MINUTELY)
		rule->seconds.from_start = UINT64_C(1) << second % 60;
}

void recurrence_walk_init(struct recurrence_walk *walk, const struct recurrence_rule *rule, int64_t start_s,
                          int64_t from_s)
{
	memset(walk, 0, sizeof *walk);
	walk->rule = *rule;
	walk->start_s = start_s;
	complete(&walk->rule, start_s);
	walk->hour_count = list_bits(walk->rule.hours.from_start, walk->hours);
	walk->minute_count = list_bits(walk->rule.minutes.from_start, walk->minutes);
	walk->second_count = list_bits(walk->rule.seconds.from_start, walk->seconds);
	walk->period = period_of(rule, start_s);
	int64_t ahead = period_of(rule, from_s) - walk->period;
	if (ahead > 0)
		walk->period += ahead / rule->interval * rule->interval;
	walk->day = day_of((int32_t)floor_div(start_s, DAY_S));
}

static int64_t time_at(const struct recurrence_walk *walk, size_t number)
{
	size_t second = number % walk->second_count, rest = number / walk->second_count;
	size_t minute = rest % walk->minute_count, hour = rest / walk->minute_count % walk->hour_count;
	int32_t day = walk->days[rest / walk->minute_count / walk->hour_count];
	return day * INT64_C(86400) + walk->hours[hour] * HOUR_S + walk->minutes[minute] * MINUTE_S + walk->seconds[second];
}

bool recurrence_walk_next(struct recurrence_walk *walk, int64_t *local_s)
{
	for (;;) {
		while (walk->index < walk->total) {
			size_t index = walk->index++;
			*local_s = time_at(walk, walk->rule.position_count ? walk->chosen[index] : index);
			if (*local_s >= walk->start_s)
				return true;
		}
		if (walk->hopeless || is_over(&walk->rule, walk->period) ||
		    walk->fruitless > kinds[walk->rule.freq].fruitless_max)
			return false;
		load(walk);
		walk->fruitless = walk->total ? 0 : walk->fruitless + 1;
	}
}
