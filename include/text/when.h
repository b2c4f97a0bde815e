/* When: days and times as people say them, in English and in Korean; a pure function of the words, the clock, the zone.
 *
 * Case does not matter; Korean may come decomposed; "on", "at", "the", "of" and Korean particles (에, 의) are passed
 * over. A day and a time of day go together in either order: "tomorrow 3pm", "내일 오후 3시 반".
 *
 * Days:
 * - today, yesterday, tomorrow, the day before yesterday, the day after tomorrow; 오늘, 어제, 내일, 그제, 그저께, 모레,
 *   글피
 * - friday, 금요일: looking back, today or the last one; looking forward, today or the coming one
 * - this, next, last friday; friday next week; 이번 주, 다음 주, 지난주 금요일: that day of this, the next, the last
 *   week; weeks begin on Monday. So on a Monday "next friday" is eleven days ahead, and "last monday" a week ago on any
 *   day
 * - 3 days ago, in 2 weeks, 3 days later, +7d, -90d; 사흘 전, 3일 후, 3일 뒤, 2주 전, 한 달 전: counted from today.
 *   Months and years keep the day of the month; where it is missing, the month's last day stands for it: 31 January
 *   plus one month is 28 or 29 February
 * - 90d, 3 days: a bare amount goes in the caller's direction
 * - 2026-11-20, 2026/11/20, 2026.11.20, 20 Nov 2026, Nov 20 2026, 20th November, 2026년 11월 20일
 * - 11-20, 11/20 (month first), 20 Nov, 11월 20일: without a year, looking back the last such day up to today, else the
 *   next one from today on
 * - 20일, the 20th: the same with the day of a month; months without that day are passed over
 * - start, end of month; end of next month, week, year; 월말, 지난달 말, 이달 초, 연말: its first or last day
 * - a month and a day in it: 다음 달 5일, "5th of next month", 내년 3월 1일
 *
 * Longer than a day:
 * - this, next, last week, month, year; 이번 주, 다음 달, 작년, 올해, 내년, 재작년
 * - 2026-11, November 2026, 2026년 11월, 2026 November
 * - 11월: without a year as with days; the month of today counts
 *
 * Times:
 * - now, 지금; in 2 hours, +2h, 30 minutes ago, 45min, 두 시간 전, 1시간 30분 후, 1h30m
 * - 12:30, 12:30:15, 3pm, 3:30 p.m., noon, midnight, 15시, 3시 30분, 3시 반, 오전 9시, 오후 3시 30분, 정오, 자정:
 *   alone, of today. A Korean hour without 오전 or 오후 is of the 24-hour clock, as is 12:30. Midnight, 자정 and 00:00
 *   are the beginning of their day; 24:00 is its end
 * - 2026-11-20 12:30, 2026-11-20T12:30, and instants of RFC 3339 with an offset
 *
 * Local times that the clocks skip or repeat follow text/zone.h: one that does not exist is read with the offset before
 * the gap, one that exists twice is the first, as with reminders. Amounts of hours and minutes are exact, not of the
 * wall. */
#ifndef TRACKTWO_TEXT_WHEN_H
#define TRACKTWO_TEXT_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { WHEN_BYTES_MAX = 200 };

enum when_kind { WHEN_INSTANT, WHEN_DAY, WHEN_WEEK, WHEN_MONTH, WHEN_YEAR };

/* Where somebody looks who says "90d", "friday" or "20 Nov". */
enum when_direction { WHEN_BACK, WHEN_FORWARD };

struct when_clock {
	int64_t now_us;   /* microseconds since 1970-01-01T00:00:00Z, years 1900 to 9000 */
	const char *zone; /* IANA */
	enum when_direction direction;
};

struct when {
	enum when_kind kind;
	int64_t instant_us; /* of WHEN_INSTANT */
	int32_t first_day;  /* since 1970-01-01; of an instant the day in the zone, else the first day of what was said */
	int32_t last_day;   /* the last day of what was said; with an instant or a day the same as first_day */
	bool moved;         /* the clocks skip the time that was said, so it is later by what they skip */
	bool relative;      /* it was no plain ISO day or instant: worth showing what it was taken for */
};

/* Reads `text`, any bytes. What is ambiguous, impossible (30 February, 25:00) or no time at all is refused, with a
 * message that says why and what would be understood. Results lie in the years 0001 to 9999. Enters the zone: see
 * text/zone.h. */
ERR_CHECKED bool when_read(const char *text, const struct when_clock *clock, struct when *when, struct err *err);

/* The instant of hour:minute on the wall on the `when`'s first day, for a day that has to become an instant. */
ERR_CHECKED bool when_at(const struct when *when, int hour, int minute, const char *zone, int64_t *instant_us,
                         struct err *err);

/* As people read it back: "2026-11-23T12:30+09:00 (Asia/Seoul)", "2026-11-23", "2026-11-23/2026-11-29" (a week),
 * "2026-11", "2026". In the arena. Enters the zone, which must be one that when_read has taken. */
const char *when_text(struct arena *arena, const struct when *when, const char *zone);

#endif
