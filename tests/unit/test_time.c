/* Tests of text/time: what RFC 3339 allows, each field at, below and above its range, and that reading and writing are
 * each other's inverse over all years. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "text/time.h"

#define FIRST INT64_C(-62135596800000000) /* 0001-01-01T00:00:00Z */
#define LAST INT64_C(253402300799999999)  /* 9999-12-31T23:59:59.999999Z */

static void instant(const char *text, int64_t wanted)
{
	struct err err;
	int64_t micros = 1;
	if (!time_parse_instant(text, &micros, &err))
		fail_msg("%s: %s", text, err.message);
	assert_int_equal(micros, wanted);
}

static void no_instant(const char *text, const char *word)
{
	struct err err = {""};
	int64_t micros = 77;
	if (time_parse_instant(text, &micros, &err))
		fail_msg("%s was accepted", text);
	assert_int_equal(micros, 77);
	if (!strstr(err.message, word))
		fail_msg("%s: %s", text, err.message);
}

static void day(const char *text, int32_t wanted)
{
	struct err err;
	int32_t days = 1;
	if (!time_parse_day(text, &days, &err))
		fail_msg("%s: %s", text, err.message);
	assert_int_equal(days, wanted);
}

static void no_day(const char *text, const char *word)
{
	struct err err = {""};
	int32_t days = 77;
	if (time_parse_day(text, &days, &err))
		fail_msg("%s was accepted", text);
	assert_int_equal(days, 77);
	if (!strstr(err.message, word))
		fail_msg("%s: %s", text, err.message);
}

static void test_instants(void **state)
{
	(void)state;
	instant("1970-01-01T00:00:00Z", 0);
	instant("1970-01-01t00:00:00z", 0);
	instant("1969-12-31T23:59:59Z", -1000000);
	instant("1969-12-31T23:59:59.999999Z", -1);
	instant("2026-11-23T20:04:53+09:00", INT64_C(1795431893000000));
	instant("2026-11-23T11:04:53Z", INT64_C(1795431893000000));
	instant("2026-11-23T00:04:53-11:00", INT64_C(1795431893000000));
	instant("1970-01-01T00:00:00+23:59", -86340 * INT64_C(1000000));
	instant("1970-01-01T00:00:00-23:59", 86340 * INT64_C(1000000));
	instant("1970-01-01T00:00:00-00:00", 0);
	instant("2000-02-29T23:59:59Z", INT64_C(951868799000000));
}

static void test_fractions(void **state)
{
	(void)state;
	instant("1970-01-01T00:00:00.1Z", 100000);
	instant("1970-01-01T00:00:00.000001Z", 1);
	instant("1970-01-01T00:00:00.0000019Z", 1);
	instant("1970-01-01T00:00:00.123456789Z", 123456);
	no_instant("1970-01-01T00:00:00.1234567890Z", "fraction");
	no_instant("1970-01-01T00:00:00.Z", "fraction");
	no_instant("1970-01-01T00:00:00,1Z", "offset");
}

static void test_ends_of_the_range(void **state)
{
	(void)state;
	instant("0001-01-01T00:00:00Z", FIRST);
	instant("0001-01-01T00:01:00+00:01", FIRST);
	no_instant("0001-01-01T00:00:59.999999+00:01", "UTC");
	instant("9999-12-31T23:59:59.999999Z", LAST);
	instant("9999-12-31T23:58:59.999999-00:01", LAST);
	no_instant("9999-12-31T23:59:00-00:01", "UTC");
	no_instant("0000-12-31T23:59:59Z", "year");
}

static void test_fields_out_of_range(void **state)
{
	(void)state;
	instant("1970-01-01T23:59:59Z", 86399 * INT64_C(1000000));
	no_instant("1970-01-01T24:00:00Z", "hour");
	no_instant("1970-01-01T00:60:00Z", "minute");
	no_instant("2016-12-31T23:59:60Z", "leap second");
	no_instant("1970-01-01T00:00:61Z", "second must be");
	no_instant("1970-01-01T00:00:00+24:00", "offset");
	no_instant("1970-01-01T00:00:00+00:60", "offset");
	no_instant("1970-02-29T00:00:00Z", "01 to 28");
}

static void test_shapes_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
	    "",
	    "now",
	    "infinity",
	    "1970-01-01",
	    "1970-01-01T00:00Z",
	    "1970-01-01T00:00:00",
	    "1970-01-01 00:00:00Z",
	    "1970-01-01T00:00:00Z ",
	    " 1970-01-01T00:00:00Z",
	    "1970-01-01T00:00:00+0900",
	    "1970-01-01T00:00:00+09",
	    "1970-01-01T00:00:00+9:00",
	    "1970-01-01T00:00:00ZZ",
	    "1970-01-01T00:00:00+09:00Z",
	    "1970-1-01T00:00:00Z",
	    "+1970-01-01T00:00:00Z",
	    "10000-01-01T00:00:00Z",
	    "-001-01-01T00:00:00Z",
	    "1970-01-01T0:00:00Z",
	    "1970-01-01T00:00:0:Z",
	    "1970-01-01T00:00:0/Z",
	    "19700101T000000Z",
	    "1970-01-01T00:00:00*09:00",
	    "1970-01-01T-1:00:00Z",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		no_instant(bad[i], "");
	struct err *none = NULL;
	int64_t micros;
	assert_false(time_parse_instant("", &micros, none));
}

static void test_days(void **state)
{
	(void)state;
	day("1970-01-01", 0);
	day("1969-12-31", -1);
	day("0001-01-01", -719162);
	day("9999-12-31", 2932896);
	day("2000-02-29", 11016);
	day("2024-02-29", 19782);
	no_day("1900-02-29", "01 to 28");
	no_day("2023-02-29", "01 to 28");
	no_day("2024-02-30", "01 to 29");
	no_day("2024-04-31", "01 to 30");
	no_day("2024-12-32", "01 to 31");
	no_day("2024-01-00", "01 to 31");
	no_day("2024-00-01", "month");
	no_day("2024-13-01", "month");
	no_day("0000-01-01", "year");
	no_day("2024-01-01 ", "YYYY-MM-DD");
	no_day("2024-01-01T00:00:00Z", "YYYY-MM-DD");
	no_day("20240101", "YYYY-MM-DD");
	no_day("2024-1-1", "YYYY-MM-DD");
	no_day("", "YYYY-MM-DD");
}

static void test_every_day_comes_back(void **state)
{
	(void)state;
	char text[TIME_DAY_SIZE], before[TIME_DAY_SIZE] = "";
	for (int32_t days = -719162; days <= 2932896; days++) {
		struct err err;
		int32_t again = 0;
		time_format_day(days, text);
		if (!time_parse_day(text, &again, &err) || again != days || strcmp(before, text) >= 0)
			fail_msg("%d is %s is %d", days, text, again);
		memcpy(before, text, sizeof text);
	}
	assert_string_equal(text, "9999-12-31");
}

static void test_days_agree_with_the_c_library(void **state)
{
	(void)state;
	for (int32_t days = -719162; days <= 2932896; days += 13) {
		time_t seconds = (time_t)days * 86400;
		struct tm utc;
		char text[TIME_DAY_SIZE];
		assert_non_null(gmtime_r(&seconds, &utc));
		time_format_day(days, text);
		assert_int_equal(atoi(text), utc.tm_year + 1900);
		assert_int_equal(atoi(text + 5), utc.tm_mon + 1);
		assert_int_equal(atoi(text + 8), utc.tm_mday);
	}
}

static void formats(int64_t micros, const char *wanted)
{
	char text[TIME_INSTANT_SIZE];
	time_format_instant(micros, text);
	assert_string_equal(text, wanted);
	instant(text, micros);
}

static void test_format_instant(void **state)
{
	(void)state;
	formats(0, "1970-01-01T00:00:00Z");
	formats(1, "1970-01-01T00:00:00.000001Z");
	formats(-1, "1969-12-31T23:59:59.999999Z");
	formats(-86400 * INT64_C(1000000), "1969-12-31T00:00:00Z");
	formats(INT64_C(1795431893120000), "2026-11-23T11:04:53.120000Z");
	formats(FIRST, "0001-01-01T00:00:00Z");
	formats(FIRST + 1, "0001-01-01T00:00:00.000001Z");
	formats(LAST, "9999-12-31T23:59:59.999999Z");
}

static void test_clocks(void **state)
{
	(void)state;
	int64_t wall = time_now_micros(), steady = time_monotonic_micros();
	assert_true(llabs(wall / 1000000 - (int64_t)time(NULL)) <= 2);
	usleep(2000);
	int64_t passed = time_monotonic_micros() - steady;
	assert_true(passed >= 2000 && passed < 60 * INT64_C(1000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_instants),
	    cmocka_unit_test(test_fractions),
	    cmocka_unit_test(test_ends_of_the_range),
	    cmocka_unit_test(test_fields_out_of_range),
	    cmocka_unit_test(test_shapes_refused),
	    cmocka_unit_test(test_days),
	    cmocka_unit_test(test_every_day_comes_back),
	    cmocka_unit_test(test_days_agree_with_the_c_library),
	    cmocka_unit_test(test_format_instant),
	    cmocka_unit_test(test_clocks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
