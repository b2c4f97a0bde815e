/* Time: a cursor walks the text once, taking exactly as many digits as RFC 3339 allows.
 *
 * Invariant: a day or instant that was accepted lies in the years 0001 to 9999 UTC and is written back by the format
 * functions as the same value. Calendar arithmetic is days_from_civil and civil_from_days of Howard Hinnant's
 * "chrono-Compatible Low-Level Date Algorithms" (https://howardhinnant.github.io/date_algorithms.html): years begin in
 * March, so that the leap day is the last of a year, and 400 years are an era of 146,097 days. */
#include "text/time.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MICROS_PER_SECOND INT64_C(1000000)
#define MICROS_PER_DAY (86400 * MICROS_PER_SECOND)

enum { ERA_DAYS = 146097, EPOCH_FROM_MARCH_0 = 719468 };

int32_t time_days_from_civil(struct time_civil date)
{
	int year = date.month <= 2 ? date.year - 1 : date.year;
	int era = (year >= 0 ? year : year - 399) / 400;
	int year_of_era = year - era * 400;
	int month_from_march = (date.month + 9) % 12;
	int day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
	int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * ERA_DAYS + day_of_era - EPOCH_FROM_MARCH_0;
}

struct time_civil time_civil_from_days(int32_t days)
{
	int64_t shifted = (int64_t)days + EPOCH_FROM_MARCH_0;
	int64_t era = (shifted >= 0 ? shifted : shifted - (ERA_DAYS - 1)) / ERA_DAYS;
	int day_of_era = (int)(shifted - era * ERA_DAYS);
	int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / (ERA_DAYS - 1)) / 365;
	int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int month_from_march = (5 * day_of_year + 2) / 153;
	int month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
	return (struct time_civil){
	    .year = (int)(year_of_era + era * 400) + (month <= 2),
	    .month = month,
	    .day = day_of_year - (153 * month_from_march + 2) / 5 + 1,
	};
}

int time_days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return days[month - 1] + (month == 2 && leap);
}

static bool take_digits(const char **at, int count, int *value)
{
	*value = 0;
	for (; count > 0; count--, (*at)++) {
		if (**at < '0' || **at > '9')
			return false;
		*value = *value * 10 + (**at - '0');
	}
	return true;
}

static bool take(const char **at, char wanted)
{
	if (**at != wanted)
		return false;
	(*at)++;
	return true;
}

static bool take_date(const char **at, int32_t *days, struct err *err)
{
	struct time_civil date;
	if (!take_digits(at, 4, &date.year) || !take(at, '-') || !take_digits(at, 2, &date.month) || !take(at, '-') ||
	    !take_digits(at, 2, &date.day))
		return err_set(err, "write the date as YYYY-MM-DD");
	if (date.year < 1)
		return err_set(err, "the year must be 0001 to 9999");
	if (date.month < 1 || date.month > 12)
		return err_set(err, "the month must be 01 to 12");
	if (date.day < 1 || date.day > time_days_in_month(date.year, date.month))
		return err_set(err, "that month has the days 01 to %02d", time_days_in_month(date.year, date.month));
	*days = time_days_from_civil(date);
	return true;
}

static bool take_clock(const char **at, int *seconds, struct err *err)
{
	int hour, minute, second;
	*seconds = 0;
	if (!take_digits(at, 2, &hour) || !take(at, ':') || !take_digits(at, 2, &minute) || !take(at, ':') ||
	    !take_digits(at, 2, &second))
		return err_set(err, "write the time as hh:mm:ss after the T");
	if (hour > 23)
		return err_set(err, "the hour must be 00 to 23; midnight is 00:00:00 of the next day");
	if (minute > 59)
		return err_set(err, "the minute must be 00 to 59");
	if (second == 60)
		return err_set(err, "leap seconds (second 60) cannot be stored; write second 59, or 00 of the next minute");
	if (second > 60)
		return err_set(err, "the second must be 00 to 59");
	*seconds = (hour * 60 + minute) * 60 + second;
	return true;
}

static bool take_fraction(const char **at, int *micros, struct err *err)
{
	*micros = 0;
	if (!take(at, '.'))
		return true;
	int digits = 0;
	for (; **at >= '0' && **at <= '9'; (*at)++, digits++)
		if (digits < 6)
			*micros = *micros * 10 + (**at - '0');
	if (digits < 1 || digits > 9)
		return err_set(err, "a fraction of a second has one to nine digits");
	for (; digits < 6; digits++)
		*micros *= 10;
	return true;
}

static bool take_offset(const char **at, int *seconds, struct err *err)
{
	*seconds = 0;
	if (take(at, 'Z') || take(at, 'z'))
		return true;
	int sign = **at == '-' ? -1 : 1;
	int hour, minute;
	if ((!take(at, '+') && !take(at, '-')) || !take_digits(at, 2, &hour) || !take(at, ':') ||
	    !take_digits(at, 2, &minute))
		return err_set(err, "end the time with Z or an offset such as +09:00");
	if (hour > 23 || minute > 59)
		return err_set(err, "the offset must be at most 23:59");
	*seconds = sign * (hour * 60 + minute) * 60;
	return true;
}

bool time_parse_instant(const char *text, int64_t *micros, struct err *err)
{
	int32_t days;
	int clock, fraction, offset;
	if (!take_date(&text, &days, err))
		return false;
	if (!take(&text, 'T') && !take(&text, 't'))
		return err_set(err, "write a T and a time after the date, such as 2026-01-31T09:00:00+09:00");
	if (!take_clock(&text, &clock, err) || !take_fraction(&text, &fraction, err) || !take_offset(&text, &offset, err))
		return false;
	if (*text != '\0')
		return err_set(err, "nothing may follow the offset");
	int64_t instant = days * MICROS_PER_DAY + (clock - offset) * MICROS_PER_SECOND + fraction;
	if (instant < time_days_from_civil((struct time_civil){1, 1, 1}) * MICROS_PER_DAY ||
	    instant >= time_days_from_civil((struct time_civil){10000, 1, 1}) * MICROS_PER_DAY)
		return err_set(err, "in UTC the instant must lie in the years 0001 to 9999");
	*micros = instant;
	return true;
}

bool time_parse_day(const char *text, int32_t *days, struct err *err)
{
	int32_t day;
	if (!take_date(&text, &day, err))
		return false;
	if (*text != '\0')
		return err_set(err, "nothing may follow the date: write YYYY-MM-DD");
	*days = day;
	return true;
}

static char *put_digits(char *out, int value, int count)
{
	for (int i = count - 1; i >= 0; i--, value /= 10)
		out[i] = (char)('0' + value % 10);
	return out + count;
}

static char *put_date(char *out, int32_t days)
{
	struct time_civil date = time_civil_from_days(days);
	out = put_digits(out, date.year, 4);
	*out++ = '-';
	out = put_digits(out, date.month, 2);
	*out++ = '-';
	return put_digits(out, date.day, 2);
}

void time_format_instant(int64_t micros, char text[static TIME_INSTANT_SIZE])
{
	int64_t days = micros / MICROS_PER_DAY, rest = micros % MICROS_PER_DAY;
	if (rest < 0) {
		days--;
		rest += MICROS_PER_DAY;
	}
	int seconds = (int)(rest / MICROS_PER_SECOND), fraction = (int)(rest % MICROS_PER_SECOND);
	char *out = put_date(text, (int32_t)days);
	*out++ = 'T';
	out = put_digits(out, seconds / 3600, 2);
	*out++ = ':';
	out = put_digits(out, seconds / 60 % 60, 2);
	*out++ = ':';
	out = put_digits(out, seconds % 60, 2);
	if (fraction != 0) {
		*out++ = '.';
		out = put_digits(out, fraction, 6);
	}
	*out++ = 'Z';
	*out = '\0';
}

void time_format_day(int32_t days, char text[static TIME_DAY_SIZE])
{
	*put_date(text, days) = '\0';
}

static int64_t clock_micros(clockid_t id)
{
	struct timespec now;
	clock_gettime(id, &now);
	return now.tv_sec * MICROS_PER_SECOND + now.tv_nsec / 1000;
}

int64_t time_now_micros(void)
{
	return clock_micros(CLOCK_REALTIME);
}

int64_t time_monotonic_micros(void)
{
	return clock_micros(CLOCK_MONOTONIC);
}

/* The designators in their order; those after the T are parts of a day. */
static const struct {
	char designator;
	bool of_day;
	double seconds;
} duration_parts[] = {
    {'Y', false, 365.25 * 86400},
    {'M', false, 30.5 * 86400},
    {'W', false, 7 * 86400},
    {'D', false, 86400},
    {'H', true, 3600},
    {'M', true, 60},
    {'S', true, 1},
};

enum { DURATION_PARTS = sizeof duration_parts / sizeof *duration_parts, DURATION_DIGITS = 5 };

bool time_check_duration(const char *text, struct err *err)
{
	static const double most_s = 100 * 365.25 * 86400;
	const char *at = text;
	double seconds = 0;
	bool of_day = false;
	size_t part = 0;

	if (*at++ != 'P' || !*at)
		return err_set(err, "write P and then numbers with their units, such as PT4H, P7D or P3M");
	while (*at) {
		if (*at == 'T' && !of_day && at[1]) {
			of_day = true;
			at++;
		}
		size_t digits = strspn(at, "0123456789");
		if (digits == 0 || digits > DURATION_DIGITS)
			return err_set(err, "each unit follows a number of at most %d digits, such as PT4H", DURATION_DIGITS);
		while (part < DURATION_PARTS &&
		       (duration_parts[part].designator != at[digits] || duration_parts[part].of_day != of_day))
			part++;
		if (part == DURATION_PARTS)
			return err_set(err, "units are Y, M, W, D and, behind a T, H, M, S, in this order, each once");
		seconds += (double)strtol(at, NULL, 10) * duration_parts[part++].seconds;
		at += digits + 1;
	}
	if (seconds <= 0 || seconds > most_s)
		return err_set(err, "it must be longer than nothing and at most 100 years");
	return true;
}
