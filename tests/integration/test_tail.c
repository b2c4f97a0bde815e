/* Tail: what is written comes to who subscribed, once, whatever commits late, breaks or restarts, and to nobody who may
 * not see it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "checked.h"
#include "push.h"
#include "store.h"

enum { ARRIVES_MS = 5000, SILENT_MS = 300, WRITERS = 8, STEPS = 400, MANY = 20000 };

/* Follower: a subscription, and where it is. */
struct follower {
	struct client client;
	char subscription[37];
	char cursor[4001];
};

static void follow_with(struct follower *follower, const struct harness *harness, const char *token, json_t *params)
{
	client_open(&follower->client, harness);
	if (token)
		json_decref(client_result(&follower->client, "session.login", json_pack("{s:s}", "token", token)));
	json_t *answer = checked_result(&follower->client, "change.subscribe", params);
	snprintf(follower->subscription, sizeof follower->subscription, "%s", at_string(answer, "subscription"));
	snprintf(follower->cursor, sizeof follower->cursor, "%s", at_string(answer, "cursor"));
	json_decref(answer);
}

static void follow(struct follower *follower, const struct harness *harness, const char *after)
{
	follow_with(follower, harness, NULL, after ? json_pack("{s:s}", "after", after) : NULL);
}

/* The next change, which is of the type that change.list promises. */
static json_t *next_change(struct follower *follower)
{
	json_t *message = client_read(&follower->client, ARRIVES_MS), *params = at(message, "params");
	assert_string_equal(at_string(message, "method"), "change.made");
	assert_string_equal(at_string(params, "subscription"), follower->subscription);
	snprintf(follower->cursor, sizeof follower->cursor, "%s", at_string(params, "cursor"));
	json_t *change = json_incref(at(params, "change"));
	json_t *page = json_pack("{s:[O], s:n, s:s}", "items", change, "next_cursor", "after", follower->cursor);
	checked_value("change.list", page);
	json_decref(page);
	json_decref(message);
	return change;
}

static void expect_title(struct follower *follower, const char *title)
{
	json_t *change = next_change(follower);
	assert_string_equal(at_string(change, "title"), title);
	json_decref(change);
}

static void expect_silence(struct follower *follower)
{
	push_expect_none(&follower->client, SILENT_MS);
}

static char *create(struct client *client, const char *name)
{
	json_t *made = client_result(client, "organization.create", json_pack("{s:s}", "name", name));
	char *id = strdup(at_string(made, "id"));
	json_decref(made);
	return id;
}

/* A change as a write leaves it, in a transaction of ours. */
static void write_late(PGconn *connection, const char *name)
{
	char sql[600];
	snprintf(sql, sizeof sql,
	         "WITH made AS (INSERT INTO store.organization (id, name, created_by) VALUES (store.uuid7(), '%s', '%s') "
	         "RETURNING id) INSERT INTO store.change (principal_id, request_id, method, record_id, record_version, "
	         "content) SELECT '%s', store.uuid7(), 'organization.create', id, 1, '' FROM made",
	         name, ADMINISTRATOR, ADMINISTRATOR);
	expect_done(connection, sql);
}

static void test_live_and_in_order(void **state)
{
	struct follower follower;
	struct client client;
	char name[32];
	int64_t best_us = INT64_MAX;
	client_open(&client, *state);
	follow(&follower, *state, NULL);
	for (int i = 0; i < 30; i++) {
		snprintf(name, sizeof name, "In order %d", i);
		int64_t began_us = push_wall_us();
		char *id = create(&client, name);
		json_t *change = next_change(&follower);
		int64_t took_us = push_wall_us() - began_us;
		best_us = took_us < best_us ? took_us : best_us;
		assert_string_equal(at_string(change, "title"), name);
		assert_string_equal(at_string(change, "method"), "organization.create");
		assert_string_equal(at_string(change, "noun"), "organization");
		assert_string_equal(at_string(change, "record_id"), id);
		assert_string_equal(at_string(change, "by"), ADMINISTRATOR);
		json_decref(change);
		free(id);
	}
	print_message("from the call to the event %.1f ms at best\n", (double)best_us / 1000);
	assert_true(best_us < 50000);
	expect_silence(&follower);
	client_close(&client), client_close(&follower.client);
}

/* A transaction that is held open draws its number first and commits last. */
static void test_late_committer(void **state)
{
	struct follower follower, again;
	struct client client;
	char before[4001], with_one[4001], with_two[4001];
	PGconn *late = harness_database(*state), *never = harness_database(*state);
	client_open(&client, *state);
	follow(&follower, *state, NULL);
	memcpy(before, follower.cursor, sizeof before);
	expect_done(late, "BEGIN"), expect_done(never, "BEGIN");
	write_late(late, "Late"), write_late(never, "Never");
	free(create(&client, "One")), free(create(&client, "Two"));
	expect_title(&follower, "One");
	memcpy(with_one, follower.cursor, sizeof with_one);
	expect_title(&follower, "Two");
	memcpy(with_two, follower.cursor, sizeof with_two);
	expect_silence(&follower);
	expect_done(late, "COMMIT"), expect_done(never, "ROLLBACK");
	expect_title(&follower, "Late");
	expect_silence(&follower);
	assert_int_equal(harness_count(*state, "SELECT count(*) FROM store.change a JOIN store.organization o ON o.id = "
	                                       "a.record_id AND o.name = 'Late' JOIN store.change b ON b.id > a.id JOIN "
	                                       "store.organization p ON p.id = b.record_id AND p.name IN ('One', 'Two')"),
	                 2);
	const char *const cursors[] = {before, with_one, with_two, follower.cursor};
	for (int i = 0; i < 4; i++) {
		static const char *const expected[] = {"One", "Two", "Late"};
		bool seen[3] = {false};
		follow(&again, *state, cursors[i]);
		for (int j = i; j < 3; j++) {
			json_t *change = next_change(&again);
			for (int k = i; k < 3; k++)
				if (strcmp(at_string(change, "title"), expected[k]) == 0 && !seen[k]) {
					seen[k] = true;
					break;
				}
			json_decref(change);
		}
		for (int k = i; k < 3; k++)
			assert_true(seen[k]);
		expect_silence(&again);
		client_close(&again.client);
	}
	PQfinish(late), PQfinish(never);
	client_close(&client), client_close(&follower.client);
}

/* Names "NUMBER"; counts how often each has come. */
static void count_in(json_t *change, int *times, int most)
{
	int number = atoi(at_string(change, "title"));
	assert_in_range(number, 0, most - 1);
	times[number]++;
	json_decref(change);
}

/* Reads on by change.list, in pages of `limit`. */
static void list_from(struct client *client, const char *cursor, int limit, int *times, int most)
{
	char *next = strdup(cursor);
	while (next) {
		json_t *page = checked_result(client, "change.list",
		                              json_pack("{s:s, s:s, s:i}", "order", "oldest", "cursor", next, "limit", limit));
		free(next);
		for (size_t i = 0; i < json_array_size(at(page, "items")); i++)
			count_in(json_incref(json_array_get(at(page, "items"), i)), times, most);
		json_t *more = at(page, "next_cursor");
		next = json_is_string(more) ? strdup(json_string_value(more)) : NULL;
		json_decref(page);
	}
}

/* Transactions that begin, write, commit and roll back in any order, and a subscriber who leaves and comes again. */
static void test_storm(void **state)
{
	struct follower follower;
	struct client client;
	PGconn *writers[WRITERS];
	bool open[WRITERS] = {false};
	int made[STEPS] = {0}, came[STEPS] = {0}, listed[STEPS] = {0}, number[WRITERS] = {0}, expected = 0, got = 0;
	char start[4001], name[32];
	unsigned seed = 20261124;
	for (int i = 0; i < WRITERS; i++)
		writers[i] = harness_database(*state);
	client_open(&client, *state);
	follow(&follower, *state, NULL);
	memcpy(start, follower.cursor, sizeof start);
	for (int step = 0; step < STEPS; step++) {
		int i = rand_r(&seed) % WRITERS;
		if (!open[i]) {
			expect_done(writers[i], "BEGIN");
			snprintf(name, sizeof name, "%d", step);
			write_late(writers[i], name);
			number[i] = step;
		} else if (rand_r(&seed) % 5 == 0) {
			expect_done(writers[i], "ROLLBACK");
		} else {
			expect_done(writers[i], "COMMIT");
			made[number[i]] = 1;
			expected++;
		}
		open[i] = !open[i];
		if (step % 40 == 39) {
			while (got < expected) {
				count_in(next_change(&follower), came, STEPS);
				got++;
			}
			client_close(&follower.client);
			follow(&follower, *state, follower.cursor);
		}
	}
	for (int i = 0; i < WRITERS; i++)
		PQfinish(writers[i]);
	expect_silence(&follower);
	list_from(&client, start, 7, listed, STEPS);
	for (int i = 0; i < STEPS; i++) {
		assert_int_equal(came[i], made[i]);
		assert_int_equal(listed[i], made[i]);
	}
	assert_true(expected > 100);
	client_close(&client), client_close(&follower.client);
}

static void test_resumed_after_restart(void **state)
{
	struct harness *harness = *state;
	struct follower follower;
	struct client client;
	client_open(&client, harness);
	follow(&follower, harness, NULL);
	free(create(&client, "Before"));
	expect_title(&follower, "Before");
	free(create(&client, "Missed"));
	client_close(&follower.client), client_close(&client);
	harness_kill(harness);
	harness_start(harness);
	harness_await(harness);
	client_open(&client, harness);
	free(create(&client, "Behind"));
	follow(&follower, harness, follower.cursor);
	expect_title(&follower, "Missed");
	expect_title(&follower, "Behind");
	free(create(&client, "Live again"));
	expect_title(&follower, "Live again");
	expect_silence(&follower);
	client_close(&follower.client), client_close(&client);
}

/* Written at one, it comes at the other by its word, long before its clock; a cursor of one is good at the other. */
static void test_second_daemon(void **state)
{
	struct harness *first = *state, second;
	struct follower here, there;
	struct client client;
	char dsn[256], name[32];
	int64_t best_us = INT64_MAX;
	harness_init_empty(&second);
	snprintf(dsn, sizeof dsn, "database.dsn=host=%s/postgres/socket dbname=tracktwo user=tracktwo_daemon",
	         first->state);
	second.settings[0] = dsn;
	harness_start(&second);
	harness_await(&second);
	client_open(&client, first);
	follow(&here, first, NULL);
	follow(&there, &second, here.cursor);
	push_sleep_ms(100);
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof name, "Both %d", i);
		int64_t began_us = push_wall_us();
		free(create(&client, name));
		expect_title(&there, name);
		int64_t took_us = push_wall_us() - began_us;
		best_us = took_us < best_us ? took_us : best_us;
		expect_title(&here, name);
	}
	print_message("from the call at one daemon to the event at the other %.1f ms at best\n", (double)best_us / 1000);
	assert_true(best_us < 200000);
	expect_silence(&there);
	client_close(&here.client);
	free(create(&client, "Missed here"));
	expect_title(&there, "Missed here");
	client_close(&there.client);
	follow(&there, &second, here.cursor);
	expect_title(&there, "Missed here");
	follow(&here, first, there.cursor);
	expect_silence(&here);
	client_close(&client), client_close(&here.client), client_close(&there.client);
	harness_release(&second);
}

/* A token of somebody of our own. */
static char *token_of(struct client *client, const char *principal)
{
	json_t *made = client_result(client, "token.create", json_pack("{s:s}", "principal_id", principal));
	char *token = strdup(at_string(made, "token"));
	json_decref(made);
	return token;
}

static void login(struct client *client, const struct harness *harness, const char *token)
{
	client_open(client, harness);
	json_decref(client_result(client, "session.login", json_pack("{s:s}", "token", token)));
}

/* All that comes until this title does, as text. */
static char *text_until(struct follower *follower, const char *title)
{
	char *all = strdup(""), *line;
	bool found = false;
	while (!found && (line = client_read_line(&follower->client, ARRIVES_MS))) {
		char *joined = printed("%s%s\n", all, line);
		found = strstr(line, title) != NULL;
		free(all), free(line);
		all = joined;
	}
	assert_true(found);
	return all;
}

static void expect_times(const char *text, const char *word, int times)
{
	int found = 0;
	for (const char *at_word = text; (at_word = strstr(at_word, word)); at_word += strlen(word))
		found++;
	if (found != times)
		fail_msg("\"%s\" stands %d times instead of %d in: %s", word, found, times, text);
}

/* Until the connection ends, or nothing comes for a second. */
static void expect_never(struct follower *follower, const char *title)
{
	char *line;
	while ((line = client_read_line(&follower->client, 1000))) {
		assert_null(strstr(line, title));
		free(line);
	}
}

/* What is made void leaves but that it is, also to who reads from a cursor before. */
static void expect_void_alone(const struct harness *harness, struct client *administrator, const char *id,
                              const char *token, const char *after)
{
	struct follower late;
	json_decref(client_result(administrator, "engagement.void",
	                          json_of("{'id': '%s', 'version': 1, 'reason': 'Never was'}", id)));
	follow_with(&late, harness, token, json_pack("{s:s, s:[s]}", "after", after, "nouns", "engagement"));
	json_t *change = next_change(&late);
	assert_string_equal(at_string(change, "method"), "engagement.void");
	json_decref(change);
	expect_silence(&late);
	client_close(&late.client);
}

static void test_sight_holds(void **state)
{
	struct client administrator, author;
	struct follower reader, other, own, china;
	client_open(&administrator, *state);
	char *author_id = push_somebody(&administrator, "Author"), *reader_id = push_somebody(&administrator, "Reader"),
	     *other_id = push_somebody(&administrator, "Other");
	char *author_token = token_of(&administrator, author_id), *reader_token = token_of(&administrator, reader_id),
	     *other_token = token_of(&administrator, other_id);
	login(&author, *state, author_token);
	follow_with(&own, *state, author_token, json_pack("{s:b}", "mine", 1));
	follow_with(&reader, *state, reader_token, NULL);
	follow_with(&other, *state, other_token, NULL);
	follow_with(&china, *state, other_token, json_pack("{s:s}", "country", "CN"));
	char *about = create(&author, "Subject");
	json_decref(client_result(
	    &author, "note.add",
	    json_of("{'about': {'organization_id': '%s'}, 'text': 'SECRETWORD', 'readers': ['%s']}", about, reader_id)));
	json_decref(client_result(
	    &author, "reminder.create",
	    json_of("{'note': 'REMINDERWORD', 'due_at': '2099-01-01T00:00:00Z', 'assignee': '%s'}", author_id)));
	json_t *contact = client_result(&author, "contact.create", json_of("{'name': 'Li Wei', 'country': 'CN'}"));
	json_t *engagement = client_result(&author, "engagement.log",
	                                   json_of("{'title': 'VOIDWORD', 'kind': 'meeting', 'starts_on': '2026-01-01', "
	                                           "'countries': ['CN'], 'workstreams': ['1.3']}"));
	char *void_at = strdup(reader.cursor);
	free(token_of(&author, author_id));
	free(create(&author, "Last"));
	char *seen = text_until(&other, "Last");
	expect_times(seen, "SECRETWORD", 0);
	expect_times(seen, "note.add", 0);
	expect_times(seen, "REMINDERWORD", 0);
	expect_times(seen, "reminder.create", 1);
	expect_times(seen, "token.create", 0);
	expect_times(seen, "VOIDWORD", 1);
	free(seen);
	seen = text_until(&reader, "Last");
	expect_times(seen, "SECRETWORD", 0);
	expect_times(seen, "note.add", 1);
	free(seen);
	seen = text_until(&own, "Last");
	expect_times(seen, "SECRETWORD", 0);
	expect_times(seen, "note.add", 1);
	expect_times(seen, "REMINDERWORD", 1);
	expect_times(seen, "token.create", 1);
	expect_times(seen, "\n", 7);
	free(seen);
	expect_title(&china, "Li Wei");
	expect_title(&china, "VOIDWORD");
	expect_silence(&china);
	expect_void_alone(*state, &administrator, at_string(engagement, "id"), other_token, void_at);
	/* Who leaves hears no more. */
	json_decref(client_result(&administrator, "principal.retire",
	                          json_of("{'id': '%s', 'version': 1, 'hand_over_to': '%s'}", reader_id, author_id)));
	free(create(&author, "After they left"));
	expect_never(&reader, "After they left");
	json_decref(contact), json_decref(engagement);
	free(void_at), free(about), free(author_id), free(reader_id), free(other_id);
	free(author_token), free(reader_token), free(other_token);
	client_close(&administrator), client_close(&author), client_close(&own.client), client_close(&reader.client);
	client_close(&other.client), client_close(&china.client);
}

/* Twenty megabytes wait for one who does not read: in the database. */
static void test_slow_reader(void **state)
{
	struct follower slow;
	struct client client;
	int *times = calloc(MANY, sizeof *times);
	assert_non_null(times);
	client_open(&client, *state);
	follow(&slow, *state, NULL);
	long before = harness_resident_kib(*state);
	push_sql(*state,
	         "WITH made AS (INSERT INTO store.organization (id, name, created_by) SELECT store.uuid7(), n || ' ' || "
	         "repeat('x', 400), '%s' FROM generate_series(0, %d) AS n RETURNING id) INSERT INTO store.change "
	         "(principal_id, request_id, method, record_id, record_version, content) SELECT '%s', store.uuid7(), "
	         "'organization.create', id, 1, '' FROM made",
	         ADMINISTRATOR, MANY - 1, ADMINISTRATOR);
	push_sleep_ms(4000);
	long grown = harness_resident_kib(*state) - before;
	print_message("%d changes wait for one who does not read: %ld KiB more\n", MANY, grown);
#if !defined(__SANITIZE_ADDRESS__)
	assert_true(grown < 8 * 1024);
#endif
	for (int i = 0; i < MANY; i++)
		count_in(next_change(&slow), times, MANY);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(times[i], 1);
	expect_silence(&slow);
	client_close(&client), client_close(&slow.client);
	free(times);
}

static void test_limits(void **state)
{
	struct client client, other;
	client_open(&client, *state);
	for (int i = 0; i < 16; i++)
		json_decref(client_result(&client, "change.subscribe", NULL));
	client_expect_error(&client, "change.subscribe", NULL, 429, "rate_limited");
	client_close(&client);
	client_open(&client, *state), client_open(&other, *state);
	json_decref(client_result(&client, "change.subscribe", NULL));
	checked_faults(&other, "change.list", json_of("{'limit': 0}"), "limit");
	checked_faults(&other, "change.list", json_of("{'limit': 501}"), "limit");
	json_decref(checked_result(&other, "change.list", json_of("{'limit': 500}")));
	json_t *newest = checked_result(&other, "change.list", json_of("{'limit': 1}"));
	assert_int_equal(json_array_size(at(newest, "items")), 1);
	/* A cursor of the one order is none of the other. */
	checked_refused(&other, "change.list",
	                json_pack("{s:s, s:s}", "order", "oldest", "cursor", at_string(newest, "next_cursor")), -32602,
	                "invalid_params", "cursor");
	checked_refused(&other, "change.subscribe", json_pack("{s:s}", "after", at_string(newest, "next_cursor")), -32602,
	                "invalid_params", "cursor");
	checked_refused(&other, "change.subscribe", json_pack("{s:s}", "after", "b2xkZXN0Ozs7Ozs"), -32602,
	                "invalid_params", "cursor");
	/* Of another cluster, or of a future that was lost. */
	char *foreign = harness_query(*state, "SELECT translate(encode('oldest;1;10:10:;;0;0', 'base64'), '+/=', '-_')");
	char *future = harness_query(*state, "SELECT translate(encode(convert_to('oldest;' || cluster || "
	                                     "';99999999:99999999:;;0;0', 'UTF8'), 'base64'), E'+/=\n', '-_') "
	                                     "FROM store.change_origin");
	for (int i = 0; i < 2; i++) {
		json_t *error = client_error(&other, "change.subscribe", json_pack("{s:s}", "after", i ? future : foreign));
		assert_string_equal(at_string(error, "data.rule"), "cursor_lost");
		json_decref(error);
	}
	free(foreign), free(future);
	json_decref(newest);
	client_close(&client), client_close(&other);
}

/* A mark names at most so many open transactions; what is beyond waits for the next. */
static void test_marks_stay_short(void **state)
{
	static const struct {
		const char *snapshot;
		int most;
		const char *kept;
	} rows[] = {{"10:100:", 2, "10:100:"},
	            {"10:100:10", 2, "10:100:10"},
	            {"10:100:10,20", 2, "10:100:10,20"},
	            {"10:100:10,20,30", 2, "10:30:10,20"},
	            {"10:100:10,20,30,40", 2, "10:30:10,20"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *sql = printed("SELECT %s.change_snapshot('%s', %d)::text", schema, rows[i].snapshot, rows[i].most);
		char *kept = harness_query(*state, sql);
		assert_string_equal(kept, rows[i].kept);
		free(sql), free(kept);
	}
}

static void test_since(void **state)
{
	struct client client;
	char name[32];
	client_open(&client, *state);
	char *marker = harness_query(*state, "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', "
	                                     "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof name, "Since %d", i);
		free(create(&client, name));
	}
	json_t *page = checked_result(&client, "change.list", json_pack("{s:s, s:s}", "order", "oldest", "since", marker));
	assert_int_equal(json_array_size(at(page, "items")), 5);
	assert_string_equal(at_string(page, "items.0.title"), "Since 0");
	assert_string_equal(at_string(page, "items.4.title"), "Since 4");
	json_decref(page);
	page = checked_result(&client, "change.list", json_pack("{s:s, s:i}", "since", marker, "limit", 5));
	assert_int_equal(json_array_size(at(page, "items")), 5);
	assert_string_equal(at_string(page, "items.0.title"), "Since 4");
	assert_true(json_is_null(at(page, "next_cursor")));
	json_decref(page);
	page = checked_result(&client, "change.list", json_pack("{s:s, s:i}", "since", marker, "limit", 4));
	json_t *rest = checked_result(&client, "change.list",
	                              json_pack("{s:s, s:s}", "since", marker, "cursor", at_string(page, "next_cursor")));
	assert_int_equal(json_array_size(at(rest, "items")), 1);
	assert_string_equal(at_string(rest, "items.0.title"), "Since 0");
	json_decref(rest), json_decref(page);
	free(marker);
	client_close(&client);
}

/* Data of another cluster counts as old, and its cursors are refused, not misread. */
static void test_data_of_another_cluster(void **state)
{
	struct harness *harness = *state;
	struct follower follower;
	struct client client;
	follow(&follower, harness, NULL);
	client_close(&follower.client);
	push_sql(harness, "UPDATE store.change_origin SET cluster = 1; ALTER TABLE store.change DISABLE TRIGGER kept; "
	                  "UPDATE store.change SET xact = '99999999'; ALTER TABLE store.change ENABLE TRIGGER kept");
	client_open(&client, harness);
	json_t *error = client_error(&client, "change.list", NULL);
	assert_string_equal(at_string(error, "data.rule"), "changes_unsettled");
	json_decref(error);
	client_close(&client);
	assert_int_equal(harness_stop(harness), 0);
	harness_start(harness);
	harness_await(harness);
	assert_int_equal(harness_count(harness, "SELECT count(*) FROM store.change WHERE xact <> '0'"), 0);
	follow(&follower, harness, NULL);
	client_open(&client, harness);
	free(create(&client, "At home"));
	expect_title(&follower, "At home");
	expect_silence(&follower);
	client_close(&client), client_close(&follower.client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_live_and_in_order),
	    cmocka_unit_test(test_late_committer),
	    cmocka_unit_test(test_storm),
	    cmocka_unit_test(test_resumed_after_restart),
	    cmocka_unit_test(test_second_daemon),
	    cmocka_unit_test(test_sight_holds),
	    cmocka_unit_test(test_slow_reader),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_marks_stay_short),
	    cmocka_unit_test(test_since),
	    cmocka_unit_test(test_data_of_another_cluster),
	};
	return cmocka_run_group_tests_name("tail", tests, store_setup, store_teardown);
}
