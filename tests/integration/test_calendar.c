/* Calendars: who may have which, what is shown in it, and what never. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"

#define NOBODY "019b1c00-0000-7000-8000-00000000dead"

/* The member of the exported entry of that id; NULL when it is not there. */
static json_t *entry_of(const json_t *export, const char *id)
{
	json_t *entry;
	size_t i;
	json_array_foreach(at(export, "items"), i, entry)
		if (strcmp(at_string(entry, "id"), id) == 0)
			return entry;
	return NULL;
}

static void test_scopes(void **state)
{
	struct client officer, viewer, director;
	char officer_id[37], viewer_id[37], director_id[37];
	json_t *list;
	(void)state;
	feed_open_as(&officer, "officer", officer_id);
	feed_open_as(&viewer, "viewer", viewer_id);
	feed_open_as(&director, "director", director_id);
	checked_faults(&officer, "calendar.create", json_of("{'country':'CN','workstream':'1.3'}"), "workstream");
	checked_faults(&officer, "calendar.create", json_of("{'country':'XX','principal_id':'" NOBODY "','name':''}"),
	               "country principal_id name");
	checked_faults(&officer, "calendar.export",
	               json_of("{'country':'CN','workstream':'1.3','principal_id':'" NOBODY "'}"),
	               "workstream principal_id");
	json_decref(checked_error(&viewer, "calendar.create", NULL, 403, "forbidden"));
	json_decref(checked_result(&viewer, "calendar.export", NULL));
	checked_refused(&officer, "calendar.create", json_of("{'principal_id':'%s'}", viewer_id), 403, "forbidden",
	                "principal_id");
	checked_refused(&officer, "calendar.export", json_of("{'principal_id':'%s'}", viewer_id), 403, "forbidden",
	                "principal_id");
	checked_refused(&director, "calendar.create", json_of("{'principal_id':'" NOBODY "'}"), 404, "not_found",
	                "principal_id");
	json_decref(checked_result(&director, "calendar.export", json_of("{'principal_id':'%s'}", viewer_id)));
	struct feed own = feed_of(&officer, "{}"), named;
	char *params;
	assert_true(asprintf(&params, "{'principal_id':'%s','name':'남의 일정'}", officer_id) > 0);
	named = feed_of(&director, params);
	free(params);
	/* Each sees what shows them, and what they made. */
	list = checked_result(&officer, "calendar.list", NULL);
	assert_int_equal(json_array_size(at(list, "items")), 2);
	assert_string_equal(at_string(list, "items.1.name"), "남의 일정");
	assert_string_equal(at_string(list, "items.1.created_by"), director_id);
	json_decref(list);
	list = checked_result(&viewer, "calendar.list", NULL);
	assert_int_equal(json_array_size(at(list, "items")), 0);
	json_decref(list);
	checked_refused(&viewer, "calendar.revoke", json_of("{'id':'%s'}", own.id), 404, "not_found", "id");
	json_decref(checked_result(&officer, "calendar.revoke", json_of("{'id':'%s'}", named.id)));
	json_decref(checked_result(&director, "calendar.revoke", json_of("{'id':'%s'}", own.id)));
	assert_int_equal(feed_status(own.path), 404);
	client_close(&officer);
	client_close(&viewer);
	client_close(&director);
}

/* What is shown of an engagement is what it was logged with, and nothing of what people said. */
static void test_entries(void **state)
{
	struct feed feed = feed_of(&client, "{'country':'MN'}");
	char *id =
	    made("engagement.log",
	         json_of("{'title':'울란바토르 대화; 3차, 준비',%s,'starts_at':'2099-03-01T10:00:00+09:00','ends_at':"
	                 "'2099-03-01T12:00:00+09:00','location':'울란바토르','readout':'SECRETWORD','private_notes':"
	                 "'SECRETWORD','outcomes':['SECRETWORD'],'agenda':['SECRETWORD'],'topics':['secretword'],"
	                 "'sources':['https://secretword.example'],"
	                 "'participants':[{'contact':{'name':'SECRETWORD','country':'MN','notes':'SECRETWORD'}}],"
	                 "'commitments':[{'by':'MN','text':'SECRETWORD'}]}",
	                 PLACED));
	struct web_answer answer = feed_fetched(&feed);
	char *uid;
	(void)state;
	assert_true(asprintf(&uid, "\r\nUID:%s\r\n", id) > 0);
	const char *item = strstr(answer.body, uid);
	assert_non_null(item);
	assert_non_null(strstr(item, "\r\nSUMMARY:울란바토르 대화\\; 3차\\, 준비\r\n"));
	assert_non_null(strstr(item, "\r\nDTSTART:20990301T010000Z\r\nDTEND:20990301T030000Z\r\n"));
	assert_non_null(strstr(item, "\r\nLOCATION:울란바토르\r\n"));
	assert_non_null(strstr(item, "\r\nCATEGORIES:MN,2.3\r\n"));
	assert_non_null(strstr(item, "\r\nSTATUS:CONFIRMED\r\n"));
	assert_null(strcasestr(answer.body, "secretword"));
	web_answer_free(&answer);
	/* A change raises the sequence; DTSTAMP follows the change, not the moment of asking. */
	json_decref(call("engagement.update", json_of("{'id':'%s','version':1,'status':'cancelled'}", id)));
	answer = feed_fetched(&feed);
	item = strstr(answer.body, uid);
	assert_non_null(strstr(item, "\r\nSEQUENCE:1\r\n"));
	assert_non_null(strstr(item, "\r\nSTATUS:CANCELLED\r\n"));
	web_answer_free(&answer);
	json_decref(call("engagement.void", json_of("{'id':'%s','version':2,'reason':'r'}", id)));
	assert_false(feed_shows(&feed, id));
	free(uid);
	free(id);
}

/* Days, months and years, each with its last day. */
static void test_days(void **state)
{
	static const struct {
		const char *days, *first, *last;
	} cases[] = {
	    {"'starts_on':'2099-05-06'", "2099-05-06", "2099-05-06"},
	    {"'starts_on':'2099-05-06','ends_on':'2099-05-08'", "2099-05-06", "2099-05-08"},
	    {"'starts_on':'2096-02-10','precision':'month'", "2096-02-01", "2096-02-29"},
	    {"'starts_on':'2099-11-30','ends_on':'2100-02-03','precision':'month'", "2099-11-01", "2100-02-28"},
	    {"'starts_on':'2099-05-06','precision':'year'", "2099-01-01", "2099-12-31"},
	    {"'starts_on':'9999-12-31'", "9999-12-31", "9999-12-31"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *id = made("engagement.log", json_of("{'title':'T'," PLACED ",%s}", cases[i].days));
		json_t *export = call("calendar.export", json_of("{'country':'MN'}")), *entry = entry_of(export, id);
		assert_non_null(entry);
		assert_string_equal(at_string(entry, "starts_on"), cases[i].first);
		assert_string_equal(at_string(entry, "ends_on"), cases[i].last);
		json_decref(export);
		free(id);
	}
}

/* Moves an engagement, or a reminder, to so many hours from now. */
static void move(const char *table, const char *column, const char *id, long hours)
{
	char sql[256];
	snprintf(sql, sizeof sql, "UPDATE store.%s SET %s = clock_timestamp() + interval '%ld hours' WHERE id = '%s'",
	         table, column, hours, id);
	free(harness_query(harness, sql));
}

static void test_ninety_days(void **state)
{
	static const struct {
		const char *status;
		long hours;
		bool shown;
	} cases[] = {
	    {"held", -90 * 24 + 1, true},       {"held", -90 * 24 - 1, false},     {"cancelled", -90 * 24 + 1, true},
	    {"cancelled", -90 * 24 - 1, false}, {"cancelled", 24, true},           {"planned", -90 * 24 - 1, true},
	    {"tentative", -4000 * 24, true},    {"postponed", -90 * 24 - 1, true}, {"planned", 24 * 4000, true},
	};
	static const struct {
		const char *verb;
		long hours;
		bool shown;
	} reminders[] = {
	    {NULL, -90 * 24 - 1, true},
	    {"reminder.complete", -90 * 24 + 1, true},
	    {"reminder.complete", -90 * 24 - 1, false},
	    {"reminder.cancel", -90 * 24 + 1, true},
	    {"reminder.cancel", -90 * 24 - 1, false},
	};
	struct feed feed = feed_of(&client, "{}");
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *id =
		    made("engagement.log",
		         json_of("{'title':'T'," PLACED ",'starts_at':'2026-01-01T00:00:00Z','status':'%s'}", cases[i].status));
		move("engagement", "starts_at", id, cases[i].hours);
		if (feed_shows(&feed, id) != cases[i].shown)
			fail_msg("%s, in %ld hours", cases[i].status, cases[i].hours);
		free(id);
	}
	for (size_t i = 0; i < sizeof reminders / sizeof *reminders; i++) {
		char *id = made("reminder.create", json_of("{'note':'n','due_at':'2099-01-01T00:00:00Z'}"));
		if (reminders[i].verb)
			json_decref(call(reminders[i].verb, json_of("{'id':'%s'}", id)));
		move("reminder", "due_at", id, reminders[i].hours);
		if (feed_shows(&feed, id) != reminders[i].shown)
			fail_msg("%s, in %ld hours", reminders[i].verb, reminders[i].hours);
		free(id);
	}
}

static void clear(const char *id, const char *clearance)
{
	char sql[128];
	snprintf(sql, sizeof sql, "SELECT version FROM store.principal WHERE id = '%s'", id);
	json_decref(call("principal.update", json_of("{'id':'%s','version':%ld,'clearance':'%s'}", id,
	                                             harness_count(harness, sql), clearance)));
}

/* Above internal there is no entry, and none for what hangs on it; below, whoever is cleared for less sees less. */
static void test_sensitivity(void **state)
{
	enum { LINKS = 5 };
	static const char *const levels[] = {"open", "internal", "restricted", "secret"};
	static const char *const clearances[] = {"secret", "internal", "open"};
	struct feed feed = feed_of(&client, "{}");
	char *events[4], *todos[4][LINKS];
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		events[i] = made("engagement.log",
		                 json_of("{'title':'L'," PLACED ",'starts_on':'2099-06-01','sensitivity':'%s'}", levels[i]));
		char *contact = made("contact.create", json_of("{'name':'P','country':'MN','sensitivity':'%s'}", levels[i]));
		char *about[] = {made("commitment.create", json_of("{'by':'MN','text':'t','engagement_id':'%s'}", events[i])),
		                 made("commitment.create", json_of("{'by':'MN','text':'t','to':'%s'}", contact)),
		                 made("commitment.create", json_of("{'by':'%s','text':'t'}", contact))};
		todos[i][0] =
		    made("reminder.create",
		         json_of("{'note':'n','due_at':'2099-01-01T00:00:00Z','about':{'engagement_id':'%s'}}", events[i]));
		todos[i][1] =
		    made("reminder.create",
		         json_of("{'note':'n','due_at':'2099-01-01T00:00:00Z','about':{'contact_id':'%s'}}", contact));
		for (size_t k = 0; k < LINKS - 2; k++) {
			todos[i][2 + k] =
			    made("reminder.create",
			         json_of("{'note':'n','due_at':'2099-01-01T00:00:00Z','about':{'commitment_id':'%s'}}", about[k]));
			free(about[k]);
		}
		free(contact);
	}
	for (long k = 0; k < 3; k++) {
		clear(bootstrap, clearances[k]);
		for (size_t i = 0; i < 4; i++) {
			bool wanted = i <= (k == 2 ? 0 : 1);
			if (feed_shows(&feed, events[i]) != wanted)
				fail_msg("an engagement of level %s, cleared for %s", levels[i], clearances[k]);
			for (size_t n = 0; n < LINKS; n++)
				if (feed_shows(&feed, todos[i][n]) != wanted)
					fail_msg("reminder %zu on level %s, cleared for %s", n, levels[i], clearances[k]);
		}
	}
	clear(bootstrap, "secret");
	/* A reminder about what has been voided goes along. */
	json_decref(call("engagement.void", json_of("{'id':'%s','version':1,'reason':'r'}", events[0])));
	assert_false(feed_shows(&feed, todos[0][0]));
	assert_false(feed_shows(&feed, todos[0][2]));
	for (size_t i = 0; i < 4; i++) {
		free(events[i]);
		for (size_t n = 0; n < LINKS; n++)
			free(todos[i][n]);
	}
}

/* Of a person: what they keep, made without a keeper, or take part in; and nobody else's reminders anywhere. */
static void test_whose(void **state)
{
	struct client officer;
	char id[37], *ids[6];
	feed_open_as(&officer, "officer", id);
	struct feed person = feed_of(&officer, "{}"), country = feed_of(&officer, "{'country':'MN'}"),
	            workstream = feed_of(&officer, "{'workstream':'2.3'}"), other = feed_of(&officer, "{'country':'CU'}");
	(void)state;
#define EVENT "{'title':'W'," PLACED ",'starts_on':'2099-07-01'"
	ids[0] = made("engagement.log", json_of(EVENT "}"));
	ids[1] = made("engagement.log", json_of(EVENT ",'owner':'%s'}", id));
	ids[2] = made("engagement.log", json_of(EVENT ",'participants':[{'principal_id':'%s'}]}", id));
	ids[3] = feed_made(&officer, "engagement.log", json_of(EVENT "}"));
	ids[4] = feed_made(&officer, "engagement.log", json_of(EVENT ",'owner':'%s'}", bootstrap));
	ids[5] = feed_made(
	    &officer, "engagement.log",
	    json_of("{'title':'W','kind':'call','countries':['CU'],'workstreams':['1.2'],'starts_on':'2099-07-01'}"));
	static const bool wanted[6][4] = {{false, true, true, false}, {true, true, true, false},
	                                  {true, true, true, false},  {true, true, true, false},
	                                  {false, true, true, false}, {true, false, false, true}};
	const struct feed *const feeds[] = {&person, &country, &workstream, &other};
	for (size_t i = 0; i < 6; i++)
		for (size_t k = 0; k < 4; k++)
			if (feed_shows(feeds[k], ids[i]) != wanted[i][k])
				fail_msg("engagement %zu in feed %zu", i, k);
	char *mine = feed_made(&officer, "reminder.create",
	                       json_of("{'note':'n','due_at':'2099-01-01T00:00:00Z','about':"
	                               "{'engagement_id':'%s'}}",
	                               ids[0]));
	char *theirs = made("reminder.create",
	                    json_of("{'note':'n','due_at':'2099-01-01T00:00:00Z','about':{'engagement_id':'%s'}}", ids[0]));
	char *given = made("reminder.create", json_of("{'note':'n','due_at':'2099-01-01T00:00:00Z','assignee':'%s'}", id));
	for (size_t k = 0; k < 4; k++) {
		assert_int_equal(feed_shows(feeds[k], mine), k < 3);
		assert_false(feed_shows(feeds[k], theirs));
		assert_int_equal(feed_shows(feeds[k], given), k == 0);
	}
	for (size_t i = 0; i < 6; i++)
		free(ids[i]);
	free(mine), free(theirs), free(given);
	client_close(&officer);
}

/* The most that a calendar holds, at, and above; in the reader's database there may be anything. */
static void test_left_out(void **state)
{
	json_t *export;
	(void)state;
	free(harness_query(
	    harness,
	    "INSERT INTO store.engagement (id, title, kind, status, starts_on, precision, countries, workstreams,"
	    " sensitivity, logged_by) SELECT store.uuid7(), 'Many', 'call', 'planned', '2080-01-01'::date + i, 'day',"
	    " '{BT}', '[{\"code\": \"2.3\"}]', 0, '00000000-0000-7000-8000-000000000001'"
	    " FROM generate_series(1, 500) AS i"));
	export = call("calendar.export", json_of("{'country':'BT'}"));
	assert_int_equal(json_array_size(at(export, "items")), 500);
	assert_int_equal(at_integer(export, "left_out"), 0);
	json_decref(export);
	free(made("engagement.log", json_of("{'title':'One more','kind':'call','countries':['BT'],'workstreams':['2.3'],"
	                                    "'starts_on':'2099-01-01'}")));
	export = call("calendar.export", json_of("{'country':'BT'}"));
	assert_int_equal(json_array_size(at(export, "items")), 500);
	assert_int_equal(at_integer(export, "left_out"), 1);
	/* The latest stay. */
	assert_string_equal(at_string(export, "items.499.title"), "One more");
	assert_string_equal(at_string(export, "items.0.starts_on"), "2080-01-03");
	json_decref(export);
}

/* Who holds it, and whom it shows: the lesser clearance counts. */
static void test_two_clearances(void **state)
{
	struct client director;
	char director_id[37], officer_id[37], *params;
	(void)state;
	feed_open_as(&director, "director", director_id);
	web_principal(&client, "officer", officer_id);
	assert_true(asprintf(&params, "{'principal_id':'%s'}", officer_id) > 0);
	struct feed feed = feed_of(&director, params);
	char *id = made("engagement.log", json_of("{'title':'T'," PLACED ",'starts_on':'2099-06-01','owner':'%s',"
	                                          "'sensitivity':'internal'}",
	                                          officer_id));
	assert_true(feed_shows(&feed, id));
	clear(director_id, "open");
	assert_false(feed_shows(&feed, id));
	clear(director_id, "secret");
	assert_true(feed_shows(&feed, id));
	clear(officer_id, "open");
	assert_false(feed_shows(&feed, id));
	free(id);
	free(params);
	client_close(&director);
}

/* What a reminder is about may lead to a country and a workstream in other ways than by an engagement. */
static void test_reminders_about(void **state)
{
	struct feed country = feed_of(&client, "{'country':'MN'}"), workstream = feed_of(&client, "{'workstream':'2.3'}"),
	            other = feed_of(&client, "{'country':'CU'}"), another = feed_of(&client, "{'workstream':'3.4'}");
	char *engagement = made("engagement.log", json_of("{'title':'T'," PLACED ",'starts_on':'2020-06-01'}"));
	const struct {
		const char *member;
		char *id;
		bool country, workstream;
	} cases[] = {
	    {"engagement_id", strdup(engagement), true, true},
	    {"dialogue_id", made("dialogue.create", json_of("{'title':'D','countries':['MN'],'workstreams':['2.3']}")),
	     true, true},
	    {"contact_id", made("contact.create", json_of("{'name':'C','country':'MN'}")), true, false},
	    {"commitment_id", made("commitment.create", json_of("{'by':'MN','text':'t'}")), true, false},
	    {"commitment_id", made("commitment.create", json_of("{'by':'KR','to':'MN','text':'t'}")), true, false},
	    {"commitment_id", made("commitment.create", json_of("{'by':'KR','text':'t','engagement_id':'%s'}", engagement)),
	     true, true},
	    {"commitment_id", made("commitment.create", json_of("{'by':'KR','text':'t'}")), false, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *id = made("reminder.create", json_of("{'note':'n','due_at':'2099-01-01T00:00:00Z','about':{'%s':'%s'}}",
		                                           cases[i].member, cases[i].id));
		if (feed_shows(&country, id) != cases[i].country || feed_shows(&workstream, id) != cases[i].workstream ||
		    feed_shows(&other, id) || feed_shows(&another, id))
			fail_msg("reminder %zu, about a %s", i, cases[i].member);
		free(id);
		free(cases[i].id);
	}
	free(engagement);
}

/* When the roadmap is revised, what was logged under an older code is shown under the one it stands for now. */
static void test_revised(void **state)
{
	char *id = made("engagement.log",
	                json_of("{'title':'T','kind':'call','countries':['MN'],'workstreams':['3.4'],'starts_on':"
	                        "'2099-06-01'}"));
	struct feed before = feed_of(&client, "{'workstream':'3.4'}");
	(void)state;
	assert_true(feed_shows(&before, id));
	json_decref(call("roadmap.revise",
	                 json_of("{'based_on':1,'changes':[{'workstream':'3.5','in_phase':3,'title':'T','title_ko':'제목'},"
	                         "{'workstream':'3.4','retire':true}],'crosswalk':[{'from':'3.4','to':'3.5'}]}")));
	assert_true(feed_shows(&before, id));
	/* The daemon knows the new code a moment later. */
	json_t *answer;
	long long until = harness_now_ms() + 20000;
	while (!at(answer = client_call(&client, "calendar.export", json_of("{'workstream':'3.5'}")), "result")) {
		assert_true(harness_now_ms() < until);
		json_decref(answer);
	}
	assert_non_null(entry_of(at(answer, "result"), id));
	json_decref(answer);
	free(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_scopes),
	    cmocka_unit_test(test_entries),
	    cmocka_unit_test(test_days),
	    cmocka_unit_test(test_ninety_days),
	    cmocka_unit_test(test_sensitivity),
	    cmocka_unit_test(test_whose),
	    cmocka_unit_test(test_left_out),
	    cmocka_unit_test(test_two_clearances),
	    cmocka_unit_test(test_reminders_about),
	    cmocka_unit_test(test_revised),
	};
	return cmocka_run_group_tests(tests, feed_setup, feed_teardown);
}
