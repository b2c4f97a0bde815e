/* Undoing: whatever change.undo puts back is as it was before, to the last member; undoing the undo does it again; and
 * what cannot be undone, or has been changed since, is refused and leaves everything as it is. */
#include "single.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOBODY "019b1c00-ffff-7000-8000-000000000001"
#define PLACED "'title':'A talk','kind':'meeting','starts_on':'2020-05-01','countries':['KP'],'workstreams':['1.2']"

/* The record as it is read; those that no `get` reads come from their list. */
static json_t *read_record(const char *noun, const char *id)
{
	char method[64];
	bool listed = strcmp(noun, "commitment") == 0;
	json_t *found = NULL, *item;
	size_t i;
	snprintf(method, sizeof method, "%s.%s", noun, listed ? "list" : "get");
	json_t *answer = call(method, listed ? json_of("{'limit':500}") : json_of("{'id':'%s'}", id));
	if (!listed)
		return answer;
	json_array_foreach(at(answer, "items"), i, item)
		if (strcmp(at_string(item, "id"), id) == 0)
			found = json_incref(item);
	assert_non_null(found);
	json_decref(answer);
	return found;
}

/* Entries that were put back are new ones, in another place: they are compared without id, sorted by who they are. */
static void forget_ids(json_t *record, const char *list)
{
	json_t *entries = json_object_get(record, list), *entry;
	json_t *sorted = json_object(), *again = json_array();
	size_t i;
	const char *key;
	json_array_foreach(entries, i, entry) {
		json_object_del(entry, "id");
		char *text = json_dumps(entry, JSON_COMPACT | JSON_SORT_KEYS);
		json_object_set(sorted, text, entry);
		free(text);
	}
	json_t *keys = json_object();
	json_object_update(keys, sorted);
	char *text = json_dumps(keys, JSON_SORT_KEYS);
	json_decref(keys);
	keys = json_loads(text, 0, NULL);
	free(text);
	json_object_foreach(keys, key, entry)
		json_array_append(again, entry);
	if (entries)
		json_object_set(record, list, again);
	json_decref(again);
	json_decref(keys);
	json_decref(sorted);
}

static json_t *comparable(const char *noun, const char *id)
{
	static const char *const moved[] = {"version", "updated_at", "deliveries", "late"};
	static const char *const lists[] = {"participants", "affiliations", "members"};
	json_t *record = read_record(noun, id), *promise;
	size_t i;
	for (i = 0; i < sizeof moved / sizeof *moved; i++)
		json_object_del(record, moved[i]);
	if (json_is_string(at(record, "voided_at")))
		json_object_set_new(record, "voided_at", json_true());
	for (i = 0; i < sizeof lists / sizeof *lists; i++)
		forget_ids(record, lists[i]);
	json_array_foreach(at(record, "commitments"), i, promise)
		json_object_del(promise, "version");
	return record;
}

static void check_same(const char *what, const json_t *found, const json_t *expected)
{
	if (!json_equal(found, expected))
		fail_msg("%s: %s\n, not %s", what, json_dumps(found, JSON_COMPACT | JSON_SORT_KEYS),
		         json_dumps(expected, JSON_COMPACT | JSON_SORT_KEYS));
}

/* Carries out a write under a request_id of its own, which `request` becomes. */
static void write_as(char request[40], const char *method, json_t *params)
{
	snprintf(request, 40, "%s", checked_id());
	json_object_set_new(params, "request_id", json_string(request));
	json_decref(call(method, params));
}

static void undo(char request[40])
{
	char next[40];
	write_as(next, "change.undo", json_of("{'id':'%s'}", request));
	memcpy(request, next, sizeof next);
}

/* The write changes the record; undone it is as before, redone as after, undone again as before. */
static void there_and_back(const char *noun, const char *id, const char *method, json_t *params)
{
	char request[40];
	json_t *before = comparable(noun, id), *now;
	write_as(request, method, params);
	json_t *after = comparable(noun, id);
	assert_false(json_equal(before, after));
	for (int i = 0; i < 3; i++) {
		undo(request);
		now = comparable(noun, id);
		check_same(i % 2 ? "done again" : "undone", now, i % 2 ? after : before);
		json_decref(now);
	}
	json_decref(before);
	json_decref(after);
}

static long version_of(const char *noun, const char *id)
{
	json_t *record = read_record(noun, id);
	long version = at_integer(record, "version");
	json_decref(record);
	return version;
}

static json_t *update_of(const char *noun, const char *id, const char *members)
{
	return json_of("{'id':'%s','version':%ld,%s}", id, version_of(noun, id), members);
}

static void updates_undone(const char *noun, const char *id, const char *const *updates, size_t count)
{
	char method[64];
	snprintf(method, sizeof method, "%s.update", noun);
	for (size_t i = 0; i < count; i++)
		there_and_back(noun, id, method, update_of(noun, id, updates[i]));
}

static void test_engagement_updates(void **state)
{
	static const char *const updates[] = {
	    "'title':'B','readout':'r','track':'2'",
	    "'starts_at':'2020-05-02T10:00:00+09:00','ends_at':'2020-05-02T11:00:00+09:00','timezone':'Asia/Seoul'",
	    "'starts_on':'2020-04-01','precision':'month','ends_on':'2020-05-30'",
	    "'audience':{'headcount':4,'groups':['g']},'agenda':['a',{'text':'b','status':'open'}],'outcomes':['o']",
	    "'countries_add':['CN'],'workstreams_add':[{'code':'1.3','objective':'1.3.1'}],'topics':['new-topic']",
	    "'countries_remove':['KP'],'countries_add':['JP']",
	    "'sensitivity':'restricted','attribution':'background','languages':['ko']",
	};
	char *id = made("engagement.log", json_of("{" PLACED "}")), *contact, text[400];
	(void)state;
	updates_undone("engagement", id, updates, sizeof updates / sizeof *updates);
	contact = made("contact.create", json_of("{'name':'Added','country':'KP','sensitivity':'secret'}"));
	snprintf(text, sizeof text, "'participants_add':[{'contact_id':'%s','role':'chair','side':'KP'}]", contact);
	/* It raises the sensitivity, too. */
	there_and_back("engagement", id, "engagement.update", update_of("engagement", id, text));
	json_t *now = call("engagement.update", update_of("engagement", id, text));
	snprintf(text, sizeof text, "'participants_change':[{'id':'%s','role':'host','capacity':'expert','side':null}]",
	         at_string(now, "participants.0.id"));
	there_and_back("engagement", id, "engagement.update", update_of("engagement", id, text));
	snprintf(text, sizeof text, "'participants_remove':['%s']", at_string(now, "participants.0.id"));
	there_and_back("engagement", id, "engagement.update", update_of("engagement", id, text));
	json_decref(now);
	free(contact);
	free(id);
}

static void test_other_updates(void **state)
{
	static const char *const contacts[] = {
	    "'names':[{'text':'나','kind':'native','language':'ko'},{'text':'Na','kind':'romanized','primary':true}]",
	    "'sector':'academia','tags':['a'],'influence':4,'cadence':{'ideal':'P30D','maximum':'P60D'}",
	    "'channels':[{'kind':'phone','value':'1','preferred':true}],'notes':'n','status':'retired'",
	    "'affiliations_add':[{'organization':'Somewhere','title':'Head','since':'2001-01-01'}]",
	};
	static const char *const organizations[] = {"'names':[{'text':'P','kind':'alias'}],'country':'JP'",
	                                            "'kind':'think-tank','website':'https://o.invalid','description':'d'"};
	static const char *const commitments[] = {"'text':'u','due_on':'2030-01-01'", "'status':'fulfilled'"};
	static const char *const reminders[] = {
	    "'note':'m','timezone':'Europe/Berlin'", "'due_at':'2098-01-01T00:00:00Z'",
	    "'rrule':'FREQ=MONTHLY','workdays':'next'",
	    "'escalate_after':'PT4H','escalate_to':'00000000-0000-7000-8000-000000000001'"};
	char *contact = made("contact.create", json_of("{'name':'N','country':'CN'}")), text[400];
	char *dialogue = made("dialogue.create", json_of("{'title':'D','countries':['CN'],'workstreams':['1.3']}"));
	char *organization = made("organization.create", json_of("{'name':'O'}"));
	char *commitment = made("commitment.create", json_of("{'by':'KP','text':'t'}"));
	char *other = made("principal.create", json_of("{'name':'P','role':'officer'}"));
	char *reminder =
	    made("reminder.create", json_of("{'note':'n','due_at':'2099-01-01T00:00:00Z','assignee':'%s'}", other));
	(void)state;
	updates_undone("contact", contact, contacts, sizeof contacts / sizeof *contacts);
	snprintf(text, sizeof text,
	         "'title':'E','countries_add':['US'],'cadence':{'ideal':'P1M'},'members_add':"
	         "[{'contact_id':'%s','role':'chair'}],'workstreams_add':['2.3']",
	         contact);
	there_and_back("dialogue", dialogue, "dialogue.update", update_of("dialogue", dialogue, text));
	updates_undone("organization", organization, organizations, 2);
	updates_undone("commitment", commitment, commitments, 2);
	updates_undone("reminder", reminder, reminders, 4);
	free(contact);
	free(dialogue);
	free(organization);
	free(commitment);
	free(reminder);
	free(other);
}

static void test_log_and_void(void **state)
{
	char request[40], reminder[40];
	(void)state;
	snprintf(request, sizeof request, "%s", checked_id());
	json_t *logged = call("engagement.log", json_of("{" PLACED ",'request_id':'%s','follow_up':{'due_at':"
	                                                "'2099-01-01T00:00:00Z','note':'x'}}",
	                                                request));
	const char *id = at_string(logged, "id");
	snprintf(reminder, sizeof reminder, "%s", at_string(logged, "created.reminder_id"));
	json_t *undone = call("change.undo", json_of("{'id':'%s','reason':'twice'}", request));
	assert_string_equal(at_string(undone, "record.void_reason"), "twice");
	assert_string_equal(at_string(undone, "cancelled_reminders.0"), reminder);
	json_t *again = call("change.undo", json_of("{'id':'%s'}", at_string(undone, "id")));
	assert_true(json_is_null(at(again, "record.voided_at")));
	json_t *armed = read_record("reminder", reminder);
	assert_string_equal(at_string(armed, "status"), "pending");
	/* The same by engagement.void. */
	there_and_back("engagement", id, "engagement.void",
	               json_of("{'id':'%s','version':%ld,'reason':'r'}", id, version_of("engagement", id)));
	json_decref(armed);
	json_decref(again);
	json_decref(undone);
	json_decref(logged);
}

static void test_hold(void **state)
{
	char *contact = made("contact.create", json_of("{'name':'Held','country':'KP'}"));
	char *id = made("engagement.log",
	                json_of("{" PLACED ",'status':'planned','participants':[{'contact_id':'%s'}]}", contact));
	char request[40], reminder[40], commitment[40];
	(void)state;
	snprintf(request, sizeof request, "%s", checked_id());
	json_t *held = call("engagement.hold",
	                    json_of("{'id':'%s','version':1,'readout':'r','absent':['%s'],'commitments':[{'by':'KP','text':"
	                            "'t'}],'follow_up':{'due_at':'2099-01-01T00:00:00Z','note':'n'},'request_id':'%s'}",
	                            id, contact, request));
	snprintf(reminder, sizeof reminder, "%s", at_string(held, "created.reminder_id"));
	snprintf(commitment, sizeof commitment, "%s", at_string(held, "created.commitments.0"));
	json_decref(held);
	for (int i = 0; i < 4; i++) {
		undo(request);
		json_t *engagement = read_record("engagement", id), *ring = read_record("reminder", reminder);
		json_t *promise = read_record("commitment", commitment);
		assert_string_equal(at_string(engagement, "status"), i % 2 ? "held" : "planned");
		assert_int_equal(json_is_null(at(engagement, "readout")), i % 2 == 0);
		assert_int_equal(json_is_null(at(engagement, "participants.0.attendance")), i % 2 == 0);
		assert_string_equal(at_string(ring, "status"), i % 2 ? "pending" : "cancelled");
		assert_string_equal(at_string(promise, "status"), i % 2 ? "open" : "withdrawn");
		json_decref(engagement);
		json_decref(ring);
		json_decref(promise);
	}
	free(id);
	free(contact);
}

static void test_reminders(void **state)
{
	char *id = made("reminder.create", json_of("{'note':'n','due_at':'2099-01-01T00:00:00Z'}")), request[40];
	char *rule = made("reminder.create", json_of("{'note':'n','due_at':'2099-01-01T00:00:00Z','rrule':'FREQ=DAILY'}"));
	char *promise = made("commitment.create", json_of("{'by':'KR','text':'t','due_on':'2099-01-01'}"));
	char *hung = made("reminder.create", json_of("{'note':'n','due_at':'2099-01-01T00:00:00Z','about':"
	                                             "{'commitment_id':'%s'}}",
	                                             promise));
	(void)state;
	there_and_back("reminder", id, "reminder.snooze", json_of("{'id':'%s','until':'2099-02-01T00:00:00Z'}", id));
	there_and_back("reminder", id, "reminder.complete", json_of("{'id':'%s','note':'done'}", id));
	there_and_back("reminder", id, "reminder.cancel", json_of("{'id':'%s'}", id));
	there_and_back("reminder", rule, "reminder.snooze", json_of("{'id':'%s','until':'2099-02-01T00:00:00Z'}", rule));
	there_and_back("reminder", rule, "reminder.cancel", json_of("{'id':'%s'}", rule));
	/* The promise that was fulfilled along with it. */
	write_as(request, "reminder.complete", json_of("{'id':'%s','fulfil_commitment':true}", hung));
	for (int i = 0; i < 4; i++) {
		undo(request);
		json_t *now = read_record("commitment", promise), *ring = read_record("reminder", hung);
		assert_string_equal(at_string(now, "status"), i % 2 ? "fulfilled" : "open");
		assert_string_equal(at_string(ring, "status"), i % 2 ? "done" : "pending");
		json_decref(now);
		json_decref(ring);
	}
	free(id);
	free(rule);
	free(promise);
	free(hung);
}

static void test_creates(void **state)
{
	char request[40];
	(void)state;
	snprintf(request, sizeof request, "%s", checked_id());
	json_t *promise = call("commitment.create", json_of("{'by':'KP','text':'t','request_id':'%s'}", request));
	json_t *undone = call("change.undo", json_of("{'id':'%s'}", request));
	assert_string_equal(at_string(undone, "record.status"), "withdrawn");
	json_decref(undone);
	snprintf(request, sizeof request, "%s", checked_id());
	json_decref(
	    call("reminder.create", json_of("{'note':'n','due_at':'2099-01-01T00:00:00Z','request_id':'%s'}", request)));
	undone = call("change.undo", json_of("{'id':'%s'}", request));
	assert_string_equal(at_string(undone, "record.status"), "cancelled");
	json_decref(undone);
	json_decref(promise);
}

static void refuse(const char *request, int code, const char *data_code, const char *rule)
{
	long rows = checked_rows(harness);
	json_t *error = checked_error(&client, "change.undo", json_of("{'id':'%s'}", request), code, data_code);
	if (rule)
		assert_string_equal(at_string(error, "data.rule"), rule);
	assert_int_equal(checked_rows(harness), rows);
	json_decref(error);
}

static void test_refusals(void **state)
{
	char request[40];
	char *rule = made("reminder.create", json_of("{'note':'n','due_at':'2099-01-01T00:00:00Z','rrule':'FREQ=DAILY'}"));
	char *token = made("token.create", json_of("{'principal_id':'00000000-0000-7000-8000-000000000001'}"));
	char *contact = made("contact.create", json_of("{'name':'N','country':'CN'}")), sql[300];
	(void)state;
	refuse(NOBODY, 404, "not_found", NULL);
	write_as(request, "contact.create", json_of("{'name':'N','country':'CN'}"));
	refuse(request, 422, "rule", "not_undoable");
	write_as(request, "token.revoke", json_of("{'id':'%s'}", token));
	refuse(request, 422, "rule", "not_undoable");
	write_as(request, "note.add", json_of("{'about':{'contact_id':'%s'},'text':'n'}", contact));
	refuse(request, 422, "rule", "not_undoable");
	write_as(request, "contact.update", json_of("{'id':'%s','version':1,'country':'CN'}", contact));
	refuse(request, 422, "rule", "nothing_to_undo");
	write_as(request, "reminder.complete", json_of("{'id':'%s','version':%ld}", rule, version_of("reminder", rule)));
	refuse(request, 422, "rule", "rule_went_on");
	/* What has been erased, or was written before anything was kept. */
	write_as(request, "contact.update", json_of("{'id':'%s','version':2,'notes':'n'}", contact));
	snprintf(sql, sizeof sql,
	         "UPDATE store.answer SET noun = NULL, before = NULL FROM store.change c "
	         "WHERE c.id = change_id AND c.request_id = '%s'",
	         request);
	free(harness_query(harness, sql));
	refuse(request, 422, "rule", "not_undoable");
	free(rule);
	free(token);
	free(contact);
}

/* Only what has been changed since stands in the way, and it is named with who did it. */
static void test_conflicts(void **state)
{
	char first[40], second[40], third[40];
	char *id = made("engagement.log", json_of("{" PLACED "}"));
	(void)state;
	write_as(first, "engagement.update", json_of("{'id':'%s','version':1,'title':'B','readout':'r'}", id));
	write_as(second, "engagement.update", json_of("{'id':'%s','version':2,'location':'Seoul'}", id));
	write_as(third, "engagement.update", json_of("{'id':'%s','version':3,'title':'C'}", id));
	json_t *error = checked_error(&client, "change.undo", json_of("{'id':'%s'}", first), 409, "changed_since");
	assert_int_equal(json_array_size(at(error, "data.fields")), 1);
	assert_string_equal(at_string(error, "data.fields.0"), "title");
	assert_int_equal(json_array_size(at(error, "data.changes")), 2);
	assert_string_equal(at_string(error, "data.changes.1.id"), third);
	assert_string_equal(at_string(error, "data.changes.1.name"), "Administrator");
	json_decref(error);
	/* Undone in turn, nothing stands in the way; what nobody touched since can be undone at once. */
	json_decref(call("change.undo", json_of("{'id':'%s'}", third)));
	json_decref(call("change.undo", json_of("{'id':'%s'}", first)));
	json_t *now = read_record("engagement", id);
	assert_string_equal(at_string(now, "title"), "A talk");
	assert_string_equal(at_string(now, "location"), "Seoul");
	assert_true(json_is_null(at(now, "readout")));
	json_decref(now);
	refuse(first, 409, "changed_since", NULL);
	json_decref(call("engagement.void", json_of("{'id':'%s','version':6,'reason':'r'}", id)));
	refuse(second, 409, "changed_since", NULL);
	/* A log is undone whole or not at all. */
	snprintf(first, sizeof first, "%s", checked_id());
	json_t *logged = call("engagement.log", json_of("{" PLACED ",'request_id':'%s'}", first));
	json_decref(call("engagement.update", json_of("{'id':'%s','version':1,'readout':'r'}", at_string(logged, "id"))));
	refuse(first, 409, "changed_since", NULL);
	json_decref(logged);
	free(id);
}

static void test_list(void **state)
{
	char request[40], again[40];
	char *id = made("contact.create", json_of("{'name':'Listed','country':'CN'}")), *other;
	(void)state;
	write_as(request, "contact.update", json_of("{'id':'%s','version':1,'notes':'n','sector':'media'}", id));
	memcpy(again, request, sizeof again);
	undo(again);
	json_t *page = call("change.list", json_of("{'mine':true,'limit':2}"));
	assert_string_equal(at_string(page, "items.0.id"), again);
	assert_string_equal(at_string(page, "items.0.undid"), request);
	assert_string_equal(at_string(page, "items.1.undone_by"), again);
	assert_string_equal(at_string(page, "items.1.title"), "Listed");
	assert_string_equal(at_string(page, "items.1.fields.0"), "notes");
	assert_string_equal(at_string(page, "items.1.fields.1"), "sector");
	json_t *next =
	    call("change.list", json_of("{'mine':true,'limit':1,'cursor':'%s'}", at_string(page, "next_cursor")));
	assert_string_equal(at_string(next, "items.0.method"), "contact.create");
	assert_true(json_is_false(at(next, "items.0.undoable")));
	json_decref(next);
	json_decref(page);
	page = call("change.list", json_of("{'about_id':'%s'}", id));
	assert_int_equal(json_array_size(at(page, "items")), 3);
	json_decref(page);
	json_decref(call("note.add", json_of("{'about':{'contact_id':'%s'},'text':'n'}", id)));
	/* Another sees what was done to the contact, undoes none of it, and learns of no note. */
	other = made("principal.create", json_of("{'name':'Other','role':'officer'}"));
	char *schema = harness_query(harness, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'api\\_%'"), sql[400];
	snprintf(sql, sizeof sql,
	         "SELECT count(*) || ' ' || count(*) FILTER (WHERE i->>'method' = 'note.add'"
	         " OR i->>'undoable' = 'true') FROM jsonb_array_elements(%s.change_list('%s', NULL, NULL, NULL, NULL, "
	         "NULL, NULL, NULL, 500)"
	         "->'items') AS i",
	         schema, other);
	free(schema);
	char *counts = harness_query(harness, sql);
	assert_true(atoi(counts) >= 3);
	assert_string_equal(strchr(counts, ' '), " 0");
	free(counts);
	free(other);
	free(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_engagement_updates),
	    cmocka_unit_test(test_other_updates),
	    cmocka_unit_test(test_log_and_void),
	    cmocka_unit_test(test_hold),
	    cmocka_unit_test(test_reminders),
	    cmocka_unit_test(test_creates),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_conflicts),
	    cmocka_unit_test(test_list),
	};
	return cmocka_run_group_tests(tests, single_setup, single_teardown);
}
