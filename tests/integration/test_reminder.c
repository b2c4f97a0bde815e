/* Reminders: set, found, pushed at their time, pushed again until somebody acknowledges, and to nobody else. */
#include "harness.h"

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
static const char nobody[] = "00000000-0000-7000-8000-00000000ffff";

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static int64_t wall_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

struct instant {
	char text[48];
};

static struct instant instant_of(int64_t us)
{
	struct instant instant;
	time_t seconds = (time_t)(us / 1000000);
	struct tm utc;
	char day[32];
	gmtime_r(&seconds, &utc);
	strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(instant.text, sizeof instant.text, "%s.%06dZ", day, (int)(us % 1000000));
	return instant;
}

static struct instant in_ms(long ms)
{
	return instant_of(wall_us() + ms * 1000LL);
}

/* Somebody of our own for one test, so that nobody else's reminders are in its way. Free it. */
static char *somebody(struct client *client, const char *name)
{
	json_t *made = client_result(client, "principal.create", json_pack("{s:s, s:s}", "name", name, "role", "officer"));
	char *id = strdup(at_string(made, "id"));
	json_decref(made);
	return id;
}

static char *remind(struct client *client, const char *note, struct instant due, const char *assignee)
{
	json_t *made = client_result(client, "reminder.create",
	                             json_pack("{s:s, s:s, s:s}", "note", note, "due_at", due.text, "assignee", assignee));
	char *id = strdup(at_string(made, "id"));
	json_decref(made);
	return id;
}

static void forget(struct client *client, const char *method, const char *member, const char *id)
{
	json_decref(client_result(client, method, json_pack("{s:s}", member, id)));
}

/* Opens `client` and subscribes; the subscription's id is copied. */
static void subscribe(struct client *client, const struct harness *harness, const char *assignee,
                      char subscription[static 37])
{
	client_open(client, harness);
	json_t *answer = client_result(client, "reminder.subscribe", json_pack("{s:s}", "assignee", assignee));
	snprintf(subscription, 37, "%s", at_string(answer, "subscription"));
	json_decref(answer);
}

/* The next push: its params, for this subscription. */
static json_t *pushed(struct client *client, const char *subscription)
{
	json_t *message = client_read(client, ARRIVES_MS);
	json_t *params = json_incref(at(message, "params"));
	assert_string_equal(at_string(message, "jsonrpc"), "2.0");
	assert_string_equal(at_string(message, "method"), "reminder.due");
	assert_null(json_object_get(message, "id"));
	assert_string_equal(at_string(params, "subscription"), subscription);
	json_decref(message);
	return params;
}

static void expect_pushed(struct client *client, const char *subscription, const char *note, char delivery[static 37])
{
	json_t *params = pushed(client, subscription);
	assert_string_equal(at_string(params, "reminder.note"), note);
	snprintf(delivery, 37, "%s", at_string(params, "delivery_id"));
	json_decref(params);
}

static void expect_silence(struct client *client, int ms)
{
	char *line = client_read_line(client, ms);
	if (line)
		fail_msg("something came that should not: %s", line);
}

static void run_sql(const struct harness *harness, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void run_sql(const struct harness *harness, const char *format, ...)
{
	char sql[1024];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(sql, sizeof sql, format, arguments);
	va_end(arguments);
	free(harness_query(harness, sql));
}

static void test_create_and_get(void **state)
{
	struct client client;
	client_open(&client, *state);
	json_t *made = client_result(&client, "reminder.create",
	                             json_pack("{s:s, s:s, s:s}", "id", "01890000-0000-7000-8000-0000000000aa", "note",
	                                       "Send the paper", "due_at", "2036-11-27T09:00:00+09:00"));
	assert_string_equal(at_string(made, "id"), "01890000-0000-7000-8000-0000000000aa");
	assert_int_equal(at_integer(made, "version"), 1);
	assert_string_equal(at_string(made, "due_at"), "2036-11-27T00:00:00Z");
	assert_string_equal(at_string(made, "timezone"), "Asia/Seoul");
	assert_string_equal(at_string(made, "status"), "pending");
	assert_string_equal(at_string(made, "assignee"), bootstrap);
	assert_string_equal(at_string(made, "created_by"), bootstrap);
	assert_string_equal(at_string(made, "channels.0"), "push");
	assert_true(json_is_false(at(made, "late")));
	assert_true(json_is_null(at(made, "about")) && json_is_null(at(made, "rrule")));
	assert_int_equal(json_array_size(at(made, "deliveries")), 0);
	json_t *got = client_result(&client, "reminder.get", json_pack("{s:s}", "id", at_string(made, "id")));
	assert_true(json_equal(made, got));
	/* The same once more writes nothing; other content under the id is refused. */
	json_t *again = client_result(&client, "reminder.create",
	                              json_pack("{s:s, s:s, s:s}", "due_at", "2036-11-27T00:00:00Z", "note",
	                                        "Send the paper", "id", "01890000-0000-7000-8000-0000000000aa"));
	assert_true(json_equal(made, again));
	client_expect_error(&client, "reminder.create",
	                    json_pack("{s:s, s:s, s:s}", "id", at_string(made, "id"), "note", "Another", "due_at",
	                              "2036-11-27T09:00:00+09:00"),
	                    409, "id_reused");
	forget(&client, "reminder.cancel", "id", at_string(made, "id"));
	json_decref(made), json_decref(got), json_decref(again);
	client_close(&client);
}

static json_t *with(const char *member, json_t *value)
{
	json_t *params = json_pack("{s:s, s:s}", "note", "x", "due_at", "2036-11-27T09:00:00+09:00");
	json_object_set_new(params, member, value);
	return params;
}

static void test_refusals(void **state)
{
	struct client client;
	client_open(&client, *state);
	static const char *const abouts[] = {"engagement_id", "contact_id", "dialogue_id", "commitment_id"};
	for (size_t i = 0; i < 4; i++)
		client_expect_error(&client, "reminder.create", with("about", json_pack("{s:s}", abouts[i], nobody)), 404,
		                    "not_found");
	client_expect_error(&client, "reminder.create", with("assignee", json_string(nobody)), 404, "not_found");
	client_expect_error(&client, "reminder.create",
	                    with("about", json_pack("{s:s, s:s}", "engagement_id", nobody, "contact_id", nobody)), -32602,
	                    "invalid_params");
	client_expect_error(&client, "reminder.create", with("about", json_object()), -32602, "invalid_params");
	client_expect_error(&client, "reminder.create", with("due_at", json_string("2036-11-27T09:00:00")), -32602,
	                    "invalid_params");
	client_expect_error(&client, "reminder.create", with("due_at", json_string("infinity")), -32602, "invalid_params");
	client_expect_error(&client, "reminder.create", with("note", json_string("")), -32602, "invalid_params");
	client_expect_error(&client, "reminder.create", with("timezone", json_string("Asia/Pyongyang2")), -32602,
	                    "invalid_params");
	client_expect_error(&client, "reminder.create", with("channels", json_array()), -32602, "invalid_params");
	client_expect_error(&client, "reminder.create", with("colour", json_string("red")), -32602, "invalid_params");
	static const char *const methods[] = {"reminder.get", "reminder.complete", "reminder.cancel"};
	for (size_t i = 0; i < 3; i++)
		client_expect_error(&client, methods[i], json_pack("{s:s}", "id", nobody), 404, "not_found");
	client_expect_error(&client, "reminder.acknowledge", json_pack("{s:s}", "delivery_id", nobody), 404, "not_found");
	client_expect_error(&client, "reminder.subscribe", json_pack("{s:s}", "assignee", "somebody"), -32602,
	                    "invalid_params");
	client_expect_error(&client, "reminder.list", json_pack("{s:s}", "cursor", "nonsense"), -32602, "invalid_params");
	client_close(&client);
}

static void test_ends_once(void **state)
{
	struct client client;
	client_open(&client, *state);
	char *id = remind(&client, "To be done", in_ms(3600000), bootstrap);
	json_t *params = json_pack("{s:s, s:s, s:s}", "id", id, "note", "Sent by post", "request_id",
	                           "01890000-0000-7000-8000-0000000000ab");
	json_t *done = client_result(&client, "reminder.complete", json_incref(params));
	assert_string_equal(at_string(done, "status"), "done");
	assert_string_equal(at_string(done, "completion_note"), "Sent by post");
	assert_int_equal(at_integer(done, "version"), 2);
	json_t *again = client_result(&client, "reminder.complete", params);
	assert_true(json_equal(done, again));
	json_t *error = client_error(&client, "reminder.cancel", json_pack("{s:s}", "id", id));
	assert_int_equal(at_integer(error, "code"), 422);
	assert_string_equal(at_string(error, "data.rule"), "reminder_ended");
	json_decref(done), json_decref(again), json_decref(error);
	free(id);
	id = remind(&client, "Not wanted", in_ms(3600000), bootstrap);
	json_t *cancelled = client_result(&client, "reminder.cancel", json_pack("{s:s}", "id", id));
	assert_string_equal(at_string(cancelled, "status"), "cancelled");
	client_expect_error(&client, "reminder.complete", json_pack("{s:s}", "id", id), 422, "rule");
	json_decref(cancelled);
	free(id);
	client_close(&client);
}

/* The notes of a whole list, comma-separated, page by page. */
static void expect_notes(struct client *client, json_t *filter, int limit, const char *expected)
{
	char notes[1024] = "";
	size_t i;
	json_t *item, *cursor = json_null();
	json_object_set_new(filter, "limit", json_integer(limit));
	do {
		json_t *params = json_copy(filter);
		json_object_set_new(params, "cursor", cursor);
		json_t *page = client_result(client, "reminder.list", params);
		assert_true(json_array_size(at(page, "items")) <= (size_t)limit);
		json_array_foreach(at(page, "items"), i, item)
		{
			size_t length = strlen(notes);
			snprintf(notes + length, sizeof notes - length, "%s%s", length ? "," : "", at_string(item, "note"));
		}
		cursor = json_incref(at(page, "next_cursor"));
		json_decref(page);
	} while (json_is_string(cursor));
	json_decref(cursor);
	json_decref(filter);
	assert_string_equal(notes, expected);
}

static char *remind_about(struct client *client, const char *note, const char *due_at, const char *assignee,
                          const char *member, const char *about)
{
	json_t *made = client_result(client, "reminder.create",
	                             json_pack("{s:s, s:s, s:s, s:{s:s}}", "note", note, "due_at", due_at, "assignee",
	                                       assignee, "about", member, about));
	char *id = strdup(at_string(made, "id"));
	assert_string_equal(json_string_value(json_object_get(at(made, "about"), member)), about);
	json_decref(made);
	return id;
}

static void test_list(void **state)
{
	struct client client;
	client_open(&client, *state);
	char *who = somebody(&client, "Lists"), *other = somebody(&client, "Lists too");
	json_t *engagement = client_result(&client, "engagement.log",
	                                   json_pack("{s:s, s:s, s:s, s:[s], s:[s], s:[{s:s, s:s}]}", "title", "Lists",
	                                             "kind", "call", "starts_on", "2026-02-03", "countries", "RU",
	                                             "workstreams", "1.3", "commitments", "by", "JP", "text", "A paper"));
	json_t *contact =
	    client_result(&client, "contact.create", json_pack("{s:s, s:s}", "name", "Li Wei", "country", "CN"));
	json_t *dialogue = client_result(
	    &client, "dialogue.create",
	    json_pack("{s:s, s:[s,s], s:[s]}", "title", "Lists", "countries", "US", "RU", "workstreams", "2.3"));
	char *ids[9] = {
	    remind_about(&client, "e", "2036-01-05T00:00:00Z", who, "engagement_id", at_string(engagement, "id")),
	    remind_about(&client, "c", "2036-01-04T00:00:00Z", who, "contact_id", at_string(contact, "id")),
	    remind_about(&client, "d", "2036-01-03T00:00:00Z", who, "dialogue_id", at_string(dialogue, "id")),
	    remind_about(&client, "m", "2036-01-02T00:00:00Z", who, "commitment_id",
	                 at_string(engagement, "created.commitments.0")),
	    remind(&client, "past", in_ms(-60000), who),
	    remind(&client, "gone", in_ms(-50000), who),
	    remind(&client, "done", in_ms(-40000), who),
	    remind(&client, "other", in_ms(-30000), other),
	    remind(&client, "e", (struct instant){"2036-01-05T00:00:00Z"}, who)};
	forget(&client, "reminder.cancel", "id", ids[5]);
	forget(&client, "reminder.complete", "id", ids[6]);
#define FILTER(...) json_pack("{s:s, " __VA_ARGS__)
	for (int limit = 1; limit <= 10; limit += 3)
		expect_notes(&client, FILTER("s:n}", "assignee", who, "status"), limit, "past,gone,done,m,d,c,e,e");
	expect_notes(&client, FILTER("s:s}", "assignee", who, "status", "pending"), 2, "m,d,c,e,e");
	expect_notes(&client, FILTER("s:s}", "assignee", who, "status", "due"), 2, "past");
	expect_notes(&client, FILTER("s:s}", "assignee", who, "status", "cancelled"), 2, "gone");
	expect_notes(&client, FILTER("s:s}", "assignee", who, "status", "done"), 2, "done");
	expect_notes(&client, FILTER("s:s}", "assignee", who, "status", "acknowledged"), 2, "");
	expect_notes(&client, FILTER("s:s}", "assignee", who, "country", "RU"), 1, "d,e");
	expect_notes(&client, FILTER("s:s}", "assignee", who, "country", "CN"), 1, "c");
	expect_notes(&client, FILTER("s:s}", "assignee", who, "country", "US"), 1, "d");
	expect_notes(&client, FILTER("s:s}", "assignee", who, "country", "JP"), 1, "m");
	expect_notes(&client, FILTER("s:s}", "assignee", who, "country", "KP"), 1, "");
	/* Half open: what is due at that instant is not due before it. */
	expect_notes(&client, FILTER("s:s}", "assignee", who, "due_before", "2036-01-04T00:00:00Z"), 2,
	             "past,gone,done,m,d");
	expect_notes(&client, FILTER("s:s, s:s}", "assignee", who, "due_before", "2036-01-06T00:00:00Z", "country", "RU"),
	             1, "d,e");
	expect_notes(&client, FILTER("s:n}", "assignee", other, "status"), 5, "other");
	for (size_t i = 0; i < 9; i++)
		free(ids[i]);
	free(who), free(other);
	json_decref(engagement), json_decref(contact), json_decref(dialogue);
	client_close(&client);
}

static int by_size(const void *one, const void *other)
{
	int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;
	return (a > b) - (a < b);
}

/* A few reminders, due in two seconds and a little more; how late the latest was. */
static int64_t latest_of_round(struct client *client, struct client *subscriber, const char *subscription,
                               const char *who)
{
	int64_t due[PUNCTUAL], late[PUNCTUAL], base = wall_us() + 2000000;
	for (int i = 0; i < PUNCTUAL; i++) {
		char note[16];
		snprintf(note, sizeof note, "%d", i);
		due[i] = base + i * 130000;
		free(remind(client, note, instant_of(due[i]), who));
	}
	for (int i = 0; i < PUNCTUAL; i++) {
		char note[16];
		json_t *params = pushed(subscriber, subscription);
		late[i] = wall_us() - due[i];
		snprintf(note, sizeof note, "%d", i);
		assert_string_equal(at_string(params, "reminder.note"), note);
		assert_string_equal(at_string(params, "reminder.due_at"), instant_of(due[i]).text);
		assert_string_equal(at_string(params, "reminder.status"), "due");
		assert_true(late[i] >= 0);
		forget(client, "reminder.acknowledge", "delivery_id", at_string(params, "delivery_id"));
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
	char *who = somebody(&client, "Punctual");
	subscribe(&subscriber, *state, who, subscription);
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
	char *who = somebody(&client, "Subscribers"), *other = somebody(&client, "Somebody else");
	subscribe(&one, *state, who, s1);
	subscribe(&two, *state, who, s2);
	subscribe(&elsewhere, *state, other, s3);
	assert_string_not_equal(s1, s2);
	char *id = remind(&client, "For both", in_ms(200), who);
	expect_pushed(&one, s1, "For both", d1);
	expect_pushed(&two, s2, "For both", d2);
	assert_string_equal(d1, d2);
	expect_silence(&elsewhere, SILENT_MS);
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
	subscribe(&one, *state, who, s1);
	run_sql(*state, "UPDATE store.delivery SET lease_until = now() WHERE id = '%s'; NOTIFY tracktwo, 'reminder'", d1);
	expect_silence(&one, SILENT_MS);
	expect_silence(&two, 1);
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
	char *who = somebody(&client, "Backlog");
	for (size_t i = 0; i < 5; i++) {
		snprintf(note, sizeof note, "%d", minutes[i]);
		free(remind(&client, note, in_ms(-60000L * minutes[i]), who));
	}
	free(remind(&client, "newer", in_ms(300), who));
	long long began = harness_now_ms();
	subscribe(&subscriber, *state, who, subscription);
	for (int i = 50; i > 0; i -= 10) {
		snprintf(note, sizeof note, "%d", i);
		json_t *params = pushed(&subscriber, subscription);
		assert_string_equal(at_string(params, "reminder.note"), note);
		assert_true(json_is_true(at(params, "reminder.late")));
		json_decref(params);
	}
	assert_true(harness_now_ms() - began < 2000);
	expect_pushed(&subscriber, subscription, "newer", delivery);
	expect_silence(&subscriber, SILENT_MS);
	/* All of it again for another one, what was pushed before included. */
	client_close(&subscriber);
	subscribe(&subscriber, *state, who, subscription);
	for (int i = 50; i >= 0; i -= 10) {
		snprintf(note, sizeof note, "%d", i);
		expect_pushed(&subscriber, subscription, i ? note : "newer", delivery);
	}
	expect_silence(&subscriber, SILENT_MS);
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
	char *who = somebody(&client, "Many");
	run_sql(*state,
	        "INSERT INTO store.reminder (id, note, due_at, assignee_id, created_by) SELECT store.uuid7(), n::text, "
	        "now() - n * interval '1 second', '%s', '%s' FROM generate_series(0, %d) AS n",
	        who, bootstrap, MANY - 1);
	subscribe(&subscriber, *state, who, subscription);
	for (int i = 0; i < MANY; i++) {
		json_t *params = pushed(&subscriber, subscription);
		long number = strtol(at_string(params, "reminder.note"), NULL, 10);
		assert_in_range(number, 0, MANY - 1);
		assert_false(seen[number]);
		assert_int_equal(number, MANY - 1 - i);
		seen[number] = true;
		json_decref(params);
	}
	expect_silence(&subscriber, SILENT_MS);
	char sql[200];
	snprintf(sql, sizeof sql, "SELECT count(*) FROM store.delivery WHERE assignee_id = '%s' AND attempts = 1", who);
	assert_int_equal(harness_count(*state, sql), MANY);
	/* While it listens: all of them come due at once. */
	run_sql(*state,
	        "INSERT INTO store.reminder (id, note, due_at, assignee_id, created_by) SELECT store.uuid7(), n::text, "
	        "now() - interval '1 minute', '%s', '%s' FROM generate_series(0, %d) AS n; NOTIFY tracktwo, 'reminder'",
	        who, bootstrap, MANY - 1);
	memset(seen, 0, sizeof seen);
	for (int i = 0; i < MANY; i++) {
		json_t *params = pushed(&subscriber, subscription);
		long number = strtol(at_string(params, "reminder.note"), NULL, 10);
		assert_in_range(number, 0, MANY - 1);
		assert_false(seen[number]);
		seen[number] = true;
		json_decref(params);
	}
	expect_silence(&subscriber, SILENT_MS);
	client_close(&subscriber), client_close(&client);
	free(who);
}

static void test_lease(void **state)
{
	struct client client, subscriber;
	char subscription[37], delivery[37];
	client_open(&client, *state);
	char *who = somebody(&client, "Lease");
	subscribe(&subscriber, *state, who, subscription);
	char *id = remind(&client, "Again", in_ms(100), who);
	expect_pushed(&subscriber, subscription, "Again", delivery);
	char sql[200];
	snprintf(sql, sizeof sql,
	         "SELECT round(extract(epoch FROM lease_until - claimed_at)) FROM store.delivery WHERE id = '%s'",
	         delivery);
	assert_int_equal(harness_count(*state, sql), 60);
	for (int attempts = 2; attempts < 5; attempts++) {
		/* By itself, before the lease ends, nothing comes. */
		run_sql(*state, "NOTIFY tracktwo, 'reminder'");
		expect_silence(&subscriber, SILENT_MS / 2);
		run_sql(*state, "UPDATE store.delivery SET lease_until = now() WHERE id = '%s'; NOTIFY tracktwo, 'reminder'",
		        delivery);
		json_t *params = pushed(&subscriber, subscription);
		assert_string_equal(at_string(params, "delivery_id"), delivery);
		assert_string_equal(at_string(params, "reminder.id"), id);
		assert_int_equal(json_array_size(at(params, "reminder.deliveries")), 1);
		assert_int_equal(at_integer(params, "reminder.deliveries.0.attempts"), attempts);
		json_decref(params);
	}
	forget(&client, "reminder.acknowledge", "delivery_id", delivery);
	run_sql(*state, "UPDATE store.delivery SET lease_until = now() WHERE id = '%s'; NOTIFY tracktwo, 'reminder'",
	        delivery);
	expect_silence(&subscriber, SILENT_MS);
	client_close(&subscriber), client_close(&client);
	free(who), free(id);
}

static void test_ended_ones_do_not_come(void **state)
{
	struct client client, subscriber;
	char subscription[37], delivery[37], second[37];
	client_open(&client, *state);
	char *who = somebody(&client, "Ended");
	subscribe(&subscriber, *state, who, subscription);
	char *cancelled = remind(&client, "Cancelled", in_ms(400), who), *done = remind(&client, "Done", in_ms(400), who);
	forget(&client, "reminder.cancel", "id", cancelled);
	forget(&client, "reminder.complete", "id", done);
	char *due = remind(&client, "Due", in_ms(500), who), *withdrawn = remind(&client, "Withdrawn", in_ms(600), who);
	expect_pushed(&subscriber, subscription, "Due", delivery);
	expect_pushed(&subscriber, subscription, "Withdrawn", second);
	/* Out already, and then done or cancelled without having been acknowledged: it does not come again. */
	forget(&client, "reminder.complete", "id", due);
	forget(&client, "reminder.cancel", "id", withdrawn);
	run_sql(*state,
	        "UPDATE store.delivery SET lease_until = now() WHERE assignee_id = '%s'; NOTIFY tracktwo, 'reminder'", who);
	expect_silence(&subscriber, SILENT_MS);
	client_close(&subscriber);
	subscribe(&subscriber, *state, who, subscription);
	expect_silence(&subscriber, SILENT_MS);
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
	char *who = somebody(&client, "Restarts");
	subscribe(&subscriber, harness, who, subscription);
	char *id = remind(&client, "Over a restart", in_ms(100), who);
	expect_pushed(&subscriber, subscription, "Over a restart", delivery);
	for (int i = 0; i < 2; i++) {
		client_close(&subscriber), client_close(&client);
		if (i == 0)
			assert_int_equal(harness_stop(harness), 0);
		else
			harness_kill(harness);
		harness_start(harness);
		harness_await(harness);
		client_open(&client, harness);
		subscribe(&subscriber, harness, who, subscription);
		expect_pushed(&subscriber, subscription, "Over a restart", again);
		assert_string_equal(again, delivery);
	}
	forget(&client, "reminder.acknowledge", "delivery_id", delivery);
	/* What came due while nobody was there comes too. */
	char *missed = remind(&client, "Missed", in_ms(50), who);
	client_close(&subscriber), client_close(&client);
	assert_int_equal(harness_stop(harness), 0);
	harness_start(harness);
	harness_await(harness);
	subscribe(&subscriber, harness, who, subscription);
	expect_pushed(&subscriber, subscription, "Missed", again);
	expect_silence(&subscriber, SILENT_MS);
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
		sleep_ms(5);
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
	char *other = somebody(&client, "Of others"), *theirs = remind(&client, "Theirs", in_ms(3600000), other);
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
	subscribe(&subscriber, *state, me, subscription);
	free(remind(&client, "Mine", in_ms(50), me));
	expect_pushed(&subscriber, subscription, "Mine", delivery);
	forget(&client, "reminder.acknowledge", "delivery_id", delivery);
	client_close(&subscriber);
	run_sql(*state, "UPDATE store.principal SET role = 'officer' WHERE id = '%s'; NOTIFY tracktwo, 'principal'", me);
	await_code(&client, "engagement.log", some_engagement(), 0);
	client_expect_error(&client, "reminder.subscribe", json_pack("{s:s}", "assignee", other), 403, "forbidden");
	run_sql(*state, "UPDATE store.principal SET role = 'director' WHERE id = '%s'; NOTIFY tracktwo, 'principal'", me);
	await_code(&client, "reminder.subscribe", json_pack("{s:s}", "assignee", other), 0);
	client_expect_error(&client, "principal.create", json_pack("{s:s, s:s}", "name", "X", "role", "viewer"), 403,
	                    "forbidden");
	/* And away again: the administrator of the first hour answers to this user. */
	run_sql(*state, "UPDATE store.principal SET unix_user = NULL WHERE id = '%s'; NOTIFY tracktwo, 'principal'", me);
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
	run_sql(*state, "UPDATE store.principal SET status = 'retired' WHERE bootstrap; NOTIFY tracktwo, 'principal'");
	await_code(&client, "country.list", json_object(), 401);
	client_expect_error(&client, "reminder.subscribe", NULL, 401, "unauthenticated");
	client_expect_error(&client, "reminder.list", NULL, 401, "unauthenticated");
	client_expect_error(&client, "system.info", NULL, 401, "unauthenticated");
	client_expect_error(&client, "engagement.log", some_engagement(), 401, "unauthenticated");
	json_t *ping = client_result(&client, "system.ping", NULL),
	       *document = client_result(&client, "rpc.discover", NULL);
	json_decref(ping), json_decref(document);
	run_sql(*state, "UPDATE store.principal SET status = 'active' WHERE bootstrap; NOTIFY tracktwo, 'principal'");
	await_code(&client, "country.list", json_object(), 0);
	client_close(&client);
}

/* Two daemons on one database: whoever claims, both push, and the ledger has one row. */
static void test_second_daemon(void **state)
{
	struct harness *first = *state, second;
	struct client client, one, two;
	char s1[37], s2[37], d1[37], d2[37], oldest[37] = "", dsn[256], sql[200];
	harness_init(&second);
	snprintf(dsn, sizeof dsn, "database.dsn=host=%s/postgres/socket dbname=tracktwo user=tracktwo_daemon",
	         first->state);
	second.settings[0] = dsn;
	harness_start(&second);
	harness_await(&second);
	client_open(&client, first);
	char *who = somebody(&client, "Two daemons");
	subscribe(&one, first, who, s1);
	subscribe(&two, &second, who, s2);
	for (int i = 0; i < 10; i++) {
		char note[16];
		snprintf(note, sizeof note, "%d", i);
		char *id = remind(&client, note, in_ms(100), who);
		expect_pushed(&one, s1, note, d1);
		expect_pushed(&two, s2, note, d2);
		assert_string_equal(d1, d2);
		if (i == 0)
			memcpy(oldest, d1, sizeof oldest);
		snprintf(sql, sizeof sql, "SELECT count(*) FROM store.delivery WHERE reminder_id = '%s' AND attempts = 1", id);
		assert_int_equal(harness_count(first, sql), 1);
		free(id);
	}
	expect_silence(&one, SILENT_MS);
	expect_silence(&two, 1);
	/* Acknowledged at one, it comes at neither. */
	forget(&client, "reminder.acknowledge", "delivery_id", d1);
	run_sql(first, "UPDATE store.delivery SET lease_until = now() WHERE id = '%s'; NOTIFY tracktwo, 'reminder'", d1);
	expect_silence(&one, SILENT_MS);
	expect_silence(&two, 1);
	/* Pushed again when its lease ends, by one of them, it comes at both. */
	run_sql(first, "UPDATE store.delivery SET lease_until = now() WHERE id = '%s'; NOTIFY tracktwo, 'reminder'",
	        oldest);
	expect_pushed(&one, s1, "0", d1);
	expect_pushed(&two, s2, "0", d2);
	assert_string_equal(d1, oldest);
	assert_string_equal(d2, oldest);
	snprintf(sql, sizeof sql, "SELECT attempts FROM store.delivery WHERE id = '%s'", oldest);
	assert_int_equal(harness_count(first, sql), 2);
	/* Without a subscriber at one, the other brings it. */
	client_close(&one);
	run_sql(first, "UPDATE store.delivery SET lease_until = now() WHERE id = '%s'; NOTIFY tracktwo, 'reminder'",
	        oldest);
	expect_pushed(&two, s2, "0", d2);
	assert_string_equal(d2, oldest);
	free(remind(&client, "Only there", in_ms(50), who));
	expect_pushed(&two, s2, "Only there", d2);
	client_close(&client), client_close(&two);
	free(who);
	harness_release(&second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_create_and_get),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_ends_once),
	    cmocka_unit_test(test_list),
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
	return cmocka_run_group_tests_name("reminder", tests, harness_group_setup, harness_group_teardown);
}
