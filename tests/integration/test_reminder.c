/* Reminders: set, found, changed and ended. */
#include "push.h"

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

static const char bootstrap[] = "00000000-0000-7000-8000-000000000001";
static const char nobody[] = "00000000-0000-7000-8000-00000000ffff";

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
	push_call_by_id(&client, "reminder.cancel", "id", at_string(made, "id"));
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
	char *id = push_remind(&client, "To be done", push_in_ms(3600000), bootstrap);
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
	id = push_remind(&client, "Not wanted", push_in_ms(3600000), bootstrap);
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
		json_array_foreach(at(page, "items"), i, item) {
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
	char *who = push_somebody(&client, "Lists"), *other = push_somebody(&client, "Lists too");
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
	    push_remind(&client, "past", push_in_ms(-60000), who),
	    push_remind(&client, "gone", push_in_ms(-50000), who),
	    push_remind(&client, "done", push_in_ms(-40000), who),
	    push_remind(&client, "other", push_in_ms(-30000), other),
	    push_remind(&client, "e", (struct push_instant){"2036-01-05T00:00:00Z"}, who)};
	push_call_by_id(&client, "reminder.cancel", "id", ids[5]);
	push_call_by_id(&client, "reminder.complete", "id", ids[6]);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_create_and_get),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_ends_once),
	    cmocka_unit_test(test_list),
	};
	return cmocka_run_group_tests_name("reminder", tests, harness_group_setup, harness_group_teardown);
}
