/* Follow-ups: reminders that come again by a rule, that reach somebody else when nobody answers, and that follow from
 * what was logged. What lies days away is brought near by setting records back, never by waiting. */
#include "single.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { ARRIVES_MS = 10000, SILENT_MS = 300, STEP_MS = 20 };

static char *sql(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *sql(const char *format, ...)
{
	char text[2048];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return harness_query(harness, text);
}

/* Waits until the statement gives that. */
static void await(const char *expected, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void await(const char *expected, const char *format, ...)
{
	char text[2048], *found = NULL;
	long long until = harness_now_ms() + ARRIVES_MS;
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	do {
		free(found);
		found = harness_query(harness, text);
		if (strcmp(found, expected) == 0)
			break;
		nanosleep(&(struct timespec){.tv_nsec = STEP_MS * 1000000L}, NULL);
	} while (harness_now_ms() < until);
	if (strcmp(found, expected) != 0)
		fail_msg("%s: \"%s\" instead of \"%s\"", text, found, expected);
	free(found);
}

static void await_stock(const char *id)
{
	await("t", "SELECT stock <> 'wanted' FROM store.reminder WHERE id = '%s'", id);
}

static char *somebody(const char *name, const char *more)
{
	return made("principal.create", json_of("{'name':'%s','role':'officer'%s}", name, more));
}

static void listen_for(struct client *listener, const char *assignee)
{
	client_open(listener, harness);
	json_decref(checked_result(listener, "reminder.subscribe", json_of("{'assignee':'%s'}", assignee)));
}

/* The next push of that note: its params. */
static json_t *pushed(struct client *listener, const char *note)
{
	json_t *message = client_read(listener, ARRIVES_MS), *params = json_incref(at(message, "params"));
	assert_string_equal(at_string(message, "method"), "reminder.due");
	assert_string_equal(at_string(params, "reminder.note"), note);
	checked_value("reminder.get", at(params, "reminder"));
	json_decref(message);
	return params;
}

static void expect_silence(struct client *listener)
{
	char *line = client_read_line(listener, SILENT_MS);
	if (line)
		fail_msg("something came that should not: %s", line);
}

static void expect_rule(const char *method, json_t *params, const char *rule)
{
	json_t *error = checked_error(&client, method, params, 422, "rule");
	assert_string_equal(at_string(error, "data.rule"), rule);
	json_decref(error);
}

/* An instant so many seconds from now, as the database counts. */
static char *in_s(double seconds)
{
	return sql("SELECT to_char((now() + %f * interval '1 s') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
	           seconds);
}

/* Completes an occurrence that is not due yet, as it stands now. */
static json_t *complete(const char *id, const char *more)
{
	json_t *record = call("reminder.get", json_of("{'id':'%s'}", id));
	json_t *next =
	    call("reminder.complete", json_of("{'id':'%s','version':%ld%s}", id, at_integer(record, "version"), more));
	json_decref(record);
	return next;
}

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

/* Who has left is reminded of nothing more, and told of nothing. */
static void test_those_who_left(void **state)
{
	char *old = somebody("Left", ""), *new = somebody("Took over", "");
	(void)state;
	char *contact =
	    made("contact.create", json_of("{'name':'Friend of one who left','country':'RU','owner':'%s'}", old));
	char *commitment =
	    made("commitment.create", json_of("{'by':{'principal_id':'%s'},'text':'t','due_on':'2036-01-01'}", old));
	char *mine = made("reminder.create",
	                  json_of("{'note':'n','due_at':'2036-01-01T00:00:00Z','escalate_after':'PT1S','escalate_to':"
	                          "'%s'}",
	                          old));
	json_decref(call("principal.retire", json_of("{'id':'%s','version':1,'hand_over_to':'%s'}", old, new)));
	json_decref(call("commitment.update", json_of("{'id':'%s','version':2,'due_on':'2036-02-01'}", commitment)));
	await(new, "SELECT assignee_id FROM store.reminder WHERE commitment_id = '%s'", commitment);
	json_decref(call("contact.update", json_of("{'id':'%s','version':2,'owner':'%s','cadence':'P10D'}", contact, old)));
	await(new, "SELECT assignee_id FROM store.reminder WHERE contact_id = '%s'", contact);
	await(new, "SELECT escalate_to FROM store.reminder WHERE id = '%s'", mine);
	json_t *error = checked_error(&client, "principal.update",
	                              json_of("{'id':'%s','version':1,'status':'retired'}", new), 422, "rule");
	assert_string_equal(at_string(error, "data.rule"), "hand_over");
	json_decref(error);
	free(old), free(new), free(contact), free(commitment), free(mine);
}

/* A viewer reminds nobody else, by no way, and fulfils nothing. */
static void test_viewers(void **state)
{
	struct client viewer;
	char *id = made("principal.create", json_of("{'name':'Viewer','role':'viewer'}")), *other = somebody("Other", "");
	json_t *token = call("token.create", json_of("{'principal_id':'%s'}", id));
	(void)state;
	client_open(&viewer, harness);
	json_decref(checked_result(&viewer, "session.login", json_of("{'token':'%s'}", at_string(token, "token"))));
	checked_refused(&viewer, "reminder.create",
	                json_of("{'note':'n','due_at':'2036-01-01T00:00:00Z','escalate_after':'PT1H',"
	                        "'escalate_to':'%s'}",
	                        other),
	                403, "forbidden", "escalate_to");
	char *commitment = made("commitment.create", json_of("{'by':'KR','text':'t'}"));
	json_t *mine = checked_result(&viewer, "reminder.create",
	                              json_of("{'note':'n','due_at':'2036-01-01T00:00:00Z','about':"
	                                      "{'commitment_id':'%s'}}",
	                                      commitment));
	checked_refused(&viewer, "reminder.complete",
	                json_of("{'id':'%s','fulfil_commitment':true}", at_string(mine, "id")), 403, "forbidden",
	                "fulfil_commitment");
	client_close(&viewer);
	json_decref(token), json_decref(mine);
	free(id), free(other), free(commitment);
}

/* Escalation may be given and taken while a reminder is out. */
static void test_escalation_changes(void **state)
{
	char *boss = somebody("Boss of changes", ""), *now = in_s(-1);
	(void)state;
	char *id = made("reminder.create", json_of("{'note':'n','due_at':'%s'}", now));
	await("due", "SELECT status FROM store.reminder WHERE id = '%s'", id);
	json_decref(call("reminder.update",
	                 json_of("{'id':'%s','version':2,'escalate_after':'PT4H','escalate_to':'%s'}", id, boss)));
	await("t",
	      "SELECT escalate_at BETWEEN now() + interval '3 hours' AND now() + interval '4 hours' FROM store.reminder "
	      "WHERE id "
	      "= '%s'",
	      id);
	json_decref(call("reminder.update", json_of("{'id':'%s','version':3,'escalate_after':null}", id)));
	await("t", "SELECT escalate_at IS NULL AND escalate_to IS NULL FROM store.reminder WHERE id = '%s'", id);
	json_decref(call("reminder.cancel", json_of("{'id':'%s'}", id)));
	free(id), free(boss), free(now);
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
	for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
		checked_faults(&client, "reminder.create",
		               json_of("{'note':'n','due_at':'2036-01-01T00:00:00Z','rrule':'%s'}", none[i]), "rrule");
		checked_faults(&client, "reminder.preview", json_of("{'due_at':'2036-01-01T00:00:00Z','rrule':'%s'}", none[i]),
		               "rrule");
	}
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
	free(id), free(week), free(excluded), free(snooze);
}

/* What somebody has put off or done stays so when a word of its record is corrected. */
static void test_corrections_arm_nothing(void **state)
{
	(void)state;
	char *commitment = made("commitment.create", json_of("{'by':'KR','text':'a papre','due_on':'2036-07-01'}"));
	char *id = sql("SELECT id FROM store.reminder WHERE commitment_id = '%s'", commitment);
	json_decref(call("reminder.snooze", json_of("{'id':'%s','until':'2036-07-05T00:00:00Z'}", id)));
	json_decref(call("commitment.update", json_of("{'id':'%s','version':1,'text':'a paper'}", commitment)));
	json_t *record = call("reminder.get", json_of("{'id':'%s'}", id));
	assert_string_equal(at_string(record, "due_at"), "2036-07-05T00:00:00Z");
	assert_non_null(strstr(at_string(record, "note"), "a paper"));
	json_decref(record);
	json_decref(complete(id, ""));
	json_decref(call("commitment.update", json_of("{'id':'%s','version':2,'text':'a better paper'}", commitment)));
	await("done", "SELECT status FROM store.reminder WHERE id = '%s'", id);
	json_decref(call("commitment.update", json_of("{'id':'%s','version':3,'due_on':'2036-08-01'}", commitment)));
	await("pending", "SELECT status FROM store.reminder WHERE id = '%s'", id);
	free(commitment), free(id);
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

static void test_escalation(void **state)
{
	struct client desk, director;
	char *officer = somebody("Officer", ""), *boss = somebody("Boss", ""), *now = in_s(0.2);
	(void)state;
	listen_for(&desk, officer);
	listen_for(&director, boss);
	char *id =
	    made("reminder.create", json_of("{'note':'answer them','due_at':'%s','assignee':'%s','escalate_after':'PT1S',"
	                                    "'escalate_to':'%s'}",
	                                    now, officer, boss));
	json_decref(pushed(&desk, "answer them"));
	json_t *params = pushed(&director, "answer them");
	assert_string_equal(at_string(params, "reason"), "escalation");
	/* One acknowledgement ends it for both. */
	json_decref(call("reminder.acknowledge", json_of("{'delivery_id':'%s'}", at_string(params, "delivery_id"))));
	json_decref(params);
	await("0", "SELECT count(*) FROM store.delivery WHERE reminder_id = '%s' AND ended_at IS NULL", id);
	await("acknowledged", "SELECT status FROM store.reminder WHERE id = '%s'", id);
	free(id), free(now);
	/* Acknowledged in time, it goes no further. */
	now = in_s(0.2);
	id = made("reminder.create", json_of("{'note':'seen','due_at':'%s','assignee':'%s','escalate_after':'PT2S',"
	                                     "'escalate_to':'%s'}",
	                                     now, officer, boss));
	params = pushed(&desk, "seen");
	json_decref(call("reminder.acknowledge", json_of("{'delivery_id':'%s'}", at_string(params, "delivery_id"))));
	json_decref(params);
	await("t", "SELECT escalate_at IS NULL FROM store.reminder WHERE id = '%s'", id);
	expect_silence(&director);
	expect_rule("reminder.create", json_of("{'note':'n','due_at':'%s','escalate_after':'PT2S'}", now),
	            "escalates_to_assignee");
	client_close(&desk), client_close(&director);
	free(officer), free(boss), free(id), free(now);
}

/* What nobody listens for is told of after a day: to the person by mail, else to who set it. */
static void test_unheard(void **state)
{
	struct client setter;
	char *mailed = somebody("Unheard, with an address", ",'email':'unheard@example.org'"),
	     *bare = somebody("Unheard", "");
	char *now = in_s(-1), *told = strdup("00000000-0000-7000-8000-000000000001");
	(void)state;
	char *one = made("reminder.create", json_of("{'note':'one','due_at':'%s','assignee':'%s'}", now, mailed));
	char *two = made("reminder.create", json_of("{'note':'two','due_at':'%s','assignee':'%s'}", now, bare));
	await("2",
	      "SELECT count(*) FROM store.reminder WHERE id IN ('%s', '%s') AND status = 'due' AND escalate_at > now() + "
	      "interval '23 hours'",
	      one, two);
	free(sql("UPDATE store.reminder SET escalate_at = now() WHERE id IN ('%s', '%s') RETURNING 1", one, two));
	free(sql("NOTIFY tracktwo, 'reminder'; SELECT 1"));
	await("email", "SELECT channel FROM store.delivery WHERE reminder_id = '%s' AND channel <> 'push'", one);
	await("push failure",
	      "SELECT channel || ' ' || reason FROM store.delivery WHERE reminder_id = '%s' AND assignee_id = '%s'", two,
	      told);
	listen_for(&setter, told);
	/* Among what is due to the administrator besides. */
	json_t *message = client_read(&setter, ARRIVES_MS);
	while (strcmp(at_string(message, "params.reminder.note"), "two") != 0) {
		json_decref(message);
		message = client_read(&setter, ARRIVES_MS);
	}
	assert_string_equal(at_string(message, "params.reason"), "failure");
	json_decref(
	    call("reminder.acknowledge", json_of("{'delivery_id':'%s'}", at_string(message, "params.delivery_id"))));
	json_decref(message);
	client_close(&setter);
	free(one), free(two), free(mailed), free(bare), free(now), free(told);
}

/* Hundreds that come due while nobody listens do not keep the rest waiting. */
static void test_nobody_listens(void **state)
{
	char *who = somebody("Nobody listens", "");
	(void)state;
	free(sql("INSERT INTO store.reminder (id, note, due_at, assignee_id, created_by) SELECT store.uuid7(), n::text, "
	         "now(), '%s', "
	         "'%s' FROM generate_series(1, 3000) AS n; NOTIFY tracktwo, 'reminder'; SELECT 1",
	         who, who));
	await("3000", "SELECT count(*) FROM store.reminder WHERE assignee_id = '%s' AND status = 'due'", who);
	free(who);
}

static void test_commitments_remind(void **state)
{
	char *who = somebody("Promiser", ",'timezone':'Europe/Berlin','language':'ko'");
	(void)state;
	char *commitment =
	    made("commitment.create", json_of("{'by':{'principal_id':'%s'},'to':'KP','text':'a paper','due_on':"
	                                      "'2036-07-01'}",
	                                      who));
	char *id = sql("SELECT id FROM store.reminder WHERE commitment_id = '%s'", commitment);
	json_t *record = call("reminder.get", json_of("{'id':'%s'}", id));
	assert_string_equal(at_string(record, "kind"), "commitment");
	assert_string_equal(at_string(record, "assignee"), who);
	assert_string_equal(at_string(record, "due_at"), "2036-07-01T07:00:00Z");
	assert_non_null(strstr(at_string(record, "note"), "a paper"));
	json_decref(record);
	expect_rule("reminder.update", json_of("{'id':'%s','version':1,'due_at':'2036-07-02T00:00:00Z'}", id),
	            "follows_record");
	json_decref(call("commitment.update", json_of("{'id':'%s','version':1,'due_on':'2036-08-01'}", commitment)));
	await("2036-08-01 07:00:00", "SELECT fire_at AT TIME ZONE 'UTC' FROM store.reminder WHERE id = '%s'", id);
	/* Completing it offers to close the commitment, and does when told to. */
	record = call("reminder.complete", json_of("{'id':'%s','fulfil_commitment':true}", id));
	assert_string_equal(at_string(record, "commitment.status"), "fulfilled");
	await("fulfilled", "SELECT status FROM store.commitment WHERE id = '%s'", commitment);
	json_decref(record);
	free(commitment), free(id);
	commitment = made("commitment.create", json_of("{'by':'JP','text':'b','due_on':'2036-07-01'}"));
	id = sql("SELECT id FROM store.reminder WHERE commitment_id = '%s'", commitment);
	json_decref(call("commitment.update", json_of("{'id':'%s','version':1,'status':'withdrawn'}", commitment)));
	await("cancelled", "SELECT status FROM store.reminder WHERE id = '%s'", id);
	json_decref(call("commitment.update", json_of("{'id':'%s','version':2,'status':'open'}", commitment)));
	await("pending", "SELECT status FROM store.reminder WHERE id = '%s'", id);
	record = call("reminder.complete", json_of("{'id':'%s'}", id));
	assert_string_equal(at_string(record, "commitment.status"), "open");
	json_decref(record);
	free(commitment), free(id), free(who);
}

#define PLACED "'kind':'meeting','countries':['KP'],'workstreams':['1.2']"

static void test_readouts_are_asked_for(void **state)
{
	char *who = somebody("Host", "");
	(void)state;
	char *planned = made("engagement.log", json_of("{'title':'Dinner'," PLACED ",'starts_at':'2036-03-01T10:00:00Z',"
	                                               "'ends_at':'2036-03-01T12:00:00Z','owner':'%s'}",
	                                               who));
	await("2036-03-02 12:00:00",
	      "SELECT due_at AT TIME ZONE 'UTC' FROM store.reminder WHERE kind = 'readout' AND "
	      "engagement_id = '%s' AND assignee_id = '%s'",
	      planned, who);
	json_decref(
	    call("engagement.update", json_of("{'id':'%s','version':1,'ends_at':'2036-03-01T13:00:00Z'}", planned)));
	await("2036-03-02 13:00:00", "SELECT fire_at AT TIME ZONE 'UTC' FROM store.reminder WHERE engagement_id = '%s'",
	      planned);
	json_decref(call("engagement.update",
	                 json_of("{'id':'%s','version':2,'starts_at':'2020-03-01T10:00:00Z','ends_at':null}", planned)));
	await("due", "SELECT status FROM store.reminder WHERE engagement_id = '%s'", planned);
	json_decref(call("engagement.hold", json_of("{'id':'%s','version':3,'readout':'went well'}", planned)));
	await("done", "SELECT status FROM store.reminder WHERE engagement_id = '%s'", planned);
	free(planned);
	char *held = made("engagement.log", json_of("{'title':'Lunch'," PLACED ",'starts_on':'2020-03-01'}"));
	await("0", "SELECT count(*) FROM store.reminder WHERE engagement_id = '%s'", held);
	free(held), free(who);
}

/* The days from today until a contact's or dialogue's reminder is due, in Seoul. */
static void await_due_in(const char *column, const char *id, const char *days)
{
	await(
	    days,
	    "SELECT (due_at AT TIME ZONE 'Asia/Seoul')::date - (now() AT TIME ZONE 'Asia/Seoul')::date FROM store.reminder "
	    "WHERE kind = 'cadence' AND %s = '%s'",
	    column, id);
}

static json_t *met(const char *contact, const char *dialogue, int days_ago, const char *attendance)
{
	char *day = sql("SELECT (now() AT TIME ZONE 'Asia/Seoul')::date - %d", days_ago);
	json_t *logged =
	    call("engagement.log", json_of("{'title':'Tea'," PLACED ",'starts_on':'%s','dialogue_id':'%s','participants':["
	                                   "{'contact_id':'%s','attendance':'%s'}]}",
	                                   day, dialogue, contact, attendance));
	free(day);
	return logged;
}

static bool is_neglected(const char *id, const char *beyond)
{
	json_t *report = call("report.neglected", json_of("{'days':36500}")), *item;
	bool found = false;
	size_t i;
	json_array_foreach(at(report, "cadences"), i, item) {
		const char *contact = json_string_value(at(item, "contact_id")),
		           *dialogue = json_string_value(at(item, "dialogue_id"));
		found =
		    found || (strcmp(contact ? contact : dialogue, id) == 0 && strcmp(at_string(item, "beyond"), beyond) == 0);
	}
	json_decref(report);
	return found;
}

/* Counted from the last time that one really met, whichever way that becomes known, or turns out not to be so. */
static void test_cadence(void **state)
{
	char *who = somebody("Keeper", "");
	(void)state;
	char *contact =
	    made("contact.create", json_of("{'name':'Friend','country':'RU','owner':'%s','cadence':{'ideal':'P30D',"
	                                   "'maximum':'P60D'}}",
	                                   who));
	char *dialogue =
	    made("dialogue.create", json_of("{'title':'Talks','countries':['RU'],'workstreams':['2.3'],'cadence':'P90D'}"));
	await_due_in("contact_id", contact, "30");
	await_due_in("dialogue_id", dialogue, "90");
	json_t *first = met(contact, dialogue, 40, "attended");
	await_due_in("contact_id", contact, "-10");
	await_due_in("dialogue_id", dialogue, "50");
	assert_true(is_neglected(contact, "ideal"));
	assert_false(is_neglected(dialogue, "ideal"));
	await("due", "SELECT status FROM store.reminder WHERE contact_id = '%s'", contact);
	/* Who stayed away was not met. */
	json_t *second = met(contact, dialogue, 5, "absent");
	await_due_in("contact_id", contact, "-10");
	await_due_in("dialogue_id", dialogue, "85");
	json_decref(call("engagement.update",
	                 json_of("{'id':'%s','version':1,'participants_change':[{'id':'%s','attendance':'attended'}]}",
	                         at_string(second, "id"), at_string(second, "participants.0.id"))));
	await_due_in("contact_id", contact, "25");
	await("pending", "SELECT status FROM store.reminder WHERE contact_id = '%s'", contact);
	assert_false(is_neglected(contact, "ideal"));
	json_decref(
	    call("engagement.void", json_of("{'id':'%s','version':2,'reason':'never was'}", at_string(second, "id"))));
	await_due_in("contact_id", contact, "-10");
	json_decref(call("engagement.update", json_of("{'id':'%s','version':1,'participants_remove':['%s']}",
	                                              at_string(first, "id"), at_string(first, "participants.0.id"))));
	await_due_in("contact_id", contact, "30");
	free(sql("UPDATE store.contact SET created_at = now() - interval '61 days' WHERE id = '%s' RETURNING 1", contact));
	assert_true(is_neglected(contact, "maximum"));
	json_t *listed = call("reminder.list", json_of("{'kind':'cadence','assignee':'%s'}", who));
	assert_int_equal(json_array_size(at(listed, "items")), 1);
	json_decref(call("contact.update", json_of("{'id':'%s','version':1,'cadence':null}", contact)));
	await("cancelled", "SELECT status FROM store.reminder WHERE contact_id = '%s'", contact);
	json_decref(call("contact.update", json_of("{'id':'%s','version':2,'cadence':'P10D'}", contact)));
	await("due", "SELECT status FROM store.reminder WHERE contact_id = '%s'", contact);
	checked_refused(&client, "contact.update",
	                json_of("{'id':'%s','version':3,'cadence':{'ideal':'P30D','maximum':'P29D'}}", contact), -32602,
	                "invalid_params", "cadence.maximum");
	json_decref(call("dialogue.update", json_of("{'id':'%s','version':1,'status':'concluded'}", dialogue)));
	await("cancelled", "SELECT status FROM store.reminder WHERE dialogue_id = '%s'", dialogue);
	json_decref(first), json_decref(second), json_decref(listed);
	free(who), free(contact), free(dialogue);
}

/* What a reminder leaves open comes from its assignee; what they cannot be reached by is refused at once. */
static void test_channels_of_people(void **state)
{
	char *mailed = somebody("Mailed", ",'email':'mailed@example.org','channels':['push','email'],'digest_at':'06:15'");
	char *bare = somebody("Bare", "");
	(void)state;
	json_t *record =
	    call("reminder.create", json_of("{'note':'n','due_at':'2036-01-01T00:00:00Z','assignee':'%s'}", mailed));
	assert_string_equal(at_string(record, "channels.1"), "email");
	json_decref(record);
	record = call("principal.get", json_of("{'id':'%s'}", mailed));
	assert_string_equal(at_string(record, "digest_at"), "06:15");
	json_decref(record);
	await("06:15", "SELECT to_char(digest_due AT TIME ZONE timezone, 'HH24:MI') FROM store.principal WHERE id = '%s'",
	      mailed);
	json_decref(call("principal.update", json_of("{'id':'%s','version':1,'digest_at':null}", mailed)));
	await("t", "SELECT digest_due IS NULL FROM store.principal WHERE id = '%s'", mailed);
	static const struct {
		const char *channel, *rule;
	} missing[] = {{"email", "no_address"}, {"webhook", "no_webhook"}};
	for (size_t i = 0; i < 2; i++)
		expect_rule("reminder.create",
		            json_of("{'note':'n','due_at':'2036-01-01T00:00:00Z','assignee':'%s','channels':['%s']}", bare,
		                    missing[i].channel),
		            missing[i].rule);
	checked_faults(&client, "principal.create", json_of("{'name':'X','role':'viewer','email':'no address'}"), "email");
	json_decref(call("principal.retire", json_of("{'id':'%s','version':1,'hand_over_to':'%s'}", bare, mailed)));
	expect_rule("reminder.create", json_of("{'note':'n','due_at':'2036-01-01T00:00:00Z','assignee':'%s'}", bare),
	            "assignee_retired");
	free(mailed), free(bare);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_missed_occurrences_come_once),
	    cmocka_unit_test(test_completing_arms_the_next),
	    cmocka_unit_test(test_rules_of_long_ago),
	    cmocka_unit_test(test_cancelled_at_once),
	    cmocka_unit_test(test_those_who_left),
	    cmocka_unit_test(test_viewers),
	    cmocka_unit_test(test_escalation_changes),
	    cmocka_unit_test(test_wall_clock),
	    cmocka_unit_test(test_rules_that_are_none),
	    cmocka_unit_test(test_stock_lasts),
	    cmocka_unit_test(test_changes_of_a_rule),
	    cmocka_unit_test(test_corrections_arm_nothing),
	    cmocka_unit_test(test_working_days),
	    cmocka_unit_test(test_escalation),
	    cmocka_unit_test(test_unheard),
	    cmocka_unit_test(test_nobody_listens),
	    cmocka_unit_test(test_commitments_remind),
	    cmocka_unit_test(test_readouts_are_asked_for),
	    cmocka_unit_test(test_cadence),
	    cmocka_unit_test(test_channels_of_people),
	};
	return cmocka_run_group_tests_name("followup", tests, single_setup, single_teardown);
}
