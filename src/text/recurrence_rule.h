/* The three files of the recurrence among themselves: the rule as it was read, and the walk over its local times. */
#ifndef TRACKTWO_SRC_TEXT_RECURRENCE_RULE_H
#define TRACKTWO_SRC_TEXT_RECURRENCE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "text/recurrence.h"

enum recurrence_freq {
	RECURRENCE_SECONDLY,
	RECURRENCE_MINUTELY,
	RECURRENCE_HOURLY,
	RECURRENCE_DAILY,
	RECURRENCE_WEEKLY,
	RECURRENCE_MONTHLY,
	RECURRENCE_YEARLY,
};

enum recurrence_until { RECURRENCE_ENDLESS, RECURRENCE_UNTIL_LOCAL, RECURRENCE_UNTIL_INSTANT };

enum { RECURRENCE_LIST_MAX = RECURRENCE_RULE_MAX / 2, RECURRENCE_YEARDAY_BYTES = 366 / 8 + 1 };

/* A set of numbers, from the beginning and from the end: bit n is n, or -n. No bit at all: the part is not there. */
struct recurrence_bits {
	uint64_t from_start, from_end;
};

struct recurrence_rule {
	enum recurrence_freq freq;
	int interval, count; /* count 0: without end */
	int week_start;      /* 0 is Monday, as everywhere here */
	enum recurrence_until until;
	int64_t until_s;
	struct recurrence_bits months, month_days, weeks, hours, minutes, seconds;
	bool has_year_days;
	uint8_t year_days[RECURRENCE_YEARDAY_BYTES], year_days_from_end[RECURRENCE_YEARDAY_BYTES];
	uint8_t weekdays; /* those without a number, a bit each */
	struct {
		int8_t nth, weekday;
	} numbered[RECURRENCE_LIST_MAX];
	size_t numbered_count;
	int16_t positions[RECURRENCE_LIST_MAX];
	size_t position_count;
};

/* Of recurrence.c: reads a rule of any frequency. */
ERR_CHECKED bool recurrence_rule_read(const char *text, struct recurrence_rule *rule, struct err *err);

struct recurrence_day {
	int32_t number; /* since 1970-01-01 */
	int year, month, month_day, month_length, year_day, year_length, weekday;
};

/* Of recurrence_walk.c: the local times of a rule in order, from its start on; COUNT and UNTIL are not looked at. */
struct recurrence_walk {
	struct recurrence_rule rule; /* completed by what it takes from the start */
	int64_t start_s;
	int64_t period; /* the next one: years, months, weeks, days, hours, minutes or seconds, counted from the epoch */
	int fruitless;  /* periods in a row without a time */
	bool hopeless;  /* no later period can have one */
	struct recurrence_day day; /* looked at last */
	int32_t days[366];
	size_t day_count;
	uint8_t hours[24], minutes[60], seconds[60];
	size_t hour_count, minute_count, second_count;
	size_t chosen[RECURRENCE_LIST_MAX]; /* by BYSETPOS, in order, each once */
	size_t index, total;
};

/* Times before `from_s` may be left out, but need not. */
void recurrence_walk_init(struct recurrence_walk *walk, const struct recurrence_rule *rule, int64_t start_s,
                          int64_t from_s);

/* False at the end: past the year 9999, or when the calendar has repeated without a time. */
bool recurrence_walk_next(struct recurrence_walk *walk, int64_t *local_s);

#endif
