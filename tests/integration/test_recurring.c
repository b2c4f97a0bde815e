/* Recurring: reminders that come again by a rule, on the clock of their zone. What lies days away is brought near by
 * setting records back, never by waiting. */
#include "following.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* Five days missed come as one, the last; the next is armed for tomorrow. */
static void test_missed_occurrences_come_once(void **state)
{
	struct client listener;
	char *who = somebody("Missed", ""), *first = in_s(-4.5 * 86400);
	(void)state;
	char *id = made("reminder.create",
	                json_of("{'note':'daily','due_at':'%s','rrule':'FREQ=DAILY','assignee':'%s'}", first, who));
	await_stock(id);
	await("t",
	      "SELECT due_at > now() - interval '1 day' AND due_at <= now() AND fire_at = due_at + interval '1 day' "
	      "FROM store.reminder WHERE id = '%s'",
	      id);
	listen_for(&listener, who);
	json_t *params = pushed(&listener, "daily");
	assert_string_equal(at_string(params, "reason"), "due");
	expect_silence(&listener);
	json_decref(call("reminder.acknowledge", json_of("{'delivery_id':'%s'}", at_string(params, "delivery_id"))));
	json_decref(params);
	/* The next comes in its turn, though nobody completed this one. */
	char *fire = sql("UPDATE store.reminder SET fire_at = now() WHERE id = '%s' RETURNING version", id);
	free(fire);
	free(sql("UPDATE store.reminder_occurrence SET at = now() WHERE reminder_id = '%s' AND at = (SELECT min(at) FROM "
	         "store.reminder_occurrence WHERE reminder_id = '%s') RETURNING at",
	         id, id));
	free(sql("NOTIFY tracktwo, 'reminder'; SELECT 1"));
	json_decref(pushed(&listener, "daily"));
	client_close(&listener);
	free(who), free(first), free(id);
}

/* However long ago a rule began, what was missed comes once. */
static void test_rules_of_long_ago(void **state)
{
	struct client listener;
	char *who = somebody("Long ago", "");
	(void)state;
	listen_for(&listener, who);
	static const char *const rules[] = {"FREQ=HOURLY", "FREQ=DAILY", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"};
	for (size_t i = 0; i < 3; i++) {
		char *id = made("reminder.create",
		                json_of("{'note':'old','due_at':'0001-02-28T00:00:00Z','rrule':'%s','assignee':'%s',"
		                        "'timezone':'UTC'}",
		                        rules[i], who));
		json_decref(pushed(&listener, "old"));
		await("1", "SELECT count(*) FROM store.delivery WHERE reminder_id = '%s'", id);
		await("t",
		      "SELECT due_at > now() - interval '8 years' AND due_at <= now() AND fire_at > now() FROM store.reminder "
		      "WHERE "
		      "id = '%s'",
		      id);
		free(id);
	}
	expect_silence(&listener);
	client_close(&listener);
	free(who);
}

/* Cancelled while its rule is being worked out: nothing of it is left to stop the others. */
static void test_cancelled_at_once(void **state)
{
	(void)state;
	for (int i = 0; i < 40; i++) {
		char *id =
		    made("reminder.create", json_of("{'note':'n','due_at':'2000-01-01T00:00:00Z','rrule':'FREQ=HOURLY'}"));
		nanosleep(&(struct timespec){.tv_nsec = i % 8 * 1000000L}, NULL);
		json_decref(call("reminder.cancel", json_of("{'id':'%s'}", id)));
		free(id);
	}
	char *id = made("reminder.create", json_of("{'note':'n','due_at':'2000-01-01T00:00:00Z'}"));
	await("due", "SELECT status FROM store.reminder WHERE id = '%s'", id);
	json_decref(call("reminder.cancel", json_of("{'id':'%s'}", id)));
	free(id);
}

static void test_completing_arms_the_next(void **state)
{
	char *id;
	(void)state;
	id = made("reminder.create",
	          json_of("{'note':'thrice','due_at':'2036-03-01T09:00:00+09:00','rrule':'FREQ=MONTHLY;COUNT=4',"
	                  "'exdates':['2036-05-01T00:00:00Z']}"));
	await("all", "SELECT stock FROM store.reminder WHERE id = '%s'", id);
	json_t *next = complete(id, ",'note':'one'");
	assert_string_equal(at_string(next, "due_at"), "2036-04-01T00:00:00Z");
	assert_string_equal(at_string(next, "status"), "pending");
	assert_string_equal(at_string(next, "completion_note"), "one");
	json_decref(next);
	/* Two who complete the same occurrence complete one. */
	expect_rule("reminder.complete", json_of("{'id':'%s'}", id), "not_due_yet");
	client_expect_error(&client, "reminder.complete", json_of("{'id':'%s','version':1}", id), 409, "stale_version");
	/* A snooze moves this occurrence and no other. */
	json_decref(call("reminder.snooze", json_of("{'id':'%s','until':'2036-04-20T00:00:00Z'}", id)));
	next = complete(id, "");
	assert_string_equal(at_string(next, "due_at"), "2036-06-01T00:00:00Z");
	json_decref(next);
	next = complete(id, ",'note':'last'");
	assert_string_equal(at_string(next, "status"), "done");
	json_decref(next);
	expect_rule("reminder.complete", json_of("{'id':'%s'}", id), "reminder_ended");
	free(id);
}

/* The hour on the wall stays, whatever the clocks do. */
static void test_wall_clock(void **state)
{
	(void)state;
	json_t *shown =
	    call("reminder.preview", json_of("{'due_at':'2026-03-06T09:00:00-05:00','timezone':'America/New_York',"
	                                     "'rrule':'FREQ=DAILY','count':4}"));
	assert_string_equal(at_string(shown, "instants.0"), "2026-03-06T14:00:00Z");
	assert_string_equal(at_string(shown, "instants.1"), "2026-03-07T14:00:00Z");
	assert_string_equal(at_string(shown, "instants.2"), "2026-03-08T13:00:00Z");
	assert_int_equal(json_array_size(at(shown, "instants")), 4);
	assert_true(json_is_true(at(shown, "more")));
	json_decref(shown);
	shown = call("reminder.preview",
	             json_of("{'due_at':'2026-03-06T09:00:00+09:00','rrule':'FREQ=DAILY;COUNT=2','count':1000}"));
	assert_int_equal(json_array_size(at(shown, "instants")), 2);
	assert_true(json_is_false(at(shown, "more")));
	json_decref(shown);
	char *id = made("reminder.create", json_of("{'note':'n','due_at':'2036-10-31T09:00:00-04:00','timezone':"
	                                           "'America/New_York','rrule':'FREQ=DAILY'}"));
	await_stock(id);
	for (int i = 0; i < 2; i++)
		json_decref(complete(id, ""));
	json_t *record = call("reminder.get", json_of("{'id':'%s'}", id));
	assert_string_equal(at_string(record, "due_at"), "2036-11-02T14:00:00Z");
	json_decref(record);
	free(id);
}

static void test_rules_that_are_none(void **state)
{
	static const char *const none[] = {"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;UNTIL=20200101T000000Z",
	                                   "FREQ=DAILY;COUNT=1", "FREQ=FORTNIGHTLY", "every month"};
	(void)state;
	char *id = made("reminder.create", json_of("{'note':'n','due_at':'2036-01-01T00:00:00Z','rrule':'FREQ=DAILY'}"));
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		/* A count says nothing without the time that it counts from. */
		if (!strstr(none[i], "COUNT"))
			checked_faults(&client, "reminder.update", json_of("{'id':'%s','version':1,'rrule':'%s'}", id, none[i]),
			               "rrule");
		checked_faults(&client, "reminder.create",
		               json_of("{'note':'n','due_at':'2036-01-01T00:00:00Z','rrule':'%s'}", none[i]), "rrule");
		checked_faults(&client, "reminder.preview", json_of("{'due_at':'2036-01-01T00:00:00Z','rrule':'%s'}", none[i]),
		               "rrule");
	}
	free(id);
	checked_faults(&client, "reminder.create",
	               json_of("{'note':'n','due_at':'2036-01-01T00:00:00Z','exdates':[],'workdays':'next','escalate_to':"
	                       "'00000000-0000-7000-8000-000000000001'}"),
	               "exdates workdays escalate_to");
	checked_faults(&client, "reminder.create",
	               json_of("{'note':'n','due_at':'2036-01-01T00:00:00Z','escalate_after':'4 hours'}"),
	               "escalate_after");
	checked_faults(&client, "reminder.preview",
	               json_of("{'due_at':'2036-01-01T00:00:00Z','rrule':'FREQ=DAILY','count':1001}"), "count");
}

/* The stock is filled again before it runs out, for as long as the rule goes on. */
static void test_stock_lasts(void **state)
{
	char expected[32], last[32] = "", *id;
	(void)state;
	id = made("reminder.create",
	          json_of("{'note':'n','due_at':'2036-01-01T00:00:00Z','timezone':'UTC','rrule':'FREQ=DAILY'}"));
	await_stock(id);
	for (int day = 2; day <= 200; day++) {
		json_t *next = complete(id, "");
		if (strcmp(at_string(next, "due_at"), last) <= 0)
			fail_msg("the stock ran out on day %d", day);
		snprintf(last, sizeof last, "%s", at_string(next, "due_at"));
		json_decref(next);
		if (day % 10 == 0)
			await_stock(id);
	}
	snprintf(expected, sizeof expected, "2036-07-18 00:00:00");
	await(expected, "SELECT due_at AT TIME ZONE 'UTC' FROM store.reminder WHERE id = '%s'", id);
	/* Another rule, and all that was worked out by the old one is void. */
	json_t *record = call("reminder.get", json_of("{'id':'%s'}", id));
	json_decref(call("reminder.update", json_of("{'id':'%s','version':%ld,'rrule':'FREQ=YEARLY','due_at':"
	                                            "'2040-02-29T00:00:00Z'}",
	                                            id, at_integer(record, "version"))));
	json_decref(record);
	await_stock(id);
	record = complete(id, "");
	assert_string_equal(at_string(record, "due_at"), "2044-02-29T00:00:00Z");
	long version = at_integer(record, "version");
	json_decref(record);
	record = call("reminder.update", json_of("{'id':'%s','version':%ld,'rrule':null}", id, version));
	assert_true(json_is_null(at(record, "rrule")));
	json_decref(record);
	record = complete(id, "");
	assert_string_equal(at_string(record, "status"), "done");
	json_decref(record);
	free(id);
}

/* A change of a rule keeps its beginning, and what had been worked out by the old one does not come. */
static void test_changes_of_a_rule(void **state)
{
	char *week = in_s(-86400), *excluded = in_s(6 * 86400), *snooze;
	(void)state;
	char *id =
	    made("reminder.create", json_of("{'note':'n','due_at':'%s','timezone':'UTC','rrule':'FREQ=WEEKLY'}", week));
	await("due|true",
	      "SELECT status || '|' || (fire_at = due_at + interval '7 days') FROM store.reminder WHERE id = '%s'", id);
	free(excluded);
	excluded =
	    sql("SELECT to_char(fire_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM store.reminder WHERE "
	        "id = '%s'",
	        id);
	json_t *record = call("reminder.get", json_of("{'id':'%s'}", id));
	json_decref(call("reminder.update", json_of("{'id':'%s','version':%ld,'exdates':['%s']}", id,
	                                            at_integer(record, "version"), excluded)));
	await("due|true",
	      "SELECT status || '|' || (fire_at = due_at + interval '14 days') FROM store.reminder WHERE id = '%s'", id);
	json_decref(record);
	record = call("reminder.get", json_of("{'id':'%s'}", id));
	json_decref(
	    call("reminder.update", json_of("{'id':'%s','version':%ld,'rrule':null}", id, at_integer(record, "version"))));
	await("t", "SELECT fire_at IS NULL FROM store.reminder WHERE id = '%s'", id);
	json_decref(record);
	free(id);
	/* Put off by two days and some hours; the rule still begins where it began. */
	id = made("reminder.create",
	          json_of("{'note':'n','due_at':'2036-03-15T00:00:00Z','timezone':'UTC','rrule':'FREQ=MONTHLY'}"));
	await_stock(id);
	snooze = strdup("2036-03-17T05:23:00Z");
	json_decref(call("reminder.snooze", json_of("{'id':'%s','until':'%s'}", id, snooze)));
	json_decref(call("reminder.update", json_of("{'id':'%s','version':2,'exdates':['2036-04-15T00:00:00Z']}", id)));
	await_stock(id);
	record = complete(id, "");
	assert_string_equal(at_string(record, "due_at"), "2036-05-15T00:00:00Z");
	json_decref(record);
	/* The one that waits is excluded itself. */
	json_decref(call("reminder.update",
	                 json_of("{'id':'%s','version':4,'exdates':['2036-04-15T00:00:00Z','2036-05-15T00:00:00Z']}", id)));
	await("2036-06-15 00:00:00", "SELECT fire_at AT TIME ZONE 'UTC' FROM store.reminder WHERE id = '%s'", id);
	/* The rule is taken away while it is being worked out when it comes next: then it comes when it says. */
	free(sql("UPDATE store.reminder SET fire_at = NULL WHERE id = '%s' RETURNING 1", id));
	record = call("reminder.get", json_of("{'id':'%s'}", id));
	json_decref(
	    call("reminder.update", json_of("{'id':'%s','version':%ld,'rrule':null}", id, at_integer(record, "version"))));
	json_decref(record);
	await("t", "SELECT fire_at = due_at FROM store.reminder WHERE id = '%s'", id);
	free(id), free(week), free(excluded), free(snooze);
}

static void test_working_days(void **state)
{
	(void)state;
	json_decref(call("holiday.set", json_of("{'day':'2036-05-12','name_en':'Temporary','name_ko':'임시공휴일'}")));
	/* Saturday the 10th: Monday the 12th is the temporary holiday, so the 13th; or Friday the 9th. */
	json_t *shown =
	    call("reminder.preview", json_of("{'due_at':'2036-05-10T09:00:00+09:00','rrule':'FREQ=MONTHLY','count':2,"
	                                     "'workdays':'next'}"));
	assert_string_equal(at_string(shown, "instants.0"), "2036-05-13T00:00:00Z");
	assert_string_equal(at_string(shown, "instants.1"), "2036-06-10T00:00:00Z");
	json_decref(shown);
	shown = call("reminder.preview", json_of("{'due_at':'2036-05-10T09:00:00+09:00','rrule':'FREQ=MONTHLY','count':1,"
	                                         "'workdays':'previous'}"));
	assert_string_equal(at_string(shown, "instants.0"), "2036-05-09T00:00:00Z");
	json_decref(shown);
	json_decref(call("holiday.remove", json_of("{'day':'2036-05-12'}")));
	shown = call("reminder.preview", json_of("{'due_at':'2036-05-10T09:00:00+09:00','rrule':'FREQ=MONTHLY','count':1,"
	                                         "'workdays':'next'}"));
	assert_string_equal(at_string(shown, "instants.0"), "2036-05-12T00:00:00Z");
	json_decref(shown);
	/* Saturday, Sunday and Monday are one Monday, as they come. */
	shown = call("reminder.preview", json_of("{'due_at':'2036-05-10T09:00:00+09:00','rrule':'FREQ=DAILY','count':4,"
	                                         "'workdays':'next'}"));
	assert_string_equal(at_string(shown, "instants.0"), "2036-05-12T00:00:00Z");
	assert_string_equal(at_string(shown, "instants.1"), "2036-05-13T00:00:00Z");
	json_decref(shown);
	checked_refused(&client, "holiday.remove", json_of("{'day':'2036-05-12'}"), 404, "not_found", "day");
	/* The first one, too; and a day that becomes a holiday later moves what waits, and back. */
	char *moved =
	    made("reminder.create", json_of("{'note':'n','due_at':'2036-05-10T09:00:00+09:00','rrule':'FREQ=MONTHLY',"
	                                    "'workdays':'next'}"));
	static const char due[] = "SELECT fire_at AT TIME ZONE 'UTC' FROM store.reminder WHERE id = '%s'";
	await("2036-05-12 00:00:00", due, moved);
	json_decref(call("holiday.set", json_of("{'day':'2036-05-12','name_en':'Temporary'}")));
	await("2036-05-13 00:00:00", due, moved);
	json_decref(call("holiday.remove", json_of("{'day':'2036-05-12'}")));
	await("2036-05-12 00:00:00", due, moved);
	free(moved);
	char *id = made("reminder.create", json_of("{'note':'n','due_at':'2036-05-09T09:00:00+09:00','rrule':'FREQ=DAILY',"
	                                           "'workdays':'next'}"));
	await_stock(id);
	json_t *next = complete(id, "");
	assert_string_equal(at_string(next, "due_at"), "2036-05-12T00:00:00Z");
	json_decref(next);
	free(id);
}

/* A day that becomes a holiday while the last occurrence is still out, or has been acknowledged, moves the next, and
 * none but that: what is out has come already. */
static void test_holidays_move_what_comes_next(void **state)
{
	/* The day on which it comes next, and what it is now. */
	static const char day_of[] =
	    "SELECT to_char(fire_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') FROM store.reminder WHERE id = '%s'";
	static const char due_of[] = "SELECT status || ' ' || due_at FROM store.reminder WHERE id = '%s'";
	static const char *const statuses[] = {"due", "acknowledged"};
	char *begin =
	    sql("SELECT to_char(date_trunc('week', now() AT TIME ZONE 'UTC') - interval '5 days' + interval '9 hours', "
	        "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')");
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char *id = made("reminder.create", json_of("{'note':'n','due_at':'%s','timezone':'UTC','rrule':'FREQ=WEEKLY',"
		                                           "'workdays':'next'}",
		                                           begin));
		await("due", "SELECT status FROM store.reminder WHERE id = '%s' AND fire_at > now()", id);
		char *delivery = sql("SELECT id FROM store.delivery WHERE reminder_id = '%s' AND ended_at IS NULL", id);
		if (i == 1)
			json_decref(call("reminder.acknowledge", json_of("{'delivery_id':'%s'}", delivery)));
		char *day = sql(day_of, id), *due = sql(due_of, id);
		assert_memory_equal(due, statuses[i], strlen(statuses[i]));
		json_decref(call("holiday.set", json_of("{'day':'%s','name_en':'Temporary'}", day)));
		await("t", "SELECT fire_at > '%sT23:59:59Z' FROM store.reminder WHERE id = '%s'", day, id);
		await(due, due_of, id);
		json_decref(call("holiday.remove", json_of("{'day':'%s'}", day)));
		await(day, day_of, id);
		json_decref(call("reminder.cancel", json_of("{'id':'%s'}", id)));
		free(id), free(delivery), free(day), free(due);
	}
	free(begin);
}

/* Nobody hears any of them: that it comes again does not put off the day on which somebody is told. */
static void test_unheard_again_and_again(void **state)
{
	char *who = somebody("Deaf", ""), *first = in_s(-3 * 3600 + 60);
	(void)state;
	char *id = made("reminder.create",
	                json_of("{'note':'hourly','due_at':'%s','rrule':'FREQ=HOURLY','assignee':'%s'}", first, who));
	await("due", "SELECT status FROM store.reminder WHERE id = '%s' AND fire_at > now()", id);
	/* A day has gone by, and the next comes before it is asked who was not heard. */
	free(sql("UPDATE store.reminder SET escalate_at = now(), fire_at = now() WHERE id = '%s' RETURNING 1", id));
	free(sql("UPDATE store.reminder_occurrence SET at = now() WHERE reminder_id = '%s' AND at = (SELECT min(at) FROM "
	         "store.reminder_occurrence WHERE reminder_id = '%s') RETURNING 1",
	         id, id));
	free(sql("NOTIFY tracktwo, 'reminder'; SELECT 1"));
	await("push", "SELECT channel FROM store.delivery WHERE reminder_id = '%s' AND reason = 'failure' LIMIT 1", id);
	json_decref(call("reminder.cancel", json_of("{'id':'%s'}", id)));
	free(who), free(first), free(id);
}

/* Worked out for what has been changed meanwhile, occurrences are asked for once more: none is left out. */
static void test_changed_while_worked_out(void **state)
{
	(void)state;
	char *api = sql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'api_%%'");
	char *id = made("reminder.create",
	                json_of("{'note':'n','due_at':'2036-01-01T00:00:00Z','timezone':'UTC','rrule':'FREQ=DAILY'}"));
	await_stock(id);
	/* As stock_wanted() had it, with all of that in stock, and as it is when the answer comes: the stock has been
	 * dropped. */
	free(sql("UPDATE store.reminder SET stock = 'wanted' WHERE id = '%s'; DELETE FROM store.reminder_occurrence WHERE "
	         "reminder_id = '%s'; SELECT %s.stock_fill('00000000-0000-0000-0000-000000000000', jsonb_build_array("
	         "jsonb_build_object('id', id, 'rrule', rrule, 'timezone', timezone, 'first_at', first_at, 'after', "
	         "'2036-03-05T00:00:00Z', 'exdates', '[]'::jsonb, 'more', true, 'instants', "
	         "'[\"2036-03-06T00:00:00Z\"]'::jsonb))) FROM store.reminder WHERE id = '%s'",
	         id, id, api, id));
	await_stock(id);
	json_t *next = complete(id, "");
	assert_string_equal(at_string(next, "due_at"), "2036-01-02T00:00:00Z");
	json_decref(next);
	free(id), free(api);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_missed_occurrences_come_once),
	    cmocka_unit_test(test_completing_arms_the_next),
	    cmocka_unit_test(test_rules_of_long_ago),
	    cmocka_unit_test(test_cancelled_at_once),
	    cmocka_unit_test(test_wall_clock),
	    cmocka_unit_test(test_rules_that_are_none),
	    cmocka_unit_test(test_stock_lasts),
	    cmocka_unit_test(test_changes_of_a_rule),
	    cmocka_unit_test(test_working_days),
	    cmocka_unit_test(test_holidays_move_what_comes_next),
	    cmocka_unit_test(test_unheard_again_and_again),
	    cmocka_unit_test(test_changed_while_worked_out),
	};
	return cmocka_run_group_tests_name("recurring", tests, single_setup, single_teardown);
}
