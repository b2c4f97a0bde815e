/* Api: the rows themselves: complete, consistent, and checking what no single member shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/methods.h"
#include "text/json.h"

/* The faults of `params`, as "field message; …"; "" when it is right. */
static const char *faults_of(struct arena *arena, const char *method, const char *params)
{
	struct registry *registry = api_registry();
	struct type_faults faults = {.arena = arena};
	const struct method *row = registry_find(registry, method);
	const char *text = "";
	json_t *value = NULL, *fault;
	size_t i;

	assert_non_null(row);
	assert_true(json_parse(params, strlen(params), &value, NULL));
	type_check(&row->params, &value, "", &faults);
	json_array_foreach(faults.list, i, fault)
	{
		text = arena_printf(arena, "%s%s%s %s", text, *text ? "; " : "", json_string_value(json_object_get(fault, "field")),
		                    json_string_value(json_object_get(fault, "message")));
	}
	json_decref(faults.list);
	json_decref(value);
	registry_free(registry);
	return text;
}

static void every_row_is_complete(void **state)
{
	struct registry *registry = api_registry();
	(void)state;
	for (size_t i = 0; i < registry_count(registry); i++) {
		const struct method *row = registry_at(registry, i);
		const char *dot = strchr(row->name, '.');
		assert_non_null(dot);
		assert_null(strchr(dot + 1, '.'));
		assert_non_null(row->result);
		assert_int_equal(row->summary[strlen(row->summary) - 1], '.');
		assert_int_equal(row->params.kind, TYPE_OBJECT);
		for (size_t m = 0; m < row->params.member_count; m++) {
			assert_non_null(row->params.members[m].help);
			assert_string_not_equal(row->params.members[m].name, "request_id");
		}
		/* Nobody writes without being known. */
		if (row->kind == METHOD_WRITE)
			assert_int_not_equal(row->role, ROLE_ANYONE);
	}
	registry_free(registry);
}

static void every_example_is_right(void **state)
{
	struct registry *registry = api_registry();
	struct arena arena = {0};
	(void)state;
	for (size_t i = 0; i < registry_count(registry); i++) {
		const struct method *row = registry_at(registry, i);
		if (row->example)
			assert_string_equal(faults_of(&arena, row->name, row->example), "");
	}
	arena_release(&arena);
	registry_free(registry);
}

#define LOG "\"title\": \"t\", \"kind\": \"call\", \"countries\": [\"KP\"], \"workstreams\": [\"1.2\"]"

static const struct {
	const char *method, *params, *faults;
} cases[] = {
    {"engagement.log", "{" LOG ", \"starts_on\": \"2026-03-01\"}", ""},
    {"engagement.log", "{" LOG "}", "starts_at is required: give starts_at or starts_on"},
    {"engagement.log", "{" LOG ", \"starts_on\": \"2026-03-01\", \"starts_at\": \"2026-03-01T09:00:00+09:00\"}",
     "starts_at gives more than one of starts_at or starts_on; give one"},
    {"engagement.log", "{" LOG ", \"starts_on\": \"2026-03-02\", \"ends_on\": \"2026-03-01\"}",
     "ends_on must not lie before starts_on"},
    {"engagement.log", "{" LOG ", \"starts_on\": \"2026-03-01\", \"ends_on\": \"2026-03-01\"}", ""},
    {"engagement.log", "{" LOG ", \"starts_at\": \"2026-03-01T09:00:00+09:00\", \"ends_at\": \"2026-03-01T00:00:00.5Z\"}", ""},
    {"engagement.log", "{" LOG ", \"starts_at\": \"2026-03-01T09:00:00.5+09:00\", \"ends_at\": \"2026-03-01T00:00:00Z\"}",
     "ends_at must not lie before starts_at"},
    {"engagement.log", "{" LOG ", \"starts_at\": \"2026-03-01T09:00:00Z\", \"precision\": \"day\"}",
     "precision goes with starts_on only"},
    {"engagement.log", "{" LOG ", \"starts_on\": \"2026-03-01\", \"timezone\": \"Asia/Seoul\"}",
     "timezone goes with starts_at only"},
    {"engagement.log",
     "{\"title\": \"t\", \"kind\": \"call\", \"starts_on\": \"2026-03-01\", \"dialogue_id\": "
     "\"019b1c00-3001-7000-8000-000000000069\"}",
     ""},
    {"engagement.log", "{" LOG ", \"starts_on\": \"2026-03-01\", \"participants\": [{\"role\": \"host\"}]}",
     "participants[0].contact_id is required: give contact_id, principal_id or contact"},
    {"engagement.log",
     "{" LOG ", \"starts_on\": \"2026-03-01\", \"participants\": [{\"contact\": {\"country\": \"KP\"}}]}",
     "participants[0].contact.name is required: give name or names"},
    {"engagement.log",
     "{\"title\": \"t\", \"kind\": \"call\", \"countries\": [\"KP\"], \"starts_on\": \"2026-03-01\", \"workstreams\": [{\"code\": "
     "\"1.2\", \"objective\": \"1.3.1\"}]}",
     "workstreams[0].objective must be an objective of workstream 1.2, such as 1.2.1"},
    {"engagement.log",
     "{\"title\": \"t\", \"kind\": \"call\", \"countries\": [\"KP\"], \"starts_on\": \"2026-03-01\", \"workstreams\": [{\"code\": "
     "\"1.1\", \"objective\": \"1.11.1\"}]}",
     "workstreams[0].objective must be an objective of workstream 1.1, such as 1.1.1"},
    {"engagement.log", "{" LOG ", \"starts_on\": \"2026-03-01\", \"commitments\": [{\"by\": \"KP\", \"text\": \"x\"}]}", ""},
    {"engagement.log", "{" LOG ", \"starts_on\": \"2026-03-01\", \"commitments\": [{\"by\": \"Kim\", \"text\": \"x\"}]}",
     "commitments[0].by must be a country's code or the id of a contact or principal"},
    {"engagement.log",
     "{" LOG ", \"starts_on\": \"2026-03-01\", \"commitments\": [{\"by\": {\"country\": \"KP\", \"contact_id\": "
     "\"019b1c00-3001-7000-8000-000000000069\"}, \"text\": \"x\"}]}",
     "commitments[0].by gives more than one of country, contact_id or principal_id; give one"},
    {"engagement.history", "{\"since\": \"2026-03-02\", \"until\": \"2026-03-01\"}", "until must not lie before since"},
    {"engagement.history", "{\"since\": \"2026-03-01\", \"until\": \"2026-03-01T00:00:00Z\"}", ""},
    {"contact.create", "{\"country\": \"KP\", \"name\": \"a\", \"names\": [{\"text\": \"a\", \"kind\": \"alias\"}]}",
     "name gives more than one of name or names; give one"},
    {"reminder.create", "{\"note\": \"n\", \"due_at\": \"2026-03-01T00:00:00Z\", \"about\": {}}",
     "about.engagement_id is required: give engagement_id, contact_id, dialogue_id or commitment_id"},
    {"report.coverage", "{\"since\": \"2026-03-02\", \"until\": \"2026-03-01\"}", "until must not lie before since"},
};

static void what_no_single_member_shows_is_checked(void **state)
{
	struct arena arena = {0};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_string_equal(faults_of(&arena, cases[i].method, cases[i].params), cases[i].faults);
	arena_release(&arena);
}

static void five_faults_are_five(void **state)
{
	struct arena arena = {0};
	(void)state;
	assert_string_equal(
	    faults_of(&arena, "engagement.log",
	              "{\"title\": \"\", \"kind\": \"chat\", \"countries\": [], \"starts_on\": \"2026-02-30\", \"place\": 1}"),
	    "place unknown parameter; title must be 1 to 500 characters; this has 0; kind must be one of meeting, call, message, "
	    "visit, conference, workshop, track2-session, negotiation, multilateral, cultural-exchange, people-to-people, "
	    "family-reunion, humanitarian, education, research, public-diplomacy, media, other; starts_on must be a day: that "
	    "month has the days 01 to 28; countries must have at least 1 element; this has 0; workstreams is required: one or more "
	    "of the roadmap's, unless a dialogue gives them");
	arena_release(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_row_is_complete),
	    cmocka_unit_test(every_example_is_right),
	    cmocka_unit_test(what_no_single_member_shows_is_checked),
	    cmocka_unit_test(five_faults_are_five),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
