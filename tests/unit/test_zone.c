/* Tests of text/zone: gaps and overlaps at, before and behind their ends, that both directions are each other's inverse
 * over the whole history of some zones, that the process is left as it was found, and what is no zone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "text/time.h"
#include "text/zone.h"

static int64_t seconds(const char *text)
{
	int64_t micros;
	struct err err;
	if (!time_parse_instant(text, &micros, &err))
		fail_msg("%s: %s", text, err.message);
	return micros / 1000000;
}

/* The local time is written as if it were UTC. */
static void is(const char *name, const char *local, const char *instant, bool wanted_moved)
{
	struct zone zone;
	struct err err;
	bool moved = !wanted_moved;
	if (!zone_init(&zone, name, &err))
		fail_msg("%s: %s", name, err.message);
	int64_t got = zone_instant_of(&zone, seconds(local), &moved);
	int64_t back = zone_local_of(&zone, got);
	zone_release(&zone);
	if (got != seconds(instant) || moved != wanted_moved)
		fail_msg("%s %s is %lld, %s moved", name, local, (long long)got, moved ? "" : "not");
	if (!moved)
		assert_int_equal(back, seconds(local));
	else
		assert_true(back > seconds(local));
}

static void test_new_york(void **state)
{
	(void)state;
	is("America/New_York", "2026-03-08T01:59:59Z", "2026-03-08T06:59:59Z", false);
	is("America/New_York", "2026-03-08T02:00:00Z", "2026-03-08T07:00:00Z", true);
	is("America/New_York", "2026-03-08T02:30:00Z", "2026-03-08T07:30:00Z", true);
	is("America/New_York", "2026-03-08T02:59:59Z", "2026-03-08T07:59:59Z", true);
	is("America/New_York", "2026-03-08T03:00:00Z", "2026-03-08T07:00:00Z", false);
	is("America/New_York", "2026-11-01T00:59:59Z", "2026-11-01T04:59:59Z", false);
	is("America/New_York", "2026-11-01T01:00:00Z", "2026-11-01T05:00:00Z", false);
	is("America/New_York", "2026-11-01T01:59:59Z", "2026-11-01T05:59:59Z", false);
	is("America/New_York", "2026-11-01T02:00:00Z", "2026-11-01T07:00:00Z", false);
	/* Past the table, by the rule at its end. */
	is("America/New_York", "2099-03-08T02:30:00Z", "2099-03-08T07:30:00Z", true);
	is("America/New_York", "9998-07-01T00:00:00Z", "9998-07-01T04:00:00Z", false);
}

static void test_berlin(void **state)
{
	(void)state;
	is("Europe/Berlin", "2026-03-29T01:59:59Z", "2026-03-29T00:59:59Z", false);
	is("Europe/Berlin", "2026-03-29T02:00:00Z", "2026-03-29T01:00:00Z", true);
	is("Europe/Berlin", "2026-03-29T02:59:59Z", "2026-03-29T01:59:59Z", true);
	is("Europe/Berlin", "2026-03-29T03:00:00Z", "2026-03-29T01:00:00Z", false);
	is("Europe/Berlin", "2026-10-25T01:59:59Z", "2026-10-24T23:59:59Z", false);
	is("Europe/Berlin", "2026-10-25T02:00:00Z", "2026-10-25T00:00:00Z", false);
	is("Europe/Berlin", "2026-10-25T02:59:59Z", "2026-10-25T00:59:59Z", false);
	is("Europe/Berlin", "2026-10-25T03:00:00Z", "2026-10-25T02:00:00Z", false);
}

static void test_korea(void **state)
{
	(void)state;
	is("Asia/Pyongyang", "2015-08-14T23:29:59Z", "2015-08-14T14:29:59Z", false);
	is("Asia/Pyongyang", "2015-08-14T23:30:00Z", "2015-08-14T14:30:00Z", false);
	is("Asia/Pyongyang", "2015-08-14T23:59:59Z", "2015-08-14T14:59:59Z", false);
	is("Asia/Pyongyang", "2015-08-15T00:00:00Z", "2015-08-14T15:30:00Z", false);
	is("Asia/Pyongyang", "2018-05-04T23:29:59Z", "2018-05-04T14:59:59Z", false);
	is("Asia/Pyongyang", "2018-05-04T23:30:00Z", "2018-05-04T15:00:00Z", true);
	is("Asia/Pyongyang", "2018-05-04T23:59:59Z", "2018-05-04T15:29:59Z", true);
	is("Asia/Pyongyang", "2018-05-05T00:00:00Z", "2018-05-04T15:00:00Z", false);
	is("Asia/Seoul", "1987-05-10T01:59:59Z", "1987-05-09T16:59:59Z", false);
	is("Asia/Seoul", "1987-05-10T02:30:00Z", "1987-05-09T17:30:00Z", true);
	is("Asia/Seoul", "1987-05-10T03:00:00Z", "1987-05-09T17:00:00Z", false);
	is("Asia/Seoul", "1988-10-09T02:30:00Z", "1988-10-08T16:30:00Z", false);
	is("Asia/Seoul", "1988-10-09T03:00:00Z", "1988-10-08T18:00:00Z", false);
	is("Asia/Seoul", "1900-01-01T00:00:00Z", "1899-12-31T15:32:08Z", false);
	is("Asia/Seoul", "2026-11-23T09:00:00Z", "2026-11-23T00:00:00Z", false);
}

static void test_far_from_the_usual(void **state)
{
	(void)state;
	/* A whole day left out. */
	is("Pacific/Apia", "2011-12-29T23:59:59Z", "2011-12-30T09:59:59Z", false);
	is("Pacific/Apia", "2011-12-30T00:00:00Z", "2011-12-30T10:00:00Z", true);
	is("Pacific/Apia", "2011-12-30T23:59:59Z", "2011-12-31T09:59:59Z", true);
	is("Pacific/Apia", "2011-12-31T00:00:00Z", "2011-12-30T10:00:00Z", false);
	is("Australia/Lord_Howe", "2026-10-04T02:15:00Z", "2026-10-03T15:45:00Z", true);
	is("Asia/Kathmandu", "2026-01-01T00:00:00Z", "2025-12-31T18:15:00Z", false);
	is("UTC", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", false);
	is("Etc/GMT+12", "2026-01-01T00:00:00Z", "2026-01-01T12:00:00Z", false);
	/* A file and a POSIX rule of one name: the file knows the history. */
	is("EST5EDT", "1944-01-01T00:00:00Z", "1944-01-01T04:00:00Z", false);
}

/* Each quarter of an hour of two centuries: an instant's local time leads back to it or, where it came twice, to the
 * first; and local times that no instant shows are moved to the instant that is as far behind the gap. */
static void test_inverse(void **state)
{
	(void)state;
	static const char *const names[] = {"Asia/Seoul", "Asia/Pyongyang", "America/New_York", "Europe/Berlin"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct zone zone;
		struct err err;
		assert_true(zone_init(&zone, names[i], &err));
		int64_t gaps = 0, overlaps = 0;
		for (int64_t at = seconds("1860-01-01T00:00:00Z"); at < seconds("2060-01-01T00:00:00Z"); at += 900) {
			bool moved;
			int64_t local = zone_local_of(&zone, at), back = zone_instant_of(&zone, local, &moved);
			if (moved || back > at || zone_local_of(&zone, back) != local)
				fail_msg("%s %lld came back as %lld", names[i], (long long)at, (long long)back);
			overlaps += back != at;
			int64_t skipped = local - zone_local_of(&zone, at - 1) - 1;
			if (skipped > 0) {
				int64_t missing = zone_instant_of(&zone, local - 1, &moved);
				if (!moved || missing != at - 1 + skipped)
					fail_msg("%s: the gap before %lld leads to %lld", names[i], (long long)at, (long long)missing);
				gaps++;
			}
		}
		zone_release(&zone);
		if (gaps == 0 || overlaps == 0)
			fail_msg("%s: %lld gaps and %lld overlaps", names[i], (long long)gaps, (long long)overlaps);
	}
}

static void is_unknown(const char *name)
{
	struct zone zone;
	struct err err = {""};
	if (zone_check(name, &err))
		fail_msg("\"%s\" was accepted", name);
	assert_non_null(strstr(err.message, "IANA name"));
	assert_false(zone_init(&zone, name, &err));
}

static void test_what_is_no_zone(void **state)
{
	(void)state;
	static const char *const names[] = {"",
	                                    "Asia/Atlantis",
	                                    "asia/seoul",
	                                    "Asia",
	                                    "Asia/",
	                                    "Asia/Seoul ",
	                                    ":Asia/Seoul",
	                                    "KST-9",
	                                    "<KST>-9",
	                                    "UTC0",
	                                    "posixrules",
	                                    "localtime",
	                                    "zone.tab",
	                                    "tzdata.zi",
	                                    "iso3166.tab",
	                                    "right/Asia/Seoul",
	                                    "posix/Asia/Seoul",
	                                    "/usr/share/zoneinfo/Asia/Seoul",
	                                    "../zoneinfo/Asia/Seoul",
	                                    "Asia/../Asia/Seoul",
	                                    "Asia/./Seoul",
	                                    "./UTC",
	                                    "Asia/Seoul\n",
	                                    "Asia\\Seoul",
	                                    "서울",
	                                    "leapseconds"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		is_unknown(names[i]);
	char name[ZONE_NAME_MAX + 2];
	/* As long as a name may be, and longer: both unknown, neither too much. */
	for (size_t length = ZONE_NAME_MAX - 1; length < sizeof name; length++) {
		memset(name, 'A', length);
		name[length] = '\0';
		is_unknown(name);
	}
	struct err err;
	assert_true(zone_check("Asia/Seoul", &err));
	assert_true(zone_check("America/Argentina/ComodRivadavia", &err));
	assert_true(zone_check("Etc/GMT-14", &err));
}

static void left_as_found(void)
{
	struct zone zone;
	struct err err;
	struct tm before, after;
	time_t at = 1767225600;
	const char *was = getenv("TZ");
	char *copy = was ? strdup(was) : NULL;
	tzset();
	localtime_r(&at, &before);
	assert_true(zone_init(&zone, "Australia/Lord_Howe", &err));
	assert_int_equal(zone_local_of(&zone, at) - at, 11 * 3600);
	zone_release(&zone);
	localtime_r(&at, &after);
	assert_int_equal(before.tm_gmtoff, after.tm_gmtoff);
	if (copy)
		assert_string_equal(getenv("TZ"), copy);
	else
		assert_null(getenv("TZ"));
	free(copy);
}

static void test_left_as_found(void **state)
{
	(void)state;
	unsetenv("TZ");
	left_as_found();
	setenv("TZ", "America/New_York", 1);
	left_as_found();
	setenv("TZ", "KST-9", 1);
	left_as_found();
	unsetenv("TZ");
	tzset();
}

/* The folder may be another: then its zones are the ones that exist. */
static void test_folder(void **state)
{
	(void)state;
	setenv("TZDIR", "/usr/share/zoneinfo/Asia", 1);
	is("Seoul", "2026-01-01T09:00:00Z", "2026-01-01T00:00:00Z", false);
	is_unknown("Asia/Seoul");
	/* Something else under the name of a zone. */
	char folder[] = "/tmp/test_zone.XXXXXX", file[64];
	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof file, "%s/Nowhere", folder);
	FILE *text = fopen(file, "w");
	assert_non_null(text);
	fputs("no zone", text);
	fclose(text);
	setenv("TZDIR", folder, 1);
	is_unknown("Nowhere");
	unlink(file);
	rmdir(folder);
	unsetenv("TZDIR");
	is("Asia/Seoul", "2026-01-01T09:00:00Z", "2026-01-01T00:00:00Z", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_new_york),      cmocka_unit_test(test_berlin),
	    cmocka_unit_test(test_korea),         cmocka_unit_test(test_far_from_the_usual),
	    cmocka_unit_test(test_inverse),       cmocka_unit_test(test_what_is_no_zone),
	    cmocka_unit_test(test_left_as_found), cmocka_unit_test(test_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
