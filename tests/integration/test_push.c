/* Push: reminders arrive at their time, again until somebody acknowledges, and at nobody else. */
#include "push.h"

#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef __SANITIZE_ADDRESS__
enum { PROMPT_US = 500 * 1000 };
#else
enum { PROMPT_US = 50 * 1000 };
#endif

enum { ARRIVES_MS = 10000, SILENT_MS = 400, ROUNDS = 3, PUNCTUAL = 6, MANY = 450 };

static const char bootstrap[] = "00000000-0000-7000-8000-000000000001";

static int by_size(const void *one, const void *other)
{
	int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;
	return (a > b) - (a < b);
}

/* The daemon asks the database nothing for a second, within ten of them. */
static bool comes_to_rest(const struct harness *harness)
{
	static const char last[] = "SELECT max(state_change) FROM pg_stat_activity WHERE usename = 'tracktwo_daemon'";
	bool rests = false;
	for (int i = 0; i < 10 && !rests; i++) {
		char *before = harness_query(harness, last);
		sleep(1);
		char *after = harness_query(harness, last);
		rests = strcmp(before, after) == 0;
		free(before), free(after);
	}
	return rests;
}

/* With nothing due, and with something that is due much later. */
static void test_rests(void **state)
{
	struct client client;
	assert_true(comes_to_rest(*state));
	client_open(&client, *state);
	char *id = push_remind(&client, "Much later", push_in_ms(3600000), bootstrap);
	assert_true(comes_to_rest(*state));
	push_call_by_id(&client, "reminder.cancel", "id", id);
	client_close(&client);
	free(id);
}

/* A few reminders, due in two seconds and a little more; how late the latest was. */
static int64_t latest_of_round(struct client *client, struct client *subscriber, const char *subscription,
                               const char *who)
{
	int64_t due[PUNCTUAL], late[PUNCTUAL], base = push_wall_us() + 2000000;
	for (int i = 0; i < PUNCTUAL; i++) {
		char note[16];
		snprintf(note, sizeof note, "%d", i);
		due[i] = base + i * 130000;
		free(push_remind(client, note, push_instant(due[i]), who));
	}
	for (int i = 0; i < PUNCTUAL; i++) {
		char note[16];
		json_t *params = push_next(subscriber, subscription);
		late[i] = push_wall_us() - due[i];
		snprintf(note, sizeof note, "%d", i);
		assert_string_equal(at_string(params, "reminder.note"), note);
		assert_string_equal(at_string(params, "reminder.due_at"), push_instant(due[i]).text);
		assert_string_equal(at_string(params, "reminder.status"), "due");
		assert_true(late[i] >= 0);
		push_call_by_id(client, "reminder.acknowledge", "delivery_id", at_string(params, "delivery_id"));
		json_decref(params);
	}
	qsort(late, PUNCTUAL, sizeof *late, by_size);
	print_message("late by %.1f ms in the median, %.1f ms at most\n", (double)late[PUNCTUAL / 2] / 1000,
	              (double)late[PUNCTUAL - 1] / 1000);
	return late[PUNCTUAL - 1];
}

/* A round may be disturbed by what else the machine does; every one is not. */
static void test_punctual(void **state)
{
	struct client client, subscriber;
	char subscription[37];
	int64_t best = INT64_MAX;
	client_open(&client, *state);
	char *who = push_somebody(&client, "Punctual");
	push_subscribe(&subscriber, *state, who, subscription);
	for (int i = 0; i < ROUNDS && best > PROMPT_US; i++) {
		int64_t latest = latest_of_round(&client, &subscriber, subscription, who);
		best = latest < best ? latest : best;
	}
	assert_true(best <= PROMPT_US);
	client_close(&subscriber);
	client_close(&client);
	free(who);
}

static void test_subscribers(void **state)
{
	struct client client, one, two, elsewhere;
	char s1[37], s2[37], s3[37], d1[37], d2[37];
	client_open(&client, *state);
	char *who = push_somebody(&client, "Subscribers"), *other = push_somebody(&client, "Somebody else");
	push_subscribe(&one, *state, who, s1);
	push_subscribe(&two, *state, who, s2);
	push_subscribe(&elsewhere, *state, other, s3);
	assert_string_not_equal(s1, s2);
	char *id = push_remind(&client, "For both", push_in_ms(200), who);
	push_expect(&one, s1, "For both", d1);
	push_expect(&two, s2, "For both", d2);
	assert_string_equal(d1, d2);
	push_expect_none(&elsewhere, SILENT_MS);
	/* One acknowledges, over another connection than it came by. */
	json_t *seen = client_result(&client, "reminder.acknowledge", json_pack("{s:s}", "delivery_id", d1));
	assert_string_equal(at_string(seen, "id"), id);
	assert_string_equal(at_string(seen, "status"), "acknowledged");
	assert_string_equal(at_string(seen, "deliveries.0.id"), d1);
	assert_string_equal(at_string(seen, "deliveries.0.outcome"), "acknowledged");
	assert_int_equal(json_array_size(at(seen, "deliveries")), 1);
	json_decref(seen);
	/* A second one changes nothing, and is no error. */
	seen = client_result(&two, "reminder.acknowledge", json_pack("{s:s}", "delivery_id", d2));
	assert_string_equal(at_string(seen, "status"), "acknowledged");
	json_decref(seen);
	client_close(&one);
	push_subscribe(&one, *state, who, s1);
	push_sql(*state, "UPDATE store.delivery SET lease_until = now() WHERE id = '%s'; NOTIFY tracktwo, 'reminder'", d1);
	push_expect_none(&one, SILENT_MS);
	push_expect_none(&two, 1);
	/* Acknowledged is not done: that comes later. */
	json_t *done = client_result(&client, "reminder.complete", json_pack("{s:s}", "id", id));
	assert_string_equal(at_string(done, "status"), "done");
	json_decref(done);
	client_close(&client), client_close(&one), client_close(&two), client_close(&elsewhere);
	free(who), free(other), free(id);
}

static void test_backlog_comes_first(void **state)
{
	static const int minutes[] = {30, 10, 50, 20, 40};
	struct client client, subscriber;
	char subscription[37], note[16], delivery[37];
	client_open(&client, *state);
	char *who = push_somebody(&client, "Backlog");
	for (size_t i = 0; i < 5; i++) {
		snprintf(note, sizeof note, "%d", minutes[i]);
		free(push_remind(&client, note, push_in_ms(-60000L * minutes[i]), who));
	}
	free(push_remind(&client, "newer", push_in_ms(300), who));
	long long began = harness_now_ms();
	push_subscribe(&subscriber, *state, who, subscription);
	for (int i = 50; i > 0; i -= 10) {
		snprintf(note, sizeof note, "%d", i);
		json_t *params = push_next(&subscriber, subscription);
		assert_string_equal(at_string(params, "reminder.note"), note);
		assert_true(json_is_true(at(params, "reminder.late")));
		json_decref(params);
	}
	assert_true(harness_now_ms() - began < 2000);
	push_expect(&subscriber, subscription, "newer", delivery);
	push_expect_none(&subscriber, SILENT_MS);
	/* All of it again for another one, what was pushed before included. */
	client_close(&subscriber);
	push_subscribe(&subscriber, *state, who, subscription);
	for (int i = 50; i >= 0; i -= 10) {
		snprintf(note, sizeof note, "%d", i);
		push_expect(&subscriber, subscription, i ? note : "newer", delivery);
	}
	push_expect_none(&subscriber, SILENT_MS);
	client_close(&subscriber), client_close(&client);
	free(who);
}

/* More than one claim takes; in order of due time, to each of two that came at different times. */
static void test_many(void **state)
{
	struct client client, subscriber;
	char subscription[37];
	bool seen[MANY] = {0};
	client_open(&client, *state);
	char *who = push_somebody(&client, "Many");
	push_sql(*state,
	         "INSERT INTO store.reminder (id, note, due_at, assignee_id, created_by) SELECT store.uuid7(), n::text, "
	         "now() - n * interval '1 second', '%s', '%s' FROM generate_series(0, %d) AS n",
	         who, bootstrap, MANY - 1);
	push_subscribe(&subscriber, *state, who, subscription);
	for (int i = 0; i < MANY; i++) {
		json_t *params = push_next(&subscriber, subscription);
		long number = strtol(at_string(params, "reminder.note"), NULL, 10);
		assert_in_range(number, 0, MANY - 1);
		assert_false(seen[number]);
		assert_int_equal(number, MANY - 1 - i);
		seen[number] = true;
		json_decref(params);
	}
	push_expect_none(&subscriber, SILENT_MS);
	char sql[200];
	snprintf(sql, sizeof sql, "SELECT count(*) FROM store.delivery WHERE assignee_id = '%s' AND attempts = 1", who);
	assert_int_equal(harness_count(*state, sql), MANY);
	/* While it listens: all of them come due at once. */
	push_sql(*state,
	         "INSERT INTO store.reminder (id, note, due_at, assignee_id, created_by) SELECT store.uuid7(), n::text, "
	         "now() - interval '1 minute', '%s', '%s' FROM generate_series(0, %d) AS n; NOTIFY tracktwo, 'reminder'",
	         who, bootstrap, MANY - 1);
	memset(seen, 0, sizeof seen);
	for (int i = 0; i < MANY; i++) {
		json_t *params = push_next(&subscriber, subscription);
		long number = strtol(at_string(params, "reminder.note"), NULL, 10);
		assert_in_range(number, 0, MANY - 1);
		assert_false(seen[number]);
		seen[number] = true;
		json_decref(params);
	}
	push_expect_none(&subscriber, SILENT_MS);
	client_close(&subscriber), client_close(&client);
	free(who);
}

static void test_lease(void **state)
{
	struct client client, subscriber;
	char subscription[37], delivery[37];
	client_open(&client, *state);
	char *who = push_somebody(&client, "Lease");
	push_subscribe(&subscriber, *state, who, subscription);
	char *id = push_remind(&client, "Again", push_in_ms(100), who);
	push_expect(&subscriber, subscription, "Again", delivery);
	char sql[200];
	snprintf(sql, sizeof sql,
	         "SELECT round(extract(epoch FROM lease_until - claimed_at)) FROM store.delivery WHERE id = '%s'",
	         delivery);
	assert_int_equal(harness_count(*state, sql), 60);
	for (int attempts = 2; attempts < 5; attempts++) {
		/* By itself, before the lease ends, nothing comes. */
		push_sql(*state, "NOTIFY tracktwo, 'reminder'");
		push_expect_none(&subscriber, SILENT_MS / 2);
		push_sql(*state, "UPDATE store.delivery SET lease_until = now() WHERE id = '%s'; NOTIFY tracktwo, 'reminder'",
		         delivery);
		json_t *params = push_next(&subscriber, subscription);
		assert_string_equal(at_string(params, "delivery_id"), delivery);
		assert_string_equal(at_string(params, "reminder.id"), id);
		assert_int_equal(json_array_size(at(params, "reminder.deliveries")), 1);
		assert_int_equal(at_integer(params, "reminder.deliveries.0.attempts"), attempts);
		json_decref(params);
	}
	push_call_by_id(&client, "reminder.acknowledge", "delivery_id", delivery);
	push_sql(*state, "UPDATE store.delivery SET lease_until = now() WHERE id = '%s'; NOTIFY tracktwo, 'reminder'",
	         delivery);
	push_expect_none(&subscriber, SILENT_MS);
	client_close(&subscriber), client_close(&client);
	free(who), free(id);
}

static void test_ended_ones_do_not_come(void **state)
{
	struct client client, subscriber;
	char subscription[37], delivery[37], second[37];
	client_open(&client, *state);
	char *who = push_somebody(&client, "Ended");
	push_subscribe(&subscriber, *state, who, subscription);
	char *cancelled = push_remind(&client, "Cancelled", push_in_ms(400), who),
	     *done = push_remind(&client, "Done", push_in_ms(400), who);
	push_call_by_id(&client, "reminder.cancel", "id", cancelled);
	push_call_by_id(&client, "reminder.complete", "id", done);
	char *due = push_remind(&client, "Due", push_in_ms(500), who),
	     *withdrawn = push_remind(&client, "Withdrawn", push_in_ms(600), who);
	push_expect(&subscriber, subscription, "Due", delivery);
	push_expect(&subscriber, subscription, "Withdrawn", second);
	/* Out already, and then done or cancelled without having been acknowledged: it does not come again. */
	push_call_by_id(&client, "reminder.complete", "id", due);
	push_call_by_id(&client, "reminder.cancel", "id", withdrawn);
	push_sql(*state,
	         "UPDATE store.delivery SET lease_until = now() WHERE assignee_id = '%s'; NOTIFY tracktwo, 'reminder'",
	         who);
	push_expect_none(&subscriber, SILENT_MS);
	client_close(&subscriber);
	push_subscribe(&subscriber, *state, who, subscription);
	push_expect_none(&subscriber, SILENT_MS);
	/* Its window may still stand on somebody's screen. */
	json_t *late = client_result(&client, "reminder.acknowledge", json_pack("{s:s}", "delivery_id", delivery));
	assert_string_equal(at_string(late, "status"), "done");
	assert_string_equal(at_string(late, "deliveries.0.outcome"), "withdrawn");
	json_decref(late);
	client_close(&subscriber), client_close(&client);
	free(who), free(cancelled), free(done), free(due), free(withdrawn);
}

static void test_over_restarts(void **state)
{
	struct harness *harness = *state;
	struct client client, subscriber;
	char subscription[37], delivery[37], again[37];
	client_open(&client, harness);
	char *who = push_somebody(&client, "Restarts");
	push_subscribe(&subscriber, harness, who, subscription);
	char *id = push_remind(&client, "Over a restart", push_in_ms(100), who);
	push_expect(&subscriber, subscription, "Over a restart", delivery);
	for (int i = 0; i < 2; i++) {
		client_close(&subscriber), client_close(&client);
		if (i == 0)
			assert_int_equal(harness_stop(harness), 0);
		else
			harness_kill(harness);
		harness_start(harness);
		harness_await(harness);
		client_open(&client, harness);
		push_subscribe(&subscriber, harness, who, subscription);
		push_expect(&subscriber, subscription, "Over a restart", again);
		assert_string_equal(again, delivery);
	}
	push_call_by_id(&client, "reminder.acknowledge", "delivery_id", delivery);
	/* What came due while nobody was there comes too. */
	char *missed = push_remind(&client, "Missed", push_in_ms(50), who);
	client_close(&subscriber), client_close(&client);
	assert_int_equal(harness_stop(harness), 0);
	harness_start(harness);
	harness_await(harness);
	push_subscribe(&subscriber, harness, who, subscription);
	push_expect(&subscriber, subscription, "Missed", again);
	push_expect_none(&subscriber, SILENT_MS);
	client_close(&subscriber);
	free(who), free(id), free(missed);
}

static const char *user_name(void)
{
	const struct passwd *user = getpwuid(getuid());
	assert_non_null(user);
	return user->pw_name;
}

/* Until the daemon has heard of a change of principals: the answer's error code, or 0. */
static void await_code(struct client *client, const char *method, json_t *params, int code)
{
	long long until = harness_now_ms() + ARRIVES_MS;
	for (long found = -1; found != code;) {
		json_t *answer = client_call(client, method, json_incref(params));
		json_t *number = at(answer, "error.code");
		assert_non_null(answer);
		found = number ? (long)json_integer_value(number) : 0;
		json_decref(answer);
		if (found != code && harness_now_ms() > until)
			fail_msg("%s answers %ld, not %d", method, found, code);
		push_sleep_ms(5);
	}
	json_decref(params);
}

static json_t *some_engagement(void)
{
	return json_pack("{s:s, s:s, s:s, s:[s], s:[s]}", "title", "By whom", "kind", "call", "starts_on", "2026-02-03",
	                 "countries", "JP", "workstreams", "1.3");
}

static void test_roles(void **state)
{
	struct client client, subscriber;
	char subscription[37], delivery[37];
	client_open(&client, *state);
	char *other = push_somebody(&client, "Of others"),
	     *theirs = push_remind(&client, "Theirs", push_in_ms(3600000), other);
	json_t *made =
	    client_result(&client, "principal.create",
	                  json_pack("{s:s, s:s, s:s}", "name", "Myself", "role", "viewer", "unix_user", user_name()));
	char *me = strdup(at_string(made, "id"));
	json_decref(made);
	/* No one locks the last administrator out: a privileged user stays one until there is another. */
	json_decref(
	    client_result(&client, "principal.create", json_pack("{s:s, s:s}", "name", "Chief", "role", "administrator")));
	/* From now on the user of this test is a viewer. */
	await_code(&client, "engagement.log", some_engagement(), 403);
	client_expect_error(&client, "principal.create", json_pack("{s:s, s:s}", "name", "X", "role", "viewer"), 403,
	                    "forbidden");
	client_expect_error(&client, "reminder.subscribe", json_pack("{s:s}", "assignee", other), 403, "forbidden");
	client_expect_error(&client, "reminder.subscribe", json_pack("{s:s}", "assignee", bootstrap), 403, "forbidden");
	/* What others set for others it can neither end nor silence; nor set itself. */
	for (size_t i = 0; i < 2; i++)
		client_expect_error(&client, i == 0 ? "reminder.complete" : "reminder.cancel", json_pack("{s:s}", "id", theirs),
		                    403, "forbidden");
	client_expect_error(
	    &client, "reminder.create",
	    json_pack("{s:s, s:s, s:s}", "note", "For you", "due_at", "2030-01-01T00:00:00Z", "assignee", other), 403,
	    "forbidden");
	/* Its own ones it gets. */
	push_subscribe(&subscriber, *state, me, subscription);
	free(push_remind(&client, "Mine", push_in_ms(50), me));
	push_expect(&subscriber, subscription, "Mine", delivery);
	push_call_by_id(&client, "reminder.acknowledge", "delivery_id", delivery);
	client_close(&subscriber);
	push_sql(*state, "UPDATE store.principal SET role = 'officer' WHERE id = '%s'; NOTIFY tracktwo, 'principal'", me);
	await_code(&client, "engagement.log", some_engagement(), 0);
	client_expect_error(&client, "reminder.subscribe", json_pack("{s:s}", "assignee", other), 403, "forbidden");
	push_sql(*state, "UPDATE store.principal SET role = 'director' WHERE id = '%s'; NOTIFY tracktwo, 'principal'", me);
	await_code(&client, "reminder.subscribe", json_pack("{s:s}", "assignee", other), 0);
	client_expect_error(&client, "principal.create", json_pack("{s:s, s:s}", "name", "X", "role", "viewer"), 403,
	                    "forbidden");
	/* And away again: the administrator of the first hour answers to this user. */
	push_sql(*state, "UPDATE store.principal SET unix_user = NULL WHERE id = '%s'; NOTIFY tracktwo, 'principal'", me);
	await_code(&client, "principal.create", json_pack("{s:s, s:s}", "name", "X", "role", "viewer"), 0);
	client_close(&client);
	free(me), free(other), free(theirs);
}

static void test_subscriptions_have_limits(void **state)
{
	struct client client;
	client_open(&client, *state);
	client_expect_error(&client, "reminder.subscribe",
	                    json_pack("{s:s}", "assignee", "019b1c00-3001-7000-8000-0000000000ff"), 404, "not_found");
	for (int i = 0; i < 16; i++)
		json_decref(client_result(&client, "reminder.subscribe", NULL));
	client_expect_error(&client, "reminder.subscribe", NULL, 429, "rate_limited");
	client_close(&client);
}

static void test_unknown_caller(void **state)
{
	struct client client;
	client_open(&client, *state);
	push_sql(*state, "UPDATE store.principal SET status = 'retired' WHERE bootstrap; NOTIFY tracktwo, 'principal'");
	await_code(&client, "country.list", json_object(), 401);
	client_expect_error(&client, "reminder.subscribe", NULL, 401, "unauthenticated");
	client_expect_error(&client, "reminder.list", NULL, 401, "unauthenticated");
	client_expect_error(&client, "system.info", NULL, 401, "unauthenticated");
	client_expect_error(&client, "engagement.log", some_engagement(), 401, "unauthenticated");
	json_t *ping = client_result(&client, "system.ping", NULL),
	       *document = client_result(&client, "rpc.discover", NULL);
	json_decref(ping), json_decref(document);
	push_sql(*state, "UPDATE store.principal SET status = 'active' WHERE bootstrap; NOTIFY tracktwo, 'principal'");
	await_code(&client, "country.list", json_object(), 0);
	client_close(&client);
}

/* Two daemons on one database: whoever claims, both push, and the ledger has one row. */
static void test_second_daemon(void **state)
{
	struct harness *first = *state, second;
	struct client client, one, two;
	char s1[37], s2[37], d1[37], d2[37], oldest[37] = "", dsn[256], sql[200];
	harness_init_empty(&second);
	snprintf(dsn, sizeof dsn, "database.dsn=host=%s/postgres/socket dbname=tracktwo user=tracktwo_daemon",
	         first->state);
	second.settings[0] = dsn;
	harness_start(&second);
	harness_await(&second);
	client_open(&client, first);
	char *who = push_somebody(&client, "Two daemons");
	push_subscribe(&one, first, who, s1);
	push_subscribe(&two, &second, who, s2);
	for (int i = 0; i < 10; i++) {
		char note[16];
		snprintf(note, sizeof note, "%d", i);
		char *id = push_remind(&client, note, push_in_ms(100), who);
		push_expect(&one, s1, note, d1);
		push_expect(&two, s2, note, d2);
		assert_string_equal(d1, d2);
		if (i == 0)
			memcpy(oldest, d1, sizeof oldest);
		snprintf(sql, sizeof sql, "SELECT count(*) FROM store.delivery WHERE reminder_id = '%s' AND attempts = 1", id);
		assert_int_equal(harness_count(first, sql), 1);
		free(id);
	}
	push_expect_none(&one, SILENT_MS);
	push_expect_none(&two, 1);
	/* Acknowledged at one, it comes at neither. */
	push_call_by_id(&client, "reminder.acknowledge", "delivery_id", d1);
	push_sql(first, "UPDATE store.delivery SET lease_until = now() WHERE id = '%s'; NOTIFY tracktwo, 'reminder'", d1);
	push_expect_none(&one, SILENT_MS);
	push_expect_none(&two, 1);
	/* Pushed again when its lease ends, by one of them, it comes at both. */
	push_sql(first, "UPDATE store.delivery SET lease_until = now() WHERE id = '%s'; NOTIFY tracktwo, 'reminder'",
	         oldest);
	push_expect(&one, s1, "0", d1);
	push_expect(&two, s2, "0", d2);
	assert_string_equal(d1, oldest);
	assert_string_equal(d2, oldest);
	snprintf(sql, sizeof sql, "SELECT attempts FROM store.delivery WHERE id = '%s'", oldest);
	assert_int_equal(harness_count(first, sql), 2);
	/* Without a subscriber at one, the other brings it. */
	client_close(&one);
	push_sql(first, "UPDATE store.delivery SET lease_until = now() WHERE id = '%s'; NOTIFY tracktwo, 'reminder'",
	         oldest);
	push_expect(&two, s2, "0", d2);
	assert_string_equal(d2, oldest);
	free(push_remind(&client, "Only there", push_in_ms(50), who));
	push_expect(&two, s2, "Only there", d2);
	client_close(&client), client_close(&two);
	free(who);
	harness_release(&second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rests),
	    cmocka_unit_test(test_punctual),
	    cmocka_unit_test(test_subscribers),
	    cmocka_unit_test(test_backlog_comes_first),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_lease),
	    cmocka_unit_test(test_ended_ones_do_not_come),
	    cmocka_unit_test(test_roles),
	    cmocka_unit_test(test_subscriptions_have_limits),
	    cmocka_unit_test(test_unknown_caller),
	    cmocka_unit_test(test_second_daemon),
	    cmocka_unit_test(test_over_restarts),
	};
	return cmocka_run_group_tests_name("push", tests, harness_group_setup, harness_group_teardown);
}
