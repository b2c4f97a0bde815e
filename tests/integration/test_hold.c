/* What becomes of an engagement: it is held, with those who came; it is voided, and leaves every list and count but not
 * the record; and it is never less sensitive than those who took part. */
#include "single.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ADMINISTRATOR "00000000-0000-7000-8000-000000000001"
#define NOBODY "019b1c00-ffff-7000-8000-000000000001"
/* What engagement.log needs, without braces and its moment. */
#define PLACED "'title':'A talk','kind':'meeting','countries':['KP'],'workstreams':['1.2']"

enum { ANSWER_MS = 20000, RACES = 50 };

static json_t *get(const char *id)
{
	return call("engagement.get", json_of("{'id':'%s'}", id));
}

static void check_rule(const char *method, json_t *params, const char *rule)
{
	long rows = checked_rows(harness);
	json_t *error = checked_error(&client, method, params, 422, "rule");
	assert_string_equal(at_string(error, "data.rule"), rule);
	assert_int_equal(checked_rows(harness), rows);
	json_decref(error);
}

static char *new_contact(const char *name, const char *sensitivity)
{
	return made("contact.create", json_of("{'name':'%s','country':'KP','sensitivity':'%s'}", name, sensitivity));
}

/* The attendance of the participant who is this contact or principal. */
static const char *attendance_of(const json_t *record, const char *person)
{
	json_t *participant;
	size_t i;
	json_array_foreach(at(record, "participants"), i, participant) {
		const char *contact = json_string_value(at(participant, "contact_id"));
		const char *principal = json_string_value(at(participant, "principal_id"));
		if ((contact && strcmp(contact, person) == 0) || (principal && strcmp(principal, person) == 0))
			return at_string(participant, "attendance");
	}
	fail_msg("%s does not take part", person);
	return NULL;
}

static void test_hold(void **state)
{
	static const char *const attendances[] = {NULL, "declined", "invited", "accepted", "absent", "attended"};
	char *people[6], *officer = made("principal.create", json_of("{'name':'Officer','role':'officer'}"));
	json_t *participants = json_array(), *record, *held;
	(void)state;
	for (size_t i = 0; i < 6; i++) {
		people[i] = new_contact("Guest", "internal");
		json_array_append_new(participants, json_of("{'contact_id':'%s'}", people[i]));
		if (attendances[i])
			json_object_set_new(json_array_get(participants, i), "attendance", json_string(attendances[i]));
	}
	json_array_append_new(participants, json_of("{'principal_id':'" ADMINISTRATOR "'}"));
	json_array_append_new(participants, json_of("{'principal_id':'%s','attendance':'accepted'}", officer));
	json_t *params = json_of("{" PLACED ",'starts_at':'2020-01-01T00:00:00Z','status':'planned','readout':'before'}");
	json_object_set_new(params, "participants", participants);
	json_t *logged = call("engagement.log", params);
	record = get(at_string(logged, "id"));
	/* Refused: nothing is done. */
	long rows = checked_rows(harness);
	checked_refused(&client, "engagement.hold",
	                json_of("{'id':'%s','version':1,'absent':['%s','" NOBODY
	                        "'],'commitments':[{'by':'KP','text':'t'}]}",
	                        at_string(record, "id"), people[0]),
	                404, "not_found", "absent[1]");
	json_decref(checked_error(&client, "engagement.hold",
	                          json_of("{'id':'%s','version':1,'commitments':[{'by':'KP','text':'t'},{'by':'" NOBODY
	                                  "','text':'t'}]}",
	                                  at_string(record, "id")),
	                          404, "not_found"));
	checked_refused(
	    &client, "engagement.hold",
	    json_of("{'id':'%s','version':1,'follow_up':{'due_at':'2099-01-01T00:00:00Z','note':'n','assignee':'" NOBODY
	            "'}}",
	            at_string(record, "id")),
	    404, "not_found", "follow_up.assignee");
	json_t *same = get(at_string(record, "id"));
	assert_true(json_equal(same, record));
	assert_int_equal(checked_rows(harness), rows);
	/* Absent by the participant's id, the contact's, and the principal's. */
	held = call("engagement.hold",
	            json_of("{'id':'%s','version':1,'absent':['%s','%s','" ADMINISTRATOR
	                    "'],'commitments':[{'by':'%s','text':'t',"
	                    "'due_on':'2099-01-01'}],'follow_up':{'due_at':'2099-01-01T00:00:00Z','note':'n'}}",
	                    at_string(record, "id"), at_string(record, "participants.0.id"), people[2], people[3]));
	static const char *const expected[] = {"absent", "declined", "absent", "attended", "attended", "attended"};
	for (size_t i = 0; i < 6; i++)
		assert_string_equal(attendance_of(held, people[i]), expected[i]);
	assert_string_equal(attendance_of(held, ADMINISTRATOR), "absent");
	assert_string_equal(attendance_of(held, officer), "attended");
	assert_string_equal(at_string(held, "status"), "held");
	assert_string_equal(at_string(held, "readout"), "before");
	assert_int_equal(at_integer(held, "version"), 2);
	assert_string_equal(at_string(held, "commitments.0.by.contact_id"), people[3]);
	json_t *reminders = call("reminder.list", json_of("{'kind':'set','limit':500}"));
	assert_string_equal(at_string(reminders, "items.0.about.engagement_id"), at_string(record, "id"));
	assert_int_equal(json_array_size(at(reminders, "items")), 1);
	check_rule("engagement.hold", json_of("{'id':'%s','version':2}", at_string(record, "id")), "not_planned");
	json_decref(reminders), json_decref(same), json_decref(held), json_decref(record), json_decref(logged);
	for (size_t i = 0; i < 6; i++)
		free(people[i]);
	free(officer);
}

static void test_hold_when(void **state)
{
	static const char *const statuses[] = {"tentative", "planned", "postponed", "held", "cancelled"};
	(void)state;
	for (size_t i = 0; i < 5; i++) {
		char *past =
		    made("engagement.log", json_of("{" PLACED ",'starts_on':'2020-01-01','status':'%s'}", statuses[i]));
		char *ahead =
		    made("engagement.log", json_of("{" PLACED ",'starts_on':'2099-01-01','status':'%s'}", statuses[i]));
		json_t *held = NULL;
		if (i < 3) {
			held = call("engagement.hold", json_of("{'id':'%s','version':1,'readout':'after'}", past));
			assert_string_equal(at_string(held, "readout"), "after");
		} else {
			check_rule("engagement.hold", json_of("{'id':'%s','version':1}", past), "not_planned");
		}
		check_rule("engagement.hold", json_of("{'id':'%s','version':1}", ahead), i < 3 ? "not_yet" : "not_planned");
		/* Had it been sooner, it could be. */
		held ? json_decref(held) : (void)0;
		if (i < 3) {
			json_decref(call("engagement.update", json_of("{'id':'%s','version':1,'starts_on':'2019-01-01'}", ahead)));
			json_decref(call("engagement.hold", json_of("{'id':'%s','version':2}", ahead)));
		}
		free(past);
		free(ahead);
	}
}

/* All that counts or lists engagements, as one value. */
static json_t *everywhere(const char *contact, const char *organization, const char *dialogue)
{
	json_t *all = json_object();
	json_object_set_new(all, "history", call("engagement.history", json_of("{'limit':500}")));
	json_object_set_new(all, "country", call("engagement.history", json_of("{'country':'MN','topic':'void-topic'}")));
	json_object_set_new(all, "status", call("engagement.history", json_of("{'status':'held'}")));
	json_object_set_new(all, "workstream",
	                    call("engagement.history", json_of("{'workstream':'3.4','objective':'3.4.1'}")));
	json_object_set_new(all, "organization",
	                    call("engagement.history", json_of("{'organization_id':'%s'}", organization)));
	json_object_set_new(all, "dialogue", call("engagement.history", json_of("{'dialogue_id':'%s'}", dialogue)));
	json_object_set_new(all, "contact", call("contact.history", json_of("{'id':'%s'}", contact)));
	json_object_set_new(all, "text", call("engagement.history", json_of("{'text':'void-topic'}")));
	json_object_set_new(all, "commitments", call("commitment.list", json_of("{'limit':500}")));
	json_object_set_new(all, "owed", call("commitment.list", json_of("{'by':'MN','status':'open'}")));
	json_object_set_new(all, "coverage", call("report.coverage", NULL));
	json_object_set_new(all, "progress", call("roadmap.progress", NULL));
	json_object_set_new(all, "neglected", call("report.neglected", json_of("{'days':30}")));
	json_object_set_new(all, "activity",
	                    call("report.activity", json_of("{'group_by':['month','country','kind','track','topic',"
	                                                    "'sector']}")));
	json_object_set_new(all, "plain", call("report.activity", json_of("{'group_by':['kind'],'workstream':'3.4'}")));
	return all;
}

static void test_void(void **state)
{
	char *organization = made("organization.create", json_of("{'name':'Of the voided'}"));
	char *contact = made("contact.create", json_of("{'name':'Voided','country':'MN','sector':'media','affiliations':[{"
	                                               "'organization_id':'%s'}]}",
	                                               organization));
	char *dialogue = made("dialogue.create", json_of("{'title':'V','countries':['MN','JP'],'workstreams':['3.4']}"));
	json_t *before = everywhere(contact, organization, dialogue), *now, *value, *error;
	const char *name;
	(void)state;
	json_t *logged =
	    call("engagement.log",
	         json_of("{'title':'V','kind':'media','starts_on':'2020-01-01','dialogue_id':'%s','countries':['MN','JP'],"
	                 "'workstreams':[{'code':'3.4','objective':'3.4.1'}],'topics':['void-topic'],'participants':["
	                 "{'contact_id':'%s'}],'commitments':[{'by':'MN','text':'t'}],'private_notes':'p'}",
	                 dialogue, contact));
	const char *id = at_string(logged, "id");
	json_t *with = everywhere(contact, organization, dialogue);
	json_object_foreach(with, name, value)
		if (json_equal(value, json_object_get(before, name)))
			fail_msg("%s does not show the engagement", name);
	json_t *record = call("engagement.void", json_of("{'id':'%s','version':1,'reason':'두 번 적음'}", id));
	assert_string_equal(at_string(record, "void_reason"), "두 번 적음");
	assert_true(json_is_string(at(record, "voided_at")));
	now = everywhere(contact, organization, dialogue);
	json_object_foreach(now, name, value)
		if (!json_equal(value, json_object_get(before, name)))
			fail_msg("%s still shows the engagement: %s", name, json_dumps(value, JSON_COMPACT));
	/* It stays on record, whole, with who did it and when. */
	value = get(id);
	assert_int_equal(json_array_size(at(record, "cancelled_reminders")), 0);
	assert_int_equal(json_array_size(at(record, "warnings")), 1);
	assert_string_equal(at_string(record, "warnings.0.rule"), "commitments_left");
	json_object_del(record, "cancelled_reminders");
	json_object_del(record, "warnings");
	assert_true(json_equal(value, record));
	assert_int_equal(json_array_size(at(value, "participants")), 1);
	json_decref(value);
	char sql[300];
	snprintf(sql, sizeof sql,
	         "SELECT string_agg(method || ' ' || record_version, ',' ORDER BY id) FROM store.change"
	         " WHERE record_id = '%s' AND principal_id = '" ADMINISTRATOR "'",
	         id);
	char *trail = harness_query(harness, sql);
	assert_string_equal(trail, "engagement.log 1,engagement.void 2");
	free(trail);
	snprintf(sql, sizeof sql,
	         "SELECT count(*) FROM store.engagement WHERE id = '%s' AND voided_by = '" ADMINISTRATOR "'", id);
	assert_int_equal(harness_count(harness, sql), 1);
	/* Nothing more is done to it or hung on it. */
	check_rule("engagement.update", json_of("{'id':'%s','version':2,'title':'x'}", id), "void");
	check_rule("engagement.hold", json_of("{'id':'%s','version':2}", id), "void");
	check_rule("engagement.void", json_of("{'id':'%s','version':2,'reason':'again'}", id), "void");
	static const char *const hung[][2] = {
	    {"engagement.log", "{" PLACED ",'starts_on':'2020-01-01','parent_id':'%s'}"},
	    {"note.add", "{'about':{'engagement_id':'%s'},'text':'n'}"},
	    {"commitment.create", "{'engagement_id':'%s','by':'KP','text':'t'}"},
	    {"reminder.create", "{'about':{'engagement_id':'%s'},'note':'n','due_at':'2099-01-01T00:00:00Z'}"}};
	for (size_t i = 0; i < 4; i++) {
		char params[300];
		const char *hole = strstr(hung[i][1], "%s");
		snprintf(params, sizeof params, "%.*s%s%s", (int)(hole - hung[i][1]), hung[i][1], id, hole + 2);
		error = checked_error(&client, hung[i][0], json_of("%s", params), 404, "not_found");
		json_decref(error);
	}
	json_decref(now), json_decref(with), json_decref(before), json_decref(record), json_decref(logged);
	free(contact), free(organization), free(dialogue);
}

static void check_reminder(const char *id, const char *status, long version)
{
	json_t *reminder = call("reminder.get", json_of("{'id':'%s'}", id)), *delivery;
	size_t i;
	assert_string_equal(at_string(reminder, "status"), status);
	assert_int_equal(at_integer(reminder, "version"), version);
	json_array_foreach(at(reminder, "deliveries"), i, delivery)
		assert_string_equal(at_string(delivery, "outcome"), "withdrawn");
	json_decref(reminder);
}

/* What would ring for a void engagement, and for what was promised there, is cancelled, and the answer names it. */
static void test_void_reminders(void **state)
{
	static const char *const due[] = {"2099-01-01T00:00:00Z", "2001-01-01T00:00:00Z"};
	char *armed[4], *done, *other = made("reminder.create", json_of("{'note':'other','due_at':'%s'}", due[0]));
	struct client subscriber;
	json_t *message;
	bool out = false;
	(void)state;
	json_t *logged =
	    call("engagement.log", json_of("{" PLACED ",'starts_on':'2020-01-01','commitments':[{'by':'KP','text':"
	                                   "'t'},{'by':'KP','text':'kept'}]}"));
	const char *id = at_string(logged, "id"), *promise = at_string(logged, "commitments.0.id");
	json_decref(call("commitment.update",
	                 json_of("{'id':'%s','version':1,'status':'fulfilled'}", at_string(logged, "commitments.1.id"))));
	for (size_t i = 0; i < 4; i++)
		armed[i] = made("reminder.create",
		                json_of("{'about':{'%s':'%s'},'note':'n','due_at':'%s'}",
		                        i < 2 ? "engagement_id" : "commitment_id", i < 2 ? id : promise, due[i % 2]));
	done = made("reminder.create", json_of("{'about':{'engagement_id':'%s'},'note':'n','due_at':'%s'}", id, due[0]));
	json_decref(call("reminder.complete", json_of("{'id':'%s'}", done)));
	/* One is out already. */
	client_open(&subscriber, harness);
	json_decref(checked_result(&subscriber, "reminder.subscribe", NULL));
	while (!out) {
		message = client_read(&subscriber, ANSWER_MS);
		out = strcmp(at_string(message, "params.reminder.id"), armed[3]) == 0;
		json_decref(message);
	}
	client_close(&subscriber);
	json_t *record = call("engagement.void", json_of("{'id':'%s','version':1,'reason':'r'}", id));
	assert_int_equal(json_array_size(at(record, "cancelled_reminders")), 4);
	assert_int_equal(json_array_size(at(record, "warnings")), 2);
	assert_string_equal(at_string(record, "warnings.0.rule"), "reminders_cancelled");
	assert_memory_equal(at_string(record, "warnings.0.message"), "4 ", 2);
	assert_memory_equal(at_string(record, "warnings.1.message"), "1 ", 2);
	for (size_t i = 0; i < 4; i++) {
		check_reminder(armed[i], "cancelled", i % 2 ? 3 : 2);
		free(armed[i]);
	}
	check_reminder(done, "done", 2);
	check_reminder(other, "pending", 1);
	json_decref(checked_error(&client, "reminder.create",
	                          json_of("{'about':{'commitment_id':'%s'},'note':'n','due_at':'%s'}", promise, due[0]),
	                          404, "not_found"));
	json_decref(record);
	/* Nothing hangs on this one, and nothing is said. */
	char *bare = made("engagement.log", json_of("{" PLACED ",'starts_on':'2020-01-01'}"));
	record = call("engagement.void", json_of("{'id':'%s','version':1,'reason':'r'}", bare));
	assert_int_equal(json_array_size(at(record, "cancelled_reminders")) + json_array_size(at(record, "warnings")), 0);
	json_decref(record), json_decref(logged);
	free(bare), free(done), free(other);
}

static void check_level(const char *id, const char *sensitivity, long version)
{
	json_t *record = get(id);
	assert_string_equal(at_string(record, "sensitivity"), sensitivity);
	assert_int_equal(at_integer(record, "version"), version);
	json_decref(record);
}

static void test_sensitivity_follows(void **state)
{
	char *contact = new_contact("Rising", "open"), *secret = new_contact("Hidden", "secret");
	char *low =
	    made("engagement.log", json_of("{" PLACED ",'starts_on':'2020-01-01','sensitivity':'open','participants':["
	                                   "{'contact_id':'%s'}]}",
	                                   contact));
	char *high = made("engagement.log", json_of("{" PLACED ",'starts_on':'2020-01-01','sensitivity':'restricted',"
	                                            "'participants':[{'contact_id':'%s'}]}",
	                                            contact));
	char *apart = made("engagement.log", json_of("{" PLACED ",'starts_on':'2020-01-01','sensitivity':'open'}"));
	(void)state;
	json_decref(call("contact.update", json_of("{'id':'%s','version':1,'sensitivity':'internal'}", contact)));
	check_level(low, "internal", 2);
	check_level(high, "restricted", 1);
	json_decref(call("contact.update", json_of("{'id':'%s','version':2,'sensitivity':'secret'}", contact)));
	check_level(low, "secret", 3);
	check_level(high, "secret", 2);
	check_level(apart, "open", 1);
	/* Down again only by hand, and not below those who take part. */
	json_decref(call("contact.update", json_of("{'id':'%s','version':3,'sensitivity':'internal'}", contact)));
	check_level(low, "secret", 3);
	check_rule("engagement.update", json_of("{'id':'%s','version':3,'sensitivity':'open'}", low),
	           "sensitivity_of_contacts");
	json_decref(call("engagement.update", json_of("{'id':'%s','version':3,'sensitivity':'internal'}", low)));
	check_level(low, "internal", 4);
	/* Who comes in raises it; who goes lets it down. */
	json_t *record = call("engagement.update",
	                      json_of("{'id':'%s','version':4,'participants_add':[{'contact_id':'%s'}]}", low, secret));
	assert_string_equal(at_string(record, "sensitivity"), "secret");
	check_rule("engagement.update", json_of("{'id':'%s','version':5,'sensitivity':'restricted'}", low),
	           "sensitivity_of_contacts");
	json_decref(call("engagement.update",
	                 json_of("{'id':'%s','version':5,'sensitivity':'internal','participants_remove':['%s']}", low,
	                         at_string(record, "participants.1.id"))));
	check_level(low, "internal", 6);
	check_rule("engagement.update",
	           json_of("{'id':'%s','version':6,'sensitivity':'restricted','participants_add':[{'contact_id':'%s'}]}",
	                   low, secret),
	           "sensitivity_of_contacts");
	json_decref(record);
	free(contact), free(secret), free(low), free(high), free(apart);
}

static void send_call(struct client *at_client, const char *method, json_t *params)
{
	json_t *request = json_pack("{s:s, s:s, s:o, s:i}", "jsonrpc", "2.0", "method", method, "params", params, "id", 1);
	char *text = json_dumps(request, JSON_COMPACT);
	assert_true(client_send_line(at_client, text));
	free(text);
	json_decref(request);
}

/* A contact is made secret while it is being added: whoever is first, the engagement is secret in the end. */
static void test_sensitivity_race(void **state)
{
	struct client other;
	(void)state;
	client_open(&other, harness);
	for (size_t round = 0; round < RACES; round++) {
		char *contact = new_contact("Raced", "internal");
		char *id = made("engagement.log", json_of("{" PLACED ",'starts_on':'2020-01-01'}"));
		send_call(&client, "contact.update", json_of("{'id':'%s','version':1,'sensitivity':'secret'}", contact));
		if (round % 2)
			send_call(&other, "engagement.update",
			          json_of("{'id':'%s','version':1,'participants_add':[{'contact_id':'%s'}]}", id, contact));
		else
			send_call(&other, "engagement.log",
			          json_of("{" PLACED ",'starts_on':'2020-01-01','participants':[{'contact_id':'%s'}]}", contact));
		json_t *raised = client_read(&client, ANSWER_MS), *added = client_read(&other, ANSWER_MS);
		assert_non_null(at(raised, "result"));
		assert_non_null(at(added, "result"));
		json_t *record = get(at_string(added, "result.id"));
		assert_string_equal(at_string(record, "sensitivity"), "secret");
		json_decref(record), json_decref(raised), json_decref(added);
		free(contact), free(id);
	}
	client_close(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hold),
	    cmocka_unit_test(test_hold_when),
	    cmocka_unit_test(test_void),
	    cmocka_unit_test(test_void_reminders),
	    cmocka_unit_test(test_sensitivity_follows),
	    cmocka_unit_test(test_sensitivity_race),
	};
	return cmocka_run_group_tests(tests, single_setup, single_teardown);
}
