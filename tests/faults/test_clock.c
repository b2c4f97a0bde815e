/* Clock: what comes of reminders when the machine's clock jumps, and in the nights in which clocks are changed.
 *
 * libfaketime lies to the daemon and its PostgreSQL, both by one file: whatever the clock passes over comes, once, and
 * what has come does not come again when the clock is set back. The monotonic clock stays true, as it does when a real
 * clock is set. The test sees time as the database does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../integration/single.h"
#include "../integration/taken.h"

enum { RECHECK_MS = 32000, SETTLE_MS = 1500, HOUR_S = 3600, DAY_S = 86400 };

static char file[96], who[40];
static long offset_s;

/* As one step: what reads it sees the old clock or the new one. */
static void set_offset(long s)
{
	char made[112];
	snprintf(made, sizeof made, "%s.new", file);
	FILE *out = fopen(made, "w");
	assert_non_null(out);
	fprintf(out, "%+ld\n", s);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(rename(made, file), 0);
	offset_s = s;
}

static void set_clock(const char *utc)
{
	struct tm parts = {0};
	assert_non_null(strptime(utc, "%Y-%m-%d %H:%M:%S", &parts));
	set_offset((long)(timegm(&parts) - time(NULL)));
}

static int set_up(void **state)
{
	const char *library = "/usr/lib/" FAKETIME_FOLDER "/faketime/libfaketimeMT.so.1";
	if (access(library, R_OK) != 0)
		fail_msg("%s is missing: make test-faults installs it", library);
	taken_listen();
	harness = calloc(1, sizeof *harness);
	assert_non_null(harness);
	*state = harness;
	harness_init(harness);
	snprintf(file, sizeof file, "%s/clock", harness->folder);
	set_offset(0);
	const char *const settings[] = {"webhook.allow_http=yes", "webhook.allow_private=yes", "delivery.retry_first_s=5"};
	memcpy(harness->settings, settings, sizeof settings);
	setenv("LD_PRELOAD", library, 1);
	setenv("FAKETIME_TIMESTAMP_FILE", file, 1);
	setenv("FAKETIME_NO_CACHE", "1", 1);
	setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1", 1);
	harness_start(harness);
	unsetenv("LD_PRELOAD");
	harness_await(harness);
	client_open(&client, harness);
	return 0;
}

static int tear_down(void **state)
{
	int status = single_teardown(state);
	taken_release();
	return status;
}

/* Somebody whose posts go to that path. */
static void somebody(const char *path)
{
	json_t *made = call("principal.create", json_of("{'name':'%s','role':'officer','channels':['webhook']}", path + 1));
	snprintf(who, sizeof who, "%s", at_string(made, "id"));
	json_decref(made);
	json_decref(call("webhook.create",
	                 json_of("{'principal_id':'%s','url':'http://127.0.0.1:%d%s'}", who, taken_posts.port, path)));
}

/* Due so many seconds from now, as the database has it. */
static void remind(const char *note, long in_s, const char *more)
{
	char sql[160];
	snprintf(sql, sizeof sql,
	         "SELECT to_char((clock_timestamp() + %ld * interval '1 s') AT TIME ZONE 'UTC', "
	         "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
	         in_s);
	char *due = harness_query(harness, sql);
	free(made("reminder.create", json_of("{'assignee':'%s','note':'%s','due_at':'%s'%s}", who, note, due, more)));
	free(due);
}

/* How often that note came to the path. */
static size_t came(const char *path, const char *note)
{
	char words[64];
	size_t found = 0;
	snprintf(words, sizeof words, "\"note\":\"%s\"", note);
	for (size_t i = 0; i < taken_count(path); i++)
		found += strstr(taken_await(path, i)->text, words) != NULL;
	return found;
}

static void expect_came(const char *path, const char *note, size_t times)
{
	if (came(path, note) != times)
		fail_msg("%s came %zu times instead of %zu", note, came(path, note), times);
}

/* Until the daemon has looked at the clock again, of its own accord. */
static void await_recheck(void)
{
	taken_run(RECHECK_MS);
}

/* An hour passes in no time. */
static void test_hour_forward(void **state)
{
	(void)state;
	somebody("/hour");
	remind("passed", HOUR_S / 2, "");
	remind("just passed", HOUR_S - 2, "");
	remind("ahead", HOUR_S + 40, "");
	remind("far ahead", 2 * HOUR_S, "");
	remind("hourly", 1, ",'rrule':'FREQ=HOURLY'");
	taken_await("/hour", 0);
	set_offset(offset_s + HOUR_S);
	await_recheck();
	expect_came("/hour", "passed", 1);
	expect_came("/hour", "just passed", 1);
	expect_came("/hour", "hourly", 2);
	expect_came("/hour", "far ahead", 0);
	taken_await("/hour", 4);
	taken_run(SETTLE_MS);
	expect_came("/hour", "ahead", 1);
	assert_int_equal(taken_count("/hour"), 5);
}

/* A day and back again: what was passed over comes when it is passed, and the second passing brings nothing; what waits
 * for its next attempt does not wait for a day. */
static void test_day_forward_and_back(void **state)
{
	static const char *const answers[] = {"HTTP/1.1 500 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", NULL};
	(void)state;
	somebody("/day");
	remind("noon", DAY_S / 2, "");
	remind("daily", 1, ",'rrule':'FREQ=DAILY','timezone':'UTC'");
	remind("later", DAY_S + 2 * HOUR_S, "");
	taken_await("/day", 0);
	set_offset(offset_s + DAY_S);
	await_recheck();
	expect_came("/day", "noon", 1);
	expect_came("/day", "daily", 2);
	assert_int_equal(taken_count("/day"), 3);
	/* Set ahead of the clock that follows. */
	taken_script("/day", answers);
	remind("troubled", 0, "");
	taken_await("/day", 3);
	taken_run(SETTLE_MS);
	set_offset(offset_s - DAY_S);
	await_recheck();
	expect_came("/day", "troubled", 2);
	assert_int_equal(taken_count("/day"), 5);
	assert_string_equal(taken_await("/day", 3)->id, taken_await("/day", 4)->id);
	remind("today", 1, "");
	taken_await("/day", 5);
	set_offset(offset_s + DAY_S);
	await_recheck();
	assert_int_equal(taken_count("/day"), 6);
	set_offset(offset_s + 2 * HOUR_S);
	await_recheck();
	expect_came("/day", "later", 1);
	expect_came("/day", "daily", 2);
	expect_came("/day", "today", 1);
	assert_int_equal(taken_count("/day"), 7);
}

/* Pushes that nobody has acknowledged come again after a clock was set back, under the same id, and are not new. */
static void test_pushes_when_set_back(void **state)
{
	struct client listener;
	(void)state;
	somebody("/pushed");
	client_open(&listener, harness);
	json_decref(checked_result(&listener, "reminder.subscribe", json_of("{'assignee':'%s'}", who)));
	remind("once", 0, ",'channels':['push']");
	json_t *first = client_read(&listener, SETTLE_MS);
	set_offset(offset_s - DAY_S);
	json_t *again = client_read(&listener, RECHECK_MS);
	assert_string_equal(at_string(first, "params.delivery_id"), at_string(again, "params.delivery_id"));
	assert_null(client_read_line(&listener, SETTLE_MS));
	json_decref(call("reminder.acknowledge", json_of("{'delivery_id':'%s'}", at_string(again, "params.delivery_id"))));
	set_offset(offset_s + DAY_S);
	assert_null(client_read_line(&listener, RECHECK_MS));
	json_decref(first), json_decref(again);
	client_close(&listener);
}

struct moment {
	const char *utc;       /* the clock is set to it */
	size_t early, morning; /* how often each of the two has come by then */
};

/* The daemon is told to look: here time passes, and does not jump. */
static void pass(const char *path, const struct moment *moments, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		set_clock(moments[i].utc);
		free(harness_query(harness, "NOTIFY tracktwo, 'reminder'"));
		taken_run(SETTLE_MS);
		if (came(path, "early") != moments[i].early || came(path, "morning") != moments[i].morning)
			fail_msg("by %s early came %zu times, morning %zu", moments[i].utc, came(path, "early"),
			         came(path, "morning"));
	}
}

static void remind_daily(const char *note, const char *due)
{
	char *id = made("reminder.create", json_of("{'assignee':'%s','note':'%s','due_at':'%s','rrule':'FREQ=DAILY',"
	                                           "'timezone':'America/New_York'}",
	                                           who, note, due));
	free(id);
}

/* Half past one comes twice in this night, and the reminder at its first time; nine is nine. */
static void test_night_of_two_ones(void **state)
{
	static const struct moment moments[] = {
	    {"2027-11-06 05:29:30", 0, 0}, {"2027-11-06 05:30:30", 1, 0}, {"2027-11-06 13:00:30", 1, 1},
	    {"2027-11-07 05:29:30", 1, 1}, {"2027-11-07 05:30:30", 2, 1}, {"2027-11-07 06:30:30", 2, 1},
	    {"2027-11-07 13:00:30", 2, 1}, {"2027-11-07 13:59:30", 2, 1}, {"2027-11-07 14:00:30", 2, 2},
	    {"2027-11-08 05:30:30", 2, 2}, {"2027-11-08 06:30:30", 3, 2}, {"2027-11-08 14:00:30", 3, 3},
	};
	(void)state;
	set_clock("2027-11-06 05:00:00");
	somebody("/autumn");
	remind_daily("early", "2027-11-06T01:30:00-04:00");
	remind_daily("morning", "2027-11-06T09:00:00-04:00");
	pass("/autumn", moments, sizeof moments / sizeof *moments);
}

/* Half past two does not come in this night: the reminder at half past three, when as much time has passed. */
static void test_night_without_two(void **state)
{
	static const struct moment moments[] = {
	    {"2028-03-11 07:30:30", 1, 0}, {"2028-03-11 14:00:30", 1, 1}, {"2028-03-12 06:30:30", 1, 1},
	    {"2028-03-12 07:29:30", 1, 1}, {"2028-03-12 07:30:30", 2, 1}, {"2028-03-12 12:59:30", 2, 1},
	    {"2028-03-12 13:00:30", 2, 2}, {"2028-03-13 06:29:30", 2, 2}, {"2028-03-13 06:30:30", 3, 2},
	    {"2028-03-13 13:00:30", 3, 3},
	};
	(void)state;
	set_clock("2028-03-11 07:00:00");
	somebody("/spring");
	remind_daily("early", "2028-03-11T02:30:00-05:00");
	remind_daily("morning", "2028-03-11T09:00:00-05:00");
	pass("/spring", moments, sizeof moments / sizeof *moments);
}

/* Nothing that came was a second delivery of the same occurrence. */
static void test_ledger(void **state)
{
	(void)state;
	assert_int_equal(harness_count(harness, "SELECT count(*) FROM (SELECT FROM store.delivery GROUP BY reminder_id, "
	                                        "channel, due_at HAVING count(*) > 1) AS doubled"),
	                 0);
	assert_int_equal(harness_count(harness, "SELECT count(*) FROM store.delivery WHERE outcome NOT IN ('delivered', "
	                                        "'acknowledged', 'withdrawn') OR outcome IS NULL"),
	                 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hour_forward),         cmocka_unit_test(test_day_forward_and_back),
	    cmocka_unit_test(test_pushes_when_set_back), cmocka_unit_test(test_night_of_two_ones),
	    cmocka_unit_test(test_night_without_two),    cmocka_unit_test(test_ledger),
	};
	return cmocka_run_group_tests_name("clock", tests, set_up, tear_down);
}
