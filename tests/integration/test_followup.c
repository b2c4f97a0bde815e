/* Follow-ups: reminders that reach somebody else when nobody answers, and that follow from what was logged. What lies
 * days away is brought near by setting records back, never by waiting. */
#include "following.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

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

/* What somebody has put off or done stays so when a word of its record is corrected. */
static void test_corrections_arm_nothing(void **state)
{
	(void)state;
	char *commitment = made("commitment.create", json_of("{'by':'KR','text':'a papre','due_on':'2036-07-01'}"));
	char *id = sql("SELECT id FROM store.reminder WHERE commitment_id = '%s'", commitment);
	json_decref(call("reminder.snooze", json_of("{'id':'%s','until':'2036-07-05T00:00:00Z'}", id)));
	/* Another way to come is no other time. */
	json_decref(call("reminder.update", json_of("{'id':'%s','version':2,'channels':['push'],'timezone':'UTC'}", id)));
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
	json_t *message = client_read(&setter, FOLLOWING_ARRIVES_MS);
	while (strcmp(at_string(message, "params.reminder.note"), "two") != 0) {
		json_decref(message);
		message = client_read(&setter, FOLLOWING_ARRIVES_MS);
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
	    cmocka_unit_test(test_those_who_left),
	    cmocka_unit_test(test_viewers),
	    cmocka_unit_test(test_escalation_changes),
	    cmocka_unit_test(test_corrections_arm_nothing),
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
