/* Tests of when: what people say about days and times, each to the exact instant or day, or refused with its reason. */
#include "text/when.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text/time.h"

/* `meant` is what when_text says, without the zone; NULL: refused, with `refusal` in the message. */
struct example {
	const char *words, *meant, *refusal;
};

static void check(const char *now, const char *zone, enum when_direction direction, const struct example *examples,
                  size_t count)
{
	struct when_clock clock = {.zone = zone, .direction = direction};
	assert_true(time_parse_instant(now, &clock.now_us, NULL));
	for (size_t i = 0; i < count; i++) {
		struct arena arena = {0};
		struct when when;
		struct err err = {""};
		const struct example *example = &examples[i];
		bool right = when_read(example->words, &clock, &when, &err);
		const char *text = right ? when_text(&arena, &when, zone) : err.message;
		size_t length = right ? strcspn(text, " ") : 0;
		bool as_meant =
		    right ? example->meant && length == strlen(example->meant) && strncmp(text, example->meant, length) == 0
		          : !example->meant && strstr(text, example->refusal);
		if (!as_meant)
			fail_msg("\"%s\" at %s in %s: %s", example->words, now, zone, text);
		arena_release(&arena);
	}
}

#define CHECK(now, zone, direction, ...)                                                                               \
	check(now, zone, direction, (const struct example[]){__VA_ARGS__},                                                 \
	      sizeof((const struct example[]){__VA_ARGS__}) / sizeof(struct example))

/* 11:07 of a Tuesday in Seoul. */
static const char tuesday[] = "2026-11-24T02:07:00Z", seoul[] = "Asia/Seoul";

static void test_english_days(void **state)
{
	(void)state;
	CHECK(tuesday, seoul, WHEN_BACK, {"today", "2026-11-24", NULL}, {"Yesterday", "2026-11-23", NULL},
	      {"tomorrow", "2026-11-25", NULL}, {"the day before yesterday", "2026-11-22", NULL},
	      {"the day after tomorrow", "2026-11-26", NULL}, {"friday", "2026-11-20", NULL},
	      {"tuesday", "2026-11-24", NULL}, {"wed", "2026-11-18", NULL}, {"next friday", "2026-12-04", NULL},
	      {"friday next week", "2026-12-04", NULL}, {"last monday", "2026-11-16", NULL},
	      {"this wednesday", "2026-11-25", NULL}, {"on this  Sunday", "2026-11-29", NULL},
	      {"last sunday", "2026-11-22", NULL}, {"3 days ago", "2026-11-21", NULL}, {"a week ago", "2026-11-17", NULL},
	      {"2 weeks ago", "2026-11-10", NULL}, {"in 3 days", "2026-11-27", NULL},
	      {"three days later", "2026-11-27", NULL}, {"2 weeks from now", "2026-12-08", NULL},
	      {"+7d", "2026-12-01", NULL}, {"-90d", "2026-08-26", NULL}, {"90d", "2026-08-26", NULL},
	      {"1w", "2026-11-17", NULL}, {"6 months", "2026-05-24", NULL}, {"1y 2mo", "2025-09-24", NULL},
	      {"last 30 days", "2026-10-25", NULL}, {"next 3 days", "2026-11-27", NULL}, {"2026-11-20", "2026-11-20", NULL},
	      {"2026/11/20", "2026-11-20", NULL}, {"2026.11.20.", "2026-11-20", NULL}, {"11-20", "2026-11-20", NULL},
	      {"11/25", "2025-11-25", NULL}, {"20 Nov", "2026-11-20", NULL}, {"Nov 20 2026", "2026-11-20", NULL},
	      {"November 20th, 2025", "2025-11-20", NULL}, {"the 20th of November", "2026-11-20", NULL},
	      {"the 25th", "2026-10-25", NULL}, {"the 31st", "2026-10-31", NULL}, {"5th of next month", "2026-12-05", NULL},
	      {"friday 20 Nov 2026", "2026-11-20", NULL}, {"29 feb", "2024-02-29", NULL},
	      {"0001-01-02", "0001-01-02", NULL}, {"9999-12-30", "9999-12-30", NULL});
	CHECK(tuesday, seoul, WHEN_FORWARD, {"friday", "2026-11-27", NULL}, {"tuesday", "2026-11-24", NULL},
	      {"monday", "2026-11-30", NULL}, {"last friday", "2026-11-20", NULL}, {"90d", "2027-02-22", NULL},
	      {"-90d", "2026-08-26", NULL}, {"20 Nov", "2027-11-20", NULL}, {"24 Nov", "2026-11-24", NULL},
	      {"11/25", "2026-11-25", NULL}, {"the 20th", "2026-12-20", NULL}, {"29 feb", "2028-02-29", NULL});
}

static void test_english_spans(void **state)
{
	(void)state;
	CHECK(tuesday, seoul, WHEN_BACK, {"this week", "2026-11-23/2026-11-29", NULL},
	      {"next week", "2026-11-30/2026-12-06", NULL}, {"last month", "2026-10", NULL},
	      {"next month", "2026-12", NULL}, {"this year", "2026", NULL}, {"last year", "2025", NULL},
	      {"2025", "2025", NULL}, {"2026-02", "2026-02", NULL}, {"November", "2026-11", NULL},
	      {"December", "2025-12", NULL}, {"December 2026", "2026-12", NULL}, {"end of month", "2026-11-30", NULL},
	      {"end of the month", "2026-11-30", NULL}, {"end of next month", "2026-12-31", NULL},
	      {"start of last month", "2026-10-01", NULL}, {"end of year", "2026-12-31", NULL},
	      {"end of week", "2026-11-29", NULL}, {"beginning of 2026", "2026-01-01", NULL},
	      {"last day of February 2028", "2028-02-29", NULL}, {"end of october", "2026-10-31", NULL});
}

static void test_english_times(void **state)
{
	(void)state;
	CHECK(tuesday, seoul, WHEN_BACK, {"now", "2026-11-24T11:07+09:00", NULL},
	      {"yesterday 12:30", "2026-11-23T12:30+09:00", NULL}, {"tomorrow 3pm", "2026-11-25T15:00+09:00", NULL},
	      {"3:30 p.m. tomorrow", "2026-11-25T15:30+09:00", NULL}, {"noon", "2026-11-24T12:00+09:00", NULL},
	      {"midnight", "2026-11-24T00:00+09:00", NULL}, {"tomorrow at midnight", "2026-11-25T00:00+09:00", NULL},
	      {"12am", "2026-11-24T00:00+09:00", NULL}, {"12 pm", "2026-11-24T12:00+09:00", NULL},
	      {"friday at 9:05", "2026-11-20T09:05+09:00", NULL}, {"24:00", "2026-11-25T00:00+09:00", NULL},
	      {"23:59:59", "2026-11-24T23:59:59+09:00", NULL}, {"in 2 hours", "2026-11-24T13:07+09:00", NULL},
	      {"+2h", "2026-11-24T13:07+09:00", NULL}, {"2h", "2026-11-24T09:07+09:00", NULL},
	      {"1h30m", "2026-11-24T09:37+09:00", NULL}, {"30 minutes ago", "2026-11-24T10:37+09:00", NULL},
	      {"an hour ago", "2026-11-24T10:07+09:00", NULL}, {"1 day 2 hours ago", "2026-11-23T09:07+09:00", NULL},
	      {"3 days ago 15:00", "2026-11-21T15:00+09:00", NULL}, {"2026-11-20 12:30", "2026-11-20T12:30+09:00", NULL},
	      {"2026-11-20T12:30", "2026-11-20T12:30+09:00", NULL},
	      {"2026-11-20T12:30:00Z", "2026-11-20T21:30+09:00", NULL},
	      {"2026-11-20T12:30+01:00", "2026-11-20T20:30+09:00", NULL},
	      {"2026-11-20 12:30Z", "2026-11-20T21:30+09:00", NULL}, {"end of month 18:00", "2026-11-30T18:00+09:00", NULL},
	      {"20 Nov 2026, 9am", "2026-11-20T09:00+09:00", NULL});
}

static void test_korean_days(void **state)
{
	(void)state;
	CHECK(tuesday, seoul, WHEN_BACK, {"오늘", "2026-11-24", NULL}, {"어제", "2026-11-23", NULL},
	      {"그제", "2026-11-22", NULL}, {"그저께", "2026-11-22", NULL}, {"내일", "2026-11-25", NULL},
	      {"모레", "2026-11-26", NULL}, {"글피", "2026-11-27", NULL}, {"월요일", "2026-11-23", NULL},
	      {"금요일", "2026-11-20", NULL}, {"일요일", "2026-11-22", NULL}, {"다음 주 금요일", "2026-12-04", NULL},
	      {"다음주금요일", "2026-12-04", NULL}, {"지난주 월요일", "2026-11-16", NULL},
	      {"이번 주 수요일", "2026-11-25", NULL}, {"다다음 주 화요일", "2026-12-08", NULL},
	      {"사흘 전", "2026-11-21", NULL}, {"3일 전", "2026-11-21", NULL}, {"3일전", "2026-11-21", NULL},
	      {"3일 후", "2026-11-27", NULL}, {"3일 뒤", "2026-11-27", NULL}, {"2주 전", "2026-11-10", NULL},
	      {"일주일 전", "2026-11-17", NULL}, {"한 달 전", "2026-10-24", NULL}, {"석 달 후", "2027-02-24", NULL},
	      {"6개월 전", "2026-05-24", NULL}, {"1년 6개월 전", "2025-05-24", NULL}, {"열흘 뒤", "2026-12-04", NULL},
	      {"보름 전", "2026-11-09", NULL}, {"최근 90일", "2026-08-26", NULL}, {"90일간", "2026-08-26", NULL},
	      {"지난달 말", "2026-10-31", NULL}, {"이달 말", "2026-11-30", NULL}, {"월말", "2026-11-30", NULL},
	      {"연말", "2026-12-31", NULL}, {"다음 달 초", "2026-12-01", NULL}, {"다음 달 5일", "2026-12-05", NULL},
	      {"내년 3월 1일", "2027-03-01", NULL}, {"11월 20일", "2026-11-20", NULL}, {"11월 25일", "2025-11-25", NULL},
	      {"2026년 11월 20일", "2026-11-20", NULL}, {"20일", "2026-11-20", NULL},
	      {"2026년 11월 20일 금요일", "2026-11-20", NULL}, {"11월 말", "2026-11-30", NULL},
	      {"２０２６．１１．２０", "2026-11-20", NULL}, {"금요일까지", "2026-11-20", NULL},
	      {"\u1102\u1162\u110B\u1175\u11AF", "2026-11-25", NULL});
	CHECK(tuesday, seoul, WHEN_FORWARD, {"금요일", "2026-11-27", NULL}, {"11월 20일", "2027-11-20", NULL},
	      {"2주", "2026-12-08", NULL}, {"5일", "2026-12-05", NULL}, {"사흘", "2026-11-27", NULL});
}

static void test_korean_spans_and_times(void **state)
{
	(void)state;
	CHECK(tuesday, seoul, WHEN_BACK, {"이번 주", "2026-11-23/2026-11-29", NULL},
	      {"지난주", "2026-11-16/2026-11-22", NULL}, {"다음 달", "2026-12", NULL}, {"지난달", "2026-10", NULL},
	      {"작년", "2025", NULL}, {"올해", "2026", NULL}, {"재작년", "2024", NULL}, {"작년 11월", "2025-11", NULL},
	      {"11월", "2026-11", NULL}, {"2026년", "2026", NULL}, {"2026년 2월", "2026-02", NULL},
	      {"지금", "2026-11-24T11:07+09:00", NULL}, {"내일 15:00", "2026-11-25T15:00+09:00", NULL},
	      {"오전 9시", "2026-11-24T09:00+09:00", NULL}, {"오후 3시 30분", "2026-11-24T15:30+09:00", NULL},
	      {"15시", "2026-11-24T15:00+09:00", NULL}, {"3시 반", "2026-11-24T03:30+09:00", NULL},
	      {"내일오후3시반", "2026-11-25T15:30+09:00", NULL}, {"내일 오후 세 시", "2026-11-25T15:00+09:00", NULL},
	      {"오후 3:30", "2026-11-24T15:30+09:00", NULL}, {"정오", "2026-11-24T12:00+09:00", NULL},
	      {"내일 자정", "2026-11-25T00:00+09:00", NULL}, {"어제 저녁 7시", "2026-11-23T19:00+09:00", NULL},
	      {"낮 12시", "2026-11-24T12:00+09:00", NULL}, {"낮 11시 반", "2026-11-24T11:30+09:00", NULL},
	      {"낮 3시", "2026-11-24T15:00+09:00", NULL}, {"저녁 6시", "2026-11-24T18:00+09:00", NULL},
	      {"새벽 12시 반", "2026-11-24T00:30+09:00", NULL}, {"밤 10시", "2026-11-24T22:00+09:00", NULL},
	      {"두 시간 전", "2026-11-24T09:07+09:00", NULL}, {"1시간 30분 후", "2026-11-24T12:37+09:00", NULL},
	      {"한 시간 반 전", "2026-11-24T09:37+09:00", NULL}, {"30분 뒤", "2026-11-24T11:37+09:00", NULL},
	      {"1일 2시간 전", "2026-11-23T09:07+09:00", NULL},
	      {"다음 주 금요일 오전 10시에", "2026-12-04T10:00+09:00", NULL},
	      {"사흘 전 오후 2시", "2026-11-21T14:00+09:00", NULL},
	      {"2026년 11월 20일 12:30", "2026-11-20T12:30+09:00", NULL});
}

static void test_refused(void **state)
{
	(void)state;
	CHECK(tuesday, seoul, WHEN_BACK, {"next fryday", NULL, "did you mean \"friday\""},
	      {"tomorow", NULL, "\"tomorrow\""}, {"30 February", NULL, "ends on the 29"},
	      {"30 Feb 2026", NULL, "ends on the 28"}, {"2026-02-29", NULL, "ends on the 28"},
	      {"2월 30일", NULL, "ends on the 29"}, {"32일", NULL, "ends on the 31"}, {"0일", NULL, "no day 0"},
	      {"13월", NULL, "no month 13"}, {"2026-13-01", NULL, "no month 13"}, {"20/11", NULL, "no month 20"},
	      {"20-11-2026", NULL, "which is the day"}, {"11/20/2026", NULL, "which is the day"},
	      {"25:00", NULL, "no such time"}, {"24:01", NULL, "no such time"}, {"12:60", NULL, "no such time"},
	      {"12:5", NULL, "two digits"}, {"13pm", NULL, "from 1 to 12"}, {"0am", NULL, "from 1 to 12"},
	      {"오후 15시", NULL, "from 1 to 12"}, {"오후", NULL, "from 1 to 12"},
	      {"밤 12시", NULL, "of the day before or after"}, {"저녁 12시", NULL, "of the day before or after"},
	      {"낮 9시", NULL, "middle of the day"}, {"지지난 3일", NULL, "go before"}, {"다다음 2주", NULL, "go before"},
	      {"-90m", NULL, "min or mo"}, {"tomorrow yesterday", NULL, "two things"},
	      {"tomorrow 20 Nov", NULL, "two things"}, {"friday 2026-11-24", NULL, "another day of the week"},
	      {"3", NULL, "too little"}, {"tomorrow at 3", NULL, "too little"}, {"", NULL, "no time is said"},
	      {"  ", NULL, "no time is said"}, {"the", NULL, "no time is said"}, {"next", NULL, "go before"},
	      {"this 3 days", NULL, "go before"}, {"atomorrow", NULL, "\"atomorrow\""}, {"fridays", NULL, "\"fridays\""},
	      {"days", NULL, "behind a number"}, {"ago", NULL, "how much"}, {"in tomorrow", NULL, "how much"},
	      {"end of tomorrow", NULL, "of a week, month or year"}, {"end", NULL, "of a week, month or year"},
	      {"weekend", NULL, "two days"}, {"이번 주말", NULL, "this, next and last"},
	      {"next month 3pm", NULL, "needs a day"}, {"now 3pm", NULL, "two things"},
	      {"2 hours ago 15:00", NULL, "two things"}, {"tomorrow in 3 days", NULL, "two things"},
	      {"tomorrow -2h", NULL, "wrong place"}, {"0000-01-01", NULL, "outside the years"},
	      {"9999-12-31", NULL, "outside the years"}, {"999999 years ago", NULL, "outside the years"},
	      {"1000000 days", NULL, "too large"}, {"99999999999999999999999 days", NULL, "too large"},
	      {"2026년 20일", NULL, "which month"}, {"12:30+09:00", NULL, "goes with a day"},
	      {"2026-11-20 12:30+25:00", NULL, "as +09:00"}, {"\xff\xfe", NULL, "UTF-8"},
	      {"\x1b[31m", NULL, "no word about time"}, {"2026-11-20 noon 12:30", NULL, "two things"});
}

static void test_midnight_month_and_year(void **state)
{
	(void)state;
	/* The first and the last second of a day in Seoul, which in UTC lie on one day. */
	CHECK("2026-11-23T15:00:00Z", seoul, WHEN_BACK, {"today", "2026-11-24", NULL}, {"yesterday", "2026-11-23", NULL},
	      {"지금", "2026-11-24T00:00+09:00", NULL}, {"-1s", "2026-11-23T23:59:59+09:00", NULL});
	CHECK("2026-11-24T14:59:59.999999Z", seoul, WHEN_BACK, {"today", "2026-11-24", NULL}, {"내일", "2026-11-25", NULL},
	      {"+1s", "2026-11-25T00:00+09:00", NULL});
	CHECK("2027-01-31T03:00:00Z", seoul, WHEN_FORWARD, {"tomorrow", "2027-02-01", NULL},
	      {"1 month", "2027-02-28", NULL}, {"한 달 후", "2027-02-28", NULL}, {"2 months", "2027-03-31", NULL},
	      {"한 달 전", "2026-12-31", NULL}, {"next month", "2027-02", NULL}, {"다음 달 말", "2027-02-28", NULL},
	      {"다음 달 30일", NULL, "ends on the 28"}, {"the 30th", "2027-03-30", NULL},
	      {"end of month", "2027-01-31", NULL});
	CHECK("2028-01-31T03:00:00Z", seoul, WHEN_FORWARD, {"1 month", "2028-02-29", NULL},
	      {"다음 달 말", "2028-02-29", NULL});
	CHECK("2028-02-29T03:00:00Z", seoul, WHEN_FORWARD, {"1 year", "2029-02-28", NULL}, {"4 years", "2032-02-29", NULL},
	      {"1년 전", "2027-02-28", NULL}, {"29 Feb", "2028-02-29", NULL}, {"월말", "2028-02-29", NULL},
	      {"tomorrow", "2028-03-01", NULL});
	CHECK("2027-02-28T03:00:00Z", seoul, WHEN_BACK, {"tomorrow", "2027-03-01", NULL},
	      {"a month ago", "2027-01-28", NULL});
	CHECK("2026-12-31T14:00:00Z", seoul, WHEN_FORWARD, {"tomorrow", "2027-01-01", NULL}, {"내년", "2027", NULL},
	      {"next month", "2027-01", NULL}, {"+2h", "2027-01-01T01:00+09:00", NULL}, {"1-1", "2027-01-01", NULL},
	      {"next friday", "2027-01-08", NULL}, {"연말", "2026-12-31", NULL}, {"12월 31일", "2026-12-31", NULL});
	CHECK("2026-12-31T15:00:00Z", seoul, WHEN_BACK, {"작년", "2026", NULL}, {"yesterday", "2026-12-31", NULL},
	      {"12월 31일", "2026-12-31", NULL}, {"last week", "2026-12-21/2026-12-27", NULL}, {"지난달", "2026-12", NULL});
}

static void test_summer_time(void **state)
{
	(void)state;
	static const char new_york[] = "America/New_York", berlin[] = "Europe/Berlin";
	/* The evening before 8 March 2026, when 02:00 to 03:00 is skipped. */
	CHECK("2026-03-08T01:00:00Z", new_york, WHEN_FORWARD, {"today", "2026-03-07", NULL},
	      {"tomorrow 1:59", "2026-03-08T01:59-05:00", NULL}, {"tomorrow 2:30", "2026-03-08T03:30-04:00", NULL},
	      {"tomorrow 3am", "2026-03-08T03:00-04:00", NULL}, {"내일 새벽 2시 반", "2026-03-08T03:30-04:00", NULL},
	      {"+24h", "2026-03-08T21:00-04:00", NULL}, {"in 1 day 1 hour", "2026-03-08T21:00-04:00", NULL},
	      {"+12h", "2026-03-08T09:00-04:00", NULL});
	/* The evening before 1 November 2026, when 01:00 to 02:00 comes twice. */
	CHECK("2026-11-01T00:00:00Z", new_york, WHEN_FORWARD, {"tomorrow 1:30", "2026-11-01T01:30-04:00", NULL},
	      {"tomorrow 2:00", "2026-11-01T02:00-05:00", NULL}, {"+24h", "2026-11-01T19:00-05:00", NULL},
	      {"2026-11-01T01:30-05:00", "2026-11-01T01:30-05:00", NULL}, {"tomorrow 8pm", "2026-11-01T20:00-05:00", NULL});
	/* Within the hour that comes again. */
	CHECK("2026-11-01T06:30:00Z", new_york, WHEN_BACK, {"now", "2026-11-01T01:30-05:00", NULL},
	      {"1 hour ago", "2026-11-01T01:30-04:00", NULL}, {"today", "2026-11-01", NULL},
	      {"yesterday 23:00", "2026-10-31T23:00-04:00", NULL});
	CHECK("2026-03-28T11:00:00Z", berlin, WHEN_FORWARD, {"tomorrow 2:30", "2026-03-29T03:30+02:00", NULL},
	      {"tomorrow 1:30", "2026-03-29T01:30+01:00", NULL}, {"+1d", "2026-03-29", NULL},
	      {"+24h", "2026-03-29T13:00+02:00", NULL}, {"sunday noon", "2026-03-29T12:00+02:00", NULL});
	CHECK("2026-10-24T22:30:00Z", berlin, WHEN_FORWARD, {"today", "2026-10-25", NULL},
	      {"2:30", "2026-10-25T02:30+02:00", NULL}, {"3am", "2026-10-25T03:00+01:00", NULL},
	      {"+3h", "2026-10-25T02:30+01:00", NULL}, {"tomorrow", "2026-10-26", NULL});
}

static void test_moved_is_told(void **state)
{
	(void)state;
	struct when_clock clock = {.zone = "America/New_York", .direction = WHEN_FORWARD};
	struct when when;
	assert_true(time_parse_instant("2026-03-08T01:00:00Z", &clock.now_us, NULL));
	assert_true(when_read("tomorrow 2:30", &clock, &when, NULL));
	assert_true(when.moved && when.relative);
	assert_true(when_read("tomorrow 3:00", &clock, &when, NULL));
	assert_false(when.moved);
	assert_true(when_read("2026-03-08", &clock, &when, NULL));
	assert_false(when.relative);
	assert_true(when_read("2026-03-08T01:00:00Z", &clock, &when, NULL));
	assert_false(when.relative);
	int64_t instant_us;
	assert_true(when_read("tomorrow", &clock, &when, NULL));
	assert_true(when_at(&when, 9, 0, clock.zone, &instant_us, NULL));
	char text[TIME_INSTANT_SIZE];
	time_format_instant(instant_us, text);
	assert_string_equal(text, "2026-03-08T13:00:00Z");
}

static void test_unknown_zone(void **state)
{
	(void)state;
	struct when_clock clock = {.zone = "Asia/Nowhere"};
	struct when when;
	struct err err;
	assert_false(when_read("today", &clock, &when, &err));
	assert_non_null(strstr(err.message, "time zone"));
}

/* The longest text that is read, and one byte more. */
static void test_length(void **state)
{
	(void)state;
	struct when_clock clock = {.zone = seoul};
	struct when when;
	struct err err;
	char text[WHEN_BYTES_MAX + 2];
	memset(text, ' ', sizeof text - 1);
	memcpy(text, "today", 5);
	text[WHEN_BYTES_MAX] = '\0';
	assert_true(when_read(text, &clock, &when, &err));
	text[WHEN_BYTES_MAX] = ' ';
	text[WHEN_BYTES_MAX + 1] = '\0';
	assert_false(when_read(text, &clock, &when, &err));
	assert_non_null(strstr(err.message, "200 bytes"));
	for (size_t i = 0; i < 100; i++)
		memcpy(text + 2 * i, "1 ", 2);
	text[2 * 48] = '\0';
	assert_false(when_read(text, &clock, &when, &err));
	assert_non_null(strstr(err.message, "too little"));
	text[2 * 48] = '1';
	text[2 * 48 + 1] = '\0';
	assert_false(when_read(text, &clock, &when, &err));
	assert_non_null(strstr(err.message, "too long"));
}

/* Random bytes, and random words of the language in random order: any answer will do, but within the calendar. */
static void test_random(void **state)
{
	(void)state;
	static const char *const parts[] = {
	    "next ", "last ",  "friday", "월요일",    "다음", "주",   "달",  "말",    "초",   "20",
	    "11",    "2026",   "-",      "+",         "/",    ":",    ".",   "일",    "월",   "년",
	    "시",    "분",     "반",     "오후",      "pm",   "am",   "전",  "후",    "ago ", "in ",
	    "3",     "999999", "days",   "h",         "m",    "end ", "of ", "month", "feb ", "30",
	    "24",    "z",      "now",    "tomorrow ", "사흘", "작년", "th",  "noon",  "t",    " ",
	};
	struct when_clock clock = {.zone = "America/New_York", .now_us = 1793000000000000};
	unsigned seed = 5;
	size_t understood = 0;
	for (int round = 0; round < 60000; round++) {
		char text[WHEN_BYTES_MAX + 20] = "";
		size_t length = (size_t)rand_r(&seed) % 24;
		for (size_t i = 0; i < length; i++) {
			if (round % 2 == 0)
				text[i] = (char)(rand_r(&seed) % 255 + 1);
			else if (i < 7)
				strcat(text, parts[(size_t)rand_r(&seed) % (sizeof parts / sizeof *parts)]);
		}
		struct arena arena = {0};
		struct when when;
		struct err err = {""};
		clock.direction = round % 4 < 2 ? WHEN_BACK : WHEN_FORWARD;
		if (when_read(text, &clock, &when, &err)) {
			understood++;
			assert_true(strlen(when_text(&arena, &when, clock.zone)) >= 4);
			assert_true(when.first_day <= when.last_day && when.first_day > -719163 && when.last_day < 2932897);
		} else {
			assert_true(*err.message);
		}
		arena_release(&arena);
	}
	/* The words do make sense now and then. */
	assert_true(understood > 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_english_days),
	    cmocka_unit_test(test_english_spans),
	    cmocka_unit_test(test_english_times),
	    cmocka_unit_test(test_korean_days),
	    cmocka_unit_test(test_korean_spans_and_times),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_midnight_month_and_year),
	    cmocka_unit_test(test_summer_time),
	    cmocka_unit_test(test_moved_is_told),
	    cmocka_unit_test(test_unknown_zone),
	    cmocka_unit_test(test_length),
	    cmocka_unit_test(test_random),
	};
	return cmocka_run_group_tests_name("when", tests, NULL, NULL);
}
