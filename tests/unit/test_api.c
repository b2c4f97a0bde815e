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
	json_array_foreach(faults.list, i, fault) {
		text = arena_printf(arena, "%s%s%s %s", text, *text ? "; " : "",
		                    json_string_value(json_object_get(fault, "field")),
		                    json_string_value(json_object_get(fault, "message")));
	}
	json_decref(faults.list);
	json_decref(value);
	registry_free(registry);
	return text;
}

/* An update names its record and the version that was read, and demands nothing more. */
static void check_patch(const struct method *row)
{
	assert_int_equal(row->kind, METHOD_WRITE);
	assert_string_equal(row->params.members[0].name, "id");
	assert_string_equal(row->params.members[1].name, "version");
	for (size_t m = 0; m < row->params.member_count; m++)
		assert_int_equal(row->params.members[m].flags == MEMBER_REQUIRED, m < 2);
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
		if (row->patch)
			check_patch(row);
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

#define UPDATE "{\"id\": \"019b1c00-3001-7000-8000-000000000069\", \"version\": 1"
#define REVISE "{\"based_on\": 1, \"changes\": ["

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
    {"engagement.log",
     "{" LOG ", \"starts_at\": \"2026-03-01T09:00:00+09:00\", \"ends_at\": \"2026-03-01T00:00:00.5Z\"}", ""},
    {"engagement.log",
     "{" LOG ", \"starts_at\": \"2026-03-01T09:00:00.5+09:00\", \"ends_at\": \"2026-03-01T00:00:00Z\"}",
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
     "{\"title\": \"t\", \"kind\": \"call\", \"countries\": [\"KP\"], \"starts_on\": \"2026-03-01\", \"workstreams\": "
     "[{\"code\": "
     "\"1.2\", \"objective\": \"1.3.1\"}]}",
     "workstreams[0].objective must be an objective of workstream 1.2, such as 1.2.1"},
    {"engagement.log",
     "{\"title\": \"t\", \"kind\": \"call\", \"countries\": [\"KP\"], \"starts_on\": \"2026-03-01\", \"workstreams\": "
     "[{\"code\": "
     "\"1.1\", \"objective\": \"1.11.1\"}]}",
     "workstreams[0].objective must be an objective of workstream 1.1, such as 1.1.1"},
    {"engagement.log", "{" LOG ", \"starts_on\": \"2026-03-01\", \"commitments\": [{\"by\": \"KP\", \"text\": \"x\"}]}",
     ""},
    {"engagement.log",
     "{" LOG ", \"starts_on\": \"2026-03-01\", \"commitments\": [{\"by\": \"Kim\", \"text\": \"x\"}]}",
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
    {"report.activity", "{\"group_by\": [\"kind\"], \"since\": \"2026-03-02\", \"until\": \"2026-03-01\"}",
     "until must not lie before since"},
    {"report.activity", "{\"group_by\": [\"kind\", \"kind\"]}", "group_by[1] is the same as group_by[0]; give it once"},
    {"report.today", "{\"days\": 0}", "days must be a whole number from 1 to 366"},
    {"report.today", "{\"days\": 367}", "days must be a whole number from 1 to 366"},
    {"report.neglected", "{\"days\": 0}", "days must be a whole number from 1 to 36500"},
    {"indicator.series", "{\"indicator\": \"x\", \"since\": \"2026-03-02\", \"until\": \"2026-03-01\"}",
     "until must not lie before since"},
    {"indicator.record",
     "{\"indicator\": \"x\", \"value\": 1, \"as_of\": \"2026-03-01\", \"source\": \"s\", \"margin\": -0.1}",
     "margin must not be negative"},
    {"note.list", "{\"about\": {}}",
     "about.contact_id is required: give contact_id, organization_id, dialogue_id or engagement_id"},
    {"engagement.update", UPDATE "}", ""},
    {"engagement.update", "{\"title\": \"t\"}", "id is required; version is required"},
    {"engagement.update", UPDATE ", \"title\": null, \"track\": null, \"starts_at\": null}", ""},
    {"engagement.update", UPDATE ", \"starts_at\": \"2026-03-01T00:00:00Z\", \"starts_on\": \"2026-03-01\"}",
     "starts_on does not go with starts_at; give one"},
    {"engagement.update", UPDATE ", \"starts_at\": \"2026-03-01T00:00:00Z\", \"ends_on\": \"2026-03-01\"}",
     "ends_on goes with starts_on only"},
    {"engagement.update", UPDATE ", \"starts_at\": \"2026-03-01T00:00:00Z\", \"ends_on\": null}", ""},
    {"engagement.update", UPDATE ", \"starts_on\": \"2026-03-01\", \"timezone\": \"Asia/Seoul\"}",
     "timezone goes with starts_at only"},
    {"engagement.update", UPDATE ", \"starts_on\": \"2026-03-02\", \"ends_on\": \"2026-03-01\"}",
     "ends_on must not lie before starts_on"},
    {"engagement.update",
     UPDATE ", \"countries\": [\"KP\"], \"countries_add\": [\"KR\"], \"workstreams\": [\"1.1\"], "
            "\"workstreams_remove\": [\"1.2\"]}",
     "countries_add does not go with countries, which replaces the list; workstreams_remove does not go with "
     "workstreams, "
     "which replaces the list"},
    {"engagement.update", UPDATE ", \"participants_add\": [{}], \"participants_change\": [{\"role\": \"chair\"}]}",
     "participants_add[0].contact_id is required: give contact_id, principal_id or contact; participants_change[0].id "
     "is "
     "required"},
    {"contact.update", UPDATE ", \"name\": \"a\", \"names\": [{\"text\": \"a\", \"kind\": \"alias\"}]}",
     "names does not go with name; give one"},
    {"organization.update", UPDATE ", \"name\": \"a\", \"names\": [{\"text\": \"a\", \"kind\": \"alias\"}]}",
     "names does not go with name; give one"},
    {"organization.update", UPDATE ", \"country\": null, \"parent_id\": null}", ""},
    {"contact.update",
     UPDATE ", \"affiliations_add\": [{\"organization\": \"o\", \"since\": \"2026-03-02\", "
            "\"until\": \"2026-03-01\"}]}",
     "affiliations_add[0].until must not lie before since"},
    {"roadmap.revise", "{\"based_on\": 1, \"changes\": []}", "changes must have at least 1 element; this has 0"},
    {"roadmap.revise", REVISE "{\"title\": \"t\"}]}",
     "changes[0].phase is required: give phase, workstream or objective"},
    {"roadmap.revise", REVISE "{\"workstream\": \"3.5\", \"objective\": \"3.5.1\"}]}",
     "changes[0] gives more than one of phase, workstream or objective; give one"},
    {"roadmap.revise", REVISE "{\"workstream\": \"3.5.1\"}, {\"objective\": \"3.5\"}, {\"workstream\": \"3.05\"}]}",
     "changes[0].workstream must be a code such as 2.3; changes[1].objective must be a code such as 2.3.1; "
     "changes[2].workstream must be a code such as 2.3"},
    {"roadmap.revise", REVISE "{\"workstream\": \"10.20\"}, {\"objective\": \"10.20.30\"}]}", ""},
    {"roadmap.revise", REVISE "{\"phase\": 3, \"retire\": true}]}",
     "changes[0].retire goes with workstream or objective only; a phase stays"},
    {"roadmap.revise", REVISE "{\"phase\": 3}], \"crosswalk\": [{\"from\": \"2\", \"to\": \"2.1.1\"}]}",
     "crosswalk[0].from must be 3 to 20 characters; this has 1; crosswalk[0].from must be a code such as 2.3; "
     "crosswalk[0].to must be a code such as 2.3"},
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
	    faults_of(
	        &arena, "engagement.log",
	        "{\"title\": \"\", \"kind\": \"chat\", \"countries\": [], \"starts_on\": \"2026-02-30\", \"place\": 1}"),
	    "place unknown parameter; title must be 1 to 500 characters; this has 0; kind must be one of meeting, call, "
	    "message, "
	    "visit, conference, workshop, track2-session, negotiation, multilateral, cultural-exchange, people-to-people, "
	    "family-reunion, humanitarian, education, research, public-diplomacy, media, other; starts_on must be a day: "
	    "that "
	    "month has the days 01 to 28; countries must have at least 1 element; this has 0; workstreams is required: one "
	    "or more "
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
