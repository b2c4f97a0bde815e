/* Tests of text/recurrence: every example of RFC 5545 section 3.8.5.3 and others, each with its instants written down
 * (by python3-dateutil and by hand, not by what is tested), what is refused at, below and above each limit, and that
 * the search for the time of a rule that has none ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/recurrence.h"
#include "text/time.h"

enum { EXDATES = 8, MOST = 64 };
enum ending { ENDS, MORE };

/* Instants are UTC, 20260131T0900[ss[.ffffff]]; `after` is "" where the start itself is wanted. */
struct example {
	const char *rule, *zone, *start, *exdates, *after;
	size_t most;
	enum ending ending;
	const char *wanted;
};

static const struct example rfc5545[] = {
#include "recurrence_rfc5545.inc"
};
static const struct example others[] = {
#include "recurrence_others.inc"
};

static int64_t instant(const char *text)
{
	int year, month, day, hour, minute, second = 0, micros = 0, length = 0;
	if (sscanf(text, "%4d%2d%2dT%2d%2d%n", &year, &month, &day, &hour, &minute, &length) != 5)
		fail_msg("%s is no instant", text);
	if (text[length] >= '0' && text[length] <= '9')
		sscanf(text + length, "%2d.%6d", &second, &micros);
	int32_t days = time_days_from_civil((struct time_civil){year, month, day});
	return ((days * INT64_C(24) + hour) * 60 + minute) * INT64_C(60000000) + second * INT64_C(1000000) + micros;
}

static size_t instants(const char *text, int64_t *list, size_t most)
{
	size_t count = 0;
	for (; *text; text += strspn(text, " ")) {
		assert_true(count < most);
		list[count++] = instant(text);
		text += strcspn(text, " ");
	}
	return count;
}

static void expand(struct arena *arena, const struct example *example, struct recurrence_set *set)
{
	struct err err = {""};
	int64_t exdates[EXDATES];
	struct recurrence recurrence = {
	    .start_us = instant(example->start),
	    .zone = example->zone,
	    .rule = example->rule,
	    .exdates_us = exdates,
	    .exdate_count = instants(example->exdates, exdates, EXDATES),
	};
	int64_t after = *example->after ? instant(example->after) : recurrence.start_us - 1;
	if (!recurrence_expand(arena, &recurrence, after, example->most, set, &err))
		fail_msg("%s: %s", example->rule, err.message);
}

static int fits(const struct example *example)
{
	struct arena arena = {0};
	struct recurrence_set set;
	int64_t wanted[MOST];
	size_t count = instants(example->wanted, wanted, MOST);
	expand(&arena, example, &set);
	bool same = set.count == count && set.more == (example->ending == MORE) && !set.empty &&
	            memcmp(set.instants_us, wanted, count * sizeof *wanted) == 0;
	if (!same) {
		print_error("%s in %s from %s\n  wanted %s%s\n  is", example->rule, example->zone, example->start,
		            example->wanted, example->ending == MORE ? " …" : "");
		for (size_t i = 0; i < set.count; i++) {
			char text[TIME_INSTANT_SIZE];
			time_format_instant(set.instants_us[i], text);
			print_error(" %s", text);
		}
		print_error("%s%s\n", set.more ? " …" : "", set.empty ? " (empty)" : "");
	}
	arena_release(&arena);
	return same;
}

static void test_examples_of_rfc5545(void **state)
{
	(void)state;
	int broken = 0;
	for (size_t i = 0; i < sizeof rfc5545 / sizeof rfc5545[0]; i++)
		broken += !fits(&rfc5545[i]);
	assert_int_equal(broken, 0);
}

static void test_other_examples(void **state)
{
	(void)state;
	int broken = 0;
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		broken += !fits(&others[i]);
	assert_int_equal(broken, 0);
	assert_true(sizeof rfc5545 / sizeof rfc5545[0] + sizeof others / sizeof others[0] >= 150);
}

/* A page after the other gives the same as all at once. */
static void test_pages(void **state)
{
	(void)state;
	static const char *const rules[] = {"FREQ=HOURLY;INTERVAL=7", "FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=15,45",
	                                    "FREQ=MONTHLY;BYDAY=-1SU,2MO", "FREQ=YEARLY;BYWEEKNO=1,53;COUNT=40",
	                                    "FREQ=WEEKLY;INTERVAL=3;BYDAY=SU,MO;WKST=SU"};
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		struct arena arena = {0};
		struct recurrence_set whole, page;
		struct err err;
		struct recurrence recurrence = {instant("20260301T0715"), "America/New_York", rules[i], NULL, 0};
		assert_true(recurrence_expand(&arena, &recurrence, INT64_MIN, 60, &whole, &err));
		int64_t after = INT64_MIN;
		for (size_t at = 0; at < whole.count; at++, after = page.instants_us[0]) {
			assert_true(recurrence_expand(&arena, &recurrence, after, 1, &page, &err));
			assert_int_equal(page.count, 1);
			assert_int_equal(page.instants_us[0], whole.instants_us[at]);
			assert_int_equal(page.more, at + 1 < whole.count || whole.more);
		}
		arena_release(&arena);
	}
}

static void is_empty(const char *rule, const char *start, bool wanted)
{
	struct arena arena = {0};
	struct recurrence_set set;
	expand(&arena, &(struct example){rule, "Asia/Seoul", start, "", "", 5, ENDS, ""}, &set);
	if (set.empty != wanted)
		fail_msg("%s: %s", rule, wanted ? "not known to be empty" : "taken to be empty");
	if (wanted) {
		assert_int_equal(set.count, 1);
		assert_int_equal(set.instants_us[0], instant(start));
		assert_false(set.more);
	}
	arena_release(&arena);
}

static void test_rules_that_yield_nothing(void **state)
{
	(void)state;
	static const char *const rules[] = {
	    "FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2",
	    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
	    "FREQ=DAILY;BYMONTH=4,6,9,11;BYMONTHDAY=31",
	    "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
	    "FREQ=HOURLY;INTERVAL=23;BYMONTH=2;BYMONTHDAY=30",
	    "FREQ=MONTHLY;BYDAY=6MO",
	    "FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=28",
	    "FREQ=YEARLY;BYYEARDAY=1;BYMONTH=2",
	    "FREQ=YEARLY;BYWEEKNO=30;BYMONTH=1",
	    "FREQ=YEARLY;INTERVAL=4;BYYEARDAY=366",
	    "FREQ=MONTHLY;INTERVAL=12;BYMONTH=2",
	    "FREQ=DAILY;BYHOUR=9,17;BYSETPOS=3",
	    "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=2",
	    "FREQ=YEARLY;BYDAY=MO;BYSETPOS=54",
	    "FREQ=HOURLY;BYMINUTE=1;BYSETPOS=-2",
	    "FREQ=HOURLY;INTERVAL=2;BYHOUR=2,4",
	    "FREQ=HOURLY;INTERVAL=24;BYHOUR=1,2,3",
	    "FREQ=DAILY;UNTIL=20250101",
	    "FREQ=WEEKLY;BYDAY=MO;UNTIL=20260118T000000Z",
	    "FREQ=WEEKLY;BYDAY=MO;COUNT=1",
	};
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		is_empty(rules[i], "20260115T0000", true);
	/* The start itself, or one time in 400 years, is something. */
	is_empty("FREQ=DAILY;COUNT=1", "20260115T0000", false);
	is_empty("FREQ=DAILY;UNTIL=20260115", "20260115T0000", false);
	is_empty("FREQ=YEARLY;INTERVAL=100;BYMONTH=2;BYMONTHDAY=29", "20000301T0000", false);
	is_empty("FREQ=MONTHLY;BYMONTH=2;BYDAY=5SU", "20260115T0000", false);
	is_empty("FREQ=WEEKLY;BYDAY=MO;UNTIL=20260119T000000Z", "20260115T0000", false);
	is_empty("FREQ=WEEKLY;BYDAY=MO;COUNT=2", "20260115T0000", false);
}

/* In 2400 again, the longest that anything in the calendar waits: 8 years passed over three times. */
static void test_the_longest_wait(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct recurrence_set set;
	expand(&arena,
	       &(struct example){"FREQ=YEARLY;INTERVAL=100;BYMONTH=2;BYMONTHDAY=29", "UTC", "20000301T0000", "", "", 3,
	                         MORE, ""},
	       &set);
	assert_int_equal(set.count, 3);
	assert_int_equal(set.instants_us[1], instant("24000229T0000"));
	assert_int_equal(set.instants_us[2], instant("28000229T0000"));
	arena_release(&arena);
}

static void test_search_is_bounded(void **state)
{
	(void)state;
	char positions[RECURRENCE_RULE_MAX + 1] = "FREQ=HOURLY;BYMINUTE=1;BYSETPOS=2";
	while (strlen(positions) + 2 <= RECURRENCE_RULE_MAX)
		strcat(positions, ",2");
	const char *const rules[] = {
	    "FREQ=DAILY;INTERVAL=40;BYMONTH=2;BYMONTHDAY=30",
	    "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
	    "FREQ=HOURLY;INTERVAL=2;BYHOUR=2",
	    "FREQ=YEARLY;BYDAY=MO;BYSETPOS=100",
	    "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
	    positions,
	};
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		int64_t best = INT64_MAX;
		for (int round = 0; round < 5; round++) {
			int64_t before = time_monotonic_micros();
			is_empty(rules[i], "20260115T0000", true);
			int64_t took = time_monotonic_micros() - before;
			best = took < best ? took : best;
		}
		/* A few milliseconds, sanitized and beside others some more; libical takes from 0.2 to eight seconds. */
		if (best > 100000)
			fail_msg("%s: %lld microseconds", rules[i], (long long)best);
	}
}

static void canonical(const char *rule, const char *wanted)
{
	struct arena arena = {0};
	struct err err;
	const char *text = NULL;
	if (!recurrence_check(&arena, rule, &text, &err))
		fail_msg("%s: %s", rule, err.message);
	assert_string_equal(text, wanted);
	/* What is canonical stays so. */
	assert_true(recurrence_check(&arena, text, &text, &err));
	assert_string_equal(text, wanted);
	arena_release(&arena);
}

static void refused(const char *rule, const char *word)
{
	struct arena arena = {0};
	struct err err = {""};
	const char *text = "untouched";
	if (recurrence_check(&arena, rule, &text, &err))
		fail_msg("%s was accepted as %s", rule, text);
	assert_string_equal(text, "untouched");
	if (!strstr(err.message, word))
		fail_msg("%s: %s", rule, err.message);
	arena_release(&arena);
}

static void test_canonical(void **state)
{
	(void)state;
	canonical("FREQ=MONTHLY", "FREQ=MONTHLY");
	canonical("RRULE:FREQ=MONTHLY", "FREQ=MONTHLY");
	canonical("rrule:freq=monthly;byday=-1fr", "FREQ=MONTHLY;BYDAY=-1FR");
	canonical("BYDAY=TH,MO;FREQ=WEEKLY;INTERVAL=1;WKST=MO", "FREQ=WEEKLY;BYDAY=MO,TH");
	canonical("FREQ=WEEKLY;WKST=SU;BYDAY=MO,SU", "FREQ=WEEKLY;BYDAY=SU,MO;WKST=SU");
	canonical("FREQ=MONTHLY;BYDAY=+2TU", "FREQ=MONTHLY;BYDAY=2TU");
	canonical("FREQ=MONTHLY;BYMONTHDAY=+02,-1", "FREQ=MONTHLY;BYMONTHDAY=2,-1");
	canonical("FREQ=DAILY;UNTIL=20261231", "FREQ=DAILY;UNTIL=20261231");
	canonical("FREQ=DAILY;UNTIL=20261231T090000", "FREQ=DAILY;UNTIL=20261231T090000");
	canonical("FREQ=DAILY;UNTIL=20261231T090000Z", "FREQ=DAILY;UNTIL=20261231T090000Z");
	canonical("FREQ=HOURLY;COUNT=010", "FREQ=HOURLY;COUNT=10");
}

/* Each number at its lowest and highest, and one below and above. */
static void test_limits_of_numbers(void **state)
{
	(void)state;
	static const struct {
		const char *format, *word;
		int lowest, highest;
	} numbers[] = {
	    {"FREQ=DAILY;INTERVAL=%d", "INTERVAL", 1, RECURRENCE_INTERVAL_MAX},
	    {"FREQ=DAILY;COUNT=%d", "COUNT", 1, RECURRENCE_COUNT_MAX},
	    {"FREQ=DAILY;BYSECOND=%d", "BYSECOND", 0, 60},
	    {"FREQ=DAILY;BYMINUTE=%d", "BYMINUTE", 0, 59},
	    {"FREQ=DAILY;BYHOUR=%d", "BYHOUR", 0, 23},
	    {"FREQ=DAILY;BYMONTH=%d", "BYMONTH", 1, 12},
	    {"FREQ=MONTHLY;BYMONTHDAY=%d", "BYMONTHDAY", 1, 31},
	    {"FREQ=MONTHLY;BYMONTHDAY=%d", "BYMONTHDAY", -31, -1},
	    {"FREQ=YEARLY;BYYEARDAY=%d", "BYYEARDAY", 1, 366},
	    {"FREQ=YEARLY;BYYEARDAY=%d", "BYYEARDAY", -366, -1},
	    {"FREQ=YEARLY;BYWEEKNO=%d", "BYWEEKNO", 1, 53},
	    {"FREQ=YEARLY;BYWEEKNO=%d", "BYWEEKNO", -53, -1},
	    {"FREQ=MONTHLY;BYDAY=MO;BYSETPOS=%d", "BYSETPOS", 1, 366},
	    {"FREQ=MONTHLY;BYDAY=MO;BYSETPOS=%d", "BYSETPOS", -366, -1},
	    {"FREQ=YEARLY;BYDAY=%dMO", "BYDAY", 1, 53},
	    {"FREQ=YEARLY;BYDAY=%dMO", "BYDAY", -53, -1},
	};
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		struct arena arena = {0};
		for (int edge = 0; edge < 2; edge++) {
			const char *text;
			struct err err;
			int number = edge ? numbers[i].highest : numbers[i].lowest, beyond = edge ? number + 1 : number - 1;
			const char *rule = arena_printf(&arena, numbers[i].format, number);
			if (!recurrence_check(&arena, rule, &text, &err))
				fail_msg("%s: %s", rule, err.message);
			refused(arena_printf(&arena, numbers[i].format, beyond), numbers[i].word);
		}
		arena_release(&arena);
	}
}

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *rule, *word;
	} bad[] = {
	    {"", "made of parts"},
	    {"RRULE:", "made of parts"},
	    {"MONTHLY", "made of parts"},
	    {"FREQ=MONTHLY;", "nothing between"},
	    {";FREQ=MONTHLY", "nothing between"},
	    {"FREQ=MONTHLY;;COUNT=1", "nothing between"},
	    {"FREQ=MONTHLY; COUNT=1", "COUNT"},
	    {"FREQ=MONTHLY\r\n", "FREQ takes"},
	    {"=MONTHLY", "made of parts"},
	    {"COUNT=1", "lacks FREQ"},
	    {"FREQ=", "FREQ takes"},
	    {"FREQ=FORTNIGHTLY", "FREQ takes"},
	    {"FREQ=MONTHLY;FREQ=MONTHLY", "twice"},
	    {"FREQ=DAILY;INTERVAL=1;INTERVAL=1", "twice"},
	    {"FREQ=DAILY;WKST=MO;WKST=MO", "twice"},
	    {"FREQ=MONTHLY;BYMONTHDAYS=1", "is BYMONTHDAY meant"},
	    {"FREQ=MONTHLY;X-MINE=1", "no such part"},
	    {"FREQ=DAILY;COUNT=2;UNTIL=20270101", "COUNT and UNTIL"},
	    {"FREQ=DAILY;UNTIL=20270101;COUNT=2", "COUNT and UNTIL"},
	    {"FREQ=MONTHLY;BYSETPOS=1", "another BY part"},
	    {"FREQ=MONTHLY;BYSETPOS=1;WKST=SU;INTERVAL=2;COUNT=3", "another BY part"},
	    {"FREQ=SECONDLY", "HOURLY is the shortest"},
	    {"FREQ=MINUTELY", "HOURLY is the shortest"},
	    {"RSCALE=DANGI;FREQ=YEARLY", "RSCALE"},
	    {"FREQ=MONTHLY;SKIP=BACKWARD", "SKIP"},
	    {"FREQ=MONTHLY;BYWEEKNO=1", "FREQ=YEARLY only"},
	    {"FREQ=WEEKLY;BYWEEKNO=1", "FREQ=YEARLY only"},
	    {"FREQ=DAILY;BYWEEKNO=1", "FREQ=YEARLY only"},
	    {"FREQ=HOURLY;BYWEEKNO=1", "FREQ=YEARLY only"},
	    {"FREQ=WEEKLY;BYMONTHDAY=1", "use MONTHLY"},
	    {"FREQ=DAILY;BYYEARDAY=1", "use YEARLY"},
	    {"FREQ=WEEKLY;BYYEARDAY=1", "use YEARLY"},
	    {"FREQ=MONTHLY;BYYEARDAY=1", "use YEARLY"},
	    {"FREQ=WEEKLY;BYDAY=1MO", "leave out the number"},
	    {"FREQ=DAILY;BYDAY=1MO", "leave out the number"},
	    {"FREQ=HOURLY;BYDAY=-1MO", "leave out the number"},
	    {"FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO", "leave out the number"},
	    {"FREQ=WEEKLY;BYDAY=MO, FR", "BYDAY"},
	    {"FREQ=WEEKLY;BYDAY=", "BYDAY"},
	    {"FREQ=WEEKLY;BYDAY=MO,", "BYDAY"},
	    {"FREQ=WEEKLY;BYDAY=MON", "BYDAY"},
	    {"FREQ=MONTHLY;BYDAY=2 TH", "BYDAY"},
	    {"FREQ=MONTHLY;BYDAY=255SU", "BYDAY"},
	    {"FREQ=MONTHLY;BYDAY=-SU", "BYDAY"},
	    {"FREQ=MONTHLY;BYDAY=--1SU", "BYDAY"},
	    {"FREQ=WEEKLY;WKST=1", "WKST"},
	    {"FREQ=WEEKLY;WKST=MO,TU", "WKST"},
	    {"FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY"},
	    {"FREQ=MONTHLY;BYMONTHDAY=1,,2", "BYMONTHDAY"},
	    {"FREQ=MONTHLY;BYMONTHDAY=1.5", "BYMONTHDAY"},
	    {"FREQ=MONTHLY;BYMONTHDAY= 1", "BYMONTHDAY"},
	    {"FREQ=MONTHLY;BYMONTHDAY=-", "BYMONTHDAY"},
	    {"FREQ=MONTHLY;BYMONTHDAY=0x1", "BYMONTHDAY"},
	    {"FREQ=YEARLY;BYMONTH=2L", "BYMONTH"},
	    {"FREQ=DAILY;BYHOUR=-1", "BYHOUR"},
	    {"FREQ=DAILY;BYHOUR=+1", "BYHOUR"},
	    {"FREQ=DAILY;COUNT=1,2", "one number"},
	    {"FREQ=DAILY;COUNT=99999999999999999999", "COUNT"},
	    {"FREQ=DAILY;INTERVAL=65537", "INTERVAL"},
	    {"FREQ=DAILY;UNTIL=", "UNTIL takes"},
	    {"FREQ=DAILY;UNTIL=2026-12-31", "UNTIL takes"},
	    {"FREQ=DAILY;UNTIL=20261231T0900", "UNTIL takes"},
	    {"FREQ=DAILY;UNTIL=20261231T090000+", "UNTIL takes"},
	    {"FREQ=DAILY;UNTIL=20261331", "month"},
	    {"FREQ=DAILY;UNTIL=20260229", "01 to 28"},
	    {"FREQ=DAILY;UNTIL=20261231T240000Z", "hour"},
	    {"FREQ=DAILY;UNTIL=20261231X090000Z", "UNTIL"},
	    {"FREQ=DAILY;UNTIL=2026123١", "UNTIL"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		refused(bad[i].rule, bad[i].word);
}

/* `length` bytes of a rule that says the same number again and again, once with a leading zero where that makes it
 * even. */
static void long_rule(char *rule, size_t length)
{
	size_t at = (size_t)sprintf(rule, "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=%s", length % 2 ? "01" : "1");
	for (; at < length; at += 2)
		memcpy(rule + at, ",1", 3);
	assert_int_equal(strlen(rule), length);
}

static void test_length(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct err err;
	const char *text;
	char rule[RECURRENCE_RULE_MAX + 8] = "RRULE:";
	for (size_t length = RECURRENCE_RULE_MAX - 1; length <= RECURRENCE_RULE_MAX; length++) {
		long_rule(rule + 6, length);
		if (!recurrence_check(&arena, rule, &text, &err))
			fail_msg("%zu characters: %s", length, err.message);
	}
	long_rule(rule + 6, RECURRENCE_RULE_MAX + 1);
	refused(rule, "500 characters");
	refused(rule + 6, "500 characters");
	snprintf(rule, sizeof rule, "FREQ=YEARLY;BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12");
	assert_true(recurrence_check(&arena, rule, &text, &err));
	strcat(rule, ",12");
	refused(rule, "at most 12 numbers");
	arena_release(&arena);
}

static void test_far_ends(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct recurrence_set set;
	struct err err;
	struct recurrence recurrence = {instant("20250309T0730"), "America/New_York", "FREQ=YEARLY;BYMONTH=3;BYDAY=2SU",
	                                NULL, 0};
	assert_true(recurrence_expand(&arena, &recurrence, INT64_MAX, 1, &set, &err));
	assert_int_equal(set.count, 0);
	assert_false(set.more);
	assert_false(set.empty);
	/* On the wall in 9999, by UTC later. */
	recurrence.rule = "FREQ=DAILY";
	recurrence.start_us = instant("99991231T0400");
	assert_true(recurrence_expand(&arena, &recurrence, INT64_MIN, 9, &set, &err));
	assert_int_equal(set.count, 1);
	assert_false(set.more);
	recurrence.start_us = instant("20250309T0730");
	/* Every time lies in a gap, up to one beyond which UNTIL cuts off the rest. */
	recurrence.rule = "FREQ=YEARLY;BYMONTH=3;BYDAY=2SU;UNTIL=20270314T073000Z";
	assert_true(recurrence_expand(&arena, &recurrence, INT64_MIN, 9, &set, &err));
	assert_int_equal(set.count, 3);
	assert_int_equal(set.instants_us[2], instant("20270314T0730"));
	assert_false(set.more);
	recurrence.rule = "FREQ=YEARLY;BYMONTH=3;BYDAY=2SU;UNTIL=20270314T072959Z";
	assert_true(recurrence_expand(&arena, &recurrence, INT64_MIN, 9, &set, &err));
	assert_int_equal(set.count, 2);
	arena_release(&arena);
}

static void test_expand_refuses(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct recurrence_set set;
	static int64_t exdates[RECURRENCE_EXDATES_MAX + 1];
	struct err err;
	struct recurrence recurrence = {0, "Asia/Seoul", "FREQ=DAILY", exdates, RECURRENCE_EXDATES_MAX};
	assert_true(recurrence_expand(&arena, &recurrence, -1, 1, &set, &err));
	assert_int_equal(set.count, 1);
	assert_int_equal(set.instants_us[0], INT64_C(86400000000));
	assert_false(recurrence_expand(&arena, &recurrence, -1, 0, &set, &err));
	assert_non_null(strstr(err.message, "at least one"));
	recurrence.exdate_count++;
	assert_false(recurrence_expand(&arena, &recurrence, -1, 1, &set, &err));
	assert_non_null(strstr(err.message, "500 exdates"));
	recurrence.exdate_count = 0;
	recurrence.zone = "Asia/Atlantis";
	assert_false(recurrence_expand(&arena, &recurrence, -1, 1, &set, &err));
	assert_non_null(strstr(err.message, "time zone"));
	recurrence.zone = "Asia/Seoul";
	recurrence.rule = "FREQ=DAILY;COUNT=0";
	assert_false(recurrence_expand(&arena, &recurrence, -1, 1, &set, &err));
	assert_non_null(strstr(err.message, "COUNT"));
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_examples_of_rfc5545),
	    cmocka_unit_test(test_other_examples),
	    cmocka_unit_test(test_pages),
	    cmocka_unit_test(test_rules_that_yield_nothing),
	    cmocka_unit_test(test_the_longest_wait),
	    cmocka_unit_test(test_search_is_bounded),
	    cmocka_unit_test(test_canonical),
	    cmocka_unit_test(test_limits_of_numbers),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_length),
	    cmocka_unit_test(test_far_ends),
	    cmocka_unit_test(test_expand_refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
