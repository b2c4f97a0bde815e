/* Tests of text/holidays: the calendars of seven years as they were and are published, less what single decrees added;
 * the lunar days of ten years, which korean-lunar-calendar of npm gives alike; and what substitutes came of before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "text/holidays.h"
#include "text/time.h"

static const struct {
	int year;
	const char *wanted;
} years[] = {
    {2021, "01-01 신정; 02-11 설날 전날; 02-12 설날; 02-13 설날 다음 날; 03-01 삼일절; 05-05 어린이날; "
           "05-19 부처님오신날; 06-06 현충일; 08-15 광복절; 08-16 대체공휴일; 09-20 추석 전날; 09-21 추석; "
           "09-22 추석 다음 날; 10-03 개천절; 10-04 대체공휴일; 10-09 한글날; 10-11 대체공휴일; 12-25 성탄절"},
    {2022, "01-01 신정; 01-31 설날 전날; 02-01 설날; 02-02 설날 다음 날; 03-01 삼일절; 05-05 어린이날; "
           "05-08 부처님오신날; 06-06 현충일; 08-15 광복절; 09-09 추석 전날; 09-10 추석; 09-11 추석 다음 날; "
           "09-12 대체공휴일; 10-03 개천절; 10-09 한글날; 10-10 대체공휴일; 12-25 성탄절"},
    {2023, "01-01 신정; 01-21 설날 전날; 01-22 설날; 01-23 설날 다음 날; 01-24 대체공휴일; 03-01 삼일절; "
           "05-05 어린이날; 05-27 부처님오신날; 05-29 대체공휴일; 06-06 현충일; 08-15 광복절; 09-28 추석 전날; "
           "09-29 추석; 09-30 추석 다음 날; 10-03 개천절; 10-09 한글날; 12-25 성탄절"},
    {2024, "01-01 신정; 02-09 설날 전날; 02-10 설날; 02-11 설날 다음 날; 02-12 대체공휴일; 03-01 삼일절; "
           "05-05 어린이날; 05-06 대체공휴일; 05-15 부처님오신날; 06-06 현충일; 08-15 광복절; 09-16 추석 전날; "
           "09-17 추석; 09-18 추석 다음 날; 10-03 개천절; 10-09 한글날; 12-25 성탄절"},
    {2025, "01-01 신정; 01-28 설날 전날; 01-29 설날; 01-30 설날 다음 날; 03-01 삼일절; 03-03 대체공휴일; "
           "05-05 부처님오신날; 05-05 어린이날; 05-06 대체공휴일; 06-06 현충일; 08-15 광복절; 10-03 개천절; "
           "10-05 추석 전날; 10-06 추석; 10-07 추석 다음 날; 10-08 대체공휴일; 10-09 한글날; 12-25 성탄절"},
    {2026, "01-01 신정; 02-16 설날 전날; 02-17 설날; 02-18 설날 다음 날; 03-01 삼일절; 03-02 대체공휴일; "
           "05-05 어린이날; 05-24 부처님오신날; 05-25 대체공휴일; 06-06 현충일; 08-15 광복절; 08-17 대체공휴일; "
           "09-24 추석 전날; 09-25 추석; 09-26 추석 다음 날; 10-03 개천절; 10-05 대체공휴일; 10-09 한글날; "
           "12-25 성탄절"},
    {2027, "01-01 신정; 02-06 설날 전날; 02-07 설날; 02-08 설날 다음 날; 02-09 대체공휴일; 03-01 삼일절; "
           "05-05 어린이날; 05-13 부처님오신날; 06-06 현충일; 08-15 광복절; 08-16 대체공휴일; 09-14 추석 전날; "
           "09-15 추석; 09-16 추석 다음 날; 10-03 개천절; 10-04 대체공휴일; 10-09 한글날; 10-11 대체공휴일; "
           "12-25 성탄절; 12-27 대체공휴일"},
};

static const struct {
	int year;
	const char *seollal, *buddha, *chuseok;
} lunar[] = {
    {2026, "02-17", "05-24", "09-25"}, {2027, "02-07", "05-13", "09-15"}, {2028, "01-27", "05-02", "10-03"},
    {2029, "02-13", "05-20", "09-22"}, {2030, "02-03", "05-09", "09-12"}, {2031, "01-23", "05-28", "10-01"},
    {2032, "02-11", "05-16", "09-19"}, {2033, "01-31", "05-06", "09-08"}, {2034, "02-19", "05-25", "09-27"},
    {2035, "02-08", "05-15", "09-16"},
};

static struct holidays of_year(struct arena *arena, int year)
{
	struct holidays holidays;
	struct err err;
	if (!holidays_of_year(arena, year, &holidays, &err))
		fail_msg("%d: %s", year, err.message);
	return holidays;
}

/* "MM-DD name; …" */
static const char *written(struct arena *arena, int year)
{
	struct holidays holidays = of_year(arena, year);
	char *text = arena_strdup(arena, "");
	for (size_t i = 0; i < holidays.count; i++) {
		char day[TIME_DAY_SIZE];
		time_format_day(holidays.list[i].day, day);
		assert_int_equal(strtol(day, NULL, 10), year);
		text = arena_printf(arena, "%s%s%s %s", text, i ? "; " : "", day + 5, holidays.list[i].name_ko);
	}
	return text;
}

static void test_years(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof years / sizeof years[0]; i++) {
		struct arena arena = {0};
		assert_string_equal(written(&arena, years[i].year), years[i].wanted);
		arena_release(&arena);
	}
}

static void has(int year, const char *day, const char *name)
{
	struct arena arena = {0};
	const char *text = written(&arena, year), *wanted = arena_printf(&arena, "%s %s", day, name);
	if (!strstr(text, wanted))
		fail_msg("%d lacks %s: %s", year, wanted, text);
	arena_release(&arena);
}

static void test_lunar_days(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof lunar / sizeof lunar[0]; i++) {
		has(lunar[i].year, lunar[i].seollal, "설날");
		has(lunar[i].year, lunar[i].buddha, "부처님오신날");
		has(lunar[i].year, lunar[i].chuseok, "추석");
	}
}

static size_t substitutes(int year)
{
	struct arena arena = {0};
	struct holidays holidays = of_year(&arena, year);
	size_t count = 0;
	for (size_t i = 0; i < holidays.count; i++)
		count += strcmp(holidays.list[i].name_en, "Substitute holiday") == 0;
	arena_release(&arena);
	return count;
}

static void test_substitutes(void **state)
{
	(void)state;
	/* Before 2021 Seollal, Chuseok and Children's Day alone, and what coincides with them. */
	has(2014, "09-10", "대체공휴일");
	has(2015, "09-29", "대체공휴일");
	has(2016, "02-10", "대체공휴일");
	has(2017, "01-30", "대체공휴일");
	has(2017, "10-06", "대체공휴일");
	has(2018, "05-07", "대체공휴일");
	has(2018, "09-26", "대체공휴일");
	has(2019, "05-06", "대체공휴일");
	has(2020, "01-27", "대체공휴일");
	assert_int_equal(substitutes(2014), 1);
	assert_int_equal(substitutes(2015), 1);
	assert_int_equal(substitutes(2016), 1);
	assert_int_equal(substitutes(2017), 2);
	assert_int_equal(substitutes(2018), 2);
	assert_int_equal(substitutes(2019), 1);
	assert_int_equal(substitutes(2020), 1);
	/* Chuseok from Tuesday on, its first day also National Foundation Day. */
	has(2028, "10-05", "대체공휴일");
}

static void test_order_and_names(void **state)
{
	(void)state;
	for (int year = HOLIDAYS_FIRST_YEAR; year <= HOLIDAYS_LAST_YEAR; year++) {
		struct arena arena = {0};
		struct holidays holidays = of_year(&arena, year);
		assert_in_range(holidays.count, 15, 25);
		for (size_t i = 0; i < holidays.count; i++) {
			assert_true(i == 0 || holidays.list[i].day >= holidays.list[i - 1].day);
			assert_true(*holidays.list[i].name_ko && *holidays.list[i].name_en);
			/* A substitute is a day of its own, Monday to Friday. */
			if (strcmp(holidays.list[i].name_en, "Substitute holiday") != 0)
				continue;
			assert_true((holidays.list[i].day + 3) % 7 < 5);
			assert_true(holidays.list[i - 1].day != holidays.list[i].day);
			assert_true(i + 1 == holidays.count || holidays.list[i + 1].day != holidays.list[i].day);
		}
		arena_release(&arena);
	}
}

static void test_limits(void **state)
{
	(void)state;
	struct arena arena = {0};
	struct holidays holidays;
	struct err err;
	assert_true(holidays_of_year(&arena, HOLIDAYS_FIRST_YEAR, &holidays, &err));
	assert_true(holidays_of_year(&arena, HOLIDAYS_LAST_YEAR, &holidays, &err));
	assert_false(holidays_of_year(&arena, HOLIDAYS_FIRST_YEAR - 1, &holidays, &err));
	assert_non_null(strstr(err.message, "2014 to 2050"));
	assert_false(holidays_of_year(&arena, HOLIDAYS_LAST_YEAR + 1, &holidays, &err));
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_years),           cmocka_unit_test(test_lunar_days), cmocka_unit_test(test_substitutes),
	    cmocka_unit_test(test_order_and_names), cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
