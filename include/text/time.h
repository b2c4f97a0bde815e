/* Time: strict reading of what API.md section 2 allows as days and instants; pure functions.
 *
 * PostgreSQL accepts "now", "24:00", "infinity" and much else as times, so text is parsed here and handed on in one
 * canonical form. Years 0001 to 9999, proleptic Gregorian. */
#ifndef TRACKTWO_TEXT_TIME_H
#define TRACKTWO_TEXT_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { TIME_INSTANT_SIZE = 28, TIME_DAY_SIZE = 11 };

/* RFC 3339 section 5.6 date-time with an offset ("Z" or ±hh:mm, at most 23:59; "T" and "Z" in either case, no space
 * for "T"), one to nine digits of fraction, cut to microseconds. Second 60 is refused with a message of its own.
 * *micros becomes microseconds since 1970-01-01T00:00:00Z, negative before it. The instant itself must lie in years
 * 0001 to 9999 UTC. */
ERR_CHECKED bool time_parse_instant(const char *text, int64_t *micros, struct err *err);

/* "YYYY-MM-DD" and nothing else; *days becomes days since 1970-01-01. */
ERR_CHECKED bool time_parse_day(const char *text, int32_t *days, struct err *err);

/* An ISO 8601 duration (section 5.5.2.2, without fractions and signs) as PostgreSQL reads it too:
 * P[nY][nM][nW][nD][T[nH][nM] [nS]], in this order, of numbers of at most five digits, longer than nothing and at most
 * a hundred years. */
ERR_CHECKED bool time_check_duration(const char *text, struct err *err);

/* A day by its parts, and as days since 1970-01-01; years 0 to 10000. */
struct time_civil {
	int year, month, day; /* from 1 */
};
int32_t time_days_from_civil(struct time_civil date);
struct time_civil time_civil_from_days(int32_t days);
int time_days_in_month(int year, int month);

/* UTC with "Z"; a fraction of six digits only when it is not zero. `micros` within years 0001 to 9999. */
void time_format_instant(int64_t micros, char text[static TIME_INSTANT_SIZE]);
void time_format_day(int32_t days, char text[static TIME_DAY_SIZE]);

/* The wall clock, for logs and system.ping only: PostgreSQL's clock decides what is due. */
int64_t time_now_micros(void);
/* CLOCK_MONOTONIC, for deadlines and latencies. */
int64_t time_monotonic_micros(void);

#endif
